"""The transition table, every state times every step; and the rules of the case itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casework import cases, views
from casework.requests import (
    THE_SYSTEM,
    Acknowledge,
    AddNote,
    AssignOwner,
    CaseStep,
    MemberStep,
    OpenCase,
    Principal,
    PublishKinds,
    PublishPlaybook,
    RecordOutcome,
    Suggestion,
)
from ledger.entries import KINDS
from ledger.errors import Refused
from tests.casework.shop import Shop

LETTERS = {
    "n": "", "D": "DETECTED", "S": "SUPPRESSED", "U": "UNKNOWN", "A": "ASSIGNED", "K": "ACKNOWLEDGED",
    "W": "AWAITING_DECISION", "I": "IN_ACTION", "V": "AWAITING_REVIEW", "R": "RESOLVED", "C": "CLEARED",
    "E": "EXPIRED", "O": "REOPENED", "X": "CLOSED",
}  # fmt: skip

# step: the state it leads to from each state in the order of the header; "." is refused
TABLE = """
                              n D S U A K W I V R C E O X
case_opened                   D . . . . . . . . . . . . .
case_suppressed               . S . . . . . . . . . . . .
owner_assigned                . A A A A A . . . . . . A .
acknowledged                  . . . . K K . . . . . . . .
escalated                     . . . . . . W I V . . . . .
note_added                    . D S U A K W I V R C E O X
proposal_made                 . . . . W W W W . . . . . .
decision_made:action:approved . . . . . . I . . . . . . .
decision_made:action:declined . . . . . . K . . . . . . .
decision_made:award:approved  . . . . . . . . . R . . . .
decision_made:award:declined  . . . . . . . . V R . . . .
decision_withdrawn:action     . . . . . W . W . . . . . .
decision_withdrawn:award      . . . . . . . . V R . . . .
action_taken                  . . . . . . . I . . . . . .
work_reported                 . . . . . . I . . . . . . .
evidence_attached             . . . . A K W I V R . . . .
point_tapped                  . . . . A K W I V R . . . .
evidence_withdrawn            . . . . A K W I V R . . . .
evidence_reviewed             . . . . A K W I V R . . . .
link_issued                   . . . . A K W I V . . . . .
link_answered                 . . . . A K W I V R . . . .
link_expired                  . D S U A K W I V R C E O X
outcome_recorded              . . . . . . . V V . . . . .
verdict_given:pass            . . . . . . . . R R . . . .
verdict_given:other           . . . . . . . . V V . . . .
award_granted                 . . . . . . . . . R . . . .
draw_made                     . . . . A K W I V R . . O X
award_held                    . . . . A K W I V R . . O X
award_released                . . . . A K W I V R . . O X
award_settled                 . . . . . . . . . R . . . X
credential_issued             . . . . A K W I V R . . O X
recall_answered               . . . . A K W I V R . . O X
award_declined                . . . . A K W I V R . . O X
award_revoked                 . . . . A K W I V R . . O X
award_disputed:before         . . . . . . . . V R . . . .
award_disputed:after          . . . . A K W I V R . . O X
dispute_answered              . D S U A K W I V R C E O X
dispute_closed                . D S U A K W I V R C E O X
award_escalated               . D S U A K W I V R C E O X
case_cleared                  . C C C C C C . . . . . C .
case_expired                  . E E E E E E E E . . . E .
case_reopened                 . . . . . . . . . O O O . O
case_closed                   . X X X X X X X X X X X X .
"""


def _lines() -> tuple[list[str], dict[str, list[str]]]:
    header, *rows = [line.split() for line in TABLE.strip("\n").splitlines()]
    return header, {row[0]: row[1:] for row in rows}


def _body(step: str) -> tuple[str, dict[str, str | None]]:
    kind, *rest = step.split(":")
    if kind == "award_disputed":
        return kind, {"award": None if rest == ["before"] else "award"}
    if kind == "verdict_given":
        return kind, {"result": "pass" if rest == ["pass"] else "needs_human"}
    return kind, dict(zip(("about", "verb"), rest, strict=False))


def test_table_names_every_step_and_state() -> None:
    header, rows = _lines()
    assert rows.keys() == cases.TRANSITIONS.keys()
    assert [LETTERS[letter] for letter in header] == [cases.NOTHING, *cases.STATES]
    assert {step.partition(":")[0] for step in rows} <= KINDS.keys()


@pytest.mark.parametrize("step", _lines()[1])
def test_move_follows_the_table(step: str) -> None:
    header, rows = _lines()
    kind, body = _body(step)
    for letter, expected in zip(header, rows[step], strict=True):
        state = LETTERS[letter]
        if expected == ".":
            with pytest.raises(Refused, match="transition"):
                cases.move(state, kind, body)
        else:
            assert cases.move(state, kind, body) == LETTERS[expected], (step, state)


def test_move_refuses_a_kind_that_is_no_step() -> None:
    with pytest.raises(Refused, match="transition"):
        cases.move("ASSIGNED", "budget_set", {})


def test_silence_never_approves() -> None:
    # What the system alone may append leads from AWAITING_DECISION to no decision.
    for step in ("case_cleared", "case_expired", "escalated", "link_expired"):
        assert cases.TRANSITIONS[step].to not in (cases.IN_ACTION, cases.RESOLVED)


def test_every_case_kind_has_a_projection_of_its_state() -> None:
    assert {step.partition(":")[0] for step in cases.TRANSITIONS} == views._CASE_KINDS


@pytest.mark.parametrize(
    ("instant", "seconds", "days", "expected"),
    [
        ("2026-11-20T10:00:00.000Z", 10, 0, "2026-11-20T10:00:10.000Z"),
        ("2026-12-31T23:59:55.250Z", 10, 0, "2027-01-01T00:00:05.250Z"),
        ("2028-02-28T12:00:00.001Z", 0, 14, "2028-03-13T12:00:00.001Z"),
    ],
)
def test_later(instant: str, seconds: int, days: int, expected: str) -> None:
    assert cases.later(instant, seconds=seconds, days=days) == expected


# ------------------------------------------------------------------------------------------ opening and owning
async def test_open_refuses_a_second_case_for_the_same_thing_while_one_is_open(here: Shop) -> None:
    case = await here.open(number="4711")
    with pytest.raises(Refused, match="already_open"):
        await here.open(number="4711")
    await here.desk.clear(THE_SYSTEM, here.key(), CaseStep(case))
    assert await here.open(number="4711") != case


@pytest.mark.parametrize(
    ("origin", "who", "code"),
    [
        ("signal", "owner", "value_invalid"),
        ("schedule", "waiter", "value_invalid"),
        ("report", "system", "value_invalid"),
        ("rumour", "waiter", "value_invalid"),
    ],
)
async def test_open_refuses_an_origin_that_this_actor_cannot_be(
    here: Shop, origin: str, who: str, code: str
) -> None:
    request = _request(here)
    principal = THE_SYSTEM if who == "system" else here.people[who]
    with pytest.raises(Refused, match=code):
        await here.desk.open_case(principal, here.key(), replace(request, origin=origin))


def _request(here: Shop) -> OpenCase:
    return OpenCase("report", here.people["waiter"].id, ("x",), here.now(), here.now())


@pytest.mark.parametrize("owner", ["agent", "nobody"])
async def test_open_refuses_an_owner_who_is_no_active_person(here: Shop, owner: str) -> None:
    member = here.people[owner].id if owner in here.people else owner
    with pytest.raises(Refused, match="owner_unknown"):
        await here.open(owner=member)


async def test_open_with_a_suggestion_is_one_command_that_a_business_of_one_can_decide(here: Shop) -> None:
    case = await here.open(
        owner=here.people["owner"].id, suggestion=Suggestion("call_back", "Call the guest")
    )
    assert await here.kinds(case) == ["case_opened", "owner_assigned", "proposal_made"]
    await here.decide(case, "action", "owner")
    assert await here.state(case) == "IN_ACTION"


async def test_acknowledge_is_the_owners(here: Shop) -> None:
    case = await here.open()
    with pytest.raises(Refused, match="not_owner"):
        await here.desk.acknowledge(
            here.people["owner"], here.key(), Acknowledge(case, "2026-12-01T00:00:00.000Z")
        )
    with pytest.raises(Refused, match="value_invalid"):
        await here.desk.acknowledge(here.people["waiter"], here.key(), Acknowledge(case, here.now()))
    late = cases.later(here.now(), days=cases.ACK_DAYS_MAX, seconds=1)
    with pytest.raises(Refused, match=r"value_invalid.*at the latest"):
        await here.desk.acknowledge(here.people["waiter"], here.key(), Acknowledge(case, late))


async def test_assign_before_a_proposal_assigns_and_after_it_escalates(here: Shop) -> None:
    case = await here.open()
    owner = here.people["owner"]
    await here.desk.assign_owner(owner, here.key(), AssignOwner(case, owner.id, "absent"))
    await here.propose(case)
    await here.desk.assign_owner(
        owner, here.key(), AssignOwner(case, here.people["waiter"].id, "handed_over")
    )
    assert (await here.kinds(case))[-3:] == ["owner_assigned", "proposal_made", "escalated"]
    assert await here.state(case) == "AWAITING_DECISION"
    with pytest.raises(Refused, match="reason_unknown"):
        await here.desk.assign_owner(owner, here.key(), AssignOwner(case, owner.id, "because"))
    for reason in set(cases.ASSIGN_REASONS) - set(cases.HAND_REASONS):
        with pytest.raises(Refused, match="reason_unknown"):
            await here.desk.assign_owner(owner, here.key(), AssignOwner(case, owner.id, reason))


async def test_a_case_that_changed_hands_while_it_was_read_is_not_reopened(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, owner = await here.open(), here.people["owner"]
    await here.desk.close(owner, here.key(), CaseStep(case, "false_alarm"))
    again = here.desk._owner_again

    async def slow(known: str) -> str:
        monkeypatch.undo()
        await here.desk.reopen(owner, here.key(), CaseStep(case, "closed_in_error"))
        await here.desk.assign_owner(owner, here.key(), AssignOwner(case, owner.id, "absent"))
        await here.desk.close(owner, here.key(), CaseStep(case, "false_alarm"))
        return await again(known)

    monkeypatch.setattr(here.desk, "_owner_again", slow)
    with pytest.raises(Refused, match=r"stale.*somebody else"):
        await here.desk.reopen(owner, here.key(), CaseStep(case, "closed_in_error"))
    await here.desk.reopen(owner, here.key(), CaseStep(case, "closed_in_error"))


async def test_a_repeated_request_has_one_effect_and_the_same_ids(here: Shop) -> None:
    case = await here.open()
    request = AddNote(case, "The soup was cold")
    waiter = here.people["waiter"]
    first = await here.desk.add_note(waiter, "note", request)
    again = await here.desk.add_note(waiter, "note", request)
    assert (again.outcome.replayed, again.outcome.first_seq, again.ids) == (
        True,
        first.outcome.first_seq,
        first.ids,
    )
    with pytest.raises(Refused, match="idempotency_mismatch"):
        await here.desk.add_note(waiter, "note", AddNote(case, "The soup was hot"))
    await here.desk.add_note(here.people["owner"], "note", request)  # the key's scope is the actor
    assert (await here.kinds(case)).count("note_added") == 2


# ------------------------------------------------------------------------------------------ who may act at all
@pytest.mark.parametrize(
    ("principal", "code"),
    [
        (Principal("nobody", "staff", "test", "key"), "member_inactive"),
        (None, "role_missing"),
    ],
)
async def test_acting_refuses_strangers_and_roles_not_held(
    here: Shop, principal: Principal | None, code: str
) -> None:
    case = await here.open()
    who = principal or Principal(here.people["waiter"].id, "owner", "test", "key")
    with pytest.raises(Refused, match=code):
        await here.desk.add_note(who, here.key(), AddNote(case, "hello"))


async def test_a_member_who_left_does_nothing_more(here: Shop) -> None:
    case = await here.open()
    waiter = here.people["waiter"]
    await here.office.member_left(here.people["owner"], here.key(), MemberStep(waiter.id, reason_code="left"))
    with pytest.raises(Refused, match="member_inactive"):
        await here.desk.add_note(waiter, here.key(), AddNote(case, "hello"))


# ------------------------------------------------------------------------------------------ how it ends
@pytest.mark.parametrize("origin", ["signal", "claim"])
async def test_a_case_is_opened_under_the_policy_of_its_award_kind(here: Shop, origin: str) -> None:
    with pytest.raises(Refused, match="award_kind: expected service_issue"):
        await here.open(origin, award_kind="completed_training")


async def test_outcome_fixed_needs_an_action_and_the_playbooks_evidence(here: Shop) -> None:
    owner, waiter = here.people["owner"], here.people["waiter"]
    await here.office.publish_kinds(owner, here.key(), PublishKinds("aa" * 32, {}))
    content = {"evidence": [{"type": "system_record", "min_grade": "E3"}]}
    book = PublishPlaybook("complaint", "bb" * 32, "aa" * 32, "live", None, content)
    await here.office.publish_playbook(owner, here.key(), book)
    case = await here.open(playbook="complaint")
    proposal = await here.propose(case)
    await here.decide(case, "action", "owner")
    with pytest.raises(Refused, match="not_decided"):
        await here.desk.record_outcome(waiter, here.key(), RecordOutcome(case, "fixed", "none"))
    await here.act(case, proposal)
    with pytest.raises(Refused, match="evidence_missing"):
        await here.desk.record_outcome(waiter, here.key(), RecordOutcome(case, "fixed", "none"))
    await here.record(case)
    await here.desk.record_outcome(waiter, here.key(), RecordOutcome(case, "fixed", "none"))
    assert await here.state(case) == "AWAITING_REVIEW"


@pytest.mark.parametrize(
    ("step", "reason", "code"),
    [
        ("opened", "done", "transition"),
        ("outcome", "done", "transition"),
        ("opened", None, "reason_missing"),
        ("opened", "bored", "reason_unknown"),
        ("opened", "false_alarm", None),
        ("passed", "done", "undecided"),
        ("awarded", "done", None),
    ],
)
async def test_close(here: Shop, step: str, reason: str | None, code: str | None) -> None:
    case = (await here.awarded())[0] if step == "awarded" else await here.until(step)
    if code is None:
        await here.desk.close(here.people["owner"], here.key(), CaseStep(case, reason))
        assert await here.state(case) == "CLOSED"
    else:
        with pytest.raises(Refused, match=code):
            await here.desk.close(here.people["owner"], here.key(), CaseStep(case, reason))


async def test_clear_credits_nobody_and_comes_too_late_once_somebody_acts(here: Shop) -> None:
    case = await here.until("approved")
    with pytest.raises(Refused, match="transition"):
        await here.desk.clear(THE_SYSTEM, here.key(), CaseStep(case))


async def test_unknown_ids_are_unknown(here: Shop) -> None:
    with pytest.raises(Refused, match="unknown"):
        await here.desk.close(here.people["owner"], here.key(), CaseStep("case-of-somebody-else", "done"))
    with pytest.raises(Refused, match="unknown"):
        await here.desk.show(here.people["owner"], "case-of-somebody-else", "action")

"""The right of reply: who may ask what, who answers, what an end rests on, and whom it goes to when nobody decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casework import disputes
from casework.audit import audit
from casework.requests import (
    THE_SYSTEM,
    AnswerDispute,
    AwardStep,
    CaseStep,
    ChangeSettings,
    CloseDispute,
    Dispute,
    EndAuthority,
    EscalateAward,
    MemberStep,
    WithdrawDecision,
)
from ledger import book
from ledger.errors import Refused
from ledger.store.tables import shapes
from tests.casework.histories import read
from tests.casework.shop import PROJECTIONS, Shop

PEOPLE = (
    ("lead", "manager", None), ("cook", "staff", None), ("auditor", "auditor", None), ("twin", "manager", "waiter"),
)  # fmt: skip


async def manned(here: Shop) -> Shop:
    """A lead, a cook without a part in anything, an auditor, and a second account of the waiter who leads."""
    for name, role, same_as in PEOPLE:
        await here.join(name, role, same_as=same_as)
    return here


async def settled(here: Shop) -> tuple[str, str]:
    """Return case and award, settled."""
    case, award = await here.awarded()
    here.wait(days=14)
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    return case, award


async def ended(here: Shop, stage: str, case: str, award: str | None, reason: str) -> Any:
    """Say the no, end it or take it back, as somebody who may."""
    if award is None:
        return await here.decide(case, "award", "accountant", verb="declined", reason_code=reason)
    step = here.desk.decline_award if stage == "provisional" else here.desk.revoke
    return await step(here.people["accountant"], here.key(), AwardStep(award, reason))


STAGES = (
    # where it stands, what is planned, a reason, another one, who asks
    ("passed", "decline", "evidence_weak", "duplicate", "accountant"),
    ("provisional", "decline", "evidence_weak", "duplicate", "lead"),
    ("settled", "revoke", "evidence_false", "duplicate", "lead"),
)


async def at_stage(here: Shop, stage: str) -> tuple[str, str | None]:
    """Return case and award (None: not yet) at a stage."""
    await manned(here)
    if stage == "passed":
        return await here.until("passed"), None
    return await (here.awarded() if stage == "provisional" else settled(here))


# ---------------------------------------------------------------------------------------------- what an end rests on
@pytest.mark.parametrize(("stage", "about", "reason", "other", "asker"), STAGES)
async def test_an_end_waits_for_the_reply_to_this_very_reason(
    here: Shop, stage: str, about: str, reason: str, other: str, asker: str
) -> None:
    case, award = await at_stage(here, stage)
    if stage == "settled":
        await here.desk.hold(here.people["lead"], here.key(), AwardStep(str(award), "revocation_asked"))
    with pytest.raises(Refused, match="not_asked_first"):
        await ended(here, stage, case, award, reason)
    dispute = await here.ask(case, about, reason, asker, "I was told otherwise")
    for why, code in ((reason, "reply_awaited"), (other, "not_asked_first")):
        with pytest.raises(Refused, match=code):
            await ended(here, stage, case, award, why)
    await here.answer(case, dispute)
    with pytest.raises(Refused, match="not_asked_first"):
        await ended(here, stage, case, award, other)
    await ended(here, stage, case, award, reason)
    row = await here.rows.get("case_file", (case,))
    assert row is not None and (row["dispute"], row["award"]) == (None, None)
    told = await read(here)
    assert audit(told.entries, shapes(), PROJECTIONS, told.open).findings == []


@pytest.mark.parametrize(("stage", "about", "reason", "other", "asker"), STAGES)
async def test_an_end_goes_ahead_at_the_very_end_of_the_time_set_and_not_before(
    here: Shop, stage: str, about: str, reason: str, other: str, asker: str
) -> None:
    case, award = await at_stage(here, stage)
    days = ChangeSettings({"reply_days": 2})
    await here.office.change_settings(here.people["owner"], here.key(), days)
    dispute = await here.ask(case, about, reason, asker)
    await here.office.change_settings(here.people["owner"], here.key(), ChangeSettings({"reply_days": 1}))
    row = await here.rows.get("dispute", (case, dispute))
    here.clock.advance(2 * 86_400_000 - 1)
    with pytest.raises(Refused, match="reply_awaited"):  # frozen as it was when they were asked
        await ended(here, stage, case, award, reason)
    here.clock.advance(1)
    assert row is not None and row["reply_until"] == here.now()
    await ended(here, stage, case, award, reason)


@pytest.mark.parametrize(("stage", "about", "reason", "other", "asker"), STAGES)
async def test_whoever_has_left_is_not_waited_for(
    here: Shop, stage: str, about: str, reason: str, other: str, asker: str
) -> None:
    case, award = await at_stage(here, stage)
    await here.ask(case, about, reason, asker)
    owner = here.people["owner"]
    await here.office.member_left(owner, here.key(), MemberStep(here.people["waiter"].id, reason_code="left"))
    with pytest.raises(Refused, match="reply_awaited"):  # the person is here by another account
        await ended(here, stage, case, award, reason)
    await here.office.member_left(owner, here.key(), MemberStep(here.people["twin"].id, reason_code="left"))
    await ended(here, stage, case, award, reason)


async def test_nobody_left_to_ask_needs_no_asking(here: Shop) -> None:
    _, award = await here.awarded()
    owner = here.people["owner"]
    await here.office.member_left(owner, here.key(), MemberStep(here.people["waiter"].id, reason_code="left"))
    await here.desk.decline_award(here.people["accountant"], here.key(), AwardStep(award, "not_reached"))
    told = await read(here)
    assert audit(told.entries, shapes(), PROJECTIONS, told.open).findings == []


async def test_everybody_concerned_is_asked_and_awaited(here: Shop) -> None:
    await manned(here)
    case = await here.until("reviewed")
    both = (here.people["waiter"].id, here.people["cook"].id)
    await here.judge(case, both)
    dispute = await here.ask(case, "decline", "evidence_weak")
    row = await here.rows.get("dispute", (case, dispute))
    assert row is not None and all(member in row["members"] for member in both)
    await here.answer(case, dispute, "waiter")
    with pytest.raises(Refused, match="reply_awaited"):
        await ended(here, "passed", case, None, "evidence_weak")
    await here.answer(case, dispute, "cook")
    await ended(here, "passed", case, None, "evidence_weak")


@pytest.mark.parametrize(("stage", "about", "reason", "other", "asker"), STAGES)
async def test_no_end_rests_on_what_was_dropped(
    here: Shop, stage: str, about: str, reason: str, other: str, asker: str
) -> None:
    case, award = await at_stage(here, stage)
    dispute = await here.ask_first(case, about, reason, asker)
    await here.desk.close_dispute(here.people["owner"], here.key(), CloseDispute(case, dispute, "no_ground"))
    if award is not None and stage == "settled":
        await here.desk.hold(here.people["lead"], here.key(), AwardStep(award, "revocation_asked"))
    here.wait(days=7)
    with pytest.raises(Refused, match="not_asked_first"):
        await ended(here, stage, case, award, reason)


async def test_judged_anew_it_is_asked_anew(here: Shop) -> None:
    """What was planned over an earlier verdict was about something else."""
    case = await here.until("passed")
    first = await here.ask_first(case, "decline", "evidence_weak")
    await here.judge(case)
    with pytest.raises(Refused, match="not_asked_first"):
        await ended(here, "passed", case, None, "evidence_weak")
    with pytest.raises(Refused, match="dispute_over"):
        await here.answer(case, first)
    await here.ask_first(case, "decline", "evidence_weak")
    await ended(here, "passed", case, None, "evidence_weak")


async def test_a_no_that_was_taken_back_may_be_said_again(here: Shop) -> None:
    case = await here.until("passed")
    await here.ask_first(case, "decline", "evidence_weak")
    done = await ended(here, "passed", case, None, "evidence_weak")
    accountant = here.people["accountant"]
    await here.desk.withdraw_decision(accountant, here.key(), WithdrawDecision(case, done.ids["decision"]))
    await ended(here, "passed", case, None, "evidence_weak")


async def test_a_yes_needs_no_waiting_and_ends_the_question(here: Shop) -> None:
    case = await here.until("passed")
    dispute = await here.ask(case, "decline", "evidence_weak")
    done = await here.approve(case)
    row = await here.rows.get("case_file", (case,))
    assert row is not None and row["dispute"] == dispute  # it could be taken back until it has its effect
    here.wait(seconds=10)
    award = await here.grant(case, done.ids["decision"])
    row = await here.rows.get("case_file", (case,))
    assert row is not None and (row["dispute"], row["award"]) == (None, award)
    here.wait(days=14)
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))


async def test_a_case_is_not_closed_over_a_planned_no(here: Shop) -> None:
    case = await here.until("passed")
    dispute = await here.ask(case, "decline", "evidence_weak")
    step = CaseStep(case, "not_recognised")
    with pytest.raises(Refused, match="dispute_open"):
        await here.desk.close(here.people["owner"], here.key(), step)
    close = CloseDispute(case, dispute, "withdrawn")
    await here.desk.close_dispute(here.people["accountant"], here.key(), close)
    for reason in ("not_recognised", "done", "false_alarm"):  # silence is no no, and closing is none either
        with pytest.raises(Refused, match="undecided"):
            await here.desk.close(here.people["owner"], here.key(), CaseStep(case, reason))
    await here.ask_first(case, "decline", "duplicate")
    await here.decide(case, "award", "accountant", verb="declined", reason_code="duplicate")
    await here.desk.close(here.people["owner"], here.key(), step)


# ---------------------------------------------------------------------------------------------- while it is open
async def test_while_it_is_open_nothing_settles_and_its_end_lets_it_go_on(here: Shop) -> None:
    case, award = await here.awarded()
    dispute = await here.ask(case, "question", "how_earned", "owner")
    assert f"settle:{award}" not in await here.jobs()
    here.wait(days=15)
    with pytest.raises(Refused, match="held"):
        await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    request = CloseDispute(case, dispute, "answered")
    await here.desk.close_dispute(here.people["accountant"], here.key(), request)
    row = await here.rows.get("job", (f"settle:{award}",))
    assert row is not None and row["due"] == here.now()
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    assert await here.balance(book.settled(here.people["waiter"].id)) == 10


async def test_a_hold_beside_it_holds_on(here: Shop) -> None:
    case, award = await here.awarded()
    dispute = await here.ask(case, "question", "how_earned", "owner")
    await here.desk.hold(here.people["owner"], here.key(), AwardStep(award, "under_question"))
    await here.desk.close_dispute(here.people["owner"], here.key(), CloseDispute(case, dispute, "withdrawn"))
    assert f"settle:{award}" not in await here.jobs()
    await here.desk.release(here.people["owner"], here.key(), AwardStep(award, "answered"))
    assert f"settle:{award}" in await here.jobs()


async def test_asking_to_take_back_is_the_first_of_two_voices(here: Shop) -> None:
    await manned(here)
    case, award = await settled(here)
    dispute = await here.ask_first(case, "revoke", "evidence_false", "accountant")
    row = await here.rows.get("award", (award,))
    assert row is not None
    assert (row["held_by"], row["hold_reason"]) == (here.people["accountant"].id, "revocation_asked")
    step = AwardStep(award, "evidence_false")
    with pytest.raises(Refused, match="second_person_needed"):
        await here.desk.revoke(here.people["accountant"], here.key(), step)
    await here.desk.close_dispute(here.people["lead"], here.key(), CloseDispute(case, dispute, "no_ground"))
    row = await here.rows.get("award", (award,))
    assert row is not None and (row["held_by"], row["state"]) == (None, "settled")
    told = await read(here)
    assert audit(told.entries, shapes(), PROJECTIONS, told.open).findings == []


# ---------------------------------------------------------------------------------------------- who may
ASKING: list[tuple[str, str, str, str, str | None]] = [
    # where it stands, who asks, about what, why, refusal
    ("passed", "accountant", "decline", "evidence_weak", None),
    ("passed", "waiter", "decline", "evidence_weak", "decider_is_beneficiary"),
    ("passed", "twin", "decline", "evidence_weak", "decider_is_beneficiary"),
    ("passed", "lead", "decline", "evidence_weak", "no_authority"),  # a no that they could not say
    ("passed", "cook", "decline", "evidence_weak", "no_authority"),
    ("passed", "agent", "decline", "evidence_weak", "agent_may_not"),
    ("passed", "accountant", "revoke", "evidence_false", "award_state"),
    ("passed", "accountant", "question", "how_earned", "award_state"),
    ("passed", "accountant", "decline", "reopened", "reason_unknown"),
    ("passed", "accountant", "reward", "evidence_weak", "value_invalid"),
    ("provisional", "owner", "decline", "not_reached", None),
    ("provisional", "lead", "decline", "not_reached", None),
    ("provisional", "accountant", "decline", "not_reached", None),
    ("provisional", "waiter", "decline", "not_reached", "decider_is_beneficiary"),
    ("provisional", "twin", "decline", "not_reached", "decider_is_beneficiary"),
    ("provisional", "cook", "decline", "not_reached", "no_authority"),
    ("provisional", "auditor", "decline", "not_reached", "no_authority"),
    ("provisional", "agent", "decline", "not_reached", "agent_may_not"),
    ("provisional", "lead", "revoke", "misconduct", "award_state"),
    ("provisional", "lead", "decline", "", "reason_unknown"),
    ("provisional", "waiter", "question", "how_earned", None),  # of their own, of course
    ("provisional", "auditor", "question", "how_earned", None),
    ("provisional", "owner", "question", "seems_mistaken", None),
    ("provisional", "cook", "question", "how_earned", "no_authority"),  # they do not see it
    ("provisional", "agent", "question", "how_earned", "agent_may_not"),
    ("settled", "lead", "revoke", "misconduct", None),
    ("settled", "accountant", "revoke", "misconduct", None),
    ("settled", "twin", "revoke", "misconduct", "decider_is_beneficiary"),
    ("settled", "cook", "revoke", "misconduct", "no_authority"),
    ("settled", "auditor", "revoke", "misconduct", "no_authority"),
    ("settled", "lead", "decline", "not_reached", "award_state"),
    ("settled", "auditor", "question", "who_took_part", None),
]


@pytest.mark.parametrize("stage", ["passed", "provisional", "settled"])
async def test_who_may_ask_what(here: Shop, stage: str) -> None:
    case, _ = await at_stage(here, stage)
    for of, who, about, reason, code in ASKING:
        if of != stage:
            continue
        try:
            dispute = await here.ask(case, about, reason, who)
        except Refused as refused:
            assert refused.code == code, (who, about, refused)
            continue
        assert code is None, (who, about)
        close = CloseDispute(case, dispute, "withdrawn")
        await here.desk.close_dispute(here.people[who], here.key(), close)


async def test_the_words_belong_to_whom_they_are_about(here: Shop) -> None:
    """Before there is an award too: whoever is erased takes them along."""
    case = await here.until("passed")
    dispute = await here.ask(case, "decline", "evidence_weak", note="He was late again")
    await here.answer(case, dispute)
    asked = await here.rows.get("dispute", (case, dispute))
    (answer,) = await here.rows.scan("dispute_answer", (case, dispute))
    assert asked is not None
    for item in (asked["note_item"], answer["reply_item"]):
        wraps = await here.rows.scan("item_wrap", (item,))
        assert [one["subject"] for one in wraps] == [here.people["waiter"].id]


async def test_a_shared_device_neither_asks_nor_answers(here: Shop) -> None:
    case, _ = await here.awarded()
    dispute = await here.ask(case, "decline", "not_reached")
    at_the_pass = replace(here.people["waiter"], via="device", assurance="pin")
    with pytest.raises(Refused, match="own_device_needed"):
        request = AnswerDispute(case, dispute, at_the_pass.id, "Mine")
        await here.desk.answer_dispute(at_the_pass, here.key(), request)
    with pytest.raises(Refused, match="own_device_needed"):
        await here.desk.dispute(at_the_pass, here.key(), Dispute(case, "question", "how_earned"))


ANSWERS: list[tuple[str, str, str, str]] = [
    ("the asker", "lead", "waiter", "not_asked"),
    ("a second account of the asker", "lead2", "waiter", "not_asked"),
    ("somebody else for themselves", "cook", "cook", "not_asked"),
    ("a digital employee", "agent", "waiter", "agent_may_not"),
]


async def test_who_answers(here: Shop) -> None:
    await manned(here)
    await here.join("lead2", "staff", same_as="lead")
    case, _ = await here.awarded()
    dispute = await here.ask(case, "decline", "not_reached", "lead")
    waiter = here.people["waiter"].id
    for why, who, member, code in ANSWERS:
        with pytest.raises(Refused, match=code):
            request = AnswerDispute(case, dispute, here.people[member].id, "It was so")
            await here.desk.answer_dispute(here.people[who], here.key(), request)
        assert await here.rows.scan("dispute_answer", (case,)) == [], why
    with pytest.raises(Refused, match="dispute_over"):
        await here.answer(case, "another")
    twin = AnswerDispute(case, dispute, waiter, "It was me, by my other account")
    await here.desk.answer_dispute(here.people["twin"], here.key(), twin)
    with pytest.raises(Refused, match="answered_before"):
        await here.answer(case, dispute)
    found = await here.rows.scan("dispute_answer", (case,))
    assert [await here.rows.open(one["reply_item"]) for one in found] == [twin.reply]


CLOSING: list[tuple[str, str, str, str | None]] = [
    # about, who, why, refusal; asked by the lead
    ("question", "waiter", "answered", "decider_is_beneficiary"),
    ("question", "cook", "answered", "no_authority"),
    ("question", "owner", "withdrawn", "no_authority"),
    ("question", "lead", "answered", "no_authority"),  # they take it back, and say so
    ("question", "owner", "so", "reason_unknown"),
    ("question", "owner", "answered", None),
    ("decline", "twin", "no_ground", "decider_is_beneficiary"),
    ("decline", "agent", "no_ground", "agent_may_not"),
    ("decline", "lead", "withdrawn", None),
]


async def test_who_closes_it(here: Shop) -> None:
    await manned(here)
    case, _ = await here.awarded()
    dispute = ""
    for about, who, reason, code in CLOSING:
        row = await here.rows.get("case_file", (case,))
        if row is not None and row["dispute"] is None:
            why = "how_earned" if about == "question" else "not_reached"
            dispute = await here.ask(case, about, why, "lead")
        step = here.desk.close_dispute(here.people[who], here.key(), CloseDispute(case, dispute, reason))
        if code is None:
            await step
            continue
        with pytest.raises(Refused, match=code):
            await step


# ---------------------------------------------------------------------------------------------- bounds
async def test_one_at_a_time_and_nobody_asks_the_same_twice(here: Shop) -> None:
    await manned(here)
    await here.join("lead2", "manager", same_as="lead")
    case, _ = await here.awarded()
    dispute = await here.ask(case, "question", "how_earned", "lead")
    with pytest.raises(Refused, match="dispute_open"):
        await here.ask(case, "decline", "not_reached")
    await here.desk.close_dispute(here.people["owner"], here.key(), CloseDispute(case, dispute, "answered"))
    for who, reason in (("lead", "how_earned"), ("lead", "seems_mistaken"), ("lead2", "how_earned")):
        with pytest.raises(Refused, match="asked_before"):
            await here.ask(case, "question", reason, who)
    planned = await here.ask(case, "decline", "not_reached", "lead")
    await here.desk.close_dispute(here.people["owner"], here.key(), CloseDispute(case, planned, "no_ground"))
    with pytest.raises(Refused, match="asked_before"):
        await here.ask(case, "decline", "not_reached", "lead2")
    await here.ask(case, "decline", "duplicate", "lead")  # another reason is another matter


async def test_nobody_asks_more_than_a_few_questions_a_day(here: Shop) -> None:
    await manned(here)
    await here.join("auditor2", "auditor", same_as="auditor")
    most = disputes.QUESTIONS_PER_DAY_MAX
    found = [await here.awarded(number=str(number), amount=1) for number in range(most + 1)]
    here.wait(days=1)
    for case, _ in found[:most]:
        await here.ask(case, "question", "how_earned", "auditor")
    last = found[-1][0]
    for who in ("auditor", "auditor2"):
        with pytest.raises(Refused, match="too_many_questions"):
            await here.ask(last, "question", "how_earned", who)
    here.wait(days=1)
    await here.ask(last, "question", "how_earned", "auditor")


# ---------------------------------------------------------------------------------------------- nobody decides
async def climb(here: Shop, case: str) -> tuple[int, str]:
    """Let it go to whoever is next; return the rung and their name."""
    await here.desk.escalate_award(THE_SYSTEM, here.key(), EscalateAward(case))
    row = await here.rows.get("case_file", (case,))
    assert row is not None
    name = next(name for name, who in here.people.items() if who.id == row["asked_to"])
    return row["asked_rung"], name


async def not_yet(here: Shop, case: str) -> None:
    """Nobody is asked now."""
    with pytest.raises(Refused, match="too_early"):
        await here.desk.escalate_award(THE_SYSTEM, here.key(), EscalateAward(case))


async def test_an_undecided_recognition_goes_to_a_second_approver_then_an_owner_and_never_lapses(
    here: Shop,
) -> None:
    await manned(here)
    await here.may("lead", "award")
    await here.may("waiter", "award")  # they joined before, and are part of it
    await here.may("twin", "award")
    case = await here.until("passed")
    here.clock.advance(3 * 86_400_000 - 1)
    await not_yet(here, case)
    here.clock.advance(1)
    assert await climb(here, case) == (1, "accountant")
    await not_yet(here, case)
    here.wait(days=3)
    assert await climb(here, case) == (2, "owner")
    here.wait(days=300)
    await not_yet(here, case)
    assert await here.state(case) == "RESOLVED"
    await here.approve(case)
    told = await read(here)
    assert audit(told.entries, shapes(), PROJECTIONS, told.open).findings == []


async def test_where_nobody_else_may_decide_an_owner_is_asked_at_once(here: Shop) -> None:
    await manned(here)
    held = (await here.rows.scan("authority", (here.people["accountant"].id,)))[0]["authority"]
    ending = EndAuthority(here.people["accountant"].id, held)
    await here.office.end_authority(here.people["owner"], here.key(), ending)
    case = await here.until("passed")
    here.wait(days=3)
    assert await climb(here, case) == (2, "owner")


async def test_a_dispute_nobody_settles_goes_on_after_its_time(here: Shop) -> None:
    await manned(here)
    await here.may("lead", "award")
    case, award = await here.awarded()
    await here.ask_first(case, "decline", "not_reached", "lead")
    here.wait(days=6)
    await not_yet(here, case)
    here.wait(days=1)
    assert await climb(here, case) == (1, "accountant")
    here.wait(days=3)
    assert await climb(here, case) == (2, "owner")
    here.wait(days=300)
    await not_yet(here, case)
    with pytest.raises(Refused, match="held"):
        await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))


async def test_decided_or_ended_nobody_is_asked(here: Shop) -> None:
    case = await here.until("passed")
    done = await here.approve(case)
    here.wait(days=30)
    await not_yet(here, case)
    accountant = here.people["accountant"]
    await here.desk.withdraw_decision(accountant, here.key(), WithdrawDecision(case, done.ids["decision"]))
    here.wait(days=2)
    await not_yet(here, case)
    here.wait(days=1)
    assert (await climb(here, case))[0] == 1
    with pytest.raises(Refused, match="agent_may_not"):
        await here.desk.escalate_award(here.people["owner"], here.key(), EscalateAward(case))


# ---------------------------------------------------------------------------------------------- what changed meanwhile
async def test_what_was_recognised_while_it_was_read_is_looked_at_again(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await manned(here)
    case = await here.until("passed")
    decision = (await here.approve(case)).ids["decision"]
    here.wait(seconds=10)
    read = disputes.needs

    async def slow(*asked: Any) -> Any:
        monkeypatch.undo()
        found = await read(*asked)
        await here.grant(case, decision)
        return found

    monkeypatch.setattr(disputes, "needs", slow)
    with pytest.raises(Refused, match=r"stale.*recognised"):
        await here.ask(case, "decline", "evidence_weak", "lead")


async def test_a_no_comes_too_late_for_what_was_recognised(here: Shop) -> None:
    await manned(here)
    case, _ = await here.awarded()
    with pytest.raises(Refused, match="already_awarded"):
        await here.decide(case, "award", "accountant", verb="declined", reason_code="evidence_weak")

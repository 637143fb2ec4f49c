"""Leaves: what somebody holds is handed over or ends in one command, and what they earned stays theirs."""

from __future__ import annotations

from typing import Any

import pytest

from casework import leaving
from casework.absence import GoAway
from casework.audit import audit
from casework.requests import THE_SYSTEM, AwardStep, CaseStep, IssueApiKey, MemberStep
from ledger import book
from ledger.errors import Refused
from ledger.store.tables import shapes
from tests.casework.histories import read
from tests.casework.keyring import enrol
from tests.casework.shop import PROJECTIONS, Shop

NEXT_WEEK = "2026-11-27T10:00:00.000Z"


async def leave(here: Shop, name: str, successor: str | None = None, **more: Any) -> list[str]:
    """Let somebody leave; return the kinds of the entries."""
    to = None if successor is None else here.people[successor].id
    request = MemberStep(here.people[name].id, reason_code=more.pop("reason_code", "left"), successor=to)
    done = await here.office.member_left(
        here.people[more.pop("by", "owner")], more.pop("key", here.key()), request
    )
    assert done.ids == {"member": here.people[name].id}
    return [one.kind for one in await here.rows.entries(done.outcome.first_seq, done.outcome.count)]


async def owner_of(here: Shop, case: str) -> str:
    """Return the name of a case's owner."""
    row = await here.rows.get("case_file", (case,))
    assert row is not None
    return next(name for name, who in here.people.items() if who.id == row["owner"])


async def test_everything_somebody_holds_is_handed_over_or_ends(here: Shop) -> None:
    cook = await here.join("cook", "staff")
    assigned, proposed = await here.open(number="1"), await here.until("proposed", number="2")
    resolved = await here.until("passed", number="3")
    waiter = here.people["waiter"]
    await here.may("waiter", "action")
    await here.office.issue_api_key(here.people["owner"], here.key(), IssueApiKey(waiter.id, "ab" * 32))
    await enrol(here, "waiter")
    await here.office.give_delegation(waiter, here.key(), GoAway(waiter.id, cook.id, NEXT_WEEK))
    accountant = here.people["accountant"]
    await here.office.give_delegation(accountant, here.key(), GoAway(accountant.id, waiter.id, NEXT_WEEK))
    kinds = await leave(here, "waiter", "cook")
    assert sorted(kinds[:2]) == ["escalated", "owner_assigned"]
    assert kinds[2:] == [
        "delegation_ended", "delegation_ended", "authority_ended", "api_key_ended", "passkey_ended", "member_left",
    ]  # fmt: skip
    assert [await owner_of(here, case) for case in (assigned, proposed)] == ["cook", "cook"]
    assert await owner_of(here, resolved) == "waiter"
    assert await here.rows.owned(waiter.id) == [resolved]
    for table, key in (("authority", waiter.id), ("authority", cook.id), ("delegation", accountant.id)):
        assert {row["active"] for row in await here.rows.scan(table, (key,))} == {0}
    assert [row["active"] for row in await here.rows.scan("api_key", ())] == [0]
    assert [row["state"] for row in await here.rows.scan("passkey", ())] == ["ended"]
    member = await here.rows.get("member", (waiter.id,))
    assert member is not None and not member["active"]
    history = await read(here)
    assert audit(history.entries, shapes(), PROJECTIONS, history.open).findings == []


async def test_without_a_successor_the_owner_who_joined_first_takes_over(here: Shop) -> None:
    case = await here.open()
    await here.join("second", "owner")
    assert await leave(here, "waiter", by="second") == ["owner_assigned", "member_left"]
    assert await owner_of(here, case) == "owner"
    mine = await here.open(owner=here.people["owner"].id, number="mine")
    await leave(here, "owner", by="second")
    assert await owner_of(here, mine) == "second"


REFUSED = [
    # who leaves, successor, who asks, reason, code
    ("waiter", "agent", "owner", "left", "successor_invalid"),
    ("waiter", "waiter", "owner", "left", "successor_invalid"),
    ("waiter", "double", "owner", "left", "successor_invalid"),
    ("waiter", "nobody", "owner", "left", "successor_invalid"),
    ("waiter", "gone", "owner", "left", "successor_invalid"),
    ("waiter", "owner", "owner", "bored", "reason_unknown"),
    ("waiter", "owner", "waiter", "left", "role_missing"),
    ("waiter", "owner", "agent", "left", "agent_may_not"),
    ("owner", "waiter", "owner", "left", "second_person_needed"),
    ("gone", "owner", "owner", "left", "unknown"),
]


@pytest.mark.parametrize(("name", "successor", "by", "reason", "code"), REFUSED)
async def test_leaving_is_refused_and_nothing_changes(
    here: Shop, name: str, successor: str, by: str, reason: str, code: str
) -> None:
    await here.open()
    await here.join("double", "staff", same_as="waiter")
    here.people["nobody"] = here.people["gone"] = await here.join("gone", "staff")
    await leave(here, "gone")
    size, _ = await here.rows.head()
    with pytest.raises(Refused) as refused:
        await leave(here, name, successor, by=by, reason_code=reason)
    assert refused.value.code == code
    assert (await here.rows.head())[0] == size


async def test_a_successor_is_checked_where_there_is_nothing_to_hand_over_too(here: Shop) -> None:
    with pytest.raises(Refused, match="successor_invalid"):
        await leave(here, "waiter", "agent")


async def test_a_repeat_names_the_same_and_changes_nothing(here: Shop) -> None:
    await here.open()
    first = await leave(here, "waiter", key="same")
    assert await leave(here, "waiter", key="same") == first == ["owner_assigned", "member_left"]


async def test_a_case_that_came_meanwhile_is_handed_over_too(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened between reading the list and the command: the rule notices, and the list is read again."""
    cases = [await here.open(number="before")]
    owned = here.rows.owned

    async def slow(member: str) -> list[str]:
        found = await owned(member)
        monkeypatch.setattr(here.rows, "owned", owned)
        cases.append(await here.open(number="meanwhile"))
        return found

    monkeypatch.setattr(here.rows, "owned", slow)
    await leave(here, "waiter")
    assert [await owner_of(here, case) for case in cases] == ["owner", "owner"]


async def test_more_open_cases_than_one_command_takes_are_refused(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "CASES_MAX", 1)
    await here.open(number="1")
    await here.open(number="2")
    with pytest.raises(Refused, match="too_many_cases"):
        await leave(here, "waiter")


async def test_hundreds_of_open_cases_are_handed_over_in_one_command(here: Shop) -> None:
    for number in range(300):
        await here.open(number=str(number))
    kinds = await leave(here, "waiter")
    assert (kinds.count("owner_assigned"), kinds[-1]) == (300, "member_left")


# ---------------------------------------------------------------------------------------------- what was earned
async def test_a_provisional_award_of_somebody_who_left_settles(here: Shop) -> None:
    _, award = await here.awarded(amount=10)
    await leave(here, "waiter")
    here.wait(days=14)
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    assert await here.balance(book.settled(here.people["waiter"].id)) == 10


async def test_a_provisional_award_of_somebody_who_left_can_be_held_and_ended(here: Shop) -> None:
    _, award = await here.awarded(amount=10)
    await leave(here, "waiter")
    await here.desk.hold(here.people["owner"], here.key(), AwardStep(award, "under_question"))
    await here.desk.decline_award(here.people["accountant"], here.key(), AwardStep(award, "not_reached"))
    assert await here.balance(book.settled(here.people["waiter"].id)) == 0
    history = await read(here)
    assert audit(history.entries, shapes(), PROJECTIONS, history.open).findings == []


async def test_a_case_of_somebody_who_left_comes_back_to_an_owner_of_the_organisation(here: Shop) -> None:
    case, award = await here.awarded()
    await leave(here, "waiter")
    await here.desk.reopen(THE_SYSTEM, here.key(), CaseStep(case, "signal_again"))
    assert await owner_of(here, case) == "owner"
    row = await here.rows.get("award", (award,))
    assert row is not None and row["hold_reason"] == "case_reopened"
    history = await read(here)
    assert audit(history.entries, shapes(), PROJECTIONS, history.open).findings == []

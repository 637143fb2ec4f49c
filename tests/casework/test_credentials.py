"""Making credentials: one for each share of a settled award, by the system, once; what they say holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from casework import badges, status_lists
from casework.credentials import Credentials
from casework.requests import THE_SYSTEM, AwardStep, RecordOutcome
from ledger import ed25519
from ledger.errors import Refused
from tests.casework.shop import Shop


async def settled(here: Shop, number: str = "one", **more: Any) -> str:
    _, award = await here.awarded(number=number, **more)
    here.wait(days=14)
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    return award


async def document_of(here: Shop, award: str) -> Any:
    (row,) = await here.rows.scan("credential", (award,))
    return await here.rows.open(str(row["item"]))


async def test_a_settled_share_becomes_a_credential_that_holds(here: Shop) -> None:
    award = await settled(here)
    done = await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))
    assert done.ids["award"] == award and done.outcome.count == 1
    document = await document_of(here, award)
    listed = await here.credentials.status_list(1, (), here.now())
    assert badges.check(document, here.now(), ed25519.verify, listed).holds
    (row,) = await here.rows.scan("credential", (award,))
    said = badges.said(document)
    assert (said.credential, said.issuer) == (row["credential"], row["issuer"])
    assert (said.list, said.index) == (row["list"], row["index"])
    (identifier,) = document["credentialSubject"]["identifier"]
    assert badges.identity("waiter", identifier["salt"]) == identifier
    listed = await here.credentials.status_list(1, (int(row["index"]),), here.now())
    assert badges.check(document, here.now(), ed25519.verify, listed).refused


async def test_once_is_enough_and_a_retry_is_the_same(here: Shop) -> None:
    award, key = await settled(here), here.key()
    first = await here.credentials.issue(THE_SYSTEM, key, AwardStep(award))
    again = await here.credentials.issue(THE_SYSTEM, key, AwardStep(award))
    assert (again.outcome.replayed, again.ids) == (True, first.ids)
    with pytest.raises(Refused, match="already_awarded"):
        await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))


async def test_nothing_provisional_can_be_taken_along_and_nobody_makes_one_by_hand(here: Shop) -> None:
    _, provisional = await here.awarded(number="provisional")
    for award in (provisional, "no such award"):
        with pytest.raises(Refused, match="award_state"):
            await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))
    award = await settled(here)
    for who in ("owner", "waiter", "agent"):
        with pytest.raises(Refused, match="agent_may_not"):
            await here.credentials.issue(here.people[who], here.key(), AwardStep(award))


async def test_a_bit_that_is_taken_is_drawn_again(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [7, 7, 7, 8]
    source = type(here.intake.entropy)
    token = source.token

    def few(self: Any, size: int) -> bytes:
        return drawn.pop(0).to_bytes(4, "big") if size == 4 and drawn else bytes(token(self, size))

    monkeypatch.setattr(source, "token", few)
    for number in ("one", "two"):
        await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(await settled(here, number)))
    rows = await here.rows.scan("credential_slot", ())
    assert [row["slot"] for row in rows] == ["1/7", "1/8"]


async def test_a_list_that_is_full_gives_way_to_the_next(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_lists, "BITS", 1)
    for number in ("one", "two"):
        await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(await settled(here, number)))
    rows = await here.rows.scan("credential_slot", ())
    assert [row["slot"] for row in rows] == ["1/0", "2/0"]


async def test_of_two_that_drew_one_bit_the_second_is_told_to_draw_again(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    awards = [await settled(here, number) for number in ("one", "two")]

    async def always_seven(self: Credentials, taken: set[tuple[int, int]]) -> tuple[int, int]:
        return 1, 7

    monkeypatch.setattr(Credentials, "_free", always_seven)
    await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(awards[0]))
    with pytest.raises(Refused, match="stale"):
        await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(awards[1]))


async def test_several_contributors_get_one_each(here: Shop) -> None:
    await here.join("cook", "staff")
    case = await here.open(number="many")
    proposal = await here.propose(case, "cook")
    await here.decide(case, "action", "owner")
    here.wait(minutes=5)
    await here.act(case, proposal)
    here.wait(minutes=5)
    items = [await here.record(case), await here.confirm(case)]
    outcome = RecordOutcome(case, "fixed", "none")
    await here.desk.record_outcome(here.people["waiter"], here.key(), outcome)
    for item in items:
        await here.review(case, item)
    both = tuple(here.people[name].id for name in ("waiter", "cook"))
    assert (await here.judge(case, both))["result"] == "pass"
    done = await here.approve(case, beneficiaries=both)
    here.wait(seconds=10)
    award = await here.grant(case, done.ids["decision"])
    here.wait(days=14)
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    assert (await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))).outcome.count == 2
    rows = await here.rows.scan("credential", (award,))
    assert len({row["credential"] for row in rows}) == len({row["index"] for row in rows}) == 2


async def test_what_was_taken_back_before_it_was_made_is_never_made(here: Shop) -> None:
    award = await settled(here)
    await here.desk.hold(here.people["accountant"], here.key(), AwardStep(award, "revocation_asked"))
    await here.may("owner", "award")
    await here.ask_first(award, "revoke", "misconduct", "owner")
    await here.desk.revoke(here.people["owner"], here.key(), AwardStep(award, "misconduct"))
    with pytest.raises(Refused, match="award_state"):
        await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))
    assert await here.rows.scan("credential", (award,)) == []


async def test_of_two_at_once_one_makes_it(here: Shop) -> None:
    """As two processes would, whose leases of the job overlapped: under one key, and under two."""
    award, key = await settled(here), here.key()
    same = await asyncio.gather(
        *(here.credentials.issue(THE_SYSTEM, key, AwardStep(award)) for _ in range(2)), return_exceptions=True
    )
    other = await asyncio.gather(
        here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award)), return_exceptions=True
    )
    done = [one for one in same if not isinstance(one, BaseException)]
    assert done and all(one.ids["award"] == award for one in done)
    assert isinstance(other[0], Refused) and other[0].code == "already_awarded"
    assert len(await here.rows.scan("credential", (award,))) == 1


async def test_whoever_was_erased_gets_none_and_the_others_theirs(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    award = await settled(here)
    get = here.rows.get

    async def without_names(table: str, key: Any) -> Any:
        return None if table == "member_name" else await get(table, key)

    monkeypatch.setattr(here.rows, "get", without_names)
    with pytest.raises(Refused, match="unknown"):
        await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))
    assert await here.rows.scan("credential", (award,)) == []


async def test_the_job_of_a_settled_award_waits_until_it_is_done(here: Shop) -> None:
    """Whatever happens between settling and issuing: the row of work stands until the credential does."""
    award = await settled(here)
    assert await here.rows.get("job", (f"credential:{award}",)) is not None
    await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))
    assert await here.rows.get("job", (f"credential:{award}",)) is None

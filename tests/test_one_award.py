"""One award, from trigger to token, told in the order of DESIGN section 6: two decisions, never one."""

from __future__ import annotations

from pathlib import Path

import pytest

from casework.requests import THE_SYSTEM, Acknowledge, AwardStep, RecordOutcome
from ledger import book
from ledger.errors import Refused
from tests.casework.shop import shop

WRITTEN = [
    "case_opened",
    "owner_assigned",
    "acknowledged",
    "proposal_made",
    "decision_made",
    "action_taken",
    "evidence_attached",
    "link_issued",
    "link_answered",
    "evidence_attached",
    "outcome_recorded",
    "evidence_reviewed",
    "evidence_reviewed",
    "verdict_given",
    "decision_made",
    "award_granted",
    "award_settled",
]
"""The entries of one award, in order."""


async def test_one_award(tmp_path: Path) -> None:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path) as here:
        waiter, owner, accountant = (here.people[name] for name in ("waiter", "owner", "accountant"))

        # A complaint was not answered in time: the watch opens a case and gives it to the waiter, in one command.
        case = await here.open("signal")
        assert await here.state(case) == "ASSIGNED"

        # The waiter has seen it, and says what should be done.
        here.wait(minutes=5)
        await here.desk.acknowledge(waiter, here.key(), Acknowledge(case, "2026-11-21T10:00:00.000Z"))
        proposal = await here.propose(case)

        # First decision: may this be carried out? Not by whoever proposed it.
        with pytest.raises(Refused, match="decider_is_maker"):
            await here.decide(case, "action", "waiter")
        await here.decide(case, "action", "owner")
        here.wait(minutes=5)
        await here.act(case, proposal)

        # What shows it: the booking system's record, and the guest's own word through a link that works once.
        here.wait(minutes=5)
        record = await here.record(case)
        answer = await here.confirm(case)
        await here.desk.record_outcome(waiter, here.key(), RecordOutcome(case, "fixed", "none"))

        # Somebody else than the submitter looks at the evidence; then the judge, who knows no decision.
        with pytest.raises(Refused, match="reviewer_is_submitter"):
            await here.review(case, record, "waiter")
        await here.review(case, record, "owner")
        await here.review(case, answer, "owner")
        with pytest.raises(Refused, match="transition"):
            await here.approve(case)
        verdict = await here.judge(case)
        assert (verdict["result"], verdict["k_evidence"]) == ("pass", 2)
        assert await here.state(case) == "RESOLVED"

        # Second decision: was it earned, by whom, what for? The accountant decides; the waiter cannot.
        with pytest.raises(Refused, match="decider_is_maker"):
            await here.approve(case, "waiter")
        decision = (await here.approve(case, message="Thank you for the soup.")).ids["decision"]

        # Ten seconds in which it may be undone; then the award, provisional for fourteen days.
        with pytest.raises(Refused, match="too_early"):
            await here.grant(case, decision)
        here.wait(seconds=10)
        award = await here.grant(case, decision)
        assert await here.balance(book.provisional(waiter.id)) == 10
        assert await here.balance(book.budget(here.budget)) == 90

        # Nobody spends what is provisional; after the window it is really theirs.
        with pytest.raises(Refused, match="too_early"):
            await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
        here.wait(days=14)
        await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
        assert await here.balance(book.settled(waiter.id)) == 10

        assert await here.kinds(case) == WRITTEN
        assert {owner.id, waiter.id, accountant.id} == {
            row["member"] for row in await here.rows.scan("member", ())
        } - {here.people["agent"].id}

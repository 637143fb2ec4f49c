"""The desk: the story of one exception, from the trigger to the token, one method per step, in the order of the story.

    open_case -> assign_owner -> acknowledge -> propose -> decide(action) -> take_action -> attach_evidence
    -> issue_link -> answer_link -> record_outcome -> review_evidence -> judge -> decide(award) -> grant -> settle

Each method gathers what its rule may read, draws ids, seals private texts and submits one command; the rule named in
it decides inside the writer, over the rows as they are then. Every method takes who asks, the idempotency key in that
person's scope, and the request; returns Done (outcome, ids, secrets); raises Refused with a code of errors.REFUSALS.
"""

from __future__ import annotations

from collections.abc import Sequence

from casework import awards, cases, decisions, evidence, judging, proposals
from casework.collectors import customer_link
from casework.errors import refuse
from casework.intake import Done, Intake
from casework.requests import (
    Acknowledge,
    AddNote,
    AnswerLink,
    AssignOwner,
    AttachEvidence,
    AwardStep,
    CaseStep,
    Decide,
    Grant,
    IssueLink,
    Judge,
    OpenCase,
    Principal,
    Propose,
    RecordOutcome,
    ReviewEvidence,
    TakeAction,
    WithdrawDecision,
    WithdrawEvidence,
)
from ledger.changes import Row


class Desk:
    """The use cases of one organisation's log."""

    def __init__(self, intake: Intake) -> None:
        self._in = intake

    # ------------------------------------------------------------------------------------------ something happened
    async def open_case(self, who: Principal, key: str, request: OpenCase) -> Done:
        """Open a case and give it its owner, in one command; a suggestion given along is its first proposal.

        ids: case, proposal (with a suggestion). Refused: already_open, owner_unknown, stale, value_invalid.
        """
        raise NotImplementedError

    async def assign_owner(self, who: Principal, key: str, request: AssignOwner) -> Done:
        """Give the case to somebody else; from the proposal on this is an escalation. ids: case."""
        raise NotImplementedError

    async def acknowledge(self, who: Principal, key: str, request: Acknowledge) -> Done:
        """The owner has seen it. ids: case. Refused: not_owner, transition."""
        raise NotImplementedError

    async def add_note(self, who: Principal, key: str, request: AddNote) -> Done:
        """Add a remark. ids: case."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------ what should be done
    async def propose(self, who: Principal, key: str, request: Propose) -> Done:
        """Say what should be done; people, agents and the watch may. ids: case, proposal."""
        raise NotImplementedError

    async def show(self, who: Principal, case: str, about: str) -> decisions.Shown:
        """Return what a decision about `about` (action | award) would rest on, and the token that binds a yes to it."""
        raise NotImplementedError

    async def decide(self, who: Principal, key: str, request: Decide) -> Done:
        """Say yes or no to exactly what was shown. ids: case, decision (and award, with undo_seconds 0).

        Refused: stale, expired, nonce_replayed, agent_may_not, decider_is_maker, decider_is_submitter,
        decider_is_beneficiary, no_authority, assurance_too_low, reason_missing, transition; about award also
        verdict_not_pass, verdict_outdated, beneficiary_invalid, forgery_number_low, budget_missing, budget_short.
        """
        raise NotImplementedError

    async def withdraw_decision(self, who: Principal, key: str, request: WithdrawDecision) -> Done:
        """Undo, by the decider, while no effect has an entry. ids: case, decision."""
        raise NotImplementedError

    async def take_action(self, who: Principal, key: str, request: TakeAction) -> Done:
        """The approved proposal was carried out by whoever asks. ids: case, proposal. Refused: not_decided."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------ what shows it
    async def attach_evidence(self, who: Principal, key: str, request: AttachEvidence) -> Done:
        """Attach what a collector froze. ids: case, evidence. Refused: evidence_reused, transition."""
        raise NotImplementedError

    async def withdraw_evidence(self, who: Principal, key: str, request: WithdrawEvidence) -> Done:
        """The submitter takes an item back; it stays visible. ids: case, evidence."""
        raise NotImplementedError

    async def review_evidence(self, who: Principal, key: str, request: ReviewEvidence) -> Done:
        """Somebody other than its submitter accepts or refuses an item. ids: case, evidence."""
        raise NotImplementedError

    async def issue_link(self, who: Principal, key: str, request: IssueLink) -> Done:
        """Issue a one-time link to the customer. ids: case, link; secrets: token (not on a replay)."""
        raise NotImplementedError

    async def answer_link(self, key: str, request: AnswerLink) -> Done:
        """The customer answers, once; the answer is evidence. ids: case, link, evidence. Refused: link_closed."""
        raise NotImplementedError

    async def record_outcome(self, who: Principal, key: str, request: RecordOutcome) -> Done:
        """Say what came of it. ids: case."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------ was it earned
    async def judge(self, who: Principal, key: str, request: Judge) -> Done:
        """Run the policy's verifier and record its verdict. ids: case, verdict. Refused: stale, no_policy."""
        raise NotImplementedError

    async def grant(self, who: Principal, key: str, request: Grant) -> Done:
        """The effect of an approved award decision, by the system, after the undo time. ids: case, award."""
        raise NotImplementedError

    async def hold(self, who: Principal, key: str, request: AwardStep) -> Done:
        """Stop settling (or ask for a revocation). ids: case, award."""
        raise NotImplementedError

    async def release(self, who: Principal, key: str, request: AwardStep) -> Done:
        """End a hold. ids: case, award."""
        raise NotImplementedError

    async def settle(self, who: Principal, key: str, request: AwardStep) -> Done:
        """Make it really theirs, by the system, after the window. ids: case, award. Refused: too_early, held."""
        raise NotImplementedError

    async def decline_award(self, who: Principal, key: str, request: AwardStep) -> Done:
        """End a provisional award; the tokens go back to the budget. ids: case, award."""
        raise NotImplementedError

    async def revoke(self, who: Principal, key: str, request: AwardStep) -> Done:
        """End a settled award that another person holds; what was spent is owed. ids: case, award."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------ how it ends
    async def clear(self, who: Principal, key: str, request: CaseStep) -> Done:
        """The condition went away by itself; nobody is credited. ids: case."""
        raise NotImplementedError

    async def expire(self, who: Principal, key: str, request: CaseStep) -> Done:
        """Too late: a miss. ids: case."""
        raise NotImplementedError

    async def reopen(self, who: Principal, key: str, request: CaseStep) -> Done:
        """It is back; a live award is held. ids: case."""
        raise NotImplementedError

    async def close(self, who: Principal, key: str, request: CaseStep) -> Done:
        """Nothing is left to do. ids: case."""
        raise NotImplementedError

"""The audit of meaning: was each award earned? (ledger/audit.py asks whether the record is intact; run that first.)

The entries are replayed through the same projections that made the tables, and every step is held against the rules
as they stood at that entry, over rows rebuilt from the log alone. One recipe, by kind of entry:

    1. who        the actor was an active member in the role it used; what only people, owners or the system may do,
                  they did; every coded reason is one of its kind's
    2. when       the step was possible in the state the case was in
    3. decisions  over the proposal, evidence, verdict and policy that stood; the decider stood outside and held an
                  authority in force that covers it; its nonce was new, its record has the digest it names, its effect
                  waited for the undo time; what was done is what was approved; what a passkey is said to stand
                  behind it signed, and a second person had confirmed it before
    4. evidence   each item from its submitter, a customer's word as the customer's own link and answer give it; the
                  reviewer neither submitted the item nor took the action; what somebody saw of a learner's skill from
                  whom an owner had named for that course
    5. verdicts   over the evidence that stood, under the case's policy, whose content has its digest; the judge was
                  shown what is on record, and whom it means by names; judged again from the committed input they come
                  out the same
    6. awards     one approved award decision and one passing verdict; people, amount, shares, k and window recomputed
    7. windows    settled after the window with no hold; ended by somebody outside it who may; revoked by two
    8. budgets    issued by another person than who set them, who may
    9. people     a stand-in holds what the giver lent and no more, recomputed; whoever left holds nothing any more, and
                  a case goes to somebody who is here
    10. joining   invited by somebody who may; used once, by the invited, before it expired; a sign-in set by its
                  member or by way of an invite; an owner let in again by the system alone; from a shared device
                  nothing but its few acts
    11. places    a check-in is worth what its point was worth then, and a tag's comes with its tap, which is newer than
                  all before it; points are set up and ended by an owner or a manager
    12. watches   a watch on a person runs only with a purpose that an owner wrote before and that did not end since
    13. replies   nothing was declined, ended or taken back before everybody concerned was asked, for that reason, and
                  had answered or had the days then set; asked by somebody who may, answered by themselves; whoever was
                  asked to decide by time alone was next, and it was time
    14. systems   what a system sent by itself was signed by a key of its source's hook that was good, in time, once;
                  a provider's file by a key that was trusted then; each worth what that shows
    15. anchors   opened and ended by an owner; what they hold written by the system, of an open anchor, in rising
                  sizes, with the root the record had

Steps 1 and 2 are here, 3 to 5 and 12 in audit_cases.py (passkeys in audit_passkeys.py, names in records in
audit_names.py, related cases in audit_prior.py), 6 to 8 in audit_awards.py, 9 in audit_people.py, 10 in
audit_joining.py, 11 in audit_points.py, 13 in audit_disputes.py and with what ends, 14 in audit_hooks.py,
15 in audit_anchors.py.

What the caller still must do: bring the entries from an intact record, and `open_value` for what the vault still
holds. Without a verdict's input it is counted as unreplayable, not as damage; a passkey's signature likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from casework import (
    absence,
    anchor_requests,
    audit_anchors,
    audit_awards,
    audit_cases,
    audit_disputes,
    audit_hooks,
    audit_joining,
    audit_names,
    audit_passkeys,
    audit_people,
    audit_points,
    awards,
    cases,
    disputes,
    evidence,
    hook_requests,
    joining_rules,
    leaving,
    passkey_rules,
    passkeys,
    people,
    point_requests,
    replies,
)
from casework.audit_standing import Check, OpenValue, Owing, Standing, expect
from casework.passkeys import VerifySignature
from casework.requests import Principal
from ledger.changes import Projection
from ledger.entries import SYSTEM, Entry
from ledger.errors import LedgerError, Refused
from ledger.findings import Finding
from ledger.merkle import Frontier, leaf_hash
from ledger.overlay import Overlay, Shape
from verifiers.errors import VerifierError

FINDINGS_MAX_COUNT = 50

OWNERS_ONLY = frozenset({
    "member_left", "role_granted", "role_ended", "authority_granted", "authority_ended",
    "agent_registered", "budget_set", "kinds_published", "playbook_published", "mode_changed", "policy_published",
    "watch_purpose_written", "plan_published", "plan_ended", "source_registered", "settings_changed", "subject_erased",
    "clock_confirmed", "hook_opened", "hook_key_issued", "hook_ended", "source_key_trusted", "source_key_ended",
    "assessor_named", "assessor_ended", "anchor_opened", "anchor_superseded", "anchor_closed",
})  # fmt: skip
"""Who may do what, and what counts, is for owners to say."""

PEOPLE_ONLY = frozenset({
    "delegation_given", "delegation_ended", "decision_made", "decision_withdrawn", "evidence_reviewed",
    "acknowledged", "action_taken", "work_reported", "account_linked", "account_unlinked", "outcome_recorded",
    "award_disputed", "dispute_answered", "dispute_closed",
    "case_closed", "award_released", "award_declined", "award_revoked", "budget_approved", "agent_stopped",
    "link_issued", "invite_used", "sign_in_set", "device_shared", "device_ended",
    "passkey_enrolled", "passkey_confirmed", "passkey_ended",
    "point_registered", "point_ended", "point_doubted", "point_tapped", "recall_answered",
})  # fmt: skip
"""No agent, customer or job writes these by any door."""

CUSTOMER_KINDS = frozenset({"link_answered", "evidence_attached"})
"""What the holder of a one-time link may write."""

SYSTEM_KINDS = frozenset({
    "award_settled", "draw_made", "award_escalated", "credential_issued", "link_expired", "case_expired", "key_rotated",
    "owner_recovered", "hook_received", "checkpoint_anchored",
})  # fmt: skip
"""What follows from time alone, or from the server at hand: a person who wrote these would only choose the moment."""

AGENT_KINDS = frozenset(
    {"case_opened", "owner_assigned", "proposal_made", "records_imported", "api_key_ended"}
)
"""What a digital employee may write by any door: it reports, suggests, brings records, ends its own key."""

CODES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "evidence_withdrawn": {"reason_code": evidence.WITHDRAW_REASONS},
    "evidence_reviewed": {"result": evidence.REVIEWS},
    "link_answered": {"answer": evidence.ANSWERS},
    "outcome_recorded": {"resolution": cases.RESOLUTIONS, "impact": cases.IMPACTS},
    "case_closed": {"reason_code": cases.CLOSE_REASONS},
    "case_reopened": {"reason_code": cases.REOPEN_REASONS},
    "case_expired": {"reason_code": cases.EXPIRE_REASONS},
    "invite_issued": {"how": joining_rules.HOWS},
    "invite_ended": {"reason_code": joining_rules.END_REASONS},
    "sign_in_set": {"method": joining_rules.METHODS, "by": joining_rules.SETTERS},
    "owner_assigned": {"reason_code": cases.ASSIGN_REASONS},
    "escalated": {"reason_code": cases.ASSIGN_REASONS},
    "delegation_ended": {"reason_code": absence.END_REASONS},
    "member_left": {"reason_code": leaving.LEAVE_REASONS},
    "award_held": {"reason_code": awards.HOLD_REASONS},
    "award_released": {"reason_code": awards.RELEASE_REASONS},
    "award_declined": {"reason_code": awards.DECLINE_REASONS},
    "award_revoked": {"cause": awards.REVOKE_CAUSES},
    "award_disputed": {"about": replies.ABOUTS},
    "dispute_closed": {"reason_code": disputes.CLOSE_REASONS},
    "passkey_ended": {"reason_code": passkey_rules.END_REASONS},
    "point_ended": {"reason_code": point_requests.END_REASONS},
    "hook_opened": {"scheme": hook_requests.SCHEMES},
    "hook_ended": {"reason_code": hook_requests.END_REASONS},
    "source_key_ended": {"reason_code": hook_requests.END_REASONS},
    "anchor_superseded": {"reason": anchor_requests.REASONS},
    "anchor_closed": {"reason": anchor_requests.REASONS},
}
"""Kind -> its coded fields and their codes: a reason that is none tells the person nothing."""

_UNREADABLE = (KeyError, TypeError, ValueError, LookupError, AttributeError, LedgerError, VerifierError)


@dataclass(slots=True)
class Earned:
    """What the audit saw. `unreplayable` are the seqs of verdicts whose input is erased or not at hand, `unsigned`
    those of decisions by passkey whose signature is."""

    size: int = 0
    decisions: int = 0
    verdicts: int = 0
    awards: int = 0
    unreplayable: list[int] = field(default_factory=list)
    calls: int = 0
    """What other systems sent and its key signed, checked again; `calls_unchecked`: seqs without key or bytes."""
    calls_unchecked: list[int] = field(default_factory=list)
    files_unchecked: list[int] = field(default_factory=list)
    signed: int = 0
    unsigned: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    with_values: bool = False
    """Whether private values were at hand: only then does a missing one mean that it was erased."""
    rows: Overlay | None = field(default=None, repr=False)
    """What the entries leave in tables, as far as no private value is needed."""

    def sentence(self) -> str:
        """Return the result in one sentence."""
        if self.findings:
            first = min(self.findings, key=lambda finding: finding.seq or 0)
            return f"not earned: entry {first.seq}: {first.what}"
        gone = "" if not self.unreplayable else f"; {len(self.unreplayable)} verdicts {self._gone()}"
        if self.unsigned:
            gone += f"; {len(self.unsigned)} signatures of passkeys not at hand"
        gone += self._sent()
        signed = f" ({self.signed} signed by passkey)" if self.signed else ""
        done = (
            f"{self.decisions} decisions{signed}, {self.verdicts} verdicts judged again, {self.awards} awards"
        )
        return f"every recognition was earned: {done}{gone}"

    def _sent(self) -> str:
        said = f"; {self.calls} calls of other systems checked by their keys" if self.calls else ""
        if self.calls_unchecked:
            said += (
                f"; {len(self.calls_unchecked)} calls of other systems not checked: key or bytes not at hand"
            )
        if self.files_unchecked:
            said += f"; {len(self.files_unchecked)} signed files not at hand"
        return said

    def _gone(self) -> str:
        if self.with_values:
            return "unreplayable: erased"
        return "not judged again: the target holds no private values"


def audit(
    entries: Iterable[tuple[bytes, Entry]],
    shapes: Mapping[str, Shape],
    projections: Sequence[Projection],
    open_value: OpenValue | None = None,
    verify: VerifySignature | None = None,
    hook_secrets: Sequence[str] = (),
) -> Earned:
    """Replay a whole log from entry 0; see the recipe at the top. `entries` are canonical bytes and what they say.

    `open_value` is asked in log order, and for the paths of one entry in order. `verify` checks the signatures of
    passkeys and of files; without it they count as not at hand. `hook_secrets`: of hooks, as they were told once.
    What was not earned is reported, not raised.
    """
    run = _Replay(shapes, projections, open_value, verify, tuple(hook_secrets))
    for data, entry in entries:
        run.step(data, entry)
    run.end()
    run.earned.rows = run.view
    return run.earned


class _Replay:
    """The rows as they stood before each entry, and what was found."""

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        projections: Sequence[Projection],
        open_value: OpenValue | None,
        verify: VerifySignature | None,
        hook_secrets: tuple[str, ...],
    ) -> None:
        view = Overlay(shapes)
        # Nothing exists before entry 0, so every row that no projection made is known to be absent.
        view.admit({name: {0: {()}} for name in shapes}, {})
        self.view = view
        self._standing = Standing(view, open_value, verify=verify, given_secrets=hook_secrets)
        self._projections = projections
        self._frontier = Frontier()
        self._opening = ""
        self.earned = Earned(with_values=open_value is not None)

    def step(self, data: bytes, entry: Entry) -> None:
        """Check one entry against the rows before it, then let it leave its own rows. At most one finding each."""
        if entry.seq == 0:
            self._opening = entry.cmd
        self._settle(entry.cmd)
        audit_people.meet(self._standing, entry)
        found: str | None = None
        try:
            self._check(entry)
        except Refused as refused:
            found = f"{refused.code}: {refused.detail}"
        except _UNREADABLE as error:
            found = f"cannot be read: {type(error).__name__}: {error}"
        # The rows are made all the same, so that what follows is judged by what it does and not by what came before.
        missed = self._leave_rows(entry)
        found = found or (missed and f"leaves no rows: {missed}")
        if found is not None:
            self._found(found, entry.kind, entry.seq)
        self._frontier.append(leaf_hash(data))
        self._standing.roots.append(self._frontier.root())
        self._count(entry, found)

    def _leave_rows(self, entry: Entry) -> str | None:
        missed: str | None = None
        try:
            changes = [change for project in self._projections for change in project(entry, None)]
        except _UNREADABLE as error:
            return f"{type(error).__name__}: {error}"
        for change in changes:
            try:
                self.view.apply([change])
            except _UNREADABLE as error:
                missed = missed or str(error)
        return missed

    def _count(self, entry: Entry, found: str | None) -> None:
        self.earned.size += 1
        unreplayable = self._standing.unreplayable
        if entry.kind == "decision_made":
            self.earned.decisions += 1
            if entry.seq in self._standing.unsigned:
                self.earned.unsigned.append(entry.seq)
            elif found is None and entry.body["assurance"] == passkeys.PASSKEY:
                self.earned.signed += 1
        elif entry.kind == "verdict_given" and entry.seq in unreplayable:
            self.earned.unreplayable.append(entry.seq)
        elif entry.kind == "verdict_given" and found is None:
            self.earned.verdicts += 1
        elif entry.kind == "hook_received" and entry.seq in self._standing.calls_unchecked:
            self.earned.calls_unchecked.append(entry.seq)
        elif entry.kind == "hook_received" and found is None:
            self.earned.calls += 1
        elif entry.seq in self._standing.files_unchecked:
            self.earned.files_unchecked.append(entry.seq)
        elif entry.kind == "award_granted" and found is None:
            self.earned.awards += 1

    def end(self) -> None:
        """Check what the last command had to leave."""
        self._settle(None)

    def _settle(self, cmd: str | None) -> None:
        """Check what a command had to hold, once another one begins or the log ends (None)."""
        for owing, what in audit_people.settle(self._standing, cmd):
            if all(finding.seq != owing.seq for finding in self.earned.findings):
                self._found(what, owing.kind, owing.seq)
        used = self._standing.used
        if used is None or used[0] == cmd:
            return
        try:
            audit_joining.check_settled(self._standing)
        except Refused as refused:
            self._found(f"{refused.code}: {refused.detail}", "invite_used", used[2])

    def _found(self, what: str, where: str, seq: int) -> None:
        if len(self.earned.findings) < FINDINGS_MAX_COUNT:
            self.earned.findings.append(Finding("not_earned", f"{where}: {what}", seq, "replay"))

    def _check(self, entry: Entry) -> None:
        if entry.kind in cases.FIRST_REASONS:
            self._standing.opened = (entry.cmd, entry.case, cases.FIRST_REASONS[entry.kind])
            wants = Owing(entry.seq, entry.kind, entry.cmd, "owner_assigned", entry.case)
            self._standing.owing.append(wants)
        self._check_actor(entry)  # 1
        audit_joining.check_device_act(self._standing, entry)  # 10
        if entry.case is not None:
            opens = entry.kind == "case_opened"
            state = cases.NOTHING if opens else cases.find(self.view, entry.case)["state"]
            cases.move(state, entry.kind, entry.body)  # 2
        for name, codes in CODES.get(entry.kind, {}).items():
            cases.one_of(entry.body[name], codes, name)
        check = _CHECKS.get(entry.kind)
        if check is not None:
            check(self._standing, entry)

    # ------------------------------------------------------------------------------------------ 1. who
    def _check_actor(self, entry: Entry) -> None:
        if entry.cmd == self._opening:
            return  # the command that opens the log also makes its first member
        actor = entry.actor
        who = Principal(actor.id, actor.role, actor.via, str(entry.body.get("assurance", "key")))
        if entry.kind in OWNERS_ONLY:
            people.owner(self.view, who)
        elif entry.kind in PEOPLE_ONLY:
            people.human(self.view, who)
        elif entry.kind in SYSTEM_KINDS:
            expect(actor.id == SYSTEM, "agent_may_not", f"expected the system's own job, got {actor.role}")
        elif who.role == people.CUSTOMER:
            expect(entry.kind in CUSTOMER_KINDS, "role_missing", "expected what a customer may write")
        else:
            people.acting(self.view, who)
            if who.role == people.AGENT:
                expect(
                    entry.kind in AGENT_KINDS, "agent_may_not", "expected what a digital employee may write"
                )
            if entry.kind == "api_key_issued" and actor.id != SYSTEM:
                people.owner(self.view, who)
            elif entry.kind == "api_key_issued":
                joining_rules.check_first_key(self.view)
                expect(
                    actor.via == "cli", "role_missing", f"expected whoever runs the server, got {actor.via}"
                )


_CHECKS: Mapping[str, Check] = {
    **audit_cases.CHECKS,
    **audit_awards.CHECKS,
    **audit_people.CHECKS,
    **audit_passkeys.CHECKS,
    **audit_joining.CHECKS,
    **audit_points.CHECKS,
    **audit_disputes.CHECKS,
    **audit_hooks.CHECKS,
    **audit_anchors.CHECKS,
    **audit_names.CHECKS,
}

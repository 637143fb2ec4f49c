"""The desk: the story of one exception, from the trigger to the token, one method per step, in the order of the story.

    open_case -> assign_owner -> acknowledge -> propose -> decide(action) -> take_action -> attach_evidence
    -> issue_link -> answer_link -> record_outcome -> review_evidence -> judge -> decide(award) -> grant -> settle

Routine work (a plan or a catalogue asks for it) goes open_case -> report_work -> judge -> decide(award) and on.
Each method says which rows its rule may read, draws ids, seals private texts and submits one command; the rule named
in it decides inside the writer, over the rows as they are then. Every method takes who asks, the idempotency key in
that person's scope, and the request; returns Done (outcome, ids, secrets); raises Refused with a code of
errors.REFUSALS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from casework import (
    absence,
    authority,
    awards,
    cases,
    charters,
    check_ins,
    decisions,
    disputes,
    draws,
    evidence,
    judging,
    judging_prior,
    known_as,
    passkeys,
    people,
    point_rules,
    presence,
    proposals,
    recalls,
    replies,
    reports,
    shown_notes,
    signatures,
    work,
)
from casework.collectors import customer_link
from casework.errors import TokenInvalid, refuse
from casework.foreseen import foresee
from casework.intake import Done, Intake, acting_needs, joined
from casework.point_requests import PRINTED, SCREEN, SCREEN_SECONDS, CheckIn
from casework.requests import (
    Acknowledge,
    AddNote,
    AnswerDispute,
    AnswerLink,
    AnswerRecall,
    Asked,
    AssignOwner,
    AttachEvidence,
    AwardStep,
    CaseStep,
    CloseDispute,
    Decide,
    Dispute,
    DrawAward,
    EscalateAward,
    ExpireLink,
    Grant,
    IssueLink,
    Judge,
    OpenCase,
    PasskeySigned,
    Principal,
    Private,
    Propose,
    RecordOutcome,
    ReportWork,
    ReviewEvidence,
    TakeAction,
    WithdrawDecision,
    WithdrawEvidence,
)
from ledger.changes import Row
from ledger.clock import instant_of
from ledger.commands import Command, Need, Rule
from ledger.commitments import SALT_SIZE_BYTES, commit_value
from ledger.entries import SYSTEM, Actor
from ledger.errors import Refused

LINK_TOKEN_BYTES = 32
NONCE_BYTES = 16


class Desk:
    """The use cases of one organisation's log."""

    def __init__(self, intake: Intake) -> None:
        self._in = intake

    # ------------------------------------------------------------------------------------------ something happened
    async def was_taken(self, who: Principal, key: str) -> bool:
        """Say whether a request under this key was recorded before: what asks back first does not ask again."""
        return await self._in.is_repeat(who, key)

    async def open_case(self, who: Principal, key: str, request: OpenCase) -> Done:
        """Open a case and give it its owner, in one command; a suggestion given along is its first proposal.

        What it shows along is its first item of evidence. ids: case, proposal (with a suggestion), evidence (with an
        item). Refused: already_open, owner_unknown, stale, value_invalid, evidence_reused, not_in_charter (an agent's
        suggestion), agent_may_not (an agent's item).
        """
        if request.suggestion is not None:
            await charters.check_suggestion(self._in.records, who, request.suggestion.action)
        ids = self._in.ids("case", "proposal")
        fingerprint = self._in.vault.fingerprint("fingerprint", *request.fingerprint)
        seen = await self._in.records.scan("fingerprint", (fingerprint,))
        last = max(seen, key=lambda row: row["seq"])["case"] if seen else None
        private = self._in.seal(
            request.concerns, subject=request.subject, facts=request.facts, note=request.note
        )
        words = None if request.suggestion is None else request.suggestion.text
        suggestion, private = proposals.suggested(
            self._in.log, ids, request.suggestion, private, self._in.seal(request.concerns, text=words)
        )
        owner = await absence.in_for(self._in.records, request.owner, instant_of(self._in.clock()))
        needs = [Need("member", (owner,)), Need("fingerprint", (fingerprint,))]
        needs += cases.rows(last) if last is not None else []
        needs += [Need("policy", (request.policy,))] if request.policy is not None else []
        known = {
            "fingerprint": fingerprint,
            "groups": _groups(self._in, request),
            "last_case": last,
            "suggestion": suggestion,
            "owner": owner,
        }
        rule: Rule = cases.opened
        if request.shows is not None:
            rule = reports.opened_with_item
            known["shown"], more = self._shown_along(who, ids["case"], request.shows)
            needs += more
        if owner != request.owner:
            needs.append(Need("delegation", ()))
            rule = absence.while_standing_in(rule, owner)
        return await self._in.submit(who, key, request, rule, needs, ids=ids, private=private, known=known)

    def _shown_along(self, who: Principal, case: str, item: AttachEvidence) -> tuple[Asked, list[Need]]:
        """Return the first item of a case that this very command opens, and the rows its rule may read."""
        contents = {} if item.content is None else {"content": item.content}
        private = self._in.seal(item.concerns, contents, facts=item.facts)
        reuse = tuple(self._in.vault.reuse_digest(one) for one in item.once)
        request = replace(item, case=case)
        shown = Asked(who, request, self._in.ids("evidence"), private, {"reuse": reuse})
        return shown, [Need("evidence", (case,)), *(Need("reuse", (digest,)) for digest in reuse)]

    async def assign_owner(self, who: Principal, key: str, request: AssignOwner) -> Done:
        """Give the case to somebody else; from the proposal on this is an escalation. ids: case."""
        needs = [*cases.rows(request.case), Need("member", (request.owner,))]
        return await self._in.submit(who, key, request, cases.assigned, needs)

    async def acknowledge(self, who: Principal, key: str, request: Acknowledge) -> Done:
        """The owner has seen it. ids: case. Refused: not_owner, transition."""
        return await self._in.submit(who, key, request, cases.acknowledged, cases.rows(request.case))

    async def add_note(self, who: Principal, key: str, request: AddNote) -> Done:
        """Add a remark. ids: case."""
        private = self._in.seal((), note=request.note)
        return await self._in.submit(
            who, key, request, cases.noted, cases.rows(request.case), private=private
        )

    # ------------------------------------------------------------------------------------------ what should be done
    async def propose(self, who: Principal, key: str, request: Propose) -> Done:
        """Say what should be done. ids: case, proposal. Refused: not_in_charter (agents), transition."""
        ids = self._in.ids("proposal")
        private = self._in.seal((), text=request.text)
        needs = cases.rows(request.case)
        return await self._in.submit(who, key, request, proposals.proposed, needs, ids=ids, private=private)

    async def show(self, who: Principal, case: str, about: str, minutes: int = 15) -> decisions.Shown:
        """Return what a decision about `about` (action | award) would rest on, and the token that binds a yes to it."""
        read = self._in.records
        row = await read.get("case_file", (case,))
        if row is None:
            raise refuse("unknown", f"expected a case of this organisation, got {case}")
        proposal = None if row["proposal"] is None else await read.get("proposal", (case, row["proposal"]))
        policy = None if row["policy"] is None else await read.get("policy", (row["policy"],))
        basis = decisions.basis(row, proposal, await read.scan("evidence", (case,)), policy, about)
        size, root = await read.head()
        lasts_ms = min(minutes, decisions.SHOWN_MINUTES_MAX) * 60_000
        basis |= {"v": 1, "log": self._in.log, "principal": who.id, "as_of": {"size": size, "root": root}}
        basis |= {"nonce": self._in.entropy.token(NONCE_BYTES).hex()}
        basis |= {"expires": instant_of(self._in.clock() + lasts_ms)}
        return decisions.Shown(basis, decisions.seal_token(self._in.secret, basis), basis["expires"])

    async def decide(self, who: Principal, key: str, request: Decide) -> Done:
        """Say yes or no to exactly what was shown. ids: case, decision (and award, with undo_seconds 0).

        Refused: stale, expired, nonce_replayed, agent_may_not, decider_is_maker, decider_is_submitter,
        decider_is_beneficiary, no_authority, assurance_too_low, reason_missing, transition; about award also
        no_policy, verdict_not_pass, verdict_outdated, already_awarded, beneficiary_invalid, forgery_number_low,
        budget_missing, budget_short; with a passkey also passkey_invalid. Raises TokenInvalid: never issued here.
        """
        shown = self._shown(request)
        ids = self._in.ids("decision", "award")
        concerned = (who.id, *request.beneficiaries)
        needs = await decisions.needs(self._in.records, who.id, request, shown)
        known: dict[str, Any] = {"basis": shown}
        salts, signature = {}, Private()
        if request.passkey is not None:
            signed, salt, assertion = await self._signed(who, request.passkey)
            signature = self._in.seal((), passkey=assertion.to_json())
            salts = {} if salt is None else {"reason": salt}
            known["signed"] = signed
            needs.append(Need("passkey", (signed.passkey,)))
            who = replace(who, assurance=passkeys.PASSKEY)
        private = self._in.seal(concerned, salts=salts, reason=request.reason, message=request.message)
        private = joined(private, signature)
        return await self._in.submit(
            who, key, request, decisions.decided, needs, ids=ids, private=private, known=known
        )

    async def prepare(self, who: Principal, request: Decide) -> passkeys.Prepared:
        """Return the digest that a passkey signs for this yes or no, and the token that `decide` wants with it.

        Nothing is stored and nothing decided: the same rule runs again inside the writer, and refuses `stale` where it
        would write another record than this. Raises as `decide` does; Refused: passkey_missing.
        """
        shown = self._shown(request)
        keys = passkeys.confirmed(await self._in.records.scan("passkey", ()), who.id)
        if not keys:
            raise refuse(
                "passkey_missing", "expected a passkey of yours that a second person confirmed, got none"
            )
        needs = [*acting_needs(who), *await decisions.needs(self._in.records, who.id, request, shown)]
        salt = None if request.reason is None else self._in.entropy.token(SALT_SIZE_BYTES)
        private = Private()
        if salt is not None:
            private = Private({"reason": commit_value(self._in.log, "reason", salt, request.reason)})
        signer = replace(who, assurance=passkeys.PASSKEY)
        asked = Asked(signer, request, self._in.ids("decision", "award"), private, {"basis": shown})
        actor = Actor(who.id, who.role, who.via)
        command = Command(self._in.log, actor, "", "", tuple(needs), decisions.foreseen, asked)
        view = await foresee(self._in.records, needs)
        body = decisions.foreseen(view, command, instant_of(self._in.clock())).drafts[0].body
        token = passkeys.seal_prepared(
            self._in.secret, self._in.log, who.id, body["digest"], body["authority"], salt
        )
        return passkeys.Prepared(body["digest"], token, shown["expires"], keys)

    def _shown(self, request: Decide) -> dict[str, Any]:
        shown = decisions.open_token(self._in.secret, request.token)
        if shown["log"] != self._in.log:
            raise TokenInvalid("decision token: expected one of this organisation, got another's")
        return shown

    async def _signed(
        self, who: Principal, given: PasskeySigned
    ) -> tuple[passkeys.Signed, bytes | None, passkeys.Assertion]:
        """Check a signature before the writer, which has no time for it; whether the passkey counts the rule says."""
        digest, held, salt = passkeys.open_prepared(self._in.secret, given.prepared, self._in.log, who.id)
        assertion = passkeys.read_assertion(asdict(given))
        row = passkeys.find(await self._in.records.scan("passkey", ()), who.id, assertion.credential_id)
        passkeys.check(assertion, row, bytes.fromhex(digest), signatures.verify)
        return passkeys.Signed(row["passkey"], digest, held), salt, assertion

    async def withdraw_decision(self, who: Principal, key: str, request: WithdrawDecision) -> Done:
        """Undo, by the decider, while no effect has an entry. ids: case, decision."""
        decision = await self._in.records.get("decision", (request.case, request.decision))
        needs = [*cases.rows(request.case), *people.rows([decision["decider"]] if decision else [])]
        return await self._in.submit(who, key, request, decisions.withdrawn, needs)

    async def take_action(self, who: Principal, key: str, request: TakeAction) -> Done:
        """The approved proposal was carried out by whoever asks, once. ids: case, proposal.

        Refused: not_decided, stale, already_acted.
        """
        private = self._in.seal((), note=request.note)
        return await self._in.submit(
            who, key, request, proposals.taken, cases.rows(request.case), private=private
        )

    # ------------------------------------------------------------------------------------------ what shows it
    async def attach_evidence(self, who: Principal, key: str, request: AttachEvidence) -> Done:
        """Attach what a collector froze. ids: case, evidence. Refused: evidence_reused, transition."""
        return await self._attach(who, key, request, evidence.attached)

    def note_shown(self, who: Principal, case: str, note: str) -> str:
        """Return the token of a hand-over note that is shown now: how long it was read is counted from here."""
        at = instant_of(self._in.clock())
        return shown_notes.seal(self._in.secret, self._in.log, who.id, case, note, at)

    def note_opened(self, who: Principal, case: str, note: str, token: str) -> str:
        """Return when the note was shown to them. Refused: note_not_shown."""
        return shown_notes.opened_at(self._in.secret, self._in.log, who.id, case, note, token)

    async def assess(self, who: Principal, key: str, request: AttachEvidence) -> Done:
        """Say what one saw of a learner's skill. ids: case, evidence. Refused: see work.assessed."""
        row = await self._in.records.get("case_file", (request.case,))
        learners = [] if row is None else [row["opened_by"], row["action_by"]]
        needs = [*people.rows(learners), Need("assessor", (request.facts["course"], who.id))]
        return await self._attach(who, key, request, work.assessed, needs)

    async def _attach(
        self, who: Principal, key: str, request: AttachEvidence, rule: Rule, more: Sequence[Need] = ()
    ) -> Done:
        ids = self._in.ids("evidence")
        contents = {} if request.content is None else {"content": request.content}
        private = self._in.seal(request.concerns, contents, facts=request.facts, note=request.note)
        reuse = tuple(self._in.vault.reuse_digest(one) for one in request.once)
        needs = [*cases.rows(request.case), *await authority.involved(self._in.records, request.case), *more]
        needs += [Need("reuse", (digest,)) for digest in reuse]
        known = {"reuse": reuse}
        return await self._in.submit(who, key, request, rule, needs, ids=ids, private=private, known=known)

    async def report_work(self, who: Principal, key: str, request: ReportWork) -> Done:
        """Say that work which a plan or a catalogue asks for was done, with what shows it.

        ids: case, proposal, evidence. Refused: not_decided, already_acted, evidence_reused, transition.
        """
        ids = self._in.ids("proposal")
        row = await self._in.records.get("case_file", (request.case,))
        needs = [*cases.rows(request.case), *await authority.involved(self._in.records, request.case)]
        needs += [Need("policy", (row["policy"],))] if row is not None and row["policy"] is not None else []
        shown = []
        for item in request.items:
            asked, more = self._shown_along(who, request.case, item)
            shown.append(asked)
            needs += more
        words = None if request.text is None else self._in.seal((who.id,), text=request.text)
        known = {"shown": tuple(shown), "words": words}
        return await self._in.submit(who, key, request, work.reported, needs, ids=ids, known=known)

    async def check_in(self, who: Principal, key: str, request: CheckIn) -> Done:
        """Show that whoever asks was at a point. ids: case, evidence.

        Refused: point_unknown, tap_invalid, tap_replayed, code_expired, evidence_reused (a screen's code, by the same
        person), value_invalid, own_device_needed, agent_may_not, stale, transition. Raises TokenInvalid: a code that
        was never issued here.
        """
        if await self._in.is_repeat(who, key):
            return await self._in.submit(who, key, request, point_rules.checked_in, ())
        for _ in range(check_ins.TRIES_MAX - 1):
            try:
                return await self._check_in(who, key, request)
            except Refused as refused:
                if refused.code != "stale":
                    raise
        return await self._check_in(who, key, request)

    async def _check_in(self, who: Principal, key: str, request: CheckIn) -> Done:
        looked = await check_ins.look(self._in, who, request)
        private = self._in.seal(looked.item.concerns, facts=looked.item.facts)
        reuse = tuple(self._in.vault.reuse_digest(one) for one in looked.item.once)
        needs = [*looked.needs, *(Need("reuse", (digest,)) for digest in reuse)]
        return await self._in.submit(
            who, key, request, point_rules.checked_in, needs, ids=self._in.ids("evidence"), private=private,
            known={**looked.known, "reuse": reuse},
        )  # fmt: skip

    async def point_of(self, who: Principal, request: CheckIn) -> Row:
        """Return the point that a tap or a code is of, before anybody says what for. Raises as check_in."""
        return await check_ins.point_of(self._in, who, request)

    async def code_of(self, point: str) -> tuple[str, str | None]:
        """Return the code of a point to be shown now, and until when it is good (None: it is one to be printed).

        Refused: point_unknown (none, one that has ended, or a tag, which has no code).
        """
        row = point_rules.in_use(await self._in.records.get("point", (point,)), point)
        secret, now_ms = check_ins.code_key(self._in), self._in.clock()
        if row["method"] == PRINTED:
            return presence.seal_printed(secret, self._in.log, point), None
        if row["method"] != SCREEN:
            raise refuse("point_unknown", f"expected a point with a code, got the tag {point}", "/point")
        drawn = self._in.entropy.token(presence.NONCE_BYTES)
        code = presence.seal_screen(secret, self._in.log, point, now_ms, drawn)
        return code, instant_of(now_ms + SCREEN_SECONDS * 1_000)

    async def withdraw_evidence(self, who: Principal, key: str, request: WithdrawEvidence) -> Done:
        """The submitter takes an item back; it stays visible. ids: case, evidence."""
        needs = [*cases.rows(request.case), *await authority.involved(self._in.records, request.case)]
        return await self._in.submit(who, key, request, evidence.withdrawn, needs)

    async def review_evidence(self, who: Principal, key: str, request: ReviewEvidence) -> Done:
        """Somebody other than its submitter accepts or refuses an item. ids: case, evidence."""
        row = await self._in.records.get("case_file", (request.case,))
        needs = [*cases.rows(request.case), *await authority.involved(self._in.records, request.case)]
        known = {"action_by": None if row is None else row["action_by"]}
        return await self._in.submit(who, key, request, evidence.reviewed, needs, known=known)

    async def issue_link(self, who: Principal, key: str, request: IssueLink) -> Done:
        """Issue a one-time link to the customer. ids: case, link; secrets: token (not on a replay)."""
        ids = self._in.ids("link")
        token = self._in.entropy.token(LINK_TOKEN_BYTES).hex()
        private = self._in.seal((request.customer,), address=request.address)
        known = {"token_digest": link_digest(token)}
        needs = cases.rows(request.case)
        return await self._in.submit(
            who, key, request, evidence.link_issued, needs, ids=ids, private=private, known=known,
            secrets={"token": token},
        )  # fmt: skip

    async def answer_link(self, key: str, link: str, request: AnswerLink) -> Done:
        """The customer answers, once; the answer is evidence. `link` is the id the door found by the token's digest.

        ids: case, link, evidence. Refused: link_closed.
        """
        row = await self._in.records.get("link", (link,))
        if row is None or row["token_digest"] != link_digest(request.token):
            raise refuse("link_closed", "expected a link that is open, got one answered, expired or unknown")
        who = Principal(row["customer"], "customer", "link", "link")
        item = customer_link.collect(row, request.answer, instant_of(self._in.clock()))
        private = self._in.seal(item.concerns, facts=item.facts, note=request.note)
        needs = [*cases.rows(row["case"]), Need("link", (link,))]
        ids = self._in.ids("evidence")
        known = {"evidence": item, "link": link}
        return await self._in.submit(
            who, key, request, evidence.link_answered, needs, ids=ids, private=private, known=known
        )

    async def expire_link(self, who: Principal, key: str, request: ExpireLink) -> Done:
        """The link's time is over, by the system. ids: case, link."""
        needs = [Need("link", (request.link,)), *cases.rows(request.case)]
        return await self._in.submit(who, key, request, evidence.link_expired, needs)

    async def record_outcome(self, who: Principal, key: str, request: RecordOutcome) -> Done:
        """Say what came of it. ids: case."""
        row = await self._in.records.get("case_file", (request.case,))
        needs = cases.rows(request.case)
        needs += [Need("playbook", (row["playbook"],))] if row and row["playbook"] else []
        private = self._in.seal((), note=request.note)
        return await self._in.submit(who, key, request, cases.came_out, needs, private=private)

    # ------------------------------------------------------------------------------------------ was it earned
    async def judge(self, who: Principal, key: str, request: Judge) -> Done:
        """Run the policy's verifier and record its verdict. ids: case, verdict. Refused: stale, no_policy, transition.

        The system asks after every review; it is refused (transition) while items wait for review, or when the verdict
        on record still rests on what is there.
        """
        if await self._in.is_repeat(who, key):
            return await self._in.submit(who, key, request, judging.given, ())
        if who.id == SYSTEM:
            await judging.check_useful(self._in.records, request.case)
        fingerprint = self._in.vault.fingerprint
        basis = await judging.read(
            self._in.records, self._in.log, request.case, request.beneficiaries, fingerprint
        )
        judged, ids = judging.judge(basis), self._in.ids("verdict")
        private = self._in.seal(basis.concerns, input=basis.value, output=judged.output)
        needs = [*cases.rows(request.case), Need("policy", (basis.policy["policy"],))]
        needs += [*judging_prior.needs(basis.case, basis.prior), *known_as.needs(basis.links)]
        body = judging.body(basis, judged, ids["verdict"])
        known = {"body": body, "marks": basis.marks, "prior": basis.prior, "links": basis.links}
        return await self._in.submit(
            who, key, request, judging.given, needs, ids=ids, private=private, known=known
        )

    async def grant(self, who: Principal, key: str, request: Grant) -> Done:
        """The effect of an approved award decision, by the system, after the undo time. ids: case, award."""
        needs = await awards.needs_of_grant(self._in.records, request.case, request.decision)
        return await self._in.submit(who, key, request, awards.granted, needs, ids=self._in.ids("award"))

    async def draw(self, who: Principal, key: str, request: DrawAward) -> Done:
        """Draw whether an award is looked at again, by the system. ids: case, award. Refused: award_state."""
        row, needs = await awards.needs_of_award(self._in.records, who.id, request.award)
        needs.append(Need("setting", (draws.RATE_SETTING,)))
        verdict = (
            None if row is None else await self._in.records.get("verdict", (row["case"], row["verdict"]))
        )
        needs += [] if verdict is None else [Need("policy_content", (verdict["policy_digest"],))]
        return await self._in.submit(who, key, request, draws.made, needs)

    async def hold(self, who: Principal, key: str, request: AwardStep) -> Done:
        """Stop settling (or ask for a revocation). ids: case, award."""
        return await self._award(who, key, request, awards.held)

    async def release(self, who: Principal, key: str, request: AwardStep) -> Done:
        """End a hold. ids: case, award."""
        return await self._award(who, key, request, awards.released)

    async def settle(self, who: Principal, key: str, request: AwardStep) -> Done:
        """Make it really theirs, by the system, after the window. ids: case, award. Refused: too_early, held,
        recall_awaited."""
        row, needs = await awards.needs_of_award(self._in.records, who.id, request.award)
        course = await recalls.course(self._in.records, row)
        needs += [Need("recall", (request.award,))] if course else []
        return await self._in.submit(who, key, request, recalls.settled, needs, known={"recall": course})

    async def answer_recall(self, who: Principal, key: str, request: AnswerRecall) -> Done:
        """Answer the questions of a course, by whoever is recognised for it. ids: case, award. Refused: too_early."""
        row, needs = await awards.needs_of_award(self._in.records, who.id, request.award)
        course = await recalls.course(self._in.records, row)
        judged = None if row is None else await self._in.records.get("verdict", (row["case"], row["verdict"]))
        needs += recalls.needs(request.award, judged)
        private = self._in.seal((who.id,), answers=list(request.answers))
        known = {"recall": course}
        return await self._in.submit(who, key, request, recalls.answered, needs, private=private, known=known)

    async def decline_award(self, who: Principal, key: str, request: AwardStep) -> Done:
        """End a provisional award; the tokens go back to the budget. ids: case, award."""
        return await self._award(who, key, request, awards.declined)

    async def revoke(self, who: Principal, key: str, request: AwardStep) -> Done:
        """End a settled award that another person holds; what was spent is owed. ids: case, award."""
        return await self._award(who, key, request, awards.revoked)

    async def dispute(self, who: Principal, key: str, request: Dispute) -> Done:
        """Ask whoever is recognised, or was judged to be, first. ids: case, dispute (and award, where there is one).

        Refused: dispute_open, asked_before, too_many_questions, no_authority, decider_is_beneficiary, award_state.
        """
        named = await disputes.needs(self._in.records, who.id, request.case)
        view = await foresee(self._in.records, named)
        # the words about a recognition are values of whomever it is about: an erased person's go with them
        concerned = replies.concerned(view, cases.find(view, request.case))
        private = self._in.seal(concerned, note=request.note)
        needs = [*named, *await authority.involved(self._in.records, request.case)]
        ids = self._in.ids("dispute")
        known = disputes.known(named)
        return await self._in.submit(
            who, key, request, disputes.opened, needs, ids=ids, private=private, known=known
        )

    async def answer_dispute(self, who: Principal, key: str, request: AnswerDispute) -> Done:
        """Reply, once. ids: case, dispute. Refused: dispute_over, not_asked, answered_before."""
        needs = await disputes.needs(self._in.records, who.id, request.case)
        private = self._in.seal((who.id,), reply=request.reply)
        known = disputes.known(needs)
        return await self._in.submit(
            who, key, request, disputes.answered, needs, private=private, known=known
        )

    async def close_dispute(self, who: Principal, key: str, request: CloseDispute) -> Done:
        """Nothing is taken: it goes on. ids: case, dispute (and award). Refused: dispute_over, no_authority."""
        needs = await disputes.needs(self._in.records, who.id, request.case)
        return await self._in.submit(who, key, request, disputes.closed, needs, known=disputes.known(needs))

    async def escalate_award(self, who: Principal, key: str, request: EscalateAward) -> Done:
        """Ask somebody else to decide, by the system, when nobody did. ids: case. Refused: too_early."""
        needs = await disputes.needs_of_escalation(self._in.records, request.case)
        return await self._in.submit(
            who, key, request, disputes.escalated, needs, known=disputes.known(needs)
        )

    async def _award(self, who: Principal, key: str, request: AwardStep, rule: Rule) -> Done:
        row, needs = await awards.needs_of_award(self._in.records, who.id, request.award)
        known = {"held_by": None if row is None else row["held_by"]}
        return await self._in.submit(who, key, request, rule, needs, known=known)

    # ------------------------------------------------------------------------------------------ how it ends
    async def clear(self, who: Principal, key: str, request: CaseStep) -> Done:
        """The condition went away by itself; nobody is credited. ids: case."""
        return await self._in.submit(who, key, request, cases.cleared, cases.rows(request.case))

    async def expire(self, who: Principal, key: str, request: CaseStep) -> Done:
        """Too late: a miss. ids: case."""
        rule = cases.ended("case_expired", cases.EXPIRE_REASONS)
        return await self._in.submit(who, key, request, rule, cases.rows(request.case))

    async def reopen(self, who: Principal, key: str, request: CaseStep) -> Done:
        """It is back; a live award is held. ids: case."""
        row = await self._in.records.get("case_file", (request.case,))
        award = None if row is None else row["award"]
        needs = [*cases.rows(request.case), *([] if award is None else [Need("award", (award,))])]
        owner = None if row is None else await self._owner_again(row["owner"])
        needs += [] if row is None else [Need("member", (one,)) for one in {owner, row["owner"]}]
        known = {"award": award, "was": None if row is None else row["owner"], "owner": owner}
        return await self._in.submit(who, key, request, cases.reopened, needs, known=known)

    async def _owner_again(self, owner: str) -> str:
        """Return who owns a case that comes back: its owner, or an owner of the organisation where that one left."""
        row = await self._in.records.get("member", (owner,))
        if row is not None and row["active"]:
            return owner
        return await absence.first_owner(self._in.records) or owner

    async def close(self, who: Principal, key: str, request: CaseStep) -> Done:
        """Nothing is left to do. ids: case."""
        row = await self._in.records.get("case_file", (request.case,))
        needs = cases.rows(request.case)
        needs += [Need("playbook", (row["playbook"],))] if row and row["playbook"] else []
        rule = cases.ended("case_closed", cases.CLOSE_REASONS)
        return await self._in.submit(who, key, request, rule, needs)


def link_digest(token: str) -> str:
    """Return the hex SHA-256 under which a one-time link is known; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _groups(intake: Intake, request: OpenCase) -> list[str]:
    """HMACs that let a verdict find related cases without naming anybody: by subject, by customer and playbook."""
    if request.subject is None:
        return []
    subject, customer = request.subject, request.subject.get("customer")
    found = [intake.vault.fingerprint("subject", str(subject["kind"]), str(subject["id"]))]
    if customer is not None:
        found.append(intake.vault.fingerprint("customer", request.playbook or "", str(customer)))
    return sorted(found)

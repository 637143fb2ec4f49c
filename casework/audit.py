"""The audit of meaning: was each award earned? (ledger/audit.py asks whether the record is intact; run that first.)

The entries are replayed through the same projections that made the tables, and every step is held against the rules
as they stood at that entry, over rows rebuilt from the log alone. One recipe, by kind of entry:

    1. who        the actor was an active member in the role it used; what only people may do, people did
    2. when       the step was possible in the state the case was in
    3. decisions  over the proposal, evidence, verdict and policy that stood; the decider stood outside and held an
                  authority in force that covers it; its nonce was new, its record has the digest it names
    4. reviews    the reviewer neither submitted the item nor took the action
    5. verdicts   over the evidence that stood, under a published policy; judged again from the committed input they
                  come out the same
    6. awards     one approved award decision and one passing verdict; people, amount, shares, k and window recomputed
    7. windows    settled after the window with no hold; ended by somebody outside it who may; revoked by two
    8. budgets    issued by another person than who set them

What the caller still must do: bring the entries from an intact record, and `open_value` for what the vault still
holds. Without a verdict's input it is counted as unreplayable, not as damage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from casework import authority, awards, cases, decisions, evidence, people
from casework.requests import Principal
from ledger import book
from ledger.canonical import encode
from ledger.changes import Projection, Row
from ledger.entries import SYSTEM, Entry
from ledger.errors import LedgerError, Refused
from ledger.findings import Finding
from ledger.merkle import Frontier, leaf_hash
from ledger.overlay import Overlay, Shape
from verifiers.errors import VerifierError
from verifiers.registry import rejudge
from verifiers.verdicts import digest_input, digest_output

OpenValue = Callable[[Entry, str], Any]
"""The private value of an entry at a path; None when it is erased or not at hand."""

FINDINGS_MAX_COUNT = 50

PEOPLE_ONLY = frozenset({
    "decision_made", "decision_withdrawn", "evidence_reviewed", "acknowledged", "action_taken", "outcome_recorded",
    "case_closed", "award_released", "award_declined", "award_revoked", "budget_set", "budget_approved",
    "role_granted", "role_ended", "authority_granted", "authority_ended", "member_left", "api_key_issued",
    "policy_published", "playbook_published", "kinds_published", "mode_changed", "settings_changed",
    "agent_registered", "agent_stopped", "source_registered",
})  # fmt: skip
"""No agent, customer or job writes these by any door."""

CUSTOMER_KINDS = frozenset({"link_answered", "evidence_attached"})
"""What the holder of a one-time link may write."""


@dataclass(slots=True)
class Earned:
    """What the audit saw. `unreplayable` are the seqs of verdicts whose input is erased or not at hand."""

    size: int = 0
    decisions: int = 0
    verdicts: int = 0
    awards: int = 0
    unreplayable: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def sentence(self) -> str:
        """Return the result in one sentence."""
        if self.findings:
            first = min(self.findings, key=lambda finding: finding.seq or 0)
            return f"not earned: entry {first.seq}: {first.what}"
        gone = f"; {len(self.unreplayable)} verdicts unreplayable: erased" if self.unreplayable else ""
        done = f"{self.decisions} decisions, {self.verdicts} verdicts judged again, {self.awards} awards"
        return f"every recognition was earned: {done}{gone}"


def audit(
    entries: Iterable[tuple[bytes, Entry]],
    shapes: Mapping[str, Shape],
    projections: Sequence[Projection],
    open_value: OpenValue | None = None,
) -> Earned:
    """Replay a whole log from entry 0; see the recipe at the top. `entries` are canonical bytes and what they say.

    What was not earned is reported, not raised.
    """
    run = _Replay(shapes, projections, open_value)
    for data, entry in entries:
        run.step(data, entry)
    return run.earned


class _Replay:
    """The rows as they stood before each entry, and what was found."""

    def __init__(
        self, shapes: Mapping[str, Shape], projections: Sequence[Projection], open_value: OpenValue | None
    ) -> None:
        self.view = Overlay(shapes)
        # Nothing exists before entry 0, so every row that no projection made is known to be absent.
        self.view.admit({name: {0: {()}} for name in shapes}, {})
        self.earned = Earned()
        self._projections = projections
        self._open = open_value
        self._frontier = Frontier()
        self._roots: list[bytes] = [self._frontier.root()]  # by size: decisions name the tree they were shown
        self._opening = ""

    def step(self, data: bytes, entry: Entry) -> None:
        """Check one entry against the rows before it, then let it leave its own rows."""
        if entry.seq == 0:
            self._opening = entry.cmd
        try:
            self._check(entry)
        except Refused as refused:
            self._found(entry, f"{entry.kind}: {refused.code}: {refused.detail}")
        except (KeyError, TypeError, ValueError, LedgerError, VerifierError) as error:
            self._found(entry, f"{entry.kind}: cannot be read: {type(error).__name__}")
        try:
            for project in self._projections:
                self.view.apply(project(entry, None))
        except (LedgerError, KeyError, TypeError, ValueError) as error:
            self._found(entry, f"{entry.kind}: leaves no rows: {error}")
        self._frontier.append(leaf_hash(data))
        self._roots.append(self._frontier.root())
        self.earned.size += 1

    def _found(self, entry: Entry, what: str) -> None:
        if len(self.earned.findings) < FINDINGS_MAX_COUNT:
            self.earned.findings.append(Finding("not_earned", what, entry.seq, "replay"))

    def _check(self, entry: Entry) -> None:
        self._check_actor(entry)  # 1
        if entry.case is not None and entry.kind != "case_opened":
            row = cases.find(self.view, entry.case)
            cases.move(row["state"], entry.kind, entry.body)  # 2
        elif entry.kind == "case_opened":
            cases.move(cases.NOTHING, entry.kind, entry.body)
        check = _CHECKS.get(entry.kind)
        if check is not None:
            check(self, entry)

    # ------------------------------------------------------------------------------------------ 1. who
    def _check_actor(self, entry: Entry) -> None:
        if entry.cmd == self._opening:
            return  # the command that opens the log also makes its first member
        who = _principal(entry)
        if entry.kind in PEOPLE_ONLY:
            people.human(self.view, who)
        elif who.role == people.CUSTOMER:
            _expect(entry.kind in CUSTOMER_KINDS, "expected what a customer may write, got another kind")
        else:
            people.acting(self.view, who)

    # ------------------------------------------------------------------------------------------ 3. decisions
    def check_decision(self, entry: Entry) -> None:
        """Step 3 of the recipe."""
        body, view = entry.body, self.view
        self.earned.decisions += 1
        row = cases.find(view, _case(entry))
        proposal = view.get("proposal", (row["case"], row["proposal"]))
        policy = None if row["policy"] is None else view.get("policy", (row["policy"],))
        stood = decisions.basis(row, proposal, view.scan("evidence", (row["case"],)), policy, body["about"])
        named = {
            "case": entry.case,
            "about": body["about"],
            "proposal": {"id": body["proposal"], "digest": body["proposal_digest"]},
            "evidence": sorted(body["evidence"]),
            "verdict": body["verdict"],
            "policy": body["policy"],
        }
        changed = sorted(name for name in stood if stood[name] != named[name])
        _expect(not changed, f"expected the state that stood, got another {', '.join(changed)}")
        _expect(view.get("decision_nonce", (body["nonce"],)) is None, "expected a new nonce, got a used one")
        _expect(entry.at < body["expires"], f"expected before {body['expires']}")
        size, root = body["as_of"]["size"], body["as_of"]["root"]
        _expect(
            0 <= size <= entry.seq and self._roots[size].hex() == root, "as_of: expected a root of this log"
        )
        assert proposal is not None  # basis refused otherwise
        self._check_decider(entry, row, proposal)
        _expect(
            decisions.record_digest(_record(entry, proposal)) == body["digest"],
            "expected the record's digest",
        )

    def _check_decider(self, entry: Entry, row: Row, proposal: Row) -> None:
        body, view = entry.body, self.view
        verdict = None if row["verdict"] is None else view.get("verdict", (row["case"], row["verdict"]))
        about_award = body["about"] == authority.AWARD
        items = evidence.live(view.scan("evidence", (row["case"],)))
        relied = decisions.relied_on(items, verdict if about_award else None)
        concerned = json.loads(verdict["beneficiaries"]) if about_award and verdict is not None else []
        authority.separate(
            view,
            entry.actor.id,
            proposal["maker"],
            evidence.submitters(relied),
            {*concerned, *body["beneficiaries"]},
        )
        held = view.get("authority", (entry.actor.id, body["authority"]))
        matter = _matter(row, proposal, body)
        if held is None or not authority.covers(held, matter, entry.at):
            raise Refused("no_authority", f"expected authority {body['authority']} in force that covers it")
        least = authority.ASSURANCE_RANK[held["assurance_min"]]
        _expect(authority.ASSURANCE_RANK.get(body["assurance"], 0) >= least, "expected a stronger assurance")

    # ------------------------------------------------------------------------------------------ 4. reviews
    def check_review(self, entry: Entry) -> None:
        """Step 4."""
        view, row = self.view, cases.find(self.view, _case(entry))
        item = view.get("evidence", (row["case"], entry.body["evidence"]))
        if item is None:
            raise Refused("unknown", "expected evidence of this case")
        mine = any(people.same_person(view, entry.actor.id, one) for one in evidence.submitters([item]))
        _expect(not mine, "reviewer_is_submitter")
        acted = row["action_by"] is not None and people.same_person(view, entry.actor.id, row["action_by"])
        _expect(not acted, "reviewer_is_beneficiary")

    # ------------------------------------------------------------------------------------------ 5. verdicts
    def check_verdict(self, entry: Entry) -> None:
        """Step 5. A verdict whose input is gone is counted, not blamed."""
        body, view = entry.body, self.view
        row = cases.find(view, _case(entry))
        live = sorted(item["evidence"] for item in evidence.live(view.scan("evidence", (row["case"],))))
        _expect(sorted(body["evidence"]) == live, "expected a verdict over the evidence that stood")
        _expect(body["outcome_seq"] == row["outcome_seq"], "expected a verdict over the outcome that stood")
        published = view.get("policy_content", (body["policy_digest"],))
        _expect(published is not None, "expected a published policy")
        value = self._open(entry, "input") if self._open is not None and "input" in entry.private else None
        if value is None:
            self.earned.unreplayable.append(entry.seq)
            return
        given = encode(value, size_max_bytes=2**30)
        _expect(digest_input(given) == body["input_digest"], "expected the input that was committed")
        again = rejudge(given, body["verifier"], body["version"])
        _expect(digest_output(again) == body["output_digest"], "judged again: expected the same verdict")
        output = json.loads(again)
        told = {
            name: body[name]
            for name in ("result", "controllers", "k_evidence", "shares", "relied_on", "missing")
        }
        _expect(all(output[name] == told[name] for name in told), "expected what the verdict says")
        self._check_input(entry, value, row)
        self.earned.verdicts += 1

    def _check_input(self, entry: Entry, value: Mapping[str, Any], row: Row) -> None:
        """Hold the judged input against the rows: the judge must have been shown what is on record."""
        _expect(value["log"] == entry.log and value["case"] == row["case"], "input: expected this case")
        live = {item["evidence"]: item for item in evidence.live(self.view.scan("evidence", (row["case"],)))}
        for item in value["evidence"]:
            stood = live.get(item["id"])
            same = stood is not None and all((
                item["type"] == stood["type"],
                item["grade"] == stood["grade"],
                item["submitter"] == stood["submitter"],
                item["controllers"] == json.loads(stood["controllers"]),
                (item["review"] or {}).get("verdict") == stood["review"],
            ))  # fmt: skip
            _expect(same, f"input: expected evidence {item['id']} as it stood")
        _expect(sorted(value["beneficiaries"]) == sorted(entry.body["beneficiaries"]), "input: beneficiaries")
        _expect(
            (value["outcome"] or {}).get("seq") == row["outcome_seq"],
            "input: expected the outcome that stood",
        )
        for member, said in value["people"].items():
            stood = self.view.get("member", (member,))
            _expect(
                stood is None or said["same_as"] == stood["same_as"], f"input: expected {member} as on record"
            )

    # ------------------------------------------------------------------------------------------ 6. awards
    def check_grant(self, entry: Entry) -> None:
        """Step 6."""
        body, view = entry.body, self.view
        row = cases.find(view, _case(entry))
        decision = view.get("decision", (row["case"], body["decision"]))
        good = (
            decision is not None and decision["about"] == authority.AWARD and decision["verb"] == "approved"
        )
        if not good or decision is None or decision["withdrawn"] or decision["effect_seq"] is not None:
            raise Refused("not_decided", "expected one standing approved award decision without effect")
        _expect(decision["effects_at"] <= entry.at, "expected the undo time over")
        _expect(decision["verdict"] == body["verdict"] == row["verdict"], "expected the verdict decided on")
        verdict = view.get("verdict", (row["case"], body["verdict"]))
        wanted = awards.Wanted(
            tuple(json.loads(decision["beneficiaries"])), decision["amount_tokens"], decision["budget"]
        )
        planned = awards.plan(view, row, verdict, wanted, decision["decider"], entry.at)
        expected = awards.draft(row["case"], body["award"], body["decision"], planned, {}, row, entry.at).body
        wrong = sorted(name for name in expected if expected[name] != body[name])
        _expect(not wrong, f"expected {', '.join(wrong)} as recomputed")
        self.earned.awards += 1

    # ------------------------------------------------------------------------------------------ 7. windows
    def check_settled(self, entry: Entry) -> None:
        """Step 7, the window."""
        row = self._award(entry, awards.PROVISIONAL)
        _expect(entry.actor.id == SYSTEM, "expected the system's own job")
        _expect(row["held_by"] is None, "held")
        _expect(
            row["settle_not_before"] <= entry.at, f"too_early: expected {row['settle_not_before']} or later"
        )
        expected = []
        for share in self.view.scan("award_share", (row["award"],)):
            owed = self._balance(book.owed(share["member"]))
            to_settled, to_owed = book.settle_split(share["amount"], owed)
            expected.append({"member": share["member"], "to_settled": to_settled, "to_owed": to_owed})
        _expect(entry.body["shares"] == expected, "expected shares as recomputed")

    def check_ended(self, entry: Entry) -> None:
        """Step 7, declined and revoked."""
        revoked = entry.kind == "award_revoked"
        row = self._award(entry, awards.SETTLED if revoked else awards.PROVISIONAL)
        shares = self.view.scan("award_share", (row["award"],))
        inside = any(people.same_person(self.view, entry.actor.id, share["member"]) for share in shares)
        _expect(not inside, "decider_is_beneficiary")
        matter = authority.Matter(authority.AWARD, row["kind"], tokens=row["amount_tokens"])
        held = self.view.scan("authority", (entry.actor.id,))
        _expect(any(authority.covers(one, matter, entry.at) for one in held), "no_authority")
        _expect(entry.body["budget"] == row["budget"], "expected the tokens to go back to their budget")
        if not revoked:
            expected = [{"member": share["member"], "amount": share["amount"]} for share in shares]
        else:
            holder = row["held_by"]
            two = holder not in (None, SYSTEM) and not people.same_person(self.view, holder, entry.actor.id)
            _expect(two, "second_person_needed")
            expected = []
            for share in shares:
                settled = self._balance(book.settled(share["member"]))
                from_settled, from_owed = book.revoke_split(share["amount"], settled)
                expected.append(
                    {"member": share["member"], "from_settled": from_settled, "from_owed": from_owed}
                )
        _expect(entry.body["shares"] == expected, "expected shares as recomputed")

    def _award(self, entry: Entry, state: str) -> Row:
        row = self.view.get("award", (entry.body["award"],))
        if row is None or row["state"] != state or row["case"] != entry.case:
            raise Refused("award_state", f"expected an award of this case that is {state}")
        return row

    def _balance(self, account: str) -> int:
        row = self.view.get("account", (account,))
        return 0 if row is None else int(row["balance"])

    # ------------------------------------------------------------------------------------------ 8. budgets
    def check_budget(self, entry: Entry) -> None:
        """Step 8."""
        row = self.view.get("budget", (entry.body["budget"],))
        if row is None or row["approved_by"] is not None:
            raise Refused("unknown", "expected a budget that was set and not approved")
        _expect(not people.same_person(self.view, entry.actor.id, row["set_by"]), "second_person_needed")
        _expect(row["amount_tokens"] == entry.body["amount_tokens"], "expected the amount that was set")


_CHECKS: Mapping[str, Callable[[_Replay, Entry], None]] = {
    "decision_made": _Replay.check_decision,
    "evidence_reviewed": _Replay.check_review,
    "verdict_given": _Replay.check_verdict,
    "award_granted": _Replay.check_grant,
    "award_settled": _Replay.check_settled,
    "award_declined": _Replay.check_ended,
    "award_revoked": _Replay.check_ended,
    "budget_approved": _Replay.check_budget,
}


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise Refused("not_as_recorded", what)


def _principal(entry: Entry) -> Principal:
    return Principal(
        entry.actor.id, entry.actor.role, entry.actor.via, str(entry.body.get("assurance", "key"))
    )


def _case(entry: Entry) -> str:
    if entry.case is None:
        raise Refused("unknown", "expected an entry of a case")
    return entry.case


def _matter(row: Row, proposal: Row, body: Mapping[str, Any]) -> authority.Matter:
    if body["about"] == authority.AWARD:
        return authority.Matter(authority.AWARD, row["award_kind"], tokens=body["amount_tokens"] or 0)
    value = None if proposal["value"] is None else json.loads(proposal["value"])
    return authority.Matter(authority.ACTION, row["playbook"], value=value)


def _record(entry: Entry, proposal: Row) -> dict[str, Any]:
    """Return the canonical decision record that the entry stands for, docs/spec/decision.md."""
    body = entry.body
    amount: Any = None
    if body["about"] == authority.ACTION:
        amount = None if proposal["value"] is None else json.loads(proposal["value"])
    elif body["amount_tokens"] is not None:
        amount = {"tokens": body["amount_tokens"], "budget": body["budget"]}
    return {
        "v": 1,
        "log": entry.log,
        "case": entry.case,
        "about": body["about"],
        "verb": body["verb"],
        "proposal": {"id": body["proposal"], "digest": body["proposal_digest"]},
        "evidence": body["evidence"],
        "verdict": body["verdict"],
        "policy": body["policy"],
        "authority": body["authority"],
        "beneficiaries": body["beneficiaries"],
        "amount": amount,
        "reason_code": body["reason_code"],
        "reason": entry.private.get("reason"),
        "as_of": body["as_of"],
        "nonce": body["nonce"],
        "expires": body["expires"],
    }

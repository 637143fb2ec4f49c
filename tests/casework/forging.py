"""Writing an honest history again with one thing changed, as somebody would who controls database, keys and vault.

Everything that follows from the change is made to fit: seqs, chain, roots in `as_of`, digests of decision records, what
the judge was shown and what it says then. So the record stays intact, and only the audit of meaning can object.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from casework import decisions
from ledger.canonical import encode
from ledger.entries import ENTRY_VERSION, ZERO_HASH, Actor, Entry, command_id
from ledger.merkle import Frontier, leaf_hash
from tests.casework.histories import History
from verifiers import registry


@dataclass
class Line:
    """One entry in the forger's hands; `lie` is applied last, when all else fits."""

    entry: Entry
    values: dict[str, Any]
    lie: Callable[[dict[str, Any]], None] | None = None

    @property
    def kind(self) -> str:
        """Return its kind."""
        return self.entry.kind

    @property
    def body(self) -> dict[str, Any]:
        """Return its body, to be changed in place."""
        return self.entry.body  # type: ignore[return-value]

    def by(self, member: str, role: str | None = None) -> None:
        """Let somebody else have written it."""
        actor = Actor(member, role or self.entry.actor.role, self.entry.actor.via)
        self.entry = dataclasses.replace(self.entry, actor=actor)

    def at(self, instant: str) -> None:
        """Move its time."""
        self.entry = dataclasses.replace(self.entry, at=instant)


@dataclass
class Story:
    """A history being written again."""

    lines: list[Line]
    named: dict[str, str]
    count: int = 0
    _old: dict[int, Line] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Story:
        """Copy a history."""
        lines = []
        for _, entry in history.entries:
            values = {path: copy.deepcopy(history.values[entry.seq, path]) for path in entry.private}
            lines.append(Line(dataclasses.replace(entry, body=copy.deepcopy(entry.body)), values))
        return cls(lines, history.named, 0, dict(enumerate(lines)))

    def find(self, kind: str, case: str | None = None, nth: int = 0, **body: Any) -> Line:
        """Return the nth line of a kind, in the case of this name, whose body holds these values."""
        found = [
            line
            for line in self.lines
            if line.kind == kind
            and (case is None or line.entry.case == self.named[case])
            and all(line.body.get(name) == value for name, value in body.items())
        ]
        return found[nth]

    def move(self, line: Line, after: Line) -> None:
        """Put a line elsewhere, at the time of the one before it."""
        self.lines.remove(line)
        self.lines.insert(self.lines.index(after) + 1, line)
        line.at(after.entry.at)

    def cut(self, after: Line) -> None:
        """End the history after a line: what would follow from the forgery is another matter."""
        del self.lines[self.lines.index(after) + 1 :]

    def add(self, after: Line, kind: str, case: str | None, body: dict[str, Any], actor: Actor) -> Line:
        """Write a line that never was."""
        self.count += 1
        cmd = command_id(after.entry.log, actor.id, f"forged-{self.count}")
        case_id = None if case is None else self.named[case]
        entry = Entry(
            ENTRY_VERSION, after.entry.log, 0, after.entry.at, kind, actor, case_id, body, {}, cmd, ZERO_HASH
        )
        line = Line(entry, {})
        self.lines.insert(self.lines.index(after) + 1, line)
        return line

    def again(self, line: Line, after: Line) -> Line:
        """Write a line a second time."""
        actor, case = line.entry.actor, line.entry.case
        name = next((name for name, value in self.named.items() if value == case), None)
        return self.add(after, line.kind, name, copy.deepcopy(line.body), actor)

    # ------------------------------------------------------------------------------------------ making it fit
    def told(self) -> History:
        """Return the history with everything fitted to what was changed."""
        seqs = {id(line): seq for seq, line in enumerate(self.lines)}
        moved = {old: seqs[id(line)] for old, line in self._old.items() if id(line) in seqs}
        history = History([], {}, dict(self.named))
        frontier, prev = Frontier(), ZERO_HASH
        roots = [frontier.root()]
        for seq, line in enumerate(self.lines):
            if line.kind == "decision_made":
                self._fit_as_of(line.body["as_of"], moved, roots)
                line.body["digest"] = decisions.record_digest(self._record(line))
            elif line.kind == "verdict_given":
                self._fit_verdict(line, moved, roots)
            elif line.kind == "checkpoint_anchored":
                self._fit_as_of(line.body, moved, roots)
            elif line.kind == "credential_issued" and "credential" in line.values:
                self._fit_credential(line)
            if line.lie is not None:
                line.lie(line.body)
            entry = dataclasses.replace(line.entry, seq=seq, prev=prev)
            data = encode(entry.to_json())
            frontier.append(leaf_hash(data))
            roots.append(frontier.root())
            prev = leaf_hash(data).hex()
            history.entries.append((data, entry))
            history.values.update({(seq, path): value for path, value in line.values.items()})
        return history

    def _fit_as_of(self, as_of: dict[str, Any], moved: dict[int, int], roots: list[bytes]) -> None:
        size = moved.get(as_of["size"] - 1, len(roots) - 2) + 1
        as_of.update(size=size, root=roots[size].hex())

    def _record(self, line: Line) -> dict[str, Any]:
        body = line.body
        proposal = next(one for one in self.lines if one.body.get("digest") == body["proposal_digest"])
        amount = proposal.body["value"]
        if body["about"] == "award":
            tokens = body["amount_tokens"]
            amount = None if tokens is None else {"tokens": tokens, "budget": body["budget"]}
        return {
            "v": 1, "log": line.entry.log, "case": line.entry.case, "about": body["about"], "verb": body["verb"],
            "proposal": {"id": body["proposal"], "digest": body["proposal_digest"]}, "evidence": body["evidence"],
            "verdict": body["verdict"], "policy": body["policy"], "authority": body["authority"],
            "beneficiaries": body["beneficiaries"], "amount": amount, "reason_code": body["reason_code"],
            "reason": line.entry.private.get("reason"), "as_of": body["as_of"], "nonce": body["nonce"],
            "expires": body["expires"],
        }  # fmt: skip

    def _fit_credential(self, line: Line) -> None:
        for seq, one in enumerate(self.lines):
            if one.kind == "award_settled" and one.body["award"] == line.body["award"]:
                evidence = line.values["credential"]["evidence"][0]
                evidence["id"] = f"urn:tallystick:entry:{line.entry.log}:{seq}"
                return

    def _fit_verdict(self, line: Line, moved: dict[int, int], roots: list[bytes]) -> None:
        value, body = line.values["input"], line.body
        self._fit_as_of(value["as_of"], moved, roots)
        facts = value["facts"]
        facts["opened_seq"] = moved[facts["opened_seq"]]
        for part, who in (("proposal", "maker"), ("action_decision", "approver"), ("action_taken", "by")):
            if facts[part] is None:
                continue
            facts[part][who] = self._old[facts[part]["seq"]].entry.actor.id
            facts[part]["seq"] = moved[facts[part]["seq"]]
        outcome = self._old[value["outcome"]["seq"]]
        value["outcome"].update(seq=moved[value["outcome"]["seq"]], recorded_by=outcome.entry.actor.id)
        body["outcome_seq"] = value["outcome"]["seq"]
        for award in value["prior"]["awards"]:
            self._fit_award(award, self.lines[: self.lines.index(line)])
        earlier = [one for case in value["prior"].get("earlier", ()) for one in case["evidence"]]
        for item in [*value["evidence"], *earlier]:
            item["seq"] = moved[item["seq"]]
            if item["review"] is not None:
                review = self.find("evidence_reviewed", evidence=item["id"])
                item["review"] = {"verdict": review.body["result"], "by": review.entry.actor.id}
        fit_output(line)

    def _fit_award(self, award: dict[str, Any], before: list[Line]) -> None:
        for one in before:
            if one.body.get("award") == award["award"] and one.kind in STATES:
                award["state"] = STATES[one.kind]
                award["at"] = one.entry.at if one.kind == "award_granted" else award["at"]


STATES = {
    "award_granted": "provisional",
    "award_settled": "settled",
    "award_declined": "declined",
    "award_revoked": "revoked",
}


def fit_output(line: Line) -> None:
    """Judge the input again and let the entry say what comes out."""
    body = line.body
    judged = registry.judge(json.loads(json.dumps(line.values["input"])), body["verifier"], body["version"])
    output = judged.output
    line.values["output"] = dict(output)
    for name in ("result", "controllers", "k_evidence", "shares", "relied_on", "witnessing", "missing"):
        body[name] = copy.deepcopy(output[name])
    body.update(input_digest=judged.input_digest, output_digest=judged.output_digest)

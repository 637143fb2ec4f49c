"""What an audit answers: findings, the result, the exit code. docs/spec/bundle.md section 5 lists the codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from ledger.entries import REGISTRY_VERSION
from ledger.merkle import EMPTY_ROOT

FINDINGS_MAX_COUNT = 50


class Exit(IntEnum):
    """Exit codes of every audit command."""

    INTACT = 0
    DAMAGED = 1
    USAGE = 2
    CONSISTENT_ONLY = 3
    NEWER = 4
    UNREPLAYABLE = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be: coded, in words, at which entry if one is to blame, which input showed it.

    `detected_by`: entries, tiles, checkpoints, keys, size, postings, balances, rows, vault, known, trust, receipts or
    chain.
    """

    code: str
    what: str
    seq: int | None
    detected_by: str


@dataclass(slots=True)
class Result:
    """What an audit saw. `root` is of all `size` entries read; no stored checkpoint covers those past `signed_size`.

    `uncompared`: sizes of known checkpoints that a bundle, which holds one tree head only, cannot be held against.
    """

    origin: str = ""
    size: int = 0
    root: bytes = EMPTY_ROOT
    registry: int = 0
    simulated: bool = False
    signed_size: int = 0
    known_size: int = 0
    uncompared: list[int] = field(default_factory=list)
    trusted: bool = False
    newer: bool = False
    kinds: set[str] = field(default_factory=set)
    """Kinds of the entries that were read."""
    findings: list[Finding] = field(default_factory=list)

    def found(self, code: str, what: str, seq: int | None, detected_by: str) -> None:
        """Add a finding; beyond FINDINGS_MAX_COUNT they repeat the damage; the first entry stays named."""
        if len(self.findings) < FINDINGS_MAX_COUNT:
            self.findings.append(Finding(code, what, seq, detected_by))
        elif seq is not None and (self.first is None or self.first.seq is None or seq < self.first.seq):
            self.findings[-1] = Finding(code, what, seq, detected_by)

    @property
    def exit(self) -> Exit:
        """Return the exit code."""
        if self.findings:
            return Exit.DAMAGED
        if self.newer:
            return Exit.NEWER
        return Exit.INTACT if self.trusted else Exit.CONSISTENT_ONLY

    @property
    def first(self) -> Finding | None:
        """Return the finding that names the damage: the first damaged entry, else what was found first."""
        at_entries = [finding for finding in self.findings if finding.seq is not None]
        if at_entries:
            return min(at_entries, key=lambda finding: finding.seq or 0)
        return self.findings[0] if self.findings else None

    def sentence(self) -> str:
        """Return the result in one sentence."""
        scope = f"{self.size} entries of {self.origin or 'an unnamed log'}"
        time = ", simulated time" if self.simulated else ""
        if self.first is not None:
            return f"damaged: {self.first.what}"
        if self.newer:
            return f"newer than this auditor: registry {self.registry}, this auditor knows {REGISTRY_VERSION}; {scope}"
        if not self.trusted:
            known = f"; agrees with a known checkpoint of size {self.known_size}" if self.known_size else ""
            return f"consistent with itself; origin and freshness not checked{known}; {scope}{time}"
        return f"intact and trusted: {scope}, signed up to {self.signed_size}{time}"

"""One simulated year under a policy: claim, verdict, approval, forgery number, cap, draw, window, reversal.

The verdict is the real one (verifiers.registry), and so are the forgery number, the cap and the draw. What people do
between them is played by agents.py. The same seed gives the same year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from casework.awards import left_under_cap
from casework.draws import RATE_DEFAULT_PERMILLE, is_drawn
from casework.laboratory.agents import (
    CAREFUL,
    GAMED,
    LOOK_SHOWS,
    LOOK_WRONGS_PERMILLE,
    Approver,
    Mix,
    Person,
    staff,
)
from casework.laboratory.case_inputs import BOOKS, MS_PER_DAY, instant
from casework.laboratory.chance import ALL_PERMILLE, Chance
from casework.laboratory.claims import Claim, Counter, Play
from casework.laboratory.plays import PLAYS
from ledger.changes import Key, Row
from verifiers import controllers
from verifiers.errors import VerifierError
from verifiers.inputs import read_input
from verifiers.policy import Policy
from verifiers.registry import Verifier, find, load_policy
from verifiers.verdicts import ERROR, PASS, Verdict

WEEKS = 52
PEOPLE_DEFAULT, PEOPLE_MAX = 12, 60
REFUSED, DECLINED, CAUGHT, REVERSED = "refused", "declined", "caught", "reversed"
WAITING, SETTLED = "waiting", "settled"
"""What became of a claim: no passing verdict, approver said no, ended by the draw's look, by what came out,
waiting for an answer that never comes, settled."""


class NoPlay(Exception):
    """The laboratory has no world for the verifier of this policy; the sentence names those it has."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is played beside the policy. `judged` False: whatever is claimed passes, as where one person just clicks.
    `pays_failures` False: a check that found a failure brings no tokens."""

    approver: Approver = CAREFUL
    draw_permille: int = RATE_DEFAULT_PERMILLE
    judged: bool = True
    pays_failures: bool = True


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one claim. `tokens`: granted, whether or not they settled; `reason`: why there is no award."""

    person: str
    kind: str
    way: str
    truth: str
    seconds: int
    state: str
    reason: str
    tokens: int
    drawn: bool
    capped: bool
    came_out_late: bool
    """What is false about it came out when it was settled already."""

    @property
    def settled_tokens(self) -> int:
        """Return the tokens that became spendable."""
        return self.tokens if self.state == SETTLED else 0


@dataclass(frozen=True, slots=True)
class Year:
    """Everything that happened; report.py counts it."""

    policy: Policy
    seed: int
    people: Mapping[str, int]
    rules: Rules
    fates: tuple[Fate, ...]
    counters: tuple[Counter, ...]


@dataclass(slots=True)
class Recognised:
    """The rows that the rule of caps reads, and no others: members, and what they got."""

    members: list[Row]
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def get(self, table: str, key: Key) -> Row | None:
        """Return a member's row."""
        return next((row for row in self.members if (row["member"],) == key), None)

    def scan(self, table: str, prefix: Key) -> list[Row]:
        """Return all members, or what one of them got."""
        return self.members if table == "member" else self.rows.get(str(prefix[0]), [])

    def note(self, member: str, kind: str, amount: int, at: str, older_than: str) -> None:
        """Write down a grant; what no cap looks at any more goes."""
        kept = [row for row in self.rows.get(member, []) if row["granted_at"] > older_than]
        self.rows[member] = [*kept, {"kind": kind, "amount": amount, "granted_at": at}]


def play_year(
    content: Any,
    seed: int,
    people: int = PEOPLE_DEFAULT,
    rules: Rules | None = None,
    mix: Mix | None = None,
    play: Play | None = None,
    weeks: int = WEEKS,
) -> Year:
    """Play a policy's content for a year with that many people.

    Raises:
        PolicyInvalid: it is no policy.
        NoPlay: no world for its verifier.
    """
    policy = load_policy(content)
    rules = rules or Rules()
    if policy.verifier not in PLAYS:
        raise NoPlay(f"policy.verifier: expected one of {sorted(PLAYS)}, got {policy.verifier}")
    play = play or PLAYS[policy.verifier](str(seed), rules.pays_failures, policy.parameters)
    here = staff(people, mix or Mix())
    fates = tuple(_House(policy, seed, rules, here).live(play, weeks))
    counts: dict[str, int] = {}
    for one in here:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return Year(policy, seed, counts, rules, fates, play.counters())


class _House:
    """Where claims are judged, decided and settled."""

    def __init__(self, policy: Policy, seed: int, rules: Rules, people: Sequence[Person]) -> None:
        self.policy, self.rules, self.people = policy, rules, people
        self.verifier = find(policy.verifier, policy.verifier_version)
        self.content = {"digest": policy.digest, "content": policy.content}
        self.approving = Chance(f"{seed}/approver")
        self.looking = Chance(f"{seed}/look")
        self.drawing = f"{seed}/draw".encode()
        self.view = Recognised([{"member": one.id, "same_as": None} for one in people])
        self.count = 0

    def live(self, play: Play, weeks: int) -> Iterator[Fate]:
        """Yield what becomes of each claim, in order."""
        for day in range(7 * weeks):
            for claim in play.day(day, self.people):
                fate = self._fate(claim)
                granted = fate.state not in (REFUSED, DECLINED)
                claim.person.tally.learn(claim.learnt_as, fate.tokens if granted else 0, claim.seconds)
                play.told(claim, granted)
                yield fate

    def _fate(self, claim: Claim) -> Fate:
        # 1. verdict   2. forgery number with the approver   3. approval   4. cap   5. draw and look   6. window
        reason = self._why_not_passed(claim)
        if reason is not None:
            return _ended(claim, REFUSED, reason)
        if claim.found_at_ms is not None and claim.found_at_ms <= claim.approved_at_ms:
            return _ended(claim, DECLINED, "came_out_before")
        if self.rules.approver.declines(claim.truth, claim.way, self.approving):
            return _ended(claim, DECLINED, "approver_declined")
        at = instant(claim.approved_at_ms)
        wanted = self.policy.terms.tokens if self.rules.pays_failures or claim.good_news else 0
        tokens = self._under_cap(claim, wanted, at)
        drawn = self._is_drawn(wanted)
        settles_ms = claim.approved_at_ms + self.policy.terms.window_days * MS_PER_DAY
        state = SETTLED
        if drawn and self._look_ends(claim):
            state = CAUGHT
        elif claim.found_at_ms is not None and claim.found_at_ms <= settles_ms:
            state = REVERSED
        elif not claim.settles:
            state = WAITING
        if state == SETTLED:
            self._note(claim, tokens, at)
        late = state == SETTLED and claim.found_at_ms is not None
        return _ended(claim, state, state, tokens, drawn, tokens < wanted, late)

    def _why_not_passed(self, claim: Claim) -> str | None:
        if not self.rules.judged:
            return None
        claim.value["policy"] = self.content
        verdict = judged(claim.value, self.verifier)
        if verdict.result != PASS or verdict.controllers is None:
            return first_reason(verdict)
        k = controllers.award_k(verdict.controllers, BOOKS, {}).k
        least = self.policy.terms.k_required(self.policy.terms.tokens)
        return None if k >= least else "forgery_number_low"

    def _under_cap(self, claim: Claim, wanted: int, at: str) -> int:
        row = {"award_kind": self.policy.award_kind}
        left = left_under_cap(self.view, claim.person.id, row, self.policy.content["terms"], at)
        return min(wanted, left)

    def _note(self, claim: Claim, tokens: int, at: str) -> None:
        since = instant(claim.approved_at_ms - self.policy.terms.cap_days * MS_PER_DAY)
        self.view.note(claim.person.id, self.policy.award_kind, tokens, at, since)

    def _is_drawn(self, tokens: int) -> bool:
        """Draw as the product does, from a root that nobody knew at the grant."""
        self.count += 1
        root = hashlib.sha256(self.drawing + self.count.to_bytes(8, "big")).digest()
        above = tokens > self.policy.terms.tokens_limit
        return is_drawn(root, f"award-{self.count}", ALL_PERMILLE if above else self.rules.draw_permille)

    def _look_ends(self, claim: Claim) -> bool:
        gamed = claim.truth == GAMED
        return self.looking.happens(LOOK_SHOWS.get(claim.way, 0) if gamed else LOOK_WRONGS_PERMILLE)


def judged(value: Any, verifier: Verifier) -> Verdict:
    """Judge an input by the judge itself, through its strict door, without writing the bytes that nobody here keeps: a
    year has thousands. tests/casework/test_laboratory.py holds it to what `verifiers.registry.judge` says."""
    try:
        return verifier.judge(read_input(value, verifier.input_version))
    except VerifierError as error:
        return Verdict(ERROR, error=("input_refused", str(error)))


def first_reason(verdict: Verdict) -> str:
    """Return why there is no award: the first line of the worst result."""
    if verdict.error is not None:
        return verdict.error[0]
    worst = next(one for one in verdict.checks if one.result == verdict.result)
    return f"{worst.id}: {worst.reason}"


def _ended(
    claim: Claim,
    state: str,
    reason: str,
    tokens: int = 0,
    drawn: bool = False,
    capped: bool = False,
    late: bool = False,
) -> Fate:
    person = claim.person
    return Fate(
        person.id,
        person.kind,
        claim.way,
        claim.truth,
        claim.seconds,
        state,
        reason,
        tokens,
        drawn,
        capped,
        late,
    )

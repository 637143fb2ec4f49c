"""What a pass stands on, for judges of routine work: who earns it, which evidence suffices, how hard it is to fake.

Used by operational_check, handover, training and referral. A version that is published rests on it as it stands: a rule
that changes here is a new function beside the old one. service_issue has its own.

`last_checks` answers the lines that each of them ends with after not_awarded_before: evidence_suffices, forgery_number,
not_self_made. Two formulas stand behind the last two. Who could have made the *items* says whether the earners needed
anybody. Who must have lied for the *claim* to be false while the items look as they do is what k counts: each judge
says it as the ways to fake (`Fakes`), because an item may be true and show less than is claimed. Sentences name no
person and no subject, because what is missing goes into an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from verifiers.controllers import K_OR_MORE, Forgery, Formula, all_of, forgery_number, holds, party_person
from verifiers.inputs import VerdictInput
from verifiers.items import GRADES, Item
from verifiers.reading import MS_PER_SECOND, Reader
from verifiers.verdicts import FAIL, INSUFFICIENT, NEEDS_HUMAN, PASS, Check, Verdict

OK = "ok"
AGENT = "agent"
LIVE_STATES = ("provisional", "settled")
MS_PER_MINUTE = 60 * MS_PER_SECOND
MS_PER_HOUR = 60 * MS_PER_MINUTE
MS_PER_DAY = 24 * MS_PER_HOUR
EVIDENCE_SETS_MAX = 8
FOLLOWS = ("evidence_suffices", "forgery_number", "not_self_made")
"""Lines that fail because others do; `missing` names the others."""

T = TypeVar("T")
Fakes = Callable[[Mapping[str, Sequence[Item]]], Formula]
"""Items of a complete evidence set by type -> who, together, could have made the claim false with these items there."""


@dataclass(frozen=True, slots=True)
class EvidenceSet:
    """Evidence that suffices: a lowest grade per type, all of them needed, and the least k of the evidence alone."""

    grades: Mapping[str, str]
    k_evidence_min: int


@dataclass(frozen=True, slots=True)
class Founded:
    """One evidence set of the policy against what is there."""

    wanted: EvidenceSet
    lacking: tuple[str, ...]
    items: tuple[Item, ...]
    controllers: Formula | None  # of the claim
    forgery: Forgery | None
    k_required: int
    self_made: bool

    @property
    def k(self) -> int:
        """Return the forgery number, 0 while nothing is there."""
        return 0 if self.forgery is None else self.forgery.k

    @property
    def stands(self) -> bool:
        """Say whether a pass may rest on it."""
        return not self.lacking and self.k >= self.k_required and not self.self_made


# ------------------------------------------------------------------------------------------------------- policy
def read_sets(at: Reader, types: Sequence[str]) -> tuple[EvidenceSet, ...]:
    """Read `evidence_sets: [{grades: {type: lowest grade}, k_evidence_min}]` of a policy, of these types only."""
    return tuple(_read_set(one, types) for one in at.items(EVIDENCE_SETS_MAX, count_min=1))


def _read_set(at: Reader, types: Sequence[str]) -> EvidenceSet:
    member = at.members("grades", "k_evidence_min")
    grades: dict[str, str] = {}
    for type_name, grade in member["grades"].entries(len(types)):
        if type_name not in types:
            raise member["grades"].refuse(f"evidence types out of {sorted(types)}")
        grades[type_name] = grade.one_of(GRADES[1:])  # an assertion (E0) alone never earns
    if not grades:
        raise member["grades"].refuse("at least one evidence type")
    return EvidenceSet(grades, member["k_evidence_min"].integer(1, K_OR_MORE))


# -------------------------------------------------------------------------------------------------------- lines
def line(
    check_id: str,
    reason: str,
    observed: str,
    required: str,
    otherwise: str = FAIL,
    items: Iterable[Item] = (),
) -> Check:
    """Return one line: it passes where the reason is `ok`, and is `otherwise` where it is not."""
    ids = tuple(item.id for item in items)
    return Check(check_id, PASS if reason == OK else otherwise, reason, ids, observed, required)


def facts_of(items: Iterable[Item], of: type[T]) -> list[tuple[Item, T]]:
    """Return the items whose facts are of this class, with them."""
    return [(item, item.facts) for item in items if isinstance(item.facts, of)]


def unrefused(given: VerdictInput, of: type[T]) -> list[tuple[Item, T]]:
    """Return the items of this class that nobody refused."""
    left = [item for item in given.evidence if item.review is None or item.review.accepted]
    return facts_of(left, of)


def accepted_by_another(given: VerdictInput, item: Item) -> bool:
    """Say whether a person accepted it who neither submitted it nor gains by it, and who is no digital employee."""
    if item.review is None or not item.review.accepted:
        return False
    reviewer = item.review.by
    submitted = party_person(item.submitter, given.person) == party_person(f"member:{reviewer}", given.person)
    gains = any(given.same(reviewer, one) for one in given.beneficiaries)
    return not submitted and not gains and AGENT not in given.roles.get(reviewer, ())


def sieve(
    check_id: str,
    items: Sequence[tuple[Item, T]],
    why_not: Callable[[Item, T], str],
    required: str,
    nothing: str,
    otherwise: str = INSUFFICIENT,
) -> tuple[Check, list[tuple[Item, T]]]:
    """Return a line that passes when at least one item is left, and what is left.

    `nothing` is the reason where there was no item to begin with; else the reason told is that of the youngest one,
    which a person is looking at.
    """
    left = [(item, facts) for item, facts in items if why_not(item, facts) == OK]
    reason = OK if left else why_not(*items[-1]) if items else nothing
    verdict = otherwise if items else INSUFFICIENT
    shown = [item for item, _ in (left or items)]
    return line(check_id, reason, f"{len(left)} of {len(items)}", required, verdict, shown), left


# ------------------------------------------------------------------------------------------------------ earners
def one_earner(given: VerdictInput) -> tuple[Check, str | None]:
    """Return the line `one_beneficiary` and who that is: whoever did the work, and no digital employee."""
    required = "one person to be recognised: who did the work"
    by = None if given.facts.action_taken is None else given.facts.action_taken.by
    reason = OK
    if len(given.beneficiaries) != 1:
        reason = "not_one_beneficiary"
    elif by is None:
        return line("one_beneficiary", "work_not_reported", "nobody", required, INSUFFICIENT), None
    elif given.beneficiaries[0] != by:
        reason = "beneficiary_did_nothing"
    elif AGENT in given.roles.get(by, ()):
        reason = "beneficiary_is_agent"
    check = line("one_beneficiary", reason, f"beneficiaries: {len(given.beneficiaries)}", required)
    return check, by if reason == OK else None


def not_awarded_before(given: VerdictInput, within_days: int | None = None) -> Check:
    """Return the line `not_awarded_before`: no live award of this case; with `within_days` also none of this kind for
    the same subject and the same person in that span before the outcome."""
    reason, count = OK, 0
    for award in given.awards:
        if award.state not in LIVE_STATES:
            continue
        if award.case == given.case:
            reason, count = "already_awarded", count + 1
        elif within_days is not None and _again(
            given, award.beneficiaries, award.kind, award.at_ms, within_days
        ):
            same = (award.subject.kind, award.subject.id) == (
                given.facts.subject.kind,
                given.facts.subject.id,
            )
            if same:
                reason, count = reason if reason != OK else "awarded_before", count + 1
    required = "no other award for the same work"
    return line("not_awarded_before", reason, f"awards: {count}", required)


def _again(given: VerdictInput, people: tuple[str, ...], kind: str, at_ms: int, within_days: int) -> bool:
    if kind != given.policy.award_kind or given.outcome.recorded_at_ms - at_ms > within_days * MS_PER_DAY:
        return False
    return any(given.same(one, other) for one in people for other in given.beneficiaries)


# ------------------------------------------------------------------------------------------------------ standing
def last_checks(
    given: VerdictInput,
    sets: Sequence[EvidenceSet],
    left: Mapping[str, Sequence[Item]],
    earners: Sequence[str],
    fakes: Fakes,
) -> tuple[tuple[Check, ...], Founded]:
    """Return the lines evidence_suffices, forgery_number, not_self_made, and the set that a pass rests on.

    `left` are the items that passed the judge's own lines, by type; `earners` who would gain; `fakes` who could have
    made the claim false. Of the sets that stand the one with the highest k counts; where none does, the one with the
    most types there; of equals the policy's first.
    """
    founded = [_found(given, one, left, earners, fakes) for one in sets]
    best = max(founded, key=_merit)
    ids = best.items
    grades = " and ".join(
        f"{name} at {grade} or better" for name, grade in sorted(best.wanted.grades.items())
    )
    complete = not best.lacking
    k = best.k if complete else 0
    suffices = OK if complete else "lacking_" + "_and_".join(best.lacking)
    k_reason = (
        OK if complete and k >= best.k_required else "forged_too_easily" if complete else "nothing_left"
    )
    made = "nothing_left" if not complete else "earners_could_make_it" if best.self_made else OK
    shown = str(k) if k < K_OR_MORE else f"{k} or more"
    needed = f"evidence that at least {best.k_required} people would have to forge"
    alone = "evidence that its beneficiaries could not have made alone"
    count = f"items: {len(ids)}"
    return (
        line("evidence_suffices", suffices, count, grades, INSUFFICIENT, ids),
        line("forgery_number", k_reason, shown, needed, INSUFFICIENT, ids),
        line("not_self_made", made, count, alone, INSUFFICIENT, ids),
    ), best


def every_item(by_type: Mapping[str, Sequence[Item]]) -> Formula:
    """Return the formula of a claim that every item shows alike: all of them had to be made."""
    return all_of(item.controllers for items in by_type.values() for item in items)


def _merit(one: Founded) -> tuple[bool, int]:
    return (one.stands, one.k if one.stands else len(one.wanted.grades) - len(one.lacking))


def _found(
    given: VerdictInput,
    wanted: EvidenceSet,
    left: Mapping[str, Sequence[Item]],
    earners: Sequence[str],
    fakes: Fakes,
) -> Founded:
    items: list[Item] = []
    lacking: list[str] = []
    by_type: dict[str, list[Item]] = {}
    for type_name, grade in sorted(wanted.grades.items()):
        there = [one for one in left.get(type_name, ()) if GRADES.index(one.grade) >= GRADES.index(grade)]
        if not there:
            lacking.append(type_name)
        items.extend(there)
        by_type[type_name] = there
    items.sort(key=lambda item: (item.seq, item.id))
    made = all_of(item.controllers for item in items) if items else None
    controllers = fakes(by_type) if items and not lacking else None
    terms = given.policy.terms
    who = frozenset(party_person(f"member:{one}", given.person) for one in earners)
    return Founded(
        wanted=wanted,
        lacking=tuple(lacking),
        items=tuple(items),
        controllers=controllers,
        forgery=None if controllers is None else forgery_number(controllers, given.same_as),
        # An independent approver adds at most one person, so the evidence must bring the rest.
        k_required=max(wanted.k_evidence_min, terms.k_required(terms.tokens) - 1),
        self_made=made is not None and holds(made, who, given.person),
    )


def routine_result(checks: tuple[Check, ...]) -> str:
    """Return what the lines add up to: what fails, else what is missing, else what a person has to look at. A person is
    asked once all is there, so that bringing more never takes a case back from them."""
    found = {check.result for check in checks}
    return next((result for result in (FAIL, INSUFFICIENT, NEEDS_HUMAN) if result in found), PASS)


def verdict(
    given: VerdictInput,
    checks: tuple[Check, ...],
    best: Founded,
    *,
    settle_conditions: tuple[str, ...],
    reversal_causes: tuple[str, ...],
    counter_evidence: Iterable[str] = (),
) -> Verdict:
    """Add up. The caller still must have the award decided by somebody, and check k with that person in it."""
    complete = not best.lacking and best.forgery is not None
    judged = Verdict(
        result=routine_result(checks),
        checks=checks,
        missing=_missing(checks),
        relied_on=tuple(item.id for item in best.items) if complete else (),
        counter_evidence=tuple(sorted(set(counter_evidence))),
        settle_conditions=settle_conditions,
        reversal_causes=reversal_causes,
        window_days=given.policy.terms.window_days,
    )
    if complete and best.forgery is not None:
        judged = replace(
            judged,
            controllers=best.controllers,
            k_evidence=best.forgery.k,
            witnessing=best.forgery.witnessing,
        )
    if judged.result != PASS:
        return judged
    shares = tuple((one, 1) for one in given.beneficiaries)
    return replace(judged, amount_tokens=given.policy.terms.tokens, shares=shares)


def _missing(checks: tuple[Check, ...]) -> tuple[str, ...]:
    open_ = [one for one in checks if one.result == INSUFFICIENT]
    own = [one for one in open_ if one.id not in FOLLOWS]
    sentences: list[str] = []
    for one in own or [one for one in open_ if one.reason != "nothing_left"]:
        if one.required not in sentences:
            sentences.append(one.required)
    return tuple(sentences)

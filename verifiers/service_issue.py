"""The judge of a resolved service issue, version 1: 21 checks in the order of docs/spec/verdict.md.

Never edit what this version says: a changed rule is a new version beside it. The golden vectors hold it still.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from verifiers.controllers import K_OR_MORE, Forgery, Formula, all_of, forgery_number, holds, party_person
from verifiers.inputs import VerdictInput
from verifiers.items import GRADES, Item
from verifiers.service_issue_case import OK, case_checks, earners, parts_of
from verifiers.service_issue_evidence import counter_evidence, record_of, sieve_confirmations, sieve_records
from verifiers.service_issue_policy import CONFIRMATION, RECORD, EvidenceSet, Parameters, read_parameters
from verifiers.verdicts import INSUFFICIENT, NOT_NEEDED, PASS, Check, Verdict, result_of

SETTLE_CONDITIONS = ("window_passed", "not_held", "not_disputed", "not_reopened")
REVERSAL_CAUSES = ("reopened_in_window", "customer_disputes", "evidence_false", "share_at_fault")

Fakes = Callable[[Sequence[Item]], Formula]
"""Items of an evidence set -> who, together, could have made the claim false with these items there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One evidence set of the policy against what is there."""

    wanted: EvidenceSet
    lacking: tuple[str, ...]  # types with no item left at their grade
    items: tuple[Item, ...]
    claim_backed: bool
    controllers: Formula | None
    forgery: Forgery | None
    k_required: int
    self_made: bool

    @property
    def k(self) -> int:
        """Return the forgery number, 0 while nothing is there."""
        return 0 if self.forgery is None else self.forgery.k

    @property
    def filled(self) -> int:
        """Return how many of the wanted types are there."""
        return len(self.wanted.grades) - len(self.lacking)

    @property
    def complete(self) -> bool:
        """Say whether nothing is lacking."""
        return not self.lacking and self.claim_backed

    @property
    def stands(self) -> bool:
        """Say whether a pass may rest on it."""
        return self.complete and self.k >= self.k_required and not self.self_made


def judge(given: VerdictInput) -> Verdict:
    """Return the verdict on a service issue.

    Raises:
        PolicyInvalid: the policy's parameters are not those of this verifier.
        FormulaInvalid: the evidence names more than 12 persons.
    """
    # 1. Read the policy.
    parameters = read_parameters(given.policy.parameters)
    # 2. The case itself: checks 1 to 9.
    of_case = case_checks(given, parameters)
    # 3. What the collectors brought, and what speaks against it: checks 10 to 18.
    records = sieve_records(given, parameters)
    confirmations = sieve_confirmations(given, parameters)
    against = counter_evidence(given, parameters, records.left)
    # 4. The evidence set that the verdict rests on, or the nearest one: checks 19 to 21.
    left = {RECORD: records.left, CONFIRMATION: confirmations.left}
    best = nearest_set(given, parameters, left, every_item)
    checks = (
        *of_case,
        *against.checks,
        *if_needed(records.checks, RECORD in best.wanted.grades),
        *if_needed(confirmations.checks, CONFIRMATION in best.wanted.grades),
        *set_checks(best),
    )
    # 5. Add up.
    return added_up(given, parameters, checks, best, against.items)


def every_item(items: Sequence[Item]) -> Formula:
    """Return the formula of version 1: who made all the items made the claim."""
    return all_of(item.controllers for item in items)


def added_up(
    given: VerdictInput,
    parameters: Parameters,
    checks: tuple[Check, ...],
    best: Candidate,
    counter_evidence: tuple[str, ...],
) -> Verdict:
    """Add up. The caller still must have the award decided by somebody, and check k with that person in it."""
    verdict = Verdict(
        result=result_of(checks),
        checks=checks,
        missing=missing_of(checks),
        relied_on=tuple(item.id for item in best.items) if best.complete else (),
        counter_evidence=counter_evidence,
        settle_conditions=SETTLE_CONDITIONS,
        reversal_causes=REVERSAL_CAUSES,
        window_days=given.policy.terms.window_days,
    )
    if best.complete and best.forgery is not None:
        verdict = replace(
            verdict,
            controllers=best.controllers,
            k_evidence=best.forgery.k,
            witnessing=best.forgery.witnessing,
        )
    if verdict.result != PASS:
        return verdict
    return replace(verdict, amount_tokens=given.policy.terms.tokens, shares=_shares(given, parameters))


def nearest_set(
    given: VerdictInput, parameters: Parameters, left: Mapping[str, tuple[Item, ...]], fakes: Fakes
) -> Candidate:
    """Return the evidence set a pass rests on, else the nearest: the most types there. Of equals the policy's first.

    A pass prefers the highest k; so one more item can only raise what a verdict rests on.
    """
    candidates = [_candidate(given, wanted, left, fakes) for wanted in parameters.evidence_sets]
    return max(candidates, key=lambda one: (one.stands, one.k if one.stands else one.filled))


def _candidate(
    given: VerdictInput, wanted: EvidenceSet, left: Mapping[str, tuple[Item, ...]], fakes: Fakes
) -> Candidate:
    items: list[Item] = []
    lacking: list[str] = []
    for type_name, grade in sorted(wanted.grades.items()):
        graded = [item for item in left[type_name] if GRADES.index(item.grade) >= GRADES.index(grade)]
        items.extend(graded)
        if not graded:
            lacking.append(type_name)
    items.sort(key=lambda item: (item.seq, item.id))
    controllers = fakes(items) if items else None
    # An independent approver adds at most one person, so the evidence must bring the rest.
    k_required = max(wanted.k_evidence_min, given.policy.terms.k_required(given.policy.terms.tokens) - 1)
    return Candidate(
        wanted=wanted,
        lacking=tuple(lacking),
        items=tuple(items),
        claim_backed=given.facts.origin != "claim" or _claim_backed(given, items),
        controllers=controllers,
        forgery=None if controllers is None else forgery_number(controllers, given.same_as),
        k_required=k_required,
        self_made=bool(items) and _earners_make(given, every_item(items)),
    )


def _earners_make(given: VerdictInput, formula: Formula) -> bool:
    who = frozenset(party_person(f"member:{one}", given.person) for one in earners(given))
    return holds(formula, who, given.person)


def _claim_backed(given: VerdictInput, items: Sequence[Item]) -> bool:
    """Who claims to have resolved an issue must show a record of it that is older than the action and not theirs."""
    action = given.facts.action_taken
    for item in items:
        record = record_of(item)
        if record is None or action is None or _earners_make(given, item.controllers):
            continue
        if record.first_event_at_ms < action.at_ms:
            return True
    return False


def if_needed(checks: tuple[Check, ...], needed: bool) -> tuple[Check, ...]:
    """Return the checks, those that are open as not needed where the set asks for no such evidence."""
    if needed:
        return checks
    return tuple(replace(one, result=NOT_NEEDED) if one.result == INSUFFICIENT else one for one in checks)


def set_checks(best: Candidate) -> tuple[Check, ...]:
    """Return the last three checks: it suffices, it is hard to forge, its beneficiaries did not make it alone."""
    ids = tuple(item.id for item in best.items)
    grades = " and ".join(
        f"{name} at {grade} or better" for name, grade in sorted(best.wanted.grades.items())
    )
    if best.lacking:
        suffices = "lacking_" + "_and_".join(best.lacking)
    else:
        suffices = OK if best.claim_backed else "claim_not_backed"
    k = best.k if best.complete else 0
    k_reason = OK if k >= best.k_required else "forged_too_easily" if best.complete else "nothing_left"
    made = "nothing_left" if not best.complete else "resolvers_could_make_it" if best.self_made else OK
    rows = (
        ("evidence_suffices", suffices, f"items: {len(ids)}", _suffices_sentence(grades, suffices)),
        (
            "forgery_number",
            k_reason,
            str(k) if k < K_OR_MORE else f"{k} or more",
            f"evidence that at least {best.k_required} people would have to forge",
        ),
        (
            "not_self_made",
            made,
            f"items: {len(ids)}",
            "evidence that its beneficiaries could not have made alone",
        ),
    )
    return tuple(
        Check(check_id, PASS if reason == OK else INSUFFICIENT, reason, ids, observed, required)
        for check_id, reason, observed, required in rows
    )


def _suffices_sentence(grades: str, reason: str) -> str:
    if reason == "claim_not_backed":
        return "a record of the issue from before the action, which the claimant could not have made"
    return grades


def missing_of(checks: tuple[Check, ...]) -> tuple[str, ...]:
    """Return what a person has to bring: the requirements that are open, without those that only follow from others."""
    open_ = [one for one in checks if one.result == INSUFFICIENT]
    sieve_open = any(one.id.startswith(("record_", "confirmation_")) for one in open_)
    sentences: list[str] = []
    for one in open_:
        follows = one.reason == "nothing_left" and one.id in ("forgery_number", "not_self_made")
        if one.id == "evidence_suffices" and sieve_open:
            follows = True
        if not follows and one.required not in sentences:
            sentences.append(one.required)
    return tuple(sentences)


def _shares(given: VerdictInput, parameters: Parameters) -> tuple[tuple[str, int], ...]:
    """Return a weight per beneficiary by what each did; at least 1, so that nobody named goes out empty."""
    return tuple(
        (one, max(1, sum(parameters.share_weights[part] for part in parts_of(given, one))))
        for one in given.beneficiaries
    )

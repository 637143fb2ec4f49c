"""The judge of an approved referral, version 1: 14 lines in the order of docs/spec/verdict.md.

Was it lodged before anybody here was in touch, does the one referred agree, did somebody else find them fitting, and
did it come to something that held? Which came first is what the order of the record shows, never what is said of it.
Never edit what this version says: a changed rule is a new version beside it. The golden vectors hold it still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.controllers import Formula, Party, all_of, any_of
from verifiers.errors import PolicyInvalid
from verifiers.footing import (
    MS_PER_DAY,
    OK,
    EvidenceSet,
    accepted_by_another,
    every_item,
    last_checks,
    line,
    not_awarded_before,
    one_earner,
    read_sets,
    unrefused,
    verdict,
)
from verifiers.inputs import VerdictInput
from verifiers.items import CustomerConfirmation, Item, SystemRecord
from verifiers.known import Scalar, read_scalar
from verifiers.reading import Reader
from verifiers.signed_facts import SignedMail
from verifiers.verdicts import FAIL, INSUFFICIENT, Check, Verdict

RECORD, CONFIRMATION, MAIL = "system_record", "customer_confirmation", "signed_mail"
EVIDENCE_TYPES = (RECORD, CONFIRMATION, MAIL)
SETTLE_CONDITIONS = ("window_passed", "not_held", "not_disputed")
REVERSAL_CAUSES = ("refunded", "left_early", "duplicate_found", "evidence_false")
CUSTOMER, CANDIDATE = "customer", "candidate"
WORKS = (CUSTOMER, CANDIDATE)
VALUES_MAX = 32
FIELDS_MAX = 16
DAYS_MAX = 366

Records = list[tuple[Item, SystemRecord]]
Table = Mapping[str, tuple[Scalar, ...]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the record of one kind of referral has to show, and how long it has to hold."""

    kind: str
    qualified: Table
    by_field: str
    won: Table
    days_min: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the organisation decided; docs/spec/verdict.md says how each is used."""

    evidence_sets: tuple[EvidenceSet, ...]
    records: Mapping[str, Shown]


def read_parameters(value: Any) -> Parameters:
    """Read the parameters of a policy of this verifier.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    member = Reader(value, "policy.parameters", PolicyInvalid).members(*Parameters.__slots__)
    records = member["records"].members(*WORKS)
    return Parameters(
        evidence_sets=read_sets(member["evidence_sets"], EVIDENCE_TYPES),
        records={name: _shown(one) for name, one in records.items()},
    )


def _shown(at: Reader) -> Shown:
    member = at.members("kind", "qualified", "by_field", "won", "days_min")
    return Shown(
        kind=member["kind"].id(),
        qualified=_table(member["qualified"]),
        by_field=member["by_field"].id(),
        won=_table(member["won"]),
        days_min=member["days_min"].integer(0, DAYS_MAX),
    )


def _table(at: Reader) -> dict[str, tuple[Scalar, ...]]:
    fields = at.entries(FIELDS_MAX)
    if not fields:
        raise at.refuse("at least one field, or any record would do")
    return {
        name: tuple(read_scalar(value) for value in allowed.items(VALUES_MAX, count_min=1))
        for name, allowed in fields
    }


def judge(given: VerdictInput) -> Verdict:
    """Return the verdict on one referral.

    Raises:
        PolicyInvalid: the policy's parameters are not those of this verifier.
        FormulaInvalid: the evidence names more than 12 persons.
    """
    # 1. Read the policy.
    parameters = read_parameters(given.policy.parameters)
    # 2. Who referred whom: lines 1 to 4.
    lodged, referred, shown = _lodged(given, parameters)
    earner, who = one_earner(given)
    oneself = _not_oneself(given, referred)
    known = _not_known_before(given)
    # 3. What came first, and whether they agree: lines 5 and 6.
    records = _records_of(given, referred, shown)
    first, touched = _lodged_first(given, records)
    consented, consents, withdrawn = _consented(given, referred)
    # 4. What came of it: lines 7 to 10.
    qualified, found = _qualified(given, shown, who, records)
    reached, won = _reached(shown, found, records)
    long, held = _held_long(given, shown, won)
    agrees, against = _record_agrees(shown, held, records)
    # 5. Whether it suffices, and how hard it is to fake: lines 11 to 14.
    left = {
        RECORD: [item for item, _ in (held if agrees.result != FAIL else ())],
        CONFIRMATION: [item for item in consents if item.type == CONFIRMATION],
        MAIL: [item for item in consents if item.type == MAIL],
    }
    last, best = last_checks(
        given,
        parameters.evidence_sets,
        left,
        given.beneficiaries,
        lambda by_type: _fakes(given, who, by_type),
    )
    checks = (lodged, earner, oneself, known, first, consented, qualified, reached, long, agrees)
    return verdict(
        given,
        (*checks, not_awarded_before(given, DAYS_MAX * 5), *last),
        best,
        settle_conditions=SETTLE_CONDITIONS,
        reversal_causes=REVERSAL_CAUSES,
        counter_evidence=[*(item.id for item, _ in (*touched, *against)), *(item.id for item in withdrawn)],
    )


def _fakes(given: VerdictInput, who: str | None, by_type: Mapping[str, Sequence[Item]]) -> Formula:
    """Who could have made a referral that came to nothing, or of nobody but the referrer.

    Nobody paid, or nobody began: the records lie. Their yes adds nobody, because it was given before. A customer is
    known from what the referrer typed, and may be the referrer under another address, who pays: then every record is
    true. Nobody begins work here as somebody else unless the record of it lies.
    """
    records = [item.controllers for item in by_type.get(RECORD, ())]
    if who is None or not records:
        return every_item(by_type)
    if given.facts.expected.get("kind") == CUSTOMER:
        return any_of((Party(f"member:{who}"), all_of(records)))
    return all_of(records)


# ------------------------------------------------------------------------------------------------ who and whom
def _lodged(given: VerdictInput, parameters: Parameters) -> tuple[Check, str | None, Shown | None]:
    required = "a referral lodged by whoever is to be recognised for it"
    facts = given.facts
    kind, referred = facts.expected.get("kind"), facts.expected.get("referred")
    shown = parameters.records.get(kind) if isinstance(kind, str) else None
    reason = OK
    if facts.origin != "claim" or not any(given.same(facts.opened_by, one) for one in given.beneficiaries):
        reason = "lodged_by_another"
    elif shown is None or not isinstance(referred, str) or facts.subject.customer != referred:
        reason = "nobody_referred"
    if reason != OK:
        return line("lodged", reason, f"opened by {facts.origin}", required), None, None
    return line("lodged", OK, f"opened by {facts.origin}", required), str(referred), shown


def _not_oneself(given: VerdictInput, referred: str | None) -> Check:
    required = "somebody who is neither the referrer nor anybody here"
    own = referred is not None and any(given.same(one, referred) for one in given.roles)
    return line("not_oneself", "refers_somebody_here" if own else OK, "one person", required)


def _not_known_before(given: VerdictInput) -> Check:
    required = "nobody who was referred before"
    reason = "referred_before" if given.earlier else OK
    return line("not_known_before", reason, f"earlier referrals: {len(given.earlier)}", required)


# ------------------------------------------------------------------------------------------------ before, consent
def _records_of(given: VerdictInput, referred: str | None, shown: Shown | None) -> Records:
    return [
        (item, one)
        for item, one in unrefused(given, SystemRecord)
        if shown is not None and one.kind == shown.kind and one.customer == referred
    ]


def _lodged_first(given: VerdictInput, records: Records) -> tuple[Check, Records]:
    """A record that is older than the referral shows that they were known, whatever else is shown."""
    required = "a referral from before anybody was in touch"
    touched = [(item, one) for item, one in records if one.first_event_at_ms <= given.facts.opened_at_ms]
    reason = "in_touch_before" if touched else OK if records else "no_record"
    otherwise = FAIL if touched else INSUFFICIENT
    shown = [item for item, _ in (touched or records)]
    return line("lodged_first", reason, f"older: {len(touched)}", required, otherwise, shown), touched


def _consented(given: VerdictInput, referred: str | None) -> tuple[Check, list[Item], list[Item]]:
    required = "a yes of the person referred, since it was lodged"
    answers = [
        (item, one)
        for item, one in unrefused(given, CustomerConfirmation)
        if one.case == given.case
        and one.customer == referred
        and one.answered_at_ms >= given.facts.opened_at_ms
    ]
    noes = [item for item, one in answers if one.answer == "not_resolved"]
    yes = [item for item, one in answers if one.answer == "resolved"]
    yes += [
        item
        for item, one in unrefused(given, SignedMail)
        if one.case == given.case
        and one.sender == referred
        and one.reference
        and item.received_at_ms >= given.facts.opened_at_ms
        and accepted_by_another(given, item)
    ]
    reason = "says_no" if noes else OK if yes else "no_consent"
    otherwise = FAIL if noes else INSUFFICIENT
    check = line("consented", reason, f"yes: {len(yes)}, no: {len(noes)}", required, otherwise, noes or yes)
    return check, [] if noes else yes, noes


# ------------------------------------------------------------------------------------------------ what came of it
def _shows(table: Table, one: SystemRecord) -> bool:
    """Say whether a record shows what a table asks for. Python holds 1 == True; a record that says 1 does not."""
    return all(
        name in one.fields
        and any(type(one.fields[name]) is type(value) and one.fields[name] == value for value in allowed)
        for name, allowed in table.items()
    )


def _qualified(
    given: VerdictInput, shown: Shown | None, who: str | None, records: Records
) -> tuple[Check, Records]:
    required = "a record by somebody else, who found them fitting"
    left: Records = []
    reason = "no_record"
    for item, one in records:
        by = None if shown is None else one.fields.get(shown.by_field)
        if shown is None or not (_shows(shown.qualified, one) or _shows(shown.won, one)):
            reason = "not_qualified"
        elif not isinstance(by, str) or not by:
            reason = "nobody_named"
        elif who is not None and given.same(by, who):
            reason = "qualified_by_the_referrer"
        else:
            left.append((item, one))
    shown_items = [item for item, _ in (left or records)]
    observed = f"{len(left)} of {len(records)}"
    return line(
        "qualified_by_another", OK if left else reason, observed, required, INSUFFICIENT, shown_items
    ), left


def _reached(shown: Shown | None, found: Records, records: Records) -> tuple[Check, Records]:
    required = "what it was for: paid, or begun"
    ids = {one.id for _, one in found}
    won = [
        (item, one) for item, one in records if shown is not None and one.id in ids and _shows(shown.won, one)
    ]
    reason = OK if won else "not_reached" if found else "nothing_left"
    items = [item for item, _ in (won or found)]
    return line(
        "outcome_reached", reason, f"{len(won)} of {len(records)}", required, INSUFFICIENT, items
    ), won


def _held_long(given: VerdictInput, shown: Shown | None, won: Records) -> tuple[Check, Records]:
    days = 0 if shown is None else shown.days_min
    required = f"an outcome that has held for {days} days"
    held = [
        (item, one)
        for item, one in won
        if given.outcome.recorded_at_ms - one.event_time_ms >= days * MS_PER_DAY
    ]
    reason = OK if held else "too_soon" if won else "nothing_left"
    items = [item for item, _ in (held or won)]
    return line("held_long_enough", reason, f"{len(held)} of {len(won)}", required, INSUFFICIENT, items), held


def _record_agrees(shown: Shown | None, held: Records, records: Records) -> tuple[Check, Records]:
    """A later version that shows something else, refunded or left, undoes it; so does the outcome it speaks against."""
    required = "no later version of the record that shows otherwise"
    newest: dict[str, int] = {}
    for _, one in held:
        newest[one.id] = min(one.event_time_ms, newest.get(one.id, one.event_time_ms))
    later = [
        (item, one)
        for item, one in records
        if shown is not None and one.event_time_ms >= newest.get(one.id, 2**53) and not _shows(shown.won, one)
    ]
    reason = "shown_otherwise_since" if later else OK if held else "nothing_left"
    against = records if later else []
    items = [item for item, _ in (against or held)]
    otherwise = FAIL if later else INSUFFICIENT
    return line("record_agrees", reason, f"otherwise: {len(later)}", required, otherwise, items), against

"""The judge of a resolved service issue, version 2: 23 checks in the order of docs/spec/verdict.md.

Version 1 counted who must have made the items. What it could not tell: whose hands it was, and whether the customer is
another person. So its number was too high by one where a colleague's work is claimed, or a complaint of one's own comes
from an address nobody knows. This version says three ways to fake, and counts the least: nothing was mended; nothing
was ever wrong; somebody else did it. A record that names who did the work, and one that knew the customer before, make
it harder. Checks 1 to 19 are those of version 1.

Never edit what this version says: a changed rule is a new version beside it. The golden vectors hold it still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from verifiers.controllers import (
    UNDECLARED,
    Formula,
    Party,
    all_of,
    any_of,
    coalitions,
    holds,
    parties,
    party_person,
    substituted,
)
from verifiers.inputs import VerdictInput
from verifiers.items import GRADES, SYSTEM, Item, SystemRecord
from verifiers.service_issue import (
    Candidate,
    added_up,
    if_needed,
    nearest_set,
    set_checks,
)
from verifiers.service_issue_case import MS_PER_DAY, OK, benefits, case_checks, earners
from verifiers.service_issue_evidence import (
    confirmation_of,
    counter_evidence,
    dishonest_record,
    not_accepted,
    record_of,
    sieve_confirmations,
    sieve_records,
    state_differs,
)
from verifiers.service_issue_policy import CONFIRMATION, RECORD, Parameters2, read_parameters_2
from verifiers.verdicts import FAIL, INSUFFICIENT, NEEDS_HUMAN, NOT_NEEDED, PASS, Check, Verdict

KNOWN_GRADE_MIN = "E3"


@dataclass(frozen=True, slots=True)
class Named:
    """Who the records say did the work: the items that name whoever took the action, and those that name another."""

    field: str | None  # of the policy, for records of this kind
    doer: tuple[Item, ...]
    another: tuple[Item, ...]


def judge(given: VerdictInput) -> Verdict:
    """Return the verdict on a service issue.

    Raises:
        PolicyInvalid: the policy's parameters are not those of this verifier.
        FormulaInvalid: the claim rests on more than 12 persons.
    """
    # 1. Read the policy.
    parameters = read_parameters_2(given.policy.parameters)
    # 2. The case itself: checks 1 to 9.
    of_case = case_checks(given, parameters.shared)
    # 3. What the collectors brought, and what speaks against it: checks 10 to 18. A record that only knows the
    # customer is not about the matter, and no reason why another one does not count.
    until = given.facts.onset_ms - parameters.customer_known_days * MS_PER_DAY
    knew = tuple(item for item in given.evidence if _knew(given, record_of(item), until))
    of_matter = replace(given, evidence=tuple(item for item in given.evidence if item not in knew))
    records = sieve_records(of_matter, parameters.shared)
    confirmations = sieve_confirmations(given, parameters.shared)
    against = counter_evidence(given, parameters.shared, records.left)
    # 4. Who did it, and who the customer is.
    named = _named_in(given, parameters, records.left)
    known = [item for item in knew if _counts(given, parameters, item)]
    # 5. The evidence set that the verdict rests on, or the nearest one: checks 19 to 23.
    left = {RECORD: records.left, CONFIRMATION: confirmations.left}
    best = nearest_set(given, parameters.shared, left, lambda items: _fakes(given, items, named, known))
    suffices, forgery, self_made = set_checks(best)
    checks = (
        *of_case,
        *against.checks,
        *if_needed(records.checks, RECORD in best.wanted.grades),
        *if_needed(confirmations.checks, CONFIRMATION in best.wanted.grades),
        suffices,
        _work_is_theirs(given, named, best),
        _customer_known(given, known, best),
        forgery,
        self_made,
    )
    # 6. Add up.
    speaks_against = {*against.items, *(item.id for item in named.another)}
    return added_up(given, parameters.shared, checks, best, tuple(sorted(speaks_against)))


# --------------------------------------------------------------------------------------------------- ways to fake
def _fakes(given: VerdictInput, items: Sequence[Item], named: Named, known: Sequence[Item]) -> Formula:
    """Who together could have made the claim false with these items there.

    Nothing was mended: every record and every confirmation lies. Nothing was ever wrong: whoever raised it made it up
    with one of those who earn, and the customer's yes goes along. Somebody else did it: whoever says "done" lies, and
    so does every record that names them. A customer nobody knew before may be one of those who earn.
    """
    records = [item.controllers for item in items if record_of(item) is not None]
    begun = [_any_version(given, item) for item in items if record_of(item) is not None]
    answers = [item.controllers for item in items if confirmation_of(item) is not None]
    earner = _earner(given, [*items, *known])
    ways = [all_of([*records, *answers])]
    if earner is not None:
        ways.append(all_of([earner, any_of(_raisers(given, begun)), *answers]))
    action = given.facts.action_taken
    if action is not None and benefits(given, action.by):
        # With the yes of a customer too: they know that it was mended, not by whom.
        naming = [_names_them(item, named) for item in items if item in named.doer]
        ways.append(all_of([Party(f"member:{action.by}"), *naming]))
    claim = any_of(ways)
    if earner is not None:
        disguise = all_of([earner, *(_any_version(given, item) for item in known)])
        for text in sorted(parties(claim)):
            if text.startswith("customer:"):
                claim = substituted(claim, text, any_of([Party(text), disguise]))
    return coalitions(claim, given.same_as)


def _names_them(item: Item, named: Named) -> Formula:
    """Return who could have had a record name the wrong person: who made it, or who said whom a name in it means."""
    by = None if named.field is None else item.named_by.get(named.field)
    return item.controllers if by is None else any_of([item.controllers, Party(f"member:{by}")])


def _earner(given: VerdictInput, items: Sequence[Item]) -> Formula | None:
    """Return one of those who earn: who took the action stands for all who could have made none of the items."""
    who = earners(given)
    if not who:
        return None
    could_make = {
        party_person(text, given.person) for item in items for text in parties(_any_version(given, item))
    }
    others = [one for one in who if party_person(f"member:{one}", given.person) in could_make]
    return any_of(Party(f"member:{one}") for one in (who[0], *others))


def _any_version(given: VerdictInput, item: Item) -> Formula:
    """Return who could have made a record begin when and as it did: a later version does not speak for the first.

    A version from a source of which nobody declared who writes in it counts as made by whoever earns.
    """
    record = record_of(item)
    who = earners(given)
    if record is None or record.versions_by is None or not who:
        return item.controllers
    earn = any_of(Party(f"member:{one}") for one in who)
    return any_of([item.controllers, substituted(record.versions_by, UNDECLARED, earn)])


def _raisers(given: VerdictInput, begun: Sequence[Formula]) -> list[Formula]:
    """Return who could have raised it though nothing was wrong. A claim raises nothing: an older record has to."""
    facts = given.facts
    found = list(begun)
    if facts.subject.customer is not None:
        found.append(Party(f"customer:{facts.subject.customer}"))
    if facts.origin != "claim" and facts.opened_by != SYSTEM:
        found.append(Party(f"member:{facts.opened_by}"))
    return found


# ------------------------------------------------------------------------------------------------- whose work it was
def _named_in(given: VerdictInput, parameters: Parameters2, left: Sequence[Item]) -> Named:
    field = parameters.done_by_field.get(given.facts.subject.kind)
    action = given.facts.action_taken
    if field is None or action is None:
        return Named(field, (), ())
    says = [(item, _person_in(given, item, field)) for item in left]
    doer = tuple(item for item, who in says if who is not None and given.same(who, action.by))
    another = tuple(
        item
        for item, who in says
        if who is not None and item not in doer and not any(_overtakes(one, item) for one in doer)
    )
    return Named(field, doer, another)


def _overtakes(item: Item, older: Item) -> bool:
    """Say whether one record is newer than another. Of one moment only versions of one system can be compared."""
    newer, record = record_of(item), record_of(older)
    if newer is None or record is None:
        return False
    if newer.event_time_ms == record.event_time_ms:
        return newer.source == record.source and newer.version > record.version
    return newer.event_time_ms > record.event_time_ms


def _person_in(given: VerdictInput, item: Item, field: str) -> str | None:
    """Return the member, or the name of one, that a record has in this field. A text that means nobody here is none."""
    record = record_of(item)
    value = None if record is None else record.fields.get(field)
    return value if isinstance(value, str) and value in given.roles else None


def _work_is_theirs(given: VerdictInput, named: Named, best: Candidate) -> Check:
    required = "a record that names who did the work"
    items = named.another or named.doer
    action = given.facts.action_taken
    if action is not None and given.beneficiaries and not benefits(given, action.by):
        # Who was given the case, or proposed what to do, shares in it; nobody is recognised in place of who did it.
        reason, result, items = "doer_left_out", FAIL, ()
        required = "whoever took the action among those who are recognised"
    elif named.another:
        reason, result = "record_names_another", NEEDS_HUMAN
    elif named.doer:
        reason, result = OK, PASS
    else:
        reason = "nobody_named" if named.field is not None else "no_field_in_policy"
        result = _only_if_short(best)
    observed = f"named: {len(named.doer)}, another: {len(named.another)}"
    ids = tuple(item.id for item in items)
    return Check("work_is_theirs", result, reason, ids, observed, required)


# ------------------------------------------------------------------------------------------------ who the customer is
def _knew(given: VerdictInput, record: SystemRecord | None, until_ms: int) -> bool:
    """Say whether a record knew this customer before an instant, for something else than what the case is about."""
    subject = given.facts.subject
    if record is None or record.customer is None or subject.customer is None:
        return False
    of_another = (record.kind, record.id) != (subject.kind, subject.id)
    return (
        of_another and record.first_event_at_ms < until_ms and given.same(record.customer, subject.customer)
    )


def _counts(given: VerdictInput, parameters: Parameters2, item: Item) -> bool:
    graded = GRADES.index(item.grade) >= GRADES.index(KNOWN_GRADE_MIN)
    honest = graded and dishonest_record(given, item) is None and not_accepted(given, item) == OK
    return honest and _was_a_customer(parameters, record_of(item))


def _was_a_customer(parameters: Parameters2, record: SystemRecord | None) -> bool:
    """Say whether a record shows more than an address. Anybody can complain or ask under any name, twice and more: the
    systems then tell the truth, and nobody lied who was not one of those who earn."""
    table = None if record is None else parameters.customer_known_by.get(record.kind)
    return record is not None and table is not None and state_differs(record, table) == OK


def _customer_known(given: VerdictInput, known: Sequence[Item], best: Candidate) -> Check:
    required = "a record that knew the customer before the issue, for something else"
    ids = tuple(item.id for item in known)
    observed = f"records: {len(known)}"
    who = frozenset(party_person(f"member:{one}", given.person) for one in earners(given))
    if given.facts.subject.customer is None:
        return Check("customer_known", NOT_NEEDED, "no_customer", (), observed, required)
    if not known:
        reason = "customer_not_known"
    elif holds(all_of(_any_version(given, item) for item in known), who, given.person):
        reason = "known_by_earners_only"
    else:
        return Check("customer_known", PASS, OK, ids, observed, required)
    return Check("customer_known", _only_if_short(best), reason, ids, observed, required)


def _only_if_short(best: Candidate) -> str:
    """What makes faking harder is asked for where the number is too small without it."""
    return INSUFFICIENT if best.complete and best.k < best.k_required else NOT_NEEDED

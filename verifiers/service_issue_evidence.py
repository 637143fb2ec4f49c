"""Checks 10 to 18 of `service_issue`: what its two collectors brought, and what speaks against it.

Records and confirmations each pass through a sieve of stages; a stage is passed when at least one item is left. So one
more good item never harms, and a bad one beside it counts for nothing. Counter-evidence is looked for apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verifiers.controllers import SERVER, alone, parties, party_person
from verifiers.inputs import VerdictInput
from verifiers.items import CustomerConfirmation, Item, Scalar, SystemRecord
from verifiers.reading import MS_PER_SECOND
from verifiers.service_issue_case import OK, benefits, is_agent
from verifiers.service_issue_policy import CONFIRMATION, RECORD, Parameters
from verifiers.verdicts import FAIL, INSUFFICIENT, NEEDS_HUMAN, PASS, Check

OBSERVED_CHARS_MAX = 300

WhyNot = Callable[[Item], str]
"""item -> `ok`, or the code of the reason why it does not count."""


@dataclass(frozen=True, slots=True)
class Sieved:
    """What is left of one type of evidence, and the lines that say why."""

    checks: tuple[Check, ...]
    left: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """What speaks against the claim."""

    checks: tuple[Check, ...]
    items: tuple[str, ...]


# ------------------------------------------------------------------------------------------------------- records
def record_of(item: Item) -> SystemRecord | None:
    """Return the facts of a system record, None for other evidence."""
    return item.facts if isinstance(item.facts, SystemRecord) else None


def sieve_records(given: VerdictInput, parameters: Parameters) -> Sieved:
    """Return checks 12 to 15 and the records that count."""
    table = parameters.record_state.get(given.facts.subject.kind, {})
    wanted = ", ".join(f"{name} in {_shown(values)}" for name, values in sorted(table.items()))
    stages: tuple[tuple[str, WhyNot, str], ...] = (
        (
            "record_attached",
            lambda item: _not_attached(given, parameters, item),
            "a system record of the subject, taken after the action",
        ),
        (
            "record_changed",
            lambda item: _not_changed(given, parameters, item),
            f"a version of the record from after the {parameters.record_changed_after}, not closed in passing",
        ),
        (
            "record_state",
            lambda item: _not_in_state(given, parameters, item),
            f"a record that shows {wanted}"
            if wanted
            else "a policy that says what a record of this kind must show",
        ),
        (
            "record_accepted",
            lambda item: dishonest_record(given, item) or not_accepted(given, item),
            "the record, accepted by a person who did not submit it and gains nothing by it",
        ),
    )
    return _sieve(RECORD, given, stages)


def _about_subject(given: VerdictInput, record: SystemRecord) -> bool:
    subject = given.facts.subject
    if (record.kind, record.id) != (subject.kind, subject.id):
        return False
    return (
        record.customer is None or subject.customer is None or given.same(record.customer, subject.customer)
    )


def _not_attached(given: VerdictInput, parameters: Parameters, item: Item) -> str:
    record, action = record_of(item), given.facts.action_taken
    if record is None or not _about_subject(given, record):
        return "another_subject"
    # Attached, not received: the fix is often imported before somebody finds the time to say "done".
    if action is None or item.attached_at_ms < action.at_ms:
        return "taken_before_action"
    if record.event_time_ms > item.received_at_ms + parameters.clock_skew_seconds_max * MS_PER_SECOND:
        return "from_the_future"
    return OK


def _not_changed(given: VerdictInput, parameters: Parameters, item: Item) -> str:
    record, facts = record_of(item), given.facts
    if record is None or facts.action_taken is None or facts.action_decision is None:
        return "no_action"
    moments = {
        "onset": facts.onset_ms,
        "approval": facts.action_decision.at_ms,
        "action": facts.action_taken.at_ms,
    }
    if (
        record.event_time_ms < moments[parameters.record_changed_after]
        or record.event_time_ms <= facts.onset_ms
    ):
        return "not_changed_since"
    open_ms = record.event_time_ms - facts.opened_at_ms
    acted_between = facts.opened_at_ms <= facts.action_taken.at_ms <= record.event_time_ms
    if open_ms < parameters.path_seconds_min * MS_PER_SECOND and not acted_between:
        return "closed_in_passing"
    return OK


def _not_in_state(given: VerdictInput, parameters: Parameters, item: Item) -> str:
    record = record_of(item)
    table = parameters.record_state.get(given.facts.subject.kind)
    if record is None or table is None:
        return "no_state_in_policy"
    return state_differs(record, table)


def state_differs(record: SystemRecord, table: Mapping[str, tuple[Scalar, ...]]) -> str:
    """Return `ok` where a record shows what a policy's table asks for, else the reason."""
    for name, allowed in table.items():
        value = record.fields.get(name)
        # Python holds 1 == True; a record that says 1 does not say true.
        if not any(type(value) is type(one) and value == one for one in allowed):
            return "other_state"
        if name not in record.fields:
            return "field_absent"
    return OK


def dishonest_record(given: VerdictInput, item: Item) -> str | None:
    """Return the reason where its formula says that its source alone could not have made it, else None."""
    record = record_of(item)
    if record is None or not alone(item.controllers, f"source:{record.source}", given.same_as):
        return "controllers_overstated"
    return None


# ------------------------------------------------------------------------------------------------- confirmations
def confirmation_of(item: Item) -> CustomerConfirmation | None:
    """Return the facts of a customer's confirmation, None for other evidence."""
    return item.facts if isinstance(item.facts, CustomerConfirmation) else None


def sieve_confirmations(given: VerdictInput, parameters: Parameters) -> Sieved:
    """Return checks 16 to 18 and the confirmations that count."""
    stages: tuple[tuple[str, WhyNot, str], ...] = (
        (
            "confirmation_answered",
            lambda item: _not_answered(given, parameters, item),
            "the customer's own answer `resolved`, given after the action, by a link of this case",
        ),
        (
            "confirmation_controlled",
            lambda item: _not_controlled(given, item),
            "a link that went to an address known before the case, or whose bearer is named",
        ),
        (
            "confirmation_accepted",
            lambda item: not_accepted(given, item),
            "the confirmation, accepted by a person who did not submit it and gains nothing by it",
        ),
    )
    return _sieve(CONFIRMATION, given, stages)


def _not_answered(given: VerdictInput, parameters: Parameters, item: Item) -> str:
    answer, facts = confirmation_of(item), given.facts
    skew_ms = parameters.clock_skew_seconds_max * MS_PER_SECOND
    if answer is None or answer.case != given.case:
        return "another_case"
    if facts.subject.customer is None or not given.same(answer.customer, facts.subject.customer):
        return "another_customer"
    if answer.answer != "resolved":
        return "not_resolved"
    if answer.issued_at_ms < facts.opened_at_ms:
        return "link_older_than_case"
    if facts.action_taken is None or answer.answered_at_ms < max(
        answer.issued_at_ms, facts.action_taken.at_ms
    ):
        return "answered_before_action"
    if answer.answered_at_ms > item.received_at_ms + skew_ms:
        return "from_the_future"
    return OK


def _not_controlled(given: VerdictInput, item: Item) -> str:
    answer = confirmation_of(item)
    if answer is None:
        return "another_case"
    if not alone(item.controllers, f"customer:{answer.customer}", given.same_as):
        return "controllers_overstated"
    if answer.handed_over_by is not None:
        bearer = f"member:{answer.handed_over_by}"
        return OK if alone(item.controllers, bearer, given.same_as) else "bearer_not_named"
    if not answer.address_known_before_case:
        return "address_not_known_before"
    senders = [
        text for text in sorted(parties(item.controllers)) if text == SERVER or text.startswith("system:")
    ]
    return OK if any(alone(item.controllers, text, given.same_as) for text in senders) else "sender_not_named"


# ---------------------------------------------------------------------------------------------------------- both
def not_accepted(given: VerdictInput, item: Item) -> str:
    """Return `ok` where somebody accepted it who neither brought it nor gains by it, else the reason."""
    if item.review is None:
        return "unreviewed"
    if not item.review.accepted:
        return "refused"
    reviewer = item.review.by
    if party_person(f"member:{reviewer}", given.person) == party_person(item.submitter, given.person):
        return "reviewed_by_submitter"
    answer = confirmation_of(item)
    if (
        answer is not None
        and answer.handed_over_by is not None
        and given.same(reviewer, answer.handed_over_by)
    ):
        return "reviewed_by_bearer"
    if benefits(given, reviewer):
        return "reviewer_benefits"
    return "reviewer_is_agent" if is_agent(given, reviewer) else OK


def _sieve(type_name: str, given: VerdictInput, stages: tuple[tuple[str, WhyNot, str], ...]) -> Sieved:
    left = tuple(item for item in given.evidence if item.type == type_name)
    checks: list[Check] = []
    for check_id, why_not, required in stages:
        passed = tuple(item for item in left if why_not(item) == OK)
        # The reason told is that of the youngest item, the one a person is looking at.
        reason = OK if passed else why_not(left[-1]) if left else "nothing_left"
        observed = f"{len(passed)} of {len(left)}"
        if not passed and left and check_id == "record_state":
            observed = _fields(left[-1])
        ids = tuple(item.id for item in (passed or left))
        checks.append(Check(check_id, PASS if passed else INSUFFICIENT, reason, ids, observed, required))
        left = passed
    return Sieved(tuple(checks), left)


def _fields(item: Item) -> str:
    record = record_of(item)
    pairs: Mapping[str, Scalar] = {} if record is None else record.fields
    return ", ".join(f"{name} = {_shown((value,))}" for name, value in sorted(pairs.items()))[
        :OBSERVED_CHARS_MAX
    ]


def _shown(values: tuple[Scalar, ...]) -> str:
    words = ["null" if one is None else str(one).lower() if type(one) is bool else str(one) for one in values]
    return " | ".join(words)


# ------------------------------------------------------------------------------------------------------- against
def counter_evidence(given: VerdictInput, parameters: Parameters, counted: tuple[Item, ...]) -> Against:
    """Return checks 10 and 11, and the items that speak against; `counted` are the records left by the sieve."""
    disputes = tuple(item.id for item in given.evidence if _disputes(given, item))
    differing = _differing_copies(given)
    later = _later_other_state(given, parameters, counted)
    reason, result = OK, PASS
    if any(item.review is not None for item in later):
        reason, result = "later_state_differs", FAIL
    elif differing:
        reason, result = "copies_differ", NEEDS_HUMAN
    elif later:
        reason, result = "later_state_unreviewed", NEEDS_HUMAN
    against = tuple(item.id for item in given.evidence if item in differing or item in later)
    checks = (
        Check(
            "not_disputed",
            FAIL if disputes else PASS,
            "customer_says_not_resolved" if disputes else OK,
            disputes,
            f"answers `not_resolved` since the action: {len(disputes)}",
            "no answer `not_resolved` of the customer since the action",
        ),
        Check(
            "record_agrees",
            result,
            reason,
            against,
            f"records that speak against it: {len(against)}",
            "no later record that shows another state, and no two copies of one version that differ",
        ),
    )
    return Against(checks, tuple(sorted({*disputes, *against})))


def _disputes(given: VerdictInput, item: Item) -> bool:
    """A customer's no counts whatever a reviewer says of it; only a new action makes it a thing of the past."""
    answer, action = confirmation_of(item), given.facts.action_taken
    if answer is None or action is None or answer.answer != "not_resolved" or answer.case != given.case:
        return False
    customer = given.facts.subject.customer
    return answer.answered_at_ms >= action.at_ms and (
        customer is None or given.same(answer.customer, customer)
    )


def _unrefused(given: VerdictInput) -> tuple[tuple[Item, SystemRecord], ...]:
    found = []
    for item in given.evidence:
        record = record_of(item)
        refused = item.review is not None and not item.review.accepted
        if record is not None and not refused and _about_subject(given, record):
            found.append((item, record))
    return tuple(found)


def _differing_copies(given: VerdictInput) -> tuple[Item, ...]:
    records = _unrefused(given)
    return tuple(
        item
        for item, record in records
        if any(
            (record.source, record.version) == (other.source, other.version)
            and (record.event_time_ms, record.fields) != (other.event_time_ms, other.fields)
            for _, other in records
        )
    )


def _later_other_state(
    given: VerdictInput, parameters: Parameters, counted: tuple[Item, ...]
) -> tuple[Item, ...]:
    newest = max((_age(record_of(item)) for item in counted), default=(0, 0))
    return tuple(
        item
        for item, record in _unrefused(given)
        if _age(record) >= newest
        and _not_attached(given, parameters, item) == OK
        and _not_changed(given, parameters, item) == OK
        and _not_in_state(given, parameters, item) in ("other_state", "field_absent")
    )


def _age(record: SystemRecord | None) -> tuple[int, int]:
    return (0, 0) if record is None else (record.event_time_ms, record.version)

"""What somebody brings when they did what a plan or a catalogue asks for: a reading, a hand-over note, a read-back, a
snapshot of what the systems held open, a provider's result of a course. Facts: docs/spec/verdict.md, facts by type.

A person's own word is E0, whatever form it has; another person's word beside it is E3, and so is a record of a system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casework.errors import refuse
from casework.requests import AttachEvidence, Principal
from ledger.codec import dumps
from verifiers import controllers
from verifiers.work_items import ITEMS_MAX

ASSERTED, FILED, CORROBORATED = "E0", "E1", "E3"
NUMBER_MAX = 10**12


def reading(
    who: Principal,
    case: str,
    expected: Mapping[str, Any],
    value: int,
    read_at: str,
    received_at: str,
    exception: str | None = None,
    again: bool = False,
) -> AttachEvidence:
    """Return what somebody found: `value` times 10^-scale, in the plan's unit. `again`: another person read before.

    Raises:
        Refused: value_invalid.
    """
    if type(value) is not int or abs(value) > NUMBER_MAX:
        raise refuse("value_invalid", f"value: expected an integer, got {value}", "/value")
    facts = {name: expected[name] for name in ("task", "place", "scale", "unit", "low", "high")}
    facts |= {"value": value, "at": read_at, "member": who.id, "exception": exception}
    return _own(who, case, "reading", CORROBORATED if again else ASSERTED, facts, received_at)


def handover_note(who: Principal, case: str, note: Mapping[str, Any], received_at: str) -> AttachEvidence:
    """Return the note of whoever hands over. `note`: shift, status, actions, contingencies, items, stated."""
    _few("items", note["items"])
    _few("stated", note["stated"])
    facts = {**note, "member": who.id, "at": received_at}
    return _own(who, case, "handover_note", FILED, facts, received_at)


def read_back(who: Principal, case: str, answer: Mapping[str, Any], received_at: str) -> AttachEvidence:
    """Return what the receiver understood. `answer`: note (evidence id), opened_at, text, items."""
    _few("items", answer["items"])
    facts = {**answer, "member": who.id, "at": received_at}
    return _own(who, case, "read_back", CORROBORATED, facts, received_at)


def snapshot(
    who: Principal,
    case: str,
    shift: str,
    open_objects: Sequence[Mapping[str, Any]],
    received_at: str,
) -> AttachEvidence:
    """Return what this record held open, as the server froze it; whoever asked for it could not have made it."""
    _few("open", open_objects)
    facts = {"shift": shift, "at": received_at, "open": [dict(one) for one in open_objects]}
    formula = {"party": "server"}
    return AttachEvidence(case, "snapshot", CORROBORATED, f"member:{who.id}", formula, received_at, facts)


def training_result(
    who: Principal,
    case: str,
    result: Mapping[str, Any],
    formula: Mapping[str, Any],
    grade: str,
    received_at: str,
    content: bytes | None = None,
) -> AttachEvidence:
    """Return a provider's result of one attempt, of the record it came as, or of the file (`content`) that the provider
    signed; it counts once in this organisation."""
    name = [result["provider"], result["registration"], result["completed_at"], result["result"]]
    controllers.parse_formula(dict(formula))
    return AttachEvidence(
        case,
        "training_result",
        grade,
        f"member:{who.id}",
        dict(formula),
        received_at,
        dict(result),
        content,
        concerns=(who.id,),
        once=(b"training\x00" + dumps(name),),
    )


def assessment(
    who: Principal, case: str, course: str, course_version: str, member: str, passed: bool, received_at: str
) -> AttachEvidence:
    """Return what an assessor saw of somebody's skill: another person's word."""
    facts: dict[str, Any] = {"course": course, "course_version": course_version, "member": member}
    facts |= {"assessor": who.id, "at": received_at, "passed": passed}
    return _own(who, case, "assessment", CORROBORATED, facts, received_at)


def _own(
    who: Principal, case: str, type_name: str, grade: str, facts: Mapping[str, Any], received_at: str
) -> AttachEvidence:
    party = f"member:{who.id}"
    return AttachEvidence(
        case, type_name, grade, party, {"party": party}, received_at, dict(facts), concerns=(who.id,)
    )


def _few(name: str, values: Sequence[Any]) -> None:
    if len(values) > ITEMS_MAX:
        raise refuse("value_invalid", f"{name}: expected at most {ITEMS_MAX}, got {len(values)}", f"/{name}")

"""A check-in: somebody was at a place, shown by a tag's tap, a screen's code or a code on paper, frozen as evidence.

| how it was shown | grade | who could have made it |
| a tag's tap, as it happened | E4 | whoever stands there (the point), or set the tag up: they know its keys |
| a tag's tap that waited up to 15 minutes on a phone without a network | E3 | the same |
| one that waited longer: when it was, the phone alone says | E1 | the same |
| a screen's code | E3 | whoever stands at the place |
| a code on paper | E1 | the member alone: a photo of it does as well |
| any of these at a point that somebody doubts | E1 | as above |

What is not seen: taps that somebody made in store and sends later as if they were new. Each dies with the next tap of
that tag by anybody (docs/evidence.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casework.cases import later
from casework.errors import refuse
from casework.point_requests import NFC, PRINTED, SCREEN
from casework.requests import AttachEvidence, Principal
from casework.views_of_points import DOUBTED
from ledger.changes import Row

TYPE = "check_in"
OFFLINE_HOURS_MAX = 12
SKEW_MINUTES = 5
"""How far ahead of ours a phone's clock may be."""
GRADES = {NFC: "E4", SCREEN: "E3", PRINTED: "E1"}
OFFLINE_GRADE, LATE_GRADE, DOUBTED_GRADE = "E3", "E1", "E1"
FRESH_MINUTES = 15
"""How long a tap may have waited and still show when it was: a phone's clock is set back in a moment."""
POINT_PARTY = "system:point:"


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown, checked before: `point` is the row of the point, `counter` of a tap (None: none), `issued_at` of
    a screen's code; `once` is what may count once only, for this person."""

    point: Row
    counter: int | None = None
    issued_at: str | None = None
    once: tuple[bytes, ...] = ()


def collect(
    who: Principal,
    case: str,
    shown: Shown,
    received_at: str,
    at: str | None = None,
    before: Row | None = None,
) -> AttachEvidence:
    """Return the evidence of one check-in. `at` is the phone's time where it had no network, `before` the person's
    check-in known last {place, at}; one that is later than this one is not before it.

    Raises:
        Refused: value_invalid (at), code_expired (it waited too long).
    """
    row = shown.point
    if at is not None:
        check_waited(row["method"], at, received_at)
    grade, controllers = worth(row, who.id, waited(at, received_at))
    when = received_at if at is None else at
    earlier = before is not None and before["at"] <= when
    return AttachEvidence(
        case=case,
        type=TYPE,
        grade=grade,
        submitter=f"member:{who.id}",
        controllers=controllers,
        received_at=received_at,
        facts={
            "place": row["place"],
            "point": row["point"],
            "method": row["method"],
            "counter": shown.counter,
            "nonce_issued_at": shown.issued_at,
            "at": when,
            "offline": at is not None,
            "member": who.id,
            "before": {name: before[name] for name in ("place", "at")} if before and earlier else None,
        },
        concerns=(who.id,),
        once=shown.once,
    )


AT_ONCE, A_WHILE, LONG = "at once", "a while", "long"
WAITED = (AT_ONCE, A_WHILE, LONG)


def waited(at: str | None, received_at: str) -> str:
    """Return how long a check-in waited on a phone, of WAITED; `at` is the phone's time, None: it did not."""
    if at is None:
        return AT_ONCE
    return A_WHILE if at >= later(received_at, seconds=-FRESH_MINUTES * 60) else LONG


def worth(point: Row, member: str, how_long: str) -> tuple[str, Mapping[str, Any]]:
    """Return the grade of a check-in at this point and who could have made it; `how_long` it waited, of WAITED."""
    method = point["method"]
    there: Mapping[str, Any] = {"party": f"{POINT_PARTY}{point['point']}"}
    formula = {PRINTED: {"party": f"member:{member}"}, SCREEN: there}.get(method)
    # Whoever set a tag up was told its keys, and can make a tap of it at home.
    formula = formula or {"any": [{"party": f"member:{point['registered_by']}"}, there]}
    grade = GRADES[method]
    if method == NFC:
        grade = {A_WHILE: OFFLINE_GRADE, LONG: LATE_GRADE}.get(how_long, grade)
    return DOUBTED_GRADE if point["state"] == DOUBTED else grade, formula


def check_waited(method: str, at: str, received_at: str) -> None:
    """Check the phone's time of a check-in that waited. Raises Refused: value_invalid, code_expired."""
    if method == SCREEN:
        raise refuse(
            "value_invalid", "at: expected none with a screen's code, which is good at once only", "/at"
        )
    latest = later(received_at, seconds=SKEW_MINUTES * 60)
    if at > latest:
        raise refuse("value_invalid", f"at: expected {latest} at the latest, got {at}", "/at")
    first = later(received_at, seconds=-OFFLINE_HOURS_MAX * 3_600)
    if at < first:
        raise refuse("code_expired", f"at: expected {first} or later, got {at}", "/at")

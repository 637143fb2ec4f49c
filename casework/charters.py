"""The charter of a digital employee: which kinds of record it may read, which actions it may propose.

    {"responsibility": text, "may_read": [kind | "*"], "may_propose": [action | "*"]}

What is not named is not allowed. The two lists stand in the log, so everybody can check a proposal against them; the
words of the responsibility lie in the vault. A charter never changes: another charter is another agent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casework import people
from casework.errors import refuse
from casework.records import Records
from casework.requests import Principal
from ledger.changes import Row
from ledger.commands import View

EVERYTHING = "*"
MEMBERS = ("responsibility", "may_read", "may_propose")
NAMES_MAX = 100
NAME_CHARS_MAX = 60
RESPONSIBILITY_CHARS_MAX = 4_000
_NAME = re.compile(r"\*|[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Charter:
    """What one agent may do, as it stands in the log."""

    may_read: tuple[str, ...]
    may_propose: tuple[str, ...]

    def reads(self, kind: str | None) -> bool:
        """Say whether it may read records of this kind, and cases about one; a case about none takes "*"."""
        return self.reads_all or kind in self.may_read

    @property
    def reads_all(self) -> bool:
        """Say whether no kind is kept from it."""
        return EVERYTHING in self.may_read

    def proposes(self, action: str) -> bool:
        """Say whether it may propose this action."""
        return EVERYTHING in self.may_propose or action in self.may_propose

    def body(self) -> dict[str, list[str]]:
        """Return it as entries and rows hold it."""
        return {"may_read": list(self.may_read), "may_propose": list(self.may_propose)}


def read(given: Mapping[str, Any]) -> tuple[Charter, str | None]:
    """Return the charter that was asked for, and its responsibility.

    Raises:
        Refused: value_invalid (an unknown member, a list or text of another shape or size).
    """
    unknown = sorted(set(given) - set(MEMBERS))
    if unknown:
        raise refuse(
            "value_invalid",
            f"charter: expected of {', '.join(MEMBERS)}, got {unknown[0]!r}"[:200],
            "/charter",
        )
    words = given.get("responsibility")
    if words is not None and not (type(words) is str and 0 < len(words) <= RESPONSIBILITY_CHARS_MAX):
        expected = f"expected a text of 1 to {RESPONSIBILITY_CHARS_MAX} characters"
        raise refuse("value_invalid", f"responsibility: {expected}", "/charter/responsibility")
    return Charter(_names(given, "may_read"), _names(given, "may_propose")), words


def _names(given: Mapping[str, Any], member: str) -> tuple[str, ...]:
    names = given.get(member, [])
    good = isinstance(names, list | tuple) and len(names) <= NAMES_MAX
    for name in names if good else ():
        good = good and type(name) is str and len(name) <= NAME_CHARS_MAX and bool(_NAME.fullmatch(name))
    if not good:
        expected = (
            f'expected at most {NAMES_MAX} names (a-z, 0-9, _, -; or "*") of {NAME_CHARS_MAX} characters'
        )
        raise refuse("value_invalid", f"{member}: {expected}, got {names!r}"[:300], f"/charter/{member}")
    return tuple(sorted(set(names)))


def held(charter: str | None) -> Charter | None:
    """Return the charter of a member row's column; None: a person, whom no charter binds."""
    if charter is None:
        return None
    value = json.loads(charter)
    return Charter(tuple(value["may_read"]), tuple(value["may_propose"]))


def check_proposal(view: View, who: Principal, case: Row, action: str) -> None:
    """Check that an agent may propose this over this case; everybody else passes.

    Raises:
        Refused: not_in_charter; unknown (a case it may not read is as if unknown).
    """
    if who.role != people.AGENT:
        return
    charter = _of(view.get("member", (who.id,)))
    if charter is not None and not charter.reads(case["subject_kind"]):
        raise refuse("unknown", f"expected a case of this organisation, got {case['case']}")
    _check_action(charter, action)


async def check_suggestion(records: Records, who: Principal, action: str) -> None:
    """Check a suggestion that an agent gives with a report; read outside the writer, for a charter never changes.

    Raises:
        Refused: not_in_charter.
    """
    if who.role == people.AGENT:
        _check_action(_of(await records.get("member", (who.id,))), action)


def _of(row: Row | None) -> Charter | None:
    return None if row is None else held(row["charter"])


def _check_action(charter: Charter | None, action: str) -> None:
    if charter is not None and not charter.proposes(action):
        allowed = ", ".join(charter.may_propose) or "none"
        raise refuse("not_in_charter", f"action: expected one of {allowed}, got {action}", "/action")

"""A staff list as a CSV file: `name,role` and, where it is known already, `sign_in`. It is all right, or nobody joins.

Comma, semicolon or tab, as spreadsheets save them; the first row names the columns. Every fault is told with its row as
the spreadsheet counts them (the head is row 1), what was expected and got. What begins like a formula is no name, and
what goes out to a spreadsheet again is written so that none runs (CWE-1236).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from api.problems import ERRORS_PER_PROBLEM_MAX, FieldProblem, RowsRefused
from casework import chosen, people
from casework.joining_requests import Hand
from casework.joining_rules import HANDS_MAX
from ledger.errors import Refused

CSV_CHARS_MAX = 200_000
NAME_CHARS_MAX = 200
COLUMNS = ("name", "role", "sign_in")
NEEDED = ("name", "role")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FIELD = "/csv"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in one row."""

    row: int
    what: str

    def told(self) -> FieldProblem:
        """Return it as a problem names it."""
        return FieldProblem(pointer=_FIELD, detail=f"row {self.row}: {self.what}")


def read_roster(text: str, roles: Container[str], taken: Iterable[str]) -> tuple[Hand, ...]:
    """Return the people of a staff list. `roles` are those that whoever asks may let in, `taken` the names to sign in
    that are somebody's already.

    Raises:
        RowsRefused: something is not as expected; all faults are told, the first twenty in words.
    """
    head, rows = _parse(text)
    names: dict[str, int] = dict.fromkeys(taken, 0)
    hands: list[Hand] = []
    faults: list[Fault] = []
    for number, cells in rows:
        if len(hands) + len(faults) > HANDS_MAX:
            break
        found = list(_faults(number, head, cells, roles, names))
        faults += found
        if not found:
            of = dict(zip(head, cells, strict=True))
            hands.append(Hand(of["name"], of["role"], _name(of)))
    if len(hands) + len(faults) > HANDS_MAX:
        faults = [Fault(HANDS_MAX + 2, f"expected at most {HANDS_MAX} people, got more")]
    if not hands and not faults:
        faults = [Fault(2, "expected somebody, got nobody")]
    if faults:
        raise refused(faults)
    return tuple(hands)


def refused(faults: Sequence[Fault]) -> RowsRefused:
    """Return the refusal that tells these faults."""
    return RowsRefused(len(faults), [fault.told() for fault in faults[:ERRORS_PER_PROBLEM_MAX]])


def as_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs: a quote before what begins like a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _parse(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns, and the rows with their numbers; rows without any text are left out."""
    first = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise refused([Fault(1, f"expected a CSV file, got one that cannot be read: {error}")]) from error
    head = [cell.strip().casefold().replace("-", "_").replace(" ", "_") for cell in rows[0]] if rows else []
    unknown = [name for name in head if name not in COLUMNS]
    if unknown or len(set(head)) < len(head) or any(name not in head for name in NEEDED):
        got = ", ".join(head)[:200] or "none"
        raise refused([Fault(1, f"expected the columns name, role and perhaps sign_in, got {got}")])
    numbered = [(number, [cell.strip() for cell in cells]) for number, cells in enumerate(rows[1:], 2)]
    return head, [(number, cells) for number, cells in numbered if any(cells)]


def _faults(
    number: int, head: Sequence[str], cells: Sequence[str], roles: Container[str], names: dict[str, int]
) -> Iterator[Fault]:
    """Yield what is wrong in a row; a name to sign in is noted under `names` with the row that has it."""
    if len(cells) != len(head):
        yield Fault(number, f"expected {len(head)} cells, got {len(cells)}")
        return
    of = dict(zip(head, cells, strict=True))
    name, role = of["name"], of["role"]
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable() or name.startswith(FORMULA_STARTS):
        yield Fault(number, f"name: expected 1 to {NAME_CHARS_MAX} letters, no formula, got {name[:40]!r}")
    if role not in people.ROLES:
        yield Fault(number, f"role: expected one of {', '.join(people.ROLES)}, got {role[:40]!r}")
    elif role not in roles:
        yield Fault(number, f"role: expected one that you may let in, got {role}")
    try:
        kept = _name(of)
    except Refused as error:
        yield Fault(number, f"sign_in: {error.detail.removeprefix('name: ')}")
        return
    if kept is not None and kept in names:
        where = f"row {names[kept]} has it" if names[kept] else "somebody here has it"
        yield Fault(number, f"sign_in: expected a name of its own, got {kept!r}: {where}")
    elif kept is not None:
        names[kept] = number


def _name(of: dict[str, str]) -> str | None:
    given = of.get("sign_in", "")
    return chosen.sign_in_name(given, _FIELD) if given else None

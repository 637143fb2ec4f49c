"""A spreadsheet that somebody uploads: what the file is, and a mapping made from its own column names.

Columns are known by their heads: `id`, one column for when it happened, and the fields of the kind. Everything else of
the format is that of any import (docs/spec/playbook-format.md section 4). Pure.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

from playbooks.kinds import Field, Kind, Kinds

FILE_BYTES_MAX = 8 * 1024 * 1024
ENDINGS = (".csv", ".txt", ".tsv")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
CHANGED_AT = "changed_at"
CUSTOMER = "customer"
"""The column of the person a record concerns: kept as a pseudonym; their word counts for their own record only."""
BEGINNINGS = ("created_at", "opened_at", "sent_at", "counted_at")
"""Required fields that say when a record began: one of them stands in for `changed_at`."""


class NotATable(ValueError):
    """The file is none that can be read; the text says expected and got. Nothing was taken."""


class ColumnsMissing(NotATable):
    """The file lacks columns that the kind needs; `names` are those."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"expected the columns {', '.join(names)}, got none of that name")
        self.names = names


class OnlyTheSample(NotATable):
    """The file is the sample: its row is made up, and no record of anything."""


def text_of(data: bytes, name: str) -> str:
    """Return the text of an uploaded file. Raises NotATable: by name, content, size or encoding."""
    if not name.lower().endswith(ENDINGS):
        raise NotATable(f"expected a file that ends in {', '.join(ENDINGS)}, got {name[-60:]}")
    if len(data) > FILE_BYTES_MAX:
        raise NotATable(f"expected at most {FILE_BYTES_MAX} bytes, got more")
    if not data.strip() or b"\x00" in data or data[:2] in (b"PK", b"\x1f\x8b") or data[:4] == b"%PDF":
        raise NotATable("expected plain rows of text, got an empty file or one of another sort")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotATable(f"line {line}: expected UTF-8, got other bytes") from error


def mapping_for(text: str, source: str, kinds: Kinds, kind: Kind) -> str:
    """Return the mapping of a file by its column names. Raises ColumnsMissing, NotATable."""
    head = next(iter(text.splitlines()), "")
    delimiter = max(DELIMITERS, key=head.count)
    try:
        names = next(csv.reader([head], delimiter=delimiter))
    except (csv.Error, StopIteration) as error:
        raise NotATable(f"line 1: expected column names, got: {error}") from error
    columns = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in names}
    times = [
        one
        for one in (CHANGED_AT, *BEGINNINGS)
        if one in columns and (one == CHANGED_AT or one in kind.fields)
    ]
    wanted = [one.name for one in kind.fields.values() if not one.optional and one.type != "list"]
    lacking = [one for one in ("id", *wanted) if one not in columns] + ([] if times else [CHANGED_AT])
    if lacking:
        raise ColumnsMissing(lacking)
    quoted = {name: json.dumps(column, ensure_ascii=False) for name, column in columns.items()}
    lines = ["format: 1", f"source: {source}", f"kind: {kind.name}", "rows: records"]
    lines += [f"zone: {kinds.zone.key}", "file:", f"  delimiter: {DELIMITERS[delimiter]}"]
    person = [f"subject_key: {quoted[CUSTOMER]}"] if CUSTOMER in columns else []
    lines += [f"id: {quoted['id']}", *person, "changes:", "  - change: told", f"    at: {quoted[times[0]]}"]
    lines += ["    precision: millisecond", "fields:"]
    for field in kind.fields.values():
        if field.name not in columns:
            continue
        lines += [f"  {field.name}:", f"    column: {quoted[field.name]}"]
        kind_of_time = field.element if field.type == "list" else field.type
        if kind_of_time in ("date", "instant"):
            lines.append(f"    precision: {'day' if kind_of_time == 'date' else 'millisecond'}")
    return "\n".join(lines) + "\n"


SAMPLE_ID = "sample-1"
BY_NAME = {
    "customer": "guest-1024", "site": "main", "owner": "Ana", "person": "Ana", "supplier": "Laundry Lane",
    "sku": "cream", "severity": "high", "warmth": "warm", "special": "true", "note": "Step-free seat, please",
    "needs": "step-free", "skills": "step-free;bar", "skus": "cream;salmon", "covers": "4", "forecast_covers": "90",
    "on_hand": "6", "par": "12", "notice_days": "30",
}  # fmt: skip
"""Field of the shipped kinds -> a value that could be true."""
STATUS = {"booking": "confirmed", "quote": "sent", "contract": "active", "shift": "confirmed"}
"""Kind -> the status of what goes on; of others "open"."""
BY_TYPE = {
    "string": "text", "bool": "true", "int": "4", "money": "120.00", "quantity": "2", "list": "one;two",
}  # fmt: skip


def sample(kind: Kind, today: str) -> str:
    """Return a file with the columns of a kind and one row that could be true today (`YYYY-MM-DD`), as it may be
    uploaded."""
    out = io.StringIO()
    writer = csv.writer(out)
    fields = list(kind.fields.values())
    writer.writerow(["id", CHANGED_AT, *(field.name for field in fields)])
    changed = f"{_days_on(today, -1)}T16:05"
    writer.writerow([SAMPLE_ID, changed, *(shown_value(kind, field, today) for field in fields)])
    return out.getvalue()


def shown_value(kind: Kind, field: Field, today: str) -> str:
    """Return a value: what lies ahead is of today or later, what has happened of yesterday, else it is empty."""
    if field.name == "status":
        return STATUS.get(kind.name, "open")
    if field.name in BY_NAME:
        return BY_NAME[field.name]
    if field.type == "date":
        return _days_on(today, 40) if field.name.startswith("end") else today
    if field.name in ("starts_at", "ends_at"):
        return f"{today}T{'19:30' if field.name == 'starts_at' else '23:30'}"
    if field.optional:
        return ""
    return f"{_days_on(today, -1)}T09:10" if field.type == "instant" else BY_TYPE[field.type]


def _days_on(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def is_sample(text: str) -> bool:
    """Say whether a file holds the sample's row and none of one's own."""
    rows = [line for line in text.splitlines()[1:] if line.strip()]
    return bool(rows) and all(line.lstrip('"').startswith(SAMPLE_ID) for line in rows)

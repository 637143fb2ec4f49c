"""A mapping: how the columns of one source's file become versions of records. docs/spec/playbook-format.md section 4.

Two kinds of file: `rows: records` holds one row per record, from which the changes named in `changes` are derived, each
at its own column's time; `rows: changes` holds one row per change (an event log). Either way the mapping says what was
known when: a column that is not known at a change is absent in that version, however full the row is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playbooks import documents
from playbooks.calendars import zone_named
from playbooks.documents import Section
from playbooks.errors import DocumentInvalid
from playbooks.kinds import Field, Kind, Kinds, content_digest

FORMAT_VERSION = 1
PRECISIONS = ("day", "minute", "second", "millisecond")
ENCODINGS = ("utf-8", "latin-1", "windows-1252", "utf-16")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_FORMAT = re.compile(r"[%A-Za-z0-9 :./,-]{2,40}")


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """A column that holds local or absolute time: its zone, its precision, and its strptime format if not ISO 8601."""

    column: str
    zone: ZoneInfo
    precision: str
    format: str | None


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """One change of a row. `at` is when it happened, `known_at` when it was known (the same, unless said)."""

    name: str
    at: TimeColumn
    known_at: TimeColumn | None


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where a field comes from, and from when on it is known.

    `known` is the place of the first change in `changes` that knows it; `known_from` a column with the instant from
    which on it is (for logs whose rows carry later columns already).
    """

    field: Field
    column: str
    known: int
    known_from: TimeColumn | None
    time: TimeColumn | None
    true: frozenset[str]
    false: frozenset[str]
    separator: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """One source's file format, compiled against the kinds."""

    source: str
    kind: Kind
    rows: str
    encoding: str
    delimiter: str
    absent: frozenset[str]
    id_column: str
    subject_column: str | None
    order_column: str | None
    changes: tuple[ChangeRule, ...]
    fields: tuple[FieldRule, ...]
    content: MappingABC[str, Any]
    digest: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the file must have."""
        found = [self.id_column, self.subject_column, self.order_column]
        for change in self.changes:
            found += [change.at.column, change.known_at.column if change.known_at else None]
        for field in self.fields:
            found += [field.column, field.known_from.column if field.known_from else None]
        return tuple(dict.fromkeys(column for column in found if column is not None))


def load_mapping(path: Path, kinds: Kinds) -> Mapping:
    """Read mapping.yaml. Raises DocumentInvalid with file and line."""
    return read_mapping(documents.load(path), kinds)


def read_mapping(root: documents.Mapping, kinds: Kinds) -> Mapping:
    """Check a parsed mapping document against the kinds. Raises DocumentInvalid."""
    top = Section(root, "mapping file")
    top.integer("format", FORMAT_VERSION, FORMAT_VERSION)
    source, kind_name = top.text("source"), top.text("kind")
    kind = kinds.kind(kind_name)
    if kind is None:
        raise top.refuse("kind", f"unknown kind {kind_name!r}; known kinds: {', '.join(sorted(kinds.kinds))}")
    rows = top.choice("rows", ("records", "changes"))
    zone = _zone(top) if top.get("zone") is not None else None
    encoding, delimiter, absent = _read_file(top)
    changes = _read_changes(top, zone, rows)
    order = top.text_or("order", None)
    if rows == "changes" and order is None:
        raise DocumentInvalid(
            root.where,
            "mapping file: expected the field 'order', the column that orders changes of one instant",
        )
    if rows == "records" and order is not None:
        raise top.refuse(
            "order", "changes of one row are ordered by their place in `changes`: leave `order` out"
        )
    mapping = Mapping(
        source, kind, rows, encoding, delimiter, absent, top.text("id"), top.text_or("subject_key", None), order,
        changes, _read_fields(top, kind, changes, zone), documents.plain(root),
        content_digest("tallystick/mapping/v1", documents.plain(root)),
    )  # fmt: skip
    top.done()
    return mapping


def read_encoding(root: documents.Mapping) -> str:
    """Return how the files of a mapping are encoded, without knowing the kinds. Raises DocumentInvalid."""
    return _read_file(Section(root, "mapping file"))[0]


def _read_file(top: Section) -> tuple[str, str, frozenset[str]]:
    """Return encoding, delimiter and the texts that mean "no value"."""
    file = top.section_or("file")
    if file is None:
        return "utf-8", ",", frozenset({""})
    encoding = file.choice("encoding", ENCODINGS, "utf-8")
    delimiter = _DELIMITERS[file.choice("delimiter", tuple(_DELIMITERS), "comma")]
    absent = frozenset({"", *file.texts("absent")})
    file.done()
    return encoding, delimiter, absent


def _zone(section: Section) -> ZoneInfo:
    try:
        return zone_named(section.text("zone"))
    except ValueError as error:
        raise section.refuse("zone", str(error)) from error


def _time_column(section: Section, key: str, zone: ZoneInfo | None, column: str | None = None) -> TimeColumn:
    """Read `key: column` with its siblings zone, precision and format. A file without a zone must be given one."""
    own = _zone(section) if section.get("zone") is not None else zone
    if own is None:
        raise section.refuse(
            key, "expected a `zone` here or at the top of the mapping: these times have none"
        )
    form = section.text_or("format", None)
    if form is not None and not _FORMAT.fullmatch(form):
        raise section.refuse("format", f"expected a format like '%d/%m/%Y %H:%M', got {form!r}")
    return TimeColumn(column or section.text(key), own, section.choice("precision", PRECISIONS), form)


def _read_changes(top: Section, zone: ZoneInfo | None, rows: str) -> tuple[ChangeRule, ...]:
    found: list[ChangeRule] = []
    for section in top.sections("changes"):
        at = _time_column(section, "at", zone)
        known = section.text_or("known_at", None)
        known_at = _time_column(section, "known_at", zone, known) if known is not None else None
        found.append(ChangeRule(section.text("change"), at, known_at))
        section.done()
    names = [change.name for change in found]
    if not found or len(set(names)) != len(names):
        raise top.refuse("changes", "expected at least one change, each with a name of its own")
    if rows == "changes" and len(found) != 1:
        raise top.refuse("changes", f"expected one change per row, got {len(found)}")
    return tuple(found)


def _read_fields(
    top: Section, kind: Kind, changes: tuple[ChangeRule, ...], zone: ZoneInfo | None
) -> tuple[FieldRule, ...]:
    order = {change.name: place for place, change in enumerate(changes)}
    found: list[FieldRule] = []
    for name, node in top.named("fields", lambda _: True):
        field = kind.fields.get(name)
        if field is None:
            raise DocumentInvalid(
                node.where, f"unknown field {name!r} of {kind.name}; known fields: {kind.known_fields}"
            )
        found.append(_read_field(Section(node, f"fields.{name}"), field, order, zone, kind))
    mapped = {rule.field.name for rule in found}
    lacking = [
        f.name for f in kind.fields.values() if not f.optional and f.type != "list" and f.name not in mapped
    ]
    if lacking:
        raise top.refuse(
            "fields",
            f"expected a column for every required field of {kind.name}, got none for {', '.join(lacking)}",
        )
    return tuple(found)


def _read_field(
    section: Section, field: Field, order: MappingABC[str, int], zone: ZoneInfo | None, kind: Kind
) -> FieldRule:
    column = section.text("column")
    first = next(iter(order))
    known = section.choice("known", tuple(order), first)
    known_from_column = section.text_or("known_from", None)
    if not field.optional and field.type != "list" and (order[known] > 0 or known_from_column is not None):
        raise section.refuse(
            "known", f"{kind.name}.{field.name} is required, so it must be known from the first change on"
        )
    element = field.element if field.type == "list" else field.type
    time = None
    known_from = None
    if known_from_column is not None:
        known_from = _time_column(section, "known_from", zone, known_from_column)
    if element in ("date", "instant"):
        time = _time_column(section, "column", zone, column)
    true = frozenset(section.texts("true")) or frozenset({"true", "1"})
    false = frozenset(section.texts("false")) or frozenset({"false", "0"})
    if true & false:
        raise section.refuse(
            "true", f"expected texts that are not in `false` too, got {sorted(true & false)}"
        )
    separator = section.text_or("separator", ";") or ";"
    section.done()
    return FieldRule(field, column, order[known], known_from, time, true, false, separator)

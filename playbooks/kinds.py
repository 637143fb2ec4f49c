"""The typed vocabulary: which kinds of record there are, with which fields. docs/spec/playbook-format.md section 2.

| type | stored value (canonical JSON) | in CEL |
|---|---|---|
| string, bool, int | text, true/false, integer within +-(2^53-1) | string, bool, int |
| date | `2026-11-23` | timestamp: the start of that day in the kinds' zone |
| instant | `2026-11-23T16:10:00.000Z` | timestamp |
| money | {"amount_minor": int, "currency": the kind's} | Money {amount_minor, currency} |
| quantity | integer, scaled by 10^scale | int, in the smallest unit |
| list of string, int, date, instant | list; an absent list is the empty one | list |

Fields are required unless `optional: true`; a field added later is always optional. Every kind has `id`, the
record's id.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ledger import canonical
from playbooks import documents
from playbooks.calendars import (
    WEEKDAYS,
    YEARS,
    Calendar,
    instant_ms,
    parse_hours,
    public_holidays,
    zone_named,
)
from playbooks.documents import Scalar, Section
from playbooks.errors import DocumentInvalid, EvolutionRefused, RecordInvalid

FORMAT_VERSION = 1
INTEGER_MAX = canonical.INTEGER_MAX
STRING_SIZE_MAX_CHARACTERS = 4_000
LIST_ITEMS_MAX = 200
FIELDS_MAX = 120
SCALE_MAX_DIGITS = 6

TYPES = ("string", "bool", "int", "date", "instant", "money", "quantity", "list")
ELEMENT_TYPES = ("string", "int", "date", "instant")
KEY_TYPES = ("string", "bool", "int", "date")
"""Types a join may use: their equality is beyond doubt."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# CEL reserves these, and `matches` is the name of the joined records in a playbook.
RESERVED = frozenset(
    {
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "package", "namespace", "return", "true", "var", "void", "while", "null", "matches", "other", "int", "uint",
        "double", "bool", "string", "bytes", "list", "map", "timestamp", "duration", "dyn", "type", "has", "size",
    }
)  # fmt: skip


def is_name(name: str) -> bool:
    """Whether a kind or field may be called so: a-z, 0-9, _; not a word of CEL."""
    return _NAME.fullmatch(name) is not None and name not in RESERVED


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind. `element` is set for lists, `scale` and `unit` for quantities."""

    name: str
    type: str
    optional: bool = False
    element: str | None = None
    scale: int = 0
    unit: str | None = None

    @property
    def number(self) -> int:
        """The protobuf field number: given by the name alone, so it stays when others are added and is never
        re-used."""
        drawn = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4]) % (2**28 - 20_000)
        return 20_000 + drawn  # above the range that protobuf keeps for itself

    def to_json(self) -> dict[str, Any]:
        """Return the field as it is hashed: defaults left out."""
        content: dict[str, Any] = {"type": self.type}
        if self.optional:
            content["optional"] = True
        if self.element is not None:
            content["of"] = self.element
        if self.type == "quantity":
            content["scale"] = self.scale
        if self.unit is not None:
            content["unit"] = self.unit
        return content


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record; `fields` are in the file's order, without `id`."""

    name: str
    fields: Mapping[str, Field]
    currency: str | None = None

    def field(self, name: str) -> Field | None:
        """Return a field by name; `id` is a required string of every kind."""
        return ID_FIELD if name == "id" else self.fields.get(name)

    @property
    def known_fields(self) -> str:
        """All field names for error messages."""
        return ", ".join(["id", *sorted(self.fields)])


ID_FIELD = Field("id", "string")


@dataclass(frozen=True, slots=True)
class Kinds:
    """A published vocabulary. `content` is its canonical JSON form, `digest` the hash a playbook pins."""

    zone: ZoneInfo
    kinds: Mapping[str, Kind]
    calendars: Mapping[str, Calendar]
    content: Mapping[str, Any]
    digest: str

    def kind(self, name: str) -> Kind | None:
        """Return a kind by name."""
        return self.kinds.get(name)


# ---------------------------------------------------------------------------------------------- loading
def load_kinds(path: Path) -> Kinds:
    """Read kinds.yaml. Raises DocumentInvalid with file and line."""
    return read_kinds(documents.load(path))


def read_kinds(root: documents.Mapping) -> Kinds:
    """Check a parsed kinds document. Raises DocumentInvalid."""
    top = Section(root, "kinds file")
    top.integer("format", FORMAT_VERSION, FORMAT_VERSION)
    try:
        zone = zone_named(top.text("zone"))
    except ValueError as error:
        raise top.refuse("zone", str(error)) from error
    kinds = {name: _read_kind(name, Section(node, name)) for name, node in top.named("kinds", is_name)}
    if not kinds:
        raise top.refuse("kinds", "expected at least one kind, got none")
    calendars: dict[str, Calendar] = {}
    if top.get("calendars") is not None:
        for name, node in top.named("calendars", is_name):
            calendars[name] = _read_calendar(name, Section(node, f"calendar {name}"))
    top.done()
    content = _content(zone, kinds, documents.plain(root).get("calendars") or {})
    return Kinds(zone, kinds, calendars, content, content_digest("tallystick/kinds/v1", content))


def _content(zone: ZoneInfo, kinds: Mapping[str, Kind], calendars: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for kind in kinds.values():
        shown[kind.name] = {"fields": {field.name: field.to_json() for field in kind.fields.values()}}
        if kind.currency is not None:
            shown[kind.name]["currency"] = kind.currency
    return {"format": FORMAT_VERSION, "zone": zone.key, "kinds": shown, "calendars": calendars}


def content_digest(domain: str, content: Any) -> str:
    """Return hex SHA-256(domain 0x00 canonical bytes): how kinds, playbooks and mappings are named in the log."""
    return hashlib.sha256(domain.encode() + b"\x00" + canonical.encode(content)).hexdigest()


def _read_kind(name: str, section: Section) -> Kind:
    section.text_or("says", None)
    currency = section.text_or("currency", None)
    if currency is not None and not _CURRENCY.fullmatch(currency):
        raise section.refuse("currency", f"expected three capital letters like EUR, got {currency!r}")
    fields: dict[str, Field] = {}
    numbers: dict[int, str] = {ID_FIELD.number: "id"}
    for field_name, node in section.named("fields", is_name):
        if field_name == "id":
            raise section.refuse("fields", "expected no field `id`: every kind has it")
        field = _read_field(field_name, node, name)
        if field.type == "money" and currency is None:
            raise DocumentInvalid(
                node.where, f"{name}.{field_name}: money needs `currency` on the kind {name}"
            )
        if field.number in numbers:
            raise DocumentInvalid(
                node.where, f"{name}.{field_name}: name collides with {numbers[field.number]}; rename it"
            )
        numbers[field.number] = field_name
        fields[field_name] = field
    if len(fields) > FIELDS_MAX:
        raise section.refuse("fields", f"expected at most {FIELDS_MAX} fields, got {len(fields)}")
    section.done()
    return Kind(name, fields, currency)


def _read_field(name: str, node: documents.Node, kind: str) -> Field:
    """Read `name: string`, or a mapping with type and options."""
    if isinstance(node, Scalar):
        if node.value not in TYPES or node.value == "list":
            raise DocumentInvalid(
                node.where, f"{kind}.{name}: expected one of {', '.join(TYPES)}, got {node.text!r}"
            )
        if node.value == "quantity":
            raise DocumentInvalid(
                node.where, f"{kind}.{name}: a quantity needs `scale`, so write type and scale below it"
            )
        return Field(name, str(node.value))
    section = Section(node, f"{kind}.{name}")
    type_name = section.choice("type", TYPES)
    optional = section.flag("optional")
    element, scale, unit = None, 0, None
    section.text_or("says", None)
    if type_name == "list":
        element = section.choice("of", ELEMENT_TYPES)
        if optional:
            raise section.refuse("optional", "a list is never absent, only empty: leave `optional` out")
    if type_name == "quantity":
        scale = section.integer("scale", 0, SCALE_MAX_DIGITS)
        unit = section.text_or("unit", None)
    section.done()
    return Field(name, type_name, optional, element, scale, unit)


def _read_calendar(name: str, section: Section) -> Calendar:
    try:
        zone = zone_named(section.text("zone"))
    except ValueError as error:
        raise section.refuse("zone", str(error)) from error
    country = section.text_or("holidays", None)
    if country is not None:
        try:
            public_holidays(country, 2026)
        except ValueError as error:
            raise section.refuse("holidays", str(error)) from error
    closed: set[date] = set()
    for item in section.scalars("closed"):
        try:
            closed.add(date.fromisoformat(item.text))
        except ValueError as error:
            raise DocumentInvalid(
                item.where, f"{section.name}.closed: expected a date, got {item.text!r}"
            ) from error
    opening = section.section("open")
    hours: dict[int, tuple[tuple[int, int], ...]] = {}
    for number, weekday in enumerate(WEEKDAYS):
        ranges = []
        for item in opening.scalars(weekday):
            try:
                ranges.append(parse_hours(item.text))
            except ValueError as error:
                raise DocumentInvalid(item.where, f"{opening.name}.{weekday}: {error}") from error
        ranges.sort()
        if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(ranges)):
            raise opening.refuse(weekday, "expected hours that do not overlap")
        if ranges:
            hours[number] = tuple(ranges)
    opening.done()
    if not hours:
        raise section.refuse("open", "expected opening hours on at least one day, got none")
    section.done()
    return Calendar(name, zone, hours, frozenset(closed), country)


# ---------------------------------------------------------------------------------------------- evolution
def check_evolution(old: Kinds, new: Kinds) -> None:
    """Let only additions through, so that old playbooks and stored records keep their meaning.

    Raises:
        EvolutionRefused: a kind or field was dropped or changed, a new field is required, the zone or a currency
        changed.
    """
    if old.zone.key != new.zone.key:
        raise EvolutionRefused(f"zone: expected {old.zone.key}, got {new.zone.key}: dates would move")
    for name, was in old.kinds.items():
        now = new.kinds.get(name)
        if now is None:
            raise EvolutionRefused(f"{name}: expected the kind to stay, got none")
        if was.currency != now.currency:
            raise EvolutionRefused(f"{name}.currency: expected {was.currency}, got {now.currency}")
        for field in was.fields.values():
            if now.fields.get(field.name) != field:
                raise EvolutionRefused(
                    f"{name}.{field.name}: expected the field unchanged, got {now.fields.get(field.name)}"
                )
        for field in now.fields.values():
            if field.name not in was.fields and not field.optional and field.type != "list":
                raise EvolutionRefused(
                    f"{name}.{field.name}: expected a later field to be optional, got a required one"
                )


# ---------------------------------------------------------------------------------------------- values
def check_values(kind: Kind, values: Mapping[str, Any]) -> None:
    """Check one record's values against its kind.

    Raises:
        RecordInvalid: unknown field, required field missing, wrong type or range; says expected and got.
    """
    for name in values:
        if name not in kind.fields:
            raise RecordInvalid(f"{kind.name}: unknown field {name!r}; known fields: {kind.known_fields}")
    for field in kind.fields.values():
        value = values.get(field.name)
        if value is None:
            if not field.optional and field.type != "list":
                raise RecordInvalid(
                    f"{kind.name}.{field.name}: expected a value (the field is required), got none"
                )
            continue
        _check_value(kind, field, field.type, value)


def _check_value(kind: Kind, field: Field, type_name: str, value: Any) -> None:
    if type_name == "list":
        if type(value) is list and len(value) <= LIST_ITEMS_MAX:
            for item in value:
                _check_value(kind, field, field.element or "string", item)
            return
    elif type_name == "string":
        if type(value) is str and len(value) <= STRING_SIZE_MAX_CHARACTERS:
            return
    elif type_name == "bool":
        if type(value) is bool:
            return
    elif type_name in ("int", "quantity"):
        if type(value) is int and abs(value) <= INTEGER_MAX:
            return
    elif type_name == "date":
        if type(value) is str and _DATE.fullmatch(value) and _is_date(value):
            return
    elif type_name == "instant":
        if type(value) is str and _INSTANT.fullmatch(value) and _is_instant(value):
            return
    elif type(value) is dict and value.keys() == {"amount_minor", "currency"}:
        amount = value["amount_minor"]
        if type(amount) is int and abs(amount) <= INTEGER_MAX and value["currency"] == kind.currency:
            return
    raise RecordInvalid(
        f"{kind.name}.{field.name}: expected {_expected(kind, type_name)}, got {value!r}"[:300]
    )


def _expected(kind: Kind, type_name: str) -> str:
    return f"money in {kind.currency}" if type_name == "money" else f"a value of type {type_name}"


def _is_date(text: str) -> bool:
    try:
        return YEARS[0] <= date.fromisoformat(text).year <= YEARS[1] + 7800
    except ValueError:
        return False


def _is_instant(text: str) -> bool:
    try:
        instant_ms(text)
    except ValueError:
        return False
    return text[:4] >= "0001"

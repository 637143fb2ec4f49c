"""Protobuf messages built from kinds at load, because a typed message is what lets CEL refuse a misspelt field.

Messages live in memory only; what is stored and hashed is the canonical JSON of kinds.py. Filling them is the hot path
of an import, so each field is prepared once: most values pass straight into the constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

from playbooks.calendars import day_start_ms, instant_ms
from playbooks.kinds import ID_FIELD, Field, Kinds

PACKAGE = "kind"
MONEY = f"{PACKAGE}.Money"

Fill = Callable[[str, Mapping[str, Any]], Any]

_PROTO = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _PROTO.TYPE_STRING,
    "bool": _PROTO.TYPE_BOOL,
    "int": _PROTO.TYPE_INT64,
    "quantity": _PROTO.TYPE_INT64,
}
_MESSAGES = {
    "date": ".google.protobuf.Timestamp",
    "instant": ".google.protobuf.Timestamp",
    "money": f".{MONEY}",
}


class Messages:
    """The descriptors of one vocabulary and the way to fill them."""

    def __init__(self, kinds: Kinds) -> None:
        """Build one message type per kind."""
        self.kinds = kinds
        self.pool = descriptor_pool.DescriptorPool()
        self.pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
        self.pool.Add(_file(kinds))
        self._timestamp: Any = message_factory.GetMessageClass(
            self.pool.FindMessageTypeByName("google.protobuf.Timestamp")
        )
        self._instant = lru_cache(maxsize=65_536)(self._make_instant)
        self._date = lru_cache(maxsize=65_536)(self._make_date)

    def filler(self, kind_name: str, reads: Iterable[str]) -> Fill:
        """Return a function (record id, values) -> message that sets only the fields some expression reads.

        `reads` are field names; `*` means all. The values must have passed `check_values`; null counts as absent.
        """
        kind = self.kinds.kinds[kind_name]
        wanted = set(reads)
        fields = [field for field in kind.fields.values() if field.name in wanted or "*" in wanted]
        plain = [field.name for field in fields if self._converter(field) is None]
        converted = [(f.name, convert) for f in fields if (convert := self._converter(f)) is not None]
        make = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"{PACKAGE}.{kind.name}"))

        def fill(record_id: str, values: Mapping[str, Any]) -> Any:
            ready = {name: values[name] for name in plain if name in values}
            ready["id"] = record_id
            for name, convert in converted:
                value = values.get(name)
                if value is not None:
                    ready[name] = convert(value)
            return make(**ready)

        return fill

    def _converter(self, field: Field) -> Callable[[Any], Any] | None:
        """Return how a stored value becomes what the constructor takes; None: it passes as it is."""
        if field.type == "list":
            return self._each(self._single(field.element)) if field.element in ("date", "instant") else None
        return self._single(field.type) if field.type in ("date", "instant") else None

    def _single(self, type_name: str | None) -> Callable[[Any], Any]:
        return self._date if type_name == "date" else self._instant

    @staticmethod
    def _each(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda items: [convert(item) for item in items]

    def _make_instant(self, text: str) -> Any:
        return self._stamp(instant_ms(text))

    def _make_date(self, text: str) -> Any:
        return self._stamp(day_start_ms(text, self.kinds.zone))

    def _stamp(self, ms: int) -> Any:
        return self._timestamp(seconds=ms // 1000, nanos=ms % 1000 * 1_000_000)


def _file(kinds: Kinds) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="kinds.proto", package=PACKAGE, syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    money = file.message_type.add(name="Money")
    money.field.add(name="amount_minor", number=1, type=_PROTO.TYPE_INT64, label=_PROTO.LABEL_OPTIONAL)
    money.field.add(name="currency", number=2, type=_PROTO.TYPE_STRING, label=_PROTO.LABEL_OPTIONAL)
    for kind in kinds.kinds.values():
        message = file.message_type.add(name=kind.name)
        for field in (ID_FIELD, *kind.fields.values()):
            _add_field(message, field)
    return file


def _add_field(message: Any, field: Field) -> None:
    repeated = field.type == "list"
    type_name = (field.element or "string") if repeated else field.type
    added = message.field.add(
        name=field.name,
        number=field.number,
        type=_SCALARS.get(type_name, _PROTO.TYPE_MESSAGE),
        label=_PROTO.LABEL_REPEATED if repeated else _PROTO.LABEL_OPTIONAL,
    )
    if type_name in _MESSAGES:
        added.type_name = _MESSAGES[type_name]
    elif field.optional and not repeated:
        # proto3 tells "absent" from "zero" only for fields that are optional in this sense; has() rests on it.
        added.proto3_optional = True
        added.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{field.name}")

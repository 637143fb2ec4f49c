"""Strict YAML: the small part of YAML 1.2 in which every author means the same thing, with the line of every value.

Accepted: one document in UTF-8, block style, mappings with text keys, lists, scalars. Refused with file and line: flow
style (`{a, b}`; a comma inside CEL would split it), anchors, aliases, tags, directives, duplicate keys, tabs, floats.
Plain scalars follow the YAML 1.2 core schema (`yes` and `on` are text; `true`, `12` and empty are not).

The content of a document, as `plain()` gives it, is canonical JSON; its SHA-256 is the content hash, so comments,
quotes and indentation do not change what was published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ledger.canonical import INTEGER_MAX
from playbooks.errors import DocumentInvalid

DOCUMENT_SIZE_MAX_BYTES = 256 * 1024
NESTING_MAX_LEVELS = 12

_INT = re.compile(r"[-+]?[0-9]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: its text, and what the core schema makes of it (None, bool, int or str)."""

    where: str
    text: str
    value: bool | int | str | None
    block: bool
    """A literal `|` scalar: its first text line is one line below `where`."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    where: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; every key knows its own line."""

    where: str
    entries: dict[str, Node]
    key_where: dict[str, str]


Node = Scalar | Sequence | Mapping


def load(path: Path) -> Mapping:
    """Read a file as one strict document. Raises DocumentInvalid: cannot be read, or not in the accepted part."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentInvalid(str(path), f"cannot be read: {error.strerror}") from error
    return parse(raw, path.name)


def parse(raw: bytes, name: str) -> Mapping:
    """Parse the bytes of one strict document; `name` stands in messages. Raises DocumentInvalid."""
    if len(raw) > DOCUMENT_SIZE_MAX_BYTES:
        raise DocumentInvalid(name, f"expected at most {DOCUMENT_SIZE_MAX_BYTES} bytes, got {len(raw)}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DocumentInvalid(f"{name}:{line}", "expected UTF-8, got other bytes") from error
    events = YAML(typ="safe", pure=True).parse(text)
    try:
        root = _Reader(name, iter(events)).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        raise DocumentInvalid(where, f"expected YAML, got: {error.problem or error.context}") from error
    except YAMLError as error:
        raise DocumentInvalid(name, f"expected YAML, got: {str(error).splitlines()[0]}") from error
    except (RecursionError, ValueError) as error:
        raise DocumentInvalid(name, f"expected YAML, got: {error}") from error
    if not isinstance(root, Mapping):
        raise DocumentInvalid(root.where, "expected a mapping at the top, got a list or a single value")
    return root


def plain(node: Node) -> Any:
    """Return the content as JSON values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.entries.items()}


class _Reader:
    """Builds nodes from ruamel's parse events, which still know style, anchor and tag of everything."""

    def __init__(self, name: str, events: Iterator[Any]) -> None:
        self._name = name
        self._events = events

    def document(self) -> Node:
        root: Node | None = None
        for event in self._events:
            kind = type(event).__name__
            if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
                continue
            if kind == "DocumentStartEvent":
                if event.tags or event.version:
                    raise self._refuse(event, "expected no directives (%YAML, %TAG)")
                if root is not None:
                    raise self._refuse(event, "expected one document, got a second one")
                continue
            root = self._node(event, 1)
        if root is None:
            raise DocumentInvalid(f"{self._name}:1", "expected a mapping, got an empty file")
        return root

    def _node(self, event: Any, level: int) -> Node:
        kind = type(event).__name__
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            raise self._refuse(event, "expected no anchors or aliases (& and *)")
        if _tag_of(event) is not None:
            raise self._refuse(event, f"expected no tags, got {_tag_of(event)}")
        if level > NESTING_MAX_LEVELS:
            raise self._refuse(event, f"expected at most {NESTING_MAX_LEVELS} levels")
        if kind == "ScalarEvent":
            return self._scalar(event)
        if event.flow_style:
            raise self._refuse(
                event, "expected block style (one entry per line), got { } or [ ]; quote text that begins so"
            )
        return self._sequence(event, level) if kind == "SequenceStartEvent" else self._mapping(event, level)

    def _sequence(self, start: Any, level: int) -> Sequence:
        items: list[Node] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            items.append(self._node(event, level + 1))
        return Sequence(self._where(start), tuple(items))

    def _mapping(self, start: Any, level: int) -> Mapping:
        entries: dict[str, Node] = {}
        lines: dict[str, str] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            key = self._node(event, level + 1)
            if not isinstance(key, Scalar) or not isinstance(key.value, str) or not key.value:
                raise self._refuse(event, "expected text as a key")
            if key.value == "<<":
                raise self._refuse(event, "expected no merge keys (<<)")
            if key.value in entries:
                raise self._refuse(
                    event, f"expected each key once, got {key.value!r} again (first: {lines[key.value]})"
                )
            entries[key.value] = self._node(next(self._events), level + 1)
            lines[key.value] = key.where
        return Mapping(self._where(start), entries, lines)

    def _scalar(self, event: Any) -> Scalar:
        text: str = event.value
        style = event.style or ""
        value: bool | int | str | None = text
        if _SURROGATE.search(text):
            raise self._refuse(
                event, "expected text, got half of a surrogate pair (write the character itself)"
            )
        if style == "":
            if text in ("", "~", "null", "Null", "NULL"):
                value = None
            elif text in ("true", "True", "TRUE", "false", "False", "FALSE"):
                value = text in ("true", "True", "TRUE")
            elif _INT.fullmatch(text):
                value = self._integer(event, text)
            elif _FLOAT.fullmatch(text):
                raise self._refuse(
                    event, f"expected no floating point numbers, got {text} (write text or an integer)"
                )
        return Scalar(
            self._where(event), text.rstrip("\n") if style in "|>" and style else text, value, style == "|"
        )

    def _integer(self, event: Any, text: str) -> int:
        if len(text.lstrip("+-0")) > len(str(INTEGER_MAX)) or abs(int(text)) > INTEGER_MAX:
            raise self._refuse(event, f"expected an integer within +-(2^53-1), got {text[:60]}")
        return int(text)

    def _where(self, event: Any) -> str:
        return f"{self._name}:{event.start_mark.line + 1}"

    def _refuse(self, event: Any, detail: str) -> DocumentInvalid:
        return DocumentInvalid(self._where(event), detail)


def _tag_of(event: Any) -> str | None:
    tag = getattr(event, "ctag", None) or getattr(event, "tag", None)
    return None if tag is None else str(tag)


class Section:
    """A mapping read field by field: `done()` refuses what nobody asked for and names the fields that are known."""

    def __init__(self, node: Node, name: str) -> None:
        """Wrap a mapping; `name` says what it describes. Raises DocumentInvalid: a list or a single value."""
        if not isinstance(node, Mapping):
            raise DocumentInvalid(node.where, f"{name}: expected a mapping, got {_shown(node)}")
        self.node = node
        self.name = name
        self._known: list[str] = []

    def where(self, key: str) -> str:
        """Return file:line of a key, or of the section when the key is missing."""
        return self.node.key_where.get(key, self.node.where)

    def refuse(self, key: str, detail: str) -> DocumentInvalid:
        """Return the error for a key's value."""
        return DocumentInvalid(self.where(key), f"{self.name}.{key}: {detail}")

    def get(self, key: str) -> Node | None:
        """Return the node of an optional key; an empty value counts as missing."""
        self._known.append(key)
        node = self.node.entries.get(key)
        if isinstance(node, Scalar) and node.value is None:
            return None
        return node

    def need(self, key: str) -> Node:
        """Return the node of a required key. Raises DocumentInvalid."""
        node = self.get(key)
        if node is None:
            raise DocumentInvalid(self.node.where, f"{self.name}: expected the field {key!r}, got none")
        return node

    def scalar(self, key: str) -> Scalar | None:
        """Return an optional single value (expressions, which may look like bool or int). Raises DocumentInvalid."""
        node = self.get(key)
        if node is not None and not isinstance(node, Scalar):
            raise self.refuse(key, f"expected a single value, got {_shown(node)}")
        return node

    def need_scalar(self, key: str) -> Scalar:
        """Return a required single value. Raises DocumentInvalid."""
        self.need(key)
        found = self.scalar(key)
        assert found is not None
        return found

    def text(self, key: str) -> str:
        """Return a required text. Raises DocumentInvalid."""
        self.need(key)
        found = self.text_or(key, None)
        assert found is not None
        return found

    def text_or(self, key: str, default: str | None) -> str | None:
        """Return an optional text. Raises DocumentInvalid: another type."""
        node = self.get(key)
        if node is None:
            return default
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value.strip():
            raise self.refuse(key, f"expected text, got {_shown(node)}")
        return node.value.strip()

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of the allowed words. Raises DocumentInvalid."""
        found = self.text_or(key, default) if default is not None else self.text(key)
        if found not in allowed:
            raise self.refuse(key, f"expected one of {', '.join(allowed)}, got {found!r}")
        return found

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return an integer of a range. Raises DocumentInvalid."""
        node = self.get(key)
        if node is None and default is not None:
            return default
        if not isinstance(node, Scalar) or type(node.value) is not int or not low <= node.value <= high:
            raise self.refuse(key, f"expected an integer of {low}..{high}, got {_shown(node)}")
        return node.value

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false. Raises DocumentInvalid."""
        node = self.get(key)
        if node is None:
            return default
        if not isinstance(node, Scalar) or type(node.value) is not bool:
            raise self.refuse(key, f"expected true or false, got {_shown(node)}")
        return node.value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return an optional list of texts, empty when missing. Raises DocumentInvalid."""
        return tuple(str(item.value) for item in self.scalars(key))

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        """Return an optional list of single text values with their lines. Raises DocumentInvalid."""
        node = self.get(key)
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            raise self.refuse(key, f"expected a list, got {_shown(node)}")
        for item in node.items:
            if not isinstance(item, Scalar) or not isinstance(item.value, str):
                raise DocumentInvalid(item.where, f"{self.name}.{key}: expected text, got {_shown(item)}")
        return tuple(item for item in node.items if isinstance(item, Scalar))

    def section(self, key: str) -> Section:
        """Return a required mapping. Raises DocumentInvalid."""
        return Section(self.need(key), f"{self.name}.{key}")

    def section_or(self, key: str) -> Section | None:
        """Return an optional mapping. Raises DocumentInvalid."""
        node = self.get(key)
        return None if node is None else Section(node, f"{self.name}.{key}")

    def sections(self, key: str) -> tuple[Section, ...]:
        """Return an optional list of mappings. Raises DocumentInvalid."""
        node = self.get(key)
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            raise self.refuse(key, f"expected a list, got {_shown(node)}")
        return tuple(Section(item, f"{self.name}.{key}") for item in node.items)

    def named(self, key: str, name_ok: Callable[[str], bool]) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a required mapping whose keys the author chose. Raises DocumentInvalid: a bad name."""
        inner = self.section(key)
        for name, node in inner.node.entries.items():
            if not name_ok(name):
                raise DocumentInvalid(
                    inner.where(name), f"{inner.name}: expected a name of a-z, 0-9 and _, got {name!r}"
                )
            yield name, node

    def done(self) -> None:
        """Refuse every key that was not read. Raises DocumentInvalid: names the known fields."""
        for key in self.node.entries:
            if key not in self._known:
                known = ", ".join(sorted(set(self._known)))
                raise DocumentInvalid(
                    self.node.key_where[key], f"{self.name}: unknown field {key!r}; known fields: {known}"
                )


def _shown(node: Node | None) -> str:
    if node is None:
        return "nothing"
    if isinstance(node, Scalar):
        return repr(node.value)[:120]
    return "a list" if isinstance(node, Sequence) else "a mapping"

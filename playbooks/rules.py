"""The CEL port: the only file that knows cel-expr-python (pinned, 0.1.x). Typed expressions over records.

Why typed: an absent field reads as its default without any error, and a misspelt one would too; so the load is the only
defence. `Scope.compile` is a numbered recipe:

1. text: at most EXPRESSION_SIZE_MAX_CHARACTERS;
2. compile against the kinds: unknown fields, wrong types refused (with the known fields);
3. result type: what the caller asked for;
4. flow walk over the checked expression: no double literals, only functions of ALLOWED, no record literals, nothing
   that grows with each step of a macro, at most MACRO_LEVELS_MAX macros within or behind each other, and every optional
   field is read only where `has()` is known true (SETTLED 20).

`Rule.evaluate` raises SignalBroken for a run-time error (division by zero, overflow); it never returns false for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from playbooks.calendars import to_ms
from playbooks.documents import Scalar
from playbooks.errors import ExpressionInvalid, SignalBroken
from playbooks.kinds import Kind, Kinds
from playbooks.messages import MONEY, PACKAGE, Messages

EXPRESSION_SIZE_MAX_CHARACTERS = 2_000
DETAIL_SIZE_MAX_CHARACTERS = 300
MACRO_LEVELS_MAX = 3
"""Macros (all, exists, exists_one, map, filter) inside each other, or one over the result of another."""

Path = tuple[str, ...]
"""A variable and the fields below it: ("booking", "seen_at")."""

ALLOWED = frozenset(
    {
        "_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "_*_", "_/_", "_%_",
        "-_", "@in", "_[_]", "@not_strictly_false", "size", "startsWith", "endsWith", "contains", "matches", "int",
        "string", "duration", "timestamp", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek",
        "getDayOfYear", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    }
)  # fmt: skip
"""No `double` (no floats), no `dyn` (no types), no string builders (`replace`, `format`). Texts and lists put together
with `_+_` get no longer than the expression: inside macros, where each step could double them, it is refused."""

GROWING = frozenset({"add_string", "add_bytes", "add_list"})
"""The overloads of `_+_` whose result is longer than its parts."""

RETURNS = {"bool": "BOOL", "instant": "TIMESTAMP", "int": "INT", "string": "STRING", "money": MONEY}


@dataclass(slots=True)
class Meter:
    """Counts evaluations, so that a back-test can say what a change cost."""

    evaluations: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled expression. `reads` are the paths it looks at, `proven` the optional paths present when it is
    true."""

    text: str
    where: str
    returns: str
    reads: frozenset[Path]
    proven: frozenset[Path]
    _expression: Any
    _meter: Meter

    def truth(self, facts: Any) -> bool:
        """Evaluate a bool expression. Raises SignalBroken: the runtime answered an error."""
        value = self._run(facts)
        if value is True or value is False:
            return bool(value)
        raise self._broken(value)

    def instant_ms(self, facts: Any) -> int:
        """Evaluate an instant expression to milliseconds since 1970. Raises SignalBroken."""
        value = self._run(facts)
        if isinstance(value, datetime):
            return to_ms(value)
        raise self._broken(value)

    def amount_minor(self, facts: Any) -> int:
        """Evaluate a money or int expression to minor units. Raises SignalBroken."""
        value = self._run(facts)
        if type(value) is int:
            return value
        if self.returns == "money" and not isinstance(value, str):
            return int(value.amount_minor)
        raise self._broken(value)

    def _run(self, facts: Any) -> Any:
        """Most errors come back as values of type ERROR; an exceeded budget and a broken conversion are raised."""
        self._meter.evaluations += 1
        try:
            return self._expression.eval(facts).value()
        except (RuntimeError, ValueError, OverflowError) as error:
            raise self._broken(error) from None

    def _broken(self, value: Any) -> SignalBroken:
        return SignalBroken("expression_error", f"{self.where}: {str(value)[:DETAIL_SIZE_MAX_CHARACTERS]}")


class Scope:
    """The variables one group of expressions may name. `records` maps variable -> kind, `lists` variable -> kind."""

    def __init__(
        self,
        messages: Messages,
        records: Mapping[str, str],
        lists: Mapping[str, str] | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Prepare a CEL environment for these variables."""
        self._kinds = messages.kinds
        self._records = dict(records)
        self._lists = dict(lists or {})
        self._meter = meter or Meter()
        variables = {name: cel.Type(f"{PACKAGE}.{kind}") for name, kind in self._records.items()}
        variables |= {
            name: cel.Type.List(cel.Type(f"{PACKAGE}.{kind}")) for name, kind in self._lists.items()
        }
        self._env = cel.NewEnv(descriptor_pool=messages.pool, variables=variables)

    def facts(self, values: Mapping[str, Any]) -> Any:
        """Bind messages to the variables, once for any number of evaluations."""
        return self._env.Activation(values)

    def compile(
        self,
        source: Scalar,
        returns: tuple[str, ...] = ("bool",),
        known: frozenset[Path] = frozenset(),
        elements: frozenset[Path] = frozenset(),
    ) -> Rule:
        """Compile and check one expression.

        `known` are optional paths already proven present; `elements` the same for the records of a list variable, as
        (list variable, field).

        Raises:
            ExpressionInvalid: with file, line, and column inside the expression.
        """
        text = source.text
        # 1. text
        if not text.strip():
            raise ExpressionInvalid(source.where, "expected a CEL expression, got none")
        if len(text) > EXPRESSION_SIZE_MAX_CHARACTERS:
            raise ExpressionInvalid(
                source.where, f"expected at most {EXPRESSION_SIZE_MAX_CHARACTERS} characters, got {len(text)}"
            )
        # 2. compile
        try:
            expression = self._env.compile(text)
        except RuntimeError as error:
            raise self._translated(source, str(error)) from None
        # 3. result type
        got = expression.return_type().name()
        wanted = next((name for name in returns if RETURNS[name] == got), None)
        if wanted is None:
            raise ExpressionInvalid(
                source.where, f"expected {' or '.join(returns)}, got {got.lower()}: {_short(text)}"
            )
        # 4. flow walk
        checked = _parsed(expression.serialize())
        growing = frozenset(one.key for one in checked.references if GROWING & set(one.value.overloads))
        walk = _Walk(self._kinds, self._records, self._lists, elements, growing)
        facts = walk.check(checked.expr, known, {})
        if walk.problems:
            raise ExpressionInvalid(source.where, f"{walk.problems[0]}: {_short(text)}")
        return Rule(
            text, source.where, wanted, frozenset(walk.reads), facts.when_true, expression, self._meter
        )

    def _translated(self, source: Scalar, message: str) -> ExpressionInvalid:
        """Say a compile error with file, line and the fields that do exist."""
        first = next((line for line in message.splitlines() if "<input>" in line), message)
        found = re.search(r"<input>:(\d+):(\d+): (.*)", first)
        if found is None:
            return ExpressionInvalid(source.where, f"{message.splitlines()[0][:DETAIL_SIZE_MAX_CHARACTERS]}")
        file, _, line = source.where.rpartition(":")
        row = int(line) + (int(found[1]) if source.block else int(found[1]) - 1)
        detail = found[3].replace(" (in container '')", "")
        detail = re.sub(r" \[INVALID_ARGUMENT\]$", "", detail)
        misspelt = re.search(rf"undefined field '([^']*)' not found in struct '{PACKAGE}\.([^']*)'", detail)
        undeclared = re.search(r"undeclared reference to '([^']*)'", detail)
        kind = self._kinds.kind(misspelt[2]) if misspelt else None
        if misspelt and kind is not None:
            detail = f"unknown field {misspelt[1]!r} of {kind.name}; known fields: {kind.known_fields}"
        elif misspelt:
            detail = f"unknown field {misspelt[1]!r}; known fields: amount_minor, currency"
        elif undeclared:
            known = ", ".join(sorted([*self._records, *self._lists]))
            detail = f"unknown name {undeclared[1]!r}; known names: {known}"
        return ExpressionInvalid(f"{file}:{row}", f"column {found[2]}: {detail}")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else flat[:117] + "..."


# ---------------------------------------------------------------------------------------------- flow walk
@dataclass(frozen=True, slots=True)
class _Facts:
    """Optional paths that are present when the expression was true, and when it was false."""

    when_true: frozenset[Path] = frozenset()
    when_false: frozenset[Path] = frozenset()


_NOTHING = _Facts()


@dataclass(slots=True)
class _Walk:
    """Walks a checked expression and carries what `has()` has proven. `names` renames lambda variables uniquely,
    `growing` are the nodes that make a longer text or list."""

    kinds: Kinds
    records: Mapping[str, str]
    lists: Mapping[str, str]
    elements: frozenset[Path]
    growing: frozenset[int]
    problems: list[str] = field(default_factory=list)
    reads: set[Path] = field(default_factory=set)
    _lambda_kinds: dict[str, str] = field(default_factory=dict)
    _lambda_of: dict[str, str] = field(default_factory=dict)
    _level: int = 0
    _repeated: int = 0
    """In how many macros' bodies the walk is: what stands there runs once per element."""

    def check(self, node: Any, known: frozenset[Path], names: Mapping[str, str]) -> _Facts:
        match node.WhichOneof("expr_kind"):
            case "const_expr":
                self._constant(node.const_expr)
            case "ident_expr":
                self._whole(self._path(node, names))
            case "select_expr":
                return self._select(node.select_expr, known, names)
            case "call_expr":
                return self._call(node, known, names)
            case "list_expr":
                for item in node.list_expr.elements:
                    self.check(item, known, names)
            case "struct_expr":
                self._struct(node.struct_expr, known, names)
            case "comprehension_expr":
                self._comprehension(node, known, names)
        return _NOTHING

    def _constant(self, constant: Any) -> None:
        if constant.WhichOneof("constant_kind") == "double_value":
            self._problem(
                f"expected no decimal numbers, got {constant.double_value} (write shares as `x * 35 / 100`)"
            )

    def _struct(self, struct: Any, known: frozenset[Path], names: Mapping[str, str]) -> None:
        if struct.message_name and struct.message_name != MONEY:
            self._problem(f"expected no record literals, got {struct.message_name}")
        for entry in struct.entries:
            if entry.HasField("map_key"):
                self.check(entry.map_key, known, names)
            self.check(entry.value, known, names)

    def _select(self, select: Any, known: frozenset[Path], names: Mapping[str, str]) -> _Facts:
        path = self._path_of_select(select, names)
        if path is None:
            # Not `variable.field`: read through something computed. Safe only for fields that are always there.
            self.check(select.operand, known, names)
            self.reads |= {(name, "*") for name in (*self.records, *self.lists)}
            if select.test_only:
                self._problem(f"expected has() of a field of a name, as in `has(x.{select.field})`")
            elif self._optional_anywhere(select.field):
                self._problem(
                    f"expected the optional field {select.field!r} to be read through a name, as in `x.{select.field}`"
                )
            return _NOTHING
        self._note(path)
        if select.test_only:
            self._presence_of_what_is_there(path)
            present = frozenset(path[:end] for end in range(2, len(path) + 1))
            return _Facts(present)
        for end in range(2, len(path) + 1):
            prefix = path[:end]
            if self._is_optional(prefix) and prefix not in known and not self._known_element(prefix):
                shown = ".".join((path[0].partition("#")[0], *prefix[1:]))
                self._problem(f"{shown} may be absent: expected `has({shown}) &&` before it")
                break
        return _NOTHING

    def _call(self, node: Any, known: frozenset[Path], names: Mapping[str, str]) -> _Facts:
        call = node.call_expr
        name, args = call.function, call.args
        if name not in ALLOWED:
            self._problem(f"expected one of the allowed functions, got {name.strip('_@')}()")
        if node.id in self.growing and self._repeated and not _is_macros_own(args[0]):
            self._problem("expected no texts or lists put together with + inside a macro")
        if name == "_&&_":
            left = self.check(args[0], known, names)
            right = self.check(args[1], known | left.when_true, names)
            return _Facts(
                left.when_true | right.when_true, left.when_false & (left.when_true | right.when_false)
            )
        if name == "_||_":
            left = self.check(args[0], known, names)
            right = self.check(args[1], known | left.when_false, names)
            return _Facts(
                left.when_true & (left.when_false | right.when_true), left.when_false | right.when_false
            )
        if name == "!_":
            inner = self.check(args[0], known, names)
            return _Facts(inner.when_false, inner.when_true)
        if name == "_?_:_":
            test = self.check(args[0], known, names)
            then = self.check(args[1], known | test.when_true, names)
            other = self.check(args[2], known | test.when_false, names)
            return _Facts(
                (test.when_true | then.when_true) & (test.when_false | other.when_true),
                (test.when_true | then.when_false) & (test.when_false | other.when_false),
            )
        for part in (call.target, *args) if call.HasField("target") else args:
            if name != "size" or self._list_name(part, names) is None:  # a count reads no field
                self.check(part, known, names)
        return _NOTHING

    def _comprehension(self, node: Any, known: frozenset[Path], names: Mapping[str, str]) -> None:
        """A macro (all, exists, exists_one, map, filter). What a lambda proves about its variable stays inside it."""
        comprehension = node.comprehension_expr
        self._level += 1
        if self._level == MACRO_LEVELS_MAX + 1:
            self._problem(f"expected at most {MACRO_LEVELS_MAX} macros within or behind each other, got more")
        source = self._list_name(comprehension.iter_range, names)
        if source is None:
            self.check(comprehension.iter_range, known, names)
        inner = dict(names)
        variable = f"{comprehension.iter_var}#{node.id}"
        inner[comprehension.iter_var] = variable
        inner[comprehension.accu_var] = f"{comprehension.accu_var}#{node.id}"
        if source is not None:
            self._lambda_kinds[variable] = self.lists[source]
            self._lambda_of[variable] = source
        self._repeated += 1
        for part in (
            comprehension.accu_init,
            comprehension.loop_condition,
            comprehension.loop_step,
            comprehension.result,
        ):
            self.check(part, known, inner)
        self._repeated -= 1
        self._level -= 1

    # ------------------------------------------------------------------------------------------ paths
    def _path(self, node: Any, names: Mapping[str, str]) -> Path | None:
        which = node.WhichOneof("expr_kind")
        if which == "ident_expr":
            return (names.get(node.ident_expr.name, node.ident_expr.name),)
        if which == "select_expr" and not node.select_expr.test_only:
            return self._path_of_select(node.select_expr, names)
        return None

    def _list_name(self, node: Any, names: Mapping[str, str]) -> str | None:
        """Return the list variable a node is, not a lambda that shadows it."""
        path = self._path(node, names)
        return path[0] if path is not None and len(path) == 1 and path[0] in self.lists else None

    def _path_of_select(self, select: Any, names: Mapping[str, str]) -> Path | None:
        """Return variable and fields when the root is a record variable, or a lambda over a list of records."""
        inner = self._path(select.operand, names)
        if inner is None or self._kind_of(inner[0]) is None:
            return None
        return (*inner, select.field)

    def _kind_of(self, variable: str) -> Kind | None:
        return self.kinds.kind(self.records.get(variable) or self._lambda_kinds.get(variable, ""))

    def _is_optional(self, path: Path) -> bool:
        kind = self._kind_of(path[0])
        declared = kind.field(path[1]) if kind is not None and len(path) == 2 else None
        return declared is not None and declared.optional

    def _known_element(self, path: Path) -> bool:
        source = self._lambda_of.get(path[0])
        return source is not None and (source, *path[1:]) in self.elements

    def _presence_of_what_is_there(self, path: Path) -> None:
        """has() of a required field, or of a part of money, is true except for zero, false and "": a trap."""
        kind, shown = self._kind_of(path[0]), ".".join((path[0].partition("#")[0], *path[1:]))
        if len(path) > 2:
            whole = shown.rpartition(".")[0]
            self._problem(f"has({shown}): expected has({whole}), because a zero part would count as absent")
            return
        declared = kind.field(path[1]) if kind is not None else None
        if declared is not None and not declared.optional and declared.type != "list":
            self._problem(f"has({shown}): the field is required, so it is always there")

    def _optional_anywhere(self, name: str) -> bool:
        return any(
            (found := kind.field(name)) is not None and found.optional for kind in self.kinds.kinds.values()
        )

    def _note(self, path: Path) -> None:
        """Remember what is read, in terms of declared variables: a lambda over `matches` reads matches.field."""
        source = self._lambda_of.get(path[0], path[0])
        self.reads.add((source, path[1]))

    def _whole(self, path: Path | None) -> None:
        if path is not None and (path[0] in self.records or path[0] in self.lists):
            self.reads.add((path[0], "*"))
        elif path is not None and path[0] in self._lambda_of:
            self.reads.add((self._lambda_of[path[0]], "*"))

    def _problem(self, text: str) -> None:
        self.problems.append(text)


def _is_macros_own(node: Any) -> bool:
    """Whether this is the list that a macro itself adds its results to: its name cannot be written."""
    return node.WhichOneof("expr_kind") == "ident_expr" and str(node.ident_expr.name).startswith("@")


# ---------------------------------------------------------------------------------------------- cel.expr.CheckedExpr
# Field numbers of google/api/expr checked.proto and syntax.proto, only what the walk reads.
_LAYOUT: dict[str, tuple[tuple[str, int, str], ...]] = {
    "CheckedExpr": (("references", 2, "ReferenceOf*"), ("expr", 4, "Expr")),
    "ReferenceOf": (("key", 1, "int64"), ("value", 2, "Reference")),
    "Reference": (("name", 1, "string"), ("overloads", 3, "string*")),
    "Expr": (
        ("id", 2, "int64"),
        ("const_expr", 3, "Constant expr_kind"),
        ("ident_expr", 4, "Ident expr_kind"),
        ("select_expr", 5, "Select expr_kind"),
        ("call_expr", 6, "Call expr_kind"),
        ("list_expr", 7, "CreateList expr_kind"),
        ("struct_expr", 8, "CreateStruct expr_kind"),
        ("comprehension_expr", 9, "Comprehension expr_kind"),
    ),
    "Constant": (
        ("bool_value", 2, "bool constant_kind"),
        ("int64_value", 3, "int64 constant_kind"),
        ("double_value", 5, "double constant_kind"),
        ("string_value", 6, "string constant_kind"),
    ),
    "Ident": (("name", 1, "string"),),
    "Select": (("operand", 1, "Expr"), ("field", 2, "string"), ("test_only", 3, "bool")),
    "Call": (("target", 1, "Expr"), ("function", 2, "string"), ("args", 3, "Expr*")),
    "CreateList": (("elements", 1, "Expr*"),),
    "CreateStruct": (("message_name", 1, "string"), ("entries", 2, "Entry*")),
    "Entry": (("field_key", 2, "string"), ("map_key", 3, "Expr"), ("value", 4, "Expr")),
    "Comprehension": (
        ("iter_var", 1, "string"),
        ("iter_range", 2, "Expr"),
        ("accu_var", 3, "string"),
        ("accu_init", 4, "Expr"),
        ("loop_condition", 5, "Expr"),
        ("loop_step", 6, "Expr"),
        ("result", 7, "Expr"),
    ),
}


@lru_cache(maxsize=1)
def _checked_class() -> Any:
    proto = descriptor_pb2.FieldDescriptorProto
    scalars = {
        "int64": proto.TYPE_INT64,
        "bool": proto.TYPE_BOOL,
        "double": proto.TYPE_DOUBLE,
        "string": proto.TYPE_STRING,
    }
    file = descriptor_pb2.FileDescriptorProto(name="walk.proto", package="walk", syntax="proto3")
    for name, members in _LAYOUT.items():
        message = file.message_type.add(name=name)
        for member, number, spec in members:
            type_name, _, oneof = spec.partition(" ")
            many = type_name.endswith("*")
            type_name = type_name.rstrip("*")
            added = message.field.add(
                name=member,
                number=number,
                label=proto.LABEL_REPEATED if many else proto.LABEL_OPTIONAL,
                type=scalars.get(type_name, proto.TYPE_MESSAGE),
            )
            if type_name not in scalars:
                added.type_name = f".walk.{type_name}"
            if oneof:
                if not message.oneof_decl:
                    message.oneof_decl.add(name=oneof)
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("walk.CheckedExpr"))


def _parsed(serialized: bytes) -> Any:
    """Return what is read of a serialized expression (an Any that holds cel.expr.CheckedExpr)."""
    packed = any_pb2.Any.FromString(serialized)
    return _checked_class().FromString(packed.value)


def union(rules: Iterable[Rule | None]) -> frozenset[Path]:
    """Return every path any of the rules reads."""
    return frozenset(path for rule in rules if rule is not None for path in rule.reads)

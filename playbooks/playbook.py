"""One playbook: a YAML file that says what to watch, why, what proves it, who decides and what it earns.

docs/spec/playbook-format.md section 3 is the format. `load_playbook` reads the file strictly (`Playbook`, pure data
with its content hash), `compile_playbook` type-checks every expression against the kinds (`Watch`, ready to run). Every
error names file and line, what was expected and what it got.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from playbooks import documents
from playbooks.calendars import Calendar, Span, parse_span
from playbooks.documents import Scalar, Section
from playbooks.errors import DocumentInvalid
from playbooks.kinds import KEY_TYPES, Field, Kind, Kinds, content_digest, load_kinds
from playbooks.messages import Messages
from playbooks.rules import Meter, Path, Rule, Scope, union

SHAPES = ("response", "conflict", "deadline")
MODES = ("draft", "shadow", "live", "retired")
GRADES = ("E0", "E1", "E2", "E3", "E4")
ASSURANCES = ("passkey", "session", "key", "pin", "link")
PLACEHOLDERS_MAX = 12
FACTS_MAX = 20
AMOUNT_TOKENS_MAX = 10_000

LIBRARY = FilePath(__file__).parent / "library"
"""The shipped vocabulary and its playbooks."""

_ID = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_POLICY = re.compile(r"[a-z][a-z0-9_]*/v[1-9][0-9]*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ROUTE = re.compile(r"role:[a-z][a-z0-9_-]*|field:[a-z][a-z0-9_]*|owner")


@dataclass(frozen=True, slots=True)
class Match:
    """The other side of a conflict or response: records of `kind` whose `key` equals the subject's `local_key`."""

    kind: str
    key: tuple[str, ...]
    local_key: tuple[str, ...]
    name: str
    """How one candidate is called in `filter`: the kind, or `other` when it is the subject's own kind."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What must be attached before recognition: a type, the least grade (E0..E4), and how the page asks for it."""

    type: str
    min_grade: str
    says: str


@dataclass(frozen=True, slots=True)
class Route:
    """Who owns the case: `role:<name>`, `field:<string field of the subject>` or `owner` (the organisation's owner)."""

    to: str
    ack_within: Span | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The approval point: the action proposed, its alternatives, and the least assurance of the yes."""

    action: str
    options: tuple[str, ...]
    minimum: str


@dataclass(frozen=True, slots=True)
class Award:
    """What a verified and approved outcome may earn. casework resolves `policy`, the verifier's policy id."""

    kind: str
    amount_tokens: int
    policy: str


@dataclass(frozen=True, slots=True)
class Measure:
    """How response is measured: from onset, against a target."""

    clock: str
    target: Span | None


@dataclass(frozen=True, slots=True)
class Playbook:
    """The content of one file. `digest` is its content hash; `source` keeps expressions with their lines for
    compiling."""

    id: str
    title: str
    why: str
    mode: str
    shape: str
    subject: str
    match: Match | None
    sources: Mapping[str, Span]
    """Source id -> fresh_within: an older source means "unknown", never "nothing happened" (kept for the next
    issue)."""
    fingerprint: tuple[str, ...]
    facts: tuple[str, ...]
    basis: str | None
    evidence: tuple[Evidence, ...]
    route: tuple[Route, ...]
    decision: Decision
    award: Award | None
    measure: Measure
    content: Mapping[str, Any]
    digest: str
    source: _Source


@dataclass(frozen=True, slots=True)
class _Source:
    """Expressions as written, and the sections to blame."""

    when: Scalar
    expect: Scalar | None
    start: Scalar | None
    within: Span | None
    calendar: str | None
    filter: Scalar | None
    asserted: Scalar | None
    unless: Scalar | None
    due: Scalar | None
    until: Scalar | None
    lead: Span | None
    value: Scalar | None
    root: Section
    signal: Section


@dataclass(frozen=True, slots=True)
class Watch:
    """A playbook compiled against kinds: what the engine runs.

    `subject_reads` and `match_reads` are the fields whose change can change the outcome; `*` means any.
    """

    playbook: Playbook
    alone: Scope
    joined: Scope
    pair: Scope | None
    when: Rule
    expect: Rule | None
    start: Rule | None
    within: Span | None
    calendar: Calendar | None
    filter: Rule | None
    asserted: Rule | None
    unless: Rule | None
    due: Rule | None
    until: Rule | None
    lead: Span | None
    value: Rule | None
    currency: str | None
    title_parts: tuple[tuple[str, str | None], ...]
    subject_reads: frozenset[str]
    match_reads: frozenset[str]

    @property
    def id(self) -> str:
        """The playbook's id."""
        return self.playbook.id


# ---------------------------------------------------------------------------------------------- reading
def load_playbook(path: FilePath) -> Playbook:
    """Read one playbook file. Raises DocumentInvalid with file and line."""
    return read_playbook(documents.load(path))


def load_library() -> tuple[Kinds, tuple[Playbook, ...]]:
    """Read the shipped vocabulary and its playbooks, in order of id. Raises DocumentInvalid."""
    files = sorted(file for file in LIBRARY.glob("*.yaml") if file.name != "kinds.yaml")
    return load_kinds(LIBRARY / "kinds.yaml"), tuple(load_playbook(file) for file in files)


def read_playbook(root: documents.Mapping) -> Playbook:
    """Check a parsed playbook document; expressions are checked by `compile_playbook`. Raises DocumentInvalid."""
    top = Section(root, "playbook file")
    identifier = top.text("playbook")
    if not _ID.fullmatch(identifier) or len(identifier) > 60:
        raise top.refuse("playbook", f"expected an id of a-z, 0-9, _ and - (at most 60), got {identifier!r}")
    title, why = top.text("title"), top.text("why")
    mode = top.choice("mode", MODES)
    sources = _read_sources(top)
    signal = top.section("signal")
    shape = signal.choice("shape", SHAPES)
    subject = signal.text("subject")
    match = _read_match(signal, subject)
    value = top.section_or("value_at_risk")
    amount = value.need_scalar("amount") if value else None
    basis = value.text("basis") if value else None
    if value:
        value.done()
    source = _read_signal(top, signal, shape, amount)
    playbook = Playbook(
        identifier, title, why, mode, shape, subject, match, sources,
        top.texts("fingerprint") or (f"{subject}.id",),
        top.texts("facts"), basis, _read_evidence(top), _read_route(top), _read_decision(top), _read_award(top),
        _read_measure(top), documents.plain(root), content_digest("tallystick/playbook/v1", documents.plain(root)),
        source,
    )  # fmt: skip
    if len(playbook.facts) > FACTS_MAX:
        raise top.refuse("facts", f"expected at most {FACTS_MAX}, got {len(playbook.facts)}")
    top.done()
    return playbook


def _read_sources(top: Section) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for section in top.sections("needs"):
        found[section.text("source")] = _span(section, "fresh_within", section.text("fresh_within"))
        section.done()
    return found


def _read_match(signal: Section, subject: str) -> Match | None:
    section = signal.section_or("match")
    if section is None:
        return None
    kind = section.text("each")
    key = section.texts("key")
    if not key:
        raise section.refuse(
            "key", "expected at least one field: without a key every record would be compared"
        )
    local = section.texts("local_key") or key
    if len(local) != len(key):
        raise section.refuse(
            "local_key", f"expected {len(key)} fields, one for each of `key`, got {len(local)}"
        )
    section.scalar("filter")
    section.done()
    return Match(kind, key, local, "other" if kind == subject else kind)


_SIGNAL_FIELDS = {
    "response": ("expect", "from", "within", "calendar"),
    "conflict": ("assert", "due", "until"),
    "deadline": ("due", "lead", "unless", "until"),
}


def _read_signal(top: Section, signal: Section, shape: str, amount: Scalar | None) -> _Source:
    when = signal.need_scalar("when")
    allowed = _SIGNAL_FIELDS[shape]
    for name, required in (
        ("expect", "response"),
        ("from", "response"),
        ("within", "response"),
        ("assert", "conflict"),
        ("due", "deadline"),
    ):
        if name in allowed and required == shape:
            signal.need(name)
    scalars = {
        name: signal.scalar(name) if name in allowed else None
        for name in ("expect", "from", "assert", "unless", "due", "until")
    }
    within = _span(signal, "within", signal.text("within")) if "within" in allowed else None
    lead_text = signal.text_or("lead", None) if "lead" in allowed else None
    lead = _span(signal, "lead", lead_text) if lead_text is not None else None
    calendar = signal.text_or("calendar", None) if "calendar" in allowed else None
    if calendar is not None and within is not None and within.in_days:
        raise signal.refuse(
            "within", f"expected hours or minutes with a calendar (business time), got {within}"
        )
    signal.done()
    match = signal.section_or("match")
    return _Source(
        when, scalars["expect"], scalars["from"], within, calendar, match.scalar("filter") if match else None,
        scalars["assert"], scalars["unless"], scalars["due"], scalars["until"], lead, amount, top, signal,
    )  # fmt: skip


def _span(section: Section, key: str, text: str) -> Span:
    try:
        return parse_span(text)
    except ValueError as error:
        raise section.refuse(key, str(error)) from error


def _read_evidence(top: Section) -> tuple[Evidence, ...]:
    found = []
    for section in top.sections("evidence"):
        found.append(
            Evidence(section.text("type"), section.choice("min_grade", GRADES), section.text("says"))
        )
        section.done()
    if not found:
        raise top.refuse("evidence", "expected at least one piece of evidence, got none")
    return tuple(found)


def _read_route(top: Section) -> tuple[Route, ...]:
    found = []
    for section in top.sections("route"):
        to = section.text("to")
        if not _ROUTE.fullmatch(to):
            raise section.refuse(
                "to", f"expected role:<name>, field:<field of the subject> or owner, got {to!r}"
            )
        ack = section.text_or("ack_within", None)
        found.append(Route(to, _span(section, "ack_within", ack) if ack is not None else None))
        section.done()
    if not found:
        raise top.refuse("route", "expected at least one line, got none")
    return tuple(found)


def _read_decision(top: Section) -> Decision:
    section = top.section("decision")
    decision = Decision(
        section.text("action"), section.texts("options"), section.choice("minimum", ASSURANCES)
    )
    section.done()
    return decision


def _read_award(top: Section) -> Award | None:
    """Read verifier and award together: an award without a verifier would be a gift, and the other way round is
    idle."""
    policy = top.text_or("verifier", None)
    section = top.section_or("award")
    if section is None:
        if policy is not None:
            raise top.refuse("verifier", "expected an `award` beside the verifier's policy, got none")
        return None
    if policy is None or not _POLICY.fullmatch(policy):
        raise top.refuse(
            "verifier", f"expected a policy id like service_issue/v1 beside the award, got {policy!r}"
        )
    award = Award(section.text("kind"), section.integer("amount_tokens", 0, AMOUNT_TOKENS_MAX), policy)
    section.done()
    return award


def _read_measure(top: Section) -> Measure:
    section = top.section("measure")
    clock = section.choice("clock", ("onset",))
    target = section.text_or("target", None)
    measure = Measure(clock, _span(section, "target", target) if target is not None else None)
    section.done()
    return measure


# ---------------------------------------------------------------------------------------------- compiling
def compile_playbook(playbook: Playbook, messages: Messages, meter: Meter | None = None) -> Watch:
    """Type-check every expression and path of a playbook against the kinds.

    Raises:
        DocumentInvalid: unknown kind, field, calendar or join types; names file, line and what is known.
        ExpressionInvalid: an expression; names column too.
    """
    kinds, source = messages.kinds, playbook.source
    meter = meter or Meter()
    subject = _kind(kinds, source.signal, "subject", playbook.subject)
    match = playbook.match
    if match is not None:
        other = _kind(kinds, source.signal, "match", match.kind)
        _check_keys(source.signal, subject, other, match)
    name = playbook.subject
    alone = Scope(messages, {name: name}, meter=meter)
    joined = Scope(messages, {name: name}, {"matches": match.kind}, meter) if match is not None else alone
    pair = Scope(messages, {name: name, match.name: match.kind}, meter=meter) if match is not None else None
    when = alone.compile(source.when)
    known = when.proven
    filtered = (
        pair.compile(source.filter, known=known) if pair is not None and source.filter is not None else None
    )
    elements = frozenset(
        ("matches", *path[1:])
        for path in (filtered.proven if filtered else ())
        if match and path[0] == match.name
    )

    def rule(
        expression: Scalar | None, returns: tuple[str, ...] = ("bool",), scope: Scope = alone
    ) -> Rule | None:
        return scope.compile(expression, returns, known, elements) if expression is not None else None

    expect, asserted, unless = (
        rule(e, scope=joined) for e in (source.expect, source.asserted, source.unless)
    )
    start, due, until = (rule(e, ("instant",)) for e in (source.start, source.due, source.until))
    value = rule(source.value, ("money", "int"))
    if value is not None and subject.currency is None:
        raise DocumentInvalid(
            value.where, f"value_at_risk: expected a kind with a currency, {subject.name} has none"
        )
    calendar = None
    if source.calendar is not None:
        calendar = kinds.calendars.get(source.calendar)
        if calendar is None:
            known_names = ", ".join(sorted(kinds.calendars)) or "none"
            raise source.signal.refuse(
                "calendar", f"unknown calendar {source.calendar!r}; known calendars: {known_names}"
            )
    parts = _title_parts(source.root, playbook.title, subject, known)
    _check_paths(source.root, playbook, kinds, subject)
    rules = (when, expect, start, asserted, unless, due, until, filtered)
    subject_reads, match_reads = _reads(union(rules), playbook)
    return Watch(
        playbook, alone, joined, pair, when, expect, start, source.within, calendar, filtered, asserted, unless, due,
        until,
        source.lead, value, subject.currency, parts, subject_reads, match_reads,
    )  # fmt: skip


def _reads(paths: frozenset[Path], playbook: Playbook) -> tuple[frozenset[str], frozenset[str]]:
    match = playbook.match
    mine = {path[1] for path in paths if path[0] == playbook.subject}
    theirs: set[str] = set()
    if match is not None:
        mine |= set(match.local_key)
        theirs = {path[1] for path in paths if path[0] in (match.name, "matches")} | set(match.key)
    return frozenset(mine), frozenset(theirs)


def _kind(kinds: Kinds, section: Section, key: str, name: str) -> Kind:
    kind = kinds.kind(name)
    if kind is None:
        raise section.refuse(key, f"unknown kind {name!r}; known kinds: {', '.join(sorted(kinds.kinds))}")
    return kind


def _field(section: Section, key: str, kind: Kind, name: str) -> Field:
    field = kind.field(name)
    if field is None:
        raise section.refuse(key, f"unknown field {name!r} of {kind.name}; known fields: {kind.known_fields}")
    return field


def _check_keys(signal: Section, subject: Kind, other: Kind, match: Match) -> None:
    for theirs, mine in zip(match.key, match.local_key, strict=True):
        right, left = _field(signal, "match", other, theirs), _field(signal, "match", subject, mine)
        for kind, field in ((other, right), (subject, left)):
            if field.type not in KEY_TYPES:
                raise signal.refuse(
                    "match",
                    f"key {kind.name}.{field.name}: expected one of {', '.join(KEY_TYPES)}, got {field.type}",
                )
        if right.type != left.type:
            raise signal.refuse(
                "match", f"key {theirs}: expected {left.type} as {subject.name}.{mine}, got {right.type}"
            )


def _check_paths(root: Section, playbook: Playbook, kinds: Kinds, subject: Kind) -> None:
    """Check the paths of fingerprint, facts and route."""
    for item in root.scalars("fingerprint"):
        field = _path_field(item.where, f"{root.name}.fingerprint", item.text, {subject.name: subject})
        if field.optional or field.type not in KEY_TYPES:
            raise DocumentInvalid(
                item.where,
                f"{root.name}.fingerprint: {item.text}: expected a required field of {', '.join(KEY_TYPES)}; "
                "an empty part would merge cases",
            )
    nameable = {subject.name: subject}
    if playbook.match is not None:
        nameable["matches"] = kinds.kinds[playbook.match.kind]
    for item in root.scalars("facts"):
        _path_field(item.where, f"{root.name}.facts", item.text, nameable)
    for line in playbook.route:
        if line.to.startswith("field:") and _field(root, "route", subject, line.to[6:]).type != "string":
            raise root.refuse("route", f"{line.to}: expected a string field that holds a member")


def _path_field(where: str, label: str, path: str, nameable: Mapping[str, Kind]) -> Field:
    """Return the field a path leads to. Raises DocumentInvalid at `where`, the line of the path itself."""
    name, dot, field_name = path.partition(".")
    if not dot or name not in nameable:
        raise DocumentInvalid(
            where, f"{label}: expected <name>.<field> with a name of {', '.join(nameable)}, got {path!r}"
        )
    kind = nameable[name]
    field = kind.field(field_name)
    if field is None:
        raise DocumentInvalid(
            where, f"{label}: unknown field {field_name!r} of {kind.name}; known fields: {kind.known_fields}"
        )
    return field


def _title_parts(
    root: Section, title: str, subject: Kind, known: frozenset[Path]
) -> tuple[tuple[str, str | None], ...]:
    """Split `Quote {quote.id} ...` into (text, field after it). Only fields that are surely there may be named."""
    parts: list[tuple[str, str | None]] = []
    at = 0
    for found in _PLACEHOLDER.finditer(title):
        field = _path_field(
            root.where("title"), f"{root.name}.title", found[1].strip(), {subject.name: subject}
        )
        if field.optional and (subject.name, field.name) not in known:
            raise root.refuse(
                "title", f"{found[1]} may be absent: expected a required field, or one that `when` proves"
            )
        parts.append((title[at : found.start()], field.name))
        at = found.end()
    if len(parts) > PLACEHOLDERS_MAX:
        raise root.refuse("title", f"expected at most {PLACEHOLDERS_MAX} placeholders, got {len(parts)}")
    if "{" in title[at:] or "}" in title[at:]:
        raise root.refuse("title", "expected { and } in pairs around a field")
    return (*parts, (title[at:], None))

"""The batch: everything the writer decides, as one generator without any database in it.

    1. lock the head row of the log           4. entries: seq, prev, canonical bytes, leaf, frontier, tiles
    2. load once what all commands need        5. load once more what projections touch and nobody loaded
    3. decide in order, over an overlay        6. write every changed row once; the head row moves with them

The SQLite thread and the asyncpg transaction both drive it, so there is one copy of the rules of sequencing. Nothing is
kept from one batch to the next: size, frontier and tiles come from the locked rows each time, so after any error there
is no memory that could be stale, and any number of processes may take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import canonical, codec
from ledger.changes import Change, Insert, Projection, Set
from ledger.clock import Tick
from ledger.commands import Command, Decided, Need, Outcome, View
from ledger.entries import ENTRY_VERSION, SYSTEM, Actor, Draft, Entry, check_body, command_id
from ledger.errors import LedgerError, ProgrammingError, Refused, Stopped
from ledger.merkle import Frontier, leaf_hash
from ledger.overlay import CommandView, Overlay, Shape, Wanted
from ledger.steps import Load, Lock, Step, Write
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH, TileEdge, tiles_touched

DRAFTS_PER_COMMAND_MAX = 1_000
STOPPED_CLOCK = "clock"
ACCEPTED_WHILE_STOPPED = frozenset({"clock_stepped", "clock_confirmed"})

Answer = Outcome | LedgerError
"""What one command gets: an outcome, or the error to raise at its caller."""


@dataclass(frozen=True, slots=True)
class BatchDone:
    """What a batch did: one answer per command in order, the tick to accept after the commit, the size it reached."""

    answers: list[Answer]
    tick: Tick
    size: int


@dataclass(slots=True)
class _Head:
    """The head row while the batch runs; `leaves` are those of this batch."""

    size: int
    last_leaf: bytes
    frontier: Frontier
    at: str
    stopped: str | None
    leaves: list[bytes]
    exists: bool

    def row(self) -> dict[str, Any]:
        """Return the columns of the head row."""
        return {
            "size": self.size,
            "last_leaf": self.last_leaf,
            "frontier": self.frontier.to_bytes(),
            "at": self.at,
            "stopped": self.stopped,
        }


Look = Callable[[str, str], Tick]
"""(log, `at` of its last entry) -> the time for this batch: ClockWatch.look."""


def run_batch(
    log: str,
    commands: Sequence[Command],
    look: Look,
    projections: Sequence[Projection],
    shapes: Mapping[str, Shape],
) -> Generator[Step, Any, BatchDone]:
    """Decide and write commands of one log. Yields Lock, Load, (Load), Write.

    A refused command has changed nothing and the next one is decided as if it had not been there.

    Raises:
        Stopped: `head_differs`, the head row is not that of the last entry.
        LedgerError: the batch as a whole cannot be written; the caller rolls back and tries commands one by one.
    """
    row = yield Lock(log)
    head = _head_of(row)
    tick = look(log, head.at)
    overlay = Overlay(shapes)
    if row is not None:
        overlay.admit({"log_head": {0: {()}}}, {"log_head": [row]})
    if tick.stepped_seconds and head.exists:
        commands = [_step_command(log, head.size, tick), *commands]
    wanted: Wanted = {}
    cmds = [command_id(log, command.actor.id, command.key) for command in commands]
    overlay.want(wanted, (Need("command", (cmd,)) for cmd in cmds))
    overlay.want(wanted, (Need("tile", key) for key in _edge_keys(head.size)))
    if head.exists:
        overlay.want(wanted, (Need("entry", (head.size - 1,)),))
    for command in commands:
        overlay.want(wanted, command.needs)
    overlay.admit(wanted, (yield Load(log, wanted)))
    if head.exists:
        _check_last(log, head, overlay.get("entry", (head.size - 1,)))
    edge = TileEdge.at(head.size, lambda level, index, width: _tile_bytes(overlay, level, index))
    first_size = head.size
    answers = [
        _answer(command, cmd, head, tick, overlay, projections)
        for command, cmd in zip(commands, cmds, strict=True)
    ]
    if commands and commands[0].rule is _record_step:
        answers = answers[1:]
    _write_tiles(head, edge, first_size, overlay)
    missing = overlay.missing()
    if missing:
        overlay.settle(missing, (yield Load(log, missing)))
    tables = overlay.writes()
    if tables:
        yield Write(log, tables)
    return BatchDone(answers, tick, head.size)


# ------------------------------------------------------------------------------------------------------ one command
def _answer(
    command: Command, cmd: str, head: _Head, tick: Tick, overlay: Overlay, projections: Sequence[Projection]
) -> Answer:
    """Decide one command; errors before anything was applied are this command's answer, later ones fail the batch."""
    try:
        earlier = overlay.get("command", (cmd,))
        if earlier is not None:
            return _repeat(command, earlier)
        at = max(tick.now, head.at)
        if tick.stops and command.rule is _record_step:
            at = head.at  # the disputed time must not become the log's own
        decided = _decide(command, overlay, at)
        _check_allowed(command, decided, head)
        entries = _entries(command, cmd, decided.drafts, head, at)
        changes = _changes(command, cmd, decided, entries, head, at, projections)
    except LedgerError as error:
        return error
    except Exception as error:
        wrapped = ProgrammingError(
            f"command {command.key!r}: expected a decision or a refusal, got {error!r}"
        )
        wrapped.__cause__ = error
        return wrapped
    outcome = Outcome(head.size, len(entries), at, False, decided.result)
    overlay.apply(changes)
    if entries:
        first = not head.exists
        for entry, _, leaf in entries:
            _advance(head, entry, leaf)
        # Per command and not once at the end: a later rule of this batch may read the head.
        row = head.row()
        overlay.apply([Insert("log_head", row) if first else Set("log_head", (), row)])
    return outcome


def _repeat(command: Command, earlier: Mapping[str, Any]) -> Outcome:
    if earlier["digest"] != command.digest:
        raise Refused("idempotency_mismatch", "key: expected the same request as the first time, got another")
    return Outcome(earlier["first_seq"], earlier["count"], earlier["at"], True, {})


def _decide(command: Command, overlay: Overlay, at: str) -> Decided:
    view: View = CommandView(overlay, command.needs)
    decided = command.rule(view, command, at)
    if len(decided.drafts) > DRAFTS_PER_COMMAND_MAX:
        raise ProgrammingError(
            f"command: expected at most {DRAFTS_PER_COMMAND_MAX} entries, got {len(decided.drafts)}"
        )
    return decided


def _check_allowed(command: Command, decided: Decided, head: _Head) -> None:
    """A log begins with `log_opened` and has one; a stopped one takes only what its clock needs."""
    opens = [draft.kind == "log_opened" for draft in decided.drafts]
    if not head.exists and not (opens and opens[0]):
        raise Refused("unknown_log", f"log: expected one that was opened, got {command.log!r}")
    if any(opens[1:]) or (head.exists and any(opens)):
        raise Refused("log_exists", f"log: expected a new one, got {command.log!r}, which is open already")
    if head.stopped is not None and not (
        decided.drafts and all(draft.kind in ACCEPTED_WHILE_STOPPED for draft in decided.drafts)
    ):
        raise Stopped(
            head.stopped,
            "the clock stepped by more than a day: expected that a person confirms the time first",
        )


Made = tuple[Entry, bytes, bytes]
"""An entry, its canonical bytes, its leaf hash."""


def _entries(command: Command, cmd: str, drafts: Sequence[Draft], head: _Head, at: str) -> list[Made]:
    made: list[Made] = []
    prev = head.last_leaf
    for seq, draft in enumerate(drafts, head.size):
        check_body(draft.kind, draft.body, draft.private)
        entry = Entry(
            ENTRY_VERSION, command.log, seq, at, draft.kind, command.actor, draft.case, draft.body, draft.private,
            cmd, prev.hex(),
        )  # fmt: skip
        data = canonical.encode(entry.to_json(), codec.dumps)
        prev = leaf_hash(data)
        made.append((entry, data, prev))
    return made


def _changes(
    command: Command,
    cmd: str,
    decided: Decided,
    entries: Sequence[Made],
    head: _Head,
    at: str,
    projections: Sequence[Projection],
) -> list[Change]:
    changes: list[Change] = []
    for (entry, data, leaf), draft in zip(entries, decided.drafts, strict=True):
        row = {"seq": entry.seq, "canon": data, "leaf": leaf, "kind": entry.kind, "case_id": entry.case}
        changes.append(Insert("entry", {**row, "at": at, "cmd": cmd}))
        for project in projections:
            changes.extend(project(entry, draft.opened))
    changes.extend(decided.rows)
    row = {"cmd": cmd, "first_seq": head.size, "count": len(entries), "digest": command.digest}
    changes.append(Insert("command", {**row, "principal": command.actor.id, "at": at}))
    for change in changes[len(changes) - 1 - len(decided.rows) : -1]:
        if change.table in _WRITER_ONLY:
            raise ProgrammingError(f"rows: expected none of the writer's own tables, got {change.table}")
    return changes


_WRITER_ONLY = frozenset({"entry", "command", "log_head", "tile"})


# ------------------------------------------------------------------------------------------------------ the head
def _head_of(row: Sequence[Any] | None) -> _Head:
    if row is None:
        return _Head(0, bytes(32), Frontier(), "", None, [], False)
    size, last_leaf, frontier, at, stopped = row
    head = _Head(size, bytes(last_leaf), Frontier.from_bytes(bytes(frontier)), at, stopped, [], True)
    if head.frontier.size != size:
        raise ProgrammingError(f"head: expected a frontier of size {size}, got {head.frontier.size}")
    return head


def _check_last(log: str, head: _Head, last: Mapping[str, Any] | None) -> None:
    """Refuse to append after a head row that is not the last entry's: what chained to it could never be mended."""
    seq = head.size - 1
    if last is None:
        raise _head_differs(log, f"entry {seq} as its last", f"no entry {seq}")
    leaf = leaf_hash(bytes(last["canon"]))
    if leaf != head.last_leaf:
        raise _head_differs(log, f"last_leaf {leaf.hex()} as of entry {seq}", head.last_leaf.hex())
    at = codec.loads(bytes(last["canon"]))["at"]  # what was hashed, not the column beside it
    if at != head.at:
        raise _head_differs(log, f"at {at} as of entry {seq}", head.at)


def _head_differs(log: str, expected: str, got: str) -> Stopped:
    return Stopped("head_differs", f"head of {log}: expected {expected}, got {got}; run `tallystick audit`")


def _advance(head: _Head, entry: Entry, leaf: bytes) -> None:
    head.size += 1
    head.last_leaf = leaf
    head.at = entry.at
    head.frontier.append(leaf)
    head.leaves.append(leaf)
    head.exists = True
    if entry.kind == "clock_stepped" and entry.body["stopped"]:
        head.stopped = STOPPED_CLOCK
    elif entry.kind == "clock_confirmed":
        head.stopped = None


def _write_tiles(head: _Head, edge: TileEdge, first_size: int, overlay: Overlay) -> None:
    """Turn the leaves that the batch appended into tile rows."""
    if not head.leaves:
        return
    grown = [tile for leaf in head.leaves for tile in edge.append(leaf)]
    touched = {(tile.level, tile.index) for tile in tiles_touched(first_size, head.size)}
    grown += [part for part in edge.partials() if (part[0].level, part[0].index) in touched]
    changes: list[Change] = []
    for tile, data in grown:
        key = (tile.level, tile.index)
        if overlay.get("tile", key) is None:
            changes.append(Insert("tile", {"level": tile.level, "idx": tile.index, "hashes": data}))
        else:
            changes.append(Set("tile", key, {"hashes": data}))
    overlay.apply(changes)


def _edge_keys(size: int) -> list[tuple[int, int]]:
    """Return the partial tiles of a log of this size: what the next leaf may change."""
    keys = []
    level = 0
    while (hashes := size >> (TILE_HEIGHT * level)) > 0:
        if hashes % TILE_WIDTH:
            keys.append((level, hashes // TILE_WIDTH))
        level += 1
    return keys


def _tile_bytes(overlay: Overlay, level: int, index: int) -> bytes | None:
    row = overlay.get("tile", (level, index))
    return None if row is None else bytes(row["hashes"])


# ------------------------------------------------------------------------------------------------------ the clock
def _step_command(log: str, size: int, tick: Tick) -> Command:
    body = {"seconds": tick.stepped_seconds, "stopped": tick.stops}
    return Command(log, Actor(SYSTEM, SYSTEM, "clock"), f"clock_stepped:{size}", "", (), _record_step, body)


def _record_step(view: View, command: Command, at: str) -> Decided:
    return Decided((Draft("clock_stepped", None, command.data),))


def confirm_clock(view: View, command: Command, at: str) -> Decided:
    """Rule: a person says that the time shown is right. Needs Need("log_head", ()). Who may is the caller's to check.

    Raises:
        Refused: `not_stopped`.
    """
    head = view.get("log_head", ())
    if head is None or head["stopped"] != STOPPED_CLOCK:
        raise Refused(
            "not_stopped", "log: expected one that waits for its clock to be confirmed, got one that runs"
        )
    return Decided((Draft("clock_confirmed", None, {"at": at}),))


CONFIRM_NEEDS = (Need("log_head", ()),)

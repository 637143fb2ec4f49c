"""The batch as pure data: what it asks for, what it writes, what it answers. No database takes part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ledger import codec
from ledger.batch import CONFIRM_NEEDS, BatchDone, confirm_clock, run_batch
from ledger.chain import EMPTY_HEAD, ChainHead, check_link, extend
from ledger.changes import Add, Insert
from ledger.clock import Tick
from ledger.commands import Command, Decided, Need, Outcome, View
from ledger.entries import ZERO_HASH, Draft, command_id, parse_entry
from ledger.errors import EntryInvalid, LedgerError, ProgrammingError, Refused, Stopped, UndeclaredRead
from ledger.merkle import Frontier, leaf_hash, root_of
from ledger.overlay import TableWrite
from ledger.steps import Load, Lock, Write
from ledger.store.tables import shapes
from tests.ledger.writing import LOG, NOON, OWNER, PROJECTIONS, command, grant, note, opening

SHAPES = shapes()


class Rows:
    """The rows of one log, performing the steps of a batch."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {name: {} for name in SHAPES}
        self.steps: list[str] = []

    def run(self, commands: Sequence[Command], tick: Tick = Tick(NOON, 0, None)) -> BatchDone:  # noqa: B008
        batch = run_batch(LOG, commands, lambda log, at: tick, PROJECTIONS, SHAPES)
        answer: Any = None
        self.steps = []
        while True:
            try:
                step = batch.send(answer)
            except StopIteration as done:
                result: BatchDone = done.value
                return result
            self.steps.append(type(step).__name__)
            if isinstance(step, Lock):
                answer = self.tables["log_head"].get(())
            elif isinstance(step, Load):
                answer = {table: self._select(table, lengths) for table, lengths in step.wanted.items()}
            else:
                assert isinstance(step, Write)
                for write in step.tables:
                    self._write(write)
                answer = None

    def _select(self, table: str, lengths: dict[int, set[Any]]) -> list[tuple[Any, ...]]:
        rows = self.tables[table].items()
        return [row for key, row in rows for length, keys in lengths.items() if key[:length] in keys]

    def _write(self, write: TableWrite) -> None:
        width = len(write.shape.key)
        table = self.tables[write.shape.name]
        for key in write.deletes:
            table.pop(key, None)
        for update in write.updates:
            old = dict(zip(write.shape.columns, table[update[:width]], strict=True))
            table[update[:width]] = tuple(
                (old | dict(zip(write.update_columns, update[width:], strict=True))).values()
            )
        for row in write.inserts:
            assert row[:width] not in table
            table[row[:width]] = row

    def entries(self) -> list[bytes]:
        return [row[1] for _, row in sorted(self.tables["entry"].items())]

    def row(self, table: str, *key: Any) -> dict[str, Any]:
        return dict(zip(SHAPES[table].columns, self.tables[table][key], strict=True))


def opened() -> Rows:
    rows = Rows()
    rows.run([opening()])
    return rows


def test_entries_are_chained_hashed_and_counted_by_the_head() -> None:
    rows = opened()
    rows.run([note("k1"), grant("k2", 5)])
    rows.run([note("k3")])
    head: ChainHead = EMPTY_HEAD
    for data in rows.entries():
        entry = parse_entry(codec.loads(data))
        check_link(head, LOG, entry)
        head = extend(head, entry.at, data)
    assert head.size == 5
    leaves = [leaf_hash(data) for data in rows.entries()]
    row = rows.row("log_head")
    assert (row["size"], row["last_leaf"], row["at"]) == (5, leaves[-1], NOON)
    assert Frontier.from_bytes(row["frontier"]).root() == root_of(leaves)
    assert rows.row("tile", 0, 0)["hashes"] == b"".join(leaves)
    first = parse_entry(codec.loads(rows.entries()[0]))
    assert (first.prev, first.cmd, first.actor) == (ZERO_HASH, command_id(LOG, "owner", "open"), OWNER)


def test_tiles_are_whole_across_their_border() -> None:
    rows = opened()
    for first in range(2, 600, 50):
        rows.run([note(f"k{seq}") for seq in range(first, min(first + 50, 600))])
    leaves = [leaf_hash(data) for data in rows.entries()]
    assert {key: len(row[2]) // 32 for key, row in rows.tables["tile"].items()} == {
        (0, 0): 256, (0, 1): 256, (0, 2): 88, (1, 0): 2,
    }  # fmt: skip
    assert b"".join(rows.row("tile", 0, index)["hashes"] for index in range(3)) == b"".join(leaves)
    assert rows.row("tile", 1, 0)["hashes"] == root_of(leaves[:256]) + root_of(leaves[256:512])


def test_a_refused_command_leaves_nothing_and_the_next_is_decided_without_it() -> None:
    rows = opened()
    done = rows.run([grant("a", 700), grant("b", 400), grant("c", 300), grant("d", 1)])
    kinds = [getattr(answer, "code", None) or "ok" for answer in done.answers]
    assert kinds == ["ok", "budget_empty", "ok", "budget_empty"]
    assert [answer.result for answer in done.answers if isinstance(answer, Outcome)] == [
        {"left": 300},
        {"left": 0},
    ]
    assert rows.row("account", "budget/shop")["balance_tokens"] == 0
    assert len(rows.entries()) == 4
    assert command_id(LOG, "owner", "b") not in {key[0] for key in rows.tables["command"]}
    # The refusal did not consume the key.
    rows.tables["account"][("budget/shop",)] = ("budget/shop", 400)
    assert isinstance(rows.run([grant("b", 400)]).answers[0], Outcome)


def test_a_repeat_gets_the_first_outcome_in_the_same_batch_and_later() -> None:
    rows = opened()
    done = rows.run([note("k"), note("k"), note("k", case="other"), note("l")])
    first, again, other, last = done.answers
    assert (first, again) == (Outcome(2, 1, NOON, False, {"case": "case-1"}), Outcome(2, 1, NOON, True, {}))
    assert isinstance(other, Refused) and other.code == "idempotency_mismatch"
    assert isinstance(last, Outcome) and last.first_seq == 3
    size = len(rows.entries())
    assert rows.run([note("k")]).answers == [again]
    assert rows.steps == ["Lock", "Load"]
    assert len(rows.entries()) == size


def test_rows_are_loaded_once_and_what_projections_touch_once_more() -> None:
    rows = opened()
    rows.run([grant(f"g{n}", 1, f"m{n % 3}") for n in range(60)])
    assert rows.steps == ["Lock", "Load", "Load", "Write"]
    assert rows.row("account", "member/m1/provisional")["balance_tokens"] == 20


def rule_of(*drafts: Draft, rows: tuple[Any, ...] = ()) -> Any:
    return lambda view, command, at: Decided(tuple(drafts), rows)


def read_undeclared(view: View, command: Command, at: str) -> Decided:
    view.get("account", ("issuer",))
    return Decided(())


def crash(view: View, command: Command, at: str) -> Decided:
    raise KeyError("our own mistake")


ANSWERS: list[tuple[str, Any, type[LedgerError], str]] = [
    ("undeclared read", read_undeclared, UndeclaredRead, "expected a need"),
    ("a rule that crashes", crash, ProgrammingError, "KeyError"),
    ("unknown kind", rule_of(Draft("nonsense", None, {})), EntryInvalid, "unknown kind"),
    ("missing field", rule_of(Draft("link_expired", None, {})), EntryInvalid, "missing fields"),
    ("a float", rule_of(Draft("settings_changed", None, {"settings": {"x": 0.5}})), LedgerError, "integer"),
    ("a second opening", opening().rule, Refused, "log_exists"),
    ("opening not first", rule_of(Draft("note_added", "c", {}), Draft("log_opened", None, {})), Refused, "log_exists"),
    ("the writer's own table", rule_of(rows=(Add("log_head", (), "size", 1),)), ProgrammingError, "own tables"),
    ("too many entries", rule_of(*[Draft("note_added", "c", {})] * 1001), ProgrammingError, "at most 1000"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "error", "says"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS]
)
def test_a_faulty_command_is_answered_alone(rule: Any, error: type[LedgerError], says: str) -> None:
    rows = opened()
    done = rows.run([note("before"), command("faulty", rule, LOG), note("after")])
    assert [isinstance(answer, Outcome) for answer in done.answers] == [True, False, True]
    assert isinstance(done.answers[1], error)
    assert says in str(done.answers[1])
    assert len(rows.entries()) == 4


def test_an_unknown_log_takes_only_its_opening() -> None:
    rows = Rows()
    done = rows.run([note("early"), opening(), note("late")])
    assert isinstance(done.answers[0], Refused) and done.answers[0].code == "unknown_log"
    assert [isinstance(answer, Outcome) for answer in done.answers] == [False, True, True]


def test_a_command_without_entries_writes_rows_and_is_remembered() -> None:
    rows = opened()
    row = Insert("reuse", {"digest": "d", "evidence": "e"})
    done = rows.run([command("clean", rule_of(rows=(row,)))])
    assert done.answers == [Outcome(2, 0, NOON, False, {})]
    assert rows.row("reuse", "d")["evidence"] == "e"
    assert rows.row("log_head")["size"] == 2
    assert rows.run([command("clean", rule_of(rows=(row,)))]).answers == [Outcome(2, 0, NOON, True, {})]


def test_at_never_goes_back() -> None:
    rows = opened()
    done = rows.run([note("k")], Tick("2026-11-23T11:59:59.000Z", 0, None))
    assert done.answers == [Outcome(2, 1, NOON, False, {"case": "case-1"})]


def kinds(rows: Rows) -> list[tuple[str, str]]:
    return [
        (entry.kind, entry.at) for entry in (parse_entry(codec.loads(data)) for data in rows.entries()[2:])
    ]


def test_a_small_step_is_recorded_and_work_goes_on() -> None:
    rows = opened()
    later = "2026-11-23T13:00:00.000Z"
    done = rows.run([note("k")], Tick(later, 3600, 0))
    assert done.answers == [Outcome(3, 1, later, False, {"case": "case-1"})]
    assert kinds(rows) == [("clock_stepped", later), ("note_added", later)]


def test_a_step_of_more_than_a_day_stops_the_log_until_a_person_confirms() -> None:
    rows = opened()
    wrong, right = "2027-11-23T12:00:00.000Z", "2026-11-23T12:05:00.000Z"
    done = rows.run([note("k")], Tick(wrong, 365 * 86_400, 0))
    assert isinstance(done.answers[0], Stopped) and done.answers[0].code == "clock"
    assert kinds(rows) == [("clock_stepped", NOON)], "the disputed time must not become the log's own"
    stopped = rows.run([note("l"), note("k")], Tick(right, 0, 0))
    assert all(isinstance(answer, Stopped) for answer in stopped.answers)
    confirm = command("confirm", confirm_clock, needs=CONFIRM_NEEDS)
    done = rows.run(
        [confirm, note("k"), command("twice", confirm_clock, needs=CONFIRM_NEEDS)], Tick(right, 0, 0)
    )
    assert [isinstance(answer, Outcome) for answer in done.answers] == [True, True, False]
    assert isinstance(done.answers[2], Refused) and done.answers[2].code == "not_stopped"
    assert kinds(rows)[1:] == [("clock_confirmed", right), ("note_added", right)]


def test_an_unknown_table_in_a_need_fails_the_batch() -> None:
    rows = opened()
    with pytest.raises(ProgrammingError, match="MetaData"):
        rows.run([command("k", rule_of(), needs=(Need("no_such", ()),))])

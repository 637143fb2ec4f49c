"""Random schedules on SQLite and PostgreSQL at once: every answer, root and row must be the same on both.

Clients retry, send other things under used keys, come together in one batch; the database breaks at every step and the
process begins again. At the end of each history what must always hold is held against both logs (tests/world.py check),
and once more after a rush of clients whom nobody orders. tests/prove/test_histories.py runs the same for long.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from casework.errors import CaseworkError
from casework.intake import Done
from ledger.clock import HandClock
from ledger.errors import Refused, StoreError
from tests.acting import MEDDLING, PEOPLE, SLOTS, Act, Desktop, Prepared, another_body
from tests.world import FAULTS, World, check, make_tables

MINUTE_MS = 60_000
DAY_MS = 86_400_000
T = TypeVar("T")


@dataclass
class Used:
    """A key that was used: the act, the request in each world, and what came of it."""

    act: Act
    prepared: list[Prepared]
    told: tuple[Any, ...]


def said(answer: Done | Exception) -> tuple[Any, ...]:
    """Return an answer as both databases must give it. What is no answer (a mistake of ours) is raised."""
    if isinstance(answer, Done):
        outcome = answer.outcome
        return ("done", outcome.first_seq, outcome.count, outcome.replayed, tuple(sorted(answer.ids.items())))
    if isinstance(answer, Refused):
        return ("refused", answer.code)
    if isinstance(answer, CaseworkError):
        return ("refused", type(answer).__name__)
    if isinstance(answer, StoreError):
        return ("trouble",)
    raise answer


class Pair:
    """The same organisation on both databases, led through one schedule."""

    def __init__(self, run: asyncio.Runner, urls: Sequence[str], folder: Path, log: str) -> None:
        self._run = run
        self.log = log
        self.used: dict[str, Used] = {}
        self.seen: Counter[str] = Counter()
        self._keys = itertools.count(1)
        worlds = [
            self.wait_for(World.open(log, url, self._folder(folder, at))) for at, url in enumerate(urls)
        ]
        self.desktops = [Desktop(world) for world in worlds]

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self._run.run(work)

    @staticmethod
    def _folder(folder: Path, at: int) -> Path:
        made = folder / f"process-{at}"
        made.mkdir(parents=True)
        return made

    # ------------------------------------------------------------------------------------------ steps
    def pass_time(self, ms: int) -> None:
        """Move both clocks."""
        for desktop in self.desktops:
            clock = desktop.world.clock
            assert isinstance(clock, HandClock)
            clock.advance(ms)

    def natural(self, slot: int, amount: int) -> Act:
        """Return the next step of a slot's case: the same in both worlds."""
        acts = [self.wait_for(desktop.next_act(slot, amount)) for desktop in self.desktops]
        assert acts[0] == acts[1]
        return acts[0]

    def act(self, acts: Sequence[Act], fault: str | None = None) -> list[tuple[Any, ...]]:
        """Let these acts come in one batch; with a fault the database breaks on it, and they all come again."""
        self.pass_time(MINUTE_MS)
        prepared = [self.wait_for(self._prepare(desktop, acts)) for desktop in self.desktops]
        wanted = [(act, row) for act, *row in zip(acts, *prepared, strict=True) if all(row)]
        assert all(any(row) == all(row) for _, *row in zip(acts, *prepared, strict=True))
        keys = [f"key-{next(self._keys)}" for _ in wanted]
        for key, (act, row) in zip(keys, wanted, strict=True):
            self.used[key] = Used(act, [one for one in row if one is not None], ())
        self.seen["batches"] += 1
        told = self.send(keys, fault)
        if any(one == ("trouble",) for one in told):
            self.seen["crashes"] += 1
            self.reopen()
            told = self.send(keys)
        return told

    def send(self, keys: Sequence[str], fault: str | None = None) -> list[tuple[Any, ...]]:
        """Send the requests of these keys in one batch to both worlds; hold the answers against each other."""
        both = [self.wait_for(self._send(at, keys, fault)) for at in range(len(self.desktops))]
        told = [[said(answer) for answer in answers] for answers in both]
        assert told[0] == told[1], "the databases answered differently"
        for key, one, *answers in zip(keys, told[0], *both, strict=True):
            self._note(key, one, answers)
        return told[0]

    def _note(self, key: str, told: tuple[Any, ...], answers: Sequence[Done | Exception]) -> None:
        used = self.used[key]
        self.seen["commands"] += 1
        self.seen[f"{told[0]}:{told[1]}" if told[0] == "refused" else told[0]] += 1
        if told[0] == "done" and told[3]:
            self.seen["replayed"] += 1
        if used.told[:1] == ("done",):
            assert told[:3] == used.told[:3] and told[3] is True, "a retry had another effect"
            assert told[4] == used.told[4], "a retry named other things"
        elif told[0] != "trouble":
            used.told = told
            for desktop, answer in zip(self.desktops, answers, strict=True):
                if isinstance(answer, Done):
                    desktop.done(used.act, answer)

    async def _prepare(self, desktop: Desktop, acts: Sequence[Act]) -> list[Prepared | None]:
        found: list[Prepared | None] = []
        for act in acts:
            try:
                found.append(await desktop.prepare(act))
            except Refused:
                found.append(None)  # the page could not be shown
        return found

    async def _send(self, at: int, keys: Sequence[str], fault: str | None) -> list[Done | Exception]:
        world = self.desktops[at].world
        world.fault.point = fault
        try:
            return await world.together([self.used[key].prepared[at].call(key) for key in keys])
        finally:
            world.fault.point = None

    def other_body(self, key: str, slot: int) -> None:
        """Send another request under a used key: refused if that was granted."""
        used = self.used[key]
        made = [
            another_body(desktop, prepared, slot)
            for desktop, prepared in zip(self.desktops, used.prepared, strict=True)
        ]
        calls = [one for one in made if one is not None]
        if len(calls) < len(made) or used.told[:1] != ("done",):
            return
        for desktop, one in zip(self.desktops, calls, strict=True):
            (answer,) = self.wait_for(desktop.world.together([one.call(key)]))
            assert said(answer) == ("refused", "idempotency_mismatch")
        self.seen["mismatched"] += 1

    def reopen(self) -> None:
        """End both processes without a word and begin again."""
        for desktop in self.desktops:
            self.wait_for(desktop.world.drop())
            self.wait_for(desktop.world.reopen())

    def publish(self) -> None:
        """Sign the trees: the same note on both."""
        notes = [self.wait_for(desktop.world.publisher.publish()) for desktop in self.desktops]
        assert notes[0] == notes[1]

    def rebuild(self) -> None:
        """Make the derived tables again, on both."""
        for desktop in self.desktops:
            self.wait_for(desktop.world.rebuilt())

    # ------------------------------------------------------------------------------------------ the end
    def compare(self) -> None:
        """Roots and every row of every table are the same on both (SETTLED 7)."""
        heads = [self.wait_for(desktop.world.rows.head()) for desktop in self.desktops]
        assert heads[0] == heads[1]
        first, second = (self.wait_for(desktop.world.tables()) for desktop in self.desktops)
        for table in first:
            assert first[table] == second[table], f"{table}: expected the same rows on both databases"

    def rush(self) -> None:
        """Clients whom nobody orders, each request three times under one key: one effect each."""
        for at, desktop in enumerate(self.desktops):
            keys = [key for key, used in self.used.items() if used.told[:1] == ("done",)][-5:]
            acts = [Act("note", slot, "waiter", slot) for slot in desktop.cases]
            acts += [Act("propose", slot, who, 2) for slot in desktop.cases for who in ("waiter", "cook")]
            prepared = [one for one in self.wait_for(self._prepare(desktop, acts)) if one is not None]
            self.wait_for(self._rush(at, keys, prepared))

    async def _rush(self, at: int, keys: Sequence[str], prepared: Sequence[Prepared]) -> None:
        old = [self.used[key].prepared[at].call(key) for key in keys]
        new = [one.call(f"rush-{number}") for number, one in enumerate(prepared) for _ in range(3)]
        answers = await asyncio.gather(*old, *new, return_exceptions=True)
        for key, answer in zip(keys, answers, strict=False):
            assert isinstance(answer, Done) and answer.outcome.replayed
            assert answer.outcome.first_seq == self.used[key].told[1]
        for start in range(len(old), len(answers), 3):
            tripled = [one for one in answers[start : start + 3] if isinstance(one, Exception | Done)]
            effects = {said(one)[1] for one in tripled}
            assert len(effects) == 1, tripled
            assert sum(isinstance(one, Done) and not one.outcome.replayed for one in tripled) <= 1

    def close(self) -> Counter[str]:
        """Compare, let clients rush, check; return what was seen."""
        try:
            self.compare()
            self.rush()
            first, second = (self.wait_for(check(desktop.world)) for desktop in self.desktops)
            assert (
                first["awards"] == second["awards"]
            )  # how the rush was ordered is each database's own affair
            self.seen.update(first)
        finally:
            for desktop in self.desktops:
                self.wait_for(desktop.world.drop())
        return self.seen


# ---------------------------------------------------------------------------------------------- the machine
ACTS = st.builds(
    Act,
    st.sampled_from(MEDDLING),
    st.integers(0, SLOTS - 1),
    st.sampled_from((*PEOPLE, "system")),
    st.integers(0, 20),
)


class Stage:
    """Two databases with their tables, for any number of histories; each is a log of its own."""

    def __init__(self, run: asyncio.Runner, urls: Sequence[str], folder: Path) -> None:
        self.run, self.urls, self.folder = run, urls, folder
        self.seen: Counter[str] = Counter()
        self.histories = 0

    def open(self) -> Pair:
        """Begin a history."""
        self.histories += 1
        log = f"world-{self.histories}.invalid"
        return Pair(self.run, self.urls, self.folder / log, log)


class Machine(RuleBasedStateMachine):
    """Whatever may happen to an organisation; `stage` is set by who runs it."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.pair = self.stage.open()

    @rule(slot=st.integers(0, SLOTS - 1), steps=st.integers(1, 14), amount=st.integers(1, 15))
    def go_on(self, slot: int, steps: int, amount: int) -> None:
        """A case takes its natural way for a while."""
        for _ in range(steps):
            act = self.pair.natural(slot, amount)
            if act.verb == "settle":
                self.pair.pass_time(14 * DAY_MS)
            self.pair.act([act])

    @rule(acts=st.lists(ACTS, min_size=1, max_size=5))
    def meddle(self, acts: list[Act]) -> None:
        """Anybody tries anything, together."""
        self.pair.act(acts)

    @rule(amount=st.integers(1, 15), acts=st.lists(ACTS, max_size=3))
    def all_go_on(self, amount: int, acts: list[Act]) -> None:
        """The next steps of all cases come together, with somebody meddling."""
        self.pair.act([*(self.pair.natural(slot, amount) for slot in range(SLOTS)), *acts])

    @rule(slot=st.integers(0, SLOTS - 1), acts=st.lists(ACTS, max_size=2), point=st.sampled_from(FAULTS))
    def crash(self, slot: int, acts: list[Act], point: str) -> None:
        """The database breaks on a batch; the process begins again and all clients retry."""
        self.pair.act([self.pair.natural(slot, 5), *acts], point)

    @precondition(lambda self: self.pair.used)
    @rule(data=st.data(), count=st.integers(1, 3))
    def retry(self, data: st.DataObject, count: int) -> None:
        """Requests come again under their keys, even twice in one batch."""
        keys = sorted(self.pair.used)
        self.pair.send([keys[data.draw(st.integers(0, len(keys) - 1))] for _ in range(count)])

    @precondition(lambda self: self.pair.used)
    @rule(data=st.data(), slot=st.integers(0, SLOTS - 1))
    def other_body(self, data: st.DataObject, slot: int) -> None:
        """Another request comes under a used key."""
        keys = sorted(self.pair.used)
        self.pair.other_body(keys[data.draw(st.integers(0, len(keys) - 1))], slot)

    @rule(days=st.sampled_from((0, 1, 15)))
    def pass_time(self, days: int) -> None:
        """Seconds or days go by."""
        self.pair.pass_time(days * DAY_MS + 11_000)

    @rule()
    def begin_again(self) -> None:
        """Both processes end without a word."""
        self.pair.reopen()

    @rule()
    def publish(self) -> None:
        """A checkpoint is signed."""
        self.pair.publish()

    @rule()
    def rebuild(self) -> None:
        """The derived tables are made again."""
        self.pair.rebuild()

    def teardown(self) -> None:
        """Every history ends with all checks."""
        self.stage.seen.update(self.pair.close())


@pytest.fixture
def stage(tmp_path: Path, fresh_postgres_url: str) -> Iterator[Stage]:
    """Both databases, empty."""
    with asyncio.Runner() as run:
        urls = [f"sqlite+aiosqlite:///{tmp_path / 'world.db'}", fresh_postgres_url]
        for url in urls:
            run.run(make_tables(url))
        yield Stage(run, urls, tmp_path)


def run_machine(stage: Stage, histories: int, steps: int, **more: Any) -> None:
    """Run that many histories of at most that many steps."""
    machine = type("Histories", (Machine,), {"stage": stage})
    chosen = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.timeout(240)
def test_random_schedules_leave_the_same_record_on_both_databases(stage: Stage) -> None:
    # Without shrinking: what fails here is made smaller by tests/prove, where there is time.
    run_machine(stage, 6, 15, phases=(Phase.explicit, Phase.generate), derandomize=True)
    assert stage.seen["commands"] > 50


def test_a_whole_award_in_one_schedule(stage: Stage) -> None:
    """The natural way of two cases at once, every batch broken at another point: the machine does reach the end."""
    pair = stage.open()
    for number in range(15):
        acts = [pair.natural(slot, 7) for slot in (0, 1)]
        if any(act.verb == "settle" for act in acts):
            pair.pass_time(14 * DAY_MS)
        told = pair.act(acts, FAULTS[number % len(FAULTS)])
        assert all(one[0] == "done" for one in told), (acts, told)
    seen = pair.close()
    assert (seen["awards"], seen["settled"]) == (2, 2)
    assert seen["crashes"] == 15 and seen["replayed"] > 0

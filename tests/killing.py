"""Kills a process (and on PostgreSQL sometimes the server under it) at random moments, and looks what is left.

Used for two rounds by tests/test_kill.py and for forty per database by tests/prove/test_kill.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from dataclasses import astuple, dataclass, field
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ledger.clock import SystemClock
from ledger.entries import command_id
from ledger.errors import StoreError
from ledger.notes import parse_note
from ledger.store.tables import entry
from tests.world import Terms, World, check, make_tables

ROOT = Path(__file__).resolve().parents[1]
LOG = "killed-organisation.invalid"
LAST_STEP = "award"
TERMS = Terms(budget_tokens=1_000_000, undo_seconds=0, path_seconds_min=0)
ALIVE_SECONDS = (0.0, 3.0)
"""Counted from the first answer on."""
SILENCE_SECONDS_MAX = 120
RECOVERY_SECONDS_MAX = 60
CHECK_EVERY_ROUNDS = 10


@dataclass
class Kills:
    """What happened: rounds, of them with the server killed too; what was acknowledged, key -> (seq, leaf)."""

    rounds: int = 0
    server_kills: int = 0
    acknowledged: dict[str, tuple[int, str]] = field(default_factory=dict)
    found_again: int = 0
    lost: int = 0
    doubled: int = 0
    checkpoints: int = 0
    awards: int = 0
    entries: int = 0

    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    def memory(self) -> dict[str, dict[str, str]]:
        """Return key -> ids of the answers that clients would remember: those of cases not ended."""
        ended = {key.rpartition("-")[0] for key in self.acknowledged if key.endswith(f"-{LAST_STEP}")}
        open_cases = {key: ids for key, ids in self.ids.items() if "-".join(key.split("-")[:2]) not in ended}
        return open_cases | {f"{case}-{LAST_STEP}": {} for case in ended}


async def killed(url: str, folder: Path, rounds: int, draw: random.Random) -> Kills:
    """Kill that many times; every round is looked through, every tenth and the last one audited in full."""
    seen = Kills()
    await make_tables(url)
    world = await World.open(LOG, url, folder, SystemClock(), TERMS)
    await world.drop()
    for number in range(rounds):
        # Every fourth time on PostgreSQL the server's own process is killed first, and the clients go on after it.
        server = number % 4 == 1 and url.startswith("postgresql")
        await _round(world, seen, draw, server)
        await _reopened(world)
        await _look(world, seen)
        if number % CHECK_EVERY_ROUNDS == CHECK_EVERY_ROUNDS - 1 or number == rounds - 1:
            found = await check(world)
            seen.awards, seen.entries = found["awards"], found["entries"]
        await world.drop()
    return seen


async def _reopened(world: World) -> None:
    """Begin again, as the next process would, within a minute even while a server recovers."""
    for _ in range(RECOVERY_SECONDS_MAX * 2):
        try:
            await world.reopen()
            return
        except (StoreError, OSError):
            await world.drop()
            await asyncio.sleep(0.5)
    raise AssertionError(f"expected the database back within {RECOVERY_SECONDS_MAX} s")


async def _round(world: World, seen: Kills, draw: random.Random, server: bool) -> None:
    complaints = world.folder / "killed.stderr"
    (world.folder / "memory.json").write_text(json.dumps(seen.memory()))
    people = json.dumps({name: astuple(who) for name, who in world.people.items()})
    with complaints.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "tests" / "killed_organisation.py"), world.url, str(world.folder), LOG,
            world.budget, people, stdout=asyncio.subprocess.PIPE, stderr=stderr,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = await asyncio.wait_for(process.stdout.readline(), SILENCE_SECONDS_MAX)
        assert ready == b"ready\n", f"did not start again: {complaints.read_text()[-4000:]}"
        first = await asyncio.wait_for(process.stdout.readline(), SILENCE_SECONDS_MAX)
        reading = asyncio.create_task(process.stdout.read())
        await asyncio.sleep(draw.uniform(*ALIVE_SECONDS))
        if server:
            seen.server_kills += await _kill_server(world)
            await asyncio.sleep(draw.uniform(*ALIVE_SECONDS))
        assert process.returncode is None, f"ended before it was killed: {complaints.read_text()[-4000:]}"
        process.send_signal(signal.SIGKILL)
        said = first + await asyncio.wait_for(reading, SILENCE_SECONDS_MAX)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    seen.rounds += 1
    for line in said.decode().splitlines(keepends=True):
        if not line.endswith("\n"):
            continue  # killed while writing it: nobody was told
        key, seq, leaf, replayed, ids = line.split(" ", 4)
        seen.ids[key] = json.loads(ids)
        before = seen.acknowledged.setdefault(key, (int(seq), leaf))
        seen.found_again += replayed == "1"
        seen.doubled += before != (int(seq), leaf)


async def _kill_server(world: World) -> int:
    """Kill -9 the server's process that writes: the server then ends all others and recovers from its log.

    Asks without a writer of its own, so that the one it finds is the client's.
    """
    if make_url(world.url).host or "host" not in make_url(world.url).query:
        return 0  # a server elsewhere is not ours to kill
    query = text("SELECT pid FROM pg_stat_activity WHERE application_name = 'tallystick-writer'")
    engine = create_async_engine(world.url, poolclass=NullPool)
    for _ in range(RECOVERY_SECONDS_MAX * 10):
        async with engine.connect() as connection:
            pids = (await connection.execute(query)).scalars().all()
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue  # that connection was just closed
            return 1
        await asyncio.sleep(0.1)
    raise AssertionError(f"expected a writer of the client within {RECOVERY_SECONDS_MAX} s, got none")


async def _look(world: World, seen: Kills) -> None:
    """Every acknowledged entry stands where it was said to; every key has one effect; the guard lets the tree pass."""
    query = text("SELECT cmd, first_seq, count FROM command WHERE log = :log").bindparams(log=LOG)
    told = await world.store.reader.rows(query)
    commands = {row["cmd"]: (int(row["first_seq"]), int(row["count"])) for row in told}
    entries = await world.store.reader.rows(entry.select().where(entry.c.log == LOG).order_by(entry.c.seq))
    assert [row["seq"] for row in entries] == list(range(len(entries)))
    actors = [who.id for who in world.people.values()] + ["system"]
    for key, (seq, leaf) in seen.acknowledged.items():
        # Keys are in the scope of who asked, which the key does not tell; a customer's are found by the entry.
        if seq >= len(entries):
            seen.lost += 1
            continue
        cmd, leaf_there = entries[seq]["cmd"], bytes(entries[seq]["leaf"]).hex()
        mine = entries[seq]["kind"] == "link_answered" or cmd in {
            command_id(LOG, actor, key) for actor in actors
        }
        there = mine and leaf_there == leaf and commands[cmd][0] == seq
        seen.lost += not there
    effects: dict[str, int] = {}
    for row in entries:
        effects.setdefault(row["cmd"], row["seq"])
    seen.doubled += sum(commands[cmd][0] != seq for cmd, seq in effects.items())
    assert sum(count for _, count in commands.values()) == len(entries)
    note = await world.publisher.publish()
    assert parse_note(note).text.splitlines()[1] == str(len(entries))
    seen.checkpoints += 1

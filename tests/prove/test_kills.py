"""kill -9 at random moments while 32 clients append: nothing acknowledged is lost, nothing is granted twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import codec
from ledger.clock import SystemClock
from ledger.commands import Command, Decided, View
from ledger.entries import Draft
from ledger.store import Store
from ledger.store.postgres import PostgresStore
from ledger.writer import Writer
from tests.ledger.test_writer import check_log
from tests.ledger.writing import PROJECTIONS, command, empty_store, fetch, opening
from tests.prove.killed_writer import KILLED_LOG

KILLS = 40
ALIVE_SECONDS = (0.0, 0.4)
BUDGET_TOKENS = 1_000_000
SILENCE_SECONDS_MAX = 60
ROOT = Path(__file__).resolve().parents[2]


def top_up(view: View, command: Command, at: str) -> Decided:
    return Decided((Draft("budget_approved", None, {"budget": "shop", "amount_tokens": command.data}),))


async def killed_run(
    url: str, first: int, last: int, alive_seconds: float | None
) -> list[tuple[str, int, bool]]:
    """Start the writer, kill it after a while (None: let it finish), return what it acknowledged."""
    script = str(Path(__file__).with_name("killed_writer.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, url, str(first), str(last),
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), SILENCE_SECONDS_MAX) == b"ready\n"
    if alive_seconds is not None:
        asyncio.get_running_loop().call_later(alive_seconds, process.send_signal, signal.SIGKILL)
    said = await asyncio.wait_for(process.stdout.read(), 600)
    code = await process.wait()
    assert code == (0 if alive_seconds is None else -signal.SIGKILL)
    lines = [line.split() for line in said.decode().splitlines(keepends=True) if line.endswith("\n")]
    return [(key, int(seq), replayed == "1") for key, seq, replayed in lines]


async def at_rest(store: Store) -> None:
    """What the killed process had sent may still be committing in the database's own process: wait for that."""
    if not isinstance(store, PostgresStore):
        return
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' AND state IS DISTINCT FROM 'idle'"
    )
    until = time.monotonic() + SILENCE_SECONDS_MAX
    while await fetch(store, busy) != [(0,)]:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


async def check_acknowledged(store: Store, acknowledged: dict[str, int]) -> int:
    """Every acknowledged award stands where it was said to; no award stands twice. Return how many there are."""
    await at_rest(store)
    await check_log(store, KILLED_LOG)
    rows = await fetch(
        store, f"SELECT seq, canon FROM entry WHERE log = '{KILLED_LOG}' AND kind = 'award_granted'"
    )
    granted = {codec.loads(canon)["body"]["award"]: seq for seq, canon in rows}
    assert len(granted) == len(rows), "an award was granted twice"
    lost = {key: seq for key, seq in acknowledged.items() if granted.get(key) != seq}
    assert lost == {}, "acknowledged and lost"
    ((left,),) = await fetch(store, "SELECT balance_tokens FROM account WHERE account = 'budget/shop'")
    assert left == 1_000 + BUDGET_TOKENS - len(rows)
    return len(rows)


@pytest.mark.timeout(1800)
async def test_kills(store_url: str, prove_seed: int, proof_report: Callable[[str, int | str], None]) -> None:
    draw = random.Random(prove_seed)
    acknowledged: dict[str, int] = {}
    found_again = 0
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, SystemClock()) as writer:
            await writer.submit(opening(KILLED_LOG))
            await writer.submit(command("top up", top_up, BUDGET_TOKENS, log=KILLED_LOG))
        first = 0
        for _ in range(KILLS):
            for key, seq, replayed in await killed_run(store_url, first, 10**6, draw.uniform(*ALIVE_SECONDS)):
                assert acknowledged.setdefault(key, seq) == seq
                found_again += replayed
            await check_acknowledged(store, acknowledged)
            # The next process begins with the first key that was not answered, as its clients would.
            while f"k{first}" in acknowledged:
                first += 1
        unanswered = max((int(key[1:]) for key in acknowledged), default=0) + 200
        for key, seq, replayed in await killed_run(store_url, 0, unanswered, None):
            assert acknowledged.setdefault(key, seq) == seq
            found_again += replayed
        assert await check_acknowledged(store, acknowledged) == unanswered
    assert len(acknowledged) - 200 > KILLS and found_again > 0, "the kills must fall among awards"
    database = store_url.partition("+")[0]
    proof_report(f"kills while 32 clients append, {database}", KILLS)
    proof_report(f"awards acknowledged and there, {database}", len(acknowledged))
    proof_report(f"retries that found their first effect, {database}", found_again)

"""A sender in a process of its own, to be killed: appends, anchors, and writes every receipt it was given to a file.

killed_sender.py DATABASE-URL RPC,RPC,... PLACE-JSON RECEIPTS-FILE TARGET NAME STEP OCCURRENCE

It kills itself with SIGKILL when the step comes for that many times (`never` does not come). Steps are `before` and
`after` of everything that is durable: each write of the journal, each send to an RPC, the receipt's own record.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ledger.anchors.evm import EvmAnchor, Place, Signers
from ledger.anchors.fees import GWEI_WEI
from ledger.anchors.journal import Journal
from ledger.anchors.looking import Terms
from ledger.anchors.protocol import Wanted
from ledger.anchors.rpc import Pool, Rpc
from ledger.clock import SystemClock
from ledger.reader import LogReader
from ledger.store import open_store
from ledger.writer import Writer
from tests.anchors.sender_world import ANCHOR, KEY, PAYER
from tests.ledger.writing import LOG, PROJECTIONS, note

TERMS = {"ceiling_wei": 3000 * GWEI_WEI, "replace_blocks": 6, "stuck_blocks": 10**6, "lease_seconds": 3}
WRITES = ("lease", "start_nonces", "intend", "sign", "again", "moved", "done", "set_work", "recorded")
STEPS = tuple(f"{when} {what}" for what in (*WRITES, "push", "receipt") for when in ("before", "after"))
TIMEOUT_SECONDS = 0.5
NEVER = "never"


class Fuse:
    """Counts steps, and ends the process at the one it was set for."""

    def __init__(self, step: str, occurrence: int) -> None:
        self.step = step
        self.left = occurrence

    def __call__(self, step: str) -> None:
        if step == self.step:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, what: str, done: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(done)
        async def wrapped(*arguments: Any, **named: Any) -> Any:
            self(f"before {what}")
            value = await done(*arguments, **named)
            self(f"after {what}")
            return value

        return wrapped


class FusedRpc(Rpc):
    """An RPC that counts what is sent to it."""

    fuse: Fuse

    async def request(self, method: str, params: Any) -> Any:
        if method != "eth_sendRawTransaction":
            return await super().request(method, params)
        self.fuse("before push")
        try:
            return await super().request(method, params)
        finally:
            self.fuse("after push")


async def main(url: str, rpcs: str, place: str, receipts: Path, target: int, name: str, fuse: Fuse) -> None:
    pool = []
    for number, one in enumerate(rpcs.split(","), 1):
        rpc = FusedRpc(one, number, TIMEOUT_SECONDS)
        rpc.fuse = fuse
        pool.append(rpc)
    store = open_store(url)
    async with Writer(store, PROJECTIONS, SystemClock()) as writer:
        journal = Journal(writer, LOG)
        for what in WRITES:
            setattr(journal, what, fuse.around(what, getattr(journal, what)))
        reader = LogReader(store.reader, LOG)
        terms = Terms(name, **TERMS)
        anchor = EvmAnchor(
            ANCHOR, Place(**json.loads(place)), Pool(pool, len(pool) // 2 + 1), journal, reader,
            lambda: Signers(KEY, PAYER), terms,
        )  # fmt: skip
        print("ready", flush=True)
        await drive(anchor, writer, reader, receipts, target, fuse)
    await store.close()


async def drive(
    anchor: EvmAnchor, writer: Writer, reader: LogReader, receipts: Path, target: int, fuse: Fuse
) -> None:
    """Anchor until `target` sizes are recorded."""
    sizes = {json.loads(line)["size"] for line in receipts.read_text().splitlines()}
    wanted: Wanted | None = None
    while len(sizes) < target:
        if wanted is None or wanted.size in sizes:
            head = await reader.head()
            await writer.submit(note(f"note-{head.size}"))
            head = await reader.head()
            wanted = Wanted(head.size, head.root, b"")
        progress = await anchor.advance(wanted)
        for trouble in progress.troubles:
            print(f"{trouble.code}: {trouble.detail}", file=sys.stderr, flush=True)
            if trouble.stops:
                raise SystemExit(f"stopped: {trouble.code}: {trouble.detail}")
        for one in progress.anchored:
            fuse("before receipt")
            with receipts.open("a") as file:
                file.write(json.dumps({"size": one.size, "receipt": one.receipt}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            fuse("after receipt")
            await anchor.recorded(one.size)
            sizes.add(one.size)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    _, url, rpcs, place, receipts, target, name, step, occurrence = sys.argv
    asyncio.run(main(url, rpcs, place, Path(receipts), int(target), name, Fuse(step, int(occurrence))))

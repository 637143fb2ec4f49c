"""A process that is going to be killed: 32 clients grant one token each time and print what was acknowledged.

killed_writer.py URL FIRST LAST     keys FIRST .. LAST-1; prints `ready`, then `key first_seq replayed` per answer
"""

from __future__ import annotations

import asyncio
import os
import sys

from ledger.clock import SystemClock
from ledger.store import open_store
from ledger.writer import Writer
from tests.ledger.writing import PROJECTIONS, grant

KILLED_LOG = "killed-1.example"
CLIENTS = 32


async def main(url: str, first: int, last: int) -> None:
    """Run until done or killed."""
    keys = iter(range(first, last))
    store = open_store(url)

    async def client(writer: Writer) -> None:
        for key in keys:
            outcome = await writer.submit(grant(f"k{key}", 1, f"m{key % 7}", log=KILLED_LOG))
            # One write per line, unbuffered: what the parent has read, this process has acknowledged.
            os.write(1, f"k{key} {outcome.first_seq} {int(outcome.replayed)}\n".encode())

    async with Writer(store, PROJECTIONS, SystemClock()) as writer:
        os.write(1, b"ready\n")
        await asyncio.gather(*(client(writer) for _ in range(CLIENTS)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))

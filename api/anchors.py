"""Sending checkpoints to anchors, on a timer of its own: nothing else the server does ever waits for the other side.

    every anchor_poll_ms, for each open anchor
        is it time (ledger/anchors/policy.py) -> advance(newest published checkpoint, or none)
        what became final -> checked against the record -> an entry -> recorded()
        what went wrong   -> kept for the pages; what stops, or lasts, becomes a case for an owner

The worker builds an anchor when it is first seen open, and lets it go when it is not any more. An error of one anchor
keeps no other from its turn. What a crash costs: after an entry and before recorded(), the receipt comes again and is
known by its size.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from api.anchor_cases import Cases
from api.anchor_sights import Sight, Standing, asked_sizes, open_anchors, saw, sights_of
from api.anchor_types import AnchorSetupMissing
from api.installation import Installation
from api.rooms import Rooms
from casework.anchor_requests import RecordAnchored
from ledger.anchors.evm import EvmAnchor
from ledger.anchors.looking import Halted
from ledger.anchors.policy import UNCOUNTED, Policy, Since, is_due
from ledger.anchors.protocol import Anchor, Anchored, Progress, Trouble, Wanted
from ledger.anchors.rpc import RpcError
from ledger.changes import Row
from ledger.checkpoints import parse_text
from ledger.clock import unix_ms_of
from ledger.errors import LedgerError, Refused
from ledger.notes import parse_note

TURN_SECONDS_MAX = 120
"""Of one anchor: what is not done by then goes on in its next turn."""
SEEN_SECONDS = 60
"""So often what was seen is kept even if it is the same."""
BETWEEN_SECONDS_MAX = 20.0
"""So long a command waits for the turn that is under way."""
TURNS_AT_ONCE = 8
KNOWN_BEFORE = frozenset({"anchor_not_newer", "anchor_over", "idempotency_mismatch"})
"""Refusals that say: this size is written down already, or is of no interest any more."""

log = structlog.get_logger("api.anchors")

Build = Callable[[Rooms, Row], Awaitable[Anchor]]
"""Makes an anchor of its row. Raises LedgerError: settings or files it needs are not there."""


class Anchors:
    """The anchors of an installation, as far as this process looks after them."""

    def __init__(self, installation: Installation, build: Build) -> None:
        self._at = installation
        self._build = build
        self._built: dict[tuple[str, str], Anchor] = {}
        self._cases = Cases()
        self._turning = asyncio.Lock()
        settings = installation.settings
        self._policy = Policy(settings.anchor_entries, settings.anchor_minutes)

    async def run(self, stop: asyncio.Event) -> None:
        """Look after them until `stop` is set or this is cancelled; what is under way is journalled and goes on."""
        try:
            while not stop.is_set():
                try:
                    await self.turn()
                except Exception as error:  # whatever it is: it must not keep the next turn from coming
                    log.error("anchors_failed", error_type=type(error).__name__, detail=str(error)[:300])
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._at.settings.anchor_poll_ms / 1000)
        finally:
            await self.close()

    @asynccontextmanager
    async def between_turns(self, wait_seconds: float = BETWEEN_SECONDS_MAX) -> AsyncIterator[None]:
        """Hold the next turn back, once the one under way is over: what it reads then is as the caller left it. A turn
        that hangs is waited for no longer than `wait_seconds`."""
        held = False
        with suppress(TimeoutError):
            held = await asyncio.wait_for(self._turning.acquire(), wait_seconds)
        try:
            yield
        finally:
            if held:
                self._turning.release()

    async def turn(self) -> int:
        """Give every open anchor one turn; return how many checkpoints were written down as anchored."""
        async with self._turning:
            return await self._turn()

    async def _turn(self) -> int:
        rooms = [await self._at.rooms(name) for name in await self._at.logs()]
        turns = [(one, row) for one in rooms for row in await open_anchors(one)]
        await self._let_go({(one.log, str(row["anchor"])) for one, row in turns})
        gate = asyncio.Semaphore(TURNS_AT_ONCE)

        async def taken(one: Rooms, row: Row) -> tuple[int, int, Sight]:
            async with gate:
                return await self._turn_of(one, row)

        done = await asyncio.gather(*(taken(one, row) for one, row in turns), return_exceptions=True)
        seen = [one for one in done if not isinstance(one, BaseException)]
        self._at.anchors.tell(
            [sight for _, _, sight in seen], max((behind for _, behind, _ in seen), default=0)
        )
        for (one, _), result in zip(turns, done, strict=True):
            if isinstance(result, (LedgerError, OSError)):
                log.error(
                    "anchor_failed", log=one.log, error_type=type(result).__name__, detail=str(result)[:300]
                )
            elif isinstance(result, BaseException):
                raise result
        return sum(written for written, _, _ in seen)

    async def close(self) -> None:
        """Let go of everything."""
        await self._let_go(set())

    async def _let_go(self, but: set[tuple[str, str]]) -> None:
        for name in [name for name in self._built if name not in but]:
            await self._built.pop(name).close()

    # ------------------------------------------------------------------------------------------ one anchor
    async def _turn_of(self, rooms: Rooms, row: Row) -> tuple[int, int, Sight]:
        """Return how many checkpoints were written down, how many entries are not held, and what was seen."""
        anchor, before = str(row["anchor"]), (await sights_of(rooms)).get(str(row["anchor"]))
        progress, facts = await self._advanced(rooms, row, before)
        written, held = 0, int(row["size"])
        troubles = list(progress.troubles)
        for one in sorted(progress.anchored, key=lambda found: found.size):
            trouble = await self._write_down(rooms, row, one)
            if trouble is not None:
                troubles.append(trouble)
                continue
            written, held = written + 1, max(held, one.size)
        now = rooms.clock.now()
        since = {one.code: one.since for one in before.troubles} if before else {}
        standing = tuple(
            Standing(one.code, one.detail[:500], one.stops, since.get(one.code, now)) for one in troubles
        )
        sight = Sight(now, progress.pending_size, standing, facts)
        if before is None or _is_news(before, sight):
            await saw(rooms, anchor, sight)
        await self._cases.follow(rooms, row, sight)
        return written, (await rooms.reader.head()).size - held, sight

    async def _facts(self, anchor: Anchor, progress: Progress, before: Sight | None) -> dict[str, object]:
        """Return what the payer holds, asked anew where something moved; what is not known stays as it was."""
        known = dict(before.facts) if before else {}
        moved = before is None or bool(progress.anchored) or progress.pending_size != before.pending_size
        if isinstance(anchor, EvmAnchor) and (moved or "payer_wei" not in known):
            with suppress(Halted, RpcError):
                head = await anchor.sending.pool.block("latest")
                known["payer_wei"] = str(await anchor.sending.balance(head))
        return known

    async def _advanced(
        self, rooms: Rooms, row: Row, before: Sight | None
    ) -> tuple[Progress, dict[str, object]]:
        """Give an anchor its turn. A failure of the other side is a trouble of it, never an exception."""
        name = (rooms.log, str(row["anchor"]))
        try:
            if name not in self._built:
                self._built[name] = await self._build(rooms, row)
            wanted = await self._wanted(rooms, row)
            async with asyncio.timeout(TURN_SECONDS_MAX):
                progress = await self._built[name].advance(wanted)
                return progress, await self._facts(self._built[name], progress, before)
        except AnchorSetupMissing as error:
            return Progress(troubles=(error.trouble,)), {}
        except TimeoutError:
            late = f"the other side: expected it to be done in {TURN_SECONDS_MAX} s, it was not"
            return Progress(troubles=(Trouble("rpc_unreachable", late),)), {}

    async def _wanted(self, rooms: Rooms, row: Row) -> Wanted | None:
        """Return the newest published checkpoint if it is time for it to be anchored here."""
        latest = await rooms.reader.latest_checkpoint()
        if latest is None or latest[0] <= int(row["size"]):
            return None
        size, held = latest[0], int(row["size"])
        count = await rooms.rows.entries_since(held, size, UNCOUNTED, self._policy.entries)
        last_ms = unix_ms_of(str(row["anchored_at"] or row["opened_at"]))
        minutes = max(0, rooms.clock.unix_ms() - last_ms) // 60_000
        asked = (await asked_sizes(rooms)).get(str(row["anchor"]), 0) > held
        if not is_due(self._policy, Since(count, minutes, asked)):
            return None
        told = parse_text(parse_note(latest[1]).text)
        return Wanted(told.size, told.root, latest[1])

    async def _write_down(self, rooms: Rooms, row: Row, one: Anchored) -> Trouble | None:
        """Make an entry of what is anchored, if the record has it; return what speaks against it."""
        anchor, size = str(row["anchor"]), one.size
        known = await _root_at(rooms, size)
        if known != one.root:
            got = f"got {one.root.hex()}, the record has {known.hex() if known else 'no such size'}"
            detail = f"anchored checkpoint of size {size}: expected the record's root, {got}"
            return Trouble("log_differs", detail, stops=True)
        try:
            request = RecordAnchored(anchor, size, one.root.hex(), one.receipt)
            await rooms.anchoring.record(request, known.hex())
        except Refused as refusal:
            if refusal.code not in KNOWN_BEFORE:
                raise
        await self._built[rooms.log, anchor].recorded(size)
        return None


async def _root_at(rooms: Rooms, size: int) -> bytes | None:
    if not 0 < size <= (await rooms.reader.head()).size:
        return None
    return await rooms.reader.root(size)


def _is_news(before: Sight, now: Sight) -> bool:
    if (before.pending_size, before.troubles, dict(before.facts)) != (
        now.pending_size,
        now.troubles,
        dict(now.facts),
    ):
        return True
    return unix_ms_of(now.looked_at) - unix_ms_of(before.looked_at) >= SEEN_SECONDS * 1000

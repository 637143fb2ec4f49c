"""What happens without anybody asking: due timers, due jobs, checkpoints. One `tick` does what is due now.

    timers       playbooks whose time has come -> signals -> cases            api/watching.py
    climbing     what nobody answered in time goes one step up                api/climbing.py
    undecided    recognition nobody decided on goes to somebody else          api/undecided.py
    plans        planned work comes at its time, or was missed                api/plans.py
    keeping      what was kept for a stated time goes                         api/keeping.py
    jobs         judge, grant, settle, link, acknowledgement                  rows caused by entries (ledger/jobs.py)
    checkpoints  at most every interval while a log grows, at once after a settlement
    anchors      beside all this, on a timer of their own: nothing here waits for them          api/anchors.py

Inside `run` by default; `tallystick worker` runs the same on PostgreSQL in a process of its own. Every effect is a
command under the job's own key, so a crash after the effect and before the row is gone does it once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from api.anchor_types import Builder
from api.anchors import Anchors
from api.climbing import Climbing, over_report
from api.installation import Installation
from api.keeping import Keeping
from api.plans import Plans
from api.rooms import Rooms
from api.said import JOB_KIND
from api.scope import first_owner
from api.undecided import Undecided
from casework import cases, tables
from casework.absence import in_for
from casework.requests import THE_SYSTEM, AssignOwner, AwardStep, DrawAward, ExpireLink, Grant, Judge
from casework.routing import people_here
from ledger.checkpoints import parse_text
from ledger.errors import LedgerError, Refused, Stopped, StoreError
from ledger.jobs import Job, JobGone
from ledger.jobs import Worker as Jobs
from ledger.notes import parse_note
from ledger.store.tables import checkpoint
from playbooks.errors import PlaybookError

TRIES_MAX_PER_TICK = 200
PROMISED = (cases.ACKNOWLEDGED, cases.AWAITING_DECISION)
"""In these a case that somebody had in hand until a time still waits; in others it has gone on meanwhile."""
POINTLESS = frozenset(
    {
        "unknown", "transition", "no_policy", "link_closed", "award_state", "already_awarded", "decision_withdrawn",
        "not_decided", "verdict_not_pass", "recall_awaited",
    }
)  # fmt: skip
"""Refusals that no later try can change: the work is done, or was overtaken. Anything else is tried again,
then shown."""

log = structlog.get_logger("api.worker")


class Worker:
    """Does what is due, for all organisations of an installation."""

    def __init__(self, installation: Installation) -> None:
        self._at = installation
        handlers = {
            "judge": self._judge,
            "grant": self._grant,
            "draw": self._draw,
            "settle": self._settle,
            "credential": self._credential,
            "link": self._expire_link,
            "acknowledgement": self._acknowledgement,
            JOB_KIND: self._said,
        }
        self._climbing = Climbing()
        self._undecided = Undecided()
        self._plans = Plans()
        self._keeping = Keeping()
        name = f"worker-{os.getpid()}-{installation.entropy.token(4).hex()}"
        # Simulated time promises the same log for the same seed, so there nothing runs side by side.
        at_once = {"claim_count": 1} if installation.simulated else {}
        self.name = "server" if installation.settings.is_sqlite else name
        """Tells whoever sends to chains from others. On SQLite there are none: a new start goes on at once."""
        self.anchors = Anchors(installation, Builder(installation.settings, self.name))
        self._jobs = Jobs(installation.writer, handlers, name, **at_once)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; an error of one tick is logged and the next one tries again.

        What is in hand when `stop` is set is finished, and nothing else begun. Cancelled, it gives its jobs back.
        """
        beside = asyncio.create_task(self.anchors.run(stop))
        try:
            await self._ticks(stop)
        finally:
            # nothing waits for a chain: what is under way there is journalled, and goes on at the next start
            beside.cancel()
            with suppress(asyncio.CancelledError):
                await beside

    async def _ticks(self, stop: asyncio.Event) -> None:
        pause_seconds = self._at.settings.worker_pause_ms / 1000
        while not stop.is_set():
            try:
                done = await self.tick(stop)
            except (LedgerError, OSError) as error:
                log.error("tick_failed", error_type=type(error).__name__, detail=str(error)[:300])
                done = 0
            if not done:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause_seconds)

    async def tick(self, stop: asyncio.Event | None = None) -> int:
        """Do what is due at the installation's time, until `stop`, and return how much that was.

        A log that is stopped, or whose keys are not here, does not keep the others from their work.
        """

        def going() -> bool:
            return stop is None or not stop.is_set()

        done = 0
        logs = await self._at.logs()
        for name in logs:
            done += await self._guarded(name, self._fire) if going() else 0
        for _ in range(TRIES_MAX_PER_TICK):
            claimed = await self._jobs.run_once() if going() else 0
            done += claimed
            if not claimed:
                break
        for name in logs:
            done += await self._guarded(name, _publish) if going() else 0
        return done

    async def _guarded(self, name: str, work: Callable[[Rooms], Awaitable[int]]) -> int:
        try:
            return await work(await self._at.rooms(name))
        except StoreError:
            raise
        except (LedgerError, PlaybookError, Stopped, OSError) as error:
            log.error("log_failed", log=name, error_type=type(error).__name__, detail=str(error)[:300])
            return 0

    async def _fire(self, rooms: Rooms) -> int:
        fired = await rooms.watching.fire() + await self._climbing.climb(rooms)
        fired += await self._undecided.climb(rooms)
        return fired + await self._plans.work(rooms) + await self._keeping.sweep(rooms)

    # ------------------------------------------------------------------------------------------ jobs
    async def _do(self, job: Job, work: Callable[[Rooms, str], Awaitable[object]]) -> None:
        rooms = await self._at.rooms(job.log)
        try:
            await work(rooms, f"{job.kind}:{job.cause_seq}")
        except Refused as refusal:
            if refusal.code in POINTLESS:
                raise JobGone(f"{job.job}: {refusal}") from refusal
            raise

    async def _said(self, job: Job) -> None:
        rooms = await self._at.rooms(job.log)
        await rooms.watching.act(job.job, job.payload["item"])

    async def _judge(self, job: Job) -> None:
        request = Judge(job.payload["case"])
        await self._do(job, lambda rooms, key: rooms.desk.judge(THE_SYSTEM, key, request))

    async def _grant(self, job: Job) -> None:
        request = Grant(job.payload["case"], job.payload["decision"])
        await self._do(job, lambda rooms, key: rooms.desk.grant(THE_SYSTEM, key, request))

    async def _settle(self, job: Job) -> None:
        async def settle(rooms: Rooms, key: str) -> None:
            try:
                await rooms.desk.settle(THE_SYSTEM, key, AwardStep(job.payload["award"]))
            except Refused as refusal:
                if refusal.code == "held":  # whatever ends the hold or the question makes the job anew
                    raise JobGone(f"{job.job}: {refusal}") from refusal
                raise
            await rooms.publisher.publish()

        await self._do(job, settle)

    async def _draw(self, job: Job) -> None:
        """Whether it is looked at again is drawn from the first checkpoint that covers it; there will be one."""

        async def draw(rooms: Rooms, key: str) -> None:
            award = await rooms.rows.need("award", tables.award, award=job.payload["award"])
            size, root = await first_over(rooms, int(award["seq"]))
            await rooms.desk.draw(THE_SYSTEM, key, DrawAward(award["award"], size, root))

        await self._do(job, draw)

    async def _credential(self, job: Job) -> None:
        """What was settled can be taken along, under a checkpoint that covers it."""

        async def issue(rooms: Rooms, key: str) -> None:
            await rooms.credentials.issue(THE_SYSTEM, key, AwardStep(job.payload["award"]))
            await rooms.publisher.publish()

        await self._do(job, issue)

    async def _expire_link(self, job: Job) -> None:
        request = ExpireLink(job.payload["case"], job.payload["link"])
        await self._do(job, lambda rooms, key: rooms.desk.expire_link(THE_SYSTEM, key, request))

    async def _acknowledgement(self, job: Job) -> None:
        """An acknowledged case was forgotten: it goes to the organisation's owner, or to their stand-in."""

        async def escalate(rooms: Rooms, key: str) -> None:
            row = await rooms.rows.need("case", tables.case_file, case=job.payload["case"])
            if row["state"] not in PROMISED:
                raise JobGone(f"{job.job}: expected a case that waits, got {row['state']}")
            if row["playbook"] is None:  # a report: never to whoever told of it, be it as a stand-in
                owner = await over_report(rooms, row, await people_here(rooms.rows))
            else:
                owner = await in_for(rooms.rows, await first_owner(rooms.rows), rooms.clock.now())
            request = AssignOwner(job.payload["case"], owner, "ack_expired")
            await rooms.desk.assign_owner(THE_SYSTEM, key, request)

        await self._do(job, escalate)


async def first_over(rooms: Rooms, seq: int) -> tuple[int, str]:
    """Return size and root of the first published checkpoint that covers an entry; one is published where none does."""
    for _ in range(2):
        found = await rooms.rows.find(
            checkpoint, also=(checkpoint.c.size > seq,), limit=1
        )  # in key order: the smallest size first
        if found:
            told = parse_text(parse_note(found[0]["note"].encode()).text)
            return told.size, told.root.hex()
        await rooms.publisher.publish()
    raise StoreError("checkpoint: expected one that covers the award after publishing, got none")


async def _publish(rooms: Rooms) -> int:
    return 1 if await rooms.publisher.publish_due() is not None else 0

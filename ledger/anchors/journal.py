"""What the sender has promised itself, in rows that outlive the process. docs/spec/anchoring.md, "The journal".

    anchor_driver   per paying address: who drives it (lease), the next nonce, why it stopped
    anchor_work     per anchor and size: how far that checkpoint is
    anchor_send     per nonce: what it is for and in which block it got in
    anchor_attempt  per nonce and hash: the signed bytes, before they are sent the first time

Every step reads what it relies on and writes in one transaction of the writer, under the lock of the log's head, and is
refused when the rows are no longer as the caller saw them: two drivers can never take one nonce or sign one size twice,
whatever the leases say.

    LedgerError
    `-- JournalMoved   the rows are not as the caller saw them: another driver was faster. Read again, nothing is lost
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ledger.anchors.fees import Fees
from ledger.changes import Change, Delete, Insert, Key, Row, Set
from ledger.clock import instant_of, unix_ms_of
from ledger.commands import Need
from ledger.errors import LedgerError
from ledger.jobs import Writing
from ledger.overlay import Overlay, Wanted
from ledger.steps import Load, Lock, Step, Write
from ledger.store.tables import shapes

LEASE_SECONDS = 60
KEPT_WORKS_COUNT = 64
"""Recorded checkpoints that are still watched, per anchor: their receipts stand in entries, older rows go."""
OPEN_SENDS_MAX_COUNT = 64

INTENDED, SIGNED, MINED, FINAL, RECORDED = "intended", "signed", "mined", "final", "recorded"
OPEN, FAILED, CANCELLED = "open", "failed", "cancelled"
"""A send is open until it is mined; `mined` and `final` are as of a checkpoint."""


class JournalMoved(LedgerError):
    """Another driver changed the rows meanwhile. The caller gives up this round and reads again in the next."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A row of anchor_driver: all nonces below `nonce_done` are final, `nonce_next` was never signed."""

    chain_id: int
    sender: str
    nonce_next: int | None = None
    nonce_done: int = 0
    leased_by: str | None = None
    lease_until: str | None = None
    stopped: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Checkpointing:
    """A row of anchor_work: how far one checkpoint is."""

    anchor: str
    size: int
    root: bytes
    state: str = INTENDED
    nonce: int | None = None
    tx_hash: str | None = None
    block_number: int | None = None
    block_hash: str | None = None
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """A row of anchor_send."""

    chain_id: int
    sender: str
    nonce: int
    name: str | None
    action: str
    target: str | None
    data: bytes
    gas: int
    first_height: int
    last_height: int
    state: str = OPEN
    tx_hash: str | None = None
    block_number: int | None = None
    block_hash: str | None = None

    @property
    def key(self) -> Key:
        """The row's key after `log`."""
        return (self.chain_id, self.sender, self.nonce)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of anchor_attempt: signed bytes with their fees."""

    tx_hash: str
    raw: bytes
    fees: Fees
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What the journal says about one paying address: the open sends by nonce, each with its attempts by fee."""

    driver: Driver
    sends: tuple[Send, ...]
    attempts: Mapping[int, tuple[Attempt, ...]]


Rule = Callable[[Overlay], tuple[Any, Sequence[Change]]]


class Journal:
    """The journal of one log. `writer` is the log's writer: only it commits."""

    def __init__(self, writer: Writing, log: str) -> None:
        self._writer = writer
        self._log = log
        self._shapes = shapes()

    # ------------------------------------------------------------------------------------------ the driver
    async def lease(
        self, chain_id: int, sender: str, name: str, seconds: int = LEASE_SECONDS
    ) -> Driver | None:
        """Become the one who drives this address, or go on being it; None while another one is.

        Raises:
            StoreError
        """
        now = self._writer.now()
        until = instant_of(unix_ms_of(now) + seconds * 1000)

        def rule(rows: Overlay) -> tuple[Driver | None, Sequence[Change]]:
            row = rows.get("anchor_driver", (chain_id, sender))
            if row is None:
                driver = Driver(chain_id, sender, leased_by=name, lease_until=until)
                return driver, [Insert("anchor_driver", asdict(driver))]
            driver = Driver(**row)
            if driver.leased_by not in (None, name) and (driver.lease_until or "") > now:
                return None, ()
            mine = {"leased_by": name, "lease_until": until}
            return replace(driver, leased_by=name, lease_until=until), [
                Set("anchor_driver", (chain_id, sender), mine)
            ]

        found: Driver | None = await self._run((Need("anchor_driver", (chain_id, sender)),), rule)
        return found

    async def release(self, chain_id: int, sender: str, name: str) -> None:
        """Let another one drive; one that is not ours stays."""

        def rule(rows: Overlay) -> tuple[None, Sequence[Change]]:
            row = rows.get("anchor_driver", (chain_id, sender))
            if row is None or row["leased_by"] != name:
                return None, ()
            return None, [Set("anchor_driver", (chain_id, sender), {"leased_by": None, "lease_until": None})]

        await self._run((Need("anchor_driver", (chain_id, sender)),), rule)

    async def start_nonces(self, driver: Driver, nonce: int) -> None:
        """Say where the nonces go on: at the first use of an address, or after a person looked.

        Raises:
            JournalMoved, StoreError
        """
        values = {"nonce_next": nonce, "nonce_done": nonce}
        await self._set_driver(driver, values)

    async def stop(self, driver: Driver, code: str, detail: str) -> None:
        """Send nothing any more for this address until `resume`."""
        await self._set_driver(driver, {"stopped": code, "detail": detail[:500].replace("\x00", "")})

    async def resume(self, driver: Driver) -> None:
        """A person looked: send again."""
        await self._set_driver(driver, {"stopped": None, "detail": None})

    async def done(self, driver: Driver, nonce_done: int) -> None:
        """Say below which nonce all are final; it goes back when a final block was undone."""
        await self._set_driver(driver, {"nonce_done": nonce_done})

    async def _set_driver(self, driver: Driver, values: Row) -> None:
        key = (driver.chain_id, driver.sender)

        def rule(rows: Overlay) -> tuple[None, Sequence[Change]]:
            row = rows.get("anchor_driver", key)
            if row is None or (row["nonce_next"], row["nonce_done"]) != (
                driver.nonce_next,
                driver.nonce_done,
            ):
                raise JournalMoved(f"driver of {driver.sender}: expected its nonces as read, got others")
            return None, [Set("anchor_driver", key, values)]

        await self._run((Need("anchor_driver", key),), rule)

    # ------------------------------------------------------------------------------------------ nonces
    async def sight(self, driver: Driver, also: Sequence[int] = ()) -> Sight:
        """Read the sends that are not final, and those of the nonces in `also`."""
        under_way = range(
            driver.nonce_done, min(driver.nonce_next or 0, driver.nonce_done + OPEN_SENDS_MAX_COUNT)
        )
        keys = [(driver.chain_id, driver.sender, nonce) for nonce in sorted({*also, *under_way})]
        needs = [Need(table, key) for key in keys for table in ("anchor_send", "anchor_attempt")]

        def rule(rows: Overlay) -> tuple[Sight, Sequence[Change]]:
            sends = [Send(**row) for key in keys if (row := rows.get("anchor_send", key)) is not None]
            attempts = {send.nonce: _attempts(rows.scan("anchor_attempt", send.key)) for send in sends}
            return Sight(driver, tuple(sends), attempts), ()

        seen: Sight = await self._run(tuple(needs), rule)
        return seen

    async def sign(self, driver: Driver, send: Send, attempt: Attempt, work: Checkpointing | None) -> Driver:
        """Journal a transaction before it is sent: nonce, purpose and signed bytes; with it the checkpoint it is for.

        A crash after it: whoever comes next sends the same bytes.

        Raises:
            JournalMoved: the nonce is taken, the checkpoint is signed already, or one of that name is under way.
            StoreError
        """
        driver_key = (driver.chain_id, driver.sender)
        needs = [Need("anchor_driver", driver_key), Need("anchor_send", send.key)]
        if work is not None:
            needs.append(Need("anchor_work", (work.anchor, work.size)))

        def rule(rows: Overlay) -> tuple[Driver, Sequence[Change]]:
            row = rows.get("anchor_driver", driver_key)
            if row is None or row["stopped"] is not None or row["nonce_next"] != send.nonce:
                raise JournalMoved(
                    f"nonce {send.nonce} of {send.sender}: expected the next one, got it taken"
                )
            changes: list[Change] = [
                Set("anchor_driver", driver_key, {"nonce_next": send.nonce + 1}),
                Insert("anchor_send", asdict(send)),
                Insert("anchor_attempt", self._attempt_row(send, attempt)),
            ]
            if work is not None:
                there = rows.get("anchor_work", (work.anchor, work.size))
                if there is None or there["state"] != INTENDED:
                    raise JournalMoved(
                        f"checkpoint {work.size}: expected one that is intended, got another state"
                    )
                values = {"state": SIGNED, "nonce": send.nonce}
                changes.append(Set("anchor_work", (work.anchor, work.size), values))
            return replace(driver, nonce_next=send.nonce + 1), changes

        moved: Driver = await self._run(tuple(needs), rule)
        return moved

    async def fill(self, driver: Driver, send: Send, attempt: Attempt) -> None:
        """Journal bytes for a nonce below the next one that neither chain nor journal have.

        Raises:
            JournalMoved: it is there.
            StoreError
        """
        driver_key = (driver.chain_id, driver.sender)

        def rule(rows: Overlay) -> tuple[None, Sequence[Change]]:
            row = rows.get("anchor_driver", driver_key)
            if row is None or rows.get("anchor_send", send.key) is not None:
                raise JournalMoved(f"nonce {send.nonce} of {send.sender}: expected it missing, got it taken")
            return None, [
                Set("anchor_driver", driver_key, {"nonce_done": min(row["nonce_done"], send.nonce)}),
                Insert("anchor_send", asdict(send)),
                Insert("anchor_attempt", self._attempt_row(send, attempt)),
            ]

        await self._run((Need("anchor_driver", driver_key), Need("anchor_send", send.key)), rule)

    async def again(self, send: Send, attempt: Attempt, height: int) -> None:
        """Journal other bytes for a nonce, before they are sent: a replacement with higher fees, or a cancellation.

        Raises:
            JournalMoved: the send is not as read.
            StoreError
        """

        def rule(rows: Overlay) -> tuple[None, Sequence[Change]]:
            row = rows.get("anchor_send", send.key)
            if row is None or row["state"] != OPEN or row["last_height"] != send.last_height:
                raise JournalMoved(f"nonce {send.nonce}: expected it open as read, got it changed")
            return None, [
                Set("anchor_send", send.key, {"last_height": height}),
                Insert("anchor_attempt", self._attempt_row(send, attempt)),
            ]

        await self._run((Need("anchor_send", send.key), Need("anchor_attempt", send.key)), rule)

    async def moved(self, send: Send, now: Send) -> None:
        """Write what became of a send.

        Raises:
            JournalMoved: the send is not as read.
            StoreError
        """

        def rule(rows: Overlay) -> tuple[None, Sequence[Change]]:
            row = rows.get("anchor_send", send.key)
            if row is None or (row["state"], row["block_hash"]) != (send.state, send.block_hash):
                raise JournalMoved(f"nonce {send.nonce}: expected it {send.state} as read, got it changed")
            return None, [Set("anchor_send", send.key, _values(asdict(now), self._shapes["anchor_send"].key))]

        await self._run((Need("anchor_send", send.key),), rule)

    # ------------------------------------------------------------------------------------------ checkpoints
    async def works(self, anchor: str) -> tuple[Checkpointing, ...]:
        """Return the checkpoints under way and those kept, by size."""

        def rule(rows: Overlay) -> tuple[tuple[Checkpointing, ...], Sequence[Change]]:
            return tuple(Checkpointing(**row) for row in rows.scan("anchor_work", (anchor,))), ()

        found: tuple[Checkpointing, ...] = await self._run((Need("anchor_work", (anchor,)),), rule)
        return found

    async def intend(self, work: Checkpointing) -> bool:
        """Journal that this checkpoint shall be anchored; False when its size stands there already.

        A crash after it: the next call derives its transaction anew, nothing was signed.
        """
        key = (work.anchor, work.size)

        def rule(rows: Overlay) -> tuple[bool, Sequence[Change]]:
            if rows.get("anchor_work", key) is not None:
                return False, ()
            return True, [Insert("anchor_work", asdict(work))]

        added: bool = await self._run((Need("anchor_work", key),), rule)
        return added

    async def set_work(self, old: Checkpointing, new: Checkpointing | None) -> None:
        """Write what became of a checkpoint; None lets it go: a larger one is anchored.

        Raises:
            JournalMoved, StoreError
        """
        key = (old.anchor, old.size)

        def rule(rows: Overlay) -> tuple[None, Sequence[Change]]:
            row = rows.get("anchor_work", key)
            if row is None or Checkpointing(**row) != old:
                raise JournalMoved(f"checkpoint {old.size}: expected it {old.state} as read, got it changed")
            if new is None:
                return None, [Delete("anchor_work", key)]
            return None, [Set("anchor_work", key, _values(asdict(new), self._shapes["anchor_work"].key))]

        await self._run((Need("anchor_work", key),), rule)

    async def recorded(self, anchor: str, size: int) -> None:
        """Note that the receipt is an entry; a size that is not final is left alone. Old rows go."""

        def rule(rows: Overlay) -> tuple[None, Sequence[Change]]:
            works = [Checkpointing(**row) for row in rows.scan("anchor_work", (anchor,))]
            mine = [work for work in works if work.size == size and work.state == FINAL]
            values = {"state": RECORDED, "receipt": None}
            changes: list[Change] = [Set("anchor_work", (anchor, work.size), values) for work in mine]
            kept = [work.size for work in works if work.state == RECORDED]
            changes += [
                Delete("anchor_work", (anchor, old)) for old in kept[: max(0, len(kept) - KEPT_WORKS_COUNT)]
            ]
            return None, changes

        await self._run((Need("anchor_work", (anchor,)),), rule)

    # ------------------------------------------------------------------------------------------ transactions
    async def _run(self, needs: Sequence[Need], rule: Rule) -> Any:
        return await self._writer.maintain(self._work(needs, rule))

    def _work(self, needs: Sequence[Need], rule: Rule) -> Generator[Step, Any, Any]:
        yield Lock(self._log)
        rows = Overlay(self._shapes)
        wanted: Wanted = {}
        rows.want(wanted, needs)
        if wanted:
            rows.admit(wanted, (yield Load(self._log, wanted)))
        value, changes = rule(rows)
        rows.apply(changes)
        writes = rows.writes()
        if writes:
            yield Write(self._log, writes)
        return value

    def _attempt_row(self, send: Send, attempt: Attempt) -> Row:
        return {
            "chain_id": send.chain_id,
            "sender": send.sender,
            "nonce": send.nonce,
            "tx_hash": attempt.tx_hash,
            "raw": attempt.raw,
            "tip_wei": attempt.fees.tip,
            "cap_wei": attempt.fees.cap,
            "cancels": int(attempt.cancels),
            "at": self._writer.now(),
        }


def _values(row: Row, keys: tuple[str, ...]) -> Row:
    return {name: value for name, value in row.items() if name not in keys}


def _attempts(rows: Sequence[Row]) -> tuple[Attempt, ...]:
    read = [
        Attempt(row["tx_hash"], bytes(row["raw"]), Fees(row["tip_wei"], row["cap_wei"]), bool(row["cancels"]))
        for row in rows
    ]
    return tuple(sorted(read, key=lambda one: one.fees.cap))

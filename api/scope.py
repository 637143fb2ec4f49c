"""Reading the rows of one organisation: the one place in this package where `log` stands in a query.

A route gets a `Scoped` bound to its caller's log and cannot ask beyond it; a test finds any other mention of a
table's `log` column under api/. Writing needs no scope here: a Command names its log, and the writer binds every row.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, or_, select

from api.caller import Caller
from api.problems import BadRequest, NotFound
from api.streams import Waiting
from api.tables import act as acts
from api.tables import session as sessions
from api.tables import sign_in
from casework import cases, people
from casework.cases import STATES
from casework.charters import held
from casework.errors import refuse
from casework.joining import token_digest
from casework.leaving import OVER
from casework.passkeys import ENDED
from casework.reciprocity import Yes
from casework.tables import (
    api_key,
    award,
    case_file,
    decision,
    device,
    hook,
    invite,
    link,
    member,
    passkey,
    recognised,
    verdict,
)
from ledger.canonical import INTEGER_MAX
from ledger.changes import Key
from ledger.codec import dumps, loads
from ledger.entries import Entry
from ledger.errors import ProgrammingError
from ledger.reader import LogReader
from ledger.reading import read_entry
from ledger.store.readers import Reader
from ledger.store.tables import entry as entries
from ledger.store.tables import job, log_head, metadata
from ledger.vault import Vault

CURSOR_CHARS_MAX = 400
POSITION_MAX = INTEGER_MAX
"""No entry has a larger seq, and no database takes an integer beyond 2^63-1 to compare with."""
SCAN_ROWS_MAX = 10_000
"""A list that is not paged never grows beyond this: more is our own mistake, and refused aloud."""

Row = Mapping[str, Any]


class Scoped:
    """The rows of one log; also the desk's way to read (casework.intake.Records)."""

    def __init__(self, store: Reader, log: str, vault: Vault, reader: LogReader) -> None:
        self._store = store
        self._vault = vault
        self._reader = reader
        self.log = log

    # ------------------------------------------------------------------------------------------ for the desk
    async def get(self, table: str, key: Key) -> Row | None:
        """Return one row by its primary key without `log`."""
        rows = await self._by_key(table, key, 1)
        return rows[0] if rows else None

    async def scan(self, table: str, prefix: Key) -> list[Row]:
        """Return the rows whose primary key starts with `prefix`, in key order."""
        return await self._by_key(table, prefix, None)

    async def _by_key(self, name: str, key: Key, limit: int | None) -> list[Row]:
        table = metadata.tables[name]
        columns = list(table.primary_key.columns)[1:]
        where = {column.name: value for column, value in zip(columns, key, strict=False)}
        return await self.find(table, where, limit=limit)

    async def owned(self, member: str) -> list[str]:
        """Return the ids of the cases that this member owns and that are not over for good, by id."""
        states = sorted(set(STATES) - OVER)
        found = await self.find(case_file, {"owner": member, "state": states})
        return [row["case"] for row in found]

    async def head(self) -> tuple[int, str]:
        """Return size and hex root of the log."""
        head = await self._reader.head()
        return head.size, head.root.hex()

    async def entries(self, first_seq: int, count: int) -> list[Entry]:
        """Return committed entries `first_seq .. first_seq + count - 1`, as many as there are."""
        found = self._reader.entries(first_seq, first_seq + count)
        return [read_entry(canon, loads, dumps) async for canon in found]

    async def open(self, commitment: str) -> Any:
        """Return the private value behind a commitment, None when it was erased. Raises VaultDamaged."""
        items, wraps = await self._reader.items([commitment])
        return await asyncio.to_thread(self._vault.open, items[0] if items else None, wraps)

    async def open_all(self, commitments: Iterable[str]) -> dict[str, Any]:
        """Return commitment -> private value, None when it was erased. Raises VaultDamaged."""
        wanted = sorted(set(commitments))
        items, wraps = await self._reader.items(wanted)
        found = await asyncio.to_thread(self._vault.open_many, items, wraps)
        return {commitment: found.get(commitment) for commitment in wanted}

    # ------------------------------------------------------------------------------------------ for the doors
    async def one(self, table: Table, **where: Any) -> Row | None:
        """Return the one row with these column values, or None."""
        rows = await self.find(table, where, limit=1)
        return rows[0] if rows else None

    async def need(self, what: str, table: Table, **key: Any) -> Row:
        """Return the one row with these column values.

        Raises:
            NotFound: there is none in this organisation.
        """
        row = await self.one(table, **key)
        if row is None:
            raise NotFound(what, str(next(reversed(key.values()))))
        return row

    async def find(
        self,
        table: Table,
        where: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        order: str | None = None,
        below: int | None = None,
        also: Sequence[ColumnElement[bool]] = (),
    ) -> list[Row]:
        """Return rows whose columns equal `where`, newest first by the integer column `order`, below `below` if given;
        without `order` in primary-key order. `limit` cuts; without one the answer is whole.

        Raises:
            ProgrammingError: more than SCAN_ROWS_MAX rows, and no `limit`.
        """
        query = select(table).where(table.c.log == self.log, *also)
        for name, value in (where or {}).items():
            query = query.where(
                table.c[name].in_(value) if isinstance(value, list) else table.c[name] == value
            )
        if order is not None:
            query = query.order_by(table.c[order].desc())
            if below is not None:
                query = query.where(table.c[order] < below)
        else:
            query = query.order_by(*table.primary_key.columns)
        found = await self._store.rows(query.limit(SCAN_ROWS_MAX + 1 if limit is None else limit))
        rows: list[Row] = [dict(row) for row in found]
        if limit is None and len(rows) > SCAN_ROWS_MAX:
            raise ProgrammingError(f"{table.name}: expected at most {SCAN_ROWS_MAX} rows at once, got more")
        return rows

    async def count(self, table: Table, **where: Any) -> int:
        """Return how many rows equal `where`."""
        query = select(func.count().label("n")).select_from(table).where(table.c.log == self.log)
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        return int((await self._store.rows(query))[0]["n"])

    async def entries_since(self, seq: int, end: int, without: Sequence[str], most: int) -> int:
        """Return how many entries from `seq` to before `end` are of other kinds than `without`, counted to `most`."""
        where = (entries.c.log == self.log, entries.c.seq >= seq, entries.c.seq < end)
        found = select(entries.c.seq).where(*where, entries.c.kind.not_in(without)).limit(most).subquery()
        query = select(func.count().label("n")).select_from(found)
        return int((await self._store.rows(query))[0]["n"])

    async def waiting(self) -> dict[str | None, Waiting]:
        """Return, by kind of subject, the cases in which a yes or a no may be wanted: about an action, about what was
        shown, or about recognition that nobody decided yet. An upper bound: whose decision it is stands elsewhere."""
        states = (cases.AWAITING_DECISION, cases.IN_ACTION, cases.AWAITING_REVIEW)
        unrewarded = and_(
            case_file.c.state == cases.RESOLVED,
            case_file.c.award.is_(None),
            case_file.c.award_kind.is_not(None),
        )
        changed = case_file.c.changed_seq
        query = (
            select(
                case_file.c.subject_kind,
                func.count().label("count"),
                func.max(changed).label("last"),
                func.sum(changed).label("total"),
            )
            .where(case_file.c.log == self.log, or_(case_file.c.state.in_(states), unrewarded))
            .group_by(case_file.c.subject_kind)
        )
        rows = await self._store.rows(query)
        return {row["subject_kind"]: Waiting(row["count"], row["last"], int(row["total"])) for row in rows}

    async def awards_by_forgery(
        self, also: Sequence[ColumnElement[bool]], *, skip: int, limit: int
    ) -> list[Row]:
        """Return awards with k_evidence and witnessing of their verdict, the lowest k first, then most tokens, then the
        latest; `also` may ask about both tables."""
        both = and_(
            verdict.c.log == award.c.log, verdict.c.case == award.c.case, verdict.c.verdict == award.c.verdict
        )
        query = (
            select(award, verdict.c.k_evidence, verdict.c.witnessing)
            .join(verdict, both)
            .where(award.c.log == self.log, *also)
            .order_by(verdict.c.k_evidence, award.c.amount_tokens.desc(), award.c.seq.desc())
        )
        return [dict(row) for row in await self._store.rows(query.offset(skip).limit(limit))]

    async def said_yes(self, since: str) -> list[Yes]:
        """Return who recognised whom for which kind after `since`, the latest time of each pair and kind.

        Raises:
            ProgrammingError: more than SCAN_ROWS_MAX pairs.
        """
        by = and_(award.c.log == recognised.c.log, award.c.award == recognised.c.award)
        whose = and_(
            decision.c.log == award.c.log,
            decision.c.case == award.c.case,
            decision.c.decision == award.c.decision,
        )
        pair = (recognised.c.member, recognised.c.kind, decision.c.decider)
        query = (
            select(*pair, func.max(recognised.c.granted_at).label("at"))
            .join(award, by)
            .join(decision, whose)
            .where(recognised.c.log == self.log, recognised.c.granted_at > since)
            .group_by(*pair)
        )
        found = await self._store.rows(query.limit(SCAN_ROWS_MAX + 1))
        if len(found) > SCAN_ROWS_MAX:
            raise ProgrammingError(f"recognised: expected at most {SCAN_ROWS_MAX} pairs at once, got more")
        return [Yes(**row) for row in found]

    async def grouped(
        self, table: Table, by: str, also: Sequence[ColumnElement[bool]] = (), **figures: ColumnElement[Any]
    ) -> dict[str, Row]:
        """Return value of column `by` -> figures over the rows that have it, counted by the database.

        Raises:
            ProgrammingError: more than SCAN_ROWS_MAX values.
        """
        named = (figure.label(name) for name, figure in figures.items())
        query = select(table.c[by], *named).where(table.c.log == self.log, *also).group_by(table.c[by])
        found = await self._store.rows(query.limit(SCAN_ROWS_MAX + 1))
        if len(found) > SCAN_ROWS_MAX:
            raise ProgrammingError(f"{table.name}: expected at most {SCAN_ROWS_MAX} values at once, got more")
        return {str(row[by]): dict(row) for row in found}


async def first_owner(rows: Scoped) -> str:
    """Return the active owner who joined first: whose a case is when nobody says so.

    Raises:
        Refused: nobody is left who could own it.
    """
    members = await rows.find(member, {"active": 1})
    for row in sorted(members, key=lambda row: int(row["seq"])):
        if people.OWNER in loads(row["roles"]):
            return str(row["member"])
    raise refuse("owner_unknown", "expected an active owner, got none")


class KeyHolders:
    """Finds who holds a key, over all organisations: this is where a request gets its log."""

    def __init__(self, store: Reader) -> None:
        self._store = store

    async def holder(self, secret_digest: str, now: str) -> Caller | None:
        """Return the holder of a key that is in force at `now`, or None."""
        both = and_(member.c.log == api_key.c.log, member.c.member == api_key.c.member)
        query = (
            select(
                api_key.c.log,
                api_key.c.key,
                api_key.c.until,
                member.c.member,
                member.c.roles,
                member.c.charter,
            )
            .join(member, both)
            .where(api_key.c.secret_digest == secret_digest, api_key.c.active == 1, member.c.active == 1)
        )
        row = next(iter(await self._store.rows(query)), None)
        if row is None or (row["until"] is not None and row["until"] <= now):
            return None
        return Caller(row["log"], row["member"], tuple(loads(row["roles"])), row["key"], held(row["charter"]))

    async def session(self, token_digest: str, now: str) -> tuple[Caller, str] | None:
        """Return who is behind a session that has not ended at `now`, and when it was last noted as used, or None.

        The member is looked up each time: whoever has left is out at once.
        """
        both = and_(member.c.log == sessions.c.log, member.c.member == sessions.c.member)
        query = (
            select(sessions, member.c.roles, member.c.charter)
            .join(member, both)
            .where(sessions.c.digest == token_digest, sessions.c.ends_at > now, member.c.active == 1)
        )
        row = next(iter(await self._store.rows(query)), None)
        if row is None:
            return None
        caller = Caller(
            row["log"],
            row["member"],
            tuple(loads(row["roles"])),
            row["session"],
            held(row["charter"]),
            via="web",
            assurance=row["assurance"],
            session=row["session"],
        )
        return caller, row["seen_at"]

    async def named(self, name: str, most: int) -> list[Row]:
        """Return the ways to sign in under this name, over all organisations, at most `most`; active members only."""
        both = and_(member.c.log == sign_in.c.log, member.c.member == sign_in.c.member)
        query = select(sign_in).join(member, both).where(sign_in.c.name == name, member.c.active == 1)
        return [dict(row) for row in await self._store.rows(query.limit(most))]

    async def act(self, token: str, now: str) -> Caller | None:
        """Return who was granted an act on a shared device that may still be done at `now`, or None.

        Device and member are looked up each time: a device that is shared no more ends its acts.
        """
        where = and_(device.c.log == acts.c.log, device.c.device == acts.c.device)
        whose = and_(member.c.log == acts.c.log, member.c.member == acts.c.member)
        query = (
            select(acts, member.c.roles, device.c.until.label("device_until"))
            .join(device, where)
            .join(member, whose)
            .where(acts.c.digest == token_digest(token), acts.c.until > now)
            .where(device.c.active == 1, member.c.active == 1)
        )
        row = next(iter(await self._store.rows(query)), None)
        if row is None or (row["device_until"] is not None and row["device_until"] <= now):
            return None
        return Caller(
            row["log"],
            row["member"],
            tuple(loads(row["roles"])),
            row["device"],
            None,
            via=people.DEVICE,
            assurance="pin",
            act=row["act"],
        )

    async def device(self, token: str, now: str) -> Row | None:
        """Return the row of a device that is shared at `now`, with its log, or None."""
        query = select(device).where(device.c.secret_digest == token_digest(token), device.c.active == 1)
        row = next(iter(await self._store.rows(query)), None)
        return None if row is None or (row["until"] is not None and row["until"] <= now) else dict(row)

    async def invite(self, token: str) -> Row | None:
        """Return the row of an invite with its log, whatever its state, or None."""
        query = select(invite).where(invite.c.token_digest == token_digest(token))
        row = next(iter(await self._store.rows(query)), None)
        return None if row is None else dict(row)

    async def passkeys(self, credential: str, most: int) -> list[Row]:
        """Return the passkeys under this credential id (base64url), over all organisations, at most `most`.

        Of active members, and not ended. That the id is known proves nothing: its holder has to sign.
        """
        both = and_(member.c.log == passkey.c.log, member.c.member == passkey.c.member)
        query = (
            select(passkey)
            .join(member, both)
            .where(passkey.c.credential == credential, passkey.c.state != ENDED, member.c.active == 1)
            .order_by(passkey.c.log)
        )
        return [dict(row) for row in await self._store.rows(query.limit(most))]

    async def hook(self, name: str) -> Row | None:
        """Return the row of a hook with its log, whatever its state, or None: a call names no organisation."""
        query = select(hook).where(hook.c.hook == name)
        row = next(iter(await self._store.rows(query)), None)
        return None if row is None else dict(row)

    async def link(self, token_digest: str) -> Row | None:
        """Return the row of a one-time link with its log: whoever holds its token needs no key."""
        query = select(link).where(link.c.token_digest == token_digest)
        row = next(iter(await self._store.rows(query)), None)
        return None if row is None else dict(row)


async def logs(store: Reader) -> list[str]:
    """Return the names of all logs in the database: for the worker and the health checks, never for a request."""
    return [str(row["log"]) for row in await store.rows(select(log_head.c.log).order_by(log_head.c.log))]


async def dead_jobs(store: Reader) -> int:
    """Return how many jobs of all logs were given up: for the metrics, never for a request."""
    query = select(func.count().label("n")).select_from(job).where(job.c.dead == 1)
    return int((await store.rows(query))[0]["n"])


def write_cursor(position: int) -> str:
    """Return the opaque cursor of a position."""
    return base64.urlsafe_b64encode(dumps({"below": position})).decode().rstrip("=")


def read_cursor(cursor: str | None) -> int | None:
    """Return the position of a cursor that this API gave.

    Raises:
        BadRequest: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        if len(cursor) > CURSOR_CHARS_MAX:
            raise ValueError("too long")
        value = loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        below = value["below"]
        if type(below) is not int or not 0 <= below <= POSITION_MAX or write_cursor(below) != cursor:
            raise ValueError("not ours")
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(
            "invalid_cursor", "expected a cursor that this API gave", field="#query/cursor"
        ) from error
    return below

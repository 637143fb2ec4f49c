"""Sessions of the pages: an opaque token in a cookie, its digest in the database, a shift long.

A session says who is there (assurance `session`); what they may do is looked up again at every request, so a member
who has left, or whose role has ended, is out at once. Opening and ending are rows without entries: that somebody
signed in is nobody's business for ever. Being refused is told to the security journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from api import tables
from api.scope import Row, Scoped
from casework.errors import WayInEnded, refuse
from ledger.changes import Change, Delete, Insert, Set
from ledger.commands import Command, Decided, Need, Outcome, Rule, View
from ledger.entries import Actor
from ledger.entropy import Entropy, uuid7
from ledger.errors import Refused

COOKIE = "__Host-session"
"""The prefix makes the browser insist on Secure, Path=/ and no Domain: no other site under the name can set it."""
TOKEN_BYTES = 32
TOKEN_CHARS = 2 * TOKEN_BYTES
BROWSER_CHARS_MAX = 120
SEEN_MINUTES = 10
"""How coarse "last used" is: a write per request would be a write per click."""
SESSIONS_MAX = 20
"""Of one person; the oldest ends when another opens."""
ASSURANCE = "session"


class Submits(Protocol):
    """The writer: the only place that commits."""

    async def submit(self, command: Command) -> Outcome:
        """Decide and commit, or raise Refused, Stopped or StoreError."""
        ...


class Now(Protocol):
    """The installation's clock."""

    def now(self) -> str:
        """Return RFC 3339 UTC with milliseconds."""
        ...

    def unix_ms(self) -> int:
        """Return milliseconds since 1970."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody came in with, as it was read: a row and what its column may hold.

    Checking a password takes a while, in which it may be replaced and every session ended; a session that opens after
    that on the strength of the old one would stay. So the writer looks once more.
    """

    table: str
    key: tuple[str, ...]
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Opens and ends sessions; `hours` is how long one lasts."""

    writer: Submits
    entropy: Entropy
    clock: Now
    hours: int

    async def open(
        self, rows: Scoped, member: str, how: str, browser: str, shown: Shown | None = None
    ) -> str:
        """Open a session and return its token, which is kept nowhere else.

        Raises:
            Refused: expired (what was `shown` lets nobody in by now: it was replaced while it was checked).
        """
        token = self.entropy.token(TOKEN_BYTES).hex()
        now = self.clock.now()
        row = {
            "session": uuid7(self.entropy, self.clock.unix_ms()),
            "member": member,
            "digest": token_digest(token),
            "assurance": ASSURANCE,
            "how": how,
            "browser": browser[:BROWSER_CHARS_MAX],
            "opened_at": now,
            "seen_at": now,
            "ends_at": _later(now, timedelta(hours=self.hours)),
        }
        old = await self.of(rows, member)
        ending = [one for one in old if one["ends_at"] <= now]
        ending += sorted(set_aside(old, ending), key=lambda one: str(one["seen_at"]))[: -SESSIONS_MAX + 1]
        changes: list[Change] = [Delete("session", (one["session"],)) for one in ending]
        await self._write(rows.log, member, [*changes, Insert("session", row)], shown)
        return token

    async def of(self, rows: Scoped, member: str) -> list[Row]:
        """Return somebody's sessions, the latest used first."""
        found = await rows.find(tables.session, {"member": member})
        return sorted(found, key=lambda one: str(one["seen_at"]), reverse=True)

    async def end(self, rows: Scoped, member: str, session: str, by: str | None = None) -> bool:
        """End one session of this member; False: there is no such session. `by`: the session that asks, where it is
        not its own end.

        Raises:
            WayInEnded: `by` has ended meanwhile.
        """
        found = await rows.one(tables.session, session=session, member=member)
        if found is None:
            return False
        await self._ended(rows.log, member, [Delete("session", (session,))], None if by == session else by)
        return True

    async def end_all(self, rows: Scoped, member: str, but: str | None = None, by: str | None = None) -> int:
        """End every session of this member but one; return how many ended. Raises WayInEnded: as `end`."""
        ending = [one for one in await self.of(rows, member) if one["session"] != but]
        if ending:
            await self._ended(rows.log, member, [Delete("session", (one["session"],)) for one in ending], by)
        return len(ending)

    async def _ended(self, log: str, member: str, changes: Sequence[Change], by: str | None) -> None:
        shown = None if by is None else Shown("session", (by,), "member", (member,))
        try:
            await self._write(log, member, changes, shown)
        except Refused as refusal:
            raise WayInEnded("expected a session that goes on, got one that has just ended") from refusal

    async def seen(self, log: str, member: str, session: str, seen_at: str) -> None:
        """Note that a session is in use, at most every SEEN_MINUTES."""
        now = self.clock.now()
        if now > _later(seen_at, timedelta(minutes=SEEN_MINUTES)):
            command = self._command(log, member, (Need("session", (session,)),), _seen, (session, now))
            await self.writer.submit(command)

    async def _write(
        self, log: str, member: str, changes: Sequence[Change], shown: Shown | None = None
    ) -> None:
        needs = () if shown is None else (Need(shown.table, shown.key),)
        await self.writer.submit(self._command(log, member, needs, _rows, (tuple(changes), shown)))

    def _command(self, log: str, member: str, needs: tuple[Need, ...], rule: Rule, data: Any) -> Command:
        key = f"session:{self.entropy.token(16).hex()}"
        return Command(log, Actor(member, "member", "web"), key, token_digest(key), needs, rule, data)


def _seen(view: View, command: Command, at: str) -> Decided:
    """Note that a session is in use; nothing where it has just ended."""
    session, now = command.data
    if view.get("session", (session,)) is None:
        return Decided(())
    return Decided((), (Set("session", (session,), {"seen_at": now}),))


def _rows(view: View, command: Command, at: str) -> Decided:
    """The rule of a command that says nothing about the organisation: rows, and no entry."""
    changes, shown = command.data
    if shown is not None:
        row = view.get(shown.table, shown.key)
        if row is None or row[shown.column] not in shown.values:
            raise refuse("expired", "expected what still lets somebody in, got what was replaced meanwhile")
    return Decided((), changes)


def set_aside(rows: Sequence[Row], those: Sequence[Row]) -> list[Row]:
    """Return the rows without those."""
    gone = {one["session"] for one in those}
    return [one for one in rows if one["session"] not in gone]


def token_digest(token: str) -> str:
    """Return hex SHA-256 of a token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def token_of(request: Request) -> str | None:
    """Return the session token that the browser sent, or None."""
    given = request.cookies.get(COOKIE)
    return given if given is not None and len(given) == TOKEN_CHARS else None


def set_cookie(response: Response, token: str, hours: int) -> None:
    """Give the browser its token: never to scripts, never over plain HTTP, never along with another site's form."""
    response.set_cookie(
        COOKIE, token, max_age=hours * 3_600, path="/", secure=True, httponly=True, samesite="lax"
    )


def drop_cookie(response: Response) -> None:
    """Make the browser forget its token."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _later(instant: str, span: timedelta) -> str:
    moved = datetime.fromisoformat(instant) + span
    return f"{moved.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"

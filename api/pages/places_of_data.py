"""What a person may bring here by hand: the sources that are registered, and for an owner those that a watch in use
waits for. The first record of such a one registers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.pages import watch_words
from api.pages.doors import Acting, Seen
from api.pages.words import Words
from api.permissions import OWNER
from api.problems import NotFound
from api.published import latest_kinds, playbook_of
from casework import tables
from casework.requests import RegisterSource
from ledger.codec import loads
from playbooks.kinds import Kind, Kinds


@dataclass(frozen=True, slots=True)
class Into:
    """A kind of record of a source."""

    source: str
    kind: str

    @property
    def value(self) -> str:
        """Return it as a form sends it."""
        return f"{self.source}/{self.kind}"

    def words(self, words: Words) -> str:
        """Return it in words: "Complaints (desk)"."""
        return f"{watch_words.kinds_words(self.kind, words)} ({watch_words.plain(self.source)})"


async def places(seen: Seen) -> list[Into]:
    """Return what may be brought, registered ones first."""
    rows, kinds = seen.rooms.rows, await latest_kinds(seen.rooms.rows)
    if kinds is None:
        return []
    found = [
        Into(row["source"], kind) for row in await rows.find(tables.source) for kind in loads(row["kinds"])
    ]
    if OWNER in seen.caller.roles:
        for row in await rows.find(tables.playbook):
            playbook = playbook_of(loads(row["content"]), str(row["playbook"]))
            source = next(iter(playbook.sources), playbook.subject)
            wanted = [playbook.subject, *([playbook.match.kind] if playbook.match else [])]
            there = {one.kind for one in found}
            found += [Into(source, kind) for kind in wanted if kind not in there]
    return [one for one in dict.fromkeys(found) if kinds.kind(one.kind) is not None]


async def need_place(seen: Seen, value: str) -> tuple[Into, Kinds, Kind]:
    """Return what a form named. Raises NotFound: it may not be brought here, or not by this person."""
    place = next((one for one in await places(seen) if one.value == value), None)
    kinds = await latest_kinds(seen.rooms.rows)
    kind = None if place is None or kinds is None else kinds.kind(place.kind)
    if place is None or kinds is None or kind is None:
        raise NotFound("kind", value[:80])
    return place, kinds, kind


async def let_bring(
    acting: Acting, source: str, kind: str, declared: Mapping[str, Any] | None = None
) -> None:
    """Register a source, or let one that is there bring records of this kind too; nothing where it may already.
    `declared`: who can change what stands in it, where that was asked; what was said before stands.

    Raises:
        Refused: role_missing (no owner asks).
    """
    row = await acting.rooms.rows.one(tables.source, source=source)
    kinds = [] if row is None else loads(row["kinds"])
    before = {} if row is None else loads(row["controllers"])
    controllers = before or dict(declared or {})
    if kind in kinds and controllers == before:
        return
    fresh_within = None if row is None else row["fresh_within"]
    request = RegisterSource(source, tuple(dict.fromkeys((*kinds, kind))), controllers, fresh_within)
    await acting.rooms.office.register_source(acting.who, acting.then("source"), request)

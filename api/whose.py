"""Whom the records of a source mean by a name, for doors and pages; and which names nobody is known by yet.

A rota's "Kelly" is the member of whom a lead said so for that source (casework/known_as.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from api.published import latest_kinds
from api.rooms import Rooms
from api.scope import Row, Scoped
from casework import known_as, people, tables
from ledger.codec import loads
from playbooks.tables import record

RECORDS_MAX = 1_000
"""Records looked through for names, the latest first."""
SHIFT_FIELDS = {"shift": "person"}
"""Who is on, in the shipped vocabulary: pages and the hours of fairness read it, whatever the policies say."""
ROUTED = "field:"


@dataclass(frozen=True, slots=True)
class Whose:
    """The names that are somebody's. `by_account`: (source, HMAC of a name) -> member; `names`: member -> own name."""

    fingerprint: known_as.Fingerprint
    by_account: Mapping[tuple[str, str], str]
    names: Mapping[str, str]

    def member(self, source: str, said: Any) -> str | None:
        """Return whom a source means by what stands in a field; None: nobody said."""
        name = known_as.name_in(said)
        if name is None or not self.by_account:
            return None
        return self.by_account.get((source, known_as.account_of(self.fingerprint, source, name)))

    def called(self, source: str, said: Any) -> str:
        """Return how somebody in a field is called here; as the source says it where nobody said who it is."""
        return self.names.get(self.member(source, said) or "", str(said))


async def whose(rooms: Rooms) -> Whose:
    """Read whose names are known."""
    links = await rooms.rows.find(tables.account_link)
    named = await rooms.rows.find(tables.member_name)
    return Whose(
        rooms.vault.fingerprint,
        {(str(row["source"]), str(row["account"])): str(row["member"]) for row in links},
        {str(row["member"]): str(row["name"]) for row in named},
    )


@dataclass(frozen=True, slots=True)
class Known:
    """A name that is somebody's: of which source, whose, who said so, and in which step. `name` None: erased."""

    source: str
    name: str | None
    member: str
    linked_by: str
    seq: int

    def told(self) -> dict[str, Any]:
        """Return it as the API tells it."""
        return {"name": self.name, "member": self.member, "linked_by": self.linked_by, "seq": self.seq}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name of which nobody said whose it is: in how many of the records looked through, and the latest of them."""

    name: str
    records: int
    last: str

    def told(self) -> dict[str, Any]:
        """Return it as the API tells it."""
        return {"name": self.name, "records": self.records, "last": self.last}


async def known(rows: Scoped, **where: str) -> list[Known]:
    """Return the names that are somebody's, of a `source` or of a `member`, by source and name."""
    found = await rows.find(tables.account_link, where)
    opened = await rows.open_all(str(row["item"]) for row in found)
    told = [
        Known(
            str(row["source"]),
            opened.get(row["item"]),
            str(row["member"]),
            str(row["linked_by"]),
            int(row["seq"]),
        )
        for row in found
    ]
    return sorted(told, key=lambda one: (one.source, (one.name or "").casefold(), one.seq))


async def unknown(rooms: Rooms, source: Row) -> list[Unknown]:
    """Return the names in a source's latest records that are nobody's yet, those that stand there most first."""
    rows, brings = rooms.rows, set(loads(source["kinds"]))
    fields = {kind: named for kind, named in (await person_fields(rows)).items() if kind in brings}
    found = (
        await rows.find(record, {"kind": sorted(fields)}, order="event_at", limit=RECORDS_MAX)
        if fields
        else []
    )
    opened = await rows.open_all(str(row["item"]) for row in found)
    here, ids = await whose(rooms), {str(row["member"]) for row in await rows.find(tables.member)}
    seen: dict[str, list[str]] = {}
    for row in found:
        version = opened.get(row["item"])
        if version is None or version.get("source") != source["source"]:
            continue
        for name in _names(version.get("values") or {}, fields[row["kind"]]):
            if name not in ids and here.member(source["source"], name) is None:
                seen.setdefault(name, []).append(str(row["event_at"]))
    told = [Unknown(name, len(at), max(at)) for name, at in seen.items()]
    return sorted(told, key=lambda one: (-one.records, one.name.casefold()))


def _names(values: Mapping[str, Any], fields: Iterable[str]) -> set[str]:
    return {name for name in (known_as.name_in(values.get(field)) for field in fields) if name is not None}


async def person_fields(rows: Scoped) -> dict[str, frozenset[str]]:
    """Return kind -> its fields that name people: those that a policy or a watch reads as people, and who is on a
    shift. Kinds without any are left out."""
    kinds = await latest_kinds(rows)
    if kinds is None:
        return {}
    named: set[str] = set()
    for row in await rows.find(tables.policy):
        named |= known_as.person_fields(loads(row["content"]))
    for row in await rows.find(tables.playbook):
        routes = loads(row["content"]).get("route") or ()
        named |= {
            one["to"].removeprefix(ROUTED) for one in routes if str(one.get("to", "")).startswith(ROUTED)
        }
    found = {
        name: frozenset((named | {SHIFT_FIELDS.get(name, "")}) & set(kind.fields))
        for name, kind in kinds.kinds.items()
    }
    return {name: fields for name, fields in found.items() if fields}


def likely(name: str, names: Mapping[str, str]) -> str | None:
    """Return the one member among `names` (member -> name) who is called so, wholly or by their first name."""
    wanted = name.casefold()
    wholly = [member for member, called in names.items() if called.casefold() == wanted]
    by_first = [member for member, called in names.items() if called.casefold().partition(" ")[0] == wanted]
    found = wholly or by_first
    return found[0] if len(found) == 1 else None


async def others_of(rows: Scoped, member: str) -> set[str]:
    """Return the people who are here and are not this one, by whatever account: whose names they may say."""
    found = {str(row["member"]): row for row in await rows.find(tables.member, {"active": 1})}
    own = str(found[member]["same_as"] or member) if member in found else member
    return {
        one
        for one, row in found.items()
        if people.AGENT not in people.roles(row) and own != (row["same_as"] or one)
    }

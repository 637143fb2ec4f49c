"""Everything that is recorded about one person, in one file to take along: docs/spec/take-away.md.

Built from the rows and from every step that names the person. What they wrote themselves is in it; a value that
concerns anybody else is named by its commitment and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.naming import Named, oldest
from api.rooms import Rooms
from api.routes.answers import plain
from api.routes.own_rows import own_rows
from api.watched_people import watched_people
from casework import tables
from ledger.canonical import json_dumps
from ledger.entries import SECRET
from ledger.store.tables import account, posting
from ledger.vault import ORGANISATION

VERSION = 1
TYPE = "tallystick/take-away"
OWN_WORDS = frozenset({"note", "text", "reason", "message", "purpose", "reply"})
"""Paths of a private value that its entry's actor wrote."""
LEFT_OUT = frozenset({"content", "file", "input", "output", "subject", SECRET})
"""Paths whose values are files, what a verifier was shown, whom a case is about, or keys: named, never copied."""
PARTS = ("provisional", "settled", "owed")


async def take_away(rooms: Rooms, member: str) -> bytes:
    """Return the canonical JSON file of one member, who may have left."""
    return json_dumps(await collected(rooms, member))


async def collected(rooms: Rooms, member: str) -> dict[str, Any]:
    """Return what the file of one member holds."""
    head = await rooms.reader.head()
    latest = await rooms.reader.latest_checkpoint()
    steps = [named async for named in oldest(rooms.reader, member, head.size)]
    values = await _values(rooms, steps, member)
    return {
        "v": VERSION,
        "type": TYPE,
        "log": rooms.log,
        "made_at": rooms.clock.now(),
        "size": head.size,
        "checkpoint": None if latest is None else latest[1].decode(),
        "person": await _person(rooms, member),
        "cases": await _cases(rooms, member),
        "written": _written(steps, values),
        "evidence": await _evidence(rooms, member, values),
        "decisions": await _decisions(rooms, member),
        "awards": await _awards(rooms, member, steps),
        "accounts": await _accounts(rooms, member),
        "postings": await _postings(rooms, member),
        "looks": [plain(row) for row in await rooms.rows.find(tables.look, {"member": member})],
        "watches": [one.told() for one in await watched_people(rooms.rows)],
        "rows": await own_rows(rooms.rows, member),
        "steps": [named.told() for named in steps],
    }


async def _values(rooms: Rooms, steps: Iterable[Named], member: str) -> dict[str, Any]:
    """Return commitment -> value of what the person put on record and nobody else is concerned by."""
    wanted: dict[str, str] = {}
    for named in steps:
        if named.acted:
            private = named.entry.private.items()
            wanted |= {item: path for path, item in private if path not in LEFT_OUT}
    _, wraps = await rooms.reader.items(wanted)
    concerns: dict[str, set[str]] = {}
    for wrap in wraps:
        concerns.setdefault(wrap["item"], set()).add(wrap["subject"])
    theirs = {ORGANISATION, member}
    return await rooms.rows.open_all(
        item for item, path in wanted.items() if path in OWN_WORDS or concerns.get(item, set()) <= theirs
    )


async def _person(rooms: Rooms, member: str) -> dict[str, Any]:
    rows = rooms.rows
    row = await rows.need("member", tables.member, member=member)
    name = await rows.one(tables.member_name, member=member)
    lent = [plain(one, tables.delegation) for one in await rows.find(tables.delegation, {"giver": member})]
    taken = [
        plain(one, tables.delegation) for one in await rows.find(tables.delegation, {"stand_in": member})
    ]
    return {
        **plain(row),
        "name": name["name"] if name else None,
        "authorities": [plain(one) for one in await rows.find(tables.authority, {"member": member})],
        "away": lent,
        "stood_in": taken,
        "keys": [plain(one) for one in await rows.find(tables.api_key, {"member": member})],
    }


_CASE = ("case", "origin", "playbook", "award_kind", "state", "opened_at", "opened_seq", "changed_seq")


async def _cases(rooms: Rooms, member: str) -> list[dict[str, Any]]:
    owned = {row["case"]: row for row in await rooms.rows.find(tables.case_file, {"owner": member})}
    reported = {row["case"]: row for row in await rooms.rows.find(tables.case_file, {"opened_by": member})}
    acted = {row["case"]: row for row in await rooms.rows.find(tables.case_file, {"action_by": member})}
    told = []
    for case, row in sorted({**owned, **reported, **acted}.items()):
        mine = {"owned": case in owned, "reported": case in reported, "acted": case in acted}
        told.append({**{name: row[name] for name in _CASE}, **mine})
    return told


def _written(steps: Iterable[Named], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = []
    for named in steps:
        entry = named.entry
        for path, item in sorted(entry.private.items()) if named.acted else ():
            place = {"seq": entry.seq, "at": entry.at, "kind": entry.kind, "case": entry.case}
            kept = {"item": item, "value": values.get(item), "left_out": item not in values}
            told.append({**place, "path": path, **kept})
    return told


_ITEM = ("case", "evidence", "type", "grade", "attached_at", "received_at", "review", "review_reason", "seq")


async def _evidence(rooms: Rooms, member: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = []
    for row in await rooms.rows.find(tables.evidence, {"attached_by": member}):
        item = row["facts_item"]
        facts = {"facts": values.get(item), "facts_item": item, "content_item": row["content_item"]}
        told.append(
            {**{name: row[name] for name in _ITEM}, "withdrawn": bool(row["withdrawn"]), **facts}
            | {"left_out": item is not None and item not in values}
        )
    return told


_DECISION = (
    "case", "decision", "digest", "about", "verb", "authority", "amount_tokens", "reason_code", "assurance",
    "decided_at", "effect_seq", "seq",
)  # fmt: skip


async def _decisions(rooms: Rooms, member: str) -> list[dict[str, Any]]:
    rows = await rooms.rows.find(tables.decision, {"decider": member})
    return [{**{name: row[name] for name in _DECISION}, "withdrawn": bool(row["withdrawn"])} for row in rows]


_AWARD = (
    "award", "case", "kind", "state", "decision", "verdict", "amount_tokens", "k", "window_days", "granted_at",
    "settle_not_before", "hold_reason", "ended_reason", "seq",
)  # fmt: skip


async def _awards(rooms: Rooms, member: str, steps: Iterable[Named]) -> list[dict[str, Any]]:
    """Their own share, the thank-you sentence, and where the proof is: the steps of the award with their leaves."""
    proofs: dict[str, list[dict[str, Any]]] = {}
    for named in steps:
        name = named.entry.body.get("award")
        if type(name) is str:
            proof = {"seq": named.entry.seq, "kind": named.entry.kind, "leaf": named.leaf}
            proofs.setdefault(name, []).append(proof)
    told = []
    for share in await rooms.rows.find(tables.award_share, {"member": member}):
        row = await rooms.rows.need("award", tables.award, award=share["award"])
        message = None if row["message_item"] is None else await rooms.rows.open(row["message_item"])
        verdict = await rooms.rows.need("verdict", tables.verdict, verdict=row["verdict"])
        mine = {
            "k_evidence": verdict["k_evidence"],
            "share_tokens": share["amount"],
            "message": message,
            "proof": proofs.get(share["award"], []),
        }
        told.append({**{name: row[name] for name in _AWARD}, **mine})
    return told


def _names(member: str) -> dict[str, str]:
    return {f"member/{member}/{part}": part for part in PARTS}


async def _postings(rooms: Rooms, member: str) -> list[dict[str, Any]]:
    """What moved on their accounts, each with the seq of the entry that caused it."""
    rows = await rooms.rows.find(posting, {"account": list(_names(member))})
    return [plain(row) for row in rows]


async def _accounts(rooms: Rooms, member: str) -> dict[str, int]:
    names = _names(member)
    rows = await rooms.rows.find(account, {"account": list(names)})
    return {names[row["account"]]: row["balance_tokens"] for row in rows}

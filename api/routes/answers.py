"""How rows become answers: JSON columns opened, flags as booleans, `log` left out, sealed values by name where
allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from api.identity import Asking
from api.routes.shapes import PAGE_ITEMS_DEFAULT, Entries, Page, Recorded
from api.scope import Row, Scoped, read_cursor, write_cursor
from casework import tables
from casework.intake import Done
from ledger.codec import loads

JSON_COLUMNS = frozenset(
    {
        "amount_max", "as_of", "beneficiaries", "charter", "content", "controllers", "facts", "flags", "groups",
        "kinds", "missing", "origins", "records", "relied_on", "roles", "scope", "shares", "value", "witnessing",
    }
)  # fmt: skip
JSON_IN_SOME = {"evidence": frozenset({"decision", "verdict"}), "authorities": frozenset({"delegation"})}
NOT_JSON_IN = {"kinds": frozenset({"playbook"})}
FLAG_COLUMNS = frozenset({"active", "second_person", "withdrawn", "address_known_before", "dead"})
HIDDEN_COLUMNS = frozenset({"log", "token_digest", "secret_digest", "secret_item"})


def plain(row: Mapping[str, Any], table: Table | None = None) -> dict[str, Any]:
    """Return a row as JSON-ready data; `table` is needed where a column's meaning differs between tables."""
    name = table.name if table is not None else ""
    return {
        column: _open(column, value, name) for column, value in row.items() if column not in HIDDEN_COLUMNS
    }


def _open(column: str, value: Any, table: str) -> Any:
    if column in FLAG_COLUMNS:
        return bool(value)
    is_json = column in JSON_COLUMNS and table not in NOT_JSON_IN.get(column, frozenset())
    is_json = is_json or table in JSON_IN_SOME.get(column, frozenset())
    return loads(value) if is_json and isinstance(value, str) else value


RESOURCES: Mapping[str, tuple[Table, tuple[str, ...]]] = {
    "award": (tables.award, ("award",)),
    "case": (tables.case_file, ("case",)),
    "member": (tables.member, ("member",)),
    "budget": (tables.budget, ("budget",)),
    "delegation": (tables.delegation, ("giver", "delegation")),
    "playbook": (tables.playbook, ("playbook",)),
    "policy": (tables.policy, ("policy",)),
    "source": (tables.source, ("source",)),
    "passkey": (tables.passkey, ("passkey",)),
    "point": (tables.point, ("point",)),
}
"""What a change is told with, the first of these that its ids name."""


def mark_replay(asking: Asking, replayed: bool) -> None:
    """Say in a header that the answer is that of an earlier request under the same key."""
    if replayed:
        asking.response.headers["Idempotent-Replay"] = "true"


async def tell(asking: Asking, done: Done) -> Recorded:
    """Answer a change: its entries and ids, and the resource as it is now. A replay says so in a header."""
    mark_replay(asking, done.outcome.replayed)
    resource = None
    for name, (table, key) in RESOURCES.items():
        if name in done.ids:
            row = await asking.rooms.rows.one(table, **{part: done.ids[part] for part in key})
            resource = plain(row, table) if row else None
            break
    outcome = done.outcome
    entries = Entries(first_seq=outcome.first_seq, count=outcome.count, at=outcome.at)
    return Recorded(entries=entries, ids=dict(done.ids), resource=resource)


async def page(
    rows: Scoped, table: Table, where: Mapping[str, Any], *, order: str, below: int | None, limit: int
) -> Page:
    """Return one page of a table, newest first; rows that share the last position stay together, beyond `limit`."""
    kept, following = await cut(rows, table, where, order=order, below=below, limit=limit)
    return Page(items=[plain(row, table) for row in kept], next_cursor=following)


async def cut(
    rows: Scoped, table: Table, where: Mapping[str, Any], *, order: str, below: int | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return the rows of one page and the cursor of the next; see `page`."""
    found = await rows.find(table, where, order=order, below=below, limit=limit + 1)
    if len(found) <= limit:
        return found, None
    last = found[limit - 1][order]
    kept = [row for row in found if row[order] > last] + await rows.find(table, {**where, order: last})
    return kept, write_cursor(last)


async def whole_or_cut(
    rows: Scoped, table: Table, cursor: str | None, limit: int | None
) -> tuple[list[Row], str | None]:
    """Return a list that stays short in most places: whole, or page by page (newest first) for whoever asks so."""
    if cursor is None and limit is None:
        return await rows.find(table), None
    size = PAGE_ITEMS_DEFAULT if limit is None else limit
    return await cut(rows, table, {}, order="seq", below=read_cursor(cursor), limit=size)

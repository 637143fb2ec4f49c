"""Names for pages: who is called what, read once per page."""

from __future__ import annotations

from typing import Any

from api.pages.cards import People
from api.scope import Scoped
from casework import people, tables
from ledger.codec import loads


async def people_of(rows: Scoped) -> People:
    """Return all names of the organisation, and which members are digital employees."""
    names = {row["member"]: row["name"] for row in await rows.find(tables.member_name)}
    helpers = {row["member"] for row in await rows.find(tables.member) if people.AGENT in loads(row["roles"])}
    return People(names, frozenset(helpers))


async def watches_of(rows: Scoped, ids: set[str]) -> dict[str, dict[str, Any]]:
    """Return playbook id -> its content, for these."""
    found = await rows.find(tables.playbook, {"playbook": sorted(ids)}) if ids else []
    return {row["playbook"]: loads(row["content"]) for row in found}

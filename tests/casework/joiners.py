"""What the tests of joining and of shared devices begin with."""

from __future__ import annotations

from casework.requests import Principal
from tests.casework.shop import Shop

PIN, PASSWORD = "$argon2id$pin", "$argon2id$password"


async def lead_of(here: Shop) -> Principal:
    """Let a manager join."""
    return await here.join("lead", "manager")


def owner_of(here: Shop) -> Principal:
    """Return the owner."""
    return here.people["owner"]


async def row_of(here: Shop, table: str, *key: str) -> dict[str, object]:
    """Return a row that must be there."""
    row = await here.rows.get(table, key)
    assert row is not None
    return dict(row)

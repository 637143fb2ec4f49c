"""A view over rows given as literals, for rules that need no database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ledger.changes import Key, Row


class PlainView:
    """table -> key -> row."""

    def __init__(self, rows: Mapping[str, Mapping[Key, Row]]) -> None:
        self.rows = rows

    def get(self, table: str, key: Key) -> Row | None:
        """Return one row."""
        return self.rows.get(table, {}).get(key)

    def scan(self, table: str, prefix: Key) -> list[Row]:
        """Return the rows under a prefix."""
        found = self.rows.get(table, {})
        return [found[key] for key in sorted(found) if key[: len(prefix)] == prefix]


def member(name: str, *roles: str, same_as: str | None = None, active: int = 1) -> dict[str, Any]:
    """Return a member's row."""
    return {"member": name, "roles": json.dumps(list(roles)), "same_as": same_as, "active": active}

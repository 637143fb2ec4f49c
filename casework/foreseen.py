"""What a rule would decide now: the rows its needs name, read from what is committed, as the writer would load them.

For showing beforehand only. The rule runs again inside the writer, over the rows as they are by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from casework.records import Records
from ledger.commands import Need, View
from ledger.overlay import Overlay, Wanted
from ledger.store.tables import shapes


async def foresee(records: Records, needs: Iterable[Need]) -> View:
    """Return the view that a command with these needs would have."""
    known, wanted = shapes(), Wanted()
    needed = tuple(dict.fromkeys(needs))
    view = Overlay(known)
    view.want(wanted, needed)
    loaded: dict[str, list[tuple[Any, ...]]] = {}
    for need in needed:
        columns = known[need.table].columns
        found = await records.scan(need.table, need.key)
        loaded.setdefault(need.table, []).extend(tuple(row[name] for name in columns) for row in found)
    view.admit(wanted, loaded)
    return view

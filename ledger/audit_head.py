"""The head row of a database beside the entries it must follow from.

Only a database has one, so the audit of integrity, which reads folders too, leaves it to api/auditing.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ledger.batch import STOPPED_CLOCK
from ledger.entries import Entry
from ledger.errors import ProofError
from ledger.findings import Result
from ledger.merkle import Frontier, leaf_hash


class HeadCheck:
    """The head row of a database as entries leave it: the next one chains to it, so a wrong one does lasting harm."""

    def __init__(self) -> None:
        self._last = b""
        self._at = ""
        self._stopped: str | None = None

    def follow(self, entries: Iterable[tuple[bytes, Entry]]) -> Iterator[tuple[bytes, Entry]]:
        """Pass the entries on, from 0, and remember what a head says of them."""
        for data, entry in entries:
            self._last, self._at = data, entry.at
            if entry.kind == "clock_stepped" and entry.body.get("stopped") is True:
                self._stopped = STOPPED_CLOCK
            elif entry.kind == "clock_confirmed":
                self._stopped = None
            yield data, entry

    def check(self, row: Mapping[str, Any] | None, result: Result) -> None:
        """Compare every column with what was followed; `result` holds size and root of the same entries.

        The caller makes sure that row and entries are of one moment: a log that grew meanwhile has another head.
        """
        if row is None:
            result.found("head", f"head of {result.origin}: expected a row, got none", None, "rows")
            return
        expected = {
            "size": result.size,
            "last_leaf": leaf_hash(self._last).hex(),
            "frontier": f"the root {result.root.hex()}",
            "at": self._at,
            "stopped": self._stopped,
        }
        got = {**row, "last_leaf": row["last_leaf"].hex(), "frontier": _root_said(row["frontier"])}
        for name, due in expected.items():
            if got[name] != due:
                what = f"head of {result.origin}: expected {name} {due}, got {got[name]}"
                result.found("head", what, None, "rows")


def _root_said(frontier: bytes) -> str:
    try:
        return f"the root {Frontier.from_bytes(frontier).root().hex()}"
    except ProofError as error:
        return str(error)

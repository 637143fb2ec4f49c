"""The rows of work that an entry causes, for projections. See views.py; ledger/jobs.py does the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.canonical import json_dumps
from ledger.changes import Change, Delete, Insert
from ledger.entries import Entry


def job(kind: str, cause: str, due: str, entry: Entry, payload: Mapping[str, Any]) -> list[Change]:
    """Return a row of work, caused by this entry. `kind:cause` names it, so the same cause never makes two."""
    name = f"{kind}:{cause}"
    row = {
        "job": name,
        "kind": kind,
        "due": due,
        "payload": json_dumps(payload).decode(),
        "cause_seq": entry.seq,
        "attempt": 0,
        "lease_until": None,
        "leased_by": None,
        "dead": 0,
        "error": None,
    }
    return [Delete("job", (name,)), Insert("job", row)]


def done(kind: str, cause: str) -> Change:
    """Return the end of a row of work, or of none."""
    return Delete("job", (f"{kind}:{cause}",))


def settle(entry: Entry, due: str) -> list[Change]:
    """Return the work of settling the award that the entry names."""
    return job("settle", entry.body["award"], due, entry, {"award": entry.body["award"]})

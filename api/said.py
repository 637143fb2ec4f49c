"""What the watch said, kept sealed between the command that learned it and the command that acts on it.

The rows of a chunk and a job per thing said commit together; the job opens or clears the case. A crash in between loses
nothing: the job is still there. Titles and facts are private values, so a job's payload holds only a commitment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ledger.changes import Change, Delete, Insert
from ledger.codec import dumps
from ledger.vault import ORGANISATION, Vault
from playbooks.world import Broken, Cite, Cleared, Fact, Money, Said, Signal

JOB_KIND = "said"
PATH = "said"


def outbox(vault: Vault, said: Said, name: str, due: str) -> tuple[Change, ...]:
    """Return the rows that keep one thing said: its sealed value and its job, due at `due`."""
    sealed = vault.seal({"type": type(said).__name__, **_plain(asdict(said))}, PATH, [])
    job = {
        "job": f"{JOB_KIND}:{name}",
        "kind": JOB_KIND,
        "due": due,
        "payload": dumps({"item": sealed.commitment}).decode(),
        "cause_seq": -1,  # no entry caused it: `rebuild` must leave it alone
        "attempt": 0,
        "lease_until": None,
        "leased_by": None,
        "dead": 0,
        "error": None,
    }
    return (*sealed.changes, Insert("job", job))


def forgotten(commitment: str) -> tuple[Change, ...]:
    """Return the rows that go once it was acted on: the case holds its own copy."""
    return (Delete("item_wrap", (commitment, ORGANISATION)), Delete("item", (commitment,)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def read_said(value: Mapping[str, Any]) -> Said:
    """Return what `outbox` kept."""
    fields = {name: member for name, member in value.items() if name != "type"}
    if value["type"] == "Broken":
        return Broken(**fields)
    fields["records"] = tuple(Cite(**cite) for cite in fields["records"])
    if value["type"] == "Cleared":
        return Cleared(**fields)
    fields["facts"] = tuple(
        Fact(fact["field"], fact["value"], Cite(**fact["cite"])) for fact in fields["facts"]
    )
    fields["value"] = None if fields["value"] is None else Money(**fields["value"])
    return Signal(**fields)

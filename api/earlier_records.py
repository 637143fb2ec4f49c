"""Records that knew the customer of a case before anything was wrong: what shows that they are a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.scope import Row, Scoped
from casework.tables import evidence, policy
from ledger.codec import loads
from playbooks.records import senders_of
from playbooks.tables import record_version

VERSIONS_READ_MAX = 200
OFFERED_MAX = 3
KNOWN_BY = "customer_known_by"
"""The parameter of `service_issue` that says so (docs/spec/verdict.md)."""


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """A record of something else that names the same customer; `since` is when its source first had it."""

    kind: str
    record: str
    source: str
    since: str


async def earlier_records(rows: Scoped, case: Row) -> tuple[EarlierRecord, ...]:
    """Return at most three records of the customer from before the case's onset, of the kinds by which its policy knows
    one; none that was brought already.

    Another source than that of the case's own record comes first, because it takes one more to fake both; then the
    oldest.
    """
    opened = None if case["subject_item"] is None else await rows.open(case["subject_item"])
    if opened is None or opened.get("customer") is None:
        return ()
    known_by = await _known_by(rows, case)
    if not known_by:
        return ()
    versions = await rows.find(
        record_version,
        {"subject": opened["customer"], "kind": sorted(known_by)},
        limit=VERSIONS_READ_MAX,
        also=(record_version.c.event_at < case["onset"],),
    )
    own = (opened["kind"], opened["id"])
    of_matter = {source for source, _ in await senders_of(rows, *own)}
    first: dict[tuple[str, str], EarlierRecord] = {}
    for one in sorted(versions, key=lambda row: str(row["event_at"])):
        name = (one["kind"], one["record"])
        if name != own:
            first.setdefault(name, EarlierRecord(*name, one["source"], one["event_at"]))
    brought = await _brought(rows, case)
    offered = [one for name, one in first.items() if name not in brought]
    offered.sort(key=lambda one: (one.source in of_matter, one.since, one.kind, one.record))
    return tuple(offered[:OFFERED_MAX])


async def _known_by(rows: Scoped, case: Row) -> Mapping[str, Any]:
    """Return what records a case's policy knows a customer by; one of an earlier version of the judge knows none."""
    found = None if case["policy"] is None else await rows.one(policy, policy=case["policy"])
    kinds: Mapping[str, Any] = (
        {} if found is None else loads(found["content"])["parameters"].get(KNOWN_BY, {})
    )
    return kinds


async def _brought(rows: Scoped, case: Row) -> set[tuple[str, str]]:
    items = await rows.find(evidence, {"case": case["case"], "type": "system_record", "withdrawn": 0})
    facts = await rows.open_all({item["facts_item"] for item in items if item["facts_item"] is not None})
    return {(one["kind"], one["id"]) for one in facts.values() if isinstance(one, dict)}

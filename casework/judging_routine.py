"""What a judge of routine work is shown beside the case (docs/spec/verdict.md, input version 2): what it was
opened for, the earlier cases of the same thing with what their evidence said, who was recognised before.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from casework import cases
from casework.errors import Unjudgeable
from casework.records import Records
from ledger.changes import Row
from verifiers.inputs import EARLIER_MAX, EXPECTED_MAX
from verifiers.work_items import READERS

MEMBERS_IN = ("member", "assessor", "handed_over_by")
"""Members of facts, of any type, that are members of the organisation."""

ReadItem = Callable[[Records, Row], Awaitable[dict[str, Any]]]


async def expected(records: Records, row: Row) -> dict[str, Any]:
    """Return the facts a case was opened with, as far as they are plain values. Raises Unjudgeable: erased."""
    if row["facts_item"] is None:
        return {}
    opened = await records.open(row["facts_item"])
    if opened is None:
        raise Unjudgeable(f"case {row['case']}: expected what it was opened for, got an erased value")
    return plain(opened)


def plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of facts that are null, bool, integer or text, at most as many as a judge reads."""
    kept = {
        name: value for name, value in facts.items() if value is None or isinstance(value, bool | int | str)
    }
    return {name: kept[name] for name in sorted(kept)[:EXPECTED_MAX]}


async def earlier(records: Records, row: Row, read_item: ReadItem) -> list[dict[str, Any]]:
    """Return the latest earlier cases of the same subject, each with the evidence of work that still counts."""
    found: dict[str, Row] = {}
    for group in json.loads(row["groups"]):
        for one in await records.scan("case_group", (group,)):
            other = await records.get("case_file", (one["case"],))
            if other is not None and comes_before(other, row):
                found[other["case"]] = other
    told = []
    for other in sorted(found.values(), key=lambda one: -int(one["opened_seq"]))[:EARLIER_MAX]:
        items = work_items(await records.scan("evidence", (other["case"],)))
        try:
            shown = [await read_item(records, item) for item in items]
        except Unjudgeable:
            continue  # an erased case can no longer be compared
        told.append({"case": other["case"], "opened_at": other["opened_at"], "evidence": shown})
    return told


def comes_before(other: Row, row: Row) -> bool:
    """Say whether another case of a group is an earlier one of the same subject: a customer's group spans several."""
    same_kind = other["subject_kind"] == row["subject_kind"]
    return bool(same_kind and other["opened_seq"] < row["opened_seq"])


def work_items(items: Iterable[Row]) -> list[Row]:
    """Return the items of work that still count."""
    return [item for item in cases.live(items) if item["type"] in READERS]


async def recognised(records: Records, award: str) -> list[str]:
    """Return whom an award recognised."""
    return sorted(share["member"] for share in await records.scan("award_share", (award,)))


def named_in_records(items: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the texts in records shown: one may be a member id, whose second accounts the judge has to know."""
    records = (item["facts"]["fields"] for item in items if item["type"] == "system_record")
    return {text for fields in records for text in fields.values() if isinstance(text, str)}


def named_in(facts: Mapping[str, Any]) -> set[str]:
    """Return the member ids that stand in the facts of an item of work."""
    named = {facts.get(name) for name in MEMBERS_IN}
    named |= {one.get("owner") for one in facts.get("items", ()) if isinstance(one, Mapping)}
    return {one for one in named if isinstance(one, str)}

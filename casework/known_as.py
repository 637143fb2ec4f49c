"""Whom a record means: a rota says "Kelly", a booking system "kelly.b", and a judge compares with members.

A lead said of which member a source speaks by that name (account_rules.py). Where a policy says that a field names a
person, the judge is shown the member in place of the name, as of the moment of judging; every other field stays as the
source wrote it, so that a guest called Kelly or a table 12 is never taken for a colleague. The parameters that name
such fields end in `_field` (docs/spec/verdict.md, "Names in records").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.records import Records
from ledger.changes import Row
from ledger.commands import Need, View

RECORD = "system_record"
"""The type of evidence whose fields may name people."""
PURPOSE = "account"
"""What the HMAC of a name is for; it is made over the source too."""
NAME_CHARS_MAX = 200
_ENDING = "_field"

Fingerprint = Callable[..., str]
"""Hex HMAC over texts, under a key of the organisation (ledger.vault.Vault.fingerprint)."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The member whom a source means by a name, and who said so: they alone could have it mean somebody else."""

    member: str
    said_by: str


Meant = Mapping[tuple[str, str], Meaning]
"""(source, name) -> who is meant."""
Link = tuple[str, str, Meaning | None]
"""Source, HMAC of a name, and who was meant by it when it was looked up."""


def person_fields(content: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields of records that name a person, as a policy's parameters say."""
    found: set[str] = set()
    waiting: list[Any] = [content.get("parameters")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            for name, one in value.items():
                if str(name).endswith(_ENDING):  # one field, or a field for each kind of record
                    named = one.values() if isinstance(one, Mapping) else (one,)
                    found |= {field for field in named if isinstance(field, str)}
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return frozenset(found)


def name_in(value: Any) -> str | None:
    """Return the name that a field's value is: a text, or a number as it is written; None for anything else."""
    if type(value) is int or isinstance(value, str):
        text = str(value)
        return text if 0 < len(text) <= NAME_CHARS_MAX else None
    return None


def account_of(fingerprint: Fingerprint, source: str, name: str) -> str:
    """Return how an entry calls this name of this source."""
    return fingerprint(PURPOSE, source, name)


async def looked_up(
    records: Records, items: Iterable[Mapping[str, Any]], fields: frozenset[str], fingerprint: Fingerprint
) -> tuple[dict[tuple[str, str], Meaning], tuple[Link, ...]]:
    """Return whom the records among these items mean, and every link that was looked for, found or not.

    A name that was erased means nobody any more: without it nobody could check who was meant.
    """
    meant: dict[tuple[str, str], Meaning] = {}
    links: dict[tuple[str, str], Link] = {}
    for source, name in sorted(_names(items, fields)):
        account = account_of(fingerprint, source, name)
        row = await records.get("account_link", (source, account))
        meaning = _meaning(row)
        links[source, name] = (source, account, meaning)
        if row is not None and meaning is not None and await records.open(row["item"]) == name:
            meant[source, name] = meaning
    return meant, tuple(links.values())


def _meaning(row: Row | None) -> Meaning | None:
    return None if row is None else Meaning(str(row["member"]), str(row["linked_by"]))


def _names(items: Iterable[Mapping[str, Any]], fields: frozenset[str]) -> set[tuple[str, str]]:
    found = set()
    for facts in (item["facts"] for item in items if item["type"] == RECORD):
        for field in fields & facts["fields"].keys():
            name = name_in(facts["fields"][field])
            if name is not None:
                found.add((str(facts["source"]), name))
    return found


def as_judged(facts: Mapping[str, Any], fields: frozenset[str], meant: Meant) -> dict[str, Any]:
    """Return a record's facts as the judge reads them: the member in place of a name that means one."""
    said = facts["fields"]
    shown = dict(said)
    for field in fields & said.keys():
        meaning = _meant_in(facts, field, meant)
        if meaning is not None:
            shown[field] = meaning.member
    return {**facts, "fields": shown}


def named_by(facts: Mapping[str, Any], fields: frozenset[str], meant: Meant) -> dict[str, str]:
    """Return who said so, for each field of a record in which a member stands in place of a name."""
    found = {field: _meant_in(facts, field, meant) for field in sorted(fields & facts["fields"].keys())}
    return {field: meaning.said_by for field, meaning in found.items() if meaning is not None}


def _meant_in(facts: Mapping[str, Any], field: str, meant: Meant) -> Meaning | None:
    name = name_in(facts["fields"][field])
    return None if name is None else meant.get((str(facts["source"]), name))


def needs(links: Iterable[Link]) -> list[Need]:
    """Need the rows of what was looked up."""
    return [Need("account_link", (source, account)) for source, account, _ in links]


def moved(view: View, links: Iterable[Link]) -> bool:
    """Say whether somebody else is meant by one of these names than when it was looked up, or somebody else says so."""
    return any(
        _meaning(view.get("account_link", (source, account))) != meaning for source, account, meaning in links
    )

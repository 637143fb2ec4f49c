"""Where a claim comes from: the record's version beside the claim, as it was when the watch noticed and as it is now,
what was known when, and from which source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.dossiers import Dossier, dossiers
from api.pages.cards import People, field_words, title_of, value_words
from api.pages.doing_words import kind_words
from api.pages.doors import PageDoor
from api.pages.exceptions import CaseId, Sees, case_row
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.watch_names import source_words
from api.pages.words import Words
from api.problems import NotFound
from api.scope import Row, Scoped
from casework.hook_requests import HOOK_PARTY
from ledger.codec import loads
from playbooks.tables import import_file, record_version

router = APIRouter(route_class=PageDoor, include_in_schema=False)

VERSIONS_MAX = 200
"""Versions of one record that are looked through, the latest first."""
OTHERS_MAX = 30


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the record: as it was when the watch noticed, as it is now."""

    name: str
    then: str
    now: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Known:
    """One version: since when it was so, when it was known here, from where, who sent it."""

    event_at: str
    known_at: str
    source: str
    sender: str
    noticed: bool
    current: bool


@router.get("/exceptions/{case}/source")
async def source(case: CaseId, seen: Sees) -> Response:
    """Show the record that the exception is about."""
    rows, words = seen.rooms.rows, seen.frame.words
    (dossier,) = await dossiers(rows, [await case_row(seen, case)])
    subject = dossier.text(dossier.case, "subject_item") or {}
    kind, record = subject.get("kind"), subject.get("id")
    if not kind or not record or not seen.caller.reads(kind):
        raise NotFound("record", case)
    found = await rows.find(
        record_version, {"kind": kind, "record": record}, order="event_at", limit=VERSIONS_MAX
    )
    versions = sorted(found, key=_place)
    noticed, current = noticed_of(dossier, versions), versions[-1] if versions else None
    people = await people_of(rows)
    values = await _values(rows, [one for one in (noticed, current) if one is not None])
    then, now = (_values_of(values, one) for one in (noticed, current))
    fields = fields_of(then or {}, now or {}, words)
    return await show(
        seen.frame,
        "exception_source.html",
        case=case,
        title=title_of(dossier, words),
        what=kind_words(str(kind), words),
        record=record,
        noticed=noticed,
        source=source_words(noticed["source"], words) if noticed else "",
        erased=bool(versions) and (then is None or now is None),
        gone=not versions,
        edited=noticed is not None and current is not None and noticed["item"] != current["item"],
        changes=sum(1 for field in fields if field.changed),
        fields=fields,
        known=_known(versions, noticed, current, people, words),
        others=await _others(rows, dossier, str(record), words),
        exact_pairs=await _exact(rows, dossier, noticed, current, words),
    )


def _place(row: Row) -> tuple[str, int]:
    return str(row["event_at"]), int(row["ord"])


def noticed_of(dossier: Dossier, versions: Sequence[Row]) -> Row | None:
    """Return the version that the watch looked at: the one it cited, else the latest that was known by then."""
    cited = {one["item"] for one in loads(dossier.case["records"])}
    named = [one for one in versions if one["item"] in cited]
    known = [one for one in versions if one["known_at"] <= dossier.case["detected_at"]]
    return named[-1] if named else known[-1] if known else None


async def _values(rows: Scoped, versions: Sequence[Row]) -> Mapping[str, Any]:
    return await rows.open_all(one["item"] for one in versions)


def _values_of(values: Mapping[str, Any], version: Row | None) -> Mapping[str, Any] | None:
    opened = None if version is None else values.get(version["item"])
    return None if opened is None else opened["values"]


def fields_of(then: Mapping[str, Any], now: Mapping[str, Any], words: Words) -> tuple[Field, ...]:
    """Return every field of either version, the changed ones first."""
    fields = [
        Field(field_words(name, words), value_words(then.get(name), words), value_words(now.get(name), words),
              then.get(name) != now.get(name))
        for name in dict.fromkeys((*then, *now))
    ]  # fmt: skip
    shown = [field for field in fields if field.then or field.now]
    return tuple(sorted(shown, key=lambda field: not field.changed))


def _known(
    versions: Sequence[Row], noticed: Row | None, current: Row | None, people: People, words: Words
) -> tuple[Known, ...]:
    return tuple(
        Known(
            one["event_at"],
            one["known_at"],
            source_words(one["source"], words),
            _sender(one["received_from"], people, words),
            one is noticed,
            one is current,
        )
        for one in reversed(versions)
    )


def _sender(received_from: str, people: People, words: Words) -> str:
    if received_from.startswith(HOOK_PARTY):
        return words.gettext("the system itself")
    return people.name(received_from, words)


async def _others(rows: Scoped, dossier: Dossier, record: str, words: Words) -> tuple[str, ...]:
    """Return the other records that the watch looked at, by kind and id."""
    cited = [one["item"] for one in loads(dossier.case["records"])][: 2 * OTHERS_MAX]
    found = await rows.find(record_version, {"item": cited}, limit=OTHERS_MAX) if cited else []
    return tuple(
        f"{kind_words(one['kind'], words)} {one['record']}" for one in found if one["record"] != record
    )


async def _exact(
    rows: Scoped, dossier: Dossier, noticed: Row | None, current: Row | None, words: Words
) -> tuple[tuple[str, str], ...]:
    pairs = [(words.gettext("Step of the record that names it"), str(dossier.case["opened_seq"]))]
    for said, one in (
        (words.gettext("When it was noticed"), noticed),
        (words.gettext("Now"), current if current is not noticed else None),
    ):
        if one is None:
            continue
        brought = await rows.one(import_file, **{"import": one["import"]})
        pairs += [
            (f"{said}: {words.gettext('Commitment')}", one["item"]),
            (f"{said}: {words.gettext('Import and place in it')}", f"{one['import']} · {one['leaf']}"),
            (f"{said}: {words.gettext('Root of the import')}", brought["root"] if brought else "…"),
            (f"{said}: {words.gettext('So since / known here')}", f"{one['event_at']} / {one['known_at']}"),
        ]
    return tuple(pairs)

"""Team: who is on now, by the shift records if any come in; everybody by name; the open work of each role.

Nobody is ranked: people stand by name, and work stands by role, never by person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.dossiers import dossiers
from api.pages.cards import STATES, title_of
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import show
from api.pages.sheets import sheet
from api.pages.words import Words, mark
from api.permissions import AGENT, AUDITOR, MANAGER, OUTSIDER, OWNER, STAFF
from api.scope import Row, Scoped
from api.whose import Whose, whose
from casework import cases, tables
from ledger.codec import loads
from playbooks.tables import record

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.report", here="team")]

ROLE_WORDS: Mapping[str, str] = {
    OWNER: mark("Owner"),
    MANAGER: mark("Shift lead or manager"),
    STAFF: mark("Staff"),
    AUDITOR: mark("Auditor"),
    OUTSIDER: mark("From outside"),
    AGENT: mark("Digital employee"),
}
WORK_OF: Mapping[str, str] = {
    OWNER: mark("With the owner"),
    MANAGER: mark("With shift leads and managers"),
    STAFF: mark("With staff"),
    OUTSIDER: mark("With somebody from outside"),
    "": mark("With nobody yet"),
}
"""Role of whoever owns it -> the heading of the open work."""
LEADS = (OWNER, MANAGER)
OPEN = (
    cases.DETECTED, cases.ASSIGNED, cases.ACKNOWLEDGED, cases.AWAITING_DECISION, cases.IN_ACTION,
    cases.AWAITING_REVIEW, cases.REOPENED,
)  # fmt: skip
LOOKED_AT_MAX = 300
SHOWN_PER_ROLE_MAX = 5
SHIFT_KIND, CONFIRMED = "shift", "confirmed"
SHIFTS_MAX = 400
"""Shifts looked through, those planned last first."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody here. `until`: the end of their shift, empty where no record says that they are on."""

    name: str
    role: str
    leads: bool
    helper: bool
    until: str


@dataclass(frozen=True, slots=True)
class Work:
    """What one role has open: the newest few, and how many more."""

    heading: str
    items: tuple[tuple[str, str, str, str], ...]
    beyond: int


@router.get("/team")
async def team(seen: Sees) -> Response:
    """Show who is here and what is open."""
    words, rows = seen.frame.words, seen.rooms.rows
    members = await rows.find(tables.member, {"active": 1})
    on = await on_now(rows, await whose(seen.rooms), seen.rooms.clock.now())
    people = await _people(rows, members, on or {}, words)
    if seen.request.query_params.get("as") == "csv":
        head = [words.gettext(one) for one in (mark("Name"), mark("Role"), mark("On shift until"))]
        return sheet("team", head, ((one.name, one.role, one.until) for one in people))
    return await show(
        seen.frame,
        "team.html",
        on=[one for one in people if one.until],
        knows_shifts=on is not None,
        everybody=people,
        work=await _work(rows, members, words),
        checked=words.clock(seen.rooms.clock.now()),
    )


async def on_now(rows: Scoped, known: Whose, now: str) -> dict[str, str] | None:
    """Return name -> end of the shift that somebody is on at `now`; None where no shift records come in."""
    found = await rows.find(record, {"kind": SHIFT_KIND}, order="event_at", limit=SHIFTS_MAX)
    if not found:
        return None
    on: dict[str, str] = {}
    for one in (await rows.open_all(str(row["item"]) for row in found)).values():
        values = (one or {}).get("values") or {}
        begins, ends = str(values.get("starts_at")), str(values.get("ends_at"))
        if values.get("status") == CONFIRMED and begins <= now < ends:
            name = known.called(str((one or {}).get("source")), values.get("person"))
            on[name] = max(ends, on.get(name, ""))
    return on


async def _people(rows: Scoped, members: Sequence[Row], on: Mapping[str, str], words: Words) -> list[Person]:
    names = {str(row["member"]): str(row["name"]) for row in await rows.find(tables.member_name)}
    told = []
    for row in members:
        roles = loads(row["roles"])
        name = names.get(str(row["member"])) or words.gettext("somebody who left")
        told.append(
            Person(
                name=name,
                role=words.listed(words.gettext(ROLE_WORDS[role]) for role in ROLE_WORDS if role in roles),
                leads=any(role in roles for role in LEADS),
                helper=AGENT in roles,
                until=words.clock(on[name]) if name in on else "",
            )
        )
    return sorted(told, key=lambda one: (one.helper, one.name.casefold()))


async def _work(rows: Scoped, members: Sequence[Row], words: Words) -> list[Work]:
    """Return the open work of each role, the newest first."""
    roles = {str(row["member"]): loads(row["roles"]) for row in members}
    found = await rows.find(tables.case_file, {"state": list(OPEN)}, order="opened_seq", limit=LOOKED_AT_MAX)
    by_role: dict[str, list[Row]] = {}
    for row in found:
        held = roles.get(str(row["owner"]), [])
        role = next((one for one in WORK_OF if one in held), "")
        by_role.setdefault(role, []).append(row)
    told = []
    for role, heading in WORK_OF.items():
        of_role = by_role.get(role, [])
        shown = await dossiers(rows, of_role[:SHOWN_PER_ROLE_MAX])
        items = tuple(
            (f"/exceptions/{one.id}", title_of(one, words), words.gettext(STATES[one.case["state"]][0]),
             STATES[one.case["state"]][1])
            for one in shown
        )  # fmt: skip
        if items:
            told.append(Work(words.gettext(heading), items, len(of_role) - len(items)))
    return told

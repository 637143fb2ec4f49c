"""Who can change what stands in a source: the question that decides whether what comes from there can show anything.

    nobody     nobody who works here: the formula is the source itself
    these      each of them alone: any of these members
    unknown    it stays undeclared, and counts as if whoever is to be recognised had written it (casework/undeclared.py)

Nothing is chosen for the owner but that it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.pages.doors import Form, Seen
from api.pages.names import people_of
from api.permissions import OWNER
from api.problems import BadRequest
from casework import tables
from casework.people import AGENT
from ledger.codec import loads
from verifiers import controllers

NOBODY, THESE, UNKNOWN = "nobody", "these", "unknown"
WRITERS_MAX = 8
"""A judge reads formulas of at most 12 persons, of whom the source, the server and whoever brought it may be some."""


@dataclass(frozen=True, slots=True)
class WritersAsked:
    """The question as it stands on a page. `people`: who works here, (id, name)."""

    people: tuple[tuple[str, str], ...]
    chosen: str = UNKNOWN
    ticked: tuple[str, ...] = ()


async def writers_asked(seen: Seen, form: Form | None = None) -> WritersAsked:
    """Return the question, as it was filled in where it was."""
    names = (await people_of(seen.rooms.rows)).names
    found = await seen.rooms.rows.find(tables.member, {"active": 1})
    here = {str(row["member"]) for row in found if AGENT not in loads(row["roles"])}
    somebody = seen.frame.words.gettext("somebody")
    listed = sorted(((one, names.get(one, somebody)) for one in here), key=lambda one: one[1].casefold())
    if form is None:
        return WritersAsked(tuple(listed))
    chosen = form.text("writer", chars_max=100)
    return WritersAsked(
        tuple(listed), chosen if chosen in (NOBODY, THESE) else UNKNOWN, form.all("people")[: WRITERS_MAX + 1]
    )


async def writers_asked_of(seen: Seen, source: str, form: Form | None = None) -> WritersAsked | None:
    """Return the question where the reader may answer it and nobody did; else None."""
    if OWNER not in seen.caller.roles or not await is_undeclared(seen, source):
        return None
    return await writers_asked(seen, form)


async def is_undeclared(seen: Seen, source: str) -> bool:
    """Say whether nobody said yet who can change what stands in a source, or it is not even registered."""
    row = await seen.rooms.rows.one(tables.source, source=source)
    return row is None or not loads(row["controllers"])


async def declared_by(seen: Seen, form: Form, source: str) -> Mapping[str, Any]:
    """Return the controllers that a form declares for a source; none where it says that they are not known.

    Raises:
        BadRequest: writers_missing (these, and nobody is named, or too many), writers_unsaid (people are named and
            another answer is chosen), value_invalid (no member who is here).
    """
    chosen, people = form.text("writer", UNKNOWN, chars_max=100), dict.fromkeys(form.all("people"))
    if chosen not in (NOBODY, THESE, UNKNOWN):
        expected = f"expected {NOBODY}, {THESE} or {UNKNOWN}"
        raise BadRequest("value_invalid", f"writer: {expected}, got {chosen[:80]}", field="/writer")
    if chosen != THESE:
        if people:
            said = f"people: expected nobody named beside {chosen}, got {len(people)}"
            raise BadRequest("writers_unsaid", said, field="/people")
        return {"party": f"source:{source}"} if chosen == NOBODY else {}
    if not 0 < len(people) <= WRITERS_MAX:
        expected = f"expected 1 to {WRITERS_MAX} people"
        raise BadRequest("writers_missing", f"people: {expected}, got {len(people)}", field="/people")
    here = {row["member"] for row in await seen.rooms.rows.find(tables.member, {"active": 1})}
    other = next((one for one in people if one not in here), None)
    if other is not None:
        raise BadRequest(
            "value_invalid", f"people: expected members who are here, got {other[:80]}", field="/people"
        )
    return controllers.to_json(controllers.any_of([controllers.Party(f"member:{one}") for one in people]))

"""A record typed in by hand, for a place without a spreadsheet: one input for each field of its kind.

It goes the way of a file of one row, so it is read, refused and counted as any other record. Times are those of the
place's zone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.pages.cards import field_words, value_words
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show, with_toast
from api.pages.places_of_data import Into, let_bring, need_place
from api.pages.watch_names import WATCHES
from api.pages.words import Words, mark
from api.pages.writers import declared_by, writers_asked_of
from api.permissions import OWNER
from api.uploads import BY_TYPE, CHANGED_AT, mapping_for, shown_value
from api.watching import Imported
from playbooks.errors import ImportRefused
from playbooks.kinds import Field, Kind, Kinds

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("record.write", here="sources")]
Sends = Annotated[Acting, act("record.write", here="sources")]
VALUE_CHARS_MAX = 2_000
TYPES = {
    "date": "date",
    "instant": "datetime-local",
    "int": "number",
    "money": "number",
    "quantity": "number",
}
"""Type of a field -> type of its input; others are text."""
STEPS = {"money": "0.01", "quantity": "any"}
ID = "id"
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("complaint", "severity"): ("low", "medium", "high", "critical"),
    ("complaint", "status"): ("open", "closed", "resolved"),
    ("booking", "status"): ("confirmed", "cancelled", "seated", "no_show"),
    ("quote", "status"): ("sent", "won", "lost"),
    ("lead", "status"): ("open", "won", "lost"),
    ("lead", "warmth"): ("warm", "cold"),
    ("contract", "status"): ("active", "ended"),
    ("shift", "status"): ("confirmed", "planned", "cancelled"),
}
"""Kind and field of the shipped vocabulary -> the values that its watches know: a word of one's own would be seen by
none of them."""
NOTHING_LIKE_IT = BY_TYPE["string"]
"""What a sample says of a text that nothing is known of: no help to anybody."""
SAVED = mark("Written down.")


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of the form."""

    name: str
    label: str
    kind: str
    value: str
    required: bool
    step: str
    hint: str
    options: tuple[tuple[str, str], ...] = ()


@router.get("/sources/type")
async def form(seen: Sees, into: str = "", said: str = "", first: str = "") -> Response:
    """Ask for one record. `first`: the watch of a first run that goes on after it."""
    place, kinds, kind = await need_place(seen, into)
    return await _page(seen, place, kinds, kind, said=said == "saved", first=first)


@router.post("/sources/type")
async def keep(acting: Sends) -> Response:
    """Take one record in."""
    given = acting.form
    place, kinds, kind = await need_place(acting, given.need("into", chars_max=200))
    typed = {
        name: given.text(name, chars_max=VALUE_CHARS_MAX).strip() for name in (ID, CHANGED_AT, *kind.fields)
    }
    text = _row(typed)
    declared = await declared_by(acting, given, place.source) if OWNER in acting.caller.roles else None
    await let_bring(acting, place.source, place.kind, declared)
    try:
        done = await acting.rooms.watching.import_file(
            acting.who, acting.key, place.source, (mapping_for(text, place.source, kinds, kind), "columns"),
            text, "typed in by hand",
        )  # fmt: skip
    except ImportRefused as error:
        done = Imported(rows=1, refused=1, refused_rows=((2, str(error)),))
    if done.refused:
        return await _page(acting, place, kinds, kind, typed, done, first=given.text("first"))
    first = given.text("first")
    on = f"&first={first}" if first in WATCHES else ""
    return RedirectResponse(
        f"/sources/type?into={place.value}&said=saved{on}",
        status_code=303,
        headers={"Cache-Control": "no-store"},
    )


def _row(typed: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(typed)
    writer.writerow(typed.values())
    return out.getvalue()


async def _page(
    seen: Seen,
    place: Into,
    kinds: Kinds,
    kind: Kind,
    typed: dict[str, str] | None = None,
    done: Imported | None = None,
    said: bool = False,
    first: str = "",
) -> Response:
    words = seen.frame.words
    frame = with_toast(seen.frame, words.gettext(SAVED)) if said else seen.frame
    now = f"{datetime.fromisoformat(words.now).astimezone(kinds.zone):%Y-%m-%dT%H:%M}"
    held = typed or {CHANGED_AT: now}
    return await show(
        frame,
        "hand_typed.html",
        status=422 if done else 200,
        into=place,
        what=place.words(words),
        changed=(CHANGED_AT, held.get(CHANGED_AT, now)),
        given_id=held.get(ID, ""),
        asked=[_asked(kind, field, held.get(field.name, ""), words) for field in _in_order(kind)],
        done=done,
        first=first if first in WATCHES else "",
        writers=await writers_asked_of(seen, place.source, seen.form if isinstance(seen, Acting) else None),
        key=seen.fresh_key(),
    )


def _in_order(kind: Kind) -> list[Field]:
    """Return the fields, those that have to be filled in first."""
    return sorted(kind.fields.values(), key=lambda field: not _required(field))


def _required(field: Field) -> bool:
    return not field.optional and field.type != "list"


def _asked(kind: Kind, field: Field, value: str, words: Words) -> Asked:
    like = shown_value(kind, field, words.now[:10]) if field.type in ("string", "list") else ""
    hint = words.gettext("Such as: %(value)s", value=like) if like and like != NOTHING_LIKE_IT else ""
    known = CHOICES.get((kind.name, field.name), ())
    options = tuple((one, value_words(one, words)) for one in known)
    return Asked(
        field.name,
        field_words(field.name, words),
        "bool" if field.type == "bool" else TYPES.get(field.type, "text"),
        value,
        _required(field),
        STEPS.get(field.type, ""),
        "" if options else hint,
        options,
    )

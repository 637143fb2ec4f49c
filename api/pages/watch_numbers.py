"""Other numbers for a watch: first what would vanish and what would appear on the last 90 days, then Save.

Looking changes nothing. Saving publishes a new version under the same name, with a digest of its own; it is refused
when somebody changed the watch meanwhile.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.pages import watch_words
from api.pages.doors import Form, PageDoor, Seen, see
from api.pages.frame import show
from api.pages.troubles import trouble_of
from api.pages.watch import (
    Switches,
    WatchId,
    after,
    asks_first,
    dial_fields,
    examples_of,
    need_watch,
    page,
    refused,
)
from api.pages.words import Words
from api.previews import compared, last_ninety
from api.problems import BadRequest, of_error
from api.published import latest_kinds, playbook_of, publishing
from api.switching import change
from api.tuning import COUNT_MAX, dials, turned
from api.watches import Watched
from casework.errors import refuse
from ledger.errors import Refused
from playbooks.errors import PlaybookError
from playbooks.playbook import Playbook

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Tries = Annotated[Seen, see("watch.write", here="watch")]
NAMED_MAX = 10
"""Things named of each sort; the rest is counted."""


@router.get("/watch/{playbook}/numbers")
async def try_numbers(playbook: WatchId, seen: Tries) -> Response:
    """Show what other numbers would have changed on the last 90 days."""
    watch = await need_watch(seen.rooms, playbook)
    if await asks_first(seen.rooms, watch):
        return await page(seen, playbook, seen.frame)  # it says why nothing is looked up
    given = given_of(query_form(seen.request), watch)
    words = seen.frame.words
    try:
        new = await new_version(seen, watch, given)
    except BadRequest as error:
        body, _ = of_error(error)
        return await page(seen, playbook, seen.frame, trouble_of(words, body), 422)
    if new.digest == watch.playbook.digest:
        return await page(seen, playbook, seen.frame)
    before, after_ = await last_ninety(seen.rooms, watch.playbook), await last_ninety(seen.rooms, new)
    gone, come = compared(before, after_)
    reads = seen.caller.reads(new.subject)
    return await show(
        seen.frame,
        "watch_numbers.html",
        watch=watch,
        name=watch_words.name_of(watch.playbook, words),
        changes=changes_of(watch, new, words),
        trouble=watch_words.preview_words(after_ if after_.trouble else before, words)
        if after_.trouble or before.trouble
        else (),
        before=before.count,
        after=after_.count,
        gone=len(gone),
        come=len(come),
        vanish=examples_of(tuple(reversed(gone))[:NAMED_MAX], words) if reads else (),
        appear=examples_of(tuple(reversed(come))[:NAMED_MAX], words) if reads else (),
        days=after_.days,
        given=given,
        was=watch.playbook.digest,
        key=seen.fresh_key(),
    )


@router.post("/watch/{playbook}/numbers")
async def save_numbers(playbook: WatchId, acting: Switches) -> Response:
    """Publish the watch with other numbers."""
    watch = await need_watch(acting.rooms, playbook)
    try:
        new = await new_version(acting, watch, given_of(acting.form, watch))
        if acting.form.text("was") != watch.playbook.digest:
            if new.digest != watch.playbook.digest:
                raise refuse("stale", "expected the watch that was shown, got another version")
            return after(playbook, "changed")  # sent twice: it stands as it was asked for
        if watch.row is None:
            raise refuse("unknown", f"expected a watch that is used here, got {playbook}")
        await change(acting.rooms, acting.who, acting.then, new, str(watch.row["mode"]))
    except (Refused, PlaybookError) as refusal:
        return await refused(acting, playbook, refusal)
    return after(playbook, "changed")


def query_form(request: Request) -> Form:
    """Return the address's fields as a form."""
    fields: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)


def given_of(form: Form, watch: Watched) -> dict[int, tuple[int, str]]:
    """Return place -> (count, unit) of the numbers that were filled in.

    Raises:
        BadRequest: no number, out of range, or a unit that this number cannot have.
    """
    given = {}
    for place, dial in enumerate(dials(watch.playbook.content)):
        count = form.whole(f"n{place}", 1 if dial.units else 0, COUNT_MAX)
        if count is None:
            continue
        unit = form.text(f"u{place}", dial.unit, chars_max=1)
        if unit not in (dial.units or ("",)):
            raise BadRequest(
                "value_invalid",
                f"u{place}: expected one of {', '.join(dial.units)}, got {unit}",
                field=f"/u{place}",
            )
        given[place] = (count, unit)
    return given


async def new_version(seen: Seen, watch: Watched, given: dict[int, tuple[int, str]]) -> Playbook:
    """Return the watch with other numbers, compiled. Raises DocumentInvalid."""
    new = playbook_of(turned(watch.playbook.content, given), watch.playbook.id)
    kinds = await latest_kinds(seen.rooms.rows)
    if kinds is not None:
        publishing(kinds, new, None)
    return new


def changes_of(watch: Watched, new: Playbook, words: Words) -> list[tuple[str, str, str]]:
    """Return (what, from, to) of every number that is another one."""
    told = []
    fields = dial_fields(watch, words)
    for field, old, now in zip(fields, dials(watch.playbook.content), dials(new.content), strict=True):
        before = watch_words.count_words(old.count, old.unit, words)
        after_ = watch_words.count_words(now.count, now.unit, words)
        if before != after_:
            told.append((field.label, before, after_))
    return told

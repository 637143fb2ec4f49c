"""Add records by uploading a spreadsheet: what was taken, what was here already, and each row that was not understood.

The same file twice counts once. A file whose columns do not fit is refused whole, with the columns that are missing and
a sample to look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import watch_words
from api.pages.doors import Acting, Form, PageDoor, Seen, act, see
from api.pages.fault_words import why_not
from api.pages.frame import show
from api.pages.places_of_data import let_bring, need_place, places
from api.pages.words import Words, mark
from api.pages.writers import declared_by, is_undeclared, writers_asked, writers_asked_of
from api.permissions import OWNER
from api.problems import BadRequest
from api.uploads import FILE_BYTES_MAX, NotATable, mapping_for, sample, text_of
from api.watching import Imported
from playbooks.errors import ImportRefused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("record.write", here="sources")]
Sends = Annotated[Acting, act("record.write", here="sources", large_body=True)]
NAME_CHARS_MAX = 120
REFUSED = mark("This file was not taken, and nothing was changed.")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file was not taken; `detail` is that in the reader's own words."""

    lead: str
    rest: str
    detail: str
    sample: str


@router.get("/sources/upload")
async def choose(seen: Sees) -> Response:
    """Ask for a file."""
    return await _page(seen)


@router.post("/sources/upload")
async def upload(acting: Sends) -> Response:
    """Take a file in."""
    words, form = acting.frame.words, acting.form
    place, kinds, kind = await need_place(acting, form.need("into", chars_max=200))
    declared = await declared_by(acting, form, place.source) if OWNER in acting.caller.roles else None
    file = form.file("file")
    if file is None:
        raise BadRequest("missing", "file: expected a file, got none", field="/file")
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][-NAME_CHARS_MAX:]
    try:
        text = text_of(await file.read(FILE_BYTES_MAX + 1), name)
        mapping = mapping_for(text, place.source, kinds, kind)
        await let_bring(acting, place.source, place.kind, declared)
        done = await acting.rooms.watching.import_file(
            acting.who, acting.key, place.source, (mapping, "columns"), text, name
        )
    except (NotATable, ImportRefused) as error:
        problem = Problem(
            words.gettext(REFUSED), why_not(error, words), str(error), sample(kind, words.now[:10])
        )
        return await _page(acting, problem=problem, status=422, form=form)
    unsaid = await is_undeclared(acting, place.source)
    return await _page(acting, done=done, said=_said(done, words), unsaid=unsaid)


def _said(done: Imported, words: Words) -> str:
    if done.repeated and not done.imported and not done.refused:
        return words.gettext("This is here already. Nothing was counted twice.")
    return words.ngettext("%(num)s row is new.", "%(num)s rows are new.", done.imported)


async def _page(
    seen: Seen,
    done: Imported | None = None,
    said: str = "",
    problem: Problem | None = None,
    status: int = 200,
    form: Form | None = None,
    unsaid: bool = False,
) -> Response:
    words, found = seen.frame.words, await places(seen)
    options = [(one.value, one.words(words)) for one in found]
    sources = dict.fromkeys(one.source for one in found)
    open_ = [one for one in sources if await writers_asked_of(seen, one) is not None]
    return await show(
        seen.frame,
        "uploading.html",
        status=status,
        options=options,
        is_owner=OWNER in seen.caller.roles,
        writers=await writers_asked(seen, form) if open_ else None,
        asked_for=words.listed(watch_words.plain(one) for one in open_) if len(open_) < len(sources) else "",
        unsaid=unsaid,
        done=done,
        said=said,
        problem=problem,
        key=seen.fresh_key(),
    )

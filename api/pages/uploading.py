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
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show
from api.pages.words import Words, mark
from api.permissions import OWNER
from api.problems import BadRequest, NotFound
from api.published import latest_kinds
from api.uploads import FILE_BYTES_MAX, ColumnsMissing, NotATable, mapping_for, sample, text_of
from api.watching import Imported
from casework import tables
from ledger.codec import loads
from playbooks.errors import ImportRefused
from playbooks.kinds import Kinds

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("record.write", here="sources")]
Sends = Annotated[Acting, act("record.write", here="sources", large_body=True)]
NAME_CHARS_MAX = 120
REFUSED = mark("This file was not taken, and nothing was changed.")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file was not taken: what is missing, or the reader's own words."""

    lead: str
    columns: str
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
    source, _, kind_name = form.need("into", chars_max=200).partition("/")
    kinds = await latest_kinds(acting.rooms.rows)
    kind = kinds.kind(kind_name) if kinds is not None else None
    if kinds is None or kind is None:
        raise NotFound("kind", kind_name)
    file = form.file("file")
    if file is None:
        raise BadRequest("missing", "file: expected a file, got none", field="/file")
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][-NAME_CHARS_MAX:]
    try:
        text = text_of(await file.read(FILE_BYTES_MAX + 1), name)
        mapping = mapping_for(text, source, kinds, kind)
        done = await acting.rooms.watching.import_file(
            acting.who, acting.key, source, (mapping, "columns"), text, name
        )
    except (NotATable, ImportRefused) as error:
        missing = ", ".join(error.names) if isinstance(error, ColumnsMissing) else ""
        problem = Problem(words.gettext(REFUSED), missing, str(error), sample(kind, words.now[:10]))
        return await _page(acting, problem=problem, status=422)
    return await _page(acting, done=done, said=_said(done, words))


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
) -> Response:
    kinds: Kinds | None = await latest_kinds(seen.rooms.rows)
    words = seen.frame.words
    options = [
        (
            f"{row['source']}/{kind}",
            f"{watch_words.kinds_words(kind, words)} ({watch_words.plain(row['source'])})",
        )
        for row in await seen.rooms.rows.find(tables.source)
        for kind in loads(row["kinds"])
        if kinds is not None and kinds.kind(kind) is not None
    ]
    return await show(
        seen.frame,
        "uploading.html",
        status=status,
        options=options,
        is_owner=OWNER in seen.caller.roles,
        done=done,
        said=said,
        problem=problem,
        key=seen.fresh_key(),
    )

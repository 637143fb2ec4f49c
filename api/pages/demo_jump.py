"""Jump to Saturday 19:30: the demo's clock goes on hour by hour, and the page says what came due meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.pages.demo_doors import ActsInDemo, SeesDemo, need_clock
from api.pages.doors import PageDoor
from api.pages.frame import show
from api.pages.words import Words
from api.problems import BadRequest
from api.rooms import Rooms
from api.scope import POSITION_MAX
from api.sessions import set_cookie
from api.venue.hours import SATURDAY_EVENING, move_on, next_moment_ms
from ledger.clock import instant_of, unix_ms_of

router = APIRouter(route_class=PageDoor, include_in_schema=False)

STEPS_READ_MAX = 2_000
Since = Annotated[int | None, Query(ge=0, le=POSITION_MAX)]


@router.get("/demo/jump")
async def ask(at: SeesDemo, request: Request, since: Since = None) -> Response:
    """Say where the jump leads, or what happened since a step."""
    need_clock(at.demo, request)
    seen = at.seen
    words = seen.frame.words
    until = instant_of(next_moment_ms(words.now, SATURDAY_EVENING))
    happened = None if since is None else await happened_since(seen.rooms, since, words)
    return await show(seen.frame, "demo_jump.html", until=until, happened=happened, key=seen.fresh_key())


@router.post("/demo/jump")
async def jump(at: ActsInDemo, request: Request) -> Response:
    """Move the clock to where the form said; a form sent twice moves it once."""
    need_clock(at.demo, request)
    acting, installation = at.acting, request.app.state.installation
    until = acting.form.need("until", chars_max=30)
    async with at.busy:
        now = acting.rooms.clock.now()
        since = (await acting.rooms.reader.head()).size
        due = instant_of(next_moment_ms(now, SATURDAY_EVENING))
        if until > now:
            if until != due:
                raise BadRequest("value_invalid", f"until: expected {due}, got {until}", field="/until")
            folder = installation.settings.data_dir
            await move_on(installation, acting.rooms.log, folder, unix_ms_of(due))
    answer = RedirectResponse(
        f"/demo/jump?since={since}", status_code=303, headers={"Cache-Control": "no-store"}
    )
    # a shift is over by then, and with it the session: whoever looks goes on looking
    browser = request.headers.get("user-agent", "")
    token = await installation.sessions.open(acting.rooms.rows, acting.caller.member, "demo", browser)
    set_cookie(answer, token, installation.settings.session_hours)
    return answer


async def happened_since(rooms: Rooms, step: int, words: Words) -> list[str]:
    """Return what was recorded from a step on, in sentences; none: nothing that anybody needs to know."""
    entries = await rooms.rows.entries(step, STEPS_READ_MAX)
    counts = Counter(entry.kind for entry in entries)
    return [said for kind, said in _came_due(counts, words) if counts[kind]]


def _came_due(counts: Counter[str], words: Words) -> Iterator[tuple[str, str]]:
    """Yield (kind of step, what the page says of so many); other kinds say nothing to whoever looks."""

    n = counts.__getitem__
    yield (
        "award_settled",
        words.ngettext(
            "%(num)s recognition is theirs now.", "%(num)s recognitions are theirs now.", n("award_settled")
        ),
    )
    yield (
        "case_opened",
        words.ngettext(
            "%(num)s new exception was noticed.", "%(num)s new exceptions were noticed.", n("case_opened")
        ),
    )
    yield (
        "case_expired",
        words.ngettext(
            "%(num)s exception was missed: nobody answered in time.",
            "%(num)s exceptions were missed: nobody answered in time.",
            n("case_expired"),
        ),
    )
    yield (
        "case_cleared",
        words.ngettext(
            "%(num)s exception sorted itself out.",
            "%(num)s exceptions sorted themselves out.",
            n("case_cleared"),
        ),
    )
    yield (
        "escalated",
        words.ngettext(
            "%(num)s exception was passed on, because it lay there.",
            "%(num)s exceptions were passed on, because they lay there.",
            n("escalated"),
        ),
    )
    yield (
        "signal_broken",
        words.ngettext("%(num)s watch cannot see.", "%(num)s watches cannot see.", n("signal_broken")),
    )
    yield (
        "link_expired",
        words.ngettext(
            "%(num)s link to a guest ran out without an answer.",
            "%(num)s links to guests ran out without an answer.",
            n("link_expired"),
        ),
    )

"""What waits for a decision, in numbers, and a stream that tells when they move: pages look again instead of asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api.bodies import Door
from api.caller import Caller
from api.identity import Visit, holder_now, need
from api.permissions import role_for
from api.problems import PROBLEM_RESPONSES, Problem
from api.routes.shapes import Told
from api.streams import LISTENERS_OF_ONE_MAX, Channel, State, Streams, StreamsFull, follow
from ledger.errors import LedgerError

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["cases"], responses=PROBLEM_RESPONSES)

STREAM = "text/event-stream"
PERMISSION = "case.read"
EVENT = "decisions"
RETRY_MS = 3_000
"""How long a browser waits before it comes again after a stream has ended."""
BEAT = format_sse_event(comment="beat")


class WaitingTold(Told):
    """Cases in which a yes or a no may be wanted, of those the caller may read, and the latest entry about one of them.

    Whose decision it is stands at the cases; that these numbers moved says that it is time to look.
    """

    count: int
    changed_seq: int


class Full(Problem):
    """As many streams are open as there may be. The caller closes some, or comes again later."""

    status = 503


@router.get(
    "/decisions/events",
    operation_id="follow_decisions",
    response_model=WaitingTold,
    responses={200: {"content": {STREAM: {"schema": {"type": "string"}}}}},
)
async def follow_decisions(
    request: Request,
    visit: Annotated[Visit, need(PERMISSION)],
    accept: Annotated[str, Header(max_length=400, description="With text/event-stream it stays open.")] = "",
) -> Response:
    """Tell what waits for a decision; as a stream of events `decisions` to whoever asks for one.

    The first event tells how things stand, each later one that they moved. The stream ends with the key or session.
    """
    if STREAM not in accept.lower():
        state = await visit.rooms.rows.waiting()
        return JSONResponse(_told(_visible(visit.caller, state)).model_dump())
    return DecisionStream(request, visit)


class DecisionStream(EventSourceResponse):
    """The stream: it takes its place when it begins to be sent, and gives it back however that ends."""

    def __init__(self, request: Request, visit: Visit) -> None:
        super().__init__(())
        self._request = request
        self._visit = visit
        self._caller = visit.caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client goes, may no longer listen, or the server stops. Raises Full."""
        streams: Streams = self._request.app.state.streams
        try:
            with streams.listening(self._visit.rooms.rows, self._caller.member) as channel:
                self.body_iterator = self._events(streams, channel)
                await super().__call__(scope, receive, send)
        except StreamsFull as full:
            raise _full(full) from full

    async def _events(self, streams: Streams, channel: Channel) -> AsyncIterator[bytes]:
        seen: State | None = None
        async for state in follow(streams, channel, self._may_listen):
            visible = None if state is None else _visible(self._caller, state)
            if visible is None or visible == seen:
                yield BEAT
                continue
            seen = visible
            told = _told(visible)
            yield format_sse_event(
                event=EVENT, data_str=told.model_dump_json(), id=str(told.changed_seq), retry=RETRY_MS
            )

    async def _may_listen(self) -> bool:
        """Look the caller up again: the key or session goes on, and the role still reads cases."""
        try:
            caller = await holder_now(self._request)
        except LedgerError:
            return False  # nobody can say; the browser comes again
        was = self._visit.caller
        if caller is None or (caller.log, caller.member) != (was.log, was.member):
            return False
        self._caller = caller
        return role_for(PERMISSION, caller.roles) is not None


def _visible(caller: Caller, state: State) -> State:
    return {kind: waiting for kind, waiting in state.items() if caller.reads(kind)}


def _told(visible: State) -> WaitingTold:
    return WaitingTold(
        count=sum(one.count for one in visible.values()),
        changed_seq=max((one.changed_seq for one in visible.values()), default=0),
    )


def _full(full: StreamsFull) -> Full:
    said = (
        f"more than {LISTENERS_OF_ONE_MAX} streams of this member; close some pages"
        if full.of_one
        else "as many streams are open as there may be; try again in a minute"
    )
    return Full("streams_full", said, headers={"Retry-After": "60"})

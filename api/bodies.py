"""What a request passes between its route and its body: a key in force first, then a bound, then one meaning only.

    1. who asks (a stranger's bytes are never read)   2. how much they may send here   3. JSON without doubled members,
    or a form with a photo

The key is looked up again after the body has come: what counts is the key in force when the request is decided.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, TypedDict

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.doorway import counting, length_refused
from api.identity import FORM_TYPE, JSON_TYPE, NeedToWrite, media_type, sign_in, signed_in
from api.problems import INPUT_SHOWN_CHARS_MAX, BadRequest
from casework.collectors import photo

FORM_BYTES_MAX = photo.SIZE_MAX_BYTES + 64 * 1024
"""One photo, a few texts and what stands between the parts."""


class FormLimits(TypedDict, total=False):
    """What the framework takes as `form_limits` of a route; sizes in bytes."""

    max_fields: int
    max_files: int
    max_part_size: int


async def raw_body(request: Request) -> bytes:
    """The dependency of a route that takes bytes as they come: a signature is checked before anything reads them."""
    return await request.body()


FORM_LIMITS: FormLimits = {"max_files": 1, "max_fields": 12, "max_part_size": 32 * 1024}
"""Of the parts of a form; `form_limits` of its route."""


class StrictRequest(Request):
    """A request whose JSON is parsed once, and refused where two readers could read two things."""

    async def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            BadRequest: an object holds a member twice. ValueError, RecursionError: it is no JSON, or nested too deep.
        """
        if not hasattr(self, "_json"):
            self._json = json.loads(await self.body(), object_pairs_hook=_members)
        return self._json


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        shown = repr(doubled)[:INPUT_SHOWN_CHARS_MAX]
        raise BadRequest(
            "member_twice", f"expected each member of an object once, got {shown} again", status=400
        )
    return members


class Door(APIRoute):
    """The class of every route: it may be entered with a body only as this module says."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return the handler of a request."""
        handle = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handle
        calls = list(calls_of(self.dependant))
        needs_key = signed_in in calls
        is_large = any(isinstance(call, NeedToWrite) and call.large_body for call in calls)
        is_raw = raw_body in calls
        is_form = any(isinstance(call, NeedToWrite) and call.media_type == FORM_TYPE for call in calls)

        async def enter(request: Request) -> Response:
            # 1. who asks
            if needs_key:
                await sign_in(request)
            # 2. how much
            settings = request.app.state.installation.settings
            limit = settings.body_bytes_max if is_large else settings.json_bytes_max
            limit = FORM_BYTES_MAX if is_form else limit
            if refused := length_refused(request.scope, limit):
                raise BadRequest("body_too_large", refused, status=413)
            strict = StrictRequest(request.scope, counting(request.receive, limit))
            # 3. one meaning; what is no JSON at all is told with its place by the framework, which reads it again
            if media_type(request) == JSON_TYPE and not is_raw:
                with suppress(ValueError, RecursionError):
                    await strict.json()
            elif is_form:
                await strict.body()  # kept, so that its digest can be taken when the framework has parsed it
            return await handle(strict)

        return enter


def calls_of(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from calls_of(child)

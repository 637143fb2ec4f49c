"""What a page's request passes: who asks, how much they send, in which role; and what a refusal looks like on a page.

    seen = Annotated[Seen, see("case.read", here="decisions")]      a page that reads
    done = Annotated[Acting, act("case.decide", here="decisions")]  a form that changes something

A form carries a hidden `key`: pressed twice, it has one effect. Errors leave as pages that say what was not changed and
what to do next; whoever is not signed in is sent to sign in and comes back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.bodies import calls_of
from api.caller import Caller
from api.doorway import counting, length_refused
from api.identity import Need, sign_in, signed_in
from api.pages.frame import Frame, frame_of, frame_of_stranger, show
from api.pages.strip import with_strip
from api.pages.troubles import trouble_of
from api.problems import BadRequest, NotSignedIn, of_error, of_validation
from api.rooms import Rooms
from casework.errors import CaseworkError, WayInEnded
from casework.intake import RequestKey
from casework.requests import Principal
from ledger.errors import LedgerError
from playbooks.errors import PlaybookError
from verifiers.errors import VerifierError

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
FORM_FIELDS_MAX = 200
KEY_CHARS_MAX = 64
TEXT_CHARS_MAX = 4_000
READ_BYTES = 65_536
SIGN_IN = "/sign-in"


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody filled in."""

    fields: Mapping[str, tuple[str | UploadFile, ...]]

    def text(self, name: str, default: str = "", chars_max: int = TEXT_CHARS_MAX) -> str:
        """Return one text field without spaces around it; an absent one is `default`.

        Raises:
            BadRequest: longer than `chars_max`, or with control characters.
        """
        given = [value for value in self.fields.get(name, ()) if isinstance(value, str)]
        value = given[-1].strip().replace("\r\n", "\n") if given else default
        if len(value) > chars_max:
            raise BadRequest(
                "too_long",
                f"{name}: expected at most {chars_max} characters, got {len(value)}",
                field=f"/{name}",
            )
        if any(ord(char) < 32 and char not in "\n\t" for char in value):
            raise BadRequest(
                "value_invalid", f"{name}: expected plain text, got control characters", field=f"/{name}"
            )
        return value

    def maybe(self, name: str, chars_max: int = TEXT_CHARS_MAX) -> str | None:
        """Return one text field, None when it is empty."""
        return self.text(name, chars_max=chars_max) or None

    def need(self, name: str, chars_max: int = TEXT_CHARS_MAX) -> str:
        """Return one text field. Raises BadRequest: it is empty."""
        value = self.text(name, chars_max=chars_max)
        if not value:
            raise BadRequest("missing", f"{name}: expected something, got nothing", field=f"/{name}")
        return value

    def one_of(self, name: str, choices: Collection[str]) -> str:
        """Return one of a few words that a form of ours offers. Raises BadRequest: something else."""
        value = self.text(name, chars_max=100)
        if value not in choices:
            wanted = ", ".join(choices)
            raise BadRequest(
                "value_invalid", f"{name}: expected one of {wanted}, got {value}", field=f"/{name}"
            )
        return value

    def whole(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number, None when the field is empty. Raises BadRequest: no number, or out of range."""
        value = self.maybe(name, chars_max=20)
        if value is None:
            return None
        if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
            raise BadRequest(
                "value_invalid",
                f"{name}: expected a whole number from {least} to {most}, got {value}",
                field=f"/{name}",
            )
        return int(value)

    def typed(self) -> dict[str, str]:
        """Return every text field as it was typed, to be shown again: cut at TEXT_CHARS_MAX, otherwise unchecked."""
        return {
            name: values[-1][:TEXT_CHARS_MAX]
            for name, values in self.fields.items()
            if isinstance(values[-1], str)
        }

    def all(self, name: str) -> tuple[str, ...]:
        """Return every text given under a name, in order."""
        return tuple(value for value in self.fields.get(name, ()) if isinstance(value, str) and value)

    def file(self, name: str) -> UploadFile | None:
        """Return the file given under a name, None when none was chosen."""
        files = [value for value in self.fields.get(name, ()) if isinstance(value, UploadFile)]
        return files[-1] if files and files[-1].filename else None


_WHOLE = re.compile(r"-?[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Seen:
    """A page that reads: who, their rooms, and the frame around it."""

    request: Request
    caller: Caller
    rooms: Rooms
    frame: Frame

    @property
    def who(self) -> Principal:
        """Return what the desk wants to know about whoever asks."""
        return self.caller.who

    def fresh_key(self) -> str:
        """Draw the key of a form that is about to be shown."""
        return self.rooms.entropy.token(16).hex()


@dataclass(frozen=True, slots=True)
class Acting(Seen):
    """A form that changes something, under the key it was shown with."""

    form: Form
    key: RequestKey

    def then(self, part: str) -> RequestKey:
        """Return the key of a further command of the same form."""
        return RequestKey.of(f"{self.key}:{part}", self.key.digest)


class NeedToSee(Need):
    """For a page: its value is the Seen. `here` is its entry in the navigation."""

    def __init__(self, permission: str, here: str) -> None:
        super().__init__(permission)
        self.here = here

    async def __call__(self, request: Request, caller: Annotated[Caller, Depends(signed_in)]) -> Seen:
        allowed = self.check(caller)
        rooms, frame = await _around(request, allowed, self.here)
        return Seen(request, allowed, rooms, frame)


class NeedToAct(Need):
    """For a form: its value is the Acting. `large_body`: it takes a file."""

    def __init__(self, permission: str, here: str, large_body: bool = False) -> None:
        super().__init__(permission)
        self.here = here
        self.large_body = large_body

    async def __call__(self, request: Request, caller: Annotated[Caller, Depends(signed_in)]) -> Acting:
        allowed = self.check(caller)
        form = await read_form(request)
        rooms, frame = await _around(request, allowed, self.here)
        given = form.text("key", chars_max=KEY_CHARS_MAX) or rooms.entropy.token(16).hex()
        digest = hashlib.sha256(b"tallystick/form/v1\x00" + request.url.path.encode() + b"\x00")
        for name in sorted(form.fields):
            for value in form.fields[name]:
                plain = (
                    value.encode("utf-8", "surrogateescape") if isinstance(value, str) else await _sum(value)
                )
                digest.update(name.encode("utf-8", "surrogateescape") + b"=" + plain + b"\x00")
        return Acting(
            request, allowed, rooms, frame, form, RequestKey.of(f"page:{given}", digest.hexdigest())
        )


async def _sum(file: UploadFile) -> bytes:
    """Return the SHA-256 of a file, which is read again after this: another photo is another request."""
    digest = hashlib.sha256()
    while chunk := await file.read(READ_BYTES):
        digest.update(chunk)
    await file.seek(0)
    return b"file:" + digest.digest()


def see(permission: str, *, here: str) -> Any:
    """Return the dependency of a page."""
    return Depends(NeedToSee(permission, here))


def act(permission: str, *, here: str, large_body: bool = False) -> Any:
    """Return the dependency of a form."""
    return Depends(NeedToAct(permission, here, large_body))


async def _around(request: Request, caller: Caller, here: str) -> tuple[Rooms, Frame]:
    rooms = await request.app.state.installation.rooms(caller.log)
    frame = await with_strip(request, await frame_of(request, caller, rooms, here))
    return rooms, frame


async def read_form(request: Request) -> Form:
    """Return what was filled in.

    Raises:
        BadRequest: another media type, or more fields than any form of ours has.
    """
    got = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not got and not await request.body():
        return Form({})
    if got not in FORM_TYPES:
        raise BadRequest("media_type", f"expected a form, got {got or 'nothing'}", status=415)
    try:
        given = await request.form(max_files=FORM_FIELDS_MAX, max_fields=FORM_FIELDS_MAX)
    except HTTPException as error:
        raise BadRequest("unreadable_form", f"expected a form, got {error.detail}") from error
    fields: dict[str, tuple[str | UploadFile, ...]] = {}
    for name, value in given.multi_items():
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)


class PageDoor(APIRoute):
    """The class of every page's route."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return the handler of a request."""
        handle = super().get_route_handler()
        calls = list(calls_of(self.dependant))
        needs_person = signed_in in calls
        is_large = any(getattr(call, "large_body", False) for call in calls)

        async def enter(request: Request) -> Response:
            try:
                # 1. who asks, before a byte of the body is read  2. how much they may send
                if needs_person:
                    await sign_in(request)
                settings = request.app.state.installation.settings
                limit = settings.body_bytes_max if is_large else settings.json_bytes_max
                if refused := length_refused(request.scope, limit):
                    raise BadRequest("body_too_large", refused, status=413)
                return await handle(Request(request.scope, counting(request.receive, limit)))
            except (NotSignedIn, WayInEnded):
                return to_sign_in(request)
            except (LedgerError, CaseworkError, PlaybookError, VerifierError, HTTPException) as error:
                return await page_of(request, error)
            except RequestValidationError as error:
                return await page_of(request, error)
            except Exception as error:  # a page for our own errors too; the cause goes to the server's log
                return await page_of(request, error)

        return enter


def to_sign_in(request: Request) -> Response:
    """Send to sign in, and back to this page afterwards; a form's page, since a form cannot be sent again."""
    back = request.url.path if request.method == "GET" else _path_of(request.headers.get("referer", ""))
    where = f"{SIGN_IN}?next={quote(back or '/', safe='/')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": where, "Cache-Control": "no-store"})
    return RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})


def _path_of(address: str) -> str:
    _, _, rest = address.partition("://")
    return "/" + rest.partition("/")[2].partition("?")[0].partition("#")[0]


def local(path: str) -> str:
    """Return where to go next, if it is a page of ours; anything else is the first page."""
    fits = path.startswith("/") and not path.startswith(("//", "/\\")) and not path.startswith(SIGN_IN)
    return path if fits and all(" " < char < "\x7f" for char in path) else "/"


async def page_of(request: Request, error: Exception) -> Response:
    """Return the page of an error: what was not changed, why, and what to do next. It is counted and journalled."""
    body, headers = _document(error)
    journal = getattr(request.app.state, "journal", None)
    if journal is not None:
        await journal.refused(request, body["status"], body["code"])
    frame = await _frame_for(request)
    page = await show(
        frame, "trouble.html", status=body["status"], trouble=trouble_of(frame.words, body, request.method)
    )
    page.headers.update({name: value for name, value in headers.items() if name != "WWW-Authenticate"})
    return page


def _document(error: Exception) -> tuple[dict[str, Any], Mapping[str, str]]:
    if isinstance(error, RequestValidationError):
        return of_validation(error), {}
    if isinstance(error, HTTPException):
        fitting = BadRequest("refused", str(error.detail), status=error.status_code)
        return of_error(fitting)[0], error.headers or {}
    return of_error(error)


async def _frame_for(request: Request) -> Frame:
    """Return the frame around an error: that of whoever asked, as far as it can be told."""
    installation = request.app.state.installation
    caller = getattr(request.state, "caller", None)
    if caller is not None:
        try:
            rooms = await installation.rooms(caller.log)
            return replace(await with_strip(request, await frame_of(request, caller, rooms, "")), here="")
        except LedgerError:
            pass  # the database is away: the page still says so
    return frame_of_stranger(request, installation.clock.now())

"""Changing how one signs in, on the page Me. The name that was typed stays when something has to be mended; a password
or a PIN is never shown again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api import tables as own
from api.joining import Typed, check_current, set_sign_in
from api.pages.doors import Acting, PageDoor, act
from api.pages.joining import SAID as FIELD_WORDS
from api.pages.joining import refused_by, secret
from api.pages.me import page
from api.pages.people import to
from api.pages.words import Words, mark
from api.problems import BadRequest
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

CURRENT_WRONG = mark("That is not the password in force. Nothing was changed.")


@router.post("/me/sign-in")
async def change(acting: Annotated[Acting, act("sign_in.write", here="me")]) -> Response:
    """Change name, password or PIN; the password in force is asked for where there is one."""
    installation, member = acting.request.app.state.installation, acting.caller.member
    form = acting.form
    kept = await acting.rooms.rows.one(own.sign_in, member=member)
    name = form.maybe("name", chars_max=200)
    typed = Typed(
        None if kept is not None and name == kept["name"] else name,
        secret(form, "password") or None,
        secret(form, "pin").strip() or None,
    )
    if typed == Typed():
        return to("/me#sign-in")
    wrong: dict[str, str] = {}
    try:
        if typed.password is not None and secret(form, "again") != typed.password:
            wrong = {"password": "repeat"}
        else:
            if not await acting.rooms.intake.is_repeat(acting.who, acting.key):
                await check_current(installation, acting.rooms, member, secret(form, "current") or None)
            await set_sign_in(installation, acting.rooms, acting.who, acting.key, member, typed)
    except BadRequest as refusal:
        if refusal.code != "password_wrong":
            raise
        wrong = {"current": refusal.code}
    except Refused as refusal:
        wrong = refused_by(refusal)
    if wrong:
        await acting.request.app.state.journal.refused(acting.request, 422, next(iter(wrong.values())))
        said = {field: _words(field, code, acting.frame.words) for field, code in wrong.items()}
        return await page(acting, acting.frame, wrong=said, name=name or "", status=422)
    return to("/me?said=sign-in")


def _words(field: str, code: str, words: Words) -> str:
    if field == "current":
        return words.gettext(CURRENT_WRONG)
    said = FIELD_WORDS[field].get(code) or FIELD_WORDS[field]["value_invalid"]
    return words.gettext(said)

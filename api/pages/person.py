"""One person: roles, powers, invitation and PIN, passkeys, leaving. Read by leads and auditors, changed by
owners; who looked is told to the person."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from api import tables as own
from api.joining import Typed, set_sign_in
from api.pages.doors import Acting, Form, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.mending import Mended
from api.pages.names import people_of
from api.pages.passkeys import seen_passkeys, waiting_passkeys
from api.pages.people import away_words, in_force, may_invite, signs_in, to
from api.pages.persons import ROLE_WORDS, power_words
from api.pages.slips import Handed, show_slips
from api.pages.troubles import Trouble, trouble_of
from api.pages.watch_words import plain
from api.pages.words import Words, mark
from api.permissions import OWNER, role_for
from api.problems import BadRequest, NotFound, of_error
from api.routes.takeaway import take_away
from api.whose import known, person_fields
from casework import cases, looks, people, tables
from casework.joining_requests import Invite
from casework.joining_rules import ISSUED
from casework.leaving import LEAVE_REASONS
from casework.requests import EndAuthority, GrantAuthority, JoinMember, MemberStep
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Manages = Annotated[Acting, act("member.write", here="people")]
Empowers = Annotated[Acting, act("authority.write", here="people")]
MemberId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
OtherId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
MONEY_MAX = 1_000_000
SAID = {
    "role": mark("Changed. It counts from their next click."),
    "power": mark("Changed. Powers stand in the record with whoever gave them."),
    "pin": mark("Set. Tell them the PIN; they can change it under Me."),
    "away": mark("Noted. The stand-in sees it under Me."),
    "away-ended": mark("Ended. They decide for themselves again."),
    "second": mark("Added. The two accounts count as one person."),
    "passkey-confirmed": mark("Confirmed. From now on this passkey signs decisions."),
    "passkey-ended": mark("That passkey has ended. What it signed stays signed."),
}
LEAVE_WORDS = {
    "left": mark("They leave"),
    "ended_by_owner": mark("The place ends it"),
    "joined_in_error": mark("They were added by mistake"),
}
SIGN_INS = (
    ("session", mark("signed in")),
    ("passkey", mark("with a passkey")),
    ("key", mark("signed in, or a program with a key")),
)


@router.get("/people/{member}")
async def page_of_person(
    member: MemberId, seen: Annotated[Seen, see("member.read", here="people")], said: str = ""
) -> Response:
    """Show one person; they see who looked."""
    frame = with_toast(seen.frame, seen.frame.words.gettext(SAID[said])) if said in SAID else seen.frame
    return await page(seen, member, frame)


async def page(
    seen: Seen,
    member: str,
    frame: Frame | None = None,
    trouble: Trouble | None = None,
    status: int = 200,
    away_again: Mended | None = None,
) -> Response:
    """Return the page. `away_again`: the refused form of being away."""
    rows, words = seen.rooms.rows, seen.frame.words
    row = await rows.need("member", tables.member, member=member)
    held = people.roles(row)
    if people.AGENT in held:
        raise NotFound("member", member)
    await looks.note(seen.rooms.intake, seen.who, (member,), looks.MEMBER, words.now)
    names = await people_of(rows)
    powers = await rows.find(tables.authority, {"member": member})
    kept = await rows.one(own.sign_in, member=member)
    invites = await rows.find(tables.invite, {"member": member, "state": ISSUED})
    open_until = max((one["until"] for one in invites), default="")
    way = signs_in(bool(kept and (kept["password_hash"] or kept["pin_hash"])), open_until, words)
    found = await rows.find(tables.delegation, {"active": 1})
    mine = [one for one in found if member in (one["giver"], one["stand_in"]) and words.now < one["until"]]
    others = [
        (one["member"], names.name(one["member"], words))
        for one in await rows.find(tables.member, {"active": 1})
        if one["member"] != member and people.AGENT not in people.roles(one)
    ]
    is_owner = OWNER in seen.caller.roles
    may_confirm = {one.id for one in await waiting_passkeys(seen, names)}
    return await show(
        frame or seen.frame,
        "person.html",
        status=status,
        member=member,
        name=names.name(member, words),
        active=bool(row["active"]),
        roles=[(role, words.gettext(ROLE_WORDS[role])) for role in people.ROLES if role in held],
        more_roles=[(role, words.gettext(ROLE_WORDS[role])) for role in people.ROLES if role not in held],
        powers=[(one["authority"], power_words(one, words)) for one in in_force(powers, member, words.now)],
        way=way,
        passkeys=seen_passkeys(await rows.find(tables.passkey, {"member": member}), names, words),
        may_confirm=may_confirm,
        away=[(one["giver"], one["delegation"], away_words(one, names, words)) for one in mine],
        others=sorted(others, key=lambda one: (one[1].casefold(), one[0])),
        open_count=await _open_count(seen, member),
        reasons=[(code, words.gettext(LEAVE_WORDS[code])) for code in LEAVE_REASONS],
        sign_ins=[(code, words.gettext(said)) for code, said in SIGN_INS],
        same_as=names.name(row["same_as"], words) if row["same_as"] else "",
        is_owner=is_owner,
        may_invite=bool(row["active"]) and (is_owner or (bool(may_invite(seen)) and held == ["staff"])),
        here=member == seen.caller.member,
        called=[
            (one.name or "", plain(one.source), names.name(one.linked_by, words))
            for one in await known(rows, member=member)
        ],
        may_say=await _sources_of_names(seen),
        currency=words.currency,
        today=words.now[:10],
        trouble=trouble,
        away_again=away_again,
        key=seen.fresh_key(),
    )


async def _sources_of_names(seen: Seen) -> list[tuple[str, str]]:
    """Return (id, name) of each source whose records name people, for a reader who may say whom they mean."""
    if role_for("account.link", seen.caller.roles) is None:
        return []
    naming = await person_fields(seen.rooms.rows)
    found = await seen.rooms.rows.find(tables.source) if naming else []
    return [
        (row["source"], plain(row["source"]))
        for row in found
        if not naming.keys().isdisjoint(loads(row["kinds"]))
    ]


async def _open_count(seen: Seen, member: str) -> int:
    owned = await seen.rooms.rows.find(tables.case_file, {"owner": member})
    return sum(one["state"] not in cases.ENDED for one in owned)


async def refused(acting: Acting, member: str, refusal: Exception) -> Response:
    """Show the page again with why something was refused, and journal it."""
    body, _ = of_error(refusal)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    return await page(acting, member, None, trouble_of(acting.frame.words, body), body["status"])


# ---------------------------------------------------------------------------------------------- roles and powers
@router.post("/people/{member}/roles")
async def change_role(member: MemberId, acting: Manages) -> Response:
    """Give a role, or end one."""
    request = MemberStep(member, role=acting.form.one_of("role", people.ROLES))
    office = acting.rooms.office
    change = office.end_role if acting.form.text("verb") == "end" else office.grant_role
    try:
        await change(acting.who, acting.key, request)
    except Refused as refusal:
        return await refused(acting, member, refusal)
    return to(f"/people/{member}?said=role")


@router.post("/people/{member}/powers")
async def grant_power(member: MemberId, acting: Empowers) -> Response:
    """Give the power to decide something, up to a limit and until a day."""
    form, words = acting.form, acting.frame.words
    about = form.one_of("about", ("action", "award"))
    limit = form.whole("limit", 0, MONEY_MAX)
    money = None if limit is None or about != "action" else words_money(limit, words)
    request = GrantAuthority(
        member=member,
        about=about,
        amount_max=money,
        tokens_max=limit if about == "award" else None,
        until=end_of(form, "until", words),
        assurance_min=form.one_of("assurance_min", [code for code, _ in SIGN_INS]),
        second_person=bool(form.text("second_person")),
    )
    try:
        await acting.rooms.office.grant_authority(acting.who, acting.key, request)
    except Refused as refusal:
        return await refused(acting, member, refusal)
    return to(f"/people/{member}?said=power")


@router.post("/people/{member}/powers/{authority}/end")
async def end_power(member: MemberId, authority: OtherId, acting: Empowers) -> Response:
    """End a power now."""
    try:
        await acting.rooms.office.end_authority(acting.who, acting.key, EndAuthority(member, authority))
    except Refused as refusal:
        return await refused(acting, member, refusal)
    return to(f"/people/{member}?said=power")


def words_money(whole: int, words: Words) -> dict[str, Any]:
    """Return whole units of the place's currency as money."""
    return {"amount_minor": whole * 10 ** words.minor_digits(), "currency": words.currency}


def end_of(form: Form, name: str, words: Words) -> str | None:
    """Return the end of a day (YYYY-MM-DD in the place's zone) as an instant, None when none was given.

    Raises:
        BadRequest: it is no day.
    """
    return _instant(form, name, words, days=1)


def start_of(form: Form, name: str, words: Words) -> str | None:
    """Return the beginning of a day as an instant; None: none was given, or it has begun already."""
    found = _instant(form, name, words, days=0)
    return None if found is None or found <= words.now else found


def _instant(form: Form, name: str, words: Words, days: int) -> str | None:
    text = form.text(name, chars_max=10)
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date() + timedelta(days=days)  # noqa: DTZ007
    except (ValueError, OverflowError) as error:
        raise BadRequest(
            "value_invalid", f"{name}: expected a day like 2026-11-30, got {text}", field=f"/{name}"
        ) from error
    moment = datetime.combine(day, time(), words.zone).astimezone(UTC).replace(tzinfo=None)
    moment -= timedelta(milliseconds=days)  # the end of a day is still that day
    return f"{moment.isoformat(timespec='milliseconds')}Z"


# ---------------------------------------------------------------------------------------------- signing in
@router.post("/people/{member}/invite")
async def invite_again(
    member: MemberId, acting: Annotated[Acting, act("invite.write", here="people")]
) -> Response:
    """Give a new invitation and show it, once; an earlier one ends."""
    try:
        done = await acting.rooms.joining.invite(acting.who, acting.key, Invite(member=member, how="slip"))
    except Refused as refusal:
        return await refused(acting, member, refusal)
    names, token = await people_of(acting.rooms.rows), done.secrets.get("token")
    handed = [Handed(names.name(member, acting.frame.words), token)] if token else []
    return await show_slips(acting, handed, done.secrets.get("until"))


@router.post("/people/{member}/pin")
async def set_pin(member: MemberId, acting: Manages) -> Response:
    """Set somebody's PIN; it ends a lock."""
    installation = acting.request.app.state.installation
    typed = Typed(pin=acting.form.text("pin", chars_max=20))
    try:
        await set_sign_in(installation, acting.rooms, acting.who, acting.key, member, typed)
    except Refused as refusal:
        return await refused(acting, member, refusal)
    return to(f"/people/{member}?said=pin")


@router.post("/people/{member}/second")
async def second_account(member: MemberId, acting: Manages) -> Response:
    """Let the same person join with another account: the two count as one."""
    form = acting.form
    request = JoinMember(form.need("name", chars_max=200), (form.one_of("role", people.ROLES),), member)
    try:
        await acting.rooms.office.join_member(acting.who, acting.key, request)
    except Refused as refusal:
        return await refused(acting, member, refusal)
    return to(f"/people/{member}?said=second")


# ---------------------------------------------------------------------------------------------- leaving
@router.post("/people/{member}/leave")
async def leave(member: MemberId, acting: Manages) -> Response:
    """Let somebody leave: what they hold is handed over or ends, and every sign-in of theirs with it."""
    form = acting.form
    reason, successor = form.one_of("reason_code", LEAVE_REASONS), form.maybe("successor", chars_max=64)
    request = MemberStep(member, reason_code=reason, successor=successor)
    try:
        await acting.rooms.office.member_left(acting.who, acting.key, request)
    except Refused as refusal:
        return await refused(acting, member, refusal)
    await acting.request.app.state.installation.sessions.end_all(acting.rooms.rows, member)
    return to("/people?said=left")


@router.get("/people/{member}/take-away")
async def file_of(member: MemberId, seen: Annotated[Seen, see("member.write", here="people")]) -> Response:
    """Give an owner the file of a member, on their behalf; they see who looked."""
    rooms = seen.rooms
    await rooms.rows.need("member", tables.member, member=member)
    await looks.note(rooms.intake, seen.who, (member,), looks.TAKE_AWAY, rooms.clock.now())
    return file_answer(await take_away(rooms, member), member)


def file_answer(data: bytes, member: str) -> Response:
    """Return a take-away file as a download."""
    name = f"attachment; filename=take-away-{member}.json"
    headers = {"Content-Disposition": name, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type="application/json", headers=headers)

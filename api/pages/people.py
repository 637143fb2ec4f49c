"""People: who is here in which roles, what they may decide, who stands in for whom; inviting one, or a whole list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from api import tables as own
from api.pages.cards import People
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.names import people_of
from api.pages.persons import ROLE_WORDS, power_words
from api.pages.sheets import sheet
from api.pages.slips import Handed, show_slips
from api.pages.troubles import Trouble, trouble_of
from api.pages.words import Words, mark
from api.permissions import MANAGER, OWNER, STAFF
from api.problems import RowsRefused, of_error
from api.roster import CSV_CHARS_MAX, read_roster
from api.scope import Row, Scoped
from casework import people, tables
from casework.joining_requests import Invite, InviteAll
from casework.joining_rules import ISSUED
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Invites = Annotated[Acting, act("invite.write", here="people", large_body=True)]
SLIPS_MAX = 100
"""Invitations on one page: each is a command of its own."""
SAID = {
    "left": mark(
        "They have left. What was open went to whoever takes over, and every sign-in of theirs has ended."
    ),
    "device": mark("This browser is shared from now on."),
}
COLUMNS = (mark("Name"), mark("Role"), mark("May decide"), mark("Away"), mark("Signs in"))


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """One line. `signs_in`: words; `waits`: an invitation would be a first one."""

    id: str
    name: str
    roles: tuple[str, ...]
    powers: tuple[str, ...]
    away: tuple[str, ...]
    signs_in: str
    tone: str
    uninvited: bool


@router.get("/people")
async def page_of_people(
    seen: Annotated[Seen, see("member.read", here="people")],
    said: str = "",
    form: Annotated[str, Query(alias="as")] = "",
) -> Response:
    """Show who is here."""
    if form == "csv":
        return await _as_csv(seen)
    frame = with_toast(seen.frame, seen.frame.words.gettext(SAID[said])) if said in SAID else seen.frame
    return await _page(seen, frame=frame)


async def _page(seen: Seen, *, frame: Frame | None = None, trouble: Trouble | None = None, faults: Sequence[str] = (),
                typed: Mapping[str, str] | None = None, status: int = 200) -> Response:  # fmt: skip
    found = await people_seen(seen.rooms.rows, seen.frame.words)
    roles = may_invite(seen)
    words = seen.frame.words
    return await show(
        frame or seen.frame,
        "people.html",
        status=status,
        people=found,
        helpers=await helpers_of(seen.rooms.rows, words),
        roles=[(role, words.gettext(ROLE_WORDS[role])) for role in roles],
        is_owner=OWNER in seen.caller.roles,
        uninvited=sum(one.uninvited for one in found),
        trouble=trouble,
        faults=faults,
        typed=typed or {},
        checked=words.clock(words.now),
        key=seen.fresh_key(),
    )


def may_invite(seen: Seen) -> tuple[str, ...]:
    """Return the roles in which whoever looks may invite somebody."""
    if OWNER in seen.caller.roles:
        return (STAFF, *(role for role in people.ROLES if role != STAFF))
    return (STAFF,) if MANAGER in seen.caller.roles else ()


async def _as_csv(seen: Seen) -> Response:
    words = seen.frame.words
    found = await people_seen(seen.rooms.rows, words)
    rows = [
        (one.name, " · ".join(one.roles), "; ".join(one.powers), "; ".join(one.away), one.signs_in)
        for one in found
    ]
    return sheet("people", [words.gettext(column) for column in COLUMNS], rows)


async def people_seen(rows: Scoped, words: Words) -> list[PersonSeen]:
    """Return everybody who works here, by name."""
    names = await people_of(rows)
    powers = await rows.find(tables.authority, {"active": 1})
    delegations = await rows.find(tables.delegation, {"active": 1})
    invites = await rows.find(tables.invite, {"state": ISSUED})
    with_way = {
        row["member"] for row in await rows.find(own.sign_in) if row["password_hash"] or row["pin_hash"]
    }
    found = []
    for row in await rows.find(tables.member, {"active": 1}):
        held, member = people.roles(row), row["member"]
        if people.AGENT in held:
            continue
        open_until = max((one["until"] for one in invites if one["member"] == member), default="")
        said, tone = signs_in(member in with_way, open_until, words)
        found.append(
            PersonSeen(
                id=member,
                name=names.name(member, words),
                roles=tuple(words.gettext(ROLE_WORDS[role]) for role in people.ROLES if role in held),
                powers=tuple(power_words(one, words) for one in in_force(powers, member, words.now)),
                away=tuple(
                    away_words(one, names, words)
                    for one in delegations
                    if member in (one["giver"], one["stand_in"]) and words.now < one["until"]
                ),
                signs_in=said,
                tone=tone,
                uninvited=member not in with_way,
            )
        )
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


def in_force(powers: Sequence[Row], member: str, now: str) -> list[Row]:
    """Return the powers of a member that hold now."""
    return [
        row
        for row in powers
        if row["member"] == member and row["active"] and (row["until"] is None or row["until"] > now)
    ]


def signs_in(has_way: bool, open_until: str, words: Words) -> tuple[str, str]:
    """Return how somebody stands with signing in, in words, and the tone."""
    if open_until > words.now:
        return words.gettext("Invitation open until %(time)s", time=words.moment(open_until)), "wait"
    if has_way:
        return words.gettext("Has signed in"), "done"
    return words.gettext("Not invited yet"), "quiet"


def away_words(row: Row, names: People, words: Words) -> str:
    """Return "Ben stands in for Dev until 30 Nov, up to £150"."""
    said = {
        "stand_in": names.name(row["stand_in"], words),
        "giver": names.name(row["giver"], words),
        "until": words.day(row["until"]),
    }
    limit = loads(row["amount_max"]) if row["amount_max"] else None
    if row["since"] > words.now:
        said["since"] = words.day(row["since"])
        told = words.gettext("%(stand_in)s stands in for %(giver)s from %(since)s until %(until)s", **said)
    else:
        told = words.gettext("%(stand_in)s stands in for %(giver)s until %(until)s", **said)
    if limit:
        told = words.gettext("%(what)s, up to %(money)s", what=told, money=words.money(limit))
    tokens = row["tokens_max"]
    if tokens == 0:
        told = words.gettext("%(what)s, thanks without tokens", what=told)
    elif tokens is not None:
        told = words.ngettext(
            "%(what)s, at most %(num)s token", "%(what)s, at most %(num)s tokens", tokens, what=told
        )
    return told


async def helpers_of(rows: Scoped, words: Words) -> list[tuple[str, str]]:
    """Return (name, to whom it answers) of the digital employees."""
    names = await people_of(rows)
    found = [
        row for row in await rows.find(tables.member, {"active": 1}) if people.AGENT in people.roles(row)
    ]
    return sorted((names.name(row["member"], words), names.name(row["answers_to"], words)) for row in found)


# ---------------------------------------------------------------------------------------------- inviting
@router.post("/people/invite")
async def invite(acting: Invites) -> Response:
    """Let somebody join and show their invitation, once."""
    form = acting.form
    role = form.one_of("role", may_invite(acting) or people.ROLES)
    request = Invite(name=form.need("name", chars_max=200), roles=(role,), how="slip")
    try:
        done = await acting.rooms.joining.invite(acting.who, acting.key, request)
    except Refused as refusal:
        return await _refused(acting, refusal)
    token = done.secrets.get("token")
    handed = [Handed(request.name or "", token)] if token else []
    return await show_slips(acting, handed, done.secrets.get("until"))


@router.post("/people/slips")
async def slips(acting: Invites) -> Response:
    """Invite everybody who has no way to sign in yet, and show all their slips, once."""
    found = [one for one in await people_seen(acting.rooms.rows, acting.frame.words) if one.uninvited]
    wanted = acting.form.all("member")
    chosen = [one for one in found if one.id in wanted] if wanted else found
    handed, until = [], None
    for one in chosen[:SLIPS_MAX]:
        request = Invite(member=one.id, how="slip")
        try:
            done = await acting.rooms.joining.invite(acting.who, acting.then(one.id), request)
        except Refused:
            continue  # a manager invites staff only: the others stay as they are
        until = done.secrets.get("until") or until
        if token := done.secrets.get("token"):
            handed.append(Handed(one.name, token))
    return await show_slips(acting, handed, until)


@router.post("/people/import")
async def import_list(acting: Invites) -> Response:
    """Let a whole staff list join, all of it or nobody, and show their slips, once."""
    text = acting.form.text("csv", chars_max=CSV_CHARS_MAX)
    sent = acting.form.file("file")
    if sent is not None:
        text = (await sent.read(CSV_CHARS_MAX * 4)).decode("utf-8-sig", "replace")
    # what a repeat was granted must not be refused now, because its own people have their names
    repeat = await acting.rooms.intake.is_repeat(acting.who, acting.key)
    taken = [] if repeat else [row["name"] for row in await acting.rooms.rows.find(own.sign_in)]
    try:
        hands = read_roster(text[:CSV_CHARS_MAX], may_invite(acting), taken)
        done = await acting.rooms.joining.invite_all(acting.who, acting.key, InviteAll(hands, "slip"))
    except (RowsRefused, Refused) as refusal:
        return await _refused(acting, refusal, {"csv": text[:CSV_CHARS_MAX]})
    secrets = done.secrets
    handed = [
        Handed(hand.name, secrets[f"token{n}"]) for n, hand in enumerate(hands) if f"token{n}" in secrets
    ]
    return await show_slips(acting, handed, secrets.get("until"))


async def _refused(acting: Acting, refusal: Exception, typed: Mapping[str, str] | None = None) -> Response:
    body, _ = of_error(refusal)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    faults = [one["detail"] for one in body["errors"]] if isinstance(refusal, RowsRefused) else []
    given = {name: acting.form.text(name, chars_max=CSV_CHARS_MAX) for name in ("name", "role")}
    trouble = trouble_of(acting.frame.words, body)
    return await _page(
        acting, trouble=trouble, faults=faults, typed={**given, **(typed or {})}, status=body["status"]
    )


def to(path: str) -> Response:
    """Go to a page."""
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})

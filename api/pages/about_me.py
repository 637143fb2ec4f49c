"""What is recorded about me, step by step; who looked at my page; the file to take along; how I sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.naming import newest
from api.pages.cards import People
from api.pages.doors import PageDoor, Seen, see
from api.pages.kinds import kind_words
from api.pages.names import people_of
from api.pages.people import away_words
from api.pages.person import file_answer
from api.pages.persons import ROLE_WORDS
from api.pages.watch_names import watch_words
from api.pages.watch_words import plain
from api.pages.words import Words, mark
from api.routes.myself import folder_of
from api.routes.takeaway import take_away
from api.scope import Row
from api.watched_people import watched_people
from api.whose import known
from casework import looks, people, tables

router = APIRouter(route_class=PageDoor, include_in_schema=False)

STEPS_SHOWN, LOOKS_SHOWN = 20, 20
LOOK_WORDS = {
    looks.MEMBER: mark("%(who)s looked at your page"),
    looks.TAKE_AWAY: mark("%(who)s took the file of everything about you"),
    looks.AWARDS: mark("%(who)s looked at a recognition of yours"),
    looks.PROOF: mark("%(who)s took the proof of a recognition of yours as a file"),
    looks.ACCOUNT: mark("%(who)s looked at the account of your tokens"),
}
KIND_WORDS = {
    "member_joined": mark("Joining"),
    "invite_issued": mark("An invitation"),
    "invite_used": mark("Signing in by invitation"),
    "sign_in_set": mark("A new way to sign in"),
    "role_granted": mark("A role given"),
    "role_ended": mark("A role ended"),
    "authority_granted": mark("A power given"),
    "authority_ended": mark("A power ended"),
    "delegation_given": mark("Somebody stands in"),
    "delegation_ended": mark("Standing in ended"),
    "case_opened": mark("Something was noticed"),
    "owner_assigned": mark("Something was given to somebody"),
    "acknowledged": mark("Taken on"),
    "note_added": mark("A note"),
    "proposed": mark("A suggestion"),
    "decision_made": mark("A decision"),
    "action_taken": mark("Something done"),
    "work_reported": mark("Planned work done"),
    "account_linked": mark("A name elsewhere said to be yours"),
    "assessor_named": mark("You may say that others can do what a course teaches"),
    "assessor_ended": mark("You say that no more"),
    "evidence_attached": mark("Evidence brought"),
    "evidence_reviewed": mark("Evidence looked at"),
    "outcome_recorded": mark("A result"),
    "award_granted": mark("A recognition"),
    "award_settled": mark("A recognition that is yours for good"),
    "credential_issued": mark("A recognition to take along"),
    "passkey_enrolled": mark("A passkey added"),
    "passkey_confirmed": mark("A passkey confirmed"),
    "passkey_ended": mark("A passkey ended"),
}


@dataclass(frozen=True, slots=True)
class AboutMe:
    """What the part "recorded about me" shows. `steps`: (number, instant, words, by oneself)."""

    steps: list[tuple[int, str, str, bool]]
    more: bool
    looks: list[tuple[str, str]]
    looks_kept_days: int
    watches: list[tuple[str, str, str, str]]
    """(path, name of the watch, what it is for, who wrote that)."""
    called: list[tuple[str, str, str]]
    """(name, source, who said that it is this person's); an erased name is empty."""
    away: list[tuple[str, str, str]]
    others: list[tuple[str, str]]
    today: str


async def about_me(seen: Seen) -> AboutMe:
    """Return what is recorded about whoever looks, newest first."""
    rooms, words, member = seen.rooms, seen.frame.words, seen.caller.member
    names = await people_of(rooms.rows)
    found, below = await newest(rooms.reader, member, None, STEPS_SHOWN)
    seen_by = await rooms.rows.find(tables.look, {"member": member}, order="at", limit=LOOKS_SHOWN)
    given = await rooms.rows.find(tables.delegation, {"active": 1})
    mine = [one for one in given if member in (one["giver"], one["stand_in"]) and words.now < one["until"]]
    others = [
        (row["member"], names.name(row["member"], words))
        for row in await rooms.rows.find(tables.member, {"active": 1})
        if row["member"] != member and people.AGENT not in people.roles(row)
    ]
    return AboutMe(
        steps=[(one.entry.seq, one.entry.at, step_words(one.entry.kind, words), one.acted) for one in found],
        more=below is not None,
        looks=[(one["at"], look_words(one, names, words)) for one in seen_by],
        looks_kept_days=looks.KEPT_DAYS,
        watches=[
            (
                f"/watch/{one.playbook}",
                watch_words(one.playbook, words),
                one.words or "",
                names.name(one.by, words),
            )
            for one in await watched_people(rooms.rows)
        ],
        called=[
            (one.name or "", plain(one.source), names.name(one.linked_by, words))
            for one in await known(rooms.rows, member=member)
        ],
        away=[(one["giver"], one["delegation"], away_words(one, names, words)) for one in mine],
        others=sorted(others, key=lambda one: (one[1].casefold(), one[0])),
        today=words.now[:10],
    )


def look_words(row: Row, names: People, words: Words) -> str:
    """Return who looked at what of one's own, in one sentence."""
    name, role = names.name(row["by"], words), ROLE_WORDS.get(row["role"])
    who = words.gettext("%(who)s (%(role)s)", who=name, role=words.gettext(role)) if role else name
    said = LOOK_WORDS[str(row["what"])]
    return words.gettext(said, who=who)


def step_words(kind: str, words: Words) -> str:
    """Return what a step about oneself was."""
    said = KIND_WORDS.get(kind)
    return words.gettext(said) if said else kind_words(kind, words)


@router.get("/me/folder")
async def my_folder(seen: Annotated[Seen, see("me.read", here="me")]) -> Response:
    """Give everything recorded about whoever asks, with their photos and badges, as a folder to read."""
    return await folder_of(seen.request, seen.caller, seen.rooms)


@router.get("/me/take-away")
async def my_file(seen: Annotated[Seen, see("me.read", here="me")]) -> Response:
    """Give everything recorded about whoever asks, as a file."""
    return file_answer(await take_away(seen.rooms, seen.caller.member), seen.caller.member)

"""Who is asked by a watch, by name, as things are now: first whom, and who comes next when nobody answers."""

from __future__ import annotations

from api.pages.cards import People
from api.pages.watch_words import span_words
from api.pages.words import Words, mark
from api.rooms import Rooms
from api.scope import first_owner
from casework import people as roles_of
from casework import tables
from casework.routing import ladder, people_here
from playbooks.playbook import Playbook

NEXT = mark("Without an answer after %(span)s it goes to %(name)s.")


async def asked_lines(rooms: Rooms, playbook: Playbook, people: People, words: Words) -> tuple[str, ...]:
    """Return a sentence for each person of the route in turn, and one for each who has not come yet."""
    here = await people_here(rooms.intake.records)
    told: list[str] = []
    before, wait = None, None
    for member, line in ladder(playbook, here):
        by_record = line.to.startswith("field:")
        if not by_record and (member is None or member == before):
            continue
        name = words.gettext("whoever it is assigned to") if by_record else people.name(member, words)
        if not told:
            told.append(words.gettext("First asked: %(name)s.", name=name))
        elif wait is not None:
            told.append(words.gettext(NEXT, span=span_words(wait, words), name=name))
        before, wait = member, line.ack_within
        if wait is None:
            break
    if not told:
        owner = people.name(await first_owner(rooms.rows), words)
        told.append(words.gettext("First asked: %(name)s.", name=owner))
    come = {str(row["member"]) for row in here}
    for row in await rooms.rows.find(tables.member, {"active": 1}):
        held = roles_of.roles(row)
        meant = any(line.to == f"role:{role}" for line in playbook.route for role in held)
        if meant and str(row["member"]) not in come:
            name = people.name(str(row["member"]), words)
            told.append(
                words.gettext(
                    "%(name)s has not opened the invitation yet and is not asked until then.", name=name
                )
            )
    return tuple(told)

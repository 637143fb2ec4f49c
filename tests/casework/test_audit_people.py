"""The audit of meaning over standing in and leaving: an honest history passes, each lie is found at its entry."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casework import cases
from casework.absence import EndAway, GoAway
from casework.audit import audit
from casework.requests import AwardStep, EndAuthority, IssueApiKey, MemberStep
from ledger.entries import Actor
from ledger.store.tables import shapes
from tests.casework.forging import Line, Story
from tests.casework.histories import History, read
from tests.casework.shop import PROJECTIONS, Shop, shop

NEXT_WEEK = "2026-11-27T10:00:00.000Z"
EUR_200 = {"amount_minor": 20_000, "currency": "EUR"}
Forgery = Callable[[Story], Line]


async def _told(folder: Path) -> History:
    async with shop(f"sqlite+aiosqlite:///{folder / 'shop.db'}", folder) as here:
        return await _play(here)


async def _play(here: Shop) -> History:
    """Dev is away and Jo decides; the accountant lends to Kim, who ends one award; Dev's power ends; Jo leaves."""
    for name, role in (("dev", "manager"), ("jo", "manager"), ("kim", "manager"), ("double", "staff")):
        await here.join(name, role, same_as="dev" if name == "double" else None)
    named = {name: who.id for name, who in here.people.items()}
    named["dev_may"] = await here.may("dev", "action", amount_max=EUR_200)
    named["jo_may"] = await here.may("jo", "award")
    office, owner = here.office, here.people["owner"]
    away = GoAway(
        named["dev"], named["jo"], NEXT_WEEK, amount_max={"amount_minor": 15_000, "currency": "EUR"}
    )
    named["away"] = (await office.give_delegation(here.people["dev"], here.key(), away)).ids["delegation"]
    held = await here.rows.scan("authority", (named["jo"],))
    named["lent"] = next(row["authority"] for row in held if row["delegation"] == named["away"])
    case = named["one"] = await here.open(number="one")
    await here.propose(case, value={"amount_minor": 15_000, "currency": "EUR"})
    await here.decide(case, "action", "jo")
    lend = GoAway(named["accountant"], named["kim"], NEXT_WEEK)
    named["books"] = (await office.give_delegation(owner, here.key(), lend)).ids["delegation"]
    named["earned"], award = await here.awarded(number="earned")
    await here.ask_first(award, "decline", "not_reached", "kim")
    await here.desk.decline_award(here.people["kim"], here.key(), AwardStep(award, "not_reached"))
    back = EndAway(named["accountant"], named["books"], "back")
    await office.end_delegation(here.people["accountant"], here.key(), back)
    await office.end_authority(owner, here.key(), EndAuthority(named["dev"], named["dev_may"]))
    named["left_open"] = await here.open(number="left", owner=named["jo"])
    await office.issue_api_key(owner, here.key(), IssueApiKey(named["jo"], "ab" * 32))
    step = MemberStep(named["jo"], reason_code="left", successor=named["kim"])
    await office.member_left(owner, here.key(), step)
    del award
    return await read(here, named)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The honest history, told once."""
    return asyncio.run(_told(tmp_path_factory.mktemp("people")))


def test_standing_in_and_leaving_are_earned(history: History) -> None:
    assert audit(history.entries, shapes(), PROJECTIONS, history.open).findings == []


def _given(story: Story, **lies: Any) -> Line:
    line = story.find("delegation_given")
    line.body.update({name: story.named.get(str(value), value) for name, value in lies.items()})
    story.cut(line)
    return line


def _lent(**lies: Any) -> Forgery:
    """What was lent is more than what the giver holds, or than the delegation says."""

    def forge(story: Story) -> Line:
        line = story.find("delegation_given")
        line.body["authorities"][0].update(lies)
        story.cut(line)
        return line

    return forge


def _says(**lies: Any) -> Forgery:
    return lambda story: _given(story, **lies)


def _by(kind: str, name: str, role: str, nth: int = 0) -> Forgery:
    def forge(story: Story) -> Line:
        line = story.find(kind, None, nth)
        line.by(story.named[name], role)
        story.cut(line)
        return line

    return forge


def _lent_on(story: Story) -> Line:
    """Jo lends on what Dev lent to Jo."""
    first = story.find("delegation_given")
    body = copy.deepcopy(first.body)
    body.update(
        delegation="on", giver=story.named["jo"], person=story.named["jo"], stand_in=story.named["kim"]
    )
    body["authorities"][0].update(authority="lent-on", of=story.named["lent"])
    line = story.add(first, "delegation_given", None, body, Actor(story.named["jo"], "manager", "test"))
    story.cut(line)
    return line


def _lent_twice(story: Story) -> Line:
    line = story.find("delegation_given")
    line.body["authorities"].append({**line.body["authorities"][0], "authority": "twice"})
    story.cut(line)
    return line


def _two_stand_ins(story: Story) -> Line:
    first = story.find("delegation_given")
    body = {
        **copy.deepcopy(first.body),
        "delegation": "second",
        "stand_in": story.named["kim"],
        "authorities": [],
    }
    line = story.add(first, "delegation_given", None, body, Actor(story.named["dev"], "manager", "test"))
    story.cut(line)
    return line


def _decides_what_the_giver_made(story: Story) -> Line:
    story.find("proposal_made", "one").by(story.named["dev"], "manager")
    line = story.find("decision_made", "one")
    story.cut(line)
    return line


def _decides_after_the_givers_end(story: Story) -> Line:
    """The giver's power ended before, and what was lent of it is said to go on."""
    line = story.find("decision_made", "one")
    ended = story.find("authority_ended", None, 0, authority=story.named["dev_may"])
    story.move(ended, story.find("proposal_made", "one"))
    line.at(ended.entry.at)
    story.cut(line)
    return line


def _decides_before_it_began(story: Story) -> Line:
    given = story.find("delegation_given")
    given.body["since"] = "2026-11-21T10:00:00.000Z"
    line = story.find("decision_made", "one")
    story.cut(line)
    return line


def _decides_beyond(story: Story) -> Line:
    """More is at stake than was lent, less than the giver holds: the limit lent is made to fit, the giver's is not."""
    given = story.find("delegation_given")
    given.body["amount_max"]["amount_minor"] = 10_000
    given.body["authorities"][0]["amount_max"] = {"amount_minor": 10_000, "currency": "EUR"}
    line = story.find("decision_made", "one")
    story.cut(line)
    return line


def _ends_an_award_of_the_giver(story: Story) -> Line:
    """Kim ends it under what the waiter lent, who is recognised by it."""
    given = story.find("delegation_given", None, 1)
    grant = story.find("authority_granted", None, 0, member=story.named["accountant"])
    own = story.again(grant, grant)
    own.body.update(authority="waiters", member=story.named["waiter"], second_person=False)
    given.body.update(giver=story.named["waiter"], person=story.named["waiter"])
    given.body["authorities"][0]["of"] = "waiters"
    line = story.find("award_declined")
    story.cut(line)
    return line


def _ends_something_else(story: Story) -> Line:
    line = story.find("delegation_ended")
    line.body["authorities"] = []
    story.cut(line)
    return line


def _without(kind: str, case: str | None = None, nth: int = -1) -> Forgery:
    """Something the leaver held is left out of the leaving."""

    def forge(story: Story) -> Line:
        story.lines.remove(story.find(kind, case, nth))
        return story.find("member_left")

    return forge


def _left_last_owner(story: Story) -> Line:
    story.lines.remove(story.find("owner_assigned", "left_open", -1))
    line = story.find("member_left")
    line.body["member"] = story.named["owner"]
    return line


def _left_twice(story: Story) -> Line:
    first = story.find("member_left")
    return story.again(first, first)


def _to_somebody_gone(story: Story) -> Line:
    left = story.find("member_left")
    body = {"owner": story.named["jo"], "reason_code": "handed_over"}
    owner = Actor(story.named["owner"], "owner", "test")
    return story.add(left, "owner_assigned", "left_open", body, owner)


def _passed_on(reason: str) -> Forgery:
    """A manager says what only the clock, or a step that comes with it, says."""

    def forge(story: Story) -> Line:
        left = story.find("member_left")
        body = {"owner": story.named["kim"], "reason_code": reason}
        return story.add(
            left, "owner_assigned", "left_open", body, Actor(story.named["kim"], "manager", "web")
        )

    return forge


def _with_an_opening(reason: str, case: str) -> Forgery:
    """The command that opens a case gives one to somebody, for a reason that is none of an opening by a person."""

    def forge(story: Story) -> Line:
        first = story.find("owner_assigned", "earned")
        story.find("case_opened", "earned").by(story.named["kim"], "manager")
        story.find("case_opened", "earned").body["origin"] = "report"
        first.body["reason_code"] = "reporter"
        first.by(story.named["kim"], "manager")
        body = {"owner": story.named["kim"], "reason_code": reason}
        line = story.add(first, "owner_assigned", case, body, Actor(story.named["kim"], "manager", "web"))
        line.entry = dataclasses.replace(line.entry, cmd=first.entry.cmd)
        story.cut(line)
        return line

    return forge


def _as_if_somebody_left(story: Story) -> Line:
    """An owner gives a case to somebody because its owner leaves, and nobody leaves."""
    left = story.find("member_left")
    body = {"owner": story.named["dev"], "reason_code": "left"}
    owner = Actor(story.named["owner"], "owner", "web")
    line = story.add(left, "owner_assigned", "left_open", body, owner)
    story.cut(line)
    return line


def _reason(kind: str) -> Forgery:
    def forge(story: Story) -> Line:
        line = story.find(kind)
        line.body["reason_code"] = "because"
        return line

    return forge


FORGERIES: list[tuple[str, Forgery, str]] = [
    ("lent more money", _lent(amount_max=EUR_200), "amount_max of .* as computed again"),
    ("lent for longer", _lent(until="2027-11-27T10:00:00.000Z"), "until of"),
    ("lent for ever", _lent(until=None), "until of"),
    ("lent of another scope", _lent(scope=["quote"]), "scope of"),
    ("lent with a weaker sign-in", _lent(assurance_min="link"), "assurance_min of"),
    ("lent about something else", _lent(about="award"), "about"),
    ("lent more than a power", _lent(second_person=True), "second_person"),
    ("lent of nothing", _lent(of="nothing"), "no_authority"),
    ("lent twice", _lent_twice, "delegation_chained"),
    ("lent on", _lent_on, "delegation_chained"),
    ("lent by somebody else", _by("delegation_given", "kim", "manager"), "role_missing"),
    ("lent by the agent", _by("delegation_given", "agent", "agent"), "agent_may_not"),
    ("lent to the agent", _says(stand_in="agent"), "stand_in_invalid"),
    ("lent to oneself", _says(stand_in="double"), "stand_in_invalid"),
    ("another person said", _says(person="kim"), "person: expected"),
    ("over before it begins", _says(until="2026-11-20T09:00:00.000Z"), "value_invalid"),
    ("begun in the past", _says(since="2026-11-19T10:00:00.000Z"), "value_invalid"),
    ("two stand-ins at a time", _two_stand_ins, "already_away"),
    ("decides what the giver proposed", _decides_what_the_giver_made, "giver_involved"),
    ("decides after the giver's power ended", _decides_after_the_givers_end, "no_authority"),
    ("decides before it began", _decides_before_it_began, "no_authority"),
    ("decides beyond what was lent", _decides_beyond, "no_authority"),
    ("ends the giver's own award", _ends_an_award_of_the_giver, "no_authority"),
    ("ended by somebody else", _by("delegation_ended", "dev", "manager"), "role_missing"),
    ("ends something else", _ends_something_else, "expected the stand-in and the authorities"),
    ("ended for a reason that is none", _reason("delegation_ended"), "reason_unknown"),
    *(
        (
            f"passed on by hand as {reason}",
            _passed_on(reason),
            f"expected the system to say {reason}|let somebody go",
        )
        for reason in sorted(set(cases.ASSIGN_REASONS) - set(cases.HAND_REASONS))
    ),
    (
        "given as the clock does, at an opening",
        _with_an_opening("route", "earned"),
        "the system to say route",
    ),
    (
        "given as come back, at an opening",
        _with_an_opening("reopened", "earned"),
        "the system to say reopened",
    ),
    (
        "another case given at an opening",
        _with_an_opening("reporter", "one"),
        "the system to say reporter|transition",
    ),
    ("given as if somebody left", _as_if_somebody_left, "member_left in the same command"),
    ("left with an open case", _without("owner_assigned", "left_open"), "the open case"),
    ("left with a stand-in's powers", _without("delegation_ended"), "delegation_ended would have ended"),
    ("left with a power", _without("authority_ended"), "authority_ended would have ended"),
    ("left with a key", _without("api_key_ended"), "api_key_ended would have ended"),
    ("the last owner left", _left_last_owner, "second_person_needed"),
    ("left twice", _left_twice, "unknown"),
    ("left for a reason that is none", _reason("member_left"), "reason_unknown"),
    ("let go by a manager", _by("member_left", "kim", "manager"), "role_missing"),
    ("a case given to somebody who left", _to_somebody_gone, "owner_unknown"),
]


@pytest.mark.parametrize(("forge", "what"), [row[1:] for row in FORGERIES], ids=[row[0] for row in FORGERIES])
def test_a_forgery_is_found_at_its_entry_and_all_else_passes(
    history: History, forge: Forgery, what: str
) -> None:
    story = Story.of(history)
    line = forge(story)
    told = story.told()
    seq = story.lines.index(line)
    found = audit(told.entries, shapes(), PROJECTIONS, told.open).findings
    assert [finding.seq for finding in found] == [seq], found
    assert re.search(what, found[0].what), found

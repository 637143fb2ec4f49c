"""Five attempts to cheat, made by people of the venue through the real desk: each is refused, and writes nothing.

An exception is made for them (`Setup` counts its steps), so that nobody's real work is touched; it is closed again at
the end. What an attempt left behind is measured: the size of the record, and the tokens that people hold.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.permissions import AGENT, MANAGER, OWNER, STAFF
from api.rooms import Rooms
from casework import tables
from casework.intake import Done, RequestKey
from casework.requests import CaseStep, Decide, OpenCase, Principal, Propose, TakeAction
from ledger.codec import loads
from ledger.errors import Refused
from ledger.store.tables import account

OWN, AGAIN, TWICE, AFTER_YES, HELPER = "own", "again", "twice", "after-yes", "helper"
NOTE = "Made for a look at what is refused: the heater on the terrace does not light"
FIRST, OTHER = "Move table 4 inside", "Move all the tables inside and serve the wedding there"
ACTION = "something_else"
VIA = "demo"


class NotPlayable(Exception):
    """Somebody who is needed is not here any more, or this form was played already. Says expected and got."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: which, by whom, the code of the refusal ("" none), and the record around it.

    `steps_*` is the size of the record, `tokens_*` what people hold, before and after.
    """

    what: str
    who: str
    code: str
    steps_before: int
    steps_after: int
    tokens_before: int
    tokens_after: int

    @property
    def left_nothing(self) -> bool:
        """Return whether it was refused, and record and tokens are as they were."""
        return bool(self.code) and (self.steps_before, self.tokens_before) == (
            self.steps_after,
            self.tokens_after,
        )


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it. `setup_steps` were written so that there was something to cheat with."""

    case: str
    tried: tuple[Tried, ...]
    setup_steps: int
    steps_before: int
    steps_after: int
    tokens_before: int
    tokens_after: int


@dataclass(frozen=True, slots=True)
class _Cast:
    owner: Principal
    lead: Principal
    staff: Principal
    helper: Principal


async def play(rooms: Rooms, story_case: str, key: Callable[[str], RequestKey]) -> Played:
    """Make the exception, try five things, close it. `key` names each command of this run.

    Raises:
        NotPlayable: somebody is missing, or this run was made before.
        Refused: a step that is none of the attempts was refused.
    """
    cast = await _cast(rooms)
    steps, tokens = await _size(rooms), await _tokens(rooms)
    # 1. something to cheat with, made by the shift lead and one of the staff
    case = await _open(rooms, cast, key("open"))
    tries = _Tries(rooms)
    first = Propose(case, ACTION, FIRST)
    await rooms.desk.propose(cast.staff, key("suggest"), first)
    # 2. say yes to one's own suggestion, and bring what showed another matter already
    own = await rooms.desk.show(cast.staff, case, "action")
    await tries.attempt(OWN, cast.staff, lambda: _yes(rooms, cast.staff, own.token, key("own")))
    await tries.attempt(
        AGAIN, cast.staff, lambda: _bring_again(rooms, cast.staff, story_case, case, key("again"))
    )
    # 3. the yes itself counts, once: neither the same form again nor the same yes in another window adds to it
    shown = await rooms.desk.show(cast.owner, case, "action")
    await _yes(rooms, cast.owner, shown.token, key("yes"))
    await tries.attempt(TWICE, cast.owner, lambda: _press_again(rooms, cast.owner, shown.token, key))
    # 4. other words under that yes
    changed = await rooms.desk.propose(cast.staff, key("change"), Propose(case, ACTION, OTHER))
    done = TakeAction(case, changed.ids["proposal"])
    await tries.attempt(AFTER_YES, cast.staff, lambda: rooms.desk.take_action(cast.staff, key("do"), done))
    # 5. a digital employee says yes to them
    asked = await rooms.desk.show(cast.helper, case, "action")
    await tries.attempt(HELPER, cast.helper, lambda: _yes(rooms, cast.helper, asked.token, key("helper")))
    # 6. away with it
    await rooms.desk.close(cast.owner, key("close"), CaseStep(case, "false_alarm"))
    after, kept = await _size(rooms), await _tokens(rooms)
    setup = after - steps - sum(one.steps_after - one.steps_before for one in tries.made)
    return Played(case, tuple(tries.made), setup, steps, after, tokens, kept)


class _Tries:
    """Makes attempts one by one and measures around each."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.made: list[Tried] = []

    async def attempt(self, what: str, who: Principal, work: Callable[[], Awaitable[object]]) -> None:
        before, tokens = await _size(self._rooms), await _tokens(self._rooms)
        code = ""
        try:
            await work()
        except Refused as refusal:
            code = refusal.code
        after, left = await _size(self._rooms), await _tokens(self._rooms)
        self.made.append(Tried(what, who.id, code, before, after, tokens, left))


async def _open(rooms: Rooms, cast: _Cast, key: RequestKey) -> str:
    now = rooms.clock.now()
    request = OpenCase(
        origin="report", owner=cast.lead.id, fingerprint=("demo", key), onset=now, detected_at=now, note=NOTE,
        concerns=(cast.lead.id,),
    )  # fmt: skip
    opened = await rooms.desk.open_case(cast.lead, key, request)
    if opened.outcome.replayed:
        raise NotPlayable("expected a form that was not sent before, got one that was")
    return opened.ids["case"]


async def _yes(rooms: Rooms, who: Principal, token: str, key: RequestKey) -> Done:
    return await rooms.desk.decide(who, key, Decide(token, "approved"))


async def _press_again(rooms: Rooms, who: Principal, token: str, key: Callable[[str], RequestKey]) -> None:
    """Send the same form again, which answers as the first time, then the same yes as if from another window."""
    again = await _yes(rooms, who, token, key("yes"))
    if not again.outcome.replayed:
        return  # it had an effect of its own: the record has grown, and the page says so
    await _yes(rooms, who, token, key("window"))


async def _bring_again(rooms: Rooms, who: Principal, story_case: str, case: str, key: RequestKey) -> Done:
    row = await rooms.rows.need("case", tables.case_file, case=story_case)
    subject = await rooms.rows.open(row["subject_item"])
    if subject is None:
        raise NotPlayable("expected the record behind the story, got one that was erased")
    item = await rooms.watching.record_as_evidence(who, case, str(subject["kind"]), str(subject["id"]))
    return await rooms.desk.attach_evidence(who, key, item)


async def _cast(rooms: Rooms) -> _Cast:
    rows = sorted(await rooms.rows.find(tables.member, {"active": 1}), key=lambda row: int(row["seq"]))

    def first(role: str) -> Principal:
        for row in rows:
            if role in loads(row["roles"]):
                return Principal(str(row["member"]), role, VIA, "session")
        raise NotPlayable(f"expected somebody here as {role}, got nobody")

    return _Cast(first(OWNER), first(MANAGER), first(STAFF), first(AGENT))


async def _size(rooms: Rooms) -> int:
    return (await rooms.reader.head()).size


async def _tokens(rooms: Rooms) -> int:
    """Return the tokens that people hold, waiting ones included."""
    rows = await rooms.rows.find(account)
    return sum(int(row["balance_tokens"]) for row in rows if str(row["account"]).startswith("member/"))

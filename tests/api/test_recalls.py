"""Questions some days after a course: the recognition settles once they are answered well, and never by a guess of the
server's; a wrong answer takes nothing away."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from casework.audit import audit
from ledger.canonical import json_dumps, json_loads
from ledger.entries import Entry
from ledger.reading import read_entry
from ledger.store.tables import shapes
from tests.abuse import flows
from tests.abuse.ground import Ground
from tests.api.house import house
from tests.casework.histories import History
from tests.casework.routine import shipped
from tests.casework.shop import PROJECTIONS
from verifiers.errors import PolicyInvalid
from verifiers.reading import Reader
from verifiers.recall import drawn, read_recall
from verifiers.registry import load_policy

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = 86_400


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """A house in which a course is recognised, provisionally."""
    async with house(tmp_path_factory.mktemp("house"), pages=True) as at:
        yield await flows.opened(at, 1, frozenset())


async def course(g: Ground, version: str = "2026") -> str:
    """Finish a course and have it recognised; return the award."""
    case = await flows.honest_course(g)
    await g.believed()
    return str((await g.case(case))["awards"][0]["award"])


async def state(g: Ground, award: str) -> str:
    told = (await g.ask("GET", f"/awards/{award}", "owner")).json()
    return str(told["award"]["state"])


async def test_a_course_settles_once_its_questions_are_answered(ground: Ground) -> None:
    g = ground
    award = await course(g)
    path = f"/awards/{award}/recall"
    # what is asked follows from the award alone, and nobody is told before it is due, or whose it is not
    told = (await g.ask("GET", path, "staff")).json()
    assert (told["course"], told["attempt"], told["passed"], told["questions"]) == (
        "food-safety-2",
        1,
        False,
        [],
    )
    early = await g.ask("POST", path, "staff", json={"answers": [0, 0, 0]})
    assert (early.status_code, early.json()["code"]) == (409, "too_early")
    assert (await g.ask("GET", path, "manager")).status_code == 404
    # the window passes; without answers nothing settles
    await g.wait(15 * DAY)
    await g.wait(DAY)
    assert await state(g, award) == "provisional"
    stranger = await g.ask("POST", path, "second", json={"answers": [0, 0, 0]})
    assert stranger.json()["code"] == "not_beneficiary"
    for answers, said in (([0, 0], "expected 3, got 2"), ([0, 0, 5], "expected 0 to 2, got 5")):
        refused = await g.ask("POST", path, "staff", json={"answers": answers})
        assert (refused.json()["code"], said in refused.json()["detail"]) == ("value_invalid", True), (
            refused.text
        )
    first = (await g.ask("GET", path, "staff")).json()
    assert len(first["questions"]) == 3 and all("right" not in one for one in first["questions"])
    # answered badly: nothing is taken away, other questions come a week later
    badly = await g.answered(award, "staff", well=False)
    assert badly is not None and badly.status_code == 201
    told = (await g.ask("GET", path, "staff")).json()
    assert (told["attempt"], told["passed"], told["questions"]) == (2, False, [])
    await g.wait(6 * DAY)
    assert await g.answered(award, "staff") is None and await state(g, award) == "provisional"
    await g.wait(2 * DAY)
    second = (await g.ask("GET", path, "staff")).json()
    assert [one["id"] for one in second["questions"]] != [one["id"] for one in first["questions"]]
    page = await g.at.see(f"/recognition/{award}/questions", g.team, "staff")
    assert page.status_code == 200 and second["questions"][0]["text"] in page.text
    assert (await g.at.see(f"/recognition/{award}/questions", g.team, "manager")).status_code == 404
    empty = await g.at.send(f"/recognition/{award}/questions", g.team, "staff", {"key": "k-1", "q0": "1"})
    assert empty.status_code == 422 and "data-trouble" in empty.text
    well = await g.answered(award, "staff")
    assert well is not None and well.status_code == 201
    await g.wait(60)
    assert await state(g, award) == "settled"
    again = await g.ask("POST", path, "staff", json={"answers": [0, 0, 0]})
    assert again.json()["code"] == "award_state"


# ---------------------------------------------------------------------------------------------- the audit
async def history_of(g: Ground) -> History:
    """Return the whole record as an audit reads it, whose last verdict, answers and settling are of the course."""
    rooms = await g.at.app.state.installation.rooms(g.team.log)
    entries = [(data, read_entry(data, json_loads, json_dumps)) async for data in rooms.reader.entries()]
    values = {
        (entry.seq, path): await rooms.rows.open(commitment)
        for _, entry in entries
        for path, commitment in entry.private.items()
    }
    return History(entries, values)


def findings(history: History) -> list[str]:
    found = audit(history.entries, shapes(), PROJECTIONS, history.open).findings
    return [one.what for one in found]


def lie(**said: Any) -> Callable[[Entry], Entry]:
    return lambda entry: replace(entry, body={**entry.body, **said})


BADLY, WELL = 0, 1


def stranger(entry: Entry) -> Entry:
    return replace(entry, actor=replace(entry.actor, id="x"))


LIES: list[tuple[str, int, Callable[[Entry], Entry], str]] = [
    (
        "a bad answer that passed",
        BADLY,
        lie(passed=True, settle_not_before="2030-01-01T00:00:00.000Z"),
        "settle_not",
    ),
    ("one that is counted higher", BADLY, lie(right=3), "passed as counted"),
    ("one that is counted higher and passed", WELL, lie(right=2), "right answers as counted again"),
    (
        "by somebody else",
        WELL,
        stranger,
        "not_beneficiary|unknown|member",
    ),
    ("of another attempt", WELL, lie(attempt=1), "the next attempt"),
    (
        "before it was due",
        WELL,
        lambda one: replace(one, at="2026-12-13T10:00:00.000Z"),
        "settle_not_before|too_early",
    ),
    ("that settles at another time", WELL, lie(settle_not_before=None), "settle_not_before"),
]


@pytest.mark.parametrize(("name", "which", "forge", "said"), LIES, ids=[one[0] for one in LIES])
async def test_the_audit_counts_the_answers_again(
    ground: Ground, name: str, which: int, forge: Callable[[Entry], Entry], said: str
) -> None:
    history = await history_of(ground)
    assert findings(history) == []
    places = [place for place, (_, entry) in enumerate(history.entries) if entry.kind == "recall_answered"]
    data, entry = history.entries[places[which]]
    history.entries[places[which]] = (data, forge(entry))
    del history.entries[places[which] + 1 :]
    (found,) = findings(history)
    assert re.search(said, found), found


async def test_the_audit_finds_a_course_that_settled_without_answers(ground: Ground) -> None:
    history = await history_of(ground)
    history.entries[:] = [
        (
            data,
            lie(passed=False, right=0, settle_not_before=None)(entry)
            if entry.kind == "recall_answered"
            else entry,
        )
        for data, entry in history.entries
    ]
    assert any("recall_awaited" in one for one in findings(history))


# ---------------------------------------------------------------------------------------------- the policy
QUESTION = {"text": "How warm?", "answers": ["5", "10"], "right": 0}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"ask": 2}, "at least 2 questions"),
    ({"ask": 0}, "ask: expected an integer from 1"),
    ({"right_min": 2}, "right_min: expected an integer from 1 to 1, got 2"),
    ({"after_days": 400}, "after_days: expected an integer from 0 to 366"),
    ({"again_days": 0}, "again_days: expected an integer from 1"),
    ({"questions": {"a": {**QUESTION, "right": 2}}}, "right: expected an integer from 0 to 1, got 2"),
    ({"questions": {"a": {**QUESTION, "answers": ["5"]}}}, "answers"),
    ({"questions": {"a": {**QUESTION, "answers": ["5", "5"]}}}, "answers that differ"),
    ({"questions": {"a": {**QUESTION, "hint": "cold"}}}, "hint"),
]


@pytest.mark.parametrize(("changed", "said"), WRONG)
async def test_questions_that_are_none_are_refused(changed: dict[str, Any], said: str) -> None:
    made = shipped("training")
    asked = {"after_days": 0, "again_days": 1, "ask": 1, "right_min": 1, "questions": {"a": QUESTION}}
    made["parameters"]["catalogue"]["food-safety-2"]["recall"] = asked | changed
    with pytest.raises(PolicyInvalid, match=re.escape(said)):
        load_policy(made)


async def test_which_questions_are_asked_follows_from_award_and_attempt() -> None:
    """A vector of docs/spec/recall.md, and: another attempt asks others, all of them in the end."""
    recall = load_policy(shipped("training")).parameters["catalogue"]["food-safety-2"]["recall"]
    asked = read_recall(Reader(recall, "recall", PolicyInvalid))
    award = "01930000-0000-7000-8000-00000000aaaa"
    assert drawn(asked, award, 1) == VECTOR
    met = {name for attempt in range(1, 20) for name in drawn(asked, award, attempt)}
    assert met == set(asked.questions)


VECTOR = ("hot", "ill", "hands")

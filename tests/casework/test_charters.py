"""A digital employee stays within its charter: what it may propose, over which cases; its shape is checked first."""

from __future__ import annotations

from typing import Any

import pytest

from casework import charters
from casework.requests import OpenCase, Principal, Propose, RegisterAgent, Suggestion
from ledger.errors import Refused
from tests.casework.shop import Shop

BAD: list[tuple[str, dict[str, Any], str]] = [
    # what, charter, words of the refusal
    ("an unknown member", {"purpose": "x"}, "expected of responsibility, may_read, may_propose, got 'purpose'"),
    ("a number as words", {"responsibility": 7}, "responsibility: expected a text of 1 to 4000 characters"),
    ("words too long", {"responsibility": "x" * 4_001}, "responsibility: expected a text of 1 to 4000"),
    ("no list", {"may_read": "booking"}, "may_read: expected at most 100 names"),
    ("a number in a list", {"may_propose": [1]}, "may_propose: expected at most 100 names"),
    ("a sentence", {"may_propose": ["do what you like"]}, "got ['do what you like']"),
    ("a name too long", {"may_read": ["x" * 61]}, "of 60 characters"),
    ("too many", {"may_read": [f"k{n}" for n in range(101)]}, "expected at most 100 names"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "says"), BAD, ids=[row[0] for row in BAD])
async def test_registering_refuses(here: Shop, what: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match="value_invalid") as caught:
        await _register(here, given)
    assert says in caught.value.detail


async def _register(here: Shop, charter: dict[str, Any]) -> Principal:
    owner = here.people["owner"]
    done = await here.office.register_agent(owner, here.key(), RegisterAgent("bot", charter, owner.id))
    return Principal(done.ids["member"], "agent", "web", "key")


async def test_its_words_lie_in_the_vault_and_its_lists_in_the_log(here: Shop) -> None:
    bot = await _register(
        here, {"responsibility": "Helps Ines", "may_read": ["b", "a", "b"], "may_propose": ["call-back"]}
    )
    size, _ = await here.rows.head()
    (entry,) = await here.rows.entries(size - 1, 1)
    assert entry.body["charter"] == {"may_read": ["a", "b"], "may_propose": ["call-back"]}
    assert await here.rows.open(entry.private["responsibility"]) == "Helps Ines"
    row = await here.rows.get("member", (bot.id,))
    assert row is not None and row["responsibility_item"] == entry.private["responsibility"]


PROPOSALS: list[tuple[dict[str, list[str]], str, str | None]] = [
    # charter, action, refusal; the case is about a complaint
    ({"may_read": ["complaint"], "may_propose": ["x"]}, "x", None),
    ({"may_read": ["*"], "may_propose": ["*"]}, "anything", None),
    ({"may_read": ["complaint"], "may_propose": ["x"]}, "y", "not_in_charter"),
    ({"may_read": ["complaint"], "may_propose": []}, "x", "not_in_charter"),
    ({"may_read": ["complaint"]}, "x", "not_in_charter"),
    ({"may_read": [], "may_propose": ["x"]}, "x", "unknown"),
    ({"may_read": ["booking"], "may_propose": ["x"]}, "x", "unknown"),
]


@pytest.mark.parametrize(("charter", "action", "code"), PROPOSALS)
async def test_propose(here: Shop, charter: dict[str, Any], action: str, code: str | None) -> None:
    bot, case = await _register(here, charter), await here.open()
    request = Propose(case, action, "Do it")
    if code is None:
        await here.desk.propose(bot, here.key(), request)
        return
    before = await here.kinds()
    with pytest.raises(Refused, match=code):
        await here.desk.propose(bot, here.key(), request)
    assert await here.kinds() == before


@pytest.mark.parametrize(("action", "code"), [("x", None), ("y", "not_in_charter")])
async def test_a_suggestion_given_with_a_report(here: Shop, action: str, code: str | None) -> None:
    bot = await _register(here, {"may_propose": ["x"]})
    now = here.now()
    request = OpenCase(
        origin="report", owner=here.people["owner"].id, fingerprint=("report", action), onset=now, detected_at=now,
        suggestion=Suggestion(action, "Do it"),
    )  # fmt: skip
    if code is None:
        assert "proposal" in (await here.desk.open_case(bot, here.key(), request)).ids
        return
    with pytest.raises(Refused, match=code):
        await here.desk.open_case(bot, here.key(), request)


@pytest.mark.parametrize(
    ("may_read", "kind", "reads"),
    [
        ([], "booking", False),
        (["booking"], "booking", True),
        (["booking"], "quote", False),
        (["booking"], None, False),
        (["*"], None, True),
        (["*"], "quote", True),
    ],
)
def test_reads(may_read: list[str], kind: str | None, reads: bool) -> None:
    charter, _ = charters.read({"may_read": may_read})
    assert charter.reads(kind) is reads


def test_no_charter_binds_a_person() -> None:
    assert charters.held(None) is None

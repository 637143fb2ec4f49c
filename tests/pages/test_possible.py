"""Which steps a page offers: by the state of the case, by who may, by what else must be so; refused ones too."""

from __future__ import annotations

from typing import Any

import pytest

from api.dossiers import Dossier
from api.pages.possible import (
    ASKED,
    POSSIBLE,
    approved,
    close_reasons,
    own_items,
    possible_steps,
    resolutions,
)
from casework.cases import STATES, TRANSITIONS
from casework.staffing import STEPS, Answer

ANA = "member-ana"
ALL = {step: Answer((ANA,), None) for step in ASKED}
ROW: dict[str, Any] = {
    "case": "c", "owner": ANA, "award": None, "action_seq": None, "policy": None, "verdict": None, "proposal": None,
}  # fmt: skip


def dossier(
    state: str, *, evidence: tuple[Any, ...] = (), decisions: tuple[Any, ...] = (), **row: Any
) -> Dossier:
    return Dossier({**ROW, "state": state, **row}, (), evidence, decisions, (), (), (), (), {})


def item(name: str = "e", by: str = ANA, **more: Any) -> dict[str, Any]:
    plain = {"evidence": name, "type": "file", "submitter": f"member:{by}", "attached_by": by, "withdrawn": 0}
    return {**plain, "review": None, "seq": 1, **more}


def yes(**more: Any) -> dict[str, Any]:
    plain = {
        "decision": "d",
        "about": "action",
        "verb": "approved",
        "withdrawn": 0,
        "effect_seq": None,
        "seq": 5,
    }
    return {**plain, "verdict": None, **more}


BEGUN = ("propose", "evidence", "link", "pass", "no_problem", "close", "note")
TABLE = [
    ("DETECTED", {}, ("pass", "no_problem", "close", "note")),
    ("ASSIGNED", {}, ("in_hand", *BEGUN)),
    ("ACKNOWLEDGED", {}, ("in_hand", *BEGUN)),
    ("AWAITING_DECISION", {}, BEGUN),
    ("IN_ACTION", {}, ("propose", "evidence", "link", "result", "pass", "no_problem", "close", "note")),
    ("IN_ACTION", {"decisions": (yes(),)},
     ("propose", "done", "evidence", "link", "result", "pass", "no_problem", "close", "note")),
    ("IN_ACTION", {"decisions": (yes(effect_seq=9),)},
     ("propose", "evidence", "link", "result", "pass", "no_problem", "close", "note")),
    ("AWAITING_REVIEW", {"evidence": (item(),)},
     ("evidence", "link", "withdraw", "result", "pass", "no_problem", "close", "note")),
    ("AWAITING_REVIEW", {"evidence": (item(by="ben"),)},
     ("evidence", "link", "result", "pass", "no_problem", "close", "note")),
    ("RESOLVED", {}, ("evidence", "close", "reopen", "note")),
    ("RESOLVED", {"award": "a", "evidence": (item(),)}, ("evidence", "close", "reopen", "note")),
    ("RESOLVED", {"verdict": "v", "decisions": (yes(about="award", verdict="v"),)}, ("evidence", "reopen", "note")),
    ("CLEARED", {}, ("no_problem", "close", "reopen", "note")),
    ("EXPIRED", {}, ("no_problem", "close", "reopen", "note")),
    ("CLOSED", {}, ("reopen", "note")),
]  # fmt: skip


@pytest.mark.parametrize(("state", "more", "steps"), TABLE)
def test_what_is_possible_follows_from_the_state(
    state: str, more: dict[str, Any], steps: tuple[str, ...]
) -> None:
    assert possible_steps(dossier(state, **more), ANA, ALL) == steps


@pytest.mark.parametrize("state", STATES)
def test_nobody_is_offered_what_staffing_does_not_let_them_do(state: str) -> None:
    there = dossier(state, evidence=(item(),), decisions=(yes(),))
    assert possible_steps(there, "member-ben", ALL) == ()
    for refused in ASKED:
        answers = {**ALL, refused: Answer((), "Nobody can.")}
        offered = set(possible_steps(there, ANA, answers))
        assert not offered & {one.step for one in POSSIBLE if one.staffed == refused}


def test_every_step_asks_what_staffing_and_the_states_know() -> None:
    assert {one.staffed for one in POSSIBLE} <= set(STEPS)
    assert {entry for one in POSSIBLE for entry in one.entries} <= TRANSITIONS.keys()


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ((), None),
        ((yes(),), 5),
        ((yes(verb="declined"),), None),
        ((yes(about="award"),), None),
        ((yes(withdrawn=1),), None),
        ((yes(effect_seq=8),), None),
        ((yes(seq=5, effect_seq=8), yes(seq=9)), 9),
        ((yes(seq=5), yes(seq=9, effect_seq=10)), None),
    ],
)
def test_only_the_last_yes_that_nobody_acted_on_can_be_done(made: tuple[Any, ...], found: int | None) -> None:
    one = approved(dossier("IN_ACTION", decisions=made))
    assert (None if one is None else one["seq"]) == found


@pytest.mark.parametrize(
    ("state", "more", "reasons"),
    [
        ("ASSIGNED", {}, ("duplicate", "accepted_risk", "self_cleared")),
        ("IN_ACTION", {"action_seq": 7}, ("duplicate", "accepted_risk")),
        ("AWAITING_REVIEW", {"action_seq": 7}, ("done", "not_recognised", "duplicate", "accepted_risk")),
        ("AWAITING_REVIEW", {"action_seq": 7, "evidence": (item(),)},
         ("not_recognised", "duplicate", "accepted_risk")),
        ("AWAITING_REVIEW", {"action_seq": 7, "policy": "p"}, ("not_recognised", "duplicate", "accepted_risk")),
        ("RESOLVED", {"action_seq": 7, "policy": "p"}, ("done", "not_recognised")),
        ("RESOLVED", {"action_seq": 7, "award": "a"}, ("done",)),
        ("CLOSED", {}, ()),
    ],
)  # fmt: skip
def test_why_it_may_be_closed(state: str, more: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert close_reasons(dossier(state, **more)) == reasons


def test_nothing_is_solved_before_something_was_done() -> None:
    assert "fixed" not in resolutions(dossier("IN_ACTION"))
    assert resolutions(dossier("IN_ACTION", action_seq=7))[0] == "fixed"


def test_what_a_guest_said_is_never_taken_back() -> None:
    said = item("g", type="customer_confirmation")
    assert [one["evidence"] for one in own_items(dossier("IN_ACTION", evidence=(item(), said)), ANA)] == ["e"]
    assert own_items(dossier("RESOLVED", award="a", evidence=(item(),)), ANA) == []

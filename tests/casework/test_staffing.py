"""Who may legally take each step, for teams of 1, 2, 3 and 5, or the sentence that the product says instead."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import casework.tables  # noqa: F401  the desk's tables join the MetaData
from api.permissions import STEPS as DOORS
from api.permissions import step_roles
from casework.reciprocity import Yes
from casework.staffing import ALONE, BECAUSE, RECOGNITION, SENTENCES, STEPS, Item, Stand, who_may
from ledger.changes import Insert
from ledger.overlay import Overlay
from ledger.store.tables import shapes
from tests.casework.teams import POWERS, TABLE, TEAMS, Able, Scene, Team

AT = "2026-11-23T16:10:00.000Z"
LATER = "2027-01-01T00:00:00.000Z"


def view_of(team: Team) -> Overlay:
    """Return the rows of a team."""
    view = Overlay(shapes())
    view.admit({name: {0: {()}} for name in shapes()}, {})
    for member, (role, powers) in team.items():
        joined(view, member, role)
        for power in powers:
            about, second = POWERS[power]
            empowered(view, member, power, about=about, second_person=int(second))
    return view


def joined(view: Overlay, member: str, role: str, same_as: str | None = None, active: int = 1) -> None:
    """Let somebody join."""
    row = {
        "member": member,
        "roles": json.dumps([role]),
        "same_as": same_as,
        "active": active,
        "charter": None,
        "responsibility_item": None,
    }
    view.apply([Insert("member", {**row, "answers_to": None, "seq": 0})])


def empowered(view: Overlay, member: str, power: str, **limits: object) -> None:
    """Give a limitless authority, but for what `limits` say."""
    row = {
        "member": member, "authority": f"{member}-{power}", "about": "award", "scope": '["*"]', "amount_max": None,
        "tokens_max": None, "until": None, "assurance_min": "key", "second_person": 0, "active": 1,
        "granted_by": "marta", "since": None, "delegation": None, "giver": None, "giver_person": None,
        "delegated_from": None, "seq": 0,
    }  # fmt: skip
    view.apply([Insert("authority", row | limits)])


CELLS = [(scene, step, able) for scene, table in TABLE for step, able in table.items()]


@pytest.mark.parametrize(("scene", "step", "able"), CELLS)
def test_each_step_names_who_may_or_says_a_sentence(scene: Scene, step: str, able: Able) -> None:
    team = TEAMS[scene.size]
    answer = who_may(view_of(team), list(team), step, scene.stand(), step_roles(), AT)
    assert answer.members == (able or ())
    if able is not None:
        assert answer.sentence is None
    elif scene.size == 1 and step in RECOGNITION:
        assert answer.sentence == ALONE
    else:
        assert answer.sentence in (
            SENTENCES[step],
            *(said for (of, _), said in BECAUSE.items() if of == step),
        )


@pytest.mark.parametrize("size", TEAMS)
def test_every_step_has_a_line_for_every_size(size: int) -> None:
    assert {step for scene, step, _ in CELLS if scene.size == size} == set(STEPS)


def test_every_step_has_a_door_and_every_sentence_is_one() -> None:
    assert DOORS.keys() == set(STEPS)
    assert {step for step, _ in BECAUSE} <= set(STEPS)
    for sentence in (ALONE, *SENTENCES.values(), *BECAUSE.values()):
        assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) > 15


# what somebody may not, where the team is there: the sentence says why
REASONS: list[tuple[Scene, str, str]] = [
    (Scene(3, "acted", "ana", "ana"), "withdraw_decision", BECAUSE["withdraw_decision", "not_decided"]),
    (Scene(3, "opened", "ana", "ana"), "withdraw_evidence", BECAUSE["withdraw_evidence", "evidence_missing"]),
    (
        Scene(3, "provisional", "ana", "ana"),
        "withdraw_evidence",
        BECAUSE["withdraw_evidence", "already_awarded"],
    ),
    (Scene(3, "passed", "ana", "ana"), "review_evidence", BECAUSE["review_evidence", "evidence_closed"]),
    (Scene(3, "passed", "ana", "ana"), "hold", BECAUSE["hold", "award_state"]),
    (Scene(3, "held", "ana", "ana"), "hold", BECAUSE["hold", "held"]),
    (Scene(3, "provisional", "ana", "ana"), "release", BECAUSE["release", "award_state"]),
    (Scene(3, "settled", "ana", "ana"), "decline_award", BECAUSE["decline_award", "award_state"]),
    (Scene(3, "provisional", "ana", "ana"), "revoke", BECAUSE["revoke", "award_state"]),
    (Scene(3, "settled", "ana", "ana"), "revoke", SENTENCES["revoke"]),
    (Scene(1, "proposed", "marta", "marta"), "decide_action", SENTENCES["decide_action"]),
]


@pytest.mark.parametrize(("scene", "step", "sentence"), REASONS)
def test_the_sentence_says_what_is_missing(scene: Scene, step: str, sentence: str) -> None:
    team = TEAMS[scene.size]
    answer = who_may(view_of(team), list(team), step, scene.stand(), step_roles(), AT)
    assert (answer.members, answer.sentence) == ((), sentence)


CASE = Stand("ana", "ana", award_kind="service_issue", playbook="complaint_open")
HELD = Scene(5, "held", "ana", "dev").stand()
EUR = "EUR"
DETAILS: list[tuple[str, str, Stand, tuple[str, ...]]] = [
    # why, step, where it stands, who of the team of five may
    ("as far as the amount goes", "decide_action", replace(CASE, value={"amount_minor": 500, "currency": EUR}),
     ("marta", "dev", "small")),
    ("beyond it", "decide_action", replace(CASE, value={"amount_minor": 501, "currency": EUR}), ("marta", "dev")),
    ("not whoever brought evidence already", "decide_action", replace(CASE, items=(Item(frozenset({"marta"})),)),
     ("dev", "small")),
    ("what the verdict does not rest on keeps nobody away", "decide_award",
     replace(CASE, items=(Item(frozenset({"marta"}), relied_on=False), Item(frozenset({"ben"})))), ("marta", "ines")),
    ("not who was judged, though somebody else acted", "decide_award",
     replace(CASE, action_by="ben", judged=("ben", "marta")), ("ines",)),
    ("any of several items", "review_evidence",
     replace(CASE, items=(Item(frozenset({"ben"})), Item(frozenset({"dev"})), Item(frozenset({"ana"}), True))),
     ("marta", "dev", "ana", "ben", "small", "ines")),
    ("nobody who acted", "review_evidence",
     replace(CASE, action_by="dev", items=(Item(frozenset({"ben"})), Item(frozenset({"dev"})))),
     ("marta", "ana", "ben", "small", "ines")),
    ("no budget waits: any owner might set one", "approve_budget", CASE, ("ines",)),
    ("a budget of somebody who is no owner any more", "approve_budget", replace(CASE, budgets_set_by=("ben",)),
     ("marta", "ines")),
    ("not beyond the authority", "decline_award", HELD, ("marta", "ines")),
    ("a second account takes nothing back for another", "withdraw_evidence",
     replace(CASE, items=(Item(frozenset({"double"})),)), ("ana", )),
]  # fmt: skip


@pytest.mark.parametrize(("why", "step", "stand", "able"), DETAILS, ids=[one[0] for one in DETAILS])
def test_who_may_looks_at_everything_the_desk_looks_at(
    why: str, step: str, stand: Stand, able: tuple[str, ...]
) -> None:
    team = TEAMS[5]
    view = view_of(team)
    joined(view, "small", "staff")
    empowered(view, "small", "A", about="action", amount_max='{"amount_minor":500,"currency":"EUR"}')
    empowered(view, "small", "W", tokens_max=4, active=0)
    empowered(view, "dev", "W", tokens_max=4, until=AT)
    joined(view, "double", "manager", same_as="ana", active=0)
    joined(view, "left", "owner", active=0)
    members = ["marta", "dev", "ana", "ben", "small", "ines", "robin", "left"]
    assert who_may(view, members, step, stand, step_roles(), AT).members == able


TERMS = {"reciprocity_days": 30}
BACK = BECAUSE["decide_award", "reciprocal"]
DECIDED = replace(CASE, award_kind="training", judged=("ana",), terms=TERMS)


def yes(decider: str, member: str, at: str = "2026-11-20T16:10:00.000Z", kind: str = "training") -> Yes:
    return Yes(member, kind, decider, at)


RETURNS: list[tuple[str, Stand, tuple[str, ...], str | None, tuple[str, ...]]] = [
    # why, where it stands, who may say yes, the sentence where nobody may, whom only this keeps away
    ("nobody said yes to anybody", DECIDED, ("marta", "ines"), None, ()),
    ("not who was recognised by them", replace(DECIDED, said_yes=(yes("ana", "ines"),)), ("marta",), None, ("ines",)),
    ("the other way round they may", replace(DECIDED, said_yes=(yes("ines", "ana"),)), ("marta", "ines"), None, ()),
    ("for something else they may", replace(DECIDED, said_yes=(yes("ana", "ines", kind="handover"),)),
     ("marta", "ines"), None, ()),
    ("a moment too late", replace(DECIDED, said_yes=(yes("ana", "ines", "2026-10-24T16:10:00.001Z"),)),
     ("marta",), None, ("ines",)),
    ("the days are over", replace(DECIDED, said_yes=(yes("ana", "ines", "2026-10-24T16:10:00.000Z"),)),
     ("marta", "ines"), None, ()),
    ("a policy without days", replace(DECIDED, terms={}, said_yes=(yes("ana", "ines"),)), ("marta", "ines"), None, ()),
    ("no policy yet", replace(DECIDED, terms=None, said_yes=(yes("ana", "ines"),)), ("marta", "ines"), None, ()),
    ("by their second account", replace(DECIDED, said_yes=(yes("double", "ines"),)), ("marta",), None, ("ines",)),
    ("of the second account", replace(DECIDED, said_yes=(yes("ana", "second"),)), ("marta",), None, ("ines",)),
    ("by one of several", replace(DECIDED, judged=("ben", "ana"), said_yes=(yes("ben", "ines"),)),
     ("marta",), None, ("ines",)),
    ("before it was judged: by who is to earn it", replace(DECIDED, judged=(), said_yes=(yes("ana", "ines"),)),
     ("marta",), None, ("ines",)),
    ("all who may", replace(DECIDED, said_yes=(yes("ana", "ines"), yes("ana", "marta"))), (), BACK, ("marta", "ines")),
    ("the only one who is outside", replace(DECIDED, maker="marta", said_yes=(yes("ana", "ines"),)),
     (), BACK, ("ines",)),
    ("who may not anyway is not named for it", replace(DECIDED, maker="marta", said_yes=(yes("ana", "marta"),)),
     ("ines",), None, ()),
]  # fmt: skip


@pytest.mark.parametrize(("why", "stand", "able", "said", "back"), RETURNS, ids=[one[0] for one in RETURNS])
def test_who_would_give_a_yes_back_is_not_named(
    why: str, stand: Stand, able: tuple[str, ...], said: str | None, back: tuple[str, ...]
) -> None:
    team = TEAMS[5]
    view = view_of(team)
    joined(view, "double", "staff", same_as="ana")
    joined(view, "second", "staff", same_as="ines")
    answer = who_may(view, list(team), "decide_award", stand, step_roles(), AT)
    assert (answer.members, answer.sentence, answer.reciprocal) == (able, said, back)
    # a no is planned, and said, by whoever may decide: it gives nothing
    free = who_may(view, list(team), "decide_award", replace(stand, terms=None), step_roles(), AT)
    assert who_may(view, list(team), "dispute", stand, step_roles(), AT).members == free.members


def test_a_second_account_is_no_second_person() -> None:
    view = view_of({"marta": ("owner", "AW")})
    joined(view, "marta2", "manager", same_as="marta")
    empowered(view, "marta2", "W")
    members = ["marta", "marta2"]
    stand = Stand("marta", award_kind="service_issue")
    for step in ("decide_award", "set_budget", "approve_budget"):
        answer = who_may(view, members, step, stand, step_roles(), AT)
        assert (answer.members, answer.sentence) == ((), ALONE)


def test_roles_are_an_argument() -> None:
    view = view_of(TEAMS[2])
    answer = who_may(view, ["marta", "ana"], "propose", CASE, {"propose": ("staff",)}, AT)
    assert answer.members == ("ana",)
    with pytest.raises(KeyError):
        who_may(view, ["marta"], "destroy", CASE, step_roles(), AT)

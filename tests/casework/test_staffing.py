"""Teams of 1, 2, 3 and 5: who may legally take each step, or the sentence that the product says instead."""

from __future__ import annotations

import pytest

import casework.tables  # noqa: F401  the desk's tables join the MetaData
from casework.staffing import ALONE, SENTENCES, STEPS, Stand, who_may
from ledger.changes import Insert
from ledger.overlay import Overlay
from ledger.store.tables import shapes

AT = "2026-11-23T16:10:00.000Z"

Team = dict[str, tuple[str, str]]
"""Member -> (roles as JSON, powers: letters of POWERS)."""

POWERS = {"A": ("action", 0), "W": ("award", 0), "2": ("award", 1)}

TEAMS: dict[int, Team] = {
    1: {"marta": ('["owner"]', "AW")},
    2: {"marta": ('["owner"]', "AW"), "ana": ('["staff"]', "2")},
    3: {"marta": ('["owner"]', "A"), "ana": ('["staff"]', ""), "ines": ('["outsider"]', "2")},
    5: {
        "marta": ('["owner"]', "AW"),
        "dev": ('["manager"]', "A"),
        "ana": ('["staff"]', ""),
        "ben": ('["staff"]', ""),
        "ines": ('["outsider"]', "2"),
    },
}


def view_of(team: Team) -> Overlay:
    """Return the rows of a team."""
    view = Overlay(shapes())
    view.admit({name: {0: {()}} for name in shapes()}, {})
    for member, (roles, powers) in team.items():
        row = {
            "member": member,
            "roles": roles,
            "same_as": None,
            "active": 1,
            "charter": None,
            "responsibility_item": None,
            "answers_to": None,
        }
        view.apply([Insert("member", {**row, "seq": 0})])
        for power in powers:
            about, second = POWERS[power]
            view.apply([Insert("authority", authority_row(member, power, about, second))])
    return view


def authority_row(member: str, power: str, about: str, second: int) -> dict[str, object]:
    """Return a limitless authority."""
    return {
        "member": member, "authority": f"{member}-{power}", "about": about, "scope": '["*"]', "amount_max": None,
        "tokens_max": None, "until": None, "assurance_min": "key", "second_person": second, "active": 1,
        "granted_by": "marta", "seq": 0,
    }  # fmt: skip


def stand(owner: str, maker: str, submitters: tuple[str, ...], set_by: str, held_by: str) -> Stand:
    """A case that `owner` owns and works on."""
    return Stand(owner, maker, owner, submitters, (owner,), "watch", "service_issue", 5, set_by, held_by)


# One line per team and step: who may; None: nobody, and the product says the sentence of that step.
EVERY_STEP: list[tuple[int, Stand, dict[str, tuple[str, ...] | None]]] = [
    # Alone: she owns, acts and decides on what the watch itself suggested; recognition waits for a second person.
    (1, stand("marta", "system", ("marta",), "marta", "marta"), {
        "acknowledge": ("marta",), "propose": ("marta",), "decide_action": ("marta",), "take_action": ("marta",),
        "attach_evidence": ("marta",), "confirm": None, "review_evidence": None, "record_outcome": ("marta",),
        "set_budget": None, "approve_budget": None, "decide_award": None, "hold": ("marta",), "revoke": None,
    }),
    # Her own suggestion she cannot decide.
    (1, stand("marta", "marta", ("marta",), "marta", "marta"), {"decide_action": None}),
    # Two: Ana works, Marta decides, reviews and recognises; a budget takes both; taking back needs a third.
    (2, stand("ana", "ana", ("ana",), "marta", "marta"), {
        "acknowledge": ("ana",), "propose": ("marta", "ana"), "decide_action": ("marta",),
        "take_action": ("marta", "ana"), "attach_evidence": ("marta", "ana"), "confirm": None,
        "review_evidence": ("marta",), "record_outcome": ("marta", "ana"), "set_budget": ("marta",),
        "approve_budget": ("ana",), "decide_award": ("marta",), "hold": ("marta", "ana"), "revoke": None,
    }),
    # Two, the owner did the work: the other one recognises it.
    (2, stand("marta", "system", ("marta",), "marta", "ana"), {
        "decide_action": ("marta",), "review_evidence": ("ana",), "decide_award": ("ana",), "revoke": None,
    }),
    # Three (SETTLED 27): staff owns and is recognised, the owner decides the action, the accountant the award.
    (3, stand("ana", "ana", ("ana",), "marta", "marta"), {
        "acknowledge": ("ana",), "propose": ("marta", "ana", "ines"), "decide_action": ("marta",),
        "take_action": ("marta", "ana", "ines"), "attach_evidence": ("marta", "ana", "ines"), "confirm": None,
        "review_evidence": ("marta", "ines"), "record_outcome": ("marta", "ana", "ines"), "set_budget": ("marta",),
        "approve_budget": ("ines",), "decide_award": ("ines",), "hold": ("marta", "ana", "ines"), "revoke": ("ines",),
    }),
    # Five: nobody decides on what they suggested, brought or are recognised for.
    (5, stand("ana", "dev", ("ana", "ben"), "marta", "ines"), {
        "acknowledge": ("ana",), "propose": ("marta", "dev", "ana", "ben", "ines"), "decide_action": ("marta",),
        "take_action": ("marta", "dev", "ana", "ben", "ines"),
        "attach_evidence": ("marta", "dev", "ana", "ben", "ines"), "confirm": None,
        "review_evidence": ("marta", "dev", "ines"), "record_outcome": ("marta", "dev", "ana", "ben", "ines"),
        "set_budget": ("marta",), "approve_budget": ("ines",), "decide_award": ("marta", "ines"),
        "hold": ("marta", "dev", "ana", "ben", "ines"), "revoke": ("marta",),
    }),
]  # fmt: skip

CASES = [(size, where, step, able) for size, where, table in EVERY_STEP for step, able in table.items()]


@pytest.mark.parametrize(("size", "where", "step", "able"), CASES)
def test_each_step_names_who_may_or_says_a_sentence(
    size: int, where: Stand, step: str, able: tuple[str, ...] | None
) -> None:
    team = TEAMS[size]
    answer = who_may(view_of(team), list(team), step, where, AT)
    assert answer.members == (able or ())
    if able is None:
        alone = size == 1 and step in ("set_budget", "approve_budget", "decide_award", "revoke")
        assert answer.sentence == (ALONE if alone else SENTENCES[step])
    else:
        assert answer.sentence is None


@pytest.mark.parametrize("size", TEAMS)
def test_every_step_has_a_line_for_every_size(size: int) -> None:
    listed = {step for number, _, table in EVERY_STEP if number == size for step in table}
    assert listed == set(STEPS)


def test_a_second_account_is_no_second_person() -> None:
    team: Team = {"marta": ('["owner"]', "AW"), "marta2": ('["manager"]', "W")}
    view = view_of({"marta": team["marta"]})
    row = {
        "member": "marta2",
        "roles": '["manager"]',
        "same_as": "marta",
        "active": 1,
        "charter": None,
        "responsibility_item": None,
    }
    view.apply([Insert("member", {**row, "answers_to": None, "seq": 1})])
    view.apply([Insert("authority", authority_row("marta2", "W", "award", 0))])
    answer = who_may(view, list(team), "decide_award", stand("marta", "system", (), "marta", "marta"), AT)
    assert answer.members == ()
    assert answer.sentence == ALONE

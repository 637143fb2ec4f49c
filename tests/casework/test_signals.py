"""From the watch to the desk: one case per thing, an owner always, reopened when it was not solved after all."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from casework import routing
from casework.requests import THE_SYSTEM, CaseStep, MemberStep
from casework.signals import Signals
from ledger.clock import unix_ms_of
from ledger.errors import Refused
from playbooks.playbook import Playbook
from playbooks.world import Cite, Cleared, Fact, Money, Signal
from tests.casework.shop import GUEST, Shop

ITEM = "ab" * 32


def _playbook(*route: str, award: bool = True) -> Playbook:
    """A playbook's answers that the desk reads; loading the whole file is the watch's own test."""
    found = SimpleNamespace(
        id="complaint-to-escalate",
        why="A guest waits",
        route=tuple(SimpleNamespace(to=to) for to in route),
        decision=SimpleNamespace(action="call_back"),
        award=SimpleNamespace(kind="service_issue", policy="service_issue/v1") if award else None,
    )
    return cast(Playbook, found)


def _signal(here: Shop, fingerprint: str = "complaint:4711", subject: str = "4711") -> Signal:
    now = here.clock.read().unix_ms
    cite = Cite("complaint", subject, now, 0, ITEM)
    return Signal(
        "complaint-to-escalate", "cd" * 32, "complaint", subject, fingerprint, "Not answered", now - 60_000, now,
        Money(1250, "EUR"), (Fact("status", "open", cite),), (cite,),
    )  # fmt: skip


def _cleared(here: Shop, fingerprint: str = "complaint:4711") -> Cleared:
    now = here.clock.read().unix_ms
    cite = Cite("complaint", "4711", now, 1, ITEM)
    return Cleared(
        "complaint-to-escalate", "cd" * 32, "complaint", "4711", fingerprint, "answered_late", now, (cite,)
    )


@pytest.fixture
def watch(here: Shop) -> Signals:
    return Signals(here.intake, here.desk)


ROUTES = [
    # rungs, the subject's fields, who owns it
    (("role:manager", "role:staff", "owner"), {}, "waiter"),
    (("field:handled_by", "owner"), {"handled_by": "WAITER"}, "waiter"),
    (("field:handled_by", "owner"), {"handled_by": "nobody"}, "owner"),
    (("role:manager",), {}, "owner"),  # the last resort
    ((), {}, "owner"),
    (("role:agent", "owner"), {}, "owner"),  # agents own nothing
]


@pytest.mark.parametrize(("rungs", "values", "who"), ROUTES)
async def test_route(here: Shop, rungs: tuple[str, ...], values: dict[str, Any], who: str) -> None:
    known = {name: here.people["waiter"].id if value == "WAITER" else value for name, value in values.items()}
    assert await routing.route(here.rows, _playbook(*rungs), known) == here.people[who].id


async def test_a_rung_whose_person_left_is_passed_over(here: Shop) -> None:
    step = MemberStep(here.people["waiter"].id, reason_code="left")
    await here.office.member_left(here.people["owner"], here.key(), step)
    assert await routing.route(here.rows, _playbook("role:staff"), {}) == here.people["owner"].id


async def test_a_signal_opens_assigns_and_suggests_in_one_command(here: Shop, watch: Signals) -> None:
    done = await watch.noticed(_signal(here), _playbook("role:staff"), {}, GUEST)
    assert done is not None and done.outcome.count == 3
    row = await here.rows.get("case_file", (done.ids["case"],))
    assert row is not None
    assert (row["state"], row["owner"], row["opened_by"]) == (
        "AWAITING_DECISION",
        here.people["waiter"].id,
        "system",
    )
    assert json.loads(row["value"]) == {"amount_minor": 1250, "currency": "EUR"}
    assert json.loads(row["records"]) == [{"item": ITEM}]
    assert await here.rows.open(row["subject_item"]) == {
        "kind": "complaint",
        "id": "4711",
        "customer": GUEST,
    }
    assert await here.rows.open(row["facts_item"]) == {"status": "open"}
    assert row["onset"] < row["detected_at"] <= row["opened_at"]
    await here.decide(done.ids["case"], "action", "owner")


async def test_an_open_case_takes_no_second_signal(here: Shop, watch: Signals) -> None:
    assert await watch.noticed(_signal(here), _playbook(), {}) is not None
    here.wait(minutes=5)
    assert await watch.noticed(_signal(here), _playbook(), {}) is None
    assert await watch.noticed(_signal(here, "complaint:4712", "4712"), _playbook(), {}) is not None


async def test_what_went_away_clears_and_a_later_signal_is_a_new_case(here: Shop, watch: Signals) -> None:
    first = await watch.noticed(_signal(here), _playbook(), {})
    assert first is not None
    assert await watch.went_away(_cleared(here)) is not None
    assert await here.state(first.ids["case"]) == "CLEARED"
    assert await watch.went_away(_cleared(here)) is None
    here.wait(minutes=5)
    second = await watch.noticed(_signal(here), _playbook(), {})
    assert second is not None and second.ids["case"] != first.ids["case"]


async def test_a_window_that_ended_while_it_was_still_so_is_a_miss(here: Shop, watch: Signals) -> None:
    done = await watch.noticed(_signal(here), _playbook(), {})
    assert done is not None
    assert await watch.went_away(replace(_cleared(here), reason="window_over")) is not None
    assert await here.state(done.ids["case"]) == "EXPIRED"


async def test_clearing_comes_too_late_once_somebody_acts(here: Shop, watch: Signals) -> None:
    done = await watch.noticed(_signal(here), _playbook(), {})
    assert done is not None
    await here.may("accountant", "action")
    await here.decide(done.ids["case"], "action", "accountant")
    assert await watch.went_away(_cleared(here)) is None
    assert await here.state(done.ids["case"]) == "IN_ACTION"


@pytest.mark.parametrize(("days", "same"), [(13, True), (14, False)])
async def test_a_signal_soon_after_a_solved_case_reopens_it(
    here: Shop, watch: Signals, days: int, same: bool
) -> None:
    case, award = await here.awarded(number="4711")
    row = await here.rows.get("case_file", (case,))
    assert row is not None
    # the same thing, as the watch names it: take over its fingerprint
    watch._in.vault.fingerprint = lambda *parts: row["fingerprint"]  # type: ignore[method-assign]
    here.clock.set(unix_ms_of(row["outcome_at"]))
    here.wait(days=days)
    done = await watch.noticed(_signal(here), _playbook("role:staff"), {})
    assert done is not None and (done.ids["case"] == case) is same
    held = await here.rows.get("award", (award,))
    assert held is not None and (held["hold_reason"] == "case_reopened") is same


async def test_a_playbook_without_award_opens_a_case_that_recognises_nothing(
    here: Shop, watch: Signals
) -> None:
    done = await watch.noticed(_signal(here), _playbook(award=False), {})
    assert done is not None
    row = await here.rows.get("case_file", (done.ids["case"],))
    assert row is not None and (row["award_kind"], row["policy"]) == (None, None)


async def test_nobody_left_to_own_it_is_a_refusal(here: Shop) -> None:
    class Empty:
        async def scan(self, table: str, prefix: Any) -> list[Any]:
            return []

    with pytest.raises(Refused, match="owner_unknown"):
        await routing.route(cast(Any, Empty()), _playbook("owner"), {})


async def test_the_same_signal_twice_has_one_effect(here: Shop, watch: Signals) -> None:
    signal = _signal(here)
    first = await watch.noticed(signal, _playbook(), {})
    assert first is not None
    await here.desk.clear(THE_SYSTEM, here.key(), CaseStep(first.ids["case"]))
    again = await watch.noticed(signal, _playbook(), {})
    assert again is not None and again.outcome.replayed and again.ids["case"] == first.ids["case"]

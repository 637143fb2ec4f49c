"""The honest way to each recognition settles, so that a row of zeros in the list of abuses says something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from casework import tables
from tests.abuse.flows import (
    Issue,
    honest_check,
    honest_course,
    honest_handover,
    honest_handover_by_names,
    honest_issue,
    honest_referral,
    opened,
)
from tests.abuse.ground import TOKENS, Ground
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS: dict[str, Callable[[Ground], Awaitable[object]]] = {
    "service_issue": partial(honest_issue, known=True),
    "operational_check": honest_check,
    "handover": honest_handover,
    "training": honest_course,
    "referral": honest_referral,
}


@pytest.mark.parametrize("kind", sorted(WAYS))
async def test_the_honest_way_settles(at: House, kind: str) -> None:
    g = await opened(at, 900 + sorted(WAYS).index(kind), frozenset())
    await WAYS[kind](g)
    await g.believed()
    assert (await g.settled_tokens(), await g.why()) == ({"staff": TOKENS[kind]}, await g.why())


async def test_a_hand_over_settles_by_a_rota_of_names(at: House) -> None:
    """The same rota before anybody said who is meant: it lacks its reader. Who it is holds for the next verdict."""
    g = await opened(at, 911, frozenset())
    it = await honest_handover_by_names(g)
    rooms = await at.app.state.installation.rooms(g.team.log)
    for member, result in ((None, "insufficient"), (g.who("second"), "pass")):
        body = {"source": "rota", "account": "Jürgen K.", "member": member}
        await g.must("/accounts", "manager", body)
        await g.must(f"/cases/{it.case}/verdicts", "manager", {})
        verdict = (await rooms.rows.find(tables.verdict, order="seq", limit=1))[0]
        assert verdict["result"] == result, verdict["missing"]
    shown = await rooms.rows.open(verdict["input_item"])
    (shift,) = (one["facts"] for one in shown["evidence"] if one["type"] == "system_record")
    assert (shift["source"], shift["fields"]["person"]) == ("rota", g.who("second"))
    await g.believed()
    assert await g.settled_tokens() == {"staff": TOKENS["handover"]}


async def test_what_a_system_says_beside_it_is_read_and_counts_for_nothing(at: House) -> None:
    g = await opened(at, 910, frozenset())
    issue = await (await Issue(g).arises()).worked()
    desk = await g.system("desk")
    await desk.sent({"type": "evidence", "data": {"case": issue.case, "says": "Refunded 12.50 at the desk"}})
    issue = await (await (await issue.asked()).answered()).recorded()
    await issue.finished()
    await g.believed()
    told = await g.case(issue.case)
    (item,) = (one for one in told["evidence"] if one["type"] == "webhook")
    assert item["review"] == "accepted"
    assert item["evidence"] not in [one for verdict in told["verdicts"] for one in verdict["relied_on"]]
    assert await g.settled_tokens() == {"staff": 5}

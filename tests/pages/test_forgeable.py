"""The recognitions that are the easiest to fake: over the API and on its page, for owners and auditors alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.abuse.documents import policy_text
from tests.abuse.flows import honest_check, honest_course, honest_issue, opened
from tests.abuse.ground import Ground
from tests.api.house import house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import words

PATH = "/awards/cheapest-to-forge"


async def listed(g: Ground, query: str = "", role: str = "auditor") -> dict[str, Any]:
    answer = await g.ask("GET", f"{PATH}{query}", role)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def shown(told: dict[str, Any]) -> list[tuple[str, int, int, int | None]]:
    return [
        (one["kind"], one["k_evidence"], one["amount_tokens"], one["needed_today"]) for one in told["items"]
    ]


CHECK, COURSE, ISSUE = ("operational_check", 1, 1, 1), ("training", 1, 5, 1), ("service_issue", 2, 5, 1)


async def test_the_easiest_to_fake_stand_first(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        g = await opened(place, 1, frozenset())
        assert (await listed(g))["items"] == []
        await honest_issue(g, known=True)
        for way in (honest_check, honest_course):
            await way(g)
        await g.believed()
        # 1. Fewest first, then most tokens; who could have done it, by id, and never the guest's name.
        whole = await listed(g)
        assert shown(whole) == [COURSE, CHECK, ISSUE] and whole["next_cursor"] is None
        staff = f"member:{g.who('staff')}"
        sets = [one["witnessing"] for one in whole["items"]]
        assert len(sets[0]) == 1 and sets[1] == [staff] and len(sets[2]) == 2
        assert [one["with_the_yes"] for one in whole["items"]] == [2, 2, 3]
        # 2. Pages and kinds.
        first = await listed(g, "?limit=2")
        rest = await listed(g, f"?limit=2&cursor={first['next_cursor']}")
        assert shown(first) + shown(rest) == shown(whole) and rest["next_cursor"] is None
        assert shown(await listed(g, "?kind=service_issue")) == [ISSUE]
        # 3. Below what is asked today: nothing, until a policy asks for more.
        assert (await listed(g, "?below=true"))["items"] == []
        stricter = policy_text("operational_check").replace("k_evidence_min: 1", "k_evidence_min: 2")
        await g.must("/policies", "owner", {"yaml": stricter.replace("\nversion: 1", "\nversion: 2")})
        assert shown(await listed(g, "?below=true")) == [("operational_check", 1, 1, 2)]
        # 4. The page says the same in words, and only to those who check.
        said = words((await place.see("/record/forgeable", g.team, "auditor")).text)
        assert [word for word in NEVER_SAID if says(said, word)] == []
        assert said.index("A course") < said.rindex("A check in time") < said.rindex("Something put right")
        assert "Staff, who was recognised" in said and "2 people" in said
        assert "today 2 are asked for" in said
        only = words((await place.see("/record/forgeable?below=yes", g.team, "owner")).text)
        assert "1 person" in only and "2 people" not in only
        empty = words((await place.see("/record/forgeable?kind=referral", g.team, "owner")).text)
        assert "No recognition is like that." in empty
        for path in ("/record", "/record/awards"):
            assert "/record/forgeable" in (await place.see(path, g.team, "auditor")).text
            assert "/record/forgeable" not in (await place.see(path, g.team, "manager")).text


@pytest.mark.parametrize("query", ["?kind=No such", "?limit=0", "?cursor=x", "?below=perhaps"])
async def test_other_questions_are_refused(tmp_path: Path, query: str) -> None:
    async with house(tmp_path) as place:
        team = await place.organisation("The Quay")
        answer = await place.ask("GET", f"/api/v1{PATH}{query}", team.keys["auditor"])
        assert answer.status_code in (400, 422), answer.text
        for role in ("manager", "staff", "outsider", "agent"):
            assert (await place.ask("GET", f"/api/v1{PATH}", team.keys[role])).status_code == 403

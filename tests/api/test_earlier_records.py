"""Records that knew the guest before: which are offered, in what order, to whom, and that bringing one counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.abuse.flows import GUEST, Issue, called, opened
from tests.abuse.ground import DAY, Ground
from tests.api.house import House, house

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def offered(g: Ground, case: str, role: str = "staff") -> list[dict[str, Any]]:
    answer = await g.ask("GET", f"/cases/{case}/earlier-records", role)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_what_knew_the_guest_before_is_offered_best_first(tmp_path: Path) -> None:
    async with house(tmp_path) as at:
        g = await opened(at, 1, frozenset())
        status = {"severity": "low", "status": "closed", "opened_at": g.now}
        await g.record("complaint", "c-0", status, subject=GUEST)
        for number in range(1, 4):
            g.at.wait(DAY)
            await g.record("bill", f"b-{number}", {"paid": True}, subject=GUEST)
        await g.record("bill", "b-eve", {"paid": True}, subject="eve@quay.example")
        g.at.wait(DAY)
        issue = await Issue(g).arises()
        await g.record("bill", "b-late", {"paid": True}, subject=GUEST)
        # 1. Of another system than the complaint's first, then the oldest; at most three; nothing since it arose.
        found = await offered(g, issue.case)
        assert [(one["kind"], one["record"], one["source"]) for one in found] == [
            ("bill", f"b-{number}", "till") for number in range(1, 4)
        ]
        assert all(one["since"] < g.now for one in found)
        # 2. What was brought is not offered again; what comes next takes its place.
        await issue.worked()
        await g.post(f"/cases/{issue.case}/evidence/record", "staff", {"kind": "bill", "record": "b-1"})
        found = await offered(g, issue.case)
        assert [one["record"] for one in found] == [
            "b-2",
            "b-3",
        ]  # a complaint shows an address, and no guest
        # 3. Who may not bring evidence is told nothing, nor is another organisation.
        assert (await g.ask("GET", f"/cases/{issue.case}/earlier-records", "auditor")).status_code == 403
        other = await opened(at, 2, frozenset())
        assert (await other.ask("GET", f"/cases/{issue.case}/earlier-records", "owner")).status_code == 404


async def test_a_guest_nobody_knew_and_a_case_without_one_offer_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as at:
        g = await opened(at, 1, frozenset())
        issue = await Issue(g).arises()
        assert await offered(g, issue.case) == []
        told = await g.post("/reports", "staff", {"note": "The lift stops between two floors"})
        assert await offered(g, told["ids"]["case"]) == []


@pytest.mark.parametrize(("known", "named", "k"), [(True, True, 2), (True, False, 1), (False, True, 1)])
async def test_it_takes_one_more_to_fake_who_was_here_before(
    tmp_path: Path, known: bool, named: bool, k: int
) -> None:
    async with house(tmp_path) as at:
        g = await opened(at, 1, frozenset())
        issue = Issue(g)
        if known:
            await issue.of_a_guest_who_was_here()
        issue = await (await (await (await issue.arises()).worked()).asked()).answered()
        await (await issue.recorded(done_by="staff" if named else None)).finished()
        await g.believed()
        (award,) = (await g.case(issue.case))["awards"]
        (verdict,) = [
            one for one in (await g.case(issue.case))["verdicts"] if one["verdict"] == award["verdict"]
        ]
        assert (verdict["k_evidence"], award["k"]) == (k, k + 1)


@pytest.mark.parametrize(("means", "result"), [("staff", "pass"), ("second", "needs_human"), (None, "pass")])
async def test_who_did_it_is_named_as_the_system_names_them(
    tmp_path: Path, means: str | None, result: str
) -> None:
    async with house(tmp_path) as at:
        g = await opened(at, 1, frozenset())
        if means is not None:
            assert "entries" in await called(g, "desk", "Kim", means)
        issue = await (await Issue(g).of_a_guest_who_was_here()).arises()
        issue = await (await (await issue.worked()).asked()).answered()
        await (await issue.recorded(named="Kim")).finished()
        await g.believed()
        told = await g.case(issue.case)
        (verdict,) = told["verdicts"]
        k = {"staff": 2, None: 1}.get(means, verdict["k_evidence"])
        assert (verdict["result"], verdict["k_evidence"]) == (result, k)
        assert bool(told["awards"]) == (result == "pass")


async def test_the_page_offers_it_with_one_tap(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as at:
        g = await opened(at, 1, frozenset())
        issue = await (await (await Issue(g).of_a_guest_who_was_here()).arises()).worked()
        page = (await _see(at, g, f"/exceptions/{issue.case}?do=bring")).text
        assert "Bring bill b-c-1" in page and "They were a guest before" in page
        await issue.shown()
        page = (await _see(at, g, f"/exceptions/{issue.case}?do=bring")).text
        assert "They were a guest before" not in page


async def _see(at: House, g: Ground, path: str) -> Any:
    return await at.see(path, g.team, "staff")

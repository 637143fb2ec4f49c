"""Decisions: who is asked what, a yes that binds to what was shown, a no with a reason, and what is sent twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.house import House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words


async def with_matter(place: House) -> tuple[Team, str]:
    """An organisation in which a manager may decide, and one suggestion by staff that waits for that."""
    team = await place.organisation("The Quay")
    owner, staff = team.keys["owner"], team.keys["staff"]
    power = {"member": team.members["manager"], "about": "action", "assurance_min": "session"}
    await place.done("/api/v1/authorities", owner, power)
    case = (await place.done("/api/v1/reports", staff, {"note": "The <b>lift</b> stops between floors"}))[
        "ids"
    ]["case"]
    await place.done(
        f"/api/v1/cases/{case}/proposals", staff, {"action": "call_the_engineer", "text": "Call Otto"}
    )
    return team, case


async def test_a_manager_sees_the_matter_and_staff_has_no_such_page(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_matter(place)
        page = await place.see("/decisions", team, "manager")
        assert page.status_code == 200
        said = words(page.text)
        assert "1 thing needs your decision" in said
        assert "The <b>lift</b> stops between floors" in said, "what somebody typed is shown, not obeyed"
        assert (
            "Suggested by Staff" in said
            and "Call the engineer" in said
            and "Approve: call the engineer" in said
        )
        assert f"/exceptions/{case}" in page.text
        assert [word for word in NEVER_SAID if says(said, word)] == []
        empty = words((await place.see("/decisions", team, "outsider")).text)
        assert "Nothing needs you." in empty


async def test_a_yes_is_recorded_once_however_often_it_is_sent(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_matter(place)
        sent = form((await place.see("/decisions", team, "manager")).text, f"/exceptions/{case}/decide")
        first = await place.send(sent.action, team, "manager", {**sent.fields, "verb": "approved"})
        assert first.status_code == 303 and first.headers["location"].startswith("/decisions?said=approved")
        again = await place.send(sent.action, team, "manager", {**sent.fields, "verb": "approved"})
        assert again.headers["location"] == first.headers["location"]
        told = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()
        (decision,) = told["decisions"]
        assert (decision["verb"], decision["assurance"]) == ("approved", "session")
        after = await place.see(first.headers["location"], team, "manager")
        assert "Approved. It is passed on in 10 seconds." in words(after.text)
        taken_back = form(after.text, "/undo")
        undone = await place.send(taken_back.action, team, "manager", taken_back.fields)
        assert undone.headers["location"] == f"/decisions?said=undone&open={case}"
        assert "1 thing needs your decision" in words((await place.see("/decisions", team, "manager")).text)


async def test_a_yes_to_what_has_changed_is_refused_and_shows_how_it_stands(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_matter(place)
        sent = form((await place.see("/decisions", team, "manager")).text, f"/exceptions/{case}/decide")
        other = {"action": "close_the_lift", "text": "Close it until Monday"}
        await place.done(f"/api/v1/cases/{case}/proposals", team.keys["staff"], other)
        answer = await place.send(sent.action, team, "manager", {**sent.fields, "verb": "approved"})
        said = words(answer.text)
        assert answer.status_code == 409
        assert "This changed while you were reading." in said and "Close the lift" in said
        told = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()
        assert told["decisions"] == []


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"verb": "declined", "reason_code": "too_costly"}, 303, ""),
        ({"verb": "declined"}, 422, "A no needs a reason."),
        ({"verb": "declined", "reason_code": "made_up"}, 422, "Choose one of the reasons."),
        ({"verb": "maybe"}, 422, "Something in this form is not as expected"),
        ({"verb": "approved", "token": "AAAA.BBBB"}, 403, "This was not made here"),
        ({"verb": "approved", "token": ""}, 422, "nothing was changed"),
        ({"verb": ""}, 422, "nothing was changed"),
    ],
)
async def test_answers_that_are_not_as_expected(
    tmp_path: Path, change: dict[str, Any], status: int, sentence: str
) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_matter(place)
        sent = form((await place.see("/decisions", team, "manager")).text, f"/exceptions/{case}/decide")
        answer = await place.send(sent.action, team, "manager", {**sent.fields, **change})
        assert answer.status_code == status
        assert sentence in words(answer.text) if sentence else answer.headers["location"]


async def test_the_maker_of_a_suggestion_is_not_asked_and_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_matter(place)
        owner = team.keys["owner"]
        await place.done("/api/v1/authorities", owner, {"member": team.members["staff"], "about": "action"})
        assert "Nothing needs you." in words((await place.see("/decisions", team, "staff")).text)
        sent = form((await place.see("/decisions", team, "manager")).text, f"/exceptions/{case}/decide")
        card = await place.ask("GET", f"/api/v1/cases/{case}/card?about=action", team.keys["staff"])
        data = {**sent.fields, "token": card.json()["token"], "verb": "approved"}
        answer = await place.send(sent.action, team, "staff", data)
        assert answer.status_code == 403
        assert "You suggested this, so somebody else decides." in words(answer.text)


async def test_a_form_from_another_site_or_without_a_session_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_matter(place)
        sent = form((await place.see("/decisions", team, "manager")).text, f"/exceptions/{case}/decide")
        data = {**sent.fields, "verb": "approved"}
        crossed = await place.send(sent.action, team, "manager", data, **{"Sec-Fetch-Site": "cross-site"})
        assert crossed.status_code == 403
        stranger = await place.client.post(
            sent.action, data=data, headers={"Referer": "http://localhost/decisions"}
        )
        assert (stranger.status_code, stranger.headers["location"]) == (303, "/sign-in?next=/decisions")
        told = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()
        assert told["decisions"] == []


async def test_an_answer_that_comes_second_hears_who_was_first(tmp_path: Path) -> None:
    """Two windows on one card: the second yes is told who said it before, and changes nothing."""
    async with house(tmp_path, pages=True) as place:
        team, case = await with_matter(place)
        sent = form((await place.see("/decisions", team, "manager")).text, f"/exceptions/{case}/decide")
        again = form((await place.see("/decisions", team, "manager")).text, f"/exceptions/{case}/decide")
        done = await place.send(sent.action, team, "manager", {**sent.fields, "verb": "approved"})
        assert done.status_code == 303
        late = await place.send(again.action, team, "manager", {**again.fields, "verb": "approved"})
        assert late.status_code == 409
        assert "Manager approved this: 10:00." in words(late.text)
        assert "needs no answer any more; yours changed nothing." in words(late.text)

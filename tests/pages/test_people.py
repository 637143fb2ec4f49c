"""People: who sees and invites whom, slips shown once, a list mended row by row, leaving; joining by its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.api.house import house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words, wrong_at


@pytest.mark.parametrize(
    ("role", "status"),
    [("owner", 200), ("manager", 200), ("auditor", 200), ("staff", 403), ("outsider", 403)],
)
async def test_people_is_for_leads_and_auditors(tmp_path: Path, role: str, status: int) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        page = await place.see("/people", team, role)
        assert page.status_code == status
        said = words(page.text)
        assert [word for word in NEVER_SAID if says(said, word)] == []
        assert ('action="/people/invite"' in page.text) == (role in ("owner", "manager"))


async def test_a_slip_is_shown_once_and_lets_somebody_join_once(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        sent = form((await place.see("/people", team, "manager")).text, "/people/invite").fields
        sent |= {"name": "Zoë Winter"}
        first = await place.send("/people/invite", team, "manager", sent)
        link = re.search(r"/join/[0-9a-f]{64}", first.text)
        assert first.status_code == 200 and link is not None
        again = await place.send("/people/invite", team, "manager", sent)
        assert "/join/" not in again.text and "shown before" in words(again.text)
        joined = {"name": "zoe", "pin": "482913"}
        wrong = await place.client.post(link[0], data=joined | {"pin": "111111"})
        assert wrong.status_code == 422 and "neither a sequence nor a repetition" in words(wrong.text)
        assert "111111" not in wrong.text and 'value="zoe"' in wrong.text
        done = await place.client.post(link[0], data=joined)
        assert (done.status_code, done.headers["location"]) == (303, "/my-work")
        assert "__Host-session=" in done.headers["set-cookie"]
        assert (await place.client.get(link[0])).status_code == 404


async def test_a_manager_invites_staff_only(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        sent = {"key": "1" * 32, "name": "Zoë", "role": "owner"}
        assert (await place.send("/people/invite", team, "manager", sent)).status_code == 422


async def test_a_list_is_mended_row_by_row_and_nothing_is_lost(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        listed = "name,role\nAna Beltran,staff\nBen,cook\n"
        page = await place.send("/people/import", team, "owner", {"key": "2" * 32, "csv": listed})
        assert page.status_code == 422
        assert "Row 3, role: expected" in page.text and "Ben,cook" in page.text
        mended = {"key": "3" * 32, "csv": listed.replace("cook", "staff")}
        assert (await place.send("/people/import", team, "owner", mended)).text.count("/join/") == 2


async def test_whoever_leaves_is_signed_out_and_an_owner_alone_says_so(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        path = f"/people/{team.members['staff']}"
        await place.see("/my-work", team, "staff")
        sent = {"key": "4" * 32, "reason_code": "left", "successor": ""}
        assert (await place.send(f"{path}/leave", team, "manager", sent)).status_code == 403
        assert (await place.send(f"{path}/leave", team, "owner", sent)).status_code == 303
        assert (await place.see("/my-work", team, "staff")).headers["location"].startswith("/sign-in")
        assert "This person has left." in words((await place.see(path, team, "owner")).text)


async def test_a_look_at_a_page_is_told_to_the_person(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await place.see(f"/people/{team.members['staff']}", team, "owner")
        assert "Ada (Owner) looked at your page" in words((await place.see("/me", team, "staff")).text)


async def test_away_lends_and_ends(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        path = f"/people/{team.members['manager']}"
        sent = {"key": "5" * 32, "stand_in": team.members["owner"], "until": "2026-11-30", "limit": "150"}
        assert (await place.send(f"{path}/away", team, "owner", sent)).status_code == 303
        page = (await place.see(path, team, "owner")).text
        assert "Ada stands in for Manager until 30 Nov, up to €150" in words(page)
        action = re.search(r"/people/[0-9a-f-]+/away/[0-9a-f-]+/end", page)
        assert action is not None
        assert (await place.send(action[0], team, "owner", {"key": "6" * 32})).status_code == 303
        assert "Ada stands in" not in words((await place.see(path, team, "owner")).text)


async def test_a_stand_in_may_thank_without_tokens_and_a_wrong_field_is_named(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await place.done(
            "/api/v1/authorities", team.keys["owner"], {"member": team.members["manager"], "about": "award"}
        )
        path = f"/people/{team.members['manager']}"
        sent = {"key": "5" * 32, "stand_in": team.members["owner"], "until": "2026-11-30", "tokens": "0"}
        for wrong in ("--5", "²", "5.5", "9" * 19):
            answer = await place.send(f"{path}/away", team, "owner", {**sent, "tokens": wrong})
            said = "A whole number from 0 to 1,000,000, or nothing."
            assert answer.status_code == 422 and wrong_at(answer.text, "a-tokens") == said, wrong
        assert (await place.send(f"{path}/away", team, "owner", sent)).status_code == 303
        said = words((await place.see(path, team, "owner")).text)
        assert "Ada stands in for Manager until 30 Nov, thanks without tokens" in said
        (row,) = (await place.ask("GET", "/api/v1/away", team.keys["owner"])).json()["items"]
        assert row["tokens_max"] == 0


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("until", "2020-01-01", "A day after it begins, and at most a year later."),
        ("until", "2039-01-01", "A day after it begins, and at most a year later."),
        ("until", "", "A day after it begins, and at most a year later."),
        ("since", "tomorrow", "A day, or nothing."),
        ("stand_in", "", "Somebody else who works here."),
        ("stand_in", "nobody", "Somebody else who works here."),
        ("limit", "-5", "A whole number from 0 to 1,000,000, or nothing."),
        ("tokens", "--5", "A whole number from 0 to 1,000,000, or nothing."),
    ],
)
async def test_a_refused_away_says_it_at_its_field_and_keeps_the_rest(
    tmp_path: Path, field: str, value: str, said: str
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        path = f"/people/{team.members['manager']}/away"
        typed = {
            "key": "5" * 32,
            "stand_in": team.members["outsider"],
            "until": "2026-11-30",
            "limit": "77",
            "tokens": "3",
        }
        for sent in (typed | {field: value}, typed | {field: value, "from": "me"}):
            answer = await place.send(path, team, "manager", sent)
            assert answer.status_code == 422 and wrong_at(answer.text, f"a-{field}") == said
            assert words(answer.text).count("Nothing was changed") == 1
            shown = form(answer.text, path).fields
            kept = {name for name in ("stand_in", "until", "limit", "tokens") if name != field}
            assert {name: shown[name] for name in kept} == {name: typed[name] for name in kept}


async def test_a_second_stand_in_at_one_time_is_refused_at_the_day_it_begins(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        path = f"/people/{team.members['manager']}/away"
        sent = {"stand_in": team.members["owner"], "until": "2026-11-30"}
        assert (await place.send(path, team, "owner", sent | {"key": "5" * 32})).status_code == 303
        answer = await place.send(path, team, "owner", sent | {"key": "6" * 32})
        assert wrong_at(answer.text, "a-since").startswith("Somebody stands in at that time already.")


async def test_a_refused_away_shows_staff_no_page_of_somebody_else(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        path = f"/people/{team.members['manager']}/away"
        for until in ("2026-11-30", "2020-01-01", "soon"):
            sent = {"key": "5" * 32, "stand_in": team.members["owner"], "until": until}
            answer = await place.send(path, team, "staff", sent)
            assert answer.status_code in (403, 422) and "May decide" not in words(answer.text), until


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("amount_tokens", "0", "A whole number from 1 to 1,000,000."),
        ("amount_tokens", "", "A whole number from 1 to 1,000,000."),
        ("amount_tokens", "²", "A whole number from 1 to 1,000,000."),
        ("purpose", "", "A few words, at most 200 characters."),
        ("purpose", "x" * 201, "A few words, at most 200 characters."),
    ],
)
async def test_a_refused_budget_says_it_at_its_field_and_keeps_the_rest(
    tmp_path: Path, field: str, value: str, said: str
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        typed = {"purpose": "Put right", "amount_tokens": "70"}
        answer = await place.send("/budgets", team, "owner", {"key": "5" * 32, **typed, field: value})
        assert answer.status_code == 422 and wrong_at(answer.text, field) == said
        shown = form(answer.text, "/budgets").fields
        assert {name: shown[name] for name in typed} == typed | {field: value}
        assert (await place.ask("GET", "/api/v1/budgets", team.keys["owner"])).json()["items"] == []


async def test_a_refused_change_of_sign_in_keeps_the_name_and_says_one_thing_once(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        sent = form((await place.see("/me", team, "staff")).text, "/me/sign-in")
        typed = {**sent.fields, "name": "new.name", "password": "a long and good one", "again": "another"}
        answer = await place.send(sent.action, team, "staff", typed)
        page = words(answer.text)
        assert answer.status_code == 422 and 'value="new.name"' in answer.text
        assert page.count("The two are not the same.") == 1 and "Nothing was changed: one field" in page
        assert "a long and good one" not in answer.text
        done = await place.send(sent.action, team, "staff", {**typed, "again": typed["password"]})
        assert done.headers["location"] == "/me?said=sign-in"

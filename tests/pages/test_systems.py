"""Systems that send by themselves, on their page: a secret shown once, another one, an end; and keys of files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.api.house import START, House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words
from tests.pages.test_watch import with_quotes
from tests.senders import Sender, record

PAGE = "/sources/systems"
SECRET = re.compile(r'id="secret">([^<]+)<')
ADDRESS = re.compile(r'id="address">([^<]+)<')


def sender_of(place: House, html: str) -> Sender:
    """Return the system that somebody gives what the page shows."""
    secret, address = SECRET.search(html), ADDRESS.search(html)
    assert secret is not None and address is not None
    return Sender(place, "/" + address[1].split("/", 3)[3], secret[1])


async def seen(place: House, team: Team, role: str = "owner") -> str:
    """Return the page."""
    answer = await place.see(PAGE, team, role)
    assert answer.status_code == 200
    assert [word for word in NEVER_SAID if says(words(answer.text), word)] == []
    return answer.text


async def test_a_secret_is_shown_once(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        empty = await seen(place, team)
        assert "No system sends by itself." in words(empty)
        asked = form(empty, PAGE)
        given = {**asked.fields, "label": "The till"}
        first = await place.send(asked.action, team, "owner", given)
        assert first.status_code == 200 and "Copy the secret now" in words(first.text)
        assert first.headers["cache-control"] == "no-store"
        system = sender_of(place, first.text)
        again = await place.send(asked.action, team, "owner", given)  # the page was loaded again
        assert "The secret was shown already" in words(again.text) and system.secret not in again.text
        listed = await seen(place, team)
        assert system.secret not in listed and "The till" in words(listed) and "never" in words(listed)
        call = record("quote", "q-1", START, {})
        answer = await system.send(call)
        assert answer.status_code == 200, answer.text
        assert "1 in all" in words(await seen(place, team))
        # another secret, the first is good for another day
        second = form(await seen(place, team), "/secret")
        told = await place.send(second.action, team, "owner", second.fields)
        assert "2 secrets are good" in words(told.text)
        other = sender_of(place, told.text)
        for one in (system, other):
            one.count += 10
            assert (await one.send(call, f"again-{one.count}-{one.secret[-6:-1]}")).status_code == 200
        end = form(await seen(place, team), "/end")
        ended = await place.send(end.action, team, "owner", end.fields)
        assert ended.status_code == 303
        gone = await place.see(ended.headers["location"], team, "owner")
        assert "Ended. Nothing comes from there any more." in words(gone.text)
        assert (await other.send(call)).status_code == 404


async def test_a_manager_looks_and_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        html = await seen(place, team, "manager")
        assert "<form" not in html.partition("<main")[2].partition("</main>")[0]
        refused = await place.send(PAGE, team, "manager", {"source": "crm", "scheme": "standard"})
        assert refused.status_code == 403
        assert (await place.see(PAGE, team, "staff")).status_code == 403


@pytest.mark.parametrize(("public", "status"), [("A" * 43, 303), ("A" * 42, 422), ("", 422)])
async def test_a_key_of_files(tmp_path: Path, public: str, status: int) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        asked = form(await seen(place, team), "/sources/keys")
        answer = await place.send(asked.action, team, "owner", {**asked.fields, "public": public})
        assert answer.status_code == status, answer.text
        if status == 303:
            end = form(await seen(place, team), "/sources/keys/end")
            assert (await place.send(end.action, team, "owner", end.fields)).status_code == 303
            assert "Count its files no more" not in words(await seen(place, team))

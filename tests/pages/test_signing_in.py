"""Signing in with a name and a password, coming back to where one was, and going out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.requests import Request

from api.pages.doors import local
from api.passwords import Passwords
from api.problems import TooManyTries
from api.tries import Tries
from ledger.changes import Insert
from ledger.commands import Command, Decided
from ledger.entries import Actor
from tests.api.house import House, Team, house
from tests.pages.reading import words

PASSWORD = "seven small boats"


async def with_password(place: House, team: Team, role: str, name: str) -> None:
    """Give somebody a way to sign in, as an invitation does."""
    installation = place.app.state.installation
    installation.passwords = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
    row = {
        "member": team.members[role],
        "name": name,
        "pin_hash": None,
        "changed_at": "2026-11-20T10:00:00.000Z",
    }
    row["password_hash"] = await installation.passwords.hash(PASSWORD)
    actor = Actor(team.members[role], role, "web")
    rule = lambda view, command, at: Decided((), (Insert("sign_in", command.data),))  # noqa: E731
    await installation.writer.submit(Command(team.log, actor, f"give {name}", "0" * 64, (), rule, row))


async def sign_in(place: House, **data: str) -> httpx.Response:
    return await place.client.post("/sign-in", data=data, headers={"Sec-Fetch-Site": "same-origin"})


async def test_name_and_password_open_a_session_and_lead_back(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await with_password(place, team, "manager", "ana")
        sent = await place.client.get("/decisions?open=1")
        assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/decisions")
        assert 'value="/decisions"' in (await place.client.get("/sign-in?next=/decisions")).text
        answer = await sign_in(place, name=" Ana ", password=PASSWORD, next="/decisions")
        assert (answer.status_code, answer.headers["location"]) == (303, "/decisions")
        cookie = answer.headers["set-cookie"]
        for part in ("__Host-session=", "HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=43200"):
            assert part in cookie
        assert "Domain" not in cookie
        token = cookie.partition("=")[2].partition(";")[0]
        headers = {"Cookie": f"__Host-session={token}", "Sec-Fetch-Site": "same-origin"}
        assert (await place.client.get("/decisions", headers=headers)).status_code == 200
        out = await place.client.post("/sign-out", data={"x": "y"}, headers=headers)
        assert "Max-Age=0" in out.headers["set-cookie"]
        assert (await place.client.get("/decisions", headers=headers)).status_code == 303


async def test_a_name_has_a_hundred_tries_an_hour_from_wherever() -> None:
    tries = Tries()
    for number in range(100):
        await tries.need_for(_from(f"203.0.113.{number % 50}"), "name", "ana")
    with pytest.raises(TooManyTries):
        await tries.need_for(_from("198.51.100.1"), "name", "ana")
    await tries.need_for(_from("198.51.100.1"), "name", "ben")


def _from(address: str) -> Request:
    return Request({"type": "http", "client": (address, 1), "headers": []})


@pytest.mark.parametrize(
    "data",
    [
        {"name": "ana", "password": PASSWORD + " "},
        {"name": "ana", "password": ""},
        {"name": "nobody", "password": PASSWORD},
        {"name": "", "password": ""},
    ],
)
async def test_a_wrong_name_reads_like_a_wrong_password(tmp_path: Path, data: dict[str, str]) -> None:
    async with house(tmp_path, pages=True) as place:
        await with_password(place, await place.organisation("The Quay"), "manager", "ana")
        answer = await sign_in(place, **data)
        assert answer.status_code == 403
        assert "That name and password do not belong together." in words(answer.text)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("meanwhile", ["before", "checking"])
async def test_a_password_replaced_while_it_was_checked_opens_nothing(
    tmp_path: Path, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knows the old password tries it at the very moment at which its holder comes in by a new invite."""
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await with_password(place, team, "manager", "ana")
        asked = {"member": team.members["manager"]}
        token = (await place.done("/api/v1/invites", team.keys["owner"], asked))["token"]
        check = Passwords.check

        async def use_the_invite() -> None:
            body = {"name": "ana", "password": "nine green bottles"}
            assert (await place.client.post(f"/api/v1/invites/{token}", json=body)).status_code == 201

        async def slowly(self: Passwords, typed: str, hashed: str | None) -> bool:
            right = await check(self, typed, hashed)
            await use_the_invite()
            return right

        if meanwhile == "checking":
            monkeypatch.setattr(Passwords, "check", slowly)
        else:
            assert (await sign_in(place, name="ana", password=PASSWORD)).status_code == 303
            await use_the_invite()
        answer = await sign_in(place, name="ana", password=PASSWORD)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        installation = place.app.state.installation
        rows = (await installation.rooms(team.log)).rows
        assert await installation.sessions.of(rows, team.members["manager"]) == []


async def test_a_session_that_ends_while_it_is_noted_as_used_is_no_error_of_ours(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        sessions = place.app.state.installation.sessions
        place.wait(3_600)
        await sessions.seen(team.log, team.members["staff"], "gone", "2026-11-20T10:00:00.000Z")


async def test_somebody_who_left_cannot_sign_in(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await with_password(place, team, "manager", "ana")
        gone = f"/api/v1/members/{team.members['manager']}/leave"
        await place.done(gone, team.keys["owner"], {"reason_code": "left"})
        assert (await sign_in(place, name="ana", password=PASSWORD)).status_code == 403


async def test_tries_are_counted_per_name_and_address(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await with_password(place, team, "manager", "ana")
        answers = [(await sign_in(place, name="ana", password="wrong")).status_code for _ in range(11)]
        assert answers == [403] * 10 + [429]
        late = await sign_in(place, name="ANA", password=PASSWORD)
        assert late.status_code == 429 and "Too many tries." in words(late.text)
        elsewhere = httpx.ASGITransport(
            place.app, client=("203.0.113.9", 1)
        )  # they do not lock ana out at home
        async with httpx.AsyncClient(transport=elsewhere, base_url="http://localhost") as client:
            home = replace(place, client=client)
            assert (await sign_in(home, name="ana", password=PASSWORD)).status_code == 303


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        ("/decisions", "/decisions"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/sign-in", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_only_pages_of_ours_are_gone_back_to(given: str, goes: str) -> None:
    assert local(given) == goes

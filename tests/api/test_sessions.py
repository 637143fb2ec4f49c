"""Sessions of the pages: who is in, for how long, and how fast somebody is out."""

from __future__ import annotations

from pathlib import Path

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from api.origins import refused_origin
from api.passwords import Passwords
from api.sessions import COOKIE, SESSIONS_MAX, Sessions
from tests.api.house import House, Team, house

HOUR = 3_600


def _sessions(place: House) -> Sessions:
    found: Sessions = place.app.state.installation.sessions
    return found


async def _open(place: House, team: Team, role: str, browser: str = "Firefox") -> str:
    rooms = await place.app.state.installation.rooms(team.log)
    return await _sessions(place).open(rooms.rows, team.members[role], "password", browser)


async def _me(place: House, token: str) -> int:
    headers = {"Cookie": f"{COOKIE}={token}"}
    return (await place.client.get("/api/v1/me", headers=headers)).status_code


async def test_a_session_lasts_a_shift_and_only_its_digest_is_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        team = await place.organisation("One")
        token = await _open(place, team, "staff")
        assert await _me(place, token) == 200
        assert await _me(place, token[:-1] + ("0" if token[-1] != "0" else "1")) == 401
        rooms = await place.app.state.installation.rooms(team.log)
        (row,) = await _sessions(place).of(rooms.rows, team.members["staff"])
        assert token not in str(dict(row))
        place.wait(12 * HOUR - 1)
        assert await _me(place, token) == 200
        place.wait(1)
        assert await _me(place, token) == 401


async def test_a_member_who_left_is_out_at_once_and_a_role_that_ended_is_gone(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        team = await place.organisation("One")
        token = await _open(place, team, "manager")
        headers = {"Cookie": f"{COOKIE}={token}"}
        assert (await place.client.get("/api/v1/members", headers=headers)).status_code == 200
        owner = team.keys["owner"]
        gone = f"/api/v1/members/{team.members['manager']}"
        await place.done(f"{gone}/roles", owner, {"role": "staff"})
        await place.done(f"{gone}/roles/manager/end", owner)
        assert (await place.client.get("/api/v1/members", headers=headers)).status_code == 403
        await place.done(f"{gone}/leave", owner, {"reason_code": "left"})
        assert await _me(place, token) == 401


async def test_sessions_are_listed_and_ended_one_by_one(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        team = await place.organisation("One")
        member = team.members["staff"]
        rows = (await place.app.state.installation.rooms(team.log)).rows
        phone, tablet = (
            await _open(place, team, "staff", "Phone"),
            await _open(place, team, "staff", "Tablet"),
        )
        listed = {row["browser"]: row["session"] for row in await _sessions(place).of(rows, member)}
        assert set(listed) == {"Phone", "Tablet"}
        assert not await _sessions(place).end(rows, team.members["owner"], listed["Phone"])
        assert await _sessions(place).end(rows, member, listed["Phone"])
        assert (await _me(place, phone), await _me(place, tablet)) == (401, 200)
        assert await _sessions(place).end_all(rows, member) == 1
        assert await _me(place, tablet) == 401


async def test_the_oldest_session_ends_when_there_are_too_many(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        team = await place.organisation("One")
        tokens = []
        for _ in range(SESSIONS_MAX + 1):
            tokens.append(await _open(place, team, "staff"))
            place.wait(1)
        assert [await _me(place, token) for token in (tokens[0], tokens[1], tokens[-1])] == [401, 200, 200]


async def test_a_session_is_not_asked_for_where_a_key_is_given(tmp_path: Path) -> None:
    """A wrong key beside a good cookie is refused: what is asked for is what counts."""
    async with house(tmp_path) as place:
        team = await place.organisation("One")
        token = await _open(place, team, "staff")
        headers = {"Cookie": f"{COOKIE}={token}", "Authorization": "Bearer tsk_wrong"}
        assert (await place.client.get("/api/v1/me", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "none"}, True),
        ("POST", {"sec-fetch-site": "same-site"}, False),
        ("POST", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "cross-site", "authorization": "Bearer x"}, True),
        ("POST", {"sec-fetch-site": "cross-site", "authorization": "Bearer x", "cookie": "a=b"}, False),
        ("POST", {"origin": "https://tally.example", "host": "tally.example"}, True),
        ("POST", {"origin": "https://TALLY.example", "host": "tally.example"}, True),
        ("POST", {"origin": "https://evil.example", "host": "tally.example"}, False),
        ("POST", {"origin": "null", "host": "tally.example"}, False),
        ("POST", {"origin": "https://[", "host": "tally.example"}, False),
        ("DELETE", {"origin": "https://evil.example", "host": "tally.example"}, False),
        ("POST", {"host": "tally.example"}, True),
    ],
)
def test_a_change_from_another_site_is_refused(method: str, headers: dict[str, str], passes: bool) -> None:
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert (refused_origin(method, given) is None) is passes


async def test_another_site_cannot_change_anything_through_a_signed_in_browser(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        team = await place.organisation("One")
        token = await _open(place, team, "staff")
        headers = {"Cookie": f"{COOKIE}={token}", "Sec-Fetch-Site": "cross-site"}
        answer = await place.client.post("/api/v1/reports", json={"note": "forged"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
        assert "content-security-policy" in answer.headers
        headers["Sec-Fetch-Site"] = "same-origin"
        answer = await place.client.post("/api/v1/reports", json={"note": "mine"}, headers=headers)
        assert answer.status_code == 201


async def test_a_password_is_checked_slowly_and_nobodys_takes_as_long() -> None:
    passwords = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
    hashed = await passwords.hash("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert await passwords.check("correct horse battery", hashed)
    assert not await passwords.check("correct horse batterz", hashed)
    assert not await passwords.check("nobody's", None)
    ligature, plain = "ﬁre and smoke", "fire and smoke"
    assert await passwords.check(ligature, await passwords.hash(plain))

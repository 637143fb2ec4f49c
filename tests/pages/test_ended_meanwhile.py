"""What somebody came in by ends while their request is under way: past the door, before the writer takes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from api.auditing import audit_database, vault_of
from api.sessions import COOKIE, Sessions
from api.watching import Watching
from casework.intake import Intake
from casework.requests import Principal
from ledger.commands import Command, Outcome
from ledger.store.tables import entry
from ledger.writer import Writer
from tests.api.house import House, Team, house
from tests.api.test_path import KINDS, record
from tests.pages.test_signing_in import PASSWORD, sign_in, with_password

OTHER = "nine green bottles"
Meanwhile = Callable[[], Awaitable[None]]


def in_between(monkeypatch: pytest.MonkeyPatch, happens: Meanwhile) -> None:
    """Let something happen once, just before the writer takes a request of somebody who came in by a way that ends."""
    submit, waits = Intake.submit, [True]

    async def late(self: Intake, who: Principal, *given: Any, **more: Any) -> Any:
        if waits and who.way is not None:
            waits.clear()
            await happens()
        return await submit(self, who, *given, **more)

    monkeypatch.setattr(Intake, "submit", late)


async def invited(place: House, team: Team, role: str) -> str:
    asked = {"member": team.members[role]}
    return str((await place.done("/api/v1/invites", team.keys["owner"], asked))["token"])


async def come_in(place: House, token: str, name: str = "ana") -> None:
    done = await place.client.post(f"/api/v1/invites/{token}", json={"name": name, "password": OTHER})
    assert done.status_code == 201


async def size_of(place: House, team: Team) -> int:
    rooms = await place.app.state.installation.rooms(team.log)
    size: int = (await rooms.rows.head())[0]
    return size


WAYS_IN = [
    ("/api/v1/me/sign-in", {"password": "ten tall towers", "current": PASSWORD}),
    ("/api/v1/keys", {"member": "manager"}),
    ("/api/v1/invites", {"name": "Neo", "roles": ["staff"]}),
]


@pytest.mark.parametrize(("path", "body"), WAYS_IN)
@pytest.mark.parametrize("meanwhile", ["an invite is used", "the password is changed"])
async def test_what_a_session_was_about_to_do_when_it_ended_is_not_done(
    tmp_path: Path, path: str, body: dict[str, object], meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thief's request passed the door; before the writer takes it the holder ends every other session."""
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await place.done(
            f"/api/v1/members/{team.members['manager']}/roles", team.keys["owner"], {"role": "owner"}
        )
        await with_password(place, team, "manager", "ana")
        cookies = []
        for _ in range(2):
            came = await sign_in(place, name="ana", password=PASSWORD)
            cookies.append(came.headers["set-cookie"].partition(";")[0])
        theirs, mine = ({"Cookie": one, "Sec-Fetch-Site": "same-origin"} for one in cookies)
        token = await invited(place, team, "manager")

        async def happens() -> None:
            if meanwhile == "an invite is used":
                await come_in(place, token)
                return
            changed = {"password": OTHER, "current": PASSWORD}
            done = await place.client.post("/api/v1/me/sign-in", json=changed, headers=mine)
            assert done.status_code == 200

        in_between(monkeypatch, happens)
        sent = {
            name: team.members["manager"] if value == "manager" else value for name, value in body.items()
        }
        answer = await place.client.post(path, json=sent, headers=theirs)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
        assert (await sign_in(place, name="ana", password=OTHER)).status_code == 303


@pytest.mark.parametrize("ended", ["by an owner", "by a new invite"])
async def test_what_a_key_was_about_to_do_when_it_ended_is_not_done(
    tmp_path: Path, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        second = {"name": "Olga", "roles": ["owner"]}
        olga = (await place.done("/api/v1/members", team.keys["owner"], second))["ids"]["member"]
        key = await place.done("/api/v1/keys", team.keys["owner"], {"member": olga})
        team.members["olga"] = olga
        token = await invited(place, team, "olga")
        sizes = []

        async def happens() -> None:
            if ended == "by an owner":
                await place.done(f"/api/v1/keys/{key['ids']['key']}/end", team.keys["owner"])
            else:
                await come_in(place, token, "olga")
            sizes.append(await size_of(place, team))

        in_between(monkeypatch, happens)
        answer = await place.ask("POST", "/api/v1/keys", key["secret"], json={"member": olga})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
        assert sizes == [await size_of(place, team)]


@pytest.mark.parametrize("ended", ["the device", "the PIN", "another act", "nothing"])
async def test_what_an_act_was_about_to_do_when_it_ended_is_not_done(
    tmp_path: Path, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        cookie = (await place.cookie(team, "staff"))["Cookie"]
        await place.done("/api/v1/me/sign-in", cookie, {"name": "stan", "pin": "246813"})
        device = await place.done("/api/v1/devices", team.keys["owner"], {"label": "The pass"})
        asked = {"member": team.members["staff"], "pin": "246813"}
        shown = {"X-Device-Token": device["token"]}
        granted = (await place.client.post("/api/v1/devices/acts", json=asked, headers=shown)).json()

        async def happens() -> None:
            if ended == "the device":
                await place.done(f"/api/v1/devices/{device['ids']['device']}/end", team.keys["owner"])
            elif ended == "the PIN":
                path = f"/api/v1/members/{team.members['staff']}/pin"
                await place.done(path, team.keys["owner"], {"pin": "135790"})
            elif ended == "another act":
                again = await place.client.post("/api/v1/devices/acts", json=asked, headers=shown)
                assert again.status_code == 201

        in_between(monkeypatch, happens)
        answer = await place.ask("POST", "/api/v1/reports", granted["token"], json={"note": "It is warm"})
        assert answer.status_code == (201 if ended == "nothing" else 401), answer.text


@pytest.mark.parametrize("meanwhile", ["the key ends", "they leave", "nothing"])
async def test_records_of_a_key_that_ended_are_not_taken_in(
    tmp_path: Path, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import waits its turn; what it is by may have ended by then, and the audit would blame the entry."""
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        owner = team.keys["owner"]
        await place.done("/api/v1/kinds", owner, {"yaml": KINDS})
        await place.done("/api/v1/sources", owner, {"source": "desk", "kinds": ["complaint"]})
        second = {"name": "Olga", "roles": ["owner"]}
        olga = (await place.done("/api/v1/members", owner, second))["ids"]["member"]
        key = await place.done("/api/v1/keys", owner, {"member": olga})
        take_in = Watching._take_in

        async def late(self: Watching, *given: Any, **more: Any) -> None:
            if meanwhile == "the key ends":
                await place.done(f"/api/v1/keys/{key['ids']['key']}/end", owner)
            elif meanwhile == "they leave":
                await place.done(f"/api/v1/members/{olga}/leave", owner, {"reason_code": "left"})
            await take_in(self, *given, **more)

        monkeypatch.setattr(Watching, "_take_in", late)
        sent = {"records": [record("c-1", "open", "2026-11-20T09:00:00Z")]}
        path = "/api/v1/sources/desk/records:batch"
        answer = await place.ask("POST", path, key["secret"], json=sent)
        assert answer.status_code == (201 if meanwhile == "nothing" else 401), answer.text
        rooms = await place.app.state.installation.rooms(team.log)
        found = await rooms.rows.find(entry, {"kind": "records_imported"})
        assert len(found) == (meanwhile == "nothing")
        installation = place.app.state.installation
        told = await audit_database(rooms.reader, vault_of(installation.settings, team.log), None, ())
        assert told.earned is not None and told.earned.findings == []


@pytest.mark.parametrize(
    ("path", "data"), [("/me/sessions/end", {}), ("/me/preferences", {"theme": "dark", "language": ""})]
)
async def test_a_session_that_ended_signs_nobody_out_and_prefers_nothing(
    tmp_path: Path, path: str, data: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await with_password(place, team, "manager", "ana")
        cookies = []
        for _ in range(2):
            came = await sign_in(place, name="ana", password=PASSWORD)
            cookies.append(came.headers["set-cookie"].partition(";")[0])
        theirs, mine = ({"Cookie": one, "Sec-Fetch-Site": "same-origin"} for one in cookies)
        submit, waits = Writer.submit, [True]

        async def late(self: Writer, command: Command) -> Outcome:
            named = getattr(command, "key", "")
            if waits and (named.startswith("preference:") or (named.startswith("session:") and begun)):
                waits.clear()
                changed = {"password": OTHER, "current": PASSWORD}
                done = await place.client.post("/api/v1/me/sign-in", json=changed, headers=mine)
                assert done.status_code == 200
            return await submit(self, command)

        begun = [True]
        monkeypatch.setattr(Writer, "submit", late)
        answer = await place.client.post(path, data=data, headers=theirs)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
        assert (await place.client.get("/api/v1/me", headers=mine)).status_code == 200


async def test_whose_session_ended_meanwhile_is_sent_to_sign_in_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a page of an exception, which says other refusals itself: nothing of it is shown to who is signed out."""
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        told = await place.done("/api/v1/reports", team.keys["staff"], {"note": "It leaks"})
        path = f"/exceptions/{told['ids']['case']}"
        page = await place.see(path, team, "manager")
        assert page.status_code == 200
        token = await invited(place, team, "manager")
        size = [0]

        async def happens() -> None:
            await come_in(place, token)
            size[0] = await size_of(place, team)

        in_between(monkeypatch, happens)
        answer = await place.send(
            f"{path}/note", team, "manager", {"note": "I call them"}, referer=f"http://testserver{path}"
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
        assert "leaks" not in answer.text
        assert size == [await size_of(place, team)]


async def test_who_joins_while_another_invite_is_used_signs_in_with_what_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        asked = {"name": "Neo", "roles": ["staff"]}
        first = await place.done("/api/v1/invites", team.keys["owner"], asked)
        open_session = Sessions.open

        async def late(self: Sessions, *given: Any, **more: Any) -> str:
            again = {"member": first["ids"]["member"]}
            place.wait(1)
            second = await place.done("/api/v1/invites", team.keys["owner"], again)
            await come_in(place, second["token"], "neo")
            return await open_session(self, *given, **more)

        monkeypatch.setattr(Sessions, "open", late)
        typed = {"name": "neo", "password": PASSWORD, "again": PASSWORD}
        answer = await place.client.post(
            f"/join/{first['token']}", data=typed, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert COOKIE not in answer.headers.get("set-cookie", "")

"""Joining over HTTP: invites and their own door, staff lists, signing in, shared devices and their one act."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts
from pwdlib.hashers.argon2 import Argon2Hasher

from api.acts import people_here
from api.identity import request_digest
from api.passwords import Passwords
from api.permissions import DEVICE_ACTS
from api.remote import OPERATOR_TOKEN_FILE
from api.roster import FORMULA_STARTS, as_cell
from api.tries import PER_ADDRESS, PER_INVITE, Tries, address_of
from casework.device_rules import PIN_TRIES_MAX
from ledger.codec import dumps
from tests.api.house import House, Team, house

PASSWORD, PIN = "blue kettle on the stove", "240789"
CHOSEN = {"name": "Nina", "password": PASSWORD, "pin": PIN}


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[House]:
    """A started product of its own, whose slow hashes are quick."""
    async with house(tmp_path) as started:
        _quick(started)
        yield started


def _quick(place: House) -> House:
    place.app.state.installation.passwords = Passwords(
        Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
    )
    return place


@pytest_asyncio.fixture
async def team(place: House) -> Team:
    """Its organisation."""
    return await place.organisation("Harbour House")


async def _invited(place: House, key: str, **who: Any) -> dict[str, Any]:
    return await place.done("/api/v1/invites", key, who or {"name": "Nina", "roles": ["staff"]})


async def _use(place: House, token: str, **chosen: Any) -> httpx.Response:
    return await place.client.post(f"/api/v1/invites/{token}", json=CHOSEN | chosen)


def _code(answer: httpx.Response) -> str:
    return str(answer.json().get("code", ""))


# ---------------------------------------------------------------------------------------------- invites
async def test_an_invite_shows_who_invites_to_what_and_is_used_once(place: House, team: Team) -> None:
    told = await _invited(place, team.keys["manager"])
    token = told["token"]
    assert told["path"] == f"/join/{token}" and len(token) == 64
    shown = (await place.client.get(f"/api/v1/invites/{token}")).json()
    assert (shown["organisation"], shown["invited_by"], shown["name"], shown["roles"]) == (
        "Harbour House", "Manager", "Nina", ["staff"],
    )  # fmt: skip
    assert not {"log", "member", "invite", "token"} & shown.keys()
    assert (await _use(place, token)).status_code == 201
    for answer in (await place.client.get(f"/api/v1/invites/{token}"), await _use(place, token)):
        assert (answer.status_code, _code(answer)) == (404, "unknown_invite")
    listed = (await place.ask("GET", "/api/v1/invites", team.keys["owner"])).json()["items"]
    assert listed[0]["state"] == "used" and token not in json.dumps(listed) and "digest" not in str(listed)


async def test_another_token_expired_or_ended_reads_the_same(place: House, team: Team) -> None:
    ended = await _invited(place, team.keys["owner"])
    where = f"/api/v1/invites/{ended['ids']['invite']}/end"
    await place.done(where, team.keys["owner"], {})
    late = await _invited(place, team.keys["owner"])
    place.wait(3 * 86_400)
    answers = [
        await place.client.get(f"/api/v1/invites/{one}") for one in ("0" * 64, ended["token"], late["token"])
    ]
    assert len({answer.text for answer in answers}) == 1 and answers[0].status_code == 404
    assert (await place.client.get("/api/v1/invites/short")).status_code in (404, 422)


REFUSED = [
    ({"password": "password1"}, 422, "value_invalid"),
    ({"password": "harbourhouse"}, 422, "value_invalid"),
    ({"password": "Nina-2026"}, 422, "value_invalid"),
    ({"password": "\ud800" * 10}, 422, ""),
    ({"pin": "123456"}, 422, "value_invalid"),
    ({"pin": 240789}, 422, "invalid_request"),
    ({"pin": "\ud800\ud800\ud800\ud800\ud800\ud800"}, 422, ""),
    ({"name": "a b"}, 422, "value_invalid"),
    ({"password": None, "pin": None}, 422, "value_invalid"),
    ({"roles": ["owner"]}, 422, "invalid_request"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("chosen", "status", "code"), REFUSED)
async def test_what_lets_nobody_in_safely_is_refused_and_the_invite_still_good(
    at: House, ours: Team, chosen: dict[str, Any], status: int, code: str
) -> None:
    place, token = _quick(at), (await _invited(at, ours.keys["owner"]))["token"]
    body = json.dumps(CHOSEN | chosen).encode()
    headers = {"Content-Type": "application/json"}
    answer = await place.client.post(f"/api/v1/invites/{token}", content=body, headers=headers)
    assert answer.status_code == status and _code(answer).startswith(code), answer.text
    assert (await _use(place, token, name=token[:20])).status_code == 201


async def test_a_name_is_one_persons(place: House, team: Team) -> None:
    assert (await _use(place, (await _invited(place, team.keys["owner"]))["token"])).status_code == 201
    token = (await _invited(place, team.keys["owner"], name="Nora", roles=["staff"]))["token"]
    answer = await _use(place, token, name="NINA")
    assert (answer.status_code, _code(answer)) == (409, "name_taken")
    assert (await _use(place, token, name="nora")).status_code == 201


async def test_neither_token_nor_password_nor_a_digest_of_them_stays_anywhere(
    place: House, team: Team
) -> None:
    token = (await _invited(place, team.keys["owner"]))["token"]
    await _use(place, token, password="password1")
    await _use(place, token)
    await place.done("/api/v1/me/sign-in", await _own(place, team), {"name": "sam", "pin": PIN})
    await place.done(f"/api/v1/members/{team.members['staff']}/pin", team.keys["owner"], {"pin": "135790"})
    path = place.settings.sqlite_path
    assert path is not None
    with sqlite3.connect(path) as database:
        dump = "\n".join(database.iterdump())
    journal = (place.settings.data_dir / "refusals.jsonl").read_text()
    for secret in (token, PASSWORD, "password1"):
        assert secret not in dump and secret not in journal
    assert PIN not in dump
    # a million PINs are tried in a second: no plain digest of a body that holds one may lie in the database
    with sqlite3.connect(path) as database:
        digests = {row[0] for row in database.execute("SELECT digest FROM command")}
    for where, body in (
        ("/api/v1/me/sign-in", {"name": "sam", "pin": PIN}),
        (f"/api/v1/members/{team.members['staff']}/pin", {"pin": "135790"}),
    ):
        assert _plain_digest(where, body) not in digests


def _plain_digest(path: str, body: dict[str, str]) -> str:
    return request_digest("POST", path, "", dumps(body))


async def test_sessions_end_when_an_invite_is_used(place: House, team: Team) -> None:
    installation = place.app.state.installation
    rooms = await installation.rooms(team.log)
    await installation.sessions.open(rooms.rows, team.members["staff"], "password", "Phone")
    token = (await _invited(place, team.keys["owner"], member=team.members["staff"]))["token"]
    await _use(place, token)
    assert await installation.sessions.of(rooms.rows, team.members["staff"]) == []


async def test_a_door_without_a_key_takes_only_so_many_tries(place: House, team: Team) -> None:
    place.app.state.installation.tries = Tries()
    token = (await _invited(place, team.keys["owner"]))["token"]
    for _ in range(PER_INVITE.amount):
        assert (await place.client.get(f"/api/v1/invites/{token}")).status_code == 200
    answer = await place.client.get(f"/api/v1/invites/{token}")
    assert (answer.status_code, _code(answer)) == (429, "too_many_tries")
    assert 0 < int(answer.headers["retry-after"]) <= 15 * 60 + 1
    for number in range(PER_ADDRESS.amount):
        answer = await place.client.get(f"/api/v1/invites/{number:064x}")
    assert answer.status_code == 429


ADDRESSES = [
    ("192.0.2.7", "192.0.2.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
    ("", "unknown"),
]


@pytest.mark.parametrize(("peer", "counted"), ADDRESSES)
def test_tries_are_counted_by_address_and_of_ipv6_by_network(peer: str, counted: str) -> None:
    class Asked:
        client = type("Peer", (), {"host": peer})()

    assert address_of(Asked()) == counted  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------- staff lists
ROSTERS = [
    # the file, row and what is said
    ("name;role;sign in\nNina;staff;nina\n", None),
    ("\ufeffrole,name\r\nstaff,Nina\r\n\r\nstaff,Ben\r\n", None),
    ("name\trole\nNina\tstaff\n", None),
    ("name,role\n", "row 2: expected somebody"),
    ("", "invalid_request"),
    ("name,rank\nNina,staff\n", "row 1: expected the columns"),
    ("name,role,name\nNina,staff,x\n", "row 1: expected the columns"),
    ("name,role\nNina\n", "row 2: expected 2 cells, got 1"),
    ('name,role\n"Nina,staff\n', "row 1: expected a CSV file"),
    ("name,role\nNina,staff\n,staff\n", "row 3: name: expected"),
    ("name,role\n=cmd|' /C calc'!A0,staff\n", "row 2: name: expected"),
    ("name,role\nNina,boss\n", "row 2: role: expected one of"),
    ("name,role\nNina,manager\n", "row 2: role: expected one that you may let in"),
    ("name,role,sign_in\nNina,staff,nina\nNora,staff,NINA\n", "row 3: sign_in: expected a name of its own"),
    ("name,role,sign_in\nNina,staff,n i\n", "row 2: sign_in: expected 3 to 64"),
    (
        "name,role,sign_in\nNina,staff,sam\n",
        "row 2: sign_in: expected a name of its own, got 'sam': somebody",
    ),
    ("name,role\n" + "Nina,staff\n" * 501, "row 502: expected at most 500"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("text", "said"), ROSTERS)
async def test_a_staff_list_joins_whole_or_tells_every_row(
    at: House, ours: Team, text: str, said: str | None
) -> None:
    place, team = _quick(at), ours
    await place.done("/api/v1/me/sign-in", await _own(place, team), {"name": "sam", "pin": PIN})
    before = (await place.ask("GET", "/api/v1/members", team.keys["owner"])).json()["items"]
    answer = await place.ask("POST", "/api/v1/members/import", team.keys["manager"], json={"csv": text})
    after = (await place.ask("GET", "/api/v1/members", team.keys["owner"])).json()["items"]
    if said is None:
        told = answer.json()
        assert answer.status_code == 201 and len(after) == len(before) + len(told["people"]) > len(before)
        assert all(one["path"] == f"/join/{one['token']}" for one in told["people"])
        return
    assert answer.status_code == 422 and said in answer.text, answer.text
    assert len(after) == len(before)


async def test_every_fault_of_a_list_is_told_at_once(place: House, team: Team) -> None:
    text = "name,role\n=x,staff\nNina,boss\nBen,staff\n,staff\n"
    answer = await place.ask("POST", "/api/v1/members/import", team.keys["owner"], json={"csv": text})
    told = answer.json()
    assert (told["code"], told["detail"][0]) == ("rows_refused", "3")
    assert [error["detail"][:5] for error in told["errors"]] == ["row 2", "row 3", "row 5"]


async def test_a_repeated_list_is_the_same_list_and_tells_no_token(place: House, team: Team) -> None:
    body = {"csv": "name,role,sign_in\nNina,staff,nina\n"}
    first = await place.done("/api/v1/members/import", team.keys["owner"], body, key="list")
    again = await place.done("/api/v1/members/import", team.keys["owner"], body, key="list")
    assert again["ids"] == first["ids"] and again["people"] == [] and len(first["people"]) == 1
    token = first["people"][0]["token"]
    assert (await place.client.get(f"/api/v1/invites/{token}")).json()["sign_in"] == "nina"


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_cell_that_goes_out_is_run(start: str) -> None:
    assert as_cell(f"{start}cmd").startswith("'") and as_cell("Nina") == "Nina"


async def _own(place: House, team: Team, role: str = "staff") -> str:
    """Return the session of somebody who is there themselves."""
    return (await place.cookie(team, role))["Cookie"]


# ---------------------------------------------------------------------------------------------- signing in
async def test_the_password_in_force_is_asked_for(place: House, team: Team) -> None:
    me, key = "/api/v1/me/sign-in", await _own(place, team)
    assert (await place.ask("GET", me, key)).json() == {
        "name": None, "password": False, "pin": False, "changed_at": None,
    }  # fmt: skip
    await place.done(me, key, {"name": "Sam", "password": PASSWORD})
    for current in (None, "another one entirely", "\ud800"):
        body = json.dumps({"pin": PIN, "current": current}).encode()
        answer = await place.ask("POST", me, key, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (403, 422), answer.text
    await place.done(me, key, {"pin": PIN, "current": PASSWORD})
    told = (await place.ask("GET", me, key)).json()
    assert (told["name"], told["password"], told["pin"]) == ("sam", True, True)
    answer = await place.ask("POST", me, key, json={"current": PASSWORD})
    assert (answer.status_code, _code(answer)) == (422, "value_invalid")


# ---------------------------------------------------------------------------------------------- shared devices
async def _shared(place: House, team: Team) -> dict[str, str]:
    told = await place.done("/api/v1/devices", team.keys["manager"], {"label": "The pass"})
    return {"device": told["ids"]["device"], "X-Device-Token": told["token"]}


async def _with_pin(place: House, team: Team, role: str = "staff") -> str:
    await place.done("/api/v1/me/sign-in", await _own(place, team, role), {"name": f"the-{role}", "pin": PIN})
    return team.members[role]


async def _act(place: House, device: dict[str, str], member: str, pin: str = PIN) -> httpx.Response:
    headers = {"X-Device-Token": device["X-Device-Token"]}
    return await place.client.post(
        "/api/v1/devices/acts", json={"member": member, "pin": pin}, headers=headers
    )


async def test_a_device_shows_first_names_of_people_who_work_here_and_have_a_pin(
    place: House, team: Team
) -> None:
    device = await _shared(place, team)
    for role in ("owner", "staff", "auditor"):
        await _with_pin(place, team, role)
    await place.done(
        "/api/v1/members/import", team.keys["owner"], {"csv": "name,role,sign_in\nNo Pin,staff,nopin"}
    )
    where = "/api/v1/devices/here/people"
    told = await place.client.get(where, headers={"X-Device-Token": device["X-Device-Token"]})
    assert [one["name"] for one in told.json()["items"]] == ["Ada", "Staff"]
    for headers in (
        {},
        {"X-Device-Token": "tsd_" + "0" * 64},
        {"Authorization": f"Bearer {team.keys['owner']}"},
    ):
        assert (await place.client.get(where, headers=headers)).status_code == 401
    rooms = await place.app.state.installation.rooms(team.log)
    assert list((await people_here(rooms)).values()) == ["Ada", "Staff"]


async def test_a_pin_is_good_for_one_act_which_says_where_it_came_from(place: House, team: Team) -> None:
    device, staff = await _shared(place, team), await _with_pin(place, team)
    granted = (await _act(place, device, staff)).json()
    assert granted["name"] == "Staff" and granted["token"].startswith("tsa_")
    refused = await place.ask("POST", "/api/v1/reports", granted["token"], json={"note": ""})
    assert refused.status_code == 422  # a refusal uses nothing up
    done = await place.done("/api/v1/reports", granted["token"], {"note": "The fridge is warm"})
    again = await place.ask("POST", "/api/v1/reports", granted["token"], json={"note": "The fridge is warm"})
    assert again.headers["idempotent-replay"] == "true" and again.json()["ids"] == done["ids"]
    other = await place.ask("POST", "/api/v1/reports", granted["token"], json={"note": "Another"})
    assert (other.status_code, _code(other)) == (422, "idempotency_mismatch")
    rooms = await place.app.state.installation.rooms(team.log)
    entries = await rooms.rows.entries(done["entries"]["first_seq"], done["entries"]["count"])
    assert {(entry.actor.id, entry.actor.via) for entry in entries} == {(staff, "device")}
    case = done["ids"]["case"]
    token = (await _act(place, device, staff)).json()["token"]
    shown = await place.done(f"/api/v1/cases/{case}/evidence/statement", token, {"statement": "I saw it"})
    (entry, *_) = await rooms.rows.entries(shown["entries"]["first_seq"], 1)
    assert (entry.kind, entry.actor.via) == ("evidence_attached", "device")
    items = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()["evidence"]
    assert [item["via"] for item in items] == ["device"]


async def test_acts_sent_at_once_have_one_effect(place: House, team: Team) -> None:
    device, staff = await _shared(place, team), await _with_pin(place, team)
    token = (await _act(place, device, staff)).json()["token"]
    answers = await asyncio.gather(
        *(place.ask("POST", "/api/v1/reports", token, json={"note": f"Note {n}"}) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422]


ENDINGS = ["two minutes", "the device", "the member", "the next act"]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_act_ends(place: House, team: Team, ending: str) -> None:
    device, staff = await _shared(place, team), await _with_pin(place, team)
    token = (await _act(place, device, staff)).json()["token"]
    if ending == "two minutes":
        place.wait(120)
    elif ending == "the device":
        await place.done(f"/api/v1/devices/{device['device']}/end", team.keys["owner"])
        assert (await _act(place, device, staff)).status_code == 401
    elif ending == "the member":
        await place.done(f"/api/v1/members/{staff}/leave", team.keys["owner"], {"reason_code": "left"})
        assert (await _act(place, device, staff)).status_code == 403
    else:
        assert (await _act(place, device, staff)).status_code == 201
    answer = await place.ask("POST", "/api/v1/reports", token, json={"note": "Late"})
    assert (answer.status_code, _code(answer)) == (401, "not_signed_in")


async def test_wrong_pins_lock_and_guesses_sent_at_once_are_counted_too(place: House, team: Team) -> None:
    device, staff = await _shared(place, team), await _with_pin(place, team)
    guesses = [f"{number:06d}" for number in range(100_001, 100_013)]
    answers = await asyncio.gather(*(_act(place, device, staff, guess) for guess in guesses))
    codes = [_code(answer) for answer in answers]
    assert codes.count("pin_wrong") == PIN_TRIES_MAX - 1
    assert codes.count("pin_locked") == len(guesses) - PIN_TRIES_MAX + 1
    assert _code(await _act(place, device, staff)) == "pin_locked"
    await place.done(f"/api/v1/members/{staff}/pin", team.keys["owner"], {"pin": "135790"})
    assert (await _act(place, device, staff, "135790")).status_code == 201


@pytest.mark.parametrize("member", ["auditor", "nobody"])
async def test_who_is_not_shown_reads_as_a_wrong_pin(place: House, team: Team, member: str) -> None:
    device = await _shared(place, team)
    if member in team.keys:
        await _with_pin(place, team, member)
    answer = await _act(place, device, team.members.get(member, member))
    assert (answer.status_code, _code(answer)) == (403, "pin_wrong")


async def test_an_act_opens_its_few_routes_and_no_other(place: House, team: Team) -> None:
    device, staff = await _shared(place, team), await _with_pin(place, team)
    token = (await _act(place, device, staff)).json()["token"]
    names = set()
    for context in iter_route_contexts(place.app.routes):
        path = str(context.path)
        for part in ("token", "path:path", "record:path"):
            path = path.replace("{" + part + "}", "0" * 64)
        path = path.replace("{seq}", "0").replace("{log}", "x").replace("{", "").replace("}", "")
        for method in sorted((context.methods or set()) - {"HEAD"}):
            name = getattr(context.original_route, "name", "")
            answer = await place.ask(method, path, token, json={"nobody": 1} if method == "POST" else None)
            if name in DEVICE_ACTS:
                names.add(name)
                assert answer.status_code in (404, 422), (path, answer.status_code)
            elif answer.status_code not in (200, 404):  # public ones ask for no key at all
                told = (answer.status_code, _code(answer))
                other = {
                    (403, "own_device_needed"),
                    (401, "not_signed_in"),
                    (422, "invalid_request"),
                    (429, "too_many_tries"),
                }
                assert told in other | {(415, "media_type")}, (method, path, told)
    assert names == DEVICE_ACTS


# ---------------------------------------------------------------------------------------------- owners
async def test_an_operator_lets_an_owner_in_again(place: House, team: Team) -> None:
    installation = place.app.state.installation
    rooms = await installation.rooms(team.log)
    await installation.sessions.open(rooms.rows, team.members["owner"], "password", "Phone")
    headers = {"X-Operator-Token": (place.settings.data_dir / OPERATOR_TOKEN_FILE).read_text()}
    where = f"/api/v1/organisations/{team.log}/owners/recover"
    for body, sent, status in (
        ({}, {}, 401),
        ({"member": "Staff"}, headers, 404),
        ({"member": team.members["staff"]}, headers, 404),
    ):
        assert (await place.client.post(where, json=body, headers=sent)).status_code == status
    strange = where.replace(team.log, "nowhere")
    assert (await place.client.post(strange, json={}, headers=headers)).status_code == 404
    told = (await place.client.post(where, json={"member": "ada"}, headers=headers)).json()
    assert told["member"] == team.members["owner"]
    assert await installation.sessions.of(rooms.rows, team.members["owner"]) == []
    token = told["invite"].removeprefix("/join/")
    assert (await place.client.get(f"/api/v1/invites/{token}")).json()["how"] == "recovery"
    assert (await _use(place, token)).status_code == 201
    (row,) = await rooms.rows.scan("sign_in", (team.members["owner"],))
    assert row["name"] == "nina"


async def test_an_owner_of_a_name_that_two_have_is_asked_for_by_id(place: House, team: Team) -> None:
    await place.done("/api/v1/members", team.keys["owner"], {"name": "ADA", "roles": ["owner"]})
    headers = {"X-Operator-Token": (place.settings.data_dir / OPERATOR_TOKEN_FILE).read_text()}
    where = f"/api/v1/organisations/{team.log}/owners/recover"
    answer = await place.client.post(where, json={"member": "Ada"}, headers=headers)
    assert (answer.status_code, _code(answer)) == (422, "ambiguous_name")
    body = {"member": team.members["owner"]}
    assert (await place.client.post(where, json=body, headers=headers)).status_code == 201


async def test_an_invite_of_one_organisation_is_none_of_anothers(place: House, team: Team) -> None:
    other = await place.organisation("Other House")
    told = await _invited(place, team.keys["owner"])
    where = f"/api/v1/invites/{told['ids']['invite']}/end"
    assert (await place.ask("POST", where, other.keys["owner"], json={})).status_code == 404
    strange = await place.ask(
        "POST", "/api/v1/invites", other.keys["owner"], json={"member": team.members["staff"]}
    )
    assert (strange.status_code, _code(strange)) == (404, "unknown")
    device = await _shared(place, other)
    await _with_pin(place, team)
    assert _code(await _act(place, device, team.members["staff"])) == "pin_wrong"

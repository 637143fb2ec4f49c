"""Check-in points at the doors: set up by leads, used by who works here, and the keys of tags told nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from api.auditing import audit_folder
from ledger.export import export_log
from tests.api.house import House, Team
from tests.casework.tags import Tag

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {"meta_key": "5a" * 16, "file_key": "6b" * 16}


async def case_of(at: House, ours: Team) -> str:
    """Return a case that takes evidence."""
    told = await at.done("/api/v1/reports", ours.keys["staff"], {"note": "Cold room, evening round"})
    return str(told["ids"]["case"])


def tag_of(uid: str) -> Tag:
    """Return a tag with these tests' keys."""
    return Tag(uid, KEYS["meta_key"], KEYS["file_key"])


async def set_up(at: House, ours: Team, place: str, method: str = "nfc", uid: str | None = None) -> str:
    """Register a point; return its id."""
    body: dict[str, Any] = {"place": place, "method": method, "label": f"At {place}"}
    if uid is not None:
        body |= {"uid": uid.upper(), **KEYS}
    return str((await at.done("/api/v1/points", ours.keys["manager"], body))["ids"]["point"])


def tapped(tag: Tag, counter: int, **more: str) -> dict[str, str]:
    """Return the body of a tap."""
    picc, cmac = tag.tapped(counter)
    return {"picc": picc, "cmac": cmac, **more}


async def item_of(
    at: House, ours: Team, case: str, evidence: str
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return grade, controllers and facts as the case tells them."""
    told = (await at.ask("GET", f"/api/v1/cases/{case}", ours.keys["staff"])).json()
    (item,) = (one for one in told["evidence"] if one["evidence"] == evidence)
    return item["grade"], item["controllers"], told["texts"][item["facts_item"]]


async def refused(at: House, path: str, key: str, body: dict[str, Any], status: int, code: str) -> str:
    """Send what must be refused; return what was said."""
    answer = await at.ask("POST", path, key, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["effect"] == "Nothing was recorded."
    return str(answer.json()["detail"])


async def test_a_tag_from_its_registration_to_its_end(at: House, ours: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    tag, path = tag_of("04de5f1eacc040"), f"/api/v1/cases/{case}/evidence/check-in"
    point = await set_up(at, ours, "cold-room-2", uid=tag.uid)
    done = await at.done(path, staff, tapped(tag, 7, point=point))
    grade, controllers, facts = await item_of(at, ours, case, done["ids"]["evidence"])
    assert (grade, controllers) == (
        "E4", {"any": [{"party": f"member:{ours.members['manager']}"}, {"party": f"system:point:{point}"}]},
    )  # fmt: skip
    assert (facts["place"], facts["counter"], facts["offline"], facts["member"]) == (
        "cold-room-2", 7, False, ours.members["staff"],
    )  # fmt: skip
    assert set(done["ids"]) == {"case", "evidence"} and done["entries"]["count"] == 2
    for counter in (7, 5):
        said = await refused(at, path, staff, tapped(tag, counter), 409, "tap_replayed")
        assert f"above 7, got {counter}" in said
    await refused(at, path, staff, tapped(tag.cloned(file_key="00" * 16), 9), 403, "tap_invalid")
    at.wait(3_600)
    late = tapped(tag, 8, at="2026-11-20T10:30:00Z")
    grade, _, facts = await item_of(at, ours, case, (await at.done(path, staff, late))["ids"]["evidence"])
    assert (grade, facts["offline"], facts["at"]) == ("E1", True, "2026-11-20T10:30:00.000Z")
    note = {"note": "It hangs in the bar now"}
    told = await at.done(f"/api/v1/points/{point}/doubt", staff, note)
    assert told["resource"]["state"] == "doubted"
    doubted = await at.done(path, staff, tapped(tag, 9))
    assert (await item_of(at, ours, case, doubted["ids"]["evidence"]))[0] == "E1"
    await refused(at, f"/api/v1/points/{point}/end", staff, {"reason_code": "moved"}, 403, "not_allowed")
    await at.done(f"/api/v1/points/{point}/end", ours.keys["owner"], {"reason_code": "moved"})
    await refused(at, path, staff, tapped(tag, 10, point=point), 404, "point_unknown")


async def test_a_tap_sent_twice_is_one_check_in(at: House, ours: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    tag, path = tag_of("04000000000001"), f"/api/v1/cases/{case}/evidence/check-in"
    await set_up(at, ours, "cellar", uid=tag.uid)
    first = await at.ask("POST", path, staff, json=tapped(tag, 1), key="phone-7")
    again = await at.ask("POST", path, staff, json=tapped(tag, 1), key="phone-7")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replay"] == "true" and again.json()["ids"] == first.json()["ids"]
    other = await at.ask("POST", path, staff, json=tapped(tag, 2), key="phone-7")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_screen_shows_a_code_on_a_shared_device(at: House, ours: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    path = f"/api/v1/cases/{case}/evidence/check-in"
    point = await set_up(at, ours, "bar", "screen")
    shared = await at.done("/api/v1/devices", ours.keys["owner"], {"label": "Screen at the bar"})
    shows, device = f"/api/v1/devices/here/code?point={point}", {"X-Device-Token": shared["token"]}
    assert (await at.ask("GET", shows)).status_code == 401
    code = (await at.ask("GET", shows, headers=device)).json()
    assert code["path"] == f"/here/{code['code']}" and code["point"] == point
    assert (await at.ask("GET", shows, headers=device)).json()["code"] != code["code"]
    at.wait(45)
    done = await at.done(path, staff, {"code": code["code"]})
    grade, controllers, facts = await item_of(at, ours, case, done["ids"]["evidence"])
    assert (grade, controllers) == ("E3", {"party": f"system:point:{point}"})
    assert facts["at"] == code["until"]
    await refused(at, path, staff, {"code": code["code"]}, 409, "evidence_reused")
    await at.done(path, ours.keys["manager"], {"code": code["code"]})
    at.wait(1)
    said = await refused(at, path, ours.keys["owner"], {"code": code["code"]}, 409, "code_expired")
    assert f"until {code['until']}, got it at" in said
    # whoever leads is not there by leading: a screen tells its code to the device that shows it
    by_lead = await at.ask("GET", f"/api/v1/points/{point}/code", ours.keys["manager"])
    assert (by_lead.status_code, by_lead.json()["code"]) == (404, "point_unknown")
    shown = (await at.ask("GET", shows, headers=device)).json()
    offline = {"code": shown["code"], "at": at_now(shown["until"])}
    await refused(at, path, staff, offline, 422, "value_invalid")
    assert (await at.ask("GET", f"/api/v1/points/{point}/code", staff)).status_code == 403
    gone = await at.ask("GET", "/api/v1/devices/here/code?point=nothing", headers=device)
    assert (gone.status_code, gone.json()["code"]) == (404, "point_unknown")


def at_now(until: str) -> str:
    """Return an instant that a phone may name."""
    return until.replace("Z", "+00:00")


async def test_a_code_on_paper_is_worth_little(at: House, ours: Team, theirs: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    path = f"/api/v1/cases/{case}/evidence/check-in"
    point = await set_up(at, ours, "store", "printed")
    shown = [
        (await at.ask("GET", f"/api/v1/points/{point}/code", ours.keys["owner"])).json() for _ in range(2)
    ]
    assert shown[0] == shown[1] and shown[0]["until"] is None
    for _ in range(2):
        done = await at.done(path, staff, {"code": shown[0]["code"]})
        grade, controllers, _ = await item_of(at, ours, case, done["ids"]["evidence"])
        assert (grade, controllers) == ("E1", {"party": f"member:{ours.members['staff']}"})
    # another organisation's code is none of ours
    foreign = await case_of(at, theirs)
    await refused(
        at, f"/api/v1/cases/{foreign}/evidence/check-in", theirs.keys["staff"], {"code": shown[0]["code"]},
        403, "token_invalid",
    )  # fmt: skip


async def test_an_act_for_a_pin_checks_in_at_a_tag_and_not_on_paper(at: House, ours: Team) -> None:
    tag, case = tag_of("04000000000002"), await case_of(at, ours)
    path, member = f"/api/v1/cases/{case}/evidence/check-in", ours.members["staff"]
    await set_up(at, ours, "pass", uid=tag.uid)
    paper = await set_up(at, ours, "pass", "printed")
    code = (await at.ask("GET", f"/api/v1/points/{paper}/code", ours.keys["owner"])).json()["code"]
    session = (await at.cookie(ours, "staff"))["Cookie"]
    await at.done("/api/v1/me/sign-in", session, {"name": "the-staff", "pin": "240789"})
    shared = await at.done("/api/v1/devices", ours.keys["owner"], {"label": "The pass"})

    async def act() -> str:
        typed = {"member": member, "pin": "240789"}
        headers = {"X-Device-Token": shared["token"]}
        granted = await at.ask("POST", "/api/v1/devices/acts", json=typed, headers=headers)
        return str(granted.json()["token"])

    await refused(at, path, await act(), {"code": code}, 403, "own_device_needed")
    done = await at.done(path, await act(), tapped(tag, 1))
    grade, _, facts = await item_of(at, ours, case, done["ids"]["evidence"])
    assert (grade, facts["member"]) == ("E4", member)


async def test_who_may_read_what_of_points(at: House, ours: Team) -> None:
    point = await set_up(at, ours, "terrace", uid="04000000000003")
    await at.done(f"/api/v1/points/{point}/doubt", ours.keys["outsider"], {"note": "Somebody moved it"})
    for role, doubt in (("owner", "Somebody moved it"), ("staff", None), ("auditor", None)):
        listed = await at.ask("GET", "/api/v1/points", ours.keys[role])
        (row,) = (one for one in listed.json()["items"] if one["point"] == point)
        assert (row["label"], row["doubt"], row["state"]) == ("At terrace", doubt, "doubted")
        assert "secret_item" not in row and KEYS["file_key"] not in listed.text
    for role in ("outsider", "agent"):
        assert (await at.ask("GET", "/api/v1/points", ours.keys[role])).status_code == 403


async def test_the_keys_of_a_tag_leave_by_no_door(at: House, ours: Team, tmp_path: Path) -> None:
    """Not with the answer, the list, the file to take along, the steps, or an export with private values."""
    owner, manager = ours.keys["owner"], ours.keys["manager"]
    body = {"place": "roof", "method": "nfc", "uid": "04000000000004", **KEYS}
    made = await at.ask("POST", "/api/v1/points", manager, json=body, key="roof")
    assert made.status_code == 201
    again = await at.ask("POST", "/api/v1/points", manager, json=body, key="roof")
    assert again.json()["ids"] == made.json()["ids"]
    conflict = await at.ask("POST", "/api/v1/points", manager, json=body)
    assert (conflict.status_code, conflict.json()["code"]) == (422, "value_invalid")
    told = [made.text, again.text, conflict.text]
    for path in ("points", "me/take-away", "log/entries?limit=1000"):
        answer = await at.ask("GET", f"/api/v1/{path}", manager)
        assert answer.status_code == 200, (path, answer.text)
        told.append(answer.text)
    told.append((await at.ask("GET", "/api/v1/log/entries?limit=1000", owner)).text)
    rooms = await at.app.state.installation.rooms(ours.log)
    await export_log(rooms.reader, tmp_path / "out", await rooms.publisher.publish(), rooms.vault)
    told += [one.read_bytes().decode("latin-1") for one in (tmp_path / "out").rglob("*") if one.is_file()]
    assert any("At terrace" in one or "At roof" in one or "Cold room" in one for one in told)
    for text in told:
        assert KEYS["meta_key"] not in text and KEYS["file_key"] not in text
    assert not [one for one in (tmp_path / "out").rglob("*") if "secret" in one.name]
    audited = await asyncio.to_thread(audit_folder, tmp_path / "out", None, ())
    assert audited.intact.findings == [] and audited.earned is not None and audited.earned.findings == []


BODIES = [
    ("no method", {"place": "x"}),
    ("an unknown method", {"place": "x", "method": "gps"}),
    ("no place", {"method": "screen", "place": ""}),
    ("a short key", {"place": "x", "method": "nfc", "uid": "04" * 7, **KEYS, "file_key": "00"}),
    ("no key", {"place": "x", "method": "nfc", "uid": "04" * 7}),
    ("a screen with a UID", {"place": "x", "method": "screen", "uid": "04" * 7}),
    ("an unknown member", {"place": "x", "method": "screen", "token": "x"}),
]


@pytest.mark.parametrize("body", [row[1] for row in BODIES], ids=[row[0] for row in BODIES])
async def test_a_point_that_is_none(at: House, ours: Team, body: dict[str, Any]) -> None:
    answer = await at.ask("POST", "/api/v1/points", ours.keys["owner"], json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["effect"] == "Nothing was recorded."


CHECK_INS = [
    ("nothing", {}, 422, "value_invalid"),
    ("half a tap", {"picc": "00" * 16}, 422, "value_invalid"),
    ("both", {"picc": "00" * 16, "cmac": "00" * 8, "code": "x"}, 422, "value_invalid"),
    ("a tap of nobody", {"picc": "00" * 16, "cmac": "00" * 8}, 403, "tap_invalid"),
    ("a tap at no point", {"picc": "00" * 16, "cmac": "00" * 8, "point": "nothing"}, 404, "point_unknown"),
    ("a code of nobody", {"code": "abc"}, 403, "token_invalid"),
    ("a long code", {"code": "a" * 129}, 422, "invalid_request"),
    ("a short tap", {"picc": "00", "cmac": "00" * 8}, 422, "invalid_request"),
    ("no instant", {"code": "abc", "at": "yesterday"}, 422, "invalid_request"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), [row[1:] for row in CHECK_INS], ids=[row[0] for row in CHECK_INS]
)
async def test_what_is_no_check_in(
    at: House, ours: Team, body: dict[str, Any], status: int, code: str
) -> None:
    path = f"/api/v1/cases/{await case_of(at, ours)}/evidence/check-in"
    await refused(at, path, ours.keys["staff"], body, status, code)

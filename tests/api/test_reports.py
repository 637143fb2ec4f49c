"""Reports: one form for a sentence and a photo, exactly once; what is open already is offered before, and joined."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import House, Team
from tests.api.painted import jpeg

pytestmark = pytest.mark.asyncio(loop_scope="module")


def text(value: str) -> tuple[None, str]:
    return None, value


async def read(at: House, ours: Team, case: str) -> dict[str, Any]:
    told: dict[str, Any] = (await at.ask("GET", f"/api/v1/cases/{case}", ours.keys["manager"])).json()
    return told


async def test_a_sentence_and_a_photo_are_one_report(at: House, ours: Team) -> None:
    staff = ours.keys["staff"]
    nonce = (await at.done("/api/v1/captures/nonces", staff))["nonces"][0]
    parts = {
        "note": text("The pass freezer shows -9"),
        "urgency": text("now"),
        "photo": ("display.jpg", jpeg(50, 50), "image/jpeg"),
        "how": text("camera"),
        "nonce": text(nonce),
        "captured_at": text("2026-11-20T10:00:00Z"),
    }
    answers = [
        await at.ask("POST", "/api/v1/reports/form", staff, files=parts, key="report-1") for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert [answer.headers.get("idempotent-replay") for answer in answers] == [None, "true", "true"]
    first = answers[0].json()
    assert first["entries"]["count"] == 3 and all(answer.json()["ids"] == first["ids"] for answer in answers)
    told = await read(at, ours, first["ids"]["case"])
    assert told["case"]["owner"] == ours.members["manager"]
    assert told["texts"][told["case"]["facts_item"]] == {"urgency": "now", "due": "2026-11-20T10:15:00.000Z"}
    (item,) = told["evidence"]
    assert (item["evidence"], item["grade"]) == (first["ids"]["evidence"], "E2")


async def test_a_report_needs_no_photo(at: House, ours: Team) -> None:
    for parts in ({"note": text("Bulb gone")}, {"note": text("Tap drips"), "photo": ("", b"", "image/jpeg")}):
        told = await at.done("/api/v1/reports/form", ours.keys["staff"], files=parts)
        assert (await read(at, ours, told["ids"]["case"]))["evidence"] == []


REFUSED = [
    ("no sentence", {"urgency": text("now")}, 422, "invalid_request"),
    ("an empty sentence", {"note": text("")}, 422, "invalid_request"),
    ("a long sentence", {"note": text("x" * 4_001)}, 422, "invalid_request"),
    ("a very long sentence", {"note": text("x" * 40_000)}, 422, "unreadable_body"),
    ("an unknown urgency", {"note": text("x"), "urgency": text("soon")}, 422, "invalid_request"),
    ("a broken photo", {"note": text("x"), "photo": ("a.jpg", b"no", "image/jpeg")}, 415, "media_type"),
]


@pytest.mark.parametrize(("what", "parts", "status", "code"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_refused(at: House, ours: Team, what: str, parts: Any, status: int, code: str) -> None:
    before = (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()["size"]
    answer = await at.ask("POST", "/api/v1/reports/form", ours.keys["staff"], files=parts)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()["size"] == before


async def test_what_is_open_already_is_offered_and_joined(at: House, ours: Team, theirs: Team) -> None:
    staff, lead = ours.keys["staff"], ours.keys["manager"]
    opened = await at.done("/api/v1/reports", staff, {"note": "Die Spülmaschine in der Küche läuft aus"})
    case = opened["ids"]["case"]
    asked = "/api/v1/reports/similar?text=Spuelmaschine laeuft aus"
    (found,) = (await at.ask("GET", asked, staff)).json()["items"]
    assert (found["case"], found["owner_name"], found["state"]) == (case, "Manager", "ASSIGNED")
    assert (await at.ask("GET", asked, theirs.keys["staff"])).json()["items"] == []
    other = "/api/v1/reports/similar?text=The coffee is cold"
    assert (await at.ask("GET", other, staff)).json()["items"] == []
    path = f"/api/v1/cases/{case}/join"
    parts = {"note": text("Me too, at the bar"), "photo": ("a.jpg", jpeg(51, 51), "image/jpeg")}
    joined = [await at.ask("POST", path, lead, files=parts, key="join-1") for _ in range(2)]
    assert [answer.status_code for answer in joined] == [201, 201]
    assert joined[0].json()["entries"]["count"] == 2 and joined[0].json()["ids"] == joined[1].json()["ids"]
    await at.done(path, lead, files={"note": text("Still there")})
    empty = await at.ask("POST", path, lead, files={"how": text("file")})
    assert (empty.status_code, empty.json()["code"]) == (422, "invalid_request")
    assert len((await read(at, ours, case))["evidence"]) == 1
    # what is closed is offered no more, and joined no more
    await at.done(f"/api/v1/cases/{case}/close", lead, {"reason_code": "duplicate"})
    assert (await at.ask("GET", asked, staff)).json()["items"] == []
    late = {"note": text("And now"), "photo": ("a.jpg", jpeg(52, 52), "image/jpeg")}
    answer = await at.ask("POST", path, lead, files=late)
    assert (answer.status_code, answer.json()["code"]) == (409, "transition")


async def test_at_most_three_are_offered_the_most_alike_first(at: House, ours: Team) -> None:
    staff = ours.keys["staff"]
    for number in range(5):
        await at.done("/api/v1/reports", staff, {"note": f"Shower of room {number} stays cold"})
    asked = "/api/v1/reports/similar?text=Shower of room 3 stays cold"
    items = (await at.ask("GET", asked, staff)).json()["items"]
    assert len(items) == 3 and items[0]["said"] == "Shower of room 3 stays cold"


async def test_what_one_person_wrote_is_not_sent_by_another(at: House, ours: Team) -> None:
    case = (await at.done("/api/v1/reports", ours.keys["staff"], {"note": "Door stuck"}))["ids"]["case"]
    parts = {"note": text("Mine"), "member": text(ours.members["staff"])}
    photo = {**parts, "photo": ("a.jpg", jpeg(53, 53), "image/jpeg")}
    del photo["note"]
    for path, sent in (
        ("/api/v1/reports/form", parts),
        (f"/api/v1/cases/{case}/join", parts),
        (f"/api/v1/cases/{case}/evidence/photo", photo),
    ):
        answer = await at.ask("POST", path, ours.keys["manager"], files=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "another_member"), path
        await at.done(path, ours.keys["staff"], files=sent)

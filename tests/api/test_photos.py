"""Photos at the doors: nonces, one form for one photo, exactly once, and shown again only as what they are."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image

from api.bodies import FORM_BYTES_MAX
from ledger.changes import Delete
from ledger.commands import Command, Decided, View
from ledger.entries import Actor
from tests.api.house import House, Team
from tests.api.painted import jpeg, png, turned
from tests.api.scenes import CHANGES, KINDS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def case_of(at: House, ours: Team) -> str:
    case: str = (await at.done("/api/v1/reports", ours.keys["staff"], {"note": "The lift stops"}))["ids"][
        "case"
    ]
    return case


def form(content: bytes, **texts: str) -> dict[str, Any]:
    """Return the parts of a photo's form."""
    parts: dict[str, Any] = {name: (None, value) for name, value in texts.items()}
    return {"photo": ("IMG_1.jpg", content, "image/jpeg"), **parts}


async def size(at: House, team: Team) -> int:
    length: int = (await at.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"]
    return length


async def grade(at: House, ours: Team, case: str, evidence: str) -> str:
    told = (await at.ask("GET", f"/api/v1/cases/{case}", ours.keys["staff"])).json()
    (item,) = (one for one in told["evidence"] if one["evidence"] == evidence)
    assert item["type"] == "photo"
    return str(item["grade"])


async def test_a_photo_taken_in_the_page_is_e2_and_a_file_is_e1(at: House, ours: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    batch = await at.done("/api/v1/captures/nonces", staff)
    assert len(set(batch["nonces"])) == 10
    path, now = f"/api/v1/cases/{case}/evidence/photo", batch["issued_at"]
    first, second, third, *_ = batch["nonces"]
    fresh = form(jpeg(colour="red"), how="camera", nonce=first, captured_at=now)
    taken = await at.done(path, staff, files=fresh)
    assert await grade(at, ours, case, taken["ids"]["evidence"]) == "E2"
    uploaded = await at.done(path, staff, files=form(jpeg(colour="green")))
    assert await grade(at, ours, case, uploaded["ids"]["evidence"]) == "E1"
    used = await at.ask("POST", path, staff, files=form(jpeg(colour="blue"), how="camera", nonce=first))
    assert (used.status_code, used.json()["code"]) == (409, "evidence_reused")
    others = form(jpeg(colour="blue"), how="camera", nonce=second, captured_at=now)
    refused = await at.ask("POST", path, ours.keys["manager"], files=others)
    assert (refused.status_code, refused.json()["code"]) == (422, "nonce_invalid")
    at.wait(16 * 60)
    late = form(jpeg(colour="blue"), how="camera", nonce=third, captured_at=now)
    told = await at.done(path, staff, files=late)
    assert await grade(at, ours, case, told["ids"]["evidence"]) == "E1"


async def test_the_same_picture_again_is_put_beside_the_first(at: House, ours: Team, theirs: Team) -> None:
    staff, drawn = ours.keys["staff"], random.Random(9)
    image = KINDS["shelf"](drawn)
    shown = {}
    for name, picture in (
        ("first", image),
        ("again", CHANGES["mirror, crop 8 %"](image, drawn)),
        ("other", KINDS["shelf"](drawn)),
        ("late", CHANGES["half the size"](image, drawn)),
    ):
        if name == "late":
            at.wait(181 * 86_400)
        case = await case_of(at, ours)
        sent = form(encoded(picture))
        done = await at.done(f"/api/v1/cases/{case}/evidence/photo", staff, files=sent)
        told = (await at.ask("GET", f"/api/v1/cases/{case}", staff)).json()
        (item,) = told["evidence"]
        shown[name] = (done["ids"]["evidence"], told["texts"][item["facts_item"]]["alike"])
    assert [alike for _, alike in shown.values()][::2] == [[], []]
    ((found,), late) = shown["again"][1], shown["late"][1]
    assert found["evidence"] == shown["first"][0] and found["bits"] <= 8
    assert late == []  # half a year later
    case = (await at.done("/api/v1/reports", theirs.keys["staff"], {"note": "x"}))["ids"]["case"]
    sent = form(encoded(CHANGES["half the size"](image, drawn)))
    await at.done(f"/api/v1/cases/{case}/evidence/photo", theirs.keys["staff"], files=sent)
    told = (await at.ask("GET", f"/api/v1/cases/{case}", theirs.keys["staff"])).json()
    assert (
        told["texts"][told["evidence"][0]["facts_item"]]["alike"] == []
    )  # another organisation's are not looked at


def encoded(image: Image.Image) -> bytes:
    """Return a picture as a file."""
    made = io.BytesIO()
    image.convert("RGB").save(made, "JPEG", quality=90)
    return made.getvalue()


async def test_a_photo_that_is_sent_twice_is_recorded_once(at: House, ours: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    path = f"/api/v1/cases/{case}/evidence/photo"
    first = await at.ask("POST", path, staff, files=form(jpeg(30, 30)), key="phone-1")
    before = await size(at, ours)
    again = await at.ask("POST", path, staff, files=form(jpeg(30, 30)), key="phone-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replay"] == "true"
    assert again.json()["ids"] == first.json()["ids"]
    other = await at.ask("POST", path, staff, files=form(jpeg(31, 31)), key="phone-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    # a form without script brings its key as a field
    sent = form(jpeg(32, 32), idempotency_key="page-1")
    headers = {"Authorization": f"Bearer {staff}"}
    replies = [await at.client.post(path, files=sent, headers=headers) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 201]
    assert replies[1].headers["idempotent-replay"] == "true"
    assert await size(at, ours) == before + 1


async def test_a_wrong_photo_is_replaced_and_both_stay_visible(at: House, ours: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    path = f"/api/v1/cases/{case}/evidence"
    wrong = (await at.done(f"{path}/photo", staff, files=form(jpeg(41, 41))))["ids"]["evidence"]
    replacing = form(jpeg(42, 42), replaces=wrong)
    theirs = await at.ask("POST", f"{path}/photo", ours.keys["manager"], files=replacing)
    assert (theirs.status_code, theirs.json()["code"]) == (409, "evidence_closed")
    right = (await at.done(f"{path}/photo", staff, files=replacing))["ids"]["evidence"]
    told = (await at.ask("GET", f"/api/v1/cases/{case}", staff)).json()["evidence"]
    assert {item["evidence"]: item["withdrawn"] for item in told} == {wrong: True, right: False}
    assert (await at.ask("GET", f"{path}/{wrong}/content", staff)).content == jpeg(41, 41)


REFUSED = [
    # what, parts, status, code
    ("no photo", {"how": (None, "file")}, 422, "invalid_request"),
    ("an empty photo", {"photo": ("", b"", "image/jpeg")}, 422, "invalid_request"),
    ("a text for a photo", {"photo": (None, "hello")}, 422, "invalid_request"),
    ("an unknown part", form(jpeg(), place="bar"), 422, "invalid_request"),
    ("an unknown way", form(jpeg(), how="scanner"), 422, "invalid_request"),
    ("no instant", form(jpeg(), captured_at="yesterday"), 422, "invalid_request"),
    ("a nonce of nobody's", form(jpeg(), nonce="1.2.3"), 422, "nonce_invalid"),
    ("a key with spaces", form(jpeg(), idempotency_key="a b"), 422, "invalid_request"),
    ("another type", {"photo": ("a.jpg", png(), "image/jpeg")}, 415, "media_type"),
    ("a document", {"photo": ("a.pdf", b"%PDF-1.7", "application/pdf")}, 415, "media_type"),
    ("a name that turns round", {"photo": ("a\u202egpj.exe", jpeg(), "image/jpeg")}, 422, "file_name"),
    ("two of one part", [("photo", ("a", jpeg(), "image/jpeg")), ("how", (None, "file")), ("how", (None, "camera"))],
     400, "member_twice"),
    ("two photos", [("photo", ("a", jpeg(), "image/jpeg")), ("photo", ("b", png(), "image/png"))],
     422, "unreadable_body"),
    ("many parts", [("photo", ("a", jpeg(), "image/jpeg")), *((f"p{n}", (None, "x")) for n in range(20))],
     422, "unreadable_body"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "parts", "status", "code"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_refused(at: House, ours: Team, what: str, parts: Any, status: int, code: str) -> None:
    case = await case_of(at, ours)
    before = await size(at, ours)
    # without the header, so that the field of that name is looked at
    headers = {"Authorization": f"Bearer {ours.keys['staff']}"}
    answer = await at.client.post(f"/api/v1/cases/{case}/evidence/photo", files=parts, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["effect"] == "Nothing was recorded."
    assert await size(at, ours) == before


BODIES = [
    ("JSON", b'{"photo": "x"}', "application/json", 415, "media_type"),
    ("urlencoded", b"photo=x", "application/x-www-form-urlencoded", 415, "media_type"),
    ("no boundary", b"--x\r\n\r\n--x--", "multipart/form-data", 422, "unreadable_body"),
    ("cut off", b"--x\r\nContent-Disp", "multipart/form-data; boundary=x", 422, "invalid_request"),
]


@pytest.mark.parametrize(
    ("what", "content", "kind", "status", "code"), BODIES, ids=[row[0] for row in BODIES]
)
async def test_a_body_that_is_no_form(
    at: House, ours: Team, what: str, content: bytes, kind: str, status: int, code: str
) -> None:
    path = "/api/v1/cases/nothing/evidence/photo"
    answer = await at.ask("POST", path, ours.keys["staff"], content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_form_that_is_too_large_is_refused_by_length_and_by_pieces(at: House, ours: Team) -> None:
    path = "/api/v1/cases/nothing/evidence/photo"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    async def pieces() -> Any:
        for _ in range(FORM_BYTES_MAX // 100_000 + 2):
            yield b" " * 100_000

    for content in (b" " * (FORM_BYTES_MAX + 1), pieces()):
        sent = {**headers, "Authorization": f"Bearer {ours.keys['staff']}"}
        answer = await at.client.post(path, content=content, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_evidence_is_shown_as_what_it_is_and_never_run(at: House, ours: Team, theirs: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    path = f"/api/v1/cases/{case}/evidence"
    sent = {"photo": ('kühl"schrank.jpg', turned(6), "image/jpeg")}
    photo = (await at.done(f"{path}/photo", staff, files=sent))["ids"]["evidence"]
    file = {"content": "PHNjcmlwdD4xPC9zY3JpcHQ+", "media_type": "text/plain"}
    text = (await at.done(f"{path}/file", staff, file))["ids"]["evidence"]
    said = (await at.done(f"{path}/statement", staff, {"statement": "I saw it"}))["ids"]["evidence"]
    shown = await at.ask("GET", f"{path}/{photo}/content", ours.keys["auditor"])
    assert (shown.status_code, shown.headers["content-type"], shown.content) == (200, "image/jpeg", turned(6))
    assert shown.headers["content-disposition"].startswith("inline; filename*=UTF-8''k%C3%BChl")
    small = await at.ask("GET", f"{path}/{photo}/thumbnail", staff)
    again = await at.ask("GET", f"{path}/{photo}/thumbnail", staff)
    assert small.headers["content-type"] == "image/jpeg" and small.content == again.content
    with Image.open(io.BytesIO(small.content)) as image:
        assert image.size == (20, 40) and not image.getexif()
    document = await at.ask("GET", f"{path}/{text}/content", staff)
    assert document.headers["content-disposition"].startswith("attachment;")
    for answer in (shown, small, document):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["cache-control"] == "no-store"
    for missing, key in (
        (f"{path}/{said}/content", staff),
        (f"{path}/{text}/thumbnail", staff),
        (f"{path}/nothing/content", staff),
        (f"{path}/{photo}/content", theirs.keys["owner"]),
        (f"{path}/{photo}/thumbnail", theirs.keys["owner"]),
    ):
        assert (await at.ask("GET", missing, key)).status_code == 404, missing


async def test_what_was_erased_is_shown_no_more_whatever_memory_holds(at: House, ours: Team) -> None:
    staff, case = ours.keys["staff"], await case_of(at, ours)
    path = f"/api/v1/cases/{case}/evidence"
    photo = (await at.done(f"{path}/photo", staff, files=form(jpeg(43, 43))))["ids"]["evidence"]
    assert (await at.ask("GET", f"{path}/{photo}/thumbnail", staff)).status_code == 200
    rooms = await at.app.state.installation.rooms(ours.log)
    row = await rooms.rows.get("evidence", (case, photo))
    items, wraps = await rooms.reader.items([row["content_item"]])
    gone = tuple(Delete("item_wrap", (one["item"], one["subject"])) for one in wraps)
    assert items and gone
    actor = Actor(ours.members["owner"], "owner", "test")
    command = Command(ours.log, actor, "erase-photo", "0" * 64, (), _only_rows, gone)
    await rooms.writer.submit(command)
    for kind in ("thumbnail", "content"):
        assert (await at.ask("GET", f"{path}/{photo}/{kind}", staff)).status_code == 404


def _only_rows(view: View, command: Command, at: str) -> Decided:
    return Decided((), command.data)


async def test_a_wrong_document_is_refused_at_the_other_door(at: House, ours: Team) -> None:
    case = await case_of(at, ours)
    body = {"content": "PHNjcmlwdD4xPC9zY3JpcHQ+", "media_type": "application/pdf"}
    answer = await at.ask("POST", f"/api/v1/cases/{case}/evidence/file", ours.keys["staff"], json=body)
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")
    assert "got text/plain" in answer.json()["detail"]

"""A photo's grade follows from its nonce and its times; nonces are bound to a member of a log and count once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casework import captures
from casework.collectors import photo
from casework.collectors.photo import Capture, Picture
from casework.errors import TokenInvalid
from casework.requests import Principal
from ledger.clock import unix_ms_of
from ledger.errors import Refused
from tests.casework.shop import Shop

SECRET = b"s" * 32
DRAWN = b"d" * captures.DRAWN_BYTES
ISSUED = "2026-11-20T10:00:00.000Z"
WHO = Principal("ana", "staff", "web", "session")
PICTURE = Picture(b"\xff\xd8\xff picture", "image/jpeg", 4, 3)


def nonce(log: str = "one", member: str = "ana") -> str:
    return captures.seal_nonce(SECRET, log, member, unix_ms_of(ISSUED), DRAWN)


def test_a_nonce_tells_when_it_was_issued() -> None:
    assert captures.open_nonce(SECRET, "one", "ana", nonce()) == ISSUED
    assert len(nonce()) <= captures.NONCE_CHARS_MAX


NOT_OURS = [
    ("another member", lambda: nonce(member="ben")),
    ("another log", lambda: nonce(log="two")),
    ("another time", lambda: nonce().replace("1", "2", 1)),
    ("another secret", lambda: captures.seal_nonce(b"t" * 32, "one", "ana", unix_ms_of(ISSUED), DRAWN)),
    ("no nonce", lambda: "hello"),
    ("empty", lambda: ""),
    ("dots", lambda: ".."),
    ("no ASCII", lambda: "é" + nonce()),
    ("too long", lambda: nonce() + "0" * captures.NONCE_CHARS_MAX),
    # the log's end and the member's start do not run into each other
    ("shifted", lambda: captures.seal_nonce(SECRET, "oneana", "", unix_ms_of(ISSUED), DRAWN)),
]


@pytest.mark.parametrize(("what", "made"), NOT_OURS, ids=[row[0] for row in NOT_OURS])
def test_a_nonce_that_was_not_issued_to_this_member_is_refused(what: str, made: Any) -> None:
    with pytest.raises(TokenInvalid, match="expected one that was issued to you here"):
        captures.open_nonce(SECRET, "one", "ana", made())


GRADES = [
    # how, nonce issued, captured, received, grade
    ("camera", ISSUED, "2026-11-20T10:00:05.000Z", "2026-11-20T10:00:06.000Z", "E2"),
    ("camera", ISSUED, "2026-11-20T12:00:00.000Z", "2026-11-20T12:15:00.000Z", "E2"),
    ("camera", ISSUED, "2026-11-20T12:00:00.000Z", "2026-11-20T12:15:00.001Z", "E1"),  # offline too long
    ("camera", ISSUED, "2026-11-21T09:59:00.000Z", "2026-11-21T10:00:00.000Z", "E2"),
    ("camera", ISSUED, "2026-11-21T09:59:00.000Z", "2026-11-21T10:00:00.001Z", "E1"),  # nonce too old
    ("camera", ISSUED, "2026-11-20T09:55:00.000Z", "2026-11-20T10:00:06.000Z", "E2"),  # a clock a little slow
    (
        "camera",
        ISSUED,
        "2026-11-20T09:54:59.999Z",
        "2026-11-20T10:00:06.000Z",
        "E1",
    ),  # captured before its nonce
    ("camera", ISSUED, "2026-11-20T10:05:06.000Z", "2026-11-20T10:00:06.000Z", "E2"),  # a clock a little fast
    (
        "camera",
        ISSUED,
        "2026-11-20T10:05:06.001Z",
        "2026-11-20T10:00:06.000Z",
        "E1",
    ),  # captured in the future
    ("camera", None, "2026-11-20T10:00:05.000Z", "2026-11-20T10:00:06.000Z", "E1"),
    ("camera", ISSUED, None, "2026-11-20T10:00:06.000Z", "E1"),
    ("file", ISSUED, "2026-11-20T10:00:05.000Z", "2026-11-20T10:00:06.000Z", "E1"),
]


@pytest.mark.parametrize(("how", "issued", "captured", "received", "grade"), GRADES)
def test_grade(how: str, issued: str | None, captured: str | None, received: str, grade: str) -> None:
    told = Capture(how, captured, None if issued is None else nonce(), issued)
    item = photo.collect(WHO, "c", PICTURE, told, received)
    assert (item.type, item.grade) == ("photo", grade)
    assert item.received_at == received
    assert item.facts["captured_at"] == captured and item.facts["how"] == how
    assert item.controllers == {
        "party": "member:ana"
    }  # whatever the grade, its taker could have made it alone


UNFIT = [
    (replace(PICTURE, media_type="image/heic"), "expected one of image/jpeg"),
    (replace(PICTURE, content=b""), "got 0"),
    (replace(PICTURE, content=b"x" * (photo.SIZE_MAX_BYTES + 1)), "got 8388609"),
    (replace(PICTURE, width_px=8_000, height_px=6_000), "got 8000 x 6000"),
    (replace(PICTURE, width_px=0), "got 0 x 3"),
]


@pytest.mark.parametrize(("picture", "words"), UNFIT)
def test_a_picture_out_of_bounds_is_refused(picture: Picture, words: str) -> None:
    with pytest.raises(Refused, match=words):
        photo.collect(WHO, "c", picture, Capture(), ISSUED)


def test_an_unknown_way_of_capture_is_refused() -> None:
    with pytest.raises(Refused, match="expected one of camera, file, got scanner"):
        photo.collect(WHO, "c", PICTURE, Capture("scanner"), ISSUED)


def shown(here: Shop, case: str, content: bytes, one: str | None = None) -> Any:
    """Return the evidence of a photo of the waiter's, taken now."""
    picture = replace(PICTURE, content=content)
    told = Capture("camera", here.now(), one, None if one is None else here.now())
    return photo.collect(here.people["waiter"], case, picture, told, here.now())


async def test_the_same_nonce_and_the_same_photo_count_once(here: Shop) -> None:
    case = await here.open()
    await here.attach(shown(here, case, b"first", "nonce-1"))
    for again in (shown(here, case, b"second", "nonce-1"), shown(here, case, b"first", "nonce-2")):
        with pytest.raises(Refused, match="evidence_reused"):
            await here.attach(again)
    await here.attach(shown(here, case, b"second", "nonce-2"))  # a refusal used neither up


async def test_a_replaced_photo_stays_and_the_new_one_counts(here: Shop) -> None:
    case = await here.open()
    wrong = await here.attach(shown(here, case, b"wrong"))
    right = await here.attach(replace(shown(here, case, b"right"), replaces=wrong))
    rows = {row["evidence"]: row for row in await here.rows.scan("evidence", (case,))}
    assert (rows[wrong]["withdrawn"], rows[right]["withdrawn"]) == (1, 0)
    assert rows[right]["replaces"] == wrong
    assert await here.rows.open(rows[wrong]["content_item"]) == b"wrong"


async def test_a_case_with_a_photo_is_judged_as_without(here: Shop) -> None:
    case = await here.until("outcome")
    await here.attach(shown(here, case, b"shiny", "nonce-1"))
    for row in await here.rows.scan("evidence", (case,)):
        await here.review(case, row["evidence"])
    assert (await here.judge(case))["result"] == "pass"

"""Taps of tags and codes of screens: what is one, what is none, and how long it is good."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework import presence, tokens
from casework.errors import TokenInvalid
from casework.point_requests import METHODS, SCREEN_SECONDS
from casework.presence import TagKeys, Tap
from ledger.clock import instant_of, unix_ms_of
from ledger.errors import Refused
from tests.casework.tags import Tag
from verifiers import work_items

ZERO = TagKeys(bytes(16), bytes(16))
# The sample tap of AN12196 rev. 1.5, section 4.4.4: all keys are zero.
SAMPLE = (bytes.fromhex("EF963FF7828658A599F3041510671E88"), bytes.fromhex("94EED9EE65337086"))
SECRET, LOG, POINT = b"s" * 32, "one", "01a1f866-0d00-7944-b5ab-9b1aa0731dd3"
ISSUED = "2026-11-20T10:00:00.000Z"
KEYS = st.binary(min_size=16, max_size=16)
UIDS = st.binary(min_size=7, max_size=7)
COUNTERS = st.integers(0, 2**24 - 1)


def _keys(tag: Tag) -> TagKeys:
    return TagKeys.of({"meta_key": tag.meta_key, "file_key": tag.file_key})


# ------------------------------------------------------------------------------------------------ tags
def test_the_sample_tap_of_the_application_note() -> None:
    assert presence.read_tap(ZERO, *SAMPLE) == Tap("04de5f1eacc040", 61)


@pytest.mark.parametrize("bit", range(24 * 8))
def test_the_sample_with_one_bit_turned_is_refused(bit: int) -> None:
    whole = bytearray(SAMPLE[0] + SAMPLE[1])
    whole[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused, match="tap_invalid"):
        presence.read_tap(ZERO, bytes(whole[:16]), bytes(whole[16:]))


@settings(max_examples=100, deadline=None)
@given(meta=KEYS, file=KEYS, uid=UIDS, counter=COUNTERS, padding=st.binary(min_size=5, max_size=5))
def test_any_tag_is_read_back(meta: bytes, file: bytes, uid: bytes, counter: int, padding: bytes) -> None:
    tag = Tag(uid.hex(), meta.hex(), file.hex())
    picc, cmac = (bytes.fromhex(one) for one in tag.tapped(counter, padding))
    assert presence.read_tap(_keys(tag), picc, cmac) == Tap(uid.hex(), counter)


@settings(max_examples=100, deadline=None)
@given(meta=KEYS, file=KEYS, uid=UIDS, counter=COUNTERS, bit=st.integers(0, 24 * 8 - 1))
def test_any_tap_with_a_bit_turned_is_refused(
    meta: bytes, file: bytes, uid: bytes, counter: int, bit: int
) -> None:
    tag = Tag(uid.hex(), meta.hex(), file.hex())
    whole = bytearray(bytes.fromhex("".join(tag.tapped(counter))))
    whole[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused, match="tap_invalid"):
        presence.read_tap(_keys(tag), bytes(whole[:16]), bytes(whole[16:]))


NO_TAPS = [
    ("another meta key", Tag().cloned(meta_key="2d" * 16).tapped(7)),
    ("another file key", Tag().cloned(file_key="2d" * 16).tapped(7)),
    ("the MAC of the tap before", (Tag().tapped(7)[0], Tag().tapped(6)[1])),
    ("the MAC of another tag", (Tag().tapped(7)[0], Tag().cloned(uid="04aaaaaaaaaaaa").tapped(7)[1])),
    ("no data", ("", Tag().tapped(7)[1])),
    ("no MAC", (Tag().tapped(7)[0], "")),
    ("a short MAC", (Tag().tapped(7)[0], Tag().tapped(7)[1][:14])),
    ("two blocks", (Tag().tapped(7)[0] * 2, Tag().tapped(7)[1])),
]


@pytest.mark.parametrize("tap", [row[1] for row in NO_TAPS], ids=[row[0] for row in NO_TAPS])
def test_no_tap_of_this_tag(tap: tuple[str, str]) -> None:
    with pytest.raises(Refused, match=r"tap_invalid.*expected"):
        presence.read_tap(_keys(Tag()), *(bytes.fromhex(one) for one in tap))


@pytest.mark.parametrize("first", [0x00, 0x47, 0x87, 0xC4])
def test_a_tag_that_is_set_up_in_another_way_is_none(first: int) -> None:
    """Without its UID or counter mirrored, or with a UID of another length, though the MAC is right."""
    picc, cmac = (bytes.fromhex(one) for one in Tag(first=first).tapped(7))
    with pytest.raises(Refused, match="tap_invalid"):
        presence.read_tap(_keys(Tag()), picc, cmac)


def test_keys_are_not_told_where_they_might_be_printed() -> None:
    assert "0f" * 16 not in repr(_keys(Tag())) and "\\x0f" not in repr(_keys(Tag()))


# ------------------------------------------------------------------------------------------------ codes
def _screen(log: str = LOG, secret: bytes = SECRET, issued: str = ISSUED, drawn: bytes = b"n" * 8) -> str:
    return presence.seal_screen(secret, log, POINT, unix_ms_of(issued), drawn)


def test_codes_say_their_point_and_when_they_were_issued() -> None:
    assert presence.open_code(SECRET, LOG, _screen()) == presence.Code(POINT, ISSUED)
    printed = presence.seal_printed(SECRET, LOG, POINT)
    assert presence.open_code(SECRET, LOG, printed) == presence.Code(POINT, None)
    assert printed == presence.seal_printed(SECRET, LOG, POINT) != _screen()
    assert _screen() != _screen(drawn=b"m" * 8)
    assert max(len(printed), len(_screen())) <= presence.CODE_CHARS_MAX


CODES = [
    ("another log", lambda: _screen("two")),
    ("another key", lambda: _screen(secret=b"t" * 32)),
    ("sealed by nobody", lambda: tokens.to_text(b"\x02" + uuid.UUID(POINT).bytes + bytes(32))),
    ("cut off", lambda: _screen()[:-1]),
    ("too long", lambda: _screen() + "A" * presence.CODE_CHARS_MAX),
    ("empty", lambda: ""),
    ("a MAC alone", lambda: tokens.to_text(presence._mac(SECRET, LOG, b""))),
    ("no base64url", lambda: "é+/="),
]  # fmt: skip


@pytest.mark.parametrize("made", [row[1] for row in CODES], ids=[row[0] for row in CODES])
def test_a_code_that_was_not_issued_here(made: Any) -> None:
    with pytest.raises(TokenInvalid, match="expected one that was issued here"):
        presence.open_code(SECRET, LOG, made())


@settings(max_examples=100, deadline=None)
@given(bit=st.integers(0, 65 * 8 - 1), printed=st.booleans())
def test_a_code_with_a_bit_turned_is_none(bit: int, printed: bool) -> None:
    code = presence.seal_printed(SECRET, LOG, POINT) if printed else _screen()
    whole = bytearray(tokens.to_bytes(code))
    whole[bit // 8 % len(whole)] ^= 1 << bit % 8
    with pytest.raises(TokenInvalid):
        presence.open_code(SECRET, LOG, tokens.to_text(bytes(whole)))


@pytest.mark.parametrize(
    ("waited_ms", "good"), [(0, True), (45_000, True), (45_001, False), (3_600_000, False)]
)
def test_a_screens_code_is_good_for_so_long(waited_ms: int, good: bool) -> None:
    assert SCREEN_SECONDS == 45
    now = instant_of(unix_ms_of(ISSUED) + waited_ms)
    if good:
        presence.check_fresh(presence.Code(POINT, ISSUED), now)
        return
    with pytest.raises(
        Refused, match=r"code_expired.*expected a code until 2026-11-20T10:00:45\.000Z, got it at"
    ):
        presence.check_fresh(presence.Code(POINT, ISSUED), now)


def test_a_code_on_paper_is_always_good() -> None:
    presence.check_fresh(presence.Code(POINT, None), "2126-11-20T10:00:00.000Z")


def test_the_verifier_reads_the_same_methods() -> None:
    assert METHODS == work_items.METHODS

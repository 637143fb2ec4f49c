"""How long a note was read: the server's token says since when, for one note and one reader; every other is refused."""

from __future__ import annotations

import pytest

from casework import shown_notes, tokens
from ledger.errors import Refused

SECRET, AT = b"s" * 32, "2026-11-20T14:00:00.000Z"
THIS = ("quay", "ana", "case-1", "note-1")
"""Log, member, case, note."""
TOKEN = shown_notes.seal(SECRET, *THIS, AT)


def test_it_is_opened_when_it_was_shown() -> None:
    assert shown_notes.opened_at(SECRET, *THIS, TOKEN) == AT


def _later() -> str:
    value = {
        "log": "quay",
        "member": "ana",
        "case": "case-1",
        "note": "note-1",
        "at": "2026-11-20T10:00:00.000Z",
    }
    head = tokens.seal(b"guess" * 7, shown_notes.NOTE_DOMAIN, value).partition(".")[0]
    return f"{head}.{TOKEN.partition('.')[2]}"


OTHERS: list[tuple[str, str, str]] = [
    # what, the token, and what the refusal says
    ("of another organisation", shown_notes.seal(SECRET, "harbour", *THIS[1:], AT), "another log"),
    ("shown to somebody else", shown_notes.seal(SECRET, "quay", "ben", *THIS[2:], AT), "another member"),
    ("of another case", shown_notes.seal(SECRET, "quay", "ana", "case-0", "note-1", AT), "another case"),
    ("of the note before", shown_notes.seal(SECRET, "quay", "ana", "case-1", "note-0", AT), "another note"),
    ("of another server", shown_notes.seal(b"t" * 32, *THIS, AT), "one that was issued here"),
    ("with another instant under the same seal", _later(), "one that was issued here"),
    (
        "of another use",
        tokens.seal(SECRET, b"tallystick/decision-token/v1\x00", {}),
        "one that was issued here",
    ),
    ("an instant", "2026-11-20T10:00:00.000Z", "one that was issued here"),
    ("nothing", "", "one that was issued here"),
    ("too long", "A" * (tokens.TOKEN_CHARS_MAX + 1), "too long"),
    ("not of these signs", "é.é", "one that was issued here"),
]


@pytest.mark.parametrize(("token", "said"), [one[1:] for one in OTHERS], ids=[one[0] for one in OTHERS])
def test_every_other_token_is_refused(token: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        shown_notes.opened_at(SECRET, *THIS, token)
    assert (refused.value.code, refused.value.field) == ("note_not_shown", "/shown")

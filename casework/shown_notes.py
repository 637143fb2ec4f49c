"""How long somebody had a hand-over note before them: the server says when it was opened, never whoever reads it.

    open -> token (HMAC over log, case, note, reader, instant)      nothing is stored
    read back with the token -> `opened_at` of the evidence is the instant in it

A token is for one note and one account. Whoever opens a note twice may answer with the earlier token: it was open then.
That a page lay open is not that somebody read it; what they write down in their own words is looked at besides.
"""

from __future__ import annotations

from casework import tokens
from casework.errors import TokenInvalid, refuse

NOTE_DOMAIN = b"tallystick/note-shown/v1\x00"


def seal(secret: bytes, log: str, member: str, case: str, note: str, at: str) -> str:
    """Return the token of a note that is shown to a member now. `note`: its evidence id; `at`: RFC 3339 UTC."""
    value = {"log": log, "member": member, "case": case, "note": note, "at": at}
    return tokens.seal(secret, NOTE_DOMAIN, value)


def opened_at(secret: bytes, log: str, member: str, case: str, note: str, token: str) -> str:
    """Return when this note was shown to this member.

    Raises:
        Refused: note_not_shown (a token of another note, for somebody else, or none that was issued here).
    """
    try:
        value = tokens.unseal(secret, NOTE_DOMAIN, token, "shown")
    except TokenInvalid as error:
        raise refuse("note_not_shown", str(error), "/shown") from error
    wanted = {"log": log, "member": member, "case": case, "note": note}
    other = sorted(name for name, expected in wanted.items() if value.get(name) != expected)
    if other:
        raise refuse(
            "note_not_shown",
            f"shown: expected that of this note, for {member}, got another {', '.join(other)}",
            "/shown",
        )
    return str(value["at"])

"""What stands on the sheet of a recognition: one list of sentences, shown as a page (sheet.html) and drawn as a PDF
(badge_pdf.py), so that both say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.badge_files import credential_of
from api.pages.qr import Code, code_of
from api.pages.words import Words
from api.rooms import Rooms
from casework import tables
from casework.badge_text import to_text

TEXT_NAME = "badge.txt"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One recognition on paper, in the reader's language. `said` is "" where nothing was said, `code` None where the
    credential says more than a code can hold."""

    place: str
    title: str
    who: str
    what: str
    said: str
    since: str
    criteria: str
    to_check: str
    command: str
    too_long: str
    signed_by: str
    issuer: str
    code: Code | None
    language: str

    def texts(self) -> tuple[str, ...]:
        """Return every sentence on it, from the top."""
        below = (self.to_check, self.command) if self.code else (self.too_long,)
        above = (self.place, self.title, self.who, self.what, self.said, self.since, self.criteria)
        return tuple(one for one in (*above, *below, self.signed_by, self.issuer) if one)


async def sheet_of(rooms: Rooms, award: str, member: str, words: Words) -> Sheet:
    """Return the sheet of a member's own recognition that is theirs for good.

    Raises:
        NotFound: there is none of this member.
    """
    document = await credential_of(rooms, award, member)
    row = await rooms.rows.one(tables.member_name, member=member)
    return told(document, "" if row is None else str(row["name"]), words)


def told(document: Mapping[str, Any], who: str, words: Words) -> Sheet:
    """Return the sheet of a credential. `who`: the name to print; the credential itself holds its salted hash."""
    subject = document["credentialSubject"]
    achievement = subject["achievement"]
    return Sheet(
        place=str(document["issuer"]["name"]),
        title=str(document["name"]),
        who=who,
        what=str(achievement["description"]),
        said=str(subject.get("narrative", "")),
        since=words.gettext("Final since %(day)s", day=words.day_and_year(str(document["validFrom"]))),
        criteria=str(achievement["criteria"]["narrative"]),
        to_check=words.gettext("To check it: read the code into a file, then"),
        command=f"tallystick badge verify {TEXT_NAME}",
        too_long=words.gettext(
            "The thank-you is too long for a code on paper. The file to take along holds it whole."
        ),
        signed_by=words.gettext("Signed by"),
        issuer=str(document["issuer"]["id"]),
        code=_code(document),
        language=words.language,
    )


def _code(document: Mapping[str, Any]) -> Code | None:
    try:
        return code_of(to_text(document), error="l")
    except ValueError:
        return None

"""A file of results that a provider signed, brought by a lead: one signed result a line, each for the course of whom it
names. A result is put down beside what that person wrote down themselves; that it is done is for them to say.

What is made of a line is told and never raised: one that is not understood keeps nothing of the others back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.rooms import Rooms
from api.workbench import OPEN_STATES, expected_of, judge_again, read_signed, signed_item
from casework import tables
from casework.collectors import signed_file
from casework.intake import RequestKey
from casework.requests import Principal
from ledger.errors import Refused

LINES_MAX = 100
FILE_BYTES_MAX = 512 * 1024
TRAINING = "training"
TAKEN, HERE = "taken", "here"
NO_RESULT, NO_KEY, NOBODY, NO_CLAIM, REFUSED = "no_result", "no_key", "nobody", "no_claim", "refused"


@dataclass(frozen=True, slots=True)
class Brought:
    """What was made of a line, counted from 1. `outcome`: TAKEN, HERE (it was brought before), or why it was not taken;
    `detail`: that in the words of the server, "" where it was."""

    line: int
    outcome: str
    account: str = ""
    member: str | None = None
    course: str = ""
    version: str = ""
    passed: bool = False
    case: str | None = None
    detail: str = ""
    code: str = ""


class NoLines(Exception):
    """The file has no line, too many, is too large or is no text; the message says expected and got."""


def lines_of(data: bytes) -> list[tuple[int, str]]:
    """Return (number from 1, text) of the lines that are not empty. Raises NoLines."""
    if len(data) > FILE_BYTES_MAX:
        raise NoLines(f"expected at most {FILE_BYTES_MAX} bytes, got more")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoLines("expected a text file, got other bytes") from error
    found = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not 0 < len(found) <= LINES_MAX:
        raise NoLines(f"expected 1 to {LINES_MAX} lines, got {len(found)}")
    return found


async def bring(
    rooms: Rooms, who: Principal, then: Callable[[str], RequestKey], source: str, data: bytes
) -> list[Brought]:
    """Take a file in, line by line, and return what was made of each.

    Raises:
        NotFound: the source. NoLines.
    """
    await rooms.rows.need("source", tables.source, source=source)
    return [
        await _one(rooms, who, then(f"line{number}"), source, number, text) for number, text in lines_of(data)
    ]


async def _one(rooms: Rooms, who: Principal, key: RequestKey, source: str, number: int, text: str) -> Brought:
    # 1. whose word it is, and what it says
    outcome = NO_RESULT
    try:
        signed_file.take_apart(text)
        outcome = NO_KEY  # it is a signed result: what can be missing now is the key that made it
        read = await read_signed(rooms, source, text)
    except Refused as refused:
        if refused.code == "value_invalid":
            outcome = NO_RESULT
        return Brought(number, outcome, detail=refused.detail, code=refused.code)
    said = read.said
    told = Brought(
        number, NOBODY, str(said["account"]), read.member, str(said["course"]), str(said["course_version"]),
        said["result"] == "passed",
    )  # fmt: skip
    # 2. whom it is about, and what they wrote down
    if read.member is None:
        return told
    case = await _claim(rooms, read.member, told.course, told.version)
    if case is None:
        return _with(told, NO_CLAIM)
    # 3. put down beside it
    try:
        await rooms.desk.attach_evidence(who, key, signed_item(rooms, who, case, read))
    except Refused as refused:
        reused = refused.code == "evidence_reused"
        return _with(told, HERE if reused else REFUSED, case, refused)
    await judge_again(rooms, case)
    return _with(told, TAKEN, case)


def _with(told: Brought, outcome: str, case: str | None = None, refused: Refused | None = None) -> Brought:
    return Brought(
        told.line, outcome, told.account, told.member, told.course, told.version, told.passed, case,
        "" if refused is None else refused.detail, "" if refused is None else refused.code,
    )  # fmt: skip


async def _claim(rooms: Rooms, member: str, course: str, version: str) -> str | None:
    """Return the open claim of this course that a member wrote down, the latest; None: there is none."""
    where = {"origin": "claim", "award_kind": TRAINING, "opened_by": member, "state": OPEN_STATES}
    for row in sorted(
        await rooms.rows.find(tables.case_file, where), key=lambda one: -int(one["opened_seq"])
    ):
        try:
            expected = await expected_of(rooms, row)
        except Refused:
            continue  # erased: nothing can be shown for it any more
        if (expected.get("course"), expected.get("course_version")) == (course, version):
            return str(row["case"])
    return None

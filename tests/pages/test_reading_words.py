"""What the readers of files really say has words in German: each row, list and file that they refuse is read here."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from api.pages.fault_words import NO_TABLE, fault_words, why_not
from api.pages.words import Words
from api.problems import RowsRefused
from api.roster import read_roster
from api.uploads import FILE_BYTES_MAX, NotATable, mapping_for, text_of
from api.watches import library
from casework.joining_rules import HANDS_MAX
from playbooks import documents
from playbooks.errors import ImportRefused
from playbooks.importers import COLUMNS_MAX, LINE_SIZE_MAX_CHARACTERS, Reading, read_text
from playbooks.mapping import read_mapping

GERMAN = Words("de", ZoneInfo("Europe/Berlin"), "2026-11-26T12:00:00.000Z")
BOOKING = {
    "id": "B1", "changed_at": "2026-11-19T16:05", "site": "main", "day": "2026-11-20",
    "starts_at": "2026-11-20T19:30", "covers": "4", "status": "confirmed", "special": "true", "value": "120.00",
    "needs": "step-free",
}  # fmt: skip
ENGLISH = ("expected", " got ", " has it", "another", "earlier", " and ")


def read(text: str) -> Reading:
    """Read a file of bookings as the page for uploads does. Raises NotATable, ImportRefused."""
    kinds = replace(library()[0], zone=GERMAN.zone)
    kind = kinds.kind("booking")
    assert kind is not None
    mapping = mapping_for(text, "till", kinds, kind)
    return read_text(read_mapping(documents.parse(mapping.encode(), "columns"), kinds), text, "b.csv")


def file_of(*rows: dict[str, str]) -> str:
    """Return a file with these changes to a good row."""
    lines = [",".join(BOOKING), *(",".join((BOOKING | row).values()) for row in rows)]
    return "\n".join(lines) + "\n"


def in_german(told: str | None, said: str) -> bool:
    """Say whether a reason has words, these are in it, and none of them is the reader's own."""
    return told is not None and said in told and not any(word in told for word in ENGLISH)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "id: gebraucht: eine eigene Nummer"),
        ({"changed_at": ""}, "changed_at: gebraucht: die Zeit, zu der es begann; da steht: nichts"),
        ({"changed_at": "gestern"}, "changed_at: gebraucht: eine Zeit wie"),
        ({"starts_at": "2026-11-20"}, "starts_at: gebraucht: eine Zeit wie"),
        ({"starts_at": "2026-11-31T10:00"}, "starts_at: gebraucht: ein Tag und eine Zeit, die es gibt"),
        ({"starts_at": "1066-11-20T10:00"}, "starts_at: gebraucht: ein mögliches Jahr"),
        ({"starts_at": "2026-03-29T02:30"}, "starts_at: Die Uhren haben 2026-03-29T02:30:00 übersprungen"),
        ({"day": "20.11.2026"}, "day: gebraucht: ein Tag wie"),
        ({"covers": "vier"}, "covers: gebraucht: eine ganze Zahl; da steht: 'vier'"),
        ({"special": "ja"}, "special: gebraucht: eines von 0, 1, false, true; da steht: 'ja'"),
        ({"site": ""}, "site: gebraucht: etwas"),
        ({"site": "x" * 5_000}, "site: gebraucht: höchstens"),
        ({"value": "viel"}, "value: gebraucht: ein Betrag wie"),
        ({"value": "1.999"}, "value: gebraucht: höchstens 2 Stellen"),
        ({"needs": ";".join("n" * 900)}, "needs: gebraucht: höchstens"),
        ({"needs": "bar,quiet"}, "gebraucht: 10 Zellen"),
        ({"site": '"a"b'}, "Die Anführungszeichen passen nicht"),
        ({"site": "a\x00b"}, "Sie enthält Zeichen, die nicht zu lesen sind."),
    ],
)
def test_a_row_that_was_not_read_says_why_in_german(change: dict[str, str], said: str) -> None:
    (note,) = read(file_of({}, {"id": "B2"} | change)).refused
    assert in_german(fault_words(note.reason, GERMAN), said), (note.reason, fault_words(note.reason, GERMAN))


def test_rows_that_contradict_each_other_say_so_in_german() -> None:
    notes = read(file_of({}, {"covers": "5"}, {"changed_at": "2026-11-19T17:05"})).refused
    assert [fault_words(note.reason, GERMAN) for note in notes] == [
        "Eine frühere Zeile sagt zur selben Zeit etwas anderes über B1.",
        "B1 steht schon in Zeile 2, mit anderen Zeiten; jedes hat eine Zeile.",
    ]
    known = "booking B1: another content for the version of this instant"  # playbooks/records.py
    assert in_german(fault_words(known, GERMAN), "Zu dieser Zeit ist von B1 schon etwas anderes bekannt")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,role\nBen,cook\n", "Zeile 2, role: gebraucht: eines von owner"),
        ("name,role\nBen,owner\n", "Zeile 2, role: gebraucht: eine Rolle"),
        ("name,role\n=1+1,staff\n", "Zeile 2, name: gebraucht: ein Name"),
        ("name,role\nBen\n", "Zeile 2: gebraucht: 2 Zellen"),
        ("name,role,sign_in\nBen,staff,b\n", "Zeile 2, sign_in: gebraucht: etwas aus 3 bis 64 Buchstaben"),
        ("name,role,sign_in\nB,staff,ben\nC,staff,ben\n", "Zeile 3: sign_in: ben steht schon in Zeile 2;"),
        ("name,role,sign_in\nB,staff,ana\n", "Zeile 2: sign_in: Mit ana meldet sich hier schon jemand an;"),
        (
            "who,what\nBen,staff\n",
            "Zeile 1: Die erste Zeile muss die Spalten name, role und vielleicht sign_in nennen",
        ),
        ("", "da steht: nichts."),
        ("name,role\n", "Zeile 2: gebraucht: mindestens eine Person; da steht: niemand"),
        ('name,role\n"B"en,staff\n', "Zeile 1: Die Anführungszeichen passen nicht"),
        ("name,role\n" + "Ben,staff\n" * (HANDS_MAX + 1), f"gebraucht: höchstens {HANDS_MAX} Personen"),
    ],
)
def test_a_staff_list_that_was_not_taken_says_why_in_german(text: str, said: str) -> None:
    with pytest.raises(RowsRefused) as refused:
        read_roster(text, ("staff",), ("ana",))
    reason = refused.value.errors[0].detail
    assert in_german(fault_words(reason, GERMAN), said), (reason, fault_words(reason, GERMAN))


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"x", "q.exe", "Sie heißt q.exe. Speichere sie als CSV; dann endet ihr Name auf .csv, .txt, .tsv."),
        (b"x" * (FILE_BYTES_MAX + 1), "q.csv", "Sie ist größer als 8 MB."),
        (b"id\nZo\xeb\n", "q.csv", "Zeile 2: Sie enthält Zeichen, die nicht zu lesen sind."),
        (b"PK\x03\x04", "q.csv", GERMAN.gettext(NO_TABLE)),
        (b"", "q.csv", GERMAN.gettext(NO_TABLE)),
        (file_of({"site": '"open'}).encode(), "q.csv", "Zeile 2: Die Anführungszeichen passen nicht"),
        (file_of().replace("needs", "needs,id").encode(), "q.csv", "Zeile 1: Diese Spalten stehen mehrmals da"),
        (file_of({"site": "x" * (LINE_SIZE_MAX_CHARACTERS + 1)}).encode(), "q.csv", "Zeile 2: Sie ist länger als"),
        (",".join([*BOOKING, *map(str, range(COLUMNS_MAX))]).encode(), "q.csv", "Zeile 1: Sie hat 510 Spalten"),
        (b"id,site\n1,x\n", "q.csv", "Diese Spalten fehlen: day, starts_at"),
    ],
)  # fmt: skip
def test_a_file_that_was_not_taken_says_why_in_german(data: bytes, name: str, said: str) -> None:
    with pytest.raises((NotATable, ImportRefused)) as refused:
        read(text_of(data, name))
    told = why_not(refused.value, GERMAN)
    assert in_german(told, said), (told, str(refused.value))

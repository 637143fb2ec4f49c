"""The story's sentences, every one of them, whether the demo's story needs it or not: words of the pages only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.pages.refusals import refusals_of
from api.pages.story import (
    REFUSAL_WORDS,
    SENTENCES,
    Refusal,
    Telling,
    checks_words,
    damaged,
    spelled,
    stood_behind,
    tell_steps,
)
from api.pages.thanks import ASKED, ENDED, NOT_GIVEN, QUESTION, STATES, reason, state_chip
from api.pages.words import Words
from casework import awards, decisions
from ledger.entries import KINDS, Actor, Entry
from tests.page_words import NEVER_SAID, says

AT = "2026-11-20T16:05:00.000Z"
ADA, ROBIN = "member-ada", "member-robin"
WORDS = Words("en", ZoneInfo("UTC"), AT)
TELL = Telling({ADA: "Ada", ROBIN: "Robin"}, {}, WORDS, helpers=frozenset({ROBIN}))

CODES: dict[str, list[Any]] = {
    "origin": ["signal", "report", "claim", "schedule"],
    "about": ["action", "award"],
    "verb": ["approved", "declined"],
    "type": ["system_record", "customer_confirmation", "upload"],
    "grade": ["E0", "E1", "E2", "E3", "E4"],
    "result": ["pass", "fail", "insufficient", "needs_human", "error", "accepted", "refused"],
    "resolution": ["fixed", "accepted_risk", "false_alarm", "duplicate"],
    "answer": ["resolved", "not_resolved"],
}
SINGLE: dict[str, Any] = {
    "onset": AT, "settle_not_before": AT, "beneficiaries": [ADA], "submitter": f"member:{ADA}", "missing": ["a photo"],
    "shares": [{"member": ADA, "amount": 6}], "owner": ADA, "action": "change_the_rota",
}  # fmt: skip


def entries_of(kind: str) -> Iterator[Entry]:
    """Yield the kind with every code that its sentence may turn on, by a person and by the system."""
    fields = KINDS[kind].fields
    codes = [name for name in CODES if name in fields]
    for values in product(*(CODES[name] for name in codes)):
        body = {
            name: SINGLE.get(name, AT if fields[name].startswith("instant") else "x") for name in fields
        } | dict(zip(codes, values, strict=True))
        for actor in (Actor(ADA, "staff", "http"), Actor("system", "system", "job")):
            yield Entry(1, "x.invalid", 7, AT, kind, actor, "a-case", body, {}, "0" * 64, "0" * 64)


OF_CASES = [kind for kind in KINDS if kind.startswith(("case_", "award_", "evidence_", "link_", "decision_"))]


@pytest.mark.parametrize("kind", sorted({*SENTENCES, *OF_CASES, "log_opened"}))
def test_every_sentence_keeps_to_the_words_of_the_pages(kind: str) -> None:
    for entry in entries_of(kind):
        (step,) = tell_steps([entry], {}, [], TELL)
        for said in (step.sentence, step.detail):
            assert [word for word in NEVER_SAID if says(said, word)] == [], said


def test_every_step_of_an_exception_has_a_sentence_of_its_own() -> None:
    assert set(OF_CASES) <= SENTENCES.keys()


def test_every_refusal_and_state_keeps_to_the_words_of_the_pages() -> None:
    said = [*(" ".join(words) for words in REFUSAL_WORDS.values()), QUESTION[0]]
    said += [words for mine, theirs, _ in STATES.values() for words in (mine, theirs)]
    said += [words for table in (ASKED, ENDED, NOT_GIVEN) for words in table.values()]
    said += [" ".join((note.lead, note.rest)) for note in (damaged(seq, WORDS) for seq in (None, 0, 112))]
    assert [(text, word) for text in said for word in NEVER_SAID if says(text, word)] == []


REFUSED = [
    (
        ROBIN,
        "not_allowed",
        "Refused: Robin tried to say yes",
        "A digital employee suggests; it never decides.",
    ),
    (ADA, "not_allowed", "Refused: Ada tried what somebody else may do", "Their role in this place"),
    (ADA, "never_heard_of", "Refused: Ada tried", "This place does not allow it."),
]


@pytest.mark.parametrize(("who", "code", "sentence", "why"), REFUSED)
def test_a_person_is_not_told_as_a_digital_employee(who: str, code: str, sentence: str, why: str) -> None:
    (step,) = tell_steps([], {}, [Refusal(AT, f"member:{who}", code)], TELL)
    assert step.sentence == sentence and step.detail.startswith(why)


@pytest.mark.parametrize(
    ("seq", "lead", "rest"),
    [
        (112, "Step 112 was changed.", "Everything up to step 111 is sound."),
        (1491, "Step 1,491 was changed.", "Everything up to step 1,490 is sound."),
        (0, "Step 0 was changed.", "What came after"),
        (None, "The record was changed after it was sealed.", "Which step"),
    ],
)
def test_damage_in_words(seq: int | None, lead: str, rest: str) -> None:
    note = damaged(seq, WORDS)
    assert (note.lead, note.tone) == (lead, "late") and note.rest.startswith(rest)


@pytest.mark.parametrize(("number", "said"), [(0, "No"), (3, "Three"), (7, "7"), (-1, "-1"), (1200, "1,200")])
def test_a_sentence_begins_with_a_number_in_letters(number: int, said: str) -> None:
    assert spelled(number, WORDS) == said


def test_a_check_that_was_not_needed_did_not_fail() -> None:
    """What would make the number higher is asked for only where it is needed; "1 of 2" reads as a failure."""
    checks = [{"result": "pass"}, {"result": "not_needed"}]
    assert checks_words(checks, WORDS) == ("1 of 1 checks passed", "1 more was not needed.")
    assert checks_words(checks[:1], WORDS) == ("1 of 1 checks passed", "")


@pytest.mark.parametrize(
    ("people", "said"),
    [(1, "At least one person stood behind this."), (3, "At least three people stood behind this.")],
)
def test_how_many_stood_behind_it(people: int, said: str) -> None:
    assert stood_behind(people, WORDS) == said


def test_a_sentence_begins_with_a_capital_where_a_name_was_erased() -> None:
    entry = next(entries_of("acknowledged"))
    (step,) = tell_steps([entry], {}, [], Telling({}, {}, WORDS))
    assert step.sentence == "Somebody is on it"


def test_every_coded_reason_is_told_in_words() -> None:
    assert set(decisions.DECLINE_REASONS) <= NOT_GIVEN.keys()
    assert {*awards.DECLINE_REASONS, *awards.REVOKE_CAUSES} <= ENDED.keys()
    assert set(awards.HOLD_REASONS) <= ASKED.keys()
    assert reason(ENDED, "brought_later", WORDS) == "Brought later." and reason(ENDED, None, WORDS) == ""


CHIPS = [
    (awards.PROVISIONAL, False, True, ("Waiting until 20 Nov", "wait")),
    (awards.PROVISIONAL, True, True, ("There is a question", "attention")),
    (awards.SETTLED, False, True, ("Yours for good", "done")),
    (awards.SETTLED, False, False, ("Theirs for good", "done")),
    (awards.SETTLED, True, False, ("There is a question", "attention")),
    (awards.DECLINED, True, True, ("Ended while waiting", "quiet")),
    (awards.REVOKED, True, False, ("Taken back", "quiet")),
]


@pytest.mark.parametrize(("state", "held", "own", "chip"), CHIPS)
def test_how_a_recognition_stands(state: str, held: bool, own: bool, chip: tuple[str, str]) -> None:
    assert state_chip(state, held, AT, own, WORDS) == chip


GOOD = '{"at": "%s", "log": "l", "case": "c", "member": "m", "code": "%s"}\n'


@pytest.mark.parametrize(
    "bad", ["", "{", "[]", "7", "null", '{"log": "l"}', '{"case": "c", "log": "l"}', "\udcff"]
)
def test_a_bad_line_of_the_journal_hides_no_later_refusal(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "refusals.jsonl"
    text = GOOD % (AT, "stale") + bad + "\n" + GOOD % (AT, "no_authority")
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = refusals_of(path, "l", "c")
    assert [refusal.code for refusal in found] == ["stale", "no_authority"]

"""Every line that a judge can leave open has words, a step that brings it, and both languages."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from api.pages.missing_words import (
    BEGIN,
    BUTTONS,
    BY_OTHERS,
    ELSEWHERE,
    FOLLOWS,
    INSUFFICIENT,
    OTHER,
    SAID,
    WAIT,
    lacking_of,
)
from api.pages.words import Words
from tests.verifiers.kit import Kit
from tests.verifiers.kits import KITS
from verifiers.registry import judge

ENGLISH, GERMAN = (Words(one, ZoneInfo("UTC"), "2026-11-20T10:00:00.000Z") for one in ("en", "de"))
EVERY = frozenset(BUTTONS)


def line(check: str, reason: str = "anything") -> dict[str, str]:
    return {"id": check, "result": INSUFFICIENT, "reason": reason}


def open_lines(kit: Kit) -> set[tuple[str, str]]:
    """Return (line, reason) of all that the kit's cases leave open; each reason of the code is seen there."""
    found = set()
    for case in kit.golden:
        output = judge(kit.input(case.patch), kit.verifier, kit.version).output
        found |= {(one["id"], one["reason"]) for one in output["checks"] if one["result"] == INSUFFICIENT}
    return found


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.verifier)
def test_every_open_line_of_a_judge_has_words(kit: Kit) -> None:
    found = open_lines(kit)
    assert len(found) > 8
    assert {check for check, _ in found} <= set(SAID)
    for check, reason in found:
        told = lacking_of([line(check, reason)], "c", EVERY, ENGLISH)
        follows = reason == FOLLOWS and check not in BEGIN
        assert len(told) == (0 if follows else 1), (check, reason)
        assert not told or told[0].words != OTHER[0]


def test_every_key_is_a_line_of_a_judge() -> None:
    known = {check for kit in KITS for check in kit.checks}
    assert {key.partition(":")[0] for key in SAID} <= known
    reasons = {f"{check}:{reason}" for kit in KITS for check, reason in open_lines(kit)}
    assert {key for key in SAID if ":" in key} <= reasons


@pytest.mark.parametrize("key", sorted(SAID))
def test_a_line_is_said_in_both_languages_with_a_way_on(key: str) -> None:
    check, _, reason = key.partition(":")
    one, other = (
        lacking_of([line(check, reason or "x")], "c", EVERY, words)[0] for words in (ENGLISH, GERMAN)
    )
    assert one.words != other.words
    step = SAID[key][1]
    assert step in BUTTONS or step in ELSEWHERE or step in BY_OTHERS or step == WAIT
    assert bool(one.button) == (step in BUTTONS or step in ELSEWHERE)
    none = lacking_of([line(check, reason or "x")], "c", frozenset(), ENGLISH)[0]
    assert not none.button or step in ELSEWHERE, "a button that the reader may not press"


def test_what_only_adds_up_is_told_alone() -> None:
    both = [
        line("forgery_number", "forged_too_easily"),
        line("present", "no_check_in"),
        line("present", "no_check_in"),
    ]
    assert [one.path for one in lacking_of(both, "c", EVERY, ENGLISH)] == ["/points"]
    assert len(lacking_of(both[:1], "c", EVERY, ENGLISH)) == 1
    passed = {"id": "present", "result": "pass", "reason": "ok"}
    assert lacking_of([passed], "c", EVERY, ENGLISH) == ()
    (unknown,) = lacking_of([line("a_line_of_later")], "c", EVERY, ENGLISH)
    assert unknown.words == OTHER[0] and unknown.path == "/exceptions/c?do=bring#bring"

"""What came of a recognised matter, in the words of the business: only what the record says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.pages.vouched import came_of
from api.pages.words import Words

ENGLISH, GERMAN = (Words(one, ZoneInfo("UTC"), "2026-11-20T10:00:00.000Z") for one in ("en", "de"))
OPENED, FIXED = ("case_opened", {"value": None}), ("outcome_recorded", {"resolution": "fixed"})
YES, NO = ("link_answered", {"answer": "resolved"}), ("link_answered", {"answer": "not_resolved"})
SAYS, KEPT = "The guest says that it is solved.", "were at stake, and it was put right."


def worth(minor: int, kind: str = "proposal_made") -> tuple[str, dict[str, Any]]:
    return kind, {"value": {"amount_minor": minor, "currency": "EUR"}}


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ([OPENED], ""),
        ([OPENED, FIXED], ""),
        ([OPENED, YES, FIXED], SAYS),
        ([OPENED, YES, NO, FIXED], ""),
        ([OPENED, NO, YES, FIXED], SAYS),
        ([worth(24_000, "case_opened"), FIXED], f"€240 {KEPT}"),
        ([worth(9_900, "case_opened"), worth(24_000), YES, FIXED], f"{SAYS} €240 {KEPT}"),
        ([worth(24_000), ("proposal_made", {"value": None}), FIXED], f"€240 {KEPT}"),
        ([worth(0), FIXED], ""),
        ([worth(24_000), YES], SAYS),
        ([worth(24_000), ("outcome_recorded", {"resolution": "accepted_risk"})], ""),
    ],
)
def test_it_says_what_the_record_says(story: list[tuple[str, dict[str, Any]]], said: str) -> None:
    entries: list[Any] = [SimpleNamespace(kind=kind, body=body) for kind, body in story]
    assert came_of(entries, ENGLISH) == said
    assert bool(came_of(entries, GERMAN)) == bool(said) and (not said or came_of(entries, GERMAN) != said)

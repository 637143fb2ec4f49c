"""Every trouble of an anchor and every reason of its end has words: on the page, and in what tells an owner."""

from __future__ import annotations

import re
from pathlib import Path

from api.anchor_cases import SAID
from api.pages.stamp_words import REASONS, TROUBLES
from casework import anchor_requests
from tests.page_words import NEVER_SAID, says

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec" / "anchoring.md"


def codes() -> set[str]:
    """Return the codes of the table of troubles."""
    table = SPEC.read_text(encoding="utf-8").split("## 4. Troubles")[1].split("## 5.")[0]
    return set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))


def test_every_trouble_has_words_on_the_page_and_in_its_case() -> None:
    assert len(codes()) >= 12
    assert TROUBLES.keys() == SAID.keys() == codes()


def test_every_reason_has_words() -> None:
    assert REASONS.keys() == set(anchor_requests.REASONS)


def test_what_is_said_on_the_page_is_in_the_words_of_pages() -> None:
    said = (
        [f"{lead} {rest}" for lead, rest in TROUBLES.values()] + list(SAID.values()) + list(REASONS.values())
    )
    for text in said:
        assert [word for word in NEVER_SAID if says(text, word)] == [], text

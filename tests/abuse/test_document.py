"""The sentences of docs/abuse.md count the rows that stand there: a row more is a number more."""

from __future__ import annotations

import re

from tests.abuse.abuses import ABUSES
from tests.abuse.conspiracies import CONSPIRACIES
from tests.abuse.table import DOC, drawn_of

ENDS_UNCREDITED = ("| 0 |", "| - |")


def test_the_sentences_count_the_rows() -> None:
    text = DOC.read_text(encoding="utf-8")
    first, second = text.split("## What the number says")
    rows = [line for line in first.splitlines() if line.startswith("| ") and not line.startswith("| Abuse |")]
    settled = sum(row.split("|")[3].strip() != "0" for row in rows)
    credited = sum(not row.endswith(ENDS_UNCREDITED) for row in rows)
    assert len(rows) == len(ABUSES)
    assert f"This list plays {len(rows)} abuses" in text
    assert f"Of these {len(rows)} abuses, {settled} settle here. Under one click {credited} were" in text
    played = re.search(r"lying, (\d+) plays", second)
    assert played is not None and int(played[1]) == sum(len(list(one.smaller())) for one in CONSPIRACIES)
    assert f"{drawn_of()} of 10,000 awards" in second

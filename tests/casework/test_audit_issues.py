"""The audit of meaning over verdicts of service_issue 2: nothing that its judge was shown can be told differently."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.casework.forged_issues import ISSUES, Change, forged
from tests.casework.forging import Story
from tests.casework.histories import History
from tests.casework.issues import judged
from tests.casework.test_audit import audited


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return asyncio.run(judged(tmp_path_factory.mktemp("issues")))


def test_honest_verdicts_are_earned_and_count_whose_hands_it_was(history: History) -> None:
    found = audited(history)
    assert (found.findings, found.unreplayable, found.verdicts, found.awards) == ([], [], 4, 1)
    story = Story.of(history)
    said = {
        case: (line.body["version"], line.body["result"], line.body["k_evidence"])
        for case in ("named", "another", "nobody", "back")
        for line in (story.find("verdict_given", case),)
    }
    assert said == {
        "named": (2, "pass", 2),
        "another": (2, "needs_human", 1),
        "nobody": (2, "pass", 1),
        "back": (2, "fail", 2),
    }


@pytest.mark.parametrize(
    ("case", "change", "what"), [row[1:] for row in ISSUES], ids=[row[0] for row in ISSUES]
)
def test_what_a_judge_was_shown_is_what_stood(history: History, case: str, change: Change, what: str) -> None:
    story = Story.of(history)
    line = forged(story, case, change)
    told = story.told()
    found = audited(told).findings
    assert [finding.seq for finding in found] == [story.lines.index(line)], found
    assert re.search(what, found[0].what), found

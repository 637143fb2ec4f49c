"""Every line of docs/incentives.md again, from the same seeds: minutes, so it stands here."""

from __future__ import annotations

import json

import pytest

from tools import incentives


@pytest.mark.timeout(3600)
def test_every_line_of_the_document_comes_out_again() -> None:
    text = incentives.DOCUMENT.read_text(encoding="utf-8")
    results = {name: incentives.play_all(name) for name in incentives.VARIANTS}
    for name, rows in results.items():
        for line in incentives.table(name, rows):
            assert line in text, line
    assert incentives.shown(results) == json.loads(incentives.PLAYED.read_text(encoding="utf-8"))

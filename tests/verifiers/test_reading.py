"""Instants and limits are read exactly."""

from __future__ import annotations

import pytest

from verifiers.errors import InputInvalid
from verifiers.reading import Reader, instant_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-11-23T16:10:00.123Z", 1_795_450_200_123),
        ("2024-02-29T00:00:00.000Z", 1_709_164_800_000),
    ],
)
def test_instant_in_milliseconds(text: str, ms: int) -> None:
    assert instant_ms(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23T16:10:00Z",
        "2026-11-23 16:10:00.000Z",
        "2026-11-23T16:10:00.000z",
        "2026-11-23T16:10:00.0000",
        "2025-02-29T00:00:00.000Z",
        "2026-11-23T24:00:00.000Z",
        "2026-11-23T16:10:60.000Z",
        "2026-11-23T16:10:0٠.000Z",
        "2026-W47-1T16:10:00.000Z",
    ],
)
def test_instant_refused(text: str) -> None:
    with pytest.raises(InputInvalid, match="expected an instant like"):
        Reader(text, "at", InputInvalid).instant()


def test_long_values_are_shown_short() -> None:
    with pytest.raises(InputInvalid) as refused:
        Reader("x" * 5_000, "note", InputInvalid).text()
    assert len(str(refused.value)) < 200

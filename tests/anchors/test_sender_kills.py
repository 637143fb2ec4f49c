"""A real sender, killed where it hurts most, goes on where it was; tests/prove/test_anchors.py kills it everywhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.anchors.killing_sender import anchored
from tests.anchors.sender_world import ANVIL_OPTIONS
from tests.anvil import running_anvil

ANCHORS = 4
KILLS = (("after sign", 1), ("after push", 2), ("after receipt", 1))
"""Signed and not sent; sent to some; final and recorded, but not yet noted."""


@pytest.mark.timeout(240)
async def test_a_killed_sender_sends_nothing_twice_and_leaves_no_gap(tmp_path: Path) -> None:
    with running_anvil(*ANVIL_OPTIONS) as anvil:
        url = f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"
        seen = await anchored(anvil.url, url, tmp_path, ANCHORS, list(KILLS), random.Random(1), faults=False)
    assert seen.anchored == seen.sends == ANCHORS
    assert sum(seen.kills.values()) == len(KILLS)
    assert seen.given_again == 1

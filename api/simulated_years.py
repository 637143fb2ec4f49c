"""What a simulated year says of a policy, for a page: from the years played at build time, else played now.

    told = await beside(rooms, policy)          a Told, or None: it took too long, or cannot be played
    told.fresh                                  whether it was played just now, once and mostly for a shorter time

Shipped policies were played by `python -m tools.incentives` (casework/laboratory/played.json, by digest). Any other one
is played in a process of its own, one at a time, ended after SECONDS_MAX; what it said is kept for a while. A
model is shown beside a policy and decides nothing: a policy that could not be played can be published all the same.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from api.rooms import Rooms
from casework import laboratory
from ledger.codec import dumps, loads
from verifiers.policy import Policy

SECONDS_MAX = 20.0
"""As long as somebody waits; a quarter of a year takes two to five seconds on an idle core."""
OUTPUT_BYTES_MAX = 65_536
PLAYED = Path(laboratory.__file__).with_name("played.json")
COMMAND = (sys.executable, "-m", "casework.laboratory")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it: `houses` by the keys of casework.laboratory.trial.HOUSES."""

    people: int
    weeks: int
    years: int
    houses: Mapping[str, Any]
    fresh: bool


class NotPlayed(Exception):
    """It took too long, or broke."""


async def beside(rooms: Rooms, policy: Policy, fresh: bool = False) -> Told | None:
    """Return what a simulated year says of a policy, None where nobody can say.

    `fresh`: played now whatever is known, so that two policies are compared over the same people and the same days.
    """
    known = shipped_years().get(policy.digest)
    if known is not None and not fresh:
        return _told(known, fresh=False)
    try:
        return await rooms.played.get((policy.digest,), lambda: play(policy.content))
    except NotPlayed as error:
        _log.warning("a policy was not played: %s", error)
        return None


@cache
def shipped_years() -> Mapping[str, Any]:
    """Return what was played when the product was built, by the digest of the policy."""
    return dict(json.loads(PLAYED.read_text(encoding="utf-8")))


async def play(content: Mapping[str, Any], seconds_max: float = SECONDS_MAX) -> Told:
    """Play a policy in a process of its own.

    Raises:
        NotPlayed: it took longer than `seconds_max`, or ended otherwise than well.
    """
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        said, why = await asyncio.wait_for(child.communicate(dumps(content)), seconds_max)
    except TimeoutError:
        raise NotPlayed(f"expected an answer within {seconds_max} seconds") from None
    finally:
        # also where whoever asked has left meanwhile
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0 or len(said) > OUTPUT_BYTES_MAX:
        raise NotPlayed(
            f"expected exit code 0, got {child.returncode}: {why[-300:].decode(errors='replace')}"
        )
    return _told(loads(said), fresh=True)


def _told(found: Mapping[str, Any], fresh: bool) -> Told:
    return Told(found["people"], found["weeks"], found["years"], found["houses"], fresh)

"""A clock that stepped by more than a day stops the log until an owner confirms the time; reading goes on."""

from __future__ import annotations

from pathlib import Path

from ledger.clock import HandClock
from tests.api.house import START, house

TWO_DAYS_MS = 2 * 86_400_000


async def test_a_stepped_clock_stops_the_log_until_an_owner_confirms_it(tmp_path: Path) -> None:
    async with house(tmp_path) as at:
        team = await at.organisation("Harbour House")
        running = await at.ask("POST", "/api/v1/clock/confirm", team.keys["owner"])
        assert (running.status_code, running.json()["code"]) == (409, "transition")

        unix_ms = at.clock.read().unix_ms
        at.clock.reading = HandClock(unix_ms, 1_000).read()  # a clock that can tell a step
        await at.done("/api/v1/reports", team.keys["staff"], {"note": "Before"})
        at.clock.set(unix_ms + TWO_DAYS_MS)
        stopped = await at.ask("POST", "/api/v1/reports", team.keys["staff"], json={"note": "During"})
        assert stopped.status_code == 503
        assert (await at.ask("GET", "/api/v1/cases", team.keys["staff"])).status_code == 200

        refused = await at.ask("POST", "/api/v1/clock/confirm", team.keys["manager"])
        assert refused.status_code == 403
        await at.done("/api/v1/clock/confirm", team.keys["owner"])
        done = await at.done("/api/v1/reports", team.keys["staff"], {"note": "After"})
        assert done["entries"]["at"] > START

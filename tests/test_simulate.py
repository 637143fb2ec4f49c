"""A short play on bookings made here: the whole product through its real server, cheats refused, both audits passed."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from api.cast import CHEATS
from api.simulate import Report, simulate
from ledger.findings import Exit
from playbooks.backtest import load_example

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "hotel_bookings"
FIRST_DAY = date(2027, 3, 1)
BOOKINGS = 30
DAYS = 24


def write_bookings(path: Path) -> None:
    """Write made-up bookings in the example's format: every fourth got another room, every fifth is unrecognised."""
    mapping = load_example(EXAMPLE).mapping
    assert mapping is not None
    random = Random(7)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, mapping.columns)
        writer.writeheader()
        for number in range(BOOKINGS):
            arrival = FIRST_DAY + timedelta(days=random.randrange(6))
            nights = random.randrange(1, 4)
            row = dict.fromkeys(mapping.columns, "1") | {
                "booking": f"B{number}",
                "booked_on": str(arrival - timedelta(days=random.randrange(20, 60))),
                "arrival_on": str(arrival),
                "reservation_status_date": str(arrival + timedelta(days=nights)),
                "reservation_status": "Check-Out",
                "is_canceled": "0",
                "stays_in_week_nights": str(nights),
                "total_of_special_requests": str(random.randrange(3)),
                "reserved_room_type": "A",
                "assigned_room_type": "AAAB"[number % 4] if number % 2 else "C",
                "is_repeated_guest": "0",
                "previous_bookings_not_canceled": "2" if number % 5 == 0 else "0",
                "market_segment": "Direct",
                "adr": "80.50",
                "country": "PRT",
                "agent": "NULL",
            }
            writer.writerow(row)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One play, looked at by several tests."""
    place = tmp_path_factory.mktemp("simulate")
    write_bookings(place / "bookings.csv")
    return simulate(EXAMPLE, place / "bookings.csv", DAYS, place / "data", seed="3")


def test_simulate_opens_cases_by_signal_report_and_claim(played: Report) -> None:
    assert played.opened["signal"] >= 10
    assert played.opened["report"] > 0
    assert played.opened["claim"] > 0


def test_simulate_grants_and_settles_awards(played: Report) -> None:
    assert played.awards["settled"] > 0
    assert played.decided["action approved"] > played.decided["award approved"] >= sum(played.awards.values())


def test_simulate_refuses_one_attempt_in_ten_and_leaves_nothing_behind(played: Report) -> None:
    assert played.refused_count * 10 >= played.attempts
    assert played.left_behind == []
    for code in (
        "decider_is_maker",
        "evidence_missing",
        "evidence_reused",
        "no_authority",
        "second_person_needed",
    ):
        assert played.refused[code] > 0, code
    assert {tried: played.cheats[tried] for tried in CHEATS if not played.cheats[tried]} == {}


def test_simulate_keeps_the_book_at_zero_and_pays_only_what_was_awarded(played: Report) -> None:
    assert sum(played.tokens.values()) == 0
    paid = sum(
        tokens for account, tokens in played.tokens.items() if account.endswith(("provisional", "settled"))
    )
    live = played.awards["settled"] + played.awards["provisional"]
    assert paid == 8 * live


def test_simulate_passes_both_audits(played: Report) -> None:
    audited = played.audited
    assert audited is not None
    assert audited.exit is Exit.CONSISTENT_ONLY
    assert audited.earned is not None
    assert audited.earned.findings == []
    assert audited.earned.awards == sum(played.awards.values())
    assert audited.intact.size == played.entries
    assert audited.intact.root.hex() == played.root

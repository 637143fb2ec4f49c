"""The back-test: real files against their ground truth, and planted rows that the truth cannot tell apart."""

# ruff: noqa: E501 - tables, one line per case

from __future__ import annotations

import csv
import gzip
import shutil
from pathlib import Path

import pytest

from playbooks.backtest import Result, backtest, hits_csv, load_example, write_hits
from playbooks.errors import BacktestRefused, DocumentInvalid
from playbooks.importers import read_changes

ROOT = Path(__file__).resolve().parents[2]
HOTEL, DESK = ROOT / "examples" / "hotel_bookings", ROOT / "examples" / "servicenow_incidents"


def truth(folder: Path, rule: str) -> set[str]:
    with gzip.open(folder / "dev_truth.csv.gz", "rt") as lines:
        return {row["case"] for row in csv.DictReader(lines) if row["rule"] == rule}


def test_the_hotel_equals_its_ground_truth(shared_dir: Path) -> None:
    folder = shared_dir / "data" / "hotel_bookings"
    found = backtest(HOTEL, folder / "dev_resort.csv.gz")
    for rule, count in (("repeat_not_recognised", 609), ("special_request_and_room_mismatch", 3216)):
        assert found.subjects(rule) == truth(folder, rule)
        assert len(found.subjects(rule)) == count
    assert (found.rows, found.refused_count, found.broken_count) == (40_060, 0, 0)


def test_the_desk_equals_its_ground_truth(shared_dir: Path) -> None:
    folder = shared_dir / "data" / "servicenow_incidents"
    found = backtest(DESK, folder / "dev_events.csv.gz")
    assert found.subjects("unassigned_48h") == truth(folder, "unassigned_48h")
    assert len(found.subjects("unassigned_48h")) == 1448


# ---------------------------------------------------------------------------------------------- planted rows
HOTEL_COLUMNS = (
    "booking,booked_on,arrival_on,is_canceled,stays_in_week_nights,adults,country,market_segment,is_repeated_guest,"
    "previous_bookings_not_canceled,reserved_room_type,assigned_room_type,agent,adr,total_of_special_requests,"
    "reservation_status,reservation_status_date"
)
DESK_COLUMNS = (
    "row,number,incident_state,caller_id,opened_at,sys_updated_at,category,priority,assignment_group,assigned_to,"
    "closed_code,resolved_at,closed_at"
)


def _hotel(tmp_path: Path, *rows: str) -> Result:
    file = tmp_path / "hotel.csv"
    file.write_text("\n".join((HOTEL_COLUMNS, *rows)) + "\n")
    return backtest(HOTEL, file)


def _desk(tmp_path: Path, *rows: str) -> Result:
    file = tmp_path / "desk.csv"
    file.write_text("\n".join((DESK_COLUMNS, *rows)) + "\n")
    return backtest(DESK, file)


def _stay(
    name: str, booked: str, arrival: str, status: str, when: str, room: str = "B", canceled: int = 0
) -> str:
    return f"{name},{booked},{arrival},{canceled},2,2,PRT,Direct,0,0,A,{room},NULL,50.5,1,{status},{when}"


def _ticket(row: int, number: str, opened: str, updated: str, owner: str = "?", state: str = "Active") -> str:
    return f"{row},{number},{state},9,{opened},{updated},1,3,70,{owner},5,2016-03-30T00:00,2016-04-05T00:00"


END = _ticket(99, "end", "2016-04-20T00:00", "2016-04-20T00:00", "1")


@pytest.mark.parametrize(
    ("answered", "hit"),
    [("2016-03-03T08:59", False), ("2016-03-03T09:00", False), ("2016-03-03T09:01", True)],
)
def test_planted_exactly_48_hours_is_in_time(tmp_path: Path, answered: str, hit: bool) -> None:
    found = _desk(
        tmp_path,
        _ticket(1, "a", "2016-03-01T09:00", "2016-03-01T09:00"),
        _ticket(2, "a", "2016-03-01T09:00", answered, "7"),
        END,
    )
    assert found.subjects("unassigned_48h") == ({"a"} if hit else set())


def test_planted_zone_of_the_desk_is_utc_through_the_clock_change(tmp_path: Path) -> None:
    """48 h over 27 March 2016, when European clocks went forward: in Lisbon 47 h would pass between these two times."""
    found = _desk(
        tmp_path, _ticket(1, "a", "2016-03-26T12:00", "2016-03-26T12:00"),
        _ticket(2, "a", "2016-03-26T12:00", "2016-03-28T12:30", "7"), END,
    )  # fmt: skip
    write_hits(found, tmp_path / "hits.csv")
    assert (tmp_path / "hits.csv").read_bytes() == (
        b"playbook,subject,onset,detected_at\nunassigned_48h,a,2016-03-28T12:00:00.000Z,2016-03-28T12:00:01.000Z\n"
    )


def test_planted_another_zone_would_give_another_answer(tmp_path: Path) -> None:
    example = tmp_path / "example"
    shutil.copytree(DESK, example)
    text = (example / "mapping.yaml").read_text()
    (example / "mapping.yaml").write_text(text.replace("zone: UTC", "zone: Europe/Lisbon"))
    file = tmp_path / "desk.csv"
    rows = [
        _ticket(1, "a", "2016-03-26T12:00", "2016-03-26T12:00"),
        _ticket(2, "a", "2016-03-26T12:00", "2016-03-28T12:30", "7"),
        END,
    ]
    file.write_text("\n".join((DESK_COLUMNS, *rows)) + "\n")
    assert backtest(DESK, file).subjects("unassigned_48h") == {"a"}
    assert backtest(example, file).subjects("unassigned_48h") == set()


def test_planted_zone_of_the_hotel(tmp_path: Path) -> None:
    found = _hotel(
        tmp_path, _stay("summer", "2016-05-01", "2016-07-01", "Check-Out", "2016-07-03"),
        _stay("winter", "2016-05-01", "2016-12-01", "Check-Out", "2016-12-03"),
    )  # fmt: skip
    assert [(hit.split(",")[1], hit.split(",")[2]) for hit in hits_csv(found).splitlines()[1:]] == [
        ("summer", "2016-06-30T23:00:00.000Z"), ("winter", "2016-12-01T00:00:00.000Z"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "hit"),
    [
        (_stay("b", "2016-05-01", "2016-07-01", "Check-Out", "2016-07-03"), True),
        (_stay("b", "2016-05-01", "2016-07-01", "Check-Out", "2016-07-03", room="A"), False),
        # Status changes of the arrival day count first.
        (_stay("b", "2016-05-01", "2016-07-01", "Canceled", "2016-07-01", canceled=1), False),
        (_stay("b", "2016-05-01", "2016-07-01", "No-Show", "2016-07-01", canceled=1), False),
        (_stay("b", "2016-05-01", "2016-07-01", "Canceled", "2016-06-30", canceled=1), False),
        (_stay("b", "2016-05-01", "2016-07-01", "Check-Out", "2016-07-01"), True),
        # Booked on the day of arrival; left on the same day too.
        (_stay("b", "2016-07-01", "2016-07-01", "Check-Out", "2016-07-01"), True),
        # Cancelled only after the arrival: at the arrival nobody could know.
        (_stay("b", "2016-05-01", "2016-07-01", "Canceled", "2016-07-02", canceled=1), True),
        # Dated before the booking: known from the booking on, and flagged.
        (_stay("b", "2016-05-01", "2016-07-01", "Canceled", "2016-04-01", canceled=1), False),
    ],
)
def test_planted_orders_of_one_day(tmp_path: Path, row: str, hit: bool) -> None:
    found = _hotel(tmp_path, row)
    assert found.subjects("special_request_and_room_mismatch") == ({"b"} if hit else set())
    assert found.refused_count == 0


@pytest.mark.parametrize("status", ["Canceled", "No-Show"])
def test_planted_a_status_of_the_arrival_day_is_known_at_the_arrival(tmp_path: Path, status: str) -> None:
    """The order of `changes` in the mapping: versions of one instant are judged together, so no hit can tell it."""
    file = tmp_path / "hotel.csv"
    row = _stay("b", "2016-05-01", "2016-07-01", status, "2016-07-01", canceled=1)
    file.write_text(f"{HOTEL_COLUMNS}\n{row}\n")
    versions = list(read_changes(load_example(HOTEL).mapping, file).changes())
    assert len({one.event_ms for one in versions[1:]}) == 1
    assert [("cancelled" in one.values, "assigned_room" in one.values) for one in versions] == [
        (False, False), (True, False), (True, True),
    ]  # fmt: skip


def test_planted_assigned_once_is_answered_and_lost_owner_does_not_count(tmp_path: Path) -> None:
    found = _desk(
        tmp_path, _ticket(1, "a", "2016-03-01T09:00", "2016-03-01T09:00"), _ticket(2, "a", "2016-03-01T09:00", "2016-03-01T10:00", "7"),
        _ticket(3, "a", "2016-03-01T09:00", "2016-03-01T10:00"), END,
    )  # fmt: skip
    assert found.subjects("unassigned_48h") == set()


def test_planted_columns_that_lie_ahead_are_not_read(tmp_path: Path) -> None:
    """Every row carries resolved_at and closed_at from the first; a rule that read them too early would be silent."""
    example = tmp_path / "example"
    shutil.copytree(DESK, example)
    file = example / "playbooks" / "unassigned_48h.yaml"
    file.write_text(file.read_text().replace("has(ticket.assigned_to)", "has(ticket.resolved_at)"))
    data = tmp_path / "desk.csv"
    rows = [
        _ticket(1, "a", "2016-03-01T09:00", "2016-03-01T09:00"),
        _ticket(2, "a", "2016-03-01T09:00", "2016-04-01T09:00", state="Resolved"),
        END,
    ]
    data.write_text("\n".join((DESK_COLUMNS, *rows)) + "\n")
    assert backtest(example, data).subjects("unassigned_48h") == {"a"}


def test_a_window_past_the_end_is_counted_as_not_yet_known(tmp_path: Path) -> None:
    found = _desk(tmp_path, _ticket(1, "a", "2016-03-01T09:00", "2016-03-01T09:00"))
    assert (found.hits, found.pending) == ((), {"unassigned_48h": 1})


def test_bad_rows_are_reported_and_the_rest_runs(tmp_path: Path) -> None:
    found = _desk(
        tmp_path,
        _ticket(1, "a", "2016-03-01T09:00", "2016-03-01 9am"),
        _ticket(2, "b", "2016-03-01T09:00", "2016-03-01T09:00"),
        END,
    )
    assert [(note.line, note.reason) for note in found.refused] == [
        (2, "sys_updated_at: expected an ISO 8601 time of precision minute, got '2016-03-01 9am'")
    ]
    assert found.subjects("unassigned_48h") == {"b"}


def test_example_folders_refused(tmp_path: Path) -> None:
    with pytest.raises(BacktestRefused, match=r"expected the file kinds\.yaml"):
        load_example(tmp_path)
    example = tmp_path / "example"
    shutil.copytree(DESK, example)
    file = example / "playbooks" / "unassigned_48h.yaml"
    shutil.copy(file, example / "playbooks" / "copy.yaml")
    with pytest.raises(BacktestRefused, match="expected each id once, got unassigned_48h"):
        load_example(example)
    (example / "playbooks" / "copy.yaml").unlink()
    with pytest.raises(BacktestRefused, match="expected playbooks of unassigned_48h, got other"):
        backtest(example, tmp_path / "none.csv", ["other"])
    file.write_text(file.read_text().replace("ticket.opened_at", "ticket.opend_at"))
    with pytest.raises(
        DocumentInvalid, match=r"unassigned_48h\.yaml:13: column 7: unknown field 'opend_at' of ticket"
    ):
        load_example(example)

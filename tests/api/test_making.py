"""A demo is made beside its place by one process, and put in place whole; what cannot be is said before the play."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import pytest

from api.cli import run_verb
from api.venue.making import PlaceTaken, making
from tests.served import END_SECONDS_MAX, START_SECONDS_MAX, started


def filled(folder: Path) -> None:
    """Put into a folder what a play leaves, as far as placing it goes."""
    (folder / "keys").mkdir()
    (folder / "keys" / "log").write_text("secret")
    (folder / "demo.json").write_text("{}")


def names(folder: Path) -> list[str]:
    """Return everything in and under a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


PLACES = [
    ("new", lambda folder: None),
    ("in_new_parents/new", lambda folder: None),
    ("empty", lambda folder: folder.mkdir()),
]


@pytest.mark.parametrize(("name", "prepare"), PLACES, ids=[row[0] for row in PLACES])
def test_making_puts_the_whole_in_place(tmp_path: Path, name: str, prepare) -> None:  # type: ignore[no-untyped-def]
    place = tmp_path / name
    prepare(place)
    with making(place) as beside:
        filled(beside)
        assert not place.exists() or names(place) == []
    assert names(place) == ["demo.json", "keys", "keys/log"]
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_making_fills_the_working_directory_and_does_not_replace_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with making(Path(".")) as beside:
        filled(beside)
    assert names(Path(".")) == ["demo.json", "keys", "keys/log"]


def test_making_clears_what_a_crash_left(tmp_path: Path) -> None:
    left = tmp_path / "demo.making"
    left.mkdir()
    filled(left)
    with making(tmp_path / "demo") as beside:
        assert names(beside) == []


def test_making_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), making(tmp_path / "demo") as beside:
        filled(beside)
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_making_refuses_a_place_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    for name, words in (("file", "expected a folder"), ("full", "new or empty"), ("/", "new or empty")):
        with pytest.raises(PlaceTaken, match=words), making(tmp_path / name):
            pass
    assert names(tmp_path) == ["file", "full", "full/file"]


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    with making(tmp_path / "demo") as beside:
        filled(beside)
        with pytest.raises(PlaceTaken, match="another process at it"), making(tmp_path / "demo"):
            pass
        assert names(beside) == ["demo.json", "keys", "keys/log"]
    assert names(tmp_path / "demo") == ["demo.json", "keys", "keys/log"]


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2200-01-01", "9999-12-31", "tomorrow"])
def test_demo_says_which_days_it_can_play(
    tmp_path: Path, day: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verb(["demo", "--small", "--folder", str(tmp_path / "demo"), "--at", day]) == 2
    said = capsys.readouterr().err
    assert "--at: expected a date" in said
    assert f"got {day}" in said
    assert names(tmp_path) == []


def test_run_demo_finds_a_taken_port_before_it_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run_verb(["--data-dir", str(tmp_path / "demo"), "run", "--demo", "--port", port]) == 2
    said = capsys.readouterr().err
    assert f"127.0.0.1:{port}: expected a free port" in said
    assert "Playing" not in said
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_a_play_that_is_stopped_ends_with_one_sentence(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "demo"
    with started(folder, "demo", "--small") as (play, said):
        until = time.monotonic() + START_SECONDS_MAX
        while not (tmp_path / "demo.making" / "operator.token").exists() and time.monotonic() < until:
            assert play.poll() is None, said.read_text()
            time.sleep(0.05)
        time.sleep(0.5)
        play.send_signal(number)
        assert play.wait(END_SECONDS_MAX) == 130
    assert said.read_text() == "stopped before it was done\n"
    assert [path.name for path in tmp_path.iterdir()] == [said.name]

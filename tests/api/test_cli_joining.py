"""Joining by the command line: the first owner's invite, invites, staff lists, devices, an owner who is locked out."""

from __future__ import annotations

import csv
import stat
from pathlib import Path
from typing import Any

import pytest

from api.cli import run_verb
from tests.api.test_cli import told


@pytest.fixture
def made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, Any]:
    """A data folder with one organisation, and what `init` told."""
    folder = tmp_path / "data"
    return folder, told(capsys, folder, "init", "--name", "Harbour House", "--owner", "Ada")


Made = tuple[Path, Any]


def test_init_prints_an_invite_for_the_owner_and_says_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verb(["--data-dir", str(tmp_path / "data"), "init", "--name", "X", "--owner", "Ada"]) == 0
    printed = capsys.readouterr().out
    assert "invite  http://localhost:8765/join/" in printed and "within the hour" in printed


def test_invites_and_devices(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder, opened = made
    assert opened["invite"].startswith("/join/")
    invited = told(capsys, folder, "member", "invite", "--name", "Nina", "--role", "staff")
    again = told(capsys, folder, "member", "invite", invited["ids"]["member"], "--slip")
    rows = {row["invite"]: row["state"] for row in told(capsys, folder, "invite", "list")}
    assert rows[invited["ids"]["invite"]] == "ended" and rows[again["ids"]["invite"]] == "issued"
    told(capsys, folder, "invite", "end", again["ids"]["invite"])
    for wrong in ((), (invited["ids"]["member"], "--name", "Nina")):
        assert (
            "expected either MEMBER or --name"
            in told(capsys, folder, "member", "invite", *wrong, code=2)["error"]
        )
    device = told(capsys, folder, "device", "share", "The pass")
    assert device["token"].startswith("tsd_")
    told(capsys, folder, "device", "end", device["ids"]["device"])
    (row,) = told(capsys, folder, "device", "list")
    assert (row["label"], row["active"]) == ("The pass", False)
    assert told(capsys, folder, "audit", code=3)[0]["findings"] == []


def test_a_staff_list_leaves_its_links_in_a_file_of_ones_own(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = made
    roster, links = tmp_path / "staff.csv", tmp_path / "links.csv"
    roster.write_text("name,role,sign_in\nNina,staff,nina\nBen,boss,\n")
    refused = told(capsys, folder, "member", "import", str(roster), "--links", str(links), code=1)
    assert "row 3: role: expected one of" in refused["error"] and not links.exists()
    roster.write_text("name,role,sign_in\nNina,staff,nina\nBen,manager,\n")
    told(capsys, folder, "member", "import", str(roster), "--links", str(links))
    assert stat.S_IMODE(links.stat().st_mode) == 0o600
    rows = list(csv.DictReader(links.open()))
    assert [(row["name"], row["sign_in"]) for row in rows] == [("Nina", "nina"), ("Ben", "")]
    assert all(row["invite"].startswith("http://localhost:8765/join/") for row in rows)
    assert "expected nothing there yet" in told(
        capsys, folder, "member", "import", str(roster), "--links", str(links), code=2
    )["error"]  # fmt: skip
    roster.write_bytes(b"name,role\n\xff\xfe,staff\n")
    other = str(tmp_path / "other.csv")
    assert (
        "expected UTF-8"
        in told(capsys, folder, "member", "import", str(roster), "--links", other, code=2)["error"]
    )


def test_an_owner_is_let_in_again_on_the_server(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder, opened = made
    first = told(capsys, folder, "owner", "recover")
    named = told(capsys, folder, "owner", "recover", "--member", "ada", "--log", opened["log"])
    assert first["member"] == named["member"] == opened["member"] and first["invite"] != named["invite"]
    assert "unknown_owner" in told(capsys, folder, "owner", "recover", "--member", "Nobody", code=1)["error"]
    told(capsys, folder, "org", "add", "Second", "--owner", "Bo")
    assert "expected --log, one of" in told(capsys, folder, "owner", "recover", code=2)["error"]
    assert told(capsys, folder, "audit", "--log", opened["log"], code=3)[0]["findings"] == []

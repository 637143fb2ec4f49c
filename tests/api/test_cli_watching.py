"""The command line about what is watched: the file an error names, where kinds lie, what a source changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from api.cli import run_verb
from playbooks.playbook import LIBRARY
from tests.pages.test_purpose import KINDS, PURPOSE, WATCH

HOTEL = Path(__file__).resolve().parents[2] / "examples" / "hotel_bookings"
NOT_A_DOCUMENT_OF_OURS = "nothing: 1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one organisation that has published the library's kinds."""
    made = tmp_path_factory.mktemp("watching") / "data"
    assert run_verb(["--data-dir", str(made), "init", "--name", "Harbour House", "--owner", "Ada"]) == 0
    assert run_verb(["--data-dir", str(made), "playbook", "kinds", str(LIBRARY / "kinds.yaml")]) == 0
    return made


def said(capsys: pytest.CaptureFixture[str], folder: Path, code: int, *arguments: str) -> str:
    """Run a verb that ends with `code` and return what it printed."""
    capsys.readouterr()
    got = run_verb(["--data-dir", str(folder), *arguments])
    printed = capsys.readouterr()
    assert got == code, (arguments, printed.out, printed.err)
    return printed.out + printed.err


def test_errors_name_the_file_that_was_passed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text(NOT_A_DOCUMENT_OF_OURS)
    for verb in ("kinds", "publish"):
        assert f"{mine}:1: " in said(capsys, folder, 1, "playbook", verb, str(mine)), verb
    assert f"{mine}:1: " in said(capsys, folder, 1, "ingest", "pms", str(mine), "--mapping", str(mine))
    mine.write_text("- [\n")  # a policy may be written in any style, so only what is no YAML names a line
    assert f"{mine}:2: " in said(capsys, folder, 1, "playbook", "policy", str(mine))


def test_a_source_of_kinds_that_nobody_published_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, folder, 1, "playbook", "source", "pms", "--kind", "nosuch", "--kind", "quote")
    assert "expected kinds of " in told
    assert ", quote, " in told
    assert "got nosuch; /kinds" in told


def test_a_source_needs_published_kinds_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "data"
    said(capsys, empty, 0, "init", "--name", "Corner Shop", "--owner", "Ada")
    told = said(capsys, empty, 1, "playbook", "source", "pms", "--kind", "quote")
    assert "expected published kinds before a source, got none" in told


def test_a_source_registered_again_says_what_changed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = (
        (("quote",), "source desk is registered: kinds quote\n"),
        (("quote",), "source desk was registered already; nothing changed: kinds quote\n"),
        (
            ("lead", "quote"),
            "source desk was registered already; its kinds changed from quote to lead, quote\n",
        ),
    )
    for kinds, expected in steps:
        options = [part for kind in kinds for part in ("--kind", kind)]
        assert said(capsys, folder, 0, "playbook", "source", "desk", *options) == expected


def test_what_a_watch_on_a_person_is_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    (tmp_path / "kinds.yaml").write_text(KINDS)
    (tmp_path / "watch.yaml").write_text(WATCH)
    said(capsys, data, 0, "init", "--name", "Harbour House", "--owner", "Ada")
    steps: list[tuple[tuple[str, ...], int, str]] = [
        # arguments, exit code, what is said
        (("kinds", str(tmp_path / "kinds.yaml")), 0, "published"),
        (("purpose", "shift_not_closed"), 1, "unknown"),
        (
            ("publish", str(tmp_path / "watch.yaml"), "--mode", "draft"),
            0,
            "playbook shift_not_closed is published",
        ),
        (("purpose", "shift_not_closed"), 0, "watches a person; nobody wrote what for, so it does not run"),
        (("mode", "shift_not_closed", "live"), 1, "purpose_missing"),
        (("purpose", "shift_not_closed", "because"), 1, "expected 20 to 2000 characters, got 7"),
        (
            ("purpose", "shift_not_closed", PURPOSE),
            0,
            "what it is for is written; everybody here can read it",
        ),
        (("purpose", "shift_not_closed"), 0, f"playbook shift_not_closed is for: {PURPOSE}\nwritten by "),
        (("mode", "shift_not_closed", "live"), 0, "playbook shift_not_closed is live"),
    ]
    for arguments, code, words in steps:
        assert words in said(capsys, data, code, "playbook", *arguments), arguments


def test_another_watch_needs_no_purpose(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = Path(__file__).resolve().parents[2] / "verifiers" / "policies" / "service_issue.yaml"
    said(capsys, folder, 0, "playbook", "policy", str(policy))
    said(capsys, folder, 0, "playbook", "publish", str(LIBRARY / "warm_lead_silent.yaml"), "--mode", "draft")
    assert "watches no person" in said(capsys, folder, 0, "playbook", "purpose", "warm_lead_silent")
    told = json.loads(said(capsys, folder, 0, "--json", "playbook", "purpose", "warm_lead_silent"))
    assert told == {"playbook": "warm_lead_silent", "on_person": False, "purpose": None}


CHECKED: list[tuple[str, tuple[str, ...], int, str]] = [
    # what, arguments, exit code, what is said
    (
        "one of the library",
        ("{library}/warm_lead_silent.yaml",),
        0,
        "sound, by the kinds in {library}/kinds.yaml",
    ),
    ("the library", ("{library}",), 0, "supplier_renewal: sound, by the kinds in {library}/kinds.yaml"),
    ("an example", ("{hotel}",), 0, "sound, by the kinds in {hotel}/kinds.yaml"),
    (
        "one of an example",
        ("{hotel}/playbooks/repeat_not_recognised.yaml",),
        0,
        "by the kinds in {hotel}/kinds.yaml",
    ),
    ("a copy elsewhere", ("{copy}/mine.yaml",), 0, "sound, by the kinds in {library}/kinds.yaml"),
    ("other kinds", ("{copy}/mine.yaml", "--kinds", "{hotel}/kinds.yaml"), 1, "mine.yaml:"),
    ("an example, other kinds", ("{hotel}", "--kinds", "{library}/kinds.yaml"), 2, "--kinds: expected none"),
    ("an empty folder", ("{copy}/empty",), 2, "expected playbooks *.yaml"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "words"), [row[1:] for row in CHECKED], ids=[row[0] for row in CHECKED]
)
def test_check_finds_the_kinds_of_a_playbook(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "copy" / "empty").mkdir(parents=True)
    shutil.copy(LIBRARY / "warm_lead_silent.yaml", tmp_path / "copy" / "mine.yaml")
    places = {"library": LIBRARY, "hotel": HOTEL, "copy": tmp_path / "copy"}
    given = [one.format(**places) for one in arguments]
    told = said(capsys, tmp_path / "data", code, "playbook", "check", *given)
    assert words.format(**places) in told


def test_whose_a_name_is_is_said_listed_ended_and_audited(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, folder, 0, "playbook", "source", "rota", "--kind", "shift")
    member = said(capsys, folder, 0, "member", "add", "Kim", "--role", "staff").split()[-1]
    told = said(capsys, folder, 0, "member", "called", "rota", "Kimmie", "--member", member)
    assert f"by Kimmie the source rota means {member}" in told
    assert "Kimmie" in said(capsys, folder, 0, "member", "names", "rota")
    listed = json.loads(said(capsys, folder, 0, "--json", "member", "names", "rota"))
    assert [(one["name"], one["member"]) for one in listed["known"]] == [("Kimmie", member)]
    assert "unknown" in said(capsys, folder, 1, "member", "called", "nowhere", "Kimmie", "--member", member)
    assert "nobody here any more" in said(capsys, folder, 0, "member", "called", "rota", "Kimmie")
    assert "unknown" in said(capsys, folder, 1, "member", "called", "rota", "Kimmie")
    out = tmp_path / "log"
    said(capsys, folder, 0, "export", str(out), "--private")
    (found,) = json.loads(said(capsys, folder, 3, "--json", "audit", str(out)))
    assert found["findings"] == []

"""Files through the command line: packed and in their own encoding, and what is wrong with one is a sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from api.cli import run_verb

DESK = Path(__file__).resolve().parents[2] / "examples" / "servicenow_incidents"
HEADER = (
    "row,number,incident_state,caller_id,opened_at,sys_updated_at,category,priority,assignment_group,assigned_to,"
    "closed_code,resolved_at,closed_at\n"
)


def ticket(number: str, state: str = "New") -> str:
    """One row of the desk's log."""
    return f"1,{number},{state},9,2016-03-01T09:00,2016-03-01T09:00,1,3,70,?,5,?,?\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose desk may send tickets."""
    made = tmp_path_factory.mktemp("ingest") / "data"
    for arguments in (
        ("init", "--name", "Harbour House", "--owner", "Ada"),
        ("playbook", "kinds", str(DESK / "kinds.yaml")),
        ("playbook", "source", "support-desk", "--kind", "ticket"),
    ):
        assert run_verb(["--data-dir", str(made), *arguments]) == 0
    return made


def verb(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str, code: int = 0) -> Any:
    """Run a verb with --json and return what it printed."""
    capsys.readouterr()
    assert run_verb(["--data-dir", str(folder), "--json", *arguments]) == code
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return json.loads(printed.out or printed.err)


def mapping(tmp_path: Path, encoding: str) -> str:
    """The desk's mapping for files of another encoding."""
    text = (DESK / "mapping.yaml").read_text().replace("file:\n", f"file:\n  encoding: {encoding}\n")
    file = tmp_path / f"{encoding}.yaml"
    file.write_text(text)
    return str(file)


def test_a_packed_file_is_the_same_import(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_text(HEADER + ticket("INC1"))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    told = [
        verb(capsys, folder, "ingest", "support-desk", str(file), "--mapping", str(DESK / "mapping.yaml"))
        for file in (packed, plain)
    ]
    assert [(one["imported"], one["repeated"]) for one in told] == [(1, 0), (0, 1)]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "windows-1252", "utf-16"])
def test_a_file_is_read_in_the_encoding_of_its_mapping(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes((HEADER + ticket(f"é-{encoding}", "Gelöst")).encode(encoding))
    told = verb(capsys, folder, "ingest", "support-desk", str(file), "--mapping", mapping(tmp_path, encoding))
    assert (told["imported"], told["refused"]) == (1, 0)
    again = tmp_path / "b.csv"  # the same record from a file of another encoding is the same record
    again.write_text(HEADER + ticket(f"é-{encoding}", "Gelöst"))
    told = verb(capsys, folder, "ingest", "support-desk", str(again), "--mapping", str(DESK / "mapping.yaml"))
    assert (told["imported"], told["repeated"]) == (0, 1)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.csv", b"", "empty.csv: expected a header line, got an empty file"),
        ("latin.csv", (HEADER + ticket("é")).encode("latin-1"), "latin.csv: line 2: expected utf-8"),
        (
            "cut.csv.gz",
            gzip.compress(HEADER.encode(), mtime=0)[:-6],
            "cut.csv.gz: gzip data is damaged or cut off",
        ),
        ("plain.csv.gz", HEADER.encode(), "plain.csv.gz: expected gzip, got other bytes"),
        ("utf-16.csv", HEADER.encode("utf-16"), "utf-16.csv: line 1: expected utf-8, got other bytes"),
    ],
)
def test_a_file_that_cannot_be_sent_is_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, data: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(data)
    arguments = ("support-desk", str(tmp_path / name), "--mapping", str(DESK / "mapping.yaml"))
    assert says in verb(capsys, folder, "ingest", *arguments, code=1)["error"]


@pytest.mark.parametrize("data", [HEADER.encode("utf-16"), bytes(range(256)) * 40, b"\xff,\xfe\n"])
def test_a_back_test_of_other_bytes_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    told = verb(capsys, tmp_path, "backtest", str(DESK), str(tmp_path / "a.csv"), code=1)
    assert "a.csv: line 1: expected" in told["error"]


@pytest.mark.parametrize("what", ["publish", "kinds", "policy"])
def test_a_document_of_other_bytes_is_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    (tmp_path / "a.yaml").write_bytes(b"title: \xe9\n")
    told = verb(capsys, folder, "playbook", what, str(tmp_path / "a.yaml"), code=2)
    assert told["error"].endswith("a.yaml: expected UTF-8 text, got other bytes")


def test_half_a_surrogate_pair_is_named_by_file_and_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        (DESK / "playbooks" / "unassigned_48h.yaml")
        .read_text()
        .replace("\ntitle: ", '\ntitle: "\\ud800 x" #')
    )
    (tmp_path / "half.yaml").write_text(text)
    kinds = ("--kinds", str(DESK / "kinds.yaml"))
    for arguments in (("check", *kinds), ("publish",)):
        told = verb(
            capsys, folder, "playbook", arguments[0], str(tmp_path / "half.yaml"), *arguments[1:], code=1
        )
        assert "half.yaml:2: expected text, got half of a surrogate pair" in told["error"]


def test_where_hits_go_is_checked_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for hits in (tmp_path, tmp_path / "none" / "hits.csv"):
        data = tmp_path / "missing-columns.csv"
        data.write_text("a,b\n")
        told = verb(capsys, tmp_path, "backtest", str(DESK), str(data), "--hits", str(hits), code=2)
        assert f"--hits {hits}: expected a file in a folder that is there" in told["error"]

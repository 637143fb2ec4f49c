"""The command line: what it prints and its exit codes, with a server and without one. Misuse is a sentence and a 2."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import house
from api.cli import run_verb
from api.house import ForeignPackage, check_house
from api.settings import SettingsInvalid, check_names, load_settings
from ledger.bundles import write_bundle
from ledger.checkpoints import Checkpoint, parse_text, sign_checkpoint
from ledger.notes import parse_note
from ledger.store import database_url
from tests.ledger.logs import LOG_KEY, LOG_SIGNER
from tests.served import END_SECONDS_MAX, START_SECONDS_MAX, serving, started
from tests.vectors.regenerate_record import example_bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one organisation, made by the command line itself."""
    made = tmp_path_factory.mktemp("cli") / "data"
    assert run_verb(["--data-dir", str(made), "init", "--name", "Harbour House", "--owner", "Ada"]) == 0
    return made


def told(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str, code: int = 0) -> Any:
    """Run a verb with --json and return what it printed."""
    capsys.readouterr()
    got = run_verb(["--data-dir", str(folder), "--json", *arguments])
    printed = capsys.readouterr()
    assert got == code, (arguments, printed.out, printed.err)
    return json.loads(printed.out) if printed.out else json.loads(printed.err)


def test_verbs_without_a_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    member = told(capsys, folder, "member", "add", "Kim", "--role", "staff")["ids"]["member"]
    assert member in [row["member"] for row in told(capsys, folder, "member", "list")]
    key = told(capsys, folder, "key", "issue", member)
    assert key["secret"].startswith("tsk_")
    told(capsys, folder, "authority", "grant", member, "--about", "award", "--tokens-max", "50")
    assert told(capsys, folder, "org", "list")[0]["members"] == 2
    assert told(capsys, folder, "checkpoint")["checkpoint"].startswith("harbour-house-")
    assert told(capsys, folder, "job", "list") == []
    assert told(capsys, folder, "job", "run", "grant:nothing", code=1)["error"].startswith("unknown: ")
    assert {row["finding"] for row in told(capsys, folder, "doctor")} <= {
        "ok",
        "none runs on this data folder, which is no fault",
    }


def test_audit_of_database_folder_and_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, folder, "audit", code=3)[0]["exit"] == 3
    out = tmp_path / "log"
    assert told(capsys, folder, "export", str(out), "--private")["written"] > 3
    assert told(capsys, folder, "audit", str(out), code=3)[0]["findings"] == []
    vkey = (out / "keys").read_text().split()[0]
    origin = vkey.split("+")[0]
    trust = tmp_path / "trust"
    trust.write_text(f"origin {origin}\nlog {vkey}\n")
    found = told(capsys, folder, "audit", str(out), "--trust", str(trust), code=0)
    assert found[0]["trusted"]
    known = out / "checkpoint"
    assert told(capsys, folder, "audit", "--trust", str(trust), "--known", str(known), code=0)[0]["trusted"]
    bundle = next(out.glob("tile/entries/*.p/*"))
    damaged = bundle.read_bytes().replace(b"staff", b"owner")
    bundle.write_bytes(damaged)
    assert told(capsys, folder, "audit", str(out), "--trust", str(trust), code=1)[0]["findings"]


def test_a_known_checkpoint_beside_a_bundle_is_not_ignored(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, known = tmp_path / "award.json", tmp_path / "known"
    made = example_bundle()
    bundle.write_bytes(write_bundle(made))
    known.write_bytes(made.checkpoint)
    size = parse_text(parse_note(made.checkpoint).text).size
    same = told(capsys, folder, "audit", str(bundle), "--known", str(known), code=3)[0]
    assert f"agrees with a known checkpoint of size {size}" in same["sentences"][0]
    known.write_bytes(sign_checkpoint(Checkpoint(made.log, size, bytes(32)), [(LOG_KEY, LOG_SIGNER.sign)]))
    other = told(capsys, folder, "audit", str(bundle), "--known", str(known), code=1)[0]
    assert [one["detected_by"] for one in other["findings"]] == ["known"]
    known.write_bytes(sign_checkpoint(Checkpoint(made.log, 1, bytes(32)), [(LOG_KEY, LOG_SIGNER.sign)]))
    beside = told(capsys, folder, "audit", str(bundle), "--known", str(known), code=3)[0]
    assert beside["known_not_compared"] == [1]
    assert "size 1 cannot be compared: the bundle's is of size" in beside["sentences"][1]
    known.write_text("no checkpoint")
    told(capsys, folder, "audit", str(bundle), "--known", str(known), code=2)


def test_rebuild_and_rejudge(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = told(capsys, folder, "member", "list")
    assert told(capsys, folder, "rebuild")[0]["entries"] > 3
    assert told(capsys, folder, "member", "list") == before
    assert told(capsys, folder, "rejudge")["different"] == []


MISUSE: list[tuple[tuple[str, ...], int, str]] = [
    (("frobnicate",), 2, "frobnicate"),
    (("member", "add"), 2, "name"),
    (("audit", "/nowhere/at/all"), 2, "expected a log folder"),
    (("audit", "--log", "other"), 2, "expected a log of"),
    (("worker",), 2, "SQLite"),
    (("rebuild", "nobody"), 2, "expected one of"),
    (("rejudge", "nothing"), 2, "expected one of this installation"),
    (("backtest", "/nowhere", "/nowhere"), 2, "/nowhere"),
    # a file that was never a record is no damaged record
    (
        ("audit", "{root}/README.md"),
        2,
        "README.md: expected a bundle (`tallystick export --award`), got a file that begins '# T",
    ),
    (
        ("audit", "{root}/tests/vectors/chain.json"),
        2,
        "expected a bundle (`tallystick export --award`), got a file that begins",
    ),
    (("audit", "{folder}/tallystick.db"), 2, "got a SQLite database; pass sqlite:///{folder}/tallystick.db"),
    (
        ("audit", "--known", "{root}/README.md"),
        2,
        "README.md: expected a checkpoint (`tallystick checkpoint`), got a file",
    ),
    # what the system refuses
    (("export", "/proc/nothing"), 1, "/proc/nothing: expected a file or folder there, got No such file"),
    # which member, what was expected of it, what it got
    (
        ("member", "add", "Ben", "--role", "king"),
        1,
        "; /roles/0: expected one of owner, manager, staff, auditor, outsider, got str 'king'",
    ),
    (
        ("authority", "grant", "x", "--about", "dance"),
        1,
        "; /about: expected one of action, award, got str 'dance'",
    ),
    (
        ("key", "issue", "x", "--until", "tomorrow"),
        1,
        "; /until: expected RFC 3339 with an offset",
    ),
    (
        ("playbook", "mode", "x", "bogus"),
        1,
        "; /mode: expected one of draft, shadow, live, retired, got str 'bogus'",
    ),
    (
        ("org", "add", "", "--owner", ""),
        1,
        "; /owner_name: String should have at least 1 character, got str ''",
    ),
    (("member", "end", "nobody"), 1, "unknown"),
    (("key", "issue", "nobody"), 1, "unknown"),
    (("playbook", "mode", "nothing", "live"), 1, "unknown"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), MISUSE, ids=[" ".join(row[0]) for row in MISUSE])
def test_misuse(
    folder: Path, arguments: tuple[str, ...], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [one.format(folder=folder, root=ROOT) for one in arguments]
    assert run_verb(["--data-dir", str(folder), *given]) == code
    said = capsys.readouterr().err
    assert words.format(folder=folder) in said
    assert "Traceback" not in said


VERBS_THAT_READ = [
    # verb, what it says of a changed entry 3
    (("audit",), "entry 3"),
    (("rebuild",), "entry 3"),
    (("export", "{out}"), "expected {size} entries"),
    (("export", "{out}", "--award", "none"), "entry 3"),
    (("rejudge",), "entry 3"),
]


@pytest.mark.parametrize(("verb", "words"), VERBS_THAT_READ, ids=range(len(VERBS_THAT_READ)))
def test_an_edit_in_sql_gives_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: tuple[str, ...], words: str
) -> None:
    """SQLite's replace() leaves text where bytes were; nothing may fall over it."""
    edited = tmp_path / "data"
    shutil.copytree(folder, edited)
    told(capsys, edited, "checkpoint")
    size = told(capsys, edited, "audit", code=3)[0]["size"]
    with sqlite3.connect(edited / "tallystick.db") as connection:
        connection.execute("UPDATE entry SET canon = replace(canon, '\"via\":', '\"VIA\":') WHERE seq = 3")
    arguments = [part.format(out=tmp_path / "out") for part in verb]
    said = told(capsys, edited, *arguments, code=1)
    assert words.format(size=size) in json.dumps(said)


def test_no_installation_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("member", "list"), ("audit",), ("checkpoint",)):
        assert run_verb(["--data-dir", str(tmp_path / "none"), *arguments]) == 2
        assert "expected" in capsys.readouterr().err


def test_doctor_without_a_data_folder_looks_no_further(tmp_path: Path) -> None:
    """In a process of its own: the fault it had came from a thread, after the verb had ended."""
    folder = tmp_path / "none"
    with started(folder, "doctor", env={"COLUMNS": "400"}) as (doctor, said):
        assert doctor.wait(START_SECONDS_MAX) == 1
    printed = said.read_text()
    assert "not looked at: expected the database" in printed
    assert "Traceback" not in printed
    assert not folder.exists()


def test_settings_say_variable_expected_and_got(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("PORT", "x"),
        ("UNDO_SECONDS", "-1"),
        ("BODY_BYTES_MAX", "1"),
        ("LOG_LEVEL", "loud"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(f"TALLYSTICK_{name}", value)
            with pytest.raises(SettingsInvalid, match=f"TALLYSTICK_{name}: .*got '{value}'"):
                load_settings()


PLACES = ("KEYS_DIR", "GUARD_DIR")


def test_keys_and_guard_lie_where_they_are_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    for name in PLACES:
        monkeypatch.setenv(f"TALLYSTICK_{name}", str(tmp_path / name))
    log = told(capsys, data, "init", "--name", "Apart", "--owner", "Ada")["log"]
    assert not (data / "keys").exists() and not (data / "guard").exists()
    assert [path.name for path in (tmp_path / "KEYS_DIR").iterdir()] == [log]
    assert list((tmp_path / "GUARD_DIR").glob("*.guard"))
    told(capsys, data, "checkpoint")
    told(capsys, data, "rejudge")
    assert told(capsys, data, "audit", code=3)[0]["findings"] == []
    for name in PLACES:
        monkeypatch.delenv(f"TALLYSTICK_{name}")
    assert run_verb(["--data-dir", str(data), "checkpoint"]) == 1, "they are looked for beside the data again"


def test_what_is_only_played_touches_no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PLACES:
        monkeypatch.setenv(f"TALLYSTICK_{name}", str(tmp_path / "real"))
    monkeypatch.setenv("TALLYSTICK_DATABASE_URL", "postgresql://real@host/name")
    played = load_settings(data_dir=tmp_path / "demo").in_one_folder()
    assert played.guard_folder == tmp_path / "demo" / "guard"
    assert played.is_sqlite and str(tmp_path / "demo") in played.url
    assert played.keys_dir is None


PASSWORDS = ["plain", "a/b", "a@b", "a#b", "a%41", "a:b?c&d=e", "ü ", "$HOME"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_may_hold_any_character(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_DATABASE_URL", "postgresql://tallystick@postgres/tallystick")
    monkeypatch.setenv("TALLYSTICK_DATABASE_PASSWORD", password)
    settings = load_settings()
    url = database_url(settings.url)
    assert (url.username, url.password, url.host, url.database) == (
        "tallystick",
        password,
        "postgres",
        "tallystick",
    )
    assert password not in repr(settings)


def test_a_password_is_for_postgresql_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_DATABASE_PASSWORD", "x")
    assert load_settings(database_url="sqlite:////a.db").url == "sqlite:////a.db"
    assert load_settings().is_sqlite


def test_settings_that_nothing_reads_are_refused_by_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, nearest in (
        ("TALLYSTICK_PRT", "such as TALLYSTICK_PORT"),
        ("tallystick_data_dri", "such as TALLYSTICK_DATA_DIR"),
        ("TALLYSTICK_ZZZ", "api/settings.py lists them"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(name, "1")
            assert run_verb(["doctor"]) == 2
            said = capsys.readouterr().err
            assert f"{name.upper()}: expected the name of a setting ({nearest})" in said


def test_every_name_in_this_repository_is_a_setting_or_known_not_to_be_one() -> None:
    """Else a name that a tool, a test or the container files read would stop the program."""
    listed = subprocess.run(
        ["git", "grep", "-hoE", r"\bTALLYSTICK_[A-Z][A-Z_]+", "--", ".", ":!tests/api/test_cli.py"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    names = set(listed.stdout.split())
    assert "TALLYSTICK_PORT" in names
    check_names(names)


def test_a_foreign_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "verifiers").mkdir()
    (tmp_path / "verifiers" / "__init__.py").write_text("")
    code = "import api.house as house\nfrom pathlib import Path\nhouse.check_house()"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTHONSAFEPATH": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ForeignPackage.__name__ in ended.stderr
    assert str(tmp_path / "verifiers") in ended.stderr
    check_house()
    assert house.HOME == ROOT


def test_a_running_server_is_asked_and_keys_are_never_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(folder) as (server, url, said):
        assert httpx.get(f"{url}/readyz", timeout=10).json()["status"] == "ok"
        assert "tallystick_requests_total" in httpx.get(f"{url}/metrics", timeout=10).text
        member = told(capsys, folder, "member", "add", "Lee", "--role", "manager")["ids"]["member"]
        secret = told(capsys, folder, "key", "issue", member)["secret"]
        for key in (secret, secret[:-1] + "x"):
            httpx.get(f"{url}/api/v1/me?key={key}", headers={"Authorization": f"Bearer {key}"}, timeout=10)
            httpx.get(f"{url}/l/{key}", timeout=10)
        # a second server and a rebuild find the writer's lock taken
        assert run_verb(["--data-dir", str(folder), "rebuild"]) == 2
        assert run_verb(["--data-dir", str(folder), "run", "--port", "0"]) == 1
        refused = capsys.readouterr().err
        assert "one writing process" in refused
        assert "Traceback" not in refused
        assert (folder / "server.json").exists()  # of the server that runs
        server.terminate()
        server.wait(END_SECONDS_MAX)
    printed = said.read_text() + (folder / "refusals.jsonl").read_text()
    assert "not_signed_in" in printed
    assert "tsk_" not in printed
    assert secret[4:20] not in printed
    assert "Lee" not in printed


def test_help_says_a_key_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """What draws the help takes a word between colons for the name of a picture."""
    run_verb(["badge", "verify", "--help"])
    assert "The did:key that you know" in capsys.readouterr().out

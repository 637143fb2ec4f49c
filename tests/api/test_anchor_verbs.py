"""`tallystick anchor`: what each verb does and answers, its exit codes, and that no key or password is ever told.

On a real chain: tests/anchors/test_demo_anchored.py.
"""

from __future__ import annotations

import contextlib
import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli import run_verb
from ledger.anchors.signer import load_keystore

PASSWORD = "correct horse battery staple"
WITNESS = ("--url", "https://w.example", "--vkey", "w.example+00000000+AQ==")


def verb(folder: Path, *arguments: str) -> tuple[int, Any]:
    """Run a verb; return its exit code, and what it told or complained about."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_verb(["--data-dir", str(folder), "--json", *arguments])
    assert PASSWORD not in out.getvalue() + err.getvalue()
    return code, json.loads(out.getvalue()) if out.getvalue().strip() else err.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """An installation with one organisation; nobody serves it."""
    folder = tmp_path_factory.mktemp("verbs") / "data"
    code, told = verb(folder, "init", "--name", "Corner Shop", "--owner", "Ada", "--simulated")
    assert code == 0, told
    password = folder.parent / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    yield folder, told["log"]


def test_a_key_is_kept_encrypted_beside_the_logs_own_and_never_replaced(place: tuple[Path, str]) -> None:
    folder, log = place
    password = folder.parent / "password"
    code, told = verb(folder, "anchor", "key", "payer", "--password-file", str(password))
    assert code == 0, told
    path = folder / "keys" / log / "anchors" / "payer.json"
    assert told == {"address": load_keystore(path, password).address, "file": str(path)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    before = path.read_bytes()
    code, told = verb(folder, "anchor", "key", "payer", "--password-file", str(password))
    assert code == 1 and "expected no file" in told and path.read_bytes() == before


def test_a_password_that_others_may_read_opens_nothing(place: tuple[Path, str]) -> None:
    folder, log = place
    exposed = folder.parent / "exposed"
    exposed.write_text(PASSWORD + "\n")
    exposed.chmod(0o644)
    code, told = verb(folder, "anchor", "key", "other", "--password-file", str(exposed))
    assert code == 1 and "0600" in told
    assert not (folder / "keys" / log / "anchors" / "other.json").exists()


MISUSED = [
    # arguments, a part of the sentence
    (("key", "payer"), "TALLYSTICK_ANCHOR_PASSWORD_FILE"),
    (("key", "../payer", "--password-file", "PASSWORD"), "letters, digits and hyphens"),
    (("key", "payer", "--password-file", "PASSWORD", "--log", "another"), "--log: expected one of"),
    (("open", "blockchain"), "expected evm, witness, timestamp or double"),
    (("open", "witness", "--url", "https://w.example"), "expected --url and --vkey"),
    (("open", "timestamp"), "expected --url"),
    (("open", "double", "--url", "https://w.example"), "expected no more options"),
    (("open", "evm"), "expected --chain"),
    (("open", "evm", "--chain", "0x1"), "Invalid value"),
    (("now",), "expected an open anchor, got none"),
    (("balance",), "expected one that is open, got none"),
    (("supersede", "none", "--by", "other", "--reason", "moved"), "expected one of this organisation"),
]


@pytest.mark.parametrize(("arguments", "said"), MISUSED, ids=[" ".join(one[0][:3]) for one in MISUSED])
def test_misuse_is_a_sentence_and_exit_code_2(
    place: tuple[Path, str], arguments: tuple[str, ...], said: str
) -> None:
    folder, _ = place
    given = [str(folder.parent / "password") if one == "PASSWORD" else one for one in arguments]
    code, told = verb(folder, "anchor", *given)
    assert code == 2 and said in told, told


REFUSED = [
    (("open", "witness", *WITNESS), "value_invalid"),
    (("open", "timestamp", "--url", "http://elsewhere.example"), "value_invalid"),
    (("open", "evm", "--chain", "5"), "signer_missing"),
    (("close", "01a1f866-0d00-7944-b5ab-9b1aa0731dd3"), "unknown"),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED, ids=[" ".join(one[0][:3]) for one in REFUSED])
def test_what_is_refused_leaves_with_1(
    place: tuple[Path, str], arguments: tuple[str, ...], code: str
) -> None:
    exit_code, told = verb(place[0], "anchor", *arguments)
    assert exit_code == 1 and code in told, told


def test_from_open_to_closed(place: tuple[Path, str]) -> None:
    folder, _ = place
    assert verb(folder, "anchor", "status") == (0, [])
    first = verb(folder, "anchor", "open", "double")[1]["anchor"]
    second = verb(folder, "anchor", "open", "timestamp", "--url", "https://t.example")[1]["anchor"]
    code, told = verb(folder, "anchor", "now", first)
    assert code == 0 and told[0]["size"] > 0
    assert [one["state"] for one in verb(folder, "anchor", "status")[1]] == ["open", "open"]
    assert [one["place"] for one in verb(folder, "anchor", "status")[1]] == [{}, {"url": "https://t.example"}]
    assert verb(folder, "anchor", "supersede", first, "--by", second, "--reason", "moved")[0] == 0
    assert verb(folder, "anchor", "close", second)[0] == 0
    assert [one["state"] for one in verb(folder, "anchor", "status")[1]] == ["superseded", "closed"]

"""The signing guard refuses: whoever asks for a checkpoint reads what was refused and what to do, no error of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.guard import FileGuard
from tests.api.house import House, house


def _older_copy(at: House, copy: Path) -> None:
    assert at.settings.sqlite_path is not None
    with sqlite3.connect(copy) as old, sqlite3.connect(at.settings.sqlite_path) as now:
        old.backup(now)


def _files(at: House) -> list[Path]:
    return list(at.settings.guard_folder.glob("*.guard"))


def _no_memory(at: House, copy: Path) -> None:
    for file in _files(at):
        file.unlink()


def _damaged(at: House, copy: Path) -> None:
    for file in _files(at):
        file.write_text("tallystick")


CASES: list[tuple[Callable[[House, Path], None], str]] = [
    (_older_copy, "; this copy is missing entries {old} up to size {new}: restore the newer copy"),
    (_no_memory, "mount the guard's volume"),
    (_damaged, "restore the guard's volume"),
]


@pytest.mark.parametrize(("change", "words"), CASES)
async def test_a_checkpoint_that_the_guard_refuses_is_told_as_that(
    tmp_path: Path, change: Callable[[House, Path], None], words: str
) -> None:
    async with house(tmp_path) as at:
        team = await at.organisation("Harbour House")
        guard = FileGuard(at.settings.guard_folder)
        assert (await at.ask("POST", "/api/v1/log/checkpoint", team.keys["owner"])).status_code == 200
        old = guard.last(team.log).size
        copy = tmp_path / "older.db"
        assert at.settings.sqlite_path is not None
        with sqlite3.connect(at.settings.sqlite_path) as now, sqlite3.connect(copy) as kept:
            now.backup(kept)
        await at.done("/api/v1/members", team.keys["owner"], {"name": "Kim", "roles": ["staff"]})
        assert (await at.ask("POST", "/api/v1/log/checkpoint", team.keys["owner"])).status_code == 200
        new = guard.last(team.log).size
        assert new > old
        change(at, copy)
        answer = await at.ask("POST", "/api/v1/log/checkpoint", team.keys["owner"])
        told = answer.json()
        assert (answer.status_code, told["code"]) == (409, "signing_refused"), told
        assert told["effect"] == "Nothing was signed and nothing was recorded."
        assert words.format(old=old, new=new) in told["detail"], told
        assert str(tmp_path) not in answer.text

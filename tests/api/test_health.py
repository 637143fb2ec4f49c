"""/readyz: what anybody may ask. It is quiet while the log grows, names no organisation, and fails when a head lies."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from httpx import Response

from api.installation import Installation
from ledger.reader import LogReader, TreeHead
from tests.api.house import House, Team, house

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_readyz_names_no_organisation(at: House, ours: Team, theirs: Team) -> None:
    answer = await at.ask("GET", "/readyz")
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "writer": "ok", "logs": "ok"}}
    installation: Installation = at.app.state.installation
    assert {ours.log, theirs.log} < (await installation.checks()).keys(), (
        "the operator's check does name them"
    )


async def test_readyz_is_ready_while_the_log_grows(
    at: House, ours: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the head and every read after it somebody commits."""
    staff = ours.keys["staff"]
    real = LogReader.head
    commits = 0

    async def head(reader: LogReader) -> TreeHead:
        nonlocal commits
        found = await real(reader)
        if reader.log == ours.log:
            commits += 1
            await at.done("/api/v1/reports", staff, {"note": f"While you looked {commits}"})
        return found

    with monkeypatch.context() as patch:
        patch.setattr(LogReader, "head", head)
        for _ in range(5):
            answer = await at.ask("GET", "/readyz")
            assert (answer.status_code, answer.json()["status"]) == (200, "ok"), answer.text
    assert commits >= 5


async def test_readyz_is_ready_under_load(at: House, ours: Team) -> None:
    staff = ours.keys["staff"]

    async def report() -> None:
        for number in range(20):
            await at.done("/api/v1/reports", staff, {"note": f"Load {number}"})

    async def poll() -> list[Response]:
        return [await at.ask("GET", "/readyz") for _ in range(40)]

    told, _ = await asyncio.gather(poll(), asyncio.gather(*(report() for _ in range(3))))
    assert {answer.status_code for answer in told} == {200}, [answer.text for answer in told]


EDITS = [
    "UPDATE entry SET canon = replace(canon, '2026', '2027') WHERE seq = (SELECT max(seq) FROM entry)",
    "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
    "UPDATE tile SET hashes = zeroblob(length(hashes))",
    "UPDATE log_head SET frontier = x'00'",
]


@pytest.mark.parametrize("edit", EDITS)
async def test_readyz_fails_when_the_head_is_not_what_lies_below_it(tmp_path: Path, edit: str) -> None:
    async with house(tmp_path) as started:
        team = await started.organisation("Harbour House")
        path = started.settings.sqlite_path
        assert path is not None
        with sqlite3.connect(path) as connection:
            connection.execute(edit)
        answer = await started.ask("GET", "/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"]["logs"].startswith(
            "1 of 1: the head is not what entries and tiles say"
        )
        assert team.log not in answer.text

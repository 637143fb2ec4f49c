"""Rows that decisions are made over: the audit of a database compares them with what its entries leave."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from api.auditing import COMPARED, Audited, audit_database, vault_of
from ledger.findings import Exit
from ledger.reader import LogReader
from ledger.store import open_store
from ledger.store.tables import metadata
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAMAGE = [
    ("UPDATE authority SET about = 'award'", "authority", "another about"),
    ("UPDATE member SET roles = '[\"owner\"]'", "member", "another roles"),
    ("UPDATE api_key SET until = '2099-01-01T00:00:00.000Z'", "api_key", "another until"),
    ("DELETE FROM authority", "authority", "got none"),
    ("UPDATE budget SET approved_by = set_by", "budget", "another approved_by"),
]

HEAD_DAMAGE = [
    ("UPDATE log_head SET last_leaf = zeroblob(32)", "expected last_leaf "),
    ("UPDATE log_head SET size = size + 1", "expected size "),
    ("UPDATE log_head SET at = '2099-01-01T00:00:00.000Z'", "expected at 2026-"),
    ("UPDATE log_head SET stopped = 'clock'", "expected stopped None, got clock"),
]


async def _audited(at: House, url: str, log: str) -> Audited:
    store = open_store(url)
    try:
        return await audit_database(LogReader(store.reader, log), vault_of(at.settings, log), None, ())
    finally:
        await store.close()


async def test_a_patched_row_is_named(at: House, ours: Team, tmp_path: Path) -> None:
    owner = ours.keys["owner"]
    await at.done("/api/v1/authorities", owner, {"member": ours.members["manager"], "about": "action"})
    await at.done("/api/v1/budgets", owner, {"amount_tokens": 100})
    await at.tick()
    log = (await at.ask("GET", "/api/v1/me", owner)).json()["origin"]
    assert (await _audited(at, at.settings.url, log)).exit == Exit.CONSISTENT_ONLY
    path = at.settings.sqlite_path
    assert path is not None
    for number, (statement, table, words) in enumerate(DAMAGE):
        copy = tmp_path / f"{number}.db"
        with sqlite3.connect(path) as whole, sqlite3.connect(copy) as patched:
            whole.backup(patched)
            patched.execute(statement)
        found = await _audited(at, f"sqlite:///{copy}", log)
        assert found.exit == Exit.DAMAGED, statement
        named = [one.what for one in found.intact.findings if one.detected_by == "rows"]
        assert named and all(what.startswith(f"{table} ") and words in what for what in named), named


async def test_every_column_of_the_head_is_compared(at: House, theirs: Team, tmp_path: Path) -> None:
    log = theirs.log
    path = at.settings.sqlite_path
    assert path is not None
    assert (await _audited(at, at.settings.url, log)).exit == Exit.CONSISTENT_ONLY
    with sqlite3.connect(path) as whole:
        (frontier,) = whole.execute("SELECT frontier FROM log_head WHERE log = ?", (log,)).fetchone()
    other = bytes([frontier[-1] ^ 1])
    damage = [
        *HEAD_DAMAGE,
        (f"UPDATE log_head SET frontier = x'{(frontier[:-1] + other).hex()}'", "frontier the root"),
    ]
    for number, (statement, words) in enumerate(damage):
        copy = tmp_path / f"head-{number}.db"
        with sqlite3.connect(path) as whole, sqlite3.connect(copy) as patched:
            whole.backup(patched)
            patched.execute(f"{statement} WHERE log = ?", (log,))
        found = await _audited(at, f"sqlite:///{copy}", log)
        assert found.exit == Exit.DAMAGED, statement
        (finding,) = found.intact.findings
        assert (finding.code, finding.detected_by) == ("head", "rows")
        assert finding.what.startswith(f"head of {log}: ") and words in finding.what, finding.what


async def test_the_threat_model_names_every_table_and_says_which_are_compared() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "threat-model.md").read_text()
    section = text.partition("## Which rows the audit of a database compares")[2].partition("\n## ")[0]
    compared, _, rest = section.partition("**Not compared**")
    also = {"log_head", "account", "posting", "item", "item_wrap", "tile", "checkpoint"}
    for table in metadata.tables:
        if table == "entry":
            assert "`entry.canon`" in compared and "`entry.leaf`" in rest
        else:
            assert f"`{table}`" in (compared if table in COMPARED | also else rest), table

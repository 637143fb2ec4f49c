"""The last line: both databases refuse a bare award, whatever the code above does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from casework.tables import award, award_share
from ledger.store import open_store
from tests.casework.shop import LOG, Shop, shop

# what a bad row says otherwise than the good one
BAD: list[tuple[str, dict[str, Any]]] = [
    ("no decision", {"decision": None}),
    ("a decision that is not there", {"decision": "made-up"}),
    ("the action decision", {"decision": "ACTION"}),
    ("a declined decision", {"decision": "DECLINED"}),
    ("no verdict", {"verdict": None}),
    ("a verdict that is not there", {"verdict": "made-up"}),
    ("a verdict that did not pass", {"verdict": "INSUFFICIENT"}),
    ("another case's decision", {"case": "OTHER"}),
    ("another organisation", {"log": "somebody-else.invalid"}),
    ("columns that say declined", {"decision_verb": "declined", "decision": "DECLINED"}),
    ("columns that say action", {"decision_about": "action", "decision": "ACTION"}),
    ("columns that say fail", {"verdict_result": "insufficient", "verdict": "INSUFFICIENT"}),
    ("tokens without a budget", {"budget": None}),
    ("the same decision twice", {"decision": "USED", "verdict": "USED"}),
]
LATER = [
    "UPDATE decision SET verb = 'declined' WHERE decision = :decision",
    "UPDATE decision SET about = 'action' WHERE decision = :decision",
    "DELETE FROM decision WHERE decision = :decision",
    "UPDATE verdict SET result = 'fail' WHERE verdict = :verdict",
    "DELETE FROM verdict WHERE verdict = :verdict",
    "UPDATE award SET verdict = 'made-up' WHERE award = :award",
    "UPDATE award SET \"case\" = 'made-up' WHERE award = :award",
]


async def _history(here: Shop) -> dict[str, Any]:
    """Make an award, a declined case and an insufficient verdict; return the ids that bad rows use."""
    case, granted = await here.awarded(number="good")
    other = await here.until("outcome", number="weak")
    weak = await here.judge(other)
    await here.ask_first(other, "decline", "evidence_weak")
    await here.decide(other, "award", "accountant", verb="declined", reason_code="evidence_weak")
    decisions = [*await here.rows.scan("decision", (case,)), *await here.rows.scan("decision", (other,))]
    named = {(row["case"], row["about"], row["verb"]): row["decision"] for row in decisions}
    row = dict(await here.rows.get("award", (granted,)) or {})
    return {
        "row": row,
        "ACTION": named[case, "action", "approved"],
        "DECLINED": named[other, "award", "declined"],
        "INSUFFICIENT": weak["verdict"],
        "OTHER": other,
    }


async def _insert(connection: AsyncConnection, row: dict[str, Any]) -> None:
    await connection.execute(award.insert().values(**row))


async def test_both_databases_refuse_bare_awards_and_later_changes(store_url: str, tmp_path: Path) -> None:
    async with shop(store_url, tmp_path) as here:
        history = await _history(here)
    store = open_store(store_url)
    engine = create_async_engine(store.url)
    good = {"log": LOG, **history["row"]}
    names = {"ACTION", "DECLINED", "INSUFFICIENT", "OTHER"}
    try:
        async with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                await connection.execute(text("PRAGMA foreign_keys=ON"))
            for what, changes in BAD:
                changed = {
                    column: history.get(value, value) if value in names else value
                    for column, value in changes.items()
                }
                if changes.get("decision") == "USED":
                    changed = {}
                transaction = (
                    await connection.begin()
                    if not connection.in_transaction()
                    else connection.get_transaction()
                )
                with pytest.raises(IntegrityError):
                    await _insert(connection, {**good, "award": "bad", **changed})
                    pytest.fail(f"{what}: expected the database to refuse it")
                assert transaction is not None
                await transaction.rollback()
                if engine.dialect.name == "sqlite":
                    await connection.execute(text("PRAGMA foreign_keys=ON"))
                    await connection.rollback()
            ids = {name: good[name] for name in ("decision", "verdict", "award")}
            for statement in LATER:
                used = {name: value for name, value in ids.items() if f":{name}" in statement}
                with pytest.raises(IntegrityError):
                    await connection.execute(text(statement), used)
                    pytest.fail(f"{statement}: expected the database to refuse it")
                await connection.rollback()
            # and the same row with a decision of its own would be taken: the refusals above are not for something else
            await connection.execute(award_share.delete())
            await connection.execute(award.delete())
            await _insert(connection, {**good, "award": "good again"})
            await connection.rollback()
    finally:
        await engine.dispose()
        await store.close()

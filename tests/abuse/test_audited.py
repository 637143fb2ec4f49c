"""The record of each honest way passes the audit; one in which a judge was not told of a second account does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api.auditing import audit_folder
from casework import judging_routine
from ledger.export import export_log
from tests.abuse.flows import honest_referral, opened
from tests.abuse.ground import Ground
from tests.abuse.test_honest import WAYS
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def found(g: Ground, folder: Path) -> list[str]:
    """Export the organisation's record and return what the audit finds."""
    rooms = await g.at.app.state.installation.rooms(g.team.log)
    await export_log(rooms.reader, folder, await rooms.publisher.publish(), rooms.vault)
    audited = await asyncio.to_thread(audit_folder, folder, None, ())
    assert audited.earned is not None
    return [str(one) for one in (*audited.intact.findings, *audited.earned.findings)]


@pytest.mark.parametrize("kind", sorted(WAYS))
async def test_the_record_of_the_honest_way_passes(at: House, kind: str, tmp_path: Path) -> None:
    g = await opened(at, 800 + sorted(WAYS).index(kind), frozenset())
    await WAYS[kind](g)
    await g.believed()
    assert await g.settled_tokens() != {}
    assert await found(g, tmp_path / "record") == []


async def test_a_judge_is_told_of_everybody_whom_a_record_names(
    at: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = await opened(at, 850, frozenset())
    with monkeypatch.context() as untold:
        untold.setattr(judging_routine, "named_in_records", lambda _: set())
        await honest_referral(g)
        await g.believed()
    (finding, *_) = await found(g, tmp_path / "record")
    assert f"another member {g.who('manager')}" in finding

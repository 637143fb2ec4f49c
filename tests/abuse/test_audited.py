"""The record of each honest way passes the audit; one in which a judge was not told of a second account does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api.auditing import Audited, audit_folder
from casework import judging_routine
from ledger.export import export_log
from tests.abuse.flows import honest_referral, opened
from tests.abuse.ground import TOKENS, Ground
from tests.abuse.test_honest import WAYS
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


EVIDENCE_K = {"service_issue": 2, "operational_check": 1, "handover": 2, "training": 1, "referral": 1}


async def audited_of(g: Ground, folder: Path) -> Audited:
    """Export the organisation's record and audit it."""
    rooms = await g.at.app.state.installation.rooms(g.team.log)
    await export_log(rooms.reader, folder, await rooms.publisher.publish(), rooms.vault)
    return await asyncio.to_thread(audit_folder, folder, None, ())


def findings(audited: Audited) -> list[str]:
    """Return what the audit finds."""
    assert audited.earned is not None
    return [str(one) for one in (*audited.intact.findings, *audited.earned.findings)]


@pytest.mark.parametrize("kind", sorted(WAYS))
async def test_the_record_of_the_honest_way_passes(at: House, kind: str, tmp_path: Path) -> None:
    g = await opened(at, 800 + sorted(WAYS).index(kind), frozenset())
    await WAYS[kind](g)
    await g.believed()
    assert await g.settled_tokens() != {}
    audited = await audited_of(g, tmp_path / "record")
    assert findings(audited) == []
    (weight,) = audited.weights()
    assert (weight.kind, weight.k_evidence, weight.amount_tokens) == (kind, EVIDENCE_K[kind], TOKENS[kind])
    so_many = "1 person" if weight.k_evidence == 1 else "2 people"
    assert f"could have been faked, the yes aside: 1 by {so_many}; the easiest:" in audited.sentences()
    assert audited.sentences()[-1].endswith(f"by {so_many}: {', '.join(weight.witnessing)}")


async def test_a_judge_is_told_of_everybody_whom_a_record_names(
    at: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = await opened(at, 850, frozenset())
    with monkeypatch.context() as untold:
        untold.setattr(judging_routine, "named_in_records", lambda _: set())
        await honest_referral(g)
        await g.believed()
    (finding, *_) = findings(await audited_of(g, tmp_path / "record"))
    assert f"another member {g.who('manager')}" in finding

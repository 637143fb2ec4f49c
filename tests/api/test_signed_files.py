"""A course's result in a file that its provider signed: it counts once, whoever brings it, and is checked again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from api.auditing import audit_folder
from casework.collectors.signed_file import write_public
from ledger.ed25519 import Ed25519Signer
from ledger.export import export_log
from tests.abuse.flows import course_of, enrolled, opened
from tests.abuse.ground import HOUR, Ground
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROVIDER, ANOTHER = (Ed25519Signer(bytes([number]) * 32) for number in (1, 2))


def said(g: Ground, **changed: Any) -> dict[str, Any]:
    """Return what the provider says of a course that was passed."""
    return {
        "registration": "r-1", "account": "ada.w", "course": "food-safety-2", "course_version": "2026",
        "result": "passed", "score": 9000, "attempts": 1, "duration_seconds": 3600, "completed_at": g.now, **changed,
    }  # fmt: skip


def file_of(payload: dict[str, Any], signer: Ed25519Signer = PROVIDER) -> str:
    """Return a compact JWS."""
    signed = ".".join(
        write_public(json.dumps(one).encode()) for one in ({"alg": "EdDSA", "kid": "k1"}, payload)
    )
    return f"{signed}.{write_public(signer.sign(signed.encode()))}"


async def brought(g: Ground, case: str, file: str, source: str = "lms") -> tuple[int, str]:
    """Bring a file; return status and code."""
    answer = await g.ask(
        "POST", f"/cases/{case}/work/result-file", "staff", json={"source": source, "file": file}
    )
    return answer.status_code, "" if answer.status_code == 201 else str(answer.json()["code"])


async def test_a_file_counts_once_while_its_key_is_trusted(at: House, tmp_path: Path) -> None:
    g = await opened(at, 870, frozenset())
    await enrolled(g)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    file = file_of(said(g))
    assert await brought(g, case, file) == (422, "file_unsigned")  # nobody trusts the key yet
    public = write_public(PROVIDER.public_key)
    key = (await g.must("/sources/lms/keys", "owner", {"public": public}))["ids"]["key"]
    twice = await g.ask("POST", "/sources/lms/keys", "owner", json={"public": public})
    assert (twice.status_code, twice.json()["code"]) == (422, "value_invalid")
    for other, source, expected in (
        (file_of(said(g), ANOTHER), "lms", (422, "file_unsigned")),
        (file, "crm", (422, "file_unsigned")),  # another source's word
        (file, "nowhere", (404, "unknown_source")),
        (file[:-2] + "AA", "lms", (422, "file_unsigned")),
        (file_of(said(g, score=10_001)), "lms", (422, "value_invalid")),
        (file_of(said(g, member="me")), "lms", (422, "value_invalid")),
        ("e30", "lms", (422, "file_unsigned")),
    ):
        assert await brought(g, case, other, source) == expected
    assert await brought(g, case, file) == (201, "")
    told = await g.case(case)
    (item,) = told["evidence"]
    assert (item["type"], item["grade"], item["controllers"]) == (
        "training_result",
        "E4",
        {"party": "source:lms"},
    )
    facts = told["texts"][item["facts_item"]]
    assert (facts["channel"], facts["member"], facts["provider"]) == ("file", g.who("staff"), "lms")
    assert (await brought(g, case, file))[1] == "evidence_reused"
    await g.believed()
    assert await g.settled_tokens() == {"staff": 5}
    await g.must(f"/sources/lms/keys/{key}/end", "owner", {"reason_code": "replaced"})
    other_case = await course_of(g, course="first-aid", version="3")
    assert await brought(g, other_case, file_of(said(g, registration="r-2"))) == (422, "file_unsigned")
    # the file leaves with the record, and the audit checks it by the key in the entry
    rooms = await at.app.state.installation.rooms(g.team.log)
    await export_log(rooms.reader, tmp_path / "out", await rooms.publisher.publish(), rooms.vault)
    found = await asyncio.to_thread(audit_folder, tmp_path / "out", None, ())
    assert found.earned is not None and found.earned.findings == [] and found.earned.files_unchecked == []
    await export_log(rooms.reader, tmp_path / "bare", await rooms.publisher.publish(), None)
    bare = await asyncio.to_thread(audit_folder, tmp_path / "bare", None, ())
    assert bare.earned is not None and bare.earned.findings == [] and len(bare.earned.files_unchecked) == 1

"""The Hats Off suite, "Accurate hand-over": through the real API nothing settles beyond what was deserved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.abuse.abuses import of_group
from tests.abuse.flows import OWN_WORDS, Handing, opened
from tests.abuse.ground import MINUTE
from tests.abuse.register import Abuse
from tests.abuse.table import listed, played
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("abuse", of_group("Accurate hand-over"), ids=lambda one: one.name)
async def test_nothing_settles(at: House, abuse: Abuse, shared_dir: Path) -> None:
    found, deserved, row = await played(at, abuse, shared_dir)
    assert found == deserved
    assert listed(row), f"expected this row in docs/abuse.md: {row}"


async def test_the_server_says_when_the_note_was_opened(at: House) -> None:
    g = await opened(at, 930, frozenset())
    it = await Handing(g).due()
    path = f"/cases/{it.case}/work"
    assert (await g.ask("GET", f"{path}/handover", "second")).status_code == 404, "there is no note yet"
    await it.written()
    await it.opened("manager")
    of_another = it.shown
    begun = g.now
    told = (await g.ask("GET", f"{path}/handover", "second")).json()
    assert (told["case"], told["note"], told["facts"]["contingencies"]) == (
        it.case, it.note, "If the wind drops before seven then open the terrace again",
    )  # fmt: skip
    g.at.wait(5 * MINUTE)
    good = {"note": it.note, "shown": told["shown"], "text": OWN_WORDS, "items": []}
    old = {"note": it.note, "opened_at": begun, "text": OWN_WORDS, "items": []}
    refused: list[tuple[dict[str, Any], int, str, str]] = [
        # what is sent, the answer, and what it names
        (old, 422, "invalid_request", "/shown"),
        ({**good, "opened_at": begun}, 422, "invalid_request", "/opened_at"),
        ({**good, "shown": ""}, 422, "invalid_request", "/shown"),
        ({**good, "shown": begun}, 403, "note_not_shown", "issued here"),
        ({**good, "shown": of_another}, 403, "note_not_shown", "another member"),
        ({**good, "note": it.case}, 403, "note_not_shown", "another note"),
    ]
    for body, status, code, names in refused:
        answer = await g.ask("POST", f"{path}/read-back", "second", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (body, answer.text)
        assert names in answer.text, answer.text
    later = (await g.ask("GET", f"{path}/handover", "second")).json()
    assert later["shown"] != told["shown"]
    await g.must(f"{path}/read-back", "second", good)
    texts = (await g.case(it.case))["texts"].values()
    (facts,) = [one for one in texts if isinstance(one, dict) and "opened_at" in one]
    assert (facts["opened_at"], facts["at"]) == (begun, g.now), (
        "the instant is the server's, of the first look"
    )
    for role, status in (("auditor", 403), ("agent", 403), ("outsider", 403)):
        assert (await g.ask("GET", f"{path}/handover", role)).status_code == status, role

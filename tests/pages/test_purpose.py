"""A watch on a person on its pages: it asks what for before it runs, and everybody reads the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.house import House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words

KINDS = """format: 1
zone: Europe/Dublin
kinds:
  shift:
    fields:
      site: string
      person: string
      starts_at: instant
      ends_at: instant
      closed_at:
        type: instant
        optional: true
"""
WATCH = """playbook: shift_not_closed
title: The shift of {shift.person} was not closed
why: A shift that nobody closes is paid for twice.
mode: draft
needs:
  - source: rota
    fresh_within: 24h
signal:
  shape: response
  subject: shift
  when: shift.site == 'bar'
  from: shift.ends_at
  within: 2h
  expect: has(shift.closed_at)
evidence:
  - type: system_record
    min_grade: E3
    says: The shift, closed
route:
  - to: role:manager
    ack_within: 4h
  - to: owner
decision:
  action: ask-them
  minimum: session
measure:
  clock: onset
  target: 8h
"""
PURPOSE = "So that nobody forgets hours they worked. Nobody is judged by it."
PATH = "/watch/shift_not_closed"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[tuple[House, Team]]:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        await place.done("/api/v1/kinds", team.keys["owner"], {"yaml": KINDS})
        await place.done("/api/v1/playbooks", team.keys["owner"], {"yaml": WATCH})
        yield place, team


async def test_the_page_asks_what_for_and_then_lets_it_run(at: tuple[House, Team]) -> None:
    place, team = at
    page = (await place.see(PATH, team, "owner")).text
    said = words(page)
    assert "What is it for?" in said and "Write first what it is for" in said
    assert 'value="on"' not in page and 'value="trial"' not in page
    assert "Nothing is looked up about people" in said and "On the last 90 days" not in said
    tried = words((await place.see(f"{PATH}/numbers?n0=3&u0=h", team, "owner")).text)
    assert "Nothing is looked up about people" in tried and "would vanish" not in tried
    refused = await place.send(f"{PATH}/switch", team, "owner", {"key": "1" * 32, "to": "on"})
    assert refused.status_code == 409
    assert "This watch looks at people, and nobody wrote what for." in words(refused.text)
    sent = form(page, "/purpose")
    short = await place.send(
        sent.action, team, "owner", {**sent.fields, "key": "2" * 32, "purpose": "because of it"}
    )
    assert short.status_code == 422 and "because of it" in short.text, "what was typed is still there"
    done = await place.send(sent.action, team, "owner", {**sent.fields, "purpose": PURPOSE})
    assert done.headers["location"] == f"{PATH}?said=purpose"
    after = (await place.see(PATH, team, "owner")).text
    assert "Nothing is looked up about people" not in words(after)
    assert PURPOSE in words(after) and "Ada, 10:00" in words(after) and 'value="on"' in after
    on = await place.send(f"{PATH}/switch", team, "owner", {"key": "3" * 32, "to": "on"})
    assert on.headers["location"] == f"{PATH}?said=on"


async def test_everybody_reads_it_and_only_owners_write_it(at: tuple[House, Team]) -> None:
    place, team = at
    assert "What looks at people" not in words((await place.see("/me", team, "staff")).text)
    before = words((await place.see(PATH, team, "staff")).text)
    assert "Nobody wrote it yet, so it does not run." in before and "Write it down" not in before
    for role in ("manager", "staff", "auditor"):
        tried = await place.send(f"{PATH}/purpose", team, role, {"key": "4" * 32, "purpose": PURPOSE})
        assert tried.status_code == 403, role
    await place.done("/api/v1/playbooks/shift_not_closed/purpose", team.keys["owner"], {"purpose": PURPOSE})
    await place.done("/api/v1/playbooks/shift_not_closed/mode", team.keys["owner"], {"mode": "shadow"})
    for role in ("owner", "manager", "staff", "auditor", "outsider"):
        said = words((await place.see("/me", team, role)).text)
        assert "What looks at people here, and what for" in said and PURPOSE in said, role
        assert [word for word in NEVER_SAID if says(said, word)] == [], role
        told = (await place.ask("GET", "/api/v1/me/watches", team.keys[role])).json()["items"]
        assert [(one["playbook"], one["words"], one["mode"]) for one in told] == [
            ("shift_not_closed", PURPOSE, "shadow")
        ]
    assert PURPOSE in words((await place.see(PATH, team, "staff")).text)
    file = (await place.ask("GET", "/api/v1/me/take-away", team.keys["staff"])).json()
    assert [one["words"] for one in file["watches"]] == [PURPOSE]
    told = (await place.ask("GET", "/api/v1/playbooks/shift_not_closed", team.keys["staff"])).json()
    assert (told["on_person"], told["purpose"]["words"]) == (True, PURPOSE)
    await place.done("/api/v1/playbooks/shift_not_closed/mode", team.keys["owner"], {"mode": "retired"})
    assert PURPOSE not in words((await place.see("/me", team, "staff")).text), "it ended with the watch"


async def test_it_is_refused_at_publishing(at: tuple[House, Team]) -> None:
    place, team = at
    given = {"yaml": WATCH, "mode": "live"}
    answer = await place.ask("POST", "/api/v1/playbooks", team.keys["owner"], json=given)
    assert (answer.status_code, answer.json()["code"]) == (409, "purpose_missing")
    assert "shift_not_closed" in answer.json()["detail"]

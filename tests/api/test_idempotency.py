"""Idempotency-Key at the doors: same key and body, one effect and the same answer; another body, refused; SETTLED 6."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def size(at: House, team: Team) -> int:
    length: int = (await at.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"]
    return length


KINDS = (
    "format: 1\nzone: Europe/Lisbon\nkinds:\n  booking:\n    says: A stay\n    fields:\n      nights: int\n"
)

REPEATED: list[tuple[str, str, dict[str, Any]]] = [
    # who, path, body
    ("staff", "/api/v1/reports", {"note": "Twice told"}),
    ("owner", "/api/v1/members", {"name": "Kim", "roles": ["staff"]}),
    ("owner", "/api/v1/budgets", {"amount_tokens": 7, "purpose": "thanks"}),
    ("owner", "/api/v1/agents", {"name": "Bot", "charter": {"may_read": ["room"]}, "answers_to": "@owner"}),
    ("owner", "/api/v1/authorities", {"member": "@manager", "about": "action"}),
    ("owner", "/api/v1/kinds", {"yaml": KINDS}),
    ("owner", "/api/v1/sources", {"source": "pms", "kinds": ["booking"]}),
    ("owner", "/api/v1/settings", {"settings": {"undo_seconds": 12}}),
]


def with_ids(team: Team, body: dict[str, Any]) -> dict[str, Any]:
    """Replace `@role` by the member of that role."""
    return {
        name: team.members[value[1:]] if isinstance(value, str) and value[:1] == "@" else value
        for name, value in body.items()
    }


@pytest.mark.parametrize(("who", "path", "body"), REPEATED, ids=[row[1] for row in REPEATED])
async def test_a_repeat_is_the_same_answer_and_one_effect(
    at: House, ours: Team, who: str, path: str, body: dict[str, Any]
) -> None:
    key, sent = f"again{path}", with_ids(ours, body)
    first = await at.ask("POST", path, ours.keys[who], json=sent, key=key)
    assert first.status_code in (200, 201), first.text
    assert "idempotent-replay" not in first.headers
    length = await size(at, ours)
    # server time moves on between the tries; the order of members and the layout differ
    at.wait(5)
    turned = dict(reversed(sent.items()))
    again = await at.ask("POST", path, ours.keys[who], json=turned, key=key)
    assert again.status_code == first.status_code
    assert again.headers["idempotent-replay"] == "true"
    for part in ("entries", "ids"):
        assert again.json()[part] == first.json()[part]
    assert await size(at, ours) == length


async def test_another_body_under_the_same_key_is_refused(at: House, ours: Team) -> None:
    await at.done("/api/v1/reports", ours.keys["staff"], {"note": "One"}, key="k-body")
    length = await size(at, ours)
    answer = await at.ask("POST", "/api/v1/reports", ours.keys["staff"], json={"note": "Two"}, key="k-body")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    other = await at.ask(
        "POST", "/api/v1/budgets", ours.keys["owner"], json={"amount_tokens": 1}, key="k-path"
    )
    assert other.status_code == 201
    moved = await at.ask(
        "POST", "/api/v1/members", ours.keys["owner"], json={"name": "A", "roles": ["staff"]}, key="k-path"
    )
    assert moved.status_code == 422
    assert await size(at, ours) == length + 1


async def test_keys_of_two_people_do_not_meet(at: House, ours: Team) -> None:
    one = await at.done("/api/v1/reports", ours.keys["staff"], {"note": "Mine"}, key="shared")
    two = await at.done("/api/v1/reports", ours.keys["manager"], {"note": "Mine"}, key="shared")
    assert one["ids"]["case"] != two["ids"]["case"]


async def test_a_refusal_does_not_use_up_the_key(at: House, ours: Team) -> None:
    owner = ours.keys["owner"]
    budget = (await at.done("/api/v1/budgets", owner, {"amount_tokens": 3}))["ids"]["budget"]
    path, body = f"/api/v1/budgets/{budget}/approve", {"amount_tokens": 3}
    assert (await at.ask("POST", path, owner, json=body, key="later")).status_code in (403, 409)
    manager = ours.keys["manager"]
    refused = await at.ask("POST", path, manager, json=body, key="later")
    assert refused.status_code == 403, refused.text  # no second_person authority yet
    await at.done(
        "/api/v1/authorities",
        owner,
        {"member": ours.members["manager"], "about": "award", "second_person": True},
    )
    done = await at.ask("POST", path, manager, json=body, key="later")
    assert done.status_code == 200, done.text


async def test_a_key_is_told_once(at: House, ours: Team) -> None:
    body = {"member": ours.members["staff"]}
    first = await at.ask("POST", "/api/v1/keys", ours.keys["owner"], json=body, key="one-secret")
    again = await at.ask("POST", "/api/v1/keys", ours.keys["owner"], json=body, key="one-secret")
    assert first.json()["secret"].startswith("tsk_")
    assert again.status_code == 201
    assert again.json()["secret"] is None
    assert again.json()["ids"] == first.json()["ids"]


async def test_sixteen_at_once_are_one(at: House, ours: Team) -> None:
    length = await size(at, ours)
    answers = await asyncio.gather(
        *(
            at.ask("POST", "/api/v1/reports", ours.keys["staff"], json={"note": "Crowd"}, key="crowd")
            for _ in range(16)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["ids"]["case"] for answer in answers}) == 1
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert await size(at, ours) == length + answers[0].json()["entries"]["count"]

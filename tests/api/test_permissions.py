"""Every route names a permission or is on the public list, and each role gets what the matrix says, by HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts

from api.bodies import Door
from api.permissions import DEVICE, MATRIX, OPERATOR, ROLES, role_for
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTES_MIN = 90
PUBLIC = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/l/{token}"),
    ("POST", "/l/{token}"),
    ("GET", "/api/v1/invites/{token}"),
    ("POST", "/api/v1/invites/{token}"),
    ("GET", "/status/{log}/{number}"),
    ("POST", "/api/v1/hooks/{hook}"),
}
OTHERS = {OPERATOR, DEVICE}
"""What a route may name instead of a permission: it asks for no member's key."""
SOME_ID = "01a1f866-0d00-7944-b5ab-9b1aa0731dd3"


def dependencies(dependant: object) -> Iterator[object]:
    """Yield the callables of a dependency tree."""
    yield getattr(dependant, "call", None)
    for child in getattr(dependant, "dependencies", ()):
        yield from dependencies(child)


def routes(at: House) -> list[tuple[str, str, str | None]]:
    """Return (method, path, permission) of every route, included routers and their prefixes resolved."""
    found = []
    for context in iter_route_contexts(at.app.routes):
        tree = dependencies(getattr(context, "dependant", None))
        named = {call.permission for call in tree if hasattr(call, "permission")}
        assert len(named) <= 1, (context.path, named)
        for method in sorted(context.methods or ()):
            if method != "HEAD":
                found.append((method, str(context.path), next(iter(named), None)))
    return found


async def test_every_route_names_a_permission_or_is_public(at: House) -> None:
    found = routes(at)
    assert len(found) >= ROUTES_MIN
    unnamed = {(method, path) for method, path, permission in found if permission is None}
    assert unnamed == {
        one for one in unnamed if one in PUBLIC or one[1].startswith("/static") or one == ("GET", "/")
    }
    assert {permission for _, _, permission in found if permission} - OTHERS == set(MATRIX)


async def test_every_body_comes_through_a_door(at: House) -> None:
    changing = [
        context for context in iter_route_contexts(at.app.routes) if "POST" in (context.methods or ())
    ]
    assert len(changing) >= 40
    assert [context.path for context in changing if not isinstance(context.original_route, Door)] == []


async def test_every_route_for_every_role(at: House, ours: Team) -> None:
    """401 without a key; 403 `not_allowed` exactly where the matrix says no; with the right role anything but
    those two."""
    tried = 0
    for method, path, permission in routes(at):
        if permission is None or permission in OTHERS:
            continue
        where = path
        for name in (
            "member",
            "case",
            "award",
            "decision",
            "evidence",
            "authority",
            "delegation",
            "key",
            "budget",
            "playbook",
            "job",
            "invite",
            "device",
            "passkey",
            "plan",
            "point",
            "dispute",
            "hook",
            "anchor",
        ):
            where = where.replace("{" + name + "}", SOME_ID)
        for name, value in (
            ("role", "staff"),
            ("source", "pms"),
            ("kind", "booking"),
            ("seq", "0"),
        ):
            where = where.replace("{" + name + "}", value)
        where = where.replace("{path:path}", "0/000.p/1").replace("{record:path}", "7")
        assert "{" not in where
        bare = await at.ask(method, where, json={} if method == "POST" else None)
        assert (bare.status_code, bare.json()["code"]) == (401, "not_signed_in"), where
        for role in ROLES:
            answer = await at.ask(
                method, where, ours.keys[role], json={"nobody": 1} if method == "POST" else None
            )
            code = (
                answer.json()["code"]
                if answer.headers["content-type"].startswith("application/problem")
                else ""
            )
            refused = answer.status_code == 403 and code == "not_allowed"
            assert refused == (role not in MATRIX[permission]), (
                method,
                where,
                role,
                answer.status_code,
                code,
            )
            assert answer.status_code != 401
            tried += 1
    assert tried >= (ROUTES_MIN - len(PUBLIC) - 6) * len(ROLES)


CASES = [
    # permission, roles held, the role used
    ("case.decide", ("staff",), "staff"),
    ("case.decide", ("agent",), None),
    ("case.review", ("agent",), None),
    ("award.decide", ("agent",), None),
    ("case.propose", ("agent",), "agent"),
    ("case.propose", ("auditor",), None),
    ("member.write", ("staff", "owner"), "owner"),
    ("member.write", ("manager",), None),
    ("case.decide", (), None),
    ("case.decide", ("king",), None),
]


@pytest.mark.parametrize(("permission", "held", "used"), CASES)
async def test_role_used(permission: str, held: tuple[str, ...], used: str | None) -> None:
    assert role_for(permission, held) == used


async def test_an_unknown_permission_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        role_for("case.destroy", ("owner",))


async def test_operator_door_needs_the_token_of_the_data_folder(at: House) -> None:
    body = {"name": "x", "owner_name": "y", "simulated": True}
    for token in (None, "", "0" * 64, "ä"):
        headers = [] if token is None else [(b"X-Operator-Token", token.encode())]
        answer = await at.client.post("/api/v1/organisations", json=body, headers=headers)
        assert answer.status_code == 401, token

"""Every page and every form: a stranger is sent to sign in, another site is refused, and each names its permission."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.routing import iter_route_contexts

from api.bodies import calls_of
from api.identity import Need
from api.pages.doors import PageDoor
from api.pages.navigation import BAR, BAR_ENTRIES_MAX, ENTRIES, MORE, entries_of
from api.permissions import MATRIX
from tests.api.house import House, house
from tests.pages.reading import words

PAGES_MIN, FORMS_MIN = 30, 45
PUBLIC = (
    re.compile(r"^/$|^/sign-in|^/sign-out$|^/join/|^/here|^/ui$|^/demo/"),
    "what a stranger may open: signing in, an invitation, a shared device, and the demo where there is one",
)
AN_ID = "00000000-0000-7000-8000-000000000000"


def doors(place: House) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield method, address with made-up ids, and the permissions it needs, of everything that is a page."""
    for context in iter_route_contexts(place.app.routes):
        if not isinstance(context.original_route, PageDoor):
            continue
        needs = [call for call in calls_of(context.dependant) if isinstance(call, Need)]
        for method in context.methods or ():
            if method in ("GET", "POST"):
                yield method, re.sub(r"\{[^}]*\}", AN_ID, str(context.path)), needs


async def test_a_stranger_is_sent_to_sign_in_by_every_page_and_form(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        await place.organisation("The Quay")
        seen = {"GET": 0, "POST": 0}
        for method, path, needs in doors(place):
            seen[method] += 1
            if PUBLIC[0].match(path):
                continue
            assert needs and all(need.permission in MATRIX for need in needs), path
            headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
            answer = await place.client.request(method, path, headers=headers)
            assert answer.status_code == 303, (method, path, answer.status_code)
            assert answer.headers["location"].startswith("/sign-in?next="), path
        assert seen["GET"] >= PAGES_MIN and seen["POST"] >= FORMS_MIN, seen


async def test_a_form_from_another_site_is_refused_everywhere(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        before = (await place.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"]
        for method, path, _ in doors(place):
            if method == "POST":
                crossed = {"Sec-Fetch-Site": "cross-site"}
                answer = await place.send(path, team, "owner", {"key": "k"}, **crossed)
                assert answer.status_code == 403, path
        assert (await place.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"] == before


async def test_every_entry_of_the_navigation_opens_for_its_role(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        for role in BAR:
            bar, more = entries_of([role])
            assert 1 <= len(bar) <= BAR_ENTRIES_MAX
            for entry in (*bar, *more):
                answer = await place.see(entry.path, team, role)
                assert answer.status_code == 200, (role, entry.path, answer.status_code)
                assert 'aria-current="page"' in answer.text, (role, entry.path)
        assert {key for keys in (*BAR.values(), *MORE.values()) for key in keys} <= {
            one.key for one in ENTRIES
        }


async def test_who_may_decide_sees_on_every_page_that_something_waits(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        assert 'href="/decisions"' not in (await place.see("/recognition", team, "staff")).text
        for role in ("staff", "manager"):
            power = {"member": team.members[role], "about": "action", "assurance_min": "session"}
            until = {"until": "2026-11-20T10:30:00.000Z"} if role == "staff" else {}
            await place.done("/api/v1/authorities", team.keys["owner"], power | until)
        note = {"note": "The ice machine leaks"}
        case = (await place.done("/api/v1/reports", team.keys["owner"], note))["ids"]["case"]
        for role, path in (("staff", "/recognition"), ("manager", "/team")):
            assert "1 waiting" not in words((await place.see(path, team, role)).text), role
        proposal = {"action": "call", "text": "Call the engineer"}
        await place.done(f"/api/v1/cases/{case}/proposals", team.keys["owner"], proposal)
        for role, path in (("staff", "/recognition"), ("staff", "/me"), ("manager", "/team")):
            page = (await place.see(path, team, role)).text
            assert 'href="/decisions"' in page and "1 waiting" in words(page), (role, path)
        place.wait(3600)  # the power is over, and nothing was written
        assert 'href="/decisions"' not in (await place.see("/recognition", team, "staff")).text
        assert "1 waiting" in words((await place.see("/team", team, "manager")).text)


async def test_a_page_has_the_headers_that_keep_it_to_itself(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        answer = await place.see("/decisions", team, "manager")
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy and "default-src 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-encoding" not in answer.headers, "a page that holds secrets is not packed"

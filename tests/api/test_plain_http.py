"""Pages in the clear explain themselves; who says that a request came by https is believed only if it is the proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.app import create_app
from api.plain_http import PAGE_STATUS, in_english, is_page_in_the_clear
from api.settings import Settings, SettingsInvalid, load_settings
from tests.api.house import house

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"

ASKED: list[tuple[str, str, str, str, str, bool]] = [
    # what, scheme, path, host, accept, explained
    ("a LAN name", "http", "/", "tally.lan:8765", HTML, True),
    ("a LAN address", "http", "/decisions", "192.168.1.20:8765", HTML, True),
    ("a customer's link", "http", "/l/abc", "tally.lan", HTML, True),
    ("an address of six", "http", "/", "[fe80::1]:8765", HTML, True),
    ("a name that only begins well", "http", "/", "localhost.evil.example", HTML, True),
    ("no host", "http", "/", "", HTML, True),
    ("https", "https", "/", "tally.lan", HTML, False),
    ("this machine", "http", "/", "localhost:8765", HTML, False),
    ("this machine, in capitals", "http", "/", "LOCALHOST", HTML, False),
    ("this machine by number", "http", "/", "127.0.0.1:8765", HTML, False),
    ("this machine by its other number", "http", "/", "127.8.0.1", HTML, False),
    ("this machine, of six", "http", "/", "[::1]:8765", HTML, False),
    ("a name on this machine", "http", "/", "shop.localhost:8765", HTML, False),
    ("a program", "http", "/api/v1/me", "tally.lan", HTML, False),
    ("a watchdog", "http", "/livez", "tally.lan", HTML, False),
    ("a style", "http", "/static/ui.css", "tally.lan", HTML, False),
    ("no page wanted", "http", "/", "tally.lan", "*/*", False),
]


def scope(scheme: str, path: str, host: str, accept: str) -> dict[str, Any]:
    headers = [(b"host", host.encode()), (b"accept", accept.encode())]
    return {"type": "http", "method": "GET", "scheme": scheme, "path": path, "headers": headers}


@pytest.mark.parametrize(
    ("what", "scheme", "path", "host", "accept", "explained"), ASKED, ids=[row[0] for row in ASKED]
)
def test_a_page_in_the_clear_is_explained(
    what: str, scheme: str, path: str, host: str, accept: str, explained: bool
) -> None:
    assert is_page_in_the_clear(scope(scheme, path, host, accept)) is explained


def test_the_explanation_names_the_safe_address_if_there_is_one() -> None:
    request = Request(
        {**scope("http", "/de<cisions", "tally.lan", HTML), "query_string": b"", "server": None}
    )
    told = in_english("https://tally.example.org")(request)
    assert told.status_code == PAGE_STATUS
    assert "https://tally.example.org/de" in bytes(told.body).decode()
    assert "<cisions" not in bytes(told.body).decode()
    none = bytes(in_english("")(request).body).decode()
    assert "Ask whoever set up Tallystick here" in none


async def ask(app: FastAPI, url: str, client: str = "192.168.1.9", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(client, 999))
    async with httpx.AsyncClient(transport=transport) as browser:
        return await browser.get(url, headers={"Accept": HTML, **headers})


@pytest.mark.asyncio
async def test_the_whole_application_explains_and_never_stops_a_program(tmp_path: Path) -> None:
    async with house(tmp_path, address="https://tally.example.org") as at:
        told = await ask(at.app, "http://tally.lan:8765/decisions")
        assert told.status_code == PAGE_STATUS
        assert "https://tally.example.org/decisions" in told.text
        assert told.headers["x-content-type-options"] == "nosniff", "it went through the doorway"
        assert (await ask(at.app, "http://tally.lan:8765/livez")).status_code == 200
        assert (await ask(at.app, "http://tally.lan:8765/api/v1/me")).status_code == 401
        assert (await ask(at.app, "http://localhost:8765/decisions")).status_code == 404


@pytest.mark.asyncio
async def test_pages_bring_an_explanation_of_their_own(tmp_path: Path) -> None:
    def explain(request: Request) -> Response:
        return PlainTextResponse(f"ours: {request.url.path}", PAGE_STATUS)

    app = create_app(Settings(data_dir=tmp_path), explain=explain)
    app.state.registry = None
    from_page = await ask_without_doorway(app, explain)
    assert from_page == "ours: /decisions"


async def ask_without_doorway(app: FastAPI, explain: object) -> str:
    """Return what the inner layer answers; the doorway wants an opened installation."""
    inner = next(one for one in app.user_middleware if "explain" in one.kwargs)
    assert inner.kwargs["explain"] is explain
    layer = inner.cls(app, **inner.kwargs)  # type: ignore[call-arg]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(layer)) as browser:
        return (await browser.get("http://tally.lan/decisions", headers={"Accept": HTML})).text


PROXY = "10.87.65.2"
FORWARDED: list[tuple[str, str, str, dict[str, str], bool]] = [
    # what, TALLYSTICK_PROXY, who sends it, headers, came by https
    ("the proxy", PROXY, PROXY, {"X-Forwarded-Proto": "https"}, True),
    ("the proxy, by its network", "10.87.65.0/29", PROXY, {"X-Forwarded-Proto": "https"}, True),
    ("one of two", f"192.0.2.1, {PROXY}", PROXY, {"X-Forwarded-Proto": "https"}, True),
    ("the proxy, in the clear", PROXY, PROXY, {"X-Forwarded-Proto": "http"}, False),
    ("the proxy says nothing", PROXY, PROXY, {}, False),
    ("somebody else", PROXY, "10.87.65.3", {"X-Forwarded-Proto": "https"}, False),
    ("this machine itself", PROXY, "127.0.0.1", {"X-Forwarded-Proto": "https"}, False),
    ("nobody is believed", "", "127.0.0.1", {"X-Forwarded-Proto": "https"}, False),
    ("another header", PROXY, PROXY, {"Forwarded": "proto=https"}, False),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("what", "proxy", "sender", "headers", "by_https"), FORWARDED, ids=[row[0] for row in FORWARDED]
)
async def test_only_the_proxy_says_that_a_request_came_by_https(
    tmp_path: Path, what: str, proxy: str, sender: str, headers: dict[str, str], by_https: bool
) -> None:
    async with house(tmp_path, proxy=proxy) as at:
        told = await ask(at.app, "http://tally.example.org/decisions", sender, **headers)
    assert told.status_code == (404 if by_https else PAGE_STATUS)
    assert ("strict-transport-security" in told.headers) is by_https


SETTINGS: list[tuple[str, str, str | None]] = [
    # variable, value, what it becomes; None: refused
    ("address", "", ""),
    ("address", "https://Tally.Example.org", "https://tally.example.org"),
    ("address", "https://tally.lan:8443/", "https://tally.lan:8443"),
    ("address", "http://localhost:8765", "http://localhost:8765"),
    ("address", "http://127.0.0.1:8765", None),  # browsers bind passkeys to names
    ("address", "http://tally.lan", None),
    ("address", "tally.example.org", None),
    ("address", "https://tally.example.org/app", None),
    ("address", "https://tally.example.org?x", None),
    ("address", "https://me@tally.example.org", None),
    ("address", "https://tally.example.org:99999", None),
    ("address", "https://", None),
    ("proxy", "10.87.65.0/29", "10.87.65.0/29"),
    ("proxy", "::1", "::1"),
    ("proxy", "proxy", None),
    ("proxy", "*", None),
    ("proxy", "0.0.0.0/0", None),
    ("proxy", "10.0.0.1,", None),
]


@pytest.mark.parametrize(
    ("name", "value", "becomes"), SETTINGS, ids=[f"{row[0]}={row[1]}" for row in SETTINGS]
)
def test_address_and_proxy_are_read_strictly(
    name: str, value: str, becomes: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TALLYSTICK_{name.upper()}", value)
    if becomes is None:
        with pytest.raises(SettingsInvalid, match=f"TALLYSTICK_{name.upper()}: .*expected"):
            load_settings()
    else:
        assert getattr(load_settings(), name) == becomes


def test_without_an_address_people_open_this_machine() -> None:
    assert load_settings(port=9000).public_address == "http://localhost:9000"
    assert load_settings(address="https://tally.lan").public_address == "https://tally.lan"

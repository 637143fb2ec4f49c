"""Decisions in a browser: seen at every width, answered by a finger, by keys alone, and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import NARROW, PHONE, WIDE, walking

KEYS_MAX = 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, PHONE, WIDE])
def test_decisions_at_every_width(browser: Browser, demo_url: str, width: int, scheme: str) -> None:
    with walking(browser, demo_url, width=width, scheme=scheme) as walk:
        walk.go("/")
        expect(walk.page.locator("h1")).to_contain_text("need your decision")
        walk.check()
        if width != NARROW:
            walk.shot(f"decisions_{scheme}_{width}")


def test_a_planted_fault_is_found(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url) as walk:
        walk.go("/decisions")
        walk.go("/")
        walk.page.evaluate(
            "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/x\"><input>')"
        )
        assert {one.partition(":")[0] for one in walk.violations()} >= {"image-alt", "label"}
        walk.expected = ["error: Failed to load resource"]


def test_an_injected_script_does_not_run(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url) as walk:
        walk.go("/")
        walk.page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'document.title = \"owned\"';"
            " document.body.append(s) }"
        )
        assert "owned" not in walk.page.title()
        assert any("Content Security Policy" in said for said in walk.console)
        walk.expected = ["error: Executing inline script violates", "error: Refused to execute inline script"]

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


def test_keys_alone_lead_from_the_open_page_to_a_recorded_decision(browser: Browser, demo_url: str) -> None:
    """Two keys: one goes to the yes, one says it. The page after the swap is held to the same promises."""
    with walking(browser, demo_url, width=WIDE) as walk:
        walk.go("/")
        before = walk.page.locator("h1").inner_text()
        keys = ("a", "Enter")
        for key in keys:
            walk.page.keyboard.press(key)
        expect(walk.page.locator("[data-toast]")).to_be_visible()
        assert walk.page.locator("h1").inner_text() != before
        assert len(keys) <= KEYS_MAX
        walk.check()

"""Lists on paper: dark on white in either theme, and nothing of what only a screen needs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import WIDE, walking

INK = "getComputedStyle(document.querySelector('h1')).color.match(/[0-9]+/g).map(Number)"
DARK_MAX = 96
"""Each part of a colour that is dark on white paper."""


@pytest.mark.parametrize("theme", ["", "dark"], ids=["as the device", "chosen"])
def test_lists_print_dark_on_white(browser: Browser, demo_url: str, theme: str) -> None:
    with walking(browser, demo_url, width=WIDE, scheme="dark") as walk:
        walk.go("/")
        walk.look_as("owner")
        for path in ("/people", "/watch", "/sources", "/exceptions?ended=all"):
            walk.go(path)
            if theme:
                walk.page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            assert min(walk.page.evaluate(INK)) > DARK_MAX, "light on dark on the screen"
            walk.page.emulate_media(media="print", color_scheme="dark")
            assert max(walk.page.evaluate(INK)) <= DARK_MAX, path
            for part in (".tabs", ".demo", ".top"):
                expect(walk.page.locator(part).first).to_be_hidden()
            expect(walk.page.locator("table").first).to_be_visible()
            walk.page.emulate_media(media="screen", color_scheme="dark")

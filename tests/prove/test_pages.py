"""Every page for every role that sees it, at each width, light and dark: axe, no sideways scroll, targets."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.e2e.browsing import HEIGHTS, NARROW, PHONE, WIDE, walking
from tests.e2e.pages_there import PAGES, PageThere

WIDTHS = (NARROW, PHONE, WIDE)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MISSING = "error: Failed to load resource: the server responded with a status of 404"
SEEN = [(page, role) for page in PAGES for role in dict.fromkeys((page.role, *page.others))]


@pytest.mark.parametrize(("page", "role"), SEEN, ids=[f"{page.name}-{role}" for page, role in SEEN])
def test_every_page_keeps_its_promises_for_every_role(
    browser: Browser, demo_url: str, page: PageThere, role: str
) -> None:
    """Loaded anew at each width and in each theme; a page may look different to a script that starts there."""
    with walking(browser, demo_url, width=NARROW) as walk:
        walk.expected = [MISSING] if page.name == "not-there" else []
        walk.go("/")
        walk.look_as(role)
        address = page.address(walk)
        for width in WIDTHS:
            walk.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            for scheme in SCHEMES:
                walk.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                walk.go(address)
                assert walk.page.locator("h1").count() == 1
                walk.check()

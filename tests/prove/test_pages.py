"""Every page for every role that sees it, at each width, light and dark: axe, no sideways scroll, targets."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.browsing import HEIGHTS, NARROW, PHONE, WIDE, walking
from tests.e2e.pages_there import PAGES, PageThere

WIDTHS = (NARROW, PHONE, WIDE)
SCHEMES = ("light", "dark")
MISSING = "error: Failed to load resource: the server responded with a status of 404"
SEEN = [
    (page, role, width, scheme)
    for page in PAGES
    for role in dict.fromkeys((page.role, *page.others))
    for width in WIDTHS
    for scheme in SCHEMES
]


@pytest.mark.parametrize(
    ("page", "role", "width", "scheme"),
    SEEN,
    ids=[f"{page.name}-{role}-{width}-{scheme}" for page, role, width, scheme in SEEN],
)
def test_every_page_keeps_its_promises_for_every_role(
    browser: Browser, demo_url: str, page: PageThere, role: str, width: int, scheme: str
) -> None:
    with walking(browser, demo_url, width=width, scheme=scheme) as walk:
        walk.expected = [MISSING] if page.name == "not-there" else []
        walk.go("/")
        walk.look_as(role)
        walk.go(page.address(walk))
        assert walk.page.viewport_size == {"width": width, "height": HEIGHTS[width]}
        assert walk.page.locator("h1").count() == 1
        walk.check()

"""Every page for its main role, narrow and wide, light and dark: axe, no sideways scroll, targets, weight, pictures.

The full product of widths, themes and roles is in tests/prove.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from api.pages.words import OFFERED
from tests.e2e.browsing import NARROW, PHONE, WIDE, Walk, walking
from tests.e2e.pages_there import PAGES, PageThere

WEIGHT_BYTES_MAX = 150 * 1024
MISSING = "error: Failed to load resource: the server responded with a status of 404"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_is_accessible_and_fits(browser: Browser, demo_url: str, page: PageThere) -> None:
    with walking(browser, demo_url, width=NARROW) as walk:
        walk.expected = [MISSING] if page.name == "not-there" else []
        walk.go("/")
        walk.look_as(page.role)
        address = page.address(walk)
        received = weighing(walk)
        walk.go(address)
        assert 0 < sum(received) <= WEIGHT_BYTES_MAX, sum(received)
        assert walk.page.locator("h1").count() == 1
        for width, shown in ((NARROW, PHONE), (WIDE, WIDE)):
            for scheme in ("light", "dark"):
                walk.page.emulate_media(color_scheme=scheme)
                walk.page.set_viewport_size({"width": width, "height": 900})
                walk.check()
                walk.page.set_viewport_size({"width": shown, "height": 900})
                walk.shot(f"{page.name}_{scheme}_{shown}")
        if "de" in OFFERED:
            in_german(walk, page, address)


def in_german(walk: Walk, page: PageThere, address: str) -> None:
    """Hold the page in German against the same: its words are longer."""
    walk.context.set_extra_http_headers({"Accept-Language": "de"})
    walk.page.emulate_media(color_scheme="light")
    walk.page.set_viewport_size({"width": NARROW, "height": 900})
    walk.go(address)
    assert walk.page.locator("html").get_attribute("lang") == "de"
    walk.check()
    for width in (PHONE, WIDE):
        walk.page.set_viewport_size({"width": width, "height": 900})
        walk.shot(f"{page.name}_de_{width}")


def weighing(walk: Walk) -> list[int]:
    """Return a list that grows by the bytes of each answer from now on; nothing comes from a cache."""
    cdp = walk.context.new_cdp_session(walk.page)
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    cdp.send("Network.setBypassServiceWorker", {"bypass": True})
    received: list[int] = []
    cdp.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    return received

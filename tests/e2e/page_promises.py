"""What every page is held against: axe, no sideways scroll, targets, weight; a picture for each width and theme.

One window per role is kept open from page to page, so that coming in is paid for once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser

from api.pages.words import OFFERED
from tests.e2e.browsing import NARROW, PHONE, WIDE, Walk, walking
from tests.e2e.pages_there import PageThere

WEIGHT_BYTES_MAX = 150 * 1024
MISSING = "error: Failed to load resource: the server responded with a status of 404"


@dataclass
class Windows:
    """The windows of one file of tests, by role."""

    browser: Browser
    url: str
    kept: dict[str, tuple[Walk, ExitStack]] = field(default_factory=dict)

    @contextmanager
    def lent(self, page: PageThere) -> Iterator[Walk]:
        """Lend a window that looks as the page's role, and hold what it did meanwhile against check_quiet.

        A page that fails takes its window with it, and so does one whose finder signs it out: the next gets a new one.
        """
        there = page.role in self.kept
        walk, closing = self.kept.pop(page.role) if there else self._opened(page.role)
        with closing:
            yield walk
            walk.check_quiet()
            if page.signs_out:
                return
            # from here on; what the page still says after this counts against the next one, so nothing is lost
            walk.console.clear()
            walk.requests.clear()
            walk.expected = []
            self.kept[page.role] = (walk, closing.pop_all())

    def _opened(self, role: str) -> tuple[Walk, ExitStack]:
        with ExitStack() as opening:
            walk = opening.enter_context(walking(self.browser, self.url, width=NARROW))
            walk.go("/")
            walk.look_as(role)
            return walk, opening.pop_all()

    def close(self) -> None:
        """Close them all, each held against check_quiet once more."""
        with ExitStack() as all_of_them:
            for _, closing in self.kept.values():
                all_of_them.enter_context(closing)


def hold(windows: Windows, page: PageThere) -> None:
    """Hold one page in its main role against everything, in each language that is offered."""
    with windows.lent(page) as walk:
        walk.expected = [MISSING] if page.name == "not-there" else []
        in_language(walk, None)
        address = page.address(walk)
        with weighing(walk) as received:
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


def in_language(walk: Walk, language: str | None) -> None:
    """Ask for a language from now on, in a narrow window in the light."""
    walk.context.set_extra_http_headers({} if language is None else {"Accept-Language": language})
    walk.page.emulate_media(color_scheme="light")
    walk.page.set_viewport_size({"width": NARROW, "height": 900})


def in_german(walk: Walk, page: PageThere, address: str) -> None:
    """Hold the page in German against the same: its words are longer."""
    in_language(walk, "de")
    walk.go(address)
    assert walk.page.locator("html").get_attribute("lang") == "de"
    walk.check()
    for width in (PHONE, WIDE):
        walk.page.set_viewport_size({"width": width, "height": 900})
        walk.shot(f"{page.name}_de_{width}")


@contextmanager
def weighing(walk: Walk) -> Iterator[list[int]]:
    """Give a list that grows by the bytes of each answer; meanwhile nothing comes from a cache."""
    cdp = walk.context.new_cdp_session(walk.page)
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    cdp.send("Network.setBypassServiceWorker", {"bypass": True})
    received: list[int] = []
    cdp.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    yield received
    cdp.detach()

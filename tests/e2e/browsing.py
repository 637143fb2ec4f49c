"""A real browser on a real server: what every walk through the pages is held against while it goes.

`Walk` is one person's browser window. It notes every console message and every request, so that at the end a test can
say: nothing was refused by the content policy, nothing failed, and no request went to another origin.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "build" / "screens"
CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)  # fmt: skip
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
AXE_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
VIOLATIONS = """async rules => {
  const found = await axe.run(document, {runOnly: rules, resultTypes: ['violations'], selectors: false})
  return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 120)}`))
}"""
"""What axe finds: rule, and where. Only that leaves the page: its whole report is long, and so is writing selectors."""
NARROW, PHONE, WIDE = 320, 360, 1280
HEIGHTS = {NARROW: 700, PHONE: 780, WIDE: 900}
TARGET_PX = 44
LOOK_MS = 25
QUIET_LOOKS = 3
SETTLE_SECONDS_MAX = 30
LOADING = "document.readyState !== 'complete' || document.querySelector('.htmx-request') !== null"
"""True while the document is read, and from before htmx asks until what came stands in the page."""
STREAM = "eventsource"
"""The kind of request that stays open for as long as its page does."""
SMALL_TARGETS = """[...document.querySelectorAll('a, button, input, select, textarea, summary')].filter(e => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e)
  if (!box.width || !box.height || style.visibility === 'hidden' || e.type === 'hidden') return false
  if (e.closest('.demo') || e.closest('.vh') || e.classList.contains('skip')) return false
  if (e.type === 'checkbox' || e.type === 'radio') return e.closest('label')?.getBoundingClientRect().height < 44
  const inline = style.display === 'inline' && e.parentElement.innerText.trim() !== e.innerText.trim()
  return !inline && (box.height < 43.5 || box.width < 43.5)
}).map(e => e.outerHTML.slice(0, 120))"""
"""Targets under 44 px that stand on their own; a link inside a sentence may be as high as its line."""


def chromium() -> str:
    """Return the browser of this machine; without one the test is skipped, and fails under CI=true."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is not None:
        return found
    reason = "browser: expected chromium on this machine, got none (apt-get install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Start the browser."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Walk:
    """One window. `expected` are starts of console messages that a step provokes on purpose (a 409, say)."""

    url: str
    context: BrowserContext
    page: Page = field(init=False)
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    unanswered: set[Request] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Open the window; again after it was closed, in the same profile and held against the same."""
        self.page = self.context.new_page()
        self.unanswered.clear()
        self.page.on("console", lambda message: self.console.append(_told(message)))
        self.page.on("pageerror", lambda error: self.console.append(f"pageerror: {error}"))
        self.page.on("request", self._asked)
        self.page.on("requestfinished", lambda request: self.unanswered.discard(request))
        self.page.on("requestfailed", lambda request: self.unanswered.discard(request))

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        if request.resource_type != STREAM:
            self.unanswered.add(request)

    def go(self, path: str) -> None:
        """Open a page by its address."""
        try:
            self.page.goto(self.url + path)
        except Error as error:
            if "ERR_ABORTED" not in str(error):
                raise
            self.page.goto(self.url + path)  # a navigation that the page itself had begun came between
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is being loaded, and nothing was for QUIET_LOOKS times LOOK_MS.

        Playwright's "networkidle" takes half a second each time, and says nothing about a swap: a document that was
        idle once is idle for good.
        """
        until = time.monotonic() + SETTLE_SECONDS_MAX
        quiet, asked = 0, len(self.requests)
        while quiet < QUIET_LOOKS:
            assert time.monotonic() < until, (self.page.url, [one.url for one in self.unanswered])
            self.page.wait_for_timeout(LOOK_MS)
            at_rest = not self._loading() and not self.unanswered and asked == len(self.requests)
            quiet = quiet + 1 if at_rest else 0
            asked = len(self.requests)

    def _loading(self) -> bool:
        try:
            return bool(self.page.evaluate(LOADING))
        except Error as error:
            if "navigat" not in str(error):
                raise
            return True  # another document came while we asked this one

    def look_as(self, role: str) -> None:
        """In the demo: become the first person of a role."""
        self.page.locator(f".demo button[value={role}]").click()
        self.settle()

    def shot(self, name: str) -> None:
        """Keep a picture of the whole page in build/screens/."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        # Page.screenshot gives the same pixels, but packs them tightly, which takes as long as taking them. Nothing may
        # hide the caret: that would leave style attributes on the fields, which htmx copies and the policy refuses.
        cdp = self.context.new_cdp_session(self.page)
        clip = {**cdp.send("Page.getLayoutMetrics")["cssContentSize"], "scale": 1}
        how = {"clip": clip, "captureBeyondViewport": True, "optimizeForSpeed": True}
        taken = cdp.send("Page.captureScreenshot", how)
        cdp.detach()
        (SCREENS / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))

    def violations(self) -> list[str]:
        """Return what axe finds on the page as it is now: rule, and where."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        found: list[str] = self.page.evaluate(VIOLATIONS, list(AXE_RULES))
        return found

    def check(self) -> None:
        """Hold the page as it is now against what every page promises: axe, no sideways scroll, targets."""
        assert (found := self.violations()) == [], (self.page.url, found)
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        assert self.page.evaluate("document.documentElement.scrollWidth") == width, self.page.url
        assert self.page.evaluate(SMALL_TARGETS) == [], self.page.url

    def check_quiet(self) -> None:
        """Nothing failed, nothing was refused by the content policy, and nothing left the origin."""
        loud = [said for said in self.console if not any(said.startswith(one) for one in self.expected)]
        assert loud == [], loud
        ours = urlsplit(self.url).netloc
        away = [one for one in self.requests if urlsplit(one).netloc not in ("", ours)]
        assert away == []


@contextmanager
def walking(
    browser: Browser, url: str, *, width: int = PHONE, scheme: str = "light", **more: Any
) -> Iterator[Walk]:
    """Open a window of its own (no cookies of others), and at the end hold the whole walk against check_quiet."""
    size = {"width": width, "height": HEIGHTS.get(width, 800)}
    more.setdefault("reduced_motion", "reduce")  # a colour half way between two themes is nobody's
    context = browser.new_context(viewport=size, color_scheme=scheme, **more)  # type: ignore[arg-type]
    walk = Walk(url, context)
    try:
        yield walk
        walk.check_quiet()
    finally:
        context.close()


def _told(message: ConsoleMessage) -> str:
    where = message.location["url"]
    return f"{message.type}: {message.text}" + (f" ({where})" if where else "")

"""Which pages there are, and for whom: one list for the suites that look at every page."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import FilePayload

from tests.e2e.browsing import Walk

OWNER, MANAGER, STAFF, AUDITOR = "owner", "manager", "staff", "auditor"
ROLES = (OWNER, MANAGER, STAFF, AUDITOR)


@dataclass(frozen=True)
class PageThere:
    """One page: its name, its address (or how to find it from another page), its main role, and who else sees it.

    `signs_out`: finding it ends the session of the window.
    """

    name: str
    find: str | Callable[[Walk], str]
    role: str
    others: tuple[str, ...] = ()
    signs_out: bool = False

    def address(self, walk: Walk) -> str:
        """Return the address, looked up through the pages where it holds an id."""
        return self.find if isinstance(self.find, str) else self.find(walk)


def first_link(page: str, selector: str) -> Callable[[Walk], str]:
    """Return a finder: the first link on a page that fits the selector."""

    def find(walk: Walk) -> str:
        walk.go(page)
        href = walk.page.locator(selector).first.get_attribute("href")
        assert href is not None, (page, selector)
        return href

    return find


def with_photo(walk: Walk) -> str:
    """Report something with a photo, and return the address of that photo's page."""
    picture = io.BytesIO()
    Image.frombytes("RGB", (48, 36), os.urandom(48 * 36 * 3)).save(picture, "PNG")
    walk.go("/report")
    walk.page.locator("input[type=file]").evaluate("field => field.closest('details').open = true")
    file = FilePayload(name="display.png", mimeType="image/png", buffer=picture.getvalue())
    walk.page.set_input_files("input[type=file]", file)
    walk.page.get_by_label("What is it, in a sentence?").fill(f"{os.urandom(5).hex()} {os.urandom(5).hex()}")
    walk.page.get_by_role("button", name="Send", exact=True).click()
    walk.page.get_by_role("link", name="See it").click()
    walk.settle()
    return first_link(urlsplit(walk.page.url).path, "a.pic[href*='/evidence/']")(walk)


def invited(walk: Walk) -> str:
    """Invite somebody, and return the address on the slip as a stranger opens it."""
    walk.go("/people")
    walk.page.fill("#f-name", f"Noor {os.urandom(2).hex()}")
    walk.page.locator("form[action='/people/invite'] button").click()
    address = urlsplit(walk.page.locator(".slip code").inner_text()).path
    walk.context.clear_cookies()
    return address


def shared(walk: Walk) -> str:
    """Make the browser a shared device."""
    walk.go("/device")
    walk.page.fill("#f-label", "Tablet at the pass")
    walk.page.locator("form[action='/device'] button").click()
    walk.settle()
    return "/here"


def a_sheet(walk: Walk) -> str:
    """Return the sheet of the first recognition that is the reader's for good."""
    badge = first_link("/recognition", "main a[href$='/badge']")(walk)
    return badge.removesuffix("/badge") + "/sheet"


def an_assessment(walk: Walk) -> str:
    """Return the page on which somebody is asked what they saw, from its top."""
    return first_link("/courses", "main a[href*='do=assess']")(walk).partition("#")[0]


def screen(walk: Walk) -> str:
    """Make the browser a shared device, and return where it shows the code of a place."""
    walk.go(shared(walk))
    href = walk.page.locator("main a[href^='/here/screen/']").first.get_attribute("href")
    assert href is not None
    return href


def scanned(walk: Walk) -> str:
    """Return the address that the code on paper of a place leads to."""
    walk.go(A_POINT_SHEET(walk))
    return urlsplit(walk.page.locator(".sheet code").inner_text().replace("\n", "")).path


A_POINT_SHEET = first_link("/points", "main a[href$='/sheet']")
AN_EXCEPTION = first_link("/exceptions?ended=all", "main a[href^='/exceptions/']")
A_WATCH = "/watch/quote_not_followed_up"
PAGES = (
    PageThere("sign-in", "/sign-in", STAFF),
    PageThere("decisions", "/decisions", MANAGER, (OWNER,)),
    PageThere("checks", "/decisions/checks", OWNER),
    PageThere("check-form", first_link("/my-work", "main a:has-text('Opening check of the bar')"), STAFF),
    PageThere("hand-over", first_link("/my-work", "main a:has-text('Hand over the day shift')"), STAFF),
    PageThere(
        "read-back", first_link("/decisions", "main a[href^='/decisions']:has-text('Hand over')"), OWNER
    ),
    PageThere("courses", "/courses", STAFF, (MANAGER, OWNER)),
    PageThere("assess", an_assessment, MANAGER),
    PageThere("referrals", "/referrals", STAFF, (MANAGER, OWNER)),
    PageThere("points", "/points", OWNER, (MANAGER, STAFF, AUDITOR)),
    PageThere("point-sheet", A_POINT_SHEET, OWNER, (MANAGER,)),
    PageThere("screen", screen, OWNER, signs_out=True),
    PageThere("arriving", scanned, MANAGER, (OWNER,)),
    PageThere("exceptions", "/exceptions?ended=all", MANAGER, (OWNER, STAFF, AUDITOR)),
    PageThere("exception", AN_EXCEPTION, MANAGER, (OWNER, STAFF, AUDITOR)),
    PageThere("source", lambda walk: AN_EXCEPTION(walk) + "/source", MANAGER, (OWNER, AUDITOR)),
    PageThere("evidence", with_photo, STAFF, (MANAGER, OWNER)),
    PageThere("report", "/report", STAFF, (MANAGER, OWNER)),
    PageThere("my-work", "/my-work", STAFF, (MANAGER, OWNER)),
    PageThere("recognition", "/recognition", STAFF, (MANAGER, OWNER)),
    PageThere("thanks", "/thanks", STAFF, (MANAGER, OWNER)),
    PageThere("hours", "/hours", OWNER),
    PageThere("why", first_link("/record/awards", "main a[href^='/recognition/']"), AUDITOR),
    PageThere("sheet", a_sheet, STAFF),
    PageThere("team", "/team", MANAGER, (OWNER, STAFF)),
    PageThere("watch", "/watch", OWNER, (MANAGER, STAFF)),
    PageThere("one-watch", A_WATCH, OWNER, (MANAGER,)),
    PageThere("sources", "/sources", OWNER),
    PageThere("upload", "/sources/upload", OWNER),
    PageThere("systems", "/sources/systems", OWNER, (MANAGER,)),
    PageThere("who is who", first_link("/sources", "main a[href$='/names']"), OWNER),
    PageThere("results", "/sources/results", OWNER, (MANAGER,)),
    PageThere("typing", first_link("/sources/upload", "a[href^='/sources/type']"), OWNER, (MANAGER,)),
    PageThere("people", "/people", OWNER, (MANAGER, AUDITOR)),
    PageThere("person", first_link("/people", "main a[href^='/people/']"), OWNER, (MANAGER,)),
    PageThere("join", invited, OWNER, signs_out=True),
    PageThere("device", "/device", OWNER, (MANAGER,)),
    PageThere("here", shared, OWNER, signs_out=True),
    PageThere("settings", "/settings", OWNER),
    PageThere("recognised", "/settings/recognised/handover", OWNER),
    PageThere("me", "/me", STAFF, ROLES),
    PageThere("search", "/search?q=booking", MANAGER, ROLES),
    PageThere("record", "/record", AUDITOR, (OWNER,)),
    PageThere("awards", "/record/awards", AUDITOR),
    PageThere("forgeable", "/record/forgeable", AUDITOR, (OWNER,)),
    PageThere("steps", "/record/steps", AUDITOR),
    PageThere("stamps", "/record/stamps", OWNER, (AUDITOR,)),
    PageThere("powers", "/powers", AUDITOR),
    *(PageThere(f"start-{step}", f"/start?step={step}", OWNER) for step in range(1, 7)),
    PageThere("demo-cheat", "/demo/cheat", OWNER, ROLES),
    PageThere("demo-jump", "/demo/jump?since=0", OWNER, ROLES),
    PageThere("demo-damage", "/demo/damage", AUDITOR, ROLES),
    PageThere("not-there", "/nowhere-at-all", STAFF),
)

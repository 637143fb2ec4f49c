"""Which pages there are, and for whom: one list for the suites that look at every page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.browsing import Walk

OWNER, MANAGER, STAFF, AUDITOR = "owner", "manager", "staff", "auditor"
ROLES = (OWNER, MANAGER, STAFF, AUDITOR)


@dataclass(frozen=True)
class PageThere:
    """One page: its name, its address (or how to find it from another page), its main role, and who else sees it."""

    name: str
    find: str | Callable[[Walk], str]
    role: str
    others: tuple[str, ...] = ()

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


AN_EXCEPTION = first_link("/exceptions?ended=all", "main a[href^='/exceptions/']")
A_WATCH = "/watch/quote_not_followed_up"
PAGES = (
    PageThere("sign-in", "/sign-in", STAFF),
    PageThere("decisions", "/decisions", MANAGER, (OWNER,)),
    PageThere("exceptions", "/exceptions?ended=all", MANAGER, (OWNER, STAFF, AUDITOR)),
    PageThere("exception", AN_EXCEPTION, MANAGER, (OWNER, STAFF, AUDITOR)),
    PageThere("source", lambda walk: AN_EXCEPTION(walk) + "/source", MANAGER, (OWNER, AUDITOR)),
    PageThere("my-work", "/my-work", STAFF, (MANAGER, OWNER)),
    PageThere("recognition", "/recognition", STAFF, (MANAGER, OWNER)),
    PageThere("why", first_link("/record/awards", "main a[href^='/recognition/']"), AUDITOR),
    PageThere("team", "/team", MANAGER, (OWNER, STAFF)),
    PageThere("watch", "/watch", OWNER, (MANAGER, STAFF)),
    PageThere("one-watch", A_WATCH, OWNER, (MANAGER,)),
    PageThere("sources", "/sources", OWNER),
    PageThere("upload", "/sources/upload", OWNER),
    PageThere("settings", "/settings", OWNER),
    PageThere("me", "/me", STAFF, ROLES),
    PageThere("search", "/search?q=booking", MANAGER, ROLES),
    PageThere("record", "/record", AUDITOR, (OWNER,)),
    PageThere("awards", "/record/awards", AUDITOR),
    PageThere("steps", "/record/steps", AUDITOR),
    PageThere("powers", "/powers", AUDITOR),
    *(PageThere(f"start-{step}", f"/start?step={step}", OWNER) for step in range(1, 7)),
    PageThere("demo-cheat", "/demo/cheat", OWNER, ROLES),
    PageThere("demo-jump", "/demo/jump?since=0", OWNER, ROLES),
    PageThere("demo-damage", "/demo/damage", AUDITOR, ROLES),
    PageThere("not-there", "/nowhere-at-all", STAFF),
)

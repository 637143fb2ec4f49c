"""Away and locked out, in a browser: a stand-in with a limit and an end, and an owner let in again from the server."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from tests.e2e.browsing import ROOT, Walk, walking
from tests.served import serving

RECOVER_SECONDS_MAX = 60


def opened(walk: Walk, role: str) -> str:
    """Open the demo as somebody of a role, and return their name."""
    walk.go("/")
    walk.look_as(role)
    walk.go("/me")
    return walk.page.locator("h1").inner_text()


def test_a_stand_in_decides_until_it_is_ended(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url) as lead, walking(browser, demo_url) as waiter:
        leads, waits = opened(lead, "manager"), opened(waiter, "staff")
        waiter.go("/decisions")
        expect(waiter.page.locator("button[name=verb][value=approved]")).to_have_count(0)

        # the lead goes away, and says who stands in, up to how much and until when
        lead.go("/people")
        lead.page.get_by_role("link", name=leads).click()
        lead.page.locator("summary", has_text="is away").click()
        lead.page.get_by_label("Who stands in").select_option(label=waits)
        lead.page.get_by_label("Until the end of").fill("2026-11-30")
        lead.page.get_by_label("Up to").fill("150")
        lead.check()
        lead.page.get_by_role("button", name="Note it").click()
        said = f"{waits} stands in for {leads} until 30 Nov, up to €150"
        expect(lead.page.locator("#away")).to_contain_text(said)
        lead.check()
        lead.shot("away_noted")

        # the stand-in decides what the lead would have decided
        waiter.go("/me")
        expect(waiter.page.locator("main")).to_contain_text(said)
        waiter.go("/decisions")
        waiter.check()
        waiter.shot("away_stand_in")
        waiter.page.locator("button[name=verb][value=approved]").first.click()
        expect(waiter.page.locator(".toast")).to_contain_text("Approved.")

        # it ends when the lead is back
        lead.page.get_by_role("button", name="End it now").click()
        expect(lead.page.locator("#away")).to_contain_text("Not away, and standing in for nobody.")
        waiter.go("/me")
        expect(waiter.page.locator("main")).not_to_contain_text("stands in for")


def test_an_owner_who_is_locked_out_comes_in_again(browser: Browser, venue: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(venue, folder)
    (folder / "server.json").unlink(missing_ok=True)
    with serving(folder, "--demo") as (_, url, _said), walking(browser, url) as owner:
        owner.expected = ["error: Failed to load resource"]
        name = opened(owner, "owner")
        command = [sys.executable, "-m", "api.cli", "--data-dir", str(folder), "owner", "recover"]
        told = subprocess.run(
            [*command, "--member", name],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=RECOVER_SECONDS_MAX,
        )
        assert told.returncode == 0, told.stderr
        link = re.search(r"https?://\S+/join/\S+", told.stdout)
        assert link is not None, told.stdout
        owner.go("/me")
        expect(owner.page.locator("h1")).to_have_text("Sign in")
        owner.go(urlsplit(link[0]).path)
        owner.check()
        owner.shot("recover_join")
        owner.page.fill("#f-name", "marta")
        owner.page.fill("#f-password", "seven slow ferries home")
        owner.page.fill("#f-again", "seven slow ferries home")
        owner.page.locator("form.card button").click()
        expect(owner.page.locator("h1")).to_contain_text("your decision")
        owner.go("/record/steps?kind=owner_recovered")
        expect(owner.page.locator("main")).to_contain_text(name)

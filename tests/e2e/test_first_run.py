"""An owner sets a place up in a browser, from nothing to the first card; a second person and one of the staff join."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, FilePayload, expect

from tests.e2e.browsing import ROOT, Walk, walking
from tests.served import serving

INIT_SECONDS_MAX = 60
CARD_SECONDS_MAX = 30
PASSWORD = "nine green boats at sea"


def opened_place(folder: Path) -> str:
    """Open the organisation as whoever runs the server does; return the path of the owner's invite."""
    command = [sys.executable, "-m", "api.cli", "--data-dir", str(folder)]
    told = subprocess.run(
        [*command, "init", "--name", "The Corner Shop", "--owner", "Ada"],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=INIT_SECONDS_MAX,
    )  # fmt: skip
    link = re.search(r"http\S+/join/\S+", told.stdout)
    assert link is not None, told.stdout
    return urlsplit(link[0]).path


def joined(walk: Walk, address: str, name: str) -> None:
    """Open an invitation as its holder, and choose how to sign in."""
    walk.go(address)
    walk.check()
    walk.page.fill("#f-name", name)
    walk.page.fill("#f-password", PASSWORD)
    walk.page.fill("#f-again", PASSWORD)
    walk.page.locator("form.card button").click()
    walk.page.wait_for_url(lambda url: "/join/" not in url)
    walk.settle()


def complaints(now: datetime) -> bytes:
    """Return the spreadsheet: one complaint, open for three hours."""
    since = (now - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    head = "id,status,severity,opened_at,changed_at,site,value,customer"
    return f"{head}\nK1,open,high,{since},{since},harbour,310.00,guest-1\n".encode()


def test_from_nothing_to_the_first_card(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    invite = opened_place(folder)
    with (
        serving(folder) as (_, url, _said),
        walking(browser, url) as owner,
        walking(browser, url) as second,
        walking(browser, url) as staff,
    ):
        page = owner.page
        joined(owner, invite, "ada")
        owner.go("/start")
        expect(page.locator("h1")).to_have_text("What is your place called?")
        page.get_by_label("Its name").fill("The Corner Shop")
        page.get_by_role("button", name="Go on").click()

        # 2: somebody who decides too, by a slip; without one nobody can give tokens
        expect(page.locator("h1")).to_have_text("Who decides with you?")
        page.get_by_label("Their name").fill("Ines")
        page.get_by_label("They are").select_option("outsider")
        page.get_by_role("button", name="Make the invitation").click()
        expect(page.get_by_text("This is shown once.")).to_be_visible()
        owner.check()
        owner.shot("first_run_second_person")
        joined(second, urlsplit(page.locator("code.address").inner_text()).path, "ines")
        second.check()
        page.get_by_role("button", name="Go on").click()

        # 3 to 5: one watch, its first records, and what they would have shown
        page.get_by_text("Unanswered complaints").click()
        page.get_by_role("button", name="Go on").click()
        buffer = complaints(datetime.now(UTC))
        file = FilePayload(name="complaints.csv", mimeType="text/csv", buffer=buffer)
        page.set_input_files("#f-file", file)
        page.get_by_role("button", name="Send the file").click()
        expect(page.locator("h1")).to_have_text("This is what it would have shown")
        expect(page.get_by_text("Complaint K1 (high) still waits for an answer")).to_be_visible()
        owner.check()
        page.get_by_role("button", name="Go on").click()

        # 6: on; and the first real card
        page.get_by_role("button", name="Switch it on").click()
        page.wait_for_url("**/decisions*")
        card = page.locator("main article.card", has_text="Complaint K1 (high)")
        for _ in range(CARD_SECONDS_MAX):
            if card.count():
                break
            page.wait_for_timeout(1000)
            owner.go("/decisions")
        expect(card.first).to_be_visible()
        owner.check()
        owner.shot("first_run_first_card")

        # one of the staff joins by a slip, is handed the complaint and finds it under their work
        owner.go("/people")
        page.fill("#f-name", "Ben")
        page.locator("form[action='/people/invite'] button").click()
        joined(staff, urlsplit(page.locator(".slip code").inner_text()).path, "ben")
        expect(staff.page.locator("h1")).to_have_text("Your work, Ben")
        owner.go("/decisions")
        page.get_by_role("link", name="Pass to").click()
        page.locator("form[action$='/pass'] select[name=owner]").select_option(label="Ben")
        page.locator("form[action$='/pass'] button").click()
        owner.settle()
        staff.go("/my-work")
        expect(staff.page.locator("main")).to_contain_text("Complaint K1 (high)")
        staff.check()
        staff.shot("first_run_handed_over")

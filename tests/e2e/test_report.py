"""Report in a browser: three taps with the camera, without a network and through a closed tab, and what is the same."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests.e2e.browsing import NARROW, PHONE, SMALL_TARGETS, WIDE, Walk, walking

OFFLINE = ["error: Failed to load resource: net::ERR_INTERNET_DISCONNECTED"]
KEPT = "async () => await caches.has('tallystick-report-1')"
STORED = "async () => (await (await caches.open('tallystick-report-1')).keys()).length === 1"
"""True once the service worker has Report at hand: it stores the page last, after its files."""
STORED_SECONDS_MAX = 20
NEVER_TWICE = """() => {
  const drawn = CanvasRenderingContext2D.prototype.drawImage
  CanvasRenderingContext2D.prototype.drawImage = function (...given) {
    drawn.apply(this, given)
    if (!(given[0] instanceof HTMLVideoElement)) return
    crypto.getRandomValues(new Uint8Array(64)).forEach((grey, at) => {
      this.fillStyle = `rgb(${grey} ${grey} ${grey})`
      this.fillRect(16 * (at % 8), 16 * (at >> 3), 16, 16)
    })
  }
}"""
"""The fake camera begins with the same pictures each time, and a picture counts once; a real one sees noise."""


def opened(walk: Walk, role: str = "staff") -> None:
    """Open the page as somebody of the demo venue, its scripts at work."""
    walk.go("/")
    walk.look_as(role)
    walk.go("/report")
    expect(walk.page.get_by_role("button", name="Equipment")).to_be_visible()


def held(walk: Walk) -> None:
    """Hold the page as it is against what every page promises, at its end: there nothing is under the bar."""
    walk.page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    assert walk.page.evaluate(SMALL_TARGETS) == []
    walk.check()


def photographed(walk: Walk, name: str = "") -> None:
    """Take a photo with the camera of the browser, and use it."""
    page = walk.page
    page.evaluate(NEVER_TWICE)
    page.get_by_role("button", name="Take a photo").click()
    expect(page.get_by_role("button", name="Take", exact=True)).to_be_enabled()
    held(walk)
    if name:
        walk.shot(f"report_{name}_camera")
    page.get_by_role("button", name="Take", exact=True).click()
    page.get_by_role("button", name="Use the photo").click()
    expect(page.get_by_text("Taken here and now.")).to_be_visible()


def until_stored(walk: Walk) -> None:
    """Wait until the page can be opened without a network."""
    end = time.monotonic() + STORED_SECONDS_MAX
    while not walk.page.evaluate(STORED):
        assert time.monotonic() < end, walk.console
        walk.page.wait_for_timeout(50)


def alike_to(walk: Walk, text: str) -> list[dict[str, Any]]:
    """Return what the server holds about the same thing."""
    found: dict[str, Any] = walk.page.evaluate(
        "async (text) => (await fetch('/api/v1/reports/similar?text=' + encodeURIComponent(text))).json()",
        text,
    )
    return list(found["items"])


def evidence_of(walk: Walk, case: str) -> list[dict[str, Any]]:
    told: dict[str, Any] = walk.page.evaluate(
        "async (case_) => (await fetch('/api/v1/cases/' + case_)).json()", case
    )
    return list(told["evidence"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, PHONE, WIDE])
def test_report_at_every_width(browser: Browser, demo_url: str, width: int, scheme: str) -> None:
    with walking(browser, demo_url, width=width, scheme=scheme) as walk:
        opened(walk)
        held(walk)
        walk.shot(f"report_{scheme}_{width}")
        walk.page.get_by_role("button", name="Send", exact=True).click()
        expect(walk.page.get_by_role("alert")).to_have_text("Take a photo or write a sentence first.")
        walk.page.get_by_text("Choose a file").click()
        held(walk)


def test_a_photo_and_a_sentence_arrive_as_one(browser: Browser, demo_url: str) -> None:
    note = "Equipment: parasol bent by wind"
    with walking(browser, demo_url) as walk:
        opened(walk)
        photographed(walk, "first")
        walk.page.get_by_label("What is it, in a sentence?").fill("parasol bent by wind")
        walk.page.get_by_role("button", name="Equipment").click()
        expect(walk.page.get_by_label("What is it, in a sentence?")).to_have_value(note)
        walk.page.get_by_text("Now", exact=True).click()
        held(walk)
        walk.shot("report_first_filled")
        walk.page.get_by_role("button", name="Send", exact=True).click()
        expect(walk.page.locator("[data-outbox] li")).to_contain_text("Sent.")
        held(walk)
        walk.shot("report_first_sent")
        (found,) = alike_to(walk, note)
        (item,) = evidence_of(walk, found["case"])
        assert item["type"] == "photo"
        walk.page.get_by_role("link", name="See it").click()
        walk.settle()
        walk.page.locator(".tile img").first.click()
        walk.settle()
        assert walk.page.locator("img.picture").evaluate("image => image.naturalWidth") > 0
        held(walk)
        walk.shot("report_first_evidence")


def test_without_a_network_and_through_a_closed_tab_it_arrives_once(browser: Browser, demo_url: str) -> None:
    note = "Cellar lamp flickers badly"
    with walking(browser, demo_url) as walk:
        walk.expected = OFFLINE
        opened(walk)
        walk.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
        until_stored(walk)
        walk.context.set_offline(True)
        walk.page.reload()
        expect(walk.page.get_by_role("button", name="Equipment")).to_be_visible()
        photographed(walk)
        walk.page.get_by_label("What is it, in a sentence?").fill(note)
        walk.page.get_by_role("button", name="Send", exact=True).click()
        saved = "Saved on this phone. It will be sent once. You can close the page."
        expect(walk.page.locator("[data-outbox] li")).to_contain_text(saved)
        expect(walk.page.locator("[data-unsent]")).to_have_text("1 thing waits on this phone.")
        held(walk)
        walk.shot("report_offline_saved")
        walk.page.close()
        walk.context.set_offline(False)
        walk.open()
        walk.go("/my-work")
        expect(walk.page.locator("[data-unsent]")).to_be_hidden(timeout=30_000)
        walk.go("/report")
        (found,) = alike_to(walk, note)
        assert found["said"] == note
        assert len(evidence_of(walk, found["case"])) == 1
        assert walk.page.locator("[data-outbox] li").count() == 0


def test_what_is_handled_already_is_offered_and_joined(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url) as walk:
        opened(walk)
        walk.page.get_by_label("What is it, in a sentence?").fill("Wardrobe door jammed upstairs")
        walk.page.get_by_role("button", name="Send", exact=True).click()
        expect(walk.page.locator("[data-outbox] li")).to_contain_text("Sent.")
        walk.page.get_by_label("What is it, in a sentence?").fill("Wardrobe door jammed again")
        walk.page.get_by_role("button", name="Send", exact=True).click()
        expect(walk.page.get_by_text("It is with")).to_be_visible()
        held(walk)
        walk.shot("report_same_offered")
        photographed(walk)
        walk.page.get_by_role("button", name="Add mine to it").click()
        expect(walk.page.locator("[data-outbox]")).to_contain_text("Your photo was added.")
        held(walk)
        walk.shot("report_same_joined")
        (found,) = alike_to(walk, "Wardrobe door jammed upstairs")
        assert len(evidence_of(walk, found["case"])) == 1


def test_what_somebody_wrote_is_sent_by_nobody_else(browser: Browser, demo_url: str) -> None:
    note = "Banister wobbles on stairs"
    with walking(browser, demo_url) as walk:
        walk.expected = OFFLINE
        opened(walk)
        walk.context.set_offline(True)
        walk.page.get_by_label("What is it, in a sentence?").fill(note)
        walk.page.get_by_role("button", name="Send", exact=True).click()
        expect(walk.page.locator("[data-outbox] li")).to_contain_text("Saved on this phone.")
        walk.page.close()
        walk.context.set_offline(False)
        walk.open()
        walk.go("/me")
        walk.page.get_by_role("button", name="Sign out here").click()
        walk.page.wait_for_url("**/sign-in")
        assert walk.page.evaluate(KEPT) is False


def test_without_a_script_the_same_is_offered_and_sent(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url, java_script_enabled=False) as walk:
        walk.go("/")
        walk.go("/report")
        for _ in range(2):
            walk.page.get_by_label("What is it, in a sentence?").fill("Corridor carpet torn loose")
            walk.page.get_by_role("button", name="Send", exact=True).click()
            walk.settle()
        walk.shot("report_plain_offered")
        assert walk.page.get_by_text("You are handling this already.").is_visible()
        walk.page.get_by_role("button", name="It is the same: add mine").click()
        walk.settle()
        assert walk.page.get_by_text("Your words were added.").is_visible()


def test_a_photo_for_an_exception_is_taken_on_its_page(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url) as walk:
        opened(walk, "manager")
        walk.page.get_by_label("What is it, in a sentence?").fill("Skylight leaks over landing")
        walk.page.get_by_role("button", name="Send", exact=True).click()
        walk.page.get_by_role("link", name="See it").click()
        walk.settle()
        walk.page.get_by_text("Bring evidence").click()
        photographed(walk)
        walk.page.get_by_role("button", name="Bring the photo").click()
        expect(walk.page.locator("[data-outbox]")).to_contain_text("Your photo was added.")
        held(walk)
        walk.shot("capture_added")


def test_a_file_that_is_no_picture_is_not_left_out_unseen(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url) as walk:
        opened(walk)
        page = walk.page
        if not page.locator("#f-photo").is_visible():
            page.get_by_text("Choose a file").click()
        plan = FilePayload(name="rota.txt", mimeType="text/plain", buffer=b"Monday: Ana")
        page.locator("#f-photo").set_input_files(plan)
        expect(page.get_by_text("This file cannot be shown as a picture.")).to_be_visible()
        page.get_by_label("What is it, in a sentence?").fill("lantern by the pier hangs loose")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("The file is no picture and will not be sent.")
        held(walk)
        expect(page.locator("[data-outbox] li")).to_have_count(0)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator("[data-outbox] li")).to_contain_text("Sent.")

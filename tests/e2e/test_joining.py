"""Joining in a browser: a slip, a name and a PIN; one act on a shared device; leaving ends the session."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.e2e.browsing import walking


def test_from_a_slip_to_one_act_on_a_shared_device_to_leaving(browser: Browser, demo_url: str) -> None:
    with walking(browser, demo_url) as owner, walking(browser, demo_url) as joins:
        owner.go("/")
        owner.go("/people")
        owner.check()
        owner.page.fill("#f-name", "Zoë Winter")
        owner.page.locator("form[action='/people/invite'] button").click()
        expect(owner.page.locator(".slip svg")).to_be_visible()
        owner.check()
        link = owner.page.locator(".slip code").inner_text()

        joins.expected = ["error: Failed to load resource"]
        joins.page.goto(link)
        joins.check()
        joins.page.fill("#f-name", "zoe")
        joins.page.fill("#f-password", "nine green boats at sea")
        joins.page.fill("#f-again", "nine green boats at sea")
        joins.page.fill("#f-pin", "123456")
        joins.page.locator("form.card button").click()
        expect(joins.page.get_by_text("neither a sequence nor a repetition")).to_be_visible()
        assert joins.page.input_value("#f-name") == "zoe" and joins.page.input_value("#f-password") == ""
        joins.check()
        joins.page.fill("#f-password", "nine green boats at sea")
        joins.page.fill("#f-again", "nine green boats at sea")
        joins.page.fill("#f-pin", "482913")
        joins.page.locator("form.card button").click()
        expect(joins.page).to_have_url(f"{demo_url}/my-work")

        with walking(browser, demo_url) as device:
            device.expected = ["error: Failed to load resource"]
            device.go("/")
            device.go("/device")
            device.check()
            device.page.fill("#f-label", "Tablet at the pass")
            device.page.locator("form[action='/device'] button").click()
            device.settle()
            device.page.locator(".names a", has_text="Zoë").click()
            device.page.fill("#f-pin", "111222")
            device.page.locator("form.pin button").click()
            expect(device.page.get_by_text("That is another PIN.")).to_be_visible()
            device.page.fill("#f-pin", "482913")
            device.page.locator("form.pin button").click()
            device.check()
            device.page.fill("#f-report", "The tap in the scullery drips")
            device.page.get_by_role("button", name="Send").click()
            expect(device.page.get_by_text("Done. Zoë, you are out again.")).to_be_visible()
            device.go("/my-work")
            expect(device.page.locator("h1")).to_have_text("Sign in")

        owner.go("/people")
        owner.page.get_by_role("link", name="Zoë Winter").click()
        owner.settle()
        owner.check()
        owner.page.locator("summary", has_text="Zoë Winter leaves").click()
        owner.page.get_by_role("button", name="Let Zoë Winter leave").click()
        owner.settle()
        joins.go("/my-work")
        expect(joins.page.locator("h1")).to_have_text("Sign in")

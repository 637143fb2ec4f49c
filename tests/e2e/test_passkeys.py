"""Passkeys in a browser: enrolled by the manager, confirmed by the owner, signing a decision and in."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import Walk, walking
from tests.served import started


@pytest.fixture(scope="module")
def url(venue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a copy of the venue under a fixed address: passkeys belong to it."""
    folder = tmp_path_factory.mktemp("served") / "demo"
    shutil.copytree(venue, folder)
    (folder / "server.json").unlink(missing_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://localhost:{port}"
    env = {"TALLYSTICK_ADDRESS": address}
    with started(folder, "run", "--port", str(port), "--demo", env=env) as (process, said):
        until = time.monotonic() + 60
        while not (folder / "server.json").exists() and time.monotonic() < until:
            assert process.poll() is None, said.read_text()
            time.sleep(0.1)
        yield address


def with_authenticator(walk: Walk) -> None:
    """Give the window an authenticator that says yes, as a phone's fingerprint reader does."""
    session = walk.context.new_cdp_session(walk.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def enrolled(somebody: Walk, other: Walk, other_role: str, role: str) -> None:
    """Let somebody add a passkey and the other confirm it; the windows end up signed in as these two."""
    with_authenticator(somebody)
    for walk, who in ((somebody, role), (other, other_role)):
        walk.go("/")
        walk.look_as(who)
    somebody.go("/me")
    somebody.page.get_by_role("button", name="Add a passkey").click()
    expect(somebody.page.get_by_text("Waits for a second person")).to_be_visible()
    signs = somebody.page.locator("#sign-in b.num").inner_text()
    other.go("/decisions")
    expect(other.page.get_by_text(signs)).to_be_visible()
    other.page.get_by_role("button", name="Confirm: the signs are the same").click()
    expect(other.page.get_by_text("this passkey signs decisions")).to_be_visible()


def test_a_passkey_from_enrolment_to_a_signed_decision_and_a_sign_in(browser: Browser, url: str) -> None:
    with walking(browser, url) as manager, walking(browser, url) as owner:
        enrolled(manager, owner, "owner", "manager")
        manager.check()
        manager.go("/decisions")
        kinds = set()
        for _ in range(8):
            form = manager.page.locator("form#yes[data-passkey]")
            if not form.count():
                break
            kinds.add(form.locator("[name=about]").get_attribute("value"))
            case = str(form.get_attribute("data-passkey")).split("/")[4]
            expect(manager.page.get_by_text("Signed with your passkey.")).to_be_visible()
            manager.page.locator("button[data-key=a]").click()
            expect(manager.page.locator("[data-toast]")).to_contain_text(r"passed on")
            decided = manager.context.request.get(f"{url}/api/v1/cases/{case}").json()
            found = [one for one in decided["decisions"] if not one["withdrawn"]]
            assert found[-1]["assurance"] == "passkey", found[-1]
            manager.settle()
        assert "action" in kinds

        manager.go("/me")
        manager.page.get_by_role("button", name="Sign out here").click()
        manager.settle()
        manager.go("/sign-in")
        manager.page.get_by_role("button", name="Sign in with a passkey").click()
        expect(manager.page.locator("h1")).not_to_have_text("Sign in")
        manager.go("/me")
        expect(manager.page.get_by_text("with a passkey").first).to_be_visible()


def test_a_recognition_is_signed_with_a_passkey(browser: Browser, url: str) -> None:
    with walking(browser, url) as owner, walking(browser, url) as manager:
        enrolled(owner, manager, "manager", "owner")
        owner.go("/decisions")
        found = owner.context.request.get(f"{url}/api/v1/cases?state=RESOLVED").json()["items"]
        (row,) = [one for one in found if one["award_kind"] == "service_issue"]
        owner.go(f"/decisions?open={row['case']}")
        form = owner.page.locator("form#yes[data-passkey]")
        expect(form.locator("[name=about]")).to_have_value("award")
        owner.page.get_by_label("What you want to say").fill("They stayed another night because of you.")
        owner.page.locator("button[data-key=a]").click()
        expect(owner.page.locator("[data-toast]")).to_be_visible()
        owner.check()
        told = owner.context.request.get(f"{url}/api/v1/cases/{row['case']}").json()
        (decided,) = [one for one in told["decisions"] if one["about"] == "award"]
        assert decided["verb"] == "approved" and decided["assurance"] == "passkey"

"""The tour of five minutes: one window walks through the demo as somebody does who opens it for the first time.

Every step leaves a picture in build/screens/ and says how long it took; each page is held against `Walk.check`. The
steps share one venue and one day, in this order: what one leaves behind, the next finds.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import PHONE, WIDE, Walk, walking
from tests.served import serving

STEP_SECONDS_SAID = 1.0
"""A step that takes longer is said aloud at the end; machines differ, so it is no failure."""


@pytest.fixture
def tour_url(venue: Path, tmp_path: Path) -> Iterator[str]:
    """Serve a venue of our own: the tour moves its clock."""
    folder = tmp_path / "demo"
    shutil.copytree(venue, folder)
    (folder / "server.json").unlink(missing_ok=True)
    with serving(folder, "--demo") as (_, url, _said):
        yield url


def heading(walk: Walk, text: str) -> None:
    expect(walk.page.locator("h1")).to_contain_text(text)


def resized(walk: Walk, width: int, height: int) -> None:
    walk.page.set_viewport_size({"width": width, "height": height})


def try_this(walk: Walk, name: str) -> None:
    """Open one of the pages under the demo strip's "Try something"."""
    walk.page.locator(".demo summary").click()
    walk.page.locator(".demo").get_by_role("link", name=name).click()
    walk.settle()


# ---------------------------------------------------------------------------------------------- the steps, in order
def decisions(walk: Walk) -> None:
    walk.go("/")
    heading(walk, "need your decision")
    expect(walk.page.locator("main article.card .tally").first).to_be_visible()


def source(walk: Walk) -> None:
    walk.page.locator("main").get_by_role("link", name="Where this comes from").first.click()
    walk.settle()
    heading(walk, "What the record said")
    expect(walk.page.locator("main")).to_contain_text("What was known when")


def approve(walk: Walk) -> None:
    walk.go("/decisions")
    walk.page.locator("main button[name=verb][value=approved]").first.click()
    walk.settle()
    expect(walk.page.locator(".toast")).to_contain_text("Approved. It is passed on in 10 seconds.")


def undo(walk: Walk) -> None:
    walk.page.locator(".toast button.undo").click()
    walk.settle()
    expect(walk.page.locator(".toast")).to_contain_text("Undone. Nothing was passed on.")


def my_work(walk: Walk) -> None:
    resized(walk, PHONE, 780)
    walk.look_as("staff")
    walk.go("/my-work")
    heading(walk, "Your")


def report(walk: Walk) -> None:
    walk.go("/report")
    walk.page.get_by_role("textbox").first.fill("Ice machine leaking")
    walk.page.get_by_text("Today", exact=True).click()
    walk.page.get_by_role("button", name="Send").click()
    walk.settle()


def recognition(walk: Walk) -> None:
    walk.go("/recognition")
    heading(walk, "Recognition")
    walk.page.locator('main a[href^="/recognition/"]').first.click()
    walk.settle()
    expect(walk.page.locator("main")).to_contain_text("stood behind this.")


def cheat(walk: Walk) -> None:
    resized(walk, WIDE, 900)
    try_this(walk, "Try to cheat")
    walk.page.get_by_role("button", name="Try all five").click()
    walk.settle()
    expect(walk.page.locator("main")).to_contain_text(
        "5 attempts were refused. None of them left anything behind."
    )
    expect(walk.page.locator("main .story li[data-kind=refused]")).to_have_count(5)


def jump(walk: Walk) -> None:
    try_this(walk, "Jump to Saturday 19:30")
    walk.page.get_by_role("button", name="Jump to Sat 21 Nov 19:30").click()
    heading(walk, "It is Sat 21 Nov 19:30")
    walk.settle()
    expect(walk.page.locator("main")).to_contain_text("3 recognitions are theirs now.")


def other_numbers(walk: Walk) -> None:
    walk.look_as("owner")
    walk.go("/watch")
    walk.page.locator(
        'main a[href^="/watch/"]', has_text=re.compile("complaint", re.IGNORECASE)
    ).first.click()
    walk.settle()
    dial = walk.page.locator("#numbers input[type=number]").first
    dial.fill(str(int(dial.input_value()) * 6))
    walk.page.get_by_role("button", name="See what would change").click()
    walk.settle()
    heading(walk, "vanish")
    expect(walk.page.locator("main")).to_contain_text("Nothing is changed yet.")


def proof(walk: Walk) -> None:
    walk.look_as("auditor")
    walk.go("/record/awards")
    walk.page.locator("main table a", has_text="Chidi Okafor").last.click()
    walk.settle()
    with walk.page.expect_download() as started:
        walk.page.get_by_role("button", name="Download the proof").click()
    kept = json.loads(Path(started.value.path()).read_bytes())
    assert kept and started.value.suggested_filename.endswith(".json")


def damage(walk: Walk) -> None:
    try_this(walk, "Damage the record (a copy)")
    walk.page.get_by_role("button", name="Damage a copy").click()
    walk.settle()
    main = walk.page.locator("main")
    expect(main).to_contain_text(re.compile(r"Step \d+ was changed\. Up to \d+ is sound\."))
    expect(main).to_contain_text("It does not match what was sealed")
    expect(main).to_contain_text("The real record is untouched.")


STEPS: tuple[Callable[[Walk], None], ...] = (
    decisions, source, approve, undo, my_work, report, recognition, cheat, jump, other_numbers, proof, damage,
)  # fmt: skip


def test_five_minutes(browser: Browser, tour_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    took: list[str] = []
    with walking(browser, tour_url, width=WIDE, accept_downloads=True) as walk:
        for number, step in enumerate(STEPS, 1):
            begun = time.perf_counter()
            step(walk)
            seconds = time.perf_counter() - begun
            took.append(
                f"{number:2} {step.__name__} {seconds:.1f} s{' (long)' * (seconds > STEP_SECONDS_SAID)}"
            )
            walk.check()
            walk.shot(f"tour_{number:02}_{step.__name__}")
    with capsys.disabled():
        print("\n" + "\n".join(took))

"""The scripts of the Report page in a real browser, against a server that loses answers: a photo from the camera is
shrunk, waits without a network and through a closed tab, and arrives once. The page is a bare one of this test."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

WAIT_SECONDS_MAX = 20
JS = Path(__file__).resolve().parents[2] / "web" / "static" / "js"
CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE = """<!doctype html><html lang="en"><title>{title}</title><link rel="icon" href="data:,">
<script type="module" src="/static/page.js?v=1"></script><video muted playsinline></video>"""
PAGE_JS = """
import { Queue } from "/static/js/queue.js";
import { openCamera } from "/static/js/camera.js";
import { shrink, toJpeg } from "/static/js/shrink.js";
import { takeNonce, fetchNonces, dropNonces } from "/static/js/nonces.js";
import { keepReport, forgetReport } from "/static/js/offline.js";
const told = { sent: [], refused: [], signedOut: 0, counts: null };
const person = new URLSearchParams(location.search).get("person") || "ana";
const queue = new Queue(person, {
  changed: (counts) => (told.counts = counts), sent: (item, answer) => told.sent.push([item.id, answer]),
  refused: (item, problem) => told.refused.push([item.id, problem]), signedOut: () => (told.signedOut += 1),
});
Object.assign(window, { queue, told, openCamera, shrink, toJpeg, keepReport, forgetReport });
Object.assign(window, { takeNonce, fetchNonces, dropNonces });
await queue.start();
window.ready = true;
"""


@dataclass
class Answers:
    """What the server does next, and what it has recorded: key -> how often it came."""

    next: list[str] = field(default_factory=list)
    came: list[str] = field(default_factory=list)
    recorded: dict[str, bytes] = field(default_factory=dict)
    gone: bool = False


class Handler(BaseHTTPRequestHandler):
    """Serves the scripts and a page, takes forms."""

    answers: Answers

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give a script or a page."""
        path = self.path.partition("?")[0]
        if self.answers.gone:
            self.close_connection = True
            return
        if path == "/static/page.js":
            self._give(200, "text/javascript", PAGE_JS.encode())
        elif path.startswith("/static/js/") or path == "/sw.js":
            self._give(200, "text/javascript", (JS / path.rpartition("/")[2]).read_bytes())
        else:
            self._give(200, "text/html", PAGE.format(title=path).encode())

    def do_POST(self) -> None:
        """Give nonces; or record once per key, then do what is asked for."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/api/v1/captures/nonces":
            told = {"nonces": ["n1", "n2"], "until": "2099-01-01T00:00:00.000Z"}
            self._give(200, "application/json", json.dumps(told).encode())
            return
        key = self.headers["Idempotency-Key"]
        self.answers.came.append(key)
        way = self.answers.next.pop(0) if self.answers.next else "ok"
        if way in ("ok", "lost"):
            self.answers.recorded.setdefault(key, body)
        if way == "lost":
            self.close_connection = True  # recorded, and the answer never arrives
            return
        status = 201 if way == "ok" else int(way)
        code = "another_member" if status == 403 else "evidence_reused"
        self._give(status, "application/json", json.dumps({"code": code, "detail": "d"}).encode())

    def _give(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def answers() -> Answers:
    """Return what the server will answer."""
    return Answers()


@pytest.fixture
def url(answers: Answers) -> Iterator[str]:
    """Serve the page."""
    handler = type("Told", (Handler,), {"answers": answers})
    server = ThreadingHTTPServer(("localhost", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start chromium with a camera that shows a test picture."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        reason = "browser: expected chromium on this machine, got none (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser_path, args=list(CHROMIUM_ARGS))
        yield started
        started.close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A browser profile of its own."""
    made = browser.new_context()
    yield made
    made.close()


def until(page: Any, expression: str) -> None:
    """Wait until an expression is true. (Playwright's own way evaluates text in the page, which the policy forbids.)"""
    end = time.monotonic() + WAIT_SECONDS_MAX
    while not page.evaluate(expression):
        assert time.monotonic() < end, (expression, page.evaluate("window.told"))
        time.sleep(0.02)


def opened(context: Any, url: str, path: str = "/report") -> Any:
    """Open the page and wait for its scripts; console errors fail the test."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(url + path)
    until(page, "window.ready")
    return page


ADD = "async (note) => queue.add('/send', {note, urgency: 'now', empty: ''})"


def test_a_photo_from_the_camera_is_shrunk_and_sent_with_its_sentence(
    context: Any, url: str, answers: Answers
) -> None:
    page = opened(context, url)
    taken = page.evaluate(
        """async () => {
        const video = document.querySelector("video"), camera = await openCamera(video);
        while (!video.videoWidth) await new Promise(requestAnimationFrame);
        const still = camera.still();
        const photo = await shrink(still.canvas, 200);
        camera.stop();
        const image = await createImageBitmap(photo);
        await queue.add("/send", {note: "Leaks", captured_at: still.capturedAt}, photo);
        return {type: photo.type, side: Math.max(image.width, image.height), live: video.srcObject !== null};
    }"""
    )
    assert taken == {"type": "image/jpeg", "side": 200, "live": False}
    until(page, "told.sent.length === 1")
    (body,) = answers.recorded.values()
    for part in (
        b'name="note"\r\n\r\nLeaks',
        b'name="member"\r\n\r\nana',
        b'filename="photo.jpg"',
        b"\xff\xd8\xff",
    ):
        assert part in body
    assert page.evaluate("told.counts") == {"waiting": 0, "refused": 0, "sending": False, "online": True}


def test_what_waits_without_a_network_survives_a_closed_tab_and_arrives_once(
    context: Any, url: str, answers: Answers
) -> None:
    page = opened(context, url)
    context.set_offline(True)
    key = page.evaluate(ADD, "Leaks")
    until(page, "told.counts.waiting === 1 && !told.counts.online")
    page.close()
    context.set_offline(False)
    page = opened(context, url)
    until(page, "told.sent.length === 1")
    assert list(answers.recorded) == answers.came == [key]
    assert page.evaluate("queue.items()") == []


def test_the_network_comes_back_while_the_page_is_open(context: Any, url: str, answers: Answers) -> None:
    page = opened(context, url)
    context.set_offline(True)
    for number in range(3):
        page.evaluate(ADD, f"Number {number}")
    until(page, "told.counts.waiting === 3")
    context.set_offline(False)
    until(page, "told.sent.length === 3")
    assert len(answers.recorded) == len(answers.came) == 3


def test_a_lost_answer_and_a_busy_server_are_tried_again_under_the_same_key(
    context: Any, url: str, answers: Answers
) -> None:
    answers.next = ["lost", "503"]
    page = opened(context, url)
    key = page.evaluate(ADD, "Leaks")
    until(page, "told.sent.length === 1")
    assert set(answers.came) == {key} and len(answers.came) >= 3
    assert list(answers.recorded) == [key]


@pytest.mark.parametrize("status", ["401", "403"])
def test_signed_out_or_somebody_else_nothing_is_lost(
    context: Any, url: str, answers: Answers, status: str
) -> None:
    answers.next = [status]
    page = opened(context, url)
    page.evaluate(ADD, "Leaks")
    until(page, "told.signedOut === 1")
    page.close()
    other = opened(context, url, "/report?person=ben")
    assert other.evaluate("told.counts.waiting") == 0 and answers.recorded == {}
    other.close()
    page = opened(context, url)
    until(page, "told.sent.length === 1")
    assert len(answers.recorded) == 1


def test_a_refusal_is_kept_with_its_reason_until_the_person_decides(
    context: Any, url: str, answers: Answers
) -> None:
    answers.next = ["409", "409"]
    page = opened(context, url)
    first, second = (page.evaluate(ADD, note) for note in ("One", "Two"))
    until(page, "told.refused.length === 2")
    problem = {"status": 409, "code": "evidence_reused", "detail": "d", "errors": []}
    assert [item["problem"] for item in page.evaluate("queue.items()")] == [problem, problem]
    page.evaluate("(id) => queue.drop(id)", first)
    page.evaluate("(id) => queue.again(id)", second)
    until(page, "told.sent.length === 1")
    assert list(answers.recorded) == [second] and page.evaluate("queue.items()") == []


def test_report_opens_without_a_server_and_no_other_page_does(
    context: Any, url: str, answers: Answers
) -> None:
    page = opened(context, url)
    page.evaluate("keepReport()")
    until(
        page,
        """async () => await caches.has("tallystick-report-1")
        && (await (await caches.open("tallystick-report-1")).keys()).length === 1""",
    )
    page.goto(f"{url}/decisions")
    answers.gone = True
    page.goto(f"{url}/report")
    until(page, "window.ready")
    assert page.title() == "/report"
    other = context.new_page()
    with pytest.raises(Exception, match="ERR_"):
        other.goto(f"{url}/decisions")
    other.close()
    answers.gone = False
    page.goto(f"{url}/report")
    until(page, "window.ready")
    page.evaluate("forgetReport()")
    until(page, "async () => !(await caches.has('tallystick-report-1'))")
    stored = page.evaluate(
        "async () => (await (await caches.open('tallystick-files-1')).keys()).map((one) => new URL(one.url).pathname)"
    )
    assert all(one.startswith("/static/") for one in stored)


def test_a_picture_that_cannot_be_read_says_so(context: Any, url: str) -> None:
    page = opened(context, url)
    code = page.evaluate("async () => shrink(new Blob(['no'])).catch((error) => error.code)")
    assert code == "unreadable"


def test_nonces_are_taken_along_one_person_at_a_time(context: Any, url: str) -> None:
    page = opened(context, url)
    assert page.evaluate("takeNonce('ana')") is None
    assert page.evaluate("fetchNonces('ana')") is True
    context.set_offline(True)
    assert page.evaluate("fetchNonces('ben')") is False
    taken = [page.evaluate(f"takeNonce('{who}')") for who in ("ben", "ana", "ana", "ana")]
    assert taken == [None, "n1", "n2", None]

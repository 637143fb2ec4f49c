"""A recognition through the product's own door, one after the other, as a multiple of one fdatasync of the same disk.

Cases are brought as far as a verdict that passes, by the people of a team of three through the doors; then the
product's own server takes over the folder and one client says yes to each. The organisation leaves no time to undo in:
decision and award are one durable command (docs/adr/0006-undo-is-a-job.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from bench.figures import Figure
from tests.api.house import house
from tests.api.test_steps import STORY, Stage
from tests.casework.teams import Scene

AWARDS = 40
SYNC_TRIES = 300
SYNC_BYTES = 4_096
START_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.005
SCENE = Scene(3, "passed", worker="ana", maker="robin")


def run() -> list[Figure]:
    """Return how long it takes to grant an award over HTTP, and how many fdatasyncs that is."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        stage, cases = asyncio.run(_prepared(folder))
        environment = {
            **os.environ,
            "TALLYSTICK_DATA_DIR": str(folder / "data"),
            "TALLYSTICK_LOG_LEVEL": "error",
        }
        program = (sys.executable, "-c", "from api.cli import main; main()", "run", "--port", "0")
        quiet = subprocess.DEVNULL
        server = subprocess.Popen(program, env=environment, stdout=quiet, stderr=quiet)
        try:
            url = _until(lambda: _url(folder / "data", server), START_SECONDS_MAX)
            granted = _awards(url, stage, cases)
        finally:
            server.terminate()
            server.wait(30)
        sync = _fdatasync(folder)
    told = f"medians of {len(cases)} awards one after the other, SQLite FULL, client on the same cores"
    return [
        Figure(
            "one fdatasync", sync * 1e3, "ms", "", f"median of {SYNC_TRIES} of {SYNC_BYTES} appended bytes"
        ),
        Figure("award granted over HTTP", granted * 1e3, "ms", "", f"reported, no gate; {told}"),
        Figure("award granted over HTTP / one fdatasync", granted / sync, "x", "", told),
    ]


async def _prepared(folder: Path) -> tuple[Stage, list[str]]:
    """Bring cases to where somebody may say yes to an award."""
    async with house(folder, undo_seconds=0) as at:
        stage = Stage(at)
        await stage.furnish(SCENE.size)
        opened = at.app.state.installation.clock.now()
        for count in range(AWARDS):
            await stage.send(f"c-{count}", "open", opened)
        at.wait(3 * 3_600)
        for _ in range(AWARDS):
            await at.tick()
        found = (await stage.told(f"/cases?playbook=complaint_open&limit={AWARDS}"))["items"]
        cases = [one["case"] for one in found]
        assert len(cases) == AWARDS, f"expected {AWARDS} cases, got {len(cases)}"
        for case in cases:
            seen = await stage.told(f"/cases/{case}")
            ids = {"case": case, "name": seen["texts"][seen["case"]["subject_item"]]["id"], "opened": opened}
            for name, step in STORY.items():
                if SCENE.after(name):
                    await step(stage, SCENE, ids)
        return stage, cases


def _awards(url: str, stage: Stage, cases: list[str]) -> float:
    """Say yes to each case; return the median seconds until the award is granted and durable."""
    approver = {"Authorization": f"Bearer {stage.keys['ines']}"}
    wanted = {"beneficiaries": [stage.members[SCENE.worker]], "amount_tokens": 1, "budget": stage.budget}
    took = []
    with httpx.Client(base_url=url, headers=approver, timeout=30) as client:
        for case in cases:
            card = client.get(f"/api/v1/cases/{case}/card?about=award")
            body = {"token": card.json()["token"], "verb": "approved", **wanted}
            headers = {"If-Match": card.headers["etag"], "Idempotency-Key": f"yes-{case}"}
            begun = time.perf_counter()
            answer = client.post(f"/api/v1/cases/{case}/decisions", json=body, headers=headers)
            took.append(time.perf_counter() - begun)
            if answer.status_code != 201 or not client.get(f"/api/v1/cases/{case}").json()["case"]["award"]:
                raise SystemExit(f"expected 201 and an award, got {answer.status_code} {answer.text[:300]}")
    return statistics.median(took)


def _url(folder: Path, server: subprocess.Popen[bytes]) -> str | None:
    if server.poll() is not None:
        raise SystemExit(f"expected a server that starts, got exit code {server.returncode}")
    try:
        url: str = json.loads((folder / "server.json").read_text(encoding="utf-8"))["url"]
        return url
    except (OSError, ValueError, KeyError):
        return None


def _until(look: Callable[[], Any], seconds_max: float) -> Any:
    until = time.monotonic() + seconds_max
    while not (seen := look()):
        if time.monotonic() > until:
            raise SystemExit(f"expected an answer within {seconds_max} s, got none")
        time.sleep(LOOK_SECONDS)
    return seen


def _fdatasync(folder: Path) -> float:
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNC_TRIES):
            file.write(bytes(SYNC_BYTES))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return statistics.median(took)

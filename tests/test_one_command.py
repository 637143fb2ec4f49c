"""How many rooms one award goes through: the modules that really run, traced, and the direction of every call.

The command that approves an award (with no undo time, so that approving and granting are one command) is followed in
two parts: what the desk prepares, and the command itself from the moment it enters the writer until it is committed,
in the writer's thread. docs/adr/0007 says what is counted, and why each part has a bound of its own.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from casework.requests import ChangeSettings, Decide
from tests.casework.shop import shop

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ledger", "playbooks", "verifiers", "casework", "api")
FLOORS = {"ledger": 0, "playbooks": 1, "verifiers": 1, "casework": 2, "api": 3}
MODULES_MAX = 18  # of each part
MODULES_OF_BOTH_MAX = 24

HANDED = {
    # by whom, where it lies, function: what looks upward and is not, because it was handed down as an argument
    ("ledger.batch", "casework.decisions", "decided"),
    ("ledger.batch", "casework.views", "project"),
    ("casework.authority", "api.scope", "get"),
    ("casework.authority", "api.scope", "scan"),
    ("casework.awards", "api.scope", "get"),
    ("casework.decisions", "api.scope", "get"),
}
"""The writer runs the command's rule and the projections; rules read by a port of the door (the shop uses api's)."""


class Trace:
    """First-party modules whose functions ran, and who called whom across modules."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.calls: set[tuple[str, str]] = set()
        self.upward: set[tuple[str, str, str]] = set()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note one call; a profile function."""
        module = module_of(frame.f_code)
        if event != "call" or module is None:
            return
        self.modules.add(module)
        caller = frame.f_back
        while caller is not None and module_of(caller.f_code) is None:
            caller = caller.f_back
        by = None if caller is None else module_of(caller.f_code)
        if by is not None and by != module:
            self.calls.add((by, module))
            if FLOORS[module.split(".")[0]] > FLOORS[by.split(".")[0]]:
                self.upward.add((by, module, frame.f_code.co_name))


def module_of(code: CodeType) -> str | None:
    """Return the first-party module of a function; module and class bodies are no functions."""
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT) or code.co_name == "<module>":
        return None
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts) if parts[0] in PACKAGES else None


async def traced(folder: Path) -> tuple[Trace, Trace]:
    """Approve one award; return what ran before the command entered the writer, and what ran inside."""
    outside, inside = Trace(), Trace()

    def of_the_writer(frame: FrameType, event: str, argument: Any) -> None:
        if threading.current_thread().name.startswith("ledger-writer"):
            inside(frame, event, argument)

    threading.setprofile(
        of_the_writer
    )  # for threads that start from here on: the writer's, and those that read
    try:
        async with shop(f"sqlite+aiosqlite:///{folder / 'shop.db'}", folder) as here:
            owner = here.people["owner"]
            await here.office.change_settings(owner, here.key(), ChangeSettings({"undo_seconds": 0}))
            case = await here.until("passed")
            accountant = here.people["accountant"]
            shown = await here.desk.show(accountant, case, "award")
            earner = here.people["waiter"].id
            request = Decide(shown.token, "approved", (earner,), 10, here.budget, message="Thank you")
            inside.modules.clear()
            inside.calls.clear()
            inside.upward.clear()
            sys.setprofile(outside)
            try:
                done = await here.desk.decide(accountant, here.key(), request)
            finally:
                sys.setprofile(None)
            assert "award" in done.ids
    finally:
        threading.setprofile(None)
    return outside, inside


async def test_the_command_that_approves_an_award_runs_few_modules_downwards(tmp_path: Path) -> None:
    outside, inside = await traced(tmp_path)
    assert {"casework.decisions", "casework.awards", "casework.views", "ledger.batch"} <= inside.modules
    assert len(inside.modules) <= MODULES_MAX, sorted(inside.modules)
    assert len(outside.modules) <= MODULES_MAX, sorted(outside.modules)
    both = inside.modules | outside.modules
    assert len(both) <= MODULES_OF_BOTH_MAX, sorted(both)
    assert inside.upward | outside.upward == HANDED
    story = {called for caller, called in outside.calls if caller == "casework.desk"}
    assert story <= {"casework.decisions", "casework.intake"}, "desk.py alone tells the story"

"""The small venue, played once per run of the suite by the very commands that README's first screen shows."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tools import readme_demo


def played_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the venue's folder, not to be written into, and what the commands printed; whoever comes first plays."""
    base = tmp_path_factory.getbasetemp()
    # several workers of one run share the folder above theirs; alone, that folder belongs to other runs too
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "first-screen"
    printed = place / "printed"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            shutil.rmtree(place, ignore_errors=True)  # of somebody who was interrupted
            place.mkdir()
            shown = readme_demo.first_screen(place)
            printed.write_text(shown, encoding="utf-8")
    return place / readme_demo.FOLDER, printed.read_text(encoding="utf-8")

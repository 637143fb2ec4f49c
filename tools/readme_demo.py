"""Renew the demo's output on README's first screen: `python tools/readme_demo.py`. A test compares it with a new run.

What runs are the very lines that README shows behind `$`, in a shell, in an empty folder with the checkout's `.venv`.
A fixed date and seed, so the same version gives the same lines, the root of the record included (SETTLED 7).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- demo-output: [^>]* -->\n```\n)(.*?)(```\n<!-- /demo-output -->)", re.DOTALL)
COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)
FOLDER = "harbour"
EXIT_CODES = {"demo": 0, "audit": 3}
"""What each verb ends with; 3: no trust policy was given, as the output says."""
RUN_SECONDS_MAX = 280


def first_screen(cwd: Path) -> str:
    """Run the commands of the first screen in an empty folder and return what a person sees.

    Raises:
        RuntimeError: a command ended with another exit code than it should.
    """
    (cwd / ".venv").symlink_to(sys.prefix)  # what `make setup` makes in a checkout
    env = {**os.environ, "COLUMNS": "200"}
    shown = []
    for command in COMMAND.findall(printed()):
        expected = EXIT_CODES[command.split()[1]]
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )
        if done.returncode != expected:
            raise RuntimeError(
                f"{command}: expected exit code {expected}, got {done.returncode}: {done.stderr}"
            )
        shown.append(f"$ {command}\n{done.stdout}")
    return "\n".join(shown)


def printed() -> str:
    """Return what README shows now. Raises ValueError: its markers are gone."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError("README.md: expected the demo's output between its markers, got none")
    return found[2]


def main() -> None:
    """Rewrite the block."""
    with tempfile.TemporaryDirectory(prefix="tallystick-readme-") as folder:
        shown = first_screen(Path(folder))
    text = BLOCK.sub(lambda found: found[1] + shown + found[3], README.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""`make prove [SEED=n]`: the long suites with many examples, from a seed that is new each time and recorded."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run the suites once with the given seed, or a drawn one; return pytest's exit code."""
    seed = int(arguments[0]) if arguments else secrets.randbelow(2**31)
    print(f"prove: seed {seed}")
    environment = os.environ | {"TALLYSTICK_TEST_PROFILE": "prove", "TALLYSTICK_PROVE_SEED": str(seed)}
    command = [sys.executable, "-m", "pytest", "-q", "--prove", f"--hypothesis-seed={seed}", "--timeout=7200"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

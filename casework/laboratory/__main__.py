"""Play one policy in every house: JSON on standard input, JSON on standard output.

The server runs this as a process of its own (api/simulated_years.py), so that it never holds a page up and can be
ended when it takes too long. Exit code 2: it is no policy, or none that can be played; standard error says why.
"""

from __future__ import annotations

import json
import sys

from casework.laboratory.trial import tried
from casework.laboratory.year import NoPlay
from verifiers.errors import VerifierError
from verifiers.registry import load_policy


def main() -> int:
    """Read, play, write."""
    content = json.loads(sys.stdin.buffer.read())
    try:
        verifier = load_policy(content).verifier
        json.dump(tried(content, verifier), sys.stdout, sort_keys=True)
    except (VerifierError, NoPlay) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What was refused about one exception, as the security journal noted it: a refusal writes nothing into the record."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import orjson

from api.pages.story import Refusal

JOURNAL_FILE = "refusals.jsonl"
JOURNAL_LINES_MAX = 100_000


def refusals_of(path: Path, log: str, case: str) -> tuple[Refusal, ...]:
    """Return the refusals of one case of one organisation, in the order of the journal. Slow: call it in a thread.

    A line that is none of ours (cut off by a crash, say) is passed over: those after it were refused all the same.
    """
    found = []
    try:
        with path.open("rb") as lines:
            for line in islice(lines, JOURNAL_LINES_MAX):
                try:
                    said = orjson.loads(line)
                    if (said["case"], said["log"]) == (case, log):
                        found.append(Refusal(str(said["at"]), f"member:{said['member']}", str(said["code"])))
                except (ValueError, KeyError, TypeError):
                    continue
    except OSError:
        pass  # no journal yet: nothing was refused
    return tuple(found)

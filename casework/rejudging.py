"""Every verdict of an exported record judged again, from the folder alone: no database, no network, no key.

Standard library and pure modules only, so it runs under a bare Python beside this source:

    python -c "from casework.rejudging import main; main()" FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.canonical import Dumps, Loads, encode, json_dumps, json_loads
from ledger.commitments import Opened
from ledger.entries import Entry
from ledger.errors import ProofError
from ledger.folders import FolderFiles, FolderSource
from ledger.reading import read_entry
from verifiers.errors import VerifierUnknown
from verifiers.registry import rejudge
from verifiers.verdicts import OUTPUT_SIZE_MAX_BYTES, digest_input, digest_output

INPUT_SIZE_MAX_BYTES = 2**30
KIND = "verdict_given"


@dataclass(slots=True)
class Rejudged:
    """What came of it: how many verdicts were said again byte for byte, and the ids of the others."""

    same: int = 0
    erased: list[str] = field(default_factory=list)
    different: list[tuple[str, str]] = field(default_factory=list)  # verdict, what was expected and got
    newer: list[str] = field(default_factory=list)  # of a verifier that this program does not have

    @property
    def count(self) -> int:
        """Return how many verdicts there were."""
        return self.same + len(self.erased) + len(self.different) + len(self.newer)


def rejudge_entries(
    entries: Iterable[Entry], opened: Iterable[Opened], verdict: str | None = None, dumps: Dumps = json_dumps
) -> Rejudged:
    """Judge again every verdict, or one. Both come in the order of the log.

    1. the input that the entry commits to   2. its digest as the entry says   3. the verifier once more
    4. the output's digest as the entry says   5. the output's bytes as the vault kept them, where it did
    """
    done = Rejudged()
    values = _Following(opened)
    for entry in entries:
        if entry.kind != KIND or verdict not in (None, entry.body["verdict"]):
            continue
        kept = values.of(entry.seq)
        name = str(entry.body["verdict"])
        if "input" not in kept:
            done.erased.append(name)
            continue
        try:
            fault = _fault(entry, kept, dumps)
        except VerifierUnknown:
            done.newer.append(name)
            continue
        if fault is None:
            done.same += 1
        else:
            done.different.append((name, fault))
    return done


def _fault(entry: Entry, kept: dict[str, Opened], dumps: Dumps) -> str | None:
    body = entry.body
    try:
        for path, value in kept.items():
            value.check(entry.private.get(path), entry.log)  # 1
    except ProofError as error:
        return str(error)
    given = encode(kept["input"].value, dumps, INPUT_SIZE_MAX_BYTES)
    if digest_input(given) != body["input_digest"]:  # 2
        return f"expected the input {body['input_digest']}, got {digest_input(given)}"
    output = rejudge(given, body["verifier"], body["version"])  # 3
    if digest_output(output) != body["output_digest"]:  # 4
        return f"expected the output {body['output_digest']}, got {digest_output(output)}"
    if "output" in kept and encode(kept["output"].value, dumps, OUTPUT_SIZE_MAX_BYTES) != output:  # 5
        return "expected the output that was kept, got other bytes"
    return None


class _Following:
    """Values in the order of the log: those of one entry at a time."""

    def __init__(self, opened: Iterable[Opened]) -> None:
        self._opened: Iterator[Opened] = iter(opened)
        self._next = next(self._opened, None)

    def of(self, seq: int) -> dict[str, Opened]:
        """Return the values of an entry by path. Entries are asked for in order."""
        found: dict[str, Opened] = {}
        while self._next is not None and self._next.seq <= seq:
            if self._next.seq == seq and self._next.path in ("input", "output"):
                found[self._next.path] = self._next
            self._next = next(self._opened, None)
        return found


def rejudge_folder(
    folder: Path, verdict: str | None = None, loads: Loads = json_loads, dumps: Dumps = json_dumps
) -> Rejudged:
    """Judge again every verdict of an exported record, from its files alone.

    Raises:
        CanonicalError, EntryInvalid, ProofError: the folder is damaged; audit it.
        OSError: it cannot be read.
    """
    source = FolderSource(FolderFiles(folder), loads, dumps)
    entries = (read_entry(data, loads, dumps) for data in source.entries())
    return rejudge_entries(entries, source.opened() or (), verdict, dumps)


def main(arguments: list[str] | None = None) -> None:
    """Print what came of a folder as JSON; end with 1 where a verdict is another, 5 where one is erased."""
    (folder,) = sys.argv[1:] if arguments is None else arguments
    done = rejudge_folder(Path(folder))
    told: dict[str, Any] = {
        "same": done.same,
        "erased": done.erased,
        "different": [name for name, _ in done.different],
        "newer": done.newer,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(1 if done.different else 4 if done.newer else 5 if done.erased else 0)

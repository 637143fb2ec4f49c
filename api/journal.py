"""The security journal: one line per refusal, in a file of its own, without personal data.

It is not the record: a refusal writes no entry. It says when, which organisation, which random member id, which route
template, which case (a random id), which code; never a key, a name, a body or an address. Counted by code for /metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import orjson
from fastapi import Request
from prometheus_client import CollectorRegistry, Counter

NowText = Callable[[], str]

JOURNAL_BYTES_MAX = 64 * 1024 * 1024
"""At this size the file is renamed to `.1`, replacing an older one: the journal can never fill the disk."""


class Journal:
    """Append-only lines in `refusals.jsonl`."""

    def __init__(self, path: Path, registry: CollectorRegistry, now: NowText) -> None:
        self._path = path
        self._now = now
        self._file: TextIO | None = None
        self._count = Counter("tallystick_refusals", "Requests refused, by code", ["code"], registry=registry)

    async def refused(self, request: Request, status: int, code: str) -> None:
        """Note one refusal. A journal that cannot be written never turns a refusal into something else."""
        self._count.labels(code).inc()
        caller = getattr(request.state, "caller", None)
        route = request.scope.get("route")
        line = {
            "at": self._now(),
            "log": getattr(caller, "log", None),
            "member": getattr(caller, "member", None),
            "via": getattr(caller, "via", None),
            "method": request.method,
            "route": getattr(route, "path", None),
            "case": request.path_params.get("case"),
            "status": status,
            "code": code,
        }
        self.write(line)

    def write(self, line: dict[str, object]) -> None:
        """Append one line and flush it."""
        try:
            if self._file is None or self._file.tell() > JOURNAL_BYTES_MAX:
                self._open()
            assert self._file is not None
            self._file.write(orjson.dumps(line).decode() + "\n")
            self._file.flush()
        except OSError:
            # a full disk already refuses the command itself; the counter still counts
            self._file = None

    def _open(self) -> None:
        if self._file is not None:
            self._file.close()
            self._path.replace(self._path.with_suffix(".jsonl.1"))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a", encoding="utf-8")
        self._path.chmod(0o600)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

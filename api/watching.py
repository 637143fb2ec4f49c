"""Records in, exceptions out: the glue between playbooks and the desk, for one organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework.requests import AttachEvidence, Principal


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `refused_rows` are (line, reason)."""

    rows: int = 0
    changes: int = 0
    imported: int = 0
    repeated: int = 0
    refused: int = 0
    flagged: int = 0
    refused_rows: tuple[tuple[int, str], ...] = ()
    cases: int = 0
    shadowed: int = 0


@dataclass(frozen=True, slots=True)
class Batched:
    """One record version as a batch gives it; `known_at` None: now."""

    kind: str
    id: str
    event_at: str
    known_at: str | None
    order: int
    values: Mapping[str, Any]
    subject: str | None


class Watching:
    """The watch of one organisation."""

    async def import_file(
        self, who: Principal, source: str, mapping: str, content: str, name: str
    ) -> Imported:
        raise NotImplementedError

    async def import_batch(self, who: Principal, source: str, given: Sequence[Batched]) -> Imported:
        raise NotImplementedError

    async def read_record(self, kind: str, record: str) -> dict[str, Any]:
        raise NotImplementedError

    async def record_as_evidence(self, who: Principal, case: str, kind: str, record: str) -> AttachEvidence:
        raise NotImplementedError

    async def fire(self) -> int:
        return 0

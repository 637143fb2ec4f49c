"""The audit of integrity of a log folder, whole path, against hashing the same entries one by one; and its memory.

Each audit runs in a process of its own, so that what it holds can be read from the system: nothing of building the
folder counts. Ratios are of one process and one file cache, in turn. The log's kinds stand in the shares of the demo.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain, cycle
from pathlib import Path
from typing import Any

from bench.figures import Figure
from ledger import codec
from ledger.audit import audit
from ledger.canonical import encode
from ledger.chain import EMPTY_HEAD, extend
from ledger.checkpoints import Checkpoint, sign_checkpoint
from ledger.ed25519 import Ed25519Signer, verify
from ledger.entries import ENTRY_VERSION, KINDS, REGISTRY_VERSION, SYSTEM, command_id
from ledger.folders import FolderFiles, FolderSource, write_log
from ledger.merkle import Frontier, leaf_hash
from ledger.notes import ED25519, VerifierKey

ORIGIN = "bench-00000000.invalid"
SIZES = (10_000, 100_000)
ROUNDS = 5


def run() -> list[Figure]:
    """Return the figures of Done-when 7 that concern the audit."""
    with tempfile.TemporaryDirectory() as place:
        folders = {size: _write(Path(place) / str(size), size) for size in SIZES}
        seen = {size: [_child(folder) for _ in range(ROUNDS)] for size, folder in folders.items()}
    big = sorted(seen[SIZES[1]], key=lambda one: one["ratio"])[ROUNDS // 2]
    small_mib, big_mib = (min(one["peak_mib"] for one in seen[size]) for size in SIZES)
    compared = f"{SIZES[1]:,} entries, median of {ROUNDS} processes"
    return [
        Figure(
            "audit / hashing the same entries one by one", big["ratio"], "x", ">= 0.15", f"rates; {compared}"
        ),
        Figure(
            "audit of a folder", big["entries_per_second"], "entries/s", "", f"reported, no gate; {compared}"
        ),
        Figure(
            "peak memory, 10^5 entries / 10^4",
            big_mib / small_mib,
            "x",
            "<= 1.2",
            "both processes, least of runs",
        ),
        Figure("peak memory, 10^5 entries", big_mib, "MiB", "<= 128", "both processes, least of runs"),
    ]


VENUE: dict[str, int] = {
    "records_imported": 178, "api_key_issued": 34, "member_joined": 31, "proposal_made": 22, "owner_assigned": 20,
    "case_opened": 17, "decision_made": 17, "evidence_attached": 16, "evidence_reviewed": 14, "case_closed": 12,
    "action_taken": 9, "link_issued": 9, "authority_granted": 8, "playbook_published": 7, "link_answered": 7,
    "outcome_recorded": 7, "verdict_given": 7, "award_granted": 6, "source_registered": 6, "agent_registered": 3,
    "award_settled": 3, "acknowledged": 2, "case_cleared": 2, "award_held": 2, "settings_changed": 1,
    "kinds_published": 1, "policy_published": 1, "note_added": 1, "case_reopened": 1, "case_expired": 1,
    "award_declined": 1,
}  # fmt: skip
"""Kind -> how many of the 449 entries of `tallystick demo --small --at 2026-11-20`; the other three begin the log."""

FIRST = ("log_opened", "budget_set", "budget_approved")
MEMBERS = tuple(f"01930000-0000-7000-8000-{number:012x}" for number in range(31))
TOKENS = 6


def _entries(count: int) -> Iterator[bytes]:
    """Yield entries in the demo's shares, evenly mixed, with bodies of every declared field; awards move tokens."""
    head, steps = EMPTY_HEAD, _Steps()
    for seq, kind in zip(range(count), chain(FIRST, cycle(_mixed(VENUE))), strict=False):
        kind, body = steps.next(seq, kind)
        of_case = kind.startswith(("case_", "award_", "evidence_", "link_")) or kind in _OF_CASE
        value: dict[str, Any] = {
            "v": ENTRY_VERSION,
            "log": ORIGIN,
            "seq": seq,
            "at": _instant(seq),
            "kind": kind,
            "actor": {
                "id": MEMBERS[seq % len(MEMBERS)] if seq % 2 else SYSTEM,
                "role": SYSTEM,
                "via": "bench",
            },
            "case": f"0193{seq // 9:08x}-7000-8000-000000000000" if of_case else None,
            "body": body,
            "private": {path: _hash(f"{seq} {path}") for path in KINDS[kind].private},
            "cmd": command_id(ORIGIN, SYSTEM, str(seq)),
            "prev": head.prev,
        }
        data = encode(value, codec.dumps)
        head = extend(head, value["at"], data)
        yield data


_OF_CASE = frozenset(
    {"owner_assigned", "acknowledged", "note_added", "proposal_made", "decision_made", "action_taken"}
    | {"outcome_recorded", "verdict_given"}
)


def _mixed(counts: dict[str, int]) -> list[str]:
    """Return each kind as often as counted, spread evenly."""
    places = [((at + 0.5) / count, kind) for kind, count in counts.items() for at in range(count)]
    return [kind for _, kind in sorted(places)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _instant(seq: int) -> str:
    return f"2026-11-{1 + seq // 86_400:02d}T{seq // 3600 % 24:02d}:{seq // 60 % 60:02d}:{seq % 60:02d}.000Z"


class _Steps:
    """Bodies, and which awards are open, so that the book stays right."""

    def __init__(self) -> None:
        self._open: deque[tuple[str, str]] = deque()  # (award, who)

    def next(self, seq: int, kind: str) -> tuple[str, dict[str, Any]]:
        """Return kind and body of the next entry; a settlement with nothing to settle becomes a remark."""
        if kind in ("award_settled", "award_declined") and not self._open:
            kind = "note_added"
        body = {name: _field(seq, name, type_name) for name, type_name in KINDS[kind].fields.items()}
        body |= self._meant(seq, kind)
        return kind, body

    def _meant(self, seq: int, kind: str) -> dict[str, Any]:
        if kind == "log_opened":
            return {
                "origin": ORIGIN,
                "registry": REGISTRY_VERSION,
                "log_key": _signer()[0].vkey(),
                "simulated": True,
            }
        if kind in ("budget_set", "budget_approved"):
            return {"budget": "b1", "amount_tokens": 10**9}
        if kind == "award_granted":
            award, member = f"award-{seq}", MEMBERS[seq % len(MEMBERS)]
            self._open.append((award, member))
            shares = [{"member": member, "amount": TOKENS}]
            return {"award": award, "budget": "b1", "amount_tokens": TOKENS, "shares": shares}
        if kind == "award_settled":
            award, member = self._open.popleft()
            return {"award": award, "shares": [{"member": member, "to_settled": TOKENS, "to_owed": 0}]}
        if kind == "award_declined":
            award, member = self._open.popleft()
            return {"award": award, "budget": "b1", "shares": [{"member": member, "amount": TOKENS}]}
        return {}


def _field(seq: int, name: str, type_name: str) -> Any:
    """Return something of a field's type, as long as the demo's."""
    values: dict[str, Any] = {
        "int": seq % 1_000,
        "bool": seq % 2 == 0,
        "text": f"{name}_{seq % 20}",
        "id": f"0193{seq:08x}-7000-8000-{len(name):012x}",
        "ids": [f"0193{seq:08x}-7000-8000-00000000000{number}" for number in range(2)],
        "texts": [name, "front_of_house"],
        "hash": _hash(f"{seq} {name}"),
        "instant": _instant(seq),
        "money": {"amount_minor": 18_000, "currency": "EUR"},
        "object": {"party": f"member:{MEMBERS[seq % len(MEMBERS)]}"},
        "objects": [{"item": _hash(f"{seq} {name} {number}")} for number in range(2)],
    }
    return values[type_name.removesuffix("?")]


def _signer() -> tuple[VerifierKey, Ed25519Signer]:
    made = Ed25519Signer(hashlib.sha256(b"bench").digest())
    return VerifierKey(ORIGIN, ED25519, made.public_key), made


def _write(folder: Path, count: int) -> Path:
    entries = list(_entries(count))
    frontier = Frontier()
    for data in entries:
        frontier.append(leaf_hash(data))
    key, made = _signer()
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, count, frontier.root()), [(key, made.sign)])
    for name, data in write_log(entries, checkpoint, [key.vkey()]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _child(folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.bench_audit", str(folder)], capture_output=True, text=True, check=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _peak_mib() -> float:
    """Return the peak of this process and, added as if at the same moment, that of the one that read ahead for it."""
    helper_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    # Not getrusage: its peak of a process survives exec, so it would tell the parent's.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024 + helper_mib
    raise SystemExit("/proc/self/status: expected VmHWM, got none (this bench needs Linux)")


def main(folder: str) -> None:
    """Audit one folder, then hash its entries one by one; print rates and the peak before the entries are listed."""
    source = FolderSource(FolderFiles(Path(folder)), codec.loads, codec.dumps)
    started = time.perf_counter()
    result = audit(source, verify, loads=codec.loads, dumps=codec.dumps)
    audit_seconds = time.perf_counter() - started
    peak_mib = _peak_mib()
    if result.findings:
        raise SystemExit(f"expected an intact folder, got {result.findings[0]}")
    entries = list(source.entries())
    started = time.perf_counter()
    for data in entries:
        hashlib.sha256(data).digest()
    hash_seconds = time.perf_counter() - started
    print(json.dumps({
        "ratio": hash_seconds / audit_seconds,
        "entries_per_second": len(entries) / audit_seconds,
        "peak_mib": peak_mib,
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])

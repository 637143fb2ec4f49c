"""The audit of integrity of a log folder, whole path, against hashing the same entries one by one; and its memory.

Each audit runs in a process of its own, so that what it holds can be read from the system: nothing of building the
folder counts. Ratios are of one process and one file cache, in turn.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures import Figure
from ledger import codec
from ledger.audit import audit
from ledger.canonical import encode
from ledger.chain import EMPTY_HEAD, extend
from ledger.checkpoints import Checkpoint, sign_checkpoint
from ledger.ed25519 import Ed25519Signer, verify
from ledger.entries import ENTRY_VERSION, SYSTEM, command_id
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


def _entries(count: int) -> Iterator[bytes]:
    """Yield entries like those of a venue: about 600 bytes, one in three moves nothing but words."""
    key = _signer()[0].vkey()
    head = EMPTY_HEAD
    for seq in range(count):
        kind, body = _step(seq, key)
        value: dict[str, Any] = {
            "v": ENTRY_VERSION,
            "log": ORIGIN,
            "seq": seq,
            "at": f"2026-11-{1 + seq // 86_400:02d}T{seq // 3600 % 24:02d}:{seq // 60 % 60:02d}:{seq % 60:02d}.000Z",
            "kind": kind,
            "actor": {"id": SYSTEM, "role": SYSTEM, "via": "bench"},
            "case": None if seq == 0 else f"0193{seq // 9:08x}-7000-8000-000000000000",
            "body": body,
            "private": {} if seq == 0 else {"note": hashlib.sha256(b"%d" % seq).hexdigest()},
            "cmd": command_id(ORIGIN, SYSTEM, str(seq)),
            "prev": head.prev,
        }
        data = encode(value, codec.dumps)
        head = extend(head, value["at"], data)
        yield data


def _step(seq: int, key: str) -> tuple[str, dict[str, Any]]:
    if seq == 0:
        return "log_opened", {"origin": ORIGIN, "registry": 1, "log_key": key, "simulated": True}
    if seq % 3:
        return "note_added", {}
    return "outcome_recorded", {"resolution": "fixed", "impact": "none"}


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

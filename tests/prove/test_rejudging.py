"""100,000 generated cases are judged, recorded by the real writer, exported, and judged again in another process."""

from __future__ import annotations

import asyncio
import copy
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from casework import views
from ledger import book, ed25519
from ledger.changes import Change
from ledger.checkpoints import Checkpoint, sign_checkpoint
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM, Actor, Draft, Entry
from ledger.export import DatabaseSource
from ledger.folders import write_log
from ledger.notes import ED25519, VerifierKey
from ledger.reader import LogReader
from tests.casework.shop import LOG, Shop, shop
from tests.e2e.test_rejudged import bare
from tests.verifiers import service_issue_cases
from tests.verifiers.kits import KITS
from verifiers.policy import policy_digest
from verifiers.registry import judge

CASES = 100_000
AT_ONCE = 256
SIGNER = ed25519.Ed25519Signer(bytes(32))
REVIEWS = (None, {"verdict": "accepted", "by": "cyn"}, {"verdict": "refused", "by": "cyn"})
Json = dict[str, Any]
ProofReport = Callable[[str, "int | str"], None]


def generated(draw: random.Random) -> tuple[str, int, Json]:
    """Return one input of any judge: a golden case with some of its values moved, dropped or doubled."""
    kits = [*KITS, None]
    kit = draw.choice(kits)
    if kit is None:
        value = service_issue_cases.changed(dict(draw.choice(service_issue_cases.GOLDEN).patch))
        name, version = "service_issue", 1
    else:
        value = kit.input(draw.choice(list(kit.golden)).patch)
        name, version = kit.verifier, kit.version
        value["evidence"] += [
            copy.deepcopy(one) for one in draw.sample(list(kit.noise), draw.choice([0, 0, 0, 1, 2]))
        ]
    items = value["evidence"]
    if items and draw.random() < 0.15:
        items.pop(draw.randrange(len(items)))
    for number, item in enumerate(items):
        item["id"] = f"e{number}"
        if draw.random() < 0.05:
            item["grade"] = draw.choice(["E0", "E1", "E2", "E3", "E4"])
        if draw.random() < 0.05:
            item["review"] = draw.choice(REVIEWS)
    value["case"] = f"case-{draw.getrandbits(40)}"
    value["policy"]["content"]["terms"]["tokens"] = draw.choice([0, 1, 5, 10, 20, 101])
    value["policy"]["digest"] = policy_digest(value["policy"]["content"])
    return name, version, value


async def record(here: Shop, draw: random.Random, count: int, results: Counter[str]) -> None:
    """Judge and record so many cases: sealed values, entries by the real writer."""

    async def one(number: int) -> None:
        name, version, value = generated(draw)
        judged = judge(value, name, version)
        results[str(judged.output["result"])] += 1
        private = here.intake.seal((), input=value, output=dict(judged.output))
        output = judged.output
        told = ("result", "relied_on", "shares", "controllers", "k_evidence", "witnessing", "missing")
        body = {key: output[key] for key in told} | {
            "verdict": f"v-{number}", "verifier": name, "version": version, "policy": "p", "evidence": [],
            "policy_digest": value["policy"]["digest"], "beneficiaries": [], "outcome_seq": 0,
            "input_digest": judged.input_digest, "output_digest": judged.output_digest,
        }  # fmt: skip
        draft = Draft("verdict_given", str(value["case"]), body, private.commitments, private.opened)

        def rule(view: View, command: Command, at: str) -> Decided:
            return Decided((draft,), private.rows)

        actor = Actor(SYSTEM, SYSTEM, "prove")
        await here.intake._writer.submit(Command(LOG, actor, f"prove-{number}", "0" * 64, (), rule, None))

    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(start, min(start + AT_ONCE, count))))


def without_verdicts(entry: Entry, opened: Mapping[str, Any] | None) -> list[Change]:
    """Return the rows of an entry; verdicts here have no case whose rows they could change."""
    return [] if entry.kind == "verdict_given" else list(views.project(entry, opened))


async def exported(folder: Path, seed: int, count: int) -> tuple[Path, Counter[str]]:
    """Record so many cases and take the record along."""
    results: Counter[str] = Counter()
    url = f"sqlite+aiosqlite:///{folder / 'shop.db'}"
    async with shop(url, folder, projections=(book.project, without_verdicts)) as here:
        await record(here, random.Random(seed), count, results)
        reader = LogReader(here.store.reader, LOG)
        head = await reader.head()
        key = VerifierKey(LOG, ED25519, SIGNER.public_key)
        note = sign_checkpoint(Checkpoint(LOG, head.size, head.root), [(key, SIGNER.sign)])
        loop = asyncio.get_running_loop()
        source = DatabaseSource(reader, loop, here.intake.vault, head.size)
        await asyncio.to_thread(write, folder / "log", source, note, key.vkey())
    return folder / "log", results


def write(folder: Path, source: DatabaseSource, note: bytes, vkey: str) -> None:
    """Write the files of an export; the shop's log has no key of its own, so the key is this test's."""
    for name, data in write_log(source.entries(), note, [vkey], (), source.opened()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.timeout(7200)
def test_100_000_verdicts_are_said_again(tmp_path: Path, prove_seed: int, proof_report: ProofReport) -> None:
    folder, results = asyncio.run(exported(tmp_path, prove_seed, CASES))
    start = time.monotonic()
    code, told = bare(folder)
    assert (code, told) == (0, {"same": CASES, "erased": [], "different": [], "newer": []})
    proof_report("verdicts judged again from the folder", CASES)
    for result, number in sorted(results.items()):
        proof_report(f"verdict {result}", number)
    proof_report("seconds, one bare process", round(time.monotonic() - start))
    assert min(results[name] for name in ("pass", "fail", "insufficient")) > CASES // 50

"""What a transaction costs, measured: the table of contracts/GAS.md and the limits that it may not pass.

Measured with py-evm, which counts as a chain does (`make contracts` repeats it on anvil). The worst case is searched
for among the old sizes that need the most hashes; it is no proven maximum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ledger.anchors.artefact import Artefact, load_artefact
from tests.contracts.deployed import Answer
from tests.contracts.forgeries import Ground
from tests.contracts.machine import GAS, PAYER, Machine
from tests.contracts.recursive import Proof
from tests.contracts.signing import hashed
from tests.contracts.world import ANCHOR, NEXT, OTHER, OWNER, RELAY, World

TABLE = Path(__file__).resolve().parents[2] / "contracts" / "GAS.md"
TRIES = 12
SIZES = {"10^3": 10**3, "10^6": 10**6, "10^9": 10**9, "10^12": 10**12}
FIRST, MORE, WORST = "first anchor", "anchor at 10^6, 50 entries more", "anchor at 10^9, worst case"
OVERWRITE_FIRST, OVERWRITE = "bare overwrite, first", "bare overwrite, again"
LIMITS = {FIRST: 85_000, MORE: 64_000, WORST: 92_000}
BARE_ROOT = bytes.fromhex(
    # What solc makes of contracts/test/bare/BareRoot.sol; `make contracts` compares it.
    "6080604052348015600e575f5ffd5b506101af8061001c5f395ff3fe608060405234801561000f575f5ffd5b506004361061"
    "003f575f3560e01c80636157681b14610043578063ae6dead714610058578063b19c6d601461008a575b5f5ffd5b61005661"
    "0051366004610157565b6100cc565b005b610077610066366004610198565b60016020525f908152604090205481565b6040"
    "519081526020015b60405180910390f35b6100b3610098366004610198565b5f6020819052908152604090205467ffffffff"
    "ffffffff1681565b60405167ffffffffffffffff9091168152602001610081565b5f8381526020818152604080832080547f"
    "ffffffffffffffffffffffffffffffffffffffffffffffff00000000000000001667ffffffffffffffff8716908117909155"
    "6001835292819020849055805192835290820183905284917f7ddff5b7fef0fbcd84d0cd100372c580fcc4245da7f79684b9"
    "11ac234e650da7910160405180910390a2505050565b5f5f5f60608486031215610169575f5ffd5b83359250602084013567"
    "ffffffffffffffff81168114610187575f5ffd5b929592945050506040919091013590565b5f602082840312156101a8575f"
    "5ffd5b503591905056"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `hashes`: of the proof, None where there is none."""

    what: str
    gas: int
    hashes: int | None = None


def measured(machine: Machine, artefact: Artefact | None = None) -> list[Line]:
    """Measure every line on one machine."""
    world = World(artefact or load_artefact(), machine)
    draw = Random(17)
    lines = [Line("deployment", _deployment(world)), *_bare(world)]
    opening = world.send(RELAY, "openLog", OWNER.address, ANCHOR.address, world.salt(), draw.randbytes(32))
    lines.append(Line("open a log", opening.gas))
    lines.append(Line(FIRST, _first(world, draw).gas))
    for name, size in SIZES.items():
        lines.append(_step(world, draw, f"anchor at {name}, 50 entries more", size - 50, size))
        lines.append(_worst(world, draw, f"anchor at {name}, worst case", size))
    return [*lines, *_others(world, draw)]


def text_of(lines: Iterable[Line]) -> str:
    """Return contracts/GAS.md."""
    rows = [
        "# Gas",
        "",
        "Written by `python -m tests.contracts.write_gas`; tests/contracts/test_gas.py measures again and compares,",
        "in process and on anvil. Whole transactions: the 21,000 and the calldata are in it. Hashes are pseudo-random;",
        "another proof of the same length differs by some dozen gas, because a byte of zero costs less.",
        "",
        "| transaction | proof hashes | gas | limit |",
        "|---|---|---|---|",
    ]
    for line in lines:
        hashes = "" if line.hashes is None else str(line.hashes)
        limit = f"{LIMITS[line.what]:,}" if line.what in LIMITS else ""
        rows.append(f"| {line.what} | {hashes} | {line.gas:,} | {limit} |")
    return "\n".join(rows) + "\n"


def _first(world: World, draw: Random) -> Answer:
    return _taken(world.anchor(world.opened(), 10**6, draw.randbytes(32)))


def _step(world: World, draw: Random, what: str, old: int, new: int) -> Line:
    case = Ground(draw, old, new).consistency()
    log_id = world.anchored(old, case.old_root)
    answer = _taken(world.anchor(log_id, new, case.new_root, case.proof))
    return Line(what, answer.gas, len(case.proof))


def _worst(world: World, draw: Random, what: str, size: int) -> Line:
    """Try the old sizes with the longest proofs: just under the greatest power of two, and with many set bits."""
    power = 1 << ((size - 1).bit_length() - 1)
    olds = [
        power - 1,
        power - 2,
        power + 1,
        size - 1,
        size - 2,
        *(draw.randint(1, size - 1) for _ in range(400)),
    ]
    longest = sorted(olds, key=lambda old: -_hashes_of(draw, old, size))[:TRIES]
    return max((_step(world, draw, what, old, size) for old in longest), key=lambda line: line.gas)


def _hashes_of(draw: Random, old: int, new: int) -> int:
    proof: Proof = Ground(draw, old, new).consistency().proof
    return len(proof)


def _others(world: World, draw: Random) -> list[Line]:
    log_id, heir = world.anchored(5, draw.randbytes(32)), world.opened()
    steps: tuple[tuple[str, Any, str, tuple[Any, ...]], ...] = (
        ("rotate the anchor key", OWNER, "rotateAnchorKey", (log_id, NEXT.address)),
        ("offer a log", OWNER, "proposeOwner", (log_id, OTHER.address)),
        ("accept a log", OTHER, "acceptOwner", (log_id,)),
        ("offer it back", OTHER, "proposeOwner", (log_id, OWNER.address)),
        ("accept it back", OWNER, "acceptOwner", (log_id,)),
        ("name a successor", OWNER, "supersede", (log_id, heir, draw.randbytes(32))),
    )
    return [Line(what, _taken(world.send(sender, name, *rest)).gas) for what, sender, name, rest in steps]


def _deployment(world: World) -> int:
    ran = world.machine.send(PAYER, b"", load_artefact().creation, GAS)
    assert ran.success
    return ran.gas


def _bare(world: World) -> list[Line]:
    address = world.machine.deploy(BARE_ROOT)
    lines = []
    for what, size in ((OVERWRITE_FIRST, 10**6 - 50), (OVERWRITE, 10**6)):
        data = hashed(b"overwrite(bytes32,uint64,bytes32)")[:4]
        data += hashed(b"log") + size.to_bytes(32, "big") + hashed(b"%d" % size)
        ran = world.machine.send(RELAY.address, address, data)
        assert ran.success
        lines.append(Line(what, ran.gas))
    return lines


def _taken(answer: Answer) -> Answer:
    assert answer.error == "", answer
    return answer

"""The compiled contract that is committed: what to deploy, and what to find again at an address. Needs no compiler.

It lies in contracts/artifacts of a checkout and beside this module in the wheel. How it is made: tools/contract.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from ledger.errors import LedgerError

NAME = "CheckpointAnchor.json"
FOLDERS = (
    Path(__file__).parent / "artifacts",
    Path(__file__).resolve().parents[2] / "contracts" / "artifacts",
)


class ArtefactDamaged(LedgerError):
    """The committed artefact is missing or not whole. Install anew; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A compiled contract: ABI, creation code, runtime code, and keccak256 of the runtime code (32 bytes).

    The runtime code has no immutables: it is the same everywhere, so `code_hash` tells whether an address holds it.
    """

    abi: tuple[Mapping[str, Any], ...]
    creation: bytes
    runtime: bytes
    code_hash: bytes


def load_artefact() -> Artefact:
    """Return the artefact of CheckpointAnchor.

    Raises:
        ArtefactDamaged: no file, no JSON, or a runtime code of another hash than the file says.
    """
    for folder in FOLDERS:
        if (folder / NAME).is_file():
            return read_artefact((folder / NAME).read_bytes())
    raise ArtefactDamaged(f"artefact: expected {NAME} beside the package or in contracts/artifacts, got none")


def read_artefact(data: bytes) -> Artefact:
    """Return the artefact in the bytes of its file.

    Raises:
        ArtefactDamaged: as `load_artefact`.
    """
    try:
        made = json.loads(data)
        creation, runtime = (bytes.fromhex(made[name].removeprefix("0x")) for name in ("creation", "runtime"))
        abi, said = tuple(made["abi"]), bytes.fromhex(made["runtime_keccak256"].removeprefix("0x"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactDamaged(f"artefact: expected ABI, code and its hash as JSON, got {error!r}") from error
    found = keccak(runtime)
    if not creation or found != said:
        raise ArtefactDamaged(f"artefact: expected runtime code of hash {said.hex()}, got {found.hex()}")
    return Artefact(abi, creation, runtime, found)

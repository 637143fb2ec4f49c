"""The audit of anchors with what an auditor brings along: nodes of chains to ask, roots of time authorities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_hash.auto import keccak

from casework.anchor_stamps import stamps_by
from casework.time_tokens import trust_of
from ledger import codec, ed25519
from ledger.anchors.artefact import load_artefact
from ledger.anchors.chain import ChainNode, ChainUnread, read_chain_id, read_view
from ledger.anchors.chain_view import ChainView
from ledger.anchors.stamp_receipt import CheckStamp
from ledger.anchors.told import Anchored, Checks
from ledger.audit_anchored import Claims, Readable, audit_anchored, claims_of
from ledger.findings import Result
from ledger.trust import TrustPolicy

ROOTS_SIZE_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Outside:
    """URLs of nodes to ask, and the check of time stamps where roots are trusted."""

    chains: tuple[str, ...] = ()
    stamps: CheckStamp | None = None


def stamps_of(roots: Path | None) -> CheckStamp | None:
    """Return the check under the certificates of a file (TALLYSTICK_TSA_ROOTS); None where there is no file.

    Raises:
        StampFault: roots, when it holds no root. OSError.
    """
    if roots is None:
        return None
    with roots.open("rb") as file:
        return stamps_by(trust_of(file.read(ROOTS_SIZE_MAX_BYTES)))


def audit_anchors(
    source: Readable, intact: Result, trust: TrustPolicy | None, outside: Outside
) -> Anchored | None:
    """Check the anchors of a record that is intact; what is wrong goes into `intact`. None: no anchor, nobody asked.

    Slow where chains are asked: call it in a thread.
    """
    claims = claims_of(source, intact, codec.loads, codec.dumps)
    views, notes, unread = _ask(outside.chains, claims)
    known_code = "0x" + load_artefact().code_hash.hex()
    checks = Checks(ed25519.verify, keccak, outside.stamps, known_code)
    told = audit_anchored(
        source, claims, intact, checks, trust=trust, chains=views, loads=codec.loads, dumps=codec.dumps
    )
    told.notes += notes
    told.unread += unread
    return told if told.anchors or outside.chains else None


def _ask(urls: Sequence[str], claims: Claims) -> tuple[list[ChainView], list[str], list[str]]:
    """Return what nodes say of the anchors on their chain, what is to be told of it, and what could not be read."""
    views: list[ChainView] = []
    notes: list[str] = []
    unread: list[str] = []
    for url in urls:
        try:
            node = ChainNode(url)
        except ChainUnread as error:
            unread.append(f"{error}")
            continue
        try:
            chain_id = read_chain_id(node)
            there = [one for one in claims.on_chains() if one.place["chain_id"] == chain_id]
            if not there:
                unread.append(
                    f"{node.name}: expected the chain of an anchor of this log, got chain {chain_id}"
                )
            for one in there:
                view = read_view(node, chain_id, one, claims.blocks.get(one.anchor, ()))
                views.append(view)
                if view.missing is not None:
                    unread.append(f"{node.name}: not all events could be read")
                notes.append(f"asked {node.name}: chain {chain_id}, final up to block {view.final_number}")
        except ChainUnread as error:
            unread.append(f"cannot be checked here: {error}")
        finally:
            node.close()
    return views, notes, unread

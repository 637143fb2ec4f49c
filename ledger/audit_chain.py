"""What a contract says of a log, held against the log: docs/spec/anchoring.md section 8.

    ChainView   what a node answered of one anchor's contract (ledger/anchors/chain.py reads it)
    1. the code at the address is the one of the opening   2. what the contract holds lies on this log
    3. everything that it ever accepted does   4. the blocks of receipts are part of the chain, and final
    5. what it accepted and no entry tells of   6. whether it names a successor

A node may lie: by 2 and 3 it can invent damage, and by 4 confirm a block that is none. Who asks chooses whom to
believe, or asks several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ledger.anchors.chain_view import NO_SUCCESSOR, ChainView
from ledger.anchors.told import AnchorTold
from ledger.findings import Result

DETECTED_BY = "chain"

RootOf = Callable[[int], bytes | None]
"""Size -> the root of this log's first entries, None where it has fewer."""


def check_chain(
    view: ChainView,
    anchors: Iterable[AnchorTold],
    root_of: RootOf,
    seen: Mapping[str, set[int]],
    result: Result,
) -> None:
    """Hold one node's answers against the log; what contradicts becomes a finding of `result`.

    `root_of` knows the sizes of the view; `seen` are, by anchor, the sizes that entries tell of.
    """
    one = next((told for told in anchors if told.opening.anchor == view.opening.anchor), None)
    if one is None:
        return  # its opening is damaged, which is said already
    place = view.opening.place
    where = f"chain {view.chain_id}, contract {place['contract']} (asked {view.node})"
    # 1. the code
    code = "none" if view.code_hash is None else "0x" + view.code_hash.hex()
    if code != place["code_hash"]:
        result.found(
            "chain_code",
            f"{where}: expected code of hash {place['code_hash']}, got {code}",
            None,
            DETECTED_BY,
        )
        return
    # 2. and 3. what it holds and accepted
    held = [(view.size, view.root, "holds")] if view.size else []
    accepted = [(one.size, one.root, f"accepted in block {one.block_number}") for one in view.events]
    wrong: set[tuple[int, bytes]] = set()
    for size, root, how in [*held, *accepted]:
        ours = root_of(size)
        if ours != root and (size, root) not in wrong:
            wrong.add((size, root))
            got = (
                f"this log at {size} has root {ours.hex()}"
                if ours is not None
                else f"this log has {result.size} entries: {result.size}..{size - 1} are missing"
            )
            what = f"{where}: the contract {how} size {size}, root {root.hex()}; {got}"
            result.found("chain_root", what, None, DETECTED_BY)
    # 4. the blocks of receipts
    _check_blocks(view, one, where, result)
    # 5. and 6. what the log does not tell
    told = seen.get(view.opening.anchor, set())
    lying = {size for size, _ in wrong}
    unrecorded = {size for size, _, _ in [*held, *accepted]} - told - lying - set(one.unrecorded)
    one.unrecorded = sorted([*one.unrecorded, *unrecorded])
    if view.successor != NO_SUCCESSOR and one.state == "open":
        one.notes.append(
            f"{where}: the contract names a successor, log id 0x{view.successor.hex()}; no entry does"
        )
    if view.successor == NO_SUCCESSOR and one.state == "superseded":
        one.notes.append(f"{where}: the contract names no successor")
    if view.missing is not None:
        one.notes.append(f"{where}: not all events could be read: {view.missing}")


def _check_blocks(view: ChainView, one: AnchorTold, where: str, result: Result) -> None:
    """Say of each block that a receipt names whether it is part of the chain."""
    known = {event.block_number: event.block_hash for event in view.events} | dict(view.blocks)
    confirmed = 0
    for number, (seq, digest) in one.by_block.items():
        if number > view.final_number:
            one.notes.append(
                f"{where}: block {number} of entry {seq} is not final yet: expected at most {view.final_number}"
            )
            continue
        there = known.get(number)
        if there is None and number not in known:
            one.notes.append(f"{where}: whether block {number} of entry {seq} is in the chain was not asked")
        elif there != digest:
            got = "no such block" if there is None else there.hex()
            what = f"entry {seq}: {where}: expected block {number} to have the hash {digest.hex()}, got {got}"
            result.found("block", what, seq, DETECTED_BY)
        else:
            confirmed += 1
            one.confirm(number, f"in the chain and final, says {view.node}")
    if one.ended_in is not None:
        seq, number, digest = one.ended_in
        there = known.get(number, digest)
        if number <= view.final_number and there != digest:
            got = "no such block" if there is None else there.hex()
            what = f"entry {seq}: {where}: expected block {number} to have the hash {digest.hex()}, got {got}"
            result.found("block", what, seq, DETECTED_BY)
    if one.by_block:
        one.notes.append(
            f"{where}: {confirmed} of {len(one.by_block)} blocks of receipts are in the chain and final"
        )

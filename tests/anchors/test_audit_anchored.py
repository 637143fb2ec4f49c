"""The audit of anchors, offline and against what a chain says: what holds, what is damage, what cannot be told here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from casework.anchor_stamps import stamps_by
from casework.time_tokens import Trust
from ledger.anchors.chain_view import NO_SUCCESSOR, AnchorEvent, ChainView
from ledger.anchors.stamp_receipt import CheckStamp, receipt_of, token_in
from ledger.anchors.told import NO_BLOCK, NO_KECCAK, NO_NOTE, NO_ROOTS, NO_WITNESS, NOTHING, AnchorTold, Told
from ledger.errors import TrustError
from ledger.trust import LINES_MAX_COUNT, TrustPolicy, parse_trust
from tests.anchors.anchored_logs import (
    CODE_HASH,
    FIRST_BLOCK,
    NEXT_ID,
    WITNESS_KEY,
    AnchoredLog,
    Body,
    audited,
    place,
)
from tests.anchors.blocks import CHAIN_ID, CONTRACT, LOG_ID, shown
from tests.anchors.forged_anchors import FORGED, at, real, without
from tests.ledger.logs import LOG_KEY, ORIGIN, checkpoint_at
from tests.time_authority import holder, signer, stamp

Stamp = Callable[[bytes], bytes]
Authority = tuple[Stamp, CheckStamp]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder, root, kept = tmp_path_factory.mktemp("authority"), holder("Root"), dict[bytes, bytes]()
    clock = signer(root)

    def stamped(content: bytes) -> bytes:
        """The same bytes once: `openssl` takes 30 ms."""
        if content not in kept:
            kept[content] = stamp(folder, clock, content)
        return kept[content]

    return stamped, stamps_by(Trust((root.certificate,)))


@pytest.fixture(scope="module")
def log(authority: Authority) -> AnchoredLog:
    return AnchoredLog(authority[0])


# ------------------------------------------------------------------------------------------------------ what holds
def test_every_receipt_of_a_sound_log_holds(log: AnchoredLog, authority: Authority) -> None:
    result, told = audited(log.held(), authority[1])
    assert result.findings == []
    by_name = {one.opening.anchor: one for one in told.anchors}
    assert {name: (one.state, one.count) for name, one in by_name.items()} == {
        "contract": ("superseded", 3),
        "witness": ("open", 2),
        "stamps": ("closed", 1),
        "double": ("open", 1),
        "second": ("open", 1),
    }
    assert by_name["contract"].open == {NO_BLOCK: 3}
    assert by_name["double"].open == {NOTHING: 1}
    reaching = told.reaching()
    assert reaching is not None and reaching.clock in ("witness witness.invalid", "time authority CN=Clock")
    said = "\n".join(told.sentences())
    last = log.scribe.head.size - 2
    assert (
        f"entries up to {last} stood before 2026-09-21T14:15:20.000Z (block {FIRST_BLOCK + 10}, chain {CHAIN_ID})"
        in said
    )
    assert "anchor witness (witness, open): 2 receipts; entries up to" in said
    assert "a double stands in for an anchor here, and proves nothing" in said


def test_what_is_missing_to_check_is_said_and_is_no_damage(log: AnchoredLog, authority: Authority) -> None:
    result, told = audited(log.held(), None, with_keccak=False)
    assert result.findings == []
    opened = {one.opening.anchor: set(one.open) for one in told.anchors}
    assert opened["contract"] == {NO_KECCAK}
    assert opened["stamps"] == {NO_ROOTS}
    source = log.held()
    source.notes = source.notes[-1:]
    result, told = audited(source, authority[1])
    assert result.findings == []
    assert set(next(one for one in told.anchors if one.opening.anchor == "stamps").open) == {NO_NOTE}


def test_a_trusted_block_leaves_nothing_to_ask(log: AnchoredLog, authority: Authority) -> None:
    _, told = audited(log.held(), authority[1])
    second = told.anchors[-1]
    assert second.last is not None and second.last.block is not None
    line = f"block {CHAIN_ID} {second.last.block.number} {shown(second.last.block.hash)}"
    trust = parse_trust(f"origin {ORIGIN}\nlog {LOG_KEY.vkey()}\n{line}\n".encode())
    result, told = audited(log.held(), authority[1], trust=trust)
    assert result.findings == []
    reaching = told.reaching()
    assert reaching is not None and reaching.confirmed == ("block trusted",)
    assert reaching.size == second.size
    assert f"of 2 receipts: {NO_WITNESS}" in "\n".join(told.sentences())


def test_a_witness_counts_if_the_trust_policy_names_it(log: AnchoredLog, authority: Authority) -> None:
    """Anybody makes a witness of their own: its cosignature verifies, and says nothing until somebody trusts it."""
    for witnesses in ((), (WITNESS_KEY,)):
        trust = TrustPolicy(ORIGIN, (LOG_KEY,), witnesses)
        _, told = audited(log.held(), None, trust=trust)
        one = told.anchors[1]
        assert (one.sure is one.last, one.open) == ((True, {}) if witnesses else (False, {NO_WITNESS: 2}))
    _, told = audited(log.held(), None)
    assert told.reaching() is None


KNOWN_PLACE = f"anchor {CHAIN_ID} {CONTRACT} {LOG_ID}"


def test_a_record_made_anew_is_damaged_if_the_trust_policy_knows_where_it_was_anchored(
    log: AnchoredLog, authority: Authority
) -> None:
    """Without that line an operator opens a new log id, or none, and nothing shows that there was another."""
    head = f"origin {ORIGIN}\nlog {LOG_KEY.vkey()}\n"
    trust = parse_trust((head + KNOWN_PLACE).encode())
    assert audited(log.held(), authority[1], trust=trust)[0].findings == []
    without_anchors = AnchoredLog(authority[0], lambda entry, body: None)
    at_another = AnchoredLog(
        authority[0],
        lambda entry, body: (
            body if entry == "open second" else None if "contract" in entry or entry == "supersede" else body
        ),
    )
    for other in (without_anchors, at_another):
        assert audited(other.held(), authority[1])[0].findings == []
        result, _ = audited(other.held(), authority[1], trust=trust)
        (found,) = result.findings
        assert (found.code, found.detected_by, result.exit) == ("trust_anchor", "trust", 1)
        assert f"chain {CHAIN_ID}, contract {CONTRACT}, log id {LOG_ID}, got none" in found.what


@pytest.mark.parametrize(
    "line",
    [
        KNOWN_PLACE + " 1",
        KNOWN_PLACE[:-1],
        KNOWN_PLACE.upper().replace("ANCHOR", "anchor"),
        f"anchor x {CONTRACT} {LOG_ID}",
        f"anchor {CHAIN_ID} {LOG_ID} {CONTRACT}",
    ],
)
def test_parse_trust_fails_if_an_anchor_is_malformed(line: str) -> None:
    with pytest.raises(TrustError, match="trust policy line 3"):
        parse_trust(f"origin {ORIGIN}\nlog {LOG_KEY.vkey()}\n{line}".encode())


def test_parse_trust_fails_if_it_has_more_lines_than_are_read() -> None:
    text = f"origin {ORIGIN}\nlog {LOG_KEY.vkey()}\n" + "\n" * LINES_MAX_COUNT
    with pytest.raises(TrustError, match="expected at most 1000 lines"):
        parse_trust(text.encode())


def test_code_that_is_not_known_here_is_told(log: AnchoredLog) -> None:
    said = "\n".join(audited(log.held(), None, code_hash="0x" + "77" * 32)[1].sentences())
    assert f"it was opened at code of hash {CODE_HASH}, not the contract that is known here" in said
    assert "known here" not in "\n".join(audited(log.held(), None, code_hash=CODE_HASH)[1].anchors[0].notes)


BLOCK_LINES = [
    ("block 1 2", "expected one origin"),
    ("block 1 2 0x12", "expected 0x and 64 lower-case hex digits"),
    ("block 1 2 " + "0" * 64, "expected 0x and 64 lower-case hex digits"),
    ("block 1 2 0x" + "A" * 64, "expected 0x and 64 lower-case hex digits"),
    ("block 1 2 0x" + "g" * 64, "expected 0x and 64 lower-case hex digits"),
    ("block x 2 0x" + "a" * 64, "expected a number"),
    ("block 1 -2 0x" + "a" * 64, "expected a number"),
    ("block 1 2 0x" + "a" * 64 + "\nblock 1 2 0x" + "b" * 64, "expected one hash of block 2, got two"),
]


@pytest.mark.parametrize(("lines", "says"), BLOCK_LINES)
def test_parse_trust_fails_if_a_block_is_malformed(lines: str, says: str) -> None:
    head = f"origin {ORIGIN}\nlog {LOG_KEY.vkey()}\n"
    with pytest.raises(TrustError, match=says):
        parse_trust((head + lines).encode())
    assert parse_trust((head + "block 1 2 0x" + "a" * 64).encode()).blocks == {(1, 2): b"\xaa" * 32}


# ------------------------------------------------------------------------------------------------------ forgeries
@pytest.mark.parametrize(
    ("edit", "code", "says"), [one[1:] for one in FORGED], ids=[one[0] for one in FORGED]
)
def test_the_audit_finds(
    authority: Authority, edit: Callable[[str, Body], Any], code: str, says: str
) -> None:
    forged = AnchoredLog(authority[0], edit)
    result, _ = audited(forged.held(), authority[1])
    assert result.findings, "expected a finding, got none"
    first = result.findings[0]
    assert (first.code, first.detected_by) == (code, "receipts"), first
    assert says in first.what, first
    assert first.seq is not None and result.exit == 1


def test_a_stamp_over_another_note_is_found(authority: Authority) -> None:
    other = receipt_of(token_in(authority[0](b"another note")))
    forged = AnchoredLog(authority[0], at("stamps 0", receipt=other))
    result, _ = audited(forged.held(), authority[1])
    assert [one.code for one in result.findings] == ["receipt"]
    assert "other_content" in result.findings[0].what


def test_two_receipts_of_one_block_number_and_two_hashes_are_found(
    authority: Authority,
) -> None:
    def edit(entry: str, body: Body) -> Body:
        if entry != "contract 1":
            return body
        return body | {"receipt": real(body, number=FIRST_BLOCK, tx_index=2)}

    result, _ = audited(AnchoredLog(authority[0], edit).held(), authority[1])
    assert [one.code for one in result.findings] == ["block"]
    assert "of an earlier receipt" in result.findings[0].what


def test_a_block_that_the_trust_policy_knows_otherwise_is_found(
    log: AnchoredLog, authority: Authority
) -> None:
    trust = TrustPolicy(ORIGIN, (LOG_KEY,), blocks={(CHAIN_ID, FIRST_BLOCK + 1): bytes(32)})
    result, _ = audited(log.held(), authority[1], trust=trust)
    assert [(one.code, one.seq) for one in result.findings] == [("block", log.seqs["contract 1"])]
    assert "of the trust policy" in result.findings[0].what


def test_a_damaged_log_that_grew_meanwhile_is_read_to_the_size_that_was_audited(
    log: AnchoredLog, authority: Authority
) -> None:
    source = log.held()
    lines = source.lines
    source.lines = lines[: log.seqs["second 0"]]
    source.claimed, source.notes = len(source.lines), log.held().notes[:3]
    source.tiles, source.rows, source.accounts, source.values = None, None, None, None
    result, told = audited(_Growing(source, lines), authority[1])
    assert (result.findings, told.anchors[-1].count) == ([], 0)
    changed = _Growing(source, [*lines[:5], lines[6], *lines[6:]])
    result, _ = audited(changed, authority[1])
    assert "as read before" in result.findings[-1].what


class _Growing:
    """A log that has more entries each time it is read."""

    def __init__(self, held: Any, later: list[bytes]) -> None:
        self._held, self._later, self._reads = held, later, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held, name)

    def entries(self) -> Any:
        self._reads += 1
        return iter(self._later if self._reads > 2 else self._held.lines)


# ------------------------------------------------------------------------------------------------------ on a chain
def view_of(log: AnchoredLog, **other: Any) -> ChainView:
    """What an honest node says of the first anchor."""
    _, told = audited(log.held(), None)
    one = told.anchors[0]
    events = []
    for number, (seq, digest) in sorted(one.by_block.items()):
        name = next(name for name, where in log.seqs.items() if where == seq)
        size = log.notes[int(name.split()[1])]
        events.append(AnchorEvent(size, log.root(size), number, digest))
    given: dict[str, Any] = {
        "node": "node.invalid",
        "opening": one.opening,
        "chain_id": CHAIN_ID,
        "final_number": FIRST_BLOCK + 100,
        "code_hash": bytes.fromhex(CODE_HASH[2:]),
        "size": events[-1].size,
        "root": events[-1].root,
        "successor": bytes.fromhex(NEXT_ID[2:]),
        "events": tuple(events),
        "blocks": {},
    }
    return ChainView(**(given | other))


def test_an_honest_chain_confirms_blocks_and_leaves_nothing_to_ask(
    log: AnchoredLog, authority: Authority
) -> None:
    result, told = audited(log.held(), authority[1], chains=[view_of(log)])
    one = told.anchors[0]
    assert (result.findings, one.unrecorded) == ([], [])
    assert one.sure is one.last and one.sure is not None
    assert one.sure.confirmed == ("in the chain and final, says node.invalid",)
    assert "3 of 3 blocks of receipts are in the chain and final" in one.notes[-1]
    assert not any(NO_BLOCK in line for line in one.sentences())
    twice, _ = audited(log.held(), authority[1], chains=[view_of(log), view_of(log)])
    assert twice.findings == []


def test_an_older_block_confirmed_later_takes_nothing_back(log: AnchoredLog, authority: Authority) -> None:
    view = view_of(log)
    last = view.events[2]
    trust = TrustPolicy(ORIGIN, (LOG_KEY,), blocks={(CHAIN_ID, last.block_number): last.block_hash})
    some = replace(view, events=view.events[:1])
    _, told = audited(log.held(), authority[1], trust=trust, chains=[some])
    one = told.anchors[0]
    assert one.sure is not None and (one.sure.size, one.sure.confirmed) == (last.size, ("block trusted",))
    assert one.open == {NO_BLOCK: 1}
    _, told = audited(log.held(), authority[1], chains=[some])
    one = told.anchors[0]
    assert one.sure is not None and one.sure.size == view.events[0].size
    assert "nothing is left to ask of: entries up to" in "\n".join(one.sentences())


def test_every_receipt_of_a_block_that_a_chain_confirms_is_confirmed(log: AnchoredLog) -> None:
    (last, *_), opening = _lasts(log), audited(log.held(), None)[1].anchors[0].opening
    one = AnchorTold(opening)
    for more in range(3):
        one.take(replace(last, size=last.size + more))
    assert one.open == {NO_BLOCK: 3} and last.block is not None
    for _ in range(2):  # by two nodes
        one.confirm(last.block.number, "somebody")
    assert one.open == {NO_BLOCK: 0} and not any(NO_BLOCK in said for said in one.sentences())


def _lasts(log: AnchoredLog) -> list[Told]:
    return [one.last for one in audited(log.held(), None)[1].anchors if one.last is not None]


def test_a_block_that_no_node_confirmed_is_not_as_good_as_one(log: AnchoredLog, authority: Authority) -> None:
    """A self-made header names a block that is far ahead: no node can contradict it, so none confirms it."""
    _, told = audited(log.held(), authority[1], chains=[view_of(log, final_number=FIRST_BLOCK)])
    assert told.unread == ["anchor contract: no node that was asked confirmed the blocks of 2 receipts"]
    _, told = audited(log.held(), authority[1], chains=[view_of(log)])
    assert told.unread == []
    _, told = audited(log.held(), authority[1])
    assert told.unread == []  # nobody was asked


def _lying(size_by: int, root: bytes | None) -> Callable[[AnchoredLog], dict[str, Any]]:
    def make(log: AnchoredLog) -> dict[str, Any]:
        size = log.notes[2] + size_by
        return {"size": size, "root": log.root(log.notes[2]) if root is None else root}

    return make


def _event(log: AnchoredLog, **other: Any) -> tuple[AnchorEvent, ...]:
    events = view_of(log).events
    return (*events[:2], replace(events[2], **other))


CHAINS: list[tuple[str, Callable[[AnchoredLog], dict[str, Any]], str, str]] = [
    (
        "holds a false size",
        _lying(-1, None),
        "chain_root",
        "the contract holds size {less}, root {root}; this log at {less} has root",
    ),
    (
        "holds another root",
        _lying(0, bytes(32)),
        "chain_root",
        "root {zeros}; this log at {size} has root {root}",
    ),
    ("holds a size beyond the log", _lying(4_000, None), "chain_root", "{more} are missing"),
    (
        "accepted another root",
        lambda log: {"events": _event(log, root=bytes(32))},
        "chain_root",
        "the contract accepted in block",
    ),
    ("accepted a false size", lambda log: {"events": _event(log, size=4)}, "chain_root", "accepted in block"),
    (
        "accepted a size beyond the log",
        lambda log: {"events": _event(log, size=2**53)},
        "chain_root",
        "are missing",
    ),
    (
        "has another block there",
        lambda log: {"events": _event(log, block_hash=bytes(32))},
        "block",
        "to have the hash",
    ),
    (
        "has no such block",
        lambda log: {"events": view_of(log).events[:2], "blocks": {FIRST_BLOCK + 2: None}},
        "block",
        "got no such block",
    ),
    ("has other code", lambda log: {"code_hash": bytes(32)}, "chain_code", "expected code of hash"),
    ("has no code", lambda log: {"code_hash": None}, "chain_code", "got none"),
]


@pytest.mark.parametrize(
    ("make", "code", "says"), [one[1:] for one in CHAINS], ids=[one[0] for one in CHAINS]
)
def test_the_audit_finds_if_the_chain(
    log: AnchoredLog,
    authority: Authority,
    make: Callable[[AnchoredLog], dict[str, Any]],
    code: str,
    says: str,
) -> None:
    result, _ = audited(log.held(), authority[1], chains=[view_of(log, **make(log))])
    first, size = result.findings[0], log.notes[2]
    assert first.code == code, first
    words = {"less": size - 1, "size": size, "root": log.root(size).hex(), "zeros": "00" * 32}
    words["more"] = f"{log.scribe.head.size}..{size + 3_999}"
    assert says.format(**words) in first.what, first
    assert result.exit == 1


TOLD: list[tuple[str, Callable[[AnchoredLog], dict[str, Any]], str]] = [
    (
        "a checkpoint without an entry",
        lambda log: {
            "size": 9,
            "root": log.root(9),
            "events": (*view_of(log).events, AnchorEvent(9, log.root(9), FIRST_BLOCK + 50, bytes(32))),
        },
        "that no entry tells of: 9",
    ),
    ("a successor that it does not name", lambda log: {"successor": NO_SUCCESSOR}, "names no successor"),
    ("blocks that are not final yet", lambda log: {"final_number": FIRST_BLOCK}, "is not final yet"),
    ("blocks that were not asked", lambda log: {"events": ()}, "is in the chain was not asked"),
    (
        "events that could not be read",
        lambda log: {"missing": "too wide"},
        "not all events could be read: too wide",
    ),
]


@pytest.mark.parametrize(("make", "says"), [one[1:] for one in TOLD], ids=[one[0] for one in TOLD])
def test_the_audit_tells_and_finds_no_damage_in(
    log: AnchoredLog,
    authority: Authority,
    make: Callable[[AnchoredLog], dict[str, Any]],
    says: str,
) -> None:
    result, told = audited(log.held(), authority[1], chains=[view_of(log, **make(log))])
    assert result.findings == []
    assert says in "\n".join(told.sentences())


def test_a_successor_without_an_entry_is_told(authority: Authority) -> None:
    log = AnchoredLog(authority[0], without("supersede"))
    result, told = audited(log.held(), authority[1], chains=[view_of(log)])
    assert result.findings == []
    assert f"the contract names a successor, log id {NEXT_ID}; no entry does" in "\n".join(told.sentences())


def test_forgeries_are_many_and_have_names_of_their_own() -> None:
    names = [one[0] for one in FORGED] + [one[0] for one in CHAINS]
    assert len(names) == len(set(names)) >= 50
    assert place()["log_id"] == LOG_ID


def test_the_audit_reads_a_log_without_anchors_no_second_time(authority: Authority) -> None:
    log = AnchoredLog(authority[0], lambda entry, body: None)
    source = _Growing(log.held(), [])
    source._reads = 1  # the audit of integrity is one; any other would find nothing there
    result, told = audited(source, authority[1])
    assert (told.anchors, result.findings) == ([], [])
    assert checkpoint_at(log.scribe.lines, 3)

"""Receipts of an EVM anchor: made from what nodes answer, checked without them, forged by the kind."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import rlp
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.anchors import strict_rlp
from ledger.anchors.evm_receipt import EvmReceipt, ReceiptWrong, check_receipt, check_superseded
from ledger.anchors.patricia import value_at
from ledger.anchors.receipts import NodeContradicts, find_log, prove_index, prove_receipt
from ledger.anchors.strict_rlp import RlpMalformed
from ledger.errors import ProofError
from tests.anchors.blocks import (
    CHAIN_ID,
    CONTRACT,
    FORKS,
    LOG_ID,
    ROOT,
    SIZE,
    block,
    bytes_of,
    raw,
    shown,
    trie_of,
)
from tests.anchors.blocks import header as header_over
from tests.anchors.blocks import receipt as made_receipt
from tests.anchors.forged_receipts import Receipt, forged, honest
from tests.vectors.regenerate_receipts import FILE, facts, recorded, rendered

EXPECTED_GOT = r"expected .*got "
FORGED = list(forged())
BASE = honest()
PROVEN = check_receipt(BASE, keccak)


def proven(header: dict[str, Any], receipts: list[dict[str, Any]], at: int) -> EvmReceipt:
    return check_receipt(prove_receipt(header, receipts, at, CHAIN_ID, CONTRACT, LOG_ID, 1), keccak)


# ------------------------------------------------------------------------------------------------------- honest
@pytest.mark.parametrize(
    ("fork", "count"), [*((fork, 17) for fork in FORKS), *(("prague", n) for n in (1, 2, 16, 129, 257))]
)
def test_a_receipt_of_every_type_under_every_header_proves_size_and_root(fork: str, count: int) -> None:
    for at in sorted({0, count // 2, count - 1}):
        header, receipts = block(fork, tuple(number % 5 for number in range(count)), at)
        found = proven(header, receipts, at)
        assert (found.size, found.root, found.tx_index) == (SIZE, ROOT, at)
        assert (shown(found.block_hash), shown(found.block_number)) == (header["hash"], header["number"])
        assert shown(found.block_time_seconds) == header["timestamp"]


@pytest.mark.parametrize("count", [1, 2, 16, 17, 127, 128, 129, 257])
def test_the_nodes_are_those_of_another_implementation(count: int) -> None:
    _, receipts = block("prague", (2,) * count, 0)
    trie, values = trie_of(receipts), [bytes_of(one) for one in receipts]
    for at in sorted({0, count // 3, count - 1}):
        root, nodes = prove_index(values, at)
        assert root == trie.root_hash
        assert nodes == [rlp.encode(node) for node in trie.get_proof(rlp.encode(at))]


@pytest.mark.parametrize("one", recorded(), ids=lambda one: one["fork"])
def test_blocks_of_a_real_node_are_proven_and_so_they_are_as_web3_shows_them(one: dict[str, Any]) -> None:
    kinds = set()
    header, receipts = _as_web3(one["block"]), [_as_web3(receipt) for receipt in one["receipts"]]
    for at, receipt in enumerate(one["receipts"]):
        where = (at, one["chain_id"], one["contract"], one["log_id"], 0)
        assert find_log(receipt, one["contract"], one["log_id"]) == 0
        found = prove_receipt(one["block"], one["receipts"], *where)
        assert found == prove_receipt(header, receipts, *where)
        told = check_receipt(found, keccak)
        kinds.add(int(receipt["type"], 16))
        assert (told.size, told.root, shown(told.tx_hash)) == (
            100 + int(receipt["type"], 16),
            bytes([int(receipt["type"], 16)] * 32),
            receipt["transactionHash"],
        )
    assert kinds == {"london": {0, 1, 2}, "cancun": {0, 1, 2, 3}, "prague": {0, 1, 2, 3, 4}}[one["fork"]]


def _as_web3(value: Any) -> Any:
    """Return what a node said with quantities as int and long hex as bytes, as web3's formatters leave it."""
    if isinstance(value, dict):
        return {name: _as_web3(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_web3(one) for one in value]
    if isinstance(value, str) and value.startswith("0x"):
        return raw(value) if len(value) >= 18 or value == "0x" else int(value, 16)
    return value


def test_the_vectors_are_what_the_code_makes() -> None:
    assert FILE.read_text(encoding="ascii") == rendered()


def test_the_vectors_hold() -> None:
    held = json.loads(FILE.read_text(encoding="ascii"))
    for one in held["accepted"]:
        assert facts(one["receipt"]) == one["facts"], one["name"]
    for one in held["refused"]:
        receipt = {name: value for name, value in held["base"].items() if name not in one["lacks"]} | one[
            "change"
        ]
        with pytest.raises(ProofError) as caught:
            check_receipt(receipt, keccak)
        assert type(caught.value).__name__ == one["error"], one["name"]


# ------------------------------------------------------------------------------------------------------- forged
@pytest.mark.parametrize(("receipt", "error"), [one[1:] for one in FORGED], ids=[one[0] for one in FORGED])
def test_check_receipt_fails_if_something_is_forged(receipt: Receipt, error: type[Exception]) -> None:
    with pytest.raises(ProofError, match=EXPECTED_GOT) as caught:
        check_receipt(receipt, keccak)
    assert type(caught.value) is error, str(caught.value)


def test_forgeries_have_names_of_their_own_and_differ_from_the_honest_one() -> None:
    assert len({name for name, _, _ in FORGED}) == len(FORGED) >= 80
    assert all(json.dumps(receipt) != json.dumps(BASE) for _, receipt, _ in FORGED)


def test_a_block_made_for_the_purpose_is_told_by_its_hash_alone() -> None:
    """The limit of every receipt: whoever checks it must know the block's hash from elsewhere."""
    header, receipts = block("prague", (2, 2), 1, seed=666)
    found = proven(header, receipts, 1)
    assert (found.size, found.root) == (SIZE, ROOT)
    assert found.block_hash != PROVEN.block_hash


PROVES_NOTHING = {"chain_id", "tx_hash"}
LONG = [name for name, value in BASE.items() if isinstance(value, str) and name not in PROVES_NOTHING]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    receipt = copy.deepcopy(BASE)
    where = data.draw(st.sampled_from([*LONG, *range(len(BASE["proof"]))]))
    holder: Any = receipt["proof"] if isinstance(where, int) else receipt
    old = raw(holder[where])
    bit = data.draw(st.integers(0, 8 * len(old) - 1))
    flipped = int.from_bytes(old, "big") ^ 1 << bit
    holder[where] = shown(flipped.to_bytes(len(old), "big"))
    with pytest.raises(ProofError):
        check_receipt(receipt, keccak)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(BASE)),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 2**70),
        st.text(max_size=80),
        st.lists(st.text(max_size=70), max_size=4),
        st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
        st.binary(max_size=40).map(shown),
    ),
)
def test_any_other_value_is_refused_or_gives_the_same_facts(name: str, value: Any) -> None:
    try:
        found = check_receipt(BASE | {name: value}, keccak)
    except ProofError:
        return
    known = {"chain_id": found.chain_id, "tx_hash": found.tx_hash}
    assert name in PROVES_NOTHING or value == BASE[name]
    assert found == EvmReceipt(**{**{n: getattr(PROVEN, n) for n in EvmReceipt.__slots__}, **known})


# -------------------------------------------------------------------------------------------------- lying nodes
LIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("hash", {"hash": shown(bytes(32))}, {}),
    ("time", {"timestamp": "0x1"}, {}),
    ("receipts root", {"receiptsRoot": shown(bytes(32))}, {}),
    ("field missing", {"miner": None}, {}),
    ("field that ends the header early", {"requestsHash": None}, {}),
    ("quantity without 0x", {"number": "12"}, {}),
    ("quantity that is no number", {"number": "0xzz"}, {}),
    ("quantity of a kilobyte", {"number": "0x" + "1" * 1024}, {}),
    ("bytes that are no hex", {"extraData": "0x0"}, {}),
    ("negative number", {"number": -1}, {}),
    ("status", {}, {"status": "0x0"}),
    ("status missing", {}, {"status": None}),
    ("gas", {}, {"cumulativeGasUsed": "0x1"}),
    ("type", {}, {"type": "0x3"}),
    ("type missing", {}, {"type": None}),
    ("type 0x80", {}, {"type": "0x80"}),
    ("place", {}, {"transactionIndex": "0x0"}),
    ("logs left out", {}, {"logs": []}),
    ("logs missing", {}, {"logs": None}),
    ("logs that are text", {}, {"logs": "0x"}),
    ("log that is null", {}, {"logs": [None]}),
    ("log without topics", {}, {"logs": [{"address": CONTRACT, "data": "0x"}]}),
]


@pytest.mark.parametrize(("of_header", "of_receipt"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_prove_receipt_fails_if_the_node_lies(of_header: dict[str, Any], of_receipt: dict[str, Any]) -> None:
    header, receipts = block("prague", (2, 2, 2, 2), 2)
    proven(header, receipts, 2)
    receipts[2] = receipts[2] | of_receipt
    with pytest.raises(NodeContradicts, match=EXPECTED_GOT):
        proven(header | of_header, receipts, 2)


def test_prove_receipt_fails_if_receipts_are_left_out_or_too_few() -> None:
    header, receipts = block("prague", (2, 2, 2, 2), 2)
    for some in (receipts[:3], receipts[:2], [], [*receipts, receipts[3] | {"transactionIndex": "0x4"}]):
        with pytest.raises(NodeContradicts, match=EXPECTED_GOT):
            proven(header, some, 2)


def test_prove_receipt_fails_if_the_log_is_another() -> None:
    header, receipts = block("prague", (2, 2, 2, 2), 2)
    for where in ((CONTRACT, LOG_ID, 0), (CONTRACT, shown(bytes(32)), 1), ("0x" + "ee" * 20, LOG_ID, 1)):
        with pytest.raises(ReceiptWrong, match=EXPECTED_GOT):
            prove_receipt(header, receipts, 2, CHAIN_ID, *where)
    assert find_log(receipts[2], CONTRACT, LOG_ID) == 1
    assert find_log(receipts[2], CONTRACT, shown(bytes(32))) is None


def test_a_deposit_of_an_op_stack_chain_is_part_of_the_root() -> None:
    """Its receipt has two fields more; the trie is made with `rlp` and `trie`, as in all of these blocks."""
    header, receipts = block("cancun", (0x7E, 2), 1)
    deposit = receipts[0] | {"depositNonce": "0x5", "depositReceiptVersion": "0x1"}
    with pytest.raises(NodeContradicts, match="receipts root"):
        proven(header, [deposit, receipts[1]], 1)
    assert proven(header, receipts, 1).size == SIZE  # before Canyon: the fields are not there
    trie = trie_of(receipts)
    plain = rlp.decode(trie[rlp.encode(0)][1:])
    trie[rlp.encode(0)] = b"\x7e" + rlp.encode([*plain, 5, 1])
    fields = rlp.decode(raw(prove_receipt(header, receipts, 1, CHAIN_ID, CONTRACT, LOG_ID, 1)["header"]))
    fields[5] = trie.root_hash
    later = header | {"receiptsRoot": shown(trie.root_hash), "hash": shown(keccak(rlp.encode(fields)))}
    assert proven(later, [deposit, receipts[1]], 1).size == SIZE


# ------------------------------------------------------------------------------------------------------ strict RLP
ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5), max_leaves=20)


def _depth(item: Any) -> int:
    return 0 if isinstance(item, bytes) else 1 + max(map(_depth, item), default=0)


@settings(max_examples=120, deadline=None)
@given(ITEMS)
def test_what_another_implementation_encodes_is_read_back(item: Any) -> None:
    if _depth(item) <= strict_rlp.DEPTH_MAX:
        assert strict_rlp.decode(rlp.encode(item)) == item
    else:
        with pytest.raises(RlpMalformed, match="lists in each other"):
            strict_rlp.decode(rlp.encode(item))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=80), st.tuples(ITEMS.map(rlp.encode), st.binary(max_size=2)).map(b"".join))
)
def test_whatever_is_read_has_these_very_bytes(data: bytes) -> None:
    try:
        item = strict_rlp.decode(data)
    except RlpMalformed:
        return
    assert rlp.encode(item) == data


def test_strict_rlp_fails_beyond_its_limits() -> None:
    with pytest.raises(RlpMalformed, match="at most 65536 bytes, got 65540"):
        strict_rlp.decode(rlp.encode(bytes(65536)))
    with pytest.raises(RlpMalformed, match="at most 20000 items"):
        strict_rlp.decode(rlp.encode([b""] * 20_001))
    assert strict_rlp.as_number(strict_rlp.decode(b"\x80"), "zero") == 0
    for number in (0, 1, 127, 128, 255, 256, 2**64 - 1):
        assert strict_rlp.encoded_number(number) == rlp.encode(number)


# ----------------------------------------------------------------------------------------------------- superseded
SUPERSEDED = keccak(b"LogSupersededBy(bytes32,bytes32,bytes32,uint64,bytes32)")
NEXT_ID, WHY = "0x" + "2d" * 32, b"why" + bytes(29)


def superseding(size: int = SIZE, *, topics: list[str] | None = None, data: bytes | None = None) -> Receipt:
    log = {
        "address": CONTRACT,
        "topics": topics or [shown(SUPERSEDED), LOG_ID, NEXT_ID],
        "data": shown(WHY + size.to_bytes(32, "big") + ROOT if data is None else data),
    }
    receipts = [made_receipt(0, 2, []), made_receipt(1, 2, [log])]
    return prove_receipt(
        header_over(receipts), receipts, 1, CHAIN_ID, CONTRACT, LOG_ID, 0, check=check_superseded
    )


def test_a_supersession_proves_which_log_goes_on_and_what_the_contract_held() -> None:
    for size in (0, SIZE):
        found = check_superseded(superseding(size), keccak)
        assert (shown(found.successor), found.reason_hash, found.size, found.root) == (
            NEXT_ID,
            WHY,
            size,
            ROOT,
        )
        assert (shown(found.log_id), shown(found.contract), found.chain_id) == (LOG_ID, CONTRACT, CHAIN_ID)


def test_check_superseded_fails_if_the_log_is_another() -> None:
    with pytest.raises(ProofError, match=EXPECTED_GOT):
        check_superseded(BASE, keccak)
    with pytest.raises(ProofError, match=EXPECTED_GOT):
        check_receipt(superseding(), keccak)
    for lie in (
        {"topics": [shown(SUPERSEDED), LOG_ID]},
        {"topics": [shown(SUPERSEDED), NEXT_ID, LOG_ID]},
        {"topics": [shown(keccak(b"Other()")), LOG_ID, NEXT_ID]},
        {"data": bytes(64)},
        {"size": 2**53},
    ):
        with pytest.raises(ProofError, match=EXPECTED_GOT):
            superseding(**lie)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81\x05",
        b"\xb8\x37" + bytes(55),
        b"\xf8\x37" + bytes(55),
        b"\xb9\x00\x40" + bytes(64),
        b"\x82\x01",
        b"\xc2\x01",
        b"\xc1\x82\x01",
        b"\xc2\x81\x05",
        b"\x01\x02",
        b"\xb8",
    ],
    ids=bytes.hex,
)
def test_strict_rlp_fails_if_it_is_not_the_shortest_form(data: bytes) -> None:
    with pytest.raises(RlpMalformed, match=EXPECTED_GOT):
        strict_rlp.decode(data)


# ------------------------------------------------------------------------------------------------------------- tries
VALUE, KEY = b"v" * 40, b"\x03"  # nibbles 0, 3
FULL = [b""] * 17


def _branch(child: int, below: bytes, value: bytes = b"") -> list[bytes]:
    return [*FULL[:child], keccak(below), *FULL[child + 1 : 16], value]


LEAF_3, LEAF = rlp.encode([b"\x33", VALUE]), rlp.encode([b"\x20\x03", VALUE])
LAST_BRANCH, EMPTY_BRANCH = rlp.encode(_branch(0, LEAF, VALUE)), rlp.encode(_branch(0, LEAF))
TRIES: list[tuple[str, list[bytes], bool]] = [
    ("a leaf alone", [LEAF], True),
    ("a branch, then a leaf", [rlp.encode(_branch(0, LEAF_3)), LEAF_3], True),
    ("an extension of one nibble, a branch, a leaf without a path",
     [rlp.encode([b"\x10", keccak(rlp.encode(_branch(3, rlp.encode([b"\x20", VALUE]))))]),
      rlp.encode(_branch(3, rlp.encode([b"\x20", VALUE]))), rlp.encode([b"\x20", VALUE])], True),
    ("a leaf under another key of that length", [rlp.encode([b"\x20\x04", VALUE])], False),
    ("a leaf under a longer key", [rlp.encode([b"\x20\x03\x01", VALUE])], False),
    ("a leaf under a shorter key", [rlp.encode([b"\x30", VALUE])], False),
    ("an extension without a path", [rlp.encode([b"\x00", keccak(LEAF)]), LEAF], False),
    ("an extension to another key", [rlp.encode([b"\x11", keccak(LEAF_3)]), LEAF_3], False),
    ("a branch at the end of the key",
     [rlp.encode([b"\x00\x03", keccak(LAST_BRANCH)]), LAST_BRANCH], False),
    ("a branch without a value at the end of the key",
     [rlp.encode([b"\x00\x03", keccak(EMPTY_BRANCH)]), EMPTY_BRANCH], False),
    ("a branch with a value", [rlp.encode(_branch(0, LEAF_3, b"x")), LEAF_3], False),
    ("a branch to another nibble", [rlp.encode(_branch(1, LEAF_3)), LEAF_3], False),
    ("a node within a node", [rlp.encode([*FULL[:0], [b"\x33", b"v"], *FULL[1:]])], False),
    ("a hash cut off", [rlp.encode([keccak(LEAF_3)[:31], *FULL[1:]]), LEAF_3], False),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "holds"), [one[1:] for one in TRIES], ids=[one[0] for one in TRIES])
def test_a_trie_proof_leads_from_root_to_key(nodes: list[bytes], holds: bool) -> None:
    if holds:
        assert value_at(keccak(nodes[0]), KEY, nodes, keccak) == VALUE
        return
    with pytest.raises(ProofError, match=EXPECTED_GOT):
        value_at(keccak(nodes[0]), KEY, nodes, keccak)

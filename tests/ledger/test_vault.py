"""The vault: what is sealed opens again, checked; what is erased never does."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical
from ledger.blobs import FolderBlobs
from ledger.changes import Delete, Insert, Row
from ledger.entropy import SeededEntropy
from ledger.errors import CanonicalError
from ledger.vault import (
    INLINE_SIZE_MAX_BYTES,
    ORGANISATION,
    Sealed,
    SealRefused,
    Vault,
    VaultDamaged,
    VaultError,
)

LOG = "tallystick.example/seal-4f1c"
KEY = bytes(range(32))
DEEP: Any = 0
for _ in range(40):
    DEEP = [DEEP]


def _vault(folder: Path, log: str = LOG, key: bytes = KEY, seed: str = "vault") -> Vault:
    return Vault(log, key, SeededEntropy(seed), FolderBlobs(folder))


def _rows(*sealed: Sealed) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return item rows and wrap rows, as a store would give them back."""
    inserts = [change for one in sealed for change in one.changes if isinstance(change, Insert)]
    return (
        [dict(change.row) for change in inserts if change.table == "item"],
        [dict(change.row) for change in inserts if change.table == "item_wrap"],
    )


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ({"name": "Ana Müller", "nights": 3, "vip": False, "rooms": ["A", None]}, False),
        ("a note", False),
        (0, False),
        ("x" * (INLINE_SIZE_MAX_BYTES + 1), False),
        (b"\x89PNG\x00", True),
        (b"", True),
        (b"y" * (INLINE_SIZE_MAX_BYTES + 1), True),
    ],
)
def test_open_gives_back_what_was_sealed(tmp_path: Path, value: Any, content: bool) -> None:
    vault = _vault(tmp_path)
    sealed = vault.seal(value, "note", ["customer-1"], content=content)
    (item,), wraps = _rows(sealed)
    assert item["item"] == sealed.commitment
    assert vault.open(item, wraps) == value
    assert vault.open_many([item], wraps) == {sealed.commitment: value}


def test_commitment_is_the_formula_of_the_specification(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    sealed = vault.seal({"b": 1, "a": "é"}, "facts", [])
    (item,), wraps = _rows(sealed)
    opening = vault.disclose(item, wraps)
    assert opening is not None and len(opening.salt) == 32 and opening.data == '{"a":"é","b":1}'.encode()
    said = b"tallystick/private/v1\x00" + LOG.encode() + b"\x00facts\x00" + opening.salt + opening.data
    assert sealed.commitment == hashlib.sha256(said).hexdigest()


def test_small_items_lie_in_the_row_and_large_ones_under_their_ciphertext(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    (small,), _ = _rows(vault.seal(b"s" * INLINE_SIZE_MAX_BYTES, "content", ["c"], content=True))
    (large,), _ = _rows(vault.seal(b"l" * (INLINE_SIZE_MAX_BYTES + 1), "content", ["c"], content=True))
    assert small["blob"] is None and large["sealed"] is None
    stored = FolderBlobs(tmp_path).get(large["blob"])
    assert hashlib.sha256(stored).hexdigest() == large["blob"]
    assert b"llll" not in stored


def test_the_same_value_twice_gives_two_unlike_items(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    (one, two), _ = _rows(vault.seal("same", "note", ["c"]), vault.seal("same", "note", ["c"]))
    assert one["item"] != two["item"] and one["sealed"] != two["sealed"]


def test_the_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    assert _vault(tmp_path).seal("v", "note", ["c"]) == _vault(tmp_path).seal("v", "note", ["c"])


@pytest.mark.parametrize(
    ("value", "path", "subjects", "content", "says"),
    [
        (None, "note", ["c"], False, "got null"),
        (1.5, "note", ["c"], False, "expected an integer"),
        ({"é": 1}, "note", ["c"], False, "ASCII"),
        ({"a": 2**53}, "note", ["c"], False, "2\\^53-1"),
        ({"a": [1, 0.5]}, "note", ["c"], False, "expected an integer, got 0.5, at /a/1"),
        ({1: "a"}, "note", ["c"], False, "ASCII"),
        (uuid.UUID(int=1), "note", ["c"], False, "got UUID"),
        ("\ud800", "note", ["c"], False, "surrogate"),
        (DEEP, "note", ["c"], False, "levels"),
        ("x" * (1024 * 1024), "note", ["c"], False, "at most"),
        ("text", "content", ["c"], True, "expected bytes, got str"),
        ("v", "", ["c"], False, "path"),
        ("v", "a\x00b", ["c"], False, "path"),
        ("v", "p" * 201, ["c"], False, "path"),
        ("v", "note", "customer", False, "expected a list"),
        ("v", "note", [""], False, "subject"),
        ("v", "note", ["a\x00b"], False, "subject"),
        ("v", "note", [str(n) for n in range(33)], False, "at most 32"),
    ],
)
def test_seal_refuses(tmp_path: Path, value: Any, path: str, subjects: Any, content: bool, says: str) -> None:
    with pytest.raises(SealRefused, match=says):
        _vault(tmp_path).seal(value, path, subjects, content=content)


def test_every_subject_alone_can_open_a_shared_item(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    (item,), wraps = _rows(vault.seal("seen by both", "note", ["b", "a", "a"]))
    assert [wrap["subject"] for wrap in wraps] == ["a", "b"]
    for wrap in wraps:
        assert vault.open(item, [wrap]) == "seen by both"


def test_erased_items_open_as_none(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    (item, other), wraps = _rows(vault.seal("a", "note", ["a"]), vault.seal("b", "note", ["b"]))
    assert vault.open(None, wraps) is None
    assert vault.open(item, []) is None
    assert vault.open(item, wraps[1:]) is None  # another item's wrap does not help
    assert vault.open_many([item, other], wraps[1:]) == {other["item"]: "b"}


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda item, wrap: item.update(sealed=_flip(item["sealed"], 0)),
        lambda item, wrap: item.update(sealed=_flip(item["sealed"], len(item["sealed"]) - 1)),
        lambda item, wrap: item.update(sealed=b""),
        lambda item, wrap: wrap.update(wrapped=_flip(wrap["wrapped"], 0)),
        lambda item, wrap: wrap.update(wrapped=_flip(wrap["wrapped"], 5)),
        lambda item, wrap: wrap.update(wrapped=_flip(wrap["wrapped"], 40)),
        lambda item, wrap: wrap.update(wrapped=wrap["wrapped"][:-1]),
        lambda item, wrap: wrap.update(subject="somebody else"),
        lambda item, wrap: item.update(sealed=None),
        lambda item, wrap: item.update(sealed=None, blob="0" * 64),
    ],
)
def test_open_fails_if_row_or_wrap_changed(tmp_path: Path, damage: Any) -> None:
    vault = _vault(tmp_path)
    (item,), (wrap,) = _rows(vault.seal("value", "note", ["c"]))
    damage(item, wrap)
    with pytest.raises(VaultDamaged):
        vault.open(item, [wrap])
    with pytest.raises(VaultDamaged):
        vault.open_many([item], [wrap])


def test_open_fails_if_two_items_swap_their_contents(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    (one, two), wraps = _rows(vault.seal("one", "note", ["c"]), vault.seal("two", "note", ["c"]))
    one["sealed"], two["sealed"] = two["sealed"], one["sealed"]
    with pytest.raises(VaultDamaged, match="bytes that were sealed"):
        vault.open(one, wraps)
    wraps[0]["wrapped"], wraps[1]["wrapped"] = wraps[1]["wrapped"], wraps[0]["wrapped"]
    with pytest.raises(VaultDamaged, match="wrap of item"):
        vault.open(one, wraps)


def test_open_fails_if_whoever_holds_the_keys_put_another_value_under_the_commitment(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    (item,), wraps = _rows(vault.seal("the room was cold", "note", ["c"]))
    key = AESGCM(vault._unwrap(wraps[0]))
    bound_to = b"tallystick/item/v1\x00" + LOG.encode() + b"\x00" + item["item"].encode()
    plain = key.decrypt(bytes(12), item["sealed"], bound_to)
    item["sealed"] = key.encrypt(bytes(12), plain.replace(b"cold", b"warm"), bound_to)
    with pytest.raises(VaultDamaged, match="expected commitment"):
        vault.open(item, wraps)


def test_open_fails_under_another_log_or_key(tmp_path: Path) -> None:
    (item,), wraps = _rows(_vault(tmp_path).seal("value", "note", ["c"]))
    with pytest.raises(VaultDamaged, match="expected organisation key"):
        _vault(tmp_path, key=bytes(32)).open(item, wraps)
    with pytest.raises(VaultDamaged, match="expected organisation key"):
        _vault(tmp_path, log="other").open(item, wraps)


def test_the_organisation_key_has_32_bytes(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="expected 32 bytes, got 31"):
        _vault(tmp_path, key=KEY[1:])


# ---------------------------------------------------------------------------------------------- indexes
def test_reuse_digest_repeats_for_the_same_bytes_and_key_only(tmp_path: Path) -> None:
    digest = _vault(tmp_path).reuse_digest(b"file")
    assert digest == _vault(tmp_path, seed="other").reuse_digest(b"file")
    assert (
        len({digest, _vault(tmp_path).reuse_digest(b"filf"), _vault(tmp_path, log="x").reuse_digest(b"file")})
        == 3
    )
    assert digest != hashlib.sha256(b"file").hexdigest()


def test_fingerprint_separates_its_parts(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    assert vault.fingerprint("ab", "c") == vault.fingerprint("ab", "c")
    assert (
        len(
            {
                vault.fingerprint(*parts)
                for parts in [("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", ""), ("ab", "ç")]
            }
        )
        == 5
    )


# ---------------------------------------------------------------------------------------------- erasing
def test_erase_takes_hers_lists_the_shared_and_leaves_the_rest(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    hers = vault.seal(b"h" * (INLINE_SIZE_MAX_BYTES + 1), "content", ["ana"], content=True)
    both = vault.seal("both", "note", ["ana", "ben"])
    his = vault.seal("his", "note", ["ben"])
    items, wraps = _rows(hers, both, his)
    erasure = vault.erase("ana", items[:2], wraps)
    assert erasure.gone == (hers.commitment,)
    assert erasure.shared == (both.commitment,)
    assert erasure.blobs == (items[0]["blob"],)
    assert set(erasure.changes) == {
        Delete("item_wrap", (hers.commitment, "ana")),
        Delete("item_wrap", (both.commitment, "ana")),
        Delete("item", (hers.commitment,)),
    }


def test_destroy_takes_every_wrap_of_a_shared_item(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    both = vault.seal("both", "note", ["ana", "ben"])
    (item,), wraps = _rows(both)
    assert vault.destroy(item, wraps).changes == (
        Delete("item_wrap", (both.commitment, "ana")),
        Delete("item_wrap", (both.commitment, "ben")),
        Delete("item", (both.commitment,)),
    )


def test_erase_fails_for_the_organisation_itself(tmp_path: Path) -> None:
    vault = _vault(tmp_path)
    (item,), wraps = _rows(vault.seal("nobody's", "note", []))
    assert wraps[0]["subject"] == ORGANISATION
    with pytest.raises(VaultError, match="expected the id of a person"):
        vault.erase(ORGANISATION, [item], wraps)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(value=_json.filter(lambda value: value is not None))
def test_seal_takes_exactly_what_the_canonical_profile_takes(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    vault = _vault(tmp_path_factory.getbasetemp() / "blobs")
    try:
        expected = canonical.encode(value)
    except CanonicalError:
        with pytest.raises(SealRefused):
            vault.seal(value, "note", [])
        return
    (item,), wraps = _rows(vault.seal(value, "note", []))
    opening = vault.disclose(item, wraps)
    assert opening is not None and opening.data == expected


_people = st.lists(st.sampled_from("abcd"), max_size=3)


@given(plan=st.lists(_people, max_size=6), order=st.permutations("abcd"), count=st.integers(0, 4))
def test_an_item_is_readable_exactly_while_one_of_its_people_is_left(
    tmp_path_factory: pytest.TempPathFactory, plan: list[list[str]], order: list[str], count: int
) -> None:
    vault = _vault(tmp_path_factory.getbasetemp() / "blobs")
    sealed = [vault.seal(f"item {n}", "note", people) for n, people in enumerate(plan)]
    item_rows, wrap_rows = _rows(*sealed)
    items: dict[tuple[str, ...], Row] = {(row["item"],): row for row in item_rows}
    wraps: dict[tuple[str, ...], Row] = {(row["item"], row["subject"]): row for row in wrap_rows}
    for person in order[:count]:
        erasure = vault.erase(person, items.values(), wraps.values())
        for change in erasure.changes:
            assert isinstance(change, Delete)
            del (items if change.table == "item" else wraps)[change.key]
    left = vault.open_many(items.values(), wraps.values())
    erased = set(order[:count])
    expected = {
        s.commitment: f"item {n}" for n, s in enumerate(sealed) if not plan[n] or set(plan[n]) - erased
    }
    assert left == expected
    assert {key[0] for key in items} == set(expected)

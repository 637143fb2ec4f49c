"""Canonical bytes: the profile, and agreement with the reference and the public vectors."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical, codec
from ledger.canonical import (
    DOCUMENT_SIZE_MAX_BYTES,
    INTEGER_MAX,
    NESTING_MAX_LEVELS,
    BadUtf8,
    FloatRefused,
    IntegerOutOfRange,
    KeyNotAscii,
    LoneSurrogate,
    NegativeZero,
    NestingTooDeep,
    TooLarge,
    UnsupportedType,
    decode,
    encode,
)
from ledger.errors import CanonicalError, LedgerError

CODECS = [(canonical.json_loads, canonical.json_dumps), (codec.loads, codec.dumps)]


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


REFUSED_VALUES = [
    (1.0, FloatRefused),
    (math.nan, FloatRefused),
    (math.inf, FloatRefused),
    (-0.0, NegativeZero),
    (INTEGER_MAX + 1, IntegerOutOfRange),
    (-INTEGER_MAX - 1, IntegerOutOfRange),
    (10**5000, IntegerOutOfRange),
    ({"\u00e9": 1}, KeyNotAscii),
    ({1: 1}, KeyNotAscii),
    ({None: 1}, KeyNotAscii),
    ("\ud800", LoneSurrogate),
    ({"a": ["x\udc00"]}, LoneSurrogate),
    (b"bytes", UnsupportedType),
    ({1, 2}, UnsupportedType),
    (object(), UnsupportedType),
    (nested(NESTING_MAX_LEVELS + 1), NestingTooDeep),
    ("a" * (DOCUMENT_SIZE_MAX_BYTES - 1), TooLarge),
]


@pytest.mark.parametrize(("value", "error"), REFUSED_VALUES, ids=range(len(REFUSED_VALUES)))
def test_encode_refuses_with_its_own_error(value: Any, error: type[CanonicalError]) -> None:
    for _, dumps in CODECS:
        with pytest.raises(error) as caught:
            encode(value, dumps)
        assert type(caught.value) is error


def test_the_limits_themselves_are_accepted() -> None:
    for loads, dumps in CODECS:
        for value in (
            nested(NESTING_MAX_LEVELS),
            "a" * (DOCUMENT_SIZE_MAX_BYTES - 2),
            INTEGER_MAX,
            -INTEGER_MAX,
        ):
            assert decode(encode(value, dumps), loads, dumps) == value


def test_an_error_names_the_place() -> None:
    with pytest.raises(FloatRefused, match="at /body/shares/1/amount"):
        encode({"body": {"shares": [{"amount": 1}, {"amount": 1.5}]}})


def test_a_document_deeper_than_any_stack_is_refused() -> None:
    for loads, dumps in CODECS:
        with pytest.raises(NestingTooDeep):
            decode(b"[" * 30_000 + b"]" * 30_000, loads, dumps)


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_give_our_own_error_and_both_codecs_agree(data: bytes) -> None:
    answers = []
    for loads, dumps in CODECS:
        try:
            answers.append(("value", repr(decode(data, loads, dumps))))
        except LedgerError as error:
            answers.append((type(error).__name__, str(error)))
    assert answers[0] == answers[1]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_decodes_to_itself_and_equals_the_reference(value: Any) -> None:
    data = rfc8785.dumps(value)
    for loads, dumps in CODECS:
        assert encode(value, dumps) == data
        assert decode(data, loads, dumps) == value


CODE_POINTS = [*range(0x80), 0xE9, 0x20AC, 0xFFFF, 0x1F602]


def made_up(draw: random.Random, levels: int) -> Any:
    """Return a document of the profile, rich in what encoders disagree on."""
    pick = draw.randrange(8 if levels else 5)
    if pick == 0:
        return draw.choice([None, True, False])
    if pick == 1:
        return draw.randint(-INTEGER_MAX, INTEGER_MAX)
    if pick == 2:
        return draw.randint(-3, 3)
    if pick < 5:
        return "".join(
            chr(draw.choice([*range(0x80), 0xE9, 0x20AC, 0xFFFF, 0x1F602])) for _ in range(draw.randrange(9))
        )
    count = draw.randrange(5)
    if pick == 5:
        return [made_up(draw, levels - 1) for _ in range(count)]
    names = ("".join(chr(draw.randrange(128)) for _ in range(draw.randrange(4))) for _ in range(count))
    return {name: made_up(draw, levels - 1) for name in names}


def test_20_000_documents_have_the_bytes_of_the_reference_under_both_codecs() -> None:
    draw = random.Random(8785)
    for _ in range(20_000):
        value = made_up(draw, 4)
        data = rfc8785.dumps(value)
        assert encode(value) == data
        assert encode(value, codec.dumps) == data


# The public vectors hold floats and non-ASCII names, which the profile refuses by name.
JCS_REFUSED = {
    "french": KeyNotAscii,
    "values": FloatRefused,
    "weird": KeyNotAscii,
    "structures": FloatRefused,
}
JCS = ["arrays", "french", "structures", "unicode", "values", "weird"]


@pytest.mark.parametrize("name", JCS)
def test_jcs_vectors(shared_dir: Path, name: str) -> None:
    folder = shared_dir / "vectors" / "jcs" / "testdata"
    value = json.loads((folder / "input" / f"{name}.json").read_text(encoding="utf-8"))
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text(encoding="ascii"))
    assert rfc8785.dumps(value) == expected
    for loads, dumps in CODECS:
        if name not in JCS_REFUSED:
            assert encode(value, dumps) == expected
            assert decode(expected, loads, dumps) == value
            continue
        with pytest.raises(JCS_REFUSED[name]):
            encode(value, dumps)
        if name == "structures":  # only its input holds a float: 56.0, canonically 56
            assert decode(expected, loads, dumps) == value
        else:
            with pytest.raises(JCS_REFUSED[name]):
                decode(expected, loads, dumps)


def test_bytes_that_are_no_utf8_are_named_so() -> None:
    with pytest.raises(BadUtf8, match="0xff at 1"):
        decode(b'"\xff"')

"""Commitments open to what was committed, and to nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codec import dumps
from ledger.commitments import (
    CommitmentMalformed,
    CommitmentMismatch,
    Opened,
    check_bytes,
    check_value,
    commit_bytes,
    commit_value,
    parse_opened,
)
from ledger.errors import LedgerError
from tests.ledger.logs import ORIGIN

SALT = bytes(range(32))
COMMITMENT = commit_value(ORIGIN, "note", SALT, {"a": "\u00fc"})


def test_both_codecs_commit_alike() -> None:
    value = {"b": 1, "a": "\u00fc"}
    assert commit_value(ORIGIN, "note", SALT, value) == commit_value(ORIGIN, "note", SALT, value, dumps)


OTHERS: list[tuple[str, str, bytes, Any]] = [
    ("another.invalid", "note", SALT, {"a": "\u00fc"}),
    (ORIGIN, "name", SALT, {"a": "\u00fc"}),
    (ORIGIN, "note", SALT[::-1], {"a": "\u00fc"}),
    (ORIGIN, "note", SALT, {"a": "u"}),
    (ORIGIN, "note", SALT, None),
]


@pytest.mark.parametrize(("log", "path", "salt", "value"), OTHERS)
def test_anything_else_does_not_open_it(log: str, path: str, salt: bytes, value: Any) -> None:
    assert check_value(COMMITMENT, ORIGIN, "note", SALT, {"a": "\u00fc"}) == {"a": "\u00fc"}
    with pytest.raises(CommitmentMismatch):
        check_value(COMMITMENT, log, path, salt, value)


@pytest.mark.parametrize(
    ("path", "salt"),
    [("", SALT), ("a\0b", SALT), ("\u00fc", SALT), ("a" * 201, SALT), ("a", SALT[1:]), ("a", b"")],
)
def test_wrong_shapes_are_refused(path: str, salt: bytes) -> None:
    with pytest.raises(CommitmentMalformed):
        check_bytes(COMMITMENT, ORIGIN, path, salt, b"")


@pytest.mark.parametrize(
    "opened", [Opened(3, "note", SALT, {"a": [1]}), Opened(3, "content", SALT, None, b"\0\xff")]
)
def test_an_opened_value_reads_back_and_checks(opened: Opened) -> None:
    again = parse_opened(opened.to_json())
    assert again == opened
    data = commit_bytes(ORIGIN, opened.path, SALT, opened.content) if opened.content is not None else ""
    commitment = data or commit_value(ORIGIN, opened.path, SALT, opened.value)
    again.check(commitment, ORIGIN)
    for wrong in (COMMITMENT, None):
        with pytest.raises(CommitmentMismatch):
            again.check(wrong, ORIGIN)


JSON = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda item: st.lists(item, max_size=3))


@given(JSON | st.dictionaries(st.sampled_from(["seq", "path", "salt", "value", "content", "x"]), JSON))
def test_another_object_is_no_opened_value(value: Any) -> None:
    try:
        parse_opened(value)
    except LedgerError:
        pass

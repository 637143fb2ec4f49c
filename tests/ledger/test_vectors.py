"""The vector files in git are what the code makes, and what the specifications promise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger import canonical, codec
from ledger.bundles import audit_bundle
from ledger.ed25519 import verify
from ledger.errors import CanonicalError
from ledger.findings import Exit
from tests.vectors.regenerate_record import FOLDER, VECTORS, rendered


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))


@pytest.mark.parametrize("name", VECTORS)
def test_the_file_equals_what_the_code_makes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text(encoding="ascii") == rendered(name)


@pytest.mark.parametrize("case", load("canonical")["refused"], ids=lambda case: case["error"])
def test_refused_bytes_are_refused_by_both_codecs_with_the_same_error(case: dict[str, str]) -> None:
    data = bytes.fromhex(case["bytes_hex"])
    texts = set()
    for loads, dumps in ((canonical.json_loads, canonical.json_dumps), (codec.loads, codec.dumps)):
        with pytest.raises(CanonicalError) as caught:
            canonical.decode(data, loads, dumps)
        assert type(caught.value).__name__ == case["error"]
        texts.add(str(caught.value))
    assert len(texts) == 1


@pytest.mark.parametrize("case", load("canonical")["accepted"], ids=lambda case: case["bytes_hex"][:20])
def test_accepted_values_have_these_bytes_under_both_codecs(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes_hex"])
    for loads, dumps in ((canonical.json_loads, canonical.json_dumps), (codec.loads, codec.dumps)):
        assert canonical.encode(case["value"], dumps) == data
        assert canonical.decode(data, loads, dumps) == case["value"]


def test_the_bundle_vector_is_consistent_with_itself() -> None:
    result = audit_bundle(load("bundle")["bundle"].encode(), verify)
    assert (result.exit, result.findings) == (Exit.CONSISTENT_ONLY, [])

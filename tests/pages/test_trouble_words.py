"""Every code that something can be refused with has words of its own on a page, or is said by its status on purpose."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.pages.trouble_words import SAID
from api.pages.troubles import trouble_of
from api.pages.words import Words
from api.problems import document, status_of
from casework.errors import REFUSALS

ROOT = Path(__file__).resolve().parents[2]
CALLS = ("refuse", "Refused", "BadRequest", "NotAllowed", "Problem", "document")
"""Calls whose first text is a code; of a document's reader it is a field, so those packages are not walked."""
WALKED = ("api", "casework", "ledger")
BY_STATUS = {
    "value_invalid": "a field of a form: its name stands beside the general words",
    "missing": "the same",
    "too_long": "the same",
    "invalid_request": "the same",
    "unreadable_form": "no form of ours",
    "document_invalid": "a file that its own page tells about, line by line",
    "refused": "what a web server refuses by itself: no such page, no such way to ask",
    "internal": "an error of ours: its number is told",
}
"""Code -> why the general words of its status are the right ones."""
NEVER_ON_A_PAGE = frozenset({
    # of requests that no form of ours makes
    "if_match_differs", "if_match_missing", "invalid_base64", "invalid_cursor", "member_twice", "token_of_another_case",
    "malformed_json", "malformed_id", "malformed_key", "simulated_clock", "client_gone", "log_exists", "unknown_log",
    # of the API, the command line and the audit alone
    "key_replaced", "rdfc_missing", "link_not_sent", "not_as_recorded", "unknown_path", "not_signed_in",
    "not_available", "rows_refused", "operator_needed",
})  # fmt: skip


def codes() -> Iterator[tuple[str, str]]:
    """Yield (code, where) of every refusal that is written out."""
    for root in WALKED:
        for path in sorted((ROOT / root).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    for given in node.args[:2]:
                        if isinstance(given, ast.Constant) and isinstance(given.value, str):
                            yield given.value, place
                            break


def known(code: str) -> bool:
    return code in SAID or code in BY_STATUS or code in NEVER_ON_A_PAGE


def test_every_code_of_the_desk_has_words() -> None:
    assert sorted(code for code in REFUSALS if not known(code)) == []


def test_every_code_that_is_written_out_has_words() -> None:
    found = {code: where for code, where in codes() if code.replace("_", "").isalpha() and code.islower()}
    assert len(found) > 90 and "code_expired" in found and "photo_trailing" in found
    assert {code: where for code, where in found.items() if not known(code)} == {}


def test_nothing_is_listed_that_has_words() -> None:
    assert not (set(BY_STATUS) | NEVER_ON_A_PAGE) & set(SAID)


@pytest.mark.parametrize("code", sorted(SAID))
def test_a_code_is_said_in_both_languages(code: str) -> None:
    body = document(status_of(code), code, "expected one thing, got another")
    told = [trouble_of(Words(one, ZoneInfo("UTC"), "2026-11-20T10:00:00.000Z"), body) for one in ("en", "de")]
    assert told[0].lead != told[1].lead and told[0].rest != told[1].rest
    assert "_" not in code or code not in f"{told[0].lead} {told[0].rest}", "the code itself is no word"

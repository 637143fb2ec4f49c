"""A watch on a person needs a purpose: an owner writes what for, everybody it may be about reads it, it ends with it.

What a watch is about is read from what was published, without running it: kinds and playbook are content of entries, so
an auditor finds the same. A watch is on a person when one of these names somebody:

    1. its subject: a kind of record that names a person (a shift, a course that somebody finished)
    2. its grouping: `fingerprint`, or the key by which it joins records, is a field that names a person or whose it is
    3. its signal: an expression reads such a field, other than asking whether it is there

Fields are known by their names, PERSON_WORDS: one that hides a person behind another name is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from casework import people
from casework.errors import refuse
from casework.requests import Asked, WritePurpose
from ledger.commands import Command, Decided, View
from ledger.entries import Draft

PERSON_WORDS = frozenset({
    "person", "member", "employee", "staff", "colleague", "worker", "waiter", "cook", "chef", "driver", "seller",
    "cleaner", "technician", "trainee", "apprentice", "operator", "assignee", "performer", "people",
})  # fmt: skip
"""Parts (between `_`, with or without an s) of the name of a text field that names people here."""
WHOSE_WORDS = PERSON_WORDS | {"owner"}
"""The same for whose something is: a quote is no person, but grouping quotes by their owner watches people."""
RUNNING = ("shadow", "live")
RETIRED = "retired"
PURPOSE_CHARS_MIN, PURPOSE_CHARS_MAX = 20, 2_000
_HAS = re.compile(r"\bhas\s*\([^()]*\)")
_EXPRESSIONS = ("when", "expect", "from", "assert", "due", "until", "unless")


# ---------------------------------------------------------------------------------------------- what it is about
def is_on_person(kinds: Any, playbook: Any) -> bool:
    """Say whether a playbook's content, under these kinds' content, is a watch on a person."""
    signal = _object(_object(playbook).get("signal"))
    match = _object(signal.get("match"))
    known = _object(_object(kinds).get("kinds"))
    subject, other = str(signal.get("subject")), str(match.get("each"))
    if _naming(known, subject, PERSON_WORDS):
        return True
    of_subject = _naming(known, subject, WHOSE_WORDS)
    whose = of_subject | _naming(known, other, WHOSE_WORDS)
    grouped = {str(path).rpartition(".")[2] for path in _list(_object(playbook).get("fingerprint"))}
    joined = {str(name) for name in (*_list(match.get("key")), *_list(match.get("local_key")))}
    said = [str(signal[name]) for name in _EXPRESSIONS if name in signal]
    said += [str(match["filter"])] if "filter" in match else []
    return bool(whose & (grouped | joined)) or any(_reads(text, whose) for text in said)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _naming(known: Mapping[str, Any], kind: str, words: Iterable[str]) -> frozenset[str]:
    """Return the text fields of a kind, lists of texts among them, whose name says that they name somebody."""
    fields = _object(_object(known.get(kind)).get("fields"))
    found = set()
    for name, field in fields.items():
        kept = _object(field)
        is_text = "string" in (kept.get("type"), kept.get("of"))
        parts = str(name).split("_")
        if is_text and {*parts, *(part.removesuffix("s") for part in parts)} & set(words):
            found.add(str(name))
    return frozenset(found)


def _reads(text: str, names: Iterable[str]) -> bool:
    """Say whether an expression reads one of these fields, other than within `has(...)`."""
    left = _HAS.sub(" ", text)
    return any(re.search(rf"\.\s*{re.escape(name)}\b", left) for name in names)


# ---------------------------------------------------------------------------------------------- rules
def check_running(view: View, playbook: str, mode: str, kinds: Any, content: Any) -> None:
    """Check that a watch which is to run is on no person, or has a purpose. Raises Refused: purpose_missing."""
    if mode in RUNNING and is_on_person(kinds, content) and view.get("watch_purpose", (playbook,)) is None:
        raise refuse(
            "purpose_missing", f"expected a purpose for {playbook}, which watches a person, got none"
        )


def check_words(purpose: Any) -> None:
    """Check that a purpose says something. Raises Refused: value_invalid."""
    chars = len(purpose.strip()) if type(purpose) is str else 0
    if not PURPOSE_CHARS_MIN <= chars <= PURPOSE_CHARS_MAX:
        expected = f"expected {PURPOSE_CHARS_MIN} to {PURPOSE_CHARS_MAX} characters"
        raise refuse("value_invalid", f"purpose: {expected}, got {chars}", "/purpose")


def written(view: View, command: Command, at: str) -> Decided:
    """Rule of write_purpose: by an owner. A newer one replaces it; what was written stays in the record.

    Raises:
        Refused: role_missing, value_invalid (too short to say anything, too long).
    """
    asked: Asked = command.data
    request: WritePurpose = asked.request
    people.owner(view, asked.who)
    check_words(request.purpose)
    body = {"purpose": asked.ids["purpose"], "playbook": request.playbook}
    draft = Draft("watch_purpose_written", None, body, asked.private.commitments, asked.private.opened)
    return Decided((draft,), asked.private.rows, {"playbook": request.playbook})

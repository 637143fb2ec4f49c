"""Steps 4 and 5 of the audit of meaning, for names in records: who said whom a source means, and what a judge was shown
of it (casework/known_as.py).

A name stands in an entry as an HMAC, whose key an auditor does not have, and as a commitment. Where its text is at hand
the judge's input is held against it both ways: a member in place of a name that nobody declared, and a name that was
left as it stood although it was declared. A name that is erased, or not at hand, may be any text of its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework import account_rules, known_as
from casework.audit_standing import INPUT_SIZE_MAX_BYTES, Check, Standing, digest_of, expect, wrong
from ledger.canonical import decode, encode
from ledger.entries import Entry

NAME = "name"


def check_linked(standing: Standing, entry: Entry) -> None:
    """A lead says whom a source means, never where the name is, was or would be their own; a name is no member's id,
    and one name of a source has one HMAC."""
    _check_lead(entry)
    body, view = entry.body, standing.view
    source, account = body["source"], body["account"]
    row = view.get("account_link", (source, account))
    held_by = None if row is None else row["member"]
    expect(NAME in entry.private, "value_invalid", "name: expected it to be committed to, got none")
    name = standing.open(entry, NAME)
    account_rules.check_linked(view, entry.actor.id, source, body["member"], held_by)
    if name is None:
        return
    expect(view.get("member", (name,)) is None, "value_invalid", "name: expected none that is a member's id")
    known = standing.accounts.setdefault((source, name), account)
    if known != account or standing.named.setdefault((source, account), name) != name:
        wrong("account: expected one HMAC for one name of a source, got another")


def check_unlinked(standing: Standing, entry: Entry) -> None:
    """A lead says that a name is nobody's any more: one that is somebody else's."""
    _check_lead(entry)
    row = standing.view.get("account_link", (entry.body["source"], entry.body["account"]))
    expect(row is not None, "unknown", "expected an account that is linked, got none")
    assert row is not None  # expected above
    account_rules.check_not_own(standing.view, entry.actor.id, row["member"])


def _check_lead(entry: Entry) -> None:
    role = entry.actor.role
    expect(role in account_rules.LEADS, "role_missing", f"expected an owner or a manager, got {role}")


def keep(standing: Standing, entry: Entry, facts: Any) -> None:
    """Keep what a record said as it was attached: a judge may be shown members in place of names in it."""
    if entry.body["type"] == known_as.RECORD and facts is not None:
        standing.records[entry.body["evidence"]] = encode(facts, size_max_bytes=INPUT_SIZE_MAX_BYTES)


def faults(standing: Standing, item: Mapping[str, Any], fields: frozenset[str]) -> list[str]:
    """Return what is wrong with the facts of an item as a judge was shown them, in a few words each.

    `fields` name people. Facts that are erased, or not at hand, cannot be compared.
    """
    name, facts = item["id"], item["facts"]
    kept = standing.facts.get(name)
    if kept is None or kept == digest_of(facts):
        said = facts
    elif name in standing.records and isinstance(facts.get("fields"), dict):
        said = decode(standing.records[name], size_max_bytes=INPUT_SIZE_MAX_BYTES)
        there = {field: said["fields"][field] for field in fields & said["fields"].keys()}
        if digest_of({**facts, "fields": {**facts["fields"], **there}}) != kept:
            return ["facts"]
    else:
        return ["facts"]
    if kept is None or item["type"] != known_as.RECORD:
        return []
    wrong_ones = [
        field
        for field in sorted(fields & said["fields"].keys())
        if not _fits(standing, str(said["source"]), said["fields"][field], facts["fields"].get(field))
    ]
    faulty = [f"person in the field {field}" for field in wrong_ones]
    return [*faulty, *_not_said(standing, item, said["fields"], fields)]


def _not_said(
    standing: Standing, item: Mapping[str, Any], said: Mapping[str, Any], fields: frozenset[str]
) -> list[str]:
    """Return the fields for which a judge was shown somebody else than whoever said whom the name means."""
    facts, by = item["facts"], item.get("named_by", {})
    put = {field for field in fields & said.keys() if facts["fields"][field] != said[field]}
    links = standing.view.scan("account_link", (str(facts["source"]),))
    ours = {(row["member"], row["linked_by"]) for row in links}
    faulty = {
        field for field in put & by.keys() if (facts["fields"][field], by[field]) not in ours
    } | put ^ set(by)
    return [f"who said it of the field {field}" for field in sorted(faulty)]


def _fits(standing: Standing, source: str, said: Any, shown: Any) -> bool:
    """Say whether a judge was shown whom a name means: the member it was declared for, else the name itself."""
    as_it_stood = type(shown) is type(said) and shown == said
    name = known_as.name_in(said)
    if name is None:
        return as_it_stood
    account = standing.accounts.get((source, name))
    links = standing.view.scan("account_link", (source,))
    meant = [row["member"] for row in links if row["account"] == account]
    if meant:
        return bool(shown == meant[0])
    unread = [row["member"] for row in links if (source, row["account"]) not in standing.named]
    return as_it_stood or shown in unread


CHECKS: Mapping[str, Check] = {"account_linked": check_linked, "account_unlinked": check_unlinked}

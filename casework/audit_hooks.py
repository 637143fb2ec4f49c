"""Step 14 of the audit of meaning (casework/audit.py): what other systems sent by themselves, and files that a
provider signed.

Which key signed a call is checked again where the key is at hand: in the database, whose vault holds it, or given by
whoever audits an export, which holds the call and never the key. Without it, or where the bytes were erased, the call
is counted as not checked; what it is worth follows from the record alone. A signed file needs nobody's secret: its key
stands in an entry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework import audit_points, cases, hook_rules
from casework.audit_standing import Check, Standing, expect, wrong
from casework.collectors import signed_file, webhook
from casework.hook_signatures import (
    KEYS_MAX,
    SignatureMalformed,
    fingerprint,
    key_of,
    read_headers,
    which_key,
)
from casework.passkeys import EDDSA
from ledger.entries import SECRET, SYSTEM, Entry
from ledger.errors import Refused
from ledger.notes import SignatureWrong
from verifiers import controllers

RESULT = "training_result"
SPKI_HEAD = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 4)."""


# ------------------------------------------------------------------------------------------------ hooks
def check_opened(standing: Standing, entry: Entry) -> None:
    """Of a registered source, once."""
    body = entry.body
    hook_rules.check_source(standing.view, body["source"])
    known = standing.view.get("hook", (body["hook"],))
    expect(known is None, "value_invalid", f"expected a hook opened once, got {body['hook']} again")
    _hold(standing, entry, body["scheme"])


def _hold(standing: Standing, entry: Entry, scheme: str) -> None:
    """Hold the key of a hook, if it is at hand; its name has to be its own."""
    hook, name = entry.body["hook"], entry.body["key"]
    kept = standing.open(entry, SECRET)
    secrets = [kept["secret"]] if kept is not None else list(standing.given_secrets)
    for secret in secrets:
        try:
            if fingerprint(entry.log, scheme, secret) == name:
                standing.hook_keys[hook, name] = key_of(scheme, secret)
        except SignatureMalformed:
            continue
    if kept is not None and (hook, name) not in standing.hook_keys:
        wrong(f"key: expected the fingerprint of the key that is kept, got {name}")


def check_key_issued(standing: Standing, entry: Entry) -> None:
    """Of an open hook; the keys that end are those that were good, and not before this entry."""
    body, view = entry.body, standing.view
    row = hook_rules.in_use(view.get("hook", (body["hook"],)), body["hook"])
    expect(
        view.get("hook_key", (body["hook"], body["key"])) is None,
        "value_invalid",
        "expected a key that is new, got one of this hook",
    )
    last = cases.later(entry.at, seconds=hook_rules.OVERLAP_HOURS_MAX * 3_600)
    if not entry.at <= body["old_until"] <= last:
        wrong(f"old_until: expected {entry.at} to {last}, got {body['old_until']}")
    good = hook_rules.good_keys(view, body["hook"], entry.at)
    expect(len(good) < KEYS_MAX, "value_invalid", "expected fewer keys that are good")
    ending = hook_rules.ending(good, body["old_until"])
    if body["old"] != ending:
        wrong(f"old: expected {ending}, got {body['old']}")
    _hold(standing, entry, row["scheme"])


def check_ended(standing: Standing, entry: Entry) -> None:
    """Of one that is open."""
    hook_rules.in_use(standing.view.get("hook", (entry.body["hook"],)), entry.body["hook"])


def check_received(standing: Standing, entry: Entry) -> None:
    """By a key that was good, in time, once; and signed by it, where key and bytes are at hand."""
    body, view = entry.body, standing.view
    sent, headers = standing.open(entry, "body"), standing.open(entry, "headers")
    key = hook_rules.check_taken(view, body["hook"], body["key"], body["signed_at"], entry.at)
    hook_rules.check_first(view, body["hook"], body["delivery"], body["content"])
    row = hook_rules.in_use(view.get("hook", (body["hook"],)), body["hook"])
    source = hook_rules.check_source(view, row["source"])
    standing.call = (entry, row, key, source, None if sent is None else len(sent))
    standing.heard.add(row["source"])
    secret = standing.hook_keys.get((body["hook"], body["key"]))
    if sent is None or headers is None or secret is None:
        standing.calls_unchecked.add(entry.seq)
        return
    _check_signature(entry, row["scheme"], secret, headers, sent)


def _check_signature(
    entry: Entry, scheme: str, secret: bytes, headers: Mapping[str, str], sent: bytes
) -> None:
    name = entry.body["key"]
    try:
        signed = read_headers(scheme, headers)
    except SignatureMalformed as error:
        raise Refused("not_as_recorded", f"headers: {error}") from None
    if which_key([(name, secret)], signed, sent) is None:
        wrong(f"expected a call signed by the key {name}, got another")
    at = (
        None
        if signed.at_seconds is None
        else cases.later("1970-01-01T00:00:00.000Z", seconds=signed.at_seconds)
    )
    if entry.body["signed_at"] != at:
        wrong(f"signed_at: expected {at}, of the headers, got {entry.body['signed_at']}")


def check_imported(standing: Standing, entry: Entry) -> None:
    """What nobody's key brought came by a hook of its source."""
    if entry.actor.id == SYSTEM and entry.body["source"] not in standing.heard:
        wrong(f"expected records that a hook of {entry.body['source']} brought, or somebody, got neither")


# ------------------------------------------------------------------------------------------------ evidence
def check_attached(standing: Standing, entry: Entry) -> None:
    """As every item; what a system said comes with its call, and a result of grade E4 in a file that its key signed."""
    body = entry.body
    signed = body["type"] == RESULT and body["grade"] == signed_file.GRADE
    content = standing.open(entry, "content") if signed else None  # values are opened in order of their paths
    facts = audit_points.check_attached(standing, entry)
    if body["type"] == webhook.TYPE:
        _check_said(standing, entry, facts)
    elif signed:
        _check_file(standing, entry, content, facts)


def _check_said(standing: Standing, entry: Entry, facts: Any) -> None:
    call, standing.call = standing.call, None
    if call is None or call[0].cmd != entry.cmd:
        raise Refused("not_as_recorded", "expected a call of a hook before it, in the same command")
    received, hook, key, source, size_bytes = call
    _check_worth(entry, webhook.GRADE, controllers.to_json(webhook.made_by(source, key)))
    if facts is None:
        return
    due = {name: hook[name] for name in ("source", "hook", "scheme")}
    due |= {name: received.body[name] for name in ("key", "delivery", "signed_at")}
    due |= {} if size_bytes is None else {"size_bytes": size_bytes}
    other = sorted(name for name, value in due.items() if facts[name] != value)
    if other:
        wrong(f"facts: expected those of the call, got another {', '.join(other)}")


def _check_worth(entry: Entry, grade: str, formula: Mapping[str, Any]) -> None:
    if (entry.body["grade"], entry.body["controllers"]) != (grade, formula):
        wrong(f"expected grade {grade} and controllers {json.dumps(formula)}, got others")


def _check_file(standing: Standing, entry: Entry, content: Any, facts: Any) -> None:
    """Worth what its source's word is; signed by a key that was trusted then, and saying what the facts say."""
    expect("content" in entry.private, "file_unsigned", "expected the file that a provider signed, got none")
    if facts is None:
        standing.files_unchecked.add(entry.seq)
        return
    source = hook_rules.check_source(standing.view, facts["provider"])
    _check_worth(entry, signed_file.GRADE, controllers.to_json(signed_file.made_by(source)))
    if content is None or standing.verify is None:
        standing.files_unchecked.add(entry.seq)
        return
    keys = [row for row in standing.view.scan("source_key", (source["source"],)) if row["active"]]
    said = signed_file.check_again(content, keys, _ed25519(standing))
    due = {**said, "channel": signed_file.CHANNEL}
    other = sorted(name for name, value in due.items() if facts[name] != value)
    if other:
        wrong(f"facts: expected what the file says, got another {', '.join(other)}")


def _ed25519(standing: Standing) -> signed_file.Verify:
    def verify(public: bytes, message: bytes, signature: bytes) -> None:
        if standing.verify is None:
            raise SignatureWrong("expected a way to check signatures, got none")
        standing.verify(SPKI_HEAD + public, EDDSA, message, signature)

    return verify


# ------------------------------------------------------------------------------------------------ trusted keys
def check_trusted(standing: Standing, entry: Entry) -> None:
    """Of a registered source; named by its own bytes."""
    body = entry.body
    name = hook_rules.check_key(standing.view, body["source"], body["public"])
    if body["key"] != name:
        wrong(f"key: expected {name}, of the public key, got {body['key']}")


def check_key_ended(standing: Standing, entry: Entry) -> None:
    """Of one that is trusted."""
    hook_rules.check_trusted(standing.view, entry.body["source"], entry.body["key"])


CHECKS: Mapping[str, Check] = {
    "hook_opened": check_opened,
    "hook_key_issued": check_key_issued,
    "hook_ended": check_ended,
    "hook_received": check_received,
    "records_imported": check_imported,
    "evidence_attached": check_attached,
    "source_key_trusted": check_trusted,
    "source_key_ended": check_key_ended,
}

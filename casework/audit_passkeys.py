"""Passkeys in the audit of meaning (casework/audit.py): whose they are, who confirmed them, what they signed.

A decision of assurance `passkey` must carry a signature over its own record, by a passkey that its decider had enrolled
and another person had confirmed before, by entries that stand earlier in the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from casework import audit_cases, passkey_rules, passkeys, people
from casework.audit_standing import Check, Standing, expect, wrong
from casework.requests import Principal
from ledger.entries import Entry


def check_enrolled(standing: Standing, entry: Entry) -> None:
    """By its holder signed in, once, with a key of a known algorithm."""
    people.signed_in(_who(entry))
    passkey_rules.check_enrolled(standing.view.scan("passkey", ()), entry.actor.id, entry.body)


def check_confirmed(standing: Standing, entry: Entry) -> None:
    """By another person, who may."""
    row = standing.view.get("passkey", (entry.body["passkey"],))
    passkey_rules.check_confirmed(standing.view, _who(entry), row, entry.at)


def check_ended(standing: Standing, entry: Entry) -> None:
    """By its holder or an owner."""
    passkey_rules.check_ended(_who(entry), standing.view.get("passkey", (entry.body["passkey"],)))


def check_decision(standing: Standing, entry: Entry) -> None:
    """Everything that any decision must be, and what a passkey signed."""
    audit_cases.check_decision(standing, entry)
    # 1. a signature exactly where the entry says so            2. the decider had a confirmed passkey
    # 3. the signature was by one of those   4. over this record   (nothing left of it: counted, not blamed)
    by_passkey = entry.body["assurance"] == passkeys.PASSKEY
    if by_passkey != (passkeys.PASSKEY in entry.private):
        wrong(
            f"assurance {entry.body['assurance']}: expected a signature with `passkey` and with nothing else"
        )  # 1
    if not by_passkey:
        return
    held = passkeys.confirmed(standing.view.scan("passkey", ()), entry.actor.id)
    expect(bool(held), "passkey_invalid", "expected a passkey of the decider confirmed before")  # 2
    value = standing.open(entry, passkeys.PASSKEY)
    if value is None or standing.verify is None:
        standing.unsigned.add(entry.seq)
        return
    assertion = passkeys.read_assertion(value)
    row = passkeys.find(held, entry.actor.id, assertion.credential_id)  # 3
    passkeys.check(assertion, row, bytes.fromhex(entry.body["digest"]), standing.verify)  # 4


def _who(entry: Entry) -> Principal:
    return Principal(entry.actor.id, entry.actor.role, entry.actor.via, "key")


CHECKS: Mapping[str, Check] = {
    "passkey_enrolled": check_enrolled,
    "passkey_confirmed": check_confirmed,
    "passkey_ended": check_ended,
    "decision_made": check_decision,
}

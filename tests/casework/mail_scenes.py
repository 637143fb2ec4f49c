"""What tests of signed mail share: a mail, its keys, and the one sentence that brings it or says why not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from casework.collectors import signed_mail
from casework.collectors.signed_mail import Case
from casework.mail_reasons import REASONS
from casework.requests import AttachEvidence, Principal
from ledger.errors import Refused
from tests.mail_signer import LETTER, ed25519_key, rsa_key, sign

AT = "2026-11-20T10:00:00.000Z"
AT_SECONDS = 1_795_168_800
NAME = "s1._domainkey.quay.example"
CASE = Case("01a1f866-0d00-7944-b5ab-9b1aa0731dd3", "TS-0123456789")
WHO = Principal("01a1f866-0d00-7944-b5ab-9b1aa0731dd4", "staff", "web", "session")
RSA, ED = rsa_key(), ed25519_key()
SIGNED = sign(LETTER, RSA)


def customer(name: str) -> str:
    """Return a pseudonym, made as the vault makes them but without its key."""
    return hashlib.sha256(name.encode()).hexdigest()


def collect(raw: bytes, *keys: str, at: str = AT, name: str = NAME) -> AttachEvidence:
    """Return the evidence of a mail whose key is served under one name."""
    mail = signed_mail.read(raw)
    signed_mail.names(mail, at)
    return signed_mail.collect(WHO, CASE, mail, {name: keys}, at, customer)


def reason_of(make: Callable[..., Any], *given: Any, **named: Any) -> str:
    """Return the reason for which a call is refused."""
    with pytest.raises(Refused) as caught:
        make(*given, **named)
    assert caught.value.code == "mail_unsigned"
    reason, _, said = str(caught.value.detail).partition(": ")
    assert reason in REASONS and "expected" in said and "got" in said
    return reason


def replaced(old: bytes, new: bytes, mail: bytes = LETTER) -> bytes:
    """Return a mail with the first of something replaced by something else."""
    assert old in mail
    return mail.replace(old, new, 1)

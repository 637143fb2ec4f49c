"""A time stamp over one item of evidence of the same case: its bytes were there at that time, says an authority; E4.

It says nothing about what the item shows. Checked: casework/time_tokens.py; docs/evidence.md. Of the certificates on
the way to the root those that the token does not bring along are frozen with it, so that it can be checked later.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from casework.cases import later
from casework.errors import refuse
from casework.requests import AttachEvidence, Principal
from casework.time_tokens import Stamp, StampFault, Trust, certificates, check_token, der, fingerprint
from ledger.errors import Refused

TYPE = "time_stamp"
GRADE = "E4"
FUTURE_SECONDS_MAX = 300
CHAIN_SIZE_MAX_BYTES = 4 * 1024
"""Of the certificates frozen in the facts: 32 items of them have to fit into the input of a verdict."""
PARTY_CHARS = 16


@dataclass(frozen=True, slots=True)
class Stamped:
    """The item that was stamped: its id, its bytes, and the data subjects that it was sealed for."""

    evidence: str
    content: bytes
    subjects: tuple[str, ...] = ()


def collect(
    who: Principal, case: str, stamped: Stamped, token: bytes, trust: Trust, received_at: str
) -> AttachEvidence:
    """Return the evidence of one token; the same stamp counts once in this organisation.

    Raises:
        Refused: time_stamp_invalid.
    """
    try:
        stamp = check_token(token, stamped.content, trust)
        if stamp.stamped_at > later(received_at, seconds=FUTURE_SECONDS_MAX):
            expected = f"expected at most {FUTURE_SECONDS_MAX} s after {received_at}"
            raise StampFault("in_future", f"{expected}, got {stamp.stamped_at}")
        facts = {"evidence": stamped.evidence, **told(stamp), "chain": chain(stamp)}
    except StampFault as fault:
        raise refused(fault) from fault
    digest = hashlib.sha256(stamped.content).hexdigest()
    same = f"{fingerprint(stamp.path[0])} {stamp.serial} {stamp.stamped_at} {digest}"
    return AttachEvidence(
        case=case,
        type=TYPE,
        grade=GRADE,
        submitter=f"member:{who.id}",
        controllers={"party": f"system:tsa:{facts['roots'][0][:PARTY_CHARS]}"},
        received_at=received_at,
        facts=facts,
        content=token,
        concerns=stamped.subjects,  # a hash of what was erased would still tell it from everything else
        # The certificates in a token are not signed: with others beside them it is the same stamp all the same.
        once=(token, b"stamp\x00" + same.encode()),
    )


def refused(fault: StampFault) -> Refused:
    """Return a fault as the refusal to raise; its sentence begins with the reason."""
    return refuse("time_stamp_invalid", str(fault), "/token")


def told(stamp: Stamp) -> dict[str, Any]:
    """Return the facts that the token and its path say."""
    return {
        "authority": stamp.authority,
        "policy": stamp.policy,
        "serial": str(stamp.serial),
        "stamped_at": stamp.stamped_at,
        "accuracy_ms": stamp.accuracy_ms,
        "hash": stamp.hash,
        "roots": [fingerprint(stamp.path[-1])],
    }


def chain(stamp: Stamp) -> list[str]:
    """Return the certificates of the path that the token does not bring along, base64 of DER. Raises StampFault."""
    lacking = [der(one) for one in stamp.path if fingerprint(one) not in stamp.inside]
    size = sum(map(len, lacking))
    if size > CHAIN_SIZE_MAX_BYTES:
        expected = f"expected at most {CHAIN_SIZE_MAX_BYTES} bytes of certificates beside those in the token"
        raise StampFault("chain", f"{expected} (ask for it with certReq), got {size}")
    return [base64.b64encode(one).decode() for one in lacking]


def recheck(token: bytes, facts: Mapping[str, Any], content: bytes) -> Stamp:
    """Check a token again from its bytes, its facts and the bytes of the stamped item alone: for auditors, who say
    themselves whether they trust the root named in the facts.

    Raises:
        Refused: time_stamp_invalid; the reason facts_differ says that the token holds and the facts say something else.
    """
    try:
        stamp = check_token(token, content, _frozen(token, facts["chain"], facts["roots"]))
        found = {**told(stamp), "chain": chain(stamp)}
        for member, value in found.items():
            if facts[member] != value:
                expected = f"{member}: expected {str(value)[:80]}"
                raise StampFault("facts_differ", f"{expected}, got {str(facts[member])[:80]}")
    except StampFault as fault:
        raise refused(fault) from fault
    return stamp


def _frozen(token: bytes, kept: Sequence[str], roots: Sequence[str]) -> Trust:
    try:
        found = [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in kept]
    except ValueError as error:
        raise StampFault("chain", "expected certificates in base64, got another text") from error
    found += certificates(token)
    return Trust(tuple(one for one in found if fingerprint(one) in roots), tuple(found))

"""The check of time stamps that anchors and the audit go by: that of evidence, with the roots that are trusted here."""

from __future__ import annotations

from casework.time_tokens import StampFault, Trust, check_token
from ledger.anchors.stamp_receipt import CheckStamp, Stamped, StampWrong

HASH = "sha256"
"""Of anchors (docs/spec/anchoring.md section 3); for evidence longer ones do as well."""


def stamps_by(trust: Trust) -> CheckStamp:
    """Return the check under these roots, for ledger.anchors and ledger.audit_anchored."""

    def check(answer: bytes, content: bytes) -> Stamped:
        try:
            stamp = check_token(answer, content, trust)
        except StampFault as fault:
            raise StampWrong(f"time stamp: {fault}") from fault
        if stamp.hash != HASH:
            raise StampWrong(f"time stamp: expected one over {HASH}, got one over {stamp.hash}")
        return Stamped(stamp.authority, stamp.policy, stamp.stamped_at)

    return check

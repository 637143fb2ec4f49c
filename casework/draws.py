"""The random look: some recognitions are looked at again before they settle, and nobody chooses which.

Drawn from the root of the first checkpoint that covers the grant. Whoever granted it could not know that root, and
anybody who has the checkpoint can draw again. As long as the checkpoint is the operator's own, the operator could have
waited for a root that suits: `drawn_by` says so. Bytes: docs/spec/draw.md.
"""

from __future__ import annotations

import hashlib
import json

from casework import awards, cases
from casework.errors import refuse
from casework.requests import Asked, DrawAward
from ledger.changes import Row
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM, Draft

DOMAIN = b"tallystick/draw/v1\x00"
RATE_SETTING = "draw_permille"
RATE_DEFAULT_PERMILLE = 50
ALL_PERMILLE = 1_000
BY_OPERATOR = "operator"
REASON = "audit_draw"
_SPAN = 2**64


def is_drawn(root: bytes, award: str, rate_permille: int) -> bool:
    """Say whether an award is drawn: the first 8 bytes of SHA-256(domain || root || award id), as a fraction of all,
    lie below the rate."""
    value = int.from_bytes(hashlib.sha256(DOMAIN + root + award.encode("ascii")).digest()[:8], "big")
    return value * ALL_PERMILLE < rate_permille * _SPAN


def rate(view: View, row: Row) -> int:
    """Return how many of a thousand such awards are drawn: all above the policy's limit, else as the setting says."""
    verdict = view.get("verdict", (row["case"], row["verdict"]))
    content = None if verdict is None else view.get("policy_content", (verdict["policy_digest"],))
    if content is not None and row["amount_tokens"] > json.loads(content["content"])["terms"]["tokens_limit"]:
        return ALL_PERMILLE
    return int(cases.setting(view, RATE_SETTING, RATE_DEFAULT_PERMILLE))


def body(view: View, row: Row, size: int, root: str) -> dict[str, object]:
    """Return the body of draw_made for an award and a checkpoint that covers it."""
    permille = rate(view, row)
    return {
        "award": row["award"],
        "size": size,
        "root": root,
        "drawn_by": BY_OPERATOR,
        "rate_permille": permille,
        "drawn": is_drawn(bytes.fromhex(root), row["award"], permille),
    }


def made(view: View, command: Command, at: str) -> Decided:
    """Rule of draw: the system, once for each award; one that is drawn and not held yet is held in the same command.

    Raises:
        Refused: agent_may_not, unknown, award_state, already_awarded (drawn before), value_invalid, transition.
    """
    asked: Asked = command.data
    request: DrawAward = asked.request
    if asked.who.id != SYSTEM:
        raise refuse("agent_may_not", f"expected the system's own job, got {asked.who.role}")
    row = view.get("award", (request.award,))
    if row is None:
        raise refuse("unknown", f"expected an award of this organisation, got {request.award}")
    if row["state"] != awards.PROVISIONAL:
        raise refuse("award_state", f"expected an award that is provisional, got {row['state']}")
    if row["drawn"] is not None:
        raise refuse("already_awarded", "expected an award that no draw was made for")
    if request.size <= row["seq"]:
        raise refuse("value_invalid", f"size: expected more than {row['seq']}, got {request.size}")
    drafts = [Draft("draw_made", row["case"], body(view, row, request.size, request.root))]
    if drafts[0].body["drawn"] and row["held_by"] is None:
        drafts.append(Draft("award_held", row["case"], {"award": row["award"], "reason_code": REASON}))
    cases.advance(cases.find(view, row["case"]), *drafts)
    return Decided(tuple(drafts), (), {"case": row["case"], "award": row["award"]})

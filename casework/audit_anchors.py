"""Step 15 of the audit of meaning (casework/audit.py): anchors.

Opened, superseded and closed by an owner; what they hold is written by the system alone, of an open anchor, in rising
sizes, and with the root that the record has at that size. Whether each receipt holds is ledger/audit_anchored.py's.
"""

from __future__ import annotations

from collections.abc import Mapping

from casework import anchor_rules
from casework.audit_standing import Check, Standing
from ledger.entries import Entry


def check_opened(standing: Standing, entry: Entry) -> None:
    """At a place that no other anchor has."""
    body = entry.body
    anchor_rules.check_opening(standing.view, body["anchor"], body["type"], body["place"])


def check_anchored(standing: Standing, entry: Entry) -> None:
    """Of an open anchor, newer than all before it, and the root is that of the entries before it."""
    body, roots = entry.body, standing.roots
    known = roots[body["size"]].hex() if 0 < body["size"] < len(roots) else None
    anchor_rules.check_recorded(
        standing.view, body["anchor"], body["size"], body["root"], body["receipt"], known
    )


def check_superseded(standing: Standing, entry: Entry) -> None:
    """By another that is open."""
    body = entry.body
    anchor_rules.check_superseding(standing.view, body["anchor"], body["by"], body["receipt"])


def check_closed(standing: Standing, entry: Entry) -> None:
    """Of one that is open."""
    anchor_rules.in_use(standing.view, entry.body["anchor"])


CHECKS: Mapping[str, Check] = {
    "anchor_opened": check_opened,
    "checkpoint_anchored": check_anchored,
    "anchor_superseded": check_superseded,
    "anchor_closed": check_closed,
}

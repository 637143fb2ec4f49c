"""What a case waits for next: may this be done (action)? does the evidence hold (review)? was it earned (award)?"""

from __future__ import annotations

from api.dossiers import Dossier
from api.scope import Row
from casework import cases
from verifiers.registry import VERIFIERS
from verifiers.work_items import READERS

ACTION, REVIEW, AWARD = "action", "review", "award"
STEP_OF = {ACTION: "decide_action", REVIEW: "review_evidence", AWARD: "decide_award"}
ROUTINE_KINDS = frozenset(name for (name, _), judge in VERIFIERS.items() if judge.routine)
UNREVIEWED_TYPES = frozenset(READERS) | {"system_record", "customer_confirmation"}
"""Evidence of routine work that its judges take as it came; a photo, a mail or a file somebody looks at."""
BUNDLED_KIND = "operational_check"
"""The kind that is recognised many at once (api/check_bundle.py)."""


def waiting_of(dossier: Dossier) -> str | None:
    """Return what kind of decision a case waits for next, None: none."""
    row, verdict = dossier.case, dossier.verdict
    if row["state"] == cases.AWAITING_DECISION:
        return ACTION
    if row["action_by"] is not None and any(is_to_be_looked_at(dossier, item) for item in dossier.live):
        return REVIEW
    if row["state"] != cases.RESOLVED or row["award"] is not None or verdict is None:
        return None
    if verdict["result"] != "pass" or row["award_kind"] is None:
        return None
    about = [one for one in dossier.decisions if one["about"] == "award" and not one["withdrawn"]]
    return None if any(one["verdict"] == verdict["verdict"] for one in about) else AWARD


def is_to_be_looked_at(dossier: Dossier, item: Row) -> bool:
    """Say whether somebody has to look at an item: what shows routine work was checked when it was brought."""
    routine = dossier.case["award_kind"] in ROUTINE_KINDS and item["type"] in UNREVIEWED_TYPES
    return item["review"] is None and not routine

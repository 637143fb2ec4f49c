"""A version of a record from a registered source, frozen as evidence: what it said, from where, when we received it.

E3: corroborated by an independent record. Whoever runs the source could have made it alone, so the source stands in the
formula, with whoever else its registration names; who attached it could not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework.requests import AttachEvidence, Principal
from ledger.changes import Row
from ledger.codec import dumps
from ledger.entries import SYSTEM
from verifiers import controllers

GRADE = "E3"
FACTS = ("kind", "id", "version", "event_time", "first_event_at", "customer", "source", "fields")


def collect(
    who: Principal,
    case: str,
    record: Mapping[str, Any],
    source: Row,
    received_at: str,
    replaces: str | None = None,
) -> AttachEvidence:
    """Return the evidence of one record version.

    `record` has FACTS (docs/spec/verdict.md, system_record); `source` is the row of its source; `received_at` is when
    this version was imported.

    Raises:
        FormulaInvalid: the source was registered with controllers that are none.
        KeyError: a member of FACTS is missing.
    """
    facts = {name: record[name] for name in FACTS}
    party = controllers.Party(f"source:{facts['source']}")
    registered = json.loads(source["controllers"])
    formula = controllers.any_of([party, controllers.parse_formula(registered)] if registered else [party])
    customer = facts["customer"]
    return AttachEvidence(
        case=case,
        type="system_record",
        grade=GRADE,
        submitter=SYSTEM if who.id == SYSTEM else f"member:{who.id}",
        controllers=controllers.to_json(formula),
        received_at=received_at,
        facts=facts,
        replaces=replaces,
        concerns=() if customer is None else (customer,),
        once=b"record\x00" + dumps([facts["source"], facts["kind"], facts["id"], facts["version"]]),
    )

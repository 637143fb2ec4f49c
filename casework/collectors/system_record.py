"""A version of a record from a registered source, frozen as evidence: what it said, from where, when we received it.

E3: corroborated by an independent record. Whoever runs the source could have made it alone, and so could whoever sent
this version to us; both stand in the formula, with whoever else the source's registration names. What came by the
source's own hook has no member who sent it: there this server could have made it, and whoever was shown the key. Who
attached it could not. Where the registration says nothing, whoever earns may be able to write there
(casework/undeclared.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from casework.collectors import webhook
from casework.requests import AttachEvidence, Principal
from casework.undeclared import UNDECLARED
from ledger.changes import Row
from ledger.codec import dumps
from ledger.entries import SYSTEM
from verifiers import controllers

Came = tuple[Row, str, Row | None]
"""Of a version: the row of its source, who sent it (a member's id, or `system`), and the key that signed it."""
GRADE = "E3"
FACTS = ("kind", "id", "version", "event_time", "first_event_at", "customer", "source", "fields")


def collect(
    who: Principal,
    case: str,
    record: Mapping[str, Any],
    source: Row,
    received_at: str,
    received_from: str,
    replaces: str | None = None,
    signed_with: Row | None = None,
    before: Iterable[Came] = (),
) -> AttachEvidence:
    """Return the evidence of one record version.

    `record` has FACTS (docs/spec/verdict.md, system_record); `source` is the row of its source; `received_at` is when
    this version was imported, `received_from` the id of the member who sent it (or `system`). `signed_with` is the row
    of the key that signed it, where it came by the source's own hook. `before` is how its earlier versions came: since
    when there is a record, and what it said at first, is theirs to say.

    Raises:
        FormulaInvalid: the source was registered with controllers that are none.
        KeyError: a member of FACTS is missing.
    """
    facts = {name: record[name] for name in FACTS}
    formula = _made_by(source, received_from, signed_with)
    any_version = controllers.any_of([formula, *(_made_by(*one) for one in before)])
    if any_version != formula:
        facts["versions_by"] = controllers.to_json(any_version)
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
        once=(b"record\x00" + dumps([facts["source"], facts["kind"], facts["id"], facts["version"]]),),
    )


def _made_by(source: Row, received_from: str, signed_with: Row | None) -> controllers.Formula:
    if signed_with is not None:
        return webhook.made_by(source, signed_with)
    parts: list[controllers.Formula] = [controllers.Party(f"source:{source['source']}")]
    if received_from != SYSTEM:
        parts.append(controllers.Party(f"member:{received_from}"))
    registered = json.loads(source["controllers"])
    parts.append(controllers.parse_formula(registered) if registered else controllers.Party(UNDECLARED))
    return controllers.any_of(parts)

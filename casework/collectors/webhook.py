"""What a system sent about a case by its hook, frozen as evidence; and who could have made what comes by a hook.

E3: corroborated by an independent system. Not E4: the key of an HMAC is known at both ends, so a call proves to us that
it came from there, and proves nothing to anybody else. Whoever runs the system could have made it, so could this
server, and so could the owner who was shown the key that signed it; each of them alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework.requests import AttachEvidence
from casework.undeclared import UNDECLARED
from ledger.changes import Row
from ledger.entries import SYSTEM
from verifiers import controllers

TYPE = "webhook"
GRADE = "E3"
SERVER = "server"


def made_by(source: Row, key: Row) -> controllers.Formula:
    """Return who could have made what this key signed. `source` and `key` are the rows of the source and the key.

    Raises:
        FormulaInvalid: the source was registered with controllers that are none.
    """
    parts: list[controllers.Formula] = [
        controllers.Party(f"source:{source['source']}"),
        controllers.Party(SERVER),
        controllers.Party(f"member:{key['shown_to']}"),
    ]
    registered = json.loads(source["controllers"])
    parts.append(controllers.parse_formula(registered) if registered else controllers.Party(UNDECLARED))
    return controllers.any_of(parts)


def collect(
    case: str,
    said: str,
    hook: Row,
    key: Row,
    source: Row,
    sent: Mapping[str, Any],
    received_at: str,
    concerns: tuple[str, ...] = (),
) -> AttachEvidence:
    """Return the evidence of one call. `sent`: delivery, content (HMACs), signed_at, size_bytes.

    Raises:
        FormulaInvalid: as made_by.
    """
    return AttachEvidence(
        case=case,
        type=TYPE,
        grade=GRADE,
        submitter=SYSTEM,
        controllers=controllers.to_json(made_by(source, key)),
        received_at=received_at,
        facts={
            "source": hook["source"],
            "hook": hook["hook"],
            "scheme": hook["scheme"],
            "key": key["key"],
            "delivery": sent["delivery"],
            "signed_at": sent["signed_at"],
            "size_bytes": sent["size_bytes"],
            "says": said,
        },
        concerns=concerns,
        once=(b"hook\x00" + hook["hook"].encode() + b"\x00" + sent["content"].encode(),),
    )

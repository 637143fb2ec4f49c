"""The customer's own answer through a one-time link, frozen as evidence.

E3: corroborated by another person. SETTLED 26: whoever could see the token could have answered: the customer, and who
handed it over; or, sent to an address known before the case opened, the sending server instead.
"""

from __future__ import annotations

from casework.requests import AttachEvidence
from ledger.changes import Row

GRADE = "E3"


def collect(link: Row, answer: str, answered_at: str) -> AttachEvidence:
    """Return the evidence of an answer; `link` is its row, as issued."""
    customer = link["customer"]
    other = "server" if link["handed_over_by"] is None else f"member:{link['handed_over_by']}"
    return AttachEvidence(
        case=link["case"],
        type="customer_confirmation",
        grade=GRADE,
        submitter=f"customer:{customer}",
        controllers={"any": [{"party": f"customer:{customer}"}, {"party": other}]},
        received_at=answered_at,
        facts={
            "link": link["link"],
            "case": link["case"],
            "customer": customer,
            "issued_at": link["issued_at"],
            "handed_over_by": link["handed_over_by"],
            "address_known_before_case": bool(link["address_known_before"]),
            "answered_at": answered_at,
            "answer": answer,
        },
        concerns=(customer,),
    )

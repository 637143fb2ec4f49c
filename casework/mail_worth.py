"""What a signed mail is worth, and who could have made it: the same for the collector and for the audit.

| whose domain signed | grade | who could have made it |
|---|---|---|
| the sender's, or one above it | E4 | the sender, or whoever runs that domain |
| another one | E1 | whoever brought it, or whoever runs that domain |

Who signs for another domain says that the bytes are as they left it, and nothing about who wrote them: whoever brought
the mail may have an account there, or a domain of their own. So it is worth what any file of theirs is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verifiers import controllers

TYPE = "signed_mail"
GRADE, BESIDE_GRADE = "E4", "E1"


def worth(facts: Mapping[str, Any], submitter: str) -> tuple[str, dict[str, Any]]:
    """Return grade and controllers of a mail with these facts. `submitter` is a party, such as `member:<id>`.

    Facts from before other domains were taken have no `aligned`: theirs was the sender's.
    """
    aligned = facts.get("aligned", True)
    first = f"customer:{facts['from']}" if aligned else submitter
    parties = [controllers.Party(first), controllers.Party(f"system:mail:{facts['domain']}")]
    return GRADE if aligned else BESIDE_GRADE, controllers.to_json(controllers.any_of(parties))

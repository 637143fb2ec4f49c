"""A refused form shown again: what was typed stays, and what has to be mended stands at its field.

A form has a table of what may be wrong with it: field to blame, or code of the refusal -> (its input, sentence). What
stands in no table is no matter of one field, and is told by the page of troubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.pages.doors import Acting
from api.problems import BadRequest, of_error
from ledger.errors import Refused


@dataclass(frozen=True, slots=True)
class Mended:
    """What is shown again. `wrong`: the one input to mend -> the sentence beside it."""

    typed: Mapping[str, str]
    wrong: Mapping[str, str]


async def to_mend(
    acting: Acting, refusal: BadRequest | Refused, table: Mapping[str, tuple[str, str]], **values: str
) -> Mended | None:
    """Return the form as it is shown again, and journal its refusal; None: no field is to blame.

    `values` fill the places of the sentences.
    """
    found = table.get(refusal.code) or table.get((refusal.field or "").lstrip("/"))
    if found is None:
        return None
    body, _ = of_error(refusal)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    name, sentence = found
    return Mended(acting.form.typed(), {name: acting.frame.words.gettext(sentence, **values)})

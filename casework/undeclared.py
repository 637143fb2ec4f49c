"""Sources of which nobody declared who can write in them: what they say counts as if the earner had made it.

A collector writes UNDECLARED into the formula of such a record (docs/spec/verdict.md, "Controllers and the forgery
number"); who earns is known when a case is judged, so the judge's input names them in its place. A source is declared
by its registration: `{"party": "source:<id>"}` says that nobody here can write in it alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from verifiers import controllers
from verifiers.controllers import UNDECLARED as UNDECLARED


def as_judged(formula: Any, beneficiaries: Iterable[str]) -> dict[str, Any]:
    """Return a formula of an evidence entry as the judge of these beneficiaries reads it.

    Raises:
        FormulaInvalid: it is none.
    """
    earners = tuple(controllers.Party(f"member:{one}") for one in sorted(beneficiaries))
    read = controllers.parse_formula(formula)
    return controllers.to_json(
        controllers.substituted(read, UNDECLARED, controllers.any_of(earners)) if earners else read
    )

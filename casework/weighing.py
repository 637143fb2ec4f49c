"""How easily what was recognised could have been faked: live awards by the fewest who would have had to lie.

For the audit, over the rows that the entries alone leave; the doors ask the database (api/forgeable.py). One order:
lowest k_evidence, then most tokens, then the latest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from casework import awards
from ledger.commands import View
from verifiers.controllers import K_OR_MORE


@dataclass(frozen=True, slots=True)
class Weight:
    """A live award: how many must have lied for it to be false, and the least such set, as parties."""

    award: str
    kind: str
    amount_tokens: int
    k_evidence: int
    witnessing: tuple[str, ...]


def weights(view: View) -> list[Weight]:
    """Return every live award, the easiest to fake first."""
    found = []
    for row in view.scan("award", ()):
        verdict = view.get("verdict", (row["case"], row["verdict"]))
        if row["state"] not in (awards.PROVISIONAL, awards.SETTLED) or verdict is None:
            continue
        parties = tuple(json.loads(verdict["witnessing"]))
        one = Weight(row["award"], row["kind"], row["amount_tokens"], verdict["k_evidence"], parties)
        found.append(((one.k_evidence, -one.amount_tokens, -row["seq"]), one))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def sentences(found: Sequence[Weight], most: int) -> list[str]:
    """Return for a person: how many awards by so many people, and the `most` that are the easiest to fake."""
    if not found:
        return []
    counted = sorted(Counter(one.k_evidence for one in found).items())
    said = [f"{count} by {_people(k)}" for k, count in counted]
    lines = [f"could have been faked, the yes aside: {', '.join(said)}; the easiest:"]
    lines += [
        f"  award {one.award}: {one.kind}, {one.amount_tokens} tokens, by {_people(one.k_evidence)}"
        + (f": {', '.join(one.witnessing)}" if one.witnessing else "")
        for one in found[:most]
    ]
    return lines


def _people(k: int) -> str:
    return "1 person" if k == 1 else f"{k} people" + (" or more" if k == K_OR_MORE else "")

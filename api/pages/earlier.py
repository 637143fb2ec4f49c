"""Earlier decisions of the same kind: what was done about the last exceptions of the same watch."""

from __future__ import annotations

from dataclasses import dataclass

from api.dossiers import Dossier
from api.pages.cards import act_words
from api.pages.words import Words
from api.scope import Row, Scoped
from casework import tables

SHOWN_MAX = 5
LOOKED_AT_MAX = 60


@dataclass(frozen=True, slots=True)
class Earlier:
    """One thing that was decided, how often, and the latest exception in which it was."""

    said: str
    times: str
    path: str


@dataclass(frozen=True, slots=True)
class Similar:
    """What was decided the last `count` times."""

    count: int
    acts: tuple[Earlier, ...]


async def similar_of(rows: Scoped, dossier: Dossier, words: Words) -> Similar:
    """Return the last decisions about suggestions of the same watch; count 0: there is none yet."""
    row = dossier.case
    if row["playbook"] is None:
        return Similar(0, ())
    found = await rows.find(
        tables.case_file,
        {"playbook": row["playbook"]},
        order="opened_seq",
        below=int(row["opened_seq"]),
        limit=LOOKED_AT_MAX,
    )
    ids = [str(one["case"]) for one in found]
    if not ids:
        return Similar(0, ())
    made = await rows.find(tables.decision, {"case": ids, "about": "action", "withdrawn": 0})
    proposals = await rows.find(tables.proposal, {"case": ids})
    actions = {(one["case"], one["proposal"]): str(one["action"]) for one in proposals}
    last: dict[str, Row] = {}
    for one in sorted(made, key=lambda one: int(one["seq"])):
        last[one["case"]] = one  # what was said last about a case is what was decided about it
    shown = sorted(last.values(), key=lambda one: -int(one["seq"]))[:SHOWN_MAX]
    counted: dict[str, list[str]] = {}
    for one in shown:
        act = act_words(actions.get((one["case"], one["proposal"]), ""), words)
        said = act if one["verb"] == "approved" else words.gettext("Declined: %(act)s", act=act)
        counted.setdefault(said, []).append(str(one["case"]))
    return Similar(
        len(shown),
        tuple(
            Earlier(said, words.ngettext("once", "%(num)s times", len(cases)), f"/exceptions/{cases[0]}")
            for said, cases in sorted(counted.items(), key=lambda one: -len(one[1]))
        ),
    )

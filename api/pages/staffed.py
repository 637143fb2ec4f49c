"""Why somebody may not take a step, and who can: one sentence instead of a greyed button."""

from __future__ import annotations

from api.dossiers import Dossier
from api.matters import ACTION, AWARD, REVIEW
from api.pages.cards import People
from api.pages.words import Words, mark
from casework import authority
from casework.staffing import Answer
from ledger.codec import loads

NAMED_MAX = 3

MAY_NOT = {
    "maker": mark("You suggested this, so somebody else decides."),
    "submitter": mark("You brought the evidence, so somebody else decides."),
    "review_submitter": mark("You brought this evidence, so somebody else looks at it."),
    "review_beneficiary": mark("You did the work, so somebody else looks at the evidence."),
    "beneficiary": mark("This is about your own recognition, so somebody else decides."),
    "reciprocal": mark(
        "They recognised you for the same kind of thing a short while ago, so somebody else says yes."
    ),
    "other": mark("This waits for a decision that is not yours."),
    "other_review": mark("The evidence waits for somebody to look at it."),
}

NOBODY = (
    mark(
        "You are the only one here, and nobody gives out tokens alone. Invite one more person; thank-yous work at once."
    ),
    mark(
        "Whoever suggested this or brought evidence cannot decide it, and nobody else may. Invite one more person, "
        "give somebody the power to decide, or take the watch's own suggestion."
    ),
    mark(
        "Whoever brought the evidence or did the work does not check it. Invite one more person; an outside accountant "
        "with a free account will do. Until then this can be closed, not recognised."
    ),
    mark(
        "Everybody who may decide is part of this. Give one more person that power; an outside accountant with a free "
        "account will do."
    ),
    mark("All the evidence has been looked at."),
    mark("Nothing is recognised for this kind of thing."),
    mark(
        "Whoever may decide was recognised by them for the same kind of thing a short while ago, and nobody gives a "
        "yes back. Let some time pass, or give one more person that power."
    ),
)
"""What staffing says where nobody may take one of these steps: here for the catalogue, said there."""


def why_not(
    dossier: Dossier, kind: str, member: str, answer: Answer, people: People, words: Words
) -> tuple[str, str]:
    """Return why this reader may not decide, and who can or what to do."""
    back = member in answer.reciprocal
    reason = MAY_NOT["reciprocal" if back else _reason(dossier, kind, member)]
    return words.gettext(reason), who_can(answer, people, words)


def who_can(answer: Answer, people: People, words: Words) -> str:
    """Return who can take a step, or what to do where nobody can."""
    names = [people.name(one, words) for one in answer.members]
    if not names:
        return words.gettext(answer.sentence) if answer.sentence else ""
    if len(names) > NAMED_MAX:
        others = len(names) - NAMED_MAX
        return words.ngettext(
            "%(names)s and %(num)s more can.", "%(names)s and %(num)s more can.", others,
            names=", ".join(names[:NAMED_MAX]),
        )  # fmt: skip
    if len(names) == 1:
        return words.gettext("%(name)s can.", name=names[0])
    return words.gettext("%(first)s or %(last)s can.", first=", ".join(names[:-1]), last=names[-1])


def _reason(dossier: Dossier, kind: str, member: str) -> str:
    brought = member in authority.submitters(dossier.live)
    if kind == REVIEW:
        acted = dossier.case["action_by"] == member
        return "review_submitter" if brought else "review_beneficiary" if acted else "other_review"
    if dossier.proposal is not None and dossier.proposal["maker"] == member:
        return "maker"
    earns = loads(dossier.verdict["beneficiaries"]) if dossier.verdict is not None else ()
    if kind == AWARD and member in earns:
        return "beneficiary"
    return "submitter" if brought and kind in (ACTION, AWARD) else "other"

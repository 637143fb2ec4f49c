"""A watch in sentences: what it looks for, why it matters, what evidence, who approves, how we know that it helps.

Pure: a watch and words in, sentences out. Titles, reasons and hints are the watch's own words, as its owner wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from api.pages.cards import GRADES, act_words, field_words
from api.pages.watch_names import WATCHES
from api.pages.words import Words, mark
from api.previews import NO_RECORDS, NOT_FITTING, TOO_LONG, TOO_MANY, Preview
from api.tuning import FRESH, LEAD, LENGTH, WITHIN, Dial, dials
from api.watches import OFF, ON, TRIAL, UNUSED, Watched
from playbooks.calendars import Span
from playbooks.playbook import Playbook

_PLACE = re.compile(r"\{[^{}]*\}")

KINDS: Mapping[str, tuple[str, str]] = {
    "quote": (mark("quote"), mark("Quotes")),
    "lead": (mark("interested person"), mark("Interested people")),
    "booking": (mark("booking"), mark("Bookings")),
    "shift": (mark("shift"), mark("Shifts")),
    "stock": (mark("stock count"), mark("Stock counts")),
    "service": (mark("service"), mark("Services")),
    "complaint": (mark("complaint"), mark("Complaints")),
    "contract": (mark("contract"), mark("Contracts")),
}
"""Shipped kind of record -> one, many."""

ROLES: Mapping[str, str] = {
    "owner": mark("the owner"),
    "manager": mark("the manager"),
    "shift-lead": mark("the shift lead"),
    "kitchen-lead": mark("the kitchen lead"),
    "staff": mark("the team"),
}
STRENGTHS: Mapping[str, str] = {
    "passkey": mark("The yes needs a passkey."),
    "session": mark("The yes needs somebody who is signed in on their own device."),
    "key": mark("The yes needs somebody who is signed in, or their key."),
    "pin": mark("The yes needs at least a PIN on the shared device."),
    "link": mark("The yes may come through a link that works once."),
}
STATES: Mapping[str, tuple[str, str]] = {
    ON: (mark("On"), "done"),
    TRIAL: (mark("On trial"), "wait"),
    OFF: (mark("Off"), "quiet"),
    UNUSED: (mark("Not used yet"), "quiet"),
}
BLIND = (mark("Cannot see"), "late")
UNITS: Mapping[str, str] = {
    "m": mark("minutes"),
    "h": mark("hours"),
    "d": mark("days"),
    "w": mark("weeks"),
}
SIGNS: Mapping[str, str] = {
    ">=": mark("%(field)s: at least"),
    ">": mark("%(field)s: more than"),
    "<=": mark("%(field)s: at most"),
    "<": mark("%(field)s: less than"),
}
TROUBLES: Mapping[str, str] = {
    NO_RECORDS: mark(
        "There are no records of this sort here yet, so nobody can say what it would have shown."
    ),
    TOO_MANY: mark("There are more records than a page can go through, so nobody can say it here."),
    TOO_LONG: mark("Going through the records took too long, so nobody can say it here."),
    NOT_FITTING: mark("It does not fit the records that are kept here, so it would show nothing at all."),
}


def name_of(playbook: Playbook, words: Words) -> str:
    """Return what a watch is called."""
    known = WATCHES.get(playbook.id)
    return words.gettext(known) if known else _PLACE.sub("…", words.gettext(playbook.title))


def plain(name: str) -> str:
    """Return a source, kind or role by its own name: "guest-mails" is "Guest mails"."""
    text = name.replace("-", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def kind_words(kind: str, words: Words) -> str:
    """Return one record of a kind in words."""
    known = KINDS.get(kind)
    return words.gettext(known[0]) if known else plain(kind).lower()


def kinds_words(kind: str, words: Words) -> str:
    """Return the records of a kind in words."""
    known = KINDS.get(kind)
    return words.gettext(known[1]) if known else plain(kind)


def span_words(span: Span, words: Words) -> str:
    """Return a length of time as it was written: "16 hours"."""
    return count_words(span.count, span.unit, words)


def count_words(count: int, unit: str, words: Words) -> str:
    """Return a number of a watch in words: a length of time, or a plain number where it has no unit."""
    if unit == "m":
        return words.ngettext("%(num)s minute", "%(num)s minutes", count)
    if unit == "h":
        return words.ngettext("%(num)s hour", "%(num)s hours", count)
    if unit == "d":
        return words.ngettext("%(num)s day", "%(num)s days", count)
    if unit == "w":
        return words.ngettext("%(num)s week", "%(num)s weeks", count)
    return words.number(count)


def state_of(watch: Watched, words: Words) -> tuple[str, str]:
    """Return (chip, tone): that it cannot see goes before that it is on."""
    said, tone = BLIND if watch.blind else STATES[watch.status]
    return words.gettext(said), tone


def blind_words(watch: Watched, words: Words) -> str:
    """Return what it cannot see, and since when; empty when it sees, or does not run."""
    if not watch.blind:
        return ""
    told = []
    for one in watch.silent:
        if one.since is None:
            told.append(words.gettext("%(source)s was never heard of", source=plain(one.source)))
        else:
            told.append(
                words.gettext(
                    "since %(time)s (%(source)s silent)",
                    time=words.moment(one.since),
                    source=plain(one.source),
                )
            )
    return words.listed(told)


def asked_words(playbook: Playbook, words: Words) -> str:
    """Return who is asked, in order: "the shift lead, then the manager, then the owner"."""
    names = [_holder(route.to, words) for route in playbook.route]
    said = words.gettext(", then ").join(names)
    return said[:1].upper() + said[1:]


def _holder(to: str, words: Words) -> str:
    how, _, name = to.partition(":")
    if how == "role":
        return words.gettext(ROLES[name]) if name in ROLES else plain(name).lower()
    if how == "field":
        return words.gettext("whoever it is assigned to")
    return words.gettext(ROLES["owner"])


# ---------------------------------------------------------------------------------------------- five questions
ONLY: Mapping[str, str] = {
    "complaint_to_escalate": mark("Only complaints of the severity high or critical count."),
    "low_stock_before_service": mark("Only services with many expected guests count."),
    "quote_not_followed_up": mark("Only quotes with the status sent count."),
    "recovery_not_closed": mark("Only complaints that somebody has begun to put right count."),
    "special_request_without_cover": mark("Only confirmed bookings with a special request count."),
    "supplier_renewal": mark("Only contracts with the status active count."),
    "warm_lead_silent": mark("Only open inquiries of people who are warm count."),
}
"""Which records a shipped watch looks at; of a place's own one, what it says stands under its exact record."""


def looks_for(playbook: Playbook, words: Words) -> tuple[str, ...]:
    """Return what makes it speak up."""
    kind, source = kind_words(playbook.subject, words), playbook.source
    told = []
    if playbook.id in ONLY:
        told.append(words.gettext(ONLY[playbook.id]))
    if playbook.shape == "response" and source.within is not None:
        told.append(
            words.gettext(
                "It waits %(span)s for an answer to each %(kind)s, and speaks up when none came.",
                span=span_words(source.within, words),
                kind=kind,
            )
        )
        if source.calendar is not None:
            told.append(
                words.gettext("Only the hours of “%(calendar)s” count.", calendar=plain(source.calendar))
            )
    elif playbook.shape == "conflict":
        if playbook.match is not None:
            others = kinds_words(playbook.match.kind, words)
            told.append(
                words.gettext(
                    "It holds each %(kind)s against its %(others)s, and speaks up when they do not fit together.",
                    kind=kind,
                    others=others,
                )
            )
        else:
            told.append(
                words.gettext("It speaks up when something about a %(kind)s does not fit.", kind=kind)
            )
        told += [
            words.gettext(
                "It speaks up %(span)s before the moment that counts, not earlier.",
                span=span_words(Span(dial.count, dial.unit), words),
            )
            for dial in dials(playbook.content)
            if dial.role == LENGTH and dial.about == "due"
        ]
    elif source.lead is not None:
        told.append(
            words.gettext(
                "It knows the day by which something must be done about each %(kind)s, and speaks up %(span)s before.",
                kind=kind,
                span=span_words(source.lead, words),
            )
        )
    else:
        told.append(
            words.gettext(
                "It knows the day by which something must be done about each %(kind)s, and speaks up then.",
                kind=kind,
            )
        )
    told.append(
        words.gettext("What it says: “%(title)s”.", title=_PLACE.sub("…", words.gettext(playbook.title)))
    )
    return tuple(told)


def matters(playbook: Playbook, words: Words) -> tuple[str, ...]:
    """Return why it matters, in the watch's own words, and how what is at stake is counted."""
    if playbook.basis is None:
        return (words.gettext(playbook.why),)
    basis = words.gettext(playbook.basis).rstrip(".")
    return words.gettext(playbook.why), words.gettext("What is at stake: %(basis)s.", basis=basis)


def evidence(playbook: Playbook, words: Words) -> tuple[tuple[str, str], ...]:
    """Return (what is asked for, how strong it has to be at least) of each piece of evidence."""
    return tuple(
        (
            words.gettext(one.says),
            words.gettext("at least: %(strength)s", strength=words.gettext(GRADES[one.min_grade])),
        )
        for one in playbook.evidence
    )


def approves(playbook: Playbook, words: Words) -> tuple[str, ...]:
    """Return who is asked, what is suggested, how strong the yes has to be, and what it may earn."""
    decision = playbook.decision
    told = [words.gettext("Asked: %(names)s.", names=asked_words(playbook, words))]
    told.append(words.gettext("Suggested: %(act)s.", act=act_words(decision.action, words)))
    if decision.options:
        others = words.listed(act_words(one, words) for one in decision.options)
        told.append(words.gettext("Or instead: %(acts)s.", acts=others))
    told.append(words.gettext(STRENGTHS[decision.minimum]))
    if playbook.award is None:
        told.append(words.gettext("It earns no recognition by itself."))
    elif playbook.award.amount_tokens:
        told.append(
            words.ngettext(
                "What was solved and checked may earn %(num)s token; that takes a second yes.",
                "What was solved and checked may earn %(num)s tokens; that takes a second yes.",
                playbook.award.amount_tokens,
            )
        )
    return tuple(told)


def helps(watch: Watched, words: Words) -> tuple[str, ...]:
    """Return the aim, and what the last 30 days say about it."""
    told = []
    target = watch.playbook.measure.target
    if target is not None:
        told.append(
            words.gettext(
                "Counted from the moment it begins. The aim: solved within %(span)s.",
                span=span_words(target, words),
            )
        )
    if watch.status == ON or watch.recent:
        told.append(
            words.ngettext(
                "In the last 30 days it showed %(num)s thing.",
                "In the last 30 days it showed %(num)s things.",
                watch.recent,
            )
        )
        told.append(
            words.ngettext(
                "%(num)s of them was no problem.", "%(num)s of them were no problem.", watch.false_alarms
            )
        )
    return tuple(told)


def preview_words(preview: Preview, words: Words) -> tuple[str, ...]:
    """Return what it would have shown on the last 90 days, or why nobody can say."""
    if preview.trouble:
        return (words.gettext(TROUBLES[preview.trouble]),)
    told = []
    if preview.count == 0:
        told.append(words.gettext("On the last 90 days this would have shown nothing."))
    elif preview.every_days >= 2:
        told.append(
            words.ngettext(
                "On the last 90 days this would have shown %(num)s thing, about one every %(days)s days.",
                "On the last 90 days this would have shown %(num)s things, about one every %(days)s days.",
                preview.count,
                days=words.number(preview.every_days),
            )
        )
    else:
        told.append(
            words.ngettext(
                "On the last 90 days this would have shown %(num)s thing, about one a day or more.",
                "On the last 90 days this would have shown %(num)s things, about one a day or more.",
                preview.count,
            )
        )
    if preview.days < 90:
        told.append(
            words.ngettext(
                "The records cover %(num)s of these days.",
                "The records cover %(num)s of these days.",
                preview.days,
            )
        )
    if not preview.whole:
        told.append(words.gettext("What was known before these days was left out: there is too much of it."))
    if preview.broken:
        told.append(
            words.ngettext(
                "On %(num)s record it could not be worked out.",
                "On %(num)s records it could not be worked out.",
                preview.broken,
            )
        )
    return tuple(told)


def trial_words(watch: Watched, words: Words) -> tuple[str, str]:
    """Return the note of a trial: the first words, and the rest."""
    left = watch.trial_days_left(words.now)
    lead = (
        words.ngettext("On trial for %(num)s more day.", "On trial for %(num)s more days.", left)
        if left
        else words.gettext("The 14 days of the trial are over; it goes on until somebody decides.")
    )
    told = [words.gettext("Nobody was told.")]
    if not watch.was_live:  # what was counted while it was on is not the trial's
        told.insert(
            0,
            words.ngettext(
                "It would have shown %(num)s thing.", "It would have shown %(num)s things.", watch.noticed
            ),
        )
    return lead, " ".join(told)


def dial_words(dial: Dial, words: Words) -> str:
    """Return what a number of the watch means."""
    if dial.role == WITHIN:
        return words.gettext("How long it waits for an answer")
    if dial.role == LEAD:
        return words.gettext("How long before the day it speaks up")
    if dial.role == FRESH:
        return words.gettext("It cannot see when %(source)s is silent for", source=plain(dial.about))
    if dial.role == LENGTH:
        if dial.about == "due":
            return words.gettext("How long before the moment it speaks up")
        return words.gettext("A length of time it compares with")
    return words.gettext(SIGNS[dial.sign], field=field_words(dial.about, words))

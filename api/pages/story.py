"""A case told as a story, from trigger to token, refusals included: the lines of `web/templates/components/story.html`.

Pure: entries, opened private values, names, refusals and the words of the reader in; sentences out. Every step keeps
its exact record (step number, kind, digest) one tap away, so that a sentence can be held against what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.pages.cards import REOPENINGS, act_words
from api.pages.shipped import title_words
from api.pages.words import Words, mark
from casework.work import RECOGNISE
from ledger.entries import Entry
from verifiers.verdicts import NOT_NEEDED, PASS

Opened = Mapping[tuple[int, str], Any]
"""(seq, path) -> private value; a missing pair was erased or never there."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One attempt that wrote nothing: when, who, the stable code."""

    at: str
    actor: str
    code: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline. `mark` is "", "refused" or "helper"; `exact` are name and value pairs."""

    instant: str
    time_text: str
    sentence: str
    detail: str
    mark: str
    exact: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What the page says of the record: first words, the rest, a tone."""

    lead: str
    rest: str
    tone: str


def damaged(seq: int | None, words: Words) -> Note:
    """Return the note of a record that is not what was sealed; `seq` is the first step that is not, if known."""
    if seq is None:
        return Note(
            words.gettext("The record was changed after it was sealed."),
            words.gettext(
                "Which step cannot be told here. Do not delete anything; tell whoever checks your record."
            ),
            "late",
        )
    lead = words.gettext("Step %(step)s was changed.", step=words.number(seq))
    after = words.gettext(
        "What came after is not told here. Do not delete anything; tell whoever checks your record."
    )
    if seq == 0:
        return Note(lead, after, "late")
    sound = words.gettext("Everything up to step %(step)s is sound.", step=words.number(seq - 1))
    return Note(lead, f"{sound} {after}", "late")


NUMBERS = (mark("No"), mark("One"), mark("Two"), mark("Three"), mark("Four"), mark("Five"), mark("Six"))


def spelled(number: int, words: Words) -> str:
    """Return a number as a sentence begins with it: "Three", "12"."""
    return words.gettext(NUMBERS[number]) if 0 <= number < len(NUMBERS) else words.number(number)


def stood_behind(people: int, words: Words) -> str:
    """Return "At least three people stood behind this.": the fewest who could have made it up, and mostly more had a
    hand in it."""
    return words.ngettext(
        "At least one person stood behind this.",
        "At least %(num)s people stood behind this.",
        people,
        num=spelled(people, words).lower(),
    )


@dataclass(frozen=True, slots=True)
class Telling:
    """What a sentence may draw on besides its own entry. `words`: how the reader is spoken to."""

    names: Mapping[str, str]
    opened: Opened
    words: Words
    evidence: Mapping[str, str] = field(default_factory=dict)
    """Evidence id -> its type, so that a later step can say what it speaks of."""

    actions: Mapping[str, str] = field(default_factory=dict)
    """Proposal id -> what it asks for."""

    helpers: frozenset[str] = frozenset()
    """The digital employees among the members."""

    replies_after: Mapping[str, int] = field(default_factory=dict)
    """Member -> the step from which on their remarks answer a decision about their recognition."""

    def say(self, message: str, **values: Any) -> str:
        """Return a marked sentence in the reader's language."""
        return self.words.gettext(message, **values)

    def name(self, party: str) -> str:
        """Return a person's name for an id or a party like `member:<id>`; a neutral word where it was erased."""
        kind, _, rest = party.rpartition(":")
        if kind == "customer":
            return self.say(mark("the guest"))
        if kind == "source":
            return self.say(mark("the %(source)s system"), source=rest)
        if party in ("system", "server"):
            return self.say(mark("the system"))
        return self.names.get(rest) or self.say(mark("somebody"))

    def secret(self, entry: Entry, path: str) -> Any:
        """Return the private value of an entry, or None."""
        return self.opened.get((entry.seq, path))

    def time(self, instant: str) -> str:
        """Return "Fri 20 Nov 16:05" in the venue's zone."""
        return self.words.full(instant)


REFUSAL_WORDS: Mapping[str, tuple[str, str]] = {
    "decider_is_maker": (
        mark("Refused: %(who)s tried to approve their own suggestion"),
        mark("Who suggests cannot be the one who says yes. Nothing was changed."),
    ),
    "decider_is_beneficiary": (
        mark("Refused: %(who)s tried to approve their own recognition"),
        mark("Nobody approves what they gain. Nothing was changed."),
    ),
    "decider_is_submitter": (
        mark("Refused: %(who)s tried to decide on evidence of their own"),
        mark("Who brings evidence does not decide on it. Nothing was changed."),
    ),
    "not_asked_first": (
        mark("Refused: %(who)s tried to end it without asking first"),
        mark("Whoever is recognised is asked first. Nothing was changed."),
    ),
    "reply_awaited": (
        mark("Refused: %(who)s tried to decide before the answer"),
        mark("Whoever is recognised still had time to answer. Nothing was changed."),
    ),
    "reviewer_is_submitter": (
        mark("Refused: %(who)s tried to check evidence of their own"),
        mark("Who brings evidence does not check it. Nothing was changed."),
    ),
    "no_authority": (
        mark("Refused: %(who)s tried to decide"),
        mark("This needs somebody who was given the power to decide it. Nothing was changed."),
    ),
    "not_allowed": (
        mark("Refused: %(who)s tried what somebody else may do"),
        mark("Their role in this place does not include it. Nothing was changed."),
    ),
    "agent_may_not": (
        mark("Refused: %(who)s tried to say yes"),
        mark("A digital employee suggests; it never decides. Nothing was changed."),
    ),
    "evidence_missing": (
        mark("Refused: %(who)s tried to write down the result too early"),
        mark("Evidence was still missing. Nothing was changed."),
    ),
    "evidence_reused": (
        mark("Refused: %(who)s brought the same evidence again"),
        mark("It counts once. Nothing was changed."),
    ),
    "stale": (
        mark("Refused: %(who)s answered what had changed meanwhile"),
        mark("What was shown was no longer so; they had to look again. Nothing was changed."),
    ),
    "nonce_replayed": (
        mark("Refused: %(who)s sent the same yes a second time"),
        mark("A yes can be used once, so nothing was given twice. Nothing was changed."),
    ),
    "idempotency_mismatch": (
        mark("Refused: %(who)s sent other words under the same number"),
        mark("One request has one effect. Nothing was changed."),
    ),
    "verdict_not_pass": (
        mark("Refused: %(who)s tried to recognise it before the checks had passed"),
        mark("First the checks, then the thanks. Nothing was changed."),
    ),
    "transition": (
        mark("Refused: %(who)s tried a step out of its order"),
        mark("It was not the moment for this step. Nothing was changed."),
    ),
}
"""Refusal code -> what was tried, and why it was refused."""
REFUSED = (mark("Refused: %(who)s tried"), mark("This place does not allow it. Nothing was changed."))

HELPER_REFUSED = frozenset({"not_allowed"})
"""Codes that say of a digital employee that it is one, and of a person that the role lacks the right."""

NOTICED_BY: Mapping[str, str] = {
    "signal": mark("A watch noticed it; it was so from %(time)s on."),
    "report": mark("%(who)s reported it; it was so from %(time)s on."),
    "claim": mark("%(who)s asked for it to be recognised; it was so from %(time)s on."),
    "schedule": mark("It was due; it was so from %(time)s on."),
}


def _opened_case(entry: Entry, tell: Telling) -> tuple[str, str]:
    title = title_words(str(tell.secret(entry, "note") or ""), tell.words) or tell.say(
        mark("something outside the expected pattern")
    )
    facts = tell.secret(entry, "facts") or {}
    parts = [
        tell.say(
            NOTICED_BY.get(entry.body["origin"], mark("It was so from %(time)s on.")),
            who=tell.name(entry.actor.id),
            time=tell.time(entry.body["onset"]),
        )
    ]
    if facts.get("starts_at"):
        parts.append(tell.say(mark("It is for %(time)s."), time=tell.time(facts["starts_at"])))
    if facts.get("note"):
        parts.append(tell.say(mark("The note says: “%(note)s”"), note=facts["note"]))
    return tell.say(mark("Noticed: %(title)s"), title=title), " ".join(parts)


def _came_back(entry: Entry, tell: Telling) -> tuple[str, str]:
    why = dict(REOPENINGS).get(entry.body["reason_code"], "")
    return tell.say(mark("It came back")), f"{tell.say(why)}." if why else ""


def _noted(entry: Entry, tell: Telling) -> tuple[str, str]:
    who, text = entry.actor.id, str(tell.secret(entry, "note") or "")
    after = tell.replies_after.get(who)
    said = mark("%(who)s added a remark")
    if after is not None and entry.seq > after:
        said = mark("%(who)s answered; the answer stands beside the decision")
    return tell.say(said, who=tell.name(who)), text


ASKED_FIRST: Mapping[str, str] = {
    "question": mark("%(who)s asked %(names)s a question about it; they have until %(time)s to answer"),
    "decline": mark(
        "%(who)s means not to recognise it and asked %(names)s first; they have until %(time)s to answer"
    ),
    "revoke": mark(
        "%(who)s means to take it back and asked %(names)s first; they have until %(time)s to answer"
    ),
}
"""About -> what was asked, and how long nothing is taken."""


def _asked_first(entry: Entry, tell: Telling) -> tuple[str, str]:
    body = entry.body
    names = tell.words.listed(tell.name(str(one)) for one in body["members"]) or tell.say(mark("nobody else"))
    said = ASKED_FIRST.get(body["about"], ASKED_FIRST["question"])
    if body["about"] == "decline" and body["award"] is not None:
        said = mark("%(who)s means to end it and asked %(names)s first; they have until %(time)s to answer")
    told = tell.say(said, who=tell.name(entry.actor.id), names=names, time=tell.time(body["reply_until"]))
    return told, str(tell.secret(entry, "note") or "")


def _replied(entry: Entry, tell: Telling) -> tuple[str, str]:
    said = tell.say(mark("%(who)s answered what was asked"), who=tell.name(entry.actor.id))
    return said, str(tell.secret(entry, "reply") or "")


def _went_on(entry: Entry, tell: Telling) -> tuple[str, str]:
    said = mark("Nobody decided in time: %(who)s is asked now")
    return tell.say(said, who=tell.name(str(entry.body["to"]))), ""


def _taken(entry: Entry, tell: Telling) -> tuple[str, str]:
    action, who = tell.actions.get(entry.body["proposal"]), tell.name(entry.actor.id)
    note = str(tell.secret(entry, "note") or "")
    if not action:
        return tell.say(mark("%(who)s did what was approved"), who=who), note
    act = act_words(action, tell.words)
    return tell.say(mark("%(who)s did what was approved: %(act)s"), who=who, act=act), note


def _suggested(entry: Entry, tell: Telling) -> tuple[str, str]:
    if entry.body["action"] == RECOGNISE:  # of routine work: what was done comes next
        return tell.say(mark("%(who)s asks for it to be recognised"), who=tell.name(entry.actor.id)), ""
    text = str(tell.secret(entry, "text") or tell.say(mark("a next step")))
    if entry.actor.id == "system":
        act = act_words(entry.body["action"], tell.words)
        return tell.say(mark("The watch suggested: %(act)s"), act=act), text
    return tell.say(mark("%(who)s suggested: %(text)s"), who=tell.name(entry.actor.id), text=text), ""


def _decided(entry: Entry, tell: Telling) -> tuple[str, str]:
    who, yes = tell.name(entry.actor.id), entry.body["verb"] == "approved"
    reason = str(tell.secret(entry, "reason") or "")
    if entry.body["about"] == "action":
        said = mark("%(who)s approved the suggestion") if yes else mark("%(who)s declined the suggestion")
        covers = tell.say(mark("Covers exactly this suggestion; a change would have needed a new yes."))
        return tell.say(said, who=who), reason or (covers if yes else "")
    if not yes:
        return tell.say(mark("%(who)s declined the recognition"), who=who), reason
    for_whom = tell.words.listed(tell.name(member) for member in entry.body["beneficiaries"])
    return tell.say(mark("%(who)s approved the recognition for %(people)s"), who=who, people=for_whom), reason


EVIDENCE_SAID: Mapping[str, str] = {
    "system_record": mark("Evidence: a record of the system, as it stood then"),
    "customer_confirmation": mark("Evidence: confirmed by the guest through a link that works once"),
    "photo": mark("Evidence: a photo"),
    "file": mark("Evidence: a file"),
    "statement": mark("Evidence: somebody's word"),
    "check_in": mark("Evidence: a check-in at the place"),
    "reading": mark("Evidence: a reading"),
    "handover_note": mark("Evidence: a hand-over note"),
    "read_back": mark("Evidence: what the next shift understood"),
    "snapshot": mark("Evidence: what was open at that moment"),
    "assessment": mark("Evidence: what somebody saw them do"),
    "webhook": mark("Evidence: what a system said by itself"),
    "training_result": mark("Evidence: a result of a course"),
    "signed_mail": mark("Evidence: a signed mail"),
    "time_stamp": mark("Evidence: a time stamp"),
}
BROUGHT: Mapping[str, str] = {
    "E0": mark("Brought by %(who)s; only said so."),
    "E1": mark("Brought by %(who)s; an uploaded file."),
    "E2": mark("Brought by %(who)s; taken here."),
    "E3": mark("Brought by %(who)s; held against an independent record."),
    "E4": mark("Brought by %(who)s; signed by a third party."),
}
REVIEWED: Mapping[tuple[str, str], str] = {
    ("system_record", "accepted"): mark("%(who)s checked and accepted the record"),
    ("system_record", "refused"): mark("%(who)s checked and did not accept the record"),
    ("customer_confirmation", "accepted"): mark("%(who)s checked and accepted the guest's answer"),
    ("customer_confirmation", "refused"): mark("%(who)s checked and did not accept the guest's answer"),
    ("", "accepted"): mark("%(who)s checked and accepted the evidence"),
    ("", "refused"): mark("%(who)s checked and did not accept the evidence"),
}
"""(type of the evidence, result) -> the sentence."""


def _evidence(entry: Entry, tell: Telling) -> tuple[str, str]:
    kind = entry.body["type"]
    what = tell.say(EVIDENCE_SAID.get(kind, mark("Evidence: %(type)s")), type=kind.replace("_", " "))
    if kind == "customer_confirmation":
        return what, tell.say(mark("Only the guest and whoever handed over the link could have answered."))
    if kind == "webhook":
        return what, tell.say(mark("Sent by that system, signed with the secret that an owner gave it."))
    brought = BROUGHT.get(entry.body["grade"], mark("Brought by %(who)s."))
    return what, tell.say(brought, who=tell.name(entry.body["submitter"]))


def _reviewed(entry: Entry, tell: Telling) -> tuple[str, str]:
    kind, result = tell.evidence.get(entry.body["evidence"], ""), entry.body["result"]
    said = REVIEWED.get((kind, result)) or REVIEWED.get(
        ("", result), mark("%(who)s checked and looked at the evidence")
    )
    return tell.say(said, who=tell.name(entry.actor.id)), ""


VERDICTS: Mapping[str, str] = {
    "insufficient": mark("Checked: something is still missing"),
    "fail": mark("Checked: it does not hold"),
    "needs_human": mark("Checked: somebody has to look"),
    "error": mark("The check could not be made"),
}


def _verdict(entry: Entry, tell: Telling) -> tuple[str, str]:
    again = tell.say(mark("Anyone can run the same checks again and must get the same answer."))
    if entry.body["result"] == "pass":
        said, beside = checks_words((tell.secret(entry, "output") or {}).get("checks", []), tell.words)
        return said, f"{beside} {again}".strip()
    said = tell.say(VERDICTS.get(entry.body["result"], mark("Checked")))
    return said, "; ".join(entry.body["missing"]) or again


def checks_words(checks: Sequence[Mapping[str, Any]], words: Words) -> tuple[str, str]:
    """Return how many checks of a verdict passed, and how many were not needed: those did not fail."""
    passed = sum(1 for check in checks if check["result"] == PASS)
    beside = sum(1 for check in checks if check["result"] == NOT_NEEDED)
    said = words.gettext("%(passed)s of %(all)s checks passed", passed=passed, all=len(checks) - beside)
    more = words.ngettext("%(num)s more was not needed.", "%(num)s more were not needed.", beside)
    return said, more if beside else ""


def _granted(entry: Entry, tell: Telling) -> tuple[str, str]:
    until = tell.words.day(entry.body["settle_not_before"])
    guest = mark("Waiting until %(day)s: until then the guest may still answer.")
    anybody = mark("Waiting until %(day)s: until then it may still turn out otherwise.")
    waits = tell.say(guest if entry.body["kind"] == "service_issue" else anybody, day=until)
    if not any(share["amount"] for share in entry.body["shares"]):
        people = tell.words.listed(tell.name(share["member"]) for share in entry.body["shares"])
        return tell.say(mark("Recognised: thanks to %(people)s"), people=people), waits
    shares = ", ".join(f"{tell.name(share['member'])} {share['amount']}" for share in entry.body["shares"])
    return tell.say(mark("Recognised: %(shares)s tokens"), shares=shares), waits


def _plain(said: str, detail: str = "") -> Callable[[Entry, Telling], tuple[str, str]]:
    """Return the teller of a marked sentence with at most %(who)s (who acted) and %(owner)s (who owns it then)."""
    return lambda entry, tell: (
        tell.say(said, who=tell.name(entry.actor.id), owner=tell.name(str(entry.body.get("owner", "")))),
        tell.say(detail) if detail else "",
    )


RESOLUTIONS: Mapping[str, str] = {
    "fixed": mark("Result, written down by %(who)s: solved"),
    "accepted_risk": mark("Result, written down by %(who)s: left as it is"),
    "false_alarm": mark("Result, written down by %(who)s: not a problem"),
    "duplicate": mark("Result, written down by %(who)s: the same as another one"),
}
ANSWERS: Mapping[str, str] = {
    "resolved": mark("The guest answered: it is solved"),
    "not_resolved": mark("The guest answered: it is not solved"),
}


CLOSED: Mapping[str, str] = {
    "done": mark("It is done."),
    "not_recognised": mark("It is done, without a recognition."),
    "false_alarm": mark("It was not a problem; the watch learns from it."),
    "duplicate": mark("It is the same as another one."),
    "accepted_risk": mark("It is left as it is."),
    "self_cleared": mark("It sorted itself out."),
}
HANDED: Mapping[str, str] = {
    "handed_over": mark("It was handed over."),
    "absent": mark("Whoever owned it is away."),
    "ack_expired": mark("Nobody had answered in time."),
    "last_resort": mark("Nobody else was there."),
    "reopened": mark("It went back to whoever had it."),
    "left": mark("Whoever owned it has left."),
}
"""Why somebody owns it now; the first owner needs no reason."""


def _handed(entry: Entry, tell: Telling) -> tuple[str, str]:
    why = HANDED.get(str(entry.body["reason_code"]))
    owner = tell.name(str(entry.body["owner"]))
    return tell.say(mark("%(owner)s owns it"), owner=owner), tell.say(why) if why else ""


def _escalated(entry: Entry, tell: Telling) -> tuple[str, str]:
    to, reason = tell.name(str(entry.body["to"])), str(entry.body["reason_code"])
    if reason == "ack_expired":
        owned = tell.say(mark("%(owner)s owns it"), owner=to)
        return tell.say(mark("It went one step up, because nobody had answered")), owned
    why = HANDED.get(reason)
    return tell.say(mark("It was passed on to %(owner)s"), owner=to), tell.say(why) if why else ""


def _expected(entry: Entry, tell: Telling) -> tuple[str, str]:
    until = tell.say(mark("They expect to be done by %(time)s."), time=tell.time(entry.body["until"]))
    return tell.say(mark("%(who)s is on it"), who=tell.name(entry.actor.id)), until


def _closed(entry: Entry, tell: Telling) -> tuple[str, str]:
    why = CLOSED.get(str(entry.body["reason_code"]))
    return tell.say(mark("Closed")), tell.say(why) if why else ""


def _outcome(entry: Entry, tell: Telling) -> tuple[str, str]:
    said = RESOLUTIONS.get(entry.body["resolution"], mark("Result, written down by %(who)s"))
    return tell.say(said, who=tell.name(entry.actor.id)), str(tell.secret(entry, "note") or "")


def _answered(entry: Entry, tell: Telling) -> tuple[str, str]:
    said = tell.say(ANSWERS.get(entry.body["answer"], mark("The guest answered")))
    return said, str(tell.secret(entry, "note") or "")


def _drawn(entry: Entry, tell: Telling) -> tuple[str, str]:
    if not entry.body["drawn"]:
        return tell.say(mark("Not drawn for a second look")), ""
    why = mark("Chance decides which are looked at again; nobody can choose.")
    return tell.say(mark("Drawn for a second look")), tell.say(why)


def _recalled(entry: Entry, tell: Telling) -> tuple[str, str]:
    if entry.body["passed"]:
        return tell.say(mark("%(who)s still knew it"), who=tell.name(entry.actor.id)), ""
    again = mark("A wrong answer takes nothing away; other questions come again.")
    return tell.say(mark("%(who)s is asked again later"), who=tell.name(entry.actor.id)), tell.say(again)


SENTENCES: Mapping[str, Callable[[Entry, Telling], tuple[str, str]]] = {
    "case_opened": _opened_case,
    "case_suppressed": _plain(mark("Seen, and hidden for a while")),
    "note_added": _noted,
    "owner_assigned": _handed,
    "acknowledged": _expected,
    "escalated": _escalated,
    "proposal_made": _suggested,
    "decision_made": _decided,
    "decision_withdrawn": _plain(mark("%(who)s took the decision back within its ten seconds")),
    "action_taken": _taken,
    "work_reported": _plain(mark("%(who)s did it")),
    "link_issued": _plain(mark("%(who)s gave the guest a link that works once")),
    "link_answered": _answered,
    "link_expired": _plain(mark("The guest did not answer in time")),
    "evidence_attached": _evidence,
    "evidence_withdrawn": _plain(mark("%(who)s withdrew a piece of evidence")),
    "evidence_reviewed": _reviewed,
    "outcome_recorded": _outcome,
    "verdict_given": _verdict,
    "award_granted": _granted,
    "draw_made": _drawn,
    "recall_answered": _recalled,
    "award_held": _plain(mark("%(who)s asked to wait: there is a question")),
    "award_disputed": _asked_first,
    "dispute_answered": _replied,
    "dispute_closed": _plain(mark("%(who)s closed what was asked: nothing was taken")),
    "award_escalated": _went_on,
    "award_released": _plain(mark("The question was answered")),
    "award_settled": _plain(
        mark("The recognition is theirs for good"), mark("The waiting time passed without a question.")
    ),
    "credential_issued": _plain(
        mark("The recognition can be taken along"),
        mark("A signed file, which anybody can check, also when this place is gone."),
    ),
    "award_declined": _plain(mark("%(who)s ended the recognition while it was waiting")),
    "award_revoked": _plain(
        mark("Taken back by %(who)s"), mark("The tokens went back to where they came from.")
    ),
    "case_cleared": _plain(mark("It sorted itself out")),
    "case_expired": _plain(mark("Too late: this one was missed")),
    "case_reopened": _came_back,
    "case_closed": _closed,
}
OTHER = _plain(mark("Something else was written down"))


def tell_steps(
    entries: Sequence[Entry], digests: Mapping[int, str], refusals: Sequence[Refusal], tell: Telling
) -> tuple[Step, ...]:
    """Return the timeline of one case: its entries and its refusals in order of time.

    A kind without a sentence is still shown: nothing of the record is left out of a story.
    """
    steps = [_step(entry, digests.get(entry.seq, ""), tell) for entry in entries]
    steps += [_refused(refusal, tell) for refusal in refusals]
    return tuple(sorted(steps, key=lambda step: step.instant))


def _step(entry: Entry, digest: str, tell: Telling) -> Step:
    sentence, detail = SENTENCES.get(entry.kind, OTHER)(entry, tell)
    exact = (
        (tell.say(mark("Step of the record")), str(entry.seq)),
        (tell.say(mark("Kind")), entry.kind),
        (tell.say(mark("Exact time")), entry.at),
        (tell.say(mark("Digest")), digest),
    )
    by = "helper" if entry.actor.role == "agent" else ""
    return Step(entry.at, tell.time(entry.at), capital(sentence), detail, by, exact)


def _refused(refusal: Refusal, tell: Telling) -> Step:
    by_helper = refusal.actor.rpartition(":")[2] in tell.helpers and refusal.code in HELPER_REFUSED
    tried, why = REFUSAL_WORDS.get("agent_may_not" if by_helper else refusal.code, REFUSED)
    exact = ((tell.say(mark("Refusal")), refusal.code), (tell.say(mark("Exact time")), refusal.at))
    sentence = tell.say(tried, who=tell.name(refusal.actor))
    return Step(refusal.at, tell.time(refusal.at), sentence, tell.say(why), "refused", exact)


def capital(sentence: str) -> str:
    """Return a sentence that begins with a capital letter: a neutral word may stand where a name was erased."""
    return sentence[:1].upper() + sentence[1:]

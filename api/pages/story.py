"""One award told as a story, from trigger to token, refusals included: the view model of `web/templates/story.html`.

Pure: entries, opened private values, names and refusals in; sentences out. Every step keeps its exact record (step
number, kind, digest) one tap away, so that a sentence can always be held against what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ledger.entries import Entry

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


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it, and what it rests on."""

    people: str
    state_words: str
    state_tone: str
    tokens_text: str
    thanks: str
    forgery_text: str
    refused_text: str
    balance_text: str
    proof_url: str
    proof_name: str


@dataclass(frozen=True, slots=True)
class StoryPage:
    """Everything the template prints. No result: the record is damaged, and nothing beyond the damage is told."""

    venue: str
    now_text: str
    headline: str
    record: Note
    steps: tuple[Step, ...]
    result: Result | None


def damaged(seq: int | None) -> Note:
    """Return the note of a record that is not what was sealed; `seq` is the first step that is not, if known."""
    keep = "Do not delete anything; tell whoever checks your record."
    if seq is None:
        return Note(
            "The record was changed after it was sealed.", f"Which step cannot be told here. {keep}", "late"
        )
    sound = f"Everything up to step {seq - 1:,} is sound. " if seq else ""
    return Note(f"Step {seq:,} was changed.", f"{sound}What came after is not told here. {keep}", "late")


NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")


def counted(number: int, one: str, many: str) -> str:
    """Return "Three people", "One person", "12 people"."""
    return f"{NUMBERS[number] if number < len(NUMBERS) else number} {one if number == 1 else many}"


STATES: Mapping[str, tuple[str, str]] = {
    "award_granted": ("Waiting until {day}", "wait"),
    "award_settled": ("Yours for good", "done"),
    "award_declined": ("Ended while waiting", "quiet"),
    "award_revoked": ("Taken back", "quiet"),
}
"""The last entry of these about an award -> what it is now, and in which tone."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a sentence may draw on besides its own entry."""

    names: Mapping[str, str]
    opened: Opened
    zone: ZoneInfo
    evidence: Mapping[str, str] = field(default_factory=dict)
    """Evidence id -> its type, so that a later step can say what it speaks of."""

    actions: Mapping[str, str] = field(default_factory=dict)
    """Proposal id -> what it asks for."""

    helpers: frozenset[str] = frozenset()
    """The digital employees among the members."""

    def name(self, party: str) -> str:
        """Return a person's name for an id or a party like `member:<id>`; a neutral word where it was erased."""
        kind, _, rest = party.rpartition(":")
        if kind == "customer":
            return "the guest"
        if kind == "source":
            return f"the {rest} system"
        if party in ("system", "server"):
            return "The system"
        return self.names.get(rest, "somebody")

    def secret(self, entry: Entry, path: str) -> Any:
        """Return the private value of an entry, or None."""
        return self.opened.get((entry.seq, path))

    def time(self, instant: str) -> str:
        """Return "Fri 20 Nov 16:05" in the venue's zone."""
        return moment(instant, self.zone)


def moment(instant: str, zone: ZoneInfo) -> str:
    """Return an RFC 3339 instant as "Fri 20 Nov 16:05" in a zone."""
    local = datetime.fromisoformat(instant).astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def day(instant: str, zone: ZoneInfo) -> str:
    """Return an RFC 3339 instant as "4 Dec" in a zone."""
    local = datetime.fromisoformat(instant).astimezone(zone)
    return f"{local.day} {local:%b}"


REFUSAL_WORDS: Mapping[str, tuple[str, str]] = {
    "decider_is_maker": (
        "tried to approve their own suggestion",
        "Who suggests cannot be the one who says yes.",
    ),
    "decider_is_beneficiary": ("tried to approve their own recognition", "Nobody approves what they gain."),
    "decider_is_submitter": (
        "tried to decide on evidence of their own",
        "Who brings evidence does not decide on it.",
    ),
    "reviewer_is_submitter": (
        "tried to check evidence of their own",
        "Who brings evidence does not check it.",
    ),
    "no_authority": ("tried to decide", "This needs somebody who was given the power to decide it."),
    "not_allowed": ("tried what somebody else may do", "Their role in this place does not include it."),
    "agent_may_not": ("tried to say yes", "A digital employee suggests; it never decides."),
    "evidence_missing": ("tried to write down the result too early", "Evidence was still missing."),
    "evidence_reused": ("brought the same evidence again", "It counts once."),
    "stale": (
        "answered what had changed meanwhile",
        "What was shown was no longer so; they had to look again.",
    ),
    "nonce_replayed": (
        "sent the same yes a second time",
        "A yes can be used once, so nothing was given twice.",
    ),
    "idempotency_mismatch": ("sent other words under the same number", "One request has one effect."),
    "verdict_not_pass": (
        "tried to recognise it before the checks had passed",
        "First the checks, then the thanks.",
    ),
    "transition": ("tried a step out of its order", "It was not the moment for this step."),
}
"""Refusal code -> what was tried, and why it was refused."""

HELPER_REFUSED = frozenset({"not_allowed"})
"""Codes that say of a digital employee that it is one, and of a person that the role lacks the right."""


def _opened_case(entry: Entry, tell: Telling) -> tuple[str, str]:
    title = tell.secret(entry, "note") or "something outside the expected pattern"
    noted = (tell.secret(entry, "facts") or {}).get("note")
    who = {
        "signal": "A watch noticed it",
        "report": f"{tell.name(entry.actor.id)} reported it",
        "claim": f"{tell.name(entry.actor.id)} asked for it to be recognised",
        "schedule": "It was due",
    }.get(entry.body["origin"], "Noticed")
    quoted = f" The note says: “{noted}”" if noted else ""
    starts = (tell.secret(entry, "facts") or {}).get("starts_at")
    meant = f" It is for {tell.time(starts)}." if starts else ""
    return f"Noticed: {title}", f"{who}; it was so from {tell.time(entry.body['onset'])} on.{meant}{quoted}"


def _act(action: str) -> str:
    return action.replace("-", " ").replace("_", " ")


def _taken(entry: Entry, tell: Telling) -> tuple[str, str]:
    action = tell.actions.get(entry.body["proposal"])
    what = f": {_act(action)}" if action else ""
    return f"{tell.name(entry.actor.id)} did what was approved{what}", str(tell.secret(entry, "note") or "")


def _suggested(entry: Entry, tell: Telling) -> tuple[str, str]:
    text = str(tell.secret(entry, "text") or "a next step")
    if entry.actor.id == "system":
        return f"The watch suggested: {_act(entry.body['action'])}", text
    return f"{tell.name(entry.actor.id)} suggested: {text}", ""


def _decided(entry: Entry, tell: Telling) -> tuple[str, str]:
    who, yes = tell.name(entry.actor.id), entry.body["verb"] == "approved"
    reason = tell.secret(entry, "reason") or ""
    if entry.body["about"] == "action":
        covers = "Covers exactly this suggestion; a change would have needed a new yes."
        return (
            f"{who} approved the suggestion" if yes else f"{who} declined the suggestion"
        ), reason or covers
    if not yes:
        return f"{who} declined the recognition", str(reason)
    for_whom = ", ".join(tell.name(member) for member in entry.body["beneficiaries"])
    return f"{who} approved the recognition for {for_whom}", str(reason)


EVIDENCE_WORDS = {
    "system_record": "from the booking system, as it stood then",
    "customer_confirmation": "confirmed by the guest through a link that works once",
}
REVIEWED_WORDS = {"system_record": "the booking", "customer_confirmation": "the guest's answer"}
GRADE_WORDS = {
    "E0": "only said so",
    "E1": "an uploaded file",
    "E2": "taken here",
    "E3": "held against an independent record",
    "E4": "signed by a third party",
}


def _evidence(entry: Entry, tell: Telling) -> tuple[str, str]:
    kind = entry.body["type"]
    what = EVIDENCE_WORDS.get(kind, kind.replace("_", " "))
    if kind == "customer_confirmation":
        return f"Evidence: {what}", "Only the guest and whoever handed over the link could have answered."
    grade = GRADE_WORDS.get(entry.body["grade"], "")
    return f"Evidence: {what}", f"Brought by {tell.name(entry.body['submitter'])}; {grade}."


def _reviewed(entry: Entry, tell: Telling) -> tuple[str, str]:
    what = REVIEWED_WORDS.get(tell.evidence.get(entry.body["evidence"], ""), "the evidence")
    verb = {"accepted": "accepted", "refused": "did not accept"}.get(entry.body["result"], "looked at")
    return f"{tell.name(entry.actor.id)} checked and {verb} {what}", ""


def _verdict(entry: Entry, tell: Telling) -> tuple[str, str]:
    checks = (tell.secret(entry, "output") or {}).get("checks", [])
    passed = sum(1 for check in checks if check["result"] == "pass")
    words = {
        "pass": f"{passed} of {len(checks)} checks passed",
        "insufficient": "Checked: something is still missing",
        "fail": "Checked: it does not hold",
        "needs_human": "Checked: somebody has to look",
        "error": "The check could not be made",
    }
    missing = "; ".join(entry.body["missing"])
    again = "Anyone can run the same checks again and must get the same answer."
    return words.get(entry.body["result"], "Checked"), missing or again


def _granted(entry: Entry, tell: Telling) -> tuple[str, str]:
    shares = ", ".join(f"{tell.name(share['member'])} {share['amount']}" for share in entry.body["shares"])
    waits = f"Waiting until {day(entry.body['settle_not_before'], tell.zone)}: until then the guest may still answer."
    return f"Recognised: {shares} tokens", waits


def _plain(sentence: str, detail: str = "") -> Callable[[Entry, Telling], tuple[str, str]]:
    return lambda entry, tell: (sentence.format(who=tell.name(entry.actor.id), **_texts(entry, tell)), detail)


RESOLUTION_WORDS = {
    "fixed": "solved",
    "accepted_risk": "left as it is",
    "false_alarm": "not a problem",
    "duplicate": "the same as another one",
}


def _texts(entry: Entry, tell: Telling) -> dict[str, str]:
    body = entry.body
    return {
        "owner": tell.name(str(body.get("owner", ""))),
        "text": str(tell.secret(entry, "text") or "a next step"),
        "resolution": RESOLUTION_WORDS.get(str(body.get("resolution")), ""),
        "answer": {"resolved": "it is solved", "not_resolved": "it is not solved"}.get(
            str(body.get("answer")), ""
        ),
        "result": str(body.get("result", "")),
    }


SENTENCES: Mapping[str, Callable[[Entry, Telling], tuple[str, str]]] = {
    "case_opened": _opened_case,
    "case_suppressed": _plain("Seen, and hidden for a while"),
    "note_added": _plain("{who} added a remark"),
    "owner_assigned": _plain("{owner} owns it"),
    "acknowledged": _plain("{who} is on it"),
    "escalated": _plain("It went one step up, because nobody had answered"),
    "proposal_made": _suggested,
    "decision_made": _decided,
    "decision_withdrawn": _plain("{who} took the decision back within its ten seconds"),
    "action_taken": _taken,
    "link_issued": _plain("{who} gave the guest a link that works once"),
    "link_answered": _plain("The guest answered: {answer}"),
    "link_expired": _plain("The guest did not answer in time"),
    "evidence_attached": _evidence,
    "evidence_withdrawn": _plain("{who} withdrew a piece of evidence"),
    "evidence_reviewed": _reviewed,
    "outcome_recorded": _plain("Result, written down by {who}: {resolution}"),
    "verdict_given": _verdict,
    "award_granted": _granted,
    "award_held": _plain("{who} asked to wait: there is a question"),
    "award_released": _plain("The question was answered"),
    "award_settled": _plain("Yours for good", "The waiting time passed without a question."),
    "award_declined": _plain("{who} ended the recognition while it was waiting"),
    "award_revoked": _plain("Taken back by {who}", "The tokens went back to where they came from."),
    "case_cleared": _plain("It sorted itself out"),
    "case_expired": _plain("Too late: this one was missed"),
    "case_reopened": _plain("The same thing came back"),
    "case_closed": _plain("Closed"),
}


def tell_steps(
    entries: Sequence[Entry], digests: Mapping[int, str], refusals: Sequence[Refusal], tell: Telling
) -> tuple[Step, ...]:
    """Return the timeline of one case: its entries and its refusals in order of time.

    A kind without a sentence is still shown: nothing of the record is left out of a story.
    """
    steps = []
    for entry in entries:
        sentence, detail = SENTENCES.get(entry.kind, _plain("Something else was written down"))(entry, tell)
        exact = (
            ("Step of the record", str(entry.seq)),
            ("Kind", entry.kind),
            ("Exact time", entry.at),
            ("Digest", digests.get(entry.seq, "")),
        )
        mark = "helper" if entry.actor.role == "agent" else ""
        steps.append(Step(entry.at, tell.time(entry.at), sentence, detail, mark, exact))
    for refusal in refusals:
        by_helper = refusal.actor.rpartition(":")[2] in tell.helpers and refusal.code in HELPER_REFUSED
        code = "agent_may_not" if by_helper else refusal.code
        tried, why = REFUSAL_WORDS.get(code, ("tried", "This place does not allow it."))
        sentence = f"Refused: {tell.name(refusal.actor)} {tried}"
        refused = (("Refusal", refusal.code), ("Exact time", refusal.at))
        text = f"{why} Nothing was changed."
        steps.append(Step(refusal.at, tell.time(refusal.at), sentence, text, "refused", refused))
    return tuple(sorted(steps, key=lambda step: step.instant))

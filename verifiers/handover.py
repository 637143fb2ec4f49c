"""The judge of an accurate hand-over, version 1: 14 lines in the order of docs/spec/verdict.md.

Did the note hold everything that was open, did it say nothing that was not so, and did whoever came next understand it
in their own words? What was open is what the systems held at that moment, so that a note of phrases covers nothing.
Never edit what this version says: a changed rule is a new version beside it. The golden vectors hold it still.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.controllers import Formula, all_of
from verifiers.errors import PolicyInvalid
from verifiers.footing import (
    MS_PER_MINUTE,
    OK,
    EvidenceSet,
    last_checks,
    line,
    not_awarded_before,
    one_earner,
    read_sets,
    unrefused,
    verdict,
)
from verifiers.inputs import VerdictInput
from verifiers.items import Item, SystemRecord
from verifiers.known import SYSTEM
from verifiers.reading import MS_PER_SECOND, Reader, instant_ms
from verifiers.verdicts import FAIL, INSUFFICIENT, NEEDS_HUMAN, PASS, Check, Verdict
from verifiers.work_items import HandoverNote, ReadBack, Snapshot

NOTE, BACK, HELD = "handover_note", "read_back", "snapshot"
EVIDENCE_TYPES = (NOTE, BACK, HELD)
SETTLE_CONDITIONS = ("window_passed", "not_held", "not_disputed", "nothing_surfaced")
REVERSAL_CAUSES = ("omitted_item_surfaced", "evidence_false", "read_back_not_theirs")
MINUTES_MAX = 24 * 60
SECONDS_MAX = 3_600
PERMILLE = 1_000
GRAM_WORDS = 3
"""Texts are compared by the runs of so many words that they share."""

Notes = list[tuple[Item, HandoverNote]]
Backs = list[tuple[Item, ReadBack]]
Held = list[tuple[Item, Snapshot]]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the organisation decided; docs/spec/verdict.md says how each is used."""

    evidence_sets: tuple[EvidenceSet, ...]
    note_minutes_before_max: int
    snapshot_minutes_max: int
    read_back_minutes_max: int
    dwell_seconds_min: int
    words_min: int
    similar_permille_max: int
    person_field: str


@dataclass(frozen=True, slots=True)
class Shift:
    """The shift that ends, and the one that comes."""

    id: str
    ends_ms: int
    next_id: str
    next_ms: int


def read_parameters(value: Any) -> Parameters:
    """Read the parameters of a policy of this verifier.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    member = Reader(value, "policy.parameters", PolicyInvalid).members(*Parameters.__slots__)
    return Parameters(
        evidence_sets=read_sets(member["evidence_sets"], EVIDENCE_TYPES),
        note_minutes_before_max=member["note_minutes_before_max"].integer(0, MINUTES_MAX),
        snapshot_minutes_max=member["snapshot_minutes_max"].integer(0, MINUTES_MAX),
        read_back_minutes_max=member["read_back_minutes_max"].integer(0, MINUTES_MAX),
        dwell_seconds_min=member["dwell_seconds_min"].integer(0, SECONDS_MAX),
        words_min=member["words_min"].integer(0, 200),
        similar_permille_max=member["similar_permille_max"].integer(0, PERMILLE),
        person_field=member["person_field"].id(),
    )


def judge(given: VerdictInput) -> Verdict:
    """Return the verdict on one hand-over.

    Raises:
        PolicyInvalid: the policy's parameters are not those of this verifier.
        FormulaInvalid: the evidence names more than 12 persons.
    """
    # 1. Read the policy.
    parameters = read_parameters(given.policy.parameters)
    # 2. Which shift, and who hands over: lines 1 and 2.
    planned, shift = _planned(given)
    earner, who = one_earner(given)
    # 3. The note: lines 3 and 4.
    complete, whole = _complete(given, shift, who)
    in_time, notes, late = _note_in_time(parameters, shift, whole)
    # 4. Each note against what was open, and what the next shift understood of it: lines 5 to 11; the best counts.
    fresh, held = _snapshot_fresh(given, parameters, shift, notes)
    told = [_told(given, parameters, shift, who, note, held) for note in (*notes, None)]
    best_told = max(told[: len(notes)] or told, key=lambda one: (one.fails == 0, one.passes, one.place))
    # 5. Whether it suffices, and how hard it is to fake: lines 12 to 15.
    left = {
        NOTE: [] if best_told.note is None else [best_told.note[0]],
        BACK: [item for item, one in best_told.backs if _is_whole_taken(one)]
        or [item for item, _ in best_told.backs],
        HELD: [item for item, _ in held],
    }
    last, best = last_checks(given, parameters.evidence_sets, left, given.beneficiaries, _fakes)
    failing = [one for check in best_told.checks if check.result == FAIL for one in check.evidence]
    return verdict(
        given,
        (planned, earner, complete, in_time, fresh, *best_told.checks, not_awarded_before(given), *last),
        best,
        settle_conditions=SETTLE_CONDITIONS,
        reversal_causes=REVERSAL_CAUSES,
        counter_evidence=[*failing, *(item.id for item, _ in late)],
    )


def _fakes(by_type: Mapping[str, Sequence[Item]]) -> Formula:
    """Who wrote the note and who took it over; the snapshot adds nobody.

    A note has words of its own that no system holds, and they may be false while everything that is open stands in it.
    Each reader who took all of it over said that it is so.
    """
    said = [item for name in (NOTE, BACK) for item in by_type.get(name, ())]
    return all_of(item.controllers for item in said or by_type.get(HELD, ()))


@dataclass(frozen=True, slots=True)
class Told:
    """One note, its lines, and the read-backs of it that are left."""

    note: tuple[Item, HandoverNote] | None
    checks: tuple[Check, ...]
    backs: Backs

    @property
    def fails(self) -> int:
        """Return how many lines fail."""
        return sum(check.result == FAIL for check in self.checks)

    @property
    def passes(self) -> int:
        """Return how many lines pass."""
        return sum(check.result == PASS for check in self.checks)

    @property
    def place(self) -> tuple[int, str]:
        """Return where the note stands in the record."""
        return (-1, "") if self.note is None else (self.note[0].seq, self.note[0].id)


def _told(
    given: VerdictInput,
    parameters: Parameters,
    shift: Shift | None,
    who: str | None,
    note: tuple[Item, HandoverNote] | None,
    held: Held,
) -> Told:
    received, backs = _received(given, parameters, shift, who, note)
    answered, timely = _back_in_time(parameters, shift, note, backs)
    own, good = _own_words(parameters, note, timely)
    checks = (_covered(note, held), _agrees(note, held), received, answered, own, _accepted(good))
    return Told(note, checks, good)


# ---------------------------------------------------------------------------------------------------------- plan
def _planned(given: VerdictInput) -> tuple[Check, Shift | None]:
    required = "a hand-over that the plan asked for"
    shift = _shift(given)
    reason = OK
    if given.facts.origin != "schedule" or given.facts.opened_by != SYSTEM:
        reason = "not_planned"
    elif shift is None:
        reason = "plan_incomplete"
    check = line("planned", reason, f"opened by {given.facts.origin}", required)
    return check, shift if reason == OK else None


def _shift(given: VerdictInput) -> Shift | None:
    texts = [given.facts.expected.get(name) for name in ("shift", "ends_at", "next_shift", "next_starts_at")]
    if not all(isinstance(one, str) and one for one in texts):
        return None
    name, ends, following, starts = (str(one) for one in texts)
    try:
        return Shift(name, instant_ms(ends), following, instant_ms(starts))
    except ValueError:
        return None


# ---------------------------------------------------------------------------------------------------------- note
def _complete(given: VerdictInput, shift: Shift | None, who: str | None) -> tuple[Check, Notes]:
    required = (
        "a note in its whole form, by whoever hands over: how things stand, what was done, what to do if"
    )
    mine = [
        (item, one)
        for item, one in unrefused(given, HandoverNote)
        if shift is not None and one.shift == shift.id and one.member == who
    ]
    left = [(item, one) for item, one in mine if _is_whole(one)]
    reason = OK if left else "form_incomplete" if mine else "no_note"
    shown = [item for item, _ in (left or mine)]
    return line("note_complete", reason, f"{len(left)} of {len(mine)}", required, INSUFFICIENT, shown), left


def _is_whole(one: HandoverNote) -> bool:
    texts = (one.status, one.actions, one.contingencies, *(item.says for item in one.items))
    owned = all(item.owner is not None and item.due_at_ms is not None for item in one.items)
    return owned and all(text.strip() for text in texts)


def _note_in_time(parameters: Parameters, shift: Shift | None, whole: Notes) -> tuple[Check, Notes, Notes]:
    most = parameters.note_minutes_before_max
    required = f"a note from the last {most} minutes of the shift"
    first_ms = 0 if shift is None else shift.ends_ms - most * MS_PER_MINUTE
    good = [(item, one) for item, one in whole if shift and first_ms <= one.at_ms <= shift.ends_ms]
    bad = [] if good else whole
    reason = OK if good else "nothing_left"
    if bad and shift is not None:
        reason = "written_too_early" if bad[-1][1].at_ms < first_ms else "written_too_late"
    shown = [item for item, _ in (good or bad)]
    otherwise = FAIL if bad else INSUFFICIENT
    return line("note_in_time", reason, f"{len(good)} of {len(whole)}", required, otherwise, shown), good, bad


def _snapshot_fresh(
    given: VerdictInput, parameters: Parameters, shift: Shift | None, notes: Notes
) -> tuple[Check, Held]:
    most = parameters.snapshot_minutes_max
    required = f"what the systems held open, frozen within {most} minutes of the note"
    found = [
        (item, one) for item, one in unrefused(given, Snapshot) if shift is not None and one.shift == shift.id
    ]
    left = [
        (item, one)
        for item, one in found
        if any(abs(one.at_ms - note.at_ms) <= most * MS_PER_MINUTE for _, note in notes)
    ]
    reason = OK if left else "not_at_the_time" if found else "no_snapshot"
    shown = [item for item, _ in (left or found)]
    return line("snapshot_fresh", reason, f"{len(left)} of {len(found)}", required, INSUFFICIENT, shown), left


def _omitted(note: HandoverNote, held: Held) -> int:
    named = {(item.kind, item.id) for item in note.items}
    return len({(one.kind, one.id) for _, snapshot in held for one in snapshot.open} - named)


def _wrong(note: HandoverNote, held: Held) -> int:
    known = {(one.kind, one.id): one.fields for _, snapshot in held for one in snapshot.open}
    return sum(
        (said.kind, said.id) in known and not _same(known[said.kind, said.id].get(said.field), said.value)
        for said in note.stated
    )


def _same(held: object, said: object) -> bool:
    # Python holds 1 == True; a system that says 1 does not say yes.
    return type(held) is type(said) and held == said


def _covered(chosen: tuple[Item, HandoverNote] | None, held: Held) -> Check:
    required = "everything that was open, in the note"
    if chosen is None or not held:
        return line("covered", "nothing_left", "nothing to compare", required, INSUFFICIENT)
    omitted = _omitted(chosen[1], held)
    items = [chosen[0], *(item for item, _ in held)]
    return line("covered", "item_omitted" if omitted else OK, f"left out: {omitted}", required, FAIL, items)


def _agrees(chosen: tuple[Item, HandoverNote] | None, held: Held) -> Check:
    required = "a note that says of each thing what the system said"
    if chosen is None or not held:
        return line("note_agrees", "nothing_left", "nothing to compare", required, INSUFFICIENT)
    item, note = chosen
    known = {(one.kind, one.id) for _, snapshot in held for one in snapshot.open}
    unknown = sum((said.kind, said.id) not in known for said in note.stated)
    wrong = _wrong(note, held)
    reason = "note_contradicts" if wrong else "stated_of_something_unknown" if unknown else OK
    observed = f"stated: {len(note.stated)}, otherwise: {wrong}, unknown: {unknown}"
    items = [item, *(one for one, _ in held)]
    return line("note_agrees", reason, observed, required, FAIL if wrong else NEEDS_HUMAN, items)


# ----------------------------------------------------------------------------------------------------- next shift
def _received(
    given: VerdictInput,
    parameters: Parameters,
    shift: Shift | None,
    who: str | None,
    chosen: tuple[Item, HandoverNote] | None,
) -> tuple[Check, Backs]:
    required = "the note read back by somebody else, whom the rota has on the next shift"
    on_next = {
        str(record.fields.get(parameters.person_field))
        for _, record in unrefused(given, SystemRecord)
        if shift is not None and (record.kind, record.id) == ("shift", shift.next_id)
    }
    found = [
        (item, one)
        for item, one in unrefused(given, ReadBack)
        if chosen is not None and one.note == chosen[0].id
    ]
    left: Backs = []
    reason = "no_read_back"
    for item, one in found:
        if who is None or given.same(one.member, who):
            reason = "read_back_by_its_author"
        elif one.member not in on_next:
            reason = "not_on_the_next_shift"
        else:
            left.append((item, one))
    shown = [item for item, _ in (left or found)]
    check = line(
        "received_by_the_next",
        OK if left else reason,
        f"{len(left)} of {len(found)}",
        required,
        INSUFFICIENT,
        shown,
    )
    return check, left


def _back_in_time(
    parameters: Parameters, shift: Shift | None, chosen: tuple[Item, HandoverNote] | None, backs: Backs
) -> tuple[Check, Backs]:
    most = parameters.read_back_minutes_max
    dwell = parameters.dwell_seconds_min
    required = (
        f"read for {dwell} seconds or more after it was written, answered within {most} minutes of the start"
    )
    good: Backs = []
    bad: Backs = []
    reason = "nothing_left"
    for item, one in backs:
        why = _why_not_in_time(parameters, shift, chosen, one)
        (good if why == OK else bad).append((item, one))
        reason = reason if why == OK else why
    shown = [item for item, _ in (good or bad)]
    check = line(
        "read_back_in_time",
        OK if good else reason,
        f"{len(good)} of {len(backs)}",
        required,
        INSUFFICIENT,
        shown,
    )
    return check, good


def _why_not_in_time(
    parameters: Parameters, shift: Shift | None, chosen: tuple[Item, HandoverNote] | None, one: ReadBack
) -> str:
    if shift is None or chosen is None or one.opened_at_ms < chosen[1].at_ms:
        return "read_before_it_was_written"
    if one.at_ms - one.opened_at_ms < parameters.dwell_seconds_min * MS_PER_SECOND:
        return "not_read"
    late_ms = shift.next_ms + parameters.read_back_minutes_max * MS_PER_MINUTE
    return OK if one.at_ms <= late_ms else "read_too_late"


def _own_words(
    parameters: Parameters, chosen: tuple[Item, HandoverNote] | None, timely: Backs
) -> tuple[Check, Backs]:
    required = "every open point named, in the reader's own words"
    left: Backs = []
    reason, most = "nothing_left", 0
    for item, one in timely:
        note = chosen[1] if chosen is not None else None
        copied = PERMILLE if note is None else _similar(one.text, _text_of(note))
        most = max(most, copied)
        named = {(kind, name) for kind, name, _ in one.items}
        if note is None or {(open_.kind, open_.id) for open_ in note.items} - named:
            reason = "point_not_named"
        elif len(_words(one.text)) < parameters.words_min:
            reason = "too_few_words"
        elif copied > parameters.similar_permille_max:
            reason = "copied_from_the_note"
        else:
            left.append((item, one))
    shown = [item for item, _ in (left or timely)]
    observed = f"{len(left)} of {len(timely)}, shared at most: {most} of {PERMILLE}"
    return line("own_words", OK if left else reason, observed, required, INSUFFICIENT, shown), left


def _text_of(note: HandoverNote) -> str:
    return " ".join((note.status, note.actions, note.contingencies, *(item.says for item in note.items)))


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char if char.isalnum() else " " for char in folded).split()


def _similar(text: str, other: str) -> int:
    """Return how many of a text's runs of three words stand in the other, of a thousand; a short text is one run."""
    mine, theirs = _runs(_words(text)), set(_runs(_words(other)))
    return sum(run in theirs for run in mine) * PERMILLE // len(mine) if mine else 0


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    if len(words) < GRAM_WORDS:
        return [tuple(words)] if words else []
    return [tuple(words[place : place + GRAM_WORDS]) for place in range(len(words) - GRAM_WORDS + 1)]


def _is_whole_taken(one: ReadBack) -> bool:
    return all(taken for _, _, taken in one.items)


def _accepted(good: Backs) -> Check:
    required = "no point that the reader does not take over as it was handed"
    whole = [(item, one) for item, one in good if _is_whole_taken(one)]
    reason = OK if whole or not good else "point_disputed"
    observed = f"whole: {len(whole)} of {len(good)}"
    items = [item for item, _ in good]
    if not good:
        return line("nothing_disputed", "nothing_left", observed, required, INSUFFICIENT)
    return line("nothing_disputed", reason, observed, required, NEEDS_HUMAN, items)

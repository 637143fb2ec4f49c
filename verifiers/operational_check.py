"""The judge of a timely operational check, version 1: 13 lines in the order of docs/spec/verdict.md.

Was somebody there, in time, and did they write down what they found? A reading outside its range earns as much as one
inside, if it was reported; the check-in shows what no pencil in the office can.
Never edit what this version says: a changed rule is a new version beside it. The golden vectors hold it still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from verifiers.controllers import Formula, Party, all_of, any_of
from verifiers.errors import PolicyInvalid
from verifiers.footing import (
    AGENT,
    MS_PER_HOUR,
    MS_PER_MINUTE,
    OK,
    EvidenceSet,
    accepted_by_another,
    every_item,
    facts_of,
    last_checks,
    line,
    not_awarded_before,
    one_earner,
    read_sets,
    unrefused,
    verdict,
)
from verifiers.inputs import VerdictInput
from verifiers.items import Item
from verifiers.known import SYSTEM, Scalar
from verifiers.reading import MS_PER_SECOND, Reader, instant_ms
from verifiers.verdicts import FAIL, INSUFFICIENT, NEEDS_HUMAN, NOT_NEEDED, Check, Verdict
from verifiers.work_items import CheckIn, Reading

CHECK_IN, PHOTO, RECHECK = "check_in", "photo", "recheck"
EVIDENCE_TYPES = (CHECK_IN, PHOTO, RECHECK)
"""What an evidence set may ask for beside the reading itself; `recheck` is a reading by another person."""
SETTLE_CONDITIONS = ("window_passed", "not_held", "not_disputed")
REVERSAL_CAUSES = ("recheck_contradicts", "point_moved", "evidence_false")
SECONDS_MAX = 86_400
OFFLINE_HOURS_MAX = 72
MINUTES_MAX = 24 * 60
SAME_MAX = 10

Readings = list[tuple[Item, Reading]]
CheckIns = list[tuple[Item, CheckIn]]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the organisation decided; docs/spec/verdict.md says how each is used."""

    evidence_sets: tuple[EvidenceSet, ...]
    together_minutes_max: int
    offline_hours_max: int
    travel_seconds_min: int
    same_readings_max: int
    recheck_minutes_max: int
    recheck_tolerance_percent: int
    clock_skew_seconds_max: int


@dataclass(frozen=True, slots=True)
class Due:
    """What the plan asked for."""

    task: str
    place: str
    from_ms: int
    until_ms: int


def read_parameters(value: Any) -> Parameters:
    """Read the parameters of a policy of this verifier.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    member = Reader(value, "policy.parameters", PolicyInvalid).members(*Parameters.__slots__)
    return Parameters(
        evidence_sets=read_sets(member["evidence_sets"], EVIDENCE_TYPES),
        together_minutes_max=member["together_minutes_max"].integer(0, MINUTES_MAX),
        offline_hours_max=member["offline_hours_max"].integer(0, OFFLINE_HOURS_MAX),
        travel_seconds_min=member["travel_seconds_min"].integer(0, SECONDS_MAX),
        same_readings_max=member["same_readings_max"].integer(0, SAME_MAX),
        recheck_minutes_max=member["recheck_minutes_max"].integer(0, MINUTES_MAX),
        recheck_tolerance_percent=member["recheck_tolerance_percent"].integer(0, 100),
        clock_skew_seconds_max=member["clock_skew_seconds_max"].integer(0, SECONDS_MAX),
    )


def judge(given: VerdictInput) -> Verdict:
    """Return the verdict on one check.

    Raises:
        PolicyInvalid: the policy's parameters are not those of this verifier.
        FormulaInvalid: the evidence names more than 12 persons.
    """
    # 1. Read the policy.
    parameters = read_parameters(given.policy.parameters)
    # 2. What was due, and who did it: lines 1 and 2.
    planned, due = _planned(given)
    earner, who = one_earner(given)
    # 3. What was found, in time: lines 3 and 4.
    recorded, mine = _recorded(given, due, who)
    on_time, readings, late = _on_time(parameters, due, mine)
    # 4. Whether anybody was there: lines 5 and 6.
    present, there = _present(given, parameters, due, who, readings)
    elsewhere, check_ins = _not_elsewhere(parameters, there)
    # 5. What speaks against it: lines 7 to 9.
    copied = _not_copied(given, parameters, readings)
    reported, silent = _reported(readings)
    agrees, rechecks, against = _recheck_agrees(given, parameters, due, who, readings)
    # 6. Whether it suffices, and how hard it is to fake: lines 10 to 13.
    left = {
        CHECK_IN: [item for item, _ in check_ins],
        PHOTO: [one for one in given.evidence if one.type == PHOTO and accepted_by_another(given, one)],
        RECHECK: [item for item, _ in rechecks],
    }
    last, best = last_checks(
        given, parameters.evidence_sets, left, given.beneficiaries, lambda by_type: _fakes(who, by_type)
    )
    if CHECK_IN not in best.wanted.grades:
        present, elsewhere = _not_needed(present), _not_needed(elsewhere)
    checks = (planned, earner, recorded, on_time, present, elsewhere, copied, reported, agrees)
    return verdict(
        given,
        (*checks, not_awarded_before(given), *last),
        best,
        settle_conditions=SETTLE_CONDITIONS,
        reversal_causes=REVERSAL_CAUSES,
        counter_evidence=[item.id for item, _ in (*late, *silent, *against)],
    )


def _fakes(who: str | None, by_type: Mapping[str, Sequence[Item]]) -> Formula:
    """A check says two things, each with its own ways to be false: that somebody was there, and what they found.

    Whoever wrote the number lied in either way. Where nothing else shows one of the two, their word is all there is.
    """
    if who is None:
        return every_item(by_type)
    earner = Party(f"member:{who}")
    presence = [item.controllers for item in by_type.get(CHECK_IN, ())]
    number = [item.controllers for name in (PHOTO, RECHECK) for item in by_type.get(name, ())]
    return any_of((all_of((earner, *presence)), all_of((earner, *number))))


def _not_needed(check: Check) -> Check:
    return replace(check, result=NOT_NEEDED) if check.result == INSUFFICIENT else check


# -------------------------------------------------------------------------------------------------------- lines
def _planned(given: VerdictInput) -> tuple[Check, Due | None]:
    required = "a check that the plan asked for, before it was done"
    facts = given.facts
    due = _due(facts.expected)
    reason = OK
    if facts.origin != "schedule" or facts.opened_by != SYSTEM:
        reason = "not_planned"
    elif due is None:
        reason = "plan_incomplete"
    return line("planned", reason, f"opened by {facts.origin}", required), due if reason == OK else None


def _due(expected: object) -> Due | None:
    given: dict[str, Scalar] = dict(expected) if isinstance(expected, dict) else {}
    task, place, due_at = given.get("task"), given.get("place"), given.get("due_at")
    early, late = given.get("early_seconds"), given.get("late_seconds")
    if not (isinstance(task, str) and isinstance(place, str) and isinstance(due_at, str)):
        return None
    # bool is an int to Python, and no number of seconds
    if type(early) is not int or type(late) is not int or early < 0 or late < 0:
        return None
    try:
        at_ms = instant_ms(due_at)
    except ValueError:
        return None
    return Due(task, place, at_ms - early * MS_PER_SECOND, at_ms + late * MS_PER_SECOND)


def _recorded(given: VerdictInput, due: Due | None, who: str | None) -> tuple[Check, Readings]:
    required = "what was found, written down by whoever did the check"
    mine = [
        (item, one)
        for item, one in unrefused(given, Reading)
        if due is not None and (one.task, one.place) == (due.task, due.place) and one.member == who
    ]
    reason = OK if mine else "no_reading"
    check = line(
        "reading_recorded",
        reason,
        f"readings: {len(mine)}",
        required,
        INSUFFICIENT,
        [item for item, _ in mine],
    )
    return check, mine


def _on_time(parameters: Parameters, due: Due | None, mine: Readings) -> tuple[Check, Readings, Readings]:
    """A reading counts by the phone's clock only as far as an upload may wait; a late one speaks against the check."""
    required = "a reading made and received in the time that the plan gives"
    good: Readings = []
    bad: Readings = []
    reason = "nothing_left"
    for item, one in mine:
        why = _why_late(parameters, due, item, one)
        if why == OK:
            good.append((item, one))
        else:
            bad.append((item, one))
            reason = why
    shown = [item for item, _ in (good or bad)]
    otherwise = FAIL if bad else INSUFFICIENT
    check = line("on_time", OK if good else reason, f"{len(good)} of {len(mine)}", required, otherwise, shown)
    return check, good, [] if good else bad


def _why_late(parameters: Parameters, due: Due | None, item: Item, one: Reading) -> str:
    if due is None or one.at_ms < due.from_ms:
        return "too_early"
    if one.at_ms > due.until_ms:
        return "too_late"
    if one.at_ms > item.received_at_ms + parameters.clock_skew_seconds_max * MS_PER_SECOND:
        return "from_the_future"
    waited_ms = item.received_at_ms - one.at_ms
    return OK if waited_ms <= parameters.offline_hours_max * MS_PER_HOUR else "received_too_late"


def _present(
    given: VerdictInput, parameters: Parameters, due: Due | None, who: str | None, readings: Readings
) -> tuple[Check, CheckIns]:
    required = "a check-in at the place, by whoever did the check, at the time of the reading"
    within_ms = parameters.together_minutes_max * MS_PER_MINUTE
    found = unrefused(given, CheckIn)
    left: CheckIns = []
    reason = "no_check_in"
    for item, one in found:
        if due is None or one.place != due.place:
            reason = "another_place"
        elif one.member != who:
            reason = "another_person"
        elif not any(abs(one.at_ms - reading.at_ms) <= within_ms for _, reading in readings):
            reason = "not_at_the_time"
        else:
            left.append((item, one))
    shown = [item for item, _ in (left or found)]
    observed = f"{len(left)} of {len(found)}"
    return line("present", OK if left else reason, observed, required, INSUFFICIENT, shown), left


def _not_elsewhere(parameters: Parameters, there: CheckIns) -> tuple[Check, CheckIns]:
    required = f"at least {parameters.travel_seconds_min} seconds since a check-in at another place"
    quick_ms = parameters.travel_seconds_min * MS_PER_SECOND
    left = [
        (item, one)
        for item, one in there
        if one.before is None or one.before[0] == one.place or one.at_ms - one.before[1] >= quick_ms
    ]
    reason = OK if left else "elsewhere_just_before" if there else "nothing_left"
    shown = [item for item, _ in (left or there)]
    return line("not_elsewhere", reason, f"{len(left)} of {len(there)}", required, INSUFFICIENT, shown), left


def _not_copied(given: VerdictInput, parameters: Parameters, readings: Readings) -> Check:
    """The very same number over and over is looked at by a person: it may be a copied one, or a stuck needle."""
    most = parameters.same_readings_max
    required = f"a reading that is not the same number more than {most} times in a row"
    run, reason = 0, OK
    if most and readings:
        newest = readings[-1][1]
        run = 1
        for earlier in given.earlier:
            before = [one for _, one in facts_of(earlier.evidence, Reading) if one.task == newest.task]
            if not before or (before[-1].value, before[-1].scale) != (newest.value, newest.scale):
                break
            run += 1
        reason = "same_number_again" if run > most else OK
    items = [item for item, _ in readings]
    return line("not_copied", reason, f"in a row: {run}", required, NEEDS_HUMAN, items)


def _reported(readings: Readings) -> tuple[Check, Readings]:
    """Written down honestly, a failed check earns the same as a good one; kept quiet, it earns nothing."""
    required = "an exception reported for every reading outside its range"
    outside = [(item, one) for item, one in readings if _is_outside(one)]
    silent = [(item, one) for item, one in outside if one.exception is None]
    reason = "failure_not_reported" if silent else OK
    observed = f"outside: {len(outside)}, not reported: {len(silent)}"
    check = line("failure_reported", reason, observed, required, INSUFFICIENT, [item for item, _ in silent])
    return check, silent


def _is_outside(one: Reading) -> bool:
    return (one.low is not None and one.value < one.low) or (one.high is not None and one.value > one.high)


def _recheck_agrees(
    given: VerdictInput, parameters: Parameters, due: Due | None, who: str | None, readings: Readings
) -> tuple[Check, Readings, Readings]:
    """Return the line, the readings of others that agree, and those that contradict."""
    required = (
        f"no reading of another person within {parameters.recheck_minutes_max} minutes that contradicts"
    )
    within_ms = parameters.recheck_minutes_max * MS_PER_MINUTE
    agreeing: Readings = []
    against: Readings = []
    for item, other in unrefused(given, Reading):
        same_check = due is not None and (other.task, other.place) == (due.task, due.place)
        if not same_check or who is None or given.same(other.member, who):
            continue
        near = [pair for pair in readings if abs(other.at_ms - pair[1].at_ms) <= within_ms]
        apart = [pair for pair in near if not _agree(parameters, pair[1], other)]
        if apart:  # both speak against the check: one of them is not so
            against += [(item, other), *(pair for pair in apart if pair not in against)]
        elif near and AGENT not in given.roles.get(other.member, ()):  # a program's word is its holder's
            agreeing.append((item, other))
    reason = "recheck_contradicts" if against else OK
    observed = f"agree: {len(agreeing)}, contradict: {len(against)}"
    shown = [item for item, _ in (against or agreeing)]
    return line("recheck_agrees", reason, observed, required, FAIL, shown), agreeing, against


def _agree(parameters: Parameters, one: Reading, other: Reading) -> bool:
    if (one.unit, one.scale) != (other.unit, other.scale):
        return False
    apart = abs(one.value - other.value) * 100
    return apart <= parameters.recheck_tolerance_percent * max(abs(one.value), abs(other.value), 1)

"""The judge of a completed training, version 1: 14 lines in the order of docs/spec/verdict.md.

Did the provider itself say that this person passed this version of the course, in an honest time? A certificate that
somebody brings is only a file; where people could be hurt, an assessor has to have seen it too.
Never edit what this version says: a changed rule is a new version beside it. The golden vectors hold it still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.errors import PolicyInvalid
from verifiers.footing import (
    MS_PER_DAY,
    OK,
    EvidenceSet,
    every_item,
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
from verifiers.reading import MS_PER_SECOND, Reader
from verifiers.recall import SETTLES, Recall, read_recall
from verifiers.verdicts import FAIL, INSUFFICIENT, NEEDS_HUMAN, NOT_NEEDED, PASS, Check, Verdict
from verifiers.work_items import SCORE_MAX, Assessment, TrainingResult

RESULT, ASSESSMENT = "training_result", "assessment"
EVIDENCE_TYPES = (RESULT, ASSESSMENT)
PASSED = ("satisfied", "passed")
SETTLE_CONDITIONS = ("window_passed", "not_held", "not_disputed")
REVERSAL_CAUSES = ("provider_revokes", "result_voided", "misconduct")
COURSES_MAX = 64
VERSIONS_MAX = 16
MINUTES_MAX = 24 * 60
ATTEMPTS_MAX = 100
DAYS_MAX = 366 * 5

Results = list[tuple[Item, TrainingResult]]


@dataclass(frozen=True, slots=True)
class Course:
    """One course of the catalogue: which versions count, what it takes, and whether somebody has to have seen it."""

    versions: tuple[str, ...]
    pass_score: int
    minutes_min: int
    assessed: bool
    recall: Recall | None = None
    """Questions some time later, which have to be answered before it settles."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the organisation decided; docs/spec/verdict.md says how each is used."""

    evidence_sets: tuple[EvidenceSet, ...]
    catalogue: Mapping[str, Course]
    attempts_max: int
    session_minutes_max: int
    again_days: int
    clock_skew_seconds_max: int


def read_parameters(value: Any) -> Parameters:
    """Read the parameters of a policy of this verifier.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    member = Reader(value, "policy.parameters", PolicyInvalid).members(*Parameters.__slots__)
    return Parameters(
        evidence_sets=read_sets(member["evidence_sets"], EVIDENCE_TYPES),
        catalogue={name: _course(one) for name, one in member["catalogue"].entries(COURSES_MAX)},
        attempts_max=member["attempts_max"].integer(1, ATTEMPTS_MAX),
        session_minutes_max=member["session_minutes_max"].integer(1, MINUTES_MAX),
        again_days=member["again_days"].integer(1, DAYS_MAX),
        clock_skew_seconds_max=member["clock_skew_seconds_max"].integer(0, 86_400),
    )


def _course(at: Reader) -> Course:
    names = ("versions", "pass_score", "minutes_min", "assessed")
    asks = type(at.value) is dict and "recall" in at.value
    member = at.members(*names, "recall") if asks else at.members(*names)
    return Course(
        versions=tuple(one.id() for one in member["versions"].items(VERSIONS_MAX, count_min=1)),
        pass_score=member["pass_score"].integer(0, SCORE_MAX),
        minutes_min=member["minutes_min"].integer(0, MINUTES_MAX),
        assessed=member["assessed"].boolean(),
        recall=read_recall(member["recall"]) if asks else None,
    )


def judge(given: VerdictInput) -> Verdict:
    """Return the verdict on one course.

    Raises:
        PolicyInvalid: the policy's parameters are not those of this verifier.
        FormulaInvalid: the evidence names more than 12 persons.
    """
    # 1. Read the policy.
    parameters = read_parameters(given.policy.parameters)
    # 2. Which course, and whose: lines 1 and 2.
    listed, course = _listed(given, parameters)
    earner, who = one_earner(given)
    # 3. What the provider says of it: lines 3 to 8.
    received, mine = _received(given, course, who)
    voided, standing, void = _not_voided(given, mine)
    passed, results, waived = _passed(standing)
    scored, results = _kept(
        "score_reached", results, lambda one: _why_score(course, one), _score_words(course)
    )
    long, results = _kept(
        "long_enough", results, lambda one: _why_long(parameters, course, one), _long_words(course)
    )
    tries_said = f"at most {parameters.attempts_max} attempts"
    tries, results = _kept("attempts_within", results, lambda one: _why_tries(parameters, one), tries_said)
    dated, results = _in_date(given, parameters, results)
    # 4. Whether somebody saw it, where that is asked for: line 9.
    assessed, seen, doubts = _assessed(given, course, who)
    # 5. Whether it suffices, and how hard it is to fake: lines 10 to 13.
    left = {RESULT: [item for item, _ in results], ASSESSMENT: seen}
    # Provider and assessor speak of the same thing, that this person can do it: both had to lie.
    last, best = last_checks(given, parameters.evidence_sets, left, given.beneficiaries, every_item)
    checks = (listed, earner, received, voided, passed, scored, long, tries, dated, assessed)
    return verdict(
        given,
        (*checks, not_awarded_before(given, parameters.again_days), *last),
        best,
        settle_conditions=(*SETTLE_CONDITIONS, *_asked_later(course)),
        reversal_causes=REVERSAL_CAUSES,
        counter_evidence=[*(item.id for item, _ in (*void, *waived)), *(item.id for item in doubts)],
    )


def _asked_later(wanted: Wanted | None) -> tuple[str, ...]:
    return () if wanted is None or wanted.course.recall is None else (SETTLES + wanted.name,)


# -------------------------------------------------------------------------------------------------------- lines
@dataclass(frozen=True, slots=True)
class Wanted:
    """The course that the case is about, as the catalogue has it."""

    name: str
    version: str
    course: Course


def _listed(given: VerdictInput, parameters: Parameters) -> tuple[Check, Wanted | None]:
    required = "a course of the catalogue, in a version that counts"
    name, version = (given.facts.expected.get(one) for one in ("course", "course_version"))
    found = parameters.catalogue.get(name) if isinstance(name, str) else None
    reason, wanted = OK, None
    if given.facts.origin not in ("claim", "schedule"):
        reason = "not_claimed"
    elif found is None:
        reason = "not_in_the_catalogue"
    elif not isinstance(version, str) or version not in found.versions:
        reason = "another_version"
    else:
        wanted = Wanted(str(name), version, found)
    return line("in_catalogue", reason, f"opened by {given.facts.origin}", required), wanted


def _received(given: VerdictInput, wanted: Wanted | None, who: str | None) -> tuple[Check, Results]:
    required = "the provider's result of this course, under an account that is theirs"
    of_course = [
        (item, one)
        for item, one in unrefused(given, TrainingResult)
        if wanted is not None and (one.course, one.course_version) == (wanted.name, wanted.version)
    ]
    left = [(item, one) for item, one in of_course if one.member is not None and one.member == who]
    reason = OK if left else "account_of_nobody_here" if of_course else "no_result"
    if not left and any(one.member is not None for _, one in of_course):
        reason = "account_of_somebody_else"
    shown = [item for item, _ in (left or of_course)]
    observed = f"{len(left)} of {len(of_course)}"
    return line("result_received", reason, observed, required, INSUFFICIENT, shown), left


def _not_voided(given: VerdictInput, mine: Results) -> tuple[Check, Results, Results]:
    """A provider may take a result back; what it says later of the same registration counts."""
    required = "no word of the provider that it takes the result back"
    void = [(item, one) for item, one in mine if one.result == "voided"]
    latest = {
        one.registration: max(v.completed_at_ms for _, v in void if v.registration == one.registration)
        for _, one in void
    }
    left = [
        (item, one)
        for item, one in mine
        if one.result != "voided" and one.completed_at_ms > latest.get(one.registration, -1)
    ]
    bad = bool(void) and not left
    reason = "result_voided" if bad else OK if left else "nothing_left"
    shown = [item for item, _ in (left or void)]
    otherwise = FAIL if bad else INSUFFICIENT
    check = line("not_voided", reason, f"{len(left)} of {len(mine)}", required, otherwise, shown)
    return check, left, void if bad else []


def _passed(standing: Results) -> tuple[Check, Results, Results]:
    required = "a result that is passed: one that was waived is none"
    left = [(item, one) for item, one in standing if one.result in PASSED]
    waived = [] if left else [(item, one) for item, one in standing if one.result == "waived"]
    reason = OK if left else "waived" if waived else "not_passed" if standing else "nothing_left"
    shown = [item for item, _ in (left or standing)]
    otherwise = FAIL if waived else INSUFFICIENT
    check = line("passed", reason, f"{len(left)} of {len(standing)}", required, otherwise, shown)
    return check, left, waived


def _kept(check_id: str, results: Results, why: Any, required: str) -> tuple[Check, Results]:
    left = [(item, one) for item, one in results if why(one) == OK]
    reason = OK if left else why(results[-1][1]) if results else "nothing_left"
    shown = [item for item, _ in (left or results)]
    return line(check_id, reason, f"{len(left)} of {len(results)}", required, INSUFFICIENT, shown), left


def _why_score(wanted: Wanted | None, one: TrainingResult) -> str:
    if wanted is None:
        return "nothing_left"
    if wanted.course.pass_score == 0:
        return OK
    if one.score is None:
        return "no_score"
    return OK if one.score >= wanted.course.pass_score else "below_the_score"


def _score_words(wanted: Wanted | None) -> str:
    score = 0 if wanted is None else wanted.course.pass_score
    return f"a score of at least {score // 100}.{score % 100:02d} percent"


def _why_long(parameters: Parameters, wanted: Wanted | None, one: TrainingResult) -> str:
    if wanted is None or one.duration_seconds < wanted.course.minutes_min * 60:
        return "clicked_through"
    return OK if one.duration_seconds <= parameters.session_minutes_max * 60 else "left_open"


def _long_words(wanted: Wanted | None) -> str:
    minutes = 0 if wanted is None else wanted.course.minutes_min
    return f"at least {minutes} minutes spent on it, and not a session left open"


def _why_tries(parameters: Parameters, one: TrainingResult) -> str:
    return OK if one.attempts <= parameters.attempts_max else "too_many_attempts"


def _in_date(given: VerdictInput, parameters: Parameters, results: Results) -> tuple[Check, Results]:
    required = "a result that is in date, and not from the future"
    skew_ms = parameters.clock_skew_seconds_max * MS_PER_SECOND
    left: Results = []
    reason = "nothing_left"
    for item, one in results:
        if one.expires_at_ms is not None and one.expires_at_ms <= given.outcome.recorded_at_ms:
            reason = "expired"
        elif one.completed_at_ms > item.received_at_ms + skew_ms:
            reason = "from_the_future"
        elif one.completed_at_ms < given.outcome.recorded_at_ms - parameters.again_days * MS_PER_DAY:
            reason = "too_old"
        else:
            left.append((item, one))
    shown = [item for item, _ in (left or results)]
    observed = f"{len(left)} of {len(results)}"
    return line("in_date", OK if left else reason, observed, required, INSUFFICIENT, shown), left


def _assessed(
    given: VerdictInput, wanted: Wanted | None, who: str | None
) -> tuple[Check, list[Item], list[Item]]:
    required = "somebody else who saw that they can do it"
    found = [
        (item, one)
        for item, one in unrefused(given, Assessment)
        if wanted is not None
        and (one.course, one.course_version) == (wanted.name, wanted.version)
        and one.member == who
    ]
    others = [(item, one) for item, one in found if who is not None and not given.same(one.assessor, who)]
    left = [item for item, one in others if one.passed]
    doubts = [item for item, one in others if not one.passed]
    if doubts:
        return (
            line("assessed", "assessor_doubts", f"doubts: {len(doubts)}", required, NEEDS_HUMAN, doubts),
            left,
            doubts,
        )
    if wanted is not None and not wanted.course.assessed:
        return Check("assessed", PASS if left else NOT_NEEDED, OK, (), "not asked for", required), left, []
    reason = OK if left else "assessed_by_oneself" if found else "not_assessed"
    return line("assessed", reason, f"{len(left)} of {len(found)}", required, INSUFFICIENT, left), left, []

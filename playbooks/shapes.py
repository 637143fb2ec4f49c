"""The shapes of exception, as pure functions from "what do the records say" to "is it so, and from when".

| shape | it holds while | due | miss begins (onset) |
|---|---|---|---|
| response | `when`, and no version known so far answered (`expect`) | `from` + `within` | the due instant |
| conflict | `when` and not `assert` | optional `due` ... `until` | the later of the change and `due` |
| deadline | `when` and not `unless` | `due` - `lead` | the due instant |

An answer at exactly the due instant is in time; a timer fires at the first tick after it (SETTLED 21). A response is
answered once and for all for one due instant: taking the answer back does not open the question again.

`Reading` is what one evaluation gives; `judge` turns it and the timer row of (playbook, subject) into the next row and
its effects. Both are pure: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

ARMED, ACTIVE, ANSWERED = "armed", "active", "answered"


@dataclass(frozen=True, slots=True)
class TimerRow:
    """The one row of (playbook, subject). It exists while something is waited for, is so, or was answered.

    `state` armed: waits for `wake_ms`; active: the signal stands, `wake_ms` is when its window ends; answered: `due_ms`
    was met (or its miss ended), so it is never asked again. `wake_ms` None: no timer runs.
    """

    playbook: str
    subject: str
    state: str
    wake_ms: int | None
    due_ms: int | None
    onset_ms: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the records say. `answered_ms`: event time of the earliest version read now that answers (response only)."""

    holds: bool
    due_ms: int | None = None
    until_ms: int | None = None
    answered_ms: int | None = None
    is_response: bool = False


@dataclass(frozen=True, slots=True)
class Raise:
    """The exception is there since `onset_ms`."""

    onset_ms: int


@dataclass(frozen=True, slots=True)
class Clear:
    """The exception that stood is gone; nobody is credited. `reason`: answered_late, no_longer_so, moved,
    window_over."""

    reason: str


Effect = Raise | Clear


@dataclass(frozen=True, slots=True)
class Judgement:
    """The next timer row (None: no row) and what happened, in order."""

    row: TimerRow | None
    effects: tuple[Effect, ...] = ()


def judge(
    key: tuple[str, str], row: TimerRow | None, reading: Reading, at_ms: int, changed_ms: int
) -> Judgement:
    """Return what follows for `key` (playbook, subject) at the instant `at_ms`.

    `changed_ms` is the event time of the newest version behind the reading: a conflict begins there.
    """
    if reading.is_response:
        return _judge_response(key, row, reading, at_ms)
    return _judge_standing(key, row, reading, at_ms, changed_ms)


def _judge_response(key: tuple[str, str], row: TimerRow | None, reading: Reading, at_ms: int) -> Judgement:
    if not reading.holds:
        if row is None or row.state == ANSWERED:
            return Judgement(row)
        return Judgement(None, (Clear("no_longer_so"),) if row.state == ACTIVE else ())
    due = reading.due_ms
    assert due is not None
    effects: tuple[Effect, ...] = ()
    if row is not None and row.due_ms != due:
        effects = (Clear("moved"),) if row.state == ACTIVE else ()
        row = None
    if row is not None and row.state == ANSWERED:
        return Judgement(row)
    if reading.answered_ms is not None:
        answered = TimerRow(*key, ANSWERED, None, due, row.onset_ms if row else None)
        if row is not None and row.state == ACTIVE:
            return Judgement(answered, (Clear("answered_late"),))
        if reading.answered_ms > due:
            # Nobody saw the question in time: it was missed all the same, and the miss is over already.
            return Judgement(
                TimerRow(*key, ANSWERED, None, due, due), (*effects, Raise(due), Clear("answered_late"))
            )
        return Judgement(answered, effects)
    if at_ms <= due:
        return Judgement(TimerRow(*key, ARMED, due, due, None), effects)
    if row is not None and row.state == ACTIVE:
        return Judgement(row)
    return Judgement(TimerRow(*key, ACTIVE, None, due, due), (*effects, Raise(due)))


def _judge_standing(
    key: tuple[str, str], row: TimerRow | None, reading: Reading, at_ms: int, changed_ms: int
) -> Judgement:
    active = row is not None and row.state == ACTIVE
    if not reading.holds:
        return Judgement(None, (Clear("no_longer_so"),) if active else ())
    due, until = reading.due_ms, reading.until_ms
    if due is not None and at_ms <= due:
        return Judgement(TimerRow(*key, ARMED, due, due, None), (Clear("moved"),) if active else ())
    if until is not None and at_ms > until:
        return Judgement(None, (Clear("window_over"),) if active else ())
    if row is not None and active:
        return Judgement(TimerRow(*key, ACTIVE, until, due, row.onset_ms))
    onset = changed_ms if due is None else max(due, changed_ms)
    return Judgement(TimerRow(*key, ACTIVE, until, due, onset), (Raise(onset),))

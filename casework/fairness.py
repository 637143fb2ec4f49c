"""Recognition against hours worked, by team and shift, for a whole quarter: never per person, no small group shown.

A table of sums tells more than its rows: what is hidden can be computed from the total and the rest, a sum of zero says
that each of its parts is zero, and two hidden groups are one small group together. So groups are hidden until nothing
of fewer than GROUP_MIN people follows from what is left, else the total is hidden too:

    1. a group of fewer than GROUP_MIN people is hidden
    2. while something is hidden, the hidden ones together are at least GROUP_MIN people, in at least two groups, with
       at least one recognition, and so are those of them that have hours: the smallest shown group is hidden with them
       until that is so
    3. where no shown group is left to hide, the total is not told

Quarters are shown only once they are over, and recognition counts for the quarter in which it was given, whatever
came of it later: so no two looks at the same quarter differ by one recognition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

GROUP_MIN = 5
"""People: a smaller group is never shown, nor anything from which its sums follow."""
SHIFT_HOURS_MAX = 24
NEAR_MS = 12 * 3_600_000
"""What somebody did counts for the shift they were on, else for the nearest within this time."""

MORNING, MIDDAY, EVENING, NIGHT = "morning", "midday", "evening", "night"
_FROM_HOUR = ((4, NIGHT), (10, MORNING), (16, MIDDAY), (22, EVENING), (24, NIGHT))

Key = tuple[str, str]
"""(team, part of the day)."""
NO_SHIFT: Key = ("", "")
"""What was recognised and belongs to no shift that is known."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody worked: from, until (milliseconds since 1970), where, in which part of the day it began."""

    person: str
    team: str
    part: str
    begins_ms: int
    ends_ms: int


@dataclass(frozen=True, slots=True)
class Recognised:
    """Somebody was recognised for what they did at `at_ms`."""

    person: str
    at_ms: int


@dataclass(slots=True)
class Group:
    """One team on one part of the day."""

    key: Key
    people: set[str] = field(default_factory=set)
    worked_ms: int = 0
    recognised: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """One row that may be shown. Hours are whole ones; `per_hundred_tenths`: recognitions per 100 hours, in tenths."""

    key: Key
    hours: int
    recognised: int

    @property
    def per_hundred_tenths(self) -> int | None:
        """Return recognitions per 100 hours in tenths, rounded; None: no hours."""
        return None if self.hours == 0 else (self.recognised * 2000 + self.hours) // (2 * self.hours)


@dataclass(frozen=True, slots=True)
class Table:
    """What is shown of a quarter. `hidden`: how many groups are not; `total` None: not told, or there is nothing."""

    rows: tuple[Shown, ...]
    hidden: int
    total: Shown | None


def part_of(hour: int) -> str:
    """Return the part of the day of a local hour, 0 to 23."""
    return next(part for until, part in _FROM_HOUR if hour < until)


# ---------------------------------------------------------------------------------------------- grouping
def groups_of(
    shifts: Sequence[Shift], recognised: Iterable[Recognised], before: Sequence[Shift] = ()
) -> list[Group]:
    """Return hours and recognition by team and part of the day, by key. A shift that says nothing sensible of its
    time is left out; hours `before` are not counted, what was done then and recognised now is."""
    groups: dict[Key, Group] = {}
    by_person: dict[str, list[Shift]] = {}
    for shift in before:
        by_person.setdefault(shift.person, []).append(shift)
    for shift in shifts:
        if not 0 < shift.ends_ms - shift.begins_ms <= SHIFT_HOURS_MAX * 3_600_000:
            continue
        group = groups.setdefault((shift.team, shift.part), Group((shift.team, shift.part)))
        group.people.add(shift.person)
        group.worked_ms += shift.ends_ms - shift.begins_ms
        by_person.setdefault(shift.person, []).append(shift)
    for one in recognised:
        key = _shift_of(one, by_person.get(one.person, ()))
        group = groups.setdefault(key, Group(key))
        group.people.add(one.person)
        group.recognised += 1
    return [groups[key] for key in sorted(groups)]


def _shift_of(one: Recognised, shifts: Iterable[Shift]) -> Key:
    def far(shift: Shift) -> int:
        return max(shift.begins_ms - one.at_ms, one.at_ms - shift.ends_ms, 0)

    nearest = min(shifts, key=lambda shift: (far(shift), shift.begins_ms), default=None)
    return NO_SHIFT if nearest is None or far(nearest) > NEAR_MS else (nearest.team, nearest.part)


# ---------------------------------------------------------------------------------------------- what may be shown
def table_of(groups: Sequence[Group]) -> Table:
    """Return what may be shown of these groups; the recipe is at the top."""
    shown = [group for group in groups if len(group.people) >= GROUP_MIN]  # 1
    hidden = [group for group in groups if len(group.people) < GROUP_MIN]
    while hidden and not _is_safe(hidden) and shown:  # 2
        smallest = min(shown, key=lambda group: (len(group.people), group.key))
        shown.remove(smallest)
        hidden.append(smallest)
    tells_all = bool(groups) and (not hidden or _is_safe(hidden))  # 3
    return Table(
        rows=tuple(_shown(group.key, [group]) for group in shown),
        hidden=len(hidden),
        total=_shown(NO_SHIFT, groups) if tells_all else None,
    )


def _is_safe(hidden: Sequence[Group]) -> bool:
    """Say whether the sums of these groups together, which follow from the total, tell nothing of a small one."""
    worked = [group for group in hidden if group.worked_ms]  # NO_SHIFT has no hours, and everybody knows that
    recognised = sum(group.recognised for group in hidden)
    return _is_many(hidden) and (not worked or _is_many(worked)) and recognised > 0


def _is_many(groups: Sequence[Group]) -> bool:
    together: set[str] = set().union(*(group.people for group in groups))
    return len(groups) > 1 and len(together) >= GROUP_MIN


def _shown(key: Key, groups: Iterable[Group]) -> Shown:
    of = list(groups)
    worked_ms = sum(group.worked_ms for group in of)
    return Shown(key, (worked_ms + 1_800_000) // 3_600_000, sum(group.recognised for group in of))


# ---------------------------------------------------------------------------------------------- quarters
def quarters_before(year: int, month: int, count: int) -> list[tuple[int, int]]:
    """Return the last `count` quarters, (year, 1 to 4), that are over in this month, the oldest first."""
    number = year * 4 + (month - 1) // 3
    return [(one // 4, one % 4 + 1) for one in range(number - count, number)]


def months_of(quarter: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (year, month) in which a quarter begins, and in which the next one does."""
    year, number = quarter
    after = (year + 1, 1) if number == 4 else (year, number * 3 + 1)
    return (year, number * 3 - 2), after


Quarters = Mapping[tuple[int, int], Table]

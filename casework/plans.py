"""Plans: work that is due at set local times, and what the case of each time is opened for (docs/spec/plan-format.md).

Pure: content in, due times and openings out. A plan's words go into a verdict as what was expected, so they name
places, tasks and shifts and never a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from casework.errors import refuse
from ledger.canonical import encode
from verifiers.errors import PolicyInvalid
from verifiers.reading import Reader

DOMAIN = b"tallystick/plan/v1\x00"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIMES_MAX = 48
MINUTES_MAX = 12 * 60
PLANS_MAX = 500
"""Plans of one organisation that are looked at in a tick."""
CHECK, HANDOVER = "check", "handover"
VERIFIERS = {CHECK: "operational_check", HANDOVER: "handover"}
"""Kind of work -> the verifier that can judge it."""
SCALE_MAX = 6
NUMBER_MAX = 10**12
DAY = "{date}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked plan. `content` is what is published; `work` holds the members of its kind as they stand there."""

    id: str
    title: str
    policy: str | None
    zone: ZoneInfo
    days: frozenset[int]
    times: tuple[tuple[int, int], ...]
    early_minutes: int
    late_minutes: int
    to: str
    kind: str
    work: Mapping[str, Any]
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Return the hex digest of the content."""
        return hashlib.sha256(DOMAIN + encode(self.content)).hexdigest()


@dataclass(frozen=True, slots=True)
class Slot:
    """One time at which the work is due, with the instants between which it may be done; milliseconds since 1970."""

    plan: Plan
    day: date
    due_ms: int

    @property
    def opens_ms(self) -> int:
        """Return from when on it may be done."""
        return self.due_ms - self.plan.early_minutes * 60_000

    @property
    def closes_ms(self) -> int:
        """Return until when it may be done."""
        return self.due_ms + self.plan.late_minutes * 60_000

    @property
    def due_at(self) -> str:
        """Return the due instant, RFC 3339 UTC."""
        return _instant(self.due_ms)

    def subject(self) -> dict[str, Any]:
        """Return what a case of this time is about: a check's place each time again, a hand-over each shift's own."""
        work = self.plan.work
        if self.plan.kind == CHECK:
            return {"kind": CHECK, "id": f"{work['task']}@{work['place']}", "customer": None}
        return {"kind": HANDOVER, "id": self._dated(work["shift"]), "customer": None}

    def expected(self) -> dict[str, Any]:
        """Return what a case of this time is opened for: plain values (docs/spec/verdict.md, facts.expected)."""
        work, common = self.plan.work, {"plan": self.plan.id, "work": self.plan.kind, "due_at": self.due_at}
        if self.plan.kind == HANDOVER:
            return common | {
                "shift": self._dated(work["shift"]),
                "site": work["site"],
                "ends_at": self.due_at,
                "next_shift": self._dated(work["next_shift"]),
                "next_starts_at": _instant(self.due_ms + work["next_after_minutes"] * 60_000),
            }
        window = {
            "early_seconds": self.plan.early_minutes * 60,
            "late_seconds": self.plan.late_minutes * 60,
        }
        return (
            common | window | {name: work[name] for name in ("task", "place", "unit", "scale", "low", "high")}
        )

    def _dated(self, name: str) -> str:
        return name.replace(DAY, self.day.isoformat())


def _instant(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='seconds')}.{unix_ms % 1000:03d}Z"


def read_plan(content: Any) -> Plan:
    """Check an already parsed plan.

    Raises:
        Refused: value_invalid, with the path, what was expected and what was found.
    """
    try:
        return _read(content)
    except PolicyInvalid as error:
        raise refuse("value_invalid", str(error), "/yaml") from error


def _read(content: Any) -> Plan:
    root = Reader(content, "plan", PolicyInvalid).members(
        "v", "plan", "title", "policy", "zone", "days", "times", "early_minutes", "late_minutes", "to", "work"
    )
    root["v"].integer(1, 1)
    kind, work = _work(root["work"])
    days = [DAYS.index(one.one_of(DAYS)) for one in root["days"].items(len(DAYS), count_min=1)]
    times = [_time(one) for one in root["times"].items(TIMES_MAX, count_min=1)]
    return Plan(
        id=root["plan"].id(),
        title=root["title"].text(200),
        policy=root["policy"].maybe(Reader.id),
        zone=_zone(root["zone"]),
        days=frozenset(days),
        times=tuple(sorted(set(times))),
        early_minutes=root["early_minutes"].integer(0, MINUTES_MAX),
        late_minutes=root["late_minutes"].integer(0, MINUTES_MAX),
        to=root["to"].id(),
        kind=kind,
        work=work,
        content=content,
    )


def _zone(at: Reader) -> ZoneInfo:
    try:
        return ZoneInfo(at.id())
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise at.refuse("a time zone such as Europe/London") from error


def _time(at: Reader) -> tuple[int, int]:
    text = at.text(5)
    hour, _, minute = text.partition(":")
    if len(text) != 5 or not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()):
        raise at.refuse("a time such as 10:30")
    if int(hour) > 23 or int(minute) > 59:
        raise at.refuse("a time from 00:00 to 23:59")
    return int(hour), int(minute)


def _work(at: Reader) -> tuple[str, dict[str, Any]]:
    kind = None if type(at.value) is not dict else at.value.get("kind")
    if kind == CHECK:
        member = at.members("kind", "task", "place", "unit", "scale", "low", "high")
        low, high = (
            member[name].maybe(lambda one: one.integer(-NUMBER_MAX, NUMBER_MAX)) for name in ("low", "high")
        )
        if low is not None and high is not None and low > high:
            raise at.refuse("low at most high")
        return CHECK, {
            "task": member["task"].id(),
            "place": member["place"].id(),
            "unit": member["unit"].text(20),
            "scale": member["scale"].integer(0, SCALE_MAX),
            "low": low,
            "high": high,
        }
    if kind == HANDOVER:
        member = at.members("kind", "site", "shift", "next_shift", "next_after_minutes")
        names = {name: member[name].id() for name in ("site", "shift", "next_shift")}
        for name in ("shift", "next_shift"):
            if DAY not in names[name]:
                raise member[name].refuse(f"a name with {DAY} in it: each day's shift is another")
        return HANDOVER, {**names, "next_after_minutes": member["next_after_minutes"].integer(0, MINUTES_MAX)}
    raise at.refuse("work of kind check or handover")


def slots(plan: Plan, from_ms: int, until_ms: int) -> Iterator[Slot]:
    """Yield the times whose window opens after `from_ms` and not after `until_ms`, the earliest first.

    A local time that the clocks skip is the instant they skip to; one that they show twice is the first of the two.
    """
    early = timedelta(minutes=plan.early_minutes)
    first = (datetime.fromtimestamp(from_ms / 1000, plan.zone) + early).date() - timedelta(days=1)
    last = (datetime.fromtimestamp(until_ms / 1000, plan.zone) + early).date() + timedelta(days=1)
    day = first
    while day <= last:
        if day.weekday() in plan.days:
            for hour, minute in plan.times:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=plan.zone)
                slot = Slot(plan, day, int(local.astimezone(UTC).timestamp()) * 1000)
                if from_ms < slot.opens_ms <= until_ms:
                    yield slot
        day += timedelta(days=1)

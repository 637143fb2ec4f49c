"""What the venue's systems recorded in eight weeks: bookings, shifts, quotes, leads, complaints, stock, contracts.

A plan, drawn from a seed, of which record changes at which moment; most of it is ordinary. `Incident` names the records
that will become an exception once something watches them, and what people then make of it. Nothing here is written
anywhere: play.py sends it through the record door when its moment has come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from api.venue.calendar import HOUR_MS, MINUTE_MS, Span
from api.venue.people import COMMON_SKILLS, FLOOR, PEOPLE, Person
from api.venue.words import BOOKING_NOTES, FALSE_NOTES, GUESTS, NEEDS_AND_NOTES

SOURCES: Mapping[str, tuple[str, ...]] = {
    "bookings": ("booking",),
    "rota": ("shift",),
    "crm": ("quote", "lead"),
    "desk": ("complaint",),
    "stock": ("stock", "service"),
    "contracts": ("contract",),
}
SOURCE_OF = {kind: source for source, kinds in SOURCES.items() for kind in kinds}
DAY_MS = 24 * HOUR_MS
AHEAD_DAYS = 3
"""Bookings and rota reach that far beyond the last day."""
SUPPLIERS = (
    "Galway Oyster Co", "Linen & Sons", "Burren Bakery", "Atlantic Fish", "Shannon Energy", "Kerry Dairy",
    "Clean Harbour Ltd",
    "Cask & Vine", "Lift Service West", "Pest Control Ireland", "Ferry Shuttle", "Till Systems Ltd",
)  # fmt: skip
FOR_EVER = "2099-12-31"


@dataclass(frozen=True, slots=True)
class Planned:
    """One change of one record: its new values, merged into what the record said before."""

    at_ms: int
    kind: str
    id: str
    changes: Mapping[str, Any]
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """A record that will be an exception, and its fate (see play.py)."""

    kind: str
    record: str
    fate: str


@dataclass(slots=True)
class Plan:
    """All changes in order of time, and the incidents by (kind, record)."""

    changes: list[Planned]
    incidents: dict[tuple[str, str], Incident]


FATES: Mapping[str, tuple[str, ...]] = {
    # in order of time; the last ones are what waits on Friday 16:10
    "booking": (
        "award", "story", "self", "award", "false", "missed", "award", "taken_back", "quiet", "award",
        "missed", "self", "award",
        "award", "false", "declined", "award", "self", "award", "missed", "award", "open", "open",
    ),
    "complaint": (
        "award", "self", "award", "quiet", "award", "self", "questioned", "award", "self", "award",
        "reopened", "award", "thanks",
    ),
    "recovery": ("award", "self", "quiet", "award", "award", "self", "award", "proof", "quiet"),
    "quote": (
        "award", "false", "self", "award", "self", "quiet", "award", "false", "award", "declined", "self",
        "award", "open",
    ),
    "lead": ("self", "award", "quiet", "award", "false", "award", "self", "quiet", "award", "award"),
}  # fmt: skip


FEW_FATES: Mapping[str, tuple[str, ...]] = {
    "booking": ("story", "award", "self", "false", "missed", "declined", "award", "open"),
    "complaint": ("questioned", "reopened", "self", "thanks"),
    "recovery": ("proof",),
    "quote": ("award", "quiet"),
    "lead": ("self",),
}
"""Those of a small venue: one of each that three weeks have room for."""
WAITING = ("open", "proof", "thanks")
"""What somebody has yet to do on the last day: decide, bring the guest's word, say thank you."""


def make_plan(span: Span, random: Random, member_of: Mapping[str, str]) -> Plan:
    """Return the plan; `member_of` gives member ids by name, for records that name who is responsible."""
    incidents: dict[tuple[str, str], Incident] = {}
    changes = [
        *_contracts(span, member_of),
        *_bookings_and_rota(span, random, incidents),
        *_stock(span, random),
        *_complaints(span, random, incidents),
        *_sales(span, random, member_of, incidents),
    ]
    changes.sort(key=lambda change: (change.at_ms, change.kind, change.id))
    return Plan(changes, incidents)


def _spread(span: Span, kind: str) -> Iterator[tuple[int, str]]:
    """Yield (day, fate): a kind's fates spread evenly over the watched days, the waiting ones at the very end."""
    size = span.size
    fates = (FATES if size.whole else FEW_FATES).get(kind, ())
    first, last = size.quiet_days + 2, size.days - 3
    moving = [fate for fate in fates if fate not in WAITING]
    for number, fate in enumerate(moving):
        yield first + number * (last - first) // max(1, len(moving)), fate
    for fate in fates:
        if fate in WAITING:
            yield size.days - (4 if fate == "thanks" else 1), fate


# ---------------------------------------------------------------------------------------------- bookings and rota
def _bookings_and_rota(
    span: Span, random: Random, incidents: dict[tuple[str, str], Incident]
) -> Iterator[Planned]:
    lacking: dict[tuple[int, str], set[str]] = {}
    number = 100
    for place, (day, fate) in enumerate(_spread(span, "booking")):
        number += 1
        name = f"H{number}"
        incidents["booking", name] = Incident("booking", name, fate)
        day += 1 if fate == "open" else 0
        need, note = (
            ("coeliac", NEEDS_AND_NOTES[0][1])
            if fate == "story"
            else NEEDS_AND_NOTES[place % len(NEEDS_AND_NOTES)]
        )
        note = FALSE_NOTES[place % len(FALSE_NOTES)] if fate == "false" else note
        lacking.setdefault((day, "evening"), set()).add(need)
        hhmm = "18:00" if fate == "story" else f"{18 + place % 3}:{'00' if place % 2 else '30'}"
        booked = span.at(day, hhmm) - (3 + place % 4) * DAY_MS
        values = _booking(random, span, day, hhmm, note, [need])
        if fate == "story":
            values |= {"covers": 4, "value": _money(18_000)}
        customer = _guest(random, number)
        yield Planned(max(booked, span.start_ms), "booking", name, values, customer)
        if fate == "story" or place % 2:
            yield from _earlier_stay(span, number, customer)
        if fate in ("award", "story", "taken_back", "quiet", "questioned", "declined", "reopened", "open"):
            continue  # its end is written by whoever looks after it
        if fate == "self":
            covering = next(person for person in PEOPLE if need in person.skills)
            extra = _shift(span, day, "evening", covering)
            yield Planned(span.at(day - 1, "15:20"), "shift", f"R{day}-extra-{number}", extra)
        yield Planned(span.at(day, hhmm) + 2 * HOUR_MS, "booking", name, {"status": "completed"})
    yield from _rota(span, random, lacking)
    for day in range(span.size.days + AHEAD_DAYS):
        for _ in range(random.randint(*_busy(span, day))):
            number += 1
            yield from _ordinary_booking(span, random, day, number)


def _earlier_stay(span: Span, number: int, customer: str) -> Iterator[Planned]:
    """A guest who had been here before anything was watched."""
    random = Random(number)
    values = _booking(random, span, 0, "12:30", None, [])
    yield Planned(span.start_ms, "booking", f"H{number}-before", values, customer)
    yield Planned(span.at(0, "14:30"), "booking", f"H{number}-before", {"status": "completed"})


def _busy(span: Span, day: int) -> tuple[int, int]:
    usual = span.size.bookings_a_day * (1.4 if span.day(day).weekday() in (4, 5) else 0.9)
    return max(1, int(usual * 0.8)), max(1, int(usual * 1.2))


def _ordinary_booking(span: Span, random: Random, day: int, number: int) -> Iterator[Planned]:
    hhmm = random.choice(("12:00", "12:30", "13:15", "18:00", "18:30", "19:00", "19:30", "20:00", "20:45"))
    note = random.choice(BOOKING_NOTES) if random.random() < 0.35 else None
    needs = [random.choice(COMMON_SKILLS)] if random.random() < 0.12 else []
    booked = span.at(day, hhmm) - int(random.choice((0.2, 1, 2, 3, 5, 8, 13, 18)) * DAY_MS)
    name, customer = f"H{number}", _guest(random, number)
    yield Planned(booked, "booking", name, _booking(random, span, day, hhmm, note, needs), customer)
    chance = random.random()
    if chance < 0.08:
        gone = booked + (span.at(day, hhmm) - booked) // 2
        yield Planned(gone, "booking", name, {"status": "cancelled"})
    else:
        end = {"status": "no_show" if chance < 0.11 else "completed"}
        yield Planned(span.at(day, hhmm) + 2 * HOUR_MS, "booking", name, end)


def _booking(
    random: Random, span: Span, day: int, hhmm: str, note: str | None, needs: list[str]
) -> dict[str, Any]:
    covers = random.choice((2, 2, 2, 3, 4, 4, 5, 6, 8))
    values: dict[str, Any] = {
        "site": "restaurant",
        "day": span.day(day).isoformat(),
        "starts_at": _instant(span.at(day, hhmm)),
        "covers": covers,
        "status": "confirmed",
        "special": bool(needs),
        "value": _money(covers * random.choice((2800, 3200, 3900, 4500))),
        "needs": needs,
    }
    return values | ({"note": note} if note is not None else {})


def _rota(span: Span, random: Random, lacking: Mapping[tuple[int, str], set[str]]) -> Iterator[Planned]:
    """Plan every service so that each common skill is there, and the ones that an incident lacks are not."""
    for day in range(span.size.days + AHEAD_DAYS):
        for service, heads in (("lunch", 4), ("evening", 6)):
            absent = lacking.get((day, service), set())
            able = [person for person in FLOOR if not absent & set(person.skills)]
            team = _team(random, able, min(heads, len(able)))
            for person in team:
                name = f"R{day}-{service[0]}-{person.name.split()[0]}"
                planned = max(span.at(0, "05:00"), span.at(day - 10, "11:00"))
                yield Planned(planned, "shift", name, _shift(span, day, service, person))
        if span.size.whole:
            house = [one for one in PEOPLE if one.team in ("front desk", "housekeeping", "kitchen")]
            for person in random.sample(house, 10):
                name = f"R{day}-h-{person.name.split()[0]}"
                planned = max(span.at(0, "05:00"), span.at(day - 10, "11:30"))
                yield Planned(planned, "shift", name, _shift(span, day, "day", person) | {"site": "house"})


def _team(random: Random, able: list[Person], heads: int) -> list[Person]:
    team = random.sample(able, heads)
    for skill in COMMON_SKILLS:
        if not any(skill in person.skills for person in team):
            team.append(next(person for person in able if skill in person.skills and person not in team))
    return team


HOURS = {"lunch": ("11:00", "17:00"), "evening": ("17:00", "24:00"), "day": ("07:00", "15:30")}


def _shift(span: Span, day: int, service: str, person: Person) -> dict[str, Any]:
    begins, ends = HOURS[service]
    return {
        "site": "restaurant",
        "day": span.day(day).isoformat(),
        "starts_at": _instant(span.at(day, begins)),
        "ends_at": _instant(span.at(day, ends)),
        "person": person.name,
        "status": "confirmed",
        "skills": sorted(person.skills),
    }


def stand_in(booking: Mapping[str, Any], person: Person, name: str, moment_ms: int) -> Planned:
    """Return the shift that somebody takes on for one booking: the evening of its day."""
    starts = datetime.fromisoformat(booking["starts_at"]).timestamp() * 1000
    values = {
        "site": booking["site"],
        "day": booking["day"],
        "starts_at": _instant(int(starts) - 2 * HOUR_MS),
        "ends_at": _instant(int(starts) + 4 * HOUR_MS),
        "person": person.name,
        "status": "confirmed",
        "skills": sorted(person.skills),
    }
    return Planned(moment_ms, "shift", name, values)


# ---------------------------------------------------------------------------------------------- stock and contracts
SKUS = ("oysters", "house-red", "linen", "gluten-free-flour", "charcoal", "coffee")


def _stock(span: Span, random: Random) -> Iterator[Planned]:
    for day in range(span.size.days + AHEAD_DAYS):
        if day < span.size.days and day % 3 == 0:
            for sku in SKUS:
                par = 20_000
                counted = span.at(day, "10:15")
                values = {
                    "site": "restaurant", "sku": sku, "on_hand": int(par * random.uniform(0.8, 2.5)),
                    "par": par,
                    "counted_at": _instant(counted),
                }  # fmt: skip
                yield Planned(counted, "stock", sku, values)
        busy = span.day(day).weekday() in (4, 5)
        values = {
            "site": "restaurant", "day": span.day(day).isoformat(), "starts_at": _instant(span.at(day,
            "17:30")),
            "forecast_covers": 96 if busy else 52, "cover_value": _money(3900), "skus": list(SKUS[:4]),
        }  # fmt: skip
        planned = max(span.at(0, "05:30"), span.at(day - 7, "12:00"))
        yield Planned(planned, "service", f"S-{span.day(day).isoformat()}", values)


def _contracts(span: Span, member_of: Mapping[str, str]) -> Iterator[Planned]:
    owner = member_of["Olek Wojcik"]
    for number, supplier in enumerate((*SUPPLIERS, "Harbour Lease", "Town Water")):
        ends = (
            (span.last + timedelta(days=20 + 26 * number)).isoformat()
            if number < len(SUPPLIERS)
            else FOR_EVER
        )
        values = {
            "supplier": supplier, "status": "active", "ends_on": ends, "notice_days": (30, 60, 90)[number % 3],
            "annual_cost": _money(90_000 + 47_000 * number), "owner": owner,
        }  # fmt: skip
        yield Planned(span.start_ms, "contract", f"C{number + 1:02d}", values)


# ---------------------------------------------------------------------------------------------- complaints
def _complaints(span: Span, random: Random, incidents: dict[tuple[str, str], Incident]) -> Iterator[Planned]:
    number = 0
    for day in range(0, span.size.days - 1, 2):  # ordinary: taken up within the hour, finished the same day
        number += 1
        opened = span.at(day, f"{10 + number % 9}:{number * 7 % 60:02d}")
        name, severity = f"K{number:03d}", ("low", "high", "medium", "high")[number % 4]
        yield Planned(opened, "complaint", name, _complaint(random, opened, severity), _guest(random, number))
        heard = opened + 35 * MINUTE_MS
        recovering = {
            "status": "recovering",
            "escalated_at": _instant(heard),
            "recovery_started_at": _instant(heard),
        }
        yield Planned(heard, "complaint", name, recovering)
        yield Planned(opened + (3 + number % 8) * HOUR_MS, "complaint", name, {"status": "resolved"})
    for day, fate in _spread(span, "complaint"):
        number += 1
        name, opened = f"K{number:03d}", span.at(day, f"{11 + number % 7}:{number * 11 % 60:02d}")
        incidents["complaint", name] = Incident("complaint", name, fate)
        values = _complaint(random, opened, "critical" if number % 3 == 0 else "high")
        customer = _guest(random, number)
        yield Planned(opened, "complaint", name, values, customer)
        yield from _earlier_stay(span, 900 + number, customer)
        if fate == "self":
            done = {"status": "closed", "escalated_at": _instant(opened + 3 * HOUR_MS)}
            yield Planned(opened + 3 * HOUR_MS + 20 * MINUTE_MS, "complaint", name, done)
    for day, fate in _spread(span, "recovery"):
        number += 1
        name = f"K{number:03d}"
        back = 3 if fate == "proof" else 1
        opened = span.at(day - back, f"{12 + number % 6}:{number * 13 % 60:02d}")
        incidents["complaint", name] = Incident("recovery", name, fate)
        yield Planned(opened, "complaint", name, _complaint(random, opened, "medium"), _guest(random, number))
        begun = opened + HOUR_MS
        taken = {
            "status": "recovering",
            "escalated_at": _instant(begun),
            "recovery_started_at": _instant(begun),
        }
        yield Planned(begun, "complaint", name, taken)
        if fate == "self":
            yield Planned(begun + 25 * HOUR_MS, "complaint", name, {"status": "closed"})


def _complaint(random: Random, opened_ms: int, severity: str) -> dict[str, Any]:
    return {
        "site": random.choice(("restaurant", "house")), "severity": severity,
        "opened_at": _instant(opened_ms), "status": "open",
        "value": _money(random.choice((6_400, 9_800, 14_500, 18_000, 31_000, 42_000))),
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------- quotes and leads
def _sales(
    span: Span, random: Random, member_of: Mapping[str, str], incidents: dict[tuple[str, str], Incident]
) -> Iterator[Planned]:
    sellers = (member_of["Lena Hoffmann"], member_of["Yusuf Demir"])
    number = 0
    for day in range(
        0, span.size.days - 4, 2
    ):  # ordinary: asked about the next day; before the watch often late
        number += 1
        late = day < span.size.quiet_days - 6 and number % 3 == 0
        quote, customer = f"Q{number:03d}", _guest(random, number)
        sent = span.at(day, f"{10 + number % 6}:{number * 17 % 60:02d}")
        yield Planned(sent, "quote", quote, _quote(random, sent, customer, sellers[number % 2]), customer)
        asked = sent + (5 * DAY_MS if late else 20 * HOUR_MS)
        yield Planned(asked, "quote", quote, {"followed_up_at": _instant(asked)})
        end = {"status": random.choice(("accepted", "declined", "answered"))}
        yield Planned(asked + 2 * DAY_MS, "quote", quote, end)
        lead, customer = f"L{number:03d}", _guest(random, number + 500)
        created = span.at(day, f"{9 + number % 8}:{number * 19 % 60:02d}")
        yield Planned(
            created, "lead", lead, _lead(random, created, customer, sellers[number % 2], number), customer
        )
        called = created + (4 * DAY_MS if late else 7 * HOUR_MS)
        yield Planned(called, "lead", lead, {"last_contact_at": _instant(called), "status": "contacted"})
    for kind, make in (("quote", _quote), ("lead", _lead)):
        for place, (day, fate) in enumerate(_spread(span, kind)):
            number += 1
            name, customer = f"{kind[0].upper()}{number:03d}", _guest(random, number)
            begun = span.at(day - (3 if fate == "open" else 2), f"{10 + place % 5}:{place * 23 % 60:02d}")
            begun = _office_day(span, begun)
            incidents[kind, name] = Incident(kind, name, fate)
            values = make(random, begun, customer, sellers[place % 2], *((0,) if kind == "lead" else ()))
            yield Planned(begun, kind, name, values, customer)
            if fate == "self":
                field = "followed_up_at" if kind == "quote" else "last_contact_at"
                asked = begun + (100 if kind == "quote" else 52) * HOUR_MS
                done = {field: _instant(asked), "status": "answered" if kind == "quote" else "contacted"}
                yield Planned(asked, kind, name, done)


def _office_day(span: Span, moment_ms: int) -> int:
    """Return the moment, moved back to a weekday: offers are written in the office."""
    while datetime.fromtimestamp(moment_ms / 1000, UTC).weekday() > 4:
        moment_ms -= DAY_MS
    return moment_ms


def _quote(random: Random, at_ms: int, customer: str, owner: str) -> dict[str, Any]:
    return {
        "customer": customer, "status": "sent", "sent_at": _instant(at_ms), "owner": owner,
        "value": _money(random.choice((64_000, 98_000, 145_000, 182_000, 260_000))),
    }  # fmt: skip


def _lead(random: Random, at_ms: int, customer: str, owner: str, number: int) -> dict[str, Any]:
    return {
        "customer": customer, "status": "open", "warmth": "cold" if number % 3 == 1 else "warm",
        "created_at": _instant(at_ms),
        "owner": owner, "value": _money(random.choice((21_000, 48_000, 75_000, 130_000))),
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------- small things
def _guest(random: Random, number: int) -> str:
    return f"guest-{random.choice(GUESTS)}-{number}"


def _money(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "EUR"}


def _instant(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"

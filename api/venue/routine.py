"""What comes by plan at The Harbour House in its last week: a fridge, a bar that opens, a shift that is handed over.

Most is done and some of it recognised; Thursday's fridge is forgotten, and on Friday 16:10 the bar waits to be checked
and the day to be handed over. What is drawn for these scripts is drawn apart from what is drawn for the others.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from api.cast import Door, RehearsalBroken, Steps
from api.venue.calendar import HOUR_MS
from api.venue.house import House
from api.venue.people import ACCOUNTANT, LEAD, OWNERS_NAME
from api.venue.records import Planned
from casework import cases
from ledger.clock import instant_of

POLICIES = Path(__file__).resolve().parents[2] / "verifiers" / "policies"
PUBLISHED = ("operational_check", "handover", "training", "referral")
DAYS = 4
"""Days with plans, the last one included: Tuesday to Friday."""
COOK, WAITER, COLLEAGUE, NEXT, KITCHEN = (
    "Ben Adeyemi", "Chidi Okafor", "Tomas Novak", "Ana Beltran", "Keiko Tanabe",
)  # fmt: skip
FRIDGE, BAR, DAY_ENDS = "cold-room", "bar", "day-to-evening"
FRIDGE_READINGS = (34, 36, None, 33)
"""Tuesday to Friday, in tenths of a degree; None: nobody looked."""
NOTES = (
    (
        "Two large parties are in until six, and the terrace is closed for the wind",
        "Table nine was moved inside, and the kitchen knows of the late cake",
        "If the wind drops before seven, open the terrace and tell the bar",
        "So both big groups leave around six, nobody sits outside, and once it calms down I let people out again",
    ),
    (
        "A quiet lunch; the card reader at the bar needed a restart at two",
        "The reader works, and its spare lies under the till",
        "If it stops again, take the spare one and ring Yusuf tomorrow",
        "I know the machine was stubborn today; should it fail I use the second device and Yusuf hears of it",
    ),
    (
        "Full tonight, with the wedding party of forty at half past seven",
        "The long table is set, and the florist has been",
        "If they are late, hold the soup and seat the walk-ins by the window",
        "Forty guests come for a wedding, everything stands ready, and with a delay the soup simply waits for them",
    ),
)
STILL = "Nothing new since this morning; please keep an eye on it tonight"
THANKS = "Read, tapped and written down before anybody had to ask. Thank you."


def plans(house: House) -> tuple[str, ...]:
    """Return the plans, as an owner publishes them."""
    cook, waiter = (house.door(name).member for name in (COOK, WAITER))
    every = "zone: Europe/Dublin\ndays: [mon, tue, wed, thu, fri, sat, sun]\nearly_minutes: 60\nlate_minutes: 60\n"
    return (
        f"v: 1\nplan: fridge\ntitle: Fridge temperature, cold room\npolicy: operational_check/v1\n{every}"
        f'times: ["10:30"]\nto: {cook}\nwork:\n  kind: check\n  task: fridge\n  place: {FRIDGE}\n  unit: °C\n'
        "  scale: 1\n  low: 0\n  high: 50\n",
        f"v: 1\nplan: bar-opening\ntitle: Opening check of the bar\npolicy: operational_check/v1\n{every}"
        f'times: ["16:30"]\nto: {waiter}\nwork:\n  kind: check\n  task: opening\n  place: {BAR}\n'
        "  unit: points of 8\n  scale: 0\n  low: 8\n  high: 8\n",
        f"v: 1\nplan: {DAY_ENDS}\ntitle: Hand over the day shift\npolicy: handover/v1\n{every}"
        f'times: ["17:00"]\nto: {waiter}\nwork:\n  kind: handover\n  site: restaurant\n'
        '  shift: "{date}-day"\n  next_shift: "{date}-evening"\n  next_after_minutes: 0\n',
    )


class Routine:
    """The week's planned work, with doors of its own random numbers."""

    def __init__(self, house: House, seed: str) -> None:
        self.house = house
        random = Random(f"{seed} routine")
        self.doors = {name: door.drawing_from(random) for name, door in house.doors.items()}
        self.first_day = house.span.size.days - DAYS

    def stage(self) -> None:
        """Let everything of the week have its time."""
        span = self.house.span
        self._at(span.at(self.first_day - 1, "20:20"), self._set_up())
        for number in range(DAYS):
            day = self.first_day + number
            if FRIDGE_READINGS[number] is not None:
                self._at(span.at(day, "10:20"), self._fridge(FRIDGE_READINGS[number] or 0))
            if number < DAYS - 1:
                self._at(span.at(day, "16:20"), self._bar())
                self._at(span.at(day, "16:42"), self._hand_over(number))
        self._at(span.at(self.first_day + 2, "18:10"), self._recognised())

    def _at(self, moment_ms: int, steps: Steps) -> None:
        self.house.play.play(steps, (moment_ms - self.house.play.now_ms) / HOUR_MS)

    # ------------------------------------------------------------------------------------------ setting it up
    def _set_up(self) -> Steps:
        owner, chef, lead = (self.doors[name] for name in (OWNERS_NAME, KITCHEN, LEAD))
        for name in PUBLISHED:
            owner.do("/policies", {"yaml": (POLICIES / f"{name}.yaml").read_text(encoding="utf-8")})
        screen = {"place": BAR, "method": "screen", "label": "Tablet at the bar"}
        chef.do("/points", screen)
        paper = {"place": FRIDGE, "method": "printed", "label": "Sheet inside the cold room door"}
        lead.do("/points", paper)
        for text in plans(self.house):
            owner.do("/plans", {"yaml": text})
        yield 0.1
        for name, ground in ((LEAD, "certified"), (KITCHEN, "teaches")):
            named = {"course": "first-aid", "member": self.house.door(name).member, "ground": ground}
            owner.do("/assessors", named)
        told = {"policy": "training/v1", "course": "first-aid", "course_version": "3"}
        self.doors[COLLEAGUE].do("/claims/training", told)
        brought = {"policy": "referral/v1", "kind": "customer", "referred": "sorcha@quay.example"}
        note = {"note": "My neighbour, who plans a birthday for thirty"}
        self.doors[COLLEAGUE].do("/claims/referral", brought | note)

    # ------------------------------------------------------------------------------------------ what is done
    def _case(self, door: Door, kind: str) -> str:
        """Return the planned case of this kind that opened last."""
        self.house.play.work()
        for row in door.get("/cases", limit="40").body["items"]:
            if row["origin"] == "schedule" and row["state"] == cases.ASSIGNED:
                told = door.get(f"/cases/{row['case']}").body
                if told["texts"][row["facts_item"]]["plan"] == kind:
                    return str(row["case"])
        raise RehearsalBroken(
            f"plan {kind}: expected a case that is due at {self.house.play.now()}, got none"
        )

    def _fridge(self, value: int) -> Steps:
        """The cook writes it down, and a colleague looks once more."""
        yield from self._looked_at_twice("fridge", COOK, KITCHEN, value)

    def _bar(self) -> Steps:
        yield from self._looked_at_twice("bar-opening", WAITER, COLLEAGUE, 8)

    def _looked_at_twice(self, plan: str, first: str, second: str, value: int) -> Steps:
        worker, other = self.doors[first], self.doors[second]
        case = self._case(worker, plan)
        worker.do(f"/cases/{case}/work/reading", {"value": value})
        yield 0.2
        other.do(f"/cases/{case}/work/reading", {"value": value})
        other.do(f"/cases/{case}/verdicts", {})

    def _hand_over(self, number: int) -> Steps:
        """The note, with all that is open; the next one reads it, in their own words, near the start of the shift."""
        house, worker, following = self.house, self.doors[WAITER], self.doors[NEXT]
        day = house.span.day(self.first_day + number)
        values = {
            "site": "hand-over", "day": day.isoformat(), "starts_at": house.play.later(0.3),
            "ends_at": house.play.later(7), "person": following.member, "status": "confirmed", "skills": [],
        }  # fmt: skip
        house.systems.send([Planned(house.play.now_ms, "shift", f"{day.isoformat()}-evening", values)])
        case = self._case(worker, DAY_ENDS)
        status, actions, contingencies, understood = NOTES[number]
        items = self._open_now(worker)
        note = {"status": status, "actions": actions, "contingencies": contingencies, "items": items}
        worker.do(f"/cases/{case}/work/handover", note)
        yield 0.35
        told = following.get(f"/cases/{case}/work/handover").body
        yield 0.1
        taken = [{"kind": one["kind"], "id": one["id"], "accepted": True} for one in items]
        answer = {"note": told["note"], "shown": told["shown"], "text": understood, "items": taken}
        following.do(f"/cases/{case}/work/read-back", answer)

    def _open_now(self, door: Door) -> list[dict[str, Any]]:
        """Return what a note has to name: all that is open and was noticed or reported."""
        until = self.house.play.later(8)
        open_states = [state for state in cases.STATES if state not in cases.ENDED]
        found = door.get("/cases", limit="200").body["items"]
        return [
            {"kind": "case", "id": row["case"], "owner": row["owner"], "due_at": until, "says": STILL}
            for row in found
            if row["origin"] in ("signal", "report") and row["state"] in open_states
        ]

    def _recognised(self) -> Steps:
        """The accountant says yes to what was done until Wednesday; what came since waits."""
        accountant = self.doors[ACCOUNTANT]
        since = instant_of(self.house.span.at(self.first_day + 2, "00:00"))
        waiting = accountant.get("/checks/waiting").body["items"]
        items = [{"case": one["case"], "binds": one["binds"]} for one in waiting if one["due_at"] < since]
        accountant.do("/checks/recognise", {"items": items, "message": THANKS})
        yield 0.1
        for row in accountant.get("/cases", limit="40").body["items"]:
            if row["award_kind"] != "handover" or row["opened_at"] >= since:
                continue
            if row["state"] == cases.RESOLVED:
                told = {"beneficiaries": [self.doors[WAITER].member], "amount_tokens": 0, "message": THANKS}
                accountant.decide(row["case"], "award", "approved", **told)
        yield 0.1  # so that they are granted today

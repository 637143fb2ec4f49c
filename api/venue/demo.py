"""Make the demo: play The Harbour House from its first morning to Friday 16:10, and say what came of it.

The same seed, date and version give the same log, root and keys included (SETTLED 7). What is left is an ordinary data
folder, with a clock file that holds the venue's now and `demo.json` that says which award the front page tells.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from api import schema
from api.cast import Door, RehearsalBroken
from api.remote import CLI_KEY_FILE
from api.settings import Settings
from api.stage import stage
from api.venue.calendar import MORNING_HOUR, NIGHT_HOUR, WHOLE, Size, Span, last_friday
from api.venue.files import CLOCK_FILE, DEMO_FILE, PROOF_NAME
from api.venue.house import House
from api.venue.opening import VENUE, open_house, switch_on
from api.venue.people import AUDITORS_NAME, OWNERS_NAME
from api.venue.records import SOURCES, Plan, Planned, make_plan
from api.venue.routine import Routine
from api.venue.scripts import Matter, claimed, reported, script_of
from api.venue.story import birthday
from api.venue.words import CLAIMS, REPORTS
from ledger.durable import replace_file

SEED = "harbour"
HOURS_BETWEEN_IMPORTS = 3
CHECKPOINT_SECONDS = 6 * 3_600
SILENT = "contracts"
"""The one system that is not heard of on the last day, so one watch cannot see."""


@dataclass(slots=True)
class Told:
    """What the demo holds; all counts are read through the API after the play."""

    log: str
    now: str
    venue: str = VENUE
    records: int = 0
    people: int = 0
    watches: dict[str, int] = field(default_factory=dict)
    """How often each watch fired."""
    on_trial: list[str] = field(default_factory=list)
    """Those of them that only count."""
    exceptions: dict[str, int] = field(default_factory=dict)
    routine: dict[str, int] = field(default_factory=dict)
    """How planned work ended."""
    awards: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    left_behind: int = 0
    steps: int = 0
    root: str = ""
    story_case: str = ""
    story_award: str = ""
    seconds: float = 0.0


def make_demo(folder: Path, day: date, seed: str = SEED, size: Size = WHOLE) -> Told:
    """Play the venue into a new data folder; its last day is the last Friday that is not after `day`.

    Raises:
        RehearsalBroken: an answer nobody scripted.
    """
    started = time.perf_counter()
    span = Span(last_friday(day), size)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    schema.upgrade(Settings(data_dir=folder).in_one_folder().url)
    drawn_from = f"{seed} {span.last} {size.days}"
    random = Random(drawn_from)
    with stage(folder, drawn_from, span.start_ms, CHECKPOINT_SECONDS) as play:
        house = open_house(play, span, random)
        members = {name: door.member for name, door in house.doors.items()}
        _play(house, make_plan(span, random, members), Routine(house, drawn_from))
        house.play.client.post(
            "/api/v1/log/checkpoint",
            headers={
                "Authorization": f"Bearer {house.owner_key}",
                "Idempotency-Key": "sealed-for-the-evening",
            },
        ).raise_for_status()
        told = _told(house)
        replace_file(folder / CLI_KEY_FILE, house.owner_key.encode())
        replace_file(folder / PROOF_NAME, _proof(house, told.story_award))
    told.seconds = time.perf_counter() - started
    replace_file(folder / CLOCK_FILE, (told.now + "\n").encode())
    replace_file(folder / DEMO_FILE, json.dumps(asdict(told), indent=1, sort_keys=True).encode())
    return told


def _play(house: House, plan: Plan, routine: Routine) -> None:
    """1. the weeks before, a batch a day  2. the watches go on  3. hour by hour to the end"""
    play, span = house.play, house.span
    changes = iter(plan.changes)
    waiting: list[Planned] = []

    def due(until_ms: int) -> list[Planned]:
        for change in changes:
            waiting.append(change)
            if change.at_ms > until_ms:
                break
        ready = [change for change in waiting if change.at_ms <= until_ms]
        del waiting[: len(ready)]
        return ready

    house.systems.send(due(span.start_ms))
    for day in range(span.size.quiet_days):
        play.pass_to(span.at(day, "23:30"))
        house.systems.send(due(play.now_ms))
    play.move_to(span.watch_ms)
    switch_on(house)
    _plan_reports(house)
    routine.stage()
    seen: set[str] = set()
    for moment in _hours(span):
        while (act := play.next_act_ms()) is not None and act < moment:
            play.move_to(act)
            play.act()
        play.pass_to(moment)
        house.systems.send(due(moment))
        if moment == span.end_ms:
            house.systems.call_in([source for source in SOURCES if source != SILENT], moment)
        play.work()
        _find_new(house, plan, seen)
        play.act()


def _hours(span: Span) -> Iterator[int]:
    """Yield the moments at which the venue's systems tell what is new: every three hours of the day."""
    yield span.watch_ms
    for day in range(span.size.quiet_days, span.size.days):
        for hour in range(MORNING_HOUR, NIGHT_HOUR, HOURS_BETWEEN_IMPORTS):
            moment = span.at(day, f"{hour:02d}:10")
            if span.watch_ms < moment < span.end_ms:
                yield moment
    yield span.end_ms


def _plan_reports(house: House) -> None:
    size = house.span.size
    days = size.days - size.quiet_days - 4
    reports, claims = (REPORTS, CLAIMS) if size.whole else (REPORTS[:2], CLAIMS[:1])
    for number, note in enumerate(reports):
        after = 24.0 * (1 + number * days / len(reports)) + 3 + number
        house.stage(reported(house, note, forgotten=number == 2), after)
    for number, (note, thing, suggestion) in enumerate(claims):
        house.stage(claimed(house, note, thing, suggestion), 24.0 * (4 + 9 * number) + 5)


def _find_new(house: House, plan: Plan, seen: set[str]) -> None:
    """Let the script of every exception that has just been noticed begin."""
    owner = house.door(OWNERS_NAME)
    for row in owner.get("/cases", limit="20").body["items"]:
        case = row["case"]
        if case in seen:
            break
        seen.add(case)
        if row["origin"] != "signal" or row["playbook"] is None or row["subject_item"] is None:
            continue
        texts = owner.get(f"/cases/{case}").body["texts"]
        subject = texts[row["subject_item"]]
        incident = plan.incidents.get((subject["kind"], subject["id"]))
        fate = "false" if incident is None else incident.fate
        value = row["value"]["amount_minor"] if row["value"] else 0
        customer = str(subject.get("customer") or "")
        matter = Matter(case, subject["kind"], subject["id"], customer, row["playbook"], value)
        script = birthday(house, matter) if fate == "story" else script_of(house, matter, fate)
        house.stage(script, 0.2)


# ---------------------------------------------------------------------------------------------- what came of it
ENDS = {
    "case_opened": "open", "case_reopened": "open", "case_cleared": "sorted themselves out",
    "case_expired": "missed",
}  # fmt: skip
PLANNED_ENDS = {"work_reported": "done", "case_expired": "missed"}
CLAIMED = ("training", "referral")
REASONS = {"done": "solved and recognised", "false_alarm": "false alarms"}


def _told(house: House) -> Told:
    """Read through the same door as everybody what came of it."""
    reader = house.door(AUDITORS_NAME)
    told = Told(log=house.log, now=house.play.now())
    ends, routine = _ends(reader)
    told.exceptions, told.routine = dict(sorted(ends.items())), dict(sorted(routine.items()))
    awards: Counter[str] = Counter()
    for row in _all(reader, "/awards"):
        open_question = row["held_by"] or reader.get(f"/cases/{row['case']}").body["case"]["dispute"]
        state = "questioned" if open_question and row["state"] == "provisional" else row["state"]
        awards[AWARD_WORDS[state]] += 1
        if row["case"] == house.story_case:
            told.story_award, state_of_story = row["award"], row["state"]
            if state_of_story != "settled":
                raise RehearsalBroken(f"story: expected a settled award, got {state_of_story}")
    if not told.story_award:
        raise RehearsalBroken("story: expected an award, got none")
    for row in reader.get("/playbooks").body["items"]:
        told.watches[row["playbook"]] = row["noticed"]
        if row["mode"] == "shadow":
            told.on_trial.append(row["playbook"])
    head = reader.get("/log").body
    told.awards = dict(sorted(awards.items()))
    told.refused, told.attempts = dict(sorted(house.tally.refused.items())), house.tally.attempts
    told.left_behind = len(house.tally.left_behind)
    told.records, told.people, told.story_case = house.systems.sent, len(house.doors), house.story_case
    told.steps, told.root = int(head["size"]), str(head["root"])
    return told


AWARD_WORDS = {
    "settled": "yours for good", "provisional": "waiting", "questioned": "questioned",
    "declined": "ended while waiting",
    "revoked": "taken back",
}  # fmt: skip


def _proof(house: House, award: str) -> bytes:
    """Return the bundle of the story's award, under a checkpoint that covers all of it."""
    headers = {"Authorization": f"Bearer {house.owner_key}"}
    path = f"/api/v1/awards/{award}/bundle"
    answer = house.play.client.get(path, params={"private": "true"}, headers=headers)
    if answer.status_code != 200:
        raise RehearsalBroken(f"GET {path}: expected 200, got {answer.status_code} {answer.text[:200]}")
    return answer.content


def _ends(reader: Door) -> tuple[Counter[str], Counter[str]]:
    """Return how the exceptions ended, and how planned work did, by the last entry that says so; without one they are
    open. What people claim of courses and of whom they brought is neither."""
    last: dict[str, str] = {}
    planned: dict[str, str] = {}
    claimed = {row["case"] for row in _all(reader, "/cases") if row["award_kind"] in CLAIMED}
    following: int | None = 0
    while following is not None:
        page = reader.get("/log/entries", **{"from": str(following), "limit": "1000"}).body
        for item in page["items"]:
            entry = item["entry"]
            kind, case = entry["kind"], entry["case"]
            if kind == "case_opened" and entry["body"]["origin"] == "schedule":
                planned[case] = "due"
            if case in planned:
                planned[case] = PLANNED_ENDS.get(kind, planned[case])
                continue
            reason = str(entry["body"].get("reason_code"))
            word = REASONS.get(reason, "looked after") if kind == "case_closed" else ENDS.get(kind)
            if word is not None and case not in claimed:
                last[case] = word
        following = page["next_seq"]
    return Counter(last.values()), Counter(planned.values())


def _all(door: Door, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = door.get(path, limit="200", **({"cursor": cursor} if cursor else {})).body
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return

"""`tallystick simulate EXAMPLE DATA --days N`: a business on real records, its clock moved, through the real server.

Records become known when their mapping says so; watches open cases; scripted people work, decide, cheat and are
refused; verifiers judge; awards are granted and settle. It ends with a table and both audits.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from api import schema
from api.auditing import Audited, audit_database, vault_of
from api.cast import Cast, Door, Lines, Matter, RehearsalBroken, Steps, Tally, solve
from api.settings import Settings
from api.stage import HOUR_MS, Stage, stage
from ledger.clock import instant_of, unix_ms_of
from ledger.reader import LogReader
from ledger.store import open_store
from playbooks.backtest import load_example
from playbooks.importers import Reading, read_changes
from playbooks.world import RecordChange

BATCH_RECORDS_MAX = 500
DAYS_MAX = 400
DAY_MS = 24 * HOUR_MS
BACKLOG_DAYS = 30
"""Records known that long before the first day are there when it begins; older versions nobody needs."""
TOKENS = 8
BUDGET_TOKENS = 100_000
LITTLE = {"amount_minor": 1_000, "currency": "EUR"}


@dataclass(slots=True)
class Report:
    """What a simulation did. `refused` counts refusals by code; `root` is hex."""

    log: str
    days: int
    first_day: str
    records: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    replays: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    awards: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    cheats: Counter[str] = field(default_factory=Counter)
    left_behind: list[str] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    entries: int = 0
    root: str = ""
    checkpoints: int = 0
    seconds: float = 0.0
    audited: Audited | None = None

    @property
    def refused_count(self) -> int:
        """Return how many attempts were refused."""
        return sum(self.refused.values())


def simulate(
    example: Path, data: Path, days: int, folder: Path, first_day: str | None = None, seed: str = "1"
) -> Report:
    """Play `days` days of `data` in a new data folder and return what happened.

    Raises:
        PlaybookError: the example or the file is not what it should be.
        RehearsalBroken: an answer nobody scripted.
    """
    started = time.perf_counter()
    script = load_example(example)
    if script.mapping is None:
        raise RehearsalBroken(f"{example}: expected a mapping.yaml, got none")
    read = read_changes(script.mapping, data)
    start_ms = _start(read, len(script.mapping.changes) - 1, first_day)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    schema.upgrade(Settings(data_dir=folder).in_one_folder().url)
    random = Random(seed)
    with stage(folder, seed, start_ms - DAY_MS) as play:
        tally = Tally()
        log, cast = _prepare(play, example, script.mapping.source, random, tally)
        zone = script.mapping.changes[-1].at.zone
        report = Report(log, days, str(datetime.fromtimestamp(start_ms / 1000, zone).date()))
        _run(play, cast, read, script.mapping.source, start_ms, start_ms + days * DAY_MS, report)
        _read_results(cast, report)
    report.attempts, report.replays, report.decided = tally.attempts, tally.replays, tally.decided
    report.refused, report.cheats, report.left_behind = tally.refused, tally.cheats, tally.left_behind
    report.audited = audit_data_folder(folder, log)
    report.seconds = time.perf_counter() - started
    return report


def _start(read: Reading, last_change: int, first_day: str | None) -> int:
    """Return where the play begins: the day asked for, else the first time a record sees its last kind of change (an
    arrival).

    Raises:
        RehearsalBroken: the day is none, or the file has no such change.
    """
    if first_day is not None:
        try:
            return unix_ms_of(f"{first_day}T00:00:00.000Z")
        except ValueError as error:
            raise RehearsalBroken(f"--from: expected a day like 2015-07-01, got {first_day}") from error
    ends = [change.known_ms for change in read.changes() if change.order == last_change]
    if not ends:
        raise RehearsalBroken("expected a file with records that come to an end, got none")
    return min(ends)


def _prepare(play: Stage, example: Path, source: str, random: Random, tally: Tally) -> tuple[str, Cast]:
    """Open the organisation: people, powers, keys, what is watched, a budget of two people."""
    opened = play.open_organisation(example.name, "Marta")
    owner = Door(play.client, opened.key, opened.member, "Marta", random, tally)
    tally.head = lambda: int(owner.get("/log").body["size"])

    def join(name: str, *roles: str) -> Door:
        member = owner.do("/members", {"name": name, "roles": list(roles)}).ids["member"]
        return _door(owner, play, member, name, random, tally)

    staff = tuple(join(name, "staff") for name in ("Ana", "Ben", "Chi", "Dalia"))
    managers = tuple(join(name, "manager") for name in ("Dev", "Eun-ji"))
    junior = join("Farid", "manager")
    accountant = join("Ines", "outsider")
    charter = {
        "responsibility": "Suggests what to do about rooms",
        "may_read": ["booking"],
        "may_propose": ["offer_the_promised_room"],
    }
    watcher = owner.do("/agents", {"name": "Room watcher", "charter": charter, "answers_to": owner.member})
    agent_id = watcher.ids["member"]
    agent = _door(owner, play, agent_id, "Room watcher", random, tally)
    for door in (owner, *managers):
        owner.do("/authorities", {"member": door.member, "about": "action"})
    owner.do("/authorities", {"member": junior.member, "about": "action", "amount_max": LITTLE})
    for door in (owner, accountant):
        owner.do(
            "/authorities", {"member": door.member, "about": "award", "second_person": door is accountant}
        )
    owner.do("/kinds", {"yaml": (example / "kinds.yaml").read_text(encoding="utf-8")})
    for path in sorted((example / "policies").glob("*.yaml")):
        owner.do("/policies", {"yaml": path.read_text(encoding="utf-8")})
    for path in sorted((example / "playbooks").glob("*.yaml")):
        owner.do("/playbooks", {"yaml": path.read_text(encoding="utf-8"), "mode": "live"})
    kinds = [item["kind"] for item in _kinds(owner)]
    declared = {"party": f"source:{source}"}  # made-up records: nobody among the made-up people writes them
    owner.do("/sources", {"source": source, "kinds": kinds, "controllers": declared})
    budget = owner.do("/budgets", {"amount_tokens": BUDGET_TOKENS, "purpose": "Service put right"}).ids[
        "budget"
    ]
    owner.cheat(
        f"/budgets/{budget}/approve",
        {"amount_tokens": BUDGET_TOKENS},
        ("second_person_needed",),
        tried="budget of one person",
    )
    accountant.do(f"/budgets/{budget}/approve", {"amount_tokens": BUDGET_TOKENS})
    return opened.log, Cast(
        play.client, owner, managers, junior, staff, accountant, agent, budget, random, tally
    )


def _kinds(owner: Door) -> list[dict[str, str]]:
    content: Mapping[str, Any] = owner.get("/kinds").body["items"][0]["content"]
    return [{"kind": name} for name in sorted(content["kinds"])]


def _door(owner: Door, play: Stage, member: str, name: str, random: Random, tally: Tally) -> Door:
    key = owner.do("/keys", {"member": member}).body["secret"]
    return Door(play.client, key, member, name, random, tally)


def _run(
    play: Stage, cast: Cast, read: Reading, source: str, start_ms: int, end_ms: int, report: Report
) -> None:
    """Let records come in and people act, in order of time, to the end."""
    ends: dict[str, int] = {}
    seen: set[str] = set()
    days = 0
    batches = _batches(read, start_ms, end_ms, ends)
    pending = next(batches, None)
    while True:
        act_ms = play.next_act_ms()
        moments = [moment for moment in (act_ms, pending[0] if pending else None) if moment is not None]
        if not moments or min(moments) > end_ms:
            break
        play.move_to(min(moments))
        if pending is not None and pending[0] <= play.now_ms:
            for chunk in pending[1]:
                told = cast.owner.do(f"/sources/{source}/records:batch", {"records": chunk})
                report.records += int(told.body["imported"])
            play.work()
            pending = next(batches, None)
            _others(play, cast, days)
            days += 1
        _find_new(play, cast, seen, ends)
        play.act()
    play.move_to(end_ms)


def _batches(
    read: Reading, start_ms: int, end_ms: int, ends: dict[str, int]
) -> Iterator[tuple[int, list[list[dict[str, Any]]]]]:
    """Yield (moment, chunks of records): what was known before the first day at once, then as it becomes known."""
    in_time = (
        change for change in read.changes() if start_ms - BACKLOG_DAYS * DAY_MS <= change.known_ms < end_ms
    )
    for moment, group in groupby(in_time, key=lambda change: max(change.known_ms, start_ms)):
        records = []
        for change in group:
            ends[change.id] = max(ends.get(change.id, 0), change.known_ms)
            records.append(_record(change))
        yield (
            moment,
            [records[at : at + BATCH_RECORDS_MAX] for at in range(0, len(records), BATCH_RECORDS_MAX)],
        )


def _record(change: RecordChange) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "id": change.id,
        "event_at": instant_of(change.event_ms),
        "known_at": instant_of(change.known_ms),
        "order": change.order,
        "values": dict(change.values),
        "subject": change.subject,
    }


def _find_new(play: Stage, cast: Cast, seen: set[str], ends: Mapping[str, int]) -> None:
    """Give every case that has just been opened to somebody, and let its script begin."""
    for row in cast.owner.get("/cases", limit="100").body["items"]:  # the latest opened first
        case = row["case"]
        if case in seen:
            break
        seen.add(case)
        told = cast.owner.get(f"/cases/{case}").body
        subject = told["texts"].get(row["subject_item"] or "") or {}
        who = cast.random.choice((*cast.staff, *cast.managers[:1]))
        cast.owner.do(f"/cases/{case}/owner", {"owner": who.member, "reason_code": "handed_over"})
        matter = Matter(
            case, who.member, str(subject.get("kind", "")), str(subject.get("id", "")),
            str(subject.get("customer") or ""), play.now(),
        )  # fmt: skip
        play.play(_script(play, cast, matter, row["origin"], ends), 8 + 6 * cast.random.random())


def _script(play: Stage, cast: Cast, matter: Matter, origin: str, ends: Mapping[str, int]) -> Steps:
    if origin == "signal" and cast.random.random() >= 0.1:
        return solve(cast, matter, _lines(play, ends), play.later)
    return _without_recognition(cast, matter, play)


def _lines(play: Stage, ends: Mapping[str, int]) -> Lines:
    def until_record(matter: Matter) -> float:
        # The stay's last change becomes known some day; nobody reads it before.
        return max(0.0, (ends.get(matter.subject, 0) + HOUR_MS - play.now_ms) / HOUR_MS)

    value = {"amount_minor": 4000, "currency": "EUR"}
    text = "Move the guest to the room that was promised"
    return Lines(
        "offer_the_promised_room", text, value, "You kept our promise. Thank you.", TOKENS, 20, until_record
    )


def _without_recognition(cast: Cast, matter: Matter, play: Stage) -> Steps:
    """Looked at, and nothing to it: closed as a false alarm, or forgotten and escalated by itself."""
    worker = cast.of(matter.owner)
    yield 1.0
    if cast.owner.get(f"/cases/{matter.case}").body["case"]["state"] == "ASSIGNED":
        worker.do(f"/cases/{matter.case}/acknowledge", {"until": play.later(4)})
    yield 1.0
    cast.managers[0].do(f"/cases/{matter.case}/close", {"reason_code": "false_alarm"})


def _others(play: Stage, cast: Cast, number: int) -> None:
    """Every third day somebody reports what no watch can see, every fifth somebody claims what no watch saw."""
    if number % 3 == 0:
        reporter = cast.random.choice(cast.staff)
        reporter.do("/reports", {"note": "The lift stops between two floors"})
    if number % 5 == 0:
        claimant = cast.random.choice(cast.staff)
        claimant.do("/claims", {
            "note": "A guest lost a ring; I found it in the laundry",
            "award_kind": "service_issue",
            "policy": "service_issue/v2",
            "subject": {"kind": "lost_item", "id": f"ring-{play.now_ms}"},
            "suggestion": {"action": "return_it", "text": "Hand it over at the front desk"},
        })  # fmt: skip


def _read_results(cast: Cast, report: Report) -> None:
    """Read what came of it through the same door as everybody."""
    for row in _all(cast.owner, "/cases"):
        report.opened[row["origin"]] += 1
        report.states[row["state"]] += 1
    for row in _all(cast.owner, "/awards"):
        report.awards[row["state"]] += 1
    names = {row["member"]: row["name"] for row in cast.owner.get("/members").body["items"]}
    for row in cast.owner.get("/accounts").body["items"]:
        parts = row["account"].split("/")
        shown = f"{names.get(parts[1], parts[1])} {parts[2]}" if parts[0] == "member" else parts[0]
        report.tokens[shown] = int(row["balance_tokens"])
    head = cast.owner.get("/log").body
    report.entries, report.root = int(head["size"]), str(head["root"])


def _all(door: Door, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = door.get(path, limit="200", **({"cursor": cursor} if cursor else {})).body
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def audit_data_folder(folder: Path, log: str) -> Audited:
    """Run both audits over the database and vault of a data folder, as `tallystick audit FOLDER` does."""
    settings = Settings(data_dir=folder).in_one_folder()

    async def work() -> Audited:
        store = open_store(settings.url)
        try:
            return await audit_database(LogReader(store.reader, log), vault_of(settings, log), None, ())
        finally:
            await store.close()

    return asyncio.run(work())

"""What stands on the page of routine work for its reader: looked up here, put into words in routine_words.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from api.dossiers import Dossier, dossiers
from api.pages.assessors import named_for
from api.pages.cards import People, title_of, was_found_lacking
from api.pages.doors import Seen
from api.pages.missing_words import Lacking, lacking_of
from api.pages.possible import DONE, EVIDENCE, LINK, PROPOSE
from api.pages.routine_words import (
    HANDOVER,
    NOTE,
    REFERRAL,
    TRAINING,
    BackForm,
    ResultForm,
    Routine,
    assesses,
    brings_result,
    course_said,
    handed_said,
    has_result,
    note_form,
    note_of,
    reads_back,
    referral_said,
    says_done,
    work_of,
    writes_note,
)
from api.pages.words import Words
from api.rooms import Rooms
from api.whose import whose
from api.workbench import RESULT_KIND, exceptions_open
from casework import cases, tables
from casework.people import AGENT
from ledger.codec import loads
from ledger.errors import Refused
from playbooks.tables import record as records
from playbooks.tables import record_version

RESULTS_MAX = 200
"""Versions of records of courses looked through for those of one person."""
STEP_NAMES = {EVIDENCE: "bring", LINK: "link", PROPOSE: "suggest", DONE: "done"}
"""Steps of possible.py -> as missing_words.py calls them."""


async def routine_of(
    seen: Seen, dossier: Dossier, people: People, key: str, opened: str, typed: Mapping[str, str]
) -> Routine | None:
    """Return what stands on the page of routine work for this reader, None: it is another sort of case."""
    kind, words, member = work_of(dossier), seen.frame.words, seen.caller.member
    begun = Routine(key=key, opened=opened)
    if kind == HANDOVER:
        return await _handover(seen, dossier, people, begun, typed)
    if kind == TRAINING:
        mine = brings_result(dossier, member)
        return Routine(
            key=key,
            opened=opened,
            said=course_said(dossier, words) if mine else None,
            result_form=await _results(seen, typed) if mine else None,
            done=says_done(dossier, member) and has_result(dossier),
            assess=people.name(str(dossier.case["opened_by"]), words)
            if assesses(dossier, member, await named_for(seen.rooms.rows, member))
            else "",
        )
    if kind == REFERRAL:
        mine = dossier.case["opened_by"] == member
        said = referral_said(dossier, words) if mine else None
        return Routine(key=key, opened=opened, said=said, done=says_done(dossier, member))
    return begun if kind else None


async def _handover(
    seen: Seen, dossier: Dossier, people: People, begun: Routine, typed: Mapping[str, str]
) -> Routine:
    rooms, words, member = seen.rooms, seen.frame.words, seen.caller.member
    open_now = await exceptions_open(rooms) if writes_note(dossier, member) else []
    items = [item for item in dossier.live if item["type"] == NOTE]
    facts = (dossier.text(items[-1], "facts_item") if items else None) or {}
    wanted = {one["id"] for one in open_now} | {one["id"] for one in facts.get("items", ())}
    titles = await _titles(rooms, wanted, words)
    note = note_of(dossier, people, titles, words)
    if note is not None:
        answered = (replace(one, taken=typed.get(f"taken-{one.key}", "")) for one in note.things)
        note = replace(note, things=tuple(answered))
    next_one, unknown_name = await _next_one(seen, dossier, people)
    back = None
    if note is not None and reads_back(dossier, member):
        shown = _shown(seen, dossier.id, note.evidence, typed.get("shown", ""))
        back = BackForm(shown, typed.get("text", ""), next_one, unknown_name)
    form = None
    if writes_note(dossier, member):
        form = note_form(dossier, open_now, titles, await _people_here(rooms, people, words), typed, words)
    return Routine(
        key=begun.key,
        opened=begun.opened,
        said=handed_said(dossier, member, people, next_one, words),
        note=note,
        note_form=form,
        back_form=back,
    )


def _shown(seen: Seen, case: str, note: str, token: str) -> str:
    """Return the token of the note's first look: the one of a refused form while it holds, else one of now."""
    desk = seen.rooms.desk
    try:
        desk.note_opened(seen.who, case, note, token)
    except Refused:
        return desk.note_shown(seen.who, case, note)
    return token


async def _titles(rooms: Rooms, ids: set[str], words: Words) -> dict[str, str]:
    found = await rooms.rows.find(tables.case_file, {"case": sorted(ids)}) if ids else []
    return {one.id: title_of(one, words) for one in await dossiers(rooms.rows, found)}


async def _next_one(seen: Seen, dossier: Dossier, people: People) -> tuple[str, str]:
    """Return whom the rota has on the next shift, "" where no record says; and the rota's name for them where nobody
    said who that is."""
    shift = str(dossier.facts().get("next_shift") or "")
    policy = dossier.case["policy"] and await seen.rooms.rows.one(
        tables.policy, policy=dossier.case["policy"]
    )
    field = loads(policy["content"])["parameters"].get("person_field", "person") if policy else "person"
    row = await seen.rooms.rows.one(records, kind="shift", record=shift)
    value = None if row is None else await seen.rooms.rows.open(row["item"])
    said = None if value is None else value["values"].get(field)
    if value is None or not said:
        return "", ""
    linked = (await whose(seen.rooms)).member(str(value.get("source")), said)
    name = people.names.get(linked or str(said), "")
    return name, "" if name else str(said)


async def _people_here(rooms: Rooms, people: People, words: Words) -> tuple[tuple[str, str], ...]:
    found = await rooms.rows.find(tables.member, {"active": 1})
    named = [
        (str(row["member"]), people.name(row["member"], words))
        for row in found
        if AGENT not in loads(row["roles"])
    ]
    return tuple(sorted(named, key=lambda one: one[1].casefold()))


async def _results(seen: Seen, typed: Mapping[str, str]) -> ResultForm:
    """Return the results that came in under an account of the reader."""
    rooms, words = seen.rooms, seen.frame.words
    links = await rooms.rows.find(tables.account_link, {"member": seen.caller.member})
    mine = {(row["source"], row["account"]) for row in links}
    found = await rooms.rows.find(record_version, {"kind": RESULT_KIND}, limit=RESULTS_MAX) if mine else []
    opened = await rooms.rows.open_all(row["item"] for row in found)
    told: dict[str, str] = {}
    for row in sorted(found, key=lambda row: str(row["event_at"]), reverse=True):
        values = (opened.get(row["item"]) or {}).get("values", {})
        hashed = rooms.vault.fingerprint("account", str(row["source"]), str(values.get("account")))
        if (row["source"], hashed) in mine:
            said = f"{values.get('course') or row['record']}, {words.moment(str(row['event_at']))}"
            told.setdefault(str(row["record"]), said)
    return ResultForm(tuple(told.items()), typed.get("record", ""))


async def lacking(seen: Seen, dossier: Dossier, can: frozenset[str]) -> tuple[Lacking, ...]:
    """Return what the latest verdict found missing, nothing once something came after it or it is recognised."""
    verdict, row = dossier.verdict, dossier.case
    if verdict is None or row["award"] is not None or row["state"] in cases.ENDED:
        return ()
    if not was_found_lacking(dossier):
        return ()
    output = await seen.rooms.rows.open(verdict["output_item"]) if verdict["output_item"] else None
    return () if output is None else lacking_of(output["checks"], dossier.id, can, seen.frame.words)


def steps_of(can: frozenset[str]) -> frozenset[str]:
    """Return the steps that stand on the page, as missing_words.py calls them."""
    return frozenset(STEP_NAMES[step] for step in can if step in STEP_NAMES)

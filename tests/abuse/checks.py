"""Abuses of checks: numbers written in the office, taps made or kept elsewhere, failures kept quiet."""

from __future__ import annotations

from tests.abuse.flows import (
    Issue,
    Round,
    honest_check,
)
from tests.abuse.ground import HOUR, MINUTE, TAG_KEYS, Ground
from tests.abuse.register import abuse
from tests.casework.tags import Tag

Deserved = dict[str, int]
NOTHING: Deserved = {}
CHECKS = "Timely operational check"


# ---------------------------------------------------------------------------------------------- checks
@abuse(CHECKS, "a number written in the office", "staff")
async def from_the_office(g: Ground) -> Deserved:
    await (await Round(g).due()).read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "replayed tap: the one of yesterday", "staff")
async def replayed_tap(g: Ground) -> Deserved:
    await honest_check(g)
    await g.believed()
    again = await Round(g).due()
    await (await again.tapped(counter=g.taps)).read()
    await g.believed()
    return {"staff": 1}


@abuse(CHECKS, "a tap kept for later: with an older counter", "staff")
async def kept_tap(g: Ground) -> Deserved:
    g.taps = 5
    await honest_check(g)
    await g.believed()
    again = await Round(g).due()
    await (await again.tapped(counter=3)).read()
    await g.believed()
    return {"staff": 1}


@abuse(CHECKS, "a copy of the tag, without its keys", "staff")
async def cloned_tag(g: Ground) -> Deserved:
    it = await Round(g).due()
    await (await it.tapped(tag=g.tag.cloned(file_key="00" * 16))).read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a counter made up: another tag's signature", "staff")
async def other_tag(g: Ground) -> Deserved:
    it = await Round(g).due()
    await (await it.tapped(tag=g.tag.cloned(uid="04ffffffffffff"))).read()
    await g.believed()
    return NOTHING


async def screen_of(g: Ground, place: str = "cold-room") -> tuple[str, dict[str, str]]:
    """Put up a screen with a code; return where its code is asked for, and by which device."""
    body = {"place": place, "method": "screen", "label": "Screen"}
    point = (await g.must("/points", "manager", body))["ids"]["point"]
    shared = await g.must("/devices", "owner", {"label": "Screen"})
    return f"/devices/here/code?point={point}", {"X-Device-Token": shared["token"]}


@abuse(CHECKS, "photographed QR: the code of a screen, sent by a colleague", "staff", "second")
async def photographed_code(g: Ground) -> Deserved:
    shows, device = await screen_of(g)
    it = await Round(g).due()
    code = (await g.at.ask("GET", f"/api/v1{shows}", headers=device)).json()["code"]
    g.at.wait(5 * MINUTE)
    await g.post(f"/cases/{it.case}/evidence/check-in", "staff", {"code": code})
    await it.read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a code on paper, photographed once and for all", "staff")
async def printed_code(g: Ground) -> Deserved:
    body = {"place": "cold-room", "method": "printed", "label": "Paper"}
    point = (await g.must("/points", "manager", body))["ids"]["point"]
    code = (await g.ask("GET", f"/points/{point}/code", "owner")).json()["code"]
    it = await Round(g).due()
    await g.post(f"/cases/{it.case}/evidence/check-in", "staff", {"code": code})
    await it.read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a colleague taps for me", "staff", "second")
async def colleague_taps(g: Ground) -> Deserved:
    it = await (await Round(g).due()).tapped("second")
    await it.read("staff")
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a tap at another place", "staff")
async def another_place(g: Ground) -> Deserved:
    bar = Tag(f"05{g.tag.uid[2:]}", TAG_KEYS["meta_key"], TAG_KEYS["file_key"])
    await g.must("/points", "manager", {"place": "bar", "method": "nfc", "uid": bar.uid.upper(), **TAG_KEYS})
    it = await (await Round(g).due()).tapped(tag=bar)
    await it.read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "in two places at once", "staff")
async def two_places(g: Ground) -> Deserved:
    bar = Tag(f"05{g.tag.uid[2:]}", TAG_KEYS["meta_key"], TAG_KEYS["file_key"])
    await g.must("/points", "manager", {"place": "bar", "method": "nfc", "uid": bar.uid.upper(), **TAG_KEYS})
    it = await (await Round(g).due()).tapped(tag=bar)
    g.at.wait(5)
    await (await it.tapped()).read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "back-dated: a tap of the evening that says it was noon", "staff")
async def back_dated_tap(g: Ground) -> Deserved:
    it = await Round(g).due()
    noon = g.now
    g.at.wait(8 * HOUR)
    await (await it.tapped(at=noon)).read(read_at=noon)
    await g.believed()
    return NOTHING


@abuse(CHECKS, "all of a day's checks ticked at its end", "staff")
async def ticked_late(g: Ground) -> Deserved:
    it = await Round(g).due()
    g.at.wait(8 * HOUR)
    await (await it.tapped()).read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a fridge too warm, and nothing said", "staff")
async def failure_kept_quiet(g: Ground) -> Deserved:
    it = await (await Round(g).due()).tapped()
    await it.read(value=92)
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a bad number replaced by a good one", "staff")
async def reading_replaced(g: Ground) -> Deserved:
    it = await (await Round(g).due()).tapped()
    await it.read(value=92)
    for item in (await g.case(it.case))["evidence"]:
        path = f"/cases/{it.case}/evidence/{item['evidence']}/withdraw"
        await g.post(path, "staff", {"reason_code": "mistaken"})
    await it.read(value=34)
    await g.believed()
    return NOTHING


@abuse(CHECKS, "the second look is one's own, by a second account", "staff")
async def twin_rechecks(g: Ground) -> Deserved:
    it = await (await Round(g).due()).read()
    await it.read("twin")
    await g.believed()
    return NOTHING


@abuse(CHECKS, "the second look says otherwise, and the check is claimed all the same", "staff")
async def contradicted(g: Ground) -> Deserved:
    it = await (await (await Round(g).due()).tapped()).read()
    await it.read("second", value=90)
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a check that nobody planned", "staff")
async def unplanned(g: Ground) -> Deserved:
    issue = await Issue(g).claimed(award_kind="operational_check", policy="operational_check/v1")
    if issue.case:
        await (await issue.agreed()).acted()
        it = Round(g, issue.case)
        await (await it.tapped()).read()
        await issue.finished()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a tag of one's own", "staff")
async def own_tag(g: Ground) -> Deserved:
    mine = Tag(f"06{g.tag.uid[2:]}", TAG_KEYS["meta_key"], TAG_KEYS["file_key"])
    body = {"place": "cold-room", "method": "nfc", "uid": mine.uid.upper(), **TAG_KEYS}
    await g.post("/points", "staff", body)
    it = await (await Round(g).due()).tapped(tag=mine)
    await it.read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "a tag that somebody carried to the office", "staff")
async def moved_tag(g: Ground) -> Deserved:
    await g.must(f"/points/{g.point}/doubt", "second", {"note": "It is on the desk in the office"})
    it = await (await Round(g).due()).tapped()
    await it.read()
    await g.believed()
    return NOTHING


@abuse(CHECKS, "whoever registered the tag signs a tap for themselves, at the desk", "manager")
async def own_keys(g: Ground) -> Deserved:
    it = await (await Round(g).due()).tapped("manager")
    await it.read("manager")
    await g.believed()
    return NOTHING


@abuse(CHECKS, "somebody else's check: tapped and read by two", "staff", "second")
async def two_half_checks(g: Ground) -> Deserved:
    it = await (await Round(g).due()).tapped("staff")
    await it.read("second")
    await g.believed()
    return NOTHING

"""Abuses of routine work: checks from the office, hand-overs of phrases, courses clicked through, friends referred."""

from __future__ import annotations

from typing import Any

from ledger.clock import instant_of, unix_ms_of
from tests.abuse.flows import (
    NOTE,
    Handing,
    Issue,
    Referral,
    Round,
    course_of,
    enrolled,
    honest_check,
    honest_course,
    result,
)
from tests.abuse.ground import DAY, HOUR, MINUTE, TAG_KEYS, Ground
from tests.abuse.issues import photo_of, shown_file
from tests.abuse.mails import GUESTS, OTHERS, mail, sent, signed
from tests.abuse.register import abuse
from tests.casework.tags import Tag
from tests.mail_signer import sign

Deserved = dict[str, int]
NOTHING: Deserved = {}
CHECKS, HANDOVERS, TRAINING, REFERRALS = (
    "Timely operational check",
    "Accurate hand-over",
    "Completed training",
    "Approved referral",
)


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


# ---------------------------------------------------------------------------------------------- hand-over
@abuse(HANDOVERS, "boilerplate: phrases, while a complaint is open", "staff")
async def boilerplate(g: Ground) -> Deserved:
    await Issue(g).arises()
    it = await (await Handing(g).due()).written(items=[])
    await it.read_back(items=[])
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "one of two open things is left out", "staff")
async def left_out(g: Ground) -> Deserved:
    for name in ("c-1", "c-2"):
        await Issue(g, name, guest=f"{name}@quay.example").arises()
    it = await Handing(g).due()
    first = next(one for one in await g.cases() if one["origin"] == "signal")
    due = f"{g.now[:10]}T20:00:00Z"
    item = {"kind": "case", "id": first["case"], "owner": first["owner"], "due_at": due, "says": "Still open"}
    await (await it.written(items=[item])).read_back()
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "back-dated: written when the shift was long over", "staff")
async def back_dated(g: Ground) -> Deserved:
    it = await Handing(g).due(minutes=70)
    await (await it.written()).read_back()
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "whoever writes reads it back", "staff")
async def reads_own(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written()
    await it.read_back("staff")
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "whoever writes reads it back by a second account", "staff")
async def twin_reads(g: Ground) -> Deserved:
    it = await (await Handing(g).due(next_person="twin")).written()
    await it.read_back("twin")
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "a friend who is not on the next shift reads it back", "staff", "second")
async def off_duty(g: Ground) -> Deserved:
    it = await (await Handing(g).due(next_person="manager")).written()
    await it.read_back("second")
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "the note is copied into the read-back", "staff", "second")
async def copied(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written()
    await it.read_back(text=" ".join(NOTE.values()))
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "rubber stamp: all clear", "staff", "second")
async def rubber_stamp(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written()
    await it.read_back(text="All clear, thanks")
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "clicked away in five seconds", "staff", "second")
async def clicked_away(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written()
    await it.read_back(wait=5)
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "read back the next morning", "staff", "second")
async def read_too_late(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written()
    await it.read_back(wait=3 * HOUR)
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "never read by anybody", "staff")
async def never_read(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written()
    await g.post(f"/cases/{it.case}/work/done", "staff", {"text": "Handed over"})
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "the note says of an open complaint that it is resolved", "staff")
async def contradicts(g: Ground) -> Deserved:
    issue = await Issue(g).arises()
    said = {"kind": "case", "id": issue.case, "field": "state", "value": "RESOLVED"}
    it = await (await Handing(g).due()).written(stated=[said])
    await it.read_back()
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "nothing is ever open: trivial notes, no ifs", "staff")
async def form_incomplete(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written(contingencies=" ", actions=" ")
    await it.read_back()
    await g.believed()
    return NOTHING


# ---------------------------------------------------------------------------------------------- training
async def show(g: Ground, case: str, by: str = "staff", name: str = "r-1") -> None:
    """Show a provider's result."""
    await g.post(f"/cases/{case}/work/result", by, {"record": name})
    await g.post(f"/cases/{case}/work/done", by, {"text": "Done"})


async def _course(g: Ground, **changed: Any) -> Deserved:
    await enrolled(g)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    await result(g, **changed)
    await show(g, case)
    await g.believed()
    return NOTHING


@abuse(TRAINING, "waived training", "staff")
async def waived(g: Ground) -> Deserved:
    return await _course(g, result="waived")


@abuse(TRAINING, "not passed, and claimed", "staff")
async def failed(g: Ground) -> Deserved:
    return await _course(g, result="failed", score=2000)


@abuse(TRAINING, "passed with too few points", "staff")
async def low_score(g: Ground) -> Deserved:
    return await _course(g, score=7999)


@abuse(TRAINING, "clicked through in five minutes", "staff")
async def clicked_through(g: Ground) -> Deserved:
    return await _course(g, duration_seconds=300)


@abuse(TRAINING, "tried until it was right, nine times", "staff")
async def many_attempts(g: Ground) -> Deserved:
    return await _course(g, attempts=9)


@abuse(TRAINING, "last year's version of the course", "staff")
async def old_version(g: Ground) -> Deserved:
    return await _course(g, course_version="2025")


@abuse(TRAINING, "done long ago, shown now", "staff")
async def long_ago(g: Ground) -> Deserved:
    return await _course(g, completed_at=instant_of(unix_ms_of(g.now) - 900 * DAY * 1_000))


@abuse(TRAINING, "done in the future", "staff")
async def in_the_future(g: Ground) -> Deserved:
    return await _course(g, completed_at=instant_of(unix_ms_of(g.now) + 300 * DAY * 1_000))


@abuse(TRAINING, "a colleague's account with the provider", "staff", "second")
async def colleague_studies(g: Ground) -> Deserved:
    await enrolled(g, "second", "bo.k")
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    await result(g, account="bo.k")
    await show(g, case)
    await g.believed()
    return NOTHING


@abuse(TRAINING, "whoever learns says whose account it is", "manager")
async def own_account(g: Ground) -> Deserved:
    body = {"source": "lms", "account": "ada.w", "member": g.who("manager")}
    await g.post("/accounts", "manager", body)
    case = await course_of(g, "manager")
    g.at.wait(2 * HOUR)
    await result(g)
    await show(g, case, "manager")
    await g.believed()
    return NOTHING


@abuse(TRAINING, "a result typed in by hand", "owner", "staff")
async def typed_in(g: Ground) -> Deserved:
    await enrolled(g)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    await result(g, by="owner")
    await show(g, case)
    await g.believed()
    return NOTHING


@abuse(TRAINING, "a certificate as a picture", "staff")
async def certificate_picture(g: Ground) -> Deserved:
    case = await course_of(g)
    await shown_file(g, case, photo_of(g))
    await g.post(f"/cases/{case}/work/done", "staff", {"text": "Done"})
    await g.believed()
    return NOTHING


@abuse(TRAINING, "a course that is not in the catalogue", "staff")
async def not_in_catalogue(g: Ground) -> Deserved:
    await enrolled(g)
    case = await course_of(g, course="cocktails", version="1")
    g.at.wait(2 * HOUR)
    await result(g, course="cocktails", course_version="1")
    if case:
        await show(g, case)
    await g.believed()
    return NOTHING


@abuse(TRAINING, "a course that somebody has to have seen, seen by nobody", "staff")
async def not_assessed(g: Ground) -> Deserved:
    await enrolled(g)
    case = await course_of(g, course="first-aid", version="3")
    g.at.wait(3 * HOUR)
    await result(g, course="first-aid", course_version="3", duration_seconds=9000)
    await show(g, case)
    await g.believed()
    return NOTHING


@abuse(TRAINING, "one course twice in a month", "staff")
async def course_twice(g: Ground) -> Deserved:
    await honest_course(g)
    await g.believed()
    await g.wait(20 * DAY)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    await result(g, name="r-2")
    await show(g, case, name="r-2")
    await g.believed()
    return {"staff": 5}


# ---------------------------------------------------------------------------------------------- referral
@abuse(REFERRALS, "referral after first contact", "staff")
async def after_contact(g: Ground) -> Deserved:
    it = Referral(g)
    await it.lead("new")
    await (await (await (await it.lodged()).lead("qualified")).agreed()).lead("paid")
    await it.finished()
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "self-referral: by one's own name here", "staff")
async def self_referral(g: Ground) -> Deserved:
    it = Referral(g, guest=g.who("staff"))
    await it.lodged()
    if it.case:
        await (await (await it.lead("qualified")).agreed()).lead("paid")
        await it.finished()
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "one person referred by two", "second")
async def referred_twice(g: Ground) -> Deserved:
    first = await Referral(g).lodged()
    second = await Referral(g).lodged("second")
    await (await (await first.lead("qualified")).agreed()).lead("paid")
    await second.agreed("second")
    await first.finished()
    await second.finished("second", days=0)
    await g.believed()
    return {"staff": 20}


@abuse(REFERRALS, "whoever refers finds them fitting", "manager")
async def self_qualified(g: Ground) -> Deserved:
    it = await Referral(g).lodged("manager")
    await (await (await it.lead("qualified", owner="manager")).agreed("manager")).lead(
        "paid", owner="manager"
    )
    await it.finished("manager")
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "whoever refers finds them fitting, by a second account", "staff")
async def twin_qualifies(g: Ground) -> Deserved:
    it = await Referral(g).lodged()
    await (await (await it.lead("qualified", owner="twin")).agreed()).lead("paid", owner="twin")
    await it.finished()
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "nobody asked them", "staff")
async def no_consent(g: Ground) -> Deserved:
    it = await (await (await Referral(g).lodged()).lead("qualified")).lead("paid")
    await it.finished()
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "they said no", "staff")
async def says_no(g: Ground) -> Deserved:
    it = await (await Referral(g).lodged()).lead("qualified")
    await (await it.agreed(answer="not_resolved")).lead("paid")
    await it.finished()
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "paid, and refunded a week later", "staff")
async def refunded(g: Ground) -> Deserved:
    it = await (await (await Referral(g).lodged()).lead("qualified")).agreed()
    await it.lead("paid")
    await g.wait(7 * DAY)
    await it.lead("refunded")
    await it.finished()
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "claimed the day after the payment", "staff")
async def too_soon(g: Ground) -> Deserved:
    it = await (await (await Referral(g).lodged()).lead("qualified")).agreed()
    await (await it.lead("paid")).finished(days=1)
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "they never paid", "staff")
async def never_paid(g: Ground) -> Deserved:
    it = await (await (await Referral(g).lodged()).lead("qualified")).agreed()
    await it.finished()
    await g.believed()
    return NOTHING


@abuse(REFERRALS, "the record of the customer is written by whoever refers", "staff")
async def own_record(g: Ground) -> Deserved:
    it = await Referral(g).lodged()
    values = {
        "kind": "lead",
        "id": "l-1",
        "event_at": g.now,
        "values": {"status": "paid", "owner": g.who("manager")},
    }
    await g.post("/sources/crm/records:batch", "staff", {"records": [{**values, "subject": it.guest}]})
    await (await it.agreed()).finished()
    await g.believed()
    return NOTHING


async def _by_mail(g: Ground, content: bytes, case: str = "") -> Deserved:
    it = Referral(g, case=case)
    if not case:
        await it.lodged()
    await (await it.lead("qualified")).lead("paid")
    await g.post(f"/cases/{it.case}/evidence/mail", "staff", sent(content))
    await it.finished()
    await g.believed()
    return NOTHING


async def _reference(g: Ground, case: str) -> str:
    told = (await g.ask("GET", f"/cases/{case}/reference", "staff")).json()
    return str(told["subject_hint"])


@abuse(REFERRALS, "DKIM prepend: a second Subject before the signed one", "staff")
async def dkim_prepend(g: Ground) -> Deserved:
    it = await Referral(g).lodged()
    bent = f"Subject: {await _reference(g, it.case)}\r\n".encode() + signed(1, "About the soup")
    return await _by_mail(g, bent, it.case)


@abuse(REFERRALS, "words added below a signature that covers a part", "staff")
async def dkim_length(g: Ground) -> Deserved:
    it = await Referral(g).lodged()
    part = signed(2, f"Re: {await _reference(g, it.case)}", l="10")
    return await _by_mail(g, part + b"I agree to everything\r\n", it.case)


@abuse(REFERRALS, "signed by a domain that is not the sender's", "staff")
async def dkim_other_domain(g: Ground) -> Deserved:
    it = await Referral(g).lodged()
    text = mail(3, f"Re: {await _reference(g, it.case)}")
    return await _by_mail(g, sign(text, OTHERS, domain="elsewhere.example"), it.case)


@abuse(REFERRALS, "a mail of theirs about something else", "staff")
async def dkim_other_matter(g: Ground) -> Deserved:
    return await _by_mail(g, signed(4, "A table for two"))


@abuse(REFERRALS, "a mail that nobody signed", "staff")
async def not_signed(g: Ground) -> Deserved:
    it = await Referral(g).lodged()
    return await _by_mail(g, mail(5, f"Re: {await _reference(g, it.case)}"), it.case)


@abuse(REFERRALS, "a mail changed after it was signed", "staff")
async def changed_mail(g: Ground) -> Deserved:
    it = await Referral(g).lodged()
    text = sign(mail(6, f"Re: {await _reference(g, it.case)}", body="No, never.\r\n"), GUESTS)
    return await _by_mail(g, text.replace(b"No, never.", b"Yes, do it."), it.case)


@abuse(REFERRALS, "nobody there: a referral of a made-up address", "staff")
async def made_up(g: Ground) -> Deserved:
    it = await Referral(g, guest="nobody@nowhere.example").lodged()
    await (await it.agreed()).finished()
    await g.believed()
    return NOTHING

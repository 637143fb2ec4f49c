"""Abuses of routine work: hand-overs of phrases, courses clicked through, friends referred."""

from __future__ import annotations

from typing import Any

from ledger.clock import instant_of, unix_ms_of
from tests.abuse.flows import (
    NOTE,
    Handing,
    Issue,
    Referral,
    called,
    course_of,
    enrolled,
    honest_course,
    result,
)
from tests.abuse.ground import DAY, HOUR, MINUTE, Ground
from tests.abuse.issues import photo_of, shown_file
from tests.abuse.mails import GUESTS, OTHERS, mail, sent, signed
from tests.abuse.register import abuse
from tests.mail_signer import sign

Deserved = dict[str, int]
NOTHING: Deserved = {}
HANDOVERS, TRAINING, REFERRALS = "Accurate hand-over", "Completed training", "Approved referral"


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


@abuse(HANDOVERS, "a lead who reads back says that the rota means them", "staff", "manager")
async def own_name(g: Ground) -> Deserved:
    it = await (await Handing(g).due(called="Kelly")).written()
    await called(g, "rota", "Kelly", "manager", by="manager")
    await it.read_back("manager")
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "staff say that the rota means their friend", "staff", "second")
async def friends_name(g: Ground) -> Deserved:
    it = await (await Handing(g).due(called="Kelly")).written()
    await called(g, "rota", "Kelly", "second", by="staff")
    await it.read_back()
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


@abuse(HANDOVERS, "answered at once, and said to have been read for ten minutes", "staff", "second")
async def said_to_be_read(g: Ground) -> Deserved:
    it = await (await Handing(g).due()).written()
    g.at.wait(10 * MINUTE)
    await it.read_back(wait=5, opened_at=instant_of(unix_ms_of(g.now) - 10 * MINUTE * 1_000))
    await it.read_back(wait=5)
    await g.believed()
    return NOTHING


@abuse(HANDOVERS, "answered at once, as opened by whoever wrote it ten minutes before", "staff", "second")
async def opened_by_another(g: Ground) -> Deserved:
    it = await (await (await Handing(g).due()).written()).opened("staff")
    await it.read_back(wait=10 * MINUTE)
    await (await it.opened()).read_back(wait=5)
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


@abuse(TRAINING, "a result typed in by hand", "staff", "owner")
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


@abuse(TRAINING, "a course seen by a colleague whom nobody named for it", "staff", "second")
async def seen_by_a_friend(g: Ground) -> Deserved:
    await enrolled(g)
    case = await course_of(g, course="first-aid", version="3")
    g.at.wait(3 * HOUR)
    await result(g, course="first-aid", course_version="3", duration_seconds=9000)
    await show(g, case)
    await g.post(f"/cases/{case}/work/assessment", "second", {"passed": True})
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


@abuse(REFERRALS, "whoever refers finds them fitting, by a name that is then said to be nobody's", "manager")
async def name_disowned(g: Ground) -> Deserved:
    await called(g, "crm", "kelly.b", "manager")
    it = await Referral(g).lodged("manager")
    await (await (await it.lead("qualified", called="kelly.b")).agreed("manager")).lead(
        "paid", called="kelly.b"
    )
    for member in (None, g.who("second")):
        body = {"source": "crm", "account": "kelly.b", "member": member}
        await g.post("/accounts", "manager", body)
    await it.finished("manager")
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

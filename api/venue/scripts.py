"""What people at The Harbour House do about an exception, hour by hour, each through their own door.

A fate says how it ends: award, quiet (solved, nobody asked for recognition), self (it sorted itself out), missed, false
(a false alarm), declined, questioned, taken_back, reopened; open, proof and thanks wait on Friday. Attempts that must
be refused are part of it, as everywhere.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from api.cast import Answer, Door, Steps, answer_link
from api.venue.house import House, person
from api.venue.people import ACCOUNTANT, FLOOR, FRONT, LEAD, OWNERS_NAME, PEOPLE, SALES, STAFF
from api.venue.records import stand_in
from api.venue.words import (
    ENDING,
    QUESTION,
    REPLY,
    REPLY_TO_A_NO,
    REPLY_TO_A_QUESTION,
    REPLY_TO_AN_END,
    SCRIPTS,
    TAKING_BACK,
    Script,
)
from ledger.clock import instant_of

LIMIT_MINOR = 25_000
"""What a manager may decide without asking further; above it the owner decides."""
LINK_DAYS = 12
MANAGERS = (LEAD, "Aoife Brennan")


@dataclass(frozen=True, slots=True)
class Matter:
    """One exception as its script knows it."""

    case: str
    kind: str
    record: str
    customer: str
    playbook: str
    value_minor: int

    @property
    def path(self) -> str:
        """Return its address below the API's root."""
        return f"/cases/{self.case}"

    @property
    def words(self) -> Script:
        """Return what is said about this kind of exception."""
        return SCRIPTS[self.playbook]


def script_of(house: House, matter: Matter, fate: str) -> Steps:
    """Return what happens about an exception with this fate."""
    if fate in ("self", "missed", "open"):
        return iter(())  # nobody does anything, or not in time
    if fate == "false":
        return _false_alarm(house, matter)
    return _look_after(house, matter, fate)


def _false_alarm(house: House, matter: Matter) -> Steps:
    yield 1.5 + 3 * house.random.random()
    lead = house.door(LEAD)
    lead.do(f"{matter.path}/notes", {"note": "Looked at it: nothing to it, the note was ticked by mistake"})
    lead.do(f"{matter.path}/close", {"reason_code": "false_alarm"})


def _who(house: House, matter: Matter) -> Door:
    if matter.kind == "booking":
        needs = set(house.systems.says("booking", matter.record)["needs"])
        return house.free([one.name for one in PEOPLE if one.role == STAFF and needs <= set(one.skills)])
    if matter.kind in ("quote", "lead"):
        return house.free(SALES)
    return house.free((*FRONT, *(one.name for one in FLOOR[:4])))


def _look_after(house: House, matter: Matter, fate: str) -> Steps:
    """Suggested, decided by another, done, shown twice, judged, recognised; at times somebody tries a short cut."""
    worker = _who(house, matter)
    lead = house.door(MANAGERS[house.random.randrange(len(MANAGERS))])
    yield 0.3 + 2 * house.random.random()
    proposal = yield from _suggested(house, matter, worker)
    decider = _decider(house, matter, lead)
    decider.decide(matter.case, "action", "approved")
    yield 0.4 + house.random.random()
    worker.do(f"{matter.path}/actions", {"proposal": proposal})
    link = _link(house, matter, worker)
    _begin_mending(house, matter, worker)
    if house.random.random() < 0.2:
        worker.cheat(
            f"{matter.path}/outcome", {"resolution": "fixed", "impact": "none"}, ("evidence_missing",)
        )
    yield _hours_to_mend(house, matter)
    _mended(house, matter, worker)
    if fate not in ("quiet", "proof"):
        yield 3.0 + 20.0 * house.random.random()
        answer_link(house.play.client, link, "resolved", house.tally)
    yield 1.0
    bring_known(worker, matter)
    worker.do(f"{matter.path}/evidence/record", {"kind": matter.kind, "record": matter.record})
    if fate == "proof":
        return
    if house.random.random() < 0.2:
        again = {"kind": matter.kind, "record": matter.record}
        worker.cheat(f"{matter.path}/evidence/record", again, ("evidence_reused",))
    yield 0.5 + house.random.random()
    if fate == "quiet":  # the guest never answers, so nobody can be thanked for it
        house.door(OWNERS_NAME).do(f"{matter.path}/close", {"reason_code": "not_recognised"})
        return
    _review(house, matter, lead)
    worker.do(f"{matter.path}/outcome", {"resolution": "fixed", "impact": "none"})
    if fate == "thanks":  # good enough for an award, and nobody has said yes to one yet
        return
    yield 1.0 + 4.0 * house.random.random()  # the judge comes by itself
    yield from _recognised(house, matter, worker, lead, fate)


def _suggested(house: House, matter: Matter, worker: Door) -> Generator[float, None, str]:
    """Mostly somebody who was there has a better idea than the watch; they cannot say yes to it themselves."""
    yield 0.2
    if house.random.random() < 0.3:
        told: str = house.door(LEAD).get(matter.path).body["case"]["proposal"]
        return told
    text = matter.words.suggestions[house.random.randrange(len(matter.words.suggestions))]
    value = {"amount_minor": matter.value_minor, "currency": "EUR"}
    made = worker.do(
        f"{matter.path}/proposals", {"action": matter.words.action, "text": text, "value": value}
    )
    if house.random.random() < 0.15:
        approve_own(worker, matter)
    yield 0.5
    return made.ids["proposal"]


def approve_own(worker: Door, matter: Matter) -> Answer:
    """Somebody tries to say yes to their own suggestion."""
    card = worker.get(f"{matter.path}/card", about="action")
    body = {"token": card.body["token"], "verb": "approved"}
    return worker.cheat(
        f"{matter.path}/decisions", body, ("decider_is_maker", "no_authority"), etag=card.etag
    )


def _decider(house: House, matter: Matter, lead: Door) -> Door:
    """Above their limit a manager is refused, and the owner decides."""
    if matter.value_minor <= LIMIT_MINOR:
        return lead
    if house.random.random() < 0.25:
        card = lead.get(f"{matter.path}/card", about="action")
        body = {"token": card.body["token"], "verb": "approved"}
        lead.cheat(f"{matter.path}/decisions", body, ("no_authority",), etag=card.etag)
    return house.door(OWNERS_NAME)


def _link(house: House, matter: Matter, worker: Door) -> str:
    until = house.play.later(24 * LINK_DAYS)
    told = worker.do(f"{matter.path}/links", {"customer": matter.customer, "until": until})
    return str(told.body["path"])


def _begin_mending(house: House, matter: Matter, worker: Door) -> None:
    """The first trace of the action in the venue's own systems."""
    now = house.play.now()
    if matter.kind == "booking":
        booking = house.systems.says("booking", matter.record)
        covering = person(house.person_of(worker.member))
        name = f"R-extra-{matter.record}"
        house.systems.send([stand_in(booking, covering, name, house.play.now_ms)])
        house.play.work()
    elif matter.kind == "complaint":
        house.write(
            "complaint",
            matter.record,
            {"status": "recovering", "escalated_at": now, "recovery_started_at": now},
        )
    elif matter.kind == "quote":
        house.write("quote", matter.record, {"followed_up_at": now})
    else:
        house.write("lead", matter.record, {"last_contact_at": now})


def _hours_to_mend(house: House, matter: Matter) -> float:
    if matter.kind == "booking":
        return house.hours_until(house.systems.says("booking", matter.record)["starts_at"]) + 2.4
    return 2.0 + 3.0 * house.random.random() if matter.kind == "complaint" else 20.0


def bring_known(worker: Door, matter: Matter) -> None:
    """Bring the record that knew the guest before, where there is one."""
    for known in worker.get(f"{matter.path}/earlier-records").body["items"][:1]:
        worker.do(f"{matter.path}/evidence/record", {"kind": known["kind"], "record": known["record"]})


NAMES_WHO_DID_IT = ("booking", "quote", "lead")
"""Of these the venue's systems name who did it; the list of complaints does not."""


def _mended(house: House, matter: Matter, worker: Door) -> None:
    ends: dict[str, dict[str, Any]] = {
        "booking": {"status": "completed", "request_met": True},
        "complaint": {"status": "resolved"},
        "quote": {"status": "answered"},
        "lead": {"status": "contacted"},
    }
    named = {"done_by": worker.member} if matter.kind in NAMES_WHO_DID_IT else {}
    house.write(matter.kind, matter.record, ends[matter.kind] | named)


def _review(house: House, matter: Matter, lead: Door) -> None:
    for item in house.door(OWNERS_NAME).get(matter.path).body["evidence"]:
        if item["review"] is None:
            lead.do(f"{matter.path}/evidence/{item['evidence']}/review", {"result": "accepted"})


def _recognised(house: House, matter: Matter, worker: Door, lead: Door, fate: str) -> Steps:
    """The second decision, by the accountant or the owner, and what becomes of it."""
    approver = house.door((ACCOUNTANT, OWNERS_NAME)[house.random.randrange(2)])
    told = {"beneficiaries": [worker.member], "amount_tokens": matter.words.tokens, "budget": house.budget}
    if house.random.random() < 0.2:
        card = lead.get(f"{matter.path}/card", about="award")
        body = {"token": card.body["token"], "verb": "approved", **told}
        lead.cheat(f"{matter.path}/decisions", body, ("no_authority",), etag=card.etag)
    if fate == "declined":
        reason = (
            "Lena and the guest had settled it the day before; thank you for looking after it all the same."
        )
        asked = _ask(approver, matter, "decline", "already_recognised", reason)
        yield 9.0
        worker.do(f"{asked}/answers", {"reply": REPLY_TO_A_NO})
        yield 1.0
        approver.decide(matter.case, "award", "declined", reason_code="already_recognised", reason=reason)
        yield 1.0
        house.door(OWNERS_NAME).do(f"{matter.path}/close", {"reason_code": "not_recognised"})
        return
    thanks = matter.words.thanks[house.random.randrange(len(matter.words.thanks))]
    approver.decide(matter.case, "award", "approved", message=thanks, **told)
    yield 0.5
    house.door(OWNERS_NAME).do(f"{matter.path}/close", {"reason_code": "done"})
    award = house.door(OWNERS_NAME).get(matter.path).body["awards"][0]
    if fate == "questioned":
        yield 50.0
        asked = _ask(lead, matter, "question", "who_took_part", QUESTION)
        yield 21.0
        worker.do(f"{asked}/answers", {"reply": REPLY_TO_A_QUESTION})
    elif fate == "reopened":
        yield 30.0
        lead.do(f"{matter.path}/reopen", {"reason_code": "customer_disputes"})
        asked = _ask(approver, matter, "decline", "reopened", ENDING)
        yield 20.0
        worker.do(f"{asked}/answers", {"reply": REPLY_TO_AN_END})
        yield 0.5
        approver.do(f"/awards/{award['award']}/decline", {"reason_code": "reopened"})
    elif fate == "taken_back":
        yield from _taken_back(house, matter, worker, lead, award["award"], award["settle_not_before"])


def _ask(asker: Door, matter: Matter, about: str, reason: str, note: str) -> str:
    """Ask whoever is recognised first, as every end must; return the address of what was asked."""
    told = asker.do(f"{matter.path}/disputes", {"about": about, "reason_code": reason, "note": note})
    return f"{matter.path}/disputes/{told.ids['dispute']}"


def _taken_back(house: House, matter: Matter, worker: Door, lead: Door, award: str, settles: str) -> Steps:
    """Two people, never one; and the person's reply stands beside it."""
    yield house.hours_until(settles) + 30.0
    owner = house.door(OWNERS_NAME)
    owner.cheat(f"/awards/{award}/revoke", {"reason_code": "granted_in_error"}, ("second_person_needed",))
    asked = _ask(lead, matter, "revoke", "granted_in_error", TAKING_BACK)
    yield 1.0
    owner.cheat(f"/awards/{award}/revoke", {"reason_code": "granted_in_error"}, ("reply_awaited",))
    yield 19.0
    worker.do(f"{asked}/answers", {"reply": REPLY})
    yield 24.0
    owner.do(f"/awards/{award}/revoke", {"reason_code": "granted_in_error"})


def reported(house: House, note: str, forgotten: bool) -> Steps:
    """Somebody reports what no watch can see; a manager takes it. One is acknowledged and then forgotten."""
    reporter = house.free([one.name for one in FLOOR])
    case = reporter.do("/reports", {"note": note}).ids["case"]
    yield 0.5
    owner, lead = house.door(OWNERS_NAME), house.door("Olek Wojcik")
    owner.do(f"/cases/{case}/owner", {"owner": lead.member, "reason_code": "handed_over"})
    yield 0.5
    until = instant_of(house.play.now_ms + 6 * 3_600_000)
    lead.do(f"/cases/{case}/acknowledge", {"until": until})
    yield 12.0 if forgotten else 4.0
    owner.do(f"/cases/{case}/close", {"reason_code": "accepted_risk" if forgotten else "not_recognised"})


def claimed(house: House, note: str, thing: str, suggestion: str) -> Steps:
    """Somebody asks for recognition of what no watch saw; without a record of it the answer is no, with a reason."""
    claimant = house.free([one.name for one in FLOOR])
    told = {
        "note": note, "award_kind": "service_issue", "policy": "service_issue/v2",
        "subject": {"kind": "lost_item", "id": f"{thing}-{house.play.now_ms}"},
        "suggestion": {"action": "return_it", "text": suggestion},
    }  # fmt: skip
    case = claimant.do("/claims", told).ids["case"]
    yield 3.0
    lead = house.door(LEAD)
    lead.decide(
        case, "action", "declined", reason_code="other_solution", reason="Done already, and well done"
    )
    yield 1.0
    lead.do(f"/cases/{case}/close", {"reason_code": "not_recognised"})

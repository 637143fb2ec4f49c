"""The honest ways to each of the five recognitions, step by step, so that an abuse can leave one out or bend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.clock import instant_of, unix_ms_of
from tests.abuse.documents import HANDOVER_PLAN, KINDS, PLAN, POLICIES, policy_text
from tests.abuse.ground import DAY, HOUR, MINUTE, TAG_KEYS, Ground
from tests.api.house import House
from tests.api.test_path import PLAYBOOK
from tests.casework.tags import Tag

GUEST = "guest@quay.example"


async def opened(at: House, number: int, coalition: frozenset[str]) -> Ground:
    """Return an organisation of its own in which everything is published and two people approved a budget."""
    team = await at.organisation(f"Ground {number}")
    tag = Tag(f"04{number:012x}", TAG_KEYS["meta_key"], TAG_KEYS["file_key"])
    g = Ground(at, team, "", tag, "", coalition)
    await g.joined("second")
    await g.joined("twin", same_as=g.who("staff"))
    for name in POLICIES:
        await g.must("/policies", "owner", {"yaml": policy_text(name)})
    await g.must("/kinds", "owner", {"yaml": KINDS})
    sources = {
        "desk": ["complaint"],
        "till": ["bill"],
        "crm": ["lead", "candidate"],
        "rota": ["shift"],
        "lms": ["training_result"],
    }
    for source, kinds in sources.items():
        declared = {"party": f"source:{source}"}  # nobody of the house writes in it alone
        await g.must("/sources", "owner", {"source": source, "kinds": kinds, "controllers": declared})
    await g.must("/playbooks", "owner", {"yaml": PLAYBOOK})
    await g.must("/settings", "owner", {"settings": {"draw_permille": 0}})
    for role in ("manager", "owner"):
        await g.must("/authorities", "owner", {"member": g.who(role), "about": "action"})
    await g.must("/authorities", "owner", {"member": g.who("manager"), "about": "award"})
    power = {"member": g.who("outsider"), "about": "award", "second_person": True}
    await g.must("/authorities", "owner", power)
    g.budget = (await g.must("/budgets", "owner", {"amount_tokens": 500}))["ids"]["budget"]
    await g.must(f"/budgets/{g.budget}/approve", "outsider", {"amount_tokens": 500})
    body = {"place": "cold-room", "method": "nfc", "label": "Cold room", "uid": g.tag.uid.upper(), **TAG_KEYS}
    g.point = str((await g.must("/points", "manager", body))["ids"]["point"])
    return g


def ten_days(g: Ground) -> str:
    """Return until when a link is good."""
    return instant_of(unix_ms_of(g.now) + 10 * DAY * 1_000)


# ---------------------------------------------------------------------------------------------- service issue
@dataclass
class Issue:
    """A complaint that its record tells of, and what is done about it."""

    g: Ground
    name: str = "c-1"
    case: str = ""
    proposal: str = ""
    link: str = ""
    guest: str = GUEST
    source: str | None = None
    known: bool = False

    async def of_a_guest_who_was_here(self) -> Issue:
        """A month before, the till had a bill of theirs."""
        await self.g.record("bill", f"b-{self.name}", {"paid": True}, subject=self.guest)
        self.g.at.wait(30 * DAY)
        self.known = True
        return self

    async def arises(self, by: str | None = None) -> Issue:
        """Its record comes in, nobody answers for two hours, a case opens."""
        g = self.g
        values = {"severity": "high", "status": "open", "opened_at": g.now}
        await g.record("complaint", self.name, values, by, source=self.source, subject=self.guest)
        before = {one["case"] for one in await g.cases()}
        await g.wait(3 * HOUR)
        (self.case,) = {one["case"] for one in await g.cases()} - before
        return self

    async def proposed(self, by: str = "staff") -> Issue:
        """Somebody proposes what to do."""
        told = await self.g.post(
            f"/cases/{self.case}/proposals", by, {"action": "call", "text": "Call the guest, and mend it"}
        )
        self.proposal = told.get("ids", {}).get("proposal", self.proposal)
        return self

    async def agreed(self, by: str = "manager") -> Issue:
        """Somebody else says yes."""
        await self.g.decide(self.case, by, "action")
        await self.g.wait(MINUTE)
        return self

    async def acted(self, by: str = "staff") -> Issue:
        """It is carried out."""
        await self.g.post(f"/cases/{self.case}/actions", by, {"proposal": self.proposal})
        return self

    async def asked(self, by: str = "staff", customer: str | None = None) -> Issue:
        """The guest is asked, by a link."""
        told = await self.g.case(self.case)
        subject = told["texts"].get(told["case"]["subject_item"]) or {}
        body = {"customer": customer or subject.get("customer") or self.guest, "until": ten_days(self.g)}
        made = await self.g.post(f"/cases/{self.case}/links", by, body)
        self.link = made.get("path", "")
        return self

    async def answered(self, answer: str = "resolved") -> Issue:
        """Whoever holds the link answers."""
        self.g.at.wait(10 * MINUTE)
        if self.link:
            await self.g.at.client.post(self.link, data={"answer": answer})
        return self

    async def recorded(
        self,
        by: str | None = None,
        status: str = "closed",
        shown_by: str = "staff",
        done_by: str | None = None,
        named: str | None = None,
    ) -> Issue:
        """The system's record says that it is closed, perhaps by whom, and somebody shows it."""
        self.g.at.wait(MINUTE)
        values = {"severity": "high", "status": status, "opened_at": self.g.now}
        named = self.g.who(done_by) if done_by is not None else named
        values |= {} if named is None else {"done_by": named}
        await self.g.record("complaint", self.name, values, by, source=self.source, subject=self.guest)
        await self.shown(shown_by)
        return self

    async def shown(self, by: str = "staff") -> Issue:
        """Somebody shows the record as it is now."""
        await self.g.post(
            f"/cases/{self.case}/evidence/record", by, {"kind": "complaint", "record": self.name}
        )
        if self.known:
            (bill,) = (await self.g.ask("GET", f"/cases/{self.case}/earlier-records", by)).json()[
                "items"
            ] or [{}]
            body = {"kind": bill.get("kind", "bill"), "record": bill.get("record", f"b-{self.name}")}
            await self.g.post(f"/cases/{self.case}/evidence/record", by, body)
        return self

    async def finished(self, by: str = "staff", resolution: str = "fixed") -> Issue:
        """Somebody says what came of it."""
        body = {"resolution": resolution, "impact": "none"}
        await self.g.post(f"/cases/{self.case}/outcome", by, body)
        return self

    async def worked(self, by: str = "staff") -> Issue:
        """Proposed, agreed, done: what comes before anything is shown."""
        return await (await (await self.proposed(by)).agreed()).acted(by)

    async def claimed(self, by: str = "staff", **more: Any) -> Issue:
        """Somebody says of themselves that they resolved something that no record tells of."""
        body = {
            "note": "A guest was unhappy and I made it good", "award_kind": "service_issue",
            "policy": "service_issue/v2", "subject": {"kind": "complaint", "id": self.name, "customer": self.guest},
            "suggestion": {"action": "call", "text": "Call the guest"}, **more,
        }  # fmt: skip
        told = await self.g.post("/claims", by, body)
        self.case = told.get("ids", {}).get("case", "")
        if self.case:
            made = (await self.g.case(self.case))["proposals"]
            self.proposal = made[0]["proposal"] if made else ""
        return self


async def honest_issue(g: Ground, by: str = "staff", name: str = "c-1", known: bool = False) -> Issue:
    """Resolve an issue as it should be, of a guest who was here before or of a new one."""
    issue = Issue(g, name)
    if known:
        await issue.of_a_guest_who_was_here()
    issue = await (await issue.arises()).worked(by)
    issue = await (await (await issue.asked(by)).answered()).recorded(shown_by=by, done_by=by)
    return await issue.finished(by)


# ---------------------------------------------------------------------------------------------- checks
@dataclass
class Round:
    """A planned check of the cold room."""

    g: Ground
    case: str = ""

    async def due(self, minutes: int = 20) -> Round:
        """Wait until its case opens, and so many minutes more."""
        self.case = await _planned(self.g, "/plans/fridge", PLAN, "10:29")
        self.g.at.wait(minutes * MINUTE)
        return self

    async def tapped(
        self, by: str = "staff", tag: Tag | None = None, counter: int | None = None, **more: str
    ) -> Round:
        """Somebody holds a phone to the tag."""
        self.g.taps = self.g.taps + 1 if counter is None else self.g.taps
        picc, cmac = (tag or self.g.tag).tapped(self.g.taps if counter is None else counter)
        await self.g.post(f"/cases/{self.case}/evidence/check-in", by, {"picc": picc, "cmac": cmac, **more})
        return self

    async def read(self, by: str = "staff", value: int = 34, **more: Any) -> Round:
        """Somebody writes down what the thermometer says."""
        self.g.at.wait(30)
        await self.g.post(f"/cases/{self.case}/work/reading", by, {"value": value, **more})
        return self


async def _planned(g: Ground, path: str, plan: str, clock: str) -> str:
    """Publish a plan unless it is, wait until its next time begins, and return the case that opens."""
    plans = (await g.ask("GET", "/plans", "owner")).json()["items"]
    if not any(one["plan"] == path.rsplit("/", 1)[1] for one in plans):
        await g.must("/plans", "owner", {"yaml": plan})
    before = {one["case"] for one in await g.cases()}
    now = g.now[11:16]
    minutes = (int(clock[:2]) * 60 + int(clock[3:])) - (int(now[:2]) * 60 + int(now[3:]))
    await g.wait((minutes % (24 * 60)) * MINUTE)
    await g.wait(2 * MINUTE)
    opened_now = [one for one in await g.cases() if one["case"] not in before and one["origin"] == "schedule"]
    return str(opened_now[-1]["case"])


async def honest_check(g: Ground, by: str = "staff") -> Round:
    """Check as it should be."""
    return await (await (await Round(g).due()).tapped(by)).read(by)


# ---------------------------------------------------------------------------------------------- hand-over
NOTE = {
    "status": "The house is full and the terrace is closed because of the wind",
    "actions": "Table nine was moved inside and the kitchen knows of it",
    "contingencies": "If the wind drops before seven then open the terrace again",
}
OWN_WORDS = "So it is windy, nobody sits outside, and once it calms we may set the tables out again tonight"


@dataclass
class Handing:
    """The end of an early shift."""

    g: Ground
    case: str = ""
    note: str = ""
    shown: str = ""
    """The token that came with the note when it was opened."""

    async def due(self, next_person: str = "second", minutes: int = 30, called: str | None = None) -> Handing:
        """Wait until its case opens; the rota says who comes next: by their id, or as it calls them."""
        self.case = await _planned(self.g, "/plans/early-to-late", HANDOVER_PLAN, "13:59")
        told = await self.g.case(self.case)
        expected = told["texts"][told["case"]["facts_item"]]
        values = {"person": called or self.g.who(next_person)}
        await self.g.record("shift", expected["next_shift"], values)
        self.g.at.wait(minutes * MINUTE)
        return self

    async def written(self, by: str = "staff", **changed: Any) -> Handing:
        """Whoever leaves writes the note."""
        due = self.g.now[:10] + "T20:00:00Z"
        items = [
            {"kind": "case", "id": one["case"], "owner": one["owner"], "due_at": due, "says": "Still open"}
            for one in await self.g.cases()
            if one["origin"] in ("signal", "report") and one["state"] not in ("RESOLVED", "CLOSED", "CLEARED")
        ]
        told = await self.g.post(f"/cases/{self.case}/work/handover", by, {**NOTE, "items": items, **changed})
        if "ids" in told:
            notes = [
                one for one in (await self.g.case(self.case))["evidence"] if one["type"] == "handover_note"
            ]
            self.note = notes[-1]["evidence"]
        return self

    async def opened(self, by: str = "second") -> Handing:
        """Whoever comes opens the note."""
        told = (await self.g.ask("GET", f"/cases/{self.case}/work/handover", by)).json()
        self.shown = told.get("shown", "none")
        return self

    async def read_back(
        self, by: str = "second", text: str = OWN_WORDS, wait: int = 5 * MINUTE, **changed: Any
    ) -> Handing:
        """Whoever comes says what they understood."""
        if not self.shown:
            await self.opened(by)
        self.g.at.wait(wait)
        note = (await self.g.case(self.case))["texts"]
        facts = [one for one in note.values() if isinstance(one, dict) and "contingencies" in one]
        items = [
            {"kind": one["kind"], "id": one["id"], "accepted": True}
            for one in (facts[-1]["items"] if facts else [])
        ]
        body = {"note": self.note, "shown": self.shown, "text": text, "items": items, **changed}
        await self.g.post(f"/cases/{self.case}/work/read-back", by, body)
        return self


async def honest_handover(g: Ground) -> Handing:
    """Hand over as it should be."""
    return await (await (await Handing(g).due()).written()).read_back()


async def called(g: Ground, source: str, name: str, member: str, by: str = "owner") -> dict[str, Any]:
    """Say whom a source means by a name."""
    return await g.post("/accounts", by, {"source": source, "account": name, "member": g.who(member)})


async def honest_handover_by_names(g: Ground) -> Handing:
    """Hand over as it should be, in a house whose rota knows no ids: an owner said who is who."""
    await called(g, "rota", "Jürgen K.", "second")
    return await (await (await Handing(g).due(called="Jürgen K.")).written()).read_back()


# ---------------------------------------------------------------------------------------------- training
async def enrolled(g: Ground, member: str = "staff", account: str = "ada.w") -> None:
    """A lead says whose account it is with the provider."""
    await g.must("/accounts", "owner", {"source": "lms", "account": account, "member": g.who(member)})


async def course_of(
    g: Ground, by: str = "staff", course: str = "food-safety-2", version: str = "2026"
) -> str:
    """Claim a course; return its case."""
    told = await g.post(
        "/claims/training", by, {"policy": "training/v1", "course": course, "course_version": version}
    )
    return str(told.get("ids", {}).get("case", ""))


async def result(g: Ground, by: str | None = None, name: str = "r-1", **changed: Any) -> None:
    """The provider's record of an attempt."""
    values = {
        "account": "ada.w", "course": "food-safety-2", "course_version": "2026", "result": "passed",
        "score": 9000, "attempts": 1, "duration_seconds": 3600, "completed_at": g.now, **changed,
    }  # fmt: skip
    await g.record("training_result", name, values, by)


async def honest_course(g: Ground) -> str:
    """Do a course as it should be."""
    await enrolled(g)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    await result(g)
    await g.post(f"/cases/{case}/work/result", "staff", {"record": "r-1"})
    return case


# ---------------------------------------------------------------------------------------------- referral
@dataclass
class Referral:
    """Somebody whom a member of staff sends."""

    g: Ground
    case: str = ""
    link: str = ""
    guest: str = "new@quay.example"

    async def lodged(
        self, by: str = "staff", kind: str = "customer", referred: str | None = None
    ) -> Referral:
        """Somebody lodges it."""
        body = {"policy": "referral/v1", "kind": kind, "referred": referred or self.guest}
        told = await self.g.post("/claims/referral", by, body)
        self.case = told.get("ids", {}).get("case", "")
        self.g.at.wait(HOUR)
        return self

    async def lead(
        self,
        status: str,
        owner: str = "manager",
        by: str | None = None,
        name: str = "l-1",
        called: str | None = None,
    ) -> Referral:
        """The system of customers holds them so; whoever looks after them by their id, or as it calls them."""
        self.g.at.wait(MINUTE)
        values = {"status": status, "owner": called or self.g.who(owner)}
        await self.g.record("lead", name, values, by, subject=self.guest)
        return self

    async def agreed(self, by: str = "staff", answer: str = "resolved") -> Referral:
        """They are asked by a link, and answer."""
        body = {"customer": self.guest, "until": ten_days(self.g)}
        told = await self.g.post(f"/cases/{self.case}/links", by, body)
        self.g.at.wait(MINUTE)
        if told.get("path"):
            await self.g.at.client.post(told["path"], data={"answer": answer})
        return self

    async def finished(self, by: str = "staff", days: int = 31, name: str = "l-1") -> Referral:
        """So many days later the record is shown, and it is said that it is done."""
        await self.g.wait(days * DAY)
        path = f"/cases/{self.case}"
        await self.g.post(f"{path}/evidence/record", by, {"kind": "lead", "record": name})
        await self.g.post(f"{path}/work/done", by, {"text": "They came, and they paid"})
        return self


async def honest_referral(g: Ground) -> Referral:
    """Refer somebody as it should be."""
    it = await Referral(g).lodged()
    it = await (await (await it.lead("qualified")).agreed()).lead("paid")
    return await it.finished()

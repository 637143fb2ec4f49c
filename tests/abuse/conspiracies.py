"""Those who are enough: coalitions that make an award's evidence up, each with no member too many.

A play is told who of its members lies. With all of them lying it settles, and the k that is shown is at most their
number. With any smaller part lying the rest say what is so, as honest people do: witnesses look before they speak, and
approvers believe what they are shown. Then nothing settles that was not deserved.
"""

# ruff: noqa: E501  (a table reads by its lines: one coalition, one line)
from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from tests.abuse.flows import (
    GUEST,
    OWN_WORDS,
    Handing,
    Issue,
    Referral,
    Round,
    called,
    course_of,
    enrolled,
    honest_issue,
    result,
)
from tests.abuse.ground import DAY, HOUR, TOKENS, Ground
from tests.senders import hooked

Liars = frozenset[str]
Deserved = dict[str, int]
Play = Callable[[Ground, Liars], Awaitable[Deserved]]
NOTHING: Deserved = {}
SYSTEMS = frozenset({"lms", "desk", "crm", "guest"})
"""Members of coalitions who have no account here."""
TRUE, MADE_UP = 34, 20
"""What the thermometer says, and a number made up: tenths of a degree."""


@dataclass(frozen=True, slots=True)
class Conspiracy:
    """A coalition: `members` are roles, or names of systems, that lie."""

    name: str
    members: tuple[str, ...]
    play: Play

    @property
    def people(self) -> Liars:
        """Return the members who have an account here."""
        return frozenset(self.members) - SYSTEMS

    def smaller(self) -> Iterator[Liars]:
        """Return every smaller part of the coalition that has anybody in it."""
        for size in range(1, len(self.members)):
            yield from (frozenset(chosen) for chosen in combinations(self.members, size))


# ---------------------------------------------------------------------------------------------- service issue
async def record_and_link(g: Ground, liars: Liars) -> Deserved:
    """Nothing was mended. The manager uploads a record that says closed; staff answers the guest's link."""
    issue = await _not_mended(g, liars)
    if "manager" in liars:
        await issue.recorded(by="manager", done_by="staff")
    else:
        await issue.recorded(status="open")
    await issue.finished()
    return NOTHING


async def system_and_link(g: Ground, liars: Liars) -> Deserved:
    """The same, where whoever runs the system of complaints writes there what is wanted."""
    issue = await _not_mended(g, liars)
    if "desk" in liars:
        await issue.recorded(done_by="staff")
    else:
        await issue.recorded(status="open")
    await issue.finished()
    return NOTHING


async def _not_mended(g: Ground, liars: Liars) -> Issue:
    issue = await (await (await Issue(g).of_a_guest_who_was_here()).arises()).worked()
    return await (await issue.asked()).answered("resolved" if "staff" in liars else "not_resolved")


async def guest_of_ones_own(g: Ground, liars: Liars) -> Deserved:
    """Staff complains as a guest under an address nobody knows, resolves it, and confirms it as the guest."""
    await honest_issue(g)
    return NOTHING


async def guest_who_complained_before(g: Ground, liars: Liars) -> Deserved:
    """The same, and a complaint under that address was there before: its system says what is so."""
    values = {"severity": "low", "status": "closed", "opened_at": g.now}
    await g.record("complaint", "c-0", values, subject=GUEST)
    g.at.wait(DAY)
    issue = await (await (await Issue(g).arises()).worked()).asked()
    await (await issue.answered()).recorded(done_by="staff")
    await g.post(f"/cases/{issue.case}/evidence/record", "staff", {"kind": "complaint", "record": "c-0"})
    await issue.finished()
    return NOTHING


async def opened_by_a_version_of_ones_own(g: Ground, liars: Liars) -> Deserved:
    """A guest told of a trifle, which was closed. The manager uploads a version that is open, resolves that, and answers
    the guest's link; then the system sends what is so."""
    values = {"severity": "low", "status": "closed", "opened_at": g.now}
    issue = await Issue(g).of_a_guest_who_was_here()
    await g.record("complaint", issue.name, values, subject=GUEST)
    g.at.wait(DAY)
    await issue.arises(by="manager")
    await (await (await issue.proposed("manager")).agreed("owner")).acted("manager")
    issue = await (await issue.asked("manager")).answered()
    await (await issue.recorded(shown_by="manager", done_by="manager")).finished("manager")
    return NOTHING


async def with_a_guest(g: Ground, liars: Liars) -> Deserved:
    """Nothing was wrong: a guest who was here before complains for a friend, and says that it is well again."""
    issue = await Issue(g).of_a_guest_who_was_here()
    if "guest" in liars:
        await issue.arises()
    else:
        await issue.claimed()
    issue = await (await issue.worked()).asked()
    issue = await issue.answered("resolved" if "guest" in liars else "not_resolved")
    await (await issue.recorded(done_by="staff")).finished()
    # Who looks after a complaint in good faith has done so, whatever the guest had in mind.
    return NOTHING if "staff" in liars else {"staff": TOKENS["service_issue"]}


async def work_of_another(g: Ground, liars: Liars) -> Deserved:
    """A colleague mends it and says nothing, no record says who did; who was to do it says that they did."""
    issue = await (await (await Issue(g).of_a_guest_who_was_here()).arises()).worked()
    await (await (await (await issue.asked()).answered()).recorded()).finished()
    return NOTHING


async def work_of_another_renamed(g: Ground, liars: Liars) -> Deserved:
    """The system names the colleague, as it calls them; a lead says that it means a friend."""
    by = "staff" if "staff" in liars else "second"
    await called(g, "desk", "S. Econd", "staff" if "manager" in liars else "second", by="manager")
    issue = await (await (await Issue(g).of_a_guest_who_was_here()).arises()).worked(by)
    issue = await (await issue.asked(by)).answered()
    await (await issue.recorded(shown_by=by, named="S. Econd")).finished(by)
    return NOTHING if "staff" in liars else {"second": TOKENS["service_issue"]}


async def work_of_another_recorded(g: Ground, liars: Liars) -> Deserved:
    """The same, where whoever runs the system of complaints writes the wrong name for a friend."""
    by = "staff" if "staff" in liars else "second"
    issue = await (await (await Issue(g).of_a_guest_who_was_here()).arises()).worked(by)
    issue = await (await issue.asked(by)).answered()
    named = "staff" if "desk" in liars else "second"
    await (await issue.recorded(shown_by=by, done_by=named)).finished(by)
    return NOTHING if "staff" in liars else {"second": TOKENS["service_issue"]}


# ---------------------------------------------------------------------------------------------- checks
async def number_made_up(g: Ground, liars: Liars) -> Deserved:
    """At the place, in time, and the number is invented."""
    it = await (await Round(g).due()).tapped()
    await it.read(value=MADE_UP)
    return NOTHING


async def number_guessed(g: Ground, liars: Liars) -> Deserved:
    """Not there at all: a number as it always is, which a colleague then finds to be so."""
    it = await (await Round(g).due()).read(value=TRUE)
    await it.read("second", value=TRUE)
    return NOTHING


async def tap_from_the_desk(g: Ground, liars: Liars) -> Deserved:
    """Whoever registered the tag knows its keys, and makes a tap for a friend at the desk."""
    it = await Round(g).due()
    if "manager" in liars:
        await it.tapped("staff" if "staff" in liars else "manager")
    if "staff" in liars:
        await it.read(value=MADE_UP)
    return NOTHING


async def two_who_vouch(g: Ground, liars: Liars) -> Deserved:
    """One taps and makes a number up, and another says that it is so."""
    it = await (await Round(g).due()).tapped()
    await it.read(value=MADE_UP if "staff" in liars else TRUE)
    await it.read("second", value=MADE_UP if "second" in liars else TRUE)
    return NOTHING


# ---------------------------------------------------------------------------------------------- the others
async def unseen_handover(g: Ground, liars: Liars) -> Deserved:
    """Something is open. One writes of it what they did not look at; the other takes it over without looking."""
    await Issue(g).arises()
    it = await (await Handing(g).due()).written()
    told = (await g.case(it.case))["texts"].values()
    (note,) = [one for one in told if isinstance(one, dict) and "contingencies" in one]
    # Who looks finds that a false note is not so, and does not take its points over.
    is_so = "staff" not in liars or "second" in liars
    items = [{"kind": one["kind"], "id": one["id"], "accepted": is_so} for one in note["items"]]
    await it.read_back(text=f"{OWN_WORDS}, and the complaint is still waiting", items=items)
    return NOTHING if "staff" in liars else {"staff": TOKENS["handover"]}


async def sold_certificate(g: Ground, liars: Liars) -> Deserved:
    """The provider sends a result of a course that nobody took."""
    await enrolled(g)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    await result(g)
    await g.post(f"/cases/{case}/work/result", "staff", {"record": "r-1"})
    return NOTHING


async def signed_at_the_desk(g: Ground, liars: Liars) -> Deserved:
    """The owner sends a result of a course that nobody took, with the secret that they were shown."""
    if "owner" in liars:
        g.systems["lms"] = await hooked(g.at, g.team.keys["owner"], "lms")
    await enrolled(g)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    if "owner" in liars:
        await result(g)
    await g.post(f"/cases/{case}/work/result", "staff", {"record": "r-1"})
    return NOTHING


async def customer_made_up(g: Ground, liars: Liars) -> Deserved:
    """A customer who does not exist, in the system of customers and at the link."""
    it = Referral(g)
    if "staff" in liars:
        await it.lodged()
    if "manager" in liars:
        await it.lead("qualified", by="manager")
    if "staff" in liars:
        await it.agreed()
    if "manager" in liars:
        await it.lead("paid", by="manager")
    if "staff" in liars:
        await it.finished()
    return NOTHING


async def own_address(g: Ground, liars: Liars) -> Deserved:
    """The referrer is the customer, under an address that nobody here knows; they do pay."""
    it = await Referral(g, guest="private@quay.example").lodged()
    await (await (await it.lead("qualified")).agreed()).lead("paid")
    await it.finished()
    return NOTHING


async def hire_made_up(g: Ground, liars: Liars) -> Deserved:
    """Somebody agreed to be named, and never began; whoever keeps the record of applicants says that they did."""
    it = await Referral(g).lodged(kind="candidate")
    for status in ("offered", "started"):
        g.at.wait(60)
        values = {"status": status, "interviewer": g.who("manager")}
        await g.record("candidate", "l-1", values, "manager", subject=it.guest)
        if status == "offered":
            await it.agreed()
    await g.wait(91 * DAY)
    await g.post(f"/cases/{it.case}/evidence/record", "staff", {"kind": "candidate", "record": "l-1"})
    await g.post(f"/cases/{it.case}/work/done", "staff", {"text": "They began here"})
    return NOTHING


CONSPIRACIES = (
    Conspiracy("a record uploaded, and the guest's link answered", ("staff", "manager"), record_and_link),
    Conspiracy("a system that writes what is wanted, and the link answered", ("staff", "desk"), system_and_link),
    Conspiracy("a complaint of one's own, under a guest's address nobody knows", ("staff",), guest_of_ones_own),
    Conspiracy("a complaint about nothing, by a guest who was here before", ("staff", "guest"), with_a_guest),
    Conspiracy("the work of a colleague who says nothing, and no record does", ("staff",), work_of_another),
    Conspiracy("the work of a colleague, and a system that names another", ("staff", "desk"), work_of_another_recorded),
    Conspiracy("a number made up at the place", ("staff",), number_made_up),
    Conspiracy("a number guessed, which somebody then found to be so", ("staff",), number_guessed),
    Conspiracy("a tap made at the desk by whoever registered the tag, and a number", ("staff", "manager"), tap_from_the_desk),
    Conspiracy("a number made up at the place by two", ("staff", "second"), two_who_vouch),
    Conspiracy("a hand-over written and taken over by two who did not look", ("staff", "second"), unseen_handover),
    Conspiracy("a certificate sold", ("lms",), sold_certificate),
    Conspiracy("a result signed with the secret that was shown", ("owner",), signed_at_the_desk),
    Conspiracy("a customer who does not exist", ("staff", "manager"), customer_made_up),
    Conspiracy("oneself referred, under an address nobody knows", ("staff",), own_address),
    Conspiracy("a hire that never was", ("manager",), hire_made_up),
    Conspiracy("a complaint of one's own, by a guest who complained before", ("staff",), guest_who_complained_before),
    Conspiracy("a trifle opened again by an upload, resolved by who uploaded it", ("manager",), opened_by_a_version_of_ones_own),
    Conspiracy("the work of a colleague, whose name in the system is said to be a friend's", ("staff", "manager"), work_of_another_renamed),
)  # fmt: skip

"""Those who are enough, and those who nearly are: coalitions that hold all the evidence of an award.

An award's k counts everybody who has to play false for it, whoever says yes included. A coalition of k settles; the
draw looks at some of what it got. A coalition of k - 1 lacks only the yes: it settles where an honest approver
believes it. What nobody has to play false for, because the record cannot see it, stands in the last part.
"""

# ruff: noqa: E501  (a table reads by its lines: one coalition, one line)
from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.abuse.flows import OWN_WORDS, Handing, Issue, Referral, Round, course_of, enrolled, result
from tests.abuse.ground import HOUR, Ground

Play = Callable[[Ground], Awaitable[object]]
ENOUGH, ALL_BUT_THE_YES, UNSEEN = "k and more", "all but the yes", "what the record cannot see"


@dataclass(frozen=True, slots=True)
class Conspiracy:
    """A coalition; `members`: roles, or a system's name, that play false; `decider`: the one of them who says yes."""

    name: str
    part: str
    members: tuple[str, ...]
    decider: str | None
    play: Play


async def false_issue(g: Ground) -> None:
    """The manager uploads a record that says closed, staff answers the guest's link. Nothing was mended."""
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered()).recorded(by="manager")
    await issue.finished()


async def check_from_the_office(g: Ground) -> None:
    """Whoever registered the tag knows its keys, and makes a tap for a friend at the desk."""
    it = await (await Round(g).due()).tapped()
    await it.read()


async def two_who_vouch(g: Ground) -> None:
    """Two write the same number, and neither went there."""
    it = await (await Round(g).due()).read("staff")
    await it.read("second")


async def handed_over_on_paper(g: Ground) -> None:
    """Both write what is asked for, and neither looked."""
    it = await (await Handing(g).due()).written()
    await it.read_back(text=OWN_WORDS)


async def sold_certificate(g: Ground) -> None:
    """The provider sends a result of a course that nobody took."""
    await enrolled(g)
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    await result(g)
    await g.post(f"/cases/{case}/work/result", "staff", {"record": "r-1"})


async def false_referral(g: Ground) -> None:
    """The manager writes a customer who does not exist; the referrer answers for them."""
    it = await Referral(g).lodged()
    await (await (await it.lead("qualified", by="manager")).agreed()).lead("paid", by="manager")
    await it.finished()


async def number_made_up(g: Ground) -> None:
    """At the place, in time, and the number is invented."""
    it = await (await Round(g).due()).tapped()
    await it.read(value=33)


async def clicked_closed(g: Ground) -> None:
    """Whoever resolves closes the record alone, in a system of which nobody said so, and answers the link."""
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered()).recorded()
    await issue.finished()


async def own_address(g: Ground) -> None:
    """The referrer is the customer, under an address that nobody here knows; they do pay."""
    it = await Referral(g, guest="private@quay.example").lodged()
    await (await (await it.lead("qualified")).agreed()).lead("paid")
    await it.finished()


CONSPIRACIES = (
    Conspiracy("a record uploaded, a link answered, a yes", ENOUGH, ("staff", "manager", "outsider"), "outsider", false_issue),
    Conspiracy("a tap signed at the desk, a yes", ENOUGH, ("staff", "manager", "outsider"), "outsider", check_from_the_office),
    Conspiracy("two who vouch for a number, a yes", ENOUGH, ("staff", "second", "outsider"), "outsider", two_who_vouch),
    Conspiracy("a certificate sold, a yes", ENOUGH, ("lms", "outsider"), "outsider", sold_certificate),
    Conspiracy("a customer who does not exist, a yes", ENOUGH, ("staff", "manager", "outsider"), "outsider", false_referral),
    Conspiracy("a record uploaded, a link answered", ALL_BUT_THE_YES, ("staff", "manager"), None, false_issue),
    Conspiracy("a tap signed at the desk", ALL_BUT_THE_YES, ("staff", "manager"), None, check_from_the_office),
    Conspiracy("two who vouch for a number", ALL_BUT_THE_YES, ("staff", "second"), None, two_who_vouch),
    Conspiracy("a certificate sold", ALL_BUT_THE_YES, ("lms",), None, sold_certificate),
    Conspiracy("a customer who does not exist", ALL_BUT_THE_YES, ("staff", "manager"), None, false_referral),
    Conspiracy("a hand-over written and read by two who did not look", UNSEEN, ("staff", "second"), None, handed_over_on_paper),
    Conspiracy("a number made up at the place", UNSEEN, ("staff",), None, number_made_up),
    Conspiracy("closed alone in a system that was not said to allow it", UNSEEN, ("staff",), None, clicked_closed),
    Conspiracy("oneself referred, under an address nobody knows", UNSEEN, ("staff",), None, own_address),
)  # fmt: skip

"""Abuses by which something is taken from a colleague: ended before they could answer, or held for ever by questions.

Here nothing is to be gained: what was deserved settles all the same, because whoever does not play false closes what
was asked without a ground.
"""

from __future__ import annotations

from typing import Any

from tests.abuse.flows import Issue, honest_issue
from tests.abuse.ground import DAY, Ground
from tests.abuse.mint import STAFF_GETS, Deserved, ready
from tests.abuse.register import abuse

GROUP = "Taken from a colleague"


async def recognised(g: Ground, days: int = 0) -> tuple[str, str]:
    """Return case and award of what staff earned honestly, so many days later."""
    issue = await honest_issue(g)
    await g.examined()
    assert await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    award = str((await g.case(issue.case))["case"]["award"])
    await g.wait(days * DAY)
    return issue.case, award


async def ask(g: Ground, case: str, by: str, about: str, reason: str) -> str:
    """Ask about a recognition; return the dispute, or "" where it is refused."""
    told = await g.post(f"/cases/{case}/disputes", by, {"about": about, "reason_code": reason})
    return str(told["ids"]["dispute"]) if "ids" in told else ""


async def answer(g: Ground, case: str, dispute: str, by: str, **more: Any) -> None:
    """Answer, for oneself or (`member`) in another's name."""
    await g.post(f"/cases/{case}/disputes/{dispute}/answers", by, {"reply": "It was so", **more})


async def closed(g: Ground, case: str, dispute: str, by: str = "owner") -> None:
    """Somebody honest finds no ground for it."""
    await g.must(f"/cases/{case}/disputes/{dispute}/close", by, {"reason_code": "no_ground"})


async def end(g: Ground, award: str, by: str, reason: str, how: str = "decline") -> None:
    """Try to take it."""
    await g.post(f"/awards/{award}/{how}", by, {"reason_code": reason})


@abuse(GROUP, "ended without a question, and ended before the reply", "manager")
async def early(g: Ground) -> Deserved:
    case, award = await recognised(g)
    await end(g, award, "manager", "duplicate")
    dispute = await ask(g, case, "manager", "decline", "duplicate")
    for days in (0, 6):
        await g.wait(days * DAY)
        await end(g, award, "manager", "duplicate")
    await answer(g, case, dispute, "staff")
    await closed(g, case, dispute)
    return STAFF_GETS


@abuse(GROUP, "ended for another reason than they could answer to", "manager")
async def other_reason(g: Ground) -> Deserved:
    case, award = await recognised(g)
    dispute = await ask(g, case, "manager", "decline", "not_reached")
    await answer(g, case, dispute, "staff")
    await end(g, award, "manager", "misconduct")
    await closed(g, case, dispute)
    return STAFF_GETS


@abuse(GROUP, "a friend answers in their place", "manager", "second")
async def answered_by_a_friend(g: Ground) -> Deserved:
    case, award = await recognised(g)
    dispute = await ask(g, case, "manager", "decline", "duplicate")
    await answer(g, case, dispute, "second", member=g.who("staff"))
    await answer(g, case, dispute, "second")
    await end(g, award, "manager", "duplicate")
    await closed(g, case, dispute)
    return STAFF_GETS


@abuse(GROUP, "whoever asks answers, by a second account", "manager")
async def answered_by_the_asker(g: Ground) -> Deserved:
    await g.joined("lead-again", same_as=g.who("manager"))
    case, award = await recognised(g)
    dispute = await ask(g, case, "manager", "decline", "duplicate")
    await answer(g, case, dispute, "lead-again", member=g.who("staff"))
    await end(g, award, "manager", "duplicate")
    await closed(g, case, dispute)
    return STAFF_GETS


@abuse(GROUP, "held for ever: the same question again and again, by two accounts", "auditor")
async def held_by_questions(g: Ground) -> Deserved:
    await g.joined("auditor-again", "auditor", same_as=g.who("auditor"))
    case, _ = await recognised(g)
    dispute = await ask(g, case, "auditor", "question", "how_earned")
    await closed(g, case, dispute)
    for who, why in (
        ("auditor", "how_earned"),
        ("auditor", "seems_mistaken"),
        ("auditor-again", "how_earned"),
    ):
        assert not await ask(g, case, who, "question", why)
    return STAFF_GETS


@abuse(GROUP, "a colleague without a part in it asks, so that it waits", "second")
async def asked_by_anybody(g: Ground) -> Deserved:
    case, _ = await recognised(g)
    await ask(g, case, "second", "question", "how_earned")
    await ask(g, case, "second", "decline", "not_reached")
    return STAFF_GETS


@abuse(GROUP, "a no instead of thanks, before they can answer", "manager")
async def quiet_no(g: Ground) -> Deserved:
    issue = await ready(g)
    no = {"verb": "declined", "reason_code": "evidence_weak"}
    await g.decide(issue.case, "manager", **no)
    await ask(g, issue.case, "manager", "decline", "evidence_weak")
    await g.decide(issue.case, "manager", **no)
    await g.post(f"/cases/{issue.case}/close", "manager", {"reason_code": "not_recognised"})
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return STAFF_GETS


@abuse(GROUP, "taken back for good by whoever asked, alone", "manager")
async def taken_back_alone(g: Ground) -> Deserved:
    case, award = await recognised(g, days=20)
    dispute = await ask(g, case, "manager", "revoke", "misconduct")
    await g.wait(8 * DAY)
    await end(g, award, "manager", "misconduct", "revoke")
    await closed(g, case, dispute)
    return STAFF_GETS


@abuse(GROUP, "closed without a yes or a no, so that nobody thanks them", "manager")
async def closed_quietly(g: Ground) -> Deserved:
    issue = await ready(g)
    for reason in ("not_recognised", "done", "duplicate"):
        await g.post(f"/cases/{issue.case}/close", "manager", {"reason_code": reason})
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return STAFF_GETS


@abuse(GROUP, "a colleague's case filled with words, until no evidence fits in", "second")
async def filled_up(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    for number in range(33):
        body = {"statement": f"I saw nothing of it, {number}"}
        await g.post(f"/cases/{issue.case}/evidence/statement", "second", body)
    issue = await (await issue.asked()).answered()
    await (await issue.recorded(done_by="staff")).finished()
    await g.believed()
    return STAFF_GETS

"""Routine work through pages alone: a shift handed over and read back, a course and who saw it, somebody brought."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.abuse.flows import Handing, Referral, called, course_of, enrolled, opened, result
from tests.abuse.ground import DAY, HOUR, MINUTE, Ground
from tests.api.house import House, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import words
from tests.pages.test_planned import hidden

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTE = {
    "status": "The house is full and the terrace is closed because of the wind",
    "actions": "Table nine was moved inside and the kitchen knows of it",
    "contingencies": "If the wind drops before seven then open the terrace again",
}
OWN_WORDS = "So it is windy, nobody sits outside, and once it calms we may set the tables out again tonight"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The started product with its pages."""
    async with house(tmp_path_factory.mktemp("house"), pages=True) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def g(at: House) -> Ground:
    """An organisation with every policy, sources, a tag and a budget."""
    return await opened(at, 1, frozenset())


async def see(g: Ground, path: str, role: str) -> str:
    """Open a page as somebody, who signs in anew: days pass here. None of the words that stay inside stands there."""
    g.at.cookies.clear()
    answer = await g.at.see(path, g.team, role)
    assert answer.status_code == 200, (path, answer.status_code, words(answer.text)[:500])
    told = words(re.sub(r'<details class="record">.*?</details>', " ", answer.text, flags=re.DOTALL))
    assert [word for word in NEVER_SAID if says(told, word)] == [], path
    return str(answer.text)


async def send(g: Ground, page: str, to: str, role: str, **fields: str) -> Any:
    """Send a form of a page, with the hidden fields it came with."""
    return await g.at.send(to, g.team, role, hidden(page, to) | fields)


async def said(g: Ground, answer: Any, role: str) -> str:
    """Follow a form that was taken to its page, and return what is said there."""
    assert answer.status_code == 303, (answer.status_code, words(answer.text)[:800])
    return words(await see(g, answer.headers["location"], role))


def of_things(page: str) -> dict[str, str]:
    """Return what stands in the fields of each open thing: whoever hands over leaves owner and time as they are."""
    fields = dict(re.findall(r'name="(due-[^"]+)" type="datetime-local" value="([^"]+)"', page))
    for name, options in re.findall(
        r'<select id="[^"]+" name="(owner-[^"]+)">(.*?)</select>', page, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]+)" selected', options) or re.search(r'value="([^"]+)"', options)
        assert chosen
        fields[name] = chosen[1]
    return fields


async def verdict_of(g: Ground, case: str) -> str:
    told = await g.case(case)
    return str(next(one["result"] for one in told["verdicts"] if one["verdict"] == told["case"]["verdict"]))


# ---------------------------------------------------------------------------------------------- hand-over
async def test_a_shift_is_handed_over_and_read_back(g: Ground) -> None:
    report = await g.must("/reports", "staff", {"note": "The ice machine leaks"})
    open_case = report["ids"]["case"]
    it = await Handing(g).due(called="Sec. O.")
    path, to = f"/exceptions/{it.case}", f"/exceptions/{it.case}/work/handover"
    page = await see(g, path, "staff")
    assert (
        "Hand over the shift" in page and "The ice machine leaks" in page and "1 thing is open" in words(page)
    )
    assert "Suggest what to do" not in page and "Write down the result" not in page
    lacks = NOTE | {"contingencies": ""} | of_things(page) | {f"says-{open_case}": "It drips on the floor"}
    refused = await send(g, page, to, "staff", **lacks)
    assert refused.status_code == 422 and "It drips on the floor" in refused.text, "what was typed is gone"
    assert NOTE["status"] in refused.text
    at_once = f"due-{open_case}"
    wrong = await send(g, page, to, "staff", **{**lacks, **NOTE, at_once: "tonight"})
    assert wrong.status_code == 422
    page = await see(g, path, "staff")
    done = await send(g, page, to, "staff", **{**lacks, **NOTE, "says-extra": "The linen is late"})
    told = await said(g, done, "staff")
    assert "Handed over. Now somebody of the next shift reads it" in told
    unknown = "The rota has “Sec. O.” on the next shift, and nobody said yet who that is."
    assert unknown in words(await see(g, path, "second"))
    await called(g, "rota", "Sec. O.", "second", by="manager")
    told = words(await see(g, path, "staff"))
    assert "Handed over. Now Second reads it and says what they understood." in told
    assert "I have read it and take over" not in told, "whoever wrote it does not read it back"
    # whoever comes reads it, and answers every open point
    page = await see(g, path, "second")
    assert "By the rota Second comes next" in words(page) and NOTE["contingencies"] in page
    assert "It drips on the floor" in page and "The linen is late" in page
    to = f"{path}/work/read-back"
    g.at.wait(5 * MINUTE)
    half = await send(g, page, to, "second", **{"text": OWN_WORDS, "taken-0": "yes"})
    assert half.status_code == 422 and OWN_WORDS in half.text
    shown_first = hidden(page, to)["shown"]
    assert hidden(half.text, to)["shown"] == shown_first, "the time of the first look stays"
    fresh = hidden(half.text, to)["key"]
    false = hidden(page, to) | {"key": fresh, "text": OWN_WORDS, "taken-0": "yes", "taken-1": "yes"}
    made_up = await g.at.send(to, g.team, "second", false | {"shown": shown_first[:-2] + "AA"})
    assert made_up.status_code == 403 and "This note was not opened here by you." in words(made_up.text)
    assert hidden(made_up.text, to)["shown"] != shown_first, "what does not hold is not given back"
    assert OWN_WORDS in made_up.text
    done = await send(g, half.text, to, "second", **{"text": OWN_WORDS, "taken-0": "yes", "taken-1": "yes"})
    await said(g, done, "second")
    await g.at.tick()
    told = words(await see(g, path, "staff"))
    assert "Read back by Second. Everything fits. It waits for the recognition." in told
    assert await verdict_of(g, it.case) == "pass"


async def test_what_a_hand_over_lacks_stands_there_with_the_button(g: Ground) -> None:
    it = await (await Handing(g).due()).written()
    await it.read_back(text="All clear, thanks")
    await g.at.tick()
    path = f"/exceptions/{it.case}"
    told = words(await see(g, path, "staff"))
    assert "Still missing" in told and "A few more words on what they understood." in told
    assert "Somebody of the next shift does this on this page." in told
    page = await see(g, path, "second")
    assert f'href="{path}?do=read-back#read-back"' in page
    work = words(await see(g, "/my-work", "staff"))
    assert "What was found missing when it was checked" in work
    g.at.wait(2 * MINUTE)
    to = f"{path}/work/read-back"
    ticks = dict.fromkeys(re.findall(r'name="(taken-\d+)" value="yes"', page), "yes")
    done = await send(g, page, to, "second", text=OWN_WORDS, **ticks)
    told = await said(g, done, "second")
    assert "Still missing" not in told and await verdict_of(g, it.case) == "pass"


# ---------------------------------------------------------------------------------------------- courses
async def test_a_course_is_claimed_shown_and_seen_by_somebody(g: Ground) -> None:
    await enrolled(g)
    page = await see(g, "/courses", "staff")
    assert "first aid, version 3, somebody has to have seen it" in words(page)
    wrong = await send(g, page, "/courses", "staff", course="cocktails@1")
    assert wrong.status_code == 422 and "Choose one of the courses." in words(wrong.text)
    done = await send(g, page, "/courses", "staff", course="first-aid@3")
    path = done.headers["location"]
    page = await see(g, path, "staff")
    assert "Noted that you do this course." in words(page) and "No result came in for you yet." in words(page)
    assert "Did you see that" not in page and "Ask the guest" not in page
    again = await send(g, await see(g, "/courses", "staff"), "/courses", "staff", course="first-aid@3")
    assert again.status_code == 422 and "You have told us of this course already." in words(again.text)
    g.at.wait(3 * HOUR)
    await result(g, name="r-77", course="first-aid", course_version="3", duration_seconds=9000)
    await result(
        g, name="r-78", account="bo.k", course="first-aid", course_version="3", duration_seconds=9000
    )
    page = await see(g, path, "staff")
    assert 'value="r-77"' in page and "r-78" not in page, "another account's result is offered"
    done = await send(g, page, f"{path}/work/result", "staff", record="r-77")
    await said(g, done, "staff")
    await g.at.tick()
    told = words(await see(g, path, "staff"))
    assert "Somebody who is named for this course, saw that they can do it, and says so." in told
    assert "Whoever is named for this course does this on this page." in told
    # nobody is asked before an owner named them; a manager who is named finds it under Courses
    assert "Somebody who is named for this course" in told
    for role in ("second", "manager", "owner"):
        assert "Did you see that" not in await see(g, path, role)
    page = await see(g, "/courses", "owner")
    assert "Nobody is named yet, so nobody can finish this course here." in words(page)
    to = "/courses/assessors"
    fields = {"course": "first-aid", "member": g.who("manager"), "ground": "teaches"}
    for name, value, why in (
        ("course", "flying", "Choose one of the courses."),
        ("member", g.who("agent"), "Choose somebody who works here."),
        ("ground", "friend", "Choose one of the reasons."),
    ):
        wrong = await send(g, await see(g, "/courses", "owner"), to, "owner", **{**fields, name: value})
        assert wrong.status_code == 422 and why in words(wrong.text), name
    refused = await send(g, page, to, "manager", **fields)
    assert refused.status_code == 403 and "not part of your role here" in words(refused.text)
    told = await said(g, await send(g, page, to, "owner", **fields), "owner")
    assert "Named. What they say of this course counts from now on." in told
    assert "Manager: teaches it. Since " in told and "named by Ada." in told
    assert "Manager: teaches it." in words(await see(g, "/courses", "staff"))
    assert to not in await see(g, "/courses", "staff"), "who may not name sees no form"
    asked = await see(g, "/courses", "manager")
    assert "Did you see it?" in asked and f'href="{path}?do=assess#assess"' in asked
    page = await see(g, f"{path}?do=assess", "manager")
    refused = await send(g, page, f"{path}/work/assessment", "second", passed="yes")
    assert refused.status_code == 403 and "For this course somebody else says so." in words(refused.text)
    own = await send(g, page, f"{path}/work/assessment", "staff", passed="yes")
    assert own.status_code == 403
    done = await send(g, page, f"{path}/work/assessment", "manager", passed="yes", note="Splint and bandage")
    told = await said(g, done, "manager")
    assert "Splint and bandage" in told and await verdict_of(g, path.rpartition("/")[2]) == "pass"
    assert "Did you see it?" not in await see(g, "/courses", "manager")
    page = await see(g, "/courses", "owner")
    ended = await g.at.send(
        f"{to}/end",
        g.team,
        "owner",
        hidden(page, f"{to}/end") | {"course": "first-aid", "member": g.who("manager")},
    )
    assert "Ended. What they said before stays." in await said(g, ended, "owner")
    assert "Nobody is named yet" in words(await see(g, "/courses", "staff"))


async def test_a_second_account_of_the_learner_says_nothing(g: Ground) -> None:
    await g.joined("boss-twin", "manager", same_as=g.who("second"))
    named = {"course": "first-aid", "member": g.who("boss-twin"), "ground": "certified"}
    await g.must("/assessors", "owner", named)
    page = await see(g, "/courses", "second")
    done = await send(g, page, "/courses", "second", course="first-aid@3")
    path = done.headers["location"]
    page = await see(g, path, "boss-twin")
    refused = await send(g, page, f"{path}/work/assessment", "boss-twin", passed="yes")
    assert refused.status_code == 403 and "You did the work" in words(refused.text)


async def test_whoever_would_give_a_yes_back_reads_why_and_who_can(g: Ground) -> None:
    await g.must("/authorities", "owner", {"member": g.who("second"), "about": "award"})
    cases = {}
    for role, account in (("manager", "ma.n"), ("second", "se.c")):
        await enrolled(g, role, account)
        cases[role] = await course_of(g, role)
        g.at.wait(2 * HOUR)
        await result(g, name=f"r-{role}", account=account)
        await g.post(f"/cases/{cases[role]}/work/result", role, {"record": f"r-{role}"})
        await g.at.tick()
    before = await see(g, f"/exceptions/{cases['second']}", "manager")
    assert "Thank Second" in words(before)
    await g.decide(cases["manager"], "second", "award", **g.gift("training", "manager"))
    await g.wait(11)
    told = words(await see(g, f"/exceptions/{cases['second']}", "manager"))
    assert (
        "They recognised you for the same kind of thing a short while ago, so somebody else says yes." in told
    )
    assert "Outsider can." in told and "Thank Second" not in told


# ---------------------------------------------------------------------------------------------- referrals
async def test_somebody_is_brought_asked_and_counts_after_a_while(g: Ground) -> None:
    it = Referral(g, guest="new@quay.example")
    page = await see(g, "/referrals", "staff")
    refused = await send(g, page, "/referrals", "staff", kind="friend", referred=it.guest)
    assert refused.status_code == 422 and "Choose one of the two." in words(refused.text)
    fields = {"kind": "customer", "referred": it.guest, "note": "My neighbour, for a birthday"}
    done = await send(g, page, "/referrals", "staff", **fields)
    path, it.case = done.headers["location"], done.headers["location"].rpartition("/")[2]
    page = await see(g, path, "staff")
    assert "Written down before anybody here was in touch." in words(page) and it.guest not in page
    again = await send(g, await see(g, "/referrals", "staff"), "/referrals", "staff", **fields)
    assert again.status_code == 422 and "You have told us of them already" in words(again.text)
    # the link: their own page asks for a yes, not whether a problem is solved
    link = await send(g, page, f"{path}/link", "staff", days="3")
    found = re.search(r"http://localhost(/l/[A-Za-z0-9_-]+)", link.text)
    assert found
    guest = words((await g.at.client.get(found[1])).text)
    assert "Somebody at Ground 1 told us about you." in guest and "problem" not in guest
    await (await it.lead("qualified")).lead("paid")
    assert (await g.at.client.post(found[1], data={"answer": "resolved"})).status_code == 200
    assert "They said yes." in words(await see(g, path, "staff"))
    page = await see(g, path, "staff")
    done = await send(g, page, f"{path}/evidence/record", "staff", kind="lead", record="l-1")
    await said(g, done, "staff")
    page = await see(g, path, "staff")
    done = await send(g, page, f"{path}/work/done", "staff", text="They came, and they paid")
    await said(g, done, "staff")
    await g.at.tick()
    told = words(await see(g, path, "staff"))
    assert "Time: it has to last for a while before it counts." in told
    assert "I brought somebody" in await see(g, "/recognition", "staff")
    await g.wait(DAY)


async def test_where_nothing_is_published_the_pages_say_so(at: House) -> None:
    bare = await at.organisation("Bare House")
    for path, lead in (
        ("/courses", "No course counts here yet."),
        ("/referrals", "Bringing somebody is not recognised here yet."),
    ):
        page = (await at.see(path, bare, "staff")).text
        assert lead in page and "<form method" not in page.partition("<main")[2]
    for path, data in (
        ("/courses", {"course": "x@1"}),
        ("/referrals", {"kind": "customer", "referred": "x@y.z"}),
    ):
        answer = await at.send(path, bare, "staff", data | {"key": "k"})
        assert answer.status_code in (409, 422), answer.status_code
    assert (await at.see("/courses", bare, "auditor")).status_code == 403

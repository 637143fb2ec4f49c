"""The smallest shop (an owner, one staff, an outside accountant) goes the whole way of one award, by pages alone."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from api.remote import OPERATOR_TOKEN_FILE
from tests.api.house import House, Team, house
from tests.pages.reading import form, words

DAY_SECONDS = 86_400
HEAD = "id,status,severity,opened_at,changed_at,site,value,customer\n"
OPEN = HEAD + "K1,open,high,2026-11-20T07:00:00.000Z,2026-11-20T07:00:00.000Z,harbour,310.00,guest-1\n"


PASSWORD = "nine green boats at sea"


async def shop_of_one(place: House) -> Team:
    """Open the organisation as whoever runs the server does (`tallystick init`); its owner joins by the invite."""
    token = (place.settings.data_dir / OPERATOR_TOKEN_FILE).read_text()
    body = {"name": "The Quay", "owner_name": "Ada", "simulated": True, "invite": True}
    opened = (
        await place.client.post("/api/v1/organisations", json=body, headers={"X-Operator-Token": token})
    ).json()
    team = Team(opened["log"], {}, {})
    await joins(place, team, "owner", opened["invite"])
    return team


async def joins(place: House, team: Team, who: str, link: str) -> None:
    """Open an invitation, choose how to sign in, and be signed in from then on."""
    path = link[link.index("/join/") :]
    page = await place.client.get(path)
    assert page.status_code == 200, words(page.text)[:400]
    chosen = {"name": who, "password": PASSWORD, "again": PASSWORD}
    answer = await place.client.post(path, data=form(page.text, path).fields | chosen)
    assert answer.status_code == 303, words(answer.text)[:400]
    keep(place, team, who, answer)


async def signs_in(place: House, team: Team, who: str) -> None:
    """Sign in by the page, as everybody does after a shift."""
    sent = {"name": who, "password": PASSWORD}
    answer = await place.client.post("/sign-in", data=sent, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303, words(answer.text)[:400]
    keep(place, team, who, answer)


def keep(place: House, team: Team, who: str, answer: httpx.Response) -> None:
    """Keep the session that an answer opened."""
    place.cookies[team.log, who] = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]


async def fill(
    place: House, team: Team, who: str, page: str, action: str, files: object = None, **fields: str
) -> httpx.Response:
    """Open a page, fill in one of its forms and send it."""
    sent = form((await place.see(page, team, who)).text, action)
    answer = await place.send(sent.action, team, who, {**sent.fields, **fields}, files=files)
    assert answer.status_code in (200, 303), (sent.action, answer.status_code, words(answer.text)[:800])
    return answer


async def opened(place: House, team: Team) -> str:
    """The first screens: the place, the accountant as the second person, a watch with its first records, on.

    Returns the address of the exception that it notices.
    """
    where = {"name": "The Quay", "zone": "Europe/Dublin", "currency": "EUR"}
    await fill(place, team, "owner", "/start", "/start/place", **where)
    shown = await fill(place, team, "owner", "/start?step=2", "/start/second", name="Ines", role="outsider")
    await joins(place, team, "accountant", slip(shown))
    shown = await fill(place, team, "owner", "/people", "/people/invite", name="Ben", role="staff")
    await joins(place, team, "staff", slip(shown))
    watch = "watch=complaint_to_escalate"
    first = {"file": ("complaints.csv", OPEN.encode(), "text/csv")}
    await fill(place, team, "owner", f"/start?step=4&{watch}", "/start/data", files=first)
    await fill(place, team, "owner", f"/start?step=6&{watch}", "/start/on", mode="live")
    await fill(place, team, "owner", "/sources", "/sources/writer", writer="nobody")
    await place.tick()
    page = (await place.see("/decisions", team, "owner")).text
    assert "1 thing needs your decision" in words(page) and "Complaint K1" in words(page)
    found = re.search(r"/exceptions/([0-9a-f-]+)/decide", page)
    assert found is not None
    return f"/exceptions/{found[1]}"


def slip(shown: httpx.Response) -> str:
    """Return the address on the invitation that a page shows."""
    found = re.search(r"/join/[0-9a-f]{64}", shown.text)
    assert found is not None, words(shown.text)[:400]
    return found[0]


async def done_and_shown(place: House, team: Team, case: str) -> None:
    """Ben does it, hands the guest a link, and brings the record once it says so."""
    await fill(place, team, "staff", case, "/done", note="Moved them to a quiet room")
    shown = await fill(place, team, "staff", case, "/link", guest="guest-1")
    link = re.search(r"/l/([A-Za-z0-9_-]{16,})", shown.text)
    assert link is not None
    place.wait(3_600)
    answered = await place.client.post(f"/l/{link[1]}", data={"answer": "resolved", "note": "Much better"})
    assert answered.status_code == 200
    changed = OPEN.replace(",open,", ",closed,").replace("T07:00:00.000Z,harbour", "T10:40:00.000Z,harbour")
    later = {"file": ("complaints.csv", changed.encode(), "text/csv")}
    taken = await fill(place, team, "owner", "/sources/upload", "/sources/upload", files=later)
    assert "1 row is new." in words(taken.text)
    place.wait(60)
    await fill(place, team, "staff", case, "/evidence/record", kind="complaint", record="K1")
    await fill(place, team, "staff", case, "/result", resolution="fixed", impact="none")


async def looked_at(place: House, team: Team) -> None:
    """Ines looks at the evidence; the checks run by themselves."""
    page = (await place.see("/decisions", team, "accountant")).text
    assert "Look at the evidence" in words(page)
    sent = form(page, "/review")
    items = re.findall(r'name="item" value="([0-9a-f-]+)"', page)
    assert len(items) == 2
    data = {**sent.fields, "item": items, "verb": "accepted"}
    assert (await place.send(sent.action, team, "accountant", data)).status_code == 303
    await place.tick()


async def test_one_award_from_the_first_screen_to_the_thanks(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await shop_of_one(place)
        case = await opened(place, team)

        # The owner passes it to Ben and says yes to what the watch suggests.
        page = (await place.see(case, team, "owner")).text
        ben = re.search(r'<option value="([0-9a-f-]{36})"[^>]*>Ben</option>', page)
        assert ben is not None
        handed = {"owner": ben[1], "reason_code": "handed_over"}
        await fill(place, team, "owner", case, "/pass", **handed)
        await fill(place, team, "owner", "/decisions", "/decide", verb="approved")
        place.wait(600)
        await done_and_shown(place, team, case)
        await looked_at(place, team)

        # Two people set tokens aside; Ines thanks Ben, who suggested nothing and decided nothing.
        await fill(place, team, "owner", "/settings", "/budgets", purpose="Put right", amount_tokens="100")
        await fill(place, team, "accountant", "/decisions", "/approve")
        assert "Thank Ben" in words((await place.see("/decisions", team, "accountant")).text)
        thanks = {"verb": "approved", "message": "That guest will be back."}
        await fill(place, team, "accountant", "/decisions", "/decide", **thanks)
        place.wait(10)
        await place.tick()
        waiting = words((await place.see("/recognition", team, "staff")).text)
        assert "That guest will be back." in waiting and "Waiting until 4 Dec" in waiting
        place.wait(14 * DAY_SECONDS)
        place.cookies.clear()  # two weeks later everybody signs in again
        await signs_in(place, team, "staff")
        await place.tick()
        yours = (await place.see("/recognition", team, "staff")).text
        assert "Yours" in words(yours)
        why = re.search(r'href="(/recognition/[0-9a-f-]+)"', yours)
        assert why is not None
        told = words((await place.see(why[1], team, "staff")).text)
        assert "stood behind this" in told and "Ines approved the recognition for Ben" in told

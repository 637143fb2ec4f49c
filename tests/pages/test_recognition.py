"""Recognition, its reasons, the record, team and search: who sees what, the right of reply, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.pages.kinds import KIND_WORDS
from api.pages.sheets import cell
from ledger.entries import KINDS
from tests.api.house import House, Team, house
from tests.api.test_path import KINDS as VOCABULARY
from tests.api.test_path import decide, notice, publish, record
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words


async def judged(place: House) -> tuple[Team, str]:
    """Staff put something right, and it was found to be so. Return team and case."""
    team = await place.organisation("The Quay")
    await publish(place, team, VOCABULARY + "      opened_at: instant\n")
    owner, staff = team.keys["owner"], team.keys["staff"]
    case = await notice(place, team)
    path = f"/api/v1/cases/{case}"
    made = await place.done(f"{path}/proposals", staff, {"action": "call", "text": "Call the guest"})
    assert (await decide(place, case, owner, "action")).status_code == 201
    place.wait(60)
    await place.done(f"{path}/actions", staff, {"proposal": made["ids"]["proposal"]})
    seen = (await place.ask("GET", path, owner)).json()
    customer = seen["texts"][seen["case"]["subject_item"]]["customer"]
    link = await place.done(f"{path}/links", staff, {"customer": customer, "until": "2026-11-25T10:00:00Z"})
    place.wait(600)
    await place.client.post(link["path"], data={"answer": "resolved", "note": "Thank you"})
    closed = {"records": [record("c-1", "closed", "2026-11-20T13:11:00Z")]}
    await place.done("/api/v1/sources/desk/records:batch", owner, closed)
    await place.done(f"{path}/evidence/record", staff, {"kind": "complaint", "record": "c-1"})
    for item in (await place.ask("GET", path, owner)).json()["evidence"]:
        await place.done(f"{path}/evidence/{item['evidence']}/review", owner, {"result": "accepted"})
    await place.done(f"{path}/outcome", staff, {"resolution": "fixed", "impact": "none"})
    await place.tick()
    return team, case


async def played(place: House) -> tuple[Team, str, str]:
    """As `judged`; one award decision says no, the next says yes. Return team, case, award."""
    team, case = await judged(place)
    owner, staff, outsider = (team.keys[role] for role in ("owner", "staff", "outsider"))
    path = f"/api/v1/cases/{case}"
    await place.asked_first(case, "decline", "evidence_weak", outsider, staff)
    no = {"verb": "declined", "reason_code": "evidence_weak", "reason": "I could not hear the tape"}
    assert (await decide(place, case, outsider, "award", **no)).status_code == 201
    budget = (await place.ask("GET", "/api/v1/budgets", owner)).json()["items"][0]["budget"]
    given = {"beneficiaries": [team.members["staff"]], "amount_tokens": 5, "budget": budget}
    yes = await decide(place, case, outsider, "award", **given, message="=Well done")
    assert yes.status_code == 201, yes.text
    place.wait(11)
    await place.tick()
    award = (await place.ask("GET", path, owner)).json()["awards"][0]["award"]
    return team, case, award


def clean(said: str) -> None:
    """Hold a page's words against those that stay inside."""
    assert [word for word in NEVER_SAID if says(said, word)] == []


async def test_recognition_its_reasons_and_the_right_of_reply(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case, award = await played(place)
        page = await place.see("/recognition", team, "staff")
        said = words(page.text)
        clean(said)
        assert "=Well done" in said and "5 tokens" in said and "Waiting until" in said
        assert "Why not" in said and "There was not enough evidence." in said
        assert "I could not hear the tape" in said and "Outsider" in said
        sent = form(page.text, f"/recognition/of/{case}/reply")
        for _ in range(2):
            answer = await place.send(
                sent.action, team, "staff", {**sent.fields, "reply": "It is loud at 0:40"}
            )
            assert answer.headers["location"] == "/recognition?said=replied"
        after = words((await place.see("/recognition", team, "staff")).text)
        assert after.count("It is loud at 0:40") == 1, "sent twice, it stands once"
        other = await place.send(sent.action, team, "manager", {"reply": "Mine"})
        assert other.status_code == 404, "the right of reply is of whoever it is about"
        assert "'=Well done" in (await place.see("/recognition?as=csv", team, "staff")).text
        empty = words((await place.see("/recognition", team, "manager")).text)
        assert "Nothing here yet." in empty and "Well done" not in empty

        why = f"/recognition/{award}"
        told = words((await place.see(why, team, "staff")).text)
        clean(told)
        assert "You were thanked for this" in told and "At least one person stood behind this." in told
        assert "Brought evidence Staff" in told  # who stood behind it is more than who said yes
        assert "answered; the answer stands beside the decision" in told and "It is loud at 0:40" in told
        told = words((await place.see(why, team, "owner")).text)
        assert "Staff was thanked for this" in told and "You have" not in told


async def test_an_exception_tells_its_recognition_to_who_has_a_part_in_it(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case, award = await played(place)
        joined = await place.done(
            "/api/v1/members", team.keys["owner"], {"name": "Nobody", "roles": ["staff"]}
        )
        team.members["nobody"] = joined["ids"]["member"]
        for role, tells in (("staff", True), ("owner", True), ("nobody", False)):
            page = await place.see(f"/exceptions/{case}", team, role)
            assert page.status_code == 200
            for private in ("I could not hear the tape", "5 tokens"):
                assert (private in words(page.text)) is tells, (role, private)
            assert (f"/recognition/{award}" in page.text) is tells, role


async def test_a_question_of_the_recognised_is_not_called_answered(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, _, award = await played(place)
        why = f"/recognition/{award}"
        sent = form((await place.see(why, team, "staff")).text, f"{why}/ask")
        await place.send(sent.action, team, "staff", {**sent.fields, "reason_code": "seems_mistaken"})
        told = words((await place.see(why, team, "staff")).text)
        assert "There is a question about this. It waits for a decision, and nothing goes on" in told
        assert "Answered." not in told


async def test_a_question_is_asked_and_closed_by_those_who_may(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, _, award = await played(place)
        why = f"/recognition/{award}"
        for role, status in (("staff", 200), ("manager", 200), ("auditor", 200), ("outsider", 200)):
            assert (await place.see(why, team, role)).status_code == status, role
        joined = await place.done("/api/v1/members", team.keys["owner"], {"name": "Nia", "roles": ["staff"]})
        team.members["colleague"] = joined["ids"]["member"]
        for path in (why, f"{why}/proof"):
            assert (await place.see(path, team, "colleague")).status_code == 404, "not theirs to read"
        sent = form((await place.see(why, team, "manager")).text, f"{why}/ask")
        data = {**sent.fields, "reason_code": "how_earned", "reason": "Who called the guest?"}
        asked = await place.send(sent.action, team, "manager", data)
        assert asked.headers["location"] == f"{why}?said=asked"
        mine = await place.see("/recognition", team, "staff")
        said = words(mine.text)
        clean(said)
        for told in ("There is a question about this.", "Who called the guest?", "Manager", "you have until"):
            assert told in said, told
        again = await place.send(f"{why}/ask", team, "auditor", {"reason_code": "how_earned"})
        assert again.status_code == 409 and "Something is asked about this already." in words(again.text)
        theirs = await place.send(f"{why}/close", team, "staff", {"reason_code": "answered", "dispute": "x"})
        assert theirs.status_code == 409, "not open under that name"
        reply = form(mine.text, "/answer")
        colleague = await place.send(reply.action, team, "colleague", {**reply.fields, "reply": "I did"})
        assert colleague.status_code == 403
        for _ in range(2):
            sent_back = await place.send(
                reply.action, team, "staff", {**reply.fields, "reply": "I did, at ten"}
            )
            assert sent_back.headers["location"] == "/recognition?said=replied"
        told_twice = await place.send(
            reply.action, team, "staff", {"reply": "No, at eleven", "key": "a" * 32}
        )
        assert told_twice.status_code == 409 and "You answered this already." in words(told_twice.text)
        seen = await place.see(why, team, "owner")
        assert "I did, at ten" in words(seen.text)
        shut = form(seen.text, f"{why}/close")
        let = await place.send(shut.action, team, "owner", {**shut.fields, "reason_code": "answered"})
        assert let.headers["location"] == f"{why}?said=closed"
        after = words((await place.see(why, team, "auditor")).text)
        assert "Closed: the question was answered." in after and "I did, at ten" in after
        with_values = await place.see(f"{why}/proof?values=with", team, "staff")
        assert with_values.status_code in (200, 409) and "Well done" not in with_values.text


@pytest.mark.parametrize("path", ["/record", "/record/awards", "/record/steps", "/powers"])
async def test_the_record_is_there_for_those_who_check_it(tmp_path: Path, path: str) -> None:
    async with house(tmp_path, pages=True) as place:
        team, _, award = await played(place)
        signed = await place.ask("POST", "/api/v1/log/checkpoint", team.keys["owner"])
        assert signed.status_code == 200
        assert (await place.see(path, team, "staff")).status_code == 403
        page = await place.see(path, team, "auditor")
        assert page.status_code == 200
        clean(words(page.text))
        if path == "/record":
            said = words(page.text)
            assert "Complete." in said and "Unchanged." in said and "Not judged on this page." in said
            assert (await place.see("/record/seal.txt", team, "auditor")).text == signed.text
        if path == "/record/awards":
            assert f"/recognition/{award}" in page.text
        sheet = await place.see(f"{path}?as=csv", team, "auditor")
        assert path == "/record" or sheet.headers["content-type"].startswith("text/csv")


async def test_team_stands_by_name_and_search_finds_what_one_may_open(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, _, award = await played(place)
        said = words((await place.see("/team", team, "staff")).text)
        clean(said)
        assert "No shift records come in" in said and "token" not in said
        everybody = said[said.index("Everybody, by name") :]
        order = [everybody.index(name) for name in ("Ada", "Auditor", "Manager", "Outsider")]
        assert order == sorted(order)
        assert (await place.see("/team", team, "outsider")).status_code == 403
        found = await place.see("/search?q=complaint", team, "owner")
        clean(words(found.text))
        assert f"/recognition/{award}" in found.text and "/exceptions/" in found.text
        joined = await place.done("/api/v1/members", team.keys["owner"], {"name": "Nia", "roles": ["staff"]})
        team.members["colleague"] = joined["ids"]["member"]
        hidden = (await place.see("/search?q=well+done", team, "colleague")).text
        assert f"/recognition/{award}" not in hidden
        assert "Nothing fits" in words((await place.see("/search?q=zzzz", team, "owner")).text)


def test_every_kind_of_step_has_words() -> None:
    assert KINDS.keys() - KIND_WORDS.keys() == set()
    assert [said for said in KIND_WORDS.values() for word in NEVER_SAID if says(said, word)] == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


async def test_a_no_is_asked_about_first_and_waits_for_the_answer(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await judged(place)
        sent = form((await place.see("/decisions", team, "outsider")).text, f"/exceptions/{case}/decide")
        no = {"verb": "declined", "reason_code": "evidence_weak", "reason": "I could not hear the tape"}
        for _ in range(2):
            asked = await place.send(sent.action, team, "outsider", {**sent.fields, **no})
            assert asked.headers["location"] == f"/decisions?said=asked&open={case}"
        mine = await place.see("/recognition", team, "staff")
        said = words(mine.text)
        clean(said)
        assert "Somebody means not to recognise this." in said and "I could not hear the tape" in said
        waiting = await place.see("/decisions", team, "outsider")
        assert "It is decided only after Staff answered" in words(waiting.text)
        assert "Decline" not in words(waiting.text)
        again = form(waiting.text, f"/exceptions/{case}/decide")
        early = await place.send(again.action, team, "outsider", {**again.fields, **no})
        assert early.status_code == 409 and "They still have time to answer." in words(early.text)
        reply = form(mine.text, "/answer")
        await place.send(reply.action, team, "staff", {**reply.fields, "reply": "It is loud at 0:40"})
        ready = await place.see("/decisions", team, "outsider")
        said = words(ready.text)
        clean(said)
        assert "It is loud at 0:40" in said and "Decline" in said
        again = form(ready.text, f"/exceptions/{case}/decide")
        done = await place.send(again.action, team, "outsider", {**again.fields, **no})
        assert done.headers["location"].startswith("/decisions?said=not-recognised")
        story = words((await place.see(f"/exceptions/{case}", team, "auditor")).text)
        clean(story)
        assert "means not to recognise it and asked Staff first" in story and "It is loud at 0:40" in story


async def test_a_planned_no_is_dropped_by_whoever_planned_it(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await judged(place)
        asked = {"about": "decline", "reason_code": "evidence_weak"}
        await place.done(f"/api/v1/cases/{case}/disputes", team.keys["outsider"], asked)
        page = await place.see("/decisions", team, "outsider")
        drop = form(page.text, f"/exceptions/{case}/drop")
        left = await place.send(drop.action, team, "outsider", {**drop.fields, "reason_code": "withdrawn"})
        assert left.headers["location"] == f"/decisions?said=dropped&open={case}"
        assert "Somebody means" not in words((await place.see("/recognition", team, "staff")).text)


async def test_an_end_is_asked_about_on_its_page_and_offered_once_it_was_answered(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, _, award = await played(place)
        why = f"/recognition/{award}"
        page = (await place.see(why, team, "outsider")).text
        assert f"{why}/plan" in page and f"{why}/decline" not in page
        sent = form(page, f"{why}/plan")
        data = {**sent.fields, "reason_code": "duplicate", "reason": "Twice?"}
        assert (await place.send(sent.action, team, "outsider", data)).headers[
            "location"
        ] == f"{why}?said=asked"
        early = await place.send(f"{why}/decline", team, "outsider", {"reason_code": "duplicate"})
        assert early.status_code == 409 and "They still have time to answer." in words(early.text)
        assert f"{why}/decline" not in (await place.see(why, team, "outsider")).text
        listed = words((await place.see("/decisions", team, "owner")).text)
        assert (
            "A question about recognition." in listed and "Somebody means to end this recognition." in listed
        )
        place.wait(7 * 86_400)
        place.cookies.clear()  # sessions do not last that long
        late = await place.see(why, team, "outsider")
        assert "The time to answer was over" in words(late.text)
        end = form(late.text, f"{why}/decline")
        assert end.buttons == [("reason_code", "duplicate")]
        ended = await place.send(end.action, team, "outsider", {**end.fields, "reason_code": "duplicate"})
        assert ended.headers["location"] == f"{why}?said=ended"


async def test_what_nobody_decides_goes_on_and_says_so(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await judged(place)
        for days, rung in ((2, 0), (1, 1), (2, 1), (1, 2), (30, 2)):
            place.wait(days * 86_400)
            await place.tick()
            row = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()["case"]
            assert (row["asked_rung"], row["state"]) == (rung, "RESOLVED"), days
        place.cookies.clear()
        said = words((await place.see("/decisions", team, "owner")).text)
        assert "Nobody decided in time; you are asked now." in said
        story = words((await place.see(f"/exceptions/{case}", team, "owner")).text)
        assert story.count("Nobody decided in time") == 2

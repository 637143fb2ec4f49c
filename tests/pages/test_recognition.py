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


async def played(place: House) -> tuple[Team, str, str]:
    """Staff put something right; one award decision says no, the next says yes. Return team, case, award."""
    team = await place.organisation("The Quay")
    await publish(place, team, VOCABULARY + "      opened_at: instant\n")
    owner, staff, outsider = (team.keys[role] for role in ("owner", "staff", "outsider"))
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
        assert "You were thanked for this" in told and "people stood behind this" in told
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
        own = (await place.see(why, team, "staff")).text
        assert "This is not right" not in own and f"{why}/reply" in own
        refused = await place.send(f"{why}/hold", team, "staff", {"reason_code": "under_question"})
        assert refused.status_code == 403 and "Nothing was changed" in words(refused.text)
        sent = form((await place.see(why, team, "manager")).text, f"{why}/hold")
        data = {**sent.fields, "reason_code": "under_question"}
        assert (await place.send(sent.action, team, "manager", data)).headers[
            "location"
        ] == f"{why}?said=held"
        assert "There is a question about this." in words(
            (await place.see("/recognition", team, "staff")).text
        )
        again = await place.send(f"{why}/hold", team, "manager", {"reason_code": "under_question"})
        assert again.status_code == 409
        let = await place.send(f"{why}/release", team, "owner", {"reason_code": "answered"})
        assert let.headers["location"] == f"{why}?said=released"
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

"""An exception at its own address: what it says to whom, every step as a form, refused ones and those sent twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.pages.doing import amount_of, check_content
from api.pages.staffed import NOBODY
from api.problems import BadRequest
from casework.staffing import ALONE, BECAUSE, SENTENCES
from tests.api.house import House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, forms, words

PDF = b"%PDF-1.7 a bill"


async def with_case(place: House, note: str = "The <b>ice machine</b> leaks") -> tuple[Team, str]:
    """An organisation in which a manager may decide, and a report that staff owns."""
    team = await place.organisation("The Quay")
    power = {"member": team.members["manager"], "about": "action", "assurance_min": "session"}
    await place.done("/api/v1/authorities", team.keys["owner"], power)
    report = {"note": note, "owner": team.members["staff"]}
    case: str = (await place.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    return team, case


async def step(place: House, team: Team, role: str, case: str, to: str, **fields: str) -> httpx.Response:
    """Open the page and send one of its forms with these fields changed."""
    page = await place.see(f"/exceptions/{case}", team, role)
    sent = form(page.text, f"/exceptions/{case}/{to}")
    return await place.send(sent.action, team, role, {**sent.fields, **fields})


async def told(place: House, team: Team, case: str) -> dict[str, Any]:
    found: dict[str, Any] = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()
    return found


async def approved(place: House, team: Team, case: str) -> None:
    suggested = {"action": "something_else", "text": "Call Otto", "amount": "75.50"}
    assert (await step(place, team, "staff", case, "propose", **suggested)).status_code == 303
    assert (await step(place, team, "manager", case, "decide", verb="approved")).status_code == 303


async def test_the_whole_path_through_the_page(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        done = await step(place, team, "staff", case, "in-hand", until="tomorrow")
        assert done.headers["location"] == f"/exceptions/{case}?said=in-hand"
        said = words((await place.see(done.headers["location"], team, "staff")).text)
        assert "Noted: you have it in hand." in said and "They expect to be done by Sat 21 Nov 12:00." in said
        await approved(place, team, case)
        (proposal,) = (await told(place, team, case))["proposals"]
        assert (proposal["action"], proposal["value"]["amount_minor"], proposal["flags"]) == (
            "something_else", 7550, ["money"],
        )  # fmt: skip
        assert (await step(place, team, "staff", case, "done", note="Otto came")).status_code == 303
        assert (
            await step(place, team, "staff", case, "evidence/statement", statement="It is dry")
        ).status_code == 303
        assert (await step(place, team, "manager", case, "review", verb="accepted")).status_code in (303, 422)
        after = await step(place, team, "staff", case, "result", resolution="fixed", impact="none")
        assert after.headers["location"].endswith("said=result")
        row = (await told(place, team, case))["case"]
        assert (row["state"], row["action_by"]) == ("AWAITING_REVIEW", team.members["staff"])
        page = words((await place.see(f"/exceptions/{case}", team, "staff")).text)
        order = ("Noticed: The <b>ice machine</b> leaks", "Staff is on it", "Staff suggested: Call Otto",
                 "Manager approved the suggestion", "Staff did what was approved: Something else",
                 "Result, written down by Staff: solved")  # fmt: skip
        assert [part for part in order if part not in page] == []
        places = [page.index(part) for part in order]
        assert places == sorted(places)
        assert "It is dry" in page and [word for word in NEVER_SAID if says(page, word)] == []


async def test_a_form_sent_twice_counts_once_though_the_page_has_moved_on(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        page = await place.see(f"/exceptions/{case}", team, "staff")
        for to, fields in (("propose", {"text": "Call Otto"}), ("note", {"note": "It drips"})):
            sent = form(page.text, f"/exceptions/{case}/{to}")
            answers = [
                await place.send(sent.action, team, "staff", {**sent.fields, **fields}) for _ in range(2)
            ]
            assert [answer.status_code for answer in answers] == [303, 303]
        assert len((await told(place, team, case))["proposals"]) == 1
        assert (
            words((await place.see(f"/exceptions/{case}", team, "staff")).text).count("It drips") == 2
        )  # story, remarks


async def test_a_form_shown_before_a_change_is_refused_and_the_page_stands_as_it_is(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        sent = form(
            (await place.see(f"/exceptions/{case}", team, "staff")).text, f"/exceptions/{case}/propose"
        )
        await place.done(
            f"/api/v1/cases/{case}/proposals",
            team.keys["owner"],
            {"action": "close_it", "text": "Close it off"},
        )
        answer = await place.send(sent.action, team, "staff", {**sent.fields, "text": "Call Otto"})
        said = words(answer.text)
        assert answer.status_code == 409
        assert "This changed while you were reading." in said and "Close it off" in said
        assert len((await told(place, team, case))["proposals"]) == 1


REFUSED = [
    ("staff", "in-hand", {"until": "for ever"}, 422),
    ("staff", "in-hand", {"until": ""}, 422),
    ("staff", "propose", {"action": "something_else", "text": ""}, 422),
    ("staff", "propose", {"action": "rob_the_bank", "text": "x"}, 422),
    ("staff", "propose", {"text": "x", "amount": "a lot"}, 422),
    ("staff", "propose", {"text": "x", "seen": ""}, 409),
    ("staff", "note", {"note": " "}, 422),
    ("staff", "note", {"note": "x" * 5_000}, 422),
    ("staff", "pass", {"owner": "nobody-at-all"}, 422),
    ("staff", "pass", {"reason_code": "ack_expired"}, 422),
    ("staff", "evidence/statement", {"statement": ""}, 422),
    ("staff", "link", {"guest": "", "days": "1"}, 422),
    ("staff", "link", {"guest": "Mrs Hale", "days": "9999"}, 422),
    ("manager", "close", {"reason_code": "done"}, 409),
    ("manager", "close", {"reason_code": "made_up"}, 422),
    ("manager", "close", {"seen": "1"}, 409),
]


@pytest.mark.parametrize(("role", "to", "fields", "status"), REFUSED)
async def test_what_is_not_as_expected_changes_nothing(
    tmp_path: Path, role: str, to: str, fields: dict[str, str], status: int
) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        before = (await told(place, team, case))["case"]["changed_seq"]
        answer = await step(place, team, role, case, to, **fields)
        assert answer.status_code == status
        assert "data-trouble" in answer.text and f"x-{case}" in answer.text, (
            "the page as it stands, with a note"
        )
        assert (await told(place, team, case))["case"]["changed_seq"] == before


@pytest.mark.parametrize(
    ("role", "to", "status"),
    [
        ("auditor", "note", 403),
        ("outsider", "propose", 403),
        ("staff", "close", 403),
        ("staff", "no-problem", 403),
    ],
)
async def test_a_role_without_the_right_is_neither_offered_a_step_nor_let_through(
    tmp_path: Path, role: str, to: str, status: int
) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        page = await place.see(f"/exceptions/{case}", team, role)
        assert f"/exceptions/{case}/{to}" not in [one.action for one in forms(page.text)]
        answer = await place.send(
            f"/exceptions/{case}/{to}", team, role, {"note": "x", "reason_code": "done"}
        )
        assert answer.status_code == status


async def test_who_may_not_decide_reads_why_and_who_can_instead_of_a_grey_button(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        await step(place, team, "staff", case, "propose", text="Call Otto", action="something_else")
        mine = words((await place.see(f"/exceptions/{case}", team, "staff")).text)
        assert "You suggested this, so somebody else decides. Manager can." in mine
        other = await place.see(f"/exceptions/{case}", team, "outsider")
        assert "This waits for a decision that is not yours. Manager can." in words(other.text)
        assert "/decide" not in other.text and "disabled" not in other.text


async def test_refusals_are_told_to_whom_they_concern_and_to_auditors_only(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        await step(place, team, "staff", case, "propose", text="Call Otto", action="something_else")
        await place.done(
            "/api/v1/authorities", team.keys["owner"], {"member": team.members["staff"], "about": "action"}
        )
        sent = form((await place.see(f"/exceptions/{case}", team, "manager")).text, "/decide")
        card = await place.ask("GET", f"/api/v1/cases/{case}/card?about=action", team.keys["staff"])
        data = {**sent.fields, "token": card.json()["token"], "verb": "approved"}
        assert (await place.send(sent.action, team, "staff", data)).status_code == 403
        tried = "Refused: Staff tried to approve their own suggestion"
        pages = {role: words((await place.see(f"/exceptions/{case}", team, role)).text) for role in team.keys
                 if role != "agent"}  # fmt: skip
        assert {role for role, said in pages.items() if tried in said} == {"staff", "auditor"}


async def test_a_file_is_an_uploaded_file_and_can_be_replaced_and_taken_back(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        to = f"/exceptions/{case}/evidence/file"

        async def send(content: bytes, kind: str, **fields: str) -> httpx.Response:
            sent = form((await place.see(f"/exceptions/{case}", team, "staff")).text, to)
            files = {"file": ("../../bill.pdf", content, kind)}
            return await place.send(to, team, "staff", {**sent.fields, **fields}, files=files)

        assert (await send(PDF, "application/pdf")).status_code == 303
        (first,) = (await told(place, team, case))["evidence"]
        assert (first["type"], first["grade"]) == ("file", "E1")
        again = await send(PDF, "application/pdf")
        assert again.status_code == 409 and "This was used as evidence before." in words(again.text)
        assert (await send(b"MZ a program", "application/pdf")).status_code == 422
        assert (await send(b"<html>", "text/html")).status_code == 422
        assert (
            await send(PDF + b" better", "application/pdf", replaces=first["evidence"])
        ).status_code == 303
        second = next(one for one in (await told(place, team, case))["evidence"] if not one["withdrawn"])
        back = await step(place, team, "staff", case, "withdraw", reason_code="mistaken")
        assert back.status_code == 303
        page = await place.see(f"/exceptions/{case}", team, "staff")
        assert words(page.text).count("taken back; it does not count") == 2, "both stay visible"
        assert words(page.text).count("an uploaded file") >= 2 and second["evidence"] != first["evidence"]


async def test_a_link_is_shown_once_with_its_code_and_is_never_kept(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        sent = form((await place.see(f"/exceptions/{case}", team, "staff")).text, f"/exceptions/{case}/link")
        data = {**sent.fields, "guest": "Mrs Hale", "days": "3"}
        shown = await place.send(sent.action, team, "staff", data)
        (url,) = re.findall(r"http://localhost/l/[0-9a-f]+", shown.text)
        assert shown.status_code == 200 and '<svg class="qr"' in shown.text and "style=" not in shown.text
        assert "Whoever saw it counts as a witness" in words(shown.text)
        again = await place.send(sent.action, team, "staff", data)
        assert url not in again.text and "This link was shown already." in words(again.text)
        assert url not in (await place.see(f"/exceptions/{case}", team, "staff")).text
        assert (await place.client.get(url.removeprefix("http://localhost"))).status_code == 200
        (link,) = (await told(place, team, case))["links"]
        assert link["handed_over_by"] == team.members["staff"]


async def test_passing_closing_and_opening_again(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        handed = await step(place, team, "staff", case, "pass", owner=team.members["manager"])
        assert handed.headers["location"].endswith("said=passed")
        assert (await told(place, team, case))["case"]["owner"] == team.members["manager"]
        ended = await step(place, team, "manager", case, "no-problem", note="It was the dishwasher")
        assert ended.headers["location"].endswith("said=no-problem")
        row = (await told(place, team, case))["case"]
        assert (row["state"], row["reason_code"]) == ("CLOSED", "false_alarm")
        assert "It was the dishwasher" in words((await place.see(f"/exceptions/{case}", team, "owner")).text)
        assert (await step(place, team, "staff", case, "reopen", reason_code="not_fixed")).status_code == 303
        assert (await told(place, team, case))["case"]["state"] == "ASSIGNED"


async def test_what_came_back_says_so_and_suggests_nothing_of_before(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        await approved(place, team, case)
        await step(place, team, "staff", case, "done", note="Otto came")
        await step(place, team, "manager", case, "close", reason_code="accepted_risk")
        assert (await step(place, team, "staff", case, "reopen", reason_code="not_fixed")).status_code == 303
        page = words((await place.see(f"/exceptions/{case}", team, "staff")).text)
        assert "It came back. Done before: Something else" in page and "Suggested by" not in page
        assert "It came back: 10:00. It was not solved after all. Staff told us" in page, page
        mine = words((await place.see("/my-work", team, "staff")).text)
        assert "It came back: say that you have it in hand, or pass it on." in mine
        await step(place, team, "staff", case, "propose", text="A new machine", action="something_else")
        again = words((await place.see(f"/exceptions/{case}", team, "staff")).text)
        assert "Suggested by" in again and "A new machine" in again and "Done before" not in again
        assert "It came back: 10:00. It was not solved after all." in again
        assert "It came back It was not solved after all." in again and "same thing" not in again, again


async def test_staff_who_may_look_at_evidence_are_asked_on_their_own_page_and_auditors_nowhere(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        power = {"member": team.members["owner"], "about": "action", "assurance_min": "session"}
        await place.done("/api/v1/authorities", team.keys["owner"], power)
        report = {"note": "The ice machine leaks", "owner": team.members["manager"]}
        case = (await place.done("/api/v1/reports", team.keys["manager"], report))["ids"]["case"]
        suggested = {"action": "something_else", "text": "Call Otto"}
        assert (await step(place, team, "manager", case, "propose", **suggested)).status_code == 303
        assert (await step(place, team, "owner", case, "decide", verb="approved")).status_code == 303
        await step(place, team, "manager", case, "done", note="Otto came")
        assert "needs you" not in words((await place.see("/my-work", team, "staff")).text)
        await step(place, team, "manager", case, "evidence/statement", statement="It is dry")
        assert "1 thing needs you" in words((await place.see("/my-work", team, "staff")).text)
        assert "needs you" not in words((await place.see("/my-work", team, "manager")).text)
        looked = await place.see("/decisions", team, "auditor")
        assert f"/exceptions/{case}/review" not in looked.text
        told_no = await place.ask(
            "POST", f"/api/v1/cases/{case}/evidence/x/review", team.keys["auditor"], json={"verb": "accepted"}
        )
        assert told_no.status_code == 403
        assert (await step(place, team, "staff", case, "review", verb="accepted")).status_code == 303
        assert "needs you" not in words((await place.see("/my-work", team, "staff")).text)


async def test_decisions_lead_to_passing_later_and_not_a_problem(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        await step(place, team, "staff", case, "propose", text="Call Otto", action="something_else")
        page = (await place.see("/decisions", team, "manager")).text
        for name in ("pass", "later", "no-problem"):
            assert f'href="/exceptions/{case}?do={name}#{name}"' in page
        opened = (await place.see(f"/exceptions/{case}?do=pass", team, "manager")).text
        assert '<details class="step" id="pass" open>' in opened and 'id="later">' in opened
        later, _remark = [one for one in forms(opened) if one.action.endswith("/note")]
        said = await place.send(later.action, team, "manager", {**later.fields, "note": "After the service"})
        assert said.status_code == 303
        assert "After the service" in words((await place.see(f"/exceptions/{case}", team, "staff")).text)


async def test_a_page_says_when_it_was_made_and_unknown_ones_are_unknown(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        page = await place.see(f"/exceptions/{case}", team, "auditor")
        row = (await told(place, team, case))["case"]
        assert page.headers["etag"] == f'"{row["changed_seq"]}"'
        for path in (f"/exceptions/{case[:-1]}0", f"/exceptions/{case}/source", "/exceptions/not%20one"):
            assert (await place.see(path, team, "auditor")).status_code in (404, 422)
        stranger = await place.client.get(f"/exceptions/{case}")
        assert (stranger.status_code, stranger.headers["location"]) == (
            303,
            f"/sign-in?next=/exceptions/{case}",
        )


async def test_another_organisation_never_sees_it(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        _, case = await with_case(place)
        other = await place.organisation("Other")
        assert (await place.see(f"/exceptions/{case}", other, "owner")).status_code == 404
        answer = await place.send(f"/exceptions/{case}/note", other, "owner", {"note": "x"})
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("", "EUR", None),
        ("75", "EUR", 7500),
        ("75.5", "EUR", 7550),
        ("75,50", "EUR", 7550),
        ("75", "JPY", 75),
    ],
)
def test_amounts_as_people_type_them(typed: str, currency: str, minor: int | None) -> None:
    found = amount_of(typed, currency)
    assert (found and found["amount_minor"]) == minor


@pytest.mark.parametrize("typed", ["-5", "75.505", "1,000.00", "€75", "75.5 EUR", "٧٥", "1" * 10])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(BadRequest):
        amount_of(typed, "EUR")


@pytest.mark.parametrize(
    ("kind", "content", "fits"),
    [
        ("application/pdf", PDF, True), ("application/pdf", b"\x89PNG\r\n\x1a\n", False),
        ("image/png", b"\x89PNG\r\n\x1a\nrest", True), ("image/jpeg", PDF, False),
        ("text/plain", "Grüße".encode(), True), ("text/plain", b"\xff\xfe", False), ("text/plain", b"a\x00b", False),
    ],
)  # fmt: skip
def test_a_file_is_what_it_says_it_is(kind: str, content: bytes, fits: bool) -> None:
    if fits:
        check_content(kind, content)
    else:
        with pytest.raises(BadRequest):
            check_content(kind, content)


def test_what_staffing_says_where_nobody_may_stands_in_the_catalogue() -> None:
    asked = ("decide_action", "review_evidence", "decide_award")
    said = {ALONE, *(SENTENCES[one] for one in asked)}
    said |= {sentence for (step_, _), sentence in BECAUSE.items() if step_ in asked}
    assert said == set(NOBODY)

"""Report without a script: one form, what it refuses and keeps, what is offered before anything is recorded."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from casework.similar import beginnings
from tests.api.house import House, Team, house
from tests.api.painted import jpeg, moving
from tests.api.scenes import CHANGES, KINDS
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words

NOTE = "The ice machine drips on the floor"


async def filled(place: House, team: Team, role: str = "staff", **change: str) -> dict[str, str]:
    """Return the form of the page as somebody fills it in."""
    page = await place.see("/report", team, role)
    return {**form(page.text, "/report").fields, "note": NOTE, **change}


async def sent(
    place: House,
    team: Team,
    data: dict[str, str],
    photo: bytes | None = None,
    role: str = "staff",
    kind: str = "image/jpeg",
) -> httpx.Response:
    """Send it, with a photo if there is one."""
    empty = ("", b"", "application/octet-stream")
    files = {"photo": empty if photo is None else ("photo.jpg", photo, kind)}
    return await place.send("/report", team, role, data, files=files)


async def cases_of(place: House, team: Team) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await place.ask("GET", "/api/v1/cases", team.keys["owner"])).json()[
        "items"
    ]
    return found


async def items_of(place: House, team: Team, case: str) -> list[dict[str, Any]]:
    told = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()
    found: list[dict[str, Any]] = told["evidence"]
    return found


async def test_the_page_asks_for_a_photo_or_a_sentence_and_nothing_else(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        page = await place.see("/report", team, "staff")
        said = words(page.text)
        assert page.status_code == 200 and 'enctype="multipart/form-data"' in page.text
        for part in (
            "Equipment",
            "Guest unhappy",
            "Running low",
            "Can wait",
            "Today",
            "Now",
            "An uploaded file",
        ):
            assert part in said
        assert form(page.text, "/report").fields["urgency"] == "today"
        assert [word for word in NEVER_SAID if says(said, word)] == []
        assert (await place.see("/report", team, "auditor")).status_code == 403


async def test_a_report_with_a_photo_is_one_case_however_often_it_is_sent(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        data = await filled(place, team, urgency="now")
        answers = [await sent(place, team, data, jpeg()) for _ in range(2)]
        assert [one.status_code for one in answers] == [303, 303]
        assert answers[0].headers["location"] == answers[1].headers["location"]
        (case,) = await cases_of(place, team)
        (item,) = await items_of(place, team, case["case"])
        assert (item["type"], item["grade"]) == ("photo", "E1"), "a form without a script is a file"
        after = words((await place.see(answers[0].headers["location"], team, "staff")).text)
        assert "Sent. Manager is asked to look at it. See it" in after
        told = await place.see(f"/exceptions/{case['case']}/evidence/{item['evidence']}", team, "staff")
        assert "An uploaded file." in words(told.text) and "A whole picture of 64 by 48 points." in words(
            told.text
        )
        assert [word for word in NEVER_SAID if says(words(told.text), word)] == []
        for part, kind in (("content", "image/jpeg"), ("thumbnail", "image/jpeg")):
            got = await place.see(
                f"/exceptions/{case['case']}/evidence/{item['evidence']}/{part}", team, "staff"
            )
            assert (got.status_code, got.headers["content-type"]) == (200, kind)


async def test_a_photo_alone_is_enough(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        answer = await sent(place, team, await filled(place, team, note=""), jpeg())
        assert answer.status_code == 303
        assert len(await cases_of(place, team)) == 1


@pytest.mark.parametrize(
    ("change", "photo", "kind", "status", "sentence"),
    [
        ({"note": " "}, None, "", 422, "Take a photo or write a sentence, then send it."),
        ({}, b"\xff\xd8\xff" + b"x" * (8 * 1024 * 1024), "image/jpeg", 413, "This photo is too large."),
        ({}, b"%PDF-1.7 no picture", "application/pdf", 415, "This file is not a picture that can be taken."),
        ({}, b"just text", "image/jpeg", 415, "This file is not a picture that can be taken."),
        ({}, jpeg()[:-40], "image/jpeg", 422, "This picture is damaged"),
        ({}, moving("WEBP"), "image/webp", 422, "This is a moving picture."),
        ({"urgency": "yesterday"}, None, "", 422, "Something in this form is not as expected"),
        (
            {"member": "019aaaaa-0000-7000-8000-000000000000"},
            None,
            "",
            403,
            "Somebody else is signed in here now.",
        ),
        ({"join": "019aaaaa-0000-7000-8000-000000000000"}, None, "", 404, "That is not here any more."),
    ],
)
async def test_what_is_not_taken_leaves_nothing_and_loses_no_words(
    tmp_path: Path, change: dict[str, str], photo: bytes | None, kind: str, status: int, sentence: str
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        answer = await sent(place, team, await filled(place, team, **change), photo, kind=kind)
        assert (answer.status_code, sentence in words(answer.text)) == (status, True), words(answer.text)
        kept = "" if "note" in change or "member" in change else NOTE
        assert form(answer.text, "/report").fields["note"] == kept
        assert await cases_of(place, team) == []


async def test_the_same_photo_again_is_refused_and_the_words_stay(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        assert (await sent(place, team, await filled(place, team), jpeg())).status_code == 303
        other = await filled(place, team, note="A guest slipped on the stairs")
        answer = await sent(place, team, other, jpeg())
        assert answer.status_code == 409
        assert "This was used as evidence before." in words(answer.text)
        assert "Choose the photo once more." in words(answer.text)
        assert form(answer.text, "/report").fields["note"] == "A guest slipped on the stairs"
        assert len(await cases_of(place, team)) == 1


async def test_what_is_handled_already_is_offered_before_anything_is_recorded(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        first = await sent(place, team, await filled(place, team))
        case = first.headers["location"].rpartition("=")[2]
        again = await filled(place, team, note="Ice machine drips again")
        offered = await sent(place, team, again, jpeg())
        said = words(offered.text)
        assert offered.status_code == 200 and len(await cases_of(place, team)) == 1
        for part in (
            "This may be the same",
            NOTE,
            "It is with Manager already.",
            "It is something else: send",
        ):
            assert part in said
        kept = form(offered.text, "/report")
        assert kept.fields["note"] == "Ice machine drips again" and ("join", case) in kept.buttons
        joined = await sent(place, team, {**kept.fields, "join": case}, jpeg())
        assert joined.headers["location"] == f"/report?said=photo&of={case}"
        assert "Your photo was added." in words(
            (await place.see(joined.headers["location"], team, "staff")).text
        )
        assert len(await items_of(place, team, case)) == 1 and len(await cases_of(place, team)) == 1
        words_only = await filled(place, team, note="Ice machine drips still", join=case)
        assert (await sent(place, team, words_only)).headers["location"] == f"/report?said=words&of={case}"
        other = await filled(place, team, note="Ice machine drips upstairs", sure="1")
        assert (await sent(place, team, other)).headers["location"].startswith("/report?said=sent")
        assert len(await cases_of(place, team)) == 2


async def test_a_photo_is_brought_to_an_exception_by_an_ordinary_form(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        case = (await sent(place, team, await filled(place, team))).headers["location"].rpartition("=")[2]
        way = f"/exceptions/{case}/photo"
        page = await place.see(f"/exceptions/{case}", team, "manager")
        data = form(page.text, way).fields
        files = {"photo": ("IMG 1.jpg", jpeg(), "image/jpeg")}
        answers = [await place.send(way, team, "manager", data, files=files) for _ in range(2)]
        assert {one.status_code for one in answers} == {303}
        (item,) = await items_of(place, team, case)
        assert answers[1].headers["location"] == f"/exceptions/{case}/evidence/{item['evidence']}?said=added"
        shown = await place.see(answers[0].headers["location"], team, "manager")
        assert "Your photo was added." in words(shown.text)
        other = {"photo": ("IMG 1.jpg", jpeg(colour="blue"), "image/jpeg")}  # gone back, another one chosen
        answer = await place.send(way, team, "manager", data, files=other)
        assert answer.status_code == 422 and "sent before with something else in it" in words(answer.text)
        assert len(await items_of(place, team, case)) == 1
        none = await place.send(way, team, "manager", data | {"key": "x"})
        assert none.status_code == 422
        replaced = {"key": "y", "replaces": item["evidence"]}
        files = {"photo": ("b.jpg", jpeg(colour="red"), "image/jpeg")}
        assert (await place.send(way, team, "manager", replaced, files=files)).status_code == 303
        unknown = f"/exceptions/{case}/evidence/019aaaaa-0000-7000-8000-000000000000"
        assert (await place.see(unknown, team, "staff")).status_code == 404


async def test_it_goes_to_a_lead_who_has_come_and_the_page_says_to_whom(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        owner = team.keys["owner"]
        leaving = f"/api/v1/members/{team.members['manager']}/leave"
        await place.done(leaving, owner, {"reason_code": "left", "successor": team.members["owner"]})
        await place.done("/api/v1/invites", owner, {"name": "Lena", "roles": ["manager"]})  # and never comes
        page = words((await place.see("/report", team, "staff")).text)
        assert "A photo or a sentence is enough. It goes to Ada." in page
        assert "You will have it yourself." in words((await place.see("/report", team, "owner")).text)
        answer = await sent(place, team, await filled(place, team))
        (case,) = await cases_of(place, team)
        assert case["owner"] == team.members["owner"]
        said = words((await place.see(answer.headers["location"], team, "staff")).text)
        assert "Ada is asked to look at it." in said


async def test_somebody_not_signed_in_or_from_elsewhere_records_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        data = await filled(place, team)
        crossed = await place.send("/report", team, "staff", data, **{"Sec-Fetch-Site": "cross-site"})
        assert crossed.status_code == 403
        assert (await place.client.post("/report", data=data)).status_code == 303
        assert (await sent(place, team, data, role="auditor")).status_code == 403
        assert await cases_of(place, team) == []


@pytest.mark.parametrize(
    ("texts", "begun"),
    [
        ([], []),
        (["Oven is cold", "Stairs are wet"], []),
        (["The oven is cold", "oven door sticks", "Towels missing"], ["Oven"]),
        (["Running low: gin", "running low: limes", "Gin is out"], ["Running low"]),
        (["12 chairs broke", "12 glasses broke"], []),
        (["Bar a", "Lift b", "bar c", "Lift d", "Bar e"], ["Bar", "Lift"]),
    ],
)
def test_suggestions_are_what_this_place_begins_with(texts: list[str], begun: list[str]) -> None:
    assert beginnings(texts, 3) == begun


async def test_the_same_picture_again_stands_beside_the_first(tmp_path: Path) -> None:
    """Whoever looks at the evidence sees both, and what the file says of itself."""
    drawn = random.Random(9)
    image = KINDS["shelf"](drawn)
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        case = (await place.done("/api/v1/reports", team.keys["staff"], {"note": "Empty"}))["ids"]["case"]
        found = []
        for picture in (image, CHANGES["mirror, crop 8 %"](image, drawn)):
            exif = Image.Exif()
            exif[0x0132], exif[0x0131] = "2022:05:24 10:51:58", "Paint <b>"
            held = io.BytesIO()
            picture.convert("RGB").save(held, "JPEG", exif=exif)
            files = {"photo": ("a.jpg", held.getvalue(), "image/jpeg")}
            path = f"/api/v1/cases/{case}/evidence/photo"
            found.append((await place.done(path, team.keys["staff"], files=files))["ids"]["evidence"])
        first, second = [
            (await place.see(f"/exceptions/{case}/evidence/{one}", team, "manager")).text for one in found
        ]
        assert "It looks like a photo that was shown before." in second
        assert f'src="/exceptions/{case}/evidence/{found[0]}/thumbnail"' in second
        assert "changed on Tue 24 May 2022 by Paint &lt;b&gt;." in second
        assert "shown before" not in first and "It was not used anywhere here before." in first
        assert "looks like an earlier photo" in (await place.see(f"/exceptions/{case}", team, "manager")).text

"""A file of results that a provider signed, on its page: each line taken, here already, or refused with why."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest
import pytest_asyncio

from api.pages.signed_results import WAYS
from api.signed_results import FILE_BYTES_MAX, LINES_MAX, NoLines, lines_of
from casework.collectors.signed_file import write_public
from tests.abuse.flows import course_of, enrolled, opened
from tests.abuse.ground import HOUR, Ground
from tests.api.house import house
from tests.api.test_signed_files import ANOTHER, PROVIDER, file_of, said
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words

PAGE, SYSTEMS = "/sources/results", "/sources/systems"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """A place where one course is claimed, whose learner's account is known, and no provider's key counts yet."""
    async with house(tmp_path_factory.mktemp("results"), pages=True) as at:
        g = await opened(at, 871, frozenset())
        await enrolled(g)
        yield g


async def seen(g: Ground, path: str = PAGE, role: str = "manager") -> str:
    """Return a page that says no word of the software."""
    answer = await g.at.see(path, g.team, role)
    assert answer.status_code == 200, answer.text
    assert [word for word in NEVER_SAID if says(words(answer.text), word)] == []
    return answer.text


async def brought(g: Ground, data: bytes, role: str = "manager", source: str = "lms") -> tuple[int, str]:
    """Bring a file with the form of the page; return status and page."""
    asked = form(await seen(g, role=role), PAGE)
    given = {**asked.fields, "source": source}
    answer = await g.at.send(PAGE, g.team, role, given, files={"file": ("results.txt", data)})
    return answer.status_code, unescape(answer.text)


async def test_the_form_is_there_for_leads_once_a_key_counts(ground: Ground) -> None:
    assert "No provider's files count here yet." in unescape(await seen(ground))
    assert PAGE not in await seen(ground, SYSTEMS)
    for role in ("staff", "outsider", "auditor"):
        assert (await ground.at.see(PAGE, ground.team, role)).status_code == 403
        assert (await ground.at.send(PAGE, ground.team, role, {"source": "lms"})).status_code == 403, role
    public = {"public": write_public(PROVIDER.public_key)}
    await ground.must("/sources/lms/keys", "owner", public)
    assert form(await seen(ground, SYSTEMS), PAGE).fields["source"] == "lms"


async def test_whose_account_it_is_can_be_said_there_and_never_of_ones_own(ground: Ground) -> None:
    g = ground
    case = await course_of(g, by="second", course="first-aid", version="3")
    line = file_of(
        said(g, registration="r-20", account="sec.ond", course="first-aid", course_version="3")
    ).encode()
    _, page = await brought(g, line)
    asked = form(page, "/sources/lms/names")
    assert asked.fields["name"] == "sec.ond" and "Whose account is sec.ond?" in page
    own = await g.at.send(asked.action, g.team, "manager", {**asked.fields, "member": g.who("manager")})
    assert own.status_code == 403
    answer = await g.at.send(asked.action, g.team, "manager", {**asked.fields, "member": g.who("second")})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sources/lms/names")
    status, page = await brought(g, line)
    assert status == 200 and "1 result was taken." in page
    assert len((await g.case(case))["evidence"]) == 1
    missing = await g.at.send(asked.action, g.team, "manager", {**asked.fields, "member": ""})
    assert missing.status_code == 422


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "expected 1 to 100 lines, got 0"),
        (b"\n \r\n", "got 0"),
        (b"x\n" * (LINES_MAX + 1), "got 101"),
        (b"\xff\xfe\x00", "expected a text file"),
        (b"x" * (FILE_BYTES_MAX + 1), "expected at most"),
    ],
)
async def test_a_file_that_is_none_is_refused_whole(ground: Ground, data: bytes, detail: str) -> None:
    with pytest.raises(NoLines, match=detail):
        lines_of(data)
    if data and len(data) < FILE_BYTES_MAX:
        status, page = await brought(ground, data)
        assert (
            status == 422 and "This file was not taken, and nothing was changed." in page and detail in page
        )


async def test_a_file_for_nobody_and_none_at_all(ground: Ground) -> None:
    status, _ = await brought(ground, b"x", source="nowhere")
    assert status == 404
    asked = form(await seen(ground), PAGE)
    answer = await ground.at.send(PAGE, ground.team, "manager", asked.fields)
    assert answer.status_code == 422


async def test_each_line_is_told_for_itself_and_counts_once(ground: Ground) -> None:
    g = ground
    case = await course_of(g)
    g.at.wait(2 * HOUR)
    good = file_of(said(g))
    lines = [
        good,
        "",
        file_of(said(g, registration="r-9"), ANOTHER),
        good[:-3] + "AAA",
        "registration;account;course",
        file_of(said(g, registration="r-8", score=10_001)),
        file_of(said(g, registration="r-7", account="who.knows")),
        file_of(said(g, registration="r-6", course="first-aid", course_version="3")),
        good,
        "x" * 16_385,
    ]
    status, page = await brought(g, "\ufeff".encode() + "\r\n".join(lines).encode())
    assert status == 200 and "1 result was taken." in page and "9 lines were read." in page
    told = re.findall(r'<td class="lead">Line (\d+)</td>.*?class="chip"[^>]*>(.*?)</span>', page, re.S)
    assert [(int(line), chip.strip()) for line, chip in told] == [
        (1, "Taken"),
        (3, "Not taken"),
        (4, "Not taken"),
        (5, "Not taken"),
        (6, "Not taken"),
        (7, "Not taken yet"),
        (8, "Not taken yet"),
        (9, "Here already"),
        (10, "Not taken"),
    ]
    text = words(page)
    for outcome, times in (("here", 1), ("no_result", 3), ("no_key", 2), ("nobody", 1), ("no_claim", 1)):
        assert text.count(WAYS[outcome][2]) == times, outcome
    assert "who.knows" in page and f'href="/exceptions/{case}"' in page
    (item,) = (await g.case(case))["evidence"]
    assert (item["type"], item["grade"], item["submitter"]) == (
        "training_result", "E4", f"member:{g.who('manager')}"
    )  # fmt: skip
    status, again = await brought(g, good.encode())
    assert "0 results were taken." in again and "Here already" in again
    assert len((await g.case(case))["evidence"]) == 1
    # it is sealed for whoever it is about, not for whoever brought it
    rooms = await g.at.app.state.installation.rooms(g.team.log)
    _, wraps = await rooms.reader.items([item["facts_item"]])
    assert g.who("staff") in {one["subject"] for one in wraps} and g.who("manager") not in {
        one["subject"] for one in wraps
    }
    # the learner says that it is done; who brought it may not say the yes
    mine = await g.at.see(f"/exceptions/{case}", g.team, "staff")
    assert "The result was brought for you." in mine.text
    done = form(mine.text, f"/exceptions/{case}/work/done")
    answer = await g.at.send(done.action, g.team, "staff", {**done.fields, "text": "Passed at once."})
    assert answer.status_code == 303
    await g.believed()
    told_now = await g.case(case)
    assert await g.settled_tokens() == {"staff": 5}, told_now
    decisions = [one for one in told_now["decisions"] if one["about"] == "award"]
    assert [one["decider"] for one in decisions] == [g.who("outsider")]

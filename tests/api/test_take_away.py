"""Everything about one person as a folder: what is in it, what is not and why; and no row about them is forgotten."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.badge_files import Expected, check_file
from api.rooms import Rooms
from api.routes import packing
from api.routes.own_rows import AMONG, ELSEWHERE, ROWS
from casework import tables
from casework.requests import Principal
from ledger.canonical import json_dumps
from ledger.changes import Change, Insert
from ledger.commands import Command, Decided, View
from ledger.store.tables import metadata
from tests.api.house import Team, house
from tests.api.painted import png
from tests.api.test_steps import Stage
from tests.casework.teams import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

Played = tuple[Stage, dict[str, str]]
NAMES_SOMEBODY = frozenset({
    "member", "by", "owner", "giver", "stand_in", "maker", "decider", "reviewer", "attached_by", "submitter",
    "principal", "subject", "opened_by", "action_by", "outcome_by", "set_by", "approved_by", "issued_by", "given_by",
    "granted_by", "held_by", "shared_by", "registered_by", "doubted_by", "confirmed_by", "handed_over_by",
    "answers_to", "same_as", "received_from", "written_by", "members",
    "asked_by", "asked_to", "beneficiaries", "witnessing", "linked_by",
})  # fmt: skip
NOT_OF_MEMBERS = {
    ("record_version", "subject"): "a customer's pseudonym",
    ("timer", "subject"): "the id of a record",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """A team of three in which Ana was recognised for good and brought a photo; she signed in and was away."""
    async with house(tmp_path_factory.mktemp("folder"), pages=True) as at:
        here = Stage(at)
        await here.furnish(3)
        ids = await here.play(Scene(3, "settled", worker="ana", maker="ana"))
        await at.tick()
        form = {"note": (None, "The tap drips"), "photo": ("tap.png", png(8, 6), "image/png")}
        told = await at.ask("POST", "/api/v1/reports/form", here.keys["ana"], files=form)
        assert told.status_code == 201, told.text
        await here.do("marta", f"/cases/{told.json()['ids']['case']}/notes", {"note": "Words of Marta"})
        asked = {"about": "question", "reason_code": "how_earned", "note": "Which table was it?"}
        path = f"/cases/{ids['case']}/disputes"
        dispute = (await here.do("marta", path, asked))["dispute"]
        await here.do("ana", f"{path}/{dispute}/answers", {"reply": "Table 12"})
        await at.see("/me", await team(here), "ana")
        until = at.app.state.installation.clock.now()[:4] + "-12-30T10:00:00Z"
        await here.do(
            "ana", f"/members/{here.members['ana']}/away", {"stand_in": here.members["ines"], "until": until}
        )
        await at.ask("GET", f"/api/v1/members/{here.members['ana']}", here.keys["marta"])
        yield here, ids | {"photo": told.json()["ids"]["evidence"]}


async def team(here: Stage) -> Team:
    return Team((await here.told("/log"))["log"], here.members, here.keys)


async def rooms_of(here: Stage) -> Rooms:
    rooms: Rooms = await here.at.app.state.installation.rooms((await team(here)).log)
    return rooms


async def folder(here: Stage, who: str = "ana") -> dict[str, bytes]:
    answer = await here.at.ask("GET", "/api/v1/me/take-away/folder", here.keys[who])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text[:300]
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content)
    return parts(answer.content)


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


# ---------------------------------------------------------------------------------------------- the folder
async def test_the_folder_holds_what_its_list_says(played: Played) -> None:
    here, ids = played
    found = await folder(here)
    badge, photo = f"badges/{ids['award']}.json", f"files/{ids['photo']}.png"
    assert set(found) == {"everything.json", "steps.csv", badge, photo, "index.html", "contents.json"}
    listed = json.loads(found["contents.json"])
    assert listed["not_in_here"] == []
    assert {one["name"]: (one["bytes"], one["sha256"]) for one in listed["parts"]} == {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in found.items()
        if name != "contents.json"
    }
    whole = json.loads(found["everything.json"])
    assert found["everything.json"] == json_dumps(whole) and whole["person"]["name"] == "ana"
    sheet = list(csv.DictReader(io.StringIO(found["steps.csv"].decode())))
    assert [int(row["seq"]) for row in sheet] == [one["seq"] for one in whole["steps"]]
    assert found[photo] == png(8, 6)
    outcome = check_file(found[badge], here.at.app.state.installation.clock.now(), Expected())
    assert not outcome.refused


async def test_the_page_in_it_says_the_same_in_the_persons_language(played: Played) -> None:
    here, ids = played
    english = (await folder(here))["index.html"].decode()
    assert "Everything recorded about me" in english and "The tap drips" in english
    assert f'href="files/{ids["photo"]}.png"' in english and f'href="badges/{ids["award"]}.json"' in english
    assert "Marta (Owner) looked at your page" in english
    for outside in ("Words of Marta", "<script", "<link", "http://", "https://"):
        assert outside not in english, outside
    await here.at.send("/me/preferences", await team(here), "ana", {"key": "1" * 32, "language": "de"})
    answer = await here.at.see("/me/folder", await team(here), "ana")
    german = parts(answer.content)["index.html"].decode()
    assert 'lang="de"' in german and "Alles, was über mich festgehalten ist" in german


async def test_it_holds_nothing_of_others(played: Played) -> None:
    here, _ = played
    whole = json.loads((await folder(here))["everything.json"])
    text = json.dumps(whole["rows"]) + json.dumps(whole["looks"])
    for name, table in whole["rows"].items():
        column = {one.name: of for one, of in (*ROWS, *AMONG)}[name]
        assert all(row[column] in (here.members["ana"], [here.members["ana"]]) for row in table), name
    assert whole["rows"]["session"] and whole["rows"]["proposal"] and whole["rows"]["credential"]
    (asked,) = whole["rows"]["dispute"]
    assert (asked["about"], asked["reason_code"]) == ("question", "how_earned")
    assert "Table 12" in [one["value"] for one in whole["written"]] and "Which table" not in json.dumps(whole)
    assert whole["rows"]["dispute_answer"]
    assert whole["rows"]["session"][0]["digest"] is True, "that there is one, and not which"
    assert "secret_digest" not in text and "token_digest" not in text
    ines = json.loads((await folder(here, "ines"))["everything.json"])
    assert ines["awards"] == [] and ines["rows"]["credential"] == [] and ines["evidence"] == []
    assert {one["member"] for one in ines["person"]["authorities"]} == {here.members["ines"]}


async def test_only_ones_own(played: Played) -> None:
    here, _ = played
    for path in (
        f"/api/v1/members/{here.members['ana']}/take-away/folder",
        "/api/v1/members/me/take-away/folder",
    ):
        assert (await here.at.ask("GET", path, here.keys["marta"])).status_code == 404
    assert (await here.at.ask("GET", "/api/v1/me/take-away/folder", None)).status_code == 401


# ---------------------------------------------------------------------------------------------- what is not in it
async def test_what_is_beyond_the_limit_is_named_with_where_to_get_it(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = played
    monkeypatch.setattr(packing, "BYTES_MAX", 0)
    found = await folder(here)
    assert set(found) == {"everything.json", "steps.csv", "index.html", "contents.json"}
    left = json.loads(found["contents.json"])["not_in_here"]
    assert {one["why"] for one in left} == {packing.BEYOND} and len(left) == 2
    monkeypatch.undo()
    for one in left:
        answer = await here.at.ask("GET", one["where"], here.keys["ana"])
        assert answer.status_code == 200, one


async def test_a_mail_of_a_customer_is_left_out(played: Played) -> None:
    """A file that concerns somebody else too is named and not copied."""
    here, ids = played
    rooms = await rooms_of(here)
    row = await rooms.rows.one(tables.evidence, evidence=ids["photo"])
    assert row is not None
    _, wraps = await rooms.reader.items([row["content_item"]])
    await _rows(rooms, "shared", _for_somebody_else(row["content_item"], wraps))
    found = await folder(here)
    left = json.loads(found["contents.json"])["not_in_here"]
    assert [(one["why"], one["evidence"]) for one in left] == [(packing.OF_OTHERS, ids["photo"])]
    assert not any(name.startswith("files/") for name in found)


async def test_what_was_erased_is_said_to_be_erased(played: Played) -> None:
    here, ids = played
    rooms = await rooms_of(here)
    row = await rooms.rows.one(tables.evidence, evidence=ids["photo"])
    credential = await rooms.rows.one(tables.credential, award=ids["award"])
    report = await rooms.rows.one(tables.case_file, case=row["case"] if row else "")
    assert row is not None and credential is not None and report is not None
    gone: list[Change] = []
    for item in (row["content_item"], credential["item"], report["note_item"]):
        items, wraps = await rooms.reader.items([item])
        gone += rooms.vault.destroy(items[0], wraps).changes
    await _rows(rooms, "erased", gone)
    found = await folder(here)
    left = json.loads(found["contents.json"])["not_in_here"]
    assert {(one["why"], one.get("evidence") or one.get("award")) for one in left} == {
        (packing.ERASED, ids["photo"]),
        (packing.ERASED, ids["award"]),
    }
    written = json.loads(found["everything.json"])["written"]
    assert (None, False) in [(one["value"], one["left_out"]) for one in written if one["path"] == "note"]
    assert "gelöscht" in found["index.html"].decode()


def _for_somebody_else(item: str, wraps: Any) -> list[Change]:
    (wrap,) = wraps
    return [Insert("item_wrap", {"item": item, "subject": "a-guest", "wrapped": wrap["wrapped"]})]


async def _rows(rooms: Rooms, key: str, changes: list[Change]) -> None:
    def rule(view: View, command: Command, at: str) -> Decided:
        return Decided((), tuple(changes))

    who = Principal("system", "system", "job", "key")
    await rooms.intake.hand_in(who, key, "0" * 64, (), rule, None)


# ---------------------------------------------------------------------------------------------- nothing forgotten
def known() -> set[tuple[str, str]]:
    return {(table.name, column) for table, column in (*ROWS, *AMONG)} | set(ELSEWHERE)


async def test_every_column_that_names_a_member_is_in_it_or_left_out_for_a_reason() -> None:
    columns = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}
    named = {one for one in columns if one[1] in NAMES_SOMEBODY} - set(NOT_OF_MEMBERS)
    assert named - known() == set(), "say where it stands in the file (api/routes/own_rows.py)"
    assert known() - columns == set(), "a column that is no more"
    assert {(table.name, column) for table, column in ROWS} & set(ELSEWHERE) == set()
    assert all(reason for reason in ELSEWHERE.values())


async def test_no_table_of_a_played_organisation_names_a_member_elsewhere(played: Played) -> None:
    """Every text of every row is looked through: a column that names somebody and is not known is found by that."""
    here, _ = played
    rooms, found = await rooms_of(here), set()
    people = [member for name, member in here.members.items() if name != "robin"]
    for table in metadata.sorted_tables:
        for row in await rooms.rows.find(table, limit=10_000):
            for column, value in row.items():
                text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                if any(member in text for member in people):
                    found.add((table.name, column))
    assert len(found) > 20, "there is something to find"
    assert found - known() == set()

"""What people are called elsewhere, through doors and pages: said by a lead, told to whoever it is, used where a name
stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.tellings import configure
from api.whose import likely
from tests.api.house import House, Team, house
from tests.api.test_path import KINDS, PLAYBOOK, ROOT
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

VOCABULARY = """
      opened_at: instant
      handler: string
  shift:
    fields:
      site: string
      person: string
      status: string
      starts_at: instant
      ends_at: instant
  stock:
    fields:
      item: string
"""
FROM, UNTIL = "2026-11-20T08:00:00.000Z", "2026-11-20T23:00:00.000Z"
ODD = " Jürgen & Söhne? "
"""Letter by letter as the rota has it, spaces and all."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The product with its pages."""
    configure("error", True)
    async with house(tmp_path_factory.mktemp("names"), pages=True) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(at: House) -> Team:
    """An organisation whose rota and desk name people as they like: Kelly is on three shifts, one with a number."""
    team = await at.organisation("Harbour House")
    owner = team.keys["owner"]
    await at.done("/api/v1/kinds", owner, {"yaml": KINDS.rstrip() + VOCABULARY})
    for source, kind in (("rota", "shift"), ("desk", "complaint"), ("store", "stock")):
        await at.done("/api/v1/sources", owner, {"source": source, "kinds": [kind]})
    policy = (ROOT / "verifiers" / "policies" / "service_issue.yaml").read_text()
    await at.done("/api/v1/policies", owner, {"yaml": policy})
    watch = PLAYBOOK.replace("role:staff", "field:handler\n  - to: role:staff")
    await at.done("/api/v1/playbooks", owner, {"yaml": watch})
    people = ("Kelly", "Kelly", "Kelly", "17", "Staff", ODD, team.members["auditor"])
    shifts = [
        {
            "kind": "shift", "id": f"s-{number}", "event_at": f"2026-11-{10 + number}T08:00:00Z",
            "values": {"site": "bar", "person": name, "status": "confirmed", "starts_at": FROM, "ends_at": UNTIL},
        }
        for number, name in enumerate(people)
    ]  # fmt: skip
    await at.done("/api/v1/sources/rota/records:batch", owner, {"records": shifts})
    return team


async def link(
    at: House, team: Team, name: str, member: str | None, by: str = "owner", source: str = "rota"
) -> Any:
    body = {"source": source, "account": name, "member": team.members[member] if member else None}
    return await at.ask("POST", "/api/v1/accounts", team.keys[by], json=body)


async def told(at: House, team: Team, source: str = "rota") -> dict[str, Any]:
    answer = await at.ask("GET", f"/api/v1/sources/{source}/names", team.keys["owner"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# ---------------------------------------------------------------------------------------------- the doors
async def test_names_that_nobody_is_known_by_are_listed_until_somebody_says_who_it_is(
    at: House, ours: Team
) -> None:
    found = await told(at, ours)
    assert found["known"] == []
    assert [(one["name"], one["records"]) for one in found["unknown"]] == [
        ("Kelly", 3), (ODD, 1), ("17", 1), ("Staff", 1),
    ], "an id names a member already"  # fmt: skip
    assert found["unknown"][0]["last"] == "2026-11-12T08:00:00.000Z"
    assert (await told(at, ours, "store")) == {"known": [], "unknown": []}
    for name, member in (("Kelly", "staff"), ("17", "manager")):
        assert (await link(at, ours, name, member)).status_code == 201
    found = await told(at, ours)
    assert [(one["name"], one["member"], one["linked_by"]) for one in found["known"]] == [
        ("17", ours.members["manager"], ours.members["owner"]),
        ("Kelly", ours.members["staff"], ours.members["owner"]),
    ]
    assert [one["name"] for one in found["unknown"]] == [ODD, "Staff"]


async def test_whoever_is_meant_reads_it_and_takes_it_along(at: House, ours: Team) -> None:
    mine = (await at.ask("GET", "/api/v1/me/names", ours.keys["staff"])).json()["items"]
    assert [(one["source"], one["name"], one["linked_by"]) for one in mine] == [
        ("rota", "Kelly", ours.members["owner"])
    ]
    assert (await at.ask("GET", "/api/v1/me/names", ours.keys["auditor"])).json()["items"] == []
    whole = (await at.ask("GET", "/api/v1/me/take-away", ours.keys["staff"])).json()
    (row,) = whole["rows"]["account_link"]
    assert (row["name"], row["linked_by"]) == ("Kelly", ours.members["owner"])
    assert "17" not in [one["name"] for one in whole["rows"]["account_link"]]
    kinds = [one["kind"] for one in whole["steps"]]
    assert "account_linked" in kinds


REFUSED = [
    ("manager", "Kelly", "manager", 403, "second_person_needed"),  # somebody else's name, for oneself
    ("manager", "17", None, 403, "second_person_needed"),  # one's own, ended
    ("manager", "17", "staff", 403, "second_person_needed"),  # one's own, passed on
    ("staff", "Staff", "staff", 403, "not_allowed"),
    ("agent", "Staff", "staff", 403, "not_allowed"),
    ("auditor", "Staff", "staff", 403, "not_allowed"),
    ("owner", "Staff", "agent", 404, "unknown"),
    ("owner", "nobody", None, 404, "unknown"),
    ("owner", "x" * 201, "staff", 422, "invalid_request"),
    ("owner", "", "staff", 422, "invalid_request"),
    ("owner", "Kelly\x00", "staff", 422, "invalid_request"),
]


@pytest.mark.parametrize(("by", "name", "member", "status", "code"), REFUSED)
async def test_what_is_refused(
    at: House, ours: Team, by: str, name: str, member: str | None, status: int, code: str
) -> None:
    answer = await link(at, ours, name, member, by)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_an_id_is_no_name_and_a_source_has_to_be_there(at: House, ours: Team) -> None:
    answer = await link(at, ours, ours.members["auditor"], "staff")
    assert (answer.status_code, answer.json()["code"]) == (422, "value_invalid"), answer.text
    answer = await link(at, ours, "Kelly", "staff", source="nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown")
    answer = await at.ask("GET", "/api/v1/sources/nowhere/names", ours.keys["owner"])
    assert answer.status_code == 404


# ---------------------------------------------------------------------------------------------- where it is used
async def test_the_shift_is_whose_the_name_is(at: House, ours: Team) -> None:
    said = words((await at.see("/my-work", ours, "staff")).text)
    assert "Your shift, Staff" in said, said
    team = words((await at.see("/team", ours, "manager")).text)
    assert "Manager" in team and "17" not in team.split("With")[0], team


async def test_a_watch_asks_whoever_a_record_names(at: House, ours: Team) -> None:
    await link(at, ours, "m.desk", "manager", source="desk")
    for number, handler in enumerate(("m.desk", "nobody here")):
        values = {"severity": "high", "status": "open", "opened_at": FROM, "handler": handler}
        record = {"kind": "complaint", "id": f"c-{number}", "event_at": FROM, "values": values}
        await at.done("/api/v1/sources/desk/records:batch", ours.keys["owner"], {"records": [record]})
    at.wait(3 * 3_600)
    await at.tick()
    found = (await at.ask("GET", "/api/v1/cases?limit=50", ours.keys["owner"])).json()["items"]
    assert sorted(one["owner"] for one in found) == sorted((ours.members["manager"], ours.members["staff"]))


# ---------------------------------------------------------------------------------------------- the page
PAGE = "/sources/rota/names"


async def test_the_page_offers_names_and_people(at: House, ours: Team) -> None:
    for role, there in (("owner", True), ("manager", True), ("staff", False)):
        assert (PAGE in (await at.see("/sources", ours, role)).text) == there, role
    assert "/sources/store/names" not in (await at.see("/sources", ours, "owner")).text
    assert (await at.see(PAGE, ours, "staff")).status_code == 403
    shown = (await at.see(PAGE, ours, "manager")).text
    said = words(shown)
    assert "Jürgen & Söhne?" in said and "in 1 record, the latest of" in said
    assert "Kelly is Staff" in said and "Ada said so" in said
    assert [word for word in NEVER_SAID if says(said, word)] == []
    choices = shown.partition("<select")[2].partition("</select>")[0]
    assert "Ada" in choices and "Robin" not in choices and ">Manager<" not in choices, (
        "never oneself, no agent"
    )
    assert shown.count("Not any more") == 1, "not of one's own"
    assert f'value="{ours.members["staff"]}" selected' in shown, "who is called so here is proposed"


async def test_a_name_is_said_and_ended_on_the_page(at: House, ours: Team) -> None:
    sent = dict(form((await at.see(PAGE, ours, "owner")).text, PAGE).fields)
    sent |= {"member": ours.members["auditor"]}
    answer = await at.send(PAGE, ours, "owner", sent)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?said=known")
    known = {one["name"]: one["member"] for one in (await told(at, ours))["known"]}
    assert known[ODD] == ours.members["auditor"], "letter by letter"
    assert "Noted." in words((await at.see(f"{PAGE}?said=known", ours, "owner")).text)
    ends = {"name": "%20J%C3%BCrgen%20%26%20S%C3%B6hne%3F%20", "verb": "end", "key": "end-1"}
    answer = await at.send(PAGE, ours, "owner", ends)
    assert answer.headers["location"] == f"{PAGE}?said=ended"
    assert ODD not in [one["name"] for one in (await told(at, ours))["known"]]


PAGE_REFUSED = [
    ({"name": "17", "verb": "end"}, 403, "This takes a second person."),
    ({"name": "Staff", "member": "manager"}, 403, "This takes a second person."),
    ({"name": "Staff", "member": ""}, 422, "not as expected"),
    ({"name": "", "member": "staff"}, 422, "Look at: Name"),
    ({"name": "x" * 201, "member": "staff"}, 422, "not as expected"),
    ({"name": "Staff", "member": "nobody"}, 404, ""),
]


@pytest.mark.parametrize(("sent", "status", "said"), PAGE_REFUSED)
async def test_the_page_says_why_not(
    at: House, ours: Team, sent: dict[str, str], status: int, said: str
) -> None:
    filled = {
        **sent,
        "member": ours.members.get(sent.get("member", ""), sent.get("member", "")),
        "key": str(sent),
    }
    answer = await at.send(PAGE, ours, "manager", filled)
    assert answer.status_code == status, words(answer.text)
    assert said in words(answer.text)
    assert [one["name"] for one in (await told(at, ours))["unknown"]] == [ODD, "Staff"]


async def test_on_ones_own_page_stands_who_said_it(at: House, ours: Team) -> None:
    said = words((await at.see("/me", ours, "staff")).text)
    assert "What other systems call me" in said and "Kelly Rota · Ada said so" in said
    assert "What other systems call me" not in words((await at.see("/me", ours, "auditor")).text)


async def test_on_somebodys_page_stands_what_they_are_called_and_where_to_say_it(
    at: House, ours: Team
) -> None:
    shown = (await at.see(f"/people/{ours.members['staff']}", ours, "manager")).text
    assert "What other systems call Staff Kelly Rota · Ada said so" in words(shown) and PAGE in shown
    other = (await at.see(f"/people/{ours.members['auditor']}", ours, "manager")).text
    assert "Nobody said yet." in words(other) and PAGE in other
    read = (await at.see(f"/people/{ours.members['staff']}", ours, "auditor")).text
    assert "Kelly Rota" in words(read) and PAGE not in read
    none = words((await at.see(f"/people/{ours.members['auditor']}", ours, "auditor")).text)
    assert "What other systems call" not in none


LIKELY = [
    ("Kelly Brown", "m1"), ("kelly brown", "m1"), ("Kelly", None), ("Sam", "m3"), ("Robin", None), ("", None),
    ("Brown", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "member"), LIKELY)
async def test_who_is_proposed(name: str, member: str | None) -> None:
    people = {"m1": "Kelly Brown", "m2": "Kelly Green", "m3": "Sam Brown", "m4": "Lou"}
    assert likely(name, people) == member

"""Names in records: who may say whom a source means, and what a judge makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from casework import judging, known_as
from casework.requests import Judge, LinkAccount
from ledger.changes import Delete
from ledger.commands import Command, Decided
from ledger.entries import Actor
from ledger.errors import Refused
from tests.casework.routine import furnish, link_account, named_shifts, shipped
from tests.casework.shop import LOG, Shop

# ------------------------------------------------------------------------------------------ which fields name people
FIELDS = [
    ({}, set()),
    ({"person_field": "person"}, {"person"}),
    ({"records": {"lead": {"by_field": "owner", "days_min": 3}}, "kinds": [{"by_field": "sold"}]}, {"owner", "sold"}),
    ({"done_by_field": {"lead": "seller", "quote": "seller", "bill": 7}}, {"seller"}),
    ({"person_field": None, "field": "x", "fields": ["y"], "person_fields": "z"}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "fields"), FIELDS)
def test_fields_that_name_people_are_those_of_parameters_that_end_so(
    parameters: dict[str, Any], fields: set[str]
) -> None:
    assert known_as.person_fields({"parameters": parameters}) == fields


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        ("handover", {"person"}),
        ("referral", {"owner", "interviewer"}),
        ("training", set()),
        ("service_issue", {"done_by"}),
    ],
)
def test_the_policies_as_shipped_name_people_in(policy: str, fields: set[str]) -> None:
    assert known_as.person_fields(shipped(policy)) == fields


@pytest.mark.parametrize(
    ("value", "name"),
    [("Kelly", "Kelly"), (17, "17"), ("", None), (None, None), (True, None), ("k" * 200, "k" * 200), ("k" * 201, None)],
)  # fmt: skip
def test_a_name_is_a_text_or_a_number(value: Any, name: str | None) -> None:
    assert known_as.name_in(value) == name


def test_only_fields_that_name_people_are_read_as_names() -> None:
    said = {"person": "Kelly", "guest": "Kelly", "table": 7, "by": 7, "ok": True}
    facts = {"source": "rota", "fields": said}
    m = {n: known_as.Meaning(f"m{n}", f"lead{n}") for n in (1, 2, 3)}
    meant = {("rota", "Kelly"): m[1], ("rota", "7"): m[2], ("crm", "True"): m[3]}
    shown = known_as.as_judged(facts, frozenset({"person", "by", "ok", "absent"}), meant)
    fields = {"person": "m1", "guest": "Kelly", "table": 7, "by": "m2", "ok": True}
    assert shown == {"source": "rota", "fields": fields}
    assert said["person"] == "Kelly", "what is on record stays as it is"
    by = known_as.named_by(facts, frozenset({"person", "by", "ok", "absent"}), meant)
    assert by == {"person": "lead1", "by": "lead2"}
    other = known_as.as_judged({**facts, "source": "crm"}, frozenset({"person"}), meant)
    assert other["fields"] == said, "a name of one source says nothing of another's"


# ------------------------------------------------------------------------------------------ who may say it
REFUSED = [
    ("of oneself", "chef", "kelly", "chef", "second_person_needed"),
    ("of oneself, by a second account", "double", "kelly", "waiter", "second_person_needed"),
    ("of one's second account", "chef", "kelly", "chefs_other", "second_person_needed"),
    ("by staff", "waiter", "kelly", "cook", "role_missing"),
    ("by an agent", "agent", "kelly", "cook", "agent_may_not"),
    ("of somebody who is not here", "owner", "kelly", "nobody", "unknown"),
    ("of a digital employee", "owner", "kelly", "agent", "unknown"),
    ("of an id", "owner", "ID", "cook", "value_invalid"),
    ("one's own, given to somebody else", "chef", "of-chef", "cook", "second_person_needed"),
    ("one's own, ended", "chef", "of-chef", None, "second_person_needed"),
    ("that of a second account, ended", "double", "of-waiter", None, "second_person_needed"),
    ("one that nobody has, ended", "owner", "kelly", None, "unknown"),
]


async def test_who_may_not_say_whom_a_source_means(here: Shop) -> None:
    await furnish(here)
    await here.join("cook", "staff")
    await here.join("double", "manager", same_as="waiter")
    await here.join("chefs_other", "staff", same_as="chef")
    await link_account(here, "of-chef", "chef")
    await link_account(here, "of-waiter", "waiter")
    size, _ = await here.rows.head()
    for said, who, name, member, code in REFUSED:
        text = here.people["cook"].id if name == "ID" else name
        person = None if member is None else here.people[member].id if member in here.people else member
        with pytest.raises(Refused) as refusal:
            request = LinkAccount("pms", text, person)
            await here.office.link_account(here.people[who], here.key(), request)
        assert refusal.value.code == code, said
    with pytest.raises(Refused, match="expected a registered source"):
        request = LinkAccount("nowhere", "kelly", here.people["cook"].id)
        await here.office.link_account(here.people["owner"], here.key(), request)
    assert (await here.rows.head())[0] == size, "a refusal leaves nothing behind"


async def test_one_name_is_one_member_at_a_time_and_the_log_holds_no_name(here: Shop) -> None:
    await furnish(here)
    await here.join("cook", "staff")
    for member in ("chef", "cook", None, "cook"):
        await link_account(here, "Jürgen K.", member)
    (row,) = await here.rows.scan("account_link", ("pms",))
    assert (row["member"], row["linked_by"]) == (here.people["cook"].id, here.people["owner"].id)
    assert await here.rows.open(row["item"]) == "Jürgen K."
    entries = await here.rows.entries(0, 1_000)
    kinds = [one.kind for one in entries if one.kind.startswith("account_")]
    assert kinds == ["account_linked", "account_linked", "account_unlinked", "account_linked"]
    assert "rgen K." not in str([one.to_json() for one in entries])


async def test_who_has_the_name_meanwhile_is_looked_at_again(here: Shop) -> None:
    """Two say at once whose a name is: whoever comes second sees first what the other said."""
    await furnish(here)
    await here.join("cook", "staff")
    unpatched = here.office._in.submit

    async def slowly(*args: Any, **more: Any) -> Any:
        here.office._in.submit = unpatched  # type: ignore[method-assign]
        await link_account(here, "kelly", "chef")
        return await unpatched(*args, **more)

    here.office._in.submit = slowly  # type: ignore[method-assign]
    with pytest.raises(Refused, match="stale"):
        await link_account(here, "kelly", "cook")


# ------------------------------------------------------------------------------------------ what a judge is shown
async def _input(here: Shop, case: str) -> dict[str, Any]:
    rows = await here.rows.scan("verdict", (case,))
    row = max(rows, key=lambda one: int(one["seq"]))
    value: dict[str, Any] = await here.rows.open(row["input_item"])
    return value


def _people(value: dict[str, Any]) -> dict[str, Any]:
    return {one["facts"]["id"]: one["facts"]["fields"]["person"] for one in value["evidence"]}


async def test_a_judge_is_shown_who_is_meant_as_of_then(here: Shop) -> None:
    await furnish(here)
    case = await named_shifts(here)
    chef, waiter = here.people["chef"].id, here.people["waiter"].id
    value = await _input(here, case)
    assert _people(value) == {"late-0": chef, "late-1": "lee", "late-2": 7}
    first = next(one for one in value["evidence"] if one["facts"]["id"] == "late-0")
    assert (first["facts"]["fields"]["cover"], first["facts"]["fields"]["table"]) == ("Jürgen", 7)
    assert value["people"][chef] == {"roles": ["manager"], "same_as": None}
    kept = await here.rows.open(first["commitments"]["facts"])
    assert kept["fields"]["person"] == "Jürgen", "what is on record stays as it is"
    await link_account(here, "Jürgen", "waiter")
    await link_account(here, "7", "waiter")
    await here.judge(case)
    assert _people(await _input(here, case)) == {"late-0": waiter, "late-1": "lee", "late-2": waiter}


async def test_a_verdict_is_stale_when_a_name_means_somebody_else_meanwhile(here: Shop) -> None:
    await furnish(here)
    case = await named_shifts(here)
    unpatched = judging.read
    for name, member in (("lee", "waiter"), ("Jürgen", None), ("lee", "chef")):

        async def read(*args: Any, name: str = name, member: str | None = member) -> judging.Basis:
            basis = await unpatched(*args)
            await link_account(here, name, member)
            return basis

        judging.read = read  # type: ignore[assignment]
        try:
            with pytest.raises(Refused, match="whom a name in a record means"):
                await here.desk.judge(here.people["owner"], here.key(), Judge(case))
        finally:
            judging.read = unpatched
    await link_account(here, "somebody-else", "chef")  # of nobody in these records
    await here.judge(case)


async def test_a_name_that_is_erased_means_nobody(here: Shop) -> None:
    await furnish(here)
    case = await named_shifts(here)
    rows = await here.rows.scan("account_link", ("pms",))
    item = next(row["item"] for row in rows if row["member"] == here.people["chef"].id)

    wraps = [(row["item"], row["subject"]) for row in await here.rows.scan("item_wrap", (item,))]

    def erase(view: Any, command: Any, at: str) -> Decided:
        return Decided((), tuple(Delete("item_wrap", wrap) for wrap in wraps))

    actor = Actor("system", "system", "test")
    await here.intake._writer.submit(Command(LOG, actor, "erase", "0" * 64, (), erase, None))
    await here.judge(case)
    assert _people(await _input(here, case))["late-0"] == "Jürgen"

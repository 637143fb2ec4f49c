"""No watch on a person without a purpose that an owner wrote: what counts as one, and who is refused when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casework import purposes
from casework.requests import ChangeMode, PublishKinds, PublishPlaybook, WritePurpose
from ledger.errors import Refused
from playbooks.playbook import load_library
from tests.casework.shop import Shop, shop

TEXT: dict[str, Any] = {"type": "string"}
KINDS: dict[str, Any] = {
    "kinds": {
        "shift": {"fields": {"site": TEXT, "person": TEXT, "status": TEXT}},
        "training": {"fields": {"course": TEXT, "staff_id": TEXT}},
        "crew": {"fields": {"site": TEXT, "crew_members": {"type": "list", "of": "string"}}},
        "rota": {"fields": {"site": TEXT, "cook_names": {"type": "list", "of": "string"}}},
        "quote": {"fields": {"owner": TEXT, "status": TEXT, "sold_by": TEXT}},
        "service": {"fields": {"site": TEXT, "staff_needed": {"type": "int"}}},
    }
}
PURPOSE = "So that nobody works more than ten hours without a break"


def watch(subject: str, **signal: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"signal": {"subject": subject, "when": "true", **signal}}
    if "fingerprint" in signal:
        content["fingerprint"] = content["signal"].pop("fingerprint")
    return content


CASES: list[tuple[str, dict[str, Any], bool]] = [
    # 1. the subject
    ("a shift is of a person", watch("shift"), True),
    ("part of a name", watch("training"), True),
    ("a list of names", watch("rota"), True),
    ("more than one of them", watch("crew"), True),
    ("a number of people names nobody", watch("service"), False),
    ("a quote is no person", watch("quote"), False),
    ("an unknown kind", watch("nothing"), False),
    # 2. the grouping
    ("grouped by whose they are", watch("quote", fingerprint=["quote.owner"]), True),
    ("grouped by itself", watch("quote", fingerprint=["quote.id"]), False),
    ("joined by whose they are",
     watch("quote", match={"each": "shift", "key": ["site"], "local_key": ["owner"]}), True),
    ("joined by a person", watch("service", match={"each": "shift", "key": ["person"]}), True),
    ("joined by the place", watch("service", match={"each": "shift", "key": ["site"]}), False),
    # 3. the signal
    ("about one of them", watch("quote", when="quote.owner == 'Mara'"), True),
    ("in another expression", watch("quote", expect="quote.owner != ''"), True),
    ("whether there is one", watch("quote", when="has(quote.owner) && quote.status == 'open'"), False),
    ("whether, and who", watch("quote", when="has(quote.owner) && quote.owner == 'Mara'"), True),
    ("in the filter",
     watch("service", match={"each": "shift", "key": ["site"], "filter": "shift.person == 'Mara'"}), True),
    ("within a comprehension", watch("service", match={"each": "shift", "key": ["site"]},
                                      **{"assert": "matches.exists(s, s.person == 'Mara')"}), True),
    ("a longer name", watch("quote", when="quote.ownership == 'x'"), False),
    ("hidden behind another name", watch("quote", when="quote.sold_by == 'Mara'"), False),
]  # fmt: skip


@pytest.mark.parametrize(("content", "on_person"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_what_is_a_watch_on_a_person(content: dict[str, Any], on_person: bool) -> None:
    assert purposes.is_on_person(KINDS, content) is on_person


@pytest.mark.parametrize(
    "broken", [None, [], {}, {"signal": []}, {"signal": {"match": "x"}}, {"fingerprint": "x"}]
)
def test_content_of_another_form_is_no_watch_on_a_person(broken: Any) -> None:
    assert purposes.is_on_person(KINDS, broken) is False
    assert purposes.is_on_person(broken, watch("shift")) is False


def test_no_shipped_watch_is_on_a_person() -> None:
    kinds, playbooks = load_library()
    assert [one.id for one in playbooks if purposes.is_on_person(kinds.content, one.content)] == []
    assert purposes.is_on_person(kinds.content, watch("shift")), "the shipped shift names its person"


# ---------------------------------------------------------------------------------------------- the rules
@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path) as made:
        await made.office.publish_kinds(made.people["owner"], made.key(), PublishKinds("aa" * 32, KINDS))
        yield made


def book(mode: str = "live", subject: str = "shift", digest: str = "bb") -> PublishPlaybook:
    return PublishPlaybook("long_shift", digest * 32, "aa" * 32, mode, None, watch(subject))


async def publish(here: Shop, mode: str = "live", **more: Any) -> None:
    await here.office.publish_playbook(here.people["owner"], here.key(), book(mode, **more))


async def write(here: Shop, who: str = "owner", purpose: str = PURPOSE) -> None:
    await here.office.write_purpose(here.people[who], here.key(), WritePurpose("long_shift", purpose))


async def switch(here: Shop, mode: str) -> None:
    await here.office.change_mode(here.people["owner"], here.key(), ChangeMode("long_shift", mode))


@pytest.mark.parametrize("mode", ["shadow", "live"])
async def test_it_does_not_run_before_its_purpose_is_written(here: Shop, mode: str) -> None:
    with pytest.raises(Refused, match="purpose_missing"):
        await publish(here, mode)
    await publish(here, "draft")  # nothing is watched
    with pytest.raises(Refused, match="purpose_missing"):
        await switch(here, mode)
    await write(here)
    await switch(here, mode)
    await publish(here, mode, digest="cc")  # other numbers: the purpose stands


async def test_it_ends_with_the_watch(here: Shop) -> None:
    await write(here)
    await publish(here)
    await switch(here, "shadow")
    await switch(here, "retired")
    assert await here.rows.scan("watch_purpose", ()) == []
    with pytest.raises(Refused, match="purpose_missing"):
        await switch(here, "live")
    await write(here)
    await publish(here, "retired")
    with pytest.raises(Refused, match="purpose_missing"):
        await publish(here)


async def test_a_newer_purpose_replaces_it_and_both_stay_in_the_record(here: Shop) -> None:
    await write(here)
    first = (await here.rows.scan("watch_purpose", ()))[0]
    await write(here, purpose="So that the rota is fair to everybody who works here")
    (second,) = await here.rows.scan("watch_purpose", ())
    assert second["seq"] > first["seq"]
    assert await here.rows.open(first["item"]) == PURPOSE
    assert "fair" in await here.rows.open(second["item"])


async def test_another_watch_needs_none(here: Shop) -> None:
    await publish(here, subject="quote")
    await switch(here, "shadow")


REFUSED: list[tuple[str, str, str]] = [
    ("waiter", PURPOSE, "role_missing"),
    ("accountant", PURPOSE, "role_missing"),
    ("agent", PURPOSE, "agent_may_not"),
    ("owner", "because", "value_invalid"),
    ("owner", " " * 40, "value_invalid"),
    ("owner", "x" * 2_001, "value_invalid"),
]


@pytest.mark.parametrize(("who", "purpose", "code"), REFUSED)
async def test_only_an_owner_writes_it_and_it_says_something(
    here: Shop, who: str, purpose: str, code: str
) -> None:
    size = (await here.rows.head())[0]
    with pytest.raises(Refused, match=code):
        await write(here, who, purpose)
    assert (await here.rows.head())[0] == size

"""Kinds: types, stable field numbers, additive evolution, values checked against them."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.errors import DocumentInvalid, EvolutionRefused, RecordInvalid
from playbooks.kinds import check_evolution, check_values
from playbooks.messages import Messages
from tests.playbooks.venue import KINDS, kinds


def test_the_hash_depends_on_content_only() -> None:
    assert kinds().digest == kinds("# a comment\n" + KINDS.replace("job:", '"job":')).digest
    assert kinds().digest != kinds(KINDS.replace("rank:", "grade:")).digest


def test_field_numbers_come_from_names_alone() -> None:
    old, new = (
        kinds().kinds["job"],
        kinds(
            KINDS.replace(
                "      day:\n", "      aaa:\n        type: int\n        optional: true\n      day:\n"
            )
        ).kinds["job"],
    )
    assert {name: field.number for name, field in old.fields.items()}.items() <= {
        name: f.number for name, f in new.fields.items()
    }.items()
    numbers = [field.number for field in new.fields.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(20_000 <= number < 2**29 for number in numbers)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("format: 1", "format: 2", "kinds.yaml:1: kinds file.format: expected an integer of 1..1, got 2"),
        ("zone: Europe/Lisbon\ncal", "zone: Mars/Base\ncal", "kinds.yaml:2"),
        ("    currency: EUR\n", "", "job.value: money needs `currency` on the kind job"),
        ("currency: EUR", "currency: euro", "expected three capital letters"),
        (
            "status: string",
            "status: text",
            "expected one of string, bool, int, date, instant, money, quantity, list, got 'text'",
        ),
        ("status: string", "status: list", "expected one of"),
        ("status: string", "status: quantity", "a quantity needs `scale`"),
        ("status: string", "id: string", "expected no field `id`"),
        ("status: string", "Status: string", "expected a name of a-z"),
        ("status: string", "matches: string", "expected a name of a-z"),
        ("status: string", "in: string", "expected a name of a-z"),
        (
            "        of: string\n",
            "        of: money\n",
            "expected one of string, int, date, instant, got 'money'",
        ),
        ("        of: string\n", "        of: string\n        optional: true\n", "a list is never absent"),
        (
            "        type: date\n",
            "        type: date\n        colour: red\n",
            "unknown field 'colour'; known fields: optional, says, type",
        ),
        ("09:00-12:00", "9-12", "expected opening hours like 09:00-17:30, got '9-12'"),
        ("09:00-12:00", "09:00-14:00", "expected hours that do not overlap"),
    ],
)
def test_refused(before: str, after: str, says: str) -> None:
    assert before in KINDS
    with pytest.raises(DocumentInvalid) as caught:
        kinds(KINDS.replace(before, after, 1))
    assert says in str(caught.value)
    assert str(caught.value).startswith("kinds.yaml:")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("      status: string\n", "", "job.status: expected the field unchanged, got None"),
        ("      status: string\n", "      status: int\n", "job.status: expected the field unchanged"),
        (
            "      status: string\n",
            "      status: string\n      extra: string\n",
            "job.extra: expected a later field to be optional",
        ),
        (
            "        type: int\n        optional: true\n",
            "        type: int\n",
            "job.rank: expected the field unchanged",
        ),
        ("  crew:\n", "  team:\n", "crew: expected the kind to stay"),
        ("currency: EUR", "currency: GBP", "job.currency: expected EUR, got GBP"),
        ("zone: Europe/Lisbon\ncal", "zone: UTC\ncal", "zone: expected Europe/Lisbon, got UTC"),
    ],
)
def test_only_additions_are_let_through(before: str, after: str, says: str) -> None:
    with pytest.raises(EvolutionRefused) as caught:
        check_evolution(kinds(), kinds(KINDS.replace(before, after, 1)))
    assert says in str(caught.value)


def test_an_optional_field_and_a_new_kind_are_additions() -> None:
    text = KINDS.replace(
        "      status: string\n",
        "      status: string\n      extra:\n        type: int\n        optional: true\n",
        1,
    )
    check_evolution(kinds(), kinds(text + "  team:\n    fields:\n      name: string\n"))


GOOD: dict[str, Any] = {
    "status": "open", "opened_at": "2026-03-02T09:00:00.000Z", "value": {"amount_minor": 1, "currency": "EUR"},
    "site": "a", "tags": ["x"], "done_at": None, "rank": 3, "day": "9999-12-31",
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("status", 1, "expected a value of type string, got 1"),
        ("status", None, "expected a value (the field is required), got none"),
        ("statsu", "x", "unknown field 'statsu'; known fields: id, day, done_at"),
        ("opened_at", "2026-03-02T09:00:00Z", "expected a value of type instant"),
        ("opened_at", "2026-02-30T09:00:00.000Z", "expected a value of type instant"),
        ("value", {"amount_minor": 1, "currency": "GBP"}, "expected money in EUR"),
        ("value", {"amount_minor": 1.5, "currency": "EUR"}, "expected money in EUR"),
        ("value", 5, "expected money in EUR"),
        ("rank", True, "expected a value of type int"),
        ("rank", 2**53, "expected a value of type int"),
        ("rank", 1.0, "expected a value of type int"),
        ("tags", "x", "expected a value of type list"),
        ("tags", ["x", 1], "expected a value of type string"),
        ("tags", ["x"] * 201, "expected a value of type list"),
        ("day", "2026-13-01", "expected a value of type date"),
        ("day", "2026-W48-3", "expected a value of type date"),
    ],
)
def test_values_that_do_not_fit(field: str, value: object, says: str) -> None:
    check_values(kinds().kinds["job"], GOOD)
    with pytest.raises(RecordInvalid) as caught:
        check_values(kinds().kinds["job"], {**GOOD, field: value})
    assert says in str(caught.value)


def test_a_date_means_the_start_of_the_day_in_the_zone() -> None:
    message = Messages(kinds()).filler("job", ["*"])("j", {**GOOD, "day": "2026-07-01"})
    assert message.day.ToJsonString() == "2026-06-30T23:00:00Z"

"""What a watch would have shown: the same as the real back-test over the same records, bounded, and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
import pytest_asyncio

from api import previews
from api.previews import Preview, Shown, compared, last_ninety
from api.published import playbook_of
from api.tellings import configure
from api.tuning import dials, turned
from api.watches import library
from ledger.clock import instant_of, unix_ms_of
from playbooks.backtest import backtest
from playbooks.playbook import LIBRARY
from tests.api.house import START, House, Team, house

NOW_MS = unix_ms_of(START)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
WATCH = "quote_not_followed_up"
MAPPING = """\
format: 1
source: crm
kind: quote
rows: records
zone: UTC
id: id
changes:
  - change: sent
    at: sent_at
    precision: millisecond
  - change: followed
    at: followed_up_at
    precision: millisecond
fields:
  customer:
    column: customer
  status:
    column: status
  sent_at:
    column: sent_at
    precision: millisecond
  value:
    column: value
  owner:
    column: owner
  followed_up_at:
    column: followed_up_at
    precision: millisecond
    known: followed
"""


def quotes() -> str:
    """Return a file of quotes over 150 days, some followed up in time, some late, some never; the last is fresh."""
    rows = ["id,customer,status,sent_at,value,owner,followed_up_at"]
    for number in range(70):
        sent = NOW_MS - 150 * DAY_MS + number * 51 * HOUR_MS
        answered = {0: sent + 3 * HOUR_MS, 1: sent + 90 * HOUR_MS}.get(number % 3)
        late = "" if answered is None or answered > NOW_MS else instant_of(answered)
        rows.append(f"Q{number},guest-{number},sent,{instant_of(sent)},100.00,Ana,{late}")
    rows.append(f"Q99,guest-99,sent,{instant_of(NOW_MS - 1_000)},100.00,Ana,")
    return "\n".join(rows) + "\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Return the started product."""
    configure("error", True)
    async with house(tmp_path_factory.mktemp("house")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def team(at: House) -> Team:
    """Return an organisation whose quotes were imported."""
    team = await at.organisation("Harbour House")
    owner = team.keys["owner"]
    await at.done("/api/v1/kinds", owner, {"yaml": (LIBRARY / "kinds.yaml").read_text()})
    await at.done("/api/v1/sources", owner, {"source": "crm", "kinds": ["quote", "lead"]})
    body = {"name": "quotes.csv", "mapping": MAPPING, "content": quotes()}
    done = await at.done("/api/v1/sources/crm/imports", owner, body)
    assert (done["refused"], done["rows"]) == (0, 71)
    return team


async def preview_of(at: House, team: Team, content: Any = None) -> Preview:
    """Return the preview of the watch, shipped or with another content."""
    rooms = await at.app.state.installation.rooms(team.log)
    playbook = library()[1][WATCH]
    return await last_ninety(rooms, playbook if content is None else playbook_of(content, WATCH))


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_preview_finds_what_the_back_test_finds(at: House, team: Team, tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    copyfile(LIBRARY / "kinds.yaml", tmp_path / "kinds.yaml")
    copyfile(LIBRARY / f"{WATCH}.yaml", tmp_path / "playbooks" / f"{WATCH}.yaml")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "quotes.csv").write_text(quotes())
    result = backtest(tmp_path, tmp_path / "quotes.csv")

    preview = await preview_of(at, team)
    since = NOW_MS - previews.DAYS * DAY_MS
    wanted = [(hit.subject, hit.onset_ms, hit.detected_ms) for hit in result.hits if hit.onset_ms >= since]
    got = [(one.record, one.onset_ms, one.detected_ms) for one in preview.shown]
    assert sorted(got) == sorted(wanted)
    assert 0 < len(wanted) < len(result.hits)  # some lie further back, and do not count
    assert (preview.days, preview.whole, preview.trouble, preview.broken) == (90, True, "", 0)
    assert preview.every_days == round(90 / len(wanted))


async def test_examples_are_the_latest_records_by_title(at: House, team: Team) -> None:
    preview = await preview_of(at, team)
    latest = [one.record for one in reversed(preview.shown)]
    assert [one.onset_ms for one in preview.shown] == sorted(one.onset_ms for one in preview.shown)
    assert [one.record for one in preview.examples] == latest[:3]
    record = preview.examples[0].record
    assert preview.examples[0].title == f"Quote {record} to guest-{record[1:]} has had no follow-up"


async def test_preview_writes_nothing_and_is_kept_until_the_record_grows(at: House, team: Team) -> None:
    rooms = await at.app.state.installation.rooms(team.log)
    before = await rooms.rows.head()
    first = await preview_of(at, team)
    assert await rooms.rows.head() == before
    assert await preview_of(at, team) is first
    await at.done("/api/v1/members", team.keys["owner"], {"name": "New", "roles": ["staff"]})
    again = await preview_of(at, team)
    assert again is not first and again == first


@pytest.mark.parametrize(
    ("bound", "value", "trouble"),
    [("VERSIONS_MAX", 5, previews.TOO_MANY), ("SECONDS_MAX", -1.0, previews.TOO_LONG)],
)
async def test_beyond_a_bound_nobody_is_told_a_number(
    at: House, team: Team, monkeypatch: pytest.MonkeyPatch, bound: str, value: Any, trouble: str
) -> None:
    rooms = await at.app.state.installation.rooms(team.log)
    monkeypatch.setattr(previews, bound, value)
    monkeypatch.setattr(rooms.previews, "_answers", type(rooms.previews._answers)())
    preview = await preview_of(at, team)
    assert (preview.trouble, preview.count) == (trouble, 0)


async def test_with_too_many_records_only_those_of_the_last_days_are_played(
    at: House, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = await at.app.state.installation.rooms(team.log)
    whole = await preview_of(at, team)
    monkeypatch.setattr(previews, "VERSIONS_MAX", whole.versions - 1)
    monkeypatch.setattr(rooms.previews, "_answers", type(rooms.previews._answers)())
    preview = await preview_of(at, team)
    assert (preview.whole, preview.trouble) == (False, "")
    assert 0 < preview.versions < whole.versions


async def test_a_watch_without_records_has_no_number(at: House, team: Team) -> None:
    rooms = await at.app.state.installation.rooms(team.log)
    preview = await last_ninety(rooms, library()[1]["supplier_renewal"])
    assert (preview.trouble, preview.count) == (previews.NO_RECORDS, 0)


async def test_an_organisation_without_kinds_has_no_number(at: House) -> None:
    other = await at.organisation("Empty House")
    assert (await preview_of(at, other)).trouble == previews.NO_RECORDS


async def test_a_longer_wait_makes_things_vanish_by_name(at: House, team: Team) -> None:
    content = library()[1][WATCH].content
    before = await preview_of(at, team)
    after = await preview_of(at, team, turned(content, {0: (40, "h")}))
    gone, come = compared(before, after)
    assert gone and not come
    assert {one.record for one in gone} <= {one.record for one in before.shown}
    kept = {one.record for one in after.shown} - set(before.earlier)
    assert kept == {one.record for one in before.shown} - {one.record for one in gone}


def shown(*records: str) -> Preview:
    """Return a preview that shows these records."""
    return Preview("w", shown=tuple(Shown("quote", name, name, 1, 1, None) for name in records))


@pytest.mark.parametrize(
    ("before", "after", "gone", "come"),
    [
        ("abc", "abc", "", ""),
        ("abc", "ab", "c", ""),
        ("ab", "abc", "", "c"),
        ("abd", "bc", "ad", "c"),
        ("aab", "ab", "a", ""),
        ("", "", "", ""),
    ],
)
async def test_compared_names_what_vanishes_and_what_appears(
    before: str, after: str, gone: str, come: str
) -> None:
    moved = replace(
        shown(*after), shown=tuple(replace(one, onset_ms=9) for one in shown(*after).shown)
    )  # a changed span moves when things begin; it is the same thing all the same
    vanished, appeared = compared(shown(*before), moved)
    assert ("".join(one.record for one in vanished), "".join(one.record for one in appeared)) == (gone, come)


async def test_what_only_moves_into_the_ninety_days_does_not_appear() -> None:
    before = replace(shown("b"), earlier=("a",))
    assert compared(before, shown("a", "b")) == ((), ())


async def test_every_number_that_can_be_turned_is_named() -> None:
    found = {
        name: [(dial.role, dial.count, dial.unit, dial.about, dial.sign) for dial in dials(one.content)]
        for name, one in library()[1].items()
    }
    assert found["low_stock_before_service"] == [
        ("limit", 80, "", "service.forecast_covers", ">="),
        ("length", 24, "h", "due", ""),
        ("fresh", 24, "h", "stock", ""),
    ]
    assert found["quote_not_followed_up"] == [("within", 16, "h", "", ""), ("fresh", 2, "h", "crm", "")]
    assert found["supplier_renewal"] == [("lead", 14, "d", "", ""), ("fresh", 7, "d", "contracts", "")]
    assert dials(library()[1]["quote_not_followed_up"].content)[0].units == ("m", "h")  # office hours only


async def test_turning_changes_the_numbers_and_nothing_else() -> None:
    one = library()[1]["low_stock_before_service"]
    assert turned(one.content, {}) == one.content
    assert playbook_of(turned(one.content, {}), one.id).digest == one.digest
    new = turned(one.content, {0: (120, ""), 1: (48, "h"), 2: (2, "d")})
    assert new["signal"]["when"] == "service.forecast_covers >= 120"
    assert new["signal"]["due"] == "service.starts_at - duration('48h')"
    assert new["needs"] == [{"source": "stock", "fresh_within": "2d"}]
    assert {**new, "signal": 0, "needs": 0} == {**one.content, "signal": 0, "needs": 0}
    assert one.content["signal"]["when"] == "service.forecast_covers >= 80"


@pytest.mark.parametrize(
    "given", [{9: (1, "h")}, {0: (-1, "")}, {0: (5, "h")}, {1: (0, "h")}, {1: (2, "d")}, {2: (10**7, "h")}]
)
async def test_turning_refuses(given: dict[int, tuple[int, str]]) -> None:
    with pytest.raises(ValueError, match="expected"):
        turned(library()[1]["low_stock_before_service"].content, given)

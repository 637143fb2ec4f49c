"""Check-in points: who sets one up, what a check-in there is worth, and what is none."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from casework import check_ins, point_rules
from casework.audit import audit
from casework.errors import TokenInvalid
from casework.point_requests import CheckIn, DoubtPoint, EndPoint, RegisterPoint
from casework.presence import TagKeys, tap_of
from casework.requests import CaseStep, MemberStep
from ledger.clock import instant_of
from ledger.errors import Refused
from ledger.store.tables import shapes
from tests.casework.histories import read
from tests.casework.joiners import lead_of, row_of
from tests.casework.shop import PROJECTIONS, Shop, shop
from tests.casework.tags import Tag
from verifiers.errors import InputInvalid
from verifiers.known import Known
from verifiers.reading import Reader
from verifiers.work_items import READERS
from verifiers.work_items import CheckIn as ReadCheckIn

TAG = Tag()
COLD_ROOM = RegisterPoint("cold-room-2", "nfc", "On the door", TAG.uid, TAG.meta_key, TAG.file_key)


async def point(here: Shop, request: RegisterPoint = COLD_ROOM, who: str = "owner") -> str:
    """Register a point; return its id."""
    return (await here.office.register_point(here.people[who], here.key(), request)).ids["point"]


async def tap(
    here: Shop,
    case: str,
    counter: int,
    who: str = "waiter",
    tag: Tag = TAG,
    at: str | None = None,
    **more: Any,
) -> str:
    """Tap and check in; return the evidence id."""
    picc, cmac = tag.tapped(counter)
    request = CheckIn(case, picc=picc, cmac=cmac, at=at, **more)
    return (await here.desk.check_in(here.people[who], here.key(), request)).ids["evidence"]


async def scan(here: Shop, case: str, code: str, who: str = "waiter", **more: Any) -> str:
    """Scan a code and check in; return the evidence id."""
    request = CheckIn(case, code=code, **more)
    return (await here.desk.check_in(here.people[who], here.key(), request)).ids["evidence"]


async def told(here: Shop, case: str, evidence: str) -> tuple[str, str, dict[str, Any]]:
    """Return grade, controllers and facts of an item."""
    row = await row_of(here, "evidence", case, evidence)
    return str(row["grade"]), str(row["controllers"]), await here.rows.open(str(row["facts_item"]))


def by_tag(here: Shop, point: str) -> str:
    """Who could have made a tap: whoever stands there, or whoever set the tag up."""
    owner = here.people["owner"].id
    return f'{{"any":[{{"party":"member:{owner}"}},{{"party":"system:point:{point}"}}]}}'


def ago(here: Shop, ms: int) -> str:
    """Return the instant so long ago."""
    return instant_of(here.clock.read().unix_ms - ms)


@pytest_asyncio.fixture
async def case(here: Shop) -> str:
    """A case that takes evidence."""
    return await here.open()


# ------------------------------------------------------------------------------------------------ points
async def test_leads_register_and_end_points_and_the_keys_are_in_no_row(here: Shop) -> None:
    await lead_of(here)
    for who in ("waiter", "accountant", "agent"):
        with pytest.raises(Refused, match=r"role_missing|agent_may_not"):
            await point(here, who=who)
    made = await point(here, who="lead")
    row = await row_of(here, "point", made)
    assert (row["place"], row["method"], row["uid"], row["state"]) == (
        "cold-room-2",
        "nfc",
        TAG.uid,
        "active",
    )
    assert row["last_counter"] is None and row["registered_by"] == here.people["lead"].id
    assert await here.rows.open(str(row["label_item"])) == "On the door"
    assert await here.rows.open(str(row["secret_item"])) == {
        "meta_key": TAG.meta_key, "file_key": TAG.file_key,
    }  # fmt: skip
    for who, reason, code in (("waiter", "moved", "role_missing"), ("lead", "tired", "reason_unknown")):
        with pytest.raises(Refused, match=code):
            await here.office.end_point(here.people[who], here.key(), EndPoint(made, reason))
    await here.office.end_point(here.people["lead"], here.key(), EndPoint(made, "lost"))
    assert (await row_of(here, "point", made))["reason_code"] == "lost"
    for again in (made, "nothing"):
        with pytest.raises(Refused, match=r"point_unknown.*in use"):
            await here.office.end_point(here.people["lead"], here.key(), EndPoint(again, "lost"))


INVALID = [
    ("no place", {"place": ""}, "/place"),
    ("a long place", {"place": "x" * 201}, "/place"),
    ("an unknown way", {"method": "gps"}, "/method"),
    ("no UID", {"uid": None}, "/uid"),
    ("a short UID", {"uid": "04de5f"}, "/uid"),
    ("a UID in capitals", {"uid": TAG.uid.upper()}, "/uid"),
    ("no meta key", {"meta_key": None}, "/meta_key"),
    ("a short file key", {"file_key": "00"}, "/file_key"),
    ("a file key that is no hex", {"file_key": "zz" * 16}, "/file_key"),
    ("a screen with a UID", {"method": "screen", "meta_key": None, "file_key": None}, "/uid"),
    ("a screen with keys", {"method": "screen", "uid": None}, "/meta_key"),
    ("paper with a key", {"method": "printed", "uid": None, "meta_key": None}, "/file_key"),
]


@pytest.mark.parametrize(("changes", "field"), [row[1:] for row in INVALID], ids=[row[0] for row in INVALID])
async def test_a_point_that_is_none(here: Shop, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused, match=r"expected .*, got ") as refused:
        await point(here, replace(COLD_ROOM, **changes))
    assert refused.value.field == field
    assert TAG.meta_key not in str(refused.value)


async def test_a_tag_and_a_place_have_one_point_in_use(here: Shop) -> None:
    first = await point(here)
    screen = await point(here, RegisterPoint("cold-room-2", "screen"))  # beside the tag
    for other in (
        replace(COLD_ROOM, place="bar"),
        replace(COLD_ROOM, uid="04aaaaaaaaaaaa"),
        RegisterPoint("cold-room-2", "screen"),
    ):
        with pytest.raises(Refused, match=r"value_invalid.*end it first"):
            await point(here, other)
    await here.office.end_point(here.people["owner"], here.key(), EndPoint(first, "moved"))
    second = await point(here, replace(COLD_ROOM, place="bar"))
    assert len({first, screen, second}) == 3


async def test_registering_a_doubted_point_anew_ends_it_and_a_repeat_names_the_new_one(here: Shop) -> None:
    first = await point(here)
    await here.office.doubt_point(here.people["waiter"], here.key(), DoubtPoint(first, "It hangs in the bar"))
    await here.office.doubt_point(here.people["owner"], here.key(), DoubtPoint(first))
    row = await row_of(here, "point", first)
    assert (row["state"], row["doubted_by"], row["doubt_item"]) == ("doubted", here.people["owner"].id, None)
    again = [
        await here.office.register_point(here.people["owner"], "anew", replace(COLD_ROOM, place="bar"))
        for _ in range(2)
    ]
    assert again[0].ids == again[1].ids and again[0].ids["point"] != first
    assert (await here.kinds())[-2:] == ["point_ended", "point_registered"]
    row = await row_of(here, "point", first)
    assert (row["state"], row["reason_code"]) == ("ended", "replaced")


async def test_there_are_so_many_points_and_no_more(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_rules, "POINTS_MAX", 2)
    first = await point(here)
    await point(here, RegisterPoint("bar", "screen"))
    with pytest.raises(Refused, match=r"value_invalid: expected at most 2 points"):
        await point(here, RegisterPoint("store", "screen"))
    await here.office.end_point(here.people["owner"], here.key(), EndPoint(first, "closed"))
    await point(here, RegisterPoint("store", "screen"))


async def test_an_agent_and_a_shared_device_doubt_nothing(here: Shop) -> None:
    made = await point(here)
    on_device = replace(here.people["waiter"], via="device", assurance="pin")
    for who, code in ((here.people["agent"], "agent_may_not"), (on_device, "own_device_needed")):
        with pytest.raises(Refused, match=code):
            await here.office.doubt_point(who, here.key(), DoubtPoint(made))


# ------------------------------------------------------------------------------------------------ tags
async def test_a_tap_is_worth_e4_and_its_facts_are_those_a_verifier_reads(here: Shop, case: str) -> None:
    made, waiter = await point(here), here.people["waiter"].id
    item = await tap(here, case, 61)
    grade, controllers, facts = await told(here, case, item)
    assert (grade, controllers) == ("E4", by_tag(here, made))
    assert facts == {
        "place": "cold-room-2", "point": made, "method": "nfc", "counter": 61, "nonce_issued_at": None,
        "at": here.now(), "offline": False, "member": waiter, "before": None,
    }  # fmt: skip
    assert (await here.kinds(case))[-2:] == ["evidence_attached", "point_tapped"]
    assert (await row_of(here, "point", made))["last_counter"] == 61
    one = READERS["check_in"](Reader(facts, "facts", InputInvalid), Known(100, frozenset({waiter})))
    assert isinstance(one, ReadCheckIn) and (one.counter, one.member) == (61, waiter)


async def test_a_tap_that_comes_again_or_late_is_refused(here: Shop, case: str) -> None:
    await point(here)
    await tap(here, case, 7)
    for counter in (7, 5, 0):
        with pytest.raises(Refused, match=rf"tap_replayed.*above 7, got {counter}"):
            await tap(here, case, counter)
        with pytest.raises(Refused, match="tap_replayed"):
            await tap(here, case, counter, "owner")
    await tap(here, case, 8)
    with pytest.raises(Refused, match="tap_replayed"):
        await tap(here, case, 7, at=ago(here, 3_600_000))


async def test_the_first_tap_may_be_the_counters_first(here: Shop, case: str) -> None:
    await point(here)
    await tap(here, case, 0)
    with pytest.raises(Refused, match="tap_replayed"):
        await tap(here, case, 0)
    await tap(here, case, 2**24 - 1)


async def test_a_tag_registered_anew_revives_no_old_tap(here: Shop, case: str) -> None:
    first = await point(here)
    await tap(here, case, 7)
    await here.office.end_point(here.people["owner"], here.key(), EndPoint(first, "moved"))
    second = await point(here, replace(COLD_ROOM, place="bar"))
    with pytest.raises(Refused, match=r"tap_replayed.*above 7"):
        await tap(here, case, 6)
    item = await tap(here, case, 8)
    assert (await told(here, case, item))[2]["point"] == second


OTHER = Tag(uid="04aaaaaaaaaaaa", meta_key="2d" * 16, file_key="3c" * 16)


async def test_taps_of_other_tags_are_refused(here: Shop, case: str) -> None:
    made = await point(here)
    bar = await point(here, RegisterPoint("bar", "nfc", None, OTHER.uid, OTHER.meta_key, OTHER.file_key))
    for tag, where in (
        (TAG.cloned(file_key="2d" * 16), None),  # a clone whose maker had to guess the key
        (TAG.cloned(meta_key="2d" * 16), made),
        (TAG.cloned(uid="04bbbbbbbbbbbb"), made),  # under the keys of this tag, and another tag
        (TAG.cloned(uid="04bbbbbbbbbbbb"), None),
        (OTHER, made),  # another place's tag
        (TAG, bar),
    ):
        with pytest.raises(Refused, match="tap_invalid"):
            await tap(here, case, 9, tag=tag, point=where)
    assert (await row_of(here, "point", made))["last_counter"] is None
    # without a name, the place is the one whose tag it was
    item = await tap(here, case, 1, tag=OTHER)
    assert (await told(here, case, item))[2]["place"] == "bar"
    await tap(here, case, 9, point=made)


ODD = [
    ("nothing", {}, "value_invalid"),
    ("a tap and a code", {"picc": "00" * 16, "cmac": "00" * 8, "code": "x"}, "value_invalid"),
    ("half a tap", {"picc": "00" * 16}, "value_invalid"),
    ("half a tap and a code", {"cmac": "00" * 8, "code": "x"}, "value_invalid"),
    ("no hex", {"picc": "zz", "cmac": "00" * 8}, "tap_invalid"),
    ("an unknown point", {"picc": "00" * 16, "cmac": "00" * 8, "point": "nothing"}, "point_unknown"),
]


@pytest.mark.parametrize(("given", "code"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
async def test_what_is_no_check_in(here: Shop, case: str, given: dict[str, Any], code: str) -> None:
    await point(here)
    before = await here.kinds()
    with pytest.raises(Refused, match=rf"{code}.*expected"):
        await here.desk.check_in(here.people["waiter"], here.key(), CheckIn(case, **given))
    assert await here.kinds() == before


WAITED = [
    # how long ago by the phone's clock (ms), what comes of it
    (1_000, "E3"),
    (15 * 60_000, "E3"),
    (15 * 60_000 + 1, "E1"),  # when it was, the phone alone says
    (12 * 3_600_000, "E1"),
    (12 * 3_600_000 + 1, "code_expired"),
    (0, "E3"),
    (-300_000, "E3"),  # its clock is ahead
    (-300_001, "value_invalid"),
]


@pytest.mark.parametrize(("ms", "worth"), WAITED)
async def test_a_tap_that_waited_on_the_phone(here: Shop, ms: int, worth: str) -> None:
    here.wait(days=1)
    case = await here.open()
    await point(here)
    if not worth.startswith("E"):
        with pytest.raises(Refused, match=rf"{worth}.*at: expected"):
            await tap(here, case, 3, at=ago(here, ms))
        return
    item = await tap(here, case, 3, at=ago(here, ms))
    grade, _, facts = await told(here, case, item)
    assert (grade, facts["offline"], facts["at"]) == (worth, True, ago(here, ms))


async def test_at_a_doubted_or_ended_point(here: Shop, case: str) -> None:
    made = await point(here)
    await here.office.doubt_point(here.people["waiter"], here.key(), DoubtPoint(made))
    for counter, at in ((1, None), (2, ago(here, 60_000))):
        item = await tap(here, case, counter, at=at)
        grade, controllers, _ = await told(here, case, item)
        assert (grade, controllers) == ("E1", by_tag(here, made))
    await here.office.end_point(here.people["owner"], here.key(), EndPoint(made, "moved"))
    for where in (None, made):
        with pytest.raises(Refused, match=r"tap_invalid|point_unknown"):
            await tap(here, case, 3, point=where)


async def test_a_repeat_is_answered_whatever_became_of_the_point(here: Shop, case: str) -> None:
    made = await point(here)
    picc, cmac = TAG.tapped(5)
    request = CheckIn(case, picc=picc, cmac=cmac)
    first = await here.desk.check_in(here.people["waiter"], "phone-1", request)
    await here.office.end_point(here.people["owner"], here.key(), EndPoint(made, "closed"))
    again = await here.desk.check_in(here.people["waiter"], "phone-1", request)
    assert again.outcome.replayed and again.ids == first.ids
    with pytest.raises(Refused, match="idempotency_mismatch"):
        await here.desk.check_in(here.people["waiter"], "phone-1", replace(request, point=made))


async def test_who_and_when(here: Shop, case: str) -> None:
    await point(here)
    with pytest.raises(Refused, match="agent_may_not"):
        await tap(here, case, 1, "agent")
    device = replace(here.people["waiter"], via="device", assurance="pin")
    here.people["device"] = device
    await tap(here, case, 1, "device")
    with pytest.raises(Refused, match="unknown"):
        await tap(here, "nothing", 2)
    await here.desk.close(here.people["owner"], here.key(), CaseStep(case, "duplicate"))
    with pytest.raises(Refused, match=r"transition: evidence_attached"):
        await tap(here, case, 2)


# ------------------------------------------------------------------------------------------------ codes
async def test_a_screens_code_is_good_for_45_seconds_once_for_each_person(here: Shop, case: str) -> None:
    made = await point(here, RegisterPoint("bar", "screen"))
    code, until = await here.desk.code_of(made)
    issued = here.now()
    here.wait(seconds=45)
    assert until == here.now()
    item = await scan(here, case, code)
    grade, controllers, facts = await told(here, case, item)
    assert (grade, controllers) == ("E3", f'{{"party":"system:point:{made}"}}')
    assert (facts["nonce_issued_at"], facts["counter"], facts["at"]) == (issued, None, until)
    assert (await here.kinds(case))[-1] == "evidence_attached"
    with pytest.raises(Refused, match="evidence_reused"):
        await scan(here, case, code)
    await scan(here, case, code, "owner")  # who stands there too
    here.wait(seconds=1)
    with pytest.raises(Refused, match=rf"code_expired.*until {until}"):
        await scan(here, case, code, "accountant")  # a photo of it
    with pytest.raises(Refused, match="value_invalid"):
        fresh, _ = await here.desk.code_of(made)
        await scan(here, case, fresh, at=ago(here, 1_000))


async def test_two_accounts_of_one_person_are_one_at_a_screen(here: Shop, case: str) -> None:
    code, _ = await here.desk.code_of(await point(here, RegisterPoint("bar", "screen")))
    await here.join("twin", "staff", same_as="waiter")
    await scan(here, case, code)
    with pytest.raises(Refused, match="evidence_reused"):
        await scan(here, case, code, "twin")


async def test_a_code_on_paper_is_worth_e1_by_the_member_alone(here: Shop, case: str) -> None:
    made = await point(here, RegisterPoint("store", "printed"))
    code, until = await here.desk.code_of(made)
    assert until is None and (await here.desk.code_of(made))[0] == code
    waiter = here.people["waiter"]
    for at in (None, ago(here, 60_000)):
        item = await scan(here, case, code, at=at)
        grade, controllers, _ = await told(here, case, item)
        assert (grade, controllers) == ("E1", f'{{"party":"member:{waiter.id}"}}')
    here.people["device"] = replace(waiter, via="device", assurance="pin")
    with pytest.raises(Refused, match="own_device_needed"):
        await scan(here, case, code, "device")


async def test_codes_of_other_points_of_tags_and_of_nobody(here: Shop, case: str) -> None:
    bar = await point(here, RegisterPoint("bar", "screen"))
    store = await point(here, RegisterPoint("store", "printed"))
    code, _ = await here.desk.code_of(bar)
    with pytest.raises(Refused, match="tap_invalid"):
        await scan(here, case, code, point=store)
    with pytest.raises(TokenInvalid):
        await scan(here, case, code[:-2] + "AA")
    with pytest.raises(Refused, match="point_unknown"):
        await here.desk.code_of(await point(here))
    await here.office.doubt_point(here.people["waiter"], here.key(), DoubtPoint(bar))
    assert (await told(here, case, await scan(here, case, code, point=bar)))[0] == "E1"
    await here.office.end_point(here.people["owner"], here.key(), EndPoint(bar, "closed"))
    with pytest.raises(Refused, match="point_unknown"):
        await scan(here, case, code, "owner")
    with pytest.raises(Refused, match="point_unknown"):
        await here.desk.code_of(bar)


# ------------------------------------------------------------------------------------------------ where before
async def before(here: Shop, case: str, item: str) -> tuple[str, str] | None:
    """Return where the person was before, as the facts of a check-in say it."""
    said = (await told(here, case, item))[2]["before"]
    return None if said is None else (said["place"], said["at"])


async def test_each_check_in_knows_the_persons_last_one(here: Shop, case: str) -> None:
    await point(here)
    await here.join("twin", "staff", same_as="waiter")
    bar = await point(here, RegisterPoint("bar", "screen"))
    assert await before(here, case, await tap(here, case, 1)) is None
    first = here.now()
    here.wait(minutes=1)
    second, (code, _) = here.now(), await here.desk.code_of(bar)
    assert await before(here, case, await scan(here, case, code, "twin")) == ("cold-room-2", first)
    assert await before(here, case, await tap(here, case, 2)) == ("bar", second)
    assert await before(here, case, await tap(here, case, 3, "owner")) is None


async def test_a_check_in_that_comes_in_late_has_nothing_later_before_it(here: Shop, case: str) -> None:
    await point(here)
    here.wait(minutes=10)
    await tap(here, case, 1)
    first = here.now()
    assert await before(here, case, await tap(here, case, 2, at=ago(here, 90_000))) is None
    (row,) = await here.rows.scan("presence", ())
    assert (row["place"], row["at"]) == ("cold-room-2", first)


async def test_what_shows_little_does_not_wipe_out_where_somebody_was(here: Shop, case: str) -> None:
    """Nor does a phone whose clock is ahead: its next check-in would have nothing before it."""
    await point(here)
    paper, _ = await here.desk.code_of(await point(here, RegisterPoint("bar", "printed")))
    doubted = await point(here, RegisterPoint("store", "screen"))
    await here.office.doubt_point(here.people["waiter"], here.key(), DoubtPoint(doubted))
    await tap(here, case, 1, at=ago(here, -300_000))
    first = here.now()
    here.wait(seconds=1)
    code, _ = await here.desk.code_of(doubted)
    for one in (paper, code):
        assert await before(here, case, await scan(here, case, one)) == ("cold-room-2", first)
    assert await before(here, case, await tap(here, case, 2)) == ("cold-room-2", first)


async def test_where_somebody_was_last_goes_as_they_leave(here: Shop, case: str) -> None:
    await point(here)
    await tap(here, case, 1)
    await tap(here, case, 2, "owner")
    assert len(await here.rows.scan("presence", ())) == 2
    leaves = MemberStep(here.people["waiter"].id, reason_code="left")
    await here.office.member_left(here.people["owner"], here.key(), leaves)
    assert [row["member"] for row in await here.rows.scan("presence", ())] == [here.people["owner"].id]


Meanwhile = Callable[[], Awaitable[Any]]


def between(monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile) -> None:
    """Let something happen once, after the next check-in was looked at and before it is written."""
    look, left = check_ins.look, [meanwhile]

    async def slow(*given: Any) -> check_ins.Looked:
        found = await look(*given)
        if left:
            await left.pop()()
        return found

    monkeypatch.setattr(check_ins, "look", slow)


async def test_a_point_that_is_doubted_meanwhile_is_looked_at_anew(
    here: Shop, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await point(here)
    owner = here.people["owner"]
    between(monkeypatch, lambda: here.office.doubt_point(owner, here.key(), DoubtPoint(made)))
    assert (await told(here, case, await tap(here, case, 1)))[0] == "E1"


async def test_a_check_in_elsewhere_meanwhile_is_not_passed_over(
    here: Shop, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await point(here)
    code, _ = await here.desk.code_of(await point(here, RegisterPoint("bar", "screen")))
    between(monkeypatch, lambda: scan(here, case, code))
    assert await before(here, case, await tap(here, case, 1)) == ("bar", here.now())


async def test_a_tap_used_meanwhile_counts_once(
    here: Shop, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await point(here)
    between(monkeypatch, lambda: tap(here, case, 1, "owner"))
    with pytest.raises(Refused, match="tap_replayed"):
        await tap(here, case, 1)


async def test_a_case_with_a_check_in_is_judged(here: Shop) -> None:
    case = await here.until("outcome")
    await point(here)
    item = await tap(here, case, 1)
    for one in await here.rows.scan("evidence", (case,)):
        await here.review(case, one["evidence"], "accountant")
    verdict = await here.judge(case)
    assert verdict["result"] == "pass" and item in verdict["evidence"]


TAPS = 10_000


def test_of_ten_thousand_false_taps_none_counts() -> None:
    """Replayed, out of order, changed, of clones and of other tags, in any mixture: only newer ones of it count."""
    drawn = random.Random(20_261_126)
    keys = TagKeys.of({"meta_key": TAG.meta_key, "file_key": TAG.file_key})
    rows: list[dict[str, Any]] = [{"last_counter": 0}, {"last_counter": None}]
    accepted = {"true": 0, "false": 0}
    for number in range(TAPS):
        last = rows[0]["last_counter"]
        if number % 10 == 0:  # somebody really taps
            kind, tag, counter = "true", TAG, last + drawn.randint(1, 3)
        else:
            kind, counter = "false", drawn.randint(0, last + 50)
            other = drawn.choice(("uid", "meta_key", "file_key", "replay", "bit"))
            tag = TAG if other in ("replay", "bit") else TAG.cloned(**{other: drawn.randbytes(16).hex()})
            if other == "uid":
                tag = TAG.cloned(uid=drawn.randbytes(7).hex())
            counter = drawn.randint(0, last) if other == "replay" else counter
        whole = bytearray(bytes.fromhex("".join(tag.tapped(counter))))
        if kind == "false" and other == "bit":
            whole[drawn.randrange(24)] ^= 1 << drawn.randrange(8)
        tapped = tap_of(keys, TAG.uid, bytes(whole[:16]), bytes(whole[16:]))
        try:
            if tapped is None:
                continue
            point_rules.check_counter(tapped.counter, rows)
        except Refused:
            continue
        accepted[kind] += 1
        rows[0]["last_counter"] = tapped.counter
    assert accepted == {"true": TAPS // 10, "false": 0}


# ------------------------------------------------------------------------------------------------ both databases
@pytest_asyncio.fixture
async def anywhere(store_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop on either database."""
    async with shop(store_url, tmp_path) as opened:
        yield opened


async def test_a_day_at_points_on_both_databases(anywhere: Shop) -> None:
    here = anywhere
    case = await here.open()
    made = await point(here)
    screen = await point(here, RegisterPoint("bar", "screen"))
    code, _ = await here.desk.code_of(screen)
    await tap(here, case, 3)
    with pytest.raises(Refused, match="tap_replayed"):
        await tap(here, case, 2)
    await scan(here, case, code)
    await here.office.doubt_point(here.people["waiter"], here.key(), DoubtPoint(made, "Moved"))
    await tap(here, case, 4, "owner")
    await here.office.end_point(here.people["owner"], here.key(), EndPoint(screen, "closed"))
    history = await read(here)
    found = audit(history.entries, shapes(), PROJECTIONS, history.open)
    assert found.findings == []
    assert audit(history.entries, shapes(), PROJECTIONS).findings == []

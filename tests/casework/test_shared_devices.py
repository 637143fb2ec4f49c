"""Shared devices: who shares one, how a PIN locks, what an act is good for and when it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casework import device_rules, joining
from casework.device_rules import PIN_TRIES_MAX, shown_names
from casework.joining import Joining, token_digest
from casework.joining_requests import (
    Chosen,
    EndDevice,
    Invite,
    SetSignIn,
    ShareDevice,
    TryPin,
    UseInvite,
)
from casework.requests import (
    JoinMember,
    TakeAction,
)
from ledger.errors import Refused
from tests.casework.joiners import PASSWORD, PIN, lead_of, owner_of, row_of
from tests.casework.shop import Shop


async def _device(here: Shop, door: Joining, until: str | None = None) -> str:
    request = ShareDevice("The pass", until)
    return (await door.share_device(here.people["owner"], here.key(), request)).ids["device"]


async def _try(here: Shop, door: Joining, device: str, right: bool, who: str = "waiter") -> str:
    member = here.people[who].id
    kept = await here.rows.get("sign_in", (member,))
    if kept is None:  # the PIN that they choose the first time
        chosen = Chosen(f"the-{who}", None, PIN)
        await door.set_sign_in(here.people[who], here.key(), SetSignIn(member, chosen))
        kept = await row_of(here, "sign_in", member)
    done = await door.try_pin(here.key(), TryPin(device, member, right, str(kept["pin_hash"])))
    return str(done.outcome.result["pin"])


async def test_leads_share_devices_and_end_them(here: Shop, door: Joining) -> None:
    lead = await lead_of(here)
    for who in ("waiter", "accountant", "agent"):
        with pytest.raises(Refused, match=r"role_missing|agent_may_not"):
            await door.share_device(here.people[who], here.key(), ShareDevice("x"))
    with pytest.raises(Refused, match="value_invalid"):
        await door.share_device(lead, here.key(), ShareDevice("x", here.now()))
    done = await door.share_device(lead, here.key(), ShareDevice("The pass"))
    device = done.ids["device"]
    row = await row_of(here, "device", device)
    assert row["secret_digest"] == token_digest(done.secrets["token"])
    assert await here.rows.open(str(row["label_item"])) == "The pass"
    await door.end_device(lead, here.key(), EndDevice(device))
    with pytest.raises(Refused, match="device_ended"):
        await door.end_device(lead, here.key(), EndDevice(device))
    with pytest.raises(Refused, match="device_ended"):
        await _try(here, door, device, True)


async def test_a_device_shared_until_a_time_ends_then(here: Shop, door: Joining) -> None:
    device = await _device(here, door, here.wait(minutes=0).replace("10:00:00", "10:05:00"))
    assert await _try(here, door, device, True) == "right"
    here.wait(minutes=5)
    with pytest.raises(Refused, match="device_ended"):
        await _try(here, door, device, True)


async def test_a_pin_locks_at_the_fifth_wrong_try_for_a_while_whatever_is_tried_then(
    here: Shop, door: Joining
) -> None:
    device = await _device(here, door)
    await _try(here, door, device, True)
    await _try(here, door, device, True, "owner")
    before = len(await here.kinds())
    for _ in range(PIN_TRIES_MAX - 1):
        assert await _try(here, door, device, False) == "wrong"
    assert await _try(here, door, device, True) == "right"
    told = [await _try(here, door, device, False) for _ in range(PIN_TRIES_MAX)]
    assert told == ["wrong"] * (PIN_TRIES_MAX - 1) + ["locked"]
    assert await _try(here, door, device, True) == "locked"
    assert await _try(here, door, device, True, "owner") == "right"
    here.wait(minutes=device_rules.PIN_LOCK_MINUTES)
    assert await _try(here, door, device, False) == "wrong"
    assert await _try(here, door, device, True) == "right"
    assert len(await here.kinds()) == before  # no entry: who mistyped is nobody's business for ever


async def test_a_new_pin_ends_the_lock(here: Shop, door: Joining) -> None:
    device, waiter = await _device(here, door), here.people["waiter"]
    for _ in range(PIN_TRIES_MAX):
        await _try(here, door, device, False)
    assert await _try(here, door, device, True) == "locked"
    await door.set_sign_in(waiter, here.key(), SetSignIn(waiter.id, Chosen("nina", None, "new")))
    assert await _try(here, door, device, True) == "right"


@pytest.mark.parametrize("by", ["owner", "waiter", "invite"])
async def test_a_pin_replaced_meanwhile_grants_nothing_and_ends_what_it_granted(
    here: Shop, door: Joining, by: str
) -> None:
    device, waiter = await _device(here, door), here.people["waiter"]
    await _try(here, door, device, True)
    assert len(await here.rows.scan("act", (waiter.id,))) == 1
    if by == "invite":
        invite = (await door.invite(owner_of(here), here.key(), Invite(waiter.id))).ids["invite"]
        chosen = Chosen("the-waiter", PASSWORD)
        await door.use_invite(here.key(), UseInvite(waiter.id, invite, chosen))
    else:
        await door.set_sign_in(
            here.people[by], here.key(), SetSignIn(waiter.id, Chosen(pin_hash="$argon2id$new"))
        )
    assert await here.rows.scan("act", (waiter.id,)) == []
    done = await door.try_pin(here.key(), TryPin(device, waiter.id, True, PIN))
    assert done.outcome.result["pin"] == "wrong" and await here.rows.scan("act", (waiter.id,)) == []


async def test_the_next_act_takes_the_place_of_the_last(here: Shop, door: Joining) -> None:
    device, waiter = await _device(here, door), here.people["waiter"].id
    await _try(here, door, device, True)
    first = await door.try_pin(here.key(), TryPin(device, waiter, True, PIN))
    second = await door.try_pin(here.key(), TryPin(device, waiter, True, PIN))
    (row,) = await here.rows.scan("act", (waiter,))
    assert row["digest"] == token_digest(second.secrets["token"]) != token_digest(first.secrets["token"])
    assert row["until"] == here.wait(seconds=joining.ACT_SECONDS)


async def test_on_a_shared_device_people_do_what_is_theirs_and_decide_nothing(here: Shop) -> None:
    case = await here.until("approved")
    proposal = (await row_of(here, "case_file", case))["proposal"]
    await here.office.join_member(here.people["owner"], here.key(), JoinMember("x", ("staff",)))
    cook = replace(await here.join("cook", "staff"), via="device", assurance="pin")
    waiter = replace(here.people["waiter"], via="device", assurance="pin")
    with pytest.raises(Refused, match="not_owner"):
        await here.desk.take_action(cook, here.key(), TakeAction(case, str(proposal)))
    await here.desk.take_action(waiter, here.key(), TakeAction(case, str(proposal)))
    await here.may("waiter", "action", assurance_min="pin")
    other = await here.until("proposed", number="other")
    here.people["waiter"] = waiter
    with pytest.raises(Refused, match="own_device_needed"):
        await here.decide(other, "action", "waiter")


NAMES = [
    ({"a": "Ana Lopez", "b": "Ben"}, {"a": "Ana", "b": "Ben"}),
    ({"a": "Ana Lopez", "b": "Ana Kern"}, {"a": "Ana L.", "b": "Ana K."}),
    ({"a": "Ana Lopez", "b": "Ana Lind"}, {"a": "Ana Lo.", "b": "Ana Li."}),
    ({"a": "Ana Li", "b": "Ana Lind"}, {"a": "Ana Li", "b": "Ana Lin."}),
    ({"a": "Ana", "b": "Ana Lind"}, {"a": "Ana", "b": "Ana L."}),
    ({"a": "Ana Lind", "b": "Ana Lind"}, {"a": "Ana Lind", "b": "Ana Lind"}),
    ({"a": "Ana Maria Lopez"}, {"a": "Ana"}),
    ({"a": ""}, {"a": ""}),
    ({}, {}),
]


@pytest.mark.parametrize(("names", "shown"), NAMES)
def test_first_names_with_as_much_more_as_tells_them_apart(
    names: dict[str, str], shown: dict[str, str]
) -> None:
    assert shown_names(names) == shown

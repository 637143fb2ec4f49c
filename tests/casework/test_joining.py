"""Joining: who may invite whom, what an invite is good for, what it puts an end to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from casework import joining
from casework.joining import THE_OPERATOR, Joining, token_digest
from casework.joining_requests import (
    Chosen,
    EndInvite,
    Hand,
    Invite,
    InviteAll,
    RecoverOwner,
    SetSignIn,
    UseInvite,
)
from casework.requests import (
    GrantAuthority,
    IssueApiKey,
    JoinMember,
    MemberStep,
    Principal,
)
from ledger.errors import Refused
from tests.casework.joiners import PASSWORD, PIN, lead_of, owner_of, row_of
from tests.casework.keyring import enrol
from tests.casework.shop import Shop

Act = Callable[[Shop, Joining, Principal], Awaitable[object]]
NINA = Chosen("nina", PASSWORD, PIN)


# ---------------------------------------------------------------------------------------------- inviting
MAY_INVITE = [
    # who, roles of whom, refused
    ("owner", ("manager",), None),
    ("owner", ("owner",), None),
    ("lead", ("staff",), None),
    ("lead", ("manager",), "role_missing"),
    ("lead", ("outsider",), "role_missing"),
    ("lead", ("manager", "staff"), "role_missing"),
    ("waiter", ("staff",), "role_missing"),
    ("accountant", ("staff",), "role_missing"),
    ("agent", ("staff",), "role_missing"),
    ("owner", (), "value_invalid"),
    ("owner", ("agent",), "value_invalid"),
]


@pytest.mark.parametrize(("who", "roles", "code"), MAY_INVITE)
async def test_owners_invite_anybody_and_managers_staff(
    here: Shop, door: Joining, who: str, roles: tuple[str, ...], code: str | None
) -> None:
    await lead_of(here)
    request = Invite(name="Nina", roles=roles)
    if code is not None:
        with pytest.raises(Refused, match=code):
            await door.invite(here.people[who], here.key(), request)
        return
    done = await door.invite(here.people[who], here.key(), request)
    row = await row_of(here, "invite", done.ids["member"], done.ids["invite"])
    assert row["token_digest"] == token_digest(done.secrets["token"]) and row["state"] == "issued"
    assert (await here.kinds())[-2:] == ["member_joined", "invite_issued"]


async def test_a_manager_invites_nobody_who_holds_a_power_or_has_signed_in(here: Shop, door: Joining) -> None:
    lead, owner = await lead_of(here), here.people["owner"]
    nina = (await door.invite(lead, here.key(), Invite(name="Nina", roles=("staff",)))).ids
    await door.invite(lead, here.key(), Invite(nina["member"]))
    await here.office.grant_authority(owner, here.key(), GrantAuthority(nina["member"], "award"))
    with pytest.raises(Refused, match=r"no_authority.*power"):
        await door.invite(lead, here.key(), Invite(nina["member"]))
    ben = (await door.invite(lead, here.key(), Invite(name="Ben", roles=("staff",)))).ids
    await door.use_invite(here.key(), UseInvite(ben["member"], ben["invite"], Chosen("ben", PASSWORD)))
    with pytest.raises(Refused, match=r"no_authority.*signed in"):
        await door.invite(lead, here.key(), Invite(ben["member"]))
    await door.invite(owner, here.key(), Invite(ben["member"]))


WAYS_IN: list[tuple[str, Act]] = [
    ("signed in", lambda here, door, nina: door.set_sign_in(nina, here.key(), SetSignIn(nina.id, NINA))),
    (
        "key",
        lambda here, door, nina: here.office.issue_api_key(
            owner_of(here), here.key(), IssueApiKey(nina.id, "0" * 64)
        ),
    ),
    ("signed in", lambda here, door, nina: enrol(here, "nina")),
]


@pytest.mark.parametrize(("said", "settle"), WAYS_IN, ids=["password or PIN", "key", "passkey"])
async def test_a_manager_does_not_let_anybody_in_again_who_has_a_way_in(
    here: Shop, door: Joining, said: str, settle: Act
) -> None:
    lead, nina = await lead_of(here), await here.join("nina", "staff")
    await door.invite(lead, here.key(), Invite(nina.id))
    await settle(here, door, nina)
    with pytest.raises(Refused, match=f"no_authority.*{said}"):
        await door.invite(lead, here.key(), Invite(nina.id))
    await door.invite(owner_of(here), here.key(), Invite(nina.id))


def _role(who: str, role: str, end: bool = False) -> Act:
    async def change(here: Shop, door: Joining, nina: Principal) -> None:
        member = nina.id if who == "nina" else here.people[who].id
        act = here.office.end_role if end else here.office.grant_role
        await act(owner_of(here), here.key(), MemberStep(member, role=role))

    return change


async def _lead_leaves(here: Shop, door: Joining, nina: Principal) -> None:
    await here.office.member_left(
        owner_of(here), here.key(), MemberStep(here.people["lead"].id, reason_code="left")
    )


MEANWHILE: list[tuple[str, Act, bool]] = [
    # what happens between an invite by a manager and its use, and whether it still lets in
    ("promoted", _role("nina", "manager"), False),
    ("promoted to owner", _role("nina", "owner"), False),
    ("given a power", lambda here, door, nina: here.office.grant_authority(
        owner_of(here), here.key(), GrantAuthority(nina.id, "award")), False),
    ("a PIN set by the owner", lambda here, door, nina: door.set_sign_in(
        nina, here.key(), SetSignIn(nina.id, NINA)), False),
    ("giver left", _lead_leaves, False),
    ("giver is an owner too", _role("lead", "owner"), True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("settle", "opens"), [row[1:] for row in MEANWHILE], ids=[row[0] for row in MEANWHILE]
)
async def test_an_invite_is_worth_what_its_giver_may_give_when_it_is_used(
    here: Shop, door: Joining, settle: Act, opens: bool
) -> None:
    lead, nina = await lead_of(here), await here.join("nina", "staff")
    invite = (await door.invite(lead, here.key(), Invite(nina.id))).ids["invite"]
    row = await row_of(here, "invite", nina.id, invite)
    assert await door.is_worth_something(row)
    await settle(here, door, nina)
    assert await door.is_worth_something(row) is opens
    use = door.use_invite(here.key(), UseInvite(nina.id, invite, NINA))
    if opens:
        await use
        return
    with pytest.raises(Refused, match="invite_closed"):
        await use


async def test_whoever_comes_in_again_finds_no_way_in_that_was_added_in_their_place(
    here: Shop, door: Joining
) -> None:
    """Somebody found the slip and was there as the second owner for a while; then an owner gives a new one."""
    owner, second = owner_of(here), await here.join("second", "owner")
    passkey, _ = await enrol(here, "second")
    issued: dict[str, str] = {}
    for name, by, whose in (
        ("their own", second, second),
        ("the owner's", owner, second),
        ("another's", second, owner),
    ):
        request = IssueApiKey(whose.id, str(len(issued)) * 64)
        issued[name] = (await here.office.issue_api_key(by, here.key(), request)).ids["key"]
    for _ in range(2):
        invite = (await door.invite(owner, here.key(), Invite(second.id))).ids["invite"]
        await door.use_invite(here.key(), UseInvite(second.id, invite, Chosen("second", PASSWORD)))
    row = await row_of(here, "passkey", passkey)
    assert (row["state"], row["reason_code"]) == ("ended", "replaced")
    active = {name: (await row_of(here, "api_key", key))["active"] for name, key in issued.items()}
    assert active == {"their own": 0, "the owner's": 0, "another's": 1}
    kinds = await here.kinds()
    assert (kinds.count("passkey_ended"), kinds.count("api_key_ended")) == (1, 2), "each ends once"


async def test_a_key_that_an_owner_gave_to_staff_goes_on(here: Shop, door: Joining) -> None:
    """An owner's account could have given itself one by another's key; staff give no keys."""
    owner, nina = owner_of(here), await here.join("nina", "staff")
    key = (await here.office.issue_api_key(owner, here.key(), IssueApiKey(nina.id, "0" * 64))).ids["key"]
    invite = (await door.invite(owner, here.key(), Invite(nina.id))).ids["invite"]
    await door.use_invite(here.key(), UseInvite(nina.id, invite, NINA))
    assert (await row_of(here, "api_key", key))["active"] == 1


async def test_nobody_invites_themselves_with_a_key(here: Shop, door: Joining) -> None:
    owner = owner_of(here)
    with pytest.raises(Refused, match="session_needed"):
        await door.invite(replace(owner, via="http"), here.key(), Invite(owner.id))
    await door.invite(owner, here.key(), Invite(owner.id))


async def test_a_manager_lets_in_nobody_who_is_an_owner_by_another_account(here: Shop, door: Joining) -> None:
    lead, owner = await lead_of(here), owner_of(here)
    request = JoinMember("Olga again", ("staff",), owner.id)
    account = (await here.office.join_member(owner, here.key(), request)).ids["member"]
    with pytest.raises(Refused, match=r"no_authority.*other account"):
        await door.invite(lead, here.key(), Invite(account))
    await door.invite(owner, here.key(), Invite(account))


@pytest.mark.parametrize("act", ["sign-in", "passkey"])
async def test_a_key_makes_nothing_that_outlives_it(here: Shop, door: Joining, act: str) -> None:
    here.people["by key"] = by_key = replace(here.people["waiter"], via="http")
    with pytest.raises(Refused, match="session_needed"):
        if act == "passkey":
            await enrol(here, "by key")
        else:
            await door.set_sign_in(by_key, here.key(), SetSignIn(by_key.id, NINA))


async def test_an_owner_without_the_role_any_more_has_given_nothing(here: Shop, door: Joining) -> None:
    second = await here.join("second", "owner")
    nina = await here.join("nina", "manager")
    invite = (await door.invite(second, here.key(), Invite(nina.id))).ids["invite"]
    await here.office.grant_role(owner_of(here), here.key(), MemberStep(second.id, role="manager"))
    await here.office.end_role(owner_of(here), here.key(), MemberStep(second.id, role="owner"))
    with pytest.raises(Refused, match="invite_closed"):
        await door.use_invite(here.key(), UseInvite(nina.id, invite, NINA))


HOWS = [
    ("slip", None),
    ("first_run", "value_invalid"),
    ("recovery", "value_invalid"),
    ("rumour", "value_invalid"),
]


@pytest.mark.parametrize(("how", "code"), HOWS)
async def test_people_give_links_and_slips_only(
    here: Shop, door: Joining, how: str, code: str | None
) -> None:
    request = Invite(here.people["waiter"].id, how=how)
    if code is None:
        await door.invite(here.people["owner"], here.key(), request)
    else:
        with pytest.raises(Refused, match=code):
            await door.invite(here.people["owner"], here.key(), request)


@pytest.mark.parametrize("who", ["nobody", "agent"])
async def test_only_people_who_joined_are_invited(here: Shop, door: Joining, who: str) -> None:
    member = here.people[who].id if who in here.people else who
    with pytest.raises(Refused, match="unknown"):
        await door.invite(here.people["owner"], here.key(), Invite(member))


async def test_an_invite_is_for_a_member_or_for_somebody_new(here: Shop, door: Joining) -> None:
    owner, waiter = here.people["owner"], here.people["waiter"].id
    before = len(await here.kinds())
    for request in (
        Invite(),
        Invite(roles=("staff",)),
        Invite(waiter, "Nina", ("staff",)),
        Invite(waiter, roles=("owner",)),
    ):
        with pytest.raises(Refused, match="value_invalid"):
            await door.invite(owner, here.key(), request)
    assert len(await here.kinds()) == before


async def test_a_new_invite_ends_the_one_that_waits(here: Shop, door: Joining) -> None:
    owner, waiter = here.people["owner"], here.people["waiter"].id
    first = await door.invite(owner, here.key(), Invite(waiter))
    second = await door.invite(owner, here.key(), Invite(waiter))
    assert (await here.kinds())[-2:] == ["invite_issued", "invite_ended"]
    assert (await row_of(here, "invite", waiter, first.ids["invite"]))["state"] == "ended"
    with pytest.raises(Refused, match="invite_closed"):
        await door.use_invite(here.key(), UseInvite(waiter, first.ids["invite"], NINA))
    await door.use_invite(here.key(), UseInvite(waiter, second.ids["invite"], NINA))


async def test_a_repeat_names_the_same_invite_and_tells_no_token(here: Shop, door: Joining) -> None:
    owner, waiter = here.people["owner"], here.people["waiter"].id
    for request in (Invite(waiter), Invite(waiter), Invite(name="Nina", roles=("staff",))):
        key = here.key()
        first = await door.invite(owner, key, request)
        again = await door.invite(owner, key, request)
        assert again.outcome.replayed and again.ids == first.ids and dict(again.secrets) == {}


async def test_an_invite_can_be_taken_back_once(here: Shop, door: Joining) -> None:
    lead, owner, waiter = await lead_of(here), here.people["owner"], here.people["waiter"].id
    invite = (await door.invite(owner, here.key(), Invite(waiter))).ids["invite"]
    with pytest.raises(Refused, match="role_missing"):
        await door.end_invite(here.people["waiter"], here.key(), EndInvite(waiter, invite))
    with pytest.raises(Refused, match="reason_unknown"):
        await door.end_invite(owner, here.key(), EndInvite(waiter, invite, "because"))
    await door.end_invite(lead, here.key(), EndInvite(waiter, invite))
    with pytest.raises(Refused, match="invite_closed"):
        await door.end_invite(owner, here.key(), EndInvite(waiter, invite))
    with pytest.raises(Refused, match="invite_closed"):
        await door.use_invite(here.key(), UseInvite(waiter, invite, NINA))


async def test_a_staff_list_joins_whole_or_not_at_all(here: Shop, door: Joining) -> None:
    lead = await lead_of(here)
    before = len(await here.kinds())
    refused = [
        ((Hand("A", "staff"), Hand("B", "manager")), "role_missing"),
        ((), "value_invalid"),
        (tuple(Hand(f"P{n}", "staff") for n in range(501)), "value_invalid"),
    ]
    for hands, code in refused:
        with pytest.raises(Refused, match=code):
            await door.invite_all(lead, here.key(), InviteAll(hands))
    assert len(await here.kinds()) == before
    hands = tuple(Hand(f"Person {n}", "staff", f"person.{n}") for n in range(500))
    key = here.key()
    done = await door.invite_all(lead, key, InviteAll(hands))
    assert done.outcome.count == 1_000
    assert (
        token_digest(done.secrets["token499"])
        == (await row_of(here, "invite", done.secrets["member499"], done.secrets["invite499"]))[
            "token_digest"
        ]
    )
    kept = await row_of(here, "sign_in", done.secrets["member7"])
    assert (kept["name"], kept["password_hash"], kept["pin_hash"]) == ("person.7", None, None)
    again = await door.invite_all(lead, key, InviteAll(hands))
    assert again.outcome.replayed and again.ids == done.ids and dict(again.secrets) == {}
    with pytest.raises(Refused, match="name_taken"):
        await door.invite_all(lead, here.key(), InviteAll((Hand("Z", "staff", "person.7"),)))


# ---------------------------------------------------------------------------------------------- signing in
async def test_an_invite_is_used_once_in_time_and_leaves_no_hash_in_the_record(
    here: Shop, door: Joining
) -> None:
    waiter = here.people["waiter"].id
    done = await door.invite(here.people["owner"], here.key(), Invite(waiter))
    await door.use_invite("used", UseInvite(waiter, done.ids["invite"], replace(NINA, name=" Nina ")))
    assert await row_of(here, "sign_in", waiter) == {
        "log": here.intake.log, "member": waiter, "name": "nina", "password_hash": PASSWORD, "pin_hash": PIN,
        "changed_at": here.now(),
    }  # fmt: skip
    size, _ = await here.rows.head()
    entries = await here.rows.entries(size - 4, 4)
    assert [entry.body.get("method", entry.kind) for entry in entries] == [
        "invite_used", "name", "password", "pin",
    ]  # fmt: skip
    assert all(entry.actor.via == "invite" and "argon2" not in str(entry.to_json()) for entry in entries)
    with pytest.raises(Refused, match="invite_closed"):
        await door.use_invite(here.key(), UseInvite(waiter, done.ids["invite"], NINA))


USES = [
    (Chosen(None, PASSWORD), "value_invalid"),
    (Chosen("nina"), "value_invalid"),
    (Chosen("x", PASSWORD), "value_invalid"),
    (Chosen("Olga", PASSWORD), "name_taken"),
]


@pytest.mark.parametrize(("chosen", "code"), USES)
async def test_what_is_chosen_must_let_somebody_in(
    here: Shop, door: Joining, chosen: Chosen, code: str
) -> None:
    owner, waiter = here.people["owner"], here.people["waiter"].id
    await door.set_sign_in(owner, here.key(), SetSignIn(owner.id, Chosen("olga", PASSWORD)))
    invite = (await door.invite(owner, here.key(), Invite(waiter))).ids["invite"]
    with pytest.raises(Refused, match=code):
        await door.use_invite(here.key(), UseInvite(waiter, invite, chosen))
    await door.use_invite(here.key(), UseInvite(waiter, invite, NINA))


async def test_an_invite_lasts_three_days_and_not_beyond_leaving(here: Shop, door: Joining) -> None:
    owner, waiter = here.people["owner"], here.people["waiter"].id
    late = (await door.invite(owner, here.key(), Invite(waiter))).ids["invite"]
    here.wait(days=3)
    with pytest.raises(Refused, match="invite_closed"):
        await door.use_invite(here.key(), UseInvite(waiter, late, NINA))
    left = (await door.invite(owner, here.key(), Invite(waiter))).ids["invite"]
    await here.office.member_left(owner, here.key(), MemberStep(waiter, reason_code="left"))
    with pytest.raises(Refused, match="member_inactive"):
        await door.use_invite(here.key(), UseInvite(waiter, left, NINA))


SETTING: list[tuple[str, str, Chosen, str | None]] = [
    # who, for whom, what, refused
    ("waiter", "waiter", Chosen(pin_hash="new"), None),
    ("waiter", "waiter", Chosen("other", "new"), None),
    ("waiter", "waiter", Chosen(), "value_invalid"),
    ("owner", "waiter", Chosen(pin_hash="new"), None),
    ("owner", "waiter", Chosen(password_hash="new"), "role_missing"),
    ("owner", "waiter", Chosen("other", pin_hash="new"), "role_missing"),
    ("lead", "waiter", Chosen(pin_hash="new"), "role_missing"),
    ("waiter", "owner", Chosen(pin_hash="new"), "role_missing"),
    ("owner", "owner", Chosen(pin_hash="new"), "value_invalid"),
    ("agent", "agent", Chosen("robin", "new"), "agent_may_not"),
    ("owner", "agent", Chosen(pin_hash="new"), "unknown"),
]


@pytest.mark.parametrize(("who", "whose", "what", "code"), SETTING)
async def test_a_sign_in_is_its_members_and_an_owner_sets_a_pin(
    here: Shop, door: Joining, who: str, whose: str, what: Chosen, code: str | None
) -> None:
    await lead_of(here)
    waiter = here.people["waiter"]
    await door.set_sign_in(waiter, here.key(), SetSignIn(waiter.id, NINA))
    member = here.people[whose].id
    if code is not None:
        with pytest.raises(Refused, match=code):
            await door.set_sign_in(here.people[who], here.key(), SetSignIn(member, what))
        return
    await door.set_sign_in(here.people[who], here.key(), SetSignIn(member, what))
    row = await row_of(here, "sign_in", member)
    assert (row["name"], row["password_hash"], row["pin_hash"]) == (
        what.name or "nina", what.password_hash or PASSWORD, what.pin_hash or PIN,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------- owners
async def test_the_first_owner_is_invited_once_by_the_system(here: Shop, door: Joining) -> None:
    owner = here.people["owner"].id
    with pytest.raises(Refused, match="role_missing"):
        await door.invite(THE_OPERATOR, here.key(), Invite(here.people["waiter"].id, how="first_run"))
    done = await door.invite(THE_OPERATOR, here.key(), Invite(owner, how="first_run"))
    assert done.secrets["until"] == here.wait(minutes=joining.FIRST_RUN_MINUTES)
    with pytest.raises(Refused, match="transition"):
        await door.invite(THE_OPERATOR, here.key(), Invite(owner, how="first_run"))


async def test_an_owner_is_let_in_again_by_an_invite_that_says_so(here: Shop, door: Joining) -> None:
    owner = here.people["owner"].id
    await door.invite(here.people["owner"], here.key(), Invite(owner))
    done = await door.recover(here.key(), RecoverOwner(owner))
    assert (await here.kinds())[-3:] == ["owner_recovered", "invite_issued", "invite_ended"]
    await door.use_invite(here.key(), UseInvite(owner, done.ids["invite"], NINA))
    size, _ = await here.rows.head()
    assert {entry.body.get("by") for entry in await here.rows.entries(size - 3, 3)} == {"recovery"}
    for who, code in (("waiter", "role_missing"), ("agent", "unknown")):
        with pytest.raises(Refused, match=code):
            await door.recover(here.key(), RecoverOwner(here.people[who].id))

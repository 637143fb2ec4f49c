"""Joining the organisation, signing in, shared devices: the use cases beside office.py.

Every method takes who asks, the idempotency key and the request; returns Done (outcome, ids, secrets told once);
raises Refused. Tokens are 256 random bits, of which only the SHA-256 is kept; passwords and PINs arrive as slow hashes.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from casework import chosen, device_rules, people
from casework import joining_rules as rules
from casework.errors import refuse
from casework.foreseen import foresee
from casework.intake import Done, Intake
from casework.joining_requests import (
    EndDevice,
    EndInvite,
    Invite,
    InviteAll,
    RecoverOwner,
    SetSignIn,
    ShareDevice,
    TryPin,
    UseInvite,
)
from casework.requests import Principal, Private
from ledger.changes import Change, Row
from ledger.clock import instant_of
from ledger.commands import Need
from ledger.entries import SYSTEM
from ledger.errors import Refused

TOKEN_BYTES = 32
INVITE_MINUTES = 3 * 24 * 60
FIRST_RUN_MINUTES = 60
RECOVERY_MINUTES = 60
ACT_SECONDS = 120
DEVICE_PREFIX = "tsd_"
ACT_PREFIX = "tsa_"
THE_OPERATOR = Principal(SYSTEM, SYSTEM, "cli", "key")
"""Whoever runs the server: can read its data folder (api/remote.py)."""
ALL_SIGN_INS = Need("sign_in", ())
ALL_SESSIONS = Need("session", ())


class Joining:
    """The use cases of one organisation's log."""

    def __init__(self, intake: Intake) -> None:
        self._in = intake

    # ------------------------------------------------------------------------------------------ invites
    async def invite(self, who: Principal, key: str, request: Invite) -> Done:
        """Invite a member, or let somebody join and invite them. ids: member, invite; secrets: token (not on a replay).

        An invite that waits ends. Refused: role_missing, no_authority, unknown, value_invalid, transition.
        """
        names = ("member", "invite") if request.member is None else ("invite",)
        ids = self._in.ids(*names)
        member = request.member or ids["member"]
        private = self._in.seal((member,), name=request.name) if request.member is None else Private()
        minutes = FIRST_RUN_MINUTES if request.how == "first_run" else INVITE_MINUTES
        needs = [Need("sign_in", (member,)), *_held(member)]
        needs.append(Need("invite", () if request.how == "first_run" else (member,)))
        return await self._issue(who, key, request, rules.invited, needs, ids, private, minutes)

    async def invite_all(self, who: Principal, key: str, request: InviteAll) -> Done:
        """Let a staff list join and invite everybody on it, all or none. ids: member, invite (of the first).

        secrets: member0, invite0, token0, member1 ... in the order of the list (not on a replay); until.
        """
        hands = request.hands[: rules.HANDS_MAX + 1]
        ids = self._in.ids(*(f"{what}{n}" for n in range(len(hands)) for what in ("member", "invite")))
        tokens = [self._token() for _ in hands]
        sealed = [self._in.seal((ids[f"member{n}"],), name=hand.name) for n, hand in enumerate(hands)]
        rows: list[Change] = [change for one in sealed for change in one.rows]
        until = self._in_minutes(INVITE_MINUTES)
        known = {
            "until": until,
            "tokens": [token_digest(token) for token in tokens],
            "names": [(one.commitments, one.opened) for one in sealed],
        }
        secrets = dict(ids) | {f"token{n}": token for n, token in enumerate(tokens)} | {"until": until}
        return await self._in.submit(
            who, key, request, rules.all_invited, [ALL_SIGN_INS], ids=ids,
            private=Private(rows=tuple(rows)), known=known, secrets=secrets,
        )  # fmt: skip

    async def end_invite(self, who: Principal, key: str, request: EndInvite) -> Done:
        """Take an invite back. ids: member, invite. Refused: invite_closed, role_missing, reason_unknown."""
        needs = [Need("member", (request.member,)), Need("invite", (request.member, request.invite))]
        return await self._in.submit(who, key, request, rules.invite_ended, needs)

    async def use_invite(self, key: str, request: UseInvite) -> Done:
        """Sign up by an invite that the door found by its token. ids: invite, member. Refused: invite_closed, ..."""
        row = await self._in.records.get("member", (request.member,))
        held = [] if row is None else people.roles(row)
        role = next((role for role in people.ROLES if role in held), None)
        if role is None:
            raise refuse("invite_closed", "expected an invite of somebody who works here")
        who = Principal(request.member, role, "invite", "link")
        invite = await self._in.records.get("invite", (request.member, request.invite))
        if invite is None:
            raise refuse("invite_closed", "expected an invite that waits, got none")
        needs = [*_use_needs(invite), ALL_SIGN_INS, ALL_SESSIONS]
        return await self._in.submit(who, key, _named(request), rules.invite_used, needs)

    async def is_worth_something(self, invite: Row) -> bool:
        """Say whether an invite that waits may still be used, so that its page opens for nothing that is over."""
        view = await foresee(self._in.records, _use_needs(invite))
        signs_in = rules.signs_in(view.get("sign_in", (str(invite["member"]),)))
        try:
            rules.check_still_given(view, invite, signs_in)
        except Refused:
            return False
        return True

    # ------------------------------------------------------------------------------------------ signing in
    async def set_sign_in(self, who: Principal, key: str, request: SetSignIn) -> Done:
        """Change how one signs in; an owner sets a PIN for another. ids: member."""
        needs = [ALL_SIGN_INS, Need("member", (request.member,))]
        if request.chosen.password_hash is not None:
            needs.append(ALL_SESSIONS)
        return await self._in.submit(who, key, _named(request), rules.sign_in_set, needs)

    async def recover(self, key: str, request: RecoverOwner) -> Done:
        """Let an owner in again, by whoever runs the server. ids: member, invite; secrets: token."""
        needs = [Need("member", (request.member,)), Need("invite", (request.member,)), ALL_SESSIONS]
        return await self._issue(
            THE_OPERATOR, key, request, rules.owner_recovered, needs, self._in.ids("invite"), Private(),
            RECOVERY_MINUTES,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ shared devices
    async def share_device(self, who: Principal, key: str, request: ShareDevice) -> Done:
        """Make a device a shared one. ids: device; secrets: token (`tsd_...`, not on a replay)."""
        token = DEVICE_PREFIX + self._token()
        private = self._in.seal((), label=request.label)
        return await self._in.submit(
            who, key, request, device_rules.device_shared, (), ids=self._in.ids("device"), private=private,
            known={"secret_digest": token_digest(token)}, secrets={"token": token},
        )  # fmt: skip

    async def end_device(self, who: Principal, key: str, request: EndDevice) -> Done:
        """End a shared device. ids: device. Refused: role_missing, device_ended."""
        needs = [Need("device", (request.device,))]
        return await self._in.submit(who, key, request, device_rules.device_ended, needs)

    async def try_pin(self, key: str, request: TryPin) -> Done:
        """Count a try; a right one grants one act. outcome.result["pin"]: right, wrong or locked; secrets: token,
        until.

        `key` must be new for each try. Refused: device_ended, member_inactive.
        """
        token = ACT_PREFIX + self._token()
        until = self._later(ACT_SECONDS)
        act = {**self._in.ids("act"), "digest": token_digest(token), "until": until}
        known = {"locked_until": self._in_minutes(device_rules.PIN_LOCK_MINUTES), "act": act}
        needs = [Need("device", (request.device,)), Need("member", (request.member,))]
        needs += [Need("pin_tries", (request.member,)), Need("sign_in", (request.member,))]
        return await self._in.submit(
            Principal(SYSTEM, SYSTEM, "device", "pin"), key, request, device_rules.pin_tried, needs,
            known=known, secrets={"token": token, "until": until},
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ shared by these
    async def _issue(
        self,
        who: Principal,
        key: str,
        request: Any,
        rule: Any,
        needs: list[Need],
        ids: dict[str, str],
        private: Private,
        minutes: int,
    ) -> Done:
        token, until = self._token(), self._in_minutes(minutes)
        known = {"token_digest": token_digest(token), "until": until}
        return await self._in.submit(
            who, key, request, rule, needs, ids=ids, private=private, known=known,
            secrets={"token": token, "until": until},
        )  # fmt: skip

    def _token(self) -> str:
        return self._in.entropy.token(TOKEN_BYTES).hex()

    def _in_minutes(self, minutes: int) -> str:
        return self._later(minutes * 60)

    def _later(self, seconds: int) -> str:
        return instant_of(self._in.clock() + seconds * 1_000)


def _use_needs(invite: Row) -> list[Need]:
    member = str(invite["member"])
    return [Need("invite", (member,)), Need("sign_in", (member,)), *_held(member)]


def _held(member: str) -> list[Need]:
    return [Need("member", ()), Need("authority", (member,)), Need("api_key", ()), Need("passkey", ())]


def _named(request: Any) -> Any:
    """Return the request with the sign-in name in the form it is kept. Raises Refused: value_invalid."""
    name = request.chosen.name
    return request if name is None else replace(
        request, chosen=replace(request.chosen, name=chosen.sign_in_name(name))
    )  # fmt: skip


def token_digest(token: str) -> str:
    """Return the hex SHA-256 under which a token is known; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()

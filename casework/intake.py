"""How a use case becomes one command: ids drawn, private texts sealed, the request digested, the answer given back.

Desk and Office share it. It holds no rule: everything it prepares travels in the command, and the rule decides inside
the writer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from casework.errors import WayInEnded
from casework.records import Records
from casework.requests import Asked, Principal, Private, Way
from ledger.changes import Change, Row
from ledger.codec import dumps
from ledger.commands import Command, Decided, Need, Outcome, Rule, View
from ledger.entries import SYSTEM, Actor, Entry, command_id
from ledger.entropy import Entropy, uuid7
from ledger.errors import Refused
from ledger.vault import Vault

WAY_IN_ENDED = "way_in_ended"


class Submits(Protocol):
    """The writer: the only place that commits."""

    async def submit(self, command: Command) -> Outcome:
        """Decide and commit, or raise Refused, Stopped or StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """What a use case did: the writer's outcome, the ids it made or touched, and secrets shown once only."""

    outcome: Outcome
    ids: Mapping[str, str]
    secrets: Mapping[str, str]


IDS_OF: Mapping[str, tuple[str, ...]] = {
    "log_opened": ("member",),
    **dict.fromkeys(
        ("member_left", "role_granted", "role_ended", "agent_registered", "agent_stopped", "sign_in_set"),
        ("member",),
    ),
    # whoever joins may be invited in the same command, an owner who is let in again always is
    **dict.fromkeys(
        ("member_joined", "invite_issued", "invite_used", "invite_ended", "owner_recovered"),
        ("member", "invite"),
    ),
    **dict.fromkeys(("device_shared", "device_ended"), ("device",)),
    **dict.fromkeys(("authority_granted", "authority_ended"), ("member", "authority")),
    **dict.fromkeys(("delegation_given", "delegation_ended"), ("delegation", "giver")),
    "api_key_issued": ("key", "member"),
    "api_key_ended": ("key",),
    **dict.fromkeys(("point_registered", "point_ended", "point_doubted"), ("point",)),
    **dict.fromkeys(("hook_opened", "hook_key_issued"), ("hook", "key")),
    "hook_ended": ("hook",),
    "hook_received": ("hook", "evidence"),
    **dict.fromkeys(("source_key_trusted", "source_key_ended"), ("source", "key")),
    **dict.fromkeys(
        ("anchor_opened", "checkpoint_anchored", "anchor_superseded", "anchor_closed"), ("anchor",)
    ),
    **dict.fromkeys(("passkey_enrolled", "passkey_confirmed", "passkey_ended"), ("passkey",)),
    **dict.fromkeys(("budget_set", "budget_approved"), ("budget",)),
    **dict.fromkeys(("playbook_published", "mode_changed", "watch_purpose_written"), ("playbook",)),
    "policy_published": ("policy",),
    "source_registered": ("source",),
    "case_opened": ("proposal", "evidence"),
    **dict.fromkeys(("proposal_made", "action_taken"), ("proposal",)),
    **dict.fromkeys(("plan_published", "plan_ended"), ("plan",)),
    # routine work is reported with its items: the first of them is named
    "evidence_attached": ("evidence", "proposal"),
    "decision_made": ("decision", "award"),
    "decision_withdrawn": ("decision",),
    **dict.fromkeys(("evidence_withdrawn", "evidence_reviewed"), ("evidence",)),
    "link_answered": ("link", "evidence"),
    **dict.fromkeys(("link_issued", "link_expired"), ("link",)),
    "verdict_given": ("verdict",),
    "credential_issued": ("award",),
    **dict.fromkeys(("award_disputed", "dispute_closed"), ("dispute", "award")),
    "dispute_answered": ("dispute",),
    **dict.fromkeys(
        (
            "award_granted",
            "draw_made",
            "recall_answered",
            "award_held",
            "award_released",
            "award_settled",
            "award_declined",
            "award_revoked",
        ),
        ("award",),
    ),
}
"""First kind of a command -> the ids its answer names beside its case. A repeat names the same ones and no more."""


NAMED_BY_THEIR_LAST = frozenset({"member_left", "point_registered"})
"""Kinds that end a command of many entries and say alone what it was about."""


class RequestKey(str):
    """An idempotency key together with the digest of what the caller sent.

    A door gives this instead of a bare key, because a request holds what the client did not send (server time, the
    digest of a drawn secret), which would make an honest retry look like another request.
    """

    digest: str

    @classmethod
    def of(cls, key: str, digest: str) -> RequestKey:
        """Return `key` carrying `digest` (hex SHA-256)."""
        made = cls(key)
        made.digest = digest
        return made


class Intake:
    """One log's way in."""

    def __init__(
        self,
        log: str,
        writer: Submits,
        records: Records,
        vault: Vault,
        entropy: Entropy,
        clock: Callable[[], int],
        secret: bytes,
    ) -> None:
        """`clock` gives unix milliseconds, `secret` (32 bytes) signs decision tokens."""
        self.log = log
        self.records = records
        self.vault = vault
        self.entropy = entropy
        self.clock = clock
        self.secret = secret
        self._writer = writer

    async def submit(
        self,
        who: Principal,
        key: str,
        request: Any,
        rule: Rule,
        needs: Iterable[Need],
        *,
        ids: Mapping[str, str] | None = None,
        private: Private | None = None,
        known: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Done:
        """Hand one request to the writer under the idempotency key, in the scope of the actor.

        On a replay the ids are those of the first try, read from its entries, and there are no secrets.

        Raises:
            Refused, Stopped, StoreError: as the writer does.
            WayInEnded: what whoever asks came in by ended while this was under way.
        """
        asked = Asked(who, request, ids or {}, private or Private(), known or {})
        digest = key.digest if isinstance(key, RequestKey) else request_digest(request)
        outcome = await self.hand_in(who, str(key), digest, needs, rule, asked)
        if outcome.replayed:
            return Done(outcome, ids_of(await self.records.entries(outcome.first_seq, outcome.count)), {})
        return Done(outcome, dict(outcome.result), secrets or {})

    async def hand_in(
        self, who: Principal, key: str, digest: str, needs: Iterable[Need], rule: Rule, data: Any
    ) -> Outcome:
        """Hand one command to the writer, for whoever still has the way in that they came by. Everything that somebody
        asks for goes through here; whether they may act at all is the rule's to say (people.acting).

        Raises:
            Refused, Stopped, StoreError, WayInEnded: as `submit`.
        """
        needed = tuple(dict.fromkeys((*acting_needs(who), *needs)))
        if who.way is not None:
            needed, rule = (*needed, *_way_needs(who, who.way)), _while_it_goes_on(rule, who, who.way)
        actor = Actor(who.id, who.role, who.via)
        try:
            return await self._writer.submit(Command(self.log, actor, key, digest, needed, rule, data))
        except Refused as refusal:
            if refusal.code == WAY_IN_ENDED:
                raise WayInEnded(refusal.detail) from refusal
            raise

    async def is_repeat(self, who: Principal, key: str) -> bool:
        """Say whether this key was used already, for use cases that may refuse before they submit: a repeat may not."""
        return await self.records.get("command", (command_id(self.log, who.id, str(key)),)) is not None

    def ids(self, *names: str) -> dict[str, str]:
        """Draw one UUIDv7 per name."""
        return {name: uuid7(self.entropy, self.clock()) for name in names}

    def seal(
        self,
        subjects: Sequence[str],
        contents: Mapping[str, bytes] | None = None,
        salts: Mapping[str, bytes] | None = None,
        **values: Any,
    ) -> Private:
        """Seal each value that is not None under its path, for these data subjects; `contents` are files.

        `salts`: path -> the salt that a commitment was made with before, so that it comes out the same.
        """
        commitments: dict[str, str] = {}
        opened: dict[str, Any] = {}
        rows: list[Change] = []
        for path, value in values.items():
            if value is not None:
                sealed = self.vault.seal(value, path, subjects, salt=(salts or {}).get(path))
                commitments[path], opened[path] = sealed.commitment, value
                rows.extend(sealed.changes)
        for path, content in (contents or {}).items():
            sealed = self.vault.seal(content, path, subjects, content=True)
            commitments[path] = sealed.commitment
            rows.extend(sealed.changes)
        return Private(commitments, opened, tuple(rows))


def joined(one: Private, other: Private) -> Private:
    """Return what was sealed twice, for different people, as one."""
    return Private(
        {**one.commitments, **other.commitments}, {**one.opened, **other.opened}, (*one.rows, *other.rows)
    )


def _while_it_goes_on(rule: Rule, who: Principal, way: Way) -> Rule:
    """Return the rule for whoever still has the way in that they came by: what ended it while the request was under
    way, a new invite or another password, may not be undone by the request.

    Raises:
        Refused: way_in_ended, which never leaves the intake.
    """

    def checked(view: View, command: Command, at: str) -> Decided:
        found = [view.get(need.table, need.key) for need in _way_needs(who, way)]
        if any(row is None for row in found) or not _goes_on(way, found):
            raise Refused(WAY_IN_ENDED, f"expected a {way.table} that goes on, got one that has just ended")
        return rule(view, command, at)

    return checked


def _way_needs(who: Principal, way: Way) -> tuple[Need, ...]:
    """The rows that say whether a way in goes on."""
    if way.table == "act":
        return (Need("act", (who.id,)), Need("device", (str(way.device),)))
    return (Need(way.table, (way.id,)),)


def _goes_on(way: Way, rows: Sequence[Row | None]) -> bool:
    """Say whether these rows, all there, let the way in go on; a time that runs out meanwhile ends nothing."""
    first, *others = (row for row in rows if row is not None)
    if way.table == "act":
        return first["act"] == way.id and bool(others[0]["active"])
    return way.table == "session" or bool(first["active"])


def acting_needs(who: Principal) -> tuple[Need, ...]:
    """The row that says whether the actor may act at all; the system and a link's customer have none."""
    if who.id == SYSTEM or who.role == "customer":
        return ()
    return (Need("member", (who.id,)),)


def request_digest(request: Any) -> str:
    """Return the hex SHA-256 that tells a retry from another request under the same key."""
    named = {"name": type(request).__name__, "body": _plain(asdict(request))}
    return hashlib.sha256(b"tallystick/request/v1\x00" + dumps(named)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def ids_of(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the ids that the first try's answer named, read from its entries: the same as its rule's result."""
    found: dict[str, str] = {}
    if entries and entries[-1].kind in NAMED_BY_THEIR_LAST:
        entries = entries[-1:]
    names = IDS_OF.get(entries[0].kind, ()) if entries else ()
    for entry in entries:
        if entry.case is not None:
            found.setdefault("case", entry.case)
        for name in names:
            value = entry.body.get(name)
            if type(value) is str:
                found.setdefault(name, value)
    return found

"""Hooks and trusted keys of sources: the use cases beside office.py.

Every method takes who asks, the idempotency key and the request; returns Done (outcome, ids, a secret told once);
raises Refused. A hook's secret is drawn here, sealed in the vault under the path `secret`, and used where it lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casework import authority, cases, hook_rules
from casework.hook_requests import (
    EndHook,
    EndSourceKey,
    IssueHookKey,
    OpenHook,
    TakeDelivery,
    TrustSourceKey,
)
from casework.hook_signatures import (
    HEADERS,
    KEY_BYTES,
    fingerprint,
    key_of,
    read_headers,
    secret_of,
    which_key,
)
from casework.intake import Done, Intake, RequestKey
from casework.requests import AttachEvidence, Principal
from ledger.changes import Row
from ledger.clock import instant_of
from ledger.commands import Need
from ledger.entries import SYSTEM

THE_HOOK = Principal(SYSTEM, SYSTEM, "hook", "key")
"""Who writes what comes by a hook: no member's key stands behind it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A call that a key of the hook signed: its row, the key's, and the names under which it counts once."""

    hook: Row
    key: Row
    delivery: str
    content: str
    signed_at: str | None
    headers: Mapping[str, str]
    body: bytes

    @property
    def sent(self) -> dict[str, Any]:
        """Return what a collector wants to know of the call."""
        named = {"delivery": self.delivery, "content": self.content, "signed_at": self.signed_at}
        return named | {"size_bytes": len(self.body)}


class Hooks:
    """The hooks of one organisation."""

    def __init__(self, intake: Intake) -> None:
        self._in = intake

    # ------------------------------------------------------------------------------------------ opening and ending
    async def open_hook(self, who: Principal, key: str, request: OpenHook) -> Done:
        """ids: hook, key; secrets: secret (not on a replay). Refused: see hook_rules.opened."""
        secret, private, known = self._drawn(request.scheme, request.label)
        needs = [Need("hook", ()), Need("source", (request.source,))]
        return await self._in.submit(
            who, key, request, hook_rules.opened, needs, ids=self._in.ids("hook"), private=private, known=known,
            secrets={"secret": secret},
        )  # fmt: skip

    async def issue_key(self, who: Principal, key: str, request: IssueHookKey) -> Done:
        """ids: hook, key; secrets: secret (not on a replay). Refused: see hook_rules.key_issued."""
        row = await self._in.records.get("hook", (request.hook,))
        secret, private, known = self._drawn("" if row is None else row["scheme"], None)
        needs = [Need("hook", (request.hook,)), Need("hook_key", (request.hook,))]
        return await self._in.submit(
            who, key, request, hook_rules.key_issued, needs, private=private, known=known,
            secrets={"secret": secret},
        )  # fmt: skip

    def _drawn(self, scheme: str, label: str | None) -> tuple[str, Any, dict[str, Any]]:
        secret = secret_of(scheme, self._in.entropy.token(KEY_BYTES))
        private = self._in.seal((), label=label, secret={"secret": secret})
        return secret, private, {"key": fingerprint(self._in.log, scheme, secret)}

    async def end_hook(self, who: Principal, key: str, request: EndHook) -> Done:
        """ids: hook. Refused: role_missing, unknown, reason_unknown."""
        return await self._in.submit(who, key, request, hook_rules.ended, [Need("hook", (request.hook,))])

    # ------------------------------------------------------------------------------------------ what comes
    async def check(self, hook: Row, headers: Mapping[str, str], body: bytes) -> Checked | None:
        """Return the call if one of the hook's keys signed it, else None. `headers`: names in lower case.

        Raises:
            SignatureMalformed: headers that are not of the hook's scheme.
        """
        scheme, now = hook["scheme"], instant_of(self._in.clock())
        signed = read_headers(scheme, headers)
        good, keys = {}, []
        for row in await self._in.records.scan("hook_key", (hook["hook"],)):
            if row["until"] is None or row["until"] > now:
                kept = await self._in.records.open(row["secret_item"])
                if kept is not None:
                    good[row["key"]] = row
                    keys.append((row["key"], key_of(scheme, kept["secret"])))
        name = which_key(keys, signed, body)
        if name is None:
            return None
        vault = self._in.vault
        return Checked(
            hook=hook,
            key=good[name],
            delivery=vault.fingerprint("hook-delivery", hook["hook"], signed.id),
            content=vault.fingerprint("hook-content", hook["hook"], vault.reuse_digest(body)),
            signed_at=None if signed.at_seconds is None else instant_of(signed.at_seconds * 1_000),
            headers={one: headers[one] for one in HEADERS[scheme]},
            body=body,
        )

    async def seen(self, call: Checked) -> Row | None:
        """Return the row of the same call, or of the same bytes by a scheme that signs no id; None: it is new.

        Raises:
            Refused: delivery_changed.
        """
        names = hook_rules.names_of(call.hook["scheme"], call.delivery, call.content)
        rows = [await self._in.records.get("hook_seen", (call.hook["hook"], name)) for name in names]
        return hook_rules.same_call(rows, call.content)

    async def take(self, call: Checked, item: AttachEvidence | None, concerns: tuple[str, ...]) -> Done:
        """Record a call, with the evidence it brings. ids: hook, and of evidence case, evidence.

        Refused: see hook_rules.received.
        """
        hook = call.hook["hook"]
        request = TakeDelivery(
            hook, call.key["key"], call.delivery, call.content, call.signed_at, call.headers, call.body
        )
        facts = None if item is None else item.facts
        private = self._in.seal(concerns, {"body": call.body}, headers=dict(call.headers), facts=facts)
        needs = [Need("hook", (hook,)), Need("hook_key", (hook, call.key["key"]))]
        needs += [Need("hook_seen", (hook, name)) for name in (call.delivery, call.content)]
        known: dict[str, Any] = {"item": item, "reuse": ()}
        if item is not None:
            known["reuse"] = tuple(self._in.vault.reuse_digest(one) for one in item.once)
            needs += [*cases.rows(item.case), *await authority.involved(self._in.records, item.case)]
            needs += [Need("reuse", (digest,)) for digest in known["reuse"]]
        key = RequestKey.of(f"hook:{hook}:{call.delivery}", call.content)
        return await self._in.submit(
            THE_HOOK, key, request, hook_rules.received, needs, ids=self._in.ids("evidence"), private=private,
            known=known,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ trusted keys
    async def trust_key(self, who: Principal, key: str, request: TrustSourceKey) -> Done:
        """ids: source, key. Refused: see hook_rules.key_trusted."""
        needs = [Need("source", (request.source,)), Need("source_key", (request.source,))]
        return await self._in.submit(who, key, request, hook_rules.key_trusted, needs)

    async def end_key(self, who: Principal, key: str, request: EndSourceKey) -> Done:
        """ids: source, key. Refused: role_missing, unknown, reason_unknown."""
        needs = [Need("source_key", (request.source, request.key))]
        return await self._in.submit(who, key, request, hook_rules.key_ended, needs)

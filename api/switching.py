"""Switching a watch on, off or to a trial, also one that is not used yet, and giving it other numbers.

A watch that comes with the product is published with what it needs and nobody published before: its kinds, in the
organisation's own zone and currency, and its policy. Every part is an entry of its own, by whoever pressed the button;
pressed twice, each is there once. Then the engine runs over the records there are.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import verifiers
from api.published import (
    check_mode,
    latest_kinds,
    publishing,
    read_policy_text,
    vocabulary_of,
)
from api.rooms import Rooms
from api.watches import library
from casework import tables
from casework.errors import refuse
from casework.intake import RequestKey
from casework.requests import ChangeMode, Principal, PublishKinds
from ledger.codec import loads
from playbooks.kinds import Kinds, check_evolution
from playbooks.playbook import Playbook
from playbooks.records import kinds_of

POLICIES = Path(verifiers.__file__).parent / "policies"

KeyOf = Callable[[str], RequestKey]
"""Part of a form -> the idempotency key of its command."""


async def switch(rooms: Rooms, who: Principal, key_of: KeyOf, playbook: str, mode: str) -> None:
    """Let a watch run as `mode`; a shipped one that nobody published is published with what it needs.

    Raises:
        Refused: unknown, role_missing, and as the office. DocumentInvalid, EvolutionRefused: what is published here
        does not fit it.
    """
    mode = check_mode(mode)
    if await rooms.rows.one(tables.playbook, playbook=playbook) is not None:
        await rooms.office.change_mode(who, key_of("mode"), ChangeMode(playbook, mode))
    else:
        shipped_kinds, shipped = await asyncio.to_thread(library)
        if playbook not in shipped:
            raise refuse("unknown", f"expected a watch of this place or of the product, got {playbook}")
        await _publish(rooms, who, key_of, shipped[playbook], shipped_kinds, mode)
    await rooms.watching.published_changed()


async def change(rooms: Rooms, who: Principal, key_of: KeyOf, playbook: Playbook, mode: str) -> None:
    """Publish another version of a watch that is published, in the mode it has.

    Raises:
        DocumentInvalid: it does not compile. Refused: as the office.
    """
    kinds = await latest_kinds(rooms.rows)
    if kinds is None:
        raise refuse("unknown", "expected published kinds before a watch, got none")
    await rooms.office.publish_playbook(who, key_of("watch"), publishing(kinds, playbook, mode))
    await rooms.watching.published_changed()


async def _publish(
    rooms: Rooms, who: Principal, key_of: KeyOf, playbook: Playbook, shipped: Kinds, mode: str
) -> None:
    before = await latest_kinds(rooms.rows)
    kinds = vocabulary_for(playbook, before, shipped, await _settings(rooms))
    request = publishing(kinds, playbook, mode)  # refused here before anything is written
    if before is None or kinds.digest != before.digest:
        await rooms.office.publish_kinds(who, key_of("kinds"), PublishKinds(kinds.digest, kinds.content))
    if request.policy is not None:
        await _publish_policy(rooms, who, key_of, request.policy)
    await rooms.office.publish_playbook(who, key_of("watch"), request)


async def _settings(rooms: Rooms) -> dict[str, Any]:
    return {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}


def vocabulary_for(
    playbook: Playbook, before: Kinds | None, shipped: Kinds, settings: Mapping[str, Any]
) -> Kinds:
    """Return the vocabulary that a shipped watch can run on: what is published, and what it lacks of the shipped one.

    With nothing published it is the whole shipped vocabulary, in the organisation's own zone and currency.

    Raises:
        EvolutionRefused: it would change what is published.
    """
    own = _own(shipped, settings, None if before is None else before.zone.key)
    if before is None:
        return vocabulary_of(own, "the shipped kinds")
    content = copy.deepcopy(dict(before.content))
    for kind in sorted(kinds_of(playbook)):
        content["kinds"].setdefault(kind, own["kinds"][kind])
    calendar = playbook.content["signal"].get("calendar")
    if calendar is not None:
        content["calendars"].setdefault(calendar, own["calendars"][calendar])
    kinds = vocabulary_of(content, "the kinds with what the watch needs")
    check_evolution(before, kinds)
    return kinds


def _own(shipped: Kinds, settings: Mapping[str, Any], zone: str | None) -> dict[str, Any]:
    """Return the shipped vocabulary's content in another zone and currency; its public holidays are of its zone."""
    content = copy.deepcopy(dict(shipped.content))
    zone = zone or settings.get("zone") or shipped.zone.key
    for kind in content["kinds"].values():
        if "currency" in kind:
            kind["currency"] = settings.get("currency", kind["currency"])
    if zone != content["zone"]:
        content["zone"] = zone
        for calendar in content["calendars"].values():
            calendar["zone"] = zone
            calendar.pop("holidays", None)
    return content


async def _publish_policy(rooms: Rooms, who: Principal, key_of: KeyOf, policy: str) -> None:
    if await rooms.rows.one(tables.policy, policy=policy) is not None:
        return
    file = POLICIES / f"{policy.partition('/')[0]}.yaml"
    text = await asyncio.to_thread(file.read_text, "utf-8")
    request = read_policy_text(text, file.name)
    await rooms.office.publish_policy(who, key_of("policy"), request)

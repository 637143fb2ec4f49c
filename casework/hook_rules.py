"""Rules of hooks: a source's own door, opened and ended by an owner, and what comes by it; and of a source's keys.

An owner opens it alone: nobody is given a power by it that its formula of controllers does not name (the source, this
server, and whoever was shown the key). A call counts once. Which key signed it was found before the writer; that the
key and the hook were still good, and when, the rule says.
"""

from __future__ import annotations

from collections.abc import Sequence

from casework import cases, evidence, people
from casework.collectors import signed_file
from casework.errors import refuse
from casework.hook_requests import (
    END_REASONS,
    GITHUB,
    SCHEMES,
    EndHook,
    EndSourceKey,
    IssueHookKey,
    OpenHook,
    TakeDelivery,
    TrustSourceKey,
)
from casework.hook_signatures import KEYS_MAX, SKEW_SECONDS_MAX
from casework.requests import Asked, AttachEvidence
from ledger.changes import Row
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM, Draft

HOOKS_MAX = 100
"""Hooks of an organisation that are open."""
SOURCE_KEYS_MAX = 8
"""Keys trusted for one source at a time."""
OVERLAP_HOURS_MAX = 7 * 24


def opened(view: View, command: Command, at: str) -> Decided:
    """Rule of open_hook: an owner, on their own device. `known`: key (fingerprint).

    Raises:
        Refused: role_missing, own_device_needed, unknown (source), reason_unknown (scheme), value_invalid (too many).
    """
    asked: Asked = command.data
    request: OpenHook = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    check_source(view, request.source)
    cases.one_of(request.scheme, SCHEMES, "scheme")
    if sum(1 for row in view.scan("hook", ()) if row["active"]) >= HOOKS_MAX:
        raise refuse("value_invalid", f"expected at most {HOOKS_MAX} open hooks, got one more")
    body = {"hook": asked.ids["hook"], "source": request.source, "scheme": request.scheme}
    body["key"] = asked.known["key"]
    draft = Draft("hook_opened", None, body, asked.private.commitments, asked.private.opened)
    return Decided((draft,), asked.private.rows, {"hook": body["hook"], "key": body["key"]})


def check_source(view: View, source: str) -> Row:
    """Return the row of a registered source. Raises Refused: unknown."""
    row = view.get("source", (source,))
    if row is None:
        raise refuse("unknown", f"expected a registered source, got {source}", "/source")
    return row


def in_use(row: Row | None, hook: str) -> Row:
    """Return the row of a hook that is open. Raises Refused: unknown."""
    if row is None or not row["active"]:
        got = "one that has ended" if row is not None else "none"
        raise refuse("unknown", f"expected an open hook, got {got}: {hook}", "/hook")
    return row


def key_issued(view: View, command: Command, at: str) -> Decided:
    """Rule of issue_hook_key: an owner. `known`: key (fingerprint).

    Raises:
        Refused: role_missing, own_device_needed, unknown, value_invalid (hours, too many keys that are good).
    """
    asked: Asked = command.data
    request: IssueHookKey = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    in_use(view.get("hook", (request.hook,)), request.hook)
    if not 0 <= request.overlap_hours <= OVERLAP_HOURS_MAX:
        raise refuse(
            "value_invalid",
            f"overlap_hours: expected 0 to {OVERLAP_HOURS_MAX}, got {request.overlap_hours}",
            "/overlap_hours",
        )
    good = good_keys(view, request.hook, at)
    if len(good) >= KEYS_MAX:
        raise refuse("value_invalid", f"expected fewer than {KEYS_MAX} keys that are good, got {len(good)}")
    old_until = cases.later(at, seconds=request.overlap_hours * 3_600)
    body = {"hook": request.hook, "key": asked.known["key"], "old_until": old_until}
    body["old"] = ending(good, old_until)
    draft = Draft("hook_key_issued", None, body, asked.private.commitments, asked.private.opened)
    return Decided((draft,), asked.private.rows, {"hook": request.hook, "key": body["key"]})


def good_keys(view: View, hook: str, at: str) -> list[Row]:
    """Return the keys of a hook that are good at an instant, by name. The needs must name all keys of the hook."""
    return [row for row in view.scan("hook_key", (hook,)) if row["until"] is None or row["until"] > at]


def ending(good: list[Row], old_until: str) -> list[str]:
    """Return the keys that end earlier by another key than they would have."""
    return [row["key"] for row in good if row["until"] is None or row["until"] > old_until]


def ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_hook: an owner. Raises Refused: role_missing, own_device_needed, unknown, reason_unknown."""
    asked: Asked = command.data
    request: EndHook = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    in_use(view.get("hook", (request.hook,)), request.hook)
    reason = cases.one_of(request.reason_code, END_REASONS, "reason_code")
    body = {"hook": request.hook, "reason_code": reason}
    return Decided((Draft("hook_ended", None, body),), (), {"hook": request.hook})


def received(view: View, command: Command, at: str) -> Decided:
    """Rule of take_delivery, by the system alone. `known`: item (AttachEvidence, None: the call brings records, which
    come after it), reuse.

    Raises:
        Refused: unknown (the hook has ended), hook_key_ended, hook_clock, delivery_repeated (its bytes came before),
            delivery_changed (its id came with other bytes), and as evidence.attached.
    """
    asked: Asked = command.data
    request: TakeDelivery = asked.request
    item: AttachEvidence | None = asked.known["item"]
    if asked.who.id != SYSTEM:
        raise refuse("role_missing", f"expected the system, got {asked.who.role}")
    check_taken(view, request.hook, request.key, request.signed_at, at)
    check_first(view, request.hook, request.delivery, request.content)
    body = {name: getattr(request, name) for name in ("hook", "key", "delivery", "content", "signed_at")}
    own = {path: asked.private.commitments[path] for path in ("body", "headers")}
    drafts = [Draft("hook_received", None, body, own, asked.private.opened)]
    ids = {"hook": request.hook}
    if item is None:
        return Decided(tuple(drafts), asked.private.rows, ids)
    shown = Asked(asked.who, item, asked.ids, asked.private, asked.known)
    drafts.append(evidence.item_draft(view, shown, item, at))
    cases.advance(cases.find(view, item.case), *drafts[1:])
    ids |= {"case": item.case, "evidence": asked.ids["evidence"]}
    return Decided(tuple(drafts), (*asked.private.rows, *evidence.once(view, shown)), ids)


def check_taken(view: View, hook: str, key: str, signed_at: str | None, at: str) -> Row:
    """Return the row of the key that signed a call, if hook and key are good at `at` and the clocks agree.

    Raises:
        Refused: unknown, hook_key_ended, hook_clock.
    """
    in_use(view.get("hook", (hook,)), hook)
    row = view.get("hook_key", (hook, key))
    if row is None or (row["until"] is not None and row["until"] <= at):
        raise refuse("hook_key_ended", "expected a key of this hook that is good, got one that has ended")
    if signed_at is not None:
        first, last = (cases.later(at, seconds=sign * SKEW_SECONDS_MAX) for sign in (-1, 1))
        if not first <= signed_at <= last:
            raise refuse(
                "hook_clock",
                f"webhook-timestamp: expected within {SKEW_SECONDS_MAX} seconds of {at}, got {signed_at}",
            )
    return row


def check_first(view: View, hook: str, delivery: str, content: str) -> None:
    """Check that a call did not come before. Of `github` the id is not signed, so its bytes are looked for too.

    Raises:
        Refused: delivery_repeated, delivery_changed.
    """
    scheme = in_use(view.get("hook", (hook,)), hook)["scheme"]
    rows = [view.get("hook_seen", (hook, name)) for name in names_of(scheme, delivery, content)]
    seen = same_call(rows, content)
    if seen is not None:
        raise refuse("delivery_repeated", f"expected a call that is new, got one of {seen['received_at']}")


def names_of(scheme: str, delivery: str, content: str) -> tuple[str, ...]:
    """Return the names under which a call counts once, of the table `hook_seen`."""
    return (delivery, content) if scheme == GITHUB else (delivery,)


def same_call(rows: Sequence[Row | None], content: str) -> Row | None:
    """Return the row of the call that came before, of the rows by names_of; None: it is new.

    Raises:
        Refused: delivery_changed.
    """
    seen = next((row for row in rows if row is not None), None)
    if seen is not None and seen["content"] != content:
        raise refuse(
            "delivery_changed", f"expected what came under this id at {seen['received_at']}, got other bytes"
        )
    return seen


# ------------------------------------------------------------------------------------------------ trusted keys
def key_trusted(view: View, command: Command, at: str) -> Decided:
    """Rule of trust_source_key: an owner.

    Raises:
        Refused: role_missing, own_device_needed, unknown (source), value_invalid (the key, trusted already, too many).
    """
    asked: Asked = command.data
    request: TrustSourceKey = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    body = {"source": request.source, "public": request.public}
    body["key"] = check_key(view, request.source, request.public)
    return Decided(
        (Draft("source_key_trusted", None, body),), (), {"source": request.source, "key": body["key"]}
    )


def check_key(view: View, source: str, public: str) -> str:
    """Return the name of a key that may be trusted. Raises Refused: unknown, value_invalid, file_unsigned."""
    check_source(view, source)
    name = signed_file.key_name(signed_file.read_public(public))
    there = [row for row in view.scan("source_key", (source,)) if row["active"]]
    if any(row["key"] == name for row in there):
        raise refuse(
            "value_invalid", "public: expected a key that is not trusted yet, got one that is", "/public"
        )
    if len(there) >= SOURCE_KEYS_MAX:
        raise refuse(
            "value_invalid", f"expected at most {SOURCE_KEYS_MAX} trusted keys of a source, got one more"
        )
    return name


def key_ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_source_key: an owner. Raises Refused: role_missing, own_device_needed, unknown, reason_unknown."""
    asked: Asked = command.data
    request: EndSourceKey = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    check_trusted(view, request.source, request.key)
    reason = cases.one_of(request.reason_code, END_REASONS, "reason_code")
    body = {"source": request.source, "key": request.key, "reason_code": reason}
    return Decided(
        (Draft("source_key_ended", None, body),), (), {"source": request.source, "key": request.key}
    )


def check_trusted(view: View, source: str, key: str) -> Row:
    """Return the row of a key that is trusted. Raises Refused: unknown."""
    row = view.get("source_key", (source, key))
    if row is None or not row["active"]:
        raise refuse("unknown", "expected a key that is trusted for this source, got none", "/key")
    return row

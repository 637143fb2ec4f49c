"""Rules of passkeys: enrolled by its holder, confirmed by a second person, ended by its holder or an owner; their rows.

Until somebody else has confirmed it a passkey only signs its holder in: whoever got hold of an account cannot make
themselves a key that counts for more. The audit holds the entries against the same checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from casework import authority, cases, passkeys, people, tokens
from casework.errors import refuse
from casework.requests import Asked, EnrolPasskey, PasskeyStep, Principal
from ledger.canonical import json_dumps
from ledger.changes import Change, Insert, Row, Set
from ledger.commands import Command, Decided, View
from ledger.entries import Draft, Entry

END_REASONS = ("lost", "replaced", "not_needed", "not_theirs", "ended_by_owner", "left")
PASSKEYS_PER_MEMBER_MAX = 20
SPKI_SIZE_MAX_BYTES = 2_048
ORIGINS_MAX_COUNT = 8
NAME_SIZE_MAX_CHARACTERS = 253  # of a DNS name
LEADS = (people.OWNER, people.MANAGER)


# ---------------------------------------------------------------------------------------------- rules
def enrolled(view: View, command: Command, at: str) -> Decided:
    """Rule of enrol_passkey: a person's own, and not by a key.

    Raises:
        Refused: agent_may_not, session_needed, value_invalid, passkey_known, passkey_state (too many).
    """
    asked: Asked = command.data
    request: EnrolPasskey = asked.request
    people.human(view, asked.who)
    people.signed_in(asked.who)
    body = {
        "passkey": asked.ids["passkey"],
        "member": asked.who.id,
        "credential": request.credential,
        "spki": request.spki,
        "alg": request.alg,
        "rp_id": request.rp_id,
        "origins": list(request.origins),
    }
    rows = view.scan("passkey", ())
    check_enrolled(rows, asked.who.id, body)
    held = [row for row in rows if row["member"] == asked.who.id and row["state"] != passkeys.ENDED]
    if len(held) >= PASSKEYS_PER_MEMBER_MAX:
        raise refuse("passkey_state", f"expected at most {PASSKEYS_PER_MEMBER_MAX} passkeys; end one first")
    return _one("passkey_enrolled", body)


def check_enrolled(rows: Iterable[Row], actor: str, body: Mapping[str, Any]) -> None:
    """Check an enrolment against all passkeys there are. Raises Refused: role_missing, value_invalid, passkey_known."""
    if body["member"] != actor:
        raise refuse("role_missing", "expected whoever will hold the passkey, got another")
    if body["alg"] not in passkeys.ALGS:
        raise refuse("value_invalid", f"alg: expected one of {passkeys.ALGS}, got {body['alg']}", "/alg")
    limits = {"credential": passkeys.CREDENTIAL_SIZE_MAX_BYTES, "spki": SPKI_SIZE_MAX_BYTES}
    for name, limit in limits.items():
        try:
            size = len(tokens.to_bytes(body[name]))
        except ValueError as error:
            raise refuse("value_invalid", f"{name}: expected base64url ({error})", f"/{name}") from error
        if not 0 < size <= limit:
            raise refuse("value_invalid", f"{name}: expected 1 to {limit} bytes, got {size}", f"/{name}")
    names = [body["rp_id"], *body["origins"]]
    if not 0 < len(body["origins"]) <= ORIGINS_MAX_COUNT or not all(
        0 < len(name) <= NAME_SIZE_MAX_CHARACTERS and name.isascii() and name.isprintable() for name in names
    ):
        raise refuse("value_invalid", "rp_id, origins: expected short ASCII names, got others", "/origins")
    if any(row["credential"] == body["credential"] or row["passkey"] == body["passkey"] for row in rows):
        raise refuse("passkey_known", "expected a passkey that is new here, got one enrolled before")


def confirmed(view: View, command: Command, at: str) -> Decided:
    """Rule of confirm_passkey: somebody else says that it is theirs.

    Raises:
        Refused: unknown, passkey_state, second_person_needed, no_authority.
    """
    asked: Asked = command.data
    request: PasskeyStep = asked.request
    people.human(view, asked.who)
    check_confirmed(view, asked.who, view.get("passkey", (request.passkey,)), at)
    return _one("passkey_confirmed", {"passkey": request.passkey})


def check_confirmed(view: View, who: Principal, row: Row | None, at: str) -> None:
    """Check who confirms: an owner, a manager or a holder of second_person, and not its holder by another account.

    Raises:
        Refused: unknown, passkey_state, member_inactive, second_person_needed, no_authority.
    """
    row = _known(row)
    if row["state"] != passkeys.WAITING:
        raise refuse("passkey_state", f"expected a passkey that waits, got one {row['state']}")
    people.employed(view, row["member"], "member_inactive")
    if people.same_person(view, who.id, row["member"]):
        raise refuse("second_person_needed", "expected another person than whose passkey it is")
    if who.role not in LEADS and not authority.is_second_person(view, who.id, at):
        raise refuse("no_authority", "expected an owner, a manager or a holder of a second_person authority")


def ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_passkey: it stands behind nothing from now on; what it signed before stays signed.

    Raises:
        Refused: unknown, passkey_state, role_missing, reason_unknown.
    """
    asked: Asked = command.data
    request: PasskeyStep = asked.request
    people.human(view, asked.who)
    cases.one_of(request.reason_code, END_REASONS, "reason_code")
    check_ended(asked.who, view.get("passkey", (request.passkey,)))
    return _one("passkey_ended", {"passkey": request.passkey, "reason_code": request.reason_code})


def check_ended(who: Principal, row: Row | None) -> None:
    """Check who ends it: its holder or an owner. Raises Refused: unknown, passkey_state, role_missing."""
    row = _known(row)
    if row["state"] == passkeys.ENDED:
        raise refuse("passkey_state", "expected a passkey in force, got one ended")
    if who.role != people.OWNER and row["member"] != who.id:
        raise refuse("role_missing", "expected an owner or whose passkey it is")


def _known(row: Row | None) -> Row:
    if row is None:
        raise refuse("unknown", "expected a passkey of this organisation, got another")
    return row


def _one(kind: str, body: Mapping[str, Any]) -> Decided:
    return Decided((Draft(kind, None, body),), (), {"passkey": body["passkey"]})


# ---------------------------------------------------------------------------------------------- rows
def _enrolled(entry: Entry, opened: Mapping[str, Any] | None) -> list[Change]:
    body = entry.body
    row = {name: body[name] for name in ("passkey", "member", "credential", "spki", "alg", "rp_id")}
    row |= {"origins": json_dumps(body["origins"]).decode(), "state": passkeys.WAITING}
    row |= {"enrolled_at": entry.at, "confirmed_by": None, "reason_code": None, "seq": entry.seq}
    return [Insert("passkey", row)]


def _confirmed(entry: Entry, opened: Mapping[str, Any] | None) -> list[Change]:
    values = {"state": passkeys.CONFIRMED, "confirmed_by": entry.actor.id}
    return [Set("passkey", (entry.body["passkey"],), values)]


def _ended(entry: Entry, opened: Mapping[str, Any] | None) -> list[Change]:
    values = {"state": passkeys.ENDED, "reason_code": entry.body["reason_code"]}
    return [Set("passkey", (entry.body["passkey"],), values)]


ROWS: Mapping[str, Callable[[Entry, Mapping[str, Any] | None], list[Change]]] = {
    "passkey_enrolled": _enrolled,
    "passkey_confirmed": _confirmed,
    "passkey_ended": _ended,
}
"""Kind -> the rows of the table `passkey` it leaves (casework/views.py)."""

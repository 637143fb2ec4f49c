"""What comes by a hook: looked up, counted, checked, read, recorded; in this order.

    1. the hook names the organisation   2. how often   3. the signature, over the bytes as they came   4. what they
    say   5. one entry with the call, sealed   6. what it brings: records by the importer, or evidence of a case

Before 3 nothing of the body is read, and after a wrong signature nothing more is told than that it was one. Nothing of
a body goes into a log, a problem or the journal. A crash between 5 and 6 costs nothing: the sender sends again, the
call is known, and what is missing of its records comes in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from limits import parse
from pydantic import Field, TypeAdapter, ValidationError
from starlette.requests import Request

from api.problems import BadRequest, NotFound, Problem
from api.rooms import Rooms
from api.routes.records import RecordGiven
from api.routes.shapes import Asked, Id, Instant, Text
from api.scope import Row
from api.tries import Tries, address_of
from api.watching import Batched, Imported, Sent, sent_by
from casework import tables
from casework.collectors import signed_file, webhook
from casework.errors import refuse
from casework.hook_signatures import SignatureMalformed
from casework.hooks import THE_HOOK, Checked
from casework.intake import RequestKey
from casework.requests import AttachEvidence
from ledger.codec import loads
from ledger.errors import Refused
from ledger.vault import SUBJECTS_MAX_COUNT
from playbooks.records import subject_id

RECORDS_MAX = 100
SAYS_CHARS_MAX = 1_000
PER_HOOK = parse("600 per minute")
"""Calls of one hook from all addresses together."""
PER_HOOK_AND_ADDRESS = parse("300 per minute")
"""Of one hook from one address: who guesses elsewhere does not use up the sender's own."""
RESULT_KIND = "training_result"


class RecordSent(Asked):
    """One version of a record: {type: "record", data: {kind, id, event_at, values, ...}}."""

    type: Literal["record"]
    timestamp: Instant | None = None
    data: RecordGiven


class RecordsSent(Asked):
    """Up to RECORDS_MAX of them: {type: "records", data: [...]}."""

    type: Literal["records"]
    timestamp: Instant | None = None
    data: Annotated[list[RecordGiven], Field(min_length=1, max_length=RECORDS_MAX)]


class ResultSent(Asked):
    """A provider's result of one attempt at a course (casework/collectors/signed_file.py has its members)."""

    type: Literal["training_result"]
    timestamp: Instant | None = None
    data: dict[str, Any]


class SaidOfCase(Asked):
    """What a system says of a case."""

    case: Id
    says: Annotated[Text, Field(max_length=SAYS_CHARS_MAX)]


class EvidenceSent(Asked):
    """{type: "evidence", data: {case, says}}."""

    type: Literal["evidence"]
    timestamp: Instant | None = None
    data: SaidOfCase


Sendable = Annotated[RecordSent | RecordsSent | ResultSent | EvidenceSent, Field(discriminator="type")]
_READER: TypeAdapter[RecordSent | RecordsSent | ResultSent | EvidenceSent] = TypeAdapter(Sendable)


class SignatureWrong(Problem):
    """No key of the hook signed this. The sender signs with the secret that the hook was opened with."""

    status = 401

    def __init__(self, detail: str) -> None:
        super().__init__("hook_signature", detail)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a call. `repeated`: it came before, and is answered without any effect of its own."""

    repeated: bool
    evidence: str | None = None
    imported: Imported | None = None


async def find_hook(request: Request, name: str) -> tuple[Rooms, Row]:
    """Return the rooms of the organisation of an open hook, and its row; count the call.

    Raises:
        NotFound: none, or one that has ended. TooManyTries: too often.
    """
    installation = request.app.state.installation
    tries: Tries = installation.tries
    row = await installation.holders.hook(name)
    if row is None or not row["active"]:
        await tries.need_from(request)
        raise NotFound("hook", name)
    await tries.need(PER_HOOK_AND_ADDRESS, "hook", row["hook"], address_of(request))
    await tries.need(PER_HOOK, "hook", row["hook"])
    return await installation.rooms(row["log"]), row


async def take(rooms: Rooms, hook: Row, headers: Mapping[str, str], body: bytes) -> Taken:
    """Take one call.

    Raises:
        SignatureWrong: see the class. BadRequest: what it says has another form.
        Refused: hook_clock, hook_key_ended, delivery_changed, unknown, value_invalid, and as the importer's.
    """
    try:
        call = await rooms.hooks.check(hook, headers, body)
    except SignatureMalformed as error:
        raise SignatureWrong(str(error)) from error
    if call is None:
        raise SignatureWrong("expected a signature by a key of this hook that is good, got another")
    seen = await rooms.hooks.seen(call)
    said = read(body)
    if isinstance(said, EvidenceSent):
        return await _take_evidence(rooms, call, seen, said.data)
    return await _take_records(rooms, call, seen, batch_of(said))


def read(body: bytes) -> RecordSent | RecordsSent | ResultSent | EvidenceSent:
    """Return what a call says.

    Raises:
        BadRequest: it is no JSON, holds a member twice, or has another form; says where, never what was sent.
    """
    try:
        value = json.loads(body, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            "invalid_request", "expected JSON with each member of an object once, got other bytes"
        ) from error
    try:
        return _READER.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/" + "/".join(
            str(one) for one in first["loc"][1:]
        )  # the first says which type it was read as
        raise BadRequest(
            "invalid_request", f"{where}: {_wanted(first['type'], first['msg'])}", field=where
        ) from None


def _wanted(kind: str, message: str) -> str:
    """Return what was expected, in words that repeat nothing of what was sent."""
    if kind.startswith("union_tag"):
        return "type: expected record, records, training_result or evidence, got another"
    if kind in ("missing", "extra_forbidden"):
        return "expected this member, got none" if kind == "missing" else "expected no such member, got one"
    return f"expected another value: {message}"[:200]


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member twice")
    return members


def batch_of(said: RecordSent | RecordsSent | ResultSent) -> list[Batched]:
    """Return what a call brings as the importer takes it. Raises Refused: value_invalid."""
    if isinstance(said, ResultSent):
        found = signed_file.result_of(said.data)
        values = {
            name: value for name, value in found.items() if name != "registration" and value is not None
        }
        at = found["completed_at"]
        return [Batched(RESULT_KIND, found["registration"], at, None, 0, values, found["account"])]
    given = [said.data] if isinstance(said, RecordSent) else said.data
    return [
        Batched(one.kind, one.id, one.event_at, one.known_at, one.order, one.values, one.subject)
        for one in given
    ]


async def _take_records(rooms: Rooms, call: Checked, seen: Row | None, given: list[Batched]) -> Taken:
    source, at = call.hook["source"], rooms.clock.now() if seen is None else seen["received_at"]
    await rooms.watching.need_batch(source, given)
    concerns = tuple(
        sorted({subject_id(rooms.vault, source, one.subject) for one in given if one.subject is not None})
    )
    if len(concerns) > SUBJECTS_MAX_COUNT:
        raise refuse(
            "value_invalid", f"expected records of at most {SUBJECTS_MAX_COUNT} people in one call, got more"
        )
    repeated = await _take(rooms, call, seen, None, concerns)
    key = RequestKey.of(f"hook:{call.hook['hook']}:{call.content}:records", call.content)
    sent = Sent(sent_by(call.hook["hook"], call.key["key"]), at)
    done = await rooms.watching.import_batch(THE_HOOK, key, source, given, sent)
    return Taken(repeated, imported=done)


async def _take(
    rooms: Rooms, call: Checked, seen: Row | None, item: AttachEvidence | None, concerns: tuple[str, ...]
) -> bool:
    """Record a call unless it came before; say whether it did."""
    if seen is not None:
        return True
    try:
        return (await rooms.hooks.take(call, item, concerns)).outcome.replayed
    except Refused as refusal:
        if refusal.code != "delivery_repeated":  # the same bytes under another id, at the same moment
            raise
        return True


async def _take_evidence(rooms: Rooms, call: Checked, seen: Row | None, said: SaidOfCase) -> Taken:
    if seen is not None:
        return Taken(repeated=True)
    case = await rooms.rows.need("case", tables.case_file, case=said.case)
    source = await rooms.rows.need("source", tables.source, source=call.hook["source"])
    if case["subject_kind"] not in loads(source["kinds"]):
        raise NotFound("case", said.case)  # a till says nothing of a course
    subject = None if case["subject_item"] is None else await rooms.rows.open(case["subject_item"])
    customer = None if subject is None else subject.get("customer")
    concerns = () if customer is None else (str(customer),)
    item = webhook.collect(
        said.case, said.says, call.hook, call.key, source, call.sent, rooms.clock.now(), concerns
    )
    done = await rooms.hooks.take(call, item, concerns)
    return Taken(done.outcome.replayed, evidence=done.ids.get("evidence"))

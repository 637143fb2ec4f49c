"""What the doors of routine work look up: what a case was opened for, what is open, a provider's result of a course."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from api.rooms import Rooms
from api.scope import Row
from casework import cases, tables
from casework.collectors import signed_file
from casework.collectors import work as collected
from casework.errors import Unjudgeable, refuse
from casework.hook_requests import HOOK_PARTY
from casework.requests import THE_SYSTEM, AttachEvidence, Judge, Principal
from ledger import ed25519
from ledger.errors import Refused
from verifiers import controllers
from verifiers.work_items import ITEMS_MAX, RESULTS

OPEN_STATES = [state for state in cases.STATES if state not in cases.ENDED]
RESULT_KIND = "training_result"
"""The kind of record that a provider's results come as; the record's id is the registration."""
WEBHOOK, FILE = "webhook", "file"
GRADES = {WEBHOOK: "E3", FILE: "E1"}
"""What a record of a result is worth by how it came: by the provider's own hook, whose key both ends know, or brought
by a person. A file that the provider signed is worth E4 (casework/collectors/signed_file.py)."""


async def expected_of(rooms: Rooms, row: Row) -> dict[str, Any]:
    """Return what a case was opened for. Raises Refused: evidence_missing (erased)."""
    if row["facts_item"] is None:
        return {}
    opened = await rooms.rows.open(row["facts_item"])
    if opened is None:
        raise refuse("evidence_missing", "expected what the case was opened for, got an erased value")
    return dict(opened)


async def exceptions_open(rooms: Rooms) -> list[dict[str, Any]]:
    """Return the exceptions that are open now, the latest first: what a hand-over must not leave out. Planned work is
    the plan's to remember."""
    found = await rooms.rows.find(
        tables.case_file,
        {"state": OPEN_STATES, "origin": ["signal", "report"]},
        order="opened_seq",
        limit=ITEMS_MAX,
    )
    return [
        {
            "kind": "case",
            "id": row["case"],
            "fields": {"state": row["state"], "owner": row["owner"], "opened_at": row["opened_at"]},
        }
        for row in found
    ]


async def shows_already(rooms: Rooms, case: str, record: AttachEvidence) -> bool:
    """Say whether a case holds this very version of a record already."""
    where = {"case": case, "type": record.type, "withdrawn": 0}
    found = await rooms.rows.find(tables.evidence, where)
    opened = await rooms.rows.open_all(row["facts_item"] for row in found if row["facts_item"])
    names = ("kind", "id", "version")
    return any(value and all(value[one] == record.facts[one] for one in names) for value in opened.values())


async def judge_again(rooms: Rooms, case: str) -> None:
    """Judge routine work anew after something was brought, where it was judged before; else nothing.

    Attaching evidence alone asks for no judgement: elsewhere a person looks at it first.
    """
    row = await rooms.rows.one(tables.case_file, case=case)
    if row is None or row["verdict"] is None or row["award"] is not None:
        return
    try:
        await rooms.desk.judge(THE_SYSTEM, f"again:{case}:{row['changed_seq']}", Judge(case))
    except (Refused, Unjudgeable):
        return  # nothing new to look at, or somebody has to look first


async def training_of(rooms: Rooms, who: Principal, case: str, record: str) -> AttachEvidence:
    """Freeze a provider's result as evidence: whose it is, by the account that a lead linked.

    Raises:
        Refused: unknown (record), evidence_missing (erased, or no result).
    """
    found = await rooms.watching.view(RESULT_KIND, record)
    item = await rooms.watching.record_as_evidence(who, case, RESULT_KIND, record)
    fields, source = item.facts["fields"], str(item.facts["source"])
    account = str(fields.get("account", ""))
    came_by = WEBHOOK if found.received_from.startswith(HOOK_PARTY) else FILE
    result = {
        "provider": source,
        "registration": record,
        "account": account,
        "member": await _member_of(rooms, source, account),
        "channel": came_by,
        "expires_at": fields.get("expires_at"),
        "score": fields.get("score"),
    }
    for name, expected in NEEDED.items():
        value = fields.get(name)
        if type(value) is not expected or (name == "result" and value not in RESULTS):
            raise refuse(
                "evidence_missing", f"{name}: expected a {expected.__name__} in the record, got {value!r}"
            )
        result[name] = value
    return collected.training_result(who, case, result, item.controllers, GRADES[came_by], item.received_at)


NEEDED: dict[str, type] = {
    "course": str,
    "course_version": str,
    "result": str,
    "attempts": int,
    "duration_seconds": int,
    "completed_at": str,
}


async def _member_of(rooms: Rooms, source: str, account: str) -> str | None:
    """Return whom a source means by an account, as a lead linked it; None: nobody here."""
    hashed = rooms.vault.fingerprint("account", source, account)
    link = await rooms.rows.one(tables.account_link, source=source, account=hashed)
    return None if link is None else str(link["member"])


@dataclass(frozen=True, slots=True)
class Signed:
    """A result that a provider signed, read: the row of its source, the file, what it says, whom it is about."""

    source: Row
    file: str
    said: dict[str, Any]
    member: str | None


async def read_signed(rooms: Rooms, source: str, file: str) -> Signed:
    """Return what a file says that a provider signed, once a key that counts for it holds.

    Raises:
        NotFound: the source. Refused: file_unsigned, value_invalid.
    """
    row = await rooms.rows.need("source", tables.source, source=source)
    keys = await rooms.rows.find(tables.source_key, {"source": source, "active": 1})
    parts = signed_file.take_apart(file)
    signed_file.signed_by(parts, keys, ed25519.verify)
    said = signed_file.result_of(parts.payload)
    return Signed(row, file, said, await _member_of(rooms, source, said["account"]))


def signed_item(rooms: Rooms, who: Principal, case: str, read: Signed) -> AttachEvidence:
    """Freeze it as evidence of a case, whole, so that anybody can check it again. It is sealed for whom it is about,
    who may be somebody else than whoever brings it."""
    source = str(read.source["source"])
    result = {**read.said, "provider": source, "member": read.member, "channel": FILE}
    formula = controllers.to_json(signed_file.made_by(read.source))
    item = collected.training_result(
        who, case, result, formula, signed_file.GRADE, rooms.clock.now(), read.file.strip().encode("ascii")
    )
    return replace(item, concerns=(read.member or who.id,))


async def signed_result(rooms: Rooms, who: Principal, case: str, source: str, file: str) -> AttachEvidence:
    """Return the evidence of a file that a provider signed.

    Raises:
        NotFound: the source. Refused: file_unsigned, value_invalid.
    """
    return signed_item(rooms, who, case, await read_signed(rooms, source, file))

"""The file that somebody takes along: their credential, the record's proof of it, the status list of that day.

`{"type": "tallystick/badge/v1", "credential", "bundle", "status_list"}`, canonical JSON; docs/spec/credential.md
section 5. Whoever has nothing but this file can check it: `tallystick badge verify`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from api.problems import BadRequest, NotFound
from api.rooms import Rooms
from casework import badges, rdf_proofs, tables
from casework.awards import REVOKED
from casework.badge_text import PREFIX, from_text
from casework.badges import NO, UNKNOWN, CheckOther, Outcome
from casework.data_integrity import ProofRefused
from casework.errors import refuse
from ledger import ed25519
from ledger.bundles import BUNDLE_SIZE_MAX_BYTES, CREDENTIAL_TYPE, audit_bundle, parse_bundle
from ledger.canonical import DuplicateKey, decode, encode
from ledger.codec import loads
from ledger.errors import CanonicalError
from ledger.export import export_credential
from ledger.findings import Exit
from ledger.trust import TrustPolicy

TYPE = "tallystick/badge/v1"
MEMBERS = frozenset({"type", "credential", "bundle", "status_list"})
RECORD, WHOSE, KEY, WHO = "in the record", "whose record", "whose key", "whose badge"


@dataclass(frozen=True, slots=True)
class Expected:
    """What whoever checks knows from elsewhere; None: nothing."""

    trust: TrustPolicy | None = None
    issuer: str | None = None
    name: str | None = None
    status_list: Any = None


# ---------------------------------------------------------------------------------------------- making
async def credential_of(rooms: Rooms, award: str, member: str) -> dict[str, Any]:
    """Return somebody's credential of an award.

    Raises:
        NotFound: they have none of it. Refused: unknown (it was erased).
    """
    row = await rooms.rows.one(tables.credential, award=award, member=member)
    if row is None:
        raise NotFound("credential", award)
    document: Any = await rooms.rows.open(row["item"])
    if document is None:
        raise refuse("unknown", "expected the credential, got an erased value")
    return dict(document)


async def status_list_of(rooms: Rooms, number: int) -> dict[str, Any]:
    """Return one status list as it stands now. Raises NotFound: no credential names it."""
    if not await rooms.rows.find(tables.credential, {"list": number}, limit=1):
        raise NotFound("status_list", str(number))
    ended = [row["award"] for row in await rooms.rows.find(tables.award, {"state": REVOKED})]
    taken = await rooms.rows.find(tables.credential, {"award": ended, "list": number}) if ended else []
    indexes = [int(row["index"]) for row in taken if row["issuer"] == rooms.credentials.did]
    return await rooms.credentials.status_list(number, indexes, rooms.clock.now())


async def badge_file(rooms: Rooms, award: str, member: str) -> bytes:
    """Return the whole file.

    Raises:
        NotFound, Refused: as `credential_of`. BadRequest: no checkpoint covers it yet.
    """
    document = await credential_of(rooms, award, member)
    row = await rooms.rows.need("credential", tables.credential, award=award, member=member)
    case = await rooms.rows.need("award", tables.award, award=award)
    latest = await rooms.reader.latest_checkpoint()
    if latest is None or latest[0] <= row["seq"]:
        seq = row["seq"]
        raise BadRequest(
            "not_published", f"expected a checkpoint that covers entry {seq}, got none", status=409
        )
    bundle = await export_credential(
        rooms.reader, case["case"], award, int(row["seq"]), latest[1], rooms.vault
    )
    listed = await status_list_of(rooms, int(row["list"]))
    value = {"type": TYPE, "credential": document, "bundle": loads(bundle), "status_list": listed}
    return encode(value, size_max_bytes=BUNDLE_SIZE_MAX_BYTES)


# ---------------------------------------------------------------------------------------------- checking
def _check_rdf() -> CheckOther | None:
    """Return the check of proofs over RDF, None where PyLD is not installed: such a proof stays unknown then."""
    return rdf_proofs.check if find_spec("pyld") is not None else None


def check_file(data: bytes, at: str, expected: Expected) -> Outcome:
    """Check a file that `badge_file` made, or a credential alone, as JSON or as the text of a code. Nothing is fetched.

    Raises:
        BadRequest: it is neither.
    """
    if data.startswith(PREFIX.encode()):
        try:
            data = from_text(data.decode("ascii", "replace"))
        except ProofRefused as refused:
            raise BadRequest("not_a_badge", refused.detail) from refused
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_members)
    except DuplicateKey as error:
        outcome = Outcome()
        outcome.tell("form", str(error)[:200], NO, "canonical")
        return outcome
    except (ValueError, RecursionError):
        raise BadRequest("not_a_badge", "expected a badge as JSON, got another file") from None
    if type(value) is not dict or not ({"credential", "credentialSubject"} & value.keys()):
        raise BadRequest(
            "not_a_badge", "expected a credential, or a file that holds one, got another document"
        )
    if "credentialSubject" in value:
        outcome = badges.check(value, at, ed25519.verify, expected.status_list, _check_rdf())
        if not outcome.refused:
            outcome.tell(RECORD, "a credential alone has no proof of the record", UNKNOWN, "no_proof")
            _check_known(outcome, value, expected)
        return outcome
    if value.keys() != MEMBERS or value["type"] != TYPE:
        raise BadRequest("not_a_badge", f"expected the members of {TYPE}, got {sorted(value)}"[:200])
    try:
        decode(data, size_max_bytes=BUNDLE_SIZE_MAX_BYTES)
    except CanonicalError as error:
        outcome = Outcome()
        outcome.tell("form", f"expected canonical bytes: {error}"[:200], NO, "canonical")
        return outcome
    document = value["credential"]
    listed = expected.status_list if expected.status_list is not None else value["status_list"]
    outcome = badges.check(document, at, ed25519.verify, listed, _check_rdf())
    if not outcome.refused:
        _check_record(outcome, document, value["bundle"], expected)
        _check_known(outcome, document, expected)
    return outcome


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises DuplicateKey: parsers disagree on which of two counts, and would read two badges."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise DuplicateKey("object: expected each member once, got one twice")
    return members


def _check_record(outcome: Outcome, document: Mapping[str, Any], bundle: Any, expected: Expected) -> None:
    """Check that the record says the same: the entry that issued it, its opened value, the signed checkpoint."""
    data = json.dumps(bundle, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    result = audit_bundle(data, ed25519.verify, trust=expected.trust)
    untrusted = [finding for finding in result.findings if finding.detected_by != "trust"]
    if untrusted:
        outcome.tell(RECORD, untrusted[0].what[:200], NO, untrusted[0].code)
        return
    held = parse_bundle(data)
    entries = [one.entry for one in held.entries if one.entry.kind == "credential_issued"]
    values = [one.value for one in held.opened if one.path == "credential"]
    if held.type != CREDENTIAL_TYPE or len(entries) != 1 or values != [document]:
        outcome.tell(RECORD, "expected this credential in the entry that issued it, got another", NO, "other")
        return
    (entry,) = entries
    named = (
        entry.body["credential"],
        entry.body["issuer"],
        entry.body["list"],
        entry.body["index"],
        entry.log,
    )
    try:
        found = badges.said(document)
        same = (found.credential, found.issuer, found.list, found.index, found.log) == named
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        same = False
    if not same:
        outcome.tell(
            RECORD, f"expected a credential that says {named}, as its entry, got another"[:300], NO, "other"
        )
        return
    outcome.tell(RECORD, f"entry {entry.seq} of {entry.log}, under a checkpoint of {result.size} entries")
    if result.exit is Exit.NEWER:
        outcome.tell(RECORD, "the record is newer than this program", UNKNOWN, "newer")
    if expected.trust is None:
        sentence = "anybody can make a key and a record; say which keys you know (--trust)"
        outcome.tell(WHOSE, sentence, UNKNOWN, "origin_unknown")
    elif result.trusted:
        outcome.tell(WHOSE, f"{entry.log}, by the keys of the trust policy")
    else:
        outcome.tell(WHOSE, result.findings[0].what[:200], NO, result.findings[0].code)


def _check_known(outcome: Outcome, document: Mapping[str, Any], expected: Expected) -> None:
    """Hold what whoever checks knows against it: the issuer's key, the person's name."""
    if expected.issuer is not None:
        issuer = document["issuer"].get("id")
        known = issuer == expected.issuer
        sentence = f"{issuer}" if known else f"expected {expected.issuer}, got {issuer}"
        outcome.tell(KEY, ascii(sentence)[1:-1], badges.YES if known else NO, "ok" if known else "issuer")
    if expected.name is not None:
        known = _is_of(document, expected.name)
        sentence = expected.name if known else f"of another person than {expected.name}"
        outcome.tell(WHO, sentence, badges.YES if known else NO, "ok" if known else "name")


def _is_of(document: Mapping[str, Any], name: str) -> bool:
    given = document["credentialSubject"].get("identifier")
    if type(given) is not list or len(given) != 1 or type(given[0]) is not dict:
        return False
    salt = given[0].get("salt")
    try:
        return type(salt) is str and given == [badges.identity(name, salt)]
    except UnicodeEncodeError:
        return False

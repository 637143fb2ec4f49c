"""One award in one file: the entries of its case, what they rest on, proofs, checkpoint, keys, opened values. Or one
person's credential of it: the entry that issued it and nobody else's.

docs/spec/bundle.md sections 1 and 2. A bundle shows what is in it; that nothing was left out (an authority that had
ended, a second verdict) only the whole log can show.

    BundleError
    |-- BundleMalformed   bytes that are no bundle
    `-- BundleIncomplete  the award asked for is not in the case
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.canonical import Dumps, Loads, decode, encode, json_dumps, json_loads
from ledger.chain import LinkBroken
from ledger.checkpoints import LOG_KEY, KeyList, OpenedCheckpoint, first_keys, open_checkpoint, parse_text
from ledger.commitments import Opened, parse_opened
from ledger.entries import KINDS, REGISTRY_VERSION, Entry, check_body, parse_entry
from ledger.errors import BundleError, CanonicalError, EntryInvalid, ProofError
from ledger.findings import Result
from ledger.merkle import check_inclusion, leaf_hash
from ledger.notes import Verify, parse_note
from ledger.trust import TrustPolicy, check_trust

TYPE = "tallystick/award-bundle/v1"
CREDENTIAL_TYPE = "tallystick/credential-bundle/v1"
SUBJECTS: Mapping[str, str] = {TYPE: "award_granted", CREDENTIAL_TYPE: "credential_issued"}
"""Type of a bundle -> the kind of entry it is about."""
TYPE_WITHOUT_VERSION = b"tallystick/award-bundle/"
START = b'{"award":"'
"""The first bytes of every bundle: members are sorted."""
BUNDLE_SIZE_MAX_BYTES = 64_000_000
PASSES_COUNT = 3
"""Rounds of following what entries mention: the case, what it rests on, what that rests on."""


class BundleMalformed(BundleError):
    """Bytes that are no bundle. The caller asks for another copy."""


class BundleIncomplete(BundleError):
    """The award is not in the case, or not in the log. Nothing was written."""


# --------------------------------------------------------------------------------------------- which entries belong
ALWAYS = frozenset({"log_opened", "registry_published", "settings_changed"})
RESTS_ON: Mapping[str, str] = {
    "member_joined": "member",
    "member_left": "member",
    "role_granted": "member",
    "role_ended": "member",
    "agent_registered": "member",
    "agent_stopped": "member",
    "authority_granted": "authority",
    "authority_ended": "authority",
    "delegation_given": "stand_in",
    "delegation_ended": "stand_in",
    "playbook_published": "playbook",
    "mode_changed": "playbook",
    "kinds_published": "digest",
    "policy_published": "policy",
    "source_registered": "source",
    "budget_set": "budget",
    "budget_approved": "budget",
    "passkey_confirmed": "passkey",
    "passkey_ended": "passkey",
}
"""Kinds outside the case that a case may rest on -> the body field that names their subject."""

PASSKEY_ENROLLED = "passkey_enrolled"
SIGNED_BY = "signed by:"
"""Before a member's id: a decision of the case is theirs by passkey, so whoever checks it needs theirs; nobody else's
are told."""


def _mentioned(value: Any, into: set[str]) -> None:
    """Collect every text of a body; parties such as `member:<id>` count as their id too."""
    if type(value) is str:
        into.add(value)
        if ":" in value:
            into.add(value.split(":", 1)[1])
    elif isinstance(value, Mapping):
        for item in value.values():
            _mentioned(item, into)
    elif isinstance(value, list | tuple):
        for item in value:
            _mentioned(item, into)


def _belongs(entry: Entry, case: str, mentioned: set[str]) -> bool:
    if entry.case == case or entry.kind in ALWAYS:
        return True
    if entry.kind == "key_rotated":
        return entry.body.get("purpose") == LOG_KEY
    if entry.kind == PASSKEY_ENROLLED:
        return SIGNED_BY + str(entry.body.get("member")) in mentioned
    subject = RESTS_ON.get(entry.kind)
    return subject is not None and entry.body.get(subject) in mentioned


def select(read: Callable[[], Iterable[Entry]], case: str) -> list[Entry]:
    """Return the entries a bundle of this case holds, by seq. `read` yields the log (or the kinds above and the case).

    It is called PASSES_COUNT times, because what a case mentions was written before it.
    """
    mentioned: set[str] = set()
    chosen: dict[int, Entry] = {}
    for _ in range(PASSES_COUNT):
        for entry in read():
            if entry.seq not in chosen and _belongs(entry, case, mentioned):
                chosen[entry.seq] = entry
                if entry.kind == PASSKEY_ENROLLED:
                    mentioned.add(str(entry.body.get("passkey")))  # what became of it stands after it
        for entry in chosen.values():
            mentioned.add(entry.actor.id)
            if entry.kind == "decision_made" and entry.body.get("assurance") == "passkey":
                mentioned.add(SIGNED_BY + entry.actor.id)
            # A playbook's or policy's text mentions much that the case does not rest on; only its references count.
            fields = {name: value for name, value in entry.body.items() if name != "content"}
            _mentioned(fields, mentioned)
    return [chosen[seq] for seq in sorted(chosen)]


# --------------------------------------------------------------------------------------------------- write and read
@dataclass(frozen=True, slots=True)
class Proven:
    """An entry with its inclusion proof, leaf to root."""

    entry: Entry
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """One award and everything needed to check that its record is in the log."""

    log: str
    case: str
    award: str
    entries: tuple[Proven, ...]
    checkpoint: bytes
    keys: tuple[str, ...]
    opened: tuple[Opened, ...] = ()
    type: str = TYPE


def write_bundle(bundle: Bundle, dumps: Dumps = json_dumps) -> bytes:
    """Return the file.

    Raises:
        BundleIncomplete: no entry of the kind it is about, of this award and case.
    """
    if not any(_is_about(proven.entry, bundle) for proven in bundle.entries):
        kind = SUBJECTS[bundle.type]
        raise BundleIncomplete(f"bundle: expected {kind} of {bundle.award} in case {bundle.case}, got none")
    value = {
        "type": bundle.type,
        "log": bundle.log,
        "case": bundle.case,
        "award": bundle.award,
        "entries": [
            {"entry": proven.entry.to_json(), "proof": [item.hex() for item in proven.proof]}
            for proven in bundle.entries
        ],
        "checkpoint": bundle.checkpoint.decode("utf-8"),
        "keys": list(bundle.keys),
        "opened": [item.to_json() for item in bundle.opened],
    }
    return encode(value, dumps, BUNDLE_SIZE_MAX_BYTES)


def _is_about(entry: Entry, bundle: Bundle) -> bool:
    return (
        entry.kind == SUBJECTS[bundle.type]
        and entry.case == bundle.case
        and entry.body.get("award") == bundle.award
    )


def is_meant_as_bundle(data: bytes) -> bool:
    """Return whether a file is a bundle, whole or damaged: it starts as one or names the type."""
    return data.startswith(START) or TYPE_WITHOUT_VERSION in data


def parse_bundle(data: bytes, loads: Loads = json_loads, dumps: Dumps = json_dumps) -> Bundle:
    """Read a bundle without checking it.

    Raises:
        BundleMalformed
    """
    try:
        value = decode(data, loads, dumps, BUNDLE_SIZE_MAX_BYTES)
        if value.keys() != {"type", "log", "case", "award", "entries", "checkpoint", "keys", "opened"}:
            raise BundleMalformed(f"bundle: expected the members of {TYPE}, got {sorted(value)}")
        if type(value["type"]) is not str or value["type"] not in SUBJECTS:
            raise BundleMalformed(f"bundle: expected type {TYPE}, got {value['type']!r:.80}")
        texts = (value["log"], value["case"], value["award"], value["checkpoint"], *value["keys"])
        if not all(type(text) is str for text in texts):
            raise BundleMalformed(
                "bundle: expected log, case, award, checkpoint and keys as text, got others"
            )
        entries = tuple(_proven(item) for item in value["entries"])
        opened = tuple(parse_opened(item) for item in value["opened"])
    except (CanonicalError, EntryInvalid, ProofError) as error:
        raise BundleMalformed(f"bundle: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BundleMalformed(f"bundle: expected the shape of {TYPE}, got {error!r:.200}") from None
    checkpoint = value["checkpoint"].encode()
    keys = tuple(value["keys"])
    return Bundle(
        value["log"], value["case"], value["award"], entries, checkpoint, keys, opened, value["type"]
    )


def _proven(item: Any) -> Proven:
    if item.keys() != {"entry", "proof"}:
        raise BundleMalformed(f"bundle entry: expected entry and proof, got {sorted(item)}")
    hashes = tuple(bytes.fromhex(text) for text in item["proof"])
    if [data.hex() for data in hashes] != item["proof"]:  # fromhex also reads capitals and spaces
        raise BundleMalformed("bundle proof: expected hashes in lower-case hex, got another spelling")
    return Proven(parse_entry(item["entry"]), hashes)


# ---------------------------------------------------------------------------------------------------------- checking
def audit_bundle(
    data: bytes,
    verify: Verify,
    *,
    trust: TrustPolicy | None = None,
    known: Sequence[bytes] = (),
    loads: Loads = json_loads,
    dumps: Dumps = json_dumps,
) -> Result:
    """Check one bundle; damage is reported, not raised.

    1. shape, canonical bytes   2. key list from log_opened and key_rotated, equal to `keys`   3. checkpoint
    4. each entry: body, inclusion at its own seq, link to a neighbour that is there too   5. opened values
    6. the award stands in the case, with the decision and the verdict it names   7. trust policy
    8. known checkpoints of the bundle's size: the same root; of another size: `Result.uncompared`
    Whether the award was earned is casework's question.
    """
    result = Result()
    try:
        bundle = parse_bundle(data, loads, dumps)
    except BundleError as error:
        result.found("bundle", str(error), None, "entries")
        return result
    result.origin = bundle.log
    keys = _read_keys(bundle, result)
    if keys is None:
        return result
    opened = _open(bundle, keys, verify, result)
    if opened is None:
        return result
    _check_entries(bundle, opened, result, dumps)
    _check_opened(bundle, result)
    _check_award(bundle, result)
    if trust is not None:
        before = len(result.findings)
        check_trust(trust, result, keys, [opened], verify)
        result.trusted = len(result.findings) == before
    for note in known:
        _check_known(note, bundle, keys, verify, result)
    return result


def _check_known(note: bytes, bundle: Bundle, keys: KeyList, verify: Verify, result: Result) -> None:
    """Hold a checkpoint from outside against the bundle's own. Its entries prove nothing about any other size."""
    try:
        outside = parse_text(parse_note(note).text)
        if outside.origin == bundle.log and outside.size != result.size:
            result.uncompared.append(outside.size)
            return
        open_checkpoint(note, bundle.log, keys, verify)
    except ProofError as error:
        result.found("checkpoint", f"known checkpoint: {error}", None, "known")
        return
    if outside.root != result.root:
        what = (
            f"checkpoint {outside.size}: expected root {outside.root.hex()} as known, got {result.root.hex()}"
        )
        result.found("root", what, None, "known")
        return
    result.known_size = outside.size


def _read_keys(bundle: Bundle, result: Result) -> KeyList | None:
    entries = [proven.entry for proven in bundle.entries]
    try:
        keys = first_keys(entries[0])
        for entry in entries:
            keys = keys.extended(entry)
    except (IndexError, ProofError) as error:
        result.found(
            "key", f"bundle: expected log_opened first and its key list, got {error}", None, "entries"
        )
        return None
    for entry in entries:
        if entry.kind in ("log_opened", "registry_published") and type(entry.body.get("registry")) is int:
            result.registry = entry.body["registry"]
    result.simulated = entries[0].body.get("simulated") is True
    result.newer = result.registry > REGISTRY_VERSION
    expected = tuple(key.vkey() for key in keys.listed())
    if expected != bundle.keys:
        result.found("key", f"keys: expected {list(expected)}, got {list(bundle.keys)}", None, "keys")
    return keys


def _open(bundle: Bundle, keys: KeyList, verify: Verify, result: Result) -> OpenedCheckpoint | None:
    try:
        opened = open_checkpoint(bundle.checkpoint, bundle.log, keys, verify)
    except ProofError as error:
        result.found("checkpoint", f"checkpoint: {error}", None, "checkpoints")
        return None
    result.size = result.signed_size = opened.checkpoint.size
    result.root = opened.checkpoint.root
    return opened


def _check_entries(bundle: Bundle, opened: OpenedCheckpoint, result: Result, dumps: Dumps) -> None:
    size, root = opened.checkpoint.size, opened.checkpoint.root
    last_seq, last_leaf = -1, b""
    for proven in bundle.entries:
        entry = proven.entry
        try:
            leaf = leaf_hash(encode(entry.to_json(), dumps))
            if entry.log != bundle.log or entry.seq <= last_seq:
                raise EntryInvalid(f"expected entries of {bundle.log} by seq, got {entry.seq} of {entry.log}")
            check_inclusion(entry.seq, size, leaf, root, proven.proof)
            if entry.seq == last_seq + 1 and last_seq >= 0 and entry.prev != last_leaf.hex():
                raise LinkBroken(f"expected prev {last_leaf.hex()}, got {entry.prev}")
            if not result.newer or entry.kind in KINDS:
                check_body(entry.kind, entry.body, entry.private)
        except (CanonicalError, EntryInvalid, ProofError, LinkBroken) as error:
            if not (result.newer and isinstance(error, EntryInvalid)):
                result.found("entry", f"entry {entry.seq}: {error}", entry.seq, "entries")
            leaf = b""
        last_seq, last_leaf = entry.seq, leaf


def _check_opened(bundle: Bundle, result: Result) -> None:
    private = {proven.entry.seq: proven.entry.private for proven in bundle.entries}
    for item in bundle.opened:
        try:
            item.check(private.get(item.seq, {}).get(item.path), bundle.log)
        except (ProofError, CanonicalError) as error:
            result.found("vault", f"entry {item.seq}, {item.path}: {error}", item.seq, "vault")


def _check_award(bundle: Bundle, result: Result) -> None:
    case = [proven.entry for proven in bundle.entries if proven.entry.case == bundle.case]
    granted = [entry for entry in case if _is_about(entry, bundle)]
    if len(granted) != 1:
        kind = SUBJECTS[bundle.type]
        what = f"award {bundle.award}: expected one {kind} in case {bundle.case}, got {len(granted)}"
        result.found("award", what, None, "entries")
        return
    if bundle.type == CREDENTIAL_TYPE:
        return
    for kind, name in (("decision_made", "decision"), ("verdict_given", "verdict")):
        wanted = granted[0].body.get(name)
        if not any(entry.kind == kind and entry.body.get(name) == wanted for entry in case):
            seq = granted[0].seq
            result.found(
                "award", f"entry {seq}: expected {kind} {wanted} in the bundle, got none", seq, "entries"
            )


def proven(entries: Sequence[Entry], prove: Callable[[int], Sequence[bytes]]) -> Iterator[Proven]:
    """Yield each entry with its proof; `prove(seq)` makes it under the checkpoint that goes into the bundle."""
    for entry in entries:
        yield Proven(entry, tuple(prove(entry.seq)))

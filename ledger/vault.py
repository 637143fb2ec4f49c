"""The vault: private values and files, sealed so that destroying a few bytes erases them for good.

docs/spec/private-values.md has the commitment that stands in the entry, docs/spec/vault.md the sealed form. One item =
one commitment = one random data key, used once; the data key is wrapped once per data subject under a key derived from
the organisation key. No wrap left: nobody can open the item, and the entry still proves that it was.

    seal(value)  ->  commitment (into Draft.private)  +  rows (into Decided.rows)
    open(rows)   ->  value, checked against the commitment; None when it was erased

Nothing here reads or writes the database; sealing happens before a command enters the writer.

    VaultError
    |-- SealRefused     the value, path or subjects cannot be sealed; nothing was stored
    `-- VaultDamaged    rows or blob are not what was sealed, or the organisation key is another one
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ledger import canonical, codec
from ledger.blobs import BlobError, BlobStore
from ledger.changes import Change, Delete, Insert, Row
from ledger.commitments import SALT_SIZE_BYTES, VALUE_SIZE_MAX_BYTES, CommitmentMalformed, commit_bytes
from ledger.entropy import Entropy
from ledger.errors import CanonicalError, LedgerError, ProofError

KEY_SIZE_BYTES = 32
NONCE_SIZE_BYTES = 12
KEY_ID_SIZE_BYTES = 4
WRAP_SIZE_BYTES = KEY_ID_SIZE_BYTES + NONCE_SIZE_BYTES + KEY_SIZE_BYTES + 16
INLINE_SIZE_MAX_BYTES = 16 * 1024
"""Plain bytes up to here lie in the row; more become a blob. Rows of this size do not slow the bulk write."""
CONTENT_SIZE_MAX_BYTES = 25 * 1024 * 1024
SUBJECT_SIZE_MAX_CHARACTERS = 200
SUBJECTS_MAX_COUNT = 32

ORGANISATION = "organisation"
"""The subject of items that concern no person. Personal erasure never touches it."""

_VALUE, _CONTENT = b"V", b"C"
_ITEM_NONCE = bytes(NONCE_SIZE_BYTES)  # a data key encrypts exactly once, so its nonce need not differ


class VaultError(LedgerError):
    """The vault cannot do this. Nothing was changed."""


class SealRefused(VaultError):
    """The value, path or subjects cannot be sealed. The caller mends them; nothing was stored."""


class VaultDamaged(VaultError, ProofError):
    """Rows or blob are not what was sealed, or the organisation key is another. The caller restores or reports it.

    Also a ProofError, so that the audit of integrity reports it as damage of the vault.
    """


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing gives: the hex commitment for the entry, and the rows to write with it."""

    commitment: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """Everything a stranger needs to recompute a commitment: goes into a bundle when somebody discloses the item."""

    path: str
    salt: bytes
    data: bytes
    """Canonical bytes of a value, or the bytes of a file."""
    content: bool

    def value(self) -> Any:
        """Return the JSON value, or the file's bytes when `content`."""
        return self.data if self.content else codec.loads(self.data)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing one subject does. The caller commits `changes` first, then deletes `blobs` from the store.

    `shared` items still concern somebody else and stay readable: redacting or destroying them is a recorded choice.
    """

    changes: tuple[Change, ...]
    gone: tuple[str, ...]
    shared: tuple[str, ...]
    blobs: tuple[str, ...]


class Vault:
    """Seals and opens the items of one log."""

    def __init__(self, log: str, organisation_key: bytes, entropy: Entropy, blobs: BlobStore) -> None:
        """Derive the working keys from the 32-byte organisation key. Raises VaultError: another length."""
        if len(organisation_key) != KEY_SIZE_BYTES:
            raise VaultError(
                f"organisation key: expected {KEY_SIZE_BYTES} bytes, got {len(organisation_key)}"
            )
        self._log = log
        self._entropy = entropy
        self._blobs = blobs
        self._wrap = AESGCM(_derive(organisation_key, "wrap", log))
        self._reuse_key = _derive(organisation_key, "reuse", log)
        self._fingerprint_key = _derive(organisation_key, "fingerprint", log)
        self._key_id = _derive(organisation_key, "key-id", log)[:KEY_ID_SIZE_BYTES]
        self._item_head = b"tallystick/item/v1\x00" + log.encode() + b"\x00"
        self._wrap_head = b"tallystick/wrap/v1\x00" + log.encode() + b"\x00"

    # ------------------------------------------------------------------------------------------ sealing
    def seal(
        self,
        value: Any,
        path: str,
        subjects: Sequence[str],
        *,
        content: bool = False,
        salt: bytes | None = None,
    ) -> Sealed:
        """Seal a canonical JSON value, or a file's bytes with `content=True`, for the people it concerns.

        `subjects` are random ids of data subjects; none means the organisation itself. Every call draws a new salt and
        key, so the same value twice gives two items. A file above INLINE_SIZE_MAX_BYTES is written to the blob store
        before this returns. `salt` is given only where the commitment was told before its value is sealed (a decision
        that a passkey signs): 32 bytes of the same entropy, drawn for this one item; the key is a new one all the same.

        Raises:
            SealRefused: null, a value outside the canonical profile, too many bytes, a bad path or subject.
            BlobTooLarge, OSError: the blob could not be stored.
        """
        data = _plain(value, path, content)
        names = _check_subjects(subjects)
        drawn = self._entropy.token(KEY_SIZE_BYTES + SALT_SIZE_BYTES + NONCE_SIZE_BYTES * len(names))
        key = drawn[:KEY_SIZE_BYTES]
        if salt is None:
            salt = drawn[KEY_SIZE_BYTES : KEY_SIZE_BYTES + SALT_SIZE_BYTES]
        try:
            item = commit_bytes(self._log, path, salt, data)
        except CommitmentMalformed as error:
            raise SealRefused(str(error)) from error
        path_bytes = path.encode()
        head = (_CONTENT if content else _VALUE) + bytes((len(path_bytes),)) + path_bytes + salt
        sealed = AESGCM(key).encrypt(_ITEM_NONCE, head + data, self._item_head + item.encode())
        inline = len(data) <= INLINE_SIZE_MAX_BYTES
        blob = None if inline else self._blobs.put(sealed)
        changes: list[Change] = [
            Insert("item", {"item": item, "sealed": sealed if inline else None, "blob": blob})
        ]
        at = KEY_SIZE_BYTES + SALT_SIZE_BYTES
        for subject in names:
            nonce = drawn[at : at + NONCE_SIZE_BYTES]
            at += NONCE_SIZE_BYTES
            wrapped = self._key_id + nonce + self._wrap.encrypt(nonce, key, self._wrap_aad(item, subject))
            changes.append(Insert("item_wrap", {"item": item, "subject": subject, "wrapped": wrapped}))
        return Sealed(item, tuple(changes))

    # ------------------------------------------------------------------------------------------ opening
    def open(self, item_row: Row | None, wrap_rows: Iterable[Row]) -> Any:
        """Return the value (or the file's bytes), checked against its commitment; None when it was erased.

        Raises:
            VaultDamaged: the rows or the blob are not what was sealed.
        """
        opening = self.disclose(item_row, wrap_rows)
        return None if opening is None else opening.value()

    def open_many(self, item_rows: Iterable[Row], wrap_rows: Iterable[Row]) -> dict[str, Any]:
        """Return commitment -> value; erased items are left out. One wrap per item is enough. Raises VaultDamaged."""
        openings = self.disclose_many(item_rows, wrap_rows)
        return {item: opening.value() for item, opening in openings.items()}

    def disclose_many(self, item_rows: Iterable[Row], wrap_rows: Iterable[Row]) -> dict[str, Opening]:
        """Return commitment -> path, salt and bytes; erased items are left out. Raises VaultDamaged."""
        wraps = {row["item"]: row for row in wrap_rows}
        return {
            row["item"]: self._open(row, wrap)
            for row in item_rows
            if (wrap := wraps.get(row["item"])) is not None
        }

    def disclose(self, item_row: Row | None, wrap_rows: Iterable[Row]) -> Opening | None:
        """Return path, salt and bytes of one item, checked against its commitment; None when it was erased.

        Raises:
            VaultDamaged: the rows or the blob are not what was sealed.
        """
        if item_row is None:
            return None
        wrap = next((row for row in wrap_rows if row["item"] == item_row["item"]), None)
        return None if wrap is None else self._open(item_row, wrap)

    def _open(self, item_row: Row, wrap_row: Row) -> Opening:
        # 1. the wrap gives the data key  2. the data key opens the item  3. the plain bytes give the commitment again
        item = item_row["item"]
        key = self._unwrap(wrap_row)
        sealed = item_row["sealed"]
        if sealed is None:
            try:
                sealed = self._blobs.get(item_row["blob"] or "")
            except BlobError as error:
                raise VaultDamaged(f"item {item}: {error}") from error
        try:
            plain = AESGCM(key).decrypt(_ITEM_NONCE, sealed, self._item_head + item.encode())
        except InvalidTag:
            raise VaultDamaged(f"item {item}: expected the bytes that were sealed, got others") from None
        path_end = 2 + plain[1]
        data_start = path_end + SALT_SIZE_BYTES
        path, salt, data = plain[2:path_end].decode(), plain[path_end:data_start], plain[data_start:]
        found = commit_bytes(self._log, path, salt, data)
        if found != item:
            raise VaultDamaged(f"item: expected commitment {item}, got {found}")
        return Opening(path, salt, data, plain[:1] == _CONTENT)

    def _unwrap(self, wrap_row: Row) -> bytes:
        item, wrapped = wrap_row["item"], wrap_row["wrapped"]
        if len(wrapped) != WRAP_SIZE_BYTES:
            raise VaultDamaged(f"wrap of item {item}: expected {WRAP_SIZE_BYTES} bytes, got {len(wrapped)}")
        if wrapped[:KEY_ID_SIZE_BYTES] != self._key_id:
            got = wrapped[:KEY_ID_SIZE_BYTES].hex()
            raise VaultDamaged(
                f"wrap of item {item}: expected organisation key {self._key_id.hex()}, got {got}"
            )
        nonce = wrapped[KEY_ID_SIZE_BYTES : KEY_ID_SIZE_BYTES + NONCE_SIZE_BYTES]
        body = wrapped[KEY_ID_SIZE_BYTES + NONCE_SIZE_BYTES :]
        try:
            return self._wrap.decrypt(nonce, body, self._wrap_aad(item, wrap_row["subject"]))
        except InvalidTag:
            raise VaultDamaged(
                f"wrap of item {item}: expected the wrapped key of this item and subject, got other bytes"
            ) from None

    def _wrap_aad(self, item: str, subject: str) -> bytes:
        return self._wrap_head + item.encode() + b"\x00" + subject.encode()

    # ------------------------------------------------------------------------------------------ indexes
    def reuse_digest(self, plain: bytes) -> str:
        """Return the hex HMAC under which the re-use index knows a file; without the key it says nothing about it."""
        return hmac.digest(self._reuse_key, hashlib.sha256(plain).digest(), "sha256").hex()

    def fingerprint(self, *parts: str) -> str:
        """Return a hex HMAC over the parts: groups repeats (playbook, subject) without naming the subject."""
        return hmac.digest(self._fingerprint_key, codec.dumps(list(parts)), "sha256").hex()

    # ------------------------------------------------------------------------------------------ erasing
    def erase(self, subject: str, item_rows: Iterable[Row], all_wrap_rows: Iterable[Row]) -> Erasure:
        """Plan the erasure of one person: her wraps go, and every item that then has no wrap.

        `item_rows` are the items that have a wrap for `subject`; `all_wrap_rows` are ALL wraps of those items, other
        subjects' included: with hers alone a shared item would look like hers only.

        Raises:
            VaultError: the subject is the organisation itself.
        """
        if subject == ORGANISATION:
            raise VaultError("erase: expected the id of a person, got the organisation")
        items = {row["item"]: row for row in item_rows}
        subjects: dict[str, set[str]] = {}
        for row in all_wrap_rows:
            subjects.setdefault(row["item"], set()).add(row["subject"])
        concerned = sorted(item for item, names in subjects.items() if subject in names)
        gone = tuple(item for item in concerned if subjects[item] == {subject})
        changes: list[Change] = [Delete("item_wrap", (item, subject)) for item in concerned]
        changes.extend(Delete("item", (item,)) for item in gone)
        blobs = tuple(
            items[item]["blob"] for item in gone if item in items and items[item]["blob"] is not None
        )
        shared = tuple(item for item in concerned if len(subjects[item]) > 1)
        return Erasure(tuple(changes), gone, shared, blobs)

    def destroy(self, item_row: Row, all_wrap_rows: Iterable[Row]) -> Erasure:
        """Plan the end of one item for everybody it concerns: the recorded choice for a shared one, or retention."""
        item = item_row["item"]
        names = sorted({row["subject"] for row in all_wrap_rows if row["item"] == item})
        changes: list[Change] = [Delete("item_wrap", (item, name)) for name in names]
        changes.append(Delete("item", (item,)))
        blobs = () if item_row["blob"] is None else (item_row["blob"],)
        return Erasure(tuple(changes), (item,), (), blobs)


def _derive(organisation_key: bytes, purpose: str, log: str) -> bytes:
    """One key per use: HKDF-Expand (RFC 5869 section 2.3), the organisation key being uniformly random already."""
    info = b"tallystick/vault/v1\x00" + purpose.encode() + b"\x00" + log.encode()
    return HKDFExpand(SHA256(), KEY_SIZE_BYTES, info).derive(organisation_key)


def _plain(value: Any, path: str, content: bool) -> bytes:
    if content:
        if type(value) is not bytes:
            raise SealRefused(f"content of {path!r}: expected bytes, got {type(value).__name__}")
        if len(value) > CONTENT_SIZE_MAX_BYTES:
            raise SealRefused(
                f"content of {path!r}: expected at most {CONTENT_SIZE_MAX_BYTES} bytes, got {len(value)}"
            )
        return value
    if value is None:
        # None is the answer for "erased"; a value that reads the same would make the two one.
        raise SealRefused(f"value of {path!r}: expected a value, got null")
    try:
        return _canonical(value)
    except CanonicalError as error:
        raise SealRefused(f"value of {path!r}: {error}") from error


def _canonical(value: Any) -> bytes:
    # Imports seal every record version: bytes that are ASCII have ASCII names, so only numbers, types and depth are
    # left to look at. Anything else goes the strict way, which also says what is wrong.
    try:
        data = codec.dumps(value)
    except TypeError:
        data = b""
    plain = data.isascii() and canonical.is_plain(value, canonical.NESTING_MAX_LEVELS)
    if plain and 0 < len(data) <= VALUE_SIZE_MAX_BYTES:
        return data
    return canonical.encode(value, codec.dumps, VALUE_SIZE_MAX_BYTES)


def _check_subjects(subjects: Sequence[str]) -> list[str]:
    if isinstance(subjects, str):
        raise SealRefused(f"subjects: expected a list of ids, got the text {subjects[:80]!r}")
    names = sorted(set(subjects)) or [ORGANISATION]
    if len(names) > SUBJECTS_MAX_COUNT:
        raise SealRefused(f"subjects: expected at most {SUBJECTS_MAX_COUNT}, got {len(names)}")
    for name in names:
        if not 0 < len(name) <= SUBJECT_SIZE_MAX_CHARACTERS or not name.isprintable():
            raise SealRefused(
                f"subject: expected 1 to {SUBJECT_SIZE_MAX_CHARACTERS} printable characters, got {name[:80]!r}"
            )
    return names

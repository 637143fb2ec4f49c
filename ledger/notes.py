"""C2SP signed notes (v1.0.0): a text and, below an empty line, signatures by named keys.

    <text, ends in a newline>
    <empty line>
    — <key name> base64(4-byte key id || signature)

The signature check is an argument, `verify(public_key, message, signature)`, which raises SignatureWrong: the product
and the auditor pass `ledger.ed25519.verify`. Keys travel as vkeys, `name+hhhhhhhh+base64(type || public key)`.

    ProofError
    |-- NoteMalformed     bytes that are no signed note
    |-- KeyMalformed      text that is no vkey, or its key id is another
    |-- SignatureMissing  no signature by a key that was asked for
    `-- SignatureWrong    a signature by a known key does not verify: the whole note is refused
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ledger.errors import ProofError

NOTE_SIZE_MAX_BYTES = 1_000_000
SIGNATURES_MAX_COUNT = 100  # C2SP: at least 16 must be accepted
KEY_ID_SIZE_BYTES = 4
ED25519 = 0x01
ED25519_COSIGNATURE = 0x04
ED25519_KEY_SIZE_BYTES = 32
ED25519_SIGNATURE_SIZE_BYTES = 64

Sign = Callable[[bytes], bytes]
"""message -> signature, by one private key."""

Verify = Callable[[bytes, bytes, bytes], None]
"""(public key, message, signature) -> None; raises SignatureWrong."""


class NoteMalformed(ProofError):
    """Bytes that are no signed note. The caller asks for another copy."""


class KeyMalformed(ProofError):
    """Text that is no vkey. The caller mends the key list or the trust policy."""


class SignatureMissing(ProofError):
    """None of the keys that were asked for signed the note."""


class SignatureWrong(ProofError):
    """A signature that claims a known key does not verify. Nothing in the note may be trusted."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by name and type byte (ED25519, ED25519_COSIGNATURE or one we cannot check)."""

    name: str
    type: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Return the first 4 bytes of SHA-256(name || 0x0A || type || public key)."""
        material = self.name.encode() + b"\n" + bytes([self.type]) + self.public_key
        return hashlib.sha256(material).digest()[:KEY_ID_SIZE_BYTES]

    def vkey(self) -> str:
        """Return the key as text."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.public_key)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, not yet checked. `value` is what follows the key id."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """Return the line, with its newline."""
        return f"\u2014 {self.name} {encode_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note: `text` includes its last newline."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """Return the note as it is published."""
        return (self.text + "\n" + "".join(signature.line() for signature in self.signatures)).encode()


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of standard base64 with padding, or None for anything else, other spellings included."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return data if encode_base64(data) == text else None


def check_key_name(name: str) -> None:
    """Refuse a name that cannot stand in a signature line or a vkey.

    Raises:
        KeyMalformed: empty, or with a space, a plus or a control character.
    """
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise KeyMalformed(f"key name: expected text without spaces and plus signs, got {name[:80]!a}")


def parse_vkey(text: str) -> VerifierKey:
    """Read a vkey. The base64 may hold plus signs, so the text is split twice from the left.

    Raises:
        KeyMalformed: wrong shape, wrong key id, wrong key size.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise KeyMalformed(f"vkey: expected name+id+key, got {text[:120]!a}")
    name, key_id, encoded = parts
    check_key_name(name)
    material = decode_base64(encoded)
    if not material or len(key_id) != 2 * KEY_ID_SIZE_BYTES:
        raise KeyMalformed(f"vkey {name}: expected 8 hex digits and base64, got {text[:120]!a}")
    key = VerifierKey(name, material[0], material[1:])
    if key.type in (ED25519, ED25519_COSIGNATURE) and len(key.public_key) != ED25519_KEY_SIZE_BYTES:
        raise KeyMalformed(
            f"vkey {name}: expected {ED25519_KEY_SIZE_BYTES} key bytes, got {len(key.public_key)}"
        )
    if key.key_id.hex() != key_id:
        raise KeyMalformed(f"vkey {name}: expected key id {key.key_id.hex()}, got {key_id[:16]!a}")
    return key


def parse_note(data: bytes) -> Note:
    """Read a signed note without checking its signatures.

    Raises:
        NoteMalformed: not UTF-8, control characters, no empty line, no or broken signature lines, too large.
    """
    if len(data) > NOTE_SIZE_MAX_BYTES:
        raise NoteMalformed(f"note: expected at most {NOTE_SIZE_MAX_BYTES} bytes, got {len(data)}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteMalformed(
            f"note: expected UTF-8, got byte 0x{data[error.start]:02x} at {error.start}"
        ) from None
    if any(char < " " and char != "\n" for char in whole):
        raise NoteMalformed("note: expected no control characters but newlines, got one")
    cut = whole.rfind("\n\n")
    if cut < 0:
        raise NoteMalformed("note: expected an empty line before the signatures, got none")
    text, below = whole[: cut + 1], whole[cut + 2 :]
    if not below.endswith("\n"):
        raise NoteMalformed("note: expected signature lines that end in a newline, got a cut-off note")
    lines = below[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX_COUNT:
        raise NoteMalformed(f"note: expected at most {SIGNATURES_MAX_COUNT} signatures, got {len(lines)}")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014":
        raise NoteMalformed(f"signature line: expected '\u2014 name base64', got {line[:120]!a}")
    value = decode_base64(parts[2])
    if value is None or len(value) <= KEY_ID_SIZE_BYTES:
        raise NoteMalformed(
            f"signature line: expected base64 of a key id and a signature, got {parts[2][:120]!a}"
        )
    try:
        check_key_name(parts[1])
    except KeyMalformed as error:
        raise NoteMalformed(f"signature line: {error}") from None
    return Signature(parts[1], value[:KEY_ID_SIZE_BYTES], value[KEY_ID_SIZE_BYTES:])


def sign_note(text: str, signers: Iterable[tuple[VerifierKey, Sign]]) -> Note:
    """Return the text signed by each Ed25519 key, in the order given."""
    message = text.encode()
    return Note(text, tuple(Signature(key.name, key.key_id, sign(message)) for key, sign in signers))


def check_note(note: Note, keys: Sequence[VerifierKey], verify: Verify) -> list[VerifierKey]:
    """Return those of `keys` (Ed25519) that signed the note; at least one. Signatures by unknown keys are ignored.

    The caller still must decide whether the keys that signed are the ones it needs.

    Raises:
        SignatureWrong: a signature by one of `keys` does not verify.
        SignatureMissing: none of `keys` signed.
    """
    known = {(key.name, key.key_id): key for key in keys if key.type == ED25519}
    message = note.text.encode()
    signed: list[VerifierKey] = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        verify(key.public_key, message, signature.value)
        if key not in signed:
            signed.append(key)
    if not signed:
        wanted = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys)
        got = ", ".join(f"{signature.name}+{signature.key_id.hex()}" for signature in note.signatures)
        raise SignatureMissing(f"note: expected a signature by one of [{wanted}], got [{got}]")
    return signed

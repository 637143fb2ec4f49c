"""Commitments: how an entry points to a value in the vault without telling it. docs/spec/private-values.md section 1.

ProofError
|-- CommitmentMalformed  salt, path or commitment has the wrong shape
`-- CommitmentMismatch   salt and value give another commitment
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from ledger.canonical import Dumps, encode, json_dumps
from ledger.errors import ProofError

DOMAIN = b"tallystick/private/v1"
SALT_SIZE_BYTES = 32
PATH_SIZE_MAX_CHARACTERS = 200
VALUE_SIZE_MAX_BYTES = 1_048_576


class CommitmentMalformed(ProofError):
    """A salt, path or commitment of the wrong shape; nothing was compared."""


class CommitmentMismatch(ProofError):
    """The value or the salt is not the one that was committed to."""


def commit_bytes(log: str, path: str, salt: bytes, data: bytes) -> str:
    """Return the hex commitment to a file's bytes, or to bytes already canonical.

    `salt` is 32 bytes from the injected entropy, never used twice.

    Raises:
        CommitmentMalformed: wrong salt size, or a path that is empty, long or not printable ASCII.
    """
    if len(salt) != SALT_SIZE_BYTES:
        raise CommitmentMalformed(f"salt: expected {SALT_SIZE_BYTES} bytes, got {len(salt)}")
    if not (path.isascii() and path.isprintable() and 0 < len(path) <= PATH_SIZE_MAX_CHARACTERS):
        raise CommitmentMalformed(
            f"path: expected 1-{PATH_SIZE_MAX_CHARACTERS} printable ASCII characters, got {path[:80]!a}"
        )
    if "\0" in log:
        raise CommitmentMalformed(f"log: expected no NUL, got {log[:80]!a}")
    return hashlib.sha256(b"\x00".join((DOMAIN, log.encode(), path.encode(), salt + data))).hexdigest()


def commit_value(log: str, path: str, salt: bytes, value: Any, dumps: Dumps = json_dumps) -> str:
    """Return the hex commitment to a JSON value.

    Raises:
        CanonicalError: the value is outside the profile.
        CommitmentMalformed: as `commit_bytes`.
    """
    return commit_bytes(log, path, salt, encode(value, dumps, VALUE_SIZE_MAX_BYTES))


def check_bytes(commitment: str, log: str, path: str, salt: bytes, data: bytes) -> bytes:
    """Return `data` if the commitment opens to it.

    Raises:
        CommitmentMismatch, CommitmentMalformed
    """
    got = commit_bytes(log, path, salt, data)
    if got != commitment:
        raise CommitmentMismatch(f"commitment at {path}: expected {commitment}, got {got}")
    return data


def check_value(
    commitment: str, log: str, path: str, salt: bytes, value: Any, dumps: Dumps = json_dumps
) -> Any:
    """Return `value` if the commitment opens to it.

    Raises:
        CommitmentMismatch, CommitmentMalformed, CanonicalError
    """
    check_bytes(commitment, log, path, salt, encode(value, dumps, VALUE_SIZE_MAX_BYTES))
    return value


@dataclass(frozen=True, slots=True)
class Opened:
    """A private value as it travels with a bundle or a log folder: salt, and a JSON value or a file's bytes."""

    seq: int
    path: str
    salt: bytes
    value: Any
    content: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object of docs/spec/bundle.md section 2."""
        head = {"seq": self.seq, "path": self.path, "salt": self.salt.hex()}
        if self.content is None:
            return {**head, "value": self.value}
        return {**head, "content": base64.b64encode(self.content).decode("ascii")}

    def check(self, commitment: str | None, log: str) -> None:
        """Check that the commitment of the entry opens to this value.

        Raises:
            CommitmentMismatch, CommitmentMalformed, CanonicalError
        """
        if commitment is None:
            raise CommitmentMismatch(f"entry {self.seq}: expected a commitment at {self.path}, got none")
        if self.content is None:
            check_value(commitment, log, self.path, self.salt, self.value)
        else:
            check_bytes(commitment, log, self.path, self.salt, self.content)


def parse_opened(value: Any) -> Opened:
    """Read the object that `Opened.to_json` writes.

    Raises:
        CommitmentMalformed: any other shape.
    """
    try:
        rest = value.keys() - {"seq", "path", "salt"}
        seq, path, salt = value["seq"], value["path"], bytes.fromhex(value["salt"])
        content = base64.b64decode(value["content"], validate=True) if rest == {"content"} else None
        again = Opened(seq, path, salt, value.get("value"), content).to_json()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CommitmentMalformed(
            f"opened value: expected seq, path, salt and value, got {error!r}"
        ) from None
    if type(seq) is not int or type(path) is not str or rest not in ({"value"}, {"content"}):
        raise CommitmentMalformed(
            "opened value: expected seq, path, salt and either value or content, got others"
        )
    if again != value:  # the decoders also read capitals, spaces and loose bits
        raise CommitmentMalformed(
            "opened value: expected lower-case hex and strict base64, got another spelling"
        )
    return Opened(seq, path, salt, value.get("value"), content)

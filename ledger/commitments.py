"""Commitments: how an entry points to a value in the vault without telling it. docs/spec/private-values.md section 1.

ProofError
|-- CommitmentMalformed  salt, path or commitment has the wrong shape
`-- CommitmentMismatch   salt and value give another commitment
"""

from __future__ import annotations

import hashlib
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

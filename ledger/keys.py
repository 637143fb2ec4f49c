"""Secret keys of one log, as files that only their owner can read. docs/keys.md: what each is for, what a leak costs.

    <folder>/log-0001.key, log-0002.key ...   Ed25519 seeds, oldest to newest: sign checkpoints
    <folder>/organisation.key                 wraps the data keys of the vault
    <folder>/decision-token.key               HMAC of the stateless nonce-and-expiry token of a decision
    <folder>/credential.key                   Ed25519 seed: signs credentials and their status lists

Each file holds three lines: `tallystick/key/v1`, the purpose, base64 of 32 secret bytes. All are made at once by
`init`, from the injected entropy, so a demo log with one seed has one set of keys. Which log key is in force is said by
the log (`log_opened`, `key_rotated`), never by the files: a key file without its entry signs nothing.

    KeyFileError
    |-- KeysExist          `create` found a folder: keys are never replaced
    |-- KeyMissing         a file is not there: restore the key backup, never make a new one for an old log
    |-- KeyExposed         another user may read or replace it: chmod, and think of rotating it
    `-- KeyFileMalformed   the file is not what `create` wrote
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ledger.checkpoints import LOG_KEY, KeyList
from ledger.durable import create_file, sync_folder
from ledger.ed25519 import Ed25519Signer
from ledger.entries import Draft
from ledger.entropy import Entropy
from ledger.errors import LedgerError
from ledger.notes import ED25519, VerifierKey, check_key_name, decode_base64, encode_base64

SECRET_SIZE_BYTES = 32
KEY_FILE_SIZE_MAX_BYTES = 1_024
LOG_KEYS_MAX_COUNT = 9_999
ORGANISATION_KEY = "organisation"
DECISION_TOKEN_KEY = "decision-token"
CREDENTIAL_KEY = "credential"

_HEADER = "tallystick/key/v1"
_LOG_FILE = re.compile(r"log-([0-9]{4})\.key")


class KeyFileError(LedgerError):
    """Keys cannot be made or read. Nothing is signed, sealed or opened until a person mends it."""


class KeysExist(KeyFileError):
    """There are keys already, and keys are never replaced. The caller loads them, or names another folder."""


class KeyMissing(KeyFileError):
    """A key file is not there. Restore it from the key backup: a new one cannot open what the old one sealed."""


class KeyExposed(KeyFileError):
    """Others may read or replace the key. Take the rights away (chmod 600) and consider it leaked."""


class KeyFileMalformed(KeyFileError):
    """The file is not one that `create` wrote. Restore it from the key backup."""


class Signer(Protocol):
    """The log key as the publisher sees it; a remote signer can stand behind it."""

    @property
    def key(self) -> VerifierKey:
        """Return the public key, named after the log's origin."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature."""
        ...


class LogSigner:
    """A log key held in this process."""

    def __init__(self, origin: str, seed: bytes) -> None:
        """Raises KeyMalformed: an origin that cannot name a key."""
        check_key_name(origin)
        self._signer = Ed25519Signer(seed)
        self._key = VerifierKey(origin, ED25519, self._signer.public_key)

    @property
    def key(self) -> VerifierKey:
        """Return the public key, named after the log's origin."""
        return self._key

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature; the same message gives the same bytes."""
        return self._signer.sign(message)


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one log. `log_signers` are oldest to newest; repr shows none of the secrets."""

    organisation: bytes = field(repr=False)
    decision_token: bytes = field(repr=False)
    credential: bytes = field(repr=False)
    log_signers: tuple[Signer, ...]

    def signer_of(self, key: VerifierKey) -> Signer:
        """Return the signer that holds this public key.

        Raises:
            KeyMissing: no key file holds it.
        """
        for signer in self.log_signers:
            if signer.key == key:
                return signer
        held = ", ".join(signer.key.key_id.hex() for signer in self.log_signers)
        raise KeyMissing(
            f"log key of {key.name}: expected a key file of {key.key_id.hex()}, got only [{held}]"
        )


class KeyFolder:
    """The key files of one log in a folder of their own."""

    def __init__(self, folder: Path, origin: str) -> None:
        """Name the folder; nothing is read or made yet."""
        self._folder = folder
        self._origin = origin

    def exists(self) -> bool:
        """Return whether the folder is there at all."""
        return self._folder.is_dir()

    def create(self, entropy: Entropy) -> Keys:
        """Make all keys of a new log: all or none, whenever the machine stops.

        Raises:
            KeysExist: the folder is there.
            OSError: disk full, no permission.
        """
        # Built beside its place and moved as a whole: a half-made set would be taken for lost keys. A crash before the
        # move leaves a folder `.incoming` that the next try throws away; nothing was ever signed or sealed with it.
        if self._folder.exists():
            raise KeysExist(f"keys: expected no folder {self._folder}, got one")
        incoming = self._folder.with_name(f".{self._folder.name}.incoming")
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(mode=0o700, parents=True)
        for name, purpose in (
            (_log_file(1), LOG_KEY),
            (f"{ORGANISATION_KEY}.key", ORGANISATION_KEY),
            (f"{DECISION_TOKEN_KEY}.key", DECISION_TOKEN_KEY),
            (f"{CREDENTIAL_KEY}.key", CREDENTIAL_KEY),
        ):
            create_file(incoming / name, _to_bytes(purpose, entropy.token(SECRET_SIZE_BYTES)))
        os.rename(incoming, self._folder)
        sync_folder(self._folder.parent)
        return self.load()

    def load(self) -> Keys:
        """Read all keys.

        Raises:
            KeyMissing, KeyExposed, KeyFileMalformed
        """
        return Keys(
            organisation=self._read(f"{ORGANISATION_KEY}.key", ORGANISATION_KEY),
            decision_token=self._read(f"{DECISION_TOKEN_KEY}.key", DECISION_TOKEN_KEY),
            credential=self._read(f"{CREDENTIAL_KEY}.key", CREDENTIAL_KEY),
            log_signers=tuple(
                LogSigner(self._origin, self._read(_log_file(number), LOG_KEY))
                for number in range(1, max(1, self._newest_log_key()) + 1)
            ),
        )

    def next_log_key(self, entropy: Entropy, keys: KeyList) -> Signer:
        """Make the key that a rotation will bring into force; `keys` is the list that the log says now.

        A key file that no entry names yet is left from a try that crashed before its entry: it is used, not doubled.

        Raises:
            KeyFileError: as `load`; or the newest file number is used up.
        """
        newest = self.load().log_signers[-1]
        if all(newest.key != span.key for span in keys.spans):
            return newest
        number = self._newest_log_key() + 1
        if number > LOG_KEYS_MAX_COUNT:
            raise KeyFileError(f"log keys: expected at most {LOG_KEYS_MAX_COUNT}, got one more")
        create_file(self._folder / _log_file(number), _to_bytes(LOG_KEY, entropy.token(SECRET_SIZE_BYTES)))
        return self.load().log_signers[-1]

    def _newest_log_key(self) -> int:
        if not self._folder.is_dir():
            raise KeyMissing(f"keys: expected the folder {self._folder}, got none")
        rights = stat.S_IMODE(self._folder.stat().st_mode)
        if rights & 0o022:
            raise KeyExposed(
                f"{self._folder}: expected a folder only its owner may write (0700), got {rights:04o}"
            )
        numbers = (_LOG_FILE.fullmatch(path.name) for path in self._folder.iterdir())
        return max((int(match[1]) for match in numbers if match), default=0)

    def _read(self, name: str, purpose: str) -> bytes:
        path = self._folder / name
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise KeyMissing(f"{purpose} key: expected {path}, got no such file") from None
        except OSError as error:
            raise KeyFileMalformed(
                f"{purpose} key {path}: expected a readable file, got {error.strerror}"
            ) from None
        with file:
            status = os.fstat(file.fileno())
            rights = stat.S_IMODE(status.st_mode)
            if rights & 0o077:
                raise KeyExposed(f"{path}: expected a file only its owner may read (0600), got {rights:04o}")
            if status.st_uid not in (os.geteuid(), 0):
                raise KeyExposed(
                    f"{path}: expected a file of user {os.geteuid()}, got one of user {status.st_uid}"
                )
            data = file.read(KEY_FILE_SIZE_MAX_BYTES + 1)
        lines = data.decode("ascii", "replace").split("\n")
        secret = decode_base64(lines[2]) if len(lines) == 4 else None
        if secret is None or len(secret) != SECRET_SIZE_BYTES or data != _to_bytes(purpose, secret):
            # The content is never shown: it may be a key with one wrong character.
            raise KeyFileMalformed(
                f"{path}: expected a {purpose} key of {SECRET_SIZE_BYTES} bytes, got other content"
            )
        return secret


def rotation_draft(keys: KeyList, new: Signer) -> Draft:
    """Return the entry that brings `new` into force; the next checkpoint is signed by both keys (`also_due`)."""
    body = {"purpose": LOG_KEY, "old": keys.spans[-1].key.vkey(), "new": new.key.vkey()}
    return Draft("key_rotated", None, body)


def signers_due(held: Keys, keys: KeyList, last_size: int, size: int) -> Sequence[Signer]:
    """Return who must sign a checkpoint of `size` after one of `last_size`: the key in force, and one it replaced.

    Raises:
        KeyMissing: a key file is not there.
    """
    return [held.signer_of(key) for key in (keys.in_force(size), *keys.also_due(last_size, size))]


def _log_file(number: int) -> str:
    return f"log-{number:04d}.key"


def _to_bytes(purpose: str, secret: bytes) -> bytes:
    return f"{_HEADER}\n{purpose}\n{encode_base64(secret)}\n".encode()

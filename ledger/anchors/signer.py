"""The keys that sign for a chain, each in an encrypted file of its own. docs/keys.md: what a leak of each costs.

    anchor key   signs checkpoints (EIP-712); holds nothing
    payer        pays for gas and sends; holds gas money only
    owner        opens, rotates, supersedes; kept away from the server

A keystore is version 3 of the format that wallets share (scrypt, AES-128-CTR); its password is the first line of
another file. Both must be readable by their owner alone. Neither password nor key is ever in the environment, in an
error or in a log. A remote signer (a KMS, a hardware module) can stand behind the same protocol.

    LedgerError
    `-- SignerError          nothing is signed until a person mends it
        |-- KeystoreMissing  no such file: keystore or password
        |-- KeystoreExposed  others may read it: chmod 600, and think of another key
        |-- KeystoreRefused  not a keystore of version 3, or its limits are absurd
        |-- PasswordWrong    the password does not open it
        `-- KeystoreExists   `create_keystore` found a file: keys are never replaced
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson
from eth_hash.auto import keccak

from ledger.durable import create_file
from ledger.entropy import Entropy
from ledger.errors import LedgerError

KEYSTORE_SIZE_MAX_BYTES = 16_384
PASSWORD_SIZE_MIN_CHARACTERS = 12
SCRYPT_ITERATIONS = 2**18
"""The format's usual cost: most of a second and 256 MiB."""
SCRYPT_ITERATIONS_MAX = 2**20
# The order of secp256k1 (SEC 2, section 2.4.1): a secret lies in 1 .. order - 1.
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class SignerError(LedgerError):
    """Nothing can be signed. The operator mends the files named; no secret is shown."""


class KeystoreMissing(SignerError):
    """A keystore or password file is not there."""


class KeystoreExposed(SignerError):
    """Others may read the file. Take the rights away (chmod 600) and consider it leaked."""


class KeystoreRefused(SignerError):
    """The file is not a keystore of version 3 with sane limits. Restore it from the key backup."""


class PasswordWrong(SignerError):
    """The password does not open the keystore."""


class KeystoreExists(SignerError):
    """There is a file already; keys are never replaced."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Signed bytes, ready to be sent, and their hash: `0x` and 64 hex digits, lower case."""

    raw: bytes
    tx_hash: str


class Signer(Protocol):
    """One key, wherever it is held."""

    @property
    def address(self) -> str:
        """The address, lower case with `0x`."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r, s, v (65 bytes, low s, v 27 or 28) over a 32-byte digest."""
        ...

    def sign_transaction(self, fields: Mapping[str, Any]) -> SignedTransaction:
        """Sign an EIP-1559 transaction given as its fields."""
        ...


class LocalSigner:
    """A key held in this process. It has no repr of its own and shows nothing of the secret."""

    def __init__(self, secret: bytes) -> None:
        """Take 32 secret bytes. Raises KeystoreRefused: not a secret of the curve."""
        # Imported here: half a second, and only whoever signs for a chain needs it.
        from eth_account import Account

        if len(secret) != 32 or not 0 < int.from_bytes(secret, "big") < _ORDER:
            raise KeystoreRefused("key: expected a secret of secp256k1 in 32 bytes, got another value")
        self._account: Any = Account.from_key(secret)
        self._address = str(self._account.address).lower()

    @property
    def address(self) -> str:
        """The address, lower case with `0x`."""
        return self._address

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r, s, v; the same digest gives the same bytes (RFC 6979)."""
        if len(digest) != 32:
            raise ValueError(f"digest: expected 32 bytes, got {len(digest)}")
        return bytes(self._account.unsafe_sign_hash(digest).signature)

    def sign_transaction(self, fields: Mapping[str, Any]) -> SignedTransaction:
        """Sign; the same fields give the same bytes."""
        signed = self._account.sign_transaction(dict(fields))
        return SignedTransaction(bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex())


def checksummed(address: str) -> str:
    """Return an address as EIP-55 writes it: libraries that sign and encode take no other."""
    text = address.removeprefix("0x").lower()
    digest = keccak(text.encode()).hex()
    return "0x" + "".join(
        letter.upper() if int(nibble, 16) > 7 else letter
        for letter, nibble in zip(text, digest, strict=False)
    )


def load_keystore(path: Path, password_file: Path) -> LocalSigner:
    """Open a keystore. Takes most of a second: async callers use a thread.

    Raises:
        KeystoreMissing, KeystoreExposed, KeystoreRefused, PasswordWrong
    """
    stored = _read_keystore(path)
    password = _read_password(password_file)
    from eth_keyfile.keyfile import decode_keyfile_json  # imported here, as in LocalSigner

    try:
        secret = decode_keyfile_json(stored, password)
    except ValueError as error:
        if "MAC" in str(error):
            raise PasswordWrong(
                f"{path}: expected the password in {password_file} to open it, it does not"
            ) from None
        raise KeystoreRefused(
            f"{path}: expected a keystore of version 3, got one that cannot be read"
        ) from None
    except (KeyError, TypeError, AttributeError, NotImplementedError, MemoryError):
        raise KeystoreRefused(
            f"{path}: expected a keystore of version 3, got one that cannot be read"
        ) from None
    signer = LocalSigner(secret)
    named = str(stored.get("address", "")).lower().removeprefix("0x")
    if named and named != signer.address[2:]:
        raise KeystoreRefused(f"{path}: expected the key of 0x{named[:40]}, got that of {signer.address}")
    return signer


def keystore_address(path: Path) -> str:
    """Return the address that a keystore says it holds, without opening it.

    Raises:
        KeystoreMissing, KeystoreExposed, KeystoreRefused
    """
    named = str(_read_keystore(path).get("address", "")).lower().removeprefix("0x")
    if len(named) != 40 or any(letter not in "0123456789abcdef" for letter in named):
        raise KeystoreRefused(f"{path}: expected an address in it, got none")
    return "0x" + named


def create_keystore(
    path: Path, password_file: Path, entropy: Entropy, iterations: int = SCRYPT_ITERATIONS
) -> LocalSigner:
    """Draw a key and write it, encrypted, readable by its owner alone; a file that is there stays.

    Raises:
        KeystoreExists, KeystoreMissing, KeystoreExposed, KeystoreRefused
        OSError: disk full, no permission.
    """
    password = _read_password(password_file)
    from eth_keyfile.keyfile import create_keyfile_json  # imported here, as in LocalSigner

    secret = entropy.token(32)
    signer = LocalSigner(secret)
    made = create_keyfile_json(secret, password, kdf="scrypt", iterations=iterations)
    try:
        create_file(path, orjson.dumps(made, option=orjson.OPT_SORT_KEYS) + b"\n")
    except FileExistsError:
        raise KeystoreExists(f"keystore: expected no file {path}, got one") from None
    return signer


def _read_keystore(path: Path) -> dict[str, Any]:
    try:
        stored: Any = orjson.loads(_read_private(path, "keystore"))
        # What a file asks for in work and memory is bounded before it is done.
        known = stored["version"] == 3 and stored["crypto"]["kdf"] == "scrypt"
        known = known and stored["crypto"]["cipher"] == "aes-128-ctr"
        parameters = stored["crypto"]["kdfparams"]
        work = parameters["n"] * parameters["r"] * parameters["p"] if known else 0
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise KeystoreRefused(f"{path}: expected a keystore of version 3, got other content") from None
    if type(work) is not int or not 0 < work <= SCRYPT_ITERATIONS_MAX * 8:
        raise KeystoreRefused(
            f"{path}: expected version 3 with scrypt of at most n = {SCRYPT_ITERATIONS_MAX}, got another"
        )
    return dict(stored)


def _read_password(path: Path) -> bytes:
    password = _read_private(path, "password file").split(b"\n")[0].rstrip(b"\r")
    if len(password) < PASSWORD_SIZE_MIN_CHARACTERS:
        raise KeystoreRefused(
            f"{path}: expected a password of at least {PASSWORD_SIZE_MIN_CHARACTERS} characters in its first line, "
            "got a shorter one"
        )
    return password


def _read_private(path: Path, what: str) -> bytes:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise KeystoreMissing(f"{what}: expected {path}, got no such file") from None
    except OSError as error:
        raise KeystoreRefused(f"{what} {path}: expected a readable file, got {error.strerror}") from None
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise KeystoreRefused(f"{what} {path}: expected a file, got something else")
        rights = stat.S_IMODE(status.st_mode)
        if rights & 0o077:
            raise KeystoreExposed(f"{path}: expected a file only its owner may read (0600), got {rights:04o}")
        data = file.read(KEYSTORE_SIZE_MAX_BYTES + 1)
    if len(data) > KEYSTORE_SIZE_MAX_BYTES:
        raise KeystoreRefused(f"{what} {path}: expected at most {KEYSTORE_SIZE_MAX_BYTES} bytes, got more")
    return data

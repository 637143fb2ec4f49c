"""Keys in encrypted files: who opens them, who does not, and that nobody sees the secret."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from ledger.anchors.signer import (
    KeystoreExists,
    KeystoreExposed,
    KeystoreMissing,
    KeystoreRefused,
    LocalSigner,
    PasswordWrong,
    checksummed,
    create_keystore,
    keystore_address,
    load_keystore,
)
from ledger.entropy import SeededEntropy

PASSWORD = "correct horse battery"
CHEAP = 2**10
"""Of scrypt, so that the tests take no time; `load_keystore` takes what the file says."""


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def password(tmp_path: Path) -> Path:
    return private(tmp_path / "password", PASSWORD + "\nsecond line\n")


@pytest.fixture
def keystore(tmp_path: Path, password: Path) -> Path:
    create_keystore(tmp_path / "payer.json", password, SeededEntropy("key"), CHEAP)
    return tmp_path / "payer.json"


def test_a_key_comes_back_and_other_wallets_read_the_file(keystore: Path, password: Path) -> None:
    signer = load_keystore(keystore, password)
    assert os.stat(keystore).st_mode & 0o777 == 0o600
    assert keystore_address(keystore) == signer.address
    secret = Account.decrypt(json.loads(keystore.read_text()), PASSWORD)
    assert bytes(secret) == SeededEntropy("key").token(32)
    assert Account.from_key(secret).address == checksummed(signer.address)
    assert bytes(secret).hex() not in keystore.read_text() + repr(signer) + str(vars(signer).keys())


def test_what_is_signed_is_from_the_key(keystore: Path, password: Path) -> None:
    signer = load_keystore(keystore, password)
    digest = b"\x05" * 32
    signature = signer.sign_digest(digest)
    assert len(signature) == 65 and signature[64] in (27, 28)
    assert Account._recover_hash(digest, signature=signature).lower() == signer.address
    fields = {"type": 2, "chainId": 1, "nonce": 0, "to": checksummed(signer.address), "value": 0, "data": b"",
              "gas": 21000, "maxFeePerGas": 2, "maxPriorityFeePerGas": 1}  # fmt: skip
    signed = signer.sign_transaction(fields)
    assert Account.recover_transaction(signed.raw).lower() == signer.address
    assert signed == signer.sign_transaction(fields)
    with pytest.raises(ValueError, match="expected 32 bytes, got 31"):
        signer.sign_digest(b"\x05" * 31)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(0o700)


def _text(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def _edited(change: Callable[[Any], object]) -> Callable[[Path], object]:
    def edit(path: Path) -> None:
        stored = json.loads(path.read_text())
        change(stored)
        path.write_text(json.dumps(stored))

    return edit


def _crypto(**values: object) -> Callable[[Path], object]:
    return _edited(lambda stored: stored["crypto"].update(values))


def _kdf(**values: object) -> Callable[[Path], object]:
    return _edited(lambda stored: stored["crypto"]["kdfparams"].update(values))


BROKEN: tuple[tuple[str, Callable[[Path], object], type[Exception], str], ...] = (
    ("gone", lambda path: path.unlink(), KeystoreMissing, "no such file"),
    ("readable by the group", lambda path: path.chmod(0o640), KeystoreExposed, r"\(0600\), got 0640"),
    ("readable by all", lambda path: path.chmod(0o604), KeystoreExposed, r"\(0600\), got 0604"),
    ("a folder", _as_folder, KeystoreRefused, "expected a"),
    ("empty", _text(""), KeystoreRefused, "version 3"),
    ("no JSON", _text("{"), KeystoreRefused, "version 3"),
    ("a list", _text("[]"), KeystoreRefused, "version 3"),
    ("huge", _text(" " * 20_000), KeystoreRefused, "16384 bytes"),
    ("version 1", _edited(lambda stored: stored.update(version=1)), KeystoreRefused, "scrypt"),
    ("another kdf", _crypto(kdf="pbkdf2"), KeystoreRefused, "scrypt"),
    ("absurd work", _kdf(n=2**40), KeystoreRefused, "at most n"),
    ("work in floats", _kdf(n=1.5), KeystoreRefused, "scrypt"),
    ("no power of two", _kdf(n=1000), KeystoreRefused, "cannot be read"),
    (
        "no salt",
        _edited(lambda stored: stored["crypto"]["kdfparams"].pop("salt")),
        KeystoreRefused,
        "be read",
    ),
    ("another cipher", _crypto(cipher="rot13"), KeystoreRefused, "version 3"),
    ("cipher text changed", _crypto(ciphertext="00" * 32), PasswordWrong, "password"),
    (
        "another address",
        _edited(lambda stored: stored.update(address="00" * 20)),
        KeystoreRefused,
        "key of 0x00",
    ),
)


@pytest.mark.parametrize(("what", "change", "error", "said"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_keystore_that_is_not_as_made_is_refused(
    what: str,
    change: Callable[[Path], object],
    error: type[Exception],
    said: str,
    keystore: Path,
    password: Path,
) -> None:
    change(keystore)
    with pytest.raises(error, match=said) as caught:
        load_keystore(keystore, password)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("another password\n", PasswordWrong, "does not"),
        (PASSWORD + " \n", PasswordWrong, "does not"),
        ("tiny5\n", KeystoreRefused, "at least 12 characters"),
        ("", KeystoreRefused, "at least 12 characters"),
    ],
)
def test_another_password_opens_nothing(
    text: str, error: type[Exception], said: str, keystore: Path, password: Path
) -> None:
    private(password, text)
    with pytest.raises(error, match=said) as caught:
        load_keystore(keystore, password)
    assert not text.strip() or text.strip() not in str(caught.value)


def test_a_password_that_others_may_read_is_refused(keystore: Path, password: Path) -> None:
    password.chmod(0o644)
    with pytest.raises(KeystoreExposed, match="0644"):
        load_keystore(keystore, password)
    password.unlink()
    with pytest.raises(KeystoreMissing, match="password file"):
        load_keystore(keystore, password)


def test_a_key_is_never_replaced(keystore: Path, password: Path) -> None:
    before = keystore.read_bytes()
    with pytest.raises(KeystoreExists):
        create_keystore(keystore, password, SeededEntropy("other"), CHEAP)
    assert keystore.read_bytes() == before


@pytest.mark.parametrize("secret", [b"", b"\x00" * 32, b"\xff" * 32, b"\x01" * 31, b"\x01" * 33])
def test_a_secret_outside_the_curve_is_refused(secret: bytes) -> None:
    with pytest.raises(KeystoreRefused, match="secp256k1"):
        LocalSigner(secret)

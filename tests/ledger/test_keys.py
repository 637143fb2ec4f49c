"""Key files: made once and whole, read only while nobody else can, rotated by the log's own word."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import ed25519
from ledger.checkpoints import KeyList, KeyListMalformed, KeySpan
from ledger.entries import Actor, Entry, check_body
from ledger.entropy import SeededEntropy
from ledger.keys import (
    KeyExposed,
    KeyFileError,
    KeyFileMalformed,
    KeyFolder,
    KeyMissing,
    KeysExist,
    LogSigner,
    rotation_draft,
    signers_due,
)
from ledger.notes import KeyMalformed, parse_vkey

ORIGIN = "tallystick.example/keys-7f"
FILES = ["credential.key", "decision-token.key", "log-0001.key", "organisation.key"]


def _folder(tmp_path: Path, seed: str = "keys") -> KeyFolder:
    folder = KeyFolder(tmp_path / "keys", ORIGIN)
    folder.create(SeededEntropy(seed))
    return folder


def test_create_makes_every_key_for_its_owner_only(tmp_path: Path) -> None:
    keys = _folder(tmp_path).load()
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == FILES
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert len({keys.organisation, keys.decision_token}) == 2
    (signer,) = keys.log_signers
    assert parse_vkey(signer.key.vkey()).name == ORIGIN
    ed25519.verify(signer.key.public_key, b"message", signer.sign(b"message"))


def test_the_same_seed_makes_the_same_keys_and_another_seed_others(tmp_path: Path) -> None:
    one, two, other = (
        _folder(tmp_path / name, seed).load() for name, seed in [("a", "s"), ("b", "s"), ("c", "t")]
    )
    assert one.organisation == two.organisation != other.organisation
    assert one.log_signers[0].key == two.log_signers[0].key != other.log_signers[0].key


def test_secrets_do_not_show_in_repr(tmp_path: Path) -> None:
    keys = _folder(tmp_path).load()
    assert repr(keys.organisation) not in repr(keys) and repr(keys.decision_token) not in repr(keys)


def test_create_fails_if_keys_exist(tmp_path: Path) -> None:
    before = _folder(tmp_path).load()
    with pytest.raises(KeysExist, match="expected no folder"):
        KeyFolder(tmp_path / "keys", ORIGIN).create(SeededEntropy("other"))
    assert KeyFolder(tmp_path / "keys", ORIGIN).load().organisation == before.organisation


@pytest.mark.parametrize("nth", range(1, 12))
def test_create_makes_all_or_nothing_whenever_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    calls = 0
    real = os.fsync

    def stops(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= nth:
            raise OSError(28, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stops)
        try:
            KeyFolder(tmp_path / "keys", ORIGIN).create(SeededEntropy("x"))
        except OSError:
            pass
    if (tmp_path / "keys").exists():
        KeyFolder(tmp_path / "keys", ORIGIN).load()
    else:
        KeyFolder(tmp_path / "keys", ORIGIN).create(SeededEntropy("y"))
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == FILES


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("rights", [0o644, 0o640, 0o604, 0o620])
def test_load_fails_if_others_may_read_or_write_a_key(tmp_path: Path, name: str, rights: int) -> None:
    folder = _folder(tmp_path)
    (tmp_path / "keys" / name).chmod(rights)
    with pytest.raises(KeyExposed, match=rf"expected .*0600\), got {rights:04o}"):
        folder.load()


def test_load_fails_if_others_may_replace_a_key(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (tmp_path / "keys").chmod(0o777)
    with pytest.raises(KeyExposed, match="0777"):
        folder.load()


@pytest.mark.parametrize("name", FILES)
def test_load_fails_if_a_key_is_missing(tmp_path: Path, name: str) -> None:
    folder = _folder(tmp_path)
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(KeyMissing, match=name):
        folder.load()


def test_load_fails_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing):
        KeyFolder(tmp_path / "keys", ORIGIN).load()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.replace("v1", "v2"),
        lambda text: text.replace("organisation", "log"),
        lambda text: text.replace("=", ""),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n".join([*text.split("\n")[:2], "c2hvcnQ=", ""]),
        lambda text: text + "x" * 5000,
    ],
)
def test_load_fails_on_other_content_and_does_not_show_it(
    tmp_path: Path, damage: Callable[[str], str]
) -> None:
    folder = _folder(tmp_path)
    path = tmp_path / "keys" / "organisation.key"
    secret = path.read_text().split("\n")[2]
    path.write_text(damage(path.read_text()))
    with pytest.raises(KeyFileMalformed, match="expected a organisation key") as error:
        folder.load()
    assert secret[:20] not in str(error.value)


def test_a_key_file_that_is_a_folder_is_malformed(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (tmp_path / "keys" / "organisation.key").unlink()
    (tmp_path / "keys" / "organisation.key").mkdir()
    with pytest.raises(KeyFileError):
        folder.load()


def test_an_origin_that_cannot_name_a_key_is_refused() -> None:
    with pytest.raises(KeyMalformed):
        LogSigner("two words", bytes(32))


# ---------------------------------------------------------------------------------------------- rotation
def _list(folder: KeyFolder) -> KeyList:
    return KeyList((KeySpan(1, folder.load().log_signers[0].key),))


def _appended(keys: KeyList, folder: KeyFolder, entropy: SeededEntropy, seq: int) -> KeyList:
    draft = rotation_draft(keys, folder.next_log_key(entropy, keys))
    check_body(draft.kind, draft.body, draft.private)
    entry = Entry(
        1,
        ORIGIN,
        seq,
        "2026-11-23T16:10:00.000Z",
        draft.kind,
        Actor("m", "owner", "cli"),
        None,
        draft.body,
        {},
        "",
        "",
    )
    return keys.extended(entry)


def test_rotation_brings_the_new_key_into_force_after_its_entry(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    keys = _appended(_list(folder), folder, SeededEntropy("next"), seq=9)
    held = folder.load()
    old, new = held.log_signers
    assert signers_due(held, keys, 5, 9) == [old]
    assert signers_due(held, keys, 9, 10) == [new, old]  # the first checkpoint over the rotation: both
    assert signers_due(held, keys, 10, 11) == [new]


def test_a_key_file_without_its_entry_signs_nothing_and_is_used_by_the_next_try(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    keys = _list(folder)
    left = folder.next_log_key(SeededEntropy("crashed"), keys)
    assert [signer.key for signer in signers_due(folder.load(), keys, 9, 10)] == [keys.spans[0].key]
    assert folder.next_log_key(SeededEntropy("again"), keys).key == left.key
    assert len(folder.load().log_signers) == 2


def test_signing_fails_if_the_key_in_force_is_not_held(tmp_path: Path) -> None:
    folder, elsewhere = _folder(tmp_path / "a", "a"), _folder(tmp_path / "b", "b")
    with pytest.raises(KeyMissing, match="expected a key file of"):
        signers_due(folder.load(), _list(elsewhere), 0, 1)


def test_the_log_refuses_a_rotation_from_a_key_that_is_not_in_force(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    first = _list(folder)
    keys = _appended(first, folder, SeededEntropy("2"), seq=3)
    draft = rotation_draft(first, folder.load().log_signers[1])
    entry = Entry(
        1,
        ORIGIN,
        4,
        "2026-11-23T16:10:00.000Z",
        draft.kind,
        Actor("m", "owner", "cli"),
        None,
        draft.body,
        {},
        "",
        "",
    )
    with pytest.raises(KeyListMalformed):
        keys.extended(entry)

"""Blobs: durable, addressed by their ciphertext, and no way out of the folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ledger.blobs import BlobAddressRefused, BlobDamaged, BlobMissing, BlobTooLarge, FolderBlobs

ABSENT = "0" * 64


def test_put_then_get_gives_the_same_bytes_under_their_digest(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    address = blobs.put(b"ciphertext")
    assert address == hashlib.sha256(b"ciphertext").hexdigest()
    assert blobs.get(address) == b"ciphertext"
    assert list(blobs.digests()) == [address]


def test_put_again_is_no_error_and_repairs_damage(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    address = blobs.put(b"ciphertext")
    _file_of(tmp_path, address).write_bytes(b"ciphertexT")
    assert blobs.put(b"ciphertext") == address
    assert blobs.get(address) == b"ciphertext"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "g" * 64,
        "a" * 62 + "/.",
        "a" * 64 + "\n",
    ],
)
def test_an_address_that_is_no_digest_is_refused_before_the_file_system(tmp_path: Path, address: str) -> None:
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(BlobAddressRefused, match="expected 64"):
        blobs.get(address)
    with pytest.raises(BlobAddressRefused, match="expected 64"):
        blobs.delete(address)


def test_get_fails_if_nothing_lies_there(tmp_path: Path) -> None:
    with pytest.raises(BlobMissing, match=ABSENT):
        FolderBlobs(tmp_path).get(ABSENT)


def test_get_fails_if_a_byte_changed(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    address = blobs.put(b"ciphertext")
    _file_of(tmp_path, address).write_bytes(b"ciphertexT")
    with pytest.raises(BlobDamaged, match="expected digest"):
        blobs.get(address)


def test_get_follows_no_link_and_opens_no_pipe(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    outside = tmp_path / "outside"
    outside.write_bytes(b"ciphertext")
    address = blobs.put(b"ciphertext")
    place = _file_of(tmp_path / "blobs", address)
    place.unlink()
    place.symlink_to(outside)
    with pytest.raises(BlobDamaged):
        blobs.get(address)
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(BlobDamaged):
        blobs.get(address)


def test_too_many_bytes_are_refused_on_both_ways(tmp_path: Path) -> None:
    with pytest.raises(BlobTooLarge, match="at most 4 bytes, got 5"):
        FolderBlobs(tmp_path, size_max_bytes=4).put(b"12345")
    address = FolderBlobs(tmp_path).put(b"12345")
    with pytest.raises(BlobDamaged, match="at most 4 bytes"):
        FolderBlobs(tmp_path, size_max_bytes=4).get(address)


def test_delete_destroys_once(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    address = blobs.put(b"ciphertext")
    assert blobs.delete(address) is True
    assert blobs.delete(address) is False
    assert list(blobs.digests()) == []


def test_blobs_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    address = blobs.put(b"ciphertext")
    assert _file_of(tmp_path / "blobs", address).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "blobs").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_no_blob_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put(b"makes the folders" * 3)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    address = hashlib.sha256(b"ciphertext").hexdigest()
    with monkeypatch.context() as patch:
        patch.setattr(os, failing, full)
        with pytest.raises(OSError, match="No space"):
            blobs.put(b"ciphertext")
    with pytest.raises(BlobMissing):
        blobs.get(address)
    assert not list(tmp_path.glob("**/*.incoming"))


def test_sweep_removes_only_old_half_written_files(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    address = blobs.put(b"ciphertext")
    rest = tmp_path / address[:2] / ".x.1.2.3.incoming"
    rest.write_bytes(b"ciph")
    os.utime(rest, (1000, 1000))
    assert blobs.sweep_incoming(older_than_unix_seconds=1000) == 0
    assert blobs.sweep_incoming(older_than_unix_seconds=1001) == 1
    assert list(blobs.digests()) == [address]


def _file_of(folder: Path, address: str) -> Path:
    return folder / address[:2] / address[2:]

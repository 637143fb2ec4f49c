"""Sealed files too large for a database row, addressed by the SHA-256 of their ciphertext.

The address says nothing about the plain file: two people who hold the same document cannot find each other's copy by
its digest. A blob is written before the command that refers to it; a crash in between leaves ciphertext whose key was
never stored, which nobody can read and `digests` lets a sweep find.

    BlobError
    |-- BlobAddressRefused   the address is not 64 lower-case hex digits
    |-- BlobTooLarge         more bytes than this store takes
    |-- BlobMissing          nothing lies there
    `-- BlobDamaged          the bytes there have another digest
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ledger.durable import INCOMING_SUFFIX, replace_file, sync_folder
from ledger.errors import LedgerError

BLOB_SIZE_MAX_BYTES = 32 * 1024 * 1024

_ADDRESS = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[0-9a-f]{2}")


class BlobError(LedgerError):
    """A blob cannot be stored or read. Nothing was changed."""


class BlobAddressRefused(BlobError):
    """The address is not 64 lower-case hex digits: it never reaches the file system."""


class BlobTooLarge(BlobError):
    """More bytes than this store takes. The caller sends a smaller file."""


class BlobMissing(BlobError):
    """Nothing lies at this address: it was erased, or the store is not the one the log was written with."""


class BlobDamaged(BlobError):
    """The bytes at this address have another digest. The caller restores the blob from a backup."""


class BlobStore(Protocol):
    """Where ciphertext lies. Calls block (disk or network): async callers use a thread."""

    def put(self, ciphertext: bytes) -> str:
        """Store durably and return the address, hex SHA-256 of `ciphertext`. Raises BlobTooLarge, OSError."""
        ...

    def get(self, address: str) -> bytes:
        """Return the bytes, checked against the address. Raises BlobMissing, BlobDamaged, BlobAddressRefused."""
        ...

    def delete(self, address: str) -> bool:
        """Destroy the bytes durably; False when nothing lay there. Raises BlobAddressRefused."""
        ...

    def digests(self) -> Iterator[str]:
        """Return all addresses held, in ascending order."""
        ...


class FolderBlobs:
    """Blobs in a local folder: `<folder>/<first two hex>/<other 62>`, mode 0600."""

    def __init__(self, folder: Path, size_max_bytes: int = BLOB_SIZE_MAX_BYTES) -> None:
        """Use `folder`, making it when it is not there. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._size_max_bytes = size_max_bytes

    def put(self, ciphertext: bytes) -> str:
        """Store durably and return the address. Storing the same bytes again repairs what lies there."""
        if len(ciphertext) > self._size_max_bytes:
            raise BlobTooLarge(f"blob: expected at most {self._size_max_bytes} bytes, got {len(ciphertext)}")
        address = hashlib.sha256(ciphertext).hexdigest()
        path = self._path(address)
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._folder)
        replace_file(path, ciphertext)
        return address

    def get(self, address: str) -> bytes:
        """Return the bytes, checked against the address."""
        path = self._path(address)
        try:
            # O_NOFOLLOW, O_NONBLOCK: whoever may write into the folder must not make us read elsewhere, or hang.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise BlobMissing(f"blob {address}: expected a file, got none") from None
        except OSError as error:
            raise BlobDamaged(f"blob {address}: expected a readable file, got {error.strerror}") from None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > self._size_max_bytes:
                raise BlobDamaged(
                    f"blob {address}: expected a file of at most {self._size_max_bytes} bytes, got {status.st_size}"
                )
            data = file.read(self._size_max_bytes + 1)
        found = hashlib.sha256(data).hexdigest()
        if found != address:
            raise BlobDamaged(f"blob: expected digest {address}, got {found}")
        return data

    def delete(self, address: str) -> bool:
        """Destroy the bytes durably; False when nothing lay there."""
        path = self._path(address)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        sync_folder(path.parent)
        return True

    def digests(self) -> Iterator[str]:
        """Return all addresses held, in ascending order; other names in the folder are not ours and are left out."""
        for part in sorted(self._folder.iterdir()):
            if not _PART.fullmatch(part.name) or not part.is_dir():
                continue
            for name in sorted(entry.name for entry in part.iterdir()):
                if _ADDRESS.fullmatch(part.name + name):
                    yield part.name + name

    def sweep_incoming(self, older_than_unix_seconds: int) -> int:
        """Remove half-written files of crashed writers last touched before this instant; return how many."""
        count = 0
        for path in self._folder.glob(f"*/.*{INCOMING_SUFFIX}"):
            if path.lstat().st_mtime < older_than_unix_seconds:
                path.unlink(missing_ok=True)
                count += 1
        return count

    def _path(self, address: str) -> Path:
        if not _ADDRESS.fullmatch(address):
            raise BlobAddressRefused(f"blob address: expected 64 lower-case hex digits, got {address[:80]!r}")
        return self._folder / address[:2] / address[2:]

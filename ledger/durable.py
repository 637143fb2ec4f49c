"""Files that survive a power cut: written beside their place, synced, moved into place, folder synced.

A crash before the move leaves a file named `*.incoming` that nobody reads; a crash after it leaves the new file whole.
There is no moment at which the final name holds a half-written file.
"""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

PRIVATE_MODE = 0o600
INCOMING_SUFFIX = ".incoming"

_counter = itertools.count()


def replace_file(path: Path, data: bytes, mode: int = PRIVATE_MODE) -> None:
    """Make `path` hold `data`, whatever it held before.

    Raises:
        OSError: disk full, no permission; the old content, if any, is untouched, unless only the last sync failed.
    """
    incoming = _write_incoming(path, data, mode)
    try:
        os.replace(incoming, path)
    except OSError:
        incoming.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def create_file(path: Path, data: bytes, mode: int = PRIVATE_MODE) -> None:
    """Make `path` hold `data`; a file that is there already stays as it is.

    Raises:
        FileExistsError: `path` exists.
        OSError: disk full, no permission.
    """
    incoming = _write_incoming(path, data, mode)
    try:
        os.link(incoming, path)  # unlike a rename, a link never replaces
    finally:
        incoming.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: without this a rename may be lost although the file was synced."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_incoming(path: Path, data: bytes, mode: int) -> Path:
    # Process, thread and a counter: two writers of one path never share a name, so no random numbers are needed.
    mark = f"{os.getpid()}.{threading.get_ident()}.{next(_counter)}"
    incoming = path.with_name(f".{path.name}.{mark}{INCOMING_SUFFIX}")
    handle = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError:
        incoming.unlink(missing_ok=True)
        raise
    return incoming

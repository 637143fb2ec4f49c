"""Where a demo is made: in a folder beside its place, by one process, put in place whole.

    harbour.making/   locked, played into   ->  renamed to harbour/, or its files moved into an empty harbour/

A crash costs the play: the next one clears what is left of it. An empty folder that is there already may be somebody's
working directory or a mounted volume, so it is filled and not replaced; the file that says "a demo is here" comes last.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.venue.files import DEMO_FILE


class PlaceTaken(Exception):
    """No demo can be made there: files are in it, or another process is making one. Nothing was touched."""


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Give an empty folder to play into; what is in it when the block ends well takes the place of `folder`.

    Raises:
        PlaceTaken: says expected and got.
    """
    place = folder.resolve()
    _need_empty(place)  # before a name is made from it: the root folder has none
    beside = place.with_name(f"{place.name}.making")
    beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(beside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle, beside, place)
        _need_empty(place)
        try:
            _clear(beside)
            yield beside
            _put_in_place(beside, place)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    finally:
        os.close(handle)


def _need_empty(place: Path) -> None:
    if place.exists() and not place.is_dir():
        raise PlaceTaken(f"{place}: expected a folder for the demo, got a file")
    if place.is_dir() and any(place.iterdir()):
        raise PlaceTaken(f"{place}: expected a new or empty folder for the demo, got one with files in it")


def _lock(handle: int, beside: Path, place: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.path.samestat(os.fstat(handle), beside.stat())
    except (BlockingIOError, FileNotFoundError):
        ours = False
    if not ours:  # held by another process, or put in place by it just now
        raise PlaceTaken(
            f"{place}: expected nobody else to make a demo there, got another process at it; wait for it, or name"
            " another folder"
        )


def _clear(beside: Path) -> None:
    """Empty the folder and keep the folder itself: it carries the lock."""
    for left in beside.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def _put_in_place(beside: Path, place: Path) -> None:
    if not place.exists():
        beside.rename(place)
        return
    for made in sorted(beside.iterdir(), key=lambda made: made.name == DEMO_FILE):
        shutil.move(made, place / made.name)
    beside.rmdir()

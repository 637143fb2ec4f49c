"""Reading the entry bundles of a log on two processor cores: a second process reads ahead and returns short answers.

Both processes take the lowest bundle that nobody has taken; the answers come in order. What the second process cannot
answer (an unusual bundle, a file that cannot be read, its own death) it leaves to this one, so that no result and no
error depends on it. It runs only where a process can be forked safely: one thread, more than one core.

Memory: the second process holds one bundle, this one at most `ANSWERS_MAX_COUNT` answers besides.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Protocol, runtime_checkable

from ledger.errors import BundleError, ProofError
from ledger.reading import QuickReader, Run
from ledger.tiles import TILE_WIDTH, perfect_hash

BUNDLES_MIN_COUNT = 32
"""With fewer, starting a process costs more than it saves."""

ANSWERS_MAX_COUNT = 8
STOP_SECONDS_MAX = 10

ReadBundle = Callable[[int], Sequence[bytes] | None]
"""index -> the entries of a bundle, or None after the last."""


@runtime_checkable
class Bundled(Protocol):
    """A source of the audit whose entries can be asked for 256 at a time."""

    def bundle(self, index: int) -> Sequence[bytes] | None:
        """Return the entries of a bundle; None if it is missing. Raises ProofError, BundleError, OSError."""
        ...


def is_worth_it(size: int | None) -> bool:
    """Say whether a second process can be started here and has enough to do for a log of this size."""
    return (
        size is not None
        and size >= BUNDLES_MIN_COUNT * TILE_WIDTH
        and (os.cpu_count() or 1) > 1
        and "fork" in multiprocessing.get_all_start_methods()
        and threading.active_count() == 1  # a forked process has this thread only, and the locks of all
        and not multiprocessing.current_process().daemon
    )


def read_runs(
    reader: QuickReader, bundle: ReadBundle, start: int, end: int, private: bool
) -> Generator[Run | None, None, None]:
    """Yield the run of each full bundle start..end-1, with `top`; None for one that the caller must read itself.

    Runs hold `privates` only if `private` is set: to send them costs time.
    """
    context = multiprocessing.get_context("fork")
    taken = context.Value("Q", start)
    receiver, sender = context.Pipe(duplex=False)

    def read(index: int) -> Run | None:
        try:
            lines = bundle(index)
        except (ProofError, BundleError, OSError):
            return None  # the caller meets the same error and reports it
        run = reader.read(lines, index * TILE_WIDTH) if lines and len(lines) == TILE_WIDTH else None
        if run is None:
            return None
        return replace(run, top=perfect_hash(run.leaves), privates=run.privates if private else ())

    helper = context.Process(target=_help, args=(read, taken, end, sender), daemon=True)
    helper.start()
    sender.close()
    try:
        yield from _in_order(read, taken, start, end, receiver)
    finally:
        receiver.close()  # a helper that still writes ends by that
        helper.join(STOP_SECONDS_MAX)
        if helper.is_alive():
            helper.kill()
            helper.join()


def _take(taken: Synchronized[int], end: int) -> int | None:
    with taken.get_lock():
        index = taken.value
        if index >= end:
            return None
        taken.value = index + 1
        return index


def _help(read: Callable[[int], Run | None], taken: Synchronized[int], end: int, sender: Connection) -> None:
    """Be the second process. It makes no reference cycles and ends soon, so nobody need look for them."""
    gc.disable()
    try:
        while (index := _take(taken, end)) is not None:
            sender.send((index, read(index)))
    except (BrokenPipeError, KeyboardInterrupt):
        return  # the audit ended before its last entry


def _in_order(
    read: Callable[[int], Run | None], taken: Synchronized[int], start: int, end: int, receiver: Connection
) -> Generator[Run | None, None, None]:
    answers: dict[int, Run | None] = {}
    alone = False
    for wanted in range(start, end):
        while wanted not in answers:
            mine = None
            if alone or (len(answers) < ANSWERS_MAX_COUNT and not receiver.poll()):
                mine = wanted if alone else _take(taken, end)
            if mine is not None:
                answers[mine] = read(mine)
                continue
            try:
                index, run = receiver.recv()
                answers[index] = run
            except (EOFError, OSError):
                alone = True
        yield answers.pop(wanted)

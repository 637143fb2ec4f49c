"""Is what is about to be shown what was sealed? For a page that vouches for its words, in one pass over the entries.

    1. the root over the stored entries is the one that was signed   2. the signature is by the log's own key

Less than an audit: chain, kinds, book, vault and commands are not looked at, and memory grows by 32 bytes an entry when
something is wrong. What the caller still must do: read private values through the vault, which holds them against
their commitments, and take nothing from derived rows, which can be edited without any entry showing it.

    ProofError
    `-- SealBroken    an entry is not what was sealed, or the seal is not the log's; what is before it still stands
"""

from __future__ import annotations

from collections.abc import Callable

from ledger import codec, ed25519
from ledger.checkpoints import Checkpoint, open_checkpoint, parse_text
from ledger.entries import Entry
from ledger.errors import CanonicalError, EntryInvalid, ProofError
from ledger.merkle import Frontier, leaf_hash, root_of
from ledger.notes import parse_note
from ledger.reader import EntryDamaged, LogReader
from ledger.reading import read_entry
from ledger.tiles import TILE_WIDTH


class SealBroken(ProofError):
    """What is stored is not what was sealed. The caller shows `before` at most, and says so.

    `seq` is the first entry that was changed or is missing, None when the tiles cannot tell; `before` are the wanted
    entries that stand below it, as sealed.
    """

    def __init__(self, reason: str, seq: int | None, before: tuple[Entry, ...] = ()) -> None:
        super().__init__(reason)
        self.seq = seq
        self.before = before


async def read_sealed(reader: LogReader, note: bytes, want: Callable[[Entry], bool]) -> tuple[Entry, ...]:
    """Return the wanted entries below a checkpoint, by seq, once all that it covers are shown to be what was sealed.

    Raises:
        SealBroken: see the class.
        StoreError: the database failed.
    """
    promised = parse_text(parse_note(note).text)
    frontier, wanted = Frontier(), []
    async for data in reader.entries(0, promised.size):
        frontier.append(leaf_hash(data))
        entry = _entry(data)
        if entry is not None and want(entry):
            wanted.append(entry)
    if frontier.size != promised.size or frontier.root() != promised.root:
        seq = await _first_changed(reader, promised)
        before = tuple(entry for entry in wanted if entry.seq < (seq or 0))
        raise SealBroken(f"entry {seq}: expected the one that was sealed, got another or none", seq, before)
    try:
        open_checkpoint(note, reader.log, await reader.keys(), ed25519.verify)
    except (ProofError, EntryDamaged) as error:
        raise SealBroken(f"checkpoint {promised.size}: {error}", None) from error
    return tuple(wanted)


async def _first_changed(reader: LogReader, promised: Checkpoint) -> int | None:
    """Return the first entry that does not have its leaf in the tiles; None when they are not those signed either."""
    signed: list[bytes] = []
    first: int | None = None
    for index in range((promised.size + TILE_WIDTH - 1) // TILE_WIDTH):
        start = index * TILE_WIDTH
        width = min(TILE_WIDTH, promised.size - start)
        tile = (await reader.tiles([(0, index)])).get((0, index), b"")[: width * 32]
        leaves = [tile[at : at + 32] for at in range(0, len(tile), 32)]
        signed += leaves
        if first is None:
            stored = [leaf_hash(data) async for data in reader.entries(start, start + width)]
            stored += [b""] * (width - len(stored))
            pairs = enumerate(zip(leaves, stored, strict=False), start)
            first = next((seq for seq, (leaf, found) in pairs if leaf != found), None)
    return first if len(signed) == promised.size and root_of(signed) == promised.root else None


def _entry(data: bytes) -> Entry | None:
    try:
        return read_entry(data, codec.loads, codec.dumps)
    except (CanonicalError, EntryInvalid):
        return None  # its leaf says what is wrong with it

"""One import: which one it is, the parts it is written in, and its one entry with the root over what it brought.

    of = await open_import(rows, source, digest, ...)      the file's import that is not finished yet
    for part in chunks_of(changes): ...                    a command each, records.prepare
    await finish(rows, vault, of, ...)                     last: one entry, Merkle root over the import's versions
    await membership(rows, item)                           later: "not edited since"

A file may come again and bring what was refused the first time (its instant has passed, its field is known by now). A
finished root takes no more versions, so each round that brings something is an import of its own, with its own entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from ledger.changes import Insert
from ledger.entries import Draft
from ledger.merkle import inclusion_proof, leaf_hash, nodes_over, root_of
from ledger.vault import Vault
from playbooks.calendars import instant_text
from playbooks.errors import ImportRefused
from playbooks.records import ROWS_PER_READ_MAX, Chunk, ImportOf, Rows
from playbooks.tables import import_file, record_version
from playbooks.world import RecordChange

CHUNK_CHANGES_MAX = 500
"""Changes per command: small enough that other commands wait milliseconds, large enough that the commit is shared."""
INSTANT_CHANGES_MAX = 2_000
"""So many changes of one instant stay together in one command, however full it is."""
ROUNDS_MAX = 1_000
"""Finished imports of one and the same file."""


def import_id(source: str, file_digest: str, number: int = 0) -> str:
    """Return the name of an import: the same file from the same source, and how often it was finished before."""
    again = f"\x00{number}" if number else ""
    return hashlib.sha256(f"tallystick/import/v1\x00{source}\x00{file_digest}{again}".encode()).hexdigest()


async def open_import(
    rows: Rows, source: str, file_digest: str, received_ms: int, received_from: str
) -> ImportOf:
    """Return the import of a file that is not finished yet; a crash in the middle leaves it open.

    Raises:
        ImportRefused: the file was finished ROUNDS_MAX times.
    """
    for number in range(ROUNDS_MAX):
        name = import_id(source, file_digest, number)
        if not await rows.find(import_file, {"import": name}, limit=1):
            return ImportOf(source, name, received_ms, received_from, round=number)
    raise ImportRefused(f"expected a file that was imported fewer than {ROUNDS_MAX} times, got it once more")


def chunks_of(changes: Iterable[RecordChange]) -> Iterator[list[RecordChange]]:
    """Yield changes, sorted by known time, in parts for one command each.

    Versions of one instant are applied together and then judged, so a part runs on to the end of its last instant. Only
    an instant of more than INSTANT_CHANGES_MAX changes may be cut, and then its parts are judged one after another:
    what a later part takes back was noticed, and clears.
    """
    part: list[RecordChange] = []
    for change in changes:
        whole = len(part) >= CHUNK_CHANGES_MAX and change.known_ms != part[-1].known_ms
        if whole or len(part) >= CHUNK_CHANGES_MAX + INSTANT_CHANGES_MAX:
            yield part
            part = []
        part.append(change)
    if part:
        yield part


async def finish(
    rows: Rows, vault: Vault, of: ImportOf, file_digest: str, refused: int, private: Mapping[str, str]
) -> Chunk:
    """Prepare the `records_imported` entry of an import whose chunks are all in.

    `private` may hold the commitment of the file under `file`; its rows travel beside the chunk. A file is recorded
    once even if it brought nothing new; a later round that brought nothing gives a chunk without drafts.

    Raises:
        Refused: nothing; the writer refuses `stale` if the import was finished meanwhile.
    """
    items = await import_items(rows, of.id)
    if of.round and not items:
        return Chunk((), {}, ())
    root = root_of(leaf_hash(bytes.fromhex(item)) for item in items).hex()
    body = {"source": of.source, "count": len(items), "refused": refused, "root": root}
    row = {
        "import": of.id, "source": of.source, "digest": vault.reuse_digest(file_digest.encode()), "count": len(items),
        "refused": refused, "root": root, "finished_at": instant_text(of.received_ms),
    }  # fmt: skip
    draft = Draft("records_imported", None, body, private)
    return Chunk((Insert("import_file", row),), {("import_file", (of.id,)): None}, (), drafts=(draft,))


async def import_items(rows: Rows, import_name: str) -> list[str]:
    """Return the commitments of an import's versions in order of their leaves: position n is leaf n of its tree."""
    found: list[tuple[int, str]] = []
    after = -1
    while True:
        leaf = record_version.c.leaf
        page = await rows.find(
            record_version, {"import": import_name}, also=(leaf > after, leaf <= after + ROWS_PER_READ_MAX)
        )
        found.extend((row["leaf"], row["item"]) for row in page)
        more = await rows.find(
            record_version, {"import": import_name}, also=(leaf > after + ROWS_PER_READ_MAX,), limit=1
        )
        if not more:
            return [item for _, item in sorted(found)]
        after += ROWS_PER_READ_MAX


async def membership(rows: Rows, item: str) -> tuple[str, int, int, list[str]] | None:
    """Return (root, index, size, proof) of a version under its import's root ("not edited since"), or None.

    The leaf is SHA-256(0x00 || commitment bytes); `ledger.merkle.check_inclusion` checks it.
    """
    versions = await rows.find(record_version, {"item": item}, limit=1)
    if not versions:
        return None
    finished = await rows.find(import_file, {"import": versions[0]["import"]}, limit=1)
    if not finished:
        return None
    items = await import_items(rows, versions[0]["import"])
    leaves = [leaf_hash(bytes.fromhex(one)) for one in items]
    index = items.index(item)
    proof = inclusion_proof(index, len(leaves), nodes_over(leaves))
    return finished[0]["root"], index, len(leaves), [node.hex() for node in proof]

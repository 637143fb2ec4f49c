"""Everything about one person as a folder in one file (zip): docs/spec/take-away.md, "The folder".

    everything.json      the take-away file
    index.html           the same to read, in the person's language; where pages are served
    steps.csv            the steps that name them, for a spreadsheet
    badges/*.json        their recognitions to take along, each with its proof
    files/*              photos and other files they brought, where they concern nobody else
    contents.json        what is in here, with sizes and digests; what is not, and why

Written to a file without a name in the data folder, one part after another, and sent from there: never whole in memory.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import tempfile
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from api.badge_files import badge_file
from api.pictures import sniff
from api.problems import BadRequest, NotFound
from api.rooms import Rooms
from api.routes.takeaway import collected
from casework import awards, tables
from ledger.canonical import json_dumps
from ledger.errors import Refused
from ledger.vault import ORGANISATION

TYPE = "tallystick/take-away-contents"
BYTES_MAX = 256 * 1024 * 1024
"""Of all parts before packing. What is beyond is named in contents.json, with where to get it."""
CHUNK_BYTES = 64 * 1024
ERASED, OF_OTHERS, BEYOND, NOT_SEALED = (
    "erased",
    "concerns_somebody_else",
    "beyond_the_limit",
    "not_sealed_yet",
)
"""Why something is not in the folder."""
SUFFIXES: Mapping[str, str] = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf", "text/plain": "txt",
    "text/csv": "csv", "message/rfc822": "eml",
}  # fmt: skip

Readable = Callable[[dict[str, Any], list[dict[str, Any]]], Awaitable[bytes]]
"""The file and the list of what is in the folder -> the page to read."""


@dataclass(slots=True)
class Folder:
    """The folder while it is filled. `parts` and `missing` are what contents.json says."""

    to: zipfile.ZipFile
    at: tuple[int, int, int, int, int, int]
    size_bytes: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)

    def fits(self, content: bytes) -> bool:
        """Say whether one more part is within the limit."""
        return self.size_bytes + len(content) <= BYTES_MAX

    async def put(self, name: str, content: bytes, packed: bool = True, **about: Any) -> None:
        """Add a part; `about` says what it is of."""
        digest = await asyncio.to_thread(self._write, name, content, packed)
        self.size_bytes += len(content)
        self.parts.append({"name": name, "bytes": len(content), "sha256": digest, **about})

    def _write(self, name: str, content: bytes, packed: bool) -> str:
        info = zipfile.ZipInfo(name, self.at)
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        self.to.writestr(info, content)
        return hashlib.sha256(content).hexdigest()

    def leave(self, why: str, where: str, **about: Any) -> None:
        """Name what is not in the folder; `where`: the address by which it may be had, or was."""
        self.missing.append({"why": why, "where": where, **about})


async def pack(rooms: Rooms, member: str, data_dir: Path, readable: Readable | None) -> IO[bytes]:
    """Return the folder as an open file that is gone from the disk once it is closed.

    Raises:
        OSError: it could not be written. VaultDamaged: a private value is not what its entry commits to.
    """
    made = await asyncio.to_thread(tempfile.TemporaryFile, "w+b", dir=data_dir)
    try:
        with zipfile.ZipFile(made, "w") as archive:
            await _fill(rooms, member, Folder(archive, _moment(rooms.clock.now())), readable)
    except BaseException:
        made.close()
        raise
    made.seek(0)
    return made


def _moment(now: str) -> tuple[int, int, int, int, int, int]:
    """Return an instant as zip files hold it: UTC, two seconds fine, from 1980 on."""
    parts = (now[:4], now[5:7], now[8:10], now[11:13], now[14:16], now[17:19])
    year, month, day, hour, minute, second = (int(part) for part in parts)
    return (max(year, 1980), month, day, hour, minute, second)


async def _fill(rooms: Rooms, member: str, folder: Folder, readable: Readable | None) -> None:
    whole = await collected(rooms, member)
    await folder.put("everything.json", json_dumps(whole))
    await folder.put("steps.csv", _sheet(whole["steps"]))
    await _badges(rooms, member, folder)
    await _files(rooms, member, folder)
    if readable is not None:
        await folder.put("index.html", await readable(whole, list(folder.parts)))
    told = {"v": 1, "type": TYPE, "log": rooms.log, "made_at": whole["made_at"], "parts": folder.parts}
    await folder.put("contents.json", json_dumps(told | {"not_in_here": folder.missing}))


def _sheet(steps: list[dict[str, Any]]) -> bytes:
    to = io.StringIO(newline="")
    writer = csv.writer(to)
    columns = ("seq", "at", "kind", "case", "as", "leaf")
    writer.writerow(columns)
    for step in steps:  # ids, instants and kinds: nothing that somebody typed
        writer.writerow([step[name] for name in columns])
    return to.getvalue().encode("utf-8")


async def _badges(rooms: Rooms, member: str, folder: Folder) -> None:
    for row in await rooms.rows.find(tables.credential, {"member": member}):
        award = str(row["award"])
        where = f"/api/v1/awards/{award}/badge"
        standing = await rooms.rows.need("award", tables.award, award=award)
        if standing["state"] != awards.SETTLED:
            continue  # it ended, and counts no more; the part `awards` says why
        try:
            data = await badge_file(rooms, award, member)
        except (NotFound, Refused):
            folder.leave(ERASED, where, award=award)
        except BadRequest:
            folder.leave(NOT_SEALED, where, award=award)
        else:
            if folder.fits(data):
                await folder.put(f"badges/{award}.json", data, award=award)
            else:
                folder.leave(BEYOND, where, award=award)


async def _files(rooms: Rooms, member: str, folder: Folder) -> None:
    """Photos and other files that the person brought, the latest first: what is beyond the limit is the oldest."""
    rows = [
        row for row in await rooms.rows.find(tables.evidence, {"attached_by": member}) if row["content_item"]
    ]
    theirs = {ORGANISATION, member}
    for row in sorted(rows, key=lambda one: -int(one["seq"])):
        where = f"/api/v1/cases/{row['case']}/evidence/{row['evidence']}/content"
        about = {"evidence": row["evidence"], "case": row["case"], "type": row["type"]}
        _, wraps = await rooms.reader.items([str(row["content_item"])])
        if not {wrap["subject"] for wrap in wraps} <= theirs:
            folder.leave(OF_OTHERS, where, **about)
            continue
        content = await rooms.rows.open(row["content_item"])
        if content is None:
            folder.leave(ERASED, where, **about)
        elif not folder.fits(content):
            folder.leave(BEYOND, where, **about)
        else:
            found = await asyncio.to_thread(sniff, content)
            suffix = SUFFIXES.get(found or "", "bin")
            await folder.put(f"files/{row['evidence']}.{suffix}", content, packed=False, **about)


async def sent(made: IO[bytes]) -> AsyncIterator[bytes]:
    """Yield the folder and let it go, also when whoever asked leaves in between."""
    try:
        while chunk := await asyncio.to_thread(made.read, CHUNK_BYTES):
            yield chunk
    finally:
        made.close()


def size_of(made: IO[bytes]) -> int:
    """Return the size of the folder in bytes, and go back to its beginning."""
    size = made.seek(0, io.SEEK_END)
    made.seek(0)
    return size

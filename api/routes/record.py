"""The record itself: head, checkpoint, entries, proofs, tiles in the C2SP layout, and one award to take along."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import PlainTextResponse, Response

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES, NotFound, Problem
from api.routes.shapes import IdInPath, Told
from casework import looks, tables
from ledger.codec import loads
from ledger.export import export_award
from ledger.merkle import leaf_hash
from ledger.proofs import TlogProof
from ledger.tiles import TILE_WIDTH, pack_bundle, width_at

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["record"], responses=PROBLEM_RESPONSES)

SEQ_MAX = 2**53 - 1
IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}
_TILE = re.compile(r"(?:(entries)|([0-7]))/((?:x\d{3}/){0,5}\d{3})(?:\.p/([1-9]\d{0,2}))?")
TEXT = {"text/plain": {"schema": {"type": "string"}}}
BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

Seq = Annotated[int, Path(ge=0, le=SEQ_MAX)]


class NotPublished(Problem):
    """No checkpoint covers it yet. The caller waits for the next one, or asks for one."""

    status = 409


class HeadTold(Told):
    """How long the log is, its root, the largest published checkpoint (0: none), and its keys, oldest to newest."""

    log: str
    size: int
    root: str
    checkpoint_size: int
    keys: list[str]


class EntryTold(Told):
    """One entry as it is hashed, and its leaf hash."""

    leaf: str
    entry: dict[str, Any]


class EntriesTold(Told):
    """Entries by seq; `next_seq` is where to go on (null: the end)."""

    items: list[EntryTold]
    next_seq: int | None


class ConsistencyTold(Told):
    """The RFC 6962 proof that the older tree is a prefix of the newer one, hex."""

    old_size: int
    new_size: int
    hashes: list[str]


@router.get("/log", operation_id="read_log")
async def read_log(visit: Annotated[Visit, need("log.read")]) -> HeadTold:
    """Tell the head of the log."""
    reader = visit.rooms.reader
    head = await reader.head()
    latest = await reader.latest_checkpoint()
    keys = [key.vkey() for key in (await reader.keys()).listed()]
    size = latest[0] if latest else 0
    return HeadTold(
        log=visit.rooms.log, size=head.size, root=head.root.hex(), checkpoint_size=size, keys=keys
    )


@router.get(
    "/log/checkpoint",
    operation_id="read_checkpoint",
    response_class=PlainTextResponse,
    responses={200: {"content": TEXT}},
)
async def read_checkpoint(visit: Annotated[Visit, need("log.read")]) -> Response:
    """Give the largest published checkpoint, a C2SP signed note."""
    latest = await visit.rooms.reader.latest_checkpoint()
    if latest is None:
        raise NotPublished("not_published", "expected a published checkpoint, got none")
    return PlainTextResponse(latest[1].decode())


@router.post(
    "/log/checkpoint",
    operation_id="sign_checkpoint",
    response_class=PlainTextResponse,
    responses={200: {"content": TEXT}},
)
async def sign_checkpoint(asking: Annotated[Asking, need_to_write("log.checkpoint")]) -> Response:
    """Sign and publish the log as it is now; the same size gives the same note."""
    return PlainTextResponse((await asking.rooms.publisher.publish()).decode())


@router.get("/log/entries", operation_id="list_entries")
async def list_entries(
    visit: Annotated[Visit, need("log.read")],
    from_seq: Annotated[int, Query(alias="from", ge=0, le=SEQ_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> EntriesTold:
    """List entries from a seq on."""
    stored = [data async for data in visit.rooms.reader.entries(from_seq, from_seq + limit)]
    size = (await visit.rooms.reader.head()).size
    following = from_seq + len(stored)
    return EntriesTold(
        items=[_told(data) for data in stored], next_seq=following if following < size else None
    )


@router.get("/log/entries/{seq}", operation_id="read_entry")
async def read_one_entry(seq: Seq, visit: Annotated[Visit, need("log.read")]) -> EntryTold:
    """Tell one entry."""
    return _told(await _stored(visit, seq))


@router.get(
    "/log/entries/{seq}/proof",
    operation_id="prove_entry",
    response_class=PlainTextResponse,
    responses={200: {"content": TEXT}},
)
async def prove_entry(seq: Seq, visit: Annotated[Visit, need("log.read")]) -> Response:
    """Give the C2SP tlog-proof of one entry under the largest published checkpoint."""
    await _stored(visit, seq)
    latest = await visit.rooms.reader.latest_checkpoint()
    if latest is None or latest[0] <= seq:
        got = latest[0] if latest else "none"
        raise NotPublished("not_published", f"expected a checkpoint that covers entry {seq}, got {got}")
    hashes = await visit.rooms.reader.inclusion(seq, latest[0])
    return PlainTextResponse(TlogProof(seq, tuple(hashes), latest[1]).to_bytes().decode())


@router.get("/log/consistency", operation_id="prove_consistency")
async def prove_consistency(
    visit: Annotated[Visit, need("log.read")],
    old: Annotated[int, Query(ge=1, le=SEQ_MAX)],
    new: Annotated[int, Query(ge=1, le=SEQ_MAX)],
) -> ConsistencyTold:
    """Prove that the log of size `new` begins with the log of size `old`."""
    size = (await visit.rooms.reader.head()).size
    if not old <= new <= size:
        raise NotFound("tree", f"from {old} to {new} of {size} entries", field="#query/new")
    hashes = await visit.rooms.reader.consistency(old, new)
    return ConsistencyTold(old_size=old, new_size=new, hashes=[item.hex() for item in hashes])


@router.get(
    "/log/tile/{path:path}",
    operation_id="read_tile",
    response_class=Response,
    responses={200: {"content": BYTES}},
)
async def read_tile(
    path: Annotated[str, Path(max_length=80, pattern=r"^[0-9a-z./]+$")],
    visit: Annotated[Visit, need("log.read")],
) -> Response:
    """Give a tile or an entry bundle under its C2SP path, e.g. `0/000.p/12` or `entries/000`."""
    match = _TILE.fullmatch(path)
    width = int(match[4] or TILE_WIDTH) if match else 0
    if match is None or width > TILE_WIDTH or (match[4] and width == TILE_WIDTH):
        raise NotFound("tile", path)
    index = int(match[3].replace("x", "").replace("/", ""))
    reader = visit.rooms.reader
    size = (await reader.head()).size
    level = 0 if match[1] else int(match[2])
    if index > size or width_at(size, level, index) < width:
        raise NotFound("tile", path)
    if match[1]:
        start = index * TILE_WIDTH
        data = pack_bundle([item async for item in reader.entries(start, start + width)])
    else:
        data = (await reader.tiles([(level, index)]))[level, index][: width * 32]
    return Response(data, media_type="application/octet-stream", headers=IMMUTABLE)


@router.get(
    "/awards/{award}/bundle",
    operation_id="read_bundle",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def read_bundle(
    award: IdInPath,
    visit: Annotated[Visit, need("log.export")],
    private: Annotated[bool, Query(description="With the private values behind its entries.")] = False,
) -> Response:
    """Give one award in one file that anybody can check. Whose it is sees who took it."""
    rooms = visit.rooms
    row = await rooms.rows.need("award", tables.award, award=award)
    latest = await rooms.reader.latest_checkpoint()
    if latest is None or latest[0] <= row["seq"]:
        raise NotPublished("not_published", f"expected a checkpoint that covers entry {row['seq']}, got none")
    shares = await rooms.rows.find(tables.award_share, {"award": award})
    named = [share["member"] for share in shares]
    await looks.note(rooms.intake, visit.caller.who, named, looks.PROOF, rooms.clock.now())
    vault = rooms.vault if private else None
    data = await export_award(rooms.reader, row["case"], award, latest[1], vault)
    name = f"attachment; filename=award-{award}.json"
    return Response(data, media_type="application/json", headers={"Content-Disposition": name})


async def _stored(visit: Visit, seq: int) -> bytes:
    stored = [data async for data in visit.rooms.reader.entries(seq, seq + 1)]
    if not stored:
        raise NotFound("entry", str(seq))
    return stored[0]


def _told(data: bytes) -> EntryTold:
    return EntryTold(leaf=leaf_hash(data).hex(), entry=loads(data))

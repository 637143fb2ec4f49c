"""Records in: a file with its mapping, or a batch. Bad rows are refused one by one; the same file twice
changes nothing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import mark_replay
from api.routes.shapes import Asked, Code, IdInPath, Instant, Name, RecordInPath, Told
from api.watching import ORDERS_PER_MS, Batched, Imported, no_record

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["records"], responses=PROBLEM_RESPONSES)

FILE_CHARS_MAX = 200_000_000
MAPPING_CHARS_MAX = 262_144
BATCH_RECORDS_MAX = 1_000
Imports = Annotated[Asking, need_to_write("record.write", large_body=True)]


class FileGiven(Asked):
    """A CSV file as text, and the mapping that says what its columns mean and when each is known.

    Errors call them `name` and `mapping_name`.
    """

    name: Name
    mapping_name: Name = "mapping.yaml"
    mapping: Annotated[str, StringConstraints(min_length=1, max_length=MAPPING_CHARS_MAX)]
    content: Annotated[str, StringConstraints(min_length=1, max_length=FILE_CHARS_MAX)]


class RecordGiven(Asked):
    """One version of one record: all its values at that moment.

    `known_at` null: now; `order` breaks ties of one instant.
    """

    kind: Code
    id: Name
    event_at: Instant
    known_at: Instant | None = None
    order: Annotated[int, Field(ge=0, lt=ORDERS_PER_MS)] = 0
    values: dict[str, Any]
    subject: Name | None = None


class BatchGiven(Asked):
    """Up to 1,000 records; they are imported in order of known time."""

    records: Annotated[list[RecordGiven], Field(min_length=1, max_length=BATCH_RECORDS_MAX)]


class RowTold(Told):
    """A row or record that was refused: its line (or place in the batch) and the reason."""

    line: int
    reason: str


class ImportTold(Told):
    """What an import did. `cases` were opened, `shadowed` would have been by playbooks on trial."""

    rows: int
    changes: int
    imported: int
    repeated: int
    refused: int
    flagged: int
    refused_rows: list[RowTold]
    cases: int
    shadowed: int


def _told(asking: Asking, done: Imported) -> ImportTold:
    mark_replay(asking, done.replayed)
    return ImportTold(
        rows=done.rows,
        changes=done.changes,
        imported=done.imported,
        repeated=done.repeated,
        refused=done.refused,
        flagged=done.flagged,
        refused_rows=[RowTold(line=line, reason=reason[:300]) for line, reason in done.refused_rows],
        cases=done.cases,
        shadowed=done.shadowed,
    )


@router.post("/sources/{source}/imports", operation_id="import_file", status_code=201)
async def import_file(source: IdInPath, body: FileGiven, asking: Imports) -> ImportTold:
    """Import a file. What is there already counts as repeated, whatever the key; a key stands for one import."""
    watching = asking.rooms.watching
    return _told(
        asking,
        await watching.import_file(
            asking.who, asking.key, source, (body.mapping, body.mapping_name), body.content, body.name
        ),
    )


@router.post("/sources/{source}/records:batch", operation_id="import_batch", status_code=201)
async def import_batch(source: IdInPath, body: BatchGiven, asking: Imports) -> ImportTold:
    """Import a batch of records. What is there already counts as repeated; a key stands for one batch."""
    given = [
        Batched(one.kind, one.id, one.event_at, one.known_at, one.order, one.values, one.subject)
        for one in body.records
    ]
    return _told(asking, await asking.rooms.watching.import_batch(asking.who, asking.key, source, given))


@router.get("/records/{kind}/{record:path}", operation_id="read_record")
async def read_record(
    kind: IdInPath, record: RecordInPath, visit: Annotated[Visit, need("case.read")]
) -> dict[str, Any]:
    """Tell the latest version of a record, with where it came from and since when it is known."""
    if not visit.caller.reads(kind):
        raise no_record(kind)
    return await visit.rooms.watching.read_record(kind, record)

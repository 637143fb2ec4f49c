"""Hooks: a source's own door, by which its system sends records and evidence without any member's key; and keys whose
files count as a source's word.

The call itself (`take_delivery`) knows its sender by a signature: Standard Webhooks, or GitHub's X-Hub-Signature-256.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StringConstraints

from api.bodies import Door, raw_body
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import plain, tell
from api.routes.receiving import find_hook, take
from api.routes.records import RowTold
from api.routes.shapes import Asked, Code, Id, IdInPath, Name, Page, Recorded, Told
from casework import tables
from casework.hook_requests import EndHook, EndSourceKey, IssueHookKey, OpenHook, TrustSourceKey
from casework.hook_rules import OVERLAP_HOURS_MAX

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["hooks"], responses=PROBLEM_RESPONSES)

Reads = Annotated[Visit, need("hook.read")]
Writes = Annotated[Asking, need_to_write("hook.write")]
Scheme = Annotated[str, StringConstraints(pattern="^(standard|github)$")]
PublicKey = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{43}$")]


class HookWanted(Asked):
    """A hook of a source. `scheme`: standard (Standard Webhooks) or github (X-Hub-Signature-256)."""

    source: Id
    scheme: Scheme = "standard"
    label: Name | None = None


class KeyWanted(Asked):
    """Another secret. `overlap_hours`: how long the ones before it stay good; 0 where one leaked."""

    overlap_hours: Annotated[int, Field(ge=0, le=OVERLAP_HOURS_MAX)] = 24


class Ended(Asked):
    """Why: not_needed, replaced or leaked."""

    reason_code: Code


class PublicKeyGiven(Asked):
    """An Ed25519 public key: base64url of its 32 bytes, without padding (the `x` of a JWK)."""

    public: PublicKey


class SecretTold(Recorded):
    """`secret` is told once, in this answer; a repeat of the request tells null. `path`: where calls go."""

    secret: str | None
    path: str


class CallTold(Told):
    """What became of a call. `repeated`: it came before, and had no effect now. `known`: records that were here."""

    repeated: bool
    evidence: str | None = None
    imported: int = 0
    known: int = 0
    refused: int = 0
    refused_rows: list[RowTold] = []


@router.get("/hooks", operation_id="list_hooks")
async def list_hooks(visit: Reads) -> Page:
    """List hooks, ended ones too, with the names of their keys; secrets are in no list."""
    rows = await visit.rooms.rows.find(tables.hook)
    texts = await visit.rooms.rows.open_all(row["label_item"] for row in rows if row["label_item"])
    keys = await visit.rooms.rows.find(tables.hook_key)
    items = []
    for row in rows:
        own = [plain(key) for key in keys if key["hook"] == row["hook"]]
        items.append({**plain(row), "label": texts.get(row["label_item"] or ""), "keys": own})
    return Page(items=items, next_cursor=None)


def path_of(hook: str) -> str:
    """Return where calls of a hook go, below this server's address."""
    return f"/api/v1/hooks/{hook}"


async def _with_secret(asking: Asking, told: Recorded, secret: str | None) -> SecretTold:
    return SecretTold(**told.model_dump(), secret=secret, path=path_of(told.ids["hook"]))


@router.post("/hooks", operation_id="open_hook", status_code=201)
async def open_hook(body: HookWanted, asking: Writes) -> SecretTold:
    """Let a source's system send by itself. Whoever opens it is shown the secret, and counts as somebody who could
    have made what comes by it."""
    request = OpenHook(body.source, body.scheme, body.label)
    done = await asking.rooms.hooks.open_hook(asking.who, asking.key, request)
    return await _with_secret(asking, await tell(asking, done), done.secrets.get("secret"))


@router.post("/hooks/{hook}/keys", operation_id="issue_hook_key", status_code=201)
async def issue_hook_key(hook: IdInPath, body: KeyWanted, asking: Writes) -> SecretTold:
    """Draw another secret; the ones before it stay good for a while."""
    await asking.rooms.rows.need("hook", tables.hook, hook=hook)
    done = await asking.rooms.hooks.issue_key(asking.who, asking.key, IssueHookKey(hook, body.overlap_hours))
    return await _with_secret(asking, await tell(asking, done), done.secrets.get("secret"))


@router.post("/hooks/{hook}/end", operation_id="end_hook")
async def end_hook(hook: IdInPath, body: Ended, asking: Writes) -> Recorded:
    """Nothing comes by it any more."""
    request = EndHook(hook, body.reason_code)
    return await tell(asking, await asking.rooms.hooks.end_hook(asking.who, asking.key, request))


@router.post("/hooks/{hook}", operation_id="take_delivery")
async def take_delivery(
    hook: IdInPath, request: Request, response: Response, body: Annotated[bytes, Depends(raw_body)]
) -> CallTold:
    """Take what a system sends: signed, once, and at most 5 minutes old where the scheme tells a time.

    The same id with the same bytes is answered again without effect; with other bytes it is refused (409).
    """
    rooms, row = await find_hook(request, hook)
    taken = await take(rooms, row, {name.lower(): value for name, value in request.headers.items()}, body)
    if taken.repeated:
        response.headers["Idempotent-Replay"] = "true"
    done = taken.imported
    if done is None:
        return CallTold(repeated=taken.repeated, evidence=taken.evidence)
    return CallTold(
        repeated=taken.repeated,
        imported=done.imported,
        known=done.repeated,
        refused=done.refused,
        refused_rows=[RowTold(line=line, reason=reason[:300]) for line, reason in done.refused_rows],
    )


@router.get("/source-keys", operation_id="list_source_keys")
async def list_source_keys(visit: Reads) -> Page:
    """List the keys whose files count as a source's word, ended ones too."""
    rows = await visit.rooms.rows.find(tables.source_key)
    return Page(items=[plain(row) for row in rows], next_cursor=None)


@router.post("/sources/{source}/keys", operation_id="trust_source_key", status_code=201)
async def trust_source_key(source: IdInPath, body: PublicKeyGiven, asking: Writes) -> Recorded:
    """Trust a source's public key: files that it signs count as the source's word, whoever brings them."""
    request = TrustSourceKey(source, body.public)
    return await tell(asking, await asking.rooms.hooks.trust_key(asking.who, asking.key, request))


@router.post("/sources/{source}/keys/{key}/end", operation_id="end_source_key")
async def end_source_key(source: IdInPath, key: IdInPath, body: Ended, asking: Writes) -> Recorded:
    """Trust a key no more; what it signed before still checks."""
    request = EndSourceKey(source, key, body.reason_code)
    return await tell(asking, await asking.rooms.hooks.end_key(asking.who, asking.key, request))

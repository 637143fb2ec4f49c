"""What is watched: kinds, playbooks, policies, sources. Text in, compiled before it is published, content in
the log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.published import (
    check_mode,
    need_kinds,
    read_kinds_text,
    read_plan_text,
    read_playbook_text,
    read_policy_text,
)
from api.routes.answers import plain, tell
from api.routes.shapes import Asked, Code, Id, IdInPath, Name, Page, Recorded
from api.watched_people import on_person, purpose_of
from casework import tables
from casework.purposes import PURPOSE_CHARS_MAX
from casework.requests import ChangeMode, EndPlan, RegisterSource, WritePurpose
from ledger.codec import loads

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["watching"], responses=PROBLEM_RESPONSES)

DOCUMENT_CHARS_MAX = 262_144
Document = Annotated[str, StringConstraints(min_length=1, max_length=DOCUMENT_CHARS_MAX)]
Mode = Annotated[str, Field(pattern="^(draft|shadow|live|retired)$")]
Reads = Annotated[Visit, need("watch.read")]
Writes = Annotated[Asking, need_to_write("watch.write")]
Publishes = Annotated[Asking, need_to_write("watch.write", large_body=True)]


class DocumentGiven(Asked):
    """The text of one strict YAML document; `name` is what errors call it."""

    yaml: Document
    name: Name | None = None


class PlaybookGiven(Asked):
    """The text of one playbook; `mode` overrides what stands in it, `name` is what errors call it."""

    yaml: Document
    mode: Mode | None = None
    name: Name | None = None


class ModeGiven(Asked):
    """How a playbook runs from now on."""

    mode: Mode


class PurposeGiven(Asked):
    """What a watch on a person is for, in words that those it may be about will read."""

    purpose: Annotated[str, StringConstraints(min_length=1, max_length=PURPOSE_CHARS_MAX)]


class SourceNamed(Asked):
    """Where records come from, which kinds, and who can write there alone: a controllers formula, `{"party":
    "source:<id>"}` for nobody here. {}: nobody declared it, and a record counts as made by whoever earns by it."""

    source: Id
    kinds: Annotated[list[Code], Field(min_length=1, max_length=100)]
    controllers: dict[str, Any] = {}
    fresh_within: Annotated[str, StringConstraints(max_length=20)] | None = None


@router.get("/kinds", operation_id="list_kinds")
async def list_kinds(visit: Reads) -> Page:
    """List every published vocabulary, the latest first."""
    rows = await visit.rooms.rows.find(tables.kind_set, order="seq")
    return Page(items=[plain(row, tables.kind_set) for row in rows], next_cursor=None)


@router.post("/kinds", operation_id="publish_kinds", status_code=201)
async def publish_kinds(body: DocumentGiven, asking: Publishes) -> Recorded:
    """Publish the vocabulary; only additions to what is published already."""
    request = await read_kinds_text(asking.rooms.rows, body.yaml, body.name)
    done = await asking.rooms.office.publish_kinds(asking.who, asking.key, request)
    await asking.rooms.watching.published_changed()
    return await tell(asking, done)


@router.get("/playbooks", operation_id="list_playbooks")
async def list_playbooks(visit: Reads) -> Page:
    """List playbooks with their mode and content, and how often each has fired (`noticed`), on trial too."""
    rows = await visit.rooms.rows.find(tables.playbook)
    noticed = await visit.rooms.watching.noticed()
    items = [{**plain(row, tables.playbook), "noticed": noticed.get(row["playbook"], 0)} for row in rows]
    return Page(items=items, next_cursor=None)


@router.get("/playbooks/{playbook}", operation_id="read_playbook")
async def read_one_playbook(playbook: IdInPath, visit: Reads) -> dict[str, Any]:
    """Tell one playbook, how often it has fired (`noticed`), and what it is for if it watches a person (`purpose`)."""
    rows = visit.rooms.rows
    row = await rows.need("playbook", tables.playbook, playbook=playbook)
    noticed = await visit.rooms.watching.noticed()
    watches_person = await on_person(rows, row, {}, loads(row["content"]))
    written = await purpose_of(rows, playbook)
    purpose = None if written is None else written.told()
    told = {"noticed": noticed.get(playbook, 0), "on_person": watches_person, "purpose": purpose}
    return {**plain(row, tables.playbook), **told}


@router.post("/playbooks/{playbook}/purpose", operation_id="write_purpose")
async def write_purpose(playbook: IdInPath, body: PurposeGiven, asking: Writes) -> Recorded:
    """Say what a watch on a person is for, before it is published or switched on; whoever it may be about reads it."""
    request = WritePurpose(playbook, body.purpose)
    return await tell(asking, await asking.rooms.office.write_purpose(asking.who, asking.key, request))


@router.post("/playbooks", operation_id="publish_playbook", status_code=201)
async def publish_playbook(body: PlaybookGiven, asking: Publishes) -> Recorded:
    """Publish a playbook; it is type-checked against the kinds published last. One that watches a person runs only
    with a purpose (`write_purpose`)."""
    request = await read_playbook_text(asking.rooms.rows, body.yaml, body.mode, body.name)
    done = await asking.rooms.office.publish_playbook(asking.who, asking.key, request)
    await asking.rooms.watching.published_changed()
    return await tell(asking, done)


@router.post("/playbooks/{playbook}/mode", operation_id="change_mode")
async def change_mode(playbook: IdInPath, body: ModeGiven, asking: Writes) -> Recorded:
    """Change how a playbook runs: draft, shadow (counts, tells nobody), live, retired."""
    request = ChangeMode(playbook, check_mode(body.mode))
    done = await asking.rooms.office.change_mode(asking.who, asking.key, request)
    await asking.rooms.watching.published_changed()
    return await tell(asking, done)


@router.get("/policies", operation_id="list_policies")
async def list_policies(visit: Reads) -> Page:
    """List the verifiers' policies."""
    rows = await visit.rooms.rows.find(tables.policy)
    return Page(items=[plain(row, tables.policy) for row in rows], next_cursor=None)


@router.post("/policies", operation_id="publish_policy", status_code=201)
async def publish_policy(body: DocumentGiven, asking: Publishes) -> Recorded:
    """Publish a verifier's policy; never retroactive."""
    request = read_policy_text(body.yaml, body.name)
    return await tell(asking, await asking.rooms.office.publish_policy(asking.who, asking.key, request))


@router.get("/plans", operation_id="list_plans")
async def list_plans(visit: Reads) -> Page:
    """List the plans, those that ask for nothing more too."""
    rows = await visit.rooms.rows.find(tables.plan)
    return Page(items=[plain(row, tables.plan) for row in rows], next_cursor=None)


@router.post("/plans", operation_id="publish_plan", status_code=201)
async def publish_plan(body: DocumentGiven, asking: Publishes) -> Recorded:
    """Publish a plan: work that is due at set times. One of the same name is replaced."""
    request = read_plan_text(body.yaml, body.name)
    return await tell(asking, await asking.rooms.office.publish_plan(asking.who, asking.key, request))


@router.post("/plans/{plan}/end", operation_id="end_plan")
async def end_plan(plan: IdInPath, asking: Writes) -> Recorded:
    """Let a plan ask for nothing more; what is open of it stays."""
    return await tell(asking, await asking.rooms.office.end_plan(asking.who, asking.key, EndPlan(plan)))


@router.get("/sources", operation_id="list_sources")
async def list_sources(visit: Reads) -> Page:
    """List the sources of records."""
    rows = await visit.rooms.rows.find(tables.source)
    return Page(items=[plain(row, tables.source) for row in rows], next_cursor=None)


@router.post("/sources", operation_id="register_source", status_code=201)
async def register_source(body: SourceNamed, asking: Writes) -> Recorded:
    """Register a source of records of published kinds; one of the same name is replaced."""
    await need_kinds(asking.rooms.rows, body.kinds)
    request = RegisterSource(body.source, tuple(body.kinds), body.controllers, body.fresh_within)
    return await tell(asking, await asking.rooms.office.register_source(asking.who, asking.key, request))

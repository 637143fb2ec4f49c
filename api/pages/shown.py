"""One item of evidence at its own address: the picture whole, what was checked, its exact record; and a photo brought
by an ordinary form, without a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.dossiers import dossiers
from api.identity import Visit, need
from api.pages.cards import card_of, tile_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.evidence_words import RECORD, told_of
from api.pages.frame import show, with_toast
from api.pages.names import people_of
from api.pages.reporting import asking_of, check_sender
from api.pages.words import Words, mark
from api.problems import BadRequest, NotFound
from api.routes.cases import need_case
from api.routes.photos import CaptureAsked, photo_item, read_content, read_thumbnail
from casework import tables
from casework.captures import CAMERA

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.read", here="")]
Shows = Annotated[Acting, act("case.evidence", here="", large_body=True)]
Reads = Annotated[Visit, need("case.read")]
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
SAID = {"added": mark("Your photo was added.")}


@router.post("/exceptions/{case}/photo")
async def bring_photo(case: Id, acting: Shows) -> Response:
    """Attach a photo that was chosen as a file; one taken in the page comes by the API's door and counts more."""
    check_sender(acting)
    sent = acting.form.file("photo")
    if sent is None:
        raise BadRequest("report_empty", "photo: expected a file, got none", field="/photo")
    asking = asking_of(acting)
    replaces = acting.form.maybe("replaces", chars_max=64)
    item = await photo_item(asking, case, sent, CaptureAsked(), replaces)
    done = await acting.rooms.desk.attach_evidence(acting.who, acting.key, item)
    where = f"/exceptions/{case}/evidence/{done.ids['evidence']}?said=added"
    return RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})


@router.get("/exceptions/{case}/evidence/{evidence}")
async def evidence(case: Id, evidence: Id, seen: Sees, said: str = "") -> Response:
    """Show one item."""
    words = seen.frame.words
    (dossier,) = await dossiers(seen.rooms.rows, [await need_case(Visit(seen.caller, seen.rooms), case)])
    item = next((one for one in dossier.evidence if one["evidence"] == evidence), None)
    if item is None:
        raise NotFound("evidence", evidence)
    people = await people_of(seen.rooms.rows)
    facts = dossier.text(item, "facts_item")
    tile = tile_of(dossier, item, people, words)
    held = item["content_item"] is not None and facts is not None
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    return await show(
        frame,
        "evidence.html",
        card=card_of(dossier, people, words, {}),
        tile=tile,
        here=f"/exceptions/{case}/evidence/{evidence}",
        picture=tile.picture and held,
        content=held,
        gone=facts is None,
        told=[] if facts is None or not _may_read(seen, item, facts) else told_of(item["type"], facts, words),
        width=(facts or {}).get("width_px"),
        height=(facts or {}).get("height_px"),
        alike=await _alike(seen, facts or {}),
        checks=_checks(tile.check, facts or {}, str(item["received_at"]), words),
        record=[
            (words.gettext("Step"), item["seq"]),
            (words.gettext("Number"), item["evidence"]),
            (words.gettext("Received"), item["received_at"]),
            (words.gettext("How strong"), item["grade"]),
            (words.gettext("Sealed content"), item["content_item"] or "-"),
        ],
    )


def _may_read(seen: Seen, item: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Say whether the reader may read this: a record is read by whom its kind is for, as on its own page."""
    return item["type"] != RECORD or seen.caller.reads(str(facts["kind"]))


def _checks(check: str, facts: Mapping[str, Any], received_at: str, words: Words) -> list[str]:
    """Return what was looked at when it came, one sentence each."""
    said = [check[:1].upper() + check[1:] + "."]
    if facts.get("says"):
        said.insert(0, words.gettext("It says: “%(said)s”", said=str(facts["says"])))
    if facts.get("how") == CAMERA and facts.get("captured_at"):
        taken, arrived = words.moment(str(facts["captured_at"])), words.moment(received_at)
        said.append(
            words.gettext(
                "The phone says it was taken at %(taken)s; it arrived at %(arrived)s.",
                taken=taken,
                arrived=arrived,
            )
        )
    if facts.get("nonce_issued_at"):
        at = words.moment(str(facts["nonce_issued_at"]))
        said.append(
            words.gettext("Taken with a one-time number that this person was given at %(time)s.", time=at)
        )
    if facts.get("width_px"):
        size = {"width": facts["width_px"], "height": facts["height_px"]}
        said.append(words.gettext("A whole picture of %(width)s by %(height)s points.", **size))
    said += _made(facts.get("made") or {}, words)
    if not facts.get("alike"):
        said.append(words.gettext("It was not used anywhere here before."))
    return said


def _made(made: Mapping[str, Any], words: Words) -> list[str]:
    """Return what the file says of its own making."""
    said = []
    taken, changed, camera = made.get("taken_at"), made.get("changed_at"), made.get("camera")
    if taken:
        when = words.date(str(taken)[:10])
        with_what = words.gettext("The file says that it was taken on %(day)s with %(camera)s.")
        plain = words.gettext("The file says that it was taken on %(day)s.")
        said.append((with_what if camera else plain) % {"day": when, "camera": camera})
    if changed:
        when = words.date(str(changed)[:10])
        by = str(made.get("software") or "")
        with_what = words.gettext("The file says that it was changed on %(day)s by %(software)s.")
        plain = words.gettext("The file says that it was changed on %(day)s.")
        said.append((with_what if by else plain) % {"day": when, "software": by})
    if made.get("credentials"):
        said.append(
            words.gettext(
                "It carries content credentials, which are not checked here: it counts as a plain photo."
            )
        )
    if taken or changed:
        said.append(words.gettext("Anybody can write this into a file, so nothing rests on it."))
    return said


async def _alike(seen: Seen, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (address, when it came) of the items that show the same picture, as far as the reader may see them."""
    found = []
    for one in facts.get("alike") or ():
        row = await seen.rooms.rows.one(tables.evidence, evidence=str(one["evidence"]))
        if row is not None:
            when = seen.frame.words.moment(str(row["received_at"]))
            found.append((f"/exceptions/{row['case']}/evidence/{row['evidence']}", when))
    return found


@router.get("/exceptions/{case}/evidence/{evidence}/content")
async def content(case: Id, evidence: Id, visit: Reads) -> Response:
    """Give the file, as the API does."""
    return await read_content(case, evidence, visit)


@router.get("/exceptions/{case}/evidence/{evidence}/thumbnail")
async def thumbnail(case: Id, evidence: Id, visit: Reads) -> Response:
    """Give the small picture, as the API does."""
    return await read_thumbnail(case, evidence, visit)

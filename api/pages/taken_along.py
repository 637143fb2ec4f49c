"""The page in the folder of everything about one person: the same as everything.json, to read, in their language.

It stands alone: no stylesheet, no script, no address but those of the parts beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from api.caller import Caller
from api.pages.about_me import look_words, step_words
from api.pages.cards import EVIDENCE, STATES
from api.pages.frame import Frame, frame_of, rendered
from api.pages.names import people_of
from api.pages.persons import ROLE_WORDS, power_words
from api.pages.thanks import state_chip, tokens_words
from api.pages.watch_names import watch_words
from api.pages.words import Words, mark
from api.rooms import Rooms
from api.routes.packing import Readable
from casework import tables

VERBS = {
    ("action", "approved"): mark("Yes, it may be done"),
    ("action", "declined"): mark("No, it is not done"),
    ("award", "approved"): mark("Yes, it is recognised"),
    ("award", "declined"): mark("No, it is not recognised"),
}
WRITTEN = {
    "note": mark("A note"),
    "text": mark("What I suggested"),
    "reason": mark("My reason"),
    "message": mark("My thank-you"),
    "purpose": mark("What it is for"),
    "facts": mark("What stood with evidence"),
}
"""Path of a private value -> what it is; another one is shown by its own name."""


async def readable(request: Request, caller: Caller, rooms: Rooms) -> Readable:
    """Return what makes the page of whoever asks."""
    frame = await frame_of(request, caller, rooms, "me")
    names = await people_of(rooms.rows)
    powers = await rooms.rows.find(tables.authority, {"member": caller.member, "active": 1})

    async def page(whole: dict[str, Any], parts: list[dict[str, Any]]) -> bytes:
        values = {
            "whole": whole,
            "roles": [frame.words.gettext(ROLE_WORDS[one]) for one in caller.roles if one in ROLE_WORDS],
            "powers": [power_words(row, frame.words) for row in powers],
            "watches": [
                (watch_words(one["playbook"], frame.words), one["words"]) for one in whole["watches"]
            ],
            "looks": [(one["at"], look_words(one, names, frame.words)) for one in whole["looks"]],
            "looked": [(one["at"], names.name(one["member"], frame.words)) for one in whole["rows"]["look"]],
            **_told(whole, parts, frame),
        }
        return (await asyncio.to_thread(rendered, frame, "taken_along.html", values)).encode("utf-8")

    return page


def _told(whole: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], frame: Frame) -> dict[str, Any]:
    words = frame.words
    badges = {one.get("award"): one["name"] for one in parts if one["name"].startswith("badges/")}
    files = {one.get("evidence"): one["name"] for one in parts if one["name"].startswith("files/")}
    return {
        "awards": [_award(one, badges.get(one["award"], ""), words) for one in whole["awards"]],
        "cases": [
            (one["opened_at"], words.gettext(STATES[one["state"]][0]), _part(one, words))
            for one in whole["cases"]
        ],
        "evidence": [_evidence(one, files.get(one["evidence"], ""), words) for one in whole["evidence"]],
        "decisions": [_decision(one, words) for one in whole["decisions"]],
        "written": [_written(one, words) for one in whole["written"]],
        "steps": [
            (one["seq"], one["at"], step_words(one["kind"], words), one["as"] == "actor")
            for one in whole["steps"]
        ],
    }


def _award(one: Mapping[str, Any], badge: str, words: Words) -> dict[str, str]:
    held = one["state"] == "provisional" and one["hold_reason"] is not None
    chip, _ = state_chip(one["state"], held, str(one["settle_not_before"]), True, words)
    tokens = tokens_words(int(one["share_tokens"]), words)
    said = one["message"] or words.gettext("Thank you.")
    return {"at": one["granted_at"], "said": str(said), "chip": chip, "tokens": tokens, "badge": badge}


def _decision(one: Mapping[str, Any], words: Words) -> tuple[str, str]:
    said = VERBS[str(one["about"]), str(one["verb"])]
    return one["decided_at"], words.gettext(said)


def _part(one: Mapping[str, Any], words: Words) -> str:
    said = (
        ("owned", words.gettext("it is or was mine")),
        ("reported", words.gettext("I told of it")),
        ("acted", words.gettext("I carried it out")),
    )
    return words.listed(text for name, text in said if one[name])


def _evidence(one: Mapping[str, Any], file: str, words: Words) -> dict[str, str]:
    named = EVIDENCE.get(one["type"])
    return {
        "at": one["attached_at"],
        "what": words.gettext(named[0]) if named else one["type"],
        "file": file,
        "withdrawn": words.gettext("taken back by me") if one["withdrawn"] else "",
    }


def _written(one: Mapping[str, Any], words: Words) -> tuple[str, str, str]:
    said = WRITTEN.get(one["path"])
    what = words.gettext(said) if said else str(one["path"])
    if one["value"] is None:
        gone = (
            words.gettext("left out: it is about somebody else")
            if one["left_out"]
            else words.gettext("erased")
        )
        return one["at"], what, gone
    return (
        one["at"],
        what,
        one["value"] if isinstance(one["value"], str) else words.gettext("in everything.json"),
    )

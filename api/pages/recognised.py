"""What is recognised: one policy in words, what a simulated year says of it, and other numbers, played first.

Publishing writes a new version under the same name. What runs under an older version stays under it: nothing that was
decided counts backwards.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api import simulated_years
from api.forgeable import floor_of
from api.pages.doors import Acting, Form, PageDoor, Seen, act, see
from api.pages.frame import show, with_toast
from api.pages.simulated_words import simulated
from api.pages.troubles import trouble_of
from api.pages.watch_numbers import query_form
from api.pages.words import Words, mark
from api.problems import BadRequest, NotFound, of_error
from api.published import read_policy_text
from api.rooms import Rooms
from api.switching import POLICIES
from casework import tables
from casework.errors import refuse
from casework.requests import PublishPolicy
from ledger.codec import loads
from verifiers.errors import PolicyInvalid
from verifiers.policy import TOKENS_MAX, WINDOW_DAYS_MAX, Policy
from verifiers.registry import load_policy

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("watch.write", here="settings")]
Publishes = Annotated[Acting, act("watch.write", here="settings")]
PolicyId = Annotated[str, Path(max_length=60, pattern=r"^[a-z0-9_-]+$")]

NAMES: Mapping[str, str] = {
    "service_issue": mark("Something put right for a guest"),
    "operational_check": mark("A check done in time"),
    "handover": mark("An accurate hand-over"),
    "training": mark("A course passed"),
    "referral": mark("Somebody referred"),
}
NUMBERS = (
    ("tokens", mark("Tokens at most"), 0, TOKENS_MAX),
    ("window_days", mark("Days it waits before it is theirs"), 1, WINDOW_DAYS_MAX),
    ("cap_tokens", mark("Tokens at most for one person"), 0, TOKENS_MAX),
    ("cap_days", mark("... within so many days"), 1, WINDOW_DAYS_MAX),
)
SAID = {"published": mark("Published. It counts for what names it from now on.")}


@dataclass(frozen=True, slots=True)
class Line:
    """One policy in the list of settings."""

    id: str
    name: str
    detail: str


async def policies(rooms: Rooms) -> list[Policy]:
    """Return each policy in its newest version: what is published here, and what is shipped and not published."""
    newest = {one.id: one for one in await asyncio.to_thread(_shipped)}
    for row in await rooms.rows.find(tables.policy):
        one = load_policy(loads(row["content"]))
        if one.id not in newest or one.version >= newest[one.id].version:
            newest[one.id] = one
    return [newest[name] for name in sorted(newest)]


def _shipped() -> list[Policy]:
    texts = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(POLICIES.glob("*.yaml"))]
    return [load_policy(dict(read_policy_text(text, name).content)) for name, text in texts]


def lines(found: list[Policy], words: Words) -> list[Line]:
    """Return the list for the page of settings."""
    return [Line(one.id, name_of(one, words), tokens_words(one, words)) for one in found]


def name_of(policy: Policy, words: Words) -> str:
    """Return what is recognised, in words; a policy of one's own by its name."""
    return words.gettext(NAMES[policy.id]) if policy.id in NAMES else policy.id


def tokens_words(policy: Policy, words: Words) -> str:
    """Return what one recognition is worth."""
    count = policy.terms.tokens
    if not count:
        return words.gettext("thanks without tokens")
    return words.ngettext("%(num)s token at most", "%(num)s tokens at most", count)


def facts(policy: Policy, words: Words) -> list[tuple[str, str]]:
    """Return (what, how much) of a policy's terms."""
    terms = policy.terms
    cap = words.gettext("no upper limit")
    if terms.cap_tokens is not None:
        cap = words.gettext(
            "%(tokens)s tokens within %(days)s days; then thanks go on without tokens",
            tokens=words.number(terms.cap_tokens),
            days=words.number(terms.cap_days),
        )
    people = words.ngettext(
        "somebody alone could fake it, if whoever says yes believes them",
        "at least %(num)s people would have to fake it together; whoever says yes is not counted",
        floor_of(policy.content).needed(terms.tokens),
    )
    return [
        (words.gettext("Each time"), tokens_words(policy, words)),
        (words.gettext("Theirs after"), words.ngettext("%(num)s day", "%(num)s days", terms.window_days)),
        (words.gettext("For one person"), cap),
        (words.gettext("How safe"), people),
    ]


async def need_policy(rooms: Rooms, name: str) -> Policy:
    """Return a policy by its name. Raises NotFound."""
    found = next((one for one in await policies(rooms) if one.id == name), None)
    if found is None:
        raise NotFound("policy", name)
    return found


@router.get("/settings/recognised/{policy}")
async def one_policy(policy: PolicyId, seen: Sees, said: str = "", play: str = "") -> Response:
    """Show one policy and what a simulated year says of it; one that nobody played yet is played on request."""
    words = seen.frame.words
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    found = await need_policy(seen.rooms, policy)
    known = found.digest in simulated_years.shipped_years()
    told = await simulated_years.beside(seen.rooms, found) if known or play else None
    terms = found.content["terms"]
    return await show(
        frame,
        "recognised.html",
        policy=found,
        name=name_of(found, words),
        facts=facts(found, words),
        year=None if told is None else simulated(told, words),
        asked=known or bool(play),
        numbers=[
            (name, words.gettext(label), terms.get(name, ""), least, most)
            for name, label, least, most in NUMBERS
        ],
    )


@router.get("/settings/recognised/{policy}/numbers")
async def try_numbers(policy: PolicyId, seen: Sees) -> Response:
    """Play a policy with other numbers, before anything is published."""
    words = seen.frame.words
    old = await need_policy(seen.rooms, policy)
    try:
        new = changed(old, query_form(seen.request))
    except BadRequest as error:
        body, _ = of_error(error)
        return await _numbers(seen, old, old, status=422, trouble=trouble_of(words, body))
    return await _numbers(seen, old, new)


async def _numbers(seen: Seen, old: Policy, new: Policy, status: int = 200, trouble: Any = None) -> Response:
    words, played = seen.frame.words, old.content != new.content and trouble is None
    before = await simulated_years.beside(seen.rooms, old, fresh=True) if played else None
    after = await simulated_years.beside(seen.rooms, new, fresh=True) if played else None
    return await show(
        seen.frame,
        "recognised_numbers.html",
        status=status,
        policy=old,
        name=name_of(old, words),
        trouble=trouble,
        changes=[
            (what, was, now)
            for (what, was), (_, now) in zip(facts(old, words), facts(new, words), strict=True)
            if was != now
        ],
        before=None if before is None else simulated(before, words),
        after=None if after is None else simulated(after, words),
        given={name: new.content["terms"].get(name, "") for name, *_ in NUMBERS},
        version=new.version,
        key=seen.fresh_key(),
    )


@router.post("/settings/recognised/{policy}/numbers")
async def publish_numbers(policy: PolicyId, acting: Publishes) -> Response:
    """Publish a policy with other numbers, as a new version."""
    old = await need_policy(acting.rooms, policy)
    form = acting.form
    new = changed(old, form)
    if form.text("was") != old.digest:
        if _terms(new) != _terms(old):
            raise refuse("stale", "expected the policy that was shown, got another version")
    elif _terms(new) != _terms(old):
        name = f"{new.id}/v{new.version}"
        request = PublishPolicy(name, new.verifier, new.verifier_version, new.digest, new.content)
        await acting.rooms.office.publish_policy(acting.who, acting.key, request)
    return RedirectResponse(
        f"/settings/recognised/{policy}?said=published",
        status_code=303,
        headers={"Cache-Control": "no-store"},
    )


def _terms(policy: Policy) -> Any:
    return policy.content["terms"]


def changed(policy: Policy, form: Form) -> Policy:
    """Return the next version of a policy with other numbers; a field that is empty keeps its number, but no cap means
    none. The same policy where no number is another one.

    Raises:
        BadRequest: no whole number, out of range, or half a cap.
    """
    content = copy.deepcopy(dict(policy.content))
    terms = content["terms"]
    given = {name: form.whole(name, least, most) for name, _, least, most in NUMBERS}
    if (given["cap_tokens"] is None) != (given["cap_days"] is None):
        missing = "cap_days" if given["cap_days"] is None else "cap_tokens"
        raise BadRequest(
            "missing", f"{missing}: expected a number beside the other one, got nothing", field=f"/{missing}"
        )
    for name in ("cap_tokens", "cap_days"):
        terms.pop(name, None)
    terms.update({name: value for name, value in given.items() if value is not None})
    if terms == policy.content["terms"]:
        return policy
    content["version"] = policy.version + 1
    try:
        return load_policy(content)
    except PolicyInvalid as error:
        raise BadRequest("value_invalid", str(error)) from error

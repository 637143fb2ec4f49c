"""Decisions: what needs this person's yes or no, the most pressing first and open; and the yes or no itself.

The bar is an ordinary form. It carries the token that binds the answer to exactly what was shown, so a yes to something
that has changed since is refused (409) and the card is shown as it stands now. What was sent twice counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.check_bundle import count_waiting
from api.dossiers import Dossier, Staff, dossiers, staff_of
from api.matters import ACTION, AWARD, REVIEW
from api.pages.budgets import budgets_of
from api.pages.cards import EVIDENCE, Card, People, act_words, brought_at, card_of, title_of
from api.pages.doors import Acting, Form, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.inbox import SHOWN_MAX, Matter, handled_since, inbox
from api.pages.names import people_of, watches_of
from api.pages.passkeys import signing, waiting_passkeys
from api.pages.possible import ASKED, NO_PROBLEM, PASS, possible_steps
from api.pages.questions import Looking, Question, questions_of, waiting_questions
from api.pages.troubles import Trouble, trouble_of
from api.pages.words import Words, mark
from api.passkeys import is_at_address
from api.permissions import MANAGER, OWNER
from api.problems import of_error
from api.rooms import Rooms
from casework import cases, replies, tables
from casework.errors import refuse
from casework.requests import (
    AddNote,
    CloseDispute,
    Decide,
    Dispute,
    PasskeySigned,
    ReviewEvidence,
    WithdrawDecision,
)
from ledger.book import budget as budget_account
from ledger.codec import loads
from ledger.errors import Refused
from ledger.store.tables import account

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.decide", here="decisions")]
Decides = Annotated[Acting, act("case.decide", here="decisions")]
Reviews = Annotated[Acting, act("case.review", here="decisions")]
SIGNED_FIELDS = ("prepared", "credential_id", "client_data", "authenticator_data", "signature")
SIGNED_CHARS_MAX = 16_000
CaseId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]

REASONS = (
    ("no_longer_needed", mark("Not needed")),
    ("wrong_person", mark("Wrong person")),
    ("too_costly", mark("Too costly")),
    ("evidence_weak", mark("Not enough evidence")),
    ("other", mark("Other")),
)
"""Coded reason -> what the button says; the person is told."""
AWARD_REASONS = (
    ("not_reached", mark("Not reached")),
    ("evidence_weak", mark("Not enough evidence")),
    ("already_recognised", mark("Already recognised")),
    ("wrong_person", mark("Wrong person")),
    ("other", mark("Other")),
)
SAID: Mapping[str, str] = {
    "approved": mark("Approved. It is passed on in %(seconds)s seconds."),
    "declined": mark("Declined, and told to whoever suggested it."),
    "recognised": mark("Recognised. It is passed on in %(seconds)s seconds."),
    "not-recognised": mark("Not recognised. The person is told why, and may answer."),
    "asked": mark("Asked. They see it first; once they have answered you can decide."),
    "dropped": mark("Dropped. It waits for a yes or a no, as before."),
    "budget-set": mark("Set aside. These tokens can be given from now on."),
    "reviewed": mark("Noted."),
    "undone": mark("Undone. Nothing was passed on."),
    "passkey-confirmed": mark("Confirmed. From now on this passkey signs decisions."),
}
"""What the toast says after a form; the address carries the key only, so nobody can put words into our mouth."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The decision bar of one card: what the yes is called, the reasons of a no, and what binds them."""

    kind: str
    yes: str
    binds: str
    token: str
    key: str
    reasons: tuple[tuple[str, str], ...]
    people: str = ""
    tokens: int | None = None
    tokens_max: int = 0
    budgets: tuple[tuple[str, str], ...] = ()
    items: tuple[tuple[str, str], ...] = ()
    beneficiaries: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    """What was asked about it before there is an award: a planned no, and the answers."""
    first: str = ""
    """What a no begins with; it is asked first where this says so."""
    signed: str = ""
    """passkey: the yes is signed with one; missing: it would have to be, and there is none; else it is a session's."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A card in the list: two lines and where it leads."""

    card: Card
    path: str
    current: bool


@router.get("/decisions")
async def decisions(seen: Sees, open: str | None = None, said: str = "", of: str = "") -> Response:
    """Show what needs this person."""
    return await page(seen, open, _told(seen.frame, seen.rooms, said, of))


async def page(
    seen: Seen, wanted: str | None, frame: Frame, trouble: Trouble | None = None, status: int = 200
) -> Response:
    """Return the page with one card open: the wanted one while it still waits, else the most pressing."""
    rooms, words, now = seen.rooms, frame.words, seen.rooms.clock.now()
    staff = await staff_of(rooms.rows, now)
    matters = await inbox(rooms.rows, staff, seen.caller.member, now)
    people = await people_of(rooms.rows)
    current = next((one for one in matters if one.dossier.id == wanted), matters[0] if matters else None)
    shown = _shown(matters, current)
    playbooks = {str(one.dossier.case["playbook"]) for one in shown if one.dossier.case["playbook"]}
    watches = await watches_of(rooms.rows, playbooks)
    listed = [
        Listed(_card(one, people, words, watches), f"/decisions?open={one.dossier.id}", one is current)
        for one in shown
    ]
    others = await handled_since(rooms.rows, words.midnight(now), seen.caller.member)
    return await show(
        replace(frame, counts={"decisions": len(matters)}),
        "decisions.html",
        status=status,
        count=len(matters),
        beyond=len(matters) - len(shown),
        others=len(others),
        listed=listed,
        unwatched=not {OWNER, MANAGER}.isdisjoint(seen.caller.roles)
        and await rooms.rows.count(tables.playbook) == 0,
        is_owner=OWNER in seen.caller.roles,
        card=next((one.card for one in listed if one.current), None),
        bar=None if current is None else await bar_of(seen, current, people, words),
        passing=() if current is None else passing_of(current.dossier, staff, seen.caller.member, words),
        passkeys=await waiting_passkeys(seen, people),
        questions=await waiting_questions(
            Looking(rooms.rows, seen.caller.member, people, words, now, staff),
            frozenset(one.dossier.id for one in matters),
        ),
        checks=await count_waiting(rooms, staff, seen.caller.member),
        checked=words.clock(now),
        trouble=trouble,
        budgets=[
            one for one in await budgets_of(rooms, staff, seen.caller.member, people, words) if one.mine
        ],
        key=seen.fresh_key(),
    )


def _shown(matters: Sequence[Matter], current: Matter | None) -> list[Matter]:
    shown = list(matters[:SHOWN_MAX])
    if current is not None and all(one is not current for one in shown):
        shown[-1] = current
    return shown


def _card(one: Matter, people: People, words: Words, watches: Mapping[str, Mapping[str, Any]]) -> Card:
    return card_of(one.dossier, people, words, watches.get(str(one.dossier.case["playbook"]), {}), one)


PASSING = (
    (PASS, "pass", mark("Pass to…")),
    ("", "later", mark("Later…")),
    (NO_PROBLEM, "no-problem", mark("Not a problem")),
)
"""Step it needs ("" none), form of the exception's page, what the link says."""


def passing_of(dossier: Dossier, staff: Staff, member: str, words: Words) -> tuple[tuple[str, str], ...]:
    """Return the secondary links of a card: (address, words) of what may be done instead of deciding."""
    answers = {step: staff.answer(step, dossier) for step in ASKED}
    can = {"", *possible_steps(dossier, member, answers)}
    if dossier.case["state"] != cases.AWAITING_DECISION:
        can -= {""}
    path = f"/exceptions/{dossier.id}"
    return tuple(
        (f"{path}?do={form}#{form}", words.gettext(said)) for step, form, said in PASSING if step in can
    )


async def bar_of(seen: Seen, matter: Matter, people: People, words: Words) -> Bar:
    """Return the bar of a matter, with the token that binds an answer to what stands there now."""
    dossier, key = matter.dossier, seen.fresh_key()
    if matter.kind == REVIEW:
        items = [item for item in dossier.live if item["review"] is None]
        named = tuple((str(item["evidence"]), _item_words(item, people, words)) for item in items)
        binds = words.gettext("You say whether it holds. Whether it earns thanks is decided afterwards.")
        return Bar(REVIEW, words.gettext("It holds"), binds, "", key, (), items=named)
    shown = await seen.rooms.desk.show(seen.who, dossier.id, matter.kind)
    if matter.kind == ACTION:
        act_said = act_words(dossier.proposal["action"], words) if dossier.proposal else ""
        yes = words.gettext("Approve: %(act)s", act=words.inside(act_said))
        binds = words.gettext("Your yes covers exactly this. If it changes, you will be asked again.")
        reasons = tuple((code, words.gettext(said)) for code, said in REASONS)
        bar = Bar(ACTION, yes, binds, shown.token, key, reasons)
    else:
        bar = await _award_bar(seen.rooms, matter, people, words, shown.token, key)
        bar = await _with_reply(seen, matter.dossier, people, bar)
    settings = seen.request.app.state.installation.settings
    here = is_at_address(settings, seen.request.headers.get("host"))
    return replace(bar, signed=await signing(seen.rooms, seen.caller.member, matter.kind, here))


def _item_words(item: Mapping[str, Any], people: People, words: Words) -> str:
    _, _, who = str(item["submitter"]).partition(":")
    when = words.moment(brought_at(item))
    kind = str(item["type"])
    said, _ = EVIDENCE.get(kind, (kind, ""))
    what = words.gettext(said)
    return (
        f"{what}, {when}" if kind == "customer_confirmation" else f"{what}: {people.name(who, words)}, {when}"
    )


async def _award_bar(rooms: Rooms, matter: Matter, people: People, words: Words, token: str, key: str) -> Bar:
    dossier = matter.dossier
    verdict = dossier.verdict
    earned = loads(verdict["beneficiaries"]) if verdict else []
    policy = await rooms.rows.one(tables.policy, policy=dossier.case["policy"])
    most = int(loads(policy["content"])["terms"]["tokens"]) if policy else 0
    watches = await watches_of(rooms.rows, {str(dossier.case["playbook"])})
    suggested = (watches.get(str(dossier.case["playbook"]), {}).get("award") or {}).get("amount_tokens", most)
    budgets = await open_budgets(rooms, words)
    names = words.listed(people.name(member, words) for member in earned)
    return Bar(
        AWARD,
        words.gettext("Thank %(names)s", names=names),
        words.gettext("Your yes covers exactly this result and this evidence."),
        token,
        key,
        tuple((code, words.gettext(said)) for code, said in AWARD_REASONS),
        people=names,
        beneficiaries=tuple(earned),
        tokens=min(int(suggested), most) if budgets else 0,
        tokens_max=most if budgets else 0,
        budgets=budgets,
    )


async def _with_reply(seen: Seen, dossier: Dossier, people: People, bar: Bar) -> Bar:
    """Return the bar as the right of reply leaves it: a no is asked about first, then waits, then has its reason."""
    words, now = seen.frame.words, seen.rooms.clock.now()
    staff = await staff_of(seen.rooms.rows, now)
    looking = Looking(seen.rooms.rows, seen.caller.member, people, words, now, staff)
    stands = {
        one["dispute"]
        for one in dossier.disputes
        if one["award"] is None and one["verdict"] == dossier.case["verdict"]
    }
    questions = tuple(one for one in await questions_of(dossier, looking) if one.dispute in stands)
    planned = next((one for one in questions if one.open), None)
    if planned is None:
        first = words.gettext("They are asked first, and have some days to answer.")
        return replace(bar, questions=questions, first=first)
    button = dict(AWARD_REASONS).get(planned.reason_code)
    said = planned.why if button is None else words.gettext(button)
    reasons = ((planned.reason_code, said),) if planned.ready else ()
    return replace(bar, questions=questions, reasons=reasons)


async def open_budgets(rooms: Rooms, words: Words) -> tuple[tuple[str, str], ...]:
    """Return (budget, words) of every budget that two people set and that holds tokens, the fullest first."""
    rows = [row for row in await rooms.rows.find(tables.budget) if row["approved_by"] is not None]
    names = {budget_account(row["budget"]): row["budget"] for row in rows}
    held = await rooms.rows.find(account, {"account": list(names)}) if names else []
    full = sorted(
        (row for row in held if row["balance_tokens"] > 0), key=lambda row: -int(row["balance_tokens"])
    )
    return tuple(
        (
            str(names[row["account"]]),
            words.ngettext("%(num)s token left", "%(num)s tokens left", int(row["balance_tokens"])),
        )
        for row in full
    )


# ---------------------------------------------------------------------------------------------- the answers
@router.post("/exceptions/{case}/decide")
async def decide(case: CaseId, acting: Decides) -> Response:
    """Take a yes or a no, over exactly what was shown."""
    form = acting.form
    about, verb = form.one_of("about", (ACTION, AWARD)), form.one_of("verb", ("approved", "declined"))
    tokens = form.whole("tokens", 0, 1_000_000) if about == AWARD and verb == "approved" else None
    verdict = await _judged(acting.rooms, case) if tokens is not None else []
    request = Decide(
        token=form.need("token", chars_max=8_000),
        verb=verb,
        beneficiaries=tuple(verdict),
        amount_tokens=tokens,
        budget=form.maybe("budget") if tokens else None,
        reason_code=form.maybe("reason_code") if verb == "declined" else None,
        reason=form.maybe("reason"),
        message=form.maybe("message") if about == AWARD and verb == "approved" else None,
        passkey=_signature(form),
    )
    try:
        if form.text("passkey_wanted") and request.passkey is None:
            # the page said "signed with your passkey": why it was not prepared is told, and nothing decided unsigned
            await acting.rooms.desk.prepare(acting.who, request)
            raise refuse("passkey_missing", "expected the signature that the page promised, got none")
        done = await acting.rooms.desk.decide(acting.who, acting.key, request)
    except Refused as refusal:
        if refusal.code in ("not_asked_first", "reply_awaited"):
            return await _ask_first(acting, case, request, refusal)
        return await _refused(acting, case, refusal, about)
    said = {("action", "approved"): "approved", ("action", "declined"): "declined"}.get(
        (about, verb), "recognised" if verb == "approved" else "not-recognised"
    )
    return after(f"said={said}&of={case}.{done.ids.get('decision', '')}")


async def _ask_first(acting: Acting, case: str, request: Decide, refusal: Refused) -> Response:
    """Ask whoever was judged, before a no is said: the same form, and the same reason, begin it."""
    desk, key = acting.rooms.desk, acting.then("ask")
    if refusal.code == "reply_awaited" and not await desk.was_taken(acting.who, key):
        return await _refused(acting, case, refusal, AWARD)
    try:
        planned = Dispute(case, replies.DECLINE, request.reason_code, request.reason)
        await desk.dispute(acting.who, key, planned)
    except Refused as refused:
        return await _refused(acting, case, refused, AWARD)
    return after(f"said=asked&open={case}")


@router.post("/exceptions/{case}/drop")
async def drop(case: CaseId, acting: Decides) -> Response:
    """Drop a no that was planned: nothing is taken, and it waits for a yes or a no as before."""
    dispute, reason = acting.form.need("dispute", chars_max=64), acting.form.need("reason_code", chars_max=64)
    try:
        await acting.rooms.desk.close_dispute(acting.who, acting.key, CloseDispute(case, dispute, reason))
    except Refused as refusal:
        return await _refused(acting, case, refusal)
    return after(f"said=dropped&open={case}")


def _signature(form: Form) -> PasskeySigned | None:
    """Return what the passkey signed, None where it was not asked."""
    if not form.text("passkey_prepared", chars_max=SIGNED_CHARS_MAX):
        return None
    return PasskeySigned(
        **{name: form.need(f"passkey_{name}", chars_max=SIGNED_CHARS_MAX) for name in SIGNED_FIELDS}
    )


async def _judged(rooms: Rooms, case: str) -> list[str]:
    row = await rooms.rows.need("case", tables.case_file, case=case)
    verdict = await rooms.rows.one(tables.verdict, case=case, verdict=row["verdict"] or "")
    return list(loads(verdict["beneficiaries"])) if verdict else []


@router.post("/exceptions/{case}/review")
async def review(case: CaseId, acting: Reviews) -> Response:
    """Say of the evidence that was shown whether it holds."""
    result = "refused" if acting.form.text("verb") == "refused" else "accepted"
    reason = "not_convincing" if result == "refused" else None
    try:
        for number, item in enumerate(acting.form.all("item")):
            request = ReviewEvidence(case, item, result, reason)
            await acting.rooms.desk.review_evidence(acting.who, acting.then(str(number)), request)
        if (note := acting.form.maybe("reason")) is not None:
            await acting.rooms.desk.add_note(acting.who, acting.then("note"), AddNote(case, note))
    except Refused as refusal:
        return await _refused(acting, case, refusal)
    return after("said=reviewed")


@router.post("/exceptions/{case}/decisions/{decision}/undo")
async def undo(case: CaseId, decision: CaseId, acting: Decides) -> Response:
    """Take a decision back while nothing has followed from it."""
    try:
        request = WithdrawDecision(case, decision)
        await acting.rooms.desk.withdraw_decision(acting.who, acting.key, request)
    except Refused as refusal:
        return await _refused(acting, case, refusal)
    return after(f"said=undone&open={case}")


DECIDED = {
    "approved": mark("%(who)s approved this: %(time)s."),
    "declined": mark("%(who)s declined this: %(time)s."),
}
"""What somebody reads whose answer came after another's."""


async def _refused(acting: Acting, case: str, refusal: Refused, about: str = "") -> Response:
    """Show the page as it stands now, with a note that says why the answer was not taken; `about`: of a yes or no."""
    body, _ = of_error(refusal)
    journal = acting.request.app.state.journal
    await journal.refused(acting.request, body["status"], body["code"])
    trouble = await _decided_already(acting, case, about) if about and body["code"] == "transition" else None
    trouble = trouble or trouble_of(acting.frame.words, body)
    return await page(acting, case, acting.frame, trouble, body["status"])


async def _decided_already(acting: Acting, case: str, about: str) -> Trouble | None:
    """Return who decided the same of a case before this answer came, None where nobody has."""
    rows, words = acting.rooms.rows, acting.frame.words
    found = await dossiers(rows, await rows.find(tables.case_file, {"case": case}))
    made = [
        one
        for dossier in found
        for one in dossier.decisions
        if one["about"] == about and not one["withdrawn"]
    ]
    if not made:
        return None
    last, people = made[-1], await people_of(rows)
    said = DECIDED[last["verb"]]
    lead = words.gettext(said, who=people.name(last["decider"], words), time=words.moment(last["decided_at"]))
    title = title_of(found[0], words)
    rest = words.gettext("“%(title)s” needs no answer any more; yours changed nothing.", title=title)
    return Trouble(lead, lead, rest, "wait", "transition", "")


def after(query: str) -> Response:
    """Go back to the list, with one sentence about what was done."""
    return RedirectResponse(f"/decisions?{query}", status_code=303, headers={"Cache-Control": "no-store"})


def _told(frame: Frame, rooms: Rooms, said: str, of: str) -> Frame:
    if said not in SAID:
        return frame
    case, _, decision = of.partition(".")
    undoable = said in ("approved", "recognised", "declined", "not-recognised") and decision
    undo = (
        f"/exceptions/{case}/decisions/{decision}/undo"
        if undoable and _plain(case) and _plain(decision)
        else None
    )
    return with_toast(frame, frame.words.gettext(SAID[said], seconds=10), undo)


def _plain(text: str) -> bool:
    return 0 < len(text) <= 64 and not text.strip("0123456789abcdef-")

"""Two organisations on one installation: every id of one reads as unknown through every door of the other."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from casework import tokens
from casework.requests import EnrolPasskey, Principal
from tests.api.house import House, Team
from tests.api.painted import png
from tests.api.test_path import KINDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

ID_ROUTES_MIN = 36

SOME_ANCHOR = "01a1f866-0d00-7944-b5ab-9b1aa0731dd3"
BODIES: dict[str, dict[str, Any]] = {
    "answer_recall": {"answers": [0]},
    "assign_owner": {"owner": "?", "reason_code": "handed_over"},
    "acknowledge_case": {"until": "2026-11-21T10:00:00Z"},
    "add_note": {"note": "x"},
    "propose": {"action": "call", "text": "Call the guest"},
    "take_action": {"proposal": "?"},
    "attach_record": {"kind": "complaint", "record": "c-1"},
    "attach_file": {"content": "eA==", "media_type": "text/plain"},
    "attach_statement": {"statement": "x"},
    "attach_mail": {"mail": "eA=="},
    "attach_time_stamp": {"token": "eA=="},
    "withdraw_evidence": {"reason_code": "mistaken"},
    "review_evidence": {"result": "accepted"},
    "issue_link": {"customer": "guest", "until": "2026-11-21T10:00:00Z"},
    "record_outcome": {"resolution": "fixed", "impact": "none"},
    "judge_case": {},
    "grant_role": {"role": "manager"},
    "give_delegation": {"stand_in": "?", "until": "2026-11-27T10:00:00Z"},
    "end_delegation": {"reason_code": "back"},
    "approve_budget": {"amount_tokens": 10},
    "change_mode": {"mode": "retired"},
    "end_invite": {},
    "set_pin": {"pin": "240789"},
    "end_passkey": {"reason_code": "lost"},
    "take_reading": {"value": 1},
    "hand_over": {"status": "x", "actions": "x", "contingencies": "x"},
    "assess_skill": {"passed": True},
    "read_back": {"note": "e-1", "shown": "x.y", "text": "x"},
    "show_result": {"record": "c-1"},
    "report_work": {"text": "x"},
    "show_result_file": {"source": "pms", "file": "e30.e30.e30"},
    "issue_hook_key": {},
    "end_hook": {"reason_code": "leaked"},
    "anchor_now": {},
    "supersede_anchor": {"by": SOME_ANCHOR, "reason": "moved"},
    "close_anchor": {"reason": "moved"},
    "trust_source_key": {"public": "A" * 43},
    "end_source_key": {"reason_code": "leaked"},
    "end_point": {"reason_code": "lost"},
    "doubt_point": {},
    "dispute_award": {"about": "question", "reason_code": "how_earned"},
    "answer_dispute": {"reply": "x"},
    "close_dispute": {"reason_code": "answered"},
    "check_in": {"point": "?", "picc": "00" * 16, "cmac": "00" * 8},
}
REASON = {"reason_code": "duplicate"}
FORMS: dict[str, dict[str, Any]] = {
    "attach_photo": {"photo": ("a.png", png(2, 2), "image/png")},
    "join_case": {"note": (None, "Me too")},
}


async def theirs_ids(at: House, theirs: Team) -> dict[str, str]:
    """Make one of everything in the other organisation."""
    owner, staff = theirs.keys["owner"], theirs.keys["staff"]
    case = (await at.done("/api/v1/reports", staff, {"note": "Theirs alone"}))["ids"]["case"]
    proposal = await at.done(f"/api/v1/cases/{case}/proposals", staff, {"action": "call", "text": "Call"})
    # the same bytes count once in an organisation, so each call brings its own
    file = {"content": base64.b64encode(case.encode()).decode(), "media_type": "text/plain"}
    evidence = await at.done(f"/api/v1/cases/{case}/evidence/file", staff, file)
    granted = await at.done(
        "/api/v1/authorities", owner, {"member": theirs.members["manager"], "about": "action"}
    )
    stand_in = {"stand_in": theirs.members["manager"], "until": "2026-11-27T10:00:00Z"}
    joined = await at.done("/api/v1/members", owner, {"name": "Theirs", "roles": ["staff"]})
    away = await at.done(f"/api/v1/members/{joined['ids']['member']}/away", owner, stand_in)
    key = await at.done("/api/v1/keys", owner, {"member": theirs.members["staff"]})
    budget = await at.done("/api/v1/budgets", owner, {"amount_tokens": 10})
    invite = await at.done("/api/v1/invites", owner, {"member": theirs.members["staff"]})
    device = await at.done("/api/v1/devices", owner, {"label": "Theirs"})
    point = await at.done("/api/v1/points", owner, {"place": case, "method": "screen", "label": "Theirs"})
    await at.done("/api/v1/kinds", owner, {"yaml": KINDS})
    await at.done("/api/v1/sources", owner, {"source": "theirs", "kinds": ["complaint"]})
    hook = await at.done("/api/v1/hooks", owner, {"source": "theirs", "label": "Theirs"})
    anchor = await at.done("/api/v1/anchors", owner, {"type": "double", "place": {}})
    # one is open in an organisation at a time; a name of ours would be met by the next test
    await at.done(f"/api/v1/anchors/{anchor['ids']['anchor']}/close", owner, {"reason": "moved"})
    return {
        "anchor": anchor["ids"]["anchor"],
        "hook": hook["ids"]["hook"],
        "case": case,
        "proposal": proposal["ids"]["proposal"],
        "evidence": evidence["ids"]["evidence"],
        "decision": proposal["ids"]["proposal"],
        "member": theirs.members["staff"],
        "authority": granted["ids"]["authority"],
        "stand_in": theirs.members["manager"],
        "delegation": away["ids"]["delegation"],
        "key": key["ids"]["key"],
        "budget": budget["ids"]["budget"],
        "invite": invite["ids"]["invite"],
        "device": device["ids"]["device"],
        "point": point["ids"]["point"],
        "passkey": await _passkey(at, theirs, case),
        "award": case,
        "dispute": case,
        "job": "judge:1",
        "playbook": "complaint_to_escalate",
        "plan": "fridge",
        "source": "pms",
        "kind": "complaint",
        "record": "c-1",
        "role": "staff",
        "seq": str(10**9),
    }


async def _passkey(at: House, theirs: Team, credential: str) -> str:
    office = (await at.app.state.installation.rooms(theirs.log)).office
    who = Principal(theirs.members["staff"], "staff", "web", "key")
    made = EnrolPasskey(tokens.to_text(credential.encode()), "AA", -7, "localhost", ("http://localhost",))
    passkey: str = (await office.enrol_passkey(who, credential, made)).ids["passkey"]
    return passkey


async def test_ids_of_another_organisation_are_unknown(at: House, ours: Team, theirs: Team) -> None:
    ids = await theirs_ids(at, theirs)
    before = (await at.ask("GET", "/api/v1/log", theirs.keys["owner"])).json()
    tried = 0
    for context in iter_route_contexts(at.app.routes):
        path = str(context.path)
        if "{" not in path or "{path:path}" in path:
            continue
        if "{token}" in path or "{log}" in path:
            continue  # whoever holds the token, and the operator, need no key of an organisation
        where = path
        for name, value in ids.items():
            where = where.replace("{" + name + "}", value)
        for method in context.methods or ():
            if method not in ("GET", "POST"):
                continue
            operation = getattr(context, "operation_id", None) or context.name
            body = BODIES.get(
                str(operation), REASON if "leave" in path or "awards" in path or "cases" in path else None
            )
            if operation in ("import_file", "import_batch", "decide", "prepare_decision", "take_delivery"):
                continue  # a source, a token, a signature: see below, test_doors and test_hooks
            if "/chain/" in path:
                continue  # beside the owner's key they ask for the operator's token (test_anchors)
            if operation == "write_purpose":
                continue  # written before the watch is there: one's own, whatever it is called elsewhere
            if body is not None:
                body = {
                    name: ids["member"]
                    if value == "?" and name == "owner"
                    else ids.get(name, value)
                    if value == "?"
                    else value
                    for name, value in body.items()
                }
            query = "?about=action" if operation == "read_card" else ""
            form = FORMS.get(str(operation))
            sent = {"files": form} if form else {"json": body if method == "POST" else None}
            answer = await at.ask(method, where + query, ours.keys["owner"], **sent)
            assert answer.status_code == 404, (method, path, answer.status_code, answer.text)
            assert "Theirs" not in answer.text
            tried += 1
    assert tried >= ID_ROUTES_MIN
    assert (await at.ask("GET", "/api/v1/log", theirs.keys["owner"])).json() == before


async def test_lists_hold_only_our_own(at: House, ours: Team, theirs: Team) -> None:
    ids = await theirs_ids(at, theirs)
    for path in (
        "members", "authorities", "away", "keys", "budgets", "settings", "kinds", "playbooks", "policies", "sources",
        "cases", "awards", "accounts", "postings", "log/entries?limit=1000",
        "members", "authorities", "keys", "budgets", "settings", "kinds", "playbooks", "policies", "sources", "cases",
        "awards", "accounts", "postings", "log/entries?limit=1000", "invites", "devices",
        "passkeys", "me/passkeys", "points", "hooks", "source-keys", "anchors",
    ):  # fmt: skip
        answer = await at.ask("GET", f"/api/v1/{path}", ours.keys["owner"])
        assert answer.status_code == 200
        for value in (
            theirs.log,
            ids["case"],
            ids["evidence"],
            ids["authority"],
            ids["key"],
            ids["invite"],
            ids["device"],
            ids["point"],
            ids["hook"],
            ids["anchor"],
            ids["passkey"],
            *theirs.members.values(),
        ):
            assert value not in answer.text, (path, value)


async def test_foreign_ids_in_bodies_are_unknown(at: House, ours: Team, theirs: Team) -> None:
    ids = await theirs_ids(at, theirs)
    owner = ours.keys["owner"]
    table = [
        ("/api/v1/keys", {"member": ids["member"]}),
        ("/api/v1/authorities", {"member": ids["member"], "about": "action"}),
        ("/api/v1/invites", {"member": ids["member"]}),
        ("/api/v1/reports", {"note": "x", "owner": ids["member"]}),
        ("/api/v1/members", {"name": "Twin", "roles": ["staff"], "same_as": ids["member"]}),
        ("/api/v1/agents", {"name": "Bot", "charter": {}, "answers_to": ids["member"]}),
    ]
    for path, body in table:
        answer = await at.ask("POST", path, owner, json=body)
        assert answer.status_code in (404, 422), (path, answer.text)


async def test_a_card_of_another_organisation_decides_nothing(at: House, ours: Team, theirs: Team) -> None:
    ids = await theirs_ids(at, theirs)
    card = await at.ask("GET", f"/api/v1/cases/{ids['case']}/card?about=action", theirs.keys["owner"])
    body = {"token": card.json()["token"], "verb": "approved"}
    path = f"/api/v1/cases/{ids['case']}/decisions"
    answer = await at.ask(
        "POST", path, ours.keys["owner"], json=body, headers={"If-Match": card.headers["etag"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "token_invalid")

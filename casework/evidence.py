"""Evidence: attached as collectors froze it, never edited; withdrawn and replaced items stay visible.

The submitter does not review it, nor does whoever took the action. The same file, or the same version of a record,
counts once in the whole organisation; an answer of a customer cannot be taken back.
"""

from __future__ import annotations

import json

from casework import authority, cases, people
from casework.errors import refuse
from casework.requests import Asked, AttachEvidence, ExpireLink, IssueLink
from ledger.changes import Insert, Row
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM, Draft

GRADES = ("E0", "E1", "E2", "E3", "E4")
"""E0 assertion, E1 file, E2 captured in our app, E3 corroborated, E4 signed by a device or third party."""
TYPES = (
    "system_record", "customer_confirmation", "photo", "file", "statement", "signed_mail", "time_stamp", "check_in",
    "reading", "handover_note", "read_back", "snapshot", "training_result", "assessment", "webhook",
)  # fmt: skip
KEPT = frozenset({"customer_confirmation", "reading", "check_in"})
"""What nobody takes back: a guest's word, and what somebody found. Who mistyped a reading writes down another and says
why; both are there for whoever judges."""
REVIEWS = ("accepted", "refused")
REFUSE_REASONS = ("not_this_case", "unreadable", "not_convincing", "wrong_time", "contradicted")
WITHDRAW_REASONS = ("mistaken", "replaced", "not_mine", "private")
ANSWERS = ("resolved", "not_resolved")
ITEMS_MAX = 32
"""Evidence items of one case, withdrawn ones not counted (docs/spec/verdict.md reads no more)."""
ITEMS_OF_OTHERS_MAX = 16
"""Of these, what people bring who neither own the case nor took the action: the rest is kept for those whose work it
is, for customers and for what comes by itself, so that nobody fills a colleague's case."""


def attached(view: View, command: Command, at: str) -> Decided:
    """Rule of attach_evidence; the words of a statement follow as a note. `known`: reuse (HMACs of what
    may count once only).

    Raises:
        Refused: evidence_reused, evidence_closed (what it replaces), value_invalid, transition.
    """
    asked: Asked = command.data
    people.no_agent(view, asked.who)
    case = asked.request.case
    drafts = [item_draft(view, asked, asked.request, at)]
    if "note" in asked.private.commitments:
        words = {"note": asked.private.commitments["note"]}
        drafts.append(Draft("note_added", case, {}, words, asked.private.opened))
    cases.advance(cases.find(view, case), *drafts)
    ids = {"case": case, "evidence": asked.ids["evidence"]}
    return Decided(tuple(drafts), (*asked.private.rows, *once(view, asked)), ids)


def item_draft(view: View, asked: Asked, request: AttachEvidence, at: str) -> Draft:
    """Return the entry of one item. `asked` brings who, ids (evidence) and the sealed facts and content.

    Raises:
        Refused: value_invalid, evidence_closed (what it replaces), already_awarded.
    """
    if request.type not in TYPES or request.grade not in GRADES:
        raise refuse(
            "value_invalid", f"expected a type of {TYPES} and a grade, got {request.type} {request.grade}"
        )
    if request.received_at > at:
        raise refuse(
            "value_invalid", f"received_at: expected at most {at}, got {request.received_at}", "/received_at"
        )
    there = cases.live(view.scan("evidence", (request.case,)))
    if request.replaces is not None:
        replaced = next((row for row in there if row["evidence"] == request.replaces), None)
        if replaced is None or replaced["type"] in KEPT:
            raise refuse(
                "evidence_closed",
                f"expected an item that can be replaced, got {request.replaces}",
                "/replaces",
            )
        if not _is_submitter(view, asked.who.id, replaced):
            raise refuse("evidence_closed", "expected its own submitter to replace an item", "/replaces")
        cases.without_award(cases.find(view, request.case))
    if len(there) >= ITEMS_OF_OTHERS_MAX:  # a case that opens with its first item has no row yet
        _check_room(cases.find(view, request.case), there, request.submitter)
    return Draft(
        "evidence_attached",
        request.case,
        {
            "evidence": asked.ids["evidence"],
            "type": request.type,
            "grade": request.grade,
            "submitter": request.submitter,
            "controllers": dict(request.controllers),
            "received_at": request.received_at,
            "replaces": request.replaces,
        },
        {
            path: asked.private.commitments[path]
            for path in ("facts", "content")
            if path in asked.private.commitments
        },
        asked.private.opened,
    )


def _check_room(row: Row, there: list[Row], submitter: str) -> None:
    if len(there) >= ITEMS_MAX:
        raise refuse("value_invalid", f"expected at most {ITEMS_MAX} items in a case")
    if _is_another(row, submitter):
        others = sum(_is_another(row, str(item["submitter"])) for item in there)
        if others >= ITEMS_OF_OTHERS_MAX:
            expected = f"at most {ITEMS_OF_OTHERS_MAX} items by people who neither own the case nor did it"
            raise refuse("value_invalid", f"expected {expected}")


def _is_another(row: Row, submitter: str) -> bool:
    member = people.member_of(submitter)
    return member is not None and member not in (row["owner"], row["action_by"])


def once(view: View, asked: Asked) -> tuple[Insert, ...]:
    """Return the rows that make the next use refused, and those by which the same picture is known again. They lie in
    the vault. `known`: reuse.

    Raises:
        Refused: evidence_reused.
    """
    for digest in asked.known["reuse"]:
        if view.get("reuse", (digest,)) is not None:
            raise refuse("evidence_reused", "expected something that was not used as evidence before")
    rows = [
        Insert("reuse", {"digest": digest, "evidence": asked.ids["evidence"]})
        for digest in asked.known["reuse"]
    ]
    request: AttachEvidence = asked.request
    if request.likeness is not None:
        row = {"evidence": asked.ids["evidence"], "case": request.case, "at": request.received_at}
        rows.append(Insert("likeness", row | {"hashes": json.dumps(request.likeness, sort_keys=True)}))
    return tuple(rows)


def _is_submitter(view: View, member: str, row: Row) -> bool:
    return any(people.same_person(view, member, one) for one in authority.submitters([row]))


def withdrawn(view: View, command: Command, at: str) -> Decided:
    """Rule of withdraw_evidence: the submitter only, never a customer's answer.

    Raises:
        Refused: unknown, evidence_closed, reason_unknown, transition, already_awarded.
    """
    asked: Asked = command.data
    request = asked.request
    people.no_agent(view, asked.who)
    item = _open_item(view, request.case, request.evidence)
    if item["type"] in KEPT or not _is_submitter(view, asked.who.id, item):
        raise refuse("evidence_closed", "expected its own submitter; a customer's answer stays")
    reason = cases.one_of(request.reason_code, WITHDRAW_REASONS, "reason_code")
    draft = Draft("evidence_withdrawn", request.case, {"evidence": request.evidence, "reason_code": reason})
    row = cases.find(view, request.case)
    cases.advance(row, draft)
    cases.without_award(row)
    return Decided((draft,), (), {"case": request.case, "evidence": request.evidence})


def _open_item(view: View, case: str, evidence: str) -> Row:
    item = view.get("evidence", (case, evidence))
    if item is None:
        raise refuse("unknown", f"expected evidence of this case, got {evidence}", "/evidence")
    if item["withdrawn"]:
        raise refuse(
            "evidence_closed", f"expected an item that still counts, got {evidence}, withdrawn or replaced"
        )
    return item


def reviewed(view: View, command: Command, at: str) -> Decided:
    """Rule of review_evidence: a person who neither submitted it nor took the action; once.

    Raises:
        Refused: agent_may_not, reviewer_is_submitter, reviewer_is_beneficiary, evidence_closed, reason_missing,
            transition.
    """
    asked: Asked = command.data
    request = asked.request
    people.human(view, asked.who)
    row = cases.find(view, request.case)
    item = _open_item(view, request.case, request.evidence)
    if item["review"] is not None:
        raise refuse("evidence_closed", f"expected an item not reviewed yet, got {item['review']}")
    if _is_submitter(view, asked.who.id, item):
        raise refuse("reviewer_is_submitter", "expected another person than the submitter")
    if row["action_by"] != asked.known["action_by"]:
        raise refuse("stale", "the action was taken meanwhile; look again")
    if row["action_by"] is not None and people.same_person(view, asked.who.id, row["action_by"]):
        raise refuse("reviewer_is_beneficiary", "expected another person than who took the action")
    result = cases.one_of(request.result, REVIEWS, "result")
    reason = None
    if result == "refused":
        reason = cases.one_of(request.reason_code, REFUSE_REASONS, "reason_code")
    body = {"evidence": request.evidence, "result": result, "reason_code": reason}
    draft = Draft("evidence_reviewed", request.case, body)
    cases.advance(row, draft)
    return Decided((draft,), (), {"case": request.case, "evidence": request.evidence})


def link_issued(view: View, command: Command, at: str) -> Decided:
    """Rule of issue_link. `known`: token_digest.

    Raises:
        Refused: agent_may_not, value_invalid (until, address, customer), transition.
    """
    asked: Asked = command.data
    request: IssueLink = asked.request
    people.human(view, asked.who)
    row = cases.find(view, request.case)
    if request.until <= at:
        raise refuse("value_invalid", f"until: expected after {at}, got {request.until}", "/until")
    people.pseudonym(request.customer, "/customer")
    if not request.handed_over and request.address is None:
        raise refuse("value_invalid", "address: expected one, or a link handed over", "/address")
    # SETTLED 26: whoever could see the token could answer. Who typed a new address could have typed their own.
    seen = request.handed_over or not request.address_known_before
    body = {
        "link": asked.ids["link"],
        "customer": request.customer,
        "token_digest": asked.known["token_digest"],
        "until": request.until,
        "handed_over_by": asked.who.id if seen else None,
        "address_known_before": request.address_known_before,
    }
    draft = Draft("link_issued", request.case, body, asked.private.commitments, asked.private.opened)
    cases.advance(row, draft)
    return Decided((draft,), asked.private.rows, {"case": request.case, "link": asked.ids["link"]})


def link_expired(view: View, command: Command, at: str) -> Decided:
    """Rule of expire_link: the system, once its time is over; an answered link stays answered."""
    asked: Asked = command.data
    request: ExpireLink = asked.request
    link = view.get("link", (request.link,))
    if link is None or link["state"] != "issued" or asked.who.id != SYSTEM:
        raise refuse("link_closed", "expected a link that is open, got one answered, expired or unknown")
    if at < link["until"]:
        raise refuse("too_early", f"expected {link['until']} or later, got {at}")
    draft = Draft("link_expired", link["case"], {"link": link["link"]})
    cases.advance(cases.find(view, link["case"]), draft)
    return Decided((draft,), (), {"case": link["case"], "link": link["link"]})


def link_answered(view: View, command: Command, at: str) -> Decided:
    """Rule of answer_link: once, in time; the answer is evidence in the same command. `known`: evidence (the
    AttachEvidence the collector made), link, answered_at (at most 60 s before `at`).

    Raises:
        Refused: link_closed, value_invalid, transition.
    """
    asked: Asked = command.data
    request = asked.request
    item: AttachEvidence = asked.known["evidence"]
    link = view.get("link", (asked.known["link"],))
    if link is None or link["state"] != "issued" or link["until"] <= at or link["customer"] != asked.who.id:
        raise refuse("link_closed", "expected a link that is open, got one answered, expired or unknown")
    answer = cases.one_of(request.answer, ANSWERS, "answer")
    note = {path: commitment for path, commitment in asked.private.commitments.items() if path == "note"}
    drafts = (
        Draft(
            "link_answered",
            link["case"],
            {"link": link["link"], "answer": answer},
            note,
            asked.private.opened,
        ),
        item_draft(view, asked, item, at),
    )
    cases.advance(cases.find(view, link["case"]), *drafts)
    ids = {"case": link["case"], "link": link["link"], "evidence": asked.ids["evidence"]}
    return Decided(drafts, asked.private.rows, ids)

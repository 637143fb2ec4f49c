"""The right of reply: a question about a recognition, or an end that is planned, goes to whoever is recognised first.

    award_disputed -> dispute_answered (each of them, once) -> the yes or the end it planned, or dispute_closed
    nobody decides -> award_escalated: to a second approver, then to an owner; silence settles and ends nothing

While one is open nothing settles. Whoever asks is bounded, so that a question is no means to hold a colleague's
recognition for ever. What ends rest on is replies.py; the table of states is docs/spec/disputes.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from casework import absence, authority, awards, cases, decisions, people, reciprocity, replies
from casework.errors import refuse
from casework.records import Records
from casework.replies import DECLINE, QUESTION, REVOKE
from casework.requests import AnswerDispute, Asked, CloseDispute, Dispute, Principal
from ledger.changes import Row
from ledger.commands import Command, Decided, Need, View
from ledger.entries import SYSTEM, Draft
from ledger.errors import Refused

QUESTION_REASONS = ("how_earned", "who_took_part", "evidence_unclear", "seems_mistaken")
WITHDRAWN = "withdrawn"
CLOSE_REASONS = (*awards.RELEASE_REASONS, WITHDRAWN)
REPLY_SETTING, REPLY_DAYS_DEFAULT = "reply_days", 7
DECIDE_SETTING, DECIDE_DAYS_DEFAULT = "decide_days", 3
QUESTIONS_PER_DAY_MAX = 3
"""By one person, about anybody's recognition."""
SECOND_APPROVER, LAST_RESORT = 1, 2
REVOCATION_ASKED = "revocation_asked"
_LOOKS_ON = (people.OWNER, people.MANAGER, "auditor")


# ---------------------------------------------------------------------------------------------- what is read
async def needs(records: Records, who: str, case: str) -> list[Need]:
    """Need what opening, answering or closing a dispute looks at."""
    row = await records.get("case_file", (case,))
    found = [*cases.rows(case), *replies.needs(case), Need("authority", (who,))]
    found += [Need("setting", (REPLY_SETTING,)), Need("setting", (DECIDE_SETTING,))]
    found += [Need("asked_by", (account,)) for account in await awards.accounts(records, [who])]
    if row is not None and row["award"] is not None:
        found += [Need("award", (row["award"],)), Need("award_share", (row["award"],))]
    return found


async def needs_of_escalation(records: Records, case: str) -> list[Need]:
    """Need what `escalated` looks at: everybody's powers, who is away, and whose yes would be one given back."""
    everybody = [Need("authority", ()), Need("delegation", ())]
    return [*await needs(records, SYSTEM, case), *everybody, *await _given_back(records, case)]


async def _given_back(records: Records, case: str) -> list[Need]:
    row = await records.get("case_file", (case,))
    verdict = (
        None
        if row is None or row["verdict"] is None
        else await records.get("verdict", (case, row["verdict"]))
    )
    if row is None or verdict is None or row["award"] is not None:
        return []
    content = Need("policy_content", (verdict["policy_digest"],))
    published = await records.get(content.table, content.key)
    if published is None or reciprocity.TERM not in json.loads(published["content"])["terms"]:
        return [content]
    holders = [
        one["member"] for one in await records.scan("authority", ()) if one["about"] == authority.AWARD
    ]
    theirs = await awards.accounts(records, holders)
    return [content, *await reciprocity.needs(records, row["award_kind"], theirs)]


def reasons(about: str, row: Row) -> tuple[str, ...]:
    """Return the codes of a question, or of the end that is planned. Raises Refused: value_invalid."""
    if about == QUESTION:
        return QUESTION_REASONS
    if about == REVOKE:
        return awards.REVOKE_CAUSES
    if about == DECLINE:
        return decisions.DECLINE_REASONS if row["award"] is None else awards.DECLINE_REASONS
    raise refuse(
        "value_invalid", f"about: expected one of {', '.join(replies.ABOUTS)}, got {about}", "/about"
    )


def known(needs: Iterable[Need]) -> dict[str, Any]:
    """Return what the rules hold the case against: the award it had when `needs` was read."""
    return {
        "award": next((one.key[0] for one in needs if one.table == "award_share"), None)
    }  # of others: no shares


def _found(view: View, asked: Asked, case: str) -> Row:
    row = cases.find(view, case)
    if row["award"] != asked.known["award"]:
        raise refuse("stale", "the case was recognised or un-recognised meanwhile; look again")
    return row


# ---------------------------------------------------------------------------------------------- asking
def opened(view: View, command: Command, at: str) -> Decided:
    """Rule of dispute. A revocation that is asked for this way holds the award too: its asker is the first of two.

    Raises:
        Refused: agent_may_not, own_device_needed, unknown, value_invalid, reason_missing, reason_unknown, dispute_open,
            award_state, already_awarded, no_authority, decider_is_maker, decider_is_submitter, decider_is_beneficiary,
            asked_before, too_many_questions, transition.
    """
    asked: Asked = command.data
    request: Dispute = asked.request
    people.own_device(asked.who)
    row = _found(view, asked, request.case)
    body = asking(view, asked.who, row, request.about, request.reason_code, at)
    body = {"dispute": asked.ids["dispute"], **body}
    drafts = [Draft("award_disputed", request.case, body, asked.private.commitments, asked.private.opened)]
    award = live(view, row)
    if request.about == REVOKE and award is not None and award["held_by"] is None:
        held = {"award": award["award"], "reason_code": REVOCATION_ASKED}
        drafts.append(Draft("award_held", request.case, held))
    cases.advance(row, *drafts)
    named = {} if award is None else {"award": award["award"]}
    return Decided(
        tuple(drafts), asked.private.rows, {"case": request.case, "dispute": body["dispute"], **named}
    )


def asking(view: View, who: Principal, row: Row, about: str, reason: str | None, at: str) -> dict[str, Any]:
    """Check that somebody may ask this now, and return the body of award_disputed but for its id."""
    # 1. a person   2. about what there is   3. one at a time   4. whoever may ask this   5. not again and again
    people.human(view, who)  # 1
    code = cases.one_of(reason, reasons(about, row), "reason_code")
    award = live(view, row)
    _check_there(view, row, award, about)  # 2
    if row["dispute"] is not None:
        raise refuse("dispute_open", f"expected no open question, got {row['dispute']}")  # 3
    _check_may_ask(view, who, row, award, about, at)  # 4
    _check_bounds(view, who.id, row, about, code, at)  # 5
    named = replies.here(view, replies.concerned(view, row))
    days = int(cases.setting(view, REPLY_SETTING, REPLY_DAYS_DEFAULT))
    return {
        "award": row["award"],
        "verdict": row["verdict"],
        "about": about,
        "reason_code": code,
        "members": sorted(one for one in named if not people.same_person(view, one, who.id)),
        "reply_until": cases.later(at, days=days),
    }


def live(view: View, row: Row) -> Row | None:
    """Return the live award of a case."""
    return None if row["award"] is None else view.get("award", (row["award"],))


def _check_there(view: View, row: Row, award: Row | None, about: str) -> None:
    wanted = {QUESTION: (awards.PROVISIONAL, awards.SETTLED), REVOKE: (awards.SETTLED,)}.get(
        about, (None, awards.PROVISIONAL)
    )
    state = None if award is None else award["state"]
    if state not in wanted:
        raise refuse("award_state", f"{about}: expected {' or '.join(map(str, wanted))}, got {state}")
    first = cases.waiting(row, view.scan("decision", (row["case"],)))
    if award is None and first is not None:
        raise refuse("already_awarded", f"expected no award decision that waits, got {first}")


def _check_may_ask(view: View, who: Principal, row: Row, award: Row | None, about: str, at: str) -> None:
    """A question: whoever may see the recognition. An end: an outsider to it, who may stop awards, or say this no."""
    if about == QUESTION:
        if not sees(view, who, row, at):
            raise refuse("no_authority", "expected somebody who leads or audits, or has a part in it")
        return
    awards.check_outside(view, who.id, replies.concerned(view, row))
    if award is None:
        check_may_say_no(view, who.id, row, at)
    elif about == REVOKE or not awards.may_end(view, who.id, award, at):
        awards.check_watcher(view, who, at)


def check_may_say_no(view: View, member: str, row: Row, at: str) -> None:
    """Check that somebody could decide on the recognition of this case, however they sign in.

    Raises:
        Refused: transition, decider_is_maker, decider_is_submitter, decider_is_beneficiary, no_authority,
            giver_involved.
    """
    if row["proposal"] is None:
        raise refuse("transition", "expected a proposal to decide on, got none")
    outside = _involved(view, row)
    maker, submitters, earners = outside
    authority.separate(view, member, maker, submitters, earners)
    matter = authority.Matter(authority.AWARD, row["award_kind"], tokens=0)
    authority.choose(view, member, "passkey", matter, at, {maker, *submitters, *earners})


def _involved(view: View, row: Row) -> tuple[str, set[str], set[str]]:
    """Return the maker of the proposal, who submitted what is relied on, and who is to be recognised."""
    proposal = view.get("proposal", (row["case"], row["proposal"]))
    verdict = None if row["verdict"] is None else view.get("verdict", (row["case"], row["verdict"]))
    items = decisions.relied_on(cases.live(view.scan("evidence", (row["case"],))), verdict)
    maker = SYSTEM if proposal is None else str(proposal["maker"])
    return maker, authority.submitters(items), set(replies.concerned(view, row))


def sees(view: View, who: Principal, row: Row, at: str) -> bool:
    """Say whether somebody may see the recognition of a case: who leads or audits, is a second person, or has a part
    in it: recognised, decided, suggested, brought or checked evidence."""
    if who.role in _LOOKS_ON or authority.is_second_person(view, who.id, at):
        return True
    case = row["case"]
    found = set(replies.concerned(view, row))
    found |= {str(one["decider"]) for one in view.scan("decision", (case,))}
    found |= {str(one["maker"]) for one in view.scan("proposal", (case,))}
    for item in view.scan("evidence", (case,)):
        found |= {str(item["attached_by"]), str(item["reviewer"])}
        found.add(str(people.member_of(item["submitter"])))
    return who.id in found


def _check_bounds(view: View, member: str, row: Row, about: str, reason: str, at: str) -> None:
    for one in view.scan("dispute", (row["case"],)):
        same = one["about"] == about and one["award"] == row["award"] and one["verdict"] == row["verdict"]
        again = about == QUESTION or (one["dropped"] and one["reason_code"] == reason)
        if same and again and people.same_person(view, member, one["asked_by"]):
            raise refuse("asked_before", f"expected something not asked before, got {one['dispute']} again")
    if about != QUESTION:
        return
    since = cases.later(at, days=-1)
    mine = [one for account in people.accounts(view, member) for one in view.scan("asked_by", (account,))]
    lately = sum(one["about"] == QUESTION and one["at"] > since for one in mine)
    if lately >= QUESTIONS_PER_DAY_MAX:
        raise refuse(
            "too_many_questions", f"expected fewer than {QUESTIONS_PER_DAY_MAX} in a day, got {lately}"
        )


# ---------------------------------------------------------------------------------------------- answering, closing
def answered(view: View, command: Command, at: str) -> Decided:
    """Rule of answer_dispute: one of those who were asked, for themselves, once; late answers stand beside it too.

    Raises:
        Refused: agent_may_not, own_device_needed, dispute_over, not_asked, answered_before.
    """
    asked: Asked = command.data
    request: AnswerDispute = asked.request
    people.own_device(asked.who)
    row = _found(view, asked, request.case)
    check_answer(view, asked.who, row, request.dispute, request.member)
    body = {"dispute": request.dispute, "member": request.member}
    draft = Draft("dispute_answered", request.case, body, asked.private.commitments, asked.private.opened)
    cases.advance(row, draft)
    return Decided((draft,), asked.private.rows, {"case": request.case, "dispute": request.dispute})


def check_answer(view: View, who: Principal, row: Row, dispute: str, member: str) -> None:
    """Check that this person was asked in an open dispute and has not answered. Raises as `answered`."""
    people.human(view, who)
    found = check_open(view, row, dispute)
    if member not in json.loads(found["members"]) or not people.same_person(view, who.id, member):
        raise refuse("not_asked", f"expected one of those asked, for themselves, got {who.id} for {member}")
    if view.get("dispute_answer", (row["case"], dispute, member)) is not None:
        raise refuse("answered_before", f"expected the first answer of {member}, got another")


def check_open(view: View, row: Row, dispute: str) -> Row:
    """Return the open dispute of a case. Raises Refused: dispute_over."""
    found = replies.open_of(view, row)
    if found is None or found["dispute"] != dispute:
        raise refuse("dispute_over", f"expected the open question {row['dispute']}, got {dispute}")
    return found


def closed(view: View, command: Command, at: str) -> Decided:
    """Rule of close_dispute: for the person, so nobody waits for their answer. What a revocation held goes on as well.

    Raises:
        Refused: agent_may_not, dispute_over, no_authority, decider_is_beneficiary, reason_missing, reason_unknown.
    """
    asked: Asked = command.data
    request: CloseDispute = asked.request
    row = _found(view, asked, request.case)
    body = closing(view, asked.who, row, request.dispute, request.reason_code, at)
    drafts = [Draft("dispute_closed", request.case, body)]
    award = live(view, row)
    if award is not None and award["held_by"] is not None and award["hold_reason"] == REVOCATION_ASKED:
        reason = "mistaken" if body["reason_code"] == WITHDRAWN else body["reason_code"]
        released = {"award": award["award"], "reason_code": reason}
        released["settle_not_before"] = max(award["settle_not_before"], at)
        drafts.append(Draft("award_released", request.case, released))
    cases.advance(row, *drafts)
    named = {} if award is None else {"award": award["award"]}
    return Decided(tuple(drafts), (), {"case": request.case, "dispute": request.dispute, **named})


def closing(
    view: View, who: Principal, row: Row, dispute: str, reason: str | None, at: str
) -> dict[str, Any]:
    """Check that somebody may close this, and return the body of dispute_closed.

    A question is taken back by whoever asked it; all else is closed by somebody outside who may stop awards, or, for
    a planned no, by somebody who may say it.
    """
    people.human(view, who)
    found = check_open(view, row, dispute)
    code = cases.one_of(reason, CLOSE_REASONS, "reason_code")
    own = people.same_person(view, who.id, found["asked_by"])
    if (code == WITHDRAWN) != own:
        raise refuse("no_authority", "withdrawn: expected whoever asked, and nobody else")
    if not own or found["about"] == REVOKE:
        awards.check_outside(view, who.id, replies.concerned(view, row))
        awards.check_watcher(view, who, at)
    award = live(view, row)
    goes_on = award is not None and award["state"] == awards.PROVISIONAL and award["held_by"] is None
    due = max(award["settle_not_before"], at) if award is not None and goes_on else None
    return {"dispute": dispute, "award": row["award"], "reason_code": code, "settle_not_before": due}


# ---------------------------------------------------------------------------------------------- nobody decides
@dataclass(frozen=True, slots=True)
class Step:
    """Who is asked next, from when on."""

    due: str
    rung: int
    to: str


def due(row: Row, dispute: Row | None, days: int) -> str | None:
    """Return when the recognition of a case goes to somebody else; None: nothing waits, or an owner has it."""
    rung = int(row["asked_rung"])
    if rung >= LAST_RESORT:
        return None
    if dispute is not None:
        return cases.later(dispute["reply_until"], days=days * rung)
    waits = row["undecided_since"] is not None and row["award"] is None and row["state"] == cases.RESOLVED
    return cases.later(row["undecided_since"], days=days * (rung + 1)) if waits else None


def next_asked(view: View, row: Row, at: str) -> Step | None:
    """Return who is asked to decide next: a second approver outside who may, then an owner; None: nobody, or not yet.

    The first approver is whoever said yes to the action or asked; where nobody else may, it goes to an owner at once.
    An owner who is part of it is passed over for another, or whoever else may close a question. So is a second approver
    who would give a yes back; an owner is the last resort all the same.
    """
    dispute = replies.open_of(view, row)
    when = due(row, dispute, int(cases.setting(view, DECIDE_SETTING, DECIDE_DAYS_DEFAULT)))
    if when is None or when > at:
        return None
    members = sorted(view.scan("member", ()), key=lambda one: int(one["seq"]))
    maker, submitters, earners = _involved(view, row)
    part = {*earners} if row["award"] is not None else {maker, *submitters, *earners}
    outside = [one for one in _people(view, members, part) if one["member"] != row["asked_to"]]
    if int(row["asked_rung"]) < SECOND_APPROVER:
        first = {one["decider"] for one in view.scan("decision", (row["case"],)) if one["about"] == "action"}
        first |= set() if dispute is None else {dispute["asked_by"]}
        for one in _here_first(view, _people(view, outside, first), at):
            if people.OWNER in people.roles(one) or not _may_decide(view, row, one["member"], at):
                continue
            if not _gives_back(view, row, one["member"], at):
                return Step(when, SECOND_APPROVER, one["member"])
    for is_last in (_is_owner, _is_watcher):
        for one in _here_first(view, outside, at):
            if is_last(view, one, at):
                return Step(when, LAST_RESORT, one["member"])
    return None


def _people(view: View, members: Iterable[Row], part: Iterable[str]) -> list[Row]:
    """Return the active people among `members` who are none of these, by no account."""
    persons = {people.person(view, one) for one in part}
    return [
        one
        for one in members
        if one["active"] and people.AGENT not in people.roles(one)
        and people.person(view, one["member"]) not in persons
    ]  # fmt: skip


def _here_first(view: View, members: Iterable[Row], at: str) -> list[Row]:
    """Return these in order, whoever is away after all the others."""
    return sorted(
        members, key=lambda one: absence.in_force(view.scan("delegation", (one["member"],)), at) is not None
    )


def _may_decide(view: View, row: Row, member: str, at: str) -> bool:
    award = live(view, row)
    if award is not None:
        return awards.may_end(view, member, award, at)
    matter = authority.Matter(authority.AWARD, row["award_kind"], tokens=0)
    return any(authority.covers(one, matter, at) for one in view.scan("authority", (member,)))


def _gives_back(view: View, row: Row, member: str, at: str) -> bool:
    """Say whether a yes of this member would be one given back: they could say no, and nothing else."""
    verdict = None if row["verdict"] is None else view.get("verdict", (row["case"], row["verdict"]))
    if row["award"] is not None or verdict is None:
        return False
    content = view.get("policy_content", (verdict["policy_digest"],))
    terms = {} if content is None else json.loads(content["content"])["terms"]
    if reciprocity.TERM not in terms:
        return False
    try:
        reciprocity.check(view, terms, row["award_kind"], member, replies.concerned(view, row), at)
    except Refused as refused:
        if refused.code != reciprocity.REFUSED:
            raise
        return True
    return False


def _is_owner(view: View, one: Row, at: str) -> bool:
    return people.OWNER in people.roles(one)


def _is_watcher(view: View, one: Row, at: str) -> bool:
    return people.MANAGER in people.roles(one) or authority.is_second_person(view, one["member"], at)


def escalated(view: View, command: Command, at: str) -> Decided:
    """Rule of escalate_award: the system, when it is due; who is asked changes and nothing else.

    Raises:
        Refused: agent_may_not, unknown, too_early (nothing waits, not yet, or nobody is left to ask).
    """
    asked: Asked = command.data
    if asked.who.id != SYSTEM:
        raise refuse("agent_may_not", f"expected the system's own job, got {asked.who.role}")
    row = _found(view, asked, asked.request.case)
    draft = Draft("award_escalated", row["case"], escalation(view, row, at))
    cases.advance(row, draft)
    return Decided((draft,), (), {"case": row["case"]})


def escalation(view: View, row: Row, at: str) -> dict[str, Any]:
    """Return the body of award_escalated as it is due now. Raises Refused: too_early."""
    step = next_asked(view, row, at)
    if step is None:
        raise refuse("too_early", "expected a recognition that waits too long, and somebody to ask")
    return {"to": step.to, "rung": step.rung, "verdict": row["verdict"], "dispute": row["dispute"]}

"""Awards: granted only over an approved award decision and a passing verdict; provisional first, settled by the system.

Tokens come from a budget that two people approved and go back to it when an award is declined or revoked. The window
is frozen at the grant; an open hold or a reopened case blocks settling; a race of revoke and settle goes by log order.
A settled award is taken back by two people: one holds it, another revokes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import authority, cases, people, reciprocity, replies
from casework.errors import refuse
from casework.records import Records
from casework.requests import Asked, Principal
from ledger import book
from ledger.changes import Row
from ledger.commands import Command, Decided, Need, View
from ledger.entries import SYSTEM, Draft
from verifiers import controllers

HOLD_REASONS = ("under_question", "customer_disputes", "case_reopened", "revocation_asked", "audit_draw")
RELEASE_REASONS = ("answered", "no_ground", "mistaken")
DECLINE_REASONS = ("not_reached", "reopened", "evidence_weak", "duplicate", "customer_disputes", "misconduct")
REVOKE_CAUSES = (
    "reopened",
    "evidence_false",
    "duplicate",
    "customer_disputes",
    "misconduct",
    "granted_in_error",
)
NO_CAP = 2**53 - 1
ALL_MEMBERS = Need("member", ())
PROVISIONAL, SETTLED, DECLINED, REVOKED = "provisional", "settled", "declined", "revoked"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be recognised, with how many tokens, from where."""

    beneficiaries: tuple[str, ...]  # sorted
    amount_tokens: int | None
    budget: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """An award that may be granted now: everything its entry needs but ids and time."""

    kind: str
    verdict: str
    budget: str | None
    amount_tokens: int
    shares: tuple[book.Share, ...]
    k: int
    window_days: int


# ---------------------------------------------------------------------------------------------- what is read
async def needs(
    records: Records, case: str, verdict: str | None, approver: str, wanted: Wanted
) -> list[Need]:
    """Need what `plan` looks at: the case, everybody the verdict names, its policy, the budget."""
    row = await records.get("case_file", (case,))
    judged = None if verdict is None else await records.get("verdict", (case, verdict))
    found = [*cases.rows(case), *await authority.involved(records, case)]
    named = [approver, *wanted.beneficiaries]
    if row is not None and row["policy"] is not None:
        found.append(Need("policy", (row["policy"],)))
    if judged is not None:
        found.append(Need("policy_content", (judged["policy_digest"],)))
        named += json.loads(judged["beneficiaries"])
        if judged["controllers"] is not None:
            named += formula_members(controllers.stored_formula(json.loads(judged["controllers"])))
    if wanted.budget is not None:
        found += [Need("budget", (wanted.budget,)), Need("account", (book.budget(wanted.budget),))]
    content = None if judged is None else await records.get("policy_content", (judged["policy_digest"],))
    terms = None if content is None else json.loads(content["content"])["terms"]
    if terms is None or not ({"cap_tokens", reciprocity.TERM} & set(terms)):
        return [*found, *people.rows(named)]
    kind = "" if row is None else row["award_kind"] or ""
    theirs = await accounts(records, [approver])
    got = [Need("recognised", (member,)) for member in await accounts(records, named)]
    returned = await reciprocity.needs(records, kind, theirs) if reciprocity.TERM in terms else []
    return [*found, *people.rows(named), ALL_MEMBERS, *got, *returned]


async def accounts(records: Records, named: Iterable[str]) -> list[str]:
    """Return every account of the people behind these."""
    rows = {row["member"]: row for row in await records.scan("member", ())}
    persons = {rows[one]["same_as"] or one for one in named if one in rows}
    return sorted(one for one, row in rows.items() if (row["same_as"] or one) in persons)


async def needs_of_grant(records: Records, case: str, decision: str) -> list[Need]:
    """Need what `granted` looks at."""
    decided = await records.get("decision", (case, decision))
    if decided is None:
        return cases.rows(case)
    wanted = Wanted(tuple(json.loads(decided["beneficiaries"])), decided["amount_tokens"], decided["budget"])
    return await needs(records, case, decided["verdict"], decided["decider"], wanted)


async def needs_of_award(records: Records, who: str, award: str) -> tuple[Row | None, list[Need]]:
    """Return an award's row, and need it with shares, accounts, case and the powers of who would end it."""
    row = await records.get("award", (award,))
    found = [Need("award", (award,)), Need("award_share", (award,)), Need("authority", (who,))]
    if row is None:
        return None, found
    named = [share["member"] for share in await records.scan("award_share", (award,))]
    for member in named:
        found += [Need("account", (book.owed(member),)), Need("account", (book.settled(member),))]
    found += [*cases.rows(row["case"]), *replies.needs(row["case"])]
    return row, [*found, *people.rows([*named, row["held_by"]])]


# ---------------------------------------------------------------------------------------------- granting
def plan(
    view: View,
    row: Row,
    verdict: Row | None,
    wanted: Wanted,
    approver: str,
    at: str,
    promised_tokens: int = 0,
) -> Plan:
    """Check that this award may be granted now, and return it.

    `promised_tokens` of its budget are spoken for by others. An approval leaves those alone, a grant does not ask:
    of two promises that a budget cannot keep both, as none is made any more, the first one due is kept.

    Raises:
        Refused: no_policy, verdict_not_pass, verdict_outdated, already_awarded, beneficiary_invalid, value_invalid,
            reciprocal, forgery_number_low, budget_missing, budget_short.
    """
    # 1. judged, passed, still true   2. recognised once   3. exactly the people judged   4. no yes given back,
    # amount within the policy   5. enough independent parties   6. tokens are there   7. what the cap leaves each
    if row["award_kind"] is None or row["policy"] is None:
        raise refuse("no_policy", "expected a case that names an award kind and a policy")
    if verdict is None or verdict["result"] != "pass":
        got = "none" if verdict is None else verdict["result"]
        raise refuse("verdict_not_pass", f"expected a passing verdict, got {got}")
    check_current(row, verdict, view.scan("evidence", (row["case"],)))  # 1
    if row["award"] is not None:
        raise refuse("already_awarded", f"expected a case without an award, got {row['award']}")  # 2
    _check_beneficiaries(view, verdict, wanted)  # 3
    content = view.get("policy_content", (verdict["policy_digest"],))
    if content is None:
        raise refuse(
            "verdict_outdated", f"expected the published policy {verdict['policy_digest']}, got none"
        )
    published = json.loads(content["content"])
    if published["award_kind"] != row["award_kind"]:
        raise refuse("no_policy", f"expected a policy for {row['award_kind']}, got {published['award_kind']}")
    terms = published["terms"]
    if reciprocity.TERM in terms:
        reciprocity.check(view, terms, row["award_kind"], approver, wanted.beneficiaries, at)  # 4
    amount = wanted.amount_tokens
    if type(amount) is not int or not 0 <= amount <= terms["tokens"]:
        raise refuse(
            "value_invalid", f"amount_tokens: expected 0 to {terms['tokens']}, got {amount}", "/amount_tokens"
        )
    k = _forgery_number(view, verdict, approver)  # 5
    least = terms["k_min_above"] if amount > terms["tokens_limit"] else terms["k_min"]
    if k < least:
        raise refuse("forgery_number_low", f"expected at least {least} independent parties, got {k}")
    _check_budget(view, wanted, amount, at, promised_tokens)  # 6
    weights = {share["member"]: share["weight"] for share in json.loads(verdict["shares"])}
    shares = tuple(
        book.Share(share.member, min(share.amount, left_under_cap(view, share.member, row, terms, at)))
        for share in book.shares(amount, weights)
    )  # 7
    amount = sum(share.amount for share in shares)
    return Plan(row["award_kind"], verdict["verdict"], wanted.budget, amount, shares, k, terms["window_days"])


def left_under_cap(view: View, member: str, row: Row, terms: Mapping[str, Any], at: str) -> int:
    """Return how many tokens this person may still get for this kind now: the policy's cap less what they got within
    its days, by whatever account. An award beyond the cap is one all the same, without tokens."""
    if "cap_tokens" not in terms:
        return NO_CAP
    since = cases.later(at, days=-terms["cap_days"])
    got = sum(
        int(one["amount"])
        for account in people.accounts(view, member)
        for one in view.scan("recognised", (account,))
        if one["kind"] == row["award_kind"] and one["granted_at"] > since
    )
    return max(0, int(terms["cap_tokens"]) - got)


def check_current(row: Row, verdict: Row, items: Iterable[Row]) -> None:
    """Check that a verdict rests on the present evidence, reviews and outcome. Raises Refused: verdict_outdated."""
    there = cases.live(items)
    if sorted(json.loads(verdict["evidence"])) != sorted(item["evidence"] for item in there):
        raise refuse(
            "verdict_outdated", "expected a verdict over the present evidence, got one over another set"
        )
    if any((item["review_seq"] or 0) > verdict["seq"] for item in there):
        raise refuse("verdict_outdated", "expected a verdict after the last review, got an earlier one")
    if verdict["outcome_seq"] != row["outcome_seq"]:
        raise refuse("verdict_outdated", f"expected a verdict over outcome {row['outcome_seq']}, got another")


def _check_beneficiaries(view: View, verdict: Row, wanted: Wanted) -> None:
    judged = sorted(json.loads(verdict["beneficiaries"]))
    if list(wanted.beneficiaries) != judged or not judged:
        raise refuse(
            "beneficiary_invalid", f"expected the people judged, {judged}, got {list(wanted.beneficiaries)}"
        )
    for member in judged:
        people.employed(view, member, "beneficiary_invalid", "/beneficiaries")
    if len({people.person(view, member) for member in judged}) != len(judged):
        raise refuse("beneficiary_invalid", "expected different people, got two accounts of one")


def _forgery_number(view: View, verdict: Row, approver: str) -> int:
    """Return k of the award: the verdict's formula and the approver, second accounts counted as one person."""
    formula = controllers.stored_formula(json.loads(verdict["controllers"]))
    named = sorted({*formula_members(formula), approver})
    return controllers.award_k(formula, approver, people.same_as(view, named)).k


def formula_members(formula: controllers.Formula) -> set[str]:
    """Return the member ids that stand in a controllers formula."""
    return {
        member for party in controllers.parties(formula) if (member := people.member_of(party)) is not None
    }


def promised(view: View, case: str, budget: str | None) -> int:
    """Return how many tokens of a budget approvals in other cases wait for."""
    waiting = view.scan("promise", ())
    return sum(one["amount_tokens"] for one in waiting if one["budget"] == budget and one["case"] != case)


def _check_budget(view: View, wanted: Wanted, amount: int, at: str, promised_tokens: int) -> None:
    if wanted.budget is None:
        if amount:
            raise refuse("budget_missing", f"expected a budget for {amount} tokens, got none", "/budget")
        return
    row = view.get("budget", (wanted.budget,))
    if row is None or row["approved_by"] is None or (row["until"] is not None and row["until"] <= at):
        raise refuse(
            "budget_missing", f"expected a budget approved by two people and in force, got {wanted.budget}"
        )
    account = view.get("account", (book.budget(wanted.budget),))
    balance = 0 if account is None else account["balance_tokens"]
    if balance - promised_tokens < amount:
        spoken_for = f", of which {promised_tokens} wait for others" if promised_tokens else ""
        raise refuse(
            "budget_short", f"expected at least {amount} tokens in the budget, got {balance}{spoken_for}"
        )


def draft(
    case: str, award: str, decision: str, planned: Plan, message: Mapping[str, str], row: Row, at: str
) -> Draft:
    """Return award_granted; settle_not_before = max(outcome at, granted at) + window, frozen here."""
    start = max(row["outcome_at"], at)
    body = {
        "award": award,
        "kind": planned.kind,
        "decision": decision,
        "verdict": planned.verdict,
        "budget": planned.budget,
        "amount_tokens": planned.amount_tokens,
        "shares": [{"member": share.member, "amount": share.amount} for share in planned.shares],
        "k": planned.k,
        "window_days": planned.window_days,
        "settle_not_before": cases.later(start, days=planned.window_days),
    }
    return Draft("award_granted", case, body, message)


def granted(view: View, command: Command, at: str) -> Decided:
    """Rule of grant: the system only, once the undo time of an approved award decision is over.

    Raises:
        Refused: agent_may_not, unknown, not_decided, decision_withdrawn, already_awarded, too_early, and as `plan`.
    """
    asked: Asked = command.data
    request = asked.request
    _check_system(asked)
    row = cases.find(view, request.case)
    decision = view.get("decision", (request.case, request.decision))
    if decision is None or decision["about"] != authority.AWARD or decision["verb"] != "approved":
        raise refuse("not_decided", f"expected an approved award decision, got {request.decision}")
    if decision["withdrawn"]:
        raise refuse("decision_withdrawn", "expected a decision that stands")
    if decision["effect_seq"] is not None:
        raise refuse(
            "already_awarded", f"expected a decision without effect, got entry {decision['effect_seq']}"
        )
    if at < decision["effects_at"]:
        raise refuse("too_early", f"expected {decision['effects_at']} or later, got {at}")
    if decision["verdict"] != row["verdict"]:
        raise refuse("verdict_outdated", "expected the verdict that was decided on, got a later one")
    wanted = Wanted(
        tuple(json.loads(decision["beneficiaries"])), decision["amount_tokens"], decision["budget"]
    )
    verdict = None if row["verdict"] is None else view.get("verdict", (request.case, row["verdict"]))
    planned = plan(view, row, verdict, wanted, decision["decider"], at)
    message = {} if decision["message_item"] is None else {"message": decision["message_item"]}
    made = draft(request.case, asked.ids["award"], request.decision, planned, message, row, at)
    cases.advance(row, made)
    return Decided((made,), (), {"case": request.case, "award": asked.ids["award"]})


# ---------------------------------------------------------------------------------------------- the window
def held(view: View, command: Command, at: str) -> Decided:
    """Rule of hold: a lead or a second person stops settling, or asks for a revocation of what is settled.

    Raises:
        Refused: agent_may_not, no_authority, award_state, held, reason_missing.
    """
    asked: Asked = command.data
    check_watcher(view, asked.who, at)
    row = _award(view, asked.request.award, PROVISIONAL, SETTLED)
    if row["held_by"] is not None:
        raise refuse("held", f"expected an award without a hold, got one by {row['held_by']}")
    reason = cases.one_of(asked.request.reason_code, HOLD_REASONS, "reason_code")
    return _decided(
        view, row, Draft("award_held", row["case"], {"award": row["award"], "reason_code": reason})
    )


def released(view: View, command: Command, at: str) -> Decided:
    """Rule of release: a lead or a second person who is not a beneficiary.

    Raises:
        Refused: agent_may_not, no_authority, award_state, decider_is_beneficiary, reason_missing.
    """
    asked: Asked = command.data
    check_watcher(view, asked.who, at)
    row = _award(view, asked.request.award, PROVISIONAL, SETTLED)
    if row["held_by"] is None:
        raise refuse("award_state", "expected an award that is held")
    check_outside(view, asked.who.id, beneficiaries(view, row))
    reason = cases.one_of(asked.request.reason_code, RELEASE_REASONS, "reason_code")
    body = {
        "award": row["award"],
        "reason_code": reason,
        "settle_not_before": max(row["settle_not_before"], at),
    }
    return _decided(view, row, Draft("award_released", row["case"], body))


def settled(view: View, command: Command, at: str) -> Decided:
    """Rule of settle: the system, after the window, with no hold; what is owed is paid first.

    Raises:
        Refused: agent_may_not, award_state, held, too_early, transition (the case is open again).
    """
    asked: Asked = command.data
    _check_system(asked)
    row = _award(view, asked.request.award, PROVISIONAL)
    check_unheld(view, row)
    if at < row["settle_not_before"]:
        raise refuse("too_early", f"expected {row['settle_not_before']} or later, got {at}")
    shares = []
    for share in view.scan("award_share", (row["award"],)):
        to_settled, to_owed = book.settle_split(share["amount"], _balance(view, book.owed(share["member"])))
        shares.append({"member": share["member"], "to_settled": to_settled, "to_owed": to_owed})
    return _decided(view, row, Draft("award_settled", row["case"], {"award": row["award"], "shares": shares}))


def declined(view: View, command: Command, at: str) -> Decided:
    """Rule of decline_award: a provisional award ends; an outsider to it, with the authority to award it.

    Raises:
        Refused: award_state, decider_is_beneficiary, no_authority, assurance_too_low, reason_missing, not_asked_first,
            reply_awaited.
    """
    asked: Asked = command.data
    row = _award(view, asked.request.award, PROVISIONAL)
    reason = cases.one_of(asked.request.reason_code, DECLINE_REASONS, "reason_code")
    _check_ender(view, asked, row, at)
    replies.check_replied(view, cases.find(view, row["case"]), replies.DECLINE, reason, at)
    body = {
        "award": row["award"],
        "budget": row["budget"],
        "shares": [
            {"member": share["member"], "amount": share["amount"]}
            for share in view.scan("award_share", (row["award"],))
        ],
        "reason_code": reason,
    }
    return _decided(view, row, Draft("award_declined", row["case"], body))


def revoked(view: View, command: Command, at: str) -> Decided:
    """Rule of revoke: a settled award that another person holds; what was spent already becomes owed.

    Raises:
        Refused: award_state, second_person_needed, decider_is_beneficiary, no_authority, assurance_too_low,
            not_asked_first, reply_awaited.
    """
    asked: Asked = command.data
    row = _award(view, asked.request.award, SETTLED)
    cause = cases.one_of(asked.request.reason_code, REVOKE_CAUSES, "reason_code")
    holder = row["held_by"]
    if holder != asked.known["held_by"]:
        raise refuse("stale", "the award was held or released meanwhile; look again")
    _check_ender(view, asked, row, at)
    if not is_second_voice(view, holder, asked.who.id):
        raise refuse("second_person_needed", "expected an award held by another person before it is revoked")
    replies.check_replied(view, cases.find(view, row["case"]), replies.REVOKE, cause, at)
    shares = []
    for share in view.scan("award_share", (row["award"],)):
        from_settled, from_owed = book.revoke_split(
            share["amount"], _balance(view, book.settled(share["member"]))
        )
        shares.append({"member": share["member"], "from_settled": from_settled, "from_owed": from_owed})
    body = {"award": row["award"], "budget": row["budget"], "shares": shares, "cause": cause}
    return _decided(view, row, Draft("award_revoked", row["case"], body))


def _check_system(asked: Asked) -> None:
    # Granting and settling follow from what people decided; a person or agent who asks for them by another door
    # would only choose the moment.
    if asked.who.id != SYSTEM:
        raise refuse("agent_may_not", f"expected the system's own job, got {asked.who.role}")


def _award(view: View, award: str, *states: str) -> Row:
    row = view.get("award", (award,))
    if row is None:
        raise refuse("unknown", f"expected an award of this organisation, got {award}")
    if row["state"] not in states:
        raise refuse("award_state", f"expected an award that is {' or '.join(states)}, got {row['state']}")
    return row


def check_unheld(view: View, row: Row) -> None:
    """Check that neither a hold nor a dispute about this award is open. Raises Refused: held."""
    if row["held_by"] is not None:
        raise refuse("held", f"expected no hold, got {row['hold_reason']}")
    dispute = cases.find(view, row["case"])["dispute"]
    if dispute is not None:
        raise refuse("held", f"expected no open question, got {dispute}")


def _balance(view: View, account: str) -> int:
    row = view.get("account", (account,))
    return 0 if row is None else int(row["balance_tokens"])


def beneficiaries(view: View, row: Row) -> list[str]:
    """Return the member ids of an award's shares."""
    return [share["member"] for share in view.scan("award_share", (row["award"],))]


def check_watcher(view: View, who: Principal, at: str) -> None:
    """Check that a person may stop an award and let it go on: an owner or manager, or who holds `second_person`.

    In the smallest shop the owner may be the beneficiary: then the second person answers the question.

    Raises:
        Refused: no_authority, and as people.human.
    """
    people.human(view, who)
    if who.role not in (people.OWNER, people.MANAGER) and not authority.is_second_person(view, who.id, at):
        raise refuse("no_authority", "expected an owner, a manager or a holder of a second_person authority")


def check_outside(view: View, member: str, named: Iterable[str]) -> None:
    """Check that a member is none of an award's beneficiaries. Raises Refused: decider_is_beneficiary."""
    if any(people.same_person(view, member, one) for one in named):
        raise refuse("decider_is_beneficiary", "expected another person than a beneficiary")


def is_second_voice(view: View, holder: str | None, member: str) -> bool:
    """Say whether a settled award is held by a person other than this one: revoking takes both."""
    return holder not in (None, SYSTEM) and not people.same_person(view, str(holder), member)


def _check_ender(view: View, asked: Asked, row: Row, at: str) -> None:
    people.human(view, asked.who)
    check_outside(view, asked.who.id, beneficiaries(view, row))
    matter = authority.Matter(authority.AWARD, row["kind"], tokens=row["amount_tokens"])
    involved = ender_outside(beneficiaries(view, row), row)
    authority.choose(view, asked.who.id, asked.who.assurance, matter, at, involved)


def may_end(view: View, member: str, row: Row, at: str) -> bool:
    """Say whether somebody holds a power that ends this award, however they signed in."""
    matter = authority.Matter(authority.AWARD, row["kind"], tokens=row["amount_tokens"])
    return any(authority.covers(one, matter, at) for one in view.scan("authority", (member,)))


def ender_outside(named: Iterable[str], award: Row) -> set[str]:
    """Return those whose own powers do not end this award, lent to a stand-in neither: who is recognised, and for one
    that is settled whoever holds it, because revoking takes another person."""
    holder = award["held_by"] if award["state"] == SETTLED else None
    return {*named, *([] if holder in (None, SYSTEM) else [str(holder)])}


def _decided(view: View, row: Row, made: Draft) -> Decided:
    cases.advance(cases.find(view, row["case"]), made)
    return Decided((made,), (), {"case": row["case"], "award": row["award"]})

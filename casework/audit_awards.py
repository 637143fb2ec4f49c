"""Steps 6 to 8 of the audit of meaning (casework/audit.py): awards, windows, budgets.

Amounts, shares, k and windows are not believed but computed again by the rules that made them (awards.py, ledger/book).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from casework import authority, awards, badges, decisions, draws, people, recalls, replies
from casework.audit_standing import Check, Standing, expect, find_case, wrong
from casework.requests import Principal
from ledger import book
from ledger.changes import Row
from ledger.entries import SYSTEM, Entry
from ledger.errors import Refused


# ---------------------------------------------------------------------------------------------- 6. awards
def check_grant(standing: Standing, entry: Entry) -> None:
    """Step 6: one standing approved award decision, the passing verdict it was about, everything else recomputed."""
    body, view = entry.body, standing.view
    row = find_case(standing, entry)
    decision = view.get("decision", (row["case"], body["decision"]))
    if decision is None or (decision["about"], decision["verb"]) != (authority.AWARD, decisions.APPROVED):
        raise Refused("not_decided", "expected an approved award decision of this case")
    expect(not decision["withdrawn"], "decision_withdrawn", "expected a decision that stands")
    expect(decision["effect_seq"] is None, "already_awarded", "expected a decision without effect")
    expect(
        entry.actor.id in (SYSTEM, decision["decider"]),
        "agent_may_not",
        "expected the system, or the decider at once",
    )
    expect(
        decision["effects_at"] <= entry.at,
        "too_early",
        f"expected {decision['effects_at']} or later, got {entry.at}",
    )
    judged = decision["verdict"] == body["verdict"] == row["verdict"]
    expect(judged, "verdict_outdated", "expected the verdict decided on")
    verdict = view.get("verdict", (row["case"], body["verdict"]))
    named = tuple(json.loads(decision["beneficiaries"]))
    wanted = awards.Wanted(named, decision["amount_tokens"], decision["budget"])
    planned = awards.plan(view, row, verdict, wanted, decision["decider"], entry.at)
    expected = awards.draft(row["case"], body["award"], body["decision"], planned, {}, row, entry.at).body
    other = sorted(name for name in expected if expected[name] != body[name])
    if other:
        wrong(f"expected {', '.join(other)} as computed again")


# ---------------------------------------------------------------------------------------------- 7. windows
def check_held(standing: Standing, entry: Entry) -> None:
    """A hold needs an award that lives and is not held; by a lead or second person, or as the case is open again."""
    row = _award(standing, entry, awards.PROVISIONAL, awards.SETTLED)
    expect(row["held_by"] is None, "held", f"expected an award without a hold, got one by {row['held_by']}")
    if entry.body["reason_code"] == draws.REASON and entry.actor.id == SYSTEM:
        expect(row["drawn"] == 1, "not_as_recorded", "expected a draw that said so")
    elif entry.body["reason_code"] != "case_reopened":
        awards.check_watcher(standing.view, _who(entry), entry.at)


def check_released(standing: Standing, entry: Entry) -> None:
    """Released by a lead or second person outside; the window never gets shorter."""
    awards.check_watcher(standing.view, _who(entry), entry.at)
    row = _award(standing, entry, awards.PROVISIONAL, awards.SETTLED)
    expect(row["held_by"] is not None, "award_state", "expected an award that is held")
    awards.check_outside(standing.view, entry.actor.id, awards.beneficiaries(standing.view, row))
    until = max(row["settle_not_before"], entry.at)
    if entry.body["settle_not_before"] != until:
        wrong(f"settle_not_before: expected {until}, got {entry.body['settle_not_before']}")


def check_draw(standing: Standing, entry: Entry) -> None:
    """Once, from a root of this log that covers the grant, and it says what anybody draws from it."""
    body = entry.body
    row = _award(standing, entry, awards.PROVISIONAL)
    expect(row["drawn"] is None, "already_awarded", "expected one draw for each recognition")
    known = row["seq"] < body["size"] <= entry.seq and standing.roots[body["size"]].hex() == body["root"]
    expect(known, "not_as_recorded", "expected the root of a size between the grant and the draw")
    again = draws.body(standing.view, row, body["size"], body["root"])
    other = sorted(name for name in again if again[name] != body[name])
    if other:
        wrong(f"expected {', '.join(other)} as drawn again")


def check_settled(standing: Standing, entry: Entry) -> None:
    """After the window, with no hold; what is owed is paid first."""
    row = _award(standing, entry, awards.PROVISIONAL)
    awards.check_unheld(standing.view, row)
    recalls.check(standing.view, row, standing.recalls.get(row["verdict"]))
    due = row["settle_not_before"]
    expect(due <= entry.at, "too_early", f"expected {due} or later, got {entry.at}")
    expected = []
    for share in _shares(standing, row):
        owed = _balance(standing, book.owed(share["member"]))
        to_settled, to_owed = book.settle_split(share["amount"], owed)
        expected.append({"member": share["member"], "to_settled": to_settled, "to_owed": to_owed})
    _check_shares(entry, expected)


def check_recall(standing: Standing, entry: Entry) -> None:
    """By whoever is recognised, when it was due; counted again where the answers are at hand."""
    body, view = entry.body, standing.view
    row = _award(standing, entry, awards.PROVISIONAL)
    mine = body["member"] == entry.actor.id and body["member"] in awards.beneficiaries(view, row)
    expect(mine, "not_beneficiary", "expected whoever is recognised, themselves")
    last = view.get("recall", (row["award"], body["member"]))
    expect(last is None or not last["passed"], "recall_answered", "expected questions that were still open")
    expect(
        body["attempt"] == (1 if last is None else last["attempt"] + 1),
        "not_as_recorded",
        "expected the next attempt",
    )
    settles = max(row["settle_not_before"], entry.at) if body["passed"] and row["held_by"] is None else None
    if body["settle_not_before"] != settles:
        wrong(f"settle_not_before: expected {settles}, got {body['settle_not_before']}")
    course, answers = standing.recalls.get(row["verdict"]), standing.open(entry, "answers")
    if course is None:
        return  # the verdict's input is erased or not at hand: which course it was, nobody can say
    verdict = view.get("verdict", (row["case"], row["verdict"]))
    content = None if verdict is None else view.get("policy_content", (verdict["policy_digest"],))
    asked = recalls.of_course(content, course)
    due = recalls.due_at(row, asked, last)
    expect(due <= entry.at, "too_early", f"expected {due} or later, got {entry.at}")
    expect(
        body["passed"] == (body["right"] >= asked.right_min), "not_as_recorded", "expected passed as counted"
    )
    if answers is not None:
        again = recalls.outcome(row, body["member"], asked, last, tuple(answers), entry.at)
        if again != body:
            wrong("expected right answers as counted again")


def check_credential(standing: Standing, entry: Entry) -> None:
    """For one share of a settled award, once, under a bit of its own; where it can be opened, it says the same."""
    body, view = entry.body, standing.view
    row = _award(standing, entry, awards.SETTLED)
    member = body["member"]
    expect(
        view.get("award_share", (row["award"], member)) is not None,
        "unknown",
        f"expected a share of {member}",
    )
    known = view.get("credential", (row["award"], member))
    expect(known is None, "already_awarded", "expected one credential for each share")
    slot = view.get("credential_slot", (badges.slot(body["list"], body["index"]),))
    expect(slot is None, "already_awarded", "expected a bit that no other credential has")
    document = standing.open(entry, "credential")
    if document is not None:
        named = (body["credential"], body["issuer"], body["list"], body["index"])
        expected = badges.Said(*named, entry.log, row["settled_seq"])
        if badges.said(document) != expected:
            wrong(f"credential: expected {expected}, got {badges.said(document)}")


def check_declined(standing: Standing, entry: Entry) -> None:
    """A provisional award ended by somebody outside who may award it."""
    row = _award(standing, entry, awards.PROVISIONAL)
    _check_ender(standing, entry, row)
    _check_replied(standing, entry, replies.DECLINE, entry.body["reason_code"])
    _check_shares(
        entry,
        [{"member": share["member"], "amount": share["amount"]} for share in _shares(standing, row)],
    )


def check_revoked(standing: Standing, entry: Entry) -> None:
    """A settled award ended by somebody outside who may award it, while another person holds it."""
    row = _award(standing, entry, awards.SETTLED)
    _check_ender(standing, entry, row)
    two = awards.is_second_voice(standing.view, row["held_by"], entry.actor.id)
    expect(two, "second_person_needed", "expected an award held by another person")
    _check_replied(standing, entry, replies.REVOKE, entry.body["cause"])
    expected = []
    for share in _shares(standing, row):
        settled = _balance(standing, book.settled(share["member"]))
        from_settled, from_owed = book.revoke_split(share["amount"], settled)
        expected.append({"member": share["member"], "from_settled": from_settled, "from_owed": from_owed})
    _check_shares(entry, expected)


def _check_replied(standing: Standing, entry: Entry, about: str, reason: str) -> None:
    replies.check_replied(standing.view, find_case(standing, entry), about, reason, entry.at)


def _award(standing: Standing, entry: Entry, *states: str) -> Row:
    row = standing.view.get("award", (entry.body["award"],))
    if row is None or row["state"] not in states or row["case"] != entry.case:
        raise Refused("award_state", f"expected an award of this case that is {' or '.join(states)}")
    return row


def _shares(standing: Standing, row: Row) -> list[Row]:
    return standing.view.scan("award_share", (row["award"],))


def _who(entry: Entry) -> Principal:
    return Principal(entry.actor.id, entry.actor.role, entry.actor.via, "key")


def _check_ender(standing: Standing, entry: Entry, row: Row) -> None:
    awards.check_outside(standing.view, entry.actor.id, awards.beneficiaries(standing.view, row))
    matter = authority.Matter(authority.AWARD, row["kind"], tokens=row["amount_tokens"])
    held = standing.view.scan("authority", (entry.actor.id,))
    involved = awards.ender_outside(awards.beneficiaries(standing.view, row), row)
    may = any(
        authority.covers(one, matter, entry.at) and _lent_well(standing, one, matter, entry.at, involved)
        for one in held
    )
    expect(may, "no_authority", "expected an authority in force that covers the award")
    if entry.body["budget"] != row["budget"]:
        wrong(f"budget: expected {row['budget']}, where the tokens came from, got {entry.body['budget']}")


def _lent_well(standing: Standing, one: Row, matter: authority.Matter, at: str, involved: set[str]) -> bool:
    try:
        authority.check_lent(standing.view, one, matter, at, involved)
    except Refused:
        return False
    return True


def _check_shares(entry: Entry, expected: list[dict[str, object]]) -> None:
    if entry.body["shares"] != expected:
        wrong(f"shares: expected {expected}, computed again")


def _balance(standing: Standing, account: str) -> int:
    row = standing.view.get("account", (account,))
    return 0 if row is None else int(row["balance_tokens"])


# ---------------------------------------------------------------------------------------------- 8. budgets
def check_budget(standing: Standing, entry: Entry) -> None:
    """Step 8: the second person, the amount that was asked for."""
    view = standing.view
    row = view.get("budget", (entry.body["budget"],))
    if row is None or row["approved_by"] is not None:
        raise Refused("budget_missing", "expected a budget that was set and not approved")
    authority.check_second(view, _who(entry), row["set_by"], entry.at)
    if row["amount_tokens"] != entry.body["amount_tokens"]:
        wrong(f"amount: expected {row['amount_tokens']}, as it was set, got {entry.body['amount_tokens']}")


def check_authority(standing: Standing, entry: Entry) -> None:
    """Authorities go to people; agents hold none."""
    people.employed(standing.view, entry.body["member"], "agent_may_not")


CHECKS: Mapping[str, Check] = {
    "award_granted": check_grant,
    "draw_made": check_draw,
    "recall_answered": check_recall,
    "award_held": check_held,
    "award_released": check_released,
    "award_settled": check_settled,
    "credential_issued": check_credential,
    "award_declined": check_declined,
    "award_revoked": check_revoked,
    "budget_approved": check_budget,
    "authority_granted": check_authority,
}

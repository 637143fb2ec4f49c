"""Decisions: a yes or a no to exactly what was shown. docs/spec/decision.md is the specification.

    show -> basis + token (HMAC)          what the yes would rest on: proposal, evidence, verdict, policy, as_of
    decide -> record + digest -> entry    refused `stale` only if proposal, evidence, verdict or policy changed since

The token is stateless: it carries the basis, so nothing is stored until somebody decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import authority, awards, cases, passkeys, people, replies, tokens
from casework.errors import refuse
from casework.records import Records
from casework.requests import Asked, Decide
from ledger.canonical import encode
from ledger.changes import Row
from ledger.commands import Command, Decided, Need, View
from ledger.entries import Draft

DECISION_DOMAIN = b"tallystick/decision/v1\x00"
TOKEN_DOMAIN = b"tallystick/decision-token/v1\x00"
SHOWN_MINUTES_MAX = 30
"""How long a page may lie open before its yes has to be asked for again."""
UNDO_SECONDS_DEFAULT = 10
APPROVED, DECLINED = "approved", "declined"
DECLINE_REASONS = (
    "not_reached", "evidence_weak", "outside_policy", "duplicate", "already_recognised", "not_appropriate",
    "other_solution", "too_costly", "no_longer_needed", "wrong_person", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What a decision would rest on, and the token that binds a yes to it.

    `basis`: {v, log, case, about, proposal {id, digest}, evidence [id], verdict, policy, as_of {size, root}, nonce,
    expires, principal}; `policy` is the digest of the policy's content.
    """

    basis: Mapping[str, Any]
    token: str
    expires: str


# ---------------------------------------------------------------------------------------------- what is shown
def basis(row: Row, proposal: Row | None, items: list[Row], policy: Row | None, about: str) -> dict[str, Any]:
    """Return the part of a basis that must not change before the yes: proposal, evidence set, verdict, policy.

    Raises:
        Refused: transition (nothing was proposed yet).
    """
    if proposal is None:
        raise refuse("transition", "expected a proposal to decide on, got none")
    return {
        "case": row["case"],
        "about": about,
        "proposal": {"id": proposal["proposal"], "digest": proposal["digest"]},
        "evidence": sorted(item["evidence"] for item in cases.live(items)),
        "verdict": row["verdict"],
        "policy": None if policy is None else policy["digest"],
    }


def seal_token(secret: bytes, shown: Mapping[str, Any]) -> str:
    """Return the token that binds a yes to this basis."""
    return tokens.seal(secret, TOKEN_DOMAIN, shown)


def open_token(secret: bytes, token: str) -> dict[str, Any]:
    """Return the basis of a token this log issued.

    Raises:
        TokenInvalid: anything else.
    """
    return tokens.unseal(secret, TOKEN_DOMAIN, token, "decision token")


# ---------------------------------------------------------------------------------------------- what is decided
def record(
    shown: Mapping[str, Any],
    request: Decide,
    authority_id: str,
    amount: Mapping[str, Any] | None,
    reason: str | None,
) -> dict[str, Any]:
    """Return the canonical decision record of docs/spec/decision.md. `reason` is the commitment of the text."""
    return {
        "v": 1,
        "log": shown["log"],
        "case": shown["case"],
        "about": shown["about"],
        "verb": request.verb,
        "proposal": shown["proposal"],
        "evidence": shown["evidence"],
        "verdict": shown["verdict"],
        "policy": shown["policy"],
        "authority": authority_id,
        "beneficiaries": sorted(request.beneficiaries),
        "amount": amount,
        "reason_code": request.reason_code,
        "reason": reason,
        "as_of": shown["as_of"],
        "nonce": shown["nonce"],
        "expires": shown["expires"],
    }


def record_digest(value: Mapping[str, Any]) -> str:
    """Return hex SHA-256(domain, canonical record): what a passkey signs and the entry names."""
    return hashlib.sha256(DECISION_DOMAIN + encode(dict(value))).hexdigest()


async def needs(records: Records, who: str, request: Decide, shown: Mapping[str, Any]) -> list[Need]:
    """Need what `decided` looks at: the case, everybody it concerns, the decider's powers, policy and budget."""
    proposal = await records.get("proposal", (shown["case"], shown["proposal"]["id"]))
    wanted = awards.Wanted(request.beneficiaries, request.amount_tokens, request.budget)
    return [
        *await awards.needs(records, shown["case"], shown["verdict"], who, wanted),
        *people.rows([None if proposal is None else proposal["maker"]]),
        Need("decision_nonce", (shown["nonce"],)),
        *(replies.needs(shown["case"]) if request.verb == DECLINED else ()),
        Need("promise", ()),
        Need("setting", ("undo_seconds",)),
        Need("authority", (who,)),
    ]


def decided(view: View, command: Command, at: str) -> Decided:
    """Rule of decide. `known`: basis (of the token, its MAC checked); signed (passkeys.Signed), with a passkey.

    Raises:
        Refused: see Desk.decide.
    """
    made = foreseen(view, command, at)
    asked: Asked = command.data
    if asked.who.assurance == passkeys.PASSKEY:
        passkeys.check_signed(view, asked.who.id, asked.known.get("signed"), made.drafts[0].body["digest"])
    return made


def foreseen(view: View, command: Command, at: str) -> Decided:
    """Return what `decided` writes, its record and digest included, before anybody has signed it. Raises as it does."""
    # 1. a person, with the role used   2. the token is theirs, in time and unused   3. nothing it rests on has changed
    # 4. the decider stands outside     5. what this verb needs                      6. an authority in force covers it
    # 7. a no about an award: those concerned could answer     8. the record and its digest
    # 9. the entries; with no undo time the award's at once
    asked: Asked = command.data
    request: Decide = asked.request
    shown: Mapping[str, Any] = asked.known["basis"]
    people.human(view, asked.who)  # 1
    people.own_device(asked.who)
    _check_token(view, shown, asked, command.log, at)  # 2
    row = cases.find(view, shown["case"])
    proposal, items, verdict = _check_unchanged(view, row, shown)  # 3
    about_award = shown["about"] == authority.AWARD
    step = {"about": shown["about"], "verb": request.verb}
    cases.move(row["state"], "decision_made", step)
    _check_first(view, row, shown)
    relied = relied_on(items, verdict if about_award else None)
    concerned = json.loads(verdict["beneficiaries"]) if about_award and verdict is not None else []
    submitters, earners = authority.submitters(relied), {*concerned, *request.beneficiaries}
    authority.separate(view, asked.who.id, proposal["maker"], submitters, earners)  # 4
    plan = _check_verb(view, row, verdict, request, shown["about"], asked.who.id, at)  # 5
    matter = _matter(row, proposal, request, shown["about"])
    involved = {proposal["maker"], *submitters, *earners}
    held = authority.choose(view, asked.who.id, asked.who.assurance, matter, at, involved)  # 6
    if about_award and request.verb == DECLINED:
        replies.check_replied(view, row, replies.DECLINE, str(request.reason_code), at)  # 7
    commitments = asked.private.commitments
    digest = record_digest(  # 8
        record(shown, request, held["authority"], _amount(matter, request), commitments.get("reason"))
    )
    undo = int(cases.setting(view, "undo_seconds", UNDO_SECONDS_DEFAULT))
    body = {
        "decision": asked.ids["decision"],
        "digest": digest,
        "about": shown["about"],
        "verb": request.verb,
        "proposal": shown["proposal"]["id"],
        "proposal_digest": shown["proposal"]["digest"],
        "evidence": list(shown["evidence"]),
        "verdict": shown["verdict"],
        "policy": shown["policy"],
        "authority": held["authority"],
        "beneficiaries": sorted(request.beneficiaries),
        "amount_tokens": request.amount_tokens,
        "budget": request.budget,
        "reason_code": request.reason_code,
        "as_of": dict(shown["as_of"]),
        "nonce": shown["nonce"],
        "expires": shown["expires"],
        "assurance": asked.who.assurance,
        "effects_at": cases.later(at, seconds=undo),
    }
    drafts = [Draft("decision_made", shown["case"], body, commitments, asked.private.opened)]  # 9
    ids = {"case": shown["case"], "decision": asked.ids["decision"]}
    if plan is not None and undo == 0:
        message = {"message": commitments["message"]} if "message" in commitments else {}
        drafts.append(
            awards.draft(shown["case"], asked.ids["award"], asked.ids["decision"], plan, message, row, at)
        )
        ids["award"] = asked.ids["award"]
    return Decided(tuple(drafts), asked.private.rows, ids)


def _check_token(view: View, shown: Mapping[str, Any], asked: Asked, log: str, at: str) -> None:
    if shown["log"] != log or shown["principal"] != asked.who.id:
        raise refuse("stale", "expected a decision shown to whoever decides it, got another's")
    if view.get("decision_nonce", (shown["nonce"],)) is not None:
        raise refuse("nonce_replayed", "this yes or no was used already; ask to be shown the matter again")
    if shown["expires"] <= at:
        raise refuse("expired", f"expected a decision before {shown['expires']}, got {at}")


def _check_unchanged(view: View, row: Row, shown: Mapping[str, Any]) -> tuple[Row, list[Row], Row | None]:
    proposal = None if row["proposal"] is None else view.get("proposal", (row["case"], row["proposal"]))
    items = cases.live(view.scan("evidence", (row["case"],)))
    policy = None if row["policy"] is None else view.get("policy", (row["policy"],))
    now = basis(row, proposal, items, policy, shown["about"])
    changed = [name for name in ("proposal", "evidence", "verdict", "policy") if now[name] != shown[name]]
    if changed or proposal is None:
        raise refuse("stale", f"expected what was shown, got another {', '.join(changed)}")
    verdict = None if row["verdict"] is None else view.get("verdict", (row["case"], row["verdict"]))
    return proposal, items, verdict


def _check_first(view: View, row: Row, shown: Mapping[str, Any]) -> None:
    """Refuse an award decision while an approved one waits for its effect: it would be granted twice, or not at all."""
    if shown["about"] != authority.AWARD:
        return
    if row["award"] is not None:
        raise refuse("already_awarded", f"expected a case without an award, got {row['award']}; end that")
    first = cases.waiting(row, view.scan("decision", (shown["case"],)))
    if first is not None:
        raise refuse("already_awarded", f"expected no award decision that waits, got {first}")


def relied_on(items: list[Row], verdict: Row | None) -> list[Row]:
    """For an award the items its verdict rests on (or, without any, all); for an action all that is attached."""
    named = [] if verdict is None else json.loads(verdict["relied_on"])
    return [item for item in items if item["evidence"] in named] if named else items


def _check_verb(
    view: View, row: Row, verdict: Row | None, request: Decide, about: str, approver: str, at: str
) -> awards.Plan | None:
    if request.verb not in (APPROVED, DECLINED):
        raise refuse("value_invalid", f"verb: expected approved or declined, got {request.verb}", "/verb")
    if request.verb == DECLINED:
        cases.one_of(request.reason_code, DECLINE_REASONS, "reason_code")
    if request.verb == DECLINED or about == authority.ACTION:
        if request.beneficiaries or request.amount_tokens is not None or request.budget is not None:
            raise refuse(
                "value_invalid", "beneficiaries, amount_tokens, budget: expected none here", "/beneficiaries"
            )
        return None
    wanted = awards.Wanted(tuple(sorted(request.beneficiaries)), request.amount_tokens, request.budget)
    promised = awards.promised(view, row["case"], request.budget)
    return awards.plan(view, row, verdict, wanted, approver, at, promised)


def _matter(row: Row, proposal: Row, request: Decide, about: str) -> authority.Matter:
    if about == authority.AWARD:
        return authority.Matter(about, row["award_kind"], tokens=request.amount_tokens or 0)
    value = None if proposal["value"] is None else json.loads(proposal["value"])
    return authority.Matter(about, row["playbook"], value=value)


def _amount(matter: authority.Matter, request: Decide) -> dict[str, Any] | None:
    if matter.about == authority.ACTION:
        return None if matter.value is None else dict(matter.value)
    if request.amount_tokens is None:
        return None
    return {"tokens": request.amount_tokens, "budget": request.budget}


def taken_back_next(row: Row, made: Iterable[Row]) -> list[Row]:
    """Return the decisions that their deciders may take back now: the last of each kind, while it has no effect."""
    last = {
        one["about"]: one for one in sorted(made, key=lambda one: int(one["seq"])) if not one["withdrawn"]
    }
    return [
        one
        for about, one in last.items()
        if one["effect_seq"] is None
        and row["state"] in cases.TRANSITIONS[f"decision_withdrawn:{about}"].allowed
    ]


def withdrawn(view: View, command: Command, at: str) -> Decided:
    """Rule of withdraw_decision: the decider, while no effect has an entry.

    Raises:
        Refused: unknown, decision_withdrawn, decision_has_effect, no_authority (another person), transition.
    """
    asked: Asked = command.data
    request = asked.request
    people.human(view, asked.who)
    row = view.get("decision", (request.case, request.decision))
    if row is None:
        raise refuse("unknown", f"expected a decision of this case, got {request.decision}", "/decision")
    if row["withdrawn"]:
        raise refuse("decision_withdrawn", "expected a decision that stands")
    if row["effect_seq"] is not None:
        raise refuse("decision_has_effect", f"expected no effect yet, got entry {row['effect_seq']}")
    if not people.same_person(view, asked.who.id, row["decider"]):
        raise refuse("no_authority", "expected whoever decided it")
    draft = Draft("decision_withdrawn", request.case, {"decision": request.decision, "about": row["about"]})
    case = cases.find(view, request.case)
    cases.advance(case, draft)
    later = [one for one in view.scan("decision", (request.case,)) if one["seq"] > row["seq"]]
    if any(one["about"] == row["about"] and not one["withdrawn"] for one in later):
        raise refuse("decision_has_effect", "expected the last decision of its kind, got an earlier one")
    return Decided((draft,), (), {"case": request.case, "decision": request.decision})

"""What a role may try: one explicit matrix. What it may do to this very case is an object rule, and stands in casework.

Every route names its permission through `api.identity.need(...)`; a test walks all routes, each times each role.
A permission here never suffices for a decision: the authority in force, the separation of duties and the state of the
case are checked by the desk inside the writer.
"""

from __future__ import annotations

from collections.abc import Mapping

from casework import people

OWNER, MANAGER, STAFF, AUDITOR, OUTSIDER = people.ROLES
AGENT = people.AGENT
ROLES = (*people.ROLES, AGENT)
"""Strongest first: a person with several roles acts in the first that holds the permission."""

_ALL = frozenset(ROLES)
_PEOPLE = _ALL - {AGENT}
_INSIDE = frozenset({OWNER, MANAGER, STAFF})
_LEADS = frozenset({OWNER, MANAGER})
_READERS = frozenset({OWNER, MANAGER, AUDITOR})
_OWNER = frozenset({OWNER})

OPERATOR = "operator"
"""No role of an organisation: whoever can read the data folder. See api/routes/installing.py."""

DEVICE = "device"
"""No role either: a shared device itself, before anybody there has given a PIN. See api/routes/devices.py."""

DEVICE_ACTS = frozenset({
    "report_case", "add_note", "attach_record", "attach_file", "attach_statement", "check_in", "acknowledge_case",
    "take_action",
})  # fmt: skip
"""The routes, by name, that take the one act of a PIN on a shared device; what they write is device_rules.KINDS."""

MATRIX: Mapping[str, frozenset[str]] = {
    # who
    "me.read": _ALL,
    "member.read": _READERS,
    "member.write": _OWNER,
    "invite.read": _LEADS,
    "invite.write": _LEADS,  # the rule lets managers invite staff only (casework/joining_rules.py)
    "sign_in.read": _PEOPLE,
    "sign_in.write": _PEOPLE,
    "device.read": _LEADS,
    "device.write": _LEADS,
    "point.read": _INSIDE | {AUDITOR},
    "point.write": _LEADS,
    "point.doubt": _PEOPLE,  # whoever sees that a tag was moved
    "point.code": _LEADS,
    "away.read": _PEOPLE,
    "away.write": _PEOPLE,  # the rule: oneself, or anybody for an owner (casework/absence.py)
    "authority.read": _READERS,
    "authority.write": _OWNER,
    "key.read": _OWNER,
    "key.write": _OWNER,
    "passkey.read": _PEOPLE,  # those of others: the route asks for a lead or a holder of second_person
    "passkey.write": _PEOPLE,
    "passkey.confirm": _PEOPLE,  # the rule asks for a lead or a holder of second_person (casework/passkey_rules.py)
    # what is watched
    "watch.read": _ALL,
    "watch.write": _OWNER,
    "hook.read": _LEADS,
    "hook.write": _OWNER,
    "anchor.read": _READERS,
    "anchor.write": _OWNER,
    "record.write": _LEADS | {AGENT},
    "account.link": _LEADS,  # the rule: never for oneself (casework/account_rules.py)
    # the path of a case
    "case.read": _ALL,
    "case.report": _INSIDE | {AGENT},
    "case.claim": _INSIDE,
    "case.work": _INSIDE,
    "case.propose": _INSIDE | {AGENT},
    "case.evidence": _INSIDE,
    "case.assess": _PEOPLE
    - {AUDITOR},  # the rule: whom an owner named for the course (casework/assessors.py)
    "assessor.read": _PEOPLE,
    "assessor.write": _OWNER,
    "case.review": _PEOPLE - {AUDITOR},  # whoever checks the record takes no part in it
    "case.decide": _PEOPLE,
    "case.close": _LEADS,
    # recognition
    "award.read": _PEOPLE,
    "award.hold": _PEOPLE,  # the rule asks for a lead or a holder of second_person (casework/awards.py)
    "award.decide": _PEOPLE,
    "award.announce": _PEOPLE,  # the rule: whether one's own may be shown (casework/announcing.py)
    "announced.read": _INSIDE,
    "fairness.read": _OWNER,
    "award.weigh": frozenset({OWNER, AUDITOR}),
    "award.dispute": _PEOPLE,  # the rule: who may ask this, and only those asked answer (casework/disputes.py)
    "account.read": _READERS,
    "budget.write": _OWNER,
    "budget.approve": _PEOPLE,
    # work that was given up
    "job.read": _OWNER,
    "job.write": _OWNER,
    # the record
    "log.read": _READERS,
    "log.checkpoint": _READERS,
    "log.export": _READERS,
}


STEPS: Mapping[str, str | None] = {
    "acknowledge": "case.work",
    "propose": "case.propose",
    "decide_action": "case.decide",
    "withdraw_decision": "case.decide",
    "take_action": "case.work",
    "attach_evidence": "case.evidence",
    "withdraw_evidence": "case.evidence",
    "issue_link": "case.evidence",
    "confirm": None,  # by the customer's link alone
    "review_evidence": "case.review",
    "record_outcome": "case.work",
    "set_budget": "budget.write",
    "approve_budget": "budget.approve",
    "decide_award": "case.decide",
    "hold": "award.hold",
    "release": "award.hold",
    "dispute": "award.dispute",
    "close_dispute": "award.dispute",
    "decline_award": "award.decide",
    "revoke": "award.decide",
    "reopen": "case.work",
    "close": "case.close",
}
"""Each step of a case (casework/staffing.py) and the permission of its door."""


def step_roles() -> dict[str, tuple[str, ...]]:
    """Return step -> the roles whose door lets them try it, strongest first."""
    return {
        step: () if permission is None else tuple(role for role in ROLES if role in MATRIX[permission])
        for step, permission in STEPS.items()
    }


def role_for(permission: str, roles: tuple[str, ...]) -> str | None:
    """Return the role in which somebody with these roles may use the permission, or None.

    Raises:
        KeyError: the permission is not in the matrix: a programming error that the route walk finds.
    """
    allowed = MATRIX[permission]
    for role in ROLES:
        if role in allowed and role in roles:
            return role
    return None

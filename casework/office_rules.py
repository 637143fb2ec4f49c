"""Rules of the office: people, keys, authorities, budgets, what is published. Owners administer; agents never do.

A second account's chain stays one step long: `same_as` names the first account itself. A budget holds nothing before
another person than the one who set it approved the same amount.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework import absence, authority, cases, joining_rules, people, purposes
from casework.errors import refuse
from casework.requests import (
    ApproveBudget,
    Asked,
    ChangeMode,
    ChangeSettings,
    EndApiKey,
    EndAuthority,
    GrantAuthority,
    IssueApiKey,
    JoinMember,
    MemberStep,
    Money,
    OpenLog,
    PublishKinds,
    PublishPlaybook,
    PublishPolicy,
    RegisterAgent,
    RegisterSource,
    RunJob,
    SetBudget,
)
from ledger.changes import Set
from ledger.commands import Command, Decided, View
from ledger.entries import REGISTRY_VERSION, SYSTEM, Draft

MODES = ("draft", "shadow", "live", "retired")
TOKENS_MAX = 1_000_000_000
SETTINGS: Mapping[str, tuple[int, int]] = {
    "undo_seconds": (0, 3_600),
    "interruptions_per_day_max": (1, 100),
    "draw_permille": (0, 1_000),
    "issue_window_days": (1, 365),
    "reply_days": (1, 31),
    "decide_days": (1, 31),
}
"""Whole-number settings and their limits, both included; `currency` and `zone` are texts."""
TEXT_SETTINGS = ("currency", "zone", "name")


def _one(asked: Asked, kind: str, body: Mapping[str, Any], ids: Mapping[str, str]) -> Decided:
    draft = Draft(kind, None, body, asked.private.commitments, asked.private.opened)
    return Decided((draft,), asked.private.rows, ids)


def log_opened(view: View, command: Command, at: str) -> Decided:
    """Rule of open_log: the first command of a log, by the system on behalf of whoever sets it up."""
    asked: Asked = command.data
    request: OpenLog = asked.request
    check_settings(request.settings)
    member = asked.ids["member"]
    drafts = [
        Draft(
            "log_opened",
            None,
            {
                "origin": command.log,
                "registry": REGISTRY_VERSION,
                "log_key": request.log_key,
                "simulated": request.simulated,
            },
        ),
        Draft(
            "member_joined",
            None,
            {"member": member, "roles": [people.OWNER], "same_as": None},
            asked.private.commitments,
            asked.private.opened,
        ),
    ]
    if request.settings:
        drafts.append(Draft("settings_changed", None, {"settings": dict(request.settings)}))
    return Decided(tuple(drafts), asked.private.rows, {"member": member})


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse `value_invalid`: an unknown setting, or a value outside its limits."""
    for name, value in settings.items():
        if name in TEXT_SETTINGS:
            good = type(value) is str and 0 < len(value) <= 200
        else:
            least, most = SETTINGS.get(name, (1, 0))
            good = type(value) is int and least <= value <= most
        if not good:
            known = sorted((*SETTINGS, *TEXT_SETTINGS))
            raise refuse(
                "value_invalid", f"settings: expected values of {known} in their limits, got {name}={value!r}"
            )


def member_joined(view: View, command: Command, at: str) -> Decided:
    """Rule of join_member."""
    asked: Asked = command.data
    request: JoinMember = asked.request
    people.owner(view, asked.who)
    unknown = sorted(set(request.roles) - set(people.ROLES))
    if unknown or not request.roles:
        raise refuse(
            "value_invalid",
            f"roles: expected of {', '.join(people.ROLES)}, got {unknown or 'none'}",
            "/roles",
        )
    first = None
    if request.same_as is not None:
        row = people.employed(view, request.same_as, "unknown", "/same_as")
        if row["same_as"] is not None:
            raise refuse(
                "value_invalid", f"same_as: expected the first account, {row['same_as']}", "/same_as"
            )
        first = request.same_as
    member = asked.ids["member"]
    body = {"member": member, "roles": sorted(set(request.roles)), "same_as": first}
    return _one(asked, "member_joined", body, {"member": member})


def _member(view: View, member: str) -> Mapping[str, Any]:
    row = view.get("member", (member,))
    if row is None or not row["active"]:
        raise refuse("unknown", f"expected an active member, got {member}", "/member")
    return row


def role_granted(view: View, command: Command, at: str) -> Decided:
    """Rule of grant_role: a person gets a role; an agent never gets a person's."""
    asked: Asked = command.data
    request: MemberStep = asked.request
    people.owner(view, asked.who)
    row = _member(view, request.member)
    if people.AGENT in people.roles(row) or request.role not in people.ROLES:
        raise refuse(
            "value_invalid",
            f"role: expected a person and a role of {people.ROLES}, got {request.role}",
            "/role",
        )
    roles = sorted({*people.roles(row), request.role})
    return _one(asked, "role_granted", _role_body(request, roles), {"member": request.member})


def role_ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_role. Refused: a role not held, the last owner's."""
    asked: Asked = command.data
    request: MemberStep = asked.request
    people.owner(view, asked.who)
    row = _member(view, request.member)
    if request.role not in people.roles(row):
        raise refuse(
            "value_invalid", f"role: expected one of {people.roles(row)}, got {request.role}", "/role"
        )
    if request.role == people.OWNER and len(people.owners(view)) < 2:
        raise refuse("second_person_needed", "expected another owner before the last one stops")
    roles = sorted(set(people.roles(row)) - {request.role})
    return _one(asked, "role_ended", _role_body(request, roles), {"member": request.member})


def _role_body(request: MemberStep, roles: list[str]) -> dict[str, Any]:
    return {"member": request.member, "role": request.role, "roles": roles}


def agent_registered(view: View, command: Command, at: str) -> Decided:
    """Rule of register_agent: it answers to a person. `known`: charter, as charters.read took it."""
    asked: Asked = command.data
    request: RegisterAgent = asked.request
    people.owner(view, asked.who)
    people.employed(view, request.answers_to, "unknown", "/answers_to")
    member = asked.ids["member"]
    body = {"member": member, "charter": asked.known["charter"].body(), "answers_to": request.answers_to}
    return _one(asked, "agent_registered", body, {"member": member})


def agent_stopped(view: View, command: Command, at: str) -> Decided:
    """Rule of stop_agent: an owner, or the person it answers to."""
    asked: Asked = command.data
    request: MemberStep = asked.request
    people.human(view, asked.who)
    row = _member(view, request.member)
    if people.AGENT not in people.roles(row):
        raise refuse("unknown", f"expected an agent, got {request.member}", "/member")
    if asked.who.role != people.OWNER and row["answers_to"] != asked.who.id:
        raise refuse("role_missing", "expected an owner or the person the agent answers to")
    return _one(asked, "agent_stopped", {"member": request.member}, {"member": request.member})


def authority_granted(view: View, command: Command, at: str) -> Decided:
    """Rule of grant_authority: to a person; agents hold none."""
    asked: Asked = command.data
    request: GrantAuthority = asked.request
    people.owner(view, asked.who)
    row = _member(view, request.member)
    if people.AGENT in people.roles(row):
        raise refuse("agent_may_not", "expected a person, got an agent", "/member")
    if (
        request.about not in (authority.ACTION, authority.AWARD)
        or request.assurance_min not in authority.ASSURANCE_RANK
    ):
        raise refuse(
            "value_invalid", f"expected action or award and an assurance, got {request.about}", "/about"
        )
    if (request.about == authority.ACTION and request.tokens_max is not None) or (
        request.about == authority.AWARD and request.amount_max is not None
    ):
        raise refuse("value_invalid", "expected amount_max about action, tokens_max about award", "/about")
    for limit, field in ((_amount(request.amount_max), "amount_max"), (request.tokens_max, "tokens_max")):
        if limit is not None and limit < 0:
            raise refuse("value_invalid", f"{field}: expected 0 or more, got {limit}", f"/{field}")
    _check_until(request.until, at)
    body = {
        "authority": asked.ids["authority"],
        "member": request.member,
        "about": request.about,
        "scope": sorted(set(request.scope)),
        "amount_max": None if request.amount_max is None else dict(request.amount_max),
        "tokens_max": request.tokens_max,
        "until": request.until,
        "assurance_min": request.assurance_min,
        "second_person": request.second_person,
    }
    return _one(
        asked, "authority_granted", body, {"member": request.member, "authority": asked.ids["authority"]}
    )


def _amount(money: Money | None) -> int | None:
    return None if money is None else int(money["amount_minor"])


def _check_until(until: str | None, at: str) -> None:
    if until is not None and until <= at:
        raise refuse("value_invalid", f"until: expected after {at}, got {until}", "/until")


def authority_ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_authority: what was lent of it ends with it."""
    asked: Asked = command.data
    request: EndAuthority = asked.request
    people.owner(view, asked.who)
    row = view.get("authority", (request.member, request.authority))
    if row is None or not row["active"]:
        raise refuse("unknown", f"expected an authority in force, got {request.authority}", "/authority")
    body = {"member": request.member, "authority": request.authority}
    lent = absence.lent_of(view.scan("authority", ()), request.member, request.authority)
    bodies = [body, *({"member": one["member"], "authority": one["authority"]} for one in lent)]
    return Decided(tuple(Draft("authority_ended", None, one) for one in bodies), (), body)


def api_key_issued(view: View, command: Command, at: str) -> Decided:
    """Rule of issue_api_key: by an owner, or by whoever runs the server: the very first one."""
    asked: Asked = command.data
    request: IssueApiKey = asked.request
    if asked.who.id != SYSTEM:
        people.owner(view, asked.who)
    else:
        joining_rules.check_first_key(view)
    _member(view, request.member)
    _check_until(request.until, at)
    body = {
        "key": asked.ids["key"],
        "member": request.member,
        "secret_digest": request.secret_digest,
        "until": request.until,
    }
    return _one(asked, "api_key_issued", body, {"key": asked.ids["key"], "member": request.member})


def api_key_ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_api_key: an owner, or the holder."""
    asked: Asked = command.data
    request: EndApiKey = asked.request
    people.acting(view, asked.who)
    row = view.get("api_key", (request.key,))
    if row is None or not row["active"]:
        raise refuse("unknown", f"expected a key in force, got {request.key}", "/key")
    if asked.who.role != people.OWNER and row["member"] != asked.who.id:
        raise refuse("role_missing", "expected an owner or the key's holder")
    return _one(asked, "api_key_ended", {"key": request.key}, {"key": request.key})


# ---------------------------------------------------------------------------------------------- budgets
def budget_set(view: View, command: Command, at: str) -> Decided:
    """Rule of set_budget: an owner names it; with one account only it could never be approved, so it is refused."""
    asked: Asked = command.data
    request: SetBudget = asked.request
    people.owner(view, asked.who)
    if not 0 < request.amount_tokens <= TOKENS_MAX:
        raise refuse(
            "value_invalid", f"amount_tokens: expected 1 to {TOKENS_MAX}, got {request.amount_tokens}"
        )
    people.check_two(view)
    body = {"budget": asked.ids["budget"], "amount_tokens": request.amount_tokens, "until": request.until}
    return _one(asked, "budget_set", body, {"budget": asked.ids["budget"]})


def budget_approved(view: View, command: Command, at: str) -> Decided:
    """Rule of approve_budget: another person than who set it, an owner or holder of second_person; the same amount.

    Raises:
        Refused: unknown, budget_missing (approved already), stale, second_person_needed, no_authority.
    """
    asked: Asked = command.data
    request: ApproveBudget = asked.request
    people.human(view, asked.who)
    row = view.get("budget", (request.budget,))
    if row is None:
        raise refuse("unknown", f"expected a budget, got {request.budget}", "/budget")
    if row["set_by"] != asked.known["set_by"] or row["amount_tokens"] != request.amount_tokens:
        raise refuse("stale", f"expected the amount {row['amount_tokens']}, got {request.amount_tokens}")
    if row["approved_by"] is not None:
        raise refuse("award_state", "expected a budget not approved yet")
    authority.check_second(view, asked.who, row["set_by"], at)
    body = {"budget": request.budget, "amount_tokens": request.amount_tokens}
    return _one(asked, "budget_approved", body, {"budget": request.budget})


# ---------------------------------------------------------------------------------------------- what is published
def kinds_published(view: View, command: Command, at: str) -> Decided:
    """Rule of publish_kinds; the watch has checked the content before."""
    asked: Asked = command.data
    request: PublishKinds = asked.request
    people.owner(view, asked.who)
    return _one(asked, "kinds_published", {"digest": request.digest, "content": dict(request.content)}, {})


def playbook_published(view: View, command: Command, at: str) -> Decided:
    """Rule of publish_playbook: its kinds and its policy are published; on a person, it has a purpose."""
    asked: Asked = command.data
    request: PublishPlaybook = asked.request
    people.owner(view, asked.who)
    kinds = view.get("kind_set", (request.kinds,))
    if kinds is None:
        raise refuse("unknown", f"kinds: expected published ones, got {request.kinds}", "/kinds")
    if request.policy is not None:
        award = request.content.get("award")
        cases.recognises(view, request.policy, None if award is None else award["kind"])
    _check_mode(request.mode)
    purposes.check_running(
        view, request.playbook, request.mode, json.loads(kinds["content"]), request.content
    )
    body = {
        "playbook": request.playbook,
        "digest": request.digest,
        "kinds": request.kinds,
        "mode": request.mode,
        "policy": request.policy,
        "content": dict(request.content),
    }
    return _one(asked, "playbook_published", body, {"playbook": request.playbook})


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise refuse("value_invalid", f"mode: expected one of {', '.join(MODES)}, got {mode}", "/mode")


def mode_changed(view: View, command: Command, at: str) -> Decided:
    """Rule of change_mode: on a person, it runs with a purpose. `known`: the digest of its kinds."""
    asked: Asked = command.data
    request: ChangeMode = asked.request
    people.owner(view, asked.who)
    _check_mode(request.mode)
    row = view.get("playbook", (request.playbook,))
    if row is None:
        raise refuse("unknown", f"expected a published playbook, got {request.playbook}", "/playbook")
    if row["kinds"] != asked.known["kinds"]:
        raise refuse("stale", "expected the playbook as it was looked at, got another one published since")
    kinds = view.get("kind_set", (row["kinds"],))
    content = json.loads(row["content"])
    if kinds is not None:
        purposes.check_running(view, request.playbook, request.mode, json.loads(kinds["content"]), content)
    body = {"playbook": request.playbook, "mode": request.mode}
    return _one(asked, "mode_changed", body, {"playbook": request.playbook})


def policy_published(view: View, command: Command, at: str) -> Decided:
    """Rule of publish_policy: what a version says never changes. The verifier's registry has checked the content."""
    asked: Asked = command.data
    request: PublishPolicy = asked.request
    people.owner(view, asked.who)
    before = view.get("policy", (request.policy,))
    if before is not None and before["digest"] != request.digest:
        raise refuse(
            "value_invalid", f"{request.policy}: expected what was published before, or a new version"
        )
    body = {
        "policy": request.policy,
        "verifier": request.verifier,
        "version": request.version,
        "digest": request.digest,
        "content": dict(request.content),
    }
    return _one(asked, "policy_published", body, {"policy": request.policy})


def source_registered(view: View, command: Command, at: str) -> Decided:
    """Rule of register_source."""
    asked: Asked = command.data
    request: RegisterSource = asked.request
    people.owner(view, asked.who)
    body = {
        "source": request.source,
        "kinds": sorted(set(request.kinds)),
        "controllers": dict(request.controllers),
        "fresh_within": request.fresh_within,
    }
    return _one(asked, "source_registered", body, {"source": request.source})


def clock_confirmed(view: View, command: Command, at: str) -> Decided:
    """Rule of confirm_clock: an owner, and only while the log waits for it.

    Raises:
        Refused: transition (the log runs).
    """
    asked: Asked = command.data
    people.owner(view, asked.who)
    head = view.get("log_head", ())
    if head is None or head["stopped"] is None:
        raise refuse(
            "transition", "expected a log that waits for its clock to be confirmed, got one that runs"
        )
    return _one(asked, "clock_confirmed", {"at": at}, {})


def job_run(view: View, command: Command, at: str) -> Decided:
    """Rule of run_job: an owner has work done again that was given up. No entry: what it leads to will leave its own.

    Raises:
        Refused: unknown, transition (it was not given up).
    """
    asked: Asked = command.data
    request: RunJob = asked.request
    people.owner(view, asked.who)
    row = view.get("job", (request.job,))
    if row is None:
        raise refuse("unknown", f"expected work of this organisation, got {request.job}")
    if not row["dead"]:
        raise refuse("transition", f"expected work that was given up, got some that is due {row['due']}")
    again = Set("job", (request.job,), {"dead": 0, "attempt": 0, "due": at})
    return Decided((), (again,), {"job": request.job})


def settings_changed(view: View, command: Command, at: str) -> Decided:
    """Rule of change_settings."""
    asked: Asked = command.data
    request: ChangeSettings = asked.request
    people.owner(view, asked.who)
    check_settings(request.settings)
    return _one(asked, "settings_changed", {"settings": dict(request.settings)}, {})

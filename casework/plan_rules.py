"""Who publishes a plan, and ends it: an owner, under a policy whose verifier can judge that work."""

from __future__ import annotations

import json

from casework import people
from casework.errors import refuse
from casework.plans import PLANS_MAX, VERIFIERS, read_plan
from casework.requests import Asked, EndPlan, PublishPlan
from ledger.commands import Command, Decided, View
from ledger.entries import Draft


def plan_published(view: View, command: Command, at: str) -> Decided:
    """Rule of publish_plan; one of the same name is replaced, and what is open of it stays as it was opened.

    Raises:
        Refused: role_missing, unknown (policy), value_invalid.
    """
    asked: Asked = command.data
    request: PublishPlan = asked.request
    people.owner(view, asked.who)
    check_plan(view, request)
    active = [row for row in view.scan("plan", ()) if row["active"] and row["plan"] != request.plan]
    if len(active) >= PLANS_MAX:
        raise refuse("value_invalid", f"expected at most {PLANS_MAX} plans, got one more")
    body = {
        "plan": request.plan,
        "digest": request.digest,
        "policy": request.policy,
        "content": dict(request.content),
    }
    return Decided((Draft("plan_published", None, body),), (), {"plan": request.plan})


def check_plan(view: View, request: PublishPlan) -> None:
    """Check that content, name, digest and policy belong together. Raises Refused: unknown, value_invalid."""
    plan = read_plan(dict(request.content))
    if (plan.id, plan.digest, plan.policy) != (request.plan, request.digest, request.policy):
        raise refuse("value_invalid", f"plan: expected that of its content, {plan.id}, got {request.plan}")
    if plan.policy is None:
        return
    row = view.get("policy", (plan.policy,))
    if row is None:
        raise refuse("unknown", f"policy: expected a published one, got {plan.policy}", "/policy")
    verifier = json.loads(row["content"])["verifier"]
    if verifier != VERIFIERS[plan.kind]:
        raise refuse(
            "value_invalid",
            f"policy: expected one of {VERIFIERS[plan.kind]}, which judges a {plan.kind}, got one of {verifier}",
        )


def plan_ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_plan. Raises Refused: role_missing, unknown."""
    asked: Asked = command.data
    request: EndPlan = asked.request
    people.owner(view, asked.who)
    row = view.get("plan", (request.plan,))
    if row is None or not row["active"]:
        raise refuse("unknown", f"expected a plan that asks for work, got {request.plan}", "/plan")
    return Decided((Draft("plan_ended", None, {"plan": request.plan}),), (), {"plan": request.plan})

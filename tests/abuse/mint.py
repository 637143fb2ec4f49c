"""Abuses of those who hold the purse: tokens out of nothing, by one person, for the wrong person."""

from __future__ import annotations

from tests.abuse.documents import policy_text
from tests.abuse.flows import Issue, honest_issue
from tests.abuse.ground import Ground
from tests.abuse.one_click import Step, changed, claims, claims_of, correction, made_approver
from tests.abuse.register import abuse

Deserved = dict[str, int]
STAFF_GETS = {"staff": 5}
GROUP = "Purse and power"
OWN_BUDGET = Step("owner", "/budget", {"tokens": 1_000})


async def ready(g: Ground) -> Issue:
    """Return an issue that staff resolved honestly, judged and waiting for a yes."""
    issue = await honest_issue(g)
    await g.examined()
    return issue


@abuse(
    GROUP,
    "the owner opens a budget and approves it alone",
    "owner",
    intent=(OWN_BUDGET, *claims("staff", "owner")),
)
async def admin_mint(g: Ground) -> Deserved:
    issue = await ready(g)
    made = await g.post("/budgets", "owner", {"amount_tokens": 1_000})
    budget = made["ids"]["budget"]
    await g.post(f"/budgets/{budget}/approve", "owner", {"amount_tokens": 1_000})
    g.budget = budget  # everybody honest takes it for a good one
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return {}


@abuse(
    GROUP,
    "a budget approved by the owner's second account",
    "owner",
    intent=(OWN_BUDGET, *claims("staff", "owner")),
)
async def budget_by_second_account(g: Ground) -> Deserved:
    await g.joined("ada-again", "owner", same_as=g.who("owner"))
    issue = await ready(g)
    power = {"member": g.who("ada-again"), "about": "award", "second_person": True}
    await g.post("/authorities", "owner", power)
    budget = (await g.post("/budgets", "owner", {"amount_tokens": 1_000}))["ids"]["budget"]
    await g.post(f"/budgets/{budget}/approve", "ada-again", {"amount_tokens": 1_000})
    g.budget = budget
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return {}


@abuse(
    GROUP,
    "the second person is told another amount than is written",
    "owner",
    intent=(OWN_BUDGET, *claims("staff", "owner")),
)
async def budget_of_another_amount(g: Ground) -> Deserved:
    issue = await ready(g)
    budget = (await g.post("/budgets", "owner", {"amount_tokens": 1_000}))["ids"]["budget"]
    await g.post(f"/budgets/{budget}/approve", "outsider", {"amount_tokens": 10})
    g.budget = budget
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return {}


@abuse(
    GROUP,
    "the owner grants to himself what only somebody else may decide",
    "owner",
    intent=(correction("owner", 5),),
)
async def own_work_own_power(g: Ground) -> Deserved:
    issue = await honest_issue(g, by="owner")
    await g.examined()
    await g.post("/authorities", "owner", {"member": g.who("owner"), "about": "award"})
    await g.decide(issue.case, "owner", **g.gift("service_issue", "owner"))
    await g.wait(20)
    return {}


@abuse(
    GROUP, "a digital employee says yes", "owner", intent=(made_approver("agent"), *claims("staff", "agent"))
)
async def agent_decides(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.post("/authorities", "owner", {"member": g.who("agent"), "about": "award"})
    await g.decide(issue.case, "agent", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return {}


@abuse(GROUP, "a yes where nothing was judged", "manager", intent=claims("staff"))
async def no_verdict(g: Ground) -> Deserved:
    told = await g.must("/reports", "staff", {"note": "A guest waited long"})
    await g.decide(told["ids"]["case"], "manager", **g.gift("service_issue", "staff"))
    return {}


@abuse(GROUP, "a yes although the verdict says no", "manager", intent=claims("staff"))
async def failing_verdict(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered("not_resolved")).recorded()
    await issue.finished()
    await g.examined()
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff"))
    return {}


@abuse(GROUP, "a yes although evidence is missing", "manager", intent=claims("staff"))
async def insufficient_verdict(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await issue.finished()
    await g.examined()
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff"))
    return {}


@abuse(GROUP, "credit swap: the yes names a colleague", "manager", "second", intent=claims("second"))
async def credit_swap(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.decide(issue.case, "manager", **g.gift("service_issue", "second"))
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "credit swap before the judging: the verdict is asked for a colleague",
    "manager",
    "second",
    intent=claims("second"),
)
async def credit_swap_early(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.post(f"/cases/{issue.case}/verdicts", "manager", {"beneficiaries": [g.who("second")]})
    await g.decide(issue.case, "manager", **g.gift("service_issue", "second"))
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "a friend is added to those who earned it",
    "manager",
    "second",
    intent=claims_of("staff", "second"),
)
async def friend_added(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff", "second"))
    await g.believed()
    return STAFF_GETS


@abuse(GROUP, "one person twice, by a second account", "staff", "manager", intent=claims_of("staff", "twin"))
async def one_person_twice(g: Ground) -> Deserved:
    issue = await ready(g)
    both = [g.who("staff"), g.who("twin")]
    await g.post(f"/cases/{issue.case}/verdicts", "manager", {"beneficiaries": both})
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff", "twin"))
    await g.believed()
    return STAFF_GETS


@abuse(GROUP, "a hundred times what the policy says", "manager", intent=claims("staff", tokens=400))
async def too_many_tokens(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff", tokens=400))
    await g.believed()
    return STAFF_GETS


@abuse(GROUP, "more tokens than the budget holds", "manager", intent=claims("staff", tokens=501))
async def more_than_there_is(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff", tokens=501))
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "more tokens than whoever decides may give",
    "second",
    intent=(made_approver("second", limit_tokens=1), *claims("staff", "second")),
)
async def beyond_ones_power(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.must("/authorities", "owner", {"member": g.who("second"), "about": "award", "tokens_max": 1})
    await g.decide(issue.case, "second", **g.gift("service_issue", "staff", tokens=5))
    await g.believed()
    return STAFF_GETS


@abuse(GROUP, "a yes by somebody who may not", "second", intent=claims("staff", "second"))
async def no_power(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.decide(issue.case, "second", **g.gift("service_issue", "staff"))
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "a yes by a power that has ended",
    "manager",
    intent=(changed("manager", "member"), *claims("staff")),
)
async def ended_power(g: Ground) -> Deserved:
    issue = await ready(g)
    rows = (await g.ask("GET", "/authorities", "owner")).json()["items"]
    for row in [one for one in rows if one["member"] == g.who("manager")]:
        await g.must(f"/members/{g.who('manager')}/authorities/{row['authority']}/end", "owner")
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff"))
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "a yes with the key of somebody who left",
    "manager",
    intent=(changed("manager", "member", "approver", enabled=False), *claims("staff")),
)
async def left_already(g: Ground) -> Deserved:
    issue = await ready(g)
    body = {"reason_code": "left", "successor": g.who("owner")}
    await g.must(f"/members/{g.who('manager')}/leave", "owner", body)
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff"))
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "one yes used for another case",
    "manager",
    intent=(*claims("staff"), Step("staff", "/claims"), Step("manager", "/claims/0/yes")),
)
async def replayed_yes(g: Ground) -> Deserved:
    first = await ready(g)
    second = await (await Issue(g, "c-2", guest="other@quay.example").arises()).worked()
    await second.finished()
    card = await g.ask("GET", f"/cases/{first.case}/card?about=award", "manager")
    body = {"token": card.json()["token"], "verb": "approved", **g.gift("service_issue", "staff")}
    headers = {"If-Match": card.headers["etag"]}
    await g.post(f"/cases/{second.case}/decisions", "manager", body, headers=headers)
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "one yes sent again and again",
    "manager",
    intent=(*claims("staff"), *[Step("manager", "/claims/0/yes")] * 2),
)
async def yes_again(g: Ground) -> Deserved:
    issue = await ready(g)
    card = await g.ask("GET", f"/cases/{issue.case}/card?about=award", "manager")
    body = {"token": card.json()["token"], "verb": "approved", **g.gift("service_issue", "staff")}
    for _ in range(3):
        headers = {"If-Match": card.headers["etag"]}
        await g.post(f"/cases/{issue.case}/decisions", "manager", body, headers=headers)
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "recognised twice by two who decide",
    "manager",
    "owner",
    intent=(*claims("staff"), Step("owner", "/claims/0/yes")),
)
async def recognised_twice(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff"))
    await g.wait(20)
    await g.post("/authorities", "owner", {"member": g.who("owner"), "about": "award"})
    await g.decide(issue.case, "owner", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return STAFF_GETS


@abuse(GROUP, "whoever decides is whoever is recognised", "manager", intent=claims("manager", "manager"))
async def approver_is_beneficiary(g: Ground) -> Deserved:
    issue = await Issue(g).arises()
    await (await (await issue.proposed("manager")).agreed("owner")).acted("manager")
    await (await (await issue.asked("manager")).answered()).recorded(shown_by="manager")
    await issue.finished("manager")
    await g.examined()
    await g.decide(issue.case, "manager", **g.gift("service_issue", "manager"))
    await g.wait(20)
    return {}


@abuse(
    GROUP,
    "whoever decides is whoever is recognised, by a second account",
    "staff",
    intent=(made_approver("twin"), *claims("staff", "twin")),
)
async def approver_by_second_account(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.must("/authorities", "owner", {"member": g.who("twin"), "about": "award"})
    await g.decide(issue.case, "twin", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return {}


@abuse(
    GROUP,
    "recognition goes to the account that decides under another name",
    "staff",
    intent=(made_approver("twin"), *claims("twin", "twin")),
)
async def gift_to_the_twin(g: Ground) -> Deserved:
    issue = await ready(g)
    await g.must("/authorities", "owner", {"member": g.who("twin"), "about": "award"})
    await g.post(f"/cases/{issue.case}/verdicts", "twin", {"beneficiaries": [g.who("twin")]})
    await g.decide(issue.case, "twin", **g.gift("service_issue", "twin"))
    await g.wait(20)
    return {}


@abuse(GROUP, "a policy for which a word is enough", "owner", "staff", intent=claims("staff", "owner"))
async def weak_policy(g: Ground) -> Deserved:
    weak = policy_text("service_issue").replace("\nversion: 2\n", "\nversion: 3\n", 1)
    weak = weak.replace("k_min: 2", "k_min: 1")
    before, after = weak.index("    - grades:"), weak.index("  record_state:")
    weak = weak[:before] + "    - grades:\n        statement: E0\n      k_evidence_min: 0\n" + weak[after:]
    await g.post("/policies", "owner", {"yaml": weak})
    issue = await Issue(g).claimed(policy="service_issue/v3")
    if issue.case:
        await g.post(f"/cases/{issue.case}/evidence/statement", "staff", {"statement": "It is so"})
        await (await (await issue.agreed("owner")).acted()).finished()
    await g.believed()
    return {}


@abuse(GROUP, "the policy is changed after the work", "owner", intent=claims("staff", tokens=400))
async def policy_changed(g: Ground) -> Deserved:
    issue = await ready(g)
    dear = policy_text("service_issue").replace("tokens_limit: 100", "tokens_limit: 100000")
    await g.post("/policies", "owner", {"yaml": dear})
    await g.decide(issue.case, "manager", **g.gift("service_issue", "staff", tokens=400))
    await g.believed()
    return STAFF_GETS


@abuse(
    GROUP,
    "tokens moved from one person to another",
    "owner",
    "second",
    intent=(*claims("staff"), correction("staff", -5), correction("second", 5)),
)
async def moved(g: Ground) -> Deserved:
    """There is no such door: a recognition belongs to whoever earned it."""
    await g.ask("POST", "/postings", "owner", json={"debit": f"settled:{g.who('staff')}", "amount": 5})
    await g.ask("POST", "/accounts/transfer", "owner", json={"to": g.who("second"), "amount_tokens": 5})
    return {}

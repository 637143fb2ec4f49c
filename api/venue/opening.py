"""The first morning at The Harbour House: people, powers, digital employees, sources, a budget of two people."""

from __future__ import annotations

from pathlib import Path
from random import Random

from api.cast import Door, Tally
from api.stage import Stage
from api.venue.calendar import Span
from api.venue.house import House, Systems
from api.venue.people import ACCOUNTANT, CARRIER, HELPERS, MANAGER, OWNER, OWNERS_NAME, PEOPLE
from api.venue.records import SOURCES
from api.venue.scripts import LIMIT_MINOR
from playbooks.playbook import LIBRARY

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "verifiers" / "policies" / "service_issue.yaml"
VENUE = "The Harbour House"
BUDGET_TOKENS = 600
LIVE = (
    "complaint_to_escalate", "quote_not_followed_up", "recovery_not_closed",
    "special_request_without_cover", "warm_lead_silent",
)  # fmt: skip
ON_TRIAL = ("low_stock_before_service", "supplier_renewal")


def open_house(play: Stage, span: Span, random: Random) -> House:
    """Open the organisation and let everybody in; nothing is watched yet."""
    opened = play.open_organisation(VENUE, OWNERS_NAME)
    tally = Tally()
    owner = Door(play.client, opened.key, opened.member, OWNERS_NAME, random, tally)

    tally.head = lambda: int(owner.get("/log").body["size"])

    def door(member: str, name: str) -> Door:
        key = owner.do("/keys", {"member": member}).body["secret"]
        return Door(play.client, key, member, name, random, tally)

    doors = {OWNERS_NAME: owner}
    for person in PEOPLE:
        if person.role != OWNER:
            joined = owner.do("/members", {"name": person.name, "roles": [person.role]})
            doors[person.name] = door(joined.ids["member"], person.name)
    helpers = {}
    for helper in HELPERS:
        charter = {
            "responsibility": helper.responsibility,
            "may_read": list(helper.may_read),
            "may_propose": list(helper.may_propose),
        }
        agent = {"name": helper.name, "charter": charter, "answers_to": owner.member}
        helpers[helper.name] = door(owner.do("/agents", agent).ids["member"], helper.name)
    systems = Systems(helpers[CARRIER.name])
    house = House(play, span, opened.log, random, tally, doors, helpers, systems, opened.key)
    _give_powers(house)
    owner.do("/settings", {"settings": {"name": VENUE}})
    owner.do("/kinds", {"yaml": (LIBRARY / "kinds.yaml").read_text(encoding="utf-8")})
    for source, kinds in SOURCES.items():
        declared = {"party": f"source:{source}"}  # nobody of the house writes in it alone
        owner.do("/sources", {"source": source, "kinds": list(kinds), "controllers": declared})
    return house


def _give_powers(house: House) -> None:
    owner = house.door(OWNERS_NAME)
    owner.do("/authorities", {"member": owner.member, "about": "action"})
    limit = {"amount_minor": LIMIT_MINOR, "currency": "EUR"}
    for person in PEOPLE:
        if person.role == MANAGER:
            member = house.door(person.name).member
            owner.do("/authorities", {"member": member, "about": "action", "amount_max": limit})
    for name in (OWNERS_NAME, ACCOUNTANT):
        told = {"member": house.door(name).member, "about": "award", "second_person": name == ACCOUNTANT}
        owner.do("/authorities", told)
    named = owner.do(
        "/budgets", {"amount_tokens": BUDGET_TOKENS, "purpose": "Service put right, this season"}
    )
    house.budget = named.ids["budget"]
    approved = {"amount_tokens": BUDGET_TOKENS}
    owner.cheat(f"/budgets/{house.budget}/approve", approved, ("second_person_needed",))
    house.door(ACCOUNTANT).do(f"/budgets/{house.budget}/approve", approved)


def switch_on(house: House) -> None:
    """Publish the policy and the watches: five live, two on trial."""
    owner = house.door(OWNERS_NAME)
    owner.do("/policies", {"yaml": POLICY.read_text(encoding="utf-8")})
    for name in (*LIVE, *ON_TRIAL):
        text = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")
        owner.do("/playbooks", {"yaml": text, "mode": "live" if name in LIVE else "shadow"})
    house.play.work()

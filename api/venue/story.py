"""The exception that the front page tells: a coeliac birthday on an evening when nobody on the rota knows how.

The same doors as for all others; only who does what is written out, attempts that are refused included.
"""

from __future__ import annotations

from api.cast import Steps, answer_link
from api.venue.house import House, person
from api.venue.people import ACCOUNTANT, LEAD, OWNERS_NAME, ROTA_WATCHER
from api.venue.records import stand_in
from api.venue.scripts import Matter, approve_own, bring_known

HERO = "Chidi Okafor"
TOKENS = 6
SUGGESTED = "Ask Priya or Chidi to come in for the evening: both took the allergen course in March"
BETTER = "I take the evening myself and cook-check every plate with Ben; Tomas takes my Sunday lunch"
THANKS = "You gave up your evening so that a boy of nine could eat his own birthday cake. Thank you, Chidi."


def birthday(house: House, matter: Matter) -> Steps:
    """Noticed two days before, covered by one person's free evening, confirmed by the family, recognised."""
    hero, lead, accountant = house.door(HERO), house.door(LEAD), house.door(ACCOUNTANT)
    watcher = house.helpers[ROTA_WATCHER.name]
    path = matter.path
    house.story_case = matter.case
    yield 0.1
    value = {"amount_minor": matter.value_minor, "currency": "EUR"}
    watcher.do(f"{path}/proposals", {"action": "change_the_rota", "text": SUGGESTED, "value": value})
    card = lead.get(f"{path}/card", about="action")
    helper_yes = {"token": card.body["token"], "verb": "approved"}
    watcher.cheat(f"{path}/decisions", helper_yes, ("not_allowed",), etag=card.etag)
    yield 0.6
    better = hero.do(f"{path}/proposals", {"action": "change_the_rota", "text": BETTER, "value": value})
    approve_own(hero, matter)
    yield 0.7
    lead.decide(matter.case, "action", "approved")
    yield 0.5
    hero.do(f"{path}/actions", {"proposal": better.ids["proposal"]})
    booking = house.systems.says("booking", matter.record)
    house.systems.send([stand_in(booking, person(HERO), f"R-extra-{matter.record}", house.play.now_ms)])
    house.play.work()
    link = hero.do(f"{path}/links", {"customer": matter.customer, "until": house.play.later(24 * 9)}).body[
        "path"
    ]
    yield 0.2
    hero.cheat(f"{path}/outcome", {"resolution": "fixed", "impact": "none"}, ("evidence_missing",))
    yield house.hours_until(booking["starts_at"]) + 2.5
    ended = {"status": "completed", "request_met": True, "done_by": hero.member}
    house.write("booking", matter.record, ended)
    yield 14.0
    answer_link(house.play.client, link, "resolved", house.tally)
    yield 2.0
    bring_known(hero, matter)
    hero.do(f"{path}/evidence/record", {"kind": "booking", "record": matter.record})
    yield 0.8
    for item in accountant.get(path).body["evidence"]:
        lead.do(f"{path}/evidence/{item['evidence']}/review", {"result": "accepted"})
    hero.do(f"{path}/outcome", {"resolution": "fixed", "impact": "none"})
    yield 1.5
    told = {
        "beneficiaries": [hero.member],
        "amount_tokens": TOKENS,
        "budget": house.budget,
        "message": THANKS,
    }
    card = lead.get(f"{path}/card", about="award")
    lead.cheat(
        f"{path}/decisions",
        {"token": card.body["token"], "verb": "approved", **told},
        ("no_authority",),
        etag=card.etag,
    )
    yield 1.0
    card = accountant.get(f"{path}/card", about="award")
    yes = {"token": card.body["token"], "verb": "approved", **told}
    accountant.do(f"{path}/decisions", yes, etag=card.etag)
    accountant.cheat(
        f"{path}/decisions", yes, ("nonce_replayed",), etag=card.etag
    )  # a second click, not a second award
    yield 1.0
    house.door(OWNERS_NAME).do(f"{path}/close", {"reason_code": "done"})

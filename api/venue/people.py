"""Who works at The Harbour House: 31 made-up people of many origins in five teams, and three digital employees.

Nobody here exists. Skills are what a shift record says of a person; a special request needs one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

OWNER, MANAGER, STAFF, AUDITOR, OUTSIDER = "owner", "manager", "staff", "auditor", "outsider"


@dataclass(frozen=True, slots=True)
class Person:
    """One member: name, team, role in the product, skills."""

    name: str
    team: str
    role: str = STAFF
    skills: tuple[str, ...] = ()


PEOPLE = (
    Person("Marta Lindqvist", "office", OWNER),
    Person("Dev Raman", "restaurant", MANAGER, ("highchair", "cake", "step_free")),
    Person("Aoife Brennan", "front desk", MANAGER, ("late_arrival",)),
    Person("Keiko Tanabe", "kitchen", MANAGER, ("vegan",)),
    Person("Abena Mensah", "housekeeping", MANAGER),
    Person("Olek Wojcik", "office", MANAGER),
    Person("Chidi Okafor", "restaurant", STAFF, ("coeliac", "highchair")),
    Person("Siobhan Walsh", "restaurant", STAFF, ("sign_language", "cake")),
    Person("Tomas Novak", "restaurant", STAFF, ("highchair", "step_free")),
    Person("Mei Lin Zhou", "restaurant", STAFF, ("cake", "highchair")),
    Person("Ana Beltran", "restaurant", STAFF, ("cake", "step_free")),
    Person("Idris Hassan", "restaurant", STAFF, ("highchair", "halal")),
    Person("Freya Sorensen", "restaurant", STAFF, ("wine_pairing", "cake")),
    Person("Luca Moretti", "restaurant", STAFF, ("step_free", "cake")),
    Person("Priya Nair", "restaurant", STAFF, ("coeliac", "vegan")),
    Person("Ben Adeyemi", "kitchen", STAFF, ("coeliac",)),
    Person("Rosa Quispe", "kitchen", STAFF, ("vegan",)),
    Person("Jonas Weber", "kitchen", STAFF),
    Person("Fatima Zahra Idrissi", "kitchen", STAFF, ("halal",)),
    Person("Niamh Kelly", "front desk", STAFF, ("late_arrival",)),
    Person("Arjun Patel", "front desk", STAFF, ("late_arrival",)),
    Person("Lena Hoffmann", "office", STAFF),
    Person("Yusuf Demir", "office", STAFF),
    Person("Hana Kovacova", "front desk", STAFF, ("sign_language",)),
    Person("Grace Nakamura", "housekeeping", STAFF),
    Person("Thandi Dube", "housekeeping", STAFF),
    Person("Pawel Zielinski", "housekeeping", STAFF),
    Person("Ioana Popescu", "housekeeping", STAFF),
    Person("Kofi Boateng", "housekeeping", STAFF),
    Person("Ruth Abrams", "outside", AUDITOR),
    Person("Ines Carvalho", "outside", OUTSIDER),
)
"""In order of joining: the first manager is who a watch asks when its route names a manager."""

FLOOR = tuple(person for person in PEOPLE if person.team == "restaurant" and person.role == STAFF)
SALES = ("Lena Hoffmann", "Yusuf Demir")
FRONT = ("Niamh Kelly", "Arjun Patel", "Hana Kovacova")
COMMON_SKILLS = ("cake", "highchair", "step_free")
"""On every shift of the restaurant somebody has each of these; the others have to be planned for."""

ACCOUNTANT, OWNERS_NAME, AUDITORS_NAME = "Ines Carvalho", "Marta Lindqvist", "Ruth Abrams"
LEAD = "Dev Raman"


@dataclass(frozen=True, slots=True)
class Helper:
    """One digital employee with its charter."""

    name: str
    responsibility: str
    may_read: tuple[str, ...] = ()
    may_propose: tuple[str, ...] = ()


CARRIER = Helper(
    "Record carrier", "Brings records from the till, the rota and the booking system; suggests nothing"
)
ROTA_WATCHER = Helper(
    "Rota watcher", "Suggests who could cover a special request", ("booking", "shift"), ("change_the_rota",)
)
MAIL_DRAFTER = Helper("Mail drafter", "Drafts follow-ups to quotes", ("quote",), ("send_follow_up",))
HELPERS = (CARRIER, ROTA_WATCHER, MAIL_DRAFTER)

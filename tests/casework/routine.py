"""Routine work in a shop: a plan for the fridge, its cases, and what people bring when they did the check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from casework.assessors import EndAssessor, NameAssessor
from casework.collectors import work as collected
from casework.plans import Slot, read_plan, slots
from casework.point_requests import CheckIn, RegisterPoint
from casework.requests import (
    THE_SYSTEM,
    AnswerRecall,
    AttachEvidence,
    EndPlan,
    LinkAccount,
    OpenCase,
    PublishPlan,
    PublishPolicy,
    ReportWork,
)
from tests.casework.shop import DAY_MS, Shop
from tests.casework.tags import Tag
from verifiers import recall
from verifiers.registry import load_policy
from verifiers.training import read_parameters

TAG = Tag(uid="04a1b2c3d4e5f6")
"""At the cold room."""
POLICIES = Path(__file__).resolve().parents[2] / "verifiers" / "policies"


def fridge(**changed: Any) -> dict[str, Any]:
    """Return a plan: a reading at the cold room at ten past each odd hour, half an hour before and after."""
    return {
        "v": 1,
        "plan": "fridge",
        "title": "Fridge temperature",
        "policy": "operational_check/v1",
        "zone": "Europe/London",
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "times": [f"{hour:02d}:10" for hour in range(1, 24, 2)],
        "early_minutes": 30,
        "late_minutes": 30,
        "to": "role:staff",
        "work": {
            "kind": "check", "task": "fridge", "place": "cold-room", "unit": "C", "scale": 1, "low": 0, "high": 50,
        },
        **changed,
    }  # fmt: skip


def shipped(name: str) -> dict[str, Any]:
    """Return the content of a policy as it is shipped."""
    content: dict[str, Any] = json.loads(json.dumps(YAML(typ="safe").load(POLICIES / f"{name}.yaml")))
    return content


async def publish_policy(here: Shop, name: str) -> None:
    """Publish a policy as it is shipped."""
    content = shipped(name)
    policy = load_policy(content)
    request = PublishPolicy(f"{name}/v1", policy.verifier, policy.verifier_version, policy.digest, content)
    await here.office.publish_policy(here.people["owner"], here.key(), request)


async def publish_plan(here: Shop, content: dict[str, Any]) -> None:
    """Publish a plan."""
    plan = read_plan(content)
    request = PublishPlan(plan.id, plan.digest, plan.policy, content)
    await here.office.publish_plan(here.people["owner"], here.key(), request)


async def furnish(here: Shop) -> None:
    """Publish the fridge's policy and plan, and let the accountant award checks."""
    await publish_policy(here, "operational_check")
    await publish_plan(here, fridge())
    door = RegisterPoint("cold-room", "nfc", "Door", TAG.uid, TAG.meta_key, TAG.file_key)
    await here.join("chef", "manager")  # whoever sets a tag up knows its keys, and earns nothing by it
    await here.office.register_point(here.people["chef"], here.key(), door)


async def link_account(here: Shop, name: str, member: str | None, who: str = "owner") -> None:
    """Say whom the booking system means by one of its accounts."""
    person = None if member is None else here.people[member].id
    await here.office.link_account(here.people[who], here.key(), LinkAccount("pms", name, person))


def now_ms(here: Shop) -> int:
    return here.clock.read().unix_ms


async def open_check(here: Shop, content: dict[str, Any] | None = None) -> tuple[str, Slot]:
    """Wait for the next time of the plan and open its case, as the system does; return both."""
    plan = read_plan(content or fridge())
    slot = next(slots(plan, now_ms(here), now_ms(here) + DAY_MS))
    here.clock.advance(slot.opens_ms - now_ms(here))
    request = OpenCase(
        origin="schedule",
        owner=here.people["waiter"].id,
        fingerprint=("plan", plan.id, slot.due_at),
        onset=here.now(),
        detected_at=here.now(),
        award_kind=None if plan.policy is None else "operational_check",
        policy=plan.policy,
        subject=slot.subject(),
        facts=slot.expected(),
        note=plan.title,
    )
    done = await here.desk.open_case(THE_SYSTEM, here.key(), request)
    here.clock.advance(slot.due_ms - now_ms(here))
    return done.ids["case"], slot


async def tap(here: Shop, case: str, who: str = "waiter") -> str:
    """Tap the tag at the cold room, as the person's phone does; return the evidence id."""
    here.count += 1
    picc, cmac = TAG.tapped(here.count)
    request = CheckIn(case, picc=picc, cmac=cmac)
    return (await here.desk.check_in(here.people[who], here.key(), request)).ids["evidence"]


def reading(
    here: Shop, case: str, slot: Slot, value: int = 34, who: str = "waiter", **more: Any
) -> AttachEvidence:
    """Return what somebody reads off the fridge now."""
    person = here.people[who]
    return collected.reading(person, case, slot.expected(), value, here.now(), here.now(), **more)


async def report(
    here: Shop, case: str, slot: Slot, value: int = 34, who: str = "waiter", **more: Any
) -> None:
    """Do the check: tap, read, say that it is done."""
    await tap(here, case, who)
    request = ReportWork(case, (reading(here, case, slot, value, who, **more),), "The fridge was read", True)
    await here.desk.report_work(here.people[who], here.key(), request)


async def awarded(
    here: Shop, content: dict[str, Any] | None = None, amount: int = 1, who: str = "waiter", **more: Any
) -> tuple[str, str]:
    """Play a whole check up to its award; return case and award."""
    case, slot = await open_check(here, content)
    await report(here, case, slot, who=who, **more)
    await here.judge(case)
    done = await here.approve(case, amount=amount, beneficiaries=(here.people[who].id,))
    here.wait(seconds=10)
    return case, await here.grant(case, done.ids["decision"])


async def open_course(here: Shop, who: str = "waiter") -> str:
    """Claim a course that somebody has to have seen; return its case."""
    person = here.people[who].id
    request = OpenCase(
        origin="claim",
        owner=person,
        fingerprint=("claim", "training/v1", "first-aid@3", person),
        onset=here.now(),
        detected_at=here.now(),
        award_kind="training",
        policy="training/v1",
        subject={"kind": "training", "id": "first-aid@3", "customer": None},
        facts={"work": "training", "course": "first-aid", "course_version": "3"},
        note="first-aid",
        concerns=(person,),
    )
    return (await here.desk.open_case(here.people[who], here.key(), request)).ids["case"]


async def name(
    here: Shop, who: str, course: str = "first-aid", ground: str = "teaches", by: str = "owner"
) -> None:
    """Let an owner name somebody who may assess a course."""
    request = NameAssessor(course, here.people[who].id, ground)
    await here.office.name_assessor(here.people[by], here.key(), request)


async def assess(here: Shop, case: str, who: str, learner: str = "waiter", passed: bool = True) -> str:
    """Say what one saw of the learner's skill; return the evidence id."""
    told = (here.people[who], case, "first-aid", "3", here.people[learner].id, passed, here.now())
    done = await here.desk.assess(here.people[who], here.key(), collected.assessment(*told))
    return done.ids["evidence"]


async def course(here: Shop, who: str = "waiter") -> str:
    """Play a course up to its award, and answer its questions badly, then well; return the award."""
    await publish_policy(here, "training")
    person, now = here.people[who], here.now()
    facts = {"work": "training", "course": "food-safety-2", "course_version": "2026"}
    subject = {"kind": "training", "id": "food-safety-2@2026", "customer": None}
    name = ("claim", "training/v1", "food-safety-2@2026", person.id)
    claimed = OpenCase(
        origin="claim", owner=person.id, fingerprint=name, onset=now, detected_at=now, award_kind="training",
        policy="training/v1", subject=subject, facts=facts, concerns=(person.id,),
    )  # fmt: skip
    case = (await here.desk.open_case(person, here.key(), claimed)).ids["case"]
    here.wait(minutes=60)
    result = {
        "provider": "lms", "registration": "r-1", "account": "w", "member": person.id, "channel": "webhook",
        "course": "food-safety-2", "course_version": "2026", "result": "passed", "score": 9_000, "attempts": 1,
        "duration_seconds": 3_600, "completed_at": here.now(), "expires_at": None,
    }  # fmt: skip
    formula = {"any": [{"party": "source:lms"}, {"party": "server"}]}
    item = collected.training_result(person, case, result, formula, "E3", here.now())
    await here.desk.report_work(person, here.key(), ReportWork(case, (item,), "food-safety-2", True))
    verdict = await here.judge(case)
    assert verdict["result"] == "pass", verdict["missing"]
    done = await here.approve(case, amount=5, beneficiaries=(person.id,))
    here.wait(seconds=10)
    award = await here.grant(case, done.ids["decision"])
    asked = read_parameters(shipped("training")["parameters"]).catalogue["food-safety-2"].recall
    assert asked is not None
    for attempt, wrong in ((1, 1), (2, 0)):
        here.wait(days=asked.after_days if attempt == 1 else asked.again_days)
        right = [asked.questions[one].right for one in recall.drawn(asked, award, attempt)]
        answers = tuple((one + wrong) % 3 for one in right)
        await here.desk.answer_recall(person, here.key(), AnswerRecall(award, answers))
    return award


async def named_shifts(here: Shop) -> str:
    """Play a hand-over for which the rota names three people: the chef, one whom nobody declared, and one who was the
    waiter until then; it is judged, and lacks its note. Return its case."""
    await publish_policy(here, "handover")
    await link_account(here, "Jürgen", "chef")
    await link_account(here, "7", "waiter")
    facts = {"shift": "early", "next_shift": "late", "ends_at": here.now(), "next_starts_at": here.now()}
    request = OpenCase(
        origin="schedule",
        owner=here.people["waiter"].id,
        fingerprint=("plan", "handover", here.now()),
        onset=here.now(),
        detected_at=here.now(),
        award_kind="handover",
        policy="handover/v1",
        subject={"kind": "handover", "id": "early", "customer": None},
        facts=facts,
    )
    case = (await here.desk.open_case(THE_SYSTEM, here.key(), request)).ids["case"]
    for number, person in enumerate(("Jürgen", "lee", 7)):
        fields = {"person": person, "cover": "Jürgen", "table": 7}
        await here.record(case, kind="shift", id=f"late-{number}", customer=None, fields=fields)
    await link_account(here, "7", None)
    await here.desk.report_work(here.people["waiter"], here.key(), ReportWork(case, (), "Handed over", True))
    await here.judge(case)
    return case


async def lived(here: Shop) -> dict[str, str]:
    """Plans published, replaced and ended, accounts linked and unlinked, checks done, one of them twice looked at."""
    await furnish(here)
    await publish_plan(here, fridge(plan="freezer"))
    await here.office.end_plan(here.people["owner"], here.key(), EndPlan("freezer"))
    await link_account(here, "wally", "waiter")
    await link_account(here, "old", "waiter")
    await link_account(here, "old", None)
    shifts = await named_shifts(here)
    case, award = await awarded(here)
    later, _ = await awarded(here, value=35)
    await publish_policy(here, "training")
    course = await open_course(here)
    for who, ground in (("chef", "certified"), ("chef", "teaches"), ("owner", "experienced")):
        await name(here, who, ground=ground)
    await here.office.end_assessor(
        here.people["owner"], here.key(), EndAssessor("first-aid", here.people["owner"].id)
    )
    await assess(here, course, "chef")
    named = {"shifts": shifts, "course": course, "check": case, "check_award": award, "later_check": later}
    return named | {"chef": here.people["chef"].id}

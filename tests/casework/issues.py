"""Service issues judged by version 2 in the shop: the system of record names who did the work, in its own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from casework.collectors import system_record
from casework.requests import THE_SYSTEM, OpenCase, PublishPolicy, RecordOutcome, RegisterSource
from ledger.entries import SYSTEM
from tests.casework.histories import History, read
from tests.casework.routine import link_account, shipped
from tests.casework.shop import GUEST, START, Shop, shop
from verifiers.registry import load_policy

POLICY = "service_issue/v2"


async def open_issue(here: Shop, number: str, subject: str | None = None) -> str:
    """Open a complaint's case under the shipped policy, owned by the waiter; return its id."""
    request = OpenCase(
        origin="signal",
        owner=here.people["waiter"].id,
        fingerprint=("complaint-to-escalate", number),
        onset=here.now(),
        detected_at=here.now(),
        award_kind="service_issue",
        policy=POLICY,
        subject={"kind": "complaint", "id": subject or number, "customer": GUEST},
        concerns=(GUEST,),
    )
    return (await here.desk.open_case(THE_SYSTEM, here.key(), request)).ids["case"]


async def bill(here: Shop, case: str, number: str) -> str:
    """Attach the guest's bill of some days before, as the till has it; return the evidence id."""
    record = {
        "kind": "bill", "id": number, "version": 1, "event_time": START, "first_event_at": START, "customer": GUEST,
        "source": "till", "fields": {"paid": True},
    }  # fmt: skip
    source = await here.rows.get("source", ("till",))
    assert source is not None
    request = system_record.collect(here.people["waiter"], case, record, source, here.now(), SYSTEM)
    return await here.attach(request)


async def mend(here: Shop, number: str, done_by: Any) -> str:
    """Play an issue up to its verdict; the booking system says who did it. Return its case."""
    case = await open_issue(here, number)
    here.wait(minutes=5)
    proposal = await here.propose(case)
    await here.decide(case, "action", "owner")
    here.wait(minutes=5)
    await here.act(case, proposal)
    here.wait(minutes=5)
    fields = {"status": "closed", "done_by": done_by, "table": "Jürgen"}
    items = [
        await here.record(case, fields=fields),
        await here.confirm(case),
        await bill(here, case, f"b-{number}"),
    ]
    waiter = here.people["waiter"]
    await here.desk.record_outcome(waiter, here.key(), RecordOutcome(case, "fixed", "none"))
    for item in items:
        await here.review(case, item)
    return case


async def judged(folder: Path) -> History:
    """Four issues of one guest: by a declared name and awarded; by a name that means another; by one that means
    nobody; and one that came back before it was judged."""
    async with shop(f"sqlite+aiosqlite:///{folder / 'shop.db'}", folder) as here:
        await here.join("cook", "staff")
        owner = here.people["owner"]
        till = RegisterSource("till", ("bill",), {"party": "source:till"})
        await here.office.register_source(owner, here.key(), till)
        policy = load_policy(shipped("service_issue"))
        request = PublishPolicy(
            POLICY, policy.verifier, policy.verifier_version, policy.digest, shipped("service_issue")
        )
        await here.office.publish_policy(owner, here.key(), request)
        await link_account(here, "kelly", "waiter")
        await link_account(here, "Jürgen", "cook")
        here.wait(days=2)
        named = {name: person.id for name, person in here.people.items()}
        for name, done_by in (
            ("named", "kelly"),
            ("another", "Jürgen"),
            ("nobody", "lee"),
            ("back", "kelly"),
        ):
            named[name] = case = await mend(here, name, done_by)
            if name == "back":
                here.wait(minutes=5)
                await open_issue(here, "again", name)
            await here.judge(case)
            if name == "named":
                done = await here.approve(case)
                here.wait(seconds=10)
                named["named_award"] = await here.grant(case, done.ids["decision"])
            here.wait(days=4)
        return await read(here, named)

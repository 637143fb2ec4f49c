"""One honest history of a shop, long enough that every check of the audit of meaning has something to look at."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from casework.joining import THE_OPERATOR, Joining
from casework.joining_requests import (
    Chosen,
    EndDevice,
    Invite,
    RecoverOwner,
    SetSignIn,
    ShareDevice,
    UseInvite,
)
from casework.point_requests import CheckIn, DoubtPoint, EndPoint, RegisterPoint
from casework.requests import (
    THE_SYSTEM,
    AddNote,
    AwardStep,
    CaseStep,
    ChangeMode,
    CloseDispute,
    EndAuthority,
    EscalateAward,
    Principal,
    Propose,
    PublishKinds,
    PublishPlaybook,
    RecordOutcome,
    WithdrawDecision,
    WritePurpose,
)
from ledger.canonical import json_dumps, json_loads
from ledger.entries import Entry
from ledger.reader import LogReader
from ledger.reading import read_entry
from tests.casework import anchors, routine, systems
from tests.casework.shop import Shop, shop
from tests.casework.tags import Tag

Values = dict[tuple[int, str], Any]
"""(seq, path) -> private value."""


@dataclass
class History:
    """What happened, as an auditor gets it, and the names of people, cases, awards and decisions in it."""

    entries: list[tuple[bytes, Entry]]
    values: Values
    named: dict[str, str] = field(default_factory=dict)

    def open(self, entry: Entry, path: str) -> Any:
        """Return the private value of an entry: what the audit asks the vault for."""
        return self.values.get((entry.seq, path))


async def read(here: Shop, named: dict[str, str] | None = None) -> History:
    """Take a shop's whole record out of it."""
    reader = LogReader(here.store.reader, here.intake.log)
    entries = [(data, read_entry(data, json_loads, json_dumps)) async for data in reader.entries()]
    values: Values = {}
    for _, entry in entries:
        for path, commitment in entry.private.items():
            value = await here.rows.open(commitment)
            # As it would come out of a vault: another object each time.
            values[entry.seq, path] = value if isinstance(value, bytes) else json.loads(json.dumps(value))
    return History(entries, values, dict(named or {}))


async def honest(folder: Path) -> History:
    """Awards settled, held and released, declined, revoked; decisions declined and withdrawn; a case reopened.

    People: the shop's owner, waiter, accountant and agent; a cook who proposes, a clerk who attaches; a double, the
    waiter's second account; a deputy whose authority ends; a junior who may award 5 tokens; a cautious one who may only
    award with a passkey; a host who hands a link over. Then a plan asks, and checks are done; at the end systems
    send by themselves.
    """
    async with shop(f"sqlite+aiosqlite:///{folder / 'shop.db'}", folder) as here:
        named = {name: person.id for name, person in here.people.items()}
        named["accountant_may"] = (await here.rows.scan("authority", (named["accountant"],)))[0]["authority"]
        await _more_people(here, named)
        await _let_in(here, named)
        await _settled(here, named)
        await _second_thoughts(here, named)
        await _declined(here, named)
        await _queried(here, named)
        await _revoked(here, named)
        await _by_many(here, named)
        await _reopened(here, named)
        await _at_points(here, named)
        named |= await routine.lived(here)
        await _watching_people(here)
        named |= await systems.lived(here)
        named |= await anchors.lived(here)
        return await read(here, named)


async def _more_people(here: Shop, named: dict[str, str]) -> None:
    for name, role, same_as in (
        ("cook", "staff", None),
        ("clerk", "staff", None),
        ("auditor", "auditor", None),
        ("double", "manager", "waiter"),
        ("deputy", "manager", None),
        ("junior", "manager", None),
        ("cautious", "manager", None),
        ("host", "manager", None),
    ):
        named[name] = (await here.join(name, role, same_as=same_as)).id
    named["owner_may"] = await here.may("owner", "award")
    for name, limits in (
        ("double", {}),
        ("cook", {}),
        ("clerk", {}),
        ("deputy", {}),
        ("host", {}),
        ("junior", {"tokens_max": 5}),
        ("cautious", {"assurance_min": "passkey"}),
    ):
        named[f"{name}_may"] = await here.may(name, "award", **limits)
    ended = EndAuthority(named["deputy"], named["deputy_may"])
    await here.office.end_authority(here.people["owner"], here.key(), ended)


async def _watching_people(here: Shop) -> None:
    """A watch on a person: what it is for is written, then it runs, with other numbers too, and ends."""
    office, owner = here.office, here.people["owner"]
    fields = {"person": {"type": "string"}, "site": {"type": "string"}}
    kinds = {"kinds": {"shift": {"fields": fields}}}
    await office.publish_kinds(owner, here.key(), PublishKinds("aa" * 32, kinds))
    purpose = WritePurpose("long_shift", "So that nobody works without a break")
    await office.write_purpose(owner, here.key(), purpose)
    for digest in ("bb", "cc"):
        content = {"signal": {"subject": "shift", "when": f"shift.site == '{digest}'"}}
        book = PublishPlaybook("long_shift", digest * 32, "aa" * 32, "live", None, content)
        await office.publish_playbook(owner, here.key(), book)
    await office.change_mode(owner, here.key(), ChangeMode("long_shift", "shadow"))
    await office.change_mode(owner, here.key(), ChangeMode("long_shift", "retired"))


async def _let_in(here: Shop, named: dict[str, str]) -> None:
    """Invites given, replaced and used; a PIN set by oneself and by an owner; an owner let in again; an act on a
    shared device."""
    joining, owner, host = Joining(here.intake), here.people["owner"], here.people["host"]
    first = await joining.invite(THE_OPERATOR, here.key(), Invite(named["owner"], how="first_run"))
    await joining.use_invite(
        here.key(), UseInvite(named["owner"], first.ids["invite"], Chosen("olga", "$argon2id$o"))
    )
    await joining.invite(owner, here.key(), Invite(named["clerk"]))
    again = await joining.invite(host, here.key(), Invite(name="Chi", roles=("staff",), how="slip"))
    named["chi"] = again.ids["member"]
    again = await joining.invite(host, here.key(), Invite(named["chi"], how="slip"))
    await joining.use_invite(
        here.key(), UseInvite(named["chi"], again.ids["invite"], Chosen("chi", None, "$argon2id$c"))
    )
    chi = Principal(named["chi"], "staff", "web", "session")
    await joining.set_sign_in(chi, here.key(), SetSignIn(named["chi"], Chosen(pin_hash="$argon2id$d")))
    await joining.set_sign_in(owner, here.key(), SetSignIn(named["chi"], Chosen(pin_hash="$argon2id$e")))
    await joining.recover(here.key(), RecoverOwner(named["owner"]))
    device = (await joining.share_device(host, here.key(), ShareDevice("The pass"))).ids["device"]
    case = await here.open(number="noted")
    await here.desk.add_note(replace(chi, via="device", assurance="pin"), here.key(), AddNote(case, "Seen"))
    await joining.end_device(host, here.key(), EndDevice(device))


async def _award(here: Shop, named: dict[str, str], name: str, **more: Any) -> None:
    named[name], named[f"{name}_award"] = await here.awarded(number=name, **more)


async def _settle(here: Shop, named: dict[str, str], name: str) -> None:
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(named[f"{name}_award"]))


async def _settled(here: Shop, named: dict[str, str]) -> None:
    """Two awards settle; one of them was held first, and released by the owner."""
    await _award(here, named, "plain")
    await _award(here, named, "asked")
    await here.desk.hold(
        here.people["accountant"], here.key(), AwardStep(named["asked_award"], "under_question")
    )
    here.wait(days=1)
    await here.desk.release(here.people["owner"], here.key(), AwardStep(named["asked_award"], "answered"))
    here.wait(days=14)
    await _settle(here, named, "plain")
    await _settle(here, named, "asked")
    await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(named["plain_award"]))


async def _second_thoughts(here: Shop, named: dict[str, str]) -> None:
    """The action is declined and proposed anew; the award's approval is withdrawn and given again."""
    case = named["thought"] = await here.open(number="thought")
    await here.propose(case)
    await here.decide(
        case, "action", "owner", verb="declined", reason_code="too_costly", reason="Cheaper, please"
    )
    proposal = await here.propose(case)
    await here.decide(case, "action", "owner")
    here.wait(minutes=5)
    await here.act(case, proposal)
    here.wait(minutes=5)
    items = [await here.record(case), await here.confirm(case)]
    waiter = here.people["waiter"]
    await here.desk.record_outcome(waiter, here.key(), RecordOutcome(case, "fixed", "none"))
    for item in items:
        await here.review(case, item)
    await here.judge(case)
    first = (await here.approve(case)).ids["decision"]
    named["withdrawn"] = first
    await here.desk.withdraw_decision(here.people["accountant"], here.key(), WithdrawDecision(case, first))
    named["thought_asked"] = await here.ask_first(case, "decline", "evidence_weak")
    declined = await here.decide(case, "award", "accountant", verb="declined", reason_code="evidence_weak")
    named["no"] = declined.ids["decision"]
    await here.judge(case)
    again = (await here.approve(case, message="Thank you.")).ids["decision"]
    here.wait(seconds=10)
    named["thought_award"] = await here.grant(case, again)


async def _declined(here: Shop, named: dict[str, str]) -> None:
    here.wait(days=4)
    await _award(here, named, "ended")
    named["ended_asked"] = await here.ask(named["ended"], "decline", "not_reached", note="Was it you?")
    here.wait(days=7)
    ended = AwardStep(named["ended_award"], "not_reached")
    await here.desk.decline_award(here.people["accountant"], here.key(), ended)


async def _queried(here: Shop, named: dict[str, str]) -> None:
    """A question that is answered, and goes to a second approver when nobody closes it."""
    await _award(here, named, "queried")
    named["query"] = await here.ask(named["queried"], "question", "how_earned", "host", "Were you alone?")
    await here.answer(named["queried"], named["query"], reply="With the cook.")
    here.wait(days=14)
    await here.desk.escalate_award(THE_SYSTEM, here.key(), EscalateAward(named["queried"]))
    close = CloseDispute(named["queried"], named["query"], "answered")
    await here.desk.close_dispute(here.people["accountant"], here.key(), close)
    await _settle(here, named, "queried")


async def _revoked(here: Shop, named: dict[str, str]) -> None:
    await _award(here, named, "false")
    here.wait(days=14)
    await _settle(here, named, "false")
    false = named["false_award"]
    await here.desk.hold(here.people["accountant"], here.key(), AwardStep(false, "revocation_asked"))
    named["false_asked"] = await here.ask_first(named["false"], "revoke", "evidence_false", "owner")
    await here.desk.revoke(here.people["owner"], here.key(), AwardStep(false, "evidence_false"))


async def _by_many(here: Shop, named: dict[str, str]) -> None:
    """The cook proposes, the waiter acts, the host sent the record, the clerk does the rest; 16 tokens need k of 3."""
    case = named["many"] = await here.open(number="many")
    proposal = await here.propose(case, "cook")
    await here.decide(case, "action", "owner")
    here.wait(minutes=5)
    await here.act(case, proposal)
    here.wait(minutes=5)
    items = [
        await here.record(case, "clerk", here.people["host"].id),
        await here.confirm(case, "clerk"),
    ]
    cook = here.people["cook"]
    await here.desk.record_outcome(cook, here.key(), RecordOutcome(case, "fixed", "none"))
    for item in items:
        await here.review(case, item, "auditor")
    await here.judge(case)
    done = await here.approve(case, amount=16)
    here.wait(seconds=10)
    named["many_award"] = await here.grant(case, done.ids["decision"])


async def _reopened(here: Shop, named: dict[str, str]) -> None:
    """An award not settled yet is held because its case is open again; an agent proposes what to do now."""
    case = named["back"], named["back_award"] = await here.awarded(number="back")
    await here.desk.reopen(THE_SYSTEM, here.key(), CaseStep(named["back"], "signal_again"))
    request = Propose(named["back"], "call_the_guest", "Call the guest")
    await here.desk.propose(here.people["agent"], here.key(), request)
    del case
    await here.until("outcome", number="open")


async def _at_points(here: Shop, named: dict[str, str]) -> None:
    """Taps, one of them late and one at a doubted tag; a screen's code and one on paper; a tag registered anew."""
    tag, owner, host = Tag(), here.people["owner"], here.people["host"]
    door = RegisterPoint("larder", "nfc", "Door", tag.uid, tag.meta_key, tag.file_key)
    for name, request in (
        ("the_tag", door),
        ("the_screen", RegisterPoint("bar", "screen")),
        ("the_paper", RegisterPoint("store", "printed")),
    ):
        named[name] = (await here.office.register_point(host, here.key(), request)).ids["point"]
    case = named["present"] = await here.open(number="present")
    await _tapped(here, case, tag, 4)
    await _tapped(here, case, tag, 6, here.now())
    for name in ("the_screen", "the_paper"):
        code, _ = await here.desk.code_of(named[name])
        await here.desk.check_in(here.people["clerk"], here.key(), CheckIn(case, code=code))
    await here.office.doubt_point(here.people["clerk"], here.key(), DoubtPoint(named["the_tag"], "Moved"))
    await _tapped(here, case, tag, 7)
    anew = replace(door, place="larder-3")
    named["anew"] = (await here.office.register_point(owner, here.key(), anew)).ids["point"]
    await _tapped(here, case, tag, 9)
    await here.office.end_point(owner, here.key(), EndPoint(named["the_screen"], "closed"))


async def _tapped(here: Shop, case: str, tag: Tag, counter: int, at: str | None = None) -> None:
    picc, cmac = tag.tapped(counter)
    await here.desk.check_in(here.people["cook"], here.key(), CheckIn(case, picc=picc, cmac=cmac, at=at))

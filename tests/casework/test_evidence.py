"""Evidence: counted once, reviewed by another, never edited; a customer's answer through a link that works once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from casework.collectors import system_record, upload
from casework.desk import link_digest
from casework.requests import (
    THE_SYSTEM,
    AnswerLink,
    AttachEvidence,
    ExpireLink,
    IssueLink,
    Principal,
    RecordOutcome,
    ReviewEvidence,
    WithdrawEvidence,
)
from casework.undeclared import UNDECLARED
from ledger.errors import Refused
from tests.casework.shop import GUEST, START, Shop
from verifiers import controllers

TOMORROW = "2026-11-21T10:00:00.000Z"
RECORD: dict[str, Any] = {
    "kind": "complaint", "id": "4711", "version": 3, "event_time": START, "first_event_at": START, "customer": GUEST,
    "source": "pms", "fields": {"status": "closed"},
}  # fmt: skip


def _upload(here: Shop, case: str, content: bytes) -> AttachEvidence:
    return upload.file(here.people["waiter"], case, content, "image/png", here.now())


async def test_the_same_file_counts_once_in_the_organisation(here: Shop) -> None:
    first, second = await here.open(), await here.open()
    await here.attach(_upload(here, first, b"photo"))
    with pytest.raises(Refused, match="evidence_reused"):
        await here.attach(_upload(here, second, b"photo"))
    with pytest.raises(Refused, match="evidence_reused"):
        await here.attach(_upload(here, first, b"photo"))
    await here.attach(_upload(here, second, b"another photo"))


async def test_the_same_version_of_a_record_counts_once(here: Shop) -> None:
    first, second = await here.open(number="4711"), await here.open(number="4712")
    await here.record(first, id="4711")
    with pytest.raises(Refused, match="evidence_reused"):
        await here.record(second, id="4711")
    await here.record(second, id="4711", version=4)


async def test_two_at_once_attach_one_file_once(here: Shop) -> None:
    cases = [await here.open(), await here.open()]
    both = await asyncio.gather(
        *(here.attach(_upload(here, case, b"photo")) for case in cases), return_exceptions=True
    )
    assert [one.code for one in both if isinstance(one, Refused)] == ["evidence_reused"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "oath"}, "value_invalid"),
        ({"grade": "E9"}, "value_invalid"),
        ({"received_at": "2099-01-01T00:00:00.000Z"}, "value_invalid"),
        ({"replaces": "nothing"}, "evidence_closed"),
        ({"case": "nowhere"}, "unknown"),
    ],
)
async def test_attach_refuses(here: Shop, changes: dict[str, Any], code: str) -> None:
    case = await here.open()
    with pytest.raises(Refused, match=code):
        await here.attach(replace(_upload(here, case, b"photo"), **changes))


async def test_withdrawn_and_replaced_items_stay_visible(here: Shop) -> None:
    case = await here.open()
    first = await here.attach(_upload(here, case, b"blurred"))
    second = await here.attach(replace(_upload(here, case, b"sharp"), replaces=first))
    with pytest.raises(Refused, match="evidence_closed"):
        await here.review(case, first)
    with pytest.raises(Refused, match="evidence_closed"):
        await here.desk.withdraw_evidence(
            here.people["owner"], here.key(), WithdrawEvidence(case, second, "mistaken")
        )
    request = WithdrawEvidence(case, second, "mistaken")
    await here.desk.withdraw_evidence(here.people["waiter"], here.key(), request)
    rows = await here.rows.scan("evidence", (case,))
    assert {row["evidence"]: row["withdrawn"] for row in rows} == {first: 1, second: 1}


async def test_nobody_replaces_anothers_item(here: Shop) -> None:
    case = await here.open()
    first = await here.attach(_upload(here, case, b"photo"))
    theirs = upload.file(here.people["owner"], case, b"other", "image/png", here.now())
    with pytest.raises(Refused, match="evidence_closed"):
        await here.attach(replace(theirs, replaces=first), "owner")


REVIEWERS = [
    ("waiter", "reviewer_is_submitter"),
    ("double", "reviewer_is_submitter"),
    ("cook", "reviewer_is_beneficiary"),
    ("agent", "agent_may_not"),
    ("owner", None),
    ("accountant", None),
]


@pytest.mark.parametrize(("who", "code"), REVIEWERS)
async def test_review(here: Shop, who: str, code: str | None) -> None:
    await here.join("double", "staff", same_as="waiter")
    await here.join("cook", "staff")
    case = await here.open()
    proposal = await here.propose(case)
    await here.decide(case, "action", "owner")
    await here.act(case, proposal, "cook")
    item = await here.record(case)
    if code is None:
        await here.review(case, item, who)
        with pytest.raises(Refused, match="evidence_closed"):
            await here.review(case, item, who)
    else:
        with pytest.raises(Refused, match=code):
            await here.review(case, item, who)


async def test_refusing_needs_a_coded_reason(here: Shop) -> None:
    case = await here.open()
    item = await here.record(case)
    request = ReviewEvidence(case, item, "refused")
    with pytest.raises(Refused, match="reason_missing"):
        await here.desk.review_evidence(here.people["owner"], here.key(), request)
    with pytest.raises(Refused, match="reason_unknown"):
        await here.review(case, item, result="perhaps")


# ------------------------------------------------------------------------------------------ the link
async def test_a_link_is_answered_once_and_its_token_is_told_once(here: Shop) -> None:
    case = await here.open()
    owner = here.people["owner"]
    request = IssueLink(case, GUEST, TOMORROW)
    issued = await here.desk.issue_link(owner, "link", request)
    again = await here.desk.issue_link(owner, "link", request)
    assert again.outcome.replayed and again.ids == issued.ids and not again.secrets
    token, link = issued.secrets["token"], issued.ids["link"]
    row = await here.rows.get("link", (link,))
    assert row is not None and row["token_digest"] == link_digest(token) and token not in str(row)
    with pytest.raises(Refused, match="link_closed"):
        await here.desk.answer_link("guess", link, AnswerLink("another token", "resolved"))
    with pytest.raises(Refused, match="reason_unknown"):
        await here.desk.answer_link("bad", link, AnswerLink(token, "perhaps"))
    await here.desk.answer_link("yes", link, AnswerLink(token, "resolved", "All fine"))
    with pytest.raises(Refused, match="link_closed"):
        await here.desk.answer_link("no", link, AnswerLink(token, "not_resolved"))
    item = (await here.rows.scan("evidence", (case,)))[0]
    with pytest.raises(Refused, match="evidence_closed"):
        await here.desk.withdraw_evidence(
            owner, here.key(), WithdrawEvidence(case, item["evidence"], "mistaken")
        )


async def test_an_expired_link_is_not_answered(here: Shop) -> None:
    case = await here.open()
    issued = await here.desk.issue_link(here.people["owner"], here.key(), IssueLink(case, GUEST, TOMORROW))
    link = issued.ids["link"]
    with pytest.raises(Refused, match="too_early"):
        await here.desk.expire_link(THE_SYSTEM, here.key(), ExpireLink(case, link))
    here.wait(days=1)
    with pytest.raises(Refused, match="link_closed"):
        await here.desk.answer_link("late", link, AnswerLink(issued.secrets["token"], "resolved"))
    await here.desk.expire_link(THE_SYSTEM, here.key(), ExpireLink(case, link))
    assert f"link:{link}" not in await here.jobs()


# SETTLED 26: who could have answered. handed over, address known before -> the other party beside the customer
LINKS = [
    (True, False, "waiter"),
    (True, True, "waiter"),
    (False, False, "waiter"),  # a new address could be the sender's own
    (False, True, "server"),
]


@pytest.mark.parametrize(("handed_over", "known", "other"), LINKS)
async def test_link_controllers(here: Shop, handed_over: bool, known: bool, other: str) -> None:
    case = await here.open()
    more: dict[str, Any] = {
        "handed_over": handed_over,
        "address_known_before": known,
        "address": "guest@example.org",
    }
    await here.confirm(case, **more)
    row = (await here.rows.scan("evidence", (case,)))[0]
    party = "server" if other == "server" else f"member:{here.people['waiter'].id}"
    assert row["controllers"] == f'{{"any":[{{"party":"customer:{GUEST}"}},{{"party":"{party}"}}]}}'
    assert row["submitter"] == f"customer:{GUEST}" and row["grade"] == "E3"


async def test_who_hands_a_link_over_neither_reviews_nor_decides_over_its_answer(here: Shop) -> None:
    """Who held the token could have answered it (SETTLED 26)."""
    await here.join("lead", "manager")
    await here.may("lead", "award")
    case = await here.open()
    proposal = await here.propose(case)
    await here.decide(case, "action", "owner")
    here.wait(minutes=5)
    await here.act(case, proposal)
    evidence = [await here.record(case), await here.confirm(case, "lead")]
    request = RecordOutcome(case, "fixed", "none")
    await here.desk.record_outcome(here.people["waiter"], here.key(), request)
    with pytest.raises(Refused, match="reviewer_is_submitter"):
        await here.review(case, evidence[1], "lead")
    for item in evidence:
        await here.review(case, item, "owner")
    await here.judge(case)
    with pytest.raises(Refused, match="decider_is_submitter"):
        await here.approve(case, "lead")
    await here.approve(case, "accountant")


@pytest.mark.parametrize(
    "customer", ["system", "guest@example.org", "{owner}", GUEST[:-1], GUEST.upper(), GUEST + "0", ""]
)
async def test_a_links_customer_is_a_pseudonym(here: Shop, customer: str) -> None:
    case = await here.open()
    request = IssueLink(case, customer.format(owner=here.people["owner"].id), TOMORROW)
    with pytest.raises(Refused, match="customer: expected a pseudonym"):
        await here.desk.issue_link(here.people["waiter"], here.key(), request)


async def test_a_link_needs_an_address_or_a_hand(here: Shop) -> None:
    case = await here.open()
    request = IssueLink(case, GUEST, TOMORROW, handed_over=False)
    with pytest.raises(Refused, match="value_invalid"):
        await here.desk.issue_link(here.people["owner"], here.key(), request)
    with pytest.raises(Refused, match="agent_may_not"):
        await here.desk.issue_link(here.people["agent"], here.key(), IssueLink(case, GUEST, TOMORROW))


# ------------------------------------------------------------------------------------------ collectors
@pytest.mark.parametrize(
    ("registered", "received_from", "parties"),
    [
        ("{}", "system", ["source:pms", UNDECLARED]),
        ("{}", "clerk", ["member:clerk", "source:pms", UNDECLARED]),
        ('{"party":"source:pms"}', "system", ["source:pms"]),
        ('{"party":"member:m1"}', "clerk", ["member:clerk", "member:m1", "source:pms"]),
        ('{"party":"member:clerk"}', "clerk", ["member:clerk", "source:pms"]),
    ],
)
async def test_a_record_names_its_source_its_sender_and_whoever_its_registration_names(
    here: Shop, registered: str, received_from: str, parties: list[str]
) -> None:
    row = {"source": "pms", "controllers": registered}
    item = system_record.collect(here.people["waiter"], "c", RECORD, row, START, received_from)
    formula = controllers.parse_formula(item.controllers)
    assert sorted(controllers.parties(formula)) == parties
    assert all(controllers.alone(formula, party, {}) for party in parties)
    assert system_record.collect(THE_SYSTEM, "c", RECORD, row, START, received_from).submitter == "system"


@pytest.mark.parametrize(("content", "media"), [(b"", "image/png"), (b"x", "text/html")])
def test_upload_refuses(content: bytes, media: str) -> None:
    with pytest.raises(Refused, match="value_invalid"):
        upload.file(Principal("m", "staff", "t", "key"), "c", content, media, START)

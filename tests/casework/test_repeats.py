"""A repeat under the same key gets the first answer: the same ids and no more, and no refusal of what was granted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casework.collectors import upload
from casework.requests import THE_SYSTEM, AwardStep, CaseStep, JoinMember, Judge
from ledger.errors import Refused
from tests.casework.shop import Shop


async def _twice(here: Shop, use_case: Any, who: Any, request: Any) -> None:
    key = here.key()
    first = await use_case(who, key, request)
    again = await use_case(who, key, request)
    assert (again.outcome.first_seq, again.outcome.count) == (first.outcome.first_seq, first.outcome.count)
    assert again.outcome.replayed and dict(again.ids) == dict(first.ids)


async def test_a_repeat_names_the_same_ids_and_no_more(here: Shop) -> None:
    case = await here.until("reviewed")
    await _twice(here, here.desk.judge, THE_SYSTEM, Judge(case))
    done = await here.approve(case)
    here.wait(seconds=10)
    award = await here.grant(case, done.ids["decision"])
    await _twice(here, here.desk.hold, here.people["owner"], AwardStep(award, "under_question"))
    await _twice(here, here.desk.reopen, here.people["owner"], CaseStep(case, "not_fixed"))
    await _twice(here, here.office.join_member, here.people["owner"], JoinMember("cook", ("staff",)))


async def test_a_repeated_statement_names_the_same_evidence(here: Shop) -> None:
    case, who = await here.open(), here.people["waiter"]
    said = replace(upload.statement(who, case, here.now()), note="The soup was cold")
    await _twice(here, here.desk.attach_evidence, who, said)
    assert (await here.kinds(case))[-2:] == ["evidence_attached", "note_added"]


async def test_a_repeated_judgement_is_no_refusal_even_if_a_new_one_would_be(here: Shop) -> None:
    case = await here.until("reviewed")
    first = await here.desk.judge(THE_SYSTEM, "judge-1", Judge(case))
    with pytest.raises(Refused, match="transition"):
        await here.desk.judge(THE_SYSTEM, "judge-2", Judge(case))
    again = await here.desk.judge(THE_SYSTEM, "judge-1", Judge(case))
    assert again.outcome.replayed and again.ids == first.ids

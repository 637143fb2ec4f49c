"""The audit of meaning against an honest history and against forgeries that leave the record intact.

Every forgery is a valid chain: the audit of integrity has nothing to say about it (test_forgeries_are_intact).
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from casework import signatures
from casework.audit import Earned, audit
from casework.requests import THE_SYSTEM, AwardStep
from ledger import ed25519
from ledger.audit import audit as audit_intact
from ledger.entries import Actor
from ledger.notes import ED25519, VerifierKey
from ledger.store.tables import shapes
from tests.casework.forged_anchors import ANCHORS
from tests.casework.forged_credentials import CREDENTIALS
from tests.casework.forged_disputes import DISPUTES
from tests.casework.forged_handing import HANDING
from tests.casework.forged_joining import JOINING
from tests.casework.forged_names import NAMES
from tests.casework.forged_points import POINTS
from tests.casework.forged_purposes import PURPOSES
from tests.casework.forged_routine import ROUTINE
from tests.casework.forged_systems import SYSTEMS
from tests.casework.forgeries import FORGERIES, Forgery
from tests.casework.forging import Story
from tests.casework.histories import History, honest, read
from tests.casework.shop import LOG as SHOP_LOG
from tests.casework.shop import PROJECTIONS, shop
from tests.ledger.logs import LOG_KEY, Held

ALL = [
    *FORGERIES,
    *JOINING,
    *CREDENTIALS,
    *HANDING,
    *POINTS,
    *ROUTINE,
    *NAMES,
    *PURPOSES,
    *DISPUTES,
    *SYSTEMS,
    *ANCHORS,
]
STAFF = Actor("nobody", "owner", "web")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The honest history, told once."""
    return asyncio.run(honest(tmp_path_factory.mktemp("honest")))


def audited(history: History) -> Earned:
    """Audit with the vault at hand."""
    return audit(history.entries, shapes(), PROJECTIONS, history.open, signatures.verify)


# ---------------------------------------------------------------------------------------------- honest
def test_an_honest_history_is_earned(history: History) -> None:
    found = audited(history)
    kinds = [entry.kind for _, entry in history.entries]
    assert found.findings == [] and found.unreplayable == []
    assert (found.size, found.decisions, found.verdicts, found.awards) == (
        len(kinds), kinds.count("decision_made"), kinds.count("verdict_given"), kinds.count("award_granted"),
    )  # fmt: skip
    asked = {
        "award_settled",
        "award_held",
        "award_released",
        "award_declined",
        "award_revoked",
        "case_reopened",
        "award_disputed",
        "dispute_answered",
        "dispute_closed",
        "award_escalated",
    }
    assert {*asked, "decision_withdrawn", "authority_ended"} <= set(kinds)
    assert found.sentence().startswith("every recognition was earned")


def test_what_an_invite_left_undone_hides_nothing_of_what_comes_next(history: History) -> None:
    """The next command's first entry is judged all the same, and each is named at its own place."""
    story = Story.of(history)
    used = story.find("invite_used", member=story.named["chi"])
    story.cut(used)
    after = story.add(used, "role_granted", None, {"member": story.named["chi"], "role": "owner"}, STAFF)
    story.cut(after)
    told = story.told()
    found = audit(told.entries, shapes(), PROJECTIONS, told.open).findings
    assert [finding.seq for finding in found] == [story.lines.index(used), story.lines.index(after)], found


async def test_without_undo_time_the_decider_grants_at_once_and_that_is_earned(tmp_path: Path) -> None:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path, undo_seconds=0) as here:
        case = await here.until("passed")
        award = (await here.approve(case)).ids["award"]
        here.wait(days=14)
        await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
        found = audited(await read(here))
    assert (found.findings, found.awards) == ([], 1)


def test_a_verdict_whose_input_is_erased_is_counted_and_not_blamed(history: History) -> None:
    first = next(entry.seq for _, entry in history.entries if entry.kind == "verdict_given")
    values = {place: value for place, value in history.values.items() if place[0] != first}
    found = audited(History(history.entries, values))
    assert (found.findings, found.unreplayable) == ([], [first])
    assert "1 verdicts unreplayable: erased" in found.sentence()


def test_without_a_vault_all_verdicts_are_unreplayable_and_all_else_is_checked(history: History) -> None:
    found = audit(history.entries, shapes(), PROJECTIONS)
    verdicts = [entry.seq for _, entry in history.entries if entry.kind == "verdict_given"]
    assert (found.findings, found.unreplayable, found.verdicts) == ([], verdicts, 0)
    said = found.sentence()
    assert f"{len(verdicts)} verdicts not judged again: the target holds no private values" in said
    assert "erased" not in said


def test_a_name_that_is_erased_may_be_any_of_its_source_and_means_nobody_else(history: History) -> None:
    kind = "account_linked"
    gone = {entry.seq for _, entry in history.entries if entry.kind == kind}
    values = {place: value for place, value in history.values.items() if place[0] not in gone}
    left = History(history.entries, values, history.named)
    found = audited(left)
    assert found.findings == [] and found.unreplayable == []
    forgeries = {name: forge for name, forge, _ in NAMES}
    # the chef is known by a name of this source that is gone, the cook by none
    for said, faults in (
        ("a declared name that the judge was not told of", 0),
        ("a declared name that means somebody else", 1),
        ("a name for another name", 1),
    ):
        story = Story.of(history)
        forgeries[said](story)
        told = story.told()
        kept = {place: value for place, value in told.values.items() if place[0] not in gone}
        assert len(audited(History(told.entries, kept)).findings) == faults, said


def test_calls_are_checked_by_keys_at_hand_and_counted_without(history: History) -> None:
    calls = [entry.seq for _, entry in history.entries if entry.kind == "hook_received"]
    found = audited(history)
    assert (found.calls, found.calls_unchecked, found.files_unchecked) == (len(calls), [], [])
    # as an export has it: everything but keys, and files erased
    left = {place: value for place, value in history.values.items() if place[1] not in ("secret", "content")}
    secret = next(
        value for place, value in history.values.items() if place[1] == "secret" and "secret" in value
    )
    told = History(history.entries, left)
    bare = audit(told.entries, shapes(), PROJECTIONS, told.open, signatures.verify)
    assert (bare.findings, bare.calls, bare.calls_unchecked) == ([], 0, calls)
    assert len(bare.files_unchecked) == 1 and "1 signed files not at hand" in bare.sentence()
    given = ("whsec_?", "another", secret["secret"])
    some = audit(told.entries, shapes(), PROJECTIONS, told.open, signatures.verify, given)
    assert some.findings == [] and 0 < some.calls < len(calls)


def test_a_history_written_again_unchanged_is_the_same_history(history: History) -> None:
    assert [data for data, _ in Story.of(history).told().entries] == [data for data, _ in history.entries]


# ---------------------------------------------------------------------------------------------- forgeries
@pytest.mark.parametrize(("forge", "what"), [row[1:] for row in ALL], ids=[row[0] for row in ALL])
def test_a_forgery_is_found_at_its_entry_and_all_else_passes(
    history: History, forge: Forgery, what: str
) -> None:
    story = Story.of(history)
    line = forge(story)
    told = story.told()
    seq = story.lines.index(line)
    found = audited(told).findings
    assert [finding.seq for finding in found] == [seq], found
    assert re.search(what, found[0].what), found


def test_forgeries_are_intact(history: History) -> None:
    """The audit of integrity sees nothing wrong with any of them but what the book itself forbids."""
    for name, forge, _ in ALL:
        story = Story.of(history)
        forge(story)
        key = VerifierKey(SHOP_LOG, ED25519, LOG_KEY.public_key).vkey()
        story.find("log_opened").body["log_key"] = key
        lines = [data for data, _ in story.told().entries]
        found = audit_intact(Held(lines, [], None), ed25519.verify).findings
        # an entry that is moved to another command makes two runs of the one it came from
        moved = {"cmd_repeated"} if name == "what a system said, under another call" else set()
        assert {finding.code for finding in found} <= {"book"} | moved, (name, found)

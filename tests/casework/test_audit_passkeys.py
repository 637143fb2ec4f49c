"""The audit of passkeys: an honest history with signed decisions, and forgeries by somebody who holds everything else.

A forger here has database, keys and vault, and in some rows the authenticator too (`signs`): then only what stands
earlier in the log can tell.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casework import signatures
from casework.audit import Earned, audit
from ledger.bundles import select
from ledger.entries import Actor
from ledger.store.tables import shapes
from tests.authenticators import EDDSA, Authenticator, b64
from tests.casework.forging import Line, Story
from tests.casework.histories import History, read
from tests.casework.keyring import confirm, end, enrol, prepared, signed
from tests.casework.shop import PROJECTIONS, shop

Held = dict[str, Authenticator]


async def told(folder: Path) -> tuple[History, Held]:
    """The owner signs the action, the accountant the award; a lost passkey is ended, a new one waits."""
    held: Held = {}
    async with shop(f"sqlite+aiosqlite:///{folder / 'shop.db'}", folder) as here:
        named = {name: person.id for name, person in here.people.items()}
        for name, role, same_as in (("double", "manager", "accountant"), ("cook", "staff", None)):
            named[name] = (await here.join(name, role, same_as=same_as)).id
        named["owner_key"], held["owner"] = await enrol(here, "owner")
        await confirm(here, named["owner_key"], "accountant")
        named["accountant_key"], held["accountant"] = await enrol(here, "accountant", EDDSA)
        await confirm(here, named["accountant_key"], "owner")
        named["case"] = case = await here.until("proposed", number="case")
        asked, made = await prepared(here, case, "action", "owner", reason="Good")
        await _decide(here, "owner", dataclasses.replace(asked, passkey=signed(held["owner"], made)))
        here.wait(minutes=5)
        row = await here.rows.get("case_file", (case,))
        assert row is not None
        await here.act(case, row["proposal"])
        await end(here, named["owner_key"], "owner")
        named["new_key"], held["new"] = await enrol(here, "owner", credential="the owner's new one")
        named["second"] = second = await here.until("passed", number="second")
        asked, made = await prepared(
            here, second, "award", "accountant", beneficiaries=(named["waiter"],), amount_tokens=10, budget=here.budget,
        )  # fmt: skip
        await _decide(
            here, "accountant", dataclasses.replace(asked, passkey=signed(held["accountant"], made))
        )
        return await read(here, named), held


async def _decide(here: Any, who: str, request: Any) -> None:
    await here.desk.decide(here.people[who], here.key(), request)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[History, Held]:
    """The honest history and the authenticators, told once."""
    return asyncio.run(told(tmp_path_factory.mktemp("signed")))


def audited(history: History, verify: Any = signatures.verify) -> Earned:
    """Audit with the vault at hand."""
    return audit(history.entries, shapes(), PROJECTIONS, history.open, verify)


# ---------------------------------------------------------------------------------------------- honest
def test_an_honest_signed_history_is_earned(both: tuple[History, Held]) -> None:
    found = audited(both[0])
    assert (found.findings, found.unsigned, found.signed) == ([], [], 2)
    assert "(2 signed by passkey)" in found.sentence()


def test_a_signature_that_is_gone_is_counted_and_not_blamed(both: tuple[History, Held]) -> None:
    history = both[0]
    seqs = [entry.seq for _, entry in history.entries if "passkey" in entry.private]
    values = {place: value for place, value in history.values.items() if place != (seqs[0], "passkey")}
    found = audited(History(history.entries, values))
    assert (found.findings, found.unsigned, found.signed) == ([], seqs[:1], 1)
    assert "1 signatures of passkeys not at hand" in found.sentence()


def test_a_bundle_holds_the_passkeys_of_those_who_signed_in_its_case_and_no_others(
    both: tuple[History, Held],
) -> None:
    history, _ = both
    named = history.named
    for case, key, signer in (("second", "accountant_key", "accountant"), ("case", "owner_key", "owner")):
        chosen = select(lambda: (entry for _, entry in history.entries), named[case])
        about = [entry for entry in chosen if entry.kind.startswith("passkey_")]
        kinds = {entry.kind for entry in about if entry.body["passkey"] == named[key]}
        assert {"passkey_enrolled", "passkey_confirmed"} <= kinds
        enrolled = {entry.body["member"] for entry in about if entry.kind == "passkey_enrolled"}
        assert enrolled == {named[signer]}
        confirmed = {entry.actor.id for entry in about if entry.kind == "passkey_confirmed"}
        joined = {entry.body["member"] for entry in chosen if entry.kind == "member_joined"}
        assert confirmed <= joined


def test_without_a_signature_check_or_a_vault_nothing_counts_as_signed(both: tuple[History, Held]) -> None:
    history = both[0]
    for found in (
        audited(history, None),
        audit(history.entries, shapes(), PROJECTIONS, None, signatures.verify),
    ):
        assert (found.findings, found.signed, len(found.unsigned)) == ([], 0, 2)


# ---------------------------------------------------------------------------------------------- forgeries
Forge = Callable[[Story, Held], Line]


def _decision(story: Story, case: str = "case") -> Line:
    return story.find("decision_made", case)


def _resigned(story: Story, line: Line, by: Authenticator, **spoil: Any) -> None:
    """The forger has the authenticator: whatever the record becomes, it is signed."""
    line.lie = lambda body: line.values.update(passkey=by.assertion(bytes.fromhex(body["digest"]), **spoil))


def _signs(by: str, **spoil: Any) -> Forge:
    def forge(story: Story, held: Held) -> Line:
        line = _decision(story)
        _resigned(story, line, held[by], **spoil)
        return line

    return forge


def _gone(kind: str, key: str, signs: bool) -> Forge:
    """An entry never was."""

    def forge(story: Story, held: Held) -> Line:
        story.lines.remove(story.find(kind, passkey=story.named[key]))
        if kind == "passkey_enrolled":
            story.lines.remove(story.find("passkey_confirmed", passkey=story.named[key]))
        line = _decision(story)
        if signs:
            _resigned(story, line, held["owner"])
        story.cut(line)
        return line

    return forge


def _later(story: Story, held: Held) -> Line:
    """The confirmation came after the decision."""
    line = _decision(story)
    story.move(story.find("passkey_confirmed", passkey=story.named["owner_key"]), line)
    _resigned(story, line, held["owner"])
    story.cut(line)
    return line


def _ended_before(story: Story, held: Held) -> Line:
    line = _decision(story)
    story.move(story.find("passkey_ended"), story.find("proposal_made", "case"))
    _resigned(story, line, held["owner"])
    story.cut(line)
    return line


def _by(kind: str, key: str, name: str, role: str) -> Forge:
    """Somebody else wrote it."""

    def forge(story: Story, held: Held) -> Line:
        line = story.find(kind, passkey=story.named[key])
        line.by(story.named[name], role)
        story.cut(line)
        return line

    return forge


def _unsigned(story: Story, held: Held) -> Line:
    line = _decision(story)
    line.entry = dataclasses.replace(line.entry, private={})
    return line


def _signed_as_session(story: Story, held: Held) -> Line:
    line = _decision(story)
    line.lie = lambda body: body.update(assurance="session")
    return line


def _raised(story: Story, held: Held) -> Line:
    """A decision of a session is passed off as one by passkey."""
    line = story.find("decision_made", "second", about="action")
    line.lie = lambda body: body.update(assurance="passkey")
    return line


def _other_record(story: Story, held: Held) -> Line:
    """The signature stays, what was decided is another thing."""
    line = story.find("decision_made", "second", about="award")
    line.body["amount_tokens"] = 11
    story.cut(line)
    return line


def _enrolled_twice(story: Story, held: Held) -> Line:
    line = story.find("passkey_enrolled", passkey=story.named["new_key"])
    line.body["credential"] = b64(held["accountant"].credential_id)
    story.cut(line)
    return line


def _for_another(story: Story, held: Held) -> Line:
    line = story.find("passkey_enrolled", passkey=story.named["new_key"])
    line.body["member"] = story.named["accountant"]
    story.cut(line)
    return line


def _confirmed_twice(story: Story, held: Held) -> Line:
    first = story.find("passkey_confirmed", passkey=story.named["owner_key"])
    line = story.add(first, first.kind, None, dict(first.body), first.entry.actor)
    story.cut(line)
    return line


def _confirmed_unknown(story: Story, held: Held) -> Line:
    first = story.find("passkey_confirmed", passkey=story.named["owner_key"])
    actor = Actor(story.named["owner"], "owner", "test")
    line = story.add(first, first.kind, None, {"passkey": "nothing"}, actor)
    story.cut(line)
    return line


def _ended_for_nothing(story: Story, held: Held) -> Line:
    line = story.find("passkey_ended")
    line.body["reason_code"] = "so"
    story.cut(line)
    return line


FORGERIES: list[tuple[str, Forge, str]] = [
    # decisions
    ("another amount than was signed", _other_record, "passkey_invalid.*challenge"),
    ("a decision that nobody signed", _unsigned, "expected a signature"),
    ("a signed decision as one of a session", _signed_as_session, "expected a signature"),
    ("a session's decision as a signed one", _raised, "expected a signature"),
    ("by a passkey that was never enrolled", _gone("passkey_enrolled", "owner_key", True), "confirmed before"),
    ("by a passkey that nobody confirmed", _gone("passkey_confirmed", "owner_key", True), "confirmed before"),
    ("by a passkey confirmed afterwards", _later, "confirmed before"),
    ("by a passkey that had ended", _ended_before, "confirmed before"),
    ("by another person's passkey", _signs("accountant"), "unknown one"),
    ("by the owner's next passkey", _signs("new"), "unknown one"),
    ("on another site", _signs("owner", origin="https://phish.example"), "origin"),
    ("without knowing who was there", _signs("owner", flags=0x01), "present and verified"),
    ("an answer to a registration", _signs("owner", type="webauthn.create"), "type"),
    # enrolled, confirmed, ended
    ("enrolled by somebody else", _by("passkey_enrolled", "owner_key", "cook", "staff"), "role_missing"),
    ("enrolled by a digital employee", _by("passkey_enrolled", "owner_key", "agent", "agent"), "agent_may_not"),
    ("enrolled for somebody else", _for_another, "role_missing"),
    ("enrolled a second time", _enrolled_twice, "passkey_known"),
    ("confirmed by its holder", _by("passkey_confirmed", "accountant_key", "accountant", "outsider"), "second_person"),
    ("confirmed by the holder's second account", _by("passkey_confirmed", "accountant_key", "double", "manager"),
     "second_person_needed"),
    ("confirmed by somebody who may not", _by("passkey_confirmed", "accountant_key", "cook", "staff"), "no_authority"),
    ("confirmed twice", _confirmed_twice, "passkey_state"),
    ("confirmed without having been enrolled", _confirmed_unknown, "unknown"),
    ("ended by another person", _by("passkey_ended", "owner_key", "cook", "staff"), "role_missing"),
    ("ended for no known reason", _ended_for_nothing, "reason_unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("forge", "what"), [row[1:] for row in FORGERIES], ids=[row[0] for row in FORGERIES])
def test_a_forgery_is_found_at_its_entry(both: tuple[History, Held], forge: Forge, what: str) -> None:
    history, held = both
    story = Story.of(history)
    line = forge(story, held)
    forged = story.told()
    seq = story.lines.index(line)
    found = [finding for finding in audited(forged).findings if finding.seq == seq]
    assert found and re.search(what, found[0].what), audited(forged).findings


def test_a_history_signed_anew_over_what_it_says_is_earned(both: tuple[History, Held]) -> None:
    """The forgeries that sign again are found for what they change and not for signing again."""
    history, held = both
    story = Story.of(history)
    _resigned(story, _decision(story), held["owner"])
    assert audited(story.told()).findings == []

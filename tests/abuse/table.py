"""What was played, as the rows of docs/abuse.md: `python -m tests.abuse.table` plays all of it and writes the doc."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from api.tellings import configure
from casework.draws import is_drawn
from tests.abuse.abuses import ABUSES
from tests.abuse.conspiracies import ALL_BUT_THE_YES, CONSPIRACIES, ENOUGH, UNSEEN, Conspiracy
from tests.abuse.flows import opened
from tests.abuse.ground import Ground
from tests.abuse.mails import KEYS
from tests.abuse.register import CREDITED, Abuse
from tests.api.house import House, house
from tests.name_server import serving

DOC = Path(__file__).resolve().parents[2] / "docs" / "abuse.md"
AGAIN = 500
"""Numbers of organisations that are played twice begin here."""
DRAWS, SEED = 10_000, 7


async def played(at: House, abuse: Abuse, shared: Path) -> tuple[dict[str, int], dict[str, int], str]:
    """Play an abuse; return what settled, what was deserved, and its row."""
    g = await opened(at, 1 + list(ABUSES).index(abuse.name), abuse.coalition)
    g.shared = shared
    deserved: Any = await abuse.play(g)
    found, why = await g.settled_tokens(), await g.why()
    beyond = sum(max(0, amount - deserved.get(role, 0)) for role, amount in found.items())
    stopped = ", ".join(f"`{one}`" for one in why[:3])
    who = ", ".join(sorted(abuse.coalition))
    return found, deserved, f"| {abuse.name} | {who} | {beyond} | {stopped} | {abuse.one_click} |"


async def conspired(at: House, one: Conspiracy, number: int) -> tuple[dict[str, Any], str]:
    """Let a coalition play; return what came of it (tokens, k, k_evidence, drawn), and its row."""
    seen: list[dict[str, Any]] = []
    for turn, rate in enumerate((0, 1_000)):
        g = await opened(at, number + turn * AGAIN, frozenset(set(one.members) - {"lms"}))
        await g.must("/settings", "owner", {"settings": {"draw_permille": rate}})
        await one.play(g)
        await _recognised(g, one)
        awards = [award for case in await g.cases() for award in (await g.case(case["case"]))["awards"]]
        verdicts = [each for case in await g.cases() for each in (await g.case(case["case"]))["verdicts"]]
        assert awards, await g.why()
        settled = sum((await g.settled_tokens()).values())
        passing = [each["k_evidence"] for each in verdicts if each["result"] == "pass"]
        held = [
            one["hold_reason"] for case in await g.cases() for one in (await g.case(case["case"]))["awards"]
        ]
        drawn = settled == 0 and set(held) == {"audit_draw"}
        seen.append({"tokens": settled, "k": awards[0]["k"], "k_evidence": passing[-1], "drawn": drawn})
    assert not seen[0]["drawn"]
    told = seen[0] | {"drawn": seen[1]["drawn"]}
    members = ", ".join(one.members)
    held_or_not = "held, asked about" if told["drawn"] else "not held"
    row = (
        f"| {one.name} | {members} | {told['tokens']} | {told['k_evidence']} | {told['k']} | {held_or_not} |"
    )
    return told, row


async def _recognised(g: Ground, one: Conspiracy) -> None:
    if one.decider is None:
        await g.believed()
        return
    await g.examined()
    for case in await g.cases():
        told = await g.case(case["case"])
        kind, judged = told["case"]["award_kind"], told["verdicts"]
        if judged and judged[-1]["result"] == "pass":
            roles = [role for role, member in g.team.members.items() if member in judged[-1]["beneficiaries"]]
            await g.decide(case["case"], one.decider, **g.gift(kind, *roles))
    await g.wait(20)


def drawn_of(count: int = DRAWS) -> int:
    """Return how many of so many awards are drawn at 50 of a thousand, over seeded roots."""
    chance = random.Random(SEED)
    return sum(is_drawn(chance.randbytes(32), f"award-{number}", 50) for number in range(count))


def listed(row: str) -> bool:
    """Say whether a row stands in the document."""
    return row in DOC.read_text().splitlines()


# ---------------------------------------------------------------------------------------------- the document
HEAD = """# Abuses, and what came of them

In 2011 the inspectors of a public agency looked at its recognition shop "Hats Off": tokens were swapped between
colleagues, limits were exceeded, and those who ran the shop won the most. This list plays {count} abuses of that kind
through the API, with real evidence (signed mail, taps of a tag, photos), and counts what settles.

Written by `python -m tests.abuse.table`; `pytest tests/abuse` plays all of it again and compares each row. Everybody
who is not part of a coalition believes all they are shown: they accept each piece of evidence, have everything judged
and say yes wherever they may. So what is stopped here is stopped by the record, not by anybody's suspicion. The honest
way to each of the five recognitions settles in the same organisation (`tests/abuse/test_honest.py`).

- *Coalition*: who plays false; a second account is no second person.
- *Tokens*: what settled beyond what was deserved, 45 days later.
- *Stopped by*: codes of refusals and the first lines of verdicts that did not pass.
- *One click*: what a product would do in which somebody claims and another account says yes. **Reasoned row by row and
  not played**: no such product runs here. It knows accounts, roles and how much is left, gives a claim out once and to
  nobody who says yes to their own; it does not look at evidence, and whoever administers it may give out tokens alone.
- *Taken* (last table): not what settles, but what somebody loses. That product lets whoever may give take it with one
  click and asks nobody.
"""
ONE_CLICK = """
Of these {count} abuses, {settled} settle here; {credited} would be credited under one click, as reasoned above.
"""
SECOND = """
## Those who are enough

An award names k, the least number of parties who together could have made all of it up, whoever says yes included.
*Evidence*: how many of them are needed without the yes. What k parties make up settles: that is what k says. The draw
then looks at some of it: at a rate of 1,000 of a thousand each of these was held and asked about (last column), and at
the usual 50 of a thousand {drawn} of {draws} awards are drawn (seeded roots).

| Coalition | Who | Tokens | Evidence | k | Drawn |
|---|---|---|---|---|---|
{enough}

## All the evidence, and somebody who believes it

One fewer than k: they hold all the evidence, and the approver is honest and believes it. **These settle.** k counts the
approver as somebody who would have to know; where the approver cannot know, the number that counts is *Evidence*. The
approver's own knowledge of the house is what stands in between, and the draw.

| Coalition | Who | Tokens | Evidence | k | Drawn |
|---|---|---|---|---|---|
{but}

## What the record cannot see

**These settle too**, by fewer than k. Where a number is made up at the place itself, only a second look shows it (a
policy may ask for one: evidence set `recheck`). Of a hand-over k counts the server's snapshot as well, which need not
lie where nothing was open. Who can write alone in a system has to be said when the source is registered
(`controllers`); then it is stopped (`forged_too_easily` above). An address that nobody here knows is nobody's here.

| What | Who | Tokens | Evidence | k | Drawn |
|---|---|---|---|---|---|
{unseen}
"""


async def written(shared: Path) -> str:
    """Play everything; return the document."""
    configure("error", True)
    rows: dict[str, list[str]] = {}
    settled = credited = 0
    with (
        serving({name: [key.record] for name, key in KEYS.items()}) as zone,
        tempfile.TemporaryDirectory() as folder,
    ):
        for group in dict.fromkeys(abuse.group for abuse in ABUSES.values()):
            (Path(folder) / group).mkdir()
            async with house(Path(folder) / group, dns=zone.setting) as at:
                for abuse in [one for one in ABUSES.values() if one.group == group]:
                    found, deserved, row = await played(at, abuse, shared)
                    settled += found != deserved
                    credited += abuse.one_click == CREDITED
                    rows.setdefault(group, []).append(row)
        parts: dict[str, list[str]] = {ENOUGH: [], ALL_BUT_THE_YES: [], UNSEEN: []}
        (Path(folder) / "all").mkdir()
        async with house(Path(folder) / "all", dns=zone.setting) as at:
            for number, one in enumerate(CONSPIRACIES, 300):
                parts[one.part].append((await conspired(at, one, number))[1])
    text = HEAD.format(count=len(ABUSES))
    for group, lines in rows.items():
        text += f"\n## {group}\n\n| Abuse | Coalition | Tokens | Stopped by | One click |\n|---|---|---|---|---|\n"
        text += "\n".join(lines) + "\n"
    text += ONE_CLICK.format(count=len(ABUSES), settled=settled, credited=credited)
    return text + SECOND.format(
        drawn=drawn_of(),
        draws=f"{DRAWS:,}",
        enough="\n".join(parts[ENOUGH]),
        but="\n".join(parts[ALL_BUT_THE_YES]),
        unseen="\n".join(parts[UNSEEN]),
    )


if __name__ == "__main__":
    DOC.write_text(asyncio.run(written(Path(sys.argv[1]))))

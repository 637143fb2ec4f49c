"""What was played, as the rows of docs/abuse.md: `python -m tests.abuse.table` plays all of it and writes the doc."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.tellings import configure
from casework.draws import is_drawn
from tests.abuse.abuses import ABUSES
from tests.abuse.conspiracies import CONSPIRACIES, SYSTEMS, Conspiracy
from tests.abuse.flows import opened
from tests.abuse.ground import TOKENS
from tests.abuse.mails import KEYS
from tests.abuse.one_click import credited, usual
from tests.abuse.register import Abuse
from tests.api.house import House, house
from tests.name_server import serving

DOC = Path(__file__).resolve().parents[2] / "docs" / "abuse.md"
AGAIN = 500
"""Numbers of organisations that are played twice begin here."""
DRAWS, SEED = 10_000, 7
KIND_OF = {
    "Timely operational check": "operational_check", "Resolved service issue": "service_issue",
    "Purse and power": "service_issue", "Accurate hand-over": "handover", "Completed training": "training",
    "Approved referral": "referral", "Systems that send": "training",
}  # fmt: skip


async def played(at: House, abuse: Abuse, shared: Path) -> tuple[dict[str, int], dict[str, int], str]:
    """Play an abuse here and in the usual product; return what settled here, what was deserved, and its row."""
    g = await opened(at, 1 + list(ABUSES).index(abuse.name), abuse.coalition)
    g.shared = shared
    deserved: Any = await abuse.play(g)
    found, why = await g.settled_tokens(), await g.why()
    beyond = _beyond(found, deserved)
    stopped = ", ".join(f"`{one}`" for one in why[:3])
    who = ", ".join(sorted(abuse.coalition))
    clicked = await clicked_through(abuse, deserved)
    return found, deserved, f"| {abuse.name} | {who} | {beyond} | {stopped} | {clicked} |"


async def clicked_through(abuse: Abuse, deserved: dict[str, int]) -> int | str:
    """Return what the usual product credits for the same intent, beyond what was deserved; nothing where something is
    taken: it has no such step."""
    if abuse.group not in KIND_OF:
        return "-"
    intent = abuse.intent or usual(abuse.members, deserved)
    return await credited(intent, abuse.name, TOKENS[KIND_OF[abuse.group]], deserved)


def _beyond(found: dict[str, int], deserved: dict[str, int]) -> int:
    return sum(max(0, amount - deserved.get(role, 0)) for role, amount in found.items())


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a coalition's play: tokens settled beyond what was deserved, and of the awards granted the number
    shown (the evidence's), with the yes, the witnessing set's size, and whether the draw held them."""

    tokens: int
    k_shown: int | None
    k_with_yes: int | None
    drawn: bool


async def conspired(
    at: House, one: Conspiracy, liars: frozenset[str], number: int, permille: int = 0
) -> Came:
    """Let a coalition play, or a part of it, while the rest is honest and believes what it is shown."""
    g = await opened(at, number, frozenset(liars) - SYSTEMS)
    await g.must("/settings", "owner", {"settings": {"draw_permille": permille}})
    deserved = await one.play(g, liars)
    await g.believed()
    found = await g.settled_tokens()
    cases = [await g.case(case["case"]) for case in await g.cases()]
    awards = [award for case in cases for award in case["awards"]]
    judged = {each["verdict"]: each["k_evidence"] for case in cases for each in case["verdicts"]}
    held = bool(awards) and {award["hold_reason"] for award in awards} == {"audit_draw"}
    return Came(
        tokens=_beyond(found, deserved),
        k_shown=min((judged[award["verdict"]] for award in awards), default=None),
        k_with_yes=min((award["k"] for award in awards), default=None),
        drawn=held and not found,
    )


async def enough(at: House, one: Conspiracy, number: int) -> tuple[Came, str]:
    """Let a whole coalition play, once undrawn and once with all drawn; return what came of it, and its row."""
    came = await conspired(at, one, frozenset(one.members), number)
    drawn = (await conspired(at, one, frozenset(one.members), number + AGAIN, permille=1_000)).drawn
    held = "held, asked about" if drawn else "not held"
    cells = (one.name, ", ".join(one.members), came.tokens, came.k_shown, came.k_with_yes, held)
    return replace(came, drawn=drawn), f"| {' | '.join(str(cell) for cell in cells)} |"


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
- *One click*: what the same people got beyond what was deserved in the usual product, played too: a small application
  (`tests/abuse/one_click.py`) with accounts, roles, a budget, claims with a text and files, and a button. It was
  called with the requests that each abuse comes down to there: who claims, how often, who clicks yes. It credits a
  claim once, and refuses a yes to one's own claim, without the role, above the limit, from a disabled account, or
  beyond the budget; whoever administers it may correct balances alone. It does not look at evidence, so whoever
  clicks believes the text. It is written after what vendors say of such products; it is no product, none was tried.
- *Taken from a colleague* (last table): not what settles beyond what was deserved, but whether what was deserved is
  lost. The usual product is not played there: it has no step that takes, but for whoever corrects balances.
"""
ONE_CLICK = """
Of these {count} abuses, {settled} settle here. Under one click {credited} were credited.
"""
SECOND = """
## What the number says

An award shows how many people would have had to act together to fake it: the fewest who must lie for the claim to be
false while the evidence looks as it does (`k_evidence`, docs/spec/verdict.md; ADR 0012). Whoever says yes is not
counted, because an honest approver sees the evidence and nothing else. *With the yes* counts them too.

In each row below nobody is too many for this way, and with all of them lying it **settles**: that is what the number
says. Each was played again with every smaller part of its coalition lying, {smaller} plays, while the rest was honest
(who witnesses something looks first; who approves believes): {below} tokens settled beyond what was deserved. A
coalition larger than the number took a longer way than it had to: the number is about the shortest.

The draw then looks at some of it: at a rate of 1,000 of a thousand each of these was held and asked about (last
column), and at the usual 50 of a thousand {drawn} of {draws} awards are drawn (seeded roots).

| Coalition | Who lies | Tokens | Shown | With the yes | Drawn |
|---|---|---|---|---|---|
{enough}

The number takes for granted that a second account or a relation that nobody declared is another person; who knows of
one says so (`same_as`), a colleague may object, and the draw asks people.
"""


async def written(shared: Path) -> str:
    """Play everything; return the document."""
    configure("error", True)
    rows: dict[str, list[str]] = {}
    settled = clicked = smaller = below = 0
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
                    clicked += not row.endswith(("| 0 |", "| - |"))
                    rows.setdefault(group, []).append(row)
        found_enough: list[str] = []
        (Path(folder) / "all").mkdir()
        async with house(Path(folder) / "all", dns=zone.setting) as at:
            for number, one in enumerate(CONSPIRACIES, 300):
                found_enough.append((await enough(at, one, number))[1])
                for part, liars in enumerate(one.smaller()):
                    below += (await conspired(at, one, liars, 2_000 + 10 * number + part)).tokens
                    smaller += 1
    text = HEAD.format(count=len(ABUSES))
    for group, lines in rows.items():
        text += f"\n## {group}\n\n| Abuse | Coalition | Tokens | Stopped by | One click |\n|---|---|---|---|---|\n"
        text += "\n".join(lines) + "\n"
    text += ONE_CLICK.format(count=len(ABUSES), settled=settled, credited=clicked)
    return text + SECOND.format(
        smaller=smaller,
        below=below,
        drawn=drawn_of(),
        draws=f"{DRAWS:,}",
        enough="\n".join(found_enough),
    )


if __name__ == "__main__":
    DOC.write_text(asyncio.run(written(Path(sys.argv[1]))))

"""Write docs/incentives.md: each shipped policy, and what each of its rules is worth, played from fixed seeds.

    python -m tools.incentives            play everything, print it, write the document and what pages show of it
    python -m tools.incentives VERIFIER   play one, print its table, write nothing

Text of the document stands in tools/incentives.md.in; figures are only those measured here. What pages show beside a
shipped policy is written to casework/laboratory/played.json from the same years.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from casework.laboratory import agents, checks, handovers, issues, referrals, trainings
from casework.laboratory.agents import COLLUDER, GAMER, HONEST, LAZY, Mix
from casework.laboratory.report import Figures, KindFigures, Share, figures, percent, pooled, tenths
from casework.laboratory.trial import HOUSES, people_of, row
from casework.laboratory.year import Rules, Year, play_year
from verifiers.registry import load_policy

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "verifiers" / "policies"
DOCUMENT = ROOT / "docs" / "incentives.md"
PLAYED = ROOT / "casework" / "laboratory" / "played.json"
TEMPLATE = Path(__file__).with_name("incentives.md.in")
SEEDS, SEEDS_OF_FEW = 3, 8
"""Years of each line; more of them where a house asks for few awards in a year."""
FEW = ("training", "referral")
AGAIN_SEED = 1
"""Which year of each policy a test plays again and compares with the document."""
PROCESSES = 2
COMMAND = "python -m tools.incentives"

Content = dict[str, Any]
Change = Callable[[Content], None]


@dataclass(frozen=True, slots=True)
class Variant:
    """A policy as shipped with one thing changed, in it or around it."""

    name: str
    change: Change | None = None
    rules: Rules = dataclasses.field(default_factory=Rules)
    mix: Mix = dataclasses.field(default_factory=Mix)


def _sets(*grades: Mapping[str, str], k: int = 1) -> Change:
    def change(content: Content) -> None:
        content["parameters"]["evidence_sets"] = [
            {"grades": dict(one), "k_evidence_min": k} for one in grades
        ]

    return change


def _terms(**changed: int) -> Change:
    return lambda content: content["terms"].update(changed)


def _no_cap(content: Content) -> None:
    content["terms"].pop("cap_tokens", None)
    content["terms"].pop("cap_days", None)


def _parameters(**changed: Any) -> Change:
    return lambda content: content["parameters"].update(changed)


def _each_course(**changed: Any) -> Change:
    def change(content: Content) -> None:
        for course in content["parameters"]["catalogue"].values():
            course.update(changed)

    return change


def _nothing_asked(content: Content) -> None:
    for course in content["parameters"]["catalogue"].values():
        course.pop("recall", None)


def _all_right(content: Content) -> None:
    for course in content["parameters"]["catalogue"].values():
        if "recall" in course:
            course["recall"]["right_min"] = course["recall"]["ask"]


def _customers_held(days: int) -> Change:
    return lambda content: content["parameters"]["records"]["customer"].update(days_min=days)


HOUSE_NAMES = {
    "all": "as shipped",
    "yes": "lazy approver",
    "honest": "everybody honest",
    "picking": "nobody games, one in three picks what is easy",
    "alone": "some game alone, nobody picks or colludes",
    "pair": "some collude, nobody else games or picks",
}
AROUND = (
    *(Variant(HOUSE_NAMES[key], None, Rules(HOUSES[key].approver), HOUSES[key].mix) for key in HOUSE_NAMES),
    Variant("shortest window: 1 day", _terms(window_days=1)),
    Variant("without the draw", rules=Rules(draw_permille=0)),
    Variant("one in five drawn", rules=Rules(draw_permille=200)),
    Variant("without a cap", _no_cap),
)
BASELINE = Variant(
    "model of a self-claim and one click: no verdict, lazy approver, no draw, 1 day",
    _terms(window_days=1),
    Rules(LAZY, draw_permille=0, judged=False),
)
ONE_READER = {"recheck": "E3"}
CHECKED_IN = {"check_in": "E3"}


ANY_WORDS = {"dwell_seconds_min": 0, "words_min": 0, "similar_permille_max": 1000}


VARIANTS: Mapping[str, Sequence[Variant]] = {
    "operational_check": (
        *AROUND,
        Variant("a check-in always, a second reading never enough", _sets(CHECKED_IN)),
        Variant("a second reading always, no check-in", _sets(ONE_READER)),
        Variant("a second reading may differ by 30 %", _parameters(recheck_tolerance_percent=30)),
        Variant("a reading out of range brings no tokens", rules=Rules(pays_failures=False)),
        BASELINE,
    ),
    "service_issue": (
        *AROUND[:-1],
        Variant("the record of one system is enough", _sets({"system_record": "E3"})),
        Variant("two systems always, no guest asked", _sets({"system_record": "E3"}, k=2)),
        Variant("with a cap of 100 tokens in 30 days", _terms(cap_tokens=100, cap_days=30)),
        BASELINE,
    ),
    "handover": (
        *AROUND,
        Variant("read back within 30 minutes", _parameters(read_back_minutes_max=30)),
        Variant("read back within 120 minutes", _parameters(read_back_minutes_max=120)),
        Variant("no matter how fast or in whose words", _parameters(**ANY_WORDS)),
        BASELINE,
    ),
    "training": (
        *AROUND,
        Variant("nobody has to have seen it", _each_course(assessed=False)),
        Variant("somebody else has to have seen it, each course", _each_course(assessed=True)),
        Variant("nothing asked some weeks later", _nothing_asked),
        Variant("every answer some weeks later right", _all_right),
        Variant("one attempt", _parameters(attempts_max=1)),
        BASELINE,
    ),
    "referral": (
        *AROUND,
        Variant("with a cap of 20 tokens in 90 days", _terms(cap_tokens=20, cap_days=90)),
        Variant("customers have to stay for 90 days", _customers_held(90)),
        Variant("window of 90 days", _terms(window_days=90)),
        BASELINE,
    ),
}  # fmt: skip


# -------------------------------------------------------------------------------------------------- playing
def shipped(name: str) -> Content:
    """Return a policy's content as it is shipped."""
    content: Content = json.loads(json.dumps(YAML(typ="safe").load(POLICIES / f"{name}.yaml")))
    return content


def played(verifier: str, variant: Variant, seed: int, weeks: int = 52) -> Year:
    """Play one year of one variant."""
    content = copy.deepcopy(shipped(verifier))
    if variant.change is not None:
        variant.change(content)
    return play_year(content, seed, people_of(verifier), variant.rules, variant.mix, weeks=weeks)


def seeds(verifier: str) -> range:
    """Return the seeds of each line."""
    return range(1, 1 + (SEEDS_OF_FEW if verifier in FEW else SEEDS))


def measured(verifier: str, number: int, seed: int) -> Figures:
    """Play one year of a variant, by its number, and count it."""
    return figures(played(verifier, VARIANTS[verifier][number], seed))


def play_all(verifier: str, processes: int = PROCESSES) -> list[Figures]:
    """Play every variant with every seed; what all years of one variant came to."""
    jobs = [(number, seed) for number in range(len(VARIANTS[verifier])) for seed in seeds(verifier)]
    with Pool(processes) as pool:
        done = pool.starmap(partial(measured, verifier), jobs, chunksize=1)
    count = len(seeds(verifier))
    return [pooled(done[at : at + count]) for at in range(0, len(done), count)]


# -------------------------------------------------------------------------------------------------- writing
def _said(one: Share) -> str:
    return one.said().replace(" % (", " (") if one.total else "-"


def _times(part: KindFigures | None, whole: KindFigures) -> str:
    """Return tokens a person of one kind, as a multiple of those of another."""
    if part is None or not whole.tokens:
        return "-"
    return tenths(
        (2 * 10 * part.tokens * whole.people + whole.tokens * part.people) // (2 * whole.tokens * part.people)
    )


def _effort(one: KindFigures | None) -> str:
    value = None if one is None else one.tenths_of_minutes
    return "-" if value is None else tenths(value)


def table(verifier: str, rows: Sequence[Figures]) -> Iterator[str]:
    """Yield the table of one policy: a line per variant, all its years together."""
    counters = [one.name for one in rows[0].counters]
    heads = [
        "variant", "gamed, %", "honest refused, %", "gamed, ended by draw, %", *(f"{one}, %" for one in counters),
        "a gamer's tokens to an honest one's", "a colluder's", "minutes a token: honest", "gamer",
    ]  # fmt: skip
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for variant, found in zip(VARIANTS[verifier], rows, strict=True):
        kinds = {one.kind: one for one in found.kinds}
        honest, gamer = kinds[HONEST], kinds.get(GAMER)
        cells = [
            variant.name,
            _said(found.gamed),
            _said(found.honest_refusals),
            _said(found.caught_by_draw),
            *(percent(one.permille) for one in found.counters),
            _times(gamer, honest),
            _times(kinds.get(COLLUDER), honest),
            _effort(honest),
            _effort(gamer),
        ]
        yield "| " + " | ".join(cells) + " |"


def again(verifier: str) -> str:
    """Return the line of the document that a test plays again: one whole year of one seed, as shipped."""
    year = played(verifier, AROUND[0], AGAIN_SEED)
    found = figures(year)
    cells = [
        verifier,
        str(len(year.fates)),
        str(sum(one.tokens for one in found.kinds)),
        str(sum(one.gamed_tokens for one in found.kinds)),
        found.gamed.said(),
        found.honest_refusals.said(),
        *[f"{one.count} of {one.total}" for one in found.counters[:1]],
    ]
    return "| " + " | ".join(cells) + " |"


def shown(results: Mapping[str, Sequence[Figures]]) -> Content:
    """Return what pages show beside the shipped policies, by the digest of each."""
    found: Content = {}
    for verifier, rows in results.items():
        houses = dict(zip(HOUSE_NAMES, rows, strict=False))
        found[load_policy(shipped(verifier)).digest] = {
            "policy": verifier,
            "people": people_of(verifier),
            "weeks": 52,
            "years": len(seeds(verifier)),
            "houses": {key: row(houses[key]) for key in HOUSES},
        }
    return found


def assumed(source: Path, name: str) -> Iterator[str]:
    """Yield the parameters of a world, out of its source: name, value, why."""
    lines = source.read_text(encoding="utf-8").split(f"class {name}:", 1)[1].split("\n\n\n", 1)[0]
    yield "| parameter | value | why |"
    yield "|---|---|---|"
    entry: list[str] | None = None
    for line in (one.strip() for one in lines.splitlines()):
        head, _, value = line.partition(" = ")
        if value and ": " in head:
            if entry is not None:
                yield _entry(entry)
            entry = [f"`{head.split(':')[0]}`", value, ""]
        elif entry is not None and line:
            entry[2] = f"{entry[2]} {line.strip(chr(34))}".strip()
    if entry is not None:
        yield _entry(entry)


def _entry(entry: Sequence[str]) -> str:
    return "| " + " | ".join(entry) + " |"


def approver_table() -> Iterator[str]:
    """Yield what a careful approver and a second look notice, by way."""
    yield "| way | careful approver declines, per mille | second look ends, per mille |"
    yield "|---|---|---|"
    for way, sees in agents.CAREFUL.sees.items():
        yield f"| {way.replace('_', ' ')} | {sees} | {agents.LOOK_SHOWS[way]} |"


WORLDS = {
    "CHECKS": checks,
    "ISSUES": issues,
    "HANDOVERS": handovers,
    "TRAININGS": trainings,
    "REFERRALS": referrals,
}


CELLS = {"gamed": 1, "refused": 2, "first": 4, "second": 5, "third": 6}
"""What a sentence of the text may name of a line: `[[verifier: variant: gamed]] %`; the others are counter-metrics."""


def named_cells(verifier: str, lines: str) -> Iterator[tuple[str, str]]:
    """Yield what the text may name of a table, so that no sentence says another figure than its table."""
    for line in lines.splitlines()[2:]:
        cells = line.strip("| ").split(" | ")
        for name, at in CELLS.items():
            if at < len(cells):
                yield f"{verifier}: {cells[0]}: {name}", cells[at].partition(" (")[0]


def document(tables: Mapping[str, str], took: str) -> str:
    """Return the whole document. `took`: when it was written, and how long that took."""
    text = TEMPLATE.read_text(encoding="utf-8")
    places = {
        "COMMAND": COMMAND,
        "TOOK": took,
        "SEEDS": str(SEEDS),
        "SEEDS_OF_FEW": str(SEEDS_OF_FEW),
        "PEOPLE": str(people_of("operational_check")),
        "PEOPLE_OF_FEW": str(people_of("training")),
        "AGAIN": "\n".join(again(one) for one in VARIANTS),
        **{f"{one}_ASSUMED": "\n".join(assumed(source(one), "World")) for one in WORLDS},
        "APPROVER": "\n".join(approver_table()),
        **{f"TABLE_{name}": one for name, one in tables.items()},
        **{key: cell for name, one in tables.items() for key, cell in named_cells(name, one)},
    }
    for name, value in places.items():
        text = text.replace(f"[[{name}]]", value)
    return text


def source(world: str) -> Path:
    """Return the file that a world stands in."""
    return Path(str(WORLDS[world].__file__))


def main(names: Sequence[str]) -> int:
    """Play and write; with names only play and print."""
    unknown = sorted(set(names) - set(VARIANTS))
    if unknown:
        print(f"incentives: expected names among {', '.join(VARIANTS)}, got {', '.join(unknown)}")
        return 2
    begun = time.monotonic()
    results: dict[str, list[Figures]] = {}
    tables: dict[str, str] = {}
    for one in names or VARIANTS:
        results[one] = play_all(one, PROCESSES)
        tables[one] = "\n".join(table(one, results[one]))
        print(f"{tables[one]}\n", flush=True)
    if names:
        return 0
    minutes = round((time.monotonic() - begun) / 60)
    took = f"{datetime.now(UTC):%Y-%m-%d}, {minutes} minutes with {PROCESSES} processes"
    DOCUMENT.write_text(document(tables, took), encoding="utf-8")
    PLAYED.write_text(json.dumps(shown(results), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

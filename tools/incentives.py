"""Write docs/incentives.md: each shipped policy, and what each of its rules is worth, played from fixed seeds.

    python -m tools.incentives            play everything and write the document (about half an hour on one core)
    python -m tools.incentives VERIFIER   play one, print its table, write nothing

Text of the document stands in tools/incentives.md.in; figures are only those measured here.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from casework.laboratory import agents, checks, issues
from casework.laboratory.agents import COLLUDER, GAMER, HONEST, LAZY, Mix
from casework.laboratory.plays import PLAYS
from casework.laboratory.report import KindFigures, figures, percent
from casework.laboratory.year import Rules, Year, play_year

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "verifiers" / "policies"
DOCUMENT = ROOT / "docs" / "incentives.md"
TEMPLATE = Path(__file__).with_name("incentives.md.in")
SEEDS = tuple(range(1, 11))
PEOPLE = 20
AGAIN_WEEKS, AGAIN_SEED = 8, 1
"""What a test plays again and compares with the document."""
PROCESSES = 2

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
    del content["terms"]["cap_tokens"], content["terms"]["cap_days"]


AROUND = (
    Variant("as shipped"),
    Variant("as shipped, lazy approver", rules=Rules(LAZY)),
    Variant("as shipped, nobody colludes", mix=Mix(colluder=0)),
    Variant("shortest window: 1 day", _terms(window_days=1)),
    Variant("without the draw", rules=Rules(draw_permille=0)),
    Variant("one in five drawn", rules=Rules(draw_permille=200)),
)
BASELINE = Variant(
    "model of a self-claim and one click: no verdict, lazy approver, no draw, 1 day",
    _terms(window_days=1),
    Rules(LAZY, draw_permille=0, judged=False),
)
VARIANTS: Mapping[str, Sequence[Variant]] = {
    "operational_check": (
        *AROUND,
        Variant("a check-in always, a second reading never enough", _sets({"check_in": "E3"})),
        Variant("a second reading always, no check-in", _sets({"recheck": "E3"})),
        Variant("without a cap", _no_cap),
        Variant("a reading out of range brings no tokens", rules=Rules(pays_failures=False)),
        BASELINE,
    ),
    "service_issue": (
        *AROUND,
        Variant("the record of one system is enough", _sets({"system_record": "E3"})),
        Variant("two systems always, no guest asked", _sets({"system_record": "E3"}, k=2)),
        Variant(
            "with a cap of 100 tokens in 30 days",
            lambda one: one["terms"].update(cap_tokens=100, cap_days=30),
        ),
        BASELINE,
    ),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one year of one variant gave."""

    gamed_permille: int
    refused_permille: int
    by_draw_permille: int
    gamer_each: float | None
    colluder_each: float | None
    gamer_effort: float | None
    honest_effort: float | None
    counters: tuple[float, ...]


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
    return play_year(content, seed, PEOPLE, variant.rules, variant.mix, weeks=weeks)


def measured(verifier: str, number: int, seed: int) -> Measured:
    """Play one year of a variant, by its number, and count it."""
    year = played(verifier, VARIANTS[verifier][number], seed)
    found = figures(year)
    by_kind = {one.kind: one for one in found.kinds}
    honest, gamer = by_kind[HONEST], by_kind[GAMER]
    return Measured(
        found.gamed.permille,
        found.honest_refusals.permille,
        found.caught_by_draw.permille,
        _ratio(gamer, honest),
        _ratio(by_kind.get(COLLUDER), honest),
        gamer.minutes_per_token,
        honest.minutes_per_token,
        tuple(one.figure for one in year.counters),
    )


def _ratio(part: KindFigures | None, whole: KindFigures) -> float | None:
    return part.tokens_per_person / whole.tokens_per_person if part is not None and whole.tokens else None


def play_all(verifier: str) -> list[list[Measured]]:
    """Play every variant with every seed; one list per variant."""
    jobs = [(number, seed) for number in range(len(VARIANTS[verifier])) for seed in SEEDS]
    with Pool(PROCESSES) as pool:
        done = pool.starmap(partial(measured, verifier), jobs, chunksize=1)
    return [done[at : at + len(SEEDS)] for at in range(0, len(done), len(SEEDS))]


# -------------------------------------------------------------------------------------------------- writing
def _middle(values: Sequence[float | None], show: Callable[[float], str]) -> str:
    """Return median and range, e.g. `1.2 (0.9 to 1.6)`."""
    there = sorted(one for one in values if one is not None)
    if not there:
        return "-"
    return f"{show(statistics.median(there))} ({show(there[0])} to {show(there[-1])})"


def _percent(value: float) -> str:
    return percent(round(value))


def _one_digit(value: float) -> str:
    return f"{value:.1f}"


def table(verifier: str, years: Sequence[Sequence[Measured]]) -> Iterator[str]:
    """Yield the table of one policy: a line per variant, median and range over the seeds."""
    counters = [one.name for one in PLAYS[verifier]("0", True).counters()]
    heads = [
        "variant", "gamed, %", "honest refused, %", "gamed, ended by draw, %", *(f"{one}, %" for one in counters),
        "a gamer's tokens to an honest one's", "a colluder's", "minutes a token: honest", "gamer",
    ]  # fmt: skip
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for variant, all_ in zip(VARIANTS[verifier], years, strict=True):
        cells = [
            variant.name,
            _middle([one.gamed_permille for one in all_], _percent),
            _middle([one.refused_permille for one in all_], _percent),
            _middle([one.by_draw_permille for one in all_], _percent),
            *(_middle([one.counters[at] for one in all_], _percent) for at in range(len(counters))),
            _middle([one.gamer_each for one in all_], _one_digit),
            _middle([one.colluder_each for one in all_], _one_digit),
            _middle([one.honest_effort for one in all_], _one_digit),
            _middle([one.gamer_effort for one in all_], _one_digit),
        ]
        yield "| " + " | ".join(cells) + " |"


def again(verifier: str) -> str:
    """Return the line of the document that a test plays again: some weeks of one seed, as shipped."""
    year = played(verifier, AROUND[0], AGAIN_SEED, AGAIN_WEEKS)
    found = figures(year)
    cells = [
        verifier,
        str(len(year.fates)),
        str(sum(one.tokens for one in found.kinds)),
        str(sum(one.gamed_tokens for one in found.kinds)),
        found.gamed.said(),
        found.honest_refusals.said(),
    ]
    return "| " + " | ".join(cells) + " |"


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


def document(tables: Mapping[str, str]) -> str:
    """Return the whole document."""
    text = TEMPLATE.read_text(encoding="utf-8")
    unplayed = sorted(one.stem for one in POLICIES.glob("*.yaml") if one.stem not in VARIANTS)
    places = {
        "SEEDS": str(len(SEEDS)),
        "PEOPLE": str(PEOPLE),
        "AGAIN_WEEKS": str(AGAIN_WEEKS),
        "AGAIN": "\n".join(again(one) for one in VARIANTS),
        "CHECKS_ASSUMED": "\n".join(assumed(Path(checks.__file__), "World")),
        "ISSUES_ASSUMED": "\n".join(assumed(Path(issues.__file__), "World")),
        "APPROVER": "\n".join(approver_table()),
        "UNPLAYED": ", ".join(unplayed) or "none",
        **{f"TABLE_{name}": one for name, one in tables.items()},
    }
    for name, value in places.items():
        text = text.replace(f"[[{name}]]", value)
    return text


def main(names: Sequence[str]) -> int:
    """Play and write; with names only play and print."""
    unknown = sorted(set(names) - set(VARIANTS))
    if unknown:
        print(f"incentives: expected names among {', '.join(VARIANTS)}, got {', '.join(unknown)}")
        return 2
    tables = {one: "\n".join(table(one, play_all(one))) for one in names or VARIANTS}
    if names:
        print("\n\n".join(tables.values()))
        return 0
    DOCUMENT.write_text(document(tables), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

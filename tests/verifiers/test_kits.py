"""What every judge that has a kit promises, held against its kit: results, reasons, gaming, purity, invariances."""

from __future__ import annotations

import copy
import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import encode
from playbooks import documents
from tests.verifiers.freeze_kits import frozen
from tests.verifiers.kit import Case, Json, Kit
from tests.verifiers.kits import KITS
from verifiers.registry import VERIFIERS, judge, load_policy, rejudge

ROOT = Path(__file__).resolve().parents[2]
RANK = {"pass": 3, "needs_human": 2, "insufficient": 1, "fail": 0}
EACH = [pytest.param(kit, id=kit.verifier) for kit in KITS]
GOLDEN = [pytest.param(kit, case, id=f"{kit.verifier}-{case.name}") for kit in KITS for case in kit.golden]
REFUSED = [pytest.param(kit, *row, id=f"{kit.verifier}-{row[0]}") for kit in KITS for row in kit.refused]


def said(kit: Kit, value: Json) -> Mapping[str, Any]:
    return judge(value, kit.verifier, kit.version).output


@pytest.mark.parametrize(("kit", "case"), GOLDEN)
def test_verdict_of(kit: Kit, case: Case) -> None:
    output = said(kit, kit.input(case.patch))
    checks = {check["id"]: check for check in output["checks"]}
    assert (output["result"], checks[case.line[0]]["reason"]) == (case.result, case.line[1]), output
    assert [check["id"] for check in output["checks"]] == list(kit.checks)
    assert bool(output["missing"]) == ("insufficient" in {check["result"] for check in output["checks"]})
    if case.result == "pass":
        assert (
            output["k_evidence"] >= 1 and output["relied_on"] and output["shares"] and not output["missing"]
        )
    else:
        assert output["amount_tokens"] == 0 and output["shares"] == []


@pytest.mark.parametrize(("kit", "name", "patch", "words"), REFUSED)
def test_refused_input_is_error_and_says_expected_and_got(
    kit: Kit, name: str, patch: Mapping[str, Any], words: str
) -> None:
    output = said(kit, kit.input(patch))
    assert output["result"] == "error" and output["checks"] == [] and output["k_evidence"] is None
    assert output["error"]["code"] == "input_refused" and words in output["error"]["detail"]


@pytest.mark.parametrize("kit", EACH)
def test_kit_is_whole(kit: Kit) -> None:
    counts = Counter(case.result for case in kit.golden)
    assert (counts["pass"] >= 5, counts["fail"] >= 10, counts["insufficient"] >= 3) == (True, True, True), (
        counts
    )
    names = [case.name for case in kit.golden] + [name for name, _, _ in kit.refused]
    assert len(set(names)) == len(names)
    seen_failing = {case.line[0] for case in kit.golden if case.line[1] != "ok"}
    assert seen_failing == set(kit.checks), set(kit.checks) - seen_failing


@pytest.mark.parametrize("kit", EACH)
def test_every_reason_in_the_code_is_seen(kit: Kit) -> None:
    seen = {check["reason"] for case in kit.golden for check in said(kit, kit.input(case.patch))["checks"]}
    code = "".join(path.read_text("utf-8") for path in (ROOT / "verifiers").glob(f"{kit.verifier}*.py"))
    written = set(re.findall(r'(?:return|reason =|else|OK if [^"\n]* else) "([a-z]+_[a-z_]+)"', code))
    assert written <= seen, written - seen
    assert len(written) >= 8


@pytest.mark.parametrize("kit", EACH)
def test_no_award_by_gaming(kit: Kit) -> None:
    by_name = {case.name: case for case in kit.golden}
    for line, name in kit.gaming.items():
        assert by_name[name].result != "pass", line
        assert said(kit, kit.input(by_name[name].patch))["result"] != "pass", line


@pytest.mark.parametrize("kit", EACH)
def test_frozen_verdicts_are_said_again(kit: Kit) -> None:
    cases = frozen(kit)
    known = {case["name"] for case in cases}
    assert known == {case.name for case in kit.golden} | {name for name, _, _ in kit.refused}, (
        "run freeze_kits"
    )
    for case in cases:
        judged = judge(case["input"], kit.verifier, kit.version)
        got = (judged.output["result"], judged.input_digest, judged.output_digest)
        assert got == (case["result"], case["input_digest"], case["output_digest"]), case["name"]
        assert case["output"] in (None, judged.output)
        assert rejudge(judged.input_bytes, kit.verifier, kit.version) == judged.output_bytes


@pytest.mark.parametrize("kit", EACH)
def test_missing_speaks_plainly_and_names_nobody(kit: Kit) -> None:
    for case in kit.golden:
        text = " ".join(said(kit, kit.input(case.patch))["missing"])
        assert not re.search(rf"\b({'|'.join(map(re.escape, kit.names))})\b", text), (case.name, text)


@pytest.mark.parametrize("kit", EACH)
def test_published_policy_is_one(kit: Kit) -> None:
    path = ROOT / "verifiers" / "policies" / f"{kit.verifier}.yaml"
    policy = load_policy(documents.plain(documents.load(path)))
    assert (policy.verifier, policy.verifier_version, policy.id) == (kit.verifier, kit.version, kit.verifier)
    assert (kit.verifier, kit.version) in VERIFIERS


# ------------------------------------------------------------------------------------------------- promises
def _whole(kit: Kit, drawn: list[Json]) -> Json:
    value = kit.input({})
    value["evidence"] = [{**copy.deepcopy(one), "id": f"e{n}", "seq": 14 + n} for n, one in enumerate(drawn)]
    new = {one["id"]: f"e{n}" for n, one in reversed(list(enumerate(drawn)))}  # the first of a name keeps it
    for one in value["evidence"]:  # what names another item names it still
        if one["facts"].get("note") in new:
            one["facts"]["note"] = new[one["facts"]["note"]]
    return value


@st.composite
def kit_and_evidence(draw: st.DrawFn) -> tuple[Kit, list[Json]]:
    kit = draw(st.sampled_from(KITS))
    base = kit.base()["evidence"]
    some = draw(st.lists(st.sampled_from(list(kit.noise)), max_size=4))
    kept = [one for one in base if draw(st.booleans()) or draw(st.booleans())]
    return kit, [*kept, *some]


@given(kit_and_evidence(), st.data())
def test_dropping_evidence_never_improves(drawn: tuple[Kit, list[Json]], data: st.DataObject) -> None:
    kit, evidence = drawn
    value = _whole(kit, evidence)
    whole = said(kit, value)
    ids = [one["id"] for one in value["evidence"] if one["id"] not in whole["counter_evidence"]]
    dropped = data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set()))
    value["evidence"] = [one for one in value["evidence"] if one["id"] not in dropped]
    assert RANK[said(kit, value)["result"]] <= RANK[whole["result"]]


@pytest.mark.parametrize("kit", EACH)
def test_dropping_one_item_never_improves(kit: Kit) -> None:
    """Every pair of further items beside the passing evidence, and each of those dropped, one at a time."""
    base = kit.base()["evidence"]
    for one, other in itertools.combinations(kit.noise, 2):
        value = _whole(kit, [*base, one, other])
        whole = said(kit, value)
        for place, item in enumerate(value["evidence"]):
            if item["id"] not in whole["counter_evidence"]:
                less = said(
                    kit, {**value, "evidence": [*value["evidence"][:place], *value["evidence"][place + 1 :]]}
                )
                assert RANK[less["result"]] <= RANK[whole["result"]], (one["id"], other["id"], item["type"])


@given(kit_and_evidence(), st.randoms(use_true_random=False))
def test_order_changes_only_the_input_digest(drawn: tuple[Kit, list[Json]], random: Any) -> None:
    kit, evidence = drawn
    value = _whole(kit, evidence)
    mixed = copy.deepcopy(value)
    random.shuffle(mixed["evidence"])
    random.shuffle(mixed["prior"]["earlier"])
    one, other = dict(said(kit, value)), dict(said(kit, mixed))
    del one["input_digest"], other["input_digest"]
    assert one == other


@given(kit_and_evidence())
def test_renaming_ids_changes_nothing_else(drawn: tuple[Kit, list[Json]]) -> None:
    """An order-keeping renaming of people, points, cases and evidence gives the same verdict, renamed."""
    kit, evidence = drawn
    value = _whole(kit, evidence)
    names = "|".join(
        sorted(map(re.escape, (*kit.names, *(f"e{n}" for n in range(12)))), key=len, reverse=True)
    )

    def renamed(text: str) -> str:
        return re.sub(rf'(?<=[":])({names})(?=")', r"x-\1", text)

    expected = json.loads(renamed(json.dumps(dict(said(kit, value)))))
    found = dict(said(kit, json.loads(renamed(json.dumps(value)))))
    del expected["input_digest"], found["input_digest"]
    assert found == expected


@pytest.mark.parametrize("kit", EACH)
def test_judging_changes_nothing_it_was_given(kit: Kit) -> None:
    value = kit.input({})
    before = copy.deepcopy(value)
    said(kit, value)
    assert value == before


POISON = """
import builtins, io, json, os, random, secrets, socket, sys, time
from verifiers.registry import judge
cases = json.load(sys.stdin)
def gone(*_, **__): raise AssertionError("a verifier reached outside")
for module, names in ((time, ("time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime", "sleep")),
                      (random, ("random", "randint", "choice", "shuffle", "getrandbits", "Random")),
                      (secrets, ("token_bytes", "token_hex")), (os, ("urandom", "getenv", "open", "stat", "listdir")),
                      (socket, ("socket", "create_connection", "getaddrinfo")), (io, ("open",)), (builtins, ("open",))):
    for name in names:
        setattr(module, name, gone)
class Still:
    def now(self, *_): gone()
import datetime
datetime.datetime = type("datetime", (datetime.datetime,), {"now": classmethod(gone), "utcnow": classmethod(gone)})
os.environ.clear()
print(json.dumps([judge(value, name, version).output_digest for name, version, value in cases]))
"""


def test_pure_with_clock_network_random_and_open_poisoned() -> None:
    cases = [(kit.verifier, kit.version, kit.input(case.patch)) for kit in KITS for case in kit.golden]
    run = subprocess.run(
        [sys.executable, "-c", POISON],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    digests = [judge(value, name, version).output_digest for name, version, value in cases]
    assert json.loads(run.stdout) == digests


@pytest.mark.parametrize("kit", EACH)
def test_too_large_an_input_is_an_error_and_never_an_award(kit: Kit) -> None:
    value = kit.input({})
    value["facts"]["expected"] |= {f"x{n}": "y" * 2_000 for n in range(20)}
    value["prior"]["awards"] = [
        {"award": f"a{n}", "case": "c" * 200, "kind": "k" * 200, "playbook": "p" * 200, "state": "settled"}
        | {
            "subject": {"kind": "s" * 200, "id": "i" * 200, "customer": "u" * 200},
            "at": "2026-11-20T10:00:00.000Z",
        }
        | {"beneficiaries": []}
        for n in range(200)
    ]
    assert len(encode(value, size_max_bytes=2**40)) > 262_144
    assert said(kit, value)["result"] == "error"

"""The same input gives the same bytes for ever, on any machine, touching nothing; what breaks is never an award."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.canonical import decode, encode
from tests.verifiers.freeze_verdicts import VECTORS, frozen
from tests.verifiers.service_issue_cases import GOLDEN, REFUSED, changed
from verifiers.errors import InputInvalid, VerifierUnknown
from verifiers.inputs import INPUT_SIZE_MAX_BYTES, VerdictInput
from verifiers.registry import VERIFIERS, Verifier, find, judge, rejudge
from verifiers.verdicts import Verdict, digest_input, digest_output

ROOT = Path(__file__).resolve().parents[2]


def test_golden_verdicts_are_said_again_byte_for_byte() -> None:
    cases = frozen()
    assert {case["name"] for case in cases} >= {case.name for case in GOLDEN} | {
        name for name, _, _ in REFUSED
    }
    for case in cases:
        data = encode(case["input"], size_max_bytes=INPUT_SIZE_MAX_BYTES)
        written = rejudge(data, "service_issue", 1)
        assert digest_input(data) == case["input_digest"], case["name"]
        assert digest_output(written) == case["output_digest"], case["name"]
        assert case["output"] is None or decode(written) == case["output"], case["name"]


def test_judge_and_rejudge_agree() -> None:
    judged = judge(changed({}), "service_issue", 1)
    assert rejudge(judged.input_bytes, "service_issue", 1) == judged.output_bytes
    assert judged.output["input_digest"] == judged.input_digest == digest_input(judged.input_bytes)
    assert judged.output_digest == digest_output(judged.output_bytes)


GUARD = """
import json, sys
sys.path.insert(0, sys.argv[1])
from verifiers.registry import rejudge
cases = [(line, text) for line, text in json.loads(sys.stdin.read())]

def refuse(name):
    def refused(*args, **kwargs):
        raise SystemExit("touched " + name)
    return refused

import builtins, os, random, secrets, socket, threading, time, uuid
for module, names in (
    (time, ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "localtime", "gmtime", "sleep")),
    (random, ("random", "randint", "choice", "getrandbits", "shuffle", "Random", "SystemRandom")),
    (os, ("urandom", "getenv", "listdir", "stat", "open", "getrandom")),
    (secrets, ("token_bytes", "token_hex", "randbelow")),
    (uuid, ("uuid1", "uuid4")),
    (socket, ("socket", "create_connection", "getaddrinfo")),
    (threading, ("Thread",)),
    (builtins, ("open", "input")),
):
    for name in names:
        setattr(module, name, refuse(module.__name__ + "." + name))
os.environ = None
ALLOWED = ("object.__getattr__", "sys._getframe", "compile")
def hook(event, args):
    if event not in ALLOWED:
        raise SystemExit("event " + event)
write = sys.stdout.write
results = []
sys.addaudithook(hook)
if sys.argv[2] == "cheat":
    __import__("decimal" if "decimal" not in sys.modules else "wave")
for name, text in cases:
    results.append(rejudge(text.encode(), "service_issue", 1).decode())
write(json.dumps(results))
"""


def _in_an_empty_world(seed: str, zone: str, cheat: str = "honest") -> subprocess.CompletedProcess[str]:
    sent = [(case["name"], encode(case["input"]).decode()) for case in frozen()]
    return subprocess.run(
        [sys.executable, "-c", GUARD, str(ROOT), cheat],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONHASHSEED": seed, "TZ": zone, "PATH": os.environ.get("PATH", ""), "PYTHONUTF8": "1"},
    )


def test_judging_touches_no_clock_network_chance_or_file() -> None:
    outputs = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu"), ("77", "America/St_Johns")):
        ran = _in_an_empty_world(seed, zone)
        assert ran.returncode == 0, ran.stderr
        outputs.add(ran.stdout)
    assert len(outputs) == 1
    digests = [digest_output(text.encode()) for text in json.loads(outputs.pop())]
    assert digests == [case["output_digest"] for case in frozen()]


def test_the_empty_world_notices_a_cheat() -> None:
    ran = _in_an_empty_world("1", "UTC", "cheat")
    assert ran.returncode != 0 and "event" in ran.stderr


def _breaks(given: VerdictInput) -> Verdict:
    raise ZeroDivisionError(f"at {id(given)}")  # a text that differs per run must not reach the output


def test_a_verifier_that_breaks_gives_error(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Verifier(_breaks, find("service_issue", 1).read_parameters, ())
    monkeypatch.setitem(VERIFIERS, ("service_issue", 1), broken)
    judged = judge(changed({}), "service_issue", 1)
    assert judged.output["result"] == "error"
    assert judged.output["error"] == {"code": "verifier_broke", "detail": "ZeroDivisionError"}
    assert judged.output["shares"] == [] and judged.output["amount_tokens"] == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "NotJson"),
        (b"{", "NotJson"),
        (b"[]", "input: expected an object, got []"),
        (b'{"v": 1}', "NotCanonical"),
        (b"\xff", "BadUtf8"),
        (b'{"v":1.5}', "FloatRefused"),
        (b'{"v":1}{', "TrailingData"),
        (b'"' + b"x" * INPUT_SIZE_MAX_BYTES + b'"', "TooLarge"),
    ],
)
def test_bytes_that_are_no_input_give_error(data: bytes, said: str) -> None:
    output = json.loads(rejudge(data, "service_issue", 1))
    assert output["result"] == "error" and output["input_digest"] == digest_input(data)
    assert said in output["error"]["detail"]


def test_largest_inputs_are_judged_or_refused_alike() -> None:
    long = {"statement": "x" * 1_900}
    value = changed(
        {"people": {f"p{n}{'x' * 150}": {"roles": ["r" * 200] * 8, "same_as": None} for n in range(200)}}
    )
    assert judge(value, "service_issue", 1).output["error"]["code"] == "input_refused"
    assert judge(changed({"facts": long}), "service_issue", 1).output["result"] == "error"


@pytest.mark.parametrize(("name", "version"), [("service_issue", 3), ("gardening", 1), ("", 0)])
def test_unknown_verifier_is_said_to_be_unknown(name: str, version: int) -> None:
    with pytest.raises(VerifierUnknown, match=r"expected one of .*service_issue.*got"):
        judge(changed({}), name, version)


@pytest.mark.parametrize("value", [1.5, {"ü": 1}, "\ud800", object()])
def test_a_value_without_canonical_bytes_is_refused(value: Any) -> None:
    with pytest.raises(InputInvalid, match="canonical bytes"):
        judge(value, "service_issue", 1)


def test_vectors_hold_every_result() -> None:
    assert VECTORS.stat().st_size < 600_000
    assert {case["result"] for case in frozen()} == {"pass", "fail", "insufficient", "needs_human", "error"}

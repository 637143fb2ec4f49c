"""Signed mail and time stamps in a verdict's input: read strictly, counted for nothing, and small enough to stand in
every case."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from casework.collectors.time_stamp import CHAIN_SIZE_MAX_BYTES
from tests.verifiers.service_issue_cases import DROP, Json, at, changed, confirmation, record
from verifiers.errors import InputInvalid
from verifiers.inputs import INPUT_SIZE_MAX_BYTES
from verifiers.reading import Reader
from verifiers.registry import judge
from verifiers.signed_facts import SignedMail, read_mail


def item(kind: str, facts: Json, name: str = "more") -> Json:
    """Return an item of evidence."""
    controllers = {"party": "system:mail:quay.example"}
    return {**record(name), "type": kind, "grade": "E4", "controllers": controllers, "facts": facts}


def mail() -> Json:
    """Return the facts of a signed mail."""
    return {
        "domain": "quay.example",
        "selector": "s1",
        "algorithm": "rsa-sha256",
        "key": "v=DKIM1; k=rsa; p=AA",
        "key_seen_at": at("11:00"),
        "signed_at": None,
        "expires_at": at("12:00"),
        "sent_at": at("10:59"),
        "from": "a" * 64,
        "to": ["b" * 64],
        "message": "c" * 64,
        "reference": True,
        "case": "case-1",
        "size_bytes": 900,
    }


def stamp(chain: tuple[str, ...] = ("AA==",)) -> Json:
    """Return the facts of a time stamp."""
    return {
        "evidence": "record",
        "authority": "CN=Clock",
        "policy": "1.2.3.4.1",
        "serial": "4097",
        "stamped_at": at("11:00"),
        "accuracy_ms": None,
        "hash": "sha256",
        "roots": ["d" * 64],
        "chain": list(chain),
    }


def output(*more: Json) -> dict[str, Any]:
    """Return what the verifier says of a plain pass with more evidence beside it, without the digest of its input."""
    judged = judge(changed({"evidence": [record(), confirmation(), *more]}), "service_issue", 1)
    return {name: value for name, value in judged.output.items() if name != "input_digest"}


def test_both_change_nothing_beside_a_pass_and_make_none_by_themselves() -> None:
    beside = (item("signed_mail", mail(), "mail"), item("time_stamp", stamp(), "stamp"))
    assert output()["result"] == "pass"
    assert output(*beside) == output()
    alone = judge(changed({"evidence": list(beside)}), "service_issue", 1)
    assert alone.output["result"] == "insufficient"


def test_a_mail_that_another_domain_signed_counts_for_nothing_and_older_ones_say_nothing_of_it() -> None:
    def facts(**more: Any) -> SignedMail | None:
        return read_mail(Reader({**mail(), **more}, "facts", InputInvalid))

    assert facts(aligned=False) is None
    assert facts() is not None and facts(aligned=True) == facts()
    beside = item("signed_mail", {**mail(), "aligned": False}, "mail")
    assert output(beside) == output()


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("signed_mail", {"aligned": 1}),
    ("signed_mail", {"aligned": None}),
    ("signed_mail", {"aligned": False, "domain": None}),
    ("signed_mail", {"domain": None}),
    ("signed_mail", {"algorithm": "rsa-sha1"}),
    ("signed_mail", {"key": DROP}),
    ("signed_mail", {"key_seen_at": None}),
    ("signed_mail", {"sent_at": "yesterday"}),
    ("signed_mail", {"from": "joe@quay.example"}),
    ("signed_mail", {"to": "b" * 64}),
    ("signed_mail", {"to": ["b" * 64] * 33}),
    ("signed_mail", {"message": "<soup-1@quay.example>"}),
    ("signed_mail", {"reference": 1}),
    ("signed_mail", {"case": ""}),
    ("signed_mail", {"size_bytes": -1}),
    ("signed_mail", {"subject": "Hello"}),
    ("time_stamp", {"evidence": None}),
    ("time_stamp", {"serial": 4097}),
    ("time_stamp", {"stamped_at": None}),
    ("time_stamp", {"accuracy_ms": True}),
    ("time_stamp", {"hash": "sha1"}),
    ("time_stamp", {"roots": []}),
    ("time_stamp", {"roots": ["x"]}),
    ("time_stamp", {"chain": ["A"] * 7}),
    ("time_stamp", {"chain": DROP}),
    ("time_stamp", {"nonce": "1"}),
]


@pytest.mark.parametrize(
    ("kind", "change"),
    WRONG,
    ids=[f"{kind}-{next(iter(change))}-{number}" for number, (kind, change) in enumerate(WRONG)],
)
def test_any_other_shape_is_refused(kind: str, change: dict[str, Any]) -> None:
    facts = {**(mail() if kind == "signed_mail" else stamp()), **change}
    facts = {name: value for name, value in facts.items() if value is not DROP}
    said = output(item(kind, facts))
    assert said["result"] == "error" and said["error"]["code"] == "input_refused"
    assert said["error"]["detail"].startswith("input.evidence[2].facts")


def test_an_unknown_type_is_refused_in_the_words_of_the_first_verdicts() -> None:
    said = output(item("oath", {}))
    words = "expected one of ['customer_confirmation', 'file', 'statement', 'system_record'], got 'oath'"
    assert said["error"]["detail"] == f"input.evidence[2].type: {words}"


def test_a_case_full_of_time_stamps_can_still_be_judged() -> None:
    one = base64.b64encode(bytes(CHAIN_SIZE_MAX_BYTES // 2)).decode()
    many = [item("time_stamp", stamp((one, one)), f"stamp-{number}") for number in range(30)]
    judged = judge(changed({"evidence": [record(), confirmation(), *many]}), "service_issue", 1)
    assert judged.output["result"] == "pass"
    assert len(judged.input_bytes) < INPUT_SIZE_MAX_BYTES

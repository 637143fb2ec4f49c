"""Signing and checking badges, against one bare Ed25519 signature of the same run; and what a whole check costs.

Rates are absolute and reported only; the ratio says how much of the time is not the signature itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.figures import Figure
from casework import badges, rdf_proofs, status_lists
from casework.badges import Earned
from casework.data_integrity import did_of, signed
from ledger import ed25519
from ledger.ed25519 import Ed25519Signer

URL, INDEX = "https://quay.example/status/the-quay/1", 70_001
SETTLED, NOW = "2026-11-20T10:00:00.000Z", "2026-11-26T18:00:00.000Z"
ROUNDS = 5
SECONDS = 0.4
EARNED = Earned(
    credential="01a1f866-0d00-7944-b5ab-9b1aa0731dd3",
    log="the-quay-dc6e1fac.invalid",
    kind="service_issue",
    policy="service_issue",
    policy_digest="ab" * 32,
    k=3,
    settled_at=SETTLED,
    settled_seq=412,
    name="Sam Ortiz",
    salt="00112233445566778899aabbccddeeff",
    organisation="The Quay",
    message="Thank you: the guest stayed.",
)


def run() -> list[Figure]:
    """Return the figures of badges."""
    signer = Ed25519Signer(bytes(range(32)))
    did = did_of(signer.public_key)
    plain = badges.build(EARNED, did, URL, INDEX)
    document = signed(plain, SETTLED, did, signer.sign)
    listed = signed(
        status_lists.document(URL, badges.profile(did, "The Quay"), (1, 2), NOW), NOW, did, signer.sign
    )
    message = bytes(64)
    signature = signer.sign(message)
    assert badges.check(document, NOW, ed25519.verify, listed).holds
    rates = {
        "sign_bare": _rate(lambda: signer.sign(message)),
        "verify_bare": _rate(lambda: ed25519.verify(signer.public_key, message, signature)),
        "sign": _rate(lambda: signed(plain, SETTLED, did, signer.sign)),
        "check": _rate(lambda: badges.check(document, NOW, ed25519.verify, listed)),
        "list": _rate(lambda: status_lists.document(URL, badges.profile(did, "The Quay"), range(500), NOW)),
        "sign_rdf": _rate(lambda: rdf_proofs.signed(plain, SETTLED, did, signer.sign)),
    }
    compared = f"best of {ROUNDS} runs of {SECONDS} s, one thread"
    return [
        Figure("badges signed, eddsa-jcs-2022", rates["sign"], "/s", "", compared),
        Figure("badges checked with their status list", rates["check"], "/s", "", compared),
        Figure("badge signed / bare Ed25519 signature", rates["sign"] / rates["sign_bare"], "x", "", "rates"),
        Figure(
            "badge checked / two bare verifications",
            rates["check"] / rates["verify_bare"] * 2,
            "x",
            "",
            "rates",
        ),
        Figure(
            "status lists of 131,072 bits made, 500 set", rates["list"], "/s", "", f"unsigned; {compared}"
        ),
        Figure("badges signed, eddsa-rdfc-2022", rates["sign_rdf"], "/s", "", f"PyLD; {compared}"),
    ]


def _rate(work: Callable[[], object]) -> float:
    """Return how often a second something can be done."""
    best = 0.0
    for _ in range(ROUNDS):
        count, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < SECONDS:
            work()
            count += 1
        best = max(best, count / (time.perf_counter() - begun))
    return best

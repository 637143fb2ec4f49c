"""A recognition as an Open Badges 3.0 credential: what it says, and how somebody without us checks it.

docs/spec/credential.md is the specification. The document names its subject by a salted hash of the name alone, its
issuer by a key, and what it rests on by an entry of the log; who it was, what happened and who decided stays with the
person and the organisation.

    build(...)  -> the unsigned document          check(document, ...) -> Outcome, one line per question
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from casework import status_lists
from casework.data_integrity import SUITE, ProofRefused, proofs_of
from casework.data_integrity import check as check_proof
from ledger.notes import Verify

CONTEXTS = [
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
]
TYPES = ["VerifiableCredential", "OpenBadgeCredential"]
HASH_PREFIX = "sha256$"
SALT_SIZE_BYTES = 16
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")

ACHIEVEMENTS: Mapping[str, tuple[str, str]] = {
    "service_issue": (
        "Resolved service issue",
        "A guest's or customer's matter was resolved, and records that others keep show it.",
    ),
    "handover": (
        "Accurate handover",
        "A shift was handed over so that nothing open was lost, and whoever took over confirmed each point.",
    ),
    "training": (
        "Completed training",
        "A training was completed, and whoever gives it reported the result.",
    ),
    "referral": (
        "Approved referral",
        "A person or a business was referred before anybody else knew of them, and it came to something.",
    ),
    "operational_check": (
        "Timely operational check",
        "Checks were done in time and on the spot; what was found wrong was reported as readily as what was right.",
    ),
}
"""Kind of award -> the achievement's name and description."""
CRITERIA = (
    "Judged by rules that stood before ({policy}, digest {digest}) from evidence kept with the record. That the "
    "outcome be recognised was decided by a person who neither gains by it nor brought the evidence. Beside that "
    "person it would have taken {k} to make this up."
)

YES, NO, UNKNOWN = "yes", "no", "unknown"


@dataclass(frozen=True, slots=True)
class Earned:
    """What a credential says of one person's share of one settled award. Instants are RFC 3339 UTC."""

    credential: str
    log: str
    kind: str
    policy: str
    policy_digest: str
    k: int  # of the evidence, the yes aside
    settled_at: str
    settled_seq: int
    name: str
    salt: str
    organisation: str
    message: str | None


def build(earned: Earned, issuer: str, list_url: str, index: int) -> dict[str, Any]:
    """Return the unsigned credential. `issuer` is a did:key, `list_url` and `index` name its bit."""
    kind = earned.kind.replace("_", " ")
    name, description = ACHIEVEMENTS.get(earned.kind, (kind.capitalize(), f"An outcome of the kind {kind}."))
    k = "at least one person" if earned.k == 1 else f"at least {earned.k} people acting together"
    criteria = CRITERIA.format(policy=earned.policy, digest=earned.policy_digest, k=k)
    subject: dict[str, Any] = {
        "type": ["AchievementSubject"],
        "identifier": [identity(earned.name, earned.salt)],
        "achievement": {
            "id": f"urn:tallystick:policy:{earned.policy_digest}",
            "type": ["Achievement"],
            "name": name,
            "description": description,
            "criteria": {"narrative": criteria},
        },
    }
    if earned.message:
        subject["narrative"] = earned.message
    return {
        "@context": list(CONTEXTS),
        "id": f"urn:uuid:{earned.credential}",
        "type": list(TYPES),
        "name": name,
        "issuer": profile(issuer, earned.organisation),
        "validFrom": earned.settled_at,
        "credentialSubject": subject,
        "evidence": [
            {
                "id": f"urn:tallystick:entry:{earned.log}:{earned.settled_seq}",
                "type": ["Evidence"],
                "name": f"Entry {earned.settled_seq} of the record {earned.log}",
                "narrative": "The entry that made this recognition final, under the record's signed checkpoints.",
            }
        ],
        "credentialStatus": status_lists.entry(list_url, index),
    }


def profile(issuer: str, organisation: str) -> dict[str, Any]:
    """Return the issuer's profile."""
    return {"id": issuer, "type": ["Profile"], "name": organisation}


def identity(name: str, salt: str) -> dict[str, Any]:
    """Return the IdentityObject of a person: SHA-256 over the name and the salt (Open Badges 3.0, B.1.14)."""
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": HASH_PREFIX + hashlib.sha256((name + salt).encode()).hexdigest(),
        "identityType": "name",
        "salt": salt,
    }


def slot(number: int, index: int) -> str:
    """Return the name of one bit of one status list of an organisation."""
    return f"{number}/{index}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a credential says that its entry says too, and the seq of the entry that settled the award."""

    credential: str
    issuer: str
    list: int
    index: int
    log: str
    settled_seq: int


def said(document: Mapping[str, Any]) -> Said:
    """Return what a credential says of itself.

    Raises:
        KeyError, ValueError, TypeError, IndexError, AttributeError: it is none of ours.
    """
    _, _, _, log, seq = document["evidence"][0]["id"].split(":")
    status = document["credentialStatus"]
    number = re.split("[/:]", status["statusListCredential"])[-1]
    credential = document["id"].removeprefix("urn:uuid:")
    issuer = str(document["issuer"]["id"])
    return Said(credential, issuer, int(number), int(status["statusListIndex"]), log, int(seq))


# ---------------------------------------------------------------------------------------------- checking
@dataclass(frozen=True, slots=True)
class Line:
    """One question and its answer: `yes`, `no` or `unknown`, which is never a yes. `code` is stable."""

    what: str
    answer: str
    code: str
    said: str


@dataclass(slots=True)
class Outcome:
    """What was found, in the order in which it was asked."""

    lines: list[Line] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Say whether everything asked was answered with yes."""
        return bool(self.lines) and all(line.answer == YES for line in self.lines)

    @property
    def refused(self) -> bool:
        """Say whether anything was answered with no."""
        return any(line.answer == NO for line in self.lines)

    def tell(self, what: str, said: str, answer: str = YES, code: str = "ok") -> None:
        """Put one answer down."""
        self.lines.append(Line(what, answer, code, said))


CheckOther = Callable[[Mapping[str, Any], Mapping[str, Any], Verify], str]
"""(document, proof, verify) -> the DID whose key made it; checks a proof of another suite. Raises ProofRefused."""


def check(
    document: Any, at: str, verify: Verify, status_list: Any = None, check_other: CheckOther | None = None
) -> Outcome:
    """Check a credential of ours. `at` is now; `status_list` the list it names, None: not at hand.

    Nothing is fetched. A list that is missing, too old or of somebody else leaves `unknown`: nobody can say then that
    the credential was not taken back.
    """
    outcome = Outcome()
    try:
        # 1. what it is  2. who signed it  3. since when
        _check_shape(document)
        outcome.tell("form", "an Open Badges 3.0 credential")
        issuer = _check_proofs(outcome, document, verify, check_other)
        _check_times(document, at)
        outcome.tell("valid", f"since {document['validFrom']}")
    except ProofRefused as refused:
        outcome.tell(WHAT.get(refused.code, "form"), refused.detail, NO, refused.code)
        return outcome
    # 4. whether it was taken back
    _check_status(outcome, document, issuer, at, verify, status_list)
    return outcome


WHAT = {
    "suite": "signed",
    "purpose": "signed",
    "method": "signed",
    "context": "signed",
    "canonical": "signed",
    "signature": "signed",
    "issuer": "signed",
    "not_yet": "valid",
    "expired": "valid",
}
"""Code of a refusal -> the question it answers."""


def _check_shape(document: Any) -> None:
    if type(document) is not dict:
        raise ProofRefused("shape", f"expected a credential, got {type(document).__name__}")
    for name in ("issuer", "credentialSubject"):
        if type(document.get(name)) is not dict:
            raise ProofRefused(
                "shape", f"{name}: expected an object, got {type(document.get(name)).__name__}"
            )
    if document.get("@context") != CONTEXTS:
        raise ProofRefused("shape", f"@context: expected {' and '.join(CONTEXTS)}, got others")
    if document.get("type") != TYPES:
        raise ProofRefused("shape", f"type: expected {' and '.join(TYPES)}, got others")


def _check_proofs(
    outcome: Outcome, document: Mapping[str, Any], verify: Verify, check_other: CheckOther | None
) -> str:
    """Check every proof; one that can be checked here has to be there. Return the issuer."""
    issuer = document["issuer"].get("id")
    checked = 0
    for proof in proofs_of(document):
        of_ours = proof.get("cryptosuite") == SUITE
        if not of_ours and check_other is None:
            suite = ascii(proof.get("cryptosuite"))[:40]
            outcome.tell("signed", f"a proof {suite}, which is not checked here", UNKNOWN, "suite_unknown")
            continue
        signer = (
            check_proof(document, proof, verify)
            if of_ours or check_other is None
            else check_other(document, proof, verify)
        )
        if signer != issuer:
            raise ProofRefused("issuer", f"expected the key of the issuer {ascii(issuer)[:80]}, got {signer}")
        checked += 1
        outcome.tell("signed", f"by {signer}, {proof['cryptosuite']}")
    if not checked:
        raise ProofRefused("suite", f"expected a proof that can be checked here, such as {SUITE}, got none")
    return str(issuer)


def _check_times(document: Mapping[str, Any], at: str) -> None:
    for name in ("validFrom", "validUntil"):
        given = document.get(name)
        if given is None and name == "validUntil":
            continue
        if type(given) is not str or not _INSTANT.fullmatch(given):
            raise ProofRefused(
                "shape", f"{name}: expected RFC 3339 UTC with milliseconds, got {ascii(given)[:60]}"
            )
    if document["validFrom"] > at:
        raise ProofRefused("not_yet", f"validFrom: expected at most {at}, got {document['validFrom']}")
    if document.get("validUntil") is not None and document["validUntil"] <= at:
        raise ProofRefused("expired", f"validUntil: expected after {at}, got {document['validUntil']}")


def _check_status(
    outcome: Outcome, document: Mapping[str, Any], issuer: str, at: str, verify: Verify, status_list: Any
) -> None:
    what = "not taken back"
    try:
        url, index = _status_of(document)
        if status_list is None:
            outcome.tell(what, f"expected the list {url}, got none", UNKNOWN, "status_missing")
            return
        _check_list(status_list, url, issuer, verify)
        taken_back = status_lists.bit(status_list["credentialSubject"].get("encodedList"), index)
    except ProofRefused as refused:
        outcome.tell(what, refused.detail, UNKNOWN, "status_" + refused.code.removeprefix("status_"))
        return
    since, until = status_list["validFrom"], status_list["validUntil"]
    if taken_back:
        outcome.tell(what, f"it was taken back, as the list of {since} says", NO, "revoked")
    elif not since <= at < until:
        outcome.tell(
            what, f"not by {since}, and the list at hand counted until {until}", UNKNOWN, "status_stale"
        )
    else:
        outcome.tell(what, f"not by {since}")


def _status_of(document: Mapping[str, Any]) -> tuple[str, int]:
    given = document.get("credentialStatus")
    status: Mapping[str, Any] = given if type(given) is dict else {}
    index, url = status.get("statusListIndex"), status.get("statusListCredential")
    fits = (status.get("type"), status.get("statusPurpose")) == (
        status_lists.ENTRY_TYPE,
        status_lists.PURPOSE,
    )
    if not fits or type(url) is not str or type(index) is not str or not _INDEX.fullmatch(index):
        raise ProofRefused(
            "status_entry", "credentialStatus: expected a BitstringStatusListEntry, got another"
        )
    return url, int(index)


def _check_list(status_list: Any, url: str, issuer: str, verify: Verify) -> None:
    """Check that a list is the one that was named, and by the same issuer."""
    subject = status_list.get("credentialSubject") if type(status_list) is dict else None
    if type(subject) is not dict or status_list.get("type") != ["VerifiableCredential", status_lists.TYPE]:
        raise ProofRefused("shape", "expected a status list credential, got another document")
    if status_list.get("id") != url or subject.get("statusPurpose") != status_lists.PURPOSE:
        raise ProofRefused("other", f"expected the list {url}, got {ascii(status_list.get('id'))[:120]}")
    for name in ("validFrom", "validUntil"):
        if type(status_list.get(name)) is not str or not _INSTANT.fullmatch(status_list[name]):
            raise ProofRefused("shape", f"{name}: expected RFC 3339 UTC with milliseconds, got another")
    signers = {check_proof(status_list, proof, verify) for proof in proofs_of(status_list)}
    named = status_list.get("issuer")
    by = named.get("id") if type(named) is dict else named
    if signers != {issuer} or by != issuer:
        raise ProofRefused("issuer", f"expected a list by {issuer}, got one by {', '.join(sorted(signers))}")

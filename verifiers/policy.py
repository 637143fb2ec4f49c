"""A verifier's policy: published data that says what suffices, how much, and for how long it stays provisional.

The YAML file was parsed elsewhere; here a mapping is checked and brought into canonical form. `terms` are common to all
verifiers and read here; `parameters` belong to one verifier, which reads them (registry.py joins the two).
Shape and digest rule: docs/spec/verdict.md, "Policy content, version 1".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.canonical import encode
from ledger.errors import CanonicalError
from verifiers.controllers import K_OR_MORE
from verifiers.errors import PolicyInvalid
from verifiers.reading import Reader

POLICY_VERSION = 1
POLICY_DOMAIN = b"tallystick/policy/v1\x00"
TOKENS_MAX = 1_000_000
WINDOW_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Terms:
    """What an award under this policy is worth and needs; `tokens` is a suggestion, a decider may give less."""

    tokens: int
    window_days: int
    tokens_limit: int
    k_min: int
    k_min_above: int
    cap_tokens: int | None = None
    """What one person can get for this kind within `cap_days`; beyond it recognition goes on without tokens."""
    cap_days: int = 0
    reciprocity_days: int = 0
    """Within so many days nobody recognises for this kind whoever recognised them for it; 0: no such rule."""

    def k_required(self, amount_tokens: int) -> int:
        """Return the least forgery number of an award (evidence and approval together) of this amount."""
        return self.k_min_above if amount_tokens > self.tokens_limit else self.k_min


@dataclass(frozen=True, slots=True)
class Policy:
    """A checked policy. `content` is what is published, `digest` the hex SHA-256 that verdicts and decisions name."""

    id: str
    version: int
    verifier: str
    verifier_version: int
    award_kind: str
    terms: Terms
    parameters: Mapping[str, Any]
    content: Mapping[str, Any]
    digest: str


def policy_digest(content: Mapping[str, Any]) -> str:
    """Return the hex digest of a policy's content.

    Raises:
        PolicyInvalid: the content has no canonical bytes (a float, a non-ASCII member name).
    """
    try:
        return hashlib.sha256(POLICY_DOMAIN + encode(content)).hexdigest()
    except CanonicalError as error:
        raise PolicyInvalid(f"policy: expected values with canonical bytes, got {error}") from error


def read_policy(content: Any) -> Policy:
    """Check an already parsed policy, all but the verifier's own parameters.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    root = Reader(content, "policy", PolicyInvalid).members(
        "v", "id", "version", "verifier", "verifier_version", "award_kind", "terms", "parameters"
    )
    root["v"].integer(POLICY_VERSION, POLICY_VERSION)
    if type(root["parameters"].value) is not dict:
        raise root["parameters"].refuse("an object")
    return Policy(
        id=root["id"].id(),
        version=root["version"].integer(1),
        verifier=root["verifier"].id(),
        verifier_version=root["verifier_version"].integer(1),
        award_kind=root["award_kind"].id(),
        terms=_terms(root["terms"]),
        parameters=root["parameters"].value,
        content=content,
        digest=policy_digest(content),
    )


def _terms(at: Reader) -> Terms:
    names = ("tokens", "window_days", "tokens_limit", "k_min", "k_min_above")
    # These came later than the first policies: one without any has the content, and the digest, that it always had.
    given = at.value if type(at.value) is dict else {}
    capped, returned = "cap_tokens" in given or "cap_days" in given, "reciprocity_days" in given
    later = (("cap_tokens", "cap_days") if capped else ()) + (("reciprocity_days",) if returned else ())
    member = at.members(*names, *later)
    k_min = member["k_min"].integer(
        2, K_OR_MORE
    )  # under 2 one person alone could award; no policy may say so
    return Terms(
        tokens=member["tokens"].integer(0, TOKENS_MAX),
        window_days=member["window_days"].integer(1, WINDOW_DAYS_MAX),
        tokens_limit=member["tokens_limit"].integer(0, TOKENS_MAX),
        k_min=k_min,
        k_min_above=member["k_min_above"].integer(k_min, K_OR_MORE),
        cap_tokens=member["cap_tokens"].integer(0, TOKENS_MAX) if capped else None,
        cap_days=member["cap_days"].integer(1, WINDOW_DAYS_MAX) if capped else 0,
        reciprocity_days=member["reciprocity_days"].integer(1, WINDOW_DAYS_MAX) if returned else 0,
    )

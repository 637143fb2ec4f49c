"""The parameters of a `service_issue` policy: which evidence suffices, and what the record must show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.controllers import K_OR_MORE
from verifiers.errors import PolicyInvalid
from verifiers.items import FIELDS_MAX, GRADES, Scalar, read_scalar
from verifiers.reading import Reader

RECORD = "system_record"
CONFIRMATION = "customer_confirmation"
EVIDENCE_TYPES = (RECORD, CONFIRMATION)
MOMENTS = ("onset", "approval", "action")
EVIDENCE_SETS_MAX = 8
KINDS_MAX = 32
ALLOWED_VALUES_MAX = 32
SECONDS_MAX = 86_400
SPLIT_HOURS_MAX = 24 * 366
WEIGHT_MAX = 1_000
KNOWN_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class EvidenceSet:
    """Evidence that suffices: a lowest grade per type, all of them needed, and the least k of the evidence alone."""

    grades: Mapping[str, str]
    k_evidence_min: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the organisation decided; docs/spec/verdict.md says how each is used."""

    evidence_sets: tuple[EvidenceSet, ...]
    record_state: Mapping[str, Mapping[str, tuple[Scalar, ...]]]
    record_changed_after: str
    path_seconds_min: int
    split_hours: int
    clock_skew_seconds_max: int
    share_weights: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Parameters2:
    """Those of version 2: all of version 1, which field of a record names who did the work, what a record of something
    else has to show so that the customer was one, and for how many days before the issue."""

    shared: Parameters
    done_by_field: Mapping[str, str]
    customer_known_by: Mapping[str, Mapping[str, tuple[Scalar, ...]]]
    customer_known_days: int


def read_parameters(value: Any) -> Parameters:
    """Read the parameters of a policy of this verifier.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    return _parameters(Reader(value, "policy.parameters", PolicyInvalid).members(*Parameters.__slots__))


def read_parameters_2(value: Any) -> Parameters2:
    """Read the parameters of a policy of version 2 of this verifier.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    own = ("done_by_field", "customer_known_by", "customer_known_days")
    member = Reader(value, "policy.parameters", PolicyInvalid).members(*Parameters.__slots__, *own)
    return Parameters2(
        shared=_parameters(member),
        done_by_field={kind: at.id() for kind, at in member["done_by_field"].entries(KINDS_MAX)},
        customer_known_by={kind: _table(at) for kind, at in member["customer_known_by"].entries(KINDS_MAX)},
        customer_known_days=member["customer_known_days"].integer(0, KNOWN_DAYS_MAX),
    )


def _parameters(member: Mapping[str, Reader]) -> Parameters:
    weights = member["share_weights"].members("took_action", "owned", "proposed")
    return Parameters(
        evidence_sets=tuple(_set(at) for at in member["evidence_sets"].items(EVIDENCE_SETS_MAX, count_min=1)),
        record_state={kind: _table(at) for kind, at in member["record_state"].entries(KINDS_MAX)},
        record_changed_after=member["record_changed_after"].one_of(MOMENTS),
        path_seconds_min=member["path_seconds_min"].integer(0, SECONDS_MAX),
        split_hours=member["split_hours"].integer(0, SPLIT_HOURS_MAX),
        clock_skew_seconds_max=member["clock_skew_seconds_max"].integer(0, SECONDS_MAX),
        share_weights={name: at.integer(0, WEIGHT_MAX) for name, at in weights.items()},
    )


def _set(at: Reader) -> EvidenceSet:
    member = at.members("grades", "k_evidence_min")
    grades: dict[str, str] = {}
    for type_name, grade in member["grades"].entries(len(EVIDENCE_TYPES)):
        if type_name not in EVIDENCE_TYPES:
            raise member["grades"].refuse(f"evidence types out of {sorted(EVIDENCE_TYPES)}")
        grades[type_name] = grade.one_of(GRADES[1:])  # an assertion (E0) alone never earns
    if not grades:
        raise member["grades"].refuse("at least one evidence type")
    return EvidenceSet(grades, member["k_evidence_min"].integer(1, K_OR_MORE))


def _table(at: Reader) -> dict[str, tuple[Scalar, ...]]:
    fields = at.entries(FIELDS_MAX)
    if not fields:
        raise at.refuse("at least one field, or any record would do")
    return {
        name: tuple(read_scalar(value) for value in allowed.items(ALLOWED_VALUES_MAX, count_min=1))
        for name, allowed in fields
    }

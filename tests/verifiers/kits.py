"""All conformance kits."""

from __future__ import annotations

from tests.verifiers import (
    handover_cases,
    operational_check_cases,
    referral_cases,
    service_issue_2_cases,
    training_cases,
)

KITS = (
    service_issue_2_cases.KIT,
    operational_check_cases.KIT,
    handover_cases.KIT,
    training_cases.KIT,
    referral_cases.KIT,
)

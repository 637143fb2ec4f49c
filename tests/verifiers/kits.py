"""All conformance kits."""

from __future__ import annotations

from tests.verifiers import handover_cases, operational_check_cases, referral_cases, training_cases

KITS = (operational_check_cases.KIT, handover_cases.KIT, training_cases.KIT, referral_cases.KIT)

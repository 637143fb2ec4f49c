"""Which world plays which verifier. A verifier without a row here cannot be tried; adding one adds a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from casework.laboratory.checks import Checks
from casework.laboratory.claims import Play
from casework.laboratory.handovers import Handovers
from casework.laboratory.issues import Issues
from casework.laboratory.referrals import Referrals
from casework.laboratory.trainings import Trainings

PLAYS: Mapping[str, Callable[[str, bool, Mapping[str, Any]], Play]] = {
    "operational_check": Checks,
    "service_issue": Issues,
    "handover": Handovers,
    "training": Trainings,
    "referral": Referrals,
}
"""Verifier -> its world, made of a seed, whether failures pay, and the parameters of the policy."""

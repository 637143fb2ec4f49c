"""Which world plays which verifier. A verifier without a row here cannot be tried; adding one adds a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from casework.laboratory.checks import Checks
from casework.laboratory.claims import Play
from casework.laboratory.issues import Issues

PLAYS: Mapping[str, Callable[[str, bool], Play]] = {
    "operational_check": Checks,
    "service_issue": Issues,
}
"""Verifier -> its world, made of a seed and whether failures pay."""

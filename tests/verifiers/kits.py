"""All conformance kits."""

from __future__ import annotations

from tests.verifiers import operational_check_cases

KITS = (operational_check_cases.KIT,)

"""Is this the product as it was shipped? First-party packages must come from one place: names such as
`verifiers` exist elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path

FIRST_PARTY = ("ledger", "playbooks", "verifiers", "casework", "api")
HOME = Path(__file__).resolve().parent.parent


class ForeignPackage(Exception):
    """A first-party name was loaded from elsewhere. The operator gives Tallystick an environment of its own."""


def check_house() -> None:
    """Refuse to run when a first-party package comes from another place than this file.

    Raises:
        ForeignPackage: says the package, expected and got.
    """
    for name in FIRST_PARTY:
        spec = importlib.util.find_spec(name)
        found = (
            {Path(place).resolve() for place in (spec.submodule_search_locations or ())} if spec else set()
        )
        if found != {HOME / name}:
            got = ", ".join(str(place) for place in sorted(found)) or "nothing"
            raise ForeignPackage(
                f"package {name}: expected {HOME / name}, got {got}; give Tallystick an environment of its own"
            )

"""Every abuse there is: the rooms that fill the list are imported here."""

from __future__ import annotations

from tests.abuse import checks, issues, mint, routine, systems, takings
from tests.abuse.register import ABUSES, Abuse

__all__ = ["ABUSES", "of_group"]
ROOMS = (mint, issues, checks, routine, takings, systems)


def of_group(group: str) -> list[Abuse]:
    """Return the abuses of one group."""
    return [one for one in ABUSES.values() if one.group == group]

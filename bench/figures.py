"""One measured number: what a bench module returns, and how it stands against its aim."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass

_AIM = re.compile(r"(>=|<=) ([0-9.]+)")
_HOLDS = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit` (`x` for a ratio of two numbers of the same run).

    `aim` is empty or `>= 5` or `<= 1.2`; `note` says what was compared with what, in one sentence.
    """

    name: str
    value: float
    unit: str
    aim: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.aim and not _AIM.fullmatch(self.aim):
            raise ValueError(f"aim of {self.name}: expected '>= number' or '<= number', got {self.aim!r}")

    @property
    def met(self) -> bool | None:
        """Whether the value reaches the aim; None without one."""
        parts = _AIM.fullmatch(self.aim)
        return bool(_HOLDS[parts[1]](self.value, float(parts[2]))) if parts else None


def shown(value: float) -> str:
    """Return a number with three significant digits, thousands separated."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"

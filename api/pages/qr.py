"""A QR code as the path of an inline drawing: no style, no file, no request."""

from __future__ import annotations

from dataclasses import dataclass

import segno

QUIET_ZONE_MODULES = 4
"""The empty border that readers need (ISO/IEC 18004, 6.3.8)."""


@dataclass(frozen=True, slots=True)
class Code:
    """`size` modules each way, border included; `runs` are the dark ones, (x, y, width) from the upper left."""

    size: int
    runs: tuple[tuple[int, int, int], ...]

    @property
    def path(self) -> str:
        """Return what draws the dark ones in a drawing of a page."""
        return "".join(f"M{x} {y}h{width}v1h-{width}z" for x, y, width in self.runs)


def code_of(text: str, error: str = "m") -> Code:
    """Return the code of a text. `error`: how much of it may be lost, `l` 7 %, `m` 15 % (ISO/IEC 18004, 6.5.1).

    Raises:
        ValueError: it is longer than a code can hold.
    """
    matrix = segno.make(text, micro=False, error=error).matrix
    runs = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            width = 1
            if row[x]:
                while x + width < len(row) and row[x + width]:
                    width += 1
                runs.append((x + QUIET_ZONE_MODULES, y + QUIET_ZONE_MODULES, width))
            x += width
    return Code(len(matrix) + 2 * QUIET_ZONE_MODULES, tuple(runs))

"""A list as a CSV file: the same rows as on the page, and no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from api.pages.frame import HEADERS

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: str) -> str:
    """Return a cell as text: a leading character that begins a formula is put behind an apostrophe."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return rows as the file `<name>.csv`, UTF-8 with a byte-order mark, as spreadsheets want it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([cell(one) for one in head])
    for row in rows:
        writer.writerow([cell(str(one)) for one in row])
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)

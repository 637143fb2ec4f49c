"""The product's JSON codec, for the `dumps` and `loads` arguments of ledger.canonical. Not carried by the auditor."""

from __future__ import annotations

from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """Encode with sorted members and no spaces. The value must have passed `ledger.canonical.check_value`."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


loads = orjson.loads

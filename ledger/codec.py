"""The product's JSON codec, for the `dumps` and `loads` arguments of ledger.canonical. Not carried by the auditor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

dumps: Callable[[Any], bytes] = partial(orjson.dumps, option=orjson.OPT_SORT_KEYS)
"""Encode with sorted members and no spaces. The value must have passed `ledger.canonical.check_value`."""

loads = orjson.loads

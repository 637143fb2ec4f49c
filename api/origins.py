"""Did this request come from our own pages? Asked of everything that may change something, before anything else.

Browsers say so themselves: Sec-Fetch-Site where they have it, else Origin. A program that is no browser sends neither
and brings a key, which no other site can make a browser send. The rules are those of Go 1.25's CrossOriginProtection.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OUR_OWN = frozenset({"same-origin", "none"})
"""`none`: the person typed the address or opened a bookmark."""


def refused_origin(method: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the sentence that refuses a request from another site, None where it may pass.

    1. reading is free   2. a key without a cookie is no browser's   3. Sec-Fetch-Site   4. Origin against Host
    5. neither: no browser
    """
    if method in SAFE_METHODS:
        return None
    told = {name.lower(): value.decode("latin-1") for name, value in headers}
    if b"authorization" in told and b"cookie" not in told:
        return None
    if (site := told.get(b"sec-fetch-site")) is not None:
        return None if site in OUR_OWN else _said(site)
    if (origin := told.get(b"origin")) is not None:
        return None if _host(origin) == told.get(b"host", "").lower() else _said(origin)
    return None


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _said(got: str) -> str:
    return f"expected a request from our own pages, got one from another site ({got[:80]})"

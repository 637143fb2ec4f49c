"""The long suites use the same databases, demo venue and browser as the short ones."""

from __future__ import annotations

from tests.e2e.conftest import browser, demo_url, venue
from tests.ledger.conftest import store_url

__all__ = ["browser", "demo_url", "store_url", "venue"]

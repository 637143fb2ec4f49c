"""The long suites use the same databases as the short ones."""

from __future__ import annotations

from tests.ledger.conftest import store_url

__all__ = ["store_url"]

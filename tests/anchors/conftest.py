"""The journal is tried on both databases, as the ledger's own tables are."""

from __future__ import annotations

from tests.ledger.conftest import store_url

__all__ = ["store_url"]

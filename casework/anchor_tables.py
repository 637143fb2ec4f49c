"""Tables of anchors and of the checkpoints they hold, both derived. casework/tables.py brings them in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from ledger.store.tables import metadata

anchor = Table(
    "anchor",
    metadata,
    Column("log", Text, primary_key=True),
    Column("anchor", Text, primary_key=True),
    Column("type", Text, nullable=False),  # evm | witness | timestamp | double
    Column("place", Text, nullable=False),  # canonical JSON
    Column("state", Text, nullable=False),  # open | superseded | closed
    Column("size", BigInteger, nullable=False),  # of the last checkpoint anchored here; 0: none yet
    Column("anchored_at", Text),  # when that was recorded
    Column("superseded_by", Text),  # the anchor that goes on
    Column("reason", Text),  # of its end
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("seq", BigInteger, nullable=False),
)
anchored = Table(
    "anchored",
    metadata,
    Column("log", Text, primary_key=True),
    Column("anchor", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),  # 64 hex digits
    Column("receipt", Text, nullable=False),  # canonical JSON
    Column("at", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
"""Checkpoints that somebody else holds."""

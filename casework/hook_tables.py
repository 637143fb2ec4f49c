"""Tables of hooks, their keys, what came by them, and trusted keys of sources. casework/tables.py brings them in.

All of them are derived from entries. Of a call only HMACs stand here; its bytes lie in the vault.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from ledger.store.tables import metadata

hook = Table(
    "hook",
    metadata,
    Column("log", Text, primary_key=True),
    Column("hook", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("scheme", Text, nullable=False),  # standard | github
    Column("label_item", Text),  # commitment: the vault holds the value
    Column("active", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("last_at", Text),  # when something came by it last
    Column("received", BigInteger, nullable=False),  # how many calls
    Column("reason_code", Text),  # of its end
    Column("seq", BigInteger, nullable=False),
    Index("hook_by_name", "hook"),  # a call names no organisation
)

hook_key = Table(
    "hook_key",
    metadata,
    Column("log", Text, primary_key=True),
    Column("hook", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # fingerprint
    Column("shown_to", Text, nullable=False),  # the member who could sign with it too
    Column("since", Text, nullable=False),
    Column("until", Text),  # null: until another one comes
    Column("secret_item", Text),
    Column("seq", BigInteger, nullable=False),
)

hook_seen = Table(
    "hook_seen",
    metadata,
    Column("log", Text, primary_key=True),
    Column("hook", Text, primary_key=True),
    Column("name", Text, primary_key=True),  # HMAC of a call's id, and one of its bytes
    Column("content", Text, nullable=False),  # HMAC of its bytes
    Column("received_at", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

source_key = Table(
    "source_key",
    metadata,
    Column("log", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # SHA-256 of the 32 bytes
    Column("public", Text, nullable=False),  # base64url
    Column("active", BigInteger, nullable=False),
    Column("reason_code", Text),
    Column("seq", BigInteger, nullable=False),
)

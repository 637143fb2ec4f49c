"""Tables of check-in points, and of who checked in where last. casework/tables.py brings them in.

`point` is derived from the entries. `presence` is not: entries hold places only as sealed facts, so that its rows come
with commands and are marked VAULT. One row per person, overwritten by the next check-in; nothing older is kept.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from ledger.store.tables import VAULT, metadata

point = Table(
    "point",
    metadata,
    Column("log", Text, primary_key=True),
    Column("point", Text, primary_key=True),
    Column("place", Text, nullable=False),
    Column("method", Text, nullable=False),  # nfc | screen | printed
    Column("uid", Text),  # nfc: 14 lower-case hex digits
    Column("state", Text, nullable=False),  # active | doubted | ended
    Column("last_counter", BigInteger),  # nfc: of the last tap that counted
    Column("label_item", Text),  # commitments: the vault holds the values
    Column("secret_item", Text),
    Column("doubt_item", Text),
    Column("doubted_by", Text),  # the latest
    Column("registered_by", Text, nullable=False),
    Column("registered_at", Text, nullable=False),
    Column("reason_code", Text),  # of its end
    Column("seq", BigInteger, nullable=False),
)

presence = Table(
    "presence",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),  # the first account of the person
    Column("place", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=VAULT,
)

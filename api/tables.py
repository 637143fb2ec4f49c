"""The doors' own tables: how people sign in, and how they like to be spoken to.

No entry implies these rows: they come with commands (`Decided.rows`) and are marked VAULT, so that `rebuild` keeps
them. Nothing here can be turned back into a password or a session token: only slow hashes and digests are kept.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from ledger.store.tables import VAULT, metadata

sign_in = Table(
    "sign_in",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("name", Text, nullable=False),  # what the person types, case-folded
    Column("password_hash", Text),  # argon2id, PHC string
    Column("pin_hash", Text),  # argon2id, PHC string; good on shared devices only
    Column("changed_at", Text, nullable=False),
    Index(None, "log", "name", unique=True),
    info=VAULT,
)

session = Table(
    "session",
    metadata,
    Column("log", Text, primary_key=True),
    Column("session", Text, primary_key=True),
    Column("member", Text, nullable=False),
    Column("digest", Text, nullable=False),  # hex SHA-256 of the token in the cookie
    Column("assurance", Text, nullable=False),  # session
    Column("how", Text, nullable=False),  # password | passkey | invite | recovery | demo
    Column(
        "browser", Text, nullable=False
    ),  # what the browser calls itself, shortened: to recognise it in a list
    Column("opened_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Index(None, "digest", unique=True),
    Index(None, "log", "member"),
    info=VAULT,
)

preference = Table(
    "preference",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("language", Text),  # en | de; null: as the browser asks
    Column("theme", Text),  # light | dark; null: as the system does
    Column("keys_off", BigInteger),  # 1: single keys do nothing
    Column("interruptions_max", BigInteger),  # a day; null: as the organisation does
    Column("quiet_from", Text),  # HH:MM in the organisation's zone
    Column("quiet_until", Text),
    info=VAULT,
)

anchor_sight = Table(
    "anchor_sight",
    metadata,
    Column("log", Text, primary_key=True),
    Column("anchor", Text, primary_key=True),
    Column("looked_at", Text, nullable=False),
    Column("pending_size", BigInteger),  # of the checkpoint under way; null: none
    Column("troubles", Text, nullable=False),  # canonical JSON list of {code, detail, stops, since}
    Column(
        "facts", Text, nullable=False
    ),  # canonical JSON object: what the other side says, such as a balance
    info=VAULT,
)
"""What the worker saw of an anchor last: for the pages, which may be served by another process."""

anchor_asked = Table(
    "anchor_asked",
    metadata,
    Column("log", Text, primary_key=True),
    Column("anchor", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),  # of the record when somebody asked for an anchor
    info=VAULT,
)

pin_tries = Table(
    "pin_tries",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("wrong", BigInteger, nullable=False),  # in a row, since the last right one or the last lock
    Column("locked_until", Text),
    info=VAULT,
)
act = Table(
    "act",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),  # one at a time: a new one takes the place of an older
    Column("act", Text, nullable=False),
    Column("digest", Text, nullable=False),  # hex SHA-256 of the token
    Column("device", Text, nullable=False),
    Column("until", Text, nullable=False),
    Index(None, "digest", unique=True),
    info=VAULT,
)
"""One act on a shared device, granted for a PIN: docs/adr/0009."""

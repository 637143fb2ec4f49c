"""Tables of who is away, who stands in, who looked whose page up, and who wants to be shown. casework/tables.py brings
them in.

`delegation` and `assignment` are derived from the entries. A look is none of the record's business: it commits with a
command without entries, is marked VAULT so that `rebuild` keeps it, and only the person looked at reads it. So is
what somebody chose about being shown (casework/announcing.py).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from ledger.store.tables import VAULT, metadata

delegation = Table(
    "delegation",
    metadata,
    Column("log", Text, primary_key=True),
    Column("giver", Text, primary_key=True),
    Column("delegation", Text, primary_key=True),
    Column("stand_in", Text, nullable=False),
    Column("authorities", Text, nullable=False),  # canonical JSON list: ids of the authorities it made
    Column("amount_max", Text),  # canonical JSON money
    Column("tokens_max", BigInteger),
    Column("since", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("active", BigInteger, nullable=False),
    Column("ended_reason", Text),
    Column("given_by", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

# When work was last given to somebody: tells a leaving's rule whether the list it was given is still whole.
assignment = Table(
    "assignment",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

announcing = Table(
    "announcing",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("award", Text, primary_key=True),  # "*": all of theirs
    Column("may", BigInteger, nullable=False),  # 1: it may be shown to the others
    Column("at", Text, nullable=False),
    info=VAULT,
)

look = Table(
    "look",
    metadata,
    Column("log", Text, primary_key=True),
    Column("member", Text, primary_key=True),  # whose page
    Column("by", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # YYYY-MM-DD, UTC
    Column("what", Text, primary_key=True),  # member | take_away | awards | proof | account
    Column("role", Text, nullable=False),  # in which they looked
    Column("at", Text, nullable=False),
    Index(None, "log", "at"),
    info=VAULT,
)

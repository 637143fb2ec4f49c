"""The watch's tables: record versions, the latest of each, the join index, timers, files that were imported.

None of these rows is implied by an entry: they come with commands (`Decided.rows`) and are marked VAULT, so that
`rebuild` keeps them. Index and timers follow from the versions all the same: `records.backfill` makes them again by
running the engine. Values never stand here; they are sealed in the vault, and a row holds the item's commitment.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from ledger.store.tables import VAULT, metadata

record_version = Table(
    "record_version",
    metadata,
    Column("log", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("event_at", Text, primary_key=True),
    Column("ord", BigInteger, primary_key=True, autoincrement=False),
    Column("known_at", Text, nullable=False),
    Column("item", Text, nullable=False),  # commitment of the sealed version
    Column(
        "digest", Text, nullable=False
    ),  # Vault.reuse_digest of the values: tells a repetition without opening
    Column("source", Text, nullable=False),
    Column("subject", Text),  # pseudonymous id of the data subject; null: concerns nobody
    Column("import", Text, nullable=False),  # which import brought it, see `import_file`
    Column("leaf", BigInteger, nullable=False),  # its place under that import's Merkle root
    Column("received_at", Text, nullable=False),
    Column("received_from", Text, nullable=False),  # who sent it: a member's id, or `system`
    Index(None, "log", "import", "leaf"),
    Index(None, "log", "item"),
    Index(None, "log", "subject"),
    info=VAULT,
)

record = Table(
    "record",
    metadata,
    Column("log", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("event_at", Text, nullable=False),
    Column("ord", BigInteger, nullable=False),
    Column("item", Text, nullable=False),
    info=VAULT,
)

record_index = Table(
    "record_index",
    metadata,
    Column("log", Text, primary_key=True),
    Column("idx", Text, primary_key=True),  # kind and key fields: "shift:site,day"
    Column("bucket", Text, primary_key=True),  # Vault.fingerprint of the key values
    Column("record", Text, primary_key=True),
    info=VAULT,
)

timer = Table(
    "timer",
    metadata,
    Column("log", Text, primary_key=True),
    Column("playbook", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("state", Text, nullable=False),  # armed | active | answered
    Column("wake", Text),  # null: nothing runs
    Column("due", Text),
    Column("onset", Text),
    Index(None, "log", "wake"),
    info=VAULT,
)

noticed = Table(
    "noticed",  # how often each watch fired, those on trial too; written with what it said
    metadata,
    Column("log", Text, primary_key=True),
    Column("playbook", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    info=VAULT,
)

import_file = Table(
    "import_file",
    metadata,
    Column("log", Text, primary_key=True),
    Column("import", Text, primary_key=True),  # imports.import_id
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),  # Vault.reuse_digest of the file
    Column("count", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
    Column("finished_at", Text, nullable=False),
    info=VAULT,
)

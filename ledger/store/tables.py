"""The record's own tables, on the one MetaData of the product. Other packages add theirs in `<package>/tables.py`.

House rules, which `shapes` checks when a writer is made:
- the primary key begins with `log`, so that no row can be reached without naming its organisation;
- columns are Text, BigInteger or LargeBinary only: SQLite and PostgreSQL agree on them to the byte. Instants are Text
  (RFC 3339 UTC, milliseconds; fixed width, so text order is time order), JSON is canonical Text, booleans are 0 or 1;
- `info=LOG` or `info=VAULT` marks the tables that `rebuild` must leave alone (DESIGN section 3); every other table is
  derived: projections make it again from log and vault.

The naming convention holds the referred table in the name of a foreign key: composite keys that begin with the same
column would otherwise share a name, which SQLite accepts and PostgreSQL refuses.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, MetaData, Table, Text

from ledger.errors import ProgrammingError
from ledger.overlay import Shape

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LOG: dict[str, Any] = {"log": True}
"""Lost with the proof. Only the writer makes rows here."""
VAULT: dict[str, Any] = {"vault": True}
"""Content that no entry implies; rows come with commands (`Decided.rows`). Erasable."""

log_head = Table(
    "log_head",
    metadata,
    Column("log", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("last_leaf", LargeBinary, nullable=False),  # 32 bytes; `prev` of the next entry
    Column("frontier", LargeBinary, nullable=False),  # merkle.Frontier.to_bytes
    Column("at", Text, nullable=False),  # of the last entry
    Column("stopped", Text),  # null, or the code of what a person must confirm: `clock`
    info=LOG,
)

entry = Table(
    "entry",
    metadata,
    Column("log", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("canon", LargeBinary, nullable=False),  # the bytes that are hashed
    Column("leaf", LargeBinary, nullable=False),  # 32 bytes
    Column("kind", Text, nullable=False),
    Column("case_id", Text),
    Column("at", Text, nullable=False),
    Column("cmd", Text, nullable=False),
    Index(None, "log", "case_id", "seq"),
    info=LOG,
)

command = Table(
    "command",
    metadata,
    Column("log", Text, primary_key=True),
    Column("cmd", Text, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=LOG,
)

tile = Table(
    "tile",
    metadata,
    Column("log", Text, primary_key=True),
    Column("level", BigInteger, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),  # 1 to 256 hashes of 32 bytes; 256: never changes again
    info=LOG,
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("log", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),  # the C2SP signed note
    Column("at", Text, nullable=False),
    info=LOG,
)

posting = Table(
    "posting",
    metadata,
    Column("log", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("amount_tokens", BigInteger, nullable=False),
    Index(None, "log", "account", "seq"),
)

account = Table(
    "account",
    metadata,
    Column("log", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("balance_tokens", BigInteger, nullable=False),
    # DESIGN section 4: only these two kinds of account may be below zero.
    CheckConstraint(
        "balance_tokens >= 0 OR account = 'issuer' OR account LIKE 'member/%/owed'", name="not_negative"
    ),
)

job = Table(
    "job",
    metadata,
    Column("log", Text, primary_key=True),
    Column("job", Text, primary_key=True),  # kind + cause: the same cause never makes two
    Column("kind", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("payload", Text, nullable=False),  # canonical JSON object
    Column("cause_seq", BigInteger, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("lease_until", Text),
    Column("leased_by", Text),
    Column("dead", BigInteger, nullable=False),  # 1: given up, waits for a person
    Column("error", Text),  # why the last attempt failed; no personal data
    Index(None, "dead", "due"),
)

item = Table(
    "item",
    metadata,
    Column("log", Text, primary_key=True),
    Column("item", Text, primary_key=True),  # the commitment, hex
    Column("sealed", LargeBinary),  # null: too large for a row, see `blob`
    Column("blob", Text),  # hex SHA-256 of the ciphertext in the blob store
    info=VAULT,
)

item_wrap = Table(
    "item_wrap",
    metadata,
    Column("log", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Index(None, "log", "subject"),
    info=VAULT,
)

reuse = Table(
    "reuse",
    metadata,
    Column("log", Text, primary_key=True),
    Column("digest", Text, primary_key=True),  # Vault.reuse_digest
    Column("evidence", Text, nullable=False),  # the first evidence that used this file
    info=VAULT,
)


anchor_driver = Table(
    "anchor_driver",
    metadata,
    Column("log", Text, primary_key=True),
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sender", Text, primary_key=True),  # the address that pays
    Column("nonce_next", BigInteger),  # null: not yet asked of the chain
    Column("nonce_done", BigInteger, nullable=False),  # all below are final
    Column("leased_by", Text),
    Column("lease_until", Text),
    Column("stopped", Text),  # null, or the code of what a person must look at
    Column("detail", Text),
    info=VAULT,
)
"""Who sends for an address, and what comes next. These four tables are the sender's journal: docs/spec/anchoring.md."""

anchor_work = Table(
    "anchor_work",
    metadata,
    Column("log", Text, primary_key=True),
    Column("anchor", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),  # unique per size: never two under way
    Column("root", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # intended | signed | mined | final | recorded
    Column("nonce", BigInteger),  # of our transaction; null: not signed yet, or another's brought it
    Column("tx_hash", Text),
    Column("block_number", BigInteger),
    Column("block_hash", Text),
    Column("receipt", Text),  # canonical JSON, from `final` on
    info=VAULT,
)

anchor_send = Table(
    "anchor_send",
    metadata,
    Column("log", Text, primary_key=True),
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sender", Text, primary_key=True),
    Column("nonce", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "name", Text
    ),  # what it is for; null once it failed or was cancelled, so that it may be done again
    Column("action", Text, nullable=False),
    Column("target", Text),  # the contract; null: makes one
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # open | mined | final | failed | cancelled
    Column("tx_hash", Text),  # of the attempt that got in
    Column("block_number", BigInteger),
    Column("block_hash", Text),
    Column("first_height", BigInteger, nullable=False),  # head when it was journalled
    Column("last_height", BigInteger, nullable=False),  # head when its newest attempt was
    Index(None, "log", "name", unique=True),
    Index(None, "chain_id", "sender", "nonce", unique=True),
    info=VAULT,
)

anchor_attempt = Table(
    "anchor_attempt",
    metadata,
    Column("log", Text, primary_key=True),
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sender", Text, primary_key=True),
    Column("nonce", BigInteger, primary_key=True, autoincrement=False),
    Column("tx_hash", Text, primary_key=True),
    Column("raw", LargeBinary, nullable=False),  # the signed bytes: whoever has them can send them
    Column("tip_wei", BigInteger, nullable=False),  # max priority fee per gas
    Column("cap_wei", BigInteger, nullable=False),  # max fee per gas
    Column("cancels", BigInteger, nullable=False),  # 1: a transfer of nothing to oneself, to free the nonce
    Column("at", Text, nullable=False),
    info=VAULT,
)


def shapes() -> dict[str, Shape]:
    """Return what the writer must know of every table now on the MetaData, by name; ranks put parents before children.

    Import the packages' `tables` modules first: a table that is not there cannot be written.

    Raises:
        ProgrammingError: a table breaks the house rules above.
    """
    return {table.name: _shape(table, rank) for rank, table in enumerate(metadata.sorted_tables)}


def derived_tables() -> tuple[str, ...]:
    """Return the names of the tables that `rebuild` empties and fills again, parents first."""
    kept = LOG.keys() | VAULT.keys()
    return tuple(table.name for table in metadata.sorted_tables if not table.info.keys() & kept)


def _shape(table: Table, rank: int) -> Shape:
    key = [column.name for column in table.primary_key.columns]
    first = [column.name for column in table.columns][: len(key)]
    if key[:1] != ["log"] or key != first:
        raise ProgrammingError(
            f"table {table.name}: expected a primary key of the first columns, log first, got {key}"
        )
    for column in table.columns:
        if type(column.type) not in (Text, BigInteger, LargeBinary):
            raise ProgrammingError(
                f"column {table.name}.{column.name}: expected a portable type, got {column.type!r}"
            )
    columns = list(table.columns)[1:]
    return Shape(
        table.name,
        tuple(column.name for column in columns),
        tuple(key[1:]),
        frozenset(column.name for column in columns if type(column.type) is BigInteger),
        frozenset(column.name for column in columns if type(column.type) is LargeBinary),
        rank,
    )

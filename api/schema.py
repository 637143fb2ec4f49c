"""The database schema and its version: brought up by `tallystick db upgrade`, checked before anything opens."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import StoreError
from ledger.store.readers import Reader

MIGRATIONS = Path(__file__).resolve().parent / "migrations"


class SchemaBehind(Exception):
    """The database has no schema, or an older or newer one. The operator runs `tallystick db upgrade`, or this
    version."""


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))  # the file format interpolates
    return config


def upgrade(url: str) -> None:
    """Bring the database to this version's schema; nothing to do is no error. Blocks: call it in a thread.

    A SQLite file is its owner's only, from its first byte, whatever the folder lets others see.

    Raises:
        StoreError: the database does not answer, or cannot be written.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        keep_private(Path(parsed.database))
    try:
        command.upgrade(_config(url), "head")
    except SQLAlchemyError as error:
        raise StoreError(
            f"database: expected one that can be written, got {getattr(error, 'orig', error)}"
        ) from error
    except OSError as error:
        raise _no_answer(error) from error


def _no_answer(error: OSError) -> StoreError:
    return StoreError(f"database: expected a server that answers, got {error}")


def keep_private(file: Path) -> None:
    """Make the database file if there is none, and take it from everybody but its owner: mode 0600.

    SQLite gives the files beside it (-wal, -shm) the same mode.
    """
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    file.chmod(0o600)


async def check_schema(store: Reader) -> None:
    """Refuse a database of another schema.

    Raises:
        SchemaBehind: says expected and got.
        StoreError: the database does not answer.
    """
    wanted = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    try:
        found = await store.rows(text("SELECT version_num FROM alembic_version"))
    except StoreError as error:
        if isinstance(error.__cause__, OSError):
            raise _no_answer(error.__cause__) from error
        raise SchemaBehind(
            f"database: expected schema {wanted}, got none; run `tallystick db upgrade`"
        ) from error
    got = found[0]["version_num"] if found else None
    if got != wanted:
        raise SchemaBehind(f"database: expected schema {wanted}, got {got}; run `tallystick db upgrade`")

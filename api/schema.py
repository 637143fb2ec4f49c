"""The database schema and its version: brought up by `tallystick db upgrade`, checked before anything opens."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

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
    """Bring the database to this version's schema; nothing to do is no error. Blocks: call it in a thread."""
    command.upgrade(_config(url), "head")


async def check_schema(engine: AsyncEngine) -> None:
    """Refuse a database of another schema.

    Raises:
        SchemaBehind: says expected and got.
    """
    wanted = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    try:
        async with engine.connect() as connection:
            got = (
                await connection.execute(text("SELECT version_num FROM alembic_version"))
            ).scalar_one_or_none()
    except SQLAlchemyError as error:
        raise SchemaBehind(
            f"database: expected schema {wanted}, got none; run `tallystick db upgrade`"
        ) from error
    if got != wanted:
        raise SchemaBehind(f"database: expected schema {wanted}, got {got}; run `tallystick db upgrade`")

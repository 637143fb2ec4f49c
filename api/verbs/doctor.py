"""The verb doctor: what keeps an installation from working, here, or at its address as somebody's phone meets it."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api import schema
from api.house import ForeignPackage, check_house
from api.installation import open_installation
from api.outside import AddressInvalid, examine
from api.remote import running_server
from api.settings import Settings
from api.verbs.console import FAILED, Misuse, here, run, tell_rows
from ledger.errors import LedgerError, StoreError
from ledger.store import open_store

NO_SERVER = "none runs on this data folder, which is no fault"
DISK_FREE_BYTES_MIN = 200 * 1024 * 1024


def doctor(
    address: Annotated[
        str | None,
        typer.Option(help="Look at https://name[:port] instead, from this machine, as a phone would."),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A PEM file that says whom to trust beside the system's."
        ),
    ] = None,
) -> None:
    """Look for what keeps this installation from working; each finding says what to do.

    Ends with 0: all is well; 1: something is to be done; 2: there was nothing to look at.
    """
    if address is None and ca is not None:
        raise Misuse("--ca: expected --address beside it, got none")
    if address is not None:
        _look_from_outside(address, ca)
        return
    settings = here().settings
    rows = [{"check": name, "finding": finding} for name, finding in run(_examine(settings))]
    tell_rows("doctor", ["check", "finding"], rows)
    if any(row["finding"] not in ("ok", NO_SERVER) for row in rows):
        raise typer.Exit(FAILED)


def _look_from_outside(address: str, ca: Path | None) -> None:
    try:
        rows = [asdict(found) for found in examine(address, ca)]
    except AddressInvalid as error:
        raise Misuse(str(error)) from error
    tell_rows(f"doctor of {address}", ["check", "finding", "seen"], rows)
    if any(row["finding"] != "ok" for row in rows):
        raise typer.Exit(FAILED)


async def _examine(settings: Settings) -> list[tuple[str, str]]:
    found = [
        ("packages", _packages()),
        ("data folder", _folder(settings.data_dir)),
        ("disk", _disk(settings.data_dir)),
    ]
    if settings.is_sqlite:
        ok = sqlite3.sqlite_version_info >= (3, 38, 0)
        found.append(("SQLite", "ok" if ok else f"expected at least 3.38, got {sqlite3.sqlite_version}"))
    if settings.sqlite_path is not None and not settings.sqlite_path.is_file():
        none = f"not looked at: expected the database {settings.url}, got no such file; run `tallystick init`"
        return [*found, ("database schema", none)]
    store = open_store(settings.url)
    try:
        await schema.check_schema(store.reader)
        found.append(("database schema", "ok"))
    except (schema.SchemaBehind, StoreError) as error:
        found.append(("database schema", str(error)))
        return found
    finally:
        await store.close()
    url = running_server(settings.data_dir)
    found.append(("server", "ok" if url else NO_SERVER))
    if url is None:
        try:
            async with open_installation(settings) as installation:
                found.extend((await installation.checks()).items())
                for log in await installation.logs():
                    await installation.rooms(log)
                    found.append((f"keys of {log}", "ok"))
        except (LedgerError, OSError) as error:
            found.append(("installation", str(error)[:300]))
    return found


def _packages() -> str:
    try:
        check_house()
    except ForeignPackage as error:
        return str(error)
    return "ok"


def _folder(folder: Path) -> str:
    if not folder.is_dir():
        return f"expected the folder {folder}, got none; run `tallystick init`"
    rights = stat.S_IMODE(folder.stat().st_mode)
    return "ok" if not rights & 0o077 else f"expected {folder} for its owner only (0700), got {rights:04o}"


def _disk(folder: Path) -> str:
    there = folder if folder.is_dir() else Path(".")
    free = shutil.disk_usage(there).free
    return "ok" if free >= DISK_FREE_BYTES_MIN else f"expected {DISK_FREE_BYTES_MIN} bytes free, got {free}"

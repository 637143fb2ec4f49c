"""What lies in the data folder is its owner's only, even where the folder was made by somebody else."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api import schema
from api.cli import app
from api.installation import open_installation
from api.settings import Settings
from tests.api.house import house


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Let new files be readable by everybody unless the product says otherwise."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Return the files below `folder` that others may read or write."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077)


async def test_in_a_folder_made_before(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    async with house(tmp_path) as at:
        await at.organisation("The Private")
        assert (tmp_path / "data" / "tallystick.db-wal").is_file()
        assert open_to_others(tmp_path / "data") == []


async def test_a_database_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    (tmp_path / "data").mkdir(mode=0o700)
    await asyncio.to_thread(schema.upgrade, settings.url)
    (tmp_path / "data" / "tallystick.db").chmod(0o644)
    async with open_installation(settings):
        assert open_to_others(tmp_path / "data") == []


def test_the_folder_is_made_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    done = CliRunner().invoke(app, ["db", "upgrade"], env={"TALLYSTICK_DATA_DIR": str(folder)})
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert open_to_others(folder) == []

"""Write a migration from what the code's tables have and the migrations lack; read it before you commit it.

python -m tools.new_migration 0002 "add the column x"
python -m tools.new_migration 0001 "the first schema" --again     before the first release only
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parent.parent / "api" / "migrations"


def write(revision: str, message: str, again: bool) -> Path:
    """Compare with an empty SQLite database brought to the last revision, and write the file."""
    slug = "_".join(message.split())
    if again:
        for path in (MIGRATIONS / "versions").glob(f"{revision}_*.py"):
            path.unlink()
    with tempfile.TemporaryDirectory() as folder:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.set_main_option("sqlalchemy.url", f"sqlite:///{folder}/empty.db")
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=revision)
    path = next((MIGRATIONS / "versions").glob(f"{revision}_{slug[:40]}*.py"))
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(path)], check=True)
    return path


if __name__ == "__main__":
    print(write(sys.argv[1], sys.argv[2], "--again" in sys.argv))

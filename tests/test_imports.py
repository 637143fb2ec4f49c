"""The import contracts of pyproject.toml, tried on a small copy of the house with one planted import each.

`make check` holds them against the real code; here it is shown that each contract can be broken.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ledger", "playbooks", "verifiers", "casework", "api")
MODULES = (
    "ledger/merkle.py",
    "ledger/chain.py",
    "ledger/writer.py",
    "playbooks/engine.py",
    "verifiers/policy.py",
)

BROKEN = (
    # file, what stands in it, what the answer names
    ("ledger/writer.py", "import casework", "ledger.writer -> casework"),
    ("playbooks/engine.py", "import verifiers.policy", "playbooks.engine -> verifiers.policy"),
    ("verifiers/policy.py", "import playbooks.engine", "verifiers.policy -> playbooks.engine"),
    ("ledger/writer.py", "def f() -> None:\n    import api", "ledger.writer -> api"),
    ("ledger/merkle.py", "import orjson", "ledger.merkle line 1: expected the standard library or a pure module"),
    ("ledger/merkle.py", "from ledger import writer", "got ledger.writer"),
    ("ledger/merkle.py", "def f() -> None:\n    import orjson", "ledger.merkle line 2"),
    ("ledger/__init__.py", "import orjson", "ledger line 1"),
    ("verifiers/policy.py", "import sqlalchemy.ext.asyncio", "got sqlalchemy"),
)  # fmt: skip

KEPT = (
    ("ledger/merkle.py", "import hashlib\nfrom ledger import chain"),
    ("ledger/writer.py", "import orjson\nfrom ledger import merkle"),
    (
        "ledger/merkle.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import orjson\n    import casework",
    ),
)


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """A folder with our package names, a few empty modules and the real contracts."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    for path in MODULES:
        (tmp_path / path).touch()
    (tmp_path / "tools").mkdir()
    for path in ("pyproject.toml", "tools/pure_contract.py"):
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(program), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ".", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("path", "text", "named"), BROKEN)
def test_planted_import_is_refused(small_house: Path, path: str, text: str, named: str) -> None:
    (small_house / path).write_text(text)
    answer = lint_imports(small_house)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert named in answer.stdout


def test_cycle_between_siblings_is_refused(small_house: Path) -> None:
    (small_house / "ledger/merkle.py").write_text("import ledger.chain")
    (small_house / "ledger/chain.py").write_text("import ledger.merkle")
    answer = lint_imports(small_house)
    assert answer.returncode == 1
    assert "No cycles between siblings BROKEN" in answer.stdout


@pytest.mark.parametrize(("path", "text"), KEPT)
def test_allowed_import_is_kept(small_house: Path, path: str, text: str) -> None:
    (small_house / path).write_text(text)
    answer = lint_imports(small_house)
    assert answer.returncode == 0, answer.stdout + answer.stderr

"""README's table "step -> door -> rule -> entry -> test": everything it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.routing import iter_route_contexts

from api.app import create_app
from api.settings import Settings
from ledger.entries import KINDS

ROOT = Path(__file__).resolve().parent.parent
BETWEEN = re.compile(r"<!-- award-steps: .*?-->\n(.*?)<!-- /award-steps -->", re.DOTALL)
NAMED = re.compile(r"`([^`]+)`")
STEPS_MIN = 12


def rows() -> list[list[str]]:
    found = BETWEEN.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    lines = [line for line in found[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_table_tells_the_whole_story() -> None:
    assert len(rows()) >= STEPS_MIN
    assert {len(row) for row in rows()} == {5}


def test_doors_are_routes() -> None:
    """Compared with the paths as the started product has them, prefix and all."""
    app = create_app(Settings())
    posted = {
        context.path for context in iter_route_contexts(app.routes) if "POST" in (context.methods or ())
    }
    doors = [
        name.removeprefix("POST ")
        for row in rows()
        for name in NAMED.findall(row[1])
        if name.startswith("POST ")
    ]
    assert len(doors) >= STEPS_MIN - 3
    assert [door for door in doors if door not in posted] == []


def test_files_and_functions_exist() -> None:
    names = [name for row in rows() for name in NAMED.findall(" ".join(row)) if ".py" in name]
    assert [name for name in names if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether `path` or `path:function` is there."""
    path, _, function = name.partition(":")
    if not (ROOT / path).is_file():
        return False
    return not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8")


def test_entries_are_kinds_of_the_registry() -> None:
    named = [kind for row in rows() for kind in NAMED.findall(row[3])]
    assert len(named) >= STEPS_MIN - 1
    assert [kind for kind in named if kind not in KINDS] == []

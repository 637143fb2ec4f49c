"""docs/spec/entry-kinds.md and the registry in code are one list."""

from __future__ import annotations

from pathlib import Path

from ledger.entries import KINDS, REGISTRY_VERSION

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec" / "entry-kinds.md"


def test_table_equals_registry() -> None:
    text = SPEC.read_text(encoding="utf-8")
    assert f"registry version {REGISTRY_VERSION}" in text.splitlines()[0]
    rows = text.split("|---|---|---|---|---|---|\n")[1].strip().splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert sorted(row[0] for row in cells) == sorted(KINDS), "a kind stands once"
    written = {row[0]: (row[1], row[2], row[3]) for row in cells}
    coded = {
        kind.name: (
            str(kind.since),
            " ".join(f"{name}:{type_}" for name, type_ in kind.fields.items()) or "-",
            " ".join(kind.private) or "-",
        )
        for kind in KINDS.values()
    }
    assert written == coded
    assert all(len(row) == 6 and row[4] and row[5] for row in cells)

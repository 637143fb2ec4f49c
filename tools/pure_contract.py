"""An import contract for the rule modules: the standard library and each other, nothing else.

import-linter's own `forbidden` contract is a deny list; a new dependency would pass it unseen. This one is an
allow list, so that the stand-alone auditor can carry these modules without any package of ours or of others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PureContract(Contract):
    """Every listed module imports `sys.stdlib_module_names` and other listed modules only.

    `verifiers.*` stands for every module below `verifiers`. A listed module that does not exist is
    skipped here; tests/test_tidy.py fails when one has vanished.
    """

    type_name = "pure"
    modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return what each pure module imports beyond its allowance, with line numbers."""
        names = set(cast(Iterable[str], self.modules))
        below = tuple(name.removesuffix("*") for name in names if name.endswith(".*"))
        pure = names | {module for module in graph.modules if module.startswith(below)}
        found: list[str] = []
        for importer in sorted(pure & graph.modules):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if imported in pure or imported.partition(".")[0] in sys.stdlib_module_names:
                    continue
                lines = sorted(
                    d["line_number"] for d in graph.get_import_details(importer=importer, imported=imported)
                )
                where = f"{importer} line {', '.join(map(str, lines))}"
                found.append(f"{where}: expected the standard library or a pure module, got {imported}")
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line per import that breaks the rule."""
        for line in check.metadata["found"]:
            output.print_error(line)

"""Writes contracts/GAS.md: `python -m tests.contracts.write_gas`, from the root."""

from __future__ import annotations

from tests.contracts.gas import TABLE, measured, text_of
from tests.contracts.machine import Pyevm

if __name__ == "__main__":
    TABLE.write_text(text_of(measured(Pyevm())), encoding="utf-8")

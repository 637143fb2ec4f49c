"""Decisions (rules follow)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shown:
    """What a decision would rest on, and the token that binds a yes to it.

    `basis`: {v, log, case, about, proposal {id, digest}, evidence [id], verdict, policy, as_of {size, root}, nonce,
    expires, principal}.
    """

    basis: Mapping[str, Any]
    token: str
    expires: str

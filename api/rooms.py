"""The rooms of one organisation as the doors enter them: desk, office, rows, record. Built once per log, by installation.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from api.scope import Scoped
from casework import people, tables
from casework.desk import Desk
from casework.intake import Intake
from casework.office import Office
from ledger.codec import loads
from ledger.entropy import Entropy
from ledger.errors import Refused
from ledger.keys import Keys
from ledger.publish import Publisher
from ledger.reader import LogReader
from ledger.vault import Vault
from ledger.writer import Writer


class Now(Protocol):
    """The installation's clock as the doors read it."""

    def now(self) -> str:
        """Return the time, RFC 3339 UTC with milliseconds."""
        ...

    def unix_ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        ...


class Routing:
    """Whose a case is when nobody says so: the playbook's answer, else the organisation's first owner."""

    def __init__(self, rows: Scoped) -> None:
        self._rows = rows

    async def owner(self, wanted: Mapping[str, Any] | None = None) -> str:
        """Return an active person: `wanted` names a member or a role; the last resort is the owner who joined first.

        Raises:
            Refused: nobody is left who could own it.
        """
        members = await self._rows.find(tables.member, {"active": 1})
        by_seniority = sorted(members, key=lambda row: int(row["seq"]))
        persons = [row for row in by_seniority if people.AGENT not in loads(row["roles"])]
        named = (wanted or {}).get("member")
        role = (wanted or {}).get("role")
        for fits in (
            lambda row: row["member"] == named,
            lambda row: role in loads(row["roles"]),
            lambda row: people.OWNER in loads(row["roles"]),
        ):
            for row in persons:
                if fits(row):
                    return str(row["member"])
        raise Refused("owner_unknown", "expected an active person to own the case, got none")


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything of one organisation. `log` is its origin and the value of every row's first key column."""

    log: str
    clock: Now
    entropy: Entropy
    rows: Scoped
    reader: LogReader
    vault: Vault
    keys: Keys
    writer: Writer
    intake: Intake
    desk: Desk
    office: Office
    publisher: Publisher
    routing: Routing

    @property
    def origin(self) -> str:
        """Return the name of the log; ends in `.invalid` when its time is simulated."""
        return self.log

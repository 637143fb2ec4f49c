"""The rooms of one organisation as the doors enter them: desk, office, joining, anchoring, rows, record. Built once per
log, by installation.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from api.kept import Kept
from api.pictures import Pictures
from api.scope import Scoped
from api.watching import Watching
from casework import references
from casework.anchoring import Anchoring
from casework.collectors.signed_mail import KeyLookup
from casework.credentials import Credentials
from casework.desk import Desk
from casework.hooks import Hooks
from casework.intake import Intake
from casework.joining import Joining
from casework.office import Office
from casework.people import is_pseudonym
from ledger.entropy import Entropy
from ledger.keys import Keys
from ledger.publish import Publisher
from ledger.reader import LogReader
from ledger.vault import Vault
from ledger.writer import Writer
from playbooks.records import NAMED, subject_id


class Now(Protocol):
    """The installation's clock as the doors read it."""

    def now(self) -> str:
        """Return the time, RFC 3339 UTC with milliseconds."""
        ...

    def unix_ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        ...


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
    joining: Joining
    hooks: Hooks
    anchoring: Anchoring
    credentials: Credentials
    publisher: Publisher
    watching: Watching
    pictures: Pictures
    mail_keys: KeyLookup
    """Where keys of mail domains are looked up (TALLYSTICK_DNS)."""
    tsa_roots: Path | None
    """A PEM file: who is trusted to stamp times (TALLYSTICK_TSA_ROOTS); None: nobody."""
    previews: Kept = field(default_factory=Kept)
    """What api/previews.py worked out."""
    played: Kept = field(default_factory=Kept)
    """What api/simulated_years.py played."""

    def customer(self, given: str) -> str:
        """Return the pseudonym of a customer named by hand; one that came with a record stays as it is."""
        if is_pseudonym(given):
            return given
        return subject_id(self.vault, NAMED, given)

    def reference(self, case: str) -> str:
        """Return the code of a case, which a customer may repeat in a mail."""
        return references.reference(self.vault.fingerprint(references.PURPOSE, case))

    @property
    def origin(self) -> str:
        """Return the name of the log; ends in `.invalid` when its time is simulated."""
        return self.log

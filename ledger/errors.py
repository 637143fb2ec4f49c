"""What can go wrong in the record.

    LedgerError
    |-- EntryInvalid            an entry or body is not what its kind declares
    |-- CanonicalError          bytes or a value outside the restricted profile (subclasses in canonical.py)
    |-- ProofError              a proof, note or checkpoint does not hold (subclasses in merkle.py, notes.py, checkpoints.py)
    |-- Refused                 this command fails; nothing was written. Tell the caller
    |-- Stopped                 the log takes no command until somebody acts (clock, restore, disk); reading goes on
    |-- StoreError              the database failed; the batch was rolled back and may be tried again
    `-- ProgrammingError        our own mistake: an undeclared read, a projection that reads rows; never shown as is
        `-- UndeclaredRead
"""

from __future__ import annotations


class LedgerError(Exception):
    """Root of this package's errors."""


class EntryInvalid(LedgerError):
    """An entry is not what its kind declares. The caller mends the draft; nothing was written."""


class CanonicalError(LedgerError):
    """Bytes or a value outside the restricted profile of docs/spec/log-format.md."""


class ProofError(LedgerError):
    """A proof, note or checkpoint does not hold. The caller trusts nothing it said."""


class Refused(LedgerError):
    """This command fails and has written nothing.

    `code` is stable and coded (docs and pages translate it), `detail` says expected and got, `field` is a JSON pointer
    into the request when one member is to blame.
    """

    def __init__(self, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.field = field


class Stopped(LedgerError):
    """The log takes no command until a person acts. Reading works; what was acknowledged is safe."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class StoreError(LedgerError):
    """The database refused or vanished. The batch was rolled back whole; a retry with the same key is safe."""


class ProgrammingError(LedgerError):
    """Our own mistake, found at run time. Logged with its cause; callers see an error number."""


class UndeclaredRead(ProgrammingError):
    """A rule read a row that its command's needs do not name."""

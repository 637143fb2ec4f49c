"""What can go wrong in the record.

LedgerError
|-- EntryInvalid            an entry or body is not what its kind declares
|-- CanonicalError          bytes or a value outside the restricted profile (one subclass per refusal: canonical.py)
|-- ChainError              an entry does not follow the one before it (subclasses in chain.py)
|-- ProofError              a proof, note or checkpoint does not hold
|   |-- merkle.py           IndexOutOfRange, SizesRefused, ProofLength, RootMismatch, HashMalformed, FrontierMalformed,
|   |                       NodeMissing
|   |-- tiles.py            TileMalformed
|   |-- notes.py            NoteMalformed, KeyMalformed, SignatureMissing, SignatureWrong
|   |-- checkpoints.py      CheckpointMalformed, OriginMismatch, KeyListMalformed
|   |-- proofs.py           ProofTextMalformed
|   |-- commitments.py      CommitmentMalformed, CommitmentMismatch
|   |-- sealed.py           SealBroken
|   `-- anchors/            evm_receipt.py ReceiptMalformed, ReceiptWrong; strict_rlp.py RlpMalformed;
|                           patricia.py TrieProofWrong; receipts.py NodeContradicts; stamp_receipt.py StampWrong;
|                           witness_receipt.py CosignatureMissing
|-- ChainUnread             a node that an auditor asked gave no answer that can be used (anchors/chain.py: RpcFailed)
|-- BundleError             a bundle or log folder lacks a part or has a wrong one (subclasses in bundles.py)
|-- BookError               an entry asks for tokens to move in a way the book does not allow (book.py)
|-- VaultError              a private value cannot be sealed or opened (vault.py: SealRefused, VaultDamaged)
|-- BlobError               a sealed file (blobs.py: BlobAddressRefused, BlobTooLarge, BlobMissing, BlobDamaged)
|-- KeyFileError            the log's secret keys (keys.py: KeysExist, KeyMissing, KeyExposed, KeyFileMalformed)
|-- GuardError              nothing may be signed (guard.py: GuardRefused, GuardMoved, GuardUnknownLog, GuardDamaged)
|-- NothingToSign, CheckpointContradicted       (publish.py)   |-- ExportRefused (export.py)
|-- EntryDamaged (reader.py)   |-- RebuildFailed (rebuild.py)
|-- TrustError              a trust policy file is not what docs/spec/bundle.md says (audit.py)
|-- Refused                 this command fails; nothing was written. Tell the caller
|-- Stopped                 the log takes no command until somebody acts (clock, restore, disk); reading goes on
|-- StoreError              the database failed; the batch was rolled back and may be tried again
|   |-- DiskFull            ... because its disk is full: somebody must make room first
|   |-- OutcomeUnknown      the connection was lost while committing: written whole or not at all, nobody knows which
|   `-- RowRefused          a constraint refused rows that the rules let through: our own mistake
`-- ProgrammingError        our own mistake: an undeclared read, a projection that reads rows; never shown as is
    `-- UndeclaredRead
"""

from __future__ import annotations


class LedgerError(Exception):
    """Root of this package's errors."""


class EntryInvalid(LedgerError):
    """An entry is not what its kind declares. The caller mends the draft; nothing was written."""


class CanonicalError(LedgerError):
    """Bytes or a value outside the restricted profile of docs/spec/log-format.md.

    `path` leads to the value to blame: member names and list positions from the root; empty for the document itself.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path: list[str | int] = []

    def __str__(self) -> str:
        if not self.path:
            return self.detail
        return f"{self.detail}, at /{'/'.join(str(step) for step in self.path)}"


class ChainError(LedgerError):
    """An entry does not follow the one before it. The record is damaged at this entry."""


class ProofError(LedgerError):
    """A proof, note or checkpoint does not hold. The caller trusts nothing it said."""


class BundleError(LedgerError):
    """A bundle or a log folder lacks a part or has a wrong one. The caller asks its sender for a whole one."""


class BookError(LedgerError):
    """Tokens were asked to move in a way the book does not allow. No posting was made."""


class TrustError(LedgerError):
    """A trust policy file is malformed. The caller mends the file; nothing was audited."""


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


class DiskFull(StoreError):
    """The database has no room left. The batch was rolled back whole; somebody makes room, then the same key again."""


class OutcomeUnknown(StoreError):
    """The database went away while it committed, or the process was ended. The batch was written whole or not at all;
    the same key again gives the one answer."""


class RowRefused(StoreError):
    """A constraint of the database refused rows the rules let through: our own mistake, caught at the last door."""


class ProgrammingError(LedgerError):
    """Our own mistake, found at run time. Logged with its cause; callers see an error number."""


class UndeclaredRead(ProgrammingError):
    """A rule read a row that its command's needs do not name."""

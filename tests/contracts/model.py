"""What the interface promises, as a few dictionaries: the judge of every transaction that the tests send.

Written from the words of ICheckpointAnchor.sol, not from the contract; proofs are judged by recursive.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contracts import recursive
from tests.contracts.deployed import Event, Value, encoded
from tests.contracts.signing import ZERO, digest, hashed, well_formed

SIZE_MAX = 2**63
NONE = bytes(32)
UNKNOWN = b"whoever that recovers to"
"""Stands for the address that a foreign signature recovers to: any, but not the expected one."""

Said = tuple[str, tuple[Value, ...], tuple[Event, ...]]


class Refusal(Exception):
    """An error of the interface with its arguments."""

    def __init__(self, name: str, *arguments: Value) -> None:
        super().__init__(name, arguments)
        self.name = name
        self.arguments = arguments


@dataclass
class Kept:
    """A log."""

    owner: bytes
    anchor_key: bytes
    proposed: bytes = ZERO
    successor: bytes = NONE
    size: int = 0
    root: bytes = NONE


class Model:
    """All logs of one contract. `signers` tells who made a signature: (digest, signature) -> address."""

    def __init__(self, chain_id: int, contract: bytes) -> None:
        self.chain_id = chain_id
        self.contract = contract
        self.logs: dict[bytes, Kept] = {}
        self.signers: dict[tuple[bytes, bytes], bytes] = {}

    def send(self, sender: bytes, name: str, *arguments: Any) -> Said:
        """Return error, values and events; nothing changes with an error."""
        rules: dict[str, Callable[..., tuple[tuple[Value, ...], tuple[Event, ...]]]] = {
            "openLog": self._open_log,
            "anchor": self._anchor,
            "rotateAnchorKey": self._rotate,
            "proposeOwner": self._propose,
            "acceptOwner": self._accept,
            "supersede": self._supersede,
        }
        try:
            values, events = rules[name](sender, *arguments)
        except Refusal as refusal:
            return refusal.name, refusal.arguments, ()
        return "", values, events

    def log_id(self, opener: bytes, salt: bytes) -> bytes:
        """Return the id of a log."""
        types = ("uint64", "address", "address", "bytes32")
        return hashed(encoded(types, (self.chain_id, self.contract, opener, salt)))

    def digest(self, log_id: bytes, size: int, root: bytes) -> bytes:
        """Return what is signed."""
        return digest(self.chain_id, self.contract, log_id, size, root)

    def log_of(self, log_id: bytes) -> tuple[Value, ...]:
        """Return what `logOf` does."""
        log = self.logs.get(log_id, Kept(ZERO, ZERO))
        return log.owner, log.proposed, log.anchor_key, log.successor

    def checkpoint(self, log_id: bytes) -> tuple[Value, ...]:
        """Return what `checkpoint` does."""
        log = self.logs.get(log_id, Kept(ZERO, ZERO))
        return log.size, log.root

    def _open_log(self, sender: bytes, owner: bytes, key: bytes, salt: bytes, origin: bytes) -> Any:
        if ZERO in (owner, key):
            raise Refusal("ZeroAddress")
        log_id = self.log_id(sender, salt)
        if log_id in self.logs:
            raise Refusal("LogExists", log_id)
        self.logs[log_id] = Kept(owner, key)
        return (log_id,), (("LogOpened", (log_id, sender, owner, key, salt, origin)),)

    def _anchor(
        self, sender: bytes, log_id: bytes, size: int, root: bytes, proof: Any, signature: bytes
    ) -> Any:
        log = self._going(log_id)
        if not 0 < size <= SIZE_MAX:
            raise Refusal("SizeOutOfRange", size)
        if size <= log.size:
            raise Refusal("SizeNotLarger", log.size, size)
        if not log.size and proof:
            raise Refusal("ProofNotEmpty", len(proof))
        longest = (size - 1).bit_length() + 1
        if log.size and len(proof) > longest:
            raise Refusal("ProofTooLong", len(proof), longest)
        signer = self._signer(self.digest(log_id, size, root), signature)
        if signer != log.anchor_key:
            raise Refusal("SignatureWrong", log.anchor_key, signer)
        if log.size and not recursive.consistent(log.size, log.root, size, root, proof):
            raise Refusal("Inconsistent", log.size, size)
        log.size, log.root = size, root
        return (), (("CheckpointAnchored", (log_id, size, root)),)

    def _rotate(self, sender: bytes, log_id: bytes, key: bytes) -> Any:
        log = self._owned(sender, log_id)
        if key == ZERO:
            raise Refusal("ZeroAddress")
        previous, log.anchor_key = log.anchor_key, key
        return (), (("AnchorKeyRotated", (log_id, previous, key)),)

    def _propose(self, sender: bytes, log_id: bytes, owner: bytes) -> Any:
        self._owned(sender, log_id).proposed = owner
        return (), (("OwnerProposed", (log_id, sender, owner)),)

    def _accept(self, sender: bytes, log_id: bytes) -> Any:
        log = self._going(log_id)
        if sender != log.proposed:
            raise Refusal("NotAllowed", log.proposed, sender)
        previous, log.owner, log.proposed = log.owner, sender, ZERO
        return (), (("OwnerChanged", (log_id, previous, sender)),)

    def _supersede(self, sender: bytes, log_id: bytes, successor: bytes, reason: bytes) -> Any:
        log = self._owned(sender, log_id)
        following = self.logs.get(successor)
        fits = following is not None and following.owner == sender and following.successor == NONE
        if not fits or following is log:
            raise Refusal("SuccessorRefused", successor)
        log.successor = successor
        return (), (("LogSupersededBy", (log_id, successor, reason, log.size, log.root)),)

    def _going(self, log_id: bytes) -> Kept:
        log = self.logs.get(log_id)
        if log is None:
            raise Refusal("LogUnknown", log_id)
        if log.successor != NONE:
            raise Refusal("LogSuperseded", log_id, log.successor)
        return log

    def _owned(self, sender: bytes, log_id: bytes) -> Kept:
        log = self._going(log_id)
        if sender != log.owner:
            raise Refusal("NotAllowed", log.owner, sender)
        return log

    def _signer(self, message: bytes, signature: bytes) -> bytes:
        if not well_formed(signature):
            return ZERO
        return self.signers.get((message, signature), UNKNOWN)


def same(expected: Said, got: Said) -> bool:
    """Say whether the contract said what the model says, the address of a foreign signature apart."""
    if UNKNOWN in expected[1]:
        return got[0] == expected[0] and got[1][0] == expected[1][0] and got[1][1] != expected[1][0]
    return expected == got

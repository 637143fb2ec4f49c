"""Contract and model side by side: every transaction is judged, and what is kept is compared afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ledger.anchors.artefact import Artefact
from tests.contracts.deployed import BARE, STARVED, Answer, deployed
from tests.contracts.machine import Machine, new_machine
from tests.contracts.model import Model, same
from tests.contracts.signing import Key

OWNER, OTHER, THIRD, RELAY = Key(1001), Key(1002), Key(1003), Key(1004)
ANCHOR, NEXT, STRANGER = Key(2001), Key(2002), Key(2003)
ORIGIN_HASH = b"\x0f" * 32


class World:
    """One contract on one machine, and the model of it."""

    def __init__(self, artefact: Artefact | None = None, machine: Machine | None = None) -> None:
        self.machine = machine or new_machine()
        self.contract = deployed(self.machine, artefact)
        self.model = Model(self.machine.chain_id, self.contract.address)
        self._salts = itertools.count(1)
        self.seen: set[str] = set()
        """Names of the errors and events that came."""

    def send(self, sender: Key | bytes, name: str, *arguments: Any) -> Answer:
        """Send a transaction, judge it by the model, and compare the log it was about.

        Raises:
            AssertionError: the contract said or kept anything else than the model.
        """
        address = sender.address if isinstance(sender, Key) else sender
        expected = self.model.send(address, name, *arguments)
        answer = self.contract.send(address, name, *arguments)
        assert same(expected, answer.said), (name, arguments, expected, answer.said)
        log_id = arguments[0] if name != "openLog" else self.model.log_id(address, arguments[2])
        self.compare(log_id)
        self.seen.update(filter(None, (answer.error, *(event for event, _ in answer.events))))
        return answer

    def starved(self, sender: Key, name: str, *arguments: Any, gas: int) -> Answer:
        """Send with little gas: it is done whole and as the model says, or not at all and without an answer."""
        answer = self.contract.send(sender.address, name, *arguments, gas=gas)
        if answer.error not in (BARE, STARVED):
            expected = self.model.send(sender.address, name, *arguments)
            assert same(expected, answer.said), (name, gas, expected, answer.said)
        self.compare(arguments[0])
        return answer

    def compare(self, log_id: bytes) -> None:
        """Compare what is kept of a log.

        Raises:
            AssertionError: it differs.
        """
        assert self.contract.look("logOf", log_id).values == self.model.log_of(log_id)
        assert self.contract.look("checkpoint", log_id).values == self.model.checkpoint(log_id)

    def salt(self) -> bytes:
        """Return a salt that was not used yet."""
        return next(self._salts).to_bytes(32, "big")

    def opened(self, key: Key = ANCHOR, owner: Key = OWNER) -> bytes:
        """Open a log and return its id."""
        answer = self.send(RELAY, "openLog", owner.address, key.address, self.salt(), ORIGIN_HASH)
        (log_id,) = answer.values
        assert isinstance(log_id, bytes)
        return log_id

    def signed(self, key: Key, log_id: bytes, size: int, root: bytes) -> bytes:
        """Return the key's signature of a checkpoint of this contract."""
        return self.signed_digest(key, self.model.digest(log_id, size, root))

    def signed_digest(self, key: Key, message: bytes) -> bytes:
        """Return the key's signature of a digest, and let the model know whose it is."""
        signature = key.sign(message)
        self.model.signers[message, signature] = key.address
        return signature

    def anchor(
        self, log_id: bytes, size: int, root: bytes, proof: Sequence[bytes] = (), key: Key = ANCHOR
    ) -> Answer:
        """Anchor a checkpoint with the signature of a key."""
        return self.send(RELAY, "anchor", log_id, size, root, proof, self.signed(key, log_id, size, root))

    def anchored(self, size: int, root: bytes, key: Key = ANCHOR) -> bytes:
        """Open a log with a first checkpoint and return its id."""
        log_id = self.opened(key)
        assert self.anchor(log_id, size, root, (), key).error == ""
        return log_id

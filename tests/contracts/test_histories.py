"""Any history of calls, by anybody: contract and model stay the same, no size shrinks, nobody touches another's log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contracts.model import NONE, Kept
from tests.contracts.recursive import Tree
from tests.contracts.signing import ZERO, Key
from tests.contracts.world import ANCHOR, NEXT, ORIGIN_HASH, OTHER, OWNER, RELAY, STRANGER, World

PEOPLE = (OWNER, OTHER, STRANGER, RELAY)
KEYS = (ANCHOR, NEXT)
EVERYBODY = (*PEOPLE, *KEYS)
SIZE_MOST = 40
STEPS = 30
TREES = (Tree(b"one", range(SIZE_MOST + 1)), Tree(b"two", range(SIZE_MOST + 1), fork=17))
ADDRESSES = {key.address: key for key in EVERYBODY}

people = st.sampled_from(EVERYBODY)
at_log = st.integers(0, 30)
often = st.sampled_from((True, True, True, False))


class Histories(RuleBasedStateMachine):
    """`right` draws whether the one who may do it does it; else it is anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.before: dict[bytes, Kept] = {}

    @initialize()
    def two_logs(self) -> None:
        for owner, key in ((OWNER, ANCHOR), (OTHER, NEXT)):
            self.world.send(owner, "openLog", owner.address, key.address, self.world.salt(), ORIGIN_HASH)
        self.remember()

    def log(self, at: int) -> tuple[bytes, Kept]:
        """Return one of the logs; now and then one that does not exist."""
        logs = list(self.world.model.logs.items())
        return logs[at % len(logs)] if at < 30 else (b"\x77" * 32, Kept(ZERO, ZERO))

    def fits(self, log_id: bytes, log: Kept, successor: bytes, other: Kept) -> bool:
        """Say whether a log may go on in place of another."""
        return successor != log_id and other.owner == log.owner and other.successor == NONE

    def remember(self) -> None:
        self.before = {log_id: replace(log) for log_id, log in self.world.model.logs.items()}

    def done(self, sender: Key, name: str, log_id: bytes, *arguments: Any) -> None:
        """Send, then see that no other log moved and that only who may changed this one."""
        self.remember()
        answer = self.world.send(sender, name, log_id, *arguments)
        for other in self.before:
            self.world.compare(other)
            if other != log_id:
                assert self.world.model.logs[other] == self.before[other]
        if answer.error == "" and name not in ("anchor", "acceptOwner"):
            assert self.before[log_id].owner == sender.address
        if answer.error == "" and name == "acceptOwner":
            assert self.before[log_id].proposed == sender.address
        if answer.error != "" and log_id in self.before:
            assert self.world.model.logs[log_id] == self.before[log_id]

    @rule(opener=people, owner=people, key=people)
    def open_log(self, opener: Key, owner: Key, key: Key) -> None:
        salt = self.world.salt()
        self.world.send(opener, "openLog", owner.address, key.address, salt, ORIGIN_HASH)
        assert (
            self.world.send(opener, "openLog", opener.address, key.address, salt, NONE).error == "LogExists"
        )

    @rule(at=at_log, tree=st.sampled_from(TREES), more=st.integers(-3, 15), right=often, who=people)
    def anchor(self, at: int, tree: Tree, more: int, right: bool, who: Key) -> None:
        log_id, log = self.log(at)
        size = min(max(log.size + more, 0), SIZE_MOST)
        root = tree.root(size) if size else NONE
        proof = tree.consistency(log.size, size) if 0 < log.size <= size else ()
        key = ADDRESSES.get(log.anchor_key, who) if right else who
        signature = self.world.signed(key, log_id, size, root)
        self.done(who, "anchor", log_id, size, root, proof, signature)

    @rule(at=at_log, right=often, who=people, key=st.sampled_from((*EVERYBODY, None)))
    def rotate(self, at: int, right: bool, who: Key, key: Key | None) -> None:
        log_id, log = self.log(at)
        sender = ADDRESSES.get(log.owner, who) if right else who
        self.done(sender, "rotateAnchorKey", log_id, key.address if key else ZERO)

    @rule(at=at_log, right=often, who=people, to=st.sampled_from((*EVERYBODY, None)))
    def propose(self, at: int, right: bool, who: Key, to: Key | None) -> None:
        log_id, log = self.log(at)
        sender = ADDRESSES.get(log.owner, who) if right else who
        self.done(sender, "proposeOwner", log_id, to.address if to else ZERO)

    @rule(at=at_log, right=often, who=people)
    def accept(self, at: int, right: bool, who: Key) -> None:
        log_id, log = self.log(at)
        self.done(ADDRESSES.get(log.proposed, who) if right else who, "acceptOwner", log_id)

    @rule(at=at_log, to=at_log, right=often, who=people)
    def supersede(self, at: int, to: int, right: bool, who: Key) -> None:
        (log_id, log), (successor, _) = self.log(at), self.log(to)
        fitting = [one for one, other in self.world.model.logs.items() if self.fits(log_id, log, one, other)]
        if right and fitting:
            successor = fitting[to % len(fitting)]
        sender = ADDRESSES.get(log.owner, who) if right else who
        self.done(sender, "supersede", log_id, successor, b"\x0e" * 32)

    @invariant()
    def nothing_shrinks_and_nothing_ended_moves(self) -> None:
        for log_id, before in self.before.items():
            log = self.world.model.logs[log_id]
            assert self.world.contract.look("checkpoint", log_id).values == (log.size, log.root)
            assert log.size >= before.size
            assert log.size > before.size or log.root == before.root
            assert before.successor == NONE or log == before


Histories.TestCase.settings = settings(
    max_examples=40, stateful_step_count=STEPS, derandomize=True, deadline=None
)
TestHistories = Histories.TestCase

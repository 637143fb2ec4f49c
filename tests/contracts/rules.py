"""The rules of owner, key, offer and successor as a table: one row per rule, refused ones included.

A row is a way to a state and then one transaction, with the error it must give ("" when it is taken). The world holds
every transaction of every row against the model as well: arguments of errors, events, what is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.contracts.forgeries import Ground
from tests.contracts.model import NONE
from tests.contracts.signing import ZERO, Key
from tests.contracts.world import ANCHOR, NEXT, ORIGIN_HASH, OTHER, OWNER, RELAY, STRANGER, THIRD, World

REASON = b"\x0e" * 32
ROOT = b"\x01" * 32

Way = Callable[[World], bytes]
"""Goes to a state and returns the log it is about."""


@dataclass(frozen=True, slots=True)
class Row:
    """`last(world, log)` gives sender, function and arguments of the transaction that is asked about."""

    rule: str
    way: Way
    last: Callable[[World, bytes], tuple[Any, ...]]
    error: str = ""


def play(world: World, row: Row) -> None:
    """Play one row.

    Raises:
        AssertionError: another error than the row says, or contract and model differ.
    """
    log_id = row.way(world)
    answer = world.send(*row.last(world, log_id))
    assert answer.error == row.error, (row.rule, answer)


def _opened(world: World) -> bytes:
    return world.opened()


def _anchored(world: World) -> bytes:
    return world.anchored(7, ROOT)


def _unknown(world: World) -> bytes:
    return b"\x99" * 32


def _offered(world: World) -> bytes:
    log_id = world.opened()
    world.send(OWNER, "proposeOwner", log_id, OTHER.address)
    return log_id


def _taken_back(world: World) -> bytes:
    log_id = _offered(world)
    world.send(OWNER, "proposeOwner", log_id, ZERO)
    return log_id


def _offered_to_a_third(world: World) -> bytes:
    log_id = _offered(world)
    world.send(OWNER, "proposeOwner", log_id, THIRD.address)
    return log_id


def _accepted(world: World) -> bytes:
    log_id = _offered(world)
    world.send(OTHER, "acceptOwner", log_id)
    return log_id


def _rotated(world: World) -> bytes:
    log_id = _anchored(world)
    world.send(OWNER, "rotateAnchorKey", log_id, NEXT.address)
    return log_id


def _superseded(world: World) -> bytes:
    log_id = _anchored(world)
    world.send(OWNER, "proposeOwner", log_id, OTHER.address)
    world.send(OWNER, "supersede", log_id, world.opened(), REASON)
    return log_id


def _successor(world: World) -> bytes:
    """The log that goes on in place of another."""
    old, new = _anchored(world), _opened(world)
    world.send(OWNER, "supersede", old, new, REASON)
    return new


def _sent(sender: Key, name: str, *arguments: Any) -> Callable[[World, bytes], tuple[Any, ...]]:
    return lambda world, log_id: (sender, name, log_id, *arguments)


def _superseding(
    sender: Key, successor: Callable[[World, bytes], bytes]
) -> Callable[[World, bytes], tuple[Any, ...]]:
    return lambda world, log_id: (sender, "supersede", log_id, successor(world, log_id), REASON)


def _signing(
    key: Key, size: int, root: bytes = ROOT, proof: tuple[bytes, ...] = (), sender: Key = RELAY
) -> Callable[[World, bytes], tuple[Any, ...]]:
    return lambda world, log_id: (
        sender, "anchor", log_id, size, root, proof, world.signed(key, log_id, size, root),
    )  # fmt: skip


def _opening(owner: bytes, key: bytes, salt: bytes | None = None, sender: Key = OTHER) -> Any:
    return lambda world, log_id: (
        sender, "openLog", owner, key, salt or world.salt(), ORIGIN_HASH,
    )  # fmt: skip


def _with_salt(world: World) -> bytes:
    (log_id,) = world.send(OTHER, "openLog", OWNER.address, ANCHOR.address, NONE, ORIGIN_HASH).values
    assert isinstance(log_id, bytes)
    return log_id


def _new_owners_log(world: World, log_id: bytes) -> bytes:
    return world.opened(owner=OTHER)


def _ended_log(world: World, log_id: bytes) -> bytes:
    return _superseded(world)


def _next(world: World) -> bytes:
    case = GROUND.consistency()
    return world.anchored(case.old_size, case.old_root)


GROUND = Ground(Random(5), 5, 8)
HONEST = GROUND.consistency()
_honest = (HONEST.new_size, HONEST.new_root, HONEST.proof)
_FORGED_ROOT = bytes(31) + b"\x01"

OPENING = (
    Row("anybody opens a log for any owner and key", _opened, _opening(OWNER.address, ANCHOR.address)),
    Row("the owner may be the key", _opened, _opening(OWNER.address, OWNER.address)),
    Row("no owner of zero", _opened, _opening(ZERO, ANCHOR.address), "ZeroAddress"),
    Row("no key of zero", _opened, _opening(OWNER.address, ZERO), "ZeroAddress"),
    Row(
        "one log per opener and salt",
        _with_salt,
        lambda world, log_id: (OTHER, "openLog", THIRD.address, NEXT.address, NONE, ORIGIN_HASH),
        "LogExists",
    ),
    Row(
        "the same salt of another opener is another log",
        _with_salt,
        lambda world, log_id: (THIRD, "openLog", OWNER.address, ANCHOR.address, NONE, ORIGIN_HASH),
    ),
)
ANCHORING = (
    Row("the first checkpoint needs no proof", _opened, _signing(ANCHOR, 7)),
    Row("a first checkpoint of one entry", _opened, _signing(ANCHOR, 1)),
    Row("a first checkpoint of 2^63 entries", _opened, _signing(ANCHOR, 2**63)),
    Row("no root is forbidden", _opened, _signing(ANCHOR, 7, NONE)),
    Row("a first checkpoint with a proof", _opened, _signing(ANCHOR, 7, ROOT, (ROOT,)), "ProofNotEmpty"),
    Row("a size of 0", _opened, _signing(ANCHOR, 0), "SizeOutOfRange"),
    Row("a size of 2^63 + 1", _opened, _signing(ANCHOR, 2**63 + 1), "SizeOutOfRange"),
    Row("the first by a stranger", _opened, _signing(STRANGER, 7), "SignatureWrong"),
    Row("the first by the owner", _opened, _signing(OWNER, 7), "SignatureWrong"),
    Row("a log that was not opened", _unknown, _signing(ANCHOR, 7), "LogUnknown"),
    Row("an honest later checkpoint", _next, _signing(ANCHOR, *_honest)),
    Row("relayed by the owner", _next, _signing(ANCHOR, *_honest, OWNER)),
    Row("relayed by anybody", _next, _signing(ANCHOR, *_honest, STRANGER)),
    Row("a later one by a stranger", _next, _signing(STRANGER, *_honest), "SignatureWrong"),
    Row("the same size again", _next, _signing(ANCHOR, 5, HONEST.old_root), "SizeNotLarger"),
    Row("a smaller size", _next, _signing(ANCHOR, 4, ROOT), "SizeNotLarger"),
    Row("a size of 0 later", _next, _signing(ANCHOR, 0, ROOT), "SizeOutOfRange"),
    Row("a forged root", _next, _signing(ANCHOR, 8, _FORGED_ROOT, HONEST.proof), "Inconsistent"),
    Row("no proof", _next, _signing(ANCHOR, 8, HONEST.new_root), "Inconsistent"),
    Row("the longest proof there is", _next, _signing(ANCHOR, 8, ROOT, (ROOT,) * 4), "Inconsistent"),
    Row("one hash more", _next, _signing(ANCHOR, 8, ROOT, (ROOT,) * 5), "ProofTooLong"),
    Row("one hash more, of 9", _next, _signing(ANCHOR, 9, ROOT, (ROOT,) * 6), "ProofTooLong"),
    Row("five hashes of 9", _next, _signing(ANCHOR, 9, ROOT, (ROOT,) * 5), "Inconsistent"),
    Row("64 hashes of 2^63", _next, _signing(ANCHOR, 2**63, ROOT, (ROOT,) * 64), "Inconsistent"),
    Row("65 hashes of 2^63", _next, _signing(ANCHOR, 2**63, ROOT, (ROOT,) * 65), "ProofTooLong"),
    Row("1,000 hashes", _next, _signing(ANCHOR, 8, ROOT, (ROOT,) * 1000), "ProofTooLong"),
    Row("the key that was rotated out", _rotated, _signing(ANCHOR, 8), "SignatureWrong"),
    Row("the key that was rotated in", _rotated, _signing(NEXT, 8), "Inconsistent"),
    Row("a log with a successor", _superseded, _signing(ANCHOR, 8), "LogSuperseded"),
    Row("the successor begins anew", _successor, _signing(ANCHOR, 3)),
)
KEYS = (
    Row("the owner rotates", _opened, _sent(OWNER, "rotateAnchorKey", NEXT.address)),
    Row("the owner rotates after a checkpoint", _anchored, _sent(OWNER, "rotateAnchorKey", NEXT.address)),
    Row("to the same key", _opened, _sent(OWNER, "rotateAnchorKey", ANCHOR.address)),
    Row("to zero", _opened, _sent(OWNER, "rotateAnchorKey", ZERO), "ZeroAddress"),
    Row("by the key itself", _opened, _sent(ANCHOR, "rotateAnchorKey", NEXT.address), "NotAllowed"),
    Row("by the opener", _opened, _sent(RELAY, "rotateAnchorKey", NEXT.address), "NotAllowed"),
    Row("by a stranger", _opened, _sent(STRANGER, "rotateAnchorKey", NEXT.address), "NotAllowed"),
    Row("by whom it is offered to", _offered, _sent(OTHER, "rotateAnchorKey", NEXT.address), "NotAllowed"),
    Row("by the former owner", _accepted, _sent(OWNER, "rotateAnchorKey", NEXT.address), "NotAllowed"),
    Row("by the new owner", _accepted, _sent(OTHER, "rotateAnchorKey", NEXT.address)),
    Row("of no log", _unknown, _sent(OWNER, "rotateAnchorKey", NEXT.address), "LogUnknown"),
    Row("of an ended log", _superseded, _sent(OWNER, "rotateAnchorKey", NEXT.address), "LogSuperseded"),
)
OWNERS = (
    Row("the owner offers", _opened, _sent(OWNER, "proposeOwner", OTHER.address)),
    Row("the owner offers to another instead", _offered, _sent(OWNER, "proposeOwner", THIRD.address)),
    Row("the owner takes an offer back", _offered, _sent(OWNER, "proposeOwner", ZERO)),
    Row("a stranger offers", _opened, _sent(STRANGER, "proposeOwner", STRANGER.address), "NotAllowed"),
    Row("the key offers", _opened, _sent(ANCHOR, "proposeOwner", ANCHOR.address), "NotAllowed"),
    Row("the former owner offers", _accepted, _sent(OWNER, "proposeOwner", OWNER.address), "NotAllowed"),
    Row("of no log", _unknown, _sent(OWNER, "proposeOwner", OTHER.address), "LogUnknown"),
    Row("of an ended log", _superseded, _sent(OWNER, "proposeOwner", OTHER.address), "LogSuperseded"),
    Row("who was offered it accepts", _offered, _sent(OTHER, "acceptOwner")),
    Row("the owner accepts for another", _offered, _sent(OWNER, "acceptOwner"), "NotAllowed"),
    Row("a stranger accepts", _offered, _sent(STRANGER, "acceptOwner"), "NotAllowed"),
    Row("the anchor key accepts", _offered, _sent(ANCHOR, "acceptOwner"), "NotAllowed"),
    Row("nothing was offered", _opened, _sent(OTHER, "acceptOwner"), "NotAllowed"),
    Row("it was taken back", _taken_back, _sent(OTHER, "acceptOwner"), "NotAllowed"),
    Row("it was offered to a third", _offered_to_a_third, _sent(OTHER, "acceptOwner"), "NotAllowed"),
    Row("the third accepts", _offered_to_a_third, _sent(THIRD, "acceptOwner")),
    Row("twice", _accepted, _sent(OTHER, "acceptOwner"), "NotAllowed"),
    Row("of no log", _unknown, _sent(OTHER, "acceptOwner"), "LogUnknown"),
    Row("of an ended log", _superseded, _sent(OTHER, "acceptOwner"), "LogSuperseded"),
    Row("an owner's change leaves the key", _accepted, _signing(ANCHOR, 7)),
)
SUCCESSORS = (
    Row("the owner names a log of their own", _anchored, _superseding(OWNER, lambda w, _: w.opened())),
    Row("also before any checkpoint", _opened, _superseding(OWNER, lambda w, _: w.opened())),
    Row("the successor has checkpoints", _opened, _superseding(OWNER, lambda w, _: _anchored(w))),
    Row("itself", _anchored, _superseding(OWNER, lambda w, log_id: log_id), "SuccessorRefused"),
    Row("a log of another owner", _anchored, _superseding(OWNER, _new_owners_log), "SuccessorRefused"),
    Row("an ended log", _anchored, _superseding(OWNER, _ended_log), "SuccessorRefused"),
    Row("no log", _anchored, _superseding(OWNER, lambda w, _: b"\x98" * 32), "SuccessorRefused"),
    Row("the id zero", _anchored, _superseding(OWNER, lambda w, _: NONE), "SuccessorRefused"),
    Row("twice", _superseded, _superseding(OWNER, lambda w, _: w.opened()), "LogSuperseded"),
    Row("by a stranger", _anchored, _superseding(STRANGER, lambda w, _: w.opened()), "NotAllowed"),
    Row("by the key", _anchored, _superseding(ANCHOR, lambda w, _: w.opened()), "NotAllowed"),
    Row("to one's own log", _anchored, _superseding(OTHER, _new_owners_log), "NotAllowed"),
    Row("of no log", _unknown, _superseding(OWNER, lambda w, _: w.opened()), "LogUnknown"),
    Row("a successor has one in turn", _successor, _superseding(OWNER, lambda w, _: w.opened())),
)
ROWS = (*OPENING, *ANCHORING, *KEYS, *OWNERS, *SUCCESSORS)

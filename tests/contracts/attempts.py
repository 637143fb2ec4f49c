"""Anchors that must be refused, in every way we could think of, and relations of signatures that must not be taken.

Each kind is a function from a world and a drawn ground to one attempt. The model judges it inside the world, with the
arguments of the error; an attempt returns whether the contract took it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.contracts.deployed import BARE, STARVED
from tests.contracts.forgeries import UINT64, Consistency, Ground, flipped, sizes
from tests.contracts.signing import (
    DOMAIN_TYPE,
    ORDER,
    ZERO,
    Key,
    digest,
    domain_hash,
    hashed,
    struct_hash,
    word,
)
from tests.contracts.world import ANCHOR, NEXT, OWNER, RELAY, STRANGER, World

Attempt = Callable[[World, Ground], bool]
GAS_LEAST, GAS_MOST = 21_000, 130_000


class Prepared:
    """A log with its first checkpoint, and the honest next one."""

    def __init__(self, world: World, ground: Ground) -> None:
        self.world, self.draw = world, ground.draw
        self.case = ground.consistency()
        self.log_id = world.anchored(self.case.old_size, self.case.old_root)
        self.digest = world.model.digest(self.log_id, self.case.new_size, self.case.new_root)

    def tried(self, signature: bytes) -> bool:
        """Anchor the honest next checkpoint with a signature, sent by anybody; return whether it was taken."""
        sender = self.draw.choice((RELAY, OWNER, ANCHOR, STRANGER))
        case = self.case
        arguments = (self.log_id, case.new_size, case.new_root, case.proof, signature)
        return self.world.send(sender, "anchor", *arguments).error == ""

    def tried_case(self, case: Consistency) -> bool:
        """Anchor the new side of another case, with a right signature."""
        return self.world.anchor(self.log_id, case.new_size, case.new_root, case.proof).error == ""


def anchored_case(world: World, case: Consistency) -> bool:
    """Play a case of consistency as two anchors, well signed; return whether the second was taken."""
    log_id = world.opened()
    first = world.anchor(log_id, case.old_size, case.old_root)
    second = world.anchor(log_id, case.new_size, case.new_root, case.proof)
    return first.error == "" and second.error == ""


def play(world: World, draw: Random, count: int) -> dict[str, int]:
    """Play `count` attempts, the kinds in turn; return how many of each kind were taken.

    Raises:
        AssertionError: contract and model differ.
    """
    names = list(ATTEMPTS)
    taken = dict.fromkeys(names, 0)
    for at in range(count):
        name = names[at % len(names)]
        taken[name] += ATTEMPTS[name](world, Ground(draw, *sizes(draw)))
    return taken


# ------------------------------------------------------------------------------------------------------- signatures
def _signed_by(key: Key) -> Attempt:
    def attempt(world: World, ground: Ground) -> bool:
        prepared = Prepared(world, ground)
        return prepared.tried(world.signed_digest(key, prepared.digest))

    return attempt


def _changed_signature(change: Callable[[Random, bytes], bytes]) -> Attempt:
    def attempt(world: World, ground: Ground) -> bool:
        prepared = Prepared(world, ground)
        return prepared.tried(change(ground.draw, ANCHOR.sign(prepared.digest)))

    return attempt


def _signed_instead(other: Callable[[Prepared], bytes]) -> Attempt:
    """The anchor key signed, but something else."""

    def attempt(world: World, ground: Ground) -> bool:
        prepared = Prepared(world, ground)
        return prepared.tried(world.signed_digest(ANCHOR, other(prepared)))

    return attempt


def _twin(draw: Random, signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + word(s) + bytes([55 - signature[64]])


def _twin_same_v(draw: Random, signature: bytes) -> bytes:
    return signature[:32] + word(ORDER - int.from_bytes(signature[32:64], "big")) + signature[64:]


def _compact(draw: Random, signature: bytes) -> bytes:
    odd = (signature[64] - 27) << 255
    return signature[:32] + word(int.from_bytes(signature[32:64], "big") | odd)


def _v(draw: Random, signature: bytes) -> bytes:
    return signature[:64] + bytes([draw.choice((0, 1, 26, 29, 30, 35, 36, 255))])


def _other_v(draw: Random, signature: bytes) -> bytes:
    return signature[:64] + bytes([55 - signature[64]])


def _edge_r(draw: Random, signature: bytes) -> bytes:
    return word(draw.choice((0, ORDER, ORDER + 1, 2**256 - 1))) + signature[32:]


def _edge_s(draw: Random, signature: bytes) -> bytes:
    edges = (0, ORDER // 2 + 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1)
    return signature[:32] + word(draw.choice(edges)) + signature[64:]


def _nothing(draw: Random, signature: bytes) -> bytes:
    return draw.choice((bytes(65), bytes(64) + b"\x1b", bytes(64) + b"\x1c", b"\xff" * 65))


def _digest_of(
    chain: int = 0, contract: int = 0, log: bytes = b"", size: int = 0, root: bytes = b""
) -> Callable[[Prepared], bytes]:
    """What would be signed with these differences: added to chain id and address, put in place of log and root."""

    def other(prepared: Prepared) -> bytes:
        model, case = prepared.world.model, prepared.case
        address = (int.from_bytes(model.contract, "big") + contract).to_bytes(20, "big")
        log_id = log or prepared.log_id
        return digest(model.chain_id + chain, address, log_id, case.new_size + size, root or case.new_root)

    return other


def _bare_struct(prepared: Prepared) -> bytes:
    return struct_hash(prepared.log_id, prepared.case.new_size, prepared.case.new_root)


def _without_prefix(prepared: Prepared) -> bytes:
    model = prepared.world.model
    return hashed(domain_hash(model.chain_id, model.contract) + _bare_struct(prepared))


def _personal(prepared: Prepared) -> bytes:
    """The form that wallets sign for plain text (EIP-191, version 0x45)."""
    return hashed(b"\x19Ethereum Signed Message:\n32" + prepared.digest)


def _other_domain(prepared: Prepared) -> bytes:
    model = prepared.world.model
    name, version = prepared.draw.choice(((b"CheckpointAnchor", b"1"), (b"TallystickCheckpointAnchor", b"2")))
    domain = domain_hash(model.chain_id, model.contract, name, version)
    return hashed(b"\x19\x01" + domain + _bare_struct(prepared))


def _packed_domain(prepared: Prepared) -> bytes:
    model = prepared.world.model
    domain = hashed(hashed(DOMAIN_TYPE) + word(model.chain_id) + model.contract)
    return hashed(b"\x19\x01" + domain + _bare_struct(prepared))


def _from_another_log(world: World, ground: Ground) -> bool:
    """Two logs of one key: what was signed for one is relayed to the other."""
    first, second = Prepared(world, ground), Prepared(world, ground)
    return second.tried(world.signed_digest(ANCHOR, first.digest))


def _rotated_out(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    world.send(OWNER, "rotateAnchorKey", prepared.log_id, NEXT.address)
    return prepared.tried(world.signed_digest(ANCHOR, prepared.digest))


def _no_signature_zero_key(world: World, ground: Ground) -> bool:
    """A log cannot be opened with a key of zero, so what recovers to zero never fits."""
    salt = world.salt()
    answer = world.send(RELAY, "openLog", OWNER.address, ZERO, salt, bytes(32))
    log_id = world.model.log_id(RELAY.address, salt)
    taken = world.send(RELAY, "anchor", log_id, ground.new, ground.hash(), (), bytes(65))
    return answer.error == "" or taken.error == ""


# ------------------------------------------------------------------------------------------- states, sizes, proofs
def _again(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    signature = world.signed_digest(ANCHOR, prepared.digest)
    assert prepared.tried(signature)
    return prepared.tried(signature)


def _smaller(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    assert prepared.tried_case(prepared.case)
    size = ground.draw.randint(1, prepared.case.new_size)
    return world.anchor(prepared.log_id, size, ground.tree(size).root(size)).error == ""


def _size_outside(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    size = ground.draw.choice((0, 2**63 + 1, UINT64, ground.draw.randint(2**63 + 1, UINT64)))
    case = prepared.case
    return world.anchor(prepared.log_id, size, case.new_root, case.proof).error == ""


def _first_outside(world: World, ground: Ground) -> bool:
    size = ground.draw.choice((0, 2**63 + 1, UINT64))
    return world.anchor(world.opened(), size, ground.hash()).error == ""


def _first_with_proof(world: World, ground: Ground) -> bool:
    case = ground.consistency()
    proof = case.proof or (ground.hash(),)
    return world.anchor(world.opened(), case.new_size, case.new_root, proof).error == ""


def _unknown(world: World, ground: Ground) -> bool:
    return world.anchor(ground.hash(), ground.new, ground.hash()).error == ""


def _superseded(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    world.send(OWNER, "supersede", prepared.log_id, world.opened(), bytes(32))
    return prepared.tried_case(prepared.case)


def _stolen_key_fork(world: World, ground: Ground) -> bool:
    """Whoever stole the key signs a rewritten history, with its own honest proof."""
    prepared = Prepared(world, ground)
    other = ground.tree(fork=ground.draw.randrange(ground.old))
    proof = other.consistency(ground.old, ground.new)
    return world.anchor(prepared.log_id, ground.new, other.root(ground.new), proof).error == ""


def _after_a_lie(world: World, ground: Ground) -> bool:
    """After a lie about the size that was taken, the true tree no longer fits: what `supersede` is for."""
    prepared = Prepared(world, ground)
    case, lie = prepared.case, min(ground.new + ground.draw.choice((1, 2, 3)), 2**63)
    lied = world.anchor(prepared.log_id, lie, case.new_root, case.proof).error == ""
    later = min(ground.new + ground.draw.randint(4, 60), 2**63)
    tree = ground.tree(later)
    proof = tree.consistency(ground.new, later)
    answer = world.anchor(prepared.log_id, later, tree.root(later), proof)
    return lied and answer.error == ""


def _long_proof(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    longest = (ground.new - 1).bit_length() + 1
    count = ground.draw.choice((longest + 1, longest + 2, 66, 200, 1000))
    proof = (*prepared.case.proof, *([ground.hash()] * count))[:count]
    return world.anchor(prepared.log_id, ground.new, prepared.case.new_root, proof).error == ""


def _starved_forgery(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    case = prepared.case
    root = flipped(ground.draw, case.new_root)
    signature = world.signed(ANCHOR, prepared.log_id, case.new_size, root)
    gas = ground.draw.randint(GAS_LEAST, GAS_MOST)
    arguments = (prepared.log_id, case.new_size, root, case.proof, signature)
    return world.starved(RELAY, "anchor", *arguments, gas=gas).error == ""


def _starved_signature(world: World, ground: Ground) -> bool:
    prepared = Prepared(world, ground)
    case = prepared.case
    signature = world.signed_digest(STRANGER, prepared.digest)
    gas = ground.draw.randint(GAS_LEAST, GAS_MOST)
    arguments = (prepared.log_id, case.new_size, case.new_root, case.proof, signature)
    return world.starved(RELAY, "anchor", *arguments, gas=gas).error == ""


def _starved_view(world: World, ground: Ground) -> bool:
    """A forged proof is false or has no answer, with any gas; an honest one is true or has no answer."""
    case = ground.consistency()
    forged = (case.old_size, case.old_root, case.new_size, flipped(ground.draw, case.new_root), case.proof)
    gas = ground.draw.randint(GAS_LEAST, GAS_MOST)
    for arguments, truth in ((forged, False), (case.arguments, True)):
        answer = world.contract.look("verifyConsistency", *arguments, gas=gas)
        assert answer.error in (BARE, STARVED) or answer.values == (truth,), (arguments, gas, answer)
    path = ground.inclusion()
    wrong = (path.entry + b"!", *path.arguments[1:])
    answer = world.contract.look("verifyInclusion", *wrong, gas=gas)
    assert answer.error in (BARE, STARVED) or answer.values == (False,), (wrong, gas, answer)
    return False


ATTEMPTS: dict[str, Attempt] = {
    "signature: of a stranger's key": _signed_by(STRANGER),
    "signature: of the owner's key": _signed_by(OWNER),
    "signature: of the relay's key": _signed_by(RELAY),
    "signature: a bit flipped": _changed_signature(lambda draw, given: flipped(draw, given)),
    "signature: the twin with a high s": _changed_signature(_twin),
    "signature: a high s with the same v": _changed_signature(_twin_same_v),
    "signature: 64 bytes": _changed_signature(lambda draw, given: given[:64]),
    "signature: 64 bytes, compact": _changed_signature(_compact),
    "signature: 66 bytes": _changed_signature(lambda draw, given: given + b"\0"),
    "signature: no bytes": _changed_signature(lambda draw, given: b""),
    "signature: any number of bytes": _changed_signature(
        lambda draw, given: draw.randbytes(draw.choice((1, 32, 63, 96, 128, 130)))
    ),
    "signature: another v": _changed_signature(_v),
    "signature: the other v": _changed_signature(_other_v),
    "signature: r at an edge": _changed_signature(_edge_r),
    "signature: s at an edge": _changed_signature(_edge_s),
    "signature: of nothing": _changed_signature(_nothing),
    "signature: made up": _changed_signature(lambda draw, given: draw.randbytes(64) + b"\x1b"),
    "signature: for another chain": _signed_instead(_digest_of(chain=1)),
    "signature: for another contract": _signed_instead(_digest_of(contract=1)),
    "signature: for another log": _signed_instead(_digest_of(log=b"\x07" * 32)),
    "signature: for another size": _signed_instead(_digest_of(size=1)),
    "signature: for another root": _signed_instead(_digest_of(root=b"\x07" * 32)),
    "signature: of the struct alone": _signed_instead(_bare_struct),
    "signature: without 0x1901": _signed_instead(_without_prefix),
    "signature: as plain text": _signed_instead(_personal),
    "signature: in another domain": _signed_instead(_other_domain),
    "signature: in a packed domain": _signed_instead(_packed_domain),
    "signature: taken from another log": _from_another_log,
    "signature: of a key that was rotated out": _rotated_out,
    "signature: none, and a key of zero": _no_signature_zero_key,
    "anchor: the same again": _again,
    "anchor: a smaller size": _smaller,
    "anchor: a size out of range": _size_outside,
    "anchor: a first size out of range": _first_outside,
    "anchor: a first one with a proof": _first_with_proof,
    "anchor: an unknown log": _unknown,
    "anchor: a superseded log": _superseded,
    "anchor: a fork by a stolen key": _stolen_key_fork,
    "anchor: the truth after a lie": _after_a_lie,
    "anchor: a proof too long": _long_proof,
    "starved: a forged root": _starved_forgery,
    "starved: a foreign signature": _starved_signature,
    "starved: views": _starved_view,
}

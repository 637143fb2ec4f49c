"""Keys of the tests, and what they sign: EIP-712 written out once more, by hand.

A key signs with one and the same nonce always, which makes signing a few multiplications and gives the key away: these
keys are numbers in a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey, Signature

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ZERO = bytes(20)
DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
CHECKPOINT_TYPE = b"Checkpoint(bytes32 logId,uint64 treeSize,bytes32 root)"
NAME = b"TallystickCheckpointAnchor"


def hashed(data: bytes) -> bytes:
    """Return Keccak-256."""
    return bytes(keccak(data))


def word(number: int) -> bytes:
    """Return a number as 32 bytes."""
    return number.to_bytes(32, "big")


def struct_hash(log_id: bytes, size: int, root: bytes) -> bytes:
    """Return hashStruct of a Checkpoint (EIP-712)."""
    return hashed(hashed(CHECKPOINT_TYPE) + log_id + word(size) + root)


def domain_hash(chain_id: int, contract: bytes, name: bytes = NAME, version: bytes = b"1") -> bytes:
    """Return the domain separator (EIP-712)."""
    return hashed(
        hashed(DOMAIN_TYPE) + hashed(name) + hashed(version) + word(chain_id) + contract.rjust(32, b"\0")
    )


def digest(chain_id: int, contract: bytes, log_id: bytes, size: int, root: bytes) -> bytes:
    """Return what the anchor key signs."""
    return hashed(b"\x19\x01" + domain_hash(chain_id, contract) + struct_hash(log_id, size, root))


@dataclass
class Key:
    """A secret number and its address; `sign` gives r, s, v with s in the lower half and v 27 or 28."""

    secret: int
    address: bytes = field(init=False)
    nonce: int = field(init=False)
    r: int = field(init=False)
    odd: int = field(init=False)

    def __post_init__(self) -> None:
        self.address = bytes(PrivateKey(word(self.secret)).public_key.to_canonical_address())
        self.nonce = int.from_bytes(hashed(word(self.secret)), "big") % ORDER
        point = PrivateKey(word(self.nonce)).public_key.to_bytes()
        self.r, self.odd = int.from_bytes(point[:32], "big") % ORDER, point[63] & 1

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a 32-byte digest."""
        z, odd = int.from_bytes(message, "big"), self.odd
        s = pow(self.nonce, -1, ORDER) * (z + self.r * self.secret) % ORDER
        if s > ORDER // 2:
            s, odd = ORDER - s, odd ^ 1
        return word(self.r) + word(s) + bytes([27 + odd])


def key_with_s(message: bytes, s: int) -> tuple[Key, bytes]:
    """Return a key whose signature of this digest has just this s, and that signature, whatever half s lies in."""
    maker = Key(7)
    z, r, nonce = int.from_bytes(message, "big"), maker.r, maker.nonce
    secret = (s * nonce - z) * pow(r, -1, ORDER) % ORDER
    return Key(secret), word(r) + word(s) + bytes([27 + maker.odd])


def well_formed(signature: bytes) -> bool:
    """Say whether a signature has the one form that counts; what it then recovers to is another question."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return 0 < r < ORDER and 0 < s <= ORDER // 2


def recovered(message: bytes, signature: bytes) -> bytes:
    """Return the signer's address by eth_keys, zero where there is none; 5 ms."""
    if not well_formed(signature):
        return ZERO
    made = Signature(signature[:64] + bytes([signature[64] - 27]))
    try:
        return bytes(made.recover_public_key_from_msg_hash(message).to_canonical_address())
    except Exception:  # eth_keys has several for an r that is no point
        return ZERO

"""Signatures of passkeys by pyca/cryptography, in the shape that casework/passkeys.py takes as an argument."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from casework.passkeys import EDDSA, ES256, RS256
from ledger.notes import SignatureWrong

RSA_BITS_MIN, RSA_BITS_MAX = 2_048, 4_096


def verify(spki: bytes, alg: int, message: bytes, signature: bytes) -> None:
    """Check a signature under a SubjectPublicKeyInfo (DER) and a COSE algorithm number.

    Raises:
        SignatureWrong: it does not verify, or the key is not one of that algorithm.
    """
    key = _key(spki, alg)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), SHA256())
        else:
            key.verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureWrong(f"expected one by this passkey (algorithm {alg}), got another") from None


def check_key(spki: bytes, alg: int) -> bytes:
    """Return the SPKI if it holds a key of this algorithm. Raises SignatureWrong."""
    _key(spki, alg)
    return spki


def _key(spki: bytes, alg: int) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey | Ed25519PublicKey:
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureWrong("passkey: expected a public key in DER, got other bytes") from None
    if alg == ES256 and isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if alg == EDDSA and isinstance(key, Ed25519PublicKey):
        return key
    if alg == RS256 and isinstance(key, rsa.RSAPublicKey) and RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        return key
    raise SignatureWrong(f"passkey: expected a key of algorithm {alg}, got another kind")

"""A time-stamp token (RFC 3161): that these bytes were there at that time, says an authority under a trusted root.

    1. one reading: a granted TimeStampResp with one signer   2. the imprint is the hash of the bytes
    3. the signer's certificate, and a path from it up to a trusted root, each valid at genTime   4. the certificate is
    for time stamps and for nothing else   5. the library checks the signature over all of it, along that very path

The path is built here because the library takes every certificate it is given for trusted. Not checked: revocation
lists, and the signing-certificate attribute (RFC 3161 section 2.4.2), which the library does not show. The caller says
which roots are trusted, and decides whether genTime is plausible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import TimeStampResponse, VerifierBuilder, decode_timestamp_response

from casework.errors import CaseworkError
from ledger.clock import instant_of

TOKEN_SIZE_MAX_BYTES = 16 * 1024
CERTIFICATES_MAX = 16
PATH_MAX = 6
AUTHORITY_CHARS_MAX = 500
HASHES: Mapping[str, str] = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""OID (RFC 5754 section 2) -> its name, here and in hashlib."""
REASONS: Mapping[str, str] = {
    "roots": "no roots are trusted here",
    "size": "the token is empty or too large",
    "unreadable": "the token is not what RFC 3161 says",
    "not_granted": "the authority did not grant it",
    "hash": "the hash is not one that counts",
    "other_content": "it was made over something else",
    "signer": "the certificate of its signer is not there, or not there once",
    "path": "no path leads from its signer to a trusted root",
    "purpose": "the signer's certificate is not for time stamps alone",
    "wrong_signature": "the signature does not hold",
    "in_future": "it says a time later than now",
    "chain": "too many certificates would have to be kept",
    "facts_differ": "what was put down is not what the token says",
}
"""Reason -> what it means. The sentence of a refusal begins with the reason and a colon."""


class StampFault(CaseworkError):
    """A time stamp does not count; `reason` is one of REASONS. The collector refuses with it."""

    def __init__(self, reason: str, said: str) -> None:
        """`said` has expected and got. A reason outside REASONS is our own mistake and a KeyError."""
        REASONS[reason]
        super().__init__(f"{reason}: {said}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Trust:
    """Certificates at hand: roots that are trusted, and others that may lie on the way to one."""

    roots: tuple[x509.Certificate, ...]
    others: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token says that holds."""

    authority: str
    policy: str
    serial: int
    stamped_at: str
    accuracy_ms: int | None
    hash: str
    path: tuple[x509.Certificate, ...]
    """From the signer's certificate up to the root."""
    inside: frozenset[str]
    """Fingerprints of the certificates that the token brings along."""


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate as 64 hex digits."""
    return certificate.fingerprint(SHA256()).hex()


def trust_of(pem: bytes) -> Trust:
    """Return the certificates of a PEM file: those that signed themselves are roots, the other ones may lie on the way.

    Raises:
        StampFault: roots.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise StampFault("roots", "expected a PEM file with certificates, got another") from error
    roots = tuple(one for one in found if _issued(one, one))
    if not roots:
        raise StampFault("roots", "expected a certificate that signed itself, got none")
    return Trust(roots, tuple(one for one in found if one not in roots))


def check_token(token: bytes, content: bytes, trust: Trust) -> Stamp:
    """Return what a token (TimeStampResp, DER) says of these bytes.

    Raises:
        StampFault: size, unreadable, not_granted, hash, other_content, signer, path, purpose, wrong_signature.
    """
    # 1. one reading
    response = _read(token)
    if response.status != 0:
        raise StampFault("not_granted", f"expected the status 0, granted, got {response.status}")
    info, signers = response.tst_info, list(response.signed_data.signer_infos)
    if len(signers) != 1:
        raise StampFault("signer", f"expected one signer, got {len(signers)}")
    # 2. the imprint
    name = HASHES.get(info.message_imprint.hash_algorithm.dotted_string)
    if name is None or any(one.dotted_string not in HASHES for one in response.signed_data.digest_algorithms):
        raise StampFault("hash", f"expected {', '.join(HASHES.values())}, got another")
    digest = hashlib.new(name, content).digest()
    if info.message_imprint.message != digest:
        got = info.message_imprint.message.hex()
        raise StampFault(
            "other_content", f"expected a stamp over {name} {digest.hex()}, got one over {got[:128]}"
        )
    # 3. the path, 4. what the certificate is for
    inside = _inside(response)
    pool = list({fingerprint(one): one for one in (*inside, *trust.others, *trust.roots)}.values())
    signer = [
        one
        for one in pool
        if (one.issuer, one.serial_number) == (signers[0].issuer, signers[0].serial_number)
    ]
    if len(signer) != 1:
        raise StampFault("signer", f"expected the signer's certificate once, got it {len(signer)} times")
    at = info.gen_time.astimezone(UTC)
    path = _path(signer[0], pool, trust.roots, at)
    _check_purpose(signer[0])
    # 5. the signature
    _check_signature(response, digest, path)
    return Stamp(
        _authority(signer[0]),
        info.policy.dotted_string,
        info.serial_number,
        instant_of((at - datetime(1970, 1, 1, tzinfo=UTC)) // _MS),
        _accuracy_ms(response),
        name,
        path,
        frozenset(fingerprint(one) for one in inside),
    )


def _read(token: bytes) -> TimeStampResponse:
    if not 0 < len(token) <= TOKEN_SIZE_MAX_BYTES:
        raise StampFault("size", f"expected 1 to {TOKEN_SIZE_MAX_BYTES} bytes, got {len(token)}")
    try:
        response = decode_timestamp_response(token)
        if response.as_bytes() != token:
            raise ValueError("not canonical")
        # each part is read when it is asked for: ask here for all that is needed below
        parts = (
            response.tst_info.gen_time,
            response.signed_data.certificates,
            response.tst_info.serial_number,
        )
        assert all(one is not None for one in parts)
    except BaseException as error:
        # A panic of the library is no Exception, and only what it was given can have caused it.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise StampFault("unreadable", "expected a TimeStampResp in DER, got other bytes") from error
        raise
    return response


def certificates(token: bytes) -> list[x509.Certificate]:
    """Return the certificates that a token brings along. Raises StampFault."""
    return _inside(_read(token))


def _inside(response: TimeStampResponse) -> list[x509.Certificate]:
    given = sorted(response.signed_data.certificates)
    if len(given) > CERTIFICATES_MAX:
        raise StampFault("signer", f"expected at most {CERTIFICATES_MAX} certificates, got {len(given)}")
    try:
        return [x509.load_der_x509_certificate(one) for one in given]
    except ValueError as error:
        raise StampFault("unreadable", "expected X.509 certificates, got other bytes") from error


# ---------------------------------------------------------------------------------------------- the path
def _path(
    signer: x509.Certificate,
    pool: Sequence[x509.Certificate],
    roots: Iterable[x509.Certificate],
    at: datetime,
) -> tuple[x509.Certificate, ...]:
    """Return the shortest path from the signer to a root, each certificate valid at that time (RFC 5280 section 6)."""
    trusted = {fingerprint(one) for one in roots}
    paths: list[tuple[x509.Certificate, ...]] = [(signer,)] if _valid(signer, at) else []
    for _ in range(PATH_MAX - 1):
        paths = [
            (*path, issuer)
            for path in paths
            for issuer in pool
            if issuer not in path
            and _valid(issuer, at)
            and _may_issue(issuer, len(path) - 1)
            and _issued(issuer, path[-1])
        ][:CERTIFICATES_MAX]
        for path in paths:
            if fingerprint(path[-1]) in trusted:
                return path
    raise StampFault("path", f"expected a path to a trusted root, valid at {at.isoformat()}, got none")


def _valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _may_issue(issuer: x509.Certificate, between: int) -> bool:
    """Say whether a certificate is an authority's, with so many other authorities between it and the signer."""
    try:
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = _extension(issuer, x509.KeyUsage)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    long_enough = basic.path_length is None or between <= basic.path_length
    return basic.ca and long_enough and (usage is None or usage.key_cert_sign)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _extension(certificate: x509.Certificate, kind: type[x509.KeyUsage]) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _check_purpose(signer: x509.Certificate) -> None:
    """RFC 3161 section 2.3: the extended key usage is critical and holds id-kp-timeStamping alone."""
    try:
        extended = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        usage = _extension(signer, x509.KeyUsage)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise StampFault("purpose", "expected an extended key usage, got none") from error
    if not extended.critical or list(extended.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise StampFault("purpose", "expected timeStamping alone, critical, got another extended key usage")
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise StampFault("purpose", "expected a key that signs, got another usage")


def _check_signature(response: TimeStampResponse, digest: bytes, path: Sequence[x509.Certificate]) -> None:
    signer, *between, root = path
    verifier = VerifierBuilder(tsa_certificate=signer, intermediates=between, roots=[root]).build()
    try:
        right = verifier.verify(response, digest)
    except Exception as error:  # the library raises what it meets: VerificationError, ValueError ...
        raise StampFault("wrong_signature", "expected a signature that holds, got another") from error
    if right is not True:
        raise StampFault("wrong_signature", "expected a signature that holds, got another")


# ---------------------------------------------------------------------------------------------- what it says
_MS = datetime.resolution * 1000


def _authority(signer: x509.Certificate) -> str:
    subject = signer.subject.rfc4514_string()
    if not 0 < len(subject) <= AUTHORITY_CHARS_MAX:
        raise StampFault(
            "signer", f"expected a subject of 1 to {AUTHORITY_CHARS_MAX} characters, got {len(subject)}"
        )
    return subject


def _accuracy_ms(response: TimeStampResponse) -> int | None:
    """Return the accuracy that the token states, rounded up to milliseconds; None: it states none."""
    told = getattr(response.tst_info, "accuracy", None)  # optional, whatever its annotation says
    if told is None:
        return None
    return (told.seconds or 0) * 1000 + (told.millis or 0) + -(-(told.micros or 0) // 1000)


def der(certificate: x509.Certificate) -> bytes:
    """Return the bytes of a certificate."""
    return certificate.public_bytes(Encoding.DER)

"""A time-stamp token (RFC 3161): that these bytes were there at that time, says an authority under a trusted root.

    1. one reading: a granted TimeStampResp with one signer   2. the imprint is the hash of the bytes
    3. the signer's certificate, and a path from it up to a trusted root, each valid at genTime   4. the certificate is
    for time stamps and for nothing else   5. the library checks the signature over all of it, along that very path

The path is built here because the library takes a root among the intermediates for trusted too. Not checked: revocation
lists, and the signing-certificate attribute (RFC 3161 section 2.4.2), which the library does not show. The caller says
which roots are trusted, and decides whether genTime is plausible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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


def trust_of(file: bytes) -> Trust:
    """Return the certificates of a file: those that signed themselves are roots, the other ones may lie on the way.

    The file is PEM with any number of them, or DER of one and nothing behind it: authorities publish their roots in
    either form, and a name that ends in .pem does not say which.

    Raises:
        StampFault: roots.
    """
    try:
        if file[:1] == _SEQUENCE:
            found = [x509.load_der_x509_certificate(file)]  # refuses whatever stands behind it
        else:
            found = x509.load_pem_x509_certificates(file)
    except ValueError as error:
        expected = "expected a PEM file with certificates or one certificate in DER"
        raise StampFault("roots", f"{expected}, got another") from error
    roots = tuple(one for one in found if _issued(one, one))
    if not roots:
        raise StampFault("roots", "expected a certificate that signed itself, got none")
    return Trust(roots, tuple(one for one in found if one not in roots))


_SEQUENCE = b"\x30"
"""What a certificate in DER begins with. As text it is a nought, and no PEM file begins with one."""


def check_token(token: bytes, content: bytes, trust: Trust) -> Stamp:
    """Return what a token (TimeStampResp, DER) says of these bytes.

    Raises:
        StampFault: size, unreadable, not_granted, hash, other_content, signer, path, purpose, wrong_signature.
    """
    with _reading():
        # 1. one reading
        response = _read(token)
        # 2. the imprint
        name, digest = _imprint(response, content)
        # 3. the path, 4. what the certificate is for
        inside, at = _inside(response), response.tst_info.gen_time.astimezone(UTC)
        pool = list({fingerprint(one): one for one in (*inside, *trust.others, *trust.roots)}.values())
        signer = _signer(response, pool)
        path = _path(signer, pool, trust.roots, at)
        _check_purpose(signer)
        # 5. the signature
        _check_signature(response, digest, path)
        return Stamp(
            _authority(signer),
            response.tst_info.policy.dotted_string,
            response.tst_info.serial_number,
            instant_of((at - datetime(1970, 1, 1, tzinfo=UTC)) // _MS),
            _accuracy_ms(response),
            name,
            path,
            frozenset(fingerprint(one) for one in inside),
        )


@contextmanager
def _reading() -> Iterator[None]:
    """Make a StampFault of whatever a library raises while it reads bytes from outside: both read each part only when
    it is asked for, so any line may raise. A panic of the library is no Exception, and only such bytes can cause it."""
    try:
        yield
    except StampFault:
        raise
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise StampFault("unreadable", "expected a TimeStampResp in DER, got other bytes") from error
        raise


def certificates(token: bytes) -> list[x509.Certificate]:
    """Return the certificates that a token brings along. Raises StampFault."""
    with _reading():
        return _inside(_read(token))


def _read(token: bytes) -> TimeStampResponse:
    if not 0 < len(token) <= TOKEN_SIZE_MAX_BYTES:
        raise StampFault("size", f"expected 1 to {TOKEN_SIZE_MAX_BYTES} bytes, got {len(token)}")
    response = decode_timestamp_response(token)
    if response.as_bytes() != token:
        raise StampFault("unreadable", "expected a TimeStampResp in DER, got bytes that read back as others")
    if response.status != 0:
        raise StampFault("not_granted", f"expected the status 0, granted, got {response.status}")
    return response


def _imprint(response: TimeStampResponse, content: bytes) -> tuple[str, bytes]:
    """Return the name of the hash and the digest of the content, which is the one in the token."""
    imprint, digests = response.tst_info.message_imprint, response.signed_data.digest_algorithms
    name = HASHES.get(imprint.hash_algorithm.dotted_string)
    if name is None or any(one.dotted_string not in HASHES for one in digests):
        raise StampFault("hash", f"expected {', '.join(HASHES.values())}, got another")
    digest = hashlib.new(name, content).digest()
    if imprint.message != digest:
        expected = f"expected a stamp over {name} {digest.hex()}"
        raise StampFault("other_content", f"{expected}, got one over {imprint.message.hex()[:128]}")
    return name, digest


def _signer(response: TimeStampResponse, pool: Iterable[x509.Certificate]) -> x509.Certificate:
    """Return the certificate of the one signer, known by issuer and number, which may be there only once."""
    signers = list(response.signed_data.signer_infos)
    if len(signers) != 1:
        raise StampFault("signer", f"expected one signer, got {len(signers)}")
    wanted = (signers[0].issuer, signers[0].serial_number)
    found = [one for one in pool if (one.issuer, one.serial_number) == wanted]
    if len(found) != 1:
        raise StampFault("signer", f"expected the signer's certificate once, got it {len(found)} times")
    return found[0]


def _inside(response: TimeStampResponse) -> list[x509.Certificate]:
    given = sorted(response.signed_data.certificates)
    if len(given) > CERTIFICATES_MAX:
        raise StampFault("signer", f"expected at most {CERTIFICATES_MAX} certificates, got {len(given)}")
    return [x509.load_der_x509_certificate(one) for one in given]


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
        raise StampFault(
            "wrong_signature", "expected a signature that holds along the path, got another"
        ) from error
    if right is not True:
        raise StampFault("wrong_signature", "expected a signature that holds along the path, got another")


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

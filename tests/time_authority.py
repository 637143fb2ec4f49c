"""A time-stamping authority for tests: certificates of its own, and tokens made by the real `openssl ts`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha1, sha256, sha384, sha512
ess_cert_id_alg = sha256
ordering = no
tsa_name = yes
{more}
"""
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
TIME_STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """Return the certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)


def holder(
    name: str,
    by: Holder | None = None,
    *,
    authority: bool = True,
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    critical: bool = True,
    days: tuple[int, int] = (-1, 1),
    path_length: int | None = None,
    like: Holder | None = None,
    bulk: int = 0,
    usage: str | None = None,
) -> Holder:
    """Return a certificate signed by `by`, or by itself; `days` is from and until when it is valid, from now.

    `like`: another one with the same key and number, which openssl would not sign with itself; `bulk`: so many bytes
    more; `usage`: the one thing that the key is for.
    """
    key, now = like.key if like else ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    number = like.certificate.serial_number if like else x509.random_serial_number()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(authority, path_length if authority else None), critical=True)
    )
    if bulk:
        wide = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.9"), b"\x04\x00" * (bulk // 2))
        made = made.add_extension(wide, critical=False)
    if usage is not None:
        made = made.add_extension(x509.KeyUsage(**{one: one == usage for one in USAGES}), critical=True)
    if purposes:
        made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
    return Holder(made.sign(key if by is None else by.key, SHA256()), key)


def signer(by: Holder, name: str = "Clock", **more: object) -> Holder:
    """Return a certificate that may stamp times and nothing else."""
    given: dict[str, object] = {"purposes": TIME_STAMPING, "authority": False, **more}
    return holder(name, by, **given)  # type: ignore[arg-type]


def stamp(
    folder: Path,
    by: Holder,
    content: bytes,
    *,
    digest: str = "sha256",
    certificates: bool = True,
    more: str = "",
) -> bytes:
    """Return a TimeStampResp over the content; `more` are lines of the authority's settings."""
    (folder / "content").write_bytes(content)
    (folder / "signer.pem").write_bytes(by.pem)
    key = by.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "signer.key").write_bytes(key)
    (folder / "serial").write_text("1000\n") if not (folder / "serial").exists() else None
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder, more=more))
    ask = [
        "-query",
        "-data",
        "content",
        f"-{digest}",
        *(["-cert"] if certificates else []),
        "-out",
        "ask.tsq",
    ]
    answer = ["-reply", "-config", "tsa.cnf", "-section", "one", "-queryfile", "ask.tsq"]
    answer += ["-signer", "signer.pem", "-inkey", "signer.key", "-out", "answer.tsr"]
    for words in (ask, answer):
        subprocess.run(["openssl", "ts", *words], cwd=folder, check=True, capture_output=True)
    return (folder / "answer.tsr").read_bytes()

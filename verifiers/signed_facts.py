"""Facts of what a third party signed: mail by the sender's domain, time stamps by an authority. No version 1 verifier
counts them yet; they are read strictly all the same, so that a later one finds only what it can rely on.

Facts by type: docs/spec/verdict.md. What was checked before they were put down: docs/evidence.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifiers.reading import Reader

ADDRESSES_MAX = 32
ROOTS_MAX = 4
CHAIN_MAX = 6
CERTIFICATE_CHARS_MAX = 6_000


@dataclass(frozen=True, slots=True)
class SignedMail:
    """A mail whose signature held, of the sender's domain or one above it. `reference`: the code of `case` stands in
    it, which says nothing of its meaning."""

    domain: str
    algorithm: str
    key_seen_at_ms: int
    signed_at_ms: int | None
    sent_at_ms: int | None
    sender: str
    to: tuple[str, ...]
    message: str
    reference: bool
    case: str


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """The bytes of `evidence` were there at `stamped_at_ms`, give or take `accuracy_ms` where that is stated."""

    evidence: str
    authority: str
    stamped_at_ms: int
    accuracy_ms: int | None
    roots: tuple[str, ...]


def read_mail(at: Reader) -> SignedMail | None:
    """Read the facts of `signed_mail`; None where another domain than the sender's signed, which counts for nothing.

    `aligned` came later than the first verdicts: what has none was signed by the sender's.
    """
    newer = ("aligned",) if type(at.value) is dict and "aligned" in at.value else ()
    member = at.members(
        *newer,
        "domain",
        "selector",
        "algorithm",
        "key",
        "key_seen_at",
        "signed_at",
        "expires_at",
        "sent_at",
        "from",
        "to",
        "message",
        "reference",
        "case",
        "size_bytes",
    )
    member["selector"].text()
    member["key"].text()
    member["expires_at"].maybe(Reader.instant)
    member["size_bytes"].integer()
    aligned = not newer or member["aligned"].boolean()
    read = SignedMail(
        domain=member["domain"].text(),
        algorithm=member["algorithm"].one_of(("rsa-sha256", "ed25519-sha256")),
        key_seen_at_ms=member["key_seen_at"].instant(),
        signed_at_ms=member["signed_at"].maybe(Reader.instant),
        sent_at_ms=member["sent_at"].maybe(Reader.instant),
        sender=member["from"].digest(),
        to=tuple(one.digest() for one in member["to"].items(ADDRESSES_MAX)),
        message=member["message"].digest(),
        reference=member["reference"].boolean(),
        case=member["case"].id(),
    )
    return read if aligned else None


def read_stamp(at: Reader) -> TimeStamp:
    """Read the facts of `time_stamp`."""
    member = at.members(
        "evidence",
        "authority",
        "policy",
        "serial",
        "stamped_at",
        "accuracy_ms",
        "hash",
        "roots",
        "chain",
    )
    member["policy"].id()
    member["serial"].id()
    member["hash"].one_of(("sha256", "sha384", "sha512"))
    for one in member["chain"].items(CHAIN_MAX):
        one.text(CERTIFICATE_CHARS_MAX)
    return TimeStamp(
        evidence=member["evidence"].id(),
        authority=member["authority"].text(),
        stamped_at_ms=member["stamped_at"].instant(),
        accuracy_ms=member["accuracy_ms"].maybe(Reader.integer),
        roots=tuple(one.digest() for one in member["roots"].items(ROOTS_MAX, 1)),
    )


def read_call(at: Reader) -> None:
    """Check the shape of the facts of `webhook`; what a system says in its own words counts for nothing yet."""
    member = at.members("source", "hook", "scheme", "key", "delivery", "signed_at", "size_bytes", "says")
    for name in ("source", "hook"):
        member[name].id()
    member["scheme"].one_of(("standard", "github"))
    for name in ("key", "delivery"):
        member[name].digest()
    member["signed_at"].maybe(Reader.instant)
    member["size_bytes"].integer()
    member["says"].text()

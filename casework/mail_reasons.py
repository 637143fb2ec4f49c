"""Why a mail carries no signature that counts: one closed list, so that tests and pages can name each reason."""

from __future__ import annotations

from collections.abc import Mapping

from casework.errors import CaseworkError

REASONS: Mapping[str, str] = {
    # the mail as a whole
    "size": "the mail is empty or too large",
    "line_ends": "lines end in more than one way, or hold a NUL",
    "blanks": "too many blanks follow each other",
    "header_unreadable": "a line of the head is no header",
    "headers_too_many": "the head holds too many headers, or one that is too long",
    "header_missing": "a header that has to be there is not",
    "header_twice": "a header that may stand once stands there again",
    "address_unreadable": "an address cannot be read in one way only",
    "message_id_unreadable": "the Message-ID is none",
    "parts": "too many parts, or parts too deep inside each other",
    # one signature
    "no_signature": "nobody signed it",
    "signatures_too_many": "more signatures than are looked at, and none of the sender's domain among those",
    "signature_unreadable": "the signature is not what RFC 6376 says",
    "algorithm": "the algorithm is not one that counts",
    "body_length": "a part of the body only is signed",
    "not_covered": "a header that has to be signed is not",
    "in_future": "it was signed later than now",
    "expired": "the signature was over when the mail came",
    # its key
    "lookup_off": "this place looks up no keys",
    "key_unreachable": "the name servers of the domain did not answer",
    "key_missing": "the domain publishes no such key",
    "key_twice": "the domain publishes several keys under one name",
    "key_unreadable": "the key is not what RFC 6376 says",
    "key_revoked": "the domain took the key back",
    "key_testing": "the domain says that it is only testing",
    "key_unfit": "the key is for another algorithm, hash or service",
    "key_strict": "the key is for the domain itself and not for those below it",
    "key_size": "the key is too short or too long",
    # what comes out
    "wrong_signature": "the signature does not fit the mail",
    "facts_differ": "what was put down is not what the mail says",
}
"""Reason -> what it means. The sentence of a refusal begins with the reason and a colon."""


class MailFault(CaseworkError):
    """A mail or one of its signatures does not count; `reason` is one of REASONS. The collector refuses with it."""

    def __init__(self, reason: str, said: str) -> None:
        """`said` has expected and got. A reason outside REASONS is our own mistake and a KeyError."""
        REASONS[reason]
        super().__init__(f"{reason}: {said}")
        self.reason = reason

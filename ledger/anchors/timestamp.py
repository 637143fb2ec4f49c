"""A time authority as an anchor: an RFC 3161 token over the published checkpoint says when it was there at the latest.

    SHA-256 of the note, a nonce -> the authority -> TimeStampResp, checked against the trusted roots -> the token

An authority sees one digest and keeps nothing of the log: it dates a checkpoint, and does not notice a fork.
docs/spec/anchoring.md section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

from ledger.anchors import asked
from ledger.anchors.asked import OneQuestion, Silent
from ledger.anchors.protocol import TIMESTAMP, Anchored, Trouble, Wanted
from ledger.anchors.stamp_receipt import CheckStamp, check_stamp_receipt, receipt_of, token_in
from ledger.errors import ProofError

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
CLOCKS_APART_SECONDS_MAX = 3600
"""A token that says a time further from our clock is not believed: it would date the record wrongly."""
REFUSED = "other_side_refuses"


class TimestampAnchor(OneQuestion):
    """One time authority. Implements ledger.anchors.protocol.Anchor."""

    type = TIMESTAMP

    def __init__(
        self,
        anchor: str,
        place: Mapping[str, str],
        check: CheckStamp,
        now_seconds: Callable[[], float],
        size: int = 0,
        policy: str | None = None,
        seconds_max: float = asked.ANSWER_SECONDS_MAX,
    ) -> None:
        """`place` is that of the entry `anchor_opened`; `check` goes by the trusted roots; `size` is the largest whose
        receipt is an entry; `policy` the OID that tokens must name, None where any will do."""
        super().__init__(anchor, size, seconds_max)
        self._url, self._check, self._now, self._policy = place["url"], check, now_seconds, policy

    async def _ask(self, wanted: Wanted) -> Trouble | None:
        request = TimestampRequestBuilder(
            wanted.note, HashAlgorithm.SHA256, nonce=True, cert_req=True
        ).build()
        answer = await asked.post(self._client, self._url, request.as_bytes(), QUERY, self._seconds_max)
        if isinstance(answer, Silent):
            return _refused(answer.why)
        if answer.status != 200 or answer.media_type != REPLY:
            return _refused(f"expected 200 and {REPLY}, got {answer.media_type[:60]!a} {answer.shown()}")
        try:
            token = token_in(answer.body)
            receipt = receipt_of(token)
            stamped = check_stamp_receipt(receipt, wanted.note, self._check)
            nonce = _nonce_of(answer.body)
        except ProofError as error:
            return _refused(f"{error}")
        if nonce != request.nonce:
            return _refused("expected the nonce of our question, got another")
        if self._policy is not None and stamped.policy != self._policy:
            return _refused(f"expected a token of policy {self._policy}, got {stamped.policy[:80]}")
        apart = datetime.fromisoformat(stamped.at).timestamp() - self._now()
        if abs(apart) > CLOCKS_APART_SECONDS_MAX:
            expected = f"expected its clock within {CLOCKS_APART_SECONDS_MAX} s of ours"
            return _refused(f"{expected}, got {apart:+.0f} s ({stamped.at})")
        self._final = Anchored(wanted.size, wanted.root, receipt)
        return None


def _nonce_of(answer: bytes) -> int | None:
    """Return the nonce of an answer that was checked already."""
    return decode_timestamp_response(answer).tst_info.nonce


def _refused(what: str) -> Trouble:
    return Trouble(REFUSED, f"time authority: {what}")

"""A C2SP witness as an anchor: it cosigns a checkpoint that continues the last one it saw (add-checkpoint).

    old N, consistency proof, checkpoint -> 200 cosignature lines
                                         -> 409 the size it holds: asked again from there, once

What the witness holds is its own to know: a lost answer, a restart or a restored database is mended by the 409.
docs/spec/anchoring.md section 6.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ledger.anchors import asked
from ledger.anchors.asked import Answered, OneQuestion, Silent
from ledger.anchors.protocol import WITNESS, Anchored, Trouble, Wanted
from ledger.anchors.witness_receipt import VERSION, cosignature_of, line_of
from ledger.checkpoints import Checkpoint
from ledger.errors import ProofError
from ledger.notes import VerifierKey, Verify, encode_base64, parse_vkey

PROOF_LINES_MAX = 63
"""Of the specification; a tree of 2^53 leaves needs no more."""
CLOCKS_APART_SECONDS_MAX = 3600
"""A cosignature that says a time further from our clock is not believed: it would date the record wrongly."""
SIZE_MEDIA_TYPE = "text/x.tlog.size"
REFUSED, DIFFERS = "other_side_refuses", "log_differs"

Proof = Callable[[int, int], Awaitable[list[bytes]]]
"""(old size, new size) -> the consistency proof; old size at least 1."""


class WitnessAnchor(OneQuestion):
    """One witness of one log. Implements ledger.anchors.protocol.Anchor."""

    type = WITNESS

    def __init__(
        self,
        anchor: str,
        place: dict[str, str],
        origin: str,
        proof: Proof,
        verify: Verify,
        now_seconds: Callable[[], float],
        size: int = 0,
        seconds_max: float = asked.ANSWER_SECONDS_MAX,
    ) -> None:
        """`place` is that of the entry `anchor_opened`; `size` the largest whose receipt is an entry, 0 if none is.

        Raises:
            KeyMalformed: the place's vkey is none.
        """
        super().__init__(anchor, size, seconds_max)
        self._url = place["url"].rstrip("/") + "/add-checkpoint"
        self._witness: VerifierKey = parse_vkey(place["vkey"])
        self._origin, self._proof, self._verify, self._now = origin, proof, verify, now_seconds
        self._held = size

    # -------------------------------------------------------------------------------------------------- one question
    async def _ask(self, wanted: Wanted) -> Trouble | None:
        """Ask from the size that the witness is thought to hold; once more from the one that it names."""
        answer = await self._post(wanted, min(self._held, wanted.size))
        if isinstance(answer, Answered) and answer.status == 409:
            held = _size_of(answer)
            if held is None:
                return self._refused(f"expected a size of {SIZE_MEDIA_TYPE}, got {answer.shown()}")
            if held > wanted.size:
                return self._differs(f"expected it to hold at most size {wanted.size}, got {held}")
            if held == self._held == wanted.size:
                return self._differs(f"expected our root at size {held}, got that it holds another")
            self._held = held
            answer = await self._post(wanted, held)
        if isinstance(answer, Silent):
            return self._refused(answer.why)
        if answer.status == 409 and _size_of(answer) == self._held == wanted.size:
            return self._differs(f"expected our root at size {wanted.size}, got that it holds another")
        if answer.status == 422:
            said = f"expected it to accept our proof from size {self._held} to {wanted.size}, got {answer.shown()}"
            return self._differs(said)
        if answer.status != 200:
            return self._refused(f"expected 200 and a cosignature, got {answer.shown()}")
        return self._believe(wanted, answer)

    async def _post(self, wanted: Wanted, old: int) -> Answered | Silent:
        proof = await self._proof(old, wanted.size) if 0 < old < wanted.size else []
        lines = [f"old {old}", *map(encode_base64, proof[:PROOF_LINES_MAX]), "", ""]
        body = "\n".join(lines).encode() + wanted.note
        return await asked.post(self._client, self._url, body, "text/plain", self._seconds_max)

    def _believe(self, wanted: Wanted, answer: Answered) -> Trouble | None:
        """Take a cosignature that holds over what was asked; the next question then starts from there."""
        checkpoint = Checkpoint(self._origin, wanted.size, wanted.root)
        try:
            text = answer.body.decode("utf-8")
            cosignature = cosignature_of(text, checkpoint, self._witness, self._verify)
        except (ProofError, UnicodeDecodeError) as error:
            return self._refused(
                f"{error}" if isinstance(error, ProofError) else "expected UTF-8, got other bytes"
            )
        apart = cosignature.time - self._now()
        if abs(apart) > CLOCKS_APART_SECONDS_MAX:
            expected = f"expected its clock within {CLOCKS_APART_SECONDS_MAX} s of ours"
            return self._refused(f"{expected}, got {apart:+.0f} s (time {cosignature.time})")
        line = line_of(text, checkpoint, self._witness)
        self._held = wanted.size
        self._final = Anchored(wanted.size, wanted.root, {"v": VERSION, "cosignature": line})
        return None

    def _refused(self, what: str) -> Trouble:
        return Trouble(REFUSED, f"witness {self._witness.name}: {what}")

    def _differs(self, what: str) -> Trouble:
        return Trouble(DIFFERS, f"witness {self._witness.name}: {what}", stops=True)


def _size_of(answer: Answered) -> int | None:
    """Return the size that a 409 names, or None if it names none."""
    digits = answer.body.removesuffix(b"\n")
    if answer.media_type != SIZE_MEDIA_TYPE or not digits.isdigit() or len(digits) > 16:
        return None
    return int(digits) if digits == b"0" or digits[:1] != b"0" else None

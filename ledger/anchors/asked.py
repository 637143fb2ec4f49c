"""Anchors that hold a checkpoint by one answer, and their one request: bounded, never redirected, never an exception.

Answered   status, media type and body, whatever they are
Silent     no whole answer in time, or one too long; in words
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass

import httpx

from ledger.anchors.protocol import Anchored, Progress, Trouble, Wanted

ANSWER_SIZE_MAX_BYTES = 64 * 1024
ANSWER_SECONDS_MAX = 15.0
"""Of the whole exchange, from connecting to the last byte."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back. `media_type` is lower case, without parameters."""

    status: int
    media_type: str
    body: bytes

    def shown(self) -> str:
        """Return status and the start of the body in one line of printable ASCII, for a person."""
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in self.body[:120])
        return f"{self.status} {text!r}"


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer that can be read: `why`, with expected and got."""

    why: str


def client(seconds_max: float = ANSWER_SECONDS_MAX) -> httpx.AsyncClient:
    """Return a client for one anchor; whoever made it closes it."""
    return httpx.AsyncClient(timeout=seconds_max, follow_redirects=False, trust_env=False)


async def post(
    client: httpx.AsyncClient,
    url: str,
    body: bytes,
    media_type: str,
    seconds_max: float = ANSWER_SECONDS_MAX,
) -> Answered | Silent:
    """Send one request and read its answer, at most ANSWER_SIZE_MAX_BYTES of it in `seconds_max`."""
    try:
        async with asyncio.timeout(seconds_max):
            headers = {"content-type": media_type, "accept-encoding": "identity"}
            async with client.stream("POST", url, content=body, headers=headers) as response:
                held = bytearray()
                async for piece in response.aiter_raw():
                    held += piece
                    if len(held) > ANSWER_SIZE_MAX_BYTES:
                        return Silent(
                            f"expected an answer of at most {ANSWER_SIZE_MAX_BYTES} bytes, got more"
                        )
                named = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Answered(response.status_code, named, bytes(held))
    except TimeoutError:
        return Silent(f"expected a whole answer within {seconds_max:g} s, got none")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Silent(f"expected an answer, got {type(error).__name__}")


class OneQuestion(ABC):
    """An anchor that asks once for a checkpoint and keeps the receipt until it is an entry."""

    def __init__(self, anchor: str, size: int, seconds_max: float) -> None:
        """`size` is the largest whose receipt is an entry."""
        self.anchor = anchor
        self._recorded = size
        self._seconds_max = seconds_max
        self._final: Anchored | None = None
        self._client = client(seconds_max)

    @abstractmethod
    async def _ask(self, wanted: Wanted) -> Trouble | None:
        """Ask for this checkpoint; set `_final` where the answer holds."""

    async def advance(self, wanted: Wanted | None) -> Progress:
        """Ask the other side, unless a receipt waits to be recorded. Raises StoreError: the log could not be read."""
        if self._final is None and wanted is not None and wanted.size > self._recorded:
            trouble = await self._ask(wanted)
            if trouble is not None:
                return Progress(troubles=(trouble,), pending_size=wanted.size)
        return Progress(anchored=(self._final,) if self._final is not None else ())

    async def recorded(self, size: int) -> None:
        """Forget the receipt of this size: it is an entry."""
        self._recorded = max(self._recorded, size)
        if self._final is not None and self._final.size <= size:
            self._final = None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

"""Asking a chain through RPCs that may be down, slow, behind, rate-limited, or lie. JSON-RPC 2.0 over HTTP.

    Rpc    one URL: every call is one request, never repeated by itself, with a time limit and a size limit
    Pool   several: all are asked, and an answer counts when `quorum` of them gave it; who was outvoted is named

A retry is the caller's next round: a request to send that is repeated by a library gets "already known" as its answer
although the first one got in, and nobody knows which answer is true.

    LedgerError
    `-- RpcError
        |-- RpcUnreachable   no answer in time, or one that is no JSON-RPC: the next round asks again
        |-- RpcRefused       the node answered with an error: its code, message and data
        `-- RpcDisagree      fewer than `quorum` gave the same answer
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson

from ledger.anchors.fees import quantity
from ledger.errors import LedgerError

TIMEOUT_SECONDS = 10.0
ANSWER_SIZE_MAX_BYTES = 32 * 1024 * 1024
"""A block with all its receipts is a few MiB."""
REST_SECONDS_DEFAULT = 5.0
REST_SECONDS_MAX = 600.0
URLS_MAX_COUNT = 9

T = TypeVar("T")

# httpx writes the whole URL of every request, and the path of an RPC's URL often holds its key.
logging.getLogger("httpx").setLevel(logging.WARNING)


class RpcError(LedgerError):
    """The chain could not be asked, or its answers cannot be used. Nothing is concluded from it."""


class RpcUnreachable(RpcError):
    """No usable answer. The next round asks again."""


class RpcRefused(RpcError):
    """The node answered with an error. `code`, `message` and `data` are as it gave them, shortened."""

    def __init__(self, who: str, code: int, message: str, data: str | None) -> None:
        super().__init__(f"{who}: refused with {code}: {message}")
        self.code = code
        self.message = message
        self.data = data


class RpcDisagree(RpcError):
    """Too few RPCs gave the same answer. Nothing is done on the word of one."""


class Rpc:
    """One URL. `name` is its host: a path or query may hold the operator's key and is never shown."""

    def __init__(self, url: str, number: int, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """`number` tells two URLs of one host apart. Raises RpcError: not an http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RpcError(f"RPC {number}: expected an http or https URL, got another")
        self.name = f"RPC {number} ({parts.hostname})"
        self.checked = False
        """Whether chain id and contract were looked at since its last failure."""
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._ids = itertools.count(1)
        self._rest_until = 0.0
        # Transport retries are 0 by default; redirects would carry the call to somebody else.
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            verify=parts.scheme == "https",  # reading certificates takes a while, for nothing on plain HTTP
        )

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        """Ask once and return `result`.

        Raises:
            RpcUnreachable, RpcRefused
        """
        if time.monotonic() < self._rest_until:
            raise RpcUnreachable(f"{self.name}: asked us to wait")
        number = next(self._ids)
        body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)})
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = self._read(number, await self._post(body))
        except RpcRefused:
            raise
        except TimeoutError:
            self.checked = False
            raise RpcUnreachable(
                f"{self.name}: expected an answer in {self._timeout_seconds} s, got none"
            ) from None
        except httpx.HTTPError as error:
            self.checked = False
            raise RpcUnreachable(f"{self.name}: expected an answer, got {type(error).__name__}") from None
        except RpcUnreachable:
            self.checked = False
            raise
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            if response.status_code == 429:
                self._rest_until = time.monotonic() + _rest_seconds(response.headers.get("Retry-After"))
                raise RpcUnreachable(f"{self.name}: rate limit (429)")
            if response.status_code != 200:
                raise RpcUnreachable(f"{self.name}: expected status 200, got {response.status_code}")
            data = bytearray()
            async for part in response.aiter_bytes():
                data += part
                if len(data) > ANSWER_SIZE_MAX_BYTES:
                    raise RpcUnreachable(
                        f"{self.name}: expected at most {ANSWER_SIZE_MAX_BYTES} bytes, got more"
                    )
            return bytes(data)

    def _read(self, number: int, data: bytes) -> Any:
        try:
            answer = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise RpcUnreachable(f"{self.name}: expected JSON, got other content") from None
        if type(answer) is not dict or answer.get("id") != number:
            raise RpcUnreachable(f"{self.name}: expected the answer to our request, got another")
        error = answer.get("error")
        if error is not None:
            if type(error) is not dict or type(error.get("code")) is not int:
                raise RpcUnreachable(f"{self.name}: expected an error with a code, got another")
            found = error.get("data")
            if type(found) is dict:  # some nodes wrap the revert data once more
                found = found.get("data")
            message = str(error.get("message", ""))[:200]
            raise RpcRefused(self.name, error["code"], message, found if type(found) is str else None)
        if "result" not in answer:
            raise RpcUnreachable(f"{self.name}: expected a result, got none")
        return answer["result"]


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one RPC said: a value, or why there is none."""

    rpc: Rpc
    value: T | None
    error: RpcError | None


@dataclass(frozen=True, slots=True)
class Block:
    """A block that enough RPCs name alike: its height, and its hash as `0x` hex."""

    number: int
    hash: str


@dataclass(slots=True)
class Pool:
    """The RPCs of one chain. `outvoted` gathers who contradicted the others since it was last emptied."""

    rpcs: Sequence[Rpc]
    quorum: int
    outvoted: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.rpcs) <= URLS_MAX_COUNT:
            raise RpcError(f"RPCs: expected 1 to {URLS_MAX_COUNT} URLs, got {len(self.rpcs)}")
        if not len(self.rpcs) < 2 * self.quorum <= 2 * len(self.rpcs):
            raise RpcError(
                f"RPC quorum: expected more than half of {len(self.rpcs)}, at most all, got {self.quorum}"
            )

    def good(self) -> list[Rpc]:
        """Return those that were looked at and found to be of this chain and contract."""
        return [rpc for rpc in self.rpcs if rpc.checked]

    async def ask(
        self, method: str, params: Sequence[Any], read: Callable[[Any], T], rpcs: Sequence[Rpc] | None = None
    ) -> list[Answer[T]]:
        """Ask all good RPCs (or those given) at once. `read` raises ValueError on a result that is none."""

        async def one(rpc: Rpc) -> Answer[T]:
            try:
                return Answer(rpc, read(await rpc.request(method, params)), None)
            except RpcError as error:
                return Answer(rpc, None, error)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
                rpc.checked = False
                return Answer(rpc, None, RpcUnreachable(f"{rpc.name}: {method}: {str(error)[:200]}"))

        return list(await asyncio.gather(*(one(rpc) for rpc in (self.good() if rpcs is None else rpcs))))

    async def agreed(
        self,
        method: str,
        params: Sequence[Any],
        read: Callable[[Any], T],
        alike: Callable[[T], Hashable] = lambda value: value,
    ) -> T:
        """Return what at least `quorum` RPCs answer alike; the others are noted in `outvoted`.

        Raises:
            RpcRefused: at least `quorum` of them refused with the same code and data.
            RpcUnreachable: fewer than `quorum` answered at all.
            RpcDisagree: they answered, but not alike.
        """
        answers = await self.ask(method, params, read)
        votes = Counter(
            _vote(answer, alike) for answer in answers if not isinstance(answer.error, RpcUnreachable)
        )
        winner, count = votes.most_common(1)[0] if votes else (None, 0)
        if count < self.quorum:
            if votes.total() < self.quorum:
                said = "; ".join(str(answer.error) for answer in answers if answer.error)
                raise RpcUnreachable(
                    f"{method}: expected {self.quorum} RPCs to answer, got {votes.total()}; {said}"
                )
            raise RpcDisagree(
                f"{method}: expected {self.quorum} RPCs to say the same, got {len(votes)} different answers"
            )
        found: Answer[T] | None = None
        for answer in answers:
            if isinstance(answer.error, RpcUnreachable):
                continue
            if _vote(answer, alike) == winner:
                found = found or answer
            elif answer.value is not None:  # one that has not got there yet contradicts nobody
                self.outvoted[answer.rpc.name] = f"{method}: another answer than {count} others"
        assert found is not None
        if found.error is not None:
            raise found.error
        return found.value  # type: ignore[return-value]

    async def block(self, tag: str) -> Block:
        """Return the newest block that `quorum` RPCs hold as `latest` or `finalized`, all naming the same hash.

        The height is the one that enough RPCs have reached: one that is behind, or ahead of all others, does not count.

        Raises:
            RpcUnreachable, RpcDisagree
        """
        answers = await self.ask("eth_getBlockByNumber", [tag, False], _block)
        heights = sorted((one.value.number for one in answers if one.value is not None), reverse=True)
        if len(heights) < self.quorum:
            said = "; ".join(str(answer.error) for answer in answers if answer.error)
            raise RpcUnreachable(
                f"block {tag}: expected {self.quorum} RPCs to answer, got {len(heights)}; {said}"
            )
        found = await self.block_at(heights[self.quorum - 1])
        if found is None:
            raise RpcDisagree(f"block {tag}: expected {self.quorum} RPCs to hold it, got fewer")
        return found

    async def block_at(self, number: int) -> Block | None:
        """Return the block at a height, as `quorum` RPCs name it; None when as many have none there.

        Raises:
            RpcUnreachable, RpcDisagree
        """
        return await self.agreed("eth_getBlockByNumber", [hex(number), False], _block_or_none)

    async def close(self) -> None:
        """Close all connections."""
        for rpc in self.rpcs:
            await rpc.close()


def _vote(answer: Answer[Any], alike: Callable[[Any], Hashable]) -> Hashable:
    if isinstance(answer.error, RpcRefused):
        return ("refused", answer.error.code, answer.error.data)
    return ("value", alike(answer.value))


def _block(result: Any) -> Block:
    found = _block_or_none(result)
    if found is None:
        raise ValueError("expected a block, got none")
    return found


def _block_or_none(result: Any) -> Block | None:
    if result is None:
        return None
    return Block(quantity(result["number"]), hash_of(result["hash"]))


def hash_of(value: Any) -> str:
    """Read 32 bytes as `0x` and 64 lower-case hex digits. Raises ValueError."""
    if type(value) is not str or len(value) != 66 or not value.startswith("0x"):
        raise ValueError(f"expected 32 bytes in hex, got {str(value)[:80]!r}")
    bytes.fromhex(value[2:])
    return value.lower()


def bytes_of(value: Any) -> bytes:
    """Read data as `0x` and pairs of hex digits. Raises ValueError."""
    if type(value) is not str or not value.startswith("0x"):
        raise ValueError(f"expected data in hex, got {str(value)[:80]!r}")
    return bytes.fromhex(value[2:])


def _rest_seconds(said: str | None) -> float:
    """Read Retry-After in seconds (RFC 9110 section 10.2.3); a date or nonsense counts as the default."""
    if said is not None and said.isascii() and said.isdecimal() and len(said) < 8:
        return min(max(float(said), 0.0), REST_SECONDS_MAX)
    return REST_SECONDS_DEFAULT

"""What an auditor asks of a chain: plain JSON-RPC, reading only, every answer checked for its shape before it is used.

    read_chain_id -> read_view: code, what the contract holds, all it accepted, whether blocks are part of the chain

Everything is read as of one block, the newest that the node calls final. An answer may be a lie all the same; what
the audit makes of it: ledger/audit_chain.py.

    LedgerError
    `-- ChainUnread   no answer, or one of another shape. The caller asks another node
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from eth_hash.auto import keccak

from ledger.anchors.chain_view import AnchorEvent, ChainView
from ledger.anchors.evm_receipt import ANCHORED, HASH_SIZE_BYTES
from ledger.anchors.told import Opening
from ledger.codec import loads
from ledger.errors import LedgerError

ANSWER_SECONDS_MAX = 20.0
ANSWER_SIZE_MAX_BYTES = 16_000_000
READING_SECONDS_MAX = 600.0
"""Of all questions about one anchor."""
REQUESTS_MAX = 4_000
BUSY_TRIES_MAX, BUSY_SECONDS_MAX = 5, 10.0
BLOCKS_MAX = 200
"""Blocks that are asked for one by one, beside those of events."""
EVENTS_MAX = 100_000

_CHECKPOINT, _LOG_OF = keccak(b"checkpoint(bytes32)")[:4], keccak(b"logOf(bytes32)")[:4]


class ChainUnread(LedgerError):
    """The node gave no answer, or one that cannot be used; expected and got, without the path of its URL."""


class RpcFailed(ChainUnread):
    """The node answered with an error of its own: what was asked is too much, or unknown to it."""


class ChainNode:
    """One node. Its URL may hold a key, so only its host is ever shown."""

    def __init__(self, url: str, seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        """`seconds_max` is of one answer. Raises ChainUnread: no http or https URL."""
        try:
            parts = urlsplit(url)
            port_number = parts.port
        except ValueError:
            raise ChainUnread("chain: expected an http or https URL, got another") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ChainUnread("chain: expected an http or https URL, got another")
        port = f":{port_number}" if port_number else ""
        self.name = f"{parts.hostname}{port}"
        self._url = url
        self._client = httpx.Client(timeout=seconds_max, follow_redirects=False, trust_env=False)
        self._asked, self._seconds_max = 0, seconds_max

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, method: str, *params: Any) -> Any:
        """Return the result of one call.

        Raises:
            ChainUnread: no answer, too late, too long, or no JSON-RPC.
            RpcFailed: the node answered with an error.
        """
        for tried in range(BUSY_TRIES_MAX):
            status, body, pause_seconds = self._post(method, params)
            if status != 429 or tried == BUSY_TRIES_MAX - 1:
                break
            time.sleep(pause_seconds)
        try:
            answer = loads(body)
        except ValueError:
            raise self._unread(method, f"expected JSON, got {status} and other bytes") from None
        if not isinstance(answer, dict) or answer.get("id") != self._asked:
            raise self._unread(method, f"expected an answer of id {self._asked}, got {status} and another")
        if answer.get("error") is not None:
            error = answer["error"]
            message = error.get("message") if isinstance(error, dict) else error
            raise RpcFailed(f"{self.name}, {method}: expected a result, got the error {message!a:.160}")
        if status != 200 or "result" not in answer:
            raise self._unread(method, f"expected 200 and a result, got {status}")
        return answer["result"]

    def _post(self, method: str, params: tuple[Any, ...]) -> tuple[int, bytes, float]:
        self._asked += 1
        if self._asked > REQUESTS_MAX:
            raise self._unread(method, f"expected at most {REQUESTS_MAX} questions, got one more")
        request = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": list(params)}
        deadline = time.monotonic() + self._seconds_max
        held = bytearray()
        try:
            with self._client.stream("POST", self._url, json=request) as response:
                for piece in response.iter_bytes():
                    held += piece
                    if len(held) > ANSWER_SIZE_MAX_BYTES:
                        raise RpcFailed(
                            f"{self.name}, {method}: expected at most {ANSWER_SIZE_MAX_BYTES} bytes, got more"
                        )
                    if time.monotonic() > deadline:
                        raise self._unread(
                            method, f"expected an answer within {self._seconds_max:g} s, got part"
                        )
                wait = response.headers.get("retry-after", "1")
                pause = float(wait) if wait.isascii() and wait.isdigit() else 1.0
                return response.status_code, bytes(held), min(pause, BUSY_SECONDS_MAX)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._unread(method, f"expected an answer, got {type(error).__name__}") from None

    def _unread(self, method: str, what: str) -> ChainUnread:
        return ChainUnread(f"{self.name}, {method}: {what}")

    # ------------------------------------------------------------------------------------------------ typed answers
    def number(self, value: Any, what: str) -> int:
        """Return a quantity. Raises ChainUnread."""
        if type(value) is str and value.startswith("0x") and 2 < len(value) <= 18:
            try:
                return int(value[2:], 16)
            except ValueError:
                pass
        raise self._unread(what, f"expected a quantity in 0x hex, got {value!a:.60}")

    def data(self, value: Any, what: str, size: int | None = None) -> bytes:
        """Return bytes, of this size if one is given. Raises ChainUnread."""
        if type(value) is str and value.startswith("0x"):
            try:
                found = bytes.fromhex(value[2:])
            except ValueError:
                found = None
            if found is not None and (size is None or len(found) == size):
                return found
        raise self._unread(
            what, f"expected {'' if size is None else f'{size} '}bytes in 0x hex, got {value!a:.60}"
        )

    def object(self, value: Any, what: str) -> Mapping[str, Any]:
        """Return an object. Raises ChainUnread."""
        if not isinstance(value, dict):
            raise self._unread(what, f"expected an object, got {type(value).__name__}")
        return value


def read_chain_id(node: ChainNode) -> int:
    """Return the id of the chain that a node serves. Raises ChainUnread."""
    return node.number(node.ask("eth_chainId"), "eth_chainId")


def read_view(node: ChainNode, chain_id: int, opening: Opening, blocks: Iterable[int]) -> ChainView:
    """Return what a node says of an anchor's contract; `blocks` are the numbers that its receipts name.

    Raises:
        ChainUnread: it did not answer, or in another shape. That not all events could be read is said in the view.
    """
    deadline = time.monotonic() + READING_SECONDS_MAX
    final = node.object(node.ask("eth_getBlockByNumber", "finalized", False), "finalized block")
    height = node.number(final.get("number"), "finalized block")
    contract, log_id = opening.place["contract"], opening.place["log_id"]
    code = node.data(node.ask("eth_getCode", contract, hex(height)), "eth_getCode")
    size, root, successor = 0, bytes(HASH_SIZE_BYTES), bytes(HASH_SIZE_BYTES)
    events: list[AnchorEvent] = []
    missing: str | None = None
    if code:
        size, root = _checkpoint(node, contract, log_id, height)
        successor = _successor(node, contract, log_id, height)
        try:
            events = _events(node, contract, log_id, height, deadline)
            if size and not any((event.size, event.root) == (size, root) for event in events):
                missing = "expected an event of the checkpoint that the contract holds, got none"
        except ChainUnread as error:
            missing = str(error)
    known = {event.block_number for event in events}
    asked = sorted(number for number in set(blocks) - known if number <= height)[-BLOCKS_MAX:]
    return ChainView(
        node.name,
        opening,
        chain_id,
        height,
        keccak(code) if code else None,
        size,
        root,
        successor,
        tuple(events),
        {number: _block_hash(node, number) for number in asked},
        missing,
    )


def _call(
    node: ChainNode, contract: str, selector: bytes, log_id: str, height: int, words: int
) -> list[bytes]:
    request = {"to": contract, "data": "0x" + selector.hex() + log_id[2:]}
    found = node.data(node.ask("eth_call", request, hex(height)), "eth_call", words * HASH_SIZE_BYTES)
    return [found[at : at + HASH_SIZE_BYTES] for at in range(0, len(found), HASH_SIZE_BYTES)]


def _checkpoint(node: ChainNode, contract: str, log_id: str, height: int) -> tuple[int, bytes]:
    """Return size and root that the contract holds; 0 where it holds none, or knows no such log."""
    size, root = _call(node, contract, _CHECKPOINT, log_id, height, 2)
    return _size(node, size, "checkpoint"), root


def _successor(node: ChainNode, contract: str, log_id: str, height: int) -> bytes:
    return _call(node, contract, _LOG_OF, log_id, height, 4)[3]


def _size(node: ChainNode, word: bytes, what: str) -> int:
    size = int.from_bytes(word, "big")
    if size > 2**63:
        raise ChainUnread(f"{node.name}, {what}: expected a size up to 2^63, got {size}")
    return size


def _block_hash(node: ChainNode, number: int) -> bytes | None:
    found = node.ask("eth_getBlockByNumber", hex(number), False)
    if found is None:
        return None
    block = node.object(found, "eth_getBlockByNumber")
    if node.number(block.get("number"), "eth_getBlockByNumber") != number:
        raise ChainUnread(f"{node.name}: expected block {number}, got {block.get('number')!a:.40}")
    return node.data(block.get("hash"), "eth_getBlockByNumber", HASH_SIZE_BYTES)


def _events(node: ChainNode, contract: str, log_id: str, height: int, deadline: float) -> list[AnchorEvent]:
    """Return all that the contract accepted for a log, in ranges of blocks that shrink while a node finds them too
    wide, and grow again."""
    topic, found = "0x" + keccak(ANCHORED).hex(), list[AnchorEvent]()
    start, width = 0, height + 1
    while start <= height:
        if time.monotonic() > deadline:
            raise ChainUnread(
                f"{node.name}, eth_getLogs: expected all within {READING_SECONDS_MAX:g} s, got part"
            )
        end = min(start + width - 1, height)
        asked = {"address": contract, "topics": [topic, log_id], "fromBlock": hex(start), "toBlock": hex(end)}
        try:
            logs = node.ask("eth_getLogs", asked)
        except RpcFailed:
            if width == 1:
                raise
            width = max(1, width // 4)
            continue
        if not isinstance(logs, list) or len(found) + len(logs) > EVENTS_MAX:
            raise ChainUnread(f"{node.name}, eth_getLogs: expected a list of up to {EVENTS_MAX}, got another")
        found += [_event(node, log, contract, topic, log_id, start, end) for log in logs]
        start, width = end + 1, min(width * 2, height + 1)
    return found


def _event(
    node: ChainNode, value: Any, contract: str, topic: str, log_id: str, start: int, end: int
) -> AnchorEvent:
    log = node.object(value, "eth_getLogs")
    address, topics = str(log.get("address")).lower(), log.get("topics")
    number = node.number(log.get("blockNumber"), "eth_getLogs")
    if address != contract or topics != [topic, log_id] or not start <= number <= end:
        raise ChainUnread(
            f"{node.name}, eth_getLogs: expected logs as asked for, got another of {address[:60]!a}"
        )
    data = node.data(log.get("data"), "eth_getLogs", 2 * HASH_SIZE_BYTES)
    block_hash = node.data(log.get("blockHash"), "eth_getLogs", HASH_SIZE_BYTES)
    return AnchorEvent(
        _size(node, data[:HASH_SIZE_BYTES], "eth_getLogs"), data[HASH_SIZE_BYTES:], number, block_hash
    )

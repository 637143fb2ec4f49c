"""Nodes that behave as real ones do where anvil is kinder, and that fail and lie on demand. A real chain stands behind.

    Chain   the pool of transactions and the making of blocks, over one anvil that mines nothing by itself
    Node    one RPC URL over HTTP on loopback, with faults of its own

What a real node does and anvil does not: a replacement must raise both fees by a tenth; known bytes are "known";
what pays too little waits, it is not thrown out; transactions of a block that a reorg undid go back to the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import rlp
from eth_account import Account
from eth_hash.auto import keccak

PRICE_BUMP_PERCENT = 10
"""geth's txpool.pricebump."""
OLD_HEAD_BLOCKS = 12
SLOW_SECONDS = 30.0
NODE_FAULTS = (
    "lost_before", "lost_after", "rate_limit", "slow", "malformed", "not_json", "down", "server_error", "wrong_chain",
    "old_head", "wrong_receipts", "wrong_proof", "fake_finalized", "wrong_block", "wrong_fees", "wrong_count",
)  # fmt: skip
CHAIN_FAULTS = ("evicted", "reorg", "reorg_below_final", "fee_spike", "no_blocks")


class NodeError(Exception):
    """What a node answers as a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


@dataclass(frozen=True)
class Pooled:
    """A transaction in the pool."""

    raw: str
    hash: str
    sender: str
    nonce: int
    tip: int
    cap: int


@dataclass
class Connection:
    """A connection to anvil that is kept open: an HTTP library would take most of the time of these tests."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, body: bytes) -> bytes:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        return await self.reader.readexactly(_length(await self.reader.readuntil(b"\r\n\r\n")))


@dataclass
class Chain:
    """One anvil started with `--no-mining --slots-in-an-epoch 1`: final is what has two blocks on top."""

    url: str
    pool: dict[tuple[str, int], Pooled] = field(default_factory=dict)
    sent: dict[str, Pooled] = field(default_factory=dict)
    pushes: int = 0
    replaced: int = 0
    spike_wei: int = 0
    _idle: list[Connection] = field(default_factory=list)

    async def rpc(self, method: str, *params: Any) -> Any:
        """Ask anvil."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        connection = self._idle.pop() if self._idle else await self._connect()
        answer = json.loads(await connection.ask(body))
        self._idle.append(connection)
        if "error" in answer:
            error = answer["error"]
            raise NodeError(error["code"], error["message"], error.get("data"))
        return answer["result"]

    async def _connect(self) -> Connection:
        parts = urlsplit(self.url)
        return Connection(*await asyncio.open_connection(parts.hostname, parts.port, limit=32 * 1024 * 1024))

    async def close(self) -> None:
        for connection in self._idle:
            connection.writer.close()

    async def nonce(self, sender: str) -> int:
        return int(await self.rpc("eth_getTransactionCount", sender, "latest"), 16)

    async def base_fee(self) -> int:
        """Of the next block."""
        if self.spike_wei:
            return self.spike_wei
        return int((await self.rpc("eth_feeHistory", "0x1", "latest", []))["baseFeePerGas"][-1], 16)

    async def take(self, raw: str) -> str:
        """What eth_sendRawTransaction does in geth (core/txpool)."""
        self.pushes += 1
        one = _decoded(raw)
        if one.nonce < await self.nonce(one.sender):
            raise NodeError(-32000, "nonce too low")
        there = self.pool.get((one.sender, one.nonce))
        if there is not None and there.hash == one.hash:
            raise NodeError(-32000, "already known")
        if there is not None:
            enough = 100 + PRICE_BUMP_PERCENT
            if one.tip * 100 < there.tip * enough or one.cap * 100 < there.cap * enough:
                raise NodeError(-32000, "replacement transaction underpriced")
            if one.tip <= there.tip or one.cap <= there.cap:
                raise NodeError(-32000, "replacement transaction underpriced")
            self.replaced += 1
        if one.tip > one.cap:
            raise NodeError(-32000, "max priority fee per gas higher than max fee per gas")
        self.pool[one.sender, one.nonce] = self.sent[one.hash] = one
        return one.hash

    async def mine(self, blocks: int = 1) -> None:
        """Make blocks of what is in the pool, in the order of nonces, as long as it pays the base fee."""
        for _ in range(blocks):
            base = await self.base_fee()
            for sender in sorted({sender for sender, _ in self.pool}):
                nonce = await self.nonce(sender)
                while (one := self.pool.get((sender, nonce))) is not None and one.cap >= base:
                    await self.rpc("eth_sendRawTransaction", one.raw)
                    nonce += 1
            if self.spike_wei:
                await self.rpc("anvil_setNextBlockBaseFeePerGas", hex(self.spike_wei))
            await self.rpc("evm_mine")
            for sender, at in list(self.pool):
                if at < await self.nonce(sender):
                    del self.pool[sender, at]

    async def reorg(self, depth: int) -> int:
        """Undo the newest blocks; their transactions go back to the pool. Return how many those were."""
        head = int(await self.rpc("eth_blockNumber"), 16)
        undone = []
        for number in range(head, head - depth, -1):
            block = await self.rpc("eth_getBlockByNumber", hex(number), False)
            undone += [self.sent[one] for one in block["transactions"] if one in self.sent]
        await self.rpc("anvil_reorg", depth, [])
        for one in undone:
            self.pool.setdefault((one.sender, one.nonce), one)
        return len(undone)

    def evict(self, sender: str) -> int:
        """Forget what waits of an address. Return how many those were."""
        mine = [key for key in self.pool if key[0] == sender]
        for key in mine:
            del self.pool[key]
        return len(mine)

    async def pending_nonce(self, sender: str) -> int:
        nonce = await self.nonce(sender)
        while (sender, nonce) in self.pool:
            nonce += 1
        return nonce


class Node:
    """One URL. `faults` are in force until taken out; `told` counts how often each was acted on."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.faults: set[str] = set()
        self.told: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        self.url = ""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> Node:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=8 * 1024 * 1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v3/secret-path-key"
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                answer = await self._answer(json.loads(await reader.readexactly(_length(head))))
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    def _act(self, fault: str) -> bool:
        if fault not in self.faults:
            return False
        self.told[fault] = self.told.get(fault, 0) + 1
        return True

    async def _answer(self, request: dict[str, Any]) -> bytes | None:
        """Return the whole HTTP answer; None closes the connection without one."""
        method, params = request["method"], request["params"]
        self.asked[method] = self.asked.get(method, 0) + 1
        sends = method == "eth_sendRawTransaction"
        if self._act("down"):
            return None
        if self._act("rate_limit"):
            return _http(429, b"slow down", "Retry-After: 0\r\n")
        if self._act("server_error") or (sends and self._act("lost_before")):
            return _http(503, b"<html>no</html>")
        if self._act("slow"):
            await asyncio.sleep(SLOW_SECONDS)
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            said["result"] = self._lie(method, params, await self._result(method, params))
        except NodeError as error:
            said["error"] = error.error
        if sends and self._act("lost_after"):
            return None
        body = json.dumps(said).encode()
        if self._act("malformed"):
            body = body[: len(body) // 2]
        if self._act("not_json"):
            body = b"<html>welcome</html>"
        return _http(200, body)

    async def _result(self, method: str, params: list[Any]) -> Any:
        old = "old_head" in self.faults
        if method == "eth_sendRawTransaction":
            return await self.chain.take(params[0])
        if method == "eth_getTransactionCount" and params[1] == "pending":
            return hex(await self.chain.pending_nonce(params[0]))
        if method == "eth_getTransactionByHash":
            waiting = [one for one in self.chain.pool.values() if one.hash == params[0]]
            if waiting:
                return {
                    "hash": params[0],
                    "blockHash": None,
                    "from": waiting[0].sender,
                    "nonce": hex(waiting[0].nonce),
                }
        if method == "eth_getBlockByNumber" and params[0] == "finalized" and "fake_finalized" in self.faults:
            self._act("fake_finalized")
            params = ["latest", params[1]]
        if old and self._act("old_head"):
            head = max(0, int(await self.chain.rpc("eth_blockNumber"), 16) - OLD_HEAD_BLOCKS)
            return await self._as_of(head, method, params)
        return await self.chain.rpc(method, *params)

    async def _as_of(self, head: int, method: str, params: list[Any]) -> Any:
        """Answer as a node that stopped following the chain."""
        tags = {"latest": head, "finalized": max(0, head - 2)}
        params = [hex(tags[one]) if isinstance(one, str) and one in tags else one for one in params]
        heights = [int(one, 16) for one in params[-2:] if isinstance(one, str) and 2 < len(one) < 12]
        if method == "eth_getBlockByNumber":
            return None if heights[0] > head else await self.chain.rpc(method, *params)
        if (
            method in ("eth_call", "eth_getTransactionCount", "eth_getBalance")
            and heights
            and heights[-1] > head
        ):
            raise NodeError(-32000, "header not found")
        answer = await self.chain.rpc(method, *params)
        if method == "eth_getTransactionReceipt" and answer and int(answer["blockNumber"], 16) > head:
            return None
        return answer

    def _lie(self, method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_chainId" and self._act("wrong_chain"):
            return hex(int(result, 16) + 1)
        if method == "eth_getTransactionReceipt" and result and self._act("wrong_receipts"):
            return {**result, "status": "0x0" if result["status"] == "0x1" else "0x1"}
        if method == "eth_getBlockReceipts" and result and self._act("wrong_proof"):
            return [{**one, "cumulativeGasUsed": "0x1"} for one in result]
        if method == "eth_getBlockByNumber" and result and self._act("wrong_block"):
            return {**result, "hash": "0x" + keccak(result["hash"].encode()).hex()}
        if method == "eth_feeHistory" and self._act("wrong_fees"):
            return {**result, "baseFeePerGas": ["0xe8d4a51000" for _ in result["baseFeePerGas"]]}
        if method == "eth_getTransactionCount" and self._act("wrong_count"):
            return hex(int(result, 16) + 7)
        return result


@contextlib.asynccontextmanager
async def nodes(url: str, count: int = 3) -> AsyncIterator[tuple[Chain, list[Node]]]:
    """A chain over the anvil at `url`, and as many RPCs over it."""
    chain = Chain(url)
    made = [await Node(chain).start() for _ in range(count)]
    try:
        yield chain, made
    finally:
        for node in made:
            await node.stop()
        await chain.close()


def _length(head: bytes) -> int:
    lines = head.decode("latin-1").lower().split("\r\n")
    return next(int(line[15:]) for line in lines if line.startswith("content-length:"))


def _http(status: int, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def _decoded(raw: str) -> Pooled:
    data = bytes.fromhex(raw[2:])
    if data[:1] != b"\x02":
        raise NodeError(-32000, "transaction type not supported")
    fields: Any = rlp.decode(data[1:])
    number = [int.from_bytes(one, "big") for one in fields[1:4]]
    sender = Account.recover_transaction(raw).lower()
    return Pooled(raw, "0x" + keccak(data).hex(), sender, number[0], number[1], number[2])

"""RPCs that fail, lie and disagree, without a chain behind them: what counts as an answer, how often it is asked."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ledger.anchors import rpc as rpcs
from ledger.anchors.fees import quantity
from ledger.anchors.rpc import Block, Pool, Rpc, RpcDisagree, RpcError, RpcRefused, RpcUnreachable
from tests.anchors.strict_node import NodeError, nodes

HASH, OTHER = "0x" + "1a" * 32, "0x" + "2b" * 32


class Scripted:
    """Stands in for a chain where only the answers matter. No transport is left out: it is behind real HTTP."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def rpc(self, method: str, *params: Any) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, NodeError):
            raise answer
        return answer

    async def take(self, raw: str) -> Any:
        return await self.rpc("eth_sendRawTransaction", raw)


@contextlib.asynccontextmanager
async def pool(*answers: Any, quorum: int | None = None) -> AsyncIterator[tuple[Pool, list[Any]]]:
    """One RPC per argument; each answers the same to everything."""
    async with nodes("http://127.0.0.1:1", len(answers)) as (_, made):
        for node, answer in zip(made, answers, strict=True):
            node.chain = Scripted(answer)  # type: ignore[assignment]
        made_rpcs = [Rpc(node.url, number, 0.5) for number, node in enumerate(made, 1)]
        for one in made_rpcs:
            one.checked = True
        found = Pool(made_rpcs, quorum or len(answers) // 2 + 1)
        yield found, made
        await found.close()


AGREED: tuple[Any, ...] = (
    # answers of the RPCs, quorum, value, who is named
    (("0x1",), 1, 1, set()),
    (("0x1", "0x1", "0x2"), 2, 1, {"RPC 3"}),
    (("0x2", "0x1", "0x1"), 2, 1, {"RPC 1"}),
    (("0x1", "0x1", None), 2, 1, {"RPC 3"}),
    (("0x1", NodeError(-1, "no"), "0x1"), 2, 1, set()),
    (("0x1", "0x1", "0x1", "0x2", "0x3"), 3, 1, {"RPC 4", "RPC 5"}),
)


@pytest.mark.parametrize(("answers", "quorum", "value", "named"), AGREED)
async def test_what_enough_rpcs_say_counts(answers: Any, quorum: int, value: int, named: set[str]) -> None:
    async with pool(*answers, quorum=quorum) as (found, _):
        assert await found.agreed("eth_x", [], quantity) == value
        told = {name[:5] for name in found.outvoted}
        # An answer that is no quantity is a failure of that RPC; it is left out until it was looked at again.
        failed = {f"RPC {at}" for at, answer in enumerate(answers, 1) if answer is None}
        assert told == named - failed
        assert {rpc.name[:5] for rpc in found.rpcs if not rpc.checked} == failed


DISAGREED: tuple[Any, ...] = (
    (("0x1", "0x2"), 2, RpcDisagree),
    (("0x1", "0x2", "0x3"), 2, RpcDisagree),
    (("0x1", NodeError(-1, "no"), NodeError(-2, "no")), 2, RpcDisagree),
    (("0x1", "junk", "junk"), 2, RpcUnreachable),
    (("junk",), 1, RpcUnreachable),
    ((NodeError(3, "reverted", "0x01"), NodeError(3, "execution reverted", "0x01"), "0x1"), 2, RpcRefused),
)


@pytest.mark.parametrize(("answers", "quorum", "error"), DISAGREED)
async def test_too_few_that_agree_are_no_answer(answers: Any, quorum: int, error: type[Exception]) -> None:
    async with pool(*answers, quorum=quorum) as (found, _):
        with pytest.raises(error):
            await found.agreed("eth_x", [], quantity)


async def test_a_refusal_keeps_the_contract_s_bytes() -> None:
    async with pool(NodeError(3, "reverted", "0xdeadbeef")) as (found, _):
        with pytest.raises(RpcRefused, match="refused with 3: reverted") as caught:
            await found.agreed("eth_call", [], quantity)
        assert (caught.value.code, caught.value.data) == (3, "0xdeadbeef")


QUORUMS = ((1, 0), (1, 2), (2, 1), (3, 1), (4, 2), (3, 4))


@pytest.mark.parametrize(("count", "quorum"), QUORUMS)
def test_a_quorum_is_more_than_half_and_at_most_all(count: int, quorum: int) -> None:
    with pytest.raises(RpcError, match="more than half"):
        Pool([Rpc("https://a.example", number) for number in range(count)], quorum)


@pytest.mark.parametrize("url", ["", "a.example", "ftp://a.example", "file:///etc/passwd", "https://"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(RpcError, match="http or https"):
        Rpc(url, 1)
    with pytest.raises(RpcError, match="1 to 9 URLs"):
        Pool([], 1)


FAULTS = (
    ("down", "got RemoteProtocolError"), ("rate_limit", "rate limit"), ("server_error", "got 503"),
    ("slow", "in 0.5 s"), ("malformed", "expected JSON"), ("not_json", "expected JSON"), ("lost_before", "got 503"),
    ("lost_after", "got RemoteProtocolError"),
)  # fmt: skip


@pytest.mark.parametrize(("fault", "said"), FAULTS)
async def test_a_send_is_asked_once_whatever_happens(
    fault: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpcs, "REST_SECONDS_DEFAULT", 0.0)
    async with pool("0x1") as (found, made):
        made[0].faults = {fault}
        with pytest.raises(RpcUnreachable, match=said) as caught:
            await found.rpcs[0].request("eth_sendRawTransaction", ["0x"])
        assert made[0].asked == {"eth_sendRawTransaction": 1}
        assert "secret-path-key" not in str(caught.value) and "127.0.0.1" in str(caught.value)
        made[0].faults = set()
        assert await found.rpcs[0].request("eth_x", []) == "0x1"


async def test_no_url_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with pool("0x1") as (found, _):
            await found.rpcs[0].request("eth_x", [])
    assert "secret-path-key" not in caplog.text


async def test_a_rate_limit_is_kept_without_asking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpcs, "_rest_seconds", lambda said: 60.0)
    async with pool("0x1") as (found, made):
        made[0].faults = {"rate_limit"}
        for _ in range(3):
            with pytest.raises(RpcUnreachable):
                await found.rpcs[0].request("eth_x", [])
        assert made[0].asked == {"eth_x": 1}


RETRY_AFTER = (
    (None, 5.0), ("7", 7.0), ("0", 0.0), ("99999", 600.0), ("-1", 5.0), ("1.5", 5.0), ("soon", 5.0),
    ("Fri, 27 Nov 2026 10:00:00 GMT", 5.0), ("9" * 50, 5.0),
)  # fmt: skip


@pytest.mark.parametrize(("said", "seconds"), RETRY_AFTER)
def test_how_long_a_node_wants_to_rest_is_bounded(said: str | None, seconds: float) -> None:
    assert rpcs._rest_seconds(said) == seconds


ANSWERS: tuple[tuple[Any, str], ...] = (
    ([], "expected the answer"), ({"id": 2, "result": 1}, "expected the answer"), ({"id": 1}, "expected a result"),
    ({"id": 1, "error": "no"}, "error with a code"), ({"id": 1, "error": {"code": "x"}}, "error with a code"),
    ("text", "expected the answer"), (None, "expected the answer"),
)  # fmt: skip


@pytest.mark.parametrize(("answer", "said"), ANSWERS)
def test_an_answer_that_is_no_json_rpc_is_none(answer: Any, said: str) -> None:
    with pytest.raises(RpcUnreachable, match=said):
        Rpc("https://a.example", 1)._read(1, json.dumps(answer).encode())


async def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpcs, "ANSWER_SIZE_MAX_BYTES", 1000)
    async with pool("0x" + "0" * 2000) as (found, _):
        with pytest.raises(RpcUnreachable, match="at most 1000 bytes"):
            await found.rpcs[0].request("eth_x", [])


def block(number: int, hash_: str = HASH) -> dict[str, str]:
    return {"number": hex(number), "hash": hash_}


class Heights(Scripted):
    """A chain up to a height; `fork` are the hashes from which on it is another one."""

    def __init__(self, head: int, final: int, fork: int = 10**9) -> None:
        super().__init__(None)
        self.head, self.final, self.fork = head, final, fork

    async def rpc(self, method: str, *params: Any) -> Any:
        tags = {"latest": self.head, "finalized": self.final}
        number = tags[params[0]] if params[0] in tags else int(params[0], 16)
        return None if number > self.head else block(number, OTHER if number >= self.fork else HASH)


BLOCKS = (
    # (head, final, fork) of three RPCs; the agreed latest and final block, None: disagreement
    (((100, 90), (100, 90), (100, 90)), 100, 90),
    (((100, 90), (100, 90), (50, 40)), 100, 90),  # one that is behind
    (((100, 90), (99, 89), (98, 88)), 99, 89),
    (((100, 100), (100, 90), (100, 90)), 100, 90),  # one that calls everything final
    (((500, 490), (100, 90), (100, 90)), 100, 90),  # one that is ahead of everybody
    (((100, 90, 80), (100, 90), (100, 90)), 100, 90),  # one on another chain
    (((100, 90, 80), (50, 40), (100, 90)), None, None),
)


@pytest.mark.parametrize(("heights", "latest", "final"), BLOCKS)
async def test_the_final_block_is_one_that_enough_rpcs_name_alike(
    heights: Any, latest: int | None, final: int | None
) -> None:
    async with pool("0x1", "0x1", "0x1") as (found, made):
        for node, one in zip(made, heights, strict=True):
            node.chain = Heights(*one)
        for tag, number in (("latest", latest), ("finalized", final)):
            if number is None:
                with pytest.raises(RpcError):
                    await found.block(tag)
            else:
                assert await found.block(tag) == Block(number, HASH)

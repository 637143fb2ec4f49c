"""The client of a C2SP witness, against a real one in its own process, and against every way to break the protocol."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from ledger.anchors.double import DoubleAnchor
from ledger.anchors.protocol import TYPES, Anchor, Anchored, Trouble, Wanted
from ledger.anchors.witness import WitnessAnchor
from ledger.anchors.witness_receipt import check_witness_receipt
from ledger.checkpoints import Checkpoint
from ledger.ed25519 import verify
from ledger.errors import ProofError
from ledger.merkle import consistency_proof, leaf_hash, nodes_over, root_at
from ledger.notes import Sign, VerifierKey, parse_vkey, sign_note
from tests.anchors.witness_server import running_witness
from tests.ledger.logs import LOG_KEY, LOG_SIGNER, ORIGIN, OTHER_SIGNER

LEAVES = [leaf_hash(b"%d" % at) for at in range(300)]
FORK = [*LEAVES[:5], *(leaf_hash(b"other %d" % at) for at in range(295))]


def _signed(checkpoint: Checkpoint, sign: Sign) -> bytes:
    return sign_note(checkpoint.text(), [(LOG_KEY, sign)]).to_bytes()


def wanted(
    size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN, *, stranger: bool = False
) -> Wanted:
    root = root_at(size, nodes_over(leaves))
    signer = OTHER_SIGNER if stranger else LOG_SIGNER
    return Wanted(size, root, _signed(Checkpoint(origin, size, root), signer.sign))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    with running_witness(ORIGIN, LOG_KEY.vkey()) as found:
        yield found


@asynccontextmanager
async def asking(
    server: tuple[str, str],
    behaviour: str,
    size: int = 0,
    leaves: list[bytes] = LEAVES,
    *,
    seconds_max: float = 5.0,
    vkey: str | None = None,
) -> AsyncIterator[WitnessAnchor]:
    async def proof(old: int, new: int) -> list[bytes]:
        return consistency_proof(old, new, nodes_over(leaves))

    place = {"url": f"{server[0]}/{behaviour}", "vkey": vkey or server[1]}
    made = WitnessAnchor("a1", place, ORIGIN, proof, verify, time.time, size, seconds_max)
    try:
        yield made
    finally:
        await made.close()


def key_of(server: tuple[str, str]) -> VerifierKey:
    return parse_vkey(server[1])


def only(troubles: tuple[Trouble, ...]) -> Trouble:
    (trouble,) = troubles
    return trouble


# --------------------------------------------------------------------------------------------------------- honest
async def test_a_witness_cosigns_each_checkpoint_and_the_receipt_holds_offline(
    server: tuple[str, str],
) -> None:
    async with asking(server, "honest") as anchor:
        as_protocol: Anchor = anchor
        assert as_protocol.type in TYPES
        for size in (1, 2, 7, 8, 64, 255, 300):
            want = wanted(size)
            (got,) = (await anchor.advance(want)).anchored
            told = check_witness_receipt(
                got.receipt, Checkpoint(ORIGIN, size, want.root), key_of(server), verify
            )
            assert abs(told.time - time.time()) < 60
            assert (await anchor.advance(want)).anchored == (got,)  # until it was recorded
            await anchor.recorded(size)
            assert (await anchor.advance(want)).anchored == ()
        assert (await anchor.advance(None)).anchored == ()


async def test_what_the_witness_holds_is_learned_again_after_a_restart(server: tuple[str, str]) -> None:
    async with asking(server, "honest") as anchor:  # it holds 300 from the test above, or nothing
        await anchor.advance(wanted(300))
    for size in (0, 17, 300):  # of what our entries say was recorded: nothing, less, the same
        async with asking(server, "honest", size if size < 300 else 299) as anchor:
            assert [one.size for one in (await anchor.advance(wanted(300))).anchored] == [300]


async def test_a_lost_answer_costs_one_question_more(server: tuple[str, str]) -> None:
    async with asking(server, "lost") as anchor:
        progress = await anchor.advance(wanted(9))
        assert only(progress.troubles).code == "other_side_refuses"
        assert progress.pending_size == 9
        assert "got RemoteProtocolError" in only((await anchor.advance(wanted(9))).troubles).detail
        # it holds 9 now, says so by 409, and is asked from there


async def test_lines_of_other_keys_are_ignored(server: tuple[str, str]) -> None:
    async with asking(server, "other-lines-too") as anchor:
        (got,) = (await anchor.advance(wanted(4))).anchored
        assert str(got.receipt["cosignature"]).count("\n") == 0
        check_witness_receipt(got.receipt, Checkpoint(ORIGIN, 4, wanted(4).root), key_of(server), verify)


# ------------------------------------------------------------------------------------------------ refusals and lies
REFUSED = [
    ("forbidden", "got 403 'no.[31m'"),
    ("unknown", "got 404"),
    ("broken", "got 500"),
    ("busy", "got 503"),
    ("teapot", "got 418"),
    ("nowhere/else", "got 404"),
    ("redirect", "got 307"),
    ("conflict-without-size", "expected a size of text/x.tlog.size"),
    ("conflict-in-words", "expected a size of text/x.tlog.size"),
    ("conflict-in-html", "expected a size of text/x.tlog.size"),
    ("conflict-with-zero-first", "expected a size of text/x.tlog.size"),
    ("conflict-for-ever", "expected 200 and a cosignature, got 409"),
    ("wrong-key", "expected one over this message, got another"),
    ("other-checkpoint", "expected one over this message, got another"),
    ("next-year", "expected its clock within 3600 s of ours"),
    ("last-year", "expected its clock within 3600 s of ours"),
    ("time-zero", "expected its clock within 3600 s of ours"),
    ("stranger-alone", "expected one of witness.invalid"),
    ("short-line", "expected 72 bytes, got 71"),
    ("cut-off", "expected signature lines that end in a newline"),
    ("without-newline", "expected signature lines that end in a newline"),
    ("empty", "expected signature lines that end in a newline"),
    ("html", "expected signature lines that end in a newline"),
    ("latin", "expected UTF-8"),
    ("huge", "expected an answer of at most 65536 bytes, got more"),
    ("many-lines", "expected at most 100 signatures, got 201"),
]


@pytest.mark.parametrize(("behaviour", "says"), REFUSED, ids=[one[0] for one in REFUSED])
async def test_advance_tells_and_believes_nothing_if_the_witness(
    server: tuple[str, str], behaviour: str, says: str
) -> None:
    async with asking(server, behaviour, 3) as anchor:
        progress = await anchor.advance(wanted(9))
        trouble = only(progress.troubles)
        assert (trouble.code, trouble.stops, progress.anchored) == ("other_side_refuses", False, ())
        assert says in trouble.detail
        assert trouble.detail.isprintable()


STOPS = [
    ("conflict-far-ahead", "expected it to hold at most size 9, got 999999"),
    ("unprocessable", "expected it to accept our proof from size 3 to 9, got 422"),
]


@pytest.mark.parametrize(("behaviour", "says"), STOPS, ids=[one[0] for one in STOPS])
async def test_advance_stops_if_the_witness_saw_another_log(
    server: tuple[str, str], behaviour: str, says: str
) -> None:
    async with asking(server, behaviour, 3) as anchor:
        trouble = only((await anchor.advance(wanted(9))).troubles)
        assert (trouble.code, trouble.stops) == ("log_differs", True)
        assert says in trouble.detail


async def test_a_rewritten_log_is_refused_by_a_real_witness(server: tuple[str, str]) -> None:
    with running_witness(ORIGIN, LOG_KEY.vkey(), seed=8) as fresh:
        async with asking(fresh, "honest") as anchor:
            assert (await anchor.advance(wanted(20))).anchored
        async with asking(fresh, "honest", leaves=FORK) as anchor:
            grown = only((await anchor.advance(wanted(40, FORK))).troubles)
            same = only((await anchor.advance(wanted(20, FORK))).troubles)
            older = only((await anchor.advance(wanted(10))).troubles)
        async with asking(fresh, "honest", leaves=FORK) as anchor:  # of a process that remembers nothing
            anew = only((await anchor.advance(wanted(20, FORK))).troubles)
        for trouble in (grown, same, older, anew):
            assert (trouble.code, trouble.stops) == ("log_differs", True)
        assert "our proof from size 20 to 40" in grown.detail
        assert "our root at size 20" in same.detail and same == anew
        assert "at most size 10, got 20" in older.detail
        async with asking(fresh, "honest") as anchor:  # and the honest log goes on
            assert (await anchor.advance(wanted(40))).anchored


async def test_a_checkpoint_that_the_log_did_not_sign_is_refused_by_a_real_witness(
    server: tuple[str, str],
) -> None:
    async with asking(server, "honest") as anchor:
        assert "got 403" in only((await anchor.advance(wanted(9, stranger=True))).troubles).detail
        assert "got 404" in only((await anchor.advance(wanted(9, origin="other.invalid"))).troubles).detail


async def test_a_slow_witness_is_left_after_the_time_given(server: tuple[str, str]) -> None:
    for behaviour in ("slow", "drip"):
        async with asking(server, behaviour, seconds_max=0.5) as anchor:
            started = time.monotonic()
            trouble = only((await anchor.advance(wanted(9))).troubles)
            assert time.monotonic() - started < 1.5
            assert "within 0.5 s" in trouble.detail or "ReadTimeout" in trouble.detail


async def test_nobody_there(server: tuple[str, str]) -> None:
    async with asking(("http://127.0.0.1:9", server[1]), "honest") as anchor:
        assert "got ConnectError" in only((await anchor.advance(wanted(9))).troubles).detail


async def test_several_wait_for_one_witness_at_the_same_time_without_harm(server: tuple[str, str]) -> None:
    with running_witness(ORIGIN, LOG_KEY.vkey(), seed=9) as fresh:

        async def ask(size: int) -> tuple[Anchored, ...]:
            async with asking(fresh, "honest") as anchor:
                return (await anchor.advance(wanted(size))).anchored

        found = await asyncio.gather(*(ask(100 + at) for at in range(4)))
        assert any(found)


# ------------------------------------------------------------------------------------------------- offline receipts
async def test_check_witness_receipt_fails_if_something_else_was_cosigned(server: tuple[str, str]) -> None:
    async with asking(server, "other-lines-too") as anchor:
        (got,) = (await anchor.advance(wanted(4))).anchored
    line, root = str(got.receipt["cosignature"]), wanted(4).root
    right = Checkpoint(ORIGIN, 4, root)
    with running_witness(ORIGIN, LOG_KEY.vkey(), seed=11) as (_, other):
        stranger = parse_vkey(other)
    table: list[tuple[dict[str, object], Checkpoint, VerifierKey]] = [
        ({"v": 1, "cosignature": line}, Checkpoint(ORIGIN, 5, root), key_of(server)),
        ({"v": 1, "cosignature": line}, Checkpoint(ORIGIN, 4, bytes(32)), key_of(server)),
        ({"v": 1, "cosignature": line}, Checkpoint("other.invalid", 4, root), key_of(server)),
        ({"v": 1, "cosignature": line}, right, stranger),
        ({"v": 2, "cosignature": line}, right, key_of(server)),
        ({"v": 1}, right, key_of(server)),
        ({"v": 1, "cosignature": line, "more": 1}, right, key_of(server)),
        ({"v": 1, "cosignature": None}, right, key_of(server)),
        ({"v": 1, "cosignature": f"{line}\n{line}"}, right, key_of(server)),
        ({"v": 1, "cosignature": line[:-4]}, right, key_of(server)),
        ({"v": 1, "cosignature": line.replace("\u2014", "-")}, right, key_of(server)),
        ({"v": 1, "cosignature": ""}, right, key_of(server)),
        ({"v": 1, "cosignature": "x" * 2_000}, right, key_of(server)),
    ]
    check_witness_receipt(got.receipt, right, key_of(server), verify)
    for receipt, checkpoint, key in table:
        with pytest.raises(ProofError, match=r"expected .*got "):
            check_witness_receipt(receipt, checkpoint, key, verify)


# ----------------------------------------------------------------------------------------------------- the double
async def test_the_double_warns_when_it_is_built() -> None:
    with pytest.warns(UserWarning, match="nothing may be claimed"):
        anchor = DoubleAnchor("a1")
    (got,) = (await anchor.advance(wanted(4))).anchored
    assert (got.size, got.receipt) == (4, {"v": 1})
    await anchor.recorded(4)
    assert (await anchor.advance(wanted(4))).anchored == ()
    assert (await anchor.advance(wanted(5))).anchored
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        DoubleAnchor("a2")
    assert len(said) == 1


def test_the_server_of_these_tests_keeps_the_specification(server: tuple[str, str]) -> None:
    """A client that could not be refused would prove nothing: the strict server refuses malformed requests."""
    note = wanted(9).note
    for body in (
        b"",
        note,
        b"old 0\n" + note,
        b"old 00\n\n" + note,
        b"old -1\n\n" + note,
        b"old 10\n\n" + note,
        b"0\n\n" + note,
        b"old 0\nxx\n\n" + note,
        b"old 0\n\n" + note[:-3],
        b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + note,
    ):
        answer = httpx.post(f"{server[0]}/strict/add-checkpoint".replace("strict", "honest"), content=body)
        assert answer.status_code == 400, body[:40]

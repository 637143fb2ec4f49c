"""The demo venue anchored in a real chain, from opening the place to a wrong stamp and what comes after it: issue 5.

One story in the order of its tests: the server that `make run` starts, anvil beside it, the command line as an owner
types it. A thread lets blocks go by, as time does on a chain.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_hash.auto import keccak

from api.cli import run_verb
from ledger.anchors.evm import Calls, checkpoint_digest
from ledger.anchors.evm_receipt import check_receipt
from ledger.anchors.signer import LocalSigner, create_keystore, load_keystore
from ledger.entropy import SystemEntropy
from ledger.errors import ProofError
from ledger.merkle import check_consistency, consistency_proof, leaf_hash, nodes_over, root_at
from tests.anvil import Anvil, running_anvil
from tests.e2e.played import played_once
from tests.served import serving

CHAIN_ID = 31337
ANCHORS = 10
REPORTS = 12
SECONDS_MAX = 60.0
LOOK_SECONDS = 0.05
BLOCK_SECONDS = 0.1
ETHER = 10**18


@contextlib.contextmanager
def mining(anvil: Anvil) -> Iterator[None]:
    """Let a block come every tenth of a second, until the end."""
    over = threading.Event()

    def mine() -> None:
        while not over.wait(BLOCK_SECONDS):
            anvil.rpc("anvil_mine", "0x1")

    thread = threading.Thread(target=mine, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def cli(folder: Path, *arguments: str) -> tuple[int, Any]:
    """Run a verb as an owner types it; return its exit code and what it told."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_verb(["--data-dir", str(folder), "--json", *arguments])
    return code, json.loads(out.getvalue()) if out.getvalue().strip() else err.getvalue()


@dataclass
class Venue:
    """The demo, served."""

    folder: Path
    url: str
    anvil: Anvil
    page: httpx.Client
    api: httpx.Client
    named: dict[str, Any] = field(default_factory=dict)

    def anchors(self) -> dict[str, Any]:
        """Return anchor -> what the API tells of it."""
        return {
            one["anchor"]: one for one in self.api.get("/api/v1/anchors").raise_for_status().json()["items"]
        }

    def until(self, holds: Any, what: str) -> Any:
        """Wait for something, at most SECONDS_MAX."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            found = holds()
            if found:
                return found
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"expected {what} within {SECONDS_MAX} s, got {self.anchors()}")

    def stamped(self, anchor: str) -> int:
        """Ask for an anchor of what is there now, and wait for it; return the size."""
        size: int = self.api.post(f"/api/v1/anchors/{anchor}/now", json={}).raise_for_status().json()["size"]
        self.until(lambda: self.anchors()[anchor]["size"] >= size, f"an anchor of size {size}")
        return size

    def leaves(self) -> list[bytes]:
        """Return the leaf hash of every entry."""
        found: list[bytes] = []
        following: int | None = 0
        while following is not None:
            answer = self.api.get("/api/v1/log/entries", params={"from": following, "limit": 1000}).json()
            found += [bytes.fromhex(one["leaf"]) for one in answer["items"]]
            following = answer["next_seq"]
        return found


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """Serve a copy of the demo beside a chain, with everything that docs/anchoring.md asks to be set."""
    base = tmp_path_factory.mktemp("anchored")
    with running_anvil("--slots-in-an-epoch", "1") as anvil, pytest.MonkeyPatch.context() as patch:
        played, _ = played_once(tmp_path_factory)
        shutil.copytree(played, base / "venue")
        password = base / "password"
        password.write_text("correct horse battery staple\n")
        password.chmod(0o600)
        for name, value in (
            ("TALLYSTICK_ANCHOR_RPC", f"{CHAIN_ID}={anvil.url}"),
            ("TALLYSTICK_ANCHOR_PASSWORD_FILE", str(password)),
            ("TALLYSTICK_ANCHOR_POLL_MS", "100"),
            ("TALLYSTICK_ANCHOR_EXPLORER", "https://explorer.example/{chain_id}/tx/{tx}"),
        ):
            patch.setenv(name, value)
        folder = base / "venue"
        key = (folder / "cli.key").read_text().strip()
        with serving(folder, "--demo") as (_, url, _), mining(anvil):
            headers = {"Authorization": f"Bearer {key}"}
            with (
                httpx.Client(base_url=url, follow_redirects=True, timeout=60) as page,
                httpx.Client(base_url=url, headers=headers, timeout=60) as api,
            ):
                # the cookie is for https and for this machine's browsers: httpx is told it by hand
                given = httpx.get(url + "/", timeout=60).headers.get_list("set-cookie")
                page.headers["Cookie"] = "; ".join(one.partition(";")[0] for one in given)
                yield Venue(folder, url, anvil, page, api)


def test_without_a_place_nothing_is_said_of_stamps(venue: Venue) -> None:
    """Off by default: no page mentions it but the owner's own, and nothing is under way."""
    assert "tamped" not in venue.page.get("/record").text
    assert "tamp" not in venue.page.get("/").text
    assert "Nothing is stamped publicly." in venue.page.get("/record/stamps").text
    assert venue.anchors() == {}


def test_a_place_is_opened_by_one_command(venue: Venue) -> None:
    """Keys, contract and log; who sends needs money, which a test chain gives away."""
    log = venue.api.get("/api/v1/log").json()["log"]
    folder, password, drawn = venue.folder / "keys" / log / "anchors", venue.folder.parent / "password", {}
    folder.mkdir(mode=0o700)
    for name in ("owner", "anchor", "payer"):  # as `anchor key` does (test_anchor_verbs), but quick to open
        made = create_keystore(folder / f"{name}.json", password, SystemEntropy(), iterations=2**10)
        drawn[name] = made.address
    for name in ("owner", "payer"):
        venue.anvil.rpc("anvil_setBalance", drawn[name], hex(ETHER))
    code, told = cli(venue.folder, "anchor", "open", "evm", "--chain", str(CHAIN_ID))
    assert code == 0, told
    venue.named |= {"anchor": told["anchor"], "place": told["place"]}
    assert venue.anvil.rpc("eth_getCode", told["place"]["contract"], "latest") != "0x"
    assert venue.anchors()[told["anchor"]]["state"] == "open"


def test_ten_checkpoints_are_anchored_each_once(venue: Venue) -> None:
    anchor = venue.named["anchor"]
    sizes = [venue.stamped(anchor) for _ in range(ANCHORS)]
    held = venue.api.get(f"/api/v1/anchors/{anchor}/checkpoints").json()["items"]
    assert [one["size"] for one in reversed(held)] == sizes == sorted(set(sizes))
    for one in held:
        proven = check_receipt(one["receipt"], keccak)
        assert (proven.size, proven.root.hex()) == (one["size"], one["root"])
    assert venue.anchors()[anchor]["troubles"] == []
    code, told = cli(venue.folder, "anchor", "status")
    assert (code, told[0]["size"]) == (0, sizes[-1])
    code, told = cli(venue.folder, "anchor", "balance", anchor)
    assert code == 0 and 0 < int(told[0]["wei"]) < ETHER


def test_a_recognition_is_shown_as_publicly_stamped_with_the_way_to_look_it_up(venue: Venue) -> None:
    award = venue.api.get("/api/v1/awards").json()["items"][0]["award"]
    text = venue.page.get(f"/recognition/{award}").text
    assert "Publicly stamped" in text and "Public register 31337" in text
    links = re.findall(r'href="(https://explorer\.example/31337/tx/0x[0-9a-f]{64})"', text)
    assert len(links) == 1
    record = venue.page.get("/record").text
    step = venue.anchors()[venue.named["anchor"]]["size"] - 1
    assert f"Publicly stamped up to step {step}" in record
    assert "blockchain" not in record.lower() and "transaction" not in record.lower()


def test_the_auditor_confirms_it_against_the_chain_and_offline_by_the_receipts(
    venue: Venue, tmp_path: Path
) -> None:
    code, told = cli(venue.folder, "audit", str(venue.folder), "--chain", venue.anvil.url)
    assert (code, told[0]["findings"], told[0]["chains_unread"]) == (3, [], []), told  # 3: no trust policy
    (one,), size = told[0]["anchors"], venue.anchors()[venue.named["anchor"]]["size"]
    assert (one["receipts"], one["anchored_up_to"], len(one["confirmed_by"])) == (ANCHORS, size - 1, 1), one
    assert "blocks of receipts are in the chain and final" in " ".join(one["sentences"])
    code, _ = cli(venue.folder, "export", str(tmp_path / "record"))
    assert code == 0
    code, offline = cli(venue.folder, "audit", str(tmp_path / "record"))
    assert (code, offline[0]["findings"], offline[0]["anchors"][0]["anchored_up_to"]) == (3, [], None)
    said = " ".join(offline[0]["sentences"])
    assert f"{ANCHORS} receipts; entries up to {size - 1} stood before" in said and "chain 31337" in said, (
        said
    )
    assert "whether that block is part of its chain is not known here" in said, said


def signer_of(venue: Venue, name: str) -> LocalSigner:
    log = venue.api.get("/api/v1/log").json()["log"]
    path = venue.folder / "keys" / log / "anchors" / f"{name}.json"
    return load_keystore(path, venue.folder.parent / "password")


def call_of(venue: Venue, size: int, root: bytes, proof: list[bytes]) -> dict[str, str]:
    """Return the call by which the anchor key stamps this, whatever it is."""
    place = venue.named["place"]
    digest = checkpoint_digest(CHAIN_ID, place["contract"], place["log_id"], size, root)
    signature = signer_of(venue, "anchor").sign_digest(digest)
    data = Calls().encode("anchor", bytes.fromhex(place["log_id"][2:]), size, root, proof, signature)
    sender = venue.anvil.rpc("eth_accounts")[0]
    return {"from": sender, "to": place["contract"], "data": "0x" + data.hex(), "gas": hex(1_000_000)}


def test_a_rewritten_history_cannot_be_anchored_even_with_the_key(venue: Venue) -> None:
    """Entry 5 is another one: its tree has an honest proof of its own, and the contract takes none of it."""
    leaves, held = venue.leaves(), venue.anchors()[venue.named["anchor"]]["size"]
    rewritten = [*leaves[:5], leaf_hash(b"another entry"), *leaves[6:]]
    nodes = nodes_over(rewritten)
    size = len(rewritten)
    proof = consistency_proof(held, size, nodes)
    call = call_of(venue, size, root_at(size, nodes), proof)
    answer = httpx.post(
        venue.anvil.url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]}
    ).json()
    assert answer["error"]["data"].startswith("0x" + keccak(b"Inconsistent(uint64,uint64)")[:4].hex()), answer


def test_a_false_size_is_caught_by_the_server_and_by_the_auditor(venue: Venue) -> None:
    """Whoever has the anchor key can claim another size than the root has: a proof does not bind it."""
    anchor = venue.named["anchor"]
    for number in range(REPORTS):
        venue.api.post(
            "/api/v1/reports", json={"note": f"The lamp at table {number} is out"}
        ).raise_for_status()
    lie, root, proof = a_lie(venue.anchors()[anchor]["size"], venue.leaves())
    call = call_of(venue, lie, root, proof)
    sent = venue.anvil.rpc("eth_sendTransaction", call)
    venue.until(lambda: venue.anvil.rpc("eth_getTransactionReceipt", sent), "the lie in a block")
    assert venue.anvil.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1"
    venue.named["lie"] = lie
    venue.api.post(f"/api/v1/anchors/{anchor}/now", json={}).raise_for_status()
    wrong = venue.until(lambda: venue.anchors()[anchor]["troubles"], "a trouble")
    assert (wrong[0]["code"], wrong[0]["stops"]) == ("log_differs", True), wrong
    code, told = cli(venue.folder, "anchor", "status")
    assert code == 1 and "log_differs" in told[0]["trouble"]
    there = int(venue.anvil.rpc("eth_getTransactionReceipt", sent)["blockNumber"], 16)
    venue.until(lambda: final_number(venue) >= there, "the block of the lie final")
    code, told = cli(venue.folder, "audit", str(venue.folder), "--chain", venue.anvil.url)
    assert (code, {one["code"] for one in told[0]["findings"]}) == (1, {"chain_root"}), told
    assert f"the contract holds size {lie}, root {root.hex()}" in told[0]["findings"][0]["what"], told


def final_number(venue: Venue) -> int:
    return int(venue.anvil.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)


def a_lie(held: int, leaves: list[bytes]) -> tuple[int, bytes, list[bytes]]:
    """Return a size that is none, with the root and the proof of another under which it passes nevertheless."""
    nodes = nodes_over(leaves)
    old = root_at(held, nodes)
    for size in range(held + 1, len(leaves) + 1):
        root, proof = root_at(size, nodes), consistency_proof(held, size, nodes)
        for claimed in range(len(leaves) + 1, 2 * len(leaves)):
            if _passes(held, old, claimed, root, proof):
                return claimed, root, proof
    raise AssertionError(f"expected a size that lies, from {held} to {len(leaves)}")


def _passes(old_size: int, old: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    try:
        check_consistency(old_size, size, old, root, proof)
    except ProofError:
        return False
    return True


def test_the_owner_is_told_once_what_is_the_matter(venue: Venue) -> None:
    """One exception for it, however often the worker looks, and the page says what to do."""
    told = venue.page.get("/record/stamps").text
    assert "What is stamped there is not what stands in this record." in told
    cases = venue.api.get("/api/v1/cases", params={"limit": 200}).json()["items"]
    mine = [one for one in cases if one["origin"] == "signal" and one["playbook"] is None]
    assert len(mine) == 1, mine
    assert "publicly stamped" in venue.page.get(f"/exceptions/{mine[0]['case']}").text


def test_another_log_goes_on_in_its_place(venue: Venue, tmp_path: Path) -> None:
    """`supersede` recovers: the record and the chain name the successor, which is anchored and audited."""
    old, place = venue.named["anchor"], venue.named["place"]
    code, told = cli(
        venue.folder, "anchor", "open", "evm", "--chain", str(CHAIN_ID), "--contract", place["contract"]
    )
    assert code == 0, told
    new = told["anchor"]
    assert told["place"]["log_id"] != place["log_id"]
    code, told = cli(venue.folder, "anchor", "supersede", old, "--by", new, "--reason", "size_wrong")
    assert code == 0 and told["chain"]["final"], told
    size = venue.stamped(new)
    found = venue.anchors()
    assert (found[old]["state"], found[old]["superseded_by"]) == ("superseded", new)
    assert (found[new]["size"], found[new]["troubles"]) == (size, [])
    code, told = cli(venue.folder, "audit", str(venue.folder), "--chain", venue.anvil.url)
    assert code == 1 and [one["code"] for one in told[0]["findings"]] == ["chain_root"], told
    assert f"size {venue.named['lie']}, root" in told[0]["findings"][0]["what"], told
    seen = {one["anchor"]: one for one in told[0]["anchors"]}
    assert (seen[old]["state"], seen[new]["state"]) == ("superseded", "open")
    assert seen[new]["anchored_up_to"] == size - 1 and seen[new]["confirmed_by"], seen[new]
    assert not any("successor" in line for line in seen[old]["sentences"]), seen[old]

"""The committed contract on a real chain (anvil), spoken to by plain JSON-RPC, and logs that are anchored in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_hash.auto import keccak

from ledger.anchors.artefact import load_artefact
from ledger.anchors.evm_receipt import ANCHORED, SUPERSEDED, check_receipt, check_superseded
from ledger.anchors.receipts import find_log, prove_receipt
from ledger.merkle import consistency_proof, leaf_hash, nodes_over, root_at
from tests.anchors.blocks import raw, shown
from tests.anvil import Anvil
from tests.ledger.logs import CASE, Held, Scribe, opened_log

KEY = Account.from_key("0x" + "a1" * 32)
Body = dict[str, Any]


@dataclass
class OnChain:
    """The contract, deployed."""

    anvil: Anvil
    chain_id: int
    sender: str
    contract: str
    code_hash: str

    @classmethod
    def deployed(cls, anvil: Anvil) -> OnChain:
        """Deploy the committed artefact from an account that anvil holds."""
        artefact, sender = load_artefact(), anvil.rpc("eth_accounts")[0]
        made = cls(anvil, int(anvil.rpc("eth_chainId"), 16), sender, "", shown(artefact.code_hash))
        made.contract = made.send(artefact.creation, None)["contractAddress"].lower()
        return made

    def send(self, data: bytes, to: str | None) -> Body:
        """Send a transaction and return its receipt; it must succeed."""
        request = {"from": self.sender, "data": shown(data), "gas": hex(5_000_000)}
        sent = self.anvil.rpc("eth_sendTransaction", request | ({} if to is None else {"to": to}))
        found = self.anvil.receipt(sent)
        assert found["status"] == "0x1", found
        return found

    def tell(self, signature: str, *values: Any) -> Body:
        """Call a function of the contract in a transaction."""
        return self.send(_encoded(signature, values), self.contract)

    def ask(self, signature: str, *values: Any) -> bytes:
        """Call a view of the contract."""
        request = {"to": self.contract, "data": shown(_encoded(signature, values))}
        return raw(self.anvil.rpc("eth_call", request, "latest"))

    def open(self, salt: int) -> str:
        """Open a log; return its id."""
        word = salt.to_bytes(32, "big")
        self.tell("openLog(address,address,bytes32,bytes32)", self.sender, KEY.address, word, bytes(32))
        return shown(self.ask("logIdOf(address,bytes32)", self.sender, word))

    def anchor(self, log_id: str, size: int, root: bytes, proof: list[bytes]) -> Body:
        """Anchor a checkpoint, signed by the log's anchor key; return the transaction's receipt."""
        digest = self.ask("digestOf(bytes32,uint64,bytes32)", raw(log_id), size, root)
        signature = bytes(KEY.unsafe_sign_hash(digest).signature)
        given = (raw(log_id), size, root, proof, signature)
        return self.tell("anchor(bytes32,uint64,bytes32,bytes32[],bytes)", *given)

    def supersede(self, log_id: str, successor: str) -> Body:
        """Name a successor; return the transaction's receipt."""
        return self.tell("supersede(bytes32,bytes32,bytes32)", raw(log_id), raw(successor), bytes(32))

    def prove(self, receipt: Body, log_id: str, *, superseded: bool = False) -> Body:
        """Return the receipt of the record for what a transaction did."""
        block = self.anvil.rpc("eth_getBlockByHash", receipt["blockHash"], False)
        all_of_it = self.anvil.rpc("eth_getBlockReceipts", receipt["blockNumber"])
        at = find_log(receipt, self.contract, log_id, SUPERSEDED if superseded else ANCHORED)
        assert at is not None
        check: Any = check_superseded if superseded else check_receipt
        index = int(receipt["transactionIndex"], 16)
        return prove_receipt(block, all_of_it, index, self.chain_id, self.contract, log_id, at, check)

    def place(self, log_id: str) -> Body:
        """Return the place of an anchor here."""
        return {
            "chain_id": self.chain_id, "contract": self.contract, "code_hash": self.code_hash, "log_id": log_id,
            "owner": self.sender.lower(), "anchor_key": KEY.address.lower(), "payer": self.sender.lower(),
        }  # fmt: skip

    def mine(self, count: int) -> None:
        """Let blocks go by."""
        self.anvil.rpc("anvil_mine", hex(count))


def _encoded(signature: str, values: tuple[Any, ...]) -> bytes:
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(signature.encode())[:4] + abi_encode(types, values)


@dataclass
class AnchoredThere:
    """A log with one anchor on that contract."""

    chain: OnChain
    log_id: str
    scribe: Scribe = field(default_factory=opened_log)
    sizes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        place = self.chain.place(self.log_id)
        self.scribe.write("anchor_opened", {"anchor": "a1", "type": "evm", "place": place})

    def fill(self, count: int) -> None:
        """Add entries about something else."""
        for _ in range(count):
            self.scribe.write("acknowledged", {"until": "2026-11-24T10:00:00.000Z"}, CASE)

    def root(self, size: int) -> bytes:
        """Return the root of the first entries."""
        return root_at(size, self._nodes())

    def _nodes(self) -> Any:
        return nodes_over([leaf_hash(line) for line in self.scribe.lines])

    def anchored(self, *, recorded: bool = True, claimed: int | None = None) -> Body:
        """Anchor what there is, as size `claimed` if that is another, and write the entry unless it is forgotten."""
        size = len(self.scribe.lines)
        proof = consistency_proof(self.sizes[-1], size, self._nodes()) if self.sizes else []
        done = self.chain.anchor(self.log_id, claimed or size, self.root(size), proof)
        self.sizes.append(size)
        if recorded:
            body = {"anchor": "a1", "size": size, "root": self.root(size).hex()}
            told = self.chain.prove(done, self.log_id)
            self.scribe.write("checkpoint_anchored", body | {"receipt": told})
        return done

    def held(self) -> Held:
        """Return it as a source of the audit."""
        return Held.of(self.scribe, *self.sizes)

"""What an owner has done on a chain, from the server: the contract, the log in it, its successor, and what keys hold.

Each is one journalled command (ledger/anchors/owning.py) under a name that follows from what is asked, so whoever gives
it again goes on where it was. Only after the chain has it does the record say so.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.anchor_types import AnchorSetupMissing, keystore_folder, open_key, pool_of, terms_of
from api.problems import Problem
from api.rooms import Rooms
from api.settings import Settings
from casework import tables
from casework.anchor_requests import KEY_STOLEN
from ledger.anchors.artefact import load_artefact
from ledger.anchors.evm_receipt import SUPERSEDED, check_superseded
from ledger.anchors.fees import quantity
from ledger.anchors.journal import Journal, JournalMoved
from ledger.anchors.looking import Halted
from ledger.anchors.owning import Done, Owning
from ledger.anchors.protocol import EVM
from ledger.anchors.receipts import find_log, prove_receipt
from ledger.anchors.rpc import Pool, RpcError, RpcUnreachable
from ledger.anchors.sending import Sending
from ledger.anchors.signer import SignerError, keystore_address, load_keystore
from ledger.changes import Row
from ledger.codec import loads
from ledger.entropy import uuid7
from ledger.errors import ProofError

SALT_DOMAIN = b"tallystick/anchor-salt/v1\x00"
WAIT_SECONDS = 60.0
"""So long one request waits for a block; whoever asked asks again."""
POLL_SECONDS = 0.5


class ChainRefused(Problem):
    """The chain, or the keys for it, did not let it be done; `code` is one of docs/spec/anchoring.md section 4."""

    status = 409


@dataclass(frozen=True, slots=True)
class Key:
    """Where a key lies: the name of a keystore in the organisation's folder, or a path; and its password's file."""

    keystore: str
    password_file: str | None = None


class ChainDoor:
    """Commands of one organisation on chains. `name` is that of the process's own sender: one lease, one driver."""

    def __init__(self, rooms: Rooms, settings: Settings, name: str) -> None:
        self._rooms = rooms
        self._settings = settings
        self._name = name

    def address_of(self, keystore: str) -> str:
        """Return the address of a keystore. Raises ChainRefused."""
        try:
            return keystore_address(self._path(keystore))
        except SignerError as error:
            raise ChainRefused("signer_missing", str(error)) from error

    def _path(self, keystore: str) -> Path:
        if "/" in keystore:
            return Path(keystore)
        return keystore_folder(self._settings, self._rooms.log) / f"{keystore.removesuffix('.json')}.json"

    @asynccontextmanager
    async def _owning(
        self, chain_id: int, key: Key, contract: str | None
    ) -> AsyncIterator[tuple[Owning, Pool]]:
        """Open the key and the chain, and say what goes wrong in one way."""
        given = key.password_file or self._settings.anchor_password_file
        if given is None:
            said = (
                "password file: expected one (--password-file or TALLYSTICK_ANCHOR_PASSWORD_FILE), got none"
            )
            raise ChainRefused("signer_missing", said)
        with _said():
            pool = pool_of(self._settings, chain_id)
            try:
                signer = await asyncio.to_thread(load_keystore, self._path(key.keystore), Path(given))
                sending = self._made(pool, chain_id, signer.address, contract)
                yield Owning(sending, signer, contract, WAIT_SECONDS, POLL_SECONDS), pool
            finally:
                await pool.close()

    # ------------------------------------------------------------------------------------------ commands
    async def deploy(self, chain_id: int, key: Key, again: int = 0) -> tuple[str, Done]:
        """Put the contract on a chain, once for each key and `again`; return its address. Raises ChainRefused."""
        async with self._owning(chain_id, key, None) as (owning, _):
            done = await owning.deploy(f"deploy:{chain_id}:{self.address_of(key.keystore)}:{again}")
        if done.made is None:
            raise ChainRefused(
                "contract_refuses", f"expected {done.tx_hash} to make a contract, it made none"
            )
        return done.made, done

    async def open_log(
        self, chain_id: int, contract: str, key: Key, anchor_key: str, payer: str
    ) -> tuple[str, dict[str, Any], Done]:
        """Open a log in a contract; return the id of the anchor to be and its place. Raises ChainRefused."""
        owner, log = self.address_of(key.keystore), self._rooms.log
        number = await self._opened_before(chain_id, contract)
        said = f"{log}\x00{chain_id}\x00{contract}\x00{owner}\x00{number}".encode()
        salt = hashlib.sha256(SALT_DOMAIN + said).digest()
        signs, pays = self.address_of(anchor_key), self.address_of(payer)
        async with self._owning(chain_id, key, contract) as (owning, _):
            name = f"open:{chain_id}:{contract}:{owner}:{number}"
            log_id, done = await owning.open_log(name, owner, signs, salt, log)
        place = {
            "chain_id": chain_id,
            "contract": contract,
            "code_hash": "0x" + load_artefact().code_hash.hex(),
            "log_id": log_id,
            "owner": owner,
            "anchor_key": signs,
            "payer": pays,
        }
        return uuid7(self._rooms.entropy, self._rooms.clock.unix_ms()), place, done

    async def _opened_before(self, chain_id: int, contract: str) -> int:
        rows = await self._rooms.rows.find(tables.anchor, {"type": EVM})
        places = [loads(row["place"]) for row in rows]
        return sum(1 for one in places if (one["chain_id"], one["contract"]) == (chain_id, contract))

    async def supersede(self, row: Row, by: Row, key: Key, reason: str) -> tuple[Done, dict[str, Any]] | None:
        """Name the successor on the chain, and return the receipt once it is there for good; None where the two are not
        in one contract, so that only the record can say it.

        Raises:
            ChainRefused
        """
        old, new = loads(row["place"]), loads(by["place"])
        if (row["type"], by["type"]) != (EVM, EVM):
            return None
        if (old["chain_id"], old["contract"]) != (new["chain_id"], new["contract"]):
            return None
        async with self._owning(int(old["chain_id"]), key, str(old["contract"])) as (owning, pool):
            done = await owning.supersede(f"supersede:{row['anchor']}", old["log_id"], new["log_id"], reason)
            if not done.final:
                raise ChainRefused(
                    "rpc_unreachable", f"{done.tx_hash} is not final; under way, give it again"
                )
            return done, await _superseded_receipt(pool, done, old)

    async def balances(self, row: Row) -> dict[str, int]:
        """Return address -> wei of the payer and the owner of an anchor. Raises ChainRefused."""
        place = self._place(row)
        found = {}
        for address in dict.fromkeys((place["payer"], place["owner"])):
            async with self._sending(place, address) as sending:
                await sending.check_place()
                found[address] = await sending.balance(await sending.pool.block("latest"))
        return found

    async def resume(self, row: Row, cancel_nonce: int | None) -> str:
        """Let the payer of an anchor send again; return its address. Raises ChainRefused."""
        place = self._place(row)
        payer = str(place["payer"])
        async with self._sending(place, payer) as sending:
            if cancel_nonce is None:
                await sending.resume()
            else:
                signer = await asyncio.to_thread(open_key, self._settings, self._rooms.log, payer)
                await sending.cancel(cancel_nonce, signer)
        return payer

    async def go_on(self, row: Row, by: Row, reason: str) -> None:
        """Let the payer that stopped over the old anchor send for its successor: who named that one has looked. Not
        where a key was stolen."""
        if (row["type"], by["type"]) != (EVM, EVM) or reason == KEY_STOLEN:
            return
        old, new = self._place(row), self._place(by)
        if (old["chain_id"], old["payer"]) == (new["chain_id"], new["payer"]):
            with suppress(ChainRefused):  # then the anchor says what is wrong, and `anchor resume` is there
                await self.resume(by, None)

    def _place(self, row: Row) -> dict[str, Any]:
        if row["type"] != EVM:
            raise ChainRefused("wrong_chain", f"expected an anchor on a chain, got a {row['type']}")
        place: dict[str, Any] = loads(row["place"])
        return place

    @asynccontextmanager
    async def _sending(self, place: dict[str, Any], address: str) -> AsyncIterator[Sending]:
        chain_id = int(place["chain_id"])
        with _said():
            pool = pool_of(self._settings, chain_id)
            try:
                yield self._made(pool, chain_id, address, str(place["contract"]))
            finally:
                await pool.close()

    def _made(self, pool: Pool, chain_id: int, address: str, contract: str | None) -> Sending:
        journal = Journal(self._rooms.writer, self._rooms.log)
        terms = terms_of(self._settings, self._name)
        code_hash = None if contract is None else "0x" + load_artefact().code_hash.hex()
        return Sending(pool, journal, chain_id, address, terms, contract, code_hash)


async def _superseded_receipt(pool: Pool, done: Done, place: Mapping[str, Any]) -> dict[str, Any]:
    """Return the receipt of what names the successor, from the first RPC whose block proves it. Raises RpcError."""
    failures = []
    for rpc in pool.good():
        try:
            header = await rpc.request("eth_getBlockByHash", [done.block_hash, False])
            receipts = await rpc.request("eth_getBlockReceipts", [done.block_hash])
            mine = next(one for one in receipts if one["transactionHash"].lower() == done.tx_hash)
            contract, log_id = str(place["contract"]), str(place["log_id"])
            at = find_log(mine, contract, log_id, SUPERSEDED)
            if at is None:
                raise ValueError("expected the successor's event, got none")
            index = quantity(mine["transactionIndex"])
            return prove_receipt(
                header, receipts, index, int(place["chain_id"]), contract, log_id, at, check_superseded
            )
        except RpcError as error:
            failures.append(str(error))
        except (ProofError, ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
            failures.append(f"{rpc.name}: {error}"[:200])
    raise RpcUnreachable(f"receipt of {done.tx_hash}: {'; '.join(failures) or 'no RPC answers'}")


@contextmanager
def _said() -> Iterator[None]:
    """Say what goes wrong on a chain, or with the keys for it, in one way. Raises ChainRefused."""
    try:
        yield
    except (Halted, AnchorSetupMissing) as error:
        raise ChainRefused(error.trouble.code, error.trouble.detail) from error
    except SignerError as error:
        raise ChainRefused("signer_missing", str(error)) from error
    except RpcError as error:
        raise ChainRefused("rpc_unreachable", str(error)) from error
    except JournalMoved as error:
        raise ChainRefused("rpc_unreachable", f"{error}; give the command again") from error

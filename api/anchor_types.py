"""Making an anchor of its row: which class by type, with what the settings and the key folder give it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from api.anchor_audits import stamps_of
from api.anchor_settings import read_rpcs
from api.rooms import Rooms
from api.settings import Settings
from casework.time_tokens import StampFault
from ledger import ed25519
from ledger.anchors.double import DoubleAnchor
from ledger.anchors.evm import EvmAnchor, Place, Signers
from ledger.anchors.fees import parse_gwei
from ledger.anchors.journal import Journal
from ledger.anchors.looking import Terms
from ledger.anchors.protocol import DOUBLE, EVM, TIMESTAMP, WITNESS, Anchor, Trouble
from ledger.anchors.rpc import Pool, Rpc, RpcError
from ledger.anchors.signer import (
    KeystoreMissing,
    LocalSigner,
    SignerError,
    keystore_address,
    load_keystore,
)
from ledger.anchors.timestamp import TimestampAnchor
from ledger.anchors.witness import WitnessAnchor
from ledger.changes import Row
from ledger.codec import loads
from ledger.errors import LedgerError

KEYS_FOLDER = "anchors"
"""Keystores of an organisation, beside its log key."""
KEYSTORES_MAX = 100


class AnchorSetupMissing(LedgerError):
    """What an anchor needs to work is not set: an RPC of its chain, a key, a password. `trouble` says which."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.detail)
        self.trouble = trouble


def keystore_folder(settings: Settings, log: str) -> Path:
    """Return where the keystores of one organisation lie."""
    return settings.keys_folder / log / KEYS_FOLDER


def pool_of(settings: Settings, chain_id: int) -> Pool:
    """Return the RPCs of a chain.

    Raises:
        AnchorSetupMissing: none is set, or the quorum does not fit.
    """
    urls = read_rpcs(settings.anchor_rpc).get(chain_id, ())
    if not urls:
        said = f"TALLYSTICK_ANCHOR_RPC: expected an RPC of chain {chain_id}, got none"
        raise AnchorSetupMissing(Trouble("rpc_unreachable", said))
    seconds = float(settings.anchor_rpc_seconds)
    try:
        rpcs = [Rpc(url, number, seconds) for number, url in enumerate(urls, start=1)]
        return Pool(rpcs, settings.anchor_quorum or len(rpcs) // 2 + 1)
    except RpcError as error:
        raise AnchorSetupMissing(Trouble("rpc_disagree", str(error))) from error


def terms_of(settings: Settings, name: str) -> Terms:
    """Return how an address of this installation sends; `name` tells drivers apart."""
    return Terms(name=name, ceiling_wei=parse_gwei(settings.anchor_fee_ceiling_gwei))


def find_keystore(folder: Path, address: str) -> Path:
    """Return the keystore of an address. Raises SignerError: there is none."""
    files = sorted(folder.glob("*.json"))[:KEYSTORES_MAX] if folder.is_dir() else []
    for path in files:
        try:
            if keystore_address(path) == address:
                return path
        except SignerError:
            continue  # another file than a keystore, or one that others may read: it opens nothing
    raise KeystoreMissing(f"{folder}: expected the keystore of {address}, got {len(files)} others")


def open_key(settings: Settings, log: str, address: str) -> LocalSigner:
    """Open one key with the password file of the settings. Raises SignerError."""
    if settings.anchor_password_file is None:
        raise KeystoreMissing(
            "TALLYSTICK_ANCHOR_PASSWORD_FILE: expected a file with the keys' password, got none"
        )
    return load_keystore(
        find_keystore(keystore_folder(settings, log), address), settings.anchor_password_file
    )


class Builder:
    """Makes the anchors of an installation. `name` must differ between processes that send."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name

    async def __call__(self, rooms: Rooms, row: Row) -> Anchor:
        """Return the anchor of a row. Raises AnchorSetupMissing."""
        makers: dict[str, Callable[[Rooms, Row], Anchor]] = {
            EVM: self._evm,
            WITNESS: self._witness,
            TIMESTAMP: self._timestamp,
            DOUBLE: self._double,
        }
        return makers[str(row["type"])](rooms, row)

    def _evm(self, rooms: Rooms, row: Row) -> Anchor:
        place = Place(**loads(row["place"]))
        settings, log = self._settings, rooms.log

        def signers() -> Signers:
            return Signers(
                anchor_key=open_key(settings, log, place.anchor_key),
                payer=open_key(settings, log, place.payer),
            )

        return EvmAnchor(
            str(row["anchor"]),
            place,
            pool_of(settings, place.chain_id),
            Journal(rooms.writer, log),
            rooms.reader,
            signers,
            terms_of(settings, self._name),
        )

    def _witness(self, rooms: Rooms, row: Row) -> Anchor:
        return WitnessAnchor(
            str(row["anchor"]),
            loads(row["place"]),
            rooms.log,
            rooms.reader.consistency,
            ed25519.verify,
            time.time,  # the other side's clock is the world's, also where ours is simulated
            int(row["size"]),
            float(self._settings.anchor_rpc_seconds),
        )

    def _double(self, rooms: Rooms, row: Row) -> Anchor:
        return DoubleAnchor(str(row["anchor"]), int(row["size"]))

    def _timestamp(self, rooms: Rooms, row: Row) -> Anchor:
        try:
            check = stamps_of(rooms.tsa_roots)
        except (StampFault, OSError) as error:
            said = f"TALLYSTICK_TSA_ROOTS: expected roots of the time authority, got {error}"
            raise AnchorSetupMissing(Trouble("other_side_refuses", said)) from error
        if check is None:
            said = "TALLYSTICK_TSA_ROOTS: expected the roots of the time authority, got none"
            raise AnchorSetupMissing(Trouble("other_side_refuses", said))
        return TimestampAnchor(
            str(row["anchor"]),
            loads(row["place"]),
            check,
            time.time,  # the other side's clock is the world's, also where ours is simulated
            int(row["size"]),
            seconds_max=float(self._settings.anchor_rpc_seconds),
        )

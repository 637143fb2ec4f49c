"""What is done on a chain for an anchor: for an owner who is the operator too, because key files here are opened.

Waits for a block for at most a minute, and is simply asked again where that was not enough: nothing is sent twice.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field, StringConstraints

from api.anchor_chain import ChainDoor, Key
from api.bodies import Door
from api.identity import Asking, need_to_write
from api.permissions import OPERATOR
from api.problems import PROBLEM_RESPONSES, NotAllowed
from api.routes.answers import tell
from api.routes.shapes import Asked, Code, Id, IdInPath, Recorded, Told
from casework import tables
from casework.anchor_requests import OpenAnchor, SupersedeAnchor
from ledger.anchors.owning import Done
from ledger.anchors.protocol import EVM

router = APIRouter(
    route_class=Door,
    prefix="/api/v1",
    tags=["operator"],
    responses=PROBLEM_RESPONSES,
    include_in_schema=False,
)

Writes = Annotated[Asking, need_to_write("anchor.write")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f]+$")]
Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{40}$")]
ChainId = Annotated[int, Field(ge=1, le=2**53 - 1)]


class OperatorToo:
    """Lets an owner through who can read this server's data folder: key files lie there."""

    async def __call__(
        self,
        request: Request,
        token: Annotated[str | None, Header(alias="X-Operator-Token", max_length=200)] = None,
    ) -> None:
        if not request.app.state.is_operator(token):
            raise NotAllowed(
                "operator_needed",
                f"expected the token of the {OPERATOR} too, got none",
            )


Operator = Annotated[None, Depends(OperatorToo())]
"""Stands after `Writes`: who may not do it in any case is told that first."""


class ByKey(Asked):
    """Which key does it: the name of a keystore in the organisation's folder, or a path; and its password's file."""

    keystore: FileName
    password_file: FileName | None = None

    def key(self) -> Key:
        """Return it."""
        return Key(self.keystore, self.password_file)


class Deployment(ByKey):
    """A contract on a chain. `again`: another one by the same key."""

    chain_id: ChainId
    again: Annotated[int, Field(ge=0, le=1_000)] = 0


class LogOpening(ByKey):
    """A log in a contract, and which keys sign and pay for it."""

    chain_id: ChainId
    contract: Address
    anchor_key: FileName
    payer: FileName


class Succession(ByKey):
    """Which open anchor goes on in its place, and why."""

    by: Id
    reason: Code


class OnChain(Told):
    """Where a command got in; `final`: for good, as far as the chain says now."""

    tx_hash: str
    block_number: int
    block_hash: str
    final: bool


class Deployed(OnChain):
    """A contract, and where it is."""

    contract: str


class Opened(Recorded):
    """The anchor, its place, and where the log was opened."""

    place: dict[str, Any]
    chain: OnChain


class Superseded(Recorded):
    """`chain`: where the successor was named; None: the two are not in one contract, and only the record says so."""

    chain: OnChain | None


class Resumption(Asked):
    """Go on; with a nonce, free that one first by sending nothing to oneself."""

    cancel_nonce: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None


class Resumed(Told):
    """The address that sends again."""

    payer: str


class Balances(Told):
    """Address -> wei."""

    wei: dict[str, str]


def _door(asking: Asking, request: Request) -> ChainDoor:
    state = request.app.state
    return ChainDoor(asking.rooms, state.installation.settings, state.worker.name)


def _on_chain(done: Done) -> dict[str, Any]:
    names = ("tx_hash", "block_number", "block_hash", "final")
    return {name: getattr(done, name) for name in names}


@router.post("/anchor-chain/deploy")
async def deploy_contract(body: Deployment, request: Request, asking: Writes, _: Operator) -> Deployed:
    """Put the contract on a chain; asked again it is the same one."""
    address, done = await _door(asking, request).deploy(body.chain_id, body.key(), body.again)
    return Deployed(contract=address, **_on_chain(done))


@router.post("/anchor-chain/open", status_code=201)
async def open_on_chain(body: LogOpening, request: Request, asking: Writes, _: Operator) -> Opened:
    """Open a log in a contract, then let checkpoints go there."""
    anchor, place, done = await _door(asking, request).open_log(
        body.chain_id, body.contract, body.key(), body.anchor_key, body.payer
    )
    opened = await asking.rooms.anchoring.open(asking.who, asking.key, OpenAnchor(EVM, place, anchor))
    told = await tell(asking, opened)
    return Opened(**told.model_dump(), place=place, chain=OnChain(**_on_chain(done)))


@router.post("/anchors/{anchor}/chain/supersede")
async def supersede_on_chain(
    anchor: IdInPath, body: Succession, request: Request, asking: Writes, _: Operator
) -> Superseded:
    """Name the successor on the chain where both are in one contract, then in the record."""
    rows = asking.rooms.rows
    row = await rows.need("anchor", tables.anchor, anchor=anchor)
    by = await rows.need("anchor", tables.anchor, anchor=body.by)
    door = _door(asking, request)
    done = await door.supersede(row, by, body.key(), body.reason)
    asked = SupersedeAnchor(anchor, body.by, body.reason, {} if done is None else done[1])
    told = await tell(asking, await asking.rooms.anchoring.supersede(asking.who, asking.key, asked))
    # a turn of the old anchor that is still under way would stop the payer again
    async with request.app.state.worker.anchors.between_turns():
        await door.go_on(row, by, body.reason)
    return Superseded(**told.model_dump(), chain=None if done is None else OnChain(**_on_chain(done[0])))


@router.post("/anchors/{anchor}/chain/balance")
async def balances_on_chain(anchor: IdInPath, request: Request, asking: Writes, _: Operator) -> Balances:
    """Ask what the payer and the owner of an anchor hold."""
    row = await asking.rooms.rows.need("anchor", tables.anchor, anchor=anchor)
    found = await _door(asking, request).balances(row)
    return Balances(wei={address: str(wei) for address, wei in found.items()})


@router.post("/anchors/{anchor}/chain/resume")
async def resume_on_chain(
    anchor: IdInPath, body: Resumption, request: Request, asking: Writes, _: Operator
) -> Resumed:
    """Let an anchor send again that stopped: a person has looked."""
    row = await asking.rooms.rows.need("anchor", tables.anchor, anchor=anchor)
    return Resumed(payer=await _door(asking, request).resume(row, body.cancel_nonce))

"""Verbs about anchors: key, deploy, open, status, now, supersede, close, balance, resume. docs/anchoring.md.

All but `key` ask the server, in an owner's name; what opens a key also needs the data folder (routes/anchor_chain.py).
Exit codes: 0 done, 1 refused or something is wrong with an anchor, 2 usage, 130 stopped.
"""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from api.anchor_settings import ANCHOR_GAS
from api.anchor_types import keystore_folder
from api.remote import RemoteRefused, reach, read_key
from api.verbs.console import FAILED, Misuse, here, run, tell, tell_rows
from api.verbs.record import reading
from casework.anchor_requests import CHAIN_ENDED, NOT_WANTED
from ledger.anchors.signer import create_keystore
from ledger.entropy import SystemEntropy

WAIT_SECONDS_MAX = 900
"""So long a verb waits for a chain, or for a stamp with --wait; given again it goes on."""
LOOK_SECONDS = 1.0
WEI_PER_GWEI, GWEI_PER_ETHER = 10**9, 10**9

anchor = typer.Typer(
    help="Anchors: checkpoints in somebody else's hands (docs/anchoring.md).", no_args_is_help=True
)

_Name = Annotated[str, typer.Argument(help="What the key file is called: owner, anchor, payer, ...")]
_Chain = Annotated[int, typer.Option("--chain", min=1, help="The chain's id: 31337, 11155111, ...")]
_Anchor = Annotated[str | None, typer.Argument(help="The anchor; may be left out where one is open.")]
_Key = Annotated[
    str, typer.Option("--key", help="The owner's key: its name in the organisation's folder, or a path.")
]
_Password = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="The file with that key's password; else that of the settings."
    ),
]
_Wait = Annotated[bool, typer.Option(help="Wait until it is stamped.")]


def _ask(method: str, path: str, json: Any = None, *, on_chain: bool = False) -> Any:
    """Ask as the owner whose key this is; `on_chain`: as the operator too, again while the chain takes its time."""
    desk = here()

    async def work() -> Any:
        async with reach(desk.settings) as remote:
            headers = remote.operator_headers() if on_chain else None
            key = read_key(desk.settings, desk.key_file)
            return await remote.ask(method, path, json=json, key=key, headers=headers)

    until = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            return run(work())
        except (RemoteRefused, httpx.ReadTimeout) as error:
            again = on_chain and "under way, give it again" in str(error)
            if not (again or isinstance(error, httpx.ReadTimeout)) or time.monotonic() > until:
                raise


def _open_ones() -> list[dict[str, Any]]:
    return [one for one in _ask("GET", "/api/v1/anchors")["items"] if one["state"] == "open"]


def _chosen(given: str | None) -> dict[str, Any]:
    """Return the anchor that is meant. Raises Misuse: none, or not one."""
    found = [one for one in _open_ones() if given in (None, one["anchor"])]
    if len(found) != 1:
        named = ", ".join(one["anchor"] for one in found) or "none"
        raise Misuse(
            f"anchor: expected one that is open{'' if given is None else f' ({given})'}, got {named}"
        )
    return found[0]


# ---------------------------------------------------------------------------------------------- keys
@anchor.command("key")
def key(
    name: _Name,
    password_file: _Password = None,
    log: Annotated[str | None, typer.Option(help="One log; needed when there are several.")] = None,
) -> None:
    """Draw a key and keep it, encrypted, beside the log's own; print its address."""
    settings = here().settings
    password = password_file or settings.anchor_password_file
    if password is None:
        raise Misuse(
            "password file: expected --password-file or TALLYSTICK_ANCHOR_PASSWORD_FILE, got neither"
        )
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise Misuse(f"key: expected a name of letters, digits and hyphens, got {name[:60]!r}")

    async def names() -> list[str]:
        async with reading(settings) as (_, found):
            return found

    found = run(names())
    wanted = log or (found[0] if len(found) == 1 else None)
    if wanted not in found:
        raise Misuse(f"--log: expected one of {', '.join(found) or 'no logs'}, got {log or 'none'}")
    folder = keystore_folder(settings, wanted)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    made = create_keystore(path, password, SystemEntropy())
    tell([f"address  {made.address}", f"file     {path}"], {"address": made.address, "file": str(path)})


# ---------------------------------------------------------------------------------------------- on a chain
@anchor.command("deploy")
def deploy(
    chain: _Chain,
    owner: _Key = "owner",
    password_file: _Password = None,
    again: Annotated[int, typer.Option(min=0, max=1_000, help="1, 2, ...: another one by the same key.")] = 0,
) -> None:
    """Put the contract on a chain. Given again it tells where it is."""
    body = {"chain_id": chain, "keystore": owner, "password_file": _told(password_file), "again": again}
    done = _ask("POST", "/api/v1/anchor-chain/deploy", body, on_chain=True)
    tell([f"contract  {done['contract']}", _block(done)], done)


def _told(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


def _block(done: dict[str, Any]) -> str:
    final = "for good" if done["final"] else "not yet for good"
    return f"block     {done['block_number']} ({final}), {done['tx_hash']}"


@anchor.command("open")
def open_(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="evm, witness, timestamp or double.")],
    chain: Annotated[int | None, typer.Option(help="evm: the chain's id.")] = None,
    contract: Annotated[
        str | None, typer.Option(help="evm: where the contract is; else it is put there first.")
    ] = None,
    owner: _Key = "owner",
    password_file: _Password = None,
    anchor_key: Annotated[str, typer.Option(help="evm: the key that signs checkpoints.")] = "anchor",
    payer: Annotated[str, typer.Option(help="evm: the key that pays.")] = "payer",
    url: Annotated[str | None, typer.Option(help="witness, timestamp: its address.")] = None,
    vkey: Annotated[str | None, typer.Option(help="witness: its verifier key.")] = None,
) -> None:
    """Let checkpoints go to a place from now on."""
    if type_ != "evm":
        place = _place(type_, url, vkey)
        done = _ask("POST", "/api/v1/anchors", {"type": type_, "place": place})
        tell([f"anchor    {done['ids']['anchor']}"], {"anchor": done["ids"]["anchor"], "place": place})
        return
    if chain is None or url is not None or vkey is not None:
        raise Misuse("open evm: expected --chain, and neither --url nor --vkey")
    by = {"chain_id": chain, "keystore": owner, "password_file": _told(password_file)}
    if contract is None:
        contract = _ask("POST", "/api/v1/anchor-chain/deploy", by, on_chain=True)["contract"]
    body = {**by, "contract": contract.lower(), "anchor_key": anchor_key, "payer": payer}
    done = _ask("POST", "/api/v1/anchor-chain/open", body, on_chain=True)
    lines = [
        f"anchor    {done['ids']['anchor']}",
        f"contract  {contract}",
        f"payer     {done['place']['payer']}",
    ]
    tell([*lines, _block(done["chain"])], {"anchor": done["ids"]["anchor"], "place": done["place"]})


def _place(type_: str, url: str | None, vkey: str | None) -> dict[str, str]:
    wanted = {"witness": ("url", "vkey"), "timestamp": ("url",), "double": ()}.get(type_)
    if wanted is None:
        raise Misuse(f"open: expected evm, witness, timestamp or double, got {type_[:40]!r}")
    given = {name: value for name, value in (("url", url), ("vkey", vkey)) if value is not None}
    if given.keys() != set(wanted):
        options = " and ".join(f"--{name}" for name in wanted) or "no more options"
        raise Misuse(
            f"open {type_}: expected {options}, got {', '.join(f'--{one}' for one in given) or 'none'}"
        )
    return given


# ---------------------------------------------------------------------------------------------- how it stands
@anchor.command("status")
def status() -> None:
    """Say how far each anchor is and what is wrong. Ends with 1 where something is."""
    items = _ask("GET", "/api/v1/anchors")["items"]
    rows = [
        {
            "anchor": one["anchor"],
            "type": one["type"],
            "state": one["state"],
            "size": one["size"],
            "anchored_at": one["anchored_at"] or "",
            "under_way": one["pending_size"] or "",
            "looked_at": one["looked_at"] or "",
            "trouble": "; ".join(f"{wrong['code']}: {wrong['detail']}" for wrong in one["troubles"]),
            "place": one["place"],
        }
        for one in items
    ]
    columns = ["anchor", "type", "state", "size", "anchored_at", "under_way", "looked_at", "trouble"]
    tell_rows("anchors", columns, rows)
    if any(row["trouble"] for row in rows if row["state"] == "open"):
        raise typer.Exit(FAILED)


@anchor.command("now")
def now(given: _Anchor = None, wait: _Wait = False) -> None:
    """Let what is in the record now be anchored at the worker's next look; of all open anchors where none is named."""
    wanted = [one for one in _open_ones() if given in (None, one["anchor"])]
    if not wanted:
        raise Misuse(f"now: expected an open anchor, got {given or 'none'}")
    sizes = {
        one["anchor"]: _ask("POST", f"/api/v1/anchors/{one['anchor']}/now", {})["size"] for one in wanted
    }
    if wait:
        _await(sizes)
    lines = [f"{name}: {'anchored' if wait else 'asked'} up to size {size}" for name, size in sizes.items()]
    tell(lines, [{"anchor": name, "size": size} for name, size in sizes.items()])


def _await(sizes: dict[str, int]) -> None:
    until = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        held = {one["anchor"]: one for one in _ask("GET", "/api/v1/anchors")["items"]}
        late = [name for name, size in sizes.items() if held[name]["size"] < size]
        stopped = [wrong for name in late for wrong in held[name]["troubles"] if wrong["stops"]]
        if stopped:
            raise Misuse(f"now: expected it to be anchored, got {stopped[0]['code']}: {stopped[0]['detail']}")
        if not late:
            return
        if time.monotonic() > until:
            raise Misuse(f"now: expected it to be anchored in {WAIT_SECONDS_MAX} s; it goes on by itself")
        time.sleep(LOOK_SECONDS)


@anchor.command("balance")
def balance(given: _Anchor = None) -> None:
    """Say what the paying key and the owner's hold, and for how many anchors that is enough at the ceiling."""
    row = _chosen(given)
    found = _ask("POST", f"/api/v1/anchors/{row['anchor']}/chain/balance", {}, on_chain=True)["wei"]
    ceiling_gwei = Decimal(here().settings.anchor_fee_ceiling_gwei)
    each_wei = int(ceiling_gwei * WEI_PER_GWEI) * ANCHOR_GAS
    rows = []
    for role in ("payer", "owner"):
        wei = int(found[row["place"][role]])
        ether = Decimal(wei) / (WEI_PER_GWEI * GWEI_PER_ETHER)
        line = {"key": role, "address": row["place"][role], "ether": f"{ether:f}", "wei": str(wei)}
        rows.append(line | {"anchors_at_ceiling": wei // each_wei if role == "payer" else ""})
    tell_rows("balance", ["key", "address", "ether", "anchors_at_ceiling"], rows)


# ---------------------------------------------------------------------------------------------- ends
@anchor.command("supersede")
def supersede(
    old: Annotated[str, typer.Argument(help="The anchor that ends.")],
    by: Annotated[str, typer.Option(help="The open anchor that goes on.")],
    reason: Annotated[
        str, typer.Option(help="damaged, size_wrong, key_stolen, key_lost, chain_ended, moved, not_wanted.")
    ],
    owner: _Key = "owner",
    password_file: _Password = None,
    off_chain: Annotated[
        bool, typer.Option(help="Only the record says so: the key is lost, or the chain is gone.")
    ] = False,
) -> None:
    """Let another open anchor go on in place of one; on the chain too where both are in one contract."""
    if off_chain or reason == CHAIN_ENDED or _type_of(old) != "evm":
        done = _ask("POST", f"/api/v1/anchors/{old}/supersede", {"by": by, "reason": reason})
        tell(
            [f"{old}: superseded by {by}"],
            {"anchor": old, "by": by, "chain": None, "entries": done["entries"]},
        )
        return
    body = {"by": by, "reason": reason, "keystore": owner, "password_file": _told(password_file)}
    done = _ask("POST", f"/api/v1/anchors/{old}/chain/supersede", body, on_chain=True)
    lines = [f"{old}: superseded by {by}"] + ([] if done["chain"] is None else [_block(done["chain"])])
    tell(lines, {"anchor": old, "by": by, "chain": done["chain"], "entries": done["entries"]})


def _type_of(anchor_id: str) -> str:
    found = [one["type"] for one in _ask("GET", "/api/v1/anchors")["items"] if one["anchor"] == anchor_id]
    if not found:
        raise Misuse(f"anchor: expected one of this organisation, got {anchor_id}")
    return str(found[0])


@anchor.command("close")
def close(
    given: Annotated[str, typer.Argument(help="The anchor that ends.", metavar="ANCHOR")],
    reason: Annotated[str, typer.Option(help="Why; as for supersede.")] = NOT_WANTED,
) -> None:
    """Let nothing be anchored there any more."""
    done = _ask("POST", f"/api/v1/anchors/{given}/close", {"reason": reason})
    tell([f"{given}: closed"], {"anchor": given, "entries": done["entries"]})


@anchor.command("resume")
def resume(
    given: _Anchor = None,
    cancel: Annotated[
        int | None, typer.Option(min=0, help="Free this nonce first, by sending nothing to oneself.")
    ] = None,
) -> None:
    """Let an anchor that stopped send again: somebody has looked."""
    row = _chosen(given)
    done = _ask(
        "POST", f"/api/v1/anchors/{row['anchor']}/chain/resume", {"cancel_nonce": cancel}, on_chain=True
    )
    tell([f"{row['anchor']}: {done['payer']} sends again"], {"anchor": row["anchor"], **done})

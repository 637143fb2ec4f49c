"""Verbs about the record: audit, export, checkpoint, rejudge. Auditing and rejudging ask nobody's permission:
they only read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from api.anchor_audits import Outside, stamps_of
from api.auditing import Audited, audit_database, audit_file, audit_folder, is_folder, vault_of
from api.remote import reach, read_key
from api.schema import check_schema
from api.scope import logs
from api.settings import Settings
from api.verbs.console import FAILED, Misuse, here, run, tell
from casework.rejudging import Rejudged, rejudge_folder
from casework.time_tokens import StampFault
from ledger import codec
from ledger.anchors.told import AnchorTold
from ledger.bundles import BUNDLE_SIZE_MAX_BYTES, is_meant_as_bundle
from ledger.checkpoints import parse_text
from ledger.errors import LedgerError, ProofError
from ledger.export import export_award, export_log
from ledger.findings import Exit
from ledger.notes import parse_note
from ledger.reader import LogReader
from ledger.store import open_store
from ledger.trust import TrustPolicy, parse_trust
from ledger.vault import Vault
from verifiers.errors import VerifierUnknown
from verifiers.registry import rejudge as judge_again
from verifiers.verdicts import digest_output

SMALL_FILE_BYTES_MAX = 1_000_000
SHOWN_BYTES = 40
EASIEST_TOLD_MAX = 100
SQLITE_HEADER = b"SQLite format 3\x00"
"""The first 16 bytes of a database file (SQLite file format, section 1.2)."""


def audit(
    target: Annotated[
        str | None,
        typer.Argument(help="A log folder, a bundle file, a database URL; else this installation."),
    ] = None,
    trust: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A trust policy file.")
    ] = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="A checkpoint kept outside; may be given again."),
    ] = None,
    log: Annotated[str | None, typer.Option(help="One log of the database.")] = None,
    hook_secrets: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Secrets of hooks, one a line, for an exported folder."
        ),
    ] = None,
    chain: Annotated[
        list[str] | None,
        typer.Option(help="URL of a node to ask about anchors on its chain; may be given again."),
    ] = None,
) -> None:
    """Check the record: intact, anchored as it says, and every recognition earned. Exit codes: 0 intact and trusted,
    1 damaged, 2 usage, 3 consistent with itself only (or a chain that was asked could not be read),
    4 newer than this auditor, 5 unreplayable because erased."""
    policy = _trust(trust)
    checkpoints = [_checkpoint(path) for path in known or ()]
    secrets = [] if hook_secrets is None else _small(hook_secrets).decode("utf-8", "replace").split()
    results = _audited(target, policy, checkpoints, log, secrets, _outside(chain or ()))
    lines = [line for result in results for line in (f"{result.target}", *result.sentences())]
    tell(lines, [_json(result) for result in results])
    raise typer.Exit(int(max((result.exit for result in results), key=_ORDER.index)))


_ORDER = [Exit.INTACT, Exit.CONSISTENT_ONLY, Exit.UNREPLAYABLE, Exit.NEWER, Exit.DAMAGED]


def _audited(
    target: str | None,
    trust: TrustPolicy | None,
    known: list[bytes],
    log: str | None,
    hook_secrets: list[str],
    outside: Outside,
) -> list[Audited]:
    if target is not None and "://" not in target:
        path = Path(target)
        if not path.exists():
            raise Misuse(
                f"{target}: expected a log folder, a bundle file or a database URL, got nothing there"
            )
        if is_folder(path):
            return [audit_folder(path, trust, known, hook_secrets, outside)]
        if path.is_file():
            _need_bundle(path)
            return [audit_file(path, trust, known)]
        settings = here().settings.model_copy(update={"data_dir": path, "database_url": None})
        if not (path / "tallystick.db").is_file():
            raise Misuse(
                f"{target}: expected a log folder (it holds `checkpoint`) or a data folder, got neither"
            )
    else:
        settings = here().settings
        if target is not None:
            settings = settings.model_copy(update={"database_url": target})

    async def work() -> list[Audited]:
        async with reading(settings) as (rows, names):
            chosen = names if log is None else [name for name in names if name == log]
            if not chosen:
                raise Misuse(
                    f"expected a log of {', '.join(names) or 'an empty database'}, got {log or 'none'}"
                )
            return [
                await audit_database(LogReader(rows, name), vault_of(settings, name), trust, known, outside)
                for name in chosen
            ]

    return run(work())


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[tuple[Any, list[str]]]:
    """Open a database for reading only, beside whoever writes it; give what reads it and the names of its logs."""
    if settings.sqlite_path is not None and not settings.sqlite_path.is_file():
        raise Misuse(f"{settings.url}: expected a database, got no such file")
    store = open_store(settings.url)
    try:
        await check_schema(store.reader)
        yield store.reader, await logs(store.reader)
    finally:
        await store.close()


def _trust(path: Path | None) -> TrustPolicy | None:
    if path is None:
        return None
    try:
        return parse_trust(_small(path))
    except LedgerError as error:
        raise Misuse(f"{path}: {error}") from error


def _outside(chains: Sequence[str]) -> Outside:
    """Return what is asked beside the record: these nodes, and the time authorities of TALLYSTICK_TSA_ROOTS."""
    roots = here().settings.tsa_roots
    try:
        return Outside(tuple(chains), stamps_of(roots))
    except (StampFault, OSError) as error:
        raise Misuse(f"TALLYSTICK_TSA_ROOTS: {error}") from error


def _need_bundle(path: Path) -> None:
    """Refuse a file that was never a bundle: that it is no intact record would be true and would mislead."""
    with path.open("rb") as file:
        data = file.read(BUNDLE_SIZE_MAX_BYTES)
    if data.startswith(SQLITE_HEADER):
        address = f"sqlite:///{path.resolve()}"
        raise Misuse(
            f"{path}: expected a bundle (`tallystick export --award`), got a SQLite database; pass {address}"
        )
    if not is_meant_as_bundle(data):
        raise Misuse(f"{path}: expected a bundle (`tallystick export --award`), got {_described(data)}")


def _checkpoint(path: Path) -> bytes:
    data = _small(path)
    try:
        parse_text(parse_note(data).text)
    except ProofError as error:
        raise Misuse(
            f"--known {path}: expected a checkpoint (`tallystick checkpoint`), got {_described(data)} ({error})"
        ) from error
    return data


def _described(data: bytes) -> str:
    if not data:
        return "an empty file"
    text = data[:SHOWN_BYTES].decode("utf-8", "ignore").partition("\n")[0]
    if text.strip() and text.isprintable():
        return f"a file that begins {text!r}"
    return f"a file of {len(data)} bytes that is no text"


def _small(path: Path) -> bytes:
    if path.stat().st_size > SMALL_FILE_BYTES_MAX:
        raise Misuse(f"{path}: expected at most {SMALL_FILE_BYTES_MAX} bytes, got {path.stat().st_size}")
    return path.read_bytes()


def _json(result: Audited) -> dict[str, Any]:
    intact, earned = result.intact, result.earned
    return {
        "target": result.target,
        "exit": int(result.exit),
        "sentences": result.sentences(),
        "origin": intact.origin,
        "size": intact.size,
        "root": intact.root.hex(),
        "trusted": intact.trusted,
        "simulated_time": intact.simulated,
        "known_not_compared": intact.uncompared,
        "findings": [
            {"code": one.code, "what": one.what, "seq": one.seq, "detected_by": one.detected_by}
            for one in [*intact.findings, *(earned.findings if earned else ())]
        ],
        "awards": earned.awards if earned else None,
        "verdicts": earned.verdicts if earned else None,
        "calls": earned.calls if earned else None,
        "calls_unchecked": len(earned.calls_unchecked) if earned else None,
        "anchors": [_anchor_json(one) for one in result.anchored.anchors] if result.anchored else [],
        "chains_unread": result.anchored.unread if result.anchored else [],
        "easiest_to_fake": [
            {
                "award": one.award,
                "kind": one.kind,
                "amount_tokens": one.amount_tokens,
                "k_evidence": one.k_evidence,
                "witnessing": list(one.witnessing),
            }
            for one in result.weights()[:EASIEST_TOLD_MAX]
        ],
    }


def _anchor_json(one: AnchorTold) -> dict[str, Any]:
    """Return one anchor; `anchored_up_to` is the last entry that stood before `at`, with nothing left to ask."""
    told = one.sure
    return {
        "anchor": one.opening.anchor,
        "type": one.opening.type,
        "state": one.state,
        "receipts": one.count,
        "size": one.size,
        "anchored_up_to": None if told is None else told.size - 1,
        "at": None if told is None else told.at,
        "by": None if told is None else told.clock,
        "confirmed_by": [] if told is None else list(told.confirmed),
        "unrecorded": one.unrecorded,
        "sentences": one.sentences(),
    }


def export(
    folder: Annotated[
        Path, typer.Argument(help="Where to; a folder that holds an older export is brought up to date.")
    ],
    log: Annotated[str | None, typer.Option(help="One log; needed when there are several.")] = None,
    private: Annotated[bool, typer.Option(help="With the private values that still open.")] = False,
    award: Annotated[
        str | None, typer.Option(help="One award as a bundle file instead of the whole log.")
    ] = None,
) -> None:
    """Take the record along: the whole log as a folder, or one award as a file, signed now."""
    settings = here().settings

    async def work() -> dict[str, Any]:
        note = await _signed_now(settings)
        async with reading(settings) as (rows, names):
            name = _one(names, log, note)
            vault = vault_of(settings, name) if private else None
            reader = LogReader(rows, name)
            if award is None:
                done = await export_log(reader, folder, note, vault)
                return {
                    "log": name,
                    "size": done.size,
                    "written": done.written_count,
                    "kept": done.kept_count,
                }
            case = await _case_of(reader, award)
            data = await export_award(reader, case, award, note, vault)
            folder.write_bytes(data)
            return {"log": name, "award": award, "bytes": len(data)}

    done = run(work())
    tell([", ".join(f"{name} {value}" for name, value in done.items())], done)


async def _signed_now(settings: Settings) -> bytes:
    async with reach(settings) as remote:
        note: bytes = await remote.ask(
            "POST", "/api/v1/log/checkpoint", key=read_key(settings, here().key_file)
        )
    return note


def _one(names: list[str], log: str | None, note: bytes) -> str:
    origin = note.decode("utf-8", "replace").partition("\n")[0]
    wanted = log or origin
    if wanted not in names or wanted != origin:
        raise Misuse(f"export: expected the log of the key ({origin}), got {wanted}")
    return wanted


async def _case_of(reader: LogReader, award: str) -> str:
    async for entry in reader.read_entries():
        if entry.kind == "award_granted" and entry.body["award"] == award:
            return str(entry.case)
    raise Misuse(f"award {award}: expected one of {reader.log}, got none")


def checkpoint() -> None:
    """Sign the log as it is now and print the checkpoint: send it to somebody outside."""
    note = run(_signed_now(here().settings))
    tell([note.decode().rstrip("\n")], {"checkpoint": note.decode()})


def rejudge(
    verdict: Annotated[str | None, typer.Argument(help="One verdict; all when left out.")] = None,
    log: Annotated[str | None, typer.Option(help="One log; all when left out.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="An exported record (`export --private`) instead of this installation."),
    ] = None,
) -> None:
    """Judge stored inputs again: the same bytes must give the same verdict for ever. Exit codes as `audit`."""
    done = _rejudged_folder(folder, verdict) if folder is not None else _rejudged_here(verdict, log)
    lines = [f"{done.same} verdicts are the same, {len(done.erased)} unreplayable: erased"]
    lines += [f"verdict {one}: {fault}" for one, fault in done.different]
    lines += [f"verdict {one}: newer than this program" for one in done.newer]
    told = {"same": done.same, "erased": done.erased, "newer": done.newer}
    tell(lines, told | {"different": [one for one, _ in done.different]})
    if verdict is not None and not done.count:
        raise Misuse(f"verdict {verdict}: expected one of {folder or 'this installation'}, got none")
    if done.different:
        raise typer.Exit(FAILED)
    if done.newer:
        raise typer.Exit(int(Exit.NEWER))
    if done.erased:
        raise typer.Exit(int(Exit.UNREPLAYABLE))


def _rejudged_folder(folder: Path, verdict: str | None) -> Rejudged:
    if not is_folder(folder):
        raise Misuse(f"{folder}: expected a log folder (`tallystick export --private`), got none")
    return rejudge_folder(folder, verdict, codec.loads, codec.dumps)


def _rejudged_here(verdict: str | None, log: str | None) -> Rejudged:
    settings = here().settings

    async def work() -> Rejudged:
        done = Rejudged()
        async with reading(settings) as (rows, names):
            for name in names if log is None else [log]:
                vault = vault_of(settings, name)
                if vault is None:
                    raise Misuse(
                        f"rejudge: expected the keys of {name} beside the data or in TALLYSTICK_KEYS_DIR, got none"
                    )
                await _rejudge_log(LogReader(rows, name), vault, verdict, done)
        return done

    return run(work())


async def _rejudge_log(reader: LogReader, vault: Vault, verdict: str | None, done: Rejudged) -> None:
    async for entry in reader.read_entries():
        name = entry.body.get("verdict")
        if entry.kind != "verdict_given" or (verdict is not None and name != verdict):
            continue
        items, wraps = await reader.items([entry.private["input"]])
        opening = await asyncio.to_thread(vault.disclose, items[0] if items else None, wraps)
        if opening is None:
            done.erased.append(str(name))
            continue
        try:
            output = judge_again(opening.data, entry.body["verifier"], entry.body["version"])
        except VerifierUnknown:
            done.newer.append(str(name))
            continue
        if digest_output(output) == entry.body["output_digest"]:
            done.same += 1
        else:
            done.different.append((str(name), "expected the same output, got another"))

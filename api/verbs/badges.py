"""`tallystick badge verify FILE`: checks what somebody took along, without asking anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.badge_files import Expected, check_file
from api.problems import BadRequest
from api.verbs.console import Misuse, tell
from casework.badges import NO, YES, Outcome
from ledger.bundles import BUNDLE_SIZE_MAX_BYTES
from ledger.canonical import json_loads
from ledger.clock import SystemClock, instant_of, unix_ms_of
from ledger.errors import LedgerError
from ledger.findings import Exit
from ledger.trust import TrustPolicy, parse_trust

STATUS_BYTES_MAX = 1_000_000

badge = typer.Typer(help="Recognition that was taken along.", no_args_is_help=True)
_File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="A badge file, or a credential alone.")
]
_Trust = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A trust policy file.")]
_Issuer = Annotated[str | None, typer.Option(help="The did:key that you know as the organisation's, whole.")]
_Status = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="A newer status list, fetched from its address."),
]
_Name = Annotated[str | None, typer.Option(help="Whose badge it is said to be.")]
_At = Annotated[str | None, typer.Option(help="As of then, 2026-11-26T18:00:00.000Z; else now.")]


@badge.command("verify")
def verify(
    file: _File,
    trust: _Trust = None,
    issuer: _Issuer = None,
    status: _Status = None,
    name: _Name = None,
    at: _At = None,
) -> None:
    """Check a badge. Exit codes: 0 it holds, 1 it does not, 2 usage, 3 something that was asked could not be told."""
    expected = Expected(
        _trust(trust), _plain(issuer), _plain(name), None if status is None else _status(status)
    )
    try:
        outcome = check_file(_read(file, BUNDLE_SIZE_MAX_BYTES), _instant(at), expected)
    except BadRequest as error:
        raise Misuse(f"{file}: {error.detail}") from error
    lines = [f"{line.answer:7} {line.what}: {line.said}" for line in outcome.lines]
    told = [
        {"what": one.what, "answer": one.answer, "code": one.code, "said": one.said} for one in outcome.lines
    ]
    tell([*lines, _sentence(outcome)], {"holds": outcome.holds, "refused": outcome.refused, "lines": told})
    raise typer.Exit(int(_exit(outcome)))


def _plain(given: str | None) -> str | None:
    """Return an argument as text; bytes that were none are shown escaped, and fit no name."""
    return None if given is None else given.encode("utf-8", "backslashreplace").decode()


def _sentence(outcome: Outcome) -> str:
    if outcome.holds:
        return "it holds"
    wanted = NO if outcome.refused else "unknown"
    first = next(line for line in outcome.lines if line.answer == wanted)
    return f"{'it does not hold' if outcome.refused else 'not known'}: {first.what}"


def _exit(outcome: Outcome) -> Exit:
    if outcome.refused:
        return Exit.DAMAGED
    return Exit.INTACT if all(line.answer == YES for line in outcome.lines) else Exit.CONSISTENT_ONLY


def _instant(given: str | None) -> str:
    if given is None:
        return instant_of(SystemClock().read().unix_ms)
    try:
        return instant_of(unix_ms_of(given))
    except ValueError as error:
        raise Misuse(f"--at: expected an instant like 2026-11-26T18:00:00.000Z, got {given[:60]}") from error


def _trust(path: Path | None) -> TrustPolicy | None:
    if path is None:
        return None
    try:
        return parse_trust(_read(path, STATUS_BYTES_MAX))
    except LedgerError as error:
        raise Misuse(f"{path}: {error}") from error


def _status(path: Path) -> Any:
    try:
        return json_loads(_read(path, STATUS_BYTES_MAX))
    except (ValueError, RecursionError) as error:
        raise Misuse(f"{path}: expected a status list as JSON, got another file") from error


def _read(path: Path, size_max_bytes: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(size_max_bytes + 1)
    if len(data) > size_max_bytes:
        raise Misuse(f"{path}: expected at most {size_max_bytes} bytes, got more")
    return data

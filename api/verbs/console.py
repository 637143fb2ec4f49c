"""What every verb shares with its operator: where the data lies, how to print, which exit code says what.

0  done                      4  an audit met a log newer than this program
1  refused, damaged, failed  5  an audit could not replay everything, because it was erased
2  misuse, with a sentence   3  an audit without a trust policy: consistent with itself only
130  stopped by Ctrl-C or SIGTERM before it was done; `run` and `worker` end with 0 at the first one
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from api.settings import Settings, load_settings
from api.tellings import configure

DONE, FAILED, MISUSE, STOPPED = 0, 1, 2, 130

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class Misuse(Exception):
    """The operator asked for something that cannot be; the sentence says expected and got. Nothing was done."""


@dataclass(slots=True)
class Desk:
    """The operator's side of a verb: settings, and whether to print JSON."""

    settings: Settings
    as_json: bool
    key_file: Path | None


_here: Desk | None = None
_out = Console(soft_wrap=True, markup=False, emoji=False, highlight=False)
_err = Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)


def begin(data_dir: Path | None, as_json: bool, key_file: Path | None) -> None:
    """Read the settings once, before the verb runs. Raises SettingsInvalid."""
    global _here
    settings = load_settings(data_dir=data_dir)
    # A verb speaks for itself; what the product logs beneath it must never mix with what it prints.
    configure("warning", settings.log_json)
    _here = Desk(settings, as_json, key_file)


def here() -> Desk:
    """Return what `begin` read."""
    assert _here is not None
    return _here


def run(work: Coroutine[Any, Any, T], loop_factory: LoopFactory | None = None) -> T:
    """Run a verb's work. Raises KeyboardInterrupt: told to stop before it was done."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(work)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def tell(lines: Sequence[str], data: Any) -> None:
    """Print sentences for a person, or `data` as one JSON document with --json."""
    if here().as_json:
        typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
        return
    for line in lines:
        _out.print(line)


def tell_rows(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows as a table, or as a JSON list with --json."""
    if here().as_json:
        tell((), [dict(row) for row in rows])
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    _out.print(table)


def complain(sentence: str) -> None:
    """Print why a verb did not do what was asked, on standard error; bytes that were no text are shown escaped."""
    sentence = sentence.encode("utf-8", "backslashreplace").decode()
    if here_or_none() is not None and here().as_json:
        typer.echo(orjson.dumps({"error": sentence}).decode(), err=True)
    else:
        _err.print(sentence)


def here_or_none() -> Desk | None:
    """Return what `begin` read, or None before it."""
    return _here

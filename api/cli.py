"""`tallystick`: the command line. Verbs that write ask the running server, or open the product here when none runs.

Exit codes stand in verbs/console.py. Every error leaves as one sentence on standard error; a traceback means a
fault of ours.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer

from api.house import ForeignPackage
from api.remote import NoKey, RemoteRefused
from api.schema import SchemaBehind
from api.settings import SettingsInvalid
from api.verbs import (
    anchors,
    badges,
    demo,
    doctor,
    jobs,
    joining,
    people,
    policies,
    record,
    rehearsing,
    serving,
    watching,
)
from api.verbs.console import DONE, FAILED, MISUSE, STOPPED, Misuse, begin, complain
from casework.errors import CaseworkError
from ledger.errors import LedgerError
from playbooks.errors import PlaybookError
from verifiers.errors import VerifierError

app = typer.Typer(
    name="tallystick",
    help="Exceptions noticed, decided with evidence, recognised, and kept in a record that anyone can check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    data_dir: Annotated[Path | None, typer.Option(help="The data folder; else TALLYSTICK_DATA_DIR.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Your API key; else the one `init` left.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Read the settings once."""
    begin(data_dir, as_json, key_file)


app.command("init")(serving.init)
app.command("run")(demo.run)
app.command("demo")(demo.demo)
app.command("worker")(serving.worker)
app.command("doctor")(doctor.doctor)
app.command("rebuild")(serving.rebuild_tables)
app.add_typer(serving.db, name="db")
app.add_typer(people.org, name="org")
app.add_typer(people.member, name="member")
app.add_typer(people.key, name="key")
app.add_typer(joining.invites, name="invite")
app.add_typer(joining.device, name="device")
app.add_typer(joining.owner, name="owner")
app.add_typer(people.authority, name="authority")
app.add_typer(people.budget, name="budget")
app.add_typer(jobs.job, name="job")
app.command("ingest")(watching.ingest)
app.command("backtest")(watching.backtest)
app.add_typer(watching.playbook, name="playbook")
app.add_typer(policies.policy, name="policy")
app.command("simulate")(rehearsing.simulate)
app.command("audit")(record.audit)
app.add_typer(anchors.anchor, name="anchor")
app.add_typer(badges.badge, name="badge")
app.command("export")(record.export)
app.command("checkpoint")(record.checkpoint)
app.command("rejudge")(record.rejudge)

MISUSES = (Misuse, SettingsInvalid, ForeignPackage, SchemaBehind, NoKey)
FAILURES = (RemoteRefused, LedgerError, CaseworkError, PlaybookError, VerifierError, httpx.HTTPError, OSError)

EXPECTED_OF_THE_SYSTEM = {
    errno.EACCES: "expected a place that this user may read and write",
    errno.EPERM: "expected a place that this user may read and write",
    errno.EROFS: "expected a place that can be written",
    errno.ENOENT: "expected a file or folder there",
    errno.ENOTDIR: "expected folders on the way there",
    errno.EISDIR: "expected a file",
    errno.EEXIST: "expected nothing there yet",
    errno.ENOSPC: "expected room on the disk",
    errno.EDQUOT: "expected room on the disk",
}
"""What the commonest refusals of the operating system mean; error number -> expected."""

# typer brings its own copy of click: the root of its usage errors has no public name
_USAGE: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


def main() -> None:
    """Run a verb and turn what went wrong into a sentence and an exit code."""
    # SIGTERM ends any verb as Ctrl-C does, so that it tidies up; `run` and `worker` finish first (api/stopping.py).
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run_verb(sys.argv[1:]))


def run_verb(arguments: list[str]) -> int:
    """Run one verb and return its exit code."""
    try:
        code = app(arguments, prog_name="tallystick", standalone_mode=False)
    except MISUSES as error:
        complain(str(error))
        return MISUSE
    except FAILURES as error:
        complain(_said(error))
        return FAILED
    except typer.Exit as end:
        return int(end.exit_code)
    except _USAGE as error:
        said = getattr(error, "format_message", None)
        complain(said() if said is not None else str(error))
        return MISUSE
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED  # typer itself answers this number for Ctrl-C
    except BrokenPipeError:
        # whoever read our output went away; nothing is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if code == STOPPED:
        complain("stopped before it was done")
    return code if isinstance(code, int) else DONE


def _said(error: Exception) -> str:
    """Return what a failure reads like for whoever ran the verb."""
    if isinstance(error, RemoteRefused):
        return str(error)
    if isinstance(error, httpx.HTTPError):
        return f"server: expected an answer, got {type(error).__name__}: {error}"
    if isinstance(error, OSError):
        wanted = EXPECTED_OF_THE_SYSTEM.get(error.errno or 0, "expected the system to do it")
        return f"{error.filename or 'the system'}: {wanted}, got {error.strerror or error}"
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()

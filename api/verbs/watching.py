"""Verbs about what is watched: ingest, backtest, playbook check and publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.verbs.console import Misuse, here, tell, tell_rows
from api.verbs.people import ask
from playbooks import documents
from playbooks.backtest import backtest as run_backtest
from playbooks.backtest import load_example, write_hits
from playbooks.importers import file_text
from playbooks.kinds import load_kinds
from playbooks.mapping import read_encoding
from playbooks.messages import Messages
from playbooks.playbook import compile_playbook, load_playbook

NOTES_SHOWN_MAX = 10

playbook = typer.Typer(help="Playbooks: what to watch.", no_args_is_help=True)


def ingest(
    source: Annotated[str, typer.Argument(help="The registered source.")],
    data: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file, plain or .gz.")],
    mapping: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Its mapping file.")],
) -> None:
    """Import records; bad rows are refused with line and reason, the rest is imported; the same file twice
    changes nothing."""
    encoding = read_encoding(documents.load(mapping))
    name = data.name.removesuffix(".gz")  # what is sent is text: unpacked and decoded here
    body = {"name": name, "mapping": _text_of(mapping), "content": file_text(data, encoding)}
    done = ask("POST", f"/api/v1/sources/{source}/imports", body)
    counts = ("rows", "changes", "imported", "repeated", "refused", "flagged", "cases")
    lines = ["  ".join(f"{name} {done[name]}" for name in counts)]
    lines += [f"line {note['line']}: {note['reason']}" for note in done["refused_rows"][:NOTES_SHOWN_MAX]]
    tell(lines, done)


def backtest(
    example: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder with kinds, mapping, playbooks.")
    ],
    data: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file of history, plain or .gz.")
    ],
    hits: Annotated[Path | None, typer.Option(help="Write playbook,subject,onset,detected_at here.")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--playbook", help="Only this playbook; may be given again.")
    ] = None,
) -> None:
    """Run playbooks over history with a moving clock, before anything goes live."""
    if hits is not None and (hits.is_dir() or not hits.parent.is_dir()):
        raise Misuse(f"--hits {hits}: expected a file in a folder that is there")
    result = run_backtest(example, data, only or ())
    if hits is not None:
        write_hits(result, hits)
    names = sorted({one.id for one in load_example(example).playbooks} if not only else set(only))
    rows = [
        {
            "playbook": name,
            "subjects": len(result.subjects(name)),
            "onsets": sum(1 for hit in result.hits if hit.playbook == name),
            "not yet known": result.pending.get(name, 0),
            "cleared": result.cleared.get(name, 0),
        }
        for name in names
    ]
    if here().as_json:
        told = {
            "playbooks": rows,
            "rows": result.rows,
            "changes": result.changes,
            "refused": result.refused_count,
            "flagged": result.flagged_count,
            "broken": result.broken_count,
            "evaluations": result.evaluations,
            "seconds": round(result.seconds, 2),
            "refused_rows": [{"line": note.line, "reason": note.reason} for note in result.refused],
        }
        tell((), told)
        return
    tell_rows("back-test", ["playbook", "subjects", "onsets", "not yet known", "cleared"], rows)
    each = result.evaluations / max(1, result.changes)
    tell(
        [
            f"{result.rows} rows, {result.changes} changes, {result.refused_count} rows refused, "
            f"{result.flagged_count} flagged, {result.broken_count} broken, {each:.1f} evaluations per "
            f"change, {result.seconds:.1f} s",
            *(f"line {note.line}: {note.reason}" for note in result.refused[:NOTES_SHOWN_MAX]),
        ],
        None,
    )


@playbook.command("check")
def playbook_check(
    target: Annotated[Path, typer.Argument(exists=True, help="A playbook file, or an example folder.")],
    kinds: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The kinds file of a single playbook.")
    ] = None,
) -> None:
    """Compile playbooks against their kinds; an error names file, line, what was expected and the known fields."""
    if target.is_dir():
        checked = [one.id for one in load_example(target).playbooks]
    else:
        vocabulary = kinds or target.parent.parent / "kinds.yaml"
        if not vocabulary.is_file():
            raise Misuse(f"expected the kinds in {vocabulary}, got no such file; pass --kinds")
        one = load_playbook(target)
        compile_playbook(one, Messages(load_kinds(vocabulary)))
        checked = [one.id]
    tell([f"{name}: sound" for name in checked], {"sound": checked})


@playbook.command("list")
def playbook_list() -> None:
    """List what is published, and how often each has fired; on trial it counts and tells nobody."""
    columns = ["playbook", "mode", "noticed", "policy", "digest"]
    tell_rows("playbooks", columns, ask("GET", "/api/v1/playbooks")["items"])


@playbook.command("publish")
def playbook_publish(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    mode: Annotated[
        str | None, typer.Option(help="draft, shadow, live or retired; else what the file says.")
    ] = None,
) -> None:
    """Publish a playbook file."""
    done = ask("POST", "/api/v1/playbooks", {"yaml": _text_of(file), "mode": mode})
    tell([f"playbook {done['ids']['playbook']} is published"], done)


@playbook.command("mode")
def playbook_mode(
    playbook_id: Annotated[str, typer.Argument(metavar="PLAYBOOK")], mode: Annotated[str, typer.Argument()]
) -> None:
    """Change how a playbook runs."""
    tell(
        [f"playbook {playbook_id} is {mode}"],
        ask("POST", f"/api/v1/playbooks/{playbook_id}/mode", {"mode": mode}),
    )


@playbook.command("kinds")
def publish_kinds(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Publish the vocabulary."""
    tell(["the kinds are published"], ask("POST", "/api/v1/kinds", {"yaml": _text_of(file)}))


@playbook.command("policy")
def publish_policy(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Publish a verifier's policy."""
    done = ask("POST", "/api/v1/policies", {"yaml": _text_of(file)})
    tell([f"policy {done['ids']['policy']} is published"], done)


@playbook.command("source")
def register_source(
    source: Annotated[str, typer.Argument()],
    kind: Annotated[list[str], typer.Option(help="A kind of record it gives; may be given again.")],
) -> None:
    """Register a source of records."""
    done = ask("POST", "/api/v1/sources", {"source": source, "kinds": kind})
    tell([f"source {source} is registered"], done)


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Misuse(f"{file}: expected UTF-8 text, got other bytes") from error

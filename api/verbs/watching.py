"""Verbs about what is watched: ingest, backtest, playbook check and publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.routes.shapes import NAME_CHARS_MAX
from api.verbs.console import Misuse, here, tell, tell_rows
from api.verbs.people import ask
from playbooks import documents
from playbooks.backtest import backtest as run_backtest
from playbooks.backtest import load_example, write_hits
from playbooks.importers import file_text
from playbooks.kinds import load_kinds
from playbooks.mapping import read_encoding
from playbooks.messages import Messages
from playbooks.playbook import LIBRARY, compile_playbook, load_playbook

NOTES_SHOWN_MAX = 10
KINDS_FILE, MAPPING_FILE = "kinds.yaml", "mapping.yaml"

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
    body = {
        "name": name,
        "mapping": _text_of(mapping),
        "mapping_name": _name_of(mapping),
        "content": file_text(data, encoding),
    }
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
    target: Annotated[
        Path, typer.Argument(exists=True, help="A playbook file, a folder of them, or an example folder.")
    ],
    kinds: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Their kinds; else beside, above, or the shipped library's."
        ),
    ] = None,
) -> None:
    """Compile playbooks against their kinds; an error names file, line, what was expected and the known fields."""
    if (target / "playbooks").is_dir():
        if kinds is not None:
            raise Misuse(f"--kinds: expected none beside {target}, which holds its own; got {kinds}")
        checked, vocabulary = [one.id for one in load_example(target).playbooks], target / KINDS_FILE
    else:
        vocabulary = kinds or _vocabulary(target if target.is_dir() else target.parent)
        messages = Messages(load_kinds(vocabulary))
        checked = [_sound(file, messages) for file in _playbook_files(target)]
    lines = [f"{name}: sound, by the kinds in {vocabulary}" for name in checked]
    tell(lines, {"sound": checked, "kinds": str(vocabulary)})


def _vocabulary(folder: Path) -> Path:
    """Return the kinds of the playbooks in a folder: beside them, else in the folder above, else the library's."""
    near = (folder / KINDS_FILE, folder.resolve().parent / KINDS_FILE)
    return next((file for file in near if file.is_file()), LIBRARY / KINDS_FILE)


def _playbook_files(target: Path) -> list[Path]:
    if not target.is_dir():
        return [target]
    files = sorted(file for file in target.glob("*.yaml") if file.name not in (KINDS_FILE, MAPPING_FILE))
    if not files:
        raise Misuse(
            f"{target}: expected playbooks *.yaml, or an example with a folder `playbooks`, got none"
        )
    return files


def _sound(file: Path, messages: Messages) -> str:
    one = load_playbook(file)
    compile_playbook(one, messages)
    return one.id


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
    done = ask("POST", "/api/v1/playbooks", {**_document(file), "mode": mode})
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


@playbook.command("purpose")
def playbook_purpose(
    playbook_id: Annotated[str, typer.Argument(metavar="PLAYBOOK")],
    words: Annotated[
        str | None, typer.Argument(help="What it is for, for those whom it may be about; else it is told.")
    ] = None,
) -> None:
    """Write what a watch on a person is for, before it runs; without words, tell what is written."""
    path = f"/api/v1/playbooks/{playbook_id}"
    if words is not None:
        done = ask("POST", f"{path}/purpose", {"purpose": words})
        tell([f"playbook {playbook_id}: what it is for is written; everybody here can read it"], done)
        return
    told = ask("GET", path)
    purpose, lines = told["purpose"], [f"playbook {playbook_id} watches no person and needs no purpose"]
    if purpose is not None:
        lines = [f"playbook {playbook_id} is for: {purpose['words'] or 'words that were erased'}"]
        lines += [f"written by {purpose['by']}, {purpose['at']}"]
    elif told["on_person"]:
        lines = [f"playbook {playbook_id} watches a person; nobody wrote what for, so it does not run"]
    tell(lines, {name: told[name] for name in ("playbook", "on_person", "purpose")})


@playbook.command("kinds")
def publish_kinds(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Publish the vocabulary."""
    tell(["the kinds are published"], ask("POST", "/api/v1/kinds", _document(file)))


@playbook.command("policy")
def publish_policy(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Publish a verifier's policy."""
    done = ask("POST", "/api/v1/policies", _document(file))
    tell([f"policy {done['ids']['policy']} is published"], done)


@playbook.command("source")
def register_source(
    source: Annotated[str, typer.Argument()],
    kind: Annotated[list[str], typer.Option(help="A kind of record it gives; may be given again.")],
    writer: Annotated[
        str | None, typer.Option(help="Who can write there alone: nobody (who works here), or a member's id.")
    ] = None,
) -> None:
    """Register a source of records. One of that name is registered again: its kinds change, the rest stays. Until
    somebody said who can write there alone, its records count as made by whoever earns by them."""
    there = next((row for row in ask("GET", "/api/v1/sources")["items"] if row["source"] == source), None)
    body: dict[str, Any] = {"source": source, "kinds": kind}
    if there is not None:
        body |= {name: there[name] for name in ("controllers", "fresh_within")}
    if writer is not None:
        body["controllers"] = {"party": f"source:{source}" if writer == "nobody" else f"member:{writer}"}
    done = ask("POST", "/api/v1/sources", body)
    now = ", ".join(done["resource"]["kinds"])
    if there is None:
        said = f"source {source} is registered: kinds {now}"
    elif (before := ", ".join(there["kinds"])) == now:
        said = f"source {source} was registered already; nothing changed: kinds {now}"
    else:
        said = f"source {source} was registered already; its kinds changed from {before} to {now}"
    tell([said], done)


def _document(file: Path) -> dict[str, str]:
    return {"yaml": _text_of(file), "name": _name_of(file)}


def _name_of(file: Path) -> str:
    """Return what errors call a file: what the operator passed, its end when it is long."""
    return str(file)[-NAME_CHARS_MAX:]


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Misuse(f"{file}: expected UTF-8 text, got other bytes") from error

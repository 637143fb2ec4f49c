"""Verbs that begin and keep an installation: init, run, worker, db upgrade, rebuild, checkpoint clock."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from typing import Annotated

import typer
import uvicorn

from api import schema
from api.app import SERVER_FILE, create_app, tell_address
from api.installation import PROJECTIONS, open_installation
from api.listening import answer_at_once
from api.pages.app import add_pages
from api.remote import CLI_KEY_FILE, page_address, reach, running_server
from api.settings import Settings
from api.stopping import REQUESTS_SECONDS_MAX, Server, stopping, work_until_told
from api.tellings import configure
from api.verbs.console import FAILED, Misuse, here, run, tell, tell_rows
from api.worker import Worker
from ledger.durable import create_file
from ledger.rebuild import rebuild
from ledger.store.tables import derived_tables, shapes

db = typer.Typer(help="The database.", no_args_is_help=True)


def init(
    name: Annotated[str, typer.Option(help="What the organisation is called.")],
    owner: Annotated[str, typer.Option(help="The name of its first owner.")],
    simulated: Annotated[
        bool, typer.Option(help="A demo: the origin ends in .invalid, its time may be simulated.")
    ] = False,
) -> None:
    """Make the database and an organisation with its keys; print the owner's key, once."""
    settings = here().settings
    if running_server(settings.data_dir) is None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        schema.upgrade(settings.url)

    async def work() -> dict[str, str]:
        async with reach(settings) as remote:
            body = {"name": name, "owner_name": owner, "simulated": simulated, "invite": True}
            answer: dict[str, str] = await remote.ask(
                "POST", "/api/v1/organisations", json=body, headers=remote.operator_headers()
            )
            return answer

    opened = run(work())
    kept = settings.data_dir / CLI_KEY_FILE
    lines = [f"log     {opened['log']}", f"owner   {opened['member']}", f"key     {opened['key']}"]
    lines.append(f"invite  {page_address(settings, opened['invite'])}")
    lines.append("Once `tallystick run` serves, the invite lets the owner sign in: once, within the hour.")
    try:
        create_file(kept, opened["key"].encode())
        lines.append(f"The key is told here and never again; the command line keeps it in {kept}.")
    except FileExistsError:
        lines.append(
            f"The key is told here and never again; {kept} holds another organisation's, pass --key-file."
        )
    tell(lines, opened)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Where to listen; loopback unless a proxy stands before it.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = None,
) -> None:
    """Serve the doors, with the worker inside unless TALLYSTICK_WORKER_INSIDE=false."""
    changed = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = here().settings.model_copy(update=changed)
    with listen(settings) as listening:
        serve_with(settings, listening)


def listen(settings: Settings) -> socket.socket:
    """Take the port. Raises Misuse: it is taken, or the address is none of this machine."""
    try:
        listening = socket.create_server((settings.host, settings.port), family=_family(settings.host))
    except OSError as error:
        raise Misuse(
            f"{settings.host}:{settings.port}: expected a free port, got {error.strerror}; --port or TALLYSTICK_PORT"
            " names another, 0 takes a free one"
        ) from error
    answer_at_once(listening)
    return listening


def serve_with(
    settings: Settings, listening: socket.socket, ready: Sequence[str] = ("serving {url}",)
) -> None:
    """Serve until told to stop; once it answers, print the lines `ready`. The caller closes `listening`.

    Raises:
        Misuse: no worker on SQLite.
        SchemaBehind, StoreError: see api.installation.
        KeyboardInterrupt: told to stop a second time; what was in hand was let go of.
    """
    if settings.is_sqlite and not settings.worker_inside:
        raise Misuse(
            "TALLYSTICK_WORKER_INSIDE: on SQLite the worker runs inside the server; expected true, got false"
        )
    configure(settings.log_level, settings.log_json)
    app = create_app(settings, extend=add_pages)
    # The product is opened and closed here and not by uvicorn, so that what keeps it from opening leaves as a sentence.
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=False,  # whom to believe is TALLYSTICK_PROXY's to say (api/app.py), not uvicorn's environment's
        timeout_graceful_shutdown=REQUESTS_SECONDS_MAX,
    )
    server = Server(config, let_go=app.state.streams.end)

    async def work() -> None:
        whole = asyncio.current_task()
        assert whole is not None

        def insist() -> None:
            server.force_exit = True
            whole.cancel()

        with stopping(lambda: setattr(server, "should_exit", True), insist):
            async with app.router.lifespan_context(app):
                await _serve(server, listening, settings, ready)

    run(work(), config.get_loop_factory())
    if not server.started:
        raise typer.Exit(FAILED)


async def _serve(server: Server, listening: socket.socket, settings: Settings, ready: Sequence[str]) -> None:
    """Serve until the server is told to exit; meanwhile `server.json` tells the command line where it is."""
    url = f"http://{'localhost' if settings.on_loopback else settings.host}:{listening.getsockname()[1]}"
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
        if server.started and not server.should_exit:
            tell_address(settings, url)
            tell([line.replace("{url}", url) for line in ready], {"url": url, "pid": os.getpid()})
        await task
    finally:
        if server.started:  # the file of another server on this folder is not ours to remove
            (settings.data_dir / SERVER_FILE).unlink(missing_ok=True)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def worker(
    once: Annotated[bool, typer.Option(help="Do what is due now, then end.")] = False,
) -> None:
    """Run timers, jobs and checkpoints in a process of its own, on PostgreSQL, until SIGTERM or Ctrl-C."""
    settings = here().settings
    if settings.is_sqlite:
        raise Misuse(
            "worker: on SQLite the worker runs inside the server; start `tallystick run`, or use PostgreSQL"
        )
    configure(settings.log_level, settings.log_json)

    async def work() -> int:
        async with open_installation(settings) as installation:
            working = Worker(installation)
            if once:
                return await working.tick()
            await work_until_told(working.run)
            return 0

    done = run(work())
    if once:
        tell([f"{done} things were due"], {"done": done})


@db.command("upgrade")
def upgrade() -> None:
    """Bring the database to this version's schema."""
    settings = here().settings
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    schema.upgrade(settings.url)
    tell(["the database is up to date"], {"url": "sqlite" if settings.is_sqlite else "postgresql"})


def rebuild_tables(
    log: Annotated[str | None, typer.Argument(help="One log; all when left out.")] = None,
) -> None:
    """Make the derived tables again from log and vault. Needs the writer's lock on SQLite: stop the server first."""
    settings = here().settings
    if running_server(settings.data_dir) is not None and settings.is_sqlite:
        raise Misuse("rebuild: expected no running server on SQLite, got one; stop it first")

    async def work() -> list[dict[str, object]]:
        async with open_installation(settings) as installation:
            logs = await installation.logs()
            if log is not None and log not in logs:
                raise Misuse(f"rebuild: expected one of {', '.join(logs) or 'no logs'}, got {log}")
            done: list[dict[str, object]] = []
            for name in [log] if log is not None else logs:
                rooms = await installation.rooms(name)
                work = rebuild(name, PROJECTIONS, shapes(), derived_tables(), rooms.vault.open_many)
                rebuilt = await installation.writer.maintain(work)
                done.append({"log": name, "entries": rebuilt.entries, "rows": sum(rebuilt.after.values())})
            return done

    tell_rows("rebuilt", ["log", "entries", "rows"], run(work()))

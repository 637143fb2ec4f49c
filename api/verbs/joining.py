"""Verbs about joining: invites, staff lists, shared devices, an owner who is locked out."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from api.remote import page_address
from api.roster import CSV_CHARS_MAX, as_cell
from api.verbs.console import Misuse, here, tell, tell_rows
from api.verbs.people import ask, member
from ledger.durable import create_file

owner = typer.Typer(help="Owners, from the server itself.", no_args_is_help=True)
device = typer.Typer(help="Shared devices: one act for a first name and a PIN.", no_args_is_help=True)
invites = typer.Typer(help="Invites that wait, were used or have ended.", no_args_is_help=True)


@owner.command("recover")
def owner_recover(
    named: Annotated[
        str | None, typer.Option("--member", help="The owner's name or id; the first one when left out.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(help="The organisation's log; needed where there are several.")
    ] = None,
) -> None:
    """Let an owner in again who is locked out: prints an invite, once. It is on record, and their sessions end."""
    logs = [one["log"] for one in ask("GET", "/api/v1/organisations", as_operator=True)]
    if log is None and len(logs) != 1:
        raise Misuse(f"owner recover: expected --log, one of {', '.join(logs) or 'none'}, got none")
    path = f"/api/v1/organisations/{log or logs[0]}/owners/recover"
    done = ask("POST", path, {"member": named}, as_operator=True)
    lines = [
        f"owner   {done['member']}",
        f"invite  {_address(done['invite'])}",
        f"It works once, until {done['until']}; their sessions have ended, and the record says so.",
    ]
    tell(lines, done)


@member.command("invite")
def member_invite(
    member_id: Annotated[str | None, typer.Argument(metavar="[MEMBER]")] = None,
    name: Annotated[str | None, typer.Option(help="Somebody who joins with it.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="Their role; managers invite staff only. May be given again.")
    ] = None,
    slip: Annotated[bool, typer.Option(help="To be printed and handed over.")] = False,
) -> None:
    """Invite a member, or somebody new by --name and --role; the link is told once and works for three days."""
    if (member_id is None) == (name is None):
        raise Misuse("member invite: expected either MEMBER or --name, got " + ("both" if name else "none"))
    body = {"member": member_id, "name": name, "roles": role or [], "how": "slip" if slip else "link"}
    done = ask("POST", "/api/v1/invites", body)
    lines = [
        f"member  {done['ids']['member']}",
        f"invite  {_address(done['path'])}",
        f"It works once, until {done['until']}.",
    ]
    tell(lines, done)


@member.command("import")
def member_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="CSV")],
    links: Annotated[Path, typer.Option(help="Where the links go: a new CSV file, readable by you only.")],
) -> None:
    """Let a staff list join (columns name, role and perhaps sign_in) and write an invite for each into a new file."""
    if links.exists():
        raise Misuse(f"{links}: expected nothing there yet, got a file")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Misuse(f"{file}: expected UTF-8 text, got other bytes ({error.reason})") from error
    if len(text) > CSV_CHARS_MAX:
        raise Misuse(f"{file}: expected at most {CSV_CHARS_MAX} characters, got {len(text)}")
    done = ask("POST", "/api/v1/members/import", {"csv": text, "how": "slip"})
    create_file(links, _links(done).encode())
    people = len(done["people"])
    tell([f"{people} people joined; their invites are in {links}, good until {done['until']}"], done)


def _links(done: Any) -> str:
    out, home = io.StringIO(), _address("")
    rows = csv.writer(out)
    rows.writerow(["name", "role", "sign_in", "invite", "until"])
    for one in done["people"]:
        cells = (one["name"], one["role"], one["sign_in"] or "", home + one["path"], done["until"])
        rows.writerow([as_cell(cell) for cell in cells])
    return out.getvalue()


@invites.command("list")
def invite_list() -> None:
    """List invites, without their tokens."""
    items = ask("GET", "/api/v1/invites")["items"]
    tell_rows("invites", ["invite", "member", "how", "until", "state"], items)


@invites.command("end")
def invite_end(invite_id: Annotated[str, typer.Argument(metavar="INVITE")]) -> None:
    """Take an invite back."""
    done = ask("POST", f"/api/v1/invites/{invite_id}/end", {"reason_code": "withdrawn"})
    tell([f"invite {invite_id} has ended"], done)


@device.command("list")
def device_list() -> None:
    """List shared devices."""
    items = ask("GET", "/api/v1/devices")["items"]
    tell_rows("shared devices", ["device", "label", "until", "active"], items)


@device.command("share")
def device_share(
    label: Annotated[str, typer.Argument(help="What people call it.")],
    until: Annotated[str | None, typer.Option(help="RFC 3339 instant at which it ends.")] = None,
) -> None:
    """Make a device a shared one; its token is told once."""
    done = ask("POST", "/api/v1/devices", {"label": label, "until": until})
    tell([f"device  {done['ids']['device']}", f"token   {done['token']}"], done)


@device.command("end")
def device_end(device_id: Annotated[str, typer.Argument(metavar="DEVICE")]) -> None:
    """A device is shared no more."""
    done = ask("POST", f"/api/v1/devices/{device_id}/end")
    tell([f"device {device_id} is shared no more"], done)


def _address(path: str) -> str:
    return page_address(here().settings, path)

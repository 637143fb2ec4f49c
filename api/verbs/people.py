"""Verbs about organisations and people: org, member, key, authority, budget. They ask the doors like anybody else."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.remote import reach, read_key
from api.verbs.console import here, run, tell, tell_rows

org = typer.Typer(help="Organisations of this installation.", no_args_is_help=True)
member = typer.Typer(help="Members and digital employees.", no_args_is_help=True)
key = typer.Typer(help="API keys.", no_args_is_help=True)
authority = typer.Typer(help="Who may decide what.", no_args_is_help=True)
budget = typer.Typer(help="Budgets of tokens: one person names them, another approves.", no_args_is_help=True)


def ask(method: str, path: str, json: Any = None, as_operator: bool = False) -> Any:
    """Send one request under the operator's key, or as the operator of this data folder."""
    desk = here()

    async def work() -> Any:
        async with reach(desk.settings) as remote:
            if as_operator:
                return await remote.ask(method, path, json=json, headers=remote.operator_headers())
            return await remote.ask(method, path, json=json, key=read_key(desk.settings, desk.key_file))

    return run(work())


@org.command("list")
def org_list() -> None:
    """List the organisations of this installation."""
    tell_rows(
        "organisations", ["log", "entries", "members"], ask("GET", "/api/v1/organisations", as_operator=True)
    )


@org.command("add")
def org_add(
    name: Annotated[str, typer.Argument()],
    owner: Annotated[str, typer.Option(help="The name of its first owner.")],
    simulated: Annotated[bool, typer.Option(help="A demo whose origin ends in .invalid.")] = False,
) -> None:
    """Add an organisation; its owner's key is told once."""
    body = {"name": name, "owner_name": owner, "simulated": simulated}
    opened = ask("POST", "/api/v1/organisations", body, as_operator=True)
    tell([f"log     {opened['log']}", f"owner   {opened['member']}", f"key     {opened['key']}"], opened)


@org.command("confirm-clock")
def org_confirm_clock() -> None:
    """Say that the machine's time is right, after a step of more than a day stopped the log."""
    done = ask("POST", "/api/v1/clock/confirm")
    tell([f"confirmed at {done['entries']['at']}; the log goes on"], done)


@member.command("list")
def member_list() -> None:
    """List the members."""
    items = ask("GET", "/api/v1/members")["items"]
    tell_rows("members", ["member", "name", "roles", "active"], items)


@member.command("add")
def member_add(
    name: Annotated[str, typer.Argument()],
    role: Annotated[
        list[str], typer.Option(help="owner, manager, staff, auditor or outsider; may be given again.")
    ],
) -> None:
    """Let a person join."""
    done = ask("POST", "/api/v1/members", {"name": name, "roles": role})
    tell([f"member  {done['ids']['member']}"], done)


@member.command("end")
def member_end(
    member_id: Annotated[str, typer.Argument(metavar="MEMBER")],
    reason: Annotated[str, typer.Option(help="A coded reason, e.g. left.")] = "left",
    successor: Annotated[
        str | None, typer.Option(help="Who takes over open cases; left out: the owner who joined first.")
    ] = None,
) -> None:
    """End a membership: open cases are handed over; powers and keys end with it."""
    body = {"reason_code": reason, "successor": successor}
    done = ask("POST", f"/api/v1/members/{member_id}/leave", body)
    tell([f"member {member_id} has left"], done)


@member.command("names")
def member_names(source: Annotated[str, typer.Argument(help="The registered source.")]) -> None:
    """List what a source calls people: whose names are known, then those that are nobody's yet."""
    found = ask("GET", f"/api/v1/sources/{source}/names")
    if here().as_json:
        tell((), found)
        return
    tell_rows("known", ["name", "member", "linked_by"], found["known"])
    tell_rows("not known", ["name", "records", "last"], found["unknown"])


@member.command("called")
def member_called(
    source: Annotated[str, typer.Argument(help="The registered source.")],
    name: Annotated[str, typer.Argument(help="The name, letter by letter as its records have it.")],
    member_id: Annotated[
        str | None, typer.Option("--member", help="Whose name it is; left out: nobody's any more.")
    ] = None,
) -> None:
    """Say whom a source means by a name; never of a name of one's own."""
    done = ask("POST", "/api/v1/accounts", {"source": source, "account": name, "member": member_id})
    whose = f"means {member_id}" if member_id else "means nobody here any more"
    tell([f"by {name} the source {source} {whose}"], done)


@key.command("list")
def key_list() -> None:
    """List keys, without secrets."""
    tell_rows("keys", ["key", "member", "until", "active"], ask("GET", "/api/v1/keys")["items"])


@key.command("issue")
def key_issue(
    member_id: Annotated[str, typer.Argument(metavar="MEMBER")],
    until: Annotated[str | None, typer.Option(help="RFC 3339 instant at which it stops.")] = None,
) -> None:
    """Issue a key; its secret is told once."""
    done = ask("POST", "/api/v1/keys", {"member": member_id, "until": until})
    tell([f"key     {done['secret']}", f"id      {done['ids']['key']}"], done)


@key.command("end")
def key_end(key_id: Annotated[str, typer.Argument(metavar="KEY")]) -> None:
    """A key stops working now."""
    tell([f"key {key_id} has ended"], ask("POST", f"/api/v1/keys/{key_id}/end"))


@authority.command("list")
def authority_list() -> None:
    """List who may decide what."""
    items = ask("GET", "/api/v1/authorities")["items"]
    tell_rows(
        "authorities", ["authority", "member", "about", "scope", "tokens_max", "until", "active"], items
    )


@authority.command("grant")
def authority_grant(
    member_id: Annotated[str, typer.Argument(metavar="MEMBER")],
    about: Annotated[str, typer.Option(help="action or award.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="Playbook or award kind; all when left out.")
    ] = None,
    tokens_max: Annotated[int | None, typer.Option(help="At most so many tokens per award.")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 instant at which it ends.")] = None,
    second_person: Annotated[
        bool, typer.Option(help="May be the second person where two are needed.")
    ] = False,
) -> None:
    """Give somebody the power to decide."""
    body = {
        "member": member_id,
        "about": about,
        "scope": scope or ["*"],
        "tokens_max": tokens_max,
        "until": until,
        "second_person": second_person,
    }
    done = ask("POST", "/api/v1/authorities", body)
    tell([f"authority  {done['ids']['authority']}"], done)


@authority.command("end")
def authority_end(
    member_id: Annotated[str, typer.Argument(metavar="MEMBER")],
    authority_id: Annotated[str, typer.Argument(metavar="AUTHORITY")],
) -> None:
    """End an authority now."""
    done = ask("POST", f"/api/v1/members/{member_id}/authorities/{authority_id}/end")
    tell([f"authority {authority_id} has ended"], done)


@budget.command("set")
def budget_set(
    tokens: Annotated[int, typer.Argument(min=1)],
    purpose: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Name a budget; it holds nothing before another person approves it."""
    done = ask("POST", "/api/v1/budgets", {"amount_tokens": tokens, "purpose": purpose})
    tell([f"budget  {done['ids']['budget']}"], done)


@budget.command("approve")
def budget_approve(
    budget_id: Annotated[str, typer.Argument(metavar="BUDGET")], tokens: Annotated[int, typer.Argument(min=1)]
) -> None:
    """Approve the same amount as the second person."""
    done = ask("POST", f"/api/v1/budgets/{budget_id}/approve", {"amount_tokens": tokens})
    tell([f"budget {budget_id} holds {tokens} tokens"], done)

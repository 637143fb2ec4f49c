"""Which rows of the database are about one person, and where each of them stands in the file of everything about them.

Every column that can hold the id of a member is named here once: in a part of the file, or left out with a reason. A
test looks for people's ids in every table of a played organisation, and fails on a column that is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from api import tables as own
from api.routes.answers import plain
from api.scope import Scoped
from casework import tables

SECRETS = frozenset({"digest", "password_hash", "pin_hash"})
"""Columns of the tables of signing in that are told as whether there is one, never as they are."""
SIGNING_IN = frozenset({"act", "session", "sign_in"})

ROWS: tuple[tuple[Table, str], ...] = (
    (tables.account_link, "member"),
    (tables.announcing, "member"),
    (own.act, "member"),
    (tables.asked_by, "member"),
    (tables.assessor, "member"),
    (tables.assignment, "member"),
    (tables.credential, "member"),
    (tables.dispute_answer, "member"),
    (tables.invite, "member"),
    (tables.look, "by"),
    (tables.passkey, "member"),
    (own.pin_tries, "member"),
    (own.preference, "member"),
    (tables.presence, "member"),
    (tables.proposal, "maker"),
    (tables.recall, "member"),
    (tables.recognised, "member"),
    (own.session, "member"),
    (own.sign_in, "member"),
)
"""Told whole in the part `rows`, by table: those whose column names the person."""

AMONG: tuple[tuple[Table, str], ...] = ((tables.dispute, "members"),)
"""The same, where the person is one of a list: what was asked of them, and why. Of the list they alone are told."""

_STEP = "the step of whoever did it names the person: `steps`"
_OTHERS = "it is told in the file of whoever it is about"
_SHOWN = "what everybody may read about the place: it was published"
ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("account", "account"): "`accounts`",
    ("account_link", "linked_by"): _STEP,
    ("anchor", "opened_by"): _STEP,
    ("api_key", "issued_by"): _STEP,
    ("api_key", "member"): "`person.keys`",
    ("authority", "giver"): "`person.authorities` of whoever stands in, `person.away` of the giver",
    ("authority", "giver_person"): "`person.authorities` of whoever stands in, `person.away` of the giver",
    ("authority", "granted_by"): _STEP,
    ("authority", "member"): "`person.authorities`",
    ("assessor", "named_by"): _STEP,
    ("award", "held_by"): _STEP,
    ("award_share", "member"): "`awards`",
    ("budget", "approved_by"): _STEP,
    ("budget", "set_by"): _STEP,
    ("case_file", "action_by"): "`cases`",
    ("case_file", "asked_to"): _STEP,
    ("case_file", "opened_by"): "`cases`",
    ("case_file", "outcome_by"): _STEP,
    ("case_file", "owner"): "`cases`",
    ("command", "principal"): _STEP,
    ("decision", "beneficiaries"): "`awards`, and " + _STEP,
    ("decision", "decider"): "`decisions`",
    ("delegation", "given_by"): _STEP,
    ("delegation", "giver"): "`person.away`",
    ("delegation", "stand_in"): "`person.stood_in`",
    ("device", "shared_by"): _STEP,
    ("dispute", "asked_by"): "`rows.asked_by`, and " + _STEP,
    ("entry", "canon"): "`steps`",
    ("evidence", "attached_by"): "`evidence`",
    ("evidence", "controllers"): _STEP,
    ("evidence", "reviewer"): _STEP,
    ("evidence", "submitter"): "`evidence`, and " + _STEP,
    ("invite", "issued_by"): _STEP,
    (
        "item_wrap",
        "subject",
    ): "`written`: what others wrote about the person is theirs, and named by its step",
    ("job", "payload"): "work that is due and then gone; the step it follows from is in `steps`",
    ("link", "handed_over_by"): _STEP,
    ("link", "issued_by"): _STEP,
    ("look", "member"): "`looks`",
    ("member", "answers_to"): _STEP,
    ("member", "member"): "`person`",
    ("member", "same_as"): "`person`",
    ("member_name", "member"): "`person`",
    ("passkey", "confirmed_by"): _OTHERS,
    ("hook", "opened_by"): _STEP,
    ("plan", "content"): _SHOWN,
    ("playbook", "content"): _SHOWN,
    ("point", "doubted_by"): _STEP,
    ("point", "registered_by"): _STEP,
    ("posting", "account"): "`postings`",
    (
        "record_version",
        "received_from",
    ): "records are about the business; that the person sent them is in `steps`",
    ("source", "controllers"): _SHOWN,
    ("verdict", "beneficiaries"): _STEP,
    ("verdict", "controllers"): _STEP,
    ("verdict", "shares"): _STEP,
    ("verdict", "witnessing"): _STEP,
    ("watch_purpose", "written_by"): _STEP,
}
"""(table, column) -> where it stands, or why it does not."""


async def own_rows(rows: Scoped, member: str) -> dict[str, list[dict[str, Any]]]:
    """Return table -> its rows about the person, without secrets; of what they are called elsewhere the name too."""
    told = {
        table.name: [_told(row, table) for row in await rows.find(table, {column: member})]
        for table, column in ROWS
    }
    linked = told[tables.account_link.name]
    names = await rows.open_all(one["item"] for one in linked)
    told[tables.account_link.name] = [{**one, "name": names.get(one["item"])} for one in linked]
    for table, column in AMONG:
        named = table.c[column].contains(f'"{member}"')
        found = await rows.find(table, also=(named,))
        told[table.name] = [{**_told(row, table), column: [member]} for row in found]
    return told


def _told(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    told = plain(row, table)
    if table.name not in SIGNING_IN:
        return told
    return {name: value is not None if name in SECRETS else value for name, value in told.items()}

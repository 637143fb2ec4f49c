"""Projection equals rows: what the database holds is the fold of the entries, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

import casework.tables
from casework import views
from casework.absence import GoAway
from casework.assessors import EndAssessor, NameAssessor
from casework.joining import Joining
from casework.joining_requests import Chosen, EndDevice, Invite, ShareDevice, UseInvite
from casework.point_requests import RegisterPoint
from casework.requests import (
    THE_SYSTEM,
    AwardStep,
    CaseStep,
    ChangeMode,
    ChangeSettings,
    EndApiKey,
    EndAuthority,
    IssueApiKey,
    MemberStep,
    PublishKinds,
    PublishPlaybook,
    WritePurpose,
)
from ledger.entries import KINDS, Entry
from ledger.overlay import Overlay
from ledger.store.tables import LOG as LOG_TABLE
from ledger.store.tables import VAULT, metadata, shapes
from tests.casework import anchors, routine, systems
from tests.casework.keyring import confirm, end, enrol
from tests.casework.shop import LOG, Shop, shop

OURS = tuple(
    name
    for name, table in casework.tables.__dict__.items()
    if name in metadata.tables and not (table.info.keys() & (LOG_TABLE.keys() | VAULT.keys()))
)


async def _busy(here: Shop) -> None:
    """A history with every ending: settled, revoked, declined, cleared, reopened, closed, undone."""
    await _administer(here)
    await _let_in(here)
    await routine.lived(here)
    await routine.course(here)
    await systems.lived(here)
    await anchors.lived(here)
    await here.office.register_point(
        here.people["owner"], here.key(), RegisterPoint("bar", "screen", "Behind the bar")
    )
    for number in ("a", "b", "c"):
        case, award = await here.awarded(number=number)
        if number == "a":
            await here.ask_first(case, "decline", "reopened")
            await here.desk.decline_award(here.people["accountant"], here.key(), AwardStep(award, "reopened"))
            continue
        here.wait(days=14)
        await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
        await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))
        if number == "b":
            await here.desk.hold(here.people["accountant"], here.key(), AwardStep(award, "revocation_asked"))
            await here.ask_first(case, "revoke", "misconduct", "owner")
            await here.desk.revoke(here.people["owner"], here.key(), AwardStep(award, "misconduct"))
    await here.approve(await here.until("passed", number="g"))
    case, _ = await here.awarded(number="d")
    await here.desk.reopen(here.people["owner"], here.key(), CaseStep(case, "not_fixed"))
    cleared = await here.open(number="e")
    await here.desk.clear(THE_SYSTEM, here.key(), CaseStep(cleared))
    expired = await here.until("proposed", number="f")
    await here.desk.expire(THE_SYSTEM, here.key(), CaseStep(expired, "until_passed"))


async def _administer(here: Shop) -> None:
    office, owner = here.office, here.people["owner"]
    ended = await here.may("owner", "award", amount_max=None, until="2027-01-01T00:00:00.000Z")
    await office.end_authority(owner, here.key(), EndAuthority(owner.id, ended))
    await here.may("owner", "award")
    cook = await here.join("cook", "staff")
    await here.join("double", "staff", same_as="cook")
    await office.grant_role(owner, here.key(), MemberStep(cook.id, "manager"))
    await office.end_role(owner, here.key(), MemberStep(cook.id, "staff"))
    key = await office.issue_api_key(owner, here.key(), IssueApiKey(cook.id, "ab" * 32))
    await office.end_api_key(owner, here.key(), EndApiKey(key.ids["key"]))
    away = GoAway(owner.id, cook.id, "2026-12-01T00:00:00.000Z")
    await office.give_delegation(owner, here.key(), away)
    await office.member_left(owner, here.key(), MemberStep(cook.id, reason_code="left"))
    for who, by in (("accountant", "owner"), ("owner", "accountant")):
        passkey, _ = await enrol(here, who)
        await confirm(here, passkey, by)
    await end(here, passkey, "owner")
    await office.stop_agent(owner, here.key(), MemberStep(here.people["agent"].id))
    await office.change_settings(owner, here.key(), ChangeSettings({"undo_seconds": 10, "currency": "EUR"}))
    await office.publish_kinds(owner, here.key(), PublishKinds("aa" * 32, {}))
    book = PublishPlaybook("complaint", "bb" * 32, "aa" * 32, "live", None, {})
    await office.publish_playbook(owner, here.key(), book)
    await office.change_mode(owner, here.key(), ChangeMode("complaint", "retired"))
    await routine.publish_policy(here, "training")
    for who in ("owner", "accountant"):
        await office.name_assessor(
            owner, here.key(), NameAssessor("first-aid", here.people[who].id, "teaches")
        )
    await office.end_assessor(owner, here.key(), EndAssessor("first-aid", owner.id))
    purpose = WritePurpose("long_shift", "So that nobody works without a break")
    await office.write_purpose(owner, here.key(), purpose)


async def _let_in(here: Shop) -> None:
    joining, owner, waiter = Joining(here.intake), here.people["owner"], here.people["waiter"].id
    await joining.invite(owner, here.key(), Invite(waiter))
    invite = (await joining.invite(owner, here.key(), Invite(waiter))).ids["invite"]
    await joining.use_invite(here.key(), UseInvite(waiter, invite, Chosen("wally", "$argon2id$w")))
    await joining.invite(owner, here.key(), Invite(waiter))
    for label in ("The pass", "The office"):
        device = (await joining.share_device(owner, here.key(), ShareDevice(label))).ids["device"]
    await joining.end_device(owner, here.key(), EndDevice(device))


async def _entries(here: Shop) -> list[tuple[Entry, dict[str, Any] | None]]:
    size, _ = await here.rows.head()
    found = []
    for entry in await here.rows.entries(0, size):
        opened = {
            path: await here.rows.open(item) for path, item in entry.private.items() if path != "content"
        }
        found.append((entry, opened or None))
    return found


def _folded(entries: list[tuple[Entry, dict[str, Any] | None]]) -> dict[str, list[tuple[Any, ...]]]:
    overlay = Overlay(shapes())
    wanted = {table: {0: {()}} for table in (*OURS, "job")}
    overlay.admit(wanted, {})
    for entry, opened in entries:
        overlay.apply(views.project(entry, opened))
    known = shapes()
    return {
        table: [tuple(row[name] for name in known[table].columns) for row in overlay.scan(table, ())]
        for table in OURS
    }


async def test_rows_are_the_fold_of_the_entries(tmp_path: Path) -> None:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path) as here:
        await _busy(here)
        entries = await _entries(here)
        folded = _folded(entries)
        for name in OURS:
            table = metadata.tables[name]
            query = select(*list(table.columns)[1:]).where(table.c.log == LOG)
            stored = [tuple(row.values()) for row in await here.store.reader.rows(query)]
            assert sorted(stored, key=repr) == sorted(folded[name], key=repr), name
            assert stored, f"{name}: the history leaves it empty, so this shows nothing"
        # erased values still give the same rows, but the names that are the person's own
        erased = _folded([(entry, None) for entry, _ in entries])
        assert {name for name in OURS if erased[name] != folded[name]} == {"member_name"}


def test_every_kind_is_projected_or_known_to_leave_no_rows() -> None:
    silent = {
        "log_opened", "registry_published", "key_rotated", "clock_stepped", "clock_confirmed", "restore_accepted",
        "checkpoint_sent", "retention_purged", "records_imported", "signal_broken",
        "sign_in_set", "owner_recovered",
    }  # fmt: skip
    assert silent == KINDS.keys() - views._KINDS.keys() - views._CASE_KINDS


def test_a_kind_without_rows_projects_nothing() -> None:
    entry = Entry(1, LOG, 0, "", "clock_stepped", None, None, {}, {}, "", "")  # type: ignore[arg-type]
    assert list(views.project(entry, None)) == []

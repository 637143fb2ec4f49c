"""A source's own door: signed, once, in time; what it brings, what it is worth, and what it tells nobody."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from limits import parse

from api.auditing import audit_database, audit_folder
from api.cli import run_verb
from api.routes import receiving
from casework.hook_signatures import fingerprint
from ledger.export import export_log
from tests.api.house import START, House, Team
from tests.api.test_path import KINDS, ROOT
from tests.senders import Sender, hooked, record

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE_KINDS = KINDS + "  ticket:\n    fields:\n      state: string\n"
VALUES = {"severity": "low", "status": "open"}
HOUR = 3_600
OWN = {"party": "source:desk"}
"""Nobody here can write in the system alone."""
POLICY = ROOT / "verifiers" / "policies" / "service_issue.yaml"


def said(name: str = "c-1", at: str = START, **more: Any) -> dict[str, Any]:
    """Return a call that brings a complaint."""
    return record("complaint", name, at, VALUES, **more)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(at: House, ours: Team) -> Sender:
    """Return the system of the complaints, with its hook."""
    owner = ours.keys["owner"]
    await at.done("/api/v1/kinds", owner, {"yaml": MORE_KINDS})
    await at.done("/api/v1/sources", owner, {"source": "desk", "kinds": ["complaint"], "controllers": OWN})
    await at.done("/api/v1/sources", owner, {"source": "other", "kinds": ["ticket"]})
    return await hooked(at, owner, "desk")


async def size_of(at: House, team: Team) -> int:
    """Return how many entries there are."""
    return int((await at.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"])


async def kinds_since(at: House, team: Team, size: int) -> list[str]:
    """Return the kinds of the entries from a size on."""
    rooms = await at.app.state.installation.rooms(team.log)
    return [entry.kind for entry in await rooms.rows.entries(size, 100)]


async def test_a_record_comes_by_itself(at: House, ours: Team, desk: Sender) -> None:
    size = await size_of(at, ours)
    told = await desk.sent(said(subject="guest@quay.example"))
    assert (told["imported"], told["known"], told["refused"], told["repeated"]) == (1, 0, 0, False)
    assert await kinds_since(at, ours, size) == ["hook_received", "records_imported"]
    shown = (await at.ask("GET", "/api/v1/records/complaint/c-1", ours.keys["owner"])).json()
    (hook,) = (await at.ask("GET", "/api/v1/hooks", ours.keys["manager"])).json()["items"]
    assert shown["received_from"] == f"hook:{hook['hook']}/{hook['keys'][0]['key']}"
    assert (hook["received"], hook["source"], hook["label"], hook["active"]) == (1, "desk", "desk", True)
    assert hook["keys"][0]["key"] == fingerprint(ours.log, "standard", desk.secret)


async def test_sent_again_it_counts_once_whatever_its_id(at: House, ours: Team, desk: Sender) -> None:
    one = said("c-again")
    await desk.sent(one, "msg-a")
    size = await size_of(at, ours)
    again = await desk.send(one, "msg-a")
    assert (again.status_code, again.json()["repeated"], again.json()["imported"]) == (200, True, 0)
    assert again.headers["idempotent-replay"] == "true" and await size_of(at, ours) == size
    other = await desk.send(said("c-other"), "msg-a")
    assert (other.status_code, other.json()["code"]) == (409, "delivery_changed")
    assert await size_of(at, ours) == size
    twice = await desk.sent(one, "msg-b")  # another call, the same version of the record
    assert (twice["repeated"], twice["imported"], twice["known"]) == (False, 0, 1)
    assert await kinds_since(at, ours, size) == ["hook_received"]


async def test_what_a_crash_left_out_comes_in_with_the_senders_next_try(
    at: House, ours: Team, desk: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any, **__: Any) -> None:
        raise RuntimeError("the process is gone")

    rooms = await at.app.state.installation.rooms(ours.log)
    with monkeypatch.context() as patch:
        patch.setattr(type(rooms.watching), "import_batch", dies)
        assert (await desk.send(said("c-crash"), "msg-crash")).status_code == 500
    told = await desk.sent(said("c-crash"), "msg-crash")
    assert (told["repeated"], told["imported"]) == (True, 1)
    assert (await desk.sent(said("c-crash"), "msg-crash"))["imported"] == 0


CLOCKS = [(-301, 401), (-300, 200), (0, 200), (300, 200), (301, 401)]


@pytest.mark.parametrize(("ahead", "status"), CLOCKS)
async def test_clocks_may_differ_by_five_minutes(at: House, desk: Sender, ahead: int, status: int) -> None:
    late = Sender(at, desk.path, desk.secret, clock_seconds=ahead)
    answer = await late.send(said(f"c-clock{ahead}"), f"clock{ahead}")
    assert answer.status_code == status, answer.text
    if status == 401:
        assert (
            answer.json()["code"] == "hook_clock" and "expected within 300 seconds" in answer.json()["detail"]
        )


def _last(mac: str) -> str:
    return mac[:-2] + ("A=" if mac[-2:] != "A=" else "E=")


WRONG: list[tuple[str, dict[str, str], str]] = [
    (
        "another signature",
        {"webhook_signature": "v1," + "A" * 43 + "="},
        "expected a signature by a key of this hook",
    ),
    ("signed before", {"webhook_timestamp": "1"}, "expected a signature by a key of this hook"),
    ("another id", {"webhook_id": "msg_other"}, "expected a signature by a key of this hook"),
    ("no signature", {"webhook_signature": ""}, "expected the header webhook-signature, got none"),
    ("another version", {"webhook_signature": "v2,abc"}, "expected v1, and base64 of 32 bytes"),
    ("a short one", {"webhook_signature": "v1,abc"}, "expected v1, and base64 of 32 bytes"),
    ("no time", {"webhook_timestamp": "now"}, "expected seconds since 1970"),
    ("two readings", {"webhook_id": "a.1"}, "expected no full stop"),
    ("many", {"webhook_signature": " ".join(["v1," + "A" * 43 + "="] * 9)}, "expected at most 8 signatures"),
]


@pytest.mark.parametrize(("headers", "detail"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
async def test_what_is_not_signed_is_refused(
    at: House, ours: Team, desk: Sender, headers: dict[str, str], detail: str
) -> None:
    size = await size_of(at, ours)
    answer = await desk.send(said("c-wrong"), **headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "hook_signature"), answer.text
    assert detail in answer.json()["detail"] and answer.json()["effect"] == "Nothing was recorded."
    assert await size_of(at, ours) == size


async def test_several_signatures_one_of_them_by_this_key(desk: Sender) -> None:
    body = json.dumps(said("c-several")).encode()
    headers = desk.signed(body)
    headers["webhook-signature"] = "v1a,xyz v1," + "A" * 43 + "= " + headers["webhook-signature"]
    assert (await desk.at.client.post(desk.path, content=body, headers=headers)).status_code == 200
    changed = body.replace(b"low", b"LOW")
    assert (await desk.at.client.post(desk.path, content=changed, headers=headers)).status_code == 401


BODIES: list[tuple[str, Any, int, str, str]] = [
    ("no JSON", b"{", 422, "invalid_request", "expected JSON"),
    ("doubled", b'{"type": "record", "type": "record"}', 422, "invalid_request", "each member of an object once"),
    ("nested", b"[" * 50_000, 422, "invalid_request", "expected JSON"),
    ("no type", {"data": {}}, 422, "invalid_request", "expected record, records"),
    ("another type", {"type": "award"}, 422, "invalid_request", "expected record, records"),
    ("another member", {**said(), "grade": "E4"}, 422, "invalid_request", "expected no such member"),
    ("no records", {"type": "records", "data": []}, 422, "invalid_request", "/data"),
    ("too many", {"type": "records", "data": [said()["data"]] * 101}, 422, "invalid_request", "/data"),
    ("another's kind", record("ticket", "t-1", START, {"state": "open"}), 422, "value_invalid", "source desk"),
    ("no such case", {"type": "evidence", "data": {"case": "none", "says": "x"}}, 404, "unknown_case", "no case"),
    ("no result", {"type": "training_result", "data": {"course": "x"}}, 422, "value_invalid", "registration: expected"),
    (
        "too many people",
        {"type": "records", "data": [said(f"p-{n}", subject=f"g{n}")["data"] for n in range(33)]},
        422, "value_invalid", "at most 32 people",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code", "detail"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
async def test_what_is_signed_and_means_nothing(
    at: House, ours: Team, desk: Sender, body: Any, status: int, code: str, detail: str
) -> None:
    size = await size_of(at, ours)
    answer = await desk.send(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert detail in answer.json()["detail"], answer.text
    assert await size_of(at, ours) == size


async def test_a_bad_record_among_good_ones_is_named(desk: Sender) -> None:
    bad = {**said("c-bad")["data"], "values": {"severity": 1, "status": "open"}}
    told = await desk.sent({"type": "records", "data": [said("c-good")["data"], bad]})
    assert (told["imported"], told["refused"], told["refused_rows"][0]["line"]) == (1, 1, 2)


async def test_a_body_is_bounded_before_it_is_read(at: House, desk: Sender) -> None:
    body = b"x" * (at.settings.json_bytes_max + 1)
    answer = await at.client.post(desk.path, content=body, headers=desk.signed(body))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_calls_are_counted_before_anything_is_checked(
    at: House, ours: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "PER_HOOK_AND_ADDRESS", parse("2 per minute"))
    busy = await hooked(at, ours.keys["owner"], "desk")
    for _ in range(2):
        assert (await busy.send(b"x", webhook_signature="v1,x")).status_code == 401
    answer = await busy.send(said("c-busy"))
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")


async def test_a_hook_that_is_none(at: House, ours: Team, desk: Sender) -> None:
    gone = await hooked(at, ours.keys["owner"], "desk")
    await at.done(f"{gone.path}/end", ours.keys["owner"], {"reason_code": "not_needed"})
    for sender in (gone, Sender(at, "/api/v1/hooks/none", desk.secret)):
        answer = await sender.send(said("c-none"))
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_hook")


# ---------------------------------------------------------------------------------------------- keys
async def test_two_keys_are_good_for_a_while(at: House, ours: Team) -> None:
    owner = ours.keys["owner"]
    first = await hooked(at, owner, "desk")
    told = await at.done(f"{first.path}/keys", owner, {"overlap_hours": 1}, key="rotate")
    again = await at.done(f"{first.path}/keys", owner, {"overlap_hours": 1}, key="rotate")
    assert again["secret"] is None and again["ids"] == told["ids"]
    second = Sender(at, first.path, told["secret"], count=100)
    for sender in (first, second):
        await sender.sent(said(f"c-key{sender.count}"))
    at.wait(HOUR)
    answer = await first.send(said("c-key-late"))
    assert (answer.status_code, answer.json()["code"]) == (401, "hook_signature")
    await second.sent(said("c-key-late"))
    # a key that leaked ends at once
    third = (await at.done(f"{first.path}/keys", owner, {"overlap_hours": 0}))["secret"]
    assert (await second.send(said("c-leaked"))).status_code == 401
    await Sender(at, first.path, third, count=200).sent(said("c-third"))


async def test_who_may_open_and_end_one(at: House, ours: Team, desk: Sender) -> None:
    body = {"source": "desk", "scheme": "standard"}
    for role in ("manager", "staff", "auditor", "outsider", "agent"):
        for path, sent in (
            ("/api/v1/hooks", body),
            (f"{desk.path}/keys", {}),
            (f"{desk.path}/end", {"reason_code": "leaked"}),
            ("/api/v1/sources/desk/keys", {"public": "A" * 43}),
        ):
            assert (await at.ask("POST", path, ours.keys[role], json=sent)).status_code == 403, (role, path)
    owner = ours.keys["owner"]
    for sent, status in (
        ({**body, "source": "nowhere"}, 404),
        ({**body, "scheme": "basic"}, 422),
        ({**body, "secret": "mine"}, 422),
    ):
        assert (await at.ask("POST", "/api/v1/hooks", owner, json=sent)).status_code == status, sent
    ended = await at.ask("POST", f"{desk.path}/end", owner, json={"reason_code": "bored"})
    assert (ended.status_code, ended.json()["code"]) == (422, "reason_unknown")
    hours = await at.ask("POST", f"{desk.path}/keys", owner, json={"overlap_hours": 169})
    assert hours.status_code == 422


# ---------------------------------------------------------------------------------------------- GitHub's way
async def test_githubs_way_counts_bytes_once_under_any_id(at: House, ours: Team) -> None:
    hub = await hooked(at, ours.keys["owner"], "desk", "github")
    one = said("c-hub")
    assert (await hub.sent(one, "d-1"))["imported"] == 1
    size = await size_of(at, ours)
    for name in ("d-1", "d-2"):  # the id is in no signature, so a new one makes no new call
        assert (await hub.sent(one, name))["repeated"] is True
    at.wait(30 * 24 * HOUR)
    assert (await hub.sent(one, "d-3"))["repeated"] is True
    assert await size_of(at, ours) == size
    other = await hub.send(said("c-hub2"), "d-1")
    assert (other.status_code, other.json()["code"]) == (409, "delivery_changed")
    bytes_only = await hub.send(b"\xff\xfe")
    assert (bytes_only.status_code, bytes_only.json()["code"]) == (422, "invalid_request")
    wrong = await hub.send(said("c-hub3"), X_Hub_Signature_256="sha256=" + "0" * 64)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "hook_signature")
    old = await hub.send(said("c-hub3"), X_Hub_Signature_256="sha1=" + "0" * 40)
    assert (old.status_code, old.json()["code"]) == (401, "hook_signature")


# ---------------------------------------------------------------------------------------------- evidence
async def test_evidence_of_a_case_and_who_could_have_made_it(at: House, ours: Team, desk: Sender) -> None:
    staff, owner = ours.keys["staff"], ours.keys["owner"]
    await at.done("/api/v1/policies", owner, {"yaml": POLICY.read_text()})
    claim = {
        "note": "Mended",
        "subject": {"kind": "complaint", "id": "c-1", "customer": None},
        "award_kind": "service_issue",
        "policy": "service_issue/v2",
        "suggestion": {"action": "call", "text": "Call"},
    }
    case = (await at.done("/api/v1/claims", staff, claim))["ids"]["case"]
    say = {"type": "evidence", "data": {"case": case, "says": "Paid back at the till, 12.50"}}
    told = await desk.sent(say, "ev-1")
    shown = (await at.ask("GET", f"/api/v1/cases/{case}", staff)).json()
    (item,) = (one for one in shown["evidence"] if one["evidence"] == told["evidence"])
    assert (item["type"], item["grade"], item["submitter"]) == ("webhook", "E3", "system")
    parties = [{"party": f"member:{ours.members['owner']}"}, {"party": "server"}, {"party": "source:desk"}]
    assert item["controllers"] == {"any": parties}
    facts = shown["texts"][item["facts_item"]]
    assert facts["says"] == "Paid back at the till, 12.50" and facts["source"] == "desk"
    size = await size_of(at, ours)
    assert (await desk.sent(say, "ev-1"))["repeated"] is True
    reused = await desk.send(say, "ev-2")
    assert (reused.status_code, reused.json()["code"]) == (409, "evidence_reused")
    assert await size_of(at, ours) == size
    # the record of it, shown by somebody, has the same makers
    record_of = {"kind": "complaint", "record": "c-1"}
    made = await at.done(f"/api/v1/cases/{case}/evidence/record", staff, record_of)
    shown = (await at.ask("GET", f"/api/v1/cases/{case}", owner)).json()
    (item,) = (one for one in shown["evidence"] if one["evidence"] == made["ids"]["evidence"])
    assert (item["grade"], item["controllers"]) == ("E3", {"any": parties})
    # a till says nothing of what it has no kind of
    report = (await at.done("/api/v1/reports", staff, {"note": "Something"}))["ids"]["case"]
    answer = await desk.send({"type": "evidence", "data": {"case": report, "says": "x"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_case")


# ---------------------------------------------------------------------------------------------- told nobody
async def test_secrets_and_bodies_leave_by_no_door(
    at: House, ours: Team, desk: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = ours.keys["owner"]
    marked = said("c-private", subject="very-private-guest")
    await desk.sent(marked)
    await desk.send(b'{"very-private-guest": 1}')
    told = [
        (await at.ask("GET", f"/api/v1/{path}", owner)).text
        for path in ("hooks", "me/take-away", "log/entries?limit=1000", "sources")
    ]
    for text in told:
        assert desk.secret not in text and desk.secret.removeprefix("whsec_") not in text
    journal = (at.settings.data_dir / "refusals.jsonl").read_text()
    said_aloud = capsys.readouterr()
    assert "very-private-guest" not in journal + said_aloud.out + said_aloud.err
    rooms = await at.app.state.installation.rooms(ours.log)
    await export_log(rooms.reader, tmp_path / "out", await rooms.publisher.publish(), rooms.vault)
    for one in (tmp_path / "out").rglob("*"):
        assert not one.is_file() or desk.secret not in one.read_bytes().decode("latin-1"), one


async def test_an_audit_checks_the_signatures_it_has_keys_for(
    at: House, ours: Team, desk: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = await at.app.state.installation.rooms(ours.log)
    found = await audit_database(rooms.reader, rooms.vault, None, ())
    assert found.intact.findings == [] and found.earned is not None and found.earned.findings == []
    count = (await kinds_since_start(at, ours)).count("hook_received")
    assert (found.earned.calls, found.earned.calls_unchecked) == (count, [])
    assert f"{count} calls of other systems checked by their keys" in found.sentences()[-1]
    await export_log(rooms.reader, tmp_path / "out", await rooms.publisher.publish(), rooms.vault)
    without = await asyncio.to_thread(audit_folder, tmp_path / "out", None, ())
    assert without.earned is not None and without.earned.findings == []
    assert (without.earned.calls, len(without.earned.calls_unchecked)) == (0, count)
    assert "not checked: key or bytes not at hand" in without.sentences()[-1]
    given = await asyncio.to_thread(audit_folder, tmp_path / "out", None, (), (desk.secret,))
    assert given.earned is not None and given.earned.findings == []
    assert 0 < given.earned.calls < count and given.earned.calls + len(given.earned.calls_unchecked) == count
    (tmp_path / "secrets").write_text(f"{desk.secret}\nwhsec_none\n")
    arguments = ["--json", "audit", str(tmp_path / "out"), "--hook-secrets", str(tmp_path / "secrets")]
    capsys.readouterr()
    assert await asyncio.to_thread(run_verb, arguments) == 3
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["calls"], told["calls_unchecked"]) == (given.earned.calls, count - given.earned.calls)


async def kinds_since_start(at: House, team: Team) -> list[str]:
    """Return the kinds of all entries."""
    rooms = await at.app.state.installation.rooms(team.log)
    return [entry.kind for entry in await rooms.rows.entries(0, 10_000)]

"""Bad input at the doors: each refusal says expected and got, in one shape, and writes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from api.problems import MEDIA_TYPE, of_error
from api.scope import write_cursor
from ledger.errors import DiskFull, OutcomeUnknown, RowRefused, StoreError
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
GOOD_REPORT: dict[str, Any] = {"note": "The ice machine leaks"}

TABLE: list[tuple[str, str, bytes | Any, dict[str, str], int, str, str | None]] = [
    # what, path, body, headers, status, code, pointer
    ("malformed JSON", "/api/v1/reports", b'{"note": ', JSON, 422, "malformed_json", None),
    ("not UTF-8", "/api/v1/reports", b'{"note": "\xff"}', JSON, 422, "unreadable_body", None),
    ("two documents", "/api/v1/reports", b"{} {}", JSON, 422, "malformed_json", None),
    ("a list", "/api/v1/reports", [], {}, 422, "invalid_request", ""),
    ("unknown member", "/api/v1/reports", {**GOOD_REPORT, "noet": 1}, {}, 422, "invalid_request", "/noet"),
    ("missing member", "/api/v1/reports", {}, {}, 422, "invalid_request", "/note"),
    ("wrong type", "/api/v1/reports", {"note": 7}, {}, 422, "invalid_request", "/note"),
    ("empty text", "/api/v1/reports", {"note": ""}, {}, 422, "invalid_request", "/note"),
    ("long text", "/api/v1/reports", {"note": "x" * 4_001}, {}, 422, "invalid_request", "/note"),
    ("NUL", "/api/v1/reports", {"note": "a\x00b"}, {}, 422, "invalid_request", "/note"),
    ("half a pair", "/api/v1/reports", b'{"note": "\\ud800"}', JSON, 422, "invalid_request", "/note"),
    (
        "half a pair as a name",
        "/api/v1/reports",
        b'{"note": "a", "\\ud800": 1}',
        JSON,
        422,
        "invalid_request",
        "",
    ),
    (
        "no zone",
        "/api/v1/reports",
        {**GOOD_REPORT, "onset": "2026-11-20T10:00:00"},
        {},
        422,
        "invalid_request",
        "/onset",
    ),
    (
        "no date",
        "/api/v1/reports",
        {**GOOD_REPORT, "onset": "yesterday"},
        {},
        422,
        "invalid_request",
        "/onset",
    ),
    *(
        (
            f"instant {text}",
            "/api/v1/reports",
            {**GOOD_REPORT, "onset": text},
            {},
            422,
            "invalid_request",
            "/onset",
        )
        for text in ("2026-W48-3T10:00:00Z", "20261120T100000Z", "2026-11-20T10Z", "2026-11-20T10:00:00+0100")
    ),
    (
        "a float of money",
        "/api/v1/reports",
        {**GOOD_REPORT, "value": {"amount_minor": 1.5, "currency": "EUR"}},
        {},
        422,
        "invalid_request",
        "/value/amount_minor",
    ),
    (
        "a currency",
        "/api/v1/reports",
        {**GOOD_REPORT, "value": {"amount_minor": 1, "currency": "euro"}},
        {},
        422,
        "invalid_request",
        "/value/currency",
    ),
    (
        "true is no number",
        "/api/v1/budgets",
        {"amount_tokens": True},
        {},
        422,
        "invalid_request",
        "/amount_tokens",
    ),
    (
        "negative tokens",
        "/api/v1/budgets",
        {"amount_tokens": -1},
        {},
        422,
        "invalid_request",
        "/amount_tokens",
    ),
    (
        "text for a number",
        "/api/v1/budgets",
        {"amount_tokens": "5"},
        {},
        422,
        "invalid_request",
        "/amount_tokens",
    ),
    (
        "role of no person",
        "/api/v1/members",
        {"name": "R", "roles": ["agent"]},
        {},
        422,
        "invalid_request",
        "/roles/0",
    ),
    (
        "another type",
        "/api/v1/reports",
        b"note=x",
        {"Content-Type": "application/x-www-form-urlencoded"},
        415,
        "media_type",
        None,
    ),
    (
        "plain text",
        "/api/v1/reports",
        b'{"note":"x"}',
        {"Content-Type": "text/plain"},
        415,
        "media_type",
        None,
    ),
    ("no type", "/api/v1/reports", b'{"note":"x"}', {}, 415, "media_type", None),
    (
        "bad key",
        "/api/v1/reports",
        GOOD_REPORT,
        {"Idempotency-Key": "a b"},
        422,
        "invalid_request",
        "#header/Idempotency-Key",
    ),
    ("unknown owner", "/api/v1/reports", {**GOOD_REPORT, "owner": "nobody"}, {}, 422, "owner_unknown", None),
    ("unknown case", "/api/v1/cases/nothing/notes", {"note": "x"}, {}, 404, "unknown", None),
    ("unknown award", "/api/v1/awards/nothing/hold", {"reason_code": "dispute"}, {}, 404, "unknown", None),
    ("id out of shape", "/api/v1/cases/%20/notes", {"note": "x"}, {}, 422, "invalid_request", "#path/case"),
    ("kinds: no YAML", "/api/v1/kinds", {"yaml": "a: [1"}, {}, 422, "document_invalid", None),
    ("kinds: flow style", "/api/v1/kinds", {"yaml": "kinds: {}"}, {}, 422, "document_invalid", None),
    ("playbook before kinds", "/api/v1/playbooks", {"yaml": "playbook: x"}, {}, 404, "unknown", None),
    ("policy: float", "/api/v1/policies", {"yaml": "v: 1.5"}, {}, 422, "document_invalid", None),
    ("policy: shape", "/api/v1/policies", {"yaml": "v: 1"}, {}, 422, "document_invalid", None),
]


async def size(at: House, team: Team) -> int:
    answer = await at.ask("GET", "/api/v1/log", team.keys["owner"])
    length: int = answer.json()["size"]
    return length


@pytest.mark.parametrize(
    ("what", "path", "body", "headers", "status", "code", "pointer"), TABLE, ids=[row[0] for row in TABLE]
)
async def test_refused(
    at: House,
    ours: Team,
    what: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
    code: str,
    pointer: str | None,
) -> None:
    before = await size(at, ours)
    sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = await at.ask("POST", path, ours.keys["owner"], headers=headers, **sent)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert problem["status"] == status
    assert problem["effect"] == "Nothing was recorded."
    assert len(problem["detail"]) > 10
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert await size(at, ours) == before


async def test_a_statement_refused_by_a_closed_case_leaves_no_note(at: House, ours: Team) -> None:
    owner = ours.keys["owner"]
    case = (await at.done("/api/v1/reports", owner, {"note": "Told twice"}))["ids"]["case"]
    said = await at.done(f"/api/v1/cases/{case}/evidence/statement", owner, {"statement": "I saw it"})
    assert said["entries"]["count"] == 2  # the item and its words, in one command
    await at.done(f"/api/v1/cases/{case}/close", owner, {"reason_code": "duplicate"})
    before = await size(at, ours)
    path, body = f"/api/v1/cases/{case}/evidence/statement", {"statement": "Too late"}
    answer = await at.ask("POST", path, owner, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "transition")
    assert await size(at, ours) == before


BOUNDS: list[tuple[str, str]] = [
    # path, setting that bounds its body
    ("/api/v1/reports", "json_bytes_max"),
    ("/api/v1/settings", "json_bytes_max"),
    ("/api/v1/cases/nothing/decisions", "json_bytes_max"),
    ("/api/v1/cases/nothing/evidence/statement", "json_bytes_max"),
    ("/api/v1/organisations", "json_bytes_max"),
    ("/l/0123456789abcdef", "json_bytes_max"),
    ("/api/v1/cases/nothing/evidence/file", "body_bytes_max"),
    ("/api/v1/sources/pms/imports", "body_bytes_max"),
    ("/api/v1/sources/pms/records:batch", "body_bytes_max"),
    ("/api/v1/kinds", "body_bytes_max"),
    ("/api/v1/playbooks", "body_bytes_max"),
    ("/api/v1/policies", "body_bytes_max"),
]


@pytest.mark.parametrize(("path", "setting"), BOUNDS, ids=[row[0] for row in BOUNDS])
async def test_oversize_by_length_and_by_chunks(at: House, ours: Team, path: str, setting: str) -> None:
    limit = getattr(at.settings, setting)
    fits = await at.ask("POST", path, ours.keys["owner"], content=b" " * limit, headers=JSON)
    assert fits.status_code not in (413, 500)

    async def pieces() -> Any:
        for _ in range(limit // 10_000 + 2):
            yield b" " * 10_000

    for content in (b"x" * (limit + 1), pieces()):
        headers = {**JSON, "Authorization": f"Bearer {ours.keys['owner']}"}
        answer = await at.client.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert f"expected a body of at most {limit} bytes, got " in answer.json()["detail"]


@pytest.mark.parametrize("key", [None, "tsk_" + "0" * 64])
async def test_a_strangers_body_is_never_read(at: House, key: str | None) -> None:
    read: list[bytes] = []

    async def pieces() -> Any:
        read.append(b'{"note": "')
        yield read[-1]

    headers = JSON if key is None else {**JSON, "Authorization": f"Bearer {key}"}
    answer = await at.client.post("/api/v1/reports", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert read == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"note": "a", "note": "a"}',
        b'{"note": "a", "subject": {"kind": "room", "id": "7", "id": "8"}}',
        b'{"note": "a", "n\\u006fte": "b"}',
    ],
)
async def test_a_member_given_twice_is_refused(at: House, ours: Team, body: bytes) -> None:
    before = await size(at, ours)
    answer = await at.ask("POST", "/api/v1/reports", ours.keys["owner"], content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "member_twice")
    assert await size(at, ours) == before


async def test_unknown_path_and_method(at: House, ours: Team) -> None:
    nowhere = await at.ask("GET", "/api/v1/nowhere", ours.keys["owner"])
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "unknown_path")
    wrong = await at.ask("DELETE", "/api/v1/cases", ours.keys["owner"])
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET"


@pytest.mark.parametrize("given", ["", "tsk_", "tsk_" + "0" * 64, "tsk_ä", "Basic x"])
async def test_bad_keys_read_the_same(at: House, given: str) -> None:
    header = given if given.startswith("Basic") else f"Bearer {given}"
    answer = await at.client.get("/api/v1/me", headers=[(b"Authorization", header.encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_ended_key_and_a_left_member_are_out_at_once(at: House, ours: Team) -> None:
    owner = ours.keys["owner"]
    joined = (await at.done("/api/v1/members", owner, {"name": "Sam", "roles": ["staff"]}))["ids"]["member"]
    first = await at.done("/api/v1/keys", owner, {"member": joined})
    until = await at.done("/api/v1/keys", owner, {"member": joined, "until": "2026-11-20T10:00:00.001Z"})
    assert (await at.ask("GET", "/api/v1/me", first["secret"])).status_code == 200
    await at.done(f"/api/v1/keys/{first['ids']['key']}/end", owner)
    assert (await at.ask("GET", "/api/v1/me", first["secret"])).status_code == 401
    at.wait(1)
    assert (await at.ask("GET", "/api/v1/me", until["secret"])).status_code == 401
    third = await at.done("/api/v1/keys", owner, {"member": joined})
    assert await told_active(at, owner, third["ids"]["key"])
    await at.done(f"/api/v1/members/{joined}/leave", owner, {"reason_code": "left"})
    assert (await at.ask("GET", "/api/v1/me", third["secret"])).status_code == 401
    assert not await told_active(at, owner, third["ids"]["key"])


async def told_active(at: House, owner: str, key: str) -> bool:
    """Return whether the list of keys tells this one as active."""
    items = (await at.ask("GET", "/api/v1/keys", owner)).json()["items"]
    active: bool = next(item["active"] for item in items if item["key"] == key)
    return active


CURSORS = [
    "x", "AAAA", "eyJiZWxvdyI6MS41fQ", "eyJiZWxvdyI6dHJ1ZX0", "%00", "ä",
    *(write_cursor(position) for position in (-1, 2**53, 2**63, 2**64 - 1)),
]  # fmt: skip


@pytest.mark.parametrize("cursor", CURSORS)
async def test_cursors_of_others_are_refused(at: House, ours: Team, cursor: str) -> None:
    for path in ("cases", "awards", "postings"):
        answer = await at.ask("GET", f"/api/v1/{path}?cursor={cursor}", ours.keys["owner"])
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_pages_hold_every_case_once(at: House, ours: Team) -> None:
    opened = [
        (await at.done("/api/v1/reports", ours.keys["staff"], {"note": f"Report {number}"}))["ids"]["case"]
        for number in range(7)
    ]
    seen: list[str] = []
    cursor = ""
    while True:
        answer = (await at.ask("GET", f"/api/v1/cases?limit=3{cursor}", ours.keys["owner"])).json()
        seen += [case["case"] for case in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert len(seen) == len(set(seen))
    assert [case for case in seen if case in opened] == opened[::-1]


async def test_a_fault_of_ours_tells_a_number_and_nothing_else(
    at: House, ours: Team, monkeypatch: Any
) -> None:
    rooms = await at.app.state.installation.rooms(ours.log)

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(type(rooms.rows), "find", broken)
    answer = await at.ask("GET", "/api/v1/settings", ours.keys["owner"])
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text


STORE_TROUBLE: list[tuple[StoreError, str, str]] = [
    (StoreError("x"), "store_failed", "The command that failed recorded nothing."),
    (RowRefused("x"), "store_failed", "The command that failed recorded nothing."),
    (DiskFull("x"), "disk_full", "The command that failed recorded nothing."),
    (OutcomeUnknown("x"), "outcome_unknown", "Recorded whole or not at all; which of the two is not known."),
]


@pytest.mark.parametrize(
    ("error", "code", "effect"), STORE_TROUBLE, ids=[type(row[0]).__name__ for row in STORE_TROUBLE]
)
async def test_trouble_of_the_database_says_what_is_known_and_that_the_same_key_is_safe(
    error: StoreError, code: str, effect: str
) -> None:
    body, headers = of_error(error)
    assert (body["status"], body["code"], body["effect"]) == (503, code, effect)
    assert "send it again with the same Idempotency-Key" in body["detail"]
    assert int(headers["Retry-After"]) >= 1


async def test_a_client_that_goes_away_in_the_middle_is_no_error_of_ours(
    at: House, ours: Team, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {
        "host": "localhost", "authorization": f"Bearer {ours.keys['owner']}", "content-length": "99",
        "content-type": "application/json",
    }  # fmt: skip
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/api/v1/reports",
        "raw_path": b"/api/v1/reports", "query_string": b"", "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    given = iter([{"type": "http.request", "body": b'{"note": ', "more_body": True}])
    answered: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(given, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        answered.append(message)

    await at.app(scope, receive, send)
    assert [message["status"] for message in answered if message["type"] == "http.response.start"] == [400]
    assert "internal_error" not in capfd.readouterr().err

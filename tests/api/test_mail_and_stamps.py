"""Signed mail and time stamps at the doors: keys asked of a real name server, tokens of a real authority, once each."""

from __future__ import annotations

import asyncio
import base64
import html
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from api.mail_keys import DnsKeys, look_up, resolver_of
from api.settings import SettingsInvalid, load_settings
from casework.collectors import signed_mail, time_stamp
from casework.mail_reasons import MailFault
from casework.people import is_pseudonym
from tests.api.house import House, Team, house
from tests.mail_signer import LETTER, ed25519_key, rsa_key, sign
from tests.name_server import Zone, serving
from tests.time_authority import holder, signer, stamp

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "s1._domainkey.quay.example"
RSA, ED = rsa_key(), ed25519_key()
ROOT = holder("Root")
CLOCK = signer(ROOT)


@pytest.fixture(scope="module")
def zone() -> Iterator[Zone]:
    """A name server with one key."""
    with serving({NAME: [RSA.record]}) as served:
        yield served


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of trusted roots."""
    path = tmp_path_factory.mktemp("roots") / "roots.pem"
    path.write_bytes(ROOT.pem)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signed_house(
    tmp_path_factory: pytest.TempPathFactory, zone: Zone, roots: Path
) -> AsyncIterator[House]:
    """A product that asks the name server and trusts the root."""
    folder = tmp_path_factory.mktemp("signed")
    async with house(folder, pages=True, dns=zone.setting, tsa_roots=roots) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def team(signed_house: House) -> Team:
    """An organisation in it."""
    return await signed_house.organisation("Signed")


def letter(number: int, subject: str = "About the soup", body: str = "It was warm.\r\n") -> bytes:
    """Return a mail of its own."""
    head, _, _ = LETTER.partition(b"\r\n\r\n")
    head = head.replace(b"soup-1@", b"soup-%d@" % number).replace(b"About the soup", subject.encode())
    return head + b"\r\n\r\n" + body.encode()


def text(content: bytes) -> str:
    """Return base64."""
    return base64.b64encode(content).decode()


async def case_of(at: House, team: Team) -> str:
    """Return a new case."""
    made = await at.done("/api/v1/reports", team.keys["staff"], {"note": "The soup was cold"})
    case: str = made["ids"]["case"]
    return case


async def facts_of(at: House, team: Team, case: str, evidence: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the row and the facts of an item."""
    told = (await at.ask("GET", f"/api/v1/cases/{case}", team.keys["staff"])).json()
    (item,) = (one for one in told["evidence"] if one["evidence"] == evidence)
    return item, told["texts"][item["facts_item"]]


async def size(at: House, team: Team) -> int:
    """Return the size of the log."""
    length: int = (await at.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"]
    return length


# ---------------------------------------------------------------------------------------------- mail
async def test_a_signed_mail_is_e4_and_can_be_checked_again(
    signed_house: House, team: Team, zone: Zone
) -> None:
    at, staff = signed_house, team.keys["staff"]
    case = await case_of(at, team)
    told = (await at.ask("GET", f"/api/v1/cases/{case}/reference", staff)).json()
    assert told["subject_hint"] == f"[{told['reference']}]" and len(told["reference"]) == 13
    raw = sign(letter(1, subject=f"Re: {told['subject_hint']}"), RSA)
    zone.asked.clear()
    path = f"/api/v1/cases/{case}/evidence"
    made = await at.done(f"{path}/mail", staff, {"mail": text(raw)})
    assert zone.asked == [(NAME, "TXT")]
    item, facts = await facts_of(at, team, case, made["ids"]["evidence"])
    assert (item["type"], item["grade"]) == ("signed_mail", "E4")
    assert item["submitter"] == f"member:{team.members['staff']}"
    assert {"party": "system:mail:quay.example"} in item["controllers"]["any"]
    assert facts["key"] == RSA.record and facts["reference"] is True and facts["case"] == case
    assert all(is_pseudonym(one) for one in (facts["from"], facts["message"], *facts["to"]))
    rooms = await at.app.state.installation.rooms(team.log)
    assert facts["from"] == rooms.customer("joe@quay.example")
    assert facts["message"] != rooms.customer("<soup-1@quay.example>")
    shown = await at.ask("GET", f"{path}/{made['ids']['evidence']}/content", staff)
    assert shown.content == raw and shown.headers["content-disposition"].startswith("attachment;")
    assert signed_mail.recheck(shown.content, facts).sender == "joe@quay.example"


async def test_one_case_has_one_reference_and_another_another(signed_house: House, team: Team) -> None:
    at, staff = signed_house, team.keys["staff"]
    cases = [await case_of(at, team) for _ in range(2)]
    told = [
        (await at.ask("GET", f"/api/v1/cases/{case}/reference", staff)).json() for case in (*cases, cases[0])
    ]
    assert told[0] == told[2] != told[1]
    other = await at.organisation("Other")
    for path in ("reference",):
        assert (
            await at.ask("GET", f"/api/v1/cases/{cases[0]}/{path}", other.keys["staff"])
        ).status_code == 404
    raw = sign(letter(3, subject=told[1]["reference"]), RSA)
    made = await at.done(f"/api/v1/cases/{cases[0]}/evidence/mail", staff, {"mail": text(raw)})
    _, facts = await facts_of(at, team, cases[0], made["ids"]["evidence"])
    assert facts["reference"] is False  # it is the other case's


async def test_a_mail_counts_once_and_a_repeat_of_the_request_asks_nobody(
    signed_house: House, team: Team, zone: Zone
) -> None:
    at, staff = signed_house, team.keys["staff"]
    first, second = await case_of(at, team), await case_of(at, team)
    raw = sign(letter(4), RSA)
    path = f"/api/v1/cases/{first}/evidence/mail"
    made = await at.ask("POST", path, staff, json={"mail": text(raw)}, key="mail-4")
    assert made.status_code == 201
    zone.asked.clear()
    again = await at.ask("POST", path, staff, json={"mail": text(raw)}, key="mail-4")
    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    assert again.json()["ids"] == made.json()["ids"] and zone.asked == []
    differs = await at.ask("POST", path, staff, json={"mail": text(raw + b"x")}, key="mail-4")
    assert (differs.status_code, differs.json()["code"]) == (422, "idempotency_mismatch")
    for case in (first, second):
        for shown in (
            raw,
            b"Received: from a by b\r\n" + raw,
            raw.replace(b"\r\n", b"\n"),
            sign(letter(4), RSA),
        ):
            answer = await at.ask(
                "POST", f"/api/v1/cases/{case}/evidence/mail", staff, json={"mail": text(shown)}
            )
            assert (answer.status_code, answer.json()["code"]) == (409, "evidence_reused")


async def test_a_mail_of_another_domain_is_kept_and_its_page_says_whose_it_is(
    signed_house: House, team: Team, zone: Zone
) -> None:
    at, staff, before = signed_house, team.keys["staff"], zone.records
    case, other = await case_of(at, team), rsa_key()
    zone.records = {"s1._domainkey.relay.example": [other.record]}
    raw = sign(letter(21), other, domain="relay.example")
    try:
        made = await at.done(f"/api/v1/cases/{case}/evidence/mail", staff, {"mail": text(raw)})
    finally:
        zone.records = before
    item, facts = await facts_of(at, team, case, made["ids"]["evidence"])
    assert (item["grade"], facts["aligned"]) == ("E1", False)
    assert {"party": item["submitter"]} in item["controllers"]["any"]
    page = await at.ask("GET", f"/exceptions/{case}", team.keys["manager"])
    assert "signed by relay.example, not by the sender's own domain" in html.unescape(page.text), page.text


GOOD = sign(letter(9), RSA)
REFUSED: list[tuple[str, bytes, dict[str, list[str]], str]] = [
    ("one line more", GOOD + b"more\r\n", {NAME: [RSA.record]}, "wrong_signature"),
    ("a second subject before", b"Subject: Paid\r\n" + GOOD, {NAME: [RSA.record]}, "header_twice"),
    ("a second sender before", b"From: b@quay.example\r\n" + GOOD, {NAME: [RSA.record]}, "header_twice"),
    ("a length", sign(letter(9), RSA, l="5"), {NAME: [RSA.record]}, "body_length"),
    ("another domain without a key", sign(letter(9), RSA, domain="else.example"), {}, "key_missing"),
    ("over", sign(letter(9), RSA, t="1795168000", x="1795168001"), {NAME: [RSA.record]}, "expired"),
    ("the future", sign(letter(9), RSA, t="1895168800"), {NAME: [RSA.record]}, "in_future"),
    ("no key", GOOD, {}, "key_missing"),
    ("revoked", GOOD, {NAME: ["v=DKIM1; p="]}, "key_revoked"),
    ("two keys", GOOD, {NAME: [RSA.record, ED.record]}, "key_twice"),
    ("another key", GOOD, {NAME: [rsa_key().record]}, "wrong_signature"),
    ("no signature", letter(9), {NAME: [RSA.record]}, "no_signature"),
    ("no mail", b"hello", {}, "header_unreadable"),
]


@pytest.mark.parametrize(("what", "raw", "records", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_refused_mail(
    signed_house: House,
    team: Team,
    zone: Zone,
    what: str,
    raw: bytes,
    records: dict[str, list[str]],
    reason: str,
) -> None:
    at, before = signed_house, zone.records
    case = await case_of(at, team)
    length = await size(at, team)
    zone.records = records
    try:
        answer = await at.ask(
            "POST", f"/api/v1/cases/{case}/evidence/mail", team.keys["staff"], json={"mail": text(raw)}
        )
    finally:
        zone.records = before
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "mail_unsigned"), answer.text
    assert told["detail"].startswith(f"{reason}: ") and told["effect"] == "Nothing was recorded."
    assert await size(at, team) == length


async def test_only_txt_records_of_five_names_are_ever_asked_for(
    signed_house: House, team: Team, zone: Zone
) -> None:
    raw = letter(20)
    for number in range(9):
        raw = sign(raw, ED, selector=f"n{number}")
    case = await case_of(signed_house, team)
    zone.asked.clear()
    path = f"/api/v1/cases/{case}/evidence/mail"
    answer = await signed_house.ask("POST", path, team.keys["staff"], json={"mail": text(raw)})
    assert answer.json()["detail"].startswith("key_missing: ")
    assert sorted(zone.asked) == [(f"n{number}._domainkey.quay.example", "TXT") for number in range(4, 9)]
    zone.asked.clear()
    for selector in ("a b", "_", "x/../y", "x" * 64, "\u00e4", "a..b"):
        shown = sign(letter(21), ED, s=selector)
        answer = await signed_house.ask("POST", path, team.keys["staff"], json={"mail": text(shown)})
        assert answer.json()["code"] == "mail_unsigned", selector
    assert zone.asked == []


async def test_bodies_of_another_shape(signed_house: House, team: Team) -> None:
    case = await case_of(signed_house, team)
    path = f"/api/v1/cases/{case}/evidence/mail"
    for body, code in (
        ({"mail": "no base64!"}, "invalid_base64"),
        ({"mail": ""}, "invalid_request"),
        ({"mail": "eA==", "grade": "E4"}, "invalid_request"),
        ({"mail": "A" * 1_500_000}, "invalid_request"),
    ):
        answer = await signed_house.ask("POST", path, team.keys["staff"], json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_wrong_mail_is_replaced_by_its_submitter(signed_house: House, team: Team) -> None:
    at, staff = signed_house, team.keys["staff"]
    case = await case_of(at, team)
    path = f"/api/v1/cases/{case}/evidence/mail"
    wrong = (await at.done(path, staff, {"mail": text(sign(letter(30), RSA))}))["ids"]["evidence"]
    await at.done(path, staff, {"mail": text(sign(letter(31), RSA)), "replaces": wrong})
    item, _ = await facts_of(at, team, case, wrong)
    assert item["withdrawn"] is True


# ---------------------------------------------------------------------------------------------- time stamps
async def file_of(at: House, team: Team, case: str, content: bytes) -> str:
    """Attach a file and return its id."""
    body = {"content": text(content), "media_type": "text/plain"}
    made = await at.done(f"/api/v1/cases/{case}/evidence/file", team.keys["staff"], body)
    evidence: str = made["ids"]["evidence"]
    return evidence


def catch_up(at: House) -> None:
    """Bring the house's clock to the machine's, which is the authority's."""
    behind = int(time.time() * 1000) - at.app.state.installation.clock.unix_ms()
    if behind > 0:
        at.wait(behind // 1000 + 1)


async def test_a_time_stamp_over_a_file_is_e4(signed_house: House, team: Team, tmp_path: Path) -> None:
    at, staff = signed_house, team.keys["staff"]
    catch_up(at)
    case = await case_of(at, team)
    file = await file_of(at, team, case, b"the menu of that day")
    token = await asyncio.to_thread(stamp, tmp_path, CLOCK, b"the menu of that day")
    path = f"/api/v1/cases/{case}/evidence/{file}/time-stamp"
    made = await at.done(path, staff, {"token": text(token)})
    item, facts = await facts_of(at, team, case, made["ids"]["evidence"])
    assert (item["type"], item["grade"], facts["evidence"]) == ("time_stamp", "E4", file)
    assert item["controllers"] == {"party": f"system:tsa:{facts['roots'][0][:16]}"}
    kept = await at.ask("GET", f"/api/v1/cases/{case}/evidence/{made['ids']['evidence']}/content", staff)
    assert kept.content == token
    assert time_stamp.recheck(kept.content, facts, b"the menu of that day").serial > 0
    again = await at.ask("POST", path, staff, json={"token": text(token)})
    assert (again.status_code, again.json()["code"]) == (409, "evidence_reused")
    # it is sealed for whom the file is sealed for
    rooms = await at.app.state.installation.rooms(team.log)
    subjects = []
    for evidence in (file, made["ids"]["evidence"]):
        row = await rooms.rows.get("evidence", (case, evidence))
        _, wraps = await rooms.reader.items([row["content_item"]])
        subjects.append({one["subject"] for one in wraps})
    assert subjects == [{team.members["staff"]}] * 2


async def test_refused_time_stamps(signed_house: House, team: Team, tmp_path: Path) -> None:
    at, staff = signed_house, team.keys["staff"]
    catch_up(at)
    case, other = await case_of(at, team), await case_of(at, team)
    file, gone = await file_of(at, team, case, b"one"), await file_of(at, team, case, b"two")
    statement = await at.done(f"/api/v1/cases/{case}/evidence/statement", staff, {"statement": "I saw it"})
    await at.done(f"/api/v1/cases/{case}/evidence/{gone}/withdraw", staff, {"reason_code": "mistaken"})
    right = text(await asyncio.to_thread(stamp, tmp_path, CLOCK, b"one"))
    strange = text(await asyncio.to_thread(stamp, tmp_path, signer(holder("Root")), b"one"))
    length = await size(at, team)
    for where, token, status, code in (
        (f"{case}/evidence/{file}", text(b"junk"), 422, "time_stamp_invalid"),
        (f"{case}/evidence/{file}", strange, 422, "time_stamp_invalid"),
        (f"{case}/evidence/{gone}", right, 409, "evidence_closed"),
        (f"{case}/evidence/{statement['ids']['evidence']}", right, 404, "unknown_content"),
        (f"{other}/evidence/{file}", right, 404, "unknown_evidence"),
        (f"{case}/evidence/{file}", "?", 422, "invalid_base64"),
        (f"{case}/evidence/{file}", "A" * 30_000, 422, "invalid_request"),
    ):
        answer = await at.ask("POST", f"/api/v1/cases/{where}/time-stamp", staff, json={"token": token})
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert await size(at, team) == length


async def test_where_nothing_is_set_both_doors_say_so(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    for number, roots in enumerate((None, missing)):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with house(folder, dns="off", tsa_roots=roots) as at:
            team = await at.organisation("Plain")
            case = await case_of(at, team)
            file = await file_of(at, team, case, b"one")
            path = f"/api/v1/cases/{case}/evidence"
            staff = team.keys["staff"]
            mail = await at.ask("POST", f"{path}/mail", staff, json={"mail": text(sign(letter(1), RSA))})
            token = await at.ask("POST", f"{path}/{file}/time-stamp", staff, json={"token": text(b"x")})
            assert mail.json()["detail"].startswith("lookup_off: ")
            assert token.json()["detail"].startswith("roots: ") and "TALLYSTICK_TSA_ROOTS" in token.text
            assert str(missing) not in token.text


# ---------------------------------------------------------------------------------------------- pages
async def test_pages_show_both_by_name(signed_house: House, team: Team, tmp_path: Path) -> None:
    at, staff = signed_house, team.keys["staff"]
    catch_up(at)
    case = await case_of(at, team)
    now = str(at.app.state.installation.clock.unix_ms() // 1000)
    raw = sign(letter(40), RSA, t=now)
    path = f"/api/v1/cases/{case}/evidence"
    mail = (await at.done(f"{path}/mail", staff, {"mail": text(raw)}))["ids"]["evidence"]
    token = await asyncio.to_thread(stamp, tmp_path, CLOCK, raw)
    stamped = (await at.done(f"{path}/{mail}/time-stamp", staff, {"token": text(token)}))["ids"]["evidence"]
    whole = await at.see(f"/exceptions/{case}", team, "staff")
    assert "A signed mail" in whole.text and "A time stamp" in whole.text
    for evidence, name in ((mail, "A signed mail"), (stamped, "A time stamp")):
        page = await at.see(f"/exceptions/{case}/evidence/{evidence}", team, "staff")
        assert page.status_code == 200 and f"<h1>{name}</h1>" in page.text


# ---------------------------------------------------------------------------------------------- the look-up
async def test_a_look_up_follows_aliases_joins_strings_and_says_what_failed(zone: Zone) -> None:
    long = "v=DKIM1; p=" + "A" * 900
    zone.records |= {"a._domainkey.quay.example": [long, "other"]}
    zone.aliases["b._domainkey.quay.example"] = "a._domainkey.quay.example"
    zone.broken.add("c._domainkey.quay.example")
    keys = DnsKeys(zone.setting)
    found = await look_up(keys, [f"{name}._domainkey.quay.example" for name in "abcd"])
    answers = list(found.values())
    assert answers[0] == answers[1] == (long, "other") and answers[3] == ()
    assert isinstance(answers[2], MailFault) and answers[2].reason == "key_unreachable"
    assert {kind for _, kind in zone.asked} == {"TXT"}


async def test_a_server_that_is_silent_costs_six_seconds_for_all_names_together(zone: Zone) -> None:
    names = [f"slow{number}._domainkey.quay.example" for number in range(5)]
    zone.slow |= set(names)
    begun = time.monotonic()
    found = await look_up(DnsKeys(zone.setting), names)
    assert time.monotonic() - begun < 8
    assert {one.reason for one in found.values() if isinstance(one, MailFault)} == {"key_unreachable"}


async def test_a_port_where_nobody_answers_is_said() -> None:
    with serving() as gone:
        pass
    with pytest.raises(MailFault, match="key_unreachable"):
        await DnsKeys(gone.setting).texts(NAME)


RESOLVERS = [
    ("", None),
    ("off", None),
    ("10.0.0.1", ("10.0.0.1", 53)),
    ("10.0.0.1:5353", ("10.0.0.1", 5353)),
    ("fd00::1", ("fd00::1", 53)),
    ("[fd00::1]", ("fd00::1", 53)),
    ("[fd00::1]:5353", ("fd00::1", 5353)),
]


@pytest.mark.parametrize(("given", "server"), RESOLVERS)
async def test_a_resolver_is_an_address(given: str, server: tuple[str, int] | None) -> None:
    assert resolver_of(given) == server


@pytest.mark.parametrize(
    "given",
    ["dns.example", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:x",
     "[::1", "[::1]5", "https://1.1.1.1/", "On"]
)  # fmt: skip
async def test_a_resolver_that_is_none_stops_the_start(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_DNS", given)
    with pytest.raises(SettingsInvalid, match=r"TALLYSTICK_DNS.*expected an address"):
        load_settings()

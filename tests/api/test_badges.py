"""Taking recognition along through the doors: who gets which file, what it proves, what a revocation does to it."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from api.badge_files import Expected, check_file
from api.cli import run_verb
from api.pages import badge_pdf
from api.pages.qr import code_of
from api.problems import BadRequest
from api.tries import Tries
from casework import badges
from casework.badge_text import to_text
from casework.data_integrity import signed
from ledger.canonical import encode
from ledger.trust import parse_trust
from tests.api.house import Team, house
from tests.api.test_steps import Stage
from tests.casework.teams import Scene
from tests.casework.test_badges import mutants
from tests.pages.test_badge_pdf import told_by_code

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "http://localhost:8765"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Stage, dict[str, str]]]:
    """A team of three in which Ana was recognised for good."""
    async with house(tmp_path_factory.mktemp("badges"), pages=True, address=ADDRESS) as at:
        here = Stage(at)
        await here.furnish(3)
        ids = await here.play(Scene(3, "settled", worker="ana", maker="ana"))
        await at.tick()
        yield here, ids


async def taken(here: Stage, ids: dict[str, str], who: str = "ana") -> bytes:
    answer = await here.at.ask("GET", f"/api/v1/awards/{ids['award']}/badge", here.keys[who])
    assert answer.status_code == 200, answer.text
    return answer.content


def now(here: Stage) -> str:
    return str(here.at.app.state.installation.clock.now())


def trust_of(data: bytes) -> Expected:
    """Trust what the file itself says: for tests that look at something else."""
    held = json.loads(data)["bundle"]
    lines = [f"origin {held['log']}", *(f"log {key}" for key in held["keys"])]
    return Expected(trust=parse_trust("\n".join(lines).encode() + b"\n"))


def answers(data: bytes, at: str, expected: Expected | None = None) -> dict[str, str]:
    return {line.what: line.answer for line in check_file(data, at, expected or Expected()).lines}


async def test_the_file_holds_offline_and_names_nobody_else(played: tuple[Stage, dict[str, str]]) -> None:
    here, ids = played
    data = await taken(here, ids)
    outcome = check_file(data, now(here), trust_of(data))
    assert outcome.holds, outcome.lines
    assert [line.what for line in outcome.lines] == [
        "form", "signed", "valid", "not taken back", "in the record", "whose record",
    ]  # fmt: skip
    for name in ("marta", "ines"):
        assert here.members[name] not in data.decode(), name
    assert "ana" not in json.loads(data)["credential"]["credentialSubject"]["identifier"][0]["identityHash"]


async def test_without_trust_it_is_consistent_with_itself_and_says_so(
    played: tuple[Stage, dict[str, str]],
) -> None:
    here, ids = played
    data = await taken(here, ids)
    outcome = check_file(data, now(here), Expected())
    assert (outcome.holds, outcome.refused) == (False, False)
    assert [line.code for line in outcome.lines if line.answer != badges.YES] == ["origin_unknown"]
    issuer = json.loads(data)["credential"]["issuer"]["id"]
    trust = trust_of(data).trust
    assert check_file(data, now(here), Expected(trust=trust, issuer=issuer, name="ana")).holds
    assert not check_file(
        data, now(here), Expected(issuer=issuer, name="ana")
    ).holds  # a key alone may have leaked
    for known in (None, trust):
        assert check_file(data, now(here), Expected(trust=known, issuer="did:key:z1")).refused
        assert check_file(data, now(here), Expected(trust=known, name="ben")).refused
        assert check_file(data, now(here), Expected(trust=known, name="\udcff")).refused
    other = b"origin other.invalid\nlog " + json.loads(data)["bundle"]["keys"][0].encode() + b"\n"
    assert check_file(data, now(here), Expected(trust=parse_trust(other))).refused


async def test_the_credential_alone_counts_elsewhere(played: tuple[Stage, dict[str, str]]) -> None:
    here, ids = played
    answer = await here.at.ask("GET", f"/api/v1/awards/{ids['award']}/credential", here.keys["ana"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vc")
    document = answer.json()
    assert document == json.loads(await taken(here, ids))["credential"]
    url = document["credentialStatus"]["statusListCredential"]
    assert url == f"{ADDRESS}/status/{json.loads(await taken(here, ids))['bundle']['log']}/1"
    listed = await here.at.client.get(url.removeprefix(ADDRESS))
    assert (listed.status_code, listed.headers["cache-control"]) == (200, "no-store")
    outcome = check_file(answer.content, now(here), Expected(status_list=listed.json()))
    assert [line.code for line in outcome.lines if line.answer != badges.YES] == ["no_proof"]


@pytest.mark.parametrize("proofs", ["rdfc", "both"])
async def test_proofs_over_rdf_count_too(
    played: tuple[Stage, dict[str, str]], proofs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, ids = played
    path = f"/api/v1/awards/{ids['award']}/credential?proofs={proofs}"
    answer = await here.at.ask("GET", path, here.keys["ana"])
    assert answer.status_code == 200
    document = answer.json()
    did = document["issuer"]["id"]
    url = document["credentialStatus"]["statusListCredential"]
    listed = (await here.at.client.get(url.removeprefix(ADDRESS))).json()
    expected = Expected(issuer=did, status_list=listed)
    outcome = check_file(answer.content, now(here), expected)
    assert [line.code for line in outcome.lines if line.answer != badges.YES] == ["no_proof"]
    monkeypatch.setitem(sys.modules, "pyld", None)
    missing = await here.at.ask("GET", path, here.keys["ana"])
    assert (missing.status_code, missing.json()["code"]) == (409, "rdfc_missing")


@pytest.mark.parametrize("who", ["marta", "ines", "robin"])
async def test_only_whoever_it_is_gets_it(played: tuple[Stage, dict[str, str]], who: str) -> None:
    here, ids = played
    for path in ("badge", "credential"):
        answer = await here.at.ask("GET", f"/api/v1/awards/{ids['award']}/{path}", here.keys[who])
        assert answer.status_code in (403, 404), (path, answer.text)


@pytest.mark.parametrize(
    "path", ["/status/the-other-00000000.invalid/1", "/status/../1", "/status/x/0", "/status/x/y"]
)
async def test_a_list_of_nobody_is_not_there(played: tuple[Stage, dict[str, str]], path: str) -> None:
    here, _ = played
    assert (await here.at.client.get(path)).status_code in (404, 422)
    log = json.loads(await taken(*played))["bundle"]["log"]
    assert (await here.at.client.get(f"/status/{log}/2")).status_code == 404


async def test_strangers_ask_for_lists_so_often_and_no_more(
    played: tuple[Stage, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, ids = played
    log = json.loads(await taken(here, ids))["bundle"]["log"]
    monkeypatch.setattr(here.at.app.state.installation, "tries", Tries())
    asked = [(await here.at.client.get(f"/status/{log}/1")).status_code for _ in range(61)]
    assert asked == [200] * 60 + [429]
    monkeypatch.undo()


def whole_file_mutants(data: bytes) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    for path, mutant in mutants(json.loads(data)):
        try:
            yield path, encode(mutant, size_max_bytes=2**26)
        except (TypeError, ValueError):
            continue


async def test_every_change_of_the_file_is_seen(played: tuple[Stage, dict[str, str]]) -> None:
    here, ids = played
    data, at = await taken(here, ids), now(here)
    trust, count = trust_of(data), 0
    for path, mutant in whole_file_mutants(data):
        try:
            assert not check_file(mutant, at, trust).holds, path
        except BadRequest:
            assert len(path) <= 1, path  # it is no badge file any more
        count += 1
    assert count > 400


async def test_pages_offer_it_to_whoever_it_is(
    played: tuple[Stage, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, ids = played
    log = json.loads(await taken(here, ids))["bundle"]["log"]
    team = Team(log, here.members)
    path = f"/recognition/{ids['award']}"
    for where in ("/recognition", path):
        page = await here.at.see(where, team, "ana")
        assert f'href="{path}/badge" download' in page.text, where
    file = await here.at.see(f"{path}/badge", team, "ana")
    assert file.headers["content-disposition"] == "attachment; filename=badge.json"
    assert check_file(file.content, now(here), trust_of(file.content)).holds
    assert "/badge" not in (await here.at.see(path, team, "marta")).text
    sheet = await here.at.see(f"{path}/sheet", team, "ana")
    document = json.loads(file.content)["credential"]
    assert "Resolved service issue" in sheet.text and code_of(to_text(document), "l").path in sheet.text
    assert (await here.at.see(f"{path}/sheet", team, "marta")).status_code == 404
    outcome = check_file(to_text(document).encode(), now(here), Expected())
    assert [line.code for line in outcome.lines if line.answer != badges.YES] == [
        "status_missing",
        "no_proof",
    ]
    with pytest.raises(BadRequest, match="not_a_badge"):
        check_file(to_text(document)[:-9].encode(), now(here), Expected())
    monkeypatch.setattr("casework.badge_text.TEXT_CHARS_MAX", 100)
    long = await here.at.see(f"{path}/sheet", team, "ana")
    assert (long.status_code, "too long for a code" in long.text, '<svg class="qr"' in long.text) == (
        200,
        True,
        False,
    )
    assert (await here.at.see(f"{path}/badge", team, "marta")).status_code == 404


async def test_the_sheet_is_to_be_had_as_a_pdf_where_the_extra_is(
    played: tuple[Stage, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, ids = played
    document = json.loads(await taken(here, ids))["credential"]
    team = Team(document["evidence"][0]["id"].split(":")[3], here.members)
    path, door = f"/recognition/{ids['award']}", f"/api/v1/awards/{ids['award']}/sheet"
    link = f'href="{path}/sheet.pdf" download'
    assert link in (await here.at.see(f"{path}/sheet", team, "ana")).text
    by_page = await here.at.see(f"{path}/sheet.pdf", team, "ana")
    by_api = await here.at.ask("GET", door, here.keys["ana"])
    assert by_page.content == by_api.content and by_page.headers["content-type"] == "application/pdf"
    assert by_page.headers["content-disposition"] == "attachment; filename=recognition.pdf"
    assert by_page.headers["cache-control"] == "no-store"
    assert told_by_code(by_page.content) == to_text(document)
    for who in ("marta", "ines"):
        assert (await here.at.ask("GET", door, here.keys[who])).status_code == 404
        assert (await here.at.see(f"{path}/sheet.pdf", team, who)).status_code == 404
    # a name that its font cannot write: nothing is left out of it unsaid
    monkeypatch.setattr(badge_pdf, "_is_joined", lambda sign: sign in "an")
    page = (await here.at.see(f"{path}/sheet", team, "ana")).text
    assert link not in page and "its font has no" in page
    answer = await here.at.ask("GET", door, here.keys["ana"])
    assert (answer.status_code, answer.json()["code"]) == (409, "pdf_letters")
    assert "Print the sheet from the browser" in (await here.at.see(f"{path}/sheet.pdf", team, "ana")).text
    # the extra is not there
    monkeypatch.undo()
    badge_pdf._font.cache_clear()
    monkeypatch.setattr(badge_pdf, "find_spec", lambda name: None)
    page = (await here.at.see(f"{path}/sheet", team, "ana")).text
    assert "sheet.pdf" not in page and "its font" not in page and '<svg class="qr"' in page
    answer = await here.at.ask("GET", door, here.keys["ana"])
    assert (answer.status_code, answer.json()["code"]) == (409, "pdf_missing")
    assert "install the extra `pdf`" in answer.json()["detail"]
    said = await here.at.see(f"{path}/sheet.pdf", team, "ana")
    assert said.status_code == 409 and "This server cannot draw one" in said.text


async def test_another_badge_in_the_place_of_this_one_is_seen(played: tuple[Stage, dict[str, str]]) -> None:
    """Signed by the issuer's own key, with no entry behind it: what a leaked credential key can do, and no more."""
    here, ids = played
    data = await taken(here, ids)
    held = json.loads(data)
    rooms = await here.at.app.state.installation.rooms(held["bundle"]["log"])
    document = copy.deepcopy(held["credential"])
    document.pop("proof")
    document["credentialSubject"]["narrative"] = "Promoted to chef"
    door = rooms.credentials
    held["credential"] = signed(document, document["validFrom"], door.did, door._signer.sign)
    outcome = check_file(encode(held, size_max_bytes=2**26), now(here), trust_of(data))
    assert outcome.refused and outcome.lines[-1].what == "in the record"


@pytest.mark.parametrize(
    "data",
    [
        b'{"credentialSubject":[]}',
        b'{"issuer":{},"credentialSubject":{"identifier":[{"salt":"\\ud800"}]}}',
        b'{"issuer":[],"credentialSubject":{}}',
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"credential":1}',
        b'{"credentialSubject":1}',
        b"[" * 5000,
    ],
)
async def test_another_file_is_refused_by_name(data: bytes) -> None:
    try:
        assert check_file(data, "2026-11-26T18:00:00.000Z", Expected(name="ana", issuer="x")).refused
    except BadRequest as error:
        assert error.code == "not_a_badge"


async def test_a_member_twice_is_refused_wherever_it_stands(played: tuple[Stage, dict[str, str]]) -> None:
    """Parsers disagree on which one counts, so two readers of one file would read two badges."""
    here, ids = played
    document = json.loads(await taken(here, ids))["credential"]
    raw = json.dumps(document)
    subject = '"credentialSubject": {'
    assert subject in raw
    for twice in (
        '{"name": "Promoted", ' + raw[1:],
        raw[:-1] + ', "name": ' + json.dumps(document["name"]) + "}",
        raw.replace(subject, subject + '"narrative": "Promoted", "narrative": "Promoted", ', 1),
        raw.replace(subject, subject + '"type": ["Other"], ', 1),
    ):
        outcome = check_file(twice.encode(), now(here), Expected())
        assert outcome.refused and outcome.lines[-1].code == "canonical", twice
    with pytest.raises(BadRequest, match="not_a_badge"):
        check_file(b"\xef\xbb\xbf" + raw.encode(), now(here), Expected())
    listed = json.loads(await taken(here, ids))["status_list"]
    assert not check_file(raw.encode(), now(here), Expected(status_list=listed)).refused


async def test_the_command_line_says_each_answer(
    played: tuple[Stage, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, ids = played
    data = await taken(here, ids)
    file, policy = tmp_path / "badge.json", tmp_path / "trust"
    file.write_bytes(data)
    held = json.loads(data)["bundle"]
    policy.write_text(f"origin {held['log']}\n" + "".join(f"log {key}\n" for key in held["keys"]))
    at = ["--at", now(here)]
    assert run_verb(["badge", "verify", str(file), "--trust", str(policy), *at]) == 0
    assert "it holds" in capsys.readouterr().out
    assert run_verb(["badge", "verify", str(file), *at]) == 3
    said = capsys.readouterr().out
    assert "not known: whose record" in said and "by did:key:z6Mk" in said
    assert run_verb(["badge", "verify", str(file), "--name", "\udcff", *at]) == 1
    assert "\\udcff" in capsys.readouterr().out
    (tmp_path / "badge.txt").write_text(to_text(json.loads(data)["credential"]) + "\n")
    assert run_verb(["badge", "verify", str(tmp_path / "badge.txt"), *at]) == 3
    assert "status_missing" not in capsys.readouterr().out
    assert run_verb(["badge", "verify", str(file), "--at", "2026-12-31T00:00:00.000Z"]) == 3
    assert "the list at hand counted until" in capsys.readouterr().out
    file.write_bytes(data.replace(b"Resolved", b"Repaired"))
    assert run_verb(["badge", "verify", str(file), *at]) == 1
    assert run_verb(["badge", "verify", str(policy), *at]) == 2
    assert run_verb(["badge", "verify", str(file), "--at", "today"]) == 2


async def test_a_revocation_shows_at_once(played: tuple[Stage, dict[str, str]]) -> None:
    """Last of this file: the recognition is gone afterwards."""
    here, ids = played
    before = await taken(here, ids)
    award = f"/awards/{ids['award']}"
    asked = {"about": "revoke", "reason_code": "misconduct"}
    disputes = f"/cases/{ids['case']}/disputes"
    dispute = (await here.do("marta", disputes, asked))["dispute"]
    assert check_file(await taken(here, ids), now(here), trust_of(before)).holds  # asked is not taken back
    await here.do("ana", f"{disputes}/{dispute}/answers", {"reply": "I did not"})
    await here.do("ines", f"{award}/revoke", {"reason_code": "misconduct"})
    begun = time.monotonic()
    url = json.loads(before)["credential"]["credentialStatus"]["statusListCredential"]
    listed = (await here.at.client.get(url.removeprefix(ADDRESS))).json()
    assert time.monotonic() - begun < 1.0
    expected = Expected(trust=trust_of(before).trust, status_list=listed)
    outcome = check_file(before, now(here), expected)
    assert outcome.refused and outcome.lines[-1].code == "revoked"
    assert check_file(await taken(here, ids), now(here), trust_of(before)).refused
    # an older list within its day still says that it counts: whoever asks fetches a newer one
    assert check_file(before, now(here), trust_of(before)).holds
    assert listed["validFrom"] == now(here)

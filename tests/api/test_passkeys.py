"""Passkeys through the doors: enrolled on the final address, confirmed by somebody else, signing decisions and in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from api import passkeys as doors
from api.auditing import audit_database
from api.problems import NotSignedIn
from api.settings import SettingsInvalid, load_settings
from ledger.findings import Exit
from tests.api.house import House, Team, house
from tests.authenticators import EDDSA, ES256, RS256, UP, Authenticator, b64, unb64

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = "/api/v1/me/passkeys"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Return the started product, whose final address is that of the tests' client."""
    async with house(tmp_path_factory.mktemp("passkeys"), address="http://localhost") as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(at: House) -> Team:
    """Return an organisation with one person per role."""
    return await at.signed_in(await at.organisation("Harbour House"))


async def options(at: House, key: str) -> dict[str, Any]:
    """Ask for creation options."""
    told: dict[str, Any] = await at.done(f"{ME}/options", key)
    return told


async def enrolled(at: House, key: str, alg: int = ES256, name: str = "") -> tuple[str, Authenticator]:
    """Enrol a passkey for whoever holds this key."""
    offered = await options(at, key)
    held = Authenticator(alg=alg, credential_id=(name or offered["token"][-20:]).encode())
    body = {"token": offered["token"], "credential": held.create(offered["options"])}
    return (await at.done(ME, key, body))["ids"]["passkey"], held


async def confirmed(
    at: House, team: Team, whose: str, by: str, alg: int = ES256
) -> tuple[str, Authenticator]:
    """Enrol and confirm."""
    passkey, held = await enrolled(at, team.keys[whose], alg)
    await at.done(f"/api/v1/passkeys/{passkey}/confirm", team.keys[by])
    return passkey, held


# ------------------------------------------------------------------------------------------ enrolling
async def test_options_are_what_a_browser_takes(at: House, ours: Team) -> None:
    told = await options(at, ours.keys["staff"])
    asked = told["options"]
    assert asked["rp"] == {"id": "localhost", "name": "Tallystick"}
    assert asked["user"]["name"] == "Staff" and len(unb64(asked["user"]["id"])) == 32
    assert len(unb64(asked["challenge"])) == 32
    assert [one["alg"] for one in asked["pubKeyCredParams"]] == [-7, -8, -257]
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["attestation"] == "none"
    assert (await options(at, ours.keys["staff"]))["options"]["challenge"] != asked["challenge"]


@pytest.mark.parametrize("alg", [ES256, EDDSA, RS256])
async def test_a_passkey_is_enrolled_listed_confirmed_and_ended(at: House, ours: Team, alg: int) -> None:
    staff, owner = ours.keys["staff"], ours.keys["owner"]
    passkey, held = await enrolled(at, staff, alg)
    mine = {one["passkey"]: one for one in (await at.ask("GET", ME, staff)).json()["items"]}
    assert (mine[passkey]["state"], mine[passkey]["alg"]) == ("waiting", alg)
    assert mine[passkey]["credential"] == b64(held.credential_id) and "spki" not in mine[passkey]
    waiting = (await at.ask("GET", "/api/v1/passkeys?waiting=true", owner)).json()["items"]
    found = next(one for one in waiting if one["passkey"] == passkey)
    assert (found["name"], found["fingerprint"]) == ("Staff", mine[passkey]["fingerprint"])
    told = await at.done(f"/api/v1/passkeys/{passkey}/confirm", owner)
    assert (told["resource"]["state"], told["resource"]["origins"]) == ("confirmed", ["http://localhost"])
    waiting = (await at.ask("GET", "/api/v1/passkeys?waiting=true", owner)).json()["items"]
    assert passkey not in {one["passkey"] for one in waiting}
    ended = await at.done(f"/api/v1/passkeys/{passkey}/end", staff, {"reason_code": "lost"})
    assert (ended["resource"]["state"], ended["resource"]["reason_code"]) == ("ended", "lost")
    again = (await options(at, staff))["options"]
    assert b64(held.credential_id) not in {one["id"] for one in again["excludeCredentials"]}


async def test_a_key_enrols_nothing(at: House, ours: Team) -> None:
    issued = await at.done("/api/v1/keys", ours.keys["owner"], {"member": ours.members["staff"]})
    offered = await options(at, ours.keys["staff"])
    body = {"token": offered["token"], "credential": Authenticator().create(offered["options"])}
    for path, sent in ((f"{ME}/options", None), (ME, body), ("/api/v1/me/sign-in", {"name": "sam"})):
        answer = await at.ask("POST", path, issued["secret"], json=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_needed"), path


async def test_an_enrolment_sent_twice_is_one_enrolment_even_after_its_options_expired(
    at: House, ours: Team
) -> None:
    staff = ours.keys["staff"]
    offered = await options(at, staff)
    held = Authenticator(credential_id=b"twice")
    body = {"token": offered["token"], "credential": held.create(offered["options"])}
    first = await at.done(ME, staff, body, key="enrol-once")
    at.wait(301)
    again = await at.ask("POST", ME, staff, json=body, key="enrol-once")
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
    assert again.json()["ids"] == first["ids"]
    late = await at.ask("POST", ME, staff, json=body)
    assert (late.status_code, late.json()["code"]) == (409, "expired")


async def test_the_same_authenticator_is_not_enrolled_twice(at: House, ours: Team) -> None:
    _, held = await enrolled(at, ours.keys["staff"], name="same")
    offered = await options(at, ours.keys["staff"])
    body = {"token": offered["token"], "credential": held.create(offered["options"])}
    answer = await at.ask("POST", ME, ours.keys["staff"], json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "passkey_known")


Answer = Callable[[dict[str, Any], Authenticator], dict[str, Any]]


def _spoilt(part: str, text: str) -> Answer:
    def spoil(asked: dict[str, Any], held: Authenticator) -> dict[str, Any]:
        credential = held.create(asked)
        credential["response"][part] = text
        return credential

    return spoil


BAD_ANSWERS: list[tuple[str, Answer]] = [
    ("nothing", lambda asked, held: {}),
    ("another challenge", lambda asked, held: held.create({**asked, "challenge": b64(bytes(32))})),
    ("another origin", lambda asked, held: held.create(asked, origin="https://phish.example")),
    ("an assertion", lambda asked, held: held.create(asked, type="webauthn.get")),
    ("nobody verified", lambda asked, held: held.create(asked, flags=UP)),
    ("another site", lambda asked, held: replace(held, rp_id="example.org").create(asked)),
    ("bytes that are no CBOR", _spoilt("attestationObject", b64(b"\xff\xff"))),
    ("bytes that are no base64", _spoilt("attestationObject", "é")),
    ("client data that is none", _spoilt("clientDataJSON", b64(b"[]"))),
    ("another id", lambda asked, held: {**held.create(asked), "id": "AAAA"}),
    ("members of other types", lambda asked, held: {"id": 1, "rawId": [], "type": None, "response": "x"}),
]


@pytest.mark.parametrize(("name", "answer"), BAD_ANSWERS, ids=[row[0] for row in BAD_ANSWERS])
async def test_an_answer_that_does_not_hold_is_refused(
    at: House, ours: Team, name: str, answer: Answer
) -> None:
    offered = await options(at, ours.keys["staff"])
    before = (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()["size"]
    body = {
        "token": offered["token"],
        "credential": answer(offered["options"], Authenticator(credential_id=b"bad")),
    }
    told = await at.ask("POST", ME, ours.keys["staff"], json=body)
    assert (told.status_code, told.json()["code"]) == (422, "passkey_refused"), told.text
    assert told.json()["errors"][0]["pointer"] == "/credential"
    assert (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()["size"] == before


async def test_options_serve_only_whoever_asked_for_them(at: House, ours: Team) -> None:
    offered = await options(at, ours.keys["staff"])
    credential = Authenticator().create(offered["options"])
    for key, token in ((ours.keys["manager"], offered["token"]), (ours.keys["staff"], "e30.e30")):
        answer = await at.ask("POST", ME, key, json={"token": token, "credential": credential})
        assert (answer.status_code, answer.json()["code"]) == (403, "token_invalid")


@pytest.mark.parametrize(
    "host", ["tally.example.org", "localhost:8765", "127.0.0.1", "LOCALHOST.evil.example"]
)
async def test_no_passkey_on_any_other_than_the_final_address(at: House, ours: Team, host: str) -> None:
    for path, body in ((f"{ME}/options", None), (ME, {"token": "e30.e30", "credential": {}})):
        answer = await at.ask("POST", path, ours.keys["staff"], json=body, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (409, "address_differs")
        assert "TALLYSTICK_ADDRESS" in answer.json()["detail"]


async def test_the_default_port_is_no_difference(at: House, ours: Team) -> None:
    answer = await at.ask("POST", f"{ME}/options", ours.keys["staff"], headers={"Host": "localhost:80"})
    assert answer.status_code == 200


ADDRESSES = [
    # given, the origin (None: refused)
    ("https://tally.example.org", "https://tally.example.org"),
    ("https://Tally.Example.org:443/", "https://tally.example.org"),
    ("https://tally.example.org:8443", "https://tally.example.org:8443"),
    ("http://localhost:8765", "http://localhost:8765"),
    ("http://tally.example.org", None),
    ("https://192.168.1.10", None),
    ("https://[::1]", None),
    ("https://tally.example.org/app", None),
    ("https://user@tally.example.org", None),
    ("https://tally.example.org?x", None),
    ("https://tally.example.org:99999", None),
    ("https://tällystick.example", None),
    ("tally.example.org", None),
    ("ftp://tally.example.org", None),
    ("https://", None),
    ("", "http://localhost:8765"),
]


@pytest.mark.parametrize(("given", "origin"), ADDRESSES)
async def test_the_final_address(given: str, origin: str | None) -> None:
    if origin is None:
        with pytest.raises(SettingsInvalid, match="TALLYSTICK_ADDRESS"):
            load_settings(address=given)
    else:
        assert load_settings(address=given).public_address == origin
        assert doors.address_of(load_settings(address=given)).origin == origin


async def test_without_one_the_address_is_localhost() -> None:
    assert load_settings(port=9000).public_address == "http://localhost:9000"


# ------------------------------------------------------------------------------------------ who confirms
async def test_who_sees_and_confirms_what_waits(at: House, ours: Team) -> None:
    passkey, _ = await enrolled(at, ours.keys["manager"])
    for role in ("staff", "auditor", "outsider"):
        told = await at.ask("GET", "/api/v1/passkeys?waiting=true", ours.keys[role])
        assert (told.status_code, told.json()["code"]) == (403, "no_authority")
        told = await at.ask("POST", f"/api/v1/passkeys/{passkey}/confirm", ours.keys[role])
        assert (told.status_code, told.json()["code"]) == (403, "no_authority")
    own = (await at.ask("GET", "/api/v1/passkeys?waiting=true", ours.keys["manager"])).json()["items"]
    assert passkey not in {one["passkey"] for one in own}
    told = await at.ask("POST", f"/api/v1/passkeys/{passkey}/confirm", ours.keys["manager"])
    assert (told.status_code, told.json()["code"]) == (403, "second_person_needed")
    power = {"member": ours.members["outsider"], "about": "award", "second_person": True}
    await at.done("/api/v1/authorities", ours.keys["owner"], power)
    waiting = (await at.ask("GET", "/api/v1/passkeys?waiting=true", ours.keys["outsider"])).json()["items"]
    assert passkey in {one["passkey"] for one in waiting}
    await at.done(f"/api/v1/passkeys/{passkey}/confirm", ours.keys["outsider"])


# ------------------------------------------------------------------------------------------ deciding
async def card(at: House, ours: Team, about: str = "action") -> tuple[str, dict[str, Any], str]:
    """Return a case that waits for the owner's yes, its card, and the card's ETag."""
    staff = ours.keys["staff"]
    case = (await at.done("/api/v1/reports", staff, {"note": "A cold soup"}))["ids"]["case"]
    await at.done(f"/api/v1/cases/{case}/proposals", staff, {"action": "call", "text": "Call the guest"})
    told = await at.ask("GET", f"/api/v1/cases/{case}/card?about={about}", ours.keys["owner"])
    return case, told.json(), told.headers["etag"]


async def test_a_decision_is_prepared_signed_and_recorded(at: House, ours: Team) -> None:
    owner = ours.keys["owner"]
    power = {"member": ours.members["owner"], "about": "action", "assurance_min": "passkey"}
    await at.done("/api/v1/authorities", owner, power)
    _, held = await confirmed(at, ours, "owner", "manager")
    case, shown, tag = await card(at, ours)
    meant = {
        "token": shown["token"],
        "verb": "declined",
        "reason_code": "too_costly",
        "reason": "Cheaper, please",
    }
    path = f"/api/v1/cases/{case}/decisions"
    weak = await at.ask("POST", path, owner, json=meant, headers={"If-Match": tag})
    assert (weak.status_code, weak.json()["code"]) == (403, "assurance_too_low")
    made = await at.done(f"{path}/prepare", owner, meant)
    asked = made["options"]
    assert (unb64(asked["challenge"]).hex(), asked["rpId"]) == (made["digest"], "localhost")
    assert b64(held.credential_id) in {one["id"] for one in asked["allowCredentials"]}
    signed = {"prepared": made["prepared"], **held.assertion(unb64(asked["challenge"]))}
    forged = {**signed, "signature": b64(bytes(70))}
    answer = await at.ask("POST", path, owner, json={**meant, "passkey": forged}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (403, "passkey_invalid")
    other = {**meant, "reason_code": "other_solution", "passkey": signed}
    answer = await at.ask("POST", path, owner, json=other, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    await at.done(path, owner, {**meant, "passkey": signed}, headers={"If-Match": tag})
    told = (await at.ask("GET", f"/api/v1/cases/{case}", owner)).json()
    (decision,) = told["decisions"]
    assert (decision["assurance"], decision["digest"]) == ("passkey", made["digest"])
    assert told["texts"][decision["reason_item"]] == "Cheaper, please"
    await at.tick()
    rooms = await at.app.state.installation.rooms(ours.log)
    found = await audit_database(rooms.reader, rooms.vault, None, ())
    assert found.earned is not None and found.earned.signed == 1, found.sentences()
    assert (found.earned.unsigned, found.exit) == ([], Exit.CONSISTENT_ONLY), found.sentences()
    unread = await audit_database(rooms.reader, None, None, ())
    assert unread.earned is not None and len(unread.earned.unsigned) == 1


async def test_preparing_needs_a_passkey_that_somebody_confirmed(at: House, ours: Team) -> None:
    manager = ours.keys["manager"]
    await at.done(
        "/api/v1/authorities", ours.keys["owner"], {"member": ours.members["auditor"], "about": "action"}
    )
    await enrolled(at, ours.keys["auditor"])
    case, _, _ = await card(at, ours)
    shown = (await at.ask("GET", f"/api/v1/cases/{case}/card?about=action", ours.keys["auditor"])).json()
    meant = {"token": shown["token"], "verb": "approved"}
    path = f"/api/v1/cases/{case}/decisions/prepare"
    told = await at.ask("POST", path, ours.keys["auditor"], json=meant)
    assert (told.status_code, told.json()["code"]) == (403, "passkey_missing")
    told = await at.ask("POST", path, manager, json={**meant, "passkey": {}})
    assert told.status_code == 422


# ------------------------------------------------------------------------------------------ signing in
async def test_whoever_holds_a_passkey_signs_in_by_it(at: House, ours: Team) -> None:
    installation = at.app.state.installation
    _, held = await enrolled(at, ours.keys["staff"], name="signs in")
    offered = doors.sign_in_options(installation)
    assert offered.options["allowCredentials"] == [] and offered.options["userVerification"] == "required"
    answer = held.get(unb64(offered.options["challenge"]))
    found = await doors.verify_sign_in(installation, offered.token, answer)
    assert (found["log"], found["member"]) == (ours.log, ours.members["staff"])
    with pytest.raises(NotSignedIn):  # whoever overheard the answer comes second
        await doors.verify_sign_in(installation, offered.token, answer)


async def test_one_authenticator_in_two_organisations_signs_in_where_it_means(at: House, ours: Team) -> None:
    installation = at.app.state.installation
    other = await at.signed_in(await at.organisation("Other House"))
    _, here = await enrolled(at, ours.keys["staff"], name="both")
    _, there = await enrolled(at, other.keys["staff"], name="both")
    for team, held in ((ours, here), (other, there)):
        offered = doors.sign_in_options(installation)
        found = await doors.verify_sign_in(
            installation, offered.token, held.get(unb64(offered.options["challenge"]))
        )
        assert (found["log"], found["member"]) == (team.log, team.members["staff"])


async def _refused(at: House, token: str, answer: Any) -> None:
    with pytest.raises(NotSignedIn):
        await doors.verify_sign_in(at.app.state.installation, token, answer)


async def test_sign_in_refuses_whatever_is_not_a_passkey_in_force(at: House, ours: Team) -> None:
    installation = at.app.state.installation
    passkey, held = await enrolled(at, ours.keys["staff"], name="refused")
    offered = doors.sign_in_options(installation)
    challenge = unb64(offered.options["challenge"])
    good = held.get(challenge)
    table = [
        (offered.token, {}),
        (offered.token, {"id": [], "response": 7}),
        (offered.token, {**good, "id": b64(b"unknown")}),
        (offered.token, {**good, "response": {**good["response"], "userHandle": b64(bytes(32))}}),
        (offered.token, held.get(bytes(32))),
        (offered.token, held.get(challenge, flags=UP)),
        (offered.token, held.get(challenge, origin="https://phish.example")),
        (offered.token, Authenticator(credential_id=held.credential_id).get(challenge)),
        ("e30.e30", good),
        ("é", good),
        (offered.token + "x", good),
    ]
    for token, answer in table:
        await _refused(at, token, answer)
    await at.done(f"/api/v1/passkeys/{passkey}/end", ours.keys["owner"], {"reason_code": "ended_by_owner"})
    await _refused(at, offered.token, good)


async def test_sign_in_ends_with_its_time_and_with_the_membership(at: House) -> None:
    installation = at.app.state.installation
    team = await at.signed_in(await at.organisation("Third House"))
    _, held = await enrolled(at, team.keys["staff"])
    offered = doors.sign_in_options(installation)
    good = held.get(unb64(offered.options["challenge"]))
    at.wait(301)
    await _refused(at, offered.token, good)
    offered = doors.sign_in_options(installation)
    good = held.get(unb64(offered.options["challenge"]))
    leaving = {"reason_code": "left"}
    await at.done(f"/api/v1/members/{team.members['staff']}/leave", team.keys["owner"], leaving)
    await _refused(at, offered.token, good)


async def test_the_sign_in_key_is_made_once_and_private(at: House) -> None:
    file = Path(at.settings.keys_folder) / doors.SIGN_IN_KEY_FILE
    doors.sign_in_options(at.app.state.installation)
    before = file.read_text()
    doors._secret.cache_clear()
    doors.sign_in_options(at.app.state.installation)
    assert file.read_text() == before and file.stat().st_mode & 0o777 == 0o600

"""A passkey behind a decision: whose it may be, who confirms it, what it signs, and everything that makes it void."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from casework import passkeys, signatures
from casework.decisions import record_digest
from casework.errors import TokenInvalid
from casework.passkeys import read_assertion
from casework.requests import Decide, EndAuthority, EnrolPasskey, PasskeySigned
from ledger.errors import Refused
from ledger.notes import SignatureWrong
from tests.authenticators import EDDSA, ES256, RS256, UP, UV, Authenticator, b64, unb64
from tests.casework.keyring import confirm, end, enrol, prepared, signed
from tests.casework.plain_view import PlainView
from tests.casework.shop import Shop

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "decision.json").read_text())
CHALLENGE = bytes(range(32))


def row_of(held: Authenticator, **more: Any) -> dict[str, Any]:
    """Return the row of an authenticator's passkey."""
    row = {"spki": b64(held.spki), "alg": held.alg, "rp_id": held.rp_id, "origins": json.dumps([held.origin])}
    return row | more


# ------------------------------------------------------------------------------------------ the recipe
@pytest.mark.parametrize("vector", VECTORS["passkeys"], ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any]) -> None:
    row = {name: vector[name] for name in ("spki", "alg", "rp_id")} | {
        "origins": json.dumps(vector["origins"])
    }
    assertion = read_assertion(vector["assertion"])
    assert passkeys.check(assertion, row, bytes.fromhex(vector["digest"]), signatures.verify) is assertion
    assert assertion.to_json() == vector["assertion"]
    assert vector["digest"] in {record["digest"] for record in VECTORS["records"]}


@pytest.mark.parametrize("alg", [ES256, EDDSA, RS256])
def test_a_signature_over_the_challenge_is_taken(alg: int) -> None:
    held = Authenticator(alg=alg)
    passkeys.check(read_assertion(held.assertion(CHALLENGE)), row_of(held), CHALLENGE, signatures.verify)


SPOILED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    # name, what the authenticator does, what the row says, what is found
    ("a registration", {"type": "webauthn.create"}, {}, "type"),
    ("another challenge", {"challenge": b64(bytes(32))}, {}, "challenge"),
    ("another origin", {"origin": "https://phish.example"}, {}, "origin"),
    ("an origin that is no text", {"origin": ["http://localhost"]}, {}, "origin"),
    ("inside a page of another", {"crossOrigin": True}, {}, "another's"),
    ("nobody was there", {"flags": UV}, {}, "present and verified"),
    ("nobody was recognised", {"flags": UP}, {}, "present and verified"),
    ("another site", {}, {"rp_id": "example.org"}, "expected one for example.org"),
    ("another key", {}, {"spki": b64(Authenticator().spki)}, "signature"),
    ("a key of another algorithm", {}, {"alg": EDDSA}, "algorithm -8"),
    ("an algorithm nobody knows", {}, {"alg": -65_535}, "algorithm"),
    ("a key that is none", {}, {"spki": b64(b"key")}, "DER"),
]


@pytest.mark.parametrize(("name", "spoil", "says", "found"), SPOILED, ids=[row[0] for row in SPOILED])
def test_a_spoiled_assertion_is_refused(
    name: str, spoil: dict[str, Any], says: dict[str, Any], found: str
) -> None:
    held = Authenticator()
    assertion = read_assertion(held.assertion(CHALLENGE, **spoil))
    with pytest.raises(Refused, match=found) as refused:
        passkeys.check(assertion, row_of(held, **says), CHALLENGE, signatures.verify)
    assert refused.value.code == "passkey_invalid"


@pytest.mark.parametrize("part", ["client_data", "authenticator_data", "signature"])
def test_no_bit_can_be_changed(part: str) -> None:
    held = Authenticator(alg=EDDSA)
    given = held.assertion(CHALLENGE)
    data = unb64(given[part])
    for at in range(0, len(data) * 8, 5):
        spoiled = bytearray(data)
        spoiled[at // 8] ^= 1 << at % 8
        with pytest.raises(Refused, match="passkey_invalid"):
            assertion = read_assertion({**given, part: b64(bytes(spoiled))})
            passkeys.check(assertion, row_of(held), CHALLENGE, signatures.verify)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"null", b"[" * 4_000])
def test_client_data_that_is_no_object_is_refused(data: bytes) -> None:
    held = Authenticator()
    with pytest.raises(Refused, match="passkey_invalid"):
        assertion = read_assertion({**held.assertion(CHALLENGE), "client_data": b64(data)})
        passkeys.check(assertion, row_of(held), CHALLENGE, signatures.verify)


@pytest.mark.parametrize("text", [None, 7, "", "é", "a+b/", "YQ==", "YR", "a" * 6_000])
@pytest.mark.parametrize("part", passkeys.ASSERTION_PARTS)
def test_a_part_has_one_spelling(part: str, text: Any) -> None:
    with pytest.raises(Refused, match="passkey_invalid"):
        read_assertion({**Authenticator().assertion(CHALLENGE), part: text})


def test_a_weak_key_is_no_key() -> None:
    with pytest.raises(SignatureWrong):
        signatures.check_key(b"", ES256)
    with pytest.raises(SignatureWrong):
        signatures.check_key(Authenticator(alg=EDDSA).spki, ES256)


# ------------------------------------------------------------------------------------------ whose, and who confirms
async def test_a_passkey_waits_until_a_second_person_confirms_it(here: Shop) -> None:
    passkey, held = await enrol(here, "accountant")
    row = await here.rows.get("passkey", (passkey,))
    assert row is not None
    assert (row["member"], row["state"]) == (here.people["accountant"].id, "waiting")
    assert (row["spki"], json.loads(row["origins"])) == (b64(held.spki), ["http://localhost"])
    done = await confirm(here, passkey, "owner")
    row = await here.rows.get("passkey", (passkey,))
    assert row is not None
    assert (row["state"], row["confirmed_by"]) == ("confirmed", here.people["owner"].id)
    assert done.ids == {"passkey": passkey}
    with pytest.raises(Refused, match="passkey_state"):
        await confirm(here, passkey, "owner")


CONFIRMERS = [
    # whose it is, who confirms, refusal (None: confirmed)
    ("waiter", "owner", None),
    ("waiter", "lead", None),
    ("owner", "accountant", None),  # holds second_person
    ("waiter", "waiter", "second_person_needed"),
    ("owner", "owner", "second_person_needed"),
    ("waiter", "double", "second_person_needed"),
    ("double", "waiter", "second_person_needed"),
    ("owner", "waiter", "no_authority"),
    ("accountant", "cook", "no_authority"),
    ("waiter", "agent", "agent_may_not"),
]


@pytest.mark.parametrize(("whose", "by", "code"), CONFIRMERS)
async def test_confirm(here: Shop, whose: str, by: str, code: str | None) -> None:
    await here.join("lead", "manager")
    await here.join("cook", "staff")
    await here.join("double", "manager", same_as="waiter")
    passkey, _ = await enrol(here, whose)
    if code is None:
        await confirm(here, passkey, by)
        return
    size, _ = await here.rows.head()
    with pytest.raises(Refused, match=code):
        await confirm(here, passkey, by)
    assert (await here.rows.head())[0] == size


async def test_confirm_fails_for_one_that_is_unknown_or_ended(here: Shop) -> None:
    passkey, _ = await enrol(here, "waiter")
    await end(here, passkey, "waiter")
    with pytest.raises(Refused, match="passkey_state"):
        await confirm(here, passkey, "owner")
    with pytest.raises(Refused, match="unknown"):
        await confirm(here, "nothing", "owner")


@pytest.mark.parametrize(
    ("by", "reason", "code"),
    [
        ("waiter", "lost", None),
        ("owner", "ended_by_owner", None),
        ("accountant", "lost", "role_missing"),
        ("agent", "lost", "agent_may_not"),
        ("waiter", "because", "reason_unknown"),
    ],
)
async def test_end(here: Shop, by: str, reason: str, code: str | None) -> None:
    passkey, _ = await enrol(here, "waiter")
    if code is not None:
        with pytest.raises(Refused, match=code):
            await end(here, passkey, by, reason)
        return
    await end(here, passkey, by, reason)
    row = await here.rows.get("passkey", (passkey,))
    assert row is not None and (row["state"], row["reason_code"]) == ("ended", reason)
    with pytest.raises(Refused, match="passkey_state"):
        await end(here, passkey, by, reason)


async def test_a_credential_is_enrolled_once(here: Shop) -> None:
    await enrol(here, "waiter", credential="one")
    with pytest.raises(Refused, match="passkey_known"):
        await enrol(here, "owner", credential="one")


BAD_ENROLMENTS: list[tuple[dict[str, Any], str]] = [
    ({"alg": -65_535}, "alg"),
    ({"credential": ""}, "credential"),
    ({"credential": b64(bytes(1_024))}, "credential"),
    ({"spki": "=="}, "spki"),
    ({"rp_id": ""}, "rp_id"),
    ({"origins": ()}, "origins"),
    ({"origins": ("https://x\n.example",)}, "origins"),
]


@pytest.mark.parametrize(("change", "what"), BAD_ENROLMENTS)
async def test_enrol_refuses_what_is_no_passkey(here: Shop, change: dict[str, Any], what: str) -> None:
    good = EnrolPasskey(b64(b"c"), b64(b"k"), ES256, "localhost", ("http://localhost",))
    with pytest.raises(Refused, match=f"value_invalid.*{what}"):
        await here.office.enrol_passkey(here.people["waiter"], here.key(), replace(good, **change))


async def test_an_agent_enrols_no_passkey_and_nobody_twenty_one(here: Shop) -> None:
    with pytest.raises(Refused, match="agent_may_not"):
        await enrol(here, "agent")
    for number in range(20):
        await enrol(here, "waiter", EDDSA, str(number))
    with pytest.raises(Refused, match="passkey_state"):
        await enrol(here, "waiter", EDDSA, "20")


# ------------------------------------------------------------------------------------------ deciding
async def holding(here: Shop, who: str, by: str, alg: int = ES256) -> tuple[str, Authenticator]:
    """Give this person a confirmed passkey."""
    passkey, held = await enrol(here, who, alg)
    await confirm(here, passkey, by)
    return passkey, held


@pytest.mark.parametrize("alg", [ES256, EDDSA, RS256])
async def test_a_signed_decision_says_so_and_keeps_what_was_signed(here: Shop, alg: int) -> None:
    _, held = await holding(here, "owner", "accountant", alg)
    case = await here.until("proposed")
    asked, made = await prepared(
        here, case, "action", "owner", verb="declined", reason_code="too_costly", reason="Cheaper, please"
    )
    assert [row["credential"] for row in made.keys] == [b64(held.credential_id)]
    answer = signed(held, made)
    done = await here.desk.decide(here.people["owner"], here.key(), replace(asked, passkey=answer))
    (entry,) = await here.rows.entries(done.outcome.first_seq, 1)
    assert (entry.body["assurance"], entry.body["digest"]) == ("passkey", made.digest)
    assert await here.rows.open(entry.private["reason"]) == "Cheaper, please"
    kept = await here.rows.open(entry.private["passkey"])
    assert kept == {name: getattr(answer, name) for name in passkeys.ASSERTION_PARTS}
    wraps = await here.rows.scan("item_wrap", (entry.private["passkey"],))
    assert [wrap["subject"] for wrap in wraps] == ["organisation"]  # erasing a person does not touch it


async def test_a_signed_award_is_the_same_story(here: Shop) -> None:
    _, held = await holding(here, "accountant", "owner")
    case = await here.until("passed")
    asked, made = await prepared(
        here, case, "award", "accountant",
        beneficiaries=(here.people["waiter"].id,), amount_tokens=10, budget=here.budget, message="Thank you.",
    )  # fmt: skip
    who = here.people["accountant"]
    request = replace(asked, passkey=signed(held, made))
    first = await here.desk.decide(who, "once", request)
    again = await here.desk.decide(who, "once", request)
    assert again.outcome.replayed and again.ids == first.ids
    here.wait(seconds=10)
    assert await here.grant(case, first.ids["decision"])


async def test_preparing_writes_nothing_and_draws_a_salt_each_time(here: Shop) -> None:
    await holding(here, "owner", "accountant")
    case = await here.until("proposed")
    before = await here.rows.head()
    who = here.people["owner"]
    shown = await here.desk.show(who, case, "action")
    silent = Decide(shown.token, "approved")
    spoken = replace(silent, reason="Good")
    digests = [(await here.desk.prepare(who, one)).digest for one in (silent, silent, spoken, spoken)]
    assert digests[0] == digests[1] and len(set(digests[1:])) == 3
    assert await here.rows.head() == before


async def test_preparing_refuses_what_deciding_would(here: Shop) -> None:
    case = await here.until("proposed")
    with pytest.raises(Refused, match="passkey_missing"):
        await prepared(here, case, "action", "owner")
    await enrol(here, "owner")
    with pytest.raises(Refused, match="passkey_missing"):  # nobody confirmed it
        await prepared(here, case, "action", "owner")
    await holding(here, "waiter", "owner")
    with pytest.raises(Refused, match="decider_is_maker"):
        await prepared(here, case, "action", "waiter")


async def test_an_authority_that_asks_for_a_passkey_takes_nothing_less(here: Shop) -> None:
    await here.join("cautious", "manager")
    strict = await here.may("cautious", "action", assurance_min="passkey")
    _, held = await holding(here, "cautious", "owner")
    case = await here.until("proposed")
    with pytest.raises(Refused, match="assurance_too_low"):
        await here.decide(case, "action", "cautious")
    asked, made = await prepared(here, case, "action", "cautious")
    done = await here.desk.decide(
        here.people["cautious"], here.key(), replace(asked, passkey=signed(held, made))
    )
    row = await here.rows.get("decision", (case, done.ids["decision"]))
    assert row is not None and (row["authority"], row["assurance"]) == (strict, "passkey")


async def test_a_door_that_says_passkey_without_a_signature_is_refused(here: Shop) -> None:
    case = await here.until("proposed")
    here.people["owner"] = replace(here.people["owner"], assurance="passkey")
    with pytest.raises(Refused, match="passkey_invalid"):
        await here.decide(case, "action", "owner")


Spoil = Callable[[Shop, Decide, PasskeySigned, str], Awaitable[Decide]]


def _asked(**changes: Any) -> Spoil:
    async def spoil(here: Shop, asked: Decide, answer: PasskeySigned, passkey: str) -> Decide:
        return replace(asked, passkey=answer, **changes)

    return spoil


def _answered(**changes: Any) -> Spoil:
    async def spoil(here: Shop, asked: Decide, answer: PasskeySigned, passkey: str) -> Decide:
        return replace(asked, passkey=replace(answer, **changes))

    return spoil


async def _ended(here: Shop, asked: Decide, answer: PasskeySigned, passkey: str) -> Decide:
    await end(here, passkey, "owner")
    return replace(asked, passkey=answer)


async def _another_power(here: Shop, asked: Decide, answer: PasskeySigned, passkey: str) -> Decide:
    owner = here.people["owner"]
    (held,) = await here.rows.scan("authority", (owner.id,))
    await here.office.end_authority(owner, here.key(), EndAuthority(owner.id, held["authority"]))
    await here.may("owner", "action")
    return replace(asked, passkey=answer)


async def _unconfirmed(here: Shop, asked: Decide, answer: PasskeySigned, passkey: str) -> Decide:
    _, other = await enrol(here, "owner", credential="new")
    digest, _, _ = passkeys.open_prepared(
        here.intake.secret, answer.prepared, here.intake.log, here.people["owner"].id
    )
    return replace(asked, passkey=PasskeySigned(answer.prepared, **other.assertion(bytes.fromhex(digest))))


async def _anothers(here: Shop, asked: Decide, answer: PasskeySigned, passkey: str) -> Decide:
    _, other = await holding(here, "accountant", "owner")
    digest, _, _ = passkeys.open_prepared(
        here.intake.secret, answer.prepared, here.intake.log, here.people["owner"].id
    )
    return replace(asked, passkey=PasskeySigned(answer.prepared, **other.assertion(bytes.fromhex(digest))))


VOID: list[tuple[str, Spoil, str]] = [
    ("another verb", _asked(verb="declined", reason_code="too_costly"), "stale"),
    ("another reason", _asked(reason="Because"), "stale"),
    ("no reason", _asked(reason=None), "stale"),
    ("a code more", _asked(reason_code="other_solution"), "stale"),
    ("another authority by now", _another_power, "stale"),
    ("a signature over nothing", _answered(signature=b64(bytes(70))), "passkey_invalid"),
    ("no signature", _answered(signature=""), "passkey_invalid"),
    ("an unknown credential", _answered(credential_id=b64(b"unknown")), "passkey_invalid"),
    ("a passkey ended meanwhile", _ended, "passkey_invalid"),
    ("a passkey nobody confirmed", _unconfirmed, "passkey_invalid.*waiting"),
    ("another person's passkey", _anothers, "passkey_invalid"),
    ("a token of our own making", _answered(prepared="e30.e30"), "token|prepared"),
]


@pytest.mark.parametrize(("name", "spoil", "code"), VOID, ids=[row[0] for row in VOID])
async def test_a_signature_that_does_not_count_decides_nothing(
    here: Shop, name: str, spoil: Spoil, code: str
) -> None:
    passkey, held = await holding(here, "owner", "accountant")
    case = await here.until("proposed")
    asked, made = await prepared(here, case, "action", "owner", reason="Good")
    request = await spoil(here, asked, signed(held, made), passkey)
    before = await here.rows.head()
    with pytest.raises((Refused, TokenInvalid), match=code):
        await here.desk.decide(here.people["owner"], here.key(), request)
    assert await here.rows.head() == before


async def test_what_was_prepared_for_one_person_or_card_does_not_serve_another(here: Shop) -> None:
    _, held = await holding(here, "owner", "accountant")
    case = await here.until("proposed")
    _, made = await prepared(here, case, "action", "owner")
    answer = signed(held, made)
    again = await here.desk.show(here.people["owner"], case, "action")  # another card, another nonce
    with pytest.raises(Refused, match="stale"):
        await here.desk.decide(
            here.people["owner"], here.key(), Decide(again.token, "approved", passkey=answer)
        )
    theirs = await here.desk.show(here.people["accountant"], case, "action")
    with pytest.raises(Refused, match="stale"):
        await here.desk.decide(
            here.people["accountant"], here.key(), Decide(theirs.token, "approved", passkey=answer)
        )


def test_digest_of_the_vector_record_is_the_challenge() -> None:
    record = VECTORS["records"][1]
    client = json.loads(unb64(VECTORS["passkeys"][0]["assertion"]["client_data"]))
    assert unb64(client["challenge"]).hex() == record_digest(record["record"])


SIGNED = passkeys.Signed("key-1", "aa" * 32, "authority-1")
COUNTS = [
    # what was signed, the passkey's row, refusal (None: it counts)
    (SIGNED, {"member": "ben", "state": "confirmed"}, None),
    (SIGNED, {"member": "eva", "state": "confirmed"}, "passkey_invalid"),
    (SIGNED, {"member": "ben", "state": "waiting"}, "passkey_invalid"),
    (SIGNED, {"member": "ben", "state": "ended"}, "passkey_invalid"),
    (SIGNED, None, "passkey_invalid"),
    (None, {"member": "ben", "state": "confirmed"}, "passkey_invalid"),
    (replace(SIGNED, digest="bb" * 32), {"member": "ben", "state": "confirmed"}, "stale"),
]


@pytest.mark.parametrize(("given", "row", "code"), COUNTS)
def test_the_writer_looks_again(
    given: passkeys.Signed | None, row: dict[str, Any] | None, code: str | None
) -> None:
    view = PlainView({"passkey": {} if row is None else {("key-1",): row}})
    if code is None:
        passkeys.check_signed(view, "ben", given, "aa" * 32)
        return
    with pytest.raises(Refused, match=code):
        passkeys.check_signed(view, "ben", given, "aa" * 32)

"""Yes means this: the record and its digest, the token, and everything that makes a yes stale or void."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from casework import decisions, proposals
from casework.errors import TokenInvalid
from casework.requests import (
    THE_SYSTEM,
    Decide,
    EndAuthority,
    Principal,
    ReviewEvidence,
    TakeAction,
    WithdrawDecision,
    WithdrawEvidence,
)
from ledger.errors import Refused
from tests.casework.shop import Shop, shop

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "decision.json").read_text())


# ------------------------------------------------------------------------------------------ vectors
@pytest.mark.parametrize("case", VECTORS["records"], ids=lambda case: case["name"])
def test_record_digest_vector(case: dict[str, Any]) -> None:
    # by the reference encoder, not by ours
    expected = hashlib.sha256(b"tallystick/decision/v1\x00" + rfc8785.dumps(case["record"])).hexdigest()
    assert case["digest"] == expected == decisions.record_digest(case["record"])


def test_every_member_of_the_record_moves_the_digest() -> None:
    record, digest = VECTORS["records"][1]["record"], VECTORS["records"][1]["digest"]
    for name in record:
        assert decisions.record_digest({**record, name: "other"}) != digest, name


def test_token_vector() -> None:
    vector = VECTORS["token"]
    data = rfc8785.dumps(vector["basis"])
    mac = hmac.digest(bytes.fromhex(vector["secret"]), b"tallystick/decision-token/v1\x00" + data, "sha256")
    parts = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (data, mac))
    assert vector["token"] == ".".join(parts)
    assert decisions.open_token(bytes.fromhex(vector["secret"]), vector["token"]) == vector["basis"]


def test_proposal_vector() -> None:
    vector = VECTORS["proposal"]
    body = vector["body"]
    made = proposals.body(
        vector["log"], vector["case"], body["proposal"], body["action"], vector["text"], body["value"],
        tuple(reversed(body["flags"])),
    )  # fmt: skip
    assert made == body
    bound = {"v": 1, "log": vector["log"], "case": vector["case"], "text": vector["text"]}
    bound |= {name: body[name] for name in ("proposal", "action", "value", "flags")}
    assert body["digest"] == hashlib.sha256(b"tallystick/proposal/v1\x00" + rfc8785.dumps(bound)).hexdigest()


def _check_passkey(vector: dict[str, Any]) -> None:
    """The recipe of docs/spec/decision.md section 6, by `cryptography` alone."""
    given = {name: _unb64(value) for name, value in vector["assertion"].items()}
    client = json.loads(given["client_data"])
    assert client["type"] == "webauthn.get" and client["crossOrigin"] is False
    assert _unb64(client["challenge"]) == bytes.fromhex(vector["digest"])
    assert client["origin"] in vector["origins"]
    assert given["authenticator_data"][:32] == hashlib.sha256(vector["rp_id"].encode()).digest()
    assert given["authenticator_data"][32] & 0x05 == 0x05
    key = serialization.load_der_public_key(_unb64(vector["spki"]))
    signed = given["authenticator_data"] + hashlib.sha256(given["client_data"]).digest()
    if vector["alg"] == -8:
        assert isinstance(key, ed25519.Ed25519PublicKey)
        key.verify(given["signature"], signed)
    else:
        assert vector["alg"] == -7 and isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(given["signature"], signed, ec.ECDSA(hashes.SHA256()))


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("vector", VECTORS["passkeys"], ids=lambda vector: vector["name"])
def test_passkey_vector(vector: dict[str, Any]) -> None:
    _check_passkey(vector)


@pytest.mark.parametrize("vector", VECTORS["passkeys"], ids=lambda vector: vector["name"])
def test_passkey_of_another_decision_or_with_flipped_bits_fails(vector: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        _check_passkey({**vector, "digest": VECTORS["records"][0]["digest"]})
    data = bytearray(_unb64(vector["assertion"]["authenticator_data"]))
    data[-1] ^= 1
    changed = {**vector["assertion"], "authenticator_data": base64.urlsafe_b64encode(bytes(data)).decode()}
    with pytest.raises(InvalidSignature):
        _check_passkey({**vector, "assertion": changed})


@pytest.mark.parametrize("spoil", ["", "x.y", "a" * 9000, "é.é", "e30.e30"])
def test_open_token_refuses_what_was_never_issued(spoil: str) -> None:
    with pytest.raises(TokenInvalid):
        decisions.open_token(bytes(32), spoil)


def test_open_token_refuses_every_changed_character() -> None:
    secret, token = bytes.fromhex(VECTORS["token"]["secret"]), VECTORS["token"]["token"]
    for at in range(0, len(token), 7):
        other = "A" if token[at] != "A" else "B"
        with pytest.raises(TokenInvalid):
            decisions.open_token(secret, token[:at] + other + token[at + 1 :])
    with pytest.raises(TokenInvalid):
        decisions.open_token(bytes(32), token)


# ------------------------------------------------------------------------------------------ what makes a yes void
Mutation = Callable[[Shop, str, decisions.Shown], Awaitable[decisions.Shown]]


async def _another_proposal(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
    await here.propose(case, value={"amount_minor": 82_000_00, "currency": "EUR"}, flags=("money",))
    return shown


async def _more_evidence(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
    await here.record(case, version=9)
    return shown


async def _less_evidence(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
    row = (await here.rows.scan("evidence", (case,)))[0]
    request = WithdrawEvidence(case, row["evidence"], "mistaken")
    await here.desk.withdraw_evidence(here.people["waiter"], here.key(), request)
    return shown


async def _later(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
    here.wait(minutes=15)
    return shown


async def _declined_already(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
    await here.decide(case, "action", "owner", verb="declined", reason_code="too_costly")
    return shown


async def _approved_already(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
    await here.decide(case, "action", "owner")
    return shown


async def _authority_ended(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
    owner = here.people["owner"]
    for row in await here.rows.scan("authority", (owner.id,)):
        await here.office.end_authority(owner, here.key(), EndAuthority(owner.id, row["authority"]))
    return shown


def _tampered(**changes: Any) -> Mutation:
    async def mutate(here: Shop, case: str, shown: decisions.Shown) -> decisions.Shown:
        basis = {**shown.basis, **changes}
        head = decisions.seal_token(bytes(32), basis)  # a forger has no secret
        return replace(shown, token=head)

    return mutate


MUTATIONS: list[tuple[str, Mutation, str]] = [
    ("another proposal", _another_proposal, "stale"),
    ("evidence attached", _more_evidence, "stale"),
    ("evidence withdrawn", _less_evidence, "stale"),
    ("too late", _later, "expired"),
    ("declined meanwhile", _declined_already, "transition"),
    ("approved meanwhile", _approved_already, "transition"),
    ("authority ended", _authority_ended, "no_authority"),
    ("token: other evidence", _tampered(evidence=[]), "token"),
    ("token: other expiry", _tampered(expires="2099-01-01T00:00:00.000Z"), "token"),
    ("token: other principal", _tampered(principal="somebody"), "token"),
]


@pytest.mark.parametrize(("name", "mutate", "code"), MUTATIONS, ids=[name for name, _, _ in MUTATIONS])
async def test_a_yes_to_something_else_is_refused(here: Shop, name: str, mutate: Mutation, code: str) -> None:
    case = await here.until("proposed")
    await here.record(case)
    owner = here.people["owner"]
    shown = await here.desk.show(owner, case, "action")
    mutated = await mutate(here, case, shown)
    size, _ = await here.rows.head()
    with pytest.raises((Refused, TokenInvalid), match=code):
        await here.desk.decide(owner, here.key(), Decide(mutated.token, "approved"))
    assert (await here.rows.head())[0] == size  # a refusal wrote nothing


async def test_a_yes_stands_when_only_the_log_grew(here: Shop) -> None:
    case = await here.until("proposed")
    shown = await here.desk.show(here.people["owner"], case, "action")
    await here.open(number="other")
    done = await here.desk.decide(here.people["owner"], here.key(), Decide(shown.token, "approved"))
    row = await here.rows.get("decision", (case, done.ids["decision"]))
    assert row is not None and json.loads(row["as_of"]) == shown.basis["as_of"]
    assert json.loads(row["as_of"])["size"] < (await here.rows.head())[0]


async def test_a_replayed_nonce_is_refused_even_for_another_verb(here: Shop) -> None:
    case = await here.until("proposed")
    owner = here.people["owner"]
    shown = await here.desk.show(owner, case, "action")
    first = await here.desk.decide(owner, "once", Decide(shown.token, "approved"))
    again = await here.desk.decide(owner, "once", Decide(shown.token, "approved"))
    assert again.outcome.replayed and again.ids["decision"] == first.ids["decision"]
    await here.desk.withdraw_decision(owner, here.key(), WithdrawDecision(case, first.ids["decision"]))
    with pytest.raises(Refused, match="nonce_replayed"):
        await here.desk.decide(owner, here.key(), Decide(shown.token, "declined", reason_code="too_costly"))


async def test_anothers_token_is_refused(here: Shop) -> None:
    case = await here.until("proposed")
    shown = await here.desk.show(here.people["accountant"], case, "action")
    with pytest.raises(Refused, match="stale"):
        await here.desk.decide(here.people["owner"], here.key(), Decide(shown.token, "approved"))


async def test_the_entry_names_the_digest_of_the_record(here: Shop) -> None:
    case = await here.until("proposed")
    owner = here.people["owner"]
    shown = await here.desk.show(owner, case, "action")
    request = Decide(shown.token, "declined", reason_code="too_costly", reason="Not for a cold soup")
    done = await here.desk.decide(owner, here.key(), request)
    (entry,) = await here.rows.entries(done.outcome.first_seq, 1)
    reason = entry.private["reason"]
    record = decisions.record(shown.basis, request, entry.body["authority"], None, reason)
    assert entry.body["digest"] == decisions.record_digest(record)
    assert await here.rows.open(reason) == "Not for a cold soup"
    assert await here.state(case) == "ACKNOWLEDGED"


DECIDERS = [
    ("agent", "agent_may_not"),
    ("waiter", "decider_is_maker"),
    ("second", "decider_is_maker"),
    ("lead", "no_authority"),
]


@pytest.mark.parametrize(("who", "code"), DECIDERS)
@pytest.mark.parametrize("verb", ["approved", "declined"])
async def test_decide_fails_for_whoever_may_not(here: Shop, who: str, code: str, verb: str) -> None:
    await here.join("second", "staff", same_as="waiter")
    await here.join("lead", "manager")
    for name in ("second", "waiter"):
        await here.may(name, "action")
    case = await here.until("proposed")
    reason = "too_costly" if verb == "declined" else None
    with pytest.raises(Refused, match=code):
        await here.decide(case, "action", who, verb=verb, reason_code=reason)


async def test_the_system_and_a_customer_never_decide(here: Shop) -> None:
    case = await here.until("proposed")
    for who in (THE_SYSTEM, Principal("guest-1", "customer", "link", "link")):
        shown = await here.desk.show(who, case, "action")
        with pytest.raises(Refused, match="agent_may_not"):
            await here.desk.decide(who, here.key(), Decide(shown.token, "approved"))


@pytest.mark.parametrize(("reason", "code"), [(None, "reason_missing"), ("no", "reason_unknown")])
async def test_declining_needs_a_coded_reason(here: Shop, reason: str | None, code: str) -> None:
    case = await here.until("proposed")
    with pytest.raises(Refused, match=code):
        await here.decide(case, "action", "owner", verb="declined", reason_code=reason)


async def test_action_names_no_beneficiaries(here: Shop) -> None:
    case = await here.until("proposed")
    with pytest.raises(Refused, match="value_invalid"):
        await here.decide(case, "action", "owner", beneficiaries=("x",))


# ------------------------------------------------------------------------------------------ undo and action
async def test_undo_takes_an_action_decision_back_until_the_action(here: Shop) -> None:
    case = await here.until("proposed")
    owner = here.people["owner"]
    decision = (await here.decide(case, "action", "owner")).ids["decision"]
    with pytest.raises(Refused, match="no_authority"):
        await here.desk.withdraw_decision(
            here.people["accountant"], here.key(), WithdrawDecision(case, decision)
        )
    await here.desk.withdraw_decision(owner, here.key(), WithdrawDecision(case, decision))
    assert await here.state(case) == "AWAITING_DECISION"
    with pytest.raises(Refused, match="decision_withdrawn"):
        await here.desk.withdraw_decision(owner, here.key(), WithdrawDecision(case, decision))
    decision = (await here.decide(case, "action", "owner")).ids["decision"]
    row = await here.rows.get("case_file", (case,))
    assert row is not None
    await here.act(case, row["proposal"])
    with pytest.raises(Refused, match="decision_has_effect"):
        await here.desk.withdraw_decision(owner, here.key(), WithdrawDecision(case, decision))


async def test_undo_of_an_award_decision_leaves_no_award(here: Shop) -> None:
    case = await here.until("passed")
    decision = (await here.approve(case)).ids["decision"]
    assert f"grant:{decision}" in await here.jobs()
    with pytest.raises(Refused, match="already_awarded"):
        await here.approve(case)
    request = WithdrawDecision(case, decision)
    await here.desk.withdraw_decision(here.people["accountant"], here.key(), request)
    assert f"grant:{decision}" not in await here.jobs()
    here.wait(seconds=11)
    with pytest.raises(Refused, match="decision_withdrawn"):
        await here.grant(case, decision)


async def test_take_action_takes_only_what_was_approved(here: Shop) -> None:
    case = await here.open()
    first = await here.propose(case)
    waiter = here.people["waiter"]
    with pytest.raises(Refused, match="not_decided"):
        await here.act(case, first)
    await here.decide(case, "action", "owner")
    second = await here.propose(case, value={"amount_minor": 900_00, "currency": "EUR"})
    with pytest.raises(Refused, match="stale"):
        await here.act(case, second)
    with pytest.raises(Refused, match="unknown"):
        await here.act(case, "another-proposal")
    with pytest.raises(Refused, match="agent_may_not"):
        await here.desk.take_action(here.people["agent"], here.key(), TakeAction(case, first))
    assert waiter.id  # the maker may carry out what another approved
    with pytest.raises(Refused, match="transition"):
        await here.act(case, first)  # a newer proposal waits for its decision


async def test_take_action_is_once_per_approval(here: Shop) -> None:
    """Who took the action is recognised for it: nobody says so later and takes their place."""
    case = await here.until("acted")
    row = await here.rows.get("case_file", (case,))
    assert row is not None
    await here.join("bystander", "staff")
    for who in ("bystander", "waiter"):
        with pytest.raises(Refused, match="already_acted"):
            await here.act(case, row["proposal"], who)
    again = await here.propose(
        case
    )  # a new suggestion needs a new yes, and then may be carried out by anybody
    await here.decide(case, "action", "owner")
    await here.act(case, again, "bystander")
    row = await here.rows.get("case_file", (case,))
    assert row is not None and row["action_by"] == here.people["bystander"].id


async def test_without_undo_time_the_grant_is_part_of_the_decision(tmp_path: Path) -> None:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path, undo_seconds=0) as here:
        case = await here.until("passed")
        done = await here.approve(case, message="Thank you")
        assert done.outcome.count == 2
        assert (await here.kinds(case))[-2:] == ["decision_made", "award_granted"]
        row = await here.rows.get("award", (done.ids["award"],))
        assert row is not None and await here.rows.open(row["message_item"]) == "Thank you"
        with pytest.raises(Refused, match="decision_has_effect"):
            request = WithdrawDecision(case, done.ids["decision"])
            await here.desk.withdraw_decision(here.people["accountant"], here.key(), request)


async def test_a_review_after_the_verdict_makes_it_outdated(here: Shop) -> None:
    case = await here.until("outcome")
    items = [row["evidence"] for row in await here.rows.scan("evidence", (case,))]
    await here.review(case, items[0])
    await here.judge(case)
    owner = here.people["owner"]
    await here.desk.review_evidence(
        owner, here.key(), ReviewEvidence(case, items[1], "refused", "not_convincing")
    )
    with pytest.raises(Refused, match="transition"):
        await here.approve(case)

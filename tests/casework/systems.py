"""Systems that send to a shop by themselves: a till with a hook whose key is replaced, one that signs as GitHub does,
and a provider whose key is trusted and ends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from casework.collectors import signed_file, webhook
from casework.collectors import work as collected
from casework.hook_requests import EndHook, EndSourceKey, IssueHookKey, OpenHook, TrustSourceKey
from casework.hook_signatures import key_of
from casework.hooks import Checked, Hooks
from casework.requests import RegisterSource
from ledger.clock import unix_ms_of
from ledger.ed25519 import Ed25519Signer
from tests.casework.shop import Shop
from verifiers import controllers

PROVIDER = Ed25519Signer(bytes(range(32)))
RESULT = {
    "registration": "r-1", "account": "wanda", "course": "food-safety-2", "course_version": "2026", "result": "passed",
    "score": 9150, "attempts": 1, "duration_seconds": 3000, "completed_at": "2026-11-20T08:00:00.000Z",
}  # fmt: skip


def signed(secret: str, name: str, at: str, body: bytes) -> dict[str, str]:
    """Return the headers of a call, signed as Standard Webhooks says."""
    seconds = unix_ms_of(at) // 1000
    mac = hmac.new(key_of("standard", secret), f"{name}.{seconds}.".encode() + body, hashlib.sha256).digest()
    told = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": name, "webhook-timestamp": str(seconds), "webhook-signature": told}


def file_of(said: dict[str, Any], signer: Ed25519Signer = PROVIDER) -> bytes:
    """Return a file that a provider signed."""
    parts = ({"alg": "EdDSA"}, said)
    text = ".".join(signed_file.write_public(json.dumps(one).encode()) for one in parts)
    return f"{text}.{signed_file.write_public(signer.sign(text.encode()))}".encode()


async def called(here: Shop, hook: str, headers: dict[str, str], body: bytes) -> Checked:
    """Return a call whose signature holds."""
    row = await here.rows.get("hook", (hook,))
    assert row is not None
    call = await Hooks(here.intake).check(row, headers, body)
    assert call is not None
    return call


async def said_of(here: Shop, call: Checked, case: str) -> None:
    """Take a call that says something of a case."""
    source = await here.rows.get("source", (call.hook["source"],))
    assert source is not None
    item = webhook.collect(case, "Paid back", call.hook, call.key, source, call.sent, here.now())
    await Hooks(here.intake).take(call, item, ())


async def lived(here: Shop) -> dict[str, str]:
    """Let them send; return names."""
    hooks, owner = Hooks(here.intake), here.people["owner"]
    await here.office.register_source(
        owner, here.key(), RegisterSource("till", ("complaint",), {"party": "source:till"}, None)
    )
    await here.office.register_source(
        owner, here.key(), RegisterSource("academy", ("training_result",), {"party": "source:academy"}, None)
    )
    opened = await hooks.open_hook(owner, here.key(), OpenHook("till", "standard", "At the bar"))
    hook, first = opened.ids["hook"], opened.secrets["secret"]
    case = await here.open(number="sent")
    await said_of(here, await called(here, hook, signed(first, "m-1", here.now(), b"{1}"), b"{1}"), case)
    other = await hooks.issue_key(owner, here.key(), IssueHookKey(hook, 1))
    second = other.secrets["secret"]
    for secret, name in ((first, "m-2"), (second, "m-3")):
        body = name.encode()
        await hooks.take(await called(here, hook, signed(secret, name, here.now(), body), body), None, ())
    here.wait(minutes=60)
    hub = await hooks.open_hook(owner, here.key(), OpenHook("till", "github"))
    mac = hmac.new(hub.secrets["secret"].encode(), b"hub", hashlib.sha256).hexdigest()
    headers = {"x-github-delivery": "d-1", "x-hub-signature-256": f"sha256={mac}"}
    await hooks.take(await called(here, hub.ids["hook"], headers, b"hub"), None, ())
    public = signed_file.write_public(PROVIDER.public_key)
    trusted = await hooks.trust_key(owner, here.key(), TrustSourceKey("academy", public))
    await _shown(here, case)
    ended = EndSourceKey("academy", trusted.ids["key"], "replaced")
    await hooks.end_key(owner, here.key(), ended)
    await hooks.end_hook(owner, here.key(), EndHook(hook, "replaced"))
    return {
        "sent": case,
        "till": hook,
        "hub": hub.ids["hook"],
        "first_key": opened.ids["key"],
        "second_key": other.ids["key"],
    }


async def _shown(here: Shop, case: str) -> None:
    source = await here.rows.get("source", ("academy",))
    assert source is not None
    said = {**signed_file.result_of(RESULT), "provider": "academy", "member": None, "channel": "file"}
    formula = controllers.to_json(signed_file.made_by(source))
    item = collected.training_result(
        here.people["waiter"], case, said, formula, "E4", here.now(), file_of(RESULT)
    )
    await here.desk.attach_evidence(here.people["waiter"], here.key(), item)

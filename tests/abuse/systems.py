"""Abuses of the doors of systems: calls sent again, late or made up, and files that somebody signed themselves."""

from __future__ import annotations

import base64
import json
from typing import Any

from casework.collectors.signed_file import write_public
from ledger.ed25519 import Ed25519Signer
from tests.abuse.flows import course_of, enrolled, honest_course
from tests.abuse.ground import DAY, HOUR, Ground
from tests.abuse.register import abuse
from tests.senders import Sender, hooked

GROUP = "Systems that send"


def passed(g: Ground, name: str = "r-1", account: str = "ada.w") -> dict[str, Any]:
    """Return the call of a course that was passed."""
    data = {
        "registration": name, "account": account, "course": "food-safety-2", "course_version": "2026",
        "result": "passed", "score": 9000, "attempts": 1, "duration_seconds": 3600, "completed_at": g.now,
    }  # fmt: skip
    return {"type": "training_result", "data": data}


async def tried(g: Ground, system: Sender, body: bytes, headers: dict[str, str]) -> None:
    """Send bytes under headers; a refusal's code is noted."""
    answer = await g.at.client.post(system.path, content=body, headers=headers)
    if answer.status_code >= 400:
        g.said.append(str(answer.json()["code"]))


async def shown(g: Ground, case: str) -> dict[str, int]:
    """Show the result, whether it is there or not, and let the honest rest believe it; nobody deserves anything."""
    await g.post(f"/cases/{case}/work/result", "staff", {"record": "r-1"})
    await g.believed()
    return {}


@abuse(GROUP, "a colleague's result sent again with one's own name in it", "staff")
async def replayed(g: Ground) -> dict[str, int]:
    await enrolled(g)
    case, system = await course_of(g), await g.system("lms")
    theirs = json.dumps(passed(g, "r-9", "bob.s")).encode()
    headers = system.signed(theirs)
    for body in (theirs, theirs, theirs.replace(b"bob.s", b"ada.w").replace(b"r-9", b"r-1")):
        await tried(g, system, body, headers)
    return await shown(g, case)


@abuse(GROUP, "a result signed with a key that leaked and was replaced", "staff")
async def old_key(g: Ground) -> dict[str, int]:
    await enrolled(g)
    case, system = await course_of(g), await g.system("lms")
    await g.must(f"{system.path.removeprefix('/api/v1')}/keys", "owner", {"overlap_hours": 0})
    body = json.dumps(passed(g)).encode()
    await tried(g, system, body, system.signed(body))
    return await shown(g, case)


@abuse(GROUP, "a call held back for three days", "staff")
async def held_back(g: Ground) -> dict[str, int]:
    await enrolled(g)
    system = await g.system("lms")
    body = json.dumps(passed(g)).encode()
    headers = system.signed(body)
    g.at.wait(3 * DAY)
    case = await course_of(g)
    await tried(g, system, body, headers)
    await tried(
        g, system, body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 3 * DAY)}
    )
    return await shown(g, case)


@abuse(GROUP, "a result signed with a guessed secret", "staff")
async def guessed(g: Ground) -> dict[str, int]:
    await enrolled(g)
    case, system = await course_of(g), await g.system("lms")
    made_up = Sender(g.at, system.path, "whsec_" + base64.b64encode(b"learning-platform-2026").decode())
    body = json.dumps(passed(g)).encode()
    await tried(g, system, body, made_up.signed(body))
    return await shown(g, case)


@abuse(GROUP, "one result sent twice under two ids, for two claims", "staff", "lms")
async def sent_twice(g: Ground) -> dict[str, int]:
    await honest_course(g)
    await g.believed()
    system = await g.system("lms")
    again = passed(g)
    again["data"] |= {"score": 9500}
    for one in (again, passed(g)):
        await tried(g, system, json.dumps(one).encode(), system.signed(json.dumps(one).encode()))
    await shown(g, await course_of(g))
    return {"staff": 5}


@abuse(GROUP, "an owner signs with the secret they were shown, and says yes", "staff", "owner")
async def owner_signs(g: Ground) -> dict[str, int]:
    await enrolled(g)
    case, system = await course_of(g), await hooked(g.at, g.team.keys["owner"], "lms")
    g.at.wait(2 * HOUR)
    await system.sent(passed(g))
    await g.post(f"/cases/{case}/work/result", "staff", {"record": "r-1"})
    await g.must("/authorities", "owner", {"member": g.who("owner"), "about": "award"})
    await g.examined()
    await g.decide(case, "owner", **g.gift("training", "staff"))
    await g.wait(20)
    return {}


@abuse(GROUP, "a certificate that one signed oneself", "staff")
async def own_certificate(g: Ground) -> dict[str, int]:
    await enrolled(g)
    case, signer = await course_of(g), Ed25519Signer(bytes(range(32)))
    g.at.wait(2 * HOUR)
    await g.post("/sources/lms/keys", "staff", {"public": write_public(signer.public_key)})
    parts = ({"alg": "EdDSA"}, passed(g)["data"])
    signed = ".".join(write_public(json.dumps(one).encode()) for one in parts)
    file = f"{signed}.{write_public(signer.sign(signed.encode()))}"
    await g.post(f"/cases/{case}/work/result-file", "staff", {"source": "lms", "file": file})
    return await shown(g, case)

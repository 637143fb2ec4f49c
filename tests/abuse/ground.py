"""Where abuses are played: one organisation with people of every kind, all five policies, a plan and a tag; and the
honest rest of it, which believes what it is shown.

Everything goes through the API. Those who are not part of a coalition review every piece of evidence as accepted,
have every case judged and say yes to every award they may decide: what is stopped is stopped by the record, not by
somebody's suspicion. Then the windows pass, and what is settled is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from casework import tables
from tests.abuse.documents import courses
from tests.api.house import House, Team
from tests.casework.tags import Tag
from tests.senders import Sender, hooked, record

MINUTE, HOUR, DAY = 60, 3_600, 86_400
TAG_KEYS = {"meta_key": "5a" * 16, "file_key": "6b" * 16}
TOKENS = {"service_issue": 5, "operational_check": 1, "handover": 5, "training": 5, "referral": 20}
SOURCE_OF = {
    "complaint": "desk",
    "bill": "till",
    "lead": "crm",
    "candidate": "crm",
    "shift": "rota",
    "training_result": "lms",
}
SAYS_LITTLE = ("ok", "nothing_left")
"""Reasons of lines that only follow from an earlier one."""
HONEST_DECIDERS = ("outsider", "manager", "owner")


@dataclass
class Ground:
    """One organisation. `said`: the codes of what was refused, in order; `coalition`: who plays false."""

    at: House
    team: Team
    budget: str
    tag: Tag
    point: str
    coalition: frozenset[str]
    said: list[str] = field(default_factory=list)
    taps: int = 0
    systems: dict[str, Sender] = field(default_factory=dict)
    shared: Path = Path()

    @property
    def now(self) -> str:
        """Return the instant it is."""
        return str(self.at.app.state.installation.clock.now())

    # ------------------------------------------------------------------------------------------ asking
    async def ask(self, method: str, path: str, role: str, **more: Any) -> httpx.Response:
        """Send a request as somebody; a refusal's code is noted."""
        answer = await self.at.ask(method, f"/api/v1{path}", self.team.keys[role], **more)
        if answer.status_code >= 400:
            self.said.append(str(answer.json()["code"]))
        return answer

    async def post(self, path: str, role: str, json: Any = None, **more: Any) -> dict[str, Any]:
        """Send a change; return its answer, refused or not."""
        told: dict[str, Any] = (await self.ask("POST", path, role, json=json, **more)).json()
        return told

    async def must(self, path: str, role: str, json: Any = None, **more: Any) -> dict[str, Any]:
        """Send a change that has to succeed for the abuse to be one."""
        return await self.at.done(f"/api/v1{path}", self.team.keys[role], json, **more)

    async def case(self, case: str) -> dict[str, Any]:
        """Return a case as the owner reads it."""
        told: dict[str, Any] = (await self.ask("GET", f"/cases/{case}", "owner")).json()
        return told

    async def cases(self) -> list[dict[str, Any]]:
        """Return every case."""
        items: list[dict[str, Any]] = (await self.ask("GET", "/cases?limit=200", "owner")).json()["items"]
        return items

    def who(self, role: str) -> str:
        """Return a member id."""
        return self.team.members[role]

    async def joined(self, role: str, *roles: str, same_as: str | None = None) -> None:
        """Let somebody join, with a key."""
        body = {"name": role.title(), "roles": list(roles or ("staff",)), "same_as": same_as}
        self.team.members[role] = (await self.must("/members", "owner", body))["ids"]["member"]
        self.team.keys[role] = (await self.must("/keys", "owner", {"member": self.who(role)}))["secret"]

    async def wait(self, seconds: int) -> None:
        """Let time pass and the worker do what is due."""
        self.at.wait(seconds)
        await self.at.tick()

    # ------------------------------------------------------------------------------------------ what everybody does
    async def record(
        self,
        kind: str,
        name: str,
        values: dict[str, Any],
        by: str | None = None,
        source: str | None = None,
        **more: Any,
    ) -> None:
        """Bring a version of a record: by a member's upload, or (None) by the system that holds it, on its own."""
        source = source or SOURCE_OF[kind]
        if by is not None:
            said = {"kind": kind, "id": name, "event_at": self.now, "values": values, **more}
            await self.must(f"/sources/{source}/records:batch", by, {"records": [said]})
            return
        system = await self.system(source)
        done = await system.sent(record(kind, name, self.now, values, **more))
        assert done["imported"] == 1, done

    async def system(self, source: str) -> Sender:
        """Return the system of a source. Its hook opens when it is asked for first, by an owner who does nothing else:
        whoever is shown a secret counts as somebody who could have sent."""
        if source not in self.systems:
            if "keeper" not in self.team.keys:
                await self.joined("keeper", "owner")
            self.systems[source] = await hooked(self.at, self.team.keys["keeper"], source)
        return self.systems[source]

    async def decide(
        self, case: str, role: str, about: str = "award", verb: str = "approved", **more: Any
    ) -> str:
        """Decide on a case as somebody; return the decision, or "" where it is refused."""
        card = await self.ask("GET", f"/cases/{case}/card?about={about}", role)
        if card.status_code != 200:
            return ""
        body = {"token": card.json()["token"], "verb": verb, **more}
        told = await self.post(
            f"/cases/{case}/decisions", role, body, headers={"If-Match": card.headers["etag"]}
        )
        return str(told["ids"]["decision"]) if "ids" in told else ""

    def gift(self, kind: str, *roles: str, tokens: int | None = None) -> dict[str, Any]:
        """Return what an approver names: for whom, how much, from where."""
        amount = TOKENS[kind] if tokens is None else tokens
        return {
            "beneficiaries": [self.who(one) for one in roles],
            "amount_tokens": amount,
            "budget": self.budget,
        }

    async def examined(self) -> None:
        """Let the honest rest accept all evidence and have all judged."""
        for case in await self.cases():
            path, told = f"/cases/{case['case']}", await self.case(case["case"])
            for item in told["evidence"]:
                if item["review"] is None:
                    await self._accepted(f"{path}/evidence/{item['evidence']}/review")
            if told["case"]["outcome_seq"] is not None:
                await self.at.ask("POST", f"/api/v1{path}/verdicts", self.team.keys["owner"], json={})
        await self.at.tick()

    async def _accepted(self, path: str) -> None:
        for role in ("owner", "manager", "outsider"):
            if role not in self.coalition:
                answer = await self.at.ask(
                    "POST", f"/api/v1{path}", self.team.keys[role], json={"result": "accepted"}
                )
                if answer.status_code < 400:
                    return

    async def believed(self) -> None:
        """Let the honest rest accept all evidence, have all judged, and say yes wherever it may."""
        await self.examined()
        for case in await self.cases():
            told = await self.case(case["case"])
            judged = [one for one in told["verdicts"] if one["verdict"] == told["case"]["verdict"]]
            if not judged or judged[0]["result"] != "pass" or told["case"]["award"] is not None:
                continue
            given = {
                "beneficiaries": judged[0]["beneficiaries"],
                "amount_tokens": TOKENS[told["case"]["award_kind"]],
                "budget": self.budget,
            }
            for role in HONEST_DECIDERS:
                if role not in self.coalition and await self.decide(case["case"], role, **given):
                    break
        await self.wait(20)

    async def settled_tokens(self, days: int = 45) -> dict[str, int]:
        """Let the windows pass; return what each member holds, who holds nothing left out."""
        for _ in range(3):
            await self.wait(days * DAY // 3)
            await self.recalled()
        members = self.team.members
        rows = (await self.at.app.state.installation.rooms(self.team.log)).rows
        found = {}
        for role, member in members.items():
            shares = await rows.find(tables.award_share, {"member": member})
            sums = 0
            for share in shares:
                award = await rows.need("award", tables.award, award=share["award"])
                sums += share["amount"] if award["state"] == "settled" else 0
            if sums:
                found[role] = sums
        return found

    async def recalled(self) -> None:
        """Let everybody who is asked about a course answer well: the right answers stand in the published policy."""
        rows = (await self.at.app.state.installation.rooms(self.team.log)).rows
        roles = {member: role for role, member in self.team.members.items()}
        for award in await rows.find(tables.award, {"state": "provisional", "kind": "training"}):
            for share in await rows.find(tables.award_share, {"award": award["award"]}):
                await self.answered(award["award"], roles[share["member"]])

    async def answered(self, award: str, role: str, *, well: bool = True) -> httpx.Response | None:
        """Answer what somebody is asked now, well or as badly as possible; None: nothing is asked."""
        path, key = f"/api/v1/awards/{award}/recall", self.team.keys[role]
        told = await self.at.ask("GET", path, key)
        if told.status_code != 200 or not told.json()["questions"]:
            return None
        right = courses()[told.json()["course"]]["recall"]["questions"]
        given = [
            (right[one["id"]]["right"] + (not well)) % len(one["answers"]) for one in told.json()["questions"]
        ]
        return await self.at.ask("POST", path, key, json={"answers": given})

    async def why(self) -> list[str]:
        """Return what stood in the way: codes of refusals, and the lines of verdicts that did not pass."""
        rows, lines = (await self.at.app.state.installation.rooms(self.team.log)).rows, []
        for case in await self.cases():
            for verdict in (await self.case(case["case"]))["verdicts"]:
                if verdict["output_item"] is not None:
                    checks = (await rows.open(verdict["output_item"]))["checks"]
                    lines += [
                        one["reason"]
                        for one in checks
                        if one["result"] not in ("pass", "not_needed") and one["reason"] not in SAYS_LITTLE
                    ]
        return [*dict.fromkeys([*self.said, *lines])]

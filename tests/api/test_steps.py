"""Nobody is stuck without a sentence: a door tells who may take each step of a case, or what to do about it.

Every cell of the table for teams of 2 and 3 (tests/casework/teams.py) is held against the doors themselves: each
member tries the step on a case that has come that far, and succeeds exactly if the table and the answer name them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.remote import OPERATOR_TOKEN_FILE
from casework.cases import later
from casework.staffing import BECAUSE, SENTENCES, STEPS
from ledger.clock import instant_of
from tests.api.house import CHARTER, House, Team
from tests.api.test_path import DESK, KINDS, PLAYBOOK, record
from tests.casework.teams import POWERS, TABLE, TEAMS, Able, Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
DAY_SECONDS = 86_400


async def test_steps_of_a_report_name_people_or_say_a_sentence(at: House, ours: Team) -> None:
    case = (await at.done("/api/v1/reports", ours.keys["staff"], {"note": "The lift stops"}))["ids"]["case"]
    answer = await at.ask("GET", f"/api/v1/cases/{case}/steps", ours.keys["manager"])
    assert answer.status_code == 200
    told = {item["step"]: item for item in answer.json()["items"]}
    assert set(told) == set(STEPS)
    assert told["acknowledge"]["members"] == [ours.members["manager"]]
    assert ours.members["staff"] in told["take_action"]["members"]
    assert ours.members["agent"] not in told["take_action"]["members"]
    assert ours.members["agent"] in told["propose"]["members"]
    # nobody was given the power to decide yet
    assert told["decide_action"] == {
        "step": "decide_action",
        "members": [],
        "sentence": SENTENCES["decide_action"],
    }


async def test_steps_of_an_unknown_case_are_not_found(at: House, ours: Team, theirs: Team) -> None:
    case = (await at.done("/api/v1/reports", theirs.keys["staff"], {"note": "The lift stops"}))["ids"]["case"]
    answer = await at.ask("GET", f"/api/v1/cases/{case}/steps", ours.keys["manager"])
    assert answer.status_code == 404


# ------------------------------------------------------------------------------------------ the table, at the doors
@dataclass
class Stage:
    """One organisation with a team of the table, and what its people do to bring a case as far as a scene needs it."""

    at: House
    members: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    budget: str = ""
    count: int = 0

    async def do(self, who: str, path: str, body: Any = None) -> dict[str, Any]:
        """Let somebody do what must succeed, and return its ids."""
        told = await self.at.done(f"/api/v1{path}", self.keys[who], body)
        ids: dict[str, Any] = told.get("ids", told)
        return ids

    async def told(self, path: str) -> dict[str, Any]:
        """Return what the owner is told."""
        answer = await self.at.ask("GET", f"/api/v1{path}", self.keys["marta"])
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def furnish(self, size: int, terms: str = "") -> None:
        """Open the organisation: its people with their powers, what is watched, a budget of two, one that waits.
        `terms`: a line that the policy has beside its own."""
        token = (self.at.settings.data_dir / OPERATOR_TOKEN_FILE).read_text()
        body = {"name": f"Team of {size}", "owner_name": "Marta", "simulated": True}
        headers = {"X-Operator-Token": token}
        opened = (await self.at.client.post("/api/v1/organisations", json=body, headers=headers)).json()
        self.members["marta"], self.keys["marta"] = opened["member"], opened["key"]
        for name, (role, powers) in TEAMS[size].items():
            if role == "agent":
                agent = {"name": name, "charter": CHARTER, "answers_to": self.members["marta"]}
                self.members[name] = (await self.do("marta", "/agents", agent))["member"]
            elif name != "marta":
                joined = await self.do("marta", "/members", {"name": name, "roles": [role]})
                self.members[name] = joined["member"]
            if name != "marta":
                issued = await self.at.done(
                    "/api/v1/keys", self.keys["marta"], {"member": self.members[name]}
                )
                self.keys[name] = issued["secret"]
            for power in powers:
                about, second = POWERS[power]
                given = {"member": self.members[name], "about": about, "second_person": second}
                await self.do("marta", "/authorities", given)
        policy = (ROOT / "verifiers" / "policies" / "service_issue.yaml").read_text()
        policy = policy.replace("  window_days:", f"{terms}  window_days:")
        await self.do("marta", "/kinds", {"yaml": KINDS + "      opened_at: instant\n"})
        await self.do("marta", "/policies", {"yaml": policy})
        await self.do("marta", "/playbooks", {"yaml": PLAYBOOK})
        await self.do("marta", "/sources", DESK)
        await self.do("marta", "/settings", {"settings": {"draw_permille": 0}})  # a drawn one waits longer
        self.budget = (await self.do("marta", "/budgets", {"amount_tokens": 500}))["budget"]
        approver = next(name for name, (_, powers) in TEAMS[size].items() if "2" in powers)
        await self.do(approver, f"/budgets/{self.budget}/approve", {"amount_tokens": 500})

    async def send(self, name: str, status: str, opened: str) -> None:
        """Let the booking system, which is no person, send a version of a complaint."""
        sent = record(name, status, self.at.app.state.installation.clock.now(), opened)
        await self.do("robin", "/sources/desk/records:batch", {"records": [sent]})

    async def decided(self, case: str, who: str, about: str, **more: Any) -> httpx.Response:
        """Let somebody look and say yes."""
        card = await self.at.ask("GET", f"/api/v1/cases/{case}/card?about={about}", self.keys[who])
        if card.status_code != 200:
            return card
        body, headers = (
            {"token": card.json()["token"], "verb": "approved", **more},
            {"If-Match": card.headers["etag"]},
        )
        path = f"/api/v1/cases/{case}/decisions"
        return await self.at.ask("POST", path, self.keys[who], json=body, headers=headers)

    async def awarded(self, case: str, who: str, worker: str) -> httpx.Response:
        """Let somebody say yes to the award."""
        earned = {"beneficiaries": [self.members[worker]], "amount_tokens": 5, "budget": self.budget}
        return await self.decided(case, who, "award", **earned)

    async def play(self, scene: Scene) -> dict[str, str]:
        """Bring a fresh case as far as the scene says, and return its ids by name."""
        self.count += 1
        name, at = f"c-{self.count}", self.at
        opened = at.app.state.installation.clock.now()
        await self.send(name, "open", opened)
        at.wait(3 * 3600)
        await at.tick()
        case = (await self.told("/cases?playbook=complaint_open&limit=1"))["items"][0]["case"]
        ids = {"case": case, "name": name, "opened": opened}
        for stage, step in STORY.items():
            if scene.after(stage):
                await step(self, scene, ids)
        return ids


async def _opened(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    owner = {"owner": here.members[scene.worker], "reason_code": "handed_over"}
    await here.do("marta", f"/cases/{ids['case']}/owner", owner)
    declined = {"verb": "declined", "reason_code": "other_solution"}
    answer = await here.decided(ids["case"], scene.decides, "action", **declined)
    assert answer.status_code == 201, answer.text
    ids["decision"] = answer.json()["ids"]["decision"]
    ids["waits"] = (await here.do("marta", "/budgets", {"amount_tokens": 7}))["budget"]


async def _proposed(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    body = {"action": "call", "text": "Call the guest"}
    ids["proposal"] = (await here.do(scene.maker, f"/cases/{ids['case']}/proposals", body))["proposal"]


async def _approved(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    answer = await here.decided(ids["case"], scene.decides, "action")
    assert answer.status_code == 201, answer.text
    ids["decision"] = answer.json()["ids"]["decision"]


async def _acted(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    here.at.wait(60)
    case = ids["case"]
    await here.do(scene.worker, f"/cases/{case}/actions", {"proposal": ids["proposal"]})
    seen = await here.told(f"/cases/{case}")
    ids["customer"] = seen["texts"][seen["case"]["subject_item"]]["customer"]
    link = {"customer": ids["customer"], "until": "2027-12-31T00:00:00Z"}
    asked = await here.at.done(f"/api/v1/cases/{case}/links", here.keys[scene.worker], link)
    here.at.wait(600)
    assert (await here.at.client.post(asked["path"], data={"answer": "resolved"})).status_code == 200
    await here.send(ids["name"], "closed", ids["opened"])
    shown = {"kind": "complaint", "record": ids["name"]}
    ids["evidence"] = (await here.do(scene.worker, f"/cases/{case}/evidence/record", shown))["evidence"]


async def _passed(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    case = ids["case"]
    reviewer = next(name for name in ("marta", "ana") if name != scene.worker)
    for item in (await here.told(f"/cases/{case}"))["evidence"]:
        looked = f"/cases/{case}/evidence/{item['evidence']}/review"
        await here.do(reviewer, looked, {"result": "accepted"})
    await here.do(scene.worker, f"/cases/{case}/outcome", {"resolution": "fixed", "impact": "none"})
    await here.at.tick()
    seen = await here.told(f"/cases/{case}")
    assert seen["case"]["state"] == "RESOLVED", (
        scene,
        [(one["result"], one["missing"]) for one in seen["verdicts"]],
    )


async def _provisional(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    approver = next(who for who in ("ines", "marta", "ana") if who in here.keys and who != scene.worker)
    answer = await here.awarded(ids["case"], approver, scene.worker)
    assert answer.status_code == 201, answer.text
    here.at.wait(11)
    await here.at.tick()
    ids["award"] = (await here.told(f"/cases/{ids['case']}"))["case"]["award"]


async def _held(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    if scene.stage == "held":
        await here.do(scene.holds, f"/awards/{ids['award']}/hold", {"reason_code": "under_question"})
        await _asked_first(here, scene, ids, "decline")


async def _asked_first(here: Stage, scene: Scene, ids: dict[str, str], about: str) -> None:
    """Whoever is recognised is asked about the end that is planned, and answers."""
    path, body = f"/cases/{ids['case']}/disputes", {"about": about, "reason_code": "duplicate"}
    ids["dispute"] = (await here.do(scene.asker, path, body))["dispute"]
    await here.do(scene.worker, f"{path}/{ids['dispute']}/answers", {"reply": "It was another one"})


async def _settled(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    here.at.wait(15 * DAY_SECONDS)
    await here.at.tick()
    assert (await here.told(f"/awards/{ids['award']}"))["award"]["state"] == "settled"


async def _questioned(here: Stage, scene: Scene, ids: dict[str, str]) -> None:
    await here.do(scene.holds, f"/awards/{ids['award']}/hold", {"reason_code": "revocation_asked"})
    await _asked_first(here, scene, ids, "revoke")


STORY: dict[str, Any] = {
    "opened": _opened, "proposed": _proposed, "approved": _approved, "acted": _acted, "passed": _passed,
    "provisional": _provisional, "held": _held, "settled": _settled, "questioned": _questioned,
}  # fmt: skip

MISSING = "01a1f866-0d00-7944-b5ab-9b1aa0731dd3"
DOORS: dict[str, tuple[str, dict[str, Any]]] = {
    # step -> door, with ids by name, and the body of somebody who means it
    "acknowledge": ("/cases/{case}/acknowledge", {"until": "{tomorrow}"}),
    "propose": ("/cases/{case}/proposals", {"action": "call", "text": "Call again"}),
    "withdraw_decision": ("/cases/{case}/decisions/{decision}/withdraw", {}),
    "take_action": ("/cases/{case}/actions", {"proposal": "{proposal}"}),
    "attach_evidence": ("/cases/{case}/evidence/statement", {"statement": "I saw it"}),
    "withdraw_evidence": ("/cases/{case}/evidence/{evidence}/withdraw", {"reason_code": "mistaken"}),
    "issue_link": ("/cases/{case}/links", {"customer": "{customer}", "until": "2028-01-01T00:00:00Z"}),
    "review_evidence": ("/cases/{case}/evidence/{evidence}/review", {"result": "accepted"}),
    "record_outcome": ("/cases/{case}/outcome", {"resolution": "accepted_risk", "impact": "none"}),
    "set_budget": ("/budgets", {"amount_tokens": 9}),
    "approve_budget": ("/budgets/{waits}/approve", {"amount_tokens": 7}),
    "hold": ("/awards/{award}/hold", {"reason_code": "under_question"}),
    "release": ("/awards/{award}/release", {"reason_code": "answered"}),
    "dispute": ("/cases/{case}/disputes", {"about": "decline", "reason_code": "duplicate"}),
    "close_dispute": ("/cases/{case}/disputes/{dispute}/close", {"reason_code": "answered"}),
    "decline_award": ("/awards/{award}/decline", {"reason_code": "duplicate"}),
    "revoke": ("/awards/{award}/revoke", {"reason_code": "duplicate"}),
    "reopen": ("/cases/{case}/reopen", {"reason_code": "not_fixed"}),
    "close": ("/cases/{case}/close", {"reason_code": "false_alarm"}),
}


async def tried(here: Stage, scene: Scene, step: str, ids: dict[str, str], who: str) -> httpx.Response:
    """Let somebody try a step."""
    if step == "decide_action":
        return await here.decided(ids["case"], who, "action")
    if step == "decide_award":
        return await here.awarded(ids["case"], who, scene.worker)
    path, body = DOORS[step]
    if step == "dispute":
        body = {**body, "about": "revoke" if scene.after("settled") else "decline"}
    elif step == "close_dispute" and who == scene.asker:
        body = {"reason_code": "withdrawn"}
    known = dict.fromkeys(("decision", "proposal", "evidence", "award", "customer", "dispute"), MISSING) | ids
    known["tomorrow"] = later(instant_of(here.at.clock.read().unix_ms), days=1)
    body = {name: value.format(**known) if type(value) is str else value for name, value in body.items()}
    return await here.at.ask("POST", f"/api/v1{path.format(**known)}", here.keys[who], json=body)


async def hold_against(here: Stage, scene: Scene, cells: dict[str, Able]) -> None:
    """Ask who may take each step, then let everybody try: first who may not, on one case; then each on a fresh one."""
    ids = await here.play(scene)
    told = {item["step"]: item for item in (await here.told(f"/cases/{ids['case']}/steps"))["items"]}
    for step, able in cells.items():
        named = {here.members[name]: name for name in TEAMS[scene.size]}
        assert tuple(named[one] for one in told[step]["members"]) == (able or ()), (scene, step)
        assert (told[step]["sentence"] is None) == (able is not None), (scene, step)
        if step == "confirm":
            continue  # by the customer's link alone: there is no door for members
        for who in set(TEAMS[scene.size]) - set(able or ()):
            answer = await tried(here, scene, step, ids, who)
            # 403: not this person; 404 and 409: there is nothing to take it on
            assert answer.status_code in (403, 404, 409), (scene, step, who, answer.text)
    for step, able in cells.items():
        for who in able or ():
            ids = await here.play(scene)
            if step == "decline_award" and scene.stage == "provisional":
                await _asked_first(here, scene, ids, "decline")
            answer = await tried(here, scene, step, ids, who)
            assert answer.status_code in (200, 201), (scene, step, who, answer.text)


@pytest.mark.parametrize("size", [2, 3])
async def test_every_cell_of_the_table_is_what_the_doors_answer(at: House, size: int) -> None:
    here = Stage(at)
    await here.furnish(size)
    for scene, cells in TABLE:
        if scene.size == size:
            await hold_against(here, scene, cells)


async def test_the_door_and_the_answer_agree_on_who_would_give_a_yes_back(at: House) -> None:
    here = Stage(at)
    await here.furnish(2, "  reciprocity_days: 30\n")
    await here.play(Scene(2, "provisional", "marta", "robin", "ana"))  # Ana recognised Marta
    ids = await here.play(Scene(2, "passed", "ana", "ana"))
    told = {item["step"]: item for item in (await here.told(f"/cases/{ids['case']}/steps"))["items"]}
    assert (told["decide_award"]["members"], told["decide_award"]["sentence"]) == (
        [],
        BECAUSE["decide_award", "reciprocal"],
    )
    assert told["dispute"]["members"] == [here.members["marta"]], "a no may be planned all the same"
    refused = await here.awarded(ids["case"], "marta", "ana")
    assert (refused.status_code, refused.json()["code"]) == (409, "reciprocal")
    at.wait(31 * DAY_SECONDS)
    told = {item["step"]: item for item in (await here.told(f"/cases/{ids['case']}/steps"))["items"]}
    assert told["decide_award"]["members"] == [here.members["marta"]]
    assert (await here.awarded(ids["case"], "marta", "ana")).status_code == 201

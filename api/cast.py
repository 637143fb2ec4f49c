"""The cast of a rehearsal: scripted people who use the product through its HTTP door only, like anybody else.

`Door` is one person's key and counts what was asked and what was refused. `Script` walks one case from its opening to
its end, hour by hour; its cheats are attempts that must be refused and must leave nothing behind. `simulate` and the
demo venue play these scripts; nothing here touches a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

REQUEST_SECONDS_MAX = 30.0


class RehearsalBroken(Exception):
    """An answer nobody scripted: the product or the script is wrong. Says the request, expected and got."""


@dataclass(slots=True)
class Tally:
    """What the cast tried: all attempts to change something, the refused ones by code, the scripted cheats by name."""

    attempts: int = 0
    replays: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    cheats: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)
    head: Callable[[], int] = lambda: 0
    """Reads the size of the log, for whoever may: a cheat must not make it grow."""
    left_behind: list[str] = field(default_factory=list)
    """Refusals after which the log was not what it had been: always empty, or the product is broken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door said: HTTP status, problem code ("" when it was done), JSON body, ETag."""

    status: int
    code: str
    body: Mapping[str, Any]
    etag: str

    @property
    def ids(self) -> Mapping[str, str]:
        """Return the ids that a change made."""
        ids: Mapping[str, str] = self.body["ids"]
        return ids


class Door:
    """One key at the API. Every change carries an Idempotency-Key drawn from the rehearsal's own random numbers."""

    def __init__(
        self,
        client: httpx.Client,
        key: str,
        member: str,
        name: str,
        random: Random,
        tally: Tally,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.member = member
        self.name = name
        self.tally = tally
        self._client = client
        self._headers = dict(headers or {"Authorization": f"Bearer {key}"})
        self._random = random

    def drawing_from(self, random: Random) -> Door:
        """Return the same person's door with other random numbers: what it does moves nobody else's chances."""
        return Door(self._client, "", self.member, self.name, random, self.tally, self._headers)

    def get(self, path: str, **query: str) -> Answer:
        """Read; anything but 200 breaks the rehearsal."""
        answer = _answer(self._client.get(f"/api/v1{path}", params=query, headers=self._headers))
        if answer.status != 200:
            raise RehearsalBroken(f"GET {path}: expected 200, got {answer.status} {answer.body}")
        return answer

    def post(self, path: str, body: Any, *, key: str | None = None, etag: str | None = None) -> Answer:
        """Try to change something; a refusal is an answer too."""
        headers = {**self._headers, "Idempotency-Key": key or f"{self._random.getrandbits(128):032x}"}
        if etag is not None:
            headers["If-Match"] = etag
        response = self._client.post(f"/api/v1{path}", json=body, headers=headers)
        answer = _answer(response)
        self.tally.attempts += 1
        if answer.code:
            self.tally.refused[answer.code] += 1
        elif response.headers.get("Idempotent-Replay") == "true":
            self.tally.replays += 1
        elif path.endswith("/decisions"):
            about = "award" if "beneficiaries" in body else "action"
            self.tally.decided[f"{about} {body['verb']}"] += 1
        return answer

    def do(self, path: str, body: Any, **more: Any) -> Answer:
        """Change something that must work."""
        answer = self.post(path, body, **more)
        if answer.code:
            raise RehearsalBroken(
                f"{self.name}: POST {path}: expected it done, got {answer.status} {dict(answer.body)}"
            )
        return answer

    def cheat(
        self, path: str, body: Any, codes: tuple[str, ...], etag: str | None = None, tried: str = "other"
    ) -> Answer:
        """Try what must be refused with one of `codes`, and look whether it left anything behind. `tried` names it."""
        before = self.tally.head()
        answer = self.post(path, body, etag=etag)
        if answer.code not in codes:
            raise RehearsalBroken(
                f"{self.name}: POST {path}: expected a refusal of {codes}, got {answer.status} {dict(answer.body)}"
            )
        self.tally.cheats[tried] += 1
        after = self.tally.head()
        if after != before:
            self.tally.left_behind.append(f"{answer.code}: log grew from {before} to {after}")
        return answer

    def decide(self, case: str, about: str, verb: str, **more: Any) -> Answer:
        """Look at the card and answer it, as one does."""
        card = self.get(f"/cases/{case}/card", about=about)
        return self.do(
            f"/cases/{case}/decisions", {"token": card.body["token"], "verb": verb, **more}, etag=card.etag
        )


def _answer(response: httpx.Response) -> Answer:
    body = response.json() if response.content else {}
    code = "" if response.is_success else str(body.get("code", response.status_code))
    return Answer(response.status_code, code, body, response.headers.get("ETag", ""))


def answer_link(client: httpx.Client, path: str, answer: str, tally: Tally) -> int:
    """The customer opens the one-time link and answers it in its plain form. Return the HTTP status."""
    response = client.post(path, data={"answer": answer})
    tally.attempts += 1
    if response.status_code >= 400:
        tally.refused["link_closed"] += 1
    return response.status_code


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays. `staff` own cases, `managers` decide actions and review, `approver` decides awards.

    `junior` may decide small things only, `agent` nothing at all.
    """

    client: httpx.Client
    owner: Door
    managers: tuple[Door, ...]
    junior: Door
    staff: tuple[Door, ...]
    approver: Door
    agent: Door
    budget: str
    random: Random
    tally: Tally

    def of(self, member: str) -> Door:
        """Return the door of a member."""
        for door in (self.owner, *self.managers, self.junior, *self.staff, self.approver, self.agent):
            if door.member == member:
                return door
        raise RehearsalBroken(f"member {member}: expected one of the cast")


SELF_APPROVAL = "self-approval"
MISSING_EVIDENCE = "missing evidence"
CHANGED_PROPOSAL = "changed proposal"
REUSED_EVIDENCE = "re-used evidence"
DOUBLE_SUBMIT = "double submit"
EARLY_END = "ended before the reply"
NO_AUTHORITY = "deciding without authority"
CHEATS = (SELF_APPROVAL, MISSING_EVIDENCE, CHANGED_PROPOSAL, REUSED_EVIDENCE, DOUBLE_SUBMIT, NO_AUTHORITY)
"""What every rehearsal of some length must have tried."""

Steps = Iterator[float]
"""A script is a generator: it acts, then says how many hours pass before its next act."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a script needs to know of a case."""

    case: str
    owner: str
    subject_kind: str
    subject: str
    customer: str
    opened_at: str


@dataclass(frozen=True, slots=True)
class Lines:
    """The words and figures of one kind of business."""

    action: str
    text: str
    value: Mapping[str, Any] | None
    message: str
    tokens: int
    link_days: int
    hours_until_record: Callable[[Matter], float]
    """Hours until the source's record shows the end of the matter (a check-out, a closed complaint)."""


def solve(cast: Cast, matter: Matter, lines: Lines, later: Callable[[float], str]) -> Steps:
    """The good way: owned, suggested, decided by another, done, shown twice, judged, recognised."""
    worker = cast.of(matter.owner)
    manager = _other(cast, cast.managers, matter.owner)
    cheats = _cheats(cast, matter, worker, manager)
    case = f"/cases/{matter.case}"
    yield 0.5 + 2 * cast.random.random()
    proposal = worker.do(
        f"{case}/proposals", {"action": lines.action, "text": lines.text, "value": lines.value}
    )
    next(cheats, None)  # 1: approve my own
    yield 1.0
    if cast.random.random() < 0.15:
        proposal = yield from _declined_first(worker, manager, case, lines)
    manager.decide(matter.case, "action", "approved")
    yield 1.0  # the ten seconds in which the yes can be taken back are long over
    worker.do(f"{case}/actions", {"proposal": proposal.ids["proposal"]})
    next(cheats, None)  # 2: done without evidence
    link = worker.do(f"{case}/links", {"customer": matter.customer, "until": later(24 * lines.link_days)})
    happy = cast.random.random() >= 0.08
    yield 6.0 + 30.0 * cast.random.random()
    answer_link(cast.client, link.body["path"], "resolved" if happy else "not_resolved", cast.tally)
    if cast.random.random() < 0.3:
        other = "not_resolved" if happy else "resolved"
        answer_link(cast.client, link.body["path"], other, cast.tally)  # once means once
    yield max(0.5, lines.hours_until_record(matter))
    shown = worker.post(f"{case}/evidence/record", {"kind": matter.subject_kind, "record": matter.subject})
    if shown.code == "evidence_reused":  # two watches saw the same stay: its end proves one of the two
        worker.do(f"{case}/notes", {"note": "The same stay shows another matter already"})
        cast.owner.do(f"{case}/close", {"reason_code": "not_recognised"})
        return
    next(cheats, None)  # 3: the same evidence again
    yield 1.0
    for item in cast.owner.get(case).body["evidence"]:
        if item["review"] is None:
            manager.do(f"{case}/evidence/{item['evidence']}/review", {"result": "accepted"})
    worker.do(f"{case}/outcome", {"resolution": "fixed" if happy else "accepted_risk", "impact": "none"})
    next(cheats, None)  # 4: recognition before the checks, and without the power
    yield 1.0  # the judge comes by itself
    state = cast.owner.get(case).body["case"]["state"]
    if state != "RESOLVED":
        cast.owner.do(f"{case}/close", {"reason_code": "not_recognised"})
        return
    next(cheats, None)  # 5: recognise myself
    told = {
        "beneficiaries": [worker.member],
        "amount_tokens": lines.tokens,
        "budget": cast.budget,
        "message": lines.message,
    }
    card = cast.approver.get(f"{case}/card", about="award")
    body = {"token": card.body["token"], "verb": "approved", **told, "message": lines.message}
    key = f"{cast.random.getrandbits(128):032x}"
    cast.approver.do(f"{case}/decisions", body, etag=card.etag, key=key)
    if cast.random.random() < 0.25:
        cast.approver.do(
            f"{case}/decisions", body, etag=card.etag, key=key
        )  # a double click: the same answer
    if cast.random.random() < 0.25:  # another click with the same yes
        cast.approver.cheat(
            f"{case}/decisions", body, ("nonce_replayed", "stale", "transition"), card.etag, DOUBLE_SUBMIT
        )
    yield 1.0
    if cast.random.random() < 0.06:
        yield from _questioned(cast, matter, worker, manager)
    else:
        cast.owner.do(f"{case}/close", {"reason_code": "done"})


def _declined_first(worker: Door, manager: Door, case: str, lines: Lines) -> Generator[float, None, Answer]:
    """The manager says no and why; a better suggestion follows. A yes to the old one is refused."""
    manager.decide(case.rpartition("/")[2], "action", "declined", reason_code="too_costly")
    yield 2.0
    worker.do(f"{case}/proposals", {"action": lines.action, "text": lines.text, "value": lines.value})
    card = manager.get(f"{case}/card", about="action")
    proposal = worker.do(
        f"{case}/proposals", {"action": lines.action, "text": f"{lines.text} Today.", "value": lines.value}
    )
    manager.cheat(
        f"{case}/decisions",
        {"token": card.body["token"], "verb": "approved"},
        ("stale",),
        card.etag,
        CHANGED_PROPOSAL,
    )
    yield 1.0
    return proposal


def _questioned(cast: Cast, matter: Matter, worker: Door, manager: Door) -> Steps:
    """The same thing comes back while the award still waits: whoever is recognised is asked, then it ends. Some never
    answer; then it ends when their time is over and not an hour before."""
    yield 48.0
    award = cast.owner.get(f"/cases/{matter.case}").body["case"]["award"]
    if award is None:
        return
    asked = {"about": "decline", "reason_code": "customer_disputes", "note": "They are back. What happened?"}
    dispute = manager.do(f"/cases/{matter.case}/disputes", asked).ids["dispute"]
    ending = {"reason_code": "customer_disputes"}
    yield 4.0
    cast.approver.cheat(f"/awards/{award}/decline", ending, ("reply_awaited",), tried=EARLY_END)
    if cast.random.random() < 0.5:
        yield 20.0
        path = f"/cases/{matter.case}/disputes/{dispute}/answers"
        worker.do(path, {"reply": "I thought it was settled."})
        yield 1.0
    else:
        yield 7 * 24.0 - 3.9
    cast.approver.do(f"/awards/{award}/decline", {"reason_code": "customer_disputes"})


def _cheats(cast: Cast, matter: Matter, worker: Door, manager: Door) -> Iterator[None]:
    """What somebody tries now and then at five moments of a case; each is refused, each leaves nothing."""
    case = f"/cases/{matter.case}"

    def sometimes() -> bool:
        return cast.random.random() < 0.6

    decisions = f"{case}/decisions"
    if sometimes():
        worker.cheat(decisions, **_yes(worker, case, "action"), codes=_NOT_MINE, tried=SELF_APPROVAL)
    if sometimes():
        worker.cheat(decisions, **_yes(manager, case, "action"), codes=_NOT_YOURS, tried="another's card")
    if sometimes():
        junior = cast.junior
        junior.cheat(decisions, **_yes(junior, case, "action"), codes=("no_authority",), tried=NO_AUTHORITY)
    if sometimes():
        cast.agent.cheat(
            decisions, **_yes(manager, case, "action"), codes=_NOT_YOURS, tried="digital employee decides"
        )
    yield
    if sometimes():
        fixed = {"resolution": "fixed", "impact": "none"}
        worker.cheat(f"{case}/outcome", fixed, ("evidence_missing",), tried=MISSING_EVIDENCE)
    yield
    if sometimes():
        again = {"kind": matter.subject_kind, "record": matter.subject}
        worker.cheat(f"{case}/evidence/record", again, ("evidence_reused",), tried=REUSED_EVIDENCE)
    yield
    award = {"beneficiaries": [worker.member], "amount_tokens": 1, "budget": cast.budget}
    if sometimes():
        too_soon = ("verdict_not_pass", "transition")
        yes = _yes(cast.approver, case, "award", award)
        cast.approver.cheat(decisions, **yes, codes=too_soon, tried="award before the checks")
    yield
    if sometimes():
        yes = _yes(cast.approver, case, "award", award)
        worker.cheat(decisions, **yes, codes=_NOT_YOURS, tried=SELF_APPROVAL)
    yield


_NOT_MINE = ("decider_is_maker", "no_authority")
_NOT_YOURS = ("not_allowed", "stale", "no_authority", "agent_may_not", "decider_is_beneficiary")


def _yes(door: Door, case: str, about: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return body and ETag of a yes to the card that this person sees now."""
    card = door.get(f"{case}/card", about=about)
    return {"body": {"token": card.body["token"], "verb": "approved", **(more or {})}, "etag": card.etag}


def _other(cast: Cast, doors: tuple[Door, ...], not_member: str) -> Door:
    able = [door for door in doors if door.member != not_member]
    return able[cast.random.randrange(len(able))]

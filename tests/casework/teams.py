"""Teams of 1, 2, 3 and 5, scenes of one case, and the table: who may take each kind of step, or that nobody may.

test_staffing.py holds the rules to it; tests/api/test_steps.py plays the scenes of 2 and 3 through the real doors.
"""

from __future__ import annotations

from dataclasses import dataclass

from casework.staffing import Given, Item, Stand

Team = dict[str, tuple[str, str]]
"""Member -> (role, powers: letters of POWERS). Robin is a digital employee, no person."""

POWERS = {"A": ("action", False), "W": ("award", False), "2": ("award", True)}
"""Letter -> (about, whether as a second person)."""

_ROBIN = {"robin": ("agent", "")}
TEAMS: dict[int, Team] = {
    1: {"marta": ("owner", "AW"), **_ROBIN},
    2: {"marta": ("owner", "AW"), "ana": ("staff", "A2"), **_ROBIN},
    # SETTLED 27: staff owns and is recognised, the owner decides the action, the accountant the award.
    3: {"marta": ("owner", "A"), "ana": ("staff", "A"), "ines": ("outsider", "2"), **_ROBIN},
    5: {
        "marta": ("owner", "AW"),
        "dev": ("manager", "A"),
        "ana": ("staff", ""),
        "ben": ("staff", ""),
        "ines": ("outsider", "2"),
        **_ROBIN,
    },
}

STAGES = ("opened", "proposed", "approved", "acted", "passed", "provisional", "held", "settled", "questioned")
"""How far the case has come: `opened` and a no to the watch's own suggestion; `held` waits and is held,
`questioned` is settled and held, and in both whoever is recognised was asked about its end and has answered."""


@dataclass(frozen=True)
class Scene:
    """A case that `worker` owns and works on, after somebody's suggestion; a budget that Marta set waits.

    `decides` says no to the first suggestion and yes to the second, `holds` stops the award.
    """

    size: int
    stage: str
    worker: str
    maker: str
    decides: str = "marta"
    holds: str = "marta"

    @property
    def asker(self) -> str:
        """Return who asked the recognised about it, in a scene where that is open: nobody plans their own end."""
        return self.holds if self.holds != self.worker else self.decides

    def after(self, stage: str) -> bool:
        """Say whether the case has come to that stage."""
        return STAGES.index(self.stage) >= STAGES.index(stage)

    @property
    def asked(self) -> tuple[str, str] | None:
        """Return who asked, and about what, where it is open."""
        about = {"held": "decline", "questioned": "revoke"}.get(self.stage)
        return None if about is None else (self.asker, about)

    def stand(self) -> Stand:
        """Return where the case stands: a record that the worker attached, a customer's answer to the worker's link."""
        looked_at = self.after("passed")
        record = Item(frozenset({self.worker}), looked_at)
        said = Item(frozenset({self.worker}), looked_at, by_customer=True)
        state = "settled" if self.after("settled") else "provisional"
        holder = self.holds if self.stage in ("held", "questioned") else None
        return Stand(
            owner=self.worker,
            maker=self.maker if self.after("proposed") else "system",
            action_by=self.worker if self.after("acted") else None,
            items=(record, said) if self.after("acted") else (),
            judged=(self.worker,) if looked_at else (),
            playbook="complaint_open",
            award_kind="service_issue",
            deciders=(self.decides,) if self.stage in ("opened", "approved") else (),
            award=Given(state, "service_issue", 5, (self.worker,), holder)
            if self.after("provisional")
            else None,
            asked=self.asked,
            budgets_set_by=("marta",),
        )


Able = tuple[str, ...] | None
"""Who may; None: nobody, and the product says a sentence."""

# One line per step at the stage where it is due, and the sentences of what is not there yet.
TABLE: list[tuple[Scene, dict[str, Able]]] = [
    # Alone: she owns, acts and decides on what the watch or an agent suggested; recognition waits for a second person.
    (Scene(1, "opened", "marta", "robin"), {
        "acknowledge": ("marta",), "propose": ("marta", "robin"), "decide_action": ("marta",), "review_evidence": None,
        "set_budget": None, "approve_budget": None, "decide_award": None, "hold": None, "release": None,
        "decline_award": None, "revoke": None, "reopen": ("marta",), "close": ("marta",), "dispute": None,
        "close_dispute": None, "withdraw_decision": ("marta",),
    }),
    (Scene(1, "acted", "marta", "robin"), {
        "take_action": ("marta",), "attach_evidence": ("marta",), "withdraw_evidence": ("marta",),
        "issue_link": ("marta",), "confirm": None, "review_evidence": None, "record_outcome": ("marta",),
        "decide_award": None,
    }),
    # Her own suggestion she cannot decide.
    (Scene(1, "proposed", "marta", "marta"), {"decide_action": None}),
    # Two: Ana works, Marta decides, reviews and recognises; a budget takes both; taking back needs a third.
    (Scene(2, "opened", "ana", "ana"), {
        "acknowledge": ("ana",), "propose": ("marta", "ana", "robin"), "set_budget": ("marta",),
        "approve_budget": ("ana",), "withdraw_decision": ("marta",), "withdraw_evidence": None, "hold": None,
        "release": None, "decline_award": None, "revoke": None, "close": ("marta",),
    }),
    (Scene(2, "proposed", "ana", "ana"), {"decide_action": ("marta",)}),
    (Scene(2, "approved", "ana", "ana"), {"withdraw_decision": ("marta",), "take_action": ("marta", "ana")}),
    (Scene(2, "acted", "ana", "ana"), {
        "attach_evidence": ("marta", "ana"), "withdraw_evidence": ("ana",), "issue_link": ("marta", "ana"),
        "withdraw_decision": None, "confirm": None, "review_evidence": ("marta",), "record_outcome": ("marta", "ana"),
    }),
    (Scene(2, "passed", "ana", "ana"), {
        "decide_award": ("marta",), "review_evidence": None, "reopen": ("marta", "ana"),
        "dispute": ("marta",), "close_dispute": None,
    }),
    (Scene(2, "provisional", "ana", "ana"), {
        "hold": ("marta", "ana"), "release": None, "decline_award": ("marta",), "revoke": None,
        "withdraw_evidence": None, "dispute": ("marta",), "close_dispute": None, "close": ("marta",),
    }),
    (Scene(2, "held", "ana", "ana"), {
        "hold": None, "release": ("marta",), "decline_award": ("marta",), "dispute": None, "close_dispute": ("marta",),
    }),
    (Scene(2, "settled", "ana", "ana"), {
        "decline_award": None, "revoke": None, "hold": ("marta", "ana"), "dispute": ("marta",),
    }),
    (Scene(2, "questioned", "ana", "ana"), {"revoke": None, "release": ("marta",), "close_dispute": ("marta",)}),
    # Two, the owner did the work: the other one decides on it, reviews and recognises it, answers the question.
    (Scene(2, "proposed", "marta", "robin"), {"decide_action": ("marta", "ana")}),
    (Scene(2, "acted", "marta", "robin", "ana"), {"review_evidence": ("ana",), "withdraw_evidence": ("marta",)}),
    (Scene(2, "passed", "marta", "robin", "ana"), {"decide_award": ("ana",)}),
    (Scene(2, "held", "marta", "robin", "ana"), {"release": ("ana",), "decline_award": ("ana",)}),
    (Scene(2, "questioned", "marta", "robin", "ana", holds="ana"), {"revoke": None}),
    (Scene(2, "questioned", "marta", "robin", "ana"), {"revoke": ("ana",)}),  # she asked for it herself
    # Three.
    (Scene(3, "opened", "ana", "ana"), {
        "acknowledge": ("ana",), "propose": ("marta", "ana", "robin"), "set_budget": ("marta",),
        "approve_budget": ("ines",), "withdraw_decision": ("marta",), "withdraw_evidence": None, "hold": None,
        "close": ("marta",),
    }),
    (Scene(3, "proposed", "ana", "ana"), {"decide_action": ("marta",)}),
    (Scene(3, "proposed", "marta", "marta"), {"decide_action": ("ana",)}),
    (Scene(3, "approved", "ana", "ana"), {"withdraw_decision": ("marta",), "take_action": ("marta", "ana")}),
    (Scene(3, "acted", "ana", "ana"), {
        "attach_evidence": ("marta", "ana"), "withdraw_evidence": ("ana",), "issue_link": ("marta", "ana"),
        "withdraw_decision": None, "confirm": None, "review_evidence": ("marta", "ines"),
        "record_outcome": ("marta", "ana"),
    }),
    (Scene(3, "passed", "ana", "ana"), {
        "decide_award": ("ines",), "reopen": ("marta", "ana"), "dispute": ("ines",),
    }),
    (Scene(3, "provisional", "ana", "ana"), {
        "hold": ("marta", "ines"), "release": None, "decline_award": ("ines",), "revoke": None,
        "dispute": ("marta", "ines"), "close_dispute": None, "close": ("marta",),
    }),
    (Scene(3, "held", "ana", "ana"), {
        "release": ("marta", "ines"), "decline_award": ("ines",), "dispute": None, "close_dispute": ("marta", "ines"),
    }),
    (Scene(3, "questioned", "ana", "ana"), {"revoke": ("ines",), "release": ("marta", "ines"), "decline_award": None}),
    (Scene(3, "questioned", "ana", "ana", holds="ines"), {"revoke": None}),
    # Three, the owner was recognised and it was questioned: the accountant answers.
    (Scene(3, "held", "marta", "robin", "ana", holds="ines"), {
        "release": ("ines",), "decline_award": ("ines",), "close_dispute": ("ines",),
    }),
    # Five: nobody decides on what they suggested, brought or are recognised for.
    (Scene(5, "acted", "ana", "dev"), {
        "acknowledge": ("ana",), "propose": ("marta", "dev", "ana", "ben", "robin"), "decide_action": ("marta",),
        "withdraw_decision": None, "take_action": ("marta", "dev", "ana", "ben"),
        "attach_evidence": ("marta", "dev", "ana", "ben"), "withdraw_evidence": ("ana",),
        "issue_link": ("marta", "dev", "ana", "ben"), "confirm": None,
        "review_evidence": ("marta", "dev", "ben", "ines"), "record_outcome": ("marta", "dev", "ana", "ben"),
        "set_budget": ("marta",), "approve_budget": ("ines",),
        "decide_award": ("marta", "ines"), "reopen": ("marta", "dev", "ana", "ben"), "close": ("marta", "dev"),
    }),
    (Scene(5, "provisional", "ana", "dev"), {
        "hold": ("marta", "dev", "ines"), "release": None, "decline_award": ("marta", "ines"), "revoke": None,
        "dispute": ("marta", "dev", "ines"), "close_dispute": None,
    }),
    (Scene(5, "questioned", "ana", "dev", holds="ines"), {
        "release": ("marta", "dev", "ines"), "revoke": ("marta",), "close_dispute": ("marta", "dev", "ines"),
    }),
]  # fmt: skip

"""Cases with everything that belongs to them, read in bulk: rows and opened texts, and who may take which step.

A page of six cards costs as many queries as a page of one. Who may do what is answered by casework.staffing, by the
rules that decide inside the writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from api.permissions import MATRIX, step_roles
from api.scope import Row, Scoped
from casework import authority, cases, decisions, people, proposals, tables
from casework.reciprocity import TERM, Yes
from casework.staffing import Answer, Given, Item, Stand, who_may
from ledger.codec import loads
from ledger.entries import SYSTEM
from ledger.overlay import Overlay
from ledger.store.tables import shapes

CASE_TEXTS = ("subject_item", "facts_item", "note_item")
PARTS: Mapping[str, tuple[Table, tuple[str, ...]]] = {
    "proposals": (tables.proposal, ("text_item",)),
    "evidence": (tables.evidence, ("facts_item",)),
    "decisions": (tables.decision, ("reason_item", "message_item")),
    "verdicts": (tables.verdict, ()),
    "links": (tables.link, ()),
    "awards": (tables.award, ("message_item",)),
    "disputes": (tables.dispute, ("note_item",)),
}
"""Part -> its table, and the columns whose sealed values a page may show."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """One case. `texts` are private values by commitment; an erased one is None. `back_at`: when it came back last."""

    case: Row
    proposals: tuple[Row, ...]
    evidence: tuple[Row, ...]
    decisions: tuple[Row, ...]
    verdicts: tuple[Row, ...]
    links: tuple[Row, ...]
    awards: tuple[Row, ...]
    shares: tuple[Row, ...]
    texts: Mapping[str, Any]
    back_at: str | None = None
    disputes: tuple[Row, ...] = ()

    @property
    def id(self) -> str:
        """Return the id of the case."""
        return str(self.case["case"])

    @property
    def proposal(self) -> Row | None:
        """Return the latest proposal."""
        return _named(self.proposals, "proposal", self.case["proposal"])

    @property
    def verdict(self) -> Row | None:
        """Return the latest verdict."""
        return _named(self.verdicts, "verdict", self.case["verdict"])

    @property
    def award(self) -> Row | None:
        """Return the live award."""
        return _named(self.awards, "award", self.case["award"])

    @property
    def dispute(self) -> Row | None:
        """Return what is asked about the recognition, while it is open."""
        return _named(self.disputes, "dispute", self.case["dispute"])

    @property
    def live(self) -> list[Row]:
        """Return the evidence that is neither withdrawn nor replaced."""
        return cases.live(self.evidence)

    def text(self, row: Row | None, column: str) -> Any:
        """Return an opened private value; None: there is none, or it was erased."""
        item = None if row is None else row[column]
        return None if item is None else self.texts.get(item)

    def facts(self) -> Mapping[str, Any]:
        """Return what the watch put down when it noticed."""
        return self.text(self.case, "facts_item") or {}


def _named(rows: Iterable[Row], column: str, value: Any) -> Row | None:
    return next((row for row in rows if row[column] == value), None) if value is not None else None


async def dossiers(rows: Scoped, found: Sequence[Row], *, with_texts: bool = True) -> list[Dossier]:
    """Return the dossiers of these cases, in their order; without texts where only who did what is asked.

    Raises:
        VaultDamaged: a private value is not what its entry commits to.
    """
    ids = [str(row["case"]) for row in found]
    parts: dict[str, dict[str, list[Row]]] = {}
    wanted = {row[column] for row in found for column in CASE_TEXTS}
    for name, (table, columns) in PARTS.items():
        by_case: dict[str, list[Row]] = {}
        for row in await rows.find(table, {"case": ids}) if ids else []:
            by_case.setdefault(str(row["case"]), []).append(row)
            wanted |= {row[column] for column in columns}
        parts[name] = {case: sorted(of, key=lambda row: int(row["seq"])) for case, of in by_case.items()}
    granted = [award["award"] for of in parts["awards"].values() for award in of]
    shares = await rows.find(tables.award_share, {"award": granted}) if granted else []
    texts = await rows.open_all(item for item in wanted if item is not None) if with_texts else {}
    back = [str(row["case"]) for row in found if row["reason_code"] in cases.REOPEN_REASONS]
    back_at: dict[str, str] = {}
    for row in await rows.find(tables.case_reopening, {"case": back}) if back else []:
        back_at[row["case"]] = max(back_at.get(row["case"], ""), str(row["at"]))
    told = []
    for row in found:
        case = str(row["case"])
        mine = {name: tuple(of.get(case, ())) for name, of in parts.items()}
        awards = {award["award"] for award in mine["awards"]}
        of_case = tuple(share for share in shares if share["award"] in awards)
        told.append(Dossier(case=row, shares=of_case, texts=texts, back_at=back_at.get(case), **mine))
    return told


def part_of(dossier: Dossier) -> set[str]:
    """Return the members who have a part in the recognition of a case: recognised, decided, suggested, brought or
    checked evidence."""
    found = {str(share["member"]) for share in dossier.shares}
    found |= {str(one["decider"]) for one in dossier.decisions}
    found |= {str(one["maker"]) for one in dossier.proposals}
    granted = min((int(award["seq"]) for award in dossier.awards), default=None)
    for item in dossier.evidence:
        if granted is not None and int(item["seq"]) > granted:
            continue  # it came after the recognition, and has no part in it
        found |= {str(item["attached_by"]), str(item["reviewer"])}
        member = people.member_of(str(item["submitter"]))
        found |= {member} if member is not None else set()
    return found


def sees_recognition(dossier: Dossier, member: str, roles: Iterable[str]) -> bool:
    """Say whether somebody may read the recognition of a case and its thank-you: who leads or audits, or has a part."""
    held = set(roles)
    if not MATRIX["award.read"] & held:
        return False  # recognition is for people
    return bool(MATRIX["log.read"] & held) or member in part_of(dossier)


def stand_of(dossier: Dossier, known: Known) -> Stand:
    """Return where the case stands, as the rules of staffing ask it."""
    row, verdict, award = dossier.case, dossier.verdict, dossier.award
    return Stand(
        owner=row["owner"] or SYSTEM,
        maker=dossier.proposal["maker"] if dossier.proposal else SYSTEM,
        action_by=row["action_by"],
        items=_items(dossier.live, verdict),
        judged=tuple(loads(verdict["beneficiaries"])) if verdict else (),
        playbook=row["playbook"],
        award_kind=row["award_kind"],
        value=proposals.value_of(dossier.proposal) if dossier.proposal else None,
        deciders=tuple(one["decider"] for one in decisions.taken_back_next(row, dossier.decisions)),
        award=None if award is None else _given(dossier, award),
        asked=None if dossier.dispute is None else (dossier.dispute["asked_by"], dossier.dispute["about"]),
        budgets_set_by=tuple(sorted(set(known.budgets_set_by))),
        terms=known.terms_of(row, verdict),
        said_yes=known.said_yes,
    )


def _items(live: list[Row], verdict: Row | None) -> tuple[Item, ...]:
    relied = {item["evidence"] for item in decisions.relied_on(live, verdict)}
    return tuple(
        Item(
            submitters=frozenset(authority.submitters([item])),
            reviewed=item["review"] is not None,
            relied_on=item["evidence"] in relied,
            by_customer=item["type"] == "customer_confirmation",
        )
        for item in live
    )


def _given(dossier: Dossier, award: Row) -> Given:
    return Given(
        state=award["state"],
        kind=award["kind"],
        tokens=award["amount_tokens"],
        beneficiaries=tuple(share["member"] for share in dossier.shares if share["award"] == award["award"]),
        held_by=award["held_by"],
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What staffing has to know beside a case. `terms`: of each policy's content that was published, by its digest;
    `policies`: policy -> the digest of its content now."""

    budgets_set_by: tuple[str, ...]
    policies: Mapping[str, str]
    terms: Mapping[str, Mapping[str, Any]]
    said_yes: tuple[Yes, ...]

    def terms_of(self, case: Row, verdict: Row | None) -> Mapping[str, Any] | None:
        """Return the terms by which the case was judged, before that by which it will be."""
        digest = self.policies.get(str(case["policy"])) if verdict is None else str(verdict["policy_digest"])
        return None if digest is None else self.terms.get(digest)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is here with which powers, loaded once; `may` answers for a step of a case."""

    active: tuple[str, ...]
    known: Known
    _ask: Callable[[str, Stand], Answer]

    def answer(self, step: str, dossier: Dossier) -> Answer:
        """Return who may take a step; where nobody may, the sentence that says what to do."""
        return self._ask(step, stand_of(dossier, self.known))

    def may(self, member: str, step: str, dossier: Dossier) -> bool:
        """Say whether this member may take the step."""
        return member in self.answer(step, dossier).members

    def may_be_second(self, member: str, set_by: str) -> bool:
        """Say whether this member may be the second person of a budget that `set_by` named."""
        return member in self._ask("approve_budget", Stand(owner=SYSTEM, budgets_set_by=(set_by,))).members


async def staff_of(rows: Scoped, now: str) -> Staff:
    """Load members, authorities, open budgets, and what was said yes to as far back as a policy asks, once."""
    members = await rows.find(tables.member)
    view = Overlay(shapes())
    wanted: dict[str, dict[int, set[tuple[object, ...]]]] = {"member": {0: {()}}, "authority": {0: {()}}}
    authorities = await rows.find(tables.authority)
    view.admit(wanted, {"member": _values("member", members), "authority": _values("authority", authorities)})
    budgets = await rows.find(tables.budget, {"approved_by": None})
    in_order = sorted(members, key=lambda one: int(one["seq"]))
    active = tuple(str(one["member"]) for one in in_order if one["active"])
    roles = step_roles()

    def ask(step: str, stand: Stand) -> Answer:
        return who_may(view, active, step, stand, roles, now)

    return Staff(active, await _known(rows, tuple(str(one["set_by"]) for one in budgets), now), ask)


async def _known(rows: Scoped, budgets_set_by: tuple[str, ...], now: str) -> Known:
    contents = {str(row["digest"]): loads(row["content"]) for row in await rows.find(tables.policy_content)}
    terms = {digest: content["terms"] for digest, content in contents.items()}
    days = max((int(one[TERM]) for one in terms.values() if TERM in one), default=0)
    said_yes = await rows.said_yes(cases.later(now, days=-days)) if days else ()
    policies = {str(row["policy"]): str(row["digest"]) for row in await rows.find(tables.policy)}
    return Known(budgets_set_by, policies, terms, tuple(said_yes))


def _values(table: str, rows: Sequence[Row]) -> list[tuple[object, ...]]:
    columns = shapes()[table].columns
    return [tuple(row[name] for name in columns) for row in rows]

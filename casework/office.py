"""The office: who belongs to the organisation, who may decide what, what is published. The desk tells the story.

Nothing that changes who may do what, or what counts, happens without an entry (SETTLED 10). Owners administer; agents
never do. Every method takes who asks, the idempotency key and the request; returns Done; raises Refused.
"""

from __future__ import annotations

from dataclasses import replace

from casework import (
    absence,
    account_rules,
    assessors,
    charters,
    known_as,
    leaving,
    passkey_rules,
    people,
    plan_rules,
    point_rules,
    purposes,
)
from casework import office_rules as rules
from casework.absence import EndAway, GoAway
from casework.assessors import EndAssessor, NameAssessor
from casework.errors import refuse
from casework.intake import Done, Intake
from casework.point_requests import DoubtPoint, EndPoint, RegisterPoint
from casework.requests import (
    THE_SYSTEM,
    ApproveBudget,
    ChangeMode,
    ChangeSettings,
    ConfirmClock,
    EndApiKey,
    EndAuthority,
    EndPlan,
    EnrolPasskey,
    GrantAuthority,
    IssueApiKey,
    JoinMember,
    LinkAccount,
    MemberStep,
    OpenLog,
    PasskeyStep,
    Principal,
    PublishKinds,
    PublishPlan,
    PublishPlaybook,
    PublishPolicy,
    RegisterAgent,
    RegisterSource,
    RunJob,
    SetBudget,
    WritePurpose,
)
from ledger.commands import Need
from ledger.entries import SYSTEM
from ledger.errors import Refused
from playbooks.calendars import parse_span
from verifiers import controllers, registry
from verifiers.errors import VerifierError

ALL_MEMBERS = Need("member", ())


class Office:
    """The administration of one organisation's log."""

    def __init__(self, intake: Intake) -> None:
        self._in = intake

    async def open_log(self, key: str, request: OpenLog) -> Done:
        """Write the first entries: log_opened, its owner, its settings. ids: member (the owner)."""
        ids = self._in.ids("member")
        private = self._in.seal((ids["member"],), name=request.owner_name)
        return await self._in.submit(THE_SYSTEM, key, request, rules.log_opened, (), ids=ids, private=private)

    # ------------------------------------------------------------------------------------------ people
    async def join_member(self, who: Principal, key: str, request: JoinMember) -> Done:
        """ids: member. Refused: unknown (same_as), value_invalid (roles)."""
        ids = self._in.ids("member")
        private = self._in.seal((ids["member"],), name=request.name)
        needs = [] if request.same_as is None else [Need("member", (request.same_as,))]
        return await self._in.submit(who, key, request, rules.member_joined, needs, ids=ids, private=private)

    async def member_left(self, who: Principal, key: str, request: MemberStep) -> Done:
        """Hand over and end everything somebody holds; see casework/leaving.py. ids: member.

        Refused: unknown, second_person_needed (the last owner), reason_unknown, successor_invalid, too_many_cases,
        stale.
        """
        for _ in range(leaving.TRIES_MAX - 1):
            try:
                return await self._member_left(who, key, request)
            except Refused as refused:
                if refused.code != "stale":
                    raise
        return await self._member_left(who, key, request)

    async def _member_left(self, who: Principal, key: str, request: MemberStep) -> Done:
        size, _ = await self._in.records.head()
        owned = await self._in.records.owned(request.member)
        successor = request.successor or await absence.first_owner(self._in.records, request.member)
        needs = [*leaving.NEEDS, Need("assignment", (request.member,)), Need("presence", (request.member,))]
        needs += [Need("case_file", (case,)) for case in owned]
        known = {"size": size, "owned": tuple(owned), "successor": successor}
        return await self._in.submit(who, key, request, leaving.left, needs, known=known)

    async def give_delegation(self, who: Principal, key: str, request: GoAway) -> Done:
        """Somebody is away, and somebody stands in. ids: delegation, giver. Refused: see absence.given."""
        held = await self._in.records.scan("authority", (request.giver,))
        count = min(sum(1 for row in held if row["active"]), absence.LENT_MAX)
        ids = self._in.ids("delegation", *(f"{absence.LENT}{number:03}" for number in range(count)))
        needs = [*absence.NEEDS, Need("authority", (request.giver,))]
        return await self._in.submit(who, key, request, absence.given, needs, ids=ids)

    async def end_delegation(self, who: Principal, key: str, request: EndAway) -> Done:
        """Somebody is back before the time. ids: delegation, giver."""
        needs = [Need("delegation", (request.giver,))]
        return await self._in.submit(who, key, request, absence.ended, needs)

    async def grant_role(self, who: Principal, key: str, request: MemberStep) -> Done:
        """ids: member."""
        return await self._in.submit(
            who, key, request, rules.role_granted, [Need("member", (request.member,))]
        )

    async def end_role(self, who: Principal, key: str, request: MemberStep) -> Done:
        """ids: member. Refused: second_person_needed (the last owner)."""
        return await self._in.submit(who, key, request, rules.role_ended, [ALL_MEMBERS])

    async def register_agent(self, who: Principal, key: str, request: RegisterAgent) -> Done:
        """ids: member (the agent's account, role `agent`). Refused: value_invalid (the charter), unknown."""
        ids = self._in.ids("member")
        charter, responsibility = charters.read(request.charter)
        private = self._in.seal((), name=request.name, responsibility=responsibility)
        needs = [Need("member", (request.answers_to,))]
        known = {"charter": charter}
        return await self._in.submit(
            who, key, request, rules.agent_registered, needs, ids=ids, private=private, known=known
        )

    async def stop_agent(self, who: Principal, key: str, request: MemberStep) -> Done:
        """ids: member."""
        return await self._in.submit(
            who, key, request, rules.agent_stopped, [Need("member", (request.member,))]
        )

    # ------------------------------------------------------------------------------------------ powers and keys
    async def grant_authority(self, who: Principal, key: str, request: GrantAuthority) -> Done:
        """ids: member, authority. Refused: agent_may_not (the holder is an agent), unknown."""
        ids = self._in.ids("authority")
        needs = [Need("member", (request.member,))]
        return await self._in.submit(who, key, request, rules.authority_granted, needs, ids=ids)

    async def end_authority(self, who: Principal, key: str, request: EndAuthority) -> Done:
        """ids: member, authority."""
        return await self._in.submit(who, key, request, rules.authority_ended, [Need("authority", ())])

    async def issue_api_key(self, who: Principal, key: str, request: IssueApiKey) -> Done:
        """ids: key, member. The door drew the secret and keeps it nowhere."""
        needs = [Need("member", (request.member,))]
        if who.id == SYSTEM:
            needs.append(Need("api_key", ()))
        return await self._in.submit(who, key, request, rules.api_key_issued, needs, ids=self._in.ids("key"))

    async def end_api_key(self, who: Principal, key: str, request: EndApiKey) -> Done:
        """ids: key."""
        return await self._in.submit(
            who, key, request, rules.api_key_ended, [Need("api_key", (request.key,))]
        )

    # ------------------------------------------------------------------------------------------ passkeys
    async def enrol_passkey(self, who: Principal, key: str, request: EnrolPasskey) -> Done:
        """ids: passkey. Refused: passkey_known, passkey_state, value_invalid. Until confirmed it only signs in."""
        ids = self._in.ids("passkey")
        needs = [Need("passkey", ())]
        return await self._in.submit(who, key, request, passkey_rules.enrolled, needs, ids=ids)

    async def confirm_passkey(self, who: Principal, key: str, request: PasskeyStep) -> Done:
        """ids: passkey. Refused: unknown, passkey_state, second_person_needed, no_authority."""
        row = await self._in.records.get("passkey", (request.passkey,))
        needs = [Need("passkey", (request.passkey,)), Need("authority", (who.id,))]
        needs += people.rows([None if row is None else row["member"]])
        return await self._in.submit(who, key, request, passkey_rules.confirmed, needs)

    async def end_passkey(self, who: Principal, key: str, request: PasskeyStep) -> Done:
        """ids: passkey. Refused: unknown, passkey_state, role_missing, reason_unknown."""
        needs = [Need("passkey", (request.passkey,))]
        return await self._in.submit(who, key, request, passkey_rules.ended, needs)

    # ------------------------------------------------------------------------------------------ check-in points
    async def register_point(self, who: Principal, key: str, request: RegisterPoint) -> Done:
        """ids: point. A tag's keys go into the vault and are told nobody. Refused: see point_rules.registered."""
        ids = self._in.ids("point")
        keys = {"meta_key": request.meta_key, "file_key": request.file_key}
        secret = keys if request.meta_key is not None else None
        private = self._in.seal((), label=request.label, secret=secret)
        needs = [Need("point", ())]
        return await self._in.submit(
            who, key, request, point_rules.registered, needs, ids=ids, private=private
        )

    async def end_point(self, who: Principal, key: str, request: EndPoint) -> Done:
        """ids: point. Refused: role_missing, point_unknown, reason_unknown."""
        needs = [Need("point", (request.point,))]
        return await self._in.submit(who, key, request, point_rules.ended, needs)

    async def doubt_point(self, who: Principal, key: str, request: DoubtPoint) -> Done:
        """Anybody says that a point is not where it belongs. ids: point. Refused: point_unknown."""
        private = self._in.seal((who.id,), note=request.note)
        needs = [Need("point", (request.point,))]
        return await self._in.submit(who, key, request, point_rules.doubted, needs, private=private)

    # ------------------------------------------------------------------------------------------ budgets and settings
    async def set_budget(self, who: Principal, key: str, request: SetBudget) -> Done:
        """ids: budget. Refused: one_account."""
        ids = self._in.ids("budget")
        private = self._in.seal((), purpose=request.purpose)
        return await self._in.submit(
            who, key, request, rules.budget_set, [ALL_MEMBERS], ids=ids, private=private
        )

    async def approve_budget(self, who: Principal, key: str, request: ApproveBudget) -> Done:
        """ids: budget. Refused: second_person_needed, no_authority, stale (another amount)."""
        row = await self._in.records.get("budget", (request.budget,))
        set_by = None if row is None else row["set_by"]
        needs = [Need("budget", (request.budget,)), Need("authority", (who.id,))]
        needs += [] if set_by is None else [Need("member", (set_by,))]
        return await self._in.submit(
            who, key, request, rules.budget_approved, needs, known={"set_by": set_by}
        )

    async def confirm_clock(self, who: Principal, key: str) -> Done:
        """Let a log go on that stopped because its clock had stepped by more than a day. Refused: transition."""
        needs = [Need("log_head", ())]
        return await self._in.submit(who, key, ConfirmClock(), rules.clock_confirmed, needs)

    async def run_job(self, who: Principal, key: str, request: RunJob) -> Done:
        """ids: job. Refused: unknown, transition (it was not given up)."""
        return await self._in.submit(who, key, request, rules.job_run, [Need("job", (request.job,))])

    async def change_settings(self, who: Principal, key: str, request: ChangeSettings) -> Done:
        """Refused: value_invalid (an unknown setting or value)."""
        return await self._in.submit(who, key, request, rules.settings_changed, ())

    # ------------------------------------------------------------------------------------------ what is published
    async def publish_kinds(self, who: Principal, key: str, request: PublishKinds) -> Done:
        """No ids; the digest names it."""
        return await self._in.submit(who, key, request, rules.kinds_published, ())

    async def publish_playbook(self, who: Principal, key: str, request: PublishPlaybook) -> Done:
        """ids: playbook. Refused: unknown (kinds or policy not published), purpose_missing."""
        needs = [Need("kind_set", (request.kinds,)), Need("watch_purpose", (request.playbook,))]
        needs += [] if request.policy is None else [Need("policy", (request.policy,))]
        return await self._in.submit(who, key, request, rules.playbook_published, needs)

    async def change_mode(self, who: Principal, key: str, request: ChangeMode) -> Done:
        """ids: playbook. Refused: unknown, purpose_missing, stale."""
        row = await self._in.records.get("playbook", (request.playbook,))
        kinds = None if row is None else row["kinds"]
        needs = [Need("playbook", (request.playbook,)), Need("watch_purpose", (request.playbook,))]
        needs += [] if kinds is None else [Need("kind_set", (kinds,))]
        known = {"kinds": kinds}
        return await self._in.submit(who, key, request, rules.mode_changed, needs, known=known)

    async def write_purpose(self, who: Principal, key: str, request: WritePurpose) -> Done:
        """Say what a watch on a person is for. ids: playbook. Refused: role_missing, value_invalid."""
        ids = self._in.ids("purpose")
        private = self._in.seal((), purpose=request.purpose)
        return await self._in.submit(who, key, request, purposes.written, (), ids=ids, private=private)

    async def publish_policy(self, who: Principal, key: str, request: PublishPolicy) -> Done:
        """ids: policy, which is `<id>/v<version>`. Refused: value_invalid (content or name)."""
        try:
            policy = registry.load_policy(dict(request.content))
        except VerifierError as error:
            raise refuse("value_invalid", str(error), "/content") from error
        named = (f"{policy.id}/v{policy.version}", policy.verifier, policy.verifier_version, policy.digest)
        if named != (request.policy, request.verifier, request.version, request.digest):
            raise refuse(
                "value_invalid", f"content: expected that of {request.policy}, got {named}", "/content"
            )
        needs = [Need("policy", (request.policy,))]
        return await self._in.submit(who, key, request, rules.policy_published, needs)

    async def publish_plan(self, who: Principal, key: str, request: PublishPlan) -> Done:
        """ids: plan. Refused: value_invalid (content), unknown (policy)."""
        needs = [Need("plan", ())]
        needs += [] if request.policy is None else [Need("policy", (request.policy,))]
        return await self._in.submit(who, key, request, plan_rules.plan_published, needs)

    async def link_account(self, who: Principal, key: str, request: LinkAccount) -> Done:
        """No ids. `account` is named in the clear here, kept as an HMAC, and sealed for whoever it is.

        Refused: see account_rules.account_linked.
        """
        records, name = self._in.records, request.account
        hashed = known_as.account_of(self._in.vault.fingerprint, request.source, name)
        row = await records.get("account_link", (request.source, hashed))
        held_by = None if row is None else str(row["member"])
        is_id = await records.get("member", (name,)) is not None
        private = None if request.member is None else self._in.seal((request.member,), name=name)
        needs = [Need("source", (request.source,)), Need("account_link", (request.source, hashed))]
        needs += people.rows([who.id, request.member, held_by])
        rule, kept = account_rules.account_linked, replace(request, account=hashed)
        known = {"held_by": held_by, "is_id": is_id}
        return await self._in.submit(who, key, kept, rule, needs, private=private, known=known)

    async def name_assessor(self, who: Principal, key: str, request: NameAssessor) -> Done:
        """No ids. Refused: role_missing, unknown (course, member), reason_missing, reason_unknown."""
        needs = assessors.needs(request.course, request.member)
        return await self._in.submit(who, key, request, assessors.named, needs)

    async def end_assessor(self, who: Principal, key: str, request: EndAssessor) -> Done:
        """No ids. Refused: role_missing, unknown (not named)."""
        needs = assessors.needs(request.course, request.member)
        return await self._in.submit(who, key, request, assessors.ended, needs)

    async def end_plan(self, who: Principal, key: str, request: EndPlan) -> Done:
        """ids: plan. Refused: unknown."""
        return await self._in.submit(
            who, key, request, plan_rules.plan_ended, [Need("plan", (request.plan,))]
        )

    async def register_source(self, who: Principal, key: str, request: RegisterSource) -> Done:
        """ids: source. Refused: value_invalid (controllers, fresh_within). Without controllers nobody declared who can
        write there alone, and its records count as made by whoever earns (casework/undeclared.py)."""
        try:
            if request.controllers:
                controllers.parse_formula(dict(request.controllers))
        except VerifierError as error:
            raise refuse("value_invalid", str(error), "/controllers") from error
        try:
            if request.fresh_within is not None:
                parse_span(request.fresh_within)
        except ValueError as error:
            raise refuse("value_invalid", f"fresh_within: {error}", "/fresh_within") from error
        return await self._in.submit(who, key, request, rules.source_registered, ())

"""The office: who belongs to the organisation, who may decide what, what is published. The desk tells the story.

Nothing that changes who may do what, or what counts, happens without an entry (SETTLED 10). Owners administer; agents
never do. Every method takes who asks, the idempotency key and the request; returns Done; raises Refused.
"""

from __future__ import annotations

from casework.intake import Done, Intake
from casework.requests import (
    ApproveBudget,
    ChangeMode,
    ChangeSettings,
    EndApiKey,
    EndAuthority,
    GrantAuthority,
    IssueApiKey,
    JoinMember,
    MemberStep,
    OpenLog,
    Principal,
    PublishKinds,
    PublishPlaybook,
    PublishPolicy,
    RegisterAgent,
    RegisterSource,
    SetBudget,
)


class Office:
    """The administration of one organisation's log."""

    def __init__(self, intake: Intake) -> None:
        self._in = intake

    async def open_log(self, key: str, request: OpenLog) -> Done:
        """Write the first entries: log_opened, its owner, its settings. ids: member (the owner)."""
        raise NotImplementedError

    async def join_member(self, who: Principal, key: str, request: JoinMember) -> Done:
        """ids: member. Refused: unknown (same_as), value_invalid (roles)."""
        raise NotImplementedError

    async def member_left(self, who: Principal, key: str, request: MemberStep) -> Done:
        """ids: member. Refused: unknown."""
        raise NotImplementedError

    async def grant_role(self, who: Principal, key: str, request: MemberStep) -> Done:
        """ids: member."""
        raise NotImplementedError

    async def end_role(self, who: Principal, key: str, request: MemberStep) -> Done:
        """ids: member."""
        raise NotImplementedError

    async def register_agent(self, who: Principal, key: str, request: RegisterAgent) -> Done:
        """ids: member (the agent's account, role `agent`)."""
        raise NotImplementedError

    async def stop_agent(self, who: Principal, key: str, request: MemberStep) -> Done:
        """ids: member."""
        raise NotImplementedError

    async def grant_authority(self, who: Principal, key: str, request: GrantAuthority) -> Done:
        """ids: member, authority. Refused: agent_may_not (the holder is an agent), unknown."""
        raise NotImplementedError

    async def end_authority(self, who: Principal, key: str, request: EndAuthority) -> Done:
        """ids: member, authority."""
        raise NotImplementedError

    async def issue_api_key(self, who: Principal, key: str, request: IssueApiKey) -> Done:
        """ids: key, member. The door drew the secret and keeps it nowhere."""
        raise NotImplementedError

    async def end_api_key(self, who: Principal, key: str, request: EndApiKey) -> Done:
        """ids: key."""
        raise NotImplementedError

    async def set_budget(self, who: Principal, key: str, request: SetBudget) -> Done:
        """ids: budget. Refused: one_account."""
        raise NotImplementedError

    async def approve_budget(self, who: Principal, key: str, request: ApproveBudget) -> Done:
        """ids: budget. Refused: second_person_needed, stale (another amount)."""
        raise NotImplementedError

    async def publish_kinds(self, who: Principal, key: str, request: PublishKinds) -> Done:
        """No ids; the digest names it."""
        raise NotImplementedError

    async def publish_playbook(self, who: Principal, key: str, request: PublishPlaybook) -> Done:
        """ids: playbook, policy. Refused: unknown (kinds or policy not published)."""
        raise NotImplementedError

    async def change_mode(self, who: Principal, key: str, request: ChangeMode) -> Done:
        """ids: playbook."""
        raise NotImplementedError

    async def publish_policy(self, who: Principal, key: str, request: PublishPolicy) -> Done:
        """ids: policy. Refused: unknown (verifier), value_invalid (content)."""
        raise NotImplementedError

    async def register_source(self, who: Principal, key: str, request: RegisterSource) -> Done:
        """ids: source."""
        raise NotImplementedError

    async def change_settings(self, who: Principal, key: str, request: ChangeSettings) -> Done:
        """Refused: value_invalid (an unknown setting or value)."""
        raise NotImplementedError

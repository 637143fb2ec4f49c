"""Taking recognition along: each share of a settled award becomes a signed credential, once, by the system.

    award_settled -> job -> the document, signed -> credential_issued {whose key, which bit}, the document in the vault

A credential exists where its entry does; what the document says is casework/badges.py, and whether it was taken back
afterwards is the state of its award (docs/spec/credential.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import badges, cases, people, rdf_proofs, status_lists
from casework.awards import SETTLED
from casework.data_integrity import ProofRefused, did_of, signed
from casework.errors import refuse
from casework.intake import Done, Intake, joined
from casework.requests import Asked, AwardStep, Principal, Private
from ledger.changes import Row
from ledger.commands import Command, Decided, Need, View
from ledger.ed25519 import Ed25519Signer
from ledger.entries import SYSTEM, Draft

INDEXES_DRAWN_MAX = 8
"""Drawn in one list before the next one is begun; half of a list is free for long."""
LISTS_MAX = 10_000
PROOFS = ("jcs", "rdfc", "both")
"""Which suites prove a credential: eddsa-jcs-2022, eddsa-rdfc-2022, or one of each as a set."""


@dataclass(frozen=True, slots=True)
class _One:
    """One credential about to be recorded."""

    credential: str
    member: str
    list: int
    index: int
    commitment: str
    opened: Any


class Credentials:
    """The use cases of one organisation's log."""

    def __init__(
        self,
        intake: Intake,
        seed: bytes,
        list_url: Callable[[int], str],
    ) -> None:
        """`seed` (32 bytes) is the credential key, `list_url` the address of a status list by its number."""
        self._in = intake
        self._signer = Ed25519Signer(seed)
        self._list_url = list_url
        self.did = did_of(self._signer.public_key)

    async def issue(self, who: Principal, key: str, request: AwardStep) -> Done:
        """Issue a credential for each share of a settled award whose person is still named. ids: case, award.

        Refused: unknown, award_state, already_awarded, stale (another took the drawn bit: try again).
        """
        records = self._in.records
        award = await records.get("award", (request.award,))
        if award is None or award["state"] != SETTLED:
            raise refuse("award_state", "expected a settled award")
        made: list[_One] = []
        private = Private()
        needs = [Need("award", (request.award,)), Need("award_share", (request.award,))]
        needs += [Need("credential", (request.award,)), *cases.rows(award["case"])]
        for share in await records.scan("award_share", (request.award,)):
            member = str(share["member"])
            name = await records.get("member_name", (member,))
            if name is None:
                continue  # erased: there is nobody to give it to
            number, index = await self._free({(one.list, one.index) for one in made})
            credential = self._in.ids("credential")["credential"]
            document = await self._document(award, str(name["name"]), credential, number, index)
            sealed = self._in.seal((member,), credential=document)
            private = joined(private, Private(rows=sealed.rows))
            made.append(
                _One(credential, member, number, index, sealed.commitments["credential"], sealed.opened)
            )
            needs.append(Need("credential_slot", (badges.slot(number, index),)))
        known = {"made": tuple(made), "issuer": self.did}
        return await self._in.submit(who, key, request, issued, needs, private=private, known=known)

    async def _document(
        self, award: Row, name: str, credential: str, number: int, index: int
    ) -> dict[str, Any]:
        records = self._in.records
        verdict = await records.get("verdict", (award["case"], award["verdict"]))
        if verdict is None:
            raise refuse("unknown", f"expected the verdict of award {award['award']}")
        message = None if award["message_item"] is None else await records.open(award["message_item"])
        earned = badges.Earned(
            credential=credential,
            log=self._in.log,
            kind=award["kind"],
            policy=verdict["policy"],
            policy_digest=verdict["policy_digest"],
            k=verdict["k_evidence"],
            settled_at=award["settled_at"],
            settled_seq=award["settled_seq"],
            name=name,
            salt=self._in.entropy.token(badges.SALT_SIZE_BYTES).hex(),
            organisation=await self._organisation(),
            message=message,
        )
        document = badges.build(earned, self.did, self._list_url(number), index)
        return signed(document, award["settled_at"], self.did, self._signer.sign)

    def proven(self, document: Mapping[str, Any], proofs: str) -> dict[str, Any]:
        """Return a credential with proofs of these suites, by the key that signs today: PROOFS.

        Raises:
            NoRdf: PyLD is not installed. ProofRefused: another key issued it.
        """
        if proofs == "jcs":
            return dict(document)
        if document["issuer"]["id"] != self.did:
            raise ProofRefused("issuer", f"expected a credential of {self.did}, got one of an earlier key")
        plain = {name: value for name, value in document.items() if name != "proof"}
        other = rdf_proofs.signed(plain, document["validFrom"], self.did, self._signer.sign)
        return {**plain, "proof": other if proofs == "rdfc" else [document["proof"], other]}

    async def _organisation(self) -> str:
        row = await self._in.records.get("setting", ("name",))
        return people.readable(self._in.log) if row is None else str(json.loads(row["value"]))

    async def _free(self, taken: set[tuple[int, int]]) -> tuple[int, int]:
        """Return a status list and a bit of it that no credential has, drawn."""
        for number in range(1, LISTS_MAX + 1):
            for _ in range(INDEXES_DRAWN_MAX):
                index = int.from_bytes(self._in.entropy.token(4), "big") % status_lists.BITS
                row = await self._in.records.get("credential_slot", (badges.slot(number, index),))
                if row is None and (number, index) not in taken:
                    return number, index
        raise refuse("stale", f"expected a free bit in {LISTS_MAX} status lists, got none")

    async def status_list(self, number: int, taken_back: Iterable[int], now: str) -> dict[str, Any]:
        """Return a status list in which these bits are set, signed now."""
        issuer = badges.profile(self.did, await self._organisation())
        document = status_lists.document(self._list_url(number), issuer, taken_back, now)
        return signed(document, now, self.did, self._signer.sign)


def issued(view: View, command: Command, at: str) -> Decided:
    """Rule of issue. `known`: made, issuer.

    Raises:
        Refused: agent_may_not, award_state, already_awarded, stale, unknown.
    """
    asked: Asked = command.data
    if asked.who.id != SYSTEM:
        raise refuse("agent_may_not", "expected the system's own job")
    award = view.get("award", (asked.request.award,))
    if award is None or award["state"] != SETTLED:
        raise refuse("award_state", "expected a settled award")
    if view.scan("credential", (asked.request.award,)):
        raise refuse("already_awarded", "expected an award without credentials")
    made: tuple[_One, ...] = asked.known["made"]
    if not made:
        raise refuse("unknown", "expected somebody to give it to, got shares of people who were erased")
    shares = {share["member"] for share in view.scan("award_share", (award["award"],))}
    drafts = []
    for one in made:
        if one.member not in shares:
            raise refuse("unknown", f"expected a share of {one.member}")
        if view.get("credential_slot", (badges.slot(one.list, one.index),)) is not None:
            raise refuse("stale", "another credential took the drawn bit; draw again")
        body = {
            "credential": one.credential, "award": award["award"], "member": one.member,
            "issuer": asked.known["issuer"], "list": one.list, "index": one.index,
        }  # fmt: skip
        private = {"credential": one.commitment}
        drafts.append(Draft("credential_issued", award["case"], body, private, one.opened))
    cases.advance(cases.find(view, award["case"]), *drafts)
    return Decided(tuple(drafts), asked.private.rows, {"case": award["case"], "award": award["award"]})

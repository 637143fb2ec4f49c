"""The token book: accounts as a fold over entries. DESIGN section 4, docs/spec/entry-kinds.md.

Double entry in whole tokens. Every entry that moves tokens carries all amounts, so its postings follow from it alone;
the rules that choose those amounts (shares, what pays `owed`, what a revocation takes) are functions here, and
casework and the audits use the same ones.

    issuer                      may be negative: minus what was ever issued to budgets
    budget/<id>                 granted from, returned to
    member/<id>/provisional     granted, not settled
    member/<id>/settled         the person's own
    member/<id>/owed            may be negative: revoked after it was spent; later settlements pay it first
    redeemed                    spent

    LedgerError
    `-- BookError    tokens were asked to move in a way the book does not allow
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.changes import Add, Change, Insert
from ledger.entries import Entry
from ledger.errors import BookError

ISSUER = "issuer"
REDEEMED = "redeemed"
AMOUNT_MAX_TOKENS = 2**53 - 1


def budget(budget_id: str) -> str:
    """Return the account name of a budget."""
    return f"budget/{budget_id}"


def provisional(member: str) -> str:
    """Return the account of what a member was granted and has not settled."""
    return f"member/{member}/provisional"


def settled(member: str) -> str:
    """Return the account of a member's own tokens."""
    return f"member/{member}/settled"


def owed(member: str) -> str:
    """Return the account of what a member owes after a revocation: zero or negative."""
    return f"member/{member}/owed"


def may_be_negative(account: str) -> bool:
    """Say whether the book allows this account below zero."""
    return account == ISSUER or (account.startswith("member/") and account.endswith("/owed"))


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of the book: tokens put on (or taken from) an account by entry `seq`; `n` counts from 0 within it."""

    seq: int
    n: int
    account: str
    amount_tokens: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one member gets of an award."""

    member: str
    amount: int


# ------------------------------------------------------------------------------------------ rules that choose amounts
def shares(amount_tokens: int, weights: Mapping[str, int]) -> list[Share]:
    """Split whole tokens by integer weights, by largest remainder, ties by member id; sorted by member id.

    Every member is listed, also one whose share is 0; the sum is exactly `amount_tokens`.

    Raises:
        BookError: no member, a negative amount, or weights that are not positive.
    """
    if not weights or amount_tokens < 0 or any(weight <= 0 for weight in weights.values()):
        raise BookError(
            f"shares: expected an amount >= 0 and positive weights, got {amount_tokens} over {dict(weights)}"
        )
    total = sum(weights.values())
    members = sorted(weights)
    whole = {member: amount_tokens * weights[member] // total for member in members}
    left = amount_tokens - sum(whole.values())
    by_remainder = sorted(members, key=lambda member: (-(amount_tokens * weights[member] % total), member))
    for member in by_remainder[:left]:
        whole[member] += 1
    return [Share(member, whole[member]) for member in members]


def settle_split(amount: int, owed_balance: int) -> tuple[int, int]:
    """Return (to_settled, to_owed) for a share that settles, `owed` (zero or negative) being paid first."""
    to_owed = min(amount, -owed_balance)
    return amount - to_owed, to_owed


def revoke_split(amount: int, settled_balance: int) -> tuple[int, int]:
    """Return (from_settled, from_owed) for a settled share that is revoked: what is gone already becomes owed."""
    from_settled = min(amount, max(settled_balance, 0))
    return from_settled, amount - from_settled


# ------------------------------------------------------------------------------------------------ entries -> postings
def postings(entry: Entry) -> list[Posting]:
    """Return the book lines of an entry; see `postings_of`."""
    return postings_of(entry.kind, entry.seq, entry.body)


def postings_of(kind: str, seq: int, body: Mapping[str, Any]) -> list[Posting]:
    """Return the book lines of an entry, in a fixed order; empty for an entry that moves no tokens.

    Lines of amount 0 are left out. A budget is filled by `budget_approved`; `budget_set` only asks for it.

    Raises:
        BookError: an amount is missing, negative or no integer, shares do not add up, tokens move without a budget.
    """
    rule = _MOVES.get(kind)
    if rule is None:
        return []
    try:
        moves = rule(body)
    except (KeyError, TypeError, AttributeError) as error:
        raise BookError(f"{kind} {seq}: expected the fields of its kind, got {error!r}") from None
    lines = [(account, amount) for account, amount in moves if amount != 0]
    if sum(amount for _, amount in lines) != 0:
        raise BookError(f"{kind} {seq}: expected postings that add up to 0, got {lines}")
    return [Posting(seq, n, account, amount) for n, (account, amount) in enumerate(lines)]


Moves = list[tuple[str, int]]


def _amount(value: Any, what: str) -> int:
    if type(value) is not int or not 0 <= value <= AMOUNT_MAX_TOKENS:
        raise BookError(f"{what}: expected whole tokens >= 0, got {value!r}")
    return value


def _budget_of(body: Mapping[str, Any], total: int) -> str:
    if body["budget"] is None and total != 0:
        raise BookError(f"award {body['award']}: expected a budget for {total} tokens, got none")
    return budget(str(body["budget"]))


def _budget_approved(body: Mapping[str, Any]) -> Moves:
    amount = _amount(body["amount_tokens"], "budget")
    return [(ISSUER, -amount), (budget(body["budget"]), amount)]


def _plain_shares(body: Mapping[str, Any]) -> list[Share]:
    return [Share(share["member"], _amount(share["amount"], "share")) for share in body["shares"]]


def _award_granted(body: Mapping[str, Any]) -> Moves:
    amount = _amount(body["amount_tokens"], "award")
    parts = _plain_shares(body)
    if sum(share.amount for share in parts) != amount:
        raise BookError(f"award {body['award']}: expected shares of {amount} in all, got {parts}")
    return [
        (_budget_of(body, amount), -amount),
        *((provisional(share.member), share.amount) for share in parts),
    ]


def _award_declined(body: Mapping[str, Any]) -> Moves:
    parts = _plain_shares(body)
    total = sum(share.amount for share in parts)
    return [
        *((provisional(share.member), -share.amount) for share in parts),
        (_budget_of(body, total), total),
    ]


def _award_settled(body: Mapping[str, Any]) -> Moves:
    moves: Moves = []
    for share in body["shares"]:
        to_settled, to_owed = _amount(share["to_settled"], "to_settled"), _amount(share["to_owed"], "to_owed")
        member = share["member"]
        moves += [
            (provisional(member), -to_settled - to_owed),
            (settled(member), to_settled),
            (owed(member), to_owed),
        ]
    return moves


def _award_revoked(body: Mapping[str, Any]) -> Moves:
    moves: Moves = []
    total = 0
    for share in body["shares"]:
        from_settled = _amount(share["from_settled"], "from_settled")
        from_owed = _amount(share["from_owed"], "from_owed")
        total += from_settled + from_owed
        moves += [(settled(share["member"]), -from_settled), (owed(share["member"]), -from_owed)]
    return [*moves, (_budget_of(body, total), total)]


_MOVES = {
    "budget_approved": _budget_approved,
    "award_granted": _award_granted,
    "award_declined": _award_declined,
    "award_settled": _award_settled,
    "award_revoked": _award_revoked,
}
MOVES = frozenset(_MOVES)
"""The kinds of entries that move tokens."""


# ------------------------------------------------------------------------------------------------------------ the fold
class Book:
    """Balances folded from postings, for audits and for rules that need a few accounts.

    Memory is one number per account, whatever the number of entries.
    """

    __slots__ = ("balances",)

    def __init__(self, balances: Mapping[str, int] | None = None) -> None:
        self.balances: dict[str, int] = dict(balances or {})

    def post(self, lines: Sequence[Posting]) -> None:
        """Apply the lines of one entry, all or nothing.

        Raises:
            BookError: an account that may not would fall below zero; names the account.
        """
        changed: dict[str, int] = {}
        for line in lines:
            changed[line.account] = (
                changed.get(line.account, self.balances.get(line.account, 0)) + line.amount_tokens
            )
        for account, balance in changed.items():
            if balance < 0 and not may_be_negative(account):
                raise BookError(f"account {account}: expected a balance >= 0, got {balance}")
            if balance > 0 and account.endswith("/owed"):
                raise BookError(f"account {account}: expected a balance <= 0, got {balance}")
        self.balances.update(changed)


def project(entry: Entry, opened: Mapping[str, Any] | None) -> Iterable[Change]:
    """Yield the rows of an entry: one `posting` per line, and its amount on `account`. Needs no private values."""
    del opened
    for line in postings(entry):
        row = {"seq": line.seq, "n": line.n, "account": line.account, "amount_tokens": line.amount_tokens}
        yield Insert("posting", row)
        yield Add("account", (line.account,), "balance_tokens", line.amount_tokens)

"""The token book: who gets what, what moves, and that nothing is made or lost on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import book
from ledger.book import Book, Posting, Share, postings_of, project, revoke_split, settle_split, shares
from ledger.changes import Add, Insert
from ledger.errors import BookError
from ledger.reading import read_entry
from tests.ledger.logs import opened_log

SHARES = [
    (10, {"a": 1}, [10]),
    (10, {"a": 1, "b": 1, "c": 1}, [4, 3, 3]),
    (11, {"c": 1, "b": 1, "a": 1}, [4, 4, 3]),
    (1, {"b": 1, "a": 1}, [1, 0]),
    (0, {"a": 1, "b": 5}, [0, 0]),
    (7, {"a": 1, "b": 2}, [2, 5]),
    (100, {"a": 50, "b": 30, "c": 20}, [50, 30, 20]),
]


@pytest.mark.parametrize(("amount", "weights", "expected"), SHARES)
def test_shares_go_by_largest_remainder_and_ties_by_member(
    amount: int, weights: dict[str, int], expected: list[int]
) -> None:
    assert shares(amount, weights) == [
        Share(name, part) for name, part in zip(sorted(weights), expected, strict=True)
    ]


@pytest.mark.parametrize(
    ("amount", "weights"), [(1, {}), (-1, {"a": 1}), (1, {"a": 0}), (1, {"a": 1, "b": -1})]
)
def test_shares_without_sense_are_refused(amount: int, weights: dict[str, int]) -> None:
    with pytest.raises(BookError):
        shares(amount, weights)


@given(
    st.integers(0, 10**9), st.dictionaries(st.text(max_size=3), st.integers(1, 10**6), min_size=1, max_size=8)
)
def test_shares_add_up_and_are_within_one_of_exact(amount: int, weights: dict[str, int]) -> None:
    parts = shares(amount, weights)
    total = sum(weights.values())
    assert sum(part.amount for part in parts) == amount
    assert all(abs(part.amount * total - amount * weights[part.member]) < total for part in parts)


@pytest.mark.parametrize(
    ("amount", "owed", "expected"),
    [(5, 0, (5, 0)), (5, -3, (2, 3)), (5, -5, (0, 5)), (5, -9, (0, 5)), (0, -9, (0, 0))],
)
def test_a_settlement_pays_what_is_owed_first(amount: int, owed: int, expected: tuple[int, int]) -> None:
    assert settle_split(amount, owed) == expected


@pytest.mark.parametrize(
    ("amount", "settled", "expected"), [(5, 9, (5, 0)), (5, 5, (5, 0)), (5, 2, (2, 3)), (5, 0, (0, 5))]
)
def test_a_revocation_takes_what_is_left_and_the_rest_is_owed(
    amount: int, settled: int, expected: tuple[int, int]
) -> None:
    assert revoke_split(amount, settled) == expected


AWARD = {"award": "w", "budget": "b", "amount_tokens": 5}
MOVES: list[tuple[str, dict[str, Any], dict[str, int]]] = [
    ("budget_set", {"budget": "b", "amount_tokens": 9, "until": None}, {}),
    ("budget_approved", {"budget": "b", "amount_tokens": 9}, {"issuer": -9, "budget/b": 9}),
    (
        "award_granted",
        {**AWARD, "shares": [{"member": "m", "amount": 3}, {"member": "n", "amount": 2}]},
        {"budget/b": -5, "member/m/provisional": 3, "member/n/provisional": 2},
    ),
    (
        "award_granted",
        {**AWARD, "budget": None, "amount_tokens": 0, "shares": [{"member": "m", "amount": 0}]},
        {},
    ),
    (
        "award_declined",
        {**AWARD, "shares": [{"member": "m", "amount": 5}]},
        {"member/m/provisional": -5, "budget/b": 5},
    ),
    (
        "award_settled",
        {"award": "w", "shares": [{"member": "m", "to_settled": 2, "to_owed": 3}]},
        {"member/m/provisional": -5, "member/m/settled": 2, "member/m/owed": 3},
    ),
    (
        "award_revoked",
        {**AWARD, "shares": [{"member": "m", "from_settled": 2, "from_owed": 3}]},
        {"member/m/settled": -2, "member/m/owed": -3, "budget/b": 5},
    ),
    ("note_added", {}, {}),
]


@pytest.mark.parametrize(("kind", "body", "expected"), MOVES)
def test_what_an_entry_moves(kind: str, body: dict[str, Any], expected: dict[str, int]) -> None:
    lines = postings_of(kind, 4, body)
    assert {line.account: line.amount_tokens for line in lines} == expected
    assert [line.n for line in lines] == list(range(len(lines)))


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("budget_approved", {"budget": "b", "amount_tokens": -1}),
    ("budget_approved", {"budget": "b", "amount_tokens": True}),
    ("budget_approved", {"budget": "b"}),
    ("award_granted", {**AWARD, "shares": [{"member": "m", "amount": 4}]}),
    ("award_granted", {**AWARD, "budget": None, "shares": [{"member": "m", "amount": 5}]}),
    ("award_granted", {**AWARD, "shares": [{"member": "m"}]}),
    ("award_granted", {**AWARD, "shares": 5}),
    ("award_settled", {"award": "w", "shares": [{"member": "m", "to_settled": 2, "to_owed": -2}]}),
    (
        "award_revoked",
        {**AWARD, "budget": None, "shares": [{"member": "m", "from_settled": 1, "from_owed": 0}]},
    ),
]


@pytest.mark.parametrize(("kind", "body"), WRONG)
def test_an_entry_that_cannot_move_is_refused(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(BookError):
        postings_of(kind, 4, body)


OVERDRAWN = [
    ("budget/b", -1),
    ("member/m/provisional", -1),
    ("member/m/settled", -1),
    ("redeemed", -1),
    ("member/m/owed", 1),
    ("budget/owed", -1),
]


@pytest.mark.parametrize(("account", "amount"), OVERDRAWN)
def test_an_account_past_zero_is_named_and_nothing_is_posted(account: str, amount: int) -> None:
    kept = Book({"issuer": 0})
    with pytest.raises(BookError, match=account):
        kept.post([Posting(0, 0, "issuer", -amount), Posting(0, 1, account, amount)])
    assert kept.balances == {"issuer": 0}


@given(st.lists(st.tuples(st.sampled_from("mno"), st.integers(1, 50), st.booleans()), max_size=30))
def test_over_any_history_the_book_sums_to_zero(history: list[tuple[str, int, bool]]) -> None:
    """Each award is granted and settled; some are revoked after the member's tokens were spent elsewhere."""
    kept = Book()
    kept.post(postings_of("budget_approved", 0, {"budget": "b", "amount_tokens": 10_000}))
    for member, amount, revoked in history:
        award = {"award": "w", "budget": "b"}
        given_shares = [{"member": member, "amount": amount}]
        kept.post(postings_of("award_granted", 1, {**award, "amount_tokens": amount, "shares": given_shares}))
        to_settled, to_owed = settle_split(amount, kept.balances.get(book.owed(member), 0))
        split = [{"member": member, "to_settled": to_settled, "to_owed": to_owed}]
        kept.post(postings_of("award_settled", 2, {"award": "w", "shares": split}))
        if revoked:
            spent = kept.balances[book.settled(member)] // 2
            kept.post([Posting(3, 0, book.settled(member), -spent), Posting(3, 1, book.REDEEMED, spent)])
            from_settled, from_owed = revoke_split(amount, kept.balances[book.settled(member)])
            back = [{"member": member, "from_settled": from_settled, "from_owed": from_owed}]
            kept.post(postings_of("award_revoked", 4, {**award, "shares": back}))
        assert sum(kept.balances.values()) == 0


def test_the_projection_gives_the_rows_of_the_book() -> None:
    kept = Book()
    balances: dict[str, int] = {}
    rows = []
    for data in opened_log(60).lines:
        entry = read_entry(data)
        kept.post(book.postings(entry))
        for change in project(entry, None):
            if isinstance(change, Insert):
                rows.append((change.row["seq"], change.row["n"]))
            elif isinstance(change, Add):
                assert (change.table, change.column) == ("account", "balance_tokens")
                balances[change.key[0]] = balances.get(change.key[0], 0) + change.delta
    assert balances == kept.balances
    assert rows == sorted(set(rows)) and len(rows) > 10

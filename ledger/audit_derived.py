"""Steps 7 and 8 of the audit of integrity: what lies beside the entries and must follow from them, book and vault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ledger.book import MOVES, Book, Posting, postings_of
from ledger.commitments import Opened
from ledger.errors import BookError, BundleError, CanonicalError, ProofError
from ledger.findings import Result


class BookCheck:
    """The book folded from the entries, beside the stored lines. What differs goes into the result."""

    def __init__(self, stored: Iterator[Posting] | None, result: Result) -> None:
        self._result = result
        self._book = Book()
        self._stored_postings = stored
        self._posting = next(stored, None) if stored is not None else None

    def check(self, kind: str, seq: int, body: Mapping[str, Any]) -> None:
        """Check an entry's lines against those stored, and that no account falls below zero that may not."""
        if kind not in MOVES:
            return
        try:
            lines = postings_of(kind, seq, body)
            self._book.post(lines)
        except BookError as error:
            self._result.found("book", f"entry {seq}: {error}", seq, "entries")
            return
        if self._stored_postings is None:
            return
        stored: list[Posting] = []
        while self._posting is not None and self._posting.seq <= seq:
            stored.append(self._posting)
            self._posting = next(self._stored_postings, None)
        if stored != lines:
            what = f"postings of entry {seq}: expected {lines}, got {stored}"
            self._result.found("posting", what, seq, "postings")

    def check_end(self, size: int, stored: Iterable[tuple[str, int]] | None) -> None:
        """Check that no stored line is left over, and the stored balances, after `size` entries."""
        if self._posting is not None:
            what = f"postings of entry {self._posting.seq}: expected none after the last that moves tokens"
            seq = self._posting.seq if self._posting.seq < size else None  # a lost entry names itself
            self._result.found("posting", what, seq, "postings")
        if stored is None:
            return
        expected = dict(self._book.balances)
        for account, balance in stored:
            folded = expected.pop(account, 0)
            if folded != balance:
                self._result.found(
                    "balance", f"account {account}: expected {folded}, got {balance}", None, "balances"
                )
        for account, folded in sorted(expected.items()):
            if folded != 0:
                self._result.found(
                    "balance", f"account {account}: expected {folded}, got no row", None, "balances"
                )


class VaultCheck:
    """The opened values, by seq, beside the commitments of the entries. What differs goes into the result."""

    def __init__(self, values: Iterator[Opened] | None, result: Result) -> None:
        self._result = result
        self._values = values
        self._next: Opened | None = None
        self._advance()

    @property
    def is_done(self) -> bool:
        """Whether no value is left to check."""
        return self._next is None

    def check(self, first: int, privates: Sequence[Mapping[str, str]], log: str) -> None:
        """Check the opened values of entries that stand at `first` and after; `privates` are those of the entries."""
        while self._next is not None and self._next.seq < first + len(privates):
            opened = self._next
            private = privates[opened.seq - first] if opened.seq >= first else {}
            try:
                opened.check(private.get(opened.path), log)
            except (ProofError, CanonicalError) as error:
                self._result.found(
                    "vault", f"entry {opened.seq}, {opened.path}: {error}", opened.seq, "vault"
                )
            self._advance()

    def _advance(self) -> None:
        try:
            self._next = next(self._values, None) if self._values is not None else None
        except (ProofError, BundleError) as error:
            self._next = None
            self._result.found("vault", f"opened values: {error}", None, "vault")

    def check_end(self, size: int) -> None:
        """Report a value that belongs to no entry."""
        if self._next is not None:
            what = f"opened value at {self._next.seq}: expected below {size}, got no such entry"
            self._result.found("vault", what, None, "vault")

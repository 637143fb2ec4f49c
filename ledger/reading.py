"""Reading stored entries: strictly, so that a refusal has a name, and quickly, so that an audit of a long log ends.

`read_entry` is the strict way, entry by entry. `QuickReader.read` takes a run of neighbours and looks at one field of
all of them at a time. It accepts a run only if every entry in it is as expected in every respect, and gives None for
any other; the caller then reads smaller runs, and in the end one entry strictly, to learn what is wrong with which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from operator import itemgetter
from typing import Any

from ledger.book import MOVES
from ledger.canonical import DOCUMENT_SIZE_MAX_BYTES, Dumps, Loads, decode, json_dumps, json_loads
from ledger.columns import all_ids, all_instants, all_text, column_test, raw_hashes
from ledger.entries import ENTRY_VERSION, KINDS, Entry, Kind, parse_entry
from ledger.merkle import leaf_hashes

PIECE_COUNT_MAX = 128
PIECE_SIZE_MAX_BYTES = 1_000_000
"""A longer piece is refused: decoded values take several times the room of their bytes."""

_MEMBERS = ("actor", "at", "body", "case", "cmd", "kind", "log", "prev", "private", "seq", "v")
_ACTOR = ("id", "role", "via")
_members_of = itemgetter(*_MEMBERS)
_actor_of = itemgetter(*_ACTOR)
# So many members, and each of these names: then there are no others.


def read_entry(data: bytes, loads: Loads = json_loads, dumps: Dumps = json_dumps) -> Entry:
    """Return the entry of canonical bytes. The body is not compared with its kind.

    Raises:
        CanonicalError: the bytes are outside the profile.
        EntryInvalid: the envelope has another shape.
    """
    return parse_entry(decode(data, loads, dumps))


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that are each well-formed and follow each other. That they follow what came before, the caller checks.

    They are numbered from `seq`. `leaves` are their leaf hashes, `cmds` their command ids as raw bytes, 32 each; `prev`
    and `at` are those of the first, `at_last` of the last. `moves` are (seq, kind, body) of entries that move tokens.
    `privates` are the commitments of each entry, or empty if nobody asked; `top` is the hash over all leaves, if it is
    made already.
    """

    seq: int
    kinds: frozenset[str]
    leaves: Sequence[bytes]
    cmds: bytes
    prev: str
    at: str
    at_last: str
    moves: Sequence[tuple[int, str, Mapping[str, Any]]]
    privates: Sequence[Mapping[str, str]]
    top: bytes | None = None

    def followed_by(self, other: Run) -> Run | None:
        """Return both as one, or None if `other` does not follow."""
        if other.prev != self.leaves[-1].hex() or other.at < self.at_last:
            return None
        return Run(
            self.seq,
            self.kinds | other.kinds,
            [*self.leaves, *other.leaves],
            self.cmds + other.cmds,
            self.prev,
            self.at,
            other.at_last,
            [*self.moves, *other.moves],
            [*self.privates, *other.privates],
        )


class QuickReader:
    """Reads the entries of one log in order."""

    __slots__ = ("_dumps", "_loads", "_log", "_shapes")

    def __init__(self, log: str, loads: Loads, dumps: Dumps) -> None:
        self._log = log
        self._loads = loads
        self._dumps = dumps
        self._shapes = {name: _Shape(kind) for name, kind in KINDS.items()}

    def read(self, lines: Sequence[bytes], seq: int) -> Run | None:
        """Return the run of these entries, one at least, the first numbered `seq`; None if anything is unusual."""
        run = self._read_piece(lines[:PIECE_COUNT_MAX], seq)
        for at in range(PIECE_COUNT_MAX, len(lines), PIECE_COUNT_MAX):
            if run is None:
                return None
            piece = self._read_piece(lines[at : at + PIECE_COUNT_MAX], seq + at)
            run = None if piece is None else run.followed_by(piece)
        return run

    def _read_piece(self, lines: Sequence[bytes], seq: int) -> Run | None:
        """Read a run of a size that decoded values stay in the processor's cache, which halves the time.

        1. canonical bytes   2. members   3. envelope, field by field   4. bodies, kind by kind   5. links inside
        """
        try:
            values = self._decoded(lines)
            if values is None or set(map(type, values)) != {dict} or set(map(len, values)) != {len(_MEMBERS)}:
                return None
            actors, ats, bodies, cases, cmds, kinds, logs, prevs, privates, seqs, versions = zip(
                *map(_members_of, values), strict=True
            )
            size = len(lines)
            if set(map(type, seqs + versions)) != {int} or versions.count(ENTRY_VERSION) != size:
                return None
            if seqs != tuple(range(seq, seq + size)) or logs.count(self._log) != size:
                return None
            if not all_instants(ats) or sorted(ats) != list(ats):  # fixed-width UTC text sorts as time
                return None
            if not _are_actors(actors) or not all_ids([case for case in set(cases) if case is not None]):
                return None
            raw_cmds, raw_prevs = raw_hashes(cmds), raw_hashes(prevs)
            if raw_cmds is None or raw_prevs is None or not self._are_bodies(kinds, bodies, privates):
                return None
            leaves = leaf_hashes(lines)
            if raw_prevs[len(leaves[0]) :] != b"".join(leaves[:-1]):
                return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        distinct = frozenset(kinds)
        moves = [] if MOVES.isdisjoint(distinct) else _moves(seq, kinds, bodies)
        return Run(seq, distinct, leaves, raw_cmds, prevs[0], ats[0], ats[-1], moves, privates)

    def _decoded(self, lines: Sequence[bytes]) -> list[Any] | None:
        """Return the values if the bytes of each are canonical, ASCII and not too many.

        The values are encoded again as one list. Every line is one JSON document by itself, and no object's text
        starts another's, so if the whole agrees and holds objects only (`read` sees to that), each line does.
        """
        if len(lines) > 1 and sum(map(len, lines)) > PIECE_SIZE_MAX_BYTES:
            return None
        values = list(map(self._loads, lines))
        whole = b"[%b]" % b",".join(lines)
        if (
            self._dumps(values) != whole
            or not whole.isascii()
            or max(map(len, lines)) > DOCUMENT_SIZE_MAX_BYTES
        ):
            return None
        return values

    def _are_bodies(self, kinds: Sequence[str], bodies: Sequence[Any], privates: Sequence[Any]) -> bool:
        by_kind: dict[str, tuple[list[Any], list[Any]]] = {kind: ([], []) for kind in set(kinds)}
        for kind, body, private in zip(kinds, bodies, privates, strict=True):
            of_kind = by_kind[kind]
            of_kind[0].append(body)
            of_kind[1].append(private)
        columns: dict[str, list[Any]] = {}
        for kind, (its_bodies, its_privates) in by_kind.items():
            if not self._shapes[kind].fits(its_bodies, its_privates):
                return False
            self._shapes[kind].add_to(columns, its_bodies)
        # A piece holds many kinds and few types: one test over all fields of a type, whatever they are called.
        if not all(column_test(type_name)(column) for type_name, column in columns.items()):
            return False
        return raw_hashes(list(chain.from_iterable(map(dict.values, privates)))) is not None


class _Shape:
    """What members, types of fields and private paths an entry's body of a kind must have."""

    __slots__ = ("_count", "_fields", "_paths")

    def __init__(self, kind: Kind) -> None:
        self._fields = [(type_name, itemgetter(name)) for name, type_name in kind.fields.items()]
        self._count = len(kind.fields)
        self._paths = set(kind.private)

    def fits(self, bodies: Sequence[Any], privates: Sequence[Any]) -> bool:
        """Say whether all bodies are objects with so many members, and all private paths are as declared."""
        if set(map(type, bodies)) != {dict} or set(map(len, bodies)) != {self._count}:
            return False
        return self._paths.issuperset(chain.from_iterable(privates))

    def add_to(self, columns: dict[str, list[Any]], bodies: Sequence[Mapping[str, Any]]) -> None:
        """Put the values of all fields into the column of their type. Raises KeyError: a field is missing."""
        for type_name, of_field in self._fields:
            column = columns.get(type_name)
            if column is None:
                columns[type_name] = list(map(of_field, bodies))
            else:
                column.extend(map(of_field, bodies))


def _moves(
    first: int, kinds: Sequence[str], bodies: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str, Mapping[str, Any]]]:
    steps = zip(count(first), kinds, bodies)
    return [(seq, kind, body) for seq, kind, body in steps if kind in MOVES]


def _are_actors(actors: Sequence[Any]) -> bool:
    distinct = set(map(_actor_of, actors))  # a few people do most of the work
    return set(map(len, actors)) == {len(_ACTOR)} and all_text(list(chain.from_iterable(distinct)))

"""Which texts are about the same thing, by their words: offered before a report is sent, and by the search.

Pure: texts in, scores out. Words are compared by their letters alone: case, accents and umlauts are folded
(Kühlschrank, Kuehlschrank and kuhlschrank are one word), near words count by the share of their trigrams.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

TEXT_CHARS_MAX = 4_000
WORDS_MAX = 60
"""Words of one text that are compared; the first ones tell the matter."""
BEGINNING_CHARS_MAX = 24
LIKE_ENOUGH = 0.5
"""Trigram share from which two words count as one; also the score from which two texts are about the same thing."""
PART_OF = 0.8
"""What it counts when all words of the shorter text stand in the longer one."""

_WORD = re.compile(r"[^\W_]+")
_FOLDED = (("ß", "ss"), ("ae", "a"), ("oe", "o"), ("ue", "u"))
_STOP_WORDS = (
    "a an and are as at be been but by for from has have he her his i in is it its me my no not of on or our she so "
    "some that the their them then there they this to too was we were with you your "
    "aber als am an auch auf aus bei bin bis da das dass dem den der des die du ein eine einem einen einer er es "
    "fuer für hat ich ihr im in ist ja kein keine mit nach nicht noch nur oder schon sein sie sind so und uns vom "
    "von war was wie wir wo zu zum zur"
)


def fold(text: str) -> str:
    """Return the letters of a text as they are compared."""
    plain = unicodedata.normalize("NFKD", text[:TEXT_CHARS_MAX].casefold())
    folded = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for written, read in _FOLDED:
        folded = folded.replace(written, read)
    return folded


STOP_WORDS = frozenset(fold(_STOP_WORDS).split())


def words(text: str) -> tuple[str, ...]:
    """Return the different words of a text that say something, in their order, at most WORDS_MAX."""
    found = (word for word in _WORD.findall(fold(text)) if word not in STOP_WORDS)
    return tuple(dict.fromkeys(found))[:WORDS_MAX]


def likeness(one: str, other: str) -> float:
    """Return how alike two folded words are, 0.0 to 1.0; numbers are the same or they are not."""
    if one == other:
        return 1.0
    if one.isdecimal() or other.isdecimal():
        return 0.0
    left, right = _trigrams(one), _trigrams(other)
    return 2 * len(left & right) / (len(left) + len(right))


def _trigrams(word: str) -> frozenset[str]:
    padded = f" {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def score(one: Iterable[str], other: Iterable[str]) -> float:
    """Return how much two lists of words are about the same, 0.0 to 1.0; one common word alone is never enough."""
    left, right = tuple(one), tuple(other)
    if not left or not right:
        return 0.0
    best = (max(likeness(word, another) for another in right) for word in left)
    shared = [share for share in best if share >= LIKE_ENOUGH]
    both = 2 * sum(shared) / (len(left) + len(right))
    contained = min(1.0, sum(shared) / min(len(left), len(right))) * PART_OF if len(shared) > 1 else 0.0
    return min(1.0, max(both, contained))


def most_alike(text: str, others: Mapping[str, str], at_most: int) -> list[tuple[str, float]]:
    """Return (name, score) of the texts about the same thing, the most alike first, of equals in the order given."""
    asked = words(text)
    scored = [(name, score(asked, words(other))) for name, other in others.items()]
    alike = [one for one in scored if one[1] >= LIKE_ENOUGH]
    return sorted(alike, key=lambda one: -one[1])[:at_most]


def holds(text: str, asked: str) -> bool:
    """Say whether every word asked for begins a word of the text; for the search, where people type beginnings."""
    wanted = _WORD.findall(fold(asked))
    there = _WORD.findall(fold(text))
    return bool(wanted) and all(any(word.startswith(one) for word in there) for one in wanted)


def beginnings(texts: Iterable[str], at_most: int, least: int = 2) -> list[str]:
    """Return the words that texts most often begin with (up to a colon, else the first that says something), each as
    first written; only what began `least` of them. Of equals the one that came first."""
    counted: dict[str, list[str]] = {}
    for text in texts:
        begun = _beginning(text)
        if begun:
            counted.setdefault(fold(begun), []).append(begun)
    often = sorted(
        (found for found in counted.values() if len(found) >= least), key=lambda found: -len(found)
    )
    return [found[0][:1].upper() + found[0][1:] for found in often[:at_most]]


def _beginning(text: str) -> str:
    head, colon, _ = text.strip().partition(":")
    if colon and 0 < len(head) <= BEGINNING_CHARS_MAX and "\n" not in head:
        return head.strip()
    said = (word for word in _WORD.findall(text[:TEXT_CHARS_MAX]) if fold(word) not in STOP_WORDS)
    first = next(said, "")
    return first if not first.isdecimal() and 2 < len(first) <= BEGINNING_CHARS_MAX else ""

"""What a person may choose: a sign-in name, a password, a PIN.

A password is judged by its length and by being none of those that are tried first, never by its mix of characters
(NIST SP 800-63B 3.1.1.2). What is tried first is told by rules and a short list of stems instead of a long list of
passwords: the stem with anything simple before or behind it, sequences, keyboard rows, repetitions, digits only, and
the names at hand (the person's, the organisation's). What protects a PIN is the count of tries (device_rules.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from casework.errors import refuse

NAME_CHARS_MIN, NAME_CHARS_MAX = 3, 64
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 8, 200
PASSWORD_CHARS_ADVISED = 15
PIN_DIGITS = 6
DISTINCT_CHARS_MIN = 4
"""A password of fewer different characters is a repetition in another order."""
LEFT_OVER_CHARS_MIN = 5
"""So many characters beside a stem, a name or a run make a password of its own."""

_NAME = re.compile(r"[\w.@+-]+")
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm",
    "azertyuiop", "qsdfghjklm", "1qaz2wsx3edc4rfv5tgb", "qazwsxedcrfvtgb", "1q2w3e4r5t6z7u8i", "1q2w3e4r5t6y7u8i",
)  # fmt: skip
_RUN_CHARS_MIN = 3
_WORD_CHARS_MIN = 3
_STEMS = (
    "password", "passwort", "passwd", "passphrase", "kennwort", "geheim", "secret", "letmein", "welcome", "willkommen",
    "hallo", "hello", "login", "admin", "administrator", "manager", "owner", "staff", "guest", "user", "root", "test",
    "testing", "default", "changeme", "temp", "master", "access", "trustno", "iloveyou", "ichliebedich", "schatz",
    "princess", "sunshine", "shadow", "dragon", "monkey", "football", "fussball", "baseball", "basketball", "soccer",
    "superman", "batman", "pokemon", "starwars", "michael", "jordan", "jennifer", "charlie", "daniel", "thomas",
    "ashley", "jessica", "nicole", "killer", "freedom", "whatever", "hunter", "ranger", "harley", "mustang", "ferrari",
    "mercedes", "porsche", "computer", "internet", "google", "facebook", "samsung", "iphone", "android", "windows",
    "microsoft", "apple", "summer", "sommer", "winter", "spring", "autumn", "herbst", "fruehling", "january", "monday",
    "montag", "friday", "freitag", "december", "berlin", "hamburg", "london", "paris", "liverpool", "arsenal",
    "chelsea", "bayern", "dortmund", "cheese", "chocolate", "cookie", "banana", "orange", "flower", "butterfly",
    "purple", "ginger", "pepper", "matrix", "hotel", "restaurant", "kitchen", "kueche", "coffee", "kaffee",
    "tallystick", "tally",
)  # fmt: skip
_LOOKALIKES = str.maketrans("013457@$!", "oleastasi")


_UNTYPED = frozenset({"Cc", "Cs"})
"""Control characters, and halves of characters (surrogates), which no text of ours can hold."""


def plain(text: str) -> str:
    """Return what was meant, whatever keyboard typed it (NFKC)."""
    return unicodedata.normalize("NFKC", text)


def sign_in_name(given: str, field: str = "/name") -> str:
    """Return a sign-in name as it is kept and compared: without outer spaces, case-folded.

    Raises:
        Refused: value_invalid.
    """
    name = plain(given).strip().casefold()
    if not NAME_CHARS_MIN <= len(name) <= NAME_CHARS_MAX or not _NAME.fullmatch(name):
        raise refuse(
            "value_invalid",
            f"name: expected {NAME_CHARS_MIN} to {NAME_CHARS_MAX} letters, digits or . _ @ + -, got {given[:80]!r}",
            field,
        )
    return name


def check_password(given: str, names: Iterable[str | None] = (), field: str = "/password") -> None:
    """Check a password. `names` are those at hand: of the person, to sign in, of the organisation.

    Raises:
        Refused: value_invalid. What was typed is never repeated.
    """
    password = plain(given)
    if any(unicodedata.category(character) in _UNTYPED for character in password):
        raise refuse("value_invalid", "password: expected characters that can be typed, got others", field)
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise refuse(
            "value_invalid",
            f"password: expected {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
            f" ({PASSWORD_CHARS_ADVISED} or more are better), got {len(password)}",
            field,
        )
    why = _guessed(password.casefold(), [word for name in names if name for word in _words(name)])
    if why is not None:
        raise refuse("value_invalid", f"password: expected one that nobody tries first, got {why}", field)


def check_pin(given: str, field: str = "/pin") -> None:
    """Check a PIN.

    Raises:
        Refused: value_invalid.
    """
    if len(given) != PIN_DIGITS or not (given.isascii() and given.isdigit()):
        raise refuse("value_invalid", f"pin: expected {PIN_DIGITS} digits", field)
    half = PIN_DIGITS // 2
    repeats = len(set(given)) < 3 or given[:half] == given[half:] or given[:2] * half == given
    repeats = repeats or given[::2] == given[1::2]
    if repeats or _is_run(given):
        raise refuse("value_invalid", "pin: expected no repetition and no sequence, got one", field)


def _words(name: str) -> list[str]:
    """Return the parts of a name that would be tried, and the whole of it without spaces."""
    parts = re.split(r"[\W_]+", plain(name).casefold())
    return [word for word in (*parts, "".join(parts)) if len(word) >= _WORD_CHARS_MIN]


def _guessed(password: str, names: list[str]) -> str | None:
    """Return why a password (case-folded) would be tried early, or None."""
    if password.isdigit():
        return "digits only"
    if len(set(password)) < DISTINCT_CHARS_MIN or _period(password) <= len(password) // 2:
        return "a repetition"
    if _is_run(password):
        return "a sequence"
    forms = {password, password.translate(_LOOKALIKES)}
    for kind, words in (("a name at hand", names), ("a common one", _STEMS)):
        if any(word in form and _left_over(form.replace(word, "")) for word in words for form in forms):
            return kind
    return None


def _left_over(rest: str) -> bool:
    """Say whether what stands beside a word adds nothing: little of it, a year, a run or a repetition."""
    letters = re.sub(r"[\W\d_]", "", rest)
    return len(letters) < LEFT_OVER_CHARS_MIN and len(rest) <= 2 * LEFT_OVER_CHARS_MIN


def _period(text: str) -> int:
    """Return the length of the shortest piece that the text is a repetition of, the last one cut or not."""
    return next(size for size in range(1, len(text) + 1) if text[size:] == text[:-size] or size == len(text))


def _is_run(text: str) -> bool:
    """Say whether the text is made of pieces of the alphabet, the digits or a keyboard, forwards or backwards."""
    runs = [run for forward in _RUNS for run in (forward, forward[::-1])]
    at = 0
    while at < len(text):
        size = max(_shared(text[at:], run) for run in runs)
        if size < min(_RUN_CHARS_MIN, len(text) - at) or size == 0:
            return False
        at += size
    return True


def _shared(text: str, run: str) -> int:
    """Return how many characters at the beginning of the text stand together in the run."""
    return next((size for size in range(min(len(text), len(run)), 0, -1) if text[:size] in run), 0)

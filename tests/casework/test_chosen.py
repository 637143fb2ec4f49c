"""Passwords, PINs and sign-in names: what is refused because it would be tried first, and what is left to people."""

from __future__ import annotations

import pytest

from casework import chosen
from ledger.errors import Refused

NAMES = ("Ana Lopez", "ana", "Harbour House", None)

PASSWORDS = [
    ("short12", "characters"),
    ("x" * 201, "characters"),
    ("password1", "a common one"),
    ("P@ssw0rd!", "a common one"),
    ("Passw0rd2026", "a common one"),
    ("Sommer2026!", "a common one"),
    ("12345678", "digits only"),
    ("83650184726", "digits only"),
    ("aaaaaaaa", "a repetition"),
    ("abcdabcd", "a repetition"),
    ("soupsoupso", "a repetition"),
    ("qwertyui", "a sequence"),
    ("QWERTZuiop", "a sequence"),
    ("hgfedcba", "a sequence"),
    ("abc12345", "a sequence"),
    ("1q2w3e4r", "a sequence"),
    ("harbour2026", "a name at hand"),
    ("Ana-Lopez-1", "a name at hand"),
    ("harb0urhouse", "a name at hand"),
]


@pytest.mark.parametrize(("password", "why"), PASSWORDS)
def test_a_password_that_is_tried_first_is_refused_and_never_repeated(password: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        chosen.check_password(password, NAMES)
    assert (refused.value.code, refused.value.field) == ("value_invalid", "/password")
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "blue kettle on the stove",
        "tr0ub4dor&3",
        "manager of the night shift",
        "Ana hates cold soup",
        "пароль из кухни",
        "ooeeaauu",
    ],
)
def test_a_password_needs_no_mix_of_characters(password: str) -> None:
    chosen.check_password(password, NAMES)


@pytest.mark.parametrize("pin", ["111111", "121212", "123123", "112233", "123456", "987654", "112112"])
def test_a_pin_that_is_tried_first_is_refused(pin: str) -> None:
    with pytest.raises(Refused, match="repetition"):
        chosen.check_pin(pin)


@pytest.mark.parametrize("pin", ["12345", "1234567", "12a456", "", "١٢٣٤٥٦", "-12345"])
def test_a_pin_is_six_digits(pin: str) -> None:
    with pytest.raises(Refused, match="6 digits"):
        chosen.check_pin(pin)


@pytest.mark.parametrize("pin", ["240789", "902461", "135790"])
def test_any_other_pin_will_do_a_birthday_too(pin: str) -> None:
    chosen.check_pin(pin)


@pytest.mark.parametrize(
    ("given", "kept"), [(" Ana.L ", "ana.l"), ("ÀNA", "àna"), ("ＡＮＡ", "ana"), ("STRASSE@x", "strasse@x")]
)
def test_a_name_is_compared_without_case(given: str, kept: str) -> None:
    assert chosen.sign_in_name(given) == kept


@pytest.mark.parametrize("given", ["", "ab", "a b c", "x" * 65, "=cmd|x", "ana\x00b", "<b>"])
def test_a_name_of_other_characters_is_refused(given: str) -> None:
    with pytest.raises(Refused, match="value_invalid"):
        chosen.sign_in_name(given)

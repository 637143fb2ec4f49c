"""Bring the catalogues of the pages up to date: every sentence of code and templates stands in each of them.

python -m tools.words            adds what is new (empty), drops what is gone, keeps what is translated
python -m tools.words --check    says what is missing, and fails if anything is
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from api.pages import shipped

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "web" / "locale"
LANGUAGES = ("de",)
KEYWORDS = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}
PLACES: tuple[tuple[Path, list[tuple[str, str]], dict[str, dict[str, str]]], ...] = (
    (ROOT / "api" / "pages", [("**.py", "python")], {}),
    (ROOT / "web" / "templates", [("**.html", "jinja2")], {"**.html": {"trimmed": "true"}}),
)


def extracted() -> Catalog:
    """Return every sentence of the pages, and of the shipped watches."""
    found = Catalog(project="tallystick", charset="utf-8")
    for place, methods, options in PLACES:
        walked = extract_from_dir(place, methods, options, keywords=KEYWORDS)
        for name, line, message, _comments, context in walked:
            if name.startswith("gallery"):
                continue  # for developers
            found.add(message, None, [(f"{place.name}/{name}", line)], context=context)
    for sentence in shipped.sentences():
        found.add(sentence)
    return found


def catalogue(language: str) -> Catalog:
    """Return the catalogue as it stands; an empty one where there is none."""
    path = LOCALE / f"{language}.po"
    if not path.is_file():
        return Catalog(locale=language, project="tallystick", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def missing(language: str) -> list[str]:
    """Return the sentences that a language has no words for, and those that lost a place for a value."""
    there = catalogue(language)
    lacking = []
    for message in extracted():
        if not message.id:
            continue
        held = there.get(message.id if isinstance(message.id, str) else message.id[0])
        said = (held.string,) if held is not None and isinstance(held.string, str) else held and held.string
        if held is None or held.fuzzy or not said or not all(said):
            lacking.append(str(message.id))
        elif any(True for _ in held.check(there)):
            lacking.append(f"{message.id}: its places do not fit")
    return lacking


def renew(language: str) -> int:
    """Write the catalogue anew; return how many sentences still need words."""
    there = catalogue(language)
    there.update(extracted(), no_fuzzy_matching=True)
    there.obsolete.clear()
    LOCALE.mkdir(parents=True, exist_ok=True)
    with (LOCALE / f"{language}.po").open("wb") as file:
        # without places and dates: two people who add pages should not meet in every line
        write_po(file, there, no_location=True, omit_header=True, sort_output=True, width=0)
    return len(missing(language))


if __name__ == "__main__":
    if "--check" in sys.argv:
        lacking = {language: missing(language) for language in LANGUAGES}
        for language, sentences in lacking.items():
            print(language, *sentences, sep="\n  ")
        sys.exit(any(lacking.values()))
    for language in LANGUAGES:
        print(f"{language}: {renew(language)} without words")

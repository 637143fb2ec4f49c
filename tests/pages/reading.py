"""Reading a page in tests: its words without tags and exact records, its forms with their fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

VOID = frozenset({"input", "br", "img", "meta", "link", "hr", "path", "source"})


@dataclass
class FormSeen:
    """One form: where it goes, and what it carries when nothing is changed."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FormSeen] = []
        self._by_id: dict[str, FormSeen] = {}
        self._open: FormSeen | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = FormSeen(given.get("action", ""))
            self.forms.append(self._open)
            self._by_id[given.get("id", "")] = self._open
        into = self._by_id.get(given["form"]) if "form" in given else self._open
        name = given.get("name")
        if into is None or not name:
            if tag == "option" and self._open is not None and self._select is not None:
                self._choose(given)
            return
        if tag == "input" and given.get("type") not in ("checkbox", "radio", "file", "submit"):
            into.fields[name] = given.get("value", "")
        elif tag == "input" and "checked" in given:
            into.fields[name] = given.get("value", "on")
        elif tag == "textarea":
            into.fields[name], self._area = "", name
        elif tag == "select":
            self._select = name
        elif tag == "button":
            into.buttons.append((name, given.get("value", "")))

    def _choose(self, given: dict[str, str]) -> None:
        assert self._open is not None and self._select is not None
        if "selected" in given or self._select not in self._open.fields:
            self._open.fields[self._select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._open is not None:
            self._open.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None


def forms(html: str) -> list[FormSeen]:
    """Return every form of a page, in order; buttons outside belong to the form they name."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def form(html: str, action: str) -> FormSeen:
    """Return the one form that goes to this address (or to one that ends so)."""
    found = [one for one in forms(html) if one.action == action or one.action.endswith(action)]
    assert found, (action, [one.action for one in forms(html)])
    return found[0]


def words(html: str) -> str:
    """Return the words of a page without its exact records, styles and tags."""
    body = html[html.index("<body") :]
    body = re.sub(
        r"<details class=\"record\".*?</details>|<code>.*?</code>|<script.*?</script>",
        " ",
        body,
        flags=re.DOTALL,
    )
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def wrong_at(html: str, name: str) -> str:
    """Return what stands beside an input as wrong; the input is marked, and described by it."""
    found = re.search(rf'<(?:input|select) id="f-{name}"[^>]*>', html)
    assert found is not None and 'aria-invalid="true"' in found[0], name
    assert f'aria-describedby="h-{name}"' in found[0] and html.count('aria-invalid="true"') == 1, name
    said = re.search(rf'id="h-{name}"><b class="wrong">(.*?)</b>', html)
    assert said is not None, name
    return unescape(said[1])

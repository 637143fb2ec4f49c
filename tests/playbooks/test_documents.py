"""Strict YAML: what is accepted means one thing, and every refusal names file and line."""

from __future__ import annotations

import pytest

from playbooks import documents
from playbooks.documents import Section
from playbooks.errors import DocumentInvalid


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: 1\nb:\n  - x: y\n", {"a": 1, "b": [{"x": "y"}]}),
        ("on: yes\nno: off\n", {"on": "yes", "no": "off"}),
        ("a: true\nb: null\nc: ~\nd:\n", {"a": True, "b": None, "c": None, "d": None}),
        ("a: 2026-11-23\nb: 16:10\n", {"a": "2026-11-23", "b": "16:10"}),
        ("a: '1'\nb: \"true\"\n", {"a": "1", "b": "true"}),
        ("a: |\n  x\n  y\nb: >-\n  p\n  q\n", {"a": "x\ny\n", "b": "p q"}),
        ("a: -9007199254740991\nb: 0000000000000000000000007", {"a": -9007199254740991, "b": 7}),
        ('a: "\\U0001F600"\nb: 😀', {"a": "😀", "b": "😀"}),
        ("# only\na: job.value * 35 / 100 # percent\n", {"a": "job.value * 35 / 100"}),
    ],
)
def test_accepted(text: str, content: object) -> None:
    assert documents.plain(documents.parse(text.encode(), "f.yaml")) == content


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: {b: 1}", "f.yaml:1: expected block style"),
        ("x: 1\na: [1, 2]", "f.yaml:2: expected block style"),
        ("a: &x 1\nb: *x", "f.yaml:1: expected no anchors"),
        ("b: 1\na: 1\nb: 2", "f.yaml:3: expected each key once, got 'b' again (first: f.yaml:1)"),
        ("a: !!str 1", "f.yaml:1: expected no tags"),
        ("a: !mine 1", "f.yaml:1: expected no tags"),
        ("a: 1.5", "f.yaml:1: expected no floating point numbers, got 1.5"),
        (
            "a: 1\nb: 9007199254740992",
            "f.yaml:2: expected an integer within +-(2^53-1), got 9007199254740992",
        ),
        ("a: -" + "9" * 5000, "f.yaml:1: expected an integer within +-(2^53-1), got -999"),
        ('a: 1\nb: "\\ud800 x"', "f.yaml:2: expected text, got half of a surrogate pair"),
        ('a: 1\n"\\udfff": x', "f.yaml:2: expected text, got half of a surrogate pair"),
        ("a: .inf", "f.yaml:1: expected no floating point numbers"),
        ("%YAML 1.1\n---\na: 1", "expected no directives"),
        ("a: 1\n---\nb: 1", "f.yaml:2: expected one document"),
        ("<<: 1", "f.yaml:1: expected no merge keys"),
        ("1: 2", "f.yaml:1: expected text as a key"),
        ("- a", "f.yaml:1: expected a mapping at the top"),
        ("a", "f.yaml:1: expected a mapping at the top"),
        ("", "f.yaml:1: expected a mapping, got an empty file"),
        ("a:\n\t- b", "f.yaml:2: expected YAML"),
        ("a: 'x", "f.yaml:1: expected YAML"),
        ("a: 1\n b: 2", "expected YAML"),
        ("a:\n" + "".join("  " * n + "- \n" for n in range(1, 3)) + "x" * 3, "expected YAML"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        documents.parse(text.encode(), "f.yaml")
    assert says in str(caught.value)


def test_refused_bytes_size_and_depth() -> None:
    with pytest.raises(DocumentInvalid, match=r"f\.yaml:2: expected UTF-8"):
        documents.parse(b"a: 1\nb: \xff", "f.yaml")
    with pytest.raises(DocumentInvalid, match="expected at most 262144 bytes"):
        documents.parse(b"a: " + b"x" * 262_144, "f.yaml")
    deep = "\n".join(" " * n + "k:" for n in range(40))
    with pytest.raises(DocumentInvalid, match="expected at most 12 levels"):
        documents.parse(deep.encode(), "f.yaml")


def test_section_names_what_is_known_and_where() -> None:
    section = Section(documents.parse(b"name: x\ncolour: red\n", "f.yaml"), "thing")
    assert section.text("name") == "x"
    section.text_or("size", None)
    with pytest.raises(
        DocumentInvalid, match=r"f\.yaml:2: thing: unknown field 'colour'; known fields: name, size"
    ):
        section.done()
    with pytest.raises(DocumentInvalid, match=r"f\.yaml:1: thing: expected the field 'weight', got none"):
        section.text("weight")
    with pytest.raises(DocumentInvalid, match=r"expected an integer of 1\.\.5, got 'x'"):
        section.integer("name", 1, 5)


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_any_prefix_of_a_file_is_read_or_refused_in_our_words(cut: int) -> None:
    text = b"a: |\n  x\nb:\n  - c: 'd'\n    e: \"f\\n\"\n  - >-\n    g\nh: 1 # i\n"[:cut]
    try:
        documents.parse(text, "f.yaml")
    except DocumentInvalid as error:
        assert str(error).startswith("f.yaml")

"""House rules as code: what a reader may rely on in every file. Each rule has a planted fault that it must find.

A rule is a function from one file's path and text to the faults in it; the tests at the end run them over the tracked
files, so that work in progress is judged when it is committed.
"""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ledger", "playbooks", "verifiers", "casework", "api")
WHEEL_NAMES = {*PACKAGES, "web", "tallystick-0.1.0.dist-info"}

# Caps go down over time, never up.
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
FILE_BYTES_MAX = 1024 * 1024

BANNED_MODULE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}
# Written in pieces, so that this file does not break its own rules.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
REGISTRY_HOST = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|crates|quay|ghcr|docker)\." + r"(?:org|com|io)\b|--(?:extra-)?index-url\s"
)
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:root|home|Users|work(?=/(?:main|shared|team)))" + r"/[\w.-]+")
LOCK_LINE = re.compile(
    r"[a-z0-9][a-z0-9-]*(\[[a-z0-9,-]+\])?==[\w.+]+( ; [^:@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
)
STYLE_ATTRIBUTE = re.compile(r"\sstyle\s*=|<style\b", re.IGNORECASE)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)|\son\w+\s*=\s*[\"']", re.IGNORECASE)
COMMIT = re.compile(r"\.(?:commit|begin)\(|[\"']COMMIT\b")
# The writer decides when; the two stores send the statement; migrations run before the product starts.
MAY_COMMIT = (
    "ledger/writer.py",
    "ledger/store/sqlite.py",
    "ledger/store/postgres.py",
    "api/migrations/env.py",
)
MARKDOWN_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")

Faults = Iterator[str]
Rule = Callable[[str, str], Faults]


def module_name(path: str, text: str) -> Faults:
    """A module is named after what it holds; these names hold everything and therefore nothing."""
    if path.endswith(".py") and BANNED_MODULE_NAMES & set(Path(path).with_suffix("").parts):
        yield f"{path}: expected a name that says what it holds"


def file_length(path: str, text: str) -> Faults:
    """Two subjects in a file are two files; a migration is one list of statements that a tool writes."""
    if path.startswith("api/migrations/versions/"):
        return
    if path.endswith(".py") and text.count("\n") > FILE_LINES_MAX:
        yield f"{path}: expected at most {FILE_LINES_MAX} lines, got {text.count(chr(10))}"


def function_length(path: str, text: str) -> Faults:
    """A function fits on a screen; a migration is a list of statements, read from top to bottom."""
    if path.startswith("api/migrations/versions/"):
        return
    for node in functions(path, text):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield f"{path}:{node.lineno} {node.name}: expected at most {FUNCTION_LINES_MAX} lines, got {lines}"


def import_inside_function(path: str, text: str) -> Faults:
    """An import in a function hides a cycle, and hides from the reader which rooms a module enters."""
    for function in functions(path, text):
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                if name.partition(".")[0] in PACKAGES:
                    yield f"{path}:{node.lineno} {function.name}: expected the import of {name} at the top"


def unfinished(path: str, text: str) -> Faults:
    """What is not done stands in an issue, not in the code."""
    if (
        Path(path).suffix in {".py", ".html", ".css", ".js", ".sh", ".yaml", ".yml"}
        and "/vendor/" not in path
    ):
        for match in UNFINISHED.finditer(text):
            yield f"{path}:{line_of(text, match)}: unfinished mark {match[0]}"


def registry_host(path: str, text: str) -> Faults:
    """Where packages come from is the business of the machine that installs them."""
    for match in REGISTRY_HOST.finditer(text):
        yield f"{path}:{line_of(text, match)}: registry address {match[0]}"


def machine_path(path: str, text: str) -> Faults:
    """A path of one machine means nothing on another."""
    for match in MACHINE_PATH.finditer(text):
        yield f"{path}:{line_of(text, match)}: path of one machine {match[0]}"


def inline_style_or_script(path: str, text: str) -> Faults:
    """The pages are served under `script-src 'self'; style-src 'self'`: inline code would be dropped by the browser."""
    if path.startswith("web/templates/"):
        for pattern in (STYLE_ATTRIBUTE, INLINE_SCRIPT):
            for match in pattern.finditer(text):
                yield f"{path}:{line_of(text, match)}: inline {match[0].strip()}"


def lock_address(path: str, text: str) -> Faults:
    """A lock names packages, versions and hashes; it works behind any mirror."""
    if path.endswith(".lock"):
        for number, line in enumerate(text.splitlines(), 1):
            if not LOCK_LINE.fullmatch(line):
                yield f"{path}:{number}: expected name==version and hashes only, got {line!r}"


def broken_link(path: str, text: str) -> Faults:
    """A link inside the repository leads somewhere."""
    if path.endswith(".md"):
        for match in MARKDOWN_LINK.finditer(text):
            inside = "://" not in match[1] and not match[1].startswith("mailto:")
            if inside and not (ROOT / path).parent.joinpath(match[1]).exists():
                yield f"{path}:{line_of(text, match)}: link to {match[1]} leads nowhere"


def commit_outside_writer(path: str, text: str) -> Faults:
    """Entries, postings, read models and jobs of a command become durable together or not at all."""
    if path.startswith(PACKAGES) and path.endswith(".py") and path not in MAY_COMMIT:
        for match in COMMIT.finditer(text):
            yield f"{path}:{line_of(text, match)}: expected only the writer to commit, got {match[0]}"


def package_in_tests(path: str, text: str) -> Faults:
    """tests/ledger with an __init__ would shadow the package ledger."""
    if path.startswith("tests/") and path.endswith("/__init__.py"):
        yield f"{path}: expected no __init__.py under tests"


RULES: tuple[Rule, ...] = (
    module_name,
    file_length,
    function_length,
    import_inside_function,
    unfinished,
    registry_host,
    machine_path,
    inline_style_or_script,
    lock_address,
    broken_link,
    commit_outside_writer,
    package_in_tests,
)


def functions(path: str, text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a Python file, nested ones included."""
    if path.endswith(".py"):
        for node in ast.walk(ast.parse(text, path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def line_of(text: str, match: re.Match[str]) -> int:
    """Return the line number of a match."""
    return text.count("\n", 0, match.start()) + 1


@functools.cache
def tracked() -> dict[str, str]:
    """Return path -> text of every tracked text file that exists; files that are no text map to the empty string."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts: dict[str, str] = {}
    for path in filter(None, listed.stdout.split("\0")):
        if (ROOT / path).is_file():
            try:
                texts[path] = (ROOT / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                texts[path] = ""
    return texts


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_tracked_file_keeps(rule: Rule) -> None:
    assert [fault for path, text in tracked().items() for fault in rule(path, text)] == []


PLANTED: tuple[tuple[Rule, str, str], ...] = (
    (module_name, "ledger/utils.py", ""),
    (module_name, "api/common/money.py", ""),
    (file_length, "ledger/long.py", "a = 1\n" * (FILE_LINES_MAX + 1)),
    (function_length, "ledger/long.py", "class A:\n async def f():\n" + "  a = 1\n" * FUNCTION_LINES_MAX),
    (import_inside_function, "api/app.py", "def f():\n    from ledger.merkle import root\n"),
    (import_inside_function, "api/app.py", "async def f():\n    if a:\n        import casework.desk\n"),
    (unfinished, "ledger/a.py", "# TO" + "DO: later\n"),
    (registry_host, "docs/a.md", "see https://pypi." + "org/simple\n"),
    (registry_host, "Makefile", "pip install --index-ur" + "l https://mirror.example/simple x\n"),
    (machine_path, "docs/a.md", "cd /ro" + "ot/project\n"),
    (machine_path, "ledger/a.py", "FOLDER = '/ho" + "me/someone/data'\n"),
    (inline_style_or_script, "web/templates/a.html", '<p style="color: red">'),
    (inline_style_or_script, "web/templates/a.html", "<script>go()</script>"),
    (inline_style_or_script, "web/templates/a.html", '<button onclick="go()">'),
    (lock_address, "requirements.lock", "a @ https://files.example/a.whl \\\n"),
    (lock_address, "requirements.lock", "--index-ur" + "l https://mirror.example/simple\n"),
    (lock_address, "requirements.lock", "a==1.0\n"),
    (broken_link, "docs/a.md", "[spec](spec/nowhere.md)"),
    (commit_outside_writer, "casework/desk.py", "await connection.commit()\n"),
    (commit_outside_writer, "api/routes/a.py", "async with engine.begin() as connection:\n"),
    (package_in_tests, "tests/ledger/__init__.py", ""),
)


@pytest.mark.parametrize(
    ("rule", "path", "text"), PLANTED, ids=lambda value: getattr(value, "__name__", None)
)
def test_planted_fault_is_found(rule: Rule, path: str, text: str) -> None:
    assert list(rule(path, text)) != []


KEPT: tuple[tuple[Rule, str, str], ...] = (
    (function_length, "ledger/a.py", "def f():\n" + "  a = 1\n" * (FUNCTION_LINES_MAX - 1)),
    (import_inside_function, "api/app.py", "def f():\n    import holidays\n"),
    (inline_style_or_script, "web/templates/a.html", '<script src="/static/a.js"></script><p class="style">'),
    (machine_path, "api/routes/a.py", 'router.get("/api/v1/work/items")'),
    (broken_link, "README.md", "[all](docs/README.md#top) [out](https://example.org)"),
)


@pytest.mark.parametrize(("rule", "path", "text"), KEPT, ids=lambda value: getattr(value, "__name__", None))
def test_allowed_form_is_left_alone(rule: Rule, path: str, text: str) -> None:
    assert list(rule(path, text)) == []


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)


def test_no_tracked_file_is_large() -> None:
    large = {path: (ROOT / path).stat().st_size for path in tracked()}
    assert {path: size for path, size in large.items() if size > FILE_BYTES_MAX} == {}


def test_every_document_is_reachable_from_an_index() -> None:
    """README.md or docs/README.md links every file of docs/spec and docs; docs/adr/README.md every decision."""
    linked = {
        (ROOT / index).parent.joinpath(match[1]).resolve()
        for index in ("README.md", "docs/README.md", "docs/adr/README.md")
        for match in MARKDOWN_LINK.finditer(tracked()[index])
    }
    documents = [path for path in tracked() if path.startswith("docs/") and path.endswith(".md")]
    assert [
        path for path in documents if (ROOT / path).resolve() not in linked and path != "docs/README.md"
    ] == []


def test_every_listed_pure_module_exists() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = [contract["modules"] for contract in contracts if contract["type"] == "pure"]
    paths = [ROOT / name.removesuffix(".*").replace(".", "/") for name in pure]
    assert [
        str(path.name) for path in paths if not (path.is_dir() or path.with_suffix(".py").is_file())
    ] == []


def test_wheel_holds_our_top_level_names_and_no_others(tmp_path: Path) -> None:
    """Built offline by the locked backend, as the installation does it (docs/adr/0001)."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == WHEEL_NAMES
    packaged = [path for path in tracked() if path.partition("/")[0] in {*PACKAGES, "web"}]
    assert [path for path in packaged if path not in names] == []
    assert "ledger/anchors/artifacts/CheckpointAnchor.json" in names

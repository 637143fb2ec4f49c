"""Typed CEL and the guards: what a rule may say. Absent fields read as defaults without any error."""

from __future__ import annotations

import pytest

from playbooks.documents import Scalar
from playbooks.errors import ExpressionInvalid, SignalBroken
from playbooks.messages import Messages
from playbooks.rules import EXPRESSION_SIZE_MAX_CHARACTERS, Rule, Scope
from tests.playbooks.venue import kinds

MESSAGES = Messages(kinds())


def _scope() -> Scope:
    return Scope(MESSAGES, {"job": "job", "crew": "crew"}, {"matches": "crew"})


def _compile(
    text: str, returns: tuple[str, ...] = ("bool",), known: frozenset[tuple[str, ...]] = frozenset()
) -> Rule:
    return _scope().compile(Scalar("rule.yaml:7", text, text, False), returns, known)


ACCEPTED = [
    "job.status == 'open'",
    "has(job.rank) && job.rank > 1",
    "!has(job.rank) || job.rank > 1",
    "has(job.rank) ? job.rank > 1 : false",
    "!has(job.rank) ? true : job.rank > 1",
    "!(!has(job.rank) || job.rank < 1)",
    "!(has(job.rank) && job.rank > 1)",
    "!(!has(job.rank) || !has(job.done_at)) && job.rank > 1",
    "has(job.rank) && has(job.done_at) && job.rank > 1 && job.done_at > job.opened_at",
    "(has(job.rank) && job.status == 'a' || has(job.rank) && job.status == 'b') && job.rank > 1",
    "matches.exists(c, has(c.skill) && c.skill == 'x')",
    "matches.all(c, !has(c.skill) || c.skill in job.tags)",
    "matches.map(c, has(c.skill), c.skill).size() > 0",
    "matches.exists(job, job.site == 'a')",
    "has(job.rank) && matches.exists(c, c.state == 'on' && job.rank > 1)",
    "size(matches) > 0",
    "job.tags.all(t, t != '')",
    "has(job.tags) && job.tags[0] == 'a'",
    "job.value.amount_minor * 35 / 100 > 10",
    "job.opened_at + duration('48h') > timestamp('2026-01-01T00:00:00Z')",
    "job.opened_at.getHours('Europe/Lisbon') >= 9",
    "has(job.day) && job.day > job.opened_at",
    "job.status.startsWith('o')",
    "true",
    "(has(job.rank) ? job.rank : 0) > 1",
    "job.status + '/' + job.site == 'a/b'",
    "(job.tags + ['x']).exists(t, t == 'x')",
    "matches.map(c, c.site).exists_one(s, s == job.site)",
    "matches.map(c, size(c.site) + 1).exists(n, n > 2)",  # numbers may grow
    "job.tags.filter(t, t != '').map(t, [t, t]).all(p, p[0] == p[1])",
    "job.status in {'a': 1, job.site: 2}",
    "has(job.rank) && job.rank in {job.rank: 1}",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    assert _compile(text).returns == "bool"


REFUSED = [
    (
        "job.statsu == 'open'",
        "unknown field 'statsu' of job; known fields: id, day, done_at, opened_at, rank",
    ),
    ("crew.statsu == 'open'", "unknown field 'statsu' of crew; known fields: id, site, skill, state"),
    ("job.value.amount > 1", "unknown field 'amount'; known fields: amount_minor, currency"),
    ("jub.status == 'open'", "unknown name 'jub.status'; known names: crew, job, matches"),
    ("now > job.opened_at", "unknown name 'now'"),
    ("job.rank > 1", "job.rank may be absent: expected `has(job.rank) &&` before it"),
    ("job.rank > 1 && has(job.rank)", "job.rank may be absent"),
    ("has(job.rank) || job.rank > 1", "job.rank may be absent"),
    ("!has(job.rank) && job.rank > 1", "job.rank may be absent"),
    ("has(job.rank) ? true : job.rank > 1", "job.rank may be absent"),
    ("!(has(job.rank) && job.status == 'a') || true ? job.rank > 1 : false", "job.rank may be absent"),
    ("(has(job.rank) || job.status == 'a') && job.rank > 1", "job.rank may be absent"),
    ("has(job.done_at) && job.rank > 1", "job.rank may be absent"),
    ("has(crew.skill) && matches.exists(c, c.skill == 'x')", "c.skill may be absent"),
    ("matches.exists(c, has(c.skill)) && matches.exists(c, c.skill == 'x')", "c.skill may be absent"),
    ("matches.all(c, c.skill == 'x' && has(c.skill))", "c.skill may be absent"),
    ("matches.filter(c, has(c.skill)).exists(d, d.skill == 'x')", "to be read through a name"),
    ("matches[0].skill == 'x'", "to be read through a name"),
    ("has(matches[0].skill)", "expected has() of a field of a name, as in `has(x.skill)`"),
    ("has((true ? job : job).status)", "expected has() of a field of a name"),
    (
        "has(job.value.amount_minor)",
        "has(job.value.amount_minor): expected has(job.value), because a zero part",
    ),
    ("matches.exists(m, has(job.value.currency))", "expected has(job.value)"),
    ("1 in {job.rank: 1}", "job.rank may be absent"),
    ("{job.rank: 1} == {1: 1}", "job.rank may be absent"),
    ("1 in {int(double('1.5')): 1}", "expected one of the allowed functions, got double()"),
    ("{1.5: 1}.size() == 1", ""),
    ("job.tags.map(t, t + t)[0] == 'a'", "expected no texts or lists put together with + inside a macro"),
    ("['a'].map(x, x + x).map(x, x + x)[0] == 'a'", "expected no texts or lists put together"),
    ("[[1]].map(x, x + x)[0].size() == 1", "expected no texts or lists put together"),
    ("[b'a'].map(x, x + x)[0] == b'a'", "expected no texts or lists put together"),
    ("[1].map(x, job.tags.all(t, t + t == 'a'))[0]", "expected no texts or lists put together"),
    ("matches.exists(c, c.site + '!' == job.site)", "expected no texts or lists put together"),
    ("[1].all(x, (job.tags + job.tags).all(t, t == ''))", "expected no texts or lists put together"),
    ("['" + "a" * 20 + "']" + ".map(x,x+x)" * 26 + "[0]=='a'", ""),
    ("[1]" + ".map(x, [x, x])" * 4 + "[0] == []", "expected at most 3 macros within or behind each other"),
    ("job.tags.all(a, " * 4 + "true" + ")" * 4, "expected at most 3 macros within or behind each other"),
    ("[1].all(a, [1].map(b, b).map(b, b).all(c, c > a))", "expected at most 3 macros"),
    ("(has(job.rank) ? job : job).rank > 1", "to be read through a name"),
    ("has(job.rank) && matches.exists(job, job.skill == 'x')", "job.skill may be absent"),
    ("has(job.status) && job.status == 'a'", "the field is required, so it is always there"),
    ("job.value.amount_minor > 1.5", "found no matching overload"),
    ("1.5 < 2.5", "expected no decimal numbers, got 1.5"),
    ("double(job.value.amount_minor) > double('1')", "expected one of the allowed functions, got double()"),
    ("dyn(job.status) == 1", "expected one of the allowed functions, got dyn()"),
    ("job.status.replace('a', 'b') == 'x'", "replace"),
    ("kind.job{status: 'x'}.status == 'x'", "expected no record literals"),
    ("job.value > 3", "found no matching overload"),
    ("job.status == 1", "found no matching overload"),
    ("job.status ==", "Syntax error"),
    ("job.value.amount_minor", "expected bool, got int"),
    ("job.opened_at", "expected bool, got timestamp"),
    ("", "expected a CEL expression, got none"),
    ("'" + "a" * EXPRESSION_SIZE_MAX_CHARACTERS + "' == job.status", "expected at most 2000 characters"),
    ("job.tags[" * 40 + "0" + "]" * 40 + " == ''", ""),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_refused_with_file_and_line(text: str, says: str) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        _compile(text)
    assert says in str(caught.value)
    assert str(caught.value).startswith("rule.yaml:")


def test_line_and_column_inside_a_literal_block() -> None:
    text = "job.status == 'open'\n  && job.statsu == 'x'"
    with pytest.raises(ExpressionInvalid, match=r"^rule\.yaml:9: column 9: unknown field 'statsu'"):
        _scope().compile(Scalar("rule.yaml:7", text, text, True))


@pytest.mark.parametrize(
    ("returns", "text", "kind"),
    [
        (("instant",), "job.opened_at", "instant"),
        (("money", "int"), "job.value", "money"),
        (("money", "int"), "job.value.amount_minor * 20 / 100", "int"),
    ],
)
def test_result_types(returns: tuple[str, ...], text: str, kind: str) -> None:
    assert _compile(text, returns).returns == kind


@pytest.mark.parametrize(
    ("returns", "text"),
    [(("instant",), "job.status"), (("money", "int"), "job.opened_at"), (("instant",), "1")],
)
def test_other_result_types_are_refused(returns: tuple[str, ...], text: str) -> None:
    with pytest.raises(ExpressionInvalid, match="expected"):
        _compile(text, returns)


def test_what_when_proves_holds_in_the_other_expressions() -> None:
    when = _compile("has(job.rank) && job.status == 'a'")
    assert when.proven == {("job", "rank")}
    assert _compile("job.rank > 1", known=when.proven).reads == {("job", "rank")}


def test_reads_say_which_fields_matter() -> None:
    assert _compile("size(matches) > 0 && job.status == 'a'").reads == {("job", "status")}
    assert _compile("matches.exists(c, c.state == job.site)").reads == {("matches", "state"), ("job", "site")}
    assert ("matches", "*") in _compile("matches[0].state == 'on'").reads
    assert ("job", "*") in _compile("[job].exists(j, j.status == 'a')").reads
    assert _compile("'a' in {job.status: 1, job.site: 1}").reads == {("job", "status"), ("job", "site")}


@pytest.mark.parametrize(
    "text",
    [
        "job.value.amount_minor / 0 > 1",
        "job.value.amount_minor * 9007199254740991 * 9 > 1",
        "job.tags[3] == 'a'",
        "timestamp(job.status) > job.opened_at",
    ],
)
def test_a_run_time_error_is_broken_and_never_false(text: str) -> None:
    rule = _compile(text)
    fill = MESSAGES.filler("job", ["*"])
    message = fill(
        "j",
        {
            "status": "x",
            "value": {"amount_minor": 2**52, "currency": "EUR"},
            "tags": [],
            "site": "a",
            "opened_at": "2026-01-01T00:00:00.000Z",
        },
    )
    with pytest.raises(SignalBroken) as caught:
        rule.truth(_scope().facts({"job": message}))
    assert caught.value.reason_code == "expression_error"


def test_an_endless_loop_is_stopped() -> None:
    nested = "job.tags.all(a, " * 3 + "true" + ")" * 3
    rule = _compile(nested)
    message = MESSAGES.filler("job", ["*"])("j", {"tags": ["x"] * 200})
    with pytest.raises(SignalBroken):
        rule.truth(_scope().facts({"job": message}))


def test_absent_reads_as_absent_and_zero_does_not() -> None:
    fill = MESSAGES.filler("job", ["rank"])
    rule = _compile("has(job.rank) && job.rank == 0")
    assert rule.truth(_scope().facts({"job": fill("j", {"rank": 0})})) is True
    assert rule.truth(_scope().facts({"job": fill("j", {})})) is False

"""Playbook files: every mistake names file and line, what was expected, what is known."""

# ruff: noqa: E501 - tables, one line per case

from __future__ import annotations

import pytest

from playbooks import documents
from playbooks.errors import DocumentInvalid
from playbooks.messages import Messages
from playbooks.playbook import Watch, compile_playbook, load_library, read_playbook
from tests.playbooks.venue import DEADLINE, JOIN, RESPONSE, TAIL, kinds, playbook_text

AWARD = TAIL + "verifier: service_issue/v1\naward:\n  kind: service_issue\n  amount_tokens: 5\n"


def _compile(text: str) -> Watch:
    return compile_playbook(read_playbook(documents.parse(text.encode(), "p.yaml")), Messages(kinds()))


def test_a_misspelt_field_names_file_line_and_the_known_fields() -> None:
    with pytest.raises(DocumentInvalid) as caught:
        _compile(playbook_text("p", RESPONSE.replace("job.status", "job.statsu")))
    assert str(caught.value) == (
        "p.yaml:8: column 4: unknown field 'statsu' of job; "
        "known fields: id, day, done_at, opened_at, rank, site, status, tags, value"
    )


REFUSED = [
    (RESPONSE, "mode: live", "mode: on", "p.yaml:4: playbook file.mode: expected one of draft, shadow, live, retired, got 'on'"),
    (RESPONSE, "playbook: p", "playbook: P q", "p.yaml:1: playbook file.playbook: expected an id"),
    (RESPONSE, "why: Because.\n", "", "expected the field 'why', got none"),
    (RESPONSE, "why: Because.\n", "why: Because.\ncolour: red\n", "p.yaml:4: playbook file: unknown field 'colour'; known fields: award"),
    (RESPONSE, "shape: response", "shape: absence", "p.yaml:6: playbook file.signal.shape: expected one of response, conflict, deadline"),
    (RESPONSE, "subject: job", "subject: jub", "p.yaml:7: playbook file.signal.subject: unknown kind 'jub'; known kinds: crew, job"),
    (RESPONSE, "within: 48h", "within: two days", "p.yaml:11: playbook file.signal.within: expected a span like 30m"),
    (RESPONSE, "within: 48h", "within: 2d\n  calendar: office", "expected hours or minutes with a calendar"),
    (RESPONSE, "within: 48h", "within: 8h\n  calendar: shop", "unknown calendar 'shop'; known calendars: office"),
    (RESPONSE, "  from: job.opened_at\n", "", "playbook file.signal: expected the field 'from', got none"),
    (RESPONSE, "from: job.opened_at", "from: job.status", "p.yaml:10: expected instant, got string"),
    (RESPONSE, "within: 48h", "within: 48h\n  assert: 'true'", "unknown field 'assert'; known fields: calendar, expect, from"),
    (RESPONSE, "amount: job.value", "amount: job.status", "expected money or int, got string"),
    (RESPONSE, "title: Job {job.id}", "title: Job {job.rank}", "p.yaml:2: playbook file.title: job.rank may be absent"),
    (RESPONSE, "title: Job {job.id}", "title: Job {job.nmae}", "unknown field 'nmae' of job"),
    (RESPONSE, "title: Job {job.id}", "title: Job {job.id", "expected { and } in pairs"),
    (RESPONSE, "- job.status", "- job.statsu", "p.yaml:16: playbook file.facts: unknown field 'statsu' of job"),
    (RESPONSE, "- job.status", "- job.status\n  - jub.status", "p.yaml:17: playbook file.facts: expected <name>.<field> with a name of job, got 'jub.status'"),
    (RESPONSE, "facts:", "fingerprint:\n  - job.id\n  - job.rank\nfacts:", "p.yaml:17: playbook file.fingerprint: job.rank: expected a required field"),
    (RESPONSE, "- job.status", "- crew.state", "expected <name>.<field> with a name of job, got 'crew.state'"),
    (RESPONSE, "min_grade: E3", "min_grade: E9", "expected one of E0, E1, E2, E3, E4, got 'E9'"),
    (RESPONSE, "minimum: key", "minimum: yes", "expected one of passkey, session, key, pin, link, got 'yes'"),
    (RESPONSE, "to: owner", "to: bob", "expected role:<name>, field:<field of the subject> or owner, got 'bob'"),
    (RESPONSE, "to: owner", "to: field:boss", "unknown field 'boss' of job"),
    (RESPONSE, "clock: onset", "clock: detection", "expected one of onset, got 'detection'"),
    (RESPONSE, "verifier: service_issue/v1\n", "", "expected a policy id like service_issue/v1 beside the award"),
    (RESPONSE, "service_issue/v1", "service issue", "expected a policy id like service_issue/v1 beside the award"),
    (RESPONSE, "amount_tokens: 5", "amount_tokens: -5", "expected an integer of 0..10000, got -5"),
    (JOIN, "      - site\n", "      - sight\n", "unknown field 'sight' of crew"),
    (JOIN, "    key:\n      - site\n", "", "expected at least one field: without a key every record would be compared"),
    (JOIN, "    key:\n", "    local_key:\n      - value\n    key:\n", "key job.value: expected one of string, bool, int, date, got money"),
    (JOIN, "    key:\n", "    local_key:\n      - day\n    key:\n", "key site: expected date as job.day, got string"),
    (JOIN, "crew.state == 'on'", "crew.skill == 'on'", "crew.skill may be absent"),
    (JOIN, "size(matches) > 0", "size(matchs) > 0", "unknown name 'matchs'; known names: job, matches"),
    (DEADLINE, "due: job.day", "due: job.done_at", "job.done_at may be absent"),
    (DEADLINE, "lead: 2d", "lead: 2", "expected text, got 2"),
]  # fmt: skip


@pytest.mark.parametrize(("signal", "before", "after", "says"), REFUSED)
def test_refused(signal: str, before: str, after: str, says: str) -> None:
    text = playbook_text("p", signal, AWARD)
    assert before in text
    with pytest.raises(DocumentInvalid) as caught:
        _compile(text.replace(before, after, 1))
    assert says in str(caught.value)
    assert str(caught.value).startswith("p.yaml:")


def test_the_fingerprint_needs_required_parts() -> None:
    text = playbook_text("p", RESPONSE, AWARD)
    assert _compile(text + "fingerprint:\n  - job.site\n").playbook.fingerprint == ("job.site",)
    with pytest.raises(DocumentInvalid, match="an empty part would merge cases"):
        _compile(text + "fingerprint:\n  - job.day\n")


def test_what_when_proves_may_be_named_and_read() -> None:
    text = playbook_text("p", DEADLINE, AWARD).replace(
        "title: Job {job.id}", "title: Job {job.id} ends {job.day}"
    )
    assert [part[1] for part in _compile(text).title_parts] == ["id", "day", None]


def test_the_hash_is_of_the_content() -> None:
    text = playbook_text("p", RESPONSE, AWARD)
    same = "# note\n" + text.replace("why: Because.", 'why: "Because."')
    assert _compile(text).playbook.digest == _compile(same).playbook.digest
    assert _compile(text).playbook.digest != _compile(text.replace("48h", "47h")).playbook.digest


def test_the_library_loads_and_holds_the_seven() -> None:
    vocabulary, playbooks = load_library()
    watches = {playbook.id: compile_playbook(playbook, Messages(vocabulary)) for playbook in playbooks}
    assert {name: watch.playbook.shape for name, watch in watches.items()} == {
        "quote_not_followed_up": "response", "warm_lead_silent": "response", "complaint_to_escalate": "response",
        "recovery_not_closed": "response", "special_request_without_cover": "conflict",
        "low_stock_before_service": "conflict", "supplier_renewal": "deadline",
    }  # fmt: skip
    assert all(
        watch.playbook.evidence and watch.playbook.decision.action and watch.value
        for watch in watches.values()
    )

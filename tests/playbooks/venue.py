"""A small vocabulary and playbooks written in text, as tests need them."""

# ruff: noqa: E501 - tables, one line per case

from __future__ import annotations

from typing import Any

from playbooks import documents
from playbooks.calendars import instant_ms
from playbooks.engine import Engine
from playbooks.kinds import Kinds, read_kinds
from playbooks.messages import Messages
from playbooks.playbook import Watch, compile_playbook, read_playbook
from playbooks.rules import Meter
from playbooks.world import RecordChange

KINDS = """\
format: 1
zone: Europe/Lisbon
calendars:
  office:
    zone: Europe/Lisbon
    open:
      mon:
        - 09:00-12:00
        - 13:00-17:00
      fri:
        - 22:00-02:00
kinds:
  job:
    currency: EUR
    fields:
      status: string
      opened_at: instant
      value: money
      site: string
      tags:
        type: list
        of: string
      done_at:
        type: instant
        optional: true
      rank:
        type: int
        optional: true
      day:
        type: date
        optional: true
  crew:
    fields:
      site: string
      state: string
      skill:
        type: string
        optional: true
"""

HEAD = """\
playbook: {id}
title: Job {{job.id}}
why: Because.
mode: live
signal:
"""
TAIL = """\
value_at_risk:
  amount: job.value
  basis: What it is worth
facts:
  - job.status
evidence:
  - type: system_record
    min_grade: E3
    says: The record
route:
  - to: owner
decision:
  action: act
  minimum: key
measure:
  clock: onset
"""

RESPONSE = """\
  shape: response
  subject: job
  when: job.status != 'void'
  expect: has(job.done_at)
  from: job.opened_at
  within: 48h
"""
INSIDE = """\
  shape: conflict
  subject: job
  when: has(job.rank)
  assert: job.rank < 5
"""
JOIN = """\
  shape: conflict
  subject: job
  when: job.status == 'open'
  match:
    each: crew
    key:
      - site
    filter: crew.state == 'on'
  assert: size(matches) > 0
"""
JOIN_WINDOW = (
    JOIN
    + """\
  due: job.opened_at - duration('2h')
  until: job.opened_at + duration('3h')
"""
)
DEADLINE = """\
  shape: deadline
  subject: job
  when: has(job.day)
  due: job.day
  lead: 2d
  unless: job.status == 'done'
"""
JOIN_RESPONSE = """\
  shape: response
  subject: job
  when: job.status == 'open'
  match:
    each: crew
    key:
      - site
    filter: has(crew.skill) && crew.state == 'on'
  expect: matches.exists(c, c.skill in job.tags)
  from: job.opened_at
  within: 6h
"""
SIGNALS = {
    "answered": RESPONSE, "ranked": INSIDE, "staffed": JOIN, "windowed": JOIN_WINDOW, "dated": DEADLINE, "skilled": JOIN_RESPONSE,
}  # fmt: skip


def kinds(text: str = KINDS) -> Kinds:
    """Read a vocabulary from text."""
    return read_kinds(documents.parse(text.encode(), "kinds.yaml"))


def playbook_text(identifier: str, signal: str, tail: str = TAIL) -> str:
    """Return a whole playbook file around a signal."""
    return HEAD.format(id=identifier) + signal + tail


def watch(
    identifier: str, signal: str, meter: Meter | None = None, messages: Messages | None = None
) -> Watch:
    """Compile a playbook around a signal."""
    text = playbook_text(identifier, signal)
    return compile_playbook(
        read_playbook(documents.parse(text.encode(), f"{identifier}.yaml")),
        messages or Messages(kinds()),
        meter,
    )


def engine(*names: str) -> Engine:
    """Return an engine over some of SIGNALS, all of them by default."""
    messages = Messages(kinds())
    return Engine(messages, [watch(name, SIGNALS[name], messages=messages) for name in (names or SIGNALS)])


def job(record: str, at: str, known: str | None = None, order: int = 0, **values: Any) -> RecordChange:
    """Return a version of a job; required fields have defaults."""
    given = {
        "status": "open", "opened_at": "2026-03-02T09:00:00.000Z", "value": {"amount_minor": 1000, "currency": "EUR"},
        "site": "a", "tags": [], **values,
    }  # fmt: skip
    event = instant_ms(at)
    return RecordChange("job", record, event, event if known is None else instant_ms(known), order, given)


def crew(record: str, at: str, site: str = "a", state: str = "on", **values: Any) -> RecordChange:
    """Return a version of a crew member."""
    event = instant_ms(at)
    return RecordChange("crew", record, event, event, 0, {"site": site, "state": state, **values})

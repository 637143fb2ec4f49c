"""What the organisation of the abuse suite works by: its kinds of record, playbook, plans and policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

POLICIES = ("service_issue", "operational_check", "handover", "training", "referral")
_FOLDER = Path(__file__).resolve().parents[2] / "verifiers" / "policies"

KINDS = """
format: 1
zone: UTC
kinds:
  complaint:
    fields:
      severity: string
      status: string
      opened_at: instant
      done_by:
        type: string
        optional: true
  bill:
    fields:
      paid: bool
  lead:
    fields:
      status: string
      owner: string
  candidate:
    fields:
      status: string
      interviewer: string
  shift:
    fields:
      person: string
  training_result:
    fields:
      account: string
      course: string
      course_version: string
      result: string
      score: int
      attempts: int
      duration_seconds: int
      completed_at: string
"""
PLAN = """
v: 1
plan: fridge
title: Fridge temperature, cold room
policy: operational_check/v1
zone: UTC
days: [mon, tue, wed, thu, fri, sat, sun]
times: ["11:00"]
early_minutes: 30
late_minutes: 30
to: role:staff
work:
  kind: check
  task: fridge
  place: cold-room
  unit: C
  scale: 1
  low: 0
  high: 50
"""
HANDOVER_PLAN = """
v: 1
plan: early-to-late
title: Hand over the early shift
policy: handover/v1
zone: UTC
days: [mon, tue, wed, thu, fri, sat, sun]
times: ["15:00"]
early_minutes: 60
late_minutes: 60
to: role:staff
work:
  kind: handover
  site: house
  shift: "{date}-early"
  next_shift: "{date}-late"
  next_after_minutes: 0
"""


def courses() -> dict[str, Any]:
    """Return the catalogue of the shipped policy of trainings."""
    catalogue: dict[str, Any] = YAML(typ="safe").load(policy_text("training"))["parameters"]["catalogue"]
    return catalogue


def policy_text(name: str) -> str:
    """Return a shipped policy file."""
    return (_FOLDER / f"{name}.yaml").read_text()

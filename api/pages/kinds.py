"""What each kind of step is called where the record is browsed: one short sentence without names.

Steps of an exception are told whole by api/pages/story.py; here a reader of the record sees what happened when, and by
whom.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.words import Words, mark

KIND_WORDS: Mapping[str, str] = {
    "log_opened": mark("The record was opened"),
    "registry_published": mark("The list of steps was published"),
    "key_rotated": mark("A signing key was replaced"),
    "clock_stepped": mark("The server's clock jumped"),
    "clock_confirmed": mark("The time was confirmed"),
    "settings_changed": mark("Settings were changed"),
    "restore_accepted": mark("A restored backup was accepted"),
    "checkpoint_sent": mark("A seal was sent to an outsider"),
    "subject_erased": mark("Personal data were erased"),
    "retention_purged": mark("What was kept long enough was removed"),
    "member_joined": mark("Somebody joined"),
    "member_left": mark("Somebody left"),
    "role_granted": mark("A role was given"),
    "role_ended": mark("A role ended"),
    "authority_granted": mark("Somebody was given the power to decide"),
    "authority_ended": mark("A power to decide ended"),
    "agent_registered": mark("A digital employee was registered"),
    "agent_stopped": mark("A digital employee was stopped"),
    "api_key_issued": mark("A key for a program was issued"),
    "api_key_ended": mark("A key for a program ended"),
    "invite_issued": mark("Somebody was invited"),
    "invite_used": mark("An invitation was used"),
    "invite_ended": mark("An invitation ended"),
    "sign_in_set": mark("A way to sign in was set"),
    "owner_recovered": mark("A locked-out owner was let in again, from the server"),
    "device_shared": mark("A shared device was set up"),
    "device_ended": mark("A shared device was put out of use"),
    "delegation_given": mark("Somebody was asked to stand in"),
    "delegation_ended": mark("Standing in ended"),
    "passkey_enrolled": mark("A passkey was set up"),
    "passkey_confirmed": mark("A passkey was confirmed by a second person"),
    "passkey_ended": mark("A passkey was put out of use"),
    "kinds_published": mark("The vocabulary was published"),
    "playbook_published": mark("A watch was published"),
    "mode_changed": mark("A watch was switched"),
    "watch_purpose_written": mark("It was written down what a watch on a person is for"),
    "policy_published": mark("What is recognised, and how, was published"),
    "plan_published": mark("A plan was published"),
    "plan_ended": mark("A plan ended"),
    "account_linked": mark("It was said whose account elsewhere this is"),
    "account_unlinked": mark("An account elsewhere is nobody's here any more"),
    "source_registered": mark("A source of data was registered"),
    "records_imported": mark("Records came in"),
    "signal_broken": mark("A watch could not be asked"),
    "budget_set": mark("A budget of tokens was proposed"),
    "budget_approved": mark("A budget of tokens was approved"),
    "case_opened": mark("Something was noticed"),
    "case_suppressed": mark("It was hidden for a while"),
    "owner_assigned": mark("Somebody owns it"),
    "acknowledged": mark("Its owner is on it"),
    "escalated": mark("It went one step up"),
    "note_added": mark("A remark was added"),
    "proposal_made": mark("Something was suggested"),
    "decision_made": mark("Something was decided"),
    "decision_withdrawn": mark("A decision was taken back within its ten seconds"),
    "action_taken": mark("What was approved was done"),
    "point_registered": mark("A check-in point was set up"),
    "point_ended": mark("A check-in point ended"),
    "point_doubted": mark("Somebody said that a check-in point was moved"),
    "point_tapped": mark("A tag was tapped"),
    "work_reported": mark("Planned work was done"),
    "evidence_attached": mark("Evidence was brought"),
    "evidence_withdrawn": mark("Evidence was withdrawn"),
    "evidence_reviewed": mark("Evidence was checked"),
    "link_issued": mark("The guest was given a link that works once"),
    "link_answered": mark("The guest answered"),
    "link_expired": mark("The guest did not answer in time"),
    "outcome_recorded": mark("The result was written down"),
    "verdict_given": mark("It was checked whether it was earned"),
    "award_granted": mark("A recognition was given"),
    "draw_made": mark("It was drawn whether a recognition is looked at again"),
    "recall_answered": mark("Questions about a course were answered"),
    "award_held": mark("A question about a recognition was asked"),
    "award_released": mark("A question about a recognition was closed"),
    "award_settled": mark("A recognition became theirs for good"),
    "credential_issued": mark("A recognition can be taken along"),
    "award_declined": mark("A recognition ended while it was waiting"),
    "award_revoked": mark("A recognition was taken back"),
    "case_cleared": mark("It sorted itself out"),
    "case_expired": mark("It was missed"),
    "case_reopened": mark("It came back"),
    "case_closed": mark("It was closed"),
}
OTHER = mark("Something else was written down")


def kind_words(kind: str, words: Words) -> str:
    """Return what a kind of step is called; its exact name stands under *Exact record*."""
    return words.gettext(KIND_WORDS.get(kind, OTHER))

"""The words of refusals: for each code what is the matter, then what was not changed and what to do next.

A code without words of its own is said by its status (troubles.py). A test holds the codes that the parts use against
this table, so that nobody meets one that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.file_trouble_words import ATTENTION as ATTENTION
from api.pages.file_trouble_words import FILES
from api.pages.file_trouble_words import LATE as LATE
from api.pages.file_trouble_words import WAIT as WAIT
from api.pages.routine_troubles import ROUTINE
from api.pages.words import mark

SAID: Mapping[str, tuple[str, str, str]] = {
    **ROUTINE,
    **FILES,
    "delivery_repeated": (
        mark("This came before."),
        mark("It counts once. Nothing was changed."),
        WAIT,
    ),
    "delivery_changed": (
        mark("This came before with something else in it."),
        mark("The first one counts. Nothing was changed."),
        ATTENTION,
    ),
    "hook_clock": (
        mark("The other system's clock is more than five minutes off."),
        mark("Nothing was recorded. Set its clock right, then let it send again."),
        ATTENTION,
    ),
    "hook_key_ended": (
        mark("This secret of the other system has ended."),
        mark("Nothing was recorded. Give it the new secret."),
        ATTENTION,
    ),
    "anchor_known": (
        mark("This place for public stamps is set up already."),
        mark("Nothing was changed. Look at the places that are listed."),
        WAIT,
    ),
    "anchor_over": (
        mark("This place for public stamps was given up."),
        mark("Nothing was changed. Look at the places that are listed."),
        ATTENTION,
    ),
    "anchor_not_newer": (
        mark("The record is publicly stamped that far already."),
        mark("Nothing was changed. The next stamp takes what came since."),
        WAIT,
    ),
    "undecided": (
        mark("Somebody earned thanks here, and nobody said yes or no yet."),
        mark("Nothing was changed. Decide that first, under Decisions; then close it."),
        ATTENTION,
    ),
    "not_asked_first": (
        mark("Whoever is recognised is asked about this first."),
        mark("Nothing was changed. Ask them, for the same reason; they have some days to answer."),
        ATTENTION,
    ),
    "reply_awaited": (
        mark("They still have time to answer."),
        mark("Nothing was changed. Nothing is taken before they answered, or their time is over."),
        ATTENTION,
    ),
    "dispute_open": (
        mark("Something is asked about this already."),
        mark("Nothing was changed. One question at a time: look at the answer first, or close it."),
        WAIT,
    ),
    "dispute_over": (
        mark("This question is closed."),
        mark("Nothing was changed. Look at how it stands now."),
        WAIT,
    ),
    "asked_before": (
        mark("You asked this before."),
        mark("Nothing was changed. Nobody is asked the same thing twice by the same person."),
        ATTENTION,
    ),
    "too_many_questions": (
        mark("You asked enough for today."),
        mark("Nothing was changed. Three questions a day are as many as anybody asks."),
        ATTENTION,
    ),
    "not_asked": (
        mark("This question is for somebody else to answer."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "answered_before": (
        mark("You answered this already."),
        mark("Your first answer stands, and is not changed."),
        WAIT,
    ),
    "purpose_missing": (
        mark("This watch looks at people, and nobody wrote what for."),
        mark("Nothing was changed. Write it down on this page first."),
        ATTENTION,
    ),
    "reciprocal": (
        mark("They recognised you for the same kind of thing a short while ago."),
        mark("Nothing was recorded. Somebody else says yes this time."),
        ATTENTION,
    ),
    "not_beneficiary": (
        mark("Only whoever is recognised can do this."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "stale": (
        mark("This changed while you were reading."),
        mark("Nothing was recorded. Here is how it stands now: look again, then decide."),
        WAIT,
    ),
    "expired": (
        mark("This page was open for too long."),
        mark("Nothing was recorded. Look at it as it stands now, then decide."),
        WAIT,
    ),
    "nonce_replayed": (
        mark("This was answered already."),
        mark("A yes or a no counts once; the second one changed nothing."),
        WAIT,
    ),
    "transition": (
        mark("It is not the moment for this step any more."),
        mark("Somebody went on with it meanwhile. Nothing was changed; look at how it stands now."),
        WAIT,
    ),
    "idempotency_mismatch": (
        mark("This form was sent before with something else in it."),
        mark("The first one counts. Open the page again if you want to add something."),
        WAIT,
    ),
    "decider_is_maker": (
        mark("You suggested this, so somebody else decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "decider_is_submitter": (
        mark("You brought the evidence, so somebody else decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "decider_is_beneficiary": (
        mark("This is about your own recognition, so somebody else decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "reviewer_is_submitter": (
        mark("You brought this evidence, so somebody else looks at it."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "reviewer_is_beneficiary": (
        mark("You did the work, so somebody else looks at the evidence."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "no_authority": (
        mark("This is beyond what you may decide."),
        mark("Nothing was changed. Ask the owner, who can decide it or give you that power."),
        ATTENTION,
    ),
    "assurance_too_low": (
        mark("This needs a stronger sign-in."),
        mark("Nothing was changed. Decide it with your passkey, on your own device."),
        ATTENTION,
    ),
    "passkey_missing": (
        mark("Your passkey did not sign this."),
        mark("Nothing was recorded. Try again; under Me stands which of your passkeys sign decisions."),
        ATTENTION,
    ),
    "passkey_invalid": (
        mark("Your passkey did not sign this."),
        mark("Nothing was recorded. Try again; under Me stands which of your passkeys sign decisions."),
        ATTENTION,
    ),
    "passkey_state": (
        mark("This passkey is confirmed already, or has ended."),
        mark("Nothing was changed."),
        WAIT,
    ),
    "not_allowed": (
        mark("This page is not part of your role here."),
        mark("Nothing was changed. If you need it, ask the owner."),
        ATTENTION,
    ),
    "agent_may_not": (
        mark("A digital employee suggests; it never decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "one_account": (
        mark("You are the only one here, and nobody gives out tokens alone."),
        mark("Invite one more person; thank-yous work at once."),
        ATTENTION,
    ),
    "second_person_needed": (
        mark("This takes a second person."),
        mark("Nothing was changed. Somebody else with that power has to do it."),
        ATTENTION,
    ),
    "evidence_reused": (
        mark("This was used as evidence before."),
        mark("It counts once. Take a new picture, or say why it is the same."),
        ATTENTION,
    ),
    "evidence_missing": (
        mark("Evidence is still missing."),
        mark("Nothing was changed. Bring what is asked for first."),
        ATTENTION,
    ),
    "evidence_closed": (
        mark("This piece of evidence has been looked at already."),
        mark("Nothing was changed."),
        WAIT,
    ),
    "reason_missing": (
        mark("A no needs a reason."),
        mark("Nothing was recorded. Choose one of the reasons; the person is told."),
        ATTENTION,
    ),
    "budget_missing": (
        mark("There is no budget for this many tokens."),
        mark("Two people have to set one aside first. Thanks without tokens work at once."),
        ATTENTION,
    ),
    "budget_short": (
        mark("The budget does not hold that many tokens."),
        mark("Give fewer, or let two people set more aside."),
        ATTENTION,
    ),
    "decision_has_effect": (
        mark("It is too late to undo this."),
        mark("Something followed from it already. It can be put right from its own page."),
        WAIT,
    ),
    "already_open": (
        mark("This is being handled already."),
        mark("Nothing was added. Look at it, and say there what you know."),
        WAIT,
    ),
    "too_many_tries": (
        mark("Too many tries."),
        mark("Wait a minute, then try again. Nothing was changed."),
        ATTENTION,
    ),
    "cross_origin": (
        mark("This came from another site, so it was not taken."),
        mark("Nothing was changed. Open the page here and do it again."),
        LATE,
    ),
    "report_empty": (
        mark("Nothing was sent yet."),
        mark("Take a photo or write a sentence, then send it."),
        ATTENTION,
    ),
    "photo_too_large": (
        mark("This photo is too large."),
        mark("Nothing was recorded. It may have at most 8 MB; take it in the page, which makes it smaller."),
        ATTENTION,
    ),
    "media_type": (
        mark("This file is not a picture that can be taken."),
        mark("Nothing was recorded. Choose a JPEG, PNG or WebP, or take the photo in the page."),
        ATTENTION,
    ),
    "photo_unreadable": (
        mark("This picture is damaged, or more than a picture."),
        mark("Nothing was recorded. Take the photo again in the page."),
        ATTENTION,
    ),
    "photo_trailing": (
        mark("This picture is damaged, or more than a picture."),
        mark("Nothing was recorded. Take the photo again in the page."),
        ATTENTION,
    ),
    "photo_animated": (
        mark("This is a moving picture."),
        mark("Nothing was recorded. Send a photo of it."),
        ATTENTION,
    ),
    "photo_pixels": (
        mark("This photo has too many points."),
        mark("Nothing was recorded. Take it in the page, which makes it smaller."),
        ATTENTION,
    ),
    "another_member": (
        mark("Somebody else is signed in here now."),
        mark("Nothing was recorded under their name. Whoever wrote this has to sign in again."),
        ATTENTION,
    ),
    "body_too_large": (
        mark("That is too large to be taken."),
        mark("Nothing was saved. A photo is made smaller by the page itself; a file may have at most 8 MB."),
        ATTENTION,
    ),
    "disk_full": (
        mark("Nothing more can be saved: the disk is full."),
        mark("What was saved is safe. Reading works."),
        LATE,
    ),
    "store_failed": (
        mark("The record cannot be reached right now, and nothing was changed."),
        mark("Try again in a minute."),
        LATE,
    ),
    "outcome_unknown": (
        mark("The connection to the record broke while this was saved."),
        mark("It was saved whole or not at all. Send it again: it counts once."),
        LATE,
    ),
    "clock": (
        mark("The server's clock jumped, so nothing more is recorded."),
        mark("What was saved is safe. An owner has to confirm the time."),
        LATE,
    ),
    "busy": (
        mark("The server has too much to do right now, and nothing was changed."),
        mark("Try again in a few seconds."),
        WAIT,
    ),
    "unknown": (
        mark("That is not here any more."),
        mark("Nothing was changed. Go back and look again; it may have ended meanwhile."),
        WAIT,
    ),
    "not_owner": (
        mark("This is with somebody else."),
        mark("Nothing was changed. Whoever has it can do this, or can pass it to you."),
        ATTENTION,
    ),
    "owner_unknown": (
        mark("That person does not work here now."),
        mark("Nothing was changed. Choose somebody else."),
        ATTENTION,
    ),
    "reason_unknown": (
        mark("Choose one of the reasons."),
        mark("Nothing was changed. The one that came is not among them."),
        ATTENTION,
    ),
    "member_inactive": (
        mark("This account has ended, or was never opened."),
        mark("Nothing was changed. Ask the owner for an invitation."),
        ATTENTION,
    ),
    "role_missing": (
        mark("This is not part of your role here."),
        mark("Nothing was changed. Ask the owner, who can do it or give you the role."),
        ATTENTION,
    ),
    "not_in_charter": (
        mark("This digital employee was not given this to do."),
        mark("Nothing was changed. The owner says what it may read and suggest."),
        ATTENTION,
    ),
    "giver_involved": (
        mark("You stand in for somebody who may not decide this, so somebody else decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "stand_in_invalid": (
        mark("That person cannot stand in."),
        mark("Nothing was changed. Choose another person who works here now."),
        ATTENTION,
    ),
    "successor_invalid": (
        mark("That person cannot take this over."),
        mark("Nothing was changed. Choose another person who works here now."),
        ATTENTION,
    ),
    "already_away": (
        mark("Somebody stands in at that time already."),
        mark("Nothing was changed. End that first, or choose other days."),
        WAIT,
    ),
    "delegation_chained": (
        mark("What was lent to you cannot be lent on."),
        mark("Nothing was changed. Whoever it belongs to can choose another stand-in."),
        ATTENTION,
    ),
    "too_many_cases": (
        mark("Too much is open with this person to pass on at once."),
        mark("Nothing was changed. Give some of it to somebody else first."),
        ATTENTION,
    ),
    "invite_closed": (
        mark("This invitation does not work any more."),
        mark("It was used, ended or replaced, or its three days are over. Ask for a new one."),
        WAIT,
    ),
    "name_taken": (
        mark("Somebody else here signs in under this name."),
        mark("Nothing was changed. Choose another name."),
        ATTENTION,
    ),
    "device_ended": (
        mark("This device is shared no more."),
        mark("Nothing was recorded. A manager can share it again, under People."),
        WAIT,
    ),
    "own_device_needed": (
        mark("This is not done on a shared device."),
        mark("Nothing was recorded. Do it on your own phone or computer, signed in as yourself."),
        ATTENTION,
    ),
    "session_needed": (
        mark("This is done by a person who is signed in."),
        mark("Nothing was changed. Sign in and do it here."),
        ATTENTION,
    ),
    "link_closed": (
        mark("This link does not work any more."),
        mark("It was answered, or its time is over. Whoever gave it can make another."),
        WAIT,
    ),
    "point_unknown": (
        mark("Nobody checks in at this place any more, or not by this code."),
        mark("Nothing was recorded. Ask a manager which tag or code belongs here now."),
        ATTENTION,
    ),
    "tap_invalid": (
        mark("This tag or code belongs to another place."),
        mark("Nothing was recorded. Hold your phone to the tag of this place, or scan its code."),
        ATTENTION,
    ),
    "tap_replayed": (
        mark("This tap was used already."),
        mark("Nothing was recorded. Hold your phone to the tag once more: each tap counts once."),
        ATTENTION,
    ),
    "code_expired": (
        mark("This code is too old."),
        mark("Nothing was recorded. The code on the screen changes: scan it again, and go on right away."),
        ATTENTION,
    ),
    "token_invalid": (
        mark("This was not made here, or it was changed on the way."),
        mark("Nothing was recorded. Open the page or scan the code again."),
        ATTENTION,
    ),
    "decision_withdrawn": (
        mark("This yes was taken back."),
        mark("Nothing was changed. Look at how it stands now."),
        WAIT,
    ),
    "not_decided": (
        mark("Nobody has said yes to this yet."),
        mark("Nothing was changed. It can be done once somebody who may decide has approved it."),
        WAIT,
    ),
    "already_acted": (
        mark("Somebody wrote down already that this was done."),
        mark("Nothing was added. Look at how it stands now."),
        WAIT,
    ),
    "passkey_known": (
        mark("This passkey is known here already."),
        mark("Nothing was changed."),
        WAIT,
    ),
    "verdict_not_pass": (
        mark("The checks have not passed, so this cannot be recognised yet."),
        mark("Nothing was changed. What is still missing stands on its page."),
        WAIT,
    ),
    "verdict_outdated": (
        mark("Something was added since it was checked."),
        mark("Nothing was changed. It is checked again; look at it as it stands then."),
        WAIT,
    ),
    "no_policy": (
        mark("Nobody has said here how this would be recognised."),
        mark("Nothing was changed. It can be closed without a recognition."),
        WAIT,
    ),
    "beneficiary_invalid": (
        mark("One of these people cannot be thanked here."),
        mark("Nothing was changed. Name people who work here now, each once, and no digital employee."),
        ATTENTION,
    ),
    "forgery_number_low": (
        mark("Too few people stand behind this."),
        mark("Nothing was changed. Evidence by somebody else, or a second person's look, would do."),
        ATTENTION,
    ),
    "already_awarded": (
        mark("This is recognised already."),
        mark("Nothing was changed. What was decided stands on its page."),
        WAIT,
    ),
    "too_early": (
        mark("It is too early for this."),
        mark("Nothing was changed. The time to wait is not over yet."),
        WAIT,
    ),
    "held": (
        mark("Somebody has stopped this for now."),
        mark("Nothing was changed. It goes on when whoever stopped it lets it go."),
        WAIT,
    ),
    "award_state": (
        mark("This recognition has moved on meanwhile."),
        mark("Nothing was changed. Look at how it stands now."),
        WAIT,
    ),
    "address_differs": (
        mark("Passkeys do not work at this address."),
        mark("Nothing was changed. Open the address that your invitation names."),
        ATTENTION,
    ),
    "passkey_refused": (
        mark("This passkey cannot be used here."),
        mark("Nothing was changed. Try again, or use another device."),
        ATTENTION,
    ),
    "password_wrong": (
        mark("That is not the password in force."),
        mark("Nothing was changed. Type it again."),
        ATTENTION,
    ),
    "pin_wrong": (
        mark("That is another PIN."),
        mark("Nothing was recorded. After five wrong ones it rests for 15 minutes."),
        ATTENTION,
    ),
    "pin_locked": (
        mark("Too many wrong PINs."),
        mark("Nothing was recorded. It works again in 15 minutes, or with a new PIN from the owner."),
        ATTENTION,
    ),
    "ambiguous_name": (
        mark("There is more than one place with people of this name."),
        mark("Sign in with the link of your own place."),
        ATTENTION,
    ),
    "file_name": (
        mark("This file's name cannot be read."),
        mark("Nothing was recorded. Give it a plain name and send it again."),
        ATTENTION,
    ),
    "nonce_invalid": (
        mark("The camera was open for too long."),
        mark("Nothing was recorded. Take the photo again."),
        WAIT,
    ),
    "text_refused": (
        mark("This text holds a sign that cannot be kept."),
        mark("Nothing was recorded. Type it again by hand; a copied text may hold hidden signs."),
        ATTENTION,
    ),
    "record_conflict": (
        mark("Another row says something else about the same moment."),
        mark("Nothing was recorded. Mend the row, or give it its own time."),
        ATTENTION,
    ),
    "signing_refused": (
        mark("The record was not sealed: this copy does not continue what was sealed before."),
        mark("Nothing was changed. Whoever runs the server has to look at it first."),
        LATE,
    ),
    "not_stopped": (
        mark("The record goes on already."),
        mark("Nothing was changed."),
        WAIT,
    ),
}
"""Code -> first words, the rest, tone."""

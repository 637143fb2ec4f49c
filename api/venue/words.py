"""What people at The Harbour House write down: notes of bookings, suggestions, thank-yous. Some are wrong, some are in
another language, as everywhere. All of it is made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BOOKING_NOTES = (
    "window if possible", "back by 21:00 for the ferry", "Table 12 please, same as last year",
    "prefer not near the door",
    "Geburtstag der Mutter, ruhiger Tisch", "2 Kinder, 4 und 6", "will call back about the dog",
    "late, traffic from Cork",
    "allergic to cats (is this for us?)", "una sedia per bambini, grazie", "said room 9, meant table 9",
    "regular, no fuss",
    "anniversary, do not sing", "pas de coriandre", "wants the corner", "poss. one more, will know Thursday",
    "paying with voucher no. 118", "asked for Freya", "nut allergy?? ask again", "parking for a van",
    "Tisch im Erdgeschoss", "early table, theatre at 8", "two bills", "dog under the table", "no starters",
)  # fmt: skip

GUESTS = (
    "ocallaghan", "lindgren", "achebe", "moreau", "yamamoto", "fitzgerald", "rossi", "haddad", "kowalska",
    "murphy", "svensson",
    "okonkwo", "schmidt", "dasilva", "nguyen", "byrne", "petrov", "garcia", "mwangi", "oneill", "jansen",
    "kaur", "costa", "doyle",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """What is said about one kind of exception: (need, note) of its records, suggestions, thank-yous."""

    action: str
    suggestions: tuple[str, ...]
    thanks: tuple[str, ...]
    tokens: int


SCRIPTS: Mapping[str, Script] = {
    "special_request_without_cover": Script(
        "change_the_rota",
        (
            "I can stay until ten and take that table, Luca takes my lunch on Sunday",
            "Swap my Thursday with Mei Lin, then I am there for them",
            "Ring the guest today, ask what exactly they need, and put me on that evening",
            "Move them to the later sitting, Priya is on from seven",
        ),
        (
            "They wrote that nobody had to ask twice. Thank you.",
            "You gave up a free evening for a table of strangers. Thank you.",
            "The guest remembered your name. So do we.",
        ),
        6,
    ),
    "complaint_to_escalate": Script(
        "contact_the_guest",
        (
            "Go to the guest now, say sorry, move them to the quiet side and take the starters off",
            "Ring room service myself, bring it up, and sit down with them for five minutes",
            "Offer the other room tonight and carry the bags",
        ),
        (
            "You went there yourself instead of writing a mail. Thank you.",
            "They came down angry and left with a booking for May. Thank you.",
        ),
        8,
    ),
    "recovery_not_closed": Script(
        "finish_the_recovery",
        (
            "Call them back today with the refund number, as we said we would",
            "Send the corrected invoice and ring to hear whether it arrived",
            "Write by hand, and put the voucher in",
        ),
        (
            "You finished what we had promised. Thank you.",
            "A promise kept after two days is still a promise kept. Thank you.",
        ),
        6,
    ),
    "quote_not_followed_up": Script(
        "send_follow_up",
        (
            "Ring them this afternoon and offer the terrace as plan B",
            "Send the two menus again, with the price per head on top",
            "Ask whether the date still stands; if not, offer the 12th",
        ),
        (
            "You rang when everybody else wrote. Thank you.",
            "The wedding is ours because you asked again. Thank you.",
        ),
        5,
    ),
    "warm_lead_silent": Script(
        "contact_the_lead",
        (
            "Call today, they wanted to see the small room with the fireplace",
            "Send three dates and one photo, no brochure",
            "Invite them for a coffee on Tuesday and walk through the rooms",
        ),
        (
            "You called back first. Thank you.",
            "Three dates and one photo: that was all they needed. Thank you.",
        ),
        4,
    ),
}

NEEDS_AND_NOTES = (
    ("coeliac", "Coeliac, really: no shared fryer. Birthday of the youngest."),
    ("sign_language", "Two guests are deaf; last time nobody could sign and they were nice about it"),
    ("wine_pairing", "would like somebody who can explain the wines, not just pour"),
    ("halal", "Halal, 4 of 7. Phoned twice already"),
    ("coeliac", "Zöliakie! Bitte wirklich getrennte Küche"),
    ("late_arrival", "ferry lands 22:40, kitchen promised something warm"),
    ("sign_language", "mother of the bride is deaf"),
    ("wine_pairing", "50th, surprise, do not call the house number"),
    ("vegan", "vegan tasting for 3, rest normal"),
)
FALSE_NOTES = ("allergy: none (ticked by mistake)", "special: is our special menu, not a request")

REPORTS = (
    "Ice machine leaking behind the bar", "The lift stops between two floors", "Room 14, window does not close",
    "Card reader at the pass drops the connection", "No clean highchairs left at lunch",
    "Deliveries block the step-free door",
)  # fmt: skip

CLAIMS = (
    (
        "Found a ring in the laundry and rang the guest before she noticed",
        "lost-ring",
        "Hand it over at the front desk",
    ),
    (
        "A guest's charger burnt; I lent mine and wrote it down",
        "burnt-charger",
        "Keep the charger for the safety check",
    ),
)

QUESTION = "Who else was with the guest that evening?"
REPLY_TO_A_QUESTION = "Only me. Lena was on the floor and saw it from the bar."
ENDING = "The guest came back about it. Do you know more?"
REPLY_TO_AN_END = "They told me the same last night. It is not solved; please end it."
REPLY_TO_A_NO = "That is right, Lena had been there first. I only made sure."
TAKING_BACK = "The guest never got the voucher. Do you know what happened?"
REPLY = "I was sure the voucher had gone out; I should have looked. I am sorry."

"""What a place for public stamps is called, and what is the matter with one and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from api.pages.words import Words, mark
from ledger.anchors.protocol import DOUBLE, EVM, WITNESS

RETRIES = mark("It is tried again by itself.")
STOPPED = mark("Nothing is stamped there until somebody has looked.")

TROUBLES: Mapping[str, tuple[str, str]] = {
    "rpc_unreachable": (
        mark("The public register does not answer."),
        mark("If it lasts, ask whoever runs the server for another address of it."),
    ),
    "rpc_disagree": (
        mark("The addresses of the public register contradict each other."),
        mark("Ask whoever runs the server which of them can be trusted."),
    ),
    "final_undone": (
        mark("The public register took back what it had called final."),
        mark("It is stamped again; if it happens more than once, look for another register."),
    ),
    "wrong_chain": (
        mark("Another public register answers than the one that was set up."),
        mark("Whoever runs the server sets the address right."),
    ),
    "code_differs": (
        mark("What stood in the public register is not there, or is something else."),
        mark("If the register was started anew, set up another place and let it go on in place of this one."),
    ),
    "key_used_elsewhere": (
        mark("The paying key was used by somebody else."),
        mark("Treat it as stolen: set up another place with new keys and let it go on in place of this one."),
    ),
    "balance_low": (
        mark("The paying key runs out of money."),
        mark("Send it some more; its address stands below."),
    ),
    "nonce_stuck": (
        mark("A stamp is stuck."),
        mark("Whoever runs the server looks at it with `tallystick anchor status`."),
    ),
    "fee_ceiling": (
        mark("A stamp costs more now than the most that was set."),
        mark("Wait, or let whoever runs the server set another limit."),
    ),
    "contract_refuses": (
        mark("The public register refuses the stamp."),
        mark("If it holds something wrong, set up another place and let it go on in place of this one."),
    ),
    "log_differs": (
        mark("What is stamped there is not what stands in this record."),
        mark(
            "Check the whole record before anything else: either it was rewritten, or a wrong stamp was set."
        ),
    ),
    "signer_missing": (
        mark("A key for stamping, or its password, is missing on the server."),
        mark("Whoever runs the server puts it back from the copy of the keys."),
    ),
    "other_side_refuses": (
        mark("The other side refuses to stamp."),
        mark("Ask those who run it; its answer stands below."),
    ),
}
"""Code of docs/spec/anchoring.md section 4 -> what is the matter, and what to do."""

REASONS: Mapping[str, str] = {
    "damaged": mark("What it holds is damaged"),
    "size_wrong": mark("A wrong size was stamped"),
    "key_stolen": mark("A key was stolen"),
    "key_lost": mark("A key was lost"),
    "chain_ended": mark("The public register ended"),
    "moved": mark("It moved elsewhere"),
    "not_wanted": mark("It is not wanted any more"),
}
"""Why a place was given up (casework/anchor_requests.py)."""


def place_words(type_: str, place: Mapping[str, Any], words: Words) -> str:
    """Return what a place is called."""
    if type_ == EVM:
        return words.gettext("Public register %(number)s", number=place["chain_id"])
    if type_ == WITNESS:
        return words.gettext("Witness %(name)s", name=str(place["vkey"]).partition("+")[0])
    if type_ == DOUBLE:
        return words.gettext("Stand-in that stamps nothing")
    return words.gettext("Time stamps of %(host)s", host=urlsplit(str(place["url"])).hostname or "")

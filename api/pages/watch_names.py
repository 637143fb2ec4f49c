"""What a watch and a source are called on a page."""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.words import Words, mark

WATCHES: Mapping[str, str] = {
    "complaint_to_escalate": mark("Unanswered complaints"),
    "low_stock_before_service": mark("Low stock before a busy service"),
    "quote_not_followed_up": mark("Quotes nobody followed up"),
    "recovery_not_closed": mark("Promises to guests not kept yet"),
    "special_request_without_cover": mark("Special requests nobody is briefed for"),
    "supplier_renewal": mark("Contracts that renew by themselves"),
    "warm_lead_silent": mark("Inquiries nobody answered"),
}
"""The shipped watches; another one is shown as its own name says it."""

SOURCES: Mapping[str, str] = {
    "bookings": mark("from the booking system"),
    "rota": mark("from the rota"),
    "desk": mark("from the complaints desk"),
    "crm": mark("from the customer list"),
    "stock": mark("from the stock count"),
    "contracts": mark("from the contract folder"),
    "till": mark("from the till"),
}


def watch_words(playbook: str, words: Words) -> str:
    """Return the name of a watch."""
    known = WATCHES.get(playbook)
    if known is not None:
        return words.gettext(known)
    plain = playbook.replace("_", " ").replace("-", " ").strip()
    return plain[:1].upper() + plain[1:]


def source_words(source: str, words: Words) -> str:
    """Return from where something comes: "from the booking system"."""
    known = SOURCES.get(source)
    return words.gettext(known) if known else words.gettext("from the source “%(name)s”", name=source)

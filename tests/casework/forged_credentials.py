"""Credentials that were never issued as the record says: one table of forgeries for the audit of meaning."""

from __future__ import annotations

from ledger.entries import Actor
from tests.casework.forgeries import Forgery, by, told
from tests.casework.forging import Line, Story


def _credential_again(story: Story) -> Line:
    """A second credential for the same share, under a bit of its own."""
    first = story.find("credential_issued", "plain")
    line = story.again(first, first)
    line.body.update(credential="another", index=first.body["index"] ^ 1)
    story.cut(line)
    return line


def _bit_taken(story: Story) -> Line:
    """Another award's credential under the same bit: to take back one would take back both."""
    first = story.find("credential_issued", "plain")
    line = story.add(first, "credential_issued", "asked", dict(first.body), Actor("system", "system", "job"))
    line.body.update(credential="another", award=story.named["asked_award"])
    story.cut(line)
    return line


def _credential_early(story: Story) -> Line:
    """While the recognition is provisional."""
    story.lines.remove(story.find("award_settled", "plain"))
    line = story.find("credential_issued", "plain")
    story.cut(line)
    return line


CREDENTIALS: list[tuple[str, Forgery, str]] = [
    ("a credential by hand", by("credential_issued", "plain", "owner", "owner", cut=True), "agent_may_not"),
    (
        "a credential for a share that is none",
        told("credential_issued", "plain", True, member="cook"),
        "unknown",
    ),
    ("a second credential for one share", _credential_again, "already_awarded"),
    ("two credentials under one bit", _bit_taken, "already_awarded.*bit"),
    ("a credential before it is final", _credential_early, "award_state"),
    (
        "another issuer than it says",
        told("credential_issued", "plain", True, issuer="did:key:z1"),
        "credential: exp",
    ),
    ("another bit than it says", told("credential_issued", "plain", True, index=1), "credential: expected"),
]

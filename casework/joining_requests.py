"""What the doors may ask about joining and shared devices, beside casework/requests.py. Data only.

Secrets never stand here: a password or PIN arrives as its slow hash, a token is drawn by the use case. So the digest
that tells a retry from another request must be keyed by the door (Vault.fingerprint), never a plain one of the body.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invite:
    """Invite somebody who joined (`member`), or let `name` join in these roles and invite them in one command."""

    member: str | None = None
    name: str | None = None
    roles: tuple[str, ...] = ()
    how: str = "link"  # link | slip | first_run


@dataclass(frozen=True, slots=True)
class Hand:
    """One line of a staff list: a name, one role, and a sign-in name if it is known already."""

    name: str
    role: str
    sign_in: str | None = None


@dataclass(frozen=True, slots=True)
class InviteAll:
    """A whole staff list joins and is invited, all of it or none."""

    hands: tuple[Hand, ...]
    how: str = "slip"


@dataclass(frozen=True, slots=True)
class EndInvite:
    """An invite is taken back."""

    member: str
    invite: str
    reason_code: str = "withdrawn"


@dataclass(frozen=True, slots=True)
class Chosen:
    """How somebody wants to sign in: the name case-folded (casework/chosen.py), password and PIN as PHC strings."""

    name: str | None = None
    password_hash: str | None = None
    pin_hash: str | None = None


@dataclass(frozen=True, slots=True)
class UseInvite:
    """The invited chooses how to sign in; whatever was set before is replaced, every session ends."""

    member: str
    invite: str
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class SetSignIn:
    """A member changes how they sign in; an owner may set a member's PIN. What is None stays as it is."""

    member: str
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class RecoverOwner:
    """Whoever runs the server lets an owner in again; every session of theirs ends."""

    member: str


@dataclass(frozen=True, slots=True)
class ShareDevice:
    """A device becomes a shared one, under a name people know it by."""

    label: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class EndDevice:
    """A shared device is none any more."""

    device: str


@dataclass(frozen=True, slots=True)
class TryPin:
    """Somebody typed a PIN on a shared device; `right` says whether it was the member's, checked slowly before against
    `pin_hash`, which may have been replaced meanwhile."""

    device: str
    member: str
    right: bool
    pin_hash: str | None = None

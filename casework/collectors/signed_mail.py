"""A mail that a domain signed (DKIM), frozen with the key that it was checked by: E4 where it is the sender's domain.

Whoever runs the domain can sign for anybody in it, and so can whoever holds the mailbox: both stand in the formula.
Signed by another domain it is kept as a file of whoever brought it, and says so (`aligned`, casework/mail_worth.py).
What the mail means is for people to say; facts only hold who, when, and whether the case's reference stands in it.
Checked: casework/mail_reading.py (one reading), casework/mail_guard.py (signature and key); docs/evidence.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from casework import mail_guard
from casework.errors import refuse
from casework.mail_guard import Signed
from casework.mail_reading import Mail, read_mail
from casework.mail_reasons import MailFault
from casework.mail_worth import TYPE as TYPE
from casework.mail_worth import worth
from casework.requests import AttachEvidence, Principal
from ledger.errors import Refused

LOOKUPS_MAX = mail_guard.SIGNATURES_MAX
CHECKED = ("domain", "selector", "aligned", "algorithm", "signed_at", "expires_at", "sent_at", "size_bytes")
"""Facts that anybody can work out again from the bytes; `reference` and pseudonyms take the installation's key."""

Answers = Mapping[str, tuple[str, ...] | MailFault]
"""Name of a key -> the TXT records there, or why there is no answer."""


class KeyLookup(Protocol):
    """Where keys are looked up. Only TXT records are ever asked for."""

    async def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records of a name, the strings of each joined; none where there is no such name.

        Raises:
            MailFault: lookup_off, key_unreachable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """The case that a mail is brought to."""

    id: str
    reference: str
    """Its code (casework/references.py)."""


def read(raw: bytes) -> Mail:
    """Return a mail that can be read in one way. Raises Refused: mail_unsigned."""
    try:
        return read_mail(raw)
    except MailFault as fault:
        raise refused(fault) from fault


def names(mail: Mail, at: str) -> tuple[str, ...]:
    """Return the names whose TXT records are needed, at most LOOKUPS_MAX, each once, for a mail received at `at`.

    Raises:
        Refused: mail_unsigned.
    """
    try:
        return tuple(dict.fromkeys(one.name for one in mail_guard.candidates(mail, at)))
    except MailFault as fault:
        raise refused(fault) from fault


def refused(fault: MailFault) -> Refused:
    """Return a fault as the refusal to raise; its sentence begins with the reason."""
    return refuse("mail_unsigned", str(fault), "/mail")


def collect(
    who: Principal,
    case: Case,
    mail: Mail,
    answers: Answers,
    received_at: str,
    customer: Callable[[str], str],
    replaces: str | None = None,
) -> AttachEvidence:
    """Return the evidence of one mail. `answers` are of `names`, seen at `received_at`; `customer` makes a pseudonym.

    The same bytes count once in this organisation, and so does a Message-ID of one sender: the id alone would let
    anybody who can sign a mail of their own use up somebody else's. Signed by another domain it uses up that domain's
    alone, since anybody can write any sender there.

    Raises:
        Refused: mail_unsigned.
    """
    try:
        signed = mail_guard.weigh(mail, received_at, answers)
        found = told(mail, signed, received_at)
        found["reference"] = mail.mentions(case.reference, signed.signature.signed)
    except MailFault as fault:
        raise refused(fault) from fault
    sender = customer(mail.sender)
    facts = {
        **found,
        "from": sender,
        "to": [customer(one) for one in mail.to],
        "message": customer(f"message {mail.message_id.decode()}"),
        "case": case.id,
    }
    submitter = f"member:{who.id}"
    grade, parties = worth(facts, submitter)
    by = b"mail" if signed.signature.aligned else b"mail signed by " + signed.signature.domain.encode()
    return AttachEvidence(
        case=case.id,
        type=TYPE,
        grade=grade,
        submitter=submitter,
        controllers=parties,
        received_at=received_at,
        facts=facts,
        content=mail.raw,
        replaces=replaces,
        concerns=(sender,),
        once=(mail.raw, by + b"\x00" + mail.sender.encode() + b"\x00" + mail.message_id),
    )


def told(mail: Mail, signed: Signed, seen_at: str) -> dict[str, Any]:
    """Return the facts that name nobody: whose signature, by which key, and when."""
    signature = signed.signature
    return {
        "domain": signature.domain,
        "selector": signature.selector,
        "aligned": signature.aligned,
        "algorithm": signature.algorithm,
        "key": signed.key,
        "key_seen_at": seen_at,
        "signed_at": signature.signed_at,
        "expires_at": signature.expires_at,
        "sent_at": mail.sent_at,
        "size_bytes": len(mail.raw),
    }


def recheck(content: bytes, facts: Mapping[str, Any]) -> Mail:
    """Check a mail again from its bytes and its facts alone, as of `key_seen_at`, and return it: for auditors. Nothing
    is looked up. Whoever has the installation's key can compare its pseudonyms and the reference too.

    Raises:
        Refused: mail_unsigned; the reason facts_differ says that the mail is signed and the facts say something else.
    """
    seen_at, name = str(facts["key_seen_at"]), f"{facts['selector']}._domainkey.{facts['domain']}"
    try:
        mail = read_mail(content)
        found = told(mail, mail_guard.weigh(mail, seen_at, {name: (str(facts["key"]),)}), seen_at)
        for member in CHECKED:
            # aligned came later: what was put down before it was of the sender's domain
            got = facts.get(member, True) if member == "aligned" else facts[member]
            if found[member] != got:
                raise MailFault("facts_differ", f"{member}: expected {found[member]}, got {str(got)[:80]}")
    except MailFault as fault:
        raise refused(fault) from fault
    return mail

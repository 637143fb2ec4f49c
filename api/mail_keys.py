"""Keys of mail domains, looked up in the DNS: TXT records at `<selector>._domainkey.<domain>`, and nothing else.

The names come from a stranger's mail. The guard lets only labels of letters, digits and hyphens through (casework/
mail_guard.py), at most five names a mail; no address record is asked for, nothing is kept, and DNSSEC is not checked:
whoever can answer for the resolver can make a key. A mail is frozen with what was seen.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from casework.collectors.signed_mail import Answers, KeyLookup
from casework.mail_reasons import MailFault

OFF = "off"
PORT = 53
TRY_SECONDS_MAX = 3.0
LOOKUP_SECONDS_MAX = 6.0
"""Of one name, all tries together; the names of a mail are looked up at the same time."""
RECORDS_MAX = 20


def resolver_of(given: str) -> tuple[str, int] | None:
    """Return address and port of a resolver, None where none is named ("" or "off").

    Raises:
        ValueError: it is no address; a name would have to be looked up itself.
    """
    if given in ("", OFF):
        return None
    expected = "expected an address such as 10.0.0.1, 10.0.0.1:5353 or [fd00::1]:5353, off, or nothing"
    host, port = given, str(PORT)
    if given.startswith("["):
        host, bracket, rest = given[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(expected)
        port = rest[1:] or port
    elif given.count(":") == 1:
        host, _, port = given.partition(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise ValueError(expected) from error
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= 65_535:
        raise ValueError(expected)
    return str(address), int(port)


class DnsKeys:
    """Asks a resolver: the one that is set, else the machine's own; or nobody, which is said."""

    def __init__(self, setting: str) -> None:
        """`setting` is TALLYSTICK_DNS. Raises ValueError: it is no address."""
        self._off = setting == OFF
        self._server = resolver_of(setting)

    async def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records of a name, the strings of each joined; aliases are followed by the resolver.

        Raises:
            MailFault: lookup_off, key_unreachable.
        """
        if self._off:
            raise MailFault("lookup_off", "expected a place that looks up keys, got TALLYSTICK_DNS=off")
        try:
            found = await self._resolver().resolve(
                dns.name.from_text(f"{name}."), "TXT", lifetime=LOOKUP_SECONDS_MAX, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError, ValueError) as error:
            expected = f"expected an answer for {name} within {LOOKUP_SECONDS_MAX:.0f} s"
            raise MailFault(
                "key_unreachable", f"{expected}, got {type(error).__name__}; try again"
            ) from error
        records: list[Any] = list(found)[:RECORDS_MAX]
        return tuple(b"".join(record.strings).decode("latin-1") for record in records)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        # Made anew each time: the machine's own list of servers may have changed.
        made = dns.asyncresolver.Resolver(configure=self._server is None)
        if self._server is not None:
            made.nameservers, made.port = [self._server[0]], self._server[1]
        made.timeout, made.cache = TRY_SECONDS_MAX, None
        return made


async def look_up(keys: KeyLookup, names: Iterable[str]) -> Answers:
    """Return name -> its TXT records, or why there is no answer; all names at the same time."""

    async def one(name: str) -> tuple[str, tuple[str, ...] | MailFault]:
        try:
            return name, await keys.texts(name)
        except MailFault as fault:
            return name, fault

    return dict(await asyncio.gather(*(one(name) for name in names)))

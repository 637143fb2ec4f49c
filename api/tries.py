"""How often a stranger may try: moving windows per address and per account, for every door that opens without a key.

Kept in this process: with several processes the bounds are so many times larger, and a restart forgets them. What must
not be forgotten, wrong PINs, is counted in the database (casework/device_rules.py). The address is the socket's peer,
or what a proxy named by TALLYSTICK_PROXY says. Behind one that is not named it is the proxy for everybody: the windows
per account and per token are what protects then, and whoever tries a name ten times locks it for 15 minutes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from api.problems import TooManyTries

PER_ADDRESS = parse("60 per minute")
"""Of one address, at all these doors together: a shift that signs in at one time behind one router."""
PER_INVITE = parse("10 per 15 minutes")
PER_ACCOUNT = parse("10 per 15 minutes")
"""Of one account from one address: whoever guesses elsewhere does not lock out its owner."""
PER_ACCOUNT_IN_ALL = parse("100 per 1 hour")
"""Of one account from all addresses together."""
PER_OPTIONS = parse("1 per 6 minutes")
"""Options of a passkey let in once; they last five minutes."""
PER_DEVICE = parse("30 per minute")
_IPV6_NETWORK_BITS = 64
"""Whoever has one IPv6 address has the whole network of it."""


def _windows() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@dataclass(slots=True)
class Tries:
    """The windows of one process."""

    _windows: MovingWindowRateLimiter = field(default_factory=_windows)

    async def need(self, most: RateLimitItem, *who: str) -> None:
        """Count one try of somebody.

        Raises:
            TooManyTries: more than `most`; this one is not counted.
        """
        if not await self._windows.hit(most, *who):
            stats = await self._windows.get_window_stats(most, *who)
            raise TooManyTries(max(1, int(stats.reset_time - time.time()) + 1))

    async def need_for(self, request: Request, *account: str) -> None:
        """Count one try of an account from the address that a request came from, and in all. Raises TooManyTries."""
        await self.need(PER_ACCOUNT, *account, address_of(request))
        await self.need(PER_ACCOUNT_IN_ALL, *account)

    async def need_from(self, request: Request) -> None:
        """Count one try from the address that a request came from. Raises TooManyTries."""
        await self.need(PER_ADDRESS, "address", address_of(request))


def address_of(request: Request) -> str:
    """Return the peer's address, of IPv6 its network; `unknown` where there is none (a socket file, a test)."""
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_NETWORK_BITS), strict=False))
    return str(address)

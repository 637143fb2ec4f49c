"""The socket a server listens on."""

from __future__ import annotations

import socket


def answer_at_once(listening: socket.socket) -> None:
    """Send each part of an answer when it is written; accepted connections inherit it.

    asyncio does this by itself only for sockets whose protocol number is given, which `create_server` leaves at 0;
    without it the second part of every answer waits 40 ms for the other side's delayed acknowledgement.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

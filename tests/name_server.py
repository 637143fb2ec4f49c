"""A name server on loopback for tests: real packets over UDP and TCP, and a note of every question that was asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dnslib import CNAME, QTYPE, RCODE, RR, TXT
from dnslib.server import BaseResolver, DNSLogger, DNSServer


@dataclass
class Zone(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """What is served: name -> TXT records, or `alias`: name -> another name. A name in `slow` is answered late."""

    records: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def setting(self) -> str:
        """Return TALLYSTICK_DNS for this server."""
        return f"127.0.0.1:{self.port}"

    def resolve(self, request: Any, handler: Any) -> Any:
        """Answer one question."""
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        if name in self.slow:
            time.sleep(7)
        if name in self.broken:
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        if name in self.aliases:
            target = self.aliases[name]
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(target), ttl=5))
            name = target
        if name not in self.records:
            reply.header.rcode = RCODE.NXDOMAIN
        for text in self.records.get(name, []) if kind == "TXT" else []:
            strings = [text[at : at + 200].encode() for at in range(0, len(text), 200)] or [b""]
            reply.add_answer(RR(name, QTYPE.TXT, rdata=TXT(strings), ttl=5))
        return reply


@contextmanager
def serving(records: Mapping[str, list[str]] | None = None) -> Iterator[Zone]:
    """Serve a zone until the block ends."""
    zone = Zone(dict(records or {}))
    quiet = DNSLogger(log="-request,-reply,-truncated,-error,-recv,-send,-data")
    udp = DNSServer(zone, address="127.0.0.1", port=0, logger=quiet)
    zone.port = udp.server.server_address[1]
    tcp = DNSServer(zone, address="127.0.0.1", port=zone.port, tcp=True, logger=quiet)
    for server in (udp, tcp):
        server.start_thread()
    try:
        yield zone
    finally:
        for server in (udp, tcp):
            server.stop()
            server.server.server_close()

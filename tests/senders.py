"""Another system as it sends: it signs with the published library (Standard Webhooks), or as GitHub documents it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.api.house import House


@dataclass
class Sender:
    """A system with a hook. `clock_seconds`: how far its clock is ahead of the server's."""

    at: House
    path: str
    secret: str
    scheme: str = "standard"
    clock_seconds: int = 0
    count: int = 0

    def signed(self, body: bytes, name: str | None = None) -> dict[str, str]:
        """Return the headers of a call."""
        self.count += 1
        name = name or f"msg_{self.count}"
        if self.scheme == "github":
            mac = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            return {"X-GitHub-Delivery": name, "X-Hub-Signature-256": f"sha256={mac}"}
        now_ms: int = self.at.app.state.installation.clock.unix_ms()
        seconds = now_ms // 1000 + self.clock_seconds
        mac = Webhook(self.secret).sign(name, datetime.fromtimestamp(seconds, UTC), body.decode())
        return {"webhook-id": name, "webhook-timestamp": str(seconds), "webhook-signature": mac}

    async def send(self, said: Any, name: str | None = None, **headers: str) -> httpx.Response:
        """Sign something and send it; `headers` stand over the signed ones (`_` for `-`)."""
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        sent = {"Content-Type": "application/json"} | self.signed(body, name)
        sent |= {one.replace("_", "-"): value for one, value in headers.items()}
        return await self.at.client.post(self.path, content=body, headers=sent)

    async def sent(self, said: Any, name: str | None = None) -> dict[str, Any]:
        """Send something that must be taken; return the answer."""
        answer = await self.send(said, name)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


async def hooked(at: House, owner: str, source: str, scheme: str = "standard") -> Sender:
    """Open a hook of a source, as its owner does, and return the system that got the secret."""
    told = await at.done("/api/v1/hooks", owner, {"source": source, "scheme": scheme, "label": source})
    return Sender(at, told["path"], told["secret"], scheme)


def record(kind: str, name: str, event_at: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the body that brings one version of a record."""
    data = {"kind": kind, "id": name, "event_at": event_at, "values": values, **more}
    return {"type": "record", "timestamp": event_at, "data": data}

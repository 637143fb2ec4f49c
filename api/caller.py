"""Who holds a key or a session. A key is `tsk_` and 256 random bits; only its SHA-256 is kept, and it names one
member of one log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from casework.charters import Charter
from casework.requests import Principal, Way
from ledger.entropy import Entropy

KEY_PREFIX = "tsk_"
KEY_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who holds a valid key or session, `key_id`; with an `act`, that of the device. `role` is the one used
    for this request; empty until a permission was checked.

    `charter` binds a digital employee; None: a person. `session` is the id of the session of the pages, if it is one,
    `act` of the one act that a PIN granted on a shared device.
    """

    log: str
    member: str
    roles: tuple[str, ...]
    key_id: str
    charter: Charter | None
    via: str = "http"
    assurance: str = "key"
    role: str = ""
    session: str | None = None
    act: str | None = None

    def reads(self, kind: str | None) -> bool:
        """Say whether records of this kind, and cases about one, are there for the caller at all."""
        return self.charter is None or self.charter.reads(kind)

    @property
    def who(self) -> Principal:
        """Return what the desk wants to know about whoever asks."""
        return Principal(self.member, self.role, self.via, self.assurance, self._way)

    @property
    def _way(self) -> Way:
        if self.act is not None:
            return Way("act", self.act, self.key_id)
        return Way("api_key" if self.session is None else "session", self.key_id)


def draw_key(entropy: Entropy) -> tuple[str, str]:
    """Return a new key and the hex digest that is kept of it."""
    key = KEY_PREFIX + entropy.token(KEY_SECRET_BYTES).hex()
    return key, key_digest(key)


def key_digest(key: str) -> str:
    """Return hex SHA-256 of the whole key text; 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()

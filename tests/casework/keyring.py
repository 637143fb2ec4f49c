"""People of the shop with passkeys: enrolled, confirmed and used as a door would, with a software authenticator."""

from __future__ import annotations

from typing import Any

from casework.intake import Done
from casework.passkeys import Prepared
from casework.requests import Decide, EnrolPasskey, PasskeySigned, PasskeyStep
from tests.authenticators import ES256, Authenticator, b64
from tests.casework.shop import Shop


async def enrol(
    here: Shop, who: str, alg: int = ES256, credential: str | None = None
) -> tuple[str, Authenticator]:
    """Enrol a passkey of this person; return its id and what holds it."""
    held = Authenticator(alg=alg, credential_id=(credential or f"credential of {who}").encode())
    request = EnrolPasskey(b64(held.credential_id), b64(held.spki), alg, held.rp_id, (held.origin,))
    done = await here.office.enrol_passkey(here.people[who], here.key(), request)
    return done.ids["passkey"], held


async def confirm(here: Shop, passkey: str, by: str) -> Done:
    """Confirm it as this person."""
    return await here.office.confirm_passkey(here.people[by], here.key(), PasskeyStep(passkey))


async def end(here: Shop, passkey: str, by: str, reason: str = "lost") -> Done:
    """End it as this person."""
    return await here.office.end_passkey(here.people[by], here.key(), PasskeyStep(passkey, reason))


async def prepared(here: Shop, case: str, about: str, who: str, **more: Any) -> tuple[Decide, Prepared]:
    """Be shown the matter and have the answer prepared."""
    person = here.people[who]
    shown = await here.desk.show(person, case, about)
    request = Decide(shown.token, more.pop("verb", "approved"), **more)
    return request, await here.desk.prepare(person, request)


def signed(held: Authenticator, made: Prepared, **spoil: Any) -> PasskeySigned:
    """Let the authenticator sign what was prepared."""
    return PasskeySigned(made.token, **held.assertion(bytes.fromhex(made.digest), **spoil))

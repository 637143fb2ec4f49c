"""One started product for the abuse suite, with a name server that it asks for the keys of mail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from api.tellings import configure
from tests.abuse.mails import KEYS
from tests.api.house import House, house
from tests.name_server import Zone, serving


@pytest.fixture(scope="module")
def zone() -> Iterator[Zone]:
    """A name server that knows the mail keys of a guest's domain, and of another."""
    with serving({name: [key.record] for name, key in KEYS.items()}) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory, zone: Zone) -> AsyncIterator[House]:
    """Return the started product."""
    configure("error", True)
    async with house(tmp_path_factory.mktemp("house"), dns=zone.setting) as started:
        yield started

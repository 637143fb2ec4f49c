"""Every page whose main role is not the owner: the same as in test_every_page_of_the_owner.py, for another worker."""

from __future__ import annotations

import pytest

from tests.e2e.page_promises import Windows, hold
from tests.e2e.pages_there import OWNER, PAGES, PageThere


@pytest.mark.parametrize("page", [one for one in PAGES if one.role != OWNER], ids=lambda page: page.name)
def test_every_page_of_the_others_is_accessible_and_fits(windows: Windows, page: PageThere) -> None:
    hold(windows, page)

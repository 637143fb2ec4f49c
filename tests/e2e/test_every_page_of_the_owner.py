"""Every page whose main role is the owner, narrow and wide, light and dark: axe, no sideways scroll, targets, weight,
pictures.

The others stand in a file of their own, so that two workers share the pages. The full product of widths, themes and
roles is in tests/prove.
"""

from __future__ import annotations

import pytest

from tests.e2e.page_promises import Windows, hold
from tests.e2e.pages_there import OWNER, PAGES, PageThere


@pytest.mark.parametrize("page", [one for one in PAGES if one.role == OWNER], ids=lambda page: page.name)
def test_every_page_of_the_owner_is_accessible_and_fits(windows: Windows, page: PageThere) -> None:
    hold(windows, page)

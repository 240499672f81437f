"""Pages that were made once: kept as they are sent, for whoever may see the same and asks for the same address.

Only pages that depend on nothing but the version of the data are kept, until some of its long work ends, and none that shows
customers: each look at those is written down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from plotly.io.json import to_json_plotly

from dashboard.access.reader import reader
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part
from fudian import Utility

KEPT_PAGES = ("operations", "steering", "management")


class Ready:
    """A part of a page that is written already.

    Attributes:
        size_bytes: what keeping it takes.
    """

    def __init__(self, part: Part) -> None:
        """Write a part as Dash writes it."""
        self._written = to_json_plotly(part).encode()
        self.size_bytes = len(self._written)

    def to_plotly_json(self) -> Any:
        """Return what is written, to be put into an answer as it is."""
        return orjson.Fragment(self._written)


def ready_page(utility: Utility, address: Address, make: Callable[[Utility, Address], Part]) -> Part:
    """Return a page, made once where it depends on nothing but the version of the data and what is over of its long work.

    Args:
        utility: the version of the data.
        address: of the page.
        make: makes it.
    """
    if address.page not in KEPT_PAGES:
        return make(utility, address)
    who, asked = reader(), tuple(sorted(address.without_rows().items()))
    seen_by = (who.role, who.rights, who.unit, who.shown_name)
    noted = tuple(str(each) for each in address.notes)
    key = ("page", utility.works_over, address.page, asked, address.language, address.default_language, noted, seen_by)
    return utility.memory.recall(key, lambda: Ready(make(utility, address)))

"""Pages that were made once: kept as they are sent, for whoever may see the same and asks for the same address.

Only pages that depend on nothing but the version of the data are kept, and none that shows customers: each look at those is
written down.
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
from network import FudianError

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
    """Return a page, made once where it depends on nothing that changes while a version of the data is served.

    Args:
        utility: the version of the data.
        address: of the page.
        make: makes it.
    """
    if address.page not in KEPT_PAGES or not _is_settled(utility, address):
        return make(utility, address)
    who, asked = reader(), tuple(sorted(address.without_rows().items()))
    seen_by = (who.role, who.rights, who.unit, who.shown_name)
    noted = tuple(str(each) for each in address.notes)
    key = ("page", address.page, asked, address.language, address.default_language, noted, seen_by)
    return utility.memory.recall(key, lambda: Ready(make(utility, address)))


def _is_settled(utility: Utility, address: Address) -> bool:
    """Return whether nothing that the page shows is still being computed."""
    if address.page != "management":
        return True
    try:
        return utility.n_1(wait_s=0.0).complete
    except FudianError:  # there is no network, and the page says so
        return True

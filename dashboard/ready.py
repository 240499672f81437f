"""Pages that were made once: kept as they are sent, in memory and beside the workspace, for whoever asks for the same address.

Only pages that depend on nothing but the version of the data are kept, until some of its long work ends, and none that shows
customers: each look at those is written down. They are made as for nobody, so that nothing of who asked first can be in them;
who is signed in is put into what is sent.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from plotly.io.json import to_json_plotly

from dashboard.access.reader import NOBODY, READER
from dashboard.parts.address import Address
from dashboard.parts.blocks import Part, signed_in, signed_in_here
from fudian import Utility

KEPT_PAGES = ("operations", "steering", "management")
_ROOMS = ("network", "reliability", "repair", "fudian", "dashboard")


class Ready:
    """A page that is written already.

    Attributes:
        size_bytes: what keeping it takes.
    """

    def __init__(self, written: bytes, language: str) -> None:
        """Hold a page as :func:`written_page` gives it."""
        self._written, self._language = written, language
        self.size_bytes = len(written)

    def to_plotly_json(self) -> Any:
        """Return what is written, to be put into an answer as it is, with who is signed in."""
        place, who = (to_json_plotly(each(self._language)) for each in (signed_in_here, signed_in))
        return orjson.Fragment(self._written.replace(place.encode(), who.encode()))


def ready_page(utility: Utility, address: Address, make: Callable[[Utility, Address], Part]) -> Part:
    """Return a page, made once where it depends on nothing but the version of the data and what is over of its long work.

    Args:
        utility: the version of the data.
        address: of the page.
        make: makes it.
    """
    if address.page not in KEPT_PAGES:
        return make(utility, address)
    key = key_of(address)
    kept = _kept(utility, key)
    if kept is not None:
        return Ready(kept, address.language)
    asked = ("page", utility.works_over, key)
    return utility.memory.recall(asked, lambda: Ready(written_page(utility, address, make), address.language))


def is_kept(utility: Utility, address: Address) -> bool:
    """Return whether a page is kept beside the workspace."""
    return utility.pages is not None and (utility.pages / f"{key_of(address)}.json").is_file()


def written_page(utility: Utility, address: Address, make: Callable[[Utility, Address], Part]) -> bytes:
    """Return a page as Dash writes it, made as for nobody."""
    token = READER.set(NOBODY)
    try:
        with utility.workspace.reading.showing():
            written: str = to_json_plotly(make(utility, address))
        return written.encode()
    finally:
        READER.reset(token)


def key_of(address: Address) -> str:
    """Return a name of what an address asks for."""
    asked = tuple(sorted(address.without_rows().items()))
    noted = tuple(str(note) for note in address.notes)
    told = repr((address.page, asked, address.language, address.default_language, noted, _program()))
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


@cache
def _program() -> str:
    """Return a name of the program as it is installed: a page that another one made is not the same."""
    packages = [Path(sys.modules[room].__file__ or "").parent for room in _ROOMS]
    files = [path for package in packages for path in package.rglob("*") if path.suffix in {".py", ".mo"}]
    told = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return hashlib.blake2b(repr(told).encode(), digest_size=6).hexdigest()


def _kept(utility: Utility, key: str) -> bytes | None:
    """Return a page that is kept beside the workspace."""
    try:
        return None if utility.pages is None else (utility.pages / f"{key}.json").read_bytes()
    except OSError:
        return None

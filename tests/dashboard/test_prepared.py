"""Pages that are made before anybody asks: those that would be made on the spot, for each reader, of one version of the data."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from plotly.io.json import to_json_plotly

from dashboard.access.reader import Reader
from dashboard.access.roles import ROLES
from dashboard.parts.address import Address
from dashboard.prepared import first_asked, keep_pages, wait_for_work
from dashboard.ready import ready_page
from fudian import Utility
from fudian.prepared import opened, prepare_apart
from fudian.utility import open_workspace
from network import FudianError
from tests.dashboard.test_serving import asked_of, without_last_digits
from tests.fudian.test_fresh import FURTHER, OUTAGES, folder

__all__ = ["folder"]

WEI = Reader("v", "viewer", ROLES["viewer"], shown_name="Wei")
MING = Reader("m", "manager", ROLES["manager"], shown_name="Ming")


def never(utility: Utility, address: Address) -> str:
    """Stand for a page that is asked for and not kept."""
    del utility, address
    pytest.fail("it is kept, and need not be made")


def test_a_page_that_is_kept_beside_the_workspace_is_the_page_that_is_made(folder: Path) -> None:
    plain = open_workspace(folder, "en")
    keep_pages(opened(folder, "en"), folder, "en")
    again, count = opened(folder, "en"), 0
    for address in first_asked(again, "en"):
        search = address.search(address.values)
        with suppress(FudianError):  # the page says why
            wait_for_work(plain, address)
        for who in (WEI, MING):
            made = asked_of(address.page, search, who, plain)
            if "cannot be shown" in made or "无法显示" in made:
                continue
            assert without_last_digits(asked_of(address.page, search, who, again)) == without_last_digits(made)
            assert to_json_plotly(ready_page(again, address, never)), "nothing is computed for it"
            assert who.shown_name in made
            count += 1
    assert count > 20


def test_a_page_of_other_data_is_not_taken(folder: Path) -> None:
    keep_pages(opened(folder, "en"), folder, "en")
    (folder / "outages.csv").write_text(OUTAGES + FURTHER)
    address = Address.read("/operations", "", "en")
    assert to_json_plotly(ready_page(opened(folder, "en"), address, lambda *_: "made now")) == '"made now"'


def test_nothing_more_is_made_once_nobody_needs_it(folder: Path) -> None:
    began = time.monotonic()
    assert prepare_apart(folder, "dashboard.prepared", "en", is_over=lambda: time.monotonic() > began + 0.2) is False
    assert time.monotonic() < began + 30
    assert prepare_apart(folder, "dashboard.prepared", "en") is True
    assert list(folder.glob(".fudian/*/pages/*.json"))


WARM = """
import gc
from fudian.ahead import load_compiled
load_compiled()
from numba.core.dispatcher import Dispatcher
own = [each for each in gc.get_objects() if isinstance(each, Dispatcher) and each.__module__.startswith("repair.")]
print(*sorted(each.__name__ for each in own if each.signatures))
"""


def test_what_is_compiled_for_the_desk_is_loaded_before_anybody_looks() -> None:
    """A process of its own: others of this one have looked already."""
    told = subprocess.run([sys.executable, "-c", WARM], capture_output=True, text=True, check=True).stdout.split()
    assert {"judge_trees", "upwards", "downwards", "own_states", "said_at_nodes", "fill_unheard", "merge"} <= {*told}

"""Pages that are made before anybody asks, once for each version of a workspace, and kept beside it.

python -m dashboard.prepared FOLDER LANGUAGE     # makes them, in a process that makes nobody wait
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dashboard.app import PAGES, UNDER_CHECK
from dashboard.parts.address import Address
from dashboard.ready import key_of, written_page
from fudian import Utility
from fudian.prepared import opened, place_of, state_of, version_of
from network import FudianError
from network.tables.aside import file_aside


def first_asked(utility: Utility, language: str) -> Iterator[Address]:
    """Give the addresses whose pages are kept, what readers open first at the beginning, what takes longest last."""
    other = "en" if language == "zh" else "zh"
    spoken = ((language, "?"), (other, f"?lang={other}&"))
    years = [f"year={year}" for year in reversed(utility.years[:-1])]
    choices = ["level=lv", "med=exclude", "area=all", "level=lv&med=exclude"]
    choices += [f"{year}{more}" for year in years for more in ("", "&level=lv", "&med=exclude")]
    choices += [f"plan={plan}" for plan in utility.target_plans[1:]]
    work = ["", *years, "basis=hours", *(f"{year}&basis=hours" for year in years)]
    asked = [(page, said) for _, said in spoken for page in ("operations", "steering")]
    asked += [("operations", f"?{choice}") for choice in choices]
    asked += [("management", f"{said}{choice}") for _, said in spoken for choice in work]
    return (Address.read(f"/{page}", search.strip("&"), language) for page, search in asked)


def keep_pages(utility: Utility, folder: Path, language: str) -> None:
    """Make the pages that readers open first, and keep them beside the workspace, each once its long work is over.

    Args:
        utility: of the present version of the data.
        folder: its workspace.
        language: of addresses that name none.

    Raises:
        OSError: they can be written nowhere.
    """
    home = place_of(folder, version_of(state_of(folder))) / "pages"
    home.mkdir(parents=True, exist_ok=True)
    for address in first_asked(utility, language):
        place = home / f"{key_of(address)}.json"
        if place.is_file():
            continue
        try:
            wait_for_work(utility, address)
            written = written_page(utility, address, PAGES[address.page])
        except FudianError:  # the page says why when it is asked for
            continue
        with file_aside(place) as aside:
            aside.write_bytes(written)


def wait_for_work(utility: Utility, address: Address) -> None:
    """Return when all that a page shows is computed."""
    if address.page in UNDER_CHECK:
        UNDER_CHECK[address.page](utility, address, None)
        return
    year = int(address.values.get("year", utility.years[-1]))
    for wait in (utility.n_1, lambda: utility.avoidable_under_check(year, None)):
        try:
            wait()
        except FudianError:  # the card says why
            continue


def main(folder: str, language: str) -> None:
    """Make and keep the pages of the present version of a workspace, quietly and after everything else."""
    if hasattr(os, "nice"):
        os.nice(10)
    path = Path(folder)
    keep_pages(opened(path, language), path, language)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

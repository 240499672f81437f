"""Results of the N-1 test, kept beside a workspace: they are those of every version of the data that has the same network.

Records, plans and jobs change every day, the network seldom. What is kept is found by all that the test is computed from, so
that a result of another network, other settings or another program is never taken.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import polars as pl

from network import Supply
from network.tables.aside import file_aside
from repair.restoration.n_minus_1 import NMinus1, SectionResult

KEPT_NETWORKS = 2

_NETWORK = ("sources", "nodes", "branches", "feeders", "transformers", "load_profile")
_OF_CUSTOMERS = ("important", "sensitive")
_NOT_OF_THE_TEST = frozenset({"name", "as_of"})
_ROOMS = ("network", "repair")
_COLUMNS = ("feeder_id", "branch_id", "transfer_a", "missing_a", "missing_without_moves_a", "stranded_a", "ties")

_log = logging.getLogger("fudian")


def place_of_sections(folder: Path, supply: Supply) -> Path:
    """Return the file in which the results for a network are kept.

    Args:
        folder: where such files are.
        supply: supply before any fault.
    """
    net = supply.network
    settings = {name: value for name, value in net.workspace.settings.items() if name not in _NOT_OF_THE_TEST}
    digest = hashlib.blake2b(repr((settings, pl.__version__, _program())).encode(), digest_size=16)
    tables = net.workspace.tables
    for frame in (*(tables[name] for name in _NETWORK), tables["customers"].select(_OF_CUSTOMERS)):
        frame.write_ipc(written := BytesIO())
        digest.update(written.getbuffer())
    hanging = (
        net.transformer_node,
        net.transformer_second_node,
        net.customer_transformer,
        net.customer_second_transformer,
    )
    for each in (*hanging, supply.is_open):
        digest.update(each.tobytes())
    return folder / f"{digest.hexdigest()}.arrow"


def kept_sections(place: Path) -> Mapping[str, SectionResult]:
    """Return the results in a file by the branch on which the fault was put; none where it is not there."""
    try:
        rows = pl.read_ipc(place.read_bytes()).select(_COLUMNS)
    except (OSError, pl.exceptions.PolarsError):
        return {}
    return {row[1]: SectionResult(*row) for row in rows.iter_rows()}


def keep_sections(place: Path, result: NMinus1) -> None:
    """Keep the results of all sections that could be tried; where nothing can be written, nothing is kept."""
    tried = [each for each in result.sections if each.reason is None]
    rows = {name: [getattr(each, name) for each in tried] for name in _COLUMNS}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with file_aside(place) as aside:
            pl.DataFrame(rows).write_ipc(aside)
        others = sorted((each for each in place.parent.glob("*.arrow") if each != place), key=_written)
        for each in others[: -(KEPT_NETWORKS - 1)]:
            each.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("The results of the N-1 test are not kept (%s)", error.strerror)


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


def _program() -> tuple[tuple[str, int, int], ...]:
    """Return what is looked at to see whether the program is the same."""
    packages = [Path(sys.modules[room].__file__ or "").parent for room in _ROOMS]
    files = [path for package in packages for path in package.rglob("*.py")]
    return tuple(sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files))

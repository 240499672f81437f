"""What is made once for each version of a workspace and kept beside it, so that figures are there when they are asked for.

It lies in the hidden folder ``.fudian`` of the workspace, or of the user's folder for caches where the workspace
cannot be written to. It holds no name, telephone number or address, and may be deleted at any time.

    python -m fudian.prepared FOLDER     # makes it, in a process whose memory is free again afterwards
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fudian import __version__
from fudian.utility import Utility, open_workspace
from network.tables.aside import folder_aside
from network.tables.folder import form_of

HOME = ".fudian"
OF_NETWORKS = "network"
"""Folder of what depends on the network alone, and is kept whatever version of the data comes next."""

KEPT_VERSIONS = 2
LOOK_EVERY_S = 0.5
"""How often it is looked whether what is made in a process of its own is still needed."""

_FORM = "1"
"""Changes with the form of what is kept."""

_log = logging.getLogger("fudian")

State = tuple[tuple[str, int, int], ...]
"""Name, size and time of writing of each file that a workspace is read from."""


def state_of(folder: Path) -> State:
    """Return what is looked at to see whether a workspace has changed; empty where the folder is gone."""
    try:
        files = [path for path in folder.iterdir() if not path.name.startswith((".", "~$"))]
        files = [path for path in files if path.suffix == ".toml" or form_of(path) is not None]
        pieces = [piece for path in files for piece in (sorted(path.iterdir()) if path.is_dir() else [path])]
        found = [(str(path.relative_to(folder)), *_size_and_time(path)) for path in pieces]
    except OSError:
        return ()
    return tuple(sorted(found))


def _size_and_time(path: Path) -> tuple[int, int]:
    known = path.stat()
    return known.st_size, known.st_mtime_ns


def version_of(state: State) -> str:
    """Return the name of a version of the data: the same for the same files and the same program."""
    told = repr((state, __version__, _FORM)).encode()
    return hashlib.blake2b(told, digest_size=6).hexdigest()


def levels_of(utility: Utility) -> tuple[str, ...]:
    """Return the user levels at which figures of reliability can be asked for."""
    tables = utility.workspace.tables
    if tables["outages"].is_empty():
        return ()
    return ("mv", "lv") if tables["customers"].height else ("mv",)


def prepare(utility: Utility, folder: Path, version: str) -> None:
    """Make what a version lacks, and let figures be taken from it.

    Args:
        utility: of that version.
        folder: its workspace.
        version: see :func:`version_of`.

    Raises:
        OSError: it can be written nowhere.
    """
    home = _home(folder)
    for level in levels_of(utility):
        if kept := _kept(folder, version, level):
            utility.take_sums(level, kept)
            continue
        with folder_aside(home / version / level) as aside:
            utility.sums_of(level).save(aside)
        utility.take_sums(level, home / version / level)
    _forget(home, version)


def prepare_apart(
    folder: Path, module: str = "fudian.prepared", *more: str, is_over: Callable[[], bool] = lambda: False
) -> bool:
    """Make what the present version of a workspace lacks in a process of its own; return whether it ended well.

    Where no process can be started, nothing is made: figures are computed when they are asked for.

    Args:
        folder: the workspace.
        module: what makes it.
        more: what else the module is told.
        is_over: whether it is needed no more; the process is ended then.
    """
    command = [sys.executable, "-m", module, str(folder), *more]
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 (our own module, no shell)
    except OSError as error:
        _log.warning("Figures are not prepared: no process can be started (%s)", error.strerror)
        return False
    with process as making:
        while not is_over():
            try:
                return making.wait(LOOK_EVERY_S) == 0
            except subprocess.TimeoutExpired:
                continue
        making.terminate()
    return False


def opened(folder: Path, language: str | None = None) -> Utility:
    """Return a workspace with what is kept of its present version."""
    version = version_of(state_of(folder))
    utility = open_workspace(folder, language)
    take(utility, folder, version)
    return utility


def place_of(folder: Path, version: str) -> Path:
    """Return the folder in which what is made of a version is kept."""
    return _home(folder) / version


def take(utility: Utility, folder: Path, version: str) -> bool:
    """Let figures and pages be taken from what is kept of a version; return whether all that figures need was there."""
    utility.pages = place_of(folder, version) / "pages"
    utility.sections = _home(folder) / OF_NETWORKS
    there = [(level, _kept(folder, version, level)) for level in levels_of(utility)]
    for level, kept in there:
        if kept is not None:
            utility.take_sums(level, kept)
    return all(kept is not None for _, kept in there)


def _homes(folder: Path) -> tuple[Path, Path]:
    named = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=6).hexdigest()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / HOME, caches / "fudian" / named


def _home(folder: Path) -> Path:
    beside, elsewhere = _homes(folder)
    return beside if os.access(folder, os.W_OK) else elsewhere


def _kept(folder: Path, version: str, level: str) -> Path | None:
    places = (home / version / level for home in _homes(folder))
    return next((place for place in places if (place / "moments.arrow").is_file()), None)


def _forget(home: Path, version: str) -> None:
    """Delete all but the last versions; what a running server still reads stays until it lets go."""
    others = sorted(
        (path for path in home.iterdir() if path.name not in {version, OF_NETWORKS}),
        key=lambda each: -each.stat().st_mtime,
    )
    for other in others[KEPT_VERSIONS - 1 :]:
        shutil.rmtree(other, ignore_errors=True)


def main(folder: str) -> None:
    """Make what the present version of a workspace lacks, quietly and after everything else."""
    if hasattr(os, "nice"):
        os.nice(10)
    path = Path(folder)
    version = version_of(state_of(path))
    prepare(open_workspace(path), path, version)


if __name__ == "__main__":
    main(sys.argv[1])

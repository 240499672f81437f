"""A small disk that can be filled: a file system of its own where one may be mounted, else a limit of SQLite."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

from fudian.store import Store

SIZE_MB = 8
"""More than an empty store takes."""

_BOUNDLESS = 1_000_000


class SmallDisk:
    """A disk.

    Attributes:
        folder: where it is.
        is_mounted: whether it is a file system of its own; else the stores on it are told when to stop.
    """

    def __init__(self, folder: Path, is_mounted: bool) -> None:
        self.folder, self.is_mounted = folder, is_mounted
        self._pages = _BOUNDLESS

    def holds(self, store: Store) -> None:
        """Have a store of SQLite stand on it."""
        if self.is_mounted:
            return

        @event.listens_for(store.engine, "begin")
        def limit(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={self._pages}")

    def fill(self, store: Store) -> None:
        """Fill it to the last byte."""
        if self.is_mounted:
            with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
                while filler.write(bytes(512)):
                    pass
            return
        with store.reading() as connection:
            self._pages = int(connection.execute(text("PRAGMA page_count")).scalar_one())

    def make_room(self) -> None:
        """Let it have room again."""
        (self.folder / "filler").unlink(missing_ok=True)
        self._pages = _BOUNDLESS


@contextmanager
def small_disk(folder: Path, is_mounted: bool = True) -> Iterator[SmallDisk]:
    """Make a small disk, a file system of its own where that is wanted and allowed, and take it away at the end."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    try:
        is_mounted = is_mounted and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        is_mounted = False
    try:
        yield SmallDisk(folder, is_mounted)
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)

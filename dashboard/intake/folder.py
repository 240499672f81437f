"""Reports as files in a folder: each is kept, then moved aside; what cannot be read is moved apart with the reason."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from fudian.desk import RETRY_S, Desk, DeskBusyError, DeskStoreError
from network import FudianError, Problem

LOOKS_EVERY_S = 1.0
SETTLED_S = 1.0
"""A file that was written to so recently is left until it is whole; rename it into the folder to have it read at once."""

ENDINGS = (".csv", ".xlsx", ".json", ".ndjson", ".txt", ".gz")
_log = logging.getLogger("fudian")


class FolderIntake:
    """Reads the files of a folder into a desk, oldest first, until it is closed.

    Args:
        desk: keeps what they hold.
        folder: made if it is not there; ``done`` and ``refused`` stand in it.
    """

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        for each in (folder, folder / "done", folder / "refused"):
            each.mkdir(parents=True, exist_ok=True)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="intake-folder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the file at hand and stop."""
        self._closing.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closing.is_set():
            for path in self._settled():
                if self._closing.is_set():
                    return
                self._read(path)
            self._closing.wait(LOOKS_EVERY_S)

    def _settled(self) -> list[Path]:
        """Return the files that nobody writes to any more, oldest first."""
        found = []
        for path in self.folder.iterdir():
            if path.is_file() and path.suffix.lower() in ENDINGS and not path.name.startswith((".", "~")):
                written = path.stat().st_mtime
                if abs(time.time() - written) >= SETTLED_S:
                    found.append((written, path.name, path))
        return [path for *_, path in sorted(found)]

    def _read(self, path: Path) -> None:
        try:
            receipt = self.desk.accept(path, "folder")
        except (DeskBusyError, DeskStoreError, TimeoutError) as later:
            _log.warning("The file %s waits: %s", path.name, later)
            self._closing.wait(RETRY_S)
            return
        except FudianError as refused:
            self._move(path, "refused", [str(refused)])
            return
        lines = [problem.line("en") for problem in receipt.problems]
        unread = not receipt.accepted and not receipt.repeated and _is_error(receipt.problems)
        self._move(path, "refused" if unread else "done", lines)

    def _move(self, path: Path, name: str, lines: list[str]) -> None:
        target = self.folder / name / path.name
        number = 1
        while target.exists():
            number += 1
            target = self.folder / name / f"{path.stem}-{number}{path.suffix}"
        path.rename(target)
        if lines:
            target.with_name(f"{target.name}.problems.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _is_error(problems: tuple[Problem, ...]) -> bool:
    return any(problem.severity == "error" for problem in problems)

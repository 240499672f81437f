"""Writing aside: what is written takes its place when all of it stands, so that a full disk leaves nothing half done."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_aside(to: Path) -> Iterator[Path]:
    """Give an empty folder; when the block ends well, its files take their places in ``to``, whose other files stay.

    Args:
        to: the folder to write; made where it is missing.

    Raises:
        OSError: something cannot be written; ``to`` is as it was before.
    """
    to = Path(os.path.abspath(to))  # noqa: PTH100 (resolve would follow a link, and write beside what it names)
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to if to.is_dir() else to.parent))
    try:
        yield aside
        if not to.exists():
            aside.chmod(0o777 & ~_umask())
            aside.rename(to)
            return
        for path in sorted(each for each in aside.rglob("*") if each.is_file()):
            place = to / path.relative_to(aside)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def file_aside(to: Path) -> Iterator[Path]:
    """Give a path beside ``to`` with the same ending; when the block ends well, the file there takes the place of ``to``.

    Raises:
        OSError: it cannot be written; ``to`` is as it was before.
    """
    if to.exists() and not to.is_file():  # a device or a pipe has no place to take
        yield to
        return
    handle, name = tempfile.mkstemp(prefix=f".{to.stem}-", suffix=to.suffix, dir=to.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(to.stat().st_mode & 0o777 if to.exists() else 0o666 & ~_umask())
        aside.replace(to)
    finally:
        aside.unlink(missing_ok=True)


def _umask() -> int:
    """Return which rights a new file does not get; the system tells them only when they are set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

"""A copy of a store put back in its place, with a line in the ledger that says so."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from fudian.ledger import DeskEvent, Ledger
from fudian.store import store_of
from fudian.store.copies import put_back


def restore_backup(copy: Path, url: str, who: str) -> Path:
    """Put a copy in the place of a store while no desk runs on it; who did it is kept in the store as it is then.

    Args:
        copy: a file that :func:`fudian.store.copies.copy_of` wrote.
        url: of the store.
        who: the person.

    Returns:
        Where what was there is kept.

    Raises:
        FudianError: the copy is no store of a known form, a desk runs on the store, or the store is no file of SQLite.
    """
    kept = put_back(copy, url)
    store = store_of(url)
    try:
        said = {"action": "restore_backup", "copy": copy.name, "kept": kept.name}
        Ledger(store).keep([DeskEvent(f"restored-{uuid4()}", "decision", who, said)])
    finally:
        store.close()
    return kept

"""Copies of a store: taken while it runs, put back while it does not."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from fudian.store.database import Store, store_of
from network import FudianError, text
from network.tables.aside import file_aside


def copy_of(store: Store, to: Path) -> None:
    """Copy a store as of one moment, while it is read and written.

    Raises:
        FudianError: there is a file already, it cannot be written, or the store is no file of SQLite.
    """
    if to.exists():
        raise FudianError(text("There is a file {path} already.", path=to), text("Name another one."))
    try:
        with file_aside(to) as aside:
            _copy(_file_of(store), aside)
    except (OSError, sqlite3.Error) as error:
        raise FudianError(
            text("The copy {path} cannot be written: {reason}.", path=to, reason=error), text("Name another place.")
        ) from error


def put_back(copy: Path, url: str) -> Path:
    """Put a copy in the place of a store, and return where what was there is kept.

    Raises:
        FudianError: the copy is no store of a known form, a desk runs on the store, or the store is no file of SQLite.
    """
    if not copy.exists():
        raise FudianError(text("There is no {path}.", path=copy), text("Check the spelling of the path."))
    store_of(copy).close()  # is it a store, and of a form that is known
    store = store_of(url)
    path = _file_of(store)
    held = store.hold("desk")
    try:
        kept = path.with_name(f"{path.name}.{datetime.now():%Y%m%dT%H%M%S%f}")
        copy_of(store, kept)
        _copy(copy, path)
    finally:
        held.close()
        store.close()
    return kept


def _copy(source: Path, target: Path) -> None:
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.backup(writing)
    finally:
        reading.close()
        writing.close()


def _file_of(store: Store) -> Path:
    place = store.engine.url
    if place.get_backend_name() != "sqlite" or not place.database or place.database == ":memory:":
        raise FudianError(
            text("Only a store in a file of SQLite is copied here."),
            text("PostgreSQL is copied with pg_dump, and put back with pg_restore."),
        )
    return Path(place.database)

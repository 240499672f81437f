"""Bring a store to the present form of its tables."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from network import FudianError, text

MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = 8_042_022
"""Key of the lock that servers on one PostgreSQL take while they migrate."""


def configuration(connection: Connection) -> Config:
    """Return what alembic needs to work through a connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Migrate within the transaction of a connection: all of it or nothing.

    Raises:
        FudianError: the store was written by a newer Fudian.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    config = configuration(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present - known:
        raise FudianError(
            text("The store was written by a newer Fudian."),
            text("Start that version, or name another store with --store."),
        )
    command.upgrade(config, "head")

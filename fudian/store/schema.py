"""All tables of the store: each module that declares some is named here."""

from __future__ import annotations

from fudian.store import access_tables, desk_tables, message_tables, photograph_tables
from fudian.store.tables import METADATA

TABLE_MODULES = (access_tables, desk_tables, message_tables, photograph_tables)
"""The modules that declare tables."""

__all__ = ["METADATA", "TABLE_MODULES"]

"""The store: what is kept from one start to the next and is no table of the workspace.

Accounts, sessions, tokens and the record of looks at customer lists stand in it. A new table takes two steps:

1. declare it in a module of this room on :data:`fudian.store.tables.METADATA`, and name the module in
   :mod:`fudian.store.schema`;
2. ``python -m fudian.store.revise "what it is for"`` writes the migration from the difference; read it, then commit both.

Every store is brought to the present form when it is opened. A test compares what the migrations make with what is declared,
on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from fudian.store.database import Store, store_of, url_beside

__all__ = ["Store", "store_of", "url_beside"]

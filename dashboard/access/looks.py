"""The record of looks: who saw or took along which list of customers, when, masked or not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from dashboard.access.reader import Look, Reader
from fudian.store import Store
from fudian.store.access_tables import LOOKS
from fudian.store.tables import utc_now

LONGEST_WHICH = 500


class Looks:
    """The record of looks in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, who: Reader, look: Look) -> None:
        """Write down that somebody is given a list."""
        row = {
            "at": utc_now(),
            "who": who.who,
            "role": who.role,
            "peer": who.peer[:100],
            "list": look.listed[:100],
            "which": look.which[:LONGEST_WHICH],
            "form": look.form,
            "is_masked": who.is_masked,
            "customers": look.customers,
        }
        with self._store.writing() as connection:
            connection.execute(insert(LOOKS).values(row))

    def since(self, at: datetime | None = None, who: str | None = None, most: int = 1000) -> list[dict[str, Any]]:
        """Return the looks since a moment, the latest first.

        Args:
            at: the moment; by default all.
            who: only those of one account or token.
            most: how many at most.
        """
        asked = select(LOOKS).order_by(LOOKS.c.look_id.desc()).limit(most)
        if at is not None:
            asked = asked.where(LOOKS.c.at >= at)
        if who is not None:
            asked = asked.where(LOOKS.c.who == who.strip().casefold())
        with self._store.reading() as connection:
            return [dict(row) for row in connection.execute(asked).mappings()]

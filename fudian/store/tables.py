"""What all tables of the store share: one register, names of constraints, moments in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData
from sqlalchemy.types import TypeDecorator

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the store; constraints have names, so that a migration can speak of them."""


class UtcMoment(TypeDecorator[datetime]):
    """A moment with its zone, kept in UTC and given in UTC, alike in every database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        """Turn a moment into UTC; one without a zone is refused, since nobody could tell what it means."""
        del dialect
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            msg = f"the store takes moments with a zone, not {value!r}"
            raise TypeError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the moment with its zone."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)

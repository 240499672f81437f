"""Run migrations through the connection that the store gives, within its transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from fudian.store.schema import METADATA


def _told(kind: str, value: Any, context_: Any) -> str | Literal[False]:
    """Write a moment of the store as the type that declares it."""
    del kind
    if type(value).__name__ != "UtcMoment":
        return False
    context_.imports.add("from fudian.store.tables import UtcMoment")
    return "UtcMoment()"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_item=_told,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()

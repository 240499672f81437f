"""What the incident desk was told and did: one line per event, in the order in which it came, never changed afterwards."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from fudian.store.tables import METADATA, UtcMoment

DESK_EVENTS = Table(
    "desk_events",
    METADATA,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("event_id", String(200), nullable=False, unique=True),  # the sender's own; told twice, it counts once
    Column("kind", String(20), nullable=False),  # signal, operation, decision, order
    Column("incident", String(200)),  # whose sheet it belongs to; NULL: of none
    Column("who", String(200), nullable=False),
    Column("received_at", UtcMoment, nullable=False),
    Column("details", Text, nullable=False),  # JSON
    Column("before", Text),  # JSON: what it replaced
    Index(None, "incident"),
    sqlite_autoincrement=True,
)

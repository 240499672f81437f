"""Photographs that crews took at the place of an incident."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, String, Table

from fudian.store.tables import METADATA, UtcMoment

PHOTOGRAPHS = Table(
    "photographs",
    METADATA,
    Column("photo_id", String(64), primary_key=True),
    Column("event", BigInteger, ForeignKey("desk_events.number"), nullable=False),
    Column("incident", String(200), nullable=False),
    Column("received_at", UtcMoment, nullable=False),
    Column("image", LargeBinary, nullable=False),  # JPEG
)

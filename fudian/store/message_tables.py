"""What customers are told: one line per message and addressee, without names and telephone numbers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from fudian.store.tables import METADATA, UtcMoment

MESSAGES = Table(
    "messages",
    METADATA,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("key", String(64), nullable=False, unique=True),  # the gateway takes it as that of one message
    Column("event", BigInteger, ForeignKey("desk_events.number"), nullable=False),  # what it was told because of
    Column("subject", String(210), nullable=False),  # id of the incident, or plan: and that of the plan
    Column("kind", String(20), nullable=False),  # fault, progress, restored, planned, temporary, change
    Column("to_kind", String(20), nullable=False),  # customer, transformer
    Column("to_id", String(200), nullable=False),
    Column("area", String(200), nullable=False),
    Column("is_important", Boolean, nullable=False),
    Column("facts", Text, nullable=False),  # JSON: what the text is made of
    Column("state", String(20), nullable=False),  # waiting, sent, failed, withdrawn
    Column("queued_at", UtcMoment, nullable=False),
    Column("due_at", UtcMoment, nullable=False),  # not tried before
    Column("attempts", Integer, nullable=False),
    Column("sent_at", UtcMoment),
    Column("error", Text),  # of the last try
    Index(None, "subject", "to_id"),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,
)

"""What the desk was told and did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fudian.store.tables import UtcMoment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "desk_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("incident", sa.String(length=200), nullable=True),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("received_at", UtcMoment(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_desk_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_desk_events_event_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("desk_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desk_events_incident"), ["incident"], unique=False)


def downgrade() -> None:
    """Go back to the step before."""
    with op.batch_alter_table("desk_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_desk_events_incident"))

    op.drop_table("desk_events")

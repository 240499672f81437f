"""Photographs from the place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fudian.store.tables import UtcMoment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "photographs",
        sa.Column("photo_id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("incident", sa.String(length=200), nullable=False),
        sa.Column("received_at", UtcMoment(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["desk_events.number"], name=op.f("fk_photographs_event_desk_events")),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_photographs")),
    )


def downgrade() -> None:
    """Go back to the step before."""
    op.drop_table("photographs")

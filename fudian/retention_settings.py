"""The settings of retention: for how long the desk keeps what it was told."""

from __future__ import annotations

from pydantic import Field, field_validator

from network.tables.settings import Settings

LEAST_DAYS = 30
"""What the desk itself remembers is neither erased nor folded."""


class RetentionSettings(Settings):
    """For how long the desk keeps what it was told."""

    subject = "retention"

    personal_days: int = Field(
        0,
        ge=0,
        description="days after which customers are taken out of reports and messages, unless their incident goes on; "
        "0: kept until erased on request",
    )
    signals_days: int = Field(
        0,
        ge=0,
        description="days after which reports are folded into their number by day, object and kind, unless their incident goes "
        "on; 0: kept for good",
    )

    @field_validator("personal_days", "signals_days")
    @classmethod
    def _is_long_enough(cls, days: int) -> int:
        if 0 < days < LEAST_DAYS:
            msg = f"the desk itself remembers {LEAST_DAYS} days: write {LEAST_DAYS} or more, or 0"
            raise ValueError(msg)
        return days

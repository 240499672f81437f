"""How a utility writes times and durations, where no file says so of itself: the table ``[reading]`` of ``fudian.toml``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator

from network.tables.settings import Settings

LOCAL_ZONE = "Asia/Shanghai"


class ReadingSettings(Settings):
    """How a utility writes times and durations, where no file says so of itself."""

    subject = "reading"

    time_zone: str = Field(
        LOCAL_ZONE,
        description="zone in which times without one are written. A zone with summer time is kept in its standard time all "
        "year, so that hours add up when the clocks change",
    )
    date_order: Literal["ymd", "dmy", "mdy"] = Field(
        "ymd", description="what a date such as 3/7/2022 begins with: the day (dmy) or the month (mdy); ymd refuses it"
    )
    duration_unit: Literal["h", "min"] | None = Field(
        None, description="unit of durations that carry none: hours or minutes; without it they are refused"
    )
    epoch: Literal["s", "ms"] | None = Field(
        None, description="bare numbers in columns of times are seconds or milliseconds since 1970 (UTC)"
    )
    still_off: tuple[str, ...] = Field(
        (), description="signs in the end of an outage by which it still lasts, such as /; a blank cell always says so"
    )
    dates_without_time: Literal["leave_out", "midnight"] = Field(
        "leave_out",
        description="rows of a column whose dates have no time of day: left out, or taken as 0:00",
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            msg = f"{name} is not a time zone such as Asia/Shanghai"
            raise ValueError(msg)
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    def now(self) -> datetime:
        """Return the present moment as a time of the workspace."""
        return self.local(datetime.now(self.zone))

    def local(self, moment: datetime) -> datetime:
        """Return a moment with a zone as a time of the workspace: without zone, in standard time all year."""
        here = moment.astimezone(self.zone)
        return (here - (here.dst() or timedelta())).replace(tzinfo=None)


USUAL = ReadingSettings()
"""What holds where ``fudian.toml`` says nothing."""

"""How a utility writes times and durations, where no file says so of itself: the table ``[reading]`` of ``fudian.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
from pydantic import Field, field_validator

from network.problems import FudianError
from network.tables.settings import Settings
from network.texts import showing, text

LOCAL_ZONE = "Asia/Shanghai"

_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?")
_AS_IN_THE_FILE = frozenset({"value", "message", "hint"})
"""What a problem holds of a file, or says."""


class WallTime(str):
    """A time as the clock on the wall shows it, in ISO 8601; what the clock shows twice carries its offset from UTC."""

    __slots__ = ()


class ReadingSettings(Settings):
    """How a utility writes times and durations, where no file says so of itself."""

    subject = "reading"

    time_zone: str = Field(
        LOCAL_ZONE,
        description="zone in which times without one are written. A zone with summer time is kept in its time of 1 January all "
        "year, so that hours add up when the clocks change; what is asked for is by the clock on the wall",
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
        if name not in _known_zones():
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

    @property
    def january(self) -> timedelta:
        """By how much the clock is ahead of standard time on 1 January, and a time of the workspace all year."""
        return _january(self.time_zone)

    @property
    def has_summer_time(self) -> bool:
        """Whether the clocks of the zone change."""
        return _has_summer_time(self.time_zone)

    def local(self, moment: datetime) -> datetime:
        """Return a moment with a zone as a time of the workspace: without zone, in the time of 1 January all year."""
        here = moment.astimezone(self.zone)
        return (here - (here.dst() or timedelta()) + self.january).replace(tzinfo=None)

    def read(self, given: datetime) -> datetime:
        """Return what somebody typed as a time of the workspace: what carries no zone is by the clock on the wall.

        Raises:
            FudianError: the clock on the wall shows it twice, or never.
        """
        return self.from_wall(given) if given.tzinfo is None else self.local(given)

    def from_wall(self, shown: datetime) -> datetime:
        """Return what the clock on the wall shows as a time of the workspace.

        Raises:
            FudianError: the clock shows it twice, or never; a day begins where the clock is put on.
        """
        first, second = self.both(shown)
        if first != second:
            raise FudianError(
                text("The clock shows {time} twice, when summer time ends.", time=str(shown)),
                text("Write it with its offset from UTC, such as 2022-10-30 02:30+02:00."),
            )
        return first

    def both(self, shown: datetime) -> tuple[datetime, datetime]:
        """Return the two times of the workspace at which the clock on the wall shows something; mostly they are the same.

        Raises:
            FudianError: the clock never shows it; a day begins where the clock is put on.
        """
        if not self.has_summer_time:
            return shown, shown
        first, second = (self.local(shown.replace(tzinfo=self.zone, fold=fold)) for fold in (0, 1))
        if first != second and self.wall(max(first, second)) == shown == self.wall(min(first, second)):
            return min(first, second), max(first, second)
        if self.wall(first) != shown and shown.hour:
            raise FudianError(
                text("The clock never shows {time}, since summer time begins.", time=str(shown)),
                text("Correct the time, or write it with its offset from UTC."),
            )
        return first, first

    def wall(self, moment: datetime) -> datetime:
        """Return a time of the workspace as the clock on the wall shows it."""
        if not self.has_summer_time:
            return moment
        there = moment.replace(tzinfo=self.zone)
        standard = (there.utcoffset() or timedelta()) - (there.dst() or timedelta())
        return (moment - self.january - standard).replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)

    def walls(self, moments: pl.Expr) -> pl.Expr:
        """Return times of the workspace as the clock on the wall shows them, as an expression of Polars."""
        return walls(moments, self.time_zone)

    def all_written(self, moments: pl.Expr, form: str) -> pl.Expr:
        """Return times as :meth:`written` does, as an expression of Polars.

        Args:
            moments: times of the workspace.
            form: of ``strftime``, with hours.
        """
        if not self.has_summer_time:
            return moments.dt.strftime(form)
        there = instants(moments, self.time_zone)
        wall = there.dt.replace_time_zone(None)
        first, second = (
            wall.dt.replace_time_zone(self.time_zone, ambiguous=each, non_existent="null")
            for each in ("earliest", "latest")
        )
        offset = pl.when(first != second).then(there.dt.strftime("%:z")).otherwise(pl.lit(""))
        return wall.dt.strftime(form) + offset

    def shown(self, moment: datetime) -> WallTime:
        """Return a time of the workspace as the clock on the wall shows it; so written, it can be asked for again."""
        return WallTime(self._on_the_clock(moment).isoformat())

    def written(self, moment: datetime, form: str = "") -> str:
        """Return a time of the workspace as people read it: by the clock on the wall, with its offset in the hour shown twice.

        Args:
            moment: without zone; one that carries a zone is shown in that.
            form: of ``strftime``; blank writes it whole.
        """
        wall = moment if moment.tzinfo else self._on_the_clock(moment)
        shows_clock = not form or "%H" in form
        offset = f"{wall:%z}"
        return format(wall.replace(tzinfo=None), form) + (
            f"{offset[:3]}:{offset[3:5]}" if offset and shows_clock else ""
        )

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Have sentences and pages that are written within show times of the workspace by the clock on the wall."""
        token = showing.set(self.written)
        try:
            yield
        finally:
            showing.reset(token)

    def _on_the_clock(self, moment: datetime) -> datetime:
        """Return a time of the workspace by the clock on the wall; what the clock shows twice has its zone."""
        wall = self.wall(moment)
        if not self.has_summer_time:
            return wall
        first, second = (wall.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        twice = first.utcoffset() != second.utcoffset() and self.local(first) != self.local(second)
        if not twice or self.wall(self.local(first)) != wall:  # what the clock never shows is no time of the workspace
            return wall
        return first if self.local(first) == moment else second

    def on_the_wall(self, form: Any) -> Any:
        """Return an answer in the form of commands and routes with its times by the clock on the wall.

        Args:
            form: mappings, lists and values; a time is a datetime or its text in ISO 8601, as the tables hold it. What is by
                the clock on the wall already stays, and so does what a problem cites from a file.
        """
        if not self.has_summer_time:
            return form
        if isinstance(form, datetime):
            return form if form.tzinfo else self.shown(form)
        if isinstance(form, str):
            if isinstance(form, WallTime) or not _WRITTEN.fullmatch(form):
                return form
            wall = self.shown(datetime.fromisoformat(form))
            return WallTime(wall.replace("T", form[10], 1))
        if isinstance(form, Mapping):
            cites = "hint" in form
            return {
                name: each if cites and name in _AS_IN_THE_FILE else self.on_the_wall(each)
                for name, each in form.items()
            }
        return [self.on_the_wall(each) for each in form] if isinstance(form, list | tuple) else form


def walls(moments: pl.Expr, zone: str) -> pl.Expr:
    """Return times of a workspace as the clock on the wall shows them, as an expression of Polars.

    Args:
        moments: without zone.
        zone: of the workspace.
    """
    return instants(moments, zone).dt.replace_time_zone(None) if _has_summer_time(zone) else moments


def instants(moments: pl.Expr, zone: str) -> pl.Expr:
    """Return times of a workspace with their zone, as an expression of Polars; what was read from such is the same again.

    Args:
        moments: without zone.
        zone: of the workspace.
    """
    noon = moments.dt.truncate("1d") + timedelta(hours=12)  # which every day has once
    there = noon.dt.replace_time_zone(zone)
    utc = moments - pl.lit(_january(zone)) - there.dt.base_utc_offset().cast(pl.Duration("us"))
    return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


@lru_cache(maxsize=1)
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=64)
def reading_in(zone: str) -> ReadingSettings:
    """Return how times of a zone are written where nothing else is said."""
    return ReadingSettings(time_zone=zone)


@lru_cache(maxsize=64)
def _january(zone: str) -> timedelta:
    return datetime(2022, 1, 1, tzinfo=ZoneInfo(zone)).dst() or timedelta()


@lru_cache(maxsize=64)
def _has_summer_time(zone: str) -> bool:
    if zone == LOCAL_ZONE:
        return False
    offsets = {
        datetime(year, month, 15, tzinfo=ZoneInfo(zone)).dst() for year in range(1990, 2031) for month in (1, 4, 7, 10)
    }
    return len(offsets) > 1


USUAL = ReadingSettings()
"""What holds where ``fudian.toml`` says nothing."""

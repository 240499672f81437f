"""The statistical period: from a moment to a moment, in local time, with its hours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from network import FudianError, text
from network.tables.conventions import LOCAL_ZONE, ReadingSettings, reading_in, walls
from network.tables.times import typed_time

MICROSECONDS_PER_HOUR = 3_600_000_000
FIRST_YEAR, LAST_YEAR = 1900, 2200


@dataclass(frozen=True)
class Period:
    """A statistical period; ``end`` is exclusive.

    Attributes:
        start: its first moment, as a time of the workspace.
        end: the moment at which it is over.
        zone: whose clock on the wall says where months and days begin.

    Raises:
        FudianError: the end is not after the start.
    """

    start: datetime
    end: datetime
    zone: str = field(default=LOCAL_ZONE, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.start.year < FIRST_YEAR or self.end.year > LAST_YEAR:
            raise FudianError(
                text(
                    "The period {start} to {end} is out of range.",
                    start=self._written(self.start),
                    end=self._written(self.end),
                ),
                text("Use years from {first} to {last}.", first=FIRST_YEAR, last=LAST_YEAR),
            )
        if self.end <= self.start:
            raise FudianError(
                text(
                    "The period ends at {end}, which is not after its start {start}.",
                    end=self._written(self.end),
                    start=self._written(self.start),
                ),
                text("The end is exclusive: a whole year 2022 is 2022-01-01 to 2023-01-01."),
            )

    @classmethod
    def year(cls, year: int) -> Period:
        """Return the calendar year: 8,760 h, or 8,784 h in a leap year."""
        return cls(datetime(year, 1, 1), datetime(year + 1, 1, 1))

    @classmethod
    def parse(cls, words: str) -> Period:
        """Return the period that words name: ``2022``, ``2022-06``, ``2022Q3``, ``2022H1``, or ``2022-01-01..2022-07-01``.

        Raises:
            FudianError: the words name no period.
        """
        try:
            if ".." in words:
                start, _, end = words.partition("..")
                return cls(typed_time(start), typed_time(end))
            if quarter := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", words.strip()):
                first = datetime(int(quarter[1]), 3 * int(quarter[2]) - 2, 1)
                return cls(first, _months_later(first, 3))
            if half := re.fullmatch(r"(\d{4})-?[Hh]([12])", words.strip()):
                first = datetime(int(half[1]), 6 * int(half[2]) - 5, 1)
                return cls(first, _months_later(first, 6))
            if month := re.fullmatch(r"(\d{4})[-/.年](\d{1,2})月?", words.strip()):
                first = datetime(int(month[1]), int(month[2]), 1)
                return cls(first, _months_later(first, 1))
            if re.fullmatch(r"\d{4}年?", words.strip()):
                return cls.year(int(words.strip().rstrip("年")))
            first = typed_time(words)
            if first.timetz() != time.min:
                raise ValueError(words)
            return cls(first, first + timedelta(days=1))
        except (ValueError, OverflowError):
            raise FudianError(
                text("{value!r} is no period.", value=words),
                text("Write it as 2022, 2022-06, 2022Q3, 2022H1 or 2022-01-01..2022-07-01."),
            ) from None

    def on_the_wall(self, reading: ReadingSettings) -> Period:
        """Return the period whose bounds, as they stand here, are what the clock on the wall shows."""
        if not reading.has_summer_time:
            return self
        return Period(reading.from_wall(self.start), reading.from_wall(self.end), reading.time_zone)

    @property
    def first_day(self) -> date:
        """The day in which the period begins, by the clock on the wall."""
        return self._reading.wall(self.start).date()

    def _written(self, moment: datetime) -> str:
        return self._reading.written(moment)

    @property
    def _reading(self) -> ReadingSettings:
        return reading_in(self.zone)

    @property
    def hours(self) -> float:
        """Length in hours (统计期间小时)."""
        return (self.end - self.start) / timedelta(hours=1)

    def as_dict(self) -> dict[str, Any]:
        """Return the form of commands and routes: ``start``, ``end``, ``hours``."""
        reading = self._reading
        return {"start": reading.shown(self.start), "end": reading.shown(self.end), "hours": self.hours}

    def months(self) -> list[tuple[str, Period]]:
        """Return the calendar months of the period with their labels ``YYYY-MM``, cut at its ends."""
        parts, reading = [], self._reading
        first = reading.wall(self.start).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        since = reading.from_wall(first)
        while since < self.end:
            following = (first + timedelta(days=32)).replace(day=1)
            until = reading.from_wall(following)
            parts.append((f"{first:%Y-%m}", replace(self, start=max(since, self.start), end=min(until, self.end))))
            first, since = following, until
        return parts

    def frame(self, by_month: bool = False) -> pl.DataFrame:
        """Return the bounds as a table: ``month`` (null for the whole), ``bound_start``, ``bound_end`` (µs), ``hours``."""
        parts = self.months() if by_month else [(None, self)]
        return pl.DataFrame(
            {
                "month": pl.Series([label for label, _ in parts], dtype=pl.String),
                "bound_start": [microseconds(part.start) for _, part in parts],
                "bound_end": [microseconds(part.end) for _, part in parts],
                "hours": [part.hours for _, part in parts],
            }
        )


def _months_later(first: datetime, months: int) -> datetime:
    count = first.year * 12 + first.month - 1 + months
    return datetime(count // 12, count % 12 + 1, 1)


def day_of(moments: pl.Expr, zone: str = LOCAL_ZONE) -> pl.Expr:
    """Return the day of each time of a workspace by the clock on the wall."""
    return walls(moments, zone).dt.date()


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 of a local time without zone."""
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)

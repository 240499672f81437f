"""The statistical period: from a moment to a moment, in local time, with its hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from network import FudianError, text

MICROSECONDS_PER_HOUR = 3_600_000_000
FIRST_YEAR, LAST_YEAR = 1900, 2200


@dataclass(frozen=True)
class Period:
    """A statistical period; ``end`` is exclusive.

    Raises:
        FudianError: the end is not after the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.year < FIRST_YEAR or self.end.year > LAST_YEAR:
            raise FudianError(
                text("The period {start} to {end} is out of range.", start=self.start, end=self.end),
                text("Use years from {first} to {last}.", first=FIRST_YEAR, last=LAST_YEAR),
            )
        if self.end <= self.start:
            raise FudianError(
                text("The period ends at {end}, which is not after its start {start}.", end=self.end, start=self.start),
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
                return cls(datetime.fromisoformat(start.strip()), datetime.fromisoformat(end.strip()))
            if quarter := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", words.strip()):
                first = datetime(int(quarter[1]), 3 * int(quarter[2]) - 2, 1)
                return cls(first, _months_later(first, 3))
            if half := re.fullmatch(r"(\d{4})-?[Hh]([12])", words.strip()):
                first = datetime(int(half[1]), 6 * int(half[2]) - 5, 1)
                return cls(first, _months_later(first, 6))
            if month := re.fullmatch(r"(\d{4})-(\d{1,2})", words.strip()):
                first = datetime(int(month[1]), int(month[2]), 1)
                return cls(first, _months_later(first, 1))
            if day := re.fullmatch(r"\d{4}-\d{2}-\d{2}", words.strip()):
                first = datetime.fromisoformat(day[0])
                return cls(first, first + timedelta(days=1))
            return cls.year(int(words))
        except (ValueError, OverflowError):
            raise FudianError(
                text("{value!r} is no period.", value=words),
                text("Write it as 2022, 2022-06, 2022Q3, 2022H1 or 2022-01-01..2022-07-01."),
            ) from None

    @property
    def hours(self) -> float:
        """Length in hours (统计期间小时)."""
        return (self.end - self.start) / timedelta(hours=1)

    def as_dict(self) -> dict[str, Any]:
        """Return the form of commands and routes: ``start``, ``end``, ``hours``."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat(), "hours": self.hours}

    def months(self) -> list[tuple[str, Period]]:
        """Return the calendar months of the period with their labels ``YYYY-MM``, cut at its ends."""
        parts = []
        first = self.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        while first < self.end:
            following = (first + timedelta(days=32)).replace(day=1)
            parts.append((f"{first:%Y-%m}", Period(max(first, self.start), min(following, self.end))))
            first = following
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


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 of a local time without zone."""
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)

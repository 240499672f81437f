"""Major event days 重大事件日: the 2.5 beta method (IEEE 1366-2012 annex B; field reference 1.6)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from network import Text, text
from reliability.engines import small
from reliability.ledger_table import microseconds_of, without_days
from reliability.period import FIRST_YEAR, LAST_YEAR, Period, microseconds
from reliability.settings import ReliabilitySettings


@dataclass(frozen=True)
class Threshold:
    """T_MED = exp(alpha + 2.5 beta), from the logarithms of the daily SAIDI of days with interruptions."""

    alpha: float
    beta: float
    saidi_h: float


@dataclass(frozen=True)
class MajorEventDays:
    """The major event days of a period, and how they were found.

    Attributes:
        days: the days, in order.
        basis: ``approved`` (the utility's list), ``calculated``, or ``not_computable``.
        threshold: daily SAIDI above which a day is one, of the last year that was judged; ``None`` unless calculated.
        reason: why there is no threshold, where there is none.
        by_unit: the days of each unit, where the approved lists are by unit.
    """

    days: tuple[date, ...]
    basis: str
    threshold: Threshold | None = None
    reason: Text | None = None
    by_unit: Mapping[str, tuple[date, ...]] = field(default_factory=dict, hash=False)

    def without(self, interruptions: Any) -> Any:
        """Return interruptions without those of records that began on one of the days (of their unit)."""
        if not self.by_unit:
            return without_days(interruptions, self.days)
        for unit, days in self.by_unit.items():
            interruptions = without_days(interruptions, days, unit)
        return interruptions

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the days and their basis for the basis of a figure."""
        return {
            "days": [day.isoformat() for day in self.days],
            "by_unit": {unit: [day.isoformat() for day in days] for unit, days in self.by_unit.items()},
            "basis": self.basis,
            "threshold_h": self.threshold.saidi_h if self.threshold else None,
            "reason": self.reason.in_language(language) if self.reason else None,
        }


def threshold(daily_saidi: Sequence[float], ddof: int = 1, zero_days: str = "drop") -> Threshold:
    """Return the threshold of a history of daily SAIDI in any unit.

    Args:
        daily_saidi: SAIDI per day; days without interruptions as zeros, where they are to be seen at all.
        ddof: delta degrees of freedom of the standard deviation.
        zero_days: ``drop`` leaves days of zero out, as IEEE 1366 has it since its edition of 2003; ``lowest`` gives them the
            lowest SAIDI above zero, as its draft of 2001 had it.

    Raises:
        ValueError: fewer than two days have interruptions.
    """
    values = np.array(daily_saidi, dtype=np.float64)
    above = values[values > 0]
    if len(above) < 2:
        msg = "The threshold needs at least two days with interruptions."
        raise ValueError(msg)
    zeros = np.full((values == 0).sum() if zero_days == "lowest" else 0, above.min())
    logarithms = np.log(np.concatenate([above, zeros]))
    alpha, beta = float(logarithms.mean()), float(logarithms.std(ddof=ddof))
    return Threshold(alpha, beta, math.exp(alpha + 2.5 * beta))


def known_span(interruptions: pl.DataFrame, known_until: datetime) -> Period:
    """Return the period from the first interruption until when the data is known, whose ledger gives :func:`saidi_of_days`.

    Args:
        interruptions: the table of :func:`reliability.interruptions` at medium voltage.
        known_until: nothing later is known.
    """
    first: Any = interruptions["start"].min()
    end = min(known_until, datetime(LAST_YEAR, 1, 1))
    start = max(first or end, datetime(FIRST_YEAR, 1, 1))
    return Period(start, end) if start < end else Period(end - timedelta(days=1), end)


def saidi_of_days(rows: pl.DataFrame, population: pl.DataFrame) -> pl.DataFrame:
    """Return ``day`` and ``saidi_h`` (SAIDI-1) of all days with interruptions; each is assigned whole to the day it began.

    Whole means that its hours are not cut at the end of any period, so that a day is judged alike whatever is asked (R1.17).

    Args:
        rows: the ledger of all that is known, of all users at medium voltage.
        population: all users of the utility.
    """
    per_day = (
        rows.filter("counted")
        .group_by(day=pl.from_epoch("group_start", time_unit="us").dt.date())
        .agg(ch=(pl.col("users") * pl.col("h")).sum())
        .sort("day")
    )
    return per_day.select("day", saidi_h=pl.col("ch") / users_on(population, per_day["day"]))


def major_event_days(daily: pl.DataFrame, period: Period, settings: ReliabilitySettings) -> MajorEventDays:
    """Return the major event days of a period: the approved list, or each year judged by the years before it.

    Args:
        daily: of :func:`saidi_of_days`.
        period: the days asked for.
        settings: the approved list, of the utility or of its units; history, minimum, degrees of freedom.
    """
    approved = settings.major_event_days
    if approved is None:
        return judged_days(daily, period, settings)

    def inside(days: Sequence[date]) -> tuple[date, ...]:
        return tuple(sorted({day for day in days if _touches(period, day)}))

    if isinstance(approved, Mapping):
        by_unit = {unit: inside(days) for unit, days in approved.items()}
        return MajorEventDays(inside([day for days in by_unit.values() for day in days]), "approved", by_unit=by_unit)
    return MajorEventDays(inside(approved), "approved")


def judged_days(daily: pl.DataFrame, period: Period, settings: ReliabilitySettings) -> MajorEventDays:
    """Return the days of a period that lie above the threshold of the years before theirs.

    Args:
        daily: ``day`` and ``saidi_h`` of the days with interruptions, the years before the period included. Years without any
            are taken for years without records.
        period: the period whose days are judged.
        settings: history, minimum, degrees of freedom, and what becomes of days without interruptions.
    """
    found: list[date] = []
    limit, reason = None, None
    known = daily.drop_nulls("saidi_h").with_columns(year=pl.col("day").dt.year())
    for year in range(period.start.year, (period.end - timedelta(microseconds=1)).year + 1):
        history = known.filter(pl.col("year").is_between(year - settings.history_years, year - 1))
        years = history["year"].unique().to_list()
        if len(years) < settings.minimum_history_years or history.height < settings.minimum_history_days:
            reason = text(
                "{year} has {years} years of history with {days} days of interruptions; needed: {minimum} and {least}",
                year=year, years=len(years), days=history.height,
                minimum=settings.minimum_history_years, least=settings.minimum_history_days,
            )  # fmt: skip
            continue
        without = sum((date(each + 1, 1, 1) - date(each, 1, 1)).days for each in years) - history.height
        limit = threshold(history["saidi_h"].to_list() + [0.0] * without, settings.beta_ddof, settings.zero_days)
        judged = known.filter((pl.col("year") == year) & (pl.col("saidi_h") > limit.saidi_h))["day"].to_list()
        found += [day for day in judged if _touches(period, day)]
    return MajorEventDays(tuple(found), "calculated" if limit else "not_computable", limit, reason)


def _touches(period: Period, day: date) -> bool:
    """Return whether a part of a day lies in a period; a period may end in the middle of one."""
    return period.start.date() <= day and datetime.combine(day, time()) < period.end


def users_on(population: Any, days: pl.Series) -> pl.Series:
    """Return how many users were in service at noon of each day; null where none were."""
    noon = np.array([microseconds(datetime(day.year, day.month, day.day, 12)) for day in days], dtype=np.int64)
    frame: Any = nw.from_native(population)
    count = np.zeros(len(noon))
    for column, sign, blank in (("in_service", 1, -(2**62)), ("retired", -1, 2**62)):
        dated = frame.with_columns(at=microseconds_of(column, frame).fill_null(blank))
        changes: pl.DataFrame = small(dated.group_by("at").agg(nw.col("users").sum())).to_native().sort("at")
        running = np.concatenate([[0], np.cumsum(changes["users"].to_numpy())])
        count += sign * running[np.searchsorted(changes["at"].to_numpy(), noon, side="right")]
    return pl.Series("users", count).replace(0, None)

"""How an outage time grows over a period: customer-hours accrued until each moment, over the users of the period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import polars as pl

from reliability.area import Area
from reliability.ledger_table import add_within
from reliability.period import MICROSECONDS_PER_HOUR, Period, microseconds
from reliability.query import Query
from reliability.statistics import Statistics


def cumulative_saidi(statistics: Statistics, query: Query, area: Area | None = None) -> pl.DataFrame:
    """Return SAIDI-1 accrued until the end of each day.

    The last value is the SAIDI-1 of the period, or of its part until ``query.as_of``. Hours are taken at the moment they pass,
    so an interruption over midnight belongs to both days; with ``crossing`` = ``start`` it belongs whole to the day on which it
    began, as it does to the period of that day (R1.10).

    Args:
        statistics: of the workspace.
        query: period, level, major event days and as-of time.
        area: a part of the users; all of them by default.

    Returns:
        One row per day: ``day``, ``ch`` (customer-hours of that day), ``saidi_h`` (accrued until its end, h per user;
        null where the number of users is not known).
    """
    whole = area or Area()
    period = query.period
    known = min(query.as_of or period.end, period.end)
    days = [period.start + timedelta(days=number) for number in range(max((known - period.start).days, 0))]
    if period.start + timedelta(days=len(days)) < known:
        days.append(period.start + timedelta(days=len(days)))
    accrued = _summed(statistics, query, whole, days)
    if accrued is None:
        rows = whole.of(statistics.ledger(query), statistics.settings).filter(pl.col("h") > 0)
        ends = np.array([microseconds(min(day + timedelta(days=1), known)) for day in days], dtype=np.int64)
        starts_whole = statistics.settings.crossing == "start"
        accrued = _accrued_whole(rows, ends) if starts_whole else _accrued(rows, period, ends)
    users = whole.equivalent_users(statistics, query)
    return pl.DataFrame(
        {
            "day": pl.Series([day.date() for day in days], dtype=pl.Date),
            "ch": np.diff(accrued, prepend=0.0),
            "saidi_h": accrued / users if users else pl.Series([None] * len(days), dtype=pl.Float64),
        }
    )


def _summed(statistics: Statistics, query: Query, area: Area, days: list[datetime]) -> npt.NDArray[np.float64] | None:
    """Return the customer-hours that have passed until the end of each day, where those of the days are summed already."""
    told = statistics.hours_by_day(query, None if "all_scope" in area.values else area.column)
    if told is None:
        return None
    if area.column in told.columns:
        told = told.filter(pl.col(area.column).is_in(list(area.values)))
    numbers = pl.DataFrame({"day": [(day - datetime(1970, 1, 1)).days for day in days]}, schema={"day": pl.Int64})
    hours = numbers.join(
        told.group_by(pl.col("day").cast(pl.Int64)).agg(pl.col("ch").sum()), on="day", how="left", maintain_order="left"
    )["ch"].fill_null(0.0)
    passed: npt.NDArray[np.float64] = np.cumsum(hours.to_numpy())
    return passed


def _accrued(rows: pl.DataFrame, period: Period, ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the customer-hours that have passed within the period until each moment."""
    weight = rows["users"].to_numpy().astype(np.float64)
    begun = np.maximum(rows["from"].to_numpy(), microseconds(period.start))
    return (_passed(begun, weight, ends) - _passed(rows["until"].to_numpy(), weight, ends)) / MICROSECONDS_PER_HOUR


def _accrued_whole(rows: pl.DataFrame, ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the customer-hours of the interruptions that have begun before each moment."""
    begun = rows.sort("group_start")
    hours = np.concatenate([[0.0], np.cumsum((begun["users"] * begun["h"]).to_numpy())])
    whole: npt.NDArray[np.float64] = hours[np.searchsorted(begun["group_start"].to_numpy(), ends, side="left")]
    return whole


def ledger_within(rows: pl.DataFrame, part: Period, crossing: str = "cut") -> pl.DataFrame:
    """Return the rows of a ledger that add to a part of its period, such as one day, and what they add."""
    start, end = microseconds(part.start), microseconds(part.end)
    touching = (pl.col("until") > start) & (pl.col("from") < end) | pl.col("group_start").is_between(start, end)
    bounded: Any = nw.from_native(
        rows.drop("h", "count", "counted", "reason")
        .filter(touching)
        .with_columns(bound_start=pl.lit(start), bound_end=pl.lit(end))
    )
    within: pl.DataFrame = add_within(bounded, crossing).to_native()
    return within.drop("bound_start", "bound_end").filter(pl.col("counted"))


def ledgers_of_parts(
    rows: pl.DataFrame, parts: Sequence[tuple[str, Period]], crossing: str = "cut"
) -> dict[str, pl.DataFrame]:
    """Return, for each of many parts of a ledger's period, what :func:`ledger_within` returns, in one pass over the ledger.

    Args:
        rows: of a ledger.
        parts: names and periods, such as months.
        crossing: as the settings say.
    """
    bounds = pl.DataFrame(
        {
            "part": [name for name, _ in parts],
            "bound_start": [microseconds(part.start) for _, part in parts],
            "bound_end": [microseconds(part.end) for _, part in parts],
        },
        schema={"part": pl.String, "bound_start": pl.Int64, "bound_end": pl.Int64},
    )
    reaching = (
        rows.drop("h", "count", "counted", "reason")
        .with_row_index("at")
        .with_columns(
            earliest=pl.min_horizontal("from", "group_start"),
            latest=pl.max_horizontal("until", pl.col("group_start") + 1),
        )
        .join_where(bounds, pl.col("latest") > pl.col("bound_start"), pl.col("earliest") < pl.col("bound_end"))
        .sort("part", "at")
        .drop("at", "earliest", "latest")
    )
    within: pl.DataFrame = add_within(nw.from_native(reaching), crossing).to_native()
    counted = within.filter(pl.col("counted")).drop("bound_start", "bound_end")
    found = counted.partition_by("part", as_dict=True, include_key=False)
    return {name: found.get((name,), counted.clear().drop("part")) for name, _ in parts}


def _passed(
    moments: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return, at each end, the weighted sum of the time that has passed since the moments before it."""
    order = np.argsort(moments, kind="stable")
    origin = moments[order[0]] if len(order) else 0
    since = (moments[order] - origin).astype(np.float64)
    weights = np.concatenate([[0.0], np.cumsum(weight[order])])
    weighted = np.concatenate([[0.0], np.cumsum(weight[order] * since)])
    before = np.searchsorted(moments[order], ends, side="right")
    passed: npt.NDArray[np.float64] = weights[before] * (ends - origin) - weighted[before]
    return passed

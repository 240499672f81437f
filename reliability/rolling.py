"""Rolling indices: what a whole year up to each day was like, by the calendar.

A window is so many days of the calendar, whether or not there were interruptions on them: a day without is a day of zeros, and a
window that reaches beyond what is known has no value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from network import FudianError, text
from reliability.major_event_days import users_on
from reliability.period import Period
from reliability.query import Query
from reliability.statistics import Statistics


def rolling_indices(
    daily: pl.DataFrame,
    first: date,
    last: date,
    days: int = 365,
    centred: bool = False,
    users: Literal["mean", "day"] = "mean",
) -> pl.DataFrame:
    """Return SAIDI, SAIFI and CAIDI of the window of each day.

    Args:
        daily: ``day``, ``CI`` (customer-interruptions) and ``CH`` (customer-hours) that began on it, and ``users`` in service;
            days without interruptions may be absent, then the users of the day before hold on.
        first: the first day that is known.
        last: the last day that is known.
        days: length of a window in days of the calendar.
        centred: the day lies in the middle of its window (with one more day before it where ``days`` is even), not at its end.
        users: divide by the mean of the users over the window (equivalent users, 1.5), or by those of the day.

    Returns:
        One row per day from ``first`` to ``last``: ``day``, ``window_start``, ``window_end`` (both within), ``CI``, ``CH``,
        ``users``, ``SAIDI_h``, ``SAIFI``, ``CAIDI_h``. All null where the window reaches beyond the known days; a zero or unknown
        denominator gives null.

    Raises:
        FudianError: a day stands twice, or a window has no day.
    """
    if days < 1:
        raise FudianError(text("A window needs at least one day, not {days}.", days=days))
    if daily["day"].is_duplicated().any():
        raise FudianError(text("A day stands twice in the daily sums."), text("Add up the sums of a day first."))
    before = days // 2 if centred else days - 1
    calendar = pl.DataFrame({"day": pl.date_range(first, last, "1d", eager=True)})
    table = calendar.join(daily.select("day", "CI", "CH", "users"), on="day", how="left", maintain_order="left").select(
        "day",
        pl.col("CI", "CH").cast(pl.Float64).fill_null(0.0),
        pl.col("users").cast(pl.Float64).fill_null(strategy="forward").fill_null(strategy="backward"),
    )
    ahead = days - 1 - before
    sums = {f"window_{name}": _windows(table[name], days, ahead, np.sum) for name in ("CI", "CH")}
    served = _windows(table["users"], days, ahead, np.mean) if users == "mean" else table["users"]
    whole = pl.col("window_CI").is_not_null()
    return (
        table.with_columns(**sums, served=served)
        .with_columns(served=pl.when(whole & (pl.col("served") > 0)).then("served"))
        .select(
            "day",
            window_start=pl.when(whole).then(pl.col("day") - timedelta(days=before)),
            window_end=pl.when(whole).then(pl.col("day") + timedelta(days=ahead)),
            CI="window_CI",
            CH="window_CH",
            users="served",
            SAIDI_h=pl.col("window_CH") / pl.col("served"),
            SAIFI=pl.col("window_CI") / pl.col("served"),
            CAIDI_h=pl.when(pl.col("window_CI") > 0).then(pl.col("window_CH") / pl.col("window_CI")),
        )
    )


def _windows(values: pl.Series, days: int, ahead: int, figure: Callable[..., npt.NDArray[np.float64]]) -> pl.Series:
    """Return the figure of each full window at its day; windows are summed anew, so that zeros stay zero."""
    found: list[float | None] = [None] * len(values)
    if len(values) >= days:
        full = figure(np.lib.stride_tricks.sliding_window_view(values.to_numpy(), days), axis=1)
        found[days - 1 - ahead : len(values) - ahead] = full.tolist()
    return pl.Series(found, dtype=pl.Float64).fill_nan(None)


def rolling(statistics: Statistics, query: Query, days: int = 365, centred: bool = False) -> pl.DataFrame:
    """Return the rolling indices of a workspace for each day of a period; an interruption belongs whole to its first day.

    Records are taken to be complete from the first of January of the first year that has any to the as-of time, or to the end
    of the last year that has any. The day of the as-of time itself is not known whole.

    Args:
        statistics: of the workspace.
        query: period, level, major event days, as-of time and filter; ``by`` is not used.
        days: length of a window in days of the calendar.
        centred: the day lies in the middle of its window.

    Returns:
        As :func:`rolling_indices`, for the days of the period.
    """
    years = statistics.years()
    known_from = datetime(min([*years, query.period.start.year]), 1, 1)
    ends = [query.period.end, *(Period.year(year).end for year in years[-1:])]
    known_to = max(ends) if query.as_of is None or query.over else query.as_of
    span = Period(known_from, known_to)
    first, last = known_from.date(), (known_to - timedelta(days=1)).date()
    rows = statistics.ledger(replace(query, period=span, by=())).filter(pl.col("counted"))
    calendar = pl.DataFrame({"day": pl.date_range(first, last, "1d", eager=True)})
    begun = rows.group_by(day=pl.from_epoch("group_start", time_unit="us").dt.date()).agg(
        CI=(pl.col("users") * pl.col("count")).sum(), CH=(pl.col("users") * pl.col("h")).sum()
    )
    population = statistics.users(query)
    daily = calendar.join(begun, on="day", how="left", maintain_order="left").with_columns(
        pl.col("CI", "CH").fill_null(0), users=users_on(population, calendar["day"])
    )
    shown = pl.col("day").is_between(query.period.start.date(), (query.period.end - timedelta(days=1)).date())
    return rolling_indices(daily, first, last, days, centred).filter(shown)

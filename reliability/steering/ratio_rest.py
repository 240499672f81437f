"""How figures of operation are likely to end a year: means over events, the rest of the year drawn from their own past."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reliability.operating_kpis import operating_events
from reliability.period import Period
from reliability.statistics import Statistics
from reliability.steering.rest_of_year import Floats
from reliability.steering.settings import SteeringSettings
from reliability.targets import TargetResult

Counts: TypeAlias = NDArray[np.int64]

LEAST_EVENTS = 2
"""With fewer events in the twelve months before nothing is said of the rest."""


def ratio_draws(
    statistics: Statistics, target: TargetResult, year: int, as_of: datetime, rules: SteeringSettings
) -> Floats:
    """Return drawn year ends of a figure of operation, in per cent; none where it is no mean of events or they are too few.

    How many events are to come is drawn from how many came in the same time of earlier years, of the first year from the pace so
    far; how each turns out, from those of the twelve months before. That both are known from few events makes the range wide.

    Args:
        statistics: of the workspace.
        target: as judged on the year so far.
        year: the calendar year.
        as_of: nothing later is known.
        rules: draws and seed.
    """
    events = events_of(statistics, target.metric)
    if events is None or target.value is None:
        return np.zeros(0)
    span = Period.year(year)
    now = min(max(as_of, span.start), span.end)
    known = events.filter(pl.col("time") < now)
    generator = np.random.default_rng([rules.forecast_seed, 11, zlib.crc32(target.metric.encode())])
    so_far = known.filter(pl.col("time") >= span.start)["credit"].to_numpy()
    recent = known.filter(pl.col("time") >= now - timedelta(days=365))["credit"].to_numpy()
    if now >= span.end:
        counts = np.zeros(1, dtype=np.int64)
    elif len(recent) < LEAST_EVENTS:
        return np.zeros(0)
    else:
        counts = _counts(known["time"], now, span, len(so_far), rules.forecast_draws, generator)
    is_share = bool(np.isin(recent, (0.0, 1.0)).all())
    further = _sum_of_shares(recent, counts, generator) if is_share else _sum_of_times(recent, counts, generator)
    whole = len(so_far) + counts
    mean = (float(so_far.sum()) + further)[whole > 0] / whole[whole > 0]
    return _figure(mean, target, statistics)


def events_of(statistics: Statistics, metric: str) -> pl.DataFrame | None:
    """Return ``time`` and ``credit`` of the events that a figure is the mean of; ``None`` where it is no such mean."""
    if metric != "service_live_connect_rate":
        return operating_events(statistics.net, statistics.settings, metric)
    parts = (statistics.live_jobs.filter("connection"), 1.0), (statistics.connected_with_outage, 0.0)
    return pl.concat([rows.select(time="start", credit=pl.lit(credit)) for rows, credit in parts])


def _counts(
    times: pl.Series, now: datetime, span: Period, so_far: int, draws: int, generator: np.random.Generator
) -> Counts:
    """Return drawn numbers of events until the end of the year."""
    first = times.min()
    windows: list[int] = []
    start, end = now, span.end
    while isinstance(first, datetime):
        start, end = start - timedelta(days=365.25), end - timedelta(days=365.25)
        if start < first:
            break
        windows.append(int(times.is_between(start, end, closed="left").sum()))
    if windows:
        events, of_such = sum(windows), float(len(windows))
    else:
        events, of_such = so_far, (now - span.start) / (span.end - now)
    expected = generator.gamma(events + 0.5, 1.0, draws) / max(of_such, 1e-9)
    return generator.poisson(expected)


def _sum_of_shares(recent: Floats, counts: Counts, generator: np.random.Generator) -> Floats:
    good = float(recent.sum())
    chance = generator.beta(good + 0.5, len(recent) - good + 0.5, len(counts))
    drawn: Floats = generator.binomial(counts, chance).astype(float)
    return drawn


def _sum_of_times(recent: Floats, counts: Counts, generator: np.random.Generator) -> Floats:
    number = len(recent)
    if number < LEAST_EVENTS:
        return np.zeros(len(counts))
    spread = float(recent.std(ddof=1))
    mean = recent.mean() + spread / np.sqrt(number) * generator.standard_t(number - 1, len(counts))
    drawn: Floats = np.maximum(counts * mean + np.sqrt(counts) * spread * generator.standard_normal(len(counts)), 0.0)
    return drawn


def _figure(mean: Floats, target: TargetResult, statistics: Statistics) -> Floats:
    """Return the figure of a target from means over events, as it is counted from its base year."""
    base = target.previous
    if target.metric == "outage_schedule_time_reduction":
        return 100 * (1 - mean / base) if base else np.zeros(0)
    if target.metric != "active_repair_rate_gain":
        return 100 * mean
    if statistics.settings.active_repair_gain == "points":
        return 100 * mean - base if base is not None else np.zeros(0)
    return 100 * (100 * mean / base - 1) if base else np.zeros(0)

"""Ranks of units and feeders that say how sure they are: few outages of few users are mostly chance.

Outages of a place are a Poisson number whose rate has a gamma distribution over all places (Greenwood and Yule 1920; the moments
by Marshall, Applied Statistics 40, 1991); hours per user and outage are pulled towards the mean of all places by as many outages
as one place has in the middle. The rank is that of the shrunk figure; how far it may be off comes from draws with a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from reliability.query import Query
from reliability.statistics import Statistics

DRAWS = 2000
SEED = 2022


@dataclass(frozen=True)
class Ranked:
    """One place by its figure, the worst first.

    Attributes:
        value: the place.
        users: equivalent users.
        events: outages.
        figure: hours (SAIDI) or times (SAIFI) per user of the place, as counted.
        shrunk: the same with chance taken out; ``None`` where the place has no users.
        rank: by ``shrunk``, 1 the worst.
        rank_low, rank_high: the rank lies between them with 80 %.
    """

    value: str | None
    users: float
    events: int
    figure: float | None
    shrunk: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return every figure."""
        return dict(vars(self))


def ranked(statistics: Statistics, query: Query, column: str, metric: str = "saidi") -> tuple[Ranked, ...]:
    """Return the places of a column by their shrunk SAIDI-1 or SAIFI-1, the worst first.

    Args:
        statistics: of the workspace.
        query: what is covered.
        column: ``unit``, ``feeder_id``, ``region_class`` or ``planning_class``.
        metric: ``saidi`` or ``saifi``.
    """
    figures = statistics.indices(replace(query, by=(column,)))
    rows = statistics.ledger(query.known).filter(pl.col("counted"))
    amount = pl.col("users") * (pl.col("h") if metric == "saidi" else pl.col("count"))
    events = rows.group_by(column, "outage_id").agg(amount=amount.sum()).group_by(column).agg(
        events=pl.len().cast(pl.Int64), amount=pl.col("amount").sum().cast(pl.Float64)
    )  # fmt: skip
    table = (
        figures.select(column, users="N_T")
        .join(events, on=column, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.col("events", "amount").fill_null(0))
    )
    known = table.filter(pl.col("users") > 0)
    shrunk, low, high = _shrunk(
        known["users"].to_numpy().astype(float), known["events"].to_numpy().astype(float), known["amount"].to_numpy()
    )
    order = np.argsort(-shrunk, kind="stable")
    found = []
    for rank, place in enumerate(order.tolist(), start=1):
        row = known.row(place, named=True)
        found.append(
            Ranked(row[column], row["users"], row["events"], row["amount"] / row["users"], float(shrunk[place]), rank,
                   int(low[place]), int(high[place]))
        )  # fmt: skip
    return tuple(found)


def _shrunk(users: np.ndarray, events: np.ndarray, amount: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shrunk figure per user of each place, and the bounds of its rank."""
    if not len(users) or not events.sum():
        places = np.arange(1, len(users) + 1)
        return np.zeros(len(users)), np.ones(len(users)), np.full(len(users), len(places))
    shape, scale = _prior(users, events)
    rate = (shape + events) / (scale + users)
    whole = amount.sum() / events.sum()
    weight = max(float(np.median(events)), 1.0)
    each = (amount + weight * whole) / (events + weight)
    generator = np.random.default_rng(SEED)
    rates = generator.gamma(shape + events, 1 / (scale + users), (DRAWS, len(users)))
    hours = each * generator.gamma(events + weight, 1 / (events + weight), (DRAWS, len(users)))
    ranks = np.argsort(np.argsort(-rates * hours, axis=1), axis=1) + 1
    low, high = np.quantile(ranks, [0.1, 0.9], axis=0, method="nearest")
    return rate * each, low, high


def _prior(users: np.ndarray, events: np.ndarray) -> tuple[float, float]:
    """Return shape and rate of the gamma distribution of outages per user over the places, by moments."""
    mean = events.sum() / users.sum()
    scatter = (users * (events / users - mean) ** 2).sum() / users.sum()
    between = max(scatter - mean * len(users) / users.sum(), 1e-3 * mean**2)
    return mean**2 / between, mean / between

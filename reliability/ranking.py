"""Where the customer-hours come from: causes in falling order, and the feeders that cost most."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from reliability.natures import FAULT, PLANNED_WORK
from reliability.query import Query
from reliability.statistics import Statistics


def causes(statistics: Statistics, query: Query, most: int | None = None) -> pl.DataFrame:
    """Return the customer-hours of each cause, greatest first, with the running share (Pareto).

    Args:
        statistics: of the workspace.
        query: what is covered; ``by`` is not used.
        most: causes named; the rest is one last row with ``cause`` null and ``rest`` true.

    Returns:
        ``cause`` (null where none is recorded), ``fault_ch``, ``prearranged_ch``, ``ch``, ``running_percent``,
        ``rest``, ``causes`` (how many causes the row stands for).
    """
    figures = statistics.totals(replace(query, by=("cause", "nature")))
    hours = (
        figures.with_columns(is_fault=pl.col("nature").is_in(FAULT))
        .group_by("cause")
        .agg(
            fault_ch=pl.col("CH").filter(pl.col("is_fault")).sum(),
            prearranged_ch=pl.col("CH").filter(~pl.col("is_fault")).sum(),
        )
        .with_columns(
            ch=pl.col("fault_ch") + pl.col("prearranged_ch"), rest=pl.lit(value=False), causes=pl.lit(1, dtype=pl.Int64)
        )
        .filter(pl.col("ch") > 0)
        .sort("ch", "cause", descending=[True, False])
    )
    if most is not None and hours.height > most:
        rest = hours[most:].select(
            pl.lit(None, dtype=pl.String).alias("cause"),
            pl.col("fault_ch", "prearranged_ch", "ch").sum(),
            pl.lit(value=True).alias("rest"),
            pl.len().cast(pl.Int64).alias("causes"),
        )
        hours = pl.concat([hours[:most], rest])
    return hours.with_columns(running_percent=pl.col("ch").cum_sum() / pl.col("ch").sum() * 100)


def worst_feeders(statistics: Statistics, query: Query, most: int = 8) -> pl.DataFrame:
    """Return the feeders with most customer-hours.

    Returns:
        ``feeder_id``, ``name``, ``ch``, ``share_percent`` (of all customer-hours), ``saidi_h``, ``outages`` (counted),
        ``by_month`` (customer-hours of each month of the period, in order).
    """
    figures = statistics.totals(replace(query, by=("feeder_id",)))
    total = float(figures["CH"].sum())
    months = [label for label, _ in query.period.months()]
    monthly = statistics.totals(replace(query, by=("feeder_id", "month")))
    grid = monthly.select("feeder_id", "month", "CH")
    events = (
        statistics.ledger(query)
        .filter(pl.col("counted"))
        .group_by("feeder_id")
        .agg(outages=pl.col("outage_id").n_unique())
    )
    worst = figures.filter(pl.col("CH") > 0).sort("CH", "feeder_id", descending=[True, False]).head(most)
    names = statistics.net.feeders.select("feeder_id", "name").unique("feeder_id", keep="first")
    listed = worst.join(names, on="feeder_id", how="left", maintain_order="left").join(
        events, on="feeder_id", how="left", maintain_order="left", nulls_equal=True
    )
    by_month = [
        [dict(grid.filter(feeder_id=feeder).select("month", "CH").iter_rows()).get(month, 0.0) for month in months]
        for feeder in listed["feeder_id"].fill_null("")
    ]
    return listed.select(
        "feeder_id",
        "name",
        ch=pl.col("CH"),
        share_percent=pl.col("CH") / total * 100 if total else pl.lit(None, dtype=pl.Float64),
        saidi_h=pl.col("SAIDI-1"),
        outages=pl.col("outages").fill_null(0),
        by_month=pl.Series(by_month, dtype=pl.List(pl.Float64)),
    )


def planned_outages(statistics: Statistics, query: Query) -> pl.DataFrame:
    """Return the prearranged outages for work that cost customer-hours, dearest first.

    Returns:
        ``outage_id``, ``start``, ``unit`` (of the users), ``nature``, ``cause``, ``users`` (distinct), ``ch``.
    """
    rows = statistics.ledger(query).filter(pl.col("counted") & pl.col("nature").is_in(PLANNED_WORK))
    return (
        rows.group_by("outage_id")
        .agg(
            pl.col("start").min(),
            pl.col("unit").drop_nulls().mode().sort().first(),
            pl.col("nature", "cause").sort_by("overrun").first(),
            users=pl.col("users").filter(pl.col("user_id").is_first_distinct()).sum(),
            ch=(pl.col("users") * pl.col("h")).sum(),
        )
        .sort("ch", "outage_id", descending=[True, False])
    )

"""Who is over a bar of the rules of frequent outages, at it, or one below, with what is planned for them."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from reliability.frequent import Preset, frequent_outages, outages_that_count
from reliability.statistics import Statistics

BANDS = ("over", "at", "near")
"""More outages than a rule allows, as many, one fewer."""

SCHEMA = {"user_id": pl.String, "rule": pl.String, "times": pl.Int64, "most": pl.Int64, "band": pl.String}


def near_bars(
    statistics: Statistics, rules: Preset, as_of: datetime, level: str = "mv", planned: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return the users that are over, at or one below a bar, the worst first.

    A rule with a window is over where any window of the year was too full; how near a user is to it is counted in the window that
    ends at the as-of time. Rules that allow a single outage have no band below.

    Args:
        statistics: of the workspace.
        rules: a preset.
        as_of: nothing later is known.
        level: ``mv`` or ``lv``.
        planned: planned outages to come: ``plan_id`` and ``transformer_id``.

    Returns:
        ``user_id``, ``rule``, ``times``, ``most`` (allowed), ``band`` (of :data:`BANDS`), ``planned`` (plans to come that cut the
        user off).
    """
    broken = frequent_outages(statistics, rules, as_of, level).users.filter(pl.col("status") != "warning")
    over = broken.select("user_id", "rule", "times", "most", band=pl.lit("over"))
    kept = outages_that_count(statistics, rules, as_of, level)
    year_start = datetime((as_of - timedelta(microseconds=1)).year, 1, 1)
    found = [over]
    for rule in rules.rules:
        if rule.most < 1:
            continue
        own = kept if rule.natures is None else kept.filter(pl.col("nature").is_in(rule.natures))
        since = pl.lit(year_start) if rule.window is None else pl.lit(as_of).dt.offset_by(f"-{rule.window}")
        counted = own.filter((pl.col("start") >= since) & (pl.col("start") < as_of)).group_by("user_id").agg(
            times=pl.len().cast(pl.Int64)
        )  # fmt: skip
        least = rule.most if rule.most == 1 else rule.most - 1
        near = counted.filter(pl.col("times").is_between(least, rule.most)).with_columns(
            rule=pl.lit(rule.name), most=pl.lit(rule.most, dtype=pl.Int64),
            band=pl.when(pl.col("times") == rule.most).then(pl.lit("at")).otherwise(pl.lit("near")),
        )  # fmt: skip
        found.append(near.join(over.filter(rule=rule.name), on="user_id", how="anti").select(list(SCHEMA)))
    table = pl.concat([each.cast(SCHEMA) for each in found])  # type: ignore[arg-type]
    plans = pl.DataFrame(schema={"plan_id": pl.String, "transformer_id": pl.String}) if planned is None else planned
    users = statistics.population(level).select("user_id", "transformer_id").unique()
    coming = (
        plans.join(users, on="transformer_id")
        .group_by("user_id")
        .agg(planned=pl.col("plan_id").n_unique().cast(pl.Int64))
    )
    order = {"over": 0, "at": 1, "near": 2}
    return (
        table.join(coming, on="user_id", how="left")
        .with_columns(pl.col("planned").fill_null(0), place=pl.col("band").replace_strict(order, return_dtype=pl.Int64))
        .sort("place", "planned", "times", "user_id", "rule", descending=[False, True, True, False, False])
        .drop("place")
    )


def band_counts(bands: pl.DataFrame) -> pl.DataFrame:
    """Return how many users stand where, rule by rule.

    Args:
        bands: of :func:`near_bars`.

    Returns:
        ``rule``, ``most``, ``over``, ``at``, ``near`` (users), ``planned`` (of the last two those whom plans to come cut off),
        and ``breaks`` (those whom they would bring over the bar, were all of them carried out inside the window of the rule).
    """
    is_open = pl.col("band") != "over"
    return (
        bands.group_by("rule", "most")
        .agg(
            *((pl.col("band") == band).sum().cast(pl.Int64).alias(band) for band in BANDS),
            planned=(is_open & (pl.col("planned") > 0)).sum().cast(pl.Int64),
            breaks=(is_open & (pl.col("times") + pl.col("planned") > pl.col("most"))).sum().cast(pl.Int64),
        )
        .sort("over", "at", "rule", descending=[True, True, False])
    )

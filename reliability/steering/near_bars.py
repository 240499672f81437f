"""Who is over a bar of the rules of frequent outages, at it, or one below, with what is planned for them."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from reliability.frequent import (
    Preset,
    Rule,
    apart,
    as_many,
    frequent_outages,
    outages_that_count,
    times_in_window,
    users_counted,
)
from reliability.statistics import Statistics

BANDS = ("over", "at", "near")
"""More outages than a rule allows, as many, one fewer."""

SCHEMA: dict[str, type[pl.DataType]] = {
    "user_id": pl.String,
    "rule": pl.String,
    "times": pl.Int64,
    "most": pl.Int64,
    "band": pl.String,
}

COMING_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "plan_id": pl.String,
    "transformer_id": pl.String,
    "start": pl.Datetime("us"),
    "nature": pl.String,
    "lasts_h": pl.Float64,
}
"""Planned outages to come: which transformer loses supply when, and for how long at a stretch."""

_EVENT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "user_id": pl.String,
    "outage_id": pl.String,
    "nature": pl.String,
    "start": pl.Datetime("us"),
}


def near_bars(
    statistics: Statistics, rules: Preset, as_of: datetime, level: str = "mv", planned: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return the users that are over, at or one below a bar: first those over it, then those whom plans bring over it.

    A rule with a window is over where any window of the year was too full; how near a user is to it is counted in the window that
    ends at the as-of time. Rules that allow a single outage have no band below.

    Args:
        statistics: of the workspace.
        rules: a preset.
        as_of: nothing later is known.
        level: ``mv`` or ``lv``.
        planned: planned outages to come, with the columns of :data:`COMING_SCHEMA`.

    Returns:
        ``user_id``, ``rule``, ``times``, ``most`` (allowed), ``band`` (of :data:`BANDS`), ``planned`` (plans to come that cut the
        user off and that the rule counts), ``breaks`` (whether they bring the user over the bar, all of them carried out: some
        window, or calendar year, with one of them in it would be too full).
    """
    broken = frequent_outages(statistics, rules, as_of, level).users.filter(pl.col("status") != "warning")
    over = broken.select("user_id", "rule", "times", "most", band=pl.lit("over"))
    users = users_counted(statistics, level)
    kept = outages_that_count(statistics, rules, as_of, level)
    coming = _coming(planned, users, rules, level)
    both = _one_after_another(kept, coming, rules)
    year_start = datetime((as_of - timedelta(microseconds=1)).year, 1, 1)
    found = []
    for rule in rules.rules:
        allowed = users.select("user_id", most=_most(rule)).unique("user_id")
        since = pl.lit(year_start) if rule.window is None else pl.lit(as_of).dt.offset_by(f"-{rule.window}")
        recent = kept.filter(_counts(rule) & (pl.col("start") >= since) & (pl.col("start") < as_of))
        listed = _listed(recent, over.filter(rule=rule.name), rule, allowed)
        plans = coming.filter(_counts(rule)).group_by("user_id").agg(planned=pl.col("outage_id").n_unique())
        brought = _brought_over(both, rule, allowed)
        found.append(
            listed.join(plans, on="user_id", how="left").with_columns(
                pl.col("planned").fill_null(0).cast(pl.Int64),
                breaks=(pl.col("band") != "over") & pl.col("user_id").is_in(brought.implode()),
            )
        )
    order = {"over": 0, "at": 2, "near": 3}
    place = pl.when("breaks").then(1).otherwise(pl.col("band").replace_strict(order, return_dtype=pl.Int32))
    return (
        pl.concat(found)
        .with_columns(place=place)
        .sort("place", "planned", "times", "user_id", "rule", descending=[False, True, True, False, False])
        .drop("place")
    )


def _listed(recent: pl.DataFrame, over: pl.DataFrame, rule: Rule, allowed: pl.DataFrame) -> pl.DataFrame:
    """Return the users over the bar of a rule, and those who by their recent outages stand at it or one below."""
    counted = recent.group_by("user_id").agg(times=pl.len().cast(pl.Int64)).join(allowed, on="user_id")
    least = pl.when(pl.col("most") == 1).then(1).otherwise(pl.col("most") - 1)
    near = counted.filter(pl.col("times").is_between(least, pl.col("most")) & (pl.col("most") >= 1)).with_columns(
        rule=pl.lit(rule.name),
        band=pl.when(pl.col("times") == pl.col("most")).then(pl.lit("at")).otherwise(pl.lit("near")),
    )
    others = near.join(over, on="user_id", how="anti")
    return pl.concat([each.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()) for each in (over, others)])


def _most(rule: Rule) -> pl.Expr:
    allowed = pl.when("high_voltage").then(rule.most_high_voltage or rule.most).otherwise(rule.most)
    return allowed.cast(pl.Int64)


def _counts(rule: Rule) -> pl.Expr:
    """Return whether a rule counts an outage by its nature; one that is not given is taken to count."""
    if rule.natures is None:
        return pl.lit(value=True)
    return pl.col("nature").is_in(rule.natures).fill_null(value=True)


def _coming(planned: pl.DataFrame | None, users: pl.DataFrame, rules: Preset, level: str) -> pl.DataFrame:
    """Return the planned outages that a preset counts: one row per plan and user."""
    if planned is None or planned.is_empty():
        return pl.DataFrame(schema=_EVENT_SCHEMA)
    lasting = planned.filter(pl.col("lasts_h") * 60.0 >= rules.shortest_min)
    hit = lasting.join(users.select("user_id", "transformer_id", many=as_many(level)), on="transformer_id")
    if rules.without_single_user:
        hit = hit.filter(pl.col("many").sum().over("plan_id") > 1)
    return hit.select("user_id", "nature", "start", outage_id="plan_id").unique().select(list(_EVENT_SCHEMA))


def _one_after_another(kept: pl.DataFrame, coming: pl.DataFrame, rules: Preset) -> pl.DataFrame:
    """Return the outages of users with plans, and the plans, by user and start: those that a preset does not merge."""
    were = (
        kept.join(coming, on="user_id", how="semi")
        .select(list(_EVENT_SCHEMA))
        .with_columns(is_plan=pl.lit(value=False))
    )
    return apart(pl.concat([were, coming.with_columns(is_plan=pl.lit(value=True))]), "user_id", rules.merge_h)


def _brought_over(both: pl.DataFrame, rule: Rule, allowed: pl.DataFrame) -> pl.Series:
    """Return the users of whom some window or year with a plan in it holds more outages than a rule allows."""
    rows = both.filter(_counts(rule))
    if rule.window is None:
        year = pl.col("start").dt.year().alias("year")
        spans = rows.group_by("user_id", year).agg(times=pl.len().cast(pl.Int64), plans=pl.col("is_plan").sum())
    else:
        untils = rows["start"].dt.offset_by(rule.window).to_physical().to_numpy()
        who = rows["user_id"].rle_id().to_numpy()
        times = times_in_window(who, rows["start"].to_physical().to_numpy(), untils)
        before = pl.Series([0, *rows["is_plan"].cast(pl.Int64).cum_sum()], dtype=pl.Int64)
        first = pl.Series(range(rows.height), dtype=pl.Int64)
        counted = pl.Series("times", times, dtype=pl.Int64)
        plans = before.gather(first + counted) - before.gather(first)
        spans = rows.select("user_id", counted, plans=plans)
    full = spans.join(allowed, on="user_id").filter((pl.col("times") > pl.col("most")) & (pl.col("plans") > 0))
    return full["user_id"].unique()


def band_counts(bands: pl.DataFrame) -> pl.DataFrame:
    """Return how many users stand where, rule by rule.

    Args:
        bands: of :func:`near_bars`.

    Returns:
        ``rule``, ``most``, ``over``, ``at``, ``near`` (users), ``planned`` (of the last two those whom plans to come cut off),
        and ``breaks`` (those of them whom they bring over the bar, were all of them carried out).
    """
    is_open = pl.col("band") != "over"
    return (
        bands.group_by("rule", "most")
        .agg(
            *((pl.col("band") == band).sum().cast(pl.Int64).alias(band) for band in BANDS),
            planned=(is_open & (pl.col("planned") > 0)).sum().cast(pl.Int64),
            breaks=pl.col("breaks").sum().cast(pl.Int64),
        )
        .sort("over", "at", "rule", descending=[True, True, False])
    )

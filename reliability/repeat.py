"""How many more outages the rules of frequent outages leave a user: what a plan must keep before it is approved (4.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from network import text
from reliability.frequent import HIGH_VOLTAGE_KV, Preset, Rule

RULES = {
    "in_year": text("times in a year"),
    "in_window": text("times within a window"),
    "prearranged_in_year": text("prearranged times in a year"),
    "planned_repair_in_year": text("planned repairs in a year"),
}
"""What each rule of frequent outages counts."""

_ROOM: Mapping[str, Any] = {
    "user_id": pl.String,
    "rule": pl.String,
    "since": pl.Datetime("us"),
    "until": pl.Datetime("us"),
    "most": pl.Int64,
    "left": pl.Int64,
}


def rooms(kept: pl.DataFrame, rules: Preset, starts: Iterable[datetime], voltage_kv: float) -> pl.DataFrame:
    """Return how many more outages each rule leaves each user in each span that could hold one of these starts.

    A span is a calendar year, or a window that begins at an outage or at one of the starts. What is planned keeps a rule
    exactly if in none of the spans more is planned than is left, since a window that is too full begins at one of its outages.

    Args:
        kept: outages that count, as of :func:`reliability.frequent.outages_that_count`.
        rules: a preset.
        starts: when outages could begin.
        voltage_kv: of the users.

    Returns:
        Columns ``user_id`` (null stands for whoever is not named in that span), ``rule``, ``since``, ``until`` (exclusive),
        ``most`` (allowed) and ``left``, never below zero.
    """
    wanted = pl.Series("since", sorted(set(starts)), dtype=pl.Datetime("us"))
    found = [pl.DataFrame(schema=dict(_ROOM))]
    for rule in rules.rules:
        high = rule.most_high_voltage is not None and voltage_kv >= HIGH_VOLTAGE_KV
        most = rule.most_high_voltage if high else rule.most
        own = (kept if rule.natures is None else kept.filter(pl.col("nature").is_in(rule.natures))).select(
            "user_id", "start"
        )
        found.append(_rooms_of(rule, own, wanted, pl.lit(most, dtype=pl.Int64)))
    return pl.concat(found)


def _rooms_of(rule: Rule, own: pl.DataFrame, wanted: pl.Series, most: pl.Expr) -> pl.DataFrame:
    """Return the rooms of one rule; ``own`` are the outages that it counts."""
    if rule.window is None:
        spans = pl.DataFrame({"since": wanted.dt.truncate("1y").unique()})
        named = own.select("user_id").unique().join(spans, how="cross")
    else:
        spans = pl.DataFrame({"since": wanted})
        begun = own.rename({"start": "since"}).select("user_id", "since")
        named = pl.concat([begun, own.select("user_id").unique().join(spans, how="cross")])
    others = spans.select(pl.lit(None, dtype=pl.String).alias("user_id"), "since")
    each = pl.concat([named, others]).unique().with_columns(until=pl.col("since").dt.offset_by(rule.window or "1y"))
    if len(wanted):
        each = each.filter((pl.col("until") > wanted.min()) & (pl.col("since") <= wanted.max()))
    times = (
        each.join(own, on="user_id")
        .filter((pl.col("start") >= pl.col("since")) & (pl.col("start") < pl.col("until")))
        .group_by("user_id", "since", "until")
        .agg(times=pl.len().cast(pl.Int64))
    )
    return each.join(times, on=["user_id", "since", "until"], how="left").select(
        "user_id",
        "since",
        "until",
        rule=pl.lit(rule.name),
        most=most,
        left=(most - pl.col("times").fill_null(0)).clip(0),
    ).select(list(_ROOM))  # fmt: skip


def binds(rules: Preset, rule: str, nature: str | None) -> bool:
    """Return whether a rule counts outages of a nature; one that is not given is taken to count."""
    natures = next(each.natures for each in rules.rules if each.name == rule)
    return natures is None or nature is None or nature in natures

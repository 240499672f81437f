"""How terminals report and customers call, learned from incidents that a person closed: never from what was inferred."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from network import Supply
from repair.affected import affected_by_fault
from repair.settings import InferenceSettings, LocationSettings

WITHIN = timedelta(minutes=30)
"""A report belongs to an outage, or to its end, that is not further away."""

SCHEMA = {
    "unit": pl.String,
    "off_expected": pl.Int64,
    "off_heard": pl.Int64,
    "off_loss": pl.Float64,
    "on_expected": pl.Int64,
    "on_heard": pl.Int64,
    "on_loss": pl.Float64,
    "customer_hours": pl.Float64,
    "calls": pl.Int64,
    "calls_per_customer_h": pl.Float64,
}


def report_health(
    supply: Supply,
    incidents: pl.DataFrame,
    signals: pl.DataFrame,
    settings: InferenceSettings | None = None,
    location: LocationSettings | None = None,
) -> pl.DataFrame:
    """Return how the transformers of each unit reported in incidents whose place and time a person has confirmed.

    Args:
        supply: supply before the faults.
        incidents: closed incidents: ``incident_id``, ``branch_id`` (where the crew found the fault), ``start``, ``end``.
        signals: the table ``signals`` of a workspace with the signals of all that time.
        settings: default rates; those of the workspace by default.
        location: how many observations a default is worth; those of the workspace by default.

    Returns:
        One row per unit (null where transformers name none): how many power-off and power-on reports were due and were heard,
        ``off_loss`` and ``on_loss`` as learned, for the settings of inference; hours without supply of all customers, the
        calls in them, and calls per customer and hour, null where nobody was off. Incidents without an end tell nothing of
        power-on reports and calls.
    """
    net = supply.network
    rules = settings or InferenceSettings.of(net.workspace.settings)
    weight = (location or LocationSettings.of(net.workspace.settings)).history_weight
    unit = net.transformers.select("transformer_id", "unit")
    said = signals.filter((pl.col("object") == "transformer") & pl.col("kind").is_in(["off", "on"]))
    called = signals.filter((pl.col("object") == "customer") & (pl.col("kind") == "call"))
    parts = []
    for row in incidents.sort("start").iter_rows(named=True):
        who = affected_by_fault(supply, row["branch_id"])
        ended = row["end"] is not None
        off = pl.DataFrame({"transformer_id": who.hit.transformers}, schema={"transformer_id": pl.String})
        hours = (row["end"] - row["start"]) / timedelta(hours=1) if ended else 0.0
        customers = who.customers.select("customer_id", "transformer_id")
        during = pl.col("time").is_between(row["start"], row["end"]) if ended else pl.lit(value=False)
        calls = called.filter(during).unique("object_id").join(customers, left_on="object_id", right_on="customer_id")
        parts.append(
            off.with_columns(
                off_heard=_heard(said, "off", off, row["start"]),
                on_due=pl.lit(ended),
                on_heard=_heard(said, "on", off, row["end"]) if ended else pl.lit(value=False),
            )
            .join(customers.group_by("transformer_id").len("customers"), on="transformer_id", how="left")
            .join(calls.group_by("transformer_id").len("calls"), on="transformer_id", how="left")
            .with_columns(customer_hours=pl.col("customers").fill_null(0) * hours, calls=pl.col("calls").fill_null(0))
        )
    if not parts:
        return pl.DataFrame(schema=SCHEMA)
    told = pl.concat(parts, how="vertical_relaxed").join(unit, on="transformer_id", how="left")
    by_unit = told.group_by("unit").agg(
        off_expected=pl.len(),
        off_heard=pl.col("off_heard").sum(),
        on_expected=pl.col("on_due").sum(),
        on_heard=(pl.col("on_heard") & pl.col("on_due")).sum(),
        customer_hours=pl.col("customer_hours").sum(),
        calls=pl.col("calls").sum(),
    )
    default_off = sum(prior * loss for prior, _, loss in rules.qualities) / sum(
        prior for prior, _, _ in rules.qualities
    )
    return (
        by_unit.with_columns(
            off_loss=_learned("off", default_off, weight),
            on_loss=_learned("on", rules.on_loss, weight),
            calls_per_customer_h=pl.when(pl.col("customer_hours") > 0).then(pl.col("calls") / pl.col("customer_hours")),
        )
        .sort("unit", nulls_last=True)
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    )


def _heard(said: pl.DataFrame, kind: str, off: pl.DataFrame, moment: object) -> pl.Series:
    """Return whether each transformer said so near a moment."""
    near = said.filter(
        (pl.col("kind") == kind) & pl.col("time").is_between(pl.lit(moment) - WITHIN, pl.lit(moment) + WITHIN)
    )
    return off["transformer_id"].is_in(near["object_id"].implode())


def _learned(word: str, default: float, weight: float) -> pl.Expr:
    missed = pl.col(f"{word}_expected") - pl.col(f"{word}_heard")
    return (missed + default * weight) / (pl.col(f"{word}_expected") + weight)

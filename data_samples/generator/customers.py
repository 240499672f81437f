"""Low-voltage customers: drawn as whole columns, so that millions take seconds."""

from __future__ import annotations

import numpy as np
import polars as pl

from data_samples.generator import places
from data_samples.generator.network import Grid

CUSTOMER_WEIGHTS = {"city_centre": 1.5, "urban": 1.2, "town": 1.0, "rural": 0.8}
IMPORTANT_SHARE = 0.002
SENSITIVE_SHARE = 0.006
VERIFIED_SHARE = 0.83
RECENT_SHARE = 0.04
RETIRED_SHARE = 0.008
DUAL_SUPPLY_SHARE = 0.002
STREETS = ("建设路", "和平路", "滨河路", "学府路", "解放街", "东风街", "光明巷", "新华巷")


def make_customers(grid: Grid, customers: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw the customers of every transformer.

    Args:
        grid: the network that feeds them.
        customers: how many.
        rng: generator of the random numbers.

    Returns:
        The table ``customers`` of a workspace. A private transformer has one customer, the public ones share the rest.
    """
    of_transformer = np.repeat(np.arange(grid.transformers.height), _customers_per_transformer(grid, customers, rng))
    transformers = grid.transformers.select(
        "transformer_id",
        "public",
        "unit",
        "feeder_number",
        transformer_in_service="in_service",
        transformer_retired="retired",
    )
    frame = transformers[of_transformer].with_row_index("number", offset=1)
    width = max(6, len(str(customers)))
    padded = pl.col("number").cast(pl.String).str.zfill(width)
    frame = frame.with_columns(
        _second_supply(grid, frame["feeder_number"].to_numpy(), rng),
        *_dates(frame.height, rng),
        important=pl.Series(rng.random(frame.height) < IMPORTANT_SHARE),
        sensitive=pl.Series(rng.random(frame.height) < SENSITIVE_SHARE),
        verified=pl.Series(rng.random(frame.height) < VERIFIED_SHARE),
        street=pl.Series(np.array(STREETS)[rng.integers(0, len(STREETS), frame.height)]),
    )
    township = pl.col("unit").replace_strict({unit.name: unit.township for unit in places.UNITS})
    return frame.select(
        customer_id=pl.lit("C") + padded,
        transformer_id=pl.col("transformer_id"),
        second_transformer_id=pl.col("second_transformer_id"),
        name=pl.when("public").then(pl.lit("用户") + padded).otherwise(pl.lit("单位") + padded),
        phone=pl.lit("000") + pl.col("number").cast(pl.String).str.zfill(8),
        address=township + pl.col("street") + (pl.col("number") % 300 + 1).cast(pl.String) + pl.lit("号"),
        important=pl.col("important") | pl.col("second_transformer_id").is_not_null(),
        sensitive=pl.col("sensitive"),
        verified=pl.col("verified"),
        in_service=pl.when(pl.col("in_service") >= pl.col("transformer_retired"))
        .then("transformer_in_service")
        .otherwise(pl.max_horizontal("in_service", "transformer_in_service")),
        retired=pl.when(pl.col("transformer_retired").is_not_null())
        .then(pl.col("transformer_retired"))
        .when(pl.col("retired") > pl.max_horizontal("in_service", "transformer_in_service"))
        .then(pl.col("retired")),
    )


def _customers_per_transformer(grid: Grid, customers: int, rng: np.random.Generator) -> np.ndarray:
    public = grid.transformers["public"].to_numpy()
    counts = np.ones(grid.transformers.height, dtype=np.int64)
    spare = customers - counts.sum()
    weights = grid.transformers["region_class"].replace_strict(CUSTOMER_WEIGHTS, return_dtype=pl.Float64).to_numpy()
    weights = np.where(public, weights * rng.lognormal(0, 0.35, counts.size), 0.0)
    return counts + rng.multinomial(spare, weights / weights.sum())


def _second_supply(grid: Grid, feeder_number: np.ndarray, rng: np.random.Generator) -> pl.Series:
    """Give a few customers of tied feeders a second transformer on the neighbouring feeder."""
    feeders = grid.transformers["feeder_number"].to_numpy()
    first = np.searchsorted(feeders, np.arange(grid.feeders.height))
    count = np.bincount(feeders, minlength=grid.feeders.height)
    neighbour = grid.partner_of[feeder_number]
    dual = (rng.random(feeder_number.size) < DUAL_SUPPLY_SHARE) & (neighbour >= 0)
    pick = first[neighbour] + (rng.random(feeder_number.size) * count[neighbour]).astype(np.int64)
    chosen = grid.transformers["transformer_id"][pick]
    return pl.select(pl.when(pl.Series(dual)).then(chosen)).to_series().alias("second_transformer_id")


def _dates(count: int, rng: np.random.Generator) -> tuple[pl.Series, pl.Series]:
    recent = rng.random(count) < RECENT_SHARE
    days = np.where(recent, rng.integers(1, 1090, count), -rng.integers(1, 4800, count))
    gone = rng.random(count) < RETIRED_SHARE
    start = np.datetime64("2020-01-01", "us")
    in_service = pl.Series("in_service", start + days.astype("timedelta64[D]")).cast(pl.Datetime("us"))
    retired_days = rng.integers(60, 1090, count).astype("timedelta64[D]")
    retired = np.where(gone, start + retired_days, np.datetime64("NaT", "us"))
    return in_service, pl.Series("retired", retired).cast(pl.Datetime("us"))

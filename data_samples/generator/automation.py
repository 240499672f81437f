"""Distribution automation, applications for outages, and when crews stood ready."""

from __future__ import annotations

import numpy as np
import polars as pl

from data_samples.generator.network import Grid
from data_samples.generator.outages import YEARS, seconds
from network.tables.code_words import SECTIONALISING_KINDS

BASE_YEAR = 2019
"""The year before the records, which reductions and gains are counted from."""

ACCURACY = {2020: 0.985, 2021: 0.99, 2022: 0.996}
"""Share of actions that are correct, by year."""

REMOTE_CONTROLS_PER_FEEDER, REMOTE_SIGNALS_PER_FEEDER = 14, 60
MANUAL_SHARE = {2020: 0.18, 2021: 0.12, 2022: 0.07}
TERMINAL_OUTAGES_PER_YEAR = 1.6
WAITING_DAYS = {2019: 41.0, 2020: 27.0, 2021: 24.0, 2022: 20.0}
"""Mean days from the day on which work was ready to its outage."""

APPLICATIONS_PER_FEEDER = 9
ORDERS_PER_FEEDER = 18
ACTIVE_SHARE_OF_BASE_YEAR = 0.08
LATE_ARRIVAL_SHARE = 0.06


def make_terminals(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Return the table ``automation_terminals``: one at every remote device, and two-remote ones at half of the others."""
    devices = grid.branches.filter(pl.col("kind").is_in(SECTIONALISING_KINDS))
    chosen = devices.filter(pl.col("remote") | pl.Series(rng.random(devices.height) < 0.5))
    days = rng.integers(0, 900, chosen.height)
    return chosen.select(
        "branch_id",
        kind=pl.when("remote").then(pl.lit("three_remote")).otherwise(pl.lit("two_remote")),
        in_service=pl.Series((seconds("2017-03-01") + days * 86_400).astype("datetime64[s]").astype("datetime64[us]")),
    )


def make_actions(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Return the table ``automation_actions`` of three years."""
    parts = []
    for year in YEARS:
        for kind, each in (
            ("fa", 4), ("remote_control", REMOTE_CONTROLS_PER_FEEDER), ("remote_signal", REMOTE_SIGNALS_PER_FEEDER),
            ("manual", max(1, round(REMOTE_CONTROLS_PER_FEEDER * MANUAL_SHARE[year]))),
        ):  # fmt: skip
            count = each * grid.feeders.height
            draw = rng.random(count)
            right = ACCURACY[year] if kind != "manual" else 1.0
            parts.append(
                pl.DataFrame(
                    {
                        "feeder_id": grid.feeders["feeder_id"].to_numpy()[rng.integers(0, grid.feeders.height, count)],
                        "time": _times(seconds(f"{year}-01-01") + np.sort(rng.integers(0, 365 * 86_400, count))),
                        "kind": [kind] * count,
                        "result": np.select(
                            [draw < right, draw < right + (1 - right) / 2], ["correct", "wrong"], "missed"
                        ),
                    }
                )
            )
    return pl.concat(parts).sort("time", "feeder_id", "kind")


def make_automation_outages(terminals: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return the table ``automation_outages``: terminals off line, and the master station once a year."""
    parts = []
    for year in YEARS:
        count = round(terminals.height * TERMINAL_OUTAGES_PER_YEAR)
        branch = terminals["branch_id"].to_numpy()[rng.integers(0, terminals.height, count)].astype(object)
        start = seconds(f"{year}-01-01") + rng.integers(0, 360 * 86_400, count + 1)
        hours = np.append(np.clip(rng.lognormal(3.4, 0.9, count), 0.5, 400), 5.0)
        parts.append(
            pl.DataFrame(
                {
                    "branch_id": pl.Series([*branch.tolist(), None], dtype=pl.String),
                    "start": _times(start),
                    "end": _times(np.minimum(start + (hours * 3600).astype(np.int64), seconds(f"{year + 1}-01-01"))),
                }
            )
        )
    return pl.concat(parts).sort("start", "branch_id")


def make_applications(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Return the table ``applications`` of the base year and the three years after it."""
    units = grid.transformers["unit"].unique().sort().to_numpy()
    parts = []
    for year, mean in WAITING_DAYS.items():
        count = APPLICATIONS_PER_FEEDER * grid.feeders.height
        outage = seconds(f"{year}-01-01") + np.sort(rng.integers(0, 365, count)) * 86_400
        waited = np.clip(mean * rng.lognormal(-0.05, 0.3, count), 5, 150)
        before_ready = rng.integers(1, 12, count)
        parts.append(
            pl.DataFrame(
                {
                    "applied": _times(outage - ((waited + before_ready) * 86_400).astype(np.int64)),
                    "ready": _times(outage - (waited * 86_400).astype(np.int64)),
                    "outage_date": _times(outage),
                    "unit": units[rng.integers(0, len(units), count)],
                }
            )
        )
    rows = pl.concat(parts)
    number = (pl.lit("SQ") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(5)).alias("application_id")
    return rows.select(number, *rows.columns)


def make_earlier_orders(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Return repair orders of the base year, which has no outage records: of them only the source matters."""
    count = ORDERS_PER_FEEDER * grid.feeders.height
    accepted = seconds(f"{BASE_YEAR}-01-01") + np.sort(rng.integers(0, 364 * 86_400, count))
    return pl.DataFrame(
        {
            "order_id": [f"GD19{number:04d}" for number in range(1, count + 1)],
            "source": np.where(rng.random(count) < ACTIVE_SHARE_OF_BASE_YEAR, "主动抢修", "95598"),
            "accept_time": _times(accepted),
            "restore_time": _times(accepted + rng.integers(3600, 6 * 3600, count)),
        }
    )


def with_operations(plans: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return plans with the times at which crews stood ready and work went on, of those that are done."""
    count = plans.height
    done = pl.col("actual_start").is_not_null()
    late = rng.random((2, count)) < LATE_ARRIVAL_SHARE
    arrives_min = np.where(late, rng.integers(5, 40, (2, count)), -rng.integers(5, 45, (2, count)))
    opens_min, closes_min = rng.integers(10, 35, count), rng.integers(8, 30, count)

    def minutes(values: np.ndarray) -> pl.Series:
        return pl.Series((values * 60).astype("timedelta64[s]").astype("timedelta64[us]"))

    return plans.with_columns(
        work_start=pl.col("actual_start") + minutes(opens_min),
        work_end=pl.col("actual_end") - minutes(closes_min),
        open_arrived_at=pl.when(done).then(pl.col("start") + minutes(arrives_min[0])),
        close_arrived_at=pl.when(done).then(pl.col("end") + minutes(arrives_min[1])),
    )


def _times(moments_s: np.ndarray) -> pl.Series:
    return pl.Series(moments_s.astype("datetime64[s]").astype("datetime64[us]"))

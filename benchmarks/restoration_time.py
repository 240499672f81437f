"""When power is back, told at first sight: one month of a public outage map (PG&E, October 2019), a new model every morning.

    python -m benchmarks.restoration_time FILE      # events_2019_10_psps.csv.gz

Of each outage only what the map showed when it was first seen is known; models are trained each morning on outages that were
over by then. What the utility itself estimated at first sight is one of the things known, as the desk learns from what persons
told. Truth is the moment by which an outage had gone from the map. Left out: repeated numbers of outages, and those first seen
before they began or more than a day later. In the month there were three shut-offs of whole regions for fear of fires; days on
which one was under way are told apart. `utility` is the first estimate that the utility showed, where it showed one.
"""

from __future__ import annotations

import argparse
import time
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from repair.desk.restoration_time.model import Features, RestorationTimes
from repair.settings import RestorationTimeSettings

SHUT_OFFS = (
    (date(2019, 10, 9), date(2019, 10, 11)),
    (date(2019, 10, 23), date(2019, 10, 24)),
    (date(2019, 10, 26), date(2019, 10, 31)),
)
FEATURES = Features(
    (
        "hour",
        "weekday",
        "latitude",
        "longitude",
        "customers_first",
        "seen_after_h",
        "open_faults",
        "open_near",
        "utility_h",
    ),
    ("cause_first", "region"),
)
MORNING_H = 7
SETTLED_H = 24
"""Outages seen within so many hours before the morning are not learned from: those that are over already are the short ones."""


def events(file: str) -> pl.DataFrame:
    """Return the outages with what was known at first sight, in order of it."""
    raw = pl.read_csv(file, try_parse_dates=True, infer_schema_length=10_000)
    kept = raw.unique("outage_number", keep="first", maintain_order=True).with_columns(
        seen_after_h=(pl.col("first_seen") - pl.col("start_utc")).dt.total_seconds() / 3600,
        hours=(pl.col("gone_by") - pl.col("first_seen")).dt.total_seconds() / 3600,
        utility_h=(pl.col("etor_first") - pl.col("first_seen")).dt.total_seconds() / 3600,
        local=pl.col("first_seen") - timedelta(hours=7),
    )
    kept = kept.filter(pl.col("seen_after_h").is_between(0, 24), pl.col("hours") > 0).sort(
        "first_seen", maintain_order=True
    )
    print(f"{raw.height} rows, {kept.height} outages kept")
    seen, gone = kept["first_seen"].to_numpy(), kept["gone_by"].to_numpy()
    is_open = np.searchsorted(seen, seen, "right") - np.searchsorted(np.sort(gone), seen, "right")
    day = pl.col("local").dt.date()
    return kept.with_columns(
        hour=pl.col("local").dt.hour() + pl.col("local").dt.minute() / 60,
        weekday=pl.col("local").dt.weekday(),
        open_faults=pl.Series(is_open),
        open_near=pl.Series(_open_near(kept)),
        shut_off=pl.any_horizontal(day.is_between(*shut_off) for shut_off in SHUT_OFFS),
        row=pl.int_range(pl.len()),
    )


def _open_near(kept: pl.DataFrame) -> np.ndarray:
    """Return how many outages were open within about 20 km when each was first seen."""
    seen, gone = kept["first_seen"].to_numpy(), kept["gone_by"].to_numpy()
    lat, lon = kept["latitude"].to_numpy(), kept["longitude"].to_numpy()
    found = np.zeros(kept.height)
    for number in range(kept.height):
        begin = np.searchsorted(seen, seen[number] - np.timedelta64(72, "h"))
        before = slice(begin, number)
        near = (np.abs(lat[before] - lat[number]) < 0.18) & (np.abs(lon[before] - lon[number]) < 0.22)
        found[number] = (near & (gone[before] > seen[number])).sum()
    return found


def told_each_morning(outages: pl.DataFrame) -> pl.DataFrame:
    """Return the outages from 8 October on with what a model of that morning told of them."""
    rules, parts = RestorationTimeSettings(), []
    for day in range(8, 32):
        morning = datetime(2019, 10, day, MORNING_H)
        past = outages.filter(
            pl.col("gone_by") <= morning, pl.col("first_seen") <= morning - timedelta(hours=SETTLED_H)
        )
        new = outages.filter(pl.col("first_seen").is_between(morning, morning + timedelta(days=1), closed="right"))
        model = RestorationTimes(past, FEATURES, rules)
        by_cause = RestorationTimes(past, FEATURES, rules.model_copy(update={"least_history": 10**9}))
        parts.append(
            pl.concat([new, model.estimate(new), by_cause.estimate(new).select(cause_h="likely_h")], how="horizontal")
        )
    return pl.concat(parts)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    began = time.process_time()
    found = told_each_morning(events(parser.parse_args().file))
    held = pl.col("hours").is_between(pl.col("low_h"), pl.col("high_h"))
    told = {"likely_h": "own MAE h", "cause_h": "by cause", "utility_h": "utility"}
    figures = (
        pl.len().alias("outages"),
        *((pl.col(name) - pl.col("hours")).abs().mean().alias(says) for name, says in told.items()),
        (held.mean() * 100).alias("in range %"),
        ((pl.col("hours") < pl.col("low_h")).mean() * 100).alias("sooner %"),
        (pl.col("high_h") - pl.col("low_h")).median().alias("width h"),
        (pl.col("out_of_depth").mean() * 100).alias("out of depth %"),
    )
    compared = pl.col("utility_h").is_not_null()
    with pl.Config(
        tbl_cols=-1,
        tbl_width_chars=150,
        float_precision=2,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
    ):
        print("all", found.group_by("shut_off").agg(figures).sort("shut_off"))
        print(
            "with an estimate of the utility", found.filter(compared).group_by("shut_off").agg(figures).sort("shut_off")
        )
        quiet = found.filter(~pl.col("shut_off"))
        print("by day", quiet.group_by(pl.col("local").dt.date().alias("day")).agg(figures[0], figures[4]).sort("day"))
    errors = [(pl.col(name) - pl.col("hours")).abs().mean() for name in told]
    own, cause, utility = quiet.filter(compared).select(errors).row(0)
    print(f"of the utility {own / utility:.3f}, of the median by cause {own / cause:.3f}")
    print(f"{time.process_time() - began:.0f} s of the processor")


if __name__ == "__main__":
    main()

"""Forecast, levers, budget and report of a large county with ten years of events: how long each takes once the ledger is there.

    python -m benchmarks.steering                       # a million customers, 700 feeders, ten years of events
    python -m benchmarks.steering 100000 --years 3
    python -m benchmarks.steering --workspace FOLDER    # one that is there

The generated county has three years; earlier ones repeat them, moved back in time. Seconds of the processor stand beside those of
the clock: they say more on a machine that others use. Every question is asked once, of a workspace that nothing was asked of
but its ledger; what the desk of planned outages computes is timed apart, since a server has it before anybody asks.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

import fudian
from data_samples.generator.county import generate
from fudian import Utility
from reliability.steering.forecast import forecast

GENERATED_YEARS = 3
EVENTS = {
    "outages": "outage_id",
    "stages": "outage_id",
    "plans": "plan_id",
    "live_jobs": "job_id",
    "orders": "order_id",
}
"""Tables of events that are repeated, and the column that names an event."""

MONTH, PLAN = "2022-07", "jinhua-2022"


def lengthen(folder: Path, years: int) -> None:
    """Let a generated workspace of three years have more of them: what happened is repeated, moved back by three years each.

    Args:
        folder: of Parquet files.
        years: that it has afterwards.
    """
    for name, id_column in EVENTS.items():
        table = pl.read_parquet(folder / f"{name}.parquet")
        moments = [column for column, kind in table.schema.items() if isinstance(kind, pl.Datetime)]
        first = next(each for each in ("start", "restored_at", "accept_time") if each in moments)
        ids = [each for each in (id_column, "outage_id", "parent_id") if each in table.columns]
        parts = [table]
        for back in range(GENERATED_YEARS, years, GENERATED_YEARS):
            moved = table.with_columns(
                pl.col(moments).dt.offset_by(f"-{back}y"), pl.col(*dict.fromkeys(ids)) + f"-{back}"
            )
            parts.append(moved.filter(pl.col(first).dt.year() > 2022 - years))
        whole = pl.concat(parts)
        if name != "outages" and "outage_id" in whole.columns:
            known = pl.read_parquet(folder / "outages.parquet")["outage_id"]
            whole = whole.filter(pl.col("outage_id").is_null() | pl.col("outage_id").is_in(known.implode()))
        whole.sort(first).write_parquet(folder / f"{name}.parquet")


class Watch:
    """Times what is asked."""

    def __init__(self) -> None:
        """Begin a table."""
        self.table = Table("what", "clock, s", "processor, s")

    def of(self, what: str, ask: Callable[[], Any]) -> Any:
        """Ask, and add a row."""
        clock, processor = time.perf_counter(), time.process_time()
        answer = ask()
        row = time.perf_counter() - clock, time.process_time() - processor
        self.table.add_row(what, *(f"{each:.2f}" for each in row))
        return answer


def measure(folder: Path, watch: Watch) -> None:
    """Ask for everything that steers a year, in the order in which a desk would."""

    def opened() -> Utility:
        utility = fudian.open(folder, "zh")
        utility.require_records()
        return utility

    utility = watch.of("tables and network", opened)
    watch.of("ledger: a year's figures by class", partial(utility.indices, "2022", by="region_class"))
    alone = partial(forecast, utility._statistics, PLAN, 2022)
    watch.of(f"forecast, {PLAN}, without plans to come", alone)
    watch.of("desk of planned outages, all plans to come", utility.budget)
    for plan in utility.target_plans:
        watch.of(f"forecast, {plan}", partial(utility.forecast, plan))
    watch.of("levers", partial(utility.levers, PLAN))
    watch.of("why, by class and cause", partial(utility.why, "2021", "2022", by=("region_class", "cause")))
    watch.of("process, monthly SAIDI", utility.process)
    watch.of("process, live-line ratio", partial(utility.process, "live_jobs"))
    watch.of("frequent outages, bands", utility.frequent_bands)
    for period in (MONTH, "2022"):
        report = watch.of(f"report of {period}", partial(utility.report, period, PLAN))
        for ending in ("pdf", "docx", "xlsx"):
            with tempfile.TemporaryDirectory() as scratch:
                to = Path(scratch) / f"report.{ending}"
                watch.of(f"  written as {ending}", partial(utility.write_report, report, to))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("customers", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--workspace", type=Path)
    given = parser.parse_args()
    watch = Watch()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.workspace or Path(scratch)
        if given.workspace is None:
            generate(given.customers, folder)
            lengthen(folder, given.years)
        years = pl.read_parquet(folder / "outages.parquet", columns=["start"])["start"].dt.year()
        measure(folder, watch)
    console = Console()
    known = sorted(years.unique())
    console.print(f"{given.customers:,} customers, {years.len():,} outages, {known[0]} to {known[-1]}")
    console.print(watch.table)


if __name__ == "__main__":
    main()

"""The sample county as tables and as a folder of files, the way a utility would hold them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import xlsxwriter

from data_samples.generator.automation import (
    make_actions,
    make_applications,
    make_automation_outages,
    make_earlier_orders,
    make_terminals,
    with_operations,
)
from data_samples.generator.customers import make_customers
from data_samples.generator.network import BRANCH_COLUMNS, TRANSFORMER_COLUMNS, make_grid, make_sensors
from data_samples.generator.outages import make_outages
from data_samples.generator.places import COUNTY_NAME
from data_samples.generator.signals import Story, make_story, make_switching
from data_samples.generator.work import (
    make_bases,
    make_budget,
    make_crews,
    make_live_jobs,
    make_orders,
    make_plans,
    make_shifts,
    make_travel,
)
from network.tables.schema import TABLES

COUNTY: Path = Path(__file__).parent.parent / "county"
"""The default county as files, ready to be opened."""

EXPORTED_UP_TO_CUSTOMERS = 100_000
MINIMUM_CUSTOMERS = 1_000
CHINESE_HEADERS = frozenset({"customers", "outages", "live_jobs"})
GB18030_FILES = frozenset({"customers"})
WORKBOOKS = frozenset({"plans"})
SETTINGS = f"""name = "{COUNTY_NAME}"
as_of = 2023-01-01T00:00:00

[files]
signals = ""  # the folder: incidents one by one, for --signals

[planned]
utility_profile = "xihua"
monthly_budget = "tell"
holidays = [{", ".join(f"2023-01-{day}" for day in range(21, 28))}]
generator_kva = 400.0
generators = 2
generator_cost_per_day = 3000.0

[grid]
long_feeders_base = 2

[reliability]
minimum_history_years = 2
"""

OUTAGE_COLUMNS = (
    "outage_id", "start", "end", "nature", "external", "cause", "unit", "branch_id", "feeder_id", "transformer_id",
    "customer_id", "exclusion",
)  # fmt: skip

Progress = Callable[[str], None]


def make_county(customers: int = 20_000, seed: int = 2022) -> dict[str, pl.DataFrame]:
    """Make the tables of a county.

    Args:
        customers: number of low-voltage customers, at least 1,000. Every 20,000 get another district: two
            substations and fourteen feeders.
        seed: the same seed gives the same tables.

    Returns:
        Tables of a workspace by name, with English columns and codes.

    Raises:
        ValueError: if there are fewer than 1,000 customers.
    """
    tables, _ = _make(customers, seed, _silent)
    return tables


def generate(customers: int, folder: Path, seed: int = 2022, progress: Progress | None = None) -> None:
    """Make a county and write it as a workspace.

    Args:
        customers: number of low-voltage customers, at least 1,000. Up to 100,000 the files look like a utility's
            exports; beyond that they are Parquet.
        folder: where to; made if it does not exist.
        seed: the same seed gives the same files.
        progress: called with a line of text at each step.

    Raises:
        ValueError: if there are fewer than 1,000 customers.
    """
    tell = progress or _silent
    tables, story = _make(customers, seed, tell)
    tell(f"{folder}")
    write_county(tables, folder, as_exported=customers <= EXPORTED_UP_TO_CUSTOMERS)
    _write_incidents(story, folder / "signals")


def _silent(_: str) -> None:
    """Say nothing."""


def _make(customers: int, seed: int, tell: Progress) -> tuple[dict[str, pl.DataFrame], Story]:
    if customers < MINIMUM_CUSTOMERS:
        raise ValueError(f"a county needs at least {MINIMUM_CUSTOMERS} customers, not {customers}")
    for_network, for_customers, for_story, for_outages, for_work, for_automation = (
        np.random.default_rng([seed, part]) for part in range(6)
    )
    grid = make_grid(customers, for_network)
    tell(f"{grid.feeders.height} feeders, {grid.branches.height} branches, {grid.transformers.height} transformers")
    sensors = make_sensors(grid)
    customer_table = make_customers(grid, customers, for_customers)
    tell(f"{customer_table.height} customers")
    story = make_story(grid, sensors, customer_table, for_story)
    records = make_outages(grid, customer_table, story.outages, for_outages)
    tell(f"{records.outages.height} outages, {records.stages.height} stages")
    terminals = make_terminals(grid, for_automation)
    tables = {
        "sources": grid.sources,
        "feeders": grid.feeders,
        "branches": grid.branches.select(BRANCH_COLUMNS),
        "nodes": grid.nodes,
        "transformers": grid.transformers.select(TRANSFORMER_COLUMNS),
        "customers": customer_table,
        "outages": records.outages.select(OUTAGE_COLUMNS),
        "stages": records.stages,
        "switching": make_switching(grid, records),
        "signals": pl.concat(list(story.signals.values())).sort("time", "object", "object_id"),
        "sensors": sensors,
        "live_jobs": make_live_jobs(grid, records, for_work),
        "plans": with_operations(make_plans(grid, records, for_work), for_automation),
        "orders": pl.concat(
            [make_earlier_orders(grid, for_automation), make_orders(grid, records, for_work)], how="diagonal"
        ),
        "crews": make_crews(),
        "automation_terminals": terminals,
        "automation_actions": make_actions(grid, for_automation),
        "automation_outages": make_automation_outages(terminals, for_automation),
        "applications": make_applications(grid, for_automation),
        "budget": make_budget(grid),
        "bases": make_bases(),
        "shifts": make_shifts(),
        "travel": make_travel(),
    }
    return tables, story


def write_county(tables: dict[str, pl.DataFrame], folder: Path, *, as_exported: bool) -> None:
    """Write tables and settings of a county.

    Args:
        tables: tables of a workspace by name.
        folder: where to; made if it does not exist.
        as_exported: mixed forms as utilities hold them: Chinese headers, GB18030, a workbook. Otherwise Parquet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fudian.toml").write_text(SETTINGS, encoding="utf-8", newline="\n")
    for name, table in tables.items():
        if not as_exported:
            table.write_parquet(folder / f"{name}.parquet")
        elif name in WORKBOOKS:
            _write_workbook(_in_chinese(name, table), folder / f"{name}.xlsx")
        else:
            _write_text(name, table, folder / f"{name}.csv")


def _write_text(name: str, table: pl.DataFrame, path: Path) -> None:
    table = _in_chinese(name, table) if name in CHINESE_HEADERS else table
    text = table.write_csv(datetime_format="%Y-%m-%d %H:%M:%S")
    encoding = "gb18030" if name in GB18030_FILES else "utf-8-sig" if name in CHINESE_HEADERS else "utf-8"
    path.write_text(text, encoding=encoding, newline="\n")


def _in_chinese(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with Chinese headers, words for codes, and 是 and 否."""
    columns = []
    for column in TABLES[name].columns:
        if column.name not in table.columns:
            continue
        value = pl.col(column.name)
        if column.kind == "boolean":
            value = pl.when(value).then(pl.lit("是")).when(~value).then(pl.lit("否"))
        elif column.codes:
            value = value.replace_strict(
                {code: words[0] for code, words in column.codes.items()}, return_dtype=pl.String
            )
        columns.append(value.alias(column.chinese))
    return table.select(columns)


def _write_workbook(table: pl.DataFrame, path: Path) -> None:
    """Write a table as the only sheet of a workbook whose bytes do not depend on the time of day."""
    with xlsxwriter.Workbook(path) as workbook:
        workbook.set_properties({"created": datetime(2023, 1, 1)})
        table.write_excel(workbook, "Sheet1", dtype_formats={pl.Datetime: "yyyy-mm-dd hh:mm:ss"}, autofit=False)


def _write_incidents(story: Story, folder: Path) -> None:
    """Write the signals of each incident as its own file, and which branch was faulted."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, signals in story.signals.items():
        _write_text("signals", signals, folder / f"{name}.csv")
    truth = {f"{name}.csv": branch_id for name, branch_id in story.truth.items()}
    (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    generate(20_000, COUNTY)

"""Records as clerks send them, from the file to the figures: processor's time and memory of whole commands.

    .venv/bin/python -m benchmarks.records                    # a million rows in GBK, a workbook of 60,000
    .venv/bin/python -m benchmarks.records 100000 6000        # other sizes
    .venv/bin/python -m benchmarks.records --beside FOLDER    # another checkout beside it, on the same files in the same run

Each command runs in a process of its own, with one thread, in turns with the other checkout; figures must be the same before a
time is shown. What counts is the least of three runs; the first compiles what Python compiles once, as an installation does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parents[1]
RUNS = 3
NATURES = ("预安排停电/计划停电/检修停电", "故障停电/内部故障停电", "预安排停电/临时停电/临时检修停电")
CLASSES = ("市中心区", "市区", "城镇", "农村")
HEADERS = ("停电编号", "停电时间", "送电时间", "停电性质", "停电户数", "地区特征")
COMMANDS: dict[str, Sequence[str]] = {
    "check": (),
    "indices": ("--start", "2022-01-01", "--end", "2023-01-01", "--by", "region_class"),
}


class Cost(NamedTuple):
    """What one run of a command took, and the figures that it told."""

    processor_s: float
    memory_mb: float
    figures: Any


def records(count: int, seed: int = 1) -> pl.DataFrame:
    """Return the records of a year as a clerk's sheet has them, all cells text."""
    rng = np.random.default_rng(seed)
    begin = rng.integers(0, 525_000, count)
    span = rng.integers(4, 600, count)
    moments = [
        [f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute:02d}" for moment in times]
        for times in (
            [datetime(2022, 1, 1) + timedelta(minutes=minute) for minute in minutes.tolist()]
            for minutes in (begin, begin + span)
        )
    ]
    natures, classes = rng.choice(NATURES, count), rng.choice(CLASSES, count)
    columns = ([f"JH{row:07d}" for row in range(count)], *moments, natures, rng.integers(1, 300, count), classes)
    return pl.DataFrame(dict(zip(HEADERS, columns, strict=True)))


def written(folder: Path, rows: pl.DataFrame, *, workbook: bool) -> Path:
    """Write a workspace of records and stated users, as a text in GBK or as a workbook."""
    folder.mkdir()
    if workbook:
        rows.write_excel(folder / "outages.xlsx")
    else:
        (folder / "outages.csv").write_text(rows.write_csv(), "gbk")
    (folder / "population.csv").write_text("region_class,users\n" + "".join(f"{each},100000\n" for each in CLASSES))
    return folder


def run(checkout: Path, command: str, workspace: Path) -> Cost:
    """Run a command of a checkout in a process of its own."""
    module = "fudian.cli" if (checkout / "fudian").is_dir() else "fudian"
    asked = [sys.executable, "-m", module, command, str(workspace), *COMMANDS[command], "--json"]
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(workspace.parent / "compiled")}
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(asked, cwd=checkout, stdout=told, stderr=subprocess.DEVNULL, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        told.seek(0)
        answer = json.loads(told.read())
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{' '.join(asked)} failed in {checkout}")
    figures = answer.get("rows") if command == "indices" else None
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, figures)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[1_000_000, 60_000])
    parser.add_argument("--beside", type=Path, help="another checkout")
    given = parser.parse_args()
    sides = {"this": HERE} | ({"beside": given.beside.resolve()} if given.beside else {})
    table = Table("file", "command", *(f"{side}, {what}" for side in sides for what in ("s of processor", "MB")))
    with tempfile.TemporaryDirectory() as room:
        text_rows, sheet_rows = given.sizes
        files = {
            f"{text_rows:,} rows of GBK": written(Path(room) / "text", records(text_rows), workbook=False),
            f"workbook of {sheet_rows:,} rows": written(Path(room) / "book", records(sheet_rows), workbook=True),
        }
        for name, workspace in files.items():
            for command in COMMANDS:
                costs: dict[str, list[Cost]] = {side: [] for side in sides}
                for _ in range(RUNS):
                    for side, checkout in sides.items():
                        costs[side].append(run(checkout, command, workspace))
                told = [cost.figures for runs in costs.values() for cost in runs]
                if not all(same(told[0], each) for each in told):
                    sys.exit(f"{name}, {command}: the figures are not the same")
                cells = [
                    f"{min(getattr(cost, what) for cost in runs):,.{digits}f}"
                    for runs in costs.values()
                    for what, digits in (("processor_s", 2), ("memory_mb", 0))
                ]
                table.add_row(name, command, *cells)
    Console(width=140).print(table)


def same(one: Any, other: Any) -> bool:
    """Return whether two tables of figures agree in the columns that both have."""
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and all(
        left[name] == right[name] or abs(left[name] - right[name]) <= 1e-9 * abs(left[name])
        for left, right in zip(one, other, strict=True)
        for name in left.keys() & right.keys()
        if isinstance(left[name], int | float) and isinstance(right[name], int | float)
    )


if __name__ == "__main__":
    main()

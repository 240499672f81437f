"""Networks deeper, wider and more parallel than any: every command takes seconds of the processor (make test-long)."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from fudian.ahead import load_compiled
from fudian.cli.app import app

SECONDS = 10.0
COUNT = 200_000
FEEDERS = 20_000
RECORDS = 12


def path(kind: str) -> tuple[list[int], list[int], list[str]]:
    return list(range(COUNT)), list(range(1, COUNT + 1)), [kind if at % 2 == 0 else "line" for at in range(COUNT)]


def star(kind: str) -> tuple[list[int], list[int], list[str]]:
    return [0] + [1] * (COUNT - 1), list(range(1, COUNT + 1)), [kind] * COUNT


def parallel(kind: str) -> tuple[list[int], list[int], list[str]]:
    return [0] + [1] * (COUNT // 2), [1] + [2] * (COUNT // 2), [kind] * (COUNT // 2 + 1)


def comb(kind: str) -> tuple[list[int], list[int], list[str]]:
    """More feeders at one source than a province has, each of a breaker and one more branch."""
    ends, beyond = range(1, FEEDERS + 1), range(FEEDERS + 1, 2 * FEEDERS + 1)
    return [0] * FEEDERS + list(ends), [*ends, *beyond], ["breaker"] * FEEDERS + [kind] * FEEDERS


def write(folder: Path, tail: list[int], head: list[int], kinds: list[str], feeders: int = 1) -> None:
    branches = {
        "branch_id": [f"B{at}" for at in range(len(tail))],
        "from_node": [f"N{at}" for at in tail],
        "to_node": [f"N{at}" for at in head],
        "kind": ["breaker", *kinds[1:]],
        "feeder_id": [f"F{at % feeders}" for at in range(len(tail))],
    }
    pl.DataFrame(branches).write_parquet(folder / "branches.parquet")
    nodes = sorted(set(head))[::4]
    users = pl.DataFrame({"transformer_id": [f"T{at}" for at in nodes], "node": [f"N{at}" for at in nodes]})
    users.write_parquet(folder / "transformers.parquet")
    customers = users.select(pl.format("C{}", "transformer_id").alias("customer_id"), "transformer_id")
    customers.write_parquet(folder / "customers.parquet")
    (folder / "sources.csv").write_text("node\nN0\n")
    names = pl.DataFrame({"feeder_id": [f"F{at}" for at in range(feeders)]})
    names.with_columns(name="feeder_id").write_csv(folder / "feeders.csv")


def add_records(folder: Path, feeders: int) -> None:
    """Write outages of two years, a switching log, signals and plans, far from the source and near it."""
    begun = [datetime(2021 + at % 2, 1 + at % 12, 1 + at % 28, 8) for at in range(RECORDS)]
    outages = {
        "outage_id": [f"O{at}" for at in range(RECORDS)],
        "start": begun,
        "end": [time + timedelta(minutes=7 + 13 * at) for at, time in enumerate(begun)],
        "nature": ["F-INT" if at % 3 else "P-PLAN-MAINT" for at in range(RECORDS)],
        "branch_id": [f"B{1 + 797 * at % (FEEDERS // 2 - 1)}" for at in range(RECORDS)],
    }
    pl.DataFrame(outages).write_parquet(folder / "outages.parquet")
    moment = datetime(2022, 11, 1, 8)
    log = [{"time": moment, "branch_id": "B0", "action": "open"}]
    log.append({"time": moment + timedelta(hours=1), "branch_id": "B0", "action": "close"})
    pl.DataFrame(log).write_csv(folder / "switching.csv")
    users = pl.read_parquet(folder / "transformers.parquet")["transformer_id"]
    signals = [{"time": moment, "object": "branch", "object_id": "B0", "kind": "trip"}]
    signals += [{"time": moment, "object": "transformer", "object_id": each, "kind": "off"} for each in users.tail(20)]
    pl.DataFrame(signals).write_csv(folder / "signals.csv")
    plan = {
        "plan_id": "P1",
        "start": moment,
        "end": moment + timedelta(hours=4),
        "branch_id": "B1000",
        "feeder_id": "F0",
    }
    pl.DataFrame([plan]).write_csv(folder / "plans.csv")
    (folder / "sensors.csv").write_text("branch_id,kind\nB0,ftu\n")


ASKED: dict[str, list[list[str]]] = {
    "affected": [["--fault", "B1000"], ["--open", "B1000"], ["--signals", "SIGNALS"]],
    "forecast": [["--plan", "jinhua-2022", "--as-of", "2022-10-01"]],
    "infer": [["--signals", "SIGNALS"]],
    "levers": [["--plan", "jinhua-2022", "--as-of", "2022-10-01"]],
    "locate": [["--signals", "SIGNALS"]],
    "report": [["--year", "2022"]],
    "restore": [["--fault", "B1000"]],
    "targets": [["--plan", "jinhua-2022", "--year", "2022"]],
    "why": [["--from", "2021", "--to", "2022"]],
}
"""What commands are asked that need more than a workspace."""

NO_QUESTION = {"serve", "backup", "restore-backup", "erase", "looks", "map", "replay", "incident-record"}
"""Commands of servers, of the store and of one file, which read no network."""


REFUSED = {"bases"}
"""Commands that need places, which these networks have not."""


def commands() -> list[list[str]]:
    """Return every command that takes a workspace, as it is asked; a new one is among them without a word."""
    found = typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    names = [name for name, each in found if any(option.name == "workspace" for option in each.params)]
    return [[name, *rest] for name in names if name not in NO_QUESTION for rest in ASKED.get(name, [[]])]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Have compiled what is compiled once for a machine."""
    load_compiled()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["line", "switch"])
@pytest.mark.parametrize("shape", [path, star, parallel, comb])
def test_every_command_takes_seconds(shape: Callable[[str], tuple[Any, ...]], kind: str, tmp_path: Path) -> None:
    """Each answers, or says which table it lacks, within ten seconds of the processor."""
    feeders = FEEDERS if shape is comb else 1
    tail, head, kinds = shape(kind)
    write(tmp_path, tail, head, kinds, feeders=feeders)
    add_records(tmp_path, feeders)
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    slow = []
    for asked in [*commands(), ["diff", str(tmp_path)]]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        rest = [str(tmp_path / "signals.csv") if word == "SIGNALS" else word for word in asked[1:]]
        command = [sys.executable, "-m", "fudian.cli", asked[0], str(tmp_path), *rest]
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{shape.__name__} of {kind}: {' '.join(asked)}: {seconds:.1f} s, {done.returncode}")
        assert done.returncode in ({2} if asked[0] in REFUSED else {0, 1}), done.stderr[-500:]
        assert b"inside Fudian" not in done.stderr
        slow += [(asked, seconds)] if seconds >= SECONDS else []
    assert slow == []

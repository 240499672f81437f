"""Networks deeper, wider and more parallel than any: every command takes seconds of the processor (make test-long)."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

SECONDS = 10.0
COUNT = 200_000


def path(kind: str) -> tuple[list[int], list[int], list[str]]:
    return list(range(COUNT)), list(range(1, COUNT + 1)), [kind if at % 2 == 0 else "line" for at in range(COUNT)]


def star(kind: str) -> tuple[list[int], list[int], list[str]]:
    return [0] + [1] * (COUNT - 1), list(range(1, COUNT + 1)), [kind] * COUNT


def parallel(kind: str) -> tuple[list[int], list[int], list[str]]:
    return [0] + [1] * (COUNT // 2), [1] + [2] * (COUNT // 2), [kind] * (COUNT // 2 + 1)


def comb(kind: str) -> tuple[list[int], list[int], list[str]]:
    """A feeder of one breaker and one more branch at every place of one source."""
    ends = range(1, COUNT + 1)
    return [0] * COUNT + list(ends), [*ends, *range(COUNT + 1, 2 * COUNT + 1)], ["breaker"] * COUNT + [kind] * COUNT


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


@pytest.mark.long
@pytest.mark.parametrize("kind", ["line", "switch"])
@pytest.mark.parametrize("shape", [path, star, parallel, comb])
def test_every_command_takes_seconds(shape: Callable[[str], tuple[Any, ...]], kind: str, tmp_path: Path) -> None:
    tail, head, kinds = shape(kind)
    write(tmp_path, tail, head, kinds, feeders=COUNT if shape is comb else 1)
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for asked in (["check"], ["affected", "--fault", "B1000"], ["affected", "--open", "B1000"], ["grid-kpi"], ["n-1"]):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "fudian.cli", asked[0], str(tmp_path), *asked[1:]]
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{shape.__name__} of {kind}: {' '.join(asked)}: {seconds:.1f} s")
        assert done.returncode == 0, done.stderr[-500:]
        assert seconds < SECONDS

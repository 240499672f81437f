"""Who is off by a fault, on a network of a million nodes: the feeders concerned alone, beside a trace of everything.

    .venv/bin/python -m benchmarks.affected           # a million nodes
    .venv/bin/python -m benchmarks.affected 100000    # any size

The head of every feeder is a breaker, every fortieth branch beyond a recloser; 50 faults strike at random. Both ways must name
the same transformers before a time is shown.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import polars as pl

from benchmarks.network import Feeders
from network import Supply, network_from_tables
from repair import affected_by_fault, fault_area
from repair.isolation import isolate

FAULTS = 50


def main() -> None:
    """Measure and print."""
    feeders = Feeders.seeded(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    tables = feeders.tables()
    at_head = pl.Series(np.isin(feeders.tail, feeders.sources))
    kind = (
        pl.when(at_head)
        .then(pl.lit("breaker"))
        .when(pl.col("kind") == "switch")
        .then(pl.lit("recloser"))
        .otherwise("kind")
    )
    tables["branches"] = tables["branches"].with_columns(kind=kind)
    net = network_from_tables(tables)
    supply = net.energise()
    affected_by_fault(supply, "B1"), fault_area(supply, "B1")
    local_s, area_s, whole_s = [], [], []
    for branch in np.random.default_rng(1).integers(0, feeders.closed.stop, FAULTS).tolist():
        begun = time.perf_counter()
        found = affected_by_fault(supply, f"B{branch}")
        local_s.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        fault_area(supply, f"B{branch}")
        area_s.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        fault = isolate(supply, f"B{branch}")
        is_open = supply.is_open.copy()
        is_open[fault.tripped] = True
        expected = supply.lost_in(Supply.of(net, is_open, fault.lost_sources))
        whole_s.append(time.perf_counter() - begun)
        assert np.array_equal(np.sort(found.hit.transformer_index), np.sort(expected.transformer_index))
        assert np.array_equal(np.sort(found.hit.customer_index), np.sort(expected.customer_index))
    for name, seconds in (("outage area", local_s), ("with isolation", area_s), ("a trace of everything", whole_s)):
        print(f"{name}: median {np.median(seconds) * 1e3:,.1f} ms, longest {max(seconds) * 1e3:,.1f} ms")


if __name__ == "__main__":
    main()

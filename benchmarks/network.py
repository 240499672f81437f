"""The network floor beside networkx, rustworkx (where installed) and bare scipy on the same seeded networks.

    python -m benchmarks.network            # 10k and 100k nodes
    python -m benchmarks.network 1000000    # any sizes

Answers are compared before anything is timed. Times are of this machine and this run; the ratios are what counts.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from network import Network, network_from_tables

NODES_PER_FEEDER = 1_000
CUSTOMERS_PER_NODE = 5
SWITCH_EVERY = 40


def seeded_network(nodes: int, seed: int = 1) -> Network:
    """Return feeders of about 1,000 nodes with random trees, and ties between neighbouring feeders; all ties open."""
    rng = np.random.default_rng(seed)
    feeders = max(1, nodes // NODES_PER_FEEDER)
    place = np.arange(nodes)
    feeder = place // NODES_PER_FEEDER
    within = place % NODES_PER_FEEDER
    parent = place - rng.integers(1, np.clip(within, 1, 30), endpoint=True, size=nodes)
    lower = place[within > 0]
    names = pl.Series("node", [f"N{i}" for i in range(nodes)])
    ties = max(50, feeders)
    tie_from = rng.integers(0, nodes, ties)
    tie_to = np.minimum(tie_from + NODES_PER_FEEDER, nodes - 1)
    ends = np.concatenate([parent[lower], tie_from]), np.concatenate([lower, tie_to])
    count = len(ends[0])
    branches = pl.DataFrame(
        {
            "branch_id": [f"B{i}" for i in range(count)],
            "from_node": names.gather(ends[0]),
            "to_node": names.gather(ends[1]),
            "kind": np.where(np.arange(count) % SWITCH_EVERY == 0, "switch", "line"),
            "normally_open": np.arange(count) >= len(lower),
        }
    ).filter(pl.col("from_node") != pl.col("to_node"))
    transformers = pl.DataFrame({"transformer_id": pl.Series([f"T{i}" for i in range(nodes)]), "node": names})
    customers = pl.DataFrame(
        {
            "customer_id": pl.int_range(nodes * CUSTOMERS_PER_NODE, eager=True).cast(pl.String),
            "transformer_id": transformers["transformer_id"].gather(rng.integers(0, nodes, nodes * CUSTOMERS_PER_NODE)),
        }
    )
    sources = pl.DataFrame({"node": names.gather(np.unique(feeder) * NODES_PER_FEEDER)})
    return network_from_tables(
        {"sources": sources, "branches": branches, "transformers": transformers, "customers": customers}
    )


def seconds(work: Callable[[], Any], least: float = 0.3) -> float:
    """Return the best time of several runs."""
    best, spent = float("inf"), 0.0
    while spent < least:
        begun = time.perf_counter()
        work()
        took = time.perf_counter() - begun
        best, spent = min(best, took), spent + took
    return best


def branch_with(net: Network, nodes: int) -> tuple[str, int]:
    """Return the branch whose transformers below are nearest to a number."""
    below = net.energise().users_below()
    index = int(np.argmin(np.abs(below - nodes)))
    return net.branches["branch_id"][index], index


def measure(nodes: int) -> list[tuple[str, str, float, float | None]]:
    """Return (work, who, seconds, ratio to Fudian) for one size."""
    net = seeded_network(nodes)
    supply = net.energise()
    branch, index = branch_with(net, 500)
    below = supply.below(branch)
    _ = below.customers
    rows: list[tuple[str, str, float, float | None]] = []

    fudian = {
        "energise": seconds(net.energise),
        "downstream list": seconds(lambda: supply.below(branch).customer_index),
        "all what-ifs": seconds(supply.customers_below),
    }
    rows += [(work, "fudian", took, None) for work, took in fudian.items()]

    closed = ~net.normally_open
    ends = net.from_node[closed], net.to_node[closed]
    root = len(net.nodes)
    tail = np.concatenate([ends[0], np.full(len(net.source_node), root)])
    head = np.concatenate([ends[1], net.source_node])
    graph = csr_array(
        (np.ones(2 * len(tail)), (np.concatenate([tail, head]), np.concatenate([head, tail]))), shape=(root + 1,) * 2
    )
    pass_s = seconds(lambda: breadth_first_order(graph, root))
    rows.append(("all what-ifs", "one bare scipy pass", pass_s, pass_s / fudian["all what-ifs"]))

    import networkx as nx

    peer = nx.Graph()
    peer.add_edges_from(zip(tail.tolist(), head.tolist(), strict=True))
    top = int(net.from_node[index]), int(net.to_node[index])
    lower = max(top, key=lambda node: supply.place_of[node])
    tree = nx.bfs_tree(peer, root)
    found = nx.descendants(tree, lower) | {lower}
    ours = set(net.transformer_node[below.transformer_index].tolist())
    assert ours == found, "the downstream list of networkx differs"
    took = seconds(lambda: nx.descendants(tree, lower))
    rows.append(("downstream list", "networkx, tree oriented beforehand", took, took / fudian["downstream list"]))

    if importlib.util.find_spec("rustworkx"):
        import rustworkx as rx

        oriented = rx.PyDiGraph()
        oriented.add_nodes_from(range(root + 1))
        oriented.add_edges_from_no_data(list(tree.edges))
        assert set(rx.descendants(oriented, lower)) | {lower} == ours, "the downstream list of rustworkx differs"
        took = seconds(lambda: rx.descendants(oriented, lower))
        rows.append(("downstream list", "rustworkx, tree oriented beforehand", took, took / fudian["downstream list"]))
    return rows


def main() -> None:
    """Print one table per size."""
    for nodes in [int(size) for size in sys.argv[1:]] or [10_000, 100_000]:
        table = Table("work", "who", "time", "times Fudian's", title=f"{nodes:,} nodes")
        for work, who, took, ratio in measure(nodes):
            table.add_row(work, who, f"{took * 1e6:,.1f} µs", "" if ratio is None else f"{ratio:,.1f}")
        Console().print(table)


if __name__ == "__main__":
    main()

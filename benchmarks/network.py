"""The network floor beside its peers: networkx, rustworkx, pandapower.topology, power-grid-model-ds, bare scipy, bare Polars.

    make peers                                           # brings the peers, once
    .venv-interop/bin/python -m benchmarks.network       # 10k, 100k and 1M nodes: about half an hour
    .venv-interop/bin/python -m benchmarks.network 10000 # any sizes

Every peer does its work in a process of its own, so that its peak memory is its own, on the same seeded network: feeders of
1,000 nodes, a transformer at every node, 5 customers per node, 50 ties or more, all open. A peer that is not installed is left
out and said. Answers are compared before any time is shown; times are of this machine and this run, the ratios are what counts.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from network import Network, Supply, network_from_tables, read_network, replay
from network.arrays import Indices

NODES_PER_FEEDER = 1_000
CUSTOMERS_PER_NODE = 5
SWITCH_EVERY = 40
DOWNSTREAM_NODES = 500
OPERATIONS = 100_000


@dataclass(frozen=True)
class Feeders:
    """One seeded network as bare numbers: nodes 0 … n-1, the first branches are a tree per feeder, the last ones open ties."""

    nodes: int
    tail: Indices
    head: Indices
    ties: int
    sources: Indices
    customer_node: Indices

    @classmethod
    def seeded(cls, nodes: int, seed: int = 1) -> Feeders:
        rng = np.random.default_rng(seed)
        place = np.arange(nodes)
        within = place % NODES_PER_FEEDER
        parent = place - rng.integers(1, np.clip(within, 1, 30), endpoint=True, size=nodes)
        lower = place[within > 0]
        count = max(50, nodes // NODES_PER_FEEDER)
        tie_from = rng.integers(0, nodes, count)
        tie_to = np.where(tie_from + NODES_PER_FEEDER < nodes, tie_from + NODES_PER_FEEDER, tie_from - NODES_PER_FEEDER)
        usable = tie_to >= 0
        return cls(
            nodes,
            np.concatenate([parent[lower], tie_from[usable]]),
            np.concatenate([lower, tie_to[usable]]),
            int(usable.sum()),
            np.arange(0, nodes, NODES_PER_FEEDER),
            rng.integers(0, nodes, nodes * CUSTOMERS_PER_NODE),
        )

    @property
    def closed(self) -> slice:
        """The branches that are closed."""
        return slice(0, len(self.tail) - self.ties)

    def cut(self) -> int:
        """Return the branch with the number of nodes below nearest to 500, counted the slow way, from the leaves up."""
        below = np.ones(self.nodes, dtype=np.int64)
        for lower, upper in zip(
            self.head[self.closed][::-1].tolist(), self.tail[self.closed][::-1].tolist(), strict=True
        ):
            below[upper] += below[lower]
        of_branch = below[self.head[self.closed]]
        return int(np.argmin(np.abs(of_branch - DOWNSTREAM_NODES)))

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables of a workspace."""
        names = pl.Series("node", [f"N{i}" for i in range(self.nodes)])
        transformers = pl.Series("transformer_id", [f"T{i}" for i in range(self.nodes)])
        number = np.arange(len(self.tail))
        return {
            "sources": pl.DataFrame({"node": names.gather(self.sources)}),
            "branches": pl.DataFrame(
                {
                    "branch_id": [f"B{i}" for i in range(len(self.tail))],
                    "from_node": names.gather(self.tail),
                    "to_node": names.gather(self.head),
                    "kind": np.where((number % SWITCH_EVERY == 0) | (number >= self.closed.stop), "switch", "line"),
                    "normally_open": number >= self.closed.stop,
                }
            ),
            "transformers": pl.DataFrame({"transformer_id": transformers, "node": names}),
            "customers": pl.DataFrame(
                {
                    "customer_id": pl.int_range(len(self.customer_node), eager=True).cast(pl.String),
                    "transformer_id": transformers.gather(self.customer_node),
                }
            ),
        }


def seeded_network(nodes: int, seed: int = 1) -> Network:
    """Return the seeded network as Fudian's own."""
    return network_from_tables(Feeders.seeded(nodes, seed).tables())


@dataclass
class Found:
    """What one peer answered and how long it took."""

    answers: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: float = 0.0

    def time(self, work: str, do: Callable[[], Any], least_s: float = 0.3, most_runs: int = 1000) -> Any:
        """Do the work until ``least_s`` is spent, five times at least, keep the best time, return the last result."""
        best, spent, runs = float("inf"), 0.0, 0
        while (spent < least_s or runs < 5) and runs < most_runs:
            begun = time.perf_counter()
            result = do()
            took = time.perf_counter() - begun
            best, spent, runs = min(best, took), spent + took, runs + 1
        self.seconds[work] = best
        return result

    def answer(self, work: str, nodes: Iterable[int]) -> None:
        """Keep a digest of a set of nodes, or of one number per node."""
        values = np.asarray(list(nodes) if not isinstance(nodes, np.ndarray) else nodes, dtype=np.int64)
        self.answers[work] = hashlib.sha256(values.tobytes()).hexdigest()[:16]


def fudian(feeders: Feeders, found: Found) -> None:
    tables = feeders.tables()
    net = found.time("build", lambda: network_from_tables(tables), most_runs=1)
    found.time("energise", lambda: (net.__dict__.pop("_normal", None), net.energise()), most_runs=5)
    supply = net.energise()
    branch = f"B{feeders.cut()}"
    found.time("first downstream list", lambda: supply.below(branch), most_runs=1)
    hit = found.time("downstream list", lambda: supply.below(branch))
    found.answer("downstream list", np.sort(hit.transformer_index))  # transformer i is at node i
    assert np.isin(feeders.customer_node, hit.transformer_index).sum() == hit.customer_count, "customers are missing"

    found.time("all what-ifs", supply.customers_below)
    found.time("first switching", lambda: supply.lost_in(supply.switched(open=[branch])), most_runs=1)
    switched = found.time("switching", lambda: supply.switched(open=[branch]))
    lost = found.time("switching, and who is lost", lambda: supply.lost_in(supply.switched(open=[branch])))
    found.answer("unsupplied", np.sort(lost.transformer_index))
    assert switched.dead() == lost.transformers, "dead and lost differ"

    def assign() -> Indices:
        again = Supply.of(net, net.normally_open)
        return np.asarray(again.branch_to[again.head_above[again.place_of[net.transformer_node]]])

    found.answer("feeder assignment", found.time("feeder assignment", assign))

    rng = np.random.default_rng(2)
    may = np.flatnonzero((net.branches["kind"] == "switch").to_numpy())
    log = pl.DataFrame(
        {
            "time": [datetime(2022, 1, 1) + timedelta(minutes=minute) for minute in range(OPERATIONS)],
            "branch_id": net.branches["branch_id"].gather(rng.choice(may, OPERATIONS)),
            "action": np.where(rng.random(OPERATIONS) < 0.5, "open", "close"),
        }
    )
    end = net.energise(log)
    last = found.time("replay of 100,000 operations", lambda: replay(net, log), most_runs=2)
    still_off = last.off.filter(pl.col("off_to").is_null())["zone"].to_numpy()
    assert np.array_equal(np.isin(last.zone_of, still_off), end.place_of[:-1] < 0), "the replay ends in another state"


def loading(feeders: Feeders, found: Found) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, table in feeders.tables().items():
            table.write_parquet(Path(folder) / f"{name}.parquet")
        files = sorted(Path(folder).glob("*.parquet"))
        ratios = []
        for _ in range(7):  # in turns, so that whatever else the machine does meets both
            both = Found()
            both.time("reading", lambda: [pl.read_parquet(file) for file in files], most_runs=1)
            both.time("loading", lambda: read_network(folder), most_runs=1)
            ratios.append((both.seconds["loading"] / both.seconds["reading"], both.seconds))
        found.seconds |= sorted(ratios, key=lambda each: each[0])[len(ratios) // 2][1]


def bare_scipy(feeders: Feeders, found: Found) -> None:
    tail = np.concatenate([feeders.tail[feeders.closed], np.full(len(feeders.sources), feeders.nodes)])
    head = np.concatenate([feeders.head[feeders.closed], feeders.sources])
    ends = np.concatenate([tail, head]), np.concatenate([head, tail])
    graph = found.time("build", lambda: csr_array((np.ones(len(ends[0])), ends), shape=(feeders.nodes + 1,) * 2))
    found.time("all what-ifs", lambda: breadth_first_order(graph, feeders.nodes))


def bare_networkx(feeders: Feeders, found: Found) -> None:
    import networkx as nx

    edges = list(zip(feeders.tail[feeders.closed].tolist(), feeders.head[feeders.closed].tolist(), strict=True))

    def build() -> nx.Graph:
        graph = nx.Graph()
        graph.add_nodes_from(range(feeders.nodes))
        graph.add_edges_from(edges)
        return graph

    graph = found.time("build", build, most_runs=1)
    oriented = nx.DiGraph(edges)  # the seeded branches lead away from their source
    cut = feeders.cut()
    lower = int(feeders.head[cut])
    below = found.time("downstream list", lambda: nx.descendants(oriented, lower) | {lower})
    found.answer("downstream list", sorted(below))
    sources = set(feeders.sources.tolist())

    def unsupplied() -> set[int]:
        graph.remove_edge(*edges[cut])
        lost = set().union(*(part for part in nx.connected_components(graph) if not part & sources))
        graph.add_edge(*edges[cut])
        return lost

    lost = found.time("switching, and who is lost", unsupplied, most_runs=1)
    found.answer("unsupplied", sorted(lost))


def bare_rustworkx(feeders: Feeders, found: Found) -> None:
    import rustworkx as rx

    edges = list(zip(feeders.tail[feeders.closed].tolist(), feeders.head[feeders.closed].tolist(), strict=True))

    def build() -> rx.PyDiGraph:
        graph = rx.PyDiGraph()
        graph.add_nodes_from(range(feeders.nodes))
        graph.add_edges_from_no_data(edges)
        return graph

    oriented = found.time("build", build, most_runs=1)
    lower = int(feeders.head[feeders.cut()])
    below = found.time("downstream list", lambda: rx.descendants(oriented, lower) | {lower})
    found.answer("downstream list", sorted(below))


def pandapower(feeders: Feeders, found: Found) -> None:
    import pandapower as pp
    import pandapower.topology as top

    def build() -> Any:
        net = pp.create_empty_network()
        pp.create_buses(net, feeders.nodes, vn_kv=10)
        count = len(feeders.tail)
        pp.create_lines_from_parameters(
            net,
            feeders.tail,
            feeders.head,
            length_km=0.1,
            r_ohm_per_km=0.3,
            x_ohm_per_km=0.3,
            c_nf_per_km=1,
            max_i_ka=0.3,
        )
        for source in feeders.sources.tolist():
            pp.create_ext_grid(net, source)
        pp.create_switches(net, feeders.tail, np.arange(count), et="l", closed=np.arange(count) < feeders.closed.stop)
        return net

    net = found.time("build", build, most_runs=1)
    graph = found.time("energise", lambda: top.create_nxgraph(net), most_runs=1)
    cut = feeders.cut()
    ends = int(feeders.tail[cut]), int(feeders.head[cut])
    graph.remove_edge(*ends)
    lost = found.time("downstream list", lambda: top.unsupplied_buses(net, mg=graph), most_runs=1)
    found.answer("downstream list", sorted(int(bus) for bus in lost))

    def switch() -> set[int]:
        net.switch.loc[cut, "closed"] = False
        return set(top.unsupplied_buses(net))

    lost = found.time("switching, and who is lost", switch, most_runs=1)
    found.answer("unsupplied", sorted(int(bus) for bus in lost))


def power_grid_model_ds(feeders: Feeders, found: Found) -> None:
    from power_grid_model_ds import Grid
    from power_grid_model_ds.arrays import LineArray, NodeArray
    from power_grid_model_ds.enums import NodeType

    lines = len(feeders.tail)
    nodes = NodeArray.zeros(feeders.nodes)
    nodes.id = np.arange(feeders.nodes)
    nodes.node_type[feeders.sources] = NodeType.SUBSTATION_NODE.value
    line = LineArray.zeros(lines)
    line.id = feeders.nodes + np.arange(lines)
    line.from_node, line.to_node = feeders.tail, feeders.head
    line.from_status = 1
    line.to_status = np.arange(lines) < feeders.closed.stop

    def build() -> Grid:
        grid = Grid.empty()
        grid.append(nodes, check_max_id=False)
        grid.append(line, check_max_id=False)
        return grid

    grid = found.time("build", build, most_runs=1)
    cut = feeders.cut()
    lower = int(feeders.head[cut])
    below = found.time("downstream list", lambda: grid.get_downstream_nodes(lower, inclusive=True), most_runs=20)
    found.answer("downstream list", sorted(below))
    found.time("feeder assignment", grid.set_feeder_ids, most_runs=1)
    feeder = np.array(grid.node.feeder_branch_id, dtype=np.int64)
    found.answer("feeder assignment", np.where(feeder >= feeders.nodes, feeder - feeders.nodes, -1))


PEERS: dict[str, tuple[str, Callable[[Feeders, Found], None]]] = {
    "Fudian": ("network", fudian),
    "Fudian, loading": ("polars", loading),
    "scipy, one bare pass": ("scipy", bare_scipy),
    "networkx": ("networkx", bare_networkx),
    "rustworkx": ("rustworkx", bare_rustworkx),
    "pandapower": ("pandapower", pandapower),
    "power-grid-model-ds": ("power_grid_model_ds", power_grid_model_ds),
}

TARGETS = (
    ("downstream list", "power-grid-model-ds", 200.0),
    ("downstream list", "pandapower", 200.0),
    ("downstream list", "rustworkx", 5.0),
    ("switching, and who is lost", "pandapower", 1000.0),
    ("feeder assignment", "power-grid-model-ds", 100.0),
    ("all what-ifs", "scipy, one bare pass", 1 / 3),
)
"""Work, peer, and how many times faster Fudian shall be at a million nodes."""


def run_alone(peer: str, nodes: int) -> Found | None:
    """Let one peer work in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.network", "--only", peer, str(nodes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(
            f"{peer} failed at {nodes:,} nodes: {(done.stderr.strip().splitlines() or ['no message'])[-1]}",
            file=sys.stderr,
        )
        return None
    return Found(**json.loads(done.stdout.splitlines()[-1]))


def compare(found: dict[str, Found]) -> list[str]:
    """Return the answers in which a peer differs from Fudian."""
    ours = found["Fudian"].answers
    return [
        f"{work}: {peer} differs"
        for peer, result in found.items()
        for work, digest in result.answers.items()
        if ours[work] != digest
    ]


def show(nodes: int, found: dict[str, Found], console: Console) -> None:
    """Print one size: every work, every peer, the ratio to Fudian."""
    table = Table("work", "who", "time", "times Fudian's", title=f"{nodes:,} nodes")
    ours = found["Fudian"].seconds
    works = dict.fromkeys(work for result in found.values() for work in result.seconds)
    for work in works:
        for peer, result in found.items():
            if work in result.seconds:
                took = result.seconds[work]
                ratio = "" if peer.startswith("Fudian") or work not in ours else f"{took / ours[work]:,.1f}"
                table.add_row(work, peer, f"{took * 1e6:,.0f} µs" if took < 0.1 else f"{took:,.2f} s", ratio)
    for peer, result in found.items():
        table.add_row("peak memory", peer, f"{result.peak_mb:,.0f} MB", "")
    console.print(table)


def judge(by_size: dict[int, dict[str, Found]], console: Console) -> None:
    """Print the targets at the largest size, met or missed and by how much."""
    nodes = max(by_size)
    found = by_size[nodes]
    ours = found["Fudian"].seconds
    lines = []
    for work, peer, wanted in TARGETS:
        if peer in found and work in found[peer].seconds:
            lines.append((f"{work} beside {peer}", found[peer].seconds[work] / ours[work], wanted, True))
    loaded = found["Fudian, loading"].seconds
    lines.append(("loading, in times of merely reading", loaded["loading"] / loaded["reading"], 5.0, False))
    per_second = OPERATIONS / ours["replay of 100,000 operations"]
    lines.append(("replay, operations a second", per_second, 10_000.0, True))
    if 100_000 in by_size and nodes > 100_000:
        smaller = by_size[100_000]["Fudian"].seconds["switching"]
        lines.append(("one switching, beside 100,000 nodes", ours["switching"] / smaller, 2.0, False))
    table = Table("target", "reached", "wanted", "", title=f"targets, at {nodes:,} nodes")
    for name, reached, wanted, at_least in lines:
        met = reached >= wanted if at_least else reached <= wanted
        by = "" if met else f"missed by a factor of {wanted / reached if at_least else reached / wanted:,.2f}"
        table.add_row(name, f"{reached:,.2f}", f"{'at least' if at_least else 'at most'} {wanted:,.2f}", by or "met")
    console.print(table)


def main() -> None:
    """Measure all sizes, or one peer alone for the process that measures it."""
    if sys.argv[1:2] == ["--only"]:
        found = Found()
        PEERS[sys.argv[2]][1](Feeders.seeded(int(sys.argv[3])), found)
        found.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found.__dict__))
        return
    console = Console(width=120)
    by_size: dict[int, dict[str, Found]] = {}
    for nodes in [int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000]:
        results: dict[str, Found] = {}
        for peer, (module, _) in PEERS.items():
            if importlib.util.find_spec(module) is None:
                console.print(f"{peer} is not installed: left out")
                continue
            with console.status(f"{nodes:,} nodes: {peer}"):
                result = run_alone(peer, nodes)
            if result is not None:
                results[peer] = result
        differences = compare(results)
        for difference in differences:
            console.print(f"[bold red]{difference}")
        if differences:
            sys.exit(1)
        console.print(f"{nodes:,} nodes: all answers agree")
        by_size[nodes] = results
        show(nodes, results, console)
    judge(by_size, console)


if __name__ == "__main__":
    main()

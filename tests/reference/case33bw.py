"""The 33-bus feeder of Baran and Wu as tables: every line between two switches, so that each can be isolated by itself."""

from __future__ import annotations

from typing import Any

import polars as pl

from network import Network, network_from_tables
from tests.conftest import reference

Row = dict[str, Any]


def branches() -> pl.DataFrame:
    return pl.read_csv(reference("case33bw") / "case33bw_branch.csv")


def buses() -> pl.DataFrame:
    return pl.read_csv(reference("case33bw") / "case33bw_bus.csv")


def tables(switched: bool = False) -> dict[str, list[Row]]:
    """Return the feeder: bus 1 is the source; ``switched`` puts a breaker at its head and a switch at both ends of each line.

    A tie is then live from its first end, and open at the other.
    """
    rows: list[Row] = []
    for row in branches().iter_rows(named=True):
        name, a, b, tie = str(row["branch"]), str(row["from_bus"]), str(row["to_bus"]), row["status"] == 0
        line = {"feeder_id": "F", "kind": "line", "r_ohm": row["r_ohm"], "x_ohm": row["x_ohm"]}
        if not switched:
            kind = "switch" if tie else "line"
            rows.append(line | {"branch_id": name, "from_node": a, "to_node": b, "kind": kind, "normally_open": tie})
            continue
        device = {"feeder_id": "F", "kind": "switch", "r_ohm": 0, "x_ohm": 0, "remote": True}
        rows += [
            device | {"branch_id": f"A{name}", "from_node": a, "to_node": f"{name}a"},
            line | {"branch_id": f"L{name}", "from_node": f"{name}a", "to_node": f"{name}b"},
            device | {"branch_id": f"B{name}", "from_node": f"{name}b", "to_node": b, "normally_open": tie},
        ]
    if switched:
        head = {"branch_id": "K", "from_node": "S", "to_node": "1", "kind": "breaker", "r_ohm": 0, "x_ohm": 0}
        rows.append(head | {"feeder_id": "F", "remote": True})
    loads = buses().filter(pl.col("p_kw") > 0)
    return {
        "sources": [{"node": "S" if switched else "1"}],
        "branches": rows,
        "feeders": [{"feeder_id": "F", "voltage_kv": 12.66}],
        "transformers": [
            {"transformer_id": f"T{bus}", "node": str(bus), "load_kw": kw}
            for bus, kw in loads.select("bus", "p_kw").iter_rows()
        ],
        "customers": [
            {"customer_id": f"C{bus}-{i}", "transformer_id": f"T{bus}"}
            for bus, kw in loads.select("bus", "p_kw").iter_rows()
            for i in range(int(kw / 10))
        ],
    }


def network(switched: bool = False, **settings: Any) -> Network:
    return network_from_tables(tables(switched), settings)


def kvar() -> Any:
    """Reactive power of each transformer, in the order of the table."""
    return buses().filter(pl.col("p_kw") > 0)["q_kvar"].to_numpy()

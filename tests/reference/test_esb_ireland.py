"""A real 20 kV circuit in a form that no reader knows: an adapter of a few lines makes tables of it."""

import json
import re
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from network import Network, network_from_tables
from tests.conftest import reference

KINDS = {"Fuse": "fuse", "Solid Links": "disconnector", "Nu-Lec N Series": "recloser", "Cooper Form 4": "recloser"}
OPEN_RECLOSER = "100078798"


def tables_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The adapter: a section is a branch, of the kind of the device on it; a node STN-… is a transformer station."""
    circuit = json.loads(path.read_text("utf-8"))["equipments"][0]
    branches = []
    for section in circuit["sections"]:
        device: dict[str, Any] = next(iter(section["equipments"]), {"type": "", "name": "", "normallyOpen": 0})
        length = re.search(r"([\d.]+) m ", section["description"])
        branches.append(
            {
                "branch_id": section["mRID"],
                "from_node": section["connectivityNodes"][0]["mRID"],
                "to_node": section["connectivityNodes"][1]["mRID"],
                "kind": KINDS.get(device["type"]) or KINDS.get(device["name"], "switch" if device["type"] else "line"),
                "normally_open": bool(device["normallyOpen"]),
                "length_km": float(length[1]) / 1000 if length else None,
                "feeder_id": section["feederId"],
            }
        )
    nodes = dict.fromkeys(node for branch in branches for node in (branch["from_node"], branch["to_node"]))
    return {
        "sources": [{"node": branches[0]["feeder_id"], "name": circuit["name"]}],
        "branches": branches,
        "transformers": [{"transformer_id": node, "node": node} for node in nodes if node.startswith("STN")],
    }


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, Any]]]:
    return tables_of(reference("esb_ireland") / "E11_circuit_CIM.json")


@pytest.fixture(scope="module")
def net(tables: dict[str, list[dict[str, Any]]]) -> Network:
    return network_from_tables(tables)


def test_the_circuit_is_read_as_it_stands(net: Network) -> None:
    kinds = dict(net.branches.group_by("kind").len().rows())
    assert net.branches.height == 801
    assert kinds == {"line": 624, "fuse": 145, "disconnector": 24, "recloser": 3, "switch": 5}  # 32 switches in all
    assert net.branches["length_km"].sum() == pytest.approx(90.96, abs=0.005)
    assert net.branches.filter(net.branches["normally_open"])["branch_id"].to_list() == [OPEN_RECLOSER]
    assert net.sources.height == 1
    assert net.workspace.problems == ()


def test_who_is_off_by_each_section_is_what_the_graph_says(net: Network) -> None:
    supply = net.energise()
    assert net.transformers.height == 323
    assert supply.dead() == []  # beyond the open recloser begins another circuit
    graph = net.graph()
    graph.remove_edges_from([edge for edge in graph.edges(keys=True) if edge[2] == OPEN_RECLOSER])
    (source,) = net.sources["node"]
    for edge in list(graph.edges(keys=True)):
        graph.remove_edge(*edge)
        live = nx.node_connected_component(graph, source)
        graph.add_edge(*edge)
        lost = {station for station in net.transformers["transformer_id"] if station not in live}
        assert set(supply.below(edge[2]).transformers) == lost, edge


def test_what_the_devices_cut_off(net: Network) -> None:
    supply = net.energise()
    below = dict(zip(net.branches["branch_id"], supply.users_below(), strict=True))
    assert max(below.values()) == 323.0
    assert below[OPEN_RECLOSER] == 0.0
    no_length = np.zeros(net.branches.height)
    assert np.isnan(supply.along_path(no_length)).sum() == 1  # the one node beyond it
    assert not np.isnan(supply.switched(close=[OPEN_RECLOSER]).along_path(no_length)).any()
    fuses = net.branches.filter(net.branches["kind"] == "fuse")["branch_id"]
    assert sum(below[fuse] > 0 for fuse in fuses) > 100

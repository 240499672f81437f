import networkx as nx
import pytest

from network import Network, network_from_tables
from reliability.grid_kpis import feeder_kpis, grid_kpis
from reliability.statistics import Statistics
from reliability.targets import judge

#   A ─K1(F1)─ 1 ─L1 2 km─ 2 ─S1─ 3 ─L2 1.5 km─ 4
#                                               ┊ tie
#   B ─K2(F2)─ 5 ─L3 16 km─ 6 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┘
#   B ─K3(F3)─ 7 ─L4 ?─ 8
TABLES = {
    "sources": [{"node": "A", "station_id": "SA"}, {"node": "B", "station_id": "SB"}],
    "branches": [
        {
            "branch_id": name, "from_node": a, "to_node": b, "kind": kind, "length_km": km, "feeder_id": feeder,
            "normally_open": is_open,
        }
        for name, a, b, kind, km, feeder, is_open in [
            ("K1", "A", "1", "breaker", None, "F1", False),
            ("L1", "1", "2", "line", 2, "F1", False),
            ("S1", "2", "3", "switch", None, "F1", False),
            ("L2", "3", "4", "line", 1.5, "F1", False),
            ("K2", "B", "5", "breaker", None, "F2", False),
            ("L3", "5", "6", "line", 16, "F2", False),
            ("TIE", "4", "6", "switch", None, None, True),
            ("K3", "B", "7", "breaker", None, "F3", False),
            ("L4", "7", "8", "line", None, "F3", False),
        ]
    ],
    "transformers": [{"transformer_id": f"T{node}", "node": node} for node in ("2", "4", "6", "8")],
    "feeders": [
        {"feeder_id": "F1", "structure": "三分段单联络", "station_id": "SA"},
        {"feeder_id": "F2", "structure": "辐射"},
        {"feeder_id": "F3", "structure": "辐射", "public": False},
    ],
}  # fmt: skip


def test_ties_radius_and_sections_of_a_small_grid() -> None:
    net = network_from_tables(TABLES)
    rows = {row["feeder_id"]: row for row in feeder_kpis(net).to_dicts()}
    assert [rows[name]["ties"] for name in ("F1", "F2", "F3")] == [1, 1, 0]
    assert [rows[name]["tied_stations"] for name in ("F1", "F2", "F3")] == [1, 1, 0]
    assert [rows[name]["radius_km"] for name in ("F1", "F2", "F3")] == [3.5, 16, None]
    assert [rows[name]["sections"] for name in ("F1", "F2", "F3")] == [2, 1, 1]
    assert rows["F2"]["station_id"] == "SB"
    result = grid_kpis(net)
    assert result["feeders"] == 2
    assert (result["tie_rate"], result["station_tie_rate"], result["standard_structure_rate"]) == (100, 100, 50)
    assert (result["long_feeders"], result["long_feeder_reduction"]) == (1, None)


def test_a_base_year_makes_the_reduction_computable_and_an_unknown_length_does_not() -> None:
    known = network_from_tables(TABLES, {"grid": {"long_feeders_base": 4}})
    assert grid_kpis(known)["long_feeder_reduction"] == 75
    public = TABLES | {"feeders": [row | {"public": True} for row in TABLES["feeders"]]}
    result = grid_kpis(network_from_tables(public, {"grid": {"long_feeders_base": 4}}))
    assert result["radius_unknown"] == ["F3"]
    assert result["long_feeders"] is result["long_feeder_reduction"] is result["radius_km"] is None


def test_the_radius_equals_a_search_of_the_graph(county: Network) -> None:
    graph = nx.Graph()
    for row in county.branches.to_dicts():
        if not row["normally_open"]:
            graph.add_edge(row["from_node"], row["to_node"], km=row["length_km"] or 0.0)
    feeder_of = dict(zip(county.transformers["transformer_id"], county.transformer_feeder, strict=True))
    away = nx.multi_source_dijkstra_path_length(graph, set(county.sources["node"]), weight="km")
    longest: dict[str, float] = {}
    for row in county.transformers.to_dicts():
        feeder = feeder_of[row["transformer_id"]]
        longest[feeder] = max(longest.get(feeder, 0.0), away[row["node"]])
    for row in feeder_kpis(county).to_dicts():
        if row["feeder_id"] != "F03":  # the declared pair of parallel cables gives two paths
            assert row["radius_km"] == pytest.approx(longest[row["feeder_id"]])


def test_gongan_is_judged_as_far_as_ties_and_structure_go(county: Network) -> None:
    results = {result.target_id: result for result in judge(Statistics(county), "gongan-2022")}
    assert results["GA-1"].value == pytest.approx(100 * 12 / 14)
    assert results["GA-1"].status == "pass"
    assert results["GA-2"].value is not None
    assert {results[name].status for name in ("GA-3", "GA-4")} == {"not_computable"}

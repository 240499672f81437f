import networkx as nx
import pytest

from network import Network, text
from reliability.grid_kpis import feeder_kpis, grid_kpis
from reliability.statistics import Statistics
from reliability.targets import judge

DIAGRAM = """
=A station_id=SA -[K1] feeder_id=F1- 1 -L1 2km feeder_id=F1- 2 -(S1) feeder_id=F1- 3 -L2 1.5km feeder_id=F1- 4
=B station_id=SB -[K2] feeder_id=F2- 5 -L3 16km feeder_id=F2- 6 /(TIE)/ 4
B -[K3] feeder_id=F3- 7 -L4 feeder_id=F3- 8
T2 @ 2; T4 @ 4; T6 @ 6; T8 @ 8
"""
FEEDERS = [
    {"feeder_id": "F1", "structure": "三分段单联络", "station_id": "SA"},
    {"feeder_id": "F2", "structure": "辐射"},
    {"feeder_id": "F3", "structure": "辐射", "public": False},
]


def test_ties_radius_and_sections_of_a_small_grid() -> None:
    net = Network.from_text(DIAGRAM, {"feeders": FEEDERS})
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
    base = {"grid": {"long_feeders_base": 4}}
    known = Network.from_text(DIAGRAM, {"feeders": FEEDERS}, base)
    assert grid_kpis(known)["long_feeder_reduction"] == 75
    public = [row | {"public": True} for row in FEEDERS]
    result = grid_kpis(Network.from_text(DIAGRAM, {"feeders": public}, base))
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
    assert (results["GA-3"].status, str(results["GA-3"].reason)) == (
        "not_computable",
        "it takes the N-1 test of the network",
    )
    assert (results["GA-4"].status, results["GA-4"].value) == ("pass", 50.0)


def test_figures_of_other_rooms_are_judged_and_their_reasons_told(county: Network) -> None:
    for value, status in ((65.0, "pass"), (0.0, "fail"), (text("no public feeder has a section"), "not_computable")):
        judged = judge(Statistics(county), "gongan-2022", further={"n1_pass_rate": value})
        (result,) = [each for each in judged if each.target_id == "GA-3"]
        assert result.status == status
        assert (result.reason if result.value is None else result.value) == value

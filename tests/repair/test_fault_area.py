"""Before isolation and after it: the difference of two searches of the graph."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair.fault_area import fault_area, problems_of_area
from tests.networks import Plain, plain_networks

FEEDER = """
=S -[K1]- 1 -L1- 2 -K2 kind=switch- 3 -L2- 4 -K3 kind=switch- 5 -L3- 6
6 /T1 kind=switch/ 7 -[K9]- =Z
T2 @ 2; T4 @ 4; T6 @ 6
"""


@pytest.fixture
def feeder() -> Network:
    customers = [{"customer_id": f"C{node}", "transformer_id": f"T{node}"} for node in ("2", "4", "6")]
    return Network.from_text(FEEDER, {"customers": customers})


def test_outage_area_and_fault_section_differ(feeder: Network) -> None:
    area = fault_area(feeder.energise(), "L2")
    assert area.before.opened == ("K1",)
    assert area.before.hit.transformers == ["T2", "T4", "T6"]
    assert area.section == ("L2",)
    assert area.after.opened == ("K2", "K3")
    assert area.after.hit.transformers == ["T4", "T6"]  # T6 waits for the tie


def test_a_faulted_switch_is_isolated_on_both_sides(feeder: Network) -> None:
    area = fault_area(feeder.energise(), "K2")
    assert area.section == ("L1", "K2", "L2")
    assert area.after.opened == ("K1", "K3")


@given(plain_networks(), st.data())
def test_isolation_leaves_only_the_section_and_what_hangs_on_it(plain: Plain, data: st.DataObject) -> None:
    """All branches of these networks are switches: the section is the branch with its two nodes."""
    fault = data.draw(st.integers(0, len(plain.branches) - 1))
    area = fault_area(plain.network().energise(), f"B{fault}")
    a, b, is_open = plain.branches[fault]
    live = plain.live_nodes(set())
    if is_open or a not in live:
        assert area.section == area.after.opened == ()
        return
    graph = nx.Graph([(x, y) for x, y, off in plain.branches if not off and not {x, y} & {a, b}])
    graph.add_nodes_from(plain.sources)
    fed = [nx.node_connected_component(graph, source) for source in plain.sources if source not in {a, b}]
    still = set().union(*fed)
    lost = {i for i, (x, y) in enumerate(plain.transformers) if {x, y} & live and not {x, y} & (still - {a, b})}
    assert area.after.hit.transformers == [f"T{i}" for i in sorted(lost)]


def test_problems_of_the_area_are_told() -> None:
    customers = [{"customer_id": "C1", "transformer_id": "T2"}, {"customer_id": "C2", "transformer_id": "NONE"}]
    net = Network.from_text("=S -[K1]- 1 -L1- 2; T2 @ 2", {"customers": customers})
    area = fault_area(net.energise(), "L1")
    assert problems_of_area(area.before) == []
    assert [problem.object_id for problem in problems_of_area(area.before, ["C2"])] == ["C2"]
    assert [each["object_id"] for each in area.as_dict("zh")["problems"]] == []


def test_the_answer_tells_before_and_after(feeder: Network) -> None:
    answer = fault_area(feeder.energise(), "L2").as_dict()
    assert (answer["transformers"], answer["opened"]) == (["T2", "T4", "T6"], ["K1"])
    after = answer["after_isolation"]
    assert (after["transformers"], after["isolated_by"], answer["section"]) == (["T4", "T6"], ["K2", "K3"], ["L2"])

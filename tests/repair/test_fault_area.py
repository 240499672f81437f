"""Before isolation and after it: the difference of two searches of the graph."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair.area_of_fault import fault_area, problems_of_area
from repair.isolation import isolate, resumed
from tests.networks import Plain, plain_networks
from tests.repair.grids import Grid, grids

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


def test_a_fault_on_a_switch_lies_beyond_it_as_for_a_plan(feeder: Network) -> None:
    area = fault_area(feeder.energise(), "K2")
    assert area.section == ("L2",)
    assert area.after.opened == ("K2", "K3")


@pytest.mark.parametrize("refused", ["K2", "K3"])
def test_a_device_that_refuses_once_the_fault_is_cleared_isolates_as_little_as_one_known_to_refuse(
    feeder: Network, refused: str
) -> None:
    fault = isolate(feeder.energise(), "L2")
    known, told_late = isolate(feeder.energise(), "L2", refused=refused), resumed(fault, fault.after, refused)
    assert told_late.devices.tolist() == known.devices.tolist() != fault.devices.tolist()
    assert told_late.zone.tolist() == known.zone.tolist() != fault.zone.tolist()


@given(plain_networks(), st.data())
def test_isolation_leaves_only_the_section_and_what_hangs_on_it(plain: Plain, data: st.DataObject) -> None:
    """All branches of these networks are switches: the section is the node beyond the fault; on a ring either may be."""
    fault = data.draw(st.integers(0, len(plain.branches) - 1))
    area = fault_area(plain.network().energise(), f"B{fault}")
    a, b, is_open = plain.branches[fault]
    live = plain.live_nodes(set())
    assert area.section == ()
    if is_open or a not in live:
        assert area.after.opened == ()
        return
    beyond = {a, b} - plain.live_nodes({fault}) or {a, b}
    assert area.after.hit.transformers in [lost_without(plain, live, node) for node in sorted(beyond)]


def lost_without(plain: Plain, live: set[str], node: str) -> list[str]:
    """Return the transformers without supply once everything around a node is open."""
    graph = nx.Graph([(x, y) for x, y, off in plain.branches if not off and node not in {x, y}])
    graph.add_nodes_from(plain.sources)
    fed = [nx.node_connected_component(graph, source) for source in plain.sources if source != node]
    still = set().union(*fed) - {node}
    return [f"T{i}" for i, (x, y) in enumerate(plain.transformers) if {x, y} & live and not {x, y} & still]


@given(grids())
def test_the_section_is_the_one_that_a_plan_isolates(drawn: tuple[Grid, int]) -> None:
    grid, fault = drawn
    supply = grid.network().energise()
    branch_id = f"B{fault}"
    area, isolation = fault_area(supply, branch_id), isolate(supply, branch_id)
    ids = supply.network.branches["branch_id"]
    closed = isolation.devices[~supply.is_open[isolation.devices]]
    assert sorted(area.after.opened) == sorted(ids.gather(closed).to_list())
    assert sorted(area.before.opened) == sorted(ids.gather(isolation.tripped).to_list())


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

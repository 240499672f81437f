"""Before isolation, after it, and step by step: the difference of two searches of the graph."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError, Network
from repair.stages import fault_area, problems_of_area, restoration_stages
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


def test_who_comes_back_at_each_step(feeder: Network) -> None:
    steps = [("open", "K2"), ("open", "K3"), ("close", "K1"), ("close", "T1")]
    stages = restoration_stages(feeder.energise(), "L2", steps)
    assert [stage.back.transformers for stage in stages] == [[], [], ["T2"], ["T6"]]
    assert [stage.back.customers for stage in stages] == [[], [], ["C2"], ["C6"]]
    assert not any(stage.energises_fault or stage.off.transformers for stage in stages)
    wrong = restoration_stages(feeder.energise(), "L2", [("close", "K1")])
    assert wrong[0].energises_fault
    with pytest.raises(FudianError, match="no action"):
        restoration_stages(feeder.energise(), "L2", [("push", "K1")])


@given(plain_networks(), st.data())
def test_stages_are_differences_of_searches(plain: Plain, data: st.DataObject) -> None:
    supply = plain.network().energise()
    branch = st.integers(0, len(plain.branches) - 1)
    fault = data.draw(branch)
    steps = data.draw(st.lists(st.tuples(st.sampled_from(["open", "close"]), branch), max_size=5))
    area = fault_area(supply, f"B{fault}")
    opened, closed = {int(each[1:]) for each in area.before.opened}, set()
    try:
        stages = restoration_stages(supply, f"B{fault}", [(action, f"B{number}") for action, number in steps])
    except FudianError:
        assert len(area.before.hit.transformers) > len(plain.live_transformers(set()) - plain.live_transformers(opened))
        return
    live = plain.live_transformers(opened, closed)
    users = plain.live_customers(opened, closed)
    for stage, (action, number) in zip(stages, steps, strict=True):
        opened, closed = (
            (opened | {number}, closed - {number}) if action == "open" else (opened - {number}, closed | {number})
        )
        now, now_users = plain.live_transformers(opened, closed), plain.live_customers(opened, closed)
        assert stage.back.transformers == [f"T{i}" for i in sorted(now - live)]
        assert stage.off.transformers == [f"T{i}" for i in sorted(live - now)]
        assert stage.back.customers == [f"C{i}" for i in sorted(now_users - users)]
        live, users = now, now_users


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
    assert problems_of_area(net, area.before) == []
    assert [problem.object_id for problem in problems_of_area(net, area.before, ["C2"])] == ["C2"]

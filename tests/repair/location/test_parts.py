"""The parts of a located section that switching devices can part: each branch once, nothing but devices between two of them."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair.isolation import isolate
from repair.location.parts import borders_of, parts_of
from repair.location.sections import locate
from tests.repair.grids import Grid, large_grids

FEEDER = """
=S -[K1]- 1 -L1 length_km=1- 2 -(S1)- 3 -L2 length_km=3- 4 -(S2)- 5 -L3 length_km=4- 6
4 -L4 length_km=2- 7; T1(3) @ 2; T2(5) @ 4; T3(2) @ 6; T4(1) @ 7
"""


def test_a_section_that_no_report_parts_falls_into_what_switches_part() -> None:
    """K1 tripped, and no sensor stands anywhere: one section, three parts, 1 to 5 to 4 km of line and their devices."""
    net = Network.from_text(FEEDER)
    signals = [{"time": "2022-05-01 08:00", "object": "branch", "object_id": "K1", "kind": "trip"}]
    supply = net.energise()
    found = locate(supply, net.workspace.with_table("signals", signals).tables["signals"])
    (section,) = found.ranked
    parts = found.parts(section)
    assert [set(part.branches) for part in parts] == [{"S1", "L2", "L4"}, {"S2", "L3"}, {"K1", "L1"}]
    assert [part.bounded_by for part in parts] == [("S1", "S2"), ("S2",), ("K1", "S1")]
    assert sum(part.probability for part in parts) == pytest.approx(section.probability, abs=1e-12)
    assert parts[0].probability / parts[1].probability == pytest.approx(5 / 4, rel=0.01)
    assert found.parts(parts[2]) == (parts[2],)


@given(large_grids(is_fed=True), st.randoms(use_true_random=False))
def test_parts_are_what_is_joined_without_devices(case: tuple[Grid, int], chance: object) -> None:
    """By a plain graph: the branches fall into those that hold together when each device is cut at its source-side end."""
    grid, _ = case
    supply = grid.network().energise()
    closed = [at for at, each in enumerate(grid.branches) if not each.is_open]
    live = grid.reach(grid.closed(), list(grid.sources))
    chosen = [at for at in closed if {grid.branches[at].a, grid.branches[at].b} <= live and chance.random() < 0.7]  # type: ignore[attr-defined]
    if not chosen:
        chosen = [next(at for at in closed if {grid.branches[at].a, grid.branches[at].b} <= live)]
    whole = nx.Graph((grid.branches[at].a, grid.branches[at].b) for at in closed)
    far = nx.multi_source_dijkstra_path_length(whole, set(grid.sources) & set(whole))
    plain = nx.Graph()
    for at in chosen:
        each = grid.branches[at]
        lower = max((each.a, each.b), key=lambda node: far.get(node, -1))
        plain.add_edge(f"branch {at}", lower)
        if each.kind == "line":
            plain.add_edge(each.a, each.b)
    wanted = {
        frozenset(int(name.split()[1]) for name in part if name.startswith("branch "))
        for part in nx.connected_components(plain)
    }
    parts = parts_of(supply, [f"B{at}" for at in chosen])
    assert {frozenset(int(each[1:]) for each in part) for part in parts} == {each for each in wanted if each}


@given(large_grids(is_fed=True))
def test_the_borders_of_a_part_are_the_devices_that_isolate_it(case: tuple[Grid, int]) -> None:
    grid, _ = case
    supply = grid.network().energise()
    live = grid.reach(grid.closed(), list(grid.sources))
    chosen = [f"B{at}" for at, each in enumerate(grid.branches) if not each.is_open and {each.a, each.b} <= live]
    for part in parts_of(supply, chosen):
        isolating = set(supply.network.branch_ids(isolate(supply, part).devices))
        closed = {each for each in isolating if not grid.branches[int(each[1:])].is_open}
        borders = borders_of(supply, part)
        assert closed <= set(borders)
        own = [each for each in part if grid.branches[int(each[1:])].kind != "line"]
        assert set(borders[: len(own)]) == set(own)

"""The one-line layout: every node once, no line across another, transformers beside their node."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_samples.generator.county import COUNTY
from network import Network, Supply, network_from_tables, read_network
from network.pictures.layout import Layout, feeder_layout, head_of

Point = tuple[float, float]


def tree_network(parents: list[int], ties: list[tuple[int, int]]) -> Network:
    """Build a tree: node n+1 hangs on node ``parents[n]``; node 0 hangs on the source ``s``."""
    lines = [{"branch_id": "B0", "from_node": "s", "to_node": "n0", "kind": "breaker", "normally_open": False}]
    lines += [
        {
            "branch_id": f"B{child + 1}",
            "from_node": f"n{parent}",
            "to_node": f"n{child + 1}",
            "kind": "line",
            "normally_open": False,
        }
        for child, parent in enumerate(parents)
    ]
    lines += [
        {"branch_id": f"T{number}", "from_node": f"n{a}", "to_node": f"n{b}", "kind": "switch", "normally_open": True}
        for number, (a, b) in enumerate(ties)
    ]
    nodes = [f"n{number}" for number in range(len(parents) + 1)]
    return network_from_tables(
        {
            "sources": [{"node": "s", "name": "bus"}],
            "branches": lines,
            "transformers": [{"transformer_id": f"X{node}", "node": node} for node in nodes[1::2]],
        }
    )


@st.composite
def trees(draw: st.DrawFn) -> Network:
    size = draw(st.integers(1, 30))
    parents = [draw(st.integers(0, child)) for child in range(size)]
    ends = st.tuples(st.integers(0, size), st.integers(0, size)).filter(lambda pair: pair[0] != pair[1])
    return tree_network(parents, draw(st.lists(ends, max_size=2)))


def segments(layout: Layout) -> list[tuple[int, Point, Point]]:
    return [
        (branch.branch, *pair)
        for branch in layout.branches
        for pair in zip(branch.points, branch.points[1:], strict=False)
    ]


def shared(first: tuple[Point, Point], second: tuple[Point, Point]) -> tuple[Point, Point] | None:
    """Return the corners of what two upright or level segments have in common."""
    low = [max(min(a[axis], b[axis]) for a, b in (first, second)) for axis in (0, 1)]
    high = [min(max(a[axis], b[axis]) for a, b in (first, second)) for axis in (0, 1)]
    return ((low[0], low[1]), (high[0], high[1])) if low[0] <= high[0] and low[1] <= high[1] else None


def crossings(layout: Layout) -> list[tuple[int, int]]:
    """Lines may meet at a node, or rise together from the node that both leave; nothing else."""
    corners = set(layout.position.values())
    wrong = []
    for (branch, *one), (other, *two) in combinations(segments(layout), 2):
        common = shared((one[0], one[1]), (two[0], two[1]))
        if branch == other or common is None:
            continue
        start, end = common
        leave_together = one[0] == two[0] and one[0][0] == one[1][0] and two[0][0] == two[1][0]
        on_the_way_up = start == end and start not in corners and _turns_there(layout, branch, other, start)
        if (start == end and start in corners) or leave_together or on_the_way_up:
            continue
        wrong.append((branch, other))
    return wrong


def _turns_there(layout: Layout, branch: int, other: int, point: Point) -> bool:
    """Tell whether two branches leave the same node and one turns off where the other goes on."""
    first, second = (
        next(each.points for each in layout.branches if each.branch == number) for number in (branch, other)
    )
    return first[0] == second[0] and point in (first[1], second[1])


@given(trees())
def test_every_node_once_and_no_line_across_another(net: Network) -> None:
    supply = net.energise()
    layout = feeder_layout(supply, 2)
    energised = int((supply.place_of[:-1] >= 0).sum())
    assert len(layout.position) == energised == len(set(layout.position.values()))
    assert len(layout.branches) == energised - 1
    assert crossings(layout) == []


@given(trees())
def test_a_branch_leads_from_its_parent_one_hop_on(net: Network) -> None:
    supply = net.energise()
    layout = feeder_layout(supply, 2)
    for branch in layout.branches:
        ends = {layout.position[int(net.from_node[branch.branch])], layout.position[int(net.to_node[branch.branch])]}
        assert ends == {branch.points[0], branch.points[-1]}
        assert branch.points[-1][0] == branch.points[0][0] + 1
    assert layout.width == max(x for x, _ in layout.position.values())


@given(trees())
def test_transformers_stand_beside_their_node(net: Network) -> None:
    layout = feeder_layout(net.energise(), 2)
    for transformer in layout.transformers:
        x, y = layout.position[int(net.transformer_node[transformer.transformer])]
        assert transformer.foot[1] == y
        assert 0 <= transformer.foot[0] - x < 1
        assert 0 < abs(transformer.head[1] - y) < 0.5


def test_the_longest_way_is_the_trunk() -> None:
    # s - n0 - n1 - n2 - n3, and n4 on n1
    layout = feeder_layout((net := tree_network([0, 1, 2, 1], [])).energise(), 1)
    places = {str(net.nodes[node]): xy for node, xy in layout.position.items()}
    assert [places[name] for name in ("s", "n0", "n1", "n2", "n3")] == [(x, 0) for x in range(5)]
    assert abs(places["n4"][1]) == 1


def test_a_tie_in_mid_line_stands_off_the_trunk() -> None:
    net = tree_network([0, 1, 2, 3], [(1, 4)])
    layout = feeder_layout(net.energise(), 1)
    (tie,) = layout.ties
    assert tie.points[0][0] == tie.points[1][0]
    assert tie.points[0][1] != tie.points[1][1]


@pytest.fixture(scope="module")
def county() -> Supply:
    return read_network(COUNTY).energise()


def test_every_feeder_of_the_county_is_drawn_without_crossing(county: Supply) -> None:
    heads = [
        place
        for place in range(1, len(county.parent))
        if county.parent[place] > 0 and county.parent[county.parent[place]] == 0
    ]
    assert len(heads) == county.network.feeders.height
    drawn = [feeder_layout(county, head) for head in heads]
    assert all(crossings(layout) == [] for layout in drawn)
    assert sum(len(layout.transformers) for layout in drawn) == county.network.transformers.height
    for head in heads:
        assert head_of(county, int(county.end[head]) - 1) == head
    assert (
        np.unique([each.branch for layout in drawn for each in layout.branches]).size
        == pl.Series(county.branch_to).filter(pl.Series(county.branch_to >= 0)).len()
    )

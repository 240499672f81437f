"""Where nodes are drawn: as given, between neighbours, or as a diagram without crossings."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from network.pictures.positions import positions
from tests.networks import Plain, plain_networks

Point = tuple[float, float]


def at(net: Network) -> dict[str, Point]:
    places = positions(net)
    return {node: (x, y) for node, x, y, _ in places.rows()}


def test_given_places_stay_and_the_others_lie_between_their_neighbours() -> None:
    net = Network.from_text(
        "=S lon=115 lat=33 -[K1]- 1 -L2- 2 -L3- 3 lon=115.3 lat=33.6; 3 -L4- 4; T @ 4\n2 -L5- 5 lon=999 lat=33"
    )
    places = positions(net)
    assert places["node"].to_list() == net.nodes.to_list()
    assert dict(places.select("node", "basis").rows()) == {
        "S": "given", "1": "between", "2": "between", "3": "given", "4": "between", "5": "between",
    }  # fmt: skip
    drawn = at(net)
    assert drawn["S"] == (115, 33)
    assert drawn["1"] == pytest.approx((115.1, 33.2))
    assert drawn["2"] == drawn["5"] == pytest.approx((115.2, 33.4))
    assert drawn["4"] == pytest.approx(drawn["3"])


def test_a_part_without_places_stands_beside_the_map() -> None:
    net = Network.from_text("=S lon=115 lat=33 -L1- 1 lon=115.5 lat=33.2; =R -L2- 2 -L3- 3")
    places = positions(net)
    beside = places.filter(pl.col("basis") == "computed")
    assert beside["node"].to_list() == ["R", "2", "3"]
    assert beside["x"].min() > 115.5


def test_feeders_rise_side_by_side_and_a_lateral_leaves_at_a_right_angle() -> None:
    net = Network.from_text("=S -[K1]- 1 -L2- 2 -L3- 3; 2 -L4- 4; S -[K5]- 5 -L6- 6")
    drawn = at(net)
    assert drawn["1"][0] == drawn["2"][0] == drawn["3"][0] != drawn["5"][0] == drawn["6"][0]
    assert drawn["S"][1] < drawn["1"][1] < drawn["2"][1] < drawn["3"][1]
    assert drawn["4"][1] == drawn["2"][1]


def test_sources_of_one_station_stand_together() -> None:
    feeders = "; ".join(f"={name} station_id={name[0]} -L{name}- {name}1" for name in ("A1x", "B1x", "A2x"))
    drawn = at(Network.from_text(feeders))
    apart = {pair: abs(drawn[pair[0]][0] - drawn[pair[1]][0]) for pair in combinations(("A1x", "B1x", "A2x"), 2)}
    assert drawn["A1x"][1] == drawn["A2x"][1]
    assert apart["A1x", "A2x"] == min(apart.values())


@given(plain_networks())
def test_every_node_has_one_place_of_its_own(plain: Plain) -> None:
    net = plain.network()
    places = positions(net)
    assert np.isfinite(places.select("x", "y").to_numpy()).all()
    assert places.select("x", "y").n_unique() == len(net.nodes)
    assert places.equals(positions(plain.network()))


@given(plain_networks(), st.data())
def test_places_are_finite_wherever_coordinates_are_known(plain: Plain, data: st.DataObject) -> None:
    net = plain.network()
    known = data.draw(st.sets(st.sampled_from(net.nodes.to_list())))
    table = [{"node": node, "lon": 115 + number / 10, "lat": 33.0} for number, node in enumerate(sorted(known))]
    tables = {name: net.workspace.tables[name] for name in ("sources", "branches", "transformers")}
    from network import network_from_tables

    places = positions(network_from_tables({**tables, "nodes": table}))
    assert np.isfinite(places.select("x", "y").to_numpy()).all()
    assert set(places.filter(pl.col("basis") == "given")["node"]) == known


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 3))
def test_no_branch_of_a_tree_crosses_another(above: list[int], sources: int) -> None:
    nodes = [f"S{number}" for number in range(sources)]
    lines = [f"={node} -L{node}- {node}a" for node in nodes]
    nodes += [f"{node}a" for node in nodes]
    for number, each in enumerate(above):
        lines.append(f"{nodes[each % len(nodes)]} -B{number}- N{number}")
        nodes.append(f"N{number}")
    net = Network.from_text("\n".join(lines))
    drawn = at(net)
    branches = [(drawn[a], drawn[b]) for a, b in net.branches.select("from_node", "to_node").rows()]
    assert [pair for pair in combinations(branches, 2) if crosses(*pair)] == []


def crosses(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Tell whether two stretches meet anywhere but in a common end."""
    if set(one) & set(other):
        (common,) = set(one) & set(other)
        a, b = (next(end for end in each if end != common) for each in (one, other))
        away = [(x - common[0], y - common[1]) for x, y in (a, b)]
        return turn(common, a, b) == 0 and away[0][0] * away[1][0] + away[0][1] * away[1][1] > 0
    sides = [turn(*one, point) * turn(*one, last) for point, last in (other,)]
    sides += [turn(*other, point) * turn(*other, last) for point, last in (one,)]
    touching = [turn(*one, point) == 0 and inside(one, point) for point in other]
    touching += [turn(*other, point) == 0 and inside(other, point) for point in one]
    return all(side < 0 for side in sides) or any(touching)


def turn(a: Point, b: Point, c: Point) -> float:
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return 0.0 if abs(area) < 1e-9 else float(np.sign(area))


def inside(stretch: tuple[Point, Point], point: Point) -> bool:
    return all(min(a, b) - 1e-9 <= c <= max(a, b) + 1e-9 for a, b, c in zip(*stretch, point, strict=True))

"""What is drawn of a view: everything where it has room, the important where it has not, and never more than the budget."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.network import seeded_network
from network import Network
from network.pictures.drawing import Drawing, Picture, _tolerances
from network.pictures.positions import positions
from tests.networks import Plain, plain_networks

TIED = """
=A -[K1] feeder_id=F1- 1 -L1 feeder_id=F1- 2 -(S1) feeder_id=F1- 3 -L2 feeder_id=F1- 4 -L3 feeder_id=F1- 5
2 -L4 feeder_id=F1- 6; 4 /(TIE)/ 8
=B -[K2] feeder_id=F2- 7 -L5 feeder_id=F2- 8 -L6 feeder_id=F2- 9
"""


@pytest.fixture(scope="module")
def large() -> Network:
    return seeded_network(20_000)


@pytest.fixture(scope="module")
def drawn_large(large: Network) -> Drawing:
    return Drawing.of(large)


def points(picture: Picture) -> int:
    assert picture.lines["x"].list.len().equals(picture.lines["y"].list.len())
    return int(picture.lines["x"].list.len().sum())


def row(picture: Picture, **values: object) -> dict[str, object]:
    (found,) = picture.lines.filter(**values).to_dicts()
    return found


@given(plain_networks(), st.data())
def test_every_branch_in_the_window_is_drawn_where_there_is_room(plain: Plain, data: st.DataObject) -> None:
    net = plain.network()
    places = positions(net)
    drawing = Drawing.of(net, places)
    left, lower, right, upper = drawing.extent
    share = st.floats(0, 1)
    xs = sorted(left + data.draw(share) * (right - left) for _ in range(2))
    ys = sorted(lower + data.draw(share) * (upper - lower) for _ in range(2))
    picture = drawing.view(net.energise(), (xs[0], ys[0], xs[1], ys[1]), budget=1_000)
    inside = {
        node for node, x, y, _ in places.rows() if xs[0] <= x <= xs[1] and ys[0] <= y <= ys[1]
    }  # fmt: skip
    wanted = net.branches.filter(pl.col("from_node").is_in(inside) | pl.col("to_node").is_in(inside))["branch_id"]
    assert (picture.level, picture.left_out) == ("branch", 0)
    assert set(wanted) <= set(picture.lines["branch_id"])
    assert picture.lines["branch_id"].is_unique().all()
    whole = drawing.view(net.energise())
    assert sorted(whole.lines["branch_id"]) == sorted(net.branches["branch_id"])
    ends = {node: (x, y) for node, x, y, _ in places.rows()}
    by_id = {name: ends_ for name, *ends_ in net.branches.select("branch_id", "from_node", "to_node").rows()}
    for each in whole.lines.to_dicts():
        assert sorted(zip(each["x"], each["y"], strict=True)) == sorted(ends[node] for node in by_id[each["branch_id"]])


@given(plain_networks(), st.integers(0, 60))
def test_a_picture_never_holds_more_points_than_the_budget(plain: Plain, budget: int) -> None:
    net = plain.network()
    picture = Drawing.of(net).view(net.energise(), budget=budget)
    assert points(picture) <= budget
    assert picture.lines.filter(pl.col("x").list.len() < 2).is_empty()


LEVELS = {
    10: ("feeder", False),
    100: ("feeder", False),
    1_000: ("feeder", True),
    5_000: ("section", False),
    20_000: ("section", False),
    100_000: ("branch", True),
}
"""Which level a budget gives, and whether every line of it finds room."""


@pytest.mark.parametrize("budget", LEVELS)
def test_a_large_picture_keeps_to_its_budget_and_is_the_same_each_time(
    large: Network, drawn_large: Drawing, budget: int
) -> None:
    supply = large.energise()
    picture = drawn_large.view(supply, budget=budget)
    assert points(picture) <= budget
    again = Drawing.of(large).view(supply, budget=budget)
    assert (again.level, again.left_out) == (picture.level, picture.left_out)
    assert again.lines.equals(picture.lines)
    level, complete = LEVELS[budget]
    assert (picture.level, picture.left_out == 0) == (level, complete)


def test_a_closer_view_shows_more_levels(large: Network, drawn_large: Drawing) -> None:
    left, lower, right, upper = drawn_large.extent
    windows = [(left, lower, left + (right - left) / zoom, lower + (upper - lower) / zoom) for zoom in (1, 2, 3, 8, 20)]
    levels = [drawn_large.view(large.energise(), window, budget=2_000).level for window in windows]
    assert levels == sorted(levels, key=["feeder", "section", "branch"].index)
    assert set(levels) == {"feeder", "section", "branch"}


@pytest.mark.parametrize("budget", [200, 300, 500, 900])
def test_simplified_lines_still_hang_together(county: Network, budget: int) -> None:
    picture = Drawing.of(county).view(county.energise(), budget=budget)
    assert picture.level == "section"
    places = positions(county)
    source = set(places.filter(pl.col("node").is_in(county.sources["node"].implode())).select("x", "y").rows())
    lines = [list(zip(each["x"], each["y"], strict=True)) for each in picture.lines.to_dicts()]
    for number, line in enumerate(lines):
        others = {point for other, points_ in enumerate(lines) if other != number for point in points_}
        assert line[0] in others | source


def test_trunks_sections_and_branches_of_two_tied_feeders() -> None:
    net = Network.from_text(TIED)
    drawing, supply = Drawing.of(net), net.energise()
    feeders = drawing.view(supply, budget=8)
    assert feeders.level == "feeder"
    assert feeders.lines["feeder_id"].drop_nulls().to_list() == ["F1", "F2"]
    tie = row(feeders, branch_id="TIE")
    assert (tie["open"], tie["energised"]) == (True, True)
    sections = drawing.view(supply, budget=19)
    assert sections.level == "section"
    assert set(sections.lines["section_id"].drop_nulls()) == {"K1", "S1", "K2"}
    assert row(sections, section_id="S1")["branches"] == 3
    assert drawing.view(supply).level == "branch"


def test_what_is_dead_or_open_is_a_line_of_its_own_at_every_level() -> None:
    net = Network.from_text(TIED)
    drawing, after = Drawing.of(net), net.energise().switched(open=["S1"])
    for budget in (14, 1_000):
        lines = drawing.view(after, budget=budget).lines
        assert row(drawing.view(after, budget=budget), branch_id="S1")["open"]
        dead = lines.filter(~pl.col("energised") & ~pl.col("open"))
        assert dead["branches"].sum() == 2
    closed = drawing.view(net.energise().switched(close=["TIE"]), budget=1_000)
    assert not row(closed, branch_id="TIE")["open"]


def test_a_bend_that_is_not_seen_is_left_out() -> None:
    net = Network.from_text(
        "=S lon=115 lat=33 -L1- 1 lon=115.5 lat=33.00001 -L2- 2 lon=116 lat=33 -L3- 3 lon=116 lat=34 -L4- 4 lon=116.2 lat=34"
    )
    (trunk,) = Drawing.of(net).view(net.energise(), budget=7).lines.to_dicts()
    assert list(zip(trunk["x"], trunk["y"], strict=True)) == [(115, 33), (116, 33), (116, 34), (116.2, 34)]
    assert trunk["branches"] == 4


def test_a_network_without_branches_is_an_empty_picture() -> None:
    for diagram in ("=S", "1 -L1- 1"):
        net = Network.from_text(diagram)
        picture = Drawing.of(net).view(net.energise())
        assert picture.lines.is_empty()


coordinate = st.integers(-20, 20).map(float)


@given(st.lists(st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=12), max_size=5), st.integers(0, 30))
def test_bends_are_those_of_douglas_and_peucker(lines: list[list[tuple[float, float]]], limit: int) -> None:
    first = np.cumsum([0, *map(len, lines)])
    x, y = (np.array([point[axis] for line in lines for point in line]) for axis in (0, 1))
    kept = _tolerances(x, y, first) > limit + 0.5
    for number, line in enumerate(lines):
        assert np.flatnonzero(kept[first[number] : first[number + 1]]).tolist() == simplified(line, limit + 0.5)


def simplified(line: list[tuple[float, float]], limit: float) -> list[int]:
    """Keep the ends; where a vertex lies farther from the chord than the limit, keep the farthest and do both halves."""

    def inner(start: int, end: int) -> list[int]:
        away = {each: distance(line[each], line[start], line[end]) for each in range(start + 1, end)}
        if not away or max(away.values()) <= limit:
            return []
        split = max(away, key=lambda each: (away[each], -each))
        return [*inner(start, split), split, *inner(split, end)]

    return [0, *inner(0, len(line) - 1), len(line) - 1]


def distance(point: tuple[float, float], start: tuple[float, float], end: tuple[float, float]) -> float:
    along = (end[0] - start[0], end[1] - start[1])
    square = along[0] ** 2 + along[1] ** 2
    share = ((point[0] - start[0]) * along[0] + (point[1] - start[1]) * along[1]) / (square if square > 0 else 1.0)
    share = min(max(share, 0.0), 1.0)
    return float(np.hypot(point[0] - start[0] - share * along[0], point[1] - start[1] - share * along[1]))


def without_places(net: Network) -> Network:
    tables = MappingProxyType({**net.workspace.tables, "nodes": net.workspace.tables["nodes"].clear()})
    return replace(net, workspace=replace(net.workspace, tables=tables))


def test_the_county_is_drawn_with_and_without_coordinates(county: Network) -> None:
    for net in (county, without_places(county)):
        picture = Drawing.of(net).view(net.energise())
        assert sorted(picture.lines["branch_id"]) == sorted(county.branches["branch_id"])
    assert set(positions(without_places(county))["basis"]) == {"computed"}

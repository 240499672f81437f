"""Weak spots: an example counted by hand, and random grids against a slow walk over every branch and every move."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from network import Network, network_from_tables
from network.power_flow import power_flow
from repair.restoration.weak_spot import WeakSpot
from repair.restoration.weak_spots import weak_spots
from tests.repair.grids import Grid, grids
from tests.repair.restoration.test_cases import AMPERES

LINES = """
=S -[K1] feeder_id=A- 1 -L1 rating_a=100- 2 -(S1)- 3 -L2 rating_a=100- 4 -(S2)- 5 -L3 rating_a=100- 6 /(TIE) rating_a=200/ 8
=R -[K2] feeder_id=B- 7 -L4 rating_a={beside}- 8
T2(10) @ 2 load_kw=20; T4(20) @ 4 load_kw=40; T6(30) @ 6 load_kw=50; T8 @ 8 load_kw=30
"""


def spots(
    diagram: str, tables: dict[str, Any] | None = None, at: datetime | None = None, **rules: Any
) -> list[WeakSpot]:
    net = Network.from_text(diagram, tables, {"restoration": {**AMPERES["restoration"], **rules}})
    assert not [problem for problem in net.workspace.problems if problem.severity == "error"]
    return list(weak_spots(net.energise(), at).spots)


def test_lines_that_hang_together_are_one_spot_and_load_can_be_moved() -> None:
    """110 A flow in L1, 90 A in L2, of 100 A: one spot, 60 customers behind; 50 A beyond S2 find room beside 30 A of 150 A."""
    (spot,) = spots(LINES.format(beside=150))
    assert (spot.kind, spot.object_id, spot.objects, spot.feeder_id) == ("overloaded", "L1", ("L1", "L2"), "A")
    assert (spot.value, spot.transformers, spot.customers) == (pytest.approx(1.1), 3, 60)
    assert (spot.time_share, spot.user_hours_per_day, spot.basis) == (1.0, 60 * 24, "flow")
    move, conductor = spot.lifts
    assert (move.by, move.open, move.close, move.amount) == ("move_load", "S2", "TIE", pytest.approx(50))
    assert (conductor.by, conductor.amount) == ("conductor", pytest.approx(110 / 0.8))


@pytest.mark.parametrize("beside", [99, 60])
def test_where_the_neighbour_has_no_room_a_new_tie_is_named(beside: int) -> None:
    """30 A and 50 A are more than 80 % of 99 A."""
    (spot,) = spots(LINES.format(beside=beside))
    assert [lift.by for lift in spot.lifts] == ["conductor", "new_tie"]
    assert spot.lifts[-1].amount == pytest.approx(30)


def test_hours_of_a_load_curve_tell_how_long_it_lasts() -> None:
    rows = [{"class": "all", "hour": hour, "factor": 0.8 if 8 <= hour < 20 else 0.5} for hour in range(24)]
    (spot,) = spots(LINES.format(beside=150), {"load_profile": rows}, datetime(2022, 7, 1))
    assert (spot.kind, spot.objects, spot.value) == ("heavy", ("L1",), pytest.approx(0.88))
    assert (spot.time_share, spot.user_hours_per_day) == (0.5, 60 * 12)
    rows += [{"class": "all", "hour": 12, "month": 7, "factor": 1.2}]
    (spot,) = spots(LINES.format(beside=150), {"load_profile": rows})
    assert (spot.kind, spot.value, spot.time_share) == ("overloaded", pytest.approx(1.32), 0.5)


def test_what_was_measured_goes_before_what_is_worked_out() -> None:
    at = "2022-07-01 {:02}:{:02}".format
    rows = [
        {"time": at(hour, minute), "object": "branch", "object_id": "L1", "current_a": ampere}
        for hour, minute, ampere in ((8, 0, 60), (9, 0, 70), (9, 30, 95), (10, 0, 79), (11, 0, 80))
    ]
    found = spots(LINES.format(beside=150), {"measurements": rows})
    assert [(each.object_id, each.basis) for each in found] == [("L1", "measured")]
    (spot,) = found
    assert (spot.kind, spot.value, spot.objects) == ("heavy", pytest.approx(0.95), ("L1", "L2"))
    assert spot.time_share == 1.0, "L2 is loaded all the time by the flow, L1 in two of four hours"
    none = spots(
        LINES.format(beside=150).replace("T6(30) @ 6 load_kw=50", "T6(30) @ 6 load_kw=10"), {"measurements": rows}
    )
    assert [(each.objects, each.time_share, each.user_hours_per_day) for each in none] == [(("L1",), 0.5, 60 * 12)]


def test_transformers_by_load_and_by_measurement() -> None:
    diagram = "=S -[K1]- 1; T1(5) @ 1 load_kw=90 capacity_kva=100; T2(7) @ 1 load_kw=10 capacity_kva=50; T3 @ 1 capacity_kva=30"
    rows = [
        {"time": "2022-07-01 20:00", "object": "transformer", "object_id": "T2", "current_a": 80.0, "voltage_v": 210.0},
        {"time": "2022-07-01 21:00", "object": "transformer", "object_id": "T2", "current_a": 20.0, "voltage_v": 190.0},
        {"time": "2022-07-01 22:00", "object": "transformer", "object_id": "T3", "voltage_v": 240.0},
    ]
    found = {(spot.kind, spot.object_id): spot for spot in spots(diagram, {"measurements": rows})}
    assert set(found) == {("heavy", "T1"), ("overloaded", "T2"), ("low_voltage", "T2"), ("high_voltage", "T3")}
    assert found["heavy", "T1"].value == pytest.approx(0.9)
    assert [(lift.by, lift.amount) for lift in found["heavy", "T1"].lifts] == [("larger_transformer", 125)]
    loaded = found["overloaded", "T2"]
    assert (loaded.value, loaded.time_share) == (pytest.approx(3 * 80 * 210 / 1000 / 50), 0.5)
    assert loaded.lifts[0].amount == 63, "50.4 kVA over 0.8"
    assert (found["low_voltage", "T2"].value, found["low_voltage", "T2"].customers) == (pytest.approx(190 / 220), 7)
    assert found["high_voltage", "T3"].lifts[0].by == "tap"


WEAK_END = """
=S -[K1] feeder_id=A- 1 -L1 r_ohm=1.2 x_ohm=1.2- 2 -(S2)- 3 -L2 r_ohm=1.2 x_ohm=1.2- 4 /(TIE)/ 6
=R -[K2] feeder_id=B- 5 -L5 r_ohm={ohm} x_ohm={ohm}- 6
T2(1) @ 2 load_kw=1500; T4(9) @ 4 load_kw=1800; T6 @ 6 load_kw=100
"""


def test_an_end_with_low_voltage_and_the_capacitor_that_lifts_it() -> None:
    for ohm, lifts in ((0.5, ["move_load", "capacitor", "conductor"]), (4.0, ["capacitor", "conductor", "new_tie"])):
        (spot,) = spots(WEAK_END.format(ohm=ohm), power_factor=0.9, voltage_kv=10.0)
        assert (spot.kind, spot.object, spot.object_id, spot.customers) == ("low_voltage", "node", "4", 9)
        assert [lift.by for lift in spot.lifts] == lifts
    kvar = next(lift.amount for lift in spot.lifts if lift.by == "capacitor")
    net = Network.from_text(
        WEAK_END.format(ohm=4.0), {"feeders": [{"feeder_id": each, "voltage_kv": 10} for each in "AB"]}
    )
    kw = net.transformers["load_kw"].to_numpy()
    reactive = kw * np.tan(np.arccos(0.9))
    at_end = net.nodes.to_list().index("4")
    before = power_flow(net.energise(), kw, reactive).voltage_pu[at_end]
    with_it = power_flow(net.energise(), kw, reactive - np.array([0, kvar, 0])).voltage_pu[at_end]
    assert before == pytest.approx(spot.value)
    assert before < 0.93 <= with_it + 1e-6


SUNNY = """
=S -[K1] feeder_id=A- 1 -L1 r_ohm=1.2 x_ohm=1.2 rating_a={rating}- 2 -L2 r_ohm=1.2 x_ohm=1.2- 3; T2(4) @ 2 load_kw=500
T3(6) @ 3 load_kw=1000; =R -[K2] feeder_id=B- 4; T4 @ 4 load_kw=10
"""


def sunny(rating: float = 1000, kw: float = 6000, **more: Any) -> list[WeakSpot]:
    """The weak spots of a feeder of 10 kV at whose end generation gives so many kW."""
    net = Network.from_text(
        SUNNY.format(rating=rating), {"feeders": [{"feeder_id": each, "voltage_kv": 10} for each in "AB"]}
    )
    tables = {name: net.workspace.tables[name] for name in ("branches", "transformers", "customers", "feeders")}
    sources = [{"node": "S"}, {"node": "R"}, {"node": "3", "grid_forming": False, "generation_kw": kw}]
    rules = {"restoration": {"power_factor": 0.9}, "weak_spots": more.pop("rules", {})}
    net = network_from_tables({**tables, "sources": sources, **more}, rules)
    assert not [problem for problem in net.workspace.problems if problem.severity == "error"]
    return list(weak_spots(net.energise()).spots)


def two_lines(load_2: complex, load_3: complex) -> tuple[float, float, float]:
    """Return the voltages of nodes 2 and 3 of that feeder, of nominal, and the amperes of L1 without losses; kVA in."""
    one = two = 1.0 + 0j
    ohm = (1.2 + 1.2j) / (10.0**2 * 1000.0)
    for _ in range(200):
        last = np.conj(load_3 / two)
        both = last + np.conj(load_2 / one)
        one = 1.0 - ohm * both
        two = one - ohm * last
    return abs(one), abs(two), abs(load_2 + load_3) / (3**0.5 * 10.0)


def test_generation_at_light_load_makes_the_end_of_its_feeder_too_high() -> None:
    """6 MW at the end of 1.2 + 1.2 ohm twice, beside 0.3 of the load: two lines by hand."""
    angle = 1 + 1j * np.tan(np.arccos(0.9))
    near, far, _ = two_lines(150 * angle, 300 * angle - 6000)
    (spot,) = sunny()
    assert (spot.kind, spot.object, spot.object_id, spot.basis) == ("high_voltage", "node", "3", "flow")
    assert spot.value == pytest.approx(far)
    assert spot.typical == pytest.approx(two_lines(500 * angle, 1000 * angle - 6000)[1])
    assert spot.objects == (("2", "3") if near > 1.07 else ("3",))
    assert (spot.customers, spot.time_share) == (6 if near <= 1.07 else 10, pytest.approx(7 / 24))
    amounts = {lift.by: lift.amount for lift in spot.lifts}
    assert list(amounts) == ["reactive_power", "curtail", "conductor", "tap"]
    assert max(two_lines(150 * angle, 300 * angle - (6000 - 1j * amounts["reactive_power"]))[:2]) == pytest.approx(
        1.07, abs=1e-4
    )
    assert max(two_lines(150 * angle, 300 * angle - amounts["curtail"])[:2]) == pytest.approx(1.07, abs=1e-4)
    assert sunny(kw=2000) == []


def test_generation_may_load_a_line_backwards() -> None:
    """0.3 of 1,500 kW less 6 MW flows back over L1; by load alone it carries little."""
    angle = 1 + 1j * np.tan(np.arccos(0.9))
    *_, back = two_lines(150 * angle, 300 * angle - 6000)
    found = {each.object: each for each in sunny(rating=330, rules={"max_voltage_pu": 1.2})}
    spot = found["branch"]
    assert (spot.object_id, spot.value, spot.time_share) == ("L1", pytest.approx(back / 330), pytest.approx(7 / 24))
    assert spot.typical == pytest.approx(1500 / 0.9 / (3**0.5 * 10.0) / 330)
    curtail, conductor = spot.lifts
    assert (curtail.by, conductor.by, conductor.amount) == ("curtail", "conductor", pytest.approx(back / 0.8))
    assert two_lines(150 * angle, 300 * angle - curtail.amount)[2] == pytest.approx(0.8 * 330, rel=1e-3)


def test_with_a_load_curve_generation_stands_beside_the_load_of_its_own_hours() -> None:
    """At night the load is light too, but then the sun does not shine; from 12 to 14 the load takes what generation gives."""
    rows = [{"class": "all", "hour": hour, "factor": 2.0 if 12 <= hour < 14 else 0.1} for hour in range(24)]
    angle = 1 + 1j * np.tan(np.arccos(0.9))
    spot = next(each for each in sunny(load_profile=rows) if each.kind == "high_voltage")
    assert spot.value == pytest.approx(two_lines(50 * angle, 100 * angle - 6000)[1])
    assert two_lines(1000 * angle, 2000 * angle - 6000)[1] < 1.07
    assert spot.time_share == pytest.approx(5 / 24)


def test_what_is_reached_stands_beside_what_is_typical() -> None:
    rows = [{"class": "all", "hour": hour, "factor": 1.0 if hour == 18 else 0.5} for hour in range(24)]
    (spot,) = spots(LINES.format(beside=150), {"load_profile": rows})
    assert (spot.value, spot.typical, spot.time_share) == (
        pytest.approx(1.1),
        pytest.approx(1.1),
        pytest.approx(1 / 24),
    )
    rows = [{"class": "all", "hour": hour, "factor": 1.5 if hour == 18 else 0.5} for hour in range(24)]
    worst = spots(LINES.format(beside=150), {"load_profile": rows})[0]
    assert (worst.value, worst.typical) == (pytest.approx(1.65), pytest.approx(1.1))


def test_a_long_feeder_is_named_by_its_farthest_user() -> None:
    diagram = """
    =S -[K1] feeder_id=A- 1 -L1 10km- 2 -(S1)- 3 -L2 8km- 4 /(TIE)/ 6; =R -[K2] feeder_id=B- 5 -L3 {km}km- 6
    T2(3) @ 2 load_kw=1; T4(4) @ 4 load_kw=1
    """
    (near,) = spots(diagram.format(km=2))
    assert (near.kind, near.object_id, near.value, near.objects) == ("long_radius", "A", 18.0, ("T4",))
    assert (near.customers, near.user_hours_per_day) == (4, 96)
    assert [(lift.by, lift.open, lift.close) for lift in near.lifts] == [("move_load", "S1", "TIE")]
    (far,) = spots(diagram.format(km=20))
    assert [lift.by for lift in far.lifts] == ["new_tie"]


def test_spots_are_ranked_by_users_and_hours() -> None:
    diagram = "=S -[K1]- 1; T1(5) @ 1 load_kw=90 capacity_kva=100; T2(7) @ 1 load_kw=45 capacity_kva=50"
    assert [spot.object_id for spot in spots(diagram)] == ["T2", "T1"]
    rows = [{"transformer_id": "T2", "hour": hour, "factor": 0.1} for hour in range(12)]
    assert [(spot.object_id, spot.user_hours_per_day) for spot in spots(diagram, {"load_profile": rows})] == [
        ("T1", 5 * 24),
        ("T2", 7 * 12),
    ]


@given(grids())
def test_heavy_lines_and_moves_equal_a_slow_walk(case: tuple[Grid, int]) -> None:
    """Every branch by the plain grid; every move of a device and a tie tried: one is named if and only if one works."""
    grid, _ = case
    supply = grid.network().energise()
    closed = grid.closed()
    flows = grid.flows(closed)
    assert flows is not None
    share = {i: flows[0].get(i, 0.0) / each.rating for i, each in enumerate(grid.branches) if each.rating and closed[i]}
    heavy = {i for i, value in share.items() if value >= 0.8 - 1e-9}
    found = [each for each in weak_spots(supply).spots if each.object == "branch"]
    assert sorted(i for each in found for i in map(_number, each.objects)) == sorted(heavy)
    for spot in found:
        own = list(map(_number, spot.objects))
        assert spot.value == pytest.approx(max(share[i] for i in own))
        assert share[_number(spot.object_id)] == pytest.approx(spot.value)
        assert (spot.kind == "overloaded") == (spot.value > 1 + 1e-6)
        least = (
            spot.value * grid.branches[_number(spot.object_id)].rating
            - 0.8 * grid.branches[_number(spot.object_id)].rating
        )
        works = {
            (i, j)
            for i in range(len(closed)) for j in range(len(closed))
            if _moves(grid, flows, own, least, i, j)
        }  # fmt: skip
        move = next((lift for lift in spot.lifts if lift.by == "move_load"), None)
        assert (move is not None) == bool(works)
        if move is not None:
            assert move.open is not None
            assert move.close is not None
            assert (_number(move.open), _number(move.close)) in works
            assert move.amount == pytest.approx(min(flows[0].get(i, 0.0) for i, _ in works))


def _number(branch_id: str) -> int:
    return int(branch_id[1:])


def _moves(grid: Grid, flows: Any, spot: list[int], least: float, i: int, j: int) -> bool:
    """Whether opening a device and closing a tie ends a spot, cuts off nobody and loads nothing heavily that was not."""
    before = grid.closed()
    opened, tie = grid.branches[i], grid.branches[j]
    if not before[i] or before[j] or opened.kind not in ("breaker", "recloser", "switch"):
        return False
    live = grid.reach(before, list(grid.sources))
    if tie.kind not in ("breaker", "recloser", "switch", "fuse") or not {tie.a, tie.b, opened.a, opened.b} <= live:
        return False
    after = [now and at != i for at, now in enumerate(before)]
    off = live - grid.reach(after, list(grid.sources))
    after[j] = True
    then = grid.flows(after)
    if then is None or grid.reach(after, list(grid.sources)) != live or len({tie.a, tie.b} & off) != 1:
        return False
    if flows[0].get(i, 0.0) < least - 1e-9 or not any(_beyond(grid, at, {opened.a, opened.b}) for at in spot):
        return False
    for at, each in enumerate(grid.branches):
        load, was = then[0].get(at, 0.0), flows[0].get(at, 0.0)
        if each.rating is not None and load > (0.8 * each.rating if at in spot else max(0.8 * each.rating, was)) + 1e-6:
            return False
    return all(
        limit is None or then[1][node] <= max(limit, flows[1][node]) + 1e-6 for node, limit in grid.sources.items()
    )


def _beyond(grid: Grid, branch: int, nodes: set[str]) -> bool:
    """Whether a node lies beyond a branch: it has no supply without it."""
    without = [now and at != branch for at, now in enumerate(grid.closed())]
    return not nodes <= grid.reach(without, list(grid.sources))

"""Load that is true: cold load after hours without supply, the hours until the repair, generation, mobile supply."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fudian
from network import Network, network_from_tables
from repair.restoration.restorer import RestorationPlan, restore
from tests.costly import costly
from tests.repair.every_state import EveryState
from tests.repair.grids import SETTINGS, Grid, grids
from tests.repair.restoration.test_cases import AMPERES, steps

TWO = """
=S -[K1]- 1 -L1 repair_h=3- 2 -(S1)- 3 -L3- 4 /(TIE1)/ 5
=R -[K2] rating_a=100- 5
T2(20) @ 3 load_kw=40; T4 @ 5 load_kw=50
"""


def plan_at(at: datetime | None, *rows: dict[str, Any], **asked: Any) -> RestorationPlan:
    return restore(Network.from_text(TWO, {"load_profile": rows}, AMPERES).energise(), "L1", at=at, **asked)


@pytest.mark.parametrize(
    ("hours_off", "factor", "missing_a"),
    [(0.0, 1.0, None), (0.4, 1.0, None), (0.5, 1.3, 2.0), (3.4, 1.3, 2.0), (3.5, 1.6, 14.0)],
)
def test_what_was_off_for_hours_takes_more_when_it_comes_back(
    hours_off: float, factor: float, missing_a: float | None
) -> None:
    """Half an hour goes by until those on site have switched: 50 A flow, 40 A come back, 100 A may flow."""
    plan = plan_at(None, hours_off=hours_off)
    assert (plan.load.cold_load, plan.load.hours_off) == (factor, hours_off + 0.5)
    assert (plan.back.transformers == ["T2"]) == (missing_a is None)
    assert [each.missing_a for each in plan.missing] == ([] if missing_a is None else [pytest.approx(missing_a)])
    assert plan.best
    rules = {"restoration": {**AMPERES["restoration"], "cold_load": [[0, 1.0]]}}
    assert restore(Network.from_text(TWO, settings=rules).energise(), "L1", hours_off=hours_off).back.transformers == [
        "T2"
    ]


def test_the_log_tells_for_how_long_supply_has_been_lost() -> None:
    net = Network.from_text(
        TWO, {"switching": [{"time": "2022-01-01 08:00", "branch_id": "K1", "action": "open"}]}, AMPERES
    )
    county = fudian.Utility(net.workspace)
    off = {at: county.restore("L1", at=f"2022-01-01 {at}") for at in ("08:15", "09:00", "12:00")}
    assert [plan.load.cold_load for plan in off.values()] == [1.0, 1.3, 1.6]
    assert [plan.load.hours_off for plan in off.values()] == [0.75, 1.5, 4.5]
    assert county.restore("L1", at="2022-01-01 12:00", hours_off=0.0).load.cold_load == 1.0


@pytest.mark.parametrize(
    ("at", "back", "worst"),
    [
        ("07:10", False, "09:00"),  # 1.2 times 90 A at nine
        ("09:30", False, "09:30"),
        ("10:00", True, "11:00"),  # at ten both take a tenth
        ("15:10", False, "18:00"),
        ("15:00", True, "15:00"),  # repaired at six, when the evening begins
        ("03:00", True, "03:00"),
    ],
)
def test_a_plan_holds_in_every_hour_until_the_repair(at: str, back: bool, worst: str) -> None:
    rows = [{"class": "all", "hour": hour, "factor": factor} for hour, factor in ((9, 1.2), (10, 0.1), (18, 2.0))]
    plan = plan_at(datetime.fromisoformat(f"2022-01-01 {at}"), *rows)
    assert (plan.back.transformers == ["T2"], plan.best) == (back, True)
    assert f"{plan.load.worst:%H:%M}" == worst


def test_the_nearest_row_of_a_curve_goes_first() -> None:
    rows = [
        {"class": "all", "hour": 9, "factor": 1.5},
        {"class": "市区", "hour": 9, "factor": 1.05},
        {"class": "市区", "hour": 9, "month": 1, "factor": 1.25},
        {"class": "市区", "hour": 9, "month": 1, "weekday": 7, "factor": 1.1},
        {"transformer_id": "T4", "hour": 9, "factor": 0.5},
    ]
    diagram = TWO.replace("load_kw=40", "load_kw=70 region_class=urban").replace("repair_h=3", "repair_h=1")
    net = Network.from_text(diagram, {"load_profile": rows}, AMPERES)
    assert not net.workspace.problems
    flows = {}
    for day in (3, 2):  # a Monday and a Sunday of January
        plan = restore(net.energise(), "L1", at=datetime(2022, 1, day, 9))
        flows[day] = [each.limit.value for each in plan.missing if each.limit]
    assert flows == {3: [pytest.approx(70 * 1.25 + 25)], 2: [pytest.approx(70 * 1.1 + 25)]}
    plan = restore(net.energise(), "L1", at=datetime(2022, 2, 1, 9))
    assert plan.back.transformers == ["T2"], "70 A times 1.05 and 25 A are less than 100 A"
    unasked = restore(net.energise(), "L1")
    assert [each.limit and each.limit.value for each in unasked.missing] == [pytest.approx(70 * 1.25 + 50)]
    assert unasked.load.worst is None


CLASSES = ("a", "b")


@costly(60)
@given(grids(is_fed=True), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4), st.data())
def test_no_state_that_keeps_the_limits_in_all_hours_feeds_more(
    case: tuple[Grid, int], factors: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Two classes of load with a factor each in every hour until the repair, against every state of the switches in each hour."""
    grid, fault = case
    classes = [data.draw(st.sampled_from(CLASSES)) for _ in grid.loads]
    plain = grid.network()
    tables = {
        name: plain.workspace.tables[name].drop("row") for name in ("sources", "branches", "transformers", "customers")
    }
    tables["transformers"] = tables["transformers"].with_columns(load_class=pl.Series(classes, dtype=pl.String))
    rows = [
        {"class": name, "hour": hour, "factor": float(factor)}
        for hour, pair in enumerate(factors)
        for name, factor in zip(CLASSES, pair, strict=True)
    ]
    rules = {**SETTINGS["restoration"], "transfer_allowed": "never", "repair_h": float(len(factors))}
    net = network_from_tables({**tables, "load_profile": rows}, {"restoration": rules})
    plan = restore(net.energise(), f"B{fault}", [f"B{i}" for i in grid.refused], at=datetime(2022, 1, 3))
    assert plan.proof.holds
    closed = list(grid.tripped(fault))
    for step in plan.steps:
        closed[int(step.branch_id[1:])] = step.action == "close"
    most, kept = 0, set()
    for at, pair in enumerate(factors):
        factor = dict(zip(CLASSES, pair, strict=True))
        loads = [(*load[:2], load[2] * factor[name], load[3]) for load, name in zip(grid.loads, classes, strict=True)]
        states = EveryState.of(replace(grid, loads=loads), fault)
        fed = dict(zip(map(tuple, states.closed.tolist()), states.customers.tolist(), strict=True))
        kept = set(fed) if at == 0 else kept & set(fed)
        most = max((fed[state] for state in kept), default=0)
    assert tuple(closed) in kept
    gain = grid.gain(closed, grid.tripped(fault))[0]
    assert gain <= most <= gain + plan.gap + 1e-9
    assert gain == most or not plan.best


# Generation -----------------------------------------------------------------------------------------------------------

ISLAND = "=S -[K1]- 1 -L1- 2 -(S1)- 3 -(G1)- 4; =4 {generation}; T1 @ 1 load_kw=5; T3(9) @ 3 load_kw={load}; T4(2) @ 4 load_kw=15"


def test_generation_is_no_source() -> None:
    """Opening the head of the feeder cuts off everybody, whatever generation runs on it."""
    for generation in ("grid_forming=false", "grid_forming=true capacity_a=50", "grid_forming=true"):
        net = Network.from_text(ISLAND.format(generation=generation, load=20), settings=AMPERES)
        assert net.energise().below("K1").transformers == ["T1", "T3", "T4"]
        said = [problem for problem in net.problems if problem.column == "capacity_a"]
        assert len(said) == (generation == "grid_forming=true"), "what may feed an island needs a limit"
        if "capacity" not in generation:
            assert restore(net.energise(), "L1").back.transformers == []
    bus = Network.from_text("=S -[K1]- 1 -(S1)- 2; =2; T1 @ 1")
    assert bus.energise().below("K1").transformers == [], "a second bus of the grid feeds it on"


@pytest.mark.parametrize(("load", "back"), [(20, ["T4"]), (15, ["T3", "T4"])])
def test_generation_that_forms_a_grid_feeds_an_island_within_its_own_limits(load: int, back: list[str]) -> None:
    diagram = ISLAND.format(generation="grid_forming=true capacity_a=30 name=Hydro", load=load)
    plan = restore(Network.from_text(diagram, settings=AMPERES).energise(), "L1")
    assert (plan.back.transformers, plan.proof.holds, plan.best) == (back, True, True)
    assert steps(plan) == [*(["open G1"] if load == 20 else ["open S1"]), "close 4-island"]
    tied = restore(Network.from_text(diagram + "; 3 /(TIE)/ 8 -[K8]- =R", settings=AMPERES).energise(), "L1")
    assert steps(tied) == ["open S1", "close TIE"], "the grid feeds all of it, and no live part is joined to generation"


# Mobile supply --------------------------------------------------------------------------------------------------------


def test_mobile_supply_for_important_users_who_stay_off() -> None:
    diagram = "=S -[K1]- 1 -L1- 2; T1 @ 2 load_kw=95; T2 @ 2 load_kw=380; T3 @ 2 load_kw=900; T4 @ 2 load_kw=10"
    marks: dict[str, list[str | None]] = {
        "T1": ["important"],
        "T2": ["important", "sensitive"],
        "T3": ["sensitive"] * 3,
        "T4": [None],
    }
    customers = [
        {"customer_id": f"{name}-{at}", "transformer_id": name} | ({} if mark is None else {mark: True})
        for name, each in marks.items()
        for at, mark in enumerate(each)
    ]
    rules = {"planned": {"generator_kva": 400, "mobile_substation_kva": 630}}

    def needs(settings: dict[str, Any]) -> list[tuple[str, int, str | None]]:
        plan = restore(Network.from_text(diagram, {"customers": customers}, settings).energise(), "L1")
        return [(each.transformer_id, each.important, each.means) for each in plan.mobile]

    assert needs(rules) == [("T3", 3, None), ("T2", 2, "generator"), ("T1", 1, "mobile_substation")]
    assert needs({}) == [("T3", 3, None), ("T2", 2, None), ("T1", 1, None)]

"""Restoration plans: hand-made cases, and random feeders against every state of the switches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from network import FudianError, Network, network_from_tables
from network.power_flow import power_flow
from repair import affected_by_fault
from repair.isolation import isolate
from repair.restoration.restorer import RestorationPlan, restore
from tests.costly import costly
from tests.networks import Plain, plain_networks
from tests.repair.every_order import MAKES
from tests.repair.every_state import EveryState
from tests.repair.grids import SETTINGS, Grid, grids, large_grids


def plan_of(grid: Grid, fault: int, **rules: Any) -> RestorationPlan:
    net = grid.network({"transfer_allowed": "never", **rules})
    return restore(net.energise(), f"B{fault}", refused=[f"B{i}" for i in sorted(grid.refused)])


def may_come_back(grid: Grid, fault: int) -> bool:
    """Return whether a device that may close leads from what is live to what is healthy and off: looked up, nothing planned."""
    after = grid.tripped(fault)
    live = grid.reach(after, list(grid.sources))
    off = grid.reach(grid.closed(), list(grid.sources)) - live - grid.zone(fault, after)
    return any(
        each.kind in MAKES
        and i != fault
        and i not in grid.refused
        and {each.a, each.b} & live
        and {each.a, each.b} & off
        for i, each in enumerate(grid.branches)
    )


def likely_faults(grid: Grid, first: int) -> list[int]:
    """Return the faults from the drawn one on, those before the others after which something may come back."""
    live = grid.reach(grid.closed(), list(grid.sources))
    fed = [i for i, each in enumerate(grid.branches) if not each.is_open and {each.a, each.b} <= live]
    at = fed.index(first)
    return sorted(fed[at:] + fed[:at], key=lambda fault: not may_come_back(grid, fault))


@st.composite
def planned(
    draw: st.DrawFn, /, cases: st.SearchStrategy[tuple[Grid, int]], **rules: Any
) -> tuple[Grid, int, RestorationPlan]:
    """Draw a grid, and the first fault from the drawn one on whose plan has steps."""
    grid, first = draw(cases)
    faults = [fault for fault in likely_faults(grid, first) if may_come_back(grid, fault)]
    plans = ((fault, plan_of(grid, fault, **rules)) for fault in faults)
    found = next(((fault, plan) for fault, plan in plans if plan.steps), None)
    assume(found)
    assert found is not None
    return grid, *found


def state_after(grid: Grid, fault: int, plan: RestorationPlan) -> list[list[bool]]:
    """Return the state after each step, by the plain grid alone."""
    states = [grid.tripped(fault)]
    for step in plan.steps:
        now = list(states[-1])
        now[int(step.branch_id[1:])] = step.action == "close"
        states.append(now)
    return states


@given(grids())
def test_what_trips_equals_a_search_of_the_graph(case: tuple[Grid, int]) -> None:
    grid, fault = case
    supply = grid.network().energise()
    found = isolate(supply, f"B{fault}", [f"B{i}" for i in grid.refused])
    ids = supply.network.branches["branch_id"]
    assert ids.gather(found.tripped).to_list() == list(affected_by_fault(supply, f"B{fault}").opened)
    if len(found.dead):
        after = grid.tripped(fault)
        assert set(supply.network.nodes.gather(found.zone)) == grid.zone(fault, after)


@given(grids(most_devices=6, is_fed=True))
def test_every_state_at_once_is_what_the_slow_search_finds_one_by_one(case: tuple[Grid, int]) -> None:
    grid, fault = case
    after, at_once = grid.tripped(fault), EveryState.of(grid, fault)
    one_by_one = {tuple(state): grid.gain(state, after) for state in grid.states(fault)}
    gains = zip(at_once.customers.tolist(), at_once.kw.tolist(), strict=True)
    assert dict(zip(map(tuple, at_once.closed.tolist()), gains, strict=True)) == one_by_one


@given(large_grids(), st.sampled_from(["customers", "kw"]))
def test_nothing_better_exists_among_all_states(case: tuple[Grid, int], objective: str) -> None:
    grid, fault = case
    plan = plan_of(grid, fault, objective=objective)
    assert plan.proof.holds
    assert plan.best
    before = grid.closed()
    each = grid.branches[fault]
    if not before[fault] or not {each.a, each.b} <= grid.reach(before, list(grid.sources)):
        assert not plan.steps
        return
    after = grid.tripped(fault)
    final = state_after(grid, fault, plan)[-1]
    order = 1 if objective == "customers" else -1
    assert grid.gain(final, after)[::order] == EveryState.of(grid, fault).best(objective)[0]
    assert len(plan.back.transformer_index) <= len(plan.lost.transformer_index)


@costly(45)
@given(planned(large_grids(is_fed=True)))
def test_every_step_keeps_the_rules(case: tuple[Grid, int, RestorationPlan]) -> None:
    """No step energises the fault, takes supply, breaks a limit, closes a loop, or asks a device for what it cannot do."""
    grid, fault, plan = case
    states = state_after(grid, fault, plan)
    zone = grid.zone(fault, states[0])
    live = grid.reach(states[0], list(grid.sources))
    for step, old, new in zip(plan.steps, states[:-1], states[1:], strict=True):
        index = int(step.branch_id[1:])
        device = grid.branches[index]
        ends = {device.a, device.b}
        assert index not in grid.refused
        assert old[index] == (step.action == "open")
        if step.action == "open" and device.kind in {"disconnector", "fuse"}:
            assert not ends & live
        if step.action == "close" and device.kind == "disconnector":
            assert not ends & live
        then = grid.reach(new, list(grid.sources))
        assert live <= then
        assert not zone & then
        assert grid.keeps_limits(new, fault)
        gained = {i for i, (a, b, *_) in enumerate(grid.loads) if {a, b} & then and not {a, b} & live}
        assert step.restores_transformers == tuple(f"T{i}" for i in sorted(gained))
        if step.stage == "remote":
            assert device.remote
        live = then
    stages = [step.stage for step in plan.steps]
    assert stages == sorted(stages, reverse=True)
    told = [each for stage in plan.stages for each in stage.transformer_ids]
    assert sorted(told) == sorted(plan.lost.transformers)
    assert sum(len(each.customer_ids) for each in plan.stages) == plan.lost.customer_count


@costly(30)
@given(planned(large_grids(is_fed=True), early_first=False))
def test_operations_are_as_few_as_they_can_be(case: tuple[Grid, int, RestorationPlan]) -> None:
    grid, fault, plan = case
    after = grid.tripped(fault)
    zone = grid.zone(fault, after)
    free = [i for i, each in enumerate(grid.branches) if not {each.a, each.b} & zone]
    by_hand = [i for i in free if not grid.branches[i].remote]
    states = EveryState.of(grid, fault)
    moved = states.closed[states.best("customers")[1]] != np.array(after)
    fewest = min(zip(moved[:, free].sum(axis=1), moved[:, by_hand].sum(axis=1), strict=True))
    operated = [int(step.branch_id[1:]) for step in plan.steps if int(step.branch_id[1:]) in free]
    assert len(set(operated)) == len(operated)
    assert (len(operated), len(set(operated) & set(by_hand))) == fewest


@costly(50)
@given(planned(grids(most_devices=9, most_ties=5, is_fed=True, single_of_five=2)))
def test_users_with_two_supplies_are_counted_where_they_are(case: tuple[Grid, int, RestorationPlan]) -> None:
    """Who changes to the other supply is no load of the first any more: nothing feeds more, and every step keeps the limits."""
    grid, fault, plan = case
    states = state_after(grid, fault, plan)
    assert plan.proof.holds
    assert grid.gain(states[-1], grid.tripped(fault)) == EveryState.of(grid, fault).best("customers")[0]
    assert all(grid.keeps_limits(state, fault) for state in states)


@costly(35)
@given(planned(large_grids(is_fed=True)))
def test_as_much_as_can_be_comes_back_early(case: tuple[Grid, int, RestorationPlan]) -> None:
    """Among all pairs of a state by remote operation and a best final one that keeps what it feeds, none feeds more early."""
    grid, fault, plan = case
    after = grid.tripped(fault)
    states = EveryState.of(grid, fault)
    by_hand = [i for i, each in enumerate(grid.branches) if not each.remote]
    early = np.flatnonzero((states.closed[:, by_hand] == np.array(after)[by_hand]).all(axis=1))
    last = states.closed[states.best("customers")[1]]
    disconnector = np.array([branch.kind == "disconnector" for branch in grid.branches])

    def is_kept(state: int) -> bool:
        first, live = states.closed[state], grid.reach(states.closed[state].tolist(), list(grid.sources))
        at_live = np.array([bool({branch.a, branch.b} & live) for branch in grid.branches])
        return bool((~(at_live & ((first & ~last) | (disconnector & ~first & last))).any(axis=1)).any())

    by_gain = early[np.argsort(-states.customers[early], kind="stable")]
    most = next(int(states.customers[state]) for state in by_gain if is_kept(state))
    steps = [step for step in plan.steps if step.stage == "remote"]
    reached = state_after(grid, fault, plan)[len(steps)]
    assert grid.gain(reached, after)[0] == most


# By hand ----------------------------------------------------------------------------------------------------------------

LINE = """
=S -[K1] remote=true- 1 -L1 repair_h=4- 2 -(S1) remote=true- 3
3 -L2 repair_h=4- 4 -(S2)- 5 -L3- 6 /(T) remote=true/ 7 -L4- 8 -[K2]- =R
T2(3) @ 2; T4(5) @ 4; T6(7) @ 6; T7(2) @ 7
"""


def operations(plan: RestorationPlan) -> list[str]:
    return [f"{step.stage} {step.action} {step.branch_id}" for step in plan.steps]


def test_remote_operations_do_not_wait_for_those_on_site() -> None:
    plan = restore(Network.from_text(LINE).energise(), "L2")
    assert operations(plan) == ["remote open S1", "remote close K1", "on_site open S2", "on_site close T"]
    assert [(stage.stage, stage.minutes, stage.customers) for stage in plan.stages] == [
        ("remote", 1.0, 3), ("on_site", 30.0, 7), ("repair", 240.0, 5),
    ]  # fmt: skip
    assert plan.saved.transformer_hours == pytest.approx((239 + 210) / 60)
    assert plan.saved.saidi_h == pytest.approx((239 + 210) / 60 / 4)
    assert plan.saved.customer_hours == pytest.approx((3 * 239 + 7 * 210) / 60)
    assert [saving.customer_hours for saving in plan.savings] == pytest.approx([0, 3 * 239 / 60, 0, 7 * 210 / 60])
    told = plan.as_dict()
    assert [step["saidi_saved_h"] for step in told["steps"]] == pytest.approx([0, 239 / 240, 0, 210 / 240])
    assert [stage["transformer_ids"] for stage in told["stages"]] == [["T2"], ["T6"], ["T4"]]
    assert (told["isolate"], told["tripped"]) == (["S1", "S2"], ["K1"])
    assert (told["restored_customers"], told["unrestored_customers"], told["overloads"]) == (10, 5, [])
    assert told["proof"] == {"radial": True, "within_ratings": True, "fault_isolated": True}
    assert told["steps"][1]["restores_transformers"] == ["T2"]
    assert "9 branches have no rating_a: taken as unlimited" in told["assumptions"]
    assert "2 sources have no capacity_a: taken as unlimited" in told["assumptions"]


TAKEN_OVER = """
=S -[K]- 0 -F- 1 -(A)- 2
=R -[Q]- 3 -L rating_a=1- 4 /(T)/ 2
T1 @ 2, 4 load_kw=1; T2(5) @ 2 load_kw=0
"""


def test_a_user_taken_over_goes_back_over_the_same_way() -> None:
    """T1 loads L alone, first at its second supply, and with T closed at its first: never twice, so that T2 comes back."""
    plan = restore(Network.from_text(TAKEN_OVER, {"restoration": SETTINGS["restoration"]}).energise(), "F")
    assert operations(plan) == ["on_site open A", "on_site close T"]
    assert plan.as_dict()["restored_customers"] == 5
    assert (plan.best, plan.overloads) == (True, ())


def test_each_stage_has_its_list_and_each_step_its_picture() -> None:
    plan = restore(Network.from_text(LINE).energise(), "L2")
    listed = plan.affected()
    assert dict(listed.group_by("stage").agg("minutes").with_columns(pl.col("minutes").list.unique()).rows()) == {
        "remote": [1.0], "on_site": [30.0], "repair": [240.0],
    }  # fmt: skip
    back = dict(listed.select("transformer_id", "stage").unique().rows())
    assert back == {"T2": "remote", "T6": "on_site", "T4": "repair"}
    first, last = plan.state(0), plan.state(4)
    assert (set(first.dead), first.back, first.opened, first.closed) == (
        {"L1", "S1", "L2", "S2", "L3"},
        (),
        ("K1",),
        (),
    )
    assert (last.dead, set(last.back)) == (("L2",), {"L1", "L3"})
    assert (set(last.opened), last.closed) == ({"S1", "S2"}, ("T",))


@pytest.mark.parametrize(("repair_h", "saved"), [(4, (239 + 210) / 60), (0.5, 29 / 60), (0.4, 23 / 60)])
def test_nobody_is_sent_out_who_would_arrive_after_the_repair(repair_h: float, saved: float) -> None:
    plan = restore(Network.from_text(LINE.replace("repair_h=4", f"repair_h={repair_h}")).energise(), "L2")
    assert all(step.remote for step in plan.steps) == (repair_h <= 0.5)
    assert any("before anybody on site" in said for said in plan.as_dict()["assumptions"]) == (repair_h <= 0.5)
    assert plan.saved.transformer_hours == pytest.approx(saved)


def test_what_limits_nothing_and_what_is_beyond_its_limit_is_said() -> None:
    net = Network.from_text(
        """
        =S capacity_a=100 -[K1] rating_a=100- 1 -L1 rating_a=100- 2 -(S1) rating_a=100- 3 -L2 rating_a=100- 4
        4 /(T)/ 5 -L5 rating_a=100- 6 -[K2] rating_a=100- =R capacity_a=1
        4 /(U)/ 7 -L7 rating_a=100- 8 -[K3] rating_a=100- =Q capacity_a=100
        T2 @ 2 load_kw=5; T4 @ 4 load_kw=10; T5 @ 5 load_kw=50
        """,
        settings={"restoration": {"power_factor": 1.0, "voltage_kv": 1 / 3**0.5}},
    )
    plan = restore(net.energise(), "L1").as_dict()
    assert [step["branch_id"] for step in plan["steps"]] == ["S1", "U"]
    assert "2 branches have no rating_a: taken as unlimited" in plan["assumptions"]
    assert "What the plan closes has no rating_a, taken as unlimited: U" in plan["assumptions"]
    assert "Above their capacity before any operation, and not loaded more: R" in plan["assumptions"]


def test_nothing_is_added_to_a_feeder_that_is_loaded_beyond_any_voltage() -> None:
    net = Network.from_text(
        """
        =S -[K1] r_ohm=0.01 x_ohm=0.01- 1 -L1 r_ohm=0.01 x_ohm=0.01- 2 -(S1) r_ohm=0.01 x_ohm=0.01- 3
        3 -L2 r_ohm=0.01 x_ohm=0.01- 4 /(T) r_ohm=0.01 x_ohm=0.01/ 5
        5 -L5 r_ohm=300 x_ohm=300- 6 -[K2] r_ohm=0.01 x_ohm=0.01- =R
        4 /(U) r_ohm=0.01 x_ohm=0.01/ 7 -L7 r_ohm=0.01 x_ohm=0.01- 8 -[K3] r_ohm=0.01 x_ohm=0.01- =Q
        T2 @ 2 load_kw=100; T4 @ 4 load_kw=100; T5 @ 5 load_kw=3000
        """
    )
    plan = restore(net.energise(), "L1")
    assert operations(plan) == ["on_site open S1", "on_site close U"]
    assert any("beyond any voltage already" in said for said in plan.as_dict()["assumptions"])
    plan = restore(net.energise(), "L1", ["U"])
    assert plan.as_dict()["restored_transformers"] == 0
    assert plan.proof.holds


def test_without_a_tie_the_rest_waits_and_the_plan_says_so() -> None:
    plan = restore(Network.from_text("=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4; T2(3) @ 2; T4(5) @ 4").energise(), "L1")
    assert plan.steps == ()
    assert plan.as_dict()["unrestored_customers"] == 8
    assert any("no tie helps" in said for said in plan.as_dict()["assumptions"])


def test_the_wider_tie_is_taken() -> None:
    net = Network.from_text(
        """
        =S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4 /(T1)/ 5 -L5 rating_a=40- 6 -[K2]- =R
        4 /(T2)/ 7 -L7 rating_a=90- 8 -[K3]- =Q
        T4 @ 4 load_kw=300
        """
    )
    assert operations(restore(net.energise(), "L1"))[-1].endswith("close T2")
    assert operations(restore(net.energise(), "L1", refused=["T2"]))[-1].endswith("close T1")


def test_a_limit_leaves_a_zone_dark_rather_than_overload_a_branch() -> None:
    net = Network.from_text(
        """
        =S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4 -(S2)- 5 -L3- 6 /(T)/ 7 -L4 rating_a=30- 8 -[K2]- =R
        T4(9) @ 4 load_kw=300; T6(4) @ 6 load_kw=300; T7 @ 7 load_kw=100
        """
    )
    plan = restore(net.energise(), "L1")
    assert plan.back.transformers == ["T6"]
    assert "on_site open S2" in operations(plan)


def test_an_open_branch_feeds_no_fault() -> None:
    plan = restore(Network.from_text(LINE).energise(), "T")
    assert plan.steps == ()
    assert plan.as_dict()["restored_customers"] == 0


@pytest.mark.parametrize(
    ("diagram", "fault", "asked", "said"),
    [
        (LINE, "L9", {}, "no branch 'L9'"),
        (LINE, "L2", {"refused": ["S9"]}, "no branch 'S9'"),
        (LINE, "L2", {"objective": "money"}, "no objective 'money'"),
        (LINE, (), {}, "No fault is named"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_a_reason(
    diagram: str, fault: str | tuple[str, ...], asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(FudianError, match=said):
        restore(Network.from_text(diagram).energise(), fault, **asked)


def test_missing_loads_are_assumed_aloud() -> None:
    net = Network.from_text(
        "=S -[K1]- 1 -L1- 2 -(S1)- 3 /(T)/ 4 -[K2]- =R; T2 @ 2 capacity_kva=100; T3 @ 3; T4 @ 4 load_kw=1"
    )
    said = restore(net.energise(), "L1").as_dict()["assumptions"]
    assert "1 transformers have no load_kw: taken as 0.4 kW per kVA" in said
    assert "1 transformers have neither load_kw nor capacity_kva: taken as 50 kW" in said


# Voltages ---------------------------------------------------------------------------------------------------------------


@costly(55)
@given(grids(most_devices=6, is_fed=True), st.data())
def test_voltages_are_kept_by_power_flow(case: tuple[Grid, int], data: st.DataObject) -> None:
    """Against every state of the switches, each judged by power flow; what is not called the best may be short of it."""
    grid, fault = case[0], likely_faults(*case)[0]
    grid.loads = [(node, None, kw, customers) for node, _, kw, customers in grid.loads]
    tables = {name: frame.drop("row") for name, frame in grid.network().workspace.tables.items()}
    ohms = data.draw(
        st.lists(st.sampled_from([0.1, 0.4, 0.8]), min_size=len(grid.branches), max_size=len(grid.branches))
    )
    r_ohm = pl.Series([0.0 if each.kind != "line" else ohm for each, ohm in zip(grid.branches, ohms, strict=True)])
    tables["branches"] = tables["branches"].with_columns(r_ohm=r_ohm, x_ohm=r_ohm * 0)
    net = network_from_tables(
        {name: tables[name] for name in ("sources", "branches", "transformers", "customers")},
        {"restoration": {**SETTINGS["restoration"], "transfer_allowed": "never"}},
    )
    supply = net.energise()
    plan = restore(supply, f"B{fault}", [f"B{i}" for i in grid.refused])

    def voltages(state: list[bool]) -> np.ndarray:
        now, was = set(np.flatnonzero(state)), set(np.flatnonzero(grid.closed()))
        moved = supply.switched(open=[f"B{i}" for i in was - now], close=[f"B{i}" for i in now - was])
        kw = net.transformers["load_kw"].to_numpy()
        return power_flow(moved, kw, kw * 0, voltage_kv=1 / 3**0.5).voltage_pu

    after = grid.tripped(fault)
    floor = np.fmin(0.93, np.fmin(voltages(grid.closed()), voltages(after)))

    def holds(state: list[bool]) -> bool:
        return not (voltages(state) < floor - 1e-6).any()

    states = state_after(grid, fault, plan)
    assert all(holds(state) for state in states)
    best = max(grid.gain(state, after) for state in grid.states(fault) if holds(state))
    reached = grid.gain(states[-1], after)
    assert reached <= best
    if plan.best:
        assert reached == best


# Rings and sources in parallel ------------------------------------------------------------------------------------------


@given(plain_networks(), st.data())
def test_on_any_network_a_plan_is_proven(plain: Plain, data: st.DataObject) -> None:
    """Closed rings, parallel sources, islands: no plan takes supply from anybody, and the fault stays dead."""
    count = len(plain.branches)
    kinds = data.draw(st.lists(st.sampled_from(["line", "breaker", "switch", "fuse"]), min_size=count, max_size=count))
    fault = data.draw(st.integers(0, count - 1))
    tables = dict(plain.network().workspace.tables)
    tables["branches"] = tables["branches"].drop("row").with_columns(kind=pl.Series(kinds), rating_a=pl.lit(12.0))
    net = network_from_tables(
        {name: tables[name] for name in ("sources", "branches", "transformers", "customers")}, SETTINGS
    )
    supply = net.energise()
    plan = restore(supply, f"B{fault}")
    assert plan.proof.holds
    off = affected_by_fault(supply, f"B{fault}").as_dict()
    assert plan.as_dict()["tripped"] == off["opened"]
    assert plan.lost.transformers == off["transformers"]
    now = plan.fault.after
    for step in plan.steps:
        now = now.switched(**{step.action: [step.branch_id]})
    assert now.lost_in(plan.fault.after).transformers == plan.back.transformers
    assert not plan.fault.after.lost_in(now).transformers
    if plan.steps and kinds[fault] == "line":
        closed = {int(branch[1:]) for branch in net.branches["branch_id"].filter(pl.Series(~now.is_open))}
        lost = set(net.nodes.gather(plan.fault.lost_sources).to_list())
        fed = replace(plain, sources=[node for node in plain.sources if node not in lost])
        assert not set(plain.branches[fault][:2]) & fed.live_nodes(set(range(count)) - closed, closed)

"""Restoration plans: hand-made cases, and random feeders against every state of the switches."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from repair import affected_by_fault
from repair.isolation import isolate
from repair.restoration import RestorationPlan, restore
from tests.repair.grids import Grid, grids


def plan_of(grid: Grid, fault: int, **rules: Any) -> RestorationPlan:
    net = grid.network(rules)
    return restore(net.energise(), f"B{fault}", refused=[f"B{i}" for i in sorted(grid.refused)])


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


@given(grids(), st.sampled_from(["customers", "kw"]))
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
    best = max(grid.gain(state, after)[::order] for state in grid.states(fault))
    assert grid.gain(final, after)[::order] == best
    assert len(plan.back.transformer_index) <= len(plan.lost.transformer_index)


@given(grids())
def test_every_step_keeps_the_rules(case: tuple[Grid, int]) -> None:
    """No step energises the fault, takes supply, breaks a limit, closes a loop, or asks a device for what it cannot do."""
    grid, fault = case
    plan = plan_of(grid, fault)
    if not plan.steps:
        return
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


@given(grids(most_devices=6))
def test_operations_are_as_few_as_they_can_be(case: tuple[Grid, int]) -> None:
    grid, fault = case
    plan = plan_of(grid, fault, early_first=False)
    if not plan.steps:
        return
    after = grid.tripped(fault)
    zone = grid.zone(fault, after)
    free = [i for i, each in enumerate(grid.branches) if not {each.a, each.b} & zone]

    def moved(state: list[bool]) -> tuple[int, int]:
        ones = [i for i in free if state[i] != after[i]]
        return len(ones), sum(1 for i in ones if not grid.branches[i].remote)

    final = state_after(grid, fault, plan)[-1]
    best = max(grid.gain(state, after) for state in grid.states(fault))
    fewest = min(moved(state) for state in grid.states(fault) if grid.gain(state, after) == best)
    assert moved(final) == fewest
    assert sum(1 for step in plan.steps if int(step.branch_id[1:]) in free) == fewest[0]


@given(grids(most_devices=6))
def test_as_much_as_can_be_comes_back_early(case: tuple[Grid, int]) -> None:
    """Among all pairs of a state by remote operation and a best final one that keeps what it feeds, none feeds more early."""
    grid, fault = case
    plan = plan_of(grid, fault)
    if not plan.steps:
        return
    after = grid.tripped(fault)
    states = list(grid.states(fault))
    best = max(grid.gain(state, after) for state in states)
    finals = [state for state in states if grid.gain(state, after) == best]
    early = [
        state for state in states if all(state[i] == after[i] or each.remote for i, each in enumerate(grid.branches))
    ]

    def keeps(first: list[bool], last: list[bool]) -> bool:
        live = grid.reach(first, list(grid.sources))
        return not any(
            {each.a, each.b} & live
            and ((first[i] and not last[i]) or (each.kind == "disconnector" and last[i] and not first[i]))
            for i, each in enumerate(grid.branches)
        )

    possible = [grid.gain(first, after)[0] for first in early if any(keeps(first, last) for last in finals)]
    steps = [step for step in plan.steps if step.stage == "remote"]
    reached = state_after(grid, fault, plan)[len(steps)]
    assert grid.gain(reached, after)[0] == max(possible)

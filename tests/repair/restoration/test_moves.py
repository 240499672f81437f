"""Moves of live load, make-before-break, against every order of operations on random groups of three feeders."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from repair.isolation import isolate
from repair.restoration.problem import PARTS_OF_KW, RestorationProblem
from repair.restoration.relief import Relief
from repair.restoration.restorer import Restorer, restore
from repair.restoration.search import without_moves
from repair.restoration.switching_model import SwitchingSolution
from tests.repair.every_order import EveryOrder
from tests.repair.grids import Branch, Grid


def group(seed: int, most_switches: int = 9) -> tuple[Grid, int]:
    """Return three feeders of sections with switches between them, little to spare beside the faulted one, and ties.

    Drawn evenly by a seed: simple draws seldom leave room for a move.
    """
    rng = random.Random(seed)
    sources: dict[str, float | None] = {}
    branches: list[Branch] = []
    nodes: list[list[str]] = []
    loads: list[tuple[str, str | None, int, int]] = []
    switches, dead = 0, 0
    for s in range(3):
        own = [f"n{s}{k}" for k in range(rng.randint(3, 5))]
        own_loads = [(node, None, rng.randint(1, 6), rng.randint(0, 3)) for node in own]
        carried = sum(load[2] for load in own_loads)
        dead = dead or carried - own_loads[0][2]
        spare = rng.randint(0, dead) if s < 2 else rng.randint(0, 2 * dead)
        sources[f"S{s}"] = rng.choice([None, None, float(carried + rng.randint(0, 2 * dead))])
        branches.append(Branch(f"S{s}", own[0], "breaker", rating=float(carried + spare)))
        for k, (one, other) in enumerate(pairwise(own)):
            kind = rng.choice(["switch", "switch", "switch", "switch", "disconnector", "fuse"])
            if (s == 0 and k == 0) or switches >= most_switches:
                kind = "line"
            switches += kind != "line"
            branches.append(Branch(one, other, kind, rating=rng.choice([None, None, None, float(rng.randint(6, 30))])))
        nodes.append(own)
        loads += own_loads
    pairs = [(0, 1), (1, 2), *rng.choices([(0, 1), (1, 2), (0, 2), (1, 1)], k=rng.randint(0, 2))]
    for first, second in pairs:
        a, b = rng.choice(nodes[first][1:]), rng.choice(nodes[second][1:])
        if a != b:
            parallel = rng.choice([True, True, True, None, False])
            kind = rng.choice(["switch", "switch", "switch", "breaker", "disconnector"])
            rating = rng.choice([None, None, float(rng.randint(6, 30))])
            branches.append(Branch(a, b, kind, True, rating=rating, may_parallel=parallel))
    fault = next(i for i, each in enumerate(branches) if each.kind == "line")
    refused = {rng.randint(1, len(branches) - 1)} if rng.random() < 0.3 else set()
    station = rng.choice([{}, {"S0": "A", "S1": "A"}, {"S1": "A", "S2": "A"}])
    return Grid(sources, branches, loads, refused, station=station), fault


groups = st.integers(0, 2**32 - 1).map(group)


@given(groups)
def test_with_moves_the_most_is_fed_that_any_order_of_operations_can(case: tuple[Grid, int]) -> None:
    grid, fault = case
    net = grid.network({"early_first": False})
    plan = restore(net.energise(), f"B{fault}", refused=[f"B{i}" for i in sorted(grid.refused)])
    assert plan.proof.holds
    every = EveryOrder(grid, fault)
    most, fewest = every.best()
    states = [every.start]
    for step in plan.steps:
        i = int(step.branch_id[1:])
        states.append((*states[-1][:i], step.action == "close", *states[-1][i + 1 :]))
    assert grid.gain(list(states[-1]), list(every.start)) == most
    assert states[-1] in every.steps
    twice = len(plan.steps) > len({step.branch_id for step in plan.steps})
    assert len(plan.steps) == fewest or (twice and len(plan.steps) >= fewest)
    _follow(every, states, plan.steps)


def _follow(every: EveryOrder, states: list[tuple[bool, ...]], steps: object) -> None:
    """Walk the steps one by one: each state between two steps of the walk is one that may be, parallel moments pass at once."""
    at = 0
    while at < len(states) - 1:
        onwards = dict(every.onwards(states[at]))
        if states[at + 1] in onwards:
            at += 1
        else:
            assert at + 2 < len(states), "the last step closes a loop"
            assert states[at + 2] in onwards
            at += 2
        assert every.keeps(states[at])
        assert every.live(states[0]) <= every.live(states[at])


def made_room(grid: Grid, fault: int) -> tuple[SwitchingSolution, SwitchingSolution | None]:
    """Return the best without moves, and what is found where room is made move by move, as among many switches."""
    restorer = Restorer.of(grid.network().energise())
    cleared = isolate(restorer.supply, f"B{fault}", [f"B{i}" for i in sorted(grid.refused)])
    problem = RestorationProblem.of(restorer.loads, restorer.source_ampere, cleared)
    every = problem.feedable("customers")
    best = without_moves(problem, "customers", False, every)
    relief = Relief(problem, "customers", lambda each: without_moves(each, "customers", False, every))
    found = relief.beyond(best, steps_count=True)
    return best, found[1] if found else None


def fed(choice: SwitchingSolution) -> tuple[int, int]:
    """Return what a choice feeds: customers, and kW."""
    return choice.gain[0], int(choice.gain[1] / PARTS_OF_KW)


def test_room_that_is_made_move_by_move_is_mostly_all_that_any_order_makes() -> None:
    """Every state on the way is one that may be; where moves add something, most of the time as much as any could is found."""
    helped, reached = 0, 0
    for seed in range(100):
        grid, fault = group(seed, most_switches=6)
        best, found = made_room(grid, fault)
        every = EveryOrder(grid, fault)
        most, _ = every.best()
        helped += most > fed(best)
        if found is None:
            continue
        assert fed(best) < fed(found) <= most
        assert found.sequence is not None
        states = [every.start]
        for step in found.sequence:
            states.append((*states[-1][: step.branch], step.action == "close", *states[-1][step.branch + 1 :]))
        _follow(every, states, found.sequence)
        assert grid.gain(list(states[-1]), list(every.start)) == fed(found)
        reached += fed(found) == most
    assert helped >= 5
    assert reached >= 0.6 * helped

"""Plans of every kind, simulated step by step apart from the project: parallel moments, interruptions, islands, more faults."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network, network_from_tables
from repair.restoration.restorer import RestorationPlan, restore
from tests.costly import costly
from tests.repair.restoration.test_moves import group
from tests.repair.simulator import Simulator

RULES = {"power_factor": 0.9, "voltage_kv": 0.4, "min_voltage_pu": 0.93}
COLD = {0.0: 1.0, 1.0: 1.3, 5.0: 1.6}


def drawn(seed: int) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any], list[str], list[str], float]:
    """Return tables, settings, faulted lines, devices that refuse, and hours without supply: three feeders with impedances."""
    rng = random.Random(seed)
    grid, fault = group(seed)
    net = grid.network()
    tables = {
        name: net.workspace.tables[name].drop("row").to_dicts()
        for name in ("sources", "branches", "transformers", "customers")
    }
    kva = 0.9 * 3**0.5 * 0.4
    for row in tables["transformers"]:
        row["load_kw"] *= kva  # as many amperes as the group counts
    for row in tables["branches"]:
        is_line = row["kind"] == "line"
        row["r_ohm"], row["x_ohm"] = (rng.uniform(0.02, 0.25), rng.uniform(0.02, 0.25)) if is_line else (0.0, 0.0)
    for row in tables["customers"]:
        row["important"] = rng.random() < 0.1
    nodes = sorted({row["node"] for row in tables["transformers"]})
    if rng.random() < 0.4:
        generation = {"node": rng.choice(nodes), "capacity_a": float(rng.randint(4, 20)), "grid_forming": True}
        tables["sources"].append(generation)
    lines = [row["branch_id"] for row in tables["branches"] if row["kind"] == "line"]
    faults = [f"B{fault}", *rng.sample(lines, 1 if rng.random() < 0.3 else 0)]
    transfer = rng.choice(["never", *["make_before_break"] * 3, *["with_short_interruption"] * 3])
    refused = [f"B{at}" for at in grid.refused]
    return tables, {**RULES, "transfer_allowed": transfer}, faults, refused, rng.choice(list(COLD))


def simulated(seed: int) -> tuple[RestorationPlan, dict[str, int]]:
    tables, rules, faults, refused, hours = drawn(seed)
    settings = {"restoration": {**rules, "manual_min": 0.0, "cold_load": [list(item) for item in COLD.items()]}}
    plan = restore(network_from_tables(tables, settings).energise(), faults, refused, hours_off=hours)
    tripped = plan.as_dict()["tripped"]
    simulator = Simulator(tables, rules, faults, tripped, COLD[hours])
    seen = simulator.follow(list(plan.steps))
    simulator.judge()
    assert set(plan.back.transformers) == simulator.fed() - Simulator(tables, rules, faults, tripped).fed()
    return plan, seen


@costly(45)
@given(st.integers(0, 2**32 - 1))
def test_every_step_keeps_the_rules_in_an_independent_simulation(seed: int) -> None:
    plan, _ = simulated(seed)
    assert plan.proof.holds


def test_the_drawn_plans_are_of_every_kind() -> None:
    """Chains, parallel moments, interruptions, islands and several faults all occur among fixed draws."""
    kinds: Counter[str] = Counter()
    for seed in (5, 9, 10, 30, 34, 70, 84, 102, 147, 169):
        plan, seen = simulated(seed)
        kinds["parallel"] += seen["parallel"] > 0
        kinds["chain of three"] += seen["parallel"] > 1
        kinds["interrupted"] += seen["interrupted"] > 0
        kinds["island"] += any(step.branch_id.endswith("-island") for step in plan.steps)
        kinds["several faults"] += len(plan.fault.ids) > 1 and bool(plan.steps)
        kinds["cold"] += plan.load.cold_load > 1 and bool(plan.steps)
    wanted = ("parallel", "chain of three", "interrupted", "island", "several faults", "cold")
    assert all(kinds[kind] >= 1 for kind in wanted), kinds


def test_the_current_of_the_moment_is_that_of_the_mesh() -> None:
    """Two feeders of one source, 60 A at the end of one: the tie carries what the node equations say, within a tenth."""
    diagram = """
    =S -[K1]- 1 -L1 r_ohm=0.02 x_ohm=0.02- 2 -(S1)- 3 /(TIE1)/ 5; 1 -(D)- 9 -L9- 10
    =S -[K2] rating_a=100- 4 -L4 r_ohm=0.1 x_ohm=0.1- 5 -(S5)- 6 -L6 r_ohm=0.1 x_ohm=0.1- 7 /(TIE2) may_parallel=true/ 8
    =Q -[K3]- 8; T2(20) @ 3 load_kw=40; T5 @ 5 load_kw=20; T6 @ 7 load_kw=30
    """
    net = Network.from_text(diagram, settings={"restoration": {**RULES, "min_voltage_pu": 0.5}})
    plan = restore(net.energise(), "L1")
    (moment,) = [step for step in plan.steps if step.parallel]
    tables = {
        name: net.workspace.tables[name].to_dicts() for name in ("sources", "branches", "transformers", "customers")
    }
    rules = {**RULES, "min_voltage_pu": 0.5, "transfer_allowed": "make_before_break"}
    simulator = Simulator(tables, rules, ["L1"], plan.as_dict()["tripped"])
    simulator.follow(list(plan.steps))
    assert moment.loop_a == pytest.approx(_tie_current(tables, rules, plan, moment.branch_id), rel=0.1)


def _tie_current(tables: Any, rules: Any, plan: RestorationPlan, tie: str) -> float:
    simulator = Simulator(tables, rules, ["L1"], plan.as_dict()["tripped"])
    for step in plan.steps:
        (simulator.closed.add if step.action == "close" else simulator.closed.discard)(step.branch_id)
        if step.branch_id == tie:
            return simulator.solved()[1][tie]
    raise AssertionError(tie)

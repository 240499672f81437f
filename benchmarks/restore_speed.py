"""How long plans and the N-1 test take, and what moves of live load add.

    .venv/bin/python -m benchmarks.restore_speed                   # all but the county: some minutes
    .venv/bin/python -m benchmarks.restore_speed moves bus         # some parts: moves, plans, breaker, bus, sections
    .venv/bin/python -m benchmarks.restore_speed county            # the N-1 test of 5,100 sections: some minutes
    .venv/bin/python -m benchmarks.restore_speed county-unmoved    # the same without moves of live load

Times are of the processor unless said otherwise, on this machine and in this run. Every plan is proven by playing it.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.restore import judge, time_said, timed
from data_samples.generator.county import make_county
from network import Network, network_from_tables
from repair.restoration.n_minus_1 import LEAST_A, NMinus1, n_minus_1
from repair.restoration.restorer import restore
from repair.settings import RestorationSettings
from tests.repair.restoration.test_large import bus_of_feeders, county_of_meshes
from tests.repair.restoration.test_moves import group

PLAN_LIMIT_S, BREAKER_LIMIT_S, BUS_LIMIT_S = 1.0, 5.0, 5.0
SAMPLE_LIMIT_S, SWEEP_LIMIT_S, COUNTY_LIMIT_S = 20.0, 60.0, 600.0
SAMPLE_CUSTOMERS, SWEEP_CUSTOMERS = 20_000, 130_000
"""Of the sample county, and of one with about a thousand sections."""
GROUPS, NODES, FEEDERS, TIES, FAULTS = 5, 1_000, 5, 10, 100
MOVE_GROUPS = 200
BUSES = 5
MESHES, MESH_FAULTS = 60, 20
WIRE = {"rating_a": 400.0, "r_ohm": 0.02, "x_ohm": 0.03}
PARTS = ("moves", "plans", "breaker", "bus", "sections")
"""What is run where no part is named; the county takes minutes and is run by its name alone."""
COUNTY = ("county", "county-unmoved")


def feeder_group(
    seed: int,
    feeders: int = FEEDERS,
    each: int = NODES // FEEDERS,
    ties: int = TIES,
    every: int = 10,
    may_parallel: bool | None = None,
) -> Network:
    """Return feeders with a source each and ties between them.

    Args:
        seed: of the draw.
        feeders: how many.
        each: nodes of one.
        ties: how many.
        every: on every so many branches there is a switch.
        may_parallel: whether ties may be closed while both sides are live; blank by default, so that none of them may.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for feeder in range(feeders):
        for at in range(1, each):
            above = 0 if at == 1 else int(rng.integers(max(1, at - 12), at))
            kind = "breaker" if at == 1 else "switch" if at % every == 0 else "line"
            row = {"branch_id": f"B{len(rows)}", "from_node": f"{feeder}.{above}", "to_node": f"{feeder}.{at}"}
            remote = bool(rng.random() < 0.5)
            rows.append(
                row | WIRE | {"kind": kind, "feeder_id": f"F{feeder}", "remote": remote, "normally_open": False}
            )
    for tie in range(ties):
        one, other = tie % feeders, (tie + 1 + tie // feeders) % feeders
        a, b = (f"{feeder}.{int(rng.integers(each // 3, each))}" for feeder in (one, other))
        row = {"branch_id": f"T{tie}", "from_node": a, "to_node": b}
        tied = {
            "kind": "switch",
            "feeder_id": None,
            "remote": True,
            "normally_open": True,
            "may_parallel": may_parallel,
        }
        rows.append(row | WIRE | tied)
    nodes = [f"{feeder}.{at}" for feeder in range(feeders) for at in range(1, each)]
    transformers = [
        {"transformer_id": f"X{node}", "node": node, "load_kw": float(rng.integers(8, 36))} for node in nodes
    ]
    sources = [{"node": f"{feeder}.0", "capacity_a": 450.0} for feeder in range(feeders)]
    return network_from_tables({"sources": sources, "branches": rows, "transformers": transformers})


def plan_times(console: Console) -> float:
    """Fault the first line of every feeder and others of large groups; print, and return the longest in seconds."""
    seconds, unproven, back, lost = [], 0, 0, 0
    rng = np.random.default_rng(0)
    for seed in track(range(GROUPS), console=console, description="1,000 nodes", transient=True):
        net = feeder_group(seed)
        supply = net.energise()
        restore(supply, "B1")
        lines = net.branches.filter(kind="line")["branch_id"]
        at_heads = [f"B{1 + feeder * (NODES // FEEDERS - 1)}" for feeder in range(FEEDERS)]
        for fault in [*at_heads, *lines.gather(rng.integers(0, len(lines), FAULTS // GROUPS - FEEDERS))]:
            plan, took = timed(lambda supply=supply, fault=fault: restore(supply, fault))  # type: ignore[misc]
            assert plan.proof.holds
            seconds.append(took)
            unproven += not plan.best
            back, lost = back + len(plan.back.transformer_index), lost + len(plan.lost.transformer_index)
    console.print(
        f"\nplans on groups of {NODES:,} nodes with {TIES} ties, {len(seconds)} faults: "
        f"median {time_said(float(np.median(seconds)))}, longest {time_said(max(seconds))}; "
        f"{back / lost:.0%} of what was lost is back, {unproven} plans not proven the best",
        highlight=False,
    )
    return max(seconds)


def bus_times(console: Console) -> float:
    """Lose a whole bus of ten feeders with thirty ties, in several draws; print, and return the longest in seconds."""
    seconds, gaps = [], []
    for seed in track(range(1, BUSES + 1), console=console, description="a bus", transient=True):
        supply = bus_of_feeders(10, 30, 20, seed).energise()
        plan, took = timed(lambda supply=supply: restore(supply, "S"))  # type: ignore[misc]
        assert plan.proof.holds
        seconds.append(took)
        gaps.append(plan.gap / plan.lost.customer_count)
    console.print(
        f"a bus of 10 feeders with 30 ties is lost, {BUSES} draws: median {time_said(float(np.median(seconds)))}, longest "
        f"{time_said(max(seconds))}; the stated gap is {np.median(gaps):.1%} of those who are off, {max(gaps):.1%} at most",
        highlight=False,
    )
    return max(seconds)


def worth_of_moves(groups: int, console: Console) -> None:
    """Print what moves of live load add on random groups of three feeders with little to spare, in kW and customer-hours."""
    more_kw, more_hours = [], []
    for seed in track(range(groups), console=console, description="moves", transient=True):
        grid, fault = group(seed)
        refused = [f"B{at}" for at in sorted(grid.refused)]
        plans = [
            restore(grid.network({"transfer_allowed": policy}).energise(), f"B{fault}", refused, "kw")
            for policy in ("never", "make_before_break")
        ]
        fed = [
            float(plan.fault.network.transformers["load_kw"].gather(plan.back.transformer_index).sum())
            for plan in plans
        ]
        assert fed[1] >= fed[0]
        if fed[1] > fed[0]:
            more_kw.append(fed[1] - fed[0])
            more_hours.append((plans[1].saved.customer_hours or 0.0) - (plans[0].saved.customer_hours or 0.0))
    said = [
        f"{name} {np.percentile(values, [0, 25, 50, 75, 100]).round(1).tolist()}"
        for name, values in (("kW", more_kw), ("customer-hours", more_hours))
        if values
    ]
    console.print(
        f"moves of live load feed more after {len(more_kw)} of {groups} faults in groups of three feeders; where they do, "
        f"least, quartiles and most: {'; '.join(said)}",
        highlight=False,
    )


def sweep_time(customers: int, console: Console) -> tuple[float, float]:
    """Do the N-1 test of a sample county; print, and return the seconds, and those for 1,000 sections."""
    supply = network_from_tables(make_county(customers)).energise()
    clock = time.perf_counter()
    result, seconds = timed(lambda: n_minus_1(supply))
    clock_s = time.perf_counter() - clock
    per_thousand = 1_000.0 * seconds / len(result.sections)
    console.print(
        f"N-1 test of a sample of {customers:,} customers: {len(result.sections)} sections in {seconds:.1f} s of one core "
        f"({clock_s:.1f} s by the clock), {per_thousand:.0f} s per 1,000 sections",
        highlight=False,
    )
    return seconds, per_thousand


def breaker_times(console: Console) -> float:
    """Fault lines of a county whose feeders have one breaker and a switch at either end of each line; return the longest."""
    seconds, steps = [], []
    supply = county_of_meshes(MESHES).energise()
    rng = np.random.default_rng(0)
    lines = supply.network.branches.filter(kind="line")["branch_id"]
    for fault in ["0.L40", *lines.gather(rng.integers(0, len(lines), MESH_FAULTS - 1))]:
        plan, took = timed(lambda fault=fault: restore(supply, fault))  # type: ignore[misc]
        assert plan.proof.holds
        assert plan.best
        seconds.append(took)
        steps.append(len(plan.steps))
    console.print(
        f"{MESHES} feeders of 136 nodes with one breaker each, {supply.network.branches.height:,} branches, {MESH_FAULTS} "
        f"faults: median {time_said(float(np.median(seconds)))}, longest {time_said(max(seconds))}; every plan is proven the "
        f"best, {max(steps)} steps at most",
        highlight=False,
    )
    return max(seconds)


def county_time(console: Console, transfer_allowed: str) -> float:
    """Do the N-1 test of a hundred feeders with 5,100 sections and 250 ties that may be closed live; print, return seconds.

    Args:
        console: where to print.
        transfer_allowed: the setting: which live load may be moved to make room.
    """
    supply = feeder_group(0, 100, 204, 250, 4, may_parallel=True).energise()
    begun, clock = time.process_time(), time.perf_counter()

    def told(done: NMinus1) -> None:
        if len(done.sections) % 500 == 0:
            console.print(
                f"{len(done.sections)} of {done.sections_in_all} sections after {time.process_time() - begun:.0f} s"
            )

    result = n_minus_1(supply, RestorationSettings(transfer_allowed=transfer_allowed), told)
    seconds = time.perf_counter() - clock
    both = [(section.missing_a or 0.0, section.missing_without_moves_a or 0.0) for section in result.sections]
    failing = [sum(missing >= LEAST_A for missing in each) for each in zip(*both, strict=True)]
    missing_a = [sum(each) for each in zip(*both, strict=True)]
    console.print(
        f"N-1 test of 100 feeders, moves of live load: {transfer_allowed}: {len(result.sections)} sections in "
        f"{time.process_time() - begun:.0f} s of one core, {seconds:.0f} s by the clock; {failing[0]} sections fail, "
        f"{failing[1]} without moves; {missing_a[0]:,.0f} A are missing in all, {missing_a[1]:,.0f} A without moves",
        highlight=False,
    )
    return seconds


def main() -> int:
    """Run the benchmark, or the parts that are named; the exit status is 1 where a target is missed."""
    console = Console(width=150)
    parts = set(sys.argv[1:]) or set(PARTS)
    if unknown := parts - {*PARTS, *COUNTY}:
        console.print(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join((*PARTS, *COUNTY))}")
        return 2
    reached = {}
    if "moves" in parts:
        worth_of_moves(MOVE_GROUPS, console)
    if "plans" in parts:
        reached[f"longest plan on {NODES:,} nodes with {TIES} ties, s"] = plan_times(console), PLAN_LIMIT_S
    if "breaker" in parts:
        reached["longest plan behind one breaker of a county, s"] = breaker_times(console), BREAKER_LIMIT_S
    if "bus" in parts:
        reached["longest plan for a lost bus of 10 feeders with 30 ties, s"] = bus_times(console), BUS_LIMIT_S
    if "sections" in parts:
        reached["N-1 test of the sample county, s"] = sweep_time(SAMPLE_CUSTOMERS, console)[0], SAMPLE_LIMIT_S
        reached["N-1 test of 1,000 sections, s"] = sweep_time(SWEEP_CUSTOMERS, console)[1], SWEEP_LIMIT_S
    if "county" in parts:
        reached["N-1 test of 5,100 sections, s by the clock"] = (
            county_time(console, "make_before_break"),
            COUNTY_LIMIT_S,
        )
    if "county-unmoved" in parts:
        reached["the same without moves, s by the clock"] = county_time(console, "never"), COUNTY_LIMIT_S
    return 0 if judge(reached, console) else 1


if __name__ == "__main__":
    sys.exit(main())

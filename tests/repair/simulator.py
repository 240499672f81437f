"""Every step of a plan simulated apart from the project: a plain walk over the tables, and a power flow by the node equations.

Nothing of the project is called: the tables and the steps are read, and each state is judged by what the field demands. A tie
that joins two live parts is solved as the mesh that it is, where the plan estimates the current of that moment.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

BREAKS, MAKES = {"breaker", "recloser", "switch"}, {"breaker", "recloser", "switch", "fuse"}
NO_OHM = 1e-7
"""What stands for the impedance of a device."""


class Simulator:
    """A network as tables, and the state that steps have reached.

    Args:
        tables: rows by table: sources, branches, transformers, customers.
        rules: ``power_factor``, ``voltage_kv``, ``min_voltage_pu``, ``transfer_allowed``.
        faults: the faulted branches.
        tripped: devices that opened.
        factor: what those who lost supply take over their load.
    """

    def __init__(
        self, tables: dict[str, list[dict[str, Any]]], rules: dict[str, Any], faults: Iterable[str],
        tripped: Iterable[str], factor: float = 1.0,
    ) -> None:  # fmt: skip
        self.rules = rules
        self.branches = {row["branch_id"]: dict(row) for row in tables["branches"]}
        self.limit: dict[str, float | None] = {}
        self.station: dict[str, str | None] = {}
        for row in tables["sources"]:
            if row.get("grid_forming") is None:
                self.limit[row["node"]], self.station[row["node"]] = row.get("capacity_a"), row.get("station_id")
            elif row["grid_forming"]:
                behind = f"{row['node']}-generator"
                self.limit[behind], self.station[behind] = row["capacity_a"], None
                self.branches[f"{row['node']}-island"] = {
                    "branch_id": f"{row['node']}-island", "from_node": behind, "to_node": row["node"], "kind": "breaker",
                    "normally_open": True, "may_parallel": False, "r_ohm": None, "x_ohm": None, "rating_a": None,
                }  # fmt: skip
        self.transformers = tables["transformers"]
        self.marked = {
            row["transformer_id"] for row in tables["customers"] if row.get("important") or row.get("sensitive")
        }
        self.closed = {name for name, row in self.branches.items() if not row.get("normally_open")}
        before = self.live()
        self.kw = {row["transformer_id"]: float(row["load_kw"]) for row in self.transformers}
        self.allowed = [self.measured()]
        self.closed -= set(tripped)
        self.fault_nodes = {self.branches[name][end] for name in faults for end in ("from_node", "to_node")}
        lost = [row["transformer_id"] for row in self.transformers if row["node"] in before - self.live()]
        for name in lost:
            self.kw[name] *= factor
        self.allowed.append(self.measured())

    # States -------------------------------------------------------------------------------------------------------

    def near(self, closed: set[str]) -> dict[str, list[tuple[str, str]]]:
        found = defaultdict(list)
        for name in closed:
            one, other = self.branches[name]["from_node"], self.branches[name]["to_node"]
            found[one].append((name, other))
            found[other].append((name, one))
        return found

    def reached(self, seeds: Iterable[str], closed: set[str] | None = None) -> set[str]:
        near, seen = self.near(self.closed if closed is None else closed), set(seeds)
        waiting = list(seen)
        while waiting:
            for _, other in near[waiting.pop()]:
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return seen

    def live(self) -> set[str]:
        return self.reached(self.limit)

    def fed(self) -> set[str]:
        live = self.live()
        return {row["transformer_id"] for row in self.transformers if row["node"] in live}

    def source_of(self, node: str) -> str:
        return next(each for each in self.limit if node in self.reached([each]))

    def meshes(self) -> int:
        """Return how many loops are closed among live nodes, all sources taken as one point."""
        live = self.live()
        lines = sum(1 for name in self.closed if self.branches[name]["from_node"] in live)
        return lines - (len(live) - len(self.limit))

    def sums(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return what flows in each live branch of a radial state, and what each source gives, in A at nominal voltage."""
        per_kw = 1.0 / (self.rules["power_factor"] * math.sqrt(3.0) * self.rules["voltage_kv"])
        near = self.near(self.closed)
        take: defaultdict[str, float] = defaultdict(float)
        for row in self.transformers:
            take[row["node"]] += self.kw[row["transformer_id"]] * per_kw
        flow: dict[str, float] = {}

        def below(node: str, by: str | None) -> float:
            total = take[node]
            for name, other in near[node]:
                if name != by:
                    flow[name] = below(other, name)
                    total += flow[name]
            return total

        return flow, {source: below(source, None) for source in self.limit}

    def solved(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return the voltage of each live node, of nominal, and the current of each live branch in A, loops or not."""
        live = sorted(self.live())
        at = {node: i for i, node in enumerate(live)}
        lines = [name for name in sorted(self.closed) if self.branches[name]["from_node"] in at]
        admittance = np.zeros((len(live), len(live)), dtype=complex)
        ohm = {}
        for name in lines:
            row = self.branches[name]
            ohm[name] = complex(row.get("r_ohm") or 0.0, row.get("x_ohm") or 0.0) or complex(NO_OHM)
            one, other = at[row["from_node"]], at[row["to_node"]]
            admittance[[one, other, one, other], [one, other, other, one]] += np.array([1, 1, -1, -1]) / ohm[name]
        phase_v = self.rules["voltage_kv"] * 1000.0 / math.sqrt(3.0)
        angle = 1 + 1j * math.tan(math.acos(self.rules["power_factor"]))
        power = np.zeros(len(live), dtype=complex)
        for row in self.transformers:
            if row["node"] in at:
                power[at[row["node"]]] += self.kw[row["transformer_id"]] * 1000.0 / 3.0 * angle
        fixed = [at[node] for node in self.limit]
        free = [i for i in range(len(live)) if i not in fixed]
        volts = np.full(len(live), phase_v, dtype=complex)
        for _ in range(60 if free else 0):
            taken = np.conj(power[free] / volts[free])
            volts[free] = np.linalg.solve(
                admittance[np.ix_(free, free)], -taken - admittance[np.ix_(free, fixed)] @ volts[fixed]
            )
        current = {
            name: abs(volts[at[self.branches[name]["from_node"]]] - volts[at[self.branches[name]["to_node"]]]) / abs(ohm[name])
            for name in lines
        }  # fmt: skip
        return {node: abs(volts[i]) / phase_v for node, i in at.items()}, current

    def measured(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        return (*self.sums(), self.solved()[0])

    # Steps --------------------------------------------------------------------------------------------------------

    def judge(self) -> None:
        """Judge a radial state: the fault is dead, and nothing is beyond its limit that was within it before any operation."""
        assert not self.fault_nodes & self.live()
        assert self.meshes() == 0
        flow, given, volts = self.measured()
        for name, value in flow.items():
            rating = self.branches[name].get("rating_a")
            if rating is not None:
                assert value <= max(rating, *(each[0].get(name, 0.0) for each in self.allowed)) + 1e-4, name
        for node, value in given.items():
            limit = self.limit[node]
            if limit is not None:
                assert value <= max(limit, *(each[1][node] for each in self.allowed)) + 1e-4, node
        for node, value in volts.items():
            least = min(self.rules["min_voltage_pu"], *(each[2].get(node, 1.0) for each in self.allowed))
            assert value >= least - 1e-4, node

    def may_join(self, tie: str) -> bool:
        row = self.branches[tie]
        if row.get("may_parallel") is not None:
            return bool(row["may_parallel"])
        one, other = self.source_of(row["from_node"]), self.source_of(row["to_node"])
        return one == other or (self.station[one] is not None and self.station[one] == self.station[other])

    def follow(self, steps: list[Any]) -> dict[str, int]:
        """Do every step, judge each state, and return how many parallel moments and short interruptions there were."""
        seen = {"parallel": 0, "interrupted": 0}
        cut: set[str] = set()
        joined = False
        for number, step in enumerate(steps):
            row, fed, live = self.branches[step.branch_id], self.fed(), self.live()
            ends = {row["from_node"] in live, row["to_node"] in live}
            assert (step.action == "open") == (step.branch_id in self.closed), "each step changes something"
            if step.action == "open":
                assert row["kind"] in BREAKS or ends == {False}
                self.closed.remove(step.branch_id)
            else:
                assert row["kind"] in MAKES or ends == {False}
                join = ends == {True} and self.may_join(step.branch_id)
                assert ends != {True} or join
                self.closed.add(step.branch_id)
            now = self.fed()
            assert set(step.interrupts_transformers) == fed - now
            assert set(step.restores_transformers) == now - fed - cut
            if joined:
                assert (step.action, fed - now) == ("open", set())
            joined = False
            if step.action == "close" and ends == {True}:
                joined = True
                seen["parallel"] += 1
                assert step.parallel in {"yes", "confirm"}
                assert number + 1 < len(steps)
                self.judge_moment(step)
                continue
            assert step.parallel is None
            if cut:
                assert cut <= now, "whoever is off for a moment is back by the next step"
            cut = fed - now
            if cut:
                seen["interrupted"] += 1
                assert self.rules["transfer_allowed"] == "with_short_interruption"
                assert not cut & self.marked
            self.judge()
        assert not cut
        return seen

    def judge_moment(self, step: Any) -> None:
        """Judge the moment in which a tie joins two live parts: one loop, and its current as estimated."""
        assert self.meshes() == 1
        assert not self.fault_nodes & self.live()
        _, current = self.solved()
        if step.loop_a is not None:
            assert abs(current[step.branch_id] - step.loop_a) <= 0.1 * step.loop_a + 0.3

"""Every state of the switches of a small grid at once: numpy arrays with one row per state, so that twelve switches are quick.

What a state is, and what it may do, is told by :mod:`tests.repair.grids`; a test holds the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Mask, Numbers
from tests.repair.grids import DEVICES, Grid


@dataclass
class EveryState:
    """The states that can be operated to, keep the fault dead, everybody else as they are, and all limits.

    Attributes:
        closed: shape (states, branches).
        live: shape (states, nodes).
        customers, kw: what each feeds beyond the state after the trip, shape (states,).
    """

    closed: Mask
    live: Mask
    customers: Indices
    kw: Indices

    @classmethod
    def of(cls, grid: Grid, fault: int) -> EveryState:
        net = _Arrays(grid)
        before, after = grid.closed(), grid.tripped(fault)
        live_before, live_after = grid.reach(before, list(grid.sources)), grid.reach(after, list(grid.sources))
        zone, dead = grid.zone(fault, after), live_before - live_after
        free = [
            i
            for i, each in enumerate(grid.branches)
            if each.kind in DEVICES and i not in grid.refused and {each.a, each.b} & dead
            and {each.a, each.b} <= live_before
            and not (each.kind == "disconnector" and not after[i] and {each.a, each.b} & live_after)
        ]  # fmt: skip
        closed = np.tile(np.array(after), (1 << len(free), 1))
        closed[:, free] = (np.arange(len(closed))[:, None] >> np.arange(len(free))) & 1
        level = net.levels(closed)
        live = level >= 0
        usable = (
            ~live[:, net.index_of(zone)].any(axis=1)
            & live[:, net.index_of(live_after)].all(axis=1)
            & ~live[:, [i for node, i in net.index.items() if node not in live_before]].any(axis=1)
            & (net.live_branches(closed, live).sum(axis=1) == live.sum(axis=1) - len(grid.sources))
        )
        closed, level, live = closed[usable], level[usable], live[usable]
        known = [state for state in (grid.flows(before), grid.flows(after)) if state is not None]
        assert len(known) == 2
        current, given = net.flows(closed, level)
        kept = np.ones(len(closed), dtype=np.bool_)
        for i, each in enumerate(grid.branches):
            if each.rating is not None:
                kept &= current[:, i] <= max(each.rating, *(state[0].get(i, 0.0) for state in known)) + 1e-6
        for node, limit in grid.sources.items():
            if limit is not None:
                kept &= given[:, net.index[node]] <= max(limit, *(state[1][node] for state in known)) + 1e-6
        closed, live = closed[kept], live[kept]
        customers, kw = net.gain(live, live_after)
        return cls(closed, live, customers, kw)

    def best(self, objective: str) -> tuple[tuple[int, int], Indices]:
        """Return the most that any state feeds, by the objective and then by the other measure, and the states that do."""
        first, then = (self.customers, self.kw) if objective == "customers" else (self.kw, self.customers)
        most = first.max()
        more = then[first == most].max()
        return (int(most), int(more)), np.flatnonzero((first == most) & (then == more))


class _Arrays:
    """A grid as arrays."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        ends = {node for branch in grid.branches for node in (branch.a, branch.b)}
        self.index = {node: i for i, node in enumerate(sorted({*grid.sources, *ends}))}
        self.ends = [(self.index[branch.a], self.index[branch.b]) for branch in grid.branches]

    def index_of(self, nodes: set[str]) -> list[int]:
        return [self.index[node] for node in nodes if node in self.index]

    def levels(self, closed: Mask) -> Indices:
        """Return how many branches lie between each node and its source, -1 where it is dead, shape (states, nodes)."""
        level = np.full((len(closed), len(self.index)), -1)
        level[:, self.index_of(set(self.grid.sources))] = 0
        for step in range(len(self.index)):
            for i, (a, b) in enumerate(self.ends):
                for one, other in ((a, b), (b, a)):
                    level[closed[:, i] & (level[:, one] == step) & (level[:, other] < 0), other] = step + 1
        return level

    def live_branches(self, closed: Mask, live: Mask) -> Mask:
        tail, head = np.array(self.ends).T
        return closed & live[:, tail] & live[:, head]

    def flows(self, closed: Mask, level: Indices) -> tuple[Numbers, Numbers]:
        """Return the current of each branch and the load below each node of radial states."""
        below = np.zeros(level.shape)
        for node, second, kw, _ in self.grid.loads:
            first = level[:, self.index[node]] >= 0
            below[first, self.index[node]] += kw
            if second is not None:
                below[~first & (level[:, self.index[second]] >= 0), self.index[second]] += kw
        current = np.zeros(closed.shape)
        for step in range(int(level.max(initial=0)), 0, -1):
            for i, (a, b) in enumerate(self.ends):
                for upper, lower in ((a, b), (b, a)):
                    here = closed[:, i] & (level[:, lower] == step) & (level[:, upper] == step - 1)
                    current[here, i] = below[here, lower]
                    below[here, upper] += below[here, lower]
        return current, below

    def gain(self, live: Mask, live_after: set[str]) -> tuple[Indices, Indices]:
        customers = np.zeros(len(live), dtype=np.int64)
        kilowatts = np.zeros(len(live), dtype=np.int64)
        for node, second, kw, count in self.grid.loads:
            if not {node, second} & live_after:
                back = live[:, self.index_of({node} if second is None else {node, second})].any(axis=1)
                customers += back * max(count, 1)
                kilowatts += back * kw
        return customers, kilowatts

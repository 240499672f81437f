"""Every order of operations on a small grid, step by step: what can be reached without breaking a rule, and in how few steps.

Nothing of the project is used but the drawing of the grid: states are lists of closed branches, walked one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from tests.repair.grids import DEVICES, Grid

BREAKS = {"breaker", "recloser", "switch"}
MAKES = BREAKS | {"fuse"}
State = tuple[bool, ...]


class EveryOrder:
    """The states that can be reached after a fault.

    Attributes:
        steps: fewest operations to each state that is radial, keeps every limit and feeds all who had supply.
    """

    def __init__(self, grid: Grid, fault: int) -> None:
        self.grid, self.fault = grid, fault
        self.start: State = tuple(grid.tripped(fault))
        self.zone = grid.zone(fault, list(self.start))
        self.free = [
            i for i, each in enumerate(grid.branches) if each.kind in DEVICES and i not in grid.refused and i != fault
        ]
        self._kept: dict[State, bool] = {}
        self.steps = self._walk()

    def live(self, state: State) -> set[str]:
        return self.grid.reach(list(state), list(self.grid.sources))

    def source_of(self, state: State, node: str) -> str:
        return next(source for source in self.grid.sources if node in self.grid.reach(list(state), [source]))

    def keeps(self, state: State) -> bool:
        if state not in self._kept:
            self._kept[state] = not self.zone & self.live(state) and self.grid.keeps_limits(list(state), self.fault)
        return self._kept[state]

    def may_join(self, state: State, tie: int) -> bool:
        each = self.grid.branches[tie]
        if each.may_parallel is not None:
            return each.may_parallel
        one, other = self.source_of(state, each.a), self.source_of(state, each.b)
        station = self.grid.station
        return one == other or (station.get(one) is not None and station.get(one) == station.get(other))

    def onwards(self, state: State) -> Iterator[tuple[State, int]]:
        """Give the states one step further on, with the operations of the step: two for a make-before-break move."""
        live = self.live(state)
        for i in self.free:
            each = self.grid.branches[i]
            ends = [each.a in live, each.b in live]
            flipped = (*state[:i], not state[i], *state[i + 1 :])
            if not any(ends) or (not state[i] and each.kind in MAKES and not all(ends)):
                yield flipped, 1
            elif not state[i] and each.kind in MAKES and self.may_join(state, i):
                for j in self.free:
                    other = self.grid.branches[j]
                    if j != i and flipped[j] and other.kind in BREAKS and {other.a, other.b} <= live:
                        yield (*flipped[:j], False, *flipped[j + 1 :]), 2

    def _walk(self) -> dict[State, int]:
        found = {self.start: 0}
        at_distance: dict[int, deque[State]] = {0: deque([self.start])}
        distance = 0
        while any(at_distance.values()):
            edge = at_distance.setdefault(distance, deque())
            while edge:
                state = edge.popleft()
                if found[state] < distance:
                    continue
                live = self.live(state)
                for after, operations in self.onwards(state):
                    then = distance + operations
                    if found.get(after, then + 1) > then and live <= self.live(after) and self.keeps(after):
                        found[after] = then
                        at_distance.setdefault(then, deque()).append(after)
            distance += 1
        return found

    def best(self) -> tuple[tuple[int, int], int]:
        """Return the most that any reachable state feeds, by customers and then kW, and the fewest operations to do so."""
        gains = {state: self.grid.gain(list(state), list(self.start)) for state in self.steps}
        most = max(gains.values())
        return most, min(self.steps[state] for state, gain in gains.items() if gain == most)

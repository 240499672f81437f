"""The order in which switches reach an end where live load is moved: every step keeps the rules, parallel moments included.

A live part is moved make-before-break 合环倒负荷: the tie closes while both sides are live, and the switch behind opens next;
or, where that is allowed, with a short interruption 短时停电, the other way round. Between two such pairs the network is radial.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from network import Supply
from network.arrays import Indices
from repair.isolation import BREAKS_LOAD, MAKES_LOAD
from repair.restoration.loading import FeederState
from repair.restoration.operation import ON_SITE, REMOTE, Operation
from repair.restoration.parallel import NO, loop_moment, may_join
from repair.restoration.problem import RestorationProblem
from repair.restoration.switching_model import SwitchingSolution

MOST_STATES = 400
"""States that are looked at for one order."""

MOST_DETOURS = 14
"""Switches, at most, among which an order is sought that operates one of them twice."""

Wanted = dict[int, bool]
"""Branches with whether each is to be closed."""

DEAD_LINE, LIVE_END, MOVE, INTERRUPT = range(4)
"""Kinds of steps, those first that are tried first: on a dead line; power comes; a move; one with a short interruption."""


@dataclass(frozen=True, eq=False)
class _Way:
    """A state on the way to an end: what is left to do, what was done, and the step that is to be looked at next, if any."""

    now: Supply
    left: Wanted
    done: list[int]
    step: tuple[int, tuple[int, ...]] | None = None
    is_priced: bool = False


@dataclass(eq=False)
class Orders:
    """Looks for an order of operations.

    Attributes:
        problem: the fault, with the feeders whose load may be moved.
        in_all: states that may be looked at for all ends together; for each at most :data:`MOST_STATES`.
        states: how many states were looked at for the last end.
        is_sure: whether all orders were looked at, so that where none was found there is none.
    """

    problem: RestorationProblem
    in_all: float = np.inf
    states: int = field(default=0, init=False)
    most: float = field(default=0, init=False)
    is_sure: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        net = self.problem.fault.network
        self.remote, self.breaks, self.makes = net.remote, net.of_kind(BREAKS_LOAD), net.of_kind(MAKES_LOAD)

    def to(self, choice: SwitchingSolution) -> tuple[Operation, ...] | None:
        """Return an order that leads to a choice, remote operations first; ``None`` where none is found."""
        zones, self.states, self.is_sure = choice.zones, 0, False
        self.most = min(MOST_STATES, self.in_all)
        wanted: Wanted = dict.fromkeys(self.problem.opened_for(choice).tolist(), False)
        wanted |= {int(zones.switch[at]): bool(choice.late[at]) for at in choice.operated}
        found = self._straight(self.problem.fault.after, wanted)
        if found is None and len(zones.switch) <= MOST_DETOURS:
            found = self._roundabout(wanted, set(zones.switch.tolist()) | set(wanted))
        self.in_all -= self.states
        return None if found is None else self.in_stages(found)

    def in_stages(self, steps: list[int]) -> tuple[Operation, ...]:
        """Return operations of branches in order; once somebody is on site all that follows waits for them."""
        is_open = self.problem.fault.after.is_open.copy()
        found, stage = [], REMOTE
        for branch in steps:
            stage = stage if self.remote[branch] else ON_SITE
            found.append(Operation(branch, "close" if is_open[branch] else "open", stage))
            is_open[branch] = ~is_open[branch]
        return tuple(found)

    def moved(self, now: Supply, tie: int, behind: int) -> Supply | None:
        """Return the state after a tie closed between live parts and a device behind it opened; ``None`` against a rule."""
        return self._after(now, MOVE, (tie, behind))

    def _straight(self, now: Supply, wanted: Wanted) -> list[int] | None:
        """Return an order in which every branch is operated once, with as few cut off for a moment as can be.

        Depth first among orders that cut off equally many.
        """
        seen: set[frozenset[int]] = set()
        waiting: list[tuple[float, int, int, _Way]] = []
        made = count()
        heapq.heappush(waiting, (0.0, 0, next(made), _Way(now, wanted, [])))
        while waiting:
            cut, depth, _, way = heapq.heappop(waiting)
            if way.step is not None and not way.is_priced:
                kind, steps = way.step
                after = None if self.states >= self.most else self._counted(way.now, kind, steps)
                if after is None:
                    continue
                then = _Way(
                    after, {each: end for each, end in way.left.items() if each not in steps}, [*way.done, *steps]
                )
                more = self._cut_off(way.now, kind, steps)
                if more:
                    heapq.heappush(waiting, (cut + more, depth, next(made), replace(then, is_priced=True)))
                    continue
                way = then
            if not way.left:
                return way.done
            key = frozenset(way.left)
            if key in seen:
                continue
            seen.add(key)
            for step in reversed(self._in_turn(way.now, way.left)):
                heapq.heappush(waiting, (cut, depth - 1, -next(made), replace(way, step=step, is_priced=False)))
        return None

    def _cut_off(self, now: Supply, kind: int, steps: tuple[int, ...]) -> float:
        """Return how many transformers and customers lose supply for the moment of a step."""
        if kind != INTERRUPT:
            return 0.0
        cut = now.lost_in(now.switched(open=[str(now.network.branches["branch_id"][steps[0]])]))
        return float(cut.customer_count + len(cut.transformer_index))

    def _roundabout(self, wanted: Wanted, free: set[int]) -> list[int] | None:
        """Return a shortest order that may operate any switch, by breadth-first search."""
        start = self.problem.fault.after
        end = frozenset(branch for branch in wanted)
        barred = self.problem.fault.barred
        edge: deque[tuple[Supply, frozenset[int], list[int]]] = deque([(start, frozenset(), [])])
        seen = {frozenset[int]()}
        while edge:
            state, moved, done = edge.popleft()
            if moved == end:
                return done
            if self.states >= self.most:
                return None
            now = {branch: bool(state.is_open_at(np.array([branch]))[0]) for branch in sorted(free)}
            now = {branch: to_close for branch, to_close in now.items() if branch in wanted or not barred[branch]}
            for steps, after in self._steps(state, now):
                then = moved.symmetric_difference(steps)
                if then not in seen:
                    seen.add(then)
                    edge.append((after, then, [*done, *steps]))
        self.is_sure = True
        return None

    # Steps --------------------------------------------------------------------------------------------------------

    def _steps(self, now: Supply, wanted: Wanted) -> list[tuple[tuple[int, ...], Supply]]:
        """Return what can be done next and keeps all rules, in turn."""
        found = ((steps, self._counted(now, kind, steps)) for kind, steps in self._in_turn(now, wanted))
        return [(steps, after) for steps, after in found if after is not None]

    def _in_turn(self, now: Supply, wanted: Wanted) -> list[tuple[int, tuple[int, ...]]]:
        """Return what could be done next, that by remote control first."""
        return sorted(
            self._possible(now, wanted), key=lambda each: (not self.remote[list(each[1])].all(), each[0], each[1])
        )

    def _counted(self, now: Supply, kind: int, steps: tuple[int, ...]) -> Supply | None:
        self.states += 1
        return self._after(now, kind, steps)

    def _possible(self, now: Supply, wanted: Wanted) -> Iterator[tuple[int, tuple[int, ...]]]:
        net = now.network
        branches: Indices = np.array(list(wanted), dtype=np.int64)
        live = np.stack([now.live(net.from_node[branches]), now.live(net.to_node[branches])])
        opens = [branch for branch, end in zip(branches.tolist(), live[0], strict=True) if not wanted[branch] and end]
        opens = [branch for branch in opens if self.breaks[branch]]
        for branch, one, other in zip(branches.tolist(), *live, strict=True):
            if not wanted[branch]:
                if not one and not other:
                    yield DEAD_LINE, (branch,)
            elif not one and not other:
                if not self.makes[branch]:
                    yield DEAD_LINE, (branch,)
            elif self.makes[branch] and one != other:
                yield LIVE_END, (branch,)
            elif self.makes[branch]:
                joins = may_join(now, branch) != NO
                for behind in opens:
                    if joins:
                        yield MOVE, (branch, behind)
                    elif self.problem.capacity.loads.rules.transfer_allowed == "with_short_interruption":
                        yield INTERRUPT, (behind, branch)

    def _after(self, now: Supply, kind: int, steps: tuple[int, ...]) -> Supply | None:
        """Return the state after a step; ``None`` where it breaks a rule."""
        fault, capacity = self.problem.fault, self.problem.capacity
        ids = fault.network.branches["branch_id"]
        states = [now]
        for branch in steps:
            action = "close" if states[-1].is_open_at(np.array([branch]))[0] else "open"
            states.append(states[-1].switched(**{action: [str(ids[branch])]}))
        after = states[-1]
        if after.live(fault.zone).any() or len(now.nodes_lost_in(after)):
            return None
        if kind == DEAD_LINE:
            return after
        if kind == MOVE and (_is_meshed(capacity.states(after)) or loop_moment(capacity, now, steps[0]).over):
            return None
        if kind == INTERRUPT and not self._may_interrupt(now, states[1]):
            return None
        return None if capacity.broken(after) else after

    def _may_interrupt(self, now: Supply, meanwhile: Supply) -> bool:
        """Return whether all who are cut off for a moment may be: nobody important or sensitive."""
        cut = now.lost_in(meanwhile)
        customers = now.network.customers[cut.customer_index]
        marked = customers["important"].fill_null(value=False) | customers["sensitive"].fill_null(value=False)
        return not marked.any() and not self.problem.capacity.broken(meanwhile)


def _is_meshed(states: list[FeederState]) -> bool:
    return any(len(state.part.forest.back_branch) for state in states)

"""Room made as dispatchers make it 腾出容量, where there are too many switches for a search over all moves at once.

Each live feeder that could feed the dead part hands load to its own neighbours, make-before-break, as much as is missing, and
those hand on to theirs where they are full, along chains. Every move is looked at as it is done: what flows in its moment, and
the limits after it. From the state that is reached the search goes on as if no load were moved; moves that nobody needs are
left away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from network import Supply
from network.arrays import NONE, Indices
from repair.isolation import BREAKS_LOAD, MAKES_LOAD, resumed
from repair.restoration.loading import KEPT, FeederState
from repair.restoration.moves import can_be_moved
from repair.restoration.operation import REMOTE
from repair.restoration.order import Orders
from repair.restoration.parallel import NO, may_join
from repair.restoration.problem import RestorationProblem
from repair.restoration.proof import play
from repair.restoration.sequence import operations
from repair.restoration.switching_model import SwitchingSolution
from repair.restoration.zones import Zones

MOST_TRIED = 60
"""Moves that are looked at for one fault."""

Plain = Callable[[RestorationProblem], SwitchingSolution]
Move = tuple[int, int]
"""A tie that closes, and the device behind which the load is moved."""


@dataclass(eq=False)
class Relief:
    """Makes room for one fault.

    Attributes:
        problem: the fault, without feeders whose load is moved.
        measure: what shall come back.
        plain: the search without moves.
        tried: how many moves were looked at.
    """

    problem: RestorationProblem
    measure: str
    plain: Plain
    tried: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        net, fault = self.problem.fault.network, self.problem.fault
        self.makes = net.of_kind(MAKES_LOAD) & ~fault.barred
        self.breaks = net.of_kind(BREAKS_LOAD) & ~fault.barred

    def beyond(self, best: SwitchingSolution, steps_count: bool) -> tuple[RestorationProblem, SwitchingSolution] | None:
        """Return the case and a choice that feeds more than the best without moves; ``None`` where none is found.

        Args:
            best: the best without moves.
            steps_count: whether it matters how and how soon: remote moves go first, and those that add nothing are left away.
        """
        ports = self._port_nodes()
        most = best.gain
        found: tuple[list[Move], SwitchingSolution] | None = None
        for remote_only, others_only in ((True, True), (False, True), (False, False)):
            if remote_only and not steps_count:
                continue
            moves = self._made_room(ports, remote_only, others_only, self._missing_a(best))
            choice = self._after(moves) if moves else None
            if choice is not None and choice.gain > most:
                most, found = choice.gain, (moves, choice)
            if most >= self.problem.feedable(self.measure):
                break
        if found is None:
            return None
        moves = self._needed(*found) if steps_count else found[0]
        return self._as_choice(moves)

    def _port_nodes(self) -> Indices:
        """Return the live nodes from which power could come in, one of each feeder."""
        zones, after = self.problem.zones, self.problem.fault.after
        nodes = np.unique(zones.live_node[zones.port])
        kept, seen = [], set[frozenset[int]]()
        for node in nodes.tolist():
            (part,) = after.parts_of(np.array([node]))
            if part.members not in seen:
                seen.add(part.members)
                kept.append(node)
        return np.array(kept, dtype=np.int64)

    def _missing_a(self, best: SwitchingSolution) -> float:
        zones, demand = best.zones, self.problem.demand
        of_node = np.zeros(len(self.problem.fault.network.nodes))
        of_node[self.problem.zones.nodes] = demand.at_node
        return float(of_node[zones.nodes[~best.fed[zones.zone]]].sum())

    # Moves --------------------------------------------------------------------------------------------------------

    def _made_room(self, ports: Indices, remote_only: bool, others_only: bool, wanted_a: float) -> list[Move]:
        """Return moves that relieve the feeders of these nodes, each by what is missing at most."""
        now, found = self.problem.fault.after, list[Move]()
        busy = {now.parts_of(np.array([node]))[0].members for node in ports.tolist()}
        for node in ports.tolist():
            own = now.parts_of(np.array([node]))[0].members
            shut = busy if others_only else frozenset({own})
            now, moves = self._relieved(now, node, wanted_a, set(shut), remote_only, 1)
            found += moves
        return found

    def _relieved(
        self, now: Supply, node: int, wanted_a: float, shut: set[frozenset[int]], remote_only: bool, depth: int
    ) -> tuple[Supply, list[Move]]:
        """Return the state, and the moves, after the feeder of a node has handed over so much, as far as it can."""
        found, left = list[Move](), wanted_a
        while left > KEPT and self.tried < MOST_TRIED:
            step = self._one_move(now, node, left, shut, remote_only, depth)
            if step is None:
                break
            now, moves, ampere = step
            found += moves
            left -= ampere
        return now, found

    def _one_move(
        self, now: Supply, node: int, wanted_a: float, shut: set[frozenset[int]], remote_only: bool, depth: int
    ) -> tuple[Supply, list[Move], float] | None:
        """Return one move of the feeder of a node, with those that its neighbour needs before; if it can, one that suffices."""
        offers = sorted(
            self._offers(now, node, shut, remote_only), key=lambda each: (each[0] < wanted_a, abs(each[0] - wanted_a), *each[1:])
        )  # fmt: skip
        for ampere, spare, tie, behind, beyond in offers:
            if self.tried >= MOST_TRIED:
                return None
            state, before = now, list[Move]()
            if ampere > spare + KEPT:
                if depth + 1 >= self.problem.capacity.loads.rules.transfer_chain:
                    continue
                mine = now.parts_of(np.array([node]))[0].members
                state, before = self._relieved(now, beyond, ampere - spare, shut | {mine}, remote_only, depth + 1)
                if not before:
                    continue
            after = self._moved(state, tie, behind)
            if after is not None:
                return after, [*before, (tie, behind)], ampere
        return None

    def _offers(
        self, now: Supply, node: int, shut: set[frozenset[int]], remote_only: bool
    ) -> Iterator[tuple[float, float, int, int, int]]:
        """Give what the feeder of a node could hand over: amperes, what the neighbour has to spare, tie, device, node beyond."""
        net, capacity = now.network, self.problem.capacity
        (part,) = now.parts_of(np.array([node]))
        state = capacity.loads.state_of(now, part)
        if not can_be_moved(state, np.array([node])):
            return
        forest, place_of = part.forest, dict(zip(part.nodes.tolist(), range(len(part.nodes)), strict=True))
        ties = np.unique(net.branches_at_node.of_keys(part.nodes[forest.reached]))
        ties = ties[self.makes[ties] & now.is_open_at(ties)]
        ties = ties[now.live(net.from_node[ties]) & now.live(net.to_node[ties])]
        for tie in ties.tolist():
            ends = int(net.from_node[tie]), int(net.to_node[tie])
            mine = [end for end in ends if end in place_of and forest.place_of[place_of[end]] > 0]
            if len(mine) != 1 or (remote_only and not net.remote[tie]) or may_join(now, tie) == NO:
                continue
            beyond = ends[1] if ends[0] == mine[0] else ends[0]
            (other,) = now.parts_of(np.array([beyond]))
            neighbour = capacity.loads.state_of(now, other)
            if other.members in shut or not can_be_moved(neighbour, np.array([beyond])):
                continue
            spare = self._spare(neighbour, beyond)
            at = int(forest.place_of[place_of[mine[0]]])
            while at > 0:
                behind = int(forest.branch_to[at])
                ampere = float(state.at_place[at])
                opens = behind >= 0 and self.breaks[behind] and (net.remote[behind] or not remote_only)
                if opens and ampere > KEPT:
                    yield ampere, spare, tie, behind, beyond
                at = int(forest.parent[at])

    def _spare(self, state: FeederState, node: int) -> float:
        """Return what a feeder could give at a node besides, in A, by ratings and by its source."""
        net, forest, capacity = self.problem.fault.network, state.part.forest, self.problem.capacity
        at = int(forest.place_of[np.flatnonzero(state.part.nodes == node)[0]])
        spare = np.inf
        while at > 0:
            branch = int(forest.branch_to[at])
            if branch >= 0:
                spare = min(spare, float(capacity.loads.rating_a[branch] - state.at_place[at]))
            else:
                source = net.source_node == state.part.nodes[forest.node_at[at]]
                given = capacity.before.network.sources["capacity_a"].to_numpy()[source]
                spare = min(spare, *(float(each) - float(state.at_place[at]) for each in given if each is not None))
            at = int(forest.parent[at])
        return max(spare, 0.0)

    def _moved(self, now: Supply, tie: int, behind: int) -> Supply | None:
        """Return the state after a move that keeps every rule, ``None`` where it breaks one."""
        self.tried += 1
        net = now.network
        ends = [int(end[branch]) for branch in (tie, behind) for end in (net.from_node, net.to_node)]
        return Orders(self._seeing(np.array(ends))).moved(now, tie, behind)

    def _seeing(self, nodes: Indices) -> RestorationProblem:
        """Return the problem with other feeders looked at."""
        return replace(self.problem, capacity=replace(self.problem.capacity, seeds=np.unique(nodes)))

    # What they are worth ------------------------------------------------------------------------------------------

    def _replayed(self, moves: list[Move]) -> Supply | None:
        """Return the state after some moves, ``None`` where they cannot be done one after the other."""
        now: Supply | None = self.problem.fault.after
        for tie, behind in moves:
            now = None if now is None else self._moved(now, tie, behind)
        return now

    def _from(self, moves: list[Move], state: Supply) -> RestorationProblem:
        net, fault = state.network, resumed(self.problem.fault, state)
        ends = [int(end[tie]) for tie, _ in moves for end in (net.from_node, net.to_node)]
        seeds = np.unique([*self.problem.capacity.seeds.tolist(), *ends])
        return RestorationProblem(
            fault, Zones.of(fault), replace(self.problem.capacity, after=state, seeds=seeds.astype(np.int64))
        )

    def _after(self, moves: list[Move]) -> SwitchingSolution | None:
        """Return the best choice from the state that some moves reach."""
        state = self._replayed(moves)
        return None if state is None else self.plain(self._from(moves, state))

    def _needed(self, moves: list[Move], choice: SwitchingSolution) -> list[Move]:
        """Return the moves without those that add nothing."""
        for move in reversed(moves):
            fewer = [each for each in moves if each != move]
            without = self._after(fewer)
            if without is not None and without.gain >= choice.gain:
                moves, choice = fewer, without
        return moves

    def _as_choice(self, moves: list[Move]) -> tuple[RestorationProblem, SwitchingSolution] | None:
        """Return moves, and what is best after them, as one choice with its order of operations."""
        fault, now = self.problem.fault, self._replayed(moves)
        if now is None:
            return None
        of = self._from(moves, now)
        then = operations(of, self.plain(of))
        sequence = Orders(self.problem).in_stages(
            [branch for move in moves for branch in move] + [each.branch for each in then]
        )
        net = fault.network
        ends = [int(end[tie]) for tie, _ in moves for end in (net.from_node, net.to_node)]
        nodes = np.unique(np.concatenate([NONE, *(part.nodes for part in fault.after.parts_of(np.array(ends)))]))
        wide = self.problem.with_movable(nodes)
        early, late = wide.zones.closed.copy(), wide.zones.closed.copy()
        number = {int(branch): at for at, branch in enumerate(wide.zones.switch)}
        is_open = fault.after.is_open.copy()
        for each in sequence:
            is_open[each.branch] = each.action == "open"
            if each.branch in number:
                late[number[each.branch]] = each.action == "close"
                if each.stage == REMOTE:
                    early[number[each.branch]] = late[number[each.branch]]
        choice = replace(
            SwitchingSolution.of(wide.zones, wide.both_users(self.measure), early, late), sequence=tuple(sequence)
        )
        is_end = np.array_equal(wide.state_of(choice).is_open, is_open)
        return (wide, choice) if is_end and play(wide, sequence, known_customers=False).proof.holds else None

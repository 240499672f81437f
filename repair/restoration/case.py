"""One fault as a search: who gains, what the zones take, what the ways in can carry; and the search itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from network import FudianError, Hit, Supply, text
from network.arrays import Indices, Numbers
from network.representation import Shown
from repair.isolation import Isolation
from repair.restoration.capacity import Capacity
from repair.restoration.loading import FeederState, Loads, ring_head
from repair.restoration.switching_model import Choice, Demand, Limit, SwitchingModel, Users
from repair.restoration.voltage import Levels
from repair.restoration.zones import Zones

MOST_ROUNDS = 12
"""Times that the margin for losses is widened."""

WIDER = 1e-5
"""Beyond the losses that were found, in squares of the voltage."""

PARTS_OF_KW = 10.0
"""kW are compared to a tenth: the search adds up whole numbers, and large ones cost it its precision."""


@dataclass(frozen=True, eq=False, repr=False)
class Case(Shown):
    """A fault with all that the search needs.

    Attributes:
        fault: the fault and its isolation.
        zones: the healthy zones that could be fed.
        capacity: what the network around can carry.
    """

    fault: Isolation
    zones: Zones
    capacity: Capacity

    @classmethod
    def of(cls, loads: Loads, source_ampere: Numbers, fault: Isolation) -> Case:
        """Gather what lost supply and the feeders that could help."""
        zones = Zones.of(fault)
        seeds = np.union1d(fault.dead, zones.live_node[zones.port])
        return cls(fault, zones, Capacity(loads, fault.before, fault.after, seeds, source_ampere))

    @cached_property
    def lost(self) -> Hit:
        """Who lost supply by the trip."""
        return self.fault.before.lost_in(self.fault.after)

    # What the search is told --------------------------------------------------------------------------------------

    def users(self, measure: str) -> Users:
        """Return who gains by which zones.

        Args:
            measure: ``customers`` (important ones by their weight; a transformer without customers is one) or ``kw``.
        """
        net, lost, rules = self.fault.network, self.lost, self.capacity.loads.rules
        of_transformer = np.stack(
            [self.zones.zone_of(net.transformer_node), self.zones.zone_of(net.transformer_second_node)], axis=1
        )
        with_none = np.append(of_transformer, [[-1, -1]], axis=0)
        index = lost.transformer_index
        if measure == "kw":
            return _grouped(
                of_transformer[index], np.round(self.capacity.loads.kw[index] * PARTS_OF_KW).astype(np.int64)
            )
        customers = lost.customer_index
        important = net.customers["important"].gather(customers).fill_null(value=False).to_numpy()
        alone = index[np.diff(net.customers_of_transformer.first)[index] == 0]
        zones = np.concatenate(
            [
                np.hstack(
                    [
                        with_none[net.customer_transformer[customers]],
                        with_none[net.customer_second_transformer[customers]],
                    ]
                ),
                np.hstack([of_transformer[alone], np.full((len(alone), 2), -1)]),
            ]
        )
        weight = np.concatenate([np.where(important, rules.important_weight, 1), np.ones(len(alone), dtype=np.int64)])
        return _grouped(zones, weight)

    @cached_property
    def demand(self) -> Demand:
        """What the zones take once they are fed."""
        net, zones, after = self.fault.network, self.zones, self.fault.after
        at_node = np.zeros(len(zones.nodes))
        second: list[tuple[int, int, int, int, float]] = []
        for transformer in net.transformers_at_node.of_keys(zones.nodes).tolist():
            ends = np.array([net.transformer_node[transformer], net.transformer_second_node[transformer]])
            ampere = float(self.capacity.loads.ampere[transformer])
            one, two = zones.zone_of(ends).tolist()
            live = after.live(ends)
            if live[0] or (one < 0 and live[1]):
                continue
            place = np.searchsorted(zones.nodes, ends).tolist()
            if one >= 0 and two >= 0 and one != two:
                second.append((place[0], one, place[1], two, ampere))
            else:
                at_node[place[0 if one >= 0 else 1]] += ampere
        return Demand(at_node, second)

    @cached_property
    def limits(self) -> list[Limit]:
        """What the ports may bring in: the least spare capacity of every set of ports that share a way."""
        states = self.capacity.states_after
        spare: dict[tuple[int, ...], Limit] = {}
        for each in (*self._ways(states), *self._sources(states)):
            if np.isfinite(each.limit):
                known = spare.get(each.ports)
                if known is None or each.limit - each.present < known.limit - known.present:
                    spare[each.ports] = each
        return list(spare.values())

    def _ways(self, states: list[FeederState]) -> Iterator[Limit]:
        """Give, for each branch between ports and their source, the ports beyond it; a closed ring is one branch."""
        limit = self.capacity.limit_a
        for state in states:
            forest = state.part.forest
            head = ring_head(forest)
            ports_beyond: dict[int, list[int]] = {}
            for port, place in self._ports_in(state):
                at = place
                while at > 0:
                    ports_beyond.setdefault(at, []).append(port)
                    at = int(forest.parent[at])
            for place, ports in ports_beyond.items():
                if forest.branch_to[place] < 0:
                    continue
                branches = forest.branch_to[[place]]
                if not forest.is_bridge[place]:
                    ring = (head == head[place]) & ~forest.is_bridge & (forest.branch_to >= 0)
                    closing = (head[forest.back_lower] == head[place]) & (forest.back_branch >= 0)
                    branches = np.concatenate([forest.branch_to[ring], forest.back_branch[closing]])
                yield Limit(tuple(ports), float(state.at_place[head[place]]), float(limit[branches].min()))

    def _sources(self, states: list[FeederState]) -> Iterator[Limit]:
        net = self.fault.network
        load = self.capacity.source_load(states)
        row_of = {node: row for row, node in enumerate(net.source_node.tolist())}
        ports_of: dict[int, set[int]] = {}
        for state in states:
            forest = state.part.forest
            for port, place in self._ports_in(state):
                roots = np.flatnonzero(forest.parent == 0)
                root = int(roots[np.searchsorted(roots, place, side="right") - 1])
                ports_of.setdefault(row_of[int(state.part.nodes[forest.node_at[root]])], set()).add(port)
        for row, ports in ports_of.items():
            yield Limit(tuple(sorted(ports)), float(load[row]), float(self.capacity.source_limit_a[row]))

    def _ports_in(self, state: FeederState) -> list[tuple[int, int]]:
        """Return the ports that this feeder supports, by number, with the place of their live node."""
        found = []
        for port in np.flatnonzero(self.zones.port).tolist():
            at = np.flatnonzero(state.part.nodes == self.zones.live_node[port])
            if len(at) and state.part.forest.place_of[at[0]] > 0:
                found.append((port, int(state.part.forest.place_of[at[0]])))
        return found

    # The search ---------------------------------------------------------------------------------------------------

    def search(self, measure: str, first_goals_only: bool = False) -> Choice:
        """Return the best choice that the power flow accepts in the end; ``proven`` says whether nothing feeds more.

        Where it does not accept the first, the search is told the voltages as sums, which without losses are never too low:
        what it finds bounds what can be fed. What losses take is then a margin, widened until the power flow agrees. The
        rounds have half of the time; what they found that is accepted, or else nothing at all, is improved in the other half.

        Raises:
            FudianError: not even the isolated fault alone keeps the limits.
        """
        model = self._model(measure)
        end = time.monotonic() + self.capacity.loads.rules.solver_limit_s
        middle = _half_way(end)
        first = model.best(_half_way(middle), first_goals_only)
        if first is not None and not self._losses(first):
            return first
        levels = Levels.of(
            self.capacity.loads, self.zones, self.demand.at_node, self.capacity.floor_pu, self.capacity.states_after
        )
        accepted, margin = [Choice.nothing(self.zones)], 0.0
        most = first.gain if first is not None and first.proven else None
        for round_number in range(MOST_ROUNDS):
            model.hold_voltages(levels, margin)
            choice = model.best(_half_way(middle), first_goals_only)
            if round_number == 0 and choice is not None and choice.proven:
                most = choice.gain
            tried = [choice] if choice is not None else []
            if not tried or not tried[0].proven:
                tried += self._along(model, first, _half_way(middle), first_goals_only)
            losses = [self._losses(each) for each in tried]
            accepted += [each for each, lost in zip(tried, losses, strict=True) if not lost]
            if not any(losses) or accepted[-1].gain == most:
                break
            margin = max(*losses, margin) + WIDER
        best = max(accepted, key=lambda each: each.gain)
        if best.gain != most:
            best = self._improved(model, levels, best, end, first_goals_only)
        if self._losses(best):
            raise FudianError(
                text("No plan for a fault on {branch} keeps every limit.", branch=self._id(self.fault.branch)),
                text(
                    "Look at ratings, capacities, impedances and loads around it; fudian check lists impossible ones."
                ),
            )
        return replace(best, proven=best.gain == most)

    @staticmethod
    def _along(model: SwitchingModel, first: Choice | None, deadline: float, first_goals_only: bool) -> list[Choice]:
        """Return the best choice along the ways of the first, where there is one: quick, and not always the best."""
        along = None if first is None else model.best(deadline, first_goals_only, along=first)
        return [] if along is None else [along]

    def _improved(
        self, model: SwitchingModel, levels: Levels, best: Choice, end: float, first_goals_only: bool
    ) -> Choice:
        """Return a choice that feeds more, step by step within few changes of the last, as long as there is one and time."""
        start, margin, kept = best, 0.0, 0.0
        while time.monotonic() < end:
            model.hold_voltages(levels, margin)
            choice = model.best(end, True, near=best)
            losses = 0.0 if choice is None else self._losses(choice)
            if choice is None or (not losses and choice.gain <= best.gain):
                break
            if losses:
                margin = max(losses, margin) + WIDER
            else:
                best, kept = choice, margin
        if best is start or first_goals_only:
            return best
        model.hold_voltages(levels, kept)
        settled = self._along(model, best, end, False)
        return settled[0] if settled and settled[0].gain == best.gain and not self._losses(settled[0]) else best

    def _losses(self, choice: Choice) -> float:
        """Return what losses take off the square of a voltage that is too low in the end, by power flow; 0 where none is."""
        states = self.capacity.states(self.state_of(choice.late))
        return max((self.capacity.losses_of(state) for state in states), default=0.0)

    def state_of(self, closed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Supply:
        """Return the supply with the fault isolated and each switch of the zones closed or open, shape (switches,)."""
        zones = self.zones
        opened = np.union1d(zones.switch[zones.closed & ~closed], self.to_isolate)
        ids = self.fault.network.branches["branch_id"]
        closing = zones.switch[~zones.closed & closed]
        return self.fault.after.switched(open=ids.gather(opened).to_list(), close=ids.gather(closing).to_list())

    @cached_property
    def to_isolate(self) -> Indices:
        """The isolating devices that are still closed after the trip."""
        return self.zones.isolating[~self.fault.after.is_open_at(self.zones.isolating)]

    def _model(self, measure: str) -> SwitchingModel:
        zones, limit = self.zones, self.capacity.limit_a
        forest = zones.forest
        line_limit = np.append(limit, np.inf)[forest.branch_to]
        np.minimum.at(line_limit, forest.back_lower, np.append(limit, np.inf)[forest.back_branch])
        net = self.fault.network
        remote = net.branches["remote"].gather(self.to_isolate).fill_null(value=False).to_numpy()
        by_hand = self.to_isolate[~remote]
        joined = zones.zone_of(np.concatenate([net.from_node[by_hand], net.to_node[by_hand]]))
        other = "kw" if measure == "customers" else "customers"
        return SwitchingModel(
            zones, (self.users(measure), self.users(other)), self.demand, self.limits, limit[zones.switch], line_limit,
            np.unique(joined[joined >= 0]), self.capacity.loads.rules.early_first,
        )  # fmt: skip

    def _id(self, branch: int) -> str:
        return str(self.fault.network.branches["branch_id"][branch])


def _half_way(end: float) -> float:
    """Return the moment when half of the time until the end is over."""
    now = time.monotonic()
    return now + max(end - now, 0.0) / 2


def _grouped(zones: Indices, weight: Indices) -> Users:
    """Add up the weights of those who can be fed by the same zones; -1 is no zone."""
    kinds, group = np.unique(np.sort(zones, axis=1), axis=0, return_inverse=True)
    total = np.bincount(group.ravel(), weights=weight, minlength=len(kinds)).astype(np.int64)
    sets = [tuple(dict.fromkeys(zone for zone in row if zone >= 0)) for row in kinds.tolist()]
    kept = [at for at, each in enumerate(sets) if each and total[at] > 0]
    return Users([sets[at] for at in kept], total[kept])

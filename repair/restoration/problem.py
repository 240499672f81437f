"""One fault as a search: who gains, what the zones take, what the ways in can carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from network import LostSupply, Supply
from network.arrays import NONE, Indices, Mask, Numbers, components
from network.representation import Shown
from repair.isolation import Isolation
from repair.restoration.capacity import Capacity
from repair.restoration.demand import Demand
from repair.restoration.loading import FeederState, Loads, ring_head
from repair.restoration.switching_model import Limit, SwitchingModel, SwitchingSolution, Users
from repair.restoration.voltage import Levels
from repair.restoration.zones import Zones

PARTS_OF_KW = 10.0
"""kW are compared to a tenth: the search adds up whole numbers, and large ones cost it its precision."""


@dataclass(frozen=True, eq=False, repr=False)
class RestorationProblem(Shown):
    """A fault with all that the search needs.

    Attributes:
        fault: the fault and its isolation.
        zones: the healthy zones that could be fed, and the live ones that could be moved.
        capacity: what the network around can carry.
    """

    fault: Isolation
    zones: Zones
    capacity: Capacity

    @classmethod
    def of(
        cls,
        loads: Loads,
        source_ampere: Numbers,
        fault: Isolation,
        movable: Indices = NONE,
        warm: Loads | None = None,
    ) -> RestorationProblem:
        """Gather what lost supply and the feeders that could help.

        Args:
            loads: the load of every transformer.
            source_ampere: load of each source before the fault, in A, shape (sources,).
            fault: the fault.
            movable: nodes of live feeders whose load may be moved, with their sources'.
            warm: the load before the fault, where those who come back take another one.
        """
        zones, net = Zones.of(fault, movable), fault.network
        lost = net.transformers_at_node.of_keys(fault.dead)
        ends = np.concatenate([net.transformer_node[lost], net.transformer_second_node[lost]])
        taking_over = ends[fault.after.live(ends)]  # where those who lost one of two supplies take their load now
        seeds = np.unique(np.concatenate([fault.dead, zones.live_node[zones.port], movable, taking_over]))
        return cls(fault, zones, Capacity(loads, fault.before, fault.after, seeds, source_ampere, warm or loads))

    @cached_property
    def as_closed(self) -> RestorationProblem:
        """The same fault where nothing is opened but what isolates it: quick to search, and mostly enough."""
        return RestorationProblem(self.fault, Zones.of(self.fault, opens=NONE), self.capacity)

    def in_even_parts(self, count: int) -> RestorationProblem:
        """Return the same fault where only those closed devices may be opened that part the load into so many parts or more."""
        zones = self.zones
        tree = _tree_of_zones(zones)
        load = np.bincount(zones.zone, weights=self.demand.at_node, minlength=zones.count).astype(np.float64)
        part, opens = float(load.sum()) / count, []
        for zone, above, switch in reversed(tree):
            if load[zone] >= part:
                opens.append(int(zones.switch[switch]))
            else:
                load[above] += load[zone]
        return RestorationProblem(
            self.fault, Zones.of(self.fault, opens=np.array(opens, dtype=np.int64)), self.capacity
        )

    def with_movable(self, movable: Indices) -> RestorationProblem:
        """Return the same fault where the load of some live feeders may be moved."""
        return RestorationProblem.of(
            self.capacity.loads, self.capacity.source_ampere, self.fault, movable, self.capacity.warm
        )

    def at_load(self, loads: Loads, source_ampere: Numbers, warm: Loads) -> RestorationProblem:
        """Return the same fault at another load."""
        return replace(self, capacity=replace(self.capacity, loads=loads, source_ampere=source_ampere, warm=warm))

    def at(self, fault: Isolation) -> RestorationProblem:
        """Return the same fault in another state of the switches, held to the same limits."""
        return RestorationProblem(fault, Zones.of(fault), replace(self.capacity, after=fault.after))

    @cached_property
    def lost(self) -> LostSupply:
        """Who lost supply by the trip."""
        return self.fault.before.lost_in(self.fault.after)

    # What the search is told --------------------------------------------------------------------------------------

    def users(self, measure: str) -> Users:
        """Return who gains by which zones; found once for each measure.

        Args:
            measure: ``customers`` (important ones by their weight; a transformer without customers is one) or ``kw``.
        """
        if measure not in self._users:
            self._users[measure] = self._users_by(measure)
        return self._users[measure]

    @cached_property
    def _users(self) -> dict[str, Users]:
        return {}

    def _users_by(self, measure: str) -> Users:
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

    def weight_of(self, hit: LostSupply, measure: str) -> float:
        """Return what users count by a measure, in the unit of the search; a transformer without customers is one customer."""
        net = self.fault.network
        if measure == "kw":
            return float(self.capacity.loads.kw[hit.transformer_index].sum() * PARTS_OF_KW)
        alone = np.diff(net.customers_of_transformer.first)[hit.transformer_index] == 0
        return float(hit.customer_count + alone.sum())

    def feedable(self, measure: str) -> tuple[int, int]:
        """Return what could be fed if every zone were, by a measure and by the other."""
        first, other = self.both_users(measure)
        return int(first.weight.sum()), int(other.weight.sum())

    def both_users(self, measure: str) -> tuple[Users, Users]:
        """Return who gains by which zones, by a measure and by the other."""
        return self.users(measure), self.users("kw" if measure == "customers" else "customers")

    @cached_property
    def demand(self) -> Demand:
        """What the zones take once they are fed."""
        return Demand.of(self.fault, self.zones, self.capacity.loads)

    @cached_property
    def limits(self) -> list[Limit]:
        """What the ports may bring in: the least spare capacity of every set of ports that share a way."""
        states = self.capacity.states_after
        spare: dict[tuple[object, ...], Limit] = {}
        for each in (*self._ways(states), *self._sources(states)):
            if np.isfinite(each.limit):
                over = each.ports, each.back, each.leaving
                known = spare.get(over)
                if known is None or each.limit - each.present < known.limit - known.present:
                    spare[over] = each
        return list(spare.values())

    def _ways(self, states: list[FeederState]) -> Iterator[Limit]:
        """Give, for each branch between ports and their source, the ports beyond it; a closed ring is one branch."""
        limit = self.capacity.limit_a
        for state in states:
            forest = state.part.forest
            head = ring_head(forest)
            leaving = self._leaving(state)
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
                present = float(state.at_place[head[place]])
                less = tuple(leaving.get(int(head[place]), ()))
                yield Limit(tuple(ports), present, float(limit[branches].min()), leaving=less)

    def _leaving(self, state: FeederState) -> dict[int, list[tuple[int, float]]]:
        """Return, for each place of a feeder, what leaves the way to it once a zone is fed: the zone and the amperes."""
        leaving: dict[int, list[tuple[int, float]]] = {}
        for node, zone, ampere in self.demand.taken_over:
            place = state.place_of(node)
            while place > 0:
                leaving.setdefault(place, []).append((zone, ampere))
                place = int(state.part.forest.parent[place])
        return leaving

    def _sources(self, states: list[FeederState]) -> Iterator[Limit]:
        """Give, for each source, the ports that it feeds and the switches by which its own zone feeds others."""
        net, zones = self.fault.network, self.zones
        load, limit = self.capacity.source_load(states).copy(), self.capacity.source_limit_a
        row_of = {node: row for row, node in enumerate(net.source_node.tolist())}
        ports_of: dict[int, set[int]] = {}
        leaving_of: dict[int, list[tuple[int, float]]] = {}
        for state in states:
            nodes, forest = state.part.nodes, state.part.forest
            if len(nodes) > 1 and (zones.zone_of(nodes) >= 0).all():  # the search tells what its source will give
                for place in np.flatnonzero(forest.parent == 0).tolist():
                    own = forest.parent == place
                    load[row_of[int(nodes[forest.node_at[place]])]] -= state.at_place[own].sum()
            for place, leaving in self._leaving(state).items():
                above = int(forest.parent[place])
                if above > 0 and forest.parent[above] == 0:
                    leaving_of.setdefault(row_of[int(nodes[forest.node_at[above]])], []).extend(leaving)
            for port, place in self._ports_in(state):
                roots = np.flatnonzero(forest.parent == 0)
                root = int(roots[np.searchsorted(roots, place, side="right") - 1])
                ports_of.setdefault(row_of[int(nodes[forest.node_at[root]])], set()).add(port)
        zone_of_row = {row_of[node]: zone for zone, node in enumerate(zones.root.tolist()) if node >= 0}
        for row in sorted({*ports_of, *zone_of_row}):
            zone, node = zone_of_row.get(row, -2), int(net.source_node[row])
            inside = np.flatnonzero((zones.zone == zone) & (zones.nodes != node))
            ports = sorted({*ports_of.get(row, ()), *np.flatnonzero(zones.first == zone).tolist()})
            back = np.flatnonzero(zones.second == zone).tolist()
            if ports or back:
                present = float(load[row] + self.demand.at_node[inside].sum())
                yield Limit(tuple(ports), present, float(limit[row]), tuple(back), tuple(leaving_of.get(row, ())))

    def _ports_in(self, state: FeederState) -> list[tuple[int, int]]:
        """Return the ports that this feeder supports, by number, with the place of their live node."""
        ports = np.flatnonzero(self.zones.port).tolist()
        places = ((port, state.place_of(int(self.zones.live_node[port]))) for port in ports)
        return [each for each in places if each[1] > 0]

    def state_of(self, choice: SwitchingSolution) -> Supply:
        """Return the supply at the end of a choice, with the fault isolated."""
        zones = choice.zones
        opened = np.union1d(zones.switch[zones.closed & ~choice.late], self.opened_for(choice))
        ids = self.fault.network.branch_ids
        closing = zones.switch[~zones.closed & choice.late]
        return self.fault.after.switched(open=ids(opened), close=ids(closing))

    @cached_property
    def to_isolate(self) -> Indices:
        """The isolating devices that are still closed after the trip."""
        return self.zones.isolating[~self.fault.after.is_open_at(self.zones.isolating)]

    def opened_for(self, choice: SwitchingSolution) -> Indices:
        """Return the isolating devices that are opened: around work all, around a fault those beyond which power comes back."""
        if self.fault.is_work:
            return self.to_isolate
        net, zones = self.fault.network, choice.zones
        ends = np.stack([zones.zone_of(end[self.to_isolate]) for end in (net.from_node, net.to_node)])
        back = np.append(choice.fed | choice.fed_early, False)[ends].any(axis=0)
        return self.to_isolate[back]

    def operations_of(self, choice: SwitchingSolution) -> int:
        """Return how many operations a choice takes."""
        if choice.sequence is not None:
            return len(choice.sequence)
        return len(choice.operated) + len(self.opened_for(choice))

    @cached_property
    def isolated_late(self) -> Indices:
        """The zones that a device on site still joins to the fault when remote operations are done."""
        net = self.fault.network
        remote = net.remote[self.to_isolate]
        by_hand = self.to_isolate[~remote]
        joined = self.zones.zone_of(np.concatenate([net.from_node[by_hand], net.to_node[by_hand]]))
        return np.unique(joined[joined >= 0])

    def model(self, measure: str, barred: Sequence[int] = ()) -> SwitchingModel:
        """Return the program of the fault.

        Args:
            measure: what shall come back, ``customers`` or ``kw``.
            barred: switches by number that stay open.
        """
        zones, limit = self.zones, self.capacity.limit_a
        forest = zones.forest
        line_limit = np.append(limit, np.inf)[forest.branch_to]
        np.minimum.at(line_limit, forest.back_lower, np.append(limit, np.inf)[forest.back_branch])
        return SwitchingModel(
            zones, self.both_users(measure), self.demand, self.limits, limit[zones.switch],
            line_limit, self.isolated_late, self.capacity.loads.rules.early_first, barred,
            [] if self.fault.is_work else self._beside_isolating(),
        )  # fmt: skip

    def _beside_isolating(self) -> list[tuple[int, ...]]:
        """Return the zones beside each isolating device that is closed."""
        net = self.fault.network
        ends = np.stack([self.zones.zone_of(end[self.to_isolate]) for end in (net.from_node, net.to_node)])
        return [tuple(zone for zone in set(pair) if zone >= 0) for pair in ends.T.tolist()]

    def levels(self) -> Levels:
        """Return the voltages that the search has to keep."""
        return Levels.of(
            self.capacity.loads, self.zones, self.demand, self.capacity.floor_pu, self.capacity.states_after
        )

    def losses(self, choice: SwitchingSolution) -> float:
        """Return what losses take off the square of a voltage that is too low in the end, by power flow; 0 where none is."""
        states = self.capacity.states(self.state_of(choice))
        return max((self.capacity.losses_of(state) for state in states), default=0.0)

    def most_early(self, measure: str) -> int:
        """Return what could be fed by remote operations alone, if no limit were in the way.

        What only a device on site parts from the fault cannot, and what only such devices part from that cannot either.
        """
        zones = self.zones
        remote = self.fault.network.remote[zones.switch]
        inner = ~zones.port
        stuck = inner & ~remote & zones.closed
        cluster = components(zones.count, zones.first[stuck], zones.second[stuck])
        barred = np.isin(cluster, cluster[self.isolated_late])
        ways = (remote | zones.closed) & ~barred[zones.second] & np.where(inner, ~barred[zones.first], True)
        tail, head = np.where(inner, zones.first, zones.count)[ways], zones.second[ways]
        joined = components(zones.count + 1, np.append(tail, zones.first[stuck]), np.append(head, zones.second[stuck]))
        reached: Mask = (joined[:-1] == joined[-1]) & ~barred
        users = self.users(measure)
        gains = (reached[list(group)].any() for group in users.zones)
        return int(sum(weight for gain, weight in zip(gains, users.weight.tolist(), strict=True) if gain))


def _tree_of_zones(zones: Zones) -> list[tuple[int, int, int]]:
    """Return each zone that closed switches join to another, with that one and the switch, from a first zone outwards."""
    ways: list[list[tuple[int, int]]] = [[] for _ in range(zones.count)]
    for at in np.flatnonzero(zones.closed & ~zones.port).tolist():
        one, other = int(zones.first[at]), int(zones.second[at])
        ways[one].append((other, at))
        ways[other].append((one, at))
    found: list[tuple[int, int, int]] = []
    seen = np.zeros(zones.count, dtype=np.bool_)
    for root in range(zones.count):
        edge = [] if seen[root] else [root]
        seen[root] = True
        for zone in edge:
            for other, at in ways[zone]:
                if not seen[other]:
                    seen[other] = True
                    found.append((other, zone, at))
                    edge.append(other)
    return found


def _grouped(zones: Indices, weight: Indices) -> Users:
    """Add up the weights of those who can be fed by the same zones; -1 is no zone."""
    kinds, group = np.unique(np.sort(zones, axis=1), axis=0, return_inverse=True)
    total = np.bincount(group.ravel(), weights=weight, minlength=len(kinds)).astype(np.int64)
    sets = [tuple(dict.fromkeys(zone for zone in row if zone >= 0)) for row in kinds.tolist()]
    kept = [at for at, each in enumerate(sets) if each and total[at] > 0]
    return Users([sets[at] for at in kept], total[kept])

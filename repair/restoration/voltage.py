"""Voltages as sums: linearised DistFlow (Baran and Wu, IEEE Transactions on Power Delivery 4(1), 1989).

The square of the voltage falls along a branch by twice ``r P + x Q``, losses left out. So at every node it is what stands at the
root of its zone (or at its source) less a sum over the flows through the switches. Losses make true voltages lower still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Numbers
from network.forest import Forest, sum_along_path, sum_below
from network.representation import Shown
from repair.restoration.demand import Demand
from repair.restoration.loading import FeederState, Loads
from repair.restoration.zones import Zones


@dataclass(frozen=True)
class Level:
    """The square of the voltage at a node, of nominal, as a sum.

    Attributes:
        zone: the zone from whose root it is counted; -1 from the source.
        known: what stands there in any problem: 0 in a zone, the present square at a live node.
        load: what the zone's own load takes off, once it is fed.
        flows: what the flow through each switch, from its first end to its second, takes off per ampere.
        gained: what comes on top once a zone is fed, since users with two supplies go back to it.
    """

    zone: int
    known: float
    load: float
    flows: tuple[tuple[int, float], ...]
    gained: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Levels(Shown):
    """The voltages that the search has to keep.

    Attributes:
        first, second: at either end of each switch; ``None`` where impedances are missing.
        drop: what the flow through each switch takes off in the switch itself, per ampere, shape (switches,).
        floors: nodes at the ends of the zones, the square that each must keep, and what losses left out make it now.
    """

    first: Sequence[Level | None]
    second: Sequence[Level | None]
    drop: Numbers
    floors: Sequence[tuple[Level, float, float]]

    @classmethod
    def of(cls, loads: Loads, zones: Zones, demand: Demand, floor_pu: Numbers, states: Sequence[FeederState]) -> Levels:
        """Return the voltages around a fault.

        Args:
            loads: the load of every transformer.
            zones: what lost supply.
            demand: the load of the zones, and what leaves the live feeders once they are fed.
            floor_pu: lowest voltage of each node of the network, shape (network nodes,).
            states: the feeders around, after the trip.
        """
        per_ampere = loads.drop_per_ampere(zones.switch)
        inside = _Inside.of(loads, zones, demand.at_node)
        live, floors = _live_levels(loads, zones, demand.taken_over, floor_pu, states)
        everywhere = range(len(zones.switch))
        first = [live.get(at) if zones.port[at] else inside.level(int(inside.first[at])) for at in everywhere]
        second = [inside.level(int(inside.second[at])) for at in everywhere]
        ends = _ends(zones.forest)
        present = np.ones(len(floor_pu))
        for state in states:
            reached = ~np.isnan(state.without_losses)
            present[state.part.nodes[reached]] = state.without_losses[reached]
        floors += [
            (level, float(floor_pu[node]) ** 2, float(present[node]))
            for place, node in zip(ends.tolist(), zones.nodes[zones.forest.node_at[ends]].tolist(), strict=True)
            if (level := inside.level(place)) is not None
        ]
        return cls(first, second, per_ampere, floors)


@dataclass(frozen=True, eq=False, repr=False)
class _Inside(Shown):
    """Sums inside the zones, for every place of their forest and every end of a switch."""

    zones: Zones
    first: Indices  # place of each switch's end, 0 at a live node
    second: Indices
    load: Numbers  # (places,)
    of_first: Numbers  # (switches, places)
    of_second: Numbers

    @classmethod
    def of(cls, loads: Loads, zones: Zones, at_node: Numbers) -> _Inside:
        forest = zones.forest
        drop = loads.drop_per_ampere(forest.branch_to)
        drop[~forest.is_bridge] = np.nan
        below = sum_below(forest.end, np.append(at_node, 0.0)[forest.node_at])
        load = sum_along_path(forest.end, drop * below)
        first = np.where(zones.port, 0, forest.place_of[zones.node_at(zones.first)])
        second = forest.place_of[zones.node_at(zones.second)]
        return cls(zones, first, second, load, _shared(forest, drop, first), _shared(forest, drop, second))

    def level(self, place: int) -> Level | None:
        zones = self.zones
        zone = int(zones.zone[zones.forest.node_at[place]])
        terms = [(int(at), float(self.of_first[at, place])) for at in np.flatnonzero(zones.first == zone)]
        terms += [(int(at), -float(self.of_second[at, place])) for at in np.flatnonzero(zones.second == zone)]
        if np.isnan(self.load[place]) or any(np.isnan(factor) for _, factor in terms):
            return None
        return Level(zone, 0.0, float(self.load[place]), tuple(term for term in terms if term[1]))


@dataclass(frozen=True, eq=False, repr=False)
class _Outside(Shown):
    """Sums in one live feeder, for every place of its forest."""

    ports: dict[int, int]  # the place of each port that it supports
    leaving: list[tuple[int, float]]  # what leaves it once a zone is fed, in A
    square: Numbers  # (places,)
    of_ports: Numbers  # (ports, places)
    of_leaving: Numbers

    @classmethod
    def of(
        cls, loads: Loads, state: FeederState, ports: dict[int, int], taken_over: Sequence[tuple[int, int, float]]
    ) -> _Outside:
        forest = state.part.forest
        drop = loads.drop_per_ampere(forest.branch_to)
        drop[~forest.is_bridge] = np.nan
        leaving = [(zone, ampere, state.place_of(node)) for node, zone, ampere in taken_over]
        leaving = [each for each in leaving if each[-1] > 0]
        places = (np.array(list(ports.values())), np.array([place for *_, place in leaving], dtype=np.int64))
        return cls(
            ports, [(zone, ampere) for zone, ampere, _ in leaving],
            1.0 - sum_along_path(forest.end, drop * state.at_place),
            _shared(forest, drop, places[0]), _shared(forest, drop, places[1]),
        )  # fmt: skip

    def level(self, place: int) -> Level | None:
        """Return the level of a place, ``None`` where an impedance is missing."""
        taken, back = self.of_ports[:, place], self.of_leaving[:, place]
        if np.isnan([self.square[place], *taken, *back]).any():
            return None
        flows = zip(self.ports, taken.tolist(), strict=True)
        gained = zip(self.leaving, back.tolist(), strict=True)
        return Level(
            -1,
            float(self.square[place]),
            0.0,
            tuple((port, factor) for port, factor in flows if factor),
            tuple((zone, ampere * factor) for (zone, ampere), factor in gained if factor),
        )


def _live_levels(
    loads: Loads,
    zones: Zones,
    taken_over: Sequence[tuple[int, int, float]],
    floor_pu: Numbers,
    states: Sequence[FeederState],
) -> tuple[dict[int, Level], list[tuple[Level, float, float]]]:
    """Return the voltage at the live end of each port, and those at the ends of the live feeders with what each must keep."""
    found: dict[int, Level] = {}
    floors: list[tuple[Level, float, float]] = []
    every = np.flatnonzero(zones.port).tolist()
    for state in states:
        places = {port: state.place_of(int(zones.live_node[port])) for port in every}
        ports = {port: place for port, place in places.items() if place > 0}
        if not ports:
            continue
        outside, forest, nodes = _Outside.of(loads, state, ports, taken_over), state.part.forest, state.part.nodes
        found |= {port: level for port, place in ports.items() if (level := outside.level(place)) is not None}
        floors += [
            (level, float(floor_pu[nodes[forest.node_at[place]]]) ** 2, level.known)
            for place in _ends(forest).tolist()
            if (level := outside.level(place)) is not None
        ]
    return found, floors


def _shared(forest: Forest, drop: Numbers, places: Indices) -> Numbers:
    """Return, for each of these places and every place, the sum over the part of the path that both share."""
    shared = np.zeros((len(places), len(drop)))
    every = np.arange(len(drop))
    for row, place in enumerate(places.tolist()):
        above = (every <= place) & (place < forest.end)
        shared[row] = sum_along_path(forest.end, np.where(above, drop, 0.0))
    return shared


def _ends(forest: Forest) -> Indices:
    """Return the places at which a voltage can be lowest: those with nothing below, and the roots."""
    every = np.arange(1, len(forest.end))
    ends: Indices = every[(forest.end[1:] == every + 1) | (forest.parent[1:] == 0)]
    return ends

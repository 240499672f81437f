"""What the network around a fault can carry: the limits of branches, sources and voltages, and whether a state keeps them.

A branch that carries more than its rating before any operation, or a node below the lowest voltage, is held to what it
has: nothing may get worse there, and the plan says so. (A trip may overload the second supply of those who have two.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from network import Supply, Text, text
from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.restoration.loading import KEPT, FeederState, Loads

COLLAPSED = 0.05
"""What losses are taken to be, in squares of the voltage, where the power flow finds no voltage at all."""


@dataclass(frozen=True)
class Overload:
    """A limit that a state breaks.

    Attributes:
        object: ``branch``, ``source`` or ``node``.
        object_id: its id.
        value: the current in A, or the voltage of nominal.
        limit: what is allowed.
    """

    object: str
    object_id: str
    value: float
    limit: float


@dataclass(frozen=True, eq=False, repr=False)
class Capacity(Shown):
    """The limits around one fault.

    Attributes:
        loads: the load of every transformer once those who lost supply come back.
        before: supply before the fault.
        after: supply after the trip.
        seeds: nodes whose feeders the plan may touch, shape (nodes,).
        source_ampere: load of each source before the fault, in A, shape (sources,).
        warm: the load of every transformer before the fault.
    """

    loads: Loads
    before: Supply
    after: Supply
    seeds: Indices
    source_ampere: Numbers = field(repr=False)
    warm: Loads

    def states(self, supply: Supply) -> list[FeederState]:
        """Return the feeders around the fault in one state of the switches."""
        return [self.loads.state_of(supply, part) for part in supply.parts_of(self.seeds)]

    @cached_property
    def states_before(self) -> list[FeederState]:
        """The feeders around the fault before it."""
        return [self.warm.state_of(self.before, part) for part in self.before.parts_of(self.seeds)]

    @cached_property
    def states_after(self) -> list[FeederState]:
        """The feeders around the fault after the trip."""
        return self.states(self.after)

    @cached_property
    def limit_a(self) -> Numbers:
        """What each branch may carry, in A, shape (branches,)."""
        limit = self.loads.rating_a.copy()
        for state in (*self.states_before, *self.states_after):
            limit[state.branch] = np.maximum(limit[state.branch], state.ampere)
        for state in self._overloaded:
            limit[state.branch] = state.ampere
        return limit

    @property
    def _overloaded(self) -> list[FeederState]:
        """The feeders for which the power flow finds no voltage as they are loaded after the trip: nothing is added there."""
        return [state for state in self.states_after if state.collapsed]

    @cached_property
    def _without_voltage(self) -> Mask:
        """Whether the power flow finds no voltage at each node after the trip, shape (nodes,)."""
        without = np.zeros(len(self.before.network.nodes), dtype=np.bool_)
        for state in self._overloaded:
            without[state.part.nodes[state.part.forest.reached]] = True
        return without

    @cached_property
    def floor_pu(self) -> Numbers:
        """The lowest voltage allowed at each node, shape (nodes,)."""
        floor = np.full(len(self.before.network.nodes), self.loads.rules.min_voltage_pu)
        for state in (*self.states_before, *self.states_after):
            floor[state.part.nodes] = np.fmin(floor[state.part.nodes], state.voltage_pu)
        return floor

    @cached_property
    def _capacity_a(self) -> Numbers:
        """The capacity of each source, infinite where none is given, in A, shape (sources,)."""
        capacity: Numbers = self.before.network.sources["capacity_a"].cast(pl.Float64).fill_null(np.inf).to_numpy()
        return capacity

    @cached_property
    def source_limit_a(self) -> Numbers:
        """What each source may give, infinite where it has no capacity, shape (sources,)."""
        limit: Numbers = np.maximum(
            self._capacity_a, np.maximum(self.source_ampere, self.source_load(self.states_after))
        )
        return limit

    def source_load(self, states: list[FeederState]) -> Numbers:
        """Return the load of each source with the feeders around the fault in these states, in A, shape (sources,)."""
        return self.source_ampere + self._given(states) - self._given_before

    @cached_property
    def _given_before(self) -> Numbers:
        return self._given(self.states_before)

    def _given(self, states: list[FeederState]) -> Numbers:
        """Return what each source gives to these feeders, without what hangs on its own node."""
        net = self.before.network
        given = np.zeros(net.sources.height)
        for state in states:
            forest, nodes = state.part.forest, state.part.nodes
            for at in np.flatnonzero(np.isin(nodes, net.source_node)).tolist():
                place = int(forest.place_of[at])
                if place >= 0:
                    children = np.flatnonzero(forest.parent == place)
                    given[net.source_node == nodes[at]] += state.at_place[children].sum()
        return given

    def broken(self, supply: Supply) -> list[Overload]:
        """Return every limit that a state of the switches breaks, feeder by feeder, then source by source."""
        states = self.states(supply)
        return [each for state in states for each in self.broken_in(state)] + self.broken_sources(states)

    def broken_in(self, state: FeederState) -> list[Overload]:
        """Return the limits of branches and nodes that a feeder breaks."""
        net, nodes = self.before.network, state.part.nodes
        limit, floor = self.limit_a[state.branch], self.floor_pu[nodes]
        found = [
            Overload(
                "branch", net.branches["branch_id"][int(state.branch[at])], float(state.ampere[at]), float(limit[at])
            )
            for at in np.flatnonzero(state.ampere > limit * (1 + KEPT) + KEPT)
        ]
        low = self._sunk(state) if state.collapsed else state.voltage_pu < floor - KEPT
        return found + [
            Overload("node", net.nodes[int(nodes[at])], float(np.nan_to_num(state.voltage_pu[at])), float(floor[at]))
            for at in np.flatnonzero(low)
        ]

    def _sunk(self, state: FeederState) -> Mask:
        """Return which nodes with load have no voltage in a state, and had one after the trip."""
        net, nodes = self.before.network, state.part.nodes
        loaded = np.diff(net.transformers_at_node.first)[nodes] > 0
        sunk: Mask = state.part.forest.reached & loaded & ~self._without_voltage[nodes]
        return sunk

    def losses_of(self, state: FeederState) -> float:
        """Return what losses take off the square of the voltage at most where it is too low; 0 where it is nowhere."""
        if state.collapsed:
            return COLLAPSED if self._sunk(state).any() else 0.0
        low = state.voltage_pu < self.floor_pu[state.part.nodes] - KEPT
        lost = state.without_losses - state.voltage_pu**2
        return float(lost[low].max()) if low.any() else 0.0

    def broken_sources(self, states: list[FeederState]) -> list[Overload]:
        """Return the sources that give more than they can."""
        net, load, limit = self.before.network, self.source_load(states), self.source_limit_a
        return [
            Overload("source", net.nodes[int(net.source_node[row])], float(load[row]), float(limit[row]))
            for row in np.flatnonzero(load > limit * (1 + KEPT) + KEPT)
        ]

    def lowest_voltage_pu(self, supply: Supply) -> float | None:
        """Return the lowest voltage around the fault in a state, ``None`` where no feeder has impedances."""
        voltages = np.concatenate([np.zeros(0), *(state.voltage_pu for state in self.states(supply))])
        return None if np.isnan(voltages).all() else float(np.nanmin(voltages))

    @cached_property
    def assumed(self) -> tuple[Text, ...]:
        """What stands in for what the tables do not say around the fault."""
        net, states = self.before.network, self.states_before
        if not states:
            return self.loads.assumed
        around = net.branches_at_node.of_keys(self.seeds)
        branch = np.unique(np.concatenate([around, *(state.branch for state in states)]))
        nodes = np.concatenate([state.part.nodes for state in states])
        said = list(self.loads.assumed)
        if count := int(np.isinf(self.loads.rating_a[branch]).sum()):
            said.append(text("{count} branches have no rating_a: taken as unlimited", count=count))
        sources = np.isin(net.source_node, nodes)
        if count := int((net.sources["capacity_a"].is_null().to_numpy() & sources).sum()):
            said.append(text("{count} sources have no capacity_a: taken as unlimited", count=count))
        if count := sum(1 for state in states if len(state.branch) and np.isnan(state.voltage_pu).all()):
            said.append(
                text(
                    "{count} feeders have no complete r_ohm and x_ohm, or a closed loop: voltage is not checked there",
                    count=count,
                )
            )
        if self._overloaded:
            said.append(text("{count} feeders are loaded beyond any voltage already: nothing is added there",
                             count=len(self._overloaded)))  # fmt: skip
        already = (*states, *self.states_after)
        over = np.unique(
            np.concatenate([state.branch[state.ampere > self.loads.rating_a[state.branch]] for state in already])
        )
        if len(over):
            ids = ", ".join(net.branches["branch_id"].gather(over[:5]).to_list())
            said.append(text("Above their rating before any operation, and not loaded more: {branches}", branches=ids))
        full = sources & (np.maximum(self.source_ampere, self.source_load(self.states_after)) > self._capacity_a)
        if full.any():
            ids = ", ".join(net.sources["node"].filter(pl.Series(full)).to_list())
            said.append(text("Above their capacity before any operation, and not loaded more: {sources}", sources=ids))
        low = np.concatenate([state.part.nodes[state.voltage_pu < self.loads.rules.min_voltage_pu] for state in states])
        if len(low):
            said.append(text("{count} nodes were below {volts:g} of nominal before any operation, and sink no lower",
                             count=len(low), volts=self.loads.rules.min_voltage_pu))  # fmt: skip
        return tuple(said)


def load_of_sources(loads: Loads, supply: Supply) -> Numbers:
    """Return the load of each source in one state, in A at nominal voltage, shape (sources,)."""
    net = supply.network
    _, ampere = loads.at_nodes(supply, np.arange(len(net.nodes)))
    below = supply.sum_below(np.append(ampere, 0.0)[supply.node_at])
    return below[supply.place_of[net.source_node]]

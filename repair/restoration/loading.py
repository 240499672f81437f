"""What flows where: load in amperes, the load of a feeder in one state, and what it does to ratings and voltages.

Load is given in kW. At nominal voltage it is a current, and currents add up: the current in a branch is the sum below it. That is
the measure of ratings, as in the N-1 test of the field (8). Where a feeder has impedances, the power flow gives its voltages.

The branches of a ring that is operated closed are each taken to carry all that the ring feeds: it may lose either end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from network import Supply, Text, Topology, text
from network.arrays import Indices, Numbers
from network.forest import Forest, sum_along_path, sum_below
from network.kept import Kept
from network.patch import Part
from network.power_flow import Complex, impedance_ohm, sweep
from network.representation import Shown
from repair.settings import RestorationSettings

KEPT = 1e-6
"""Relative: figures this close to a limit keep it."""

MOST_KEPT = 200_000
"""States of feeders are kept with so many nodes in all."""


def _size_of(state: FeederState) -> int:
    return len(state.part.nodes)


@dataclass(frozen=True, eq=False, repr=False)
class Loads(Shown):
    """The load of every transformer, and what was assumed where the tables are silent.

    Attributes:
        network: the network.
        rules: the settings.
        kw: active power, shape (transformers,).
        assumed: what stands in for missing values.
    """

    network: Topology
    rules: RestorationSettings
    kw: Numbers
    assumed: tuple[Text, ...]
    _states: Kept[FeederState] = field(default_factory=lambda: Kept(MOST_KEPT, _size_of), init=False)

    @classmethod
    def of(cls, net: Topology, rules: RestorationSettings) -> Loads:
        """Return the loads of a network by its tables and settings."""
        known = net.transformers.select("load_kw", "capacity_kva").cast(pl.Float64)
        by_capacity = known["load_kw"].is_null() & known["capacity_kva"].is_not_null()
        by_nothing = known["load_kw"].is_null() & known["capacity_kva"].is_null()
        kw = known.select(pl.coalesce("load_kw", pl.col("capacity_kva") * rules.load_share, pl.lit(rules.load_kw)))
        assumed = []
        if count := int(by_capacity.sum()):
            assumed.append(
                text(
                    "{count} transformers have no load_kw: taken as {share:g} kW per kVA",
                    count=count,
                    share=rules.load_share,
                )
            )
        if count := int(by_nothing.sum()):
            assumed.append(
                text(
                    "{count} transformers have neither load_kw nor capacity_kva: taken as {kw:g} kW",
                    count=count,
                    kw=rules.load_kw,
                )
            )
        return cls(net, rules, kw.to_series().to_numpy(), tuple(assumed))

    def times(self, factor: Numbers) -> Loads:
        """Return the same with each load times a factor, shape (transformers,)."""
        return replace(self, kw=self.kw * factor)

    def times_of(self, transformers: Indices, factor: float) -> Loads:
        """Return the same with the loads of some transformers times a factor."""
        if factor == 1.0 or not len(transformers):
            return self
        kw = self.kw.copy()
        kw[transformers] *= factor
        return replace(self, kw=kw)

    @cached_property
    def ampere(self) -> Numbers:
        """The current of each load at the nominal voltage of its feeder, in A, shape (transformers,)."""
        volts: Numbers = np.full(self.network.transformers.height, self.rules.voltage_kv)
        if self._voltage_of_feeder:
            feeder = self.network.transformer_feeder
            volts = feeder.replace_strict(
                self._voltage_of_feeder, default=self.rules.voltage_kv, return_dtype=pl.Float64
            ).to_numpy()
        ampere: Numbers = self.kw / (self.rules.power_factor * np.sqrt(3.0) * volts)
        return ampere

    @cached_property
    def _voltage_of_feeder(self) -> dict[str, float]:
        return dict(self.network.feeders.select("feeder_id", "voltage_kv").drop_nulls().iter_rows())

    @cached_property
    def _voltage_of_branch(self) -> Numbers:
        label = self.network.branches["feeder_id"]
        if not self._voltage_of_feeder:
            return np.full(len(label), np.nan)
        found: Numbers = label.replace_strict(self._voltage_of_feeder, default=None, return_dtype=pl.Float64).to_numpy()
        return found

    def voltage_kv(self, branches: Indices) -> float:
        """Return the nominal voltage of a feeder, given branches of it."""
        volts = self._voltage_of_branch[branches]
        known = volts[~np.isnan(volts)]
        return float(known[0]) if len(known) else self.rules.voltage_kv

    @cached_property
    def rating_a(self) -> Numbers:
        """The rating of each branch, infinite where it has none, shape (branches,)."""
        return self.network.branches["rating_a"].cast(pl.Float64).fill_null(np.inf).to_numpy()

    @cached_property
    def impedance_ohm(self) -> Complex:
        """The impedance of each branch, not a number where it is unknown, shape (branches + 1,); the last is 0, for no branch."""
        return impedance_ohm(self.network)

    def drop_per_ampere(self, branches: Indices) -> Numbers:
        """Return what an ampere takes off the square of the voltage, of nominal, in branches of one feeder; -1 is no branch."""
        angle = np.arccos(self.rules.power_factor)
        ohm = self.impedance_ohm[branches]
        kilovolt = self.voltage_kv(branches[branches >= 0])
        drop: Numbers = 2.0 * np.sqrt(3.0) * (ohm.real * np.cos(angle) + ohm.imag * np.sin(angle)) / (kilovolt * 1000.0)
        return drop

    def hosts(self, supply: Supply, transformers: Indices) -> Indices:
        """Return the node at which each of these transformers takes its load: the first one that is live, else -1."""
        net = self.network
        first, second = net.transformer_node[transformers], net.transformer_second_node[transformers]
        return np.where(supply.live(first), first, np.where(supply.live(second), second, -1))

    def state_of(self, supply: Supply, part: Part) -> FeederState:
        """Return the state of a part of a supply, computed anew only where it was not asked for lately."""
        transformers = self.network.transformers_at_node.of_keys(part.nodes)
        host = self.hosts(supply, transformers)
        return self._states.recall((part, host.tobytes()), lambda: FeederState.of(self, part, transformers, host))

    def at_nodes(self, supply: Supply, nodes: Indices) -> tuple[Numbers, Numbers]:
        """Return the kW and the amperes that are taken at each of these nodes in one state, each of shape (nodes,)."""
        transformers = self.network.transformers_at_node.of_keys(nodes)
        return self.taken_at(nodes, transformers, self.hosts(supply, transformers))

    def taken_at(self, nodes: Indices, transformers: Indices, host: Indices) -> tuple[Numbers, Numbers]:
        """Return the kW and the amperes that some transformers take at each of these nodes, each of shape (nodes,).

        Args:
            nodes: of the network.
            transformers: those that may take their load there.
            host: the node at which each of these takes its load, see :meth:`hosts`.
        """
        by_node = np.argsort(nodes)
        at = by_node[np.minimum(np.searchsorted(nodes[by_node], host), len(nodes) - 1)]
        here = nodes[at] == host
        at, transformers = at[here], transformers[here]
        return (
            np.bincount(at, weights=self.kw[transformers], minlength=len(nodes)).astype(np.float64),
            np.bincount(at, weights=self.ampere[transformers], minlength=len(nodes)).astype(np.float64),
        )


@dataclass(frozen=True, eq=False, repr=False)
class FeederState(Shown):
    """A feeder with its load, in one state of the switches.

    Attributes:
        part: the feeder.
        branch: its live branches, shape (branches,).
        ampere: the current in each at nominal voltage: the sum below it, in A.
        voltage_pu: at each of ``part.nodes``; not a number where it is dead or the feeder has no impedances.
        at_place: amperes below each place at nominal voltage, shape (places,).
        without_losses: the square of the voltage at each of ``part.nodes``, of nominal, as it were without losses.
        collapsed: the power flow found no voltage at which the load can be fed.
    """

    part: Part
    branch: Indices
    ampere: Numbers
    voltage_pu: Numbers
    at_place: Numbers
    without_losses: Numbers
    collapsed: bool

    @classmethod
    def of(cls, loads: Loads, part: Part, transformers: Indices, host: Indices) -> FeederState:
        """Return the state of a part of a supply.

        Args:
            loads: of all transformers.
            part: the feeder.
            transformers: those at its nodes.
            host: the node at which each of these takes its load, see :meth:`Loads.hosts`.
        """
        forest = part.forest
        kw, ampere = loads.taken_at(part.nodes, transformers, host)
        below = sum_below(forest.end, np.append(ampere, 0.0)[forest.node_at])
        branch, by_sum = carried_by(forest, below)
        tree, back = forest.branch_to >= 0, forest.back_branch >= 0
        voltage = np.full(len(part.nodes), np.nan)
        ohm = loads.impedance_ohm[forest.branch_to]
        if back.any() or np.isnan(ohm).any() or not tree.any() or not np.any(ohm):
            return cls(part, branch, by_sum, voltage, below, voltage, False)
        kva = np.append(kw, 0.0)[forest.node_at] * (1 + 1j * np.tan(np.arccos(loads.rules.power_factor)))
        swept = sweep(forest, ohm, kva, np.full(len(ohm), loads.voltage_kv(branch)))
        without_losses = voltage.copy()
        if swept.converged:
            square = np.abs(swept.voltage_pu) ** 2
            without = 1.0 - sum_along_path(forest.end, loads.drop_per_ampere(forest.branch_to) * below)
            voltage[forest.node_at[1:]] = np.sqrt(square[1:])
            without_losses[forest.node_at[1:]] = without[1:]
        return cls(part, branch, by_sum, voltage, below, without_losses, not swept.converged)

    def place_of(self, node: int) -> int:
        """Return the place of a node of the network in the forest of this feeder; -1 where it is not fed by it."""
        at = np.flatnonzero(self.part.nodes == node)
        return int(self.part.forest.place_of[at[0]]) if len(at) else -1


def carried_by(forest: Forest, below: Numbers) -> tuple[Indices, Numbers]:
    """Return the live branches of a forest, and what each carries, given the sum below each place; each of shape (branches,)."""
    carried = below[ring_head(forest)]
    tree, back = forest.branch_to >= 0, forest.back_branch >= 0
    return (
        np.concatenate([forest.branch_to[tree], forest.back_branch[back]]),
        np.concatenate([carried[tree], carried[forest.back_lower[back]]]),
    )


def ring_head(forest: Forest) -> Indices:
    """Return, for each place, the place whose sum below its branch carries: itself, or the top of its closed ring."""
    head = np.where(forest.is_bridge, np.arange(len(forest.end)), np.maximum(forest.parent, 0))
    while not np.array_equal(higher := head[head], head):
        head = higher
    return head

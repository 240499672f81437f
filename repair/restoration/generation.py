"""Distributed generation that feeds into a feeder 分布式电源: what it does to currents and voltages while the grid is there.

It gives active power alone. What it gives at most is taken in every hour in which it may (``generation_hours``): at light load
the ends of its feeder are above the source then, and power may flow backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from network import Supply, Text, Topology, text
from network.arrays import Numbers
from network.forest import sum_below
from network.patch import Part
from network.power_flow import sweep
from network.representation import Shown
from repair.restoration.loading import FeederState, Loads, carried_by


@dataclass(frozen=True, eq=False, repr=False)
class Generation(Shown):
    """What generation gives at most.

    Attributes:
        kw: at each node, shape (nodes,).
        unplaced: nodes of generation that no branch leads to.
    """

    kw: Numbers
    unplaced: tuple[str, ...]

    @classmethod
    def of(cls, net: Topology) -> Generation:
        """Return the generation of a network by its table ``sources``."""
        rows = net.workspace.tables["sources"].filter(
            pl.col("grid_forming").is_not_null() & (pl.col("generation_kw") > 0)
        )
        kw = np.zeros(len(net.nodes))
        if rows.is_empty():
            return cls(kw, ())
        place = dict(zip(net.nodes, range(len(net.nodes)), strict=True))
        unplaced = []
        for node, given in rows.select("node", pl.col("generation_kw").cast(pl.Float64)).iter_rows():
            if node in place:
                kw[place[node]] += given
            else:
                unplaced.append(str(node))
        return cls(kw, tuple(unplaced))

    def feeds(self, part: Part) -> bool:
        """Return whether some of it feeds into a part of a supply."""
        return bool((self.kw[part.nodes[part.forest.reached]] > 0).any())

    def assumed(self, hours: Sequence[int], light_load_share: float, has_curve: bool) -> list[Text]:
        """Return how it was taken."""
        said = []
        if self.unplaced:
            said.append(
                text(
                    "Generation at nodes that no branch leads to is left out: {nodes}",
                    nodes=", ".join(self.unplaced[:5]),
                )
            )
        if self.kw.any():
            first, last = hours[0], hours[-1] + 1
            said.append(
                text("Generation gives all of its generation_kw from {first} to {last} o'clock (generation_hours)",
                     first=first, last=last)
            )  # fmt: skip
            if not has_curve:
                said.append(
                    text("Light load in those hours is {share:g} of the typical load (light_load_share)",
                         share=light_load_share)
                )  # fmt: skip
        return said


def with_generation(loads: Loads, supply: Supply, part: Part, kw: Numbers, kvar_per_kw: float = 0.0) -> FeederState:
    """Return a feeder with its load and what generation gives.

    Args:
        loads: the load of every transformer.
        supply: the state of the switches.
        part: the feeder.
        kw: what generation gives at each node of the network, shape (nodes,).
        kvar_per_kw: reactive power that it takes, for each kW that it gives.
    """
    forest = part.forest
    load_kw, _ = loads.at_nodes(supply, part.nodes)
    load = load_kw * (1 + 1j * np.tan(np.arccos(loads.rules.power_factor)))
    taken = np.append(load - kw[part.nodes] * (1 - 1j * kvar_per_kw), 0.0)
    kva = taken[forest.node_at]
    volts = loads.voltage_kv(forest.branch_to[forest.branch_to >= 0])
    through = sum_below(forest.end, kva.real) + 1j * sum_below(forest.end, kva.imag)
    below = np.abs(through) / (np.sqrt(3.0) * volts)
    branch, ampere = carried_by(forest, below)
    voltage = np.full(len(part.nodes), np.nan)
    ohm = loads.impedance_ohm[forest.branch_to]
    if len(forest.back_branch) or np.isnan(ohm).any() or not np.any(ohm):
        return FeederState(part, branch, ampere, voltage, below, voltage, False)
    swept = sweep(forest, ohm, kva, np.full(len(ohm), volts))
    if swept.converged:
        voltage[forest.node_at[1:]] = np.abs(swept.voltage_pu[1:])
    return FeederState(part, branch, ampere, voltage, below, voltage, not swept.converged)

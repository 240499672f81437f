"""What would lift a weak spot, the simplest first: load to move over a tie, a capacitor, a conductor, a transformer, a new tie.

A move of load is played on the network: the spot is gone then, and no new one has come. A capacitor is put into the power flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from network import Supply, text
from network.arrays import Indices, Numbers
from network.power_flow import sweep
from repair.isolation import BREAKS_LOAD, MAKES_LOAD
from repair.restoration.capacity import load_of_sources
from repair.restoration.generation import Generation, with_generation
from repair.restoration.loading import KEPT, FeederState, Loads
from repair.restoration.weak_spot import (
    CAPACITOR,
    CONDUCTOR,
    CURTAIL,
    FLOW,
    HIGH,
    LARGER,
    LONG,
    LOW,
    MOVE,
    NEARER,
    NEW_TIE,
    NODE,
    REACTIVE,
    TAP,
    TRANSFORMER,
    Lift,
    WeakSpot,
)
from repair.settings import WeakSpotSettings

SIZES_KVA = (30, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500)
"""Rated capacities of distribution transformers (GB/T 6451)."""

TRIED = 30
"""Moves that are played for one spot, those of the least load first."""

MORE = 1.1
"""A capacitor that is too small by the rule of thumb is tried so many times larger, a few times."""
_ROUNDS = 8
_HALVINGS = 12

_LOWER = text("lower the tap of the transformers, or the voltage of the bus")

Gone = Callable[[Supply, Sequence[FeederState]], bool]


@dataclass(eq=False)
class Lifts:
    """Finds what would lift weak spots.

    Attributes:
        supply: the state of the switches.
        loads: the load of the hour with the most.
        rules: from where on something is a weak spot.
        states: the feeders in that hour.
        generation: what feeds into the feeders beside their sources.
        light: the load in each hour in which it gives most.
    """

    supply: Supply
    loads: Loads
    rules: WeakSpotSettings
    states: Sequence[FeederState]
    generation: Generation
    light: Sequence[Loads]

    def __post_init__(self) -> None:
        net = self.supply.network
        self.ampere = np.zeros(net.branches.height)
        self.voltage = np.full(len(net.nodes), np.nan)
        for state in self.states:
            self.ampere[state.branch] = state.ampere
            self.voltage[state.part.nodes] = state.voltage_pu
        self.source_ampere = load_of_sources(self.loads, self.supply)
        kinds = net.branches["kind"]
        closes = kinds.is_in(MAKES_LOAD).fill_null(value=False).to_numpy() & self.supply.is_open
        self.ties = np.flatnonzero(closes & self.supply.live(net.from_node) & self.supply.live(net.to_node))
        self.breaks = kinds.is_in(BREAKS_LOAD).fill_null(value=False).to_numpy() & ~self.supply.is_open

    def of(self, spot: WeakSpot) -> tuple[Lift, ...]:
        """Return what would lift a spot."""
        if spot.object == TRANSFORMER:
            return tuple(self._of_transformer(spot))
        if spot.kind == HIGH:
            return (*self._of_generation(spot), Lift(TAP, None, None, _LOWER))
        if spot.kind == LONG:
            return tuple(self._of_radius(spot))
        if spot.kind == LOW and spot.object == NODE:
            return tuple(self._of_voltage(spot))
        if spot.kind == LOW:
            return (Lift(CONDUCTOR, None, None, text("a stronger conductor on the way, or a capacitor")),)
        return tuple(self._of_line(spot))

    # Transformers -------------------------------------------------------------------------------------------------

    def _of_transformer(self, spot: WeakSpot) -> Iterator[Lift]:
        net = self.supply.network
        if spot.kind == HIGH:
            yield Lift(TAP, None, None, _LOWER)
            return
        if spot.kind == LOW:
            at = int(net.transformer_index(spot.object_id)[0])
            if self.voltage[net.transformer_node[at]] >= self.loads.rules.min_voltage_pu:
                yield Lift(
                    TAP, None, None, text("raise the tap of the transformer: the medium voltage there is not low")
                )
            yield Lift(NEARER, None, None, text("a transformer nearer to the users, or a stronger low-voltage line"))
            return
        capacity = float(net.transformers["capacity_kva"][int(net.transformer_index(spot.object_id)[0])])
        wanted = spot.value * capacity / self.rules.heavy_share
        size = next((each for each in SIZES_KVA if each >= wanted - KEPT), None)
        if size is None:
            yield Lift(NEARER, None, None, text("a second transformer that takes part of the load"))
        else:
            yield Lift(
                LARGER,
                float(size),
                "kVA",
                text("a transformer of {kva} kVA in place of {old:g} kVA", kva=size, old=capacity),
            )

    # Lines --------------------------------------------------------------------------------------------------------

    def _of_line(self, spot: WeakSpot) -> Iterator[Lift]:
        branches = self.supply.network.branch_index(spot.objects)
        rating = self.loads.rating_a
        limit = rating[branches] * self.rules.heavy_share

        def gone(_: Supply, states: Sequence[FeederState]) -> bool:
            ampere = np.zeros(len(rating))
            for state in states:
                ampere[state.branch] = state.ampere
            return bool((ampere[branches] <= limit + KEPT).all())

        worst = int(self.supply.network.branch_index(spot.object_id)[0])
        excess = spot.value * rating[worst] - rating[worst] * self.rules.heavy_share
        backwards = spot.basis == FLOW and spot.value * rating[worst] > self.ampere[worst] + KEPT
        found = self._move(branches, excess, gone) if spot.basis == FLOW and not backwards else None
        yield from [found] if found else []
        if backwards:
            yield from self._less_generation(branches, limit)
        strong = spot.value * rating[worst] / self.rules.heavy_share
        yield Lift(CONDUCTOR, float(strong), "A", text("a conductor for {ampere:.0f} A in place of {old:.0f} A", ampere=strong,
                                                       old=float(rating[worst])))  # fmt: skip
        if found is None and not backwards:
            yield Lift(NEW_TIE, float(excess), "A", text("a new tie that takes over {ampere:.0f} A", ampere=excess))

    def _less_generation(self, branches: Indices, limit: Numbers) -> Iterator[Lift]:
        """Give how far generation has to be limited so that branches carry no more than this backwards."""
        part = next(each.part for each in self.states if np.isin(branches, each.branch).any())
        own = np.zeros(len(self.generation.kw))
        own[part.nodes] = self.generation.kw[part.nodes]

        def keeps(share: float) -> bool:
            ampere = np.zeros(len(self.ampere))
            for loads in self.light:
                state = with_generation(loads, self.supply, part, own * (1 - share))
                ampere[state.branch] = np.maximum(ampere[state.branch], state.ampere)
            return bool((ampere[branches] <= limit + KEPT).all())

        share = _least_share(keeps)
        if share is not None:
            yield _curtailed(float(own.sum() * (1.0 - share)))

    # Voltages -----------------------------------------------------------------------------------------------------

    def _of_voltage(self, spot: WeakSpot) -> Iterator[Lift]:
        net, floor = self.supply.network, self.loads.rules.min_voltage_pu
        nodes = _nodes_named(self.supply, spot.objects)

        def gone(_: Supply, states: Sequence[FeederState]) -> bool:
            volts = np.full(len(net.nodes), np.nan)
            for state in states:
                volts[state.part.nodes] = state.voltage_pu
            return bool((volts[nodes] >= floor - KEPT).all())

        worst = int(_nodes_named(self.supply, [spot.object_id])[0])
        way = np.array(self.supply.path(int(self.supply.place_of[worst])), dtype=np.int64)
        found = self._move(way, 0.0, gone)
        yield from [found] if found else []
        kvar = self._capacitor(worst, nodes, floor)
        if kvar is not None:
            yield Lift(
                CAPACITOR,
                kvar,
                "kvar",
                text("a capacitor of {kvar:.0f} kvar at {node}", kvar=kvar, node=spot.object_id),
            )
        share = (1.0 - floor) / (1.0 - spot.value)
        said = text(
            "conductors with {share:.0%} of the impedance on the way to {node}", share=share, node=spot.object_id
        )
        yield Lift(CONDUCTOR, 100.0 * share, "%", said)
        if found is None:
            yield Lift(NEW_TIE, None, None, text("a new tie near {node}", node=spot.object_id))

    def _capacitor(self, worst: int, nodes: Indices, floor: float) -> float | None:
        """Return the kvar at a node with which the voltage of all these nodes is kept; ``None`` where the feeder takes less."""
        state = next(each for each in self.states if (each.part.nodes == worst).any())
        forest, part = state.part.forest, state.part
        kw, _ = self.loads.at_nodes(self.supply, part.nodes)
        kva = np.append(kw, 0.0)[forest.node_at] * (1 + 1j * np.tan(np.arccos(self.loads.rules.power_factor)))
        ohm, volts = self.loads.impedance_ohm[forest.branch_to], self.loads.voltage_kv(state.branch)
        place = int(forest.place_of[np.flatnonzero(part.nodes == worst)[0]])
        reactance, at = 0.0, place
        while at > 0:
            reactance, at = reactance + float(ohm[at].imag), int(forest.parent[at])
        inside = forest.place_of[np.flatnonzero(np.isin(part.nodes, nodes))]
        if reactance <= 0:
            return None
        kvar = float((floor**2 - state.voltage_pu[part.nodes == worst][0] ** 2) * volts**2 * 1000.0 / (2.0 * reactance))
        for _ in range(_ROUNDS):
            if kvar > kva.imag.sum():
                return None
            with_it = kva.copy()
            with_it[place] -= 1j * kvar
            swept = sweep(forest, ohm, with_it, np.full(len(ohm), volts))
            if swept.converged and (np.abs(swept.voltage_pu[inside]) >= floor - KEPT).all():
                return kvar
            kvar *= MORE
        return None

    def _of_generation(self, spot: WeakSpot) -> Iterator[Lift]:
        """Give what lifts a voltage that generation makes too high: reactive power that it takes, less power, a conductor."""
        if spot.object != NODE:
            return
        node = int(_nodes_named(self.supply, [spot.object_id])[0])
        part = next(state.part for state in self.states if (state.part.nodes == node).any())
        own = np.zeros(len(self.generation.kw))
        own[part.nodes] = self.generation.kw[part.nodes]

        def keeps(kw: Numbers, kvar_per_kw: float) -> bool:
            found = (with_generation(loads, self.supply, part, kw, kvar_per_kw).voltage_pu for loads in self.light)
            return all(np.nanmax(volts) <= self.rules.max_voltage_pu + KEPT for volts in found)

        reactive = float(np.tan(np.arccos(self.rules.generation_power_factor)))
        share = _least_share(lambda share: keeps(own, reactive * share))
        if share is not None:
            kvar = float(own.sum() * reactive * share)
            yield Lift(REACTIVE, kvar, "kvar", text("let generation take {kvar:.0f} kvar", kvar=kvar))
        share = _least_share(lambda share: keeps(own * (1 - share), 0.0))
        if share is not None:
            yield _curtailed(float(own.sum() * (1.0 - share)))
        stronger = (self.rules.max_voltage_pu - 1.0) / (spot.value - 1.0)
        said = text(
            "conductors with {share:.0%} of the impedance on the way to {node}", share=stronger, node=spot.object_id
        )
        yield Lift(CONDUCTOR, 100.0 * stronger, "%", said)

    # Radii --------------------------------------------------------------------------------------------------------

    def _of_radius(self, spot: WeakSpot) -> Iterator[Lift]:
        net = self.supply.network
        length = net.branches["length_km"].cast(pl.Float64).to_numpy(writable=True)
        length[np.isnan(length) & net.switching] = 0.0
        hosts = self.loads.hosts(self.supply, net.transformer_index(spot.objects))

        def gone(after: Supply, _: Sequence[FeederState]) -> bool:
            km = after.along_path(length)[hosts]
            return bool((km <= self.rules.long_radius_km + KEPT).all())

        far = hosts[np.argmax(self.supply.along_path(length)[hosts])]
        way = np.array(self.supply.path(int(self.supply.place_of[far])), dtype=np.int64)
        found = self._move(way, 0.0, gone)
        yield from [found] if found else []
        if found is None:
            yield Lift(NEW_TIE, None, None, text("a new source or a new tie near {node}", node=net.nodes[int(far)]))

    # Moves --------------------------------------------------------------------------------------------------------

    def _move(self, branches: Indices, least_a: float, gone: Gone) -> Lift | None:
        """Return the move of the least load after which a spot is gone and no limit is passed that was kept; else ``None``.

        Args:
            branches: those of the spot, or of the way to it: the load is moved that flows over them.
            least_a: how much at least.
            gone: whether the spot is gone in a state.
        """
        net = self.supply.network
        ids = net.branches["branch_id"]
        mine = set(branches.tolist())
        tried = sorted(self._pairs(mine, least_a))[:TRIED]
        for ampere, behind, tie in tried:
            after = self.supply.switched(open=[str(ids[behind])], close=[str(ids[tie])])
            if len(self.supply.nodes_lost_in(after)) or len(after.loops) > len(self.supply.loops):
                continue
            ends = np.array([net.from_node[behind], net.to_node[behind], net.from_node[tie], net.to_node[tie]])
            states = [self.loads.state_of(after, part) for part in after.parts_of(ends)]
            if gone(after, states) and self._keeps(after, states):
                said = text("close {tie} and open {behind}: {ampere:.0f} A go to the neighbour", tie=str(ids[tie]),
                            behind=str(ids[behind]), ampere=ampere)  # fmt: skip
                return Lift(MOVE, float(ampere), "A", said, str(ids[behind]), str(ids[tie]))
        return None

    def _pairs(self, mine: set[int], least_a: float) -> Iterator[tuple[float, int, int]]:
        """Give the load, the device that parts it and the tie that takes it over, of each move beyond some branches."""
        net = self.supply.network
        for tie in self.ties.tolist():
            for node in (int(net.from_node[tie]), int(net.to_node[tie])):
                way = self.supply.path(int(self.supply.place_of[node]))
                beyond = [at for at, branch in enumerate(way) if branch in mine]
                if not beyond:
                    continue
                for branch in way[: beyond[-1] + 1]:
                    if self.breaks[branch] and self.ampere[branch] >= least_a - KEPT:
                        yield float(self.ampere[branch]), branch, tie

    def _keeps(self, after: Supply, states: Sequence[FeederState]) -> bool:
        """Return whether nothing becomes heavily loaded, or has too low a voltage, that was not so before."""
        rating, floor = self.loads.rating_a, self.loads.rules.min_voltage_pu
        for state in states:
            most = np.maximum(rating[state.branch] * self.rules.heavy_share, self.ampere[state.branch])
            least = np.fmin(floor, self.voltage[state.part.nodes])
            if state.collapsed or (state.ampere > most + KEPT).any() or (state.voltage_pu < least - KEPT).any():
                return False
        capacity = self.supply.network.sources["capacity_a"].cast(pl.Float64).fill_null(np.inf).to_numpy()
        return bool((load_of_sources(self.loads, after) <= np.maximum(capacity, self.source_ampere) + KEPT).all())


def _curtailed(kw: float) -> Lift:
    return Lift(CURTAIL, kw, "kW", text("limit generation there to {kw:.0f} kW at light load", kw=kw))


def _least_share(keeps: Callable[[float], bool]) -> float | None:
    """Return the least share, of a measure that helps the more the larger it is, that is enough; ``None`` where all is not."""
    if not keeps(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return high


def _nodes_named(supply: Supply, ids: Sequence[str]) -> Indices:
    """Return the indices of nodes by id."""
    wanted = set(ids)
    return np.array([at for at, each in enumerate(supply.network.nodes) if each in wanted], dtype=np.int64)

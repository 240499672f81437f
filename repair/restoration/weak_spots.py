"""Weak spots 薄弱环节: lines and transformers near or beyond what they can carry, ends with low or high voltage, long radii.

What was measured (table ``measurements``, 运行工况) goes before what is worked out; where nothing is measured the typical load
stands, and with a load curve the hours of a day. Where generation feeds in, lines may carry power backwards and ends may have
too high a voltage, in the hours in which it gives most. Lines of a feeder that hang together are one spot, named by the one that
is loaded most. Spots are ranked by the users behind them and the share of the time in which they are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from network import Supply, Text, text
from network.arrays import Indices, Mask, Numbers, components
from network.representation import Shown
from repair.restoration.generation import Generation, with_generation
from repair.restoration.load_curve import LoadCurve
from repair.restoration.loading import KEPT, FeederState, Loads, carried_by, ring_head
from repair.restoration.measured import LOW_SIDE, MEDIUM_SIDE, Measured
from repair.restoration.weak_lifts import Lifts
from repair.restoration.weak_spot import (
    FEEDER,
    FLOW,
    HEAVY,
    HIGH,
    LINE,
    LONG,
    LOW,
    MEASURED,
    NODE,
    OVERLOADED,
    TRANSFORMER,
    WeakSpot,
)
from repair.settings import RestorationSettings, WeakSpotSettings

DAY_H = 24.0


@dataclass(frozen=True, eq=False, repr=False)
class WeakSpots(Shown):
    """All weak spots, worst first.

    Attributes:
        spots: ranked by user-hours.
        rules: from where on something is one.
        assumed: what stands in for missing data.
    """

    spots: tuple[WeakSpot, ...]
    rules: WeakSpotSettings
    assumed: tuple[Text, ...]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return ``rows`` (the spots), ``counts`` by kind and object, ``limits`` and ``assumptions``."""
        counts: dict[str, int] = {}
        for spot in self.spots:
            name = f"{spot.kind}_{spot.object}"
            counts[name] = counts.get(name, 0) + 1
        return {
            "rows": [spot.as_dict(language) for spot in self.spots],
            "counts": counts,
            "limits": self.rules.model_dump(),
            "assumptions": [each.in_language(language) for each in self.assumed],
        }

    def _line(self) -> str:
        return f"WeakSpots: {len(self.spots)}"

    def _table(self) -> pl.DataFrame:
        columns = (
            "kind",
            "object",
            "object_id",
            "feeder_id",
            "value",
            "typical",
            "transformers",
            "customers",
            "user_hours_per_day",
        )
        return pl.DataFrame([{name: getattr(spot, name) for name in columns} for spot in self.spots])


def weak_spots(supply: Supply, at: datetime | None = None) -> WeakSpots:
    """Return the weak spots of a state of the switches.

    Args:
        supply: the state.
        at: the day whose hours of a load curve stand; without it those of the day with the most load in one hour.

    Raises:
        WorkspaceError: a setting cannot be used.
    """
    net = supply.network
    loads = Loads.of(net, RestorationSettings.of(net.workspace.settings))
    rules = WeakSpotSettings.of(net.workspace.settings)
    curve = LoadCurve.of(net)
    hours = [loads] if curve is None else [loads.times(factor) for factor in curve.day(at, loads.kw)]
    measured = Measured.of(net, rules, loads.rules.power_factor)
    return _Search(supply, loads, rules, hours, measured, Generation.of(net)).found()


@dataclass(eq=False)
class _Search:
    """Looks for weak spots.

    Attributes:
        supply: the state of the switches.
        loads: the typical load.
        rules: from where on something is one.
        hours: the load in each hour of a day, or one that stands for all.
        measured: what was measured.
        generation: what feeds into the feeders beside their sources.
    """

    supply: Supply
    loads: Loads
    rules: WeakSpotSettings
    hours: Sequence[Loads]
    measured: Measured
    generation: Generation
    assumed: list[Text] = field(default_factory=list)

    def found(self) -> WeakSpots:
        net = self.supply.network
        self.assumed += self.loads.assumed
        self.worst = max(self.hours, key=lambda each: float(each.kw.sum()))
        nodes = np.arange(len(net.nodes))
        self.states = [self.worst.state_of(self.supply, part) for part in self.supply.parts_of(nodes)]
        self.fed_in = [state for state in self.states if self.generation.feeds(state.part)]
        self.light = self._light_loads()
        spots = [
            *self._lines(), *self._transformers(), *self._voltages(), *self._high_voltages(), *self._measured_voltages(),
            *self._radii(),
        ]  # fmt: skip
        self._say_what_is_unknown()
        ranked = sorted(spots, key=lambda each: (-each.user_hours_per_day, each.kind, each.object_id))
        lifts = Lifts(self.supply, self.worst, self.rules, self.states, self.generation, self.light)
        return WeakSpots(tuple(replace(each, lifts=lifts.of(each)) for each in ranked), self.rules, tuple(self.assumed))

    def _light_loads(self) -> list[Loads]:
        """Return the load in each hour in which generation gives all that it can."""
        hours = range(*self.rules.generation_hours)
        if len(self.hours) > 1:
            return [self.hours[hour] for hour in hours]
        return [self.loads.times(np.full(len(self.loads.kw), self.rules.light_load_share))]

    @property
    def _light_share(self) -> float:
        """The share of the day that each of these stands for."""
        return len(range(*self.rules.generation_hours)) / DAY_H / len(self.light)

    def _say_what_is_unknown(self) -> None:
        net = self.supply.network
        hours = range(*self.rules.generation_hours)
        self.assumed += self.generation.assumed(hours, self.rules.light_load_share, has_curve=len(self.hours) > 1)
        if len(self.hours) == 1:
            self.assumed.append(text("There is no load curve: the typical load stands for all hours"))
        if count := int(np.isinf(self.loads.rating_a[~net.switching]).sum()):
            self.assumed.append(
                text("{count} lines have no rating_a: how far they are loaded is not known", count=count)
            )
        if count := net.transformers["capacity_kva"].null_count():
            self.assumed.append(
                text("{count} transformers have no capacity_kva: how far they are loaded is not known", count=count)
            )
        if count := sum(1 for state in self.states if len(state.branch) and np.isnan(state.voltage_pu).all()):
            self.assumed.append(
                text("{count} feeders have no complete r_ohm and x_ohm, or a closed loop: voltage is not checked there",
                     count=count)
            )  # fmt: skip

    # Users --------------------------------------------------------------------------------------------------------

    def _below(self) -> tuple[Numbers, Numbers]:
        """Return the transformers and the customers below each place, shape (places,)."""
        places, customers = self.supply.transformer_place, self.supply.customer_place
        count = len(self.supply.end)
        return tuple(  # type: ignore[return-value]
            self.supply.sum_below(np.bincount(each[each >= 0], minlength=count).astype(np.float64))[
                ring_head(self.supply.forest)
            ]
            for each in (places, customers)
        )

    def _spot(
        self, kind: str, of: str, object_id: str, feeder: str | None, value: float, limit: float,
        objects: Sequence[str], transformers: int, customers: int, time_share: float, basis: str, typical: float | None,
    ) -> WeakSpot:  # fmt: skip
        known = not self.supply.network.customers.is_empty()
        users = customers if known else transformers
        return WeakSpot(
            kind, of, object_id, feeder, value, limit, tuple(objects), transformers, customers if known else None,
            time_share, users * DAY_H * time_share, basis, typical,
        )  # fmt: skip

    # Lines --------------------------------------------------------------------------------------------------------

    def _lines(self) -> Iterator[WeakSpot]:
        net, rating = self.supply.network, self.loads.rating_a
        share, backwards = np.stack([self._shares(loads) for loads in self.hours]), self._shares_with_generation()
        typical = share[0] if len(self.hours) == 1 else self._shares(self.loads)
        heavy_share = self.rules.heavy_share - KEPT
        peak = np.maximum(share.max(axis=0), backwards.max(axis=0))
        if len(self.hours) > 1:
            share[slice(*self.rules.generation_hours)] = np.maximum(
                share[slice(*self.rules.generation_hours)], backwards
            )
        time = np.maximum(
            (share >= heavy_share).mean(axis=0), (backwards >= heavy_share).sum(axis=0) * self._light_share
        )
        is_measured = np.zeros(len(peak), dtype=np.bool_)
        for at, (amperes, kilowatts) in self.measured.of_branches.items():
            volts = self.loads.voltage_kv(np.array([at]))
            by_power = np.abs(kilowatts) / (np.sqrt(3.0) * volts * self.loads.rules.power_factor)
            load = np.where(np.isnan(amperes), by_power, amperes) / rating[at]
            load = load[~np.isnan(load)]
            if len(load) and np.isfinite(rating[at]):
                is_measured[at] = True
                peak[at], time[at], typical[at] = load.max(), (load >= heavy_share).mean(), load.mean()
        heavy = np.flatnonzero((peak >= heavy_share) & ~self.supply.is_open)
        transformers, customers = self._below()
        place = np.full(net.branches.height, -1, dtype=np.int64)
        place[self.supply.branch_to[self.supply.branch_to >= 0]] = np.flatnonzero(self.supply.branch_to >= 0)
        ids = net.branches["branch_id"]
        for group in self._together(heavy):
            worst = int(group[np.argmax(peak[group])])
            places = place[group][place[group] >= 0]
            kind = OVERLOADED if peak[worst] > 1.0 + KEPT else HEAVY
            users, served = (int(each[places].max(initial=0)) for each in (transformers, customers))
            yield self._spot(
                kind, LINE, ids[worst], self._feeder_of_branch(worst), float(peak[worst]), self.rules.heavy_share,
                ids.gather(np.sort(group)).to_list(), users, served, float(time[group].max()),
                MEASURED if is_measured[worst] else FLOW, float(typical[worst]),
            )  # fmt: skip

    def _shares(self, loads: Loads) -> Numbers:
        """Return the load of each branch over its rating, shape (branches,)."""
        net, rating = self.supply.network, self.loads.rating_a
        _, ampere = loads.at_nodes(self.supply, np.arange(len(net.nodes)))
        below = self.supply.sum_below(np.append(ampere, 0.0)[self.supply.node_at])
        branch, carried = carried_by(self.supply.forest, below)
        share = np.zeros(net.branches.height)
        share[branch] = carried / rating[branch]
        return share

    def _shares_with_generation(self) -> Numbers:
        """Return the same in the hours in which generation gives most, 0 where none feeds in, shape (hours, branches)."""
        share = np.zeros((len(self.light), self.supply.network.branches.height))
        for row, loads in enumerate(self.light):
            for each in self.fed_in:
                state = with_generation(loads, self.supply, each.part, self.generation.kw)
                share[row, state.branch] = state.ampere / self.loads.rating_a[state.branch]
        return share

    def _together(self, branches: Indices) -> Iterator[Indices]:
        """Give the branches that hang together, in groups; two that leave one source do not for that alone.

        A closed device without a rating joins those at its ends.
        """
        net = self.supply.network
        joins = np.flatnonzero(net.switching & np.isinf(self.loads.rating_a) & ~self.supply.is_open)
        every = np.concatenate([branches, joins])
        own = np.arange(len(every)) + len(net.nodes)
        ends = [
            np.where(net.is_source[end[every]], own + at * len(every), end[every])
            for at, end in enumerate((net.from_node, net.to_node))
        ]
        label = components(len(net.nodes) + 2 * len(every), *ends)[ends[0][: len(branches)]]
        for each in np.unique(label).tolist():
            yield branches[label == each]

    def _feeder_of_branch(self, branch: int) -> str | None:
        net = self.supply.network
        of_node = self.supply.node_feeder
        own: str | None = net.branches["feeder_id"][branch]
        traced: str | None = of_node[int(net.to_node[branch])]
        return traced if own is None else own

    # Transformers -------------------------------------------------------------------------------------------------

    def _transformers(self) -> Iterator[WeakSpot]:
        net, factor = self.supply.network, self.loads.rules.power_factor
        capacity = net.transformers["capacity_kva"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.stack([hour.kw / factor / capacity for hour in self.hours])
            typical = self.loads.kw / factor / capacity
        given = net.transformers["load_kw"].is_not_null().to_numpy()
        peak = np.where(given, share.max(axis=0), np.nan)  # a load that is taken from the capacity tells nothing
        time = (share >= self.rules.heavy_share - KEPT).mean(axis=0)
        customers = np.diff(net.customers_of_transformer.first)
        ids, feeder = net.transformers["transformer_id"], net.transformer_feeder
        live = self.supply.transformer_place >= 0
        basis = np.full(len(peak), FLOW, dtype=object)
        for at, kva in self.measured.kva_of_transformers.items():
            known = kva[~np.isnan(kva)] / capacity[at]
            if len(known) and not np.isnan(known).any():
                peak[at], time[at] = known.max(), (known >= self.rules.heavy_share - KEPT).mean()
                typical[at], basis[at] = known.mean(), MEASURED
        for at in np.flatnonzero((peak >= self.rules.heavy_share - KEPT) & live).tolist():
            kind = OVERLOADED if peak[at] > 1.0 + KEPT else HEAVY
            yield self._spot(
                kind, TRANSFORMER, ids[at], feeder[at], float(peak[at]), self.rules.heavy_share, [ids[at]], 1,
                int(customers[at]), float(time[at]), str(basis[at]), float(typical[at]),
            )  # fmt: skip

    # Voltages -----------------------------------------------------------------------------------------------------

    def _voltages(self) -> Iterator[WeakSpot]:
        """Give the ends of feeders whose voltage is too low by the power flow of the hour with the most load."""
        floor = self.loads.rules.min_voltage_pu
        for state in self.states:
            low: Mask = state.voltage_pu < floor - KEPT
            if not low.any():
                continue
            hours = np.stack([self._voltage_of(state, loads) < floor - KEPT for loads in self.hours])
            where = np.flatnonzero(low)
            worst = int(where[np.argmin(state.voltage_pu[where])])
            yield self._at_nodes(
                LOW, state, where, worst, floor, float(hours[:, worst].mean()),
                float(self._voltage_of(state, self.loads)[worst]),
            )  # fmt: skip

    def _high_voltages(self) -> Iterator[WeakSpot]:
        """Give the ends of feeders whose voltage is too high by the power flow while generation gives most."""
        limit = self.rules.max_voltage_pu
        for each in self.fed_in:
            states = [with_generation(loads, self.supply, each.part, self.generation.kw) for loads in self.light]
            volts = np.stack([state.voltage_pu for state in states])
            high = volts > limit + KEPT
            if not high.any():
                continue
            hour, worst = np.unravel_index(np.argmax(np.nan_to_num(volts)), volts.shape)
            typical = with_generation(self.loads, self.supply, each.part, self.generation.kw)
            yield self._at_nodes(
                HIGH, states[int(hour)], np.flatnonzero(high.any(axis=0)), int(worst), limit,
                float(high[:, worst].sum() * self._light_share), float(typical.voltage_pu[worst]),
            )  # fmt: skip

    def _at_nodes(
        self, kind: str, state: FeederState, where: Indices, worst: int, limit: float, time_share: float, typical: float
    ) -> WeakSpot:
        """Return the spot of some nodes of a feeder, by number in its part, with the users whose load is taken there."""
        net, ids = self.supply.network, self.supply.network.nodes
        behind = net.transformers_at_node.of_keys(state.part.nodes[where])
        behind = behind[np.isin(self.loads.hosts(self.supply, behind), state.part.nodes[where])]
        customers = net.customers_of_transformer.of_keys(behind)
        node = int(state.part.nodes[worst])
        return self._spot(
            kind, NODE, ids[node], self.supply.node_feeder[node], float(state.voltage_pu[worst]), limit,
            ids.gather(np.sort(state.part.nodes[where])).to_list(), len(behind), len(customers), time_share, FLOW, typical,
        )  # fmt: skip

    def _voltage_of(self, state: FeederState, loads: Loads) -> Numbers:
        return state.voltage_pu if loads is self.worst else loads.state_of(self.supply, state.part).voltage_pu

    def _measured_voltages(self) -> Iterator[WeakSpot]:
        net, rules, floor = self.supply.network, self.rules, self.loads.rules.min_voltage_pu
        customers = np.diff(net.customers_of_transformer.first)
        limits = {
            LOW_SIDE: (rules.low_voltage_v / rules.nominal_v, rules.high_voltage_v / rules.nominal_v),
            MEDIUM_SIDE: (floor, rules.max_voltage_pu),
        }
        for voltage in self.measured.voltages(self.loads):
            lowest, highest = limits[voltage.side]
            is_line = voltage.object == LINE
            object_id = (net.branches if is_line else net.transformers)[f"{voltage.object}_id"][voltage.index]
            feeder = self._feeder_of_branch(voltage.index) if is_line else net.transformer_feeder[voltage.index]
            users = (1, int(customers[voltage.index]))
            if is_line:
                behind = self.supply.below(object_id)
                users = len(behind.transformer_index), behind.customer_count
            for kind, worst, limit, share, typical in (
                (LOW, voltage.lowest.min(), lowest, (voltage.lowest < lowest - KEPT).mean(), voltage.lowest.mean()),
                (
                    HIGH,
                    voltage.highest.max(),
                    highest,
                    (voltage.highest > highest + KEPT).mean(),
                    voltage.highest.mean(),
                ),
            ):
                if share > 0:
                    yield self._spot(
                        kind, voltage.object, object_id, feeder, float(worst), limit, [object_id], *users, float(share),
                        MEASURED, float(typical),
                    )  # fmt: skip

    # Radii --------------------------------------------------------------------------------------------------------

    def _radii(self) -> Iterator[WeakSpot]:
        net = self.supply.network
        length = net.branches["length_km"].cast(pl.Float64).to_numpy(writable=True)
        length[np.isnan(length) & net.switching] = 0.0
        hosts = self.loads.hosts(self.supply, np.arange(net.transformers.height))
        km = np.append(self.supply.along_path(length), np.nan)[hosts]
        feeder = self.supply.node_feeder
        far = np.flatnonzero(km > self.rules.long_radius_km + KEPT)
        labels = feeder.gather(hosts[far])
        customers = np.diff(net.customers_of_transformer.first)
        ids = net.transformers["transformer_id"]
        for label in labels.drop_nulls().unique(maintain_order=True).to_list():
            group = far[(labels == label).fill_null(value=False).to_numpy()]
            yield self._spot(
                LONG, FEEDER, label, label, float(km[group].max()), self.rules.long_radius_km, ids.gather(group).to_list(),
                len(group), int(customers[group].sum()), 1.0, FLOW, None,
            )  # fmt: skip

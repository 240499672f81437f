"""Where devices stand: the piece and the place of a terminal, a meter or a branch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from network.arrays import Indices, Mask
from network.representation import Shown
from repair.inference.devices import Devices
from repair.inference.feeder_tree import FeederTree
from repair.inference.outage import InferredOutage


@dataclass(frozen=True, eq=False, repr=False)
class Spots(Shown):
    """Finds devices on one supply."""

    tree: FeederTree
    devices: Devices

    def of(self, device: Indices) -> tuple[Indices, Indices]:
        """Return piece and place of each device; -1 where it is dead."""
        supply, devices = self.tree.supply, self.devices
        place = np.full(len(device), -1, dtype=np.int64)
        terminal = device < devices.customers_from
        place[terminal] = supply.transformer_place[device[terminal]]
        meter = ~terminal & (device < devices.branches_from)
        place[meter] = self.tree.customer_place(device[meter] - devices.customers_from)
        switch = device >= devices.branches_from
        place[switch] = supply.place_to(device[switch] - devices.branches_from)
        return self.tree.piece_of(place), place

    def are_fed(self, device: Indices) -> Mask:
        """Return which devices have supply: a user, or what lies below a branch; not those that are not known (-1)."""
        known = np.flatnonzero(device >= 0)
        fed = np.zeros(len(device), dtype=np.bool_)
        fed[known] = self.of(device[known])[1] >= 0
        return fed

    def with_places(self, signals: pl.DataFrame, device: Indices) -> pl.DataFrame:
        """Return signals of devices with the ``place`` in depth-first order of each, and of the ``head`` of its feeder.

        A branch stands at the place it leads to; -1 where the supply reaches neither.
        """
        supply = self.tree.supply
        known = np.flatnonzero(device >= 0)
        place = np.full(len(device), -1, dtype=np.int64)
        _, place[known] = self.of(device[known])
        branch = np.flatnonzero(device >= self.devices.branches_from)
        number = device[branch] - self.devices.branches_from
        ends = supply.place_of[supply.network.from_node[number]], supply.place_of[supply.network.to_node[number]]
        place[branch] = np.maximum(*ends)
        return signals.with_columns(
            place=pl.Series(place), head=pl.Series(np.where(place >= 0, supply.head_above[place], -1))
        )

    def span_of(self, outage: InferredOutage) -> tuple[int, int]:
        """Return the first place that an incident took out, and the first after them."""
        supply, net = self.tree.supply, self.tree.supply.network
        if outage.transformer_ids:
            places = supply.transformer_place[net.transformer_index(list(outage.transformer_ids))]
            return int(places.min()), int(places.max()) + 1
        if outage.customer_ids:
            customers, _ = net.known_customers(outage.customer_ids)
            place = int(self.tree.customer_place(customers).max())
            return place, place + 1
        place = int(supply.place_to(net.branch_index(outage.object_id))[0])
        return place, int(supply.end[place])

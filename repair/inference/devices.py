"""Devices that report: terminals of transformers, meters of customers, and switches, each by one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from network import Topology
from network.arrays import Indices, Mask
from network.ids import Places
from network.representation import Shown

KEPT = 16
"""Moments for which it is kept who is in service."""

EVER = np.int64(1) << 60
"""A time after all others, in milliseconds; its negative lies before all others."""


@dataclass(frozen=True, eq=False, repr=False)
class Devices(Shown):
    """Numbers of devices: first the transformers, then the customers, then the branches, each in the order of its table."""

    network: Topology

    @cached_property
    def customers_from(self) -> int:
        """The number of the first customer."""
        return self.network.transformers.height

    @cached_property
    def branches_from(self) -> int:
        """The number of the first branch."""
        return self.customers_from + self.network.customers.height

    @cached_property
    def _ids(self) -> dict[str, tuple[int, pl.Series]]:
        net = self.network
        return {
            "transformer": (0, net.transformers["transformer_id"]),
            "customer": (self.customers_from, net.customers["customer_id"]),
            "branch": (self.branches_from, net.branches["branch_id"]),
        }

    @cached_property
    def names(self) -> dict[str, npt.NDArray[np.object_]]:
        """Ids of all transformers and branches, in the order of their tables."""
        return {kind: self._ids[kind][1].cast(pl.String).to_numpy() for kind in ("transformer", "branch")}

    def customer_ids(self, customers: Sequence[int]) -> tuple[str, ...]:
        """Return the ids of customers by their places in the table; a million would be too many to keep as texts."""
        return tuple(self.network.customers["customer_id"].gather([*customers]).cast(pl.String).to_list())

    @cached_property
    def _places(self) -> dict[str, Places]:
        others = {kind: Places(self._ids[kind][1].cast(pl.String)) for kind in ("transformer", "branch")}
        return others | {"customer": self.network.customer_places}

    def numbers(self, kind: str, ids: pl.Series) -> Indices:
        """Return the number of each transformer, customer or branch, -1 where the network does not have it."""
        found = self._places[kind].of(ids)
        return np.where(found >= 0, found + self._ids[kind][0], -1)

    def kind_and_id(self, device: int) -> tuple[str, str]:
        """Return what a device is, and its id."""
        kind = (
            "branch" if device >= self.branches_from else "customer" if device >= self.customers_from else "transformer"
        )
        place = int(device) - self._ids[kind][0]
        return kind, self.customer_ids([place])[0] if kind == "customer" else str(self.names[kind][place])

    @cached_property
    def concentrator(self) -> Indices:
        """The number of each transformer's concentrator, shape (transformers,); -1 where none is named."""
        named = self.network.transformers["concentrator_id"]
        number = named.rank("dense").cast(pl.Int64) - 1
        return number.fill_null(-1).to_numpy()

    @cached_property
    def service(self) -> tuple[Indices, Indices] | None:
        """From when and until when each transformer and customer is in service, in ms; nothing where no date is given."""
        net = self.network
        dates = [
            pl.concat([net.transformers[name], net.customers[name]]) if net.customers.height else net.transformers[name]
            for name in ("in_service", "retired")
        ]
        if all(date.null_count() == len(date) for date in dates):
            return None
        since, until = (
            each.dt.epoch("ms").fill_null(int(default)).to_numpy()
            for each, default in zip(dates, (-EVER, EVER), strict=True)
        )
        return since, until

    def in_service(self, device: Indices, time: Indices) -> tuple[Mask, Mask]:
        """Return whether each time is before the device is in service, and whether it is after; switches always serve."""
        early, late = np.zeros(len(device), dtype=np.bool_), np.zeros(len(device), dtype=np.bool_)
        if self.service is not None:
            since, until = self.service
            dated = np.flatnonzero(device < self.branches_from)
            early[dated] = time[dated] < since[device[dated]]
            late[dated] = time[dated] >= until[device[dated]]
        return early, late

    @cached_property
    def _changes_of_service(self) -> Indices:
        """When a transformer or customer begins or ends its service, in ms, rising."""
        if self.service is None:
            return np.zeros(0, dtype=np.int64)
        return np.unique(np.concatenate([each[: self.branches_from] for each in self.service]))

    @cached_property
    def _served(self) -> dict[int, tuple[Indices, Indices, Indices]]:
        return {}

    def customers_served(self, at: int) -> tuple[Indices, Indices, Indices]:
        """Return who is in service at a moment in ms.

        Returns:
            How many customers each transformer feeds alone, shape (transformers,), and the two transformers of each customer
            with two supplies.
        """
        key = int(np.searchsorted(self._changes_of_service, at, side="right"))
        if key not in self._served:
            net = self.network
            number = self.customers_from + np.arange(net.customers.height)
            early, late = self.in_service(number, np.full(len(number), at))
            begun, gone = self.in_service(np.arange(net.transformers.height), np.full(net.transformers.height, at))
            feeds = np.append(~(begun | gone) & (net.transformer_node >= 0), False)
            first, second = (
                np.where(feeds[each], each, -1)[~(early | late)]
                for each in (net.customer_transformer, net.customer_second_transformer)
            )
            two = (first >= 0) & (second >= 0)
            only = np.maximum(first, second)[~two]
            alone = np.bincount(only[only >= 0], minlength=net.transformers.height).astype(np.int64)
            if len(self._served) >= KEPT:
                self._served.clear()
            self._served[key] = (alone, first[two], second[two])
        return self._served[key]

    @cached_property
    def meter_transformer(self) -> Indices:
        """The transformer that each customer's meter speaks for, shape (customers,).

        -1 for a customer with two supplies, whose meter speaks for neither, or without any.
        """
        net = self.network
        alone = (net.customer_transformer < 0) != (net.customer_second_transformer < 0)
        only = np.maximum(net.customer_transformer, net.customer_second_transformer)
        return np.where(alone, only, -1)

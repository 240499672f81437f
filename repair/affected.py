"""The affected-customer list 影响用户清单: who is off when branches open, or when a fault strikes one (field reference 6.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import LostSupply, Supply, Topology
from network.arrays import Numbers
from network.ids import each_of
from network.representation import Shown
from repair.isolation import Isolation, isolate
from repair.privacy import mask_address, mask_name, mask_phone

SURE: Mapping[str, float] = {"certain": 0.95, "probable": 0.5, "doubtful": 0.05}
"""From which probability on a transformer is off for certain, probably, or doubtfully; the last stand on no list."""


@dataclass(frozen=True, eq=False, repr=False)
class Affected(Shown):
    """Who is off, and what put them off.

    Attributes:
        hit: transformers and customers that lose their supply.
        branches: ids of the branches that are dead now and were not before, without those that opened.
        opened: ids of the branches that open: those that were named, or the devices that trip.
        sure: by signals: how probable it is that each transformer is off; those on the list, and those that may be.
        approximate: by signals: incidents of which the probabilities are approximate, by the branch at their head.
    """

    hit: LostSupply
    branches: tuple[str, ...]
    opened: tuple[str, ...]
    sure: Mapping[str, float] | None = None
    approximate: tuple[str, ...] = ()

    def _line(self) -> str:
        return f"Affected: {len(self.hit.transformer_index)} transformers, {self.customer_count} customers"

    def _table(self) -> pl.DataFrame:
        return self.table()

    @property
    def network(self) -> Topology:
        """The network of the event."""
        return self.hit.network

    @property
    def customer_count(self) -> int:
        """How many customers are off."""
        return self.hit.customer_count

    @cached_property
    def customers(self) -> pl.DataFrame:
        """The customers that are off, in the order of the table, with ``feeder_id`` of their transformer."""
        rows = self.network.customers[np.sort(self.hit.customer_index)]
        feeder = pl.DataFrame(
            {
                "transformer_id": self.network.transformers["transformer_id"],
                "feeder_id": self.network.transformer_feeder,
            }
        )
        return rows.join(feeder, on="transformer_id", how="left", maintain_order="left")

    def as_dict(self) -> dict[str, Any]:
        """Return the list for commands and routes, with ``opened`` besides; without a table of customers their number is None."""
        known = not self.network.customers.is_empty()
        customers = self.customers
        by_feeder = (
            customers.group_by("feeder_id", maintain_order=True)
            .len()
            .sort("len", "feeder_id", descending=[True, False])
        )
        return {
            "transformers": self.hit.transformers,
            "customers": self.customer_count if known else None,
            "customer_ids": customers["customer_id"].to_list(),
            "important": customers.filter(pl.col("important"))["customer_id"].to_list(),
            "branches": list(self.branches),
            "feeders": dict(by_feeder.rows()) if known else dict.fromkeys(self._feeders_off()),
            "opened": list(self.opened),
            **self._how_sure(),
        }

    @property
    def expected_customers(self) -> float | None:
        """How many customers are off as far as is known by signals: the sum of probabilities; ``None`` where none tell."""
        return None if self.sure is None else float(self._sure_of_customers.sum())

    @cached_property
    def _sure_of_customers(self) -> Numbers:
        probability = np.zeros(self.network.transformers.height)
        probability[self.network.transformer_index(list(self.sure or {}))] = list((self.sure or {}).values())
        return sure_of_customers(self.hit, probability)

    def grouped(self) -> dict[str, list[str]]:
        """Return the transformers by how sure it is that they are off: ``certain``, ``probable``, ``doubtful``."""
        groups: dict[str, list[str]] = {name: [] for name in SURE}
        for transformer, probability in (self.sure or {}).items():
            name = next((name for name, least in SURE.items() if probability >= least), None)
            if name:
                groups[name].append(transformer)
        return groups

    def _how_sure(self) -> dict[str, Any]:
        if self.sure is None:
            return {}
        told = {"sure": dict(self.sure), "groups": self.grouped(), "expected_customers": self.expected_customers}
        return told | {"approximate": list(self.approximate)}

    def _feeders_off(self) -> list[str]:
        feeders = self.network.transformer_feeder.gather(np.sort(self.hit.transformer_index))
        return feeders.drop_nulls().unique(maintain_order=True).to_list()

    def _transformers(self) -> pl.DataFrame:
        """Return the transformers that are off, in the order of their table."""
        off = np.sort(self.hit.transformer_index)
        stations = self.network.feeders.select("feeder_id", "station_id").unique("feeder_id", keep="first")
        return (
            self.network.transformers[off]
            .select("transformer_id", "name", "load_kw", "capacity_kva")
            .with_columns(self.network.transformer_feeder.gather(off).alias("feeder_id"))
            .join(stations, on="feeder_id", how="left", maintain_order="left")
        )

    def table(self, masked: bool = True) -> pl.DataFrame:
        """Return the list that a dispatcher prints: important and sensitive customers first.

        Args:
            masked: whether names, phones and addresses are masked, as for everybody who need not call customers.

        Returns:
            ``customer_id, name, phone`` (only where the contact is verified), ``address, important, sensitive, dual_supply,
            verified, transformer_id, feeder_id, station_id``; by signals ``sure`` besides, how probable it is that each is off.
            Without a table of customers the transformers: ``transformer_id, name, load_kw, capacity_kva, feeder_id,
            station_id``.
        """
        if self.network.customers.is_empty():
            return self._transformers()
        stations = self.network.feeders.select("feeder_id", "station_id").unique("feeder_id", keep="first")
        rows = self.customers
        if self.sure is not None:
            rows = rows.with_columns(sure=pl.Series(self._sure_of_customers[np.sort(self.hit.customer_index)]))
        return (
            rows.select(
                "customer_id",
                (mask_name(pl.col("name")) if masked else pl.col("name")).alias("name"),
                pl.when("verified").then(mask_phone(pl.col("phone")) if masked else pl.col("phone")).alias("phone"),
                (mask_address(pl.col("address")) if masked else pl.col("address")).alias("address"),
                "important",
                "sensitive",
                pl.col("second_transformer_id").is_not_null().alias("dual_supply"),
                "verified",
                "transformer_id",
                "feeder_id",
                *(["sure"] if self.sure is not None else []),
            )
            .join(stations, on="feeder_id", how="left", maintain_order="left")
            .sort("important", "sensitive", descending=True, maintain_order=True)
        )  # fmt: skip


def sure_of_customers(listed: LostSupply, probability: Numbers) -> Numbers:
    """Return how probable it is that each customer is off, shape (customers,).

    A customer with two supplies is off when both transformers are, each by itself; who stands on the list although the
    transformers are not on it is off by itself.

    Args:
        listed: who stands on the list.
        probability: that each transformer is off, shape (transformers,).
    """
    net = listed.network
    first, second = net.customer_transformer, net.customer_second_transformer
    off = np.append(probability, 0.0)
    sure = np.where((first >= 0) & (second >= 0), off[first] * off[second], off[np.maximum(first, second)])
    mine = listed.customer_index
    alone = mine[~np.isin(first[mine], listed.transformer_index) & ~np.isin(second[mine], listed.transformer_index)]
    sure[alone] = 1.0
    return np.asarray(sure)


def affected_by_opening(supply: Supply, branch_ids: str | Iterable[str]) -> Affected:
    """Return who is off when a branch opens, or several open together.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    branches = each_of(branch_ids)
    return between(supply, supply.switched(open=branches), branches)


def affected_by_transformers(supply: Supply, transformer_ids: str | Iterable[str]) -> Affected:
    """Return who is off when these transformers themselves are: their customers, unless a second transformer feeds them.

    Raises:
        UnknownIdError: a transformer is not in the network.
    """
    net = supply.network
    off = np.zeros(net.transformers.height + 1, dtype=np.bool_)
    off[net.transformer_index(transformer_ids)] = True
    live = np.append(supply.transformer_place >= 0, False)
    dead = np.flatnonzero(off & live)
    customers = np.unique(net.customers_of_transformer.of_keys(dead))
    first, second = net.customer_transformer[customers], net.customer_second_transformer[customers]
    still_fed = (live & ~off)[first] | (live & ~off)[second]
    return Affected(LostSupply(net, dead, customers[~still_fed]), (), ())


def affected_by_fault(supply: Supply, branch_id: str) -> Affected:
    """Return who is off when a fault on a branch has been cleared, before anything is isolated.

    What trips is told by :func:`repair.isolation.isolate`: everything that the tripped devices cut off is off, and whatever
    hangs on it alone. Where no device clears the fault, the source is lost. An open or dead branch feeds no fault.

    Raises:
        UnknownIdError: the branch is not in the network.
    """
    return affected_by_trip(isolate(supply, branch_id))


def affected_by_trip(fault: Isolation) -> Affected:
    """Return who is off once a fault has been cleared, before anything is isolated."""
    tripped = fault.network.branches["branch_id"].gather(fault.tripped).to_list()
    return between(fault.before, fault.after, tuple(tripped))


def between(before: Supply, after: Supply, opened: tuple[str, ...]) -> Affected:
    """Return who and which branches have supply before and none after; ``opened`` are the branches that opened."""
    net = before.network
    nodes = before.nodes_lost_in(after)
    touched = net.branches_at_node.of_keys(nodes)
    touched = touched[~before.is_open[touched]]
    dead = ~after.live(net.from_node[touched]) & ~after.live(net.to_node[touched])
    off, told = net.branch_ids(touched[dead]), set(opened)
    return Affected(before.lost_in(after), tuple(branch for branch in off if branch not in told), opened)

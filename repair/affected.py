"""The affected-customer list 影响用户清单: who is off when branches open, or when a fault strikes one (field reference 6.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from network import Hit, Network, Supply
from repair.privacy import mask_address, mask_name, mask_phone


@dataclass(frozen=True, eq=False)
class Affected:
    """Who is off, and what put them off.

    Attributes:
        hit: transformers and customers that lose their supply.
        branches: ids of the branches that are dead now and were not before, without those that opened.
        opened: ids of the branches that open: those that were named, or the devices that trip.
    """

    hit: Hit
    branches: tuple[str, ...]
    opened: tuple[str, ...]

    @property
    def network(self) -> Network:
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
        """Return the list in the contract's form, with ``opened`` besides; without a table of customers their number is None."""
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
        }

    def _feeders_off(self) -> list[str]:
        feeders = self.network.transformer_feeder.gather(np.sort(self.hit.transformer_index))
        return feeders.drop_nulls().unique(maintain_order=True).to_list()

    def table(self) -> pl.DataFrame:
        """Return the list that a dispatcher prints: important and sensitive customers first, personal data masked.

        Returns:
            ``customer_id, name, phone`` (only where the contact is verified), ``address, important, sensitive, dual_supply,
            verified, transformer_id, feeder_id``.
        """
        return (
            self.customers.select(
                "customer_id",
                mask_name(pl.col("name")).alias("name"),
                pl.when("verified").then(mask_phone(pl.col("phone"))).alias("phone"),
                mask_address(pl.col("address")).alias("address"),
                "important",
                "sensitive",
                pl.col("second_transformer_id").is_not_null().alias("dual_supply"),
                "verified",
                "transformer_id",
                "feeder_id",
            )
            .sort("important", "sensitive", descending=True, maintain_order=True)
        )  # fmt: skip


def affected_by_opening(supply: Supply, branch_ids: Sequence[str]) -> Affected:
    """Return who is off when these branches open together.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    return _between(supply, supply.switched(open=branch_ids), tuple(branch_ids))


def affected_by_transformers(supply: Supply, transformer_ids: Sequence[str]) -> Affected:
    """Return who is off when these transformers themselves are: their customers, unless a second transformer feeds them.

    Raises:
        UnknownIdError: a transformer is not in the network.
    """
    net = supply.network
    off = np.zeros(net.transformers.height + 1, dtype=np.bool_)
    off[net.transformer_index(transformer_ids)] = True
    live = np.append(supply.transformer_place >= 0, False)
    first, second = net.customer_transformer, net.customer_second_transformer
    still_fed = (live & ~off)[first] | (live & ~off)[second]
    lost = (off & live)[first] | (off & live)[second]
    return Affected(Hit(net, np.flatnonzero(off[:-1] & live[:-1]), np.flatnonzero(lost & ~still_fed)), (), ())


def affected_by_fault(supply: Supply, branch_id: str) -> Affected:
    """Return who is off when a fault on a branch has been cleared, before anything is isolated.

    The nearest devices that clear a fault by themselves (breaker, recloser, fuse) on every way from a source trip; such a
    device clears a fault on its own branch. Everything between them goes off, and whatever hangs on it alone. Where no such
    device lies between the fault and a source, the source is lost. An open or dead branch feeds no fault: nobody goes off.

    Raises:
        UnknownIdError: the branch is not in the network.
    """
    net = supply.network
    branch = int(net.branch_index(branch_id)[0])
    zone = _fault_zone(supply, branch)
    after = supply.without_nodes(zone)
    inside = np.zeros(len(net.nodes), dtype=np.bool_)
    inside[zone] = True
    one_end = inside[net.from_node] != inside[net.to_node]
    outer = np.where(inside[net.from_node], net.to_node, net.from_node)
    trips = np.flatnonzero(one_end & ~supply.is_open & (after.place_of[outer] >= 0))
    return _between(supply, after, tuple(net.branches["branch_id"].gather(trips).to_list()))


def _between(before: Supply, after: Supply, opened: tuple[str, ...]) -> Affected:
    """Return who and which branches have supply before and none after."""
    net = before.network
    ends = np.stack([net.from_node, net.to_node])
    lived = (before.place_of[ends] >= 0).any(axis=0) & ~before.is_open
    dead = (after.place_of[ends] < 0).all(axis=0)
    off = net.branches["branch_id"].filter(pl.Series(lived & dead)).to_list()
    return Affected(before.lost_in(after), tuple(branch for branch in off if branch not in set(opened)), opened)


def _fault_zone(supply: Supply, branch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the nodes around a fault that no protective device separates from it."""
    net = supply.network
    ends = np.array([net.from_node[branch], net.to_node[branch]])
    places = supply.place_of[ends]
    if supply.is_open[branch] or (places < 0).any():
        return np.zeros(0, dtype=np.int64)
    joined = ~supply.is_open & ~net.protective
    graph = csr_array(
        (np.ones(joined.sum(), dtype=np.int8), (net.from_node[joined], net.to_node[joined])),
        shape=(len(net.nodes),) * 2,
    )
    _, zone_of = connected_components(graph, directed=False)
    if net.protective[branch]:
        ends = ends[[int(np.argmax(places))]]
    return np.flatnonzero(np.isin(zone_of, zone_of[ends]))

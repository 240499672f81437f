"""The energised forest of one switch state: sums below a branch, sums along the path to the source.

Every energised node is numbered in depth-first order from one virtual root above all sources, so that

* what lies below a branch is one slice of that order,
* a sum below, for all branches at once, is one running sum, and so is a sum along the path.

Loops that are operated closed need no exception. In a depth-first tree every branch outside the tree leads from a node to
one of its own ancestors, and so secures the whole path between them: a tree branch cuts something off only if no such
branch passes it (it is then a bridge; Tarjan, Information Processing Letters 2(6), 1974). How many pass it is a sum below.

A transformer or customer with two supplies hangs on the node where both paths meet: it goes off exactly with a branch above
that node. So every user has one place in the order, and the users below a branch are one slice too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.csgraph import depth_first_order

from network.arrays import Indices, Mask, Numbers

if TYPE_CHECKING:
    from network.topology import Network

Amounts = TypeVar("Amounts", np.float64, np.int64)


@dataclass(frozen=True, eq=False)
class Hit:
    """Who goes off: transformers and customers, by index and by id.

    Attributes:
        network: the network they belong to.
        transformer_index: shape (transformers off,).
        customer_index: shape (customers off,).
    """

    network: Network
    transformer_index: Indices
    customer_index: Indices

    @property
    def transformers(self) -> list[str]:
        """Transformer ids in the order of the table."""
        return self.network.transformers["transformer_id"][np.sort(self.transformer_index)].to_list()

    @property
    def customers(self) -> list[str]:
        """Customer ids in the order of the table."""
        return self.network.customers["customer_id"][np.sort(self.customer_index)].to_list()

    @property
    def customer_count(self) -> int:
        """Number of customers that go off."""
        return len(self.customer_index)


@dataclass(frozen=True, eq=False)
class Supply:
    """Which node hangs on which source, for one state of the switches.

    Places count in depth-first order; place 0 is the virtual root above all sources.

    Attributes:
        network: the network.
        is_open: whether each branch is open, shape (branches,).
        node_at: node index at each place, shape (places,); the root has the number of nodes.
        place_of: place of each node, -1 where it is dead, shape (nodes + 1,).
        parent: place of the node next towards the source, shape (places,); the root has -1.
        end: first place after everything below, shape (places,).
        branch_to: branch by which each place is reached, -1 for sources and the root, shape (places,).
        is_bridge: whether that branch alone cuts the place off, shape (places,).
    """

    network: Network
    is_open: Mask
    node_at: Indices
    place_of: Indices
    parent: Indices
    end: Indices
    branch_to: Indices
    is_bridge: Mask

    @classmethod
    def of(cls, network: Network, is_open: Mask) -> Supply:
        """Energise ``network`` with the branches in ``is_open`` (shape (branches,)) open."""
        root = len(network.nodes)
        closed = np.flatnonzero(~is_open & (network.from_node != network.to_node))
        tail = np.concatenate([network.from_node[closed], np.full(len(network.source_node), root)])
        head = np.concatenate([network.to_node[closed], network.source_node])
        branch = np.concatenate([closed, np.full(len(network.source_node), -1)])
        graph = csr_array(
            (np.ones(2 * len(tail)), (np.concatenate([tail, head]), np.concatenate([head, tail]))),
            shape=(root + 1, root + 1),
        )
        order, predecessor = depth_first_order(graph, root)
        node_at = order.astype(np.int64)
        place_of = np.full(root + 1, -1, dtype=np.int64)
        place_of[node_at] = np.arange(len(node_at))
        parent = np.concatenate([[-1], place_of[predecessor[node_at[1:]]]])
        end = _ends(parent)

        lower = np.maximum(place_of[tail], place_of[head])
        upper = np.minimum(place_of[tail], place_of[head])
        energised = lower >= 0
        lower, upper, branch = lower[energised], upper[energised], branch[energised]
        in_tree = np.flatnonzero(parent[lower] == upper)
        edge_to = np.full(len(node_at), -1, dtype=np.int64)
        edge_to[lower[in_tree]] = in_tree
        outside = np.ones(len(lower), dtype=np.bool_)
        outside[edge_to[1:]] = False
        passing = np.bincount(lower[outside], minlength=len(node_at)) - np.bincount(
            upper[outside], minlength=len(node_at)
        )
        branch_to = np.concatenate([[-1], branch[edge_to[1:]]]).astype(np.int64)
        supply = cls(network, is_open, node_at, place_of, parent, end, branch_to, np.zeros(0, dtype=np.bool_))
        object.__setattr__(supply, "is_bridge", supply.sum_below(passing) == 0)
        return supply

    # Sums ---------------------------------------------------------------------------------------------------------

    def sum_below(self, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
        """Return, for each place, the sum of ``at_place`` (shape (places,)) over it and everything below it."""
        running = np.concatenate([np.zeros(1, dtype=at_place.dtype), np.cumsum(at_place)])
        below: npt.NDArray[Amounts] = running[self.end] - running[:-1]
        return below

    def sum_along_path(self, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
        """Return, for each place, the sum of ``at_place`` (shape (places,)) over it and every place above it."""
        change = np.concatenate([at_place, np.zeros(1, dtype=at_place.dtype)])
        np.subtract.at(change, self.end, at_place)
        return np.cumsum(change)[:-1]

    def along_path(self, of_branch: Numbers) -> Numbers:
        """Return, for each node, the sum of a branch quantity along its path to the source.

        Args:
            of_branch: the quantity, shape (branches,); sources and the root add nothing.

        Returns:
            Shape (nodes,); not a number where a node is dead. On a closed ring the path is that of the search, one of two.
        """
        at_place = np.where(self.branch_to >= 0, of_branch[self.branch_to], 0.0)
        nodes = np.full(len(self.network.nodes), np.nan)
        energised = self.place_of[:-1] >= 0
        nodes[energised] = self.sum_along_path(at_place)[self.place_of[:-1][energised]]
        return nodes

    def users_below(self, weight: Numbers | None = None) -> Numbers:
        """Return, for every branch, the sum over transformers that truly go off when that branch alone opens.

        Args:
            weight: what to sum, shape (transformers,): 1 (the default), customers, kVA, kW ….

        Returns:
            Shape (branches,): zero for open, dead and ring branches.
        """
        live = self.transformer_place >= 0
        values = np.ones(len(live)) if weight is None else weight
        at_place = np.bincount(self.transformer_place[live], weights=values[live], minlength=len(self.end))
        return self._per_branch(self.sum_below(at_place.astype(np.float64)))

    def customers_below(self) -> Numbers:
        """Return, for every branch, how many customers truly go off when that branch alone opens, shape (branches,)."""
        live = self.customer_place[self.customer_place >= 0]
        return self._per_branch(self.sum_below(np.bincount(live, minlength=len(self.end)).astype(np.float64)))

    def _per_branch(self, at_place: Numbers) -> Numbers:
        result = np.zeros(self.network.branches.height)
        cutting = self.is_bridge & (self.branch_to >= 0)
        result[self.branch_to[cutting]] = at_place[cutting]
        return result

    # Slices -------------------------------------------------------------------------------------------------------

    @cached_property
    def transformer_place(self) -> Indices:
        """The place each transformer hangs on, -1 where it is dead, shape (transformers,)."""
        with_root = np.append(self.place_of[:-1], -1)
        return self._meeting_place(
            with_root[self.network.transformer_node], with_root[self.network.transformer_second_node]
        )

    @cached_property
    def customer_place(self) -> Indices:
        """The place each customer hangs on, -1 where it is dead, shape (customers,)."""
        with_none = np.append(self.transformer_place, -1)
        return self._meeting_place(
            with_none[self.network.customer_transformer], with_none[self.network.customer_second_transformer]
        )

    @cached_property
    def _transformers_in_order(self) -> tuple[Indices, Indices]:
        return _in_order(self.transformer_place)

    @cached_property
    def _customers_in_order(self) -> tuple[Indices, Indices]:
        return _in_order(self.customer_place)

    @cached_property
    def _place_below(self) -> Indices:
        result = np.full(self.network.branches.height, -1, dtype=np.int64)
        cutting = np.flatnonzero(self.is_bridge & (self.branch_to >= 0))
        result[self.branch_to[cutting]] = cutting
        return result

    def place_below(self, branches: Indices) -> Indices:
        """Return, for branch indices, the place that each cuts off when it alone opens, -1 where it cuts off nothing."""
        return self._place_below[branches]

    def below(self, branch_ids: str | Iterable[str]) -> Hit:
        """Return who truly goes off when a branch, or a set of branches, opens: nobody on a closed ring.

        Args:
            branch_ids: one branch id or several that open together.

        Raises:
            UnknownIdError: a branch is not in the network.
        """
        branches = self.network.branch_index(branch_ids)
        if len(branches) != 1:
            return self.lost_in(self._with(opened=branches))
        place = self.place_below(branches)[0]
        if place < 0:
            return Hit(self.network, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        span = (place, self.end[place])
        return Hit(self.network, _slice(*self._transformers_in_order, span), _slice(*self._customers_in_order, span))

    def dead(self) -> list[str]:
        """Return the ids of the transformers without supply, in the order of the table."""
        return self.network.transformers["transformer_id"].filter(pl.Series(self.transformer_place < 0)).to_list()

    def lost_in(self, after: Supply) -> Hit:
        """Return who has supply here and none in ``after``."""
        return Hit(
            self.network,
            np.flatnonzero((self.transformer_place >= 0) & (after.transformer_place < 0)),
            np.flatnonzero((self.customer_place >= 0) & (after.customer_place < 0)),
        )

    def switched(self, open: Iterable[str] = (), close: Iterable[str] = ()) -> Supply:  # noqa: A002 (the field's own words)
        """Return the supply after opening and closing branches.

        Raises:
            UnknownIdError: a branch is not in the network.
        """
        return self._with(opened=self.network.branch_index(open), closed=self.network.branch_index(close))

    def without_nodes(self, nodes: Indices) -> Supply:
        """Return the supply with every branch at these nodes open; a source among them is lost with them."""
        touched = np.zeros(len(self.network.nodes), dtype=np.bool_)
        touched[nodes] = True
        at_them = touched[self.network.from_node] | touched[self.network.to_node]
        after = Supply.of(self.network, self.is_open | at_them)
        place_of = after.place_of.copy()
        place_of[nodes] = -1
        return Supply(
            after.network,
            after.is_open,
            after.node_at,
            place_of,
            after.parent,
            after.end,
            after.branch_to,
            after.is_bridge,
        )

    def _with(self, opened: Indices, closed: Indices | None = None) -> Supply:
        is_open = self.is_open.copy()
        is_open[opened] = True
        if closed is not None:
            is_open[closed] = False
        return Supply.of(self.network, is_open)

    # Paths and feeders --------------------------------------------------------------------------------------------

    def path(self, place: int) -> list[int]:
        """Return the branch indices from ``place`` up to its source, nearest first."""
        branches = []
        while place > 0:
            if self.branch_to[place] >= 0:
                branches.append(int(self.branch_to[place]))
            place = int(self.parent[place])
        return branches

    @cached_property
    def source_above(self) -> Indices:
        """The place of the source above each place, 0 for the root, shape (places,)."""
        sources = np.flatnonzero(self.parent == 0)
        above = np.searchsorted(sources, np.arange(1, len(self.end)), side="right") - 1
        return np.concatenate([[0], sources[above]])

    @cached_property
    def node_feeder(self) -> pl.Series:
        """The feeder of each node by the trace: the first label on the way from the source; null where dead or unlabelled."""
        labels = self.network.branches["feeder_id"]
        has_label = np.append(labels.is_not_null().to_numpy(), False)
        labelled = has_label[self.branch_to]
        first = np.flatnonzero(labelled & (self.sum_along_path(labelled.astype(np.int64)) == 1))
        owner = np.full(len(self.end) + 1, 0, dtype=np.int64)
        owner[first] += self.branch_to[first] + 1
        np.subtract.at(owner, self.end[first], self.branch_to[first] + 1)
        at_place = np.cumsum(owner)[:-1] - 1
        places = self.place_of[:-1]
        branch = np.where(places >= 0, at_place[places], -1)
        with_none = pl.concat([labels, pl.Series([None], dtype=pl.String)])
        return with_none.gather(np.where(branch >= 0, branch, len(labels)))

    # Inside -------------------------------------------------------------------------------------------------------

    def _meeting_place(self, first: Indices, second: Indices) -> Indices:
        """Return where the paths of two places meet; the other one where one is -1."""
        low, high = np.maximum(first, second), np.minimum(first, second)
        both = np.flatnonzero(high >= 0)
        inner, outer = low[both], high[both].copy()
        apart = inner >= self.end[outer]
        while apart.any():
            outer[apart] = self.parent[outer[apart]]
            apart = inner >= self.end[outer]
        low[both] = outer
        return low


def _ends(parent: Indices) -> Indices:
    """Return the first place after everything below each place, given parents in depth-first order.

    A place ends where its next sibling begins; a last child ends where its parent does.
    """
    count = len(parent)
    by_parent = np.argsort(parent, kind="stable")
    sibling = np.full(count, -1, dtype=np.int64)
    same = parent[by_parent[1:]] == parent[by_parent[:-1]]
    sibling[by_parent[:-1][same]] = by_parent[1:][same]
    answer = np.where(sibling >= 0, np.arange(count), parent)
    answer[0] = 0
    while not np.array_equal(further := answer[answer], answer):
        answer = further
    sibling[0] = count
    return sibling[answer]


def _in_order(places: Indices) -> tuple[Indices, Indices]:
    """Return the indices of what is live by place, and their places."""
    order = np.argsort(places, kind="stable")
    order = order[np.searchsorted(places[order], 0) :]
    return order, places[order]


def _slice(order: Indices, places: Indices, span: tuple[int, int]) -> Indices:
    first, last = np.searchsorted(places, span)
    return order[first:last]

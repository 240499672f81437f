"""The energised forest of one switch state: sums below a branch, sums along the path to the source.

The forest itself (:mod:`network.forest`) knows nodes and branches; here it meets transformers and customers.

A transformer or customer with two supplies hangs on the node where both paths meet: it goes off exactly with a branch above
that node. So every user has one place in the order, and the users below a branch are one slice too.

A supply is a full state of the switches, and a patch over it for the feeders that were switched since. Who lost or regained
supply is answered from the patch alone; only questions about the whole network energise the whole network again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from network.arrays import NONE, Groups, Indices, Mask, Numbers, distinct
from network.forest import Amounts, Forest, sum_along_path, sum_below
from network.loops import Loop, loops_of
from network.patch import Part, Patch, Pieces
from network.problems import FudianError
from network.representation import Shown
from network.switching_log import in_order
from network.tables.frames import require_table
from network.texts import text
from network.topology import Topology

MOST_PATCHED = 1_000
"""Operations of one call for which feeders are energised one by one; of more, the whole network is at once."""


@dataclass(frozen=True, eq=False, repr=False)
class LostSupply(Shown):
    """Who goes off: transformers and customers, by index and by id.

    Attributes:
        network: the network they belong to.
        transformer_index: shape (transformers off,).
        customer_index: shape (customers off,).
    """

    network: Topology
    transformer_index: Indices
    customer_index: Indices

    def _line(self) -> str:
        return f"LostSupply: {len(self.transformer_index)} transformers, {self.customer_count} customers"

    def _table(self) -> pl.DataFrame:
        return self.network.transformers[np.sort(self.transformer_index)]

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


Hit = LostSupply
"""The former name, for programs that use it."""


@dataclass(frozen=True, eq=False, repr=False)
class Supply(Shown):
    """Which node hangs on which source, for one state of the switches.

    Places count in depth-first order; place 0 is the virtual root above all sources.

    Attributes:
        network: the network.
        patch: the full state, and the feeders in which this one differs from it.
        base: the supply of the full state where this one differs, else nothing.
    """

    network: Topology
    patch: Patch
    base: Supply | None = None

    @classmethod
    def of(cls, network: Topology, is_open: Mask, lost_sources: Indices = NONE) -> Supply:
        """Energise ``network`` with the branches in ``is_open`` (shape (branches,)) open without the sources at some nodes."""
        is_source = network.is_source.copy()
        is_source[lost_sources] = False
        forest = network.forest(is_open, is_source)
        return cls(network, Patch(Pieces(network.from_node, network.to_node, is_source, is_open, forest)))

    @classmethod
    def logged(cls, network: Topology, switching: pl.DataFrame) -> Supply:
        """Energise ``network`` as a log of switching leaves it: each branch by its last operation, the others as normal.

        Raises:
            UnknownIdError: the log operates a branch that the network does not have.
        """
        require_table(switching, "switching")
        log = in_order(switching, network.branches)
        last = log.group_by("branch_id", maintain_order=True).last()
        is_open = network.normally_open.copy()
        is_open[network.branch_index(last["branch_id"].to_list())] = (last["action"] == "open").to_numpy()
        return cls.of(network, is_open)

    def _line(self) -> str:
        dead, every = len(self._dead_transformers), len(self.network.transformer_node)
        return f"Supply: {int(self.is_open.sum())} branches open, {dead} of {every} transformers dead"

    # The order ----------------------------------------------------------------------------------------------------

    @cached_property
    def is_open(self) -> Mask:
        """Whether each branch is open, shape (branches,)."""
        is_open = self.patch.pieces.is_open
        if self.base is not None:
            is_open = is_open.copy()
            is_open[list(self.patch.changed)] = list(self.patch.changed.values())
        return is_open

    @cached_property
    def forest(self) -> Forest:
        """The whole network in depth-first order."""
        pieces = self.patch.pieces
        if self.base is None:
            return pieces.forest
        is_source = pieces.is_source.copy()
        is_source[list(self.patch.lost)] = False
        return self.network.forest(self.is_open, is_source)

    @property
    def node_at(self) -> Indices:
        """Node index at each place, -1 for the root, shape (places,)."""
        return self.forest.node_at

    @property
    def place_of(self) -> Indices:
        """Place of each node, -1 where it is dead, shape (nodes + 1,); the last is -1 for "no node"."""
        return self.forest.place_of

    @property
    def parent(self) -> Indices:
        """Place of the node next towards the source, -1 for the root, shape (places,)."""
        return self.forest.parent

    @property
    def end(self) -> Indices:
        """First place after everything below, shape (places,)."""
        return self.forest.end

    @property
    def branch_to(self) -> Indices:
        """Branch by which each place is reached, -1 for sources and the root, shape (places,)."""
        return self.forest.branch_to

    @property
    def is_bridge(self) -> Mask:
        """Whether that branch alone cuts the place off, shape (places,)."""
        return self.forest.is_bridge

    # Sums ---------------------------------------------------------------------------------------------------------

    def sum_below(self, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
        """Return, for each place, the sum of ``at_place`` (shape (places,)) over it and everything below it."""
        return sum_below(self.end, at_place)

    def sum_along_path(self, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
        """Return, for each place, the sum of ``at_place`` (shape (places,)) over it and every place above it."""
        return sum_along_path(self.end, at_place)

    def along_path(self, of_branch: Numbers | str) -> Numbers:
        """Return, for each node, the sum of a branch quantity along its path to the source.

        Args:
            of_branch: the quantity, shape (branches,), or a column of ``branches``; sources and the root add nothing.

        Returns:
            Shape (nodes,); not a number where a node is dead or a branch on its path has no value. On a closed ring the path
            is that of the search, one of two.
        """
        values = np.append(_numbers(self.network.branches, of_branch), 0.0)
        at_place = values[self.branch_to]
        nodes = np.full(len(self.network.nodes), np.nan)
        energised = self.place_of[:-1] >= 0
        nodes[energised] = self.sum_along_path(at_place)[self.place_of[:-1][energised]]
        return nodes

    def users_below(self, weight: Numbers | str | None = None) -> Numbers:
        """Return, for every branch, the sum over transformers that truly go off when that branch alone opens.

        Args:
            weight: what to sum, shape (transformers,), or a column of ``transformers`` such as ``capacity_kva``; by default
                their number.

        Returns:
            Shape (branches,): zero for open, dead and ring branches; not a number where one below has no value.
        """
        places = self.transformer_place
        if weight is None:
            return self._per_branch(self.sum_below(np.bincount(places[places >= 0], minlength=len(self.end))))
        values = _numbers(self.network.transformers, weight)
        at_place = np.bincount(places[places >= 0], weights=values[places >= 0], minlength=len(self.end))
        return self._per_branch(self.sum_below(at_place))

    def customers_below(self) -> Numbers:
        """Return, for every branch, how many customers truly go off when that branch alone opens, shape (branches,)."""
        net, places = self.network, self.transformer_place
        two_supplies = net.customers_with_two_supplies
        hung = np.concatenate([places, self._meeting_place(two_supplies)])
        weight = np.concatenate([net.customers_with_one_supply, np.ones(len(two_supplies), dtype=np.int64)])
        live = hung >= 0
        at_place = np.bincount(hung[live], weights=weight[live], minlength=len(self.end)).astype(np.int64)
        return self._per_branch(self.sum_below(at_place))

    def _per_branch(self, at_place: Numbers | Indices) -> Numbers:
        result = np.zeros(self.network.branches.height)
        cutting = self.is_bridge & (self.branch_to >= 0)
        result[self.branch_to[cutting]] = at_place[cutting]
        return result

    # Slices -------------------------------------------------------------------------------------------------------

    @cached_property
    def transformer_place(self) -> Indices:
        """The place each transformer hangs on, -1 where it is dead, shape (transformers,)."""
        net = self.network
        return self.forest.meeting_place(
            self.place_of[net.transformer_node], self.place_of[net.transformer_second_node]
        )

    @cached_property
    def customer_place(self) -> Indices:
        """The place each customer hangs on, -1 where it is dead, shape (customers,)."""
        return self._meeting_place(np.arange(self.network.customers.height))

    def _meeting_place(self, customers: Indices) -> Indices:
        with_none, net = np.append(self.transformer_place, -1), self.network
        return self.forest.meeting_place(
            with_none[net.customer_transformer[customers]], with_none[net.customer_second_transformer[customers]]
        )

    @cached_property
    def _transformers_by_place(self) -> Groups:
        return Groups.of(len(self.end), self.transformer_place)

    @cached_property
    def _customers_by_place(self) -> Groups:
        return Groups.of(len(self.end), self.customer_place)

    @cached_property
    def _place_below(self) -> Indices:
        result = np.full(self.network.branches.height, -1, dtype=np.int64)
        cutting = np.flatnonzero(self.is_bridge & (self.branch_to >= 0))
        result[self.branch_to[cutting]] = cutting
        return result

    def place_below(self, branches: Indices) -> Indices:
        """Return, for branch indices, the place that each cuts off when it alone opens, -1 where it cuts off nothing."""
        return self._place_below[branches]

    @cached_property
    def _place_to(self) -> Indices:
        result = np.full(self.network.branches.height, -1, dtype=np.int64)
        forest = self.forest
        leads = np.flatnonzero(forest.branch_to >= 0)
        result[forest.branch_to[leads]] = leads
        closes = np.flatnonzero(forest.back_branch >= 0)
        result[forest.back_branch[closes]] = forest.back_lower[closes]
        return result

    def place_to(self, branches: Indices) -> Indices:
        """Return, for branch indices, the place that each leads to, on a closed ring too; -1 where it carries no supply."""
        return self._place_to[branches]

    def below(self, branch_ids: str | Iterable[str]) -> LostSupply:
        """Return who truly goes off when a branch, or a set of branches, opens: nobody on a closed ring.

        Args:
            branch_ids: one branch id or several that open together.

        Raises:
            UnknownIdError: a branch is not in the network.
        """
        branches = self.network.branch_index(branch_ids)
        if len(branches) != 1 or self.base is not None:
            return self.lost_in(self._switched(opened=branches))
        place = self._place_below[branches[0]]
        if place < 0:
            return LostSupply(self.network, NONE, NONE)
        span = int(place), int(self.end[place])
        return LostSupply(
            self.network, self._transformers_by_place.between(*span), self._customers_by_place.between(*span)
        )

    # States -------------------------------------------------------------------------------------------------------

    @cached_property
    def _dead_transformers(self) -> Indices:
        """Transformers without supply, in rising order."""
        net = self.network
        if self.base is None:
            return np.flatnonzero(self.transformer_place < 0)
        touched = net.transformers_at_node.of_keys(self.patch.nodes)
        untouched = np.setdiff1d(self.base._dead_transformers, touched)
        return distinct(np.concatenate([untouched, touched[~self._transformers_live(touched)]]))

    def dead(self) -> list[str]:
        """Return the ids of the transformers without supply, in the order of the table."""
        return self.network.transformers["transformer_id"].gather(self._dead_transformers).to_list()

    def live(self, nodes: Indices) -> Mask:
        """Return whether each of these nodes has supply; -1 (no node) has none."""
        return self.patch.live(nodes)

    def _transformers_live(self, transformers: Indices) -> Mask:
        net = self.network
        return self.live(net.transformer_node[transformers]) | self.live(net.transformer_second_node[transformers])

    def is_open_at(self, branches: Indices) -> Mask:
        """Return whether each of these branches is open."""
        is_open = self.patch.pieces.is_open[branches]
        changed = self.patch.changed
        for at in np.flatnonzero(np.isin(branches, list(changed))):
            is_open[at] = changed[int(branches[at])]
        return is_open

    def parts_of(self, nodes: Indices) -> list[Part]:
        """Return the feeders that hold these nodes in this state, each with its source and whatever is joined to it.

        Each is a forest of its own; a source's node by itself is one too, and so is a dead island, in which nothing is reached.
        """
        pieces = self.patch.pieces
        found: dict[frozenset[int], Part] = {}
        for piece in np.unique(pieces.of(nodes)).tolist():
            part = self.patch.parts.get(piece) or Part.energise(pieces, [piece], {})
            found.setdefault(part.members, part)
        return list(found.values())

    def nodes_lost_in(self, after: Supply) -> Indices:
        """Return the nodes that have supply here and none in ``after``, rising; only feeders that differ are looked at."""
        if self.patch.pieces is after.patch.pieces:
            nodes = distinct(np.concatenate([self.patch.nodes, after.patch.nodes]))
        else:
            nodes = np.arange(len(self.network.nodes))
        return nodes[self.live(nodes) & ~after.live(nodes)]

    def lost_in(self, after: Supply) -> LostSupply:
        """Return who has supply here and none in ``after``; only the feeders in which the two differ are looked at."""
        net = self.network
        nodes = self.nodes_lost_in(after)
        transformers = net.transformers_at_node.of_keys(nodes)
        transformers = transformers[~after._transformers_live(transformers)]
        customers = net.customers_of_transformer.of_keys(transformers)
        still = np.zeros(len(customers), dtype=np.bool_)
        for supplies in (net.customer_transformer, net.customer_second_transformer):
            known = supplies[customers] >= 0
            still[known] |= after._transformers_live(supplies[customers[known]])
        return LostSupply(net, transformers, customers[~still])

    def switched(self, open: str | Iterable[str] = (), close: str | Iterable[str] = ()) -> Supply:  # noqa: A002 (the field's own words)
        """Return the supply after opening and closing branches; only the feeders that they touch are energised again.

        A tie closed between two live feeders joins them: nobody goes off, and the loop shows in :attr:`loops`.

        Raises:
            UnknownIdError: a branch is not in the network.
            FudianError: a branch is to be opened and closed at once.
        """
        return self._switched(self.network.branch_index(open), self.network.branch_index(close))

    def _switched(self, opened: Indices, closed: Indices = NONE) -> Supply:
        both = np.intersect1d(opened, closed)
        if len(both):
            branch = self.network.branches["branch_id"][int(both[0])]
            raise FudianError(
                text("branch {id} is to be opened and closed at once", id=branch),
                text("Give one operation per branch; two in a row are two calls."),
            )
        if len(opened) + len(closed) > MOST_PATCHED:
            return self._anew(opened, closed)
        patch = self.patch.switched(opened.tolist(), closed.tolist())
        full = self.base or self
        return Supply(self.network, patch, full) if patch.parts else full

    def _anew(self, opened: Indices, closed: Indices, lost: Indices = NONE) -> Supply:
        """Return the supply after so many operations that the whole network is energised at once."""
        is_open = self.is_open.copy()
        is_open[opened], is_open[closed] = True, False
        sources = self.network.source_node
        before = sources[~self.patch.pieces.is_source[sources]]
        gone = np.array(sorted({*self.patch.lost, *before.tolist(), *lost.tolist()}), dtype=np.int64)
        return Supply.of(self.network, is_open, gone)

    def without_nodes(self, nodes: Indices) -> Supply:
        """Return the supply with every branch at these nodes open; a source among them is lost with them.

        Only the feeders that they belong to are energised again.
        """
        at_them = self.network.branches_at_node.of_keys(nodes)
        lost = nodes[self.patch.pieces.is_source[nodes]]
        if len(at_them) > MOST_PATCHED:
            return self._anew(at_them, NONE, lost)
        patch = self.patch.switched(at_them.tolist(), (), lost.tolist())
        full = self.base or self
        return Supply(self.network, patch, full) if patch.parts else full

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """The loops that are closed in this state: rings, parallel branches, and feeders or sources run in parallel."""
        pieces = self.patch.pieces
        if self.base is None:
            return loops_of(self.network, pieces.forest)
        own = pieces.of_branches(np.array([loop.branch_index[0] for loop in self.base.loops], dtype=np.int64))
        kept = [
            loop for loop, piece in zip(self.base.loops, own.tolist(), strict=True) if piece not in self.patch.parts
        ]
        new = (loop for part in self.patch.distinct for loop in loops_of(self.network, part.forest))
        return (*kept, *new)

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
    def head_above(self) -> Indices:
        """The place of the feeder's head above each place: the first below a source, or the source itself; shape (places,)."""
        at_source = self.parent == 0
        heads = np.flatnonzero(at_source | ((self.parent > 0) & at_source[self.parent]))
        above = np.searchsorted(heads, np.arange(1, len(self.end)), side="right") - 1
        return np.concatenate([[0], heads[above]])

    @cached_property
    def node_feeder(self) -> pl.Series:
        """The feeder of each node by the trace: the first label on the way from the source; null where dead or unlabelled."""
        return self.network.node_feeder(self.forest)


def _numbers(table: pl.DataFrame, values: Numbers | str) -> Numbers:
    """Return a column as numbers, not a number where it is blank; numbers as they are."""
    if isinstance(values, str):
        return table[values].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values

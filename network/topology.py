"""The topology 站-线-变-户: nodes, branches, transformers and customers as arrays, whatever the state of the switches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from network.arrays import NONE, Groups, Indices, Mask
from network.forest import Forest, first_label_on_path
from network.ids import Places, each_of
from network.problems import Problem, UnknownIdError, WorkspaceError
from network.representation import Shown
from network.tables.workspace import Workspace
from network.texts import text

PROTECTIVE_KINDS = ("breaker", "recloser", "fuse")
"""Devices that clear a fault by themselves."""

SWITCHING_KINDS = (*PROTECTIVE_KINDS, "switch", "disconnector")
"""Devices that can be opened."""


@dataclass(frozen=True, eq=False, repr=False)
class Topology(Shown):
    """Tables turned into arrays once, shared by every state of the switches.

    The index of a branch, transformer or customer is its row in the table; the index of a node is its place in ``nodes``.

    Attributes:
        branches: the table ``branches`` of a workspace.
        transformers: the table ``transformers`` of a workspace.
        customers: the table ``customers`` of a workspace.
        feeders: the table ``feeders`` of a workspace.
        sources: the table ``sources`` of a workspace.
        nodes: node ids, shape (nodes,), as text.
        from_node, to_node: node index at each end of a branch, shape (branches,).
        source_node: node index of each source, shape (sources,).
        transformer_node, transformer_second_node: node index of each supply, -1 where there is none, shape (transformers,).
        customer_transformer, customer_second_transformer: transformer index of each supply, -1 where there is none,
            shape (customers,).
        workspace: the workspace that the tables came from, with its settings.
    """

    branches: pl.DataFrame
    transformers: pl.DataFrame
    customers: pl.DataFrame
    feeders: pl.DataFrame
    sources: pl.DataFrame
    nodes: pl.Series
    from_node: Indices
    to_node: Indices
    source_node: Indices
    transformer_node: Indices
    transformer_second_node: Indices
    customer_transformer: Indices
    customer_second_transformer: Indices
    workspace: Workspace

    def _line(self) -> str:
        return (
            f"{type(self).__name__}: {len(self.source_node)} sources, {self.branches.height} branches, "
            f"{self.transformers.height} transformers, {self.customers.height} customers"
        )

    @cached_property
    def normally_open(self) -> Mask:
        """Whether each branch is open in the normal state, shape (branches,)."""
        return self.branches["normally_open"].fill_null(value=False).to_numpy()

    @cached_property
    def protective(self) -> Mask:
        """Whether each branch clears a fault by itself (breaker, recloser, fuse), shape (branches,)."""
        return self.branches["kind"].is_in(PROTECTIVE_KINDS).fill_null(value=False).to_numpy()

    @cached_property
    def transformers_at_node(self) -> Groups:
        """The transformers at each node, by either supply."""
        return Groups.of(len(self.nodes), self.transformer_node, self.transformer_second_node)

    @cached_property
    def branches_at_node(self) -> Groups:
        """The branches that end at each node."""
        return Groups.of(len(self.nodes), self.from_node, self.to_node)

    @cached_property
    def switching(self) -> Mask:
        """Whether each branch is a device that can be opened, shape (branches,)."""
        return self.branches["kind"].is_in(SWITCHING_KINDS).fill_null(value=False).to_numpy()

    @cached_property
    def remote(self) -> Mask:
        """Whether each branch is operated remotely, shape (branches,); one of which that is not known is not."""
        return self.branches["remote"].fill_null(value=False).to_numpy()

    def branch_ids(self, branches: Indices) -> list[str]:
        """Return the ids of some branches."""
        ids = self._branch_ids
        return [ids[branch] for branch in branches.tolist()]

    @cached_property
    def _branch_ids(self) -> list[str]:
        return self.branches["branch_id"].to_list()

    def of_kind(self, kinds: Iterable[str]) -> Mask:
        """Return whether each branch is of one of these kinds, shape (branches,)."""
        wanted = frozenset(kinds)
        if wanted not in self._of_kinds:
            found = self.branches["kind"].is_in(list(wanted)).fill_null(value=False).to_numpy()
            found.flags.writeable = False
            self._of_kinds[wanted] = found
        return self._of_kinds[wanted]

    @cached_property
    def _of_kinds(self) -> dict[frozenset[str], Mask]:
        return {}

    @cached_property
    def customers_of_transformer(self) -> Groups:
        """The customers of each transformer, by either supply."""
        return Groups.of(self.transformers.height, self.customer_transformer, self.customer_second_transformer)

    @cached_property
    def customers_with_two_supplies(self) -> Indices:
        """Customers that two transformers feed, in rising order."""
        return np.flatnonzero((self.customer_transformer >= 0) & (self.customer_second_transformer >= 0))

    @cached_property
    def customers_with_one_supply(self) -> Indices:
        """How many customers each transformer feeds alone, shape (transformers,)."""
        only = np.maximum(self.customer_transformer, self.customer_second_transformer)
        alone = (only >= 0) & (np.minimum(self.customer_transformer, self.customer_second_transformer) < 0)
        return np.bincount(only[alone], minlength=self.transformers.height)

    @cached_property
    def is_source(self) -> Mask:
        """Whether each node is a source, shape (nodes,)."""
        is_source = np.zeros(len(self.nodes), dtype=np.bool_)
        is_source[self.source_node] = True
        return is_source

    def forest(self, is_open: Mask, is_source: Mask) -> Forest:
        """Return the nodes in depth-first order from the sources through the branches that are closed.

        Args:
            is_open: whether each branch is open, shape (branches,).
            is_source: whether each node feeds the others, shape (nodes,).
        """
        closed = np.flatnonzero(~is_open)
        return Forest.grow(
            len(is_source), closed, self.from_node[closed], self.to_node[closed], np.flatnonzero(is_source)
        )

    @cached_property
    def normal_forest(self) -> Forest:
        """The forest of the normal state."""
        return self.forest(self.normally_open, self.is_source)

    @cached_property
    def transformer_feeder(self) -> pl.Series:
        """The feeder of each transformer: its own label, else that of the trace in the normal state; shape (transformers,)."""
        traced = pl.concat([self.node_feeder(self.normal_forest), pl.Series([None], dtype=pl.String)])
        by_trace = traced.gather(np.where(self.transformer_node >= 0, self.transformer_node, len(traced) - 1))
        return pl.select(feeder_id=pl.coalesce(self.transformers["feeder_id"], by_trace)).to_series()

    def node_feeder(self, forest: Forest) -> pl.Series:
        """Return the feeder of each node: the first label on its way from the source; null where dead or unlabelled."""
        labels = self.branches["feeder_id"]
        branch = first_label_on_path(forest, labels.is_not_null().to_numpy())
        with_none = pl.concat([labels, pl.Series([None], dtype=pl.String)])
        return with_none.gather(np.where(branch >= 0, branch, len(labels)))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the tables."""
        return self.workspace.problems

    def require_sources(self) -> None:
        """Make sure that the network can say who hangs on what.

        Raises:
            WorkspaceError: no source or no branch can be used.
        """
        for table, rows in (("sources", self.sources), ("branches", self.branches)):
            if rows.is_empty():
                raise WorkspaceError(
                    text("The network has no usable {table}, so nobody is known to hang on anything.", table=table),
                    self.workspace.problems_of(table),
                    text("Add the table {table} to the workspace.", table=table),
                )

    @cached_property
    def _branch_index(self) -> Mapping[str, int]:
        return {branch: index for index, branch in enumerate(self.branches["branch_id"].to_list())}

    @cached_property
    def _transformer_index(self) -> Mapping[str, int]:
        return _rows_by_id(self.transformers["transformer_id"], self.transformer_node)

    @cached_property
    def customer_places(self) -> Places:
        """Where each customer id stands first in the table."""
        return Places(self.customers["customer_id"])

    @cached_property
    def _customer_of_first(self) -> Indices:
        """The row of each id where it occurs first; of one that was moved (R1.19) the last that hangs somewhere."""
        first = self.customer_places.first
        stands = np.empty(len(first), dtype=np.int64)
        stands[first] = np.arange(len(first))  # what is written last stays
        hangs = np.flatnonzero(self.customer_transformer >= 0)
        stands[first[hangs]] = hangs
        return stands

    @cached_property
    def _node_index(self) -> Mapping[str, int]:
        return {node: index for index, node in enumerate(self.nodes.to_list())}

    def branch_index(self, branch_ids: str | Iterable[str]) -> Indices:
        """Return the indices of branches.

        Raises:
            UnknownIdError: an id is not in the network; the error names the nearest ones.
        """
        return _look_up("branch", branch_ids, self._branch_index)

    def transformer_index(self, transformer_ids: str | Iterable[str]) -> Indices:
        """Return the indices of transformers.

        Raises:
            UnknownIdError: an id is not in the network; the error names the nearest ones.
        """
        return _look_up("transformer", transformer_ids, self._transformer_index)

    def node_index(self, nodes: str | Iterable[str]) -> Indices:
        """Return the indices of nodes.

        Raises:
            UnknownIdError: a node is not in the network; the error names the nearest ones.
        """
        return _look_up("node", nodes, self._node_index)

    def known_branches(self, branch_ids: Iterable[str]) -> tuple[Indices, Indices]:
        """Return the indices of the branches that are known, and which of ``branch_ids`` they are."""
        return _known(branch_ids, self._branch_index)

    def known_transformers(self, transformer_ids: Iterable[str]) -> tuple[Indices, Indices]:
        """Return the indices of the transformers that are known, and which of ``transformer_ids`` they are."""
        return _known(transformer_ids, self._transformer_index)

    def known_customers(self, customer_ids: Iterable[str]) -> tuple[Indices, Indices]:
        """Return the indices of the customers that are known, and which of ``customer_ids`` they are."""
        wanted = pl.Series(list(customer_ids), dtype=pl.String)
        if wanted.is_empty():
            return NONE, NONE
        first = self.customer_places.of(wanted)
        which = np.flatnonzero(first >= 0)
        return self._customer_of_first[first[which]], which


def _rows_by_id(ids: pl.Series, hangs_on: Indices) -> Mapping[str, int]:
    """Return the row of each id; of one that was moved (R1.19) the last that hangs somewhere."""
    rows = {id_: row for row, id_ in enumerate(ids.to_list())}
    if len(rows) < len(ids):
        rows |= {id_: row for row, id_ in enumerate(ids.to_list()) if hangs_on[row] >= 0}
    return rows


def _look_up(kind: str, ids: str | Iterable[str], known: Mapping[str, int]) -> Indices:
    wanted = each_of(ids)
    for id_ in wanted:
        if id_ not in known:
            raise UnknownIdError(kind, id_, known)
    return np.array([known[id_] for id_ in wanted], dtype=np.int64)


def _known(ids: Iterable[str], known: Mapping[str, int]) -> tuple[Indices, Indices]:
    found = [(known[id_], which) for which, id_ in enumerate(ids) if id_ in known]
    return tuple(np.array(found, dtype=np.int64).reshape(-1, 2).T)  # type: ignore[return-value]

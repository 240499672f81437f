"""The network: nodes, branches, transformers and customers as arrays, whatever the state of its switches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from network.arrays import Groups, Indices, Mask
from network.problems import Problem, UnknownIdError, WorkspaceError
from network.supply import Supply
from network.tables.workspace import Workspace
from network.texts import text
from network.topology_checks import topology_problems

if TYPE_CHECKING:
    import networkx as nx


PROTECTIVE_KINDS = ("breaker", "recloser", "fuse")
"""Devices that clear a fault by themselves."""

SWITCHING_KINDS = (*PROTECTIVE_KINDS, "switch", "disconnector")
"""Devices that can be opened."""


@dataclass(frozen=True, eq=False)
class Network:
    """A distribution network: tables turned into arrays once, shared by every state of the switches.

    The index of a branch, transformer or customer is its row in the table; the index of a node is its place in ``nodes``.

    Attributes:
        branches: table of the contract.
        transformers: table of the contract.
        customers: table of the contract.
        feeders: table of the contract.
        sources: table of the contract.
        nodes: node ids, shape (nodes,), as text.
        from_node, to_node: node index at each end of a branch, shape (branches,).
        source_node: node index of each source, shape (sources,).
        transformer_node, transformer_second_node: node index of each supply, -1 where there is none, shape (transformers,).
        customer_transformer, customer_second_transformer: transformer index of each supply, -1 where there is none,
            shape (customers,).
        workspace: the workspace that the tables came from, with its settings.
        whole: the network with all that was ever in service, where this one is that of a moment.
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
    whole: Network | None = None

    @classmethod
    def from_text(
        cls, diagram: str, tables: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> Network:
        """Return the network of a one-line text: ``Network.from_text("=S -[K1]- 1 -L1 2.5km- 2; T1(30) @ 2")``.

        Args:
            diagram: chains of nodes and branches, and transformers, as :mod:`network.readers.one_line` describes.
            tables: further tables by name (``feeders``, ``switching`` …): frames or lists of dictionaries.
            settings: what ``fudian.toml`` would hold.

        Raises:
            OneLineError: the text cannot be read; the error says where, and how it is written.
        """
        from network.building import network_from_tables
        from network.readers.one_line import one_line_tables

        return network_from_tables({**one_line_tables(diagram), **(tables or {})}, settings)

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
    def transformer_feeder(self) -> pl.Series:
        """The feeder of each transformer: its own label, else that of the trace in the normal state; shape (transformers,)."""
        traced = pl.concat([self.energise().node_feeder, pl.Series([None], dtype=pl.String)])
        by_trace = traced.gather(np.where(self.transformer_node >= 0, self.transformer_node, len(traced) - 1))
        return pl.select(feeder_id=pl.coalesce(self.transformers["feeder_id"], by_trace)).to_series()

    def in_service(self, at: datetime) -> Network:
        """Return the network of a moment: transformers and customers not in service then hang nowhere, and keep their index."""
        if self.whole is not None:
            return self.whole.in_service(at)
        transformers, customers = _serving(self.transformers, at), _serving(self.customers, at)
        if transformers.all() and customers.all():
            return self
        return replace(
            self,
            transformer_node=np.where(transformers, self.transformer_node, -1),
            transformer_second_node=np.where(transformers, self.transformer_second_node, -1),
            customer_transformer=np.where(customers, self.customer_transformer, -1),
            customer_second_transformer=np.where(customers, self.customer_second_transformer, -1),
            whole=self,
        )

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the tables and with the topology in the normal state."""
        if self.whole is not None:
            return self.whole.problems
        return (*self.workspace.problems, *topology_problems(self))

    def check(self, language: str = "en", further: Iterable[Problem] = ()) -> dict[str, Any]:
        """Return the contract's check: ``errors`` and ``warnings`` of tables, topology and what else was found; ``counts``."""
        problems = [*self.problems, *further]
        by_severity = {
            name: [problem.as_dict(language) for problem in problems if problem.severity == severity]
            for name, severity in (("errors", "error"), ("warnings", "warning"))
        }
        return by_severity | {"counts": self.workspace.check(language)["counts"]}

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
        return {transformer: index for index, transformer in enumerate(self.transformers["transformer_id"].to_list())}

    @cached_property
    def _customer_index(self) -> Mapping[str, int]:
        return {customer: index for index, customer in enumerate(self.customers["customer_id"].to_list())}

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

    def known_branches(self, branch_ids: Iterable[str]) -> tuple[Indices, Indices]:
        """Return the indices of the branches that are known, and which of ``branch_ids`` they are."""
        return _known(branch_ids, self._branch_index)

    def known_transformers(self, transformer_ids: Iterable[str]) -> tuple[Indices, Indices]:
        """Return the indices of the transformers that are known, and which of ``transformer_ids`` they are."""
        return _known(transformer_ids, self._transformer_index)

    def known_customers(self, customer_ids: Iterable[str]) -> tuple[Indices, Indices]:
        """Return the indices of the customers that are known, and which of ``customer_ids`` they are."""
        wanted = list(customer_ids)
        return _known(wanted, self._customer_index if wanted else {})

    def energise(self, switching: pl.DataFrame | None = None, at: datetime | None = None) -> Supply:
        """Return which node hangs on which source.

        Args:
            switching: table of the contract (``time``, ``branch_id``, ``action``); the normal state without it.
            at: operations after this time are left out; ``None`` takes them all.

        Raises:
            UnknownIdError: the log operates a branch that the network does not have.
        """
        if switching is None or switching.is_empty():
            return self._normal
        log = switching if at is None else switching.filter(pl.col("time") <= at)
        last = log.sort("time", maintain_order=True).group_by("branch_id", maintain_order=True).last()
        is_open = self.normally_open.copy()
        is_open[self.branch_index(last["branch_id"].to_list())] = (last["action"] == "open").to_numpy()
        return Supply.of(self, is_open)

    @cached_property
    def _normal(self) -> Supply:
        return Supply.of(self, self.normally_open)

    def graph(self) -> nx.MultiGraph:
        """Return the network as a networkx multigraph for anyone's own analysis.

        Nodes are node ids with ``source`` (bool); edges are keyed by branch id and carry the columns of ``branches``.
        """
        import networkx as nx

        graph = nx.MultiGraph()
        sources = set(self.source_node.tolist())
        graph.add_nodes_from((node, {"source": index in sources}) for index, node in enumerate(self.nodes))
        graph.add_edges_from(
            (branch["from_node"], branch["to_node"], branch["branch_id"], branch) for branch in self.branches.to_dicts()
        )
        return graph


def _serving(table: pl.DataFrame, at: datetime) -> Mask:
    """Return which rows are in service at a moment: begun, or without a date, and not retired."""
    begun = pl.col("in_service").is_null() | (pl.col("in_service") <= at)
    ended = pl.col("retired").is_not_null() & (pl.col("retired") <= at)
    return table.select(begun & ~ended).to_series().to_numpy()


def _look_up(kind: str, ids: str | Iterable[str], known: Mapping[str, int]) -> Indices:
    wanted = [ids] if isinstance(ids, str) else list(ids)
    for each in wanted:
        if each not in known:
            raise UnknownIdError(kind, each, known)
    return np.array([known[each] for each in wanted], dtype=np.int64)


def _known(ids: Iterable[str], known: Mapping[str, int]) -> tuple[Indices, Indices]:
    found = [(known[each], which) for which, each in enumerate(ids) if each in known]
    return tuple(np.array(found, dtype=np.int64).reshape(-1, 2).T)  # type: ignore[return-value]

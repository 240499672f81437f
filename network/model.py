"""The network of a workspace: its topology, what energises it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from network.arrays import Indices, Mask
from network.ids import Places
from network.problems import Problem
from network.readers.one_line import one_line_tables
from network.supply import Supply
from network.tables.table_form import ROW
from network.tables.workspace import FrameOrRows, Workspace, read_workspace, workspace
from network.topology import Topology
from network.topology_checks import topology_problems

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Jumper:
    """A temporary line 临时跳线 between two nodes.

    Attributes:
        branch_id: its name; no branch has it.
        from_node, to_node: what it joins.
    """

    branch_id: str
    from_node: str
    to_node: str


@dataclass(frozen=True, eq=False, repr=False)
class Network(Topology):
    """A distribution network: a topology that can be energised in any state of its switches and says what is wrong with it.

    Attributes:
        whole: the network with all that was ever in service, where this one is that of a moment.
    """

    whole: Network | None = None

    @classmethod
    def from_text(
        cls, diagram: str, tables: Mapping[str, FrameOrRows] | None = None, settings: Mapping[str, Any] | None = None
    ) -> Network:
        """Return the network of a one-line text: ``Network.from_text("=S -[K1]- 1 -L1 2.5km- 2; T1(30) @ 2")``.

        Args:
            diagram: chains of nodes and branches, and transformers, as :mod:`network.readers.one_line` describes.
            tables: further tables by name (``feeders``, ``switching`` …): frames or lists of dictionaries.
            settings: what ``fudian.toml`` would hold.

        Raises:
            OneLineError: the text cannot be read; the error says where, and how it is written.
        """
        return network_from_tables({**one_line_tables(diagram), **(tables or {})}, settings)

    def in_service(self, at: datetime) -> Network:
        """Return the network of a moment: transformers and customers not in service then hang nowhere, and keep their index."""
        if self.whole is not None:
            return self.whole.in_service(at)
        transformers, customers = serving(self.transformers, at), serving(self.customers, at)
        if transformers.all() and customers.all():
            return self
        now = _present_row(self.transformers["transformer_id"], transformers)
        return replace(
            self,
            transformer_node=np.where(transformers, self.transformer_node, -1),
            transformer_second_node=np.where(transformers, self.transformer_second_node, -1),
            customer_transformer=np.where(customers, now[self.customer_transformer], -1),
            customer_second_transformer=np.where(customers, now[self.customer_second_transformer], -1),
            whole=self,
        )

    def joined(self, jumpers: Sequence[Jumper]) -> Network:
        """Return the network with temporary lines; its branches come after all others, which keep their index.

        Raises:
            UnknownIdError: a jumper names a node that the network does not have.
        """
        if not jumpers:
            return self
        rows = pl.DataFrame(
            [vars(jumper) | {"kind": "line", "normally_open": False, "remote": False} for jumper in jumpers]
        )
        return replace(
            self,
            branches=pl.concat([self.branches, rows], how="diagonal_relaxed"),
            from_node=np.append(self.from_node, self.node_index([jumper.from_node for jumper in jumpers])),
            to_node=np.append(self.to_node, self.node_index([jumper.to_node for jumper in jumpers])),
        )

    @cached_property
    def customer_places(self) -> Places:
        """Where each customer id stands first in the table; the same for every moment."""
        return super().customer_places if self.whole is None else self.whole.customer_places

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the tables and with the topology in the normal state."""
        if self.whole is not None:
            return self.whole.problems
        return (*self.workspace.problems, *topology_problems(self, self._normal))

    def check(self, language: str = "en", further: Iterable[Problem] = ()) -> dict[str, Any]:
        """Return what is wrong: ``errors`` and ``warnings`` of tables, topology and what else was found; ``counts``."""
        problems = [*self.problems, *further]
        by_severity = {
            name: [problem.as_dict(language) for problem in problems if problem.severity == severity]
            for name, severity in (("errors", "error"), ("warnings", "warning"))
        }
        return by_severity | {"counts": self.workspace.check(language)["counts"]}

    def energise(self, switching: pl.DataFrame | None = None, at: datetime | None = None) -> Supply:
        """Return which node hangs on which source.

        Args:
            switching: the table ``switching`` of a workspace (``time``, ``branch_id``, ``action``); the normal state without it.
            at: operations after this time are left out; ``None`` takes them all.

        Raises:
            UnknownIdError: the log operates a branch that the network does not have.
        """
        if switching is None or switching.is_empty():
            return self._normal
        return Supply.logged(self, switching if at is None else switching.filter(pl.col("time") <= at))

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


def read_network(folder: str | Path | Workspace) -> Network:
    """Read a workspace and return its network; what is wrong with it is in ``network.problems``.

    Args:
        folder: a folder with the tables of a workspace, or a workspace that has been read already.

    Raises:
        WorkspaceError: the folder is missing or holds no table.
    """
    return build_network(folder if isinstance(folder, Workspace) else read_workspace(folder))


def network_from_tables(tables: Mapping[str, FrameOrRows], settings: Mapping[str, Any] | None = None) -> Network:
    """Return the network of tables in memory (frames of Polars, pandas or Arrow, or lists of dictionaries) by table name."""
    return build_network(workspace(tables, settings))


def build_network(source: Workspace) -> Network:
    """Turn the tables of a workspace into arrays."""
    tables = source.tables
    transformers = tables["transformers"]
    sources, branches = _with_generation(tables["sources"], tables["branches"])
    ends = pl.concat([branches["from_node"], branches["to_node"], sources["node"]])
    places = Places(ends)
    is_first = places.first == np.arange(len(ends))
    node_at = np.append(np.cumsum(is_first) - 1, -1)
    from_node, to_node, source_node = np.split(node_at[places.first], [branches.height, 2 * branches.height])
    return Network(
        branches=branches,
        transformers=transformers,
        customers=tables["customers"],
        feeders=tables["feeders"],
        sources=sources,
        nodes=ends.filter(pl.Series(is_first)).alias("node"),
        from_node=from_node,
        to_node=to_node,
        source_node=source_node,
        transformer_node=node_at[places.of(transformers["node"])],
        transformer_second_node=node_at[places.of(transformers["second_node"])],
        customer_transformer=_transformer_of_customer(source, "transformer_id"),
        customer_second_transformer=_transformer_of_customer(source, "second_transformer_id"),
        workspace=source,
    )


ISLAND = "-island"
"""What follows the node of generation in the id of the breaker by which it begins to feed an island."""


def _with_generation(sources: pl.DataFrame, branches: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the sources without generation, which feeds nobody by itself, and the branches.

    Generation that may feed an island alone, and says what it can give, stands beyond a breaker that is open as long as the grid
    feeds its node, and may never be closed onto a live one.
    """
    if sources["grid_forming"].null_count() == sources.height:
        return sources, branches
    buses = sources.filter(pl.col("grid_forming").is_null())
    islands = sources.filter(pl.col("grid_forming") & pl.col("capacity_a").is_not_null())
    behind = islands.with_columns(pl.col("node") + "-generator")
    breakers = islands.select(
        pl.col("node").add(ISLAND).alias("branch_id"),
        pl.col("node").add("-generator").alias("from_node"),
        pl.col("node").alias("to_node"),
        pl.lit("breaker").alias("kind"),
        pl.lit(value=True).alias("normally_open"),
        pl.lit(value=False).alias("remote"),
        pl.lit(value=False).alias("may_parallel"),
        pl.coalesce("name", "node").alias("name"),
        pl.col(ROW),
    )
    return pl.concat([buses, behind]), pl.concat([branches, breakers], how="diagonal")


def _transformer_of_customer(source: Workspace, column: str) -> Indices:
    """Return the transformer of each customer, as the check of the tables found it where it has looked."""
    found = source.places.get(f"customers.{column}")
    if found is None:
        found = Places(source.tables["transformers"]["transformer_id"]).of(source.tables["customers"][column])
    return found


def _present_row(ids: pl.Series, serving: Mask) -> Indices:
    """Return the row that serves under the id of each row, else the row itself (R1.19); at the end -1 for no row."""
    rows = pl.DataFrame({"id": ids, "serves": pl.Series(serving), "row": np.arange(len(ids), dtype=np.int64)})
    present = pl.col("row").filter("serves").first().over("id") if rows["id"].is_duplicated().any() else pl.col("row")
    return np.append(rows.select(pl.coalesce(present, "row")).to_series().to_numpy(), -1)


def serving(table: pl.DataFrame, at: datetime) -> Mask:
    """Return which rows are in service at a moment: begun, or without a date, and not retired."""
    begun = pl.col("in_service").is_null() | (pl.col("in_service") <= at)
    ended = pl.col("retired").is_not_null() & (pl.col("retired") <= at)
    return table.select(begun & ~ended).to_series().to_numpy()

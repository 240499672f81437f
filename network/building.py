"""From tables to the arrays of a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from network.arrays import Indices
from network.topology import Network
from network.workspace import Workspace, read_workspace, workspace


def read_network(folder: str | Path | Workspace) -> Network:
    """Read a workspace and return its network; what is wrong with it is in ``network.problems``.

    Args:
        folder: a folder with the tables of the contract, or a workspace that has been read already.

    Raises:
        WorkspaceError: the folder is missing or holds no table.
    """
    return build_network(folder if isinstance(folder, Workspace) else read_workspace(folder))


def network_from_tables(tables: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> Network:
    """Return the network of tables in memory (Polars or pandas frames, or lists of dictionaries) by table name."""
    return build_network(workspace(tables, settings))


def build_network(source: Workspace) -> Network:
    """Turn the tables of a workspace into arrays."""
    tables = source.tables
    branches, transformers, customers = tables["branches"], tables["transformers"], tables["customers"]
    nodes = (
        pl.concat([branches["from_node"], branches["to_node"], tables["sources"]["node"]])
        .drop_nulls()
        .unique(maintain_order=True)
        .alias("node")
    )
    transformer_ids = transformers["transformer_id"]
    return Network(
        branches=branches,
        transformers=transformers,
        customers=customers,
        feeders=tables["feeders"],
        sources=tables["sources"],
        nodes=nodes,
        from_node=_positions(branches["from_node"], nodes),
        to_node=_positions(branches["to_node"], nodes),
        source_node=_positions(tables["sources"]["node"], nodes),
        transformer_node=_positions(transformers["node"], nodes),
        transformer_second_node=_positions(transformers["second_node"], nodes),
        customer_transformer=_positions(customers["transformer_id"], transformer_ids),
        customer_second_transformer=_positions(customers["second_transformer_id"], transformer_ids),
        workspace=source,
    )


def _positions(values: pl.Series, known: pl.Series) -> Indices:
    """Return the place of each value in ``known``, -1 where it is blank or not there."""
    table = pl.DataFrame({"id": known, "place": pl.int_range(len(known), dtype=pl.Int64, eager=True)})
    wanted = pl.DataFrame({"id": values})
    return wanted.join(table, on="id", how="left", maintain_order="left")["place"].fill_null(-1).to_numpy()

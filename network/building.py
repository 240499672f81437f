"""From tables to the arrays of a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from network.arrays import Indices
from network.ids import Places
from network.tables.workspace import Workspace, read_workspace, workspace
from network.topology import Network


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
    branches, transformers = tables["branches"], tables["transformers"]
    ends = pl.concat([branches["from_node"], branches["to_node"], tables["sources"]["node"]])
    places = Places(ends)
    is_first = places.first == np.arange(len(ends))
    node_at = np.append(np.cumsum(is_first) - 1, -1)
    from_node, to_node, source_node = np.split(node_at[places.first], [branches.height, 2 * branches.height])
    return Network(
        branches=branches,
        transformers=transformers,
        customers=tables["customers"],
        feeders=tables["feeders"],
        sources=tables["sources"],
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


def _transformer_of_customer(source: Workspace, column: str) -> Indices:
    """Return the transformer of each customer, as the check of the tables found it where it has looked."""
    found = source.places.get(f"customers.{column}")
    if found is None:
        found = Places(source.tables["transformers"]["transformer_id"]).of(source.tables["customers"][column])
    return found
